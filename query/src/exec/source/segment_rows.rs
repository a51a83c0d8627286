//! The matching rows of one segment, block by block.

use std::ops::Range;
use std::sync::Arc;

use blotter_engine::segment::{Lookup, Projection, Segment};

use super::columns::{ALWAYS, Block, SegmentColumns};
use super::filter::SegmentFilter;
use super::prune::Pruning;
use super::row_set::RowSet;
use crate::cells::{Cells, Names, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::report::Report;
use crate::plan::scalar::Condition;

/// Rows of a block read one by one before its columns are decoded as a whole: a row read alone costs a few
/// microseconds, a block of messages some hundred.
const LONE_ROWS_MAX: usize = 16;

/// A segment that may hold matches, and where.
pub(crate) struct SegmentRows {
    pub(crate) columns: Arc<SegmentColumns>,
    filter: SegmentFilter,
    rows: Candidates,
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
            rows.retain(|row| in_time.contains(row));
            rows.sort_unstable();
            rows.dedup();
            listed = Some(match listed {
                None => rows,
                Some(before) => rows.into_iter().filter(|row| before.binary_search(row).is_ok()).collect(),
            });
        }
        let rows = match listed {
            None => Candidates::Range(in_time),
            Some(rows) => Candidates::Listed(rows),
        };
        Ok(Some(SegmentRows { columns, filter, rows }))
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

    /// The values of a matching row: of the slots wanted, or of all. `taken` counts the rows taken of this block.
    pub(crate) fn cells(&self, row: u32, wanted: Option<&[Slot]>, taken: usize) -> Result<Cells> {
        if taken < LONE_ROWS_MAX && self.rows.len() < LONE_ROWS_MAX * 4 || self.rows.len() <= LONE_ROWS_MAX {
            return self.block.columns.cells(self.block.first_row() + row, wanted);
        }
        self.block.cells(row as usize, wanted)
    }
}

impl SegmentColumns {
    /// The values of a row, read alone: of the slots wanted, or of all.
    pub(crate) fn cells(&self, row: u32, wanted: Option<&[Slot]>) -> Result<Cells> {
        let columns = self;
        let segment = &self.segment;
        let projection = match wanted {
            None => Projection::all(),
            Some(slots) => {
                let keys = segment.columns().iter().map(|info| &info.key);
                let wanted =
                    keys.filter(|key| columns.slot_of(key).is_some_and(|slot| slots.contains(&slot)));
                Projection::fields(wanted.cloned())
            }
        };
        let event = segment.event(row, &projection)?;
        let fixed = |slot: Slot| {
            Some(match slot {
                Slot::TS => Datum::Time(event.ts),
                Slot::SEQ => super::columns::whole(event.seq.0).to_datum(),
                Slot::PRODUCER => Datum::Int(i64::from(event.producer.0)),
                Slot::PSEQ => super::columns::whole(event.pseq).to_datum(),
                Slot::CATEGORY => Datum::Category(event.category),
                Slot::LEVEL => Datum::Level(event.level),
                _ => return None,
            })
        };
        let mut cells = Cells::with_capacity(ALWAYS.len() + event.fields.len());
        match wanted {
            None => {
                ALWAYS
                    .into_iter()
                    .filter_map(|slot| Some((slot, fixed(slot)?)))
                    .for_each(|(s, d)| cells.push(s, d));
                for (key, value) in event.fields {
                    let slot = columns.slot_of(&key).expect("a segment's event has fields of its columns");
                    cells.push(slot, value.into());
                }
            }
            Some(slots) => {
                let mut fields: Vec<(Option<Slot>, Datum)> = event
                    .fields
                    .into_iter()
                    .map(|(key, value)| (columns.slot_of(&key), value.into()))
                    .collect();
                for slot in slots {
                    let field = || {
                        let at = fields.iter().position(|(known, _)| *known == Some(*slot))?;
                        Some(fields.swap_remove(at).1)
                    };
                    if let Some(datum) = fixed(*slot).or_else(field) {
                        cells.push(*slot, datum);
                    }
                }
            }
        }
        Ok(cells)
    }
}
