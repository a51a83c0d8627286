//! Segments against a naive model.

mod damage;
mod model;
mod round_trip;
