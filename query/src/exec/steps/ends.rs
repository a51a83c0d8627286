//! `head` and `tail`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::held::{Held, Pace};
use crate::cells::Cells;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;

/// The first rows. Its input is asked for no row more than that, and is let go with the last one.
pub(crate) fn head(input: RowStream, rows: u64) -> RowStream {
    Box::new(Head { input: (rows > 0).then_some(input), left: rows })
}

struct Head {
    input: Option<RowStream>,
    left: u64,
}

impl Iterator for Head {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        let row = self.input.as_mut()?.next();
        self.left -= 1;
        if self.left == 0 || row.is_none() {
            self.input = None;
        }
        row
    }
}

/// The last rows, in the order in which they came.
pub(crate) fn tail(input: RowStream, rows: u64, execution: &Arc<Execution>) -> RowStream {
    if rows == 0 {
        return Box::new(std::iter::empty());
    }
    let execution = Arc::clone(execution);
    lazily(move || {
        let (mut held, mut pace) = (Held::new(&execution), Pace::new(&execution));
        let mut last: VecDeque<Cells> = VecDeque::new();
        for row in input {
            pace.step()?;
            let row = row?;
            if last.len() as u64 == rows
                && let Some(first) = last.pop_front()
            {
                held.release(first.bytes());
            }
            held.take(row.bytes())?;
            last.push_back(row);
        }
        Ok(given_away(last, held))
    })
}

/// Rows that were held, each given back to the budget as it goes.
pub(super) fn given_away(
    rows: impl IntoIterator<Item = Cells, IntoIter: Send + 'static>,
    mut held: Held,
) -> RowStream {
    Box::new(rows.into_iter().map(move |row| {
        held.release(row.bytes());
        Ok(row)
    }))
}
