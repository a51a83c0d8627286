//! Random events, and what a segment of them must answer, found without one.

use std::path::Path;

use crate::event::record::{Defaults, Encoder, Record};
use crate::event::{
    Category, Day, Decimal, Event, FieldKey, FieldRef, Level, ProducerId, Seq, Timestamp, Value,
    parse_decimal,
};
use crate::segment::{
    FinishedSegment, Segment, SegmentBuilder, SegmentId, SegmentIdentity, SegmentOptions, Tier,
};
use crate::vfs::Mapping;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

pub(super) const DAY: Day = Day(20_455);

pub(super) fn event(seq: u64, ts: i64, level: Level, fields: Vec<(&str, Value)>) -> Event {
    Event {
        ts: Timestamp(DAY.start().0 + ts),
        seq: Seq(seq),
        producer: ProducerId(1),
        pseq: seq,
        category: Category::ORDER,
        level,
        fields: fields.into_iter().map(|(name, value)| (FieldKey::new(name), value)).collect(),
    }
}

pub(super) fn decimal(text: &str) -> Value {
    Value::Decimal(parse_decimal("", text).unwrap())
}

/// The life of orders: the shape of real data.
pub(super) fn orders(random: &mut Random, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let mut open: Vec<(String, String, u64)> = Vec::new();
    let mut ts = 0;
    while events.len() < count {
        ts += random.below(100_000) as i64;
        let seq = 1000 + events.len() as u64;
        let at = ts + if random.one_in(5) { random.below(50_000) as i64 } else { 0 };
        if open.is_empty() || random.one_in(3) {
            let order = format!("20120621-AMZN-{}", random.below(30_000_000));
            let strategy = random.pick(&["momentum", "market_maker", "pairs"]);
            let correlation = format!("{strategy}_{:012x}", random.next() >> 16);
            let (side, quantity) = (random.pick(&["BUY", "SELL"]), random.below(300) + 1);
            let price = random.pick(&["223.81", "224", "223.8", "223.95"]);
            let message = format!("order created: {side} {quantity} AMZN @ {price}");
            events.push(event(
                seq,
                at,
                Level::Info,
                vec![
                    ("event", "order_created".into()),
                    ("order_id", order.as_str().into()),
                    ("correlation_id", correlation.as_str().into()),
                    ("symbol", "AMZN".into()),
                    ("message", message.into()),
                    ("strategy", strategy.into()),
                    ("side", side.into()),
                    ("quantity", Value::Decimal(quantity.into())),
                    ("price", decimal(price)),
                ],
            ));
            open.push((order, correlation, quantity));
        } else {
            let at_index = random.below(open.len() as u64) as usize;
            let (order, correlation, _) = open[at_index].clone();
            let latency = random.below(2000) as i64;
            let (name, message) = match random.below(3) {
                0 => ("order_submitted", format!("order submitted (latency {latency}us)")),
                1 => ("order_acknowledged", "order acknowledged by exchange".to_owned()),
                _ => (
                    "order_cancelled",
                    format!("done: {order} score {}.{:03}", random.below(3), random.below(1000)),
                ),
            };
            let mut fields = vec![
                ("event", name.into()),
                ("order_id", order.as_str().into()),
                ("correlation_id", correlation.as_str().into()),
                ("symbol", "AMZN".into()),
                ("message", message.into()),
                ("latency_us", Value::I64(latency)),
            ];
            if name == "order_submitted" {
                fields.push(("exchange_order_id", format!("X{}", random.below(100_000_000)).into()));
            }
            events.push(event(seq, at, if random.one_in(50) { Level::Warn } else { Level::Info }, fields));
            if name == "order_cancelled" {
                open.swap_remove(at_index);
            }
        }
    }
    events
}

/// Orders whose fields follow from each other: the correlation id starts with the strategy, latencies are times since
/// the order's first event; but for a few.
pub(super) fn related_orders(random: &mut Random, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut open: Vec<(String, String, &str, i64)> = Vec::new();
    let mut ts = 0;
    while events.len() < count {
        ts += random.below(3_000_000) as i64;
        let is_new = open.is_empty() || (open.len() < 30 && random.one_in(2));
        if is_new {
            let strategy = random.pick(&["momentum", "market_maker", "pairs"]);
            let order = format!("20120621-AMZN-{}", 1_000_000 + 17 * events.len() as u64 + random.below(40));
            open.push((order, format!("{strategy}_{:012x}", random.next() >> 16), strategy, ts));
        }
        let at = if is_new { open.len() - 1 } else { random.below(open.len() as u64) as usize };
        let (order, correlation, strategy, created) = &open[at];
        let latency = if random.one_in(20) { random.below(100) as i64 } else { (ts - created) / 1000 };
        let mut fields = vec![
            ("event", if is_new { "order_created" } else { "order_acknowledged" }.into()),
            ("order_id", order.as_str().into()),
            ("correlation_id", correlation.as_str().into()),
            ("symbol", "AMZN".into()),
            ("message", format!("{strategy} order after {latency}us").into()),
            ("strategy", (*strategy).into()),
        ];
        if !is_new {
            fields.push(("latency_us", Value::I64(latency)));
        }
        events.push(event(1000 + events.len() as u64, ts, Level::Info, fields));
        if !is_new && random.one_in(2) {
            open.swap_remove(at);
        }
    }
    events
}

