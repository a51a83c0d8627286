//! All matches at once, found by all threads: segments and unsealed parts are units that any thread may take, and
//! what they give is put together in the order of the units, so that the result does not depend on the threads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use blotter_engine::view::{SegmentPart, UnsealedPart};

use super::prune::Pruning;
use super::records::Record;
use super::unsealed_rows::fields_of;
use crate::cells::Cells;
use crate::error::Result;
use crate::exec::execution::{Execution, ScanRequest};

/// Rows between two looks at the budget.
const CHECK_ROWS: usize = 1024;

/// Work for one thread.
#[derive(Clone, Debug)]
pub(crate) enum Unit {
    /// A sealed segment.
    Segment(SegmentPart),
    /// A stretch of what is unsealed.
    Unsealed(UnsealedPart),
}

impl Unit {
    fn path(&self) -> PathBuf {
        match self {
            Unit::Segment(part) => part.path().to_path_buf(),
            Unit::Unsealed(part) => part.path().to_path_buf(),
        }
    }
}

/// The units that may hold matches. Large ones first, so that no thread is left with one at the end.
pub(crate) fn units(execution: &Execution, pruning: &Pruning) -> Vec<Unit> {
    if pruning.is_never {
        return Vec::new();
    }
    let mut segments = execution.segment_parts(pruning);
    segments.sort_by_key(|part| (std::cmp::Reverse(part.meta().rows), part.meta().id));
    let segments = segments.into_iter().map(Unit::Segment);
    segments.chain(execution.unsealed_parts(pruning).into_iter().map(Unit::Unsealed)).collect()
}

/// Runs `work` on every unit, and gives what it made in the order of the units. Of a unit that cannot be read to its
/// end there is what was made before; it is reported.
///
/// # Errors
/// The first error that is not one of reading; out of time; cancelled.
pub(crate) fn each_unit<T: Send + Default>(
    execution: &Execution,
    units: &[Unit],
    work: impl Fn(&Unit, &mut T) -> Result<()> + Sync,
) -> Result<Vec<T>> {
    let results: Vec<Mutex<T>> = units.iter().map(|_| Mutex::default()).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let run = || -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = units.get(index) else { break };
            execution.budget.check()?;
            let mut result = T::default();
            let done = work(unit, &mut result);
            *results[index].lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = result;
            if let Err(error) = done {
                execution.report.unreadable(unit.path(), error)?;
            }
        }
        Ok(())
    };
    let guarded = || {
        let result = run();
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        result
    };
    let threads = execution.threads.min(units.len()).max(1);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(guarded)).collect();
        let own = guarded();
        let others = others.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        others.fold(own, Result::and)
    })?;
    let taken = |result: Mutex<T>| result.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(results.into_iter().map(taken).collect())
}

type Keyed = (i64, u64, Cells);

/// All matches in order.
pub(crate) fn collect(execution: &Arc<Execution>, request: ScanRequest) -> Result<Vec<Cells>> {
    let pruning = Pruning::new(&request.condition, request.between, &execution.names, &execution.snapshot);
    let units = units(execution, &pruning);
    let found = each_unit(execution, &units, |unit, rows: &mut Vec<Keyed>| {
        let collected = collect_unit(execution, &request, &pruning, unit, rows);
        rows.sort_by_key(|(ts, seq, _)| (*ts, *seq));
        collected
    })?;
    let mut rows: Vec<Keyed> = found.into_iter().flatten().collect();
    // Each unit's are in order already, of which a stable sort makes use.
    rows.sort_by_key(|(ts, seq, _)| (*ts, *seq));
    if request.backwards {
        rows.reverse();
    }
    Ok(rows.into_iter().map(|(_, _, cells)| cells).collect())
}

fn collect_unit(
    execution: &Execution,
    request: &ScanRequest,
    pruning: &Pruning,
    unit: &Unit,
    rows: &mut Vec<Keyed>,
) -> Result<()> {
    let wanted = request.fields.as_deref();
    let mut bytes = 0;
    match unit {
        Unit::Segment(part) => {
            let Some(mut found) = execution.open(part, &request.condition, pruning)? else { return Ok(()) };
            let projection = found.columns.projection(wanted);
            while let Some(matches) = found.next(false, &execution.report)? {
                execution.budget.check()?;
                let (times, seqs) = (matches.block.times()?, matches.block.seqs()?);
                for (taken, row) in matches.rows.iter().enumerate() {
                    let cells = matches.cells(*row, wanted, &projection, taken)?;
                    bytes += cells.bytes() + 16;
                    rows.push((times[*row as usize], seqs[*row as usize], cells));
                }
                execution.budget.take(std::mem::take(&mut bytes))?;
            }
        }
        Unit::Unsealed(part) => {
            let fields = fields_of(&request.condition, wanted, &execution.names);
            let mut until_check = CHECK_ROWS;
            part.each(|_, event| -> Result<()> {
                if !pruning.admits_event(event.ts, event.category, event.level) {
                    return Ok(());
                }
                until_check -= 1;
                if until_check == 0 {
                    until_check = CHECK_ROWS;
                    execution.budget.check()?;
                }
                execution.report.record();
                let record = Record::read(event, &execution.names, &fields)?;
                if request.condition.holds(&record)? {
                    execution.report.matched(1);
                    let cells = record.cells(wanted);
                    execution.budget.take(cells.bytes() + 16)?;
                    rows.push((event.ts.nanos(), event.seq.0, cells));
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}
