//! The query language of blotter: text in, rows out.
//!
//! ```text
//! text ─▶ syntax ─▶ plan ─▶ exec: source ─▶ aggregate ─▶ steps ─▶ rows
//!         tree      names,        blocks    groups       stages
//!                   types,        by all                 over
//!                   columns       threads                rows
//! ```
//!
//! Rooms, each importing only what stands above it in this list: `datum` (values), `time`, [`syntax`], `plan`, `orders`, `exec`,
//! what users call: [`Queryable`], [`Rows`], [`EventFilter`],
//! [`Vocabulary`], and [`desk`], which is written on those. The language itself is described in
//! `docs/query-language.md`.
//!
//! ```
//! use blotter_engine::{Db, RecorderOptions};
//! use blotter_query::{Datum, Queryable};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let db = Db::open(dir.path().join("desk.blotter"))?;
//! let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum"))?;
//! for latency_us in [80, 120, 4000] {
//!     recorder.system("probe").field("latency_us", latency_us).emit();
//! }
//! db.flush()?;
//! let mut rows = db.query("latency_us > 0.1ms | stats count(), max(latency_us) by strategy")?;
//! let row = rows.next().expect("there is one strategy")?;
//! assert_eq!(row.get("count"), &Datum::Int(2));
//! assert_eq!(row.get("max_latency_us").as_i64(), Some(4000));
//! # Ok(())
//! # }
//! ```

mod api;
mod cells;
pub mod datum;
pub mod desk;
pub mod error;
mod event_filter;
mod exec;
pub mod limits;
mod names;
mod nearest;
mod orders;
mod plan;
mod reference;
mod rows;
pub mod syntax;
mod time;
mod vocabulary;

pub use api::{Cancel, Parameters, QueryOptions, Queryable};
/// The zone of [`QueryOptions`].
pub use chrono_tz::Tz;
pub use datum::Datum;
pub use error::{QueryError, Result};
pub use event_filter::EventFilter;
pub use reference::{FunctionHelp, functions};
pub use rows::{Picture, Row, Rows, UnreadablePart};
pub use vocabulary::{FieldSummary, Vocabulary};
