//! Values of rows: what the engine records, and what expressions make of it.
//!
//! `order` is the order for sorting, least and greatest, and groups: total, and equality and hash follow it. It is
//! also what `==` means, so `Int(1) == Decimal(1.00)`. [`DatumRef::compare`] is what filters ask: it knows values that
//! do not compare.

mod access;
pub(crate) mod arithmetic;
mod convert;
mod escape;
mod json;
mod order;
pub(crate) mod serialize;
mod text;

use blotter_engine::event::{Category, Level, Timestamp};
use rust_decimal::Decimal;
use smol_str::SmolStr;

pub use escape::{Escaped, escaped};
pub use json::{is_unsafe, write_json, write_json_text};
pub use text::Displayed;

/// A value of a row.
///
/// Equality, order and hash are those by which rows are sorted and grouped: numbers by value whatever their type,
/// null last.
///
/// ```
/// use blotter_query::Datum;
/// use blotter_engine::dec;
/// assert_eq!(Datum::Int(1), Datum::Decimal(dec!(1.00)));
/// assert!(Datum::Float(0.5) < Datum::Decimal(dec!(0.51)));
/// assert!(Datum::from("z") < Datum::Null);
/// ```
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
