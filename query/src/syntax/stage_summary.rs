//! Stages that bring many rows down to few: `stats`, `bin`, `histogram`, `timeline`, `sessions`.

use super::aggregate::{aggregate, alias};
use super::arithmetic::{call, expression};
use super::ast::{ExprKind, Literal, LiteralKind, Stage};
use super::lexical::{self, keyword};
use super::source::{Parsed, Source, fail};
use super::stage::{keys, named, named_list, stage_ends};
use super::{advice, literal, time};

pub(super) fn stats<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    let (rest, aggregates) = source.list(at, |input| aggregate(source, input))?;
    let (rest, by) = keys(source, rest, |input| named(source, input))?;
    Ok((rest, Stage::Stats { aggregates, by }))
}

/// `bin(ts, 5m) as t`: the call is an expression like any other.
pub(super) fn bin<'t>(source: &Source<'t>, input: &'t str, at: &'t str) -> Parsed<'t, Stage> {
    if !at.starts_with('(') {
        let error = source.expected(at, "'('");
        return fail(error.with_hint("write the field and the width in parentheses: bin(ts, 5m)"));
    }
    let (rest, mut expr) = call(source, input)?;
    if let ExprKind::Call { function, .. } = &mut expr.node {
        // The stage may be written in upper case.
        function.node.make_ascii_lowercase();
    }
    let (rest, name) = alias(source, rest)?;
    Ok((rest, Stage::Bin { expr, name }))
}

pub(super) fn histogram<'t>(source: &Source<'t>, input: &'t str, open: &'t str) -> Parsed<'t, Stage> {
    if !open.starts_with('(') {
        let error = source.expected(open, "'('");
        return fail(error.with_hint("write the field in parentheses: histogram(latency_us)"));
    }
    source.nested(input, || {
        let (rest, expr) = expression(source, source.space(&open[1..]))?;
        let (rest, width) = match source.space(rest).strip_prefix(',') {
            Some(after) => {
                let at = source.space(after);
                if !at.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                    let error = source.expected(at, "the width of a bin");
                    return fail(error.with_hint("write a number: histogram(latency_us, 100)"));
                }
                let (rest, width) = literal::unsigned(source, at)?;
                (rest, Some(width))
            }
            None => (rest, None),
        };
        let rest = source.close(open, rest, ')')?;
        Ok((rest, Stage::Histogram { expr, width }))
    })
}

pub(super) fn timeline<'t>(source: &Source<'t>, rest: &'t str) -> Parsed<'t, Stage> {
    let at = source.space(rest);
    let (rest, span) = if stage_ends(at) || lexical::keyword_of(at, &["tz", "by"]).is_some() {
        (rest, None)
    } else {
        let (rest, span) = duration(source, at, "timeline 5m by category")?;
        (rest, Some(span))
    };
    let (rest, zone) = match keyword(source.space(rest), "tz") {
        Some(after) => {
            let (rest, zone) = time::zone(source, source.space(after))?;
            (rest, Some(zone))
        }
        None => (rest, None),
    };
    let (rest, by) = match keyword(source.space(rest), "by") {
        Some(after) => {
            let (rest, by) = named(source, source.space(after))?;
            (rest, Some(by))
        }
        None => (rest, None),
    };
    Ok((rest, Stage::Timeline { span, zone, by }))
}

pub(super) fn sessions<'t>(source: &Source<'t>, stage: &'t str, at: &'t str) -> Parsed<'t, Stage> {
    const EXAMPLE: &str = "sessions by correlation_id maxspan 5m";
    let Some(after) = keyword(at, "by") else {
        return fail(source.expected(at, "'by'").with_hint(format!("write {EXAMPLE}")));
    };
    let (mut rest, by) = named_list(source, source.space(after))?;
    let (mut max_span, mut max_pause) = (None, None);
    while let Some((after, word)) = lexical::keyword_of(source.space(rest), &["maxspan", "maxpause"]) {
        let bound = if word == "maxspan" { &mut max_span } else { &mut max_pause };
        if bound.is_some() {
            return fail(advice::twice(source, source.space(rest), word));
        }
        let (after, duration) = duration(source, source.space(after), EXAMPLE)?;
        *bound = Some(duration);
        rest = after;
    }
    if max_span.is_none() && max_pause.is_none() {
        return fail(advice::endless_sessions(source, stage, rest));
    }
    Ok((rest, Stage::Sessions { by, max_span, max_pause }))
}

/// A stretch of time without a sign.
pub(super) fn duration<'t>(source: &Source<'t>, at: &'t str, example: &str) -> Parsed<'t, Literal> {
    let (rest, word) = lexical::bare(at);
    let literal = literal::of_word(word);
    match literal.kind {
        LiteralKind::Duration(nanoseconds) if nanoseconds >= 0 && !word.starts_with(['+', '-']) => {
            Ok((rest, literal))
        }
        _ => fail(advice::duration(source, at, &literal, example)),
    }
}
