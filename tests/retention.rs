//! What retention promises, through the public API: what is held, or below a floor, or would be deleted by a clock
//! that is wrong, stays; what is deleted is gone from everywhere and accounted for; who reads meanwhile sees no hole.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod aged;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aged::{
    COLD, DAY_NS, TODAY, Truth, all_events, by, check_nothing_left, database, everything, files_below,
    forced, is_report, maintain, noon, order_id, partition, partition_of, policy, record, verify_clean,
};
use blotter::event::{Category, Event, Field, Level, Timestamp};
use blotter::ledger::{Budget, DropReason, Hold, HoldId, HoldQuery, JobOutcome, Policy};
use blotter::maintain::plan::KeptWhy;
use blotter::maintain::{
    Deletion, MaintainOptions, MaintenanceReport, Partition, RetentionHook, Verdict, foresee_on, repair_on,
    verify_on,
};
use blotter::segment::Tier;
use blotter::vfs::Host;
use blotter::vfs::sim::SimHost;
use blotter::{Db, Error, Options, Predicate, Reader, RecorderOptions, Vocabulary};

/// A database on a new machine, at noon of today.
fn open_new(options: Options) -> (SimHost, Db) {
    let sim = SimHost::new(1);
    sim.clock().set(noon(0).0);
    let db = options.open_on(&sim.boot(), database()).unwrap();
    (sim, db)
}

fn set_policy(db: &Db, categories: &[&str], policy: Policy) {
    for category in categories {
        db.set_policy(category, policy, &by()).unwrap();
    }
}

fn hold_orders(ids: &[&str]) -> Hold {
    let order_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Hold { case: "inquiry 7".to_owned(), query: HoldQuery { order_ids, ..HoldQuery::default() } }
}

/// A run that nobody confirms, after which nothing waits.
fn unforced(db: &Db) -> MaintenanceReport {
    db.maintain(&MaintainOptions { force: false, ..forced() }).unwrap()
}

fn rows_of(db: &Db, category: &str, age: i32) -> usize {
    let wanted = partition(category, age);
    all_events(db).iter().filter(|event| partition_of(event) == wanted).count()
}

#[track_caller]
fn assert_why(report: &MaintenanceReport, category: &str, age: i32, is_it: impl Fn(&KeptWhy) -> bool) {
    let wanted = partition(category, age);
    let kept = report.plan.kept.iter().find(|kept| kept.partition == wanted);
    assert!(kept.is_some_and(|kept| is_it(&kept.why)), "{}", report.plan);
}

#[test]
fn three_held_orders_keep_their_partition_from_policy_budget_and_hand() {
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 11, 50), ("order", 12, 50), ("order", 0, 10)]]);
    let held = hold_orders(&["order-11-3", "order-11-7", "order-11-20"]);
    let id = db.place_hold(held.clone(), &by()).unwrap();
    let report = maintain(&db).unwrap();
    assert_eq!((rows_of(&db, "order", 11), rows_of(&db, "order", 12)), (50, 0), "{}", report.plan);
    assert_why(&report, "order", 11, |why| *why == KeptWhy::Held(vec![id]));

    db.set_budget(Budget::Bytes(1), &by()).unwrap();
    let report = maintain(&db).unwrap();
    assert_eq!(rows_of(&db, "order", 11), 50, "{}", report.plan);
    assert!(report.job.problems.iter().any(|text| text.contains("are held")), "{:?}", report.job.problems);
    db.set_budget(Budget::Unlimited, &by()).unwrap();

    let error = db.drop_partition(&partition("order", 11), &by()).unwrap_err();
    assert!(matches!(error, Error::Kept { .. }) && error.to_string().contains("hold"), "{error}");
    // One of two holds released is not enough.
    let second = db.place_hold(hold_orders(&["order-11-9"]), &by()).unwrap();
    db.release_hold(id, &by()).unwrap();
    assert_why(&maintain(&db).unwrap(), "order", 11, |why| *why == KeptWhy::Held(vec![second]));
    db.release_hold(second, &by()).unwrap();
    maintain(&db).unwrap();
    assert_eq!(rows_of(&db, "order", 11), 0);
    let error = db.release_hold(second, &by()).unwrap_err();
    assert!(error.to_string().contains("no hold"), "{error}");
    let error = db.release_hold(HoldId(9999), &by()).unwrap_err();
    assert!(error.to_string().contains("no hold"), "{error}");
    let placed: Vec<_> = db.ledger().entries().iter().map(|entry| entry.actor.clone()).collect();
    assert!(placed.iter().filter(|actor| *actor == "tester").count() >= 7, "{placed:?}");
}

#[test]
fn a_late_event_under_a_hold_keeps_its_day_also_before_it_is_sealed() {
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 11, 50), ("order", 0, 10)]]);
    db.place_hold(hold_orders(&["late"]), &by()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let late = recorder.event(Category::ORDER, Level::Info, "tick").at(noon(-11)).order_id("late").emit();
    assert!(late.is_accepted());
    db.flush().unwrap();
    let report = maintain(&db).unwrap();
    assert_eq!(rows_of(&db, "order", 11), 51, "{}", report.plan);
    db.drop_partition(&partition("order", 11), &by()).unwrap_err();
    db.seal().unwrap();
    maintain(&db).unwrap();
    assert_eq!(rows_of(&db, "order", 11), 51);
}

