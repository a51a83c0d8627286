//! The session: orders arrive and live side by side; what happens next is what happens first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use blotter_engine::event::{Decimal, OrderStatus, Side, Timestamp, names};

use crate::event::{Detail, SessionEvent, commission};
use crate::life::{Life, Plan, Step};
use crate::market::{Market, STRATEGIES, SYMBOLS};
use crate::prng::Prng;
use crate::text::InlineText;

/// Events per order in the mean, everything else that passes included.
const EVENTS_PER_ORDER_THOUSANDTHS: i64 = 6_500;

/// Per million orders, what else passes.
const SIGNALS: u64 = 523_000;
const TRADES: u64 = 111_000;
const LATENCIES: u64 = 10_500;
const HEAT_WARNINGS: u64 = 3_900;
const HEALTH_CHECKS: u64 = 1_960;
const API_ERRORS: u64 = 650;

/// What a session is like.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// When it begins. Default: 2026-01-05 14:30 UTC, the opening of a Monday in New York.
    pub start: Timestamp,
    /// Symbols traded, 1 to 12. Default: 6.
    pub symbols: usize,
    /// Strategies trading, 1 to 8. Default: 8.
    pub strategies: usize,
    /// Events per second of the session's own time. Default: 50,000, a busy desk.
    pub events_per_second: u32,
    /// Of several sessions played at once, which one, and how many: order ids of no two are the same.
    pub lane: (u32, u32),
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            start: Timestamp(1_767_623_400_000_000_000),
            symbols: 6,
            strategies: 8,
            events_per_second: 50_000,
            lane: (0, 1),
        }
    }
}

/// An endless synthetic trading session; an iterator over its events, near to the order of their times.
#[derive(Debug)]
pub struct Session {
    random: Prng,
    options: SessionOptions,
    markets: Vec<Market>,
    /// `YYYYMMDD-`, which order ids begin with.
    date: InlineText<16>,
    last_order: u64,
    next_arrival_ns: i64,
    /// When each life goes on, soonest first; slots of `lives`.
    agenda: BinaryHeap<Reverse<(i64, u32)>>,
    lives: Vec<Life>,
    free: Vec<u32>,
    /// Events that have happened and were not yet handed out.
    ready: VecDeque<SessionEvent>,
}

impl Session {
    /// A session that follows from `seed` and `options` alone.
    ///
    /// # Panics
    /// If an option is out of its range.
    pub fn new(seed: u64, options: SessionOptions) -> Session {
        assert!((1..=SYMBOLS.len()).contains(&options.symbols), "1 to {} symbols", SYMBOLS.len());
        assert!((1..=STRATEGIES.len()).contains(&options.strategies), "1 to {} strategies", STRATEGIES.len());
        assert!(options.events_per_second > 0, "at least one event per second");
        assert!(options.lane.0 < options.lane.1, "lanes are counted from 0");
        let day = options.start.day().to_string();
        Session {
            random: Prng::new(seed ^ u64::from(options.lane.0).wrapping_mul(0xd6e8_feb8_6659_fd93)),
            markets: SYMBOLS[..options.symbols].iter().copied().map(Market::new).collect(),
            date: InlineText::new(format_args!("{}{}{}-", &day[..4], &day[5..7], &day[8..10])),
            last_order: 1_000_000,
            next_arrival_ns: options.start.nanos(),
            agenda: BinaryHeap::new(),
            lives: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            options,
        }
    }

    /// Plays what happens next, which makes at least one event ready.
    fn advance(&mut self) {
        match self.agenda.peek() {
            Some(&Reverse((at_ns, slot))) if at_ns <= self.next_arrival_ns => {
                self.agenda.pop();
                self.step(at_ns, slot);
            }
            _ => self.arrive(),
        }
    }

