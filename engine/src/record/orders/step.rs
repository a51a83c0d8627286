//! One call of the tracker: an event being put together, and what it changes once it is emitted.
//!
//! What depends on the order alone is written when the event is begun; what depends on the time, and the fields that
//! say whose event it is, when it is emitted.

use std::fmt;

use rust_decimal::Decimal;

use super::identity::Identity;
use super::order::Order;
use super::{NewOrder, OrderTracker, Replacement, category_of, measure};
use crate::event::{Category, Field, Level, OrderStatus, Timestamp, ValueRef, names};
use crate::record::{Emit, EventBuilder, Recorder};

/// An event of an order, being put together. Nothing is recorded, and nothing changes, until
/// [`emit`](OrderEvent::emit).
///
/// Fields of your own can be added. Those the tracker writes are its: an event that is given one of them twice is
/// refused, as by any builder, except for times, slippage and the fields of [`NewOrder`], where yours is kept.
#[must_use = "an event is recorded by .emit()"]
pub struct OrderEvent<'t> {
    tracker: &'t mut OrderTracker,
    builder: EventBuilder<'t>,
    order_id: &'t str,
    /// Where the order is, if it is known.
    slot: Option<u32>,
    change: Change<'t>,
    is_illegal: bool,
}

/// What an event changes.
#[derive(Clone, Copy)]
pub(super) enum Change<'t> {
    Nothing,
    Create(&'t NewOrder<'t>),
    Reach(OrderStatus),
    Execute { next: OrderStatus, execution: Execution },
    Terms { quantity: Option<Decimal>, price: Option<Decimal> },
    Replace { new_order_id: &'t str, replacement: Replacement },
}

/// Price, quantity, commission.
pub(super) type Execution = (Decimal, Decimal, Decimal);

impl Change<'_> {
    fn next_status(&self) -> Option<OrderStatus> {
        match self {
            Change::Create(_) => Some(OrderStatus::Created),
            Change::Reach(next) | Change::Execute { next, .. } => Some(*next),
            Change::Replace { .. } => Some(OrderStatus::Replaced),
            Change::Nothing | Change::Terms { .. } => None,
        }
    }
}

impl<'t> OrderEvent<'t> {
    /// Begins the event of a change, and marks what is wrong with it.
    fn begin(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        (name, level): (&'static str, Level),
        change: Change<'t>,
    ) -> OrderEvent<'t> {
        let slot = tracker.orders.find(order_id);
        let status = slot.map(|slot| tracker.orders.get(slot).status);
        let next = change.next_status();
        let is_unknown = slot.is_none() && !matches!(change, Change::Create(_));
        let is_illegal = status.is_some_and(|status| match next {
            Some(next) => !status.can_become(next),
            // New terms of an order that has ended. Asking for its end, or being refused it, may cross with the end.
            None => status.is_final() && matches!(change, Change::Terms { .. }),
        });
        let level = if is_unknown || is_illegal { level.max(Level::Warn) } else { level };
        let category = next.map_or(Category::ORDER, category_of);
        let mut builder = EventBuilder::start(recorder, category, level, name, next);
        if is_unknown {
            builder = builder.field("unknown_order", true);
        }
        if let (true, Some(status)) = (is_illegal, status) {
            let next = next.map_or_else(|| name.trim_start_matches("order_"), OrderStatus::as_str);
            builder = builder.field_fmt("illegal_transition", format_args!("{} -> {next}", status.as_str()));
        }
        OrderEvent { tracker, builder, order_id, slot, change, is_illegal }
    }

