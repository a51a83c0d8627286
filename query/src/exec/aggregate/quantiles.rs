//! Values of which percentiles are asked, all of them: percentiles are exact.
//!
//! Latencies and prices fall into a narrow range, in which counting costs less time and memory than keeping every
//! value: once a few hundred have come, whole numbers within 65,536 of each other are counted, others are kept.

use rust_decimal::Decimal;

use crate::datum::{Datum, DatumRef};

/// Values kept before it is decided whether counting them pays.
const UNDECIDED_VALUES: usize = 512;
/// Widest range that is counted, and the least.
const COUNTED_RANGE_MAX: i64 = 1 << 16;
const COUNTED_RANGE_MIN: i64 = 1 << 10;
/// Widest range that counts are merged into.
const MERGED_RANGE: i128 = 1 << 18;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quantiles {
    ints: Numbers,
    /// Mantissas of decimals, by scale; few scales come together.
    decimals: Vec<(u32, Numbers)>,
    /// Floats, durations, times, and decimals too wide for the others.
    others: Vec<Datum>,
}

#[derive(Clone, Debug, Default)]
struct Numbers {
    kept: Vec<i64>,
    /// The number counted first, and the counts from there on.
    counted: Option<(i64, Vec<u32>)>,
}

impl Numbers {
    #[inline]
    fn add(&mut self, value: i64) {
        if let Some((first, counts)) = &mut self.counted
            && let Some(count) = counts.get_mut(value.wrapping_sub(*first) as usize)
            && *count < u32::MAX
        {
            *count += 1;
            return;
        }
        self.kept.push(value);
        if self.counted.is_none() && self.kept.len() == UNDECIDED_VALUES {
            self.decide();
        }
    }

    #[cold]
    fn decide(&mut self) {
        // The range is laid around the middle, so that a few far values do not decide.
        let tenth = self.kept.len() / 10;
        let (_, low, rest) = self.kept.select_nth_unstable(tenth);
        let (low, (_, high, _)) = (*low, rest.select_nth_unstable(tenth * 8));
        let high = *high;
        let Some(span) = high.checked_sub(low).filter(|span| *span < COUNTED_RANGE_MAX / 4) else { return };
        let room = (span * 4).max(COUNTED_RANGE_MIN);
        let first = low.saturating_sub((room - span) / 2).max(if low >= 0 { 0 } else { i64::MIN });
        self.counted = Some((first, vec![0; room as usize]));
        let kept = std::mem::take(&mut self.kept);
        kept.into_iter().for_each(|value| self.add(value));
    }

    fn merge(&mut self, other: Numbers) {
        if let Some((first, counts)) = other.counted {
            if self.counted.is_none() {
                self.counted = Some((first, Vec::new()));
            }
            if self.widen(first, counts.len()) {
                self.add_counts(first, &counts);
            } else {
                for (value, count) in counts.into_iter().enumerate() {
                    (0..count).for_each(|_| self.kept.push(first + value as i64));
                }
            }
        }
        // What was kept before there were counts may be counted now.
        let kept = std::mem::take(&mut self.kept);
        kept.into_iter().chain(other.kept).for_each(|value| self.add(value));
    }

    /// Counts that range too; false if the range would be too wide.
    fn widen(&mut self, first: i64, len: usize) -> bool {
        let Some((own_first, own)) = &mut self.counted else { return false };
        let (first, end) = (i128::from(first), i128::from(first) + len as i128);
        let (own_start, own_end) = (i128::from(*own_first), i128::from(*own_first) + own.len() as i128);
        let (low, high) = (first.min(own_start), end.max(own_end));
        if high - low > MERGED_RANGE {
            return false;
        }
        let before = (own_start - low) as usize;
        if before > 0 {
            own.splice(0..0, std::iter::repeat_n(0, before));
        }
        own.resize((high - low) as usize, 0);
        *own_first = low as i64;
        true
    }

