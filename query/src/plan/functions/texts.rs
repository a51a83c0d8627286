//! Functions of text.

use blotter_engine::event::parse_decimal;
use regex::Regex;
use smol_str::{SmolStr, SmolStrBuilder, StrExt, ToSmolStr};

use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::limits::COMPUTED_TEXT_BYTES_MAX;

/// The characters from a place on, counted from 1.
pub(super) fn substring(text: &str, start: i64, length: Option<i64>) -> SmolStr {
    let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let taken = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    let place = |nth: usize, text: &str| text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at);
    let rest = &text[place(skipped, text)..];
    rest[..place(taken, rest)].into()
}

/// The n-th part, counted from 1.
pub(super) fn split(text: &str, separator: &str, nth: i64) -> Option<SmolStr> {
    let nth = usize::try_from(nth.checked_sub(1)?).ok()?;
    if separator.is_empty() {
        return (nth == 0).then(|| text.into());
    }
    text.split(separator).nth(nth).map(SmolStr::new)
}

pub(super) fn replace(text: &str, from: &str, to: &str) -> Result<SmolStr> {
    if from.is_empty() {
        return Ok(text.into());
    }
    let added = to.len().saturating_sub(from.len()).saturating_mul(text.matches(from).count());
    check_length("replace", text.len().saturating_add(added))?;
    Ok(text.replace_smolstr(from, to))
}

/// Whether a text that a function is about to make is not too long.
fn check_length(function: &str, bytes: usize) -> Result<()> {
    if bytes <= COMPUTED_TEXT_BYTES_MAX {
        return Ok(());
    }
    let message = format!("'{function}' makes a text of more than {} MiB", COMPUTED_TEXT_BYTES_MAX >> 20);
    Err(QueryError::new(ErrorKind::Limit, message))
}

pub(super) fn extract(text: &str, pattern: &Regex, group: usize) -> Option<SmolStr> {
    if group == 0 {
        return pattern.find(text).map(|found| found.as_str().into());
    }
    pattern.captures(text)?.get(group).map(|found| found.as_str().into())
}

/// The number that a text says.
pub(super) fn to_number(x: &Datum) -> Datum {
    match x {
        Datum::Int(_) | Datum::Float(_) | Datum::Decimal(_) => x.clone(),
        Datum::Str(text) => parse_decimal("", text.trim()).map_or(Datum::Null, Datum::Decimal),
        _ => Datum::Null,
    }
}

/// The printed value, times in a zone.
pub(super) fn to_text(x: &Datum, zone: chrono_tz::Tz) -> SmolStr {
    match x.borrow() {
        DatumRef::Str(text) => text.into(),
        other => other.display(zone).to_smolstr(),
    }
}

pub(super) fn concat(parts: &[Datum], zone: chrono_tz::Tz) -> Result<SmolStr> {
    let bytes = parts.iter().map(|part| part.as_str().map_or(0, str::len));
    check_length("concat", bytes.fold(0, usize::saturating_add))?;
    let mut text = SmolStrBuilder::new();
    parts.iter().for_each(|part| text.push_str(&to_text(part, zone)));
    Ok(text.finish())
}
