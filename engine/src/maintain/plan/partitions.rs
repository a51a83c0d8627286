//! The segments of a database by partition, with the age and the policy of each.

use std::collections::BTreeMap;

use super::ages::age_days;
use super::step::{Drop, Kept, KeptWhy, Merge, Partition};
use crate::catalog::ledger::{DropReason, Ledger, PolicyVersion};
use crate::event::Day;
use crate::segment::{SegmentId, SegmentMeta, Tier};

/// What there is of a partition.
pub(super) struct Holding<'a> {
    pub(super) partition: Partition,
    /// In the order of their ids.
    pub(super) segments: Vec<&'a SegmentMeta>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) age_days: i64,
    pub(super) policy: PolicyVersion,
}

/// All partitions, oldest first.
pub(super) fn partitions<'a>(segments: &'a [SegmentMeta], ledger: &Ledger, today: Day) -> Vec<Holding<'a>> {
    let mut by_partition: BTreeMap<(Day, &str), Vec<&SegmentMeta>> = BTreeMap::new();
    for segment in segments {
        by_partition.entry((segment.day, &segment.category)).or_default().push(segment);
    }
    let mut policies: BTreeMap<&str, PolicyVersion> = BTreeMap::new();
    by_partition
        .into_iter()
        .map(|((day, category), mut segments)| {
            segments.sort_unstable_by_key(|segment| segment.id);
            Holding {
                partition: Partition { category: category.to_owned(), day },
                rows: segments.iter().map(|segment| segment.rows).sum(),
                bytes: segments.iter().map(|segment| segment.file_bytes).sum(),
                segments,
                age_days: age_days(today, day),
                policy: *policies.entry(category).or_insert_with(|| ledger.policy(category)),
            }
        })
        .collect()
}

impl<'a> Holding<'a> {
    pub(super) fn of_tier(&self, tier: Tier) -> impl Iterator<Item = &'a SegmentMeta> + '_ {
        self.segments.iter().copied().filter(move |segment| segment.tier == tier)
    }

    pub(super) fn has_cold(&self) -> bool {
        self.of_tier(Tier::Cold).next().is_some()
    }

    /// Bytes of the segments that are not cold.
    pub(super) fn bytes_not_cold(&self) -> u64 {
        self.bytes - self.of_tier(Tier::Cold).map(|segment| segment.file_bytes).sum::<u64>()
    }

    pub(super) fn merge(&self, mut sources: Vec<&SegmentMeta>) -> Merge {
        sources.sort_unstable_by_key(|segment| segment.id);
        Merge {
            partition: self.partition.clone(),
            rows: sources.iter().map(|segment| segment.rows).sum(),
            bytes: sources.iter().map(|segment| segment.file_bytes).sum(),
            sources: ids(&sources),
        }
    }

    pub(super) fn dropped(&self, why: DropReason, overdue_days: u32) -> Drop {
        Drop {
            partition: self.partition.clone(),
            segments: ids(&self.segments),
            rows: self.rows,
            bytes: self.bytes,
            why,
            overdue_days,
        }
    }

    pub(super) fn kept(&self, due: DropReason, overdue_days: u32, why: KeptWhy) -> Kept {
        Kept { partition: self.partition.clone(), rows: self.rows, bytes: self.bytes, due, overdue_days, why }
    }
}

fn ids(segments: &[&SegmentMeta]) -> Vec<SegmentId> {
    segments.iter().map(|segment| segment.id).collect()
}
