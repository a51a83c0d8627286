//! One side dies at each of its calls while the other lives; and each call of each side fails once.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::vfs::{DirEntry, Mapping, Space, Vfs, VfsFile};

/// Which calls of one process fail.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It dies: the call is done or not, and every later call fails.
    Dies { at: u64, is_done: bool },
    /// One call fails and is not done.
    Fails { at: u64 },
}

/// The disk as a process sees it that has a fault; every call counts, those too that only look.
#[derive(Debug)]
struct Faulty {
    files: Arc<dyn Vfs>,
    state: Arc<(Fault, AtomicU64)>,
}

fn faulty(host: &Host, fault: Fault) -> (Host, Arc<(Fault, AtomicU64)>) {
    let state = Arc::new((fault, AtomicU64::new(0)));
    let files = Faulty { files: Arc::clone(&host.files), state: Arc::clone(&state) };
    (Host { files: Arc::new(files), ..host.clone() }, state)
}

fn guard<T>(state: &(Fault, AtomicU64), call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let number = state.1.fetch_add(1, Ordering::SeqCst) + 1;
    let gone = || io::Error::other("gone");
    match state.0 {
        Fault::Dies { at, is_done } if number == at && is_done => call().and_then(|_| Err(gone())),
        Fault::Dies { at, .. } if number >= at => Err(gone()),
        Fault::Fails { at } if number == at => Err(gone()),
        _ => call(),
    }
}

impl Vfs for Faulty {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let file = guard(&self.state, || self.files.open(path, mode))?;
        Ok(Arc::new(FaultyFile { file, state: Arc::clone(&self.state) }))
    }
    fn read_dir(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        guard(&self.state, || self.files.read_dir(dir))
    }
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.create_dir_all(dir))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.rename(from, to))
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.hard_link(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.remove_file(path))
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.remove_dir(path))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        guard(&self.state, || self.files.sync_dir(dir))
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        guard(&self.state, || self.files.exists(path))
    }
    fn file_identity(&self, path: &Path) -> io::Result<u64> {
        guard(&self.state, || self.files.file_identity(path))
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        guard(&self.state, || self.files.space(path))
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        guard(&self.state, || self.files.try_lock(path))
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn VfsFile>,
    state: Arc<(Fault, AtomicU64)>,
}

impl VfsFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        guard(&self.state, || self.file.len())
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        guard(&self.state, || self.file.read_exact_at(buffer, offset))
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        guard(&self.state, || self.file.write_all_at(bytes, offset))
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        guard(&self.state, || self.file.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        guard(&self.state, || self.file.sync_data())
    }
    fn map(&self, len: u64) -> io::Result<Mapping> {
        guard(&self.state, || self.file.map(len))
    }
}

/// What an asker says, against what was executed.
fn check_word(answer: &Result<Option<Response>>, executed: usize, place: &str) {
    match answer {
        Ok(Some(_)) => assert_eq!(executed, 1, "{place}"),
        Err(Error::OutcomeUnknown { .. }) | Ok(None) => assert!(executed <= 1, "{place}"),
        Err(error) => assert_eq!(executed, 0, "{place}: {error}"),
    }
}

/// Asks until there is an answer; `between` is what the owner does meanwhile.
fn ask_stepwise(host: &Host, mut between: impl FnMut(u32)) -> Result<Option<Response>> {
    let mut asking = begin(host, "a")?;
    for round in 0..8 {
        if let Some(response) = look(&mut asking)? {
            return Ok(Some(response));
        }
        between(round);
    }
    Ok(None)
}

/// Nothing stays for ever, and nothing is executed late.
fn check_after(sim: &SimHost, host: &Host, executed: &RefCell<Vec<String>>, place: &str) {
    let before = executed.borrow().len();
    let owner = Owner::of(host, executed);
    sim.clock().advance(11 * SECOND_NS);
    assert_eq!(owner.poll().unwrap(), 0, "{place}: executed after it expired");
    sim.clock().advance(2 * HOUR_NS);
    assert_eq!(owner.poll().unwrap(), 0, "{place}");
    sim.clock().advance(2 * HOUR_NS);
    assert_eq!(owner.poll().unwrap(), 0, "{place}");
    assert_eq!((executed.borrow().len(), names(host)), (before, vec![]), "{place}");
}

/// Runs with a fault of each kind at each call until one is beyond the last call.
fn at_every_call(kinds: &[fn(u64) -> Fault], run: impl Fn(&SimHost, Fault, &str) -> u64) {
    for (kind, fault) in kinds.iter().enumerate() {
        let mut faults = 0;
        for at in 1.. {
            let sim = machine(at);
            if run(&sim, fault(at), &format!("kind {kind}, call {at}")) < at {
                break;
            }
            faults += 1;
        }
        assert!(faults > 10, "kind {kind}: only {faults} calls");
    }
}

