//! Every job of maintenance, crashed at each of its IO calls on a simulated host; then with each call, and each sync,
//! failing once instead; then on a full disk. Afterwards every event that was not deleted is there once, nothing that
//! was is back, what was decided is in force, and the next run ends what was begun.
//!
//! A crash is a power failure (what was not synced is kept, dropped or torn by the seed), or the death of the process,
//! or the death of the process, recovery, another run, and then a power failure.
//!
//! Each call is crashed in one of these ways, by its number. `BLOTTER_CRASH_SEEDS` sets how many times each call is
//! crashed, in other ways and with other seeds (default 1). A failure prints its place.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod aged;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aged::{
    COLD, Truth, by, check_nothing_left, database, forced, maintain, noon, partition, policy, record,
    verify_clean,
};
use blotter::event::{Category, Level};
use blotter::ledger::{Budget, DropReason, Hold, HoldQuery, JobOutcome, Policy};
use blotter::maintain::{Deletion, MaintainOptions, RetentionHook, Verdict};
use blotter::vfs::OpenMode;
use blotter::vfs::sim::{Prng, SimHost};
use blotter::{Db, Error, Options, RecorderOptions, Result};

/// A job and what it is done to.
struct Job {
    name: &'static str,
    options: fn() -> Options,
    prepare: fn(&Db, &SimHost),
    /// The job; it has to do something, which `is_done` sees.
    act: fn(&Db, &SimHost) -> Result<()>,
    is_done: fn(&Db) -> bool,
}

/// Agrees to nothing.
struct Veto;

impl RetentionHook for Veto {
    fn before_delete(
        &self,
        _: &Deletion,
    ) -> std::result::Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Verdict::Keep("it is kept".to_owned()))
    }
}

fn set_policies(db: &Db) {
    for category in ["order", "fill"] {
        db.set_policy(category, policy(), &by()).unwrap();
    }
}

fn run(db: &Db, _: &SimHost) -> Result<()> {
    let report = maintain(db)?;
    match report.job.outcome {
        JobOutcome::Done => Ok(()),
        _ => {
            Err(Error::Unavailable { path: database().to_path_buf(), reason: report.job.problems.join("; ") })
        }
    }
}

fn make_cold_directory(sim: &SimHost) {
    let host = sim.boot();
    host.files.create_dir_all(Path::new(COLD)).unwrap();
    for dir in ["/", "/slow"] {
        host.files.sync_dir(Path::new(dir)).unwrap();
    }
}

fn tiers_of(db: &Db) -> Vec<(String, i32, &'static str)> {
    let snapshot = db.snapshot().unwrap();
    let mut tiers: Vec<_> = snapshot
        .segments()
        .filter(|meta| meta.category != "system")
        .map(|meta| (meta.category.clone(), aged::TODAY - meta.day.0, meta.tier.directory()))
        .collect();
    tiers.sort();
    tiers
}

fn has_tiers(db: &Db, expected: &[(&str, i32, &str)]) -> bool {
    let found = tiers_of(db);
    let found: Vec<_> = found.iter().map(|(category, age, tier)| (category.as_str(), *age, *tier)).collect();
    found == expected
}

fn was_dropped(db: &Db, age: i32, is_why: fn(&DropReason) -> bool) -> bool {
    let day = partition("order", age).day;
    db.ledger().tombstones().any(|(tombstone, _)| tombstone.day == day && is_why(&tombstone.why))
}

const HELD: &str = "fill-11-3";

fn hold(order_id: &str) -> Hold {
    let query = HoldQuery { order_ids: vec![order_id.to_owned()], ..HoldQuery::default() };
    Hold { case: "inquiry 7".to_owned(), query }
}

