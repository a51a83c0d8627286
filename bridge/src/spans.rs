//! What spans say of the events inside them.

use std::fmt::Debug;
use std::sync::OnceLock;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Record};

/// Fields of spans that events inside inherit; the order's id comes first.
const INHERITED: [&str; 4] = ["order_id", "symbol", "strategy", "session_id"];

/// What one span says.
#[derive(Debug, Default)]
pub(crate) struct SpanFields {
    correlation_id: Option<Box<str>>,
    inherited: [Option<Box<str>>; INHERITED.len()],
    /// Of an outermost span, where nothing else names its events.
    generated: OnceLock<String>,
}

impl SpanFields {
    pub(crate) fn new(attributes: &Attributes<'_>) -> SpanFields {
        let mut fields = SpanFields::default();
        attributes.record(&mut fields);
        fields
    }

    /// Fields that are told after a span was opened.
    pub(crate) fn of_record(values: &Record<'_>) -> SpanFields {
        let mut fields = SpanFields::default();
        values.record(&mut fields);
        fields
    }

    /// Takes in what is told later; the later word counts.
    pub(crate) fn take(&mut self, later: SpanFields) {
        self.correlation_id = later.correlation_id.or(self.correlation_id.take());
        for (text, later) in self.inherited.iter_mut().zip(later.inherited) {
            *text = later.or(text.take());
        }
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    pub(crate) fn order_id(&self) -> Option<&str> {
        self.inherited[0].as_deref()
    }

    /// What events inherit, by name.
    pub(crate) fn inherited(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = INHERITED.into_iter().zip(&self.inherited);
        all.filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }

    /// The id of an outermost span, the same each time.
    pub(crate) fn generated_id(&self, generate: impl FnOnce() -> String) -> &str {
        self.generated.get_or_init(generate)
    }

    /// Where a field of that name is kept, if it is.
    fn place(&mut self, name: &str) -> Option<&mut Option<Box<str>>> {
        if name == "correlation_id" {
            return Some(&mut self.correlation_id);
        }
        let place = INHERITED.iter().position(|known| *known == name)?;
        Some(&mut self.inherited[place])
    }
}

/// Ids may be numbers, or anything that prints.
impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(place) = self.place(field.name()) {
            *place = Some(value.into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if let Some(place) = self.place(field.name()) {
            *place = Some(format!("{value:?}").into());
        }
    }
}
