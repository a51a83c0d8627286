//! Parts of reports, put together.

use std::collections::BTreeSet;

use blotter_engine::event::Timestamp;
use chrono::Days;
use rust_decimal::Decimal;

use super::{Chart, ChartForm, Column, Figure, Figures, Section, Table, Unit};
use crate::datum::{Datum, arithmetic};
use crate::desk::Period;
use crate::error::Result;
use crate::syntax::ast::BinaryOp;
use crate::time::zone::{date, day_start};

/// A section of single figures: name, label, unit, value.
pub(super) fn figures(
    name: &'static str,
    title: &str,
    figures: impl IntoIterator<Item = (&'static str, &'static str, Unit, Datum)>,
) -> Section {
    let figures = figures.into_iter().map(|(name, label, unit, value)| Figure {
        name,
        label,
        value,
        unit,
        previous: None,
    });
    Section::Figures(Figures { name, title: title.to_owned(), figures: figures.collect() })
}

/// A table: name, label, unit of each column.
pub(super) fn table(
    name: &'static str,
    title: impl Into<String>,
    columns: &[(&'static str, &'static str, Unit)],
    rows: Vec<Vec<Datum>>,
) -> Section {
    assert!(
        rows.iter().all(|row| row.len() == columns.len()),
        "a row of '{name}' has a cell for each column"
    );
    let columns = columns.iter().map(|(name, label, unit)| Column { name, label, unit: *unit });
    Section::Table(Table { name, title: title.into(), columns: columns.collect(), rows })
}

/// A chart.
pub(super) fn chart(
    name: &'static str,
    title: impl Into<String>,
    form: ChartForm,
    unit: Unit,
    x: Vec<Datum>,
    series: Vec<(&str, Vec<Datum>)>,
) -> Section {
    assert!(
        series.iter().all(|(_, values)| values.len() == x.len()),
        "a series of '{name}' has a value for each x"
    );
    let series = series.into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
    Section::Chart(Chart { name, title: title.into(), form, unit, x, series })
}

/// `part` of `whole`; null if there is no whole.
pub(super) fn share(part: u64, whole: u64) -> Datum {
    let quotient = Decimal::from(part).checked_div(Decimal::from(whole));
    quotient.map(|quotient| quotient.normalize()).into()
}

/// A sum of two, of which either may be null: nothing was added then.
///
/// # Errors
/// A sum that does not fit.
pub(super) fn plus(total: &Datum, more: &Datum) -> Result<Datum> {
    match (total, more) {
        (Datum::Null, one) | (one, Datum::Null) => Ok(one.clone()),
        (total, more) => arithmetic::binary(BinaryOp::Add, total.borrow(), more.borrow()),
    }
}

/// A total by its count; null of nothing.
///
/// # Errors
/// A quotient that does not fit.
pub(super) fn mean(total: &Datum, count: u64) -> Result<Datum> {
    arithmetic::binary(BinaryOp::Divide, total.borrow(), Datum::from(count).borrow())
}

/// The greater of two, of which either may be null.
pub(super) fn greater(one: Datum, other: &Datum) -> Datum {
    match (&one, other) {
        (Datum::Null, other) => other.clone(),
        (_, Datum::Null) => one,
        (found, other) if found < other => other.clone(),
        _ => one,
    }
}

/// How the time of a chart is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bucket {
    Hour,
    Day,
}

impl Bucket {
    /// What gives a chart no more places than can be told apart: hours up to three days.
    pub(super) fn of(period: &Period) -> Bucket {
        const HOURS_MAX_NS: i128 = 3 * 25 * 3_600_000_000_000;
        let length = i128::from(period.until.nanos()) - i128::from(period.from.nanos());
        if length <= HOURS_MAX_NS { Bucket::Hour } else { Bucket::Day }
    }

