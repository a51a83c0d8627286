//! Bins of times and numbers: the start of the bin that a value lies in.
//!
//! Bins of time follow the wall clock of a zone:
//!
//! - a width that divides a day: bins start whenever the wall clock shows a multiple of the width. Where clocks go
//!   forward over such a time, a bin starts at the change; where they go back over it, a bin starts each time. So bins
//!   are in order, and a day of 25 hours has 25 bins of an hour.
//! - whole days: local calendar days, counted from 1970-01-01, or from a Monday if they are whole weeks.
//! - any other width: counted from the epoch, whatever the zone.

use blotter_engine::event::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::duration::DAY_NS;
use super::zone;
use crate::datum::arithmetic;
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::syntax::ast::BinaryOp;

/// The start of the bin of a time.
///
/// # Errors
/// A width that is not above zero, and a start that is no timestamp.
pub(crate) fn of_time(ts: Timestamp, width_ns: i64, zone: Tz) -> Result<Timestamp> {
    if width_ns <= 0 {
        return Err(width_not_positive());
    }
    if width_ns % DAY_NS == 0 {
        return of_days(ts, width_ns / DAY_NS, zone);
    }
    if DAY_NS % width_ns != 0 || zone == Tz::UTC {
        return floor(ts.0, width_ns)
            .map(Timestamp)
            .ok_or_else(|| zone::out_of_range("the start of the bin"));
    }
    of_clock(ts, width_ns, zone)
}

/// The start of the bin after the one that starts there.
///
/// # Errors
/// As [`of_time`].
pub(crate) fn next(start: Timestamp, width_ns: i64, zone: Tz) -> Result<Timestamp> {
    let end = || zone::out_of_range("the end of the bin");
    if width_ns > 0 && (zone == Tz::UTC || (DAY_NS % width_ns != 0 && width_ns % DAY_NS != 0)) {
        return start.0.checked_add(width_ns).map(Timestamp).ok_or_else(end);
    }
    let mut probe = start;
    let mut found = loop {
        probe = Timestamp(probe.0.checked_add(width_ns).ok_or_else(end)?);
        let found = of_time(probe, width_ns, zone)?;
        if found > start {
            break found;
        }
    };
    // A change of the clock makes short bins, of which the probe may have passed some.
    loop {
        let before = of_time(Timestamp(found.0 - 1), width_ns, zone)?;
        if before <= start {
            return Ok(found);
        }
        found = before;
    }
}

fn width_not_positive() -> QueryError {
    QueryError::new(ErrorKind::Value, "the width of a bin must be above zero")
}

fn floor(value: i64, width: i64) -> Option<i64> {
    value.checked_sub(value.rem_euclid(width))
}

/// Days from 1970-01-01 to the Monday before it.
const MONDAY: i64 = -3;

fn of_days(ts: Timestamp, days: i64, zone: Tz) -> Result<Timestamp> {
    let date = zone::date(ts, zone);
    let epoch = NaiveDate::default();
    let first = if days % 7 == 0 { MONDAY } else { 0 };
    let since = (date - epoch).num_days();
    let back = (since - first).rem_euclid(days);
    let start = TimeDelta::try_days(back).and_then(|back| date.checked_sub_signed(back));
    zone::day_start(start.ok_or_else(|| zone::out_of_range("the start of the bin"))?, zone)
}

fn of_clock(ts: Timestamp, width_ns: i64, zone: Tz) -> Result<Timestamp> {
    let out_of_range = || zone::out_of_range("the start of the bin");
    let mut ts = ts;
    loop {
        let offset = zone::offset_ns(ts, zone);
        let wall = ts.0.checked_add(offset).ok_or_else(out_of_range)?;
        let multiple = floor(wall, width_ns).ok_or_else(out_of_range)?;
        let start = Timestamp(multiple.checked_sub(offset).ok_or_else(out_of_range)?);
        if zone::offset_ns(start, zone) == offset {
            return Ok(start);
        }
        // The clock changed in between. If it skipped a multiple, a bin starts at the change; else the value lies
        // in the last bin before it.
        let change = first_at_offset(start, ts, offset, zone);
        let offset_before = zone::offset_ns(Timestamp(change.0 - 1), zone);
        if multiple >= change.0 + offset_before {
            return Ok(change);
        }
        ts = Timestamp(change.0 - 1);
    }
}

