//! Segments against a naive model.

mod damage;
mod golden;
mod intake;
mod merge;
mod model;
mod relations;
mod round_trip;
