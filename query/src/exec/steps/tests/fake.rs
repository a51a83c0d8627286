//! Rows written as text, and a database that is a list of them.
//!
//! `ts=@5 seq=1 symbol=AAPL px=1.50 x=2f pause=~5 ok=true level=warn`: `@` a time in nanoseconds, `~` a duration, `f` a
//! float, digits a number, exact, anything else text.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use blotter_engine::event::{Category, Level, Timestamp};
use blotter_engine::{Options, Snapshot};

use super::super::apply;
use crate::api::Cancel;
use crate::cells::{Cells, Names, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::budget::Budget;
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::plan::scalar::{Comparand, Condition, Scalar, Test};
use crate::plan::step::{Output, Picture, Plan, Step};
use crate::syntax::ast::CompareOp;

pub(super) const MEMORY_BYTES: usize = 64 << 20;

/// What a step runs in.
pub(super) struct World {
    pub(super) execution: Arc<Execution>,
    pub(super) source: Arc<dyn Source>,
    pub(super) cancel: Cancel,
    /// Rows asked of inputs.
    pub(super) pulls: Arc<AtomicUsize>,
    memory_bytes: usize,
}

/// The snapshot of an empty database; only its next seq is ever looked at.
fn empty_snapshot() -> Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let database = Options::new().without_threads().open(folder.path().join("db")).unwrap();
            database.snapshot().unwrap()
        })
        .clone()
}

impl World {
    /// A database of these events, one on each line.
    pub(super) fn new(events: &str) -> World {
        World::with_memory(events, MEMORY_BYTES)
    }

    pub(super) fn with_memory(events: &str, memory_bytes: usize) -> World {
        let cancel = Cancel::new();
        let execution = Arc::new(Execution {
            snapshot: empty_snapshot(),
            names: Arc::new(Names::default()),
            budget: Budget::new(cancel.clone(), None, memory_bytes),
            report: crate::exec::report::Report::default(),
            threads: 1,
            explains: false,
        });
        let events = parse(events, &execution.names);
        let source = Database::source(events, &execution);
        World { execution, source, cancel, pulls: Arc::default(), memory_bytes }
    }

    /// The same with other events.
    pub(super) fn of(world: World, events: Vec<Cells>) -> World {
        let source = Database::source(events, &world.execution);
        World { source, ..world }
    }

    pub(super) fn slot(&self, name: &str) -> Slot {
        self.execution.names.slot(name)
    }

    pub(super) fn slots(&self, names: &[&str]) -> Vec<Slot> {
        names.iter().map(|name| self.slot(name)).collect()
    }

    pub(super) fn column(&self, name: &str) -> Scalar {
        Scalar::Column(self.slot(name))
    }

    /// Columns under their own names; `a as b` under another.
    pub(super) fn columns(&self, names: &[&str]) -> Vec<(Slot, Scalar)> {
        names
            .iter()
            .map(|name| {
                let (column, name) = name.split_once(" as ").unwrap_or((name, name));
                (self.slot(name), self.column(column))
            })
            .collect()
    }

    /// `field = text`
    pub(super) fn equals(&self, field: &str, text: &str) -> Condition {
        let value = Comparand { text: Some(text.into()), number: text.parse().ok(), ..Comparand::default() };
        let test = Test::Compare { op: CompareOp::Equal, value };
        Condition::Column { slot: self.slot(field), test }
    }

    pub(super) fn plan(&self, filter: Condition, steps: Vec<Step>) -> Box<Plan> {
        let (output, picture) = (Output::Open, Picture::Table);
        Box::new(Plan { filter, steps, output, explain: false, zone: chrono_tz::UTC, picture })
    }

    /// A stream of these rows that counts what is asked of it.
    pub(super) fn stream(&self, rows: Vec<Cells>) -> RowStream {
        let pulls = Arc::clone(&self.pulls);
        let mut rows = rows.into_iter();
        Box::new(std::iter::from_fn(move || {
            pulls.fetch_add(1, Ordering::Relaxed);
            rows.next().map(Ok)
        }))
    }

    /// The rows that a step makes of others.
    pub(super) fn run(&self, step: &Step, input: Vec<Cells>) -> Result<Vec<Cells>> {
        let pulls = self.pulls.load(Ordering::Relaxed);
        let stream = apply(step, self.stream(input), &self.source, &self.execution)?;
        assert_eq!(self.pulls.load(Ordering::Relaxed), pulls, "{step:?} reads before it is asked for a row");
        let rows: Result<Vec<Cells>> = stream.collect();
        // Whatever was taken has been given back.
        self.execution.budget.take(self.memory_bytes).unwrap_or_else(|_| panic!("{step:?} keeps memory"));
        self.execution.budget.release(self.memory_bytes);
        rows
    }

