//! The first rows of all matches in another order than that of time, found by all threads: keys are computed from
//! columns, and only the rows that remain in the end are put together.

use std::sync::Arc;

use super::columns::SegmentColumns;
use super::parallel::{Unit, each_unit, units};
use super::prune::Pruning;
use super::records::Record;
use super::unsealed_rows::fields_of;
use crate::cells::{Cells, Slot};
use crate::error::Result;
use crate::exec::execution::{Execution, ScanRequest};
use crate::exec::steps::Rank;
use crate::plan::Columns;
use crate::plan::scalar::Scalar;

/// Most rows that are found so.
pub(crate) const LIMIT_ROWS_MAX: u64 = 4096;

/// Candidates held before the worse half goes.
const HELD_MIN: usize = 256;

/// A row that may be among the first.
struct Candidate {
    ranks: Box<[Rank]>,
    /// Rows of equal rank keep the order of (`ts`, `seq`).
    order: (i64, u64),
    row: Row,
}

enum Row {
    Sealed(Arc<SegmentColumns>, u32),
    Unsealed(Cells),
}

impl Candidate {
    fn key(&self) -> (&[Rank], (i64, u64)) {
        (&self.ranks, self.order)
    }
}

/// The best candidates so far.
struct Best {
    limit: usize,
    candidates: Vec<Candidate>,
    /// Whether the first `limit` candidates are sorted and none after them can be worse than the last of them.
    is_full: bool,
}

impl Best {
    fn new(limit: usize) -> Best {
        Best { limit, candidates: Vec::new(), is_full: false }
    }

    fn admits(&self, ranks: &[Rank], order: (i64, u64)) -> bool {
        !self.is_full || (ranks, order) < self.candidates[self.limit - 1].key()
    }

    fn add(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
        if self.candidates.len() >= HELD_MIN.max(2 * self.limit) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.candidates.sort_unstable_by(|left, right| left.key().cmp(&right.key()));
        self.candidates.truncate(self.limit);
        self.is_full = self.candidates.len() == self.limit;
    }
}

/// The first `limit` matches by the keys.
///
/// # Errors
/// Those of expressions, and the bounds of the query.
pub(crate) fn first_rows(
    execution: &Arc<Execution>,
    request: &ScanRequest,
    keys: &[(Scalar, bool)],
    limit: u64,
) -> Result<Vec<Cells>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let pruning = Pruning::new(&request.condition, request.between, &execution.names, &execution.snapshot);
    let units = units(execution, &pruning);
    let work = Work { execution, request, pruning: &pruning, keys };
    let found = each_unit(execution, &units, |unit, candidates: &mut Vec<Candidate>| {
        let mut best = Best::new(limit);
        let done = work.run(unit, &mut best);
        best.cut();
        *candidates = best.candidates;
        done
    })?;
    let mut best = Best::new(limit);
    found.into_iter().flatten().for_each(|candidate| best.add(candidate));
    best.cut();
    let wanted = request.fields.as_deref();
    let mut rows = Vec::with_capacity(best.candidates.len());
    for candidate in best.candidates {
        match candidate.row {
            Row::Unsealed(cells) => rows.push(cells),
            Row::Sealed(columns, row) => match columns.row(row, wanted, &columns.projection(wanted)) {
                Ok((_, _, cells)) => rows.push(cells),
                Err(error) => execution.report.unreadable(columns.segment.path().to_path_buf(), error)?,
            },
        }
    }
    Ok(rows)
}

struct Work<'q> {
    execution: &'q Arc<Execution>,
    request: &'q ScanRequest,
    pruning: &'q Pruning,
    keys: &'q [(Scalar, bool)],
}

impl Work<'_> {
    fn ranks(&self, row: &impl Columns) -> Result<Box<[Rank]>> {
        let rank = |(scalar, is_descending): &(Scalar, bool)| Rank::of(scalar, *is_descending, row);
        self.keys.iter().map(rank).collect()
    }

    fn run(&self, unit: &Unit, best: &mut Best) -> Result<()> {
        let (execution, request) = (self.execution, self.request);
        let slots: Vec<Slot> = self.keys.iter().flat_map(|(scalar, _)| scalar.slots()).collect();
        match unit {
            Unit::Segment(part) => {
                let found = execution.open(part, &request.condition, self.pruning)?;
                let Some(mut found) = found else { return Ok(()) };
                while let Some(matches) = found.next(false, &execution.report)? {
                    execution.budget.check()?;
                    let block = &matches.block;
                    block.prepare(&slots)?;
                    let (times, seqs) = (block.times()?, block.seqs()?);
                    for row in &matches.rows {
                        let ranks = self.ranks(&block.row(*row as usize))?;
                        let order = (times[*row as usize], seqs[*row as usize]);
                        if best.admits(&ranks, order) {
                            let row = Row::Sealed(Arc::clone(&block.columns), block.first_row() + row);
                            best.add(Candidate { ranks, order, row });
                        }
                    }
                }
                Ok(())
            }
            Unit::Unsealed(part) => {
                let wanted = request.fields.as_deref();
                let mut needed = wanted.map(<[Slot]>::to_vec);
                if let Some(needed) = &mut needed {
                    needed.extend(&slots);
                }
                let fields = fields_of(&request.condition, needed.as_deref(), &execution.names);
                let mut records = 0u32;
                part.each(|_, event| -> Result<()> {
                    if !self.pruning.admits_event(event.ts, event.category, event.level) {
                        return Ok(());
                    }
                    records += 1;
                    if records.is_multiple_of(1024) {
                        execution.budget.check()?;
                    }
                    execution.report.record();
                    let record = Record::read(event, &execution.names, &fields)?;
                    if !request.condition.holds(&record)? {
                        return Ok(());
                    }
                    execution.report.matched(1);
                    let (ranks, order) = (self.ranks(&record)?, (event.ts.nanos(), event.seq.0));
                    if best.admits(&ranks, order) {
                        best.add(Candidate { ranks, order, row: Row::Unsealed(record.cells(wanted)) });
                    }
                    Ok(())
                })
            }
        }
    }
}
