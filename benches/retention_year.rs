//! A year of events under the policies: recorded day by day, maintained every night by a clock that is set.
//!
//! `cargo bench --bench retention_year [-- EVENTS_PER_DAY DAYS]`, by default 137,000 events on each of 366 days.
//!
//! ```text
//! each day: 14:30 record the session, sealed nine times ─▶ next day 02:00
//!   ─▶ what the model says is due = what is planned ─▶ ask ─▶ maintain ─▶ ask again: the same answers
//!   ─▶ every partition in its tier, with all its events; what was due gone, with its tombstone; nothing left to do
//! ```
//! Any difference ends the program with an error. Policies are the defaults but for `audit`, of which nothing would
//! become cold or go within a year; in the middle of the year `position` gets another. By default, within a year:
//! `market_data`, `signal`, `system`, `error` and `performance` go through all tiers and are deleted, `order`, `fill`,
//! `position` and `risk` become cold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use blotter::event::{Category, Day, Level, Timestamp};
use blotter::ledger::{By, DropReason, JobOutcome, Policy};
use blotter::maintain::plan::{Plan, Step};
use blotter::maintain::{Effort, MaintainOptions};
use blotter::segment::Tier;
use blotter::vfs::{Clock, Host};
use blotter::{Db, Options, Queryable, RecorderOptions, Snapshot};
use blotter_workload::{Session, SessionEvent, SessionOptions};

mod bench;
#[path = "retention_year/model.rs"]
mod model;
#[path = "retention_year/questions.rs"]
mod questions;

use bench::work::Work;
use model::{Change, Key, Model};
use questions::{Ids, Questions};

/// 2024-01-01, of a leap year.
const FIRST_DAY: i32 = 19_723;
const OPENING_NS: i64 = (14 * 60 + 30) * 60_000_000_000;
const MAINTENANCE_NS: i64 = 2 * 60 * 60_000_000_000;
/// Trading hours, in seconds, through which the events of a day are spread.
const SESSION_SECONDS: u64 = 23_400;
/// Enough that the night's compaction finds something to do.
const SEALS_PER_DAY: usize = 9;
/// Days between two looks at everything.
const EVERYTHING_EACH_DAYS: i32 = 30;
/// The category that has another policy than the default, and the one whose policy changes.
const SHORTENED: &str = "audit";
const CHANGED: &str = "position";

fn main() {
    let numbers = bench::numbers();
    let events_per_day = numbers.first().copied().unwrap_or(137_000) as usize;
    let days = numbers.get(1).copied().unwrap_or(366) as i32;
    bench::print_load("at the start");
    let started = Instant::now();
    let dir = bench::scratch();
    let path = dir.path().join("year.blotter");
    let mut year = Year::new(&path, events_per_day);
    year.set_policy(
        SHORTENED,
        Policy { hot_days: 60, warm_days: 120, delete_days: Some(300), ..default(SHORTENED) },
    );
    for day in (FIRST_DAY..FIRST_DAY + days).map(Day) {
        year.record(day);
        if day.0 == FIRST_DAY + days / 2 {
            year.change_policy(days as u32);
        }
        let is_last = day.0 + 1 == FIRST_DAY + days;
        let today = Day(day.0 + 1);
        year.maintain(today, is_last || (day.0 - FIRST_DAY + 1) % EVERYTHING_EACH_DAYS == 0);
    }
    year.finish(&path, days);
    println!("all of it took {:.0?}", started.elapsed());
    bench::print_load("at the end");
}

fn default(category: &str) -> Policy {
    Policy::default_of(category)
}

/// The time is what it was set to.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now_ns(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Year {
    events_per_day: usize,
    clock: Arc<SetClock>,
    db: Db,
    model: Model,
    ids: BTreeMap<Day, Ids>,
    questions: Questions,
    work: Work,
    tombstones: usize,
    /// Days on which the session alone had no event of a category.
    days_without: BTreeMap<&'static str, u32>,
    recording: Duration,
    /// Of a plan; how many segments it was made from.
    planning: Vec<(Duration, usize)>,
    maintaining: Duration,
    anonymous_kib_max: u64,
}

impl Year {
    fn new(path: &Path, events_per_day: usize) -> Year {
        let clock = Arc::new(SetClock(AtomicI64::new(Day(FIRST_DAY).start().0)));
        let host = Host { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Host::os() };
        let options = Options::new().backpressure(bench::BLOCK).without_maintenance();
        Year {
            events_per_day,
            clock,
            db: options.open_on(&host, path).expect("a new database opens"),
            model: Model::default(),
            ids: BTreeMap::new(),
            questions: Questions::default(),
            work: Work::default(),
            tombstones: 0,
            days_without: BTreeMap::new(),
            recording: Duration::ZERO,
            planning: Vec::new(),
            maintaining: Duration::ZERO,
            anonymous_kib_max: 0,
        }
    }

