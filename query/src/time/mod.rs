//! Time as people write it: points, zones, days, bins, stretches, and the units in names of fields.

pub(crate) mod bins;
pub(crate) mod duration;
pub(crate) mod point;
pub(crate) mod unit;
pub(crate) mod zone;

pub(crate) use point::{TimePoint, parse_point};
