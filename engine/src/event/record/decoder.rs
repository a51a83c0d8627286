//! Bytes to fields. Nothing read is trusted.

use super::{
    CATEGORY_CUSTOM, Defaults, FieldsWithDefaults, HEADER_BYTES, TAG_CATEGORY_NAME, TAG_NAMED, padded,
};
use crate::event::{Category, Field, FieldRef, Level, Timestamp, ValueRef, ValueType};
use crate::limits::RECORD_BYTES_MAX;
use rust_decimal::Decimal;

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
        FieldsWithDefaults::new(self.fields(), defaults)
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
    /// The fields in those bytes.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes }
    }

    /// The bytes not read yet.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

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
        Category::custom(name)
            .ok_or(RecordError("the category name is not one, or there are more than 4,096"))
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
