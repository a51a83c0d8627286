//! What makes it a trading log: orders, the market around them, what a day amounts to, and what looks wrong.
//!
//! Written on what users call: a [`crate::Queryable`] is asked, and rows become lives, reports and findings.

pub mod detect;
mod inquiry;
pub mod lifecycle;
mod period;
#[cfg(test)]
mod recorded;
pub mod replay;
pub mod report;
pub mod trades;

pub use period::Period;
