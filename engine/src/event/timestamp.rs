//! Event time: nanoseconds since the Unix epoch, UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::error::Refused;

const DAY_NS: i64 = 86_400_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z. Covers 1677-09-21 to 2262-04-11.
///
/// ```
/// use blotter_engine::event::Timestamp;
/// let ts: Timestamp = "2026-01-02T14:30:00.5+00:00".parse().unwrap();
/// assert_eq!(ts.to_string(), "2026-01-02T14:30:00.500000000Z");
/// ```
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The earliest time.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest time.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// Nanoseconds since the epoch.
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// The UTC day it falls on.
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_NS) as i32)
    }

    /// As a chrono time.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

/// RFC 3339 with nine fractional digits.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::Nanos, true))
    }
}

impl FromStr for Timestamp {
    type Err = Refused;

    /// RFC 3339 with any offset; digits past the nanosecond are cut.
    fn from_str(text: &str) -> Result<Timestamp, Refused> {
        let out_of_range = || Refused::TimestampRange { found: text.to_owned() };
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| out_of_range())?;
        time.timestamp_nanos_opt().map(Timestamp).ok_or_else(out_of_range)
    }
}

/// A chrono time outside the range of 64-bit nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time is outside 1677-09-21 to 2262-04-11")]
pub struct ValueOutOfRange;

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = ValueOutOfRange;

    fn try_from(time: DateTime<Utc>) -> Result<Timestamp, ValueOutOfRange> {
        time.timestamp_nanos_opt().map(Timestamp).ok_or(ValueOutOfRange)
    }
}

/// A UTC day: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// Its first instant, clamped to the range of timestamps.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(DAY_NS))
    }

    /// Its last nanosecond, clamped to the range of timestamps.
    pub fn end_inclusive(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(DAY_NS).saturating_add(DAY_NS - 1))
    }
}

/// `2026-01-02`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = NaiveDate::from_epoch_days(self.0).ok_or(fmt::Error)?;
        write!(f, "{}", date.format("%Y-%m-%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_utc_also_before_1970() {
        for (text, day) in [
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31"),
            ("1970-01-01T00:00:00Z", "1970-01-01"),
            ("2026-01-02T00:30:00+01:00", "2026-01-01"),
        ] {
            let ts: Timestamp = text.parse().unwrap();
            assert_eq!(ts.day().to_string(), day);
            assert!(ts.day().start() <= ts && ts <= ts.day().end_inclusive());
        }
    }

    #[test]
    fn the_ends_of_the_range_print_and_parse() {
        for ts in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(ts.to_string().parse::<Timestamp>(), Ok(ts));
            assert!(!ts.day().to_string().is_empty());
        }
        assert!("2262-04-11T23:47:16.854775808Z".parse::<Timestamp>().is_err());
    }
}
