//! Random events, and the databases they are recorded into.

use std::path::{Path, PathBuf};

use blotter::event::{Category, Decimal, Event, Level, Timestamp, Value, dec};
use blotter::segment::Projection;
use blotter::vfs::sim::Prng;
use blotter::{Db, Options, Predicate, Reader, Recorder, RecorderOptions, Snapshot};

use crate::clock::{DAY_NS, HOUR_NS, SECOND_NS};
use crate::expression::ModelRow;
use crate::value::ModelValue;

/// An event to be recorded.
#[derive(Clone, Debug)]
pub struct Planned {
    pub ts: i64,
    pub category: Category,
    pub level: Level,
    pub event: &'static str,
    pub fields: Vec<(&'static str, Value)>,
}

/// Noons of days around which clocks change in New York, in Berlin, and nowhere.
pub const NOONS: [i64; 4] = [
    1_772_971_200 * SECOND_NS,
    1_792_929_600 * SECOND_NS,
    1_793_534_400 * SECOND_NS,
    1_767_355_200 * SECOND_NS,
];

pub const INDEXED: [&str; 4] = ["order_id", "correlation_id", "symbol", "x"];

/// Every field that events have, with how often they have it, in percent.
pub const FIELDS: &[(&str, u64)] = &[
    ("message", 70),
    ("symbol", 80),
    ("order_id", 50),
    ("correlation_id", 50),
    ("strategy", 50),
    ("service", 40),
    ("side", 50),
    ("status", 50),
    ("order_type", 40),
    ("price", 60),
    ("quantity", 50),
    ("bid", 40),
    ("latency_us", 60),
    ("slippage_bps", 40),
    ("n", 70),
    ("f", 60),
    ("g", 40),
    ("d", 60),
    ("b", 50),
    ("t", 60),
    ("num", 60),
    ("mixed", 60),
    ("big", 30),
    ("size_kb", 30),
    ("drawdown_pct", 30),
    ("my-field", 30),
    ("late", 30),
    ("rare", 4),
    ("x", 40),
];

const MESSAGES: [&str; 9] = [
    "order A-1 filled",
    "Timeout after 5s",
    "TIMEOUT: retry_timeout",
    "timeouts seen",
    "über Zürich 日本",
    "reject: risk limit",
    "risk/limit 95%",
    "a \"quoted\" word",
    "",
];

pub fn decimal(random: &mut Prng) -> Decimal {
    let scale = [0, 1, 2, 2, 4][random.below(5) as usize];
    let value = Decimal::new((random.below(4_000) as i64 - 1_000) * 10i64.pow(scale) / 100, scale);
    if random.one_in(3) { value.normalize() } else { value }
}

fn text(random: &mut Prng) -> &'static str {
    ["", "a", "ab", "abc", "Ab", "日本", "zürich", "7", "7.0", "a b", "true", "a.b|c"]
        [random.below(12) as usize]
}

fn number(random: &mut Prng) -> Value {
    match random.below(4) {
        0 => Value::I64(random.below(12) as i64 - 4),
        1 => Value::F64((random.below(100) as f64 - 30.0) / 8.0),
        2 => Value::Decimal(Decimal::new(random.below(12) as i64 - 4, 0)),
        _ => Value::Decimal(Decimal::new(random.below(120) as i64 * 25 - 900, 2)),
    }
}

