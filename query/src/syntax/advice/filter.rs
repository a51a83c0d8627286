//! Errors in filters.

use super::super::ast::{Expr, ExprKind, Filter, FilterKind, Literal, LiteralKind};
use super::super::lexical::{self, is_keyword, keyword, keyword_of, name_text, quoted_text};
use super::super::source::{Source, shortened};
use super::super::{comparison, literal, words};
use super::wrong;
use crate::error::QueryError;

/// Where a condition must start and none does.
pub(in super::super) fn term<'t>(source: &Source<'t>, input: &'t str) -> QueryError {
    let error = source.expected(input, "a condition");
    let sign = lexical::sign(input).1;
    if sign == "!" {
        return error.with_hint("write `not` for the contrary: not status = filled");
    }
    if !sign.is_empty() {
        return error.with_hint(format!(
            "the field comes first: symbol {} AAPL",
            if sign == "=" { "=" } else { "!=" }
        ));
    }
    if input.starts_with('|') {
        return error.with_hint(either_pipe(source, input));
    }
    error
}

/// `||` is no `or`.
fn either_pipe<'t>(source: &Source<'t>, input: &'t str) -> &'static str {
    let before = &source.text()[..source.offset(input)];
    if input.starts_with("||") || before.trim_end().ends_with('|') {
        "write `or` between conditions"
    } else {
        "a condition is missing before the `|`"
    }
}

/// What stands after a complete condition and cannot go on it.
pub(in super::super) fn after_filter<'t>(
    source: &Source<'t>,
    at: &'t str,
    filter: &Filter,
    end: &str,
) -> QueryError {
    let error = source.expected(at, end);
    let before = source.text()[..source.offset(at)].trim_end();
    let last_word = before.rsplit(char::is_whitespace).next().unwrap_or("");
    if keyword(at, "by").is_some() {
        if end.contains(')') {
            return error.with_hint("close the parenthesis before `by`: asof (event = quote) by symbol");
        }
        return match last_word.to_ascii_lowercase().as_str() {
            "order" | "sort" => error.with_hint("to sort, write a stage: | sort ts desc"),
            "group" => error.with_hint("to group, write a stage: | stats count() by symbol"),
            _ => error.with_hint(
                "`by` belongs to a stage: | stats count() by symbol; to search for the word, quote it",
            ),
        };
    }
    if keyword(at, "where").is_some() {
        return error.with_hint(
            "conditions stand side by side without `where`; a later stage is written | where side = BUY",
        );
    }
    if at.starts_with(',') {
        return match (&filter.node, words::STAGES.iter().find(|(name, _)| before.contains(name))) {
            (FilterKind::Compare { .. }, _) => error.with_hint("to compare with several values, write symbol in (AAPL, MSFT)"),
            (_, Some((stage, _))) => error.with_hint(format!("a stage starts with a pipe: | {stage} ...")),
            _ => error.with_hint("conditions are joined with `and` or `or`; columns are chosen with a stage: | fields ts, symbol"),
        };
    }
    if at.starts_with(['=', '<', '>', '~']) {
        return error
            .with_hint("a comparison has one operator; join two with `and`, or write price between 1 and 2");
    }
    if at.starts_with(')') {
        return error.with_hint("there is no '(' that this would close");
    }
    error
}

/// A phrase that is empty, or stands where a field should.
pub(in super::super) fn phrase<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    text: &str,
) -> Option<QueryError> {
    let place = source.span(input, rest);
    if text.is_empty() {
        return Some(wrong(place, "an empty phrase", "a text to search for goes between the quotes"));
    }
    comparison::operator_follows(source, rest).then(|| {
        wrong(place, "the left of a comparison is a field, not text", "a field goes here")
            .with_hint(format!("write the field without quotes: {}", name_text(&shortened(text))))
    })
}

