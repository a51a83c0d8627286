//! The threads that run maintenance on schedule, and do what other processes ask for.

use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::catalog::ledger::{JobKind, JobRecord};
use crate::control::{Claim, Inbox};
use crate::db::{Db, Engine};
use crate::error::{Error, Result};
use crate::maintain::MaintainOptions;
use crate::vfs::{Stopwatch, yield_to_recording};

/// Pause between two looks at what other processes ask for.
const INBOX_PAUSE: Duration = Duration::from_millis(200);
/// Pause between two looks at retired files and the schedule.
const SCHEDULE_PAUSE: Duration = Duration::from_secs(1);
/// Time after an open before a run that was missed is made up for.
const MISSED_RUN_AFTER: Duration = Duration::from_secs(60);

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
