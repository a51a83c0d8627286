//! How long events of a category are kept, and how.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest age a policy can name, in days: a hundred years.
pub const POLICY_DAYS_MAX: u32 = 36_500;
/// Highest priority.
pub const PRIORITY_MAX: u8 = 9;

/// How long events of a category are kept, and how. Ages are in whole UTC days: the age of a partition is today less
/// its day, so events of today have age 0.
///
/// A partition is hot until its age reaches `hot_days`, then warm until `warm_days`, then cold, and is deleted when
/// it reaches `delete_days`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Age from which a partition is warm.
    pub hot_days: u32,
    /// Age from which it is cold.
    pub warm_days: u32,
    /// Age at which it is deleted; `None` is never.
    pub delete_days: Option<u32>,
    /// The floor: below this age nothing deletes it, no shortage of space and no hand.
    pub keep_at_least_days: u32,
    /// The ceiling: at this age it goes even if a hook vetoes; only a hold keeps it longer.
    pub destroy_after_days: Option<u32>,
    /// 0 to 9. Under pressure the categories with the lowest go first.
    pub priority: u8,
    /// Once set it stays, and the floor can only be raised.
    pub locked: bool,
}

/// A policy and the ledger entry that set it; version 0 is the default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PolicyVersion {
    /// Number of the entry.
    pub version: u64,
    /// The policy.
    pub policy: Policy,
}

/// How much of the disk the database may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Budget {
    /// As much as there is.
    #[default]
    Unlimited,
    /// All its files together, in bytes; those of a cold directory elsewhere do not count.
    Bytes(u64),
    /// The volume of the database directory is at most that full, 1 to 100 percent, whoever fills it.
    Percent(u8),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Unlimited => f.write_str("unlimited"),
            Budget::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Budget::Percent(percent) => write!(f, "{percent} % of the volume"),
        }
    }
}

/// Why a policy is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PolicyConflict(pub String);

impl Policy {
    /// The policy of a category for which none was set. Categories of the application are kept like orders.
    pub fn default_of(category: &str) -> Policy {
        let (hot_days, warm_days, delete_days, priority) = match category {
            "market_data" => (3, 30, 90, 0),
            "system" => (7, 30, 90, 1),
            "performance" => (30, 90, 365, 2),
            "signal" => (7, 60, 180, 3),
            "error" => (30, 90, 365, 4),
            "risk" => (90, 365, 1825, 7),
            "audit" => (365, 1095, 2555, 9),
            _ => (30, 180, 1095, 6),
        };
        Policy {
            hot_days,
            warm_days,
            delete_days: Some(delete_days),
            keep_at_least_days: 0,
            destroy_after_days: None,
            priority,
            locked: false,
        }
    }
    /// Whether its ages can go together.
    ///
    /// # Errors
    /// Which two cannot, and what to do.
    pub fn check(&self) -> Result<(), PolicyConflict> {
        let ages = [
            ("hot", Some(self.hot_days)),
            ("warm", Some(self.warm_days)),
            ("delete", self.delete_days),
            ("keep_at_least", Some(self.keep_at_least_days)),
            ("destroy_after", self.destroy_after_days),
        ];
        for (name, days) in ages {
            if let Some(days) = days.filter(|days| *days > POLICY_DAYS_MAX) {
                return conflict(format!(
                    "{name} is {days} days, the most is {POLICY_DAYS_MAX}; hint: leave delete and \
                     destroy_after out for events that are kept for ever"
                ));
            }
        }
        let [hot, warm, delete, keep, destroy] = ages;
        in_order(hot, warm, "events are hot before they are warm, and cold after both")?;
        in_order(warm, delete, "events pass through all tiers before they are deleted")?;
        in_order(keep, delete, "nothing is deleted while it must be kept")?;
        in_order(
            delete,
            destroy,
            "what is deleted at one age cannot be left to be destroyed at an earlier one",
        )?;
        in_order(keep, destroy, "nothing is destroyed while it must be kept")?;
        if self.priority > PRIORITY_MAX {
            return conflict(format!(
                "priority is {}, the highest is {PRIORITY_MAX}; hint: give 0 to what goes first when space is \
                 short and {PRIORITY_MAX} to what goes last",
                self.priority
            ));
        }
        Ok(())
    }

    /// Whether it can be replaced by another, which must be sound by itself.
    ///
    /// # Errors
    /// What the lock forbids, or what [`Policy::check`] finds in the other; and what to do.
    pub fn check_change(&self, to: &Policy) -> Result<(), PolicyConflict> {
        to.check()?;
        if !self.locked {
            return Ok(());
        }
        let (floor, wanted) = (self.keep_at_least_days, to.keep_at_least_days);
        if wanted < floor {
            return conflict(format!(
                "the policy is locked with keep_at_least {floor} days, which cannot be lowered to {wanted}; hint: \
                 give {floor} or more"
            ));
        }
        if !to.locked {
            return conflict(format!(
                "the policy is locked with keep_at_least {floor} days and cannot be unlocked (locked true to \
                 false); hint: leave it locked; what it keeps can be changed above the floor"
            ));
        }
        Ok(())
    }
}

