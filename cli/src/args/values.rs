//! Values of options: sizes, durations, zones, parameters.

use std::time::Duration;

use blotter::Datum;
use blotter::event::{Day, Decimal, Timestamp};
use blotter::ledger::Budget;
use chrono::NaiveDate;
use chrono_tz::Tz;

/// `512MB`, `64KiB`, `1.5GB`, `4096`: bytes.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let expected = || format!("'{text}' is no size; write 512MB, 2GiB or a number of bytes");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000 * 1000,
        "g" | "gb" => 1000 * 1000 * 1000,
        "t" | "tb" => 1000 * 1000 * 1000 * 1000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(expected()),
    };
    let bytes = number.trim().parse::<Decimal>().ok().and_then(|number| number.checked_mul(factor.into()));
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes.trunc()).ok()).ok_or_else(expected)?;
    if bytes == 0 { Err(expected()) } else { Ok(bytes) }
}

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// `30s`, `500ms`, `1.5s`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("'{text}' is no duration; write 500ms, 30s or 1h30m");
    let mut nanos = Decimal::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(expected)?;
        let (number, after) = rest.split_at(unit_at);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit_nanos = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?.1;
        let number: Decimal = number.parse().map_err(|_| expected())?;
        let part = number.checked_mul(unit_nanos.into()).ok_or_else(expected)?;
        nanos = nanos.checked_add(part).ok_or_else(expected)?;
        rest = after;
    }
    match u64::try_from(nanos.trunc()) {
        Ok(nanos @ 1..) => Ok(Duration::from_nanos(nanos)),
        _ => Err(expected()),
    }
}

/// The same, or `0s`.
pub(crate) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { duration(text) }
}

/// Days in the units that ages are given in; a year is 365 of them, whatever the calendar says.
const AGE_UNITS: [(&str, u32); 3] = [("d", 1), ("w", 7), ("y", 365)];

/// `30d`, `2w`, `5y`: days.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    let expected = || format!("'{text}' is no age; write 30d, 2w or 5y (of 365 days)");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expected)?;
    let days = AGE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?.1;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number = number.parse::<u32>().ok().filter(|_| is_number).ok_or_else(expected)?;
    number.checked_mul(days).ok_or_else(expected)
}

/// An age, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AgeOrNever(pub(crate) Option<u32>);

/// `90d`, `never`.
pub(crate) fn days_or_never(text: &str) -> Result<AgeOrNever, String> {
    match text {
        "never" => Ok(AgeOrNever(None)),
        text => days(text).map(|days| AgeOrNever(Some(days))).map_err(|reason| format!("{reason}, or never")),
    }
}

/// `80%`, `500GB`, `unlimited`.
pub(crate) fn budget(text: &str) -> Result<Budget, String> {
    let expected = || format!("'{text}' is no budget; write 80%, 500GB or unlimited");
    if text == "unlimited" {
        return Ok(Budget::Unlimited);
    }
    match text.strip_suffix('%') {
        Some(percent) => match percent.trim().parse() {
            Ok(percent @ 1..=100) => Ok(Budget::Percent(percent)),
            _ => Err(expected()),
        },
        None => size(text).map(|bytes| Budget::Bytes(bytes as u64)).map_err(|_| expected()),
    }
}

/// `2026-01-02`.
pub(crate) fn day(text: &str) -> Result<Day, String> {
    let date: Result<NaiveDate, _> = text.parse();
    let day = date
        .map(|date| Day(date.to_epoch_days()))
        .map_err(|_| format!("'{text}' is no day; write 2026-01-02"))?;
    let days = Timestamp::MIN.day()..=Timestamp::MAX.day();
    if days.contains(&day) {
        Ok(day)
    } else {
        Err(format!("{text} is not within {} and {}", days.start(), days.end()))
    }
}

/// The name of a time zone, as `America/New_York`.
pub(crate) fn zone(text: &str) -> Result<Tz, String> {
    if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text)) {
        return Ok(*zone);
    }
    let hint = nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    let hint = hint
        .map_or_else(|| "write UTC or America/New_York".to_owned(), |name| format!("did you mean {name}?"));
    Err(format!("'{text}' is no time zone; {hint}"))
}

/// The name that was probably meant.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LIKENESS_MIN: f64 = 0.75;
    let text = text.to_ascii_lowercase();
    let likeness = |name: &'a str| (strsim::jaro_winkler(&text, &name.to_ascii_lowercase()), name);
    let best = names.map(likeness).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, name)| name)
}

/// RFC 3339.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("'{text}' is no time; write 2026-01-02T14:30:00Z"))
}

