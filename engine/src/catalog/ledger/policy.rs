//! How long events of a category are kept, and how.

use std::fmt;

use serde::{Deserialize, Serialize};

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
}
