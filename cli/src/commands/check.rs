//! `blotter verify` and `blotter repair`.

use std::path::Path;

use crate::outcome::{Failure, Outcome};

/// Checks every byte.
pub(crate) fn verify(_directory: &Path) -> Result<Outcome, Failure> {
    Err(Failure::Usage("waiting for the engine".to_owned()))
}

/// Brings the database back to what can be read.
pub(crate) fn repair(_directory: &Path) -> Result<Outcome, Failure> {
    Err(Failure::Usage("waiting for the engine".to_owned()))
}
