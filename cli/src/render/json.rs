//! One event or row as one JSON object: times as RFC 3339 in UTC with nine digits, durations as nanoseconds,
//! decimals as numbers with every digit.

use std::sync::Arc;

use blotter::query::datum::{DatumRef, write_json, write_json_text};

use super::Fields;

/// Appends the object of what each event or row has, without a line end.
pub(crate) fn event(line: &mut String, event: &impl Fields) {
    let mut before = '{';
    event.each(&mut |name, value| {
        member(line, before, name, value);
        before = ',';
    });
    line.push_str(if before == '{' { "{}" } else { "}" });
}

/// Appends the object of a row of listed columns, without a line end: all of them, null or not.
pub(crate) fn row(line: &mut String, row: &impl Fields, columns: &[Arc<str>]) {
    let mut before = '{';
    for name in columns {
        row.with(name, |value| member(line, before, name, value));
        before = ',';
    }
    line.push_str(if before == '{' { "{}" } else { "}" });
}

fn member(line: &mut String, before: char, name: &str, value: DatumRef<'_>) {
    line.push(before);
    text(line, name);
    line.push(':');
    self::value(line, value);
}

/// Appends a value.
fn value(line: &mut String, value: DatumRef<'_>) {
    match value {
        DatumRef::Str(value) => text(line, value),
        value => write_json(&value.to_datum(), line),
    }
}

/// Appends a string in quotes. What would act on a terminal is escaped too, which JSON allows.
pub(crate) fn text(line: &mut String, text: &str) {
    write_json_text(text, line);
}

/// A JSON object that is put together member by member.
pub(crate) struct Object(String);

impl Object {
    /// Without members.
    pub(crate) fn new() -> Object {
        Object(String::from("{"))
    }

    /// With a text.
    pub(crate) fn text(self, name: &str, value: &str) -> Object {
        let mut quoted = String::new();
        text(&mut quoted, value);
        self.raw(name, quoted)
    }

    /// With a text, or null.
    pub(crate) fn text_or_null(self, name: &str, value: Option<&str>) -> Object {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// With a number, or null.
    pub(crate) fn number_or_null(self, name: &str, value: Option<impl std::fmt::Display>) -> Object {
        match value {
            Some(value) => self.raw(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// With texts.
    pub(crate) fn texts<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Object {
        let quoted = values.into_iter().map(|value| {
            let mut quoted = String::new();
            text(&mut quoted, value);
            quoted
        });
        self.list(name, quoted)
    }

    /// With values that are JSON already.
    pub(crate) fn list(self, name: &str, values: impl IntoIterator<Item = String>) -> Object {
        let values: Vec<String> = values.into_iter().collect();
        self.raw(name, format_args!("[{}]", values.join(",")))
    }

    /// With what is JSON already: a number, `true`, another object.
    pub(crate) fn raw(mut self, name: &str, value: impl std::fmt::Display) -> Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        text(&mut self.0, name);
        self.0.push_str(&format!(":{value}"));
        self
    }

    /// The object.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// Its members alone, to be put into another.
    pub(crate) fn members(mut self) -> String {
        self.0.split_off(1)
    }
}

#[cfg(test)]
mod tests {
    use blotter::event::{Category, Event, FieldKey, Level, ProducerId, Seq, Timestamp, Value, dec};

    use super::*;

    #[test]
    fn objects_are_put_together() {
        let object = Object::new().text("a\n", "\u{1b}").raw("b", 1).texts("c", ["x", "\""]);
        let object = object.text_or_null("d", None).number_or_null("e", Some(2)).list("f", []);
        assert_eq!(object.end(), r#"{"a\n":"\u001b","b":1,"c":["x","\""],"d":null,"e":2,"f":[]}"#);
        assert_eq!(
            (Object::new().end(), Object::new().raw("a", 1).members()),
            ("{}".into(), "\"a\":1".into())
        );
    }

    #[test]
    fn an_event_is_one_object_with_every_digit() {
        let fields = [
            ("event", Value::from("order_filled")),
            ("price", Value::from(dec!(-0.3500))),
            ("count", Value::from(i64::MIN)),
            ("ratio", Value::from(1e-7)),
            ("ok", Value::from(true)),
            ("me\"ssage", Value::from("a\"\\\n\u{1b}\u{202e}\u{e0041}é")),
        ];
        let found = Event {
            ts: Timestamp(1),
            seq: Seq(7),
            producer: ProducerId(2),
            pseq: 3,
            category: Category::FILL,
            level: Level::Warn,
            fields: fields.map(|(name, value)| (FieldKey::new(name), value)).into(),
        };
        let mut line = String::new();
        event(&mut line, &found);
        assert_eq!(
            line,
            concat!(
                r#"{"ts":"1970-01-01T00:00:00.000000001Z","seq":7,"producer":2,"pseq":3,"category":"fill","#,
                r#""level":"warn","event":"order_filled","price":-0.3500,"count":-9223372036854775808,"#,
                r#""ratio":1e-7,"ok":true,"me\"ssage":"a\"\\\n\u001b\u202e\udb40\udc41é"}"#
            )
        );
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
}
