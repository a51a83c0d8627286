//! The read path: an immutable snapshot of segments and WAL tails, scanned in (`ts`, `seq`) order.

mod follow;
mod predicate;
mod reader;
mod scan;
mod segments;
mod selection;
mod snapshot;
mod tail;
mod version;

pub use follow::{FollowFrom, Follower};
pub use predicate::{Comparison, Predicate};
pub use reader::Reader;
pub use scan::{Scan, Unreadable};
pub use snapshot::Snapshot;
pub(crate) use tail::WalTail;
pub(crate) use version::{FilterSource, SegmentHandle, Version, Versions};
