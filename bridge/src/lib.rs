//! What an engine says through `tracing` and `log`, recorded: existing code records without changing a line but the
//! set-up.
//!
//! ```text
//! info!(order_id = "A-1", price = 150.25, "sent") ─▶ BlotterLayer ──┐ fields, typed and   ┌▶ this thread's recorder
//! log::warn!("slow feed")                         ─▶ BlotterLogger ─┴▶ bounded ───────────┴▶ lost: counted, and told
//! ```
//!
//! A thread gets a recorder with its first event and gives it back when it ends. What cannot be recorded is counted in
//! [`BridgeStatistics`] and told: in the database, once something can be recorded again, and once on stderr.
//!
//! | what is said | becomes |
//! |---|---|
//! | level | level |
//! | target | `component` |
//! | message | `message` |
//! | field `category`, one of blotter's or of the engine's [registered](blotter_engine::event::Category::custom) ones | category; without it `error` at level error, else `system` |
//! | field `event`, or the name given to a tracing event | `event` |
//! | fields of well-known names that hold money or quantities, such as `price` | exact decimals, from floats through their shortest digits, from text if it is a number |
//! | `order_id`, `correlation_id`, `symbol` that are numbers | text |
//! | field `error` | `error_message`, and `error_chain` if it has causes |
//! | any other field | the same, by its name |
//! | place in the code, at level error | `location` |
//! | fields `order_id`, `symbol`, `strategy`, `session_id` of a span | the same in all events inside, unless they have their own |
//! | field `correlation_id` of a span, or else `order_id` | `correlation_id` of all events inside; without either, an id is generated for each outermost span |
//! | spans an event is in | `span`: `decision:submit` |
//!
//! Other fields of spans are not recorded. Names that blotter keeps for itself (`ts`, `seq`, `level`, ...), and a
//! `category` it does not know, are recorded as `field.ts` and so on; a name given twice as `name.2`. Texts over 8 KiB
//! are cut, and say how much is missing.
//!
#![cfg_attr(
    feature = "tracing",
    doc = r#"
```
# fn main() -> Result<(), Box<dyn std::error::Error>> {
# let dir = tempfile::tempdir()?;
# let path = dir.path().join("desk.blotter");
use blotter_bridge::Bridge;
use blotter_engine::{Db, RecorderOptions};
use tracing_subscriber::layer::SubscriberExt;

let db = Db::open(&path)?;
let bridge = Bridge::new(&db, RecorderOptions::new().service("oms").session_generated());
let subscriber = tracing_subscriber::registry().with(bridge.layer());
// In an engine: tracing::subscriber::set_global_default(subscriber)?;
tracing::subscriber::with_default(subscriber, || {
    let _decision = tracing::info_span!("decision", strategy = "momentum").entered();
    tracing::info!(category = "order", order_id = "A-1", price = 150.25, "sent");
});
assert_eq!(bridge.statistics().recorded, 1);
drop(bridge); // gives all recorders back
db.flush()?;
let found: Vec<_> = db.snapshot()?.lookup("A-1").collect();
assert_eq!(found[0].get("price").unwrap().to_string(), "150.25");
assert_eq!(found[0].get("strategy").unwrap().to_string(), "momentum");
# Ok(()) }
```
"#
)]

#[cfg(any(feature = "log", feature = "tracing"))]
mod fields;
#[cfg(feature = "tracing")]
mod layer;
#[cfg(feature = "log")]
mod logger;
#[cfg(any(feature = "log", feature = "tracing"))]
mod seats;
#[cfg(feature = "tracing")]
mod spans;
mod statistics;

#[cfg(feature = "tracing")]
pub use layer::BlotterLayer;
#[cfg(feature = "log")]
pub use logger::BlotterLogger;
#[cfg(any(feature = "log", feature = "tracing"))]
pub use seats::Bridge;
pub use statistics::BridgeStatistics;
