//! A generated trading session, about which each question is also answered by plain loops over its events.

use std::collections::{BTreeMap, BTreeSet};

use blotter::event::{Category, Event, Level, ValueRef};
use blotter::segment::Projection;
use blotter::{Db, Decimal, Options, Predicate, Reader, RecorderOptions};
use blotter_workload::{Session, SessionOptions};

use crate::table;

const EVENTS: usize = 12_000;
const NOW: &str = "2026-01-05T15:00:00Z";

/// A query, and the same answer by loops: the lines of the table below its columns.
type Counted = (&'static str, fn(&[Event]) -> Vec<String>);

fn text<'a>(event: &'a Event, field: &str) -> Option<&'a str> {
    match event.get(field) {
        Some(ValueRef::Str(text)) => Some(text),
        _ => None,
    }
}

fn number(event: &Event, field: &str) -> Option<Decimal> {
    match event.get(field) {
        Some(ValueRef::I64(value)) => Some(Decimal::from(value)),
        Some(ValueRef::Decimal(value)) => Some(value),
        _ => None,
    }
}

fn is_status(event: &Event, status: &str) -> bool {
    text(event, "status").is_some_and(|found| found.eq_ignore_ascii_case(status))
}

/// The number that is not below `percent` of the others.
fn percentile(numbers: &mut [Decimal], percent: usize) -> String {
    numbers.sort();
    numbers[(numbers.len() * percent).div_ceil(100) - 1].to_string()
}

fn grouped<'a, K: Ord>(
    events: &'a [Event],
    key: impl Fn(&'a Event) -> Option<K>,
) -> BTreeMap<K, Vec<&'a Event>> {
    let mut groups: BTreeMap<K, Vec<&Event>> = BTreeMap::new();
    for event in events {
        if let Some(key) = key(event) {
            groups.entry(key).or_default().push(event);
        }
    }
    groups
}

