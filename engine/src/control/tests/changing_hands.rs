//! Jobs that end because an engine wants the database, and what is asked while jobs are under way; on a real directory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Instant;

use super::*;
use crate::catalog::ledger::{Budget, JobOutcome};
use crate::event::{Category, Level, Timestamp};
use crate::lock::holder_yields;
use crate::maintain::{Effort, MaintenanceReport};
use crate::record::RecorderOptions;
use crate::segment::{Projection, Tier};
use crate::view::{Predicate, Reader};
use crate::{Db, Options};

const DAYS: u64 = 40;
const EVENTS_PER_DAY: u64 = 400;
/// A job at this effort takes far longer than the tests wait for anything.
const SLOW: Effort = Effort { share: 0.02, bytes_per_second: 0 };
/// Far beyond what it takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn options() -> Options {
    Options::new().without_maintenance()
}

/// A database with days that are due to become warm.
fn aged() -> (tempfile::TempDir, std::path::PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let path = guard.path().join("desk.blotter");
    let db = options().open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let now_ns = Host::os().clock.now_ns();
    for day in 0..DAYS {
        for event in 0..EVENTS_PER_DAY {
            let ts = Timestamp(now_ns - (day as i64 + 40) * 24 * HOUR_NS + event as i64);
            let id = format!("A-{day}-{event}");
            let built = recorder.event(Category::ORDER, Level::Info, "order").at(ts).order_id(&id);
            assert!(built.field("n", event as i64).emit().is_accepted());
        }
    }
    drop(recorder);
    db.seal().unwrap();
    drop(db);
    (guard, path)
}

fn maintain() -> Request {
    Request::Maintain { at_ns: None, force: false, dry_run: false, grace_ms: Some(0) }
}

/// Does a request in a database that this opens, as `administer` does, and takes its time for it.
fn slowly(database: &Path, request: &Request, effort: Effort) -> Result<Response> {
    let mut options = options().create(false).maintenance_effort(effort);
    options.yields = true;
    let here = &mut || options.clone().open(database)?.execute(request, &ann(), &mut |_| {});
    carry_out(&Host::os(), database, request, &ann(), CLAIM_TIMEOUT, here, &mut |_| {})
}

fn report(outcome: Result<Response>) -> MaintenanceReport {
    match outcome.unwrap() {
        Response::Maintained(report) => *report,
        other => panic!("{other:?}"),
    }
}

fn warm_days(database: &Path) -> u64 {
    let snapshot = Reader::open(database).unwrap().snapshot().unwrap();
    snapshot.segments().filter(|meta| meta.tier == Tier::Warm).count() as u64
}

#[track_caller]
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Every event is there once.
#[track_caller]
fn check_whole(database: &Path) {
    let snapshot = Reader::open(database).unwrap().snapshot().unwrap();
    let orders = Predicate::all().category(Category::ORDER);
    let mut scan = snapshot.scan(&orders, &Projection::all());
    let mut seqs: Vec<_> = scan.by_ref().map(|event| event.seq).collect();
    assert!(scan.unreadable().is_empty());
    seqs.sort();
    seqs.dedup();
    assert_eq!(seqs.len() as u64, DAYS * EVENTS_PER_DAY);
}

#[test]
fn an_engine_gets_the_database_from_a_job_and_goes_on_with_it() {
    let (_guard, path) = aged();
    std::thread::scope(|scope| {
        let job = scope.spawn(|| slowly(&path, &maintain(), SLOW));
        wait_for("the first days to be warm", || warm_days(&path) > 1);
        assert!(holder_yields(&Host::os(), &path.join(LOCK_FILE)));
        let began = Instant::now();
        let db = options().maintenance_effort(Effort::FULL).open(&path).unwrap();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(!holder_yields(&Host::os(), &path.join(LOCK_FILE)));
        let report = report(job.join().unwrap());
        assert_eq!(report.job.outcome, JobOutcome::Done);
        let before: Vec<_> = report.earlier.iter().map(|job| (&job.outcome, job.warmed.partitions)).collect();
        assert!(matches!(before[..], [(&JobOutcome::Interrupted, 1..DAYS)]), "{before:?}");
        assert_eq!(before[0].1 + report.job.warmed.partitions, DAYS);
        let jobs: Vec<_> = db.ledger().jobs().map(|(job, _)| job.outcome.clone()).collect();
        assert_eq!(jobs, [JobOutcome::Interrupted, JobOutcome::Done]);
        db.close().unwrap();
    });
    assert_eq!(warm_days(&path), DAYS);
    check_whole(&path);
    assert!(crate::verify(&path).unwrap().is_clean());
}