/// A bare word that is no search.
pub(in super::super) fn word<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &'t str,
) -> Option<QueryError> {
    let place = source.span(input, rest);
    let quoted = || format!("to search for the word itself, quote it: {}", quoted_text(word));
    if keyword_of(input, words::RESERVED).is_some() && comparison::operator_follows(source, rest) {
        return Some(
            wrong(
                place,
                format!("expected a condition, found the keyword '{word}'"),
                "a condition goes here",
            )
            .with_hint(format!("a field of that name is written in backticks: `{word}`"))
            .with_hint(quoted()),
        );
    }
    if keyword_of(input, &["and", "or", "in", "between", "like", "contains", "by", "where"]).is_some() {
        let error = wrong(
            place,
            format!("expected a condition, found the keyword '{word}'"),
            "a condition goes here",
        );
        return Some(if keyword(input, "where").is_some() {
            error.with_hint("a query starts with its condition, without `where`")
        } else {
            error.with_hint(quoted())
        });
    }
    if let Some(error) = unlikely_text(source, input, rest, word) {
        return Some(error);
    }
    if word.starts_with('$') {
        let error = wrong(place, "a parameter stands for a value", "a condition goes here");
        return Some(error.with_hint(format!("compare a field with it: symbol = {word}")));
    }
    if word.bytes().all(|byte| byte.is_ascii_punctuation()) {
        return Some(sign_word(source, input, rest, word));
    }
    if word.strip_suffix('*').unwrap_or(word).contains('*') {
        let error = wrong(
            place,
            "a `*` can only end a word",
            "a word, or the beginning of one with a * after it, goes here",
        );
        return Some(error.with_hint(format!("write message like \"*{}*\"", word.trim_matches('*'))));
    }
    if let Some((field, value)) = word.split_once(':')
        && lexical::is_identifier_text(field)
        && !value.is_empty()
    {
        let error = wrong(place, "a field is not compared with ':'", "a condition goes here");
        let value = if lexical::is_plain(value, "") { value.to_owned() } else { quoted_text(value) };
        return Some(error.with_hint(format!("write {} = {value}", name_text(field))).with_hint(quoted()));
    }
    words_of_other_languages(source, rest, word, place).map(|error| error.with_hint(quoted()))
}

/// A word of signs only.
fn sign_word<'t>(source: &Source<'t>, input: &'t str, rest: &'t str, word: &str) -> QueryError {
    let error = wrong(
        source.span(input, rest),
        format!("expected a condition, found '{word}'"),
        "a condition goes here",
    );
    match word {
        "*" if source.offset(input) == 0 => error.with_hint("to read every event, leave the condition out"),
        "+" | "-" | "*" | "/" | "%" | "->" => {
            error.with_hint("arithmetic in a condition stands in braces: fill_price > {bid * 1.01}")
        }
        "&" | "&&" => error.with_hint("write `and`, or nothing, between conditions"),
        ";" => error.with_hint("a query ends without a semicolon"),
        _ => error.with_hint(format!("to search for the text itself, quote it: {}", quoted_text(word))),
    }
}

/// A word that belongs to SQL, or to a stage that misses its pipe, given what stands right after it.
fn words_of_other_languages<'t>(
    source: &Source<'t>,
    rest: &'t str,
    word: &str,
    place: super::super::ast::Span,
) -> Option<QueryError> {
    let at = source.space(rest);
    let (after, next) = lexical::bare(at);
    if words::KEYWORDS.iter().any(|keyword| *keyword != "not" && is_keyword(next, keyword)) {
        return None;
    }
    let stage = |example: &str| {
        Some(
            wrong(place, format!("the stage '{word}' without a pipe"), "a condition goes here")
                .with_hint(format!("a stage starts with a pipe: | {example}")),
        )
    };
    match word.to_ascii_lowercase().as_str() {
        "select" if next.starts_with('*') || after_columns(source, at) => Some(
            wrong(place, "this is SQL", "a condition goes here").with_hint(
                "the condition comes first, then stages: symbol = AAPL | fields ts, price | sort ts desc | limit 10",
            ),
        ),
        "is" if ["null", "not", "missing"].iter().any(|word| next.eq_ignore_ascii_case(word)) => Some(
            wrong(place, "there is no `is`", "a condition goes here")
                .with_hint("write missing status, or exists status"),
        ),
        "explain" => stage("explain"),
        "head" | "limit" | "tail" | "top" | "sample"
            if matches!(literal::of_word(next).kind, LiteralKind::Number(_) | LiteralKind::Percent(_)) =>
        {
            stage(&format!("{} {next}", word.to_ascii_lowercase()))
        }
        "timeline" | "context" if matches!(literal::of_word(next).kind, LiteralKind::Duration(_)) => {
            stage(&format!("{} {next}", word.to_ascii_lowercase()))
        }
        "extend" if !next.is_empty() && comparison::operator_follows(source, after) => stage("extend total = price * quantity"),
        "stats" if !next.is_empty() && after.starts_with('(') => stage(&format!("stats {next}(...)")),
        "sort" if lexical::is_identifier_text(next) && sort_goes_on(source.space(after)) => {
            stage(&format!("sort {}", shortened(next)))
        }
        _ => None,
    }
}

