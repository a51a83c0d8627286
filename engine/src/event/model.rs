//! An event as read back: owned and decoded.

use std::fmt;

use crate::event::{Category, Field, FieldKey, FieldRef, Level, Timestamp, Value, ValueRef};

/// Position of an event in the database: assigned by the writer, contiguous, never reused.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Seq(pub u64);

/// A recorder, unique over the life of the database.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct ProducerId(pub u32);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What names one event for good: who recorded it and the how-manieth of theirs it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EventId {
    /// The recorder.
    pub producer: ProducerId,
    /// Its own contiguous count, from 0.
    pub pseq: u64,
}

/// One recorded event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened.
    pub ts: Timestamp,
    /// Its place in the database.
    pub seq: Seq,
    /// Which recorder it came from.
    pub producer: ProducerId,
    /// The recorder's own count; a gap is a loss.
    pub pseq: u64,
    /// What kind.
    pub category: Category,
    /// How much it matters.
    pub level: Level,
    /// Everything else: as given while it is in the WAL; once sealed, well-known fields by code, then the others in
    /// the order in which their segment met them first.
    pub fields: Vec<(FieldKey, Value)>,
}

impl Event {
    /// The value of a field by name.
    pub fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.field(FieldRef::new(name))
    }

    /// The value of a field.
    pub fn field(&self, field: FieldRef<'_>) -> Option<ValueRef<'_>> {
        self.fields.iter().find(|(key, _)| key.borrow() == field).map(|(_, value)| value.borrow())
    }

    /// The text of a well-known field, empty if there is none.
    pub fn text(&self, field: Field) -> &str {
        match self.field(FieldRef::Known(field)) {
            Some(ValueRef::Str(text)) => text,
            _ => "",
        }
    }

    /// What names it for good.
    pub fn id(&self) -> EventId {
        EventId { producer: self.producer, pseq: self.pseq }
    }
}
