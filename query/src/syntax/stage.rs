//! The pipeline: a filter, and stages after pipes. The stages that pick, order and reshape rows are parsed here; those
//! that summarise and those that bring in other rows have files of their own.

use super::aggregate::{aggregate, alias};
use super::arithmetic::expression;
use super::ast::{Expr, LiteralKind, Name, Named, Query, Sample, ShiftKind, SortKey, Spanned, Stage};
use super::lexical::{self, keyword};
use super::source::{Parsed, Problem, Source, fail};
use super::{advice, filter, literal, stage_other_rows, stage_summary, time};
use crate::error::{ErrorKind, QueryError};
use crate::limits::STAGES_MAX;

/// `[filter] { "|" stage }`, to the end of the text or, of a query within another, to its closing parenthesis.
pub(super) fn query<'t>(source: &Source<'t>, input: &'t str, within: bool) -> Parsed<'t, Query> {
    let ends = |at: &str| at.is_empty() || within && at.starts_with(')');
    let mut at = source.space(input);
    let mut query = Query::default();
    if !ends(at) && !at.starts_with('|') {
        let (rest, condition) = filter::filter(source, at)?;
        at = source.space(rest);
        if !ends(at) && !at.starts_with('|') {
            let end = if within { "'|' or ')'" } else { "'|'" };
            return fail(advice::after_filter(source, at, &condition, end));
        }
        query.filter = Some(condition);
    }
    while !ends(at) {
        if query.stages.len() >= STAGES_MAX {
            let error = QueryError::new(ErrorKind::TooComplex, format!("more than {STAGES_MAX} stages"))
                .with_place(source.found(at).0, "one too many");
            return fail(error);
        }
        let stage_at = source.space(&at[1..]);
        let (rest, stage) = stage(source, at, stage_at)?;
        let explain = stage == Stage::Explain;
        query.stages.push(source.spanned(stage_at, rest, stage));
        at = source.space(rest);
        if !ends(at) && !at.starts_with('|') {
            return fail(advice::after_stage(source, at, stage_at));
        }
        if explain && !at.is_empty() {
            let error = QueryError::new(ErrorKind::Syntax, "nothing follows explain")
                .with_place(source.found(at).0, "after explain")
                .with_hint("move `| explain` to the end of the query");
            return fail(error);
        }
    }
    Ok((at, query))
}

fn stage<'t>(source: &Source<'t>, pipe: &'t str, input: &'t str) -> Parsed<'t, Stage> {
    let Ok((rest, word)) = lexical::identifier(input) else {
        return fail(advice::stage_missing(source, pipe, input));
    };
    let at = source.space(rest);
    let folded = word.to_ascii_lowercase();
    match if lexical::is_keyword(word, &folded) { folded.as_str() } else { word } {
        "where" => {
            let (rest, condition) = filter::filter(source, at)?;
            Ok((rest, Stage::Where(condition)))
        }
        "fields" => fields(source, at),
        "extend" => extend(source, at),
        "sort" => sort(source, at),
        "head" | "limit" => rows(source, at, &folded).map(|(rest, count)| (rest, Stage::Head(count))),
        "tail" => rows(source, at, &folded).map(|(rest, count)| (rest, Stage::Tail(count))),
        "distinct" => {
            let (rest, columns) = if stage_ends(at) { (rest, Vec::new()) } else { named_list(source, at)? };
            Ok((rest, Stage::Distinct(columns)))
        }
        "top" => top(source, at),
        "sample" => sample(source, at),
        "prev" => shift(source, at, ShiftKind::Prev),
        "next" => shift(source, at, ShiftKind::Next),
        "delta" => shift(source, at, ShiftKind::Delta),
        "tz" => {
            let (rest, zone) = time::zone(source, at)?;
            Ok((rest, Stage::Zone(zone)))
        }
        "explain" => Ok((rest, Stage::Explain)),
        "gaps" => Ok((rest, Stage::Gaps)),
        "stats" => stage_summary::stats(source, at),
        "bin" => stage_summary::bin(source, input, at),
        "histogram" => stage_summary::histogram(source, input, at),
        "timeline" => stage_summary::timeline(source, rest),
        "sessions" => stage_summary::sessions(source, input, at),
        "related" => stage_other_rows::related(source, rest),
        "context" => stage_other_rows::context(source, at),
        "asof" => stage_other_rows::asof(source, at),
        "join" => stage_other_rows::join(source, at),
        "lifecycle" => stage_other_rows::lifecycle(source, rest),
        _ => fail(advice::unknown_stage(source, input, rest, word)),
    }
}

/// Whether a stage ends here.
pub(super) fn stage_ends(at: &str) -> bool {
    at.is_empty() || at.starts_with(['|', ')'])
}

/// An expression and the name of its column.
pub(super) fn named<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Named> {
    let (rest, expr) = expression(source, input)?;
    let (rest, name) = alias(source, rest)?;
    Ok((rest, Named { expr, name }))
}

