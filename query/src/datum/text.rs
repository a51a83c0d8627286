//! The text form of values, as people read it.

use std::fmt;

use blotter_engine::event::Timestamp;
use chrono::{SecondsFormat, TimeZone};
use chrono_tz::Tz;

use super::{Datum, DatumRef};
use crate::time::duration::Printed;

/// A value as text, times in a zone; see [`Datum::display`].
#[derive(Clone, Copy)]
pub struct Displayed<'a> {
    datum: DatumRef<'a>,
    zone: Tz,
}

impl Datum {
    /// As text, times in that zone. Null is empty.
    ///
    /// ```
    /// use blotter_query::Datum;
    /// use blotter_engine::event::Timestamp;
    /// let datum = Datum::Time(Timestamp(0));
    /// assert_eq!(datum.display(chrono_tz::America::New_York).to_string(), "1969-12-31T19:00:00.000000000-05:00");
    /// ```
    pub fn display(&self, zone: Tz) -> Displayed<'_> {
        self.borrow().display(zone)
    }
}

impl<'a> DatumRef<'a> {
    /// See [`Datum::display`].
    pub fn display(self, zone: Tz) -> Displayed<'a> {
        Displayed { datum: self, zone }
    }
}

impl fmt::Display for Displayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.datum {
            DatumRef::Null => Ok(()),
            DatumRef::Bool(value) => value.fmt(f),
            DatumRef::Int(value) => value.fmt(f),
            DatumRef::Float(value) => write!(f, "{value:?}"),
            DatumRef::Decimal(value) => value.fmt(f),
            DatumRef::Str(value) => f.write_str(value),
            DatumRef::Time(ts) if self.zone == Tz::UTC => ts.fmt(f),
            DatumRef::Time(Timestamp(ns)) => {
                let time = self.zone.timestamp_nanos(ns);
                f.write_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true))
            }
            DatumRef::Duration(ns) => Printed(ns).fmt(f),
            DatumRef::Level(level) => level.fmt(f),
            DatumRef::Category(category) => category.fmt(f),
        }
    }
}

/// As text, times in UTC.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(Tz::UTC).fmt(f)
    }
}

/// As text, times in UTC.
impl fmt::Display for DatumRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(Tz::UTC).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::{Category, Level};

    use super::*;

    #[test]
    fn values_print_with_every_digit_and_times_in_their_zone() {
        let new_york = chrono_tz::America::New_York;
        let summer: Timestamp = "2026-07-01T13:30:00.5Z".parse().unwrap();
        for (datum, zone, expected) in [
            (Datum::Null, Tz::UTC, ""),
            (Datum::Bool(true), Tz::UTC, "true"),
            (Datum::Int(-3), Tz::UTC, "-3"),
            (Datum::Float(1.0), Tz::UTC, "1.0"),
            (Datum::Float(1e-7), Tz::UTC, "1e-7"),
            (Datum::Decimal(dec!(1.50)), Tz::UTC, "1.50"),
            (Datum::from("a\nb"), Tz::UTC, "a\nb"),
            (Datum::Time(summer), Tz::UTC, "2026-07-01T13:30:00.500000000Z"),
            (Datum::Time(summer), new_york, "2026-07-01T09:30:00.500000000-04:00"),
            (Datum::Duration(5_400_000_000_000), new_york, "1h30m"),
            (Datum::Level(Level::Warn), Tz::UTC, "warn"),
            (Datum::Category(Category::MARKET_DATA), Tz::UTC, "market_data"),
        ] {
            assert_eq!(datum.display(zone).to_string(), expected);
        }
    }
}