    /// A decision: a quote is seen, a signal given perhaps, an order created.
    fn arrive(&mut self) {
        let at_ns = self.next_arrival_ns;
        let mean_ns = EVENTS_PER_ORDER_THOUSANDTHS * 1_000_000 / i64::from(self.options.events_per_second);
        self.next_arrival_ns += self.random.within(0, 2 * mean_ns);

        let market = self.random.below(self.markets.len() as u64) as usize;
        let strategy = self.random.below(self.options.strategies as u64) as usize;
        let side = if self.random.chance(500_000) { Side::Buy } else { Side::Sell };
        self.markets[market].wander(&mut self.random);
        self.pass_by(at_ns, market);

        let life = self.create(at_ns, market, strategy, side);
        if self.random.chance(SIGNALS) {
            let before_ns = self.random.within(2_000, 15_000);
            self.signal(at_ns - before_ns, &life);
        }
        self.order(at_ns, &life, OrderStatus::Created);
        self.quote(at_ns, market);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.lives[slot as usize] = life;
                slot
            }
            None => {
                self.lives.push(life);
                self.lives.len() as u32 - 1
            }
        };
        self.schedule(at_ns, slot);
    }

    fn create(&mut self, at_ns: i64, market: usize, strategy: usize, side: Side) -> Life {
        let (lane, lanes) = self.options.lane;
        self.last_order += 1 + self.random.below(200);
        let number = self.last_order * u64::from(lanes) + u64::from(lane);
        let quantity = match self.random.below(4) {
            0 => self.random.within(1, 99),
            _ => 100 * self.random.within(1, 5),
        };
        Life {
            order_id: InlineText::new(format_args!(
                "{}{}-{number}",
                self.date.as_str(),
                self.markets[market].symbol
            )),
            correlation_id: InlineText::new(format_args!(
                "{}_{:012x}",
                STRATEGIES[strategy],
                self.random.next_u64() >> 16
            )),
            market,
            strategy,
            side,
            quantity,
            remaining: quantity,
            price_cents: self.markets[market].passive_price_cents(side, &mut self.random),
            created_ns: at_ns,
            events: 1,
            to_come: Plan::draw(&mut self.random, quantity),
            // 1 ms to 17 s.
            pause_ns: self.random.of_any_size(20, 34),
        }
    }

    fn schedule(&mut self, at_ns: i64, slot: u32) {
        match self.lives[slot as usize].until_next_ns(&mut self.random) {
            Some(wait_ns) => self.agenda.push(Reverse((at_ns + wait_ns, slot))),
            None => self.free.push(slot),
        }
    }

    /// Plays the next step of one life.
    fn step(&mut self, at_ns: i64, slot: u32) {
        let mut life = self.lives[slot as usize].clone();
        let step = life.to_come.pop().expect("a life on the agenda has a step to come");
        life.events += 1;
        match step {
            Step::Submit => self.order(at_ns, &life, OrderStatus::Submitted),
            Step::Acknowledge => self.order(at_ns, &life, OrderStatus::Acknowledged),
            Step::Reject => self.order(at_ns, &life, OrderStatus::Rejected),
            Step::Reduce => self.reduce(at_ns, &mut life),
            Step::FillSome | Step::FillRest => self.fill(at_ns, &mut life, step == Step::FillRest),
            Step::Cancel => {
                self.order(at_ns, &life, OrderStatus::Cancelled);
                self.lifecycle(at_ns + 1_000, &life, OrderStatus::Cancelled);
            }
        }
        // An order that earlier executions took whole has ended, whatever was planned.
        if life.remaining == 0 {
            self.free.push(slot);
        } else {
            self.lives[slot as usize] = life;
            self.schedule(at_ns, slot);
        }
    }

    fn reduce(&mut self, at_ns: i64, life: &mut Life) {
        // Nothing was executed yet, and only orders of more than one share are planned to be reduced.
        let by = self.random.within(1, life.remaining - 1);
        life.remaining -= by;
        let (side, quantity) = (life.side, life.remaining);
        let message = InlineText::new(format_args!("order reduced by {by} to {quantity}"));
        let event = self.of_life(at_ns, life, "order_reduced", message, Detail::Reduced { side, quantity });
        self.ready.push_back(event);
    }

    /// An order's way from decision to its end, but for executions.
    fn order(&mut self, at_ns: i64, life: &Life, status: OrderStatus) {
        let latency_us = (at_ns - life.created_ns) / 1_000;
        let (side, quantity) = (life.side, life.remaining);
        let symbol = self.markets[life.market].symbol;
        let (message, detail) = match status {
            OrderStatus::Created => {
                let price = Decimal::new(life.price_cents, 2);
                let message = format_args!("order created: {} {quantity} {symbol} @ {price}", side.as_str());
                (InlineText::new(message), Detail::Created { side, quantity, price_cents: life.price_cents })
            }
            OrderStatus::Submitted => {
                let exchange_order_id =
                    InlineText::new(format_args!("X{:08}", self.random.below(100_000_000)));
                let message = format_args!("order submitted (latency {latency_us}us)");
                (InlineText::new(message), Detail::Submitted { exchange_order_id, latency_us })
            }
            OrderStatus::Rejected => {
                let reasons = ["rate limit exceeded", "insufficient buying power", "price outside collar"];
                let reason = reasons[self.random.below(3) as usize];
                (InlineText::new(format_args!("order rejected: {reason}")), Detail::Rejected { side, reason })
            }
            OrderStatus::Cancelled => {
                let reasons = ["user request", "timeout", "price moved away", "end of slice"];
                let reason = reasons[self.random.below(4) as usize];
                (
                    InlineText::new(format_args!("order cancelled: {reason}")),
                    Detail::Cancelled { side, quantity },
                )
            }
            _ => (
                InlineText::new(format_args!("order acknowledged by exchange")),
                Detail::Acknowledged { latency_us },
            ),
        };
        let event = self.of_life(at_ns, life, status.event_name(), message, detail);
        self.ready.push_back(event);
    }

    /// An execution, the position after it, and the end of the order if nothing remains.
    fn fill(&mut self, at_ns: i64, life: &mut Life, is_last: bool) {
        let quantity = life.fill(&mut self.random, is_last);
        let status = if life.remaining == 0 { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        let (price_cents, side) = (life.price_cents, life.side);
        let price = Decimal::new(price_cents, 2);
        let message = format_args!("fill: {quantity} @ {price} (commission {})", commission(quantity));
        let message = InlineText::new(message);
        let detail = Detail::Filled {
            status,
            side,
            price_cents,
            quantity,
            slippage_bps_hundredths: if self.random.chance(800_000) {
                0
            } else {
                self.random.within(-250, 400)
            },
            lifecycle_us: (at_ns - life.created_ns) / 1_000,
        };
        let event = self.of_life(at_ns, life, status.event_name(), message, detail);
        self.ready.push_back(event);

        let market = &mut self.markets[life.market];
        let quantity_after = market.trade(life.strategy, side, quantity);
        let message = format_args!("position {} {quantity} {}", side.as_str(), market.symbol);
        let message = InlineText::new(message);
        let detail = Detail::Position {
            action: if side == Side::Buy { "increase" } else { "decrease" },
            quantity_after,
            avg_price_cents: price_cents,
            realized_pnl_cents: self.random.within(-20_000, 20_000),
        };
        let event = self.of_life(at_ns + 1_500, life, names::POSITION_ADJUSTED, message, detail);
        self.ready.push_back(event);
        life.events += 1;
        if status == OrderStatus::Filled {
            self.lifecycle(at_ns + 2_500, life, status);
        }
    }

    fn lifecycle(&mut self, at_ns: i64, life: &Life, final_status: OrderStatus) {
        let message = InlineText::new(format_args!("order lifecycle complete: {}", life.order_id.as_str()));
        let detail = Detail::Lifecycle {
            final_status,
            total_events: life.events,
            duration_us: (at_ns - life.created_ns) / 1_000,
            order_qty: life.quantity,
        };
        let event = self.of_life(at_ns, life, "order_lifecycle", message, detail);
        self.ready.push_back(event);
    }

    fn signal(&mut self, at_ns: i64, life: &Life) {
        let (score_thousandths, side) = (self.random.within(500, 999), life.side);
        let score = Decimal::new(score_thousandths, 3);
        let message = format_args!("{} signal {} score {score}", STRATEGIES[life.strategy], side.as_str());
        let (message, detail) = (InlineText::new(message), Detail::Signal { score_thousandths, side });
        let event = self.of_life(at_ns, life, names::ENTRY_SIGNAL, message, detail);
        // A signal precedes its order.
        self.ready.push_back(SessionEvent { order_id: InlineText::EMPTY, ..event });
    }

    fn quote(&mut self, at_ns: i64, market: usize) {
        let Market { symbol, bid_cents, spread_cents, .. } = self.markets[market];
        let detail = Detail::Quote {
            bid_cents,
            ask_cents: bid_cents + spread_cents,
            bid_size: 100 * self.random.within(1, 30),
            ask_size: 100 * self.random.within(1, 30),
        };
        let message = InlineText::new(format_args!("quote {symbol}"));
        let event = self.ambient(at_ns, market, "feed", names::QUOTE, message, detail);
        self.ready.push_back(event);
    }

    /// What passes without any order of ours.
    fn pass_by(&mut self, at_ns: i64, market: usize) {
        if self.random.chance(TRADES) {
            let Market { symbol, bid_cents, .. } = self.markets[market];
            let quantity = self.random.of_any_size(0, 9);
            let price = Decimal::new(bid_cents, 2);
            let message = InlineText::new(format_args!("trade {symbol} {quantity} @ {price}"));
            let detail = Detail::Trade { price_cents: bid_cents, quantity, side: Side::Sell };
            let event = self.ambient(at_ns, market, "feed", names::TRADE, message, detail);
            self.ready.push_back(event);
        }
        if self.random.chance(LATENCIES) {
            let message = InlineText::new(format_args!("event loop latency"));
            let detail = Detail::Latency {
                value_us: self.random.of_any_size(2, 8),
                memory_usage_mb: self.random.within(400, 600),
                cpu_usage_tenths: self.random.within(200, 950),
            };
            let event = self.ambient(at_ns, market, "engine", names::LATENCY_MEASUREMENT, message, detail);
            self.ready.push_back(event);
        }
        if self.random.chance(HEAT_WARNINGS) {
            let heat_percent = self.random.within(60, 99);
            let strategy = STRATEGIES[self.random.below(self.options.strategies as u64) as usize];
            let message = InlineText::new(format_args!("portfolio heat at {heat_percent}%"));
            let detail = Detail::Heat { heat_percent };
            let event = self.ambient(at_ns, market, strategy, "portfolio_heat_warning", message, detail);
            self.ready.push_back(event);
        }
        if self.random.chance(HEALTH_CHECKS) {
            let message = InlineText::new(format_args!("system health check completed"));
            let detail = Detail::Health { response_time_ms: self.random.of_any_size(0, 8) };
            let event = self.ambient(at_ns, market, "engine", names::HEALTH_CHECK, message, detail);
            self.ready.push_back(event);
        }
        if self.random.chance(API_ERRORS) {
            let endpoint = ["/v2/positions", "/v2/orders", "/v2/account"][self.random.below(3) as usize];
            let after_ms = self.random.within(2_000, 5_000);
            let message = InlineText::new(format_args!("API connection failed: timeout after {after_ms}ms"));
            let detail = Detail::ApiError { endpoint, retry_count: self.random.within(0, 4) };
            let event = self.ambient(at_ns, market, "gateway", "api_error", message, detail);
            self.ready.push_back(event);
        }
    }

    /// An event of one order's life.
    fn of_life(
        &self,
        at_ns: i64,
        life: &Life,
        event: &'static str,
        message: InlineText<72>,
        detail: Detail,
    ) -> SessionEvent {
        SessionEvent {
            order_id: life.order_id,
            correlation_id: life.correlation_id,
            ..self.ambient(at_ns, life.market, STRATEGIES[life.strategy], event, message, detail)
        }
    }

    /// An event that belongs to no order.
    fn ambient(
        &self,
        at_ns: i64,
        market: usize,
        strategy: &'static str,
        event: &'static str,
        message: InlineText<72>,
        detail: Detail,
    ) -> SessionEvent {
        SessionEvent {
            ts: Timestamp(at_ns),
            category: detail.category(),
            level: detail.level(),
            event,
            strategy,
            symbol: self.markets[market].symbol,
            order_id: InlineText::EMPTY,
            correlation_id: InlineText::EMPTY,
            message,
            detail,
        }
    }
}

impl Iterator for Session {
    type Item = SessionEvent;

    /// Never ends.
    fn next(&mut self) -> Option<SessionEvent> {
        while self.ready.is_empty() {
            self.advance();
        }
        self.ready.pop_front()
    }
}
