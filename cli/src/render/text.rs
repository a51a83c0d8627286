//! One event as one line for people: when, how bad, what kind, what happened, the sentence, the fields.
//!
//! ```text
//! 2012-06-21T13:30:00.190226476Z INFO     fill  order_filled  "fill: 21 @ 223.81"  order_id=A-1 side=BUY  #114
//! ```
//! Nothing is left out but who recorded it, and nothing in it acts on the terminal.

use std::fmt::Write;

use blotter::event::{Event, Field, FieldKey, Value};

use super::escape::{escaped, is_unsafe};

/// Appends the line, without a line end.
pub(crate) fn event(line: &mut String, event: &Event) {
    put(line, format_args!("{} {:<8} {}", event.ts, event.level.name().to_ascii_uppercase(), event.category));
    // Well-known texts go first, unnamed: every reader of logs knows them by their place.
    let unnamed = [Field::EVENT, Field::MESSAGE];
    for (field, value) in unnamed.iter().filter_map(|field| Some((field, value_of(event, *field)?))) {
        match *field {
            Field::MESSAGE => put(line, format_args!("  {}", quoted(value))),
            _ => put(line, format_args!("  {}", bare_or_quoted(value))),
        }
    }
    let mut space = "  ";
    for (key, value) in &event.fields {
        let is_unnamed =
            matches!(key, FieldKey::Known(field) if unnamed.contains(field)) && value.as_str().is_some();
        if !is_unnamed {
            put(line, format_args!("{space}{}={}", bare_or_quoted(key.name()), text_of(value)));
            space = " ";
        }
    }
    put(line, format_args!("  #{}", event.seq));
}

fn value_of(event: &Event, field: Field) -> Option<&str> {
    event.fields.iter().find(|(key, _)| *key == FieldKey::Known(field)).and_then(|(_, value)| value.as_str())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Str(text) => bare_or_quoted(text),
        value => value.to_string(),
    }
}

/// A word as it is; anything that would not read as one word in quotes.
fn bare_or_quoted(text: &str) -> String {
    let is_word = !text.is_empty()
        && !text.contains(|c: char| matches!(c, '"' | '=' | '\\' | '#') || c.is_whitespace() || is_unsafe(c));
    if is_word { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).to_string().replace('"', "\\\""))
}

fn put(line: &mut String, arguments: std::fmt::Arguments<'_>) {
    line.write_fmt(arguments).expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use blotter::event::{Category, Level, ProducerId, Seq, Timestamp, dec};

    use super::*;

    #[test]
    fn a_line_reads_well_and_is_safe() {
        let fields = [
            ("order_id", Value::from("A-1")),
            ("event", Value::from("order_filled")),
            ("message", Value::from("fill: 21 \x1b[31m\"")),
            ("price", Value::from(dec!(223.80))),
            ("venue", Value::from("New York")),
            ("note", Value::from("")),
            ("a b", Value::from(true)),
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
            "1970-01-01T00:00:00.000000001Z WARN     fill  order_filled  \"fill: 21 \\x1b[31m\\\"\"  \
             order_id=A-1 price=223.80 venue=\"New York\" note=\"\" \"a b\"=true  #7"
        );
    }
}
