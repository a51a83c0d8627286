//! Fills a timeline: the bins in which nothing happened, with a count of 0 for each key.

use std::sync::Arc;

use blotter_engine::event::Timestamp;
use chrono_tz::Tz;

use super::held::{Held, Pace, hold_all};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;
use crate::limits::BINS_MAX;
use crate::time::bins;

/// The columns and bins of a timeline.
#[derive(Clone)]
pub(crate) struct Timeline {
    /// The start of the bin.
    pub(crate) ts: Slot,
    /// What is counted apart.
    pub(crate) key: Option<Slot>,
    /// The count.
    pub(crate) count: Slot,
    /// Width of a bin.
    pub(crate) width_ns: i64,
    /// Where days begin.
    pub(crate) zone: Tz,
    /// The first and the last moment asked for. Bins reach from one to the other if there are both, else from the
    /// first bin with rows to the last.
    pub(crate) range: (Option<Timestamp>, Option<Timestamp>),
}

/// Takes one row per bin and key that has any, sorted by bin and key, and adds the others. With keys and without rows
/// there is nothing to add for.
pub(crate) fn fill(input: RowStream, timeline: &Timeline, execution: &Arc<Execution>) -> RowStream {
    let (timeline, execution) = (timeline.clone(), Arc::clone(execution));
    lazily(move || {
        let mut pace = Pace::new(&execution);
        let (rows, held) = hold_all(input, &mut pace, &execution)?;
        let keys = match timeline.key {
            None => vec![Datum::Null],
            Some(slot) => {
                let mut keys: Vec<Datum> = rows.iter().map(|row| row.get(slot).clone()).collect();
                keys.sort();
                keys.dedup();
                keys
            }
        };
        let Some((next_bin, last_bin)) = timeline.ends(&rows)?.filter(|_| !keys.is_empty()) else {
            return Ok(super::ends::given_away(rows, held));
        };
        timeline.check_bins(next_bin, last_bin)?;
        Ok(Box::new(Filled {
            timeline,
            rows: rows.into_iter().peekable(),
            keys,
            next_key: 0,
            next_bin: Some(next_bin),
            last_bin,
            _held: held,
            pace,
        }) as RowStream)
    })
}

impl Timeline {
    /// The first and the last bin.
    fn ends(&self, rows: &[Cells]) -> Result<Option<(Timestamp, Timestamp)>> {
        let starts = || rows.iter().filter_map(|row| self.ts_of(row));
        let (mut first, mut last) = (starts().min(), starts().max());
        if let (Some(from), Some(to)) = self.range
            && from <= to
        {
            let bin = |ts| bins::of_time(ts, self.width_ns, self.zone);
            let (from, to) = (bin(from)?, bin(to)?);
            // Nothing that has rows is left out, whatever was asked for.
            first = Some(first.map_or(from, |first| first.min(from)));
            last = Some(last.map_or(to, |last| last.max(to)));
        }
        Ok(first.zip(last))
    }

    fn ts_of(&self, row: &Cells) -> Option<Timestamp> {
        match row.get(self.ts) {
            Datum::Time(ts) => Some(*ts),
            _ => None,
        }
    }

    fn key_of<'a>(&self, row: &'a Cells) -> &'a Datum {
        self.key.map_or(&Datum::Null, |slot| row.get(slot))
    }

    /// The row of a bin and key in which nothing happened.
    fn empty_row(&self, bin: Timestamp, key: &Datum) -> Cells {
        let mut row = Cells::with_capacity(3);
        row.push(self.ts, Datum::Time(bin));
        if let Some(slot) = self.key
            && !key.is_null()
        {
            row.push(slot, key.clone());
        }
        row.push(self.count, Datum::Int(0));
        row
    }

    fn check_bins(&self, first: Timestamp, last: Timestamp) -> Result<()> {
        let width = i128::from(self.width_ns.max(1));
        let bins = (i128::from(last.0) - i128::from(first.0)) / width + 1;
        if bins <= i128::from(BINS_MAX) {
            return Ok(());
        }
        let message = format!("the timeline would have {bins} bins, and may have {BINS_MAX}");
        let hint = "give it wider bins, or narrow the query by time";
        Err(QueryError::new(ErrorKind::Limit, message).with_hint(hint))
    }
}

struct Filled {
    timeline: Timeline,
    rows: std::iter::Peekable<std::vec::IntoIter<Cells>>,
    /// All keys in order; null alone if there is no key.
    keys: Vec<Datum>,
    /// The key, and the bin, of the row that comes next.
    next_key: usize,
    next_bin: Option<Timestamp>,
    last_bin: Timestamp,
    _held: Held,
    pace: Pace,
}

impl Filled {
    fn row(&mut self) -> Result<Option<Cells>> {
        self.pace.step()?;
        let Some(bin) = self.next_bin else { return Ok(self.rows.next()) };
        let (timeline, key) = (&self.timeline, &self.keys[self.next_key]);
        let place = |row: &Cells| Some((timeline.ts_of(row)?, timeline.key_of(row).clone()));
        let due = Some((bin, key.clone()));
        // A row before what is due is in a bin that was not looked for; it is given all the same.
        let (row, is_due) = match self.rows.next_if(|row| place(row).is_some() && place(row) <= due) {
            Some(row) => {
                let is_due = place(&row) == due;
                (row, is_due)
            }
            None => (timeline.empty_row(bin, key), true),
        };
        if is_due {
            self.advance(bin)?;
        }
        Ok(Some(row))
    }

    fn advance(&mut self, bin: Timestamp) -> Result<()> {
        self.next_key += 1;
        if self.next_key < self.keys.len() {
            return Ok(());
        }
        self.next_key = 0;
        self.next_bin = match bin < self.last_bin {
            true => Some(bins::next(bin, self.timeline.width_ns, self.timeline.zone)?),
            false => None,
        };
        Ok(())
    }
}

impl Iterator for Filled {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        self.row().transpose()
    }
}
