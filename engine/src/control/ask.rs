//! The asker's side: writes a request, waits for its answer, and always knows what to say.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::envelope::{HEAD_BYTES, read_file, seal, unseal, write_file};
use super::names::{Kind, RequestId, directory, path};
use super::request::{Asked, Outcome};
use super::{By, CLAIM_TIMEOUT_MAX, Progress, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX, Request, Response};
use crate::catalog::ledger::JobOutcome;
use crate::error::{Error, Result};
use crate::lock::{LOCK_FILE, holder, session_of_holder};
use crate::maintain::MaintenanceReport;
use crate::vfs::Host;

/// Pauses between two looks: short at first, since most requests take an instant.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// How often the owner may end, and another begin, between being found to live and being asked.
const ATTEMPTS: u32 = 5;
/// How long an engine that asked for the database is waited for.
const SUCCESSOR_WAIT: Duration = Duration::from_secs(5);

/// Carries out a request: here, if nobody else has the database open, else by asking whoever has. `here` opens the
/// database and does it, and fails with [`Error::Locked`] if it is open elsewhere. What is interrupted because the
/// database changes hands is asked of whoever has it then; a maintenance run is told with those before it.
///
/// # Errors
/// Those of `here`; those of [`ask`].
pub fn carry_out(
    host: &Host,
    database: &Path,
    request: &Request,
    by: &By,
    timeout: Duration,
    here: &mut dyn FnMut() -> Result<Response>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    let mut ended: Vec<MaintenanceReport> = Vec::new();
    let mut outcome = here();
    for _ in 1..ATTEMPTS {
        let asked = match &outcome {
            Err(Error::Locked { .. }) => ask(host, database, request, by, timeout, progress),
            _ if is_interrupted(&outcome) => {
                note_ended(&mut ended, outcome);
                ask_successor(host, database, request, by, timeout, progress)
            }
            _ => break,
        };
        match asked {
            Err(Error::NoOwner { .. }) => {}
            // Whoever had it was closing it.
            asked if is_interrupted(&asked) => note_ended(&mut ended, asked),
            asked => return told_with(ended, asked),
        }
        outcome = here();
    }
    told_with(ended, outcome)
}

fn is_interrupted(outcome: &Result<Response>) -> bool {
    match outcome {
        Ok(Response::Maintained(report)) => report.job.outcome == JobOutcome::Interrupted,
        outcome => matches!(outcome, Err(Error::Interrupted)),
    }
}

/// Keeps what a run that was interrupted did.
fn note_ended(ended: &mut Vec<MaintenanceReport>, outcome: Result<Response>) {
    if let Ok(Response::Maintained(report)) = outcome {
        ended.push(*report);
    }
}

/// The outcome with the runs before it.
fn told_with(mut ended: Vec<MaintenanceReport>, outcome: Result<Response>) -> Result<Response> {
    let mut report = match outcome {
        Ok(Response::Maintained(report)) => report,
        Err(error) => {
            let Some(mut last) = ended.pop() else { return Err(error) };
            last.job.problems.push(format!("it was interrupted, and the rest is not done: {error}"));
            Box::new(last)
        }
        outcome => return outcome,
    };
    report.earlier = ended.into_iter().map(|report| report.job).collect();
    Ok(Response::Maintained(report))
}

/// Asks the engine for which a job here was ended, which takes a moment to open the database.
fn ask_successor(
    host: &Host,
    database: &Path,
    request: &Request,
    by: &By,
    timeout: Duration,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    let step = "an engine opens the database, and is asked to go on".to_owned();
    progress(Progress { step, ..Progress::default() });
    let mut waited = Duration::ZERO;
    loop {
        match ask(host, database, request, by, timeout, progress) {
            Err(Error::NoOwner { .. }) if waited < SUCCESSOR_WAIT => {}
            outcome => return outcome,
        }
        std::thread::sleep(PAUSE_MAX);
        waited += PAUSE_MAX;
    }
}

/// Asks the process that has a database open to do something, and waits for it: `timeout` for the request to be
/// taken (at most [`CLAIM_TIMEOUT_MAX`]), then as long as that process lives.
///
/// # Errors
/// With nothing done: [`Error::NotADatabase`], [`Error::NoOwner`], [`Error::CannotAsk`], [`Error::NotTaken`], a
/// request over its limits. [`Error::Declined`] with the owner's own error; [`Error::OutcomeUnknown`] if it died
/// at it.
pub fn ask(
    host: &Host,
    database: &Path,
    request: &Request,
    by: &By,
    timeout: Duration,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    let mut asking = Asking::begin(host, database, request, by, timeout)?;
    let mut pause = PAUSE_MIN;
    loop {
        if let Some(response) = asking.look(progress)? {
            return Ok(response);
        }
        std::thread::sleep(pause);
        asking.waited += pause;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
    }
}

