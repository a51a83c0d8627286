//! Stand-ins until evaluation is merged.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use blotter_engine::event::Timestamp;
use rust_decimal::Decimal;

use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::plan::scalar::{Comparand, Condition, Scalar, Test};
use crate::syntax::ast::{BinaryOp, CompareOp};

fn rank(datum: &Datum) -> u8 {
    match datum {
        Datum::Bool(_) => 0,
        Datum::Int(_) | Datum::Float(_) | Datum::Decimal(_) => 1,
        Datum::Duration(_) => 2,
        Datum::Time(_) => 3,
        Datum::Level(_) => 4,
        Datum::Category(_) => 5,
        Datum::Str(_) => 6,
        Datum::Null => 7,
    }
}

fn number(datum: &Datum) -> Decimal {
    match datum {
        Datum::Int(value) => Decimal::from(*value),
        Datum::Decimal(value) => *value,
        Datum::Float(value) => Decimal::try_from(*value).unwrap_or_default(),
        _ => Decimal::ZERO,
    }
}

impl Ord for Datum {
    fn cmp(&self, other: &Datum) -> Ordering {
        match (self, other) {
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Datum::Duration(a), Datum::Duration(b)) => a.cmp(b),
            (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
            (Datum::Level(a), Datum::Level(b)) => a.cmp(b),
            (Datum::Category(a), Datum::Category(b)) => a.name().cmp(b.name()),
            (Datum::Str(a), Datum::Str(b)) => a.cmp(b),
            (a, b) if rank(a) == 1 && rank(b) == 1 => number(a).cmp(&number(b)),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}
impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Datum) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Datum {
    fn eq(&self, other: &Datum) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Datum {}
impl Hash for Datum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        rank(self).hash(state);
        match self {
            Datum::Bool(a) => a.hash(state),
            Datum::Duration(a) => a.hash(state),
            Datum::Time(a) => a.0.hash(state),
            Datum::Str(a) => a.hash(state),
            other if rank(other) == 1 => number(other).normalize().hash(state),
            _ => {}
        }
    }
}

impl Scalar {
    pub(crate) fn evaluate(&self, row: &Cells) -> Result<Datum> {
        match self {
            Scalar::Constant(datum) => Ok(datum.clone()),
            Scalar::Column(slot) => Ok(row.get(*slot).clone()),
            Scalar::Binary { op: BinaryOp::Subtract, left, right, span } => {
                match (left.evaluate(row)?, right.evaluate(row)?) {
                    (Datum::Null, _) | (_, Datum::Null) => Ok(Datum::Null),
                    (Datum::Int(a), Datum::Int(b)) => Ok(Datum::Int(a - b)),
                    (Datum::Time(a), Datum::Time(b)) => Ok(Datum::Duration(a.0 - b.0)),
                    (a, b) if rank(&a) == 1 && rank(&b) == 1 => Ok(Datum::Decimal(number(&a) - number(&b))),
                    _ => Err(QueryError::at(ErrorKind::Type, *span, "no number")),
                }
            }
            _ => Err(QueryError::new(ErrorKind::Type, "stand-in")),
        }
    }
}

impl Condition {
    pub(crate) fn holds(&self, row: &Cells) -> Result<bool> {
        Ok(match self {
            Condition::Always => true,
            Condition::Never => false,
            Condition::All(all) => {
                for one in all {
                    if !one.holds(row)? {
                        return Ok(false);
                    }
                }
                true
            }
            Condition::Any(any) => {
                for one in any {
                    if one.holds(row)? {
                        return Ok(true);
                    }
                }
                false
            }
            Condition::Not(one) => !one.holds(row)?,
            Condition::Column { slot, test } => passes(test, row.get(*slot).borrow()),
            _ => return Err(QueryError::new(ErrorKind::Type, "stand-in")),
        })
    }
}

fn order(value: DatumRef<'_>, comparand: &Comparand) -> Option<Ordering> {
    Some(match value {
        DatumRef::Str(text) => text.cmp(comparand.text.as_deref()?),
        DatumRef::Category(category) => category.name().cmp(comparand.text.as_deref()?),
        DatumRef::Time(ts) => ts.cmp(&comparand.time?),
        DatumRef::Int(value) => Decimal::from(value).cmp(&comparand.number?),
        _ => return None,
    })
}

fn passes(test: &Test, value: DatumRef<'_>) -> bool {
    match test {
        Test::Compare { op, value: comparand } => order(value, comparand).is_some_and(|order| match op {
            CompareOp::Equal => order.is_eq(),
            CompareOp::NotEqual => order.is_ne(),
            CompareOp::Less => order.is_lt(),
            CompareOp::LessOrEqual => order.is_le(),
            CompareOp::Greater => order.is_gt(),
            CompareOp::GreaterOrEqual => order.is_ge(),
        }),
        Test::Between { low, high } => {
            order(value, low).is_some_and(Ordering::is_ge) && order(value, high).is_some_and(Ordering::is_le)
        }
        Test::OneOf(set) => set.passes(value),
        Test::Exists => !matches!(value, DatumRef::Null),
        Test::Missing => matches!(value, DatumRef::Null),
        _ => unimplemented!("stand-in"),
    }
}

pub(crate) fn bin_start(ts: Timestamp, width_ns: i64, _zone: chrono_tz::Tz) -> Timestamp {
    Timestamp(ts.0.div_euclid(width_ns) * width_ns)
}

#[expect(dead_code)]
fn unused(_: Slot) {}