/// A value of a field.
fn value(random: &mut Prng, field: &str) -> Value {
    let mut of = |texts: &[&str]| Value::from(texts[random.below(texts.len() as u64) as usize]);
    match field {
        "message" => of(&MESSAGES),
        "symbol" => of(&["AAPL", "MSFT", "AMZN", "BRK.B", "aapl", "日経"]),
        "strategy" => of(&["momentum", "mean_reversion", "pairs"]),
        "service" => of(&["gateway", "risk", "oms"]),
        "side" => of(&["BUY", "SELL", "buy"]),
        "status" => of(&["filled", "Filled", "rejected", "open"]),
        "order_type" => of(&["limit", "LIMIT", "market"]),
        "my-field" => of(&["p", "q", "r s"]),
        "rare" => of(&["once", "twice"]),
        "order_id" if random.one_in(10) => Value::I64(random.below(3) as i64 + 6),
        "order_id" => Value::from(format!("A-{}", random.below(12))),
        "correlation_id" if random.one_in(3) => Value::from(format!("A-{}", random.below(12))),
        "correlation_id" => Value::from(format!("c-{}", random.below(15))),
        "x" => Value::from(format!("x{}", random.below(9))),
        "t" => Value::from(text(random)),
        "price" | "bid" => Value::Decimal(Decimal::new(10_000 + random.below(40) as i64 * 5, 2)),
        "quantity" => Value::I64(100 * (1 + random.below(9) as i64)),
        "latency_us" => Value::I64(random.below(3_000) as i64),
        "slippage_bps" if random.one_in(2) => Value::F64(random.below(40) as f64 / 4.0 - 4.0),
        "slippage_bps" => Value::Decimal(Decimal::new(random.below(80) as i64 - 30, 1)),
        "n" => Value::I64(random.below(30) as i64 - 10),
        "f" => Value::F64((random.below(60) as f64 - 20.0) / 8.0),
        "g" => Value::F64([0.1 + 0.2, 0.3, 1e-7, 123_456.789, -2.5, 0.1, 1e15][random.below(7) as usize]),
        "d" | "drawdown_pct" => Value::Decimal(decimal(random)),
        "b" => Value::Bool(random.one_in(2)),
        "num" => number(random),
        "mixed" => match random.below(4) {
            0 => Value::from(text(random)),
            1 => Value::Bool(random.one_in(2)),
            _ => number(random),
        },
        "big" if random.one_in(2) => Value::I64([i64::MAX, i64::MIN, i64::MAX - 1][random.below(3) as usize]),
        "big" => Value::Decimal(dec!(1000000000000000000000.125) * Decimal::from(random.below(9) as i64 - 4)),
        "size_kb" | "late" => Value::I64(random.below(100) as i64),
        other => panic!("no values for '{other}'"),
    }
}

/// Events around a noon. The first few have every field, so that what types a field has is the same in all sets.
/// `are_dense`: of few categories and hours, so that segments have several blocks.
pub fn random_events(random: &mut Prng, noon: i64, count: usize, are_dense: bool) -> Vec<Planned> {
    let (kinds, hours) = if are_dense { (2, 10) } else { (5, 72) };
    let training = Category::custom("training").expect("it is well formed");
    let categories = [Category::ORDER, Category::FILL, Category::MARKET_DATA, Category::RISK, training];
    let mut events: Vec<Planned> = Vec::new();
    for number in 0..count {
        let ts = match events.last() {
            Some(last) if random.one_in(4) => last.ts,
            Some(last) if random.one_in(3) => last.ts + random.below(3_000_000_000) as i64,
            _ => {
                let hour = noon - hours / 2 * HOUR_NS + random.below(hours as u64) as i64 * HOUR_NS;
                hour + [0, 1, 1_800 * SECOND_NS, random.below(HOUR_NS as u64) as i64]
                    [random.below(4) as usize]
            }
        };
        let mut fields = Vec::new();
        for (field, percent) in FIELDS {
            let is_late = *field == "late" && number < count / 2;
            if number < 12 || !is_late && random.below(100) < *percent {
                let value = match (*field, number % 6) {
                    ("mixed", 0) => Value::from("ab"),
                    ("mixed", 1) => Value::Bool(true),
                    ("num" | "mixed" | "slippage_bps", 2) => Value::F64(1.5),
                    ("num" | "mixed", 3) => Value::I64(1),
                    ("num" | "mixed" | "slippage_bps", 4) => Value::Decimal(dec!(1.00)),
                    ("big", 3) => Value::I64(i64::MAX),
                    ("big", 4) => Value::Decimal(dec!(1000000000000000000000.125)),
                    ("order_id", 5) => Value::I64(7),
                    _ => value(random, field),
                };
                fields.push((*field, value));
            }
        }
        events.push(Planned {
            ts,
            category: categories[random.below(kinds) as usize],
            level: Level::ALL[random.below(6) as usize],
            event: ["order_created", "fill", "quote", "tick", "cross"][random.below(5) as usize],
            fields,
        });
    }
    // Mostly in order, as recorded events are.
    if random.one_in(2) {
        events.sort_by_key(|event| event.ts - event.ts % (DAY_NS / 4));
    }
    events
}

