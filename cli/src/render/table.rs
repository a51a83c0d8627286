//! A table for people, with bars for timelines and histograms.
//!
//! The first rows decide the columns; they are held back until there are enough of them. Later rows are shown
//! as they come, and where they need more room than the first did they take it: only on a terminal, and only
//! text, is ever cut, and that is said at the end.

use std::io::{self, Write};
use std::sync::Arc;

use blotter::Row;
use blotter::query::Picture;
use blotter::query::datum::DatumRef;
use chrono_tz::Tz;

use super::Fields;
use super::escape::escaped;
use super::layout::{GAP, Layout};
use super::spark::{bar, sparkline};
use super::style::{Paint, Style};
use super::value::{TimeForm, text_of};
use super::width::{cut, padding, width};

/// Rows that decide the columns: more than a screen has.
const ROWS_MEASURED: usize = 200;

/// Rows that a bar chart is made of at most; all of them must be there before the first is shown.
const CHART_ROWS_MAX: usize = 20_000;

/// Widest bar, and what a bar must have to say anything.
const BAR_WIDTHS: std::ops::RangeInclusive<usize> = 8..=40;

/// Characters of a sparkline where there is no terminal to fit.
const SPARK_WIDTH: usize = 60;

/// Most keys that a timeline is summed up for.
const KEYS_MAX: usize = 100;

/// See the module.
pub(crate) struct Table {
    columns: Option<Vec<Arc<str>>>,
    picture: Picture,
    zone: Tz,
    style: Style,
    /// Rows held back.
    held: Vec<Row>,
    layout: Option<Layout>,
    cut_cells: u64,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(columns: Option<&[Arc<str>]>, picture: Picture, zone: Tz, style: Style) -> Table {
        // A chart needs what it is a chart of.
        let is_chart = match picture {
            Picture::Timeline => columns.is_some_and(|columns| matches!(columns.len(), 2 | 3)),
            Picture::Histogram => columns.is_some_and(|columns| columns.len() == 3),
            Picture::Table => false,
        };
        Table {
            columns: columns.map(<[_]>::to_vec),
            picture: if is_chart { picture } else { Picture::Table },
            zone,
            style,
            held: Vec::new(),
            layout: None,
            cut_cells: 0,
            notes: Vec::new(),
        }
    }

    /// Takes a row, and shows what can be shown.
    pub(crate) fn row(&mut self, out: &mut dyn Write, row: Row) -> io::Result<()> {
        if self.layout.is_some() {
            return self.put_row(out, &row, None);
        }
        self.held.push(row);
        match self.picture {
            Picture::Table if self.held.len() < ROWS_MEASURED => Ok(()),
            Picture::Timeline | Picture::Histogram if self.held.len() < CHART_ROWS_MAX => Ok(()),
            Picture::Timeline | Picture::Histogram => {
                self.notes.push(format!("more than {CHART_ROWS_MAX} bins: no bars are drawn"));
                self.picture = Picture::Table;
                self.begin(out)
            }
            Picture::Table => self.begin(out),
        }
    }

    /// Shows what is left; what there is to say about the table.
    pub(crate) fn finish(&mut self, out: &mut dyn Write) -> io::Result<Vec<String>> {
        if self.layout.is_none() {
            match self.picture {
                Picture::Table => self.begin(out)?,
                Picture::Timeline | Picture::Histogram => self.chart(out)?,
            }
        }
        if let Some(layout) = &self.layout
            && !layout.left_out.is_empty()
        {
            let (names, way) = (layout.left_out.join(", "), self.style.way_to_see_all);
            self.notes.push(format!("no room for {names}; {way} shows all"));
        }
        if self.cut_cells > 0 {
            let (cells, way) = (self.cut_cells, self.style.way_to_see_all);
            let plural = if cells == 1 { "cell was" } else { "cells were" };
            self.notes
                .push(format!("{cells} {plural} cut to fit; {way} shows all, `| fields ...` fewer columns"));
        }
        Ok(std::mem::take(&mut self.notes))
    }

