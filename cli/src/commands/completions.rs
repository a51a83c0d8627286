//! `blotter completions`: what makes a shell complete this command.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::outcome::{Failure, Outcome};

/// Runs the command.
pub(crate) fn run(shell: Shell) -> Result<Outcome, Failure> {
    // Made as a whole first: what generates it does not survive an output that is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "blotter", &mut script);
    io::stdout().lock().write_all(&script).map_err(Failure::output)?;
    Ok(Outcome::Yes)
}
