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

use rust_decimal::Decimal;

use crate::error::Refused;
use crate::event::{Category, Field, FieldRef, Level, Timestamp, Value, ValueRef, ValueType};
use crate::limits::{
    FIELD_NAME_BYTES_MAX, FIELDS_PER_EVENT_MAX, ID_BYTES_MAX, RECORD_BYTES_MAX, STRING_BYTES_MAX,
};

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

/// Encodes one event into a buffer it owns and reuses; allocates only when created and on errors.
pub struct Encoder {
    buffer: Box<[u8]>,
    length: usize,
    count: u16,
    /// Bit n: the well-known field of code n is given.
    known: u64,
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
        }
    }

    /// Starts a record, forgetting the one before.
    #[inline]
    pub fn begin(&mut self, category: Category, level: Level) {
        self.length = HEADER_BYTES;
        self.count = 0;
        self.known = 0;
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
        let head = u32::from(field.code()) | (ValueType::Str as u32) << 8 | (text.len() as u32) << 16;
        self.bytes(&head.to_le_bytes());
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

    fn check_name(&self, name: &str) -> Result<(), Refused> {
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
        if self.count > self.known.count_ones() as u16 {
            let twice = Fields { bytes: &self.buffer[HEADER_BYTES..self.length] }
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

/// A record whose bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an event record: {0}")]
pub struct RecordError(pub &'static str);

/// One encoded event, borrowed. The header is checked; fields are checked as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    /// When it happened.
    pub ts: Timestamp,
    /// The producer's own count.
    pub pseq: u64,
    /// What kind.
    pub category: Category,
    /// How much it matters.
    pub level: Level,
    fields_at: usize,
}

impl<'a> Record<'a> {
    /// Reads the record at the start of `bytes`, which may go on after it.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let header = bytes.get(..HEADER_BYTES).ok_or(RecordError("shorter than its header"))?;
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if !(HEADER_BYTES..=RECORD_BYTES_MAX).contains(&length) {
            return Err(RecordError("its length is out of range"));
        }
        let bytes = bytes.get(..length).ok_or(RecordError("longer than what holds it"))?;
        let eight = |at: usize| [0, 1, 2, 3, 4, 5, 6, 7].map(|i| header[at + i]);
        let mut fields_at = HEADER_BYTES;
        let category = match header[6] {
            CATEGORY_CUSTOM => {
                let mut fields = Fields { bytes: &bytes[HEADER_BYTES..] };
                let category = fields.category_name()?;
                fields_at = length - fields.bytes.len();
                category
            }
            code => Category::from_built_in_code(code).ok_or(RecordError("unknown category code"))?,
        };
        Ok(Record {
            bytes,
            ts: Timestamp(i64::from_le_bytes(eight(8))),
            pseq: u64::from_le_bytes(eight(16)),
            category,
            level: Level::from_code(header[7]).ok_or(RecordError("unknown level code"))?,
            fields_at,
        })
    }

    /// Bytes to the next record.
    #[inline]
    pub fn padded_len(&self) -> usize {
        padded(self.bytes.len())
    }

    /// The fields, in the order given.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        Fields { bytes: &self.bytes[self.fields_at..] }
    }

    /// The fields, then those of the producer's `defaults` that the event does not give itself.
    #[inline]
    pub fn fields_with(&self, defaults: &'a Defaults) -> FieldsWithDefaults<'a> {
        FieldsWithDefaults { own: self.fields(), seen: 0, defaults: &defaults.fields }
    }

    /// The raw bytes, padding excluded.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Iterator over encoded fields.
#[derive(Clone)]
pub struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn take(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or(RecordError("a field is cut off"))?;
        self.bytes = rest;
        Ok(head)
    }

    #[inline(always)]
    fn byte(&mut self) -> Result<u8, RecordError> {
        Ok(self.take(1)?[0])
    }

    fn category_name(&mut self) -> Result<Category, RecordError> {
        if self.take(2)? != [TAG_CATEGORY_NAME, ValueType::Str as u8] {
            return Err(RecordError("the category name is missing"));
        }
        let name = self.text()?;
        Category::custom(name).ok_or(RecordError("the category name is not one, or there are more than 255"))
    }

    #[inline(always)]
    fn text(&mut self) -> Result<&'a str, RecordError> {
        let length = self.take(2)?;
        let bytes = self.take(u16::from_le_bytes([length[0], length[1]]) as usize)?;
        std::str::from_utf8(bytes).map_err(|_| RecordError("text is not UTF-8"))
    }

    #[inline(always)]
    fn packed(&mut self) -> Result<u128, RecordError> {
        let count = self.byte()? as usize;
        if count > 16 {
            return Err(RecordError("a number is too long"));
        }
        // The common case reads eight bytes at once and masks what is not the number's.
        if count <= 8 && self.bytes.len() >= 8 {
            let (eight, _) = self.bytes.split_first_chunk::<8>().ok_or(RecordError("a field is cut off"))?;
            let value =
                u64::from_le_bytes(*eight) & (u64::MAX.checked_shr(64 - 8 * count as u32).unwrap_or(0));
            self.bytes = &self.bytes[count..];
            return Ok(u128::from(value));
        }
        let mut wide = [0; 16];
        wide[..count].copy_from_slice(self.take(count)?);
        Ok(u128::from_le_bytes(wide))
    }

    #[inline(always)]
    fn value(&mut self, code: u8) -> Result<ValueRef<'a>, RecordError> {
        match ValueType::from_code(code).ok_or(RecordError("unknown type code"))? {
            ValueType::Bool => match self.byte()? {
                0 => Ok(ValueRef::Bool(false)),
                1 => Ok(ValueRef::Bool(true)),
                _ => Err(RecordError("a bool is neither 0 nor 1")),
            },
            ValueType::I64 => {
                let zigzag =
                    u64::try_from(self.packed()?).map_err(|_| RecordError("a whole number is too long"))?;
                Ok(ValueRef::I64((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)))
            }
            ValueType::F64 => {
                let bytes = self.take(8)?;
                Ok(ValueRef::F64(f64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[i]))))
            }
            ValueType::Decimal => {
                let scale = self.byte()?;
                decimal(self.packed()?, u32::from(scale & 0x7f), scale & 0x80 != 0).map(ValueRef::Decimal)
            }
            ValueType::Str => self.text().map(ValueRef::Str),
        }
    }

    #[inline(always)]
    fn field(&mut self) -> Result<(FieldRef<'a>, ValueRef<'a>), RecordError> {
        let tag = self.byte()?;
        let code = self.byte()?;
        let field = if tag == TAG_NAMED {
            let length = self.byte()? as usize;
            let name = std::str::from_utf8(self.take(length)?)
                .map_err(|_| RecordError("a field name is not UTF-8"))?;
            FieldRef::Named(name)
        } else {
            FieldRef::Known(Field::from_code(tag).ok_or(RecordError("unknown field code"))?)
        };
        Ok((field, self.value(code)?))
    }
}

