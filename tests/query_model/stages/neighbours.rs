//! Stages that look at the rows before and after.

use blotter::query::syntax::ast::{BinaryOp, Expr, Named, ShiftKind};

use super::{Columns, ModelRows, groups, names_of, time, values};
use crate::expression::{ModelResult, ModelRow, Scope, binary};
use crate::names;
use crate::value::ModelValue::{self, *};
use crate::value::order_of_keys;

pub(super) fn shift(
    scope: &Scope,
    kind: ShiftKind,
    items: &[Named],
    by: &[Expr],
    state: &mut ModelRows,
) -> ModelResult<()> {
    let prefix = match kind {
        ShiftKind::Prev => "prev",
        ShiftKind::Next => "next",
        ShiftKind::Delta => "delta",
    };
    let mut columns: Vec<String> = Vec::new();
    for item in items {
        let name = match &item.name {
            Some(name) => name.node.clone(),
            None => names::free(format!("{prefix}_{}", names::of_expr(&item.expr)), &columns),
        };
        columns.push(name);
    }
    let mut keys = Vec::new();
    let mut found = Vec::new();
    for row in &state.rows {
        keys.push(by.iter().map(|key| scope.value(key, row)).collect::<ModelResult<Vec<ModelValue>>>()?);
        found.push(values(scope, items, row)?);
    }
    for at in 0..state.rows.len() {
        let is_same = |other: &usize| order_of_keys(&keys[*other], &keys[at]).is_eq();
        let neighbour = match kind {
            ShiftKind::Next => (at + 1..keys.len()).find(is_same),
            _ => (0..at).rev().find(is_same),
        };
        for (item, column) in columns.iter().enumerate() {
            let value = match (kind, neighbour) {
                (_, None) => Null,
                (ShiftKind::Delta, Some(other)) => {
                    binary(BinaryOp::Subtract, &found[at][item], &found[other][item])?
                }
                (_, Some(other)) => found[other][item].clone(),
            };
            state.rows[at].insert(column.clone(), value);
        }
    }
    columns.iter().for_each(|column| state.add_column(column));
    Ok(())
}

pub(super) fn sessions(
    scope: &Scope,
    by: &[Named],
    max_span: Option<i64>,
    max_pause: Option<i64>,
    state: &mut ModelRows,
) -> ModelResult<()> {
    let mut rows = std::mem::take(&mut state.rows);
    rows.sort_by_key(time);
    let names = names_of(by);
    let mut sessions: Vec<(i64, Vec<ModelValue>, ModelRow)> = Vec::new();
    for (key, members) in groups(scope, by, &rows)? {
        let mut open: Vec<&ModelRow> = Vec::new();
        for (place, at) in members.iter().enumerate() {
            let row = &rows[*at];
            open.push(row);
            let next = members.get(place + 1).map(|at| time(&rows[*at]));
            let goes_on = next.is_some_and(|next| {
                max_span.is_none_or(|span| next <= time(open[0]) + span)
                    && max_pause.is_none_or(|pause| next <= time(row) + pause)
            });
            if goes_on {
                continue;
            }
            let (first, last) = (open[0], row);
            let event = |row: &ModelRow| row.get("event").cloned().unwrap_or(Null);
            let level = open.iter().filter_map(|row| row.get("level").cloned()).max_by(ModelValue::order);
            let mut made: ModelRow = names.iter().cloned().zip(key.iter().cloned()).collect();
            for (name, value) in [
                ("start", Time(time(first))),
                ("end", Time(time(last))),
                ("duration", Duration(time(last) - time(first))),
                ("count", Int(open.len() as i64)),
                ("first_event", event(first)),
                ("last_event", event(last)),
                ("level", level.unwrap_or(Null)),
            ] {
                made.insert(name.to_owned(), value);
            }
            sessions.push((time(first), key.clone(), made));
            open.clear();
        }
    }
    sessions.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| order_of_keys(&left.1, &right.1)));
    state.rows = sessions.into_iter().map(|(_, _, row)| row).collect();
    let made = ["start", "end", "duration", "count", "first_event", "last_event", "level"].map(str::to_owned);
    state.columns = Columns::Listed(names.into_iter().chain(made).collect());
    Ok(())
}
