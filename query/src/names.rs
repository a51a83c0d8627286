//! The names of one query's columns, and their slots.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock, RwLockReadGuard};

use blotter_engine::event::{Field, FieldKey};

/// Where a column's value is in the rows of one query. A name has one slot for the whole query; what every event has,
/// and well-known fields, have the same slots in all queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

const RESERVED: u32 = Field::RESERVED.len() as u32;

impl Slot {
    /// Event time.
    pub(crate) const TS: Slot = Slot(0);
    /// Position in the database.
    pub(crate) const SEQ: Slot = Slot(1);
    /// The recorder.
    pub(crate) const PRODUCER: Slot = Slot(2);
    /// The recorder's own count.
    pub(crate) const PSEQ: Slot = Slot(3);
    /// Category.
    pub(crate) const CATEGORY: Slot = Slot(4);
    /// Level.
    pub(crate) const LEVEL: Slot = Slot(5);
    /// The sentence for people, in which bare words are looked for.
    pub(crate) const MESSAGE: Slot = Slot(RESERVED + 1);

    /// Its number; slots of a query count from 0.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// That of a well-known field.
    #[inline]
    pub(crate) fn of_field(field: Field) -> Slot {
        Slot(RESERVED + u32::from(field.code()))
    }

    /// The slot that a name has in every query, if it has one.
    fn of_every_query(name: &str) -> Option<Slot> {
        if let Some(field) = Field::from_name(name) {
            return Some(Slot::of_field(field));
        }
        let place = Field::RESERVED.iter().position(|reserved| *reserved == name)?;
        Some(Slot(place as u32))
    }
}

/// The names that have the same slots in every query, by slot.
static OF_EVERY_QUERY: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
    let fields = Field::ALL.iter().map(|field| field.name());
    Field::RESERVED.into_iter().chain(fields).map(Arc::from).collect()
});

/// The names of one query, each with its slot. Grows while rows with fields nobody named are read.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Table>);

/// Names besides those of every query.
#[derive(Debug, Default)]
struct Table {
    names: Vec<Arc<str>>,
    slots: HashMap<Arc<str>, Slot>,
}

impl Names {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The slot of a name, new if it has none.
    pub(crate) fn slot(&self, name: &str) -> Slot {
        if let Some(slot) = self.known(name) {
            return slot;
        }
        let mut table = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(slot) = table.slots.get(name) {
            return *slot;
        }
        let slot = Slot((OF_EVERY_QUERY.len() + table.names.len()) as u32);
        let name: Arc<str> = name.into();
        table.names.push(Arc::clone(&name));
        table.slots.insert(name, slot);
        slot
    }

    /// The slot of a field.
    #[inline]
    pub(crate) fn slot_of(&self, key: &FieldKey) -> Slot {
        match key {
            FieldKey::Known(field) => Slot::of_field(*field),
            FieldKey::Named(name) => self.slot(name),
        }
    }

    /// The slot of a name, if it has one.
    pub(crate) fn known(&self, name: &str) -> Option<Slot> {
        Slot::of_every_query(name).or_else(|| self.read().slots.get(name).copied())
    }

    /// The name of a slot.
    pub(crate) fn name(&self, slot: Slot) -> Arc<str> {
        match OF_EVERY_QUERY.get(slot.index()) {
            Some(name) => Arc::clone(name),
            None => Arc::clone(&self.read().names[slot.index() - OF_EVERY_QUERY.len()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_slot_and_a_slot_its_name() {
        let names = Names::default();
        let fixed =
            [("ts", Slot::TS), ("seq", Slot::SEQ), ("producer", Slot::PRODUCER), ("pseq", Slot::PSEQ)];
        let fixed = fixed.into_iter().chain([
            ("category", Slot::CATEGORY),
            ("level", Slot::LEVEL),
            ("message", Slot::MESSAGE),
            ("symbol", Slot::of_field(Field::SYMBOL)),
        ]);
        for (name, slot) in fixed {
            assert_eq!((names.slot(name), &*names.name(slot)), (slot, name));
        }
        assert_eq!(names.known("venue"), None);
        let (venue, desk) = (names.slot("venue"), names.slot("desk"));
        assert_ne!(venue, desk);
        assert_eq!((names.slot("venue"), names.known("venue")), (venue, Some(venue)));
        assert_eq!((&*names.name(venue), &*names.name(desk)), ("venue", "desk"));
        assert_eq!(names.slot_of(&FieldKey::new("venue")), venue);
        assert_eq!(names.slot_of(&FieldKey::new("price")), names.slot("price"));
    }
}
