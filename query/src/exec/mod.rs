//! Runs bound plans.

pub(crate) mod budget;
pub(crate) mod execution;
pub(crate) mod steps;
