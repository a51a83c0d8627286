//! Conditions on one row, as the language reference has them.

use std::cmp::Ordering;

use blotter::event::Level;
use blotter::query::syntax::ast::{
    CompareOp, Expr, ExprKind, Filter, FilterKind, Literal, LiteralKind, TimeTerm,
};
use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};
use rust_decimal::Decimal;

use crate::clock::{self, Point};
use crate::expression::{ModelError, ModelResult, ModelRow, Scope};
use crate::value::ModelValue::{self, *};

/// Fields whose texts compare in any ASCII case.
const FOLDED: [&str; 5] = ["category", "level", "side", "status", "order_type"];

pub fn holds(scope: &Scope, filter: &Filter, row: &ModelRow) -> ModelResult<bool> {
    let ts = || row.get("ts").cloned().unwrap_or(Null);
    let not_before = |start: i64| matches!(ts(), Time(ts) if ts >= start);
    let before = |end: i64| matches!(ts(), Time(ts) if ts < end);
    let message = || row.get("message").map(|message| message.to_string());
    match &filter.node {
        FilterKind::And(parts) => {
            for part in parts {
                if !holds(scope, part, row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        FilterKind::Or(parts) => {
            for part in parts {
                if holds(scope, part, row)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        FilterKind::Not(part) => Ok(!holds(scope, part, row)?),
        FilterKind::Compare { left, op, right } => {
            let value = scope.value(left, row)?;
            compares(scope, left, &value, *op, right, row)
        }
        FilterKind::In { left, values, negated } => {
            let value = scope.value(left, row)?;
            let op = if *negated { CompareOp::NotEqual } else { CompareOp::Equal };
            let mut held = 0;
            for right in values {
                held += usize::from(compares(scope, left, &value, op, right, row)?);
            }
            Ok(if *negated { held == values.len() } else { held > 0 })
        }
        FilterKind::Between { left, low, high } => {
            let value = scope.value(left, row)?;
            Ok(compares(scope, left, &value, CompareOp::GreaterOrEqual, low, row)?
                && compares(scope, left, &value, CompareOp::LessOrEqual, high, row)?)
        }
        FilterKind::Regex { left, pattern, negated } => {
            let regex = Regex::new(&pattern.node).map_err(|_| ModelError::Value)?;
            let value = scope.value(left, row)?;
            Ok(!value.is_null() && regex.is_match(&value.to_string()) != *negated)
        }
        FilterKind::Like { left, pattern } => {
            let mut regex = String::from("^(?s:");
            for c in pattern.node.chars() {
                match c {
                    '*' => regex.push_str(".*"),
                    '?' => regex.push('.'),
                    c => regex.push_str(&regex::escape(&c.to_string())),
                }
            }
            regex.push_str(")$");
            let value = scope.value(left, row)?;
            let (mut regex, mut text) = (regex, value.to_string());
            if is_folded(left) {
                (regex, text) = (fold_pattern(&pattern.node), text.to_ascii_lowercase());
            }
            let regex = RegexBuilder::new(&regex).build().expect("an escaped pattern is a pattern");
            Ok(!value.is_null() && regex.is_match(&text))
        }
        FilterKind::Contains { left, text } => {
            let value = scope.value(left, row)?;
            let (mut found, mut wanted) = (value.to_string(), text.node.clone());
            if is_folded(left) {
                (found, wanted) = (found.to_ascii_lowercase(), wanted.to_ascii_lowercase());
            }
            Ok(!value.is_null() && found.contains(&wanted))
        }
        FilterKind::Exists(name) => Ok(row.get(&name.node).is_some_and(|value| !value.is_null())),
        FilterKind::Missing(name) => Ok(row.get(&name.node).is_none_or(ModelValue::is_null)),
        FilterKind::Word { text, prefix } => {
            Ok(message().is_some_and(|message| is_word_in(&message, text, *prefix)))
        }
        FilterKind::Phrase(text) => Ok(message().is_some_and(|message| is_word_in(&message, text, false))),
        FilterKind::Last(literal) => match literal.kind {
            LiteralKind::Duration(ns) => Ok(not_before(scope.now - ns)),
            _ => Err(ModelError::Value),
        },
        FilterKind::Since(term) => Ok(not_before(instant(scope, term)?)),
        FilterKind::Until(term) => Ok(before(instant(scope, term)?)),
        FilterKind::On(term) => {
            let (start, end) = day(scope, term)?;
            Ok(not_before(start) && before(end))
        }
    }
}

fn fold_pattern(pattern: &str) -> String {
    let parts = pattern.chars().map(|c| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        c => regex::escape(&c.to_ascii_lowercase().to_string()),
    });
    format!("^(?s:{})$", parts.collect::<String>())
}

fn zone_of(scope: &Scope, term: &TimeTerm) -> ModelResult<Tz> {
    match &term.zone {
        Some(zone) => zone.node.parse().map_err(|_| ModelError::UnknownName),
        None => Ok(scope.zone),
    }
}

pub fn instant(scope: &Scope, term: &TimeTerm) -> ModelResult<i64> {
    let zone = zone_of(scope, term)?;
    let point = clock::point(&term.point.node, zone, scope.now).ok_or(ModelError::Value)?;
    Ok(point.instant(zone, scope.now))
}

/// The first instant of a day, and that of the next.
pub fn day(scope: &Scope, term: &TimeTerm) -> ModelResult<(i64, i64)> {
    let zone = zone_of(scope, term)?;
    match clock::point(&term.point.node, zone, scope.now) {
        Some(Point::Date(date)) => {
            let next = date.succ_opt().ok_or(ModelError::Value)?;
            Ok((clock::day_start(date, zone), clock::day_start(next, zone)))
        }
        _ => Err(ModelError::Value),
    }
}

fn is_folded(left: &Expr) -> bool {
    matches!(&left.node, ExprKind::Field(name) if FOLDED.contains(&name.as_str()))
}

fn op_holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
        CompareOp::Less => order.is_lt(),
        CompareOp::LessOrEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterOrEqual => order.is_ge(),
    }
}

fn compares(
    scope: &Scope,
    left: &Expr,
    value: &ModelValue,
    op: CompareOp,
    right: &Expr,
    row: &ModelRow,
) -> ModelResult<bool> {
    let name = match &left.node {
        ExprKind::Field(name) => Some(name.as_str()),
        _ => None,
    };
    // A value known before the query runs means what a literal means.
    let known = match &right.node {
        ExprKind::Literal(literal) => Some(literal.clone()),
        _ if is_constant(right) => literal_of(&scope.value(right, row)?),
        _ => None,
    };
    let order = match &known {
        Some(literal) => {
            let is_equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
            if is_equality && name.is_some_and(|name| scope.indexed.iter().any(|indexed| indexed == name)) {
                let is_equal = value.to_string() == literal.text;
                return Ok(!value.is_null() && is_equal == (op == CompareOp::Equal));
            }
            // Beside a number a text is the number that it shows, but for equality.
            let shown = match (value, number(literal, name)) {
                (Text(text), Some(number)) if !is_equality => {
                    Some(blotter::event::parse_decimal("", text).ok().map(|shown| shown.cmp(&number)))
                }
                _ => None,
            };
            match shown {
                Some(order) => order,
                None => beside_literal(scope, value, literal, name, is_folded(left))?,
            }
        }
        _ => value.compare(&scope.value(right, row)?),
    };
    Ok(order.is_some_and(|order| op_holds(op, order)))
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.node {
        ExprKind::Literal(_) | ExprKind::Parameter(_) => true,
        ExprKind::Field(_) | ExprKind::If { .. } => false,
        ExprKind::Negate(inner) => is_constant(inner),
        ExprKind::Binary { left, right, .. } => is_constant(left) && is_constant(right),
        ExprKind::Call { arguments, .. } => arguments.iter().all(is_constant),
    }
}

fn literal_of(value: &ModelValue) -> Option<Literal> {
    let kind = match value {
        Bool(value) => LiteralKind::Bool(*value),
        Int(_) | ModelValue::Decimal(_) => LiteralKind::Number(value.exact()?),
        Duration(ns) => LiteralKind::Duration(*ns),
        Text(_) => LiteralKind::Quoted,
        _ => return None,
    };
    Some(Literal { text: value.to_string(), kind })
}

/// Where a value stands beside a literal, which means to it what it can.
fn beside_literal(
    scope: &Scope,
    value: &ModelValue,
    literal: &Literal,
    name: Option<&str>,
    folded: bool,
) -> ModelResult<Option<Ordering>> {
    let text = &literal.text;
    Ok(match value {
        Null => None,
        Text(value) if folded => Some(value.to_ascii_lowercase().cmp(&text.to_ascii_lowercase())),
        Text(value) => Some(value.as_str().cmp(text)),
        Category(value) => Some(value.to_ascii_lowercase().cmp(&text.to_ascii_lowercase())),
        Level(value) => text.parse::<Level>().ok().map(|level| value.cmp(&level)),
        Bool(value) => match literal.kind {
            LiteralKind::Bool(literal) => Some(value.cmp(&literal)),
            _ => None,
        },
        Int(_) | Float(_) | ModelValue::Decimal(_) => {
            number(literal, name).and_then(|number| value.compare(&ModelValue::Decimal(number)))
        }
        Time(value) => {
            let point = clock::point(text, scope.zone, scope.now);
            point.map(|point| value.cmp(&point.instant(scope.zone, scope.now)))
        }
        Duration(value) => match literal.kind {
            LiteralKind::Duration(ns) => Some(value.cmp(&ns)),
            _ => match clock::point(text, scope.zone, scope.now) {
                Some(Point::TimeOfDay(ns)) => Some(value.cmp(&ns)),
                _ => None,
            },
        },
    })
}

/// Nanoseconds, bytes or other parts of the unit that a name ends with.
pub enum Unit {
    Time(i64),
    Size(i64),
    Percent,
    BasisPoints,
}

pub fn unit(name: &str) -> Option<Unit> {
    let (_, last) = name.rsplit_once('_')?;
    Some(match last {
        "ns" => Unit::Time(1),
        "us" | "micros" => Unit::Time(1_000),
        "ms" | "millis" => Unit::Time(1_000_000),
        "s" | "sec" | "secs" | "seconds" => Unit::Time(1_000_000_000),
        "min" | "mins" | "minutes" => Unit::Time(60_000_000_000),
        "h" | "hours" => Unit::Time(clock::HOUR_NS),
        "days" => Unit::Time(clock::DAY_NS),
        "b" | "bytes" => Unit::Size(1),
        "kb" => Unit::Size(1_000),
        "mb" => Unit::Size(1_000_000),
        "gb" => Unit::Size(1_000_000_000),
        "kib" => Unit::Size(1_024),
        "mib" => Unit::Size(1_024 * 1_024),
        "gib" => Unit::Size(1_024 * 1_024 * 1_024),
        "pct" | "percent" => Unit::Percent,
        "bps" => Unit::BasisPoints,
        _ => return None,
    })
}

/// The number that a literal is beside a number of a field.
pub fn number(literal: &Literal, name: Option<&str>) -> Option<Decimal> {
    match (&literal.kind, name.and_then(unit)) {
        (LiteralKind::Number(number), _) => Some(*number),
        (LiteralKind::Duration(ns), Some(Unit::Time(unit))) => Some(Decimal::from(*ns) / Decimal::from(unit)),
        (LiteralKind::Size(bytes), Some(Unit::Size(unit))) => Some(*bytes / Decimal::from(unit)),
        (LiteralKind::Percent(number), Some(Unit::Percent)) => Some(*number),
        (LiteralKind::Percent(number), Some(Unit::BasisPoints)) => Some(*number * Decimal::ONE_HUNDRED),
        (LiteralKind::BasisPoints(number), Some(Unit::BasisPoints)) => Some(*number),
        (LiteralKind::BasisPoints(number), Some(Unit::Percent)) => Some(*number / Decimal::ONE_HUNDRED),
        _ => None,
    }
}

/// Whether a phrase stands in a text, in any ASCII case and not within a longer word.
fn is_word_in(text: &str, phrase: &str, prefix: bool) -> bool {
    let is_of_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let text: Vec<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let phrase: Vec<char> = phrase.chars().map(|c| c.to_ascii_lowercase()).collect();
    let begins_word = phrase.first().is_some_and(is_of_word);
    let ends_word = phrase.last().is_some_and(is_of_word) && !prefix;
    (0..=text.len()).any(|at| {
        text[at..].starts_with(&phrase)
            && !(begins_word && at > 0 && is_of_word(&text[at - 1]))
            && !(ends_word && text.get(at + phrase.len()).is_some_and(is_of_word))
    })
}
