//! Times of records, from the texts and numbers that logs write, exact to the nanosecond.
//!
//! Text is RFC 3339 of any precision and offset, also with a space for the `T`, and without an offset
//! it is UTC; or a number in quotes. A number is an epoch time whose unit is told by its size:
//!
//! ```text
//! digits before the point   up to 11   12 to 14       15 to 17       18 and 19
//! unit                      seconds    milliseconds   microseconds   nanoseconds
//! ```
//! So each unit covers 1973 to 2262, and seconds reach back to 1677.

use std::num::{IntErrorKind, ParseIntError};

use blotter::event::Timestamp;
use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

const NS_PER_SECOND: i128 = 1_000_000_000;

/// A time read from a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadTime {
    /// The time, cut to the nanosecond.
    pub(crate) ts: Timestamp,
    /// Whether `ts` says all that was written.
    pub(crate) is_exact: bool,
}

/// Reads a text: RFC 3339, or an epoch number.
pub(crate) fn parse_text(text: &str) -> Result<ReadTime, &'static str> {
    match parse_rfc3339(text.as_bytes()) {
        Err(_) if is_number(text) => parse_number(text),
        result => result,
    }
}

/// The moment a clock in `zone` showed this, and whether it showed it only once. Where a change of the clock
/// shows a time twice, it is the first.
pub(crate) fn of_clock(clock: NaiveDateTime, zone: Tz) -> Result<(Timestamp, bool), String> {
    let (moment, is_single) = match zone.from_local_datetime(&clock) {
        LocalResult::Single(moment) => (moment, true),
        LocalResult::Ambiguous(first, _) => (first, false),
        LocalResult::None => return Err(format!("no clock in {zone} showed {clock}; hint: another --tz")),
    };
    moment.timestamp_nanos_opt().map(|ns| (Timestamp(ns), is_single)).ok_or_else(|| OUT_OF_RANGE.to_owned())
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
}

const NOT_A_TIME: &str = "it is neither RFC 3339 nor an epoch number";
const OUT_OF_RANGE: &str = "it is outside 1677-09-21 to 2262-04-11";
const NO_SUCH_DATE: &str = "there is no such date or time of day";

fn parse_rfc3339(text: &[u8]) -> Result<ReadTime, &'static str> {
    let (Some(head), Some(rest)) = (text.get(..19), text.get(19..)) else { return Err(NOT_A_TIME) };
    let shape = head[4] == b'-'
        && head[7] == b'-'
        && matches!(head[10], b'T' | b't' | b' ')
        && head[13] == b':'
        && head[16] == b':';
    if !shape {
        return Err(NOT_A_TIME);
    }
    let number = |at: usize, length: usize| digits(&head[at..at + length]).ok_or(NOT_A_TIME);
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);

    let (fraction, offset) = match rest.strip_prefix(b".") {
        Some(rest) => rest.split_at(rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len())),
        None => (&rest[..0], rest),
    };
    if rest.first() == Some(&b'.') && fraction.is_empty() {
        return Err(NOT_A_TIME);
    }
    let offset_minutes = match *offset {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = digits(&[h1, h2]).ok_or(NOT_A_TIME)?;
            let minutes = digits(&[m1, m2]).ok_or(NOT_A_TIME)?;
            if hours > 23 || minutes > 59 {
                return Err(NO_SUCH_DATE);
            }
            let offset = i64::from(hours * 60 + minutes);
            if sign == b'-' { -offset } else { offset }
        }
        _ => return Err(NOT_A_TIME),
    };

    let date = NaiveDate::from_ymd_opt(year as i32, month, day).ok_or(NO_SUCH_DATE)?;
    // A leap second has no nanosecond of its own: it is told as the second after it, the text kept.
    let is_leap_second =
        second == 60 && (i64::from(hour * 60 + minute) - offset_minutes).rem_euclid(24 * 60) == 24 * 60 - 1;
    if hour > 23 || minute > 59 || (second > 59 && !is_leap_second) {
        return Err(NO_SUCH_DATE);
    }
    const EPOCH_DAY: i64 = 719_163;
    let days = i64::from(date.num_days_from_ce()) - EPOCH_DAY;
    let seconds = days * 86_400
        + i64::from(hour) * 3600
        + (i64::from(minute) - offset_minutes) * 60
        + i64::from(second);
    let (nanos, rest) = nanoseconds(fraction);
    let total = i128::from(seconds) * NS_PER_SECOND + i128::from(nanos);
    let ts = i64::try_from(total).map(Timestamp).map_err(|_| OUT_OF_RANGE)?;
    Ok(ReadTime { ts, is_exact: !is_leap_second && rest.iter().all(|digit| *digit == b'0') })
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

