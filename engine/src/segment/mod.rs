//! The immutable columnar file that holds the events of one partition (a category and a UTC day), sealed
//! from one WAL file or merged from other segments.
//!
//! ```text
//! ┌────────┬───────┬───────┬─────┬───────────────┬──────────────┬────────┬─────────┐
//! │ header │ block │ block │ ... │ per column:   │ shapes,      │ footer │ trailer │
//! │  16 B  │       │       │     │ directory,    │ templates,   │        │  44 B   │
//! │        │       │       │     │ dictionary,   │ directories  │        │         │
//! │        │       │       │     │ index,        │ of what all  │        │         │
//! │        │       │       │     │ postings      │ rows have    │        │         │
//! └────────┴───────┴───────┴─────┴───────────────┴──────────────┴────────┴─────────┘
//! block = pages of `block_rows` rows: shapes, ts, seq, producer, pseq, then one page per column
//! ```
//!
//! Invariants
//!
//! - Rows are ordered by (`ts`, `seq`). A row's number is its place in that order.
//! - A row's *shape* says its level, which columns it has, which of them have the same value in all rows of
//!   the shape, and the template of its message. Only the rest is stored per row, so a page holds values of
//!   just those rows whose shape stores the column; counting shapes finds a row's value in it.
//! - There is one column per field and type. Columns of fields come first, well-known ones by code, then
//!   dynamic ones in order of first occurrence, which is also the order of an event's fields when read;
//!   columns that hold the numbers and words of message templates follow.
//! - Text is coded by a dictionary per column, codes counting distinct texts by their first row, values
//!   shared by a whole shape last. Columns of indexed fields are text, whatever their type.
//! - Hot segments are packed, so that a value is found where it stands. Warm and cold ones are also
//!   entropy-coded and leave out what one column says of another; what that takes to undo is bounded by a block,
//!   and what was unpacked for a point read is kept for the next, within a bound for the whole process.
//! - Every byte belongs to a header, section, page, footer or trailer with a checksum, which is verified
//!   before anything else reads it. The footer has the checksums of sections, a directory those of pages.
//! - No decoder trusts what it reads: whatever the bytes, it gives an error or a value, never a panic.
//!
//! The exact bytes are in `docs/format.md`, and at the head of the module that writes them: `ints` and `entropy`
//! for pages of numbers, `elapsed`, `decimals`, `floats`, `shapes`, `dictionary`, `texts`, `followers`, `lookup` for
//! postings, `pages` for directories, `footer` for the rest.

mod bits;
mod block_shapes;
mod builder;
mod decimals;
mod dictionary;
mod elapsed;
mod entropy;
mod filter;
mod find;
mod floats;
mod followers;
mod footer;
mod hash;
mod int_page;
mod interner;
mod ints;
mod lookup;
mod merge;
mod messages;
mod meta;
mod numbered;
mod options;
mod pages;
mod reader;
mod seal;
mod shapes;
mod sizes;
mod template;
#[cfg(test)]
mod tests;
mod texts;
mod unpacked;
mod vector;
mod verify;
mod wire;

pub use block_shapes::{BlockShapes, ShapeValue};
pub use builder::{FinishedSegment, SegmentBuilder, SegmentIdentity};
pub use decimals::Digits;
pub use dictionary::Texts;
pub(crate) use filter::OpenFilter;
pub use find::Lookup;
pub use merge::{ContentRoot, FullPace, Pace, compare, content_root, merge};
pub use messages::MessagePart;
pub use meta::{Places, Route, RoutingFilter, SegmentId, SegmentMeta, Tier};
pub use options::SegmentOptions;
pub use reader::{ColumnId, ColumnInfo, Projection, Segment};
pub use sizes::ColumnBytes;
pub use vector::{ColumnVector, Decimals, Presence, Values, Zone};
