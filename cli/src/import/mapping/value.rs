//! The text of a column to the value of a field, and to the time of the event. A value that is not what its type
//! says makes the record a bad one; none is rounded or cut.

use std::borrow::Cow;

use blotter::event::{Timestamp, parse_decimal};
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use crate::import::FieldValue;
use crate::import::json::{self, Json};
use crate::import::time::{self, ReadTime};

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is written; JSON keeps its own type.
    Text,
    /// An exact decimal.
    Decimal,
    /// A whole number of 64 bits.
    Integer,
    /// true, false, yes, no, y, n, t, f, 1, 0, in any case.
    Bool,
    /// A whole number or decimal if it is written as one, else a text.
    Auto,
}

impl Kind {
    pub(super) fn parse(word: &str) -> Result<Kind, String> {
        Ok(match word {
            "text" => Kind::Text,
            "decimal" => Kind::Decimal,
            "integer" => Kind::Integer,
            "bool" => Kind::Bool,
            "auto" => Kind::Auto,
            _ => return Err(format!("'{word}' is no type; there are text, decimal, integer, bool, auto")),
        })
    }

    /// The value of a cell that has one.
    pub(super) fn read<'a>(
        self,
        name: &str,
        cell: &Json<'a>,
        is_typed: bool,
    ) -> Result<FieldValue<'a>, String> {
        match (self, cell) {
            // Without a type asked for, JSON knows better.
            (Kind::Text | Kind::Auto, Json::Bool(value)) if !is_typed => return Ok(FieldValue::Bool(*value)),
            (Kind::Text, Json::Number(text)) if !is_typed => return number(name, text),
            _ => {}
        }
        let text = text_of(cell);
        match self {
            Kind::Text => Ok(FieldValue::Text(text)),
            Kind::Decimal => parse_decimal(name, text.trim())
                .map(FieldValue::Decimal)
                .map_err(|refused| refused.to_string()),
            Kind::Integer => {
                let whole = text.trim().parse().map(FieldValue::I64);
                whole.map_err(|_| format!("field '{name}': {text:?} is not a whole number of 64 bits"))
            }
            Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "t" | "1" => Ok(FieldValue::Bool(true)),
                "false" | "no" | "n" | "f" | "0" => Ok(FieldValue::Bool(false)),
                _ => Err(format!("field '{name}': {text:?} is neither true nor false")),
            },
            Kind::Auto => {
                Ok(number(name, &text).ok().filter(|_| is_number(&text)).unwrap_or(FieldValue::Text(text)))
            }
        }
    }
}

/// Whether a text is written as a number is: an identifier such as `007` or `+4` is not.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    digits.starts_with(|c: char| c.is_ascii_digit()) && !has_leading_zero
}

fn number<'a>(name: &str, text: &str) -> Result<FieldValue<'a>, String> {
    match text.parse::<i64>() {
        Ok(value) if text != "-0" => Ok(FieldValue::I64(value)),
        _ => parse_decimal(name, text).map(FieldValue::Decimal).map_err(|refused| refused.to_string()),
    }
}

/// A cell as text.
pub(super) fn text_of<'a>(cell: &Json<'a>) -> Cow<'a, str> {
    match cell {
        Json::Text(text) => text.clone(),
        Json::Number(text) => Cow::Borrowed(text),
        Json::Bool(true) => Cow::Borrowed("true"),
        Json::Bool(false) => Cow::Borrowed("false"),
        Json::Array(array) => json::compact(array),
        Json::Object(members) if members.is_empty() => Cow::Borrowed("{}"),
        Json::Object(_) | Json::Null => Cow::Borrowed(""),
    }
}

/// How a time is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TimeFormat {
    /// Any of what JSON lines may have; without an offset it is UTC.
    Auto,
    /// A number, and how many nanoseconds one is: as a power of ten.
    Epoch(u32),
    /// As `strftime` writes it, and whether that has an offset.
    Pattern(String, bool),
}

impl TimeFormat {
    pub(super) fn parse(text: &str) -> Result<TimeFormat, String> {
        Ok(match text {
            "auto" | "rfc3339" => TimeFormat::Auto,
            "epoch_s" => TimeFormat::Epoch(9),
            "epoch_ms" => TimeFormat::Epoch(6),
            "epoch_us" => TimeFormat::Epoch(3),
            "epoch_ns" => TimeFormat::Epoch(0),
            pattern if pattern.contains('%') => {
                if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
                    return Err(format!("{pattern:?} is no format of times; hint: %Y-%m-%d %H:%M:%S%.f"));
                }
                TimeFormat::Pattern(pattern.to_owned(), pattern.contains("%z") || pattern.contains("%:z"))
            }
            _ => {
                return Err(format!(
                    "'{text}' is no format of times; there are epoch_s, epoch_ms, epoch_us, epoch_ns, rfc3339, auto, \
                     or one as %Y-%m-%d %H:%M:%S%.f"
                ));
            }
        })
    }

    /// The moment that a text says, and whether a clock in the zone showed it only once.
    pub(super) fn read(&self, text: &str, zone: Tz) -> Result<(ReadTime, bool), String> {
        let text = text.trim();
        let (ts, is_single) = match self {
            TimeFormat::Auto => {
                return time::parse_text(text)
                    .map(|time| (time, true))
                    .map_err(|reason| format!("{text:?}: {reason}"));
            }
            TimeFormat::Epoch(power) => return epoch(text, *power).map(|time| (time, true)),
            TimeFormat::Pattern(pattern, true) => {
                let moment =
                    DateTime::parse_from_str(text, pattern).map_err(|error| refused(text, pattern, error))?;
                let ns =
                    moment.timestamp_nanos_opt().ok_or("the time is outside 1677-09-21 to 2262-04-11")?;
                (Timestamp(ns), true)
            }
            TimeFormat::Pattern(pattern, false) => {
                let clock = NaiveDateTime::parse_from_str(text, pattern).or_else(|error| {
                    // A day alone is its midnight.
                    NaiveDate::parse_from_str(text, pattern)
                        .map(|day| day.and_time(NaiveTime::MIN))
                        .map_err(|_| error)
                });
                time::of_clock(clock.map_err(|error| refused(text, pattern, error))?, zone)?
            }
        };
        Ok((ReadTime { ts, is_exact: true }, is_single))
    }
}

