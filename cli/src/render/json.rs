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
