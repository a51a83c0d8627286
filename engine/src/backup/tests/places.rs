//! Where backups may be, what is refused, and what damage does.

use super::*;
use crate::Error;
use crate::vfs::OpenMode;

fn put(host: &Host, path: &str, bytes: &[u8]) {
    let path = Path::new(path);
    host.files.create_dir_all(path.parent().unwrap()).unwrap();
    host.files.open(path, OpenMode::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
}

#[test]
fn foreign_directories_and_places_inside_the_database_are_refused_and_left_alone() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 30, 0);
    let other = Path::new("/data/other.blotter");
    options().open_on(&host, other).unwrap().close().unwrap();
    backup_on(&host, other, Path::new("/vault/other.backup"), &BackupOptions::default()).unwrap();
    put(&host, "/home/letters/letter", b"dear");
    let before = sim.calls();
    let check = |destination: &str, says: &str| {
        let refused = backup_on(&host, desk(), Path::new(destination), &BackupOptions::default());
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { option: "destination", .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{destination}: {error}");
    };
    check("/vault/other.backup", "holds the backups of database");
    check("/home/letters", "a 'letter' for one");
    check("/data/other.blotter", "holds other things");
    check(DESK, "lies inside");
    check("/data/desk.blotter/backup", "lies inside");
    check("/data/desk.blotter/hot/deep/er", "lies inside");
    check("/", "holds other things");
    assert_eq!(sim.calls(), before, "nothing was changed");
    take(&host);
    let restore_to = |destination: &str, says: &str| {
        let error =
            restore_on(&host, vault(), Path::new(destination), &RestoreOptions::default()).unwrap_err();
        assert!(error.to_string().contains(says), "{destination}: {error}");
    };
    restore_to(DESK, "holds a database");
    restore_to("/home/letters", "holds other things");
    restore_to("/vault/desk.backup/points/x", "lies inside");
    let none = restore_on(&host, other, restored(), &RestoreOptions::default()).unwrap_err();
    assert!(matches!(none, Error::NotABackup { .. }), "{none}");
    let options = RestoreOptions { point: Some(PointNumber(9)), ..RestoreOptions::default() };
    let none = restore_on(&host, vault(), restored(), &options).unwrap_err();
    assert!(none.to_string().contains("no backup point 9; hint: it has 1"), "{none}");
    assert!(!host.files.exists(restored()).unwrap());
    let nothing =
        backup_on(&host, Path::new("/data/nothing"), vault(), &BackupOptions::default()).unwrap_err();
    assert!(matches!(nothing, Error::NotADatabase { .. }), "{nothing}");
    assert!(matches!(Backup::list_on(&host, desk()), Err(Error::NotABackup { .. })));
}

#[test]
fn symbolic_links_into_the_database_are_seen_through() {
    let root = tempfile::tempdir().unwrap();
    let desk = root.path().join("desk.blotter");
    Db::open(&desk).unwrap().close().unwrap();
    for (link, to) in [("a", desk.clone()), ("b", desk.join("hot"))] {
        let link = root.path().join(link);
        std::os::unix::fs::symlink(to, &link).unwrap();
        let error = backup(&desk, link.join("vault"), &BackupOptions::default()).unwrap_err();
        assert!(error.to_string().contains("lies inside"), "{error}");
    }
    // From `b` upwards is the database, from `a` upwards is where it lies.
    let error = backup(&desk, root.path().join("b/../vault"), &BackupOptions::default()).unwrap_err();
    assert!(error.to_string().contains("lies inside"), "{error}");
    backup(&desk, root.path().join("a/../vault"), &BackupOptions::default()).unwrap();
}

#[test]
fn a_second_backup_at_the_same_time_is_refused() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 30, 0);
    take(&host);
    let lock = host.files.try_lock(&vault().join("LOCK")).unwrap();
    let error = backup_on(&host, desk(), vault(), &BackupOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(lock);
    take(&host);
}

