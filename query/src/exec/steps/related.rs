//! `related`: all events of the database that share a value with the rows, and the rows' own events.

use std::sync::Arc;

use blotter_engine::event::Timestamp;

use super::held::{Held, Pace, holding};
use super::merge::merged;
use super::place::{seq_for, ts_for};
use crate::cells::Slot;
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::exec::lazy::lazily;
use crate::limits::RELATED_VALUES_MAX;
use crate::plan::one_of::OneOf;
use crate::plan::scalar::{Condition, Test};

/// Bytes of one value in a set, about.
const VALUE_BYTES: usize = 64;

/// Every event whose `to` prints as the `from` of any row, at whatever time, and the events that the rows are; whole,
/// in (`ts`, `seq`) order.
///
/// The rows may have been cut down to the columns that were asked for, so their events are read again: with those
/// that share a value where both columns are one and hold what their own events hold (`is_recorded`), and by their
/// `seq` otherwise.
pub(crate) fn related(
    input: RowStream,
    from: Slot,
    to: Slot,
    is_recorded: bool,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (source, execution) = (Arc::clone(source), Arc::clone(execution));
    lazily(move || {
        let mut held = Held::new(&execution);
        let wanted = collect(input, from, from == to && is_recorded, &mut held, &execution)?;
        let sharing = scan_for(&source, to, wanted.values, (Timestamp::MIN, Timestamp::MAX))?;
        let own = scan_for(&source, Slot::SEQ, wanted.seqs, wanted.seqs_between)?;
        let rows = match (sharing, own) {
            (Some(sharing), Some(own)) => merged("related", sharing, own),
            (Some(rows), None) | (None, Some(rows)) => rows,
            (None, None) => return Ok(Box::new(std::iter::empty()) as RowStream),
        };
        Ok(holding(rows, held))
    })
}

/// What the rows ask for.
struct Wanted {
    values: OneOf,
    /// Events that do not come with the values.
    seqs: OneOf,
    /// Between which times those are.
    seqs_between: (Timestamp, Timestamp),
}

fn collect(
    input: RowStream,
    from: Slot,
    has_own_values: bool,
    held: &mut Held,
    execution: &Arc<Execution>,
) -> Result<Wanted> {
    let mut pace = Pace::new(execution);
    let mut wanted = Wanted {
        values: OneOf::default(),
        seqs: OneOf::default(),
        seqs_between: (Timestamp::MAX, Timestamp::MIN),
    };
    for row in input {
        pace.step()?;
        let row = row?;
        let ts = ts_for("related", &row)?;
        seq_for("related", &row)?;
        let value = row.get(from);
        if wanted.values.insert(value.borrow()) {
            held.take(VALUE_BYTES)?;
            if wanted.values.len() > RELATED_VALUES_MAX {
                let name = execution.names.name(from);
                let message =
                    format!("'related' follows up to {RELATED_VALUES_MAX} values, and '{name}' has more");
                return Err(
                    QueryError::new(ErrorKind::Limit, message).with_hint("narrow what comes before it")
                );
            }
        }
        let comes_with_values = has_own_values && !value.is_null();
        if !comes_with_values && wanted.seqs.insert(row.get(Slot::SEQ).borrow()) {
            held.take(VALUE_BYTES)?;
            let (first, last) = wanted.seqs_between;
            wanted.seqs_between = (first.min(ts), last.max(ts));
        }
    }
    Ok(wanted)
}

/// Whole events with one of the values, if there are any values.
fn scan_for(
    source: &Arc<dyn Source>,
    slot: Slot,
    values: OneOf,
    between: (Timestamp, Timestamp),
) -> Result<Option<RowStream>> {
    if values.is_empty() {
        return Ok(None);
    }
    let condition = Condition::Column { slot, test: Test::OneOf(Arc::new(values)) };
    source.scan(ScanRequest { between, condition, fields: None, backwards: false }).map(Some)
}
