//! The text being parsed, and how a parser says what it found or why it stopped.
//!
//! A parser takes the rest of the text and gives back what is left of it, so a place is the length of a rest.
//! It starts at a token, not at the space before it, and ends right after its last token.
//!
//! Nothing here recurses deeper than [`NESTING_MAX`](crate::limits::NESTING_MAX), and no expression has more than
//! [`OPERATORS_MAX`](crate::limits::OPERATORS_MAX) operators; so the tree can be walked and dropped by recursion.

use std::cell::Cell;

use nom::IResult;

use super::ast::{Span, Spanned};
use super::lexical;
use crate::error::{ErrorKind, QueryError};
use crate::limits::{LIST_ITEMS_MAX, NESTING_MAX, OPERATORS_MAX};

/// What a parser gives: the rest of the text and a node.
pub(super) type Parsed<'t, T> = IResult<&'t str, T, Problem>;

/// Why a parser stopped. `nom::Err::Error` says that it does not apply here, so that another may be tried;
/// `nom::Err::Failure` carries what is wrong.
#[derive(Debug)]
pub(super) struct Problem(Option<QueryError>);

impl Problem {
    /// What is wrong.
    pub(super) fn into_error(self) -> QueryError {
        self.0.unwrap_or_else(|| QueryError::new(ErrorKind::Syntax, "this is not a query"))
    }
}

impl<'t> nom::error::ParseError<&'t str> for Problem {
    fn from_error_kind(_: &'t str, _: nom::error::ErrorKind) -> Problem {
        Problem(None)
    }

    fn append(_: &'t str, _: nom::error::ErrorKind, other: Problem) -> Problem {
        other
    }
}

/// Stops parsing.
pub(super) fn fail<T>(error: QueryError) -> Result<T, nom::Err<Problem>> {
    Err(nom::Err::Failure(Problem(Some(error))))
}

/// The text, and how deep in it the parser is.
pub(super) struct Source<'t> {
    text: &'t str,
    nesting: Cell<usize>,
    expressions: Cell<usize>,
    operators: Cell<usize>,
}

