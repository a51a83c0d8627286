//! What people and maintenance decided: policies, holds, deletions, jobs, each with time, actor and reason. Entries
//! are numbered from 1 and never change; the present state is what they add up to.
//!
//! The catalog holds all entries, each committed with the change that it tells of. The journal has a copy, appended
//! after the commit: it survives the loss of the catalog, and other processes read it.

mod by;
mod hold;
mod job;
mod policy;
mod tombstone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use by::By;
pub use hold::{HOLD_BYTES_MAX, HOLD_VALUES_MAX, Hold, HoldId, HoldQuery, HoldRefused};
pub use job::{JobKind, JobOutcome, JobRecord, TierChange};
pub use policy::{Budget, POLICY_DAYS_MAX, PRIORITY_MAX, Policy, PolicyConflict, PolicyVersion};
pub use tombstone::{DropReason, ProducerSpan, Tombstone, seq_digest};

use super::Gap;

/// Longest actor, case name or path in an entry, in bytes.
pub const NAME_BYTES_MAX: usize = 1024;
/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 4096;

/// One entry. Stored through `crate::codec`: the order of fields and variants is the format.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its number: one more than the entry before.
    pub number: u64,
    /// When, in nanoseconds.
    pub at_ns: i64,
    /// Who: a person, or `maintenance`.
    pub actor: String,
    /// Why, in their words.
    pub reason: String,
    /// What.
    pub change: Change,
}

/// An entry that has no number yet.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEntry {
    /// When, in nanoseconds.
    pub at_ns: i64,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What.
    pub change: Change,
}

/// What an entry tells of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Change {
    /// A category has a new policy.
    PolicySet {
        /// Name of the category.
        category: String,
        /// The whole policy.
        policy: Policy,
    },
    /// There is a new budget for the disk.
    BudgetSet(Budget),
    /// Cold segments are in another directory than the database's own, or in its own again.
    ColdDirectorySet(Option<String>),
    /// A hold is placed; the entry's number is its id.
    HoldPlaced(Hold),
    /// A hold is released.
    HoldReleased(HoldId),
    /// Events were deleted.
    Dropped(Tombstone),
    /// A job has ended.
    JobDone(JobRecord),
    /// Damage made the entry unreadable; the repair that found it put this in its place.
    Unreadable,
}

/// What the entries add up to.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Ledger {
    entries: Vec<LedgerEntry>,
    policies: BTreeMap<String, PolicyVersion>,
    budget: Budget,
    cold_directory: Option<String>,
    holds: BTreeMap<HoldId, usize>,
}

impl Ledger {
    /// What entries add up to; they are in the order of their numbers.
    pub fn of(entries: impl IntoIterator<Item = LedgerEntry>) -> Ledger {
        let mut ledger = Ledger::default();
        for entry in entries {
            ledger.add(entry);
        }
        ledger
    }

    /// What is left of entries after damage: one that says so in place of each that is missing.
    pub fn salvaged(entries: impl IntoIterator<Item = LedgerEntry>) -> Ledger {
        let mut ledger = Ledger::default();
        for entry in entries {
            for number in ledger.last_number() + 1..entry.number {
                let (actor, reason) = ("repair".to_owned(), "the entry was damaged".to_owned());
                ledger.add(LedgerEntry {
                    number,
                    at_ns: entry.at_ns,
                    actor,
                    reason,
                    change: Change::Unreadable,
                });
            }
            // A copy may be there twice, where its first append was not known to have succeeded.
            if entry.number > ledger.last_number() {
                ledger.add(entry);
            }
        }
        ledger
    }

    /// Adds the next entry.
    pub fn add(&mut self, entry: LedgerEntry) {
        match &entry.change {
            Change::PolicySet { category, policy } => {
                let version = PolicyVersion { version: entry.number, policy: *policy };
                self.policies.insert(category.clone(), version);
            }
            Change::BudgetSet(budget) => self.budget = *budget,
            Change::ColdDirectorySet(directory) => self.cold_directory.clone_from(directory),
            Change::HoldPlaced(_) => {
                self.holds.insert(HoldId(entry.number), self.entries.len());
            }
            Change::HoldReleased(id) => {
                self.holds.remove(id);
            }
            Change::Dropped(_) | Change::JobDone(_) | Change::Unreadable => {}
        }
        self.entries.push(entry);
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// The number of the last entry; 0 if there is none.
    pub fn last_number(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.number)
    }

    /// The policy of a category: the one set last, or the default.
    pub fn policy(&self, category: &str) -> PolicyVersion {
        let default = || PolicyVersion { version: 0, policy: Policy::default_of(category) };
        self.policies.get(category).copied().unwrap_or_else(default)
    }

    /// Categories whose policy was set, by name.
    pub fn policies(&self) -> impl Iterator<Item = (&str, PolicyVersion)> {
        self.policies.iter().map(|(category, version)| (category.as_str(), *version))
    }

    /// The budget for the disk.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The directory of cold segments, where it is not the database's own.
    pub fn cold_directory(&self) -> Option<&str> {
        self.cold_directory.as_deref()
    }

    /// Holds in force, oldest first, with the entry that placed each.
    pub fn holds(&self) -> impl Iterator<Item = (HoldId, &Hold, &LedgerEntry)> {
        self.holds.iter().filter_map(|(id, at)| match &self.entries[*at] {
            entry @ LedgerEntry { change: Change::HoldPlaced(hold), .. } => Some((*id, hold, entry)),
            _ => None,
        })
    }

    /// What was deleted, oldest deletion first.
    pub fn tombstones(&self) -> impl Iterator<Item = (&Tombstone, &LedgerEntry)> {
        self.entries.iter().filter_map(|entry| match &entry.change {
            Change::Dropped(tombstone) => Some((tombstone, entry)),
            _ => None,
        })
    }

    /// Jobs, oldest first.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = (&JobRecord, &LedgerEntry)> {
        self.entries.iter().filter_map(|entry| match &entry.change {
            Change::JobDone(job) => Some((job, entry)),
            _ => None,
        })
    }

    /// Losses that deleted events told of.
    pub fn losses_of_deleted(&self) -> impl Iterator<Item = Gap> {
        self.tombstones().flat_map(|(tombstone, _)| tombstone.losses.iter().copied())
    }
}
