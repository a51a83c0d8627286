//! What is wrong with a query, or stopped it: the place in the text, what was expected, and a hint.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

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
    /// What is written is longer, deeper or more than the bounds of [`limits`](crate::limits) allow.
    TooComplex,
    /// A bound met while running: of [`limits`](crate::limits), or the memory allowed to the query.
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

    /// Several lines, as compilers show errors: the message, the place in the query, what was expected there, and
    /// hints. Whatever the query holds, nothing in them commands a terminal but the colours that are asked for.
    pub fn render(&self, color: bool) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(harmless(self.message())));
        if let (Some(span), Some(text)) = (self.span(), self.text()) {
            let view = View::around(text, span);
            let annotation = AnnotationKind::Primary.span(view.marked.start..view.marked.end);
            let label = (!self.label().is_empty()).then(|| harmless(self.label()));
            let snippet =
                Snippet::source(view.text).line_start(view.line).annotation(annotation.label(label));
            group = group.element(snippet);
        }
        for hint in self.hints() {
            group = group.element(Level::HELP.with_name("hint").message(harmless(hint)));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// One line: `unknown field 'latncy_us' at 1:8; hint: did you mean 'latency_us'?`
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.0.message))?;
        if let (Some(span), Some(text)) = (self.span(), self.text()) {
            let before = &text[..char_boundary_before(text, span.start)];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            write!(f, " at {line}:{column}")?;
        }
        if !self.label().is_empty() {
            write!(f, ": {}", harmless(self.label()))?;
        }
        for hint in self.hints() {
            write!(f, "; hint: {}", harmless(hint))?;
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

/// The part of a query around a place, as it can be shown, and where the place is in it.
struct View {
    text: String,
    /// The number of its first line.
    line: usize,
    marked: Span,
}

impl View {
    /// Most characters shown before and after the start of the place, and of the place itself.
    const CHARS_MAX: usize = 60;

    /// The line in which the place starts, or what is near in a long one. A place ends with its line at the latest.
    fn around(text: &str, span: Span) -> View {
        let start = char_boundary_before(text, span.start);
        let end = char_boundary_before(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let (before, rest) = (&text[line_start..start], &text[start..line_end]);
        let (marked, after) = rest.split_at((end - start).min(rest.len()));
        let mut view = View {
            text: String::new(),
            line: text[..line_start].matches('\n').count() + 1,
            marked: Span::default(),
        };
        let skipped = before.chars().count().saturating_sub(View::CHARS_MAX);
        if skipped > 0 {
            view.text.push('…');
        }
        view.push(before.chars().skip(skipped));
        view.marked.start = view.text.len();
        view.push(marked.chars().take(View::CHARS_MAX));
        view.marked.end = view.text.len();
        if marked.chars().nth(View::CHARS_MAX).is_some() {
            view.text.push('…');
        } else {
            view.push(after.chars().take(View::CHARS_MAX));
            if after.chars().nth(View::CHARS_MAX).is_some() {
                view.text.push('…');
            }
        }
        view
    }

    fn push(&mut self, characters: impl Iterator<Item = char>) {
        self.text.extend(characters.filter(|c| *c != '\r').map(harmless_char));
    }
}

/// The character boundary at or before a byte.
fn char_boundary_before(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0)
}

/// A text that moves no cursor, changes no colour and turns no line around.
fn harmless(text: &str) -> String {
    text.chars().map(harmless_char).collect()
}

fn harmless_char(c: char) -> char {
    match c {
        '\t' | '\n' => ' ',
        c if is_harmful(c) => '\u{fffd}',
        c => c,
    }
}

/// Whether a character does something to a terminal or to the order of letters, rather than being shown.
pub(crate) fn is_harmful(c: char) -> bool {
    match c {
        // Marks that change the direction of what follows, or are not seen.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control(),
    }
}