    fn set_policy(&mut self, category: &'static str, policy: Policy) {
        let by = By::new("retention_year", "to see all tiers within a year");
        self.db.set_policy(category, policy, &by).expect("the policy is sound");
        let version = self.db.ledger().policy(category);
        assert_eq!(version.policy, policy);
        assert!(version.version > self.model.policy(category).0, "a policy that is set has a new version");
        self.model.set_policy(category, version.version, policy);
        println!("{category}: policy version {} is {policy:?}", version.version);
    }

    /// Shortens all ages of a category, so that much of it becomes cold and goes at once.
    fn change_policy(&mut self, days: u32) {
        let hot_days = 14;
        let warm_days = hot_days.max(days / 6);
        let delete_days = warm_days.max(days * 3 / 8);
        self.set_policy(
            CHANGED,
            Policy { hot_days, warm_days, delete_days: Some(delete_days), ..default(CHANGED) },
        );
        let today = self.clock.now().0 + 1;
        let due = self.model.due(Day(today));
        let of_category: Vec<&Change> = due.iter().filter(|change| change.key.1 == CHANGED).collect();
        let gone: Vec<&&Change> = of_category.iter().filter(|change| change.to.is_none()).collect();
        // The oldest day has the age of all days so far, and each day up to the new limit goes.
        let expected_gone = (days / 2 + 2).saturating_sub(delete_days);
        assert_eq!(gone.len(), expected_gone as usize, "days that the change deletes");
        println!(
            "{CHANGED}: the change deletes {} days, cools {}, warms {}",
            gone.len(),
            of_category.iter().filter(|change| change.to == Some(Tier::Cold)).count(),
            of_category.iter().filter(|change| change.to == Some(Tier::Warm)).count(),
        );
    }

    fn record(&mut self, day: Day) {
        let start = Timestamp(day.start().0 + OPENING_NS);
        self.clock.set(start);
        let events_per_second = (self.events_per_day as u64 / SESSION_SECONDS).max(1) as u32;
        let options = SessionOptions { start, events_per_second, ..SessionOptions::default() };
        let mut session = Session::new(bench::SEED ^ day.0 as u64, options).take(self.events_per_day);
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let recording = RecorderOptions::new().service("oms").session(day.to_string());
        let mut recorder = self.db.recorder(recording).expect("a recorder");
        loop {
            let part_len = self.events_per_day.div_ceil(SEALS_PER_DAY);
            let part: Vec<SessionEvent> = session.by_ref().take(part_len).collect();
            if part.is_empty() {
                break;
            }
            for event in &part {
                assert_eq!(event.ts.day(), day, "the session ends before midnight");
                *counts.entry(event.category.name()).or_default() += 1;
            }
            self.note_ids(day, &part, counts.values().sum::<u64>() as usize);
            let started = Instant::now();
            for event in &part {
                assert!(event.record(&mut recorder).is_accepted());
            }
            self.db.seal().expect("the disk takes it");
            self.recording += started.elapsed();
        }
        let started = Instant::now();
        for category in Category::built_in() {
            if counts.contains_key(category.name()) {
                continue;
            }
            *self.days_without.entry(category.name()).or_default() += 1;
            counts.insert(category.name(), 1);
            let event = recorder.event(category, Level::Info, "session_ended").at(start);
            assert!(event.message("session ended").emit().is_accepted());
        }
        drop(recorder);
        self.db.seal().expect("the disk takes it");
        self.recording += started.elapsed();
        assert_eq!(counts.len(), 10, "every category occurs");
        for (category, rows) in counts {
            self.model.record((day, category), rows);
        }
    }

    /// Keeps an order of the first part of the day that has one, and then of parts up to its middle.
    fn note_ids(&mut self, day: Day, part: &[SessionEvent], so_far: usize) {
        if self.ids.contains_key(&day) && so_far > self.events_per_day / 2 {
            return;
        }
        let created = |event: &&SessionEvent| event.event == "order_created";
        if let Some(event) = part.iter().find(created) {
            let (order, decision) = (event.order_id.as_str(), event.correlation_id.as_str());
            self.ids.insert(day, Ids { order: order.to_owned(), decision: decision.to_owned() });
        }
    }

