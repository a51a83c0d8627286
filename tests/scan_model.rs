//! Random events and random predicates: scans give what a naive filter over all events gives, over every mix of
//! WAL tail and segments, forwards and backwards, by the writer's snapshot and by a reader's.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::BTreeSet;

use blotter::event::{Category, Event, Field, FieldKey, Level, Timestamp, Value, ValueRef, dec};
use blotter::segment::Projection;
use blotter::vfs::sim::Prng;
use blotter::view::{Comparison, UnsealedEvent};
use blotter::{Options, Predicate, Reader, RecorderOptions, Snapshot};

const CATEGORIES: [Category; 3] = [Category::ORDER, Category::FILL, Category::AUDIT];
const DAY_NS: i64 = 86_400_000_000_000;

fn random_value(random: &mut Prng) -> Value {
    match random.below(6) {
        0 => Value::Bool(random.one_in(2)),
        1 => Value::I64(random.below(20) as i64 - 10),
        2 => Value::F64(random.below(20) as f64 / 4.0),
        3 => Value::Decimal(dec!(0.5) * blotter::event::Decimal::from(random.below(20) as i64 - 10)),
        4 => Value::Str(format!("{}", random.below(10)).into()),
        _ => Value::Str(["", "a", "ab", "日本", "2.50"][random.below(5) as usize].into()),
    }
}

