//! The query language of blotter: text in, rows out.

mod api;
mod cells;
pub mod datum;
pub mod error;
mod event_filter;
mod exec;
pub mod limits;
mod names;
mod nearest;
mod plan;
mod reference;
mod rows;
pub mod syntax;
mod time;
mod vocabulary;

pub use api::{Cancel, Parameters, QueryOptions, Queryable};
pub use datum::Datum;
pub use error::{QueryError, Result};
pub use event_filter::EventFilter;
pub use reference::{FunctionHelp, functions};
pub use rows::{Picture, Row, Rows, UnreadablePart};
pub use vocabulary::{FieldSummary, Vocabulary};
