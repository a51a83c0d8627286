//! blotter: the flight recorder of a trading engine.

pub use blotter_engine::*;
