//! Steps that look at one row at a time: `where`, `fields`, `fields except`, `extend`.

use std::sync::Arc;

use super::held::Pace;
use crate::cells::{Cells, Slot};
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::plan::scalar::{Condition, Scalar};

/// The rows for which the condition holds.
pub(crate) fn keep(input: RowStream, condition: &Condition, execution: &Arc<Execution>) -> RowStream {
    let condition = condition.clone();
    let mut pace = Pace::new(execution);
    let mut keep = move |row: Result<Cells>| {
        pace.step()?;
        let row = row?;
        Ok(condition.holds(&row)?.then_some(row))
    };
    Box::new(input.filter_map(move |row| keep(row).transpose()))
}

/// Rows of these columns only, in this order.
pub(crate) fn fields(input: RowStream, columns: &[(Slot, Scalar)]) -> RowStream {
    let columns = columns.to_vec();
    Box::new(input.map(move |row| select(&row?, &columns)))
}

/// The values of some columns, without nulls.
pub(super) fn select(row: &Cells, columns: &[(Slot, Scalar)]) -> Result<Cells> {
    let mut selected = Cells::with_capacity(columns.len());
    for (slot, scalar) in columns {
        let datum = scalar.evaluate(row)?;
        if !datum.is_null() {
            selected.push(*slot, datum);
        }
    }
    Ok(selected)
}

/// The rows without these columns.
pub(crate) fn except(input: RowStream, columns: &[Slot]) -> RowStream {
    let columns = columns.to_vec();
    Box::new(input.map(move |row| {
        let row = row?;
        let mut kept = Cells::with_capacity(row.iter().count());
        for (slot, datum) in row.into_iter().filter(|(slot, _)| !columns.contains(slot)) {
            kept.push(slot, datum);
        }
        Ok(kept)
    }))
}

/// The rows with these columns set, one after the other, so that a later one sees an earlier one.
pub(crate) fn extend(input: RowStream, columns: &[(Slot, Scalar)]) -> RowStream {
    let columns = columns.to_vec();
    Box::new(input.map(move |row| {
        let mut row = row?;
        for (slot, scalar) in &columns {
            let datum = scalar.evaluate(&row)?;
            row.set(*slot, datum);
        }
        Ok(row)
    }))
}
