//! Values as people read them in reports. Programs get them exact, in JSON and CSV.

use blotter_engine::event::{Decimal, Timestamp};
use chrono::TimeZone;
use chrono_tz::Tz;

use super::Unit;
use crate::datum::Datum;

/// Shown where there is nothing to compute a figure from.
const NOTHING: &str = "–";
/// Digits after the point that amounts of one and more are shown with.
const DIGITS: u32 = 2;
/// Digits that amounts below one are shown with, leading zeros left out: coins trade at 0.0000000381.
const DIGITS_OF_SMALL: u32 = 4;

/// A value with its unit, rounded for the eye; times to the millisecond in that zone.
///
/// ```
/// use blotter_engine::dec;
/// use blotter_query::desk::report::{Unit, shown};
/// use blotter_query::{Datum, Tz};
/// let shown = |datum, unit| shown(&datum, unit, Tz::UTC);
/// assert_eq!(shown(Datum::Decimal(dec!(1234567.891)), Unit::Money), "1,234,567.89");
/// assert_eq!(shown(Datum::Decimal(dec!(-0.0000000381)), Unit::Money), "-0.0000000381");
/// assert_eq!(shown(Datum::Float(0.12345), Unit::Share), "12.35 %");
/// assert_eq!(shown(Datum::Int(1_500), Unit::Microseconds), "1.50 ms");
/// assert_eq!(shown(Datum::Null, Unit::Count), "–");
/// ```
pub fn shown(value: &Datum, unit: Unit, zone: Tz) -> String {
    if let Datum::Time(ts) = value {
        return time(*ts, zone);
    }
    let number = match value {
        Datum::Null => return NOTHING.to_owned(),
        Datum::Int(value) => Decimal::from(*value),
        Datum::Decimal(value) => *value,
        // What no decimal holds is shown as it is.
        Datum::Float(float) => match Decimal::from_f64_retain(*float) {
            Some(value) => value,
            None => return format!("{float:e}"),
        },
        other => return other.display(zone).to_string(),
    };
    match unit {
        Unit::None if matches!(value, Datum::Float(_)) => rounded(number),
        Unit::None => number.to_string(),
        Unit::Count => grouped(&number.normalize().to_string()),
        Unit::Percent => format!("{} %", rounded(number)),
        Unit::Share => match number.checked_mul(Decimal::ONE_HUNDRED) {
            Some(percent) => format!("{} %", places(percent, DIGITS)),
            None => number.to_string(),
        },
        Unit::Quantity => match value {
            Datum::Float(_) => rounded(number),
            _ => grouped(&number.normalize().to_string()),
        },
        Unit::Money | Unit::Ratio => rounded(number),
        Unit::BasisPoints => format!("{} bps", places(number, DIGITS)),
        Unit::Microseconds => of_time(number, 0),
        Unit::Milliseconds => of_time(number, 1),
    }
}

/// To the millisecond, which is what the eye can use.
fn time(Timestamp(ns): Timestamp, zone: Tz) -> String {
    zone.timestamp_nanos(ns).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Two digits after the point, or four digits in all below one.
fn rounded(number: Decimal) -> String {
    if number.is_zero() || number.abs() >= Decimal::ONE {
        return places(number, DIGITS);
    }
    let short = number.round_sf(DIGITS_OF_SMALL).unwrap_or(number);
    // A float that was meant to be 0.25 shows no zeros behind it; two digits are the least.
    let mut short = short.normalize();
    if short.scale() < DIGITS {
        short.rescale(DIGITS);
    }
    short.to_string()
}

fn places(number: Decimal, digits: u32) -> String {
    let mut number = number.round_dp(digits);
    number.rescale(digits);
    // Minus nothing is nothing.
    if number.is_zero() {
        number.set_sign_positive(true);
    }
    grouped(&number.to_string())
}

/// A stretch of time in the unit in which it has one to three digits, from micro- (0) or milliseconds (1) up.
fn of_time(number: Decimal, from: usize) -> String {
    const UNITS: [&str; 3] = ["µs", "ms", "s"];
    let thousand = Decimal::ONE_THOUSAND;
    let (mut number, mut unit) = (number, from);
    while unit + 1 < UNITS.len() && number.abs() >= thousand {
        number /= thousand;
        unit += 1;
    }
    let is_whole = number.fract().is_zero() && unit == from;
    format!("{} {}", places(number, if is_whole { 0 } else { DIGITS }), UNITS[unit])
}

/// The digits before the point in threes.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) = number.find('.').map_or((number, ""), |point| number.split_at(point));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;

    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let cases: &[(Datum, Unit, &str)] = &[
            (Datum::Int(0), Unit::Count, "0"),
            (Datum::Int(-999), Unit::Count, "-999"),
            (Datum::Int(1_000), Unit::Count, "1,000"),
            (Datum::Int(-1_234_567), Unit::Count, "-1,234,567"),
            (Datum::Decimal(dec!(0.5)), Unit::Share, "50.00 %"),
            (Datum::Decimal(dec!(283494.0562)), Unit::Quantity, "283,494.0562"),
            (Datum::Decimal(dec!(100.00)), Unit::Quantity, "100"),
            (Datum::Decimal(dec!(-0.001)), Unit::BasisPoints, "0.00 bps"),
            (Datum::Decimal(dec!(-1.005)), Unit::Money, "-1.00"),
            (Datum::Decimal(dec!(0)), Unit::Money, "0.00"),
            (Datum::Decimal(dec!(0.000511)), Unit::Money, "0.000511"),
            (Datum::Float(0.25), Unit::Ratio, "0.25"),
            (Datum::Float(0.1 + 0.2), Unit::Ratio, "0.30"),
            (Datum::Float(1e40), Unit::Ratio, "1e40"),
            (Datum::Int(999), Unit::Microseconds, "999 µs"),
            (Datum::Float(12.3456), Unit::Microseconds, "12.35 µs"),
            (Datum::Int(2_500_000), Unit::Microseconds, "2.50 s"),
            (Datum::Decimal(dec!(0.619)), Unit::Milliseconds, "0.62 ms"),
            (Datum::Int(7_200_000), Unit::Milliseconds, "7,200.00 s"),
            (Datum::from("a<b"), Unit::None, "a<b"),
            (Datum::Decimal(dec!(1.500)), Unit::None, "1.500"),
            (Datum::Time(Timestamp(1_767_623_400_123_456_789)), Unit::None, "2026-01-05 14:30:00.123"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(shown(value, *unit, Tz::UTC), *expected, "{value:?} {unit:?}");
        }
    }
}