const JOBS: &[Job] = &[
    Job {
        name: "compaction",
        options: aged::options,
        prepare: |db, _| {
            set_policies(db);
            record(db, &[[("order", 0, 20)].as_slice(); 8]);
        },
        act: run,
        is_done: |db| has_tiers(db, &[("order", 0, "hot")]),
    },
    Job {
        name: "hot to warm",
        options: aged::options,
        prepare: |db, _| {
            set_policies(db);
            record(db, &[&[("order", 3, 40), ("fill", 1, 10)], &[("order", 3, 30)]]);
        },
        act: run,
        is_done: |db| has_tiers(db, &[("fill", 1, "hot"), ("order", 3, "warm")]),
    },
    Job {
        name: "warm to cold",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            record(db, &[&[("order", 3, 40)], &[("order", 3, 30)]]);
            run(db, sim).unwrap();
            sim.clock().set(noon(3).0);
        },
        act: run,
        is_done: |db| has_tiers(db, &[("order", 3, "cold")]),
    },
    Job {
        name: "hot and late to warm",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            record(db, &[&[("order", 3, 40)]]);
            run(db, sim).unwrap();
            record(db, &[&[("order", 3, 30)], &[("order", 3, 5)]]);
        },
        act: run,
        is_done: |db| has_tiers(db, &[("order", 3, "warm")]),
    },
    Job {
        name: "to cold elsewhere",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            make_cold_directory(sim);
            db.set_cold_directory(Some(Path::new(COLD)), &by()).unwrap();
            record(db, &[&[("order", 6, 40), ("fill", 6, 20)]]);
        },
        act: run,
        is_done: |db| has_tiers(db, &[("fill", 6, "cold"), ("order", 6, "cold")]),
    },
    Job {
        name: "deletion by policy",
        options: aged::options,
        prepare: |db, _| {
            set_policies(db);
            record(db, &[&[("order", 11, 40), ("fill", 11, 30), ("fill", 0, 5)], &[("order", 11, 20)]]);
            db.place_hold(hold(HELD), &by()).unwrap();
        },
        act: run,
        is_done: |db| was_dropped(db, 11, |why| matches!(why, DropReason::Policy { .. })),
    },
    Job {
        name: "deletion by ceiling",
        options: || aged::options().retention_hook(Arc::new(Veto)),
        prepare: |db, _| {
            let policy = Policy { destroy_after_days: Some(12), ..policy() };
            db.set_policy("order", policy, &by()).unwrap();
            record(db, &[&[("order", 13, 40), ("order", 0, 5)]]);
        },
        act: run,
        is_done: |db| was_dropped(db, 13, |why| matches!(why, DropReason::Ceiling { .. })),
    },
    Job {
        name: "deletion by hand",
        options: aged::options,
        prepare: |db, _| {
            set_policies(db);
            record(db, &[&[("order", 1, 40), ("order", 0, 5)], &[("order", 1, 20)]]);
        },
        act: |db, _| db.drop_partition(&partition("order", 1), &by()).map(drop),
        is_done: |db| was_dropped(db, 1, |why| *why == DropReason::Hand),
    },
    Job {
        name: "deletion of cold events elsewhere",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            make_cold_directory(sim);
            db.set_cold_directory(Some(Path::new(COLD)), &by()).unwrap();
            record(db, &[&[("order", 6, 40), ("order", 5, 20)]]);
            run(db, sim).unwrap();
            sim.clock().set(noon(4).0);
        },
        act: run,
        is_done: |db| was_dropped(db, 6, |why| matches!(why, DropReason::Policy { .. })),
    },
    Job {
        name: "deletion for the budget",
        options: aged::options,
        prepare: |db, _| {
            set_policies(db);
            record(db, &[&[("order", 3, 40), ("fill", 3, 40)], &[("order", 1, 20)]]);
            // The catalog alone takes more.
            db.set_budget(Budget::Bytes(1 << 16), &by()).unwrap();
            db.set_policy("fill", Policy { keep_at_least_days: 9, ..policy() }, &by()).unwrap();
        },
        // It cannot be enough, and says so.
        act: |db, _| {
            let report = maintain(db)?;
            let others: Vec<_> =
                report.job.problems.iter().filter(|text| !text.contains("the budget of")).cloned().collect();
            match others.is_empty() {
                true => Ok(()),
                false => {
                    Err(Error::Unavailable { path: database().to_path_buf(), reason: others.join("; ") })
                }
            }
        },
        is_done: |db| was_dropped(db, 3, |why| matches!(why, DropReason::Budget { .. })),
    },
    Job {
        name: "removal of retired files",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            record(db, &[&[("order", 3, 40), ("fill", 11, 30)], &[("order", 3, 30)]]);
            db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() }).unwrap();
            sim.clock().advance(61_000_000_000);
        },
        act: |db, _| db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() }).map(drop),
        is_done: |_| true,
    },
    Job {
        name: "decisions",
        options: aged::options,
        prepare: |db, sim| {
            make_cold_directory(sim);
            record(db, &[&[("order", 0, 40)]]);
        },
        act: |db, _| {
            set_policies_or_fail(db)?;
            let id = db.place_hold(hold("order-0-1"), &by())?;
            db.place_hold(hold("order-0-2"), &by())?;
            db.release_hold(id, &by())?;
            db.set_budget(Budget::Percent(90), &by())?;
            db.set_cold_directory(Some(Path::new(COLD)), &by())?;
            Ok(())
        },
        is_done: |db| {
            let ledger = db.ledger();
            ledger.cold_directory() == Some(COLD)
                && ledger.budget() == Budget::Percent(90)
                && ledger.policy("fill").policy == policy()
                && ledger.holds().any(|(_, held, _)| *held == hold("order-0-2"))
        },
    },
    Job {
        name: MOVED,
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            record(db, &[&[("order", 6, 40), ("fill", 6, 20)]]);
            run(db, sim).unwrap();
            make_cold_directory(sim);
            copy_cold(sim);
        },
        act: |db, _| db.set_cold_directory(Some(Path::new(COLD)), &by()).map(drop),
        is_done: |db| db.ledger().cold_directory() == Some(COLD),
    },
    Job {
        name: "a whole run",
        options: aged::options,
        prepare: |db, sim| {
            set_policies(db);
            record(db, &[&[("order", 3, 20), ("order", 6, 20)]]);
            db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() }).unwrap();
            sim.clock().advance(61_000_000_000);
            record(db, &[[("fill", 0, 5)].as_slice(); 8]);
            record(db, &[&[("order", 3, 10), ("order", 6, 10), ("fill", 6, 10), ("fill", 11, 20)]]);
            record(db, &[&[("order", 12, 10), ("fill", 11, 7)]]);
            db.place_hold(hold(HELD), &by()).unwrap();
        },
        act: |db, _| {
            let report = db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() })?;
            match report.job.outcome {
                JobOutcome::Done => Ok(()),
                _ => Err(Error::Unavailable {
                    path: database().to_path_buf(),
                    reason: report.job.problems.join("; "),
                }),
            }
        },
        is_done: |db| {
            let expected = [
                ("fill", 0, "hot"),
                ("fill", 6, "cold"),
                ("fill", 11, "cold"),
                ("order", 3, "warm"),
                ("order", 6, "cold"),
            ];
            has_tiers(db, &expected) && was_dropped(db, 12, |why| matches!(why, DropReason::Policy { .. }))
        },
    },
];

