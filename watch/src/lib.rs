//! Watches a database as it is recorded, and raises alerts.
//!
//! ```text
//! Follower ─▶ detectors, counters ─▶ rules: level, cool-down ─▶ state, saved ─▶ actions: log, stderr,
//!              queries, run again ─▶                             (pending)        command, webhook
//! ```
//!
//! - `config`: the file
//! - `alert`: what is raised
//! - `state`: what survives a restart, and where it is kept
//! - `action`: what is done about an alert, each kind in a file, by threads of its own
//! - `rules`: from findings to alerts
//! - `watcher`: the thread that follows
//!
//! It is a package of its own since it starts programs, speaks HTTP and runs for days, none of which the query language
//! does: detectors are pure functions of events, and here is what becomes of their findings.
//!
//! ```
//! use blotter_engine::{Db, RecorderOptions};
//! use blotter_watch::{Watch, WatchConfig, WatchOptions};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let db = Db::open(dir.path().join("desk.blotter"))?;
//! let (told, alerts) = std::sync::mpsc::channel();
//! let options = WatchOptions::new(WatchConfig::default()).on_alert(move |alert| {
//!     told.send(alert.finding.rule.clone()).ok();
//! });
//! let watch = Watch::start(&db, options)?;
//! let mut recorder = db.recorder(RecorderOptions::new().service("gateway"))?;
//! for _ in 0..20 {
//!     recorder.error("api_error").field("endpoint", "/orders").emit();
//! }
//! assert_eq!(alerts.recv_timeout(std::time::Duration::from_secs(10))?, "error_spike");
//! watch.stop()?;
//! # Ok(()) }
//! ```

mod action;
mod alert;
mod config;
mod questions;
mod rules;
mod state;
#[cfg(test)]
mod tests;
mod watcher;

use std::path::{Path, PathBuf};

pub use alert::Alert;
pub use config::{Action, ActionKind, Rule, WatchConfig};
pub use watcher::{Begins, Statistics, Watch, WatchOptions};

/// Why a watch could not begin, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database said no.
    #[error(transparent)]
    Database(#[from] blotter_engine::Error),
    /// The query of a rule is wrong.
    #[error("rule '{rule}': {error}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong with it.
        error: blotter_query::QueryError,
    },
    /// The state cannot be kept.
    #[error("cannot {operation} {path}: {reason}; hint: name another file for the state of the watch")]
    State {
        /// What failed.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another watch keeps its state there.
    #[error("another watch keeps its state in {path}; hint: end it, or name another file")]
    Watched {
        /// The file.
        path: PathBuf,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The thread that follows ended by a defect of its own: it panicked, and said so on the standard error.
    #[error(
        "the watch ended by a defect of its own, of which the standard error has the place; hint: start it again, \
             it goes on where its state was saved, and report the defect"
    )]
    Panicked,
}

impl Error {
    fn state(operation: &'static str, path: &Path, reason: impl ToString) -> Error {
        Error::State { operation, path: path.to_path_buf(), reason: reason.to_string() }
    }
}

/// Result of the fallible operations of this package.
pub type Result<T, E = Error> = std::result::Result<T, E>;
