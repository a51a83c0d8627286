//! Functions of numbers. Exact where their argument is; a float that is not finite is null.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::datum::{Datum, DatumRef, arithmetic};
use crate::error::{ErrorKind, QueryError, Result};
use crate::syntax::ast::BinaryOp;

/// `None` if the function does not take that.
pub(super) fn abs(x: DatumRef<'_>) -> Result<Option<Datum>> {
    Ok(Some(match x {
        DatumRef::Int(value) if value < 0 => return arithmetic::negate(x).map(Some),
        DatumRef::Duration(ns) if ns < 0 => return arithmetic::negate(x).map(Some),
        DatumRef::Int(_) | DatumRef::Duration(_) => x.to_datum(),
        DatumRef::Decimal(value) => Datum::Decimal(value.abs()),
        DatumRef::Float(value) => Datum::Float(value.abs()),
        _ => return Ok(None),
    }))
}

pub(super) fn sign(x: DatumRef<'_>) -> Option<Datum> {
    Some(Datum::Int(match x {
        DatumRef::Int(value) | DatumRef::Duration(value) => value.signum(),
        DatumRef::Decimal(value) if value.is_zero() => 0,
        DatumRef::Decimal(value) => 1 - 2 * i64::from(value.is_sign_negative()),
        DatumRef::Float(0.0) => 0,
        DatumRef::Float(value) => 1 - 2 * i64::from(value.is_sign_negative()),
        _ => return None,
    }))
}

/// Down or up to a whole number.
pub(super) fn whole(
    x: DatumRef<'_>,
    of_decimal: fn(&Decimal) -> Decimal,
    of_float: fn(f64) -> f64,
) -> Option<Datum> {
    Some(match x {
        DatumRef::Int(_) => x.to_datum(),
        DatumRef::Decimal(value) => Datum::Decimal(of_decimal(&value)),
        DatumRef::Float(value) => Datum::Float(of_float(value)),
        _ => return None,
    })
}

pub(super) fn round(x: DatumRef<'_>, digits: i64) -> Result<Option<Datum>> {
    Ok(Some(match x {
        DatumRef::Int(_) if digits >= 0 => x.to_datum(),
        DatumRef::Int(value) => {
            let rounded = round_decimal(value.into(), digits)?;
            rounded.to_i64().map_or(Datum::Decimal(rounded), Datum::Int)
        }
        DatumRef::Decimal(value) => Datum::Decimal(round_decimal(value, digits)?),
        DatumRef::Float(value) => {
            let factor = 10f64.powi(digits.clamp(-400, 400) as i32);
            let rounded = (value * factor).round() / factor;
            Datum::Float(if rounded.is_finite() { rounded } else { value })
        }
        _ => return Ok(None),
    }))
}

fn round_decimal(value: Decimal, digits: i64) -> Result<Decimal> {
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    if digits >= 0 {
        return Ok(value.round_dp_with_strategy(digits.min(28) as u32, strategy));
    }
    let Some(unit) = 10i128.checked_pow(digits.unsigned_abs().min(29) as u32) else {
        return Ok(Decimal::ZERO);
    };
    let Ok(unit) = Decimal::try_from_i128_with_scale(unit, 0) else { return Ok(Decimal::ZERO) };
    let units = value.checked_div(unit).map(|units| units.round_dp_with_strategy(0, strategy));
    units.and_then(|units| units.checked_mul(unit)).ok_or_else(|| does_not_fit("round"))
}

fn does_not_fit(function: &str) -> QueryError {
    QueryError::new(ErrorKind::Value, format!("the result of '{function}' does not fit"))
}

/// A function that always gives a float.
pub(super) fn float(x: &Datum, function: fn(f64) -> f64) -> Option<Datum> {
    x.as_f64().map(|value| Datum::from(function(value)))
}

pub(super) fn pow(x: &Datum, y: &Datum) -> Result<Option<Datum>> {
    let (Some(base), Some(exponent)) = (x.as_f64(), y.as_f64()) else { return Ok(None) };
    let times = match (x, y) {
        (Datum::Float(_), _) | (_, Datum::Float(_)) => None,
        (_, y) => y.as_i64().filter(|times| *times >= 0),
    };
    let Some(mut times) = times else { return Ok(Some(Datum::from(base.powf(exponent)))) };
    let (mut result, mut square) = (Datum::Int(1), x.clone());
    while times > 0 {
        if times & 1 == 1 {
            result = arithmetic::binary(BinaryOp::Multiply, result.borrow(), square.borrow())
                .map_err(|_| does_not_fit("pow"))?;
        }
        times >>= 1;
        if times > 0 {
            square = arithmetic::binary(BinaryOp::Multiply, square.borrow(), square.borrow())
                .map_err(|_| does_not_fit("pow"))?;
        }
    }
    Ok(Some(result))
}

/// A stretch of time in a unit.
pub(super) fn in_unit(d: DatumRef<'_>, unit_ns: i64) -> Option<Datum> {
    match d {
        DatumRef::Duration(ns) => {
            let quotient = Decimal::from(ns).checked_div(unit_ns.into())?;
            Some(Datum::Decimal(quotient.normalize()))
        }
        _ => None,
    }
}
