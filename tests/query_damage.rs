//! Queries over a database of which a part is damaged or gone: what they give is of the rest, and they say so.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::path::{Path, PathBuf};

use blotter::{Datum, Options, Queryable, Reader, RecorderOptions};

const EVENTS: i64 = 3000;

/// A sealed database with orders and fills, and the file of its segment of orders.
fn database(dir: &Path) -> (PathBuf, PathBuf) {
    let path = dir.join("desk.blotter");
    let db = Options::new().without_threads().block_rows(128).open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for number in 0..EVENTS {
        let category =
            if number % 3 == 0 { blotter::event::Category::FILL } else { blotter::event::Category::ORDER };
        let event = recorder.event(category, blotter::event::Level::Info, "x");
        let text = format!("text {}", number * 7919 % 1000);
        assert!(
            event
                .field("n", number)
                .field("square", number * number)
                .field("text", text.as_str())
                .emit()
                .is_accepted()
        );
    }
    db.flush().unwrap();
    db.seal().unwrap();
    let orders =
        db.snapshot().unwrap().segments().find(|meta| meta.category == "order").unwrap().relative_path();
    drop(recorder);
    db.close().unwrap();
    let file = path.join(orders);
    (path, file)
}

fn one_row(path: &Path, text: &str) -> (Vec<i64>, usize) {
    let mut rows = Reader::open(path).unwrap().query(text).unwrap();
    let row = rows.next().unwrap().unwrap();
    assert!(rows.next().is_none());
    let values = row.iter().map(|(_, datum)| datum.as_i64().unwrap()).collect();
    (values, rows.unreadable().len())
}

#[test]
fn a_segment_that_is_gone_is_neither_counted_nor_passed_over_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (path, orders) = database(dir.path());
    assert_eq!(one_row(&path, "| stats count()"), (vec![EVENTS], 0));
    std::fs::remove_file(&orders).unwrap();
    for text in ["| stats count()", "category in (order, fill) | stats count()", "| stats count(n)"] {
        assert_eq!(one_row(&path, text), (vec![EVENTS / 3], 1), "{text}");
    }
    let mut rows = Reader::open(&path).unwrap().query("| stats count() by category").unwrap();
    let found: Vec<Datum> = rows.by_ref().map(|row| row.unwrap().get("count").clone()).collect();
    assert_eq!((found, rows.unreadable().len()), (vec![Datum::Int(EVENTS / 3)], 1));
}

#[test]
fn aggregates_of_a_damaged_segment_are_all_of_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let (path, orders) = database(dir.path());
    let whole = std::fs::read(&orders).unwrap();
    let text = "| stats count(), count(n), count(square), count(text)";
    assert_eq!(one_row(&path, text), (vec![EVENTS; 4], 0));
    let mut damaged = 0;
    for at in (16..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&orders, &bytes).unwrap();
        let (counts, unreadable) = one_row(&path, text);
        assert!(counts.iter().all(|count| *count == counts[0]), "byte {at}: {counts:?}");
        assert_eq!(counts[0] < EVENTS, unreadable > 0, "byte {at}: {counts:?}, {unreadable} unreadable");
        damaged += usize::from(unreadable > 0);
    }
    assert!(damaged > 10, "{damaged} flips were met");
}
