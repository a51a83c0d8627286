//! Columns of a right row, put into a left one.
//!
//! A column goes under its own name where the left row has no value there. It goes under the name with a prefix where a
//! later step uses that name, and, for `join`, where its own name is taken.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::cells::{Cells, Names, Slot};

/// See the module.
pub(super) struct RightColumns {
    /// Columns that a later step names with the prefix, and the slots of those names.
    renamed: Vec<(Slot, Slot)>,
    /// What to do with a column whose name is taken, and that no later step names.
    taken: Taken,
}

/// See [`RightColumns`].
enum Taken {
    /// The left row's value is all there is.
    Dropped,
    /// It goes under the name with the prefix, unless it is a key, which both rows have.
    Prefixed { names: Arc<Names>, keys: Vec<Slot>, slots: HashMap<Slot, Slot, RandomState> },
}

impl RightColumns {
    /// Those of `asof`.
    pub(super) fn of_asof(renamed: &[(Slot, Slot)]) -> RightColumns {
        RightColumns { renamed: renamed.to_vec(), taken: Taken::Dropped }
    }

    /// Those of `join`, which goes by these pairs of left and right columns.
    pub(super) fn of_join(renamed: &[(Slot, Slot)], on: &[(Slot, Slot)], names: &Arc<Names>) -> RightColumns {
        let keys = on.iter().filter(|(left, right)| left == right).map(|(left, _)| *left).collect();
        let taken = Taken::Prefixed { names: Arc::clone(names), keys, slots: HashMap::default() };
        RightColumns { renamed: renamed.to_vec(), taken }
    }

    /// Puts a right row's columns into a left row.
    pub(super) fn put(&mut self, left: &mut Cells, right: &Cells) {
        for (slot, datum) in right.iter() {
            let is_taken = !left.get(slot).is_null();
            if !is_taken {
                left.set(slot, datum.clone());
            }
            let mut is_named = false;
            for (_, prefixed) in self.renamed.iter().filter(|(own, _)| *own == slot) {
                left.set(*prefixed, datum.clone());
                is_named = true;
            }
            if is_taken
                && !is_named
                && let Taken::Prefixed { names, keys, slots } = &mut self.taken
                && !keys.contains(&slot)
            {
                let prefixed =
                    slots.entry(slot).or_insert_with(|| names.slot(&format!("right.{}", names.name(slot))));
                left.set(*prefixed, datum.clone());
            }
        }
    }
}
