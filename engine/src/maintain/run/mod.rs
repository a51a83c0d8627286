//! Carries out what the plan says: merges between tiers, deletions, removal of what they replaced.
//!
//! ```text
//! plan ─▶ deletions ─▶ merges, oldest partition first ─▶ still over budget? plan again ─▶ ledger, system event
//! ```
//! Each step is one commit, so a run can be ended anywhere and the next goes on. A step that fails leaves its
//! partition as it was; the run goes on with the others and tells of it.

mod dropping;
mod hook;
mod merging;
mod pace;
mod retired;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dropping::Dropped;
pub use hook::{Deletion, RetentionHook, Verdict};
pub use pace::Effort;
pub(crate) use pace::Throttle;
use retired::RetiredHandles;
use serde::{Deserialize, Serialize};

use super::plan::{
    ByHand, Drop, Earlier, HoldSearch, KeptWhy, Partition, Plan, PlanInput, Step, by_hand, plan,
};
use super::publish::Publisher;
use super::usage::usage;
use crate::catalog::Catalog;
use crate::catalog::ledger::{By, Change, JobKind, JobOutcome, JobRecord, NewEntry, Tombstone};
use crate::error::{Error, Result};
use crate::event::{FieldKey, Seq, Timestamp};
use crate::limits::PROBLEMS_PER_JOB_MAX;
use crate::open::is_cold_there;
use crate::segment::{Places, SegmentId};
use crate::vfs::Host;
use crate::view::{FilterSource, SegmentHandle, Snapshot, Version, Versions};

/// How long files of replaced segments stay, for readers that are about to open them.
pub const GRACE_DEFAULT: Duration = Duration::from_secs(60);
/// Rounds of planning again while the budget is exceeded: merges, then deletions, then what estimates got wrong.
const ROUNDS_MAX: u32 = 16;

/// How a maintenance run goes.
#[derive(Clone, Debug)]
pub struct MaintainOptions {
    /// The time to go by; now if not given.
    pub at: Option<Timestamp>,
    /// Confirms deletions that are a large share of all.
    pub force: bool,
    /// Only plan.
    pub dry_run: bool,
    /// How long files of replaced segments stay.
    pub grace: Duration,
    /// How hard it works.
    pub effort: Effort,
    /// Who asked for it, and why.
    pub by: By,
}

impl Default for MaintainOptions {
    fn default() -> MaintainOptions {
        MaintainOptions {
            at: None,
            force: false,
            dry_run: false,
            grace: GRACE_DEFAULT,
            effort: Effort::BESIDE_RECORDING,
            by: By { actor: "maintenance".to_owned(), reason: String::new() },
        }
    }
}

/// What a run did, or would do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MaintenanceReport {
    /// What was due.
    pub plan: Plan,
    /// What was done; of a dry run, nothing.
    pub job: JobRecord,
    /// Whether it was only planned.
    pub dry_run: bool,
    /// The runs before it that were ended early, because the database changed hands; this one went on with them.
    pub earlier: Vec<JobRecord>,
}

/// How far a run has come.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// What it is doing, for people.
    pub step: String,
    /// Steps done.
    pub steps_done: u64,
    /// Steps in all.
    pub steps: u64,
    /// Events gone through.
    pub rows_done: u64,
    /// Events in all.
    pub rows: u64,
}

impl Progress {
    /// All steps are done; what they replaced goes now.
    fn at_the_end(steps: &[Step]) -> Progress {
        let (count, rows) = (steps.len() as u64, steps.iter().map(Step::rows).sum());
        let step = "remove what was replaced".to_owned();
        Progress { step, steps_done: count, steps: count, rows_done: rows, rows }
    }
}

