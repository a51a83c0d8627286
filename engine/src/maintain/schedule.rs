//! When maintenance runs by itself: a cron expression in a time zone.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;

use crate::error::{Error, Result};

/// A cron expression (minute, hour, day of month, month, day of week) in a time zone. A time that does not exist on a
/// day, where clocks go forward, is taken as the moment they do so; one that comes twice is taken once.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// use blotter_engine::maintain::Schedule;
/// // Half past five in New York, after the close, on weekdays.
/// let schedule = Schedule::parse("30 17 * * 1-5", "America/New_York")?;
/// assert_eq!(schedule.to_string(), "30 17 * * 1-5 (America/New_York)");
/// assert!(Schedule::parse("61 17 * * *", "UTC").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// The schedule of an expression in a zone of the IANA database.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an expression or a zone that is none.
    pub fn parse(cron: &str, zone: &str) -> Result<Schedule> {
        let refuse = |reason: String| Error::InvalidOption { option: "maintenance schedule", reason };
        let parsed = Cron::from_str(cron).map_err(|error| {
            refuse(format!("'{cron}': {error}; hint: as in '0 2 * * *', every day at 2:00"))
        })?;
        let zone = zone.parse::<Tz>().map_err(|_| {
            refuse(format!("'{zone}' is not a time zone; hint: as in 'America/New_York' or 'UTC'"))
        })?;
        Ok(Schedule { cron: parsed, zone })
    }

    /// Every day at 2:00 UTC.
    pub fn nightly() -> Schedule {
        Schedule::parse("0 2 * * *", "UTC").expect("the default is well-formed")
    }

    /// The first time after the given one, both in nanoseconds; none if there is none that can be told.
    pub fn next_after(&self, after_ns: i64) -> Option<i64> {
        let after = DateTime::from_timestamp_nanos(after_ns).with_timezone(&self.zone);
        self.cron.find_next_occurrence(&after, false).ok()?.timestamp_nanos_opt()
    }
}

/// The expression and the zone.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cron.pattern, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Timestamp;

    #[test]
    fn times_follow_the_zone_also_where_its_clocks_change() {
        let check = |cron: &str, zone: &str, after: &str, next: &str| {
            let after: Timestamp = after.parse().unwrap();
            let next: Timestamp = next.parse().unwrap();
            let found = Schedule::parse(cron, zone).unwrap().next_after(after.0).map(Timestamp);
            assert_eq!(found, Some(next), "{cron} in {zone} after {after}");
        };
        check("0 2 * * *", "UTC", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z");
        check("0 2 * * *", "UTC", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z");
        check("30 17 * * 1-5", "America/New_York", "2026-03-06T22:30:00Z", "2026-03-09T21:30:00Z");
        // 2:30 does not exist on the day clocks go forward, and comes twice on the day they go back.
        check("30 2 * * *", "America/New_York", "2026-03-07T08:00:00Z", "2026-03-08T07:00:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T01:00:00Z", "2026-10-25T00:30:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }
}
