//! `distinct`: the first row of each combination.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::columns::select;
use super::held::{Held, Pace};
use super::key::{self, Key};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::plan::scalar::Scalar;

/// The first row of each combination of these columns, with these columns only; of all columns if none are named.
/// Rows come as soon as they are met.
pub(crate) fn distinct(
    input: RowStream,
    columns: &[(Slot, Scalar)],
    execution: &Arc<Execution>,
) -> RowStream {
    let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
    let columns = columns.to_vec();
    if columns.is_empty() {
        let mut seen: HashSet<Vec<(Slot, Datum)>, RandomState> = HashSet::default();
        let mut first_of_all = move |row: Result<Cells>| {
            pace.step()?;
            let row = row?;
            // Columns in one order, so that rows that have them in different orders are equal.
            let mut whole: Vec<(Slot, Datum)> =
                row.iter().map(|(slot, datum)| (slot, datum.clone())).collect();
            whole.sort_by_key(|(slot, _)| *slot);
            if seen.contains(&whole) {
                return Ok(None);
            }
            held.take(2 * row.bytes())?;
            seen.insert(whole);
            Ok(Some(row))
        };
        return Box::new(input.filter_map(move |row| first_of_all(row).transpose()));
    }
    let mut seen: HashSet<Key, RandomState> = HashSet::default();
    let mut key = Vec::with_capacity(columns.len());
    let mut first_of_key = move |row: Result<Cells>| {
        pace.step()?;
        let row = row?;
        key::evaluate_into(&mut key, columns.iter().map(|(_, scalar)| scalar), &row)?;
        if seen.contains(&key[..]) {
            return Ok(None);
        }
        held.take(key::bytes(&key))?;
        seen.insert(key.as_slice().into());
        select(&row, &columns).map(Some)
    };
    Box::new(input.filter_map(move |row| first_of_key(row).transpose()))
}
