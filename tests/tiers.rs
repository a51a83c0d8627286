//! Tiers and retention through the public API, day by day on a simulated clock.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::BTreeMap;
use std::path::Path;

use blotter::event::{Event, Field, Timestamp, names};
use blotter::maintain::{Effort, MaintainOptions};
use blotter::segment::{Projection, Tier};
use blotter::vfs::sim::SimHost;
use blotter::{Db, Options, Predicate, Reader, RecorderOptions};
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

fn all(reader: &Reader) -> Vec<Event> {
    let snapshot = reader.snapshot().unwrap();
    let mut scan = snapshot.scan(&Predicate::all(), &Projection::all());
    let events: Vec<Event> = scan.by_ref().collect();
    assert!(scan.unreadable().is_empty(), "{:?}", scan.unreadable());
    events
}

#[test]
fn partitions_change_tier_and_go_on_the_days_of_their_policy() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    let path = Path::new("/data/desk.blotter");
    sim.clock().set(FIRST_DAY * DAY_NS);
    let db = options().open_on(&host, path).unwrap();
    let reader = Reader::open_on(&host, path).unwrap();
    for day in 0..100_i64 {
        record_day(&db, day, 400);
        let now = Timestamp((FIRST_DAY + day + 1) * DAY_NS + 7_200_000_000_000);
        sim.clock().set(now.0);
        let before = all(&reader);
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
        let snapshot = reader.snapshot().unwrap();
        let today = now.day().0;
        let mut due: BTreeMap<(String, i32), Tier> = BTreeMap::new();
        for meta in snapshot.segments() {
            let policy = db.ledger().policy(&meta.category).policy;
            let age = (today - meta.day.0) as u32;
            assert!(policy.delete_days.is_none_or(|delete| age < delete), "{meta:?}");
            let expected = if age >= policy.warm_days {
                Tier::Cold
            } else if age >= policy.hot_days {
                Tier::Warm
            } else {
                Tier::Hot
            };
            assert_eq!(meta.tier, expected, "day {day}: {} of {}, age {age}", meta.category, meta.day);
            assert!(
                due.insert((meta.category.clone(), meta.day.0), meta.tier).is_none() || expected == Tier::Hot
            );
        }
        let kept: Vec<Event> = before
            .into_iter()
            .filter(|event| {
                let policy = db.ledger().policy(event.category.name()).policy;
                policy.delete_days.is_none_or(|delete| ((today - event.ts.day().0) as u32) < delete)
            })
            .collect();
        let after: Vec<Event> = all(&reader)
            .into_iter()
            .filter(|event| event.text(Field::EVENT) != names::MAINTENANCE_RUN || kept.contains(event))
            .collect();
        assert_eq!(after.len(), kept.len(), "day {day}");
        assert_eq!(after, kept, "day {day}");
    }
    drop(db);
    let report = blotter::maintain::verify_on(&host, path).unwrap();
    assert_eq!(report.damage().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}
