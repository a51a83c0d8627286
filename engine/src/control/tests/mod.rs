//! Asker and owner, step by step on the simulated disk and at once on a real one.

mod changing_hands;
mod crashes;
mod one_sided;
mod threads;

use std::cell::RefCell;
use std::path::Path;

use super::ask::Asking;
use super::envelope::{HEAD_BYTES, read_file, seal, write_file};
use super::names::{Kind, RequestId, directory, parse, path};
use super::request::Asked;
use super::*;
use crate::catalog::ledger::{Hold, HoldId, HoldQuery};
use crate::error::{Error, Result};
use crate::lock::LOCK_FILE;
use crate::vfs::sim::SimHost;
use crate::vfs::{FileLock, Host, OpenMode};

const SECOND_NS: i64 = 1_000_000_000;
const HOUR_NS: i64 = 3_600 * SECOND_NS;

fn root() -> &'static Path {
    Path::new("/desk.blotter")
}

/// A machine with a directory that has a lock file, durably.
fn machine(seed: u64) -> SimHost {
    let sim = SimHost::new(seed);
    let host = sim.boot();
    host.files.create_dir_all(root()).unwrap();
    host.files.open(&root().join(LOCK_FILE), OpenMode::CreateNew).unwrap();
    host.files.sync_dir(root()).unwrap();
    host.files.sync_dir(Path::new("/")).unwrap();
    sim
}

/// An owner that counts what it executes. Dropping it is its death.
struct Owner<'a> {
    inbox: Inbox,
    executed: &'a RefCell<Vec<String>>,
    _lock: Box<dyn FileLock>,
}

impl<'a> Owner<'a> {
    fn of(host: &Host, executed: &'a RefCell<Vec<String>>) -> Owner<'a> {
        let lock = host.files.try_lock(&root().join(LOCK_FILE)).unwrap().expect("nobody else owns it");
        Owner { inbox: Inbox::new(host, root()), executed, _lock: lock }
    }

    fn poll(&self) -> Result<usize> {
        self.inbox.poll(&mut |request, by, progress| {
            let Request::PlaceHold(hold) = request else { panic!("{request:?}") };
            assert_eq!(by, &ann());
            progress(Progress { step: "first".into(), steps_done: 0, steps: 1, ..Progress::default() });
            self.executed.borrow_mut().push(hold.case.clone());
            if hold.case.starts_with("bad") {
                return Err(Error::InvalidOption { option: "case", reason: "it is bad".into() });
            }
            Ok(Response::HoldPlaced(HoldId(7)))
        })
    }
}

fn ann() -> By {
    By::new("ann", "because")
}

fn hold(case: &str) -> Request {
    Request::PlaceHold(Hold { case: case.into(), query: HoldQuery::default() })
}

fn begin(host: &Host, case: &str) -> Result<Asking> {
    Asking::begin(host, root(), &hold(case), &ann(), CLAIM_TIMEOUT)
}

fn look(asking: &mut Asking) -> Result<Option<Response>> {
    asking.look(&mut |_| {})
}

fn names(host: &Host) -> Vec<String> {
    let entries = host.files.read_dir(&directory(root())).unwrap_or_default();
    entries.into_iter().map(|entry| entry.name).collect()
}

/// The one request that is there.
fn only_id(host: &Host) -> RequestId {
    let ids: Vec<_> = names(host).iter().filter_map(|name| parse(name)).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids[0].0
}

#[test]
fn a_request_is_executed_and_answered_and_nothing_stays() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    assert_eq!(owner.poll().unwrap(), 0, "without a directory");
    let calls = sim.calls();
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(sim.calls(), calls, "an idle look writes nothing");
    let mut asking = begin(&host, "a").unwrap();
    assert!(look(&mut asking).unwrap().is_none());
    assert_eq!(owner.poll().unwrap(), 1);
    assert_eq!(look(&mut asking).unwrap(), Some(Response::HoldPlaced(HoldId(7))));
    assert_eq!((executed.take(), names(&host)), (vec!["a".to_owned()], vec![]));
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(owner.inbox.problems(), [""; 0]);
}