    pub(super) fn parse(&self, rows: &str) -> Vec<Cells> {
        parse(rows, &self.execution.names)
    }

    pub(super) fn print(&self, rows: &[Cells]) -> Vec<String> {
        rows.iter().map(|row| print(row, &self.execution.names)).collect()
    }

    /// Asserts what a step makes of rows.
    #[track_caller]
    pub(super) fn check(&self, step: &Step, input: &str, expected: &str) {
        let rows = self.run(step, self.parse(input)).unwrap();
        let expected: Vec<&str> = lines(expected).collect();
        assert_eq!(self.print(&rows), expected, "{step:?}");
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// `-` is a row without values.
fn parse(rows: &str, names: &Names) -> Vec<Cells> {
    lines(rows).map(|line| parse_row(line, names)).collect()
}

fn parse_row(line: &str, names: &Names) -> Cells {
    let mut row = Cells::default();
    for cell in line.split_whitespace().filter(|cell| *cell != "-") {
        let (name, value) = cell.split_once('=').unwrap();
        row.push(names.slot(name), parse_datum(name, value));
    }
    row
}

fn parse_datum(name: &str, value: &str) -> Datum {
    if let Some(ns) = value.strip_prefix('@') {
        return Datum::Time(Timestamp(ns.parse().unwrap()));
    }
    if let Some(ns) = value.strip_prefix('~') {
        return Datum::Duration(ns.parse().unwrap());
    }
    if let Some(Ok(number)) = value.strip_suffix('f').map(str::parse) {
        return Datum::Float(number);
    }
    match (name, value) {
        ("level", level) => Datum::Level(level.parse::<Level>().unwrap()),
        ("category", category) => Datum::Category(Category::custom(category).unwrap()),
        (_, "true") => Datum::Bool(true),
        (_, "false") => Datum::Bool(false),
        _ => match (value.parse(), value.parse()) {
            (Ok(number), _) => Datum::Int(number),
            (_, Ok(number)) => Datum::Decimal(number),
            _ => Datum::Str(value.into()),
        },
    }
}

fn print(row: &Cells, names: &Names) -> String {
    let cells: Vec<String> = row
        .iter()
        .map(|(slot, datum)| {
            let value = match datum {
                Datum::Null => "null".to_owned(),
                Datum::Bool(value) => value.to_string(),
                Datum::Int(value) => value.to_string(),
                Datum::Float(value) => format!("{value}f"),
                Datum::Decimal(value) => value.to_string(),
                Datum::Str(value) => value.to_string(),
                Datum::Time(value) => format!("@{}", value.0),
                Datum::Duration(value) => format!("~{value}"),
                Datum::Level(value) => value.to_string(),
                Datum::Category(value) => value.to_string(),
            };
            format!("{}={value}", names.name(slot))
        })
        .collect();
    if cells.is_empty() { "-".to_owned() } else { cells.join(" ") }
}

/// A database that is a list of events.
struct Database {
    events: Vec<Cells>,
    execution: Arc<Execution>,
}

impl Database {
    fn source(mut events: Vec<Cells>, execution: &Arc<Execution>) -> Arc<dyn Source> {
        events.sort_by_key(|event| (event.get(Slot::TS).clone(), event.get(Slot::SEQ).clone()));
        Arc::new(Database { events, execution: Arc::clone(execution) })
    }
}

impl Source for Database {
    fn scan(&self, request: ScanRequest) -> Result<RowStream> {
        let ScanRequest { between: (first, last), condition, fields, backwards } = request;
        let mut rows = Vec::new();
        for event in &self.events {
            let Datum::Time(ts) = event.get(Slot::TS) else { panic!("events have times") };
            if *ts < first || *ts > last || !condition.holds(event)? {
                continue;
            }
            let mut row = Cells::default();
            for (slot, datum) in event.iter() {
                if fields.as_ref().is_none_or(|fields| fields.contains(&slot)) {
                    row.push(slot, datum.clone());
                }
            }
            rows.push(row);
        }
        if backwards {
            rows.reverse();
        }
        Ok(Box::new(rows.into_iter().map(Ok)))
    }

    fn collect(&self, request: ScanRequest) -> Result<Vec<Cells>> {
        self.scan(request)?.collect()
    }

    fn run(&self, plan: &Plan) -> Result<RowStream> {
        let between = (Timestamp::MIN, Timestamp::MAX);
        let condition = plan.filter.clone();
        let mut rows = self.scan(ScanRequest { between, condition, fields: None, backwards: false })?;
        let source = Database::source(self.events.clone(), &self.execution);
        for step in &plan.steps {
            rows = apply(step, rows, &source, &self.execution)?;
        }
        Ok(rows)
    }
}
