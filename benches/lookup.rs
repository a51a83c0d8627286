//! P5, P5b, P5c: how fast an id is found, sealed and not, and how soon another process sees an event.
//!
//! `cargo bench --bench lookup [-- sealed|unsealed|follow]...`, by default all three.
//!
//! - `sealed` (P5): `snapshot` and `lookup` of random order ids to the last event, over 1 M and 10 M sealed
//!   events; then the same for ids that do not exist, and for the first lookup after opening.
//! - `unsealed` (P5b): the same while a recorder records 200,000 events a second, for an id recorded 50 ms ago.
//! - `follow` (P5c): time from an event's own timestamp until `Follower::next` hands it out in another process,
//!   at 200,000 events a second.

use std::io::BufRead;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use blotter::view::FollowFrom;
use blotter::{Db, Options, Reader, RecorderOptions};
use blotter_workload::SessionEvent;
use hdrhistogram::Histogram;

mod bench;

const FOLLOWER: &str = "follower";
const RATE: u64 = 200_000;
/// Longer than the default WAL file lasts at that rate, so that ids are looked up in all its states.
const LIVE_TIME: Duration = Duration::from_secs(12);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [role, path] = &words[..]
        && role == FOLLOWER
    {
        return follow(Path::new(path));
    }
    bench::print_load("at the start");
    let is_wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if is_wanted("sealed") {
        let small = sealed(1_000_000);
        let large = sealed(10_000_000);
        println!(
            "P5 ratio 10 M / 1 M: p50 {:.2}, p99 {:.2}",
            large.value_at_quantile(0.5) as f64 / small.value_at_quantile(0.5) as f64,
            large.value_at_quantile(0.99) as f64 / small.value_at_quantile(0.99) as f64,
        );
    }
    if is_wanted("unsealed") {
        unsealed();
    }
    if is_wanted("follow") {
        followed();
    }
    bench::print_load("at the end");
}

fn sealed(count: usize) -> Histogram<u64> {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let ids = record_all(&db, count);
    db.seal().expect("the disk takes it");
    let segments = db.statistics().segments;
    drop(db);

    let db = Db::open(&path).expect("the database opens");
    let mut random = bench::prng();
    let first = time_lookups(&db, 1, || ids[random.below(ids.len() as u64) as usize].clone(), true);
    // Opens what is opened lazily, and fills the caches of pages already verified.
    let early = time_lookups(&db, 2_000, || ids[random.below(ids.len() as u64) as usize].clone(), true);
    let found = time_lookups(&db, 20_000, || ids[random.below(ids.len() as u64) as usize].clone(), true);
    let absent =
        time_lookups(&db, 20_000, || format!("20260105-{:08}", 90_000_000 + random.below(1 << 23)), false);
    let mut hot_ids = ids.iter().take(100).cycle();
    let hottest = time_lookups(&db, 20_000, || hot_ids.next().expect("there are ids").clone(), true);
    println!(
        "P5 lookup over {count} events in {segments} segments, {} ids: {}",
        ids.len(),
        bench::microseconds(&found)
    );
    println!("P5   the first after opening: {}", bench::microseconds(&first));
    println!("P5   the next 2,000: {}", bench::microseconds(&early));
    println!("P5   100 ids again and again: {}", bench::microseconds(&hottest));
    println!("P5   absent ids: {}", bench::microseconds(&absent));
    found
}

/// Records the session; gives every order id.
fn record_all(db: &Db, count: usize) -> Vec<String> {
    let mut recorder = db.recorder(RecorderOptions::new().service("oms")).expect("a recorder");
    let mut ids = Vec::new();
    for event in bench::session((0, 1)).take(count) {
        if event.event == "order_created" {
            ids.push(event.order_id.as_str().to_owned());
        }
        assert!(event.record(&mut recorder).is_accepted());
    }
    assert!(!ids.is_empty(), "orders are created");
    ids
}

fn time_lookups(db: &Db, times: u32, mut id: impl FnMut() -> String, is_there: bool) -> Histogram<u64> {
    let mut latencies = bench::histogram();
    for _ in 0..times {
        let id = id();
        let started = Instant::now();
        let found = lookup(db, &id);
        bench::note(&mut latencies, started.elapsed());
        assert_eq!(found > 0, is_there, "{id}");
    }
    latencies
}

/// The number of events that carry the id, each fetched whole.
fn lookup(db: &Db, id: &str) -> usize {
    bench::lookup(&db.snapshot().expect("a snapshot"), id)
}

