//! `asof`: for each row the latest row of another query that comes before it and has the same keys.
//!
//! The left rows are held; the right ones stream past them in (`ts`, `seq`) order, and of each key only the latest is
//! remembered. Where the left rows came in that order too, as they mostly do, they are given as they are matched, and
//! the right query is read no further than that.

use std::collections::HashMap;
use std::sync::Arc;

use blotter_engine::event::Timestamp;
use foldhash::fast::RandomState;

use super::ends::given_away;
use super::held::{Held, Pace, hold_all};
use super::key::{self, Key};
use super::place::{seq_of, ts_of};
use super::right::RightColumns;
use super::sort::sort;
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, Source};
use crate::exec::lazy::lazily;
use crate::plan::scalar::{Comparand, Condition, Scalar, Test};
use crate::plan::step::{Plan, Step};

/// The column with the time of the row that was found.
const ASOF_TS: &str = "asof_ts";

/// See the module. A right row comes before a left one if its time is earlier, or is the same and its `seq` is lower;
/// rows without a `seq` come before all of their time when on the right, and after all when on the left. Rows that lack
/// a key, or a time, have no match. Rows keep their order.
pub(crate) fn asof(
    input: RowStream,
    plan: &Plan,
    by: &[Slot],
    within_ns: Option<i64>,
    renamed: &[(Slot, Slot)],
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (plan, by, source, execution) =
        (plan.clone(), by.to_vec(), Arc::clone(source), Arc::clone(execution));
    let columns = RightColumns::of_asof(renamed);
    lazily(move || {
        let mut pace = Pace::new(&execution);
        let (rows, held) = hold_all(input, &mut pace, &execution)?;
        let times = || rows.iter().filter_map(ts_of);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Ok(given_away(rows, held));
        };
        let right = right_rows(&plan, earliest(first, within_ns), last, &source, &execution)?;
        let is_in_order = rows.is_sorted_by_key(left_place);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if !is_in_order {
            order.sort_by_key(|index| left_place(&rows[*index]));
        }
        let mut matching = Matching {
            left: Vec::new().into_iter(),
            right: Some(right),
            ahead: None,
            latest: HashMap::default(),
            by,
            key: Vec::new(),
            within_ns,
            columns,
            asof_ts: execution.names.slot(ASOF_TS),
            held,
            pace,
        };
        if is_in_order {
            matching.left = rows.into_iter();
            return Ok(Box::new(matching) as RowStream);
        }
        let mut unordered: Vec<Option<Cells>> = rows.into_iter().map(Some).collect();
        let ordered: Vec<Cells> = order.iter().filter_map(|index| unordered[*index].take()).collect();
        matching.left = ordered.into_iter();
        let mut held = Held::new(&execution);
        for index in order {
            let row = matching.next().expect("every row is given back")?;
            held.take(row.bytes())?;
            unordered[index] = Some(row);
        }
        Ok(given_away(unordered.into_iter().flatten().collect::<Vec<Cells>>(), held))
    })
}

fn earliest(first: Timestamp, within_ns: Option<i64>) -> Timestamp {
    within_ns.map_or(Timestamp::MIN, |within| Timestamp(first.0.saturating_sub(within)))
}

fn left_place(row: &Cells) -> (Timestamp, i64) {
    (ts_of(row).unwrap_or(Timestamp::MAX), seq_of(row).unwrap_or(i64::MAX))
}

fn right_place(row: &Cells) -> Option<(Timestamp, i64)> {
    Some((ts_of(row)?, seq_of(row).unwrap_or(i64::MIN)))
}

