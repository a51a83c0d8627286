//! How a command ends, and what is said about it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blotter::QueryError;
use blotter::query::error::ErrorKind;

use crate::render::escape::escaped;
use crate::render::style::ColorChoice;

/// What a command that ran to its end has to say, best first: exit status 0, 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// All is well; what was asked for is there.
    Yes,
    /// Damage, bad records, nothing found.
    No,
    /// Some of what was asked makes no sense, which was said.
    Wrong,
}

impl Outcome {
    /// No, if there is any reason for it.
    pub(crate) fn no_if(reason: bool) -> Outcome {
        if reason { Outcome::No } else { Outcome::Yes }
    }
}

/// Why a command could not run to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said no.
    Database(blotter::Error),
    /// The system said no.
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    /// The query is wrong, exit status 2, or was stopped, exit status 1.
    Query(QueryError),
    /// The arguments make no sense together: exit status 2.
    Usage(String),
    /// Something else is in the way, which says what it is.
    Stopped(String),
    /// Whoever read the output has gone, which is theirs to decide.
    OutputClosed,
}

impl Failure {
    /// A failed operation on a file.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Failure {
        Failure::Io { operation, path: path.to_path_buf(), source }
    }

    /// A failed write to the standard output.
    pub(crate) fn output(source: io::Error) -> Failure {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::io("write", Path::new("the standard output"), source),
        }
    }
}

impl Failure {
    /// Says what failed; the exit status that goes with it.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Failure::OutputClosed => return ExitCode::SUCCESS,
            Failure::Query(error) => drop(say_query_error(error, ColorChoice::Auto)),
            Failure::Usage(reason) | Failure::Stopped(reason) => {
                say(format_args!("error: {}", escaped(reason)))
            }
            Failure::Database(error) => say(format_args!("error: {}", escaped(&error.to_string()))),
            Failure::Io { operation, path, source } => {
                let path = path.display().to_string();
                say(format_args!("error: cannot {operation} {}: {source}", escaped(&path)));
            }
        }
        ExitCode::from(if self.is_wrong_usage() { 2 } else { 1 })
    }

    /// Whether whoever asked can ask better, rather than the database or the system being at fault.
    pub(crate) fn is_wrong_usage(&self) -> bool {
        match self {
            Failure::Usage(_) => true,
            Failure::Query(error) => is_wrong_query(error),
            _ => false,
        }
    }
}

/// Whether a query failed for what is written in it.
fn is_wrong_query(error: &QueryError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Syntax
            | ErrorKind::UnknownName
            | ErrorKind::Type
            | ErrorKind::Value
            | ErrorKind::TooComplex
    )
}

/// Says what is wrong with a query, and where; how bad that is.
pub(crate) fn say_query_error(error: &QueryError, color: ColorChoice) -> Outcome {
    say(error.render(color.on_stderr()).trim_end());
    if is_wrong_query(error) { Outcome::Wrong } else { Outcome::No }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        Failure::Query(error)
    }
}

impl From<blotter::Error> for Failure {
    fn from(error: blotter::Error) -> Failure {
        Failure::Database(error)
    }
}

/// Tells the user something that is not data. If nobody listens, nobody is told.
pub(crate) fn say(text: impl std::fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
