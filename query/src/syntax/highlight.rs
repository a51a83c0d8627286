//! What each part of a text is, for colouring; of any text, finished or not.

use super::ast::Span;
use super::lexical;
use super::scan::{Part, Scan, Shape};

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// `and`, `or`, `in`, `by`, `last` ...
    Keyword,
    /// The name of a stage.
    Stage,
    /// The name of a function or aggregate.
    Function,
    /// A field or column.
    Field,
    /// A comparison or arithmetic sign, a pipe.
    Operator,
    /// A bare value.
    Value,
    /// A number, duration or size.
    Number,
    /// Text in quotes.
    Quoted,
    /// `$name`
    Parameter,
    /// Parentheses, commas, spaces.
    Other,
    /// What cannot stand there.
    Wrong,
}

/// The parts of a text, in order, without gaps; none of an empty text.
pub fn highlight(text: &str) -> Vec<(Span, Token)> {
    Scan::new(text).parts.iter().map(|part| (part.span, part.token)).collect()
}

/// Whether a text is unfinished, so that a prompt should ask for another line: an open bracket or quote, or a pipe,
/// comma, operator or backslash at its end.
pub fn is_unfinished(text: &str) -> bool {
    let scan = Scan::new(text);
    if scan.frames.len() > 1 {
        return true;
    }
    let Some(part) = scan.parts.iter().rfind(|part| part.shape != Shape::Space) else { return false };
    let written = &text[part.span.start..part.span.end];
    goes_on(part, written)
}

/// Whether something must follow this part.
fn goes_on(part: &Part, written: &str) -> bool {
    match part.shape {
        Shape::Quoted { closed } => !closed,
        Shape::Sign => !written.starts_with([')', '}']),
        Shape::Word => {
            let joins = ["and", "or", "not", "in", "between", "like", "contains"];
            written.ends_with('\\')
                || part.token == Token::Keyword && joins.iter().any(|word| lexical::is_keyword(written, word))
        }
        Shape::Space => false,
    }
}
