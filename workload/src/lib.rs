//! A synthetic trading session: several strategies decide, their orders live and end, positions change,
//! quotes pass, now and then something fails. The same seed gives the same session, event for event.
//!
//! ```text
//! Session ── next() ─▶ SessionEvent ── fields(sink) ─▶ a recorder, an encoder, a list in a test
//!  prng, market,        a plain struct, all
//!  lives of orders      its texts inside
//! ```
//! Making an event costs far more than recording it, so whoever measures recording makes the events
//! first: a [`SessionEvent`] owns no memory, and giving its fields to a [`FieldSink`] copies and
//! allocates nothing. [`SessionEvent::record`] gives them to a recorder.
//!
//! The mix follows a day of a real order book: order 57 %, market_data 17 %, audit 12 %, signal 8 %,
//! fill 2.5 %, position 2.5 %, performance 0.16 %, risk 0.06 %, system 0.03 %, error 0.01 %.
//!
//! ```
//! use blotter_workload::{Session, SessionOptions};
//! let first: Vec<_> = Session::new(7, SessionOptions::default()).take(100).collect();
//! let again: Vec<_> = Session::new(7, SessionOptions::default()).take(100).collect();
//! assert_eq!(first, again);
//! ```

mod event;
mod life;
mod market;
mod prng;
mod record;
mod session;
mod text;

pub use event::{Detail, FieldSink, SessionEvent};
pub use prng::Prng;
pub use session::{Session, SessionOptions};
pub use text::InlineText;
