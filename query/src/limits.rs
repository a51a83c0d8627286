//! Every bound of the query language, by name. Each is checked before anything is allocated.

/// Longest query text, in bytes.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of parentheses, braces, calls and queries.
pub const NESTING_MAX: usize = 64;

/// Most operators of one expression, calls within it included. With the nesting it bounds how deep the tree is.
pub const OPERATORS_MAX: usize = 256;

/// Most stages of one pipeline.
pub const STAGES_MAX: usize = 64;

/// Most items of one list: values of `in`, fields, keys, aggregates, arguments.
pub const LIST_ITEMS_MAX: usize = 4096;

/// Largest compiled regular expression, in bytes.
pub const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// Most regular expressions and globs of one query.
pub const PATTERNS_MAX: usize = 256;

/// Longest text that an expression makes, in bytes.
pub const COMPUTED_TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most bins of one timeline or histogram.
pub const BINS_MAX: u64 = 1_000_000;

/// Most distinct values that `related` follows.
pub const RELATED_VALUES_MAX: usize = 1_000_000;

/// Memory of one query unless its options say otherwise, in bytes.
pub const MEMORY_BYTES_DEFAULT: usize = 512 * 1024 * 1024;
