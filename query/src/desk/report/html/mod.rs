//! A report as one HTML page that needs nothing else: no script, no font, no image from elsewhere, and a policy in
//! its head that forbids the browser to fetch any. It can be mailed, archived beside the data, and printed.
//!
//! Whatever the log says is text: every value is escaped where the page is put together.

mod chart;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::shown::with_unit;
use super::{Column, Figure, Figures, Report, Section, Table, Unit};
use crate::datum::{Datum, escaped};
use chrono_tz::Tz;

const STYLE: &str = include_str!("style.css");

/// Rows of a table that a page shows; how many more there are is said below it, and JSON and CSV have them all.
pub const TABLE_ROWS_MAX: usize = 500;

/// The report as a page.
///
/// ```
/// use blotter_query::desk::Period;
/// use blotter_query::desk::report::{Report, html};
/// let period = Period::day("2026-01-05".parse().unwrap(), blotter_query::Tz::UTC).unwrap();
/// let report = Report {
///     kind: "daily",
///     title: "Daily report".into(),
///     period,
///     compared_with: None,
///     events: 0,
///     sections: vec![],
///     notes: vec!["<b>".into()],
///     unreadable: vec![],
/// };
/// let page = html::page(&report);
/// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("&lt;b&gt;") && !page.contains("<script"));
/// ```
pub fn page(report: &Report) -> String {
    let zone = report.period.zone;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (escaped(&report.title)) ", " (report.period) }
                // The browser would ask for an icon otherwise.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        h1 { (escaped(&report.title)) }
                        p.period { (report.period) ", " (with_unit(&Datum::from(report.events), Unit::Count, zone)) " events" }
                        @if let Some(previous) = &report.compared_with {
                            p.period { "compared with " (previous) }
                        }
                    }
                    @if !report.notes.is_empty() {
                        section.notes {
                            h2 { "To know" }
                            ul { @for note in &report.notes { li { (escaped(note)) } } }
                        }
                    }
                    @for section in &report.sections { (self::section(section, zone)) }
                    footer { "blotter " (env!("CARGO_PKG_VERSION")) ", report " code { (report.kind) } }
                }
            }
        }
    }
    .into_string()
}

fn section(section: &Section, zone: Tz) -> Markup {
    html! {
        section {
            @match section {
                Section::Figures(figures) => (self::figures(figures, zone)),
                Section::Table(table) => (self::table(table, zone)),
                Section::Chart(chart) => {
                    h2 { (escaped(&chart.title)) }
                    (chart::chart(chart, zone))
                }
            }
        }
    }
}

fn figures(figures: &Figures, zone: Tz) -> Markup {
    html! {
        h2 { (escaped(&figures.title)) }
        dl { @for figure in &figures.figures { (self::figure(figure, zone)) } }
    }
}

fn figure(figure: &Figure, zone: Tz) -> Markup {
    html! {
        div {
            dt { (figure.label) }
            dd {
                span class=[sign(&figure.value, figure.unit)] { (safe(&figure.value, figure.unit, zone)) }
                @if let Some(previous) = &figure.previous {
                    small { "was " (safe(previous, figure.unit, zone)) }
                }
            }
        }
    }
}

fn table(table: &Table, zone: Tz) -> Markup {
    let more = table.rows.len().saturating_sub(TABLE_ROWS_MAX);
    html! {
        h2 { (escaped(&table.title)) }
        @if table.rows.is_empty() {
            p.none { "none" }
        } @else {
            div.wide {
                table {
                    thead {
                        tr { @for column in &table.columns { th.number[is_number(column)] { (column.label) } } }
                    }
                    tbody {
                        @for row in table.rows.iter().take(TABLE_ROWS_MAX) {
                            tr { @for (cell, column) in row.iter().zip(&table.columns) { (self::cell(cell, column, zone)) } }
                        }
                    }
                }
            }
        }
        @if more > 0 {
            p.none { "and " (more) " more rows, in the JSON and CSV forms of this report" }
        }
    }
}