/// The nanoseconds of a decimal fraction, and the digits beyond them.
fn nanoseconds(fraction: &[u8]) -> (u32, &[u8]) {
    let (head, rest) = fraction.split_at(fraction.len().min(9));
    let value = head.iter().fold(0, |sum, b| sum * 10 + u32::from(b - b'0'));
    (value * 10u32.pow(9 - head.len() as u32), rest)
}

/// Reads an epoch number written as JSON writes numbers.
pub(crate) fn parse_number(text: &str) -> Result<ReadTime, &'static str> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
        return Err(NOT_A_TIME);
    }
    let leading_zeros = digits().take_while(|digit| *digit == b'0').count();
    let significant = || digits().skip(leading_zeros);
    if significant().next().is_none() {
        return Ok(ReadTime { ts: Timestamp(0), is_exact: true });
    }
    // The value is 0.DDDD times ten to this.
    let magnitude = whole.len() as i64 - leading_zeros as i64 + i64::from(exponent);
    let shift = match magnitude {
        ..=11 => 9,
        12..=14 => 6,
        15..=17 => 3,
        18..=19 => 0,
        _ => return Err(OUT_OF_RANGE),
    };
    // Digits that are whole nanoseconds; at most 20, so an i128 holds them.
    let kept = (magnitude + shift).max(0) as usize;
    let mut total = (0..kept)
        .zip(significant().chain(std::iter::repeat(b'0')))
        .fold(0i128, |sum, (_, digit)| sum * 10 + i128::from(digit - b'0'));
    let is_exact = significant().skip(kept).all(|digit| digit == b'0');
    if is_negative {
        // Cut towards the past, as the fraction of a text is.
        total = -total - i128::from(!is_exact);
    }
    let ts = i64::try_from(total).map(Timestamp).map_err(|_| OUT_OF_RANGE)?;
    Ok(ReadTime { ts, is_exact })
}

