//! One event or row as one line for people: when, how bad, what kind, what happened, the sentence, the fields.
//!
//! ```text
//! 2012-06-21T13:30:00.190226476Z INFO     fill  order_filled  "fill: 21 @ 223.81"  order_id=A-1 side=BUY  #114
//! symbol=AMZN count=1200 avg_price=223.81
//! ```
//! Nothing is left out but who recorded an event, and nothing in it acts on the terminal.

use std::fmt::Write;

use blotter::query::datum::DatumRef;

use super::Fields;
use super::escape::{escaped, is_unsafe};
use super::style::{Paint, Style};
use super::value::{self, TimeForm};

/// Appends the line of an event, without a line end.
pub(crate) fn event(line: &mut String, event: &impl Fields, times: TimeForm, style: &Style) {
    let begin = line.len();
    for name in ["ts", "level", "category"] {
        event.with(name, |found| match found {
            DatumRef::Time(_) => put(line, format_args!("{} ", value::text_of(found, times))),
            DatumRef::Level(level) => {
                let shown = format!("{:<8}", level.name().to_ascii_uppercase());
                put(line, format_args!("{} ", style.paint(&shown, Paint::Level(level))));
            }
            DatumRef::Category(category) => put(line, format_args!("{category}")),
            _ => {}
        });
    }
    // Well-known texts go first, unnamed: every reader of logs knows them by their place.
    event.with("event", |found| {
        if let DatumRef::Str(name) = found {
            put(line, format_args!("  {}", bare_or_quoted(name)));
        }
    });
    event.with("message", |found| {
        if let DatumRef::Str(sentence) = found {
            put(line, format_args!("  {}", quoted(sentence)));
        }
    });
    let mut space = "  ";
    event.each(&mut |name, found| {
        if !has_its_place(name, found) {
            put(line, format_args!("{space}{}={}", bare_or_quoted(name), word_of(found, times)));
            space = " ";
        }
    });
    event.with("seq", |found| {
        if let DatumRef::Int(seq) = found {
            put(line, format_args!("  #{seq}"));
        }
    });
    // What begins with a field, for want of a time, is not indented.
    let indented = line[begin..].len() - line[begin..].trim_start().len();
    line.drain(begin..begin + indented);
}

/// Appends a row of listed columns, without a line end.
pub(crate) fn row(line: &mut String, row: &impl Fields, times: TimeForm) {
    let mut space = "";
    row.each(&mut |name, found| {
        put(line, format_args!("{space}{}={}", bare_or_quoted(name), word_of(found, times)));
        space = " ";
    });
}

/// Whether a line shows a value elsewhere than among the fields, or not at all.
fn has_its_place(name: &str, value: DatumRef<'_>) -> bool {
    match name {
        "ts" => matches!(value, DatumRef::Time(_)),
        "level" => matches!(value, DatumRef::Level(_)),
        "category" => matches!(value, DatumRef::Category(_)),
        "seq" | "producer" | "pseq" => matches!(value, DatumRef::Int(_)),
        "event" | "message" => matches!(value, DatumRef::Str(_)),
        _ => false,
    }
}

/// A value that reads as one word, safe.
pub(super) fn word_of(value: DatumRef<'_>, times: TimeForm) -> String {
    match value {
        DatumRef::Str(text) => bare_or_quoted(text),
        value => value::text_of(value, times),
    }
}

/// A word as it is; anything that would not read as one word in quotes.
pub(super) fn bare_or_quoted(text: &str) -> String {
    let is_word = !text.is_empty()
        && !text.contains(|c: char| matches!(c, '"' | '=' | '\\' | '#') || c.is_whitespace() || is_unsafe(c));
    if is_word { text.to_owned() } else { quoted(text) }
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).to_string().replace('"', "\\\""))
}

fn put(line: &mut String, arguments: std::fmt::Arguments<'_>) {
    line.write_fmt(arguments).expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use blotter::event::{Category, Event, FieldKey, Level, ProducerId, Seq, Timestamp, Value, dec};
    use chrono_tz::Tz;

    use super::*;

    fn event_with(fields: &[(&str, Value)]) -> Event {
        Event {
            ts: Timestamp(1),
            seq: Seq(7),
            producer: ProducerId(2),
            pseq: 3,
            category: Category::FILL,
            level: Level::Warn,
            fields: fields.iter().map(|(name, value)| (FieldKey::new(name), value.clone())).collect(),
        }
    }

    #[track_caller]
    fn check(found: &Event, zone: Tz, colours: bool, expected: &str) {
        let mut line = String::new();
        event(&mut line, found, TimeForm::whole(zone), &Style { colours, ..Style::PLAIN });
        assert_eq!(line, expected);
    }

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
        check(
            &event_with(&fields),
            Tz::UTC,
            false,
            "1970-01-01T00:00:00.000000001Z WARN     fill  order_filled  \"fill: 21 \\x1b[31m\\\"\"  \
             order_id=A-1 price=223.80 venue=\"New York\" note=\"\" \"a b\"=true  #7",
        );
    }

    #[test]
    fn levels_are_coloured_and_times_are_in_the_zone() {
        check(
            &event_with(&[("event", Value::from(5))]),
            Tz::America__New_York,
            true,
            "1969-12-31T19:00:00.000000001-05:00 \x1b[33mWARN    \x1b[0m fill  event=5  #7",
        );
    }
}
