//! One aggregate over all groups: what is kept while rows come, and what is made of it.
//!
//! Rows come from anywhere in any order; whatever depends on the order takes it from a row's [`Order`].

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::HashSet;
use super::moments::Moments;
use super::quantiles::Quantiles;
use super::total::{Total, finite, not_a_number};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::syntax::ast::AggregateFunction;

/// Where a row stands among those of its kind: (`ts`, `seq`), or its number in a stream.
pub(crate) type Order = (i64, u64);

/// See the module. Each kind has one state per group.
#[derive(Clone, Debug)]
pub(crate) enum Accumulator {
    Count(Vec<u64>),
    Sum(Vec<Total>),
    Mean(Vec<Total>),
    Deviation(Vec<Moments>),
    Extreme { wanted: Ordering, best: Vec<Datum> },
    Percentile { percent: Decimal, values: Vec<Quantiles> },
    Distinct(Vec<HashSet<Datum>>),
    Edge { wanted: Ordering, best: Vec<Option<(Order, Datum)>> },
    Arg { wanted: Ordering, best: Vec<Option<(Datum, Order, Datum)>> },
    Rate { counts_rows: bool, rates: Vec<Rate> },
}

/// A sum and the time it covers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rate {
    total: Total,
    rows: u64,
    times: Option<(i64, i64)>,
}

impl Accumulator {
    pub(crate) fn new(function: AggregateFunction, arguments: usize) -> Accumulator {
        use AggregateFunction as F;
        match function {
            F::Count => Accumulator::Count(Vec::new()),
            F::Sum => Accumulator::Sum(Vec::new()),
            F::Avg => Accumulator::Mean(Vec::new()),
            F::Stddev => Accumulator::Deviation(Vec::new()),
            F::Min => Accumulator::Extreme { wanted: Ordering::Less, best: Vec::new() },
            F::Max => Accumulator::Extreme { wanted: Ordering::Greater, best: Vec::new() },
            F::Median => Accumulator::Percentile { percent: Decimal::from(50), values: Vec::new() },
            F::Percentile(percent) => Accumulator::Percentile { percent, values: Vec::new() },
            F::Distinct => Accumulator::Distinct(Vec::new()),
            F::First => Accumulator::Edge { wanted: Ordering::Less, best: Vec::new() },
            F::Last => Accumulator::Edge { wanted: Ordering::Greater, best: Vec::new() },
            F::ArgMin => Accumulator::Arg { wanted: Ordering::Less, best: Vec::new() },
            F::ArgMax => Accumulator::Arg { wanted: Ordering::Greater, best: Vec::new() },
            F::Rate => Accumulator::Rate { counts_rows: arguments == 0, rates: Vec::new() },
        }
    }

    /// Makes room for that many groups.
    pub(crate) fn resize(&mut self, groups: usize) {
        match self {
            Accumulator::Count(counts) => counts.resize(groups, 0),
            Accumulator::Sum(totals) | Accumulator::Mean(totals) => {
                totals.resize_with(groups, Total::default)
            }
            Accumulator::Deviation(moments) => moments.resize_with(groups, Moments::default),
            Accumulator::Extreme { best, .. } => best.resize_with(groups, Datum::default),
            Accumulator::Percentile { values, .. } => values.resize_with(groups, Quantiles::default),
            Accumulator::Distinct(sets) => sets.resize_with(groups, HashSet::default),
            Accumulator::Edge { best, .. } => best.resize_with(groups, || None),
            Accumulator::Arg { best, .. } => best.resize_with(groups, || None),
            Accumulator::Rate { rates, .. } => rates.resize_with(groups, Rate::default),
        }
    }

    /// Adds a row to a group. `value` is the first argument, or anything but null if the function has none; `other`
    /// the second. Gives the bytes that are kept of it.
    ///
    /// # Errors
    /// A value that the function does not take, or that does not fit.
    pub(crate) fn add(
        &mut self,
        group: usize,
        order: Order,
        value: DatumRef<'_>,
        other: DatumRef<'_>,
    ) -> Result<usize> {
        // A rate covers the time of all rows; all else passes over nulls.
        if let Accumulator::Rate { counts_rows, rates } = self {
            return rates[group].add(*counts_rows, value, other).map(|()| 0);
        }
        if matches!(value, DatumRef::Null) {
            return Ok(0);
        }
        let mut bytes = 0;
        match self {
            Accumulator::Count(counts) => counts[group] += 1,
            Accumulator::Sum(totals) | Accumulator::Mean(totals) => totals[group].add(value)?,
            Accumulator::Deviation(moments) => moments[group].add(value)?,
            Accumulator::Extreme { wanted, best } => {
                let best = &mut best[group];
                if best.is_null() || value.total_cmp(best.borrow()) == *wanted {
                    *best = value.to_datum();
                }
            }
            Accumulator::Percentile { values, .. } => {
                if matches!(
                    value,
                    DatumRef::Str(_) | DatumRef::Bool(_) | DatumRef::Level(_) | DatumRef::Category(_)
                ) {
                    return Err(not_a_number(value));
                }
                values[group].add(value);
                bytes = 8;
            }
            Accumulator::Distinct(sets) => {
                if !sets[group].contains(&value) && sets[group].insert(value.to_datum()) {
                    bytes = size_of::<Datum>() * 2;
                }
            }
            Accumulator::Edge { wanted, best } => {
                let best = &mut best[group];
                if best.as_ref().is_none_or(|(known, _)| order.cmp(known) == *wanted) {
                    *best = Some((order, value.to_datum()));
                }
            }
            Accumulator::Arg { wanted, best } => {
                let best = &mut best[group];
                let is_better = best.as_ref().is_none_or(|(known, known_order, _)| {
                    let ordering = value.total_cmp(known.borrow());
                    ordering == *wanted || ordering.is_eq() && order < *known_order
                });
                if is_better {
                    *best = Some((value.to_datum(), order, other.to_datum()));
                }
            }
            Accumulator::Rate { .. } => unreachable!("rates are added above"),
        }
        Ok(bytes)
    }