fn cell(value: &Datum, column: &Column, zone: Tz) -> Markup {
    let text = safe(value, column.unit, zone);
    if is_number(column) {
        html! { td class={ "number " (sign(value, column.unit).unwrap_or_default()) } { (text) } }
    } else {
        html! { td { (text) } }
    }
}

/// A value as text that neither moves a cursor, where a page is printed to a terminal, nor turns the text around it.
fn safe(value: &Datum, unit: Unit, zone: Tz) -> String {
    escaped(&with_unit(value, unit, zone)).to_string()
}

/// Whether its values stand at the right.
fn is_number(column: &Column) -> bool {
    column.unit != Unit::None
}

/// Money that was lost is seen to be lost.
fn sign(value: &Datum, unit: Unit) -> Option<&'static str> {
    (unit == Unit::Money && value < &Datum::Int(0)).then_some("loss")
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::Timestamp;

    use super::*;
    use crate::desk::Period;
    use crate::desk::report::{Chart, ChartForm};

    /// A report of every kind of section, with texts that would break out of a page.
    fn report() -> Report {
        let period = Period::day("2026-01-05".parse().unwrap(), Tz::UTC).unwrap();
        let evil = "</style><script>alert(1)</script>\"'\x1b[31m\u{202e}";
        let column = |name, label, unit| Column { name, label, unit };
        let hours =
            (0..24).map(|hour| Datum::Time(Timestamp(period.from.nanos() + hour * 3_600_000_000_000)));
        Report {
            kind: "daily",
            title: format!("Daily {evil}"),
            period,
            compared_with: Some(period.previous().unwrap()),
            sections: vec![
                Section::Figures(Figures {
                    name: "totals",
                    title: evil.into(),
                    figures: vec![Figure {
                        name: "pnl",
                        label: "pnl",
                        value: Datum::Decimal(dec!(-1234.5)),
                        unit: Unit::Money,
                        previous: Some(Datum::Null),
                    }],
                }),
                Section::Table(Table {
                    name: "by_strategy",
                    title: "By strategy".into(),
                    columns: vec![
                        column("strategy", "strategy", Unit::None),
                        column("orders", "orders", Unit::Count),
                    ],
                    rows: (0..TABLE_ROWS_MAX as i64 + 7)
                        .map(|n| vec![Datum::from(evil), Datum::Int(n)])
                        .collect(),
                }),
                Section::Chart(Chart {
                    name: "orders_by_hour",
                    title: evil.into(),
                    form: ChartForm::Bars,
                    unit: Unit::Count,
                    x: hours.collect(),
                    series: vec![(evil.into(), (0..24).map(Datum::Int).collect())],
                }),
            ],
            events: 1,
            notes: vec![evil.into()],
            unreadable: vec![],
        }
    }

    #[test]
    fn what_the_log_says_stays_text() {
        let page = page(&report());
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("</style>").count(), 1);
        assert_eq!(page.find(|c| c != '\n' && crate::datum::is_unsafe(c)), None);
        assert!(page.matches("&lt;script&gt;").count() > TABLE_ROWS_MAX);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        let page = page(&report());
        for outside in ["http://", "https://", "url(", "@import", "src="] {
            let found = page
                .find(outside)
                .map(|at| page[at.saturating_sub(40)..].chars().take(90).collect::<String>());
            assert_eq!(found, None, "{outside}");
        }
    }

    #[test]
    fn rows_that_are_left_out_are_counted() {
        let page = page(&report());
        assert!(page.contains("and 7 more rows"), "{page}");
        assert_eq!(page.matches("<tr>").count(), 1 + TABLE_ROWS_MAX);
    }

    #[test]
    fn a_loss_and_what_it_was_before_are_with_unit() {
        let page = page(&report());
        assert!(page.contains("<span class=\"loss\">-1,234.50</span><small>was -</small>"), "{page}");
    }
}
