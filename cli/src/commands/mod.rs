//! One file per command. All that is said of the database itself is asked of the `blotter` library here.

mod backup;
mod check;
mod completions;
mod demo;
mod detect;
mod get;
mod history;
mod hold;
mod import;
mod lifecycle;
mod maintain;
mod policy;
mod query;
mod replay;
mod report;
pub(crate) mod stats;
mod tail;
mod watch;

use std::io::{self, Write};
use std::path::Path;

use blotter::Unreadable;
use blotter::query::UnreadablePart;
use chrono_tz::Tz;

use crate::args::{Command, Format};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::style::Style;
use crate::render::value::TimeForm;
use crate::render::{Fields, json, text};
use crate::repl;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Tail(arguments) => tail::run(&arguments),
        Command::Query(arguments) => query::run(&arguments),
        Command::Lifecycle(arguments) => lifecycle::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Repl(arguments) => repl::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
        Command::Report(arguments) => report::run(&arguments),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Hold(arguments) => hold::run(&arguments),
        Command::Maintain(arguments) => maintain::run(&arguments),
        Command::Delete(arguments) => maintain::run_delete(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => backup::run_restore(&arguments),
        Command::Verify(arguments) => check::verify(&arguments.directory),
        Command::Repair(arguments) => check::repair(&arguments.directory),
    }
}

/// Where data goes: the standard output unless said otherwise; whole lines at a time.
pub(crate) struct Output<'a> {
    out: io::BufWriter<Box<dyn Write + 'a>>,
    format: Format,
    style: Style,
    zone: Tz,
    line: String,
}

impl Output<'static> {
    /// The standard output.
    fn new(format: Format) -> Output<'static> {
        Output::to(Box::new(io::stdout().lock()), format)
    }
}

impl<'a> Output<'a> {
    /// Somewhere else.
    pub(crate) fn to(out: Box<dyn Write + 'a>, format: Format) -> Output<'a> {
        let out = io::BufWriter::with_capacity(64 * 1024, out);
        Output { out, format, style: Style::PLAIN, zone: Tz::UTC, line: String::new() }
    }

    /// With levels coloured.
    fn with_style(mut self, style: Style) -> Output<'a> {
        self.style = style;
        self
    }

    /// With times for people in a zone.
    fn with_zone(mut self, zone: Tz) -> Output<'a> {
        self.zone = zone;
        self
    }

    fn event(&mut self, event: &impl Fields) -> Result<(), Failure> {
        self.line.clear();
        match self.format {
            Format::Json => json::event(&mut self.line, event),
            Format::Text => text::event(&mut self.line, event, TimeForm::whole(self.zone), &self.style),
        }
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes()).map_err(Failure::output)
    }

    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::output)
    }
}

/// Says which parts of the database a scan could not read; whether there are any.
pub(crate) fn report_unreadable(parts: &[Unreadable]) -> bool {
    say_unreadable(parts.iter().map(|part| (part.path.as_path(), part.error.to_string())))
}

/// Says which parts of the database a query could not read; whether there are any.
pub(crate) fn report_unread(parts: &[UnreadablePart]) -> bool {
    say_unreadable(parts.iter().map(|part| (part.path.as_path(), part.reason.clone())))
}

fn say_unreadable<'a>(parts: impl Iterator<Item = (&'a Path, String)>) -> bool {
    let mut any = false;
    for (path, reason) in parts {
        let path = path.display().to_string();
        say(format_args!("error: {} could not be read: {}", escaped(&path), escaped(&reason)));
        any = true;
    }
    if any {
        say("hint: what is shown is all but those parts; run `blotter verify` for the damage");
    }
    any
}
