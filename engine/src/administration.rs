//! What is done to an open database besides recording: policies, holds, deletions, maintenance runs; and the threads
//! that run maintenance on schedule, and do what other processes ask for.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::catalog::ledger::{
    Budget, By, Change, Hold, HoldId, JobKind, JobOutcome, JobRecord, Ledger, NAME_BYTES_MAX, NewEntry,
    Policy, REASON_BYTES_MAX, Tombstone,
};
use crate::control::{self, Claim, Inbox, Request, Response};
use crate::db::{Db, Engine};
use crate::error::{Error, Result};
use crate::event::{Category, Level, Timestamp, names};
use crate::maintain::plan::{Earlier, Partition, Plan};
use crate::maintain::seal::remove_if_there;
use crate::maintain::{Effort, MaintainOptions, MaintenanceReport, Progress};
use crate::open::{COLD_MARKER_FILE, COLD_MARKER_NEW_FILE, is_cold_there};
use crate::options::Options;
use crate::record::RecorderOptions;
use crate::segment::{Places, Tier};
use crate::vfs::{Host, OpenMode, Stopwatch, yield_to_recording};

/// Pause between two looks at what other processes ask for.
const INBOX_PAUSE: Duration = Duration::from_millis(200);
/// Pause between two looks at retired files and the schedule.
const SCHEDULE_PAUSE: Duration = Duration::from_secs(1);
/// How long another process is given to take a request.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after an open before a run that was missed is made up for.
const MISSED_RUN_AFTER: Duration = Duration::from_secs(60);