#[test]
fn a_locked_floor_is_raised_only_and_no_hand_or_shortage_passes_it() {
    let (_, db) = open_new(aged::options());
    let locked = Policy { keep_at_least_days: 8, locked: true, destroy_after_days: Some(20), ..policy() };
    set_policy(&db, &["order"], locked);
    record(&db, &[&[("order", 7, 40), ("order", 8, 40), ("order", 0, 10)]]);
    let below = [
        Policy { keep_at_least_days: 7, ..locked },
        Policy { locked: false, ..locked },
        Policy { delete_days: Some(7), ..locked },
        Policy { destroy_after_days: Some(7), delete_days: None, ..locked },
    ];
    for policy in below {
        let error = db.set_policy("order", policy, &by()).unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
        assert!(error.to_string().contains('8') && error.to_string().contains("hint"), "{error}");
    }
    assert_eq!(db.ledger().policy("order").policy, locked);
    let error = db.drop_partition(&partition("order", 7), &by()).unwrap_err();
    assert!(matches!(error, Error::Kept { .. }), "{error}");
    db.set_budget(Budget::Bytes(1), &by()).unwrap();
    let report = maintain(&db).unwrap();
    assert_eq!((rows_of(&db, "order", 7), rows_of(&db, "order", 8)), (40, 0), "{}", report.plan);
    assert_eq!(rows_of(&db, "order", 0), 10);
    // Raised it may be, and is in force at once.
    db.set_budget(Budget::Unlimited, &by()).unwrap();
    record(&db, &[&[("order", 9, 5)]]);
    set_policy(&db, &["order"], Policy { keep_at_least_days: 10, ..locked });
    db.drop_partition(&partition("order", 9), &by()).unwrap_err();
    assert_eq!(rows_of(&db, "order", 9), 5);
}

/// Says what it is told to, and keeps what it has seen.
#[derive(Default)]
struct Archive {
    answer: Mutex<Option<Result<Verdict, String>>>,
    seen: Mutex<Vec<Event>>,
    panics: AtomicBool,
}

impl Archive {
    fn will_say(&self, answer: Result<Verdict, String>) {
        *self.answer.lock().unwrap() = Some(answer);
    }
}

impl RetentionHook for Archive {
    fn before_delete(
        &self,
        deletion: &Deletion,
    ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        assert!(!self.panics.load(Ordering::Relaxed), "the archive has a bug");
        let mut events = deletion.events();
        let seen: Vec<Event> = events.by_ref().collect();
        assert!(events.unreadable().is_empty());
        assert_eq!(seen.len() as u64, deletion.rows);
        assert!(seen.iter().all(|event| partition_of(event) == deletion.partition));
        self.seen.lock().unwrap().extend(seen);
        let answer = self.answer.lock().unwrap().clone();
        Ok(answer.unwrap_or(Ok(Verdict::Delete))?)
    }
}

#[test]
fn a_hook_sees_all_events_and_keeps_them_by_veto_or_failure_up_to_the_ceiling() {
    let hook = Arc::new(Archive::default());
    let (_, db) = open_new(aged::options().retention_hook(hook.clone()));
    let with_ceiling = Policy { destroy_after_days: Some(14), ..policy() };
    set_policy(&db, &["order", "fill"], with_ceiling);
    record(&db, &[&[("order", 11, 30), ("order", 14, 20)], &[("order", 11, 12), ("fill", 14, 20)]]);
    db.place_hold(hold_orders(&["fill-14-2"]), &by()).unwrap();
    let recorded = all_events(&db);

    hook.will_say(Ok(Verdict::Keep("not archived yet".to_owned())));
    let report = maintain(&db).unwrap();
    assert_eq!(report.job.outcome, JobOutcome::Incomplete);
    assert!(
        report.job.problems.iter().any(|text| text.contains("order") && text.contains("not archived yet")),
        "{:?}",
        report.job.problems
    );
    // The ceiling passes the hook, not the hold.
    let rows =
        |db: &Db| [("order", 11), ("order", 14), ("fill", 14)].map(|(name, age)| rows_of(db, name, age));
    assert_eq!(rows(&db), [42, 0, 20], "{}", report.plan);
    let ledger = db.ledger();
    let (tombstone, entry) = ledger.tombstones().next().unwrap();
    assert!(matches!(tombstone.why, DropReason::Ceiling { .. }));
    assert!(
        entry.reason.contains("not archived yet"),
        "that it was overruled is on record: {}",
        entry.reason
    );

    hook.will_say(Err("the archive is full".to_owned()));
    let report = maintain(&db).unwrap();
    assert!(report.job.problems.iter().any(|text| text.contains("the archive is full")));
    hook.panics.store(true, Ordering::Relaxed);
    let report = maintain(&db).unwrap();
    assert!(report.job.problems.iter().any(|text| text.contains("panicked")), "{:?}", report.job.problems);
    hook.panics.store(false, Ordering::Relaxed);
    assert_eq!(rows(&db), [42, 0, 20]);
    db.drop_partition(&partition("order", 11), &by()).unwrap_err();
    assert_eq!(rows(&db), [42, 0, 20]);

    hook.seen.lock().unwrap().clear();
    hook.will_say(Ok(Verdict::Delete));
    maintain(&db).unwrap();
    assert_eq!(rows(&db), [0, 0, 20]);
    let mut seen = hook.seen.lock().unwrap().clone();
    seen.sort_by_key(|event| event.seq);
    for event in &mut seen {
        event.fields.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    }
    let deleted: Vec<Event> =
        recorded.into_iter().filter(|event| partition_of(event) == partition("order", 11)).collect();
    assert_eq!(seen, deleted);
}

/// Does something to the database the first time it is asked, as somebody else might while a deletion is under way.
struct Meanwhile(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl RetentionHook for Meanwhile {
    fn before_delete(&self, _: &Deletion) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        let act = self.0.lock().unwrap().take();
        act.into_iter().for_each(|act| act());
        Ok(Verdict::Delete)
    }
}