/// Maintains one open database. One job runs at a time.
pub(crate) struct Maintenance {
    pub(crate) host: Host,
    pub(crate) database: PathBuf,
    pub(crate) publisher: Arc<Mutex<Publisher>>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) indexed: Arc<[FieldKey]>,
    pub(crate) filters: Arc<dyn FilterSource>,
    pub(crate) hook: Option<Arc<dyn RetentionHook>>,
    /// Rows per block of hot segments.
    pub(crate) block_rows: u32,
    /// Memory of the builder of a merge.
    pub(crate) builder_bytes_max: usize,
    /// Ends the job under way.
    pub(crate) stop: AtomicBool,
    pub(crate) running: Mutex<()>,
    pub(crate) retired: Mutex<RetiredHandles>,
}

impl Maintenance {
    pub(crate) const BUILDER_BYTES_MAX: usize = merging::BUILDER_BYTES_MAX;

    pub(crate) fn publisher(&self) -> MutexGuard<'_, Publisher> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_and_places(&self) -> (Arc<Catalog>, Places) {
        let publisher = self.publisher();
        (Arc::clone(publisher.catalog()), publisher.places())
    }

    fn retired(&self) -> MutexGuard<'_, RetiredHandles> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot of nothing but those segments.
    fn snapshot_of(&self, segments: &[Arc<SegmentHandle>]) -> Snapshot {
        let segments = Arc::new(segments.iter().cloned().collect());
        Snapshot {
            version: Arc::new(Version { segments, tails: Vec::new() }),
            tails: Vec::new(),
            left_in_rings: Arc::default(),
            indexed: Arc::clone(&self.indexed),
            filters: Some(Arc::clone(&self.filters)),
            unreadable: Vec::new(),
            next_seq: Seq(0),
        }
    }

    /// A snapshot of all that is recorded: a late event that is not sealed yet may be under a hold too.
    fn snapshot(&self) -> Result<Snapshot> {
        let version = self.versions.current();
        let tails = version.tails.iter().map(|tail| tail.view_written()).collect::<Result<_>>()?;
        Ok(Snapshot { version, tails, ..self.snapshot_of(&[]) })
    }

    /// The segments of a step.
    fn handles(&self, ids: &[SegmentId]) -> Result<Vec<Arc<SegmentHandle>>> {
        let version = self.versions.current();
        let known: HashMap<SegmentId, &Arc<SegmentHandle>> =
            version.segments.iter().map(|handle| (handle.meta.id, handle)).collect();
        let find = |id: &SegmentId| {
            let handle = known.get(id).map(|handle| Arc::clone(handle));
            handle.ok_or_else(|| Error::Unavailable {
                path: self.database.clone(),
                reason: format!("segment {id} was replaced since the plan was made; hint: run again"),
            })
        };
        ids.iter().map(find).collect()
    }

    /// What is due, after what a run has done already.
    pub(crate) fn plan(&self, now_ns: i64, force: bool, earlier: &Earlier) -> Result<Plan> {
        self.with_plan_input(now_ns, force, earlier, plan)
    }

    fn with_plan_input<T>(
        &self,
        now_ns: i64,
        force: bool,
        earlier: &Earlier,
        decide: impl FnOnce(PlanInput<'_>) -> Result<T>,
    ) -> Result<T> {
        let (catalog, places) = self.catalog_and_places();
        let snapshot = self.snapshot()?;
        let segments: Vec<_> = snapshot.segments().cloned().collect();
        let search = HoldSearch::new(&snapshot);
        let retired: Vec<String> = catalog.files()?.into_iter().map(|(file, _)| file).collect();
        decide(PlanInput {
            now_ns,
            clock_ns: self.host.clock.now_ns(),
            segments: &segments,
            ledger: &catalog.ledger(),
            usage: usage(&self.host, &places, &retired)?,
            force,
            // One that cannot be looked at, or is another database's, is not there; the run tells of it.
            cold_is_there: is_cold_there(&self.host, &places, catalog.identity()).unwrap_or(false),
            earlier,
            is_held: &mut |query, partition| Ok(search.is_held(query, partition)),
        })
    }

    /// Deletes a partition because somebody says so.
    ///
    /// # Errors
    /// [`Error::Kept`] if its age is below the floor, or a hold or the hook keeps it, or there is nothing of it.
    pub(crate) fn drop_by_hand(&self, partition: &Partition, by: &By, grace: Duration) -> Result<Tombstone> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ns = self.host.clock.now_ns();
        let kept = |reason: String| Error::Kept { what: partition.to_string(), reason };
        let decided =
            self.with_plan_input(now_ns, true, &Earlier::default(), |input| by_hand(input, partition))?;
        let step = match decided {
            ByHand::Drop(step) => step,
            ByHand::Kept(known) => {
                let hint = match known.why {
                    KeptWhy::Held(_) => "; hint: `blotter hold DIR list` shows why",
                    KeptWhy::BelowFloor { .. } => {
                        "; hint: keep_at_least of its policy is a floor for hands too"
                    }
                    _ => "",
                };
                return Err(kept(format!("{}{hint}", known.why)));
            }
            ByHand::Nothing => {
                let hint = "hint: `blotter stats DIR --days` lists what there is";
                return Err(kept(format!("no event of it is sealed; {hint}")));
            }
        };
        let throttle = Throttle::new(Effort::FULL, &self.stop);
        match self.drop_partition(&step, by, &throttle)? {
            Dropped::Gone(_, tombstone) => {
                self.remove_retired(grace)?;
                match self.publisher().compact_catalog() {
                    // It is deleted whether or not there is room to write the catalog anew; the next run does that.
                    Err(error) if error.is_for_want_of_room() => {}
                    outcome => outcome?,
                }
                Ok(*tombstone)
            }
            Dropped::Kept(reason) => Err(kept(reason)),
        }
    }

    /// A whole run.
    ///
    /// # Errors
    /// If it could not even be planned or told of; [`Error::Interrupted`] if it was told to stop before it began. What
    /// goes wrong with a step is in the report.
    pub(crate) fn run(
        &self,
        options: &MaintainOptions,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<MaintenanceReport> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let began_ns = self.host.clock.now_ns();
        let at_ns = options.at.map_or(began_ns, |at| at.0);
        let mut run = Run {
            maintenance: self,
            options,
            throttle: Throttle::new(options.effort, &self.stop),
            earlier: Earlier::default(),
            problems: Problems::default(),
            job: JobRecord::new(JobKind::Maintain, at_ns, began_ns),
        };
        // Told to stop while it waited for the job before it, it has nothing to tell of.
        run.throttle.check()?;
        if !options.dry_run {
            run.note(self.remove_unfinished());
        }
        let (catalog, places) = self.catalog_and_places();
        run.note(is_cold_there(&self.host, &places, catalog.identity()).map(drop));
        let mut plan = self.plan(at_ns, options.force, &run.earlier)?;
        if options.dry_run {
            return Ok(MaintenanceReport { plan, job: run.job, dry_run: true, earlier: Vec::new() });
        }
        let mut outcome = Ok(());
        let mut all_steps = plan.steps.clone();
        for _ in 0..ROUNDS_MAX {
            outcome = run.carry_out(&plan, progress);
            if outcome.is_err() || plan.over_budget_bytes == 0 || plan.steps.is_empty() {
                break;
            }
            // Space counts for more now than a reader that is about to open what is gone.
            let removed = self.remove_retired(Duration::ZERO).map(drop);
            if removed.is_err() {
                run.note(removed);
                break;
            }
            plan = self.plan(at_ns, options.force, &run.earlier)?;
            all_steps.extend(plan.steps.iter().cloned());
        }
        plan.steps = all_steps;
        if outcome.is_ok() {
            progress(&Progress::at_the_end(&plan.steps));
            // Fewer segments have fewer filters.
            run.note(self.publisher().compact_catalog());
        }
        let Run { mut job, mut problems, .. } = run;
        problems.extend(plan.problems.iter().cloned());
        job.outcome = match outcome.and_then(|()| self.remove_retired(options.grace)) {
            Err(Error::Interrupted) => JobOutcome::Interrupted,
            outcome => {
                problems.extend(outcome.err().map(|error| error.to_string()));
                if plan.needs_confirmation {
                    // Whatever else went wrong: the next run must not take this one's clock for granted.
                    JobOutcome::NeedsConfirmation
                } else if problems.list.is_empty() {
                    JobOutcome::Done
                } else {
                    JobOutcome::Incomplete
                }
            }
        };
        job.problems = problems.finish();
        job.ended_ns = self.host.clock.now_ns();
        let By { actor, reason } = options.by.clone();
        let entry = NewEntry { at_ns: job.ended_ns, actor, reason, change: Change::JobDone(job.clone()) };
        self.publisher().note(entry)?;
        Ok(MaintenanceReport { plan, job, dry_run: false, earlier: Vec::new() })
    }
}

