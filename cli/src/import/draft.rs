//! An event under construction. No name is given twice: what is said again in the same words is said once, what
//! is said otherwise gets a number (`party_id`, `party_id.2`), so that nothing is lost.

use std::borrow::Cow;

use blotter::event::{Category, Decimal, Field, Level, Timestamp};

use super::{FieldValue, ParsedEvent};

/// An event under construction.
pub(crate) struct Draft<'a>(ParsedEvent<'a>);

impl<'a> Draft<'a> {
    pub(crate) fn new(
        ts: Timestamp,
        category: Category,
        level: Level,
        event: impl Into<Cow<'a, str>>,
    ) -> Draft<'a> {
        Draft::unnamed(ts, category, level).text("event", event)
    }

    /// An event without a name.
    pub(crate) fn unnamed(ts: Timestamp, category: Category, level: Level) -> Draft<'a> {
        Draft(ParsedEvent { ts, category, level, fields: Vec::with_capacity(16) })
    }

    /// Adds a field, under the first name that is free or says the same.
    pub(crate) fn add(&mut self, name: impl Into<Cow<'a, str>>, value: FieldValue<'a>) {
        let name = name.into();
        let name =
            if Field::RESERVED.contains(&name.as_ref()) { format!("source.{name}").into() } else { name };
        let mut candidate = name.clone();
        let mut number = 2;
        while let Some(given) = self.value(&candidate) {
            if *given == value {
                return;
            }
            candidate = Cow::Owned(format!("{name}.{number}"));
            number += 1;
        }
        self.0.fields.push((candidate, value));
    }

    /// Adds a field as the next of its name, even if an earlier one says the same: members of a group keep
    /// their number.
    pub(crate) fn add_next(&mut self, name: &str, value: FieldValue<'a>) {
        let mut candidate = Cow::Owned(name.to_owned());
        let mut number = 2;
        while self.value(&candidate).is_some() {
            candidate = Cow::Owned(format!("{name}.{number}"));
            number += 1;
        }
        self.0.fields.push((candidate, value));
    }

    pub(crate) fn value(&self, name: &str) -> Option<&FieldValue<'a>> {
        self.0.fields.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    pub(crate) fn field(mut self, name: impl Into<Cow<'a, str>>, value: FieldValue<'a>) -> Draft<'a> {
        self.add(name, value);
        self
    }

    pub(crate) fn text(self, name: &'static str, text: impl Into<Cow<'a, str>>) -> Draft<'a> {
        self.field(name, FieldValue::Text(text.into()))
    }

    pub(crate) fn decimal(self, name: &'static str, value: Decimal) -> Draft<'a> {
        self.field(name, FieldValue::Decimal(value))
    }

    pub(crate) fn whole(self, name: &'static str, value: i64) -> Draft<'a> {
        self.field(name, FieldValue::I64(value))
    }

    pub(crate) fn flag(self, name: &'static str, value: bool) -> Draft<'a> {
        self.field(name, FieldValue::Bool(value))
    }

    pub(crate) fn text_if(self, name: &'static str, text: Option<impl Into<Cow<'a, str>>>) -> Draft<'a> {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(crate) fn decimal_if(self, name: &'static str, value: Option<Decimal>) -> Draft<'a> {
        match value {
            Some(value) => self.decimal(name, value),
            None => self,
        }
    }

    /// The sentence for people.
    pub(crate) fn message(self, text: impl Into<Cow<'a, str>>) -> Draft<'a> {
        self.text("message", text)
    }

    pub(crate) fn finish(self) -> ParsedEvent<'a> {
        self.0
    }
}

/// The fields as `name=value`, for tests.
#[cfg(test)]
pub(crate) fn shown_fields(event: &ParsedEvent<'_>) -> String {
    let fields = event.fields.iter().map(|(name, value)| format!("{name}={}", value.borrow()));
    fields.collect::<Vec<_>>().join(" ")
}

/// The whole event on one line, for tests.
#[cfg(test)]
pub(crate) fn shown(event: &ParsedEvent<'_>) -> String {
    format!("{} {} {} {}", event.ts, event.category, event.level, shown_fields(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_otherwise_gets_a_number() {
        let mut draft = Draft::new(Timestamp(0), Category::ORDER, Level::Info, "e")
            .text("a", "x")
            .text("a", "x")
            .text("a", "y")
            .text("a", "y")
            .text("a", "z")
            .whole("seq", 7);
        draft.add_next("a", FieldValue::Text("z".into()));
        let event = draft.finish();
        assert_eq!(shown_fields(&event), "event=e a=x a.2=y a.3=z source.seq=7 a.4=z");
    }
}
