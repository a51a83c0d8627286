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

/// Writes an exact decimal constant, its scale kept: `dec!(150.25)`, `dec!(-0.0350)`. What does not fit
/// does not compile.
///
/// ```
/// use blotter_engine::event::{Decimal, dec};
/// assert_eq!(dec!(-1_150.250).to_string(), "-1150.250");
/// const TICK: Decimal = dec!(0.01);
/// assert_eq!(TICK, Decimal::new(1, 2));
/// ```
///
/// ```compile_fail
/// let price = blotter_engine::dec!(79228162514264337593543950336);
/// ```
#[macro_export]
macro_rules! dec {
    // Its own macro, because that of the decimal crate asks every user to depend on that crate.
    ($($number:tt)+) => {
        const { $crate::event::decimal_constant(stringify!($($number)+)) }
    };
}

/// The decimal written in a `dec!`.
///
/// # Panics
/// If it is none; at compile time, as it is called from there only.
#[doc(hidden)]
pub const fn decimal_constant(text: &str) -> Decimal {
    let text = text.as_bytes();
    let (mut mantissa, mut scale, mut digits) = (0u128, 0, 0);
    let (mut negative, mut after_point) = (false, false);
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            digit @ b'0'..=b'9' => {
                mantissa = mantissa * 10 + (digit - b'0') as u128;
                digits += 1;
                scale += after_point as u32;
            }
            b'-' if digits == 0 && !negative => negative = true,
            b'.' if !after_point && digits > 0 => after_point = true,
            b'_' | b' ' => {}
            _ => panic!("a decimal constant is digits with a point, such as -12.50"),
        }
        assert!(
            mantissa >> 96 == 0 && scale <= Decimal::MAX_SCALE,
            "a decimal constant has at most 28 digits"
        );
        at += 1;
    }
    assert!(digits > 0, "a decimal constant has digits");
    Decimal::from_parts(
        mantissa as u32,
        (mantissa >> 32) as u32,
        (mantissa >> 64) as u32,
        negative && mantissa != 0,
        scale,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_keep_their_digits() {
        for (constant, printed) in [
            (dec!(150.25), "150.25"),
            (dec!(-0.0350), "-0.0350"),
            (dec!(1_000), "1000"),
            (dec!(0.0), "0.0"),
            (dec!(79228162514264337593543950335), "79228162514264337593543950335"),
            (dec!(0.0000000000000000000000000001), "0.0000000000000000000000000001"),
        ] {
            assert_eq!(constant.to_string(), printed);
        }
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
