//! Merges the matches of all segments and of what is unsealed into one stream in (`ts`, `seq`) order.
//!
//! A segment is opened only when the stream reaches its time, and a row is put together only when it is asked for,
//! so that the first rows over thousands of segments cost a few of them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use blotter_engine::segment::Projection;
use blotter_engine::view::SegmentPart;

use super::prune::Pruning;
use super::segment_rows::{Matches, SegmentRows};
use super::unsealed_rows::UnsealedRows;
use crate::cells::{Cells, Slot};
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::execution::{Execution, ScanRequest};
use crate::plan::scalar::Condition;

/// Rows between two looks at the budget.
const CHECK_ROWS: u32 = 256;

/// See the module.
pub(crate) struct OrderedRows {
    execution: Arc<Execution>,
    condition: Condition,
    wanted: Option<Vec<Slot>>,
    pruning: Pruning,
    backwards: bool,
    /// Segments not yet reached. Of thousands few are, so they are not sorted.
    waiting: BinaryHeap<Waiting>,
    heads: BinaryHeap<Head>,
    sources: Vec<Source>,
    until_check: u32,
    failed: bool,
}

/// A segment not yet reached. The greatest is the next.
struct Waiting {
    /// Its first time, or, backwards, its last; negated forwards.
    rank: i64,
    part: SegmentPart,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

struct Source {
    rows: SourceRows,
    path: PathBuf,
}

enum SourceRows {
    Segment {
        rows: Box<SegmentRows>,
        projection: Projection,
        matches: Option<Box<Matches>>,
        taken: usize,
        /// The next row, if it is read alone.
        next: Option<Cells>,
    },
    Unsealed {
        rows: Box<UnsealedRows>,
        next: Option<Cells>,
    },
    Done,
}

/// The next match of a source. The greatest is the next of the stream.
struct Head {
    key: (i64, u64),
    source: usize,
    backwards: bool,
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.key == other.key
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let forwards = other.key.cmp(&self.key);
        if self.backwards { forwards.reverse() } else { forwards }
    }
}

impl OrderedRows {
    /// # Errors
    /// None yet: what cannot be read is reported, and the rest is streamed.
    pub(crate) fn new(execution: &Arc<Execution>, request: ScanRequest) -> Result<OrderedRows> {
        let snapshot = &execution.snapshot;
        let pruning = Pruning::new(&request.condition, request.between, &execution.names, snapshot);
        let mut rows = OrderedRows {
            execution: Arc::clone(execution),
            condition: request.condition,
            wanted: request.fields,
            backwards: request.backwards,
            waiting: BinaryHeap::new(),
            heads: BinaryHeap::new(),
            sources: Vec::new(),
            until_check: 0,
            failed: false,
            pruning,
        };
        if rows.pruning.is_never {
            return Ok(rows);
        }
        let rank = |part: &SegmentPart| match rows.backwards {
            true => part.meta().ts_max,
            // All bits turned around: the order is too, and no time overflows.
            false => !part.meta().ts_min,
        };
        let parts = execution.segment_parts(&rows.pruning).into_iter();
        rows.waiting = parts.map(|part| Waiting { rank: rank(&part), part }).collect();
        rows.add_unsealed()?;
        Ok(rows)
    }

    fn add_unsealed(&mut self) -> Result<()> {
        // One file is one source, so that damage to it loses no other.
        let mut files: Vec<(PathBuf, Vec<_>)> = Vec::new();
        for part in self.execution.unsealed_parts(&self.pruning) {
            match files.last_mut() {
                Some((path, parts)) if path == part.path() => parts.push(part),
                _ => files.push((part.path().to_path_buf(), vec![part])),
            }
        }
        for (path, parts) in files {
            let wanted = self.wanted.as_deref();
            let (condition, names) = (&self.condition, &self.execution.names);
            match UnsealedRows::new(parts, condition, &self.pruning, wanted, self.backwards, names) {
                Ok(rows) => self.add(SourceRows::Unsealed { rows: Box::new(rows), next: None }, path)?,
                Err(error) => self.execution.report.unreadable(path, error)?,
            }
        }
        Ok(())
    }

    fn add(&mut self, rows: SourceRows, path: PathBuf) -> Result<()> {
        self.sources.push(Source { rows, path });
        self.advance(self.sources.len() - 1)
    }

