//! Crashes and failures at every IO call.

use std::io::ErrorKind;

use super::*;

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Power(u64),
    Process,
}

fn ends(seeds: u64) -> impl Iterator<Item = End> {
    (0..seeds).map(End::Power).chain([End::Process])
}

fn end(sim: &SimHost, end: End) {
    match end {
        End::Power(seed) => sim.power_failure(seed),
        End::Process => sim.process_crash(),
    }
}

/// Runs `work` with a crash at each of its calls and each kind of end, on a machine `prepare` made;
/// `check` gets whether the work was acknowledged. Returns how many crashes there were.
fn crash_everywhere(
    seeds: u64,
    prepare: impl Fn(&Host),
    work: impl Fn(&Host) -> Result<()>,
    check: impl Fn(&SimHost, bool, &str),
) -> u64 {
    let mut crashes = 0;
    for call in 1.. {
        let mut completed = true;
        for kind in ends(seeds) {
            let sim = SimHost::new(call);
            prepare(&sim.boot());
            sim.crash_at(sim.calls() + call);
            let acknowledged = work(&sim.boot()).is_ok();
            let crashed = sim.crashed();
            completed &= !crashed;
            crashes += u64::from(crashed);
            end(&sim, kind);
            check(&sim, acknowledged, &format!("call {call}, {kind:?}"));
        }
        if completed {
            break;
        }
    }
    crashes
}

fn three_segments(host: &Host) {
    with_directory(host);
    let catalog = Catalog::create(host, root(), IDENTITY).unwrap();
    catalog.commit_seal(&seal(&[segment(0), segment(1), segment(2)], 1)).unwrap();
    catalog.manifest(&[]).unwrap().write(host, root()).unwrap();
}

#[test]
fn a_new_catalog_is_whole_or_not_there() {
    let crashes = crash_everywhere(
        20,
        with_directory,
        |host| Catalog::create(host, root(), IDENTITY).map(drop),
        |sim, acknowledged, place| match Catalog::open(&sim.boot(), root()) {
            Ok(catalog) => check_answers(&catalog, &[]).unwrap(),
            Err(Error::NotADatabase { .. }) => {
                assert!(!acknowledged, "{place}");
                let catalog = Catalog::create(&sim.boot(), root(), IDENTITY).unwrap();
                check_answers(&catalog, &[]).unwrap();
            }
            Err(error) => panic!("{place}: {error}"),
        },
    );
    assert!(crashes > 400, "{crashes}");
}

