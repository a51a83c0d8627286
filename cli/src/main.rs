//! `blotter`: the command line.
//!
//! ```text
//! args ─▶ commands ─▶ import   lines of others to events
//!             │   └─▶ render   events to lines
//!             └─▶ outcome      exit status: 0 yes, 1 no, 2 usage
//! ```
//! Commands talk to the database through the `blotter` library only, as any user does.

mod args;
mod commands;
mod import;
mod outcome;
mod render;

use std::process::ExitCode;

use clap::Parser;

use args::Arguments;
use outcome::{Failure, Outcome, say};
use render::escape::escaped;

fn main() -> ExitCode {
    match commands::run(Arguments::parse().command) {
        Ok(Outcome::Yes) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(Failure::Usage(reason)) => {
            say(format_args!("error: {}", escaped(&reason)));
            ExitCode::from(2)
        }
        Err(Failure::Database(error)) => {
            say(format_args!("error: {}", escaped(&error.to_string())));
            ExitCode::from(1)
        }
        Err(Failure::Io { operation, path, source }) => {
            let path = path.display().to_string();
            say(format_args!("error: cannot {operation} {}: {source}", escaped(&path)));
            ExitCode::from(1)
        }
    }
}
