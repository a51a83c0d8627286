//! Errors in stages and aggregates.

use super::super::ast::{Literal, LiteralKind};
use super::super::lexical::{self, is_keyword, keyword};
use super::super::source::{Source, shortened};
use super::super::words;
use super::expression::after_expression;
use super::filter::unit_of;
use super::wrong;
use crate::error::{ErrorKind, QueryError};
use crate::nearest::did_you_mean;

/// What other languages call a stage, and what to write.
const SYNONYMS: &[(&str, &str)] = &[
    ("select", "fields ts, symbol"),
    ("project", "fields ts, symbol"),
    ("keep", "fields ts, symbol"),
    ("table", "fields ts, symbol"),
    ("columns", "fields ts, symbol"),
    ("rename", "fields ts, symbol as ticker"),
    ("drop", "fields except message"),
    ("filter", "where side = BUY"),
    ("search", "where side = BUY"),
    ("having", "where count > 10"),
    ("order", "sort ts desc"),
    ("reverse", "sort ts desc"),
    ("take", "head 10"),
    ("first", "head 10"),
    ("last", "tail 10"),
    ("eval", "extend total = price * quantity"),
    ("let", "extend total = price * quantity"),
    ("set", "extend total = price * quantity"),
    ("group", "stats count() by symbol"),
    ("summarize", "stats count() by symbol"),
    ("aggregate", "stats count() by symbol"),
    ("uniq", "distinct symbol"),
    ("unique", "distinct symbol"),
    ("dedup", "distinct symbol"),
    ("count", "stats count()"),
    ("timechart", "timeline 5m by category"),
    ("lag", "prev price by symbol"),
    ("lead", "next price by symbol"),
    ("diff", "delta price by symbol"),
    ("transaction", "sessions by correlation_id maxspan 5m"),
    ("around", "context 5s 5s"),
    ("union", "join (category = order) on order_id"),
    ("lookup", "join (category = order) on order_id"),
];

/// Keywords with which a stage goes on.
const CLAUSE_KEYWORDS: &[&str] =
    &["by", "as", "where", "within", "maxspan", "maxpause", "tz", "desc", "asc", "on"];

/// A pipe without a stage after it.
pub(in super::super) fn stage_missing<'t>(source: &Source<'t>, pipe: &'t str, input: &'t str) -> QueryError {
    if let Some(after) = input.strip_prefix('|') {
        let place = source.span(pipe, after);
        return wrong(place, "a stage is missing between the pipes", "a stage goes here")
            .with_hint("write `or` between conditions");
    }
    let error = source.expected(input, "a stage");
    if input.is_empty() || input.starts_with(')') {
        return error.with_hint("remove the last `|`, or write a stage after it: | limit 10");
    }
    error.with_hint("after a pipe stands a stage: | where symbol = AAPL, | sort ts, | stats count()")
}

/// A word that is no stage.
pub(in super::super) fn unknown_stage<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &str,
) -> QueryError {
    let place = source.span(input, rest);
    let error = QueryError::new(ErrorKind::UnknownName, format!("unknown stage '{}'", shortened(word)))
        .with_place(place, "a stage goes here");
    let folded = word.to_ascii_lowercase();
    if lexical::sign(source.space(rest)).1.len() == 1 && source.space(rest).starts_with('=') {
        return error
            .with_hint(format!("to compute a column, write | extend {word} = ..."))
            .with_hint(format!("to filter, write | where {word} = ..."));
    }
    if let Some((_, stage)) = SYNONYMS.iter().find(|(said, _)| *said == folded) {
        return error.with_hint(format!("write | {stage}"));
    }
    if super::super::aggregate::function(word).is_some() {
        return error.with_hint(format!("aggregates stand in a stage: | stats {folded}(...)"));
    }
    match did_you_mean(&folded, words::names(words::STAGES)) {
        Some(hint) => error.with_hint(hint),
        None => {
            let stages: Vec<&str> = words::names(words::STAGES).collect();
            error.with_hint(format!("the stages are {}", stages.join(", ")))
        }
    }
}

