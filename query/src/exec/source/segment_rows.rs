//! The matching rows of one segment, block by block.

use std::ops::Range;
use std::sync::Arc;

use blotter_engine::segment::{Lookup, Projection, Segment};

use super::columns::{Block, SegmentColumns};
use super::filter::SegmentFilter;
use super::prune::Pruning;
use super::row_set::RowSet;
use crate::cells::{Cells, Names, Slot};
use crate::error::Result;
use crate::exec::report::Report;
use crate::plan::scalar::Condition;

/// Rows of a block that are read one by one rather than with its columns decoded as a whole: a row read alone costs a
/// few microseconds, a block of messages some hundred.
const FEW_ROWS_MAX: usize = 16;

/// A segment that may hold matches, and where.
pub(crate) struct SegmentRows {
    pub(crate) columns: Arc<SegmentColumns>,
    filter: SegmentFilter,
    rows: Candidates,
    /// Of rows that the index names, what it has not answered.
    rest: Condition,
    rest_slots: Vec<Slot>,
    rest_projection: Projection,
}

/// Rows still to be looked at.
enum Candidates {
    /// Those whose time is in bounds.
    Range(Range<u32>),
    /// Those the index names, ascending.
    Listed(Vec<u32>),
}

/// Matching rows of a block.
pub(crate) struct Matches {
    pub(crate) block: Block,
    /// Within the block, ascending; at least one.
    pub(crate) rows: Vec<u32>,
}

impl SegmentRows {
    /// Looks up what the index can answer; `None` if the segment holds no match.
    ///
    /// # Errors
    /// Damage.
    pub(crate) fn open(
        segment: Arc<Segment>,
        condition: &Condition,
        pruning: &Pruning,
        names: &Names,
        report: &Report,
    ) -> Result<Option<SegmentRows>> {
        let columns = Arc::new(SegmentColumns::new(segment, names));
        let filter = SegmentFilter::new(condition, &columns);
        if filter.constant() == Some(false) {
            report.segments_without_match();
            return Ok(None);
        }
        let segment = &columns.segment;
        let in_time = rows_in_time(segment, pruning)?;
        let mut listed: Option<Vec<u32>> = None;
        let mut answered = Vec::new();
        for (field, texts) in &pruning.lookups {
            let mut rows = Vec::new();
            let mut is_indexed = true;
            for text in texts {
                match segment.lookup(field.borrow(), text)? {
                    Lookup::NotIndexed => is_indexed = false,
                    Lookup::Rows(found) => rows.extend(found),
                }
            }
            if !is_indexed {
                continue;
            }
            report.lookup();
            answered.push(names.slot_of(field));
            rows.retain(|row| in_time.contains(row));
            rows.sort_unstable();
            rows.dedup();
            listed = Some(match listed {
                None => rows,
                Some(before) => rows.into_iter().filter(|row| before.binary_search(row).is_ok()).collect(),
            });
        }
        let (rows, filter, rest) = match listed {
            None => (Candidates::Range(in_time), filter, Condition::Always),
            Some(rows) => {
                let rest = condition.without_fields(&answered);
                (Candidates::Listed(rows), SegmentFilter::new(&rest, &columns), rest)
            }
        };
        let rest_slots = rest.slots();
        let rest_projection = columns.projection(Some(&rest_slots));
        Ok(Some(SegmentRows { columns, filter, rows, rest, rest_slots, rest_projection }))
    }

    /// The rows that may match, if none of them needs to be looked at: all rows of the segment match.
    pub(crate) fn matches_all(&self) -> bool {
        let all =
            matches!(&self.rows, Candidates::Range(range) if *range == (0..self.columns.segment.rows()));
        all && self.filter.constant() == Some(true)
    }

