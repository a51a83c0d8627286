//! A tree printed and parsed is the same tree; and whatever is typed, nothing panics or takes long.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::arbitrary;
use super::completion::Small;
use super::queries::{DESK_QUERIES, VALID};
use crate::syntax::ast::{Query, Span};
use crate::syntax::{Token, complete, highlight, is_unfinished, parse};

fn check_round_trip(query: &Query) -> Result<(), TestCaseError> {
    let printed = query.to_string();
    if printed.len() > crate::limits::QUERY_BYTES_MAX {
        // With every `and` written, it is longer than what it was parsed from.
        return Ok(());
    }
    match parse(&printed) {
        Ok(parsed) => prop_assert_eq!(&parsed, query, "{}", printed),
        Err(error) => prop_assert!(false, "{}", error.render(false)),
    }
    Ok(())
}

/// Everything that is done with a text while and after it is typed.
fn check_any_text(text: &str) -> Result<(), TestCaseError> {
    let start = Instant::now();
    match parse(text) {
        Ok(query) => check_round_trip(&query)?,
        Err(error) => {
            let _ = error.to_string();
            let _ = error.render(false);
            let _ = error.render(true);
            if let Some(Span { start, end }) = error.span() {
                prop_assert!(start <= end && end <= text.len(), "{}..{} of {}", start, end, text.len());
            }
        }
    }
    let mut at = 0;
    for (span, _) in highlight(text) {
        prop_assert!(
            span.start == at && span.end > at && text.is_char_boundary(span.end),
            "{:?} at {}",
            span,
            at
        );
        at = span.end;
    }
    prop_assert_eq!(at, text.len());
    let _ = is_unfinished(text);
    for cursor in [0, text.len() / 2, text.len()] {
        let completion = complete(text, cursor, &Small);
        let Span { start, end } = completion.replaced;
        prop_assert!(text.get(start..end).is_some() && end <= cursor, "{}..{} of {}", start, end, cursor);
    }
    let taken = start.elapsed();
    prop_assert!(taken < Duration::from_secs(2), "{:?}", taken);
    Ok(())
}

/// Pieces of which texts are made that are nearly queries.
const PIECES: &[&str] = &[
    "(",
    ")",
    "{",
    "}",
    "|",
    ",",
    "\"",
    "'",
    "`",
    "\\",
    "$",
    "#",
    "\n",
    " ",
    "=",
    "!",
    "<",
    ">",
    "~",
    "+",
    "-",
    "*",
    "/",
    "%",
    "not",
    "and",
    "or",
    "in",
    "between",
    "like",
    "by",
    "as",
    "where",
    "last",
    "since",
    "on",
    "tz",
    "stats",
    "count",
    "asof",
    "join",
    "sort",
    "extend",
    "if(",
    "1",
    "5m",
    "1e9",
    "9999999999999999999999999999",
    "0.0000000000000000000001",
    "symbol",
    "é",
    "\u{1b}[31m",
    "\u{202e}",
    "->",
    "&&",
    "||",
    "->",
    "p99.9(",
    "\\u{",
    "{null}",
    "“",
];

/// A text changed at a few places.
fn mutated(text: String) -> impl Strategy<Value = String> {
    vec((any::<Index>(), any::<Index>(), select(PIECES), 0..4_u8), 1..5).prop_map(move |changes| {
        let mut text = text.clone();
        for (first, second, piece, kind) in changes {
            let boundaries: Vec<usize> =
                (0..=text.len()).filter(|byte| text.is_char_boundary(*byte)).collect();
            let (a, b) = (*first.get(&boundaries), *second.get(&boundaries));
            let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 12));
            let end = (start..=end).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(start);
            match kind {
                0 => text.insert_str(start, piece),
                1 => text.replace_range(start..end, ""),
                2 => {
                    let again = text[start..end].to_owned();
                    text.insert_str(end, &again);
                }
                _ => text.truncate(end),
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn a_printed_tree_parses_to_the_same_tree(query in arbitrary::query(1)) {
        check_round_trip(&query)?;
    }

    #[test]
    fn a_printed_tree_has_no_wrong_parts_and_is_finished(query in arbitrary::query(1)) {
        let printed = query.to_string();
        let wrong = highlight(&printed).into_iter().find(|(_, token)| *token == Token::Wrong);
        prop_assert_eq!(wrong, None, "{}", printed);
        prop_assert!(!is_unfinished(&printed), "{}", printed);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "(?s).{0,200}") {
        check_any_text(&text)?;
    }

    #[test]
    fn any_row_of_pieces_is_parsed_or_refused(pieces in vec(select(PIECES), 0..40), space in any::<bool>()) {
        check_any_text(&pieces.join(if space { " " } else { "" }))?;
    }

    #[test]
    fn a_query_changed_at_random_is_parsed_or_refused(
        text in prop_oneof![
            select([DESK_QUERIES, VALID].concat()).prop_map(str::to_owned),
            arbitrary::query(1).prop_map(|query| query.to_string()),
        ].prop_flat_map(mutated)
    ) {
        check_any_text(&text)?;
    }
}

#[test]
fn long_rows_of_a_piece_take_no_time() {
    for piece in PIECES {
        for separator in ["", " "] {
            let one = format!("{piece}{separator}");
            let text = one.repeat(crate::limits::QUERY_BYTES_MAX / one.len());
            if let Err(error) = check_any_text(&text) {
                panic!("{piece:?}: {error}");
            }
        }
    }
}