const DIES: [fn(u64) -> Fault; 2] =
    [|at| Fault::Dies { at, is_done: false }, |at| Fault::Dies { at, is_done: true }];

#[test]
fn an_owner_that_dies_at_any_call_leaves_its_asker_with_the_truth() {
    at_every_call(&DIES, |sim, fault, place| {
        let executed = RefCell::default();
        let host = sim.boot();
        let (owners_host, calls) = faulty(&host, fault);
        // The lock is taken before anything can go wrong.
        let mut owner =
            Some(Owner { inbox: Inbox::new(&owners_host, root()), ..Owner::of(&host, &executed) });
        let answer = ask_stepwise(&host, |_| {
            let Fault::Dies { at, .. } = fault else { return };
            if let Some(living) = &owner {
                let _ = living.poll();
                if calls.1.load(Ordering::SeqCst) >= at {
                    owner = None;
                }
            }
        });
        check_word(&answer, executed.borrow().len(), place);
        assert!(!matches!(answer, Ok(None)), "{place}: waits for a dead owner");
        drop(owner);
        check_after(sim, &host, &executed, place);
        calls.1.load(Ordering::SeqCst)
    });
}

#[test]
fn an_owner_that_dies_and_is_followed_by_another_executes_once_at_most() {
    at_every_call(&DIES, |sim, fault, place| {
        let executed = RefCell::default();
        let host = sim.boot();
        let (owners_host, calls) = faulty(&host, fault);
        let first = RefCell::new(Some(Owner {
            inbox: Inbox::new(&owners_host, root()),
            ..Owner::of(&host, &executed)
        }));
        let second = RefCell::new(None);
        let answer = ask_stepwise(&host, |_| {
            if let Some(owner) = first.take() {
                let _ = owner.poll();
                drop(owner);
                *second.borrow_mut() = Some(Owner::of(&host, &executed));
            }
            let _ = second.borrow().as_ref().map(|owner| owner.poll().unwrap());
        });
        check_word(&answer, executed.borrow().len(), place);
        assert!(!matches!(answer, Ok(None)), "{place}: no answer");
        drop(second.take());
        check_after(sim, &host, &executed, place);
        calls.1.load(Ordering::SeqCst)
    });
}

#[test]
fn an_asker_that_dies_at_any_call_has_asked_once_at_most() {
    at_every_call(&DIES, |sim, fault, place| {
        let executed = RefCell::default();
        let host = sim.boot();
        let owner = Owner::of(&host, &executed);
        let (askers_host, calls) = faulty(&host, fault);
        let _ = ask_stepwise(&askers_host, |_| assert!(owner.poll().is_ok()));
        owner.poll().unwrap();
        assert!(executed.borrow().len() <= 1, "{place}");
        drop(owner);
        check_after(sim, &host, &executed, place);
        calls.1.load(Ordering::SeqCst)
    });
}

#[test]
fn a_call_of_the_owner_that_fails_changes_nothing_but_the_answer() {
    at_every_call(&[|at| Fault::Fails { at }], |sim, fault, place| {
        let executed = RefCell::default();
        let host = sim.boot();
        let (owners_host, calls) = faulty(&host, fault);
        let owner = Owner { inbox: Inbox::new(&owners_host, root()), ..Owner::of(&host, &executed) };
        let answer = ask_stepwise(&host, |_| drop(owner.poll()));
        assert!(!matches!(answer, Ok(None)), "{place}: no answer");
        check_word(&answer, executed.borrow().len(), place);
        drop(owner);
        check_after(sim, &host, &executed, place);
        calls.1.load(Ordering::SeqCst)
    });
}

#[test]
fn an_asker_whose_call_fails_tells_the_truth() {
    at_every_call(&[|at| Fault::Fails { at }], |sim, fault, place| {
        let executed = RefCell::default();
        let host = sim.boot();
        let owner = Owner::of(&host, &executed);
        let (askers_host, calls) = faulty(&host, fault);
        let answer = ask_stepwise(&askers_host, |_| assert!(owner.poll().is_ok()));
        assert!(!matches!(answer, Ok(None)), "{place}: no answer");
        owner.poll().unwrap();
        check_word(&answer, executed.borrow().len(), place);
        drop(owner);
        check_after(sim, &host, &executed, place);
        calls.1.load(Ordering::SeqCst)
    });
}

#[test]
fn paths_of_the_directory_are_the_databases_own() {
    let id = RequestId::new(&machine(1).boot(), 1);
    assert_eq!(path(root(), id, Kind::Request).parent().map(PathBuf::from), Some(directory(root())));
}
