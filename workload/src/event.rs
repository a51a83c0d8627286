//! One event of a session as a plain struct, and its fields one by one for whoever records it.

use blotter_engine::event::{
    Category, Decimal, Field, FieldKey, Level, OrderStatus, Side, Timestamp, Value, ValueRef,
};

use crate::text::InlineText;

/// Takes the fields of an event, one after the other.
pub trait FieldSink {
    /// A well-known field.
    fn known(&mut self, field: Field, value: ValueRef<'_>);
    /// Any other field.
    fn named(&mut self, name: &'static str, value: ValueRef<'_>);
}

/// A list of owned fields, for tests.
impl FieldSink for Vec<(FieldKey, Value)> {
    fn known(&mut self, field: Field, value: ValueRef<'_>) {
        self.push((FieldKey::Known(field), value.to_value()));
    }

    fn named(&mut self, name: &'static str, value: ValueRef<'_>) {
        self.push((FieldKey::new(name), value.to_value()));
    }
}

/// One event of a session. Owns no memory.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEvent {
    /// When it happened, in the session.
    pub ts: Timestamp,
    /// What kind.
    pub category: Category,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub event: &'static str,
    /// Strategy or component it came from.
    pub strategy: &'static str,
    /// Symbol.
    pub symbol: &'static str,
    /// Order, or empty.
    pub order_id: InlineText<32>,
    /// Decision, or empty.
    pub correlation_id: InlineText<32>,
    /// The sentence for people.
    pub message: InlineText<72>,
    /// The rest.
    pub detail: Detail,
}

/// What is particular to each kind of event. Prices are in cents.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as the field it becomes")]
pub enum Detail {
    Quote {
        bid_cents: i64,
        ask_cents: i64,
        bid_size: i64,
        ask_size: i64,
    },
    Trade {
        price_cents: i64,
        quantity: i64,
        side: Side,
    },
    Signal {
        score_thousandths: i64,
        side: Side,
    },
    Created {
        side: Side,
        quantity: i64,
        price_cents: i64,
    },
    Submitted {
        exchange_order_id: InlineText<12>,
        latency_us: i64,
    },
    Acknowledged {
        latency_us: i64,
    },
    Rejected {
        side: Side,
        reason: &'static str,
    },
    Reduced {
        side: Side,
        quantity: i64,
    },
    Cancelled {
        side: Side,
        quantity: i64,
    },
    Filled {
        status: OrderStatus,
        side: Side,
        price_cents: i64,
        quantity: i64,
        slippage_bps_hundredths: i64,
        lifecycle_us: i64,
    },
    Position {
        action: &'static str,
        quantity_after: i64,
        avg_price_cents: i64,
        realized_pnl_cents: i64,
    },
    Lifecycle {
        final_status: OrderStatus,
        total_events: i64,
        duration_us: i64,
        order_qty: i64,
    },
    Latency {
        value_us: i64,
        memory_usage_mb: i64,
        cpu_usage_tenths: i64,
    },
    Heat {
        heat_percent: i64,
    },
    Health {
        response_time_ms: i64,
    },
    ApiError {
        endpoint: &'static str,
        retry_count: i64,
    },
}

/// Commission of one share, in ten-thousandths.
const COMMISSION_PER_SHARE: i64 = 35;

/// The commission of so many shares.
pub(crate) fn commission(quantity: i64) -> Decimal {
    Decimal::new(quantity * COMMISSION_PER_SHARE, 4)
}

fn cents(cents: i64) -> ValueRef<'static> {
    ValueRef::Decimal(Decimal::new(cents, 2))
}

impl SessionEvent {
    /// Gives every field but the time, the category and the level to `sink`, names each once.
    #[inline]
    pub fn fields(&self, sink: &mut impl FieldSink) {
        sink.known(Field::EVENT, self.event.into());
        sink.known(Field::STRATEGY, self.strategy.into());
        sink.known(Field::SYMBOL, self.symbol.into());
        if !self.order_id.is_empty() {
            sink.known(Field::ORDER_ID, self.order_id.as_str().into());
        }
        if !self.correlation_id.is_empty() {
            sink.known(Field::CORRELATION_ID, self.correlation_id.as_str().into());
        }
        sink.known(Field::MESSAGE, self.message.as_str().into());
        self.detail.fields(sink);
    }

    /// Its fields as a list.
    pub fn to_fields(&self) -> Vec<(FieldKey, Value)> {
        let mut fields = Vec::new();
        self.fields(&mut fields);
        fields
    }
}

impl Detail {
    /// The category of such an event.
    pub(crate) fn category(&self) -> Category {
        match self {
            Detail::Quote { .. } | Detail::Trade { .. } => Category::MARKET_DATA,
            Detail::Signal { .. } => Category::SIGNAL,
            Detail::Filled { .. } => Category::FILL,
            Detail::Position { .. } => Category::POSITION,
            Detail::Lifecycle { .. } => Category::AUDIT,
            Detail::Latency { .. } => Category::PERFORMANCE,
            Detail::Heat { .. } => Category::RISK,
            Detail::Health { .. } => Category::SYSTEM,
            Detail::ApiError { .. } => Category::ERROR,
            _ => Category::ORDER,
        }
    }

