//! A database of format version 1, written once and kept: every later build reads it, event for event.
//!
//! `tests/golden/v1/database` is the directory, `tests/golden/v1/events.txt` what it holds. As long as version 1 is
//! not published, a change of the format writes both anew:
//!
//! ```text
//! BLOTTER_WRITE_GOLDEN=1 cargo test -p blotter --test golden
//! ```
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod scene;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use blotter::event::{Category, Event, Level, Timestamp};
use blotter::{Db, Options, Reader, RecorderOptions};

use scene::{START, everything, record, value_text};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// One line per event, one field per line after it.
fn text(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let Event { ts, seq, producer, pseq, category, level, .. } = event;
        writeln!(text, "{seq} {ts} {producer}/{pseq} {category} {level}").unwrap();
        for (key, value) in &event.fields {
            writeln!(text, "    {}: {}", key.name(), value_text(value)).unwrap();
        }
    }
    text
}

/// Every type of value, long and odd texts, early and late times, a category of the application's.
fn record_oddities(db: &Db) {
    let mut recorder = db.recorder(RecorderOptions::new().service("oms").session("s-1")).unwrap();
    let training = Category::custom("training").unwrap();
    for (number, ts) in [i64::MIN, -1, 0, START.0, i64::MAX].into_iter().enumerate() {
        let emitted = recorder
            .event(training, Level::Warn, "odd")
            .at(Timestamp(ts))
            .order_id("ünïcødé-\u{1F600}")
            .correlation_id(&format!("momentum-{:012x}", 0x1234_5678_9abc_u64 + number as u64))
            .field("whole", i64::MIN + number as i64)
            .field("flag", number % 2 == 0)
            .field("ratio", -0.1 * number as f64)
            .field("exact", "0.10".parse::<blotter::event::Decimal>().unwrap())
            .field("text", "line\nbreak \u{7} bell")
            .message(&"long ".repeat(100))
            .emit();
        assert!(emitted.is_accepted(), "{emitted:?}");
    }
}

fn write_golden() {
    let database = golden().join("database");
    if database.exists() {
        std::fs::remove_dir_all(&database).unwrap();
    }
    let options = || Options::new().without_threads().index("venue").block_rows(128);
    let db = options().open(&database).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    record(&mut recorder, 0..300);
    record_oddities(&db);
    db.seal().unwrap();
    record(&mut recorder, 300..340);
    record_oddities(&db);
    drop(recorder);
    db.close().unwrap();
    // Who held the lock is nobody's business later.
    std::fs::write(database.join("LOCK"), "").unwrap();
    let (events, unreadable) = everything(&Reader::open(&database).unwrap().snapshot().unwrap());
    assert!(unreadable.is_empty(), "{unreadable:?}");
    std::fs::write(golden().join("events.txt"), text(&events)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn version_1_is_read_whole() {
    if std::env::var("BLOTTER_WRITE_GOLDEN").is_ok_and(|value| value == "1") {
        write_golden();
    }
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("desk.blotter");
    copy(&golden().join("database"), &database);
    let expected = std::fs::read_to_string(golden().join("events.txt")).unwrap();

    let reader = Reader::open(&database).unwrap();
    let (events, unreadable) = everything(&reader.snapshot().unwrap());
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert_eq!(events.len(), 350);
    assert_eq!(text(&events), expected);
    let odd: Vec<Event> = reader.snapshot().unwrap().lookup("ünïcødé-\u{1F600}").collect();
    assert_eq!(odd.len(), 10);

    let report = blotter::verify(&database).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!((report.events, report.wal_files), (350, 1));

    let db = Db::open(&database).unwrap();
    let (events, unreadable) = everything(&db.snapshot().unwrap());
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert_eq!(text(&events), expected);
    db.seal().unwrap();
    assert_eq!(text(&everything(&db.snapshot().unwrap()).0), expected);
    db.close().unwrap();
    assert!(blotter::verify(&database).unwrap().is_clean());
}