    /// The order was decided.
    pub(super) fn created(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        order: &'t NewOrder<'t>,
    ) -> OrderEvent<'t> {
        let about = (names::ORDER_CREATED, Level::Info);
        OrderEvent::begin(tracker, recorder, order_id, about, Change::Create(order))
    }

    /// The order reached a status.
    pub(super) fn step(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        next: OrderStatus,
        level: Level,
    ) -> OrderEvent<'t> {
        OrderEvent::begin(tracker, recorder, order_id, (next.event_name(), level), Change::Reach(next))
    }

    /// Something was said about the order that changes nothing.
    pub(super) fn note(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        name: &'static str,
        level: Level,
    ) -> OrderEvent<'t> {
        OrderEvent::begin(tracker, recorder, order_id, (name, level), Change::Nothing)
    }

    /// The order was executed; `said` is the status the venue gives, if it gives one.
    pub(super) fn fill(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        execution: Execution,
        said: Option<OrderStatus>,
    ) -> OrderEvent<'t> {
        let (price, quantity, commission) = execution;
        let known = tracker.orders.find(order_id).map(|slot| tracker.orders.get(slot));
        let figures = known.map(|order| Filled::with(order, price, quantity));
        let is_whole = figures.as_ref().is_some_and(|figures| figures.remaining == Some(Decimal::ZERO));
        let next = said.unwrap_or(if is_whole { OrderStatus::Filled } else { OrderStatus::PartiallyFilled });
        let is_overfilled = figures.as_ref().is_some_and(|figures| figures.overfilled.is_some());
        let level = if is_overfilled { Level::Warn } else { Level::Info };
        let change = Change::Execute { next, execution };
        let mut event = OrderEvent::begin(tracker, recorder, order_id, (next.event_name(), level), change);
        let mut builder = event.builder.fill_price(price).fill_quantity(quantity).commission(commission);
        if let Some(figures) = figures {
            builder = builder.field("filled_quantity", figures.quantity);
            let others = [
                ("remaining_quantity", figures.remaining),
                ("average_price", figures.average_price),
                ("overfilled_quantity", figures.overfilled),
            ];
            for (name, value) in others {
                builder = match value {
                    Some(value) => builder.field(name, value),
                    None => builder,
                };
            }
        }
        event.builder = builder;
        event
    }

    /// The quantity or price of the order was changed.
    pub(super) fn amended(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        quantity: Option<Decimal>,
        price: Option<Decimal>,
    ) -> OrderEvent<'t> {
        let known = tracker.orders.find(order_id).map(|slot| tracker.orders.get(slot));
        let before = known.map(|order| (order.quantity, order.price));
        let (quantity_before, price_before) = before.unwrap_or_default();
        let change = Change::Terms { quantity, price };
        let about = (names::ORDER_AMENDED, Level::Info);
        OrderEvent::begin(tracker, recorder, order_id, about, change)
            .known_decimal(Field::QUANTITY, quantity)
            .known_decimal(Field::PRICE, price)
            .decimal("previous_quantity", quantity.and(quantity_before))
            .decimal("previous_price", price.and(price_before))
    }

    /// Part of the order was withdrawn.
    pub(super) fn reduced(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        by: Decimal,
    ) -> OrderEvent<'t> {
        let known = tracker.orders.find(order_id).map(|slot| tracker.orders.get(slot));
        let quantity = known.and_then(|order| order.quantity?.checked_sub(by));
        let filled = known.map_or(Decimal::ZERO, |order| order.filled_quantity);
        let remaining =
            quantity.and_then(|quantity| quantity.checked_sub(filled)).map(|left| left.max(Decimal::ZERO));
        let change = Change::Terms { quantity, price: None };
        let about = (names::ORDER_REDUCED, Level::Info);
        OrderEvent::begin(tracker, recorder, order_id, about, change)
            .decimal("reduced_by", Some(by))
            .known_decimal(Field::QUANTITY, quantity)
            .decimal("remaining_quantity", remaining)
    }

    /// Another order takes the place of the order.
    pub(super) fn replaced(
        tracker: &'t mut OrderTracker,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        new_order_id: &'t str,
        replacement: Replacement,
    ) -> OrderEvent<'t> {
        let change = Change::Replace { new_order_id, replacement };
        let about = (names::ORDER_REPLACED, Level::Info);
        OrderEvent::begin(tracker, recorder, order_id, about, change).field("replaced_by", new_order_id)
    }

    /// The event time, instead of now. All times of the order are measured between event times.
    #[inline]
    pub fn at(mut self, ts: Timestamp) -> Self {
        self.builder = self.builder.at(ts);
        self
    }

    /// A well-known field.
    #[inline]
    pub fn known<'v>(mut self, field: Field, value: impl Into<ValueRef<'v>>) -> Self {
        self.builder = self.builder.known(field, value);
        self
    }

    /// Any field, by name.
    #[inline]
    pub fn field<'v>(mut self, name: &str, value: impl Into<ValueRef<'v>>) -> Self {
        self.builder = self.builder.field(name, value);
        self
    }

    /// Any field, by name, with text formatted in place.
    #[inline]
    pub fn field_fmt(mut self, name: &str, text: fmt::Arguments<'_>) -> Self {
        self.builder = self.builder.field_fmt(name, text);
        self
    }

    /// The sentence for people.
    #[inline]
    pub fn message(mut self, text: &str) -> Self {
        self.builder = self.builder.message(text);
        self
    }

    /// The sentence for people, formatted in place.
    #[inline]
    pub fn message_fmt(mut self, text: fmt::Arguments<'_>) -> Self {
        self.builder = self.builder.message_fmt(text);
        self
    }

    /// Why; nothing if it is empty.
    #[inline]
    pub(super) fn reason(self, reason: &str) -> Self {
        if reason.is_empty() { self } else { self.field("reason", reason) }
    }

    fn known_decimal(mut self, field: Field, value: Option<Decimal>) -> Self {
        if let Some(value) = value {
            self.builder.add_decimal(field, value);
        }
        self
    }

    fn decimal(self, name: &str, value: Option<Decimal>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// Records the event, and then what follows from it: the order that takes the place of a replaced one, and the
    /// life of an order that has ended. What became of those, [`OrderTracker::statistics`] counts.
    pub fn emit(mut self) -> Emit {
        let now = self.builder.ts.unwrap_or_else(|| self.builder.recorder.now());
        self.builder.ts = Some(now);
        match (self.change, self.slot) {
            (Change::Create(order), slot) => self.emit_created(order, slot, now),
            (_, None) => {
                self.builder.add_text(Field::ORDER_ID, self.order_id);
                let (tracker, change) = (self.tracker, self.change);
                let (emitted, recorder) = self.builder.emit_back();
                tracker.statistics.unknown_orders += 1;
                tracker.count(&emitted);
                if let Change::Replace { new_order_id, replacement } = change {
                    create_replacement(
                        tracker,
                        recorder,
                        (self.order_id, new_order_id),
                        None,
                        replacement,
                        now,
                    );
                }
                emitted
            }
            (_, Some(slot)) => self.emit_step(slot, now),
        }
    }

    /// A step of a known order.
    fn emit_step(mut self, slot: u32, now: Timestamp) -> Emit {
        let order = self.tracker.orders.get(slot);
        write_times(&mut self.builder, order, self.change, now);
        stamp(&mut self.builder, &order.identity);
        let OrderEvent { tracker, builder, order_id, change, is_illegal, .. } = self;
        let (emitted, recorder) = builder.emit_back();
        let is_lost = tracker.count(&emitted);
        tracker.statistics.illegal_transitions += u64::from(is_illegal);
        let order = tracker.orders.get_mut(slot);
        order.events += 1;
        order.events_not_recorded += u32::from(is_lost);
        order.illegal_transitions += u32::from(is_illegal);
        let status_before = order.status;
        apply(order, change, now);
        let new_order = match change {
            Change::Replace { replacement, .. } => Some(Terms::of_replacement(order, replacement)),
            _ => None,
        };
        let is_repeated = order.is_ended;
        let is_news = order.status != status_before || matches!(change, Change::Execute { .. });
        if order.status.is_final() && is_news {
            tracker.end(recorder, slot, is_repeated, now);
        }
        if let Change::Replace { new_order_id, replacement } = change {
            create_replacement(tracker, recorder, (order_id, new_order_id), new_order, replacement, now);
        }
        emitted
    }

    /// The creation of an order, whether or not its id is known already.
    fn emit_created(mut self, new: &NewOrder<'_>, slot: Option<u32>, now: Timestamp) -> Emit {
        let correlation_id =
            if new.correlation_id.is_empty() { self.builder.recorder.scope.id() } else { new.correlation_id };
        let identity = Identity::new(
            self.order_id,
            [
                (Field::CORRELATION_ID, correlation_id),
                (Field::SYMBOL, new.symbol),
                (Field::STRATEGY, new.strategy),
                (Field::SIDE, new.side.map_or("", |side| side.as_str())),
            ],
        );
        write_new(&mut self.builder, new);
        match &identity {
            Ok(identity) => stamp(&mut self.builder, identity),
            Err(refused) => self.builder.refuse(refused.clone()),
        }
        let OrderEvent { tracker, builder, is_illegal, .. } = self;
        let (emitted, recorder) = builder.emit_back();
        let is_lost = tracker.count(&emitted);
        tracker.statistics.illegal_transitions += u64::from(is_illegal);
        let lives = slot.filter(|slot| !tracker.orders.get(*slot).is_ended);
        if let Some(slot) = lives {
            let order = tracker.orders.get_mut(slot);
            order.events += 1;
            order.events_not_recorded += u32::from(is_lost);
            order.illegal_transitions += 1;
        } else if let Ok(identity) = identity {
            let mut order = Order::new(identity, new.side, now);
            (order.quantity, order.price) = (new.quantity, new.price);
            order.decision_price = new.decision_price;
            (order.events, order.events_not_recorded) = (1, u32::from(is_lost));
            order.illegal_transitions = u32::from(is_illegal);
            tracker.insert(recorder, order, now);
        }
        emitted
    }
}

