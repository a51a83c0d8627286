//! The pipeline: all rows of a stage, then all rows of the next.

mod neighbours;
mod others;
mod rows;
mod summaries;
mod timeline;

use std::collections::BTreeSet;

use blotter::query::syntax::ast::{Aggregate, AggregateFunction, Literal, LiteralKind, Named, Query, Stage};
use chrono_tz::Tz;

use self::timeline::Range;
use crate::expression::{ModelError, ModelResult, ModelRow, Scope};
use crate::filter;
use crate::names;
use crate::value::ModelValue::{self, *};
use crate::value::order_of_keys;

/// Rows and their columns.
#[derive(Clone, Debug)]
pub struct ModelRows {
    pub rows: Vec<ModelRow>,
    pub columns: Columns,
    pub zone: Tz,
}

/// Which columns rows have.
#[derive(Clone, Debug, PartialEq)]
pub enum Columns {
    /// Those that each has.
    Open,
    /// These, in this order.
    Listed(Vec<String>),
    /// Those of two lists.
    Joined,
}

/// A database as the model sees it: all events in (`ts`, `seq`) order.
pub struct Model<'a> {
    pub events: &'a [ModelRow],
    pub scope: Scope,
    /// Names that the query uses, so that it can name the columns of other queries by them.
    pub names: BTreeSet<String>,
}

impl Model<'_> {
    pub fn run(&self, query: &Query) -> ModelResult<ModelRows> {
        let mut scope = self.scope.clone();
        let mut state = ModelRows { rows: Vec::new(), columns: Columns::Open, zone: scope.zone };
        for event in self.events {
            let passes = match &query.filter {
                Some(condition) => filter::holds(&scope, condition, event)?,
                None => true,
            };
            if passes {
                state.rows.push(event.clone());
            }
        }
        let mut range = (None, None);
        if let Some(condition) = &query.filter {
            timeline::narrow(&mut range, &scope, condition)?;
        }
        for stage in &query.stages {
            match &stage.node {
                Stage::Zone(zone) => {
                    scope.zone = zone.node.parse().map_err(|_| ModelError::UnknownName)?;
                    state.zone = scope.zone;
                }
                other => self.stage(&scope, other, &mut state, range)?,
            }
            // Which times there can be from here on.
            match &stage.node {
                Stage::Where(condition) => timeline::narrow(&mut range, &scope, condition)?,
                Stage::Related { .. } => range = (None, None),
                Stage::Context { before, after, .. } => {
                    range.0 = range.0.map(|first| first - duration(before));
                    range.1 = range.1.map(|last| last + duration(after));
                }
                _ => {}
            }
        }
        for row in &mut state.rows {
            row.retain(|_, value| !value.is_null());
        }
        Ok(state)
    }

    fn stage(&self, scope: &Scope, stage: &Stage, state: &mut ModelRows, range: Range) -> ModelResult<()> {
        match stage {
            Stage::Where(condition) => rows::keep(scope, condition, state)?,
            Stage::Fields(columns) => rows::fields(scope, columns, state)?,
            Stage::FieldsExcept(removed) => {
                for row in &mut state.rows {
                    removed.iter().for_each(|name| drop(row.remove(&name.node)));
                }
                if let Columns::Listed(columns) = &mut state.columns {
                    columns.retain(|column| removed.iter().all(|name| name.node != *column));
                }
            }
            Stage::Extend(columns) => rows::extend(scope, columns, state)?,
            Stage::Bin { expr, name } => {
                let name = name.as_ref().map_or_else(|| names::of_expr(expr), |name| name.node.clone());
                for row in &mut state.rows {
                    let value = scope.value(expr, row)?;
                    row.insert(name.clone(), value);
                }
                state.add_column(&name);
            }
            Stage::Sort(keys) => rows::sort(scope, keys, state)?,
            Stage::Head(count) => state.rows.truncate(count.node as usize),
            Stage::Tail(count) => {
                let first = state.rows.len().saturating_sub(count.node as usize);
                state.rows.drain(..first);
            }
            Stage::Distinct(columns) if columns.is_empty() => rows::distinct_rows(state),
            Stage::Distinct(columns) => rows::distinct(scope, columns, state)?,
            Stage::Sample(sample) => rows::sample(sample, state),
            Stage::Stats { aggregates, by } => summaries::stats(scope, aggregates, by, state)?,
            Stage::Top { count, key, by } => {
                let counting = Aggregate {
                    function: AggregateFunction::Count,
                    arguments: vec![],
                    condition: None,
                    name: None,
                };
                let by = by.as_ref().unwrap_or(&counting);
                summaries::stats(scope, std::slice::from_ref(by), std::slice::from_ref(key), state)?;
                let Columns::Listed(columns) = &state.columns else { panic!("stats lists its columns") };
                let value = |row: &ModelRow| row.get(&columns[1]).cloned().unwrap_or(Null);
                state.rows.sort_by(|left, right| value(left).order_for_sort(&value(right), true));
                state.rows.truncate(count.node as usize);
            }
            Stage::Histogram { expr, width } => summaries::histogram(scope, expr, width.as_ref(), state)?,
            Stage::Timeline { span, zone, by } => {
                let zone = match zone {
                    Some(zone) => zone.node.parse().map_err(|_| ModelError::UnknownName)?,
                    None => scope.zone,
                };
                let span = span.as_ref().expect("queries of the model give timelines a span");
                timeline::timeline(
                    &Scope { zone, ..scope.clone() },
                    duration(span),
                    by.as_ref(),
                    range,
                    state,
                )?;
            }
            Stage::Shift { kind, items, by } => neighbours::shift(scope, *kind, items, by, state)?,
            Stage::Sessions { by, max_span, max_pause } => {
                neighbours::sessions(
                    scope,
                    by,
                    max_span.as_ref().map(duration),
                    max_pause.as_ref().map(duration),
                    state,
                )?;
            }
            Stage::Related { from, to } => self.related(from.as_ref(), to.as_ref(), state),
            Stage::Context { before, after, filter: condition, by } => {
                let around = (duration(before), duration(after));
                self.context(scope, around, condition.as_ref(), by.as_ref(), state)?;
            }
            Stage::Asof { query, by, within } => {
                let right = self.within(scope).run(&query.node)?;
                self.asof(right, by, within.as_ref().map(duration), state);
            }
            Stage::Join { query, on, keep_unmatched } => {
                let right = self.within(scope).run(&query.node)?;
                self.join(right, on, *keep_unmatched, state);
            }
            Stage::Gaps => {
                // The databases of the model have lost nothing.
                let columns = ["kind", "producer", "first", "last", "count", "after_ts", "before_ts"];
                state.rows.clear();
                state.columns = Columns::Listed(columns.map(str::to_owned).to_vec());
            }
            Stage::Lifecycle { .. } | Stage::Zone(_) | Stage::Explain => {
                panic!("the model does not run {stage:?}")
            }
        }
        Ok(())
    }

    /// The model of a query within this one, in the zone of the stage.
    fn within(&self, scope: &Scope) -> Model<'_> {
        Model { events: self.events, scope: scope.clone(), names: self.names.clone() }
    }
}

