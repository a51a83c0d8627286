//! What a log put before a message: usually the time it wrote it, in one of many ways.

use blotter::event::Timestamp;
use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;

use crate::import::time;

/// Times as logs write them; a fraction of the second may follow each.
const CLOCKS: [&str; 5] =
    ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d-%H:%M:%S", "%Y%m%d %H:%M:%S"];

/// What stands before a message.
#[derive(Debug, PartialEq)]
pub(super) struct Prefix<'a> {
    pub(super) ts: Option<Timestamp>,
    /// The clock showed this time twice.
    pub(super) is_ambiguous: bool,
    /// What is not the time.
    pub(super) rest: &'a str,
}

impl Prefix<'_> {
    /// Reads the text before a message, its time that of a clock in `zone` unless it says another.
    pub(super) fn read(text: &str, zone: Tz) -> Result<Prefix<'_>, String> {
        let text = text.trim();
        let inner = text.trim_start_matches(['[', '(', '<']);
        let Some((clock, rest)) = clock(inner) else {
            return Ok(Prefix { ts: None, is_ambiguous: false, rest: text });
        };
        let (ts, is_single, rest) = match offset_seconds(rest) {
            Some((offset, rest)) => {
                let utc = clock - chrono::TimeDelta::seconds(offset);
                let (ts, _) = time::of_clock(utc, Tz::UTC)?;
                (ts, true, rest)
            }
            None => {
                let (ts, is_single) = time::of_clock(clock, zone)?;
                (ts, is_single, rest)
            }
        };
        let rest = rest.trim_start_matches([']', ')', '>', ':', ' ', '\t']);
        Ok(Prefix { ts: Some(ts), is_ambiguous: !is_single, rest })
    }
}

/// The time that a text begins with, and what follows.
fn clock(text: &str) -> Option<(NaiveDateTime, &str)> {
    let (whole, rest) =
        CLOCKS.iter().find_map(|format| NaiveDateTime::parse_and_remainder(text, format).ok())?;
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return Some((whole, rest)) };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Some((whole, rest));
    }
    let nanoseconds: i64 = format!("{:0<9.9}", &fraction[..digits]).parse().ok()?;
    Some((whole + chrono::TimeDelta::nanoseconds(nanoseconds), &fraction[digits..]))
}

/// `Z` or `+02:00`: the seconds ahead of UTC, and what follows.
fn offset_seconds(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    let offset = text.get(..6).filter(|offset| offset.starts_with(['+', '-']))?;
    let moment =
        DateTime::parse_from_str(&format!("2000-01-01 00:00 {offset}"), "%Y-%m-%d %H:%M %:z").ok()?;
    Some((i64::from(moment.offset().local_minus_utc()), &text[6..]))
}

/// A time as messages write it, `20180223-19:14:25.171`, in UTC.
pub(super) fn fix_time(text: &str) -> Option<Timestamp> {
    let (clock, rest) = clock(text).filter(|(_, rest)| matches!(*rest, "" | "Z"))?;
    debug_assert!(rest.len() <= 1);
    time::of_clock(clock, Tz::UTC).ok().map(|(ts, _)| ts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ts: Option<&str>, rest: &str) {
        let found = Prefix::read(text, Tz::America__New_York).unwrap();
        assert_eq!((found.ts.map(|ts| ts.to_string()).as_deref(), found.rest), (ts, rest), "{text}");
    }

    #[test]
    fn times_as_logs_write_them() {
        let at = Some("2018-02-24T00:14:25.174454000Z");
        check("2018/02/23 19:14:25.174454 ", at, "");
        check("2018-02-23T19:14:25.174454", at, "");
        check("[2018-02-23 19:14:25,174454] INFO <- ", at, "INFO <-");
        check("20180223-19:14:25.174454 : ", at, "");
        check("2018-02-24T00:14:25.174454Z sent", at, "sent");
        check("2018-02-24T02:14:25.174454+02:00 sent", at, "sent");
        check("2018/02/23 19:14:25 ", Some("2018-02-24T00:14:25.000000000Z"), "");
        check("", None, "");
        check("  engine 7: ", None, "engine 7:");
        check("2018/13/23 19:14:25 ", None, "2018/13/23 19:14:25");
        assert!(Prefix::read("2018-03-11 02:30:00 ", Tz::America__New_York).is_err());
        assert!(Prefix::read("2018-11-04 01:30:00 ", Tz::America__New_York).unwrap().is_ambiguous);
    }

    #[test]
    fn times_in_messages() {
        let read = |text| fix_time(text).map(|ts| ts.to_string());
        assert_eq!(read("20180223-19:14:25.171").as_deref(), Some("2018-02-23T19:14:25.171000000Z"));
        assert_eq!(read("20180223-19:14:25").as_deref(), Some("2018-02-23T19:14:25.000000000Z"));
        assert_eq!(read("20180223-19:14:25.123456789").as_deref(), Some("2018-02-23T19:14:25.123456789Z"));
        assert_eq!(read("20180223"), None);
        assert_eq!(read("20180223-19:14:25x"), None);
    }
}
