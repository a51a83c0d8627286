//! Counts over time, empty bins included.

use blotter::query::syntax::ast::{CompareOp, ExprKind, Filter, FilterKind, Named};

use super::{Columns, ModelRows, duration};
use crate::clock;
use crate::expression::{ModelError, ModelResult, ModelRow, Scope};
use crate::filter;
use crate::names;
use crate::value::ModelValue::{self, *};

/// First and last moment that a filter leaves.
pub(super) type Range = (Option<i64>, Option<i64>);

/// Takes note of the times that the terms of a filter leave that must all hold.
pub(super) fn narrow(range: &mut Range, scope: &Scope, condition: &Filter) -> ModelResult<()> {
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

pub(super) fn timeline(
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
