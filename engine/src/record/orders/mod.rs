//! The lives of orders, as the engine that trades them tells them.
//!
//! ```text
//! created ─▶ submitted ─▶ acknowledged ─▶ partially_filled* ─▶ filled | cancelled | ... ─▶ order_lifecycle
//!                 amended, reduced, cancel asked for: the order stands as before
//! ```
//!
//! Invariants: a call is recorded whatever the tracker thinks of it, what is wrong with it is marked on the event; the
//! tracker changes only when an event is emitted; whatever became of the event, the tracker follows what was told;
//! there are never more orders in memory than the options allow, and a live one is not let go without an event.

mod identity;
mod lifecycle;
mod measure;
mod new_order;
mod order;
mod step;
mod store;
#[cfg(test)]
mod tests;

pub use new_order::{NewOrder, Replacement};
pub use order::ActiveOrder;
pub use step::OrderEvent;

use rust_decimal::Decimal;

use crate::event::{Category, Level, OrderStatus, Timestamp, names};
use crate::record::{Emit, Recorder};
use order::Order;
use store::Orders;

/// How much an [`OrderTracker`] remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderTrackerOptions {
    /// Most orders that live at a time. Above it the oldest is let go, which is recorded as `order_untracked`. 65,536
    /// by default: more than any engine of one process holds open, and some 25 MB.
    pub orders_max: usize,
    /// Most orders remembered after their end, so that what comes too late is known for what it is. 8,192 by default:
    /// a late fill or cancel comes within seconds. The longest ended is forgotten first, and an event of it is one
    /// of an unknown order.
    pub ended_max: usize,
}

impl Default for OrderTrackerOptions {
    fn default() -> OrderTrackerOptions {
        OrderTrackerOptions { orders_max: 65_536, ended_max: 8_192 }
    }
}

/// What a tracker has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderTrackerStatistics {
    /// Live orders.
    pub active: usize,
    /// Ended orders that are remembered.
    pub ended: usize,
    /// Live orders let go because there were too many.
    pub untracked: u64,
    /// Transitions that no order should make.
    pub illegal_transitions: u64,
    /// Events of orders the tracker does not know.
    pub unknown_orders: u64,
    /// Events that were dropped or refused, by the recorder; disabled ones are not counted.
    pub not_recorded: u64,
}

/// Follows orders from their creation to their end and records each step with what only the whole life tells: times
/// since creation, slippage, what is filled and what remains, what no order should do; and at the end the life.
///
/// Made by [`Recorder::order_tracker`]. It owns nothing of the recorder: every call is given one, so that anything else
/// can be recorded in between, inside a trace or not, or by another recorder after the order went to another thread.
///
/// It refuses nothing. A transition that [`OrderStatus::can_become`] rules out is recorded at level warn with
/// `illegal_transition` (`cancelled -> filled`), more than was ordered with `overfilled_quantity`, an order it never saw
/// with `unknown_order`.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("desk.blotter");
/// use blotter_engine::event::{Side, dec};
/// use blotter_engine::record::NewOrder;
/// use blotter_engine::{Db, RecorderOptions};
///
/// let db = Db::open(&path)?;
/// let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum"))?;
/// let mut orders = recorder.order_tracker();
///
/// let order = NewOrder::new("AAPL", Side::Buy, 100).limit(dec!(150.25)).correlation_id("momentum_8e094b");
/// orders.created(&mut recorder, "A-1", &order).message("momentum above threshold").emit();
/// orders.submitted(&mut recorder, "A-1").emit(); // latency_us: since it was created
/// recorder.system("gateway_flushed").emit(); // whatever else there is to say
/// orders.acknowledged(&mut recorder, "A-1", "XN-77").emit();
/// orders.fill(&mut recorder, "A-1", dec!(150.26), 60, dec!(0.21)).emit();
/// orders.fill(&mut recorder, "A-1", dec!(150.25), 40, dec!(0.14)).field("venue", "XNAS").emit();
/// assert_eq!(orders.active().count(), 0);
///
/// db.flush()?;
/// let found: Vec<_> = db.snapshot()?.lookup("A-1").collect();
/// let names: Vec<_> = found.iter().map(|event| event.get("event").unwrap().to_string()).collect();
/// assert_eq!(names[2..], ["order_acknowledged", "order_partially_filled", "order_filled", "order_lifecycle"]);
/// let life = found.last().unwrap();
/// assert_eq!(life.get("average_price").unwrap().to_string(), "150.256");
/// assert_eq!(life.get("commission").unwrap().to_string(), "0.35");
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct OrderTracker {
    options: OrderTrackerOptions,
    orders: Orders,
    statistics: OrderTrackerStatistics,
}

