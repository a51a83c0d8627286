//! Damaged, foreign, newer and lost files.

use super::*;

/// A closed or a crashed database of a few segments.
fn database(clean: bool) -> SimHost {
    let sim = SimHost::new(5);
    let host = sim.boot();
    with_directory(&host);
    let catalog = Catalog::create(&host, root(), IDENTITY).unwrap();
    catalog.commit_seal(&seal(&[segment(0), segment(1)], 1)).unwrap();
    catalog.commit_seal(&seal(&[segment(2), segment(4)], 2)).unwrap();
    catalog.manifest(&[]).unwrap().write(&host, root()).unwrap();
    if clean {
        drop(catalog);
    }
    sim.process_crash();
    sim
}

/// What one flipped bit does. Panics if it makes a wrong answer.
fn flip(clean_image: &[u8], sim: &SimHost, bit: usize) -> &'static str {
    let path = root().join(CATALOG_FILE);
    let mut bytes = clean_image.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    sim.overwrite_file(&path, &bytes).unwrap();
    let answer = (|| {
        let catalog = Catalog::open(&sim.boot(), root())?;
        let expected = Counters { generation: 2, sealed_wal: 2, next_seq: 200, next_producer: 2 };
        assert_eq!(catalog.counters(), expected, "bit {bit}");
        check_answers(&catalog, &[0, 1, 2, 4])?;
        // Damage of redb's own bookkeeping shows when it writes.
        catalog.commit_seal(&seal(&[segment(6)], 3))?;
        check_answers(&catalog, &[0, 1, 2, 4, 6])?;
        drop(catalog);
        check_answers(&Catalog::open(&sim.boot(), root())?, &[0, 1, 2, 4, 6])
    })();
    sim.process_crash();
    match answer {
        Ok(()) => "harmless",
        Err(error) => {
            assert!(error.to_string().contains("blotter repair"), "bit {bit}: {error}");
            "detected"
        }
    }
}

/// Flips one bit in `step` of all that are in pages with anything in them.
fn flip_bits(clean: bool, step: usize) -> (usize, usize) {
    let sim = database(clean);
    let image = sim.read_file(&root().join(CATALOG_FILE)).unwrap();
    let used: Vec<usize> = (0..image.len() / 4096)
        .filter(|page| image[page * 4096..][..4096].iter().any(|byte| *byte != 0))
        .collect();
    let bits = used.len() * 4096 * 8;
    let (mut detected, mut harmless) = (0, 0);
    for index in (0..bits).step_by(step) {
        let bit = used[index / (4096 * 8)] * 4096 * 8 + index % (4096 * 8);
        match flip(&image, &sim, bit) {
            "detected" => detected += 1,
            _ => harmless += 1,
        }
    }
    (detected, harmless)
}

#[test]
fn a_flipped_bit_of_the_catalog_is_detected_or_harmless() {
    // The pages that are overwritten in place: head, redb's first, checksums. And a sample of the others.
    for clean in [true, false] {
        let sim = database(clean);
        let image = sim.read_file(&root().join(CATALOG_FILE)).unwrap();
        let outcomes: Vec<_> = (0..3)
            .flat_map(|page| (page * 32768..page * 32768 + 2600).step_by(9))
            .map(|bit| flip(&image, &sim, bit))
            .collect();
        assert!(outcomes.contains(&"detected"));
        let (detected, harmless) = flip_bits(clean, 3001);
        assert!(detected > 0 && harmless > 0, "{detected} {harmless}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_the_manifest_is_an_error() {
    let sim = database(true);
    let host = sim.boot();
    let path = root().join(manifest::MANIFEST_FILE);
    let bytes = sim.read_file(&path).unwrap();
    Manifest::decode(&path, &bytes).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&path, &flipped).is_err(), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(Manifest::decode(&path, &bytes[..len]).is_err(), "cut to {len}");
    }
    sim.overwrite_file(&path, &bytes[..100]).unwrap();
    let error = Manifest::read(&host, root()).unwrap_err().to_string();
    assert!(error.contains("MANIFEST is damaged at offset 12: expected a body of"), "{error}");
    sim.overwrite_file(&path, b"{\"not\": \"ours, but long enough\"}").unwrap();
    assert!(matches!(Manifest::read(&host, root()), Err(Error::Foreign { .. })));
    let mut newer = bytes.clone();
    newer[8] = 2;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&newer[..20]);
    hasher.update(&newer[24..]);
    newer[20..24].copy_from_slice(&hasher.finalize().to_le_bytes());
    let error = Manifest::decode(&path, &newer).unwrap_err().to_string();
    assert!(error.contains("manifest format version 2, this build reads up to 1"), "{error}");
}

