//! Stages that pick, compute and order rows.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use blotter::query::syntax::ast::{Expr, Filter, Name, Named, Sample, SortKey};
use rust_decimal::prelude::ToPrimitive;

use super::{Columns, ModelRows, groups, names_of, values};
use crate::expression::{ModelResult, ModelRow, Scope};
use crate::filter;
use crate::value::ModelValue::{self, *};

pub(super) fn keep(scope: &Scope, condition: &Filter, state: &mut ModelRows) -> ModelResult<()> {
    let mut kept = Vec::new();
    for row in std::mem::take(&mut state.rows) {
        if filter::holds(scope, condition, &row)? {
            kept.push(row);
        }
    }
    state.rows = kept;
    Ok(())
}

pub(super) fn fields(scope: &Scope, columns: &[Named], state: &mut ModelRows) -> ModelResult<()> {
    let names = names_of(columns);
    for row in &mut state.rows {
        let values = values(scope, columns, row)?;
        *row = names.iter().cloned().zip(values).collect();
    }
    state.columns = Columns::Listed(names);
    Ok(())
}

pub(super) fn extend(scope: &Scope, columns: &[(Name, Expr)], state: &mut ModelRows) -> ModelResult<()> {
    for row in &mut state.rows {
        for (name, expr) in columns {
            let value = scope.value(expr, row)?;
            row.insert(name.node.clone(), value);
        }
    }
    columns.iter().for_each(|(name, _)| state.add_column(&name.node));
    Ok(())
}

pub(super) fn sort(scope: &Scope, keys: &[SortKey], state: &mut ModelRows) -> ModelResult<()> {
    let mut keyed = Vec::new();
    for row in std::mem::take(&mut state.rows) {
        let values = keys.iter().map(|key| scope.value(&key.expr, &row));
        keyed.push((values.collect::<ModelResult<Vec<ModelValue>>>()?, row));
    }
    keyed.sort_by(|(left, _), (right, _)| {
        let parts = keys.iter().zip(left.iter().zip(right));
        let parts = parts.map(|(key, (left, right))| left.order_for_sort(right, key.descending));
        parts.fold(Ordering::Equal, Ordering::then)
    });
    state.rows = keyed.into_iter().map(|(_, row)| row).collect();
    Ok(())
}

pub(super) fn distinct(scope: &Scope, columns: &[Named], state: &mut ModelRows) -> ModelResult<()> {
    let groups = groups(scope, columns, &state.rows)?;
    let names = names_of(columns);
    state.rows = groups.into_iter().map(|(key, _)| names.iter().cloned().zip(key).collect()).collect();
    state.columns = Columns::Listed(names);
    Ok(())
}

pub(super) fn distinct_rows(state: &mut ModelRows) {
    let mut kept: Vec<ModelRow> = Vec::new();
    for row in std::mem::take(&mut state.rows) {
        if !kept.iter().any(|known| are_same(known, &row)) {
            kept.push(row);
        }
    }
    state.rows = kept;
}

pub(super) fn sample(sample: &Sample, state: &mut ModelRows) {
    let hashes: Vec<u64> = state.rows.iter().zip(0..).map(|(row, place)| hash(row, place)).collect();
    let chosen: Vec<bool> = match sample {
        Sample::Percent(percent) => {
            let share = percent.node.to_f64().expect("it is a number") / 100.0;
            let is_below = |hash: &u64| ((hash >> 11) as f64 / (1u64 << 53) as f64) < share;
            hashes.iter().map(is_below).collect()
        }
        Sample::Rows(count) => {
            let mut order: Vec<usize> = (0..hashes.len()).collect();
            order.sort_by_key(|at| hashes[*at]);
            order.truncate(count.node as usize);
            (0..hashes.len()).map(|at| order.contains(&at)).collect()
        }
    };
    let rows = std::mem::take(&mut state.rows).into_iter().zip(chosen);
    state.rows = rows.filter(|(_, chosen)| *chosen).map(|(row, _)| row).collect();
}

fn are_same(left: &ModelRow, right: &ModelRow) -> bool {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |row: &ModelRow, name: &String| row.get(name).cloned().unwrap_or(Null);
    names.into_iter().all(|name| value(left, name).order(&value(right, name)).is_eq())
}

/// The finalizer of splitmix64 over seq, or over the place of a row without one.
fn hash(row: &ModelRow, place: u64) -> u64 {
    let number = match row.get("seq") {
        Some(Int(seq)) => *seq as u64,
        _ => place,
    };
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
