//! One event as one JSON object: times as RFC 3339 with nine digits, decimals as numbers with every digit.

use std::fmt::Write;

use blotter::event::{Event, ValueRef};

use super::escape::is_unsafe;

/// Appends the object, without a line end.
pub(crate) fn event(line: &mut String, event: &Event) {
    put(line, format_args!("{{\"ts\":\"{}\",\"seq\":{}", event.ts, event.seq));
    put(line, format_args!(",\"producer\":{},\"pseq\":{}", event.producer, event.pseq));
    put(line, format_args!(",\"category\":\"{}\",\"level\":\"{}\"", event.category, event.level));
    for (key, value) in &event.fields {
        line.push(',');
        text(line, key.name());
        line.push(':');
        self::value(line, value.borrow());
    }
    line.push('}');
}

/// Appends a value.
pub(crate) fn value(line: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::Str(value) => text(line, value),
        // Each prints as a JSON number or word; a float that is not finite is never recorded.
        value => put(line, format_args!("{value}")),
    }
}

/// Appends a string in quotes. What would act on a terminal is escaped too, which JSON allows.
pub(crate) fn text(line: &mut String, text: &str) {
    line.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '"' | '\\') || is_unsafe(c)) {
        line.push_str(&rest[..at]);
        let c = rest[at..].chars().next().expect("find has found a character here");
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    put(line, format_args!("\\u{unit:04x}"));
                }
            }
        }
        rest = &rest[at + c.len_utf8()..];
    }
    line.push_str(rest);
    line.push('"');
}

fn put(line: &mut String, arguments: std::fmt::Arguments<'_>) {
    line.write_fmt(arguments).expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use blotter::event::{Category, FieldKey, Level, ProducerId, Seq, Timestamp, Value, dec};

    use super::*;

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
