//! What the database deletes leaves its backups; and maintenance that gets in the way of one.

use std::collections::BTreeMap;

use super::super::layout::Layout;
use super::super::sift::Sift;
use super::*;
use crate::catalog::ledger::{Change, DropReason, NewEntry, seq_digest};
use crate::catalog::{Catalog, Journal, JournalRecord, Manifest, NewSegment, Swap};
use crate::event::Day;
use crate::maintain::absence::Absence;
use crate::segment::{FinishedSegment, FullPace, Segment, SegmentMeta};
use crate::vfs::OpenMode;

pub(super) fn today() -> Day {
    Timestamp(START_NS).day()
}

/// The segments of a partition, opened.
fn segments_of(host: &Host, database: &Path, catalog: &Catalog, category: &str, day: Day) -> Vec<Segment> {
    let metas = catalog.segments().unwrap();
    let own = metas.iter().filter(|meta| (&*meta.category, meta.day) == (category, day));
    own.map(|meta| {
        let path = database.join(meta.relative_path());
        Segment::open(&path, super::super::files::map(host, &path).unwrap()).unwrap()
    })
    .collect()
}

/// Commits a change as maintenance does, and removes the files at once.
fn swap(
    host: &Host,
    database: &Path,
    catalog: &Catalog,
    added: &[NewSegment],
    removed: &[Segment],
    entries: &[NewEntry],
) {
    let ids: Vec<_> = removed.iter().map(|segment| segment.meta().id).collect();
    let entries = catalog.commit_swap(&Swap { added, removed: &ids, files: &[], entries }).unwrap();
    let before = Manifest::read(host, database).unwrap();
    let manifest = catalog.manifest(&before.indexed_fields).unwrap();
    Manifest { wal: before.wal, ..manifest }.write(host, database).unwrap();
    let (journal, ..) = Journal::open(host, database).unwrap();
    entries.into_iter().for_each(|entry| journal.append(&JournalRecord::Ledger(Box::new(entry))).unwrap());
    removed.iter().for_each(|segment| host.files.remove_file(segment.path()).unwrap());
}

/// Deletes a partition of a closed database.
pub(super) fn drop_partition(host: &Host, database: &Path, category: &str, day: Day) {
    let catalog = Catalog::open(host, database).unwrap();
    let segments = segments_of(host, database, &catalog, category, day);
    let mut absence = Absence::new(category, day);
    segments.iter().for_each(|segment| absence.note_segment(segment, &FullPace).unwrap());
    let change = Change::Dropped(absence.into_tombstone(DropReason::Policy { version: 0 }));
    let (actor, reason) = ("maintenance".to_owned(), "they are old".to_owned());
    swap(host, database, &catalog, &[], &segments, &[NewEntry { at_ns: 7, actor, reason, change }]);
}

/// Makes one segment of those of a partition of a closed database.
fn merge_partition(host: &Host, category: &str, day: Day) {
    let catalog = Catalog::open(host, desk()).unwrap();
    let segments = segments_of(host, desk(), &catalog, category, day);
    assert!(segments.len() > 1, "{} segments of {category}", segments.len());
    let mut made: Vec<NewSegment> = Vec::new();
    let mut write = |finished: FinishedSegment| {
        let path = desk().join(finished.meta.relative_path());
        let file = host.files.open(&path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&finished.bytes, 0).unwrap();
        file.sync_data().unwrap();
        host.files.sync_dir(path.parent().unwrap()).unwrap();
        made.push((finished.meta, finished.filters));
        Ok(())
    };
    let indexed = Manifest::read(host, desk()).unwrap().indexed_fields;
    let mut sift = Sift::new(&indexed, catalog.next_segment_id().unwrap().0, 1, &mut write);
    segments.iter().for_each(|segment| sift.take_segment_until(segment, i64::MAX).unwrap());
    sift.finish().unwrap();
    assert_eq!(made.len(), 1);
    swap(host, desk(), &catalog, &made, &segments, &[]);
}