impl ModelRows {
    fn add_column(&mut self, name: &str) {
        if let Columns::Listed(columns) = &mut self.columns
            && columns.iter().all(|known| known != name)
        {
            columns.push(name.to_owned());
        }
    }
}

fn names_of(columns: &[Named]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let name = names::of_named(column);
        names.push(names::free(name, &names));
    }
    names
}

fn values(scope: &Scope, columns: &[Named], row: &ModelRow) -> ModelResult<Vec<ModelValue>> {
    columns.iter().map(|column| scope.value(&column.expr, row)).collect()
}

/// Each combination in the order in which it is first met, with its rows.
fn groups(scope: &Scope, by: &[Named], rows: &[ModelRow]) -> ModelResult<Vec<(Vec<ModelValue>, Vec<usize>)>> {
    let mut groups: Vec<(Vec<ModelValue>, Vec<usize>)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let key = values(scope, by, row)?;
        match groups.iter_mut().find(|(known, _)| order_of_keys(known, &key).is_eq()) {
            Some((_, members)) => members.push(at),
            None => groups.push((key, vec![at])),
        }
    }
    Ok(groups)
}

fn seq(row: &ModelRow) -> i64 {
    match row.get("seq") {
        Some(Int(seq)) => *seq,
        other => panic!("the row is an event, with a seq, not {other:?}"),
    }
}

fn time(row: &ModelRow) -> i64 {
    match row.get("ts") {
        Some(Time(ts)) => *ts,
        other => panic!("the row is an event, with a time, not {other:?}"),
    }
}

fn duration(literal: &Literal) -> i64 {
    match literal.kind {
        LiteralKind::Duration(ns) => ns,
        _ => panic!("the parser takes durations only"),
    }
}
