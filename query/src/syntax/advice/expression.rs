//! Errors in expressions.

use super::super::ast::{Name, Span};
use super::super::lexical::{self, keyword};
use super::super::source::Source;
use super::super::words;
use super::wrong;
use crate::error::QueryError;

/// Where a value must start and none does.
pub(in super::super) fn operand<'t>(source: &Source<'t>, input: &'t str) -> QueryError {
    let error = source.expected(input, "a value");
    match input.chars().next() {
        Some('*') => error.with_hint("count() counts rows; columns are called by their names"),
        Some('+') => error.with_hint("a number stands without a +"),
        Some('[') => error.with_hint("group with parentheses"),
        Some('“' | '”' | '‘' | '’' | '„' | '«') => {
            error.with_hint("text stands in straight quotes: \"like this\"")
        }
        Some('=') => error.with_hint("one `=` gives a column its value: extend total = price * quantity"),
        Some(c) if c.is_alphabetic() => error.with_hint(format!(
            "a field of that name is written in backticks: {}",
            lexical::name_text(lexical::bare(input).1)
        )),
        _ => error,
    }
}

/// A comparison where a value is expected.
pub(in super::super) fn condition_in_expression<'t>(source: &Source<'t>, at: &'t str) -> QueryError {
    let (span, found) = source.found(at);
    wrong(span, format!("{found} compares, and this is a value"), "the value ends here")
        .with_hint("a condition within a value stands in if: if(price > 100, 1, 0)")
}

/// SQL's `case when`.
pub(in super::super) fn case_when(place: Span) -> QueryError {
    wrong(place, "there is no `case`", "a value goes here")
        .with_hint("write if(status = filled, quantity, 0)")
}

/// Arguments that an aggregate would take, in an expression.
pub(in super::super) fn arguments<'t>(
    source: &Source<'t>,
    function: &Name,
    first: &'t str,
) -> Option<QueryError> {
    let name = function.node.to_ascii_lowercase();
    if first.starts_with('*') {
        let error = source.expected(first, "a value");
        return Some(if name == "count" {
            error.with_hint("write count()")
        } else {
            error.with_hint("columns are called by their names")
        });
    }
    keyword(first, "where").is_some().then(|| {
        source
            .expected(first, "a value")
            .with_hint(format!("{name}(where ...) stands in a stage: | stats {name}(where side = BUY) as n"))
            .with_hint("later stages call it by that name")
    })
}

/// What an expression cannot go on with.
pub(super) fn after_expression<'t>(
    source: &Source<'t>,
    at: &'t str,
    error: QueryError,
) -> Option<QueryError> {
    if at.starts_with(['<', '>', '~', '!', '='])
        || lexical::keyword_of(at, &["and", "or", "in", "like"]).is_some()
    {
        return Some(condition_in_expression(source, at));
    }
    if at.starts_with(['"', '\'', '{', '(', '$']) {
        return Some(error.with_hint("an operator or a comma is missing before this"));
    }
    let word = lexical::identifier(at).ok()?.1;
    if words::has(words::STAGES, &word.to_ascii_lowercase()) {
        return Some(error.with_hint(format!("a stage starts with a pipe: | {word} ...")));
    }
    None
}
