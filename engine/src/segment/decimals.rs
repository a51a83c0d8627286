//! Exact decimals as cells of 64 bits and as pages of numbers.
//!
//! ```text
//! cell = mantissa << 5 | scale            mantissa within 58 bits and a sign
//!      | index << 5 | 31                  what does not fit, negative zero included: kept apart while
//!                                         building, never in a file
//! page = 0, scale u8, numbers                          all of one scale
//!      | 1, scale u8, digits u8, numbers               trailing zeros stripped down to `digits` after the point
//!      | 2, scale u8, length varint, numbers, numbers  the second: the scale of each
//!      | 3, 16 bytes each                              flags, low, mid, high u32 as rust_decimal lays them out
//! ```
//! In pages of kind 0 to 2 the mantissas are those at the page's greatest scale. Least and greatest of a
//! page are cells, or the ends of the range of i64 where no cell can say it.

use rust_decimal::Decimal;

use super::bits::SLACK_BYTES;
use super::int_page::IntPage;
use super::pages::{Output, PageList};
use super::unpacked::Origin;
use super::wire::{Cursor, Malformed, put_varint};

const SCALE_BITS: u32 = 5;
const SCALE_MASK: i64 = 31;
const SCALE_WIDE: i64 = 31;
const SCALE_MAX: i64 = 28;

const KIND_ONE_SCALE: u8 = 0;
const KIND_STRIPPED: u8 = 1;
const KIND_SCALES: u8 = 2;
const KIND_WIDE: u8 = 3;

const POWERS: [i64; 19] = {
    let mut powers = [1i64; 19];
    let mut index = 1;
    while index < 19 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// The cell of a mantissa and a scale, if one can hold it.
#[inline]
pub(crate) fn cell(mantissa: i128, scale: u32) -> Option<i64> {
    let shifted = (mantissa as i64).checked_mul(1 << SCALE_BITS)?;
    (i128::from(mantissa as i64) == mantissa).then_some(shifted | i64::from(scale))
}

/// The cell of a decimal, put apart in `wide` if it does not fit one.
#[inline]
pub(crate) fn to_cell(value: Decimal, wide: &mut Vec<Decimal>) -> i64 {
    let mantissa = value.mantissa();
    match cell(mantissa, value.scale()) {
        Some(cell) if mantissa != 0 || !value.is_sign_negative() => cell,
        _ => {
            wide.push(value);
            ((wide.len() as i64 - 1) << SCALE_BITS) | SCALE_WIDE
        }
    }
}

/// Whether a cell holds its decimal itself.
#[inline]
pub(crate) fn is_narrow(cell: i64) -> bool {
    cell & SCALE_MASK != SCALE_WIDE
}

/// Mantissa and scale of a narrow cell.
#[inline]
pub(crate) fn parts(cell: i64) -> (i64, u32) {
    (cell >> SCALE_BITS, (cell & SCALE_MASK) as u32)
}

/// The decimal of a cell that stands in a file; `None` if it is not one.
pub(crate) fn from_cell(cell: i64) -> Option<Decimal> {
    let (mantissa, scale) = parts(cell);
    (i64::from(scale) <= SCALE_MAX).then(|| Decimal::new(mantissa, scale))
}

/// The decimal of a cell while building.
pub(crate) fn resolve(cell: i64, wide: &[Decimal]) -> Decimal {
    if is_narrow(cell) {
        let (mantissa, scale) = parts(cell);
        Decimal::new(mantissa, scale)
    } else {
        wide[(cell >> SCALE_BITS) as usize]
    }
}

/// Appends a page of decimals, given as cells; none at all if they are equal. `scratch` is room to work in.
pub(crate) fn put_page(
    pages: &mut PageList,
    out: &mut Output,
    cells: &[i64],
    wide: &[Decimal],
    scratch: &mut Vec<i64>,
) {
    let start = out.bytes.len();
    let first = cells.first().copied().unwrap_or(0);
    if is_narrow(first) && cells.iter().all(|cell| *cell == first) {
        pages.put(out, start, first, first);
        return;
    }
    let (mut least_scale, mut greatest_scale) = (u32::MAX, 0);
    for cell in cells {
        let scale = (cell & SCALE_MASK) as u32;
        least_scale = least_scale.min(scale);
        greatest_scale = greatest_scale.max(scale);
    }
    if i64::from(greatest_scale) == SCALE_WIDE || !rescale(cells, greatest_scale, scratch) {
        out.bytes.push(KIND_WIDE);
        for cell in cells {
            out.bytes.extend_from_slice(&resolve(*cell, wide).serialize());
        }
        pages.put(out, start, i64::MIN, i64::MAX);
        return;
    }
    let stripped = cells.iter().all(|cell| {
        let (mantissa, scale) = parts(*cell);
        scale == least_scale || mantissa % 10 != 0
    });
    let (least, greatest) = super::ints::bounds(scratch);
    if least_scale == greatest_scale {
        out.bytes.extend([KIND_ONE_SCALE, greatest_scale as u8]);
    } else if stripped {
        out.bytes.extend([KIND_STRIPPED, greatest_scale as u8, least_scale as u8]);
    } else {
        out.bytes.extend([KIND_SCALES, greatest_scale as u8]);
        let mut page = Vec::new();
        out.ints.encode(scratch, &mut page);
        put_varint(&mut out.bytes, page.len() as u64);
        out.bytes.extend_from_slice(&page);
        scratch.clear();
        scratch.extend(cells.iter().map(|cell| cell & SCALE_MASK));
    }
    out.ints.encode(scratch, &mut out.bytes);
    let bound = |mantissa, otherwise| cell(i128::from(mantissa), greatest_scale).unwrap_or(otherwise);
    let (least, greatest) = (bound(least, i64::MIN), bound(greatest, i64::MAX));
    pages.put(out, start, least, greatest);
}

/// Brings all mantissas to one scale; false if one overflows.
fn rescale(cells: &[i64], scale: u32, out: &mut Vec<i64>) -> bool {
    out.clear();
    for cell in cells {
        let (mantissa, own) = parts(*cell);
        let Some(power) = POWERS.get((scale - own) as usize) else { return false };
        let Some(scaled) = mantissa.checked_mul(*power) else { return false };
        out.push(scaled);
    }
    true
}

/// How many digits after the point each decimal of a vector shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Digits {
    /// As many as the scale.
    All,
    /// Trailing zeros are stripped, down to this many.
    Stripped(u8),
    /// Each its own.
    Each(Vec<u8>),
}

