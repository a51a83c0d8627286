#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | to | start at |
//! |---|---|
//! | record | [`Db`], [`Options`], [`Recorder`], [`event`] |
//! | follow orders while they are recorded | [`OrderTracker`], [`NewOrder`] |
//! | record what an engine logs already | `blotter::bridge`, with the features `tracing` and `log` |
//! | look, in the recording process | [`Db::snapshot`], [`Snapshot`], [`Predicate`], [`Projection`] |
//! | ask in the query language | [`Queryable`]: `use blotter::Queryable; db.query("level >= error last 5m")` |
//! | know what became of an order, or what a day came to | [`desk`]: [`desk::lifecycle::lifecycle`], [`desk::replay::replay`], [`desk::report::report`] |
//! | look, in any other process | [`Reader`], [`Follower`] |
//! | watch it | [`Db::statistics`], [`Statistics`], [`Recovery`] |
//! | check and mend it | [`verify()`], [`repair()`] |
//! | back it up, and restore it | [`backup::backup()`], [`backup::restore()`], [`backup::Backup`], [`backup::verify_backup()`] |
//! | know what was decided, and have the owner decide | [`Reader::ledger`], [`ledger`], [`control`] |
//! | have what looks wrong found, and be told of it | [`desk::detect`], [`watch`] |
//! | know the bounds | [`limits`] |
//!
//! This package holds re-exports only; the code is in `blotter_engine`, `blotter_query` and `blotter_watch`.

// What users name.
/// What an engine says through the `tracing` and `log` crates, recorded.
#[cfg(any(feature = "log", feature = "tracing"))]
pub use blotter_bridge as bridge;
pub use blotter_engine::RecorderSource;
pub use blotter_engine::event::{Decimal, Event, Seq, Timestamp};
pub use blotter_engine::record::{ActiveOrder, NewOrder, OrderTracker, OrderTrackerOptions, Replacement};
pub use blotter_engine::record::{EventBuilder, Trace};
pub use blotter_engine::segment::Projection;
pub use blotter_engine::view::{Comparison, FollowFrom, Follower, Unreadable};
pub use blotter_engine::{
    Backpressure, Db, Durability, Emit, Error, LEVEL_VARIABLE, Options, Predicate, Reader, Recorder,
    RecorderOptions, Recovery, Refused, RepairReport, Result, RingStatistics, Scan, Snapshot, Statistics,
    VerifyReport, dec, repair, verify,
};
pub use blotter_engine::{administer, administer_on};
/// The zone that days, bins and times of day are understood in.
pub use blotter_query::Tz;
// What users of the query language name.
pub use blotter_query::{
    Cancel, Datum, EventFilter, Parameters, QueryError, QueryOptions, Queryable, Row, Rows, Vocabulary,
};
// The rooms they come from.
pub use blotter_engine::catalog::ledger;
pub use blotter_engine::{backup, control, error, event, limits, maintain, record, segment, view};
pub use blotter_query as query;
pub use blotter_query::desk;
pub use blotter_watch as watch;
// The seam to the host, for tests that fake the disk.
pub use blotter_engine::vfs;

/// The guide's examples are run like those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../docs/recording.md")]
struct RecordingGuide;
