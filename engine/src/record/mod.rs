//! The write path: a recorder encodes into its ring, the writer drains all rings into the WAL.

mod clock;
mod recorder;
mod ring;
mod takeover;
mod writer;

pub(crate) use clock::{ANCHOR_INTERVAL_NS, EventClock};
pub use recorder::{Backpressure, Emit, EventBuilder, Recorder, RecorderOptions, Trace};
pub(crate) use recorder::{MakeDurable, RecorderSeat};
pub(crate) use ring::{Ring, RingOwner, RingProducer};
pub(crate) use takeover::{FoundRings, WrittenCounts, loss_in};
pub(crate) use writer::{RingRegistry, Step, Writer, WriterOptions};
