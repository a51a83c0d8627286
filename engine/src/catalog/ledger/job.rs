//! What maintenance did.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kinds of jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JobKind {
    /// A maintenance run.
    Maintain,
    /// A backup of this database.
    Backup,
    /// The restore that made this database.
    Restore,
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JobKind::Maintain => "maintenance",
            JobKind::Backup => "backup",
            JobKind::Restore => "restore",
        })
    }
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum JobOutcome {
    /// All that was due was done.
    Done,
    /// It was told to stop; the next run goes on.
    Interrupted,
    /// Deletions wait for confirmation, because they are too large a share of all.
    NeedsConfirmation,
    /// Some of it could not be done; the problems tell what.
    Incomplete,
}

impl fmt::Display for JobOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JobOutcome::Done => "done",
            JobOutcome::Interrupted => "interrupted",
            JobOutcome::NeedsConfirmation => "needs confirmation",
            JobOutcome::Incomplete => "incomplete",
        })
    }
}

/// Partitions that went from one tier to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TierChange {
    /// How many.
    pub partitions: u64,
    /// Segments before.
    pub segments_before: u64,
    /// Segments after.
    pub segments_after: u64,
    /// Events.
    pub rows: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

impl TierChange {
    /// Counts another.
    pub fn add(&mut self, other: &TierChange) {
        self.partitions += other.partitions;
        self.segments_before += other.segments_before;
        self.segments_after += other.segments_after;
        self.rows += other.rows;
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
    }
}

/// One job, as the history keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobRecord {
    /// What kind.
    pub kind: JobKind,
    /// The time it went by, in nanoseconds: what is due at that time was done.
    pub at_ns: i64,
    /// When it began, in nanoseconds.
    pub began_ns: i64,
    /// When it ended, in nanoseconds.
    pub ended_ns: i64,
    /// How it ended.
    pub outcome: JobOutcome,
    /// Small hot segments that became larger ones.
    pub compacted: TierChange,
    /// What became warm.
    pub warmed: TierChange,
    /// What became cold.
    pub cooled: TierChange,
    /// What was deleted; nothing is after.
    pub dropped: TierChange,
    /// What a backup copied, in bytes.
    pub copied_bytes: u64,
    /// What could not be done, and why.
    pub problems: Vec<String>,
}

impl JobRecord {
    /// A job that begins.
    pub fn new(kind: JobKind, at_ns: i64, began_ns: i64) -> JobRecord {
        JobRecord {
            kind,
            at_ns,
            began_ns,
            ended_ns: began_ns,
            outcome: JobOutcome::Done,
            compacted: TierChange::default(),
            warmed: TierChange::default(),
            cooled: TierChange::default(),
            dropped: TierChange::default(),
            copied_bytes: 0,
            problems: Vec::new(),
        }
    }
}
