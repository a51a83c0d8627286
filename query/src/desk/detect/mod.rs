//! Detectors: what looks wrong, in history or live.
//!
//! ```text
//! events ─▶ seen ─▶ rapid_orders, silence, ...   one file each, with what it means   ─▶ finding
//!                   own, counter                 a query and a threshold
//! settings, config, toml_values    from where on something is a finding
//! window, episode, subjects, chance    what several of them need
//! stream    all of them on one stream of events       history    over a period
//! ```
//!
//! A detector sees one event at a time, keeps a bounded state, and can be saved between two events. It is shown history
//! as it is shown a live stream, so both find the same.

mod chance;
mod clock_jump;
mod config;
mod counter;
mod detector;
mod dust;
mod episode;
mod error_spike;
mod finding;
mod history;
mod latency_degradation;
mod latency_spike;
mod own;
mod positions;
mod rapid_orders;
mod rejection_rate;
mod repeated_rejections;
mod seen;
mod sequence_gap;
mod settings;
mod silence;
mod slippage;
mod stream;
mod subjects;
#[cfg(test)]
mod tests;
mod toml_values;
mod window;

pub use config::{Config, Key, Mistake, Reading};
pub use counter::Counter;
pub use finding::{Change, Figure, Finding, NamedEvents, Phase};
pub use history::{Detection, Subject, detect};
pub use own::{OwnDetector, OwnFindings};
pub use settings::*;
pub use stream::Detectors;
use subjects::SUBJECTS_MAX;
pub use toml_values::{Setting, unknown};
