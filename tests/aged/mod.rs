//! A database whose partitions have chosen ages, on a simulated machine, and the look at whether it holds what it
//! must: every event that was not deleted, once, as it was recorded; nothing of what was.

// Each test uses its part.
#![allow(dead_code, unreachable_pub)]

#[path = "../scene/mod.rs"]
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use blotter::event::{Category, Day, Event, Field, Level, Timestamp, dec, names};
use blotter::ledger::{By, LedgerEntry, Policy, seq_digest};
use blotter::maintain::plan::Partition;
use blotter::maintain::{Effort, MaintainOptions, MaintenanceReport, verify_on};
use blotter::segment::Tier;
use blotter::vfs::Host;
use blotter::{Db, Options, Reader, RecorderOptions, Result};
use blotter_engine::catalog::Catalog;

pub use scene::{DAY_NS, all_events, database, everything, files_below};

/// 2026-06-15.
pub const TODAY: i32 = 20_619;
/// A directory of cold segments outside the database.
pub const COLD: &str = "/slow/cold";

pub fn options() -> Options {
    scene::options()
}

/// The policy that tests go by: warm at 2 days, cold at 5, gone at 10.
pub fn policy() -> Policy {
    Policy { hot_days: 2, warm_days: 5, delete_days: Some(10), ..Policy::default_of("order") }
}

pub fn by() -> By {
    By::new("tester", "to see what happens")
}

/// Noon, that many days after today.
pub fn noon(days: i64) -> Timestamp {
    Timestamp((i64::from(TODAY) + days) * DAY_NS + DAY_NS / 2)
}

pub fn partition(category: &str, age: i32) -> Partition {
    Partition { category: category.to_owned(), day: Day(TODAY - age) }
}

