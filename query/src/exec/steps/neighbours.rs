//! `prev`, `next` and `delta`: values of the neighbouring row with the same key, in incoming order.
//!
//! `prev` and `delta` stream: they remember one row's values for each key. `next` holds a row until the next one of its
//! key comes, and all rows behind it, so that rows keep their order; a key that does not come again holds them to the
//! end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::held::{Held, Pace};
use super::key::{self, Key};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::datum::arithmetic::binary;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::plan::scalar::Scalar;
use crate::syntax::ast::{BinaryOp, ShiftKind, Span};

/// See the module. The first row of a key, or for `next` the last, has no value.
pub(crate) fn shift(
    input: RowStream,
    kind: ShiftKind,
    items: &[(Slot, Scalar)],
    by: &[Scalar],
    span: Span,
    execution: &Arc<Execution>,
) -> RowStream {
    match kind {
        ShiftKind::Prev => look_back(input, items, by, None, execution),
        ShiftKind::Delta => look_back(input, items, by, Some(span), execution),
        ShiftKind::Next => Box::new(Next {
            input: Some(input),
            items: items.to_vec(),
            by: by.to_vec(),
            key: Vec::with_capacity(by.len()),
            waiting: VecDeque::new(),
            first: 0,
            latest: HashMap::default(),
            held: Held::new(execution),
            pace: Pace::new(execution),
        }),
    }
}

fn look_back(
    input: RowStream,
    items: &[(Slot, Scalar)],
    by: &[Scalar],
    delta: Option<Span>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (items, by) = (items.to_vec(), by.to_vec());
    let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
    let mut latest: HashMap<Key, Vec<Datum>, RandomState> = HashMap::default();
    let mut key = Vec::with_capacity(by.len());
    Box::new(input.map(move |row| {
        pace.step()?;
        let mut row = row?;
        key::evaluate_into(&mut key, &by, &row)?;
        let mut values = values_of(&items, &row)?;
        let before = match latest.get_mut(&key[..]) {
            Some(known) => {
                std::mem::swap(known, &mut values);
                Some((&values, &*known))
            }
            None => {
                held.take(key::bytes(&key) + key::bytes(&values))?;
                latest.insert(key.as_slice().into(), values);
                None
            }
        };
        for (at, (slot, _)) in items.iter().enumerate() {
            let value = match (before, delta) {
                (None, _) => Datum::Null,
                (Some((before, _)), None) => before[at].clone(),
                (Some((before, now)), Some(span)) => {
                    binary(BinaryOp::Subtract, now[at].borrow(), before[at].borrow())
                        .map_err(|error| error.or_place(span))?
                }
            };
            row.set(*slot, value);
        }
        Ok(row)
    }))
}

fn values_of(items: &[(Slot, Scalar)], row: &Cells) -> Result<Vec<Datum>> {
    items.iter().map(|(_, scalar)| scalar.evaluate(row)).collect()
}

struct Next {
    input: Option<RowStream>,
    items: Vec<(Slot, Scalar)>,
    by: Vec<Scalar>,
    key: Vec<Datum>,
    /// Rows not yet given, in order.
    waiting: VecDeque<Waiting>,
    /// The place, among all rows, of the first that waits.
    first: u64,
    /// The place of the latest row of each key.
    latest: HashMap<Key, u64, RandomState>,
    held: Held,
    pace: Pace,
}

struct Waiting {
    row: Cells,
    bytes: usize,
    is_complete: bool,
}

impl Next {
    fn add(&mut self, row: Cells) -> Result<()> {
        self.pace.step()?;
        key::evaluate_into(&mut self.key, &self.by, &row)?;
        let place = self.first + self.waiting.len() as u64;
        match self.latest.get_mut(&self.key[..]) {
            Some(latest) => {
                let before = &mut self.waiting[(*latest - self.first) as usize];
                for ((slot, _), value) in self.items.iter().zip(values_of(&self.items, &row)?) {
                    before.row.set(*slot, value);
                }
                before.is_complete = true;
                *latest = place;
            }
            None => {
                self.held.take(key::bytes(&self.key))?;
                self.latest.insert(self.key.as_slice().into(), place);
            }
        }
        let bytes = row.bytes();
        self.held.take(bytes)?;
        self.waiting.push_back(Waiting { row, bytes, is_complete: false });
        Ok(())
    }

    fn give(&mut self) -> Option<Cells> {
        let Waiting { row, bytes, .. } = self.waiting.pop_front()?;
        self.first += 1;
        self.held.release(bytes);
        Some(row)
    }
}

impl Iterator for Next {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        while let Some(input) = &mut self.input {
            if self.waiting.front().is_some_and(|first| first.is_complete) {
                break;
            }
            let added = match input.next() {
                Some(row) => row.and_then(|row| self.add(row)),
                None => {
                    // Whatever still waits is the last of its key.
                    for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.is_complete) {
                        self.items.iter().for_each(|(slot, _)| waiting.row.set(*slot, Datum::Null));
                    }
                    self.input = None;
                    Ok(())
                }
            };
            if let Err(error) = added {
                self.input = None;
                self.waiting.clear();
                return Some(Err(error));
            }
        }
        self.give().map(Ok)
    }
}
