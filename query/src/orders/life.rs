//! The life of one order, as a type for programs.

use blotter_engine::event::{OrderStatus, Side, Timestamp};
use rust_decimal::Decimal;

use super::columns::{micros, millis};
use super::folded::{Folded, Words};
use crate::datum::Datum;

/// A step that may not follow the one before it; see
/// [`OrderStatus::can_become`](blotter_engine::event::OrderStatus::can_become).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub ts: Timestamp,
    /// The event that says so.
    pub seq: u64,
    /// What the order was.
    pub from: OrderStatus,
    /// What it is said to have become.
    pub to: OrderStatus,
}

/// What became of an order, by its events. What nobody recorded is `None`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Life {
    /// Its id.
    pub order_id: String,
    /// The id it shares with what belongs together.
    pub correlation_id: Option<String>,
    /// The session in which it was placed.
    pub session_id: Option<String>,
    /// What is traded.
    pub symbol: Option<String>,
    /// Who decided.
    pub strategy: Option<String>,
    /// Which way, as it was recorded.
    pub side: Option<String>,
    /// Which way.
    pub direction: Option<Side>,
    /// The order type.
    pub order_type: Option<String>,
    /// How much was ordered, after amendments.
    pub quantity: Option<Decimal>,
    /// The price it was ordered at, after amendments.
    pub price: Option<Decimal>,
    /// The price at which it was decided, if that was recorded.
    pub decision_price: Option<Decimal>,
    /// Where it is, or how it ended.
    pub status: Option<OrderStatus>,
    /// Its first and last event.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// When it was decided.
    pub created: Option<Timestamp>,
    /// When it was sent.
    pub submitted: Option<Timestamp>,
    /// When it was accepted.
    pub acknowledged: Option<Timestamp>,
    /// Its first fill.
    pub first_fill: Option<Timestamp>,
    /// Its last fill.
    pub last_fill: Option<Timestamp>,
    /// When it ended first.
    pub ended: Option<Timestamp>,
    /// Its order events.
    pub events: u32,
    /// Its fills, those that were told again left out.
    pub fills: u32,
    /// Fills that were told again, by the id of their execution.
    pub duplicates: u32,
    /// The sum of its fills; without fills what the venue announced.
    pub filled_quantity: Option<Decimal>,
    /// What the venue said is filled in all.
    pub announced_quantity: Option<Decimal>,
    /// What the venue said remains.
    pub remaining_quantity: Option<Decimal>,
    /// The average over its fills, at 28 digits; without fills what the venue announced.
    pub average_fill_price: Option<Decimal>,
    /// The sum of what its fills cost.
    pub commission: Option<Decimal>,
    /// Its average price against the decision price, or else its own: positive if worse; six digits after the point.
    pub slippage_bps: Option<Decimal>,
    /// Steps that may not follow the one before.
    pub illegal_transitions: Vec<Transition>,
    /// Errors on its way.
    pub error_seqs: Vec<u64>,
    /// Whether no event says that it was created.
    pub is_orphan: bool,
    /// Whether no event says that it ended.
    pub is_open: bool,
    /// Whether its fills are more than was ordered.
    pub is_overfilled: bool,
    /// The order of which it is a part.
    pub parent_order_id: Option<String>,
    /// The order that it replaces.
    pub replaces: Option<String>,
    /// The order that replaced it.
    pub replaced_by: Option<String>,
}