#[test]
fn every_flipped_bit_of_the_journal_is_noticed() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    with_directory(&host);
    let journal =
        Journal::create(&host, root(), &JournalRecord::Created { identity: IDENTITY, at_ns: 5 }).unwrap();
    for at_ns in 0..3 {
        journal.append(&JournalRecord::Repaired { at_ns, reason: "disk".into(), gaps: vec![] }).unwrap();
    }
    let path = root().join(JOURNAL_FILE);
    let bytes = sim.read_file(&path).unwrap();
    let (all, torn) = Journal::read(&host, root()).unwrap();
    assert_eq!((all.len(), torn), (4, None));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        sim.overwrite_file(&path, &flipped).unwrap();
        match Journal::read(&host, root()) {
            // Damage of the last record cannot be told from a torn write, but is reported.
            Ok((records, Some(_))) => assert_eq!(records, all[..3], "bit {bit}"),
            Ok((_, None)) => panic!("bit {bit} went unnoticed"),
            Err(_) => {}
        }
    }
}

#[test]
fn an_empty_or_lost_catalog_is_never_an_empty_database() {
    let check = |sim: &SimHost, what: &str| {
        let error = Catalog::open(&sim.boot(), root()).expect_err(what).to_string();
        assert!(error.contains("blotter repair"), "{what}: {error}");
    };
    let path = root().join(CATALOG_FILE);
    let sim = database(true);
    let image = sim.read_file(&path).unwrap();
    for len in [0, 5, 9, 300, 4096, image.len() / 2, image.len() - 1] {
        sim.overwrite_file(&path, &image[..len]).unwrap();
        check(&sim, &format!("cut to {len}"));
    }
    for bytes in [vec![0; image.len()], b"SQLite format 3\0 and so on".to_vec()] {
        sim.overwrite_file(&path, &bytes).unwrap();
        check(&sim, "foreign");
    }
    // A whole catalog of the same database, from before the commits.
    let young = SimHost::new(5);
    with_directory(&young.boot());
    drop(Catalog::create(&young.boot(), root(), IDENTITY).unwrap());
    sim.overwrite_file(&path, &young.read_file(&path).unwrap()).unwrap();
    check(&sim, "an older state");
    // And a whole redb file without any record of ours.
    let host = young.boot();
    let file = host.files.open(Path::new("/empty"), OpenMode::CreateNew).unwrap();
    let pages = CheckedPages::create(Path::new("/empty"), file).unwrap();
    drop(store::open_redb(Path::new("/empty"), pages).unwrap());
    sim.overwrite_file(&path, &young.read_file(Path::new("/empty")).unwrap()).unwrap();
    check(&sim, "an empty store");
    let host = sim.boot();
    host.files.remove_file(&path).unwrap();
    check(&sim, "removed");
    host.files.remove_file(&root().join(manifest::MANIFEST_FILE)).unwrap();
    host.files.create_dir_all(&root().join("hot")).unwrap();
    check(&sim, "removed, segments left");
    host.files.remove_dir(&root().join("hot")).unwrap();
    assert!(matches!(Catalog::open(&host, root()), Err(Error::NotADatabase { .. })));
}
