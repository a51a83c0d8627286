//! The immutable columnar file of one partition's events.

mod bits;
mod builder;
mod decimals;
mod dictionary;
mod filter;
mod find;
mod floats;
mod footer;
mod hash;
mod interner;
mod ints;
mod lookup;
mod meta;
mod numbered;
mod pages;
mod reader;
mod seal;
mod shapes;
mod sizes;
mod template;
#[cfg(test)]
mod tests;
mod vector;
mod verify;
mod wire;

pub use builder::{FinishedSegment, SegmentBuilder, SegmentIdentity, SegmentOptions};
pub use decimals::Digits;
pub use dictionary::Texts;
pub use find::Lookup;
pub use meta::{Route, RoutingFilter, SegmentId, SegmentMeta, Tier};
pub use reader::{ColumnId, ColumnInfo, Projection, Segment};
pub use sizes::ColumnBytes;
pub use vector::{ColumnVector, Decimals, Presence, Values, Zone};
