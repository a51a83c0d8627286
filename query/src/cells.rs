//! Rows as they pass between steps: sparse, by the slots of one query's names.

use crate::datum::Datum;
pub(crate) use crate::names::{Names, Slot};

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
