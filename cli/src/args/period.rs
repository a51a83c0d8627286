//! The time that a command is about: a day, days, or moments.

use blotter::Tz;
use blotter::desk::Period;
use blotter::event::Timestamp;
use chrono::{Days, NaiveDate, Utc};
use clap::Args;

use super::values;
use crate::outcome::Failure;

/// A day, some days, or from one moment to another; each command says what none of them means.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct During {
    /// The day, in the zone of --tz: 2026-01-05, today or yesterday
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "since"])]
    date: Option<Day>,
    /// The first day
    #[arg(long, value_name = "DAY", conflicts_with = "since")]
    from: Option<Day>,
    /// The last day; today if not given
    #[arg(long, value_name = "DAY", requires = "from")]
    to: Option<Day>,
    /// The first moment, in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    since: Option<Timestamp>,
    /// The first moment after it, in RFC 3339; now if not given
    #[arg(long, value_name = "TIME", requires = "since", value_parser = values::time)]
    until: Option<Timestamp>,
}

impl During {
    /// The time that is asked for; none if there is none.
    pub(crate) fn period(&self, zone: Tz) -> Result<Option<Period>, Failure> {
        let now =
            || Timestamp::try_from(Utc::now()).expect("the clock of the machine is within 1677 and 2262");
        let period = match (self.since, self.from, self.date) {
            (Some(since), ..) => Period::between(since, self.until.unwrap_or_else(now), zone),
            (None, Some(from), _) => {
                Period::days(from.date(zone), self.to.unwrap_or(Day::Today).date(zone), zone)
            }
            (None, None, Some(day)) => Period::day(day.date(zone), zone),
            (None, None, None) => return Ok(None),
        };
        period.map(Some).map_err(|error| Failure::Usage(error.message().to_owned()))
    }

    /// The time that is asked for; today if there is none.
    pub(crate) fn period_or_today(&self, zone: Tz) -> Result<Period, Failure> {
        let today = || Ok(Period::day(Day::Today.date(zone), zone)?);
        self.period(zone)?.map_or_else(today, Ok)
    }
}

/// A day, or a word for one.
#[derive(Clone, Copy, Debug)]
enum Day {
    Date(NaiveDate),
    Today,
    Yesterday,
}

impl Day {
    fn date(self, zone: Tz) -> NaiveDate {
        let today = Utc::now().with_timezone(&zone).date_naive();
        match self {
            Day::Date(date) => date,
            Day::Today => today,
            Day::Yesterday => today.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN),
        }
    }
}

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        let mistake = || format!("'{text}' is no day; write 2026-01-05, today or yesterday");
        match text {
            "today" => Ok(Day::Today),
            "yesterday" => Ok(Day::Yesterday),
            text => text.parse().map(Day::Date).map_err(|_| mistake()),
        }
    }
}
