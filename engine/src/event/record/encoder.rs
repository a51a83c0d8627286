//! Fields to bytes: the path that `emit` takes.

use super::{ALIGNMENT, CATEGORY_CUSTOM, Fields, HEADER_BYTES, TAG_CATEGORY_NAME, TAG_NAMED, padded};
use crate::error::Refused;
use crate::event::{Category, Field, FieldRef, Level, Timestamp, ValueRef, ValueType};
use crate::limits::{
    FIELD_NAME_BYTES_MAX, FIELDS_PER_EVENT_MAX, ID_BYTES_MAX, RECORD_BYTES_MAX, STRING_BYTES_MAX,
};
use rust_decimal::Decimal;

/// Encodes one event into a buffer it owns and reuses; allocates only when created and on errors.
pub struct Encoder {
    buffer: Box<[u8]>,
    length: usize,
    count: u16,
    /// Bit n: the well-known field of code n is given.
    known: u64,
    /// Where the first dynamic field starts.
    named_at: usize,
}

/// Most bytes a number takes: tag, type, scale, count, 16 bytes of mantissa.
const NUMBER_BYTES_MAX: usize = 20;
/// Room past the largest record, so that numbers can be written whole and counted after.
const SLACK_BYTES: usize = NUMBER_BYTES_MAX + ALIGNMENT;

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Encoder {
    /// An encoder with room for the largest record.
    pub fn new() -> Encoder {
        Encoder {
            buffer: vec![0; RECORD_BYTES_MAX + SLACK_BYTES].into(),
            length: HEADER_BYTES,
            count: 0,
            known: 0,
            named_at: 0,
        }
    }

    /// Starts a record, forgetting the one before.
    #[inline]
    pub fn begin(&mut self, category: Category, level: Level) {
        self.length = HEADER_BYTES;
        self.count = 0;
        self.known = 0;
        self.named_at = 0;
        self.buffer[6] = if category.is_built_in() { category.index() as u8 } else { CATEGORY_CUSTOM };
        self.buffer[7] = level as u8;
        if !category.is_built_in() {
            self.begin_custom(category);
        }
    }

    #[cold]
    fn begin_custom(&mut self, category: Category) {
        let name = category.name();
        self.bytes(&[TAG_CATEGORY_NAME, ValueType::Str as u8]);
        self.bytes(&(name.len() as u16).to_le_bytes());
        self.bytes(name.as_bytes());
    }

    /// Changes the level of the record under way.
    #[inline]
    pub fn set_level(&mut self, level: Level) {
        self.buffer[7] = level as u8;
    }

    /// Whether a well-known field has been given.
    #[inline]
    pub fn has(&self, field: Field) -> bool {
        self.known & (1 << field.code()) != 0
    }

    /// Whether any of the well-known fields has been given whose codes are `known`, as bits.
    #[inline]
    pub(crate) fn has_any(&self, known: u64) -> bool {
        self.known & known != 0
    }

    /// Adds a field.
    ///
    /// # Errors
    /// The limit or rule that the field breaks; the record must then be given up.
    #[inline]
    pub fn field(&mut self, field: FieldRef<'_>, value: ValueRef<'_>) -> Result<(), Refused> {
        match field {
            FieldRef::Known(field) => self.known(field, value),
            FieldRef::Named(name) => {
                self.check_name(name)?;
                self.bytes(&[TAG_NAMED, value.value_type() as u8, name.len() as u8]);
                self.bytes(name.as_bytes());
                self.value(field, value, STRING_BYTES_MAX)
            }
        }
    }

    /// Adds a well-known field.
    ///
    /// # Errors
    /// The limit or rule that the field breaks; the record must then be given up.
    #[inline]
    pub fn known(&mut self, field: Field, value: ValueRef<'_>) -> Result<(), Refused> {
        match value {
            ValueRef::Str(text) => self.known_text(field, text),
            ValueRef::Decimal(value) => self.known_decimal(field, value),
            ValueRef::I64(whole) if field.is_decimal() => self.known_decimal(field, Decimal::from(whole)),
            value => {
                self.begin_known(field)?;
                self.bytes(&[field.code(), value.value_type() as u8]);
                self.value(FieldRef::Known(field), value, STRING_BYTES_MAX)
            }
        }
    }

    #[inline(always)]
    fn begin_known(&mut self, field: Field) -> Result<(), Refused> {
        if self.has(field) {
            return Err(field_twice(field.name()));
        }
        self.known |= 1 << field.code();
        Ok(())
    }

    /// [`Encoder::known`] for text. With the field known at compile time it comes down to a few stores, which
    /// is what keeps `emit` within tens of nanoseconds.
    #[inline(always)]
    pub(crate) fn known_text(&mut self, field: Field, text: &str) -> Result<(), Refused> {
        self.begin_known(field)?;
        let limit_bytes = if field.is_id() { ID_BYTES_MAX } else { STRING_BYTES_MAX };
        if text.len() > limit_bytes {
            return Err(too_long(field.name(), text.len(), limit_bytes));
        }
        if self.length + text.len() + 4 > RECORD_BYTES_MAX {
            return Err(too_large(field.name()));
        }
        self.bytes(&text_head(field, text));
        self.short_bytes(text.as_bytes());
        self.count += 1;
        Ok(())
    }

    /// [`Encoder::known`] for decimals.
    #[inline(always)]
    pub(crate) fn known_decimal(&mut self, field: Field, value: Decimal) -> Result<(), Refused> {
        self.begin_known(field)?;
        if self.length > RECORD_BYTES_MAX - NUMBER_BYTES_MAX {
            return Err(too_large(field.name()));
        }
        let sign = u8::from(value.is_sign_negative()) << 7;
        self.bytes(&[field.code(), ValueType::Decimal as u8, value.scale() as u8 | sign]);
        self.packed(value.mantissa().unsigned_abs());
        self.count += 1;
        Ok(())
    }

    /// Copies fields that are already encoded, such as a trace scope's; their well-known codes are `known`.
    #[inline]
    pub(crate) fn encoded(&mut self, fields: &[u8], count: u16, known: u64) -> Result<(), Refused> {
        if self.length + fields.len() > RECORD_BYTES_MAX {
            return Err(too_large("correlation_id"));
        }
        self.bytes(fields);
        self.count += count;
        self.known |= known;
        Ok(())
    }

    /// Adds a text field, formatted into the record without an intermediate string.
    ///
    /// # Errors
    /// The limit or rule that the field breaks; the record must then be given up.
    pub fn formatted(&mut self, field: FieldRef<'_>, text: std::fmt::Arguments<'_>) -> Result<(), Refused> {
        if let Some(text) = text.as_str() {
            return self.field(field, ValueRef::Str(text));
        }
        self.field(field, ValueRef::Str(""))?;
        let start = self.length;
        let limit_bytes = match field {
            FieldRef::Known(known) if known.is_id() => ID_BYTES_MAX,
            _ => STRING_BYTES_MAX,
        };
        let room = limit_bytes.min(RECORD_BYTES_MAX - start);
        let mut sink = Sink { buffer: &mut self.buffer[start..start + room], written_bytes: 0 };
        // The sink never fails; what does not fit is counted, and refused below.
        if std::fmt::write(&mut sink, text).is_err() {
            return Err(Refused::Unformattable { field: field.name().to_owned() });
        }
        let written_bytes = sink.written_bytes;
        if written_bytes > limit_bytes {
            return Err(too_long(field.name(), written_bytes, limit_bytes));
        }
        if written_bytes > room {
            return Err(too_large(field.name()));
        }
        self.buffer[start - 2..start].copy_from_slice(&(written_bytes as u16).to_le_bytes());
        self.length = start + written_bytes;
        Ok(())
    }

    #[inline]
    fn value(
        &mut self,
        field: FieldRef<'_>,
        value: ValueRef<'_>,
        string_bytes_max: usize,
    ) -> Result<(), Refused> {
        match value {
            ValueRef::Bool(value) => self.bytes(&[u8::from(value)]),
            ValueRef::I64(value) => self.packed(u128::from(((value << 1) ^ (value >> 63)) as u64)),
            ValueRef::F64(value) => {
                if !value.is_finite() {
                    return Err(not_finite(field.name(), value));
                }
                self.bytes(&value.to_le_bytes());
            }
            ValueRef::Decimal(value) => {
                self.bytes(&[value.scale() as u8 | (u8::from(value.is_sign_negative()) << 7)]);
                self.packed(value.mantissa().unsigned_abs());
            }
            ValueRef::Str(text) => {
                if text.len() > string_bytes_max {
                    return Err(too_long(field.name(), text.len(), string_bytes_max));
                }
                if self.length + text.len() + 2 > RECORD_BYTES_MAX {
                    return Err(too_large(field.name()));
                }
                self.bytes(&(text.len() as u16).to_le_bytes());
                self.bytes(text.as_bytes());
            }
        }
        self.count += 1;
        if self.length > RECORD_BYTES_MAX || self.count as usize > FIELDS_PER_EVENT_MAX {
            return Err(over_limits(field.name(), self.count));
        }
        Ok(())
    }

    /// Appends bytes. The caller has checked that they fit, numbers by the slack.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.buffer[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Appends bytes that mostly are few: up to 32 are copied as two overlapping words, without a call.
    #[inline(always)]
    fn short_bytes(&mut self, bytes: &[u8]) {
        fn overlapping<const WORD: usize>(to: &mut [u8], from: &[u8]) {
            if let (Some(first), Some(last)) = (from.first_chunk::<WORD>(), from.last_chunk::<WORD>()) {
                to[..WORD].copy_from_slice(first);
                to[from.len() - WORD..].copy_from_slice(last);
            }
        }
        let to = &mut self.buffer[self.length..self.length + bytes.len()];
        match bytes.len() {
            16..=32 => overlapping::<16>(to, bytes),
            8..=15 => overlapping::<8>(to, bytes),
            4..=7 => overlapping::<4>(to, bytes),
            _ => to.copy_from_slice(bytes),
        }
        self.length += bytes.len();
    }

    #[inline(always)]
    fn packed(&mut self, value: u128) {
        let at = self.length;
        if let Ok(small) = u64::try_from(value) {
            let count = (64 - small.leading_zeros()).div_ceil(8);
            self.buffer[at] = count as u8;
            self.buffer[at + 1..at + 9].copy_from_slice(&small.to_le_bytes());
            self.length = at + 1 + count as usize;
        } else {
            let count = (128 - value.leading_zeros()).div_ceil(8);
            self.buffer[at] = count as u8;
            self.buffer[at + 1..at + 17].copy_from_slice(&value.to_le_bytes());
            self.length = at + 1 + count as usize;
        }
    }

    fn check_name(&mut self, name: &str) -> Result<(), Refused> {
        if name.is_empty() || name.len() > FIELD_NAME_BYTES_MAX || name.bytes().any(|b| b < 0x20 || b == 0x7f)
        {
            return Err(bad_name(name));
        }
        if Field::RESERVED.contains(&name) {
            return Err(Refused::FieldName { name: name.to_owned(), reason: "every event has it already" });
        }
        if self.length + name.len() + 3 > RECORD_BYTES_MAX {
            return Err(too_large(name));
        }
        if self.named_at == 0 {
            self.named_at = self.length;
        } else {
            let twice = Fields::new(&self.buffer[self.named_at..self.length])
                .any(|field| matches!(field, Ok((FieldRef::Named(given), _)) if given == name));
            if twice {
                return Err(field_twice(name));
            }
        }
        Ok(())
    }

    /// Ends the record and gives its bytes, padding included.
    #[inline]
    pub fn finish(&mut self, ts: Timestamp, pseq: u64) -> &[u8] {
        let end = padded(self.length);
        self.buffer[self.length..self.length + ALIGNMENT].copy_from_slice(&[0; ALIGNMENT]);
        self.buffer[0..4].copy_from_slice(&(self.length as u32).to_le_bytes());
        self.buffer[4..6].copy_from_slice(&self.count.to_le_bytes());
        self.buffer[8..16].copy_from_slice(&ts.0.to_le_bytes());
        self.buffer[16..24].copy_from_slice(&pseq.to_le_bytes());
        &self.buffer[..end]
    }

    /// Padded size of the record under way.
    #[inline]
    pub fn padded_len(&self) -> usize {
        padded(self.length)
    }

    /// The fields encoded so far, without the header.
    pub(crate) fn fields(&self) -> (&[u8], u16, u64) {
        (&self.buffer[HEADER_BYTES..self.length], self.count, self.known)
    }
}