/// A run under way.
struct Run<'m> {
    maintenance: &'m Maintenance,
    options: &'m MaintainOptions,
    throttle: Throttle<'m>,
    earlier: Earlier,
    problems: Problems,
    job: JobRecord,
}

impl Run<'_> {
    /// Keeps what went wrong beside the steps.
    fn note(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.problems.push(error.to_string());
        }
    }

    /// Carries out the steps of a plan.
    ///
    /// # Errors
    /// [`Error::Interrupted`]. What else goes wrong with a step is a problem of the run.
    fn carry_out(&mut self, plan: &Plan, progress: &mut dyn FnMut(&Progress)) -> Result<()> {
        let mut so_far = Progress {
            steps: plan.steps.len() as u64,
            rows: plan.steps.iter().map(Step::rows).sum(),
            ..Progress::default()
        };
        for step in &plan.steps {
            self.throttle.check()?;
            so_far.step = step.to_string();
            progress(&so_far);
            match self.step(step) {
                Ok(()) => {}
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) => self.problems.push(format!("{step}: {error}")),
            }
            so_far.steps_done += 1;
            so_far.rows_done += step.rows();
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        let (merge, tier) = match (step, step.merge()) {
            (_, Some(merge)) => merge,
            (Step::Drop(drop), None) => return self.drop(drop),
            (_, None) => unreachable!("what is no deletion is a merge"),
        };
        let outcome = self.maintenance.merge(merge, tier, &self.throttle);
        if outcome.is_err() {
            self.earlier.unmergeable.push(merge.partition.clone());
        }
        let counted = match step {
            Step::Compact(_) => &mut self.job.compacted,
            Step::Warm(_) => &mut self.job.warmed,
            Step::Cool(_) | Step::Drop(_) => &mut self.job.cooled,
        };
        counted.add(&outcome?);
        Ok(())
    }

    fn drop(&mut self, step: &Drop) -> Result<()> {
        // The reason of each deletion is its policy; the run's own is with the run.
        let by = By { actor: self.options.by.actor.clone(), reason: String::new() };
        match self.maintenance.drop_partition(step, &by, &self.throttle)? {
            Dropped::Gone(change, _) => {
                self.job.dropped.add(&change);
                self.earlier.dropped.push(step.clone());
                Ok(())
            }
            Dropped::Kept(reason) => {
                self.earlier.vetoed.push(step.partition.clone());
                Err(Error::Kept { what: step.partition.to_string(), reason })
            }
        }
    }
}

/// What went wrong, as much of it as a job's record takes.
#[derive(Default)]
struct Problems {
    list: Vec<String>,
    more: u64,
}

impl Problems {
    fn push(&mut self, problem: String) {
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < PROBLEMS_PER_JOB_MAX {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn extend(&mut self, problems: impl IntoIterator<Item = String>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.list.push(format!("and {} problems more", self.more));
        }
        self.list
    }
}
