//! What lasts from one entry to the next, and running entries.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use blotter::event::Timestamp;
use blotter::{Cancel, QueryError, QueryOptions, Reader, Rows, Snapshot};

use super::entry::{self, Entry};
use super::freshness::Freshness;
use super::input::Lines;
use super::pager::Sink;
use super::saved::Saved;
use super::{commands, state};
use crate::answer::{Answer, Question, answer};
use crate::args::{Repl, RowFormat};
use crate::commands::report_unread;
use crate::outcome::{Failure, Outcome, say, say_query_error};
use crate::render::Printer;
use crate::render::escape::escaped;
use crate::render::style::{ColorChoice, Paint, Style, terminal_size};

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Yes.
    Next,
    /// No: the user is done.
    End,
}

/// See the module.
pub(super) struct Session {
    pub(super) directory: PathBuf,
    pub(super) reader: Arc<Reader>,
    pub(super) options: QueryOptions,
    pub(super) format: RowFormat,
    pub(super) timer: bool,
    pub(super) saved: Rc<RefCell<Saved>>,
    pub(super) last_query: Option<String>,
    pub(super) is_interactive: bool,
    color: ColorChoice,
    worst: Outcome,
}

impl Session {
    pub(super) fn open(
        arguments: &Repl,
        is_interactive: bool,
        history: Option<&Path>,
    ) -> Result<Session, Failure> {
        Ok(Session {
            reader: Arc::new(Reader::open(&arguments.directory)?),
            directory: arguments.directory.clone(),
            options: arguments.asking.to_options(),
            format: arguments.asking.format,
            timer: arguments.asking.timer,
            saved: Rc::new(RefCell::new(Saved::new(history.map(state::saved_path)))),
            last_query: None,
            is_interactive,
            color: arguments.asking.color,
            worst: Outcome::Yes,
        })
    }

    /// What ends the query that runs.
    pub(super) fn cancel(&self) -> Cancel {
        self.options.cancel.clone()
    }

    /// How the entries went.
    pub(super) fn outcome(&self) -> Result<Outcome, Failure> {
        Ok(self.worst)
    }

    /// The name of the database, safe.
    pub(super) fn name(&self) -> String {
        let path = self.directory.canonicalize().unwrap_or_else(|_| self.directory.clone());
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        escaped(&name).to_string()
    }

    pub(super) fn prompt(&self) -> String {
        format!("{}> ", self.name())
    }

    /// How results look where they go now; the terminal may have changed since the last.
    pub(super) fn style(&self) -> Style {
        Style::of_stdout(self.color, ".format json")
    }

