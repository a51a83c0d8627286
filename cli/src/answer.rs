//! Runs a query on a snapshot and shows its rows as they come.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blotter::event::Timestamp;
use blotter::query::UnreadablePart;
use blotter::query::error::ErrorKind;
use blotter::{QueryError, QueryOptions, Queryable, Row, Rows, Snapshot};

use crate::args::RowFormat;
use crate::outcome::Failure;
use crate::render::Printer;
use crate::render::style::Style;

/// Rows wait no longer than this to be written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) text: &'a str,
    pub(crate) options: &'a QueryOptions,
}

/// What came of it, beside the rows.
pub(crate) struct Answer {
    /// Rows that were given.
    pub(crate) rows: u64,
    /// What there is to say about how they were shown.
    pub(crate) notes: Vec<String>,
    /// What could not be read; rows of it are missing.
    pub(crate) unreadable: Vec<UnreadablePart>,
    /// Why there are no more rows, if it is not that there are none.
    pub(crate) error: Option<QueryError>,
}

impl Answer {
    fn failed(error: QueryError) -> Answer {
        Answer { rows: 0, notes: Vec::new(), unreadable: Vec::new(), error: Some(error) }
    }
}

/// Runs a query and shows its rows. What stops the query is part of the answer.
///
/// # Errors
/// Those of the output.
pub(crate) fn answer(
    question: &Question<'_>,
    format: RowFormat,
    style: Style,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    // One moment is now, however often the query is run.
    let options = QueryOptions {
        now: question.options.now.or_else(|| Timestamp::try_from(chrono::Utc::now()).ok()),
        ..question.options.clone()
    };
    let run = || question.snapshot.query_with_options(question.text, &options);
    let rows = match run() {
        Ok(rows) => rows,
        Err(error) => return Ok(Answer::failed(error)),
    };
    if format != RowFormat::Csv || rows.columns().is_some() {
        let mut printer = Printer::new(format, &rows, style);
        return show(rows, &options, &mut printer, out);
    }
    let columns = match columns_of(rows, &options) {
        Ok(columns) => columns,
        Err(error) => return Ok(Answer::failed(error)),
    };
    match run() {
        Ok(rows) => {
            let mut printer = Printer::csv(columns, &rows);
            show(rows, &options, &mut printer, out)
        }
        Err(error) => Ok(Answer::failed(error)),
    }
}

/// Shows rows until there are no more.
fn show(
    mut rows: Rows,
    options: &QueryOptions,
    printer: &mut Printer,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    let mut answer = Answer { rows: 0, notes: Vec::new(), unreadable: Vec::new(), error: None };
    let mut flushed = Instant::now();
    for row in each_row(&mut rows, options) {
        match row {
            Ok(row) => {
                printer.row(out, row).map_err(Failure::output)?;
                answer.rows += 1;
                // Rows that come slowly are seen as they come.
                if flushed.elapsed() > FLUSH_INTERVAL {
                    out.flush().map_err(Failure::output)?;
                    flushed = Instant::now();
                }
            }
            Err(error) => {
                answer.error = Some(error);
                break;
            }
        }
    }
    // What was held back is shown even if there is no more; but there is nothing to say of no rows at all.
    if answer.error.is_none() || answer.rows > 0 {
        answer.notes = printer.finish(out).map_err(Failure::output)?;
    }
    out.flush().map_err(Failure::output)?;
    answer.unreadable = rows.unreadable();
    Ok(answer)
}

/// Rows until the query is cancelled: the last step may have them all at hand, and printing them takes time too.
fn each_row<'a>(
    rows: &'a mut Rows,
    options: &'a QueryOptions,
) -> impl Iterator<Item = Result<Row, QueryError>> + 'a {
    let cancelled = || QueryError::new(ErrorKind::Cancelled, "the query was cancelled");
    rows.map(move |row| if options.cancel.is_cancelled() { Err(cancelled()) } else { row })
}

/// The usual columns of events, which come first.
const FIRST: [&str; 8] = ["ts", "seq", "producer", "pseq", "category", "level", "event", "message"];

/// Every column that a row has: the usual ones, then the others by name. Holds no more than one row and the names.
fn columns_of(mut rows: Rows, options: &QueryOptions) -> Result<Vec<Arc<str>>, QueryError> {
    let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
    for row in each_row(&mut rows, options) {
        for (name, _) in row?.iter() {
            if !names.contains(&name) {
                names.insert(name);
            }
        }
    }
    let mut columns: Vec<Arc<str>> = FIRST.iter().filter_map(|name| names.take(*name)).collect();
    columns.extend(names);
    Ok(columns)
}
