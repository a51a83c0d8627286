//! What people are told about texts that are no queries.
//!
//! `errors.txt` holds each text after `>>> ` (with `\n` for a line end) and what is shown for it. Run with
//! `BLESS=1` to write it anew after a change of messages, and read the difference.

use std::fmt::Write;
use std::path::Path;

use crate::syntax::parse;

const RECORDED: &str = include_str!("errors.txt");

fn shown(written: &str) -> String {
    let text = written.replace("\\n", "\n");
    let error = parse(&text).expect_err(written);
    assert!(error.span().is_some(), "{written}: no place");
    assert_ne!(error.label(), "", "{written}: nothing expected");
    error.render(false)
}

#[test]
fn malformed_queries_are_told_what_to_write() {
    let mut found = String::new();
    for written in RECORDED.lines().filter_map(|line| line.strip_prefix(">>> ")) {
        writeln!(found, ">>> {written}\n{}\n", shown(written)).expect("a string takes all");
    }
    if std::env::var_os("BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/syntax/tests/errors.txt");
        std::fs::write(path, &found).expect("the record is written");
        return;
    }
    for (found, recorded) in found.split(">>> ").zip(RECORDED.split(">>> ")) {
        assert_eq!(found, recorded, "\n{found}");
    }
    assert_eq!(found.len(), RECORDED.len());
}

#[test]
fn an_error_commands_no_terminal() {
    let check = |text: &str| {
        let error = parse(text).expect_err(text);
        for shown in [error.render(false), error.to_string().replace('\n', "\0")] {
            let odd =
                shown.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(odd, None, "{shown:?}");
        }
        // In colour, every escape is one of the renderer's own: it only sets how letters look.
        for piece in error.render(true).split('\u{1b}').skip(1) {
            let end = piece.find('m').expect("an escape of style");
            assert!(piece[1..end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{piece:?}");
        }
    };
    check("symbol = \u{1b}[2J");
    check("a = b = \u{1b}]0;owned\u{7}");
    check("\"unclosed \u{1b}[31m");
    check("| so\u{202e}rt ts");
    check("x\u{9b}31m = ");
    check("a\rb = = c");
    check("| `a\u{1b}`");
    check("\t\t= \u{8}");
}

#[test]
fn a_place_in_a_long_or_many_lined_text_is_shown_and_the_rest_is_not() {
    let long = format!("{} = = {}", "word ".repeat(4000), "more ".repeat(4000));
    let shown = parse(&long).expect_err("two operators").render(false);
    assert!(shown.len() < 1000, "{shown}");
    assert!(shown.contains("= ="), "{shown}");
    let text = format!("{}symbol = = AAPL\n| head 1", "# a comment\n".repeat(30));
    let shown = parse(&text).expect_err("two operators").render(false);
    assert!(shown.contains("31 | symbol = = AAPL"), "{shown}");
    assert!(!shown.contains("comment"), "{shown}");
}