fn seal_and_record(host: &Host, numbers: std::ops::Range<i64>) {
    let db = options().open_on(host, desk()).unwrap();
    db.seal().unwrap();
    record(&mut db.recorder(RecorderOptions::new()).unwrap(), numbers);
    db.close().unwrap();
}

/// Missing seqs must be those that the tombstones tell of, and to a verification all is well.
fn check_account(host: &Host, database: &Path, events: &[Event], next_seq: u64, place: &str) {
    let present: std::collections::HashSet<u64> = events.iter().map(|event| event.seq.0).collect();
    let missing: Vec<u64> = (0..next_seq).filter(|seq| !present.contains(seq)).collect();
    let ledger = Catalog::open(host, database).unwrap().ledger();
    let rows: u64 = ledger.tombstones().map(|(tombstone, _)| tombstone.rows).sum();
    let sum = |numbers: &mut dyn Iterator<Item = u64>| numbers.fold(0_u64, |sum, one| sum.wrapping_add(one));
    let told = sum(&mut ledger.tombstones().map(|(tombstone, _)| tombstone.seq_digest));
    assert_eq!(
        (rows, told),
        (missing.len() as u64, sum(&mut missing.iter().map(|seq| seq_digest(*seq)))),
        "{place}"
    );
    assert_eq!(damage_of(host, database), [""; 0], "{place}");
}

#[test]
fn deleted_events_leave_segments_merged_segments_and_wal_files_of_all_points() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 60, 30);
    let mut before: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    let mut backup_now = || {
        let report = take(&host);
        before.insert(report.point.number.0, all_events(&host, desk()));
        report
    };
    // Point 1 has events in the WAL; 2 has them sealed; 3 has what they were merged into.
    backup_now();
    seal_and_record(&host, 150..155);
    backup_now();
    merge_partition(&host, "order", today());
    backup_now();
    drop_partition(&host, desk(), "order", today());
    let report = backup_now();
    let is_deleted =
        |event: &Event| event.category == Category::ORDER && event.ts.day() == today() && event.seq.0 < 150;
    let deleted = |number: u64| before[&number].iter().filter(|event| is_deleted(event)).count() as u64;
    assert_eq!((deleted(1), deleted(2), deleted(3), deleted(4)), (deleted(3), deleted(3), deleted(3), 0));
    // Two segments of the first point, three of the second, one of the third.
    assert_eq!((report.deleted_segments, report.deleted_events), (6, 3 * deleted(3)));
    assert!(report.removed_bytes > 0 && report.notes.is_empty(), "{report:?}");

    let layout = Layout::new(vault());
    for entry in host.files.read_dir(&layout.pool()).unwrap() {
        let path = layout.pool().join(entry.name);
        let meta =
            Segment::open(&path, super::super::files::map(&host, &path).unwrap()).unwrap().meta().clone();
        let is_late = meta.seq_min >= 150;
        assert!(is_late || (&*meta.category, meta.day) != ("order", today()), "{meta:?}");
    }
    let verified = verify_backup_on(&host, vault()).unwrap();
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    let listed = Backup::list_on(&host, vault()).unwrap();
    for point in &listed.points {
        let place = format!("point {}", point.number);
        let expected: Vec<Event> =
            before[&point.number.0].iter().filter(|event| !is_deleted(event)).cloned().collect();
        assert_eq!(point.events, expected.len() as u64, "{place}");
        assert_eq!(point.deleted_events, deleted(point.number.0), "{place}");
        let target = Path::new("/points").join(point.number.to_string());
        let options = RestoreOptions { point: Some(point.number), ..RestoreOptions::default() };
        let back = restore_on(&host, vault(), &target, &options).unwrap();
        assert_eq!(back.notes.len(), usize::from(point.number.0 < 4), "{place}: {:?}", back.notes);
        let found = all_events(&host, &target);
        assert_same(&found, &expected, &place);
        check_account(&host, &target, &found, point.next_seq, &place);
        check_goes_on(&host, &target, point.next_seq, &place);
        // The same, up to a moment.
        let until = Path::new("/until").join(point.number.to_string());
        let options = RestoreOptions { until: Some(Timestamp(START_NS + 50_000_000_000)), ..options };
        restore_on(&host, vault(), &until, &options).unwrap();
        let found = all_events(&host, &until);
        assert!(!found.is_empty() && found.len() < expected.len(), "{place}");
        check_account(&host, &until, &found, point.next_seq, &format!("{place}, until"));
    }
    // Events of that day that come later are no part of what was deleted.
    seal_and_record(&host, 0..30);
    let with_late = take(&host);
    let again = take(&host);
    assert_eq!((with_late.deleted_events, again.deleted_events), (0, 0));
    assert_eq!(again.point.events, with_late.point.events);
    assert!(verify_backup_on(&host, vault()).unwrap().is_clean());
}