fn sort_goes_on(at: &str) -> bool {
    at.is_empty() || at.starts_with(['|', ',']) || keyword_of(at, &["asc", "desc"]).is_some()
}

/// Whether columns and `from` stand here, as after `select`.
fn after_columns<'t>(source: &Source<'t>, at: &'t str) -> bool {
    let (rest, column) = lexical::bare(at);
    let next = source.space(rest);
    !column.is_empty() && (next.starts_with([',', '(']) || keyword(next, "from").is_some())
}

/// A bare word or value that was hardly meant as it stands.
fn unlikely_text<'t>(source: &Source<'t>, input: &'t str, rest: &'t str, word: &str) -> Option<QueryError> {
    let place = source.span(input, rest);
    let quoted = || format!("if the text is meant as it stands, quote it: {}", quoted_text(word));
    if word.contains("&&") {
        let error = wrong(
            place,
            "'&&' does not join conditions",
            "conditions are joined with `and`, or side by side",
        );
        return Some(error.with_hint("write `and`").with_hint(quoted()));
    }
    if word.starts_with('#') {
        let error = wrong(place, "a word cannot start with '#'", "# starts a comment");
        return Some(error.with_hint(quoted()));
    }
    if word.starts_with(['“', '”', '‘', '’', '„', '«']) {
        let error = wrong(place, "these are not the quotes of a query", "a text in \"quotes\" goes here");
        let inner = word.trim_matches(|c: char| "“”‘’„«»".contains(c));
        return Some(error.with_hint(format!("write {}", quoted_text(inner))));
    }
    if word.len() > 1 && word.ends_with(';') {
        let error = wrong(place, "a query ends without a semicolon", "remove the ;");
        return Some(error.with_hint(quoted()));
    }
    None
}

/// A value that is missing, or was hardly meant as it stands.
pub(in super::super) fn value<'t>(
    source: &Source<'t>,
    at: &'t str,
    rest: &'t str,
    word: &str,
) -> Option<QueryError> {
    if let Some(error) = text(source, at, rest, word) {
        return Some(error);
    }
    let place = source.span(at, rest);
    if is_keyword(word, "null") {
        let error = wrong(place, "null is no value to compare with", "a value goes here");
        return Some(
            error
                .with_hint("write missing status, or exists status")
                .with_hint("to compare with the text, quote it: \"null\""),
        );
    }
    if word.contains('*') && word.chars().any(char::is_alphanumeric) {
        let error = wrong(place, "`*` stands for itself here", "a value goes here");
        return Some(
            error
                .with_hint(format!("to match a pattern, write like {}", quoted_text(word)))
                .with_hint(format!("if the text is meant as it stands, quote it: {}", quoted_text(word))),
        );
    }
    let next = lexical::bare(source.space(rest)).1;
    if matches!(literal::of_word(word).kind, LiteralKind::Number(_))
        && !comparison::operator_follows(source, &source.space(rest)[next.len()..])
        && let Some(unit) = unit_of(next)
    {
        let place = source.span(at, &source.space(rest)[next.len()..]);
        let error = wrong(place, "a number and its unit are written together", "a value goes here");
        return Some(error.with_hint(format!("write {word}{unit}")));
    }
    time_apart(source, at, rest, word)
}

/// A text or pattern that is missing, or was hardly meant as it stands.
pub(in super::super) fn text<'t>(
    source: &Source<'t>,
    at: &'t str,
    rest: &'t str,
    word: &str,
) -> Option<QueryError> {
    if word.is_empty() {
        return Some(missing_value(source, at));
    }
    if keyword_of(at, &["and", "or", "not"]).is_some() {
        let error = source.expected(at, "a value");
        return Some(
            error.with_hint(format!("to compare with the word itself, quote it: {}", quoted_text(word))),
        );
    }
    unlikely_text(source, at, rest, word)
}

