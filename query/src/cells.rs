//! Rows as they pass between steps: sparse, by the slots of one query's names.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use crate::datum::Datum;

/// Where a column's value is in the rows of one query. A name has one slot for the whole query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

impl Slot {
    /// Its number; slots of a query count from 0.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

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
    pub(crate) const MESSAGE: Slot = Slot(6);
}

const FIXED: [&str; 7] = ["ts", "seq", "producer", "pseq", "category", "level", "message"];

/// The names of one query, each with its slot. Grows while rows with fields nobody named are read.
#[derive(Debug)]
pub(crate) struct Names(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    names: Vec<Arc<str>>,
    slots: HashMap<Arc<str>, Slot>,
}

impl Default for Names {
    fn default() -> Names {
        let names = Names(RwLock::default());
        for (index, name) in FIXED.iter().enumerate() {
            assert_eq!(names.slot(name), Slot(index as u32), "fixed names have the first slots");
        }
        names
    }
}

impl Names {
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The slot of a name, new if it has none.
    pub(crate) fn slot(&self, name: &str) -> Slot {
        if let Some(slot) = self.read().slots.get(name) {
            return *slot;
        }
        let mut table = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(slot) = table.slots.get(name) {
            return *slot;
        }
        let slot = Slot(table.names.len() as u32);
        let name: Arc<str> = name.into();
        table.names.push(Arc::clone(&name));
        table.slots.insert(name, slot);
        slot
    }

    /// The slot of a name, if it has one.
    pub(crate) fn known(&self, name: &str) -> Option<Slot> {
        self.read().slots.get(name).copied()
    }

    /// The name of a slot.
    pub(crate) fn name(&self, slot: Slot) -> Arc<str> {
        Arc::clone(&self.read().names[slot.0 as usize])
    }
}

/// A row: its values in the order in which they are shown. What it lacks is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells(Vec<(Slot, Datum)>);

static NULL: Datum = Datum::Null;

impl Cells {
    /// An empty row with room for that many values.
    pub(crate) fn with_capacity(cells: usize) -> Cells {
        Cells(Vec::with_capacity(cells))
    }

    /// The value of a column.
    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> &Datum {
        self.0.iter().find(|(known, _)| *known == slot).map_or(&NULL, |(_, datum)| datum)
    }

    /// Adds a value of a column that the row does not have yet.
    #[inline]
    pub(crate) fn push(&mut self, slot: Slot, datum: Datum) {
        debug_assert!(self.0.iter().all(|(known, _)| *known != slot));
        self.0.push((slot, datum));
    }

    /// Sets the value of a column; null removes it.
    pub(crate) fn set(&mut self, slot: Slot, datum: Datum) {
        match self.0.iter().position(|(known, _)| *known == slot) {
            Some(at) if datum.is_null() => drop(self.0.remove(at)),
            Some(at) => self.0[at].1 = datum,
            None if datum.is_null() => {}
            None => self.0.push((slot, datum)),
        }
    }

    /// Its values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Datum)> {
        self.0.iter().map(|(slot, datum)| (*slot, datum))
    }

    /// Its values, given away.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Slot, Datum)> {
        self.0.into_iter()
    }

    /// Bytes it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        let texts: usize = self
            .iter()
            .map(|(_, datum)| match datum {
                Datum::Str(text) if text.is_heap_allocated() => text.len() + 16,
                _ => 0,
            })
            .sum();
        size_of::<Cells>() + self.0.capacity() * size_of::<(Slot, Datum)>() + texts
    }
}
