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
mod scene;
mod step;
#[cfg(test)]
mod tests;
mod tiers;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::ledger::{DropReason, HoldQuery, Ledger, PolicyVersion};
use crate::error::Result;
use crate::segment::SegmentMeta;
use crate::vfs::Space;

pub use holds::{HoldSearch, is_held};
pub use step::{Drop, Kept, KeptWhy, Merge, Partition, Step};

use ages::is_below_floor;
use scene::Scene;

const DAY_NS: i64 = 86_400_000_000_000;

/// What a plan is made from.
pub struct PlanInput<'a> {
    /// The time to go by, in nanoseconds.
    pub now_ns: i64,
    /// What the clock says, in nanoseconds; nothing is deleted by a time that is still to come.
    pub clock_ns: i64,
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
    let to_come = drops::time_to_come(*now_ns, scene.clock_ns);
    let withheld = match (&to_come, &behind) {
        (Some(_), _) => Some(KeptWhy::TimeToCome),
        (None, Some(_)) if !scene.force => Some(KeptWhy::ClockBehind),
        (None, _) => None,
    };
    plan.problems.extend(behind);
    let mut draft = scene.draft(&mut questions, withheld)?;
    if draft.kept.values().any(|kept| kept.why == KeptWhy::TimeToCome) {
        plan.problems.extend(to_come);
    }
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
        DropReason::Hand => !is_below_floor(
            &policy,
            ages::age_days(crate::event::Timestamp(now_ns).day(), drop.partition.day),
        ),
        DropReason::NotRestored => true,
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
