//! Points in time as written in a query.
//!
//! ```text
//! 2026-01-02                             the start of the local day
//! 2026-01-02T14:30[:05[.123456789]]      on the local clock; a space will do for the T
//! 2026-01-02T14:30:05Z, ...+01:00        an instant
//! 14:30[:05[.5]]                         today
//! -2h, +1h30m                            from now
//! now, today, yesterday
//! ```

use blotter_engine::event::Timestamp;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::zone;
use crate::error::{ErrorKind, QueryError, Result};

/// A point in time as written; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimePoint {
    /// A local date.
    Date(NaiveDate),
    /// A local date and time.
    Local(NaiveDateTime),
    /// A date and time with their offset.
    Fixed(NaiveDateTime, FixedOffset),
    /// A time of today.
    TimeOfDay(NaiveTime),
    /// Nanoseconds from now on.
    Relative(i64),
    /// Now.
    Now,
    /// The start of today.
    Today,
    /// The start of yesterday.
    Yesterday,
}

/// What can be written for a point in time, for hints.
pub(crate) const FORMS: &str = "2026-01-02, 2026-01-02T14:30:00, 14:30, -2h, now, today or yesterday";

/// Reads a point in time; `None` if it is not one.
pub(crate) fn parse_point(text: &str) -> Option<TimePoint> {
    match text.as_bytes().first()? {
        b'-' | b'+' => return crate::syntax::duration(text).map(TimePoint::Relative),
        first if first.is_ascii_alphabetic() => return parse_word(text),
        _ => {}
    }
    if let Some(time) = parse_time(text) {
        return Some(TimePoint::TimeOfDay(time));
    }
    let date = parse_date(text.get(..10)?)?;
    let Some(separator) = text[10..].chars().next() else { return Some(TimePoint::Date(date)) };
    if !matches!(separator, 'T' | 't' | ' ') {
        return None;
    }
    let rest = &text[11..];
    match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => {
            let (time, offset) = rest.split_at(at);
            Some(TimePoint::Fixed(date.and_time(parse_time(time)?), parse_offset(offset)?))
        }
        None => Some(TimePoint::Local(date.and_time(parse_time(rest)?))),
    }
}

fn parse_word(text: &str) -> Option<TimePoint> {
    let words = [("now", TimePoint::Now), ("today", TimePoint::Today), ("yesterday", TimePoint::Yesterday)];
    words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, point)| *point)
}

/// Exactly that many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    NaiveDate::from_ymd_opt(digits(year, 4)? as i32, digits(month, 2)?, digits(day, 2)?)
}

/// `14:30`, `14:30:05`, `14:30:05.123456789`
fn parse_time(text: &str) -> Option<NaiveTime> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = match rest.split_once(':') {
        Some((minute, second)) => (minute, Some(second)),
        None => (rest, None),
    };
    let (second, fraction) = match second.map(|second| second.split_once('.').unwrap_or((second, "0"))) {
        Some((second, fraction)) => (digits(second, 2)?, fraction),
        None => (0, "0"),
    };
    if fraction.len() > 9 {
        return None;
    }
    let ns = digits(fraction, fraction.len())? * 10u32.pow(9 - fraction.len() as u32);
    NaiveTime::from_hms_nano_opt(digits(hour, 2)?, digits(minute, 2)?, second, ns)
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 3600 + minutes * 60) as i32;
    FixedOffset::east_opt(if text.starts_with('-') { -seconds } else { seconds })
}

/// Nanoseconds since midnight on the wall clock.
pub(crate) fn time_of_day_ns(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000_000 + i64::from(time.nanosecond())
}

impl TimePoint {
    /// The instant.
    ///
    /// # Errors
    /// A time outside those of 64-bit nanoseconds.
    pub(crate) fn resolve(self, zone: Tz, now: Timestamp) -> Result<Timestamp> {
        match self {
            TimePoint::Date(_) | TimePoint::Today | TimePoint::Yesterday => {
                zone::day_start(self.date(zone, now).expect("these are dates"), zone)
            }
            TimePoint::Local(wall) => zone::instant(wall, zone),
            TimePoint::Fixed(wall, offset) => {
                let time = offset.from_local_datetime(&wall).single();
                let ns = time.and_then(|time| time.timestamp_nanos_opt());
                ns.map(Timestamp).ok_or_else(|| zone::out_of_range(&wall.to_string()))
            }
            TimePoint::TimeOfDay(time) => zone::instant(zone::date(now, zone).and_time(time), zone),
            TimePoint::Relative(ns) => now.0.checked_add(ns).map(Timestamp).ok_or_else(|| {
                QueryError::new(ErrorKind::Value, "the time is too far from now to be represented")
            }),
            TimePoint::Now => Ok(now),
        }
    }

