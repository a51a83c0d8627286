//! Recording beside maintenance: in turns with it and without, on one database.
//!
//! ```text
//! record DAYS past days ─▶ reader starts ─▶ the first days become cold and warm ─▶ [ without: emit ─▶ settle
//!   ─▶ with: emit ∥ maintain, each run a day later ─▶ settle, wait until what was replaced is unlinked ] x ROUNDS
//!   ─▶ the reader says what it saw
//! ```
//! Each run makes a day warm, another cold, deletes a third, and compacts what was recorded meanwhile. To settle is to
//! compact what a round recorded: else the first run of the next would do little else. It runs on a
//! thread of its own as scheduled maintenance does, at the default effort and with the default grace for readers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use blotter::event::{Category, Day, Timestamp};
use blotter::ledger::{By, JobOutcome, Policy};
use blotter::maintain::{Effort, GRACE_DEFAULT, MaintainOptions};
use blotter::segment::Tier;
use blotter::vfs::yield_to_recording;
use blotter::{Db, Options, RecorderOptions};
use blotter_workload::{Session, SessionOptions};
use hdrhistogram::Histogram;

use super::bench::emit::{at_rate, empty_measurement, nanoseconds};
use super::bench::work::Work;
use super::{bench, reader};

const RATE: u64 = 200_000;
const RATIO_TARGET: f64 = 1.3;
/// Ages of the policies of all categories, in days.
const HOT_DAYS: u32 = 1;
const WARM_DAYS: u32 = 3;
const DELETE_DAYS: u32 = 6;
const OPENING_NS: i64 = (14 * 60 + 30) * 60_000_000_000;

pub(crate) struct Plan {
    pub(crate) seconds: u64,
    /// Of each kind.
    pub(crate) rounds: u64,
    pub(crate) days: i32,
    pub(crate) events_per_day: usize,
}

pub(crate) fn run(plan: &Plan) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().without_maintenance().open(&path).expect("a new database opens");
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let first = Day(Timestamp(since_1970.as_nanos() as i64).day().0 - plan.days);
    record_past(&db, first, plan);
    let (mut child, mut lines) = start_reader(&path, first, plan.days);

    let clock = quanta::Clock::new();
    println!("empty measurement: {}", nanoseconds(&empty_measurement(&clock)));
    let (mut without, mut with) = (bench::histogram(), bench::histogram());
    // From here on each run deletes a day.
    let (mut work, mut today) = (Work::default(), Day(first.0 + DELETE_DAYS as i32));
    let settle = |today: Day| maintain(&db, Day(today.0 - 1), Effort::FULL, &mut Work::default());
    settle(today);
    let (mut idle, mut runs) = (Duration::ZERO, 0_u32);
    let mut dropped = 0;
    let mut tell = |kind: &str, round: u64, latencies: &Histogram<u64>| {
        let before = std::mem::replace(&mut dropped, db.statistics().dropped);
        let dropped = dropped - before;
        println!(
            "interference, round {round} {kind} maintenance: {}, dropped {dropped}",
            nanoseconds(latencies)
        );
    };
    for round in 1..=plan.rounds {
        let latencies = record(&db, &clock, plan.seconds);
        tell("without", round, &latencies);
        without.add(latencies).expect("the same bounds");
        db.seal().expect("the disk takes it");
        settle(today);

        let is_over = AtomicBool::new(false);
        let last = Day(first.0 + plan.days + DELETE_DAYS as i32);
        let latencies = std::thread::scope(|scope| {
            scope.spawn(|| {
                yield_to_recording();
                while !is_over.load(Ordering::Acquire) && today < last {
                    maintain(&db, today, Effort::BESIDE_RECORDING, &mut work);
                    today = Day(today.0 + 1);
                    runs += 1;
                }
                // Whatever is left of the round when there are no more days.
                while !is_over.load(Ordering::Acquire) {
                    let pause = Duration::from_millis(10);
                    std::thread::sleep(pause);
                    idle += pause;
                }
            });
            let latencies = record(&db, &clock, plan.seconds);
            is_over.store(true, Ordering::Release);
            latencies
        });
        tell("with", round, &latencies);
        with.add(latencies).expect("the same bounds");
        db.seal().expect("the disk takes it");
        settle(today);
        wait_until_unlinked(&db, &path);
    }

    // It ends when its input does.
    drop(child.stdin.take());
    for line in lines.by_ref() {
        println!("{}", line.expect("readable"));
    }
    let reader = child.wait().expect("it ends");
    println!("interference, all rounds without maintenance: {}", nanoseconds(&without));
    println!("interference, all rounds with maintenance: {}", nanoseconds(&with));
    let p99 = |latencies: &Histogram<u64>| latencies.value_at_quantile(0.99) as f64;
    println!("interference, ratio of p99: {:.2} (target at most {RATIO_TARGET})", p99(&with) / p99(&without));
    let statistics = db.statistics();
    println!(
        "interference, dropped {} of {} events at {RATE}/s",
        statistics.dropped,
        statistics.emitted + statistics.dropped
    );
    println!(
        "interference, maintenance: {runs} runs at a share of {} and {} MB/s at most, idle for {:.1} s of {} s",
        Effort::BESIDE_RECORDING.share,
        Effort::BESIDE_RECORDING.bytes_per_second / 1_000_000,
        idle.as_secs_f64(),
        plan.rounds * plan.seconds
    );
    work.print("interference,");
    println!(
        "interference, largest resident: {} MiB, mapped files included",
        bench::resident_kib_max() / 1024
    );
    assert_eq!(statistics.dropped, 0, "nothing is dropped");
    assert!(reader.success(), "the reader saw errors or wrong answers");
    assert!(work.rows_dropped() > 0, "nothing was deleted: give longer rounds, or fewer events a day");
    assert_eq!(idle, Duration::ZERO, "maintenance ran out of work: give more days, or more events a day");
}

