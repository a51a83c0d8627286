//! The binary record of one event, the same in a ring and in a WAL frame. All numbers little-endian.
//!
//! ```text
//!  0        4       6       7     8             16            24
//! ┌────────┬───────┬───────┬─────┬─────────────┬─────────────┬────────┬─────┬─────┐
//! │ length │ count │ categ │ lvl │ ts i64      │ pseq u64    │ field  │ ... │ pad │
//! │ u32    │ u16   │ u8    │ u8  │             │             │        │     │ to 8│
//! └────────┴───────┴───────┴─────┴─────────────┴─────────────┴────────┴─────┴─────┘
//! field = tag u8, type u8, value
//!   tag    0..=127 a well-known field's code; 254 the category's name; 255 a dynamic field: name length
//!          u8 and name stand between type and value
//!   value  bool: u8 · i64: zigzag as packed · f64: 8 bytes · decimal: scale | sign << 7, then mantissa as
//!          packed · str: length u16, bytes
//!   packed byte count u8, then that many low bytes
//! ```
//! `length` counts from the start of the header to the end of the last field; records start at multiples
//! of 8. Category code 255 means application-defined: the first field is then tag 254, its name.
//! Encoding checks every limit, so a record that exists is within them.

mod decoder;
mod defaults;
mod encoder;
#[cfg(test)]
mod tests;

pub use decoder::{Fields, Record, RecordError};
pub use defaults::{Defaults, FieldsWithDefaults, decode_fields};
pub use encoder::Encoder;
pub(crate) use encoder::text_head;

/// Bytes before the first field.
pub const HEADER_BYTES: usize = 24;
/// Records start at multiples of this.
pub const ALIGNMENT: usize = 8;

const TAG_CATEGORY_NAME: u8 = 254;
const TAG_NAMED: u8 = 255;
const CATEGORY_CUSTOM: u8 = 255;

/// Bytes a record of that length occupies, padding included.
#[inline]
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT)
}
