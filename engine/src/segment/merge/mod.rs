//! Merges segments of one partition into others, and proves that segments hold the same events.
//!
//! ```text
//! source ─ rows ─┐                      ┌─> builder, handed out when it is large enough, and the next
//! source ─ rows ─┼─ order: (ts, seq) ───┤
//! source ─ rows ─┘                      └─> canonical bytes of each row: comparison, content root
//! ```
//!
//! Invariants
//!
//! - Rows come out exactly as they are in the sources, each once. A row that stands in two sources, or out of its
//!   order, is damage, which ends the work.
//! - Memory is bounded by the sources under way, not by the day: of each there are one block and the texts of its
//!   dictionaries. A source is under way from its first row's turn to its last.
//! - Every page is verified by its checksum before it is used.

mod compare;
mod order;
mod plan;
mod root;
mod rows;

use std::sync::Arc;

pub use compare::compare;
use order::Merged;
pub use root::{ContentRoot, content_root};

use super::builder::SegmentBuilder;
use super::options::SegmentOptions;
use super::reader::Segment;
use crate::error::{Error, Result};

/// What slows work down to its share, and ends it when asked. Called between blocks of rows.
pub trait Pace {
    /// So many rows are about to be read, for which about so many bytes of files are. An error ends the work and is
    /// passed on.
    ///
    /// # Errors
    /// Why the work is to end.
    fn step(&self, rows: usize, bytes: usize) -> Result<()>;
}

/// Never waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct FullPace;

impl Pace for FullPace {
    fn step(&self, _rows: usize, _bytes: usize) -> Result<()> {
        Ok(())
    }
}

/// Rows between two looks at the memory of a builder, which cost a pass over its columns.
const MEMORY_CHECK_ROWS: u64 = 128;

/// Merges segments of one partition in the order of (`ts`, `seq`) into builders, each handed out when it has reached
/// `memory_bytes_max` or is full; so the outputs follow each other in that order.
///
/// # Errors
/// [`Error::Damaged`] where a source is, or where two sources hold the same event; what `pace` and `each` give. What
/// was handed out by then is sound as far as it goes, and no more follows.
///
/// # Panics
/// If the sources are not all of one category and day.
pub fn merge(
    sources: &[Arc<Segment>],
    options: &SegmentOptions,
    memory_bytes_max: usize,
    pace: &dyn Pace,
    each: &mut dyn FnMut(SegmentBuilder) -> Result<()>,
) -> Result<()> {
    if let Some(first) = sources.first() {
        let partition = |segment: &Segment| (segment.meta().category.clone(), segment.meta().day);
        assert!(
            sources.iter().all(|source| partition(source) == partition(first)),
            "only segments of one category and day are merged"
        );
    }
    let mut merged = Merged::new(sources, pace);
    let mut builder = SegmentBuilder::new(options);
    while let Some(row) = merged.next()? {
        let fields = row.field_count();
        let is_large =
            builder.rows().is_multiple_of(MEMORY_CHECK_ROWS) && builder.memory_bytes() >= memory_bytes_max;
        if builder.rows() > 0 && (is_large || builder.is_full() || !builder.has_room_for(fields)) {
            each(std::mem::replace(&mut builder, SegmentBuilder::new(options)))?;
        }
        builder.push_row(row.head(), row.fields()).map_err(|refused| {
            let found = format!("a row (seq {}) that is {refused}", row.head().seq);
            Error::damaged(row.segment().path(), 0, "an event", found, super::pages::HINT)
        })?;
    }
    if builder.rows() > 0 {
        each(builder)?;
    }
    Ok(())
}