    /// Adds group `from` of another accumulator of the same function to group `to`.
    ///
    /// # Errors
    /// Sums that do not fit.
    pub(crate) fn merge(&mut self, to: usize, other: &mut Accumulator, from: usize) -> Result<()> {
        match (self, other) {
            (Accumulator::Count(own), Accumulator::Count(other)) => own[to] += other[from],
            (Accumulator::Sum(own), Accumulator::Sum(other))
            | (Accumulator::Mean(own), Accumulator::Mean(other)) => own[to].merge(&other[from])?,
            (Accumulator::Deviation(own), Accumulator::Deviation(other)) => own[to].merge(other[from]),
            (Accumulator::Extreme { wanted, best }, Accumulator::Extreme { best: other, .. }) => {
                let (best, other) = (&mut best[to], std::mem::take(&mut other[from]));
                if !other.is_null() && (best.is_null() || other.borrow().total_cmp(best.borrow()) == *wanted)
                {
                    *best = other;
                }
            }
            (Accumulator::Percentile { values, .. }, Accumulator::Percentile { values: other, .. }) => {
                values[to].merge(std::mem::take(&mut other[from]));
            }
            (Accumulator::Distinct(own), Accumulator::Distinct(other)) => {
                let (own, mut other) = (&mut own[to], std::mem::take(&mut other[from]));
                if own.len() < other.len() {
                    std::mem::swap(own, &mut other);
                }
                own.extend(other);
            }
            (Accumulator::Edge { wanted, best }, Accumulator::Edge { best: other, .. }) => {
                let (best, other) = (&mut best[to], other[from].take());
                let Some((order, datum)) = other else { return Ok(()) };
                if best.as_ref().is_none_or(|(known, _)| order.cmp(known) == *wanted) {
                    *best = Some((order, datum));
                }
            }
            (Accumulator::Arg { wanted, best }, Accumulator::Arg { best: other, .. }) => {
                let (best, other) = (&mut best[to], other[from].take());
                let Some((value, order, datum)) = other else { return Ok(()) };
                let is_better = best.as_ref().is_none_or(|(known, known_order, _)| {
                    let ordering = value.borrow().total_cmp(known.borrow());
                    ordering == *wanted || ordering.is_eq() && order < *known_order
                });
                if is_better {
                    *best = Some((value, order, datum));
                }
            }
            (Accumulator::Rate { rates, .. }, Accumulator::Rate { rates: other, .. }) => {
                rates[to].merge(&other[from])?;
            }
            _ => unreachable!("accumulators of one aggregate are of one kind"),
        }
        Ok(())
    }

    /// Gives up room that is not needed any more; gives the bytes of percentiles, which are not counted as they come.
    pub(crate) fn shrink(&mut self) -> usize {
        match self {
            Accumulator::Percentile { values, .. } => values.iter_mut().map(Quantiles::shrink).sum(),
            _ => 0,
        }
    }

    /// The result of a group. `bin_seconds`: the width of the bin that the group is, if it is one.
    ///
    /// # Errors
    /// Sums that do not fit.
    pub(crate) fn finish(&mut self, group: usize, bin_seconds: Option<f64>) -> Result<Datum> {
        Ok(match self {
            // No database holds that many events.
            Accumulator::Count(counts) => Datum::Int(counts[group] as i64),
            Accumulator::Sum(totals) => totals[group].sum()?,
            Accumulator::Mean(totals) => totals[group].mean(),
            Accumulator::Deviation(moments) => moments[group].deviation(),
            Accumulator::Extreme { best, .. } => std::mem::take(&mut best[group]),
            Accumulator::Percentile { percent, values } => values[group].percentile(*percent),
            Accumulator::Distinct(sets) => Datum::Int(sets[group].len() as i64),
            Accumulator::Edge { best, .. } => best[group].take().map(|(_, datum)| datum).unwrap_or_default(),
            Accumulator::Arg { best, .. } => {
                best[group].take().map(|(_, _, datum)| datum).unwrap_or_default()
            }
            Accumulator::Rate { counts_rows, rates } => rates[group].per_second(*counts_rows, bin_seconds),
        })
    }
}

impl Rate {
    fn add(&mut self, counts_rows: bool, value: DatumRef<'_>, ts: DatumRef<'_>) -> Result<()> {
        if let DatumRef::Time(ts) = ts {
            let (first, last) = self.times.unwrap_or((ts.nanos(), ts.nanos()));
            self.times = Some((first.min(ts.nanos()), last.max(ts.nanos())));
        }
        self.rows += 1;
        if counts_rows || matches!(value, DatumRef::Null) { Ok(()) } else { self.total.add(value) }
    }

    fn merge(&mut self, other: &Rate) -> Result<()> {
        self.rows += other.rows;
        if let Some((first, last)) = other.times {
            let (own_first, own_last) = self.times.unwrap_or((first, last));
            self.times = Some((own_first.min(first), own_last.max(last)));
        }
        self.total.merge(&other.total)
    }

    fn per_second(&self, counts_rows: bool, bin_seconds: Option<f64>) -> Datum {
        let covered = self.times.map(|(first, last)| last.saturating_sub(first) as f64 / 1e9);
        let Some(seconds) = bin_seconds.or(covered).filter(|seconds| *seconds > 0.0) else {
            return Datum::Null;
        };
        match counts_rows {
            true => finite(self.rows as f64 / seconds),
            false => self.total.per_second(seconds),
        }
    }
}
