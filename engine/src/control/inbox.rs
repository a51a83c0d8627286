//! The owner's side: takes requests, executes them, answers.
//!
//! A look at an absent or empty directory is one call. Nothing is kept of a request but that it is under way and what
//! could not be written yet, so whatever an owner finds at its first look was left by another before it. What is taken
//! may be answered later and by another thread: a hold is placed while a long job is under way.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::envelope::{HEAD_BYTES, read_file, seal, unseal, write_file};
use super::names::{Kind, RequestId, directory, parse, path};
use super::request::{Asked, Outcome};
use super::{By, CLAIM_TIMEOUT_MAX, Progress, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, Request, Response};
use crate::error::{Error, Result};
use crate::vfs::Host;

/// Age from which a file is of no use to anybody.
const LEFTOVER_AGE_NS: i64 = 3_600_000_000_000;
/// Shortest time between two writes of how far a request has come.
const PROGRESS_INTERVAL_NS: i64 = 100_000_000;
/// Problems kept; a directory full of foreign files must not take memory.
const PROBLEMS_MAX: usize = 20;

/// What is asked of the owner of a database. The process that holds its lock has one, and looks into it now and then.
/// Its clones are the same one.
#[derive(Clone, Debug)]
pub struct Inbox {
    host: Host,
    database: PathBuf,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Held by the thread that looks.
    looking: Mutex<()>,
    answers: Mutex<Answers>,
    problems: Mutex<Vec<String>>,
}

/// What this owner took, and what it answered.
#[derive(Debug, Default)]
struct Answers {
    /// Taken and not answered yet.
    under_way: BTreeSet<RequestId>,
    /// Answers that could not be written yet.
    unwritten: BTreeMap<RequestId, Vec<u8>>,
    /// When each was given, in nanoseconds: a long job is answered when its request is old already.
    given_at_ns: BTreeMap<RequestId, i64>,
}

type Execute<'a> = dyn FnMut(&Request, &By, &dyn Fn(Progress)) -> Result<Response> + 'a;

impl Inbox {
    /// That of a database whose lock this process holds.
    pub fn new(host: &Host, database: &Path) -> Inbox {
        Inbox { host: host.clone(), database: database.to_path_buf(), state: Arc::default() }
    }

    /// Executes what is asked, oldest first, and answers it; gives the number of requests executed. Does nothing if
    /// another thread is at it.
    ///
    /// # Errors
    /// If the directory cannot be listed. What concerns one file only is in [`Inbox::problems`].
    pub fn poll(&self, execute: &mut Execute<'_>) -> Result<usize> {
        self.take_all(&mut |claim| claim.execute(execute))
    }

