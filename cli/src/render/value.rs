//! Values as people read them, and as they can be written in a query.

use std::fmt::Write;

use blotter::event::Timestamp;
use blotter::query::datum::DatumRef;
use chrono::{Offset, SecondsFormat, TimeZone};
use chrono_tz::Tz;

/// Digits after the second: those of a nanosecond.
pub(crate) const FRACTION_DIGITS_MAX: usize = 9;

/// How times are shown: the zone, and the least number of digits after the second. No digit that counts is
/// ever left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeForm {
    pub(crate) zone: Tz,
    pub(crate) fraction_digits: usize,
}

impl TimeForm {
    /// All nine digits.
    pub(crate) fn whole(zone: Tz) -> TimeForm {
        TimeForm { zone, fraction_digits: FRACTION_DIGITS_MAX }
    }
}

/// Appends a value; text as it is, which is for the caller to escape. Null is empty.
pub(crate) fn put(out: &mut String, value: DatumRef<'_>, times: TimeForm) {
    let result = match value {
        DatumRef::Null => Ok(()),
        DatumRef::Bool(value) => write!(out, "{value}"),
        DatumRef::Int(value) => write!(out, "{value}"),
        DatumRef::Float(value) => write!(out, "{value:?}"),
        DatumRef::Decimal(value) => write!(out, "{value}"),
        DatumRef::Str(value) => out.write_str(value),
        DatumRef::Time(value) => return put_time(out, value, times),
        DatumRef::Duration(value) => return put_duration(out, value),
        DatumRef::Level(value) => write!(out, "{value}"),
        DatumRef::Category(value) => write!(out, "{value}"),
    };
    result.expect("a string takes whatever is written to it");
}

/// The value as a text of its own.
pub(crate) fn text_of(value: DatumRef<'_>, times: TimeForm) -> String {
    let mut text = String::new();
    put(&mut text, value, times);
    text
}

/// The digits after the second that a time needs: 0, 3, 6 or 9.
pub(crate) fn fraction_digits(time: Timestamp) -> usize {
    let nanos = time.nanos().rem_euclid(1_000_000_000);
    match nanos {
        0 => 0,
        nanos if nanos % 1_000_000 == 0 => 3,
        nanos if nanos % 1_000 == 0 => 6,
        _ => 9,
    }
}

/// RFC 3339 in the zone.
fn put_time(out: &mut String, time: Timestamp, times: TimeForm) {
    let digits = match times.fraction_digits.max(fraction_digits(time)) {
        0 => SecondsFormat::Secs,
        1..=3 => SecondsFormat::Millis,
        4..=6 => SecondsFormat::Micros,
        _ => SecondsFormat::Nanos,
    };
    let local = times.zone.from_utc_datetime(&time.to_datetime().naive_utc());
    // London in winter is at +00:00 and not at Z, as its summer is at +01:00.
    out.push_str(
        &local.to_rfc3339_opts(digits, times.zone == Tz::UTC && local.offset().fix().local_minus_utc() == 0),
    );
}

const UNITS: [(u64, &str); 7] = [
    (86_400_000_000_000, "d"),
    (3_600_000_000_000, "h"),
    (60_000_000_000, "m"),
    (1_000_000_000, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
    (1, "ns"),
];

/// `1h30m`, `2m0.5s`, `1.5ms`, `250ns`: exact.
fn put_duration(out: &mut String, nanos: i64) {
    if nanos < 0 {
        out.push('-');
    }
    let mut rest = nanos.unsigned_abs();
    if rest == 0 {
        out.push_str("0s");
        return;
    }
    let mut result = Ok(());
    for (unit, name) in UNITS {
        let (whole, part) = (rest / unit, rest % unit);
        if unit >= 60_000_000_000 {
            if whole > 0 {
                result = result.and(write!(out, "{whole}{name}"));
                rest = part;
            }
        } else if whole > 0 {
            result = result.and(write!(out, "{whole}"));
            if part > 0 {
                let width = unit.ilog10() as usize;
                let digits = format!("{part:0width$}");
                result = result.and(write!(out, ".{}", digits.trim_end_matches('0')));
            }
            out.push_str(name);
            break;
        }
    }
    result.expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use blotter::event::{Category, Level, dec};

    use super::*;

    #[track_caller]
    fn check(value: DatumRef<'_>, zone: Tz, fraction_digits: usize, expected: &str) {
        assert_eq!(text_of(value, TimeForm { zone, fraction_digits }), expected, "{value:?}");
    }

    #[test]
    fn values_keep_every_digit() {
        for (value, expected) in [
            (DatumRef::Null, ""),
            (DatumRef::Bool(true), "true"),
            (DatumRef::Int(i64::MIN), "-9223372036854775808"),
            (DatumRef::Float(1e-7), "1e-7"),
            (DatumRef::Float(2.0), "2.0"),
            (DatumRef::Decimal(dec!(-0.3500)), "-0.3500"),
            (DatumRef::Str("a\tb"), "a\tb"),
            (DatumRef::Level(Level::Warn), "warn"),
            (DatumRef::Category(Category::FILL), "fill"),
        ] {
            check(value, Tz::UTC, 9, expected);
        }
    }

    #[test]
    fn times_are_in_the_zone_and_lose_no_digit() {
        let time = DatumRef::Time("2026-07-02T14:30:00.120Z".parse().unwrap());
        check(time, Tz::UTC, 9, "2026-07-02T14:30:00.120000000Z");
        check(time, Tz::UTC, 0, "2026-07-02T14:30:00.120Z");
        check(time, Tz::America__New_York, 0, "2026-07-02T10:30:00.120-04:00");
        check(time, Tz::Europe__London, 6, "2026-07-02T15:30:00.120000+01:00");
        check(DatumRef::Time(Timestamp(-1)), Tz::UTC, 0, "1969-12-31T23:59:59.999999999Z");
        check(DatumRef::Time(Timestamp(0)), Tz::UTC, 0, "1970-01-01T00:00:00Z");
        check(DatumRef::Time(Timestamp(0)), Tz::Africa__Abidjan, 0, "1970-01-01T00:00:00+00:00");
    }

    #[test]
    fn durations_are_exact_in_the_largest_unit_that_reads_well() {
        for (nanos, expected) in [
            (0, "0s"),
            (250, "250ns"),
            (1_500, "1.5us"),
            (-1_500_000, "-1.5ms"),
            (1_000_000_000, "1s"),
            (1_000_000_001, "1.000000001s"),
            (90_000_000_000, "1m30s"),
            (60_000_000_050, "1m50ns"),
            (5_400_000_000_000, "1h30m"),
            (86_400_000_000_000, "1d"),
            (i64::MAX, "106751d23h47m16.854775807s"),
            (i64::MIN, "-106751d23h47m16.854775808s"),
        ] {
            check(DatumRef::Duration(nanos), Tz::UTC, 9, expected);
        }
    }
}
