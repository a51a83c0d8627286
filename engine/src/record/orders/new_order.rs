//! What an engine knows of an order when it decides on it.

use rust_decimal::Decimal;

use crate::event::{OrderType, Side};

/// An order that is decided on. What is empty or `None` is not known, and not recorded.
///
/// ```
/// use blotter_engine::event::{Side, dec};
/// use blotter_engine::record::NewOrder;
/// let order = NewOrder::new("AAPL", Side::Sell, 100).limit(dec!(150.25)).strategy("momentum");
/// let market = NewOrder::new("ETH-USDT", Side::Buy, dec!(0.05)).market().decision_price(dec!(1201.5));
/// assert_eq!((order.order_type, market.order_type), ("limit", "market"));
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct NewOrder<'a> {
    /// The instrument.
    pub symbol: &'a str,
    /// Which way.
    pub side: Option<Side>,
    /// The order type, e.g. `limit`.
    pub order_type: &'a str,
    /// How much. Without it, the order is filled when the venue says so.
    pub quantity: Option<Decimal>,
    /// The limit.
    pub price: Option<Decimal>,
    /// The price the decision was made at. Slippage is measured against it, and against the limit without it.
    pub decision_price: Option<Decimal>,
    /// The strategy, instead of the recorder's.
    pub strategy: &'a str,
    /// What binds events together, instead of the trace's.
    pub correlation_id: &'a str,
    /// The order of which this is a slice.
    pub parent_order_id: &'a str,
    /// The order whose place this one takes. [`OrderTracker::replaced`](super::OrderTracker::replaced) sets it by itself.
    pub replaces: &'a str,
}

impl<'a> NewOrder<'a> {
    /// An order of a symbol, side and quantity.
    pub fn new(symbol: &'a str, side: Side, quantity: impl Into<Decimal>) -> NewOrder<'a> {
        NewOrder { symbol, side: Some(side), quantity: Some(quantity.into()), ..NewOrder::default() }
    }

    /// A limit order at that price.
    pub fn limit(mut self, price: impl Into<Decimal>) -> NewOrder<'a> {
        self.order_type = OrderType::Limit.as_str();
        self.price = Some(price.into());
        self
    }

    /// A market order.
    pub fn market(mut self) -> NewOrder<'a> {
        self.order_type = OrderType::Market.as_str();
        self
    }

    /// The order type, in the engine's own word.
    pub fn order_type(mut self, order_type: &'a str) -> NewOrder<'a> {
        self.order_type = order_type;
        self
    }

    /// The limit, of an order that is not simply a limit order.
    pub fn price(mut self, price: impl Into<Decimal>) -> NewOrder<'a> {
        self.price = Some(price.into());
        self
    }

    /// The price the decision was made at.
    pub fn decision_price(mut self, price: impl Into<Decimal>) -> NewOrder<'a> {
        self.decision_price = Some(price.into());
        self
    }

    /// The strategy, instead of the recorder's.
    pub fn strategy(mut self, strategy: &'a str) -> NewOrder<'a> {
        self.strategy = strategy;
        self
    }

    /// What binds events together, instead of the trace's.
    pub fn correlation_id(mut self, id: &'a str) -> NewOrder<'a> {
        self.correlation_id = id;
        self
    }

    /// The order of which this is a slice.
    pub fn parent(mut self, order_id: &'a str) -> NewOrder<'a> {
        self.parent_order_id = order_id;
        self
    }
}

/// What is different about an order that takes another's place.
///
/// The quantity is that of the new order alone: fills of the old one are not counted in it. A venue that counts them in
/// (FIX does) needs them subtracted.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Replacement {
    /// How much; what remained of the old order if `None`.
    pub quantity: Option<Decimal>,
    /// The limit; that of the old order if `None`.
    pub price: Option<Decimal>,
}