/// What a predicate asks, in a form that the naive filter understands.
enum Asked {
    Text(&'static str, Vec<String>),
    Any(String),
    Compare(&'static str, Comparison, Value),
    Exists(&'static str),
    Missing(&'static str),
}

const FIELDS: [&str; 5] = ["order_id", "symbol", "x", "y", "status"];

fn random_asked(random: &mut Prng) -> Asked {
    let field = FIELDS[random.below(5) as usize];
    match random.below(6) {
        0 => Asked::Any(format!("A-{}", random.below(40))),
        1 => Asked::Exists(field),
        2 => Asked::Missing(field),
        3 => {
            let texts = (0..1 + random.below(3)).map(|_| match field {
                "order_id" => format!("A-{}", random.below(40)),
                _ => random_value(random).to_string(),
            });
            Asked::Text(field, texts.collect())
        }
        _ => {
            let comparison = [
                Comparison::Equal,
                Comparison::Less,
                Comparison::LessOrEqual,
                Comparison::Greater,
                Comparison::GreaterOrEqual,
            ][random.below(5) as usize];
            Asked::Compare(field, comparison, random_value(random))
        }
    }
}

fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::I64(_) | ValueRef::F64(_) | ValueRef::Decimal(_) => value.to_string().parse().ok(),
        _ => None,
    }
}

impl Asked {
    fn add_to(&self, predicate: Predicate) -> Predicate {
        match self {
            Asked::Text(field, texts) => match &texts[..] {
                [text] => predicate.equals(*field, text),
                texts => predicate.equals_any(*field, texts),
            },
            Asked::Any(text) => predicate.any_indexed(text),
            Asked::Compare(field, comparison, value) => predicate.compare(*field, *comparison, value.clone()),
            Asked::Exists(field) => predicate.exists(*field),
            Asked::Missing(field) => predicate.missing(*field),
        }
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Asked::Text(field, texts) => {
                event.get(field).is_some_and(|value| texts.contains(&value.to_string()))
            }
            Asked::Any(text) => ["order_id", "correlation_id", "symbol", "x"]
                .iter()
                .any(|field| event.get(field).is_some_and(|value| value.to_string() == *text)),
            Asked::Compare(field, comparison, value) => {
                // All numbers here are small multiples of 1/4, which floats hold exactly.
                let ordering = match (event.get(field), value.borrow()) {
                    (Some(ValueRef::Str(left)), ValueRef::Str(right)) => Some(left.cmp(right)),
                    (Some(ValueRef::Bool(left)), ValueRef::Bool(right)) => Some(left.cmp(&right)),
                    (Some(left), right) => {
                        number(left).zip(number(right)).and_then(|(left, right)| left.partial_cmp(&right))
                    }
                    (None, _) => None,
                };
                ordering.is_some_and(|ordering| comparison.holds(ordering))
            }
            Asked::Exists(field) => event.get(field).is_some(),
            Asked::Missing(field) => event.get(field).is_none(),
        }
    }
}

/// The events of all parts that may hold a match; each is in one part only.
fn seqs_in_parts(snapshot: &Snapshot, predicate: &Predicate) -> BTreeSet<u64> {
    let mut seqs = BTreeSet::new();
    for part in snapshot.segment_parts(predicate) {
        let segment = part.open().unwrap();
        for row in 0..segment.rows() {
            assert!(seqs.insert(segment.event(row, &Projection::fields([])).unwrap().seq.0));
        }
    }
    for part in snapshot.unsealed_parts(predicate) {
        let mut events = 0;
        part.each(|number, event| -> blotter::Result<()> {
            assert!(seqs.insert(event.seq.0));
            let again = part.get(number, event.seq)?;
            assert_eq!((again.ts, again.pseq, again.level), (event.ts, event.pseq, event.level));
            let fields =
                |event: &UnsealedEvent<'_>| event.fields().map(|field| format!("{field:?}")).collect();
            let (first, second): (Vec<String>, Vec<String>) = (fields(event), fields(&again));
            assert_eq!(first, second);
            events += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(events, part.events());
    }
    seqs
}

#[test]
fn scans_equal_a_naive_filter() {
    let mut compared = 0;
    for seed in 0..8 {
        let mut random = Prng::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.blotter");
        let db = Options::new().without_threads().block_rows(128).index("x").open(&path).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
        for round in 0..4 {
            for _ in 0..random.below(500) {
                let category = CATEGORIES[random.below(3) as usize];
                let level = Level::ALL[random.below(6) as usize];
                let ts =
                    Timestamp(20_000 * DAY_NS + random.below(3) as i64 * DAY_NS + random.below(50) as i64);
                let (order_id, x, y) =
                    (format!("A-{}", random.below(40)), random_value(&mut random), random_value(&mut random));
                let mut event = recorder.event(category, level, "tick").at(ts);
                if random.one_in(2) {
                    event = event.order_id(&order_id);
                }
                if random.one_in(2) {
                    event = event.field("x", x.borrow());
                }
                if random.one_in(3) {
                    event = event.field("y", y.borrow()).known(Field::STATUS, "filled");
                }
                assert!(event.emit().is_accepted());
            }
            db.flush().unwrap();
            if round == 1 || round == 2 && random.one_in(2) {
                db.seal().unwrap();
            }
        }
        let snapshots = [db.snapshot().unwrap(), Reader::open(&path).unwrap().snapshot().unwrap()];
        let everything: Vec<Event> = snapshots[0].scan(&Predicate::all(), &Projection::all()).collect();
        assert_eq!(everything.len() as u64, snapshots[0].next_seq().0);
        for snapshot in &snapshots {
            assert_eq!(seqs_in_parts(snapshot, &Predicate::all()), (0..everything.len() as u64).collect());
        }
        for _ in 0..150 {
            let asked: Vec<Asked> = (0..random.below(3)).map(|_| random_asked(&mut random)).collect();
            let mut predicate =
                asked.iter().fold(Predicate::all(), |predicate, asked| asked.add_to(predicate));
            let mut expected: Vec<&Event> =
                everything.iter().filter(|event| asked.iter().all(|asked| asked.holds(event))).collect();
            if random.one_in(3) {
                let category = CATEGORIES[random.below(3) as usize];
                predicate = predicate.category(category);
                expected.retain(|event| event.category == category);
            }
            if random.one_in(3) {
                let level = Level::ALL[random.below(6) as usize];
                predicate = predicate.level_at_least(level);
                expected.retain(|event| event.level >= level);
            }
            if random.one_in(3) {
                let first = Timestamp(20_000 * DAY_NS + random.below(50) as i64);
                let last = Timestamp(first.0 + random.below(2 * DAY_NS as u64) as i64);
                predicate = predicate.between(first, last);
                expected.retain(|event| event.ts >= first && event.ts <= last);
            }
            if random.one_in(4) {
                let (first, last) = (random.below(500), 200 + random.below(1000));
                predicate = predicate.seq_between(first, last);
                expected.retain(|event| event.seq.0 >= first && event.seq.0 <= last);
            }
            let wanted = if random.one_in(2) {
                Projection::all()
            } else {
                Projection::fields([FieldKey::new("x"), FieldKey::new("order_id")])
            };
            let projected = |event: &Event| {
                let mut event = event.clone();
                if let Projection::Fields(fields) = &wanted {
                    event.fields.retain(|(key, _)| fields.contains(key));
                }
                event.fields.sort_by(|left, right| left.0.cmp(&right.0));
                event
            };
            let expected: Vec<Event> = expected.into_iter().map(projected).collect();
            for snapshot in &snapshots {
                let sorted = |mut event: Event| {
                    event.fields.sort_by(|left, right| left.0.cmp(&right.0));
                    event
                };
                let forwards: Vec<Event> = snapshot.scan(&predicate, &wanted).map(sorted).collect();
                assert_eq!(forwards, expected, "seed {seed}: {predicate:?}");
                let mut backwards: Vec<Event> =
                    snapshot.scan_backwards(&predicate, &wanted).map(sorted).collect();
                backwards.reverse();
                assert_eq!(backwards, expected, "seed {seed}, backwards: {predicate:?}");
                if random.one_in(20) {
                    let in_parts = seqs_in_parts(snapshot, &predicate);
                    assert!(expected.iter().all(|event| in_parts.contains(&event.seq.0)), "{predicate:?}");
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 8 * 150 * 2);
}
