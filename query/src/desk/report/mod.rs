//! Reports: what a period amounts to.
//!
//! ```text
//! queries ─▶ figures, tables, charts ─▶ Report (document) ─▶ text, JSON, CSV, HTML
//! ```

mod document;
pub mod html;
mod shown;

pub use document::{Chart, ChartForm, Column, Figure, Figures, Report, Section, Table, Unit};
pub use shown::shown;
