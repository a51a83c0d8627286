//! Segments against a naive model.

mod model;
mod round_trip;