/// The first instant after `before`, which has another offset, from which on up to `after` the offset is that.
fn first_at_offset(before: Timestamp, after: Timestamp, offset: i64, zone: Tz) -> Timestamp {
    let (mut before, mut after) = (before.0, after.0);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if zone::offset_ns(Timestamp(middle), zone) == offset {
            after = middle;
        } else {
            before = middle;
        }
    }
    Timestamp(after)
}

/// The start of the bin of a number or stretch of time: the greatest multiple of the width that is not above it.
///
/// # Errors
/// Kinds that have no bins, a width that is not above zero, and starts that do not fit.
pub(crate) fn of_value(value: DatumRef<'_>, width: DatumRef<'_>) -> Result<Datum> {
    let is_number = |datum| matches!(datum, DatumRef::Int(_) | DatumRef::Float(_) | DatumRef::Decimal(_));
    let are_alike = match (value, width) {
        (DatumRef::Duration(_), DatumRef::Duration(_)) => true,
        (value, width) => is_number(value) && is_number(width),
    };
    let is_positive = match width {
        DatumRef::Duration(ns) => ns > 0,
        width => width.compare(DatumRef::Int(0)).is_some_and(|order| order.is_gt()),
    };
    match (value, width) {
        (DatumRef::Null, _) | (_, DatumRef::Null) => Ok(Datum::Null),
        _ if !are_alike => {
            let (value, width) = (value.kind_name(), width.kind_name());
            Err(QueryError::new(ErrorKind::Type, format!("'bin' does not take {value} and {width}")))
        }
        _ if !is_positive => Err(width_not_positive()),
        (DatumRef::Float(value), width) => {
            let width = width.to_datum().as_f64().unwrap_or(f64::NAN);
            Ok(Datum::from((value / width).floor() * width))
        }
        _ => of_exact(value, width),
    }
}