#[test]
fn requests_are_executed_in_the_order_of_their_times() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let _asking: Vec<_> = ["a", "b", "c"].map(|case| begin(&host, case).unwrap()).into();
    assert_eq!(owner.poll().unwrap(), 3);
    assert_eq!(executed.take(), ["a", "b", "c"]);
}

#[test]
fn an_error_of_the_owner_crosses_as_its_text() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "bad").unwrap();
    assert_eq!(owner.poll().unwrap(), 1);
    let error = look(&mut asking).unwrap_err();
    assert!(
        matches!(&error, Error::Declined { reason, .. } if reason == "option case: it is bad"),
        "{error}"
    );
    assert_eq!(names(&host), [""; 0]);
}

#[test]
fn without_an_owner_nothing_is_written() {
    let sim = machine(1);
    let host = sim.boot();
    assert!(matches!(begin(&host, "a"), Err(Error::NoOwner { .. })));
    assert!(!host.files.exists(&directory(root())).unwrap());
    let other = Asking::begin(&host, Path::new("/other"), &hold("a"), &ann(), CLAIM_TIMEOUT);
    assert!(matches!(other, Err(Error::NotADatabase { .. })));
}

#[test]
fn an_owner_that_ends_before_the_claim_leaves_nothing_done() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    drop(owner);
    assert!(matches!(look(&mut asking), Err(Error::NoOwner { .. })));
    let owner = Owner::of(&host, &executed);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!((executed.take(), names(&host)), (vec![], vec![]));
}

#[test]
fn a_request_that_expires_is_withdrawn_and_never_executed() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    sim.clock().advance(11 * SECOND_NS);
    assert_eq!(owner.poll().unwrap(), 0, "expired");
    assert_eq!(names(&host).len(), 1, "its asker must see that it was not taken");
    let error = look(&mut asking).unwrap_err();
    assert!(matches!(error, Error::NotTaken { waited_ms: 10_000, .. }), "{error}");
    assert_eq!(names(&host), [""; 0]);

    // Nor if the asker is dead, and the clock goes back or an hour passes.
    let _dead = begin(&host, "b").unwrap();
    let now = host.clock.now_ns();
    sim.clock().set(now - 24 * HOUR_NS);
    assert_eq!(owner.poll().unwrap(), 0, "an hour from now is later than a request can expire");
    let _dead = begin(&host, "c").unwrap();
    sim.clock().advance(2 * HOUR_NS);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!((executed.take(), names(&host)), (vec![], vec![]));
}

#[test]
fn an_asker_waits_no_longer_than_told_whatever_the_clock_does() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let _owner = Owner::of(&host, &executed);
    sim.clock().advance(-24 * HOUR_NS);
    let asked = ask(&host, root(), &hold("a"), &ann(), Duration::from_millis(50), &mut |_| {});
    assert!(matches!(asked, Err(Error::NotTaken { waited_ms: 50, .. })), "{asked:?}");
    assert_eq!(names(&host), [""; 0]);
}

/// Lets the request be claimed and no more, as an owner does that dies at it.
fn claim_only(host: &Host) {
    let id = only_id(host);
    host.files.rename(&path(root(), id, Kind::Request), &path(root(), id, Kind::Claimed)).unwrap();
}

#[test]
fn an_owner_that_ends_after_the_claim_leaves_the_outcome_unknown() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    claim_only(&host);
    sim.clock().advance(HOUR_NS / 2);
    assert!(look(&mut asking).unwrap().is_none(), "a claim is waited for as long as its owner lives");
    drop(owner);
    let error = look(&mut asking).unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }), "{error}");
    assert_eq!((executed.take(), names(&host)), (vec![], vec![]));
}

#[test]
fn the_next_owner_says_that_it_does_not_know() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    claim_only(&host);
    drop(owner);
    let owner = Owner::of(&host, &executed);
    assert_eq!(owner.poll().unwrap(), 0);
    let error = look(&mut asking).unwrap_err();
    assert!(matches!(&error, Error::OutcomeUnknown { reason, .. } if reason.contains("ended")), "{error}");
    assert_eq!((executed.take(), names(&host)), (vec![], vec![]));

    // Nor does it matter if that one does not listen.
    let lock_path = root().join(LOCK_FILE);
    crate::lock::note_holder(&host, &lock_path, 1, false).unwrap();
    let mut asking = begin(&host, "b").unwrap();
    claim_only(&host);
    assert!(look(&mut asking).unwrap().is_none());
    crate::lock::note_holder(&host, &lock_path, 2, false).unwrap();
    let error = look(&mut asking).unwrap_err();
    assert!(matches!(&error, Error::OutcomeUnknown { reason, .. } if reason.contains("another")), "{error}");
}

