//! What maintenance is to do, decided from what there is, the ledger, and the time; nothing is done here, so a plan
//! can as well be shown.
//!
//! ```text
//! segments by partition ─▶ age, policy ─▶ deletion due? ─▶ held, cold volume away, vetoed ─▶ kept
//!                                             │ no  └────▶ clock, share of all events ─────▶ drops, or kept
//!                                             ▼
//!                                       tier due ─▶ merges ─▶ over the budget? ─▶ more merges, then more drops
//! ```
//!
//! Invariants
//! - The same input gives the same plan, whatever the order of the segments.
//! - No segment is in two steps; the segments of a step are of one partition; a drop has all of its partition.
//! - A drop is never of a partition below its floor, held, partly on a volume that is not there, or of days to come.
//! - When a plan is executed, planning again at the same time finds nothing to do but what [`Plan::foreseen`] names.

mod ages;
mod budget;
mod drops;
mod holds;
mod partitions;
mod step;
#[cfg(test)]
mod tests;
mod tiers;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::ledger::{DropReason, HoldQuery, Ledger, PolicyVersion};
use crate::error::Result;
use crate::event::{Day, Timestamp};
use crate::segment::{SegmentMeta, Tier};
use crate::vfs::Space;

pub use holds::{HoldSearch, is_held};
pub use step::{Drop, Kept, KeptWhy, Merge, Partition, Step};

use ages::{deletion_due, is_below_floor, tier_due};
use holds::Questions;
use partitions::{Holding, partitions};
use step::Counted;
use tiers::merge_into;

const DAY_NS: i64 = 86_400_000_000_000;

/// What a plan is made from.
pub struct PlanInput<'a> {
    /// The time to go by, in nanoseconds.
    pub now_ns: i64,
    /// All sealed segments.
    pub segments: &'a [SegmentMeta],
    /// Policies, holds, the budget, earlier runs.
    pub ledger: &'a Ledger,
    /// What is taken of the disk, and what is left.
    pub usage: Usage,
    /// Whether somebody confirmed the deletions, however large.
    pub force: bool,
    /// Whether the directory of cold segments is there; always true where it is the database's own.
    pub cold_is_there: bool,
    /// What the run has done before; nothing for its first plan.
    pub earlier: &'a Earlier,
    /// Whether an event of the partition meets the query of a hold. Asked only of partitions that would be deleted.
    pub is_held: &'a mut dyn FnMut(&HoldQuery, &Partition) -> Result<bool>,
}

/// What is taken of the disk. Measured when files that were replaced are gone: else they would count as data that
/// has to be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// All files below the database's directory, in bytes.
    pub database_bytes: u64,
    /// The volume of that directory.
    pub volume: Space,
}

/// What a run has done before it plans again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Earlier {
    /// Partitions that it deleted; they count towards the share that needs confirmation.
    pub dropped: Vec<Drop>,
    /// Partitions of which a merge failed; the run tries none again.
    pub unmergeable: Vec<Partition>,
    /// Partitions that the hook did not agree to delete; only the ceiling deletes them nevertheless.
    pub vetoed: Vec<Partition>,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Drops first, then merges; of each the oldest day first.
    pub steps: Vec<Step>,
    /// What the budget would take besides, should the merges save no more than expected. Not to be done: measure
    /// after the steps, and plan again.
    pub foreseen: Vec<Drop>,
    /// What would go but stays, the oldest day first.
    pub kept: Vec<Kept>,
    /// What cannot be done, and what to do about it.
    pub problems: Vec<String>,
    /// Whether deletions wait for somebody to confirm them.
    pub needs_confirmation: bool,
    /// Bytes by which the budget is exceeded now.
    pub over_budget_bytes: u64,
    /// Bytes by which it will be exceeded still, when all is done, foreseen drops included.
    pub unmet_bytes: u64,
}

/// What a deletion by hand would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ByHand {
    /// It can be done.
    Drop(Drop),
    /// It is refused.
    Kept(Kept),
    /// There is no sealed event of that partition.
    Nothing,
}