#[test]
fn what_is_damaged_in_an_old_point_does_not_stand_in_the_way_of_the_next() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 60, 30);
    take(&host);
    seal_and_record(&host, 90..95);
    take(&host);
    drop_partition(&host, desk(), "order", today());
    let layout = Layout::new(vault());
    let wal = vault().join("points/0000000000000001/wal/0000000000000002.wal");
    let damage = |path: &Path| {
        let mut bytes = sim.read_file(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        sim.overwrite_file(path, &bytes).unwrap();
    };
    damage(&wal);
    let third = take(&host);
    let concerns = |report: &BackupReport, text: &str| report.notes.iter().any(|note| note.contains(text));
    assert!(concerns(&third, "point 1 may hold deleted events in a WAL file"), "{:?}", third.notes);
    assert!(third.deleted_segments > 0);
    let names = |dir: &Path| -> Vec<String> {
        host.files.read_dir(dir).unwrap().into_iter().map(|entry| entry.name).collect()
    };
    // Nobody knows what a listing that cannot be read needs, so nothing of the pool goes.
    damage(&layout.listing(PointNumber(2)));
    let pool = names(&layout.pool());
    drop_partition(&host, desk(), "fill", today());
    let fourth = take(&host);
    assert!(concerns(&fourth, "point 2 cannot be read"), "{:?}", fourth.notes);
    assert!(pool.iter().all(|name| names(&layout.pool()).contains(name)));
    let listed = Backup::list_on(&host, vault()).unwrap();
    let numbers: Vec<u64> = listed.points.iter().map(|point| point.number.0).collect();
    assert_eq!((numbers, listed.unreadable.len()), (vec![1, 3, 4], 1));
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert_same(&all_events(&host, restored()), &all_events(&host, desk()), "the newest");
    // Once the two are removed, all is clean again.
    for number in [1, 2] {
        super::super::files::remove_tree(&host, &layout.point(PointNumber(number))).unwrap();
    }
    assert!(take(&host).notes.is_empty());
    let verified = verify_backup_on(&host, vault()).unwrap();
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

#[test]
fn a_journal_that_is_ahead_is_cut_and_one_that_is_behind_is_told_of() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 60, 0);
    let before = sim.read_file(&desk().join("journal")).unwrap();
    let manifest = sim.read_file(&desk().join("MANIFEST")).unwrap();
    let whole = all_events(&host, desk());
    let files: Vec<_> =
        crate::open::segment_files(&host, &crate::segment::Places::new(desk(), None)).unwrap();
    let kept: Vec<_> = files.iter().map(|file| sim.read_file(&desk().join(file)).unwrap()).collect();
    drop_partition(&host, desk(), "order", today());
    let after = sim.read_file(&desk().join("journal")).unwrap();
    // As if the deletion were in the journal and not in MANIFEST yet: it has not happened.
    let deleted_manifest = sim.read_file(&desk().join("MANIFEST")).unwrap();
    sim.overwrite_file(&desk().join("MANIFEST"), &manifest).unwrap();
    for (file, bytes) in files.iter().zip(&kept) {
        let path = desk().join(file);
        if !host.files.exists(&path).unwrap() {
            host.files.open(&path, OpenMode::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
        }
    }
    let report = take(&host);
    assert_eq!((report.point.events, report.notes.len()), (60, 0), "{:?}", report.notes);
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert_same(&all_events(&host, restored()), &whole, "before the deletion");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    // As if the process had died before the journal got it.
    sim.overwrite_file(&desk().join("MANIFEST"), &deleted_manifest).unwrap();
    sim.overwrite_file(&desk().join("journal"), &before).unwrap();
    let report = take(&host);
    assert!(
        report.notes[0].contains("are not there any longer, and the journal tells of 0"),
        "{:?}",
        report.notes
    );
    sim.overwrite_file(&desk().join("journal"), &after).unwrap();
    let report = take(&host);
    assert!(report.notes.is_empty() && report.deleted_events > 0, "{report:?}");
}

