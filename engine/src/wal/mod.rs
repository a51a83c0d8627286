//! The write-ahead log: what was recorded and is not yet sealed. It is also the memtable: readers
//! scan its tail, so nothing else holds unsealed events.
//!
//! ```text
//! wal/0000000000000001.wal          one file, sealed into segments as a whole, then removed
//! ┌───────────┬───────┬───────┬─────┬───────┐
//! │ header 64 │ frame │ frame │ ... │ frame │   appended only; the last frame of a finished file is End
//! └───────────┴───────┴───────┴─────┴───────┘
//! ```
//! Invariants:
//! - a finished file is durable, End included, before the next one exists, so only the newest file may
//!   have a torn tail;
//! - each frame carries the offset up to which its file was known durable when it was written, so damage
//!   to durable bytes can be told from a torn tail.

mod appender;
mod frame;
mod header;
mod recovery;
mod sync;

pub use appender::{AppendPosition, WalAppender};
pub(crate) use frame::frame_at;
pub use frame::{FRAME_HEADER_BYTES, Frame, FrameKind, FrameWriter, Frames, Records};
pub use header::{HEADER_BYTES, WalHeader, WalNumber};
pub use recovery::{RecoveredFile, RecoveredWal, recover_directory, wal_numbers};
pub use sync::{GroupSync, SyncStatistics};