/// A request on its way.
pub(super) struct Asking {
    host: Host,
    database: PathBuf,
    id: RequestId,
    expires_at_ns: i64,
    timeout: Duration,
    /// Time waited for, as slept: no clock that jumps makes it longer.
    waited: Duration,
    /// The session of the owner that was there when the request was seen to be taken.
    taken_by: Option<Option<u64>>,
    told: Option<Progress>,
}

impl Asking {
    /// Writes the request.
    pub(super) fn begin(
        host: &Host,
        database: &Path,
        request: &Request,
        by: &By,
        timeout: Duration,
    ) -> Result<Asking> {
        if timeout.is_zero() || timeout > CLAIM_TIMEOUT_MAX {
            let reason = format!("{timeout:?} is not within 0 s and {CLAIM_TIMEOUT_MAX:?}");
            return Err(Error::InvalidOption { option: "timeout", reason });
        }
        let created_at_ns = host.clock.now_ns();
        let expires_at_ns = created_at_ns.saturating_add(timeout.as_nanos() as i64);
        let asked = Asked { created_at_ns, expires_at_ns, by: by.clone(), request: request.clone() };
        let bytes = seal(&asked);
        if bytes.len() > HEAD_BYTES + REQUEST_BYTES_MAX {
            let reason = format!("{} bytes exceed the limit of {REQUEST_BYTES_MAX}", bytes.len());
            return Err(Error::InvalidOption { option: "request", reason });
        }
        let asking = Asking {
            host: host.clone(),
            database: database.to_path_buf(),
            id: RequestId::new(host, created_at_ns),
            expires_at_ns,
            timeout,
            waited: Duration::ZERO,
            taken_by: None,
            told: None,
        };
        if !asking.owner_lives()? {
            return Err(Error::NoOwner { path: asking.database });
        }
        let directory = directory(database);
        let cannot = |operation: &str, path: &Path, error: io::Error| Error::CannotAsk {
            path: database.to_path_buf(),
            reason: format!("cannot {operation} {}: {error}", path.display()),
        };
        host.files.create_dir_all(&directory).map_err(|error| cannot("create", &directory, error))?;
        let (temporary, path) = (asking.path(Kind::Temporary), asking.path(Kind::Request));
        if let Err(error) = write_file(host, &temporary, &path, &bytes, true) {
            // With its temporary name it was never asked; without, the failed call has asked after all.
            let was_asked = matches!(host.files.exists(&path), Ok(true));
            drop(host.files.remove_file(&temporary));
            let error = cannot("write", &path, error);
            return Err(if was_asked { asking.give_up(error) } else { error });
        }
        Ok(asking)
    }

