//! Verification finds what is wrong, and repair makes a database whole again from what can be read: on a simulated
//! host, for each kind of loss and damage, and crashed at every IO call.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod scene;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use blotter::event::Event;
use blotter::maintain::{repair_on, verify_on};
use blotter::vfs::sim::{Prng, SimHost};
use blotter::vfs::{Host, OpenMode};
use blotter::{Db, Error, Options, Reader, RecorderOptions, RepairReport, VerifyReport};

use scene::{Image, all_events, database, everything, files_below, options, record, session};

/// Two sealed WAL files and one that is not: 400 events.
fn sample() -> (Image, Vec<Event>) {
    let sim = SimHost::new(7);
    session(&sim, 2, 150, 100);
    let image = Image::of(&sim);
    let db = options().open_on(&image.restore().boot(), database()).unwrap();
    let events = all_events(&db);
    assert_eq!(events.len(), 400);
    (image, events)
}

fn verify(host: &Host) -> VerifyReport {
    verify_on(host, database()).unwrap()
}

fn damage(report: &VerifyReport) -> Vec<String> {
    report.damage().map(ToString::to_string).collect()
}

fn repair(host: &Host) -> RepairReport {
    repair_on(host, database()).unwrap()
}

/// Repairs, and checks all that must hold afterwards; gives the report and the events.
#[track_caller]
fn repair_and_check(sim: &SimHost) -> (RepairReport, Vec<Event>) {
    let host = sim.boot();
    let before: BTreeSet<Vec<u8>> = contents(sim);
    let report = repair(&host);
    check_repaired(sim, &report, &before)
}

#[track_caller]
fn check_repaired(
    sim: &SimHost,
    report: &RepairReport,
    before: &BTreeSet<Vec<u8>>,
) -> (RepairReport, Vec<Event>) {
    let host = sim.boot();
    let after = contents(sim);
    check_nothing_is_deleted(before, &after);
    let second = repair(&host);
    assert!(second.is_unchanged(), "a second repair did something: {second:?}\nafter {report:?}");
    assert_eq!(contents(sim), after, "a second repair changed a file");
    let verified = verify(&host);
    assert!(verified.is_clean(), "{:?} after {report:?}", damage(&verified));
    let (seen, unreadable) = everything(&Reader::open_on(&host, database()).unwrap().snapshot().unwrap());
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let db = options().open_on(&host, database()).unwrap();
    let events = all_events(&db);
    assert_eq!(events, seen);
    assert_eq!(events.len() as u64, report.events);
    check_recording_goes_on(&db, &events);
    drop(db);
    let verified = verify(&host);
    assert!(verified.is_clean(), "{:?} after {report:?}, opened", damage(&verified));
    (report.clone(), events)
}

/// What was there is there, under some name, or was written anew as a whole.
#[track_caller]
fn check_nothing_is_deleted(before: &BTreeSet<Vec<u8>>, after: &BTreeSet<Vec<u8>>) {
    let rewritten =
        |bytes: &Vec<u8>| ["BLOTJRNL", "BLOTMANI"].iter().any(|magic| bytes.starts_with(magic.as_bytes()));
    for bytes in before.iter().filter(|bytes| !bytes.is_empty() && !rewritten(bytes)) {
        assert!(after.contains(bytes), "a file of {} bytes is gone", bytes.len());
    }
}

/// New events get new numbers.
fn check_recording_goes_on(db: &Db, events: &[Event]) {
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    assert!(events.iter().all(|event| event.producer < recorder.producer()));
    record(&mut recorder, 1000..1003);
    db.flush().unwrap();
    let now = all_events(db);
    assert_eq!(now.len(), events.len() + 3);
    assert_eq!(now[..events.len()], *events);
    db.seal().unwrap();
    assert_eq!(all_events(db), now);
}

