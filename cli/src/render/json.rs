//! One event or row as one JSON object: times as RFC 3339 in UTC with nine digits, durations as nanoseconds,
//! decimals as numbers with every digit.

use std::fmt::Write;
use std::sync::Arc;

use blotter::query::datum::DatumRef;

use super::Fields;
use super::escape::is_unsafe;

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
        DatumRef::Null => line.push_str("null"),
        DatumRef::Bool(value) => put(line, format_args!("{value}")),
        DatumRef::Int(value) | DatumRef::Duration(value) => put(line, format_args!("{value}")),
        // JSON has no word for a number that is not finite; none is recorded, and no expression makes one.
        DatumRef::Float(value) if !value.is_finite() => line.push_str("null"),
        DatumRef::Float(value) => put(line, format_args!("{value:?}")),
        DatumRef::Decimal(value) => put(line, format_args!("{value}")),
        DatumRef::Str(value) => text(line, value),
        DatumRef::Time(value) => put(line, format_args!("\"{value}\"")),
        DatumRef::Level(value) => put(line, format_args!("\"{value}\"")),
        DatumRef::Category(value) => put(line, format_args!("\"{value}\"")),
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
    use blotter::event::{Category, Event, FieldKey, Level, ProducerId, Seq, Timestamp, Value, dec};

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