/// How events lie on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Tail,
    Sealed,
    SealedOften,
    SealedAndTail,
    SmallBlocks,
    Reopened,
}

impl Layout {
    pub const ALL: [Layout; 6] = [
        Layout::Tail,
        Layout::Sealed,
        Layout::SealedOften,
        Layout::SealedAndTail,
        Layout::SmallBlocks,
        Layout::Reopened,
    ];
}

/// A database with events, and the directory it is in.
pub struct Recorded {
    pub db: Db,
    pub reader: Reader,
    pub layout: Layout,
    _dir: tempfile::TempDir,
}

fn open(path: &Path, layout: Layout) -> Db {
    let options = Options::new().without_threads().index("x");
    let options = if layout == Layout::SmallBlocks { options.block_rows(128) } else { options };
    options.open(path).unwrap()
}

fn record(db: &Db, recorder: &mut Recorder, events: &[Planned]) {
    for event in events {
        let mut builder = recorder.event(event.category, event.level, event.event).at(Timestamp(event.ts));
        for (name, value) in &event.fields {
            builder = builder.field(name, value.borrow());
        }
        let emitted = builder.emit();
        assert!(emitted.is_accepted(), "{emitted:?}");
    }
    db.flush().unwrap();
}

/// Records events into a database of a layout.
pub fn recorded(events: &[Planned], layout: Layout) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("desk.blotter");
    let mut db = open(&path, layout);
    let seal_every = match layout {
        Layout::Tail => usize::MAX,
        Layout::Sealed | Layout::SmallBlocks => events.len().max(1),
        Layout::SealedOften => (events.len() / 7).max(1),
        Layout::SealedAndTail | Layout::Reopened => (events.len() / 3).max(1),
    };
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let chunks: Vec<&[Planned]> = events.chunks(seal_every.min(events.len().max(1))).collect();
    for (number, chunk) in chunks.iter().enumerate() {
        record(&db, &mut recorder, chunk);
        let is_last = number + 1 == chunks.len();
        let keeps_tail = matches!(layout, Layout::SealedAndTail | Layout::Reopened) && is_last;
        if layout != Layout::Tail && !keeps_tail {
            db.seal().unwrap();
        }
        if layout == Layout::Reopened {
            drop(recorder);
            db.close().unwrap();
            db = open(&path, layout);
            recorder = db.recorder(RecorderOptions::new()).unwrap();
        }
    }
    let reader = Reader::open(&path).unwrap();
    Recorded { db, reader, layout, _dir: dir }
}

/// All events of a database as rows of the model, in (`ts`, `seq`) order.
pub fn model_rows(snapshot: &Snapshot) -> Vec<ModelRow> {
    let mut rows: Vec<ModelRow> =
        snapshot.scan(&Predicate::all(), &Projection::all()).map(|event| model_row(&event)).collect();
    rows.sort_by_key(|row| match (&row["ts"], &row["seq"]) {
        (ModelValue::Time(ts), ModelValue::Int(seq)) => (*ts, *seq),
        _ => unreachable!("events have both"),
    });
    rows
}

fn model_row(event: &Event) -> ModelRow {
    let fixed = [
        ("ts", ModelValue::Time(event.ts.0)),
        ("seq", ModelValue::Int(event.seq.0 as i64)),
        ("producer", ModelValue::Int(i64::from(event.producer.0))),
        ("pseq", ModelValue::Int(event.pseq as i64)),
        ("category", ModelValue::Category(event.category.name().to_owned())),
        ("level", ModelValue::Level(event.level)),
    ];
    let fields = event.fields.iter().map(|(key, value)| (key.name().to_owned(), ModelValue::from(value)));
    fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(fields).collect()
}
