//! What is recorded: the event model, the field registry, and the binary record of one event.

mod category;
mod decimal;
mod field;
mod level;
mod model;
pub mod names;
pub mod record;
mod status;
mod timestamp;
mod value;

pub use category::Category;
#[doc(hidden)]
pub use decimal::decimal_literal;
pub use decimal::parse_decimal;
pub use field::{Field, FieldKey, FieldRef};
pub use level::{Level, LevelFilter, ParseLevelError};
pub use model::{Event, EventId, ProducerId, Seq};
pub use status::{OrderStatus, OrderType, Side};
pub use timestamp::{Day, Timestamp, ValueOutOfRange};
pub use value::{Value, ValueRef, ValueType};

pub use crate::dec;
/// Exact decimals: 96 bits of digits, up to 28 of them after the point.
pub use rust_decimal::Decimal;
