//! The REPL: one question after the other, each of what is recorded up to then.
//!
//! ```text
//! editor ──┐                       ┌─▶ commands ─▶ help, saved, watch
//! (a terminal)  a whole entry ─▶ session
//! input ───┘                       └─▶ queries ──▶ answer ─▶ pager ─▶ the standard output
//! (a pipe)
//! ```
//! What is wrong with an entry is said, and the next one is read. On a terminal an interrupt ends the query that
//! runs, never the session; in a pipe it ends the program, as it does any filter.

mod commands;
mod editor;
mod entry;
mod freshness;
mod help;
mod input;
mod pager;
mod saved;
mod session;
mod state;
mod watch;

use std::io::{self, IsTerminal};
use std::path::Path;

use rustyline::error::ReadlineError;

use crate::args::Repl;
use crate::outcome::{Failure, Outcome, say};
use editor::LineEditor;
use input::Lines;
use session::{Flow, Session};

/// Runs the command.
pub(crate) fn run(arguments: &Repl) -> Result<Outcome, Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        on_terminal(arguments)
    } else {
        in_pipe(arguments)
    }
}

fn on_terminal(arguments: &Repl) -> Result<Outcome, Failure> {
    let history = state::history_path();
    if let Err(reason) = &history {
        say(format_args!("note: {reason}"));
    }
    let history = history.ok().flatten();
    let mut session = Session::open(arguments, true, history.as_deref())?;
    let cancel = session.cancel();
    // The editor turns the key into an entry given up while it has the terminal; else it is a signal.
    ctrlc::set_handler(move || cancel.cancel())
        .map_err(|error| Failure::io("set up", Path::new("interrupts"), io::Error::other(error)))?;
    let mut editor = LineEditor::new(&session, history)?;
    session.greet()?;
    loop {
        match editor.read(&session.prompt()) {
            Ok(entry) => {
                editor.remember(&entry);
                if session.enter(&entry, None)? == Flow::End {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                return Err(Failure::io("read", Path::new("the terminal"), io::Error::other(error)));
            }
        }
    }
    Ok(Outcome::Yes)
}

fn in_pipe(arguments: &Repl) -> Result<Outcome, Failure> {
    let history = state::history_path().ok().flatten();
    let mut session = Session::open(arguments, false, history.as_deref())?;
    let mut lines = Lines::of_stdin();
    let mut pending = String::new();
    while let Some(line) = lines.next()? {
        pending.push_str(&line);
        if entry::is_unfinished(&pending) {
            pending.push('\n');
        } else if session.enter(&std::mem::take(&mut pending), Some(&mut lines))? == Flow::End {
            return session.outcome();
        }
    }
    // Whatever is missing from it is said when it is run.
    session.enter(&pending, Some(&mut lines))?;
    session.outcome()
}
