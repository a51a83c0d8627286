//! From the files of others to events: what a line means, and how lines are read, counted and reported.
//!
//! ```text
//! input       file, pipe, .zst, .gz ─▶ lines, as they come
//! intake      what became of each line: every one of them is counted
//! jsonl       a line of JSON          ─▶ ParsedEvent     (json: the text, time: the moment)
//! lobster     a LOBSTER message       ─▶ ParsedEvent
//! hummingbot  records of a log, tracebacks included
//! fix         FIX messages
//! mapping     CSV and other lines, as a file of the user says
//! draft       an event under construction
//! bad         what was refused, where and why
//! ```

pub(crate) mod bad;
pub(crate) mod draft;
pub(crate) mod fix;
pub(crate) mod hummingbot;
pub(crate) mod input;
pub(crate) mod intake;
pub(crate) mod json;
pub(crate) mod jsonl;
pub(crate) mod lobster;
pub(crate) mod mapping;
pub(crate) mod sink;
pub(crate) mod time;

use std::borrow::Cow;

use blotter::event::{Category, Decimal, Level, Timestamp, ValueRef};

/// Cuts a text in two, the first part as long as it can be of so many bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> (&str, &str) {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.split_at(end)
}

/// One event read from a line, which it borrows from. Names are distinct and none is reserved; limits
/// of the engine are checked when it is recorded.
#[derive(Debug)]
pub(crate) struct ParsedEvent<'a> {
    pub(crate) ts: Timestamp,
    pub(crate) category: Category,
    pub(crate) level: Level,
    pub(crate) fields: Vec<(Cow<'a, str>, FieldValue<'a>)>,
}

/// The value of a field, not yet recorded.
#[derive(Clone, Debug)]
pub(crate) enum FieldValue<'a> {
    Bool(bool),
    I64(i64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
}

impl FieldValue<'_> {
    /// The value as the engine takes it.
    pub(crate) fn borrow(&self) -> ValueRef<'_> {
        match self {
            FieldValue::Bool(value) => ValueRef::Bool(*value),
            FieldValue::I64(value) => ValueRef::I64(*value),
            FieldValue::Decimal(value) => ValueRef::Decimal(*value),
            FieldValue::Text(text) => ValueRef::Str(text),
        }
    }
}

/// Equal to the last digit: `1.5` is not `1.50`, nor `-0` `0`, because they do not read the same.
impl PartialEq for FieldValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (FieldValue::Bool(a), FieldValue::Bool(b)) => a == b,
            (FieldValue::I64(a), FieldValue::I64(b)) => a == b,
            (FieldValue::Decimal(a), FieldValue::Decimal(b)) => a.serialize() == b.serialize(),
            (FieldValue::Text(a), FieldValue::Text(b)) => a == b,
            _ => false,
        }
    }
}
