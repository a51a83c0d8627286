//! What a step owes to the query's budget: memory for what it holds, and a look at the clock now and then.

use std::sync::Arc;

use crate::cells::Cells;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};

/// Rows between two looks at the clock.
const ROWS_BETWEEN_CHECKS: u32 = 256;

/// Memory taken from the budget. What is left is given back when it is dropped.
pub(super) struct Held {
    execution: Arc<Execution>,
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub(super) fn new(execution: &Arc<Execution>) -> Held {
        Held { execution: Arc::clone(execution), bytes: 0 }
    }

    /// Takes more.
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        // The budget counts what it refuses too, until it is given back.
        self.bytes += bytes;
        self.execution.budget.take(bytes)
    }

    /// Gives some back.
    pub(super) fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.execution.budget.release(bytes);
    }

    /// Takes or gives back, so that it is that much.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<()> {
        match bytes.checked_sub(self.bytes) {
            Some(0) => Ok(()),
            Some(more) => self.take(more),
            None => {
                self.release(self.bytes - bytes);
                Ok(())
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.execution.budget.release(self.bytes);
    }
}

/// All rows, and the memory that they take.
pub(super) fn hold_all(
    input: RowStream,
    pace: &mut Pace,
    execution: &Arc<Execution>,
) -> Result<(Vec<Cells>, Held)> {
    let (mut held, mut rows) = (Held::new(execution), Vec::new());
    for row in input {
        pace.step()?;
        let row = row?;
        held.take(row.bytes())?;
        rows.push(row);
    }
    Ok((rows, held))
}

/// Rows that need memory until the last of them is given.
pub(super) fn holding(rows: impl Iterator<Item = Result<Cells>> + Send + 'static, held: Held) -> RowStream {
    Box::new(rows.inspect(move |_| {
        let _held = &held;
    }))
}

/// Sees to it that a loop over rows notices cancellation and timeout.
pub(super) struct Pace {
    execution: Arc<Execution>,
    rows: u32,
}

impl Pace {
    /// No rows yet.
    pub(super) fn new(execution: &Arc<Execution>) -> Pace {
        Pace { execution: Arc::clone(execution), rows: 0 }
    }

    /// One row more.
    ///
    /// # Errors
    /// Cancelled, or out of time.
    #[inline]
    pub(super) fn step(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows < ROWS_BETWEEN_CHECKS {
            return Ok(());
        }
        self.rows = 0;
        self.execution.budget.check()
    }
}
