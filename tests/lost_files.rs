//! What was durable when a database was closed is known: a WAL that is missing or short afterwards is damage, to
//! the open, to readers and to `verify`, and `repair` records what is gone.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::path::{Path, PathBuf};

use blotter::event::{Category, Level};
use blotter::{Db, Error, Predicate, Projection, Reader, RecorderOptions};

/// A database of sealed and unsealed events, closed.
fn closed_database() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Db::open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for number in 0..100i64 {
        if number == 60 {
            db.seal().unwrap();
        }
        assert!(recorder.audit("x").field("n", number).emit().is_accepted());
    }
    drop(recorder);
    db.close().unwrap();
    (dir, path)
}

fn newest_wal(database: &Path) -> PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(database.join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.pop().unwrap()
}

fn readable(database: &Path) -> (usize, usize) {
    let snapshot = Reader::open(database).unwrap().snapshot().unwrap();
    let mut scan = snapshot.scan(&Predicate::all(), &Projection::all());
    (scan.by_ref().count(), scan.unreadable().len())
}

#[test]
fn a_wal_that_is_missing_or_short_after_a_close_is_damage_and_its_loss_is_recorded() {
    for cut_bytes in [None, Some(60), Some(600)] {
        let (_dir, path) = closed_database();
        assert_eq!(readable(&path), (100, 0));
        assert!(blotter::verify(&path).unwrap().is_clean());
        let wal = newest_wal(&path);
        match cut_bytes {
            None => std::fs::remove_file(&wal).unwrap(),
            Some(bytes) => {
                let file = std::fs::OpenOptions::new().write(true).open(&wal).unwrap();
                file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
            }
        }
        let (left, unreadable) = readable(&path);
        assert!((60..=100).contains(&left) && unreadable == 1, "{cut_bytes:?}: {left} left, {unreadable}");
        assert!(!blotter::verify(&path).unwrap().is_clean(), "{cut_bytes:?}");
        let error = Db::open(&path).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{cut_bytes:?}: {error}");
        let report = blotter::repair(&path).unwrap();
        assert!(!report.is_unchanged(), "{cut_bytes:?}");
        let after = blotter::verify(&path).unwrap();
        assert!(after.is_clean(), "{cut_bytes:?}: {:?}", after.findings);
        assert_eq!(after.events, left as u64, "{cut_bytes:?}");
        assert_eq!(report.gaps.is_empty(), left == 100, "{cut_bytes:?}: {:?}", report.gaps);
        // No seq is given out again.
        let db = Db::open(&path).unwrap();
        assert_eq!(db.statistics().next_seq.0, 100, "{cut_bytes:?}");
    }
}

#[test]
fn more_categories_than_a_byte_can_number_are_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Db::open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for number in 0..300 {
        let category = Category::custom(&format!("kind_{number}")).unwrap();
        assert!(recorder.event(category, Level::Info, "x").emit().is_accepted());
        assert_eq!(category.name(), format!("kind_{number}"));
    }
    db.seal().unwrap();
    assert_eq!(readable(&path), (300, 0));
    assert!(blotter::verify(&path).unwrap().is_clean());
}

#[test]
fn a_stray_file_among_the_segments_does_not_stop_recording() {
    let (_dir, path) = closed_database();
    std::fs::write(path.join("hot/notes.txt"), "x").unwrap();
    let db = Db::open(&path).unwrap();
    assert_eq!(db.statistics().next_seq.0, 100);
}

#[test]
fn a_database_without_its_lock_says_how_to_mend_it() {
    let (_dir, path) = closed_database();
    std::fs::remove_file(path.join("LOCK")).unwrap();
    let error = Db::open(&path).unwrap_err().to_string();
    assert!(error.contains("blotter repair") && !error.contains("new directory"), "{error}");
    blotter::repair(&path).unwrap();
    assert_eq!(Db::open(&path).unwrap().statistics().next_seq.0, 100);
}

#[cfg(target_os = "linux")]
#[test]
fn a_ring_that_was_never_given_room_is_cleared_away() {
    let (_dir, path) = closed_database();
    let rings = || -> Vec<PathBuf> {
        let all = std::fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.to_string_lossy().ends_with("-000000ff.ring")).collect()
    };
    // The name that a ring of this database gets, taken from one that exists.
    let db = Db::open(&path).unwrap();
    let recorder = db.recorder(RecorderOptions::new()).unwrap();
    let own = format!("-{:08x}.ring", recorder.producer().0);
    let before = rings();
    let living = std::fs::read_dir("/dev/shm")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(&own))
        .max_by_key(|path| std::fs::metadata(path).and_then(|found| found.modified()).ok());
    let Some(living) = living else {
        println!("skipped: rings are not in /dev/shm here");
        return;
    };
    drop((recorder, db));
    let empty = PathBuf::from(living.to_string_lossy().replace(&own, "-000000ff.ring"));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&empty).unwrap();
    assert_eq!(readable(&path), (100, 0));
    let db = Db::open(&path).unwrap();
    assert!(db.recovery().unreadable_rings.is_empty(), "{:?}", db.recovery());
    assert_eq!(rings(), before);
    drop(db);
}

#[test]
fn a_follower_says_that_another_database_took_the_place_of_its_own() {
    let (_dir, path) = closed_database();
    let mut follower = Reader::open(&path).unwrap().follow(blotter::FollowFrom::Now).unwrap();
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    drop(Db::open(&path).unwrap());
    let error = follower.next(std::time::Duration::from_secs(10)).unwrap_err().to_string();
    assert!(error.contains("another database"), "{error}");
}

#[test]
fn a_missing_segment_is_noticed_without_reading_rows() {
    let (_dir, path) = closed_database();
    assert!(Reader::open(&path).unwrap().snapshot().unwrap().check_segments().is_empty());
    let snapshot = Reader::open(&path).unwrap().snapshot().unwrap();
    let segment = path.join(snapshot.segments().next().unwrap().relative_path());
    std::fs::remove_file(&segment).unwrap();
    let missing = Reader::open(&path).unwrap().snapshot().unwrap().check_segments();
    assert_eq!(missing.iter().map(|part| &part.path).collect::<Vec<_>>(), [&segment]);
}
