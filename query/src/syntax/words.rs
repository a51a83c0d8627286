//! The words of the language: keywords, stages, aggregates, functions; what people say instead.

/// Every keyword. A field of that name is written in backticks.
pub(super) const KEYWORDS: &[&str] = &[
    "and", "or", "not", "in", "between", "like", "contains", "exists", "missing", "last", "since", "until",
    "on", "by", "as", "where", "within", "maxspan", "maxpause", "tz", "asc", "desc", "except", "left",
];

/// Words that are values of arithmetic.
pub(super) const CONSTANTS: &[&str] = &["true", "false", "null", "if"];

/// Keywords that a name cannot be without backticks, even where a name is all that can stand.
pub(super) const RESERVED: &[&str] = &[
    "and", "or", "not", "in", "between", "like", "by", "as", "where", "within", "maxspan", "maxpause", "asc",
    "desc", "true", "false", "null",
];

/// Keywords that start a term of a filter.
pub(super) const TERM_KEYWORDS: &[&str] = &["exists", "missing", "last", "since", "until", "on"];

/// Every stage, and what it does in a few words.
pub(super) const STAGES: &[(&str, &str)] = &[
    ("where", "keeps the rows that match"),
    ("fields", "picks and renames columns"),
    ("extend", "adds a computed column"),
    ("sort", "sorts the rows"),
    ("head", "the first rows"),
    ("limit", "the first rows"),
    ("tail", "the last rows"),
    ("distinct", "each combination once"),
    ("top", "the most frequent values"),
    ("sample", "some of the rows"),
    ("stats", "counts, sums, percentiles"),
    ("bin", "rounds a column down"),
    ("histogram", "counts by ranges of values"),
    ("timeline", "counts over time"),
    ("prev", "values of the row before"),
    ("next", "values of the row after"),
    ("delta", "change since the row before"),
    ("sessions", "stretches of activity"),
    ("related", "events that share a value"),
    ("context", "events around each match"),
    ("asof", "the latest row before each"),
    ("join", "rows of another query"),
    ("lifecycle", "what became of each order"),
    ("gaps", "what is missing"),
    ("tz", "the time zone from here on"),
    ("explain", "how the query is run"),
];

/// Every aggregate without the percentiles, and how it is called.
pub(super) const AGGREGATES: &[(&str, &str)] = &[
    ("count", "count(), count(x), count(where ...)"),
    ("sum", "sum(x)"),
    ("avg", "avg(x)"),
    ("min", "min(x)"),
    ("max", "max(x)"),
    ("stddev", "stddev(x), of a sample"),
    ("median", "median(x)"),
    ("distinct", "distinct(x), number of values"),
    ("first", "first(x), of the earliest row"),
    ("last", "last(x), of the latest row"),
    ("arg_max", "arg_max(x, y), y where x is greatest"),
    ("arg_min", "arg_min(x, y), y where x is least"),
    ("rate", "rate(), rate(x), per second"),
];

/// The percentiles that are offered; any number up to 100 can stand after the p.
pub(super) const PERCENTILES: &[&str] = &["p50", "p75", "p90", "p95", "p99", "p99.9"];

/// Every function of expressions, and how it is called.
pub(super) const FUNCTIONS: &[(&str, &str)] = &[
    ("if", "if(condition, then, otherwise)"),
    ("abs", "abs(x)"),
    ("round", "round(x[, digits])"),
    ("floor", "floor(x)"),
    ("ceil", "ceil(x)"),
    ("sqrt", "sqrt(x)"),
    ("ln", "ln(x)"),
    ("exp", "exp(x)"),
    ("pow", "pow(x, y)"),
    ("sign", "sign(x)"),
    ("min_of", "min_of(a, b, ...)"),
    ("max_of", "max_of(a, b, ...)"),
    ("coalesce", "coalesce(a, b, ...), the first there is"),
    ("lower", "lower(text)"),
    ("upper", "upper(text)"),
    ("trim", "trim(text)"),
    ("length", "length(text), in characters"),
    ("substring", "substring(text, start[, length]), from 1"),
    ("replace", "replace(text, from, to)"),
    ("concat", "concat(a, b, ...)"),
    ("starts_with", "starts_with(text, prefix)"),
    ("ends_with", "ends_with(text, suffix)"),
    ("split", "split(text, separator, n), from 1"),
    ("extract", "extract(text, \"regex\"[, group])"),
    ("to_number", "to_number(text)"),
    ("to_text", "to_text(x)"),
    ("now", "now()"),
    ("date", "date(ts[, zone])"),
    ("time_of_day", "time_of_day(ts[, zone])"),
    ("hour", "hour(ts[, zone])"),
    ("minute", "minute(ts[, zone])"),
    ("weekday", "weekday(ts[, zone]), Monday is 1"),
    ("bin", "bin(x, width[, zone])"),
    ("seconds", "seconds(duration)"),
    ("millis", "millis(duration)"),
    ("micros", "micros(duration)"),
    ("nanos", "nanos(duration)"),
];

/// The names of a table of words.
pub(super) fn names(table: &'static [(&'static str, &'static str)]) -> impl Iterator<Item = &'static str> {
    table.iter().map(|(name, _)| *name)
}

/// Whether a word is in a table.
pub(super) fn has(table: &[(&str, &str)], word: &str) -> bool {
    table.iter().any(|(name, _)| *name == word)
}
