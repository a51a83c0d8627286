//! The fault model of the simulation, checked against its own description.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::file::SECTOR_BYTES;
use super::{Prng, SimHost};
use crate::vfs::{Host, OpenMode, VfsFile};

fn create(host: &Host, path: &str) -> Arc<dyn VfsFile> {
    host.files.open(Path::new(path), OpenMode::CreateNew).unwrap()
}

fn names(host: &Host, dir: &str) -> Vec<String> {
    host.files.read_dir(Path::new(dir)).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// A machine with an empty file `/f` whose name is durable.
fn with_file() -> (SimHost, Host, Arc<dyn VfsFile>) {
    let sim = SimHost::new(3);
    let host = sim.boot();
    let file = create(&host, "/f");
    host.files.sync_dir(Path::new("/")).unwrap();
    (sim, host, file)
}

#[test]
fn synced_bytes_survive_and_a_sector_is_never_mixed() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..300 {
        let (sim, _, file) = with_file();
        file.write_all_at(&[b'a'; 2000], 0).unwrap();
        file.sync_data().unwrap();
        file.write_all_at(&[b'b'; 1600], 200).unwrap();
        sim.power_failure(seed);
        let bytes = sim.read_file(Path::new("/f")).unwrap();
        assert_eq!(bytes.len(), 2000, "the length was synced and did not change");
        assert!(bytes[..200].iter().chain(&bytes[1800..]).all(|byte| *byte == b'a'));
        // Within each sector the written part is all old or all new.
        let mut fates = String::new();
        for start in (0..2000).step_by(SECTOR_BYTES) {
            let written = &bytes[start.max(200)..(start + SECTOR_BYTES).min(1800)];
            assert!(written.iter().all(|byte| *byte == written[0]), "a mixed sector at {start}");
            fates.push(written[0] as char);
        }
        outcomes.insert(fates);
    }
    assert!(outcomes.contains("aaaa") && outcomes.contains("bbbb"));
    assert!(outcomes.len() > 8, "torn writes are seen: {outcomes:?}");
}

#[test]
fn writes_are_lost_independently_but_a_sector_has_one_history() {
    let (mut first_only, mut second_only) = (false, false);
    for seed in 0..400 {
        let (sim, _, file) = with_file();
        file.set_len(8192).unwrap();
        file.sync_data().unwrap();
        file.write_all_at(&[1; 100], 0).unwrap();
        file.write_all_at(&[2; 512], 4096).unwrap();
        file.write_all_at(&[3; 100], 100).unwrap();
        sim.power_failure(seed);
        let bytes = sim.read_file(Path::new("/f")).unwrap();
        first_only |= bytes[0] == 1 && bytes[4096] == 0;
        second_only |= bytes[0] == 0 && bytes[4096] == 2;
        assert!(bytes[100] != 3 || bytes[0] == 1, "the later write to a sector carries the earlier one");
    }
    assert!(first_only && second_only);
}

#[test]
fn a_length_may_survive_without_its_data() {
    let mut seen = BTreeSet::new();
    for seed in 0..400 {
        let (sim, _, file) = with_file();
        file.write_all_at(&[b'a'; 512], 0).unwrap();
        file.sync_data().unwrap();
        file.write_all_at(&[b'b'; 1024], 512).unwrap();
        sim.power_failure(seed);
        let bytes = sim.read_file(Path::new("/f")).unwrap();
        assert_eq!(bytes[..512], [b'a'; 512]);
        seen.insert(match bytes[512..] {
            [] => "short",
            [b'b', ..] => "data",
            [0, 0, 0, 0, ..] => "zeros",
            _ => "garbage",
        });
    }
    assert_eq!(seen, BTreeSet::from(["short", "data", "zeros", "garbage"]));
}

