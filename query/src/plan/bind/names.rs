//! The names of columns that are given none.

use std::fmt::Write;

use crate::syntax::ast::{Aggregate, AggregateFunction, Expr, ExprKind};

/// The name of the column that an expression makes.
pub(super) fn of_expr(expr: &Expr) -> String {
    match &expr.node {
        ExprKind::Field(name) => name.clone(),
        ExprKind::Call { function, arguments } => of_call(&function.node, arguments),
        ExprKind::If { .. } => "if".to_owned(),
        _ => "expr".to_owned(),
    }
}

/// The name of the column that a call makes: `hour_ts`, `arg_max_price_symbol`; of `bin(ts, 5m)`, `ts`.
pub(super) fn of_call(function: &str, arguments: &[Expr]) -> String {
    let function = function.to_ascii_lowercase().replace('.', "_");
    let fields: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| match &argument.node {
            ExprKind::Field(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    match fields.as_slice() {
        [field, ..] if function == "bin" => (*field).to_owned(),
        fields => [&[function.as_str()], fields].concat().join("_"),
    }
}

/// The name of the column that an aggregate makes.
pub(super) fn of_aggregate(aggregate: &Aggregate) -> String {
    let mut function = String::new();
    match aggregate.function {
        AggregateFunction::Percentile(percentile) => {
            write!(function, "p{}", percentile.normalize())
                .expect("a string takes whatever is written to it");
        }
        other => function.push_str(function_name(other)),
    }
    of_call(&function, &aggregate.arguments)
}

/// As it is written; of percentiles, what they are.
pub(super) fn function_name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "count",
        AggregateFunction::Sum => "sum",
        AggregateFunction::Avg => "avg",
        AggregateFunction::Min => "min",
        AggregateFunction::Max => "max",
        AggregateFunction::Stddev => "stddev",
        AggregateFunction::Median => "median",
        AggregateFunction::Percentile(_) => "percentile",
        AggregateFunction::Distinct => "distinct",
        AggregateFunction::First => "first",
        AggregateFunction::Last => "last",
        AggregateFunction::ArgMax => "arg_max",
        AggregateFunction::ArgMin => "arg_min",
        AggregateFunction::Rate => "rate",
    }
}

/// A name that is not taken: itself, or with `_2`, `_3` ...
pub(super) fn untaken(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let mut number = 2;
    loop {
        let candidate = format!("{name}_{number}");
        if !is_taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}
