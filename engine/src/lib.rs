//! The storage engine of blotter: record, seal, index, find.
//!
//! ```text
//! trading thread            writer thread                      sealer thread
//! Recorder::emit ─▶ ring ─▶ drain ─▶ seq ─▶ WAL append ─▶ sync │ WAL file ─▶ columns + postings ─▶ .seg
//!   (one ring per recorder, (group sync)                       │   ─▶ catalog commit ─▶ MANIFEST ─▶ WAL removed
//!    in shared memory)
//!
//! Snapshot = segments + WAL tails ─▶ prune (time, category, route, filter) ─▶ postings ─▶ decode ─▶ events
//! ```
//!
//! Rooms, each importing only what stands above it in this list: [`vfs`] (files, time, randomness, shared
//! memory), [`event`] (what is recorded), `codec`, [`wal`], `ring`, [`segment`], [`catalog`], [`view`] (the read
//! path), [`record`] (the write path), [`maintain`] (seal, tiers, deletion, verify, repair), [`backup`] (backup and
//! restore), [`control`] (how other processes ask the owner), [`Db`].

mod administration;
pub mod backup;
pub mod catalog;
mod codec;
pub mod control;
mod db;
pub mod error;
pub mod event;
pub mod limits;
mod lock;
pub mod maintain;
mod open;
mod options;
pub mod record;
mod recorder_source;
mod ring;
mod routing;
pub mod segment;
mod statistics;
pub mod vfs;
pub mod view;
pub mod wal;

pub use administration::{administer, administer_on};
pub use db::Db;
pub use error::{Error, Refused, Result};
pub use maintain::{Finding, RepairReport, Severity, VerifyReport, repair, verify};
pub use open::Recovery;
pub use options::{Durability, LEVEL_VARIABLE, Options};
pub use record::{Backpressure, Emit, Recorder, RecorderOptions};
pub use recorder_source::RecorderSource;
pub use statistics::{RingStatistics, Statistics};
pub use view::{Predicate, Reader, Scan, Snapshot};
