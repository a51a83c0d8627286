//! How a recorder is made.

use std::time::Duration;

use crate::error::{Refused, Result};
use crate::event::Field;
use crate::event::record::Defaults;
use crate::limits::ID_BYTES_MAX;

/// What a recorder does when its ring is full, because the disk cannot keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Backpressure {
    /// Drop the event, count it, and record the loss. The trading thread never waits. The default, because a
    /// flight recorder must not bring the plane down.
    #[default]
    Drop,
    /// Wait for room, and drop only after that time.
    Block {
        /// Longest wait.
        timeout: Duration,
    },
}

/// What a recorder says of all its events, unless an event says otherwise.
///
/// ```
/// use blotter_engine::record::RecorderOptions;
/// let options = RecorderOptions::new().strategy("momentum").service("oms").session("2026-01-02");
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecorderOptions {
    pub(crate) strategy: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) session_generated: bool,
    pub(crate) backpressure: Option<Backpressure>,
    pub(crate) ring_bytes: Option<usize>,
}

impl RecorderOptions {
    /// Says nothing.
    pub fn new() -> RecorderOptions {
        RecorderOptions::default()
    }

    /// The strategy whose events these are; at most 256 bytes.
    pub fn strategy(mut self, strategy: impl Into<String>) -> RecorderOptions {
        self.strategy = Some(strategy.into());
        self
    }

    /// The component that records; at most 256 bytes.
    pub fn service(mut self, service: impl Into<String>) -> RecorderOptions {
        self.service = Some(service.into());
        self
    }

    /// The session or run; at most 256 bytes.
    pub fn session(mut self, session: impl Into<String>) -> RecorderOptions {
        self.session = Some(session.into());
        self
    }

    /// The session is this opening of the database, under a random id of 16 hexadecimal digits: the same for all
    /// recorders that ask for it, see [`Db::session_id`](crate::Db::session_id). A session that is named goes before.
    ///
    /// ```
    /// # fn main() -> blotter_engine::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// use blotter_engine::segment::Projection;
    /// use blotter_engine::{Db, Predicate, RecorderOptions};
    /// let db = Db::open(dir.path().join("desk.blotter"))?;
    /// let mut recorder = db.recorder(RecorderOptions::new().session_generated())?;
    /// recorder.system("started").emit();
    /// db.flush()?;
    /// let started = db.snapshot()?.scan_backwards(&Predicate::all(), &Projection::all()).next().unwrap();
    /// assert_eq!(started.get("session_id").unwrap().to_string(), db.session_id());
    /// # Ok(()) }
    /// ```
    pub fn session_generated(mut self) -> RecorderOptions {
        self.session_generated = true;
        self
    }

    /// Overrides the database's back-pressure.
    pub fn backpressure(mut self, backpressure: Backpressure) -> RecorderOptions {
        self.backpressure = Some(backpressure);
        self
    }

    /// Overrides the database's ring size, in bytes; see [`Options::ring_bytes`](crate::Options::ring_bytes).
    pub fn ring_bytes(mut self, bytes: usize) -> RecorderOptions {
        self.ring_bytes = Some(bytes);
        self
    }

    /// The defaults, encoded.
    pub(crate) fn defaults(&self) -> Result<Defaults, Refused> {
        let given = [
            (Field::STRATEGY, &self.strategy),
            (Field::SERVICE, &self.service),
            (Field::SESSION_ID, &self.session),
        ];
        for (field, text) in &given {
            let found_bytes = text.as_ref().map_or(0, String::len);
            if found_bytes > ID_BYTES_MAX {
                let field = field.name().to_owned();
                return Err(Refused::TooLong { field, found_bytes, limit_bytes: ID_BYTES_MAX });
            }
        }
        Defaults::new(given.iter().filter_map(|(field, text)| Some((*field, text.as_deref()?))))
    }
}
