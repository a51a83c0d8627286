//! `join`: the rows of another query that agree with a row, by a hash of the keys.
//!
//! The right rows are held, the left ones stream.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::asof::read_key;
use super::held::{Held, Pace};
use super::key::{self, Key};
use super::right::RightColumns;
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, Source};
use crate::exec::lazy::lazily;
use crate::plan::step::Plan;

/// Every pair of rows whose keys, left column and right column, are equal as group keys: in left order, and for one
/// left row in right order. A row that lacks a key agrees with none. With `keep_unmatched` a left row without a
/// partner comes alone.
pub(crate) fn join(
    input: RowStream,
    plan: &Plan,
    on: &[(Slot, Slot)],
    keep_unmatched: bool,
    renamed: &[(Slot, Slot)],
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (plan, source, execution) = (plan.clone(), Arc::clone(source), Arc::clone(execution));
    let (left_by, right_by): (Vec<Slot>, Vec<Slot>) = on.iter().copied().unzip();
    let columns = RightColumns::of_join(renamed, on, &execution.names);
    lazily(move || {
        let mut input = input.peekable();
        if input.peek().is_none() {
            return Ok(Box::new(std::iter::empty()) as RowStream);
        }
        let right = RightRows::read(source.run(&plan)?, &right_by, &execution)?;
        Ok(Box::new(Pairs {
            input,
            right,
            left_by,
            keep_unmatched,
            columns,
            key: Vec::new(),
            current: None,
            pace: Pace::new(&execution),
        }) as RowStream)
    })
}

/// The right rows, those of one key chained in order.
struct RightRows {
    rows: Vec<(Cells, Option<usize>)>,
    /// First and last row of each key.
    chains: HashMap<Key, (usize, usize), RandomState>,
    _held: Held,
}

impl RightRows {
    fn read(input: RowStream, by: &[Slot], execution: &Arc<Execution>) -> Result<RightRows> {
        let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
        let mut rows: Vec<(Cells, Option<usize>)> = Vec::new();
        let mut chains: HashMap<Key, (usize, usize), RandomState> = HashMap::default();
        let mut key = Vec::with_capacity(by.len());
        for row in input {
            pace.step()?;
            let row = row?;
            if !read_key(&mut key, by, &row) {
                continue;
            }
            held.take(row.bytes() + size_of::<Option<usize>>())?;
            let place = rows.len();
            rows.push((row, None));
            match chains.get_mut(&key[..]) {
                Some((_, last)) => {
                    rows[*last].1 = Some(place);
                    *last = place;
                }
                None => {
                    held.take(key::bytes(&key))?;
                    chains.insert(key.as_slice().into(), (place, place));
                }
            }
        }
        Ok(RightRows { rows, chains, _held: held })
    }
}

struct Pairs {
    input: std::iter::Peekable<RowStream>,
    right: RightRows,
    left_by: Vec<Slot>,
    keep_unmatched: bool,
    columns: RightColumns,
    key: Vec<Datum>,
    /// A left row, and the right row it is paired with next.
    current: Option<(Cells, usize)>,
    pace: Pace,
}

impl Pairs {
    fn pair(&mut self) -> Result<Option<Cells>> {
        loop {
            self.pace.step()?;
            if let Some((left, place)) = self.current.take() {
                let (right, next) = &self.right.rows[place];
                let mut pair = match next {
                    Some(next) => {
                        let pair = left.clone();
                        self.current = Some((left, *next));
                        pair
                    }
                    None => left,
                };
                self.columns.put(&mut pair, right);
                return Ok(Some(pair));
            }
            let Some(left) = self.input.next() else { return Ok(None) };
            let left = left?;
            let chain = read_key(&mut self.key, &self.left_by, &left)
                .then(|| self.right.chains.get(&self.key[..]))
                .flatten();
            match chain {
                Some((first, _)) => self.current = Some((left, *first)),
                None if self.keep_unmatched => return Ok(Some(left)),
                None => {}
            }
        }
    }
}

impl Iterator for Pairs {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        self.pair().transpose()
    }
}
