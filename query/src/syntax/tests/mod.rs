//! Tests of the syntax: texts and trees, errors, completion.

mod bounds;
mod errors;
mod queries;
