//! The stretch of time that a report is about.

use std::fmt;

use blotter_engine::event::Timestamp;
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::error::{ErrorKind, QueryError, Result};
use crate::time::zone::{day_start, out_of_range};

/// From one moment to another, understood in a zone; the last moment is not part of it.
///
/// ```
/// use blotter_query::desk::Period;
/// use blotter_query::Tz;
/// # fn main() -> blotter_query::Result<()> {
/// // The day on which New York changes to summer time has 23 hours.
/// let day = Period::day("2026-03-08".parse().unwrap(), Tz::America__New_York)?;
/// assert_eq!((day.until.nanos() - day.from.nanos()) / 3_600_000_000_000, 23);
/// assert_eq!(day.to_string(), "2026-03-08 America/New_York");
/// assert_eq!(day.previous()?.to_string(), "2026-03-07 America/New_York");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Where its days and hours begin.
    pub zone: Tz,
    /// The days it is made of, first and last, if it is made of whole days.
    days: Option<(NaiveDate, NaiveDate)>,
}

impl Period {
    /// A day.
    ///
    /// # Errors
    /// A day outside the years 1677 to 2262.
    pub fn day(day: NaiveDate, zone: Tz) -> Result<Period> {
        Period::days(day, day, zone)
    }

    /// The days from `first` to `last`, both included.
    ///
    /// # Errors
    /// Days outside the years 1677 to 2262, or a `last` before `first`.
    pub fn days(first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Period> {
        if last < first {
            let message = format!("the range ends on {last}, before it begins on {first}");
            return Err(QueryError::new(ErrorKind::Value, message));
        }
        let next = last.checked_add_days(Days::new(1)).ok_or_else(|| out_of_range(&last.to_string()))?;
        let (from, until) = (day_start(first, zone)?, day_start(next, zone)?);
        Ok(Period { from, until, zone, days: Some((first, last)) })
    }

    /// Between two moments, the second excluded.
    ///
    /// # Errors
    /// An `until` that is not after `from`.
    pub fn between(from: Timestamp, until: Timestamp, zone: Tz) -> Result<Period> {
        if until <= from {
            let message = format!("the range ends at {until}, which is not after its beginning at {from}");
            return Err(QueryError::new(ErrorKind::Value, message));
        }
        Ok(Period { from, until, zone, days: None })
    }

    /// The period of the same length before it: as many days, or as much time.
    ///
    /// # Errors
    /// One that begins before 1677.
    pub fn previous(&self) -> Result<Period> {
        if let Some((first, last)) = self.days {
            let days = Days::new(u64::try_from((last - first).num_days()).unwrap_or(0) + 1);
            let back =
                |day: NaiveDate| day.checked_sub_days(days).ok_or_else(|| out_of_range(&day.to_string()));
            return Period::days(back(first)?, back(last)?, self.zone);
        }
        let length = i128::from(self.until.nanos()) - i128::from(self.from.nanos());
        let from = i64::try_from(i128::from(self.from.nanos()) - length).map_err(|_| {
            QueryError::new(ErrorKind::Value, "the period before this one begins before the year 1677")
        })?;
        Period::between(Timestamp(from), self.from, self.zone)
    }

    /// The condition, in the query language, that an event lies in it.
    ///
    /// ```
    /// # use blotter_query::{desk::Period, Tz};
    /// let day = Period::day("2026-01-05".parse().unwrap(), Tz::UTC).unwrap();
    /// let condition = "(ts >= 2026-01-05T00:00:00.000000000Z and ts < 2026-01-06T00:00:00.000000000Z)";
    /// assert_eq!(day.condition(), condition);
    /// ```
    pub fn condition(&self) -> String {
        format!("(ts >= {} and ts < {})", self.from, self.until)
    }

    /// The days it is made of, first and last, if it is made of whole days.
    pub fn whole_days(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.days
    }
}

/// The days, or the moments, and the zone.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            Some((first, last)) if first == last => write!(f, "{first}")?,
            Some((first, last)) => write!(f, "{first} to {last}")?,
            None => write!(f, "{} to {}", self.from, self.until)?,
        }
        write!(f, " {}", self.zone.name())
    }
}
