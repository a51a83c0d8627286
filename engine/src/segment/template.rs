//! Messages as templates: what a message repeats of its event's other fields is not stored again, numbers
//! in it become columns of numbers, and the rest is literal text kept once.
//!
//! A template is learnt from one message and tried on the next of the same kind of event. It applies only
//! if it gives back every byte, so a wrong guess costs space and never a letter.

use rust_decimal::Decimal;

use super::decimals;
use super::numbered::write_decimal;

/// Index of a column while building.
pub(crate) type ColumnIndex = u16;

/// A piece of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part<C = ColumnIndex> {
    /// The same text in every message.
    Literal(Box<[u8]>),
    /// The printed value of a field of the event.
    Field(C),
    /// A whole number without leading zeros, in a column of its own.
    Whole(C),
    /// So many digits, in a column of their own.
    Padded(u8, C),
    /// A number with digits after the point, in a column of its own.
    Decimal(C),
    /// A word of letters and digits, in a column of its own.
    Word(C),
}

impl<C> Part<C> {
    /// The column that the part prints.
    pub(crate) fn column(&self) -> Option<&C> {
        match self {
            Part::Literal(_) => None,
            Part::Field(column) | Part::Whole(column) | Part::Padded(_, column) => Some(column),
            Part::Decimal(column) | Part::Word(column) => Some(column),
        }
    }
}

/// Most parts of a template.
pub(crate) const PARTS_MAX: usize = 32;
/// Messages longer than this are not taken apart.
const MESSAGE_BYTES_MAX: usize = 512;
const DIGITS_MAX: usize = 17;
const WORD_BYTES_MAX: usize = 64;

/// The value of a field, as far as a message may repeat it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Printed<'a> {
    /// Text, or a value whose printed text is known.
    Text(&'a [u8]),
    /// A whole number.
    Whole(i64),
    /// A decimal as a narrow cell.
    Decimal(i64),
    /// Something that messages are not searched for.
    Other,
}

/// The value of a template's own column in one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Variable {
    /// A whole number.
    Whole(i64),
    /// A decimal as a narrow cell.
    Decimal(i64),
    /// A word: where in the message, and how long.
    Word(u32, u32),
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

#[inline]
fn number_of(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

/// The canonical unsigned number at the start of `text`: digits before the point, digits after it.
#[inline]
fn number_at(text: &[u8]) -> Option<(usize, usize)> {
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text[0] == b'0') {
        return None;
    }
    let fraction = match text.get(whole) {
        Some(b'.') => digits(&text[whole + 1..]),
        _ => 0,
    };
    (whole + fraction <= DIGITS_MAX).then_some((whole, fraction))
}

/// How many bytes at the start of `text` print `value`, if they do.
#[inline]
fn printed_at(value: Printed<'_>, text: &[u8]) -> Option<usize> {
    match value {
        Printed::Text(known) => (!known.is_empty() && text.starts_with(known)).then_some(known.len()),
        Printed::Other => None,
        Printed::Whole(_) | Printed::Decimal(_) => {
            let negative = text.first() == Some(&b'-');
            let unsigned = &text[usize::from(negative)..];
            let (whole, fraction) = number_at(unsigned)?;
            let mut mantissa = number_of(&unsigned[..whole]);
            let mut length = whole;
            if fraction > 0 {
                length += 1 + fraction;
                mantissa =
                    unsigned[whole + 1..length].iter().fold(mantissa, |m, d| m * 10 + i64::from(d - b'0'));
            }
            if negative {
                mantissa = -mantissa;
            }
            let same = match value {
                Printed::Whole(number) => number == mantissa && fraction == 0 && !(negative && mantissa == 0),
                Printed::Decimal(cell) => {
                    decimals::parts(cell) == (mantissa, fraction as u32) && !(negative && mantissa == 0)
                }
                _ => false,
            };
            same.then_some(length + usize::from(negative))
        }
    }
}

