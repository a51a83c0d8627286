//! Values of settings in TOML, and what is said of those that are none.

use std::time::Duration;

use blotter_engine::event::{Decimal, Level};
use toml::de::DeValue;

use crate::nearest::did_you_mean;
use crate::time::duration::Printed;

/// A type that a setting can have.
pub trait Setting: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What should stand there.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;

    /// As it is written.
    fn print(&self) -> String;
}

/// What to say of a name that is not known.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known {
        [] => format!("no {what} is defined"),
        known => format!("there are {}", known.join(", ")),
    });
    format!("there is no {what} '{}'; {hint}", name.escape_debug())
}

impl Setting for bool {
    fn read(value: &DeValue<'_>) -> Result<bool, String> {
        value.as_bool().ok_or_else(|| "write true or false".to_owned())
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for u64 {
    fn read(value: &DeValue<'_>) -> Result<u64, String> {
        let number = value.as_integer().filter(|number| number.radix() == 10);
        let number = number.and_then(|number| number.as_str().parse().ok());
        number.filter(|number| *number > 0).ok_or_else(|| "write a whole number from 1 on".to_owned())
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for usize {
    fn read(value: &DeValue<'_>) -> Result<usize, String> {
        u64::read(value).and_then(|number| usize::try_from(number).map_err(|error| error.to_string()))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for f64 {
    fn read(value: &DeValue<'_>) -> Result<f64, String> {
        let text = value.as_float().map(|float| float.as_str());
        let text = text.or_else(|| value.as_integer().map(|integer| integer.as_str()));
        let number = text.and_then(|text| text.parse::<f64>().ok());
        number
            .filter(|number| number.is_finite() && *number > 0.0)
            .ok_or_else(|| "write a number above 0".to_owned())
    }

    fn print(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for Decimal {
    fn read(value: &DeValue<'_>) -> Result<Decimal, String> {
        let text = value.as_float().map(|float| float.as_str());
        let text = text.or_else(|| value.as_integer().map(|integer| integer.as_str()));
        let number = text.and_then(|text| text.parse::<Decimal>().ok());
        number
            .filter(|number| !number.is_sign_negative())
            .ok_or_else(|| "write a number from 0 on, as 0.001".to_owned())
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Setting for Duration {
    fn read(value: &DeValue<'_>) -> Result<Duration, String> {
        let expected = || "write a duration in quotes, as \"10ms\", \"30s\" or \"1h30m\"".to_owned();
        let ns = value.as_str().and_then(crate::syntax::duration).ok_or_else(expected)?;
        let ns = u64::try_from(ns).ok().filter(|ns| *ns > 0).ok_or_else(expected)?;
        Ok(Duration::from_nanos(ns))
    }

    fn print(&self) -> String {
        format!("\"{}\"", Printed(nanos(*self)))
    }
}

impl Setting for Level {
    fn read(value: &DeValue<'_>) -> Result<Level, String> {
        let expected = || "write a level in quotes: \"info\", \"warn\", \"error\" or \"critical\"".to_owned();
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(expected)
    }

    fn print(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Setting for String {
    fn read(value: &DeValue<'_>) -> Result<String, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "write it in quotes".to_owned())
    }

    fn print(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for Vec<String> {
    fn read(value: &DeValue<'_>) -> Result<Vec<String>, String> {
        let expected = || "write a list of texts, as [\"one\", \"two\"]".to_owned();
        let array = value.as_array().ok_or_else(expected)?;
        array.iter().map(|item| String::read(item.get_ref()).map_err(|_| expected())).collect()
    }

    fn print(&self) -> String {
        format!("{self:?}")
    }
}

/// A duration in nanoseconds; those of settings fit.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
