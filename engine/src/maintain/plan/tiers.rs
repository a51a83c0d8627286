//! Which segments of a partition go together, into which tier.
//!
//! Invariant: what comes out of a merge is not merged again unless something new is there, so that planning again
//! after the work finds nothing to do.

use super::partitions::Holding;
use super::step::{Merge, Step};
use crate::segment::{SegmentMeta, Tier};

/// Events of a segment from which it is not worth merging again: about half of what fits the memory of one merge.
const LARGE_ROWS: u64 = 256 * 1024;
/// Bytes of a file from which it is so; its events are large.
const LARGE_BYTES: u64 = 8 * 1024 * 1024;
/// So many small hot segments of a partition are compacted.
const COMPACTED_SEGMENTS_MIN: usize = 8;
/// ... if so many of them never were.
const COMPACTED_NEW_MIN: usize = COMPACTED_SEGMENTS_MIN / 2;
/// What a tier has of a partition is merged with what is added to it, if it has at most so many times the events.
const ABSORBED_ROWS_FACTOR: u64 = 4;
/// More segments of one tier there should not be in a partition.
const TIER_SEGMENTS_MAX: usize = 8;

/// The merge that brings a partition into a tier, if anything is not there yet; what lies beyond stays.
pub(super) fn merge_into(holding: &Holding<'_>, tier: Tier) -> Option<Step> {
    match tier {
        Tier::Hot => compaction(holding).map(Step::Compact),
        Tier::Warm => tier_change(holding, tier).map(Step::Warm),
        Tier::Cold => tier_change(holding, tier).map(Step::Cool),
    }
}

fn compaction(holding: &Holding<'_>) -> Option<Merge> {
    let small: Vec<&SegmentMeta> = holding.of_tier(Tier::Hot).filter(|segment| !is_large(segment)).collect();
    // Segments of a merge come from no single WAL file. Counting those that do keeps a partition whose events are so
    // large that every merge gives many small files from being compacted again and again.
    let new = small.iter().filter(|segment| segment.source_wal != 0).count();
    let is_due = small.len() >= COMPACTED_SEGMENTS_MIN && new >= COMPACTED_NEW_MIN;
    is_due.then(|| holding.merge(small))
}

fn tier_change(holding: &Holding<'_>, tier: Tier) -> Option<Merge> {
    let mut sources: Vec<&SegmentMeta> =
        holding.segments.iter().copied().filter(|segment| segment.tier < tier).collect();
    if sources.is_empty() {
        return None;
    }
    let there: Vec<&SegmentMeta> = holding.of_tier(tier).collect();
    if rows(&there) <= rows(&sources).saturating_mul(ABSORBED_ROWS_FACTOR) {
        sources.extend(there);
    } else if there.len() + 1 > TIER_SEGMENTS_MAX {
        // A few late events are no reason to write a large day anew, which has many segments because of its size.
        sources.extend(there.into_iter().filter(|segment| !is_large(segment)));
    }
    Some(holding.merge(sources))
}

fn is_large(segment: &SegmentMeta) -> bool {
    segment.rows >= LARGE_ROWS || segment.file_bytes >= LARGE_BYTES
}

fn rows(segments: &[&SegmentMeta]) -> u64 {
    segments.iter().map(|segment| segment.rows).sum()
}
