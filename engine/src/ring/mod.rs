//! Rings between recorders and the writer, in memory that outlives the process, and what is found in them after
//! its death.

mod region;
mod takeover;

pub(crate) use region::{Ring, RingOwner, RingProducer};
pub(crate) use takeover::{FoundRings, WrittenCounts, loss_in};