/// What stands after a complete stage and cannot go on it.
pub(in super::super) fn after_stage<'t>(source: &Source<'t>, at: &'t str, stage_at: &'t str) -> QueryError {
    let stage = lexical::identifier(stage_at).map_or("", |(_, word)| word).to_ascii_lowercase();
    let error = source.expected(at, "'|'");
    if at.starts_with(')') {
        return error.with_hint("there is no '(' that this would close");
    }
    let group_by = keyword(at, "group").or_else(|| keyword(at, "order"));
    if let Some(rest) = group_by
        && keyword(source.space(rest), "by").is_some()
    {
        return error.with_hint("write `by` alone to group, and `| sort ts` to order");
    }
    let hint = match stage.as_str() {
        "where" => return super::filter::after_filter(source, at, &unknown_filter(), "'|'"),
        "stats" if at.starts_with(['+', '-', '*', '/', '%']) => {
            "compute with aggregates in the next stage: | stats sum(a) as x, sum(b) as y | extend ratio = x / y"
        }
        "stats" if lexical::identifier(at).is_ok_and(|(rest, _)| rest.starts_with('(')) => {
            "separate aggregates with commas"
        }
        "stats" | "top" if at.starts_with(['=', '<', '>']) => {
            "filter the result in a later stage: | where count > 10"
        }
        "sort" if lexical::is_keyword(lexical::bare(at).1, "descending") => "write desc",
        "sort" if lexical::is_keyword(lexical::bare(at).1, "ascending") => "write asc",
        "head" | "limit" | "tail" | "sample" => "only a number of rows follows",
        "gaps" | "explain" => "nothing follows this stage",
        "lifecycle" if keyword(at, "by").is_some() => {
            "there is one row per order; group them in the next stage: | stats count() by status"
        }
        "lifecycle" => super::super::stage_other_rows::LIFECYCLE,
        "extend" if keyword(at, "as").is_some() => {
            "the column's name comes first: extend total = price * quantity"
        }
        "context" if lexical::bare(at).1.starts_with(|c: char| c.is_ascii_digit()) => {
            "two durations, before and after, then `where` or `by`: context 5s 5s where level >= warn"
        }
        "join" if lexical::keyword_of(at, &["and"]).is_some() => {
            "separate the fields with commas: on a = b, c"
        }
        "related" if at.starts_with([',', '=']) => "write related order_id -> correlation_id",
        _ => {
            let word = lexical::bare(at).1;
            let fallback = error.clone();
            return after_expression(source, at, error).unwrap_or_else(|| {
                match did_you_mean(word, CLAUSE_KEYWORDS.iter().copied()) {
                    _ if word.is_empty() => fallback,
                    Some(hint) => fallback.with_hint(hint),
                    None => {
                        fallback.with_hint("separate several with commas, and start a new stage with a pipe")
                    }
                }
            });
        }
    };
    error.with_hint(hint)
}

/// A condition of which nothing is known.
fn unknown_filter() -> super::super::ast::Filter {
    let node = super::super::ast::FilterKind::Phrase(String::new());
    super::super::ast::Filter::new(node, super::super::ast::Span::default())
}

/// What stands where an aggregate must.
pub(in super::super) fn aggregate<'t>(source: &Source<'t>, input: &'t str) -> QueryError {
    source.expected(input, "an aggregate").with_hint("write count(), avg(price), p99(latency_us) ...")
}

/// A word that is no aggregate.
pub(in super::super) fn unknown_aggregate<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &str,
) -> QueryError {
    if keyword(input, "by").is_some() {
        return source
            .expected(input, "an aggregate")
            .with_hint("say what is computed: stats count() by symbol");
    }
    let place = source.span(input, rest);
    if !source.space(rest).starts_with('(') {
        return source
            .expected(input, "an aggregate")
            .with_hint(format!("to group, write it after by: stats count() by {}", shortened(word)))
            .with_hint("an aggregate is written as a call: count(), avg(price)");
    }
    let error = QueryError::new(ErrorKind::UnknownName, format!("unknown aggregate '{}'", shortened(word)))
        .with_place(place, "an aggregate goes here");
    let folded = word.to_ascii_lowercase();
    let synonym = match folded.as_str() {
        "mean" | "average" => Some("avg"),
        "dcount" | "count_distinct" | "uniq" | "dc" => Some("distinct"),
        "std" | "stdev" => Some("stddev"),
        "earliest" => Some("first"),
        "latest" => Some("last"),
        "argmax" => Some("arg_max"),
        "argmin" => Some("arg_min"),
        "percentile" | "quantile" | "perc" => Some("p99"),
        _ => None,
    };
    if let Some(synonym) = synonym {
        return error.with_hint(format!("write {synonym}(...)"));
    }
    if words::has(words::FUNCTIONS, &folded) {
        return error
            .with_hint(format!("{folded} is computed per row: avg({folded}(...)), or by {folded}(...)"));
    }
    if folded.strip_prefix('p').is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit())) {
        return error.with_hint("percentiles are above p0 and at most p100, for example p99 or p99.9");
    }
    match did_you_mean(&folded, words::names(words::AGGREGATES)) {
        Some(hint) => error.with_hint(hint),
        None => {
            let aggregates: Vec<&str> = words::names(words::AGGREGATES).collect();
            error.with_hint(format!("the aggregates are {}, and p50 to p99.9", aggregates.join(", ")))
        }
    }
}