/// Decides what to do. See the module.
///
/// # Errors
/// Those of the question for holds.
pub fn plan(input: PlanInput<'_>) -> Result<Plan> {
    let (scene, mut questions) = Scene::of(input);
    let Scene { ledger, holdings, now_ns, today, .. } = &scene;
    let mut plan = Plan::default();

    let behind = drops::clock_behind(ledger, *now_ns, scene.force);
    let withheld = behind.as_ref().filter(|_| !scene.force).map(|_| KeptWhy::ClockBehind);
    plan.problems.extend(behind);
    let mut draft = scene.draft(&mut questions, withheld)?;
    if !scene.force && !draft.drops.is_empty() {
        let doubts = [
            drops::clock_ahead(ledger, holdings, *now_ns),
            drops::share_exceeded(ledger, holdings, *today, scene.earlier, draft.drops.values()),
        ];
        plan.problems.extend(doubts.into_iter().flatten());
        if !plan.problems.is_empty() {
            plan.needs_confirmation = true;
            draft = scene.draft(&mut questions, Some(KeptWhy::AwaitsConfirmation))?;
        }
    }
    plan.problems.extend(scene.cold_volume_problem(&draft));
    plan.problems.extend(scene.room_problem(&draft));
    plan.over_budget_bytes = budget::excess_bytes(ledger.budget(), scene.usage);
    plan.unmet_bytes = draft.unmet_bytes;
    if draft.unmet_bytes > 0 {
        plan.problems.push(budget::unmet_problem(ledger.budget(), &draft));
    }

    plan.steps.extend(draft.drops.into_values().map(Step::Drop));
    plan.steps.extend(draft.merges.into_values());
    plan.foreseen.extend(draft.foreseen.into_values());
    plan.kept.extend(draft.kept.into_values());
    Ok(plan)
}

/// Decides whether a partition can be deleted by hand: not below its floor, not if held.
///
/// # Errors
/// Those of the question for holds.
pub fn by_hand(input: PlanInput<'_>, partition: &Partition) -> Result<ByHand> {
    let (scene, mut questions) = Scene::of(input);
    let Some(holding) = scene.holdings.iter().find(|holding| holding.partition == *partition) else {
        return Ok(ByHand::Nothing);
    };
    let (policy, age_days) = (&holding.policy.policy, holding.age_days);
    let forbids = if is_below_floor(policy, age_days) {
        Some(KeptWhy::BelowFloor { keep_at_least_days: policy.keep_at_least_days, age_days })
    } else {
        scene.forbids_drop(&mut questions, holding)?
    };
    Ok(match forbids {
        Some(why) => ByHand::Kept(holding.kept(DropReason::Hand, 0, why)),
        None => ByHand::Drop(holding.dropped(DropReason::Hand, 0)),
    })
}

/// Whether what a drop was decided by is still in force.
pub(crate) fn is_allowed_still(ledger: &Ledger, drop: &Drop, now_ns: i64) -> bool {
    let PolicyVersion { version: current, policy } = ledger.policy(&drop.partition.category);
    match drop.why {
        DropReason::Policy { version } | DropReason::Ceiling { version } | DropReason::Budget { version } => {
            version == current
        }
        DropReason::Hand => {
            !is_below_floor(&policy, ages::age_days(Timestamp(now_ns).day(), drop.partition.day))
        }
        DropReason::NotRestored => true,
    }
}

/// What there is to decide on.
struct Scene<'a> {
    now_ns: i64,
    today: Day,
    ledger: &'a Ledger,
    holdings: Vec<Holding<'a>>,
    usage: Usage,
    force: bool,
    cold_is_there: bool,
    /// Whether what is cold takes no room of the database's volume.
    cold_is_elsewhere: bool,
    earlier: &'a Earlier,
}

/// Decisions by the number of the partition, which is the order of days.
#[derive(Default)]
struct Draft {
    /// Why nothing is deleted, if so.
    withheld: Option<KeptWhy>,
    drops: BTreeMap<usize, Drop>,
    merges: BTreeMap<usize, Step>,
    foreseen: BTreeMap<usize, Drop>,
    kept: BTreeMap<usize, Kept>,
    /// Merges that are due but for which the volume has no room.
    without_room: Vec<Step>,
    unmet_bytes: u64,
}

impl<'a> Scene<'a> {
    fn of(input: PlanInput<'a>) -> (Scene<'a>, Questions<'a>) {
        let PlanInput { now_ns, segments, ledger, usage, force, cold_is_there, earlier, is_held } = input;
        let today = Timestamp(now_ns).day();
        let scene = Scene {
            now_ns,
            today,
            ledger,
            holdings: partitions(segments, ledger, today),
            usage,
            force,
            cold_is_there,
            cold_is_elsewhere: ledger.cold_directory().is_some(),
            earlier,
        };
        (scene, Questions::new(ledger, is_held))
    }