#[test]
fn what_is_decided_while_a_deletion_is_under_way_is_obeyed() {
    type Act = (&'static str, fn(&Db));
    let acts: [Act; 4] = [
        ("held", |db| assert!(db.place_hold(hold_orders(&["order-11-3"]), &by()).is_ok())),
        ("policy", |db| set_policy(db, &["order"], Policy { delete_days: Some(20), ..policy() })),
        ("floor", |db| {
            set_policy(db, &["order"], Policy { delete_days: None, keep_at_least_days: 15, ..policy() })
        }),
        // A hold that is about an event that comes just then.
        ("held", |db| {
            db.place_hold(hold_orders(&["late"]), &by()).unwrap();
            let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
            let event = recorder.event(Category::ORDER, Level::Info, "tick").at(noon(-11)).order_id("late");
            assert!(event.emit().is_accepted());
            db.seal().unwrap();
        }),
    ];
    for by_hand in [false, true] {
        for (reason, act) in acts {
            if by_hand && reason == "policy" {
                continue;
            }
            let hook = Arc::new(Meanwhile(Mutex::default()));
            let (_, db) = open_new(aged::options().retention_hook(hook.clone()));
            let db = Arc::new(db);
            set_policy(&db, &["order"], policy());
            record(&db, &[&[("order", 11, 50), ("order", 0, 10)]]);
            let of_hook = Arc::clone(&db);
            *hook.0.lock().unwrap() = Some(Box::new(move || act(&of_hook)));
            let told = match by_hand {
                true => db.drop_partition(&partition("order", 11), &by()).unwrap_err().to_string(),
                false => maintain(&db).unwrap().job.problems.join("; "),
            };
            let word = if reason == "held" { "held" } else { "policy" };
            assert!(told.contains(word), "by hand {by_hand}, {reason}: {told}");
            assert!(rows_of(&db, "order", 11) >= 50, "by hand {by_hand}, {reason}");
            assert_eq!(db.ledger().tombstones().count(), 0);
        }
    }
}

#[test]
fn a_clock_that_is_wrong_deletes_nothing_wholesale() {
    let (sim, db) = open_new(aged::options());
    set_policy(&db, &["order", "fill"], policy());
    record(&db, &[&[("order", 8, 30), ("order", 4, 30), ("fill", 1, 30), ("order", 0, 30)]]);
    assert_eq!(unforced(&db).job.outcome, JobOutcome::Done);
    let rows = |db: &Db| all_events(db).iter().filter(|event| !is_report(event)).count();

    sim.clock().set(noon(3650).0);
    let report = unforced(&db);
    assert_eq!((report.job.outcome, rows(&db)), (JobOutcome::NeedsConfirmation, 120), "{}", report.plan);
    assert!(report.job.problems[0].contains("--force"), "{:?}", report.job.problems);
    // Asked again and again it deletes no more; what it records of itself by that clock makes it no truer.
    for _ in 0..3 {
        assert_eq!(unforced(&db).job.outcome, JobOutcome::NeedsConfirmation);
        db.seal().unwrap();
        sim.clock().advance(DAY_NS);
    }
    assert_eq!(rows(&db), 120);

    sim.clock().set(noon(0).0);
    let report = unforced(&db);
    assert!(report.job.problems.iter().any(|text| text.contains("clock")), "{:?}", report.job.problems);
    assert_eq!(rows(&db), 120);
    // The next one goes by the clock that is right again.
    sim.clock().set(noon(2).0);
    let report = unforced(&db);
    assert_eq!(rows(&db), 90, "{}\n{:?}", report.plan, report.job);
    // What is confirmed goes.
    sim.clock().set(noon(3650).0);
    maintain(&db).unwrap();
    assert_eq!(rows(&db), 0);
}

#[test]
fn a_large_share_of_all_events_goes_only_when_confirmed() {
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    let old: Vec<aged::Lot> = (10..14).map(|age| ("order", age, 30)).collect();
    record(&db, &[&old, &[("order", 0, 200)]]);
    let report = unforced(&db);
    assert_eq!(report.job.outcome, JobOutcome::NeedsConfirmation, "{}", report.plan);
    let problem = &report.job.problems[0];
    assert!(problem.contains("120 events of 320") && problem.contains("--force"), "{problem}");
    assert_eq!(db.ledger().tombstones().count(), 0);
    assert_why(&report, "order", 10, |why| *why == KeptWhy::AwaitsConfirmation);
    let report = maintain(&db).unwrap();
    assert_eq!((report.job.outcome, db.ledger().tombstones().count()), (JobOutcome::Done, 4));
}

#[test]
fn events_brought_here_from_long_ago_go_only_when_confirmed() {
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 0, 30)], &[("order", 5000, 30)]]);
    let report = unforced(&db);
    assert_eq!(&report.job.outcome, &JobOutcome::NeedsConfirmation, "{}", report.plan);
    assert_why(&report, "order", 5000, |why| *why == KeptWhy::AwaitsConfirmation);
    // A day that has just come to its age goes, however much of all it is.
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 0, 30)], &[("order", 10, 30)]]);
    assert_eq!((unforced(&db).job.outcome, db.ledger().tombstones().count()), (JobOutcome::Done, 1));
}

#[test]
fn a_time_to_come_deletes_nothing_whoever_asks() {
    let (_, db) = open_new(aged::options());
    let kept = Policy { keep_at_least_days: 8, locked: true, ..policy() };
    set_policy(&db, &["order"], kept);
    record(&db, &[&[("order", 3, 30), ("order", 0, 30)]]);
    let by_another_year = MaintainOptions { at: Some(noon(3650)), ..forced() };
    let report = db.maintain(&by_another_year).unwrap();
    assert_eq!((&report.job.outcome, db.ledger().tombstones().count()), (&JobOutcome::Incomplete, 0));
    assert!(report.job.problems[0].contains("is still to come"), "{:?}", report.job.problems);
    assert_why(&report, "order", 3, |why| *why == KeptWhy::TimeToCome);
    let plan = db.plan(Some(noon(20))).unwrap();
    assert!(plan.kept.iter().any(|kept| kept.why == KeptWhy::TimeToCome), "{plan}");
}

