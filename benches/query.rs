//! P5, P6 and P10: what the desks ask, in the query language.
//!
//! `cargo bench --bench query [-- lookup|aggregate|latest] [events]`, by default all, over 1,000,000, 5,250,000 and
//! 100,000,000 events.
//! `BLOTTER_BENCH_DATABASE=DIR` asks that database instead, to set the figures beside those of others on the same data
//! (`benches/compare/queries.py`).
//!
//! - `lookup` (P5): all events of an order id, beside `Snapshot::lookup` of the same id.
//! - `aggregate` (P6): medians of grouped aggregates over all events, caches warm.
//! - `latest` (P10): the latest 100 events that match a filter.

use std::path::Path;
use std::time::Instant;

use blotter::segment::Projection;
use blotter::{Datum, Db, Options, Predicate, QueryOptions, Queryable, Reader, RecorderOptions, Snapshot};

mod bench;

const LATEST: &[(&str, &str)] = &[
    ("all", "| sort ts desc | limit 100"),
    ("orders", "category = order | sort ts desc | limit 100"),
    ("rejected orders", "category = order status = rejected | sort ts desc | limit 100"),
    ("errors", "level >= error | sort ts desc | limit 100"),
    ("one symbol", "symbol = AAPL category = fill | sort ts desc | limit 100"),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |part: &str| {
        let named: Vec<_> = words.iter().filter(|word| word.parse::<u64>().is_err()).collect();
        named.is_empty() || named.iter().any(|word| *word == part)
    };
    let events = |default: u64| bench::numbers().first().copied().unwrap_or(default);
    bench::print_load("at the start");
    let given = std::env::var_os("BLOTTER_BENCH_DATABASE");
    let over = |default: u64, queries, times| match &given {
        Some(path) => run(Path::new(path), queries, times),
        None => recorded(events(default), |path| run(path, queries, times)),
    };
    if is_wanted("lookup") {
        match &given {
            Some(path) => look_up(Path::new(path)),
            None => recorded(events(1_000_000), look_up),
        }
    }
    if is_wanted("aggregate") {
        over(5_250_000, bench::AGGREGATES, 11);
    }
    if is_wanted("latest") {
        over(100_000_000, LATEST, 51);
    }
    bench::print_load("at the end");
}

/// Records the session, seals it, and has it asked.
fn recorded(count: u64, ask: impl FnOnce(&Path)) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let started = Instant::now();
    let db: Db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new().service("oms")).expect("a recorder");
    for event in bench::session((0, 1)).take(count as usize) {
        assert!(event.record(&mut recorder).is_accepted());
    }
    db.seal().expect("the disk takes it");
    let segments = db.statistics().segments;
    println!("{count} events in {segments} segments, recorded and sealed in {:.1?}", started.elapsed());
    drop(recorder);
    db.close().expect("the disk takes it");
    ask(&path);
}

fn run(path: &Path, queries: &[(&str, &str)], times: usize) {
    let started = Instant::now();
    let reader = Reader::open(path).expect("the database opens");
    let snapshot = reader.snapshot().expect("a snapshot");
    println!("opened in {:.1?}: {} segments", started.elapsed(), snapshot.segments().count());
    for (name, text) in queries {
        let mut took = Vec::with_capacity(times);
        let mut found = 0;
        for _ in 0..times {
            let started = Instant::now();
            let rows = reader.query_with_options(text, &QueryOptions::default()).expect("the query is right");
            found = rows.inspect(|row| assert!(row.is_ok(), "rows come: {row:?}")).count();
            took.push(started.elapsed());
        }
        let first = took[0];
        took.sort();
        println!(
            "{name:<30} median {:>10.2?}, first {first:>10.2?}, least {:>10.2?}: {found} rows   {text}",
            took[times / 2],
            took[0]
        );
    }
}

/// Takes turns: an id through the language, the same id without it; in the process that has the database open for
/// writing, which has the catalog's filters, and then as any other process reads it, without them.
fn look_up(path: &Path) {
    println!("in the recording process:");
    let db = Db::open(path).expect("the database opens");
    look_up_in(&db.snapshot().expect("a snapshot"));
    db.close().expect("nothing was recorded");
    println!("in another process:");
    look_up_in(&Reader::open(path).expect("the database opens").snapshot().expect("a snapshot"));
}

fn look_up_in(snapshot: &Snapshot) {
    let ids =
        snapshot.query("event = order_created | sample 5000 | fields order_id").expect("the query is right");
    let ids: Vec<String> = ids.map(|row| row.expect("rows come").get("order_id").to_string()).collect();
    let (mut queried, mut scanned) = (bench::histogram(), bench::histogram());
    for id in &ids {
        let parameters = [("id".to_owned(), Datum::from(id.as_str()))].into();
        let started = Instant::now();
        let rows = snapshot.query_with("order_id = $id | sort ts", parameters).expect("the query is right");
        let found = rows.inspect(|row| assert!(row.is_ok(), "rows come: {row:?}")).count();
        bench::note(&mut queried, started.elapsed());
        let started = Instant::now();
        let expected = snapshot.scan(&Predicate::all().equals("order_id", id), &Projection::all()).count();
        bench::note(&mut scanned, started.elapsed());
        assert_eq!(found, expected, "{id}");
    }
    println!("order_id = $id | sort ts: {}", bench::microseconds(&queried));
    println!("the same scan:            {}", bench::microseconds(&scanned));
}