#[inline(always)]
fn decimal(mantissa: u128, scale: u32, negative: bool) -> Result<Decimal, RecordError> {
    if mantissa >> 96 != 0 || scale > Decimal::MAX_SCALE {
        return Err(RecordError("a decimal is out of range"));
    }
    let mut value =
        Decimal::from_parts(mantissa as u32, (mantissa >> 32) as u32, (mantissa >> 64) as u32, false, scale);
    // Given to `from_parts`, the sign of a zero would be lost, and -0.00 is what was recorded.
    value.set_sign_negative(negative);
    Ok(value)
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(FieldRef<'a>, ValueRef<'a>), RecordError>;

    // A field passed through memory costs more, in stalled loads of what was just stored, than reading it.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.bytes = &[];
        }
        Some(field)
    }
}

/// What a recorder says once for all its events: encoded fields, all of them well-known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    fields: Box<[u8]>,
}

impl Defaults {
    /// Encodes the given fields.
    ///
    /// # Errors
    /// As [`Encoder::known`].
    pub fn new<'v>(fields: impl IntoIterator<Item = (Field, &'v str)>) -> Result<Defaults, Refused> {
        let mut encoder = Encoder::new();
        encoder.begin(Category::SYSTEM, Level::Info);
        for (field, text) in fields {
            encoder.known(field, ValueRef::Str(text))?;
        }
        Ok(Defaults { fields: encoder.fields().0.into() })
    }

    /// Reads defaults back, checking every field.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Defaults, RecordError> {
        for field in (Fields { bytes }) {
            if let (FieldRef::Named(_), _) = field? {
                return Err(RecordError("a default is not a well-known field"));
            }
        }
        Ok(Defaults { fields: bytes.into() })
    }

    /// The encoded fields.
    pub fn bytes(&self) -> &[u8] {
        &self.fields
    }
}

/// Iterator over an event's fields and the defaults it does not override.
pub struct FieldsWithDefaults<'a> {
    own: Fields<'a>,
    seen: u64,
    defaults: &'a [u8],
}

impl<'a> Iterator for FieldsWithDefaults<'a> {
    type Item = Result<(FieldRef<'a>, ValueRef<'a>), RecordError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(field) = self.own.next() {
            if let Ok((FieldRef::Known(known), _)) = field {
                self.seen |= 1 << known.code();
            }
            return Some(field);
        }
        let mut defaults = Fields { bytes: self.defaults };
        loop {
            let field = defaults.next()?;
            self.defaults = defaults.bytes;
            match field {
                Ok((FieldRef::Known(known), _)) if self.seen & (1 << known.code()) != 0 => {}
                field => return Some(field),
            }
        }
    }
}

