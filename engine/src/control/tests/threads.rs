//! An owner in one thread and askers in others, on a real directory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A real directory with a held lock.
fn real() -> (tempfile::TempDir, Host, Box<dyn FileLock>) {
    let guard = tempfile::tempdir().unwrap();
    let host = Host::os();
    let lock_path = guard.path().join(LOCK_FILE);
    host.files.open(&lock_path, OpenMode::CreateNew).unwrap();
    let lock = host.files.try_lock(&lock_path).unwrap().unwrap();
    (guard, host, lock)
}

#[test]
fn every_request_of_many_askers_is_executed_once_and_answered_to_its_asker() {
    let (guard, host, _lock) = real();
    let database = guard.path();
    let inbox = Inbox::new(&host, database);
    let executed = Mutex::new(BTreeMap::<String, u32>::new());
    let stop = AtomicBool::new(false);
    const ASKERS: u64 = 4;
    const REQUESTS: u64 = 10;
    std::thread::scope(|scope| {
        // Two owners' threads: one waits for the other.
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    inbox
                        .poll(&mut |request, _, _| {
                            let Request::PlaceHold(hold) = request else { panic!("{request:?}") };
                            *executed.lock().unwrap().entry(hold.case.clone()).or_default() += 1;
                            Ok(Response::HoldPlaced(HoldId(hold.case.parse().unwrap())))
                        })
                        .unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
        let askers: Vec<_> = (0..ASKERS)
            .map(|asker| {
                let host = &host;
                scope.spawn(move || {
                    for request in 0..REQUESTS {
                        let number = asker * REQUESTS + request;
                        let asked = hold(&number.to_string());
                        let answer = ask(host, database, &asked, &ann(), CLAIM_TIMEOUT_MAX, &mut |_| {});
                        assert_eq!(answer.unwrap(), Response::HoldPlaced(HoldId(number)));
                    }
                })
            })
            .collect();
        let ended: Vec<_> = askers.into_iter().map(|asker| asker.join()).collect();
        stop.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    let executed = executed.into_inner().unwrap();
    assert_eq!(executed.len() as u64, ASKERS * REQUESTS);
    assert!(executed.values().all(|count| *count == 1), "{executed:?}");
    assert_eq!(host.files.read_dir(&directory(database)).unwrap(), []);
    assert_eq!(inbox.problems(), [""; 0]);
}

#[test]
fn withdrawal_and_claim_meet_and_one_of_them_wins() {
    let (guard, host, _lock) = real();
    let database = guard.path();
    let inbox = Inbox::new(&host, database);
    let (mut done, mut withdrawn) = (0, 0);
    for round in 0..60_u64 {
        let executed = AtomicBool::new(false);
        let answer = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Around the time at which the asker gives up.
                std::thread::sleep(Duration::from_micros(round * 500));
                for _ in 0..3 {
                    inbox
                        .poll(&mut |_, _, _| {
                            executed.store(true, Ordering::SeqCst);
                            Ok(Response::BudgetSet)
                        })
                        .unwrap();
                }
            });
            ask(&host, database, &hold("a"), &ann(), Duration::from_millis(20), &mut |_| {})
        });
        let was_executed = executed.load(Ordering::SeqCst);
        match answer {
            Ok(_) => {
                assert!(was_executed, "round {round}");
                done += 1;
            }
            Err(Error::NotTaken { .. } | Error::Declined { .. }) => {
                assert!(!was_executed, "round {round}");
                withdrawn += 1;
            }
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    assert!(done > 0 && withdrawn > 0, "{done} done, {withdrawn} withdrawn");
}
