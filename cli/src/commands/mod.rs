//! One file per command.

mod import;

use crate::args::Command;
use crate::outcome::{Failure, Outcome};

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Import(arguments) => import::run(&arguments),
        _ => Err(Failure::Usage("not yet".to_owned())),
    }
}
