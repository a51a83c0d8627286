//! A disk that fails once, fails to sync, or is full: recording goes on where it can, stops where it must, and
//! loses nothing that was acknowledged.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use blotter::event::{Field, OrderStatus};
use blotter::segment::Projection;
use blotter::vfs::sim::SimHost;
use blotter::{Db, Emit, Error, Options, Predicate, Recorder, RecorderOptions};

const DATABASE: &str = "/data/desk.blotter";

fn options() -> Options {
    Options::new().without_threads().ring_bytes(256 * 1024).wal_bytes_max(64 * 1024).block_rows(128)
}

fn open(sim: &SimHost) -> blotter::Result<Db> {
    options().open_on(&sim.boot(), Path::new(DATABASE))
}

fn emit(recorder: &mut Recorder, number: usize) -> Emit {
    recorder.order(OrderStatus::Created).order_id(&format!("A-{number}")).message("created").emit()
}

fn order_ids(db: &Db) -> Vec<String> {
    let mut scan = db.snapshot().unwrap().scan(&Predicate::all(), &Projection::all());
    let ids = scan.by_ref().map(|event| event.text(Field::ORDER_ID).to_owned()).collect();
    assert!(scan.unreadable().is_empty(), "{:?}", scan.unreadable());
    ids
}

/// Events that were accepted must all be there, once; events_lost has no order id.
fn assert_holds_exactly(db: &Db, accepted: &BTreeSet<String>, place: &str) {
    let found: Vec<String> = order_ids(db).into_iter().filter(|id| !id.is_empty()).collect();
    let unique: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(found.len(), unique.len(), "{place}: duplicates");
    assert_eq!(&unique, accepted, "{place}");
}

#[test]
fn any_one_failed_call_is_survived_without_reopening() {
    let session = |sim: &SimHost| {
        let db = open(sim)?;
        let mut recorder = db.recorder(RecorderOptions::new())?;
        let mut accepted = BTreeSet::new();
        let mut failures = 0;
        for round in 0..6 {
            for number in 0..50 {
                let id = round * 50 + number;
                if emit(&mut recorder, id).is_accepted() {
                    accepted.insert(format!("A-{id}"));
                }
            }
            let outcome = match round % 3 {
                0 => db.flush(),
                1 => db.sync(),
                _ => db.seal(),
            };
            match outcome {
                // Final: what was accepted is found by the next open.
                Err(Error::SyncFailed { .. }) => {
                    assert!(!emit(&mut recorder, 9999).is_accepted() || db.sync().is_err());
                    return Ok((accepted, failures + 1, false));
                }
                Err(_) => failures += 1,
                Ok(()) => {}
            }
        }
        db.seal()?;
        assert_holds_exactly(&db, &accepted, "at the end");
        Ok((accepted, failures, true))
    };
    let mut call = 1;
    let mut noticed = 0;
    loop {
        let sim = SimHost::new(call);
        sim.fail_at(call, io::ErrorKind::Other);
        let outcome: blotter::Result<_> = session(&sim);
        if sim.calls() < call {
            break;
        }
        // A failure while opening is an error of the open, and a second attempt succeeds.
        let db = match outcome {
            Ok((mut accepted, failures, whole)) => {
                noticed += failures;
                let db = open(&sim).unwrap_or_else(|error| panic!("call {call}: {error}"));
                if !whole {
                    let found = order_ids(&db);
                    accepted.extend(found.into_iter().filter(|id| id == "A-9999"));
                }
                assert_holds_exactly(&db, &accepted, &format!("call {call}, reopened"));
                db
            }
            Err(_) => {
                noticed += 1;
                open(&sim).unwrap_or_else(|error| panic!("call {call}: the second open fails: {error}"))
            }
        };
        drop(db);
        call += 1;
    }
    assert!(call > 100 && noticed > 50, "{call} calls, {noticed} failures noticed");
}

