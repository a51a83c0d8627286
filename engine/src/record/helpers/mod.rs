//! Typed helpers: well-known events with the fields that those who read them look for.
//!
//! Each returns the builder, so that more can follow, and records nothing before [`emit`](super::EventBuilder::emit).
//! What has no helper is recorded by the constructor of its category: `recorder.risk("kill_switch")`.

mod context;
mod failure;
mod measurement;
mod risk;
mod system;
#[cfg(test)]
mod tests;
mod trade;

pub use failure::{bounded_text, error_chain};
