//! Backups of a database that records, and what comes of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn a_backup_beside_a_recording_database_is_a_prefix_and_restores_to_it() {
    let root = tempfile::tempdir().unwrap();
    let (desk, vault) = (root.path().join("desk.blotter"), root.path().join("vault"));
    let db = Options::new().ring_bytes(1 << 20).wal_bytes_max(64 * 1024).open(&desk).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    let (stop, recorded) = (AtomicBool::new(false), AtomicU64::new(0));
    let host = Host::os();
    let reports: Vec<BackupReport> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                record(&mut recorder, number..number + 20);
                number += 20;
                recorded.store(number as u64, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        });
        let reports = (1..=4)
            .map(|round| {
                while recorded.load(Ordering::Relaxed) < round * 3000 {
                    std::thread::yield_now();
                }
                backup(&desk, &vault, &BackupOptions::default()).unwrap()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        reports
    });
    let (mut reused, mut unsealed) = (0, 0);
    for (round, report) in reports.iter().enumerate() {
        let place = format!("backup {round}");
        assert!(report.point.events >= 1000 && report.notes.is_empty(), "{place}: {report:?}");
        assert_eq!(report.point.events, report.point.next_seq, "{place}");
        reused += report.reused_segments;
        let target = root.path().join(format!("restored-{round}.blotter"));
        let options = RestoreOptions { point: Some(report.point.number), ..RestoreOptions::default() };
        let restored = restore(&vault, &target, &options).unwrap();
        assert_eq!((restored.events, restored.next_seq), (report.point.events, report.point.next_seq));
        let found = all_events(&host, &target);
        unsealed += found.len() as u64
            - crate::catalog::Manifest::read(&host, &target)
                .unwrap()
                .segments
                .iter()
                .map(|m| m.rows)
                .sum::<u64>();
        assert_same(&found, &events_below(&host, &desk, report.point.next_seq), &place);
        assert_eq!(damage_of(&host, &target), [""; 0], "{place}");
        check_goes_on(&host, &target, report.point.next_seq, &place);
    }
    assert!(reused > 0 && unsealed > 0, "{reused} segments reused, {unsealed} events unsealed");
    db.close().unwrap();
    assert!(verify_backup(&vault).unwrap().is_clean());
}

#[test]
fn a_second_backup_copies_only_what_is_new_and_all_points_are_kept() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 300, 40);
    let first = take(&host);
    assert_eq!((first.point.events, first.point.segments), (640, 12));
    assert_eq!((first.copied_segments, first.reused_segments), (12, 0));
    let expected = all_events(&host, desk());
    let again = take(&host);
    assert_eq!((again.copied_segments, again.reused_segments), (0, 12));
    let unsealed = again.copied_bytes;
    assert!(unsealed * 2 < first.copied_bytes, "WAL and journal only: {unsealed} of {}", first.copied_bytes);

    let db = options().open_on(&host, desk()).unwrap();
    record(&mut db.recorder(RecorderOptions::new()).unwrap(), 1000..1300);
    db.seal().unwrap();
    let third = backup_on(&host, desk(), vault(), &BackupOptions::default()).unwrap();
    assert_eq!((third.point.events, third.reused_segments), (940, 12));
    assert_eq!(third.copied_segments, third.point.segments - 12);
    let new: u64 =
        db.snapshot().unwrap().segments().filter(|meta| meta.seq_min >= 600).map(|m| m.file_bytes).sum();
    assert!(
        (new..new + 4096).contains(&third.copied_bytes),
        "{new} bytes are new, {} copied",
        third.copied_bytes
    );

    let listed = Backup::list_on(&host, vault()).unwrap();
    assert_eq!(listed.points, [first.point.clone(), again.point, third.point.clone()]);
    assert!(listed.unreadable.is_empty() && listed.unfinished.is_empty());
    let verified = verify_backup_on(&host, vault()).unwrap();
    assert!(verified.is_clean() && verified.findings.is_empty(), "{:?}", verified.findings);
    assert_eq!((verified.points, verified.segments), (3, third.point.segments));

    let options = RestoreOptions { point: Some(first.point.number), ..RestoreOptions::default() };
    restore_on(&host, vault(), restored(), &options).unwrap();
    assert_same(&all_events(&host, restored()), &expected, "the first point");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    let ledger = crate::catalog::Catalog::open(&host, restored()).unwrap().ledger();
    let (job, entry) = ledger.jobs().next_back().unwrap();
    assert_eq!((job.kind, &*entry.actor), (crate::catalog::ledger::JobKind::Restore, "restore"));
    check_goes_on(&host, restored(), 640, "the first point");
}

