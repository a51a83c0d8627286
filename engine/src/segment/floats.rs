//! Pages of floats. Most floats are decimals at heart: where whole numbers divided by a power of ten give
//! back every bit, those are stored.
//!
//! ```text
//! page = 0, numbers                 bits, as numbers that order as the floats do
//!      | 1, exponent u8, numbers    whole numbers, to be divided by 10 to the power of the exponent
//! ```
//! Least and greatest of a page are bits, as in the first kind.

use super::int_page::IntPage;
use super::pages::{Output, PageList};
use super::unpacked::Origin;
use super::wire::{Cursor, Malformed};

const KIND_BITS: u8 = 0;
const KIND_DECIMAL: u8 = 1;
const EXPONENT_MAX: usize = 9;
const POWERS: [f64; EXPONENT_MAX + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Whole numbers below this are floats exactly.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The bits of a float as a number that orders as the float does; its own inverse.
#[inline]
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The float of such a number.
#[inline]
pub(crate) fn from_ordered(number: i64) -> f64 {
    f64::from_bits(ordered(number) as u64)
}

/// Appends a page of floats, given as their bits, which are used up; none at all if they are equal.
pub(crate) fn put_page(pages: &mut PageList, out: &mut Output, values: &mut [i64], scratch: &mut Vec<i64>) {
    let start = out.bytes.len();
    values.iter_mut().for_each(|bits| *bits = ordered(*bits));
    let (least, greatest) = if values.is_empty() { (0, 0) } else { super::ints::bounds(values) };
    if least != greatest {
        match (0..=EXPONENT_MAX).find(|exponent| to_whole(values, *exponent, scratch)) {
            Some(exponent) => {
                out.bytes.extend([KIND_DECIMAL, exponent as u8]);
                out.ints.encode(scratch, &mut out.bytes);
            }
            None => {
                out.bytes.push(KIND_BITS);
                out.ints.encode(values, &mut out.bytes);
            }
        }
    }
    pages.put(out, start, least, greatest);
}

/// Whether all floats are whole numbers divided by that power of ten, which then are in `out`.
fn to_whole(values: &[i64], exponent: usize, out: &mut Vec<i64>) -> bool {
    let power = POWERS[exponent];
    out.clear();
    values.iter().all(|value| {
        let float = from_ordered(*value);
        let whole = (float * power).round();
        let same = whole.abs() < WHOLE_MAX && (whole / power).to_bits() == float.to_bits();
        if same {
            out.push(whole as i64);
        }
        same && (whole != 0.0 || float.is_sign_positive())
    })
}

/// A page of floats being read.
pub(crate) struct FloatPage<'a> {
    numbers: IntPage<'a>,
    /// The power of ten to divide by, or none if the numbers are bits.
    power: Option<f64>,
}

impl<'a> FloatPage<'a> {
    /// Reads the page of `count` floats at the start of `bytes`, which go on after it.
    pub(crate) fn parse(bytes: &'a [u8], count: usize, origin: Origin) -> Result<FloatPage<'a>, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let power = match cursor.byte()? {
            KIND_BITS => None,
            KIND_DECIMAL => {
                let power = POWERS.get(cursor.byte()? as usize);
                Some(*power.ok_or(Malformed("a power of ten over its limit"))?)
            }
            _ => return Err(Malformed("a page of floats is of no known kind")),
        };
        Ok(FloatPage {
            numbers: IntPage::parse(&bytes[cursor.position()..], count, origin.after(cursor.position()))?,
            power,
        })
    }

    #[inline]
    fn float(&self, number: i64) -> f64 {
        match self.power {
            None => from_ordered(number),
            Some(power) => number as f64 / power,
        }
    }

    /// The float at `index`, which is below the count.
    pub(crate) fn get(&self, index: usize) -> Result<f64, Malformed> {
        self.numbers.get(index).map(|number| self.float(number))
    }

    /// All floats.
    pub(crate) fn decode(&self) -> Result<Vec<f64>, Malformed> {
        let mut numbers = Vec::new();
        self.numbers.decode(&mut numbers)?;
        Ok(numbers.into_iter().map(|number| self.float(number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::SLACK_BYTES;
    use super::*;

    fn check(values: &[f64], kind: u8) {
        let (mut out, mut pages) = (Output::default(), PageList::default());
        let mut bits: Vec<i64> = values.iter().map(|value| value.to_bits() as i64).collect();
        put_page(&mut pages, &mut out, &mut bits, &mut vec![]);
        let mut bytes = out.bytes;
        assert_eq!(bytes[0], kind);
        bytes.extend([0; SLACK_BYTES]);
        let page = FloatPage::parse(&bytes, values.len(), Origin::NOWHERE).unwrap();
        let read = page.decode().unwrap();
        for (index, value) in values.iter().enumerate() {
            assert_eq!(page.get(index).unwrap().to_bits(), value.to_bits());
            assert_eq!(read[index].to_bits(), value.to_bits());
        }
    }

    #[test]
    fn every_bit_comes_back() {
        check(&[0.1, 0.25, -3.75, 1000.0], KIND_DECIMAL);
        check(&(0..1000).map(|i| f64::from(i) / 1000.0).collect::<Vec<_>>(), KIND_DECIMAL);
        check(&[0.0, -0.0], KIND_BITS);
        check(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324], KIND_BITS);
        check(&[std::f64::consts::PI, 1.0 / 3.0, 2e18], KIND_BITS);
    }

    #[test]
    fn numbers_order_as_their_floats() {
        let floats = [f64::MIN, -1.5, -0.0, 0.0, 5e-324, 1.0, f64::MAX];
        let numbers = floats.map(|float| ordered(float.to_bits() as i64));
        assert!(numbers.is_sorted());
        assert_eq!(numbers.map(|number| from_ordered(number).to_bits()), floats.map(f64::to_bits));
    }
}
