//! Restores up to a moment.

use super::*;
use crate::catalog::ledger::{Change, DropReason, Tombstone, seq_digest};
use crate::catalog::{Catalog, Journal, JournalRecord};

/// What a restore up to a time must give: exactly the events up to it, and an account of the rest.
fn check(host: &Host, whole: &[Event], until_ns: i64, next_seq: u64) {
    let place = format!("until {}", Timestamp(until_ns));
    let target = Path::new("/until").join(format!("{until_ns}.blotter"));
    let options = RestoreOptions { until: Some(Timestamp(until_ns)), ..RestoreOptions::default() };
    let report = restore_on(host, vault(), &target, &options).unwrap();
    let (expected, left_out): (Vec<Event>, Vec<Event>) =
        whole.iter().cloned().partition(|event| event.ts.0 <= until_ns);
    assert_same(&all_events(host, &target), &expected, &place);
    assert_eq!((report.events, report.left_out), (expected.len() as u64, left_out.len() as u64), "{place}");
    assert_eq!(report.next_seq, next_seq, "{place}");

    let ledger = Catalog::open(host, &target).unwrap().ledger();
    let tombstones: Vec<&Tombstone> = ledger
        .tombstones()
        .map(|(tombstone, _)| tombstone)
        .filter(|t| t.why == DropReason::NotRestored)
        .collect();
    let rows: u64 = tombstones.iter().map(|tombstone| tombstone.rows).sum();
    let digest = tombstones.iter().fold(0_u64, |sum, tombstone| sum.wrapping_add(tombstone.seq_digest));
    let expected_digest = left_out.iter().fold(0_u64, |sum, event| sum.wrapping_add(seq_digest(event.seq.0)));
    assert_eq!((rows, digest), (left_out.len() as u64, expected_digest), "{place}");
    for tombstone in &tombstones {
        let own: Vec<&Event> = left_out
            .iter()
            .filter(|event| (event.category.name(), event.ts.day()) == (&*tombstone.category, tombstone.day))
            .collect();
        let range = |key: &dyn Fn(&Event) -> i64| {
            (own.iter().map(|e| key(e)).min().unwrap(), own.iter().map(|e| key(e)).max().unwrap())
        };
        assert_eq!(tombstone.rows, own.len() as u64, "{place}");
        assert_eq!((tombstone.ts_min, tombstone.ts_max), range(&|event| event.ts.0), "{place}");
        assert_eq!((tombstone.seq_min as i64, tombstone.seq_max as i64), range(&|event| event.seq.0 as i64));
        let spans: u64 = tombstone.producers.iter().map(|span| span.end - span.first).sum();
        assert!(spans >= tombstone.rows, "{place}: {tombstone:?}");
        for event in own {
            let span = tombstone.producers.iter().find(|span| span.producer == event.producer.0).unwrap();
            assert!((span.first..span.end).contains(&event.pseq), "{place}");
        }
    }
    // The journal has the same entries.
    let records = Journal::read(host, &target).unwrap().0;
    let copies: Vec<_> = records.into_iter().filter_map(JournalRecord::into_entry).collect();
    assert_eq!(copies, ledger.entries(), "{place}");
    assert!(matches!(ledger.entries().last().unwrap().change, Change::JobDone(_)), "{place}");
    // What was left out is accounted for.
    assert_eq!(damage_of(host, &target), [""; 0], "{place}");
    check_goes_on(host, &target, next_seq, &place);
}

#[test]
fn exactly_the_events_up_to_the_time_are_there_and_the_rest_is_accounted_for() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 3, 200, 70);
    let report = take(&host);
    let whole = all_events(&host, desk());
    assert_eq!(whole.len() as u64, report.point.events);
    let mut times: Vec<i64> = whole.iter().map(|event| event.ts.0).collect();
    times.sort_unstable();
    let (first, last) = (times[0], times[times.len() - 1]);
    let cuts = [
        first - 1,
        first,
        times[100],
        times[333],
        // Between two events, within an out-of-order stretch, at the end of the first day, within the second.
        START_NS + 450_500_000_000,
        START_NS - 1,
        START_NS + DAY_NS / 3,
        times[600],
        last - 1,
        last,
        last + DAY_NS,
        i64::MAX,
    ];
    for until_ns in cuts {
        check(&host, &whole, until_ns, report.point.next_seq);
    }
}

#[test]
fn losses_that_left_out_events_tell_of_stay_known() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    // A clock, because a record of loss has its own time.
    sim.clock().advance(START_NS);
    let db = options().open_on(&host, desk()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for number in 0..6000 {
        let at = Timestamp(START_NS + number);
        recorder.event(Category::ORDER, Level::Info, "flood").at(at).message(&"x".repeat(100)).emit();
    }
    db.sync().unwrap();
    recorder.event(Category::ORDER, Level::Info, "after").at(Timestamp(START_NS)).emit();
    drop(recorder);
    db.seal().unwrap();
    db.close().unwrap();
    let lost = verify_on(&host, desk()).unwrap().lost_events;
    assert!(lost > 0, "the ring was full");
    take(&host);
    let options = RestoreOptions { until: Some(Timestamp(START_NS - 1)), ..RestoreOptions::default() };
    let report = restore_on(&host, vault(), restored(), &options).unwrap();
    assert_eq!(report.events, 0);
    let told: u64 = Catalog::open(&host, restored())
        .unwrap()
        .ledger()
        .losses_of_deleted()
        .map(|gap| match gap {
            crate::catalog::Gap::Producer { first, end, .. } => end - first,
            _ => panic!("{gap}"),
        })
        .sum();
    assert_eq!(told, lost);
}