#[test]
fn a_cut_is_durable_with_the_next_sync_and_reads_as_zeros_when_extended() {
    let mut lengths = BTreeSet::new();
    for seed in 0..200 {
        let (sim, _, file) = with_file();
        file.write_all_at(&[7; 10_000], 0).unwrap();
        file.sync_data().unwrap();
        file.set_len(5000).unwrap();
        file.set_len(6000).unwrap();
        let mut tail = [1; 1000];
        file.read_exact_at(&mut tail, 5000).unwrap();
        assert_eq!(tail, [0; 1000]);
        if seed % 2 == 0 {
            file.sync_data().unwrap();
        }
        sim.power_failure(seed);
        let bytes = sim.read_file(Path::new("/f")).unwrap();
        assert!(bytes[..5000].iter().all(|byte| *byte == 7));
        if seed % 2 == 0 {
            assert_eq!(bytes.len(), 6000);
            assert!(bytes[5000..].iter().all(|byte| *byte == 0));
        } else {
            lengths.insert(bytes.len());
        }
    }
    assert_eq!(lengths, BTreeSet::from([5000, 6000, 10_000]));
}

#[test]
fn names_and_contents_are_durable_independently() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let sim = SimHost::new(seed);
        let host = sim.boot();
        host.files.create_dir_all(Path::new("/d")).unwrap();
        host.files.sync_dir(Path::new("/")).unwrap();
        create(&host, "/d/synced").write_all_at(b"x", 0).unwrap();
        host.files.open(Path::new("/d/synced"), OpenMode::Read).unwrap().sync_data().unwrap();
        create(&host, "/d/second");
        sim.power_failure(seed);
        let host = sim.boot();
        let left = names(&host, "/d");
        if left.contains(&"synced".to_owned()) {
            assert_eq!(sim.read_file(Path::new("/d/synced")).unwrap(), b"x");
        }
        seen.insert(left.len());
        assert!(left != ["second"], "changes of a directory survive in order");
    }
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
}

#[test]
fn renames_are_atomic_within_and_between_directories() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let sim = SimHost::new(seed);
        let host = sim.boot();
        for dir in ["/a", "/b"] {
            host.files.create_dir_all(Path::new(dir)).unwrap();
        }
        host.files.sync_dir(Path::new("/")).unwrap();
        for (path, bytes) in [("/a/old", b"old"), ("/a/new", b"new"), ("/a/far", b"far")] {
            let file = create(&host, path);
            file.write_all_at(bytes, 0).unwrap();
            file.sync_data().unwrap();
        }
        host.files.sync_dir(Path::new("/a")).unwrap();
        host.files.rename(Path::new("/a/new"), Path::new("/a/old")).unwrap();
        host.files.rename(Path::new("/a/far"), Path::new("/b/far")).unwrap();
        if seed % 3 == 0 {
            host.files.sync_dir(Path::new("/b")).unwrap();
        }
        sim.power_failure(seed);
        let host = sim.boot();
        let (a, b) = (names(&host, "/a"), names(&host, "/b"));
        let old = sim.read_file(Path::new("/a/old")).unwrap();
        assert_eq!(old == b"old", a.contains(&"new".to_owned()), "{a:?}");
        assert_ne!(b.len() == 1, a.contains(&"far".to_owned()), "{a:?} {b:?}");
        assert!(seed % 3 != 0 || b.len() == 1);
        seen.insert((a, b));
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

#[test]
fn a_removed_file_comes_back_unless_the_directory_was_synced() {
    let mut back = false;
    for seed in 0..50 {
        let (sim, host, file) = with_file();
        file.write_all_at(b"x", 0).unwrap();
        file.sync_data().unwrap();
        host.files.remove_file(Path::new("/f")).unwrap();
        assert!(!host.files.exists(Path::new("/f")).unwrap());
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).unwrap();
        if seed % 2 == 0 {
            host.files.sync_dir(Path::new("/")).unwrap();
        }
        sim.power_failure(seed);
        match sim.read_file(Path::new("/f")) {
            Ok(bytes) => {
                assert!(seed % 2 == 1);
                assert_eq!(bytes, b"x");
                back = true;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        }
    }
    assert!(back);
}

