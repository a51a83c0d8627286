//! Deletions: whole partitions, each leaving a tombstone.
//!
//! ```text
//! hook ─▶ content root, counts ─▶ holds asked again ─▶ one commit: segments out, tombstone in ─▶ journal, MANIFEST
//!   ─▶ files retired
//! ```
//! The commit is the deletion: before it nothing is gone, after it nothing is to be seen. A hold that is placed until
//! then keeps the partition.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::merging::name_of;
use super::{Deletion, Maintenance, Throttle, Verdict};
use crate::catalog::ledger::By;
use crate::catalog::ledger::{Change, DropReason, NewEntry, ProducerSpan, TierChange, Tombstone, seq_digest};
use crate::catalog::{FileState, Gap, Swap};
use crate::error::{Error, Result};
use crate::event::Category;
use crate::maintain::coverage::losses_in;
use crate::maintain::plan::{Drop, Partition, is_allowed_still, is_held};
use crate::maintain::repair::id_in_name;
use crate::segment::{ColumnId, Pace, Segment, SegmentId, Values, content_root};
use crate::view::SegmentHandle;

/// Most recorders that a tombstone tells apart: more would not fit into the journal.
const PRODUCERS_MAX: usize = 10_000;

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
        match hook.before_delete(&deletion) {
            Ok(Verdict::Delete) => None,
            Ok(Verdict::Keep(reason)) => Some(format!("the retention hook keeps it: {reason}")),
            Err(error) => Some(format!("the retention hook failed: {error}")),
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
pub(crate) fn entomb(step: &Drop, segments: &[Arc<Segment>], pace: &dyn Pace) -> Result<Tombstone> {
    let metas = || segments.iter().map(|segment| segment.meta());
    let mut tombstone = Tombstone {
        category: step.partition.category.clone(),
        day: step.partition.day,
        segments: step.segments.clone(),
        rows: metas().map(|meta| meta.rows).sum(),
        bytes: metas().map(|meta| meta.file_bytes).sum(),
        ts_min: metas().map(|meta| meta.ts_min).min().unwrap_or(0),
        ts_max: metas().map(|meta| meta.ts_max).max().unwrap_or(0),
        seq_min: metas().map(|meta| meta.seq_min).min().unwrap_or(0),
        seq_max: metas().map(|meta| meta.seq_max).max().unwrap_or(0),
        seq_digest: 0,
        producers: Vec::new(),
        losses: Vec::new(),
        why: step.why,
        root: None,
    };
    let mut spans: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for segment in segments {
        for block in 0..segment.block_count() {
            pace.step(segment.block_rows(block).len(), 0)?;
            let [seqs, producers, pseqs] = [ColumnId::Seq, ColumnId::Producer, ColumnId::Pseq]
                .map(|column| segment.decode(block, column).map(|vector| vector.values));
            let (Values::U64(seqs), Values::U64(producers), Values::U64(pseqs)) = (seqs?, producers?, pseqs?)
            else {
                unreachable!("these columns are numbers");
            };
            for seq in seqs {
                tombstone.seq_digest = tombstone.seq_digest.wrapping_add(seq_digest(seq));
            }
            for (producer, pseq) in producers.into_iter().zip(pseqs) {
                let (first, last) = spans.entry(producer as u32).or_insert((pseq, pseq));
                (*first, *last) = ((*first).min(pseq), (*last).max(pseq));
            }
        }
        if segment.meta().category == Category::SYSTEM.name() {
            for (producer, lost) in losses_in(segment)? {
                tombstone.losses.push(Gap::Producer { producer, first: lost.start, end: lost.end });
            }
        }
    }
    if spans.len() > PRODUCERS_MAX {
        let reason = format!("{} recorders in one partition, of at most {PRODUCERS_MAX}", spans.len());
        return Err(Error::Kept { what: step.partition.to_string(), reason });
    }
    tombstone.producers = spans
        .into_iter()
        .map(|(producer, (first, last))| ProducerSpan { producer, first, end: last.saturating_add(1) })
        .collect();
    tombstone.root = Some(content_root(segments, pace)?);
    Ok(tombstone)
}
