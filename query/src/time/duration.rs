//! Stretches of time as text: `1h30m`, `1.5ms`, `-250ns`.

use std::fmt;

const UNITS: [(&str, i64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", DAY_NS),
    ("w", 7 * DAY_NS),
];

/// A day of 24 hours.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// Reads one or more of a number and a unit, with a sign before the first: `1h30m`, `-1.5ms`. `None` if it is not
/// that, is finer than a nanosecond, or does not fit.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut total = 0i128;
    loop {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, unit_ns) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(part_ns(number, *unit_ns)?)?;
        if after.is_empty() {
            break;
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// `1.5` of a unit, in nanoseconds.
fn part_ns(number: &str, unit_ns: i64) -> Option<i128> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    if whole.is_empty() || fraction.len() > 18 {
        return None;
    }
    let whole: i128 = i128::from(whole.parse::<u64>().ok()?).checked_mul(i128::from(unit_ns))?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let scale = 10i128.pow(fraction.len() as u32);
    let fraction = i128::from(fraction.parse::<u64>().ok()?) * i128::from(unit_ns);
    (fraction % scale == 0).then(|| whole + fraction / scale)
}

/// Prints nanoseconds so that [`parse`] reads them back: below a minute in the largest unit that leaves a whole part,
/// from a minute on in days, hours, minutes and seconds.
pub(crate) struct Printed(pub(crate) i64);

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ns = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match ns {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{ns}ns"),
            1_000..1_000_000 => return decimal(f, ns, 3, "us"),
            1_000_000..1_000_000_000 => return decimal(f, ns, 6, "ms"),
            _ => {}
        }
        for (unit, unit_ns) in [("d", DAY_NS as u64), ("h", 3_600_000_000_000), ("m", 60_000_000_000)] {
            if ns >= unit_ns {
                write!(f, "{}{unit}", ns / unit_ns)?;
                ns %= unit_ns;
            }
        }
        if ns == 0 { Ok(()) } else { decimal(f, ns, 9, "s") }
    }
}

/// `ns / 10^digits` without zeros at the end, and the unit.
fn decimal(f: &mut fmt::Formatter<'_>, ns: u64, digits: u32, unit: &str) -> fmt::Result {
    let scale = 10u64.pow(digits);
    let (whole, mut fraction, mut width) = (ns / scale, ns % scale, digits as usize);
    if fraction == 0 {
        return write!(f, "{whole}{unit}");
    }
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    write!(f, "{whole}.{fraction:0width$}{unit}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stretches_print_in_sensible_units() {
        for (ns, printed) in [
            (0, "0s"),
            (250, "250ns"),
            (1_500_000, "1.5ms"),
            (1_000, "1us"),
            (1_050, "1.05us"),
            (999_999_999, "999.999999ms"),
            (1_000_000_000, "1s"),
            (5_400_000_000_000, "1h30m"),
            (61_500_000_000, "1m1.5s"),
            (-90_000_000_000, "-1m30s"),
            (DAY_NS + 1, "1d0.000000001s"),
            (i64::MIN, "-106751d23h47m16.854775808s"),
        ] {
            assert_eq!(Printed(ns).to_string(), printed);
            assert_eq!(parse(printed), Some(ns), "{printed}");
        }
    }

    #[test]
    fn stretches_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("1w", Some(7 * DAY_NS)),
            ("+1.5d", Some(DAY_NS + DAY_NS / 2)),
            ("5µs", Some(5_000)),
            ("0.25us", Some(250)),
            ("1h1h", Some(7_200_000_000_000)),
            ("", None),
            ("-", None),
            ("5", None),
            ("h", None),
            ("1.h", None),
            (".5h", None),
            ("0.5ns", None),
            ("1h30", None),
            ("1x", None),
            ("1.2.3s", None),
            ("-1h-1m", None),
            ("1000000w", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(ns: i64, shift in 0u32..63) {
            let ns = ns >> shift;
            prop_assert_eq!(parse(&Printed(ns).to_string()), Some(ns));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[-+0-9.a-zµ]{0,24}") {
            parse(&text);
        }
    }
}