#[test]
fn a_restored_database_that_goes_on_may_use_the_directory_of_its_source() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 60, 30);
    let mut expected: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    let backup_of = |database: &Path| {
        let report = backup_on(&host, database, vault(), &BackupOptions::default()).unwrap();
        (report.point.number.0, all_events(&host, database), report)
    };
    let (number, events, _) = backup_of(desk());
    expected.insert(number, events);
    // The source goes on and deletes; so does the copy, with the same seqs and entries of the same numbers.
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    seal_and_record(&host, 200..260);
    drop_partition(&host, desk(), "system", today());
    seal_and_record(&host, 260..300);
    let (number, events, _) = backup_of(desk());
    expected.insert(number, events);
    let db = options().open_on(&host, restored()).unwrap();
    db.seal().unwrap();
    record(&mut db.recorder(RecorderOptions::new()).unwrap(), 400..500);
    db.seal().unwrap();
    db.close().unwrap();
    drop_partition(&host, restored(), "fill", today());
    let (number, events, report) = backup_of(restored());
    expected.insert(number, events);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let is_fill = |event: &Event| event.category == Category::FILL && event.ts.day() == today();
    for (number, events) in &expected {
        let place = format!("point {number}");
        let target = Path::new("/points").join(number.to_string());
        let options = RestoreOptions { point: Some(PointNumber(*number)), ..RestoreOptions::default() };
        let back = restore_on(&host, vault(), &target, &options).unwrap();
        let found = all_events(&host, &target);
        check_account(&host, &target, &found, back.next_seq, &place);
        // What neither has deleted is there; what the copy deleted is gone where it was sealed before that.
        let is_gone = |event: &Event| is_fill(event) || (event.category == Category::SYSTEM && *number == 1);
        let kept = |event: &&Event| !is_gone(event);
        let (found, expected): (Vec<&Event>, Vec<&Event>) =
            (found.iter().filter(kept).collect(), events.iter().filter(kept).collect());
        assert_eq!(found, expected, "{place}");
    }
    let verified = verify_backup_on(&host, vault()).unwrap();
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

/// Backs up while `hook` runs at the moment the first segment of system is opened.
fn backup_with(host: &Host, hook: impl FnOnce() + Send + 'static) -> BackupReport {
    let interfered = super::host::interfering(host, "hot/2026-01-02/system-", hook);
    backup_on(&interfered, desk(), vault(), &BackupOptions::default()).unwrap()
}

#[test]
fn segments_that_maintenance_replaces_under_a_backup_are_taken_as_they_are_then() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 3, 60, 10);
    let expected = all_events(&host, desk());
    let clone = host.clone();
    // Segments are taken by id: the first of system comes after those of fill and order of its seal.
    let report = backup_with(&host, move || merge_partition(&clone, "system", today()));
    assert_eq!(report.moments, 2, "{report:?}");
    let in_pool = host.files.read_dir(&vault().join("pool")).unwrap().len() as u64;
    assert_eq!(in_pool, report.point.segments, "what was replaced is not kept");
    assert_eq!(report.copied_segments, report.point.segments, "nothing was copied twice, nor in vain");
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert_same(&all_events(&host, restored()), &expected, "merged meanwhile");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    check_goes_on(&host, restored(), 190, "merged meanwhile");
}

