//! Random queries over random events: the same answer from a naive model, and from databases of every layout, asked
//! through the writer and through a reader.
//!
//! The model goes row by row and knows the language only from its reference; with the query package it shares the
//! parser. A failure prints the seed, the layout, and the smallest query and events found that still fail.
//! `BLOTTER_QUERY_CASES` sets how many queries are tried, `BLOTTER_QUERY_SEED` where they begin, and
//! `BLOTTER_QUERY_FAILURES` how many failures are gathered before the test stops.
// In a test a panic is the failure report; its modules are seen by itself only.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod aggregate;
mod clock;
mod compare;
mod events;
mod expression;
mod filter;
mod generate;
mod names;
mod stages;
mod value;

use std::collections::BTreeSet;

use blotter::query::error::ErrorKind;
use blotter::query::syntax::{self, Query};
use blotter::vfs::sim::Prng;
use blotter::{Parameters, QueryOptions, Queryable, Timestamp};
use chrono_tz::Tz;

use crate::clock::{DAY_NS, HOUR_NS};
use crate::compare::{Found, difference, found};
use crate::events::{INDEXED, Layout, NOONS, Planned, Recorded, model_rows, random_events, recorded};
use crate::expression::{ModelError, ModelRow, Scope};
use crate::generate::{Generated, Generator, ZONES};
use crate::stages::{Model, ModelRows};
use crate::value::ModelValue;

const QUERIES_PER_DATABASE: u64 = 40;
const CASES_DEFAULT: u64 = 120;

/// Queries that once were answered wrong.
const REGRESSIONS: &[&str] = &[
    // Another query brought the value that is followed, so the matched events lack it themselves.
    "missing n | asof (exists n) by category | related n",
    // A group that no row is in.
    "| stats first(slippage_bps) by event",
];

/// Where and when queries are asked.
#[derive(Clone, Copy, Debug)]
struct Setting {
    zone: Tz,
    now: i64,
    threads: usize,
}

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn expected(
    query: &Query,
    text: &str,
    events: &[ModelRow],
    setting: Setting,
) -> Result<ModelRows, ModelError> {
    let scope = Scope {
        zone: setting.zone,
        now: setting.now,
        indexed: INDEXED.map(str::to_owned).to_vec(),
        parameters: Generator::parameters(),
    };
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let names: BTreeSet<String> =
        text.split(|c| !is_of_name(c)).filter(|word| word.contains('.')).map(str::to_owned).collect();
    Model { events, scope, names }.run(query)
}

fn options(setting: Setting) -> QueryOptions {
    let parameters: Parameters = Generator::parameters()
        .into_iter()
        .map(|(name, value)| {
            let datum = match value {
                ModelValue::Int(value) => value.into(),
                ModelValue::Decimal(value) => value.into(),
                other => other.to_string().into(),
            };
            (name, datum)
        })
        .collect();
    QueryOptions {
        parameters,
        zone: setting.zone,
        now: Some(Timestamp(setting.now)),
        threads: setting.threads,
        ..QueryOptions::default()
    }
}

fn kind_of(error: ModelError) -> ErrorKind {
    match error {
        ModelError::Type => ErrorKind::Type,
        ModelError::Value => ErrorKind::Value,
        ModelError::UnknownName => ErrorKind::UnknownName,
    }
}

/// What is wrong with an answer, if anything is.
fn wrong(query: &Generated, events: &[ModelRow], target: &dyn Queryable, setting: Setting) -> Option<String> {
    let text = query.text();
    match syntax::parse(&text) {
        Ok(parsed) => differs(query, &expected(&parsed, &text, events, setting), target, setting),
        Err(error) => Some(format!("it does not parse: {error}")),
    }
}

/// As [`wrong`], where it is known what the model says.
fn differs(
    query: &Generated,
    expected: &Result<ModelRows, ModelError>,
    target: &dyn Queryable,
    setting: Setting,
) -> Option<String> {
    let text = query.text();
    match (expected, found(target, &text, &options(setting))) {
        (Ok(expected), Found::Rows { rows, columns, zone }) => {
            let is_summary = ["stats", "top", "distinct", "timeline", "histogram", "bin(", "join"]
                .iter()
                .any(|word| text.contains(word));
            if zone != expected.zone {
                return Some(format!("the zone is {zone}, not {}", expected.zone));
            }
            difference(expected, &rows, columns.as_deref(), is_summary)
        }
        (Ok(_), Found::Error(error)) => Some(format!("an error instead of rows: {error}")),
        (Err(kind), Found::Rows { rows, .. }) => {
            Some(format!("{} rows instead of the error {kind:?}", rows.len()))
        }
        (Err(kind), Found::Error(error)) if error.kind() == kind_of(*kind) => None,
        (Err(kind), Found::Error(error)) => Some(format!("another error than {kind:?}: {error}")),
    }
}

