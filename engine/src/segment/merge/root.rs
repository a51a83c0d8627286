//! The content root: one hash of all events of some segments, the same however they are stored.
//!
//! ```text
//! row   = ts i64, seq u64, producer u32, pseq u64,
//!         category length u8, category, level u8, count of fields u32, fields in order of name
//! field = name length u16, name, type u8, value
//! value = bool: u8 · i64: 8 bytes · f64: 8 bytes, its bits · str: length u32, bytes
//!       | decimal: 16 bytes: flags, low, mid, high u32 as rust_decimal lays them out; so 1.50 is not 1.5
//! root  = BLAKE3 of all rows, one after the other, in order of (ts, seq)
//! ```
//! All numbers little-endian. Every part has a fixed length or says it before, so that no two lists of rows have the
//! same bytes. Segments order an event's dynamic fields as they met them first; names alone are the same in all.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Pace;
use super::order::Merged;
use crate::error::Result;
use crate::event::{Event, Level, ValueRef, ValueType};
use crate::segment::builder::RowHead;
use crate::segment::reader::Segment;

/// BLAKE3 over the canonical bytes of all rows in the order of (`ts`, `seq`): the same for the same events, whatever
/// the tier, the number of segments or the encodings of columns. Displays as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentRoot(pub [u8; 32]);

impl fmt::Display for ContentRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentRoot({self})")
    }
}

/// The content root of segments that hold no event twice.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) where a segment is, or where two hold the same event; what `pace` gives.
pub fn content_root(segments: &[Arc<Segment>], pace: &dyn Pace) -> Result<ContentRoot> {
    let mut merged = Merged::new(segments, pace);
    let mut hashing = Hashing::default();
    while let Some(row) = merged.next()? {
        row.write_canonical(hashing.buffer());
    }
    Ok(hashing.finish())
}

/// Bytes hashed at once: enough for the hash to work on many of its chunks side by side.
const HASHED_BYTES: usize = 128 * 1024;

/// Rows on their way into the hash.
#[derive(Default)]
pub(super) struct Hashing {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Hashing {
    /// Where to append the next row; what was appended before may be gone.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.buffer.len() >= HASHED_BYTES {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
        &mut self.buffer
    }

    pub(super) fn finish(mut self) -> ContentRoot {
        self.hasher.update(&self.buffer);
        ContentRoot(*self.hasher.finalize().as_bytes())
    }
}

/// Appends what comes first of a row.
#[inline]
pub(super) fn put_head(head: &RowHead, out: &mut Vec<u8>) {
    let mut bytes = [0; 28];
    bytes[0..8].copy_from_slice(&head.ts.to_le_bytes());
    bytes[8..16].copy_from_slice(&head.seq.to_le_bytes());
    bytes[16..20].copy_from_slice(&head.producer.to_le_bytes());
    bytes[20..28].copy_from_slice(&head.pseq.to_le_bytes());
    out.extend_from_slice(&bytes);
}

/// Appends what follows, up to the fields.
pub(super) fn put_shared(category: &str, level: Level, fields: usize, out: &mut Vec<u8>) {
    out.push(u8::try_from(category.len()).expect("names of categories are short"));
    out.extend_from_slice(category.as_bytes());
    out.push(level as u8);
    out.extend_from_slice(&(fields as u32).to_le_bytes());
}

/// Appends what comes before a value.
pub(super) fn put_name(name: &str, value_type: ValueType, out: &mut Vec<u8>) {
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(value_type as u8);
}

/// Appends a value.
#[inline]
pub(super) fn put_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Bool(value) => out.push(u8::from(value)),
        ValueRef::I64(value) => out.extend_from_slice(&value.to_le_bytes()),
        ValueRef::F64(value) => out.extend_from_slice(&value.to_bits().to_le_bytes()),
        ValueRef::Decimal(value) => out.extend_from_slice(&value.serialize()),
        ValueRef::Str(text) => {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Appends an event; as long a way as the format reads, to check shorter ones by.
pub(super) fn put_event(event: &Event, out: &mut Vec<u8>) {
    let head = RowHead {
        ts: event.ts.0,
        seq: event.seq.0,
        producer: event.producer.0,
        pseq: event.pseq,
        level: event.level,
    };
    put_head(&head, out);
    put_shared(event.category.name(), event.level, event.fields.len(), out);
    let mut fields: Vec<_> = event.fields.iter().map(|(key, value)| (key.name(), value.borrow())).collect();
    fields.sort_by_key(|(name, value)| (*name, value.value_type()));
    for (name, value) in fields {
        put_name(name, value.value_type(), out);
        put_value(value, out);
    }
}
