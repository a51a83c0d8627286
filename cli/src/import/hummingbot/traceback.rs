//! The lines that continue a record: a traceback of Python, or anything else.

use super::Draft;

const TRACEBACK: &str = "Traceback (most recent call last):";

/// Adds the continuation of a record: as `backtrace` with what failed, or as `detail`.
pub(super) fn add<'a>(draft: Draft<'a>, continuation: &'a str, message: &str) -> Draft<'a> {
    if continuation.trim_ascii().is_empty() {
        return draft;
    }
    let causes = causes(continuation);
    let Some(last) = causes.first() else {
        return if is_traceback(continuation) {
            draft.text("error_message", message.to_owned()).text("backtrace", continuation)
        } else {
            draft.text("detail", continuation)
        };
    };
    let kind = last.split(':').next().unwrap_or(last).trim();
    let message = message.trim_end_matches(['.', ' ']);
    draft
        .text("error_kind", kind)
        .text("error_message", *last)
        .text("error_chain", format!("{message}: {}", causes.join(": ")))
        .text("backtrace", continuation)
}

/// Whether a traceback begins here.
pub(super) fn is_traceback(continuation: &str) -> bool {
    continuation.lines().any(|line| line == TRACEBACK)
}

/// The errors that tracebacks end with, the one that was not handled first, then what it came from.
fn causes(continuation: &str) -> Vec<&str> {
    let mut causes = Vec::new();
    let mut in_traceback = false;
    for line in continuation.lines() {
        if line == TRACEBACK {
            in_traceback = true;
        } else if in_traceback && !line.is_empty() && !line.starts_with(' ') {
            causes.push(line);
            // An error may have a text of several lines; the first says what it is.
            in_traceback = false;
        }
    }
    causes.reverse();
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_that_was_not_handled_comes_first() {
        let text = "Traceback (most recent call last):\n  File \"a\"\nKeyError: 'x'\n\nThe above exception was the \
                    direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"b\"\n    \
                    raise\na.B: no: luck\nmore of it";
        assert_eq!(causes(text), ["a.B: no: luck", "KeyError: 'x'"]);
        assert!(causes("Traceback (most recent call last):\n  File \"a\"").is_empty());
        assert!(is_traceback(text) && !is_traceback("KeyError: 'x'"));
    }
}
