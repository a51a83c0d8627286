//! Lines that could not be recorded: the first are shown with their place and reason, all are counted.

use crate::render::escape::escaped;

/// Reports shown of one command; the rest is only counted, so that a wrong file does not flood a terminal.
const SHOWN_MAX: u64 = 20;
/// Longest report of one line, in characters; a reason may quote the line.
const REPORT_CHARS_MAX: usize = 400;

/// Counts bad lines and says which reports to show.
#[derive(Debug, Default)]
pub(crate) struct BadLines {
    count: u64,
}

impl BadLines {
    /// Counts one bad line. The text to show for it, unless enough were shown.
    pub(crate) fn report(&mut self, file: &str, line: u64, reason: &str) -> Option<String> {
        self.count += 1;
        if self.count > SHOWN_MAX {
            return None;
        }
        let text = format!("{file}:{line}: {reason}");
        let cut = text.char_indices().nth(REPORT_CHARS_MAX).map(|(at, _)| at);
        Some(match cut {
            None => escaped(&text).to_string(),
            Some(at) => format!("{} ... ({} bytes)", escaped(&text[..at]), text.len()),
        })
    }

    /// What to say at the end about those that were not shown.
    pub(crate) fn not_shown(&self) -> Option<String> {
        let more = self.count.saturating_sub(SHOWN_MAX);
        (more > 0).then(|| format!("... and {more} more bad lines, not shown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_are_shown_and_all_are_counted() {
        let mut bad = BadLines::default();
        let shown = (1..=25).filter_map(|line| bad.report("f", line, "why")).count();
        assert_eq!((shown, bad.count), (20, 25));
        assert_eq!(bad.not_shown().as_deref(), Some("... and 5 more bad lines, not shown"));
    }

    #[test]
    fn what_a_line_says_cannot_move_the_cursor_nor_fill_the_screen() {
        let mut bad = BadLines::default();
        assert_eq!(bad.report("a\x1b", 3, "x\n\u{202e}").as_deref(), Some("a\\x1b:3: x\\n\\u{202e}"));
        let long = bad.report("f", 1, &"y".repeat(1000)).unwrap();
        assert!(long.len() < 450 && long.ends_with("(1005 bytes)"), "{long}");
    }
}
