//! Standard deviation: exact for whole numbers and decimals, so that it does not depend on the order in which rows
//! come, nor on how they lie in segments.
//!
//! Invariant: `Exact` holds as long as every value was exact and the sums fit; from then on floats are kept.

use rust_decimal::Decimal;

use super::total::{finite, not_a_number};
use crate::datum::arithmetic::nearest_float;
use crate::datum::{Datum, DatumRef};
use crate::error::Result;

/// What is kept of the values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moments {
    Exact(Exact),
    Float(Float),
}

/// Count, sum, and sum of squares, in units of 10 to the power of minus `scale`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exact {
    count: i128,
    scale: u32,
    sum: i128,
    squares: i128,
}

/// Count, mean, and sum of squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Float {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Default for Moments {
    fn default() -> Moments {
        Moments::Exact(Exact::default())
    }
}

impl Moments {
    /// Adds a value.
    ///
    /// # Errors
    /// A value that is no number.
    pub(crate) fn add(&mut self, value: DatumRef<'_>) -> Result<()> {
        let exact = match value {
            DatumRef::Int(value) => Some(Exact::of(i128::from(value), 0)),
            DatumRef::Decimal(value) => Some(Exact::of(value.mantissa(), value.scale())),
            _ => None,
        };
        if let (Moments::Exact(own), Some(Some(value))) = (&mut *self, exact)
            && let Some(both) = own.plus(value)
        {
            *own = both;
            return Ok(());
        }
        let mut float = self.to_float();
        float.merge(Float {
            count: 1.0,
            mean: value.as_f64().ok_or_else(|| not_a_number(value))?,
            squares: 0.0,
        });
        *self = Moments::Float(float);
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: Moments) {
        if let (Moments::Exact(own), Moments::Exact(other)) = (*self, other)
            && let Some(both) = own.plus(other)
        {
            *self = Moments::Exact(both);
            return;
        }
        let mut float = self.to_float();
        float.merge(other.to_float());
        *self = Moments::Float(float);
    }

    /// The standard deviation of a sample; null of fewer than two values.
    pub(crate) fn deviation(self) -> Datum {
        let Float { count, squares, .. } = self.to_float();
        if count < 2.0 { Datum::Null } else { finite((squares / (count - 1.0)).max(0.0).sqrt()) }
    }

    fn to_float(self) -> Float {
        match self {
            Moments::Exact(exact) => exact.to_float(),
            Moments::Float(float) => float,
        }
    }
}

impl Exact {
    /// Of one value, if its square fits.
    fn of(mantissa: i128, scale: u32) -> Option<Exact> {
        Some(Exact { count: 1, scale, sum: mantissa, squares: mantissa.checked_mul(mantissa)? })
    }

    /// Of the values of both, if it fits.
    fn plus(self, other: Exact) -> Option<Exact> {
        let scale = self.scale.max(other.scale);
        let (own, other) = (self.rescaled(scale)?, other.rescaled(scale)?);
        Some(Exact {
            count: own.count + other.count,
            scale,
            sum: own.sum.checked_add(other.sum)?,
            squares: own.squares.checked_add(other.squares)?,
        })
    }

    fn rescaled(self, scale: u32) -> Option<Exact> {
        if scale == self.scale {
            return Some(self);
        }
        let factor = 10_i128.checked_pow(scale - self.scale)?;
        Some(Exact {
            scale,
            sum: self.sum.checked_mul(factor)?,
            squares: self.squares.checked_mul(factor.checked_mul(factor)?)?,
            ..self
        })
    }

    fn to_float(self) -> Float {
        if self.count == 0 {
            return Float::default();
        }
        let unit = 10_f64.powi(self.scale as i32);
        let count = self.count as f64;
        let squares = match self.distances() {
            Some(times_count) => times_count as f64 / count,
            // The sums fit, but not their products: what is lost then is in the last digits.
            None => self.squares as f64 - self.sum as f64 / count * self.sum as f64,
        };
        let mean = match Decimal::try_from_i128_with_scale(self.sum, self.scale) {
            Ok(sum) => nearest_float(sum) / count,
            Err(_) => self.sum as f64 / count / unit,
        };
        Float { count, mean, squares: squares / (unit * unit) }
    }

