//! Rows as CSV after RFC 4180: a header, CRLF line ends, quotes where they are needed.
//!
//! Text from a log is not trusted by spreadsheets: what they would take for a formula is preceded by an
//! apostrophe, unless it is a number. Nor by terminals: characters that act on them are written as escapes
//! (`\x1b`), all but line ends and tabs, which stand in quotes. What must be exact to the byte is read as JSON.

use std::fmt::Write;
use std::sync::Arc;

use blotter::query::datum::DatumRef;
use rust_decimal::Decimal;

use super::Fields;
use super::escape::is_unsafe;
use super::value::{self, TimeForm};

/// Appends the header, with its line end.
pub(crate) fn header(line: &mut String, columns: &[Arc<str>]) {
    record(line, columns, text);
}

/// Appends a row, with its line end.
pub(crate) fn row(line: &mut String, row: &impl Fields, columns: &[Arc<str>], times: TimeForm) {
    record(line, columns, |line, name| {
        row.with(name, |found| match found {
            DatumRef::Str(found) => text(line, found),
            found => value::put(line, found, times),
        });
    });
}

fn record(line: &mut String, columns: &[Arc<str>], mut put: impl FnMut(&mut String, &str)) {
    let begin = line.len();
    for (at, name) in columns.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        put(line, name);
    }
    // An empty line would be no record.
    if line.len() == begin {
        line.push_str("\"\"");
    }
    line.push_str("\r\n");
}

/// Appends a text, safe, in quotes if it needs them.
fn text(line: &mut String, text: &str) {
    let is_formula = is_formula(text);
    let is_plain = !text.contains(|c: char| matches!(c, '"' | ',') || is_unsafe(c));
    if is_plain && !is_formula {
        line.push_str(text);
        return;
    }
    line.push('"');
    if is_formula {
        line.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => line.push_str("\"\""),
            '\n' | '\r' | '\t' => line.push(c),
            c if is_unsafe(c) => {
                let written = match c as u32 {
                    code @ ..0x100 => write!(line, "\\x{code:02x}"),
                    code => write!(line, "\\u{{{code:x}}}"),
                };
                written.expect("a string takes whatever is written to it");
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

/// Whether a spreadsheet would compute a text.
fn is_formula(text: &str) -> bool {
    let begins_so = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    begins_so && text.parse::<Decimal>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formulas() {
        for (cell, expected) in [
            ("plain text", "plain text"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+cmd|x", "\"'+cmd|x\""),
            ("-2+3", "\"'-2+3\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("＝1", "\"'＝1\""),
            ("-5", "-5"),
            ("+1.50", "+1.50"),
            ("-", "\"'-\""),
            ("C:\\x \u{1b}[31m\u{202e}", "\"C:\\x \\x1b[31m\\u{202e}\""),
        ] {
            let mut line = String::new();
            text(&mut line, cell);
            assert_eq!(line, expected, "{cell:?}");
        }
    }

    #[test]
    fn a_row_of_nothing_is_a_record() {
        let mut line = String::new();
        header(&mut line, &["=a".into(), "b".into()]);
        record(&mut line, &["x".into()], |_, _| {});
        assert_eq!(line, "\"'=a\",b\r\n\"\"\r\n");
    }
}
