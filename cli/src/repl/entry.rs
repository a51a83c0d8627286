//! What was entered: a command with its argument, or a query.

use blotter::query::syntax;

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// Nothing but spaces and comments.
    Nothing,
    /// `.name argument`, or a word alone that means a command.
    Command { name: &'a str, argument: &'a str },
    /// Anything else.
    Query(&'a str),
}

/// What an entry is.
pub(super) fn read(text: &str) -> Entry<'_> {
    let text = text.trim();
    let is_nothing = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    match text.starts_with('.') {
        _ if is_nothing => Entry::Nothing,
        true => {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            Entry::Command { name: &text[..end], argument: text[end..].trim() }
        }
        false => match bare_command(text) {
            Some(name) => Entry::Command { name, argument: "" },
            None => Entry::Query(text),
        },
    }
}

/// The command that a word alone means, as in other programs. Who searches messages for it writes it in quotes.
fn bare_command(text: &str) -> Option<&'static str> {
    let commands = [("?", ".help"), ("help", ".help"), ("exit", ".exit"), ("quit", ".quit")];
    commands.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, name)| name)
}

/// Where the query of an entry begins, in bytes: at its start, or after the words that a command takes before it.
pub(super) fn query_start(text: &str) -> Option<usize> {
    let begin = text.len() - text.trim_start().len();
    if !text[begin..].starts_with('.') {
        return Some(begin);
    }
    let end = begin + text[begin..].find(char::is_whitespace)?;
    let words_before = match &text[begin..end] {
        ".explain" => 0,
        ".watch" | ".save" => 1,
        _ => return None,
    };
    let mut at = end;
    for _ in 0..words_before {
        at += text[at..].len() - text[at..].trim_start().len();
        at += text[at..].find(char::is_whitespace)?;
    }
    Some(at + text[at..].len() - text[at..].trim_start().len())
}

/// Whether an entry goes on with the next line.
pub(super) fn is_unfinished(text: &str) -> bool {
    query_start(text).is_some_and(|start| syntax::is_unfinished(&text[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_commands_or_queries() {
        for (text, expected) in [
            ("", Entry::Nothing),
            ("  # only this\n\n # and that", Entry::Nothing),
            ("# first\nlevel = error", Entry::Query("# first\nlevel = error")),
            (" .format  json ", Entry::Command { name: ".format", argument: "json" }),
            (".help", Entry::Command { name: ".help", argument: "" }),
            ("| head 5", Entry::Query("| head 5")),
            ("help", Entry::Command { name: ".help", argument: "" }),
            (" ? ", Entry::Command { name: ".help", argument: "" }),
            ("Exit", Entry::Command { name: ".exit", argument: "" }),
            ("QUIT", Entry::Command { name: ".quit", argument: "" }),
            ("\"help\"", Entry::Query("\"help\"")),
            ("help wanted", Entry::Query("help wanted")),
            ("quit*", Entry::Query("quit*")),
        ] {
            assert_eq!(read(text), expected);
        }
    }

    #[test]
    fn queries_within_commands_are_found() {
        for (text, expected) in [
            ("a = b", Some("a = b")),
            (".explain a = b", Some("a = b")),
            (" .watch 2s  a = b", Some("a = b")),
            (".watch 2s", None),
            (".save x a", Some("a")),
            (".run x", None),
            (".explain", None),
            (".explain ", Some("")),
        ] {
            assert_eq!(query_start(text).map(|start| &text[start..]), expected, "{text}");
        }
    }
}
