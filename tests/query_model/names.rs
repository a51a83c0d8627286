//! The names that columns get by themselves.

use blotter::query::syntax::ast::{Aggregate, AggregateFunction, Expr, ExprKind, Named};

const AGGREGATES: [&str; 13] = [
    "count", "sum", "avg", "min", "max", "stddev", "median", "distinct", "first", "last", "arg_max",
    "arg_min", "rate",
];

pub fn is_aggregate(function: &str) -> bool {
    AGGREGATES.contains(&function)
        || function.strip_prefix('p').is_some_and(|rest| rest.parse::<f64>().is_ok())
}

pub fn of_expr(expr: &Expr) -> String {
    match &expr.node {
        ExprKind::Field(name) => name.clone(),
        ExprKind::Call { function, arguments } if function.node == "bin" => of_expr(&arguments[0]),
        ExprKind::Call { function, arguments } => joined(&function.node.replace('.', "_"), arguments),
        ExprKind::If { .. } => "if".to_owned(),
        _ => "expr".to_owned(),
    }
}

pub fn of_named(named: &Named) -> String {
    named.name.as_ref().map_or_else(|| of_expr(&named.expr), |name| name.node.clone())
}

pub fn of_aggregate(aggregate: &Aggregate) -> String {
    use AggregateFunction as F;
    if let Some(name) = &aggregate.name {
        return name.node.clone();
    }
    let function = match aggregate.function {
        F::Count => "count".to_owned(),
        F::Sum => "sum".to_owned(),
        F::Avg => "avg".to_owned(),
        F::Min => "min".to_owned(),
        F::Max => "max".to_owned(),
        F::Stddev => "stddev".to_owned(),
        F::Median => "median".to_owned(),
        F::Percentile(percent) => format!("p{percent}").replace('.', "_"),
        F::Distinct => "distinct".to_owned(),
        F::First => "first".to_owned(),
        F::Last => "last".to_owned(),
        F::ArgMax => "arg_max".to_owned(),
        F::ArgMin => "arg_min".to_owned(),
        F::Rate => "rate".to_owned(),
    };
    joined(&function, &aggregate.arguments)
}

/// The function and what it is computed from, constants left out.
fn joined(function: &str, arguments: &[Expr]) -> String {
    let of_columns = arguments
        .iter()
        .filter(|argument| !matches!(argument.node, ExprKind::Literal(_) | ExprKind::Parameter(_)))
        .map(of_expr);
    std::iter::once(function.to_owned()).chain(of_columns).collect::<Vec<String>>().join("_")
}

/// The name, or with a number after it where it is taken.
pub fn free(name: String, taken: &[String]) -> String {
    if !taken.contains(&name) {
        return name;
    }
    (2..)
        .map(|number| format!("{name}_{number}"))
        .find(|name| !taken.contains(name))
        .expect("there are numbers")
}
