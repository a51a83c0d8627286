//! Values made from those of the engine and of programs.

use blotter_engine::event::{Category, Level, Timestamp, Value, ValueRef};
use rust_decimal::Decimal;

use super::{Datum, DatumRef};

impl From<Value> for Datum {
    fn from(value: Value) -> Datum {
        match value {
            Value::Bool(value) => Datum::Bool(value),
            Value::I64(value) => Datum::Int(value),
            Value::F64(value) => Datum::Float(value),
            Value::Decimal(value) => Datum::Decimal(value),
            Value::Str(value) => Datum::Str(value.into()),
        }
    }
}

impl<'a> From<ValueRef<'a>> for DatumRef<'a> {
    fn from(value: ValueRef<'a>) -> DatumRef<'a> {
        match value {
            ValueRef::Bool(value) => DatumRef::Bool(value),
            ValueRef::I64(value) => DatumRef::Int(value),
            ValueRef::F64(value) => DatumRef::Float(value),
            ValueRef::Decimal(value) => DatumRef::Decimal(value),
            ValueRef::Str(value) => DatumRef::Str(value),
        }
    }
}

macro_rules! from_integer {
    ($($t:ty)*) => {$(
        impl From<$t> for Datum { fn from(value: $t) -> Datum { Datum::Int(i64::from(value)) } }
    )*};
}
from_integer!(i8 i16 i32 i64 u8 u16 u32);

macro_rules! from_same {
    ($($t:ty => $variant:ident)*) => {$(
        impl From<$t> for Datum { fn from(value: $t) -> Datum { Datum::$variant(value) } }
    )*};
}
from_same!(bool => Bool Decimal => Decimal Timestamp => Time Level => Level Category => Category);

/// Above `i64::MAX` a whole number is a decimal.
impl From<u64> for Datum {
    fn from(value: u64) -> Datum {
        i64::try_from(value).map_or_else(|_| Datum::Decimal(value.into()), Datum::Int)
    }
}

/// A float that is not finite is null.
impl From<f64> for Datum {
    fn from(value: f64) -> Datum {
        if value.is_finite() { Datum::Float(value) } else { Datum::Null }
    }
}

impl From<&str> for Datum {
    fn from(value: &str) -> Datum {
        Datum::Str(value.into())
    }
}

impl From<String> for Datum {
    fn from(value: String) -> Datum {
        Datum::Str(value.into())
    }
}

impl<T: Into<Datum>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Datum {
        value.map_or(Datum::Null, T::into)
    }
}
