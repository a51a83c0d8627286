//! What an application says before anything is deleted.

use std::path::PathBuf;

use crate::catalog::ledger::DropReason;
use crate::maintain::plan::Partition;
use crate::segment::Projection;
use crate::view::{Predicate, Scan, Snapshot};

/// Asked before a partition is deleted: it can archive the events, or keep them.
///
/// ```
/// use blotter_engine::maintain::{Deletion, RetentionHook, Verdict};
///
/// /// Counts what goes, and lets nothing of the category `audit` go.
/// struct KeepAudits;
///
/// impl RetentionHook for KeepAudits {
///     fn before_delete(
///         &self,
///         deletion: &Deletion,
///     ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
///         if deletion.partition.category == "audit" {
///             return Ok(Verdict::Keep("audits are kept by hand".to_owned()));
///         }
///         let mut events = deletion.events();
///         let archived = events.by_ref().count() as u64;
///         // What could not be read was not archived: an error keeps the data.
///         if archived != deletion.rows || !events.unreadable().is_empty() {
///             return Err("not every event could be read".into());
///         }
///         Ok(Verdict::Delete)
///     }
/// }
/// ```
pub trait RetentionHook: Send + Sync {
    /// Called on the thread that maintains, with nothing locked: recording goes on however long it takes.
    ///
    /// # Errors
    /// Whatever went wrong, a panic included: the partition is kept and the report tells of it. Only events whose ceiling
    /// (`destroy_after_days`) is reached go even then.
    fn before_delete(&self, deletion: &Deletion)
    -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>>;
}

/// What a hook says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may go.
    Delete,
    /// It is kept until the next run asks again; why, for the report.
    Keep(String),
}

/// A partition that is about to be deleted.
#[derive(Debug)]
pub struct Deletion {
    /// Which.
    pub partition: Partition,
    /// Why.
    pub why: DropReason,
    /// Number of events.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its segment files, whole and immutable.
    pub files: Vec<PathBuf>,
    /// Of nothing but its segments.
    pub(super) snapshot: Snapshot,
}

impl Deletion {
    /// All its events, in (`ts`, `seq`) order, with all fields.
    pub fn events(&self) -> Scan {
        self.snapshot.scan(&Predicate::all(), &Projection::all())
    }
}