#[test]
fn an_execution_that_panics_is_answered() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = owner.inbox.poll(&mut |_, _, _| panic!("on purpose"));
    }));
    assert!(panicked.is_err());
    assert!(matches!(look(&mut asking), Err(Error::OutcomeUnknown { .. })));
    let mut asking = begin(&host, "b").unwrap();
    assert_eq!(owner.poll().unwrap(), 1, "and the next is served");
    assert!(look(&mut asking).unwrap().is_some());
}

#[test]
fn progress_is_shown_as_it_changes() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let asking = RefCell::new(begin(&host, "a").unwrap());
    let shown = RefCell::new(Vec::new());
    let look =
        || asking.borrow_mut().look(&mut |progress| shown.borrow_mut().push(progress.steps_done)).unwrap();
    let served = owner.inbox.poll(&mut |_, _, progress| {
        for steps_done in 0..40 {
            progress(Progress { steps_done, steps: 40, ..Progress::default() });
            assert!(look().is_none());
            sim.clock().advance(SECOND_NS / 40);
        }
        Ok(Response::BudgetSet)
    });
    assert_eq!((served.unwrap(), look()), (1, Some(Response::BudgetSet)));
    let shown = shown.take();
    assert!(shown[0] == 0 && shown.is_sorted() && (8..=10).contains(&shown.len()), "{shown:?}");
    assert_eq!(names(&host), [""; 0]);
}

#[test]
fn foreign_and_malformed_files_are_reported_and_never_executed() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let dir = directory(root());
    host.files.create_dir_all(&dir.join("deep")).unwrap();
    let put = |path: &Path, bytes: &[u8]| write_file(&host, &dir.join("t"), path, bytes, false).unwrap();
    for (name, bytes) in [("note.txt", &b"mine"[..]), ("x.request", b"x"), ("\u{1b}[2J.request", b"")] {
        put(&dir.join(name), bytes);
    }
    host.files.create_dir_all(&dir.join("0000000000000000-0000000000000000.request")).unwrap();
    assert_eq!(owner.poll().unwrap(), 0);
    let problems = owner.inbox.problems();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert!(problems.iter().all(|problem| !problem.contains('\u{1b}')), "{problems:#?}");

    let now = host.clock.now_ns();
    let asked = Asked { created_at_ns: now, expires_at_ns: now + SECOND_NS, by: ann(), request: hold("a") };
    let whole = seal(&asked);
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    let malformed: [Vec<u8>; 5] =
        [vec![], whole[..30].to_vec(), flipped, seal(&7_u8), vec![0; HEAD_BYTES + REQUEST_BYTES_MAX + 1]];
    for bytes in &malformed {
        let id = RequestId::new(&host, host.clock.now_ns());
        put(&path(root(), id, Kind::Request), bytes);
        assert_eq!(owner.poll().unwrap(), 0);
        // It is answered, for it may be one of another version.
        let response = read_file(&host, &path(root(), id, Kind::Response), 1 << 20).unwrap();
        let outcome: request::Outcome = envelope::unseal(&response).unwrap();
        assert!(
            matches!(&outcome, request::Outcome::Declined(reason) if reason.contains("not readable")),
            "{outcome:?}"
        );
        assert!(owner.inbox.problems().iter().any(|problem| problem.contains("not readable")));
    }
    let stay: usize = names(&host).iter().filter(|name| parse(name).is_none()).count();
    sim.clock().advance(2 * HOUR_NS);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(names(&host).len(), stay + 1, "foreign files and the directory of our name stay");
    assert_eq!(executed.take(), [""; 0]);
}

