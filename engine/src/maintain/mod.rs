//! What happens to recorded data: sealing, tiers, deletion, verification, repair.

pub(crate) mod absence;
mod coverage;
mod foresee;
mod gaps;
mod numbers;
mod overlay;
pub mod plan;
pub(crate) mod publish;
pub(crate) mod quarantine;
mod repair;
mod report;
mod run;
mod salvage;
mod schedule;
pub(crate) mod seal;
mod usage;
mod verify;
mod wal_file;

pub use crate::catalog::Gap;
pub use foresee::{Foresight, foresee, foresee_on};
pub use numbers::NumberSet;
pub use plan::Partition;
pub use repair::{repair, repair_on};
pub use report::{Finding, Quarantined, RepairReport, Severity, VerifyReport};
pub(crate) use run::Maintenance;
pub use run::{
    Deletion, Effort, GRACE_DEFAULT, MaintainOptions, MaintenanceReport, Progress, RetentionHook, Verdict,
};
pub use schedule::Schedule;
pub use verify::{verify, verify_on};
