//! What each tier takes on disk, how fast events get there, and how fast they are found there.

use std::path::Path;
use std::time::{Duration, Instant};

use blotter::event::{Day, Timestamp};
use blotter::ledger::{By, JobOutcome, POLICY_DAYS_MAX, Policy};
use blotter::maintain::{Effort, MaintainOptions};
use blotter::segment::Tier;
use blotter::{Db, Options, Queryable, RecorderOptions, Snapshot};

use super::bench;
use super::bench::work::Work;

const AGGREGATES_TIMES: usize = 11;
const LOOKUPS: u32 = 20_000;
/// Opens what is opened lazily, and fills the caches of pages already verified.
const LOOKUPS_BEFORE: u32 = 2_000;
const IDS: usize = 5_000;

/// What is the same in every tier.
struct Subject {
    events: u64,
    /// The day after the newest event; what maintenance records itself is later.
    end: Day,
    ids: Vec<String>,
    /// Events that the lookups found, and the answers of the aggregates.
    found: Option<(u64, Vec<String>)>,
}

pub(crate) fn run(count: u64) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    match std::env::var_os("BLOTTER_BENCH_DATABASE") {
        Some(given) => copy(Path::new(&given), &path),
        None => record(&path, count),
    }
    let mut subject = prepare(&path);
    measure(&path, "hot, as sealed", &mut subject);
    for (tier, name) in [(Tier::Hot, "hot, compacted"), (Tier::Warm, "warm"), (Tier::Cold, "cold")] {
        if change(&path, tier, &subject) {
            measure(&path, name, &mut subject);
        } else {
            println!("P7 {name}: nothing to do, as there are too few small segments");
        }
    }
}

fn open(path: &Path) -> Db {
    Options::new().backpressure(bench::BLOCK).without_maintenance().open(path).expect("the database opens")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("the given database can be read") {
        let entry = entry.expect("the given database can be read");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a file can be copied");
        }
    }
}

fn record(path: &Path, count: u64) {
    let db = open(path);
    let mut recorder = db.recorder(RecorderOptions::new().service("oms")).expect("a recorder");
    for event in bench::session((0, 1)).take(count as usize) {
        assert!(event.record(&mut recorder).is_accepted());
    }
    drop(recorder);
    db.close().expect("the disk takes it");
}

fn prepare(path: &Path) -> Subject {
    let db = open(path);
    db.seal().expect("the disk takes it");
    let snapshot = db.snapshot().expect("a snapshot");
    let newest = snapshot.segments().map(|meta| meta.day).max().expect("there are events");
    let rows = snapshot.query(&format!("event = order_created | sample {IDS} | fields order_id"));
    let ids =
        rows.expect("the query is right").map(|row| row.expect("rows come").get("order_id").to_string());
    let subject = Subject {
        events: snapshot.segments().map(|meta| meta.rows).sum(),
        end: Day(newest.0 + 1),
        ids: ids.collect(),
        found: None,
    };
    assert!(!subject.ids.is_empty(), "orders were created");
    db.close().expect("the disk takes it");
    subject
}

/// Brings everything into a tier; gives whether there was anything to do.
fn change(path: &Path, tier: Tier, subject: &Subject) -> bool {
    let (hot_days, warm_days) = match tier {
        Tier::Hot => (POLICY_DAYS_MAX, POLICY_DAYS_MAX),
        Tier::Warm => (0, POLICY_DAYS_MAX),
        Tier::Cold => (0, 0),
    };
    let db = open(path);
    let by = By::new("maintenance bench", "to measure each tier");
    let mut categories: Vec<String> =
        db.snapshot().expect("a snapshot").segments().map(|meta| meta.category.clone()).collect();
    categories.sort();
    categories.dedup();
    for category in &categories {
        let policy = Policy { hot_days, warm_days, delete_days: None, ..Policy::default_of(category) };
        db.set_policy(category, policy, &by).expect("the policy is sound");
    }
    let mut work = Work::default();
    let options = MaintainOptions {
        at: Some(subject.end.start()),
        effort: Effort::FULL,
        grace: Duration::ZERO,
        ..MaintainOptions::default()
    };
    let report = db.maintain_with(&options, &mut |progress| work.told(progress)).expect("it is maintained");
    work.did(&report.job);
    assert_eq!((report.job.outcome, report.job.problems), (JobOutcome::Done, Vec::new()));
    let snapshot = db.snapshot().expect("a snapshot");
    let mut of_subject = snapshot.segments().filter(|meta| meta.day < subject.end);
    assert!(of_subject.all(|meta| meta.tier == tier), "everything is {tier}");
    work.print(&format!("P7 to {tier},"));
    println!("P7 to {tier}, largest resident: {} MiB so far", bench::resident_kib_max() / 1024);
    db.close().expect("the disk takes it");
    !report.plan.steps.is_empty()
}

