//! Steps against tables of rows, and against naive versions of themselves.

mod database;
mod fake;
mod joins;
mod limits;
mod properties;
mod single;
mod times;
