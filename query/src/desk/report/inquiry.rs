//! Questions of one report, all on one snapshot, and what there is to say about the answers.

use blotter_engine::Snapshot;

use super::ReportOptions;
use crate::api::{Parameters, QueryOptions, Queryable};
use crate::desk::Period;
use crate::error::{ErrorKind, QueryError, Result};
use crate::rows::{Row, Rows, UnreadablePart};

/// See the module.
pub(super) struct Inquiry<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) period: Period,
    pub(super) options: &'a ReportOptions,
    query_options: QueryOptions,
    pub(super) notes: Vec<String>,
    pub(super) unreadable: Vec<UnreadablePart>,
}

impl<'a> Inquiry<'a> {
    /// About a period.
    pub(super) fn new(snapshot: &'a Snapshot, period: Period, options: &'a ReportOptions) -> Inquiry<'a> {
        let query_options = QueryOptions {
            zone: period.zone,
            // A report of a database in which nobody recorded a field says so; it does not fail.
            allow_unknown_fields: true,
            parameters: Parameters::new(),
            ..options.query.clone()
        };
        Inquiry { snapshot, period, options, query_options, notes: Vec::new(), unreadable: Vec::new() }
    }

    /// Gives each row of an answer to a function.
    ///
    /// A field that holds what a question cannot be asked of (text where there should be numbers) is noted, and the
    /// question has no answer; the other questions have theirs.
    ///
    /// # Errors
    /// What fails otherwise, and what the function gives.
    pub(super) fn each(&mut self, text: &str, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut rows = match self.snapshot.query_with_options(text, &self.query_options) {
            Ok(rows) => rows,
            Err(error) => return self.note_type_error(error),
        };
        let mut failed = None;
        for row in rows.by_ref() {
            match row {
                Ok(row) => take(&row)?,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        self.note_unreadable(&rows);
        failed.map_or(Ok(()), |error| self.note_type_error(error))
    }

    /// The rows of an answer that are few, such as one for each strategy.
    pub(super) fn rows(&mut self, text: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(text, |row| {
            rows.push(row.clone());
            Ok(())
        })?;
        Ok(rows)
    }

    /// The row of an answer that has one; none if the question has no answer.
    pub(super) fn row(&mut self, text: &str) -> Result<Option<Row>> {
        Ok(self.rows(text)?.into_iter().next())
    }

    /// Says something that a reader must know, once.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn note_unreadable(&mut self, rows: &Rows) {
        for part in rows.unreadable() {
            if !self.unreadable.contains(&part) {
                self.note(format!("{} could not be read: {}", part.path.display(), part.reason));
                self.unreadable.push(part);
            }
        }
    }

    fn note_type_error(&mut self, error: QueryError) -> Result<()> {
        if error.kind() != ErrorKind::Type {
            return Err(error);
        }
        self.note(format!(
            "some figures are missing, as a field holds what they cannot be computed of: {error}"
        ));
        Ok(())
    }
}
