//! What is wrong, in words that help: for each place where parsing stops, the error with what to write instead.
//!
//! Some texts would parse and yet mean something else than their writer thinks: `latency_us > 5 ms` would search for the
//! word "ms". They are refused here too. Such a check looks only at what follows side by side, never at more, so that
//! the printed form of a tree, which writes every `and`, never runs into one.

mod expression;
mod filter;
mod stage;

pub(super) use expression::*;
pub(super) use filter::*;
pub(super) use stage::*;

use super::ast::Span;
use crate::error::{ErrorKind, QueryError};

/// A syntax error at a place, with what is expected there.
fn wrong(span: Span, message: impl Into<String>, label: impl Into<String>) -> QueryError {
    QueryError::new(ErrorKind::Syntax, message).with_place(span, label)
}
