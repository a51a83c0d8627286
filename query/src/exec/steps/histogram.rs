//! `histogram`: rows per range of values. Exact: ranges and values are decimals.
//!
//! Without a width the values decide it: 1, 2 or 5 times a power of ten, the least that makes few bins and is not finer
//! than the values are written. It is known at the end only; until then values are counted apart, and when there are
//! many different ones they are counted by the power of ten that would be the width's by now. Values yet to come
//! can only make the width greater, and each width is a multiple of the power of ten of every lesser one, so no count
//! is ever split.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::held::{Held, Pace, holding};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;
use crate::limits::BINS_MAX;
use crate::plan::scalar::Scalar;
use crate::syntax::ast::Span;

/// Most bins where the values decide the width.
const AUTOMATIC_BINS_MAX: u32 = 20;

/// Different values that are counted apart before they are counted by a power of ten.
const VALUES_MAX: usize = 16_384;

/// Bytes of one count, about.
const COUNT_BYTES: usize = 2 * size_of::<(Decimal, i64)>();

/// What a histogram is made of, and the columns it makes.
#[derive(Clone)]
pub(crate) struct Histogram {
    /// What is counted.
    pub(crate) value: Scalar,
    /// Width of a bin.
    pub(crate) width: Option<Decimal>,
    /// Where a bin begins.
    pub(crate) from: Slot,
    /// Where the next one begins.
    pub(crate) to: Slot,
    /// How many values lie between, the end not included.
    pub(crate) count: Slot,
    /// Where it stands in the query.
    pub(crate) span: Span,
}

/// One row per bin from that of the least value to that of the greatest, those without values included. Nulls are left
/// out.
pub(crate) fn histogram(input: RowStream, histogram: &Histogram, execution: &Arc<Execution>) -> RowStream {
    let (histogram, execution) = (histogram.clone(), Arc::clone(execution));
    lazily(move || {
        let (mut held, mut pace) = (Held::new(&execution), Pace::new(&execution));
        let mut counts = Counts { width: histogram.width, ..Counts::default() };
        for row in input {
            pace.step()?;
            let value = histogram.value.evaluate(&row?)?;
            let Some(number) = number(&value, histogram.span)? else { continue };
            let is_duration = matches!(value, Datum::Duration(_));
            if *counts.are_durations.get_or_insert(is_duration) != is_duration {
                let message = "'histogram' counts numbers or durations, and here are both";
                return Err(QueryError::at(ErrorKind::Type, histogram.span, message));
            }
            counts.add(number).map_err(|error| error.or_place(histogram.span))?;
            held.resize(counts.by_start.len() * COUNT_BYTES)?;
        }
        let Some((least, greatest)) = counts.ends else {
            return Ok(Box::new(std::iter::empty()) as RowStream);
        };
        let width = histogram.width.unwrap_or_else(|| automatic_width(least, greatest, counts.scale).0);
        let are_durations = counts.are_durations == Some(true);
        let bins = counts.into_bins(width).map_err(|error| error.or_place(histogram.span))?;
        held.resize(bins.len() * size_of::<Bin>())?;
        let end = move |end: Decimal| match (are_durations, end.to_i64()) {
            (false, _) => Ok(Datum::Decimal(end.normalize())),
            (true, Some(ns)) => Ok(Datum::Duration(ns)),
            (true, None) => Err(too_far(width).or_place(histogram.span)),
        };
        let rows = bins.into_iter().map(move |bin| {
            pace.step()?;
            let mut row = Cells::with_capacity(3);
            row.push(histogram.from, end(bin.from)?);
            row.push(histogram.to, end(bin.to)?);
            row.push(histogram.count, Datum::Int(bin.count));
            Ok(row)
        });
        Ok(holding(rows, held))
    })
}

/// The exact number of a value, of a duration its nanoseconds; none of null.
fn number(value: &Datum, span: Span) -> Result<Option<Decimal>> {
    let number = match value {
        Datum::Null => return Ok(None),
        Datum::Int(value) | Datum::Duration(value) => Decimal::from(*value),
        Datum::Decimal(value) => *value,
        // As it is written, so that 0.3 is not a little less than 0.3.
        Datum::Float(value) => match format!("{value}").parse() {
            Ok(value) => value,
            Err(_) => return Err(does_not_fit(span, value)),
        },
        _ => {
            let message =
                format!("'histogram' counts numbers, and does not take {}", value.borrow().kind_name());
            return Err(QueryError::at(ErrorKind::Type, span, message));
        }
    };
    Ok(Some(number.normalize()))
}

fn does_not_fit(span: Span, value: &f64) -> QueryError {
    let message = format!("'histogram' counts exact decimals, and {value:e} does not fit into one");
    QueryError::at(ErrorKind::Value, span, message)
}

#[derive(Default)]
struct Counts {
    /// That of the bins, if it is known.
    width: Option<Decimal>,
    /// Values are counted by the multiple of this at or below them; apart if there is none.
    step: Option<Decimal>,
    /// Values at or after each start and before the next.
    by_start: HashMap<Decimal, i64, RandomState>,
    ends: Option<(Decimal, Decimal)>,
    /// Whether the values are durations, in nanoseconds.
    are_durations: Option<bool>,
    /// Most digits after the point.
    scale: u32,
}

