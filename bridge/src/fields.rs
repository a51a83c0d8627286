//! One event as it was said, made fit for a record: fields typed, named and bounded.
//!
//! All of it is formatted before a recorder is touched, so that a `Debug` that logs in turn is recorded like any other.

use std::borrow::Cow;
#[cfg(feature = "tracing")]
use std::error::Error;
use std::fmt;

use blotter_engine::event::{Category, Decimal, Field, Level, Side, Value, parse_decimal};
use blotter_engine::limits::ID_BYTES_MAX;
use blotter_engine::record::bounded_text;
#[cfg(feature = "tracing")]
use blotter_engine::record::error_chain;
use blotter_engine::{Emit, Recorder, Refused};

/// Most bytes of one text.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of a message that stands in for an event that was refused.
const EXCERPT_BYTES_MAX: usize = 1024;
/// See the module.
#[derive(Debug)]
pub(crate) struct Fields {
    level: Level,
    category: Option<Category>,
    event: Option<Cow<'static, str>>,
    message: Option<String>,
    others: Vec<(Cow<'static, str>, Value)>,
}

impl Fields {
    pub(crate) fn new(level: Level) -> Fields {
        Fields { level, category: None, event: None, message: None, others: Vec::new() }
    }

    /// The event's name, if no field gives another.
    #[cfg(feature = "tracing")]
    pub(crate) fn set_event(&mut self, name: &'static str) {
        self.event.get_or_insert(Cow::Borrowed(name));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.others.iter().any(|(known, _)| known == name)
    }

    /// Adds a text that is formatted.
    pub(crate) fn add_formatted(&mut self, name: impl Into<Cow<'static, str>>, text: fmt::Arguments<'_>) {
        self.add(name, Value::from(bounded_text(text, TEXT_BYTES_MAX)));
    }

    /// Adds an error with what caused it.
    #[cfg(feature = "tracing")]
    pub(crate) fn add_error(&mut self, name: impl Into<Cow<'static, str>>, error: &(dyn Error + 'static)) {
        let name = name.into();
        let chain = Value::from(error_chain(error, TEXT_BYTES_MAX));
        if name != "error" {
            return self.add(name, chain);
        }
        self.add_formatted(name, format_args!("{error}"));
        if error.source().is_some() {
            self.add("error_chain", chain);
        }
    }

    /// Adds a whole number; text, if even a decimal cannot hold it.
    pub(crate) fn add_wide(&mut self, name: impl Into<Cow<'static, str>>, value: i128) {
        match (i64::try_from(value), Decimal::try_from_i128_with_scale(value, 0)) {
            (Ok(value), _) => self.add(name, Value::I64(value)),
            (_, Ok(value)) => self.add(name, Value::Decimal(value)),
            _ => self.add_formatted(name, format_args!("{value}")),
        }
    }

    /// Adds a field under the name and type it is recorded as.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        let name = name.into();
        let value = typed(&name, bounded(value));
        let name = match (&*name, &value) {
            ("message", Value::Str(text)) if self.message.is_none() => {
                self.message = Some(text.to_string());
                return;
            }
            ("event", Value::Str(text)) if self.event.is_none() => {
                self.event = Some(Cow::Owned(text.to_string()));
                return;
            }
            ("category", Value::Str(word)) if self.category.is_none() && Category::known(word).is_some() => {
                self.category = Category::known(word);
                return;
            }
            ("error", Value::Str(_)) => Cow::Borrowed("error_message"),
            (taken, _) if Field::RESERVED.contains(&taken) || ["message", "event"].contains(&taken) => {
                Cow::Owned(format!("field.{taken}"))
            }
            (id, Value::Str(text)) if is_over_id(id, text) => Cow::Owned(format!("field.{id}")),
            _ => name,
        };
        let mut free = name.clone();
        let mut number = 2;
        while self.has(&free) {
            free = Cow::Owned(format!("{name}.{number}"));
            number += 1;
        }
        self.others.push((free, value));
    }

    pub(crate) fn record(&self, recorder: &mut Recorder) -> Emit {
        let usual = if self.level >= Level::Error { Category::ERROR } else { Category::SYSTEM };
        let name = self.event.as_deref().unwrap_or_default();
        let mut builder = recorder.event(self.category.unwrap_or(usual), self.level, name);
        if let Some(message) = &self.message {
            builder = builder.message(message);
        }
        for (name, value) in &self.others {
            builder = builder.field(name, value.borrow());
        }
        builder.emit()
    }

    /// Records in its place why the event could not be.
    pub(crate) fn record_refusal(&self, recorder: &mut Recorder, refused: &Refused) {
        let component = self.others.iter().find(|(name, _)| name == "component");
        let component = component.and_then(|(_, value)| value.as_str()).unwrap_or_default();
        let message = self.message.as_deref().unwrap_or_default();
        recorder
            .event(Category::SYSTEM, self.level.max(Level::Warn), "bridge_event_refused")
            .message_fmt(format_args!("a logged event could not be recorded: {refused}"))
            .field("component", &*cut(component, ID_BYTES_MAX))
            .field("refused_message", &*cut(message, EXCERPT_BYTES_MAX))
            .emit();
    }
}

/// Whether a text is too long for the field of ids that it is given for.
fn is_over_id(name: &str, text: &str) -> bool {
    text.len() > ID_BYTES_MAX && Field::from_name(name).is_some_and(Field::is_id)
}

/// The value as the well-known field of that name holds it, if it can be understood so.
fn typed(name: &str, value: Value) -> Value {
    let decimal = |text: &str| parse_decimal(name, text.trim()).ok().map(Value::Decimal);
    let understood = match (Field::from_name(name), &value) {
        // The shortest digits that mean this float are what somebody wrote.
        (Some(field), Value::F64(float)) if field.is_decimal() => decimal(&format!("{float:?}")),
        (Some(field), Value::Str(text)) if field.is_decimal() => decimal(text),
        // A column of ids that are numbers here and texts there would be two.
        (Some(field), number) if field.is_id() && number.as_str().is_none() => {
            Some(Value::from(number.to_string()))
        }
        (Some(Field::SIDE), Value::Str(word)) => Side::from_word(word).map(|side| side.as_str().into()),
        _ => None,
    };
    understood.unwrap_or(value)
}

/// The value as a record can hold it.
fn bounded(value: Value) -> Value {
    match value {
        Value::F64(float) if !float.is_finite() => Value::from(float.to_string()),
        Value::Str(text) => match cut(&text, TEXT_BYTES_MAX) {
            Cow::Borrowed(_) => Value::Str(text),
            Cow::Owned(text) => Value::from(text),
        },
        value => value,
    }
}

/// The text, cut to about that length.
fn cut(text: &str, bytes_max: usize) -> Cow<'_, str> {
    // What was cut before is not cut again for what it says of that.
    const SAID_BYTES_MAX: usize = 64;
    if text.len() <= bytes_max + SAID_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    Cow::Owned(bounded_text(text, bytes_max))
}
