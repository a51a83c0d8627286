//! The names of columns that are not named with `as`.
//!
//! `count()` makes `count`, `avg(price)` makes `avg_price`, `p99.9(x)` makes `p99_9_x`, `arg_max(a, b)` makes
//! `arg_max_a_b`; a bin has the name of what is binned, so that it takes its place; other arithmetic is `expr`.

use super::aggregate;
use super::ast::{Aggregate, AggregateFunction, Expr, ExprKind, Named, ShiftKind};

/// The column of an expression.
pub(crate) fn of_expr(expr: &Expr) -> String {
    match &expr.node {
        ExprKind::Field(name) => name.clone(),
        ExprKind::Call { function, arguments } => of_call(&function.node, arguments),
        ExprKind::If { .. } => "if".to_owned(),
        ExprKind::Literal(_) | ExprKind::Parameter(_) | ExprKind::Negate(_) | ExprKind::Binary { .. } => {
            "expr".to_owned()
        }
    }
}

/// The column of an expression that may have a name.
pub(crate) fn of_named(named: &Named) -> String {
    named.name.as_ref().map_or_else(|| of_expr(&named.expr), |name| name.node.clone())
}

/// The column of an aggregate that may have a name.
pub(crate) fn of_aggregate(aggregate: &Aggregate) -> String {
    match &aggregate.name {
        Some(name) => name.node.clone(),
        None => joined(&of_function(aggregate.function), &aggregate.arguments),
    }
}

/// The column of a value of a neighbouring row.
pub(crate) fn of_shifted(kind: ShiftKind, item: &Named) -> String {
    match &item.name {
        Some(name) => name.node.clone(),
        None => format!("{}_{}", of_shift(kind), of_expr(&item.expr)),
    }
}

/// The aggregate's name as it is written.
pub(crate) fn of_function(function: AggregateFunction) -> String {
    use AggregateFunction as F;
    let name = match function {
        F::Count => "count",
        F::Sum => "sum",
        F::Avg => "avg",
        F::Min => "min",
        F::Max => "max",
        F::Stddev => "stddev",
        F::Median => "median",
        F::Percentile(percentile) => return format!("p{}", percentile.normalize()),
        F::Distinct => "distinct",
        F::First => "first",
        F::Last => "last",
        F::ArgMax => "arg_max",
        F::ArgMin => "arg_min",
        F::Rate => "rate",
    };
    name.to_owned()
}

/// The stage's name as it is written.
pub(crate) fn of_shift(kind: ShiftKind) -> &'static str {
    match kind {
        ShiftKind::Prev => "prev",
        ShiftKind::Next => "next",
        ShiftKind::Delta => "delta",
    }
}

/// The name itself if it is free, or with `_2`, `_3` ... at its end.
pub(crate) fn free(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let numbered = (2_u64..).map(|number| format!("{name}_{number}"));
    numbered.into_iter().find(|name| !is_taken(name)).expect("there are more numbers than names")
}

/// A call of an aggregate has the name that the aggregate's column has, so that `sort avg(price)` finds it.
fn of_call(function: &str, arguments: &[Expr]) -> String {
    if let ("bin", Some(binned)) = (function, arguments.first()) {
        return of_expr(binned);
    }
    match aggregate::function(function) {
        Some(aggregate) => joined(&of_function(aggregate), arguments),
        None => joined(function, arguments),
    }
}

/// The function and what it is computed from; constants say nothing about that.
fn joined(function: &str, arguments: &[Expr]) -> String {
    let mut name = function.replace('.', "_");
    for argument in arguments {
        if !matches!(argument.node, ExprKind::Literal(_) | ExprKind::Parameter(_)) {
            name.push('_');
            name.push_str(&of_expr(argument));
        }
    }
    name
}
