//! A report as text for people, and as CSV for spreadsheets.
//!
//! ```text
//! Daily report · 2026-01-05 America/New_York
//! 492,842 events
//!
//! Orders                                figures, one a line, beside what they were before if that is asked for
//!   fill rate       7.51 %    8.01 %  -0.5 pp
//!
//! By strategy                           tables, in as many pieces as the terminal needs
//!
//! Orders by hour                        charts, a sparkline for each series
//!   orders   ▂▅█▃   38,690 to 77,381
//! ```

use std::sync::Arc;

use blotter::desk::report::shown::{NONE, change, plain, with_unit};
use blotter::desk::report::{Chart, ChartForm, Column, Figures, Report, Section, Table, Unit};
use blotter::query::Picture;
use blotter::query::error::QueryError;
use blotter::{Datum, Rows};
use chrono_tz::Tz;

use super::csv;
use super::escape::escaped;
use super::grid::{Align, Grid};
use super::layout::GAP;
use super::spark::sparkline;
use super::style::{Paint, Style};
use super::value::TimeForm;
use super::width::{clip, padding, width};

/// What stands before what belongs to a heading.
const INDENT: &str = "  ";

/// Sparklines where there is no terminal to fit.
const CHART_COLUMNS: usize = 60;

/// The whole report.
pub(crate) fn text(report: &Report, style: Style) -> String {
    let mut lines = vec![format!("{} · {}", style.paint(&report.title, Paint::Header), report.period)];
    if let Some(before) = &report.compared_with {
        lines.push(style.paint(&format!("compared with {before}"), Paint::Faint));
    }
    let events = with_unit(&Datum::from(report.events), Unit::Count, Tz::UTC);
    lines.push(
        style.paint(
            &format!("{events} {}", if report.events == 1 { "event" } else { "events" }),
            Paint::Faint,
        ),
    );
    let zone = report.period.zone;
    for section in &report.sections {
        let (title, body) = match section {
            Section::Figures(section) => (&section.title, figures(section, zone, style)),
            Section::Table(section) => (&section.title, table(section, zone, style)),
            Section::Chart(section) => (&section.title, chart(section, zone, style)),
        };
        lines.push(String::new());
        lines.push(style.paint(title, Paint::Header));
        let indented = |line: String| if line.is_empty() { line } else { format!("{INDENT}{line}") };
        lines.extend(body.into_iter().map(indented));
    }
    if !report.notes.is_empty() {
        lines.push(String::new());
        lines.push(style.paint("Notes", Paint::Header));
        lines.extend(report.notes.iter().map(|note| format!("{INDENT}{}", escaped(note))));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// One a line, their digits below each other.
fn figures(section: &Figures, zone: Tz, style: Style) -> Vec<String> {
    let rows: Vec<[String; 4]> = section
        .figures
        .iter()
        .map(|figure| {
            let shown = escaped(&with_unit(&figure.value, figure.unit, zone)).to_string();
            let (before, change) = match &figure.previous {
                Some(before) => {
                    let shown = escaped(&with_unit(before, figure.unit, zone)).to_string();
                    (shown, change(&figure.value, before, figure.unit))
                }
                None => Default::default(),
            };
            [figure.label.to_owned(), shown, before, change]
        })
        .collect();
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2), widest(3)];
    let line = |row: &[String; 4]| {
        let mut line = format!("{}{}", row[0], padding(width(&row[0]), widths[0]));
        for column in 1..row.len() {
            let space = padding(width(&row[column]), widths[column] + GAP);
            let cell = format!("{space}{}", row[column]);
            line.push_str(&if column == 2 { style.paint(&cell, Paint::Faint) } else { cell });
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

/// In as many pieces as the terminal needs, each with the first column.
fn table(section: &Table, zone: Tz, style: Style) -> Vec<String> {
    if section.rows.is_empty() {
        return vec![style.paint("none", Paint::Faint)];
    }
    let cell = |column: &Column, value: &Datum| plain(value, column.unit, zone);
    let rows: Vec<Vec<String>> = section
        .rows
        .iter()
        .map(|row| section.columns.iter().zip(row).map(|(column, value)| cell(column, value)).collect())
        .collect();
    // What nobody recorded of any row is no column for people.
    let is_known = |at: &usize| *at == 0 || section.rows.iter().any(|row| !row[*at].is_null());
    let shown: Vec<usize> = (0..section.columns.len()).filter(is_known).collect();
    let label = |at: usize| heading(&section.columns[at]);
    let widest = |at: usize| {
        let cells = rows.iter().map(|row| width(&escaped(&row[at]).to_string()));
        cells.chain([width(&label(at))]).max().unwrap_or(0)
    };
    let room = style.width.map_or(usize::MAX, |columns| columns.saturating_sub(INDENT.len()));
    let mut lines = Vec::new();
    for piece in pieces(&shown, widest, room) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let align = |at: usize| {
            let is_number = section.columns[at].unit != Unit::None
                || section.rows.iter().any(|row| matches!(row[at], Datum::Duration(_) | Datum::Int(_)));
            if is_number { Align::Right } else { Align::Left }
        };
        let columns: Vec<(String, Align)> = piece.iter().map(|at| (label(*at), align(*at))).collect();
        let mut grid = Grid::new(&columns);
        rows.iter().for_each(|row| grid.row_of(piece.iter().map(|at| row[*at].clone())));
        // What is wider than the terminal even alone is a text, and is cut.
        lines.extend(grid.lines().into_iter().map(|line| clip(&line, room)));
    }
    lines
}

/// What a column is called: with its unit, which its cells leave out.
fn heading(column: &Column) -> String {
    let unit = match column.unit {
        Unit::Share | Unit::Percent => " %",
        Unit::BasisPoints => " bps",
        Unit::Microseconds => " us",
        Unit::Milliseconds => " ms",
        _ => "",
    };
    format!("{}{unit}", column.label)
}

/// Columns in pieces that fit, the first of all in each of them.
fn pieces(columns: &[usize], widest: impl Fn(usize) -> usize, room: usize) -> Vec<Vec<usize>> {
    let Some((first, rest)) = columns.split_first() else { return Vec::new() };
    let mut pieces = vec![vec![*first]];
    let mut taken = widest(*first);
    for column in rest {
        let needed = GAP + widest(*column);
        let piece = pieces.last_mut().expect("there is always one");
        if piece.len() > 1 && taken.saturating_add(needed) > room {
            taken = widest(*first) + needed;
            pieces.push(vec![*first, *column]);
        } else {
            taken = taken.saturating_add(needed);
            piece.push(*column);
        }
    }
    pieces
}

/// A sparkline for each series, between which values, and over which time.
fn chart(section: &Chart, zone: Tz, style: Style) -> Vec<String> {
    let (Some(first), Some(last)) = (section.x.first(), section.x.last()) else {
        return vec![style.paint("none", Paint::Faint)];
    };
    let name_width = section.series.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let columns = style.width.map_or(CHART_COLUMNS, |width| (width / 2).min(CHART_COLUMNS));
    let mut lines: Vec<String> = section
        .series
        .iter()
        .map(|(name, values)| {
            let known: Vec<&Datum> = values.iter().filter(|value| !value.is_null()).collect();
            let least = known.iter().min().map_or(&Datum::Null, |least| *least);
            let most = known.iter().max().map_or(&Datum::Null, |most| *most);
            let spark = style.paint(&sparkline(&heights(section.form, values, columns), columns), Paint::Bar);
            let shown = [least, most].map(|value| with_unit(value, section.unit, zone));
            let range =
                if known.is_empty() { NONE.to_owned() } else { format!("{} to {}", shown[0], shown[1]) };
            let name = escaped(name).to_string();
            format!("{name}{}  {spark}  {}", padding(width(&name), name_width), escaped(&range))
        })
        .collect();
    let [first, last] = [first, last].map(|x| escaped(&plain(x, Unit::None, zone)).to_string());
    lines.push(style.paint(&format!("{first} to {last}"), Paint::Faint));
    lines
}

/// Values of a chart as heights from zero on: counts are added up where there is no room for all, of a line it is the
/// mean, and one that goes below zero stands on its lowest point.
fn heights(form: ChartForm, values: &[Datum], columns: usize) -> Vec<f64> {
    let heights: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap_or(0.0)).collect();
    if form == ChartForm::Bars {
        return heights;
    }
    let least = heights.iter().copied().fold(0.0, f64::min);
    let per_column = heights.len().div_ceil(columns.max(1)).max(1);
    let mean = |chunk: &[f64]| chunk.iter().sum::<f64>() / chunk.len() as f64 - least;
    heights.chunks(per_column).map(mean).collect()
}

/// A value of a report in the long form.
struct Value<'a> {
    section: &'static str,
    row: Datum,
    name: &'a str,
    value: &'a Datum,
    unit: Unit,
    previous: Option<&'a Datum>,
}

