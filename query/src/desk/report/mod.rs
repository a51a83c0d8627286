//! Reports: what a period amounts to.
//!
//! ```text
//! queries ─▶ figures, tables, charts ─▶ Report (document) ─▶ text, JSON, CSV, HTML
//! ```
//! [`report`] makes one: of any kind, of a period, all of it of one snapshot. Each kind has a file, which asks its
//! questions through `inquiry` and puts the answers into sections. What is counted, and how, is in `docs/reports.md`.
//!
//! Most figures are aggregates of queries, so that a report reads a few columns rather than events. Trades are matched
//! from fills one by one, and signals with orders; these alone are looked at as rows.

mod activity;
mod build;
mod compare;
mod daily;
mod document;
mod errors;
pub mod html;
mod inquiry;
mod json;
mod kind;
mod losing;
mod missed;
mod options;
mod performance;
mod repeats;
mod risk;
pub mod shown;
mod steps;
mod strategies;
mod symbols;
mod system;
mod trade_figures;
mod trade_source;
mod trades;

pub use document::{Chart, ChartForm, Column, Figure, Figures, Report, Section, Table, Unit};
pub use kind::ReportKind;
pub use options::ReportOptions;

use crate::api::Queryable;
use crate::desk::Period;
use crate::error::Result;
use inquiry::Inquiry;

/// Makes a report of what is recorded up to now.
///
/// What cannot be read, and what nobody recorded, is in its notes.
///
/// ```
/// use blotter_engine::{Db, RecorderOptions, dec, event::OrderStatus};
/// use blotter_query::desk::{Period, report::{ReportKind, ReportOptions, Section, report}};
/// use blotter_query::{Datum, Tz};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let db = Db::open(dir.path().join("desk.blotter"))?;
/// let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum"))?;
/// for (id, end) in [("A-1", OrderStatus::Filled), ("A-2", OrderStatus::Rejected)] {
///     recorder.order(OrderStatus::Created).at("2026-01-05T14:30:00Z".parse()?).order_id(id).emit();
///     recorder.order(end).at("2026-01-05T14:30:01Z".parse()?).order_id(id).emit();
/// }
/// db.flush()?;
/// let day = Period::day("2026-01-05".parse()?, Tz::UTC)?;
/// let daily = report(&db, ReportKind::Daily, &day, &ReportOptions::default())?;
/// let Section::Figures(orders) = &daily.sections[0] else { panic!("figures come first") };
/// let rate = orders.figures.iter().find(|figure| figure.name == "rejection_rate").expect("it has one");
/// assert_eq!(rate.value, Datum::Decimal(dec!(0.5)));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the queries that it asks, and sums of money that do not fit an exact decimal.
pub fn report(
    database: &impl Queryable,
    kind: ReportKind,
    period: &Period,
    options: &ReportOptions,
) -> Result<Report> {
    let snapshot = database.to_snapshot()?;
    let of = |period: Period| -> Result<Report> {
        let mut inquiry = Inquiry::new(&snapshot, period, options);
        let events = inquiry.row(&format!("{} | stats count()", period.condition()))?;
        let events = events.map_or(0, |row| activity::count_of(&row, "count"));
        let sections = kind.sections(&mut inquiry)?;
        Ok(Report {
            kind: kind.name(),
            title: kind.title().to_owned(),
            period,
            compared_with: None,
            events,
            sections,
            notes: inquiry.notes,
            unreadable: inquiry.unreadable,
        })
    };
    let now = of(*period)?;
    if options.compare { Ok(compare::compared(now, of(period.previous()?)?)) } else { Ok(now) }
}
