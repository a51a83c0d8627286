//! Terms of time: `last 15m`, `since T`, `until T`, `on D`, each point with a zone if it needs one.

use super::advice;
use super::ast::{Literal, LiteralKind, Spanned, TimeTerm};
use super::lexical::{self, keyword};
use super::literal;
use super::source::{Parsed, Source, fail};

/// The stretch after `last`, which starts at `at`.
pub(super) fn last<'t>(source: &Source<'t>, term: &'t str, at: &'t str) -> Parsed<'t, Literal> {
    let (rest, word) = lexical::bare(at);
    let literal = literal::of_word(word);
    match literal.kind {
        LiteralKind::Duration(nanoseconds) if nanoseconds > 0 && !word.starts_with('+') => {
            Ok((rest, literal))
        }
        _ => fail(advice::last(source, term, at, &literal)),
    }
}

/// The point after `since`, `until` or `on`, and its zone.
pub(super) fn term<'t>(source: &Source<'t>, at: &'t str, what: &'static str) -> Parsed<'t, TimeTerm> {
    let (rest, point) = point(source, at, what)?;
    let zone_at = source.space(rest);
    match keyword(zone_at, "tz") {
        Some(after) => {
            let (rest, zone) = zone(source, source.space(after))?;
            Ok((rest, TimeTerm { point, zone: Some(zone) }))
        }
        None => Ok((rest, TimeTerm { point, zone: None })),
    }
}

fn point<'t>(source: &Source<'t>, at: &'t str, what: &'static str) -> Parsed<'t, Spanned<String>> {
    if lexical::starts_quoted(at) {
        let (rest, text) = lexical::quoted(source, at)?;
        return Ok((rest, source.spanned(at, rest, text)));
    }
    let (rest, word) = lexical::bare(at);
    if let Some(error) = advice::time_point(source, at, rest, word, what) {
        return fail(error);
    }
    Ok((rest, source.spanned(at, rest, word.to_owned())))
}

/// `America/New_York`, perhaps in quotes.
pub(super) fn zone<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Spanned<String>> {
    if lexical::starts_quoted(at) {
        let (rest, text) = lexical::quoted(source, at)?;
        return Ok((rest, source.spanned(at, rest, text)));
    }
    let (rest, word) = lexical::bare(at);
    if word.is_empty() || word.starts_with(['$', '#']) {
        let error = source.expected(at, "a time zone");
        return fail(error.with_hint("zones are called UTC, America/New_York, Europe/London ..."));
    }
    Ok((rest, source.spanned(at, rest, word.to_owned())))
}