impl fmt::Debug for OrderEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderEvent").field("order_id", &self.order_id).finish_non_exhaustive()
    }
}

/// The figures of an order after one more execution.
struct Filled {
    quantity: Decimal,
    remaining: Option<Decimal>,
    overfilled: Option<Decimal>,
    average_price: Option<Decimal>,
}

impl Filled {
    fn with(order: &Order, price: Decimal, quantity: Decimal) -> Filled {
        let filled = order.filled_with(quantity);
        let notional = order.notional_with(price, quantity);
        let over = order.quantity.and_then(|ordered| filled.checked_sub(ordered));
        Filled {
            quantity: filled,
            remaining: order.remaining_after(filled),
            overfilled: over.filter(|over| *over > Decimal::ZERO),
            average_price: notional.and_then(|notional| measure::average_price(notional, filled)),
        }
    }
}

/// Writes what the time of a step tells, unless the event has it already.
fn write_times(builder: &mut EventBuilder<'_>, order: &Order, change: Change<'_>, now: Timestamp) {
    let Some(next) = change.next_status() else { return };
    if matches!(next, OrderStatus::Submitted | OrderStatus::Acknowledged) {
        builder.add_missing(Field::LATENCY_US, measure::between_us(order.created, now).into());
    }
    if let Change::Execute { execution: (price, ..), .. } = change
        && let Some(bps) = order.slippage_bps(price)
    {
        builder.add_missing(Field::SLIPPAGE_BPS, bps.into());
    }
    if next.is_final() {
        builder.add_missing(Field::LIFECYCLE_MS, measure::between_ms(order.created, now).into());
    }
}