/// Events of one category and day: (category, age today, how many).
pub type Lot = (&'static str, i32, i64);

/// Records and seals each list of lots.
pub fn record(db: &Db, seals: &[&[Lot]]) {
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    for lots in seals {
        for (category, age, count) in *lots {
            let category = Category::custom(category).unwrap();
            for number in 0..*count {
                let ts = noon(-i64::from(*age)).0 + number % 7 * 1_000_000 - number * 1_000;
                let emitted = recorder
                    .event(category, Level::Info, "tick")
                    .at(Timestamp(ts))
                    .order_id(&order_id(category.name(), *age, number))
                    .symbol(["AAPL", "MSFT", "AMZN"][number as usize % 3])
                    .field("price", dec!(150.25))
                    .field("quantity", number * 3)
                    .message(&format!("{number} of {age} at 150.25"))
                    .emit();
                assert!(emitted.is_accepted(), "{emitted:?}");
                // The ring is small.
                if recorder.next_pseq() % 512 == 511 {
                    db.flush().unwrap();
                }
            }
        }
        db.seal().unwrap();
    }
}

pub fn order_id(category: &str, age: i32, number: i64) -> String {
    format!("{category}-{age}-{}", number / 2)
}

pub fn forced() -> MaintainOptions {
    MaintainOptions { force: true, grace: Duration::ZERO, effort: Effort::FULL, ..MaintainOptions::default() }
}

/// A run whose deletions are confirmed, and after which nothing is left for readers elsewhere.
pub fn maintain(db: &Db) -> Result<MaintenanceReport> {
    db.maintain(&forced())
}

/// What a run recorded of itself.
pub fn is_report(event: &Event) -> bool {
    event.text(Field::EVENT) == names::MAINTENANCE_RUN
}

pub fn partition_of(event: &Event) -> Partition {
    Partition { category: event.category.name().to_owned(), day: event.ts.day() }
}

/// What must be there.
#[derive(Clone)]
pub struct Truth {
    /// Every event that was recorded, by seq.
    pub events: BTreeMap<u64, Event>,
    /// Entries of the ledger that were acknowledged.
    pub ledger: Vec<LedgerEntry>,
    /// So many of them are from before, and what they deleted is not among the events.
    pub earlier: usize,
}

impl Truth {
    /// What is there now.
    pub fn of(db: &Db) -> Truth {
        let events = all_events(db).into_iter().filter(|event| !is_report(event));
        let ledger = db.ledger().entries().to_vec();
        let earlier = ledger.len();
        Truth { events: events.map(|event| (event.seq.0, event)).collect(), ledger, earlier }
    }

    /// What is there now, and what `before` has besides, which may have been deleted meanwhile.
    pub fn with_deleted(mut self, before: &Truth) -> Truth {
        for (seq, event) in &before.events {
            self.events.entry(*seq).or_insert_with(|| event.clone());
        }
        Truth { earlier: before.earlier, ..self }
    }

    /// Compares a database with it. A partition was deleted if the ledger says so, and then whole.
    pub fn check(&self, db: &Db, place: &str) {
        let ledger = db.ledger();
        assert!(
            ledger.entries().starts_with(&self.ledger),
            "{place}: of {:#?} in the ledger there is only {:#?}",
            self.ledger,
            ledger.entries()
        );
        let mut deleted: BTreeMap<Partition, (u64, u64)> = BTreeMap::new();
        for (tombstone, _) in ledger.tombstones().filter(|(_, entry)| entry.number > self.earlier as u64) {
            let partition = Partition { category: tombstone.category.clone(), day: tombstone.day };
            let (rows, digest) = deleted.entry(partition).or_default();
            *rows += tombstone.rows;
            *digest = digest.wrapping_add(tombstone.seq_digest);
        }
        for (partition, told) in &deleted {
            let seqs = self.events.iter().filter(|(_, event)| partition_of(event) == *partition);
            let known = seqs.fold((0, 0_u64), |(rows, digest), (seq, _)| {
                (rows + 1, digest.wrapping_add(seq_digest(*seq)))
            });
            assert_eq!(known, *told, "{place}: the tombstones of {partition} tell of other events");
        }
        let expected: Vec<&Event> =
            self.events.values().filter(|event| !deleted.contains_key(&partition_of(event))).collect();
        let found = all_events(db);
        let found: Vec<&Event> = found.iter().filter(|event| !is_report(event)).collect();
        compare(&found, &expected, place);
    }

    /// As [`Truth::check`], and that another process sees the same.
    pub fn check_with_reader(&self, host: &Host, db: &Db, place: &str) {
        self.check(db, place);
        let reader = Reader::open_on(host, database()).unwrap_or_else(|error| panic!("{place}: {error}"));
        let (read, unreadable) = everything(&reader.snapshot().unwrap());
        assert!(unreadable.is_empty(), "{place}: {unreadable:?}");
        let own = all_events(db);
        compare(&read.iter().collect::<Vec<_>>(), &own.iter().collect::<Vec<_>>(), place);
        let ledger = reader.ledger().unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(ledger.entries(), db.ledger().entries(), "{place}: the ledger of the reader");
    }
}

/// Compares events in the order of seq; says which are too many or missing rather than all of them.
pub fn compare(found: &[&Event], expected: &[&Event], place: &str) {
    let seqs = |events: &[&Event]| events.iter().map(|event| event.seq.0).collect::<Vec<_>>();
    let (found_seqs, expected_seqs) = (seqs(found), seqs(expected));
    let distinct: BTreeSet<u64> = found_seqs.iter().copied().collect();
    assert_eq!(distinct.len(), found_seqs.len(), "{place}: some events are there twice");
    let wanted: BTreeSet<u64> = expected_seqs.iter().copied().collect();
    let lost: Vec<_> = wanted.difference(&distinct).collect();
    let risen: Vec<_> = distinct.difference(&wanted).collect();
    assert!(lost.is_empty() && risen.is_empty(), "{place}: lost {lost:?}, not expected {risen:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{place}");
    }
}

/// No command finds damage.
pub fn verify_clean(host: &Host, place: &str) {
    let report = verify_on(host, database()).unwrap_or_else(|error| panic!("{place}: {error}"));
    let damage: Vec<String> = report.damage().map(ToString::to_string).collect();
    assert!(damage.is_empty(), "{place}: {damage:#?}");
}

/// Files in the tiers' directories.
pub fn tier_files(host: &Host) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let tiers = Tier::ALL.map(|tier| database().join(tier.directory()));
    for dir in tiers.iter().map(PathBuf::as_path).chain([Path::new(COLD)]) {
        if host.files.exists(dir).unwrap() {
            found.extend(files_below(host, dir));
        }
    }
    found.retain(|path| !path.ends_with("BLOTTER-COLD"));
    found.sort();
    found
}

/// The database is closed, nothing waits, and its files are exactly those of the segments it lists.
pub fn check_nothing_left(host: &Host, place: &str) {
    let catalog = Catalog::open(host, database()).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(catalog.files().unwrap(), [], "{place}: files in transition");
    let cold = catalog.ledger().cold_directory().map(str::to_owned);
    let places = blotter::segment::Places::new(database(), cold.as_deref());
    let mut listed: Vec<PathBuf> =
        catalog.segments().unwrap().iter().map(|meta| places.segment(meta)).collect();
    listed.sort();
    assert_eq!(tier_files(host), listed, "{place}: files that are no segment's, or the other way round");
}
