//! Backups and restores: beside a writer, on a failing disk, up to a moment, and after deletions.

mod crashes;
mod deleted;
mod host;
mod live;
mod places;
mod until;

use std::path::Path;

use super::*;
use crate::event::{Category, Event, Level, Timestamp};
use crate::maintain::verify_on;
use crate::segment::Projection;
use crate::vfs::Host;
use crate::vfs::sim::SimHost;
use crate::{Db, Options, Predicate, Reader, Recorder, RecorderOptions};

const DESK: &str = "/data/desk.blotter";
const VAULT: &str = "/vault/desk.backup";
const RESTORED: &str = "/other/desk.blotter";
const DAY_NS: i64 = 86_400_000_000_000;
/// 2026-01-02T14:30:00Z.
const START_NS: i64 = 1_767_364_200_000_000_000;

fn desk() -> &'static Path {
    Path::new(DESK)
}

fn vault() -> &'static Path {
    Path::new(VAULT)
}

fn restored() -> &'static Path {
    Path::new(RESTORED)
}

fn options() -> Options {
    Options::new().without_threads().ring_bytes(256 * 1024).wal_bytes_max(1 << 20).block_rows(128)
}

/// When an event happened: seconds apart, every seventh an hour late, every fifth a day later.
fn ts_of(number: i64) -> i64 {
    let late = if number % 7 == 3 { 3_600_000_000_000 } else { 0 };
    START_NS + number * 1_000_000_000 - late + (number % 5 / 4) * DAY_NS
}

/// Records the events of these numbers; each is the same at every call.
fn record(recorder: &mut Recorder, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let category = [Category::ORDER, Category::FILL, Category::SYSTEM][number as usize % 3];
        let emitted = recorder
            .event(category, Level::Info, "tick")
            .at(Timestamp(ts_of(number)))
            .order_id(&format!("A-{:04}", number / 4))
            .symbol(["AAPL", "MSFT"][number as usize % 2])
            .price(crate::dec!(150.250))
            .field("number", number)
            .field("ratio", number as f64 / 8.0)
            .message(&format!("tick {number} at 150.25"))
            .emit();
        assert!(emitted.is_accepted(), "{emitted:?}");
    }
}

/// A closed database of `seals` seals with `sealed` events each, and `unsealed` ones after them.
fn session(sim: &SimHost, seals: i64, sealed: i64, unsealed: i64) {
    let db = options().open_on(&sim.boot(), desk()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).unwrap();
    for seal in 0..seals {
        record(&mut recorder, seal * sealed..(seal + 1) * sealed);
        db.seal().unwrap();
    }
    record(&mut recorder, seals * sealed..seals * sealed + unsealed);
    drop(recorder);
    db.close().unwrap();
}

/// All events below a seq, by seq, each event's fields by name. Nothing may be unreadable.
fn events_below(host: &Host, database: &Path, next_seq: u64) -> Vec<Event> {
    let snapshot = Reader::open_on(host, database).unwrap().snapshot().unwrap();
    let mut scan = snapshot.scan(&Predicate::all(), &Projection::all());
    let mut events: Vec<Event> = scan.by_ref().filter(|event| event.seq.0 < next_seq).collect();
    assert!(scan.unreadable().is_empty(), "{:?}", scan.unreadable());
    events.sort_by_key(|event| event.seq);
    for event in &mut events {
        event.fields.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    }
    events
}

fn all_events(host: &Host, database: &Path) -> Vec<Event> {
    events_below(host, database, u64::MAX)
}

/// Events must be equal, and if not the first that differs is shown, not all of them.
fn assert_same(found: &[Event], expected: &[Event], place: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{place}");
    }
    assert_eq!(found.len(), expected.len(), "{place}");
}

fn damage_of(host: &Host, database: &Path) -> Vec<String> {
    verify_on(host, database).unwrap().damage().map(ToString::to_string).collect()
}

fn take(host: &Host) -> BackupReport {
    backup_on(host, desk(), vault(), &BackupOptions::default()).unwrap()
}

/// The restored database is whole, opens for writing, and goes on with the next seq.
fn check_goes_on(host: &Host, database: &Path, next_seq: u64, place: &str) {
    let db =
        Options::create(options(), false).open_on(host, database).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(db.snapshot().unwrap().next_seq().0, next_seq, "{place}");
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    record(&mut recorder, 0..10);
    drop(recorder);
    db.seal().unwrap();
    db.close().unwrap();
    let new: Vec<u64> =
        all_events(host, database).iter().map(|event| event.seq.0).filter(|seq| *seq >= next_seq).collect();
    assert_eq!(new, Vec::from_iter(next_seq..next_seq + 10), "{place}");
}