#[test]
fn a_full_volume_is_opened_by_removing_what_only_waits_for_readers() {
    let (sim, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 3, 3000)], &[("order", 3, 3000)]]);
    db.maintain(&MaintainOptions { grace: Duration::from_secs(3600), ..forced() }).unwrap();
    let truth = Truth::of(&db);
    db.close().unwrap();
    let host = sim.boot();
    sim.capacity(1 << 40);
    let space = host.files.space(database()).unwrap();
    sim.capacity(space.total_bytes - space.available_bytes);
    let db = aged::options().open_on(&host, database()).unwrap();
    truth.check(&db, "full");
    assert!(host.files.space(database()).unwrap().available_bytes > 4096);
    drop(db);
    sim.capacity(1 << 40);
    let db = aged::options().open_on(&host, database()).unwrap();
    maintain(&db).unwrap();
    drop(db);
    verify_clean(&host, "with room again");
    check_nothing_left(&host, "with room again");
}

#[test]
fn verify_beside_deletions_finds_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Options::new().without_maintenance().open(&path).unwrap();
    let ages: Vec<i64> = (1..40).collect();
    record_by_machine(&db, &ages, 300);
    let is_done = std::sync::atomic::AtomicBool::new(false);
    let verified = std::thread::scope(|scope| {
        let verifying = scope.spawn(|| {
            let mut verified = 0;
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                let report = blotter::verify(&path).unwrap();
                let damage: Vec<String> = report.damage().map(ToString::to_string).collect();
                assert_eq!(damage, [""; 0]);
                verified += 1;
            }
            verified
        });
        for age in ages {
            let day = Timestamp(now_ns() - age * DAY_NS).day();
            db.drop_partition(&Partition { category: "order".to_owned(), day }, &by()).unwrap();
        }
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        verifying.join().unwrap()
    });
    assert!(verified > 0);
}

#[test]
fn late_events_join_the_tier_of_their_day() {
    let (_, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 3, 100), ("order", 6, 100)]]);
    maintain(&db).unwrap();
    for round in 0..12 {
        record(&db, &[&[("order", 3, 5), ("order", 6, 5)]]);
        let before = all_events(&db);
        maintain(&db).unwrap();
        let after = all_events(&db);
        let kept: Vec<&Event> = after.iter().filter(|event| before.contains(event)).collect();
        assert_eq!(kept, before.iter().collect::<Vec<_>>(), "round {round}");
        let snapshot = db.snapshot().unwrap();
        for (age, tier) in [(3, Tier::Warm), (6, Tier::Cold)] {
            let segments: Vec<_> = snapshot
                .segments()
                .filter(|meta| meta.day.0 == TODAY - age && meta.category == "order")
                .collect();
            assert!(segments.iter().all(|meta| meta.tier == tier), "round {round}: {segments:#?}");
            assert!(segments.len() <= 8, "round {round}: {} segments", segments.len());
        }
    }
}

#[test]
fn who_reads_while_files_are_replaced_and_deleted_misses_nothing() {
    let (sim, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 3, 60), ("order", 6, 60), ("order", 11, 60)], &[("order", 3, 40)]]);
    let (host, expected) = (sim.boot(), all_events(&db));
    let paths = aged::tier_files(&host);
    // Taken before the run; none of their segments has been opened.
    let snapshot = db.snapshot().unwrap();
    let reader = Reader::open_on(&host, database()).unwrap();
    let elsewhere = reader.snapshot().unwrap();
    let read = |snapshot: &blotter::Snapshot| {
        let (events, unreadable) = everything(snapshot);
        assert!(unreadable.is_empty(), "{unreadable:?}");
        assert_eq!(events, expected);
        assert_eq!(snapshot.lookup("order-11-4").count(), 2);
    };
    // Within the grace, another process reads what it had listed.
    db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() }).unwrap();
    assert!(paths.iter().all(|path| host.files.exists(path).unwrap()), "files stay for the grace");
    read(&elsewhere);
    assert_eq!(db.snapshot().unwrap().lookup("order-11-4").count(), 0);
    assert_eq!(reader.snapshot().unwrap().lookup("order-11-4").count(), 0);
    // After it the files are gone, and whoever holds them still reads them: in this process also what it never opened.
    sim.clock().advance(61_000_000_000);
    db.maintain(&MaintainOptions { grace: Duration::from_secs(60), ..forced() }).unwrap();
    assert!(paths.iter().all(|path| !host.files.exists(path).unwrap()), "the grace is over");
    read(&snapshot);
    read(&elsewhere);
}

