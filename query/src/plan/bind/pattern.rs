//! Patterns: regular expressions, globs.

use regex::{Regex, RegexBuilder};

use super::Pipeline;
use crate::error::{ErrorKind, QueryError, Result};
use crate::limits::{PATTERNS_MAX, REGEX_BYTES_MAX};
use crate::syntax::ast::{Span, Spanned};

impl Pipeline<'_> {
    /// A regular expression as written.
    ///
    /// # Errors
    /// It is none, takes too much memory, or is one too many.
    pub(super) fn regex(&self, pattern: &str, span: Span) -> Result<Regex> {
        self.count_pattern(span)?;
        compile(pattern, span)
    }

    /// A glob as a regular expression; see [`glob`].
    ///
    /// # Errors
    /// As [`Pipeline::regex`].
    pub(super) fn like(&self, pattern: &Spanned<String>, folded: bool) -> Result<Regex> {
        self.count_pattern(pattern.span)?;
        let text = &pattern.node;
        if (text.starts_with('%') || text.ends_with('%')) && !text.contains(['*', '?']) {
            let written = text.replace('%', "*");
            return Err(QueryError::new(ErrorKind::Value, "`%` stands for itself in a pattern")
                .with_place(pattern.span, "no `*` and no `?`")
                .with_hint(format!("for any characters, write: like \"{written}\""))
                .with_hint("for a text that has this in it, write: contains"));
        }
        compile(&glob(&pattern.node, folded), pattern.span)
    }

    fn count_pattern(&self, span: Span) -> Result<()> {
        let patterns = self.context.patterns.get() + 1;
        self.context.patterns.set(patterns);
        if patterns <= PATTERNS_MAX {
            return Ok(());
        }
        Err(QueryError::new(ErrorKind::TooComplex, format!("more than {PATTERNS_MAX} patterns"))
            .with_place(span, "one too many")
            .with_hint("put alternatives into one pattern: ~ \"a|b\""))
    }
}

fn compile(pattern: &str, span: Span) -> Result<Regex> {
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build().map_err(
        |error| {
            let (kind, message) = match &error {
                regex::Error::CompiledTooBig(_) => (
                    ErrorKind::TooComplex,
                    format!("the pattern takes more than {} KiB", REGEX_BYTES_MAX >> 10),
                ),
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
fn glob(pattern: &str, folded: bool) -> String {
    let mut text = String::from(r"(?s)\A");
    for c in pattern.chars() {
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
    text
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
            let found = compile(&glob(pattern, folded), Span::default()).unwrap().is_match(value);
            assert_eq!(found, expected, "{pattern} {folded} {value}");
        }
    }
}