impl Life {
    /// Everything with its name, for whoever prints it; the columns of the stage `lifecycle` have the same names.
    pub fn values(&self) -> Vec<(&'static str, Datum)> {
        let text = |text: &Option<String>| text.as_deref().into();
        let between = |from: Option<Timestamp>, to: Option<Timestamp>| to?.nanos().checked_sub(from?.nanos());
        vec![
            ("order_id", self.order_id.as_str().into()),
            ("correlation_id", text(&self.correlation_id)),
            ("session_id", text(&self.session_id)),
            ("symbol", text(&self.symbol)),
            ("strategy", text(&self.strategy)),
            ("side", text(&self.side)),
            ("order_type", text(&self.order_type)),
            ("quantity", self.quantity.into()),
            ("price", self.price.into()),
            ("decision_price", self.decision_price.into()),
            ("status", self.status.map(|status| status.as_str()).into()),
            ("first", self.first.into()),
            ("last", self.last.into()),
            ("created", self.created.into()),
            ("submitted", self.submitted.into()),
            ("acknowledged", self.acknowledged.into()),
            ("first_fill", self.first_fill.into()),
            ("last_fill", self.last_fill.into()),
            ("ended", self.ended.into()),
            ("events", self.events.into()),
            ("fills", self.fills.into()),
            ("duplicates", self.duplicates.into()),
            ("filled_quantity", self.filled_quantity.into()),
            ("announced_quantity", self.announced_quantity.into()),
            ("remaining_quantity", self.remaining_quantity.into()),
            ("average_fill_price", self.average_fill_price.into()),
            ("commission", self.commission.into()),
            ("slippage_bps", self.slippage_bps.into()),
            ("submit_us", micros(between(self.created, self.submitted))),
            ("acknowledge_us", micros(between(self.submitted.or(self.created), self.acknowledged))),
            ("first_fill_us", micros(between(self.created, self.first_fill))),
            ("lifecycle_ms", millis(between(Some(self.first), self.ended))),
            ("errors", (self.error_seqs.len() as u64).into()),
            ("illegal_transitions", (self.illegal_transitions.len() as u64).into()),
            ("is_orphan", self.is_orphan.into()),
            ("is_open", self.is_open.into()),
            ("is_overfilled", self.is_overfilled.into()),
            ("parent_order_id", text(&self.parent_order_id)),
            ("replaces", text(&self.replaces)),
            ("replaced_by", text(&self.replaced_by)),
        ]
    }

    pub(crate) fn of(order: &Folded, words: &Words) -> Life {
        let word = |word| words.get(word).map(ToString::to_string);
        let rare = order.rare();
        Life {
            order_id: order.order_id.to_string(),
            correlation_id: (!order.correlation_id.is_empty()).then(|| order.correlation_id.to_string()),
            session_id: word(order.session_id),
            symbol: word(order.symbol),
            strategy: word(order.strategy),
            side: word(order.side),
            direction: order.side(),
            order_type: word(order.order_type),
            quantity: order.quantity,
            price: order.price,
            decision_price: rare.and_then(|rare| rare.decision_price),
            status: order.status,
            first: order.first_time(),
            last: order.last_time(),
            created: order.created(),
            submitted: order.submitted(),
            acknowledged: order.acknowledged(),
            first_fill: order.first_fill(),
            last_fill: order.last_fill(),
            ended: order.ended(),
            events: order.events,
            fills: order.fills,
            duplicates: rare.map_or(0, |rare| rare.duplicates),
            filled_quantity: order.filled_quantity(),
            announced_quantity: rare.and_then(|rare| rare.announced_quantity),
            remaining_quantity: rare.and_then(|rare| rare.remaining_quantity),
            average_fill_price: order.average_fill_price(),
            commission: order.commission,
            slippage_bps: order.slippage_bps(),
            illegal_transitions: rare.map(|rare| rare.transitions.clone()).unwrap_or_default(),
            error_seqs: rare.map(|rare| rare.error_seqs.clone()).unwrap_or_default(),
            is_orphan: order.is_orphan(),
            is_open: order.is_open(),
            is_overfilled: order.is_overfilled(),
            parent_order_id: rare.and_then(|rare| rare.parent_order_id.as_deref().map(str::to_owned)),
            replaces: rare.and_then(|rare| rare.replaces.as_deref().map(str::to_owned)),
            replaced_by: rare.and_then(|rare| rare.replaced_by.as_deref().map(str::to_owned)),
        }
    }
}
