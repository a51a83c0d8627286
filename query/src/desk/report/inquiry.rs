//! Questions of one report, all on one snapshot, and what there is to say about the answers.

use blotter_engine::Snapshot;
use blotter_engine::event::parse_decimal;

use super::ReportOptions;
use super::activity::count_of;
use crate::api::{Parameters, QueryOptions, Queryable};
use crate::datum::Datum;
use crate::desk::Period;
use crate::error::{ErrorKind, Result};
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
    /// # Errors
    /// What fails, and what the function gives.
    pub(super) fn each(&mut self, text: &str, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut rows = self.snapshot.query_with_options(text, &self.query_options)?;
        let mut done = Ok(());
        for row in rows.by_ref() {
            done = row.and_then(|row| take(&row));
            if done.is_err() {
                break;
            }
        }
        self.note_unreadable(&rows);
        done
    }

    /// Gives each row of figures (`stats ...`) of events to a function; the figures are computed of the numbers that
    /// these fields hold.
    ///
    /// Almost always they hold nothing else. Only where they do, the question is asked again of what is a number, or
    /// a text that says one, and what is none is noted.
    ///
    /// # Errors
    /// What fails, and what the function gives.
    pub(super) fn each_of_numbers(
        &mut self,
        events: &str,
        fields: &[&str],
        stats: &str,
        mut take: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        let mut is_answered = false;
        let answer = self.each(&format!("{events} | {stats}"), |row| {
            is_answered = true;
            take(row)
        });
        match answer {
            Err(error) if error.kind() == ErrorKind::Type && !is_answered => {}
            answer => return answer,
        }
        self.note_no_numbers(events, fields)?;
        let numbers: Vec<String> =
            fields.iter().map(|field| format!("{field} = to_number({field})")).collect();
        self.each(&format!("{events} | extend {} | {stats}", numbers.join(", ")), take)
    }

    /// The rows of figures, of the numbers that fields hold; see [`Inquiry::each_of_numbers`].
    pub(super) fn rows_of_numbers(&mut self, events: &str, fields: &[&str], stats: &str) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each_of_numbers(events, fields, stats, |row| {
            rows.push(row.clone());
            Ok(())
        })?;
        Ok(rows)
    }

    /// The row of figures that has one; see [`Inquiry::each_of_numbers`].
    pub(super) fn row_of_numbers(
        &mut self,
        events: &str,
        fields: &[&str],
        stats: &str,
    ) -> Result<Option<Row>> {
        Ok(self.rows_of_numbers(events, fields, stats)?.into_iter().next())
    }

    /// Says how many values of fields are no numbers.
    pub(super) fn note_no_numbers(&mut self, events: &str, fields: &[&str]) -> Result<()> {
        let counts = fields.iter().enumerate().map(|(at, field)| {
            format!("count({field}) as values_{at}, count(to_number({field})) as numbers_{at}")
        });
        let counts: Vec<String> = counts.collect();
        let Some(row) = self.row(&format!("{events} | stats {}", counts.join(", ")))? else { return Ok(()) };
        for (at, field) in fields.iter().enumerate() {
            let [values, numbers] = ["values", "numbers"].map(|name| count_of(&row, &format!("{name}_{at}")));
            let others = values.saturating_sub(numbers);
            if others > 0 {
                self.note(format!(
                    "{others} of {values} values of {field} are no numbers: figures of {field} are those of the others"
                ));
            }
        }
        Ok(())
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

    /// The row of an answer that has one.
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
}

/// The number that a field holds, as a number or as a text that says one; null if it holds none.
pub(super) fn number_of(row: &Row, field: &str) -> Datum {
    match row.get(field) {
        Datum::Str(text) => parse_decimal(field, text.trim()).map_or(Datum::Null, Datum::Decimal),
        found @ (Datum::Int(_) | Datum::Float(_) | Datum::Decimal(_)) => found.clone(),
        _ => Datum::Null,
    }
}
