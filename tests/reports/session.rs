//! A generated session, spread over two days, whose daily figures are counted here event by event.

use std::collections::{BTreeMap, BTreeSet};

use blotter::desk::Period;
use blotter::desk::report::{ReportKind, ReportOptions, Section};
use blotter::event::{Category, Decimal, OrderStatus, Side, Timestamp};
use blotter::{Datum, Options, Reader, RecorderOptions, Tz};
use blotter_workload::{Detail, Session, SessionEvent, SessionOptions};

use crate::{figure, made, table};

const EVENTS: usize = 60_000;
/// By which times between events are stretched, so that the session takes a day and a half.
const STRETCH: i64 = 200_000;

fn events() -> Vec<SessionEvent> {
    let mut events: Vec<SessionEvent> = Session::new(11, SessionOptions::default()).take(EVENTS).collect();
    let start = events[0].ts.nanos();
    for event in &mut events {
        event.ts = Timestamp(start + (event.ts.nanos() - start) * STRETCH);
    }
    events
}

/// What the events of a period come to.
#[derive(Default)]
struct Counted {
    statuses: BTreeMap<&'static str, i64>,
    partially_filled: BTreeSet<String>,
    fills: i64,
    volume: i64,
    notional: Decimal,
    slippage: Decimal,
    slippage_max: Option<Decimal>,
    latencies: Vec<i64>,
}

impl Counted {
    fn add(&mut self, event: &SessionEvent) {
        let mut step = |status: OrderStatus| *self.statuses.entry(status.as_str()).or_default() += 1;
        match event.detail {
            Detail::Created { .. } => step(OrderStatus::Created),
            Detail::Acknowledged { .. } => step(OrderStatus::Acknowledged),
            Detail::Rejected { .. } => step(OrderStatus::Rejected),
            Detail::Cancelled { .. } => step(OrderStatus::Cancelled),
            Detail::Submitted { latency_us, .. } => {
                step(OrderStatus::Submitted);
                self.latencies.push(latency_us);
            }
            Detail::Filled { status, price_cents, quantity, slippage_bps_hundredths, .. } => {
                step(status);
                if status == OrderStatus::PartiallyFilled {
                    self.partially_filled.insert(event.order_id.as_str().to_owned());
                }
                self.fills += 1;
                self.volume += quantity;
                self.notional += Decimal::new(price_cents * quantity, 2);
                let slippage = Decimal::new(slippage_bps_hundredths, 2);
                self.slippage += slippage;
                self.slippage_max = self.slippage_max.max(Some(slippage));
            }
            _ => {}
        }
    }

    fn count(&self, status: OrderStatus) -> i64 {
        self.statuses.get(status.as_str()).copied().unwrap_or(0)
    }

    /// The smallest latency that this share of all does not exceed.
    fn latency(&mut self, share: f64) -> i64 {
        self.latencies.sort_unstable();
        self.latencies[(share * self.latencies.len() as f64).ceil() as usize - 1]
    }
}

/// Trades of a period, share by share: wins, losses, and what all came to in ten-thousandths.
fn trades(events: &[SessionEvent], period: &Period) -> (i64, i64, i64) {
    // Shares of a position: side and price in ten-thousandths, commission added or taken off.
    const COMMISSION: i64 = 35;
    let mut books: BTreeMap<(&str, &str), std::collections::VecDeque<(Side, i64)>> = BTreeMap::new();
    let mut fills: Vec<(usize, &SessionEvent)> = events.iter().enumerate().collect();
    fills.retain(|(_, event)| event.category == Category::FILL && event.ts < period.until);
    fills.sort_by_key(|(at, event)| (event.ts, *at));
    let (mut wins, mut losses, mut total) = (0, 0, 0);
    for (_, event) in fills {
        let Detail::Filled { side, price_cents, quantity, .. } = event.detail else { continue };
        let book = books.entry((event.strategy, event.symbol)).or_default();
        let mut closed = None;
        for _ in 0..quantity {
            let price = price_cents * 100;
            match book.front() {
                Some((entered, _)) if *entered != side => {
                    let (entered, entry) = book.pop_front().unwrap();
                    let gained = if entered == Side::Buy { price - entry } else { entry - price };
                    *closed.get_or_insert(0) += gained - 2 * COMMISSION;
                }
                _ => book.push_back((side, price)),
            }
        }
        if let Some(gained) = closed.filter(|_| event.ts >= period.from) {
            wins += i64::from(gained > 0);
            losses += i64::from(gained < 0);
            total += gained;
        }
    }
    (wins, losses, total)
}