    /// The local date, if it is one rather than a time.
    pub(crate) fn date(self, zone: Tz, now: Timestamp) -> Option<NaiveDate> {
        let today = || zone::date(now, zone);
        match self {
            TimePoint::Date(date) => Some(date),
            TimePoint::Today => Some(today()),
            TimePoint::Yesterday => today().pred_opt(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The instant of a text in a zone, at noon of 2026-03-08 in New York.
    fn check(text: &str, zone: &str, expected: &str) {
        let now = "2026-03-08T16:00:00Z".parse().unwrap();
        let point = parse_point(text).unwrap_or_else(|| panic!("{text} is a point in time"));
        let found = point.resolve(zone::parse(zone).unwrap(), now).unwrap();
        assert_eq!(found, expected.parse().unwrap(), "{text} in {zone}: {found}");
    }

    #[test]
    fn points_are_read_in_their_zone() {
        let new_york = "America/New_York";
        check("2026-01-02", "UTC", "2026-01-02T00:00:00Z");
        check("2026-01-02", new_york, "2026-01-02T05:00:00Z");
        check("2026-07-02", new_york, "2026-07-02T04:00:00Z");
        check("2026-01-02T14:30", new_york, "2026-01-02T19:30:00Z");
        check("2026-01-02 14:30:05.5", new_york, "2026-01-02T19:30:05.5Z");
        check("2026-01-02T14:30:05.123456789", "UTC", "2026-01-02T14:30:05.123456789Z");
        check("2026-01-02T14:30:00Z", new_york, "2026-01-02T14:30:00Z");
        check("2026-01-02t14:30z", new_york, "2026-01-02T14:30:00Z");
        check("2026-01-02T14:30:00+01:00", new_york, "2026-01-02T13:30:00Z");
        check("2026-01-02T14:30:00-05:30", new_york, "2026-01-02T20:00:00Z");
        check("09:30", new_york, "2026-03-08T13:30:00Z");
        check("09:30:00.000000001", "UTC", "2026-03-08T09:30:00.000000001Z");
        check("-2h", new_york, "2026-03-08T14:00:00Z");
        check("+1h30m", new_york, "2026-03-08T17:30:00Z");
        check("now", new_york, "2026-03-08T16:00:00Z");
        check("Today", new_york, "2026-03-08T05:00:00Z");
        check("yesterday", new_york, "2026-03-07T05:00:00Z");
    }

    #[test]
    fn clock_changes_skip_to_the_change_and_repeat_the_earlier() {
        let new_york = "America/New_York";
        check("2026-03-08T02:30", new_york, "2026-03-08T07:00:00Z");
        check("2026-03-08T03:00", new_york, "2026-03-08T07:00:00Z");
        check("2026-11-01T01:30", new_york, "2026-11-01T05:30:00Z");
        check("2026-11-01T02:00", new_york, "2026-11-01T07:00:00Z");
        check("2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00:00Z");
        check("2017-10-15T00:30", "America/Sao_Paulo", "2017-10-15T03:00:00Z");
    }

    #[test]
    fn what_is_no_point_is_refused() {
        for text in [
            "",
            "2026",
            "2026-1-2",
            "2026-13-01",
            "2026-02-30",
            "2026-01-02T",
            "2026-01-02T25:00",
            "2026-01-02T14",
            "2026-01-02T14:30:60",
            "2026-01-02T14:30:00.",
            "2026-01-02T14:30:00.1234567890",
            "2026-01-02x14:30",
            "2026-01-02T14:30+1",
            "2026-01-02T14:30+24:00",
            "9:30",
            "24:00",
            "2h",
            "-2",
            "tomorrow",
            "é026-01-02",
            "2026-01-0é",
            "14:30é",
            "20260102",
        ] {
            assert_eq!(parse_point(text), None, "{text}");
        }
        let far = parse_point("9999-12-31").unwrap();
        assert!(far.resolve(Tz::UTC, Timestamp(0)).unwrap_err().message().contains("2262"));
        assert!(parse_point("+1w").unwrap().resolve(Tz::UTC, Timestamp::MAX).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,20}", time in "[0-9:. TZ+-]{0,30}") {
            parse_point(&text);
            parse_point(&time);
        }
    }
}
