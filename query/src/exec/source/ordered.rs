//! Merges the matches of all segments and of what is unsealed into one stream in (`ts`, `seq`) order.
//!
//! A segment is opened only when the stream reaches its time, and a row is put together only when it is asked for,
//! so that the first rows over thousands of segments cost a few of them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Segments not yet reached, the next one last.
    waiting: Vec<SegmentPart>,
    heads: BinaryHeap<Head>,
    sources: Vec<Source>,
    until_check: u32,
    failed: bool,
}

struct Source {
    rows: SourceRows,
    path: PathBuf,
}

enum SourceRows {
    Segment { rows: Box<SegmentRows>, matches: Option<Box<Matches>>, taken: usize },
    Unsealed { rows: Box<UnsealedRows>, next: Option<Cells> },
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
            waiting: Vec::new(),
            heads: BinaryHeap::new(),
            sources: Vec::new(),
            until_check: 0,
            failed: false,
            pruning,
        };
        if rows.pruning.is_never {
            return Ok(rows);
        }
        rows.waiting = execution.segment_parts(&rows.pruning);
        match rows.backwards {
            true => rows.waiting.sort_by_key(|part| part.meta().ts_max),
            false => rows.waiting.sort_by_key(|part| Reverse(part.meta().ts_min)),
        }
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
        match source.rows.next_key(self.backwards, &self.execution) {
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
        while let Some(part) = self.waiting.last() {
            let is_reached = self.heads.peek().is_none_or(|head| match self.backwards {
                true => part.meta().ts_max >= head.key.0,
                false => part.meta().ts_min <= head.key.0,
            });
            if !is_reached {
                return Ok(());
            }
            self.execution.budget.check()?;
            let part = self.waiting.pop().expect("there is a last one");
            match self.execution.open(&part, &self.condition, &self.pruning) {
                Ok(Some(rows)) => {
                    let rows = SourceRows::Segment { rows: Box::new(rows), matches: None, taken: 0 };
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
    fn next_key(&mut self, backwards: bool, execution: &Execution) -> Result<Option<(i64, u64)>> {
        match self {
            SourceRows::Done => Ok(None),
            SourceRows::Unsealed { rows, next } => {
                Ok(rows.next(&execution.report)?.map(|(ts, seq, cells)| {
                    *next = Some(cells);
                    (ts, seq)
                }))
            }
            SourceRows::Segment { rows, matches, taken } => {
                if matches.as_ref().is_none_or(|matches| *taken == matches.rows.len()) {
                    execution.budget.check()?;
                    *matches = rows.next(backwards, &execution.report)?.map(Box::new);
                    *taken = 0;
                }
                let Some(found) = matches else { return Ok(None) };
                let row = found.row(*taken, backwards) as usize;
                Ok(Some((found.block.times()?[row], found.block.seqs()?[row])))
            }
        }
    }

    /// The row whose key was given last.
    fn take(&mut self, wanted: Option<&[Slot]>, backwards: bool) -> Result<Cells> {
        match self {
            SourceRows::Unsealed { next: Some(cells), .. } => Ok(std::mem::take(cells)),
            SourceRows::Segment { matches: Some(matches), taken, .. } => {
                let cells = matches.cells(matches.row(*taken, backwards), wanted, *taken);
                *taken += 1;
                cells
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
