//! Reports, against figures worked out by hand on events made by hand, and against a naive count of a generated session.
#![allow(clippy::unwrap_used, unreachable_pub)] // in a test a panic is the failure report

mod by_hand;
mod session;
mod troubled;

use blotter::desk::Period;
use blotter::desk::report::{Report, ReportKind, ReportOptions, Section, report};
use blotter::{Datum, Queryable, Tz};

/// A day in UTC.
fn day(text: &str) -> Period {
    Period::day(text.parse().unwrap(), Tz::UTC).unwrap()
}

fn made(database: &impl Queryable, kind: ReportKind, period: &Period, options: &ReportOptions) -> Report {
    let made = report(database, kind, period, options).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    assert_eq!(made.kind, kind.name());
    made
}

fn shown(datum: &Datum) -> String {
    if datum.is_null() { "-".to_owned() } else { datum.to_string() }
}

/// Figures of a section as `name=value`, with `<previous` after those that are compared.
fn figures(report: &Report, section: &str) -> Vec<String> {
    let found = report.sections.iter().filter_map(Section::as_figures).find(|found| found.name == section);
    let found = found.unwrap_or_else(|| panic!("no figures '{section}' in {}", report.kind));
    let figure = |figure: &blotter::desk::report::Figure| {
        let previous = figure.previous.as_ref().map(|value| format!("<{}", shown(value))).unwrap_or_default();
        format!("{}={}{previous}", figure.name, shown(&figure.value))
    };
    found.figures.iter().map(figure).collect()
}

/// One figure.
fn figure(report: &Report, section: &str, name: &str) -> Datum {
    let found = report.sections.iter().filter_map(Section::as_figures).find(|found| found.name == section);
    let figure = found.and_then(|found| found.figures.iter().find(|figure| figure.name == name));
    figure.unwrap_or_else(|| panic!("no figure '{section}.{name}' in {}", report.kind)).value.clone()
}

/// Rows of a table, cells with ` | ` between them, of these columns, or of all if none are named.
fn table(report: &Report, name: &str, columns: &[&str]) -> Vec<String> {
    let found = report.sections.iter().filter_map(Section::as_table).find(|found| found.name == name);
    let found = found.unwrap_or_else(|| panic!("no table '{name}' in {}", report.kind));
    let place = |name: &&str| found.columns.iter().position(|column| column.name == *name).expect(name);
    let places: Vec<usize> = match columns {
        [] => (0..found.columns.len()).collect(),
        columns => columns.iter().map(place).collect(),
    };
    let row = |row: &Vec<Datum>| places.iter().map(|at| shown(&row[*at])).collect::<Vec<_>>().join(" | ");
    found.rows.iter().map(row).collect()
}
