//! Tests of the syntax: texts and trees, errors, completion.

pub(crate) mod arbitrary;
mod bounds;
mod completion;
mod errors;
pub(crate) mod queries;
mod round_trip;
