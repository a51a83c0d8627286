//! Arithmetic on values. Exact where both sides are; null if either side is, on division by zero, and where a float
//! result is not finite.

use blotter_engine::event::Timestamp;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::syntax::ast::BinaryOp;

impl BinaryOp {
    /// As it is written.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        }
    }
}

impl DatumRef<'_> {
    /// The name of its kind in sentences, with its article.
    pub(crate) fn kind_name(self) -> &'static str {
        match self {
            DatumRef::Null => "null",
            DatumRef::Bool(_) => "a truth value",
            DatumRef::Int(_) | DatumRef::Float(_) | DatumRef::Decimal(_) => "a number",
            DatumRef::Str(_) => "text",
            DatumRef::Time(_) => "a time",
            DatumRef::Duration(_) => "a duration",
            DatumRef::Level(_) => "a level",
            DatumRef::Category(_) => "a category",
        }
    }
}

fn does_not_fit(what: &str) -> QueryError {
    QueryError::new(ErrorKind::Value, format!("the result of {what} does not fit"))
}

/// The error of an operation on kinds that it does not take.
fn not_taken(op: BinaryOp, left: DatumRef<'_>, right: DatumRef<'_>) -> QueryError {
    let (left, right) = (left.kind_name(), right.kind_name());
    QueryError::new(ErrorKind::Type, format!("'{}' does not take {left} and {right}", op.sign()))
}

/// `left op right`
///
/// # Errors
/// Kinds that the operation does not take, and exact results that do not fit.
pub(crate) fn binary(op: BinaryOp, left: DatumRef<'_>, right: DatumRef<'_>) -> Result<Datum> {
    use DatumRef::{Decimal, Duration, Float, Int, Null, Time};
    match (left, right) {
        (Int(left), Int(right)) => whole(op, left, right),
        (Int(_) | Decimal(_), Int(_) | Decimal(_)) => exact(op, to_decimal(left), to_decimal(right)),
        (Int(_) | Decimal(_) | Float(_), Int(_) | Decimal(_) | Float(_)) => {
            Ok(float(op, to_float(left), to_float(right)))
        }
        (Null, Int(_) | Decimal(_) | Float(_) | Time(_) | Duration(_) | Null)
        | (Int(_) | Decimal(_) | Float(_) | Time(_) | Duration(_), Null) => Ok(Datum::Null),
        _ => temporal(op, left, right),
    }
}

/// `-value`
///
/// # Errors
/// As [`binary`].
pub(crate) fn negate(value: DatumRef<'_>) -> Result<Datum> {
    match value {
        DatumRef::Null => Ok(Datum::Null),
        DatumRef::Int(value) => {
            Ok(value.checked_neg().map_or(Datum::Decimal(-Decimal::from(value)), Datum::Int))
        }
        DatumRef::Decimal(value) => Ok(Datum::Decimal(-value)),
        DatumRef::Float(value) => Ok(Datum::Float(-value)),
        DatumRef::Duration(ns) => Ok(Datum::Duration(ns.checked_neg().ok_or_else(|| does_not_fit("'-'"))?)),
        other => Err(QueryError::new(ErrorKind::Type, format!("'-' does not take {}", other.kind_name()))),
    }
}

/// Whole numbers stay whole where the result is; what overflows 64 bits goes on as a decimal.
fn whole(op: BinaryOp, left: i64, right: i64) -> Result<Datum> {
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide => None,
        BinaryOp::Remainder if right == 0 => return Ok(Datum::Null),
        BinaryOp::Remainder => Some(left.wrapping_rem(right)),
    };
    match result {
        Some(result) => Ok(Datum::Int(result)),
        None => exact(op, left.into(), right.into()),
    }
}

fn exact(op: BinaryOp, left: Decimal, right: Decimal) -> Result<Datum> {
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide | BinaryOp::Remainder if right.is_zero() => return Ok(Datum::Null),
        BinaryOp::Divide => left.checked_div(right).map(|quotient| quotient.normalize()),
        BinaryOp::Remainder => left.checked_rem(right),
    };
    result.map(Datum::Decimal).ok_or_else(|| does_not_fit(&format!("'{}'", op.sign())))
}

fn float(op: BinaryOp, left: f64, right: f64) -> Datum {
    Datum::from(match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        BinaryOp::Remainder => left % right,
    })
}

