//! What happens to recorded data: sealing, verification, repair.

mod coverage;
mod gaps;
mod numbers;
mod overlay;
pub(crate) mod publish;
pub(crate) mod quarantine;
mod repair;
mod report;
mod salvage;
pub(crate) mod seal;
mod verify;
mod wal_file;

pub use crate::catalog::Gap;
pub use numbers::NumberSet;
pub use repair::{repair, repair_on};
pub use report::{Finding, Quarantined, RepairReport, Severity, VerifyReport};
pub use verify::{verify, verify_on};