    /// The key by which a query groups, called `ts`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Bucket::Hour => "bin(ts, 1h) as ts",
            Bucket::Day => "bin(ts, 1d) as ts",
        }
    }

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Bucket::Hour => "hour",
            Bucket::Day => "day",
        }
    }

    /// Every place of a chart: those found, and between the first and the last those in which there was nothing. A
    /// period of whole days is shown from its beginning to its end.
    ///
    /// # Errors
    /// Days that cannot be recorded.
    pub(super) fn all(
        self,
        period: &Period,
        found: impl IntoIterator<Item = Timestamp>,
    ) -> Result<Vec<Timestamp>> {
        const HOUR_NS: i64 = 3_600_000_000_000;
        let mut all: BTreeSet<Timestamp> = found.into_iter().collect();
        let first = period.whole_days().map(|_| period.from).or(all.first().copied());
        let last = period.whole_days().map(|_| Timestamp(period.until.nanos() - 1)).or(all.last().copied());
        let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
        match self {
            Bucket::Hour => {
                let hours = (0..).map(|hour| first.nanos().saturating_add(HOUR_NS * hour));
                all.extend(hours.take_while(|ns| *ns <= last.nanos()).map(Timestamp));
            }
            Bucket::Day => {
                let mut day = date(first, period.zone);
                while day <= date(last, period.zone) {
                    all.insert(day_start(day, period.zone)?);
                    let Some(next) = day.checked_add_days(Days::new(1)) else { break };
                    day = next;
                }
            }
        }
        Ok(all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn charts_of_whole_days_are_whole_and_follow_the_clock() {
        for (first, last, zone, bucket, places) in [
            ("2026-01-05", "2026-01-05", Tz::UTC, Bucket::Hour, 24),
            ("2026-03-08", "2026-03-08", Tz::America__New_York, Bucket::Hour, 23),
            ("2026-11-01", "2026-11-01", Tz::America__New_York, Bucket::Hour, 25),
            ("2026-11-01", "2026-11-03", Tz::America__New_York, Bucket::Hour, 73),
            ("2026-10-30", "2026-11-03", Tz::America__New_York, Bucket::Day, 5),
            ("2026-01-05", "2026-01-05", Tz::Asia__Kolkata, Bucket::Hour, 24),
        ] {
            let period = Period::days(first.parse().unwrap(), last.parse().unwrap(), zone).unwrap();
            assert_eq!(Bucket::of(&period), bucket, "{first} {last}");
            // What is found is among the places, whatever its offset.
            let found = Timestamp(period.from.nanos() + 4 * 3_600_000_000_000);
            let found = if bucket == Bucket::Hour { found } else { period.from };
            let all = bucket.all(&period, [found]).unwrap();
            assert_eq!((all.len(), all[0]), (places, period.from), "{first} {last} {zone}");
        }
        let period = Period::between(Timestamp(0), Timestamp(7_200_000_000_000), Tz::UTC).unwrap();
        assert_eq!(Bucket::Hour.all(&period, []).unwrap(), []);
        assert_eq!(Bucket::Hour.all(&period, [Timestamp(0), Timestamp(7_200_000_000_000)]).unwrap().len(), 3);
    }

    #[test]
    fn sums_and_means_of_nothing_are_nothing() {
        let none = Datum::Null;
        assert_eq!(plus(&none, &none).unwrap(), Datum::Null);
        assert_eq!(plus(&none, &Datum::Int(2)).unwrap(), Datum::Int(2));
        assert_eq!(plus(&Datum::Int(1), &Datum::Decimal(Decimal::ONE)).unwrap(), Datum::Int(2));
        assert!(plus(&Datum::Decimal(Decimal::MAX), &Datum::Int(1)).is_err());
        assert_eq!((mean(&none, 0).unwrap(), mean(&Datum::Int(0), 0).unwrap()), (Datum::Null, Datum::Null));
        assert_eq!((share(1, 0), share(1, 4)), (Datum::Null, Datum::Float(0.25)));
        assert_eq!(greater(Datum::Null, &Datum::Int(-1)), Datum::Int(-1));
        assert_eq!(greater(Datum::Int(3), &Datum::Int(2)), Datum::Int(3));
        assert_eq!(greater(Datum::Int(3), &Datum::Null), Datum::Int(3));
    }
}