/// Steps that carry nothing but their status.
macro_rules! plain_steps {
    ($($method:ident $status:ident $level:ident $doc:literal)*) => {$(
        #[doc = $doc]
        pub fn $method<'t>(&'t mut self, recorder: &'t mut Recorder, order_id: &'t str) -> OrderEvent<'t> {
            OrderEvent::step(self, recorder, order_id, OrderStatus::$status, Level::$level)
        }
    )*};
}

/// Steps that have a reason.
macro_rules! steps_with_reason {
    ($($method:ident $status:ident $level:ident $doc:literal)*) => {$(
        #[doc = $doc]
        ///
        /// Without a reason, give an empty one.
        pub fn $method<'t>(
            &'t mut self,
            recorder: &'t mut Recorder,
            order_id: &'t str,
            reason: &str,
        ) -> OrderEvent<'t> {
            OrderEvent::step(self, recorder, order_id, OrderStatus::$status, Level::$level).reason(reason)
        }
    )*};
}

impl OrderTracker {
    /// A tracker that follows no order yet.
    pub fn new(options: OrderTrackerOptions) -> OrderTracker {
        OrderTracker { options, ..OrderTracker::default() }
    }

    /// An order was decided. What `order` tells is remembered: the later steps carry its symbol, strategy, side and
    /// correlation id. Without a correlation id it takes the one of the trace it is created in.
    ///
    /// The id of an order that has ended may be used again, which is marked as an illegal transition and begins a new
    /// life. The id of one that lives is marked too, and its life goes on.
    pub fn created<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        order: &'t NewOrder<'t>,
    ) -> OrderEvent<'t> {
        OrderEvent::created(self, recorder, order_id, order)
    }

    plain_steps! {
        submitted Submitted Info "It was sent to the venue. `latency_us`: since it was created."
        expired Expired Info "It ended by time."
    }

    steps_with_reason! {
        cancelled Cancelled Info "It was withdrawn."
        rejected Rejected Warn "It was refused, by risk or by the venue. Level warn."
        failed Failed Error "It could not be sent or followed. Level error."
    }

    /// The venue accepted it, under an id of its own; give an empty one if it has none. `latency_us`: since it was
    /// created.
    pub fn acknowledged<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        exchange_order_id: &str,
    ) -> OrderEvent<'t> {
        let step = OrderEvent::step(self, recorder, order_id, OrderStatus::Acknowledged, Level::Info);
        if exchange_order_id.is_empty() { step } else { step.field("exchange_order_id", exchange_order_id) }
    }

    /// It was executed, in full once the fills reach its quantity, else in part. An order of no known quantity is
    /// filled when [`OrderTracker::filled`] says so.
    pub fn fill<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        price: impl Into<Decimal>,
        quantity: impl Into<Decimal>,
        commission: impl Into<Decimal>,
    ) -> OrderEvent<'t> {
        let execution = (price.into(), quantity.into(), commission.into());
        OrderEvent::fill(self, recorder, order_id, execution, None)
    }

    /// It was executed in part, says the venue, whatever the quantities say.
    pub fn partially_filled<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        price: impl Into<Decimal>,
        quantity: impl Into<Decimal>,
        commission: impl Into<Decimal>,
    ) -> OrderEvent<'t> {
        let execution = (price.into(), quantity.into(), commission.into());
        OrderEvent::fill(self, recorder, order_id, execution, Some(OrderStatus::PartiallyFilled))
    }

    /// It was executed in full, says the venue, whatever the quantities say.
    pub fn filled<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        price: impl Into<Decimal>,
        quantity: impl Into<Decimal>,
        commission: impl Into<Decimal>,
    ) -> OrderEvent<'t> {
        let execution = (price.into(), quantity.into(), commission.into());
        OrderEvent::fill(self, recorder, order_id, execution, Some(OrderStatus::Filled))
    }

    /// Another order takes its place: it ends with `replaced_by`, and the new one is created with `replaces`, of the
    /// same symbol, side, strategy and correlation id. Fields given to the returned event are those of the old order's.
    pub fn replaced<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        new_order_id: &'t str,
        replacement: Replacement,
    ) -> OrderEvent<'t> {
        OrderEvent::replaced(self, recorder, order_id, new_order_id, replacement)
    }

    /// Its quantity or price was changed where it stands; it keeps its status. `None` is unchanged.
    pub fn amended<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        quantity: Option<Decimal>,
        price: Option<Decimal>,
    ) -> OrderEvent<'t> {
        OrderEvent::amended(self, recorder, order_id, quantity, price)
    }

    /// Part of it was withdrawn, by so much; it keeps its status.
    pub fn reduced<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        by: impl Into<Decimal>,
    ) -> OrderEvent<'t> {
        OrderEvent::reduced(self, recorder, order_id, by.into())
    }

    /// The venue was asked to withdraw it; it keeps its status until the venue answers.
    pub fn cancel_requested<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
    ) -> OrderEvent<'t> {
        OrderEvent::note(self, recorder, order_id, names::ORDER_CANCEL_REQUESTED, Level::Info)
    }

    /// The venue refused to withdraw or change it; it keeps its status. Level warn.
    pub fn cancel_rejected<'t>(
        &'t mut self,
        recorder: &'t mut Recorder,
        order_id: &'t str,
        reason: &str,
    ) -> OrderEvent<'t> {
        OrderEvent::note(self, recorder, order_id, names::ORDER_CANCEL_REJECTED, Level::Warn).reason(reason)
    }

    /// The orders that live, the one created first before the others.
    ///
    /// ```
    /// # use blotter_engine::event::{OrderStatus, Side};
    /// # use blotter_engine::record::{NewOrder, Recorder};
    /// # fn stale(recorder: &mut Recorder, orders: &blotter_engine::record::OrderTracker) {
    /// let now = recorder.now();
    /// for order in orders.active().filter(|order| order.age(now).as_secs() > 30) {
    ///     println!("{} is {} since {:?}", order.order_id, order.status.as_str(), order.age(now));
    /// }
    /// # }
    /// ```
    pub fn active(&self) -> impl Iterator<Item = ActiveOrder<'_>> {
        self.orders.active().map(Order::to_active)
    }

    /// An order that lives.
    pub fn get(&self, order_id: &str) -> Option<ActiveOrder<'_>> {
        let order = self.orders.get(self.orders.find(order_id)?);
        (!order.status.is_final()).then(|| order.to_active())
    }

    /// What it has seen.
    pub fn statistics(&self) -> OrderTrackerStatistics {
        OrderTrackerStatistics {
            active: self.orders.active_count(),
            ended: self.orders.ended_count(),
            ..self.statistics
        }
    }

    /// Takes in an order, and lets the oldest go if there are too many.
    fn insert(&mut self, recorder: &mut Recorder, order: Order, now: Timestamp) {
        if let Some(known) = self.orders.find(order.order_id()) {
            self.orders.remove(known);
        }
        if self.orders.active_count() >= self.options.orders_max.max(1) {
            let oldest = self.orders.oldest_active().expect("there are some, as many as may be");
            let untracked = self.orders.remove(oldest);
            self.statistics.untracked += 1;
            self.count(&lifecycle::emit_untracked(recorder, &untracked, self.options.orders_max.max(1), now));
        }
        self.orders.insert(order);
    }

    /// Records the life of an order that has ended, and forgets the longest ended if there are too many.
    fn end(&mut self, recorder: &mut Recorder, slot: u32, is_repeated: bool, now: Timestamp) {
        let emitted = lifecycle::emit_lifecycle(recorder, self.orders.get(slot), is_repeated, now);
        self.count(&emitted);
        self.orders.move_to_ended(slot);
        if self.orders.ended_count() > self.options.ended_max {
            let oldest = self.orders.oldest_ended().expect("there are more than may be");
            self.orders.remove(oldest);
        }
    }

    fn count(&mut self, emitted: &Emit) -> bool {
        let is_lost = matches!(emitted, Emit::Dropped { .. } | Emit::Refused(_));
        self.statistics.not_recorded += u64::from(is_lost);
        is_lost
    }
}

impl Recorder {
    /// A tracker of orders, with the usual [bounds](OrderTrackerOptions).
    ///
    /// It belongs to the engine: give it a recorder with every call.
    pub fn order_tracker(&self) -> OrderTracker {
        OrderTracker::default()
    }

    /// A tracker of orders with bounds of your own.
    pub fn order_tracker_with(&self, options: OrderTrackerOptions) -> OrderTracker {
        OrderTracker::new(options)
    }
}

/// The category of the event that records reaching a status.
fn category_of(status: OrderStatus) -> Category {
    match status {
        OrderStatus::PartiallyFilled | OrderStatus::Filled => Category::FILL,
        _ => Category::ORDER,
    }
}