#[test]
fn leftovers_are_removed_after_an_hour() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    host.files.create_dir_all(&directory(root())).unwrap();
    for kind in Kind::ALL {
        let id = RequestId::new(&host, host.clock.now_ns());
        let path = path(root(), id, kind);
        host.files.open(&path, OpenMode::CreateNew).unwrap();
    }
    assert_eq!(owner.poll().unwrap(), 0);
    // The claim is answered, and the request, which is empty.
    assert_eq!(names(&host).len(), Kind::ALL.len());
    sim.clock().advance(HOUR_NS + SECOND_NS);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(names(&host), [""; 0]);
}

#[test]
fn the_answer_to_a_long_job_is_there_until_it_is_read() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    let served = owner.inbox.poll(&mut |_, _, _| {
        sim.clock().advance(5 * HOUR_NS);
        Ok(Response::BudgetSet)
    });
    assert_eq!(served.unwrap(), 1);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(look(&mut asking).unwrap(), Some(Response::BudgetSet));
}

#[test]
fn an_answer_that_finds_no_room_is_written_when_there_is_some() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    sim.capacity(0);
    assert_eq!(owner.poll().unwrap(), 1, "the work goes on though nothing can be told of it");
    assert!(look(&mut asking).unwrap().is_none());
    assert_eq!(owner.poll().unwrap(), 0);
    assert!(owner.inbox.problems().iter().any(|problem| problem.contains("tried again")));
    let refused = begin(&host, "b").err().unwrap();
    assert!(matches!(&refused, Error::CannotAsk { .. }), "{refused}");
    sim.capacity(1 << 20);
    assert_eq!(owner.poll().unwrap(), 0);
    assert_eq!(look(&mut asking).unwrap(), Some(Response::HoldPlaced(HoldId(7))));
    assert_eq!((executed.take(), names(&host)), (vec!["a".to_owned()], vec![]));
}

#[test]
fn who_cannot_ask_is_told_so() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let _owner = Owner::of(&host, &executed);
    host.files.open(&directory(root()), OpenMode::CreateNew).unwrap();
    let error = begin(&host, "a").err().unwrap();
    assert!(matches!(error, Error::CannotAsk { .. }), "{error}");
    host.files.remove_file(&directory(root())).unwrap();

    let error = begin(&host, &"x".repeat(REQUEST_BYTES_MAX)).err().unwrap();
    assert!(matches!(error, Error::InvalidOption { option: "request", .. }), "{error}");
    for timeout in [Duration::ZERO, CLAIM_TIMEOUT_MAX + Duration::from_nanos(1)] {
        let error = Asking::begin(&host, root(), &hold("a"), &ann(), timeout).err().unwrap();
        assert!(matches!(error, Error::InvalidOption { option: "timeout", .. }), "{error}");
    }
    assert!(!host.files.exists(&directory(root())).unwrap());
}

#[test]
fn an_answer_over_the_limit_says_that_it_was_done() {
    let (sim, executed) = (machine(1), RefCell::default());
    let host = sim.boot();
    let owner = Owner::of(&host, &executed);
    let mut asking = begin(&host, "a").unwrap();
    let huge = || Error::InvalidOption { option: "x", reason: "y".repeat(RESPONSE_BYTES_MAX) };
    assert_eq!(owner.inbox.poll(&mut |_, _, _| Err(huge())).unwrap(), 1);
    let error = look(&mut asking).unwrap_err().to_string();
    assert!(error.contains("over the limit") && error.len() < 1000, "{}", error.len());
}

#[test]
fn what_cannot_be_done_here_is_asked_and_the_other_way_round() {
    let sim = machine(1);
    let host = sim.boot();
    let locked = || Error::Locked { path: root().into(), holder: "x".into() };
    // Opened elsewhere each time, and nobody there each time it is asked: at last it is free.
    let mut attempts = 0;
    let done = carry_out(
        &host,
        root(),
        &hold("a"),
        &ann(),
        CLAIM_TIMEOUT,
        &mut || {
            attempts += 1;
            if attempts < 4 { Err(locked()) } else { Ok(Response::BudgetSet) }
        },
        &mut |_| {},
    );
    assert_eq!((done.unwrap(), attempts), (Response::BudgetSet, 4));
    let failed =
        carry_out(&host, root(), &hold("a"), &ann(), CLAIM_TIMEOUT, &mut || Err(Error::Closed), &mut |_| {});
    assert!(matches!(failed, Err(Error::Closed)));
}