#[test]
fn a_crash_stops_everything_until_the_next_boot() {
    let (sim, host, file) = with_file();
    let lock = host.files.try_lock(Path::new("/f")).unwrap();
    assert!(lock.is_some() && host.files.try_lock(Path::new("/f")).unwrap().is_none());
    file.write_all_at(b"before", 0).unwrap();
    let base = sim.calls();
    sim.crash_at(base + 1);
    assert!(file.write_all_at(&[b'!'; 100], 6).is_err());
    assert!(sim.crashed());
    assert!(file.len().is_err() && file.sync_data().is_err());
    assert!(host.files.exists(Path::new("/f")).is_err() && host.memory.list("").is_err());
    assert_eq!(sim.calls(), base + 1, "nothing is counted while the power is off");
    sim.process_crash();
    let next = sim.boot();
    assert!(file.len().is_err(), "the handle belongs to the dead process");
    let bytes = sim.read_file(Path::new("/f")).unwrap();
    assert!(bytes.starts_with(b"before") && bytes[6..].iter().all(|byte| *byte == b'!'));
    drop(lock);
    let lock = next.files.try_lock(Path::new("/f")).unwrap();
    assert!(lock.is_some(), "the lock died with its process");
}

#[test]
fn a_write_in_flight_is_applied_in_part() {
    let mut lengths = BTreeSet::new();
    for seed in 0..100 {
        let sim = SimHost::new(seed);
        let file = create(&sim.boot(), "/f");
        sim.crash_at(sim.calls() + 1);
        assert!(file.write_all_at(&[1; 3000], 0).is_err());
        sim.process_crash();
        lengths.insert(sim.read_file(Path::new("/f")).unwrap().len());
    }
    assert_eq!(lengths, BTreeSet::from([0, 512, 1024, 1536, 2048, 2560, 3000]), "cut between sectors");
}

#[test]
fn a_failed_sync_leaves_pages_clean_and_not_durable() {
    let mut lost = false;
    for seed in 0..100 {
        let (sim, _, file) = with_file();
        file.write_all_at(&[1; 4096], 0).unwrap();
        sim.fail_sync_at(sim.syncs() + 1);
        assert!(file.sync_data().is_err());
        file.write_all_at(&[2; 4096], 4096).unwrap();
        file.sync_data().unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).unwrap();
        assert_eq!(byte, [1], "the cache still has it");
        sim.power_failure(seed);
        let bytes = sim.read_file(Path::new("/f")).unwrap();
        assert_eq!((bytes.len(), &bytes[4096..]), (8192, &[2; 4096][..]));
        lost |= bytes[0] == 0;
    }
    assert!(lost);
}

#[test]
fn calls_fail_once_on_request() {
    let (sim, host, file) = with_file();
    sim.fail_at(sim.calls() + 2, ErrorKind::PermissionDenied);
    file.write_all_at(b"x", 0).unwrap();
    let failed = host.files.create_dir_all(Path::new("/d")).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::PermissionDenied);
    assert!(!host.files.exists(Path::new("/d")).unwrap());
    host.files.create_dir_all(Path::new("/d")).unwrap();
}

#[test]
fn a_full_disk_takes_what_fits_and_room_can_be_made() {
    let (sim, host, file) = with_file();
    sim.capacity(3 * 4096);
    assert_eq!(file.write_all_at(&[1; 20_000], 100).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 3 * 4096);
    file.write_all_at(&[2; 4096], 4096).unwrap();
    let other = create(&host, "/g");
    assert_eq!(other.write_all_at(&[1], 0).unwrap_err().kind(), ErrorKind::StorageFull);
    file.set_len(4096).unwrap();
    other.write_all_at(&[1], 0).unwrap();
    other.write_all_at(&[1], 1 << 20).unwrap();
    assert_eq!(other.write_all_at(&[1], 5000).unwrap_err().kind(), ErrorKind::StorageFull, "holes are free");
    host.files.remove_file(Path::new("/f")).unwrap();
    other.write_all_at(&[1], 5000).unwrap();
    sim.capacity(1 << 30);
    other.write_all_at(&[1; 1 << 20], 0).unwrap();
}