/// For values whose remainder is exact, and a width above zero.
fn of_exact(value: DatumRef<'_>, width: DatumRef<'_>) -> Result<Datum> {
    let rest = arithmetic::binary(BinaryOp::Remainder, value, width)?;
    let start = arithmetic::binary(BinaryOp::Subtract, value, rest.borrow())?;
    let is_below = match rest {
        Datum::Duration(ns) => ns < 0,
        rest => rest.borrow().compare(DatumRef::Int(0)).is_some_and(|order| order.is_lt()),
    };
    if is_below { arithmetic::binary(BinaryOp::Subtract, start.borrow(), width) } else { Ok(start) }
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use proptest::prelude::*;

    use super::*;

    fn check(zone: &str, width: &str, time: &str, expected: &str) {
        let ts: Timestamp = time.parse().unwrap();
        let found = of_time(ts, crate::syntax::duration(width).unwrap(), zone::parse(zone).unwrap()).unwrap();
        assert_eq!(found, expected.parse().unwrap(), "{time} by {width} in {zone}: {found}");
    }

    #[test]
    fn bins_follow_the_wall_clock() {
        check("UTC", "5m", "2026-01-02T14:33:10Z", "2026-01-02T14:30:00Z");
        check("UTC", "1d", "1969-12-31T23:59:59Z", "1969-12-31T00:00:00Z");
        check("UTC", "7m", "1970-01-01T00:13:00Z", "1970-01-01T00:07:00Z");
        check("UTC", "1w", "2026-01-02T14:33:10Z", "2025-12-29T00:00:00Z");
        check("UTC", "2d", "1970-01-04T12:00:00Z", "1970-01-03T00:00:00Z");
        check("Asia/Kolkata", "1h", "2026-01-02T14:33:10Z", "2026-01-02T14:30:00Z");
        check("America/New_York", "6h", "2026-01-02T14:33:10Z", "2026-01-02T11:00:00Z");
        check("America/New_York", "1w", "2026-03-09T03:00:00Z", "2026-03-02T05:00:00Z");
        check("America/New_York", "1d", "2026-03-09T03:00:00Z", "2026-03-08T05:00:00Z");
        check("America/Sao_Paulo", "1d", "2017-10-15T12:00:00Z", "2017-10-15T03:00:00Z");
    }

    #[test]
    fn bins_across_clock_changes_are_in_order() {
        // Forward at 07:00Z from 02:00 to 03:00.
        check("America/New_York", "1h", "2026-03-08T07:10:00Z", "2026-03-08T07:00:00Z");
        check("America/New_York", "6h", "2026-03-08T08:30:00Z", "2026-03-08T05:00:00Z");
        check("America/New_York", "2h", "2026-03-08T07:10:00Z", "2026-03-08T07:00:00Z");
        // Back at 06:00Z from 02:00 to 01:00.
        check("America/New_York", "30m", "2026-11-01T05:10:00Z", "2026-11-01T05:00:00Z");
        check("America/New_York", "30m", "2026-11-01T06:10:00Z", "2026-11-01T06:00:00Z");
        check("America/New_York", "2h", "2026-11-01T06:10:00Z", "2026-11-01T04:00:00Z");
        check("America/New_York", "90m", "2026-11-01T06:10:00Z", "2026-11-01T05:30:00Z");
        // Forward by half an hour at 15:30Z, from 02:00 to 02:30.
        check("Australia/Lord_Howe", "1h", "2026-10-03T15:40:00Z", "2026-10-03T15:30:00Z");
    }

    #[test]
    fn numbers_go_down_to_a_multiple_exactly() {
        for (value, width, expected) in [
            (Datum::Int(17), Datum::Int(5), "15"),
            (Datum::Int(-17), Datum::Int(5), "-20"),
            (Datum::Int(-15), Datum::Int(5), "-15"),
            (Datum::Decimal(dec!(223.87)), Datum::Decimal(dec!(0.05)), "223.85"),
            (Datum::Decimal(dec!(-0.01)), Datum::Decimal(dec!(0.05)), "-0.05"),
            (Datum::Float(0.7), Datum::Float(0.5), "0.5"),
            (Datum::Float(-0.7), Datum::Int(1), "-1.0"),
            (Datum::Duration(-1), Datum::Duration(1_000), "-1us"),
            (Datum::Duration(2_500), Datum::Duration(1_000), "2us"),
            (Datum::Null, Datum::Int(1), ""),
        ] {
            let found = of_value(value.borrow(), width.borrow()).unwrap();
            assert_eq!(found.to_string(), expected, "{value:?} {width:?}");
        }
        for (value, width, message) in [
            (Datum::Int(1), Datum::Int(0), "above zero"),
            (Datum::Int(1), Datum::Decimal(dec!(-1)), "above zero"),
            (Datum::Int(1), Datum::Duration(1), "does not take"),
            (Datum::from("a"), Datum::Int(1), "does not take"),
        ] {
            let error = of_value(value.borrow(), width.borrow()).unwrap_err();
            assert!(error.message().contains(message), "{error}");
        }
        assert!(of_time(Timestamp(0), 0, Tz::UTC).is_err());
        assert!(of_time(Timestamp::MIN, 60_000_000_000, Tz::UTC).is_err());
        assert!(next(Timestamp::MAX, 60_000_000_000, Tz::UTC).is_err());
    }

    const ZONES: [&str; 7] = [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "America/St_Johns",
    ];
    const WIDTHS: [&str; 11] = ["1m", "7m", "15m", "30m", "1h", "90m", "2h", "6h", "1d", "3d", "1w"];

    proptest! {
        /// A bin starts at or before its values, is its own bin, and those before the next start are in it.
        #[test]
        fn bins_cover_time_in_order(
            seconds in 1_000_000_000i64..1_900_000_000,
            zone in proptest::sample::select(&ZONES),
            width in proptest::sample::select(&WIDTHS),
            inside in 0.0f64..1.0,
        ) {
            let (zone, width) = (zone::parse(zone).unwrap(), crate::syntax::duration(width).unwrap());
            let ts = Timestamp(seconds * 1_000_000_000);
            let start = of_time(ts, width, zone).unwrap();
            prop_assert!(start <= ts);
            prop_assert_eq!(of_time(start, width, zone).unwrap(), start);
            let next = next(start, width, zone).unwrap();
            prop_assert!(next > ts, "{start} {ts} {next}");
            prop_assert_eq!(of_time(next, width, zone).unwrap(), next);
            let between = Timestamp(start.0 + ((next.0 - start.0 - 1) as f64 * inside) as i64);
            prop_assert_eq!(of_time(between, width, zone).unwrap(), start);
            prop_assert_eq!(of_time(Timestamp(next.0 - 1), width, zone).unwrap(), start);
        }
    }
}