fn refused(text: &str, pattern: &str, error: chrono::ParseError) -> String {
    format!("{text:?} is not a time as {pattern:?}: {error}")
}

/// An epoch number in units of ten to the power of so many nanoseconds.
fn epoch(text: &str, power: u32) -> Result<ReadTime, String> {
    let not_a_time = || format!("{text:?} is not an epoch number");
    let value = parse_decimal("time", text).map_err(|_| not_a_time())?;
    let outside = || format!("{text:?} is outside 1677-09-21 to 2262-04-11; hint: is it another unit?");
    // Cut towards the past, so that what is lost is always after the time.
    let unit = 10i128.pow(power);
    let scaled = value.mantissa().checked_mul(unit).ok_or_else(outside)?;
    let divisor = 10i128.pow(value.scale());
    let ns = scaled.div_euclid(divisor);
    let ts = i64::try_from(ns).map(Timestamp).map_err(|_| outside())?;
    Ok(ReadTime { ts, is_exact: scaled.rem_euclid(divisor) == 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_format() {
        let read = |format: &str, text: &str| {
            let format = TimeFormat::parse(format).unwrap();
            format
                .read(text, Tz::Europe__Paris)
                .map(|(time, is_single)| (time.ts.to_string(), time.is_exact && is_single))
        };
        let at = Ok(("2015-05-01T00:00:04.518000000Z".to_owned(), true));
        assert_eq!(read("epoch_ms", "1430438404518"), at);
        assert_eq!(read("epoch_s", "1430438404.518"), at);
        assert_eq!(read("epoch_us", "1430438404518000"), at);
        assert_eq!(read("epoch_ns", "1430438404518000000"), at);
        assert_eq!(read("rfc3339", "2015-05-01T02:00:04.518+02:00"), at);
        assert_eq!(read("%Y-%m-%d %H:%M:%S%.f", "2015-05-01 02:00:04.518"), at);
        assert_eq!(read("%d/%m/%Y %H:%M:%S%.f %z", "01/05/2015 03:00:04.518 +0300"), at);
        assert_eq!(read("%d.%m.%Y", "01.05.2015"), Ok(("2015-04-30T22:00:00.000000000Z".to_owned(), true)));
        assert_eq!(read("%Y-%m-%d %H:%M", "2022-10-30 02:30").map(|time| time.1), Ok(false));
        assert_eq!(
            read("epoch_s", "-0.0000000005"),
            Ok(("1969-12-31T23:59:59.999999999Z".to_owned(), false))
        );
        for (format, text, part) in [
            ("epoch_s", "1430438404518", "another unit"),
            ("epoch_ms", "soon", "not an epoch number"),
            ("rfc3339", "soon", "neither RFC 3339"),
            ("%Y-%m-%d", "soon", "is not a time as"),
            ("%Y-%m-%d %H:%M", "2022-03-27 02:30", "no clock in Europe/Paris"),
        ] {
            assert!(read(format, text).unwrap_err().contains(part), "{format} {text}");
        }
        assert!(TimeFormat::parse("%Q").is_err() && TimeFormat::parse("ms").is_err());
    }

    #[test]
    fn values_of_every_type() {
        let read = |kind: &str, cell: &str| {
            let cell = Json::Text(cell.to_owned().into());
            Kind::parse(kind).unwrap().read("f", &cell, true).map(|value| format!("{value:?}"))
        };
        let shown = |value: FieldValue<'_>| Ok(format!("{value:?}"));
        assert_eq!(read("decimal", " 3.81E-8 "), shown(FieldValue::Decimal("0.0000000381".parse().unwrap())));
        assert_eq!(read("integer", "-7"), shown(FieldValue::I64(-7)));
        assert_eq!(read("bool", "Yes"), shown(FieldValue::Bool(true)));
        assert_eq!(read("text", " x "), shown(FieldValue::Text(" x ".into())));
        assert_eq!(read("auto", "0.50"), shown(FieldValue::Decimal("0.50".parse().unwrap())));
        assert_eq!(read("auto", "12"), shown(FieldValue::I64(12)));
        for text in ["007", "+4", "a1", "1-2", ".5", ""] {
            assert_eq!(read("auto", text), shown(FieldValue::Text(text.into())));
        }
        for (kind, text) in [("decimal", "1,5"), ("decimal", "1e99"), ("integer", "1.0"), ("bool", "2")] {
            assert!(read(kind, text).is_err(), "{kind} {text}");
        }
        assert!(Kind::parse("float").is_err());
    }
}
