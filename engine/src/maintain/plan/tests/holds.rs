//! Holds against a naive reading of all events, sealed and unsealed, and against damage.

use std::path::{Path, PathBuf};

use super::{day, partition, ts};
use crate::catalog::ledger::HoldQuery;
use crate::event::{Category, Day, Event, Field, Level, Timestamp};
use crate::maintain::plan::{HoldSearch, Partition, is_held};
use crate::record::{Recorder, RecorderOptions};
use crate::segment::Projection;
use crate::vfs::sim::{Prng, SimHost};
use crate::view::{Predicate, Reader, Snapshot};
use crate::{Db, Options};

const CATEGORIES: [Category; 3] = [Category::ORDER, Category::SIGNAL, Category::RISK];
const FIRST_DAY: &str = "2026-01-01";

fn root() -> &'static Path {
    Path::new("/desk")
}

fn open(sim: &SimHost) -> Db {
    let host = sim.boot();
    host.files.create_dir_all(root()).unwrap();
    Db::open_with(&host, root(), &Options::new().without_threads()).unwrap()
}

/// An event of three categories and days, whose values come from small pools.
fn emit(recorder: &mut Recorder, random: &mut Prng) {
    let category = CATEGORIES[random.below(3) as usize];
    let at = day(FIRST_DAY).start().0 + (random.below(3 * 86_400_000) as i64) * 1_000_000;
    let symbols = ["AAPL", "AMZN", "MSFT", "ZZ"];
    let symbol = symbols[random.below(3) as usize];
    let order = random.below(200);
    let order_text = format!("20260101-{order:06}");
    let correlation = format!("c-{}", random.below(40));
    let strategy = ["momentum", "pairs", "maker"][random.below(3) as usize];
    let mut event = recorder.event(category, Level::Info, "tested").at(Timestamp(at));
    if random.below(2) == 0 {
        event = event.symbol(symbol);
    }
    event = match random.below(4) {
        0 => event,
        // An id that is a number is found by what it prints.
        1 => event.known(Field::ORDER_ID, order as i64),
        _ => event.order_id(&order_text),
    };
    if random.below(3) == 0 {
        event = event.correlation_id(&correlation);
    }
    if random.below(4) == 0 {
        event = event.strategy(strategy);
    }
    assert!(event.emit().is_accepted());
}

fn random_query(random: &mut Prng) -> HoldQuery {
    let mut some = |make: &dyn Fn(u64) -> String, from: u64| -> Vec<String> {
        match random.below(3) {
            0 => (0..1 + random.below(3)).map(|_| make(random.below(from))).collect(),
            _ => vec![],
        }
    };
    let names = |names: &'static [&'static str]| move |at: u64| names[at as usize].to_owned();
    let categories = some(&names(&["order", "signal", "risk", "audit"]), 4);
    let symbols = some(&names(&["AAPL", "AMZN", "MSFT", "ZZ", "aapl"]), 5);
    let order_ids =
        some(&|at| if at % 2 == 0 { format!("20260101-{:06}", at / 2) } else { format!("{}", at / 2) }, 600);
    let correlation_ids = some(&|at| format!("c-{at}"), 50);
    let strategies = some(&names(&["momentum", "pairs", "maker", "desk", "none"]), 5);
    let start = day(FIRST_DAY).start().0;
    let mut time = || match random.below(3) {
        0 => Some(Timestamp(start + (random.below(4 * 86_400) as i64 - 43_200) * 1_000_000_000)),
        _ => None,
    };
    let (from, until) = (time(), time());
    HoldQuery { from, until, categories, symbols, order_ids, correlation_ids, strategies }
}

/// The meaning of a hold, word by word.
fn meets(event: &Event, query: &HoldQuery) -> bool {
    let prints = |field: Field| {
        event.field(crate::event::FieldRef::Known(field)).map(|value| value.to_string()).unwrap_or_default()
    };
    let any = |values: &[String], found: String| values.is_empty() || values.contains(&found);
    query.from.is_none_or(|from| event.ts >= from)
        && query.until.is_none_or(|until| event.ts <= until)
        && any(&query.categories, event.category.name().to_owned())
        && any(&query.symbols, prints(Field::SYMBOL))
        && any(&query.order_ids, prints(Field::ORDER_ID))
        && any(&query.correlation_ids, prints(Field::CORRELATION_ID))
        && any(&query.strategies, prints(Field::STRATEGY))
}

fn all_partitions() -> Vec<Partition> {
    let first = day(FIRST_DAY).0;
    let of_day = |day| ["order", "signal", "risk", "audit"].map(|category| partition(category, Day(day)));
    (first - 1..first + 4).flat_map(of_day).collect()
}

fn compare(snapshot: &Snapshot, random: &mut Prng, queries: usize) -> (usize, usize) {
    let events: Vec<Event> = snapshot.scan(&Predicate::all(), &Projection::all()).collect();
    let search = HoldSearch::new(snapshot);
    let (mut held, mut free) = (0, 0);
    for _ in 0..queries {
        let query = random_query(random);
        for partition in all_partitions() {
            let is_of = |event: &&Event| {
                event.ts.day() == partition.day && event.category.name() == partition.category
            };
            let expected = events.iter().filter(is_of).any(|event| meets(event, &query));
            assert_eq!(search.is_held(&query, &partition), expected, "{query:?} on {partition}");
            if expected { held += 1 } else { free += 1 }
        }
    }
    (held, free)
}

