//! Text to syntax tree. The only user of nom.

pub mod ast;
mod complete;
mod highlight;

pub use ast::{Query, Span};
pub use complete::{Completion, Suggestion, complete};
pub use highlight::{Token, highlight, is_unfinished};

use crate::error::{ErrorKind, QueryError, Result};

/// Parses a query.
///
/// # Errors
/// What is wrong, where, and what was expected there.
pub fn parse(text: &str) -> Result<Query> {
    Err(QueryError::new(ErrorKind::Syntax, "not built").with_text(text))
}
