//! One file per command. All that is said of the database itself is asked of the `blotter` library here.

mod check;
mod demo;
mod get;
mod import;
mod stats;
mod tail;

use std::io::{self, StdoutLock, Write};

use blotter::Unreadable;
use blotter::event::Event;

use crate::args::{Command, Format};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::write_event;

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Tail(arguments) => tail::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Verify(arguments) => check::verify(&arguments.directory),
        Command::Repair(arguments) => check::repair(&arguments.directory),
    }
}

/// The standard output, whole lines at a time.
struct Output {
    out: io::BufWriter<StdoutLock<'static>>,
    format: Format,
    line: String,
}

impl Output {
    fn new(format: Format) -> Output {
        Output {
            out: io::BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
            format,
            line: String::new(),
        }
    }

    fn event(&mut self, event: &Event) -> Result<(), Failure> {
        write_event(&mut self.out, self.format, &mut self.line, event).map_err(Failure::output)
    }

    fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::output)
    }
}

/// Says which parts of the database a scan could not read; whether there are any.
fn report_unreadable(parts: &[Unreadable]) -> bool {
    for part in parts {
        let path = part.path.display().to_string();
        say(format_args!(
            "error: {} could not be read: {}",
            escaped(&path),
            escaped(&part.error.to_string())
        ));
    }
    if !parts.is_empty() {
        say("hint: what is shown is all but those parts; run `blotter verify` for the damage");
    }
    !parts.is_empty()
}
