//! Tests of the syntax: texts and trees, errors, completion.

pub(crate) mod arbitrary;
mod bounds;
mod completion;
mod errors;
mod queries;
mod round_trip;