impl<'t> Source<'t> {
    /// Of a text.
    pub(super) fn new(text: &'t str) -> Source<'t> {
        Source { text, nesting: Cell::new(0), expressions: Cell::new(0), operators: Cell::new(0) }
    }

    /// All of it.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// Bytes before a rest.
    pub(super) fn offset(&self, rest: &str) -> usize {
        self.text.len() - rest.len()
    }

    /// The place between two rests.
    pub(super) fn span(&self, from: &str, to: &str) -> Span {
        Span { start: self.offset(from), end: self.offset(to) }
    }

    /// A node that stands between two rests.
    pub(super) fn spanned<T>(&self, from: &str, to: &str, node: T) -> Spanned<T> {
        Spanned::new(node, self.span(from, to))
    }

    /// The rest after white space and comments.
    pub(super) fn space(&self, rest: &'t str) -> &'t str {
        lexical::space(self.text, rest)
    }

    /// The place of what stands next, and a description of it.
    pub(super) fn found(&self, rest: &'t str) -> (Span, String) {
        let rest = self.space(rest);
        let Some(first) = rest.chars().next() else {
            let end = self.text.trim_end().len().max(usize::from(!self.text.is_empty()));
            return (Span { start: end, end }, "the query ends here".to_owned());
        };
        let (after, word) = lexical::bare(rest);
        let (length, what) = match first {
            '"' | '\'' => (lexical::quoted_extent(rest).0, "text in quotes".to_owned()),
            '`' => (lexical::quoted_extent(rest).0, "a field".to_owned()),
            _ if !word.is_empty() => (rest.len() - after.len(), format!("'{}'", shortened(word))),
            '=' | '<' | '>' | '!' | '~' => {
                let sign = lexical::sign(rest).1;
                (sign.len(), format!("'{sign}'"))
            }
            _ => (first.len_utf8(), format!("'{}'", first.escape_debug())),
        };
        let start = self.offset(rest);
        (Span { start, end: start + length }, what)
    }

    /// The error that something else was expected here: a message, and beside the mark what was expected.
    pub(super) fn expected(&self, rest: &'t str, expected: &str) -> QueryError {
        let (span, found) = self.found(rest);
        let message = if self.space(rest).is_empty() {
            format!("the query ends where {expected} is expected")
        } else {
            format!("expected {expected}, found {found}")
        };
        QueryError::new(ErrorKind::Syntax, message).with_place(span, format!("{expected} goes here"))
    }

    /// Runs a parser one level deeper.
    pub(super) fn nested<T>(&self, at: &'t str, parser: impl FnOnce() -> Parsed<'t, T>) -> Parsed<'t, T> {
        let depth = self.nesting.get();
        if depth >= NESTING_MAX {
            let message = format!("nested more than {NESTING_MAX} levels deep");
            let error = QueryError::new(ErrorKind::TooComplex, message)
                .with_place(self.found(at).0, "too deep from here on")
                .with_hint("name parts of it with `extend`, or filter in several `where` stages");
            return fail(error);
        }
        self.nesting.set(depth + 1);
        let parsed = parser();
        self.nesting.set(depth);
        parsed
    }

    /// Runs a parser of an expression; the outermost one starts the count of operators.
    pub(super) fn expression<T>(&self, parser: impl FnOnce() -> Parsed<'t, T>) -> Parsed<'t, T> {
        let depth = self.expressions.get();
        if depth == 0 {
            self.operators.set(0);
        }
        self.expressions.set(depth + 1);
        let parsed = parser();
        self.expressions.set(depth);
        parsed
    }

    /// Counts an operator of the expression.
    pub(super) fn count_operator(&self, at: &'t str) -> Result<(), nom::Err<Problem>> {
        self.operators.set(self.operators.get() + 1);
        if self.operators.get() <= OPERATORS_MAX {
            return Ok(());
        }
        let message = format!("an expression of more than {OPERATORS_MAX} operators");
        let error = QueryError::new(ErrorKind::TooComplex, message)
            .with_place(self.found(at).0, "one too many")
            .with_hint("compute parts of it in an `extend` stage before");
        fail(error)
    }

    /// Checks the length of a list to which one more item is about to be added.
    pub(super) fn check_length(&self, items: usize, at: &'t str) -> Result<(), nom::Err<Problem>> {
        if items < LIST_ITEMS_MAX {
            return Ok(());
        }
        let message = format!("a list of more than {LIST_ITEMS_MAX} items");
        fail(QueryError::new(ErrorKind::TooComplex, message).with_place(self.found(at).0, "one too many"))
    }

    /// `item { "," item }`
    pub(super) fn list<T>(
        &self,
        input: &'t str,
        item: impl Fn(&'t str) -> Parsed<'t, T>,
    ) -> Parsed<'t, Vec<T>> {
        let (mut rest, first) = item(input)?;
        let mut items = vec![first];
        while let Some(after) = self.space(rest).strip_prefix(',') {
            let next = self.space(after);
            self.check_length(items.len(), next)?;
            let (after, one) = item(next)?;
            items.push(one);
            rest = after;
        }
        Ok((rest, items))
    }

    /// The closing bracket of what was opened at `open`.
    pub(super) fn close(
        &self,
        open: &'t str,
        rest: &'t str,
        bracket: char,
    ) -> Result<&'t str, nom::Err<Problem>> {
        let rest = self.space(rest);
        if let Some(after) = rest.strip_prefix(bracket) {
            return Ok(after);
        }
        let opened = open.chars().next().expect("a bracket was opened there");
        let error = if rest.is_empty() {
            let start = self.offset(open);
            QueryError::new(ErrorKind::Syntax, format!("'{opened}' is never closed"))
                .with_place(Span { start, end: start + 1 }, "opened here")
                .with_hint(format!("add the missing '{bracket}'"))
        } else {
            self.expected(rest, &format!("'{bracket}'"))
        };
        fail(error)
    }
}

/// A word as it is shown in a message; a long one is cut.
pub(super) fn shortened(word: &str) -> String {
    const CHARS_MAX: usize = 40;
    match word.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}