#[test]
fn a_shortage_takes_low_priorities_and_old_days_first_and_says_if_it_is_not_enough() {
    for by_share in [false, true] {
        let (sim, db) = open_new(aged::options());
        set_policy(&db, &["order"], Policy { priority: 5, keep_at_least_days: 4, ..policy() });
        set_policy(&db, &["fill"], Policy { priority: 2, ..policy() });
        let lots: Vec<aged::Lot> = (1..9).flat_map(|age| [("order", age, 200), ("fill", age, 200)]).collect();
        record(&db, &[&lots]);
        maintain(&db).unwrap();
        let host = sim.boot();
        // Without the holes of the catalog's file, which take no room.
        let all = foresee_on(&host, database(), None, false).unwrap().usage.database_bytes;
        let fills: u64 = db
            .snapshot()
            .unwrap()
            .segments()
            .filter(|meta| meta.category == "fill")
            .map(|meta| meta.file_bytes)
            .sum();
        // Half of the fills have to go.
        let budget = match by_share {
            false => Budget::Bytes(all - fills / 3),
            true => {
                sim.capacity(1 << 40);
                let space = host.files.space(database()).unwrap();
                let used = space.total_bytes - space.available_bytes;
                sim.capacity(used * 10 / 9);
                Budget::Percent(88)
            }
        };
        db.set_budget(budget, &by()).unwrap();
        let report = maintain(&db).unwrap();
        let ledger = db.ledger();
        let gone: Vec<_> = ledger
            .tombstones()
            .map(|(tombstone, _)| (tombstone.category.as_str(), TODAY - tombstone.day.0, tombstone.why))
            .collect();
        assert!(!gone.is_empty(), "{budget}: {}", report.plan);
        assert!(gone.iter().all(|(.., why)| matches!(why, DropReason::Budget { .. })), "{budget}: {gone:?}");
        let order: Vec<_> = gone.iter().map(|(category, age, _)| (*category != "fill", -age)).collect();
        assert!(order.is_sorted(), "{budget}: {gone:?}");

        // More than there is to give.
        db.set_budget(if by_share { Budget::Percent(1) } else { Budget::Bytes(1000) }, &by()).unwrap();
        let report = maintain(&db).unwrap();
        assert_eq!(report.job.outcome, JobOutcome::Incomplete);
        assert!(
            report.job.problems.iter().any(|text| text.contains("must be kept for their age")),
            "{budget}: {:?}",
            report.job.problems
        );
        for age in 1..9 {
            let expected = if age < 4 { 200 } else { 0 };
            assert_eq!(rows_of(&db, "order", age), expected, "{budget}, age {age}");
            assert_eq!(rows_of(&db, "fill", age), 0, "{budget}, age {age}");
        }
        let statistics = db.statistics().maintenance.unwrap();
        assert!(statistics.problems.iter().any(|text| text.contains("budget")), "{statistics:?}");
        let told = all_events(&db).into_iter().rfind(is_report).unwrap();
        assert_eq!((told.category, told.level), (Category::SYSTEM, Level::Error));
        assert!(told.text(Field::MESSAGE).contains("budget"), "{}", told.text(Field::MESSAGE));
    }
}

/// As a mount does: the directories stay behind.
fn move_files(host: &Host, from: &Path, to: &Path) {
    for path in files_below(host, from) {
        let moved = to.join(path.strip_prefix(from).unwrap());
        host.files.create_dir_all(moved.parent().unwrap()).unwrap();
        host.files.rename(&path, &moved).unwrap();
    }
}

#[test]
fn on_a_full_disk_deletions_make_room() {
    for by_hand in [true, false] {
        let (scene, db) = open_new(aged::options());
        set_policy(&db, &["order"], policy());
        record(&db, &[&[("order", 3, 3000), ("order", 0, 10)]]);
        db.set_budget(if by_hand { Budget::Unlimited } else { Budget::Percent(95) }, &by()).unwrap();
        let truth = Truth::of(&db);
        db.close().unwrap();
        let mut room_pages = 0;
        // With no page at all the catalog may have none to commit with; a few are enough.
        loop {
            assert!(room_pages <= 16, "by hand {by_hand}: {room_pages} pages are not enough");
            let place = format!("by hand {by_hand}, {room_pages} pages");
            let sim = scene.fork(1);
            let host = sim.boot();
            let db = aged::options().open_on(&host, database()).unwrap();
            sim.capacity(1 << 40);
            let space = host.files.space(database()).unwrap();
            sim.capacity(space.total_bytes - space.available_bytes + room_pages * 4096);
            room_pages += 1;
            if by_hand {
                let dropped = db.drop_partition(&partition("order", 3), &by());
                sim.clock().advance(61_000_000_000);
                assert_eq!(dropped.is_ok(), db.ledger().tombstones().count() == 1, "{place}");
            }
            let _ = maintain(&db);
            truth.check(&db, &place);
            if db.ledger().tombstones().count() == 0 {
                continue;
            }
            assert_eq!(rows_of(&db, "order", 3), 0, "{place}");
            truth.check_with_reader(&host, &db, &place);
            assert!(host.files.space(database()).unwrap().available_bytes >= 4096, "{place}");
            record(&db, &[&[("order", 0, 10)]]);
            db.close().unwrap();
            check_nothing_left(&host, &place);
            verify_clean(&host, &place);
            break;
        }
    }
}

#[test]
fn without_its_cold_volume_a_database_answers_the_rest_and_deletes_nothing_there() {
    let (sim, db) = open_new(aged::options());
    let host = sim.boot();
    host.files.create_dir_all(Path::new(COLD)).unwrap();
    set_policy(&db, &["order"], policy());
    db.set_cold_directory(Some(Path::new(COLD)), &by()).unwrap();
    record(&db, &[&[("order", 9, 40), ("order", 8, 40), ("order", 3, 40)]]);
    maintain(&db).unwrap();
    // Replaced on the volume, and not removed yet when it goes.
    record(&db, &[&[("order", 8, 30)]]);
    db.maintain(&MaintainOptions { grace: Duration::from_secs(3600), ..forced() }).unwrap();
    let truth = Truth::of(&db);
    db.close().unwrap();
    let cold = aged::tier_files(&host).into_iter().filter(|path| path.starts_with(COLD)).collect::<Vec<_>>();
    assert_eq!(cold.len(), 3);
    // The volume is not mounted: the directory is empty.
    move_files(&host, Path::new(COLD), Path::new("/slow/away"));
    for mounted in [None, Some("another")] {
        if let Some(text) = mounted {
            host.files.create_dir_all(Path::new(COLD)).unwrap();
            let marker = Path::new(COLD).join("BLOTTER-COLD");
            let file = host.files.open(&marker, blotter::vfs::OpenMode::CreateNew).unwrap();
            file.write_all_at(text.as_bytes(), 0).unwrap();
        }
        let db = aged::options().open_on(&host, database()).unwrap();
        let check_answers = |snapshot: &blotter::Snapshot| {
            let (events, unreadable) = everything(snapshot);
            let events = events.iter().filter(|event| !is_report(event)).count();
            assert_eq!((events, unreadable.len()), (40, 2), "{mounted:?}: {unreadable:?}");
            assert!(unreadable.iter().all(|text| text.contains(COLD)), "{mounted:?}: {unreadable:?}");
        };
        check_answers(&db.snapshot().unwrap());
        check_answers(&Reader::open_on(&host, database()).unwrap().snapshot().unwrap());
        // One is due for deletion, another would become cold.
        sim.clock().set(noon(2).0);
        let report = maintain(&db).unwrap();
        assert_eq!(report.job.outcome, JobOutcome::Incomplete);
        assert!(report.job.problems.iter().any(|text| text.contains(COLD)), "{:?}", report.job.problems);
        assert_why(&report, "order", 8, |why| *why == KeptWhy::ColdVolumeAway);
        db.drop_partition(&partition("order", 8), &by()).unwrap_err();
        assert_eq!(db.ledger().tombstones().count(), 0);
        check_answers(&db.snapshot().unwrap());
        db.close().unwrap();
        if mounted.is_some() {
            host.files.remove_file(&Path::new(COLD).join("BLOTTER-COLD")).unwrap();
        }
    }
    move_files(&host, Path::new("/slow/away"), Path::new(COLD));
    let db = aged::options().open_on(&host, database()).unwrap();
    truth.check_with_reader(&host, &db, "mounted again");
    let report = maintain(&db).unwrap();
    assert_eq!(report.job.outcome, JobOutcome::Done, "{:?}", report.job.problems);
    assert_eq!((rows_of(&db, "order", 9), rows_of(&db, "order", 8), rows_of(&db, "order", 3)), (0, 0, 40));
    db.close().unwrap();
    check_nothing_left(&host, "at the end");
    verify_clean(&host, "at the end");
}

