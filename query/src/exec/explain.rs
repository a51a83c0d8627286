//! `explain`: runs a query and says how, instead of giving its rows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::driver;
use super::execution::{Execution, RowStream};
use super::lazy::lazily_all;
use super::report::Count;
use crate::api::Preparation;
use crate::cells::Cells;
use crate::datum::Datum;
use crate::error::Result;
use crate::plan::step::Plan;
use crate::syntax::ast::{Query, Stage};

/// The lines of an explanation: `what` and `value`.
pub(crate) fn explain(
    plan: Plan,
    mut query: Query,
    preparation: Preparation,
    execution: &Arc<Execution>,
) -> RowStream {
    query.stages.retain(|stage| stage.node != Stage::Explain);
    let execution = Arc::clone(execution);
    lazily_all(move || {
        let mut rows = 0u64;
        for row in driver::run(&plan, &execution)? {
            row?;
            rows += 1;
        }
        lines(&plan, &query, preparation, rows, &execution)
    })
}

fn lines(
    plan: &Plan,
    query: &Query,
    preparation: Preparation,
    rows: u64,
    execution: &Execution,
) -> Result<Vec<Cells>> {
    let count = |what| execution.report.get(what);
    let snapshot = &execution.snapshot;
    let partitions: HashSet<_> = snapshot.segments().map(|meta| (meta.day, meta.category.as_str())).collect();
    let segments = snapshot.segments().count();
    let unsealed = snapshot.unsealed().0 + snapshot.left_in_rings();
    // A query may read the database more than once, as when it looks for related events.
    let scans = count(Count::Scans) as usize;
    let mut lines = vec![
        ("query", query.to_string()),
        ("reads", driver::access(plan).to_owned()),
        ("scans", format!("{scans} of {} segments in {} partitions", segments, partitions.len())),
        (
            "partitions",
            format!("{} of {} considered", count(Count::PartitionsConsidered), scans * partitions.len()),
        ),
        (
            "segments",
            format!(
                "{} of {} considered: {} counted without reading rows, {} without a match by their columns",
                count(Count::SegmentsConsidered),
                scans * segments,
                count(Count::SegmentsCounted),
                count(Count::SegmentsWithoutMatch),
            ),
        ),
        ("index", format!("{} lookups", count(Count::Lookups))),
        (
            "blocks",
            format!(
                "{} looked at, {} of them excluded by their bounds",
                count(Count::Blocks),
                count(Count::BlocksExcluded)
            ),
        ),
        (
            "rows",
            format!(
                "{} looked at in blocks, {} of {unsealed} unsealed; {} matched",
                count(Count::Rows),
                count(Count::Records),
                count(Count::Matched)
            ),
        ),
        ("result", format!("{rows} rows")),
        ("threads", execution.threads.to_string()),
    ];
    for step in plan.describe(&execution.names) {
        lines.push(("plan", step));
    }
    let (parse, bind) = (preparation.parse, preparation.bind);
    lines.push((
        "time",
        format!("{} parse, {} plan, {} run", shown(parse), shown(bind), shown(execution.budget.elapsed())),
    ));
    for part in execution.report.unreadable_parts() {
        lines.push(("unreadable", format!("{}: {}", part.path.display(), part.reason)));
    }
    let (what, value) = (execution.names.slot("what"), execution.names.slot("value"));
    let row = |(name, text): (&str, String)| {
        let mut cells = Cells::with_capacity(2);
        cells.push(what, Datum::Str(name.into()));
        cells.push(value, Datum::Str(text.into()));
        cells
    };
    Ok(lines.into_iter().map(row).collect())
}

fn shown(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