fn contents(sim: &SimHost) -> BTreeSet<Vec<u8>> {
    // The lock holds nothing but the name of who holds it.
    let files = files_below(&sim.boot(), database()).into_iter().filter(|path| !path.ends_with("LOCK"));
    files.map(|path| sim.read_file(&path).unwrap()).collect()
}

fn relative(path: &str) -> &Path {
    Path::new(path)
}

#[test]
fn a_sound_database_is_clean_and_repair_leaves_it_alone() {
    let (image, events) = sample();
    let sim = image.restore();
    let report = verify(&sim.boot());
    assert!(report.is_clean() && report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!((report.events, report.wal_files), (400, 1));
    assert_eq!(report.segments, image.named(".seg").len() as u64);
    let on_disk: usize =
        image.0.iter().filter(|(path, _)| !path.ends_with("LOCK")).map(|(_, b)| b.len()).sum();
    assert_eq!(report.bytes, on_disk as u64);
    let before = contents(&sim);
    let calls = sim.calls();
    verify(&sim.boot());
    assert_eq!(sim.calls(), calls, "verification wrote something");
    assert!(repair(&sim.boot()).is_unchanged());
    assert_eq!(contents(&sim), before);
    assert_eq!(all_events(&options().open_on(&sim.boot(), database()).unwrap()), events);
}

#[test]
fn verification_works_beside_a_live_writer_and_repair_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Options::new().wal_bytes_max(64 * 1024).open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let writer = std::thread::spawn(move || {
        for round in 0..200 {
            record(&mut recorder, round * 100..(round + 1) * 100);
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    });
    let mut events = 0;
    while !writer.is_finished() {
        let report = blotter::verify(&path).unwrap();
        assert!(report.is_clean(), "{:?}", damage(&report));
        assert!(report.events >= events);
        events = report.events;
        assert!(matches!(blotter::repair(&path), Err(Error::Locked { .. })));
    }
    writer.join().unwrap();
    db.seal().unwrap();
    assert_eq!(blotter::verify(&path).unwrap().events, 20_000);
    db.close().unwrap();
    let report = blotter::verify(&path).unwrap();
    assert!(report.is_clean() && report.findings.is_empty(), "{:?}", report.findings);
    assert!(blotter::repair(&path).unwrap().is_unchanged());
}

#[test]
fn a_recorded_loss_explains_a_gap_in_the_unsealed_and_in_the_sealed_part() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    let db = options().open_on(&host, database()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut dropped = 0;
    for _ in 0..10_000 {
        dropped += u64::from(!recorder.system("tick").message(&"x".repeat(100)).emit().is_accepted());
    }
    db.flush().unwrap();
    record(&mut recorder, 0..10);
    db.flush().unwrap();
    assert!(dropped > 0);
    for seal in [false, true] {
        if seal {
            db.seal().unwrap();
        }
        let report = verify(&host);
        assert!(report.is_clean(), "{:?}", damage(&report));
        assert_eq!((report.loss_records, report.lost_events), (1, dropped));
    }
}

#[test]
fn lost_catalog_manifest_and_journal_are_rebuilt() {
    let (image, events) = sample();
    let losses: [&[&str]; 7] = [
        &["catalog.redb"],
        &["MANIFEST"],
        &["catalog.redb", "MANIFEST"],
        &["journal"],
        &["catalog.redb", "journal"],
        &["catalog.redb", "MANIFEST", "journal"],
        &["catalog.redb", "MANIFEST", "journal", "LOCK"],
    ];
    for lost in losses {
        let lost: Vec<&Path> = lost.iter().map(Path::new).collect();
        let sim = image.without(&lost).restore();
        if lost.len() < 4 {
            assert!(!verify(&sim.boot()).is_clean(), "{lost:?}");
        }
        let (report, found) = repair_and_check(&sim);
        assert_eq!(found, events, "{lost:?}");
        assert_eq!((report.gaps.len(), report.salvaged_events), (0, 0), "{lost:?} {report:?}");
        // The identity survives in the WAL.
        assert!(report.notes.is_empty(), "{lost:?} {report:?}");
    }
    // Where open can tell that something is lost, it says so.
    let error = options().open_on(&image.without(&[relative("catalog.redb")]).restore().boot(), database());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("catalog.redb is missing") && error.contains("blotter repair"), "{error}");
}