    fn add_counts(&mut self, first: i64, counts: &[u32]) {
        let Some((own_first, own)) = &mut self.counted else { return };
        let at = (first - *own_first) as usize;
        for (offset, (own, count)) in own[at..].iter_mut().zip(counts).enumerate() {
            let sum = u64::from(*own) + u64::from(*count);
            *own = sum.min(u64::from(u32::MAX)) as u32;
            let rest = sum - u64::from(*own);
            self.kept.extend((0..rest).map(|_| first + offset as i64));
        }
    }

    /// Cuts what was never counted off both ends of the range.
    fn shrink(&mut self) {
        if let Some((first, counts)) = &mut self.counted {
            let end = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
            counts.truncate(end);
            let start = counts.iter().position(|count| *count > 0).unwrap_or(0);
            counts.drain(..start);
            counts.shrink_to_fit();
            *first += start as i64;
        }
        self.kept.shrink_to_fit();
    }

    fn count(&self) -> u64 {
        let counted = self.counted.iter().flat_map(|(_, counts)| counts);
        self.kept.len() as u64 + counted.map(|count| u64::from(*count)).sum::<u64>()
    }

    /// The value of that rank, counted from 0.
    fn of_rank(&mut self, rank: u64) -> i64 {
        let Some((first, counts)) = &self.counted else {
            return *self.kept.select_nth_unstable(rank as usize).1;
        };
        self.kept.sort_unstable();
        let below = self.kept.partition_point(|value| value < first);
        let end = first.saturating_add(counts.len() as i64 - 1);
        let above = self.kept.partition_point(|value| *value <= end);
        if rank < below as u64 {
            return self.kept[rank as usize];
        }
        let mut left = rank - below as u64;
        let mut within = self.kept[below..above].iter().peekable();
        for (offset, count) in counts.iter().enumerate() {
            let value = first + offset as i64;
            let mut count = u64::from(*count);
            while within.next_if(|kept| **kept == value).is_some() {
                count += 1;
            }
            if left < count {
                return value;
            }
            left -= count;
        }
        self.kept[above + left as usize]
    }

    fn each(&self, mut take: impl FnMut(i64)) {
        self.kept.iter().for_each(|value| take(*value));
        if let Some((first, counts)) = &self.counted {
            for (offset, count) in counts.iter().enumerate() {
                (0..*count).for_each(|_| take(first + offset as i64));
            }
        }
    }

    fn bytes(&self) -> usize {
        self.kept.capacity() * 8 + self.counted.as_ref().map_or(0, |(_, counts)| counts.len() * 4)
    }
}

impl Quantiles {
    /// Adds a value; nulls are the caller's.
    pub(crate) fn add(&mut self, value: DatumRef<'_>) {
        match value {
            DatumRef::Int(value) => self.add_int(value),
            DatumRef::Decimal(value) => match i64::try_from(value.mantissa()) {
                Ok(mantissa) => self.add_scaled(mantissa, value.scale()),
                Err(_) => self.others.push(Datum::Decimal(value)),
            },
            value => self.others.push(value.to_datum()),
        }
    }

    #[inline]
    pub(crate) fn add_int(&mut self, value: i64) {
        self.ints.add(value);
    }

    #[inline]
    pub(crate) fn add_scaled(&mut self, mantissa: i64, scale: u32) {
        self.of_scale(scale).add(mantissa);
    }

    #[inline]
    fn of_scale(&mut self, scale: u32) -> &mut Numbers {
        let at = self.decimals.iter().position(|(known, _)| *known == scale).unwrap_or_else(|| {
            self.decimals.push((scale, Numbers::default()));
            self.decimals.len() - 1
        });
        &mut self.decimals[at].1
    }

    pub(crate) fn merge(&mut self, other: Quantiles) {
        self.ints.merge(other.ints);
        for (scale, numbers) in other.decimals {
            self.of_scale(scale).merge(numbers);
        }
        self.others.extend(other.others);
    }

