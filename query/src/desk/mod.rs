//! What makes it a trading log: orders, the market around them, what a day amounts to, and what looks wrong.
//!
//! Written on what users call: a [`crate::Queryable`] is asked, and rows become lives, reports and findings.

pub mod detect;
mod period;
pub mod report;

pub use period::Period;