#[test]
fn damaged_catalog_manifest_and_journal_are_rebuilt() {
    let (image, events) = sample();
    let mut random = Prng::new(5);
    for name in ["catalog.redb", "MANIFEST", "journal"] {
        let good = image.bytes(relative(name)).to_vec();
        let garbage: Vec<u8> = good.iter().map(|_| random.next_u64() as u8).collect();
        let mut holed = good.clone();
        let middle = good.len() / 2;
        holed[middle..(middle + 4096).min(good.len())].fill(0xA5);
        let mut head = good.clone();
        head[..16].fill(0);
        for (kind, bytes) in [
            ("truncated", good[..good.len() / 3].to_vec()),
            ("zeroed", vec![0; good.len()]),
            ("empty", vec![]),
            ("garbage", garbage),
            ("with a hole", holed),
            ("headless", head),
        ] {
            let sim = image.with(relative(name), bytes.clone()).restore();
            // A hole in unused pages of the catalog may be none.
            if kind != "with a hole" {
                assert!(!verify(&sim.boot()).is_clean(), "{name} {kind}");
            }
            let (report, found) = repair_and_check(&sim);
            assert_eq!(found, events, "{name} {kind}");
            assert!(report.gaps.is_empty(), "{name} {kind}: {report:?}");
        }
    }
}

#[test]
fn a_damaged_segment_leaves_the_rest_readable_and_repair_saves_its_readable_rows() {
    let (image, events) = sample();
    for (index, segment) in image.named(".seg").iter().enumerate() {
        let mut bytes = image.bytes(segment).to_vec();
        match index % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes[20] ^= 0x10,
            _ => bytes.iter_mut().rev().take(8).for_each(|byte| *byte = 0),
        }
        let sim = image.with(segment, bytes).restore();
        let (seen, unreadable) =
            everything(&Reader::open_on(&sim.boot(), database()).unwrap().snapshot().unwrap());
        assert_eq!(unreadable.len(), 1, "{unreadable:?}");
        assert!(unreadable[0].contains(segment.to_str().unwrap()), "{unreadable:?}");
        let rest: Vec<&Event> = events.iter().filter(|event| seen.contains(event)).collect();
        assert_eq!(rest.len(), seen.len(), "what is read is right");
        assert!(!seen.is_empty() && seen.len() < events.len());
        let verified = verify(&sim.boot());
        assert!(damage(&verified)[0].contains(segment.to_str().unwrap()), "{:?}", damage(&verified));
        // It opens for writing all the same.
        drop(options().open_on(&sim.boot(), database()).unwrap());
        let (report, found) = repair_and_check(&sim);
        assert_eq!(report.quarantined.iter().filter(|file| file.path == *segment).count(), 1);
        assert!(seen.iter().all(|event| found.contains(event)));
        assert!(found.iter().all(|event| events.contains(event)));
        assert_eq!(found.len(), seen.len() + report.salvaged_events as usize);
        let lost = events.len() - found.len();
        let in_gaps: u64 = report
            .gaps
            .iter()
            .map(|gap| match gap {
                blotter::maintain::Gap::Seqs { first, end } => end - first,
                blotter::maintain::Gap::Producer { .. } => 0,
                blotter::maintain::Gap::Unlocated { .. } => panic!("nothing was deleted"),
            })
            .sum();
        assert_eq!(in_gaps, lost as u64, "{report:?}");
    }
}