/// Takes a message apart by a template; `field` gives the values that its `Field` parts name. The values of
/// its own columns go to `variables`, in order. False if the message is not of this template.
#[inline]
pub(crate) fn apply<'v>(
    parts: &[Part],
    message: &[u8],
    field: impl Fn(ColumnIndex) -> Printed<'v>,
    variables: &mut Vec<Variable>,
) -> bool {
    variables.clear();
    let mut rest = message;
    for part in parts {
        let length = match part {
            Part::Literal(text) => rest.starts_with(text).then_some(text.len()),
            Part::Field(column) => printed_at(field(*column), rest),
            Part::Whole(_) => match number_at(rest) {
                Some((whole, 0)) => {
                    variables.push(Variable::Whole(number_of(&rest[..whole])));
                    Some(whole)
                }
                _ => None,
            },
            Part::Padded(width, _) => {
                let width = *width as usize;
                (digits(rest) == width).then(|| {
                    variables.push(Variable::Whole(number_of(&rest[..width])));
                    width
                })
            }
            Part::Decimal(_) => match number_at(rest) {
                Some((whole, fraction)) if fraction > 0 => {
                    let length = whole + 1 + fraction;
                    let mantissa = rest[whole + 1..length]
                        .iter()
                        .fold(number_of(&rest[..whole]), |m, d| m * 10 + i64::from(d - b'0'));
                    decimals::cell(i128::from(mantissa), fraction as u32).map(|cell| {
                        variables.push(Variable::Decimal(cell));
                        length
                    })
                }
                _ => None,
            },
            Part::Word(_) => {
                let length = word(rest);
                (1..=WORD_BYTES_MAX).contains(&length).then(|| {
                    let at = message.len() - rest.len();
                    variables.push(Variable::Word(at as u32, length as u32));
                    length
                })
            }
        };
        match length {
            Some(length) => rest = &rest[length..],
            None => return false,
        }
    }
    rest.is_empty()
}

