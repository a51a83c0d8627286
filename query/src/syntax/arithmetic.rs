//! Expressions: `+ - * / %`, calls, `if`. Identifiers are fields here, and text stands in quotes.
//!
//! Unary minus binds tightest, then `* / %`, then `+ -`; all associate to the left. Parentheses and braces group.

use super::ast::{BinaryOp, Expr, ExprKind, Literal, LiteralKind, Name, Spanned};
use super::lexical::{self, is_keyword};
use super::literal;
use super::source::{Parsed, Source, fail};
use super::{advice, filter};
use crate::error::{ErrorKind, QueryError};

/// An expression.
pub(super) fn expression<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    source.expression(|| sum(source, input))
}

fn sum<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    chain(source, input, product, |c| match c {
        '+' => Some(BinaryOp::Add),
        '-' => Some(BinaryOp::Subtract),
        _ => None,
    })
}

fn product<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    chain(source, input, unary, |c| match c {
        '*' => Some(BinaryOp::Multiply),
        '/' => Some(BinaryOp::Divide),
        '%' => Some(BinaryOp::Remainder),
        _ => None,
    })
}

/// `operand { operator operand }`
fn chain<'t>(
    source: &Source<'t>,
    input: &'t str,
    operand: fn(&Source<'t>, &'t str) -> Parsed<'t, Expr>,
    operator: fn(char) -> Option<BinaryOp>,
) -> Parsed<'t, Expr> {
    let (mut rest, mut left) = operand(source, input)?;
    loop {
        let at = source.space(rest);
        let Some(op) = at.chars().next().and_then(operator) else { return Ok((rest, left)) };
        source.count_operator(at)?;
        let (after, right) = operand(source, source.space(&at[1..]))?;
        let span = left.span.to(right.span);
        left = Expr::new(ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, span);
        rest = after;
    }
}

fn unary<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    let Some(after) = input.strip_prefix('-') else { return operand(source, input) };
    source.nested(input, || {
        let (rest, inner) = unary(source, source.space(after))?;
        Ok((rest, source.spanned(input, rest, ExprKind::Negate(Box::new(inner)))))
    })
}

fn operand<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    match input.chars().next() {
        Some('(') => group(source, input, ')'),
        Some('{') => group(source, input, '}'),
        Some('$') => parameter(source, input),
        Some('"' | '\'') => {
            let (rest, text) = lexical::quoted(source, input)?;
            Ok((rest, source.spanned(input, rest, ExprKind::Literal(literal::of_quoted(text)))))
        }
        Some('`') => field(source, input),
        Some(c) if c.is_ascii_digit() || c == '.' && input[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            let (rest, literal) = literal::unsigned(source, input)?;
            Ok((rest, source.spanned(input, rest, ExprKind::Literal(literal))))
        }
        Some(c) if c.is_ascii_alphabetic() || c == '_' => word(source, input),
        _ => fail(advice::operand(source, input)),
    }
}

/// An expression in brackets; its place includes them.
pub(super) fn group<'t>(source: &Source<'t>, input: &'t str, bracket: char) -> Parsed<'t, Expr> {
    source.nested(input, || {
        let (rest, inner) = expression(source, source.space(&input[1..]))?;
        let rest = close(source, input, rest, bracket)?;
        Ok((rest, source.spanned(input, rest, inner.node)))
    })
}

/// The end of brackets around expressions.
fn close<'t>(
    source: &Source<'t>,
    open: &'t str,
    rest: &'t str,
    bracket: char,
) -> Result<&'t str, nom::Err<super::source::Problem>> {
    let at = source.space(rest);
    if at.starts_with(['=', '<', '>', '!', '~'])
        || lexical::keyword_of(at, &["and", "or", "in", "like"]).is_some()
    {
        return fail(advice::condition_in_expression(source, at));
    }
    source.close(open, rest, bracket)
}

/// `$name`
pub(super) fn parameter<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    let Ok((rest, name)) = lexical::identifier(&input[1..]) else {
        let error = QueryError::new(ErrorKind::Syntax, "a parameter without a name")
            .with_place(source.span(input, &input[1..]), "a name goes right after the $")
            .with_hint("text that starts with a $ stands in quotes");
        return fail(error);
    };
    Ok((rest, source.spanned(input, rest, ExprKind::Parameter(name.to_owned()))))
}

fn field<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    let (rest, Spanned { node, span }) = lexical::name(source, input, "a value")?;
    Ok((rest, Expr::new(ExprKind::Field(node), span)))
}

/// A constant, a call or a field.
fn word<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    let Ok((rest, word)) = lexical::identifier(input) else { return fail(advice::operand(source, input)) };
    if is_keyword(word, "true") || is_keyword(word, "false") {
        let literal = Literal { text: word.to_owned(), kind: LiteralKind::Bool(is_keyword(word, "true")) };
        return Ok((rest, source.spanned(input, rest, ExprKind::Literal(literal))));
    }
    if is_keyword(word, "null") {
        let literal = Literal { text: word.to_owned(), kind: LiteralKind::Null };
        return Ok((rest, source.spanned(input, rest, ExprKind::Literal(literal))));
    }
    if source.space(rest).starts_with('(') && !is_keyword(word, "by") {
        return call(source, input);
    }
    if is_keyword(word, "case") && lexical::keyword(source.space(rest), "when").is_some() {
        return fail(advice::case_when(source.span(input, rest)));
    }
    field(source, input)
}

/// `function(a, b)`, `if(condition, then, otherwise)`
pub(super) fn call<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Expr> {
    let (rest, word) = lexical::identifier(input)?;
    let function = source.spanned(input, rest, word.to_owned());
    let open = source.space(rest);
    source.expression(|| {
        source.nested(input, || {
            if is_keyword(word, "if") {
                condition(source, input, open)
            } else {
                arguments(source, input, function, open)
            }
        })
    })
}

fn arguments<'t>(source: &Source<'t>, input: &'t str, function: Name, open: &'t str) -> Parsed<'t, Expr> {
    let first = source.space(&open[1..]);
    if let Some(error) = advice::arguments(source, &function, first) {
        return fail(error);
    }
    let (rest, arguments) = if first.starts_with(')') {
        (first, Vec::new())
    } else {
        source.list(first, |input| expression(source, input))?
    };
    let rest = close(source, open, rest, ')')?;
    Ok((rest, source.spanned(input, rest, ExprKind::Call { function, arguments })))
}

fn condition<'t>(source: &Source<'t>, input: &'t str, open: &'t str) -> Parsed<'t, Expr> {
    let comma = |rest: &'t str| match source.space(rest).strip_prefix(',') {
        Some(after) => Ok(source.space(after)),
        None => {
            let error = source.expected(rest, "','");
            fail(error.with_hint("if takes three: if(status = filled, quantity, 0)"))
        }
    };
    let (rest, condition) = filter::filter(source, source.space(&open[1..]))?;
    let (rest, then) = expression(source, comma(rest)?)?;
    let (rest, otherwise) = expression(source, comma(rest)?)?;
    let rest = close(source, open, rest, ')')?;
    let node =
        ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
    Ok((rest, source.spanned(input, rest, node)))
}