/// The files of a directory of backups with the bytes of each.
fn files_of(sim: &SimHost, dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let host = sim.boot();
    let mut found = Vec::new();
    for entry in host.files.read_dir(dir).unwrap() {
        let path = dir.join(entry.name);
        match entry.is_dir {
            true => found.extend(files_of(sim, &path)),
            false => found.push((path.clone(), sim.read_file(&path).unwrap())),
        }
    }
    found
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_never_restored() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 1, 60, 20);
    take(&host);
    let expected = all_events(&host, desk());
    let (mut refused, mut harmless) = (0, 0);
    for (path, bytes) in files_of(&sim, vault()) {
        if path.ends_with("LOCK") {
            continue;
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 9 + 1).chain([bytes.len() - 1]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            sim.overwrite_file(&path, &flipped).unwrap();
            let place = format!("byte {at} of {}", path.display());
            let verified = verify_backup_on(&host, vault());
            let is_named = match &verified {
                Ok(report) => {
                    report.damage().any(|finding| finding.to_string().contains(path.to_str().unwrap()))
                }
                Err(error) => error.to_string().contains(path.to_str().unwrap()),
            };
            assert!(is_named, "{place}: {verified:?}");
            match restore_on(&host, vault(), restored(), &RestoreOptions::default()) {
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains(path.to_str().unwrap()), "{place}: {error}");
                    let begun = host.files.exists(&restored().join("RESTORING")).unwrap();
                    let opened = Options::new().create(begun).open_on(&host, restored());
                    assert!(opened.is_err(), "{place}: it is no database");
                    assert!(Reader::open_on(&host, restored()).is_err(), "{place}: it is no database");
                }
                Ok(_) => {
                    harmless += 1;
                    assert_same(&all_events(&host, restored()), &expected, &place);
                    host.files.rename(&restored().join("LOCK"), &restored().join("RESTORING")).unwrap();
                }
            }
            sim.overwrite_file(&path, &bytes).unwrap();
        }
    }
    assert!(refused > 50 && harmless == 0, "{refused} refused, {harmless} harmless");
    // What was left is begun again.
    restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
    assert_same(&all_events(&host, restored()), &expected, "at last");
    assert_eq!(damage_of(&host, restored()), [""; 0]);
}

#[test]
fn a_missing_file_is_named_and_a_damaged_database_is_not_backed_up() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    session(&sim, 2, 60, 5);
    take(&host);
    let pooled = host.files.read_dir(&vault().join("pool")).unwrap()[0].name.clone();
    let path = vault().join("pool").join(&pooled);
    host.files.remove_file(&path).unwrap();
    let report = verify_backup_on(&host, vault()).unwrap();
    let damage: Vec<_> = report.damage().map(ToString::to_string).collect();
    assert_eq!(damage.len(), 1);
    assert!(damage[0].starts_with(&format!("damage: {}: the file is missing", path.display())), "{damage:?}");
    let error = restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap_err();
    assert!(error.to_string().contains(&pooled), "{error}");
    // The next backup brings it back.
    assert_eq!(take(&host).copied_segments, 1);
    assert!(verify_backup_on(&host, vault()).unwrap().is_clean());

    let file = desk()
        .join(&crate::open::segment_files(&host, &crate::segment::Places::new(desk(), None)).unwrap()[0]);
    let bytes = sim.read_file(&file).unwrap();
    let new_vault = Path::new("/vault/second");
    for damaged in [
        {
            let mut flipped = bytes.clone();
            flipped[100] ^= 4;
            flipped
        },
        bytes[..bytes.len() - 1].to_vec(),
    ] {
        sim.overwrite_file(&file, &damaged).unwrap();
        let error = backup_on(&host, desk(), new_vault, &BackupOptions::default()).unwrap_err();
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        assert_eq!(Backup::list_on(&host, new_vault).unwrap().points, []);
    }
    host.files.remove_file(&file).unwrap();
    let error = backup_on(&host, desk(), new_vault, &BackupOptions::default()).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    // What there is of it from before stays as good as it was.
    assert!(verify_backup_on(&host, vault()).unwrap().is_clean());
}