/// One or more expressions with names.
pub(super) fn named_list<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Vec<Named>> {
    source.list(input, |input| named(source, input))
}

/// One or more names.
pub(super) fn name_list<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Vec<Name>> {
    source.list(input, |input| lexical::name(source, input, "a field"))
}

fn fields<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    if let Some(after) = keyword(at, "except") {
        let (rest, names) = name_list(source, source.space(after))?;
        return Ok((rest, Stage::FieldsExcept(names)));
    }
    if at.starts_with('*') {
        let error = source.expected(at, "a field").with_hint("without a `fields` stage every field comes");
        return fail(error);
    }
    let (rest, columns) = named_list(source, at)?;
    Ok((rest, Stage::Fields(columns)))
}

fn extend<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    let (rest, columns) = source.list(at, |input| assignment(source, input))?;
    Ok((rest, Stage::Extend(columns)))
}

fn assignment<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, (Name, Expr)> {
    let (rest, name) = lexical::name(source, input, "a new column")?;
    let at = source.space(rest);
    let (after, sign) = lexical::sign(at);
    if sign != "=" {
        let hint = if sign == "==" {
            "one `=` gives a column its value"
        } else {
            "the column's name comes first: extend total = price * quantity"
        };
        return fail(source.expected(at, "'='").with_hint(hint));
    }
    let (rest, expr) = expression(source, source.space(after))?;
    Ok((rest, (name, expr)))
}

fn sort<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    if keyword(at, "by").is_some() {
        let error = source.expected(at, "a column").with_hint("keys follow directly: sort ts desc");
        return fail(error);
    }
    let (rest, keys) = source.list(at, |input| sort_key(source, input))?;
    Ok((rest, Stage::Sort(keys)))
}

fn sort_key<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, SortKey> {
    let (rest, expr) = expression(source, input)?;
    match lexical::keyword_of(source.space(rest), &["asc", "desc"]) {
        Some((rest, word)) => Ok((rest, SortKey { expr, descending: word == "desc" })),
        None => Ok((rest, SortKey { expr, descending: false })),
    }
}

/// A number of rows.
pub(super) fn rows<'t>(source: &Source<'t>, at: &'t str, stage: &str) -> Parsed<'t, Spanned<u64>> {
    let (rest, word) = lexical::bare(at);
    let number = match literal::of_word(word).kind {
        LiteralKind::Number(number) if number.is_integer() && !number.is_sign_negative() => {
            u64::try_from(number).ok()
        }
        _ => None,
    };
    match number {
        Some(number) => Ok((rest, source.spanned(at, rest, number))),
        None => {
            let error = source.expected(at, "a number of rows");
            fail(error.with_hint(format!("write the number after it: {stage} 10{}", rows_tail(stage))))
        }
    }
}

fn rows_tail(stage: &str) -> &'static str {
    if stage == "top" { " symbol" } else { "" }
}

fn top<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    let (rest, count) = rows(source, at, "top")?;
    let at = source.space(rest);
    if stage_ends(at) || keyword(at, "by").is_some() {
        let error = source.expected(at, "a field").with_hint("write whose values are counted: top 10 symbol");
        return fail(error);
    }
    let (rest, key) = named(source, at)?;
    let (rest, by) = match keyword(source.space(rest), "by") {
        Some(after) => {
            let (rest, by) = aggregate(source, source.space(after))?;
            (rest, Some(by))
        }
        None => (rest, None),
    };
    Ok((rest, Stage::Top { count, key, by }))
}

fn sample<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    let (rest, word) = lexical::bare(at);
    if let LiteralKind::Percent(percent) = literal::of_word(word).kind {
        let percent = source.spanned(at, rest, percent);
        if percent.node.is_sign_negative() || percent.node > rust_decimal::Decimal::ONE_HUNDRED {
            let error = QueryError::new(ErrorKind::Value, "a sample is between 0% and 100% of the rows")
                .with_place(percent.span, "not a share");
            return fail(error);
        }
        return Ok((rest, Stage::Sample(Sample::Percent(percent))));
    }
    let (rest, count) = rows(source, at, "sample")?;
    Ok((rest, Stage::Sample(Sample::Rows(count))))
}

fn shift<'t>(source: &Source<'t>, at: &'t str, kind: ShiftKind) -> Parsed<'t, Stage> {
    let (rest, items) = named_list(source, at)?;
    let (rest, by) = keys(source, rest, |input| expression(source, input))?;
    Ok((rest, Stage::Shift { kind, items, by }))
}

/// `by a, b`, if it stands here.
pub(super) fn keys<'t, T>(
    source: &Source<'t>,
    rest: &'t str,
    key: impl Fn(&'t str) -> Parsed<'t, T>,
) -> Result<(&'t str, Vec<T>), nom::Err<Problem>> {
    match keyword(source.space(rest), "by") {
        Some(after) => source.list(source.space(after), key),
        None => Ok((rest, Vec::new())),
    }
}