/// A template that fits a message: fields of the event where it repeats them (the longest first), columns of
/// its own for other numbers and for words that mix letters and digits, literals for the rest. The columns
/// of its own are all 0 yet. `None` if the message is not worth it.
pub(crate) fn learn<'v>(
    message: &[u8],
    fields: impl Iterator<Item = (ColumnIndex, Printed<'v>)>,
) -> Option<Vec<Part>> {
    if message.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let fields: Vec<(ColumnIndex, Printed<'_>)> = fields.collect();
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let rest = &message[at..];
        let at_start = at == 0 || !message[at - 1].is_ascii_alphanumeric();
        let (length, part) = match at_start.then(|| repeated(rest, &fields)).flatten() {
            Some((length, column)) => (length, Some(Part::Field(column))),
            None => token(rest, at_start),
        };
        match part {
            None => literal.extend_from_slice(&rest[..length]),
            Some(part) => {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(part);
            }
        }
        at += length;
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    (parts.len() <= PARTS_MAX).then_some(parts)
}

/// The longest value of a field that stands at the start of `text` and ends where a word may end.
fn repeated(text: &[u8], fields: &[(ColumnIndex, Printed<'_>)]) -> Option<(usize, ColumnIndex)> {
    let mut best = None;
    for (column, value) in fields {
        let Some(length) = printed_at(*value, text) else { continue };
        let word_goes_on = matches!(value, Printed::Text(_))
            && text[length - 1].is_ascii_alphanumeric()
            && text.get(length).is_some_and(u8::is_ascii_alphanumeric);
        if !word_goes_on && best.is_none_or(|(longest, _)| length > longest) {
            best = Some((length, *column));
        }
    }
    best
}

/// What stands at the start of `text` otherwise: its length, and its part unless it is literal.
fn token(text: &[u8], at_start: bool) -> (usize, Option<Part>) {
    let length = word(text);
    if length == 0 {
        return (1, None);
    }
    let changes =
        text[..length].windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    if at_start && changes > 1 && length <= WORD_BYTES_MAX {
        return (length, Some(Part::Word(0)));
    }
    let leading = digits(text);
    if leading == 0 {
        let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        return (letters, None);
    }
    match number_at(text) {
        Some((whole, 0)) => (whole, Some(Part::Whole(0))),
        Some((whole, fraction)) => (whole + 1 + fraction, Some(Part::Decimal(0))),
        None if leading <= DIGITS_MAX => (leading, Some(Part::Padded(leading as u8, 0))),
        None if leading == length && length <= WORD_BYTES_MAX => (length, Some(Part::Word(0))),
        None => (length, None),
    }
}

/// Appends so many digits of a number.
pub(crate) fn write_padded(number: i64, width: u8, out: &mut Vec<u8>) {
    write_decimal(number as u64, width as usize, out);
}

/// Appends a whole number.
pub(crate) fn write_whole(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    write_decimal(number.unsigned_abs(), 1, out);
}

/// Appends a decimal as it prints.
pub(crate) fn write_exact(value: Decimal, out: &mut Vec<u8>) {
    let mantissa = value.mantissa();
    let Ok(digits) = u64::try_from(mantissa.unsigned_abs()) else {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    };
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let scale = value.scale() as usize;
    let start = out.len();
    write_decimal(digits, scale + 1, out);
    if scale > 0 {
        // The digits after the point move up by one to make room for it.
        let point = out.len() - scale;
        debug_assert!(point > start);
        out.insert(point, b'.');
    }
}

#[cfg(test)]
mod tests {
    use crate::dec;

    use super::*;

    fn shape(message: &str, fields: &[(ColumnIndex, Printed<'_>)]) -> String {
        let Some(parts) = learn(message.as_bytes(), fields.iter().copied()) else { return "none".into() };
        let find =
            |column| fields.iter().find(|(c, _)| *c == column).map_or(Printed::Other, |(_, value)| *value);
        let mut variables = Vec::new();
        assert!(apply(&parts, message.as_bytes(), find, &mut variables), "{message} {parts:?}");
        let mut own = variables.iter();
        let (mut shown, mut written) = (String::new(), Vec::new());
        for part in &parts {
            match part {
                Part::Literal(text) => {
                    shown.push_str(std::str::from_utf8(text).unwrap());
                    written.extend_from_slice(text);
                }
                Part::Field(column) => {
                    shown.push_str(&format!("{{{column}}}"));
                    match find(*column) {
                        Printed::Text(text) => written.extend_from_slice(text),
                        Printed::Whole(number) => write_whole(number, &mut written),
                        Printed::Decimal(cell) => {
                            write_exact(decimals::from_cell(cell).unwrap(), &mut written)
                        }
                        Printed::Other => unreachable!(),
                    }
                }
                part => match (part, own.next()) {
                    (Part::Whole(_), Some(Variable::Whole(number))) => {
                        shown.push('#');
                        write_whole(*number, &mut written);
                    }
                    (Part::Padded(width, _), Some(Variable::Whole(number))) => {
                        shown.push_str(&format!("#{width}"));
                        write_padded(*number, *width, &mut written);
                    }
                    (Part::Decimal(_), Some(Variable::Decimal(cell))) => {
                        shown.push_str("#.#");
                        write_exact(decimals::from_cell(*cell).unwrap(), &mut written);
                    }
                    (Part::Word(_), Some(Variable::Word(at, length))) => {
                        shown.push('@');
                        written.extend_from_slice(&message.as_bytes()[*at as usize..][..*length as usize]);
                    }
                    other => panic!("{other:?}"),
                },
            }
        }
        assert_eq!(String::from_utf8(written).unwrap(), message);
        shown
    }

    #[test]
    fn messages_are_taken_apart_and_put_together() {
        let price = decimals::cell(22381, 2).unwrap();
        let fields = [
            (0, Printed::Text(b"market_maker")),
            (1, Printed::Text(b"BUY")),
            (2, Printed::Whole(21)),
            (3, Printed::Decimal(price)),
            (4, Printed::Text(b"20120621-AMZN-11885113")),
            (5, Printed::Text(b"AMZN")),
            (6, Printed::Whole(-7)),
        ];
        for (message, expected) in [
            ("", ""),
            ("order created: BUY 21 AMZN @ 223.81", "order created: {1} {2} {5} @ {3}"),
            ("order lifecycle complete: 20120621-AMZN-11885113", "order lifecycle complete: {4}"),
            ("order submitted (latency 20us)", "order submitted (latency #us)"),
            ("market_maker signal BUY score 0.752", "{0} signal {1} score #.#"),
            ("BUYER 210 223.810 21.", "BUYER # #.# {2}."),
            ("at 09:30:05, id 8e094bf80740 host7 -7 -0", "at #2:#:#2, id @ host# {6} -#"),
            ("é 21é 007x 99999999999999999999", "é {2}é #3x @"),
            ("v1.2.3 1. .5", "v#.#.# #. .#"),
        ] {
            assert_eq!(shape(message, &fields), expected, "{message}");
        }
        assert_eq!(shape(&"1 ".repeat(40), &fields), "none");
    }

    #[test]
    fn a_template_refuses_what_it_would_not_give_back() {
        let parts = [Part::Literal(b"n=".as_slice().into()), Part::Whole(1)];
        let mut variables = Vec::new();
        let mut fits = |text: &str| apply(&parts, text.as_bytes(), |_| Printed::Other, &mut variables);
        assert!(fits("n=0") && fits("n=99999999999999999"));
        for text in ["n=", "n=01", "n=-1", "n=1 ", "n=1.5", "m=1", "n=999999999999999999", "n", ""] {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn decimals_print_as_they_do_elsewhere() {
        let mut negative_zero = dec!(0.00);
        negative_zero.set_sign_negative(true);
        for value in [
            dec!(0),
            dec!(0.05),
            dec!(-1.50),
            dec!(123),
            Decimal::MAX,
            Decimal::MIN,
            negative_zero,
            Decimal::new(1, 28),
        ] {
            let mut out = Vec::new();
            write_exact(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
