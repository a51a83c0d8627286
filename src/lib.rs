#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | to | start at |
//! |---|---|
//! | record | [`Db`], [`Options`], [`Recorder`], [`event`] |
//! | look, in the recording process | [`Db::snapshot`], [`Snapshot`], [`Predicate`], [`Projection`] |
//! | look, in any other process | [`Reader`], [`Follower`] |
//! | ask | [`Queryable`]: `db.query("...")`, [`QueryOptions`], [`Rows`] |
//! | watch it | [`Db::statistics`], [`Statistics`], [`Recovery`] |
//! | check and mend it | [`verify()`], [`repair()`] |
//! | know the bounds | [`limits`] |
//!
//! This package holds re-exports only; the code is in `blotter_engine`.

// What users name.
pub use blotter_engine::event::{Decimal, Event, Seq, Timestamp};
pub use blotter_engine::record::{EventBuilder, Trace};
pub use blotter_engine::segment::Projection;
pub use blotter_engine::view::{Comparison, FollowFrom, Follower, Unreadable};
pub use blotter_engine::{
    Backpressure, Db, Durability, Emit, Error, LEVEL_VARIABLE, Options, Predicate, Reader, Recorder,
    RecorderOptions, Recovery, Refused, RepairReport, Result, RingStatistics, Scan, Snapshot, Statistics,
    VerifyReport, dec, repair, verify,
};
pub use blotter_query::{
    Cancel, Datum, EventFilter, FieldSummary, Parameters, Picture, QueryError, QueryOptions, Queryable, Row,
    Rows, Vocabulary,
};
// The rooms they come from.
pub use blotter_engine::{error, event, limits, maintain, record, segment, view};
pub use blotter_query as query;
// The seam to the host, for tests that fake the disk.
pub use blotter_engine::vfs;
