//! Events of `tracing`, recorded.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use blotter_engine::event::{Level, Value};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::fields::Fields;
use crate::seats::Seats;
use crate::spans::SpanFields;

/// How names begin that `tracing` gives to events that were given none.
const UNNAMED: &str = "event ";

/// Records the events of a `tracing_subscriber` registry; see the [package](crate). Made by
/// [`Bridge::layer`](crate::Bridge::layer). What is recorded at all, a filter of `tracing_subscriber` says, and then
/// the levels of the database.
#[derive(Clone, Debug)]
pub struct BlotterLayer {
    seats: Arc<Seats>,
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for BlotterLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // Formatted before the span's own lock is taken, here and below: a `Debug` may log in turn.
        let fields = SpanFields::new(attributes);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let later = SpanFields::of_record(values);
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            fields.take(later);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = level_of(metadata);
        let mut fields = Fields::new(level);
        event.record(&mut Visitor(&mut fields));
        if !metadata.name().starts_with(UNNAMED) {
            fields.set_event(metadata.name());
        }
        if !fields.has("component") {
            fields.add("component", Value::from(metadata.target()));
        }
        if let (Level::Error, Some(file), Some(line)) = (level, metadata.file(), metadata.line())
            && !fields.has("location")
        {
            fields.add_formatted("location", format_args!("{file}:{line}"));
        }
        self.add_spans(event, &context, &mut fields);
        self.seats.record(&fields);
    }
}

impl BlotterLayer {
    pub(crate) fn new(seats: Arc<Seats>) -> BlotterLayer {
        BlotterLayer { seats }
    }

    /// Adds what the spans around an event say, the innermost first.
    fn add_spans<S>(&self, event: &Event<'_>, context: &Context<'_, S>, fields: &mut Fields)
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        let Some(scope) = context.event_scope(event) else { return };
        let (mut correlation_id, mut order_id, mut generated) = (None, None, None);
        let mut names = Vec::new();
        for span in scope {
            names.push(span.name());
            let extensions = span.extensions();
            let Some(said) = extensions.get::<SpanFields>() else { continue };
            for (name, text) in said.inherited() {
                if !fields.has(name) {
                    fields.add(name, Value::from(text));
                }
            }
            correlation_id = correlation_id.or_else(|| said.correlation_id().map(str::to_owned));
            order_id = order_id.or_else(|| said.order_id().map(str::to_owned));
            if span.parent().is_none() && correlation_id.is_none() && order_id.is_none() {
                generated = Some(said.generated_id(|| self.seats.generated_id()).to_owned());
            }
        }
        if let Some(id) = correlation_id.or(order_id).or(generated)
            && !fields.has("correlation_id")
        {
            fields.add("correlation_id", Value::from(id));
        }
        if !fields.has("span") {
            names.reverse();
            fields.add("span", Value::from(names.join(":")));
        }
    }
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::ERROR => Level::Error,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::TRACE => Level::Trace,
    }
}

struct Visitor<'f>(&'f mut Fields);

impl Visit for Visitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.add(field.name(), Value::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.add(field.name(), Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.add_wide(field.name(), value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.add_wide(field.name(), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i128::try_from(value) {
            Ok(value) => self.0.add_wide(field.name(), value),
            Err(_) => self.0.add_formatted(field.name(), format_args!("{value}")),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.add(field.name(), Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.add(field.name(), Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.add_error(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.add_formatted(field.name(), format_args!("{value:?}"));
    }
}
