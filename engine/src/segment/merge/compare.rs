//! Whether two lists of segments hold the same events, row by row.

use std::path::Path;
use std::sync::Arc;

use super::Pace;
use super::order::Merged;
use super::root::{ContentRoot, Hashing, put_event};
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::event::{Event, ValueRef};
use crate::segment::pages::HINT;
use crate::segment::reader::{Projection, Segment};

/// Every so many rows, one is read the other way as well, cell by cell: sources and outputs are read by the same code,
/// whose mistakes would cancel out.
const CHECKED_ROWS: u32 = 1021;

/// Compares, row by row, what two lists of segments hold: `ts`, `seq`, producer, `pseq`, level, category and every
/// field with its name, type and value. Decimals are compared with their scale and floats by their bits. Gives the
/// content root of both.
///
/// # Errors
/// [`Error::Damaged`] with the path of an output, the seq of the first row that differs, and how it does; or where a
/// segment is damaged; what `pace` gives.
pub fn compare(sources: &[Arc<Segment>], outputs: &[Arc<Segment>], pace: &dyn Pace) -> Result<ContentRoot> {
    let mut hashing = Hashing::default();
    let mut given = Merged::new(sources, pace);
    let mut found = Merged::new(outputs, pace);
    let mut canonical = Vec::new();
    let mut last_output = outputs.first().or(sources.first()).map(|segment| segment.path());
    loop {
        let (given, found) = (given.next()?, found.next()?);
        let (given, found) = match (given, found) {
            (Some(given), Some(found)) => (given, found),
            (None, None) => return Ok(hashing.finish()),
            (Some(given), None) => {
                let path = last_output.unwrap_or(given.segment().path());
                let expected = format!("an event with seq {} after all others", given.head().seq);
                return Err(Error::damaged(path, 0, expected, "none", HINT));
            }
            (None, Some(found)) => {
                let more = format!("one more, seq {}", found.head().seq);
                return Err(Error::damaged(
                    found.segment().path(),
                    0,
                    "no event after all others",
                    more,
                    HINT,
                ));
            }
        };
        let buffer = hashing.buffer();
        let start = buffer.len();
        given.write_canonical(buffer);
        canonical.clear();
        found.write_canonical(&mut canonical);
        if buffer[start..] != canonical[..] {
            return Err(difference(given, found)?);
        }
        for rows in [given, found] {
            if rows.number().is_multiple_of(CHECKED_ROWS) {
                check_row(rows, &buffer[start..], &mut canonical)?;
            }
        }
        last_output = Some(found.segment().path());
    }
}

/// The row at hand as its segment gives single rows.
fn event(rows: &Rows<'_>) -> Result<Event> {
    rows.segment().event(rows.number(), &Projection::All)
}

fn check_row(rows: &Rows<'_>, expected: &[u8], scratch: &mut Vec<u8>) -> Result<()> {
    scratch.clear();
    put_event(&event(rows)?, scratch);
    if expected == &scratch[..] {
        return Ok(());
    }
    let expected =
        format!("seq {} to be the same read as a row and read as part of its block", rows.head().seq);
    Err(Error::damaged(rows.segment().path(), 0, expected, "two different events", HINT))
}

/// What differs between the rows at hand.
#[cold]
fn difference(given: &Rows<'_>, found: &Rows<'_>) -> Result<Error> {
    let path: &Path = found.segment().path();
    let (given, found) = (event(given)?, event(found)?);
    let (at, other) = (given.seq, found.seq);
    if given.seq != found.seq {
        let expected = format!("the event with seq {at} at {}", given.ts);
        let found = format!("that with seq {other} at {}", found.ts);
        return Ok(Error::damaged(path, 0, expected, found, HINT));
    }
    let (expected, found) = first_difference(&given, &found);
    Ok(Error::damaged(path, 0, format!("seq {at} with {expected}"), found, HINT))
}

/// The first thing in which two events differ: what the one has, and the other.
fn first_difference(given: &Event, found: &Event) -> (String, String) {
    let heads = |event: &Event| {
        [
            format!("ts {}", event.ts),
            format!("producer {}", event.producer),
            format!("pseq {}", event.pseq),
            format!("category {}", event.category),
            format!("level {}", event.level),
        ]
    };
    if let Some(pair) = heads(given).into_iter().zip(heads(found)).find(|(given, found)| given != found) {
        return pair;
    }
    let shown = |name: &str, value: Option<ValueRef<'_>>| match value {
        Some(value) => format!("{name} {:?} {value}", value.value_type()),
        None => format!("no {name}"),
    };
    let names = given.fields.iter().chain(&found.fields).map(|(key, _)| key.name());
    for name in names {
        let pair = (shown(name, given.get(name)), shown(name, found.get(name)));
        if pair.0 != pair.1 {
            return pair;
        }
    }
    ("certain bytes".to_owned(), "others".to_owned())
}