/// Times and stretches of time.
fn temporal(op: BinaryOp, left: DatumRef<'_>, right: DatumRef<'_>) -> Result<Datum> {
    use BinaryOp::{Add, Divide, Multiply, Remainder, Subtract};
    use DatumRef::{Decimal, Duration, Float, Int, Time};
    let does_not_fit = || does_not_fit(&format!("'{}'", op.sign()));
    let time = |ns: Option<i64>| ns.map(|ns| Datum::Time(Timestamp(ns))).ok_or_else(does_not_fit);
    let duration = |ns: Option<i64>| ns.map(Datum::Duration).ok_or_else(does_not_fit);
    match (op, left, right) {
        (Subtract, Time(left), Time(right)) => duration(left.0.checked_sub(right.0)),
        (Add, Time(ts), Duration(ns)) | (Add, Duration(ns), Time(ts)) => time(ts.0.checked_add(ns)),
        (Subtract, Time(ts), Duration(ns)) => time(ts.0.checked_sub(ns)),
        (Add, Duration(left), Duration(right)) => duration(left.checked_add(right)),
        (Subtract, Duration(left), Duration(right)) => duration(left.checked_sub(right)),
        (Divide, Duration(left), Duration(right)) => exact(op, left.into(), right.into()),
        (Remainder, Duration(_), Duration(0)) => Ok(Datum::Null),
        (Remainder, Duration(left), Duration(right)) => Ok(Datum::Duration(left.wrapping_rem(right))),
        (Multiply | Divide, Duration(ns), number @ (Int(_) | Decimal(_) | Float(_)))
        | (Multiply, number @ (Int(_) | Decimal(_) | Float(_)), Duration(ns)) => scaled(op, ns, number),
        _ => Err(not_taken(op, left, right)),
    }
}

/// A stretch of time times a number, or divided by it, to the nearest nanosecond.
fn scaled(op: BinaryOp, ns: i64, number: DatumRef<'_>) -> Result<Datum> {
    let does_not_fit = || does_not_fit(&format!("'{}'", op.sign()));
    let result = match number {
        DatumRef::Float(number) => float(op, ns as f64, number),
        number => exact(op, ns.into(), to_decimal(number))?,
    };
    match result {
        Datum::Float(ns) => ns.round().to_i64().map(Datum::Duration).ok_or_else(does_not_fit),
        Datum::Decimal(ns) => {
            let ns = ns.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
            ns.to_i64().map(Datum::Duration).ok_or_else(does_not_fit)
        }
        other => Ok(other),
    }
}

/// Of a whole number or decimal.
fn to_decimal(value: DatumRef<'_>) -> Decimal {
    match value {
        DatumRef::Int(value) => value.into(),
        DatumRef::Decimal(value) => value,
        other => unreachable!("{} is not exact", other.kind_name()),
    }
}

/// Of a number.
/// The float nearest to a decimal.
pub(crate) fn nearest_float(value: Decimal) -> f64 {
    // Floats hold these whole numbers and powers of ten exactly, so that the one division rounds right.
    const WHOLE_MAX: i128 = 1 << 53;
    const POWER_MAX: u32 = 22;
    let (mantissa, scale) = (value.mantissa(), value.scale());
    if mantissa.abs() <= WHOLE_MAX && scale <= POWER_MAX {
        return mantissa as f64 / 10f64.powi(scale as i32);
    }
    value.to_string().parse().expect("a decimal prints as a number")
}