fn parse_exponent(exponent: &str) -> Result<i32, &'static str> {
    exponent.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => OUT_OF_RANGE,
        _ => NOT_A_TIME,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, bool), &str>) {
        let found = parse_text(text).map(|time| (time.ts.to_string(), time.is_exact));
        let expected = expected.map(|(ts, is_exact)| (ts.to_owned(), is_exact));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn texts_of_any_precision_and_offset() {
        check("2012-06-21T13:30:00.017459617Z", Ok(("2012-06-21T13:30:00.017459617Z", true)));
        check("2012-06-21 13:30:00", Ok(("2012-06-21T13:30:00.000000000Z", true)));
        check("2012-06-21t13:30:00.5z", Ok(("2012-06-21T13:30:00.500000000Z", true)));
        check("2012-06-21T13:30:00-04:00", Ok(("2012-06-21T17:30:00.000000000Z", true)));
        check("2012-01-01T00:15:00+05:30", Ok(("2011-12-31T18:45:00.000000000Z", true)));
        check("1969-12-31T23:59:59.1", Ok(("1969-12-31T23:59:59.100000000Z", true)));
        check("2012-06-21T13:30:00.123456789000Z", Ok(("2012-06-21T13:30:00.123456789Z", true)));
        check("2012-06-21T13:30:00.123456789001Z", Ok(("2012-06-21T13:30:00.123456789Z", false)));
        check("2016-12-31T23:59:60Z", Ok(("2017-01-01T00:00:00.000000000Z", false)));
        check("2016-12-31T18:59:60.5-05:00", Ok(("2017-01-01T00:00:00.500000000Z", false)));
        check("2262-04-11T23:47:16.854775807Z", Ok(("2262-04-11T23:47:16.854775807Z", true)));
        check("1677-09-21T00:12:43.145224192Z", Ok(("1677-09-21T00:12:43.145224192Z", true)));
    }

    #[test]
    fn clocks_that_are_put_back_or_forward() {
        let read = |text: &str| {
            let clock = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
            of_clock(clock, Tz::Europe__Paris).map(|(ts, is_single)| (ts.to_string(), is_single))
        };
        assert_eq!(read("2022-11-14 06:55"), Ok(("2022-11-14T05:55:00.000000000Z".to_owned(), true)));
        assert_eq!(read("2022-10-30 02:30"), Ok(("2022-10-30T00:30:00.000000000Z".to_owned(), false)));
        assert!(read("2022-03-27 02:30").unwrap_err().contains("no clock in Europe/Paris"));
        assert_eq!(read("2300-01-01 00:00"), Err(OUT_OF_RANGE.to_owned()));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2012-06-21",
            "2012-06-21T13:30",
            "2012-06-21T13:30:00.",
            "2012-06-21T13:30:00+0400",
            "2012-06-21T13:30:00Zx",
            "2012-6-21T13:30:00Z",
            "+012-06-21T13:30:00Z",
            "2012-06-21T13:30:00 Z",
            "1.2.3",
            "1e",
            "é012-06-21T13:30:0",
            "2012-06-21T13:30:00.12é",
        ] {
            check(text, Err(NOT_A_TIME));
        }
        for text in [
            "2012-02-30T00:00:00Z",
            "2012-06-21T24:00:00Z",
            "2012-06-21T13:60:00Z",
            "2012-06-21T13:30:60Z",
            "2012-00-01T00:00:00Z",
            "2012-06-21T13:30:00+24:00",
        ] {
            check(text, Err(NO_SUCH_DATE));
        }
        for text in [
            "2262-04-11T23:47:16.854775808Z",
            "1677-09-21T00:12:43.145224191Z",
            "0001-01-01T00:00:00Z",
            "1e99",
            "99999999999",
            "9223372036854775808",
            "1e9999999999",
        ] {
            check(text, Err(OUT_OF_RANGE));
        }
    }

    #[test]
    fn numbers_tell_their_unit_by_their_size() {
        const AT: &str = "2012-06-21T13:30:00.000000000Z";
        for text in [
            "1340285400",
            "1340285400000",
            "1340285400000000",
            "1340285400000000000",
            "1340285400.0",
            "1.3402854e9",
            "1.3402854E+12",
            "13402854e11",
        ] {
            check(text, Ok((AT, true)));
        }
        check("1340285400.017459617", Ok(("2012-06-21T13:30:00.017459617Z", true)));
        check("1340285400.0174596171", Ok(("2012-06-21T13:30:00.017459617Z", false)));
        check("1340285400017.459617", Ok(("2012-06-21T13:30:00.017459617Z", true)));
        check("1340285400017459617.5", Ok(("2012-06-21T13:30:00.017459617Z", false)));
        check("0", Ok(("1970-01-01T00:00:00.000000000Z", true)));
        check("-0.0", Ok(("1970-01-01T00:00:00.000000000Z", true)));
        check("0.000000001", Ok(("1970-01-01T00:00:00.000000001Z", true)));
        check("1e-9", Ok(("1970-01-01T00:00:00.000000001Z", true)));
        check("1e-10", Ok(("1970-01-01T00:00:00.000000000Z", false)));
        check("1e-2000000000", Ok(("1970-01-01T00:00:00.000000000Z", false)));
        check("-1", Ok(("1969-12-31T23:59:59.000000000Z", true)));
        check("-0.0000000005", Ok(("1969-12-31T23:59:59.999999999Z", false)));
        check("9223372036854775807", Ok(("2262-04-11T23:47:16.854775807Z", true)));
        check("-9223372036854775808", Ok(("1677-09-21T00:12:43.145224192Z", true)));
    }
}