    /// The smallest value that at least `percent` percent of the values do not exceed; null if there are none.
    pub(crate) fn percentile(&mut self, percent: Decimal) -> Datum {
        let decimals: u64 = self.decimals.iter().map(|(_, numbers)| numbers.count()).sum();
        let total = self.ints.count() + decimals + self.others.len() as u64;
        if total == 0 {
            return Datum::Null;
        }
        let rank = (Decimal::from(total) * percent / Decimal::ONE_HUNDRED).ceil();
        let rank = u64::try_from(rank).unwrap_or(total).clamp(1, total) - 1;
        if decimals == 0 && self.others.is_empty() {
            return Datum::Int(self.ints.of_rank(rank));
        }
        if self.ints.count() == 0
            && self.others.is_empty()
            && let [(scale, numbers)] = &mut self.decimals[..]
        {
            return Datum::Decimal(Decimal::new(numbers.of_rank(rank), *scale));
        }
        let mut all = std::mem::take(&mut self.others);
        self.ints.each(|value| all.push(Datum::Int(value)));
        for (scale, numbers) in &self.decimals {
            numbers.each(|mantissa| all.push(Datum::Decimal(Decimal::new(mantissa, *scale))));
        }
        (self.ints, self.decimals) = Default::default();
        all.sort_by(|left, right| left.borrow().total_cmp(right.borrow()));
        let value = all[rank as usize].clone();
        self.others = all;
        value
    }

    /// Gives up room that is not needed any more; gives the bytes it takes then, about.
    pub(crate) fn shrink(&mut self) -> usize {
        self.ints.shrink();
        self.decimals.iter_mut().for_each(|(_, numbers)| numbers.shrink());
        self.bytes()
    }

    fn bytes(&self) -> usize {
        let decimals: usize = self.decimals.iter().map(|(_, numbers)| numbers.bytes()).sum();
        self.ints.bytes() + decimals + self.others.capacity() * size_of::<Datum>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[Datum]) {
        let mut sorted = values.to_vec();
        sorted.sort_by(|left, right| left.borrow().total_cmp(right.borrow()));
        for parts in [1, 2, 7] {
            let mut all = Quantiles::default();
            for part in values.chunks(values.len().div_ceil(parts).max(1)) {
                let mut quantiles = Quantiles::default();
                part.iter().for_each(|value| quantiles.add(value.borrow()));
                quantiles.shrink();
                all.merge(quantiles);
            }
            for percent in ["0", "1", "50", "90", "99", "99.9", "100"] {
                let percent: Decimal = percent.parse().unwrap();
                let rank = (Decimal::from(sorted.len()) * percent / Decimal::ONE_HUNDRED).ceil();
                let rank = usize::try_from(rank).unwrap().max(1) - 1;
                let found = all.percentile(percent);
                let expected = sorted.get(rank).cloned().unwrap_or_default();
                assert!(
                    found.borrow().total_cmp(expected.borrow()).is_eq(),
                    "p{percent} of {} values in {parts}: {found:?}, not {expected:?}",
                    values.len()
                );
            }
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        let numbers = |count: i64, step: i64| -> Vec<i64> {
            (0..count).map(|i| (i.wrapping_mul(7919) % 1000).wrapping_mul(step)).collect()
        };
        check(&[]);
        check(&[Datum::Int(-3)]);
        for (count, step) in [(10, 1), (5000, 1), (5000, 60), (5000, i64::MAX / 1000), (3000, -1)] {
            let ints = numbers(count, step);
            check(&ints.iter().map(|value| Datum::Int(*value)).collect::<Vec<_>>());
            let scaled = |value: &i64| Datum::Decimal(Decimal::new(*value, 2));
            check(&ints.iter().map(scaled).collect::<Vec<_>>());
            let mixed = |(at, value): (usize, &i64)| match at % 4 {
                0 => Datum::Int(*value),
                1 => Datum::Decimal(Decimal::new(*value, 2)),
                2 => Datum::Decimal(Decimal::new(*value, 3)),
                _ => Datum::Float(*value as f64 / 8.0),
            };
            check(&ints.iter().enumerate().map(mixed).collect::<Vec<_>>());
        }
        // Values on both sides of those that are counted.
        let mut outliers = numbers(4000, 1);
        outliers.extend([i64::MIN, i64::MAX, -5, 1 << 40]);
        check(&outliers.into_iter().map(Datum::Int).collect::<Vec<_>>());
    }
}