#[test]
fn a_failed_sync_is_final_until_the_database_is_opened_again() {
    let sim = SimHost::new(1);
    let db = open(&sim).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    assert!(emit(&mut recorder, 1).is_accepted());
    db.sync().unwrap();
    assert!(emit(&mut recorder, 2).is_accepted());
    sim.fail_sync_at(sim.syncs() + 1);
    let error = db.sync().unwrap_err();
    assert!(matches!(error, Error::SyncFailed { .. }), "{error}");
    for _ in 0..3 {
        assert!(!emit(&mut recorder, 3).is_accepted(), "nothing is accepted any more");
        assert!(matches!(db.sync(), Err(Error::SyncFailed { .. })), "and the failure is not forgotten");
        assert!(matches!(db.flush(), Err(Error::SyncFailed { .. })));
    }
    assert!(db.recorder(RecorderOptions::new()).is_err());
    assert!(db.statistics().write_error.is_some_and(|error| error.contains("sync")));
    drop((recorder, db));
    let db = open(&sim).unwrap();
    let found: BTreeSet<_> = order_ids(&db).into_iter().collect();
    assert!(found.contains("A-1"));
}

#[test]
fn a_full_disk_drops_counts_and_resumes_by_itself() {
    let sim = SimHost::new(1);
    let db = open(&sim).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    sim.capacity(8 * 1024 * 1024);
    let mut accepted = BTreeSet::new();
    let (mut number, mut dropped) = (0, 0);
    // The disk fills up, then the ring does.
    while dropped < 100 {
        match emit(&mut recorder, number) {
            Emit::Accepted { .. } => {
                accepted.insert(format!("A-{number}"));
            }
            Emit::Dropped { .. } => dropped += 1,
            other => panic!("{other:?}"),
        }
        number += 1;
        if number % 500 == 0
            && let Err(error) = db.flush()
        {
            assert!(error.to_string().contains("write"), "{error}");
        }
        assert!(number < 1_000_000, "the disk never filled up");
    }
    assert!(db.statistics().write_error.is_some());
    assert!(db.statistics().drop_rate() > 0.0);
    sim.capacity(u64::MAX);
    db.flush().unwrap();
    for _ in 0..10 {
        assert!(emit(&mut recorder, number).is_accepted(), "it resumes");
        accepted.insert(format!("A-{number}"));
        number += 1;
    }
    db.seal().unwrap();
    assert_eq!(db.statistics().write_error, None);
    assert_holds_exactly(&db, &accepted, "after the disk had room again");
    let all = Predicate::all().equals("event", "events_lost");
    let lost: u64 = db
        .snapshot()
        .unwrap()
        .scan(&all, &Projection::all())
        .map(|event| event.get("lost_count").unwrap().to_string().parse::<u64>().unwrap())
        .sum();
    assert_eq!(lost, 100, "every drop is accounted for");
}

#[test]
fn a_loss_whose_write_fails_is_recorded_once() {
    let sim = SimHost::new(1);
    let db = open(&sim).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut dropped = 0;
    for number in 0.. {
        if !emit(&mut recorder, number).is_accepted() {
            dropped += 1;
        }
        if dropped == 7 {
            break;
        }
    }
    for _ in 0..3 {
        sim.fail_at(sim.calls() + 1, io::ErrorKind::StorageFull);
        assert!(db.flush().is_err());
    }
    db.flush().unwrap();
    let wanted = Predicate::all().equals("event", "events_lost");
    let counts: Vec<String> = db
        .snapshot()
        .unwrap()
        .scan(&wanted, &Projection::all())
        .map(|event| event.get("lost_count").unwrap().to_string())
        .collect();
    assert_eq!(counts, ["7"]);
}

#[test]
fn frames_behind_a_tear_are_cut_and_kept_aside() {
    let sim = SimHost::new(1);
    let db = open(&sim).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for number in 0..3 {
        assert!(emit(&mut recorder, number).is_accepted());
        db.flush().unwrap();
    }
    sim.process_crash();
    drop((recorder, db));
    let wal = Path::new(DATABASE).join("wal/0000000000000001.wal");
    let mut bytes = sim.read_file(&wal).unwrap();
    let at = bytes.windows(3).position(|window| window == b"A-1").unwrap();
    bytes[at] ^= 1;
    sim.overwrite_file(&wal, &bytes).unwrap();
    let db = open(&sim).unwrap();
    assert!(db.recovery().torn_tail.is_some());
    assert_eq!(order_ids(&db), ["A-0"]);
    let kept = Path::new(DATABASE).join("quarantine/wal-0000000000000001.wal");
    assert_eq!(sim.read_file(&kept).unwrap(), bytes);
}
