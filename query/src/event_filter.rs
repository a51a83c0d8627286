//! The filter of a query on one event at a time, for those who follow a database.

use blotter_engine::event::Event;

use crate::api::QueryOptions;
use crate::error::{ErrorKind, QueryError, Result};
use crate::vocabulary::Vocabulary;

/// A filter that is asked about one event after the other.
pub struct EventFilter(());

impl EventFilter {
    /// The filter of a text without stages.
    ///
    /// # Errors
    /// A filter that is wrong, or stages.
    pub fn new(text: &str, options: &QueryOptions, vocabulary: &Vocabulary) -> Result<EventFilter> {
        let _ = (text, options, vocabulary);
        Err(QueryError::new(ErrorKind::Database, "not built"))
    }

    /// Whether an event passes.
    pub fn matches(&self, event: &Event) -> bool {
        let _ = (&self.0, event);
        false
    }
}