#[test]
fn shared_memory_survives_the_process_and_not_the_power() {
    let sim = SimHost::new(1);
    let host = sim.boot();
    let file = create(&host, "/f");
    let region = host.memory.create("ring", 100_003).unwrap();
    let store = |region: &dyn crate::vfs::MemoryRegion, value: u8| {
        for offset in [0, 5000, 100_002] {
            // SAFETY: within the region, which only this thread uses.
            unsafe { region.base().add(offset).write(value) };
        }
    };
    store(&*region, 1);
    sim.crash_at(sim.calls() + 1);
    assert!(file.sync_data().is_err());
    store(&*region, 2);
    sim.process_crash();
    store(&*region, 3);
    let host = sim.boot();
    let taken = host.memory.open("ring").unwrap();
    assert_eq!(taken.len(), 100_003);
    for (offset, expected) in [(0, 1), (1, 0), (5000, 1), (100_002, 1)] {
        // SAFETY: within the region, which only this thread uses.
        let found = unsafe { taken.base().add(offset).read() };
        assert_eq!(found, expected, "as it was when the crash happened, at {offset}");
    }
    sim.power_failure(1);
    assert_eq!(sim.boot().memory.list("").unwrap(), [""; 0]);
    crate::vfs::memory::tests::check(&*sim.boot().memory, "ring");
}

#[test]
fn a_fork_goes_its_own_way_from_the_same_disk() {
    let (sim, host, file) = with_file();
    file.write_all_at(b"synced", 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(b"cached", 0).unwrap();
    let fork = sim.fork(2);
    assert_eq!(fork.calls(), 0);
    let other = fork.boot().files.open(Path::new("/f"), OpenMode::ReadWrite).unwrap();
    other.write_all_at(b"forked", 0).unwrap();
    other.sync_data().unwrap();
    assert_eq!(sim.read_file(Path::new("/f")).unwrap(), b"cached");
    host.files.remove_file(Path::new("/f")).unwrap();
    fork.power_failure(1);
    assert_eq!(fork.read_file(Path::new("/f")).unwrap(), b"forked");
}

#[test]
fn equal_seeds_give_equal_disks() {
    let run = |seed| {
        let mut plan = Prng::new(seed);
        let sim = SimHost::new(seed);
        let host = sim.boot();
        sim.crash_at(40 + plan.below(40));
        let file = create(&host, "/f");
        while !sim.crashed() {
            let _ = file.write_all_at(&[plan.next_u64() as u8; 700], plan.below(20_000));
            if plan.one_in(5) {
                let _ = file.sync_data();
                let _ = host.files.sync_dir(Path::new("/"));
            }
        }
        sim.power_failure(seed);
        sim.read_file(Path::new("/f")).ok()
    };
    for seed in 0..50 {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn a_second_name_keeps_the_file_and_its_pages_and_is_durable_by_itself() {
    let (mut kept, mut lost) = (false, false);
    for seed in 0..100 {
        let (sim, host, file) = with_file();
        file.write_all_at(&[b'a'; 5000], 0).unwrap();
        file.sync_data().unwrap();
        sim.capacity(8192);
        let (first, second) = (Path::new("/f"), Path::new("/second"));
        host.files.hard_link(first, second).unwrap();
        let taken = host.files.hard_link(first, second).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        assert_eq!(host.files.file_identity(first).unwrap(), host.files.file_identity(second).unwrap());
        assert_eq!(host.files.space(first).unwrap().available_bytes, 0, "no page is counted twice");
        host.files.remove_file(first).unwrap();
        assert_eq!(host.files.space(second).unwrap().available_bytes, 0, "the other name holds the pages");
        if seed % 2 == 0 {
            host.files.sync_dir(Path::new("/")).unwrap();
        }
        sim.power_failure(seed);
        let names = names(&sim.boot(), "/");
        match (seed % 2 == 0, names.iter().map(String::as_str).collect::<Vec<_>>().as_slice()) {
            (_, ["second"]) => kept |= seed % 2 == 1,
            (false, ["f"]) => lost = true,
            // The link is the first of the two changes.
            (false, ["f", "second"]) => {}
            other => panic!("{other:?}"),
        }
        let name = format!("/{}", names.last().unwrap());
        assert_eq!(sim.read_file(Path::new(&name)).unwrap(), [b'a'; 5000]);
        if names == ["second"] {
            sim.boot().files.remove_file(second).unwrap();
            assert_eq!(sim.boot().files.space(Path::new("/")).unwrap().available_bytes, 8192);
        }
    }
    assert!(kept && lost, "{kept} {lost}");
}