/// Records days that lie in the past, and says how long they are kept.
fn record_past(db: &Db, first: Day, plan: &Plan) {
    let started = Instant::now();
    let mut recorder =
        db.recorder(RecorderOptions::new().service("oms").backpressure(bench::BLOCK)).expect("a recorder");
    for day in (first.0..first.0 + plan.days).map(Day) {
        let start = Timestamp(day.start().0 + OPENING_NS);
        let session = SessionOptions { start, ..SessionOptions::default() };
        for event in Session::new(bench::SEED ^ day.0 as u64, session).take(plan.events_per_day) {
            assert_eq!(event.ts.day(), day, "the session ends before midnight");
            assert!(event.record(&mut recorder).is_accepted());
        }
        db.seal().expect("the disk takes it");
    }
    let by = By::new("maintenance bench", "days change tier every night");
    for category in Category::built_in() {
        let policy = Policy {
            hot_days: HOT_DAYS,
            warm_days: WARM_DAYS,
            delete_days: Some(DELETE_DAYS),
            ..Policy::default_of(category.name())
        };
        db.set_policy(category.name(), policy, &by).expect("the policy is sound");
    }
    println!(
        "{} days of {} events in {} segments, recorded and sealed in {:.1?}",
        plan.days,
        plan.events_per_day,
        db.statistics().segments,
        started.elapsed()
    );
}

fn record(db: &Db, clock: &quanta::Clock, seconds: u64) -> Histogram<u64> {
    let recorder = db.recorder(RecorderOptions::new().strategy("momentum").service("oms"));
    at_rate(recorder.expect("a recorder"), clock, RATE, seconds)
}

/// Everything due on a day.
fn maintain(db: &Db, today: Day, effort: Effort, work: &mut Work) {
    let options = MaintainOptions { at: Some(today.start()), effort, ..MaintainOptions::default() };
    let report = db.maintain_with(&options, &mut |progress| work.told(progress)).expect("it is maintained");
    work.did(&report.job);
    assert_eq!((report.job.outcome, report.job.problems), (JobOutcome::Done, Vec::new()));
}

/// Waits until the files of what was replaced are gone, so that the next round is without maintenance at all.
fn wait_until_unlinked(db: &Db, path: &Path) {
    let started = Instant::now();
    loop {
        let files: u64 =
            Tier::ALL.iter().map(|tier| bench::segment_files(&path.join(tier.directory()))).sum();
        let known = db.statistics().segments;
        if files == known {
            println!("interference, all files of replaced segments unlinked after {:.0?}", started.elapsed());
            return;
        }
        let waited = started.elapsed();
        assert!(waited < GRACE_DEFAULT * 3, "{files} files of segments, of which {known} are known");
        std::thread::sleep(Duration::from_millis(100));
    }
}

type Lines = std::io::Lines<BufReader<ChildStdout>>;

fn start_reader(path: &Path, first: Day, days: i32) -> (Child, Lines) {
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([reader::ROLE.as_ref(), path.as_os_str()])
        .args([first.0.to_string(), days.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reader starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let ready = lines.next().expect("a line").expect("readable");
    assert!(ready.starts_with("ready"), "{ready}");
    (child, lines)
}