fn set_policies_or_fail(db: &Db) -> Result<()> {
    for category in ["order", "fill"] {
        db.set_policy(category, policy(), &by())?;
    }
    Ok(())
}

/// Copies the cold segments of the database into the other directory, as a person would, and makes them durable.
fn copy_cold(sim: &SimHost) {
    let host = sim.boot();
    let from = database().join("cold");
    for path in aged::files_below(&host, &from) {
        let to = Path::new(COLD).join(path.strip_prefix(&from).unwrap());
        let dir = to.parent().unwrap();
        host.files.create_dir_all(dir).unwrap();
        let file = host.files.open(&to, OpenMode::CreateNew).unwrap();
        file.write_all_at(&sim.read_file(&path).unwrap(), 0).unwrap();
        file.sync_data().unwrap();
        host.files.sync_dir(dir).unwrap();
        host.files.sync_dir(Path::new(COLD)).unwrap();
    }
}

/// Whoever moved the cold segments removes the old ones.
fn remove_old_cold(sim: &SimHost) {
    let host = sim.boot();
    for path in aged::files_below(&host, &database().join("cold")) {
        host.files.remove_file(&path).unwrap();
        host.files.sync_dir(path.parent().unwrap()).unwrap();
    }
}

const MOVED: &str = "another cold directory";

/// The scene before the job, on a closed database; and what is there.
fn scene(job: &Job) -> (SimHost, Truth) {
    let sim = SimHost::new(1);
    sim.clock().set(noon(0).0);
    let db = (job.options)().open_on(&sim.boot(), database()).unwrap();
    (job.prepare)(&db, &sim);
    let truth = Truth::of(&db);
    db.close().unwrap();
    (sim, truth)
}

