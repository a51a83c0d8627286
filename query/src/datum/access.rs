//! Values as types of Rust.

use blotter_engine::event::{Category, Level, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::Datum;
use super::arithmetic::nearest_float;

impl Datum {
    /// The text, if it is text; the name of a level or category.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Datum::Str(text) => Some(text),
            Datum::Level(level) => Some(level.name()),
            Datum::Category(category) => Some(category.name()),
            _ => None,
        }
    }

    /// The number, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Datum::Int(value) => Some(*value),
            Datum::Decimal(value) if value.is_integer() => value.to_i64(),
            Datum::Float(value) if value.fract() == 0.0 => value.to_i64(),
            _ => None,
        }
    }

    /// The number, to the precision of a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Datum::Int(value) => Some(*value as f64),
            Datum::Decimal(value) => Some(nearest_float(*value)),
            Datum::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if a decimal can hold it; of a float, its first 15 digits.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Datum::Int(value) => Some(Decimal::from(*value)),
            Datum::Decimal(value) => Some(*value),
            Datum::Float(value) => Decimal::from_f64(*value),
            _ => None,
        }
    }

    /// Whether it is true, if it is a truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Datum::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The time, if it is one.
    pub fn as_timestamp(&self) -> Option<Timestamp> {
        match self {
            Datum::Time(ts) => Some(*ts),
            _ => None,
        }
    }

    /// The nanoseconds, if it is a stretch of time.
    pub fn as_duration_ns(&self) -> Option<i64> {
        match self {
            Datum::Duration(ns) => Some(*ns),
            _ => None,
        }
    }

    /// The level, if it is one.
    pub fn as_level(&self) -> Option<Level> {
        match self {
            Datum::Level(level) => Some(*level),
            _ => None,
        }
    }

    /// The category, if it is one.
    pub fn as_category(&self) -> Option<Category> {
        match self {
            Datum::Category(category) => Some(*category),
            _ => None,
        }
    }
}
