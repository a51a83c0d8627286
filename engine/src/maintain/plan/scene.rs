//! What there is to decide on, and the decisions that concern one partition.

use std::collections::BTreeMap;

use super::ages::{deletion_due, tier_due};
use super::budget;
use super::holds::Questions;
use super::partitions::{Holding, partitions};
use super::step::{Counted, Drop, Kept, KeptWhy, Step};
use super::tiers::merge_into;
use super::{Earlier, PlanInput, Usage};
use crate::catalog::ledger::{DropReason, Ledger};
use crate::error::Result;
use crate::event::{Day, Timestamp};
use crate::segment::Tier;

/// What there is to decide on.
pub(super) struct Scene<'a> {
    pub(super) now_ns: i64,
    pub(super) clock_ns: i64,
    pub(super) today: Day,
    pub(super) ledger: &'a Ledger,
    pub(super) holdings: Vec<Holding<'a>>,
    pub(super) usage: Usage,
    pub(super) force: bool,
    pub(super) cold_is_there: bool,
    /// Whether what is cold takes no room of the database's volume.
    pub(super) cold_is_elsewhere: bool,
    pub(super) earlier: &'a Earlier,
}

/// Decisions by the number of the partition, which is the order of days.
#[derive(Default)]
pub(super) struct Draft {
    /// Why nothing is deleted, if so.
    pub(super) withheld: Option<KeptWhy>,
    pub(super) drops: BTreeMap<usize, Drop>,
    pub(super) merges: BTreeMap<usize, Step>,
    pub(super) foreseen: BTreeMap<usize, Drop>,
    pub(super) kept: BTreeMap<usize, Kept>,
    /// Merges that are due but for which the volume has no room.
    pub(super) without_room: Vec<Step>,
    pub(super) unmet_bytes: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn of(input: PlanInput<'a>) -> (Scene<'a>, Questions<'a>) {
        let PlanInput { now_ns, clock_ns, segments, ledger, usage, force, cold_is_there, earlier, is_held } =
            input;
        let today = Timestamp(now_ns).day();
        let scene = Scene {
            now_ns,
            clock_ns,
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

    pub(super) fn draft(&self, questions: &mut Questions<'_>, withheld: Option<KeptWhy>) -> Result<Draft> {
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
    pub(super) fn forbids_drop(
        &self,
        questions: &mut Questions<'_>,
        holding: &Holding<'_>,
    ) -> Result<Option<KeptWhy>> {
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
    pub(super) fn freed_by_drop(&self, holding: &Holding<'_>) -> u64 {
        if self.cold_is_elsewhere { holding.bytes_not_cold() } else { holding.bytes }
    }

    pub(super) fn may_merge(&self, holding: &Holding<'_>) -> bool {
        !self.earlier.unmergeable.contains(&holding.partition)
    }

    /// What is free on the database's volume after the drops, which come first.
    pub(super) fn room_bytes(&self, draft: &Draft) -> u64 {
        let freed = draft.drops.keys().map(|index| self.freed_by_drop(&self.holdings[*index])).sum();
        self.usage.volume.available_bytes.saturating_add(freed)
    }

    /// Whether what a merge writes can stand beside its sources for a while. One that filled the volume would leave
    /// recording without room.
    pub(super) fn fits(&self, step: &Step, room_bytes: u64) -> bool {
        let is_elsewhere = self.cold_is_elsewhere && matches!(step, Step::Cool(_));
        is_elsewhere || step.bytes() <= room_bytes
    }

    /// What cannot be done because the volume of the database is too full.
    pub(super) fn room_problem(&self, draft: &Draft) -> Option<String> {
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
    pub(super) fn cold_volume_problem(&self, draft: &Draft) -> Option<String> {
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