fn open(job: &Job, sim: &SimHost, place: &str) -> Db {
    (job.options)()
        .open_on(&sim.boot(), database())
        .unwrap_or_else(|error| panic!("{place}: the database does not open: {error}"))
}

/// Runs maintenance, which has to end what was begun; closes the database; nothing is left of it.
fn finish(job: &Job, sim: &SimHost, db: Db, truth: &Truth, place: &str) {
    // Once more what was to be done; where it was done already, it may be refused.
    let _ = (job.act)(&db, sim);
    assert!((job.is_done)(&db), "{place}: it is not done the second time: {:?}", tiers_of(&db));
    let report = maintain(&db).unwrap_or_else(|error| panic!("{place}: the next run: {error}"));
    let unexpected: Vec<_> =
        report.job.problems.iter().filter(|text| !text.contains("the budget of")).collect();
    assert!(unexpected.is_empty(), "{place}: the next run: {unexpected:?}");
    truth.check_with_reader(&sim.boot(), &db, &format!("{place}, after the next run"));
    db.close().unwrap_or_else(|error| panic!("{place}: {error}"));
    if job.name == MOVED {
        remove_old_cold(sim);
    }
    check_nothing_left(&sim.boot(), place);
    verify_clean(&sim.boot(), &format!("{place}, at the end"));
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Crash {
    Power,
    Process,
    ProcessThenPower,
}

fn seeds() -> u64 {
    std::env::var("BLOTTER_CRASH_SEEDS").map_or(1, |seeds| seeds.parse().unwrap())
}

/// Crashes a job at call number `call` of it; false if it has fewer.
fn crash(job: &Job, scene: &SimHost, truth: &Truth, call: u64, round: u64) -> bool {
    let mut random = Prng::new(call << 20 ^ round << 8 ^ job.name.len() as u64);
    random.next_u64();
    let how = [Crash::Power, Crash::Process, Crash::ProcessThenPower][((call + round) % 3) as usize];
    let place = format!("{}, call {call}, round {round}, {how:?}", job.name);
    let sim = scene.fork(random.next_u64());
    let db = open(job, &sim, &place);
    sim.crash_at(sim.calls() + call);
    let outcome = (job.act)(&db, &sim);
    let has_crashed = sim.crashed();
    // What the process saw committed was committed.
    let truth = Truth { ledger: db.ledger().entries().to_vec(), ..truth.clone() };
    if !has_crashed {
        sim.crash_at(u64::MAX);
        outcome.unwrap_or_else(|error| panic!("{place}: it fails without a crash: {error}"));
        assert!((job.is_done)(&db), "{place}: it did nothing: {:?}", tiers_of(&db));
        finish(job, &sim, db, &truth, &place);
        return false;
    }
    match how {
        Crash::Power => sim.power_failure(random.next_u64()),
        Crash::Process | Crash::ProcessThenPower => sim.process_crash(),
    }
    drop(db);
    // Recovery is crashed too, now and then.
    if random.one_in(3) {
        sim.crash_at(sim.calls() + 1 + random.below(25));
        drop((job.options)().open_on(&sim.boot(), database()));
        if !sim.crashed() {
            sim.crash_at(sim.calls() + 1);
        }
        match how {
            Crash::Power => sim.power_failure(random.next_u64()),
            Crash::Process | Crash::ProcessThenPower => sim.process_crash(),
        }
    }
    verify_clean(&sim.boot(), &format!("{place}, dead"));
    let db = open(job, &sim, &place);
    truth.check_with_reader(&sim.boot(), &db, &place);
    let truth = Truth { ledger: db.ledger().entries().to_vec(), ..truth };
    finish(job, &sim, db, &truth, &place);
    if how == Crash::ProcessThenPower {
        sim.power_failure(random.next_u64());
        let place = format!("{place}, after the power failure");
        verify_clean(&sim.boot(), &place);
        let db = open(job, &sim, &place);
        truth.check(&db, &place);
    }
    true
}

fn each_job(check: impl Fn(&Job) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let only = std::env::var("BLOTTER_CRASH_JOB").ok();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(job) = JOBS.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if only.as_ref().is_none_or(|only| only == job.name) {
                        check(job);
                    }
                }
            });
        }
    });
}