#[test]
fn a_lost_segment_is_reported_and_a_gap_stays_known() {
    let (image, events) = sample();
    let segment = image.named(".seg").remove(1);
    let sim = image.without(&[&segment]).restore();
    let verified = verify(&sim.boot());
    assert!(damage(&verified)[0].contains("the file is missing"), "{:?}", damage(&verified));
    let (report, found) = repair_and_check(&sim);
    assert!(found.len() < events.len());
    assert!(!report.gaps.is_empty());
    let notes = verify(&sim.boot()).findings;
    assert!(notes.iter().any(|note| note.text.contains("as an earlier repair has recorded")), "{notes:?}");
    // The newest segment, and with it the highest id and seq: neither is given out again.
    let (image, _) = {
        let sim = SimHost::new(7);
        session(&sim, 2, 150, 0);
        (Image::of(&sim), ())
    };
    let newest = image
        .named(".seg")
        .into_iter()
        .max_by_key(|path| path.to_string_lossy().rsplit_once('-').map(|(_, id)| id.to_owned()))
        .unwrap();
    let wal = image.named(".wal");
    let mut lost: Vec<&Path> = wal.iter().map(PathBuf::as_path).collect();
    lost.push(&newest);
    let sim = image.without(&lost).restore();
    repair_and_check(&sim);
    let db = options().open_on(&sim.boot(), database()).unwrap();
    assert!(db.statistics().next_seq.0 >= 300);
    assert!(db.snapshot().unwrap().segments().all(|meta| !newest.ends_with(meta.relative_path())));
}

