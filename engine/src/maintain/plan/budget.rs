//! What to do where the database takes more of the disk than it may: cool what is not cold, then delete; categories
//! of low priority first, of each the oldest day first; nothing below its floor, nothing that is held.
//!
//! How much a merge saves is an estimate. What is deleted is gone, so nothing is deleted while there is a merge to
//! wait for: the plan only says what it foresees. Whoever executes it measures again, and plans again.

use std::collections::BTreeMap;

use super::Usage;
use super::ages::is_below_floor;
use super::holds::Questions;
use super::partitions::Holding;
use super::scene::{Draft, Scene};
use super::step::{Counted, KeptWhy, Step};
use super::tiers::merge_into;
use crate::catalog::ledger::{Budget, DropReason};
use crate::error::Result;
use crate::segment::Tier;

/// What cooling is taken to save, in percent.
const COOLING_SAVES_PERCENT: u64 = 25;

/// How many bytes are to be freed.
pub(super) fn excess_bytes(budget: Budget, usage: Usage) -> u64 {
    match budget {
        Budget::Unlimited => 0,
        Budget::Bytes(bytes) => usage.database_bytes.saturating_sub(bytes),
        Budget::Percent(percent) => {
            let total = usage.volume.total_bytes;
            let allowed = u128::from(total) * u128::from(percent) / 100;
            let used = total.saturating_sub(usage.volume.available_bytes);
            // No more than `used`, so it fits.
            u128::from(used).saturating_sub(allowed) as u64
        }
    }
}

/// Adds to a draft what frees that many bytes, or all that can be freed.
pub(super) fn relieve(
    scene: &Scene<'_>,
    questions: &mut Questions<'_>,
    excess: u64,
    draft: &mut Draft,
) -> Result<()> {
    let holdings = &scene.holdings;
    let dropped: u64 = draft.drops.keys().map(|index| scene.freed_by_drop(&holdings[*index])).sum();
    let cools = draft.merges.iter().filter(|(_, step)| matches!(step, Step::Cool(_)));
    let cooled: u64 = cools.map(|(index, _)| freed_by_cooling(scene, &holdings[*index])).sum();
    let mut freed = dropped + cooled;

    let mut candidates: Vec<usize> =
        (0..holdings.len()).filter(|index| !draft.drops.contains_key(index)).collect();
    // They are oldest first already, and the sort is stable.
    candidates.sort_by_key(|index| holdings[*index].policy.policy.priority);

    let mut room_bytes = scene.room_bytes(draft);
    for index in &candidates {
        if freed >= excess {
            return Ok(());
        }
        let holding = &holdings[*index];
        let is_cooled = matches!(draft.merges.get(index), Some(Step::Cool(_)));
        if is_cooled || holding.age_days < 1 || !scene.may_merge(holding) || !scene.cold_is_there {
            continue;
        }
        let Some(step) = merge_into(holding, Tier::Cold) else { continue };
        if scene.fits(&step, room_bytes) {
            let saved = freed_by_cooling(scene, holding);
            room_bytes = room_bytes.saturating_add(saved);
            freed += saved;
            draft.merges.insert(*index, step);
        }
    }

    let waits_for_merges = !draft.merges.is_empty();
    let mut passed_over = BTreeMap::new();
    for index in candidates {
        if freed >= excess {
            return Ok(());
        }
        let holding = &holdings[index];
        let saved = match draft.merges.get(&index) {
            Some(Step::Cool(_)) => freed_by_cooling(scene, holding),
            _ => 0,
        };
        let frees = scene.freed_by_drop(holding).saturating_sub(saved);
        if frees == 0 || draft.kept.contains_key(&index) {
            continue;
        }
        let why = DropReason::Budget { version: holding.policy.version };
        match budget_forbids(scene, questions, holding)?.or_else(|| draft.withheld.clone()) {
            Some(forbids) => {
                passed_over.insert(index, holding.kept(why, 0, forbids));
            }
            None => {
                freed += frees;
                let chosen = if waits_for_merges { &mut draft.foreseen } else { &mut draft.drops };
                chosen.insert(index, holding.dropped(why, 0));
            }
        }
    }
    if freed < excess {
        draft.kept.extend(passed_over);
        draft.unmet_bytes = excess - freed;
    }
    Ok(())
}

/// Why a partition is not deleted for want of space.
fn budget_forbids(
    scene: &Scene<'_>,
    questions: &mut Questions<'_>,
    holding: &Holding<'_>,
) -> Result<Option<KeptWhy>> {
    let policy = &holding.policy.policy;
    if holding.age_days < 0 || is_below_floor(policy, holding.age_days) {
        let (keep_at_least_days, age_days) = (policy.keep_at_least_days, holding.age_days);
        return Ok(Some(KeptWhy::BelowFloor { keep_at_least_days, age_days }));
    }
    scene.forbids_drop(questions, holding)
}

fn freed_by_cooling(scene: &Scene<'_>, holding: &Holding<'_>) -> u64 {
    let bytes = holding.bytes_not_cold();
    if scene.cold_is_elsewhere { bytes } else { bytes / 100 * COOLING_SAVES_PERCENT }
}

/// What to say where all that can be freed is not enough.
pub(super) fn unmet_problem(budget: Budget, draft: &Draft) -> String {
    let mut text = format!(
        "the budget of {budget} is exceeded, and still will be by {} when all is done that may be",
        Counted(draft.unmet_bytes, "byte")
    );
    type Question = fn(&KeptWhy) -> bool;
    let reasons: [(&str, Question); 7] = [
        ("are held", |why| matches!(why, KeptWhy::Held(_))),
        ("must be kept for their age", |why| matches!(why, KeptWhy::BelowFloor { .. })),
        ("are partly on the volume of cold segments, which is not there", |why| {
            *why == KeptWhy::ColdVolumeAway
        }),
        ("await confirmation", |why| *why == KeptWhy::AwaitsConfirmation),
        ("stay because the clock went back", |why| *why == KeptWhy::ClockBehind),
        ("stay because the time to go by is still to come", |why| *why == KeptWhy::TimeToCome),
        ("stay because the hook did not agree", |why| *why == KeptWhy::Vetoed),
    ];
    for (reason, is_it) in reasons {
        let bytes: u64 = draft.kept.values().filter(|kept| is_it(&kept.why)).map(|kept| kept.bytes).sum();
        if bytes > 0 {
            text.push_str(&format!("; {} {reason}", Counted(bytes, "byte")));
        }
    }
    text + "; hint: make room on the volume, raise the budget, or lower what has to be kept"
}
