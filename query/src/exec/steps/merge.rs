//! Two streams of events in (`ts`, `seq`) order as one, each event once.

use blotter_engine::event::Timestamp;

use super::place::{seq_for, ts_for};
use crate::cells::Cells;
use crate::error::Result;
use crate::exec::execution::RowStream;

/// See the module. An event that is in both is taken from the left.
pub(super) fn merged(step: &'static str, left: RowStream, right: RowStream) -> RowStream {
    Box::new(Merged { step, left: Side::new(left), right: Side::new(right) })
}

struct Merged {
    step: &'static str,
    left: Side,
    right: Side,
}

struct Side {
    rows: RowStream,
    head: Option<((Timestamp, i64), Cells)>,
}

impl Side {
    fn new(rows: RowStream) -> Side {
        Side { rows, head: None }
    }

    /// The place of the row that comes next.
    fn place(&mut self, step: &str) -> Result<Option<(Timestamp, i64)>> {
        if self.head.is_none() {
            self.head = match self.rows.next() {
                Some(row) => {
                    let row = row?;
                    Some(((ts_for(step, &row)?, seq_for(step, &row)?), row))
                }
                None => None,
            };
        }
        Ok(self.head.as_ref().map(|(place, _)| *place))
    }

    fn take(&mut self) -> Option<Cells> {
        self.head.take().map(|(_, row)| row)
    }
}

impl Merged {
    fn take(&mut self) -> Result<Option<Cells>> {
        let (left, right) = (self.left.place(self.step)?, self.right.place(self.step)?);
        Ok(match (left, right) {
            (Some(left), Some(right)) if left > right => self.right.take(),
            (Some(left), Some(right)) => {
                if left == right {
                    self.right.take();
                }
                self.left.take()
            }
            (Some(_), None) => self.left.take(),
            (None, _) => self.right.take(),
        })
    }
}

impl Iterator for Merged {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        self.take().transpose()
    }
}