    fn draft(&self, questions: &mut Questions<'_>, withheld: Option<KeptWhy>) -> Result<Draft> {
        let mut draft = Draft { withheld, ..Draft::default() };
        for (index, holding) in self.holdings.iter().enumerate() {
            if let Some((due, overdue_days)) = deletion_due(holding.policy, holding.age_days) {
                let forbids = self.forbids_drop(questions, holding)?;
                let is_forced_by_ceiling =
                    forbids == Some(KeptWhy::Vetoed) && matches!(due, DropReason::Ceiling { .. });
                let forbids = forbids.filter(|_| !is_forced_by_ceiling).or_else(|| draft.withheld.clone());
                match forbids {
                    Some(why) => {
                        draft.kept.insert(index, holding.kept(due, overdue_days, why));
                    }
                    None => {
                        draft.drops.insert(index, holding.dropped(due, overdue_days));
                        continue;
                    }
                }
            }
            let tier = tier_due(&holding.policy.policy, holding.age_days);
            let is_possible = self.may_merge(holding) && (tier != Tier::Cold || self.cold_is_there);
            if let Some(step) = merge_into(holding, tier).filter(|_| is_possible) {
                draft.merges.insert(index, step);
            }
        }
        let room_bytes = self.room_bytes(&draft);
        draft.merges.retain(|_, step| {
            let fits = self.fits(step, room_bytes);
            if !fits {
                draft.without_room.push(step.clone());
            }
            fits
        });
        let excess = budget::excess_bytes(self.ledger.budget(), self.usage);
        if excess > 0 {
            budget::relieve(self, questions, excess, &mut draft)?;
        }
        Ok(draft)
    }

    /// Why a partition cannot be deleted, whoever wants to.
    fn forbids_drop(&self, questions: &mut Questions<'_>, holding: &Holding<'_>) -> Result<Option<KeptWhy>> {
        // Asking for holds would read segments that are not there.
        if !self.cold_is_there && holding.has_cold() {
            return Ok(Some(KeptWhy::ColdVolumeAway));
        }
        let holds = questions.holds_on(&holding.partition)?;
        if !holds.is_empty() {
            return Ok(Some(KeptWhy::Held(holds)));
        }
        Ok(self.earlier.vetoed.contains(&holding.partition).then_some(KeptWhy::Vetoed))
    }

    /// Bytes that a partition takes where the budget counts them.
    fn freed_by_drop(&self, holding: &Holding<'_>) -> u64 {
        if self.cold_is_elsewhere { holding.bytes_not_cold() } else { holding.bytes }
    }

    fn may_merge(&self, holding: &Holding<'_>) -> bool {
        !self.earlier.unmergeable.contains(&holding.partition)
    }

    /// What is free on the database's volume after the drops, which come first.
    fn room_bytes(&self, draft: &Draft) -> u64 {
        let freed = draft.drops.keys().map(|index| self.freed_by_drop(&self.holdings[*index])).sum();
        self.usage.volume.available_bytes.saturating_add(freed)
    }

    /// Whether what a merge writes can stand beside its sources for a while. One that filled the volume would leave
    /// recording without room.
    fn fits(&self, step: &Step, room_bytes: u64) -> bool {
        let is_elsewhere = self.cold_is_elsewhere && matches!(step, Step::Cool(_));
        is_elsewhere || step.bytes() <= room_bytes
    }

    /// What cannot be done because the volume of the database is too full.
    fn room_problem(&self, draft: &Draft) -> Option<String> {
        let largest = draft.without_room.iter().map(Step::bytes).max()?;
        let merges = Counted(draft.without_room.len() as u64, "merge");
        let room = Counted(self.room_bytes(draft), "byte");
        Some(format!(
            "{merges} that are due wait for room on the volume: the largest takes up to {}, there are {room} free; \
             hint: make room, or set a budget that keeps some free",
            Counted(largest, "byte")
        ))
    }

    /// What cannot be done because the volume of cold segments is not there.
    fn cold_volume_problem(&self, draft: &Draft) -> Option<String> {
        if self.cold_is_there {
            return None;
        }
        let is_waiting = |(index, holding): &(usize, &Holding<'_>)| {
            !draft.drops.contains_key(index)
                && tier_due(&holding.policy.policy, holding.age_days) == Tier::Cold
                && merge_into(holding, Tier::Cold).is_some()
        };
        let waiting = self.holdings.iter().enumerate().filter(is_waiting).count() as u64;
        let due = draft.kept.values().filter(|kept| kept.why == KeptWhy::ColdVolumeAway).count() as u64;
        let directory = self.ledger.cold_directory().unwrap_or("cold");
        let (waiting, due) = (Counted(waiting, "partition"), Counted(due, "partition"));
        Some(format!(
            "the directory of cold segments '{directory}' is not there: {waiting} due for it wait, {due} due for \
             deletion stay; hint: mount its volume"
        ))
    }
}

/// One line for each: what is done, what is foreseen, what is kept, what is wrong.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() && self.kept.is_empty() && self.problems.is_empty() {
            return f.write_str("nothing to do\n");
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        self.foreseen.iter().try_for_each(|drop| writeln!(f, "perhaps delete {drop}"))?;
        self.kept.iter().try_for_each(|kept| writeln!(f, "keep {kept}"))?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}
