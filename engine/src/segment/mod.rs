//! Segments: immutable columnar files, one per seal, category and day.

pub mod meta;

pub use meta::{Route, RoutingFilter, SegmentId, SegmentMeta, Tier};
