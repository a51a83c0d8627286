//! Tests as ranges: of times, and of the whole numbers that numbers are stored as.

use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::row_set::RowSet;
use crate::plan::scalar::{Comparand, Test};
use crate::syntax::ast::CompareOp;

/// The times that a test asks for, if it asks for a stretch of them.
pub(crate) fn time_range(test: &Test) -> Option<RangeInclusive<i64>> {
    let time = |value: &Comparand| value.time.map(|time| time.nanos());
    const NONE: RangeInclusive<i64> = RangeInclusive::new(i64::MAX, i64::MIN);
    match test {
        Test::Compare { op, value } => {
            let time = time(value)?;
            Some(match op {
                CompareOp::Equal => time..=time,
                CompareOp::NotEqual => return None,
                CompareOp::Less => time.checked_sub(1).map_or(NONE, |last| i64::MIN..=last),
                CompareOp::LessOrEqual => i64::MIN..=time,
                CompareOp::Greater => time.checked_add(1).map_or(NONE, |first| first..=i64::MAX),
                CompareOp::GreaterOrEqual => time..=i64::MAX,
            })
        }
        Test::Between { low, high } => Some(time(low)?..=time(high)?),
        _ => None,
    }
}

/// The whole numbers that a test asks for, if it asks for a stretch of them.
pub(crate) fn number_range(test: &Test) -> Option<RangeInclusive<i64>> {
    let whole = NumberTest::of(test)?.at_scale(0)?;
    (!whole.negated).then_some(whole.range)
}

/// A test of numbers as bounds: whether a number lies within them, or, negated, outside.
#[derive(Clone, Debug)]
pub(crate) struct NumberTest {
    /// The bound, and whether it is within.
    low: Option<(Decimal, bool)>,
    high: Option<(Decimal, bool)>,
    negated: bool,
}

impl NumberTest {
    /// The bounds of a test, if it is one of numbers.
    pub(crate) fn of(test: &Test) -> Option<NumberTest> {
        let (low, high, negated) = match test {
            Test::Compare { op, value } => {
                let number = value.number?;
                match op {
                    CompareOp::Equal => (Some((number, true)), Some((number, true)), false),
                    CompareOp::NotEqual => (Some((number, true)), Some((number, true)), true),
                    CompareOp::Less => (None, Some((number, false)), false),
                    CompareOp::LessOrEqual => (None, Some((number, true)), false),
                    CompareOp::Greater => (Some((number, false)), None, false),
                    CompareOp::GreaterOrEqual => (Some((number, true)), None, false),
                }
            }
            Test::Between { low, high } => (Some((low.number?, true)), Some((high.number?, true)), false),
            _ => return None,
        };
        Some(NumberTest { low, high, negated })
    }

    /// The bounds among numbers that count units of 10 to the power of minus `scale`; `None` if one is out of range.
    pub(crate) fn at_scale(&self, scale: u32) -> Option<WholeTest> {
        let unit = 10i128.checked_pow(scale)?;
        let whole = |bound: Decimal, up: bool| -> Option<i128> {
            let divisor = 10i128.pow(bound.scale());
            let scaled = bound.mantissa().checked_mul(unit)?;
            let floor = scaled.div_euclid(divisor);
            Some(if up && scaled.rem_euclid(divisor) != 0 { floor + 1 } else { floor })
        };
        let is_whole = |bound: Decimal| -> Option<bool> {
            Some(bound.mantissa().checked_mul(unit)?.rem_euclid(10i128.pow(bound.scale())) == 0)
        };
        let first = match self.low {
            None => i128::MIN,
            Some((bound, within)) => whole(bound, true)? + i128::from(!within && is_whole(bound)?),
        };
        let last = match self.high {
            None => i128::MAX,
            Some((bound, within)) => whole(bound, false)? - i128::from(!within && is_whole(bound)?),
        };
        let range = if first > last || first > i128::from(i64::MAX) || last < i128::from(i64::MIN) {
            RangeInclusive::new(i64::MAX, i64::MIN)
        } else {
            first.max(i128::from(i64::MIN)) as i64..=last.min(i128::from(i64::MAX)) as i64
        };
        Some(WholeTest { range, negated: self.negated })
    }

    /// What bounds of the rows say: all pass, or none does. `complete`: all rows have the column.
    pub(crate) fn said_by(&self, least: Decimal, greatest: Decimal, complete: bool) -> Option<bool> {
        let above_low = |number: Decimal| match self.low {
            None => true,
            Some((bound, within)) => number > bound || within && number == bound,
        };
        let below_high = |number: Decimal| match self.high {
            None => true,
            Some((bound, within)) => number < bound || within && number == bound,
        };
        let all_within = above_low(least) && below_high(greatest);
        let none_within = !above_low(greatest) || !below_high(least);
        match (all_within, none_within, self.negated) {
            (true, _, false) | (_, true, true) if complete => Some(true),
            (_, true, false) | (true, _, true) => Some(false),
            _ => None,
        }
    }
}

/// As [`NumberTest`], of whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WholeTest {
    range: RangeInclusive<i64>,
    negated: bool,
}

impl WholeTest {
    pub(crate) fn rows_of(&self, values: &[i64]) -> RowSet {
        let (first, last) = (*self.range.start(), *self.range.end());
        let mut rows = RowSet::from_fn(values.len(), |row| values[row] >= first && values[row] <= last);
        if self.negated {
            rows.invert();
        }
        rows
    }
}

/// What bounds of the rows say of a range: all lie in it, or none does.
pub(crate) fn said_by(
    range: &RangeInclusive<i64>,
    least: i64,
    greatest: i64,
    complete: bool,
) -> Option<bool> {
    if complete && range.contains(&least) && range.contains(&greatest) {
        Some(true)
    } else if greatest < *range.start() || least > *range.end() {
        Some(false)
    } else {
        None
    }
}