/// `stats count by symbol`
pub(in super::super) fn aggregate_without_call<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &str,
) -> QueryError {
    let argument = if is_keyword(word, "count") || is_keyword(word, "rate") { "" } else { "price" };
    wrong(source.span(input, rest), format!("{word} is written as a call"), "'(' goes after this")
        .with_hint(format!("write {word}({argument})"))
}

/// Arguments that SQL would take.
pub(in super::super) fn aggregate_arguments<'t>(
    source: &Source<'t>,
    word: &str,
    first: &'t str,
) -> Option<QueryError> {
    if first.starts_with('*') {
        let error = source.expected(first, "a value or ')'");
        return Some(
            error
                .with_hint(format!("write {word}({})", if is_keyword(word, "count") { "" } else { "price" })),
        );
    }
    let distinct = keyword(first, "distinct")?;
    let next = source.space(distinct);
    let (_, name) = lexical::identifier(next).ok()?;
    let error = source.expected(first, "a value");
    Some(error.with_hint(format!("the number of different values is distinct({})", shortened(name))))
}

/// A condition without `where`, as in `count(status = filled)`.
pub(in super::super) fn condition_in_aggregate<'t>(
    source: &Source<'t>,
    word: &str,
    first: &'t str,
    at: &'t str,
) -> Option<QueryError> {
    let compares = at.starts_with(['=', '<', '>', '!', '~'])
        || lexical::keyword_of(at, &["in", "like", "between"]).is_some();
    compares.then(|| {
        let (span, found) = source.found(at);
        let condition =
            shortened(source.text()[source.offset(first)..].split(')').next().unwrap_or("").trim());
        wrong(span, format!("{found} compares, and {word} takes values"), "the value ends here")
            .with_hint(format!("a condition stands after where: {word}(where {condition})"))
    })
}

/// A bound that is given a second time.
pub(in super::super) fn twice<'t>(source: &Source<'t>, at: &'t str, word: &str) -> QueryError {
    wrong(source.found(at).0, format!("{word} is given twice"), "one is enough")
}

/// Sessions that would never end.
pub(in super::super) fn endless_sessions<'t>(
    source: &Source<'t>,
    stage: &'t str,
    rest: &'t str,
) -> QueryError {
    let place = source.span(stage, rest);
    let error = wrong(place, "nothing says when a session ends", "'maxspan' or 'maxpause' goes after this");
    let next = lexical::bare(source.space(rest)).1;
    match did_you_mean(next, ["maxspan", "maxpause"]) {
        Some(hint) => error.with_hint(hint),
        None => error.with_hint(
            "write maxspan 5m for the longest session, or maxpause 30s for the longest silence within one",
        ),
    }
}

/// What stands where a stretch of time must.
pub(in super::super) fn duration<'t>(
    source: &Source<'t>,
    at: &'t str,
    found: &Literal,
    example: &str,
) -> QueryError {
    let error = source.expected(at, "a duration");
    match found.kind {
        LiteralKind::Number(_) => {
            let next = lexical::bare(source.space(&at[found.text.len()..])).1;
            let unit = unit_of(next).filter(|unit| *unit != "%");
            error.with_hint(match unit {
                Some(unit) => format!("a number and its unit are written together: {}{unit}", found.text),
                None => format!("add a unit: {}s", found.text),
            })
        }
        LiteralKind::Duration(_) => {
            error.with_hint(format!("write it without a sign: {}", found.text.trim_start_matches(['-', '+'])))
        }
        _ => error.with_hint(format!("write {example}")),
    }
}

/// A join by something else than equality.
pub(in super::super) fn join_sign<'t>(
    source: &Source<'t>,
    at: &'t str,
    rest: &'t str,
    sign: &str,
) -> QueryError {
    wrong(
        source.span(at, rest),
        format!("rows are joined where fields are equal, not by '{sign}'"),
        "'=' goes here",
    )
    .with_hint("filter the joined rows in a later stage: | where price > {bid}")
}