    fn maintain(&mut self, today: Day, everything: bool) {
        self.clock.set(Timestamp(today.start().0 + MAINTENANCE_NS));
        let due = self.model.due(today);
        let plan = self.plan();
        let compacted = self.check_plan(today, &plan, &due);

        let (deleted, moved): (Vec<Change>, Vec<Change>) = due.iter().partition(|change| change.to.is_none());
        let changed: Vec<Key> = moved.iter().map(|change| change.key).chain(compacted).collect();
        let mut asked = questions::about(&changed, &deleted, &self.ids);
        if everything {
            asked.extend(questions::about_everything(&self.model, today, &deleted, &self.ids));
        }
        let before = self.questions.answers(&self.snapshot(), &asked);
        let report = self.run();
        let after = self.questions.answers(&self.snapshot(), &asked);
        questions::compare(today, &asked, &before, &after);

        assert_eq!(report, plan.steps, "{today}: what was done is what was planned");
        self.model.apply(&due);
        // The run's own report.
        self.model.record((today, Category::SYSTEM.name()), 1);
        let snapshot = self.snapshot();
        self.model.check(today, snapshot.segments());
        self.check_tombstones(today, &deleted);
        if everything {
            self.check_counts(today, &snapshot);
        }
        let again = self.plan();
        assert!(again.steps.is_empty() && again.kept.is_empty(), "{today}: there is more to do:\n{again}");
    }

    fn snapshot(&self) -> Snapshot {
        self.db.snapshot().expect("a snapshot")
    }

    fn plan(&mut self) -> Plan {
        let segments = self.db.statistics().segments as usize;
        let started = Instant::now();
        let plan = self.db.plan(None).expect("it can be planned");
        self.planning.push((started.elapsed(), segments));
        plan
    }

    /// Maintains; gives what was done.
    fn run(&mut self) -> Vec<Step> {
        let options = MaintainOptions { effort: Effort::FULL, ..MaintainOptions::default() };
        let (work, anonymous_kib_max) = (&mut self.work, &mut self.anonymous_kib_max);
        let started = Instant::now();
        let report = self.db.maintain_with(&options, &mut |progress| {
            work.told(progress);
            *anonymous_kib_max = bench::status_kib("RssAnon:").max(*anonymous_kib_max);
        });
        self.maintaining += started.elapsed();
        let report = report.expect("it is maintained");
        work.did(&report.job);
        assert_eq!((report.job.outcome, report.job.problems), (JobOutcome::Done, Vec::new()));
        report.plan.steps
    }

    /// Compares a plan with what is due; gives the partitions that are to be compacted.
    fn check_plan(&self, today: Day, plan: &Plan, due: &[Change]) -> Vec<Key> {
        assert!(plan.problems.is_empty() && plan.kept.is_empty(), "{today}: {plan}");
        assert!(!plan.needs_confirmation && plan.foreseen.is_empty(), "{today}: {plan}");
        let mut left: BTreeMap<Key, &Change> = due.iter().map(|change| (change.key, change)).collect();
        let mut compacted = Vec::new();
        for step in &plan.steps {
            let partition = step.partition();
            let category = Category::known(&partition.category).expect("it was recorded").name();
            let key = (partition.day, category);
            if let Step::Compact(_) = step {
                assert_eq!(self.model.tier(&key), Some(Tier::Hot), "{today}: {step}");
                compacted.push(key);
                continue;
            }
            let change = left.remove(&key).unwrap_or_else(|| panic!("{today}: not due: {step}"));
            let to = step.merge().map(|(_, tier)| tier);
            assert_eq!((to, step.rows()), (change.to, change.rows), "{today}: {step}");
            if let Step::Drop(drop) = step {
                let why = DropReason::Policy { version: change.version };
                assert_eq!((drop.why, drop.overdue_days), (why, change.overdue_days), "{today}: {step}");
            }
        }
        assert!(left.is_empty(), "{today}: due but not planned: {left:?}");
        compacted
    }

    /// Each deletion has left its tombstone, and nothing else has.
    fn check_tombstones(&mut self, today: Day, deleted: &[Change]) {
        let ledger = self.db.ledger();
        let new: Vec<_> = ledger.tombstones().skip(self.tombstones).map(|(tombstone, _)| tombstone).collect();
        assert_eq!(new.len(), deleted.len(), "{today}: tombstones");
        for (tombstone, change) in new.iter().zip(deleted) {
            let why = DropReason::Policy { version: change.version };
            let found = ((tombstone.day, tombstone.category.as_str()), tombstone.rows, tombstone.why);
            assert_eq!(found, (change.key, change.rows, why), "{today}");
            assert!(tombstone.root.is_some(), "{today}: the tombstone has the content root");
        }
        self.tombstones += new.len();
    }