/// `name=value`: a number, `true` or `false`, a time in RFC 3339, or else a text; in quotes always a text.
pub(crate) fn parameter(text: &str) -> Result<(String, Datum), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("'{text}' has no '='; write name=value"))?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(format!("'{name}' is no name; write letters, digits and underscores"));
    }
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let datum = match (quoted, value) {
        (Some(text), _) => Datum::Str(text.into()),
        (None, "true") => Datum::Bool(true),
        (None, "false") => Datum::Bool(false),
        (None, value) => match (value.parse::<i64>(), value.parse::<Decimal>(), value.parse::<Timestamp>()) {
            (Ok(number), ..) => Datum::Int(number),
            (_, Ok(number), _) => Datum::Decimal(number),
            (.., Ok(time)) => Datum::Time(time),
            _ => Datum::Str(value.into()),
        },
    };
    Ok((name.to_owned(), datum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        for (text, expected) in [
            ("512MB", Some(512_000_000)),
            ("2GiB", Some(2 << 30)),
            ("1.5kb", Some(1500)),
            ("64 KiB", Some(65_536)),
            ("4096", Some(4096)),
            ("0", None),
            ("-1MB", None),
            ("MB", None),
            ("5 parsecs", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, expected) in [
            ("30s", Some(30_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5ms", Some(1_500_000)),
            ("30", None),
            ("", None),
            ("0s", None),
            ("-1s", None),
            ("1y", None),
            ("99999999999999d", None),
        ] {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_nanos), "{text}");
        }
        assert_eq!(duration_or_zero("0s"), Ok(Duration::ZERO));
        assert_eq!(duration_or_zero("30s"), Ok(Duration::from_secs(30)));
        assert!(duration_or_zero("0").is_err());
    }

    #[test]
    fn ages_are_days_weeks_or_years() {
        for (text, expected) in [
            ("30d", Some(30)),
            ("0d", Some(0)),
            ("2w", Some(14)),
            ("5y", Some(1825)),
            ("30", None),
            ("d", None),
            ("", None),
            ("+1d", None),
            ("1.5y", None),
            ("6m", None),
            ("3é", None),
            ("99999999y", None),
            ("never", None),
        ] {
            assert_eq!(days(text).ok(), expected, "{text}");
        }
        assert_eq!(days_or_never("never"), Ok(AgeOrNever(None)));
        assert_eq!(days_or_never("1w"), Ok(AgeOrNever(Some(7))));
    }

    #[test]
    fn budgets_are_shares_sizes_or_none() {
        for (text, expected) in [
            ("80%", Some(Budget::Percent(80))),
            ("500GB", Some(Budget::Bytes(500_000_000_000))),
            ("2TiB", Some(Budget::Bytes(2 << 40))),
            ("unlimited", Some(Budget::Unlimited)),
            ("0%", None),
            ("101%", None),
            ("80 percent", None),
            ("0GB", None),
            ("", None),
        ] {
            assert_eq!(budget(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn days_are_dates_within_the_range_of_times() {
        assert_eq!(day("1970-01-02"), Ok(Day(1)));
        assert_eq!(day("2026-01-02").map(|day| day.to_string()), Ok("2026-01-02".into()));
        for text in ["2026-02-30", "02.01.2026", "1600-01-01", "2300-01-01", ""] {
            assert!(day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zones_are_named_and_the_nearest_is_offered() {
        assert_eq!(zone("america/new_york"), Ok(Tz::America__New_York));
        assert!(zone("America/NewYork").unwrap_err().ends_with("did you mean America/New_York?"));
        assert!(zone("%").unwrap_err().ends_with("write UTC or America/New_York"));
    }

    #[test]
    fn parameters_are_what_they_look_like() {
        for (text, expected) in [
            ("n=5", "Ok((\"n\", Int(5)))"),
            ("p=1.50", "Ok((\"p\", Decimal(1.50)))"),
            ("b=true", "Ok((\"b\", Bool(true)))"),
            ("id=\"5\"", "Ok((\"id\", Str(\"5\")))"),
            ("s=a=b", "Ok((\"s\", Str(\"a=b\")))"),
            ("e=", "Ok((\"e\", Str(\"\")))"),
        ] {
            assert_eq!(format!("{:?}", parameter(text)), expected);
        }
        assert!(matches!(parameter("t=2026-01-02T14:30:00Z"), Ok((_, Datum::Time(_)))));
        assert!(parameter("n").is_err() && parameter("1=2").is_err() && parameter("=2").is_err());
    }
}
