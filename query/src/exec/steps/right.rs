//! Columns of a right row, put into a left one.
//!
//! A column goes under its own name where the left row has no value there. Under `asof.NAME` or `right.NAME` it goes
//! where a later step names that column, and, for `join`, where its own name is taken.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::cells::{Cells, Names, Slot};

/// See the module.
pub(super) struct RightColumns {
    names: Arc<Names>,
    prefix: &'static str,
    /// Columns that the left row has as well, by definition: the keys.
    shared: Vec<Slot>,
    /// Names that the query itself uses; what rows bring later is above.
    names_of_query: usize,
    /// Whether a column whose name is taken goes under the other name although the query does not use it.
    keeps_all: bool,
    prefixed: HashMap<Slot, Prefixed, RandomState>,
}

/// The other name of a column.
#[derive(Clone, Copy)]
struct Prefixed {
    slot: Option<Slot>,
    is_named: bool,
}

impl RightColumns {
    /// Call it before any row is read.
    pub(super) fn new(names: &Arc<Names>, prefix: &'static str, shared: Vec<Slot>, keeps_all: bool) -> Self {
        RightColumns {
            names: Arc::clone(names),
            prefix,
            shared,
            names_of_query: names.len(),
            keeps_all,
            prefixed: HashMap::default(),
        }
    }

    /// Puts a right row's columns into a left row.
    pub(super) fn put(&mut self, left: &mut Cells, right: &Cells) {
        for (slot, datum) in right.iter() {
            let prefixed = self.prefixed(slot);
            let is_taken = !left.get(slot).is_null();
            if !is_taken {
                left.set(slot, datum.clone());
            }
            let Some(other) = prefixed.slot else { continue };
            if prefixed.is_named || (is_taken && !self.shared.contains(&slot)) {
                left.set(other, datum.clone());
            }
        }
    }

    fn prefixed(&mut self, slot: Slot) -> Prefixed {
        if let Some(known) = self.prefixed.get(&slot) {
            return *known;
        }
        let name = format!("{}.{}", self.prefix, self.names.name(slot));
        let named = self.names.known(&name).filter(|slot| (slot.0 as usize) < self.names_of_query);
        let slot_of_name = named.or_else(|| self.keeps_all.then(|| self.names.slot(&name)));
        let prefixed = Prefixed { slot: slot_of_name, is_named: named.is_some() };
        self.prefixed.insert(slot, prefixed);
        prefixed
    }
}
