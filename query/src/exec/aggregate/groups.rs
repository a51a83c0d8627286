//! Groups by the values of their keys, and aggregates over a stream of rows.

use std::sync::Arc;

use super::HashMap;
use super::accumulator::{Accumulator, Order};
use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::plan::Columns;
use crate::plan::scalar::Scalar;
use crate::plan::step::{BoundAggregate, Stats};

/// Rows between two looks at the budget.
const CHECK_ROWS: i64 = 512;
/// Bytes that a group takes besides its keys, about, for each aggregate.
const STATE_BYTES: usize = 64;

/// See the module.
pub(crate) struct Groups<'p> {
    stats: &'p Stats,
    numbers: HashMap<Box<[Datum]>, u32>,
    pub(crate) accumulators: Vec<Accumulator>,
    /// Memory taken for keys and states.
    bytes: usize,
}

/// The accumulators of a list of aggregates.
pub(crate) fn accumulators(aggregates: &[BoundAggregate]) -> Vec<Accumulator> {
    aggregates.iter().map(|a| Accumulator::new(a.function, a.arguments.len())).collect()
}

impl<'p> Groups<'p> {
    pub(crate) fn new(stats: &'p Stats) -> Groups<'p> {
        let accumulators = accumulators(&stats.aggregates);
        Groups { stats, numbers: HashMap::default(), accumulators, bytes: 0 }
    }

    /// The group of those keys, new if there is none.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn group(&mut self, keys: Box<[Datum]>, execution: &Execution) -> Result<usize> {
        if let Some(number) = self.numbers.get(&keys) {
            return Ok(*number as usize);
        }
        let bytes = group_bytes(&keys, self.accumulators.len());
        execution.budget.take(bytes)?;
        self.bytes += bytes;
        let number = self.numbers.len();
        self.numbers.insert(keys, number as u32);
        self.accumulators.iter_mut().for_each(|accumulator| accumulator.resize(number + 1));
        Ok(number)
    }

    /// One row per group, sorted by keys.
    ///
    /// # Errors
    /// Sums that do not fit.
    pub(crate) fn finish(mut self, execution: &Execution) -> Result<Vec<Cells>> {
        if self.stats.keys.is_empty() {
            // Of nothing there is still one count.
            self.group(Box::default(), execution)?;
        }
        let mut groups: Vec<(Box<[Datum]>, u32)> = std::mem::take(&mut self.numbers).into_iter().collect();
        groups.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        let mut rows = Vec::with_capacity(groups.len());
        for (keys, number) in groups {
            let mut cells = Cells::with_capacity(keys.len() + self.accumulators.len());
            for (key, (slot, _)) in keys.into_iter().zip(&self.stats.keys) {
                cells.set(*slot, key);
            }
            for (accumulator, aggregate) in self.accumulators.iter_mut().zip(&self.stats.aggregates) {
                let result = accumulator.finish(number as usize, self.stats.bin_seconds);
                cells.set(aggregate.slot, result.map_err(|error| error.or_place(aggregate.span))?);
            }
            rows.push(cells);
        }
        Ok(rows)
    }

    /// Its keys in the order of its groups, the accumulators, and the memory taken for both.
    pub(crate) fn into_parts(self) -> (Vec<Box<[Datum]>>, Vec<Accumulator>, usize) {
        let mut keys: Vec<(Box<[Datum]>, u32)> = self.numbers.into_iter().collect();
        keys.sort_unstable_by_key(|(_, number)| *number);
        (keys.into_iter().map(|(keys, _)| keys).collect(), self.accumulators, self.bytes)
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &impl Columns, order: Order, execution: &Execution) -> Result<()> {
        let keys = self.stats.keys.iter().map(|(_, scalar)| scalar.evaluate(row));
        let group = self.group(keys.collect::<Result<_>>()?, execution)?;
        add_row(&self.stats.aggregates, &mut self.accumulators, group, row, order, execution)
    }
}

/// Memory of a group, about.
pub(crate) fn group_bytes(keys: &[Datum], aggregates: usize) -> usize {
    let keys: usize = keys.iter().map(|key| size_of::<Datum>() + text_bytes(key)).sum();
    keys + 32 + STATE_BYTES * aggregates
}

fn text_bytes(datum: &Datum) -> usize {
    match datum {
        Datum::Str(text) if text.is_heap_allocated() => text.len() + 16,
        _ => 0,
    }
}

/// Adds a row to a group of all aggregates.
fn add_row(
    aggregates: &[BoundAggregate],
    accumulators: &mut [Accumulator],
    group: usize,
    row: &impl Columns,
    order: Order,
    execution: &Execution,
) -> Result<()> {
    let mut bytes = 0;
    for (aggregate, accumulator) in aggregates.iter().zip(accumulators) {
        if aggregate.condition.holds(row)? {
            let added = add_arguments(aggregate, accumulator, group, row, order);
            bytes += added.map_err(|error| error.or_place(aggregate.span))?;
        }
    }
    if bytes > 0 { execution.budget.take(bytes) } else { Ok(()) }
}

/// Adds the arguments of a row to a group of one aggregate.
pub(crate) fn add_arguments(
    aggregate: &BoundAggregate,
    accumulator: &mut Accumulator,
    group: usize,
    row: &impl Columns,
    order: Order,
) -> Result<usize> {
    let evaluate = |index: usize| match aggregate.arguments.get(index) {
        None => Ok(Datum::Bool(true)),
        Some(Scalar::Column(slot)) => Ok(row.column(*slot).to_datum()),
        Some(scalar) => scalar.evaluate(row),
    };
    let value = evaluate(0)?;
    if let Accumulator::Rate { .. } = accumulator {
        return accumulator.add(group, order, value.borrow(), row.column(Slot::TS));
    }
    match aggregate.arguments.len() {
        2 => accumulator.add(group, order, value.borrow(), evaluate(1)?.borrow()),
        _ => accumulator.add(group, order, value.borrow(), DatumRef::Null),
    }
}

/// Aggregates a stream of rows; `first` and `last` go by its order.
///
/// # Errors
/// None here: they come with the rows.
pub(crate) fn rows(input: RowStream, stats: &Stats, execution: &Arc<Execution>) -> Result<RowStream> {
    let (stats, execution) = (stats.clone(), Arc::clone(execution));
    Ok(crate::exec::lazy::lazily_all(move || {
        let mut groups = Groups::new(&stats);
        for (number, row) in input.enumerate() {
            let number = number as i64;
            if number % CHECK_ROWS == 0 {
                execution.budget.check()?;
            }
            groups.add(&row?, (number, 0), &execution)?;
        }
        groups.finish(&execution)
    }))
}
