//! Crashes, failures and full disks at every IO call.
//!
//! `BLOTTER_CRASH_SEEDS` sets with how many seeds each call loses its power (default 1, another one for each call).

use std::io::ErrorKind;

use super::deleted::{drop_partition, today};
use super::host::with_endless_room;
use super::*;
use crate::Result;

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Power(u64),
    Process,
}

/// Runs `work` with a crash at each of its calls and each kind of end, on a machine that `prepare` made; `check` gets
/// whether the work was acknowledged. Gives the number of crashes.
fn crash_everywhere(
    prepare: impl Fn(&SimHost),
    work: impl Fn(&Host) -> Result<()>,
    check: impl Fn(&SimHost, bool, &str),
) -> u64 {
    let seeds =
        std::env::var("BLOTTER_CRASH_SEEDS").map_or(1, |seeds| seeds.parse().expect("a number of seeds"));
    let mut crashes = 0;
    for call in 1.. {
        let mut completed = true;
        for end in (0..seeds).map(End::Power).chain([End::Process]) {
            let sim = SimHost::new(call);
            prepare(&sim);
            sim.crash_at(sim.calls() + call);
            let outcome = work(&sim.boot());
            if !sim.crashed() {
                outcome.unwrap();
                continue;
            }
            completed = false;
            crashes += 1;
            match end {
                End::Power(seed) => sim.power_failure(seeds * call + seed),
                End::Process => sim.process_crash(),
            }
            check(&sim, outcome.is_ok(), &format!("call {call}, {end:?}"));
        }
        if completed {
            break;
        }
    }
    crashes
}

/// A backup, then events that are sealed, events that are not, and a deletion.
fn prepare(sim: &SimHost) {
    session(sim, 1, 12, 5);
    let host = sim.boot();
    take(&host);
    let db = options().open_on(&host, desk()).unwrap();
    db.seal().unwrap();
    record(&mut db.recorder(RecorderOptions::new()).unwrap(), 17..23);
    db.close().unwrap();
    drop_partition(&host, desk(), "fill", today());
    // All of it durable: it is the next backup that is tried.
    for dir in ["/", "/data", "/vault", DESK, VAULT] {
        host.files.sync_dir(Path::new(dir)).unwrap();
    }
}

fn second() -> BackupOptions {
    BackupOptions { keep: Some(2), ..BackupOptions::default() }
}

/// Every point that is listed restores to what it says, and none is half there.
fn check_points(host: &Host, expected: &[Event], place: &str) -> Vec<u64> {
    let report = verify_backup_on(host, vault()).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(report.is_clean(), "{place}: {:?}", report.findings);
    let listed = Backup::list_on(host, vault()).unwrap();
    for point in &listed.points {
        let target = Path::new("/points").join(point.number.to_string());
        let options = RestoreOptions { point: Some(point.number), ..RestoreOptions::default() };
        restore_on(host, vault(), &target, &options).unwrap_or_else(|error| panic!("{place}: {error}"));
        let found = all_events(host, &target);
        assert_eq!(found.len() as u64, point.events, "{place}");
        assert!(
            point.events + point.deleted_events == 17 || point.events == 23 - fills(),
            "{place}: {point:?}"
        );
        // What a point has is what the database has or had.
        let known = found.iter().filter(|event| !is_deleted(event)).all(|event| expected.contains(event));
        assert!(known, "{place}, point {}", point.number);
    }
    listed.points.iter().map(|point| point.number.0).collect()
}

fn is_deleted(event: &Event) -> bool {
    event.category == Category::FILL && event.ts.day() == today() && event.seq.0 < 17
}

/// How many events the deletion took.
fn fills() -> u64 {
    (0..17_i64).filter(|number| number % 3 == 1 && Timestamp(ts_of(*number)).day() == today()).count() as u64
}

