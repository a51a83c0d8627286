//! What earlier records said of an order, for those that only name it.

use std::collections::{HashMap, VecDeque};

use blotter::event::{Decimal, Timestamp};

/// Ended orders remembered: lines about an order follow its end closely.
const ENDED_MAX: usize = 10_000;

/// An order.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    pub(super) symbol: Option<String>,
    pub(super) side: Option<&'static str>,
    pub(super) order_type: Option<String>,
    pub(super) price: Option<Decimal>,
    pub(super) quantity: Option<Decimal>,
    pub(super) exchange_order_id: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// Sum of its fills, unless one of them was too large to add.
    pub(super) filled: Option<Decimal>,
}

/// Orders by their id: all that stand, and the last that ended.
#[derive(Default)]
pub(super) struct Orders {
    by_id: HashMap<String, Order>,
    ended: VecDeque<String>,
}

impl Orders {
    pub(super) fn get(&self, id: &str) -> Option<&Order> {
        self.by_id.get(id)
    }

    /// The order, new if nothing is known of it.
    pub(super) fn entry(&mut self, id: &str) -> &mut Order {
        if !self.by_id.contains_key(id) {
            self.by_id.insert(id.to_owned(), Order { filled: Some(Decimal::ZERO), ..Order::default() });
        }
        self.by_id.get_mut(id).expect("it was inserted where it was missing")
    }

    /// The order has ended: it may be forgotten once enough others have.
    pub(super) fn end(&mut self, id: &str) {
        self.ended.push_back(id.to_owned());
        if self.ended.len() > ENDED_MAX
            && let Some(oldest) = self.ended.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    /// The first order that a text names.
    pub(super) fn named_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))
            .find(|word| word.len() > 4 && self.by_id.contains_key(*word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_orders_are_kept_and_ended_ones_forgotten_in_turn() {
        let mut orders = Orders::default();
        orders.entry("stands");
        for number in 0..=ENDED_MAX {
            let id = format!("order-{number}");
            orders.entry(&id).price = Some(Decimal::ONE);
            orders.end(&id);
        }
        assert!(orders.get("stands").is_some() && orders.get("order-0").is_none());
        assert_eq!(orders.named_in("order-0 then 'order-1', stands"), Some("order-1"));
        assert_eq!(orders.by_id.len(), ENDED_MAX + 1);
    }
}
