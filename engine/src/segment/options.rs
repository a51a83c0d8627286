//! How segments are built: for speed while they are hot, for size later.

use super::bits::MINIBLOCK;
use super::ints::PAGE_NUMBERS_MAX;
use super::meta::Tier;
use crate::event::{Field, FieldKey};

/// How segments are built.
#[derive(Clone, Debug)]
pub struct SegmentOptions {
    /// Fields with postings. Default: `order_id`, `correlation_id`, `symbol`.
    pub indexed: Vec<FieldKey>,
    /// Rows per block, a multiple of 128 from 128 to 65536. Default 4096: a page is then a few kilobytes,
    /// small enough to verify within a microsecond, and its directory entry costs under 1 %.
    pub block_rows: u32,
    /// zstd level for text that nothing else fits. Default 1: sealing must keep up with recording.
    pub text_level: i32,
    /// Whether texts of many pages are compressed with a dictionary of zstd trained over them. Default no: training
    /// takes a second for a few megabytes.
    pub text_training: bool,
    /// zstd level for numbers, which are entropy-coded then, and not stored where other columns tell them; none to
    /// pack them only. Default none: what is packed is found in place, entropy-coded pages must be unpacked.
    pub entropy_level: Option<i32>,
    /// Ids among which the index of ids that have a number in them leaves one to be looked for, a power of two up to
    /// 65536. Default 8: to look through more takes longer than to find the place.
    pub index_group_texts: u32,
}

impl SegmentOptions {
    /// How segments of a tier are built.
    pub fn of_tier(tier: Tier, indexed: Vec<FieldKey>) -> SegmentOptions {
        let hot = SegmentOptions { indexed, ..SegmentOptions::default() };
        match tier {
            Tier::Hot => hot,
            // Built from all of a day at once while recording goes on, hence a fast level.
            Tier::Warm => {
                SegmentOptions { text_level: 9, entropy_level: Some(3), index_group_texts: 128, ..hot }
            }
            // An index that leaves a page of ids to be looked through takes a third of the space.
            // An index that leaves a page of ids to be looked through takes a third of the space. Larger blocks
            // take a hundredth less for each doubling, and point reads twice as long.
            Tier::Cold => SegmentOptions {
                block_rows: 8192,
                text_level: 19,
                text_training: true,
                entropy_level: Some(19),
                index_group_texts: 4096,
                ..hot
            },
        }
    }

    /// # Panics
    /// If they are out of their bounds.
    pub(super) fn assert_sound(&self) {
        let block_rows = self.block_rows as usize;
        assert!(
            block_rows.is_multiple_of(MINIBLOCK) && (MINIBLOCK..=PAGE_NUMBERS_MAX).contains(&block_rows),
            "block_rows is {block_rows}, not a multiple of 128 from 128 to 65536"
        );
        let group = self.index_group_texts;
        assert!(
            group.is_power_of_two() && group <= 65_536,
            "index_group_texts is {group}, not a power of two up to 65536"
        );
    }
}

impl Default for SegmentOptions {
    fn default() -> SegmentOptions {
        SegmentOptions {
            indexed: [Field::ORDER_ID, Field::CORRELATION_ID, Field::SYMBOL].map(FieldKey::from).to_vec(),
            block_rows: 4096,
            text_level: 1,
            text_training: false,
            entropy_level: None,
            index_group_texts: 8,
        }
    }
}
