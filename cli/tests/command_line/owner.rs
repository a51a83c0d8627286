//! Has a database open as an engine does that listens to other processes, and does what they ask as far as the
//! journal goes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use blotter::control::{By, Inbox, Request, Response};
use blotter::ledger::{
    Change, DropReason, HoldId, JobKind, JobOutcome, JobRecord, LedgerEntry, TierChange, Tombstone,
};
use blotter::maintain::plan::Plan;
use blotter::vfs::{FileLock, Host};
use blotter::{Error, Reader};
use blotter_engine::catalog::{Journal, JournalRecord};

/// See the module. Ends when it is dropped.
pub(crate) struct Owner {
    stop: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<(Request, By)>>>,
    thread: Option<JoinHandle<()>>,
    _lock: Box<dyn FileLock>,
}

impl Owner {
    pub(crate) fn of(database: &str) -> Owner {
        let (host, database) = (Host::os(), PathBuf::from(database));
        let lock = host.files.try_lock(&database.join("LOCK")).unwrap().expect("nobody else has it open");
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<_>>>::default());
        let (stopped, noted) = (Arc::clone(&stop), Arc::clone(&asked));
        let thread = std::thread::spawn(move || {
            let inbox = Inbox::new(&host, &database);
            while !stopped.load(Ordering::Relaxed) {
                inbox
                    .poll(&mut |request, by, _| {
                        noted.lock().unwrap().push((request.clone(), by.clone()));
                        execute(&host, &database, request, by)
                    })
                    .unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Owner { stop, asked, thread: Some(thread), _lock: lock }
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<(Request, By)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn execute(host: &Host, database: &Path, request: &Request, by: &By) -> blotter::Result<Response> {
    let ledger = Reader::open(database)?.ledger()?;
    let number = ledger.last_number() + 1;
    let refuse = |reason: String| Error::InvalidOption { option: "request", reason };
    let (change, response) = match request {
        Request::SetPolicy { category, policy } => {
            let before = ledger.policy(category).policy;
            before.check_change(policy).map_err(|conflict| refuse(conflict.to_string()))?;
            let change = Change::PolicySet { category: category.clone(), policy: *policy };
            (change, Response::PolicySet { version: number })
        }
        Request::SetBudget(budget) => (Change::BudgetSet(*budget), Response::BudgetSet),
        Request::SetColdDirectory(path) => {
            (Change::ColdDirectorySet(path.clone()), Response::ColdDirectorySet)
        }
        Request::PlaceHold(hold) => (Change::HoldPlaced(hold.clone()), Response::HoldPlaced(HoldId(number))),
        Request::ReleaseHold(id) => {
            if !ledger.holds().any(|(held, ..)| held == *id) {
                return Err(refuse(format!("there is no hold {id}")));
            }
            (Change::HoldReleased(*id), Response::HoldReleased)
        }
        Request::DropPartition { category, day } => {
            let tombstone = Tombstone {
                category: category.clone(),
                day: *day,
                segments: Vec::new(),
                rows: 1000,
                bytes: 36_000,
                ts_min: day.start().nanos(),
                ts_max: day.end_inclusive().nanos(),
                seq_min: 5,
                seq_max: 1004,
                seq_digest: 0,
                producers: Vec::new(),
                losses: Vec::new(),
                why: DropReason::Hand,
                root: Some([0xab; 32]),
            };
            (Change::Dropped(tombstone.clone()), Response::Dropped(tombstone))
        }
        Request::Maintain { at_ns, force, dry_run, .. } => {
            let job = job(at_ns.unwrap_or(0), *force);
            let problems = if *force { Vec::new() } else { vec!["large deletions wait".to_owned()] };
            let plan = Plan { needs_confirmation: !force, problems, ..Plan::default() };
            if *dry_run {
                return Ok(Response::Maintained { plan, job });
            }
            (Change::JobDone(job.clone()), Response::Maintained { plan, job })
        }
    };
    let entry = LedgerEntry {
        number,
        at_ns: number as i64,
        actor: by.actor.clone(),
        reason: by.reason.clone(),
        change,
    };
    let (journal, ..) = Journal::open(host, database)?;
    journal.append(&JournalRecord::Ledger(entry))?;
    Ok(response)
}

fn job(at_ns: i64, is_done: bool) -> JobRecord {
    let warmed = TierChange {
        partitions: 1,
        segments_before: 8,
        segments_after: 1,
        rows: 1000,
        bytes_before: 36_000,
        bytes_after: 12_000,
    };
    JobRecord {
        kind: JobKind::Maintain,
        at_ns,
        began_ns: at_ns,
        ended_ns: at_ns + 2_500_000_000,
        outcome: if is_done { JobOutcome::Done } else { JobOutcome::NeedsConfirmation },
        compacted: TierChange::default(),
        warmed,
        cooled: TierChange::default(),
        dropped: TierChange::default(),
        copied_bytes: 0,
        problems: Vec::new(),
    }
}
