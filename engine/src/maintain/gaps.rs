//! Why events are missing: deleted on purpose, as tombstones tell; gone, as an earlier repair has recorded; or lost.
//!
//! A tombstone does not list the events of its partition, which lie scattered among those of others. It has their
//! number and a sum over their sequence numbers: all that is missing and not otherwise explained must add up to what
//! all tombstones say, or something else is missing too.

use std::collections::BTreeMap;
use std::ops::Range;

use super::numbers::{merged, subtract};
use crate::catalog::ledger::{Ledger, seq_digest};
use crate::catalog::{Gap, JournalRecord};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Explained {
    /// What nothing explains.
    pub(super) unknown: Vec<Gap>,
    /// What earlier repairs have recorded.
    pub(super) known: Vec<Gap>,
    /// Events that were deleted, if tombstones account for them exactly.
    pub(super) deleted: u64,
    /// Events that tombstones call deleted and that are there.
    pub(super) undead: u64,
}

/// Explains what is missing by what repairs have recorded in the journal, and by the ledger.
pub(super) fn explain(gaps: &[Gap], journal: &[JournalRecord], ledger: &Ledger) -> Explained {
    let (mut seqs, mut producers) = (Vec::new(), Vec::new());
    for gap in gaps {
        match *gap {
            Gap::Seqs { first, end } => seqs.push(first..end),
            Gap::Producer { producer, first, end } => producers.push((producer, first..end)),
            Gap::Unlocated { .. } => unreachable!("what is missing has been found missing at a place"),
        }
    }
    let recorded: Vec<Gap> = journal
        .iter()
        .filter_map(|record| match record {
            JournalRecord::Repaired { gaps, .. } => Some(&gaps[..]),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    let mut explained = Explained::default();
    explain_seqs(&seqs, &recorded, ledger, &mut explained);
    explain_counts(&producers, &recorded, ledger, &mut explained);
    explained
}

fn explain_seqs(missing: &[Range<u64>], recorded: &[Gap], ledger: &Ledger, explained: &mut Explained) {
    let mut lost: Vec<Range<u64>> = Vec::new();
    let (mut count, mut digest) = (0_u64, 0_u64);
    for gap in recorded {
        match *gap {
            Gap::Seqs { first, end } => lost.push(first..end),
            Gap::Unlocated { count: more, seq_digest } => {
                count += more;
                digest = digest.wrapping_add(seq_digest);
            }
            Gap::Producer { .. } => {}
        }
    }
    let lost = merged(lost);
    for run in missing {
        let covered = subtract(std::slice::from_ref(run), &lost);
        if covered.is_empty() {
            explained.known.push(Gap::Seqs { first: run.start, end: run.end });
        }
    }
    let left = subtract(missing, &lost);
    let mut hulls: Vec<Range<u64>> = Vec::new();
    for (tombstone, _) in ledger.tombstones() {
        hulls.push(tombstone.seq_min..tombstone.seq_max.saturating_add(1));
        count = count.saturating_add(tombstone.rows);
        digest = digest.wrapping_add(tombstone.seq_digest);
    }
    let found: u64 = left.iter().map(|run| run.end - run.start).sum();
    let sum = |runs: &[Range<u64>]| {
        runs.iter().flat_map(Range::clone).fold(0_u64, |sum, seq| sum.wrapping_add(seq_digest(seq)))
    };
    if found == count && sum(&left) == digest {
        explained.deleted = found;
        return;
    }
    // Outside of what deletions reached, each missing event has a place; inside, only their number is known.
    let outside = subtract(&left, &merged(hulls));
    explained.unknown.extend(outside.iter().map(|run| Gap::Seqs { first: run.start, end: run.end }));
    let outside_count: u64 = outside.iter().map(|run| run.end - run.start).sum();
    let inside = found - outside_count;
    if inside < count {
        explained.undead = count - inside;
        explained.deleted = inside;
        return;
    }
    explained.deleted = count;
    let seq_digest = sum(&left).wrapping_sub(sum(&outside)).wrapping_sub(digest);
    if inside > count || seq_digest != 0 {
        explained.unknown.push(Gap::Unlocated { count: inside - count, seq_digest });
    }
}

/// Counts of recorders are not added up: each event with a count has a place too, which is. What is left to tell is
/// whether a recorder lost events before they had one, and of recorders with deleted events that cannot be told
/// within what was deleted.
fn explain_counts(
    missing: &[(u32, Range<u64>)],
    recorded: &[Gap],
    ledger: &Ledger,
    explained: &mut Explained,
) {
    let mut lost: BTreeMap<u32, Vec<Range<u64>>> = BTreeMap::new();
    let mut deleted: BTreeMap<u32, Vec<Range<u64>>> = BTreeMap::new();
    let losses = ledger.losses_of_deleted();
    for gap in recorded.iter().copied() {
        if let Gap::Producer { producer, first, end } = gap {
            lost.entry(producer).or_default().push(first..end);
        }
    }
    for gap in losses {
        if let Gap::Producer { producer, first, end } = gap {
            deleted.entry(producer).or_default().push(first..end);
        }
    }
    for (tombstone, _) in ledger.tombstones() {
        for span in &tombstone.producers {
            deleted.entry(span.producer).or_default().push(span.first..span.end);
        }
    }
    let of = |runs: &BTreeMap<u32, Vec<Range<u64>>>, producer: u32| {
        merged(runs.get(&producer).cloned().unwrap_or_default())
    };
    for (producer, run) in missing {
        let gap = |run: &Range<u64>| Gap::Producer { producer: *producer, first: run.start, end: run.end };
        let left = subtract(std::slice::from_ref(run), &of(&deleted, *producer));
        if left.is_empty() {
            continue;
        }
        let unknown = subtract(&left, &of(&lost, *producer));
        if unknown.is_empty() {
            explained.known.push(gap(run));
        }
        explained.unknown.extend(unknown.iter().map(gap));
    }
}