/// What of a failure stays the same while it is made smaller.
fn class(problem: &str) -> &str {
    problem.split(':').next().unwrap_or(problem).split(" rows instead").last().unwrap_or(problem)
}

/// As [`wrong`], of a query that may not make sense any more: the model may give up on it.
fn still_wrong(
    query: &Generated,
    events: &[ModelRow],
    target: &dyn Queryable,
    setting: Setting,
    class_before: &str,
) -> bool {
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wrong(query, events, target, setting)));
    matches!(outcome, Ok(Some(problem)) if class(&problem) == class_before)
}

fn targets(database: &Recorded) -> [(&'static str, &dyn Queryable); 2] {
    [("Db", &database.db), ("Reader", &database.reader)]
}

/// Leaves out parts of the query, then events, as long as the answer stays wrong in the same way.
fn shrunk(
    query: &Generated,
    planned: &[Planned],
    layout: Layout,
    target: usize,
    setting: Setting,
    problem: &str,
) -> (Generated, Vec<Planned>) {
    let class = class(problem).to_owned();
    let fails = |query: &Generated, planned: &[Planned]| {
        if planned.is_empty() {
            return false;
        }
        let database = recorded(planned, layout);
        let events = model_rows(&database.db.snapshot().unwrap());
        still_wrong(query, &events, targets(&database)[target].1, setting, &class)
    };
    let (mut query, mut planned) = (query.clone(), planned.to_vec());
    let database = recorded(&planned, layout);
    let events = model_rows(&database.db.snapshot().unwrap());
    let mut smaller = true;
    while smaller {
        smaller = false;
        let mut candidates: Vec<Generated> = (0..query.stages.len())
            .map(|at| {
                let mut candidate = query.clone();
                candidate.stages.remove(at);
                candidate
            })
            .collect();
        if !query.filter.is_empty() {
            candidates.push(Generated { filter: String::new(), ..query.clone() });
        }
        for candidate in candidates {
            if still_wrong(&candidate, &events, targets(&database)[target].1, setting, &class) {
                (query, smaller) = (candidate, true);
                break;
            }
        }
    }
    let mut size = planned.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < planned.len() {
            let mut fewer = planned.clone();
            fewer.drain(at..(at + size).min(planned.len()));
            if fails(&query, &fewer) { planned = fewer } else { at += size }
        }
        size /= 2;
    }
    (query, planned)
}

/// Asks a database both ways.
fn check(
    seed: u64,
    query: &Generated,
    planned: &[Planned],
    database: &Recorded,
    expected: &Result<ModelRows, ModelError>,
    setting: Setting,
) -> Result<(), String> {
    for (index, (name, target)) in targets(database).into_iter().enumerate() {
        let Some(problem) = differs(query, expected, target, setting) else { continue };
        let layout = database.layout;
        let (small, few) = shrunk(query, planned, layout, index, setting, &problem);
        let events: Vec<String> = few.iter().map(|event| format!("    {event:?}")).collect();
        let database = recorded(&few, layout);
        let rows = model_rows(&database.db.snapshot().unwrap());
        let small_problem = wrong(&small, &rows, targets(&database)[index].1, setting);
        return Err(format!(
            "seed {seed}, {layout:?} by {name}, {setting:?}\n  query: {}\n  {problem}\n  smallest: {}\n  {}\n  \
             with {} events:\n{}\n",
            query.text(),
            small.text(),
            small_problem.unwrap_or_else(|| "not wrong any more".to_owned()),
            few.len(),
            events.join("\n")
        ));
    }
    Ok(())
}

fn setting(random: &mut Prng, noon: i64) -> Setting {
    Setting {
        zone: ZONES[random.below(ZONES.len() as u64) as usize].parse().unwrap(),
        now: noon + random.below(3) as i64 * DAY_NS / 2 + 3 * HOUR_NS + 30_500_000_000,
        threads: 1 + random.below(2) as usize,
    }
}

