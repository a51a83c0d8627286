//! What happens to recorded data: sealing, verification, repair.

mod coverage;
mod numbers;
mod overlay;
mod report;
pub(crate) mod seal;
mod verify;
mod wal_file;

pub use report::{Finding, Severity, VerifyReport};
pub use verify::{verify, verify_on};
