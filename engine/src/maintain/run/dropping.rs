//! Deletions: whole partitions, each leaving a tombstone.
//!
//! ```text
//! hook ─▶ content root, counts ─▶ holds asked again ─▶ one commit: segments out, tombstone in ─▶ journal, MANIFEST
//!   ─▶ files retired
//! ```
//! The commit is the deletion: before it nothing is gone, after it nothing is to be seen. A hold that is placed until
//! then keeps the partition.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::merging::name_of;
use super::{Deletion, Maintenance, Throttle, Verdict};
use crate::catalog::ledger::By;
use crate::catalog::ledger::{Change, DropReason, NewEntry, TierChange, Tombstone};
use crate::catalog::{FileState, Swap};
use crate::error::{Error, Result};
use crate::maintain::absence::Absence;
use crate::maintain::plan::{Drop, Partition, is_allowed_still, is_held};
use crate::maintain::repair::id_in_name;
use crate::segment::{Pace, Segment, SegmentId, content_root};
use crate::view::SegmentHandle;

/// What came of a deletion.
pub(crate) enum Dropped {
    /// It is gone.
    Gone(TierChange, Box<Tombstone>),
    /// It was kept, and why.
    Kept(String),
}

impl Maintenance {
    /// Deletes a partition, unless a hook or a hold keeps it.
    ///
    /// # Errors
    /// Damage, IO errors, an interruption: nothing is deleted then.
    pub(crate) fn drop_partition(&self, step: &Drop, by: &By, throttle: &Throttle<'_>) -> Result<Dropped> {
        let sources = self.handles(&step.segments)?;
        let mut reason = step.why.to_string();
        match self.ask_hook(step, &sources) {
            None => {}
            // The ceiling is what the policy promises whatever else may fail; that it was overruled is on record.
            Some(objection) if matches!(step.why, DropReason::Ceiling { .. }) => {
                reason = format!("{reason}, though {objection}");
            }
            Some(objection) => return Ok(Dropped::Kept(objection)),
        }
        let opened: Vec<Arc<Segment>> = sources.iter().map(|handle| handle.open()).collect::<Result<_>>()?;
        let mut tombstone = entomb(step, &opened, throttle)?;
        self.remove_sealed_wal()?;
        let (catalog, _) = self.catalog_and_places();
        // Should the catalog be lost before their files are removed, these must not be taken for segments.
        tombstone.segments.extend(earlier_segments(&catalog.files()?, &step.partition));
        tombstone.segments.sort_unstable();
        tombstone.segments.dedup();
        let entry = NewEntry {
            at_ns: self.host.clock.now_ns(),
            actor: by.actor.clone(),
            reason: if by.reason.is_empty() { reason } else { by.reason.clone() },
            change: Change::Dropped(tombstone.clone()),
        };
        let retired = Some(FileState::Retired { at_ns: self.host.clock.now_ns() });
        let files: Vec<_> = sources.iter().map(|handle| (name_of(handle), retired)).collect();
        loop {
            let ledger = self.publisher().catalog().ledger();
            if !is_allowed_still(&ledger, step, self.host.clock.now_ns()) {
                return Ok(Dropped::Kept("its policy was changed meanwhile; hint: run again".to_owned()));
            }
            // With what came in since the plan was made.
            let snapshot = self.snapshot()?;
            for (id, hold, _) in ledger.holds() {
                if is_held(&snapshot, &hold.query, &step.partition)? {
                    return Ok(Dropped::Kept(format!("it is held by hold {id}, case {}", hold.case)));
                }
            }
            throttle.check()?;
            let mut publisher = self.publisher();
            // What was decided meanwhile is looked at too; nothing can be while the publisher is held.
            if publisher.catalog().ledger().last_number() != ledger.last_number() {
                continue;
            }
            self.retired().extend(sources.iter().map(|handle| (name_of(handle), Arc::clone(handle))));
            let swap = Swap {
                removed: &step.segments,
                files: &files,
                entries: std::slice::from_ref(&entry),
                added: &[],
            };
            publisher.swap(&swap)?;
            break;
        }
        let change = TierChange {
            partitions: 1,
            segments_before: sources.len() as u64,
            segments_after: 0,
            rows: tombstone.rows,
            bytes_before: tombstone.bytes,
            bytes_after: 0,
        };
        Ok(Dropped::Gone(change, Box::new(tombstone)))
    }

    /// What the hook has against it.
    fn ask_hook(&self, step: &Drop, sources: &[Arc<SegmentHandle>]) -> Option<String> {
        let hook = self.hook.as_ref()?;
        let deletion = Deletion {
            partition: step.partition.clone(),
            why: step.why,
            rows: step.rows,
            bytes: step.bytes,
            files: sources.iter().map(|handle| handle.path.clone()).collect(),
            snapshot: self.snapshot_of(sources),
        };
        // A panic of the application's must not end the thread that maintains; its message was printed. Nothing of ours
        // is shared with the hook but what is immutable.
        match catch_unwind(AssertUnwindSafe(|| hook.before_delete(&deletion))) {
            Ok(Ok(Verdict::Delete)) => None,
            Ok(Ok(Verdict::Keep(reason))) => Some(format!("the retention hook keeps it: {reason}")),
            Ok(Err(error)) => Some(format!("the retention hook failed: {error}")),
            Err(_) => Some("the retention hook panicked".to_owned()),
        }
    }
}

/// Segments of a partition that others have replaced and whose files are still noted.
fn earlier_segments<'f>(
    files: &'f [(String, FileState)],
    partition: &Partition,
) -> impl Iterator<Item = SegmentId> + 'f {
    let (day, category) = (partition.day.to_string(), partition.category.clone());
    files.iter().filter_map(move |(file, _)| {
        let path = Path::new(file);
        let is_of_day = path.parent()?.file_name()?.to_str()? == day;
        let (of_category, _) = path.file_name()?.to_str()?.rsplit_once('-')?;
        id_in_name(path).filter(|_| is_of_day && of_category == category).map(SegmentId)
    })
}

/// What stays of the events of segments.
fn entomb(step: &Drop, segments: &[Arc<Segment>], pace: &dyn Pace) -> Result<Tombstone> {
    let mut absence = Absence::new(&step.partition.category, step.partition.day);
    segments.iter().try_for_each(|segment| absence.note_segment(segment, pace))?;
    if absence.is_full() {
        let reason = "it is of more recorders, or tells of more losses, than the journal takes in one entry";
        return Err(Error::Kept { what: step.partition.to_string(), reason: reason.to_owned() });
    }
    let root = Some(content_root(segments, pace)?);
    Ok(Tombstone { root, ..absence.into_tombstone(step.why) })
}
