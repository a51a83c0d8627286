//! A filter on single events, for those that come one by one.

use std::sync::Arc;

use blotter_engine::event::{Event, Timestamp};
use blotter_engine::view::UnsealedEvent;

use crate::api::{QueryOptions, now};
use crate::cells::Names;
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::{Record, WantedFields, fields_of};
use crate::plan::bind;
use crate::plan::scalar::Condition;
use crate::syntax;
use crate::vocabulary::Vocabulary;

/// The filter of a query without stages, asked of one event at a time.
///
/// Relative times (`last 5m`) are those of the moment it is made.
pub struct EventFilter {
    condition: Condition,
    fields: WantedFields,
    names: Arc<Names>,
}

impl EventFilter {
    /// Makes a filter of a text; `vocabulary` knows the fields.
    ///
    /// # Errors
    /// A text that is no filter: one that is wrong, or that has stages.
    pub fn new(text: &str, options: &QueryOptions, vocabulary: &Vocabulary) -> Result<EventFilter> {
        EventFilter::bind(text, options, vocabulary).map_err(|error| error.with_text(text))
    }

    fn bind(text: &str, options: &QueryOptions, vocabulary: &Vocabulary) -> Result<EventFilter> {
        let query = syntax::parse(text)?;
        if let Some(stage) = query.stages.first() {
            let message = "a stage cannot stand here: only a filter is asked of each event";
            let hint = "run `blotter query` for stages";
            return Err(QueryError::at(ErrorKind::Syntax, stage.span, message).with_hint(hint));
        }
        let names = Arc::new(Names::default());
        let now: Timestamp = now(options);
        let plan = bind::bind(&query, &names, vocabulary, options, now)?;
        let fields = fields_of(&plan.filter, Some(&[]), &names);
        Ok(EventFilter { condition: plan.filter, fields, names })
    }

    /// Whether an event matches.
    ///
    /// # Errors
    /// What evaluating an expression gives.
    pub fn matches(&self, event: &Event) -> Result<bool> {
        self.matches_unsealed(&UnsealedEvent::of(event))
    }

    /// Whether an event that is borrowed from where it lies matches.
    ///
    /// # Errors
    /// As [`EventFilter::matches`], and damage.
    pub fn matches_unsealed(&self, event: &UnsealedEvent<'_>) -> Result<bool> {
        let record = Record::read(event, &self.names, &self.fields)?;
        self.condition.holds(&record)
    }
}
