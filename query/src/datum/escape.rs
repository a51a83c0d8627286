//! Text from a log is not trusted by whatever shows it: what could move the cursor of a terminal, change colours, hide
//! or reorder what stands around it is shown as an escape instead, on terminals and on pages.

use std::fmt;

use super::is_unsafe;

/// Shows a text with the unsafe characters escaped: `\n`, `\x1b`, `\u{202e}`. A backslash is doubled, so
/// that an escape in the text cannot be taken for one of these.
///
/// ```
/// use blotter_query::datum::escaped;
/// assert_eq!(escaped("red \x1b[31m alert").to_string(), "red \\x1b[31m alert");
/// ```
pub fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// See [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(|c| c == '\\' || is_unsafe(c)) {
            f.write_str(&rest[..at])?;
            let c = rest[at..].chars().next().expect("find has found a character here");
            match c {
                '\\' => f.write_str("\\\\"),
                '\n' => f.write_str("\\n"),
                '\r' => f.write_str("\\r"),
                '\t' => f.write_str("\\t"),
                c if (c as u32) < 0x100 => write!(f, "\\x{:02x}", c as u32),
                c => write!(f, "\\u{{{:x}}}", c as u32),
            }?;
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_the_rest_is_not() {
        for (text, expected) in [
            ("plain, Grüße, 価格, 😀", "plain, Grüße, 価格, 😀"),
            ("\x1b[2J\x07", "\\x1b[2J\\x07"),
            ("a\r\n\tb\u{9b}31m", "a\\r\\n\\tb\\x9b31m"),
            ("\u{202e}txt\u{2069}\u{61c}\u{200f}", "\\u{202e}txt\\u{2069}\\u{61c}\\u{200f}"),
            ("\\x1b", "\\\\x1b"),
            ("\u{e0041}\u{feff}", "\\u{e0041}\\u{feff}"),
        ] {
            assert_eq!(escaped(text).to_string(), expected);
        }
    }
}