    /// Looks once; `None` while there is nothing to say.
    pub(super) fn look(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Option<Response>> {
        if let Some(outcome) = self.take_response()? {
            return self.conclude(outcome);
        }
        match self.host.files.exists(&self.path(Kind::Request)) {
            Ok(true) => return self.wait_for_claim().map(|()| None),
            Ok(false) => {}
            Err(error) => return Err(self.give_up(Error::io("look for", &self.path(Kind::Request), error))),
        }
        self.show_progress(progress);
        let Some(reason) = self.reason_to_give_up() else { return Ok(None) };
        // The owner may have answered before it ended.
        match self.take_response()? {
            Some(outcome) => self.conclude(outcome),
            None => {
                self.remove(Kind::Claimed);
                self.remove(Kind::Progress);
                Err(self.unknown(reason))
            }
        }
    }

    /// Why no answer will come to a request that was taken; `None` if one may.
    fn reason_to_give_up(&mut self) -> Option<String> {
        let session = session_of_holder(&self.host, &self.database);
        let taken_by = *self.taken_by.get_or_insert(session);
        match self.owner_lives() {
            Ok(true) => {}
            Ok(false) => return Some("the process that took the request has ended".to_owned()),
            Err(error) => return Some(error.to_string()),
        }
        if session != taken_by {
            return Some("the process that took the request has ended, and another began".to_owned());
        }
        match self.host.files.exists(&self.path(Kind::Claimed)) {
            Ok(true) => None,
            Ok(false) => Some("the request was taken, and is gone without an answer".to_owned()),
            Err(error) => Some(format!("cannot look for {}: {error}", self.path(Kind::Claimed).display())),
        }
    }

    /// Nobody has taken it yet: withdraws it if nobody will, or not in time.
    fn wait_for_claim(&self) -> Result<()> {
        let path = || self.database.clone();
        let error = if !self.owner_lives().map_err(|error| self.give_up(error))? {
            Error::NoOwner { path: path() }
        } else if self.waited >= self.timeout || self.host.clock.now_ns() >= self.expires_at_ns {
            let holder = holder(&self.host, &self.database.join(LOCK_FILE));
            Error::NotTaken { path: path(), holder, waited_ms: self.timeout.as_millis() as u64 }
        } else {
            return Ok(());
        };
        // Taken at the last moment, it is waited for.
        if self.withdraw()? { Err(error) } else { Ok(()) }
    }

    /// Takes the request back; false if it was taken already.
    fn withdraw(&self) -> Result<bool> {
        let path = self.path(Kind::Request);
        match self.host.files.remove_file(&path) {
            Ok(()) => {
                // Against a power failure that brings it back before it has expired. It need not succeed: the time
                // in which that could happen is short.
                drop(self.host.files.sync_dir(&directory(&self.database)));
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.unknown(format!("cannot withdraw {}: {error}", path.display()))),
        }
    }

    /// What to say after an error that has nothing to do with the request.
    fn give_up(&self, error: Error) -> Error {
        match self.withdraw() {
            Ok(true) => error,
            Ok(false) => self.unknown(error.to_string()),
            Err(_) => self.unknown(error.to_string()),
        }
    }

    fn take_response(&self) -> Result<Option<Outcome>> {
        let path = self.path(Kind::Response);
        match read_file(&self.host, &path, HEAD_BYTES + RESPONSE_BYTES_MAX) {
            Ok(bytes) => {
                self.remove(Kind::Response);
                let outcome = unseal(&bytes);
                let unreadable =
                    |reason| self.unknown(format!("the answer {} is not readable: {reason}", path.display()));
                outcome.map(Some).map_err(unreadable)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.give_up(Error::io("read", &path, error))),
        }
    }

    fn conclude(&self, outcome: Outcome) -> Result<Option<Response>> {
        match outcome {
            Outcome::Done(response) => Ok(Some(*response)),
            Outcome::Declined(reason) => Err(Error::Declined { path: self.database.clone(), reason }),
            Outcome::Closing => Err(Error::NoOwner { path: self.database.clone() }),
            Outcome::Unknown(reason) => Err(self.unknown(reason)),
        }
    }

    fn unknown(&self, reason: String) -> Error {
        Error::OutcomeUnknown { path: self.database.clone(), reason }
    }

    /// Shows how far the owner has come. It is replaced at any time, so what cannot be read is not there yet.
    fn show_progress(&mut self, progress: &mut dyn FnMut(Progress)) {
        let bytes = read_file(&self.host, &self.path(Kind::Progress), HEAD_BYTES + REQUEST_BYTES_MAX);
        let Ok(found) = bytes.map_err(|error| error.to_string()).and_then(|bytes| unseal(&bytes)) else {
            return;
        };
        if self.told.as_ref() != Some(&found) {
            self.told = Some(Progress::clone(&found));
            progress(found);
        }
    }

    /// Whether a process has the database open. The lock is held for no longer than this look, and whoever opens the
    /// database tries again for longer.
    fn owner_lives(&self) -> Result<bool> {
        let path = self.database.join(LOCK_FILE);
        match self.host.files.try_lock(&path) {
            Ok(free) => Ok(free.is_none()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("{LOCK_FILE} is missing; hint: check the path");
                Err(Error::NotADatabase { path: self.database.clone(), reason })
            }
            Err(error) => Err(Error::io("look at the lock", &path, error)),
        }
    }

    /// Removes a file of this request, which nobody needs any longer; the owner does, if this fails.
    fn remove(&self, kind: Kind) {
        drop(self.host.files.remove_file(&self.path(kind)));
    }

    fn path(&self, kind: Kind) -> PathBuf {
        path(&self.database, self.id, kind)
    }
}
