//! Texts, and what is bound or said of them.

mod conditions;
mod errors;
mod properties;
mod stages;

use std::cell::Cell;
use std::sync::Arc;

use blotter_engine::dec;
use blotter_engine::event::{Decimal, Field, Level, Timestamp, ValueType};
use proptest::prelude::*;

use super::super::schema::{Schema, TypeSet};
use super::super::step::{Output, Picture, Plan, Step};
use super::{Context, Pipeline, bind};
use crate::api::{Parameters, QueryOptions};
use crate::cells::{Cells, Names};
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
use crate::plan::functions::SIGNATURES;
use crate::plan::kinds::Kinds;
use crate::syntax::parse;
use crate::syntax::tests::{arbitrary, queries};

/// A database of these fields beside the well-known ones.
struct Fake;

const FIELDS: &[(&str, &[ValueType])] = &[
    ("execution_time_ms", &[ValueType::F64]),
    ("size_kb", &[ValueType::I64]),
    ("drawdown_pct", &[ValueType::Decimal]),
    ("ok", &[ValueType::Bool]),
    ("code", &[ValueType::I64, ValueType::Str]),
    ("venue", &[ValueType::Str]),
    ("my-field", &[ValueType::Str]),
];

impl Schema for Fake {
    fn knows(&self, field: &str) -> bool {
        Field::from_name(field).is_some() || FIELDS.iter().any(|(name, _)| *name == field)
    }

    fn types(&self, field: &str) -> TypeSet {
        let of_types = |types: &[ValueType]| types.iter().fold(TypeSet::NONE, |set, one| set.with(*one));
        match FIELDS.iter().find(|(name, _)| *name == field) {
            Some((_, types)) => of_types(types),
            None if Field::from_name(field).is_some_and(Field::is_decimal) => of_types(&[ValueType::Decimal]),
            None if field.ends_with("_us") || field.ends_with("_ms") || field.ends_with("_bps") => {
                of_types(&[ValueType::I64, ValueType::Decimal])
            }
            None => of_types(&[ValueType::Str]),
        }
    }

    fn is_indexed(&self, field: &str) -> bool {
        Field::from_name(field).is_some_and(Field::is_id)
    }

    fn fields(&self) -> Vec<String> {
        let known = Field::ALL.iter().map(|field| field.name());
        known.chain(FIELDS.iter().map(|(name, _)| *name)).map(str::to_owned).collect()
    }

    fn values(&self, _field: &str, _prefix: &str, _limit: usize) -> Vec<String> {
        Vec::new()
    }

    fn time_range(&self) -> Option<(Timestamp, Timestamp)> {
        Some(("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-03T00:00:00Z".parse().unwrap()))
    }
}

fn options() -> QueryOptions {
    let parameters: Parameters = [
        ("id", Datum::from("trade_12345")),
        ("limit", Datum::Decimal(dec!(1.50))),
        ("wait", Datum::Duration(2_000_000)),
        ("since", Datum::Time(Timestamp(0))),
        ("nothing", Datum::Null),
        ("day", Datum::from("2026-01-02")),
        ("half", Datum::Float(0.5)),
    ]
    .map(|(name, datum)| (name.to_owned(), datum))
    .into();
    QueryOptions { parameters, ..QueryOptions::default() }
}

fn bound(text: &str, options: &QueryOptions) -> Result<(Plan, Arc<Names>)> {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let names = Arc::new(Names::default());
    let now = "2026-01-02T15:00:00Z".parse().unwrap();
    let plan = bind(&query, &names, &Fake, options, now).map_err(|error| error.with_text(text))?;
    Ok((plan, names))
}

fn binds_with(text: &str, options: &QueryOptions, expected: &[&str]) {
    let (plan, names) = bound(text, options).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(plan.describe(&names), expected, "{text}");
}

/// The filter and each step, as they are described.
fn binds(text: &str, expected: &[&str]) {
    binds_with(text, &options(), expected);
}

/// The filter alone.
fn filters(text: &str, expected: &str) {
    binds(text, &[expected]);
}

fn error_of(text: &str) -> QueryError {
    match bound(text, &options()) {
        Ok((plan, names)) => panic!("{text} is bound: {:?}", plan.describe(&names)),
        Err(error) => error,
    }
}

/// The kind, the marked text, the message and the first hint.
fn fails(text: &str, kind: ErrorKind, marked: &str, message: &str, hint: &str) {
    let error = error_of(text);
    let span = error.span().unwrap_or_else(|| panic!("{text}: {error} has a place"));
    let found =
        (error.kind(), &text[span.start..span.end], error.message(), error.hints().next().unwrap_or(""));
    assert_eq!(found, (kind, marked, message, hint), "{text}");
}

/// The columns of the result; none if each row has its own.
fn columns(text: &str) -> Option<Vec<String>> {
    let (plan, names) = bound(text, &options()).unwrap_or_else(|error| panic!("{text}: {error}"));
    match plan.output {
        Output::Open => None,
        Output::Listed(slots) => Some(slots.iter().map(|slot| names.name(*slot).to_string()).collect()),
    }
}

#[track_caller]
fn lists(text: &str, expected: &[&str]) {
    assert_eq!(
        columns(text).as_deref(),
        Some(expected.iter().map(|name| name.to_string()).collect::<Vec<_>>().as_slice()),
        "{text}"
    );
}

/// Any field is known, and some parameters.
fn lenient() -> QueryOptions {
    let parameters = ["a", "b", "x"].map(|name| (name.to_owned(), Datum::from(name)));
    QueryOptions { parameters: parameters.into(), allow_unknown_fields: true, ..options() }
}
