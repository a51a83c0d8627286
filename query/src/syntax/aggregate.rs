//! Aggregates: `count()`, `avg(price) as mean`, `sum(quantity where side = BUY)`.

use rust_decimal::Decimal;

use super::arithmetic::expression;
use super::ast::{Aggregate, AggregateFunction, Expr, Name};
use super::lexical::{self, keyword};
use super::source::{Parsed, Source, fail};
use super::{advice, filter, words};
use crate::error::{ErrorKind, QueryError};

/// One aggregate with its name.
pub(super) fn aggregate<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Aggregate> {
    let Ok((rest, word)) = lexical::identifier(input) else {
        return fail(advice::aggregate(source, input));
    };
    let open = source.space(rest);
    let Some(function) = function(word) else {
        return fail(advice::unknown_aggregate(source, input, rest, word));
    };
    if !open.starts_with('(') {
        return fail(advice::aggregate_without_call(source, input, rest, word));
    }
    let (rest, (arguments, condition)) = source.nested(input, || inside(source, open, word))?;
    check_arguments(source, input, rest, word, function, arguments.len())?;
    let (rest, name) = alias(source, rest)?;
    Ok((rest, Aggregate { function, arguments, condition, name }))
}

/// The aggregate of a name, in lower or upper case.
pub(super) fn function(word: &str) -> Option<AggregateFunction> {
    use AggregateFunction as F;
    let named = [
        ("count", F::Count),
        ("sum", F::Sum),
        ("avg", F::Avg),
        ("min", F::Min),
        ("max", F::Max),
        ("stddev", F::Stddev),
        ("median", F::Median),
        ("distinct", F::Distinct),
        ("first", F::First),
        ("last", F::Last),
        ("arg_max", F::ArgMax),
        ("arg_min", F::ArgMin),
        ("rate", F::Rate),
    ];
    if let Some((_, function)) = named.iter().find(|(name, _)| lexical::is_keyword(word, name)) {
        return Some(*function);
    }
    let digits = word.strip_prefix(['p', 'P'])?;
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.contains('_') {
        return None;
    }
    let percentile = Decimal::from_str_exact(digits).ok()?;
    (percentile > Decimal::ZERO && percentile <= Decimal::ONE_HUNDRED).then_some(F::Percentile(percentile))
}

/// What stands between the parentheses of an aggregate.
fn inside<'t>(
    source: &Source<'t>,
    open: &'t str,
    word: &str,
) -> Parsed<'t, (Vec<Expr>, Option<super::ast::Filter>)> {
    let first = source.space(&open[1..]);
    if let Some(error) = advice::aggregate_arguments(source, word, first) {
        return fail(error);
    }
    let empty = first.starts_with(')') || keyword(first, "where").is_some();
    let (rest, arguments) =
        if empty { (first, Vec::new()) } else { source.list(first, |input| expression(source, input))? };
    let at = source.space(rest);
    let (rest, condition) = match keyword(at, "where") {
        Some(after) => {
            let (rest, condition) = filter::filter(source, source.space(after))?;
            (rest, Some(condition))
        }
        None => (rest, None),
    };
    let at = source.space(rest);
    if let Some(error) = advice::condition_in_aggregate(source, word, first, at) {
        return fail(error);
    }
    let rest = source.close(open, rest, ')')?;
    Ok((rest, (arguments, condition)))
}

fn check_arguments<'t>(
    source: &Source<'t>,
    input: &'t str,
    rest: &'t str,
    word: &str,
    function: AggregateFunction,
    found: usize,
) -> Result<(), nom::Err<super::source::Problem>> {
    use AggregateFunction as F;
    let (expected, takes) = match function {
        F::Count | F::Rate => (0..=1, "takes a value or none"),
        F::ArgMax | F::ArgMin => (2..=2, "takes two values"),
        _ => (1..=1, "takes one value"),
    };
    if expected.contains(&found) {
        return Ok(());
    }
    let usage = words::AGGREGATES.iter().find(|(name, _)| lexical::is_keyword(word, name));
    let usage = usage.map_or_else(|| format!("{word}(x)"), |(_, usage)| (*usage).to_owned());
    let error = QueryError::new(ErrorKind::Syntax, format!("{word} {takes}, not {found}"))
        .with_place(source.span(input, rest), takes)
        .with_hint(format!("write {usage}"));
    fail(error)
}

/// `as name`, if it stands here.
pub(super) fn alias<'t>(source: &Source<'t>, rest: &'t str) -> Parsed<'t, Option<Name>> {
    match keyword(source.space(rest), "as") {
        Some(after) => {
            let (rest, name) = lexical::name(source, source.space(after), "a name")?;
            Ok((rest, Some(name)))
        }
        None => Ok((rest, None)),
    }
}
