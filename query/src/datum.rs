//! Values of rows: what the engine records, and what expressions make of it.

use blotter_engine::event::{Category, Level, Timestamp, Value, ValueRef};
use rust_decimal::Decimal;
use smol_str::SmolStr;

/// A value of a row.
#[derive(Clone, Debug, Default)]
pub enum Datum {
    /// Nothing: the row lacks it.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A binary floating-point number; finite.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Str(SmolStr),
    /// A point in time.
    Time(Timestamp),
    /// A stretch of time in nanoseconds.
    Duration(i64),
    /// A level; ordered by severity.
    Level(Level),
    /// A category; ordered by name.
    Category(Category),
}

/// A borrowed [`Datum`].
#[derive(Clone, Copy, Debug)]
pub enum DatumRef<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A binary floating-point number.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Str(&'a str),
    /// A point in time.
    Time(Timestamp),
    /// A stretch of time in nanoseconds.
    Duration(i64),
    /// A level.
    Level(Level),
    /// A category.
    Category(Category),
}

impl Datum {
    /// A borrowed copy.
    #[inline]
    pub fn borrow(&self) -> DatumRef<'_> {
        match self {
            Datum::Null => DatumRef::Null,
            Datum::Bool(value) => DatumRef::Bool(*value),
            Datum::Int(value) => DatumRef::Int(*value),
            Datum::Float(value) => DatumRef::Float(*value),
            Datum::Decimal(value) => DatumRef::Decimal(*value),
            Datum::Str(value) => DatumRef::Str(value),
            Datum::Time(value) => DatumRef::Time(*value),
            Datum::Duration(value) => DatumRef::Duration(*value),
            Datum::Level(value) => DatumRef::Level(*value),
            Datum::Category(value) => DatumRef::Category(*value),
        }
    }

    /// Whether there is nothing.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }
}

impl DatumRef<'_> {
    /// An owned copy.
    #[inline]
    pub fn to_datum(self) -> Datum {
        match self {
            DatumRef::Null => Datum::Null,
            DatumRef::Bool(value) => Datum::Bool(value),
            DatumRef::Int(value) => Datum::Int(value),
            DatumRef::Float(value) => Datum::Float(value),
            DatumRef::Decimal(value) => Datum::Decimal(value),
            DatumRef::Str(value) => Datum::Str(value.into()),
            DatumRef::Time(value) => Datum::Time(value),
            DatumRef::Duration(value) => Datum::Duration(value),
            DatumRef::Level(value) => Datum::Level(value),
            DatumRef::Category(value) => Datum::Category(value),
        }
    }
}

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