fn missing_value<'t>(source: &Source<'t>, at: &'t str) -> QueryError {
    let error = source.expected(at, "a value");
    let before = &source.text()[..source.offset(at)];
    let sign = lexical::sign(at).1;
    if !sign.is_empty() && before.trim_end().ends_with(['<', '>', '!', '=']) {
        let first = before.trim_end().chars().next_back().expect("a sign was seen");
        let joined: String = match (first, sign) {
            ('=', ">" | "<") => format!("{sign}="),
            _ => format!("{first}{sign}"),
        };
        return error.with_hint(format!("write the operator without a space: {joined}"));
    }
    if at.starts_with('(') {
        return error.with_hint(
            "one of several values is written symbol in (AAPL, MSFT); arithmetic stands in braces: {bid + 1}",
        );
    }
    error
}

/// The unit that a word says, as it is written.
pub(super) fn unit_of(word: &str) -> Option<&'static str> {
    const UNITS: &[(&str, &[&str])] = &[
        ("ns", &["ns", "nanosecond", "nanoseconds"]),
        ("us", &["us", "µs", "microsecond", "microseconds"]),
        ("ms", &["ms", "millisecond", "milliseconds", "millis"]),
        ("s", &["s", "sec", "secs", "second", "seconds"]),
        ("m", &["m", "min", "mins", "minute", "minutes"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("d", &["d", "day", "days"]),
        ("w", &["w", "week", "weeks"]),
        ("kb", &["kb"]),
        ("mb", &["mb"]),
        ("gb", &["gb"]),
        ("%", &["%", "percent"]),
        ("bps", &["bps"]),
    ];
    UNITS
        .iter()
        .find(|(_, words)| words.iter().any(|said| said.eq_ignore_ascii_case(word)))
        .map(|(unit, _)| *unit)
}

/// A date and a time of day with a space between them.
fn time_apart<'t>(source: &Source<'t>, at: &'t str, rest: &'t str, word: &str) -> Option<QueryError> {
    let next_at = source.space(rest);
    let (after, next) = lexical::bare(next_at);
    let is_date = word.len() == 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2;
    let is_time = next.starts_with(|c: char| c.is_ascii_digit()) && next.contains(':');
    (is_date && is_time && word.starts_with(|c: char| c.is_ascii_digit())).then(|| {
        wrong(source.span(at, after), "a date and its time are written together", "a time goes here")
            .with_hint(format!("write {word}T{}", shortened(next)))
    })
}

/// A comparison without an operator.
pub(in super::super) fn operator<'t>(source: &Source<'t>, at: &'t str, left: &Expr) -> QueryError {
    let error = source.expected(at, "a comparison");
    match &left.node {
        ExprKind::Call { function, .. } if super::super::aggregate::function(&function.node).is_some() => {
            error.with_hint(format!(
                "aggregates stand in a stage: | stats {}(...)",
                function.node.to_ascii_lowercase()
            ))
        }
        ExprKind::Call { function, .. } => {
            error.with_hint(format!("compare what it gives: {}(...) = 1", function.node))
        }
        _ => error.with_hint("compare it with a value, for example > 100"),
    }
}

/// What stands left of an operator and is no field.
pub(in super::super) fn left<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &str,
) -> QueryError {
    if let Some(error) = unlikely_text(source, input, rest, word) {
        return error;
    }
    let place = source.span(input, rest);
    let error =
        wrong(place, format!("'{}' is not the name of a field", shortened(word)), "a field goes here");
    if word.starts_with('$') {
        return error.with_hint("the field stands left of the operator and the parameter right of it");
    }
    if !matches!(literal::of_word(word).kind, LiteralKind::Word) {
        return error.with_hint("the field stands left of the operator and the value right of it: price > 5");
    }
    let error = error
        .with_hint(format!("a field of that name is written in backticks: {}", name_text(&shortened(word))));
    if word.contains(['+', '-', '*', '/', '%']) {
        return error.with_hint(format!("arithmetic stands in braces: {{{}}}", shortened(word)));
    }
    error
}

