//! What happens to recorded data: sealing, tiers and deletion by policy, verification, repair.

mod coverage;
mod numbers;
mod overlay;
pub mod plan;
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