#[test]
fn a_day_that_does_not_fit_memory_becomes_several_segments() {
    let (sim, db) = open_new(aged::options().merge_bytes_max(1 << 20));
    set_policy(&db, &["order"], policy());
    record(&db, &[&[("order", 3, 6000)], &[("order", 3, 6000)], &[("order", 6, 15_000)]]);
    let truth = Truth::of(&db);
    maintain(&db).unwrap();
    let segments = |tier| db.snapshot().unwrap().segments().filter(|meta| meta.tier == tier).count();
    assert!(segments(Tier::Warm) > 1 && segments(Tier::Cold) > 1, "{}", segments(Tier::Warm));
    truth.check(&db, "after the merges");
    let report = maintain(&db).unwrap();
    assert!(report.plan.steps.is_empty(), "what has several segments for its size stays so: {}", report.plan);
    db.close().unwrap();
    check_nothing_left(&sim.boot(), "at the end");
    verify_clean(&sim.boot(), "at the end");
}

/// Whether any byte of the files below a directory is of this text.
fn holds_text(sim: &SimHost, dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = files_below(&sim.boot(), dir);
    found.retain(|path| {
        let bytes = sim.read_file(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    });
    found
}

#[test]
fn what_is_deleted_is_gone_from_everywhere_and_accounted_for() {
    let (sim, db) = open_new(aged::options());
    let host = sim.boot();
    set_policy(&db, &["order"], policy());
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for (id, day) in [("SECRET-1", -11), ("SECRET-2", -11), ("PUBLIC-1", -3)] {
        let event =
            recorder.event(Category::ORDER, Level::Info, "tick").at(noon(day)).order_id(id).symbol(id);
        assert!(event.field("account", id).message(&format!("of {id}")).emit().is_accepted());
    }
    drop(recorder);
    record(&db, &[&[("order", 11, 40), ("order", 3, 40)], &[("order", 11, 10)]]);
    let paths: Vec<PathBuf> = aged::tier_files(&host);
    let opened: Vec<_> = paths
        .iter()
        .filter(|path| path.to_string_lossy().contains(&partition("order", 11).day.to_string()))
        .map(|path| {
            let file = host.files.open(path, blotter::vfs::OpenMode::Read).unwrap();
            let bytes = file.map(file.len().unwrap()).unwrap();
            Arc::new(blotter::segment::Segment::open(path, bytes).unwrap())
        })
        .collect();
    assert_eq!(opened.len(), 2);
    let root = blotter::segment::content_root(&opened, &blotter::segment::FullPace).unwrap();
    let deleted = rows_of(&db, "order", 11) as u64;
    let report = maintain(&db).unwrap();
    assert_eq!((report.job.dropped.rows, deleted), (52, 52));
    let ledger = db.ledger();
    let (tombstone, entry) = ledger.tombstones().next().unwrap();
    assert_eq!((tombstone.root, tombstone.rows), (Some(root), 52));
    assert_eq!(entry.actor, "maintenance");
    let snapshot = db.snapshot().unwrap();
    assert_eq!(snapshot.lookup("SECRET-1").count(), 0);
    assert_eq!(
        snapshot.scan(&Predicate::all().equals("account", "SECRET-2"), &blotter::Projection::all()).count(),
        0
    );
    assert_eq!(snapshot.lookup("PUBLIC-1").count(), 1);
    let vocabulary = Vocabulary::new(db.snapshot().unwrap());
    for field in ["order_id", "symbol", "account"] {
        assert!(vocabulary.field_values(field, "", 1000).iter().all(|value| !value.contains("SECRET")));
    }
    db.close().unwrap();
    for id in ["SECRET-1", "SECRET-2"] {
        let mut found = holds_text(&sim, database(), id);
        // Pages that redb has freed are not overwritten at once; nothing reads them.
        found.retain(|path| !path.ends_with("catalog.redb"));
        assert_eq!(found, Vec::<PathBuf>::new(), "{id}");
    }
    assert!(!holds_text(&sim, database(), "PUBLIC-1").is_empty());

    let report = verify_on(&host, database()).unwrap();
    assert_eq!(report.damage().count(), 0);
    let notes: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.contains("52 events were deleted")), "{notes:?}");
    // One more that goes is not.
    let left = aged::tier_files(&host).pop().unwrap();
    host.files.remove_file(&left).unwrap();
    let report = verify_on(&host, database()).unwrap();
    let damage: Vec<String> = report.damage().map(ToString::to_string).collect();
    assert!(damage.iter().any(|text| text.contains("missing")), "{damage:?}");
}

