//! Stretches of time as text: `1h30m`, `1.5ms`, `-250ns`.

use std::fmt;

/// A day of 24 hours.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// Prints nanoseconds so that they are read back: below a minute in the largest unit that leaves a whole part,
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
    use crate::syntax::duration as parse;

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
