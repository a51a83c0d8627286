//! What a policy makes of an age: the tier that is due, and whether deletion is.

use crate::catalog::ledger::{DropReason, Policy, PolicyVersion};
use crate::event::Day;
use crate::segment::Tier;

/// Whole days from a partition's day to today; negative for days to come.
pub(super) fn age_days(today: Day, day: Day) -> i64 {
    i64::from(today.0) - i64::from(day.0)
}

/// The tier that is due at an age.
pub(super) fn tier_due(policy: &Policy, age_days: i64) -> Tier {
    if age_days < 0 {
        Tier::Hot
    } else if age_days >= i64::from(policy.warm_days) {
        Tier::Cold
    } else if age_days >= i64::from(policy.hot_days) {
        Tier::Warm
    } else {
        Tier::Hot
    }
}

/// Whether nothing, neither shortage nor hand, deletes at that age. Where there is no floor nothing is below it, the
/// days to come included, which are left to the hand.
pub(super) fn is_below_floor(policy: &Policy, age_days: i64) -> bool {
    policy.keep_at_least_days > 0 && age_days < i64::from(policy.keep_at_least_days)
}

/// Why deletion is due at an age, and for how many days it has been.
pub(super) fn deletion_due(version: PolicyVersion, age_days: i64) -> Option<(DropReason, u32)> {
    let PolicyVersion { version, policy } = version;
    // A sound policy deletes nothing below its floor; one from a damaged ledger does not either.
    if age_days < 0 || is_below_floor(&policy, age_days) {
        return None;
    }
    let overdue =
        |limit: Option<u32>| limit.and_then(|limit| u32::try_from(age_days - i64::from(limit)).ok());
    if let Some(days) = overdue(policy.destroy_after_days) {
        return Some((DropReason::Ceiling { version }, days));
    }
    overdue(policy.delete_days).map(|days| (DropReason::Policy { version }, days))
}