#[test]
fn deleted_events_do_not_stay_in_wal_files_that_were_sealed() {
    let (scene, db) = open_new(aged::options());
    set_policy(&db, &["order"], policy());
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let secret =
        recorder.event(Category::ORDER, Level::Info, "tick").at(noon(-11)).order_id("SECRET-1").emit();
    assert!(secret.is_accepted());
    drop(recorder);
    db.close().unwrap();
    // The process dies at any call of the seal, also between its commit and the removal of the WAL file.
    let (mut call, mut deletions) = (1, 0);
    loop {
        let sim = scene.fork(call);
        let db = aged::options().open_on(&sim.boot(), database()).unwrap();
        sim.crash_at(sim.calls() + call);
        if db.seal().is_ok() && !sim.crashed() {
            break;
        }
        sim.process_crash();
        drop(db);
        let db = aged::options().open_on(&sim.boot(), database()).unwrap();
        maintain(&db).unwrap();
        if db.ledger().tombstones().count() > 0 {
            deletions += 1;
            let mut found = holds_text(&sim, database(), "SECRET-1");
            found.retain(|path| !path.ends_with("catalog.redb"));
            assert_eq!(found, Vec::<PathBuf>::new(), "call {call}");
        }
        call += 1;
    }
    assert!(deletions > 2 && call > 10, "{deletions} of {call}");
}

/// What is lost of what says which files there are.
const LOST: [&[&str]; 7] = [
    &["catalog.redb"],
    &["MANIFEST"],
    &["journal"],
    &["catalog.redb", "MANIFEST"],
    &["catalog.redb", "journal"],
    &["MANIFEST", "journal"],
    &["catalog.redb", "MANIFEST", "journal"],
];

#[test]
fn repair_after_a_deletion_revives_nothing_and_keeps_what_was_decided() {
    // How far it had come when the files were lost: merged, deleted and merged, deleted what was merged; then after
    // the files were removed.
    for moment in 0..4 {
        let (sim, db) = open_new(aged::options());
        let host = sim.boot();
        host.files.create_dir_all(Path::new(COLD)).unwrap();
        host.files.sync_dir(Path::new("/slow")).unwrap();
        host.files.sync_dir(Path::new("/")).unwrap();
        db.set_cold_directory(Some(Path::new(COLD)), &by()).unwrap();
        set_policy(&db, &["order"], policy());
        let waiting = MaintainOptions { grace: Duration::from_secs(3600), ..forced() };
        record(
            &db,
            &[&[("order", 3, 30), ("order", 6, 30), ("fill", 0, 10)], &[("order", 3, 30), ("order", 6, 3)]],
        );
        let hold = db.place_hold(hold_orders(&["fill-0-1"]), &by()).unwrap();
        let truth = Truth { earlier: 0, ..Truth::of(&db) };
        db.maintain(&waiting).unwrap();
        if moment >= 1 {
            for age in [3, 6] {
                db.drop_partition(&partition("order", age), &by()).unwrap();
            }
        }
        if moment >= 2 {
            db.maintain(&waiting).unwrap();
        }
        if moment >= 3 {
            maintain(&db).unwrap();
        }
        let ledger = db.ledger();
        let expected: Vec<Event> = all_events(&db);
        db.close().unwrap();
        for lost in LOST {
            let place = format!("moment {moment}, without {lost:?}");
            // Where nothing is left that tells of a deletion, what still has its file cannot be told from what is alive.
            if lost.len() == 3 && [1, 2].contains(&moment) {
                continue;
            }
            let sim = sim.fork(1);
            let host = sim.boot();
            for name in lost {
                host.files.remove_file(&database().join(name)).unwrap();
            }
            let report = repair_on(&host, database()).unwrap_or_else(|error| panic!("{place}: {error}"));
            let db = aged::options()
                .open_on(&host, database())
                .unwrap_or_else(|error| panic!("{place}: {error}\n{report:?}"));
            if !lost.contains(&"journal") || !lost.contains(&"catalog.redb") {
                assert_eq!(db.ledger().entries(), ledger.entries(), "{place}");
                assert!(db.ledger().holds().any(|(id, ..)| id == hold), "{place}");
                truth.check_with_reader(&host, &db, &place);
            }
            let expected: Vec<&Event> = expected.iter().collect();
            let (found, unreadable) = everything(&db.snapshot().unwrap());
            assert!(unreadable.is_empty(), "{place}: {unreadable:?}");
            aged::compare(&found.iter().collect::<Vec<_>>(), &expected, &place);
            db.close().unwrap();
            verify_clean(&host, &place);
        }
    }
}

fn now_ns() -> i64 {
    Host::os().clock.now_ns()
}

/// A database in a directory of the machine, with events of these days before today.
fn record_by_machine(db: &Db, ages: &[i64], events: usize) {
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for age in ages {
        for number in 0..events {
            let ts = Timestamp(now_ns() - age * DAY_NS);
            let event = recorder.event(Category::ORDER, Level::Info, "tick").at(ts);
            assert!(event.order_id(&order_id("order", *age as i32, number as i64)).emit().is_accepted());
        }
    }
    drop(recorder);
    db.seal().unwrap();
}

/// Tells when it is asked, and answers when it may.
struct Gate {
    asked: Mutex<std::sync::mpsc::Sender<()>>,
    answer: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl RetentionHook for Gate {
    fn before_delete(&self, _: &Deletion) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        self.asked.lock().unwrap().send(()).unwrap_or_default();
        self.answer.lock().unwrap().recv().unwrap_or_default();
        Ok(Verdict::Delete)
    }
}

