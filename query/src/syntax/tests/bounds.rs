//! Bounds: no text overflows the stack or takes long.

use std::time::{Duration, Instant};

use crate::error::ErrorKind;
use crate::limits::{LIST_ITEMS_MAX, NESTING_MAX, OPERATORS_MAX, QUERY_BYTES_MAX, STAGES_MAX};
use crate::syntax::parse;

/// Nested so many times.
fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// Ways to nest; each adds one level.
const NESTS: &[(&str, &str, &str, &str, &str)] = &[
    ("", "(", "a = b", ")", ""),
    ("", "not ", "a", "", ""),
    ("", "(not_a = b or ", "a", ")", ""),
    ("x = {", "(", "a", ")", "}"),
    ("x = {", "-", "a", "", "}"),
    ("x = {", "- ", "a", "", "}"),
    ("x = {", "1+(", "a", ")", "}"),
    ("x = {", "f(", "a", ")", "}"),
    ("| extend x = ", "if(a, b, ", "a", ")", ""),
    ("| extend x = ", "{", "a", "}", ""),
    ("", "a | asof (", "b", ") by c", ""),
    ("", "| join (", "b", ") on c", ""),
    ("| stats count(where ", "(", "b", ")", ")"),
];

#[test]
fn nesting_is_taken_to_its_bound_and_refused_beyond() {
    for (before, open, inner, close, after) in NESTS {
        let text = |depth| format!("{before}{}{after}", nested(open, inner, close, depth));
        let parsed = parse(&text(NESTING_MAX - 2));
        assert!(parsed.is_ok(), "{open}: {parsed:?}");
        for depth in [NESTING_MAX + 1, 10 * NESTING_MAX, (QUERY_BYTES_MAX - 60) / (open.len() + close.len())]
        {
            let error = parse(&text(depth)).expect_err(open);
            assert_eq!(error.kind(), ErrorKind::TooComplex, "{open}: {error}");
            assert!(error.span().is_some(), "{open}");
        }
        // Unclosed too.
        let error = parse(&format!("{before}{}", open.repeat(NESTING_MAX + 1))).expect_err(open);
        assert_eq!(error.kind(), ErrorKind::TooComplex, "{open}: {error}");
    }
}

#[test]
fn chains_lists_and_stages_are_bounded() {
    let check = |text: String, kind: Option<ErrorKind>| {
        let found = parse(&text).err().map(|error| error.kind());
        assert_eq!(found, kind, "{}", &text[..60.min(text.len())]);
    };
    let limit = Some(ErrorKind::TooComplex);
    check(format!("x = {{1{}}}", "+1".repeat(OPERATORS_MAX)), None);
    check(format!("x = {{1{}}}", "+1".repeat(OPERATORS_MAX + 1)), limit);
    check(format!("x = {{1{}}}", "*(1+1)".repeat(OPERATORS_MAX)), limit);
    check(format!("| extend x = 1{}", "/f(1-1)".repeat(OPERATORS_MAX)), limit);
    check(format!("x in (1{})", ",1".repeat(LIST_ITEMS_MAX - 1)), None);
    check(format!("x in (1{})", ",1".repeat(LIST_ITEMS_MAX)), limit);
    check(format!("a{}", " or a".repeat(LIST_ITEMS_MAX - 1)), None);
    check(format!("a{}", " or a".repeat(LIST_ITEMS_MAX)), limit);
    check(format!("a{}", " a".repeat(LIST_ITEMS_MAX - 1)), None);
    check(format!("a{}", " a".repeat(LIST_ITEMS_MAX)), limit);
    check(format!("(a{0}) (a{0})", " a".repeat(LIST_ITEMS_MAX / 2)), limit);
    check(format!("| stats count(){}", ", count()".repeat(LIST_ITEMS_MAX)), limit);
    check("| head 1 ".repeat(STAGES_MAX), None);
    check("| head 1 ".repeat(STAGES_MAX + 1), limit);
    check("a".repeat(QUERY_BYTES_MAX), None);
    check("a".repeat(QUERY_BYTES_MAX + 1), limit);
}

#[test]
fn time_grows_with_the_length_of_the_text_and_no_faster() {
    let length = QUERY_BYTES_MAX - 100;
    let fill = |piece: &str| piece.repeat(length / piece.len());
    let texts = [
        nested("(", "a", ")", 60),
        nested("((a or b) and ", "a", ")", 60),
        nested("x = {(1 + ", "a", ")}", 1),
        fill("("),
        fill("a "),
        fill("a\n#"),
        fill("#"),
        fill(" "),
        fill("\\\n"),
        format!("x = \"{}", fill("\\\"")),
        format!("x = \"{}\"", fill("\\\"")),
        fill("\"a\" "),
        fill("not "),
        fill("not in "),
        fill("a = "),
        fill("a=b "),
        fill("| "),
        fill("`"),
        fill("select "),
        fill("last "),
        fill("1_"),
        fill("1h"),
        format!("x = {}", fill("9")),
        format!("x = {}", fill("1h")),
        format!("| stats {}", fill("count() ")),
    ];
    for text in texts {
        let start = Instant::now();
        let _ = parse(&text);
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(2), "{taken:?} for {}", &text[..20]);
    }
}
