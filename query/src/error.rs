//! What is wrong with a query, or stopped it: the place in the text, what was expected, and a hint.

use std::fmt;

use crate::syntax::ast::Span;

/// Result of the fallible operations of this package.
pub type Result<T, E = QueryError> = std::result::Result<T, E>;

/// Why a query failed.
///
/// `Display` gives one line; [`QueryError::render`] the text with the place marked, as compilers do.
#[derive(Clone, Debug)]
pub struct QueryError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<(Span, String)>,
    hints: Vec<String>,
    text: Option<String>,
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a query.
    Syntax,
    /// A name is not known: of a field, function, stage, zone, parameter.
    UnknownName,
    /// A value is of a type that the operation does not take.
    Type,
    /// A number, time or pattern that cannot be used where it stands.
    Value,
    /// A bound of [`limits`](crate::limits), or the memory allowed to the query.
    Limit,
    /// The time allowed to the query.
    Timeout,
    /// The query was cancelled.
    Cancelled,
    /// The database failed.
    Database,
}

impl QueryError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> QueryError {
        let message = message.into();
        QueryError(Box::new(Inner { kind, message, place: None, hints: Vec::new(), text: None }))
    }

    /// An error at a place.
    pub fn at(kind: ErrorKind, span: Span, message: impl Into<String>) -> QueryError {
        QueryError::new(kind, message).with_place(span, "")
    }

    /// Marks a place; the label stands beside the mark, and says what was expected there.
    pub fn with_place(mut self, span: Span, label: impl Into<String>) -> QueryError {
        self.0.place = Some((span, label.into()));
        self
    }

    /// Marks a place unless one is marked already.
    pub fn or_place(self, span: Span) -> QueryError {
        if self.0.place.is_some() { self } else { self.with_place(span, "") }
    }

    /// Adds a way on, without the word `hint`.
    pub fn with_hint(mut self, hint: impl Into<String>) -> QueryError {
        self.0.hints.push(hint.into());
        self
    }

    /// Remembers the query, so that the place can be shown.
    pub fn with_text(mut self, text: &str) -> QueryError {
        self.0.text.get_or_insert_with(|| text.to_owned());
        self
    }

    /// What kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, in bytes of the query.
    pub fn span(&self) -> Option<Span> {
        self.0.place.as_ref().map(|(span, _)| *span)
    }

    /// What was expected there; empty if there is no more to say.
    pub fn label(&self) -> &str {
        self.0.place.as_ref().map_or("", |(_, label)| label)
    }

    /// Ways on.
    pub fn hints(&self) -> impl Iterator<Item = &str> {
        self.0.hints.iter().map(String::as_str)
    }

    /// The query, if it is known.
    pub fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }
}

/// One line: `unknown field 'latncy_us' at 1:8; hint: did you mean 'latency_us'?`
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let (Some(span), Some(text)) = (self.span(), self.text()) {
            let before = &text[..text.floor_char_boundary(span.start.min(text.len()))];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            write!(f, " at {line}:{column}")?;
        }
        if !self.label().is_empty() {
            write!(f, ": {}", self.label())?;
        }
        for hint in self.hints() {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for QueryError {}

impl From<blotter_engine::Error> for QueryError {
    fn from(error: blotter_engine::Error) -> QueryError {
        QueryError::new(ErrorKind::Database, error.to_string())
    }
}