const COUNTED: &[Counted] = &[
    ("| stats count()", |events| vec![events.len().to_string()]),
    ("| stats count() by category", |events| {
        let groups = grouped(events, |event| Some(event.category.name()));
        groups.into_iter().map(|(name, group)| format!("{name} | {}", group.len())).collect()
    }),
    ("level >= warn | stats count() by level", |events| {
        let groups = grouped(events, |event| (event.level >= Level::Warn).then_some(event.level as u8));
        groups.into_values().map(|group| format!("{} | {}", group[0].level, group.len())).collect()
    }),
    ("category = order status = rejected | stats count() by strategy", |events| {
        let is_rejected = |event: &Event| event.category == Category::ORDER && is_status(event, "rejected");
        let groups = grouped(events, |event| is_rejected(event).then(|| text(event, "strategy")).flatten());
        groups.into_iter().map(|(strategy, group)| format!("{strategy} | {}", group.len())).collect()
    }),
    (
        "category = fill | stats sum(fill_quantity), sum(fill_price * fill_quantity) as notional by symbol",
        |events| {
            let is_fill = |event: &Event| event.category == Category::FILL;
            let groups = grouped(events, |event| is_fill(event).then(|| text(event, "symbol")).flatten());
            let line = |(symbol, group): (&str, Vec<&Event>)| {
                let quantity = |event: &&Event| number(event, "fill_quantity").unwrap();
                let shares: Decimal = group.iter().map(quantity).sum();
                let notional: Decimal =
                    group.iter().map(|event| quantity(event) * number(event, "fill_price").unwrap()).sum();
                format!("{symbol} | {shares} | {notional}")
            };
            groups.into_iter().map(line).collect()
        },
    ),
    (
        "exists latency_us | stats count(), p50(latency_us), p90(latency_us), p99(latency_us) by event",
        |events| {
            let groups = grouped(events, |event| number(event, "latency_us").and(text(event, "event")));
            let line = |(name, group): (&str, Vec<&Event>)| {
                let mut found: Vec<Decimal> =
                    group.iter().filter_map(|event| number(event, "latency_us")).collect();
                let percentiles = [50, 90, 99].map(|percent| percentile(&mut found, percent));
                format!("{name} | {} | {}", group.len(), percentiles.join(" | "))
            };
            groups.into_iter().map(line).collect()
        },
    ),
    ("category = order | stats distinct(order_id), distinct(symbol)", |events| {
        let of = |field: &str| {
            let orders = events.iter().filter(|event| event.category == Category::ORDER);
            orders.filter_map(|event| text(event, field)).collect::<BTreeSet<&str>>().len()
        };
        vec![format!("{} | {}", of("order_id"), of("symbol"))]
    }),
    ("| stats count() by bin(ts, 50ms) | stats count(), max(count) as most, min(count) as least", |events| {
        let groups = grouped(events, |event| Some(event.ts.0.div_euclid(50_000_000)));
        let counts = || groups.values().map(Vec::len);
        vec![format!("{} | {} | {}", groups.len(), counts().max().unwrap(), counts().min().unwrap())]
    }),
    ("category = fill | top 3 symbol by sum(commission) as paid", |events| {
        let groups =
            grouped(
                events,
                |event| {
                    if event.category == Category::FILL { text(event, "symbol") } else { None }
                },
            );
        let mut paid: Vec<(Decimal, &str)> = groups
            .into_iter()
            .map(|(symbol, group)| {
                (group.iter().filter_map(|event| number(event, "commission")).sum(), symbol)
            })
            .collect();
        paid.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
        paid.iter().take(3).map(|(paid, symbol)| format!("{symbol} | {paid}")).collect()
    }),
    ("category = order | sort ts desc, seq desc | head 5 | fields seq, event", |events| {
        let orders = events.iter().rev().filter(|event| event.category == Category::ORDER);
        orders.take(5).map(|event| format!("{} | {}", event.seq, text(event, "event").unwrap())).collect()
    }),
    (
        "event = order_created | join (category = fill | stats sum(fill_quantity) as done by order_id) on order_id | stats count()",
        |events| {
            let of = |wanted: &dyn Fn(&Event) -> bool| {
                let ids =
                    events.iter().filter(|event| wanted(event)).filter_map(|event| text(event, "order_id"));
                ids.collect::<BTreeSet<&str>>()
            };
            let filled = of(&|event| event.category == Category::FILL);
            let created = events.iter().filter(|event| text(event, "event") == Some("order_created"));
            vec![
                created
                    .filter(|event| text(event, "order_id").is_some_and(|id| filled.contains(id)))
                    .count()
                    .to_string(),
            ]
        },
    ),
    ("category = fill | asof (event = quote) by symbol | stats count(bid), sum(bid)", |events| {
        let mut latest: BTreeMap<&str, Decimal> = BTreeMap::new();
        let (mut count, mut sum) = (0, Decimal::ZERO);
        for event in events {
            let Some(symbol) = text(event, "symbol") else { continue };
            if event.category == Category::FILL
                && let Some(bid) = latest.get(symbol)
            {
                (count, sum) = (count + 1, sum + bid);
            }
            if text(event, "event") == Some("quote") {
                latest.insert(symbol, number(event, "bid").unwrap());
            }
        }
        vec![format!("{count} | {}", if count == 0 { "-".to_owned() } else { sum.to_string() })]
    }),
    (
        "category = order | delta ts by order_id | stats count(delta_ts), max(nanos(delta_ts)) as longest",
        |events| {
            let mut before: BTreeMap<&str, i64> = BTreeMap::new();
            let mut waits: Vec<i64> = Vec::new();
            for event in events.iter().filter(|event| event.category == Category::ORDER) {
                let id = text(event, "order_id").unwrap();
                waits.extend(before.insert(id, event.ts.0).map(|before| event.ts.0 - before));
            }
            vec![format!("{} | {}", waits.len(), waits.iter().max().unwrap())]
        },
    ),
    (
        "exists correlation_id | sessions by correlation_id maxspan 1h | stats count(), max(count) as most",
        |events| {
            let groups = grouped(events, |event| text(event, "correlation_id"));
            vec![format!("{} | {}", groups.len(), groups.values().map(Vec::len).max().unwrap())]
        },
    ),
];

#[test]
fn questions_about_a_session() {
    for sealed in [0, EVENTS / 2, EVENTS] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.blotter");
        let db: Db = Options::new().without_threads().ring_bytes(64 << 20).open(&path).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
        for (number, event) in Session::new(7, SessionOptions::default()).take(EVENTS).enumerate() {
            assert!(event.record(&mut recorder).is_accepted());
            if number + 1 == sealed {
                db.seal().unwrap();
            }
        }
        db.flush().unwrap();
        let events: Vec<Event> = db.snapshot().unwrap().scan(&Predicate::all(), &Projection::all()).collect();
        assert_eq!(events.len(), EVENTS);
        let reader = Reader::open(&path).unwrap();
        for (query, count) in COUNTED {
            let expected = count(&events);
            assert!(!expected.is_empty(), "{query} has an answer");
            for found in [table(&db, query, NOW), table(&reader, query, NOW)] {
                let found: Vec<&str> = found.lines().skip(1).collect();
                assert_eq!(found, expected, "{query}, {sealed} sealed");
            }
        }
    }
}