/// Messages in which words recur, but nothing that a template could be made of.
pub(super) fn prose(random: &mut Random, count: usize) -> Vec<Event> {
    let words = [
        "filled",
        "cancelled",
        "by",
        "the",
        "exchange",
        "after",
        "timeout",
        "order",
        "refused",
        "because",
        "of",
    ];
    let message = |random: &mut Random| {
        let length = 8 + random.below(12) as usize;
        let words: Vec<&str> = (0..length).map(|_| random.pick(&words)).collect();
        format!("{} {}", words.join(" "), random.next() % 100_000)
    };
    (0..count)
        .map(|i| event(i as u64, i as i64, Level::Info, vec![("message", message(random).into())]))
        .collect()
}

/// Events of any kind: every type, one name with several types, odd texts, extreme numbers.
pub(super) fn anything(random: &mut Random, count: usize) -> Vec<Event> {
    let names = [
        "event",
        "message",
        "order_id",
        "correlation_id",
        "symbol",
        "strategy",
        "price",
        "pnl",
        "latency_us",
        "x",
        "y",
        "имя",
        "mixed",
        "a.b.c",
        "rare",
    ];
    let event = |index: usize, random: &mut Random| {
        let mut fields: Vec<(FieldKey, Value)> = Vec::new();
        for name in names {
            if random.one_in(3) || (name == "rare" && !random.one_in(40)) {
                continue;
            }
            fields.push((FieldKey::new(name), value(random)));
        }
        if random.one_in(4) {
            fields.reverse();
        }
        Event {
            ts: Timestamp(DAY.start().0 + random.below(1000) as i64 * 1_000_000),
            seq: Seq(u64::MAX / 3 + index as u64),
            producer: ProducerId(random.below(4) as u32),
            pseq: random.below(1 << 40),
            category: Category::ORDER,
            level: random.pick(&Level::ALL),
            fields,
        }
    };
    (0..count).map(|index| event(index, random)).collect()
}

fn value(random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Bool(random.one_in(2)),
        1 => Value::I64(random.pick(&[i64::MIN, i64::MAX, 0, -1, 7])),
        2 => Value::I64(random.below(100) as i64),
        3 => Value::F64(random.pick(&[0.0, -0.0, 0.1, f64::MAX, f64::MIN_POSITIVE, -1e300, 5e-324])),
        4 => Value::F64(random.below(1000) as f64 / 8.0),
        5 => decimal(random.pick(&["0", "-0.00", "1.50", "1.5", "0.0000000000000000000000000001"])),
        6 => Value::Decimal(random.pick(&[Decimal::MAX, Decimal::MIN, Decimal::new(-5, 28)])),
        7 => Value::Decimal(Decimal::new(random.next() as i64 >> random.below(64), random.below(6) as u32)),
        8 => random
            .pick(&["", "a", "é", "日本", "\u{10ffff}", "line\nbreak", "7", "-7", "true", "1.50", "0.1"])
            .into(),
        9 => format!("id-{}", random.below(20)).into(),
        10 => format!("{:032x}", u128::from(random.next()) << 64 | u128::from(random.next())).into(),
        11 => format!("took {} of {:03} at {}", random.below(9), random.below(99), random.next() % 50).into(),
        12 => "text ".repeat(random.below(50) as usize).into(),
        _ => format!("{}", random.next()).into(),
    }
}

pub(super) fn encode(encoder: &mut Encoder, event: &Event) -> Vec<u8> {
    encoder.begin(event.category, event.level);
    for (key, value) in &event.fields {
        encoder.field(key.borrow(), value.borrow()).unwrap();
    }
    encoder.finish(event.ts, event.pseq).to_vec()
}

pub(super) fn build(events: &[Event], options: &SegmentOptions) -> FinishedSegment {
    let mut builder = SegmentBuilder::new(options);
    let mut encoder = Encoder::new();
    for event in events {
        let bytes = encode(&mut encoder, event);
        let record = Record::parse(&bytes).unwrap();
        builder.push(event.seq, event.producer, &record, &Defaults::default()).unwrap();
    }
    assert_eq!(builder.rows(), events.len() as u64);
    builder.finish(SegmentIdentity {
        id: SegmentId(7),
        day: DAY,
        category: Category::ORDER,
        tier: Tier::Hot,
        source_wal: 3,
    })
}

pub(super) fn open(bytes: &[u8]) -> crate::Result<Segment> {
    Segment::open(Path::new("test.seg"), Mapping::new(bytes.to_vec()))
}

/// The events as the segment must give them back: sorted, and each with its fields in the order documented.
pub(super) fn expected(events: &[Event]) -> Vec<Event> {
    let mut sorted = events.to_vec();
    for event in &mut sorted {
        for (key, value) in &mut event.fields {
            // As the encoder of records does.
            if let (FieldKey::Known(field), Value::I64(whole)) = (&*key, &*value)
                && field.is_decimal()
            {
                *value = Value::Decimal((*whole).into());
            }
        }
    }
    sorted.sort_by_key(|event| (event.ts, event.seq));
    sorted
}

/// Fields in an order of their own, for comparison; decimals with their scale.
pub(super) fn canonical(event: &Event) -> (Timestamp, Seq, ProducerId, u64, Level, Vec<(String, String)>) {
    let mut fields: Vec<(String, String)> = event
        .fields
        .iter()
        .map(|(key, value)| {
            let kind = value.borrow().value_type();
            (key.name().to_owned(), format!("{kind:?} {value}"))
        })
        .collect();
    fields.sort();
    (event.ts, event.seq, event.producer, event.pseq, event.level, fields)
}

/// Rows in which a field prints so.
pub(super) fn rows_with(events: &[Event], field: FieldRef<'_>, text: &str) -> Vec<u32> {
    let has = |event: &Event| event.field(field).is_some_and(|value| value.to_string() == text);
    (0..events.len() as u32).filter(|row| has(&events[*row as usize])).collect()
}
