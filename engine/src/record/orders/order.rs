//! One order: what is known of it, and what a step makes of that.

use std::time::Duration;

use rust_decimal::Decimal;

use super::identity::Identity;
use super::measure;
use crate::event::{Field, OrderStatus, Side, Timestamp};

/// What a tracker knows of an order.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) identity: Identity,
    pub(super) status: OrderStatus,
    pub(super) side: Option<Side>,
    /// Its life was recorded, and it is among the ended.
    pub(super) is_ended: bool,
    pub(super) quantity: Option<Decimal>,
    pub(super) price: Option<Decimal>,
    pub(super) decision_price: Option<Decimal>,
    pub(super) created: Timestamp,
    pub(super) submit_latency_us: Option<i64>,
    pub(super) ack_latency_us: Option<i64>,
    pub(super) filled_quantity: Decimal,
    /// Sum of price times quantity; `None` once it no longer fits.
    pub(super) notional: Option<Decimal>,
    pub(super) commission: Decimal,
    pub(super) fills: u32,
    pub(super) events: u32,
    pub(super) events_not_recorded: u32,
    pub(super) illegal_transitions: u32,
}

impl Order {
    pub(super) fn new(identity: Identity, side: Option<Side>, created: Timestamp) -> Order {
        Order {
            identity,
            status: OrderStatus::Created,
            side,
            is_ended: false,
            quantity: None,
            price: None,
            decision_price: None,
            created,
            submit_latency_us: None,
            ack_latency_us: None,
            filled_quantity: Decimal::ZERO,
            notional: Some(Decimal::ZERO),
            commission: Decimal::ZERO,
            fills: 0,
            events: 0,
            events_not_recorded: 0,
            illegal_transitions: 0,
        }
    }

    #[inline]
    pub(super) fn order_id(&self) -> &str {
        self.identity.order_id()
    }

    /// The status after a step to `next`. A legal step is taken. One that is not is marked on its event and taken only
    /// where the venue has the last word: a standing order ends however it is told to, and what was filled in full
    /// was filled, whatever its end was thought to be. Nothing else brings an ended order back.
    pub(super) fn after(&self, next: OrderStatus) -> OrderStatus {
        let has_ended = self.status.is_final();
        let is_taken = self.status.can_become(next)
            || (!has_ended && next.is_final())
            || (has_ended && next == OrderStatus::Filled);
        if is_taken { next } else { self.status }
    }

    /// The filled quantity after one more execution; the largest decimal, if it does not fit one.
    pub(super) fn filled_with(&self, quantity: Decimal) -> Decimal {
        self.filled_quantity.saturating_add(quantity)
    }

    /// The sum of price times quantity after one more execution.
    pub(super) fn notional_with(&self, price: Decimal, quantity: Decimal) -> Option<Decimal> {
        self.notional?.checked_add(price.checked_mul(quantity)?)
    }

    /// The average price of what is filled.
    pub(super) fn average_price(&self) -> Option<Decimal> {
        measure::average_price(self.notional?, self.filled_quantity)
    }

    /// What slippage is measured against.
    pub(super) fn reference_price(&self) -> Option<Decimal> {
        self.decision_price.or(self.price)
    }

    /// The slippage of an execution at that price.
    pub(super) fn slippage_bps(&self, price: Decimal) -> Option<Decimal> {
        measure::slippage_bps(self.side?, self.reference_price()?, price)
    }

    /// What is not filled yet, if the quantity is known.
    pub(super) fn remaining_after(&self, filled: Decimal) -> Option<Decimal> {
        Some(self.quantity?.checked_sub(filled)?.max(Decimal::ZERO))
    }

    pub(super) fn to_active(&self) -> ActiveOrder<'_> {
        ActiveOrder {
            order_id: self.order_id(),
            symbol: self.identity.text(Field::SYMBOL),
            strategy: self.identity.text(Field::STRATEGY),
            side: self.side,
            status: self.status,
            created: self.created,
            quantity: self.quantity,
            price: self.price,
            filled_quantity: self.filled_quantity,
        }
    }
}

/// An order that lives.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ActiveOrder<'a> {
    /// Its id.
    pub order_id: &'a str,
    /// The instrument; empty if it was not given.
    pub symbol: &'a str,
    /// The strategy; empty if it is the recorder's.
    pub strategy: &'a str,
    /// Which way.
    pub side: Option<Side>,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// When it was created.
    pub created: Timestamp,
    /// How much was ordered, if that is known, after what changed it.
    pub quantity: Option<Decimal>,
    /// The limit, if it has one.
    pub price: Option<Decimal>,
    /// How much was executed.
    pub filled_quantity: Decimal,
}

impl ActiveOrder<'_> {
    /// How long it has lived; nothing, if it was created after `now`.
    pub fn age(&self, now: Timestamp) -> Duration {
        let ns = now.nanos().saturating_sub(self.created.nanos());
        Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
    }
}