/// As CSV: one section with its own columns, or all of them with a line for each value.
pub(crate) fn csv(report: &Report, is_one_section: bool) -> String {
    let zone = report.period.zone;
    if let (true, [section]) = (is_one_section, report.sections.as_slice()) {
        let (columns, rows) = as_table(section, report.compared_with.is_some());
        return lines(&columns, rows, zone);
    }
    let mut values: Vec<Value<'_>> = Vec::new();
    for section in &report.sections {
        put_values(section, &mut values);
    }
    let rows = values.into_iter().map(|value| {
        vec![
            value.section.into(),
            value.row,
            value.name.into(),
            value.value.clone(),
            value.unit.name().into(),
            value.previous.cloned().unwrap_or_default(),
        ]
    });
    let columns = ["section", "row", "name", "value", "unit", "previous"];
    let shown = if report.compared_with.is_some() { columns.len() } else { columns.len() - 1 };
    lines(&columns[..shown], rows.collect(), zone)
}

/// Every value of a section: of a table with the number of its row, from 1 on, of a chart with its place.
fn put_values<'a>(section: &'a Section, values: &mut Vec<Value<'a>>) {
    match section {
        Section::Figures(section) => values.extend(section.figures.iter().map(|figure| Value {
            section: section.name,
            row: Datum::Null,
            name: figure.name,
            value: &figure.value,
            unit: figure.unit,
            previous: figure.previous.as_ref(),
        })),
        Section::Table(section) => {
            for (row, number) in section.rows.iter().zip(1i64..) {
                values.extend(section.columns.iter().zip(row).map(|(column, value)| Value {
                    section: section.name,
                    row: Datum::Int(number),
                    name: column.name,
                    value,
                    unit: column.unit,
                    previous: None,
                }));
            }
        }
        Section::Chart(section) => {
            for (name, series) in &section.series {
                values.extend(section.x.iter().zip(series).map(|(x, value)| Value {
                    section: section.name,
                    row: x.clone(),
                    name,
                    value,
                    unit: section.unit,
                    previous: None,
                }));
            }
        }
    }
}

