//! Tiers and retention through the public API, day by day on a simulated clock.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use blotter::event::{Category, Event, Timestamp};
use blotter::maintain::plan::Partition;
use blotter::maintain::{Effort, MaintainOptions};
use blotter::segment::{Projection, Tier};
use blotter::vfs::sim::SimHost;
use blotter::{Db, FollowFrom, Options, Predicate, Reader, RecorderOptions, Seq};
use blotter_workload::{Session, SessionOptions};

const DAY_NS: i64 = 86_400_000_000_000;
/// 2026-01-05, a Monday.
const FIRST_DAY: i64 = 20_458;

fn options() -> Options {
    Options::new().without_threads().ring_bytes(1 << 20).wal_bytes_max(1 << 20).block_rows(128)
}

fn record_day(db: &Db, day: i64, events: usize) {
    let start = Timestamp((FIRST_DAY + day) * DAY_NS + 52_200_000_000_000);
    let session = SessionOptions { start, events_per_second: 10, ..SessionOptions::default() };
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for event in Session::new(day as u64, session).take(events) {
        assert!(event.record(&mut recorder).is_accepted());
    }
    drop(recorder);
    db.seal().unwrap();
}

/// Events of a partition, or all, as another process sees them.
fn read(reader: &Reader, partition: Option<&Partition>) -> Vec<Event> {
    let predicate = match partition {
        None => Predicate::all(),
        Some(Partition { category, day }) => Predicate::all()
            .category(Category::custom(category).unwrap())
            .between(day.start(), day.end_inclusive()),
    };
    let mut scan = reader.snapshot().unwrap().scan(&predicate, &Projection::all());
    let events: Vec<Event> = scan.by_ref().collect();
    assert!(scan.unreadable().is_empty(), "{:?}", scan.unreadable());
    events
}

fn by_partition(events: impl IntoIterator<Item = Event>) -> BTreeMap<Partition, Vec<Event>> {
    let mut partitions: BTreeMap<Partition, Vec<Event>> = BTreeMap::new();
    for event in events {
        let partition = Partition { category: event.category.name().to_owned(), day: event.ts.day() };
        partitions.entry(partition).or_default().push(event);
    }
    partitions
}

#[test]
fn partitions_change_tier_and_go_on_the_days_of_their_policy() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    let path = Path::new("/data/desk.blotter");
    sim.clock().set(FIRST_DAY * DAY_NS);
    let db = options().open_on(&host, path).unwrap();
    let reader = Reader::open_on(&host, path).unwrap();
    // What must be there, all sealed.
    let mut expected: BTreeMap<Partition, Vec<Event>> = BTreeMap::new();
    let mut next_seq = 0;
    for day in 0..100_i64 {
        record_day(&db, day, 80);
        let mut scan = reader
            .snapshot()
            .unwrap()
            .scan(&Predicate::all().seq_between(next_seq, u64::MAX), &Projection::all());
        let recorded: Vec<Event> = scan.by_ref().collect();
        next_seq += recorded.len() as u64;
        for (partition, events) in by_partition(recorded) {
            assert!(expected.insert(partition, events).is_none(), "no event comes late here");
        }
        let now = Timestamp((FIRST_DAY + day + 1) * DAY_NS + 7_200_000_000_000);
        sim.clock().set(now.0);
        let mut told = Vec::new();
        let report = db
            .maintain_with(
                &MaintainOptions { effort: Effort::FULL, ..MaintainOptions::default() },
                &mut |progress| told.push(progress.clone()),
            )
            .unwrap();
        assert_eq!(report.job.problems, Vec::<String>::new(), "day {day}: {}", report.plan);
        // Each step is told of when it begins, and the end when all are done.
        assert_eq!(told.len(), report.plan.steps.len() + 1, "day {day}");
        let last = told.last().unwrap();
        assert_eq!((last.steps_done, last.rows_done), (last.steps, last.rows), "day {day}");

        let today = now.day().0;
        let ledger = db.ledger();
        expected.retain(|partition, _| {
            let delete_days = ledger.policy(&partition.category).policy.delete_days;
            delete_days.is_none_or(|delete| ((today - partition.day.0) as u32) < delete)
        });
        // Each partition is in the tier of its age, with all its events.
        let snapshot = reader.snapshot().unwrap();
        let mut rows: BTreeMap<Partition, u64> = BTreeMap::new();
        for meta in snapshot.segments() {
            let policy = ledger.policy(&meta.category).policy;
            let age = (today - meta.day.0) as u32;
            let due = if age >= policy.warm_days {
                Tier::Cold
            } else if age >= policy.hot_days {
                Tier::Warm
            } else {
                Tier::Hot
            };
            assert_eq!(meta.tier, due, "day {day}: {} of {}, age {age}", meta.category, meta.day);
            let partition = Partition { category: meta.category.clone(), day: meta.day };
            let before = rows.insert(partition, meta.rows);
            assert!(before.is_none(), "day {day}: {} of {} has two segments", meta.category, meta.day);
        }
        let counts = expected.iter().map(|(partition, events)| (partition.clone(), events.len() as u64));
        assert_eq!(rows, counts.collect(), "day {day}");
        // What was touched is what it was; now and then, so is all.
        for step in &report.plan.steps {
            let found = read(&reader, Some(step.partition()));
            let expected = expected.get(step.partition()).map_or(&[][..], |events| events);
            assert_eq!(found, expected, "day {day}: {step}");
        }
        if day % 20 == 19 {
            let is_sealed = |event: &Event| event.seq.0 < next_seq;
            assert_eq!(
                by_partition(read(&reader, None).into_iter().filter(is_sealed)),
                expected,
                "day {day}"
            );
        }
    }
    // Who follows from the beginning passes over what is deleted, without waiting.
    let mut left = read(&reader, None);
    left.sort_by_key(|event| event.seq);
    let mut follower = Reader::open_on(&host, path).unwrap().follow(FollowFrom::Seq(Seq(0))).unwrap();
    let mut followed = Vec::new();
    while let Some(event) = follower.next(Duration::ZERO).unwrap() {
        followed.push(event);
    }
    assert_eq!(followed, left);
    drop(db);
    let report = blotter::maintain::verify_on(&host, path).unwrap();
    assert_eq!(report.damage().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}
