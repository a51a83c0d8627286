//! `blotter`: the command line.
//!
//! ```text
//! args ─▶ commands ─▶ import   lines of others to events
//!             │   ├─▶ answer   runs a query, shows its rows
//!             │   ├─▶ repl     one query after the other
//!             │   ├─▶ administer  has changes made by whoever has the database open
//!             │   └─▶ render   events and rows to text
//!             └─▶ outcome      exit status: 0 yes, 1 no, 2 usage
//! ```
//! Commands talk to the database through the `blotter` library only, as any user does.

mod administer;
mod answer;
mod args;
mod commands;
mod import;
mod outcome;
mod render;
mod repl;

use std::process::ExitCode;

use clap::Parser;

use args::Arguments;
use outcome::Outcome;

fn main() -> ExitCode {
    match commands::run(Arguments::parse().command) {
        Ok(Outcome::Yes) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Ok(Outcome::Wrong) => ExitCode::from(2),
        Err(failure) => failure.report(),
    }
}