#[test]
fn a_crash_at_any_call_of_any_job_loses_and_revives_nothing() {
    each_job(|job| {
        let (scene, truth) = scene(job);
        let mut call = 1;
        loop {
            let reached = (0..seeds()).all(|round| crash(job, &scene, &truth, call, round));
            if !reached {
                break;
            }
            call += 1;
        }
        eprintln!("{}: {} calls", job.name, call - 1);
        assert!(call > 10, "{} has {call} calls", job.name);
    });
}

/// Lets one call, or one sync, of a job fail; false if it has fewer.
fn fail(job: &Job, scene: &SimHost, truth: &Truth, number: u64, is_sync: bool) -> bool {
    let place = format!("{}, {} {number} fails", job.name, if is_sync { "sync" } else { "call" });
    let sim = scene.fork(number);
    let db = open(job, &sim, &place);
    let base = if is_sync { sim.syncs() } else { sim.calls() };
    match is_sync {
        true => sim.fail_sync_at(base + number),
        false => sim.fail_at(base + number, ErrorKind::Other),
    }
    let outcome = (job.act)(&db, &sim);
    if base + number > if is_sync { sim.syncs() } else { sim.calls() } {
        return false;
    }
    if outcome.is_ok() {
        assert!((job.is_done)(&db), "{place}: nobody says so, but it was not done: {:?}", tiers_of(&db));
    }
    // The failure may have come after the commit, or the change was made by the attempt to find out.
    truth.check(&db, &place);
    let truth = Truth { ledger: db.ledger().entries().to_vec(), ..truth.clone() };
    finish(job, &sim, db, &truth, &place);
    sim.power_failure(number);
    let place = format!("{place}, and then the power");
    let db = open(job, &sim, &place);
    truth.check(&db, &place);
    true
}

#[test]
fn any_one_failed_call_leaves_a_job_undone_or_done_and_the_next_run_ends_it() {
    each_job(|job| {
        let (scene, truth) = scene(job);
        for is_sync in [false, true] {
            let mut number = 1;
            while fail(job, &scene, &truth, number, is_sync) {
                number += 1;
            }
            eprintln!("{}: {} failures", job.name, number - 1);
            assert!(number > 4, "{} has {number} calls", job.name);
        }
    });
}

/// A job on a disk that has room for so many bytes more than are taken.
fn on_full_disk(job: &Job, scene: &SimHost, truth: &Truth, room_bytes: u64) -> bool {
    let place = format!("{}, with {room_bytes} bytes of room", job.name);
    let sim = scene.fork(room_bytes);
    let db = open(job, &sim, &place);
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    sim.capacity(1 << 40);
    let space = sim.boot().files.space(database()).unwrap();
    sim.capacity(space.total_bytes - space.available_bytes + room_bytes);
    let outcome = (job.act)(&db, &sim);
    if outcome.is_ok() {
        assert!((job.is_done)(&db), "{place}: nobody says so, but it was not done: {:?}", tiers_of(&db));
    }
    truth.check(&db, &place);
    // Recording takes what the rings hold, and goes on when there is room.
    let emitted = recorder.event(Category::SYSTEM, Level::Info, "health_check").message("still there").emit();
    assert!(emitted.is_accepted(), "{place}: {emitted:?}");
    drop(recorder);
    sim.capacity(u64::MAX);
    db.flush().unwrap_or_else(|error| panic!("{place}: recording does not go on: {error}"));
    let truth = Truth::of(&db).with_deleted(truth);
    finish(job, &sim, db, &truth, &place);
    outcome.is_ok()
}

#[test]
fn a_full_disk_fails_jobs_cleanly_and_the_next_run_ends_them() {
    each_job(|job| {
        let (scene, truth) = scene(job);
        let (mut room_bytes, mut failures) = (0, 0);
        while !on_full_disk(job, &scene, &truth, room_bytes) {
            failures += 1;
            room_bytes += if room_bytes < 64 * 1024 { 4096 } else { room_bytes / 8 / 4096 * 4096 };
            assert!(room_bytes < 64 << 20, "{}: it never has enough", job.name);
        }
        eprintln!("{}: fails up to {room_bytes} bytes of room, {failures} sizes", job.name);
    });
}
