//! What can be asked, and what is answered.

use serde::{Deserialize, Serialize};

use crate::catalog::ledger::{Budget, By, Hold, HoldId, Policy, Tombstone};
use crate::event::Day;
use crate::maintain::MaintenanceReport;

/// What the owner of a database is asked to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// A maintenance run.
    Maintain {
        /// The time to go by, in nanoseconds; now if not given.
        at_ns: Option<i64>,
        /// Confirms deletions that are a large share of all.
        force: bool,
        /// Only say what would be done.
        dry_run: bool,
        /// How long replaced files stay for readers that are about to open them, in milliseconds.
        grace_ms: Option<u64>,
    },
    /// A policy for a category, in place of the one it has.
    SetPolicy {
        /// Name of the category.
        category: String,
        /// The whole policy.
        policy: Policy,
    },
    /// A budget for the disk.
    SetBudget(Budget),
    /// Another directory for cold segments, or the database's own.
    SetColdDirectory(Option<String>),
    /// A hold.
    PlaceHold(Hold),
    /// The end of a hold.
    ReleaseHold(HoldId),
    /// Deletion of a partition.
    DropPartition {
        /// Name of the category.
        category: String,
        /// The day.
        day: Day,
    },
    /// An event that is to be recorded.
    Record(NewEvent),
    /// An engine wants to open the database: whoever has it open for a job ends that early. One that records does
    /// not.
    Yield,
}

impl Request {
    /// Whether it can take long, or waits for what does: then it is done beside the thread that listens.
    pub(crate) fn is_job(&self) -> bool {
        match self {
            Request::Maintain { .. } | Request::DropPartition { .. } | Request::SetColdDirectory(_) => true,
            Request::SetPolicy { .. }
            | Request::SetBudget(_)
            | Request::PlaceHold(_)
            | Request::ReleaseHold(_)
            | Request::Record(_)
            | Request::Yield => false,
        }
    }
}

/// An event of another process that the owner is asked to record. Limits are those of any event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewEvent {
    /// Name of its category.
    pub category: String,
    /// Name of its level.
    pub level: String,
    /// What happened.
    pub event: String,
    /// Everything else.
    pub fields: Vec<(String, NewValue)>,
}

/// A value of such an event.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum NewValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite binary floating-point number.
    Float(f64),
    /// An exact decimal, as it prints.
    Decimal(String),
    /// Text.
    Text(String),
}

/// What was done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Response {
    /// A maintenance run has ended, or would do so.
    Maintained(Box<MaintenanceReport>),
    /// The policy holds.
    PolicySet {
        /// Its version.
        version: u64,
    },
    /// The budget holds.
    BudgetSet,
    /// Cold segments go there from now on.
    ColdDirectorySet,
    /// The hold is in force.
    HoldPlaced(HoldId),
    /// It is no longer.
    HoldReleased,
    /// The events are gone.
    Dropped(Tombstone),
    /// The event is recorded, and every reader sees it.
    Recorded,
    /// The job is ending, and with it the database is closed.
    Yielding,
}

/// The content of a request's file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    /// When it was made, in nanoseconds.
    pub(super) created_at_ns: i64,
    /// From when on it must not be executed, in nanoseconds.
    pub(super) expires_at_ns: i64,
    pub(super) by: By,
    pub(super) request: Request,
}

/// The content of a response's file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Done(Box<Response>),
    /// The error's text. Whether anything was done is up to what it says.
    Declined(String),
    /// The owner was closing the database, and nothing was done.
    Closing,
    /// The owner that took it has died.
    Unknown(String),
}
