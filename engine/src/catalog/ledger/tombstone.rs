//! What stays of events that were deleted: enough to prove which they were and that no other is missing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::Gap;
use crate::event::Day;
use crate::segment::{ContentRoot, SegmentId};

/// What stays of a deleted partition, or of a part of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// Name of the category.
    pub category: String,
    /// The day.
    pub day: Day,
    /// The segments that held it, earlier ones included whose files were still there.
    pub segments: Vec<SegmentId>,
    /// Number of events.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Earliest event time, in nanoseconds.
    pub ts_min: i64,
    /// Latest event time, in nanoseconds.
    pub ts_max: i64,
    /// Lowest sequence number.
    pub seq_min: u64,
    /// Highest sequence number.
    pub seq_max: u64,
    /// Sum of [`seq_digest`] over all their sequence numbers: the missing numbers of a database must add up to the
    /// sum of its tombstones.
    pub seq_digest: u64,
    /// The recorders they came from.
    pub producers: Vec<ProducerSpan>,
    /// Losses that the deleted events told of.
    pub losses: Vec<Gap>,
    /// Why they were deleted.
    pub why: DropReason,
    /// Root over the content of the events; none of events that were not restored.
    pub root: Option<ContentRoot>,
}

/// Counts of one recorder among deleted events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProducerSpan {
    /// The recorder.
    pub producer: u32,
    /// The lowest count.
    pub first: u64,
    /// The count after the highest.
    pub end: u64,
}

/// Why events were deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DropReason {
    /// They reached the age at which the policy deletes.
    Policy {
        /// Version of the policy.
        version: u64,
    },
    /// They reached the age at which the policy destroys.
    Ceiling {
        /// Version of the policy.
        version: u64,
    },
    /// The disk budget was exceeded.
    Budget {
        /// Version of the policy, which allowed it.
        version: u64,
    },
    /// Somebody asked for it.
    Hand,
    /// They were not restored from a backup, because they are later than the time asked for.
    NotRestored,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DropReason::Policy { version } => write!(f, "age, by policy version {version}"),
            DropReason::Ceiling { version } => write!(f, "ceiling of policy version {version}"),
            DropReason::Budget { version } => write!(f, "disk budget, as policy version {version} allows"),
            DropReason::Hand => f.write_str("by hand"),
            DropReason::NotRestored => f.write_str("later than the time restored to"),
        }
    }
}

/// What one sequence number adds to the digest of many; the order does not matter.
pub fn seq_digest(seq: u64) -> u64 {
    // The finalizer of splitmix64: every bit of the number reaches every bit of the sum's terms.
    let mixed = (seq ^ seq >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ mixed >> 31).wrapping_add(0x9E37_79B9_7F4A_7C15)
}
