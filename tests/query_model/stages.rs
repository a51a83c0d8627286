//! The pipeline: all rows of a stage, then all rows of the next.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use blotter::query::syntax::ast::{
    Aggregate, AggregateFunction, BinaryOp, CompareOp, Expr, ExprKind, Filter, FilterKind, Literal,
    LiteralKind, Named, Query, Sample, ShiftKind, Stage,
};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::aggregate::aggregate;
use crate::clock;
use crate::expression::{ModelError, ModelResult, ModelRow, Scope, binary};
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
            narrow(&mut range, &scope, condition)?;
        }
        for stage in &query.stages {
            match &stage.node {
                Stage::Zone(zone) => {
                    scope.zone = zone.node.parse().map_err(|_| ModelError::UnknownName)?;
                    state.zone = scope.zone;
                }
                Stage::Where(condition) => {
                    narrow(&mut range, &scope, condition)?;
                    self.stage(&scope, &stage.node, &mut state, range)?;
                }
                other => self.stage(&scope, other, &mut state, range)?,
            }
        }
        for row in &mut state.rows {
            row.retain(|_, value| !value.is_null());
        }
        Ok(state)
    }

    fn stage(&self, scope: &Scope, stage: &Stage, state: &mut ModelRows, range: Range) -> ModelResult<()> {
        match stage {
            Stage::Where(condition) => {
                let mut kept = Vec::new();
                for row in std::mem::take(&mut state.rows) {
                    if filter::holds(scope, condition, &row)? {
                        kept.push(row);
                    }
                }
                state.rows = kept;
            }
            Stage::Fields(columns) => {
                let names = names_of(columns);
                for row in &mut state.rows {
                    let values = values(scope, columns, row)?;
                    *row = names.iter().cloned().zip(values).collect();
                }
                state.columns = Columns::Listed(names);
            }
            Stage::FieldsExcept(removed) => {
                for row in &mut state.rows {
                    removed.iter().for_each(|name| drop(row.remove(&name.node)));
                }
                if let Columns::Listed(columns) = &mut state.columns {
                    columns.retain(|column| removed.iter().all(|name| name.node != *column));
                }
            }
            Stage::Extend(columns) => {
                for row in &mut state.rows {
                    for (name, expr) in columns {
                        let value = scope.value(expr, row)?;
                        row.insert(name.node.clone(), value);
                    }
                }
                columns.iter().for_each(|(name, _)| state.add_column(&name.node));
            }
            Stage::Bin { expr, name } => {
                let name = name.as_ref().map_or_else(|| names::of_expr(expr), |name| name.node.clone());
                for row in &mut state.rows {
                    let value = scope.value(expr, row)?;
                    row.insert(name.clone(), value);
                }
                state.add_column(&name);
            }
            Stage::Sort(keys) => {
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
            }
            Stage::Head(count) => state.rows.truncate(count.node as usize),
            Stage::Tail(count) => {
                let first = state.rows.len().saturating_sub(count.node as usize);
                state.rows.drain(..first);
            }
            Stage::Distinct(columns) if columns.is_empty() => {
                let mut kept: Vec<ModelRow> = Vec::new();
                for row in std::mem::take(&mut state.rows) {
                    if !kept.iter().any(|known| are_same(known, &row)) {
                        kept.push(row);
                    }
                }
                state.rows = kept;
            }
            Stage::Distinct(columns) => {
                let groups = groups(scope, columns, &state.rows)?;
                let names = names_of(columns);
                state.rows =
                    groups.into_iter().map(|(key, _)| names.iter().cloned().zip(key).collect()).collect();
                state.columns = Columns::Listed(names);
            }
            Stage::Sample(sample) => {
                let hashes: Vec<u64> =
                    state.rows.iter().zip(0..).map(|(row, place)| hash(row, place)).collect();
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
            Stage::Stats { aggregates, by } => self.stats(scope, aggregates, by, state)?,
            Stage::Top { count, key, by } => {
                let counting = Aggregate {
                    function: AggregateFunction::Count,
                    arguments: vec![],
                    condition: None,
                    name: None,
                };
                let by = by.as_ref().unwrap_or(&counting);
                self.stats(scope, std::slice::from_ref(by), std::slice::from_ref(key), state)?;
                let Columns::Listed(columns) = &state.columns else { panic!("stats lists its columns") };
                let value = |row: &ModelRow| row.get(&columns[1]).cloned().unwrap_or(Null);
                state.rows.sort_by(|left, right| value(left).order_for_sort(&value(right), true));
                state.rows.truncate(count.node as usize);
            }
            Stage::Histogram { expr, width } => histogram(scope, expr, width.as_ref(), state)?,
            Stage::Timeline { span, zone, by } => {
                let zone = match zone {
                    Some(zone) => zone.node.parse().map_err(|_| ModelError::UnknownName)?,
                    None => scope.zone,
                };
                let span = span.as_ref().expect("queries of the model give timelines a span");
                timeline(&Scope { zone, ..scope.clone() }, duration(span), by.as_ref(), range, state)?;
            }
            Stage::Shift { kind, items, by } => shift(scope, *kind, items, by, state)?,
            Stage::Sessions { by, max_span, max_pause } => {
                sessions(
                    scope,
                    by,
                    max_span.as_ref().map(duration),
                    max_pause.as_ref().map(duration),
                    state,
                )?;
            }
            Stage::Related { from, to } => {
                let from = from.as_ref().map_or("correlation_id", |from| from.node.as_str());
                let to = to.as_ref().map_or(from, |to| to.node.as_str());
                let matched: Vec<i64> = state.rows.iter().map(seq).collect();
                let printed = |row: &ModelRow, name: &str| {
                    row.get(name).filter(|value| !value.is_null()).map(ModelValue::to_string)
                };
                let wanted: Vec<String> = state.rows.iter().filter_map(|row| printed(row, from)).collect();
                let is_related =
                    |event: &ModelRow| printed(event, to).is_some_and(|printed| wanted.contains(&printed));
                let events = self.events.iter();
                state.rows = events
                    .filter(|event| matched.contains(&seq(event)) || is_related(event))
                    .cloned()
                    .collect();
                state.columns = Columns::Open;
            }
            Stage::Context { before, after, filter: condition, by } => {
                let by = by.as_ref().map_or("symbol", |by| by.node.as_str());
                let (before, after) = (duration(before), duration(after));
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
            }
            Stage::Asof { query, by, within } => {
                let right = self.within(scope).run(&query.node)?;
                let within = within.as_ref().map(duration);
                for row in &mut state.rows {
                    let candidates = right.rows.iter().filter(|candidate| {
                        let is_before = (time(candidate), seq(candidate)) < (time(row), seq(row));
                        let is_near = within.is_none_or(|within| time(row) - time(candidate) <= within);
                        is_before
                            && is_near
                            && by.iter().all(|key| agree(row, &key.node, candidate, &key.node))
                    });
                    if let Some(found) = candidates.max_by_key(|candidate| (time(candidate), seq(candidate)))
                    {
                        let keys: Vec<&str> = by.iter().map(|key| key.node.as_str()).collect();
                        self.add_right(row, found, "asof", &keys, false);
                        row.insert("asof_ts".to_owned(), Time(time(found)));
                    }
                }
                state.columns = joined(&state.columns, &right.columns);
            }
            Stage::Join { query, on, keep_unmatched } => {
                let right = self.within(scope).run(&query.node)?;
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
                    if !is_matched && *keep_unmatched {
                        rows.push(row.clone());
                    }
                }
                state.rows = rows;
                state.columns = joined(&state.columns, &right.columns);
            }
            Stage::Gaps => {
                // The databases of the model have lost nothing.
                let columns = ["kind", "producer", "first", "last", "count", "after_ts", "before_ts"];
                state.rows.clear();
                state.columns = Columns::Listed(columns.map(str::to_owned).to_vec());
            }
            Stage::Zone(_) | Stage::Explain => panic!("the model does not run {stage:?}"),
        }
        Ok(())
    }

    /// The model of a query within this one, in the zone of the stage.
    fn within(&self, scope: &Scope) -> Model<'_> {
        Model { events: self.events, scope: scope.clone(), names: self.names.clone() }
    }

    fn stats(
        &self,
        scope: &Scope,
        aggregates: &[Aggregate],
        by: &[Named],
        state: &mut ModelRows,
    ) -> ModelResult<()> {
        let mut columns = names_of(by);
        for aggregate in aggregates {
            columns.push(names::free(names::of_aggregate(aggregate), &columns));
        }
        let mut groups = groups(scope, by, &state.rows)?;
        groups.sort_by(|(left, _), (right, _)| order_of_keys(left, right));
        if by.is_empty() && groups.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        let bin_ns = by.iter().find_map(|key| bin_width(&key.expr));
        let mut rows = Vec::new();
        for (key, members) in groups {
            let members: Vec<&ModelRow> = members.iter().map(|at| &state.rows[*at]).collect();
            let mut values = key;
            for wanted in aggregates {
                values.push(aggregate(scope, wanted, &members, bin_ns)?);
            }
            rows.push(columns.iter().cloned().zip(values).collect());
        }
        (state.rows, state.columns) = (rows, Columns::Listed(columns));
        Ok(())
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

impl ModelRows {
    fn add_column(&mut self, name: &str) {
        if let Columns::Listed(columns) = &mut self.columns
            && columns.iter().all(|known| known != name)
        {
            columns.push(name.to_owned());
        }
    }
}

fn joined(left: &Columns, right: &Columns) -> Columns {
    if *left == Columns::Open || *right == Columns::Open { Columns::Open } else { Columns::Joined }
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

fn are_same(left: &ModelRow, right: &ModelRow) -> bool {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |row: &ModelRow, name: &String| row.get(name).cloned().unwrap_or(Null);
    names.into_iter().all(|name| value(left, name).order(&value(right, name)).is_eq())
}

fn agree(left: &ModelRow, left_name: &str, right: &ModelRow, right_name: &str) -> bool {
    match (left.get(left_name), right.get(right_name)) {
        (Some(left), Some(right)) => !left.is_null() && !right.is_null() && left.order(right).is_eq(),
        _ => false,
    }
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

/// The width, if an expression is a bin of `ts`.
fn bin_width(expr: &Expr) -> Option<i64> {
    match &expr.node {
        ExprKind::Call { function, arguments } if function.node == "bin" => {
            match (&arguments[0].node, &arguments[1].node) {
                (ExprKind::Field(name), ExprKind::Literal(width)) if name == "ts" => Some(duration(width)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn histogram(scope: &Scope, expr: &Expr, width: Option<&Literal>, state: &mut ModelRows) -> ModelResult<()> {
    let mut values: Vec<Decimal> = Vec::new();
    for row in &state.rows {
        match scope.value(expr, row)? {
            Null => {}
            Float(value) => values.push(format!("{value}").parse().map_err(|_| ModelError::Value)?),
            value => values.push(value.exact().ok_or(ModelError::Type)?.normalize()),
        }
    }
    values.sort();
    let rows = match (values.first(), values.last()) {
        (Some(least), Some(greatest)) => {
            let name = match &expr.node {
                ExprKind::Field(name) => Some(name.as_str()),
                _ => None,
            };
            let width = match width {
                Some(width) => filter::number(width, name).ok_or(ModelError::Type)?,
                None => usual_width(*least, *greatest, &values),
            };
            let mut rows = Vec::new();
            let mut from = (*least / width).floor() * width;
            while from <= *greatest {
                let to = from + width;
                let count = values.iter().filter(|value| **value >= from && **value < to).count();
                let columns = [
                    ("from", ModelValue::Decimal(from)),
                    ("to", ModelValue::Decimal(to)),
                    ("count", Int(count as i64)),
                ];
                rows.push(columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
                from = to;
            }
            rows
        }
        _ => Vec::new(),
    };
    let columns = ["from", "to", "count"].map(str::to_owned).to_vec();
    (state.rows, state.columns) = (rows, Columns::Listed(columns));
    Ok(())
}

/// The least 1, 2 or 5 times a power of ten that makes at most 20 bins, and is no finer than the values are written.
fn usual_width(least: Decimal, greatest: Decimal, values: &[Decimal]) -> Decimal {
    let scale = values.iter().map(Decimal::scale).max().unwrap_or(0);
    let mut power = Decimal::new(1, scale);
    loop {
        for times in [1, 2, 5] {
            let width = power * Decimal::from(times);
            let bins = (greatest / width).floor() - (least / width).floor() + Decimal::ONE;
            if bins <= Decimal::from(20) {
                return width;
            }
        }
        power *= Decimal::TEN;
    }
}

/// First and last moment that a filter leaves.
type Range = (Option<i64>, Option<i64>);

/// Takes note of the times that the terms of a filter leave that must all hold.
fn narrow(range: &mut Range, scope: &Scope, condition: &Filter) -> ModelResult<()> {
    let mut at_least = |start: i64| range.0 = range.0.max(Some(start));
    match &condition.node {
        FilterKind::And(parts) => {
            for part in parts {
                narrow(range, scope, part)?;
            }
            return Ok(());
        }
        FilterKind::Last(literal) => at_least(scope.now - duration(literal)),
        FilterKind::Since(term) => at_least(filter::instant(scope, term)?),
        FilterKind::On(term) => at_least(filter::day(scope, term)?.0),
        _ => {}
    }
    let mut at_most = |end: i64| range.1 = Some(range.1.map_or(end, |known| known.min(end)));
    match &condition.node {
        FilterKind::Until(term) => at_most(filter::instant(scope, term)? - 1),
        FilterKind::On(term) => at_most(filter::day(scope, term)?.1 - 1),
        FilterKind::Between { left, low, high } => {
            if let (ExprKind::Field(name), ExprKind::Literal(low), ExprKind::Literal(high)) =
                (&left.node, &low.node, &high.node)
                && name == "ts"
                && let Some(low) = clock::point(&low.text, scope.zone, scope.now)
                && let Some(high) = clock::point(&high.text, scope.zone, scope.now)
            {
                range.0 = range.0.max(Some(low.instant(scope.zone, scope.now)));
                let end = high.instant(scope.zone, scope.now);
                range.1 = Some(range.1.map_or(end, |known| known.min(end)));
            }
        }
        FilterKind::Compare { left, op, right } => {
            if let (ExprKind::Field(name), ExprKind::Literal(literal)) = (&left.node, &right.node)
                && name == "ts"
                && let Some(point) = clock::point(&literal.text, scope.zone, scope.now)
            {
                let ns = point.instant(scope.zone, scope.now);
                let (first, last) = match op {
                    CompareOp::Less => (None, Some(ns - 1)),
                    CompareOp::LessOrEqual => (None, Some(ns)),
                    CompareOp::Greater => (Some(ns + 1), None),
                    CompareOp::GreaterOrEqual => (Some(ns), None),
                    CompareOp::Equal => (Some(ns), Some(ns)),
                    CompareOp::NotEqual => (None, None),
                };
                range.0 = range.0.max(first);
                range.1 = [range.1, last].into_iter().flatten().min();
            }
        }
        _ => {}
    }
    Ok(())
}

fn timeline(
    scope: &Scope,
    width: i64,
    by: Option<&Named>,
    range: Range,
    state: &mut ModelRows,
) -> ModelResult<()> {
    let key_name = by.map(names::of_named);
    let mut found: Vec<(i64, ModelValue)> = Vec::new();
    for row in &state.rows {
        let Some(Time(ts)) = row.get("ts") else { return Err(ModelError::Type) };
        let key = by.map_or(Ok(Null), |by| scope.value(&by.expr, row))?;
        found.push((clock::bin(*ts, width, scope.zone), key));
    }
    let mut keys: Vec<ModelValue> = Vec::new();
    for (_, key) in &found {
        if !keys.iter().any(|known| known.order(key).is_eq()) {
            keys.push(key.clone());
        }
    }
    keys.sort_by(ModelValue::order);
    if by.is_none() {
        keys = vec![Null];
    }
    let mut ends: Vec<i64> = found.iter().map(|(bin, _)| *bin).collect();
    if let (Some(first), Some(last)) = range
        && first <= last
    {
        ends.extend([first, last]);
    }
    let bins = match (ends.iter().min(), ends.iter().max()) {
        (Some(first), Some(last)) => clock::bins(*first, *last, width, scope.zone),
        _ => Vec::new(),
    };
    state.rows.clear();
    for start in bins {
        for key in &keys {
            let count = found.iter().filter(|(bin, of)| *bin == start && of.order(key).is_eq()).count();
            let mut row =
                ModelRow::from([("ts".to_owned(), Time(start)), ("count".to_owned(), Int(count as i64))]);
            if let Some(name) = &key_name {
                row.insert(name.clone(), key.clone());
            }
            state.rows.push(row);
        }
    }
    let columns = std::iter::once("ts".to_owned()).chain(key_name).chain(["count".to_owned()]);
    state.columns = Columns::Listed(columns.collect());
    Ok(())
}

fn shift(
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

fn sessions(
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
