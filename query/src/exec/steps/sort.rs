//! `sort`: stable, null last in either direction.
//!
//! Without a limit rows are sorted in runs as they come, so that no single sort takes long, and the runs are merged
//! as rows are asked for. With a limit that is not large at most twice that many rows are held: when they are, the
//! worse half goes, and from then on no row that sorts after the worst of the better half is taken.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::held::{Held, Pace};
use crate::cells::Cells;
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;
use crate::plan::Columns;
use crate::plan::scalar::Scalar;

/// Rows of one run: some milliseconds of sorting.
const RUN_ROWS: usize = 16 * 1024;

/// A larger limit is taken from rows sorted in runs.
const LIMIT_ROWS_MAX: usize = 4 * RUN_ROWS;

/// Rows that are held before any goes, however small the limit, so that they are not sorted over and over.
const HELD_ROWS_MIN: usize = 256;

/// See the module. `keys` are the values to sort by, and whether the greatest comes first.
pub(crate) fn sort(
    input: RowStream,
    keys: &[(Scalar, bool)],
    limit: Option<u64>,
    execution: &Arc<Execution>,
) -> RowStream {
    if limit == Some(0) {
        return Box::new(std::iter::empty());
    }
    let (keys, execution) = (keys.to_vec(), Arc::clone(execution));
    lazily(move || match limit.and_then(|limit| usize::try_from(limit).ok()) {
        Some(limit) if limit <= LIMIT_ROWS_MAX => first_rows(input, &keys, limit, &execution),
        limit => {
            let sorted = merge_runs(input, &keys, &execution)?;
            Ok(match limit {
                Some(limit) => super::ends::head(sorted, limit as u64),
                None => sorted,
            })
        }
    })
}

/// One value to sort by.
#[derive(PartialEq, Eq)]
pub(crate) struct Rank {
    datum: Datum,
    is_descending: bool,
}

impl Rank {
    /// The value of a row.
    pub(crate) fn of(scalar: &Scalar, is_descending: bool, row: &impl Columns) -> Result<Rank> {
        Ok(Rank { datum: scalar.evaluate(row)?, is_descending })
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        self.datum.borrow().sort_cmp(other.datum.borrow(), self.is_descending)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A row with what it is sorted by.
struct Ranked {
    ranks: Box<[Rank]>,
    row: Cells,
}

impl Ranked {
    fn new(row: Cells, keys: &[(Scalar, bool)]) -> Result<Ranked> {
        let mut ranks = Vec::with_capacity(keys.len());
        for (scalar, is_descending) in keys {
            ranks.push(Rank::of(scalar, *is_descending, &row)?);
        }
        Ok(Ranked { ranks: ranks.into(), row })
    }

    fn bytes(&self) -> usize {
        // Texts of keys are shared with the row, or of the same size.
        size_of::<Box<[Rank]>>() + size_of_val(&*self.ranks) + self.row.bytes()
    }
}

fn first_rows(
    input: RowStream,
    keys: &[(Scalar, bool)],
    limit: usize,
    execution: &Arc<Execution>,
) -> Result<RowStream> {
    let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
    let mut best: Vec<Ranked> = Vec::new();
    let mut is_full = false;
    for row in input {
        pace.step()?;
        let ranked = Ranked::new(row?, keys)?;
        // A row that ties with the worst came later, so it sorts after it.
        if is_full && ranked.ranks >= best[limit - 1].ranks {
            continue;
        }
        held.take(ranked.bytes())?;
        best.push(ranked);
        if best.len() >= HELD_ROWS_MIN.max(2 * limit) {
            best.sort_by(|left, right| left.ranks.cmp(&right.ranks));
            best.drain(limit..).for_each(|worse| held.release(worse.bytes()));
            is_full = true;
        }
    }
    best.sort_by(|left, right| left.ranks.cmp(&right.ranks));
    best.truncate(limit);
    Ok(given_away(best.into_iter(), held))
}

fn given_away(rows: impl Iterator<Item = Ranked> + Send + 'static, mut held: Held) -> RowStream {
    Box::new(rows.map(move |ranked| {
        held.release(ranked.bytes());
        Ok(ranked.row)
    }))
}

fn merge_runs(input: RowStream, keys: &[(Scalar, bool)], execution: &Arc<Execution>) -> Result<RowStream> {
    let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
    let mut runs: Vec<std::vec::IntoIter<Ranked>> = Vec::new();
    let mut run: Vec<Ranked> = Vec::new();
    for row in input {
        pace.step()?;
        let ranked = Ranked::new(row?, keys)?;
        held.take(ranked.bytes())?;
        run.push(ranked);
        if run.len() == RUN_ROWS {
            runs.push(sorted(&mut run));
        }
    }
    if runs.is_empty() {
        return Ok(given_away(sorted(&mut run), held));
    }
    runs.push(sorted(&mut run));
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for (index, run) in runs.iter_mut().enumerate() {
        heads.extend(run.next().map(|ranked| HeadOfRun { ranked, run: index }));
    }
    Ok(given_away(MergedRuns { runs, heads }, held))
}

fn sorted(run: &mut Vec<Ranked>) -> std::vec::IntoIter<Ranked> {
    let mut run = std::mem::take(run);
    run.sort_by(|left, right| left.ranks.cmp(&right.ranks));
    run.into_iter()
}

struct MergedRuns {
    runs: Vec<std::vec::IntoIter<Ranked>>,
    heads: BinaryHeap<HeadOfRun>,
}

struct HeadOfRun {
    ranked: Ranked,
    run: usize,
}

impl Ord for HeadOfRun {
    /// The greatest is the one that comes next: the least by rank, and of equals the one of the earlier run.
    fn cmp(&self, other: &HeadOfRun) -> Ordering {
        other.ranked.ranks.cmp(&self.ranked.ranks).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for HeadOfRun {
    fn partial_cmp(&self, other: &HeadOfRun) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for HeadOfRun {
    fn eq(&self, other: &HeadOfRun) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for HeadOfRun {}

impl Iterator for MergedRuns {
    type Item = Ranked;

    fn next(&mut self) -> Option<Ranked> {
        let mut first = self.heads.peek_mut()?;
        match self.runs[first.run].next() {
            Some(next) => Some(std::mem::replace(&mut first.ranked, next)),
            None => Some(std::collections::binary_heap::PeekMut::pop(first).ranked),
        }
    }
}