/// Decodes all fields of a record, defaults included.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_fields(
    record: &Record<'_>,
    defaults: &Defaults,
) -> Result<Vec<(crate::event::FieldKey, Value)>, RecordError> {
    record
        .fields_with(defaults)
        .map(|field| field.map(|(key, value)| (key.to_key(), value.to_value())))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::dec;

    use super::*;

    fn encode(fields: &[(FieldRef<'_>, ValueRef<'_>)]) -> Result<Vec<u8>, Refused> {
        let mut encoder = Encoder::new();
        encoder.begin(Category::ORDER, Level::Warn);
        for (field, value) in fields {
            encoder.field(*field, *value)?;
        }
        Ok(encoder.finish(Timestamp(-5), 7).to_vec())
    }

    #[test]
    fn every_type_comes_back_equal() {
        let fields = [
            (FieldRef::Known(Field::EVENT), ValueRef::Str("order_created")),
            (FieldRef::Known(Field::PRICE), ValueRef::Decimal(dec!(-150.250))),
            (FieldRef::Known(Field::MESSAGE), ValueRef::Str("")),
            (FieldRef::Named("min"), ValueRef::I64(i64::MIN)),
            (FieldRef::Named("max"), ValueRef::I64(i64::MAX)),
            (FieldRef::Named("zero"), ValueRef::I64(0)),
            (FieldRef::Named("float"), ValueRef::F64(-0.1)),
            (FieldRef::Named("big"), ValueRef::Decimal(Decimal::MAX)),
            (FieldRef::Named("negative zero"), ValueRef::Decimal(-dec!(0.00))),
            (FieldRef::Named("bool"), ValueRef::Bool(true)),
            (FieldRef::Named("наzва"), ValueRef::Str("значение")),
        ];
        let bytes = encode(&fields).unwrap();
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(
            (record.ts, record.pseq, record.category, record.level),
            (Timestamp(-5), 7, Category::ORDER, Level::Warn)
        );
        let read = record.fields().collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(read, fields);
        let printed = |fields: &[(FieldRef<'_>, ValueRef<'_>)]| {
            fields.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(printed(&read), printed(&fields));
        assert!(printed(&read).contains(&"-0.00".to_owned()));
    }

    #[test]
    fn application_categories_travel_by_name() {
        let category = Category::custom("travels_by_name").unwrap();
        let mut encoder = Encoder::new();
        encoder.begin(category, Level::Info);
        encoder.field(FieldRef::new("event"), ValueRef::Str("x")).unwrap();
        let record = Record::parse(encoder.finish(Timestamp(0), 0)).unwrap();
        assert_eq!(record.category, category);
        assert_eq!(record.fields().count(), 1);
    }

    #[test]
    fn over_the_limit_is_refused_by_name_and_never_cut() {
        let long = "x".repeat(ID_BYTES_MAX + 1);
        let refused = encode(&[(FieldRef::new("order_id"), ValueRef::Str(&long))]).unwrap_err();
        assert_eq!(refused.to_string(), "field 'order_id' has 257 bytes, the limit is 256");
        assert!(encode(&[(FieldRef::new("order_id"), ValueRef::Str(&long[1..]))]).is_ok());
        let huge = "y".repeat(STRING_BYTES_MAX);
        let many = ["a", "b", "c"].map(|name| (FieldRef::new(name), ValueRef::Str(&huge)));
        assert!(matches!(encode(&many), Err(Refused::EventTooLarge { .. })));
        assert!(matches!(
            encode(&[(FieldRef::new("nan"), ValueRef::F64(f64::NAN))]),
            Err(Refused::NotFinite { .. })
        ));
        assert!(matches!(encode(&[(FieldRef::new("ts"), ValueRef::I64(1))]), Err(Refused::FieldName { .. })));
        let twice =
            [("x", 1), ("y", 2), ("x", 3)].map(|(name, value)| (FieldRef::new(name), ValueRef::I64(value)));
        assert!(matches!(encode(&twice), Err(Refused::FieldTwice { .. })));
        let names: Vec<String> = (0..=FIELDS_PER_EVENT_MAX).map(|i| format!("f{i}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (FieldRef::new(name), ValueRef::Bool(true))).collect();
        assert!(matches!(encode(&fields), Err(Refused::TooManyFields { .. })));
        assert!(encode(&fields[1..]).is_ok());
    }

    #[test]
    fn defaults_fill_in_what_the_event_leaves_out() {
        let defaults = Defaults::new([(Field::STRATEGY, "momentum"), (Field::SERVICE, "oms")]).unwrap();
        assert_eq!(Defaults::parse(defaults.bytes()).unwrap(), defaults);
        let bytes = encode(&[(FieldRef::Known(Field::STRATEGY), ValueRef::Str("pairs"))]).unwrap();
        let record = Record::parse(&bytes).unwrap();
        let fields: Vec<_> = record.fields_with(&defaults).map(|field| field.unwrap()).collect();
        let expected = [(Field::STRATEGY, "pairs"), (Field::SERVICE, "oms")]
            .map(|(f, v)| (FieldRef::Known(f), ValueRef::Str(v)));
        assert_eq!(fields, expected);
    }

    #[test]
    fn no_damage_makes_the_decoder_panic() {
        let bytes = encode(&[
            (FieldRef::new("event"), ValueRef::Str("e")),
            (FieldRef::new("price"), ValueRef::Decimal(dec!(1.5))),
            (FieldRef::new("n"), ValueRef::I64(-3)),
        ])
        .unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(record) = Record::parse(&flipped) {
                    record.fields().for_each(drop);
                }
            }
            if let Ok(record) = Record::parse(&bytes[..at]) {
                record.fields().for_each(drop);
            }
        }
    }
}