    /// Takes what is asked, oldest first; gives the number of requests taken. Does nothing if another thread is at it.
    ///
    /// # Errors
    /// As [`Inbox::poll`].
    pub(crate) fn take_all(&self, take: &mut dyn FnMut(Claim)) -> Result<usize> {
        let _looking = match self.state.looking.try_lock() {
            Ok(looking) => looking,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(0),
        };
        let directory = directory(&self.database);
        let entries = match self.host.files.read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io("list", &directory, error)),
        };
        self.lock_problems().clear();
        let mut present = BTreeSet::new();
        for entry in entries {
            match parse(&entry.name).filter(|_| !entry.is_dir) {
                Some(file) => drop(present.insert(file)),
                None => self.note(format!(
                    "'{}' in {} is none of blotter's; hint: move it away",
                    entry.name.escape_debug(),
                    directory.display()
                )),
            }
        }
        self.tidy_up(&mut self.lock_answers(), &mut present);
        let mut taken = 0;
        for (id, _) in present.iter().filter(|(_, kind)| *kind == Kind::Request) {
            if let Some(claim) = self.claim(*id) {
                taken += 1;
                take(claim);
            }
        }
        Ok(taken)
    }

    /// What the last look found that it could not make sense of, or could not do.
    pub fn problems(&self) -> Vec<String> {
        self.lock_problems().clone()
    }

    /// Answers claims that wait for it, and removes what nobody needs any longer.
    fn tidy_up(&self, answers: &mut Answers, present: &mut BTreeSet<(RequestId, Kind)>) {
        let now_ns = self.host.clock.now_ns();
        let is_old = |at_ns: i64| now_ns.abs_diff(at_ns) > LEFTOVER_AGE_NS as u64;
        answers.given_at_ns.retain(|_, at_ns| !is_old(*at_ns));
        answers.unwritten.retain(|id, _| answers.given_at_ns.contains_key(id));
        for (id, bytes) in std::mem::take(&mut answers.unwritten) {
            self.write_answer(answers, id, bytes);
        }
        present.retain(|(id, _)| !answers.under_way.contains(id));
        let claims: Vec<RequestId> =
            present.iter().filter(|(_, kind)| *kind == Kind::Claimed).map(|(id, _)| *id).collect();
        for id in claims {
            if present.contains(&(id, Kind::Response)) {
                self.remove(id, Kind::Claimed);
            } else if !answers.given_at_ns.contains_key(&id) {
                // What this owner took is under way, so this one is of another before it.
                let reason = "the process that took the request ended before it had answered".to_owned();
                self.answer(answers, id, &Outcome::Unknown(reason));
            } else if !answers.unwritten.contains_key(&id) {
                self.remove(id, Kind::Claimed);
            }
        }
        let is_leftover = |(id, kind): &(RequestId, Kind)| {
            *kind != Kind::Claimed && is_old(id.created_at_ns) && !answers.given_at_ns.contains_key(id)
        };
        present.retain(|file| {
            let is_leftover = is_leftover(file);
            if is_leftover {
                self.remove(file.0, file.1);
            }
            !is_leftover
        });
    }

    /// Takes a request, if it still may be executed.
    fn claim(&self, id: RequestId) -> Option<Claim> {
        let (request, claimed) = (self.path(id, Kind::Request), self.path(id, Kind::Claimed));
        let asked: Result<Asked, String> =
            match read_file(&self.host, &request, HEAD_BYTES + REQUEST_BYTES_MAX) {
                Ok(bytes) => {
                    unseal(&bytes).map_err(|reason| format!("the request is not readable: {reason}"))
                }
                // Withdrawn.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => Err(format!("the request is not readable: {error}")),
            };
        // One that has expired is left for its asker to withdraw: it could not tell its removal from a claim.
        if asked.as_ref().is_ok_and(|asked| !self.may_execute(asked)) {
            return None;
        }
        match self.host.files.rename(&request, &claimed) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.note(format!("cannot claim {}: {error}", request.display()));
                return None;
            }
        }
        let asked = asked.and_then(|asked| {
            // Otherwise a power failure could bring the request back after it was executed.
            let synced = self.host.files.sync_dir(&directory(&self.database));
            synced.map_err(|error| {
                format!("the request could not be noted durably, nothing was done: {error}")
            })?;
            if self.may_execute(&asked) {
                Ok(asked)
            } else {
                Err("the request had expired when it was taken, nothing was done".to_owned())
            }
        });
        match asked {
            Ok(Asked { request, by, .. }) => {
                self.lock_answers().under_way.insert(id);
                let (inbox, told_ns) = (self.clone(), Cell::new(None));
                Some(Claim { inbox, id, request, by, told_ns, is_answered: false })
            }
            Err(reason) => {
                self.note(format!("{}: {reason}", claimed.display()));
                self.answer(&mut self.lock_answers(), id, &Outcome::Declined(reason));
                None
            }
        }
    }

    fn may_execute(&self, asked: &Asked) -> bool {
        let left_ns = i128::from(asked.expires_at_ns) - i128::from(self.host.clock.now_ns());
        // With more time left than can be given, a clock went back, and it may have expired long since.
        left_ns > 0 && left_ns <= CLAIM_TIMEOUT_MAX.as_nanos() as i128
    }

    /// Writes how far a request has come. If that cannot be written, the work goes on all the same.
    fn tell(&self, id: RequestId, progress: &Progress, last_ns: &Cell<Option<i64>>) {
        let now_ns = self.host.clock.now_ns();
        if last_ns.get().is_some_and(|last| now_ns.abs_diff(last) < PROGRESS_INTERVAL_NS as u64) {
            return;
        }
        last_ns.set(Some(now_ns));
        let path = self.path(id, Kind::Progress);
        let bytes = seal(progress);
        if let Err(error) =
            write_file(&self.host, &self.path(id, Kind::ProgressTemporary), &path, &bytes, false)
        {
            self.note(format!("cannot write {}: {error}", path.display()));
        }
    }

    fn answer(&self, answers: &mut Answers, id: RequestId, outcome: &Outcome) {
        let mut bytes = seal(outcome);
        if bytes.len() > HEAD_BYTES + RESPONSE_BYTES_MAX {
            let reason = format!(
                "it was carried out, but the answer of {} bytes is over the limit of {RESPONSE_BYTES_MAX}; hint: `blotter history` tells what was done",
                bytes.len()
            );
            bytes = seal(&Outcome::Declined(reason));
        }
        answers.given_at_ns.insert(id, self.host.clock.now_ns());
        answers.under_way.remove(&id);
        self.write_answer(answers, id, bytes);
    }

    /// Writes an answer and removes the claim; on a full disk the answer is kept and tried again.
    fn write_answer(&self, answers: &mut Answers, id: RequestId, bytes: Vec<u8>) {
        // First, so that there is room.
        self.remove(id, Kind::ProgressTemporary);
        self.remove(id, Kind::Progress);
        let path = self.path(id, Kind::Response);
        match write_file(&self.host, &self.path(id, Kind::ResponseTemporary), &path, &bytes, false) {
            Ok(()) => self.remove(id, Kind::Claimed),
            Err(error) => {
                self.note(format!("cannot write {}: {error}; it is tried again", path.display()));
                answers.unwritten.insert(id, bytes);
            }
        }
    }

    fn remove(&self, id: RequestId, kind: Kind) {
        let path = self.path(id, kind);
        match self.host.files.remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.note(format!("cannot remove {}: {error}", path.display()));
            }
            _ => {}
        }
    }

    fn path(&self, id: RequestId, kind: Kind) -> PathBuf {
        path(&self.database, id, kind)
    }

    fn note(&self, problem: String) {
        let mut problems = self.lock_problems();
        match problems.len() {
            0..PROBLEMS_MAX => problems.push(problem),
            PROBLEMS_MAX => problems.push("... and more of them".to_owned()),
            _ => {}
        }
    }

    fn lock_problems(&self) -> MutexGuard<'_, Vec<String>> {
        self.state.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_answers(&self) -> MutexGuard<'_, Answers> {
        self.state.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that was taken, and is answered however its execution ends: an asker waits as long as its owner lives.
pub(crate) struct Claim {
    inbox: Inbox,
    id: RequestId,
    request: Request,
    by: By,
    /// When it was last told how far it is.
    told_ns: Cell<Option<i64>>,
    is_answered: bool,
}

impl Claim {
    /// What is asked.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Executes it, and answers.
    pub(crate) fn execute(mut self, execute: &mut Execute<'_>) {
        let told = |progress| self.inbox.tell(self.id, &progress, &self.told_ns);
        let outcome = match execute(&self.request, &self.by, &told) {
            Ok(response) => Outcome::Done(Box::new(response)),
            Err(Error::Interrupted) => Outcome::Closing,
            Err(error) => Outcome::Declined(error.to_string()),
        };
        self.answer(&outcome);
    }

    fn answer(&mut self, outcome: &Outcome) {
        self.is_answered = true;
        self.inbox.answer(&mut self.inbox.lock_answers(), self.id, outcome);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answer(&Outcome::Unknown("the process that took the request failed at it".to_owned()));
        }
    }
}