/// Sizes of a closed database, then what it answers.
fn measure(path: &Path, name: &str, subject: &mut Subject) {
    let per_event = |bytes: u64| bytes as f64 / subject.events as f64;
    let sizes = bench::disk_usage(path, &|file| kind_of(path, file));
    let total: u64 = sizes.values().sum();
    println!(
        "P7 {name}: {:.2} bytes per event, everything included ({total} bytes, {} events)",
        per_event(total),
        subject.events
    );
    for (kind, bytes) in &sizes {
        println!("P7   {kind}: {bytes} bytes, {:.3} per event", per_event(*bytes));
    }
    let db = open(path);
    let snapshot = db.snapshot().expect("a snapshot");
    let segments = snapshot.segments().filter(|meta| meta.day < subject.end);
    let (count, bytes) = segments.fold((0, 0), |(count, bytes), meta| (count + 1, bytes + meta.file_bytes));
    println!("P7   {count} segments of {bytes} bytes, {:.2} per event", per_event(bytes));
    let found = (look_up(&db, name, subject), aggregate(&snapshot, name, subject.end));
    match &subject.found {
        None => subject.found = Some(found),
        Some(expected) => {
            assert!(*expected == found, "{name}: lookups and aggregates find the same in all tiers")
        }
    }
    drop(snapshot);
    db.close().expect("the disk takes it");
}

/// Lookups of random order ids; gives the number of events that all of them had.
fn look_up(db: &Db, name: &str, subject: &Subject) -> u64 {
    let (mut random, mut latencies, mut found) = (bench::prng(), bench::histogram(), 0);
    for number in 0..LOOKUPS_BEFORE + LOOKUPS {
        let id = &subject.ids[random.below(subject.ids.len() as u64) as usize];
        let started = Instant::now();
        let events = bench::lookup(&db.snapshot().expect("a snapshot"), id);
        if number >= LOOKUPS_BEFORE {
            bench::note(&mut latencies, started.elapsed());
        }
        assert!(events > 0, "{id} is there");
        found += events as u64;
    }
    println!(
        "P5 {name}, lookup of {} order ids in process: {}",
        subject.ids.len(),
        bench::microseconds(&latencies)
    );
    found
}

/// Medians of aggregates; gives the answers.
fn aggregate(snapshot: &Snapshot, name: &str, end: Day) -> Vec<String> {
    let end: Timestamp = end.start();
    let ask = |(question, text): &(&str, &str)| {
        let text = format!("until {end} {text}");
        let mut took = Vec::with_capacity(AGGREGATES_TIMES);
        let mut answer = String::new();
        for _ in 0..AGGREGATES_TIMES {
            let started = Instant::now();
            answer = bench::answer(snapshot, &text).unwrap_or_else(|error| panic!("{error}"));
            took.push(started.elapsed());
        }
        let first = took[0];
        took.sort();
        println!(
            "P6 {name}, {question}: median {:.2?}, first {first:.2?}, least {:.2?}: {} rows",
            took[AGGREGATES_TIMES / 2],
            took[0],
            answer.lines().count()
        );
        answer
    };
    bench::AGGREGATES.iter().map(ask).collect()
}

/// The tier of a segment file, the name of any other.
fn kind_of(database: &Path, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = file.strip_prefix(database).ok().and_then(|file| file.components().next());
    match (file.extension(), first) {
        (Some(extension), Some(tier)) if extension == "seg" => {
            format!("{}/*.seg", tier.as_os_str().to_string_lossy())
        }
        (Some(extension), _) if extension == "wal" => "*.wal".to_owned(),
        _ if file.is_dir() => "directories".to_owned(),
        _ => name,
    }
}
