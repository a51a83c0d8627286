//! The catalog, the manifest and the journal under crashes, failing disks and flipped bits.

mod crashes;
mod damage;

use std::collections::BTreeSet;

use super::records::FILTER_PART_BYTES;
use super::*;
use crate::event::Timestamp;
use crate::segment::{Route, Tier};
use crate::vfs::sim::{Prng, SimHost};

const IDENTITY: DatabaseId = DatabaseId(0x1234_5678_9ABC_DEF0_0FED_CBA9_8765_4321);

fn root() -> &'static Path {
    Path::new("/desk")
}

fn with_directory(host: &Host) {
    host.files.create_dir_all(root()).unwrap();
    host.files.sync_dir(Path::new("/")).unwrap();
}

fn segment(id: u64) -> NewSegment {
    let ts: Timestamp = "2026-01-02T14:30:00Z".parse().unwrap();
    let meta = SegmentMeta {
        id: SegmentId(id),
        category: "order".into(),
        day: ts.day(),
        tier: Tier::Hot,
        rows: 10,
        ts_min: ts.0,
        ts_max: ts.0 + 1,
        seq_min: id * 10,
        seq_max: id * 10 + 9,
        level_max: 2,
        source_wal: id,
        file_bytes: 4096,
        footer_crc: 0xC0FFEE,
        routes: vec![Route::new("order_id", "A-1", "A-9", 7)],
    };
    (meta, filters(id))
}

/// Puts segments in place of others.
fn swap(catalog: &Catalog, added: &[NewSegment], removed: &[SegmentId]) -> Result<Vec<LedgerEntry>> {
    catalog.commit_swap(&Swap { added, removed, ..Swap::default() })
}

/// What the ledger says of a deletion.
fn deletion() -> NewEntry {
    let tombstone = ledger::Tombstone {
        category: "order".into(),
        day: segment(0).0.day,
        segments: vec![SegmentId(0)],
        rows: 10,
        bytes: 4096,
        ts_min: 0,
        ts_max: 1,
        seq_min: 0,
        seq_max: 9,
        seq_digest: 0,
        producers: vec![],
        losses: vec![],
        why: ledger::DropReason::Hand,
        root: None,
    };
    let change = ledger::Change::Dropped(tombstone);
    NewEntry { at_ns: 1, actor: "tester".into(), reason: "to see".into(), change }
}

/// Filters of a segment: a short one, an empty one, and now and then one of several parts.
fn filters(id: u64) -> Vec<RoutingFilter> {
    let mut random = Prng::new(id);
    let long = if id.is_multiple_of(3) { 2 * FILTER_PART_BYTES + 17 } else { 900 };
    [("order_id", 300), ("symbol", 0), ("correlation_id", long)]
        .into_iter()
        .map(|(field, len)| RoutingFilter {
            field: field.into(),
            // Eleven does not divide a part, so that parts differ.
            bytes: [random.next_u64().to_le_bytes().as_slice(), b"abc"].concat().repeat(len / 11 + 1)[..len]
                .to_vec(),
        })
        .collect()
}

fn seal(segments: &[NewSegment], sealed_wal: u64) -> SealCommit<'_> {
    SealCommit { segments, sealed_wal, next_seq: Seq(sealed_wal * 100), next_producer: sealed_wal as u32 }
}

/// Checks every answer of a catalog that must hold segments of these ids; an error is passed on.
fn check_answers(catalog: &Catalog, ids: &[u64]) -> Result<()> {
    let expected: Vec<NewSegment> = ids.iter().map(|id| segment(*id)).collect();
    let metas: Vec<SegmentMeta> = expected.iter().map(|(meta, _)| meta.clone()).collect();
    assert_eq!(catalog.segments()?, metas);
    for (meta, filters) in &expected {
        for filter in filters {
            assert_eq!(catalog.filter(meta.id, &filter.field)?.as_ref(), Some(&filter.bytes));
        }
        assert_eq!(catalog.filter(meta.id, "venue")?, None);
    }
    Ok(())
}

