//! Text from a log is not trusted by the terminal; see [`escaped`].

pub(crate) use blotter::query::datum::{escaped, is_unsafe};