fn unsealed() {
    let dir = bench::scratch();
    let db = Options::new()
        .backpressure(bench::BLOCK)
        .open(dir.path().join("bench.blotter"))
        .expect("a new database opens");
    // Something to search through besides.
    record_all(&db, 1_000_000);
    db.seal().expect("the disk takes it");
    let first_seq = db.statistics().next_seq.0;
    let events = bench::events((1, 2), (RATE * (LIVE_TIME.as_secs() + 1)) as usize);
    let recorded = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let (mut latencies, mut rested) = (bench::histogram(), bench::histogram());
    // What the writer had not come to: on a busy machine its thread may not run for longer than 50 ms.
    let mut unwritten = 0;
    std::thread::scope(|scope| {
        let recorder = db.recorder(RecorderOptions::new().service("oms")).expect("a recorder");
        scope.spawn(|| at_rate(&events, recorder, &recorded, &is_over));
        let started = Instant::now();
        let mut look = |latencies: &mut Histogram<u64>| {
            // By the clock, not by the count: a recorder that was late emits many at once.
            let before = recorded.load(Ordering::Acquire);
            std::thread::sleep(Duration::from_millis(50));
            let created =
                events[..before].iter().enumerate().rev().find(|(_, event)| event.event == "order_created");
            let Some((number, event)) = created else { return };
            let id = event.order_id.as_str();
            let started = Instant::now();
            let snapshot = db.snapshot().expect("a snapshot");
            let found = snapshot.lookup(id).count();
            let took = started.elapsed();
            // One recorder, nothing lost: an event's seq is its number.
            if first_seq + (number as u64) < snapshot.next_seq().0 {
                assert!(found > 0, "{id} is in the snapshot");
                bench::note(latencies, took);
            } else {
                unwritten += 1;
            }
        };
        while started.elapsed() < LIVE_TIME {
            for _ in 0..16 {
                look(&mut latencies);
            }
            // After a pause there is more to catch up with.
            std::thread::sleep(Duration::from_millis(300));
            look(&mut rested);
        }
        is_over.store(true, Ordering::Release);
    });
    assert_eq!(db.statistics().dropped, 0);
    println!(
        "P5b lookup of an id recorded 50 ms ago, at {RATE}/s: {}; {unwritten} not yet written by then",
        bench::microseconds(&latencies)
    );
    println!("P5b   after 300 ms without a lookup: {}", bench::microseconds(&rested));
}

/// Records the events in bursts of a tenth of a millisecond, which leaves the processor to others in between.
fn at_rate(
    events: &[SessionEvent],
    mut recorder: blotter::Recorder,
    recorded: &AtomicUsize,
    is_over: &AtomicBool,
) {
    let started = Instant::now();
    let mut next = 0;
    while next < events.len() && !is_over.load(Ordering::Acquire) {
        let due = (started.elapsed().as_secs_f64() * RATE as f64) as usize;
        while next < due.min(events.len()) {
            assert!(events[next].record(&mut recorder).is_accepted());
            next += 1;
        }
        recorded.store(next, Ordering::Release);
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn followed() {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new().service("oms")).expect("a recorder");
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .arg(FOLLOWER)
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the follower starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let ready = lines.next().expect("a line").expect("readable");
    assert_eq!(ready, "ready");
    let started = Instant::now();
    let mut next = 0u64;
    let number_of = |elapsed: Duration| (elapsed.as_secs_f64() * RATE as f64) as u64;
    while started.elapsed() < LIVE_TIME {
        while next < number_of(started.elapsed()) {
            let emitted =
                recorder.order(blotter::event::OrderStatus::Submitted).order_id("A-1").quantity(100).emit();
            assert!(emitted.is_accepted());
            next += 1;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    recorder.system("bench_over").field("count", next as i64).emit();
    for line in lines {
        println!("{}", line.expect("readable"));
    }
    assert!(child.wait().expect("it ends").success());
}

/// The other process: follows until it is over, and says how late events came.
fn follow(path: &Path) {
    let reader = Reader::open(path).expect("the database opens");
    let mut follower = reader.follow(FollowFrom::Now).expect("it can be followed");
    println!("ready");
    let mut latencies = bench::histogram();
    loop {
        let Some(event) = follower.next(Duration::from_secs(10)).expect("nothing is damaged") else {
            panic!("nothing came for 10 s");
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let late_ns = (now.as_nanos() as i64).saturating_sub(event.ts.nanos()).max(0);
        if event.get("event").is_some_and(|name| name.to_string() == "bench_over") {
            let count = event.get("count").map(|count| count.to_string());
            assert_eq!(count, Some(latencies.len().to_string()), "every event comes");
            break;
        }
        latencies.saturating_record(late_ns as u64);
    }
    println!("P5c emit to seen in another process, at {RATE}/s: {}", bench::microseconds(&latencies));
}