    /// Counts all events, as a query does.
    fn check_counts(&self, today: Day, snapshot: &Snapshot) {
        let rows = snapshot.query("| stats count() as events by category, date(ts) as day");
        let count = |row: blotter::Row| {
            let [category, day, events] = ["category", "day", "events"].map(|name| row.get(name).to_string());
            ((category, day), events.parse().expect("a count"))
        };
        let rows = rows.expect("the query is right").map(|row| count(row.expect("rows come")));
        let found: BTreeMap<(String, String), u64> = rows.collect();
        assert_eq!(found, self.model.counts(), "{today}: events by category and day");
    }

    fn finish(mut self, path: &Path, days: i32) {
        // Two minutes later no reader waits for what was replaced.
        let today = self.clock.now();
        self.clock.set(Timestamp(self.clock.now_ns() + 120_000_000_000));
        assert_eq!(self.run(), [], "nothing is due twice");
        self.model.record((today, Category::SYSTEM.name()), 1);
        self.check_counts(today, &self.snapshot());
        let files: u64 =
            Tier::ALL.iter().map(|tier| bench::segment_files(&path.join(tier.directory()))).sum();
        assert_eq!(files, self.db.statistics().segments, "files of segments");
        if days > 90 {
            let tiers: std::collections::BTreeSet<Tier> =
                self.snapshot().segments().map(|meta| meta.tier).collect();
            assert_eq!(tiers.len(), 3, "all tiers occur");
            assert!(self.work.rows_dropped() > 0, "market data goes after 90 days");
        }
        self.print(days);
        self.questions.finish();
        let segments: Vec<_> = self.snapshot().segments().cloned().collect();
        for tier in Tier::ALL {
            let of_tier = || segments.iter().filter(|meta| meta.tier == tier);
            let (rows, bytes): (u64, u64) =
                of_tier().fold((0, 0), |(rows, bytes), meta| (rows + meta.rows, bytes + meta.file_bytes));
            println!(
                "{tier} at the end: {} segments, {rows} events, {bytes} bytes, {:.2} bytes per event",
                of_tier().count(),
                bytes as f64 / rows as f64
            );
        }
        let held = self.model.held();
        assert_eq!(held, self.model.recorded - self.model.deleted);
        assert_eq!(self.model.deleted, self.work.rows_dropped(), "deleted events, as the jobs counted them");
        self.db.close().expect("the disk takes it");
        for (kind, bytes) in bench::disk_usage(path, &kind_of) {
            println!("on disk, {kind}: {bytes} bytes, {:.3} per event held", bytes as f64 / held as f64);
        }
        let started = Instant::now();
        let report = blotter::verify(path).expect("it can be verified");
        println!(
            "verify: {} events in {} segments in {:.1?}",
            report.events,
            report.segments,
            started.elapsed()
        );
        let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(report.is_clean(), "{findings:#?}");
        assert_eq!(report.events, held, "verify finds every event that is held");
        println!("verify: clean, {} notes", findings.len());
        findings.iter().for_each(|finding| println!("verify: {finding}"));
    }

    fn print(&self, days: i32) {
        let Model { recorded, deleted, .. } = self.model;
        println!(
            "events: {recorded} recorded on {days} days (each run's report included), {deleted} deleted, {} held at the end",
            self.model.held()
        );
        for (category, days) in &self.days_without {
            println!("events: the session had none of {category} on {days} days, on which one was added");
        }
        println!(
            "recording and sealing {SEALS_PER_DAY} times a day: {:.2} M events/s ({:.1?})",
            recorded as f64 / self.recording.as_secs_f64() / 1e6,
            self.recording
        );
        self.work.print("maintenance:");
        println!("maintenance: {days} runs took {:.1?}", self.maintaining);
        let mut planning = self.planning.clone();
        planning.sort();
        let (longest, segments) = planning.last().expect("every day was planned");
        println!(
            "planning: {} plans, median {:.2?}, longest {longest:.2?} over {segments} segments, the last {:.2?} over {}",
            planning.len(),
            planning[planning.len() / 2].0,
            self.planning.last().expect("every day was planned").0,
            self.planning.last().expect("every day was planned").1,
        );
        println!(
            "memory: largest resident {} MiB, mapped files included; largest anonymous during maintenance {} MiB",
            bench::resident_kib_max() / 1024,
            self.anonymous_kib_max / 1024
        );
    }
}

impl SetClock {
    fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    fn now(&self) -> Day {
        Timestamp(self.now_ns()).day()
    }
}

fn kind_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(extension) if extension == "seg" || extension == "wal" => {
            format!("*.{}", extension.to_string_lossy())
        }
        _ if path.is_dir() => "directories".to_owned(),
        _ => name.into_owned(),
    }
}