/// A page of decimals being read.
// It lives on the stack for one read; boxing it would cost more than its size.
#[expect(clippy::large_enum_variant)]
pub(crate) enum DecimalPage<'a> {
    Scaled { numbers: IntPage<'a>, scale: u32, digits: PageDigits<'a> },
    Wide(&'a [u8]),
}

pub(crate) enum PageDigits<'a> {
    All,
    Stripped(u32),
    Each(IntPage<'a>),
}

impl<'a> DecimalPage<'a> {
    /// Reads the page of `count` decimals and `length` bytes at the start of `bytes`, which go on after it.
    pub(crate) fn parse(
        bytes: &'a [u8],
        length: usize,
        count: usize,
        origin: Origin,
    ) -> Result<DecimalPage<'a>, Malformed> {
        let page = bytes.get(..length).ok_or(Malformed("a page of decimals is too short"))?;
        let mut cursor = Cursor::new(page);
        let kind = cursor.byte()?;
        if kind == KIND_WIDE {
            let decimals = cursor.take(count * 16)?;
            cursor.end()?;
            return Ok(DecimalPage::Wide(decimals));
        }
        let scale = u32::from(cursor.byte()?);
        if i64::from(scale) > SCALE_MAX {
            return Err(Malformed("a scale is over 28"));
        }
        let (digits, at) = match kind {
            KIND_ONE_SCALE => (PageDigits::All, cursor.position()),
            KIND_STRIPPED => {
                let digits = u32::from(cursor.byte()?).min(scale);
                (PageDigits::Stripped(digits), cursor.position())
            }
            KIND_SCALES => {
                let skip = cursor.bounded(cursor.remaining(), "a length is over its bytes")?;
                let at = cursor.position();
                (PageDigits::Each(IntPage::parse(&bytes[at + skip..], count, origin.after(at + skip))?), at)
            }
            _ => return Err(Malformed("a page of decimals is of no known kind")),
        };
        Ok(DecimalPage::Scaled {
            numbers: IntPage::parse(&bytes[at..], count, origin.after(at))?,
            scale,
            digits,
        })
    }

    /// The decimal at `index`, which is below the count.
    pub(crate) fn get(&self, index: usize) -> Result<Decimal, Malformed> {
        match self {
            DecimalPage::Wide(decimals) => wide_at(decimals, index),
            DecimalPage::Scaled { numbers, scale, digits } => {
                let mantissa = numbers.get(index)?;
                let digits = match digits {
                    PageDigits::All => *scale,
                    PageDigits::Stripped(digits) => return Ok(stripped(mantissa, *scale, *digits)),
                    PageDigits::Each(scales) => u32::try_from(scales.get(index)?).unwrap_or(u32::MAX),
                };
                with_digits(mantissa, *scale, digits).ok_or(Malformed("a scale over that of its page"))
            }
        }
    }
}

