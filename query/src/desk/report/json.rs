//! A report as one JSON object: decimals with every digit, times as RFC 3339 in UTC, durations as nanoseconds.
//!
//! ```text
//! {"report": "daily", "title": ..., "period": {"from": ..., "until": ..., "zone": ..., "first_day": ..., "last_day": ...},
//!  "compared_with": null, "events": 492842,
//!  "figures": {"orders": {"orders": 77381, "fill_rate": 0.0751, ...}, ...},
//!  "previous": {...},                                     the same, if it is compared
//!  "tables": {"by_strategy": [{"strategy": "momentum", "orders": 9712, ...}, ...]},
//!  "charts": {"orders_by_hour": {"form": "bars", "unit": "count", "x": [...], "series": {"orders": [...], ...}}},
//!  "notes": [...], "unreadable": [{"path": ..., "reason": ...}]}
//! ```

use super::{Chart, ChartForm, Figures, Report, Section, Table, Unit};
use crate::datum::{Datum, write_json, write_json_text};
use crate::desk::Period;

impl Unit {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Unit::None => "none",
            Unit::Count => "count",
            Unit::Share => "share",
            Unit::Percent => "percent",
            Unit::Quantity => "quantity",
            Unit::Money => "money",
            Unit::BasisPoints => "bps",
            Unit::Microseconds => "us",
            Unit::Milliseconds => "ms",
            Unit::Ratio => "ratio",
        }
    }
}

impl Report {
    /// The report as one JSON object without a line end; see `docs/reports.md` for its members. What would act on a
    /// terminal is escaped.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        object(&mut out, |object| {
            object.text("report", self.kind);
            object.text("title", &self.title);
            object.member("period", |out| period(out, &self.period));
            object.member("compared_with", |out| match &self.compared_with {
                Some(before) => period(out, before),
                None => out.push_str("null"),
            });
            object.member("events", |out| out.push_str(&self.events.to_string()));
            let figures = || self.sections.iter().filter_map(Section::as_figures);
            object.member("figures", |out| self::figures(out, figures(), |figure| &figure.value));
            if self.compared_with.is_some() {
                object.member("previous", |out| self::figures(out, figures(), previous_of));
            }
            object.member("tables", |out| {
                self::object(out, |object| {
                    for table in self.sections.iter().filter_map(Section::as_table) {
                        object.member(table.name, |out| rows(out, table));
                    }
                });
            });
            object.member("charts", |out| {
                self::object(out, |object| {
                    for chart in self.sections.iter().filter_map(Section::as_chart) {
                        object.member(chart.name, |out| picture(out, chart));
                    }
                });
            });
            object.member("notes", |out| {
                list(out, &self.notes, |out, note| write_json_text(note, out));
            });
            object.member("unreadable", |out| {
                list(out, &self.unreadable, |out, part| {
                    self::object(out, |object| {
                        object.text("path", &part.path.display().to_string());
                        object.text("reason", &part.reason);
                    });
                });
            });
        });
        out
    }
}

impl Section {
    /// The figures, if it is made of figures.
    pub fn as_figures(&self) -> Option<&Figures> {
        match self {
            Section::Figures(figures) => Some(figures),
            _ => None,
        }
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Section::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The chart, if it is one.
    pub fn as_chart(&self) -> Option<&Chart> {
        match self {
            Section::Chart(chart) => Some(chart),
            _ => None,
        }
    }

    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Section::Figures(figures) => figures.name,
            Section::Table(table) => table.name,
            Section::Chart(chart) => chart.name,
        }
    }
}

static NULL: Datum = Datum::Null;

fn previous_of(figure: &super::Figure) -> &Datum {
    figure.previous.as_ref().unwrap_or(&NULL)
}

/// An object that is being written.
struct Object<'a> {
    out: &'a mut String,
    is_begun: bool,
}

fn object(out: &mut String, members: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    members(&mut Object { out, is_begun: false });
    out.push('}');
}

impl Object<'_> {
    fn member(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        if std::mem::replace(&mut self.is_begun, true) {
            self.out.push(',');
        }
        write_json_text(name, self.out);
        self.out.push(':');
        value(self.out);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.member(name, |out| write_json_text(text, out));
    }
}

fn list<T>(out: &mut String, values: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut String, T)) {
    out.push('[');
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        put(out, value);
    }
    out.push(']');
}

fn period(out: &mut String, period: &Period) {
    object(out, |object| {
        object.text("from", &period.from.to_string());
        object.text("until", &period.until.to_string());
        object.text("zone", period.zone.name());
        if let Some((first, last)) = period.whole_days() {
            object.text("first_day", &first.to_string());
            object.text("last_day", &last.to_string());
        }
    });
}

fn figures<'a>(
    out: &mut String,
    sections: impl Iterator<Item = &'a Figures>,
    value: impl Fn(&super::Figure) -> &Datum,
) {
    object(out, |object| {
        for section in sections {
            object.member(section.name, |out| {
                self::object(out, |object| {
                    for figure in &section.figures {
                        object.member(figure.name, |out| write_json(value(figure), out));
                    }
                });
            });
        }
    });
}

fn rows(out: &mut String, table: &Table) {
    list(out, &table.rows, |out, row| {
        object(out, |object| {
            for (column, cell) in table.columns.iter().zip(row) {
                object.member(column.name, |out| write_json(cell, out));
            }
        });
    });
}

fn picture(out: &mut String, chart: &Chart) {
    object(out, |object| {
        object.text("title", &chart.title);
        object.text("form", if chart.form == ChartForm::Line { "line" } else { "bars" });
        object.text("unit", chart.unit.name());
        object.member("x", |out| list(out, &chart.x, |out, x| write_json(x, out)));
        object.member("series", |out| {
            self::object(out, |object| {
                for (name, values) in &chart.series {
                    object.member(name, |out| list(out, values, |out, value| write_json(value, out)));
                }
            });
        });
    });
}
