//! What detectors look at in an event: borrowed, read once for all of them.

use blotter_engine::event::{
    Category, Decimal, Field, FieldKey, FieldRef, Level, OrderStatus, ProducerId, Seq, Side, Timestamp,
    ValueRef, names,
};
use blotter_engine::view::UnsealedEvent;
use rust_decimal::prelude::ToPrimitive;

use crate::error::Result;

/// The fields read, for a narrow projection.
pub(crate) const FIELDS: [&str; 21] = [
    "event",
    "message",
    "order_id",
    "strategy",
    "symbol",
    "status",
    "side",
    "reason",
    "error_message",
    "endpoint",
    "price",
    "decision_price",
    "fill_price",
    "fill_quantity",
    "quantity_after",
    "slippage_bps",
    "latency_us",
    "lost_producer",
    "lost_first_pseq",
    "lost_count",
    "rule",
];

/// Of those, what a look at the order of events needs.
pub(crate) const ORDER_FIELDS: [&str; 4] = ["event", "lost_producer", "lost_first_pseq", "lost_count"];

/// Field keys of names.
pub(crate) fn keys(names: &[&str]) -> Vec<FieldKey> {
    names.iter().map(|name| FieldKey::new(name)).collect()
}

/// An event as detectors see it. A text that is missing is empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Its time as windows count it: that of the event, unless its clock has leapt ahead.
    pub(crate) at: Timestamp,
    pub(crate) ts: Timestamp,
    pub(crate) seq: Seq,
    pub(crate) producer: ProducerId,
    pub(crate) pseq: u64,
    pub(crate) category: Category,
    pub(crate) level: Level,
    pub(crate) event: &'a str,
    pub(crate) strategy: &'a str,
    pub(crate) symbol: &'a str,
    pub(crate) endpoint: &'a str,
    status: &'a str,
    has_order_id: bool,
    side: &'a str,
    reason: &'a str,
    error_message: &'a str,
    message: &'a str,
    price: Option<Decimal>,
    decision_price: Option<Decimal>,
    fill_price: Option<Decimal>,
    pub(crate) fill_quantity: Option<Decimal>,
    pub(crate) quantity_after: Option<Decimal>,
    slippage_bps: Option<f64>,
    pub(crate) latency_us: Option<f64>,
    pub(crate) lost_producer: Option<i64>,
    pub(crate) lost_first_pseq: Option<i64>,
    pub(crate) lost_count: Option<i64>,
}

impl<'a> Seen<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// Damage to a field.
    pub(crate) fn of(event: &'a UnsealedEvent<'a>) -> Result<Seen<'a>> {
        let mut seen = Seen {
            at: event.ts,
            ts: event.ts,
            seq: event.seq,
            producer: event.producer,
            pseq: event.pseq,
            category: event.category,
            level: event.level,
            event: "",
            strategy: "",
            symbol: "",
            endpoint: "",
            status: "",
            has_order_id: false,
            side: "",
            reason: "",
            error_message: "",
            message: "",
            price: None,
            decision_price: None,
            fill_price: None,
            fill_quantity: None,
            quantity_after: None,
            slippage_bps: None,
            latency_us: None,
            lost_producer: None,
            lost_first_pseq: None,
            lost_count: None,
        };
        for field in event.fields() {
            let (field, value) = field?;
            match field {
                FieldRef::Known(field) => seen.set_known(field, value),
                FieldRef::Named(name) => seen.set_named(name, value),
            }
        }
        Ok(seen)
    }

    #[inline]
    fn set_known(&mut self, field: Field, value: ValueRef<'a>) {
        match field {
            Field::EVENT => self.event = text(value),
            Field::MESSAGE => self.message = text(value),
            Field::ORDER_ID => self.has_order_id = true,
            Field::STRATEGY => self.strategy = text(value),
            Field::SYMBOL => self.symbol = text(value),
            Field::STATUS => self.status = text(value),
            Field::SIDE => self.side = text(value),
            Field::PRICE => self.price = exact(value),
            Field::FILL_PRICE => self.fill_price = exact(value),
            Field::FILL_QUANTITY => self.fill_quantity = exact(value),
            Field::SLIPPAGE_BPS => self.slippage_bps = float(value),
            Field::LATENCY_US => self.latency_us = float(value),
            _ => {}
        }
    }

    #[inline]
    fn set_named(&mut self, name: &str, value: ValueRef<'a>) {
        match name {
            "reason" => self.reason = text(value),
            "error_message" => self.error_message = text(value),
            "endpoint" => self.endpoint = text(value),
            "decision_price" => self.decision_price = exact(value),
            "quantity_after" => self.quantity_after = exact(value),
            "lost_producer" => self.lost_producer = whole(value),
            "lost_first_pseq" => self.lost_first_pseq = whole(value),
            "lost_count" => self.lost_count = whole(value),
            _ => {}
        }
    }

    /// The status an order reaches by it; `None` if it is no step in the life of an order.
    pub(crate) fn order_status(&self) -> Option<OrderStatus> {
        if !matches!(self.category, Category::ORDER | Category::FILL) || !self.has_order_id {
            return None;
        }
        OrderStatus::of_event(self.event, self.status)
    }

    /// Why.
    pub(crate) fn reason(&self) -> &'a str {
        [self.reason, self.error_message, self.message]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or("")
    }

    /// Whether something failed.
    pub(crate) fn is_error(&self) -> bool {
        self.category == Category::ERROR || self.level >= Level::Error
    }

    /// Whether it tells of a finding; those are not looked at, so that no alert calls forth another.
    pub(crate) fn is_alert(&self) -> bool {
        self.category == Category::SYSTEM && self.event == names::ALERT
    }

    /// The quantity filled, negative if sold.
    pub(crate) fn signed_fill(&self) -> Option<Decimal> {
        let quantity = self.fill_quantity.filter(|_| self.order_status().is_some())?;
        Some(match Side::from_word(self.side)? {
            Side::Sell => -quantity,
            _ => quantity,
        })
    }

    /// By how much the fill was worse than what was meant, in basis points: as recorded, or else against the price
    /// decided on.
    pub(crate) fn slippage_bps(&self) -> Option<f64> {
        self.fill_quantity.or(self.fill_price)?;
        if self.slippage_bps.is_some() {
            return self.slippage_bps;
        }
        let reference = self.decision_price.or(self.price).filter(|price| !price.is_zero())?;
        let worse = self.fill_price?.checked_sub(reference)?;
        let worse = match Side::from_word(self.side)? {
            Side::Sell => -worse,
            _ => worse,
        };
        worse.checked_div(reference)?.checked_mul(Decimal::from(10_000))?.to_f64()
    }
}

#[inline]
fn text(value: ValueRef<'_>) -> &str {
    match value {
        ValueRef::Str(text) => text,
        _ => "",
    }
}

fn exact(value: ValueRef<'_>) -> Option<Decimal> {
    match value {
        ValueRef::Decimal(value) => Some(value),
        ValueRef::I64(value) => Some(Decimal::from(value)),
        ValueRef::F64(value) => Decimal::try_from(value).ok(),
        ValueRef::Str(_) | ValueRef::Bool(_) => None,
    }
}

fn float(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Decimal(value) => value.to_f64(),
        ValueRef::I64(value) => Some(value as f64),
        ValueRef::F64(value) => Some(value),
        ValueRef::Str(_) | ValueRef::Bool(_) => None,
    }
}

fn whole(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::I64(value) => Some(value),
        ValueRef::Decimal(value) => value.to_i64(),
        _ => None,
    }
}
