//! Stages that bring in rows beside those of the filter: `related`, `context`, `asof`, `join`,
//! `lifecycle`.

use super::ast::{Name, Query, Spanned, Stage};
use super::lexical::{self, keyword};
use super::source::{Parsed, Source, fail};
use super::stage::{name_list, query, stage_ends};
use super::stage_summary::duration;
use super::{advice, filter};

pub(super) fn related<'t>(source: &Source<'t>, rest: &'t str) -> Parsed<'t, Stage> {
    let at = source.space(rest);
    if stage_ends(at) {
        return Ok((rest, Stage::Related { from: None, to: None }));
    }
    let (rest, from) = lexical::name(source, at, "a field")?;
    let (rest, to) = match source.space(rest).strip_prefix("->") {
        Some(after) => {
            let (rest, to) = lexical::name(source, source.space(after), "a field")?;
            (rest, Some(to))
        }
        None => (rest, None),
    };
    Ok((rest, Stage::Related { from: Some(from), to }))
}

pub(super) fn context<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    const EXAMPLE: &str = "context 5s 5s where category = market";
    let (rest, before) = duration(source, at, EXAMPLE)?;
    let (rest, after) = duration(source, source.space(rest), EXAMPLE)?;
    let (rest, filter) = match keyword(source.space(rest), "where") {
        Some(after) => {
            let (rest, condition) = filter::filter(source, source.space(after))?;
            (rest, Some(condition))
        }
        None => (rest, None),
    };
    let (rest, by) = match keyword(source.space(rest), "by") {
        Some(after) => {
            let (rest, by) = lexical::name(source, source.space(after), "a field")?;
            (rest, Some(by))
        }
        None => (rest, None),
    };
    Ok((rest, Stage::Context { before, after, filter, by }))
}

/// `lifecycle [of rows]`
pub(super) fn lifecycle<'t>(source: &Source<'t>, rest: &'t str) -> Parsed<'t, Stage> {
    let Some(after) = keyword(source.space(rest), "of") else {
        return Ok((rest, Stage::Lifecycle { of_rows: false }));
    };
    let at = source.space(after);
    match keyword(at, "rows") {
        Some(rest) => Ok((rest, Stage::Lifecycle { of_rows: true })),
        None => fail(source.expected(at, "'rows'").with_hint(LIFECYCLE)),
    }
}

/// How it is written.
pub(super) const LIFECYCLE: &str =
    "write lifecycle for all events of the orders, lifecycle of rows for those of the rows alone";

/// `(query)`
fn within_parentheses<'t>(
    source: &Source<'t>,
    open: &'t str,
    example: &str,
) -> Parsed<'t, Box<Spanned<Query>>> {
    if !open.starts_with('(') {
        return fail(
            source
                .expected(open, "'('")
                .with_hint(format!("the other query stands in parentheses: {example}")),
        );
    }
    source.nested(open, || {
        let (rest, inner) = query(source, &open[1..], true)?;
        let rest = source.close(open, rest, ')')?;
        Ok((rest, Box::new(source.spanned(open, rest, inner))))
    })
}

pub(super) fn asof<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    const EXAMPLE: &str = "asof (event = quote) by symbol within 5s";
    let (rest, query) = within_parentheses(source, at, EXAMPLE)?;
    let at = source.space(rest);
    let Some(after) = keyword(at, "by") else {
        return fail(
            source.expected(at, "'by'").with_hint(format!("write by which fields the rows agree: {EXAMPLE}")),
        );
    };
    let (rest, by) = name_list(source, source.space(after))?;
    let (rest, within) = match keyword(source.space(rest), "within") {
        Some(after) => {
            let (rest, within) = duration(source, source.space(after), EXAMPLE)?;
            (rest, Some(within))
        }
        None => (rest, None),
    };
    Ok((rest, Stage::Asof { query, by, within }))
}

pub(super) fn join<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Stage> {
    const EXAMPLE: &str = "join (category = order) on order_id";
    let (open, keep_unmatched) = match keyword(at, "left") {
        Some(after) => (source.space(after), true),
        None => (at, false),
    };
    let (rest, query) = within_parentheses(source, open, EXAMPLE)?;
    let at = source.space(rest);
    let Some(after) = keyword(at, "on") else {
        return fail(
            source.expected(at, "'on'").with_hint(format!("write in which fields the rows agree: {EXAMPLE}")),
        );
    };
    let (rest, on) = source.list(source.space(after), |input| pair(source, input))?;
    Ok((rest, Stage::Join { query, on, keep_unmatched }))
}

/// `a = b`, or `a` for the same name on both sides.
fn pair<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, (Name, Name)> {
    let (rest, left) = lexical::name(source, input, "a field")?;
    let at = source.space(rest);
    match lexical::sign(at) {
        (_, "") => Ok((rest, (left.clone(), left))),
        (after, "=" | "==") => {
            let (rest, right) = lexical::name(source, source.space(after), "a field")?;
            Ok((rest, (left, right)))
        }
        (after, sign) => fail(advice::join_sign(source, at, after, sign)),
    }
}
