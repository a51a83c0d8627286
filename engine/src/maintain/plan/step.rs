//! What maintenance is to do, and what it leaves, in a form to print, to send to another process, and to execute.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::ledger::{DropReason, HoldId};
use crate::event::Day;
use crate::segment::{SegmentId, Tier};

/// The events of a category of one UTC day. Partitions are in the order of their days.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Partition {
    /// Name of the category.
    pub category: String,
    /// The day.
    pub day: Day,
}

impl Ord for Partition {
    fn cmp(&self, other: &Partition) -> Ordering {
        (self.day, &self.category).cmp(&(other.day, &other.category))
    }
}

impl PartialOrd for Partition {
    fn partial_cmp(&self, other: &Partition) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `order 2026-01-02`.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.category, self.day)
    }
}

/// One piece of work, on one partition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Small hot segments become one, still hot.
    Compact(Merge),
    /// Segments become warm.
    Warm(Merge),
    /// Segments become cold.
    Cool(Merge),
    /// The partition is deleted.
    Drop(Drop),
}

/// Segments of a partition that become one, or as few as memory allows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Merge {
    /// The partition.
    pub partition: Partition,
    /// The segments that go together, in the order of their ids; they may be of several tiers.
    pub sources: Vec<SegmentId>,
    /// Their events.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// A partition that goes, with all its segments.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Drop {
    /// The partition.
    pub partition: Partition,
    /// All its segments, in the order of their ids.
    pub segments: Vec<SegmentId>,
    /// Their events.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Why it goes.
    pub why: DropReason,
    /// Days that it was kept beyond the age at which it was to go; 0 where no age says that.
    pub overdue_days: u32,
}

/// A partition that would go, but stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The partition.
    pub partition: Partition,
    /// Its events.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Why it would go.
    pub due: DropReason,
    /// Days that it was kept beyond the age at which it was to go; 0 where no age says that.
    pub overdue_days: u32,
    /// Why it stays.
    pub why: KeptWhy,
}

/// Why a partition stays that would go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeptWhy {
    /// An event of it is under these holds.
    Held(Vec<HoldId>),
    /// So much would be deleted, or the clock is so far ahead, that somebody has to confirm it.
    AwaitsConfirmation,
    /// The clock went back, so that ages cannot be told.
    ClockBehind,
    /// The time to go by is still to come.
    TimeToCome,
    /// Segments of it are on the volume of cold ones, which is not there.
    ColdVolumeAway,
    /// It has not reached the age below which nothing is deleted.
    BelowFloor {
        /// That age.
        keep_at_least_days: u32,
        /// Its age.
        age_days: i64,
    },
    /// The hook that is asked before a deletion did not agree.
    Vetoed,
}

impl Step {
    /// The partition it is about.
    pub fn partition(&self) -> &Partition {
        match self {
            Step::Compact(merge) | Step::Warm(merge) | Step::Cool(merge) => &merge.partition,
            Step::Drop(drop) => &drop.partition,
        }
    }

    /// The segments that are gone when it is done.
    pub fn segments(&self) -> &[SegmentId] {
        match self {
            Step::Compact(merge) | Step::Warm(merge) | Step::Cool(merge) => &merge.sources,
            Step::Drop(drop) => &drop.segments,
        }
    }

    /// Events of those segments.
    pub fn rows(&self) -> u64 {
        match self {
            Step::Compact(merge) | Step::Warm(merge) | Step::Cool(merge) => merge.rows,
            Step::Drop(drop) => drop.rows,
        }
    }

    /// Bytes of those segments.
    pub fn bytes(&self) -> u64 {
        match self {
            Step::Compact(merge) | Step::Warm(merge) | Step::Cool(merge) => merge.bytes,
            Step::Drop(drop) => drop.bytes,
        }
    }

    /// The merge, and the tier of what comes out of it; none for a deletion.
    pub fn merge(&self) -> Option<(&Merge, Tier)> {
        match self {
            Step::Compact(merge) => Some((merge, Tier::Hot)),
            Step::Warm(merge) => Some((merge, Tier::Warm)),
            Step::Cool(merge) => Some((merge, Tier::Cold)),
            Step::Drop(_) => None,
        }
    }
}

/// `cool order 2026-01-02: 3 segments, 1200 events, 36000 bytes`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Compact(merge) => write!(f, "compact {merge}"),
            Step::Warm(merge) => write!(f, "warm {merge}"),
            Step::Cool(merge) => write!(f, "cool {merge}"),
            Step::Drop(drop) => write!(f, "delete {drop}"),
        }
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.partition, Amount(self.sources.len(), self.rows, self.bytes))
    }
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = Amount(self.segments.len(), self.rows, self.bytes);
        write!(f, "{}: {amount}: {}", self.partition, Due(self.why, self.overdue_days))
    }
}

/// `order 2026-01-02: 1200 events, 36000 bytes, due (age, by policy version 3) but kept: held by 7`.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kept { partition, rows, bytes, due, overdue_days, why } = self;
        let (due, events) = (Due(*due, *overdue_days), Counted(*rows, "event"));
        write!(f, "{partition}: {events}, {} due ({due}) but kept: {why}", Counted(*bytes, "byte"))
    }
}

impl fmt::Display for KeptWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeptWhy::Held(holds) => {
                f.write_str(if holds.len() == 1 { "held by hold" } else { "held by holds" })?;
                for (index, hold) in holds.iter().enumerate() {
                    write!(f, "{} {hold}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            KeptWhy::AwaitsConfirmation => f.write_str("awaits confirmation"),
            KeptWhy::ClockBehind => f.write_str("the clock went back"),
            KeptWhy::TimeToCome => f.write_str("the time to go by is still to come"),
            KeptWhy::ColdVolumeAway => f.write_str("the volume of cold segments is not there"),
            KeptWhy::BelowFloor { age_days: i64::MIN..0, .. } => f.write_str("its day is still to come"),
            KeptWhy::BelowFloor { keep_at_least_days, age_days } => {
                write!(f, "its age is {age_days} days, and it must be kept for at least {keep_at_least_days}")
            }
            KeptWhy::Vetoed => f.write_str("the hook did not agree"),
        }
    }
}

/// Segments, events, bytes.
struct Amount(usize, u64, u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount(segments, rows, bytes) = *self;
        let (segments, rows) = (Counted(segments as u64, "segment"), Counted(rows, "event"));
        write!(f, "{segments}, {rows}, {}", Counted(bytes, "byte"))
    }
}

/// A number of things.
pub(super) struct Counted(pub(super) u64, pub(super) &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted(count, thing) = self;
        write!(f, "{count} {thing}{}", if *count == 1 { "" } else { "s" })
    }
}

/// Why something is to go, and since when.
struct Due(DropReason, u32);

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Due(why, overdue_days) = *self;
        write!(f, "{why}")?;
        match overdue_days {
            0 => Ok(()),
            days => write!(f, ", {} overdue", Counted(u64::from(days), "day")),
        }
    }
}
