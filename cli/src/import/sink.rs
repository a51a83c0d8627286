//! Where parsed events go: into a database, or nowhere when they are only to be checked.

use blotter::event::FieldRef;
use blotter::event::record::Encoder;

use super::ParsedEvent;
use crate::outcome::Failure;

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