#[test]
fn closing_ends_a_run_under_way_and_the_next_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let (asked, was_asked) = std::sync::mpsc::channel();
    let (may_answer, answer) = std::sync::mpsc::channel();
    let gate = Gate { asked: Mutex::new(asked), answer: Mutex::new(answer) };
    let db = Options::new().without_maintenance().retention_hook(Arc::new(gate)).open(&path).unwrap();
    set_policy(&db, &["order"], policy());
    record_by_machine(&db, &[11, 12, 13, 3, 0], 50);
    let request =
        blotter::control::Request::Maintain { at_ns: None, force: true, dry_run: false, grace_ms: Some(0) };
    let asking = {
        let path = path.clone();
        std::thread::spawn(move || {
            // Not `administer`: with the owner gone, it would do the job itself.
            let timeout = Duration::from_secs(10);
            blotter::control::ask(&Host::os(), &path, &request, &by(), timeout, &mut |_| {})
        })
    };
    was_asked.recv_timeout(Duration::from_secs(30)).unwrap();
    let closing = std::thread::spawn(move || db.close());
    // The hook is still asked; then the run ends before the next step.
    std::thread::sleep(Duration::from_millis(100));
    assert!(matches!(Db::open(&path), Err(Error::Locked { .. })));
    may_answer.send(()).unwrap();
    drop(may_answer);
    closing.join().unwrap().unwrap();
    let db = Options::new().without_maintenance().open(&path).unwrap();
    drop(asking.join().unwrap());
    let ledger = db.ledger();
    assert!(ledger.tombstones().count() < 3, "it went on to the end");
    let (job, _) = ledger.jobs().next_back().unwrap();
    assert_eq!(job.outcome, JobOutcome::Interrupted, "{job:?}");
    let report = maintain(&db).unwrap();
    assert_eq!(report.job.outcome, JobOutcome::Done, "{:?}", report.job.problems);
    assert_eq!(db.ledger().tombstones().count(), 3);
    let rows = all_events(&db).iter().filter(|event| event.category == Category::ORDER).count();
    assert_eq!(rows, 100);
    db.close().unwrap();
    assert_eq!(verify_on(&Host::os(), &path).unwrap().damage().count(), 0);
}

#[test]
fn runs_seals_late_events_holds_and_readers_go_on_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Options::new()
        .wal_bytes_max(64 * 1024)
        .without_maintenance()
        .reader_grace(Duration::from_secs(3))
        .backpressure(blotter::Backpressure::Block { timeout: Duration::from_secs(10) })
        .open(&path)
        .unwrap();
    set_policy(&db, &["order"], Policy { delete_days: None, ..policy() });
    record_by_machine(&db, &[3, 6], 100);
    let (events_per_thread, stop) = (12_000_usize, AtomicBool::new(false));
    std::thread::scope(|scope| {
        let recorders: Vec<_> = [[0, 1], [3, 6]]
            .map(|ages| {
                let db = &db;
                scope.spawn(move || {
                    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
                    for number in 0..events_per_thread {
                        let ts = Timestamp(now_ns() - ages[number % 2] * DAY_NS);
                        let event = recorder.event(Category::ORDER, Level::Info, "tick").at(ts);
                        assert!(event.order_id("A-1").field("number", number as i64).emit().is_accepted());
                        if number % 64 == 0 {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    }
                })
            })
            .into();
        let mut others = Vec::new();
        for _ in 0..2 {
            others.push(scope.spawn(|| {
                let mut runs = 0;
                while !stop.load(Ordering::Relaxed) {
                    let options = MaintainOptions { grace: Duration::from_secs(3), ..forced() };
                    let report = db.maintain(&options).unwrap();
                    assert_eq!(report.job.problems, Vec::<String>::new(), "{}", report.plan);
                    runs += 1;
                }
                runs
            }));
        }
        others.push(scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let id = db.place_hold(hold_orders(&["A-1"]), &by()).unwrap();
                db.release_hold(id, &by()).unwrap();
                rounds += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            rounds
        }));
        others.push(scope.spawn(|| {
            let (reader, mut rounds, mut seen) = (Reader::open(&path).unwrap(), 0, 0);
            while !stop.load(Ordering::Relaxed) {
                let (events, unreadable) = everything(&reader.snapshot().unwrap());
                assert!(unreadable.is_empty(), "{unreadable:?}");
                assert!(events.windows(2).all(|pair| pair[0].seq.0 + 1 == pair[1].seq.0), "a hole, or twice");
                assert!(events.len() >= seen);
                seen = events.len();
                rounds += 1;
            }
            rounds
        }));
        others.push(scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let report = verify_on(&Host::os(), &path).unwrap();
                let damage: Vec<String> = report.damage().map(ToString::to_string).collect();
                assert!(damage.is_empty(), "{damage:#?}");
                rounds += 1;
            }
            rounds
        }));
        recorders.into_iter().for_each(|recorder| recorder.join().unwrap());
        stop.store(true, Ordering::Relaxed);
        let rounds: Vec<u32> = others.into_iter().map(|other| other.join().unwrap()).collect();
        assert!(rounds.iter().all(|rounds| *rounds > 0), "{rounds:?}");
        eprintln!("{rounds:?} rounds");
    });
    db.seal().unwrap();
    let report = maintain(&db).unwrap();
    assert_eq!(report.job.problems, Vec::<String>::new());
    let ticks = all_events(&db).iter().filter(|event| event.category == Category::ORDER).count();
    assert_eq!(ticks, 2 * events_per_thread + 200);
    db.close().unwrap();
    let report = verify_on(&Host::os(), &path).unwrap();
    assert_eq!(report.damage().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}
