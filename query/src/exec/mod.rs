//! Runs bound plans.

mod aggregate;
pub(crate) mod budget;
pub(crate) mod driver;
pub(crate) mod execution;
pub(crate) mod explain;
mod lazy;
pub(crate) mod report;
mod source;
mod steps;

pub(crate) use source::records::{Record, WantedFields};
pub(crate) use source::unsealed_rows::fields_of;
