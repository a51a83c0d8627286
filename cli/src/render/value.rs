//! Values as people read them, and as they can be written in a query.

use std::fmt::Write;

use blotter::event::Timestamp;
use blotter::query::datum::DatumRef;
use chrono::{SecondsFormat, TimeZone};
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
    match value {
        DatumRef::Time(time) => put_time(out, time, times),
        value => {
            write!(out, "{}", value.display(times.zone)).expect("a string takes whatever is written to it")
        }
    }
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
    out.push_str(&local.to_rfc3339_opts(digits, true));
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
            (DatumRef::Duration(5_400_000_000_000), "1h30m"),
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
    }
}
