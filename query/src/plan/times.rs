//! The times that a condition leaves.

use blotter_engine::event::Timestamp;

use super::scalar::{Condition, Test};
use crate::cells::Slot;
use crate::syntax::ast::CompareOp;

/// The first and last `ts`, both included, that rows can have for which a condition holds, as far as its parts that
/// must all hold say so.
pub(crate) fn bounds(condition: &Condition) -> (Option<Timestamp>, Option<Timestamp>) {
    match condition {
        Condition::All(parts) => parts.iter().map(bounds).fold((None, None), |(first, last), part| {
            (first.max(part.0), [last, part.1].into_iter().flatten().min())
        }),
        Condition::Column { slot: Slot::TS, test } => of_test(test),
        _ => (None, None),
    }
}

fn of_test(test: &Test) -> (Option<Timestamp>, Option<Timestamp>) {
    match test {
        Test::Compare { op, value } => {
            let Some(ts) = value.time else { return (None, None) };
            match op {
                CompareOp::Equal => (Some(ts), Some(ts)),
                CompareOp::NotEqual => (None, None),
                CompareOp::Less => (None, Some(Timestamp(ts.0.saturating_sub(1)))),
                CompareOp::LessOrEqual => (None, Some(ts)),
                CompareOp::Greater => (Some(Timestamp(ts.0.saturating_add(1))), None),
                CompareOp::GreaterOrEqual => (Some(ts), None),
            }
        }
        Test::Between { low, high } => (low.time, high.time),
        _ => (None, None),
    }
}
