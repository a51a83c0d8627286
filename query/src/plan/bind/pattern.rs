//! Patterns: regular expressions, globs.

use regex::{Regex, RegexBuilder};

use crate::error::{ErrorKind, QueryError, Result};
use crate::limits::REGEX_BYTES_MAX;
use crate::syntax::ast::{Span, Spanned};

/// A regular expression as written.
///
/// # Errors
/// It is none, or takes too much memory.
pub(super) fn regex(pattern: &Spanned<String>) -> Result<Regex> {
    compile(&pattern.node, pattern.span)
}

/// As [`regex`], of text that comes from elsewhere.
pub(super) fn compile(pattern: &str, span: Span) -> Result<Regex> {
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build().map_err(
        |error| {
            let (kind, message) = match &error {
                regex::Error::CompiledTooBig(_) => {
                    (ErrorKind::Limit, format!("the pattern takes more than {} KiB", REGEX_BYTES_MAX >> 10))
                }
                other => {
                    let text = other.to_string();
                    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    (ErrorKind::Value, format!("not a regular expression: {reason}"))
                }
            };
            QueryError::new(kind, message)
                .with_place(span, "this pattern")
                .with_hint("to find the text as it stands, write: contains \"...\"")
        },
    )
}

/// A glob as a regular expression of the whole value: `*` any characters, `?` one; in any ASCII case if `folded`.
///
/// # Errors
/// It takes too much memory.
pub(super) fn like(pattern: &Spanned<String>, folded: bool) -> Result<Regex> {
    let mut text = String::from(r"(?s)\A");
    for c in pattern.node.chars() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            c if folded && c.is_ascii_alphabetic() => {
                text.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
            }
            c => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    text.push_str(r"\z");
    compile(&text, pattern.span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_values() {
        for (pattern, folded, value, expected) in [
            ("trade_*", false, "trade_12345", true),
            ("trade_*", false, "my_trade_1", false),
            ("*_1?", false, "trade_12", true),
            ("*_1?", false, "trade_123", false),
            ("BRK.B", false, "BRKxB", false),
            ("a*b", false, "a\nb", true),
            ("?", false, "é", true),
            ("ab*", true, "ABC", true),
            ("AB*", true, "abc", true),
            ("ab*", false, "ABC", false),
            ("[x]*", false, "[x]y", true),
            ("", false, "", true),
            ("", false, "a", false),
        ] {
            let pattern = Spanned::new(pattern.to_owned(), Span::default());
            let found = like(&pattern, folded).unwrap().is_match(value);
            assert_eq!(found, expected, "{} {folded} {value}", pattern.node);
        }
    }
}
