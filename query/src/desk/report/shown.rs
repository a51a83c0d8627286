//! Figures of reports as people read them: rounded, with their units, digits in groups. Programs get them exact, in JSON.

use blotter_engine::event::Decimal;
use chrono::TimeZone;
use chrono_tz::Tz;
use rust_decimal::RoundingStrategy;

use super::Unit;
use crate::datum::Datum;

/// What stands for a figure that there is nothing to compute from.
pub const NONE: &str = "-";

/// Digits of a figure that count, if it is less than one: prices of some coins begin with seven zeros.
const SMALL_DIGITS: u32 = 4;

/// A figure with its unit.
///
/// ```
/// use blotter_engine::dec;
/// use blotter_query::desk::report::{Unit, shown};
/// use blotter_query::{Datum, Tz};
/// let shown = |figure, unit| shown::with_unit(&figure, unit, Tz::UTC);
/// assert_eq!(shown(Datum::Decimal(dec!(1234567.891)), Unit::Money), "1,234,567.89");
/// assert_eq!(shown(Datum::Float(0.12345), Unit::Share), "12.35 %");
/// assert_eq!(shown(Datum::Null, Unit::Count), "-");
/// ```
pub fn with_unit(value: &Datum, unit: Unit, zone: Tz) -> String {
    let text = plain(value, unit, zone);
    match unit {
        _ if value.is_null() => text,
        Unit::Share | Unit::Percent => text + " %",
        Unit::BasisPoints => text + " bps",
        Unit::Microseconds => text + " us",
        Unit::Milliseconds => text + " ms",
        _ => text,
    }
}

