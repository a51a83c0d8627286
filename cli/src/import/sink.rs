//! Where parsed events go: into a database, or nowhere when they are only to be checked.

use std::time::Duration;

use blotter::event::FieldRef;
use blotter::event::record::Encoder;
use blotter::{Backpressure, Db, Emit, Recorder, RecorderOptions};

use super::ParsedEvent;
use crate::outcome::Failure;

/// Longest wait for the writer before an import gives up: a disk that stalls longer has failed.
const WRITER_PATIENCE: Duration = Duration::from_secs(60);

/// Takes events one by one.
pub(crate) trait Sink {
    /// Takes one event. The reason, if the event cannot be kept; a failure, if nothing can.
    fn put(&mut self, event: &ParsedEvent<'_>) -> Result<Result<(), String>, Failure>;
}

/// Applies every limit of the engine and keeps nothing.
pub(crate) struct DryRun {
    encoder: Encoder,
}

impl DryRun {
    pub(crate) fn new() -> DryRun {
        DryRun { encoder: Encoder::new() }
    }
}

impl Sink for DryRun {
    fn put(&mut self, event: &ParsedEvent<'_>) -> Result<Result<(), String>, Failure> {
        self.encoder.begin(event.category, event.level);
        let fields = event.fields.iter();
        let result = fields.map(|(name, value)| self.encoder.field(FieldRef::new(name), value.borrow()));
        Ok(result.collect::<Result<(), _>>().map_err(|refused| refused.to_string()))
    }
}

/// Records into a database.
pub(crate) struct Recording<'d> {
    recorder: Recorder,
    /// Events whose level the user has turned off.
    disabled: u64,
    database: &'d Db,
}

impl<'d> Recording<'d> {
    pub(crate) fn new(database: &'d Db) -> Result<Recording<'d>, Failure> {
        // An import has time: it waits for the disk instead of dropping.
        let patient = Backpressure::Block { timeout: WRITER_PATIENCE };
        let options = RecorderOptions::new().backpressure(patient);
        Ok(Recording { recorder: database.recorder(options)?, disabled: 0, database })
    }

    /// Ends the recording: everything is durable and sealed. How many events were turned off.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        drop(self.recorder);
        self.database.sync()?;
        self.database.seal()?;
        Ok(self.disabled)
    }
}

impl Sink for Recording<'_> {
    fn put(&mut self, event: &ParsedEvent<'_>) -> Result<Result<(), String>, Failure> {
        // The name is among the fields, if there is one.
        let mut builder = self.recorder.event(event.category, event.level, "").at(event.ts);
        for (name, value) in &event.fields {
            builder = builder.field(name, value.borrow());
        }
        match builder.emit() {
            Emit::Accepted { .. } => Ok(Ok(())),
            Emit::Disabled => {
                self.disabled += 1;
                Ok(Ok(()))
            }
            Emit::Refused(refused) => Ok(Err(refused.to_string())),
            Emit::Dropped { .. } => {
                // The reason is the failed write behind it, if there was one.
                self.database.sync()?;
                let waited_ms = WRITER_PATIENCE.as_millis() as u64;
                Err(blotter::Error::TimedOut { operation: "writing to the WAL", waited_ms }.into())
            }
        }
    }
}