#[test]
fn a_partition_deleted_under_a_backup_is_not_in_it() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 3, 60, 10);
    let clone = host.clone();
    let report = backup_with(&host, move || drop_partition(&clone, desk(), "system", today()));
    assert_eq!(report.moments, 2, "{report:?}");
    let expected = all_events(&host, desk());
    assert!(expected.len() < 190);
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    let found = all_events(&host, restored());
    assert_same(&found, &expected, "deleted meanwhile");
    check_account(&host, restored(), &found, 190, "deleted meanwhile");
    check_goes_on(&host, restored(), 190, "deleted meanwhile");
}

#[test]
fn cold_segments_elsewhere_are_taken_and_come_back_into_the_database() {
    const COLD: &str = "/slow/volume";
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 60, 10);
    let expected = all_events(&host, desk());
    make_cold_elsewhere(&host, Path::new(COLD));
    let marker = Path::new(COLD).join("BLOTTER-COLD");
    let identity = Manifest::read(&host, desk()).unwrap().identity.to_string();
    let away = backup_on(&host, desk(), vault(), &BackupOptions::default()).unwrap_err();
    assert!(away.to_string().contains(COLD) && away.to_string().contains("mount it"), "{away}");
    assert!(Backup::list_on(&host, vault()).unwrap().points.is_empty());
    let file = host.files.open(&marker, OpenMode::CreateNew).unwrap();
    file.write_all_at(&[b'0'; 32], 0).unwrap();
    let other = backup_on(&host, desk(), vault(), &BackupOptions::default()).unwrap_err();
    assert!(other.to_string().contains("BLOTTER-COLD is not a blotter cold directory marker"), "{other}");
    file.write_all_at(identity.as_bytes(), 0).unwrap();
    let inside =
        backup_on(&host, desk(), &Path::new(COLD).join("vault"), &BackupOptions::default()).unwrap_err();
    assert!(inside.to_string().contains("lies inside /slow/volume"), "{inside}");

    let report = take(&host);
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert_same(&all_events(&host, restored()), &expected, "cold");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
    let manifest = Manifest::read(&host, restored()).unwrap();
    assert_eq!(manifest.cold_directory, None);
    let cold: Vec<&SegmentMeta> =
        manifest.segments.iter().filter(|meta| meta.tier == crate::segment::Tier::Cold).collect();
    assert_eq!(cold.len(), 1);
    assert!(host.files.exists(&restored().join(cold[0].relative_path())).unwrap());
    check_goes_on(&host, restored(), report.point.next_seq, "cold");
}

/// Takes a partition of a closed database to a cold segment in another directory.
fn make_cold_elsewhere(host: &Host, cold: &Path) {
    use crate::event::record::Defaults;
    use crate::segment::{SegmentBuilder, SegmentIdentity, SegmentOptions, Tier};
    let catalog = Catalog::open(host, desk()).unwrap();
    let segments = segments_of(host, desk(), &catalog, "fill", today());
    let mut builder = SegmentBuilder::new(&SegmentOptions::default());
    for segment in &segments {
        for row in 0..segment.rows() {
            let event = segment.event(row, &Projection::All).unwrap();
            super::super::sift::encoded(segment.path(), &event, |record, _: &Defaults| {
                builder.push(event.seq, event.producer, record, &Defaults::default()).unwrap();
                Ok(())
            })
            .unwrap();
        }
    }
    let id = catalog.next_segment_id().unwrap();
    let (day, category, tier) = (today(), Category::FILL, Tier::Cold);
    let finished = builder.finish(SegmentIdentity { id, day, category, tier, source_wal: 1 });
    let place = crate::segment::Places::new(desk(), cold.to_str()).segment(&finished.meta);
    assert!(place.starts_with(cold));
    host.files.create_dir_all(place.parent().unwrap()).unwrap();
    host.files.open(&place, OpenMode::CreateNew).unwrap().write_all_at(&finished.bytes, 0).unwrap();
    let change = Change::ColdDirectorySet(Some(cold.to_str().unwrap().to_owned()));
    let (actor, reason) = ("operator".to_owned(), "a slow volume".to_owned());
    let entry = NewEntry { at_ns: 7, actor, reason, change };
    swap(host, desk(), &catalog, &[(finished.meta, finished.filters)], &segments, &[entry]);
}
