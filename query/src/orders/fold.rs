//! The fold: events in the order of (`ts`, `seq`), each added to the order it belongs to.

use std::borrow::Cow;
use std::hash::BuildHasher;

use blotter_engine::event::{Category, Level, names};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use smol_str::SmolStr;

use super::facts::{Fact, Facts};
use super::folded::{Folded, Words};
use crate::datum::DatumRef;
use crate::plan::one_of::printed;

/// Orders by their ids.
#[derive(Default)]
pub(crate) struct Orders {
    orders: Vec<Folded>,
    /// Places in the list, by the hash of the id.
    places: HashTable<u32>,
    words: Words,
    /// What the orders keep beside their fixed part, in bytes.
    heap_bytes: usize,
}

/// What an event is to the order whose id it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belonging {
    /// A step of its life, or a change of it.
    Step,
    /// An error on its way.
    Error,
    /// Related only.
    Related,
}

impl Belonging {
    /// What a watch found and recorded is about what went wrong, and is not counted beside it.
    pub(crate) fn of(category: Option<Category>, level: Option<Level>, event: &str) -> Belonging {
        match category {
            Some(Category::ORDER | Category::FILL) => Belonging::Step,
            Some(Category::SYSTEM) if event == names::ALERT => Belonging::Related,
            Some(Category::ERROR) => Belonging::Error,
            _ if level.is_some_and(|level| level >= Level::Error) => Belonging::Error,
            _ => Belonging::Related,
        }
    }
}

impl Orders {
    /// Adds an event. Those without an order, and those that are only related to one, leave everything as it was.
    pub(crate) fn push(&mut self, event: &impl Facts) {
        let name = event.fact(Fact::Event);
        let name = if let DatumRef::Str(name) = name { name } else { "" };
        let belonging = Belonging::of(event.category(), event.level(), name);
        let Some(place) = event.place() else { return };
        if belonging == Belonging::Related {
            return;
        }
        let Some(id) = text(event.fact(Fact::OrderId)) else { return };
        let at = self.place_of(&id);
        let order = &mut self.orders[at];
        self.heap_bytes += match belonging {
            Belonging::Step => order.step(event, place, &mut self.words),
            _ => order.error(place.1),
        };
    }

    fn place_of(&mut self, id: &str) -> usize {
        let hash = |id: &str| FixedState::default().hash_one(id);
        let orders = &self.orders;
        let known = self.places.find(hash(id), |at| orders[*at as usize].order_id == id);
        if let Some(at) = known {
            return *at as usize;
        }
        let at = u32::try_from(self.orders.len()).expect("the memory allowed holds fewer orders");
        self.orders.push(Folded::new(SmolStr::new(id)));
        self.heap_bytes += text_bytes(id);
        let orders = &self.orders;
        self.places.insert_unique(hash(id), at, |at| hash(&orders[*at as usize].order_id));
        at as usize
    }

    /// An order, as far as it is known.
    pub(crate) fn get(&self, id: &str) -> Option<&Folded> {
        self.orders.iter().find(|order| order.order_id == id)
    }

    /// Bytes it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.orders.capacity() * size_of::<Folded>()
            + self.places.capacity() * (size_of::<u32>() + 1)
            + self.words.bytes()
            + self.heap_bytes
    }

    /// Orders of which there is an order event, in the order of their first ones, and the words they use.
    pub(crate) fn into_orders(self) -> (Vec<Folded>, Words) {
        let mut orders = self.orders;
        orders.retain(|order| order.events > 0);
        orders.sort_unstable_by_key(Folded::first);
        (orders, self.words)
    }
}

/// A value as a text; identifiers are the same if they print the same.
pub(super) fn text(value: DatumRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        DatumRef::Null => None,
        DatumRef::Str(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(printed(other).into())),
    }
}

/// What a short text takes beside its own size.
pub(super) fn text_bytes(text: &str) -> usize {
    // Up to 23 bytes stand in the text itself.
    if text.len() > 23 { text.len() + 16 } else { 0 }
}