#[test]
fn a_partition_is_held_exactly_if_an_event_of_it_meets_the_query() {
    let sim = SimHost::new(1);
    let db = open(&sim);
    let mut random = Prng::new(7);
    let mut recorder = db.recorder(RecorderOptions::new().strategy("desk")).unwrap();
    for _ in 0..3 {
        (0..150).for_each(|_| emit(&mut recorder, &mut random));
        db.seal().unwrap();
    }
    (0..30).for_each(|_| emit(&mut recorder, &mut random));
    db.flush().unwrap();
    let snapshot = db.snapshot().unwrap();
    assert!(snapshot.segments().count() >= 9 && snapshot.unsealed().0 == 30);
    let (held, free) = compare(&snapshot, &mut random, 300);
    assert!(held > 500 && free > 1000, "{held} {free}");
    // Another process has no filters.
    let reader = Reader::open_on(&sim.boot(), root()).unwrap();
    compare(&reader.snapshot().unwrap(), &mut random, 50);
}

/// A database with one sealed order and one unsealed, both of the first day, and the segment's file.
fn one_order(sim: &SimHost) -> (Db, PathBuf) {
    let db = open(sim);
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let at = Timestamp(ts("2026-01-01T12:00:00Z"));
    let sealed = recorder.event(Category::ORDER, Level::Info, "x").at(at).order_id("A-5");
    sealed.symbol("AAPL").emit();
    db.seal().unwrap();
    recorder.event(Category::RISK, Level::Info, "x").at(at).order_id("R-1").emit();
    db.flush().unwrap();
    let path = root().join(db.snapshot().unwrap().segments().next().unwrap().relative_path());
    (db, path)
}

fn orders(ids: &[&str]) -> HoldQuery {
    HoldQuery { order_ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..HoldQuery::default() }
}

#[test]
fn what_cannot_be_read_counts_as_held_unless_it_is_certain_not_to_be() {
    let strategy = HoldQuery { strategies: vec!["pairs".into()], ..HoldQuery::default() };
    let both = HoldQuery { symbols: vec!["AAPL".into()], ..orders(&["A-5"]) };
    let other_symbol = HoldQuery { symbols: vec!["MSFT".into()], ..orders(&["A-5"]) };
    type Damage = fn(&SimHost, &Path);
    let nothing: Damage = |_, _| ();
    let missing: Damage = |sim, path| sim.boot().files.remove_file(path).unwrap();
    let overwritten: Damage = |sim, path| {
        let bytes = sim.read_file(path).unwrap();
        sim.overwrite_file(path, &vec![0x5A; bytes.len()]).unwrap();
    };
    for (damage, is_sound) in [(nothing, true), (missing, false), (overwritten, false)] {
        let sim = SimHost::new(3);
        let (db, path) = one_order(&sim);
        damage(&sim, &path);
        let snapshot = db.snapshot().unwrap();
        let of = |category, text| partition(category, day(text));
        for (query, partition, expected) in [
            (orders(&["A-5"]), of("order", "2026-01-01"), true),
            (both.clone(), of("order", "2026-01-01"), true),
            // The catalog knows all ids and symbols of the segment, so these are certain.
            (orders(&["A-6", "B-5"]), of("order", "2026-01-01"), false),
            (other_symbol.clone(), of("order", "2026-01-01"), false),
            // It does not know its strategies.
            (strategy.clone(), of("order", "2026-01-01"), !is_sound),
            // Of times it knows the bounds.
            (HoldQuery::default(), of("order", "2026-01-01"), true),
            (orders(&["A-5"]), of("order", "2026-01-02"), false),
            (orders(&["A-5"]), of("risk", "2026-01-01"), false),
            (orders(&["R-1"]), of("risk", "2026-01-01"), true),
            (orders(&["A-5"]), of("unknown_to_the_process", "2026-01-01"), false),
        ] {
            let found = is_held(&snapshot, &query, &partition).unwrap();
            assert_eq!(found, expected, "{query:?} on {partition}, sound: {is_sound}");
        }
    }
}

#[test]
fn what_cannot_even_be_listed_may_be_anything() {
    let sim = SimHost::new(4);
    let (db, _) = one_order(&sim);
    let mut snapshot = db.snapshot().unwrap();
    let elsewhere = partition("order", day("2020-01-01"));
    assert!(!is_held(&snapshot, &orders(&["Z"]), &elsewhere).unwrap());
    snapshot.unreadable.push(("wal/2.wal".into(), "tests say so".into()));
    assert!(is_held(&snapshot, &orders(&["Z"]), &elsewhere).unwrap());
    let other_category = HoldQuery { categories: vec!["risk".into()], ..orders(&["Z"]) };
    assert!(!is_held(&snapshot, &other_category, &elsewhere).unwrap());
}

#[test]
fn ten_thousand_ids_are_one_question() {
    let sim = SimHost::new(5);
    let (db, _) = one_order(&sim);
    let ids: Vec<String> = (0..9_999).map(|number| format!("A-{number:07}")).collect();
    let mut query = HoldQuery { order_ids: ids, ..HoldQuery::default() };
    let snapshot = db.snapshot().unwrap();
    let search = HoldSearch::new(&snapshot);
    let (sealed, unsealed) = (partition("order", day(FIRST_DAY)), partition("risk", day(FIRST_DAY)));
    assert!(!search.is_held(&query, &sealed) && !search.is_held(&query, &unsealed));
    query.order_ids.push("A-5".into());
    assert!(search.is_held(&query, &sealed) && !search.is_held(&query, &unsealed));
    query.order_ids[77] = "R-1".into();
    assert!(search.is_held(&query, &sealed) && search.is_held(&query, &unsealed));
}
