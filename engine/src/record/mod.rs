//! The write path: a recorder encodes into its ring, the writer drains all rings into the WAL.

mod builder;
mod clock;
mod helpers;
mod options;
mod orders;
mod recorder;
mod writer;

pub use builder::{Emit, EventBuilder};
pub(crate) use clock::{ANCHOR_INTERVAL_NS, EventClock};
pub use helpers::{bounded_text, error_chain};
pub use options::{Backpressure, RecorderOptions};
pub use orders::{
    ActiveOrder, NewOrder, OrderEvent, OrderTracker, OrderTrackerOptions, OrderTrackerStatistics, Replacement,
};
pub(crate) use recorder::{MakeDurable, RecorderSeat};
pub use recorder::{Recorder, Trace};
pub(crate) use writer::{RingRegistry, Step, Writer, WriterOptions};
