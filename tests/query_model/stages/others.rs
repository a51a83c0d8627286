//! Stages that bring in other rows.

use blotter::query::syntax::ast::{Filter, Name};

use super::{Columns, Model, ModelRows, seq, time};
use crate::expression::{ModelResult, ModelRow, Scope};
use crate::filter;
use crate::value::ModelValue::{self, *};

impl Model<'_> {
    pub(super) fn related(&self, from: Option<&Name>, to: Option<&Name>, state: &mut ModelRows) {
        let from = from.map_or("correlation_id", |from| from.node.as_str());
        let to = to.map_or(from, |to| to.node.as_str());
        let matched: Vec<i64> = state.rows.iter().map(seq).collect();
        let printed = |row: &ModelRow, name: &str| {
            row.get(name).filter(|value| !value.is_null()).map(ModelValue::to_string)
        };
        let wanted: Vec<String> = state.rows.iter().filter_map(|row| printed(row, from)).collect();
        let is_related =
            |event: &ModelRow| printed(event, to).is_some_and(|printed| wanted.contains(&printed));
        let events = self.events.iter();
        state.rows =
            events.filter(|event| matched.contains(&seq(event)) || is_related(event)).cloned().collect();
        state.columns = Columns::Open;
    }

    pub(super) fn context(
        &self,
        scope: &Scope,
        (before, after): (i64, i64),
        condition: Option<&Filter>,
        by: Option<&Name>,
        state: &mut ModelRows,
    ) -> ModelResult<()> {
        let by = by.map_or("symbol", |by| by.node.as_str());
        let mut rows = Vec::new();
        for event in self.events {
            let is_matched = state.rows.iter().any(|row| seq(row) == seq(event));
            let is_around = state.rows.iter().any(|row| {
                let (row_ts, ts) = (time(row), time(event));
                let same = match (row.get(by), event.get(by)) {
                    (Some(left), Some(right)) => !left.is_null() && left.order(right).is_eq(),
                    _ => false,
                };
                same && ts >= row_ts - before && ts <= row_ts + after
            });
            let passes = match condition {
                Some(condition) => filter::holds(scope, condition, event)?,
                None => true,
            };
            if is_matched || is_around && passes {
                let mut row = event.clone();
                row.insert("matched".to_owned(), Bool(is_matched));
                rows.push(row);
            }
        }
        (state.rows, state.columns) = (rows, Columns::Open);
        Ok(())
    }

    pub(super) fn asof(&self, right: ModelRows, by: &[Name], within: Option<i64>, state: &mut ModelRows) {
        for row in &mut state.rows {
            let candidates = right.rows.iter().filter(|candidate| {
                let is_before = (time(candidate), seq(candidate)) < (time(row), seq(row));
                let is_near = within.is_none_or(|within| time(row) - time(candidate) <= within);
                is_before && is_near && by.iter().all(|key| agree(row, &key.node, candidate, &key.node))
            });
            if let Some(found) = candidates.max_by_key(|candidate| (time(candidate), seq(candidate))) {
                let keys: Vec<&str> = by.iter().map(|key| key.node.as_str()).collect();
                self.add_right(row, found, "asof", &keys, false);
                row.insert("asof_ts".to_owned(), Time(time(found)));
            }
        }
        state.columns = joined(&state.columns, &right.columns);
    }

    pub(super) fn join(
        &self,
        right: ModelRows,
        on: &[(Name, Name)],
        keep_unmatched: bool,
        state: &mut ModelRows,
    ) {
        let shared: Vec<&str> =
            on.iter().filter(|(a, b)| a.node == b.node).map(|(a, _)| a.node.as_str()).collect();
        let mut rows = Vec::new();
        for row in &state.rows {
            let mut is_matched = false;
            for other in &right.rows {
                if on.iter().all(|(left, right)| agree(row, &left.node, other, &right.node)) {
                    is_matched = true;
                    let mut pair = row.clone();
                    self.add_right(&mut pair, other, "right", &shared, true);
                    rows.push(pair);
                }
            }
            if !is_matched && keep_unmatched {
                rows.push(row.clone());
            }
        }
        state.rows = rows;
        state.columns = joined(&state.columns, &right.columns);
    }

    /// Adds the columns of another query's row.
    fn add_right(&self, left: &mut ModelRow, right: &ModelRow, prefix: &str, keys: &[&str], keeps_all: bool) {
        for (name, value) in right {
            let prefixed = format!("{prefix}.{name}");
            let is_taken = left.get(name).is_some_and(|value| !value.is_null());
            if !is_taken {
                left.insert(name.clone(), value.clone());
            }
            if self.names.contains(&prefixed) || keeps_all && is_taken && !keys.contains(&name.as_str()) {
                left.insert(prefixed, value.clone());
            }
        }
    }
}

fn agree(left: &ModelRow, left_name: &str, right: &ModelRow, right_name: &str) -> bool {
    match (left.get(left_name), right.get(right_name)) {
        (Some(left), Some(right)) => !left.is_null() && !right.is_null() && left.order(right).is_eq(),
        _ => false,
    }
}

fn joined(left: &Columns, right: &Columns) -> Columns {
    if *left == Columns::Open || *right == Columns::Open { Columns::Open } else { Columns::Joined }
}