/// A figure alone, as it stands in a column that names its unit.
pub fn plain(value: &Datum, unit: Unit, zone: Tz) -> String {
    match value {
        Datum::Null => NONE.to_owned(),
        Datum::Time(ts) => {
            let local = zone.from_utc_datetime(&ts.to_datetime().naive_utc());
            local.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
        }
        Datum::Duration(ns) => duration(*ns),
        Datum::Int(_) | Datum::Decimal(_) | Datum::Float(_) => match value.as_decimal() {
            Some(number) => number_of(number, unit),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

fn number_of(number: Decimal, unit: Unit) -> String {
    let (number, least, most) = match unit {
        Unit::Count => (number, 0, 0),
        Unit::Share => (number.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(number), 2, 2),
        Unit::Percent | Unit::BasisPoints => (number, 0, 2),
        Unit::Microseconds | Unit::Milliseconds => (number, 0, 1),
        Unit::Money => (number, 2, 2),
        Unit::Ratio => (number, 2, 3),
        Unit::Quantity | Unit::None => (number, 0, 4),
    };
    let is_small = number.abs() < Decimal::ONE && !matches!(unit, Unit::Share | Unit::Count | Unit::Ratio);
    let rounded = if is_small {
        number.round_sf_with_strategy(SMALL_DIGITS, RoundingStrategy::MidpointAwayFromZero).unwrap_or(number)
    } else {
        number.round_dp_with_strategy(most, RoundingStrategy::MidpointAwayFromZero)
    };
    let mut shown = rounded.normalize();
    if shown.scale() < least {
        shown.rescale(least);
    }
    grouped(&shown.to_string())
}

/// `1234567.8` as `1,234,567.8`.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) =
        number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A stretch of time, rounded for the eye: `2 h 5 min`, `3.5 s`, `120 us`.
pub fn duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let seconds = ns as f64 / 1e9;
    let minutes = (seconds / 60.0).round() as u64;
    let text = match ns {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.0} us", seconds * 1e6),
        1_000_000..1_000_000_000 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 99.95 => format!("{seconds:.1} s"),
        _ if minutes < 60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    };
    sign.to_owned() + &text
}

/// How a figure differs from what it was before: of shares in percent points, of all else in percent of what it was. A
/// dash where there is no telling.
pub fn change(now: &Datum, before: &Datum, unit: Unit) -> String {
    let (Some(now), Some(before)) = (now.as_decimal(), before.as_decimal()) else { return NONE.to_owned() };
    let difference = now.checked_sub(before);
    let (change, unit) = match unit {
        Unit::Share => (difference.and_then(|change| change.checked_mul(Decimal::ONE_HUNDRED)), "pp"),
        Unit::Percent => (difference, "pp"),
        _ => {
            let share = difference.and_then(|change| change.checked_div(before.abs()));
            (share.and_then(|share| share.checked_mul(Decimal::ONE_HUNDRED)), "%")
        }
    };
    let Some(change) = change else { return NONE.to_owned() };
    let change = change.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize();
    let sign = if change > Decimal::ZERO { "+" } else { "" };
    format!("{sign}{} {unit}", grouped(&change.to_string()))
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::Timestamp;

    use super::*;

    #[test]
    fn figures_are_rounded_and_have_units() {
        for (value, unit, expected) in [
            (Datum::Null, Unit::Share, "-"),
            (Datum::Int(1_234_567), Unit::Count, "1,234,567"),
            (Datum::Int(-123), Unit::Count, "-123"),
            (Datum::Decimal(dec!(0.0751234)), Unit::Share, "7.51 %"),
            (Datum::Decimal(dec!(0.000001)), Unit::Share, "0.00 %"),
            (Datum::Decimal(dec!(94)), Unit::Percent, "94 %"),
            (Datum::Decimal(dec!(114660819.005)), Unit::Money, "114,660,819.01"),
            (Datum::Int(-5), Unit::Money, "-5.00"),
            (Datum::Int(0), Unit::Money, "0.00"),
            (Datum::Decimal(dec!(0.0000000381234)), Unit::Money, "0.00000003812"),
            (Datum::Float(93.96628), Unit::Microseconds, "94 us"),
            (Datum::Float(0.223236), Unit::Ratio, "0.223"),
            (Datum::Decimal(dec!(1.4999)), Unit::BasisPoints, "1.5 bps"),
            (Datum::Decimal(dec!(7.0)), Unit::Quantity, "7"),
            (Datum::from("x"), Unit::None, "x"),
            (Datum::Duration(61_000), Unit::None, "61 us"),
            (Datum::Duration(-450_000_000), Unit::None, "-450 ms"),
            (Datum::Duration(12_340_000_000), Unit::None, "12.3 s"),
            (Datum::Duration(2_100_000), Unit::None, "2 ms"),
            (Datum::Duration(99_960_000_000), Unit::None, "2 min"),
            (Datum::Duration(7_500_000_000_000), Unit::None, "2 h 5 min"),
            (Datum::Time(Timestamp(1_500_000)), Unit::None, "1970-01-01 00:00:00.001"),
        ] {
            assert_eq!(with_unit(&value, unit, Tz::UTC), expected, "{value:?} {unit:?}");
        }
        let local = plain(&Datum::Time(Timestamp(0)), Unit::None, Tz::America__New_York);
        assert_eq!(local, "1969-12-31 19:00:00.000");
    }

    #[test]
    fn changes_are_of_what_was_before() {
        for (now, before, unit, expected) in [
            (dec!(110), dec!(100), Unit::Count, "+10 %"),
            (dec!(90), dec!(-100), Unit::Money, "+190 %"),
            (dec!(0.075), dec!(0.08), Unit::Share, "-0.5 pp"),
            (dec!(94), dec!(90), Unit::Percent, "+4 pp"),
            (dec!(5), dec!(0), Unit::Count, "-"),
            (dec!(5), dec!(5), Unit::Count, "0 %"),
        ] {
            assert_eq!(change(&now.into(), &before.into(), unit), expected);
        }
        assert_eq!(change(&Datum::Null, &Datum::Int(1), Unit::Count), "-");
    }
}