#[test]
fn queries_are_answered_as_by_the_model() {
    let cases = number_from("BLOTTER_QUERY_CASES", CASES_DEFAULT);
    let first_seed = number_from("BLOTTER_QUERY_SEED", 1);
    let failures_max = number_from("BLOTTER_QUERY_FAILURES", 1);
    let (mut queries, mut compared, mut with_rows, mut failed) = (0, 0, 0, 0);
    let mut failures: Vec<String> = Vec::new();
    for seed in first_seed.. {
        let mut random = Prng::new(seed);
        let noon = NOONS[random.below(NOONS.len() as u64) as usize];
        let are_many = seed % 4 == 3;
        let count = if are_many { 1_200 } else { 40 + random.below(260) as usize };
        let planned = random_events(&mut random, noon, count, are_many);
        let databases: Vec<Recorded> = Layout::ALL.iter().map(|layout| recorded(&planned, *layout)).collect();
        let events: Vec<Vec<ModelRow>> =
            databases.iter().map(|database| model_rows(&database.db.snapshot().unwrap())).collect();
        for _ in 0..if are_many { QUERIES_PER_DATABASE / 4 } else { QUERIES_PER_DATABASE } {
            if queries == cases || failures.len() as u64 >= failures_max {
                assert!(failures.is_empty(), "after {queries} queries:\n{}", failures.join("\n"));
                println!(
                    "{queries} queries ({with_rows} with rows, {failed} that fail) on {} databases, {compared} answers compared",
                    (seed - first_seed + 1) * Layout::ALL.len() as u64
                );
                return;
            }
            let setting = setting(&mut random, noon);
            let query = Generator::new(&mut random, &events[0], noon, are_many).query();
            let text = query.text();
            let parsed = syntax::parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {text}\n{error}"));
            // Producers have other numbers in a database that was opened several times.
            let usual = expected(&parsed, &text, &events[0], setting);
            for (database, own) in databases.iter().zip(&events) {
                compared += 2;
                let checked = if *own == events[0] {
                    check(seed, &query, &planned, database, &usual, setting)
                } else {
                    let expected = expected(&parsed, &text, own, setting);
                    check(seed, &query, &planned, database, &expected, setting)
                };
                if let Err(failure) = checked {
                    failures.push(failure);
                    break;
                }
            }
            queries += 1;
            match usual {
                Ok(expected) => with_rows += u64::from(!expected.rows.is_empty()),
                Err(_) => failed += 1,
            }
        }
    }
}

#[test]
fn queries_that_were_answered_wrong_stay_right() {
    let mut compared = 0;
    for (number, noon) in NOONS.into_iter().enumerate() {
        let mut random = Prng::new(number as u64 + 1);
        let planned = random_events(&mut random, noon, 200, false);
        for layout in Layout::ALL {
            let database = recorded(&planned, layout);
            let events = model_rows(&database.db.snapshot().unwrap());
            for text in REGRESSIONS {
                let query = Generated { filter: (*text).to_owned(), stages: Vec::new() };
                let setting = setting(&mut random, noon);
                let expected = expected(&syntax::parse(text).unwrap(), text, &events, setting);
                if let Err(failure) = check(0, &query, &planned, &database, &expected, setting) {
                    panic!("{failure}");
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, NOONS.len() * Layout::ALL.len() * REGRESSIONS.len());
}

/// Queries that are wrong whatever the events are, and why.
const WRONG: &[(&str, ErrorKind)] = &[
    ("n >", ErrorKind::Syntax),
    ("symbol = (", ErrorKind::Syntax),
    ("nosuch = 1", ErrorKind::UnknownName),
    ("n = $nothing", ErrorKind::UnknownName),
    ("| fields n | where f > 1", ErrorKind::UnknownName),
    ("| fields except n | where n > 1", ErrorKind::UnknownName),
    ("| stats count() by symbol | sort price", ErrorKind::UnknownName),
    ("| extend y = nosuch(n)", ErrorKind::UnknownName),
    ("| tz Mars/Base", ErrorKind::UnknownName),
    ("n = abc", ErrorKind::Type),
    ("n > 5ms", ErrorKind::Type),
    ("latency_us > 5kb", ErrorKind::Type),
    ("b = yes", ErrorKind::Type),
    ("| extend y = symbol * 2", ErrorKind::Type),
    ("| extend y = ts + ts", ErrorKind::Type),
    ("| stats sum(message)", ErrorKind::Type),
    ("| stats sum(level)", ErrorKind::Type),
    ("| stats avg(ts)", ErrorKind::Type),
    ("category = order | gaps", ErrorKind::Type),
    ("| head 3 | gaps", ErrorKind::Type),
    ("| stats count() | related", ErrorKind::Type),
    ("| stats count() | context 5s 5s", ErrorKind::Type),
    ("t ~ \"(\"", ErrorKind::Value),
    ("since 2026-02-30", ErrorKind::Value),
    ("| bin(ts, 0s)", ErrorKind::Value),
];

#[test]
fn wrong_queries_fail_by_kind() {
    let planned = random_events(&mut Prng::new(1), NOONS[0], 60, false);
    let setting = Setting { zone: Tz::UTC, now: NOONS[0], threads: 1 };
    for layout in Layout::ALL {
        let database = recorded(&planned, layout);
        for (name, target) in targets(&database) {
            for (text, kind) in WRONG {
                match found(target, text, &options(setting)) {
                    Found::Error(error) => {
                        assert_eq!(error.kind(), *kind, "{layout:?} by {name}: {text}: {error}")
                    }
                    Found::Rows { rows, .. } => panic!("{layout:?} by {name}: {text}: {} rows", rows.len()),
                }
            }
        }
    }
}