fn to_float(value: DatumRef<'_>) -> f64 {
    match value {
        DatumRef::Int(value) => value as f64,
        DatumRef::Decimal(value) => nearest_float(value),
        DatumRef::Float(value) => value,
        other => unreachable!("{} is not a number", other.kind_name()),
    }
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use proptest::prelude::*;

    use super::BinaryOp::{Add, Divide, Multiply, Remainder, Subtract};
    use super::*;

    /// The printed result, or the message.
    fn check(op: BinaryOp, left: impl Into<Datum>, right: impl Into<Datum>, expected: &str) {
        let (left, right) = (left.into(), right.into());
        let found = match binary(op, left.borrow(), right.borrow()) {
            Ok(Datum::Null) => "null".to_owned(),
            Ok(datum) => format!("{} {datum}", datum.borrow().kind_name()),
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(found, expected, "{left:?} {op:?} {right:?}");
    }

    #[test]
    fn numbers_are_exact_and_a_float_on_either_side_gives_a_float() {
        check(Add, 1, 2, "a number 3");
        check(Add, i64::MAX, 1, "a number 9223372036854775808");
        check(Multiply, i64::MIN, -1, "a number 9223372036854775808");
        check(Divide, 6, 2, "a number 3");
        check(Divide, 1, 8, "a number 0.125");
        check(Divide, 1, 0, "null");
        check(Remainder, 7, 0, "null");
        check(Remainder, i64::MIN, -1, "a number 0");
        check(Remainder, -7, 3, "a number -1");
        check(Remainder, dec!(7.5), 2, "a number 1.5");
        check(Add, dec!(0.10), dec!(0.2), "a number 0.30");
        check(Multiply, dec!(1.50), 2, "a number 3.00");
        check(Divide, dec!(3.00), dec!(2), "a number 1.5");
        check(Divide, dec!(1.0), dec!(0.00), "null");
        check(Add, Decimal::MAX, 1, "the result of '+' does not fit");
        check(Add, 1, 0.5, "a number 1.5");
        check(Multiply, dec!(0.1), 3.0, "a number 0.30000000000000004");
        check(Divide, 1.0, 0, "null");
        check(Multiply, 1e308, 10, "null");
        check(Subtract, Datum::Null, 1, "null");
        check(Subtract, 1.5, Datum::Null, "null");
    }

    #[test]
    fn times_and_durations_combine() {
        let (ts, second) = (Datum::Time(Timestamp(5_000_000_000)), Datum::Duration(1_000_000_000));
        check(Subtract, ts.clone(), Timestamp(3_500_000_000), "a duration 1.5s");
        check(Add, ts.clone(), second.clone(), "a time 1970-01-01T00:00:06.000000000Z");
        check(Add, second.clone(), ts.clone(), "a time 1970-01-01T00:00:06.000000000Z");
        check(Subtract, ts.clone(), second.clone(), "a time 1970-01-01T00:00:04.000000000Z");
        check(Subtract, Timestamp::MIN, second.clone(), "the result of '-' does not fit");
        check(Multiply, second.clone(), 90, "a duration 1m30s");
        check(Multiply, dec!(0.0015), second.clone(), "a duration 1.5ms");
        check(Divide, second.clone(), 3, "a duration 333.333333ms");
        check(Divide, second.clone(), 0, "null");
        check(Divide, second.clone(), 0.0, "null");
        check(Divide, second.clone(), Datum::Duration(250_000_000), "a number 4");
        check(Divide, second.clone(), Datum::Duration(0), "null");
        check(Remainder, second.clone(), Datum::Duration(300_000_000), "a duration 100ms");
        check(Multiply, second.clone(), 1e200, "the result of '*' does not fit");
        check(Add, second.clone(), 5, "'+' does not take a duration and a number");
        check(Divide, 5, second.clone(), "'/' does not take a number and a duration");
        check(Add, ts.clone(), ts, "'+' does not take a time and a time");
        check(Subtract, second, Datum::Null, "null");
    }

    #[test]
    fn text_and_truth_do_not_take_part() {
        check(Add, "a", 1, "'+' does not take text and a number");
        check(Multiply, true, true, "'*' does not take a truth value and a truth value");
        check(Add, "a", Datum::Null, "'+' does not take text and null");
        assert_eq!(negate(Datum::from("a").borrow()).unwrap_err().message(), "'-' does not take text");
        assert_eq!(negate(DatumRef::Int(i64::MIN)).unwrap().to_string(), "9223372036854775808");
        assert_eq!(negate(DatumRef::Decimal(dec!(1.50))).unwrap().to_string(), "-1.50");
    }

    proptest! {
        #[test]
        fn exact_arithmetic_agrees_with_whole_numbers_of_128_bits(
            left in any::<i64>(), right in any::<i64>(), scale in 0u32..6
        ) {
            let factor = 10i128.pow(scale);
            let (wide_left, wide_right) = (i128::from(left), i128::from(right));
            let decimal = Decimal::new(right, scale);
            let sum = binary(Add, DatumRef::Int(left), DatumRef::Decimal(decimal)).unwrap();
            let expected = Decimal::from_i128_with_scale(wide_left * factor + wide_right, scale);
            prop_assert_eq!(sum, Datum::Decimal(expected));
            let difference = binary(Subtract, DatumRef::Int(left), DatumRef::Int(right)).unwrap();
            prop_assert_eq!(difference, Datum::Decimal(Decimal::from_i128_with_scale(wide_left - wide_right, 0)));
            if right != 0 {
                let quotient = binary(Divide, DatumRef::Int(left), DatumRef::Int(right)).unwrap();
                let rest = binary(Remainder, DatumRef::Int(left), DatumRef::Int(right)).unwrap();
                prop_assert_eq!(rest, Datum::Decimal(Decimal::from_i128_with_scale(wide_left % wide_right, 0)));
                let floor = quotient.as_decimal().unwrap().trunc();
                prop_assert_eq!(floor, Decimal::from_i128_with_scale(wide_left / wide_right, 0));
            }
        }
    }
}