/// The rows of the right query in (`ts`, `seq`) order. Where that cannot change what it gives, it is read for a
/// stretch of time only.
fn right_rows(
    plan: &Plan,
    first: Timestamp,
    last: Timestamp,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> Result<RowStream> {
    if !plan.steps.iter().all(keeps_times) {
        let place = [Slot::TS, Slot::SEQ].map(|slot| (Scalar::Column(slot), false));
        return Ok(sort(source.run(plan)?, &place, None, execution));
    }
    let time = |ts| Comparand { time: Some(ts), ..Comparand::default() };
    let between = Test::Between { low: time(first), high: time(last) };
    let within = Condition::Column { slot: Slot::TS, test: between };
    source.run(&Plan { filter: Condition::All(vec![plan.filter.clone(), within]), ..plan.clone() })
}

/// Whether a step treats each event by itself and leaves its time alone, so that events of other times do not matter,
/// and their order stays.
fn keeps_times(step: &Step) -> bool {
    let keeps = |(slot, scalar): &(Slot, Scalar)| {
        let is_place = *slot == Slot::TS || *slot == Slot::SEQ;
        !is_place || matches!(scalar, Scalar::Column(column) if column == slot)
    };
    match step {
        Step::Where(_) | Step::FieldsExcept(_) => true,
        Step::Fields(columns) | Step::Extend(columns) => columns.iter().all(keeps),
        _ => false,
    }
}

struct Matching {
    left: std::vec::IntoIter<Cells>,
    right: Option<RowStream>,
    /// The first right row that does not come before the left rows so far.
    ahead: Option<((Timestamp, i64), Cells)>,
    latest: HashMap<Key, (Timestamp, Cells), RandomState>,
    by: Vec<Slot>,
    key: Vec<Datum>,
    within_ns: Option<i64>,
    columns: RightColumns,
    asof_ts: Slot,
    held: Held,
    pace: Pace,
}

impl Matching {
    fn find(&mut self, mut row: Cells) -> Result<Cells> {
        self.pace.step()?;
        self.held.release(row.bytes());
        let Some(ts) = ts_of(&row) else { return Ok(row) };
        self.read_before(left_place(&row))?;
        if !read_key(&mut self.key, &self.by, &row) {
            return Ok(row);
        }
        let Some((found_ts, found)) = self.latest.get(&self.key[..]) else { return Ok(row) };
        if self.within_ns.is_some_and(|within| ts.0.saturating_sub(found_ts.0) > within) {
            return Ok(row);
        }
        self.columns.put(&mut row, found);
        row.set(self.asof_ts, Datum::Time(*found_ts));
        Ok(row)
    }

    /// Reads the right rows that come before a place.
    fn read_before(&mut self, place: (Timestamp, i64)) -> Result<()> {
        loop {
            if let Some((right, row)) = self.ahead.take_if(|(right, _)| *right < place) {
                self.remember(right.0, row)?;
            }
            if self.ahead.is_some() {
                return Ok(());
            }
            let Some(right) = &mut self.right else { return Ok(()) };
            self.pace.step()?;
            match right.next() {
                Some(row) => {
                    let row = row?;
                    // Rows without a time come before nothing.
                    self.ahead = right_place(&row).map(|place| (place, row));
                }
                None => self.right = None,
            }
        }
    }

    fn remember(&mut self, ts: Timestamp, row: Cells) -> Result<()> {
        if !read_key(&mut self.key, &self.by, &row) {
            return Ok(());
        }
        let bytes = row.bytes();
        match self.latest.get_mut(&self.key[..]) {
            Some(latest) => {
                self.held.release(latest.1.bytes());
                self.held.take(bytes)?;
                *latest = (ts, row);
            }
            None => {
                self.held.take(bytes + key::bytes(&self.key))?;
                self.latest.insert(self.key.as_slice().into(), (ts, row));
            }
        }
        Ok(())
    }
}

/// Reads the key of a row; false if it lacks a part.
pub(super) fn read_key(key: &mut Vec<Datum>, by: &[Slot], row: &Cells) -> bool {
    key.clear();
    key.extend(by.iter().map(|slot| row.get(*slot).clone()));
    !key.iter().any(Datum::is_null)
}

impl Iterator for Matching {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        let row = self.left.next()?;
        let found = self.find(row);
        if found.is_err() {
            self.left = Vec::new().into_iter();
        }
        Some(found)
    }
}
