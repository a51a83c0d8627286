//! Rows of a result to an output, as they come, in the format asked for.

use std::io::{self, Write};
use std::sync::Arc;

use blotter::{Row, Rows};

use super::style::Style;
use super::table::Table;
use super::value::TimeForm;
use super::{csv, json, text};
use crate::args::RowFormat;

/// See the module.
pub(crate) struct Printer {
    form: Form,
    line: String,
}

enum Form {
    Table(Box<Table>),
    Csv { columns: Vec<Arc<str>>, times: TimeForm, is_begun: bool },
    Json { columns: Option<Vec<Arc<str>>> },
    Text { is_open: bool, times: TimeForm, style: Style },
}

impl Printer {
    /// For a result.
    pub(crate) fn new(format: RowFormat, rows: &Rows, style: Style) -> Printer {
        let columns = rows.columns();
        let times = TimeForm::whole(rows.zone());
        let form = match format {
            RowFormat::Table => {
                Form::Table(Box::new(Table::new(columns, rows.picture(), rows.zone(), style)))
            }
            RowFormat::Json => Form::Json { columns: columns.map(<[_]>::to_vec) },
            RowFormat::Text => Form::Text { is_open: columns.is_none(), times, style },
            RowFormat::Csv => {
                let columns = columns.expect("rows are given columns before they become CSV").to_vec();
                Form::Csv { columns, times, is_begun: false }
            }
        };
        Printer { form, line: String::new() }
    }

    /// For a result without listed columns that becomes CSV with these.
    pub(crate) fn csv(columns: Vec<Arc<str>>, rows: &Rows) -> Printer {
        let form = Form::Csv { columns, times: TimeForm::whole(rows.zone()), is_begun: false };
        Printer { form, line: String::new() }
    }

    /// Shows a row, or holds it back until it is known how.
    pub(crate) fn row(&mut self, out: &mut dyn Write, row: Row) -> io::Result<()> {
        self.line.clear();
        match &mut self.form {
            Form::Table(table) => return table.row(out, row),
            Form::Csv { columns, times, is_begun } => {
                if !std::mem::replace(is_begun, true) {
                    csv::header(&mut self.line, columns);
                }
                csv::row(&mut self.line, &row, columns, *times);
                return out.write_all(self.line.as_bytes());
            }
            Form::Json { columns: Some(columns) } => json::row(&mut self.line, &row, columns),
            Form::Json { columns: None } => json::event(&mut self.line, &row),
            Form::Text { is_open: true, times, style } => text::event(&mut self.line, &row, *times, style),
            Form::Text { is_open: false, times, .. } => text::row(&mut self.line, &row, *times),
        }
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }

    /// Shows what was held back; what there is to say about how the rows were shown.
    pub(crate) fn finish(&mut self, out: &mut dyn Write) -> io::Result<Vec<String>> {
        match &mut self.form {
            Form::Table(table) => table.finish(out),
            Form::Csv { columns, is_begun: false, .. } if !columns.is_empty() => {
                self.line.clear();
                csv::header(&mut self.line, columns);
                out.write_all(self.line.as_bytes())?;
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }
}
