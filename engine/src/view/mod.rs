//! The read path: an immutable snapshot of segments and WAL tails, scanned in (`ts`, `seq`) order.

mod follow;
mod ledger;
mod parts;
mod predicate;
mod reader;
mod routes;
mod scan;
mod segments;
mod selection;
mod snapshot;
mod tail;
mod tail_filter;
mod version;

pub use follow::{FollowFrom, Follower};
pub use parts::{SegmentPart, UnsealedEvent, UnsealedPart};
pub use predicate::{Comparison, Predicate};
pub use reader::Reader;
pub(crate) use routes::{FilterSource, RouteFilter, Search, SegmentList};
pub use scan::{Scan, Unreadable};
pub(crate) use segments::SegmentRows;
pub use snapshot::Snapshot;
pub(crate) use tail::WalTail;
pub(crate) use tail_filter::TextHash;
pub(crate) use version::{SegmentHandle, Version, Versions};