/// Signs that are no operator.
pub(in super::super) fn sign<'t>(source: &Source<'t>, at: &'t str, rest: &'t str, sign: &str) -> QueryError {
    let error = wrong(
        source.span(at, rest),
        format!("'{}' is not an operator", shortened(sign)),
        "one of = != < <= > >= ~ !~ goes here",
    );
    match sign {
        "=~" | "~~" | "~=" => error.with_hint("a regular expression is matched with ~"),
        "!=~" | "!~~" | "!~=" | "~!" => error.with_hint("a regular expression is not matched with !~"),
        "=>" => error.with_hint("write >="),
        "=<" => error.with_hint("write <="),
        "===" => error.with_hint("write ="),
        "!==" | "=!" | "=!=" | "><" => error.with_hint("write !="),
        _ => error,
    }
}

/// What stands after `in` and is no list.
pub(in super::super) fn list<'t>(source: &Source<'t>, at: &'t str) -> QueryError {
    let error = source.expected(at, "'('").with_hint("values stand in parentheses: symbol in (AAPL, MSFT)");
    if lexical::bare(at).1.is_empty() {
        error
    } else {
        error.with_hint("to search for the word \"in\", quote it")
    }
}

/// `exists(field)`
pub(in super::super) fn presence_in_parentheses<'t>(
    source: &Source<'t>,
    at: &'t str,
    keyword: &str,
) -> QueryError {
    let name = lexical::identifier(source.space(&at[1..])).map_or("status", |(_, name)| name);
    source
        .expected(at, "a field")
        .with_hint(format!("write it without parentheses: {keyword} {}", shortened(name)))
}

/// What stands after `last` and is no stretch of time.
pub(in super::super) fn last<'t>(
    source: &Source<'t>,
    term: &'t str,
    at: &'t str,
    found: &Literal,
) -> QueryError {
    let error = source.expected(at, "a duration");
    let rest = &at[found.text.len()..];
    let next_at = source.space(rest);
    let next = lexical::bare(next_at).1;
    let place = source.span(at, &next_at[next.len()..]);
    match (&found.kind, unit_of(next), unit_of(&found.text)) {
        (LiteralKind::Number(_), Some(unit), _) if unit != "%" => {
            wrong(place, "a number and its unit are written together", "a duration goes here")
                .with_hint(format!("write last {}{unit}", found.text))
        }
        (LiteralKind::Number(_), ..) => error.with_hint(format!("add a unit: last {}m", found.text)),
        (LiteralKind::Duration(_), ..) => error.with_hint(format!(
            "write it without a sign: last {}",
            found.text.trim_start_matches(['-', '+'])
        )),
        (_, _, Some(unit)) if unit != "%" => error.with_hint(format!("write last 1{unit}")),
        _ => error
            .with_hint("write last 15m")
            .with_hint(format!("to search for the word itself, quote it: \"{}\"", lexical::bare(term).1)),
    }
}

/// A parameter where a word must be written out.
pub(in super::super) fn parameter<'t>(source: &Source<'t>, at: &'t str, expected: &str) -> QueryError {
    source.expected(at, expected).with_hint(
        "a parameter stands for a value: right of = != < <= > >=, in lists, in between, in expressions",
    )
}

/// What stands after `since`, `until` or `on` and is no point in time.
pub(in super::super) fn time_point<'t>(
    source: &Source<'t>,
    at: &'t str,
    rest: &'t str,
    word: &str,
    what: &str,
) -> Option<QueryError> {
    let example = if what == "on" {
        "on 2026-01-02, on today"
    } else {
        "since 2026-01-02T09:30, since 09:30, since -2h"
    };
    let example = example.replace("since", what);
    if word.starts_with('$') {
        return Some(parameter(source, at, "a time").with_hint(format!("compare with it: ts >= {word}")));
    }
    if word.is_empty() || keyword_of(at, &["and", "or", "not"]).is_some() {
        let error = source.expected(at, "a time");
        return Some(
            error
                .with_hint(format!("write {example}"))
                .with_hint(format!("to search for the word itself, quote it: \"{what}\"")),
        );
    }
    if let LiteralKind::Number(_) = literal::of_word(word).kind {
        let unit = unit_of(lexical::bare(source.space(rest)).1).filter(|unit| *unit != "%");
        let error = source.expected(at, "a time");
        return Some(match unit {
            Some(unit) => error.with_hint(format!("write {what} -{word}{unit}")),
            None => error.with_hint(format!("write {example}")),
        });
    }
    unlikely_text(source, at, rest, word).or_else(|| time_apart(source, at, rest, word))
}