    /// The sum of squared distances from the mean, times the count.
    fn distances(self) -> Option<i128> {
        let Exact { count, sum, squares, .. } = self;
        // About the whole number below the mean first, so that the products stay small.
        let (below, rest) = (sum.div_euclid(count), sum.rem_euclid(count));
        let twice = below.checked_mul(sum)?.checked_mul(2)?;
        let about_below =
            squares.checked_sub(twice)?.checked_add(below.checked_mul(below)?.checked_mul(count)?)?;
        about_below.checked_mul(count)?.checked_sub(rest.checked_mul(rest)?)
    }
}

impl Float {
    fn merge(&mut self, other: Float) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        self.mean += distance * other.count / count;
        self.squares += other.squares + distance * distance * self.count * other.count / count;
        self.count = count;
    }
}

impl DatumRef<'_> {
    /// As a float, if it is a number.
    fn as_f64(self) -> Option<f64> {
        match self {
            DatumRef::Int(value) => Some(value as f64),
            DatumRef::Float(value) => Some(value),
            DatumRef::Decimal(value) => Some(nearest_float(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deviation(parts: &[Vec<Datum>]) -> Datum {
        let mut all = Moments::default();
        for part in parts {
            let mut moments = Moments::default();
            part.iter().for_each(|value| moments.add(value.borrow()).unwrap());
            all.merge(moments);
        }
        all.deviation()
    }

    fn float(datum: &Datum) -> Option<f64> {
        match datum {
            Datum::Float(float) => Some(*float),
            _ => None,
        }
    }

    #[test]
    fn deviations_are_those_of_the_book() {
        let ints = |values: &[i64]| vec![values.iter().map(|value| Datum::Int(*value)).collect::<Vec<_>>()];
        let huge = 1_i64 << 60;
        for (values, expected) in [
            (ints(&[]), None),
            (ints(&[7]), None),
            (ints(&[7, 7, 7]), Some(0.0)),
            (ints(&[2, 4, 4, 4, 5, 5, 7, 9]), Some((32.0_f64 / 7.0).sqrt())),
            (ints(&[-1, 1]), Some(2.0_f64.sqrt())),
            // A large offset costs no digits.
            (ints(&[huge - 2, huge - 1, huge]), Some(1.0)),
            (vec![vec![Datum::Float(0.5), Datum::Float(1.5)]], Some(0.5_f64.sqrt())),
        ] {
            assert_eq!(float(&deviation(&values)), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_and_the_parts_do_not_matter(
            values in prop::collection::vec((-1_000_000_000_i64..1_000_000_000, 0_u32..5, any::<bool>()), 2..60),
            cuts in prop::collection::vec(1_usize..20, 1..10),
        ) {
            let values: Vec<Datum> = values
                .into_iter()
                .map(|(mantissa, scale, is_int)| match is_int {
                    true => Datum::Int(mantissa),
                    false => Datum::Decimal(Decimal::new(mantissa, scale)),
                })
                .collect();
            let whole = deviation(std::slice::from_ref(&values));
            let mut parts = Vec::new();
            let mut left: Vec<Datum> = values.iter().rev().cloned().collect();
            for cut in cuts.iter().cycle() {
                if left.is_empty() {
                    break;
                }
                parts.push(left.split_off(left.len().saturating_sub(*cut)));
            }
            let in_parts = deviation(&parts);
            prop_assert_eq!(format!("{whole:?}"), format!("{in_parts:?}"));
            let floats: Vec<f64> = values.iter().map(|value| value.borrow().as_f64().unwrap()).collect();
            let mean = floats.iter().sum::<f64>() / floats.len() as f64;
            let squares: f64 = floats.iter().map(|value| (value - mean).powi(2)).sum();
            let expected = (squares / (floats.len() - 1) as f64).sqrt();
            let found = float(&whole).unwrap();
            prop_assert!((found - expected).abs() <= 1e-9 * expected.max(1.0), "{found} {expected}");
        }
    }
}
