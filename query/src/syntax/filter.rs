//! Conditions: `or` of `and` of terms. Terms that stand side by side must all hold.

use super::advice;
use super::ast::{Filter, FilterKind};
use super::comparison;
use super::lexical::{self, keyword};
use super::source::{Parsed, Problem, Source, fail};
use super::time;
use super::words;

/// A condition. It ends before anything that cannot be part of one: `|`, a closing bracket, a comma, `by`, `where`.
pub(super) fn filter<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let (mut rest, first) = conjunction(source, input)?;
    let mut parts = vec![first];
    loop {
        let at = source.space(rest);
        let Some(after) = keyword(at, "or") else { break };
        source.check_length(parts.len(), at)?;
        let (after, part) = conjunction(source, source.space(after))?;
        parts.push(part);
        rest = after;
    }
    Ok((rest, join(source, input, parts, Joint::Or)?))
}

fn conjunction<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let (mut rest, first) = term(source, input)?;
    let mut parts = vec![first];
    loop {
        let at = source.space(rest);
        let next = match keyword(at, "and") {
            Some(after) => source.space(after),
            None if ends(at) => break,
            None => at,
        };
        source.check_length(parts.len(), at)?;
        let (after, part) = term(source, next)?;
        parts.push(part);
        rest = after;
    }
    Ok((rest, join(source, input, parts, Joint::And)?))
}

/// What joins parts of a condition.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    And,
    Or,
}

/// One node of all parts; parts that are of its kind themselves, from parentheses, are taken apart.
fn join<'t>(
    source: &Source<'t>,
    input: &'t str,
    mut parts: Vec<Filter>,
    joint: Joint,
) -> Result<Filter, nom::Err<Problem>> {
    if parts.len() == 1 {
        return Ok(parts.pop().expect("there is one"));
    }
    let span = parts[0].span.to(parts[parts.len() - 1].span);
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match (joint, part.node) {
            (Joint::And, FilterKind::And(inner)) | (Joint::Or, FilterKind::Or(inner)) => flat.extend(inner),
            (_, node) => flat.push(Filter::new(node, part.span)),
        }
    }
    source.check_length(flat.len() - 1, input)?;
    let node = if joint == Joint::And { FilterKind::And(flat) } else { FilterKind::Or(flat) };
    Ok(Filter::new(node, span))
}

/// Whether nothing that stands here can go on a condition.
fn ends(at: &str) -> bool {
    at.is_empty()
        || at.starts_with(['|', ')', '}', ',', '=', '<', '>', '~'])
        || lexical::keyword_of(at, &["or", "by", "where"]).is_some()
}

/// `not` any number of times, and what it negates.
fn term<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let Some(after) = keyword(input, "not") else { return primary(source, input) };
    source.nested(input, || {
        let (rest, inner) = term(source, source.space(after))?;
        Ok((rest, source.spanned(input, rest, FilterKind::Not(Box::new(inner)))))
    })
}

fn primary<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    match input.chars().next() {
        Some('(') => group(source, input),
        Some('"' | '\'') => phrase(source, input),
        Some('`' | '{') => comparison::required(source, input),
        Some(c) if lexical::is_bare(c) => word(source, input),
        _ => fail(advice::term(source, input)),
    }
}

/// A condition in parentheses; its place includes them.
fn group<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    source.nested(input, || {
        let (rest, inner) = filter(source, source.space(&input[1..]))?;
        let at = source.space(rest);
        if !at.starts_with(')') && !at.is_empty() {
            return fail(advice::after_filter(source, at, &inner, "')'"));
        }
        let rest = source.close(input, rest, ')')?;
        Ok((rest, source.spanned(input, rest, inner.node)))
    })
}

fn phrase<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let (rest, text) = lexical::quoted(source, input)?;
    if let Some(error) = advice::phrase(source, input, rest, &text) {
        return fail(error);
    }
    Ok((rest, source.spanned(input, rest, FilterKind::Phrase(text))))
}

/// What starts with a bare word: a keyword's term, a comparison, or a word to search for.
fn word<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let (rest, word) = lexical::bare(input);
    let compared = comparison::operator_follows(source, rest);
    let called = rest.starts_with('(') && lexical::is_identifier_text(word);
    if let Some((rest, keyword)) = lexical::keyword_of(input, words::TERM_KEYWORDS)
        && !compared
        // `last` is an aggregate as well.
        && !(called && keyword == "last")
    {
        return keyword_term(source, input, rest, keyword);
    }
    if (compared || called) && lexical::keyword_of(input, words::RESERVED).is_none() {
        return comparison::required(source, input);
    }
    if let Some(error) = advice::word(source, input, rest, word) {
        return fail(error);
    }
    let (text, prefix) = word.strip_suffix('*').map_or((word, false), |text| (text, true));
    Ok((rest, source.spanned(input, rest, FilterKind::Word { text: text.to_owned(), prefix })))
}

fn keyword_term<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    keyword: &'static str,
) -> Parsed<'t, Filter> {
    let at = source.space(rest);
    let (rest, node) = match keyword {
        "exists" | "missing" => {
            if at.starts_with('(') {
                return fail(advice::presence_in_parentheses(source, at, keyword));
            }
            let (rest, name) = lexical::name(source, at, "a field")?;
            (rest, if keyword == "exists" { FilterKind::Exists(name) } else { FilterKind::Missing(name) })
        }
        "last" => {
            let (rest, duration) = time::last(source, input, at)?;
            (rest, FilterKind::Last(duration))
        }
        _ => {
            let (rest, term) = time::term(source, at, keyword)?;
            let kind = match keyword {
                "since" => FilterKind::Since,
                "until" => FilterKind::Until,
                _ => FilterKind::On,
            };
            (rest, kind(term))
        }
    };
    Ok((rest, source.spanned(input, rest, node)))
}
