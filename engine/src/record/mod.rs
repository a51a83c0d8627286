//! The write path: a recorder encodes into its ring, the writer drains all rings into the WAL.

mod builder;
mod clock;
mod options;
mod recorder;
mod writer;

pub use builder::{Emit, EventBuilder};
pub(crate) use clock::{ANCHOR_INTERVAL_NS, EventClock};
pub use options::{Backpressure, RecorderOptions};
pub(crate) use recorder::{MakeDurable, RecorderSeat};
pub use recorder::{Recorder, Trace};
pub(crate) use writer::{RingRegistry, Step, Writer, WriterOptions};
