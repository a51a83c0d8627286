//! Groups, and ranges of values.

use blotter::query::syntax::ast::{Aggregate, Expr, ExprKind, Literal, Named};
use rust_decimal::Decimal;

use super::{Columns, ModelRows, duration, groups, names_of};
use crate::aggregate::aggregate;
use crate::expression::{ModelError, ModelResult, ModelRow, Scope};
use crate::filter;
use crate::names;
use crate::value::ModelValue::{self, *};
use crate::value::order_of_keys;

pub(super) fn stats(
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

pub(super) fn histogram(
    scope: &Scope,
    expr: &Expr,
    width: Option<&Literal>,
    state: &mut ModelRows,
) -> ModelResult<()> {
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
