//! Comparisons of a filter: a field, a call or braces; an operator; values.

use super::advice;
use super::arithmetic;
use super::ast::{CompareOp, Expr, ExprKind, Filter, FilterKind, Spanned};
use super::lexical::{self, keyword};
use super::literal;
use super::source::{Parsed, Source, fail};
use crate::error::{ErrorKind, QueryError};

/// What stands between the left and the right.
#[derive(Clone, Copy)]
enum Operator {
    Compare(CompareOp),
    Regex { negated: bool },
    In { negated: bool },
    Between,
    Like,
    Contains,
}

/// Whether an operator stands after a word.
pub(super) fn operator_follows<'t>(source: &Source<'t>, rest: &'t str) -> bool {
    let at = source.space(rest);
    let not_in = || keyword(at, "not").is_some_and(|after| keyword(source.space(after), "in").is_some());
    at.starts_with(['=', '<', '>', '~'])
        || at.starts_with("!=")
        || at.starts_with("!~")
        || lexical::keyword_of(at, &["in", "between", "like", "contains"]).is_some()
        || not_in()
}

/// A comparison; nothing else can stand here.
pub(super) fn required<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Filter> {
    let (rest, left) = left(source, input)?;
    let at = source.space(rest);
    if !operator_follows(source, rest) {
        return fail(advice::operator(source, at, &left));
    }
    let (rest, operator) = operator(source, at)?;
    let value_at = source.space(rest);
    let (rest, node) = match operator {
        Operator::Compare(op) => {
            let (rest, right) = value(source, value_at)?;
            (rest, FilterKind::Compare { left, op, right })
        }
        Operator::Regex { negated } => {
            let (rest, pattern) = text(source, value_at, "a regular expression")?;
            (rest, FilterKind::Regex { left, pattern, negated })
        }
        Operator::In { negated } => {
            let (rest, values) = values(source, value_at)?;
            (rest, FilterKind::In { left, values, negated })
        }
        Operator::Between => {
            let (rest, low) = value(source, value_at)?;
            let at = source.space(rest);
            let Some(after) = keyword(at, "and") else {
                let error = source.expected(at, "'and'");
                return fail(error.with_hint("both ends are written: price between 100 and 200"));
            };
            let (rest, high) = value(source, source.space(after))?;
            (rest, FilterKind::Between { left, low, high })
        }
        Operator::Like => {
            let (rest, pattern) = text(source, value_at, "a pattern")?;
            (rest, FilterKind::Like { left, pattern })
        }
        Operator::Contains => {
            let (rest, text) = text(source, value_at, "a text")?;
            (rest, FilterKind::Contains { left, text })
        }
    };
    Ok((rest, source.spanned(input, rest, node)))
}

/// A field, a call, or arithmetic in braces.
fn left<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    if input.starts_with('{') {
        return arithmetic::group(source, input, '}');
    }
    if !input.starts_with('`') {
        let (rest, word) = lexical::bare(input);
        if rest.starts_with('(') && lexical::is_identifier_text(word) {
            return arithmetic::call(source, input);
        }
        if !lexical::is_identifier_text(word) {
            return fail(advice::left(source, input, rest, word));
        }
        let field = ExprKind::Field(word.to_owned());
        return Ok((rest, source.spanned(input, rest, field)));
    }
    let (rest, name) = lexical::name(source, input, "a field")?;
    Ok((rest, Expr::new(ExprKind::Field(name.node), name.span)))
}

fn operator<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Operator> {
    let (rest, sign) = lexical::sign(at);
    let operator = match sign {
        "=" | "==" => Operator::Compare(CompareOp::Equal),
        "!=" | "<>" => Operator::Compare(CompareOp::NotEqual),
        "<" => Operator::Compare(CompareOp::Less),
        "<=" => Operator::Compare(CompareOp::LessOrEqual),
        ">" => Operator::Compare(CompareOp::Greater),
        ">=" => Operator::Compare(CompareOp::GreaterOrEqual),
        "~" => Operator::Regex { negated: false },
        "!~" => Operator::Regex { negated: true },
        "" => return Ok(word_operator(source, at)),
        _ => return fail(advice::sign(source, at, rest, sign)),
    };
    Ok((rest, operator))
}

fn word_operator<'t>(source: &Source<'t>, at: &'t str) -> (&'t str, Operator) {
    let (rest, word) = lexical::keyword_of(at, &["in", "between", "like", "contains", "not"])
        .expect("an operator was seen there");
    match word {
        "in" => (rest, Operator::In { negated: false }),
        "between" => (rest, Operator::Between),
        "like" => (rest, Operator::Like),
        "contains" => (rest, Operator::Contains),
        _ => {
            let rest = keyword(source.space(rest), "in").expect("'in' was seen after 'not'");
            (rest, Operator::In { negated: true })
        }
    }
}

/// A literal, a parameter, a call, or arithmetic in braces.
fn value<'t>(source: &Source<'t>, at: &'t str) -> Parsed<'t, Expr> {
    match at.chars().next() {
        Some('"' | '\'') => {
            let (rest, text) = lexical::quoted(source, at)?;
            return Ok((rest, source.spanned(at, rest, ExprKind::Literal(literal::of_quoted(text)))));
        }
        Some('{') => return arithmetic::group(source, at, '}'),
        Some('$') => return arithmetic::parameter(source, at),
        _ => {}
    }
    let (rest, word) = lexical::bare(at);
    if rest.starts_with('(') && lexical::is_identifier_text(word) {
        return arithmetic::call(source, at);
    }
    if let Some(error) = advice::value(source, at, rest, word) {
        return fail(error);
    }
    Ok((rest, source.spanned(at, rest, ExprKind::Literal(literal::of_word(word)))))
}

/// `(a, b)`
fn values<'t>(source: &Source<'t>, open: &'t str) -> Parsed<'t, Vec<Expr>> {
    if !open.starts_with('(') {
        return fail(advice::list(source, open));
    }
    let first = source.space(&open[1..]);
    if let Some(after) = first.strip_prefix(')') {
        let error = QueryError::new(ErrorKind::Syntax, "an empty list matches nothing")
            .with_place(source.span(open, after), "values go between the parentheses");
        return fail(error.with_hint("write in (AAPL, MSFT)"));
    }
    let (rest, values) = source.list(first, |input| value(source, input))?;
    let at = source.space(rest);
    if !at.starts_with(')') && !at.is_empty() {
        let error = source.expected(at, "',' or ')'");
        return fail(error.with_hint(
            "separate the values with commas: in (AAPL, MSFT); text with spaces stands in quotes",
        ));
    }
    let rest = source.close(open, rest, ')')?;
    Ok((rest, values))
}

/// A pattern or text: a bare word or in quotes.
fn text<'t>(source: &Source<'t>, at: &'t str, what: &str) -> Parsed<'t, Spanned<String>> {
    if lexical::starts_quoted(at) {
        let (rest, text) = lexical::quoted(source, at)?;
        return Ok((rest, source.spanned(at, rest, text)));
    }
    let (rest, word) = lexical::bare(at);
    if word.starts_with('$') {
        return fail(advice::parameter(source, at, what));
    }
    if word.is_empty() || word.starts_with('#') {
        let error = source.expected(at, what);
        return fail(error.with_hint(format!("{what} with signs or spaces stands in quotes")));
    }
    if let Some(error) = advice::text(source, at, rest, word) {
        return fail(error);
    }
    Ok((rest, source.spanned(at, rest, word.to_owned())))
}