impl Budget {
    /// Whether there is such a budget.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check(&self) -> Result<(), PolicyConflict> {
        match self {
            Budget::Percent(percent) if !(1..=100).contains(percent) => conflict(format!(
                "the budget is {percent} % of the volume, but a share of it is 1 to 100 %; hint: for no limit \
                 give 'unlimited'"
            )),
            Budget::Bytes(0) => conflict(
                "the budget is 0 bytes, but no database is smaller than 1; hint: for no limit give 'unlimited'"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

/// Refuses two ages of which the first is later; an age that is not given comes never.
fn in_order(
    (first, first_days): (&str, Option<u32>),
    (second, second_days): (&str, Option<u32>),
    why: &str,
) -> Result<(), PolicyConflict> {
    let (Some(first_days), Some(second_days)) = (first_days, second_days) else { return Ok(()) };
    if first_days <= second_days {
        return Ok(());
    }
    conflict(format!(
        "{first} is {first_days} days but {second} is {second_days}: {why}; hint: lower {first} to \
         {second_days} or raise {second} to {first_days}"
    ))
}

fn conflict(text: String) -> Result<(), PolicyConflict> {
    Err(PolicyConflict(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Policy {
        Policy::default_of("order")
    }

    #[test]
    fn the_defaults_are_sound() {
        for category in
            ["market_data", "signal", "order", "risk", "audit", "system", "error", "performance", "x"]
        {
            assert_eq!(Policy::default_of(category).check(), Ok(()), "{category}");
        }
    }

    #[test]
    fn ages_that_do_not_go_together_are_refused_by_both_their_values() {
        let fits: [fn(&mut Policy); 6] = [
            |p| (p.hot_days, p.warm_days, p.delete_days) = (0, 0, Some(0)),
            |p| (p.hot_days, p.warm_days) = (180, 180),
            |p| (p.warm_days, p.delete_days) = (36_500, None),
            |p| (p.keep_at_least_days, p.destroy_after_days) = (1095, Some(1095)),
            |p| (p.delete_days, p.keep_at_least_days, p.destroy_after_days) = (None, 9000, Some(9000)),
            |p| p.priority = 9,
        ];
        for (index, change) in fits.iter().enumerate() {
            let mut policy = order();
            change(&mut policy);
            assert_eq!(policy.check(), Ok(()), "{index}");
        }
        type Case = (fn(&mut Policy), &'static [&'static str]);
        let conflicts: [Case; 8] = [
            (|p| p.hot_days = 181, &["hot is 181", "warm is 180", "lower hot to 180", "raise warm to 181"]),
            (|p| p.delete_days = Some(179), &["warm is 180", "delete is 179"]),
            (|p| p.keep_at_least_days = 1096, &["keep_at_least is 1096", "delete is 1095"]),
            (|p| p.destroy_after_days = Some(1094), &["delete is 1095", "destroy_after is 1094"]),
            (
                |p| (p.delete_days, p.keep_at_least_days, p.destroy_after_days) = (None, 500, Some(499)),
                &["keep_at_least is 500", "destroy_after is 499"],
            ),
            (|p| p.priority = 10, &["priority is 10", "9"]),
            (|p| p.hot_days = 36_501, &["hot is 36501", "36500"]),
            (|p| p.destroy_after_days = Some(u32::MAX), &["destroy_after is 4294967295", "36500"]),
        ];
        for (change, parts) in conflicts {
            let mut policy = order();
            change(&mut policy);
            let PolicyConflict(text) = policy.check().unwrap_err();
            for part in parts {
                assert!(text.contains(part), "{text:?} does not say {part:?}");
            }
            assert!(text.contains("hint: "), "{text:?}");
            assert_eq!(order().check_change(&policy), Err(PolicyConflict(text)));
        }
    }

    #[test]
    fn a_locked_floor_only_rises() {
        let locked = Policy { keep_at_least_days: 400, locked: true, ..order() };
        let allowed: [fn(&mut Policy); 4] = [
            |_| (),
            |p| p.keep_at_least_days = 401,
            |p| p.delete_days = Some(400),
            |p| (p.delete_days, p.hot_days, p.priority) = (None, 1, 0),
        ];
        for (index, change) in allowed.iter().enumerate() {
            let mut to = locked;
            change(&mut to);
            assert_eq!(locked.check_change(&to), Ok(()), "{index}");
        }
        type Case = (fn(&mut Policy), &'static [&'static str]);
        let refused: [Case; 4] = [
            (|p| p.keep_at_least_days = 399, &["400", "399"]),
            (|p| p.locked = false, &["400", "unlocked"]),
            (|p| p.delete_days = Some(399), &["keep_at_least is 400", "delete is 399"]),
            (|p| p.destroy_after_days = Some(399), &["399"]),
        ];
        for (change, parts) in refused {
            let mut to = locked;
            change(&mut to);
            let PolicyConflict(text) = locked.check_change(&to).unwrap_err();
            for part in parts {
                assert!(text.contains(part), "{text:?} does not say {part:?}");
            }
        }
        let lowered = Policy { keep_at_least_days: 0, ..order() };
        assert_eq!(Policy { locked: false, ..locked }.check_change(&lowered), Ok(()));
    }

    #[test]
    fn a_budget_is_a_share_of_something() {
        for (budget, is_sound) in [
            (Budget::Unlimited, true),
            (Budget::Bytes(0), false),
            (Budget::Bytes(1), true),
            (Budget::Percent(0), false),
            (Budget::Percent(1), true),
            (Budget::Percent(100), true),
            (Budget::Percent(101), false),
        ] {
            assert_eq!(budget.check().is_ok(), is_sound, "{budget}");
        }
    }
}
