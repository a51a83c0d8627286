//! The machine goes down at every call, with the asker, the owner, and all that was not synced.

use super::*;

/// Asks and serves until the machine goes down or there is an answer; what the asker was told.
fn ask_and_serve(host: &Host, executed: &RefCell<Vec<String>>) -> Option<Result<Response>> {
    let lock = host.files.try_lock(&root().join(LOCK_FILE)).ok()??;
    let owner = Owner { inbox: Inbox::new(host, root()), executed, _lock: lock };
    let mut asking = match begin(host, "a") {
        Ok(asking) => asking,
        Err(error) => return Some(Err(error)),
    };
    for _ in 0..4 {
        match look(&mut asking) {
            Ok(Some(response)) => return Some(Ok(response)),
            Ok(None) => drop(owner.poll()),
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

#[test]
fn after_a_crash_at_any_call_a_request_was_executed_once_at_most() {
    let mut crashes = 0;
    let mut executed_later = 0;
    for call in 1.. {
        let mut completed = true;
        for seed in 0..40 {
            let place = format!("call {call}, seed {seed}");
            let (sim, executed) = (machine(call), RefCell::default());
            // A third of the processes die alone, and a third of the machines had to do with others before.
            if seed % 3 == 0 {
                sim.boot().files.create_dir_all(&directory(root())).unwrap();
                sim.boot().files.sync_dir(root()).unwrap();
            }
            sim.crash_at(sim.calls() + call);
            let told = ask_and_serve(&sim.boot(), &executed);
            let crashed = sim.crashed();
            completed &= !crashed;
            crashes += u32::from(crashed);
            if seed % 4 == 1 {
                sim.process_crash();
            } else {
                sim.power_failure(seed);
            }
            let before = executed.borrow().len();
            assert!(before <= 1, "{place}");
            if matches!(told, Some(Ok(_))) {
                assert_eq!(before, 1, "{place}");
            }
            // The next owner may find the request before it expires.
            let host = sim.boot();
            let owner = Owner::of(&host, &executed);
            for _ in 0..3 {
                owner.poll().unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            executed_later += executed.borrow().len() - before;
            assert!(executed.borrow().len() <= 1, "{place}: executed again");
            // Not so afterwards, and nothing stays.
            let before = executed.borrow().len();
            sim.clock().advance(11 * SECOND_NS);
            assert_eq!(owner.poll().unwrap(), 0, "{place}");
            for _ in 0..3 {
                sim.clock().advance(2 * HOUR_NS);
                assert_eq!(owner.poll().unwrap(), 0, "{place}");
            }
            assert_eq!((executed.borrow().len(), names(&host)), (before, vec![]), "{place}");
            // And it listens.
            let mut asking = begin(&host, "b").unwrap();
            assert_eq!(owner.poll().unwrap(), 1, "{place}");
            assert!(look(&mut asking).unwrap().is_some(), "{place}");
        }
        if completed {
            break;
        }
    }
    assert!(crashes > 500 && executed_later > 0, "{crashes} crashes, {executed_later} executed later");
}