#[test]
fn after_a_crash_the_catalog_is_before_or_after_the_commit() {
    let (before, after) = (&[0, 1, 2][..], &[1, 2, 3, 6][..]);
    let crashes = crash_everywhere(
        30,
        three_segments,
        |host| {
            let catalog = Catalog::open(host, root())?;
            swap(&catalog, &[segment(3), segment(6)], &[SegmentId(0)])?;
            Ok(())
        },
        |sim, acknowledged, place| {
            let catalog = Catalog::open(&sim.boot(), root()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let expected = match catalog.counters().generation {
                1 if !acknowledged => before,
                2 => after,
                other => panic!("{place}: generation {other}, acknowledged {acknowledged}"),
            };
            check_answers(&catalog, expected).unwrap();
            // And it goes on from there.
            catalog.commit_seal(&seal(&[segment(9)], 2)).unwrap();
            check_answers(&catalog, &[expected, &[9]].concat()).unwrap();
        },
    );
    assert!(crashes > 500, "{crashes}");
}

#[test]
fn after_a_crash_a_compacted_catalog_is_the_same() {
    let ids = [0, 1, 2];
    let crashes = crash_everywhere(
        6,
        |host| {
            three_segments(host);
            let catalog = Catalog::open(host, root()).unwrap();
            let many: Vec<NewSegment> = (3..90).map(segment).collect();
            swap(&catalog, &many, &[]).unwrap();
            swap(&catalog, &[], &(3..90).map(SegmentId).collect::<Vec<_>>()).unwrap();
        },
        |host| Catalog::open(host, root())?.compact().map(|compacted| assert!(compacted)),
        |sim, _, place| {
            let catalog = Catalog::open(&sim.boot(), root()).unwrap_or_else(|e| panic!("{place}: {e}"));
            check_answers(&catalog, &ids).unwrap();
            assert_eq!(catalog.counters().generation, 3, "{place}");
            catalog.commit_seal(&seal(&[segment(99)], 2)).unwrap();
            check_answers(&catalog, &[0, 1, 2, 99]).unwrap();
        },
    );
    assert!(crashes > 100, "{crashes}");
}

#[test]
fn recovery_survives_crashes_of_its_own() {
    let mut random = Prng::new(11);
    for seed in 0..300 {
        let sim = SimHost::new(seed);
        three_segments(&sim.boot());
        let (mut acknowledged, mut tried) = (0, 0);
        while acknowledged < 4 {
            sim.crash_at(sim.calls() + 1 + random.below(40));
            let host = sim.boot();
            match Catalog::open(&host, root()) {
                Ok(catalog) => {
                    let done = catalog.counters().sealed_wal - 1;
                    assert!(done == acknowledged || done == tried, "{seed}: {done} of {acknowledged}");
                    acknowledged = done;
                    let ids: Vec<u64> = (0..3 + done).collect();
                    if check_answers(&catalog, &ids).is_ok() {
                        tried = done + 1;
                        if catalog.commit_seal(&seal(&[segment(3 + done)], 1 + tried)).is_ok() {
                            acknowledged = tried;
                        }
                    }
                }
                Err(error) => assert!(sim.crashed(), "{seed}: {error}"),
            }
            match random.below(3) {
                0 => sim.process_crash(),
                _ => sim.power_failure(random.next_u64()),
            }
        }
    }
}

#[test]
fn a_failing_call_loses_nothing_acknowledged() {
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for call in 1..60 {
            for seed in 0..6 {
                let sim = SimHost::new(seed);
                three_segments(&sim.boot());
                let host = sim.boot();
                sim.fail_at(sim.calls() + call, kind);
                let acknowledged = Catalog::open(&host, root())
                    .and_then(|catalog| catalog.commit_seal(&seal(&[segment(3)], 2)))
                    .is_ok();
                match seed % 2 {
                    0 => sim.process_crash(),
                    _ => sim.power_failure(seed),
                }
                let catalog = Catalog::open(&sim.boot(), root()).unwrap();
                let sealed = catalog.counters().sealed_wal == 2;
                assert!(sealed || !acknowledged, "{kind} at {call}, seed {seed}");
                check_answers(&catalog, if sealed { &[0, 1, 2, 3] } else { &[0, 1, 2] }).unwrap();
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_the_commit_and_leaves_the_catalog() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    three_segments(&host);
    let catalog = Catalog::open(&host, root()).unwrap();
    sim.capacity(0);
    assert!(catalog.commit_seal(&seal(&[segment(3)], 2)).is_err());
    drop(catalog);
    sim.capacity(u64::MAX);
    let catalog = Catalog::open(&host, root()).unwrap();
    check_answers(&catalog, &[0, 1, 2]).unwrap();
    catalog.commit_seal(&seal(&[segment(3)], 2)).unwrap();
    check_answers(&catalog, &[0, 1, 2, 3]).unwrap();
}

#[test]
fn the_manifest_is_the_old_or_the_new_one() {
    let manifest = |generation: u64| Manifest {
        identity: IDENTITY,
        generation,
        indexed_fields: vec!["order_id".into()],
        sealed_wal: generation,
        next_seq: 1,
        next_producer: 1,
        segments: (0..generation * 20).map(|id| segment(id).0).collect(),
        in_transition: Vec::new(),
        cold_directory: None,
        wal: None,
    };
    let crashes = crash_everywhere(
        100,
        |host| {
            with_directory(host);
            manifest(1).write(host, root()).unwrap();
        },
        |host| manifest(2).write(host, root()),
        |sim, acknowledged, place| {
            let host = sim.boot();
            let found = Manifest::read(&host, root()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let expected = if acknowledged { 2 } else { found.generation };
            assert_eq!(found, manifest(expected), "{place}");
            manifest(3).write(&host, root()).unwrap();
            assert_eq!(Manifest::read(&host, root()).unwrap().generation, 3);
        },
    );
    assert!(crashes >= 400, "{crashes}");
}

#[test]
fn the_journal_keeps_what_was_appended() {
    let created = JournalRecord::Created { identity: IDENTITY, at_ns: 5 };
    let repaired = |at_ns| JournalRecord::Repaired { at_ns, reason: "x".repeat(700), gaps: vec![] };
    let crashes = crash_everywhere(
        100,
        |host| {
            with_directory(host);
            let journal = Journal::create(host, root(), &created).unwrap();
            journal.append(&repaired(6)).unwrap();
        },
        |host| {
            let (journal, ..) = Journal::open(host, root())?;
            journal.append(&repaired(7))?;
            journal.append(&repaired(8))
        },
        |sim, acknowledged, place| {
            let host = sim.boot();
            let read = Journal::read(&host, root()).unwrap_or_else(|e| panic!("{place}: {e}"));
            let (journal, records, torn) = Journal::open(&host, root()).unwrap();
            assert_eq!(read, (records.clone(), torn));
            let all = [created.clone(), repaired(6), repaired(7), repaired(8)];
            assert!(records.len() >= if acknowledged { 4 } else { 2 }, "{place}");
            assert_eq!(records, all[..records.len()], "{place}");
            journal.append(&repaired(9)).unwrap();
            let (records, torn) = Journal::read(&host, root()).unwrap();
            assert_eq!((records.last(), torn), (Some(&repaired(9)), None));
        },
    );
    assert!(crashes >= 400, "{crashes}");
    let sim = SimHost::new(1);
    let host = sim.boot();
    with_directory(&host);
    let journal = Journal::create(&host, root(), &created).unwrap();
    sim.fail_sync_at(sim.syncs() + 1);
    assert!(journal.append(&repaired(1)).is_err());
    assert!(matches!(journal.append(&repaired(2)), Err(Error::SyncFailed { .. })), "a failed sync is final");
}
