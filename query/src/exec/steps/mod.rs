//! Steps over row streams, one file per noun.
//!
//! No step reads a row before its first row is asked for. Those that can give rows as they get them do; the others do
//! their work when the first row is asked for, so that their errors come with the rows. What a step holds it takes from
//! the query's memory, and every few hundred rows it looks whether the query may go on. An error ends a stream: what
//! comes after it means nothing.

mod asof;
mod columns;
mod context;
mod distinct;
mod ends;
mod gaps;
mod held;
mod histogram;
mod join;
mod key;
mod lifecycle;
mod merge;
mod neighbours;
mod place;
mod related;
mod right;
mod sample;
mod sessions;
mod sort;
#[cfg(test)]
mod tests;
mod timeline;

use std::sync::Arc;

pub(crate) use sort::Rank;

use super::execution::{Execution, RowStream, Source};
use crate::error::Result;
use crate::plan::step::Step;

/// The rows that a step makes of others.
///
/// # Errors
/// None is given before a row is asked for, but for those of aggregation.
pub(crate) fn apply(
    step: &Step,
    input: RowStream,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> Result<RowStream> {
    Ok(match step {
        Step::Where(condition) => columns::keep(input, condition, execution),
        Step::Fields(columns) => columns::fields(input, columns),
        Step::FieldsExcept(columns) => columns::except(input, columns),
        Step::Extend(columns) => columns::extend(input, columns),
        Step::Sort { keys, limit } => sort::sort(input, keys, *limit, execution),
        Step::Head(rows) => ends::head(input, *rows),
        Step::Tail(rows) => ends::tail(input, *rows, execution),
        Step::Distinct(columns) => distinct::distinct(input, columns, execution),
        Step::Sample(size) => sample::sample(input, size, execution),
        Step::Stats(stats) => return crate::exec::aggregate::rows(input, stats, execution),
        &Step::FillTimeline { ts, key, count, width_ns, zone, range } => {
            let timeline = timeline::Timeline { ts, key, count, width_ns, zone, range };
            timeline::fill(input, &timeline, execution)
        }
        &Step::Histogram { ref value, width, from, to, count, span } => {
            let value = value.clone();
            let histogram = histogram::Histogram { value, width, from, to, count, span };
            histogram::histogram(input, &histogram, execution)
        }
        Step::Shift { kind, items, by, span } => neighbours::shift(input, *kind, items, by, *span, execution),
        Step::Sessions(sessions) => sessions::sessions(input, sessions, execution),
        Step::Related { from, to, is_recorded } => {
            related::related(input, *from, *to, *is_recorded, source, execution)
        }
        Step::Context { before_ns, after_ns, filter, by } => {
            context::context(input, (*before_ns, *after_ns), filter, *by, source, execution)
        }
        Step::Asof { plan, by, within_ns, renamed } => {
            asof::asof(input, plan, by, *within_ns, renamed, source, execution)
        }
        Step::Join { plan, on, keep_unmatched, renamed } => {
            join::join(input, plan, on, *keep_unmatched, renamed, source, execution)
        }
        Step::Lifecycle(step) => lifecycle::lifecycle(input, step, source, execution),
        // It reads the whole database itself.
        Step::Gaps { range } => gaps::gaps(*range, source, execution),
    })
}
