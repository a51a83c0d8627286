//! What is done to an open database besides recording: policies, holds, deletions, maintenance runs. `maintainer` has
//! the threads that do it on schedule, and when other processes ask; `administer` is how those ask.

mod administer;
mod maintainer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use administer::{administer, administer_on};
pub(crate) use maintainer::Maintainer;

use crate::catalog::ledger::{
    Budget, By, Change, Hold, HoldId, JobOutcome, JobRecord, Ledger, NAME_BYTES_MAX, NewEntry, Policy,
    REASON_BYTES_MAX, Tombstone,
};
use crate::control::{NewEvent, NewValue, Request, Response};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::event::{Category, Decimal, Level, Timestamp, ValueRef, names};
use crate::maintain::plan::{Earlier, Partition, Plan};
use crate::maintain::seal::remove_if_there;
use crate::maintain::{MaintainOptions, MaintenanceReport, Progress};
use crate::open::{COLD_MARKER_FILE, COLD_MARKER_NEW_FILE, is_cold_there};
use crate::record::{Emit, RecorderOptions};
use crate::segment::{Places, Tier};
use crate::vfs::{Host, OpenMode};

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

    /// Deletes a partition, because somebody says so: all its events that were emitted before the call.
    ///
    /// # Errors
    /// [`Error::Kept`] if its age is below the floor of its policy, a hold or the hook keeps it, or nothing of it is
    /// sealed.
    pub fn drop_partition(&self, partition: &Partition, by: &By) -> Result<Tombstone> {
        check_by(by)?;
        self.seal()?;
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
            Request::Record(event) => {
                self.record_event(event)?;
                Response::Recorded
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

    /// Records an event for another process.
    fn record_event(&self, new: &NewEvent) -> Result<()> {
        let refuse = |reason: String| Error::InvalidOption { option: "event", reason };
        let category = Category::custom(&new.category)
            .ok_or_else(|| refuse(format!("'{}' is not a category", new.category.escape_debug())))?;
        let level: Level = new.level.parse().map_err(|error| refuse(format!("{error}")))?;
        let mut recorder = self.small_recorder()?;
        let mut event = recorder.event(category, level, &new.event);
        for (name, value) in &new.fields {
            let value = match value {
                NewValue::Bool(value) => ValueRef::Bool(*value),
                NewValue::Int(value) => ValueRef::I64(*value),
                NewValue::Float(value) => ValueRef::F64(*value),
                NewValue::Decimal(text) => {
                    let decimal: Decimal = text
                        .parse()
                        .map_err(|_| refuse(format!("'{}' is no decimal", text.escape_debug())))?;
                    ValueRef::Decimal(decimal)
                }
                NewValue::Text(text) => ValueRef::Str(text),
            };
            event = event.field(name, value);
        }
        let emitted = event.emit();
        // What the levels say is not to be recorded is not, whoever asks.
        if !emitted.is_accepted() && self.levels().allows(category, level) {
            return Err(match emitted {
                Emit::Refused(refused) => Error::Refused(refused),
                _ => refuse("there was no room for it in the ring".to_owned()),
            });
        }
        drop(recorder);
        self.flush()
    }

    /// A recorder no larger than one event needs, and gone when it is written.
    fn small_recorder(&self) -> Result<crate::record::Recorder> {
        let ring_bytes = crate::limits::RING_BYTES_MIN;
        self.recorder(RecorderOptions::new().service("blotter").ring_bytes(ring_bytes))
    }

    /// Records what a run did.
    fn record_job(&self, job: &JobRecord) -> Result<()> {
        let mut recorder = self.small_recorder()?;
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