    /// Says what is open, and how to go on.
    pub(super) fn greet(&mut self) -> Result<(), Failure> {
        let freshness = Freshness::of(&self.reader.snapshot()?).to_text(now());
        let style = self.style();
        let hint = style.paint(".help lists what there is; Ctrl-C cancels, Ctrl-D leaves", Paint::Faint);
        let text = format!("{}: {freshness}\n{hint}\n", self.name());
        io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::output)
    }

    /// Runs an entry. What is wrong with it is said; an error ends the session.
    pub(super) fn enter(&mut self, text: &str, lines: Option<&mut Lines>) -> Result<Flow, Failure> {
        match entry::read(text) {
            Entry::Nothing => Ok(Flow::Next),
            Entry::Query(text) => {
                self.last_query = Some(text.to_owned());
                self.ask(text)?;
                Ok(Flow::Next)
            }
            Entry::Command { name, argument } => match commands::run(self, name, argument, lines) {
                Ok(flow) => Ok(flow),
                Err(Failure::OutputClosed) => Err(Failure::OutputClosed),
                Err(failure) => {
                    self.fail(&failure);
                    Ok(Flow::Next)
                }
            },
        }
    }

    /// Runs a query and shows its rows.
    pub(super) fn ask(&mut self, text: &str) -> Result<(), Failure> {
        self.options.cancel.reset();
        let snapshot = match self.reader.snapshot() {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.fail(&Failure::Database(error));
                return Ok(());
            }
        };
        let style = self.style();
        let started = Instant::now();
        let answered = self.show(|out| {
            let answer = self.answer(&snapshot, text, style, out)?;
            if answer.error.is_none() {
                self.put_footer(out, &answer, started, &style).map_err(Failure::output)?;
            }
            Ok(answer)
        })?;
        if let Some(answer) = answered {
            self.report(&answer);
        }
        Ok(())
    }

    /// Runs a query on a snapshot, into an output.
    pub(super) fn answer(
        &self,
        snapshot: &Snapshot,
        text: &str,
        style: Style,
        out: &mut dyn Write,
    ) -> Result<Answer, Failure> {
        let answer = answer(&Question { snapshot, text, options: &self.options }, self.format, style, out)?;
        if style.width.is_some() {
            for note in &answer.notes {
                let note = style.paint(&format!("note: {note}"), Paint::Faint);
                writeln!(out, "{note}").map_err(Failure::output)?;
            }
        }
        Ok(answer)
    }

    /// Says what went wrong with a query, if anything did.
    pub(super) fn report(&mut self, answer: &Answer) {
        if report_unread(&answer.unreadable) {
            self.note(Outcome::No);
        }
        if let Some(error) = &answer.error {
            let outcome = say_query_error(error, self.color);
            self.note(outcome);
        }
    }

    /// Shows rows that are no query's, as those are shown.
    pub(super) fn show_rows(&self, rows: Rows) -> Result<(), Failure> {
        let style = self.style();
        let shown = self.show(|out| {
            let mut printer = Printer::new(self.format, &rows, style);
            for row in rows {
                let row = row.map_err(|error: QueryError| Failure::Query(error))?;
                printer.row(out, row).map_err(Failure::output)?;
            }
            printer.finish(out).map(drop).map_err(Failure::output)
        });
        shown.map(drop)
    }

    /// Gives a function something to write to, which is a pager if that is needed. `None` if the pager was left
    /// before the end.
    pub(super) fn show<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let screen = if self.is_interactive { terminal_size() } else { None };
        let mut sink = Sink::new(screen);
        let result = {
            let mut out = io::BufWriter::with_capacity(64 * 1024, &mut sink);
            write(&mut out).and_then(|result| {
                out.flush().map_err(Failure::output)?;
                Ok(result)
            })
        };
        sink.finish().map_err(Failure::output)?;
        match result {
            Err(Failure::OutputClosed) if sink.was_left() => Ok(None),
            result => result.map(Some),
        }
    }

    fn put_footer(
        &self,
        out: &mut dyn Write,
        answer: &Answer,
        started: Instant,
        style: &Style,
    ) -> io::Result<()> {
        let plural = if answer.rows == 1 { "row" } else { "rows" };
        let time = match self.timer {
            true => format!(" in {:.3} ms", started.elapsed().as_secs_f64() * 1e3),
            false => String::new(),
        };
        let footer = format!("{} {plural}{time}", answer.rows);
        match (self.is_interactive, self.timer) {
            (true, _) => writeln!(out, "{}", style.paint(&format!("({footer})"), Paint::Faint)),
            // Data alone goes to a pipe.
            (false, true) => {
                out.flush()?;
                say(footer);
                Ok(())
            }
            (false, false) => Ok(()),
        }
    }

    /// Says what failed, and goes on.
    pub(super) fn fail(&mut self, failure: &Failure) {
        failure.report();
        self.note(if failure.is_wrong_usage() { Outcome::Wrong } else { Outcome::No });
    }

    fn note(&mut self, outcome: Outcome) {
        self.worst = self.worst.max(outcome);
    }
}

/// The time on the clock.
pub(super) fn now() -> Timestamp {
    Timestamp::try_from(chrono::Utc::now()).unwrap_or(Timestamp::MAX)
}
