//! Values of fields.

use std::fmt;

use rust_decimal::Decimal;

/// The stored type of a value. The code of each is part of the file format.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum ValueType {
    /// True or false.
    Bool = 0,
    /// A whole number.
    I64 = 1,
    /// A binary floating-point number; finite.
    F64 = 2,
    /// An exact decimal, its scale kept (`1.50` stays `1.50`).
    Decimal = 3,
    /// UTF-8 text.
    Str = 4,
}

impl ValueType {
    /// The type stored under that code.
    pub fn from_code(code: u8) -> Option<ValueType> {
        [ValueType::Bool, ValueType::I64, ValueType::F64, ValueType::Decimal, ValueType::Str]
            .get(code as usize)
            .copied()
    }
}

/// A borrowed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A finite binary floating-point number.
    F64(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Str(&'a str),
}

impl ValueRef<'_> {
    /// The stored type.
    #[inline]
    pub fn value_type(&self) -> ValueType {
        match self {
            ValueRef::Bool(_) => ValueType::Bool,
            ValueRef::I64(_) => ValueType::I64,
            ValueRef::F64(_) => ValueType::F64,
            ValueRef::Decimal(_) => ValueType::Decimal,
            ValueRef::Str(_) => ValueType::Str,
        }
    }

    /// An owned copy.
    pub fn to_value(&self) -> Value {
        match *self {
            ValueRef::Bool(value) => Value::Bool(value),
            ValueRef::I64(value) => Value::I64(value),
            ValueRef::F64(value) => Value::F64(value),
            ValueRef::Decimal(value) => Value::Decimal(value),
            ValueRef::Str(value) => Value::Str(value.into()),
        }
    }
}

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// A finite binary floating-point number.
    F64(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Str(Box<str>),
}

impl Value {
    /// A borrowed copy.
    #[inline]
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Value::Bool(value) => ValueRef::Bool(*value),
            Value::I64(value) => ValueRef::I64(*value),
            Value::F64(value) => ValueRef::F64(*value),
            Value::Decimal(value) => ValueRef::Decimal(*value),
            Value::Str(value) => ValueRef::Str(value),
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueRef::Bool(value) => value.fmt(f),
            ValueRef::I64(value) => value.fmt(f),
            ValueRef::F64(value) => write!(f, "{value:?}"),
            ValueRef::Decimal(value) => value.fmt(f),
            ValueRef::Str(value) => f.write_str(value),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

macro_rules! from_integer {
    ($($t:ty)*) => {$(
        impl From<$t> for ValueRef<'_> { fn from(value: $t) -> Self { ValueRef::I64(i64::from(value)) } }
        impl From<$t> for Value { fn from(value: $t) -> Self { Value::I64(i64::from(value)) } }
    )*};
}
from_integer!(i8 i16 i32 i64 u8 u16 u32);

/// Above `i64::MAX` a whole number is kept as a decimal.
impl From<u64> for ValueRef<'_> {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| ValueRef::Decimal(value.into()), ValueRef::I64)
    }
}

impl From<usize> for ValueRef<'_> {
    fn from(value: usize) -> Self {
        ValueRef::from(value as u64)
    }
}

macro_rules! from_same {
    ($($t:ty => $variant:ident)*) => {$(
        impl From<$t> for ValueRef<'_> { fn from(value: $t) -> Self { ValueRef::$variant(value) } }
        impl From<$t> for Value { fn from(value: $t) -> Self { Value::$variant(value) } }
    )*};
}
from_same!(bool => Bool f64 => F64 Decimal => Decimal);

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(value: &'a str) -> Self {
        ValueRef::Str(value)
    }
}

impl<'a> From<&'a String> for ValueRef<'a> {
    fn from(value: &'a String) -> Self {
        ValueRef::Str(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(value.into())
    }
}