/// Writes what is known of a new order, unless the event has it already.
fn write_new(builder: &mut EventBuilder<'_>, new: &NewOrder<'_>) {
    if !new.order_type.is_empty() {
        builder.add_missing(Field::ORDER_TYPE, new.order_type.into());
    }
    for (field, value) in [(Field::QUANTITY, new.quantity), (Field::PRICE, new.price)] {
        if let Some(value) = value {
            builder.add_missing(field, value.into());
        }
    }
    if let Some(price) = new.decision_price {
        builder.add_named("decision_price", price.into());
    }
    for (name, id) in [("parent_order_id", new.parent_order_id), ("replaces", new.replaces)] {
        if !id.is_empty() {
            builder.add_named(name, id.into());
        }
    }
}

/// Writes whose event it is; what the event tells itself is kept.
pub(super) fn stamp(builder: &mut EventBuilder<'_>, identity: &Identity) {
    let (bytes, count, known) = identity.encoded();
    if !builder.add_encoded(bytes, count, known) {
        for (field, text) in identity.fields() {
            builder.add_missing(field, text.into());
        }
    }
}

/// Changes an order as a step tells.
fn apply(order: &mut Order, change: Change<'_>, now: Timestamp) {
    match change {
        Change::Execute { execution: (price, quantity, commission), .. } => {
            order.notional = order.notional_with(price, quantity);
            order.filled_quantity = order.filled_with(quantity);
            order.commission = order.commission.saturating_add(commission);
            order.fills += 1;
        }
        Change::Terms { quantity, price } => {
            order.quantity = quantity.or(order.quantity);
            order.price = price.or(order.price);
        }
        Change::Reach(OrderStatus::Submitted) if order.submit_latency_us.is_none() => {
            order.submit_latency_us = Some(measure::between_us(order.created, now));
        }
        Change::Reach(OrderStatus::Acknowledged) if order.ack_latency_us.is_none() => {
            order.ack_latency_us = Some(measure::between_us(order.created, now));
        }
        _ => {}
    }
    if let Some(next) = change.next_status() {
        order.status = order.after(next);
    }
}

/// What a new order takes over from the one it replaces.
struct Terms {
    identity: Identity,
    side: Option<crate::event::Side>,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    decision_price: Option<Decimal>,
}

impl Terms {
    fn of_replacement(old: &Order, replacement: Replacement) -> Terms {
        Terms {
            identity: old.identity.clone(),
            side: old.side,
            quantity: replacement.quantity.or_else(|| old.remaining_after(old.filled_quantity)),
            price: replacement.price.or(old.price),
            decision_price: old.decision_price,
        }
    }
}

/// Creates the order that takes the place of another, of which nothing may be known.
fn create_replacement(
    tracker: &mut OrderTracker,
    recorder: &mut Recorder,
    (order_id, new_order_id): (&str, &str),
    terms: Option<Terms>,
    replacement: Replacement,
    now: Timestamp,
) {
    let mut new = NewOrder { replaces: order_id, ..NewOrder::default() };
    (new.quantity, new.price) = (replacement.quantity, replacement.price);
    if let Some(terms) = &terms {
        new.symbol = terms.identity.text(Field::SYMBOL);
        new.strategy = terms.identity.text(Field::STRATEGY);
        new.correlation_id = terms.identity.text(Field::CORRELATION_ID);
        (new.side, new.decision_price) = (terms.side, terms.decision_price);
        (new.quantity, new.price) = (terms.quantity, terms.price);
    }
    // What became of it is counted.
    tracker.created(recorder, new_order_id, &new).at(now).emit();
}
