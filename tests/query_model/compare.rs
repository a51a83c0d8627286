//! Answers of a database beside those of the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use blotter::{Datum, QueryError, QueryOptions, Queryable};
use chrono_tz::Tz;

use crate::stages::{Columns, ModelRows};
use crate::value::ModelValue;

pub type FoundRow = BTreeMap<String, Datum>;

/// An answer.
pub enum Found {
    Rows { rows: Vec<FoundRow>, columns: Option<Vec<Arc<str>>>, zone: Tz },
    Error(QueryError),
}

pub fn found(target: &dyn Queryable, text: &str, options: &QueryOptions) -> Found {
    let mut answer = match target.query_with_options(text, options) {
        Ok(answer) => answer,
        Err(error) => return Found::Error(error),
    };
    let columns = answer.columns().map(<[Arc<str>]>::to_vec);
    let zone = answer.zone();
    let mut rows = Vec::new();
    for row in answer.by_ref() {
        match row {
            Ok(row) => {
                rows.push(row.iter().map(|(name, datum)| (name.to_string(), datum.clone())).collect());
            }
            Err(error) => return Found::Error(error),
        }
    }
    assert!(answer.unreadable().is_empty(), "everything can be read");
    Found::Rows { rows, columns, zone }
}

/// The first difference. In a summary a number may come written in another way, as `1` or `1.00`.
pub fn difference(
    expected: &ModelRows,
    found: &[FoundRow],
    columns: Option<&[Arc<str>]>,
    is_summary: bool,
) -> Option<String> {
    match (&expected.columns, columns) {
        (Columns::Open, None) | (Columns::Joined, Some(_)) => {}
        (Columns::Listed(listed), Some(columns)) if columns.iter().map(|name| &**name).eq(listed.iter()) => {}
        (expected, found) => return Some(format!("other columns: {found:?}, not {expected:?}")),
    }
    for (at, (expected, found)) in expected.rows.iter().zip(found).enumerate() {
        let names: Vec<&String> = expected.keys().chain(found.keys()).collect();
        for name in names {
            let value = expected.get(name).unwrap_or(&ModelValue::Null);
            let datum = found.get(name).unwrap_or(&Datum::Null);
            if !is_same(value, datum, is_summary) {
                return Some(format!(
                    "another value: row {at} has '{name}' {datum:?}, not {value:?}\n    found    {}\n    expected {expected:?}",
                    line(found)
                ));
            }
        }
    }
    if expected.rows.len() != found.len() {
        let at = expected.rows.len().min(found.len());
        let next = match found.get(at) {
            Some(row) => format!("found too much {}", line(row)),
            None => format!("missing {:?}", expected.rows[at]),
        };
        return Some(format!("another count: {} rows, not {}; {next}", found.len(), expected.rows.len()));
    }
    None
}

fn line(row: &FoundRow) -> String {
    row.iter().map(|(name, datum)| format!("{name}={datum}")).collect::<Vec<_>>().join(" ")
}

fn is_same(expected: &ModelValue, found: &Datum, is_summary: bool) -> bool {
    match (expected, found) {
        (ModelValue::Null, Datum::Null) => true,
        (ModelValue::Bool(left), Datum::Bool(right)) => left == right,
        (ModelValue::Text(left), Datum::Str(right)) => left == right,
        (ModelValue::Time(left), Datum::Time(right)) => *left == right.0,
        (ModelValue::Duration(left), Datum::Duration(right)) => left == right,
        (ModelValue::Level(left), Datum::Level(right)) => left == right,
        (ModelValue::Category(left), Datum::Category(right)) => left == right.name(),
        (ModelValue::Float(left), Datum::Float(right)) => is_close(*left, *right),
        (ModelValue::Int(_) | ModelValue::Decimal(_), Datum::Int(_) | Datum::Decimal(_)) if !is_summary => {
            expected.to_string() == found.to_string()
        }
        (ModelValue::Int(_) | ModelValue::Decimal(_), Datum::Int(_) | Datum::Decimal(_)) => {
            expected.to_string().parse::<rust_decimal::Decimal>() == found.to_string().parse()
        }
        (
            ModelValue::Int(_) | ModelValue::Decimal(_) | ModelValue::Float(_),
            Datum::Int(_) | Datum::Decimal(_) | Datum::Float(_),
        ) if is_summary => {
            is_close(expected.to_string().parse().unwrap(), found.to_string().parse().unwrap())
        }
        _ => false,
    }
}

/// Within what the order of additions may change.
fn is_close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
}