#[test]
fn what_was_committed_is_found_also_after_reopening() {
    let host = SimHost::new(1).boot();
    with_directory(&host);
    let catalog = Catalog::create(&host, root(), IDENTITY).unwrap();
    assert_eq!(catalog.counters(), Counters::default());
    assert_eq!(catalog.segments().unwrap(), []);
    let counters = catalog.commit_seal(&seal(&[segment(0), segment(3)], 7)).unwrap();
    assert_eq!(counters, Counters { generation: 1, sealed_wal: 7, next_seq: 700, next_producer: 7 });
    catalog.commit_seal(&seal(&[], 6)).unwrap();
    drop(catalog);

    let catalog = Catalog::open(&host, root()).unwrap();
    assert_eq!(catalog.identity(), IDENTITY);
    let expected = Counters { generation: 2, sealed_wal: 7, next_seq: 700, next_producer: 7 };
    assert_eq!(catalog.counters(), expected, "counters never go back");
    check_answers(&catalog, &[0, 3]).unwrap();
    assert_eq!(catalog.filter(SegmentId(99), "order_id").unwrap(), None);

    swap(&catalog, &[segment(5)], &[SegmentId(0)]).unwrap();
    check_answers(&catalog, &[3, 5]).unwrap();
    swap(&catalog, &[], &[SegmentId(3)]).unwrap();
    check_answers(&catalog, &[5]).unwrap();
    let manifest = catalog.manifest(&["order_id".into()]).unwrap();
    assert_eq!((manifest.generation, manifest.segments.len()), (4, 1));
    assert_eq!(manifest.segments, catalog.segments().unwrap());
    assert!(matches!(Catalog::create(&host, root(), IDENTITY), Err(Error::CatalogMismatch { .. })));
}

#[test]
fn it_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::os();
    let catalog = Catalog::create(&host, dir.path(), IDENTITY).unwrap();
    catalog.commit_seal(&seal(&[segment(0), segment(1)], 1)).unwrap();
    catalog.manifest(&[]).unwrap().write(&host, dir.path()).unwrap();
    drop(catalog);
    let catalog = Catalog::open(&host, dir.path()).unwrap();
    check_answers(&catalog, &[0, 1]).unwrap();
    catalog.commit_seal(&seal(&[segment(2)], 2)).unwrap();
    // As after kill -9: nothing is closed.
    std::mem::forget(catalog);
    check_answers(&Catalog::open(&host, dir.path()).unwrap(), &[0, 1, 2]).unwrap();
    assert_eq!(Manifest::read(&host, dir.path()).unwrap().generation, 1);
}

#[test]
fn a_change_that_cannot_be_made_changes_nothing() {
    let host = SimHost::new(1).boot();
    with_directory(&host);
    let catalog = Catalog::create(&host, root(), IDENTITY).unwrap();
    let before = catalog.commit_seal(&seal(&[segment(1), segment(2)], 1)).unwrap();
    assert!(swap(&catalog, &[], &[SegmentId(1), SegmentId(8)]).is_err());
    assert!(catalog.commit_seal(&seal(&[segment(4), segment(2)], 2)).is_err());
    assert_eq!(catalog.counters(), before);
    check_answers(&catalog, &[1, 2]).unwrap();
    catalog.commit_seal(&seal(&[segment(4)], 2)).unwrap();
    check_answers(&catalog, &[1, 2, 4]).unwrap();
}

#[test]
fn segment_ids_are_never_handed_out_twice() {
    let sim = SimHost::new(1);
    with_directory(&sim.boot());
    drop(Catalog::create(&sim.boot(), root(), IDENTITY).unwrap());
    let mut seen = BTreeSet::new();
    for round in 0..20 {
        let catalog = Catalog::open(&sim.boot(), root()).unwrap();
        for _ in 0..round * 9 {
            let id = catalog.next_segment_id().unwrap();
            assert!(seen.insert(id), "{id} was handed out before");
            if id.0.is_multiple_of(7) {
                catalog.commit_seal(&seal(&[segment(id.0)], round)).unwrap();
            }
        }
        match round % 3 {
            0 => drop(catalog),
            1 => sim.process_crash(),
            _ => sim.power_failure(round),
        }
    }
}