/// Decimal `index` of a page of kind wide.
pub(crate) fn wide_at(decimals: &[u8], index: usize) -> Result<Decimal, Malformed> {
    let bytes =
        decimals.as_chunks::<16>().0.get(index).ok_or(Malformed("a page of decimals is too short"))?;
    let decimal = Decimal::deserialize(*bytes);
    // The flags may hold anything; only those that mean something are taken.
    if decimal.scale() as i64 > SCALE_MAX || decimal.serialize() != *bytes {
        return Err(Malformed("a decimal with unknown flags"));
    }
    Ok(decimal)
}

/// A mantissa at `scale` with its trailing zeros stripped, down to `digits` after the point.
#[inline]
pub(crate) fn stripped(mut mantissa: i64, mut scale: u32, digits: u32) -> Decimal {
    while scale > digits && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::new(mantissa, scale)
}

/// A mantissa at `scale` shown with `digits` after the point.
#[inline]
pub(crate) fn with_digits(mantissa: i64, scale: u32, digits: u32) -> Option<Decimal> {
    let power = POWERS.get(scale.checked_sub(digits)? as usize)?;
    Some(Decimal::new(mantissa / power, digits))
}

/// 10 to the power of the difference of two scales.
pub(crate) fn power(exponent: u32) -> Option<i64> {
    POWERS.get(exponent as usize).copied()
}

const _: () = assert!(SLACK_BYTES >= 16);

#[cfg(test)]
mod tests {
    use crate::dec;

    use super::*;

    fn check(values: &[Decimal], kind: u8) {
        let (mut wide, mut out, mut pages) = (vec![], Output::default(), PageList::default());
        let cells: Vec<i64> = values.iter().map(|value| to_cell(*value, &mut wide)).collect();
        put_page(&mut pages, &mut out, &cells, &wide, &mut vec![]);
        let mut bytes = out.bytes;
        assert_eq!(bytes[0], kind);
        let length = bytes.len();
        bytes.extend([0; SLACK_BYTES]);
        let page = DecimalPage::parse(&bytes, length, values.len(), Origin::NOWHERE).unwrap();
        for (index, value) in values.iter().enumerate() {
            assert_eq!(page.get(index).unwrap().serialize(), value.serialize());
        }
    }

    #[test]
    fn every_digit_and_every_scale_comes_back() {
        check(&[dec!(1.50), dec!(2.25), dec!(-0.01)], KIND_ONE_SCALE);
        check(&[dec!(224), dec!(223.8), dec!(223.81), dec!(0)], KIND_STRIPPED);
        check(&[dec!(1.0), dec!(1.05), dec!(1.5)], KIND_STRIPPED);
        check(&[dec!(1.50), dec!(1.5), dec!(1)], KIND_SCALES);
        let mut negative_zero = dec!(0.00);
        negative_zero.set_sign_negative(true);
        check(&[negative_zero, dec!(0.00)], KIND_WIDE);
        check(&[Decimal::MAX, Decimal::MIN], KIND_WIDE);
        check(&[Decimal::new(1, 28), Decimal::new(i64::MAX, 0)], KIND_WIDE);
        check(&[Decimal::new(i64::MAX >> 5, 3), Decimal::new(i64::MIN >> 5, 3)], KIND_ONE_SCALE);
    }
}