#[test]
fn a_backup_that_crashes_leaves_the_points_before_and_the_next_one_goes_through() {
    let crashes = crash_everywhere(
        prepare,
        |host| backup_on(host, desk(), vault(), &second()).map(drop),
        |sim, acknowledged, place| {
            let host = sim.boot();
            let expected = all_events(&host, desk());
            let points = check_points(&host, &expected, place);
            assert!(points == [1, 2] || (points == [1] && !acknowledged), "{place}: {points:?}");
            let report =
                backup_on(&host, desk(), vault(), &second()).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(report.point.events, 23 - fills(), "{place}");
            let verified = verify_backup_on(&host, vault()).unwrap();
            assert!(verified.findings.is_empty(), "{place}: leftovers {:?}", verified.findings);
            for point in Backup::list_on(&host, vault()).unwrap().points {
                assert!(point.number.0 > 1 || point.deleted_events == fills(), "{place}: {point:?}");
            }
        },
    );
    println!("{crashes} crashes of a second backup");
    assert!(crashes >= 90, "{crashes}");
}

#[test]
fn a_first_backup_that_crashes_leaves_nothing_or_a_whole_point() {
    let crashes = crash_everywhere(
        |sim| {
            session(sim, 1, 12, 5);
            sim.boot().files.create_dir_all(Path::new("/vault")).unwrap();
            sim.boot().files.sync_dir(Path::new("/")).unwrap();
        },
        |host| backup_on(host, desk(), vault(), &second()).map(drop),
        |sim, acknowledged, place| {
            let host = sim.boot();
            let points = match Backup::list_on(&host, vault()) {
                Ok(backup) => backup.points.len(),
                Err(crate::Error::NotABackup { .. }) => 0,
                Err(error) => panic!("{place}: {error}"),
            };
            assert!(points == 1 || !acknowledged, "{place}");
            backup_on(&host, desk(), vault(), &second()).unwrap_or_else(|error| panic!("{place}: {error}"));
            restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
            assert_same(&all_events(&host, restored()), &all_events(&host, desk()), place);
            let verified = verify_backup_on(&host, vault()).unwrap();
            assert!(verified.findings.is_empty(), "{place}: {:?}", verified.findings);
        },
    );
    println!("{crashes} crashes of a first backup");
    assert!(crashes >= 90, "{crashes}");
}

fn crash_restores(options: RestoreOptions, expected_events: usize) {
    let crashes = crash_everywhere(
        |sim| {
            session(sim, 1, 12, 5);
            take(&sim.boot());
        },
        |host| restore_on(host, vault(), restored(), &options).map(drop),
        |sim, acknowledged, place| {
            let host = sim.boot();
            let exists = |name: &str| host.files.exists(&restored().join(name)).unwrap();
            let is_database = exists("LOCK");
            assert!(is_database || !acknowledged, "{place}");
            if !is_database {
                // Whatever is there is not opened; an empty or missing directory is for anyone to take.
                let is_begun = host.files.exists(restored()).unwrap()
                    && !host.files.read_dir(restored()).unwrap().is_empty();
                let opened = Options::new().create(is_begun).open_on(&host, restored());
                assert!(opened.is_err(), "{place}: a half restore was opened");
                if is_begun {
                    assert!(crate::maintain::repair_on(&host, restored()).is_err(), "{place}");
                }
                restore_on(&host, vault(), restored(), &options).unwrap_or_else(|e| panic!("{place}: {e}"));
            } else {
                let again = restore_on(&host, vault(), restored(), &options);
                assert!(again.is_err(), "{place}: a database was restored over");
            }
            let found = all_events(&host, restored());
            assert_eq!(found.len(), expected_events, "{place}");
            let whole = all_events(&host, desk());
            assert!(found.iter().all(|event| whole.contains(event)), "{place}");
            if expected_events == whole.len() {
                assert_eq!(damage_of(&host, restored()), [""; 0], "{place}");
            }
            check_goes_on(&host, restored(), 17, place);
        },
    );
    println!("{crashes} crashes of a restore");
    assert!(crashes >= 90, "{crashes}");
}

#[test]
fn a_restore_that_crashes_is_no_database_and_begins_again() {
    crash_restores(RestoreOptions::default(), 17);
}

#[test]
fn a_restore_up_to_a_moment_that_crashes_is_no_database_and_begins_again() {
    let until_ns = START_NS + 6_500_000_000;
    let expected = (0..17).filter(|number| ts_of(*number) <= until_ns).count();
    crash_restores(
        RestoreOptions { until: Some(Timestamp(until_ns)), ..RestoreOptions::default() },
        expected,
    );
}

