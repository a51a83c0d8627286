//! Sums: exact for whole numbers, decimals and durations, compensated for floats.

use rust_decimal::Decimal;

use crate::datum::arithmetic::nearest_float;
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};

/// A sum and what it is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Total {
    /// The exact part, in units of 10 to the power of minus `scale`.
    mantissa: i128,
    scale: u32,
    float: f64,
    /// What was lost of the floats by rounding.
    float_rest: f64,
    pub(crate) count: u64,
    has_decimals: bool,
    has_floats: bool,
    has_durations: bool,
    has_numbers: bool,
}

fn does_not_fit() -> QueryError {
    QueryError::new(ErrorKind::Value, "the sum does not fit an exact decimal (28 digits)")
}

impl Total {
    /// Adds a value.
    ///
    /// # Errors
    /// A value that is no number, or that does not fit.
    pub(crate) fn add(&mut self, value: DatumRef<'_>) -> Result<()> {
        let is_duration = matches!(value, DatumRef::Duration(_));
        match value {
            DatumRef::Int(value) | DatumRef::Duration(value) => self.add_exact(i128::from(value), 0, 1)?,
            DatumRef::Decimal(value) => {
                self.add_exact(value.mantissa(), value.scale(), 1)?;
                self.has_decimals = true;
            }
            DatumRef::Float(value) => self.add_float(value),
            other => return Err(not_a_number(other)),
        }
        self.has_durations |= is_duration;
        self.has_numbers |= !is_duration;
        if self.has_durations && self.has_numbers { Err(mixed()) } else { Ok(()) }
    }

    /// Adds the sum of `count` whole numbers.
    pub(crate) fn add_ints(&mut self, sum: i128, count: u64) -> Result<()> {
        self.has_numbers = true;
        self.add_exact(sum, 0, count)
    }

    /// Adds the sum of the mantissas of `count` decimals.
    pub(crate) fn add_scaled(&mut self, sum: i128, scale: u32, count: u64) -> Result<()> {
        (self.has_decimals, self.has_numbers) = (true, true);
        self.add_exact(sum, scale, count)
    }

    fn add_exact(&mut self, mantissa: i128, scale: u32, count: u64) -> Result<()> {
        let mut mantissa = mantissa;
        if scale > self.scale {
            self.mantissa = rescaled(self.mantissa, scale - self.scale)?;
            self.scale = scale;
        } else if scale < self.scale {
            mantissa = rescaled(mantissa, self.scale - scale)?;
        }
        self.mantissa = self.mantissa.checked_add(mantissa).ok_or_else(does_not_fit)?;
        self.count += count;
        Ok(())
    }

    pub(crate) fn add_float(&mut self, value: f64) {
        // Neumaier's sum: what rounding drops of the larger is kept aside.
        let sum = self.float + value;
        self.float_rest += if self.float.abs() >= value.abs() {
            (self.float - sum) + value
        } else {
            (value - sum) + self.float
        };
        self.float = sum;
        self.count += 1;
        (self.has_floats, self.has_numbers) = (true, true);
    }

    pub(crate) fn merge(&mut self, other: &Total) -> Result<()> {
        if other.has_numbers && self.has_durations || other.has_durations && self.has_numbers {
            return Err(mixed());
        }
        self.add_exact(other.mantissa, other.scale, other.count)?;
        if other.has_floats {
            self.add_float(other.float);
            self.count -= 1;
            self.float_rest += other.float_rest;
        }
        self.has_decimals |= other.has_decimals;
        self.has_floats |= other.has_floats;
        self.has_durations |= other.has_durations;
        self.has_numbers |= other.has_numbers;
        Ok(())
    }

    /// The sum; null if there was nothing.
    ///
    /// # Errors
    /// If it does not fit.
    pub(crate) fn sum(&self) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        if self.has_durations {
            return i64::try_from(self.mantissa).map(Datum::Duration).map_err(|_| does_not_fit());
        }
        if self.has_floats {
            return Ok(finite(self.as_f64()));
        }
        if !self.has_decimals
            && let Ok(sum) = i64::try_from(self.mantissa)
        {
            return Ok(Datum::Int(sum));
        }
        let (mut mantissa, mut scale) = (self.mantissa, self.scale);
        while scale > 0 && mantissa % 10 == 0 && Decimal::try_from_i128_with_scale(mantissa, scale).is_err() {
            mantissa /= 10;
            scale -= 1;
        }
        Decimal::try_from_i128_with_scale(mantissa, scale).map(Datum::Decimal).map_err(|_| does_not_fit())
    }

    /// The mean: a duration of durations, else a float; null if there was nothing.
    pub(crate) fn mean(&self) -> Datum {
        if self.count == 0 {
            return Datum::Null;
        }
        if self.has_durations {
            let count = i128::from(self.count);
            let mean = (2 * self.mantissa + count).div_euclid(2 * count);
            return i64::try_from(mean).map_or(Datum::Null, Datum::Duration);
        }
        if !self.has_floats
            && let Ok(sum) = Decimal::try_from_i128_with_scale(self.mantissa, self.scale)
            && let Some(mean) = sum.checked_div(Decimal::from(self.count))
        {
            // Rounded to a float once, after the division.
            return Datum::Float(nearest_float(mean));
        }
        finite(self.as_f64() / self.count as f64)
    }

    /// The sum per second.
    pub(crate) fn per_second(&self, seconds: f64) -> Datum {
        if self.count == 0 { Datum::Null } else { finite(self.as_f64() / seconds) }
    }

    fn as_f64(&self) -> f64 {
        let exact = match Decimal::try_from_i128_with_scale(self.mantissa, self.scale) {
            Ok(exact) => nearest_float(exact),
            Err(_) => self.mantissa as f64 / 10f64.powi(self.scale as i32),
        };
        exact + (self.float + self.float_rest)
    }
}

/// A float, or nothing if it is none.
pub(crate) fn finite(value: f64) -> Datum {
    if value.is_finite() { Datum::Float(value) } else { Datum::Null }
}

fn rescaled(mantissa: i128, by: u32) -> Result<i128> {
    let factor = 10i128.checked_pow(by);
    factor.and_then(|factor| mantissa.checked_mul(factor)).ok_or_else(does_not_fit)
}

fn mixed() -> QueryError {
    QueryError::new(ErrorKind::Type, "durations and numbers cannot be added up together")
}

pub(crate) fn not_a_number(found: DatumRef<'_>) -> QueryError {
    let message = format!("expected a number, found {}", found.kind_name());
    QueryError::new(ErrorKind::Type, message).with_hint("to_number(x) reads a number from text")
}
