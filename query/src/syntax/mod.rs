//! Text to syntax tree, and back. The only user of nom.
//!
//! - `lexical`, `literal`, `words`: letters, numbers, the words of the language
//! - `arithmetic`, `comparison`, `time`, `filter`, `aggregate`, `stage*`: one file per noun of the grammar
//! - `advice`: what is wrong, and what to write instead
//! - `print`, `names`: a tree as text, and the names its columns get
//! - `scan`, `highlight`, `complete`: texts that are being written, finished or not

mod advice;
mod aggregate;
mod arithmetic;
pub mod ast;
mod columns;
mod comparison;
mod complete;
mod filter;
mod highlight;
mod lexical;
mod literal;
pub(crate) mod names;
mod print;
mod scan;
mod source;
mod stage;
mod stage_other_rows;
mod stage_summary;
mod time;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use ast::{Query, Span};
pub use complete::{Completion, Suggestion, Words, complete};
pub use highlight::{Token, highlight, is_unfinished};
pub(crate) use lexical::quoted_text;

use source::Source;

use crate::error::{ErrorKind, QueryError, Result};
use crate::limits::QUERY_BYTES_MAX;

/// Parses a query.
///
/// # Errors
/// What is wrong, where, and what was expected there.
pub fn parse(text: &str) -> Result<Query> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query has {} bytes, and at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(QueryError::new(ErrorKind::TooComplex, message));
    }
    let source = Source::new(text);
    match stage::query(&source, text, false) {
        Ok((rest, query)) => {
            assert!(rest.is_empty(), "a query is parsed to its end");
            Ok(query)
        }
        Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
            Err(problem.into_error().with_text(text))
        }
        Err(nom::Err::Incomplete(_)) => unreachable!("the text is complete"),
    }
}

/// Whether a word is the name of an aggregate.
pub(crate) fn is_aggregate(word: &str) -> bool {
    aggregate::function(word).is_some()
}

/// The nanoseconds of a stretch of time as it is written: `1h30m`, `-1.5ms`.
pub(crate) fn duration(text: &str) -> Option<i64> {
    literal::duration(text)
}
