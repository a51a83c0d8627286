//! Values of the model, their two orders, and their printed form.

use std::cmp::Ordering;
use std::fmt;

use blotter::event::{Level, Value};
use chrono::{DateTime, SecondsFormat};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

/// A value of a row. What a row lacks is not in it, or null.
#[derive(Clone, Debug)]
pub enum ModelValue {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Text(String),
    Time(i64),
    Duration(i64),
    Level(Level),
    Category(String),
}

use ModelValue::*;

impl From<&Value> for ModelValue {
    fn from(value: &Value) -> ModelValue {
        match value {
            Value::Bool(value) => Bool(*value),
            Value::I64(value) => Int(*value),
            Value::F64(value) => Float(*value),
            Value::Decimal(value) => ModelValue::Decimal(*value),
            Value::Str(value) => Text(value.to_string()),
        }
    }
}

/// As they are written, so that databases with other events are told apart.
impl PartialEq for ModelValue {
    fn eq(&self, other: &ModelValue) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.to_string() == other.to_string()
    }
}

impl ModelValue {
    pub fn is_null(&self) -> bool {
        matches!(self, Null)
    }

    /// The exact number, if it is one.
    pub fn exact(&self) -> Option<Decimal> {
        match self {
            Int(value) => Some(Decimal::from(*value)),
            ModelValue::Decimal(value) => Some(*value),
            _ => None,
        }
    }

    /// The number as a float, rounded right.
    pub fn float(&self) -> Option<f64> {
        match self {
            Int(value) => Some(*value as f64),
            Float(value) => Some(*value),
            ModelValue::Decimal(value) => value.to_string().parse().ok(),
            _ => None,
        }
    }

    /// A float, or null if it is not finite.
    pub fn finite(value: f64) -> ModelValue {
        if value.is_finite() { Float(value) } else { Null }
    }

    /// The text, of what is written in words.
    pub fn words(&self) -> Option<&str> {
        match self {
            Text(text) => Some(text),
            Level(level) => Some(level.name()),
            Category(name) => Some(name),
            _ => None,
        }
    }

    /// What a filter compares: values of one kind, or none.
    pub fn compare(&self, other: &ModelValue) -> Option<Ordering> {
        match (self, other) {
            (Text(left), Text(right)) | (Category(left), Category(right)) => Some(left.cmp(right)),
            (Category(left), Text(right)) | (Text(left), Category(right)) => Some(left.cmp(right)),
            (Bool(left), Bool(right)) => Some(left.cmp(right)),
            (Time(left), Time(right)) | (Duration(left), Duration(right)) => Some(left.cmp(right)),
            (Level(left), Level(right)) => Some(left.cmp(right)),
            (Level(left), Text(right)) => Some(left.cmp(&right.parse().ok()?)),
            (Text(left), Level(right)) => Some(left.parse::<blotter::event::Level>().ok()?.cmp(right)),
            (Float(left), Float(right)) => left.partial_cmp(right),
            (Float(left), right) => float_beside(*left, right.exact()?),
            (left, Float(right)) => float_beside(*right, left.exact()?).map(Ordering::reverse),
            (left, right) => Some(left.exact()?.cmp(&right.exact()?)),
        }
    }

    /// By which rows are sorted and grouped: null last.
    pub fn order(&self, other: &ModelValue) -> Ordering {
        match (self, other) {
            (Float(left), Float(right)) => left.partial_cmp(right).expect("floats are finite"),
            (Float(left), Int(_) | ModelValue::Decimal(_)) => {
                shortest_beside(*left, other.exact().expect("it is exact"))
            }
            (Int(_) | ModelValue::Decimal(_), Float(right)) => {
                shortest_beside(*right, self.exact().expect("it is exact")).reverse()
            }
            (left, right) if left.rank() != right.rank() => left.rank().cmp(&right.rank()),
            (Null, Null) => Ordering::Equal,
            (left, right) => left.compare(right).expect("values of one kind compare"),
        }
    }

    /// As [`ModelValue::order`], the greatest first; null is last all the same.
    pub fn order_for_sort(&self, other: &ModelValue, descending: bool) -> Ordering {
        let order = self.order(other);
        if descending && !self.is_null() && !other.is_null() { order.reverse() } else { order }
    }

    fn rank(&self) -> u8 {
        match self {
            Bool(_) => 0,
            Int(_) | Float(_) | ModelValue::Decimal(_) => 1,
            Duration(_) => 2,
            Time(_) => 3,
            Level(_) => 4,
            Category(_) => 5,
            Text(_) => 6,
            Null => 7,
        }
    }

    /// Printed with its times in a zone.
    pub fn print(&self, zone: chrono_tz::Tz) -> String {
        match self {
            Time(ns) if zone != chrono_tz::UTC => DateTime::from_timestamp_nanos(*ns)
                .with_timezone(&zone)
                .to_rfc3339_opts(SecondsFormat::Nanos, true),
            other => other.to_string(),
        }
    }
}

/// Compares keys part by part.
pub fn order_of_keys(left: &[ModelValue], right: &[ModelValue]) -> Ordering {
    let parts = left.iter().zip(right).map(|(left, right)| left.order(right));
    parts.fold(Ordering::Equal, Ordering::then)
}

fn float_beside(float: f64, exact: Decimal) -> Option<Ordering> {
    match Decimal::from_f64(float) {
        Some(float) => Some(float.cmp(&exact)),
        None => float.partial_cmp(&exact.to_f64()?),
    }
}

/// The float taken as the shortest decimal that reads back as it.
fn shortest_beside(float: f64, exact: Decimal) -> Ordering {
    let printed = format!("{float}");
    if printed.len() < 28
        && let Ok(shortest) = printed.parse::<Decimal>()
    {
        return shortest.cmp(&exact);
    }
    float.partial_cmp(&exact.to_f64().expect("a decimal has a magnitude")).expect("both are finite")
}

impl fmt::Display for ModelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Null => Ok(()),
            Bool(value) => write!(f, "{value}"),
            Int(value) => write!(f, "{value}"),
            Float(value) => write!(f, "{value:?}"),
            ModelValue::Decimal(value) => write!(f, "{value}"),
            Text(value) | Category(value) => f.write_str(value),
            Time(ns) => {
                let time = DateTime::from_timestamp_nanos(*ns);
                f.write_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true))
            }
            Duration(ns) => write!(f, "{ns} ns"),
            Level(level) => write!(f, "{level}"),
        }
    }
}