#[test]
fn only_the_newest_points_are_kept_when_asked_and_what_only_older_ones_need_goes() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 300, 0);
    let keep = BackupOptions { keep: Some(2), ..BackupOptions::default() };
    for round in 1..=4 {
        let report = backup_on(&host, desk(), vault(), &keep).unwrap();
        assert_eq!(report.removed_points.len(), usize::from(round > 2));
        let numbers: Vec<u64> =
            Backup::list_on(&host, vault()).unwrap().points.iter().map(|point| point.number.0).collect();
        assert_eq!(numbers, Vec::from_iter((round.max(2) - 1).min(round)..=round));
    }
    let report = verify_backup_on(&host, vault()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let zero = BackupOptions { keep: Some(0), ..BackupOptions::default() };
    assert!(backup_on(&host, desk(), vault(), &zero).unwrap_err().to_string().contains("at least 1"));
}

#[test]
fn hard_links_take_no_room_and_outlive_the_database() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 3, 300, 20);
    let expected = all_events(&host, desk());
    let linked = BackupOptions { hard_links: true, ..BackupOptions::default() };
    let report = backup_on(&host, desk(), vault(), &linked).unwrap();
    assert_eq!((report.copied_segments, report.linked_segments), (0, report.point.segments));
    assert!(report.copied_bytes * 2 < report.point.bytes, "{report:?}");
    let options = RestoreOptions { hard_links: true, ..RestoreOptions::default() };
    let back = restore_on(&host, vault(), restored(), &options).unwrap();
    assert_eq!((back.copied_segments, back.linked_segments), (0, report.point.segments));
    for file in crate::open::segment_files(&host, &crate::segment::Places::new(desk(), None)).unwrap() {
        host.files.remove_file(&desk().join(file)).unwrap();
    }
    assert!(verify_backup_on(&host, vault()).unwrap().is_clean());
    assert_same(&all_events(&host, restored()), &expected, "linked");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    check_goes_on(&host, restored(), 920, "linked");
}

#[test]
fn what_a_dead_process_left_in_shared_memory_is_counted_and_left_out() {
    let sim = SimHost::new(1);
    let db = options().open_on(&sim.boot(), desk()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    record(&mut recorder, 0..50);
    db.sync().unwrap();
    record(&mut recorder, 50..57);
    sim.process_crash();
    drop((recorder, db));
    let host = sim.boot();
    let report = take(&host);
    assert_eq!((report.point.events, report.point.next_seq, report.point.left_in_rings), (50, 50, 7));
    assert!(report.notes[0].starts_with("7 events"), "{:?}", report.notes);
    let back = restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert!(back.notes[0].starts_with("7 events"), "{:?}", back.notes);
    assert_eq!(all_events(&host, restored()).len(), 50);
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    check_goes_on(&host, restored(), 50, "without rings");
}

#[test]
fn progress_is_told_and_ends_with_all() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 300, 0);
    let told: Arc<Mutex<Vec<BackupProgress>>> = Arc::default();
    let listener = Arc::clone(&told);
    let progress = OnProgress::new(move |progress| listener.lock().unwrap().push(progress));
    let options = BackupOptions { progress: progress.clone(), ..BackupOptions::default() };
    backup_on(&host, desk(), vault(), &options).unwrap();
    restore_on(&host, vault(), restored(), &RestoreOptions { progress, ..RestoreOptions::default() })
        .unwrap();
    let told = told.lock().unwrap();
    assert!(told.is_sorted_by_key(|progress| progress.files_total), "{told:?}");
    let ends: Vec<_> = told.iter().filter(|progress| progress.files_done == progress.files_total).collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| end.bytes_done == end.bytes_total), "{told:?}");
}