#[test]
fn who_records_gives_the_database_to_nobody_and_says_so_at_once() {
    let (_guard, path) = aged();
    let db = options().open(&path).unwrap();
    let began = Instant::now();
    assert!(matches!(Db::open(&path), Err(Error::Locked { .. })));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let asked = ask(&Host::os(), &path, &Request::Yield, &ann(), CLAIM_TIMEOUT, &mut |_| {});
    assert!(
        matches!(&asked, Err(Error::Declined { reason, .. }) if reason.contains("which records")),
        "{asked:?}"
    );
    db.close().unwrap();
}

#[test]
fn two_jobs_take_turns_and_neither_is_told_to_end() {
    let (_guard, path) = aged();
    let path = path.as_path();
    std::thread::scope(|scope| {
        let unhurried = Effort { share: 0.3, ..SLOW };
        let first = scope.spawn(move || slowly(path, &maintain(), unhurried));
        wait_for("the first days to be warm", || warm_days(path) > 1);
        // The second waits for the first, and does what is left, which is nothing; so does a change in between, at once.
        let budget =
            crate::administer(path, &Request::SetBudget(Budget::Bytes(1 << 50)), &ann(), &mut |_| {});
        assert_eq!(budget.unwrap(), Response::BudgetSet);
        assert!(!first.is_finished());
        let second = scope.spawn(|| crate::administer(path, &maintain(), &ann(), &mut |_| {}));
        let (first, second) = (report(first.join().unwrap()), report(second.join().unwrap()));
        assert_eq!((first.job.outcome, first.job.warmed.partitions), (JobOutcome::Done, DAYS));
        assert_eq!((second.job.outcome, second.job.warmed.partitions), (JobOutcome::Done, 0));
    });
    check_whole(path);
}

#[test]
fn holds_are_placed_while_an_engine_maintains_and_its_end_hands_the_job_on() {
    let (_guard, path) = aged();
    let db = options().maintenance_effort(SLOW).open(&path).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let outcome = crate::administer(&path, &maintain(), &ann(), &mut |_| {});
                    is_done.store(true, Ordering::Relaxed);
                    outcome
                })
            })
            .collect();
        wait_for("the first days to be warm", || warm_days(&path) > 1);
        let held = ask(&Host::os(), &path, &hold("a"), &ann(), CLAIM_TIMEOUT, &mut |_| {});
        assert!(matches!(held, Ok(Response::HoldPlaced(_))), "{held:?}");
        assert!(!is_done.load(Ordering::Relaxed), "it was placed beside the job, not after it");
        db.close().unwrap();
        // Both are carried out all the same, each by whoever can.
        let reports: Vec<_> = jobs.into_iter().map(|job| report(job.join().unwrap())).collect();
        assert!(reports.iter().all(|report| report.job.outcome == JobOutcome::Done), "{reports:?}");
    });
    assert_eq!(warm_days(&path), DAYS);
    check_whole(&path);
}

#[test]
fn a_job_that_ended_for_an_engine_that_never_came_goes_on_by_itself() {
    let (_guard, path) = aged();
    std::thread::scope(|scope| {
        let job = scope.spawn(|| crate::administer(&path, &maintain(), &ann(), &mut |_| {}));
        wait_for("a process that yields", || holder_yields(&Host::os(), &path.join(LOCK_FILE)));
        let asked = ask(&Host::os(), &path, &Request::Yield, &ann(), CLAIM_TIMEOUT, &mut |_| {});
        // It may have ended before it was asked.
        assert!(matches!(asked, Ok(Response::Yielding) | Err(Error::NoOwner { .. })), "{asked:?}");
        assert_eq!(report(job.join().unwrap()).job.outcome, JobOutcome::Done);
    });
    assert_eq!(warm_days(&path), DAYS);
    check_whole(&path);
}
