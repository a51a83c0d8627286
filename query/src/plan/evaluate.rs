//! Bound expressions and conditions on a row.

use super::functions;
use super::scalar::{Condition, Scalar};
use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef, arithmetic};
use crate::error::Result;
use crate::syntax::ast::CompareOp;

/// A row, as expressions see it.
pub(crate) trait Columns {
    /// The value of a column; null if the row lacks it.
    fn column(&self, slot: Slot) -> DatumRef<'_>;
}

impl Columns for Cells {
    #[inline]
    fn column(&self, slot: Slot) -> DatumRef<'_> {
        self.get(slot).borrow()
    }
}

/// A row without columns, on which constants are computed.
pub(crate) struct NoColumns;

impl Columns for NoColumns {
    fn column(&self, _slot: Slot) -> DatumRef<'_> {
        DatumRef::Null
    }
}

/// Arguments that are evaluated without a list of their own.
const FEW: usize = 3;

impl Scalar {
    /// Its value in a row.
    ///
    /// # Errors
    /// Kinds that an operation does not take, and results that do not fit, with the place of the operation.
    pub(crate) fn evaluate(&self, row: &impl Columns) -> Result<Datum> {
        match self {
            Scalar::Constant(datum) => Ok(datum.clone()),
            Scalar::Column(slot) => Ok(row.column(*slot).to_datum()),
            Scalar::Negate(inner, span) => {
                let negated = match &**inner {
                    Scalar::Column(slot) => arithmetic::negate(row.column(*slot)),
                    inner => arithmetic::negate(inner.evaluate(row)?.borrow()),
                };
                negated.map_err(|error| error.or_place(*span))
            }
            Scalar::Binary { op, left, right, span } => {
                let (left, right) = (left.evaluate(row)?, right.evaluate(row)?);
                arithmetic::binary(*op, left.borrow(), right.borrow()).map_err(|error| error.or_place(*span))
            }
            Scalar::Call { function, arguments, span } => {
                let value = if arguments.len() <= FEW {
                    let mut values: [Datum; FEW] = Default::default();
                    for (value, argument) in values.iter_mut().zip(arguments) {
                        *value = argument.evaluate(row)?;
                    }
                    functions::call(function, &values[..arguments.len()])
                } else {
                    let values: Result<Vec<Datum>> =
                        arguments.iter().map(|argument| argument.evaluate(row)).collect();
                    functions::call(function, &values?)
                };
                value.map_err(|error| error.or_place(*span))
            }
            Scalar::If { condition, then, otherwise } => {
                if condition.holds(row)? {
                    then.evaluate(row)
                } else {
                    otherwise.evaluate(row)
                }
            }
        }
    }
}

impl CompareOp {
    /// Whether it holds for two values in that order.
    #[inline]
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Equal => order.is_eq(),
            CompareOp::NotEqual => order.is_ne(),
            CompareOp::Less => order.is_lt(),
            CompareOp::LessOrEqual => order.is_le(),
            CompareOp::Greater => order.is_gt(),
            CompareOp::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Condition {
    /// Whether it holds for a row.
    ///
    /// # Errors
    /// Those of its expressions.
    pub(crate) fn holds(&self, row: &impl Columns) -> Result<bool> {
        match self {
            Condition::Always => Ok(true),
            Condition::Never => Ok(false),
            Condition::All(parts) => {
                for part in parts {
                    if !part.holds(row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Any(parts) => {
                for part in parts {
                    if part.holds(row)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(part) => Ok(!part.holds(row)?),
            Condition::Column { slot, test } => Ok(test.passes(row.column(*slot))),
            Condition::Computed { scalar, test } => Ok(test.passes(scalar.evaluate(row)?.borrow())),
            Condition::Relation { left, op, right } => {
                let (left, right) = (left.evaluate(row)?, right.evaluate(row)?);
                Ok(left.borrow().compare(right.borrow()).is_some_and(|order| op.holds(order)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scalar::{Comparand, Test};
    use super::*;
    use crate::syntax::ast::{BinaryOp, Span};

    const A: Slot = Slot(10);
    const B: Slot = Slot(11);

    fn row() -> Cells {
        let mut row = Cells::default();
        row.push(A, Datum::Int(3));
        row.push(B, Datum::from("x"));
        row
    }

    #[test]
    fn expressions_read_columns_and_name_the_place_of_their_errors() {
        let span = Span { start: 4, end: 9 };
        let column = |slot| Box::new(Scalar::Column(slot));
        let sum = |left, right| Scalar::Binary { op: BinaryOp::Add, left, right, span };
        assert_eq!(sum(column(A), column(A)).evaluate(&row()).unwrap(), Datum::Int(6));
        assert!(sum(column(A), column(Slot(99))).evaluate(&row()).unwrap().is_null());
        let error = sum(column(A), column(B)).evaluate(&row()).unwrap_err();
        assert_eq!((error.span(), error.message()), (Some(span), "'+' does not take a number and text"));
        let arguments = vec![Scalar::Column(Slot(99)), Scalar::Column(Slot(98)), *column(B), *column(A)];
        let coalesce = Scalar::Call { function: functions::Function::Coalesce, arguments, span };
        assert_eq!(coalesce.evaluate(&row()).unwrap(), Datum::from("x"));
        let is_there = Box::new(Condition::Column { slot: A, test: Test::Exists });
        let choice = Scalar::If { condition: is_there, then: column(B), otherwise: column(A) };
        assert_eq!(choice.evaluate(&row()).unwrap(), Datum::from("x"));
        assert_eq!(Scalar::Negate(column(A), span).evaluate(&row()).unwrap(), Datum::Int(-3));
    }

    #[test]
    fn conditions_on_what_is_missing_do_not_hold_but_their_negation_does() {
        let missing = Slot(99);
        let five = Comparand { number: Some(5.into()), text: Some("5".into()), ..Comparand::default() };
        let compare = |op| Test::Compare { op, value: five.clone() };
        let is = |slot, op| Condition::Column { slot, test: compare(op) };
        let not = |condition| Condition::Not(Box::new(condition));
        let relation =
            |op| Condition::Relation { left: Scalar::Column(A), op, right: Scalar::Column(missing) };
        for (condition, expected) in [
            (is(A, CompareOp::Less), true),
            (is(A, CompareOp::Equal), false),
            (is(missing, CompareOp::NotEqual), false),
            (not(is(missing, CompareOp::NotEqual)), true),
            (relation(CompareOp::NotEqual), false),
            (not(relation(CompareOp::NotEqual)), true),
            (Condition::All(vec![is(A, CompareOp::Less), Condition::Never]), false),
            (Condition::Any(vec![is(A, CompareOp::Equal), Condition::Always]), true),
            (Condition::All(vec![]), true),
            (Condition::Any(vec![]), false),
            (Condition::Computed { scalar: Scalar::Column(A), test: compare(CompareOp::NotEqual) }, true),
        ] {
            assert_eq!(condition.holds(&row()).unwrap(), expected, "{condition:?}");
        }
    }
}