    /// Finds the next match of a source.
    fn advance(&mut self, index: usize) -> Result<()> {
        let source = &mut self.sources[index];
        match source.rows.next_key(self.wanted.as_deref(), self.backwards, &self.execution) {
            Ok(Some(key)) => {
                self.heads.push(Head { key, source: index, backwards: self.backwards });
                Ok(())
            }
            Ok(None) => {
                source.rows = SourceRows::Done;
                Ok(())
            }
            Err(error) => {
                source.rows = SourceRows::Done;
                self.execution.report.unreadable(source.path.clone(), error)
            }
        }
    }

    /// Opens the segments that may hold the next match.
    fn reach_segments(&mut self) -> Result<()> {
        while let Some(Waiting { part, .. }) = self.waiting.peek() {
            let is_reached = self.heads.peek().is_none_or(|head| match self.backwards {
                true => part.meta().ts_max >= head.key.0,
                false => part.meta().ts_min <= head.key.0,
            });
            if !is_reached {
                return Ok(());
            }
            self.execution.budget.check()?;
            let Waiting { part, .. } = self.waiting.pop().expect("one was peeked at");
            match self.execution.open(&part, &self.condition, &self.pruning) {
                Ok(Some(rows)) => {
                    let projection = rows.columns.projection(self.wanted.as_deref());
                    let rows = Box::new(rows);
                    let rows = SourceRows::Segment { rows, projection, matches: None, taken: 0, next: None };
                    self.add(rows, part.path().to_path_buf())?;
                }
                Ok(None) => {}
                Err(error) => self.execution.report.unreadable(part.path().to_path_buf(), error)?,
            }
        }
        Ok(())
    }

    fn next_row(&mut self) -> Result<Option<Cells>> {
        if self.until_check == 0 {
            self.execution.budget.check()?;
            self.until_check = CHECK_ROWS;
        }
        self.until_check -= 1;
        loop {
            self.reach_segments()?;
            let Some(head) = self.heads.pop() else { return Ok(None) };
            let source = &mut self.sources[head.source];
            let cells = source.rows.take(self.wanted.as_deref(), self.backwards);
            match cells {
                Ok(cells) => {
                    self.advance(head.source)?;
                    return Ok(Some(cells));
                }
                Err(error) => {
                    source.rows = SourceRows::Done;
                    let path = source.path.clone();
                    self.execution.report.unreadable(path, error)?;
                }
            }
        }
    }
}

impl SourceRows {
    fn next_key(
        &mut self,
        wanted: Option<&[Slot]>,
        backwards: bool,
        execution: &Execution,
    ) -> Result<Option<(i64, u64)>> {
        match self {
            SourceRows::Done => Ok(None),
            SourceRows::Unsealed { rows, next } => {
                Ok(rows.next(&execution.report)?.map(|(ts, seq, cells)| {
                    *next = Some(cells);
                    (ts, seq)
                }))
            }
            SourceRows::Segment { rows, projection, matches, taken, next } => {
                if matches.as_ref().is_none_or(|matches| *taken == matches.rows.len()) {
                    execution.budget.check()?;
                    *matches = rows.next(backwards, &execution.report)?.map(Box::new);
                    *taken = 0;
                }
                let Some(found) = matches else { return Ok(None) };
                let row = found.row(*taken, backwards);
                if found.are_few() {
                    let row = found.block.first_row() + row;
                    let (ts, seq, cells) = rows.columns.row(row, wanted, projection)?;
                    *next = Some(cells);
                    return Ok(Some((ts, seq)));
                }
                let row = row as usize;
                Ok(Some((found.block.times()?[row], found.block.seqs()?[row])))
            }
        }
    }

    /// The row whose key was given last.
    fn take(&mut self, wanted: Option<&[Slot]>, backwards: bool) -> Result<Cells> {
        match self {
            SourceRows::Unsealed { next: Some(cells), .. } => Ok(std::mem::take(cells)),
            SourceRows::Segment { matches: Some(matches), projection, taken, next, .. } => {
                let row = matches.row(*taken, backwards);
                *taken += 1;
                match next.take() {
                    Some(cells) => Ok(cells),
                    None => matches.cells(row, wanted, projection, *taken - 1),
                }
            }
            _ => Err(QueryError::new(ErrorKind::Database, "a row was taken twice")),
        }
    }
}

impl Iterator for OrderedRows {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        if self.failed {
            return None;
        }
        let row = self.next_row().transpose();
        self.failed = matches!(row, Some(Err(_)));
        row
    }
}