#[test]
fn a_call_that_fails_fails_the_backup_and_leaves_the_points_before() {
    let (mut failed, mut passed) = (0, 0);
    for call in 1.. {
        let sim = SimHost::new(call);
        prepare(&sim);
        let host = sim.boot();
        let first = sim.calls();
        sim.fail_at(first + call, ErrorKind::Other);
        let outcome = backup_on(&host, desk(), vault(), &second());
        if sim.calls() < first + call {
            outcome.unwrap();
            break;
        }
        let place = format!("call {call}");
        let expected = all_events(&host, desk());
        let points = check_points(&host, &expected, &place);
        assert!(points == [1, 2] || (points == [1] && outcome.is_err()), "{place}: {points:?}");
        backup_on(&host, desk(), vault(), &second()).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(verify_backup_on(&host, vault()).unwrap().findings.is_empty(), "{place}");
        match outcome {
            Err(_) => failed += 1,
            Ok(_) => passed += 1,
        }
    }
    assert!(failed > 40 && passed == 0, "{failed} failed, {passed} passed over");
}

/// Bytes in use on the simulated disk.
fn used(host: &Host) -> u64 {
    let space = host.files.space(Path::new("/")).unwrap();
    space.total_bytes - space.available_bytes
}

#[test]
fn a_full_disk_fails_the_backup_before_it_begins_or_cleanly_and_leaves_the_points_before() {
    let (mut refused, mut broken_off, mut done) = (0, 0, 0);
    for pages in 0_u64.. {
        let sim = SimHost::new(7);
        prepare(&sim);
        let host = sim.boot();
        let before = used(&host);
        // The check of free space is passed by claiming more than there is: what it misses must fail cleanly too.
        let (room, lying) = (pages / 2 * 4096, pages % 2 == 1);
        sim.capacity(before + room);
        let given = if lying { with_endless_room(&host) } else { host.clone() };
        let outcome = backup_on(&given, desk(), vault(), &second());
        sim.capacity(u64::MAX);
        let place = format!("{room} bytes of room, lying: {lying}");
        let expected = all_events(&host, desk());
        let points = check_points(&host, &expected, &place);
        match outcome {
            Ok(_) => {
                done += 1;
                assert_eq!(points, [1, 2], "{place}");
                if !lying {
                    break;
                }
            }
            Err(error) => {
                let crate::Error::Io { source, .. } = &error else { panic!("{place}: {error}") };
                assert_eq!(source.kind(), ErrorKind::StorageFull, "{place}: {error}");
                *if lying { &mut broken_off } else { &mut refused } += 1;
                if !lying {
                    assert!(error.to_string().contains("are free"), "{place}: {error}");
                }
            }
        }
    }
    assert!(refused > 5 && broken_off > 5 && done > 1, "{refused}, {broken_off}, {done}");
}

#[test]
fn a_full_disk_fails_the_restore_and_what_is_left_of_it_begins_again() {
    let (mut refused, mut done) = (0, 0);
    for pages in (0_u64..).step_by(3) {
        let sim = SimHost::new(7);
        session(&sim, 1, 12, 5);
        let host = sim.boot();
        take(&host);
        sim.capacity(used(&host) + pages * 4096);
        let outcome = restore_on(&with_endless_room(&host), vault(), restored(), &RestoreOptions::default());
        sim.capacity(u64::MAX);
        let place = format!("{pages} pages of room");
        if outcome.is_ok() {
            done += 1;
        } else {
            refused += 1;
            let begun = host.files.exists(&restored().join("RESTORING")).unwrap();
            assert!(Options::new().create(begun).open_on(&host, restored()).is_err(), "{place}");
            restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap();
        }
        assert_same(&all_events(&host, restored()), &all_events(&host, desk()), &place);
        assert_eq!(damage_of(&host, restored()), [""; 0], "{place}");
        if done > 0 {
            break;
        }
    }
    assert!(refused > 5, "{refused}");
    let sim = SimHost::new(7);
    session(&sim, 1, 12, 5);
    let host = sim.boot();
    take(&host);
    sim.capacity(used(&host) + 100 * 4096);
    let error = restore_on(&host, vault(), restored(), &RestoreOptions::default()).unwrap_err();
    assert!(error.to_string().contains("are free"), "{error}");
}