    /// The level of such an event.
    pub(crate) fn level(&self) -> Level {
        match self {
            Detail::Quote { .. } | Detail::Trade { .. } | Detail::Signal { .. } => Level::Debug,
            Detail::Rejected { .. } | Detail::Heat { .. } => Level::Warn,
            Detail::ApiError { .. } => Level::Error,
            _ => Level::Info,
        }
    }

    #[inline]
    fn fields(&self, sink: &mut impl FieldSink) {
        match *self {
            Detail::Quote { bid_cents, ask_cents, bid_size, ask_size } => {
                sink.known(Field::BID, cents(bid_cents));
                sink.known(Field::ASK, cents(ask_cents));
                sink.known(Field::BID_SIZE, bid_size.into());
                sink.known(Field::ASK_SIZE, ask_size.into());
            }
            Detail::Trade { price_cents, quantity, side } => {
                sink.known(Field::PRICE, cents(price_cents));
                sink.known(Field::QUANTITY, quantity.into());
                sink.known(Field::SIDE, side.as_str().into());
            }
            Detail::Signal { score_thousandths, side } => {
                sink.named("score", ValueRef::Decimal(Decimal::new(score_thousandths, 3)));
                sink.known(Field::SIDE, side.as_str().into());
                sink.named("threshold", ValueRef::Decimal(Decimal::new(5, 1)));
            }
            Detail::Latency { value_us, memory_usage_mb, cpu_usage_tenths } => {
                sink.named("metric_name", "latency".into());
                sink.named("segment", "event_loop".into());
                sink.named("value", value_us.into());
                sink.named("memory_usage_mb", memory_usage_mb.into());
                sink.named("cpu_usage_percent", ValueRef::Decimal(Decimal::new(cpu_usage_tenths, 1)));
            }
            Detail::Heat { heat_percent } => {
                sink.named("heat_percent", heat_percent.into());
                sink.named("severity", "warning".into());
                sink.named("limit", 100.into());
            }
            Detail::Health { response_time_ms } => {
                sink.known(Field::STATUS, "healthy".into());
                sink.named("response_time_ms", response_time_ms.into());
            }
            Detail::ApiError { endpoint, retry_count } => {
                sink.named("endpoint", endpoint.into());
                sink.named("retry_count", retry_count.into());
            }
            _ => self.order_fields(sink),
        }
    }

    #[inline]
    fn order_fields(&self, sink: &mut impl FieldSink) {
        let mut status = |status: OrderStatus| sink.known(Field::STATUS, status.as_str().into());
        match *self {
            Detail::Created { side, quantity, price_cents } => {
                status(OrderStatus::Created);
                sink.known(Field::SIDE, side.as_str().into());
                sink.known(Field::ORDER_TYPE, "limit".into());
                sink.known(Field::QUANTITY, quantity.into());
                sink.known(Field::PRICE, cents(price_cents));
            }
            Detail::Submitted { ref exchange_order_id, latency_us } => {
                status(OrderStatus::Submitted);
                sink.named("exchange_order_id", exchange_order_id.as_str().into());
                sink.known(Field::LATENCY_US, latency_us.into());
            }
            Detail::Acknowledged { latency_us } => {
                status(OrderStatus::Acknowledged);
                sink.known(Field::LATENCY_US, latency_us.into());
            }
            Detail::Rejected { side, reason } => {
                status(OrderStatus::Rejected);
                sink.named("error_message", reason.into());
                sink.known(Field::SIDE, side.as_str().into());
            }
            Detail::Reduced { side, quantity } => {
                status(OrderStatus::Acknowledged);
                sink.known(Field::QUANTITY, quantity.into());
                sink.known(Field::SIDE, side.as_str().into());
            }
            Detail::Cancelled { side, quantity } => {
                status(OrderStatus::Cancelled);
                sink.known(Field::QUANTITY, quantity.into());
                sink.known(Field::SIDE, side.as_str().into());
            }
            Detail::Filled {
                status: reached,
                side,
                price_cents,
                quantity,
                slippage_bps_hundredths,
                lifecycle_us,
            } => {
                status(reached);
                sink.known(Field::SIDE, side.as_str().into());
                sink.known(Field::FILL_PRICE, cents(price_cents));
                sink.known(Field::FILL_QUANTITY, quantity.into());
                sink.known(Field::COMMISSION, ValueRef::Decimal(commission(quantity)));
                sink.known(Field::SLIPPAGE_BPS, cents(slippage_bps_hundredths));
                sink.known(Field::LIFECYCLE_MS, ValueRef::Decimal(Decimal::new(lifecycle_us, 3)));
            }
            Detail::Position { action, quantity_after, avg_price_cents, realized_pnl_cents } => {
                sink.named("action", action.into());
                sink.named("quantity_after", quantity_after.into());
                sink.named("avg_price", cents(avg_price_cents));
                sink.named("realized_pnl", cents(realized_pnl_cents));
            }
            Detail::Lifecycle { final_status, total_events, duration_us, order_qty } => {
                sink.named("final_status", final_status.as_str().into());
                sink.named("total_events", total_events.into());
                sink.named("duration_ms", ValueRef::Decimal(Decimal::new(duration_us, 3)));
                sink.named("order_qty", order_qty.into());
            }
            _ => unreachable!("every other kind is given its fields by its caller"),
        }
    }
}