/// A section as a table of its own.
fn as_table(section: &Section, is_compared: bool) -> (Vec<&str>, Vec<Vec<Datum>>) {
    match section {
        Section::Figures(section) => {
            let columns = ["name", "value", "unit", "previous"];
            let rows = section.figures.iter().map(|figure| {
                let previous = figure.previous.clone().unwrap_or_default();
                vec![figure.name.into(), figure.value.clone(), figure.unit.name().into(), previous]
            });
            let shown = if is_compared { columns.len() } else { columns.len() - 1 };
            (columns[..shown].to_vec(), rows.collect())
        }
        Section::Table(section) => {
            (section.columns.iter().map(|column| column.name).collect(), section.rows.clone())
        }
        Section::Chart(section) => {
            let names = section.series.iter().map(|(name, _)| name.as_str());
            let rows = section.x.iter().enumerate().map(|(at, x)| {
                let values = section.series.iter().map(|(_, values)| values[at].clone());
                [x.clone()].into_iter().chain(values).collect()
            });
            (["x"].into_iter().chain(names).collect(), rows.collect())
        }
    }
}

/// A header and a line for each row, which may have more cells than there are columns.
fn lines(columns: &[&str], rows: Vec<Vec<Datum>>, zone: Tz) -> String {
    let rows = rows.into_iter().map(|row| Ok::<_, QueryError>(columns.iter().copied().zip(row).collect()));
    let rows = Rows::of(Some(columns), Picture::default(), zone, rows);
    let columns: Vec<Arc<str>> = columns.iter().map(|name| Arc::from(*name)).collect();
    let mut out = String::new();
    csv::header(&mut out, &columns);
    for row in rows.flatten() {
        csv::row(&mut out, &row, &columns, TimeForm::whole(zone));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_cut_into_pieces_that_fit() {
        let widest = |at: usize| [8, 10, 10, 30, 5][at];
        for (room, expected) in [
            (usize::MAX, vec![vec![0, 1, 2, 3, 4]]),
            (71, vec![vec![0, 1, 2, 3, 4]]),
            (70, vec![vec![0, 1, 2, 3], vec![0, 4]]),
            (32, vec![vec![0, 1, 2], vec![0, 3], vec![0, 4]]),
            (1, vec![vec![0, 1], vec![0, 2], vec![0, 3], vec![0, 4]]),
        ] {
            assert_eq!(pieces(&[0, 1, 2, 3, 4], widest, room), expected, "{room}");
        }
        assert_eq!(pieces(&[0], widest, 1), [[0]]);
        assert!(pieces(&[], widest, 1).is_empty());
    }

    #[test]
    fn lines_stand_on_their_lowest_point_and_bars_on_zero() {
        let values = [Datum::Int(-2), Datum::Null, Datum::Int(4), Datum::Int(6)];
        assert_eq!(heights(ChartForm::Line, &values, 4), [0.0, 2.0, 6.0, 8.0]);
        assert_eq!(heights(ChartForm::Line, &values, 2), [1.0, 7.0]);
        assert_eq!(heights(ChartForm::Bars, &values, 2), [-2.0, 0.0, 4.0, 6.0]);
    }
}