impl Db {
    /// What was decided and done: policies, holds, deletions, jobs.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.engine.maintenance.publisher().catalog().ledger()
    }

    /// Sets the policy of a category, whole; gives its version.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a policy that contradicts itself, or the lock of the one before.
    pub fn set_policy(&self, category: &str, policy: Policy, by: &By) -> Result<u64> {
        if !Category::is_well_formed(category) {
            let reason = format!("'{}' is not a category", category.escape_debug());
            return Err(Error::InvalidOption { option: "policy", reason });
        }
        let refuse = |error: crate::catalog::ledger::PolicyConflict| Error::InvalidOption {
            option: "policy",
            reason: format!("{category}: {error}"),
        };
        let check = |ledger: &Ledger| ledger.policy(category).policy.check_change(&policy).map_err(refuse);
        self.decide(by, check, || Change::PolicySet { category: category.to_owned(), policy })
    }

    /// Sets how much of the disk the database may take.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a share of 0 or over 100 percent.
    pub fn set_budget(&self, budget: Budget, by: &By) -> Result<u64> {
        budget
            .check()
            .map_err(|error| Error::InvalidOption { option: "budget", reason: error.to_string() })?;
        self.decide(by, |_| Ok(()), || Change::BudgetSet(budget))
    }

    /// Puts cold segments into another directory from now on, perhaps on another volume; `None` is the database's own.
    /// Where there are cold segments already, their files have to be in the new place: copy them first.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a directory that is not there, not an absolute path, another database's, or lacks
    /// cold segments that there are.
    pub fn set_cold_directory(&self, directory: Option<&Path>, by: &By) -> Result<u64> {
        let maintenance = &self.engine.maintenance;
        let host = &maintenance.host;
        let refuse = |reason: String| Error::InvalidOption { option: "cold directory", reason };
        let named = match directory {
            None => None,
            Some(directory) => {
                let name = directory
                    .to_str()
                    .filter(|name| directory.is_absolute() && name.len() <= NAME_BYTES_MAX)
                    .ok_or_else(|| refuse(format!("{} is not an absolute path", directory.display())))?;
                if directory.starts_with(&maintenance.database) {
                    return Err(refuse(format!("{name} is inside the database")));
                }
                Some(name.to_owned())
            }
        };
        // Nothing is merged meanwhile.
        let _running = maintenance.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let places = Places::new(&maintenance.database, named.as_deref());
        let identity = maintenance.publisher().catalog().identity();
        if let Some(directory) = directory {
            let exists =
                host.files.exists(directory).map_err(|error| Error::io("look for", directory, error))?;
            if !exists {
                return Err(refuse(format!("{} is not there; hint: create it", directory.display())));
            }
            if !is_cold_there(host, &places, identity)? {
                write_marker(host, directory, &identity.to_string())?;
            }
        }
        for meta in
            maintenance.publisher().catalog().segments()?.iter().filter(|meta| meta.tier == Tier::Cold)
        {
            let path = places.segment(meta);
            let len = host.files.open(&path, OpenMode::Read).and_then(|file| file.len());
            if !len.as_ref().is_ok_and(|len| *len == meta.file_bytes) {
                let hint = "hint: copy the cold segments there first, as they are";
                return Err(refuse(format!("{} is not there whole; {hint}", path.display())));
            }
        }
        let number = self.decide(by, |_| Ok(()), || Change::ColdDirectorySet(named.clone()))?;
        maintenance.publisher().show_places()?;
        Ok(number)
    }

    /// Places a hold: every partition with an event of it is kept until it is released.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a hold that makes no sense.
    pub fn place_hold(&self, hold: Hold, by: &By) -> Result<HoldId> {
        hold.check().map_err(|error| Error::InvalidOption { option: "hold", reason: error.to_string() })?;
        self.decide(by, |_| Ok(()), || Change::HoldPlaced(hold.clone())).map(HoldId)
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if there is none of that number in force.
    pub fn release_hold(&self, id: HoldId, by: &By) -> Result<()> {
        let is_there = |ledger: &Ledger| match ledger.holds().any(|(known, ..)| known == id) {
            true => Ok(()),
            false => {
                let reason = format!("there is no hold {id} in force");
                Err(Error::InvalidOption { option: "hold", reason })
            }
        };
        self.decide(by, is_there, || Change::HoldReleased(id)).map(drop)
    }

    /// Deletes a partition, because somebody says so.
    ///
    /// # Errors
    /// [`Error::Kept`] if its age is below the floor of its policy, a hold or the hook keeps it, or nothing of it is
    /// sealed.
    pub fn drop_partition(&self, partition: &Partition, by: &By) -> Result<Tombstone> {
        check_by(by)?;
        self.engine.maintenance.drop_by_hand(partition, by, self.engine.options.grace)
    }

    /// What a maintenance run would do at a time; now if not given.
    ///
    /// # Errors
    /// IO errors, and of the look for held events.
    pub fn plan(&self, at: Option<Timestamp>) -> Result<Plan> {
        let now_ns = at.map_or_else(|| self.engine.maintenance.host.clock.now_ns(), |at| at.0);
        self.engine.maintenance.plan(now_ns, false, &Earlier::default())
    }

    /// Runs maintenance: tiers, deletions, disk budget, as the policies say. Recording and reading go on. The report is
    /// recorded as an event of the category `system` too.
    ///
    /// # Errors
    /// If it could not even be planned or told of. What could not be done is in the report.
    pub fn maintain(&self, options: &MaintainOptions) -> Result<MaintenanceReport> {
        self.maintain_with(options, &mut |_| {})
    }

    /// As [`Db::maintain`], telling how far it is.
    ///
    /// # Errors
    /// As [`Db::maintain`].
    pub fn maintain_with(
        &self,
        options: &MaintainOptions,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<MaintenanceReport> {
        check_by(&options.by)?;
        let report = self.engine.maintenance.run(options, progress)?;
        if !report.dry_run {
            self.record_job(&report.job)?;
        }
        Ok(report)
    }

    /// Does what another process asks for.
    ///
    /// # Errors
    /// Those of what is asked for.
    pub fn execute(
        &self,
        request: &Request,
        by: &By,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Response> {
        Ok(match request {
            Request::Maintain { at_ns, force, dry_run, grace_ms } => {
                let options = MaintainOptions {
                    at: at_ns.map(Timestamp),
                    force: *force,
                    dry_run: *dry_run,
                    grace: grace_ms.map_or(self.engine.options.grace, Duration::from_millis),
                    effort: self.engine.options.effort,
                    by: by.clone(),
                };
                Response::Maintained(Box::new(self.maintain_with(&options, progress)?))
            }
            Request::SetPolicy { category, policy } => {
                Response::PolicySet { version: self.set_policy(category, *policy, by)? }
            }
            Request::SetBudget(budget) => {
                self.set_budget(*budget, by)?;
                Response::BudgetSet
            }
            Request::SetColdDirectory(directory) => {
                self.set_cold_directory(directory.as_deref().map(Path::new), by)?;
                Response::ColdDirectorySet
            }
            Request::PlaceHold(hold) => Response::HoldPlaced(self.place_hold(hold.clone(), by)?),
            Request::ReleaseHold(id) => {
                self.release_hold(*id, by)?;
                Response::HoldReleased
            }
            Request::DropPartition { category, day } => {
                let partition = Partition { category: category.clone(), day: *day };
                Response::Dropped(self.drop_partition(&partition, by)?)
            }
            Request::Yield if self.engine.options.yields => {
                self.engine.maintenance.stop.store(true, Ordering::Relaxed);
                Response::Yielding
            }
            Request::Yield => {
                let holder = "this process, which records".to_owned();
                return Err(Error::Locked { path: self.path().to_path_buf(), holder });
            }
        })
    }

    /// Adds an entry to the ledger, if `check` agrees to what it says until then; gives its number.
    fn decide(
        &self,
        by: &By,
        check: impl FnOnce(&Ledger) -> Result<()>,
        change: impl FnOnce() -> Change,
    ) -> Result<u64> {
        check_by(by)?;
        let mut publisher = self.engine.maintenance.publisher();
        publisher.settle()?;
        check(&publisher.catalog().ledger())?;
        let at_ns = self.engine.maintenance.host.clock.now_ns();
        let By { actor, reason } = by.clone();
        Ok(publisher.note(NewEntry { at_ns, actor, reason, change: change() })?.number)
    }

    /// Records what a run did.
    fn record_job(&self, job: &JobRecord) -> Result<()> {
        // No larger than one event needs, and gone when it is written.
        let ring_bytes = crate::limits::RING_BYTES_MIN;
        let mut recorder = self.recorder(RecorderOptions::new().service("blotter").ring_bytes(ring_bytes))?;
        let level = match job.outcome {
            JobOutcome::Done => Level::Info,
            // It was told to, and the next run goes on.
            JobOutcome::Interrupted => Level::Warn,
            JobOutcome::NeedsConfirmation | JobOutcome::Incomplete => Level::Error,
        };
        let mut event = recorder
            .event(Category::SYSTEM, level, names::MAINTENANCE_RUN)
            .field("outcome", job.outcome.to_string().as_str())
            .field("run_at", Timestamp(job.at_ns).to_string().as_str());
        let kinds = [
            (
                [
                    "compacted_partitions",
                    "compacted_events",
                    "compacted_bytes_before",
                    "compacted_bytes_after",
                ],
                job.compacted,
            ),
            (["warmed_partitions", "warmed_events", "warmed_bytes_before", "warmed_bytes_after"], job.warmed),
            (["cooled_partitions", "cooled_events", "cooled_bytes_before", "cooled_bytes_after"], job.cooled),
            (
                ["dropped_partitions", "dropped_events", "dropped_bytes_before", "dropped_bytes_after"],
                job.dropped,
            ),
        ];
        for (names, change) in kinds {
            let values = [change.partitions, change.rows, change.bytes_before, change.bytes_after];
            for (name, value) in names.into_iter().zip(values) {
                event = event.field(name, i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
        let text = match job.problems.first() {
            None => format!("maintenance {}", job.outcome),
            Some(first) => {
                format!("maintenance {}: {} problems, the first: {first}", job.outcome, job.problems.len())
            }
        };
        let emitted = event.field("problems", job.problems.len() as i64).message(&text).emit();
        if !emitted.is_accepted() && self.levels().allows(Category::SYSTEM, level) {
            let reason = format!("the report of the run could not be recorded: {emitted:?}");
            return Err(Error::Unavailable { path: self.path().to_path_buf(), reason });
        }
        drop(recorder);
        self.flush()
    }
}

fn check_by(by: &By) -> Result<()> {
    let refuse = |reason: String| Err(Error::InvalidOption { option: "who and why", reason });
    if by.actor.is_empty() || by.actor.len() > NAME_BYTES_MAX {
        return refuse(format!("the actor has {} bytes, not 1 to {NAME_BYTES_MAX}", by.actor.len()));
    }
    if by.reason.len() > REASON_BYTES_MAX {
        return refuse(format!("the reason has {} bytes, the limit is {REASON_BYTES_MAX}", by.reason.len()));
    }
    Ok(())
}

/// Says whose cold segments a directory holds.
fn write_marker(host: &Host, directory: &Path, identity: &str) -> Result<()> {
    let entries = host.files.read_dir(directory).map_err(|error| Error::io("list", directory, error))?;
    // Copied cold segments may be there already, each day a directory; nothing else.
    if let Some(other) = entries.iter().find(|entry| !entry.is_dir && entry.name != COLD_MARKER_NEW_FILE) {
        let reason = format!("{} holds other things: '{}'", directory.display(), other.name.escape_debug());
        return Err(Error::InvalidOption { option: "cold directory", reason });
    }
    // Half a marker would be another database's, so it is there whole or not at all.
    let (path, new_path) = (directory.join(COLD_MARKER_FILE), directory.join(COLD_MARKER_NEW_FILE));
    remove_if_there(host, &new_path)?;
    let file = host
        .files
        .open(&new_path, OpenMode::CreateNew)
        .map_err(|error| Error::io("create", &new_path, error))?;
    file.write_all_at(identity.as_bytes(), 0).map_err(|error| Error::io("write", &new_path, error))?;
    file.sync_data().map_err(|error| Error::io("sync", &new_path, error))?;
    host.files.rename(&new_path, &path).map_err(|error| Error::io("rename", &new_path, error))?;
    host.files.sync_dir(directory).map_err(|error| Error::io("sync", directory, error))
}

/// Carries out a request: here if nobody has the database open, else by asking whoever has. An engine that opens the
/// database meanwhile gets it: what is under way here ends, and the engine is asked to go on with it.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("desk.blotter");
/// use blotter_engine::catalog::ledger::{Budget, By};
/// use blotter_engine::control::{Request, Response};
/// use blotter_engine::{Db, administer};
///
/// // An engine has it open, in this process or another: it is asked.
/// let db = Db::open(&path)?;
/// let by = By::new("operations", "the volume is shared");
/// let response = administer(&path, &Request::SetBudget(Budget::Percent(80)), &by, &mut |_| {})?;
/// assert_eq!(response, Response::BudgetSet);
/// assert_eq!(db.ledger().budget(), Budget::Percent(80));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of what is asked for, of [`Options::open`](crate::Options::open), and of [`control::ask`].
pub fn administer(
    database: impl AsRef<Path>,
    request: &Request,
    by: &By,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    administer_on(&Host::os(), database.as_ref(), request, by, progress)
}

/// As [`administer`], on the given host.
///
/// # Errors
/// As [`administer`].
pub fn administer_on(
    host: &Host,
    database: &Path,
    request: &Request,
    by: &By,
    progress: &mut dyn FnMut(Progress),
) -> Result<Response> {
    let told = std::cell::RefCell::new(progress);
    let here = &mut || {
        // Nobody records, so nothing is to be spared.
        let mut options = Options::new().create(false).without_maintenance().maintenance_effort(Effort::FULL);
        options.yields = true;
        let db = options.open_on(host, database)?;
        let response = db.execute(request, by, &mut |so_far| (told.borrow_mut())(so_far.clone()))?;
        db.close()?;
        Ok(response)
    };
    let asked = &mut |so_far| (told.borrow_mut())(so_far);
    control::carry_out(host, database, request, by, ASK_TIMEOUT, here, asked)
}

/// The threads that do what other processes ask for, and run maintenance on schedule: one listens and does what takes
/// an instant, the other does jobs. They end before the handle of the database does; a job under way is told to stop,
/// and the next run goes on with it.
pub(crate) struct Maintainer {
    engine: Weak<Engine>,
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Maintainer {
    pub(crate) fn start(engine: &Arc<Engine>) -> Result<Maintainer> {
        let (stop, stopped) = bounded(0);
        let (jobs, asked) = unbounded();
        let mut maintainer =
            Maintainer { engine: Arc::downgrade(engine), stop: Some(stop), threads: Vec::new() };
        let of_engine = Arc::downgrade(engine);
        maintainer.spawn("blotter-jobs", move || run_jobs(&of_engine, &asked))?;
        let of_engine = Arc::downgrade(engine);
        maintainer.spawn("blotter-control", move || listen(&of_engine, &stopped, &jobs))?;
        Ok(maintainer)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads.push(thread.map_err(|error| Error::io("start the thread", name.as_ref(), error))?);
        Ok(())
    }
}

impl Drop for Maintainer {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.maintenance.stop.store(true, Ordering::Relaxed);
        }
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            // A panic of it was printed; what it was doing is left as a crash would leave it.
            thread.join().unwrap_or_default();
        }
    }
}

/// Takes what other processes ask for until told to stop, and hands on what is a job.
fn listen(engine: &Weak<Engine>, stopped: &Receiver<()>, jobs: &Sender<Claim>) {
    let mut inbox = None;
    while stopped.recv_timeout(INBOX_PAUSE) == Err(RecvTimeoutError::Timeout) {
        let Some(engine) = engine.upgrade() else { return };
        let db = Db::of_engine(engine);
        let inbox = inbox.get_or_insert_with(|| Inbox::new(&db.engine.maintenance.host, db.path()));
        let outcome = inbox.take_all(&mut |claim| match claim.request().is_job() {
            // Where the thread that does jobs has failed, the claim answers for itself when it is dropped.
            true => drop(jobs.send(claim)),
            false => db.carry_out(claim),
        });
        let problem =
            outcome.map_or_else(|error| Some(error.to_string()), |_| inbox.problems().into_iter().next());
        db.engine.note_control(problem);
    }
}

/// Does jobs that were asked for, and those on schedule, until nobody listens any longer.
fn run_jobs(engine: &Weak<Engine>, asked: &Receiver<Claim>) {
    yield_to_recording();
    let opened = Stopwatch::start();
    loop {
        let claim = match asked.recv_timeout(SCHEDULE_PAUSE) {
            Ok(claim) => Some(claim),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(engine) = engine.upgrade() else { return };
        let db = Db::of_engine(engine);
        match claim {
            Some(claim) => db.carry_out(claim),
            None => {
                let may_make_up = opened.elapsed_ns() >= MISSED_RUN_AFTER.as_nanos() as u64;
                db.engine.note_maintenance(&db.maintain_on_schedule(may_make_up));
            }
        }
    }
}

impl Db {
    fn carry_out(&self, claim: Claim) {
        claim.execute(&mut |request, by, told| self.execute(request, by, &mut |so_far| told(so_far.clone())));
    }
}

impl Db {
    /// Removes files that nobody waits for any longer, and runs if a run is due.
    fn maintain_on_schedule(&self, may_make_up: bool) -> Result<()> {
        let Engine { maintenance, options, .. } = &*self.engine;
        // A run that somebody asked for looks after them itself; a failure is no reason to run no more.
        let removed = match maintenance.running.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(()),
            // That a run panicked is no reason either.
            Ok(_) | Err(TryLockError::Poisoned(_)) => maintenance.remove_retired(options.grace).map(drop),
        };
        let Some(schedule) = &options.schedule else { return removed };
        let catalog = Arc::clone(maintenance.publisher().catalog());
        let ledger = catalog.ledger();
        let is_run = |job: &JobRecord| job.kind == JobKind::Maintain;
        let last_run = ledger.jobs().rev().find(|(job, _)| is_run(job)).map(|(job, _)| job.ended_ns);
        let now_ns = maintenance.host.clock.now_ns();
        // A run that lies ahead was made when the clock was wrong.
        let last_ns = last_run.unwrap_or(catalog.created_at_ns()).min(now_ns);
        let is_due = schedule.next_after(last_ns).is_some_and(|due_ns| due_ns <= now_ns);
        if !is_due || !may_make_up {
            return removed;
        }
        let options =
            MaintainOptions { grace: options.grace, effort: options.effort, ..MaintainOptions::default() };
        match self.maintain(&options) {
            Err(Error::Interrupted) => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}
