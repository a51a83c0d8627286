//! Wall clocks of zones: local times to instants, days, and names.
//!
//! A local time that a clock change skips is the instant of the change; one that happens twice is the earlier.

use blotter_engine::event::Timestamp;
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};

use crate::error::{ErrorKind, QueryError, Result};

/// Nanoseconds by which the wall clock is ahead of UTC at an instant.
#[inline]
pub(crate) fn offset_ns(ts: Timestamp, zone: Tz) -> i64 {
    if zone == Tz::UTC {
        return 0;
    }
    let utc = ts.to_datetime().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000_000_000
}

/// The wall clock at an instant.
pub(crate) fn wall(ts: Timestamp, zone: Tz) -> NaiveDateTime {
    zone.timestamp_nanos(ts.0).naive_local()
}

/// The local date at an instant.
pub(crate) fn date(ts: Timestamp, zone: Tz) -> NaiveDate {
    wall(ts, zone).date()
}

/// The instant of a local time.
///
/// # Errors
/// A time outside those of 64-bit nanoseconds.
pub(crate) fn instant(wall: NaiveDateTime, zone: Tz) -> Result<Timestamp> {
    let found = match zone.from_local_datetime(&wall) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time),
        LocalResult::None => GapInfo::new(&wall, &zone).and_then(|gap| gap.end),
    };
    found
        .and_then(|time| time.timestamp_nanos_opt())
        .map(Timestamp)
        .ok_or_else(|| out_of_range(&wall.to_string()))
}

/// The error for a time that cannot be recorded.
pub(crate) fn out_of_range(what: &str) -> QueryError {
    QueryError::new(ErrorKind::Value, format!("{what} is outside 1677-09-21 to 2262-04-11"))
}

/// The first instant of a local day.
///
/// # Errors
/// As [`instant`].
pub(crate) fn day_start(date: NaiveDate, zone: Tz) -> Result<Timestamp> {
    instant(date.and_time(NaiveTime::MIN), zone)
}

/// The first instant of a local day, and that of the next.
///
/// # Errors
/// As [`instant`].
pub(crate) fn day(date: NaiveDate, zone: Tz) -> Result<(Timestamp, Timestamp)> {
    let next = date.succ_opt().ok_or_else(|| out_of_range(&date.to_string()))?;
    Ok((day_start(date, zone)?, day_start(next, zone)?))
}

/// The zone of a name of the tz database, in any case.
pub(crate) fn parse(name: &str) -> Option<Tz> {
    chrono_tz::TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name))
}

/// The names of all zones.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_clock_changes_of_their_zone() {
        for (zone, day, start, hours) in [
            ("UTC", "2026-03-08", "2026-03-08T00:00:00Z", 24),
            ("America/New_York", "2026-03-07", "2026-03-07T05:00:00Z", 24),
            ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23),
            ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", 25),
            // Midnight is skipped: the day begins at one.
            ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z", 23),
            // 23:00 to 24:00 happens twice on the 17th.
            ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", 25),
            // Midnight happens twice: the day begins with the first.
            ("America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", 25),
            // The whole day is skipped.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0),
        ] {
            let zone_found = parse(&zone.to_lowercase()).unwrap();
            let (found, next) = super::day(day.parse().unwrap(), zone_found).unwrap();
            assert_eq!(found, start.parse().unwrap(), "{zone} {day}");
            assert_eq!((next.0 - found.0) / 3_600_000_000_000, hours, "{zone} {day}");
        }
        assert_eq!(parse("New York"), None);
        assert!(day_start("2300-01-01".parse().unwrap(), Tz::UTC).is_err());
    }
}