    /// The matches of the next block that has any, from either end.
    ///
    /// # Errors
    /// Damage; what evaluating an expression gives.
    pub(crate) fn next(&mut self, backwards: bool, report: &Report) -> Result<Option<Matches>> {
        loop {
            let segment = &self.columns.segment;
            let Some((number, candidates)) = self.rows.take_block(segment, backwards) else {
                return Ok(None);
            };
            let first = segment.block_rows(number).start;
            let block = Block::new(&self.columns, number);
            if let Taken::Listed(rows) = &candidates
                && rows.len() <= FEW_ROWS_MAX
            {
                let rows = self.few(rows, first)?;
                report.block(0, false);
                report.matched(rows.len());
                match rows.is_empty() {
                    true => continue,
                    false => return Ok(Some(Matches { block, rows })),
                }
            }
            let mut matching = self.filter.rows_of(&block)?;
            // Nothing was decoded: bounds alone have said so.
            report.block(block.rows, matching.is_empty() && !block.is_decoded());
            match candidates {
                Taken::Range(range) => {
                    matching.restrict((range.start - first) as usize..(range.end - first) as usize);
                }
                Taken::Listed(rows) => {
                    let mut listed = RowSet::none(block.rows);
                    rows.into_iter().for_each(|row| listed.insert((row - first) as usize));
                    matching.intersect(&listed);
                }
            }
            if !matching.is_empty() {
                let mut rows = Vec::new();
                matching.list(&mut rows);
                report.matched(rows.len());
                return Ok(Some(Matches { block, rows }));
            }
        }
    }
}

impl SegmentRows {
    /// Those of a few rows that the index names which match, within their block.
    fn few(&self, rows: &[u32], first: u32) -> Result<Vec<u32>> {
        let mut matching = Vec::with_capacity(rows.len());
        for row in rows {
            let matches = match self.rest {
                Condition::Always => true,
                _ => {
                    let slots = Some(&self.rest_slots[..]);
                    let (_, _, cells) = self.columns.row(*row, slots, &self.rest_projection)?;
                    self.rest.holds(&cells)?
                }
            };
            if matches {
                matching.push(row - first);
            }
        }
        Ok(matching)
    }
}

enum Taken {
    Range(Range<u32>),
    Listed(Vec<u32>),
}

impl Candidates {
    /// Takes the candidates of one block off an end.
    fn take_block(&mut self, segment: &Segment, backwards: bool) -> Option<(u32, Taken)> {
        match self {
            Candidates::Range(range) if range.start >= range.end => None,
            Candidates::Range(range) if backwards => {
                let number = segment.block_of(range.end - 1);
                let taken = segment.block_rows(number).start.max(range.start)..range.end;
                range.end = taken.start;
                Some((number, Taken::Range(taken)))
            }
            Candidates::Range(range) => {
                let number = segment.block_of(range.start);
                let taken = range.start..segment.block_rows(number).end.min(range.end);
                range.start = taken.end;
                Some((number, Taken::Range(taken)))
            }
            Candidates::Listed(rows) => {
                let number = segment.block_of(*if backwards { rows.last()? } else { rows.first()? });
                let of_block = segment.block_rows(number);
                let taken = match backwards {
                    true => rows.split_off(rows.partition_point(|row| *row < of_block.start)),
                    false => {
                        let rest = rows.split_off(rows.partition_point(|row| *row < of_block.end));
                        std::mem::replace(rows, rest)
                    }
                };
                Some((number, Taken::Listed(taken)))
            }
        }
    }
}

fn rows_in_time(segment: &Segment, pruning: &Pruning) -> Result<Range<u32>> {
    let (first, last) = (*pruning.times.start(), *pruning.times.end());
    let meta = segment.meta();
    let start = if first > meta.ts_min { segment.find_ts(first)? } else { 0 };
    let end = if last < meta.ts_max { segment.find_ts(last + 1)? } else { segment.rows() };
    Ok(start..end.max(start))
}

impl Matches {
    /// The n-th match, from either end.
    pub(crate) fn row(&self, n: usize, backwards: bool) -> u32 {
        self.rows[if backwards { self.rows.len() - 1 - n } else { n }]
    }

    /// Whether the rows are so few that each is better read alone.
    pub(crate) fn are_few(&self) -> bool {
        self.rows.len() <= FEW_ROWS_MAX
    }

    /// The values of a matching row of which these slots are wanted; all if none are named. `taken` counts the rows
    /// that were taken of this block before.
    pub(crate) fn cells(
        &self,
        row: u32,
        wanted: Option<&[Slot]>,
        projection: &Projection,
        taken: usize,
    ) -> Result<Cells> {
        // Perhaps no more are asked for.
        let is_lone = self.are_few() || taken < FEW_ROWS_MAX && self.rows.len() < FEW_ROWS_MAX * 4;
        if is_lone {
            let columns = &self.block.columns;
            return Ok(columns.row(self.block.first_row() + row, wanted, projection)?.2);
        }
        self.block.cells(row as usize, wanted)
    }
}