/// One bin.
struct Bin {
    from: Decimal,
    to: Decimal,
    count: i64,
}

impl Counts {
    fn add(&mut self, value: Decimal) -> Result<()> {
        let (least, greatest) = self.ends.map_or((value, value), |(a, b)| (a.min(value), b.max(value)));
        if self.ends != Some((least, greatest)) {
            self.ends = Some((least, greatest));
            if let Some(width) = self.width {
                check_bins(least, greatest, width)?;
            }
        }
        self.scale = self.scale.max(value.scale());
        let start = self.width.or(self.step).map_or(Ok(value), |width| start_of(value, width))?;
        *self.by_start.entry(start).or_default() += 1;
        if self.width.is_none() && self.by_start.len() > VALUES_MAX {
            self.coarsen(least, greatest)?;
        }
        Ok(())
    }

    fn coarsen(&mut self, least: Decimal, greatest: Decimal) -> Result<()> {
        let (_, step) = automatic_width(least, greatest, self.scale);
        let mut coarser: HashMap<Decimal, i64, RandomState> = HashMap::default();
        for (start, count) in self.by_start.drain() {
            *coarser.entry(start_of(start, step)?).or_default() += count;
        }
        self.by_start = coarser;
        self.step = Some(step);
        Ok(())
    }

    fn into_bins(self, width: Decimal) -> Result<Vec<Bin>> {
        let Some((least, greatest)) = self.ends else { return Ok(Vec::new()) };
        let bins = check_bins(least, greatest, width)?;
        let first = start_of(least, width)?;
        let mut counts: HashMap<Decimal, i64, RandomState> = HashMap::default();
        for (start, count) in self.by_start {
            *counts.entry(start_of(start, width)?).or_default() += count;
        }
        let mut found = Vec::with_capacity(bins as usize);
        let mut from = first;
        for _ in 0..bins {
            // Far from zero a narrow bin may end where it begins.
            let to = from.checked_add(width).filter(|to| *to > from).ok_or_else(|| too_far(width))?;
            found.push(Bin { from, to, count: counts.remove(&from).unwrap_or(0) });
            from = to;
        }
        assert!(counts.is_empty(), "every value lies between the least and the greatest");
        Ok(found)
    }
}

/// The greatest multiple of the width that is not above the value.
fn start_of(value: Decimal, width: Decimal) -> Result<Decimal> {
    let rest = value.checked_rem(width).ok_or_else(|| too_far(width))?;
    let start = value.checked_sub(rest).ok_or_else(|| too_far(width))?;
    if rest.is_sign_negative() && !rest.is_zero() {
        return start.checked_sub(width).ok_or_else(|| too_far(width));
    }
    Ok(start)
}

fn too_far(width: Decimal) -> QueryError {
    let message = format!("bins of width {width} are too narrow for numbers this large");
    QueryError::new(ErrorKind::Value, message).with_hint("give it wider bins")
}

/// How many bins there are, if not too many.
fn check_bins(least: Decimal, greatest: Decimal, width: Decimal) -> Result<u64> {
    if width <= Decimal::ZERO {
        let message = format!("a bin has a width above 0, and {width} is not");
        return Err(QueryError::new(ErrorKind::Value, message));
    }
    let bins = bins(least, greatest, width).ok_or_else(|| too_far(width))?;
    if bins <= BINS_MAX {
        return Ok(bins);
    }
    let message = format!("the histogram would have {bins} bins, and may have {BINS_MAX}");
    Err(QueryError::new(ErrorKind::Limit, message).with_hint("give it wider bins"))
}

fn bins(least: Decimal, greatest: Decimal, width: Decimal) -> Option<u64> {
    let between = start_of(greatest, width).ok()?.checked_sub(start_of(least, width).ok()?)?;
    between.checked_div(width)?.round().to_u64()?.checked_add(1)
}

/// The least of 1, 2 and 5 times a power of ten that makes few enough bins and has no more digits after the point
/// than the values; and that power of ten.
fn automatic_width(least: Decimal, greatest: Decimal, scale: u32) -> (Decimal, Decimal) {
    let fractions = (1..=scale).rev().map(|digits| Decimal::new(1, digits));
    let whole = (0..=28).map(|zeros| Decimal::from_i128_with_scale(10_i128.pow(zeros), 0));
    let is_enough = |width: &Decimal| {
        bins(least, greatest, *width).is_some_and(|bins| bins <= u64::from(AUTOMATIC_BINS_MAX))
    };
    fractions
        .chain(whole)
        .flat_map(|power| [1, 2, 5].map(|times| (power, Decimal::from(times))))
        .filter_map(|(power, times)| Some((power.checked_mul(times)?, power)))
        .find(|(width, _)| is_enough(width))
        // At the very ends of what a decimal holds no bin has a start; the error for that comes with the bins.
        .unwrap_or((Decimal::MAX, Decimal::ONE))
}
