//! Where rows stand: their time, and their position in the database.

use blotter_engine::event::Timestamp;

use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};

/// The time of a row, if it has one.
pub(super) fn ts_of(row: &Cells) -> Option<Timestamp> {
    match row.get(Slot::TS) {
        Datum::Time(ts) => Some(*ts),
        _ => None,
    }
}

/// The position of a row, if it has one.
pub(super) fn seq_of(row: &Cells) -> Option<i64> {
    match row.get(Slot::SEQ) {
        Datum::Int(seq) => Some(*seq),
        _ => None,
    }
}

/// The time of a row that a step cannot do without.
///
/// # Errors
/// The row has none.
pub(super) fn ts_for(step: &str, row: &Cells) -> Result<Timestamp> {
    ts_of(row).ok_or_else(|| lacking(step, "ts"))
}

/// The position of a row that a step cannot do without.
///
/// # Errors
/// The row has none.
pub(super) fn seq_for(step: &str, row: &Cells) -> Result<i64> {
    seq_of(row).ok_or_else(|| lacking(step, "seq"))
}

fn lacking(step: &str, column: &str) -> QueryError {
    let message = format!("'{step}' needs events, and a row has no '{column}'");
    let hint =
        format!("put '{step}' before stages that make other rows of them, or keep the column '{column}'");
    QueryError::new(ErrorKind::Type, message).with_hint(hint)
}
