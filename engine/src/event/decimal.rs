//! Exact decimals from text, scientific notation included, never rounded.

use rust_decimal::Decimal;

use crate::error::Refused;

/// Digits after the point that a decimal can hold.
const SCALE_MAX: i64 = 28;
/// Digits of the largest mantissa, 2^96 - 1; more can never fit.
const DIGITS_MAX: usize = 29;

/// Parses `-12.50`, `1e-7`, `6.02E23` exactly; the written scale is kept (`12.50` has two digits after
/// the point). `field` is named in errors.
///
/// ```
/// use blotter_engine::event::parse_decimal;
/// assert_eq!(parse_decimal("price", "1.5e-7").unwrap().to_string(), "0.00000015");
/// assert_eq!(parse_decimal("price", "12.50").unwrap().to_string(), "12.50");
/// assert!(parse_decimal("price", "1e40").is_err());
/// ```
///
/// # Errors
/// [`Refused::DecimalRange`] if it is not a number or does not fit exactly.
pub fn parse_decimal(field: &str, text: &str) -> Result<Decimal, Refused> {
    exact(text).ok_or_else(|| Refused::DecimalRange { field: field.to_owned(), found: text.to_owned() })
}

fn exact(text: &str) -> Option<Decimal> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits().skip_while(|digit| *digit == b'0').count();
    if significant > DIGITS_MAX {
        return None;
    }
    let mut mantissa = digits().fold(0i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    let mut scale = (fraction.len() as i64).checked_sub(exponent)?;
    if mantissa == 0 {
        scale = scale.clamp(0, SCALE_MAX);
    }
    // Beyond the scale only zeros may go; below zero the exponent becomes digits.
    while scale > SCALE_MAX && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if scale > SCALE_MAX || scale < -(DIGITS_MAX as i64) {
        return None;
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10)?;
        scale += 1;
    }
    let value = Decimal::try_from_i128_with_scale(mantissa, scale as u32).ok()?;
    Some(if negative { -value } else { value })
}

/// An exact decimal constant, checked when compiled.
///
/// ```
/// use blotter_engine::dec;
/// assert_eq!(dec!(-150.250).to_string(), "-150.250");
/// ```
#[macro_export]
macro_rules! dec {
    ($($literal:tt)+) => {
        const { $crate::event::decimal_literal(stringify!($($literal)+)) }
    };
}

/// The value of a literal such as `-150.25` or `1_000`. Panics, which in a constant fails the build, if it is
/// none or does not fit.
#[doc(hidden)]
pub const fn decimal_literal(literal: &str) -> Decimal {
    let bytes = literal.as_bytes();
    let (mut mantissa, mut scale, mut in_fraction, mut negative, mut digits) = (0u128, 0u32, false, false, 0);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'-' if digits == 0 && !negative => negative = true,
            b'.' if !in_fraction => in_fraction = true,
            b'_' | b' ' => {}
            digit @ b'0'..=b'9' => {
                mantissa = mantissa * 10 + (digit - b'0') as u128;
                digits += 1;
                scale += in_fraction as u32;
                assert!(
                    mantissa >> 96 == 0 && scale <= Decimal::MAX_SCALE,
                    "the number does not fit an exact decimal"
                );
            }
            _ => panic!("not a decimal literal"),
        }
        at += 1;
    }
    assert!(digits > 0, "not a decimal literal");
    Decimal::from_parts(mantissa as u32, (mantissa >> 32) as u32, (mantissa >> 64) as u32, negative, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_keep_their_scale() {
        assert_eq!(dec!(1_000.50).to_string(), "1000.50");
        assert_eq!(dec!(-7).to_string(), "-7");
        assert_eq!(dec!(79228162514264337593543950335), Decimal::MAX);
    }

    #[test]
    fn every_digit_is_kept_or_the_number_refused() {
        for (text, printed) in [
            ("0", "0"),
            ("-0.00", "-0.00"),
            ("223.8", "223.8"),
            ("0.3500", "0.3500"),
            ("1E5", "100000"),
            ("1.50e1", "15.0"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("10e-29", "0.0000000000000000000000000001"),
            ("0e99", "0"),
        ] {
            assert_eq!(exact(text).map(|value| value.to_string()).as_deref(), Some(printed), "{text}");
        }
        for text in [
            "",
            ".",
            "-",
            "1e",
            "1.2.3",
            "0x10",
            "NaN",
            "1e29",
            "1e-29",
            "79228162514264337593543950336",
            "1e9223372036854775807",
            "1e-9223372036854775808",
            " 1",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
    }
}