/// What stands before the bytes of a well-known field's text, which is within its limit.
#[inline(always)]
pub(crate) fn text_head(field: Field, text: &str) -> [u8; 4] {
    let head = u32::from(field.code()) | (ValueType::Str as u32) << 8 | (text.len() as u32) << 16;
    head.to_le_bytes()
}

/// Formats into a slice, counting what does not fit.
struct Sink<'a> {
    buffer: &'a mut [u8],
    written_bytes: usize,
}

impl std::fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.written_bytes + text.len();
        if let Some(room) = self.buffer.get_mut(self.written_bytes..end) {
            room.copy_from_slice(text.as_bytes());
        }
        self.written_bytes = end;
        Ok(())
    }
}

#[cold]
fn field_twice(field: &str) -> Refused {
    Refused::FieldTwice { field: field.to_owned() }
}

#[cold]
fn too_large(field: &str) -> Refused {
    Refused::EventTooLarge { field: field.to_owned(), limit_bytes: RECORD_BYTES_MAX }
}

#[cold]
fn too_long(field: &str, found_bytes: usize, limit_bytes: usize) -> Refused {
    Refused::TooLong { field: field.to_owned(), found_bytes, limit_bytes }
}

#[cold]
fn not_finite(field: &str, value: f64) -> Refused {
    Refused::NotFinite { field: field.to_owned(), found: value.to_string() }
}

#[cold]
fn over_limits(field: &str, count: u16) -> Refused {
    if count as usize > FIELDS_PER_EVENT_MAX {
        Refused::TooManyFields { limit: FIELDS_PER_EVENT_MAX }
    } else {
        too_large(field)
    }
}

#[cold]
fn bad_name(name: &str) -> Refused {
    let reason = match name.len() {
        0 => "it is empty",
        length if length > FIELD_NAME_BYTES_MAX => "it is longer than 128 bytes",
        _ => "it holds control characters",
    };
    Refused::FieldName { name: name.chars().take(64).collect::<String>().escape_debug().to_string(), reason }
}
