//! Where tracked orders are kept: a slab, a table over their ids, and two lists through it, oldest first.
//!
//! Invariant: an order is in the table and in exactly one list; the live ones are in the list of the active. Slots of
//! orders that are gone are used again, so memory is that of the most orders there ever were.

use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::order::Order;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Slot {
    /// `None`: free.
    order: Option<Order>,
    older: u32,
    newer: u32,
}

/// A list through the slots.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    count: usize,
}

impl Default for List {
    fn default() -> List {
        List { oldest: NONE, newest: NONE, count: 0 }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Orders {
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    slots: Vec<Slot>,
    free: Vec<u32>,
    active: List,
    ended: List,
}

impl Orders {
    pub(super) fn find(&self, order_id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(order_id);
        self.table.find(hash, |slot| self.get(*slot).order_id() == order_id).copied()
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> &Order {
        self.slots[slot as usize].order.as_ref().expect("a slot that was found holds an order")
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Order {
        self.slots[slot as usize].order.as_mut().expect("a slot that was found holds an order")
    }

    /// Takes in a live order whose id is not known.
    pub(super) fn insert(&mut self, order: Order) -> u32 {
        let hash = self.hasher.hash_one(order.order_id());
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { order: None, older: NONE, newer: NONE });
            u32::try_from(self.slots.len() - 1).expect("orders that are tracked fit the memory")
        });
        self.slots[slot as usize].order = Some(order);
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash_of = |slot: &u32| {
            let order = slots[*slot as usize].order.as_ref().expect("what is in the table is in the slab");
            hasher.hash_one(order.order_id())
        };
        self.table.insert_unique(hash, slot, hash_of);
        push(&mut self.slots, &mut self.active, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Order {
        let is_ended = self.get(slot).is_ended;
        let list = if is_ended { &mut self.ended } else { &mut self.active };
        unlink(&mut self.slots, list, slot);
        let order = self.slots[slot as usize].order.take().expect("it was just looked at");
        let found = self.table.find_entry(self.hasher.hash_one(order.order_id()), |known| *known == slot);
        found.expect("what is in the slab is in the table").remove();
        self.free.push(slot);
        order
    }

    /// A live order has ended. Nothing happens to one that has before.
    pub(super) fn move_to_ended(&mut self, slot: u32) {
        if !std::mem::replace(&mut self.get_mut(slot).is_ended, true) {
            unlink(&mut self.slots, &mut self.active, slot);
            push(&mut self.slots, &mut self.ended, slot);
        }
    }

    /// The live ones, oldest first.
    pub(super) fn active(&self) -> impl Iterator<Item = &Order> {
        let mut next = self.active.oldest;
        std::iter::from_fn(move || {
            let slot = (next != NONE).then_some(next)?;
            next = self.slots[slot as usize].newer;
            Some(self.get(slot))
        })
    }

    pub(super) fn active_count(&self) -> usize {
        self.active.count
    }

    pub(super) fn ended_count(&self) -> usize {
        self.ended.count
    }

    pub(super) fn oldest_active(&self) -> Option<u32> {
        (self.active.oldest != NONE).then_some(self.active.oldest)
    }

    pub(super) fn oldest_ended(&self) -> Option<u32> {
        (self.ended.oldest != NONE).then_some(self.ended.oldest)
    }
}

fn push(slots: &mut [Slot], list: &mut List, slot: u32) {
    (slots[slot as usize].older, slots[slot as usize].newer) = (list.newest, NONE);
    match list.newest {
        NONE => list.oldest = slot,
        newest => slots[newest as usize].newer = slot,
    }
    list.newest = slot;
    list.count += 1;
}

fn unlink(slots: &mut [Slot], list: &mut List, slot: u32) {
    let (older, newer) = (slots[slot as usize].older, slots[slot as usize].newer);
    match older {
        NONE => list.oldest = newer,
        older => slots[older as usize].newer = newer,
    }
    match newer {
        NONE => list.newest = older,
        newer => slots[newer as usize].older = older,
    }
    list.count -= 1;
}