    /// Decides the columns and shows the rows held back.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let layout = match &self.columns {
            Some(columns) => Layout::listed(&held, columns, self.zone, &self.style, 0),
            None => Layout::open(&held, self.zone, &self.style),
        };
        // Of events there are no columns to show while there are no events.
        if !held.is_empty() || self.columns.is_some() {
            put_header(out, &layout, &self.style)?;
        }
        self.layout = Some(layout);
        held.iter().try_for_each(|row| self.put_row(out, row, None))
    }

    /// Shows all rows with their bars, then what they sum up to.
    fn chart(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let columns = self.columns.clone().unwrap_or_default();
        let count_of = |row: &Row| columns.last().map_or(0.0, |name| row.with(name, number_of));
        let most = held.iter().map(count_of).fold(0.0, f64::max);
        let reserved = GAP + BAR_WIDTHS.start();
        let mut layout = Layout::listed(&held, &columns, self.zone, &self.style, reserved);
        if !layout.left_out.is_empty() {
            // Numbers say more than bars.
            layout = Layout::listed(&held, &columns, self.zone, &self.style, 0);
        }
        let room = self.style.width.map_or(*BAR_WIDTHS.end(), |width| {
            width.saturating_sub(layout.width() + GAP).min(*BAR_WIDTHS.end())
        });
        put_header(out, &layout, &self.style)?;
        self.layout = Some(layout);
        for row in &held {
            let bar = bar(count_of(row), most, if room < *BAR_WIDTHS.start() { 0 } else { room });
            self.put_row(out, row, Some(&bar))?;
        }
        if self.picture == Picture::Timeline && !held.is_empty() {
            self.sum_up(out, &held, &columns)?;
        }
        Ok(())
    }

    /// A sparkline for each key of a timeline, with its total and its peak.
    fn sum_up(&mut self, out: &mut dyn Write, rows: &[Row], columns: &[Arc<str>]) -> io::Result<()> {
        let [time, key @ .., count] = columns else { return Ok(()) };
        let times = TimeForm { zone: self.zone, fraction_digits: 0 };
        let mut summaries: Vec<Summary> = Vec::new();
        for row in rows {
            let name =
                key.first().map_or_else(String::new, |key| row.with(key, |value| text_of(value, times)));
            let place = match summaries.iter().position(|summary| summary.key == name) {
                Some(place) => place,
                None if summaries.len() == KEYS_MAX => {
                    self.notes.push(format!("only the first {KEYS_MAX} keys are summed up"));
                    break;
                }
                None => {
                    summaries.push(Summary { key: name, counts: Vec::new(), peak: None });
                    summaries.len() - 1
                }
            };
            let (value, shown) = row.with(count, |value| (number_of(value), text_of(value, times)));
            let summary = &mut summaries[place];
            summary.counts.push(value);
            if summary.peak.as_ref().is_none_or(|(most, ..)| value > *most) {
                let at = row.with(time, |value| text_of(value, times));
                summary.peak = Some((value, shown, at));
            }
        }
        writeln!(out)?;
        let keys: Vec<String> =
            summaries.iter().map(|summary| cut(&escaped(&summary.key).to_string(), 24).0).collect();
        let widest = keys.iter().map(|key| width(key)).max().unwrap_or(0);
        for (summary, key) in summaries.iter().zip(&keys) {
            let (_, most, at) = summary.peak.as_ref().expect("a key is known by its first row");
            let total: f64 = summary.counts.iter().sum();
            let said = format!("{total} in {} bins, most {most} at {at}", summary.counts.len());
            let key = match widest {
                0 => String::new(),
                widest => format!("{key}{}  ", padding(width(key), widest)),
            };
            let room = match self.style.width {
                Some(columns) => columns.saturating_sub(width(&key) + width(&said) + GAP).max(8),
                None => SPARK_WIDTH,
            };
            let line = self.style.paint(&sparkline(&summary.counts, room), Paint::Bar);
            writeln!(out, "{key}{line}  {said}")?;
        }
        Ok(())
    }

    fn put_row(&mut self, out: &mut dyn Write, row: &Row, bar: Option<&str>) -> io::Result<()> {
        let layout = self.layout.as_ref().expect("rows are shown once the columns are decided");
        let mut line = String::new();
        // Spaces are put before what follows them, so that no line ends with any.
        let mut owed = String::new();
        for column in &layout.columns {
            let (text, paint) = layout.cell(column, row);
            let (text, is_cut) = match self.style.width {
                Some(_) if column.is_elastic => cut(&text, column.width),
                _ => (text, false),
            };
            self.cut_cells += u64::from(is_cut);
            let space = padding(width(&text), column.width);
            if column.is_right {
                owed.push_str(&space);
            }
            if !text.is_empty() {
                line.push_str(&owed);
                owed.clear();
                line.push_str(&self.style.paint(&text, paint));
            }
            if !column.is_right {
                owed.push_str(&space);
            }
            owed.push_str("  ");
        }
        if let Some(bar) = bar.filter(|bar| !bar.is_empty()) {
            line.push_str(&owed);
            line.push_str(&self.style.paint(bar, Paint::Bar));
        }
        line.push('\n');
        out.write_all(line.as_bytes())
    }
}

/// One key of a timeline.
struct Summary {
    key: String,
    counts: Vec<f64>,
    /// The greatest count, as a number and as it is shown, and when it was.
    peak: Option<(f64, String, String)>,
}

fn put_header(out: &mut dyn Write, layout: &Layout, style: &Style) -> io::Result<()> {
    let mut names = String::new();
    for column in &layout.columns {
        let (header, _) = match style.width {
            Some(_) if column.is_elastic => cut(&column.header, column.width),
            _ => (column.header.clone(), false),
        };
        let space = padding(width(&header), column.width);
        let (before, after) = if column.is_right { (space.as_str(), "") } else { ("", space.as_str()) };
        names.push_str(&format!("{before}{header}{after}  "));
    }
    let rules: Vec<String> = layout.columns.iter().map(|column| "─".repeat(column.width)).collect();
    writeln!(out, "{}", style.paint(names.trim_end(), Paint::Header))?;
    writeln!(out, "{}", style.paint(&rules.join("  "), Paint::Faint))
}

/// How long the bar of a value is.
fn number_of(value: DatumRef<'_>) -> f64 {
    match value {
        DatumRef::Int(value) => value as f64,
        DatumRef::Float(value) => value,
        DatumRef::Decimal(value) => value.try_into().unwrap_or(0.0),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests;
