//! Units in the names of fields: `latency_us` is in microseconds, `slippage_bps` in basis points.

use rust_decimal::Decimal;

use crate::syntax::ast::LiteralKind;

/// The unit of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Stretches of time, of so many nanoseconds.
    Time(i64),
    /// Sizes, of so many bytes.
    Size(i64),
    /// Hundredths.
    Percent,
    /// Hundredths of a hundredth.
    BasisPoints,
}

/// The unit that the last part of a name says.
pub(crate) fn of_field(name: &str) -> Option<Unit> {
    let (_, unit) = name.rsplit_once('_')?;
    Some(match unit.to_ascii_lowercase().as_str() {
        "ns" | "nanos" => Unit::Time(1),
        "us" | "micros" => Unit::Time(1_000),
        "ms" | "millis" => Unit::Time(1_000_000),
        "s" | "sec" | "secs" | "seconds" => Unit::Time(1_000_000_000),
        "min" | "mins" | "minutes" => Unit::Time(60_000_000_000),
        "h" | "hours" => Unit::Time(3_600_000_000_000),
        "days" => Unit::Time(super::duration::DAY_NS),
        "b" | "bytes" => Unit::Size(1),
        "kb" => Unit::Size(1_000),
        "mb" => Unit::Size(1_000_000),
        "gb" => Unit::Size(1_000_000_000),
        "kib" => Unit::Size(1 << 10),
        "mib" => Unit::Size(1 << 20),
        "gib" => Unit::Size(1 << 30),
        "pct" | "percent" => Unit::Percent,
        "bps" => Unit::BasisPoints,
        _ => return None,
    })
}

impl Unit {
    /// What it is called in hints.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Time(_) => "a duration",
            Unit::Size(_) => "a size",
            Unit::Percent => "percent",
            Unit::BasisPoints => "basis points",
        }
    }
}

/// Whether a literal is written with a unit.
pub(crate) fn has_unit(kind: &LiteralKind) -> bool {
    use LiteralKind::{BasisPoints, Duration, Percent, Size};
    matches!(kind, Duration(_) | Size(_) | Percent(_) | BasisPoints(_))
}

/// A literal as a number in the unit of a field: its number if it has no unit; `None` if it is no number, or its unit
/// is not of the field's kind.
pub(crate) fn number_in(kind: &LiteralKind, unit: Option<Unit>) -> Option<Decimal> {
    let hundred = Decimal::ONE_HUNDRED;
    let number = match (kind, unit) {
        (LiteralKind::Number(number), _) => return Some(*number),
        (LiteralKind::Duration(ns), Some(Unit::Time(unit_ns))) => {
            Decimal::from(*ns).checked_div(unit_ns.into())?
        }
        (LiteralKind::Size(bytes), Some(Unit::Size(unit_bytes))) => bytes.checked_div(unit_bytes.into())?,
        (LiteralKind::Percent(number), Some(Unit::Percent)) => *number,
        (LiteralKind::Percent(number), Some(Unit::BasisPoints)) => number.checked_mul(hundred)?,
        (LiteralKind::BasisPoints(number), Some(Unit::BasisPoints)) => *number,
        (LiteralKind::BasisPoints(number), Some(Unit::Percent)) => number.checked_div(hundred)?,
        _ => return None,
    };
    Some(number.normalize())
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;

    use super::*;

    #[test]
    fn literals_are_converted_exactly_to_the_unit_of_the_field() {
        let (ms, hour) = (LiteralKind::Duration(1_000_000), LiteralKind::Duration(3_600_000_000_000));
        let kib = LiteralKind::Size(dec!(1024));
        let (percent, bps) = (LiteralKind::Percent(dec!(5)), LiteralKind::BasisPoints(dec!(5)));
        for (kind, field, expected) in [
            (&ms, "latency_us", Some(dec!(1000))),
            (&ms, "latency_ms", Some(dec!(1))),
            (&ms, "execution_time_s", Some(dec!(0.001))),
            (&ms, "a.b_MILLIS", Some(dec!(1))),
            (&hour, "age_days", Some(dec!(0.0416666666666666666666666667))),
            (&hour, "held_minutes", Some(dec!(60))),
            (&ms, "quantity", None),
            (&ms, "us", None),
            (&ms, "size_kb", None),
            (&kib, "size_kib", Some(dec!(1))),
            (&kib, "size_kb", Some(dec!(1.024))),
            (&kib, "size_bytes", Some(dec!(1024))),
            (&percent, "drawdown_pct", Some(dec!(5))),
            (&percent, "slippage_bps", Some(dec!(500))),
            (&bps, "slippage_bps", Some(dec!(5))),
            (&bps, "drawdown_percent", Some(dec!(0.05))),
            (&percent, "ratio", None),
            (&LiteralKind::Number(dec!(1.50)), "latency_us", Some(dec!(1.50))),
            (&LiteralKind::Word, "latency_us", None),
        ] {
            assert_eq!(number_in(kind, of_field(field)), expected, "{kind:?} {field}");
        }
    }
}
