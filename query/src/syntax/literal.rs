//! What a word can mean beside its text: a number, a duration, a size. All exact.

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::take_while1;
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{opt, recognize};
use nom::multi::many0_count;
use nom::sequence::{pair, preceded};
use rust_decimal::Decimal;

use super::ast::{Literal, LiteralKind};
use super::lexical::is_keyword;
use super::source::{Parsed, Source, fail};
use crate::error::{ErrorKind, QueryError};

/// Units of time and their nanoseconds. The micro sign and the Greek letter look alike.
const DURATION_UNITS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
    ("w", 7 * 86_400 * 1_000_000_000),
];

/// Units of size, in lower case, and their bytes.
const SIZE_UNITS: &[(&str, i64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// What a bare word of a filter means.
pub(super) fn of_word(text: &str) -> Literal {
    Literal { kind: kind(text), text: text.to_owned() }
}

/// Text in quotes.
pub(super) fn of_quoted(text: String) -> Literal {
    Literal { text, kind: LiteralKind::Quoted }
}

fn kind(text: &str) -> LiteralKind {
    if is_keyword(text, "true") || is_keyword(text, "false") {
        return LiteralKind::Bool(is_keyword(text, "true"));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return LiteralKind::Word;
    }
    if let Some(nanoseconds) = duration(text) {
        return LiteralKind::Duration(nanoseconds);
    }
    let Ok((unit, digits)) = number_text(text) else { return LiteralKind::Word };
    let Some(number) = number(digits) else { return LiteralKind::Word };
    if unit.is_empty() {
        return LiteralKind::Number(number);
    }
    if unit == "%" {
        return LiteralKind::Percent(number);
    }
    if is_keyword(unit, "bps") {
        return LiteralKind::BasisPoints(number);
    }
    SIZE_UNITS
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name))
        .and_then(|(_, bytes)| number.checked_mul(Decimal::from(*bytes)))
        .map_or(LiteralKind::Word, |bytes| LiteralKind::Size(bytes.normalize()))
}

/// `100`, `1.50`, `1e-7`, `-3`, `100_000`: the digits, and what stands after them.
fn number_text(input: &str) -> Parsed<'_, &str> {
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    recognize((opt(one_of("+-")), plain_number, opt(exponent))).parse(input)
}

/// Digits with single underscores between them, and a fraction; or a fraction only.
fn plain_number(input: &str) -> Parsed<'_, &str> {
    let digits = || recognize(pair(digit1, many0_count(preceded(char('_'), digit1))));
    let fraction = || pair(char('.'), digits());
    alt((recognize(pair(digits(), opt(fraction()))), recognize(fraction()))).parse(input)
}

/// The exact number, if a decimal holds it.
fn number(text: &str) -> Option<Decimal> {
    let text = text.replace('_', "");
    let text = text.strip_prefix('+').unwrap_or(&text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let mut number = Decimal::from_str_exact(mantissa).ok()?;
    if exponent == 0 || number.is_zero() {
        return Some(number);
    }
    number.normalize_assign();
    let scale = i64::from(number.scale()) - i64::from(exponent);
    if scale >= 0 {
        number.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(number);
    }
    // A decimal holds at most 29 digits.
    let zeros = u32::try_from(-scale).ok().filter(|zeros| *zeros <= 28)?;
    number.set_scale(0).ok()?;
    number.checked_mul(Decimal::from_i128_with_scale(10_i128.pow(zeros), 0))
}

/// `1h30m`, `1.5ms`, `-2h`: whole nanoseconds, if they are, and fit.
pub(super) fn duration(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut total = Decimal::ZERO;
    loop {
        let (after, digits) = plain_number(rest).ok()?;
        let (after, unit) =
            take_while1::<_, &str, super::source::Problem>(|c: char| c.is_alphabetic()).parse(after).ok()?;
        let (_, nanoseconds) = DURATION_UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number(digits)?.checked_mul(Decimal::from(*nanoseconds))?)?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    if negative {
        total.set_sign_negative(!total.is_zero());
    }
    total.is_integer().then(|| i64::try_from(total.normalize()).ok()).flatten()
}

/// Bytes of the number with its unit that starts here in an expression, right or wrong; none if no number does.
pub(super) fn unsigned_length(input: &str) -> usize {
    let Ok((rest, _)) = number_text(input) else { return 0 };
    let mut end = input.len() - rest.len();
    end += rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':'))).unwrap_or(rest.len());
    // `10%` is a share and `10 % 3` a remainder; so is `10%3`, since something to divide by follows at once.
    if let Some(after) = input[end..].strip_prefix('%')
        && !after.starts_with(|c: char| {
            c.is_alphanumeric() || matches!(c, '_' | '.' | '(' | '{' | '$' | '`' | '"' | '\'' | '-' | '+')
        })
    {
        end += 1;
    }
    end
}

/// A number of an expression with its unit: no sign, that is an operator there.
pub(super) fn unsigned<'t>(source: &Source<'t>, input: &'t str) -> Parsed<'t, Literal> {
    let end = unsigned_length(input);
    if end == 0 {
        return fail(source.expected(input, "a number"));
    }
    let (text, rest) = input.split_at(end);
    let literal = of_word(text);
    if literal.kind != LiteralKind::Word {
        return Ok((rest, literal));
    }
    let place = source.span(input, rest);
    let error = if text.contains(':') {
        QueryError::new(ErrorKind::Syntax, "a time in an expression stands in quotes")
            .with_place(place, "not a number")
            .with_hint(format!("write \"{text}\""))
    } else {
        QueryError::new(ErrorKind::Value, format!("'{}' is not a number", super::source::shortened(text)))
            .with_place(place, "a number, or a number with a unit, goes here")
            .with_hint(
                "units are ns us ms s m h d w, b kb mb gb kib mib gib, % and bps; text stands in quotes",
            )
    };
    fail(error)
}
