//! How a command ends, and what is said about it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a command that ran to its end has to say: exit status 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well; what was asked for is there.
    Yes,
    /// Damage, bad records, nothing found.
    No,
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
    /// The arguments make no sense together: exit status 2.
    Usage(String),
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

impl From<blotter::Error> for Failure {
    fn from(error: blotter::Error) -> Failure {
        Failure::Database(error)
    }
}

/// Tells the user something that is not data. If nobody listens, nobody is told.
pub(crate) fn say(text: impl std::fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
