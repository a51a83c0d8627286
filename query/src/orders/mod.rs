//! What an order is: its events, folded into its life. Pure: events go in, in the order of (`ts`, `seq`), lives come out.
//!
//! ```text
//! events ─▶ facts ─▶ fold: one compact record per order ─▶ figures ─▶ columns: values for rows
//!                      (folded)                                  └▶ life: a type for programs
//! ```
//!
//! Which events are steps of an order and what they mean is written in `docs/desk.md`. The fold keeps some 300 bytes for
//! an order, whatever the number of its events; only what is out of the ordinary (an illegal transition, an error, an
//! execution id, a chain) takes more.

pub(crate) mod columns;
pub(crate) mod facts;
pub(crate) mod figures;
pub(crate) mod fold;
mod folded;
mod life;
#[cfg(test)]
mod tests;

pub use life::{Life, Transition};
