//! What can stand at the cursor.

use crate::vocabulary::Vocabulary;

use super::ast::Span;

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What is put in place of [`Completion::replaced`].
    pub text: String,
    /// What it is, in a few words: `field`, `stage`, `value of symbol`.
    pub what: String,
}

/// See [`complete`].
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The bytes of the text that a suggestion replaces.
    pub replaced: Span,
    /// The suggestions, best first.
    pub suggestions: Vec<Suggestion>,
}

/// What can stand at a byte of the text, given what stands before it.
pub fn complete(_text: &str, cursor: usize, _vocabulary: &Vocabulary) -> Completion {
    Completion { replaced: Span { start: cursor, end: cursor }, suggestions: Vec::new() }
}
