//! The JSON form of values: numbers with every digit, times as RFC 3339 in UTC, stretches of time as nanoseconds.

use std::fmt::Write;

use super::{Datum, DatumRef};

/// Appends a value as JSON. Text is written as [`write_json_text`] does.
///
/// ```
/// use blotter_query::{Datum, datum::write_json};
/// use blotter_engine::dec;
/// let mut line = String::new();
/// write_json(&Datum::Decimal(dec!(223.8000)), &mut line);
/// assert_eq!(line, "223.8000");
/// ```
pub fn write_json(datum: &Datum, line: &mut String) {
    match datum.borrow() {
        DatumRef::Null => line.push_str("null"),
        DatumRef::Str(value) => write_json_text(value, line),
        DatumRef::Time(ts) => put(line, format_args!("\"{ts}\"")),
        DatumRef::Duration(ns) => put(line, format_args!("{ns}")),
        DatumRef::Level(level) => put(line, format_args!("\"{level}\"")),
        DatumRef::Category(category) => put(line, format_args!("\"{category}\"")),
        // JSON has no word for a float that is not finite; none is recorded or computed.
        DatumRef::Float(value) if !value.is_finite() => line.push_str("null"),
        number => put(line, format_args!("{number}")),
    }
}

/// Appends text in quotes. What would act on a terminal is escaped too, which JSON allows.
pub fn write_json_text(text: &str, line: &mut String) {
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

/// Whether a character acts on the terminal, or cannot be seen, rather than being shown.
pub fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'           // C0, DEL, C1
        | '\u{61c}' | '\u{200b}'..='\u{200f}'       // marks of direction, zero-width characters
        | '\u{2028}'..='\u{202e}'                   // line and paragraph separators, embeddings, overrides
        | '\u{2060}'..='\u{206f}' | '\u{feff}'      // invisible operators, isolates, byte-order mark
        | '\u{ad}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' // other invisible ones
    )
}

fn put(line: &mut String, arguments: std::fmt::Arguments<'_>) {
    line.write_fmt(arguments).expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::{Category, Level, Timestamp};

    use super::*;

    #[test]
    fn json_has_every_digit_and_is_safe_to_print_and_serde_agrees() {
        for (datum, expected) in [
            (Datum::Null, "null"),
            (Datum::Bool(false), "false"),
            (Datum::Int(i64::MIN), "-9223372036854775808"),
            (Datum::Float(1e-7), "1e-7"),
            (Datum::Float(2.0), "2.0"),
            (Datum::Decimal(dec!(-0.3500)), "-0.3500"),
            (Datum::Decimal(dec!(79228162514264337593543950335)), "79228162514264337593543950335"),
            (Datum::Decimal(dec!(0.0000000000000000000000000001)), "0.0000000000000000000000000001"),
            (Datum::Time(Timestamp(1)), r#""1970-01-01T00:00:00.000000001Z""#),
            (Datum::Duration(-1_500), "-1500"),
            (Datum::Level(Level::Critical), r#""critical""#),
            (Datum::Category(Category::RISK), r#""risk""#),
            (Datum::from("a\"\\\n\r\t\u{1b}\u{202e}\u{e0041}é"), r#""a\"\\\n\r\t\u001b\u202e\udb40\udc41é""#),
        ] {
            let mut line = String::new();
            write_json(&datum, &mut line);
            assert_eq!(line, expected);
            let read: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(serde_json::to_value(&datum).unwrap(), read);
        }
    }
}