#[test]
fn a_rebuilt_catalog_is_newer_than_any_manifest() {
    let host = SimHost::new(1).boot();
    with_directory(&host);
    let catalog = Catalog::create(&host, root(), IDENTITY).unwrap();
    catalog.commit_seal(&seal(&[segment(1), segment(2)], 5)).unwrap();
    let manifest = catalog.manifest(&[]).unwrap();
    manifest.write(&host, root()).unwrap();
    drop(catalog);
    host.files.remove_file(&root().join(CATALOG_FILE)).unwrap();
    let found = [segment(1), segment(2)];
    let rebuilt =
        Catalog::rebuild(&host, root(), IDENTITY, 77, manifest.generation, 0, &seal(&found, 5), &[], &[])
            .unwrap();
    assert!(rebuilt.counters().generation > manifest.generation);
    assert_eq!((rebuilt.counters().sealed_wal, rebuilt.created_at_ns()), (5, 77));
    check_answers(&rebuilt, &[1, 2]).unwrap();
    assert!(rebuilt.next_segment_id().unwrap() > SegmentId(2));
}

#[test]
fn the_bytes_of_a_manifest_are_those_of_version_1() {
    let manifest = Manifest {
        identity: IDENTITY,
        generation: 3,
        indexed_fields: vec!["order_id".into()],
        sealed_wal: 2,
        next_seq: 100,
        next_producer: 4,
        segments: vec![segment(1).0],
        in_transition: vec![],
        cold_directory: None,
        wal: Some(WalAnchor { number: 3, durable_end: 64, next_seq: 100 }),
    };
    let bytes = manifest.encode();
    assert_eq!(bytes.len(), 24 + 16 + 8 + (8 + 8 + 8) + 8 + 8 + 4 + 8 + 144 + 8 + 1 + (1 + 24));
    assert_eq!(&bytes[..12], b"BLOTMANI\x01\0\0\0");
    assert_eq!(crc32fast::hash(&bytes[24..]), 4_223_172_761, "the layout of the body has changed");
    assert_eq!(Manifest::decode(Path::new("MANIFEST"), &bytes).unwrap(), manifest);
}

#[test]
fn a_catalog_that_has_lost_most_of_its_segments_gives_back_their_room() {
    let sim = SimHost::new(3);
    let host = sim.boot();
    with_directory(&host);
    let catalog = Catalog::create(&host, root(), IDENTITY).unwrap();
    let many: Vec<NewSegment> = (0..300).map(segment).collect();
    many.chunks(10).for_each(|some| drop(swap(&catalog, some, &[]).unwrap()));
    let bytes = || {
        let path = root().join(CATALOG_FILE);
        CheckedPages::open(&path, host.files.open(&path, OpenMode::Read).unwrap()).unwrap().written_bytes()
    };
    let before = bytes();
    swap(&catalog, &[], &(3..300).map(SegmentId).collect::<Vec<_>>()).unwrap();
    let (counters, id) = (catalog.counters(), catalog.next_segment_id().unwrap());
    assert!(catalog.compact().unwrap());
    assert!(bytes() * 10 < before, "{} of {before}", bytes());
    assert!(!catalog.compact().unwrap(), "a second time there is nothing to give back");
    catalog.commit_swap(&Swap { entries: &[deletion()], ..Swap::default() }).unwrap();
    let counters = Counters { generation: counters.generation + 1, ..counters };
    assert!(catalog.compact().unwrap(), "but what was deleted leaves its free pages too");
    assert!(!catalog.compact().unwrap(), "once");
    let check = |catalog: &Catalog| {
        assert_eq!(catalog.counters(), counters);
        let kept: Vec<SegmentMeta> = many[..3].iter().map(|(meta, _)| meta.clone()).collect();
        assert_eq!(catalog.segments().unwrap(), kept);
        for (meta, filters) in &many[..3] {
            for filter in filters {
                assert_eq!(catalog.filter(meta.id, &filter.field).unwrap().as_ref(), Some(&filter.bytes));
            }
        }
    };
    check(&catalog);
    assert!(catalog.next_segment_id().unwrap() > id, "ids are never handed out again");
    drop(catalog);
    check(&Catalog::open(&host, root()).unwrap());
}