#[test]
fn daily_figures_and_trades_are_those_counted_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Options::new().without_threads().open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let events = events();
    for (number, event) in events.iter().enumerate() {
        assert!(event.record(&mut recorder).is_accepted());
        if number % 1_000 == 0 {
            db.flush().unwrap();
        }
        if number % 25_000 == 24_999 {
            db.seal().unwrap();
        }
    }
    db.flush().unwrap();
    let zone = Tz::America__New_York;
    let reader = Reader::open(&path).unwrap();
    for (text, least) in [("2026-01-05", 10_000), ("2026-01-06", 10_000), ("2026-01-07", 0)] {
        let period = Period::day(text.parse().unwrap(), zone).unwrap();
        let within = |event: &&SessionEvent| event.ts >= period.from && event.ts < period.until;
        let (mut all, mut by_strategy) = (Counted::default(), BTreeMap::<&str, Counted>::new());
        let mut by_hour: BTreeMap<i64, i64> = BTreeMap::new();
        for event in events.iter().filter(within) {
            all.add(event);
            if event.category == Category::ORDER || event.category == Category::FILL {
                by_strategy.entry(event.strategy).or_default().add(event);
            }
            if matches!(event.detail, Detail::Created { .. }) {
                *by_hour.entry((event.ts.nanos() - period.from.nanos()) / 3_600_000_000_000).or_default() +=
                    1;
            }
        }
        let daily = made(&reader, ReportKind::Daily, &period, &ReportOptions::default());
        assert_eq!(daily.events, events.iter().filter(within).count() as u64, "{text}");
        assert!(daily.events >= least, "{text}: {}", daily.events);
        let whole = |section: &str, name: &str| figure(&daily, section, name).as_i64().unwrap();
        for (name, status) in [
            ("orders", OrderStatus::Created),
            ("submitted", OrderStatus::Submitted),
            ("acknowledged", OrderStatus::Acknowledged),
            ("filled", OrderStatus::Filled),
            ("cancelled", OrderStatus::Cancelled),
            ("rejected", OrderStatus::Rejected),
        ] {
            assert_eq!(whole("orders", name), all.count(status), "{text} {name}");
        }
        assert_eq!(whole("orders", "partially_filled_orders"), all.partially_filled.len() as i64);
        assert_eq!((whole("fills", "fills"), whole("fills", "volume")), (all.fills, all.volume));
        if all.fills == 0 {
            continue;
        }
        assert_eq!(figure(&daily, "fills", "notional"), Datum::Decimal(all.notional));
        assert_eq!(figure(&daily, "fills", "commission"), Datum::Decimal(Decimal::new(all.volume * 35, 4)));
        let mean = all.slippage / Decimal::from(all.fills);
        assert_eq!(figure(&daily, "fills", "slippage_mean_bps"), Datum::Decimal(mean));
        assert_eq!(figure(&daily, "fills", "slippage_max_bps"), Datum::from(all.slippage_max));
        let mean = all.latencies.iter().sum::<i64>() as f64 / all.latencies.len() as f64;
        assert!((figure(&daily, "latency", "latency_mean_us").as_f64().unwrap() - mean).abs() < 1e-9);
        assert_eq!(whole("latency", "latency_p50_us"), all.latency(0.5));
        assert_eq!(whole("latency", "latency_p99_us"), all.latency(0.99));
        let columns =
            ["strategy", "orders", "filled", "cancelled", "rejected", "fills", "volume", "latency_p99_us"];
        let expected: Vec<String> = by_strategy
            .iter_mut()
            .map(|(strategy, counted)| {
                let [orders, filled, cancelled, rejected] =
                    [OrderStatus::Created, OrderStatus::Filled, OrderStatus::Cancelled, OrderStatus::Rejected]
                        .map(|status| counted.count(status));
                let (fills, volume, latency) = (counted.fills, counted.volume, counted.latency(0.99));
                format!("{strategy} | {orders} | {filled} | {cancelled} | {rejected} | {fills} | {volume} | {latency}")
            })
            .collect();
        assert_eq!(table(&daily, "by_strategy", &columns), expected);
        let chart =
            daily.sections.iter().filter_map(Section::as_chart).find(|chart| chart.name == "orders_by_hour");
        let hours: Vec<Datum> =
            (0..24).map(|hour| Datum::Int(by_hour.get(&hour).copied().unwrap_or(0))).collect();
        assert_eq!(chart.unwrap().series[0].1, hours);
        let found = made(&reader, ReportKind::Trades, &period, &ReportOptions::default());
        let (wins, losses, total) = trades(&events, &period);
        assert!(wins > 0 && losses > 0, "{text} {wins} {losses}");
        let whole = |name: &str| figure(&found, "trading", name).as_i64().unwrap();
        assert_eq!((whole("wins"), whole("losses")), (wins, losses), "{text}");
        assert_eq!(figure(&found, "trading", "total_pnl"), Datum::Decimal(Decimal::new(total, 4)), "{text}");
    }
}
