//! Values through serde: numbers as numbers, times as RFC 3339 in UTC, stretches of time as nanoseconds.
//!
//! A decimal goes out as a number of serde_json with every digit, which its serializer writes as it stands.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer, forward_to_deserialize_any};

use super::Datum;
use crate::error::{ErrorKind, QueryError};

impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Datum::Null => serializer.serialize_none(),
            Datum::Bool(value) => serializer.serialize_bool(*value),
            Datum::Int(value) => serializer.serialize_i64(*value),
            Datum::Float(value) => serializer.serialize_f64(*value),
            Datum::Decimal(value) => {
                let number: serde_json::Number =
                    value.to_string().parse().map_err(serde::ser::Error::custom)?;
                number.serialize(serializer)
            }
            Datum::Duration(ns) => serializer.serialize_i64(*ns),
            Datum::Time(ts) => serializer.collect_str(ts),
            Datum::Str(text) => serializer.serialize_str(text),
            Datum::Level(level) => serializer.serialize_str(level.name()),
            Datum::Category(category) => serializer.serialize_str(category.name()),
        }
    }
}

impl serde::de::Error for QueryError {
    fn custom<T: std::fmt::Display>(message: T) -> QueryError {
        QueryError::new(ErrorKind::Type, message.to_string())
    }
}

/// Hands a value to whatever type is asked for. Where any will do, a decimal and a time are text, so that no digit is
/// lost.
struct DatumDeserializer<'a>(&'a Datum);

impl<'de> DatumDeserializer<'_> {
    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0 {
            Datum::Time(ts) => visitor.visit_i64(ts.0),
            Datum::Duration(ns) => visitor.visit_i64(*ns),
            other => match other.as_i64() {
                Some(value) => visitor.visit_i64(value),
                None => self.deserialize_any(visitor),
            },
        }
    }

    fn float<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0.as_f64() {
            Some(value) => visitor.visit_f64(value),
            None => self.deserialize_any(visitor),
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0 {
            Datum::Null => visitor.visit_unit(),
            Datum::Str(text) => visitor.visit_str(text),
            other => visitor.visit_string(other.to_string()),
        }
    }
}

macro_rules! through {
    ($($method:ident => $with:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
            self.$with(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for DatumDeserializer<'_> {
    type Error = QueryError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0 {
            Datum::Null => visitor.visit_unit(),
            Datum::Bool(value) => visitor.visit_bool(*value),
            Datum::Int(value) | Datum::Duration(value) => visitor.visit_i64(*value),
            Datum::Float(value) => visitor.visit_f64(*value),
            Datum::Decimal(_) | Datum::Time(_) | Datum::Str(_) | Datum::Level(_) | Datum::Category(_) => {
                self.text(visitor)
            }
        }
    }

    through! {
        deserialize_i8 => whole
        deserialize_i16 => whole
        deserialize_i32 => whole
        deserialize_i64 => whole
        deserialize_i128 => whole
        deserialize_u8 => whole
        deserialize_u16 => whole
        deserialize_u32 => whole
        deserialize_u64 => whole
        deserialize_u128 => whole
        deserialize_f32 => float
        deserialize_f64 => float
        deserialize_char => text
        deserialize_str => text
        deserialize_string => text
        deserialize_identifier => text
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        let text = self.0.to_string();
        let variant: StrDeserializer<'_, QueryError> = text.as_str().into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        bool bytes byte_buf unit unit_struct seq tuple tuple_struct map struct ignored_any
    }
}

/// The columns of a row as the fields of a struct or the entries of a map.
pub(crate) struct RowDeserializer<'a, I> {
    columns: I,
    value: Option<(std::sync::Arc<str>, &'a Datum)>,
}

impl<I> RowDeserializer<'_, I> {
    pub(crate) fn new(columns: I) -> Self {
        RowDeserializer { columns, value: None }
    }
}

impl<'de, 'a, I: Iterator<Item = (std::sync::Arc<str>, &'a Datum)>> Deserializer<'de>
    for RowDeserializer<'a, I>
{
    type Error = QueryError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        visitor.visit_map(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, 'a, I: Iterator<Item = (std::sync::Arc<str>, &'a Datum)>> MapAccess<'de>
    for RowDeserializer<'a, I>
{
    type Error = QueryError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, QueryError> {
        self.value = self.columns.next();
        match &self.value {
            Some((name, _)) => {
                let name: StrDeserializer<'_, QueryError> = (&**name).into_deserializer();
                seed.deserialize(name).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, QueryError> {
        let (name, datum) = self.value.take().expect("a value is asked for after its key");
        seed.deserialize(DatumDeserializer(datum)).map_err(|error| {
            QueryError::new(ErrorKind::Type, format!("column '{name}': {}", error.message()))
        })
    }
}
