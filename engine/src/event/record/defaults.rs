//! What a recorder says once for all its events, and an event together with it.

use super::{Encoder, Fields, Record, RecordError};
use crate::error::Refused;
use crate::event::{Category, Field, FieldRef, Level, Value, ValueRef};

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
        for field in Fields::new(bytes) {
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

    /// The fields.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(&self.fields)
    }
}

/// Iterator over an event's fields and the defaults it does not override.
pub struct FieldsWithDefaults<'a> {
    own: Fields<'a>,
    seen: u64,
    defaults: &'a [u8],
}

impl<'a> FieldsWithDefaults<'a> {
    #[inline(always)]
    pub(super) fn new(own: Fields<'a>, defaults: &'a Defaults) -> FieldsWithDefaults<'a> {
        FieldsWithDefaults { own, seen: 0, defaults: &defaults.fields }
    }
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
        let mut defaults = Fields::new(self.defaults);
        loop {
            let field = defaults.next()?;
            self.defaults = defaults.rest();
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