/// A database of WAL files only, two of them finished.
fn unsealed() -> (Image, Vec<Event>) {
    let sim = SimHost::new(9);
    let small = || options().wal_bytes_max(64 * 1024);
    let db = small().open_on(&sim.boot(), database()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    for round in 0..19 {
        record(&mut recorder, round * 100..(round + 1) * 100);
        db.sync().unwrap();
    }
    drop(recorder);
    db.close().unwrap();
    let image = Image::of(&sim);
    assert_eq!(image.named(".wal").len(), 3, "{:?}", image.named(".wal"));
    let db = small().open_on(&image.restore().boot(), database()).unwrap();
    let events = all_events(&db);
    assert_eq!(events.len(), 1900);
    (image, events)
}

#[test]
fn damage_in_the_middle_of_the_wal_is_refused_and_what_is_readable_is_salvaged() {
    let (image, events) = unsealed();
    let wal = image.named(".wal");
    for (index, file) in wal.iter().enumerate() {
        for place in [0.3, 0.7] {
            let mut bytes = image.bytes(file).to_vec();
            let offset = (bytes.len() as f64 * place) as usize;
            bytes[offset..offset + 40].fill(0xEE);
            let sim = image.with(file, bytes).restore();
            let error = options().open_on(&sim.boot(), database()).unwrap_err().to_string();
            assert!(error.contains(file.to_str().unwrap()), "{error}");
            assert!(error.contains("is damaged at offset") && error.contains("blotter repair"), "{error}");
            let verified = verify(&sim.boot());
            assert!(damage(&verified)[0].contains(file.to_str().unwrap()), "{:?}", damage(&verified));
            let (seen, unreadable) =
                everything(&Reader::open_on(&sim.boot(), database()).unwrap().snapshot().unwrap());
            assert_eq!(unreadable.len(), 1, "{index} {place}: {unreadable:?}");
            assert!(seen.len() < events.len() && events[..seen.len()] == seen);
            let (report, found) = repair_and_check(&sim);
            assert_eq!(report.salvaged_events, found.len() as u64);
            assert!(found.len() > 1600, "{index} {place}: only {} of 1900 events were saved", found.len());
            assert!(found.iter().all(|event| {
                events.binary_search_by_key(&event.seq, |e| e.seq).is_ok_and(|at| events[at] == *event)
            }));
            assert!(!report.gaps.is_empty());
            assert!(report.quarantined.iter().any(|kept| kept.path == *file));
        }
    }
}

#[test]
fn a_lost_wal_file_and_a_damaged_head_are_survived() {
    let (image, events) = unsealed();
    let wal = image.named(".wal");
    // The newest file alone cannot be missed.
    for file in &wal[..2] {
        let sim = image.without(&[file]).restore();
        assert!(options().open_on(&sim.boot(), database()).is_err());
        assert!(!verify(&sim.boot()).is_clean());
        let reader = Reader::open_on(&sim.boot(), database());
        assert!(reader.is_err() || !everything(&reader.unwrap().snapshot().unwrap()).1.is_empty());
        let (_, found) = repair_and_check(&sim);
        assert!(found.len() >= 1000 && found.len() < 1900);
    }
    for file in &wal {
        for bit in [70, 200, 330, 400, 500] {
            let mut bytes = image.bytes(file).to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let sim = image.with(file, bytes).restore();
            let (_, unreadable) =
                everything(&Reader::open_on(&sim.boot(), database()).unwrap().snapshot().unwrap());
            assert_eq!(unreadable.len(), 1, "{unreadable:?}");
            let (report, found) = repair_and_check(&sim);
            assert_eq!(found, events, "every frame is intact: {report:?}");
        }
        let mut bytes = image.bytes(file).to_vec();
        bytes[..64].fill(0);
        let sim = image.with(file, bytes).restore();
        let (_, found) = repair_and_check(&sim);
        assert!(found.len() < 1900);
    }
}

#[test]
fn a_torn_tail_is_a_note_and_no_reason_to_repair() {
    let (image, events) = sample();
    let file = image.named(".wal").remove(0);
    let mut bytes = image.bytes(&file).to_vec();
    bytes.extend_from_slice(&[0x55; 100]);
    let sim = image.with(&file, bytes).restore();
    let report = verify(&sim.boot());
    assert!(report.is_clean());
    assert!(report.findings.iter().any(|note| note.text.contains("torn tail of 100 bytes")));
    let (report, found) = repair_and_check(&sim);
    assert!(report.is_unchanged());
    assert_eq!(found, events);
}

#[test]
fn unknown_files_are_named() {
    let (image, _) = sample();
    let stray =
        |path: &str| image.with(relative(path), b"a note to myself, of some length".to_vec()).restore();
    for path in ["notes.txt", "wal/notes.txt", "MANIFEST.tmp"] {
        let sim = stray(path);
        let report = verify(&sim.boot());
        assert!(report.is_clean());
        assert!(report.findings.iter().any(|note| note.path.ends_with(path)), "{:?}", report.findings);
        assert!(repair(&sim.boot()).is_unchanged());
    }
    for path in ["hot/notes.txt", "hot/2026-01-02/notes.txt"] {
        let sim = stray(path);
        assert!(damage(&verify(&sim.boot()))[0].contains(path));
        // Recording does not stop at a note; a file that claims to be a segment is another matter.
        assert!(options().open_on(&sim.boot(), database()).is_ok());
        repair_and_check(&stray(path));
    }
    for path in ["hot/notes.seg", "hot/2026-01-02/notes.seg"] {
        let sim = stray(path);
        assert!(options().open_on(&sim.boot(), database()).unwrap_err().to_string().contains(path));
        repair_and_check(&sim);
    }
}

/// Seals are interrupted at every IO call; with the catalog there, lost, or the WAL damaged, all that is readable
/// is there once after a repair.
#[test]
fn leftovers_of_interrupted_seals_are_told_from_segments() {
    let mut runs = 0;
    for loss in 0..4 {
        let mut call = 1;
        loop {
            let sim = SimHost::new(call);
            let db = options().open_on(&sim.boot(), database()).unwrap();
            let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
            record(&mut recorder, 0..60);
            db.seal().unwrap();
            record(&mut recorder, 60..120);
            db.sync().unwrap();
            sim.crash_at(sim.calls() + call);
            let outcome = db.seal();
            drop((recorder, db));
            if outcome.is_ok() && !sim.crashed() {
                break;
            }
            sim.power_failure(call);
            let mut image = Image::of(&sim);
            let standing = image.named(".wal");
            match loss {
                0 => {}
                1 => image = image.without(&[relative("catalog.redb")]),
                2 => image = image.without(&[relative("catalog.redb"), relative("MANIFEST")]),
                _ => {
                    let mut bytes = image.bytes(&standing[0]).to_vec();
                    if bytes.len() > 2000 {
                        bytes[500] ^= 1;
                    }
                    image = image.with(&standing[0], bytes);
                }
            }
            let sim = image.restore();
            let (report, found) = repair_and_check(&sim);
            let place = format!("loss {loss}, call {call}: {report:?}");
            let seqs: BTreeSet<u64> = found.iter().map(|event| event.seq.0).collect();
            assert_eq!(seqs.len(), found.len(), "{place}");
            if loss < 3 {
                assert_eq!(found.len(), 120, "{place}");
            } else {
                assert!(found.len() >= 60, "{place}");
            }
            runs += 1;
            call += 1;
        }
        assert!(call > 15, "sealing makes more calls than {call}");
    }
    println!("{runs} interrupted seals repaired");
}

/// A finished WAL file that is not sealed yet and one after it.
fn two_wal_files() -> Image {
    for call in 1.. {
        let sim = SimHost::new(call);
        let db = options().open_on(&sim.boot(), database()).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
        for round in 0..4 {
            record(&mut recorder, round * 20..(round + 1) * 20);
            db.sync().unwrap();
        }
        drop(recorder);
        sim.crash_at(sim.calls() + call);
        assert!(db.seal().is_err(), "sealing makes more than {call} calls");
        drop(db);
        sim.process_crash();
        let db = options().open_on(&sim.boot(), database()).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
        record(&mut recorder, 80..100);
        drop(recorder);
        db.close().unwrap();
        let image = Image::of(&sim);
        if image.named(".wal").len() == 2 {
            return image;
        }
    }
    unreachable!("a seal can be interrupted after the file is finished")
}

/// Repair is crashed at every IO call by a power failure; another one ends well and has all that the first would
/// have saved.
#[test]
fn repair_that_is_interrupted_is_finished_by_the_next() {
    let (sealed, _) = sample();
    let unsealed = two_wal_files();
    let mut damaged: Vec<(&str, Image)> = vec![
        ("no catalog", sealed.without(&[relative("catalog.redb")])),
        ("no catalog, no manifest", sealed.without(&[relative("catalog.redb"), relative("MANIFEST")])),
        ("a damaged journal", sealed.with(relative("journal"), b"BLOTJRNL, or so it says".to_vec())),
    ];
    let segment = sealed.named(".seg").remove(0);
    let mut bytes = sealed.bytes(&segment).to_vec();
    bytes.truncate(100);
    damaged.push(("a cut segment", sealed.with(&segment, bytes)));
    let wal = unsealed.named(".wal").remove(0);
    let mut bytes = unsealed.bytes(&wal).to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    damaged.push(("a damaged WAL", unsealed.with(&wal, bytes.clone())));
    damaged.push((
        "a damaged WAL, no catalog, no manifest",
        unsealed.with(&wal, bytes).without(&[relative("catalog.redb"), relative("MANIFEST")]),
    ));
    let mut runs = 0;
    for (name, image) in damaged {
        let sim = image.restore();
        let (_, expected) = repair_and_check(&sim);
        let mut call = 1;
        loop {
            let sim = image.restore();
            let before = contents(&sim);
            let start = sim.calls();
            sim.crash_at(start + call);
            let outcome = repair_on(&sim.boot(), database());
            if !sim.crashed() {
                outcome.unwrap();
                break;
            }
            sim.power_failure(call);
            // Crashed once more, somewhere.
            sim.crash_at(sim.calls() + 1 + call * 7 % 23);
            drop(repair_on(&sim.boot(), database()));
            sim.power_failure(call + 1);
            let report = repair(&sim.boot());
            let found = if call % 4 == 0 {
                let report = RepairReport { events: expected.len() as u64, ..report };
                check_repaired(&sim, &report, &before).1
            } else {
                check_nothing_is_deleted(&before, &contents(&sim));
                assert!(verify(&sim.boot()).is_clean(), "{name}, call {call}");
                everything(&Reader::open_on(&sim.boot(), database()).unwrap().snapshot().unwrap()).0
            };
            assert_eq!(found, expected, "{name}, call {call}");
            runs += 1;
            call += 1;
        }
        assert!(call > 8, "{name}: {call} calls");
    }
    println!("{runs} interrupted repairs finished");
}

#[test]
fn rings_of_a_dead_process_are_taken_over_once_after_a_repair() {
    let sim = SimHost::new(3);
    let db = options().open_on(&sim.boot(), database()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    record(&mut recorder, 0..200);
    db.sync().unwrap();
    record(&mut recorder, 200..220);
    db.sync().unwrap();
    record(&mut recorder, 220..230);
    std::mem::forget((recorder, db));
    sim.process_crash();
    let wal = database().join(Image::of(&sim).named(".wal").remove(0));
    let mut bytes = sim.read_file(&wal).unwrap();
    let last = bytes.len() - 300;
    bytes[last] ^= 1;
    bytes.extend_from_slice(&[0; 8]);
    sim.overwrite_file(&wal, &bytes).unwrap();
    let host = sim.boot();
    host.files.remove_file(&database().join("catalog.redb")).unwrap();
    repair(&host);
    let db = options().open_on(&host, database()).unwrap();
    assert_eq!(db.recovery().taken_over, 10);
    let events = all_events(&db);
    let ids: BTreeSet<u64> = events.iter().map(|event| event.pseq).collect();
    assert_eq!(ids.len(), events.len());
    assert!((220..230).all(|pseq| ids.contains(&pseq)), "{ids:?}");
}

#[test]
fn what_is_no_database_or_newer_is_left_alone() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    host.files.create_dir_all(database()).unwrap();
    assert!(matches!(verify_on(&host, database()), Err(Error::NotADatabase { .. })));
    assert!(matches!(repair_on(&host, database()), Err(Error::NotADatabase { .. })));
    assert!(host.files.read_dir(database()).unwrap().is_empty());
    let (image, _) = sample();
    let mut newer = image.bytes(&image.named(".wal")[0]).to_vec();
    newer[8] = 2;
    let crc = crc32fast::hash(&newer[..60]);
    newer[60..64].copy_from_slice(&crc.to_le_bytes());
    let sim = image.with(&image.named(".wal")[0], newer).restore();
    let before = contents(&sim);
    assert!(matches!(repair_on(&sim.boot(), database()), Err(Error::NewerVersion { .. })));
    assert_eq!(contents(&sim), before);
}

#[test]
fn on_a_real_disk() {
    let (image, events) = sample();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    for (from, bytes) in &image.0 {
        let to = path.join(from.strip_prefix(database()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    std::fs::remove_file(path.join("catalog.redb")).unwrap();
    std::fs::write(path.join("MANIFEST"), b"").unwrap();
    assert!(!blotter::verify(&path).unwrap().is_clean());
    let report = blotter::repair(&path).unwrap();
    assert!(!report.is_unchanged());
    assert!(blotter::repair(&path).unwrap().is_unchanged());
    assert!(blotter::verify(&path).unwrap().is_clean());
    assert_eq!(all_events(&Db::open(&path).unwrap()), events);
    let file = Host::os().files.open(&path.join("catalog.redb"), OpenMode::Read).unwrap();
    assert!(file.len().unwrap() > 0);
}
