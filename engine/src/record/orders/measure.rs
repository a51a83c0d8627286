//! The figures of an order: pure functions over exact decimals. What cannot be told, or does not fit, is `None`.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::event::{Side, Timestamp};

/// Digits after the point that slippage is rounded to, halves to the even neighbour: a hundred-millionth of the price.
const SLIPPAGE_DIGITS: u32 = 4;

/// How much worse for us `price` is than `reference`, in basis points of it; negative is better. A buy is worse above
/// its reference, a sell below it. `None` where the reference is zero.
pub(super) fn slippage_bps(side: Side, reference: Decimal, price: Decimal) -> Option<Decimal> {
    let worse = match side {
        Side::Buy => price.checked_sub(reference)?,
        Side::Sell => reference.checked_sub(price)?,
    };
    // Multiplied first, so that the one division is all that is inexact.
    let bps = worse.checked_mul(Decimal::from(10_000))?.checked_div(reference)?;
    Some(bps.round_dp_with_strategy(SLIPPAGE_DIGITS, RoundingStrategy::MidpointNearestEven).normalize())
}

/// The average price of so much bought or sold for so much. Exact where it has at most 28 digits, else rounded there.
pub(super) fn average_price(notional: Decimal, quantity: Decimal) -> Option<Decimal> {
    notional.checked_div(quantity).map(|average| average.normalize())
}

/// Whole microseconds between two times, cut toward zero; negative where the clock went back.
#[inline]
pub(super) fn between_us(from: Timestamp, to: Timestamp) -> i64 {
    to.nanos().saturating_sub(from.nanos()) / 1_000
}

/// Milliseconds between two times, to the microsecond.
#[inline]
pub(super) fn between_ms(from: Timestamp, to: Timestamp) -> Decimal {
    Decimal::new(between_us(from, to), 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::dec;

    #[test]
    fn slippage_is_worse_for_us_where_positive() {
        for (side, reference, price, bps) in [
            // 0.05 / 150.25 = 0.000332778...
            (Side::Buy, dec!(150.25), dec!(150.30), Some("3.3278")),
            (Side::Sell, dec!(150.25), dec!(150.30), Some("-3.3278")),
            (Side::Buy, dec!(150.25), dec!(150.20), Some("-3.3278")),
            (Side::Sell, dec!(150.25), dec!(150.20), Some("3.3278")),
            (Side::Buy, dec!(150.25), dec!(150.25), Some("0")),
            (Side::Buy, dec!(100), dec!(0), Some("-10000")),
            (Side::Sell, dec!(100), dec!(0), Some("10000")),
            (Side::Buy, dec!(0), dec!(100), None),
            (Side::Sell, dec!(0.00), dec!(0), None),
            // Spreads may be traded at negative prices: 1 of -50 is -200 bps of it.
            (Side::Buy, dec!(-50), dec!(-49), Some("-200")),
            (Side::Buy, dec!(0.0000000381), dec!(0.0000000382), Some("26.2467")),
            // Halves go to the even neighbour: 0.00005 and 0.00015 bps.
            (Side::Buy, dec!(100000000), dec!(100000000.5), Some("0")),
            (Side::Buy, dec!(100000000), dec!(100000001.5), Some("0.0002")),
            (Side::Buy, Decimal::MAX, Decimal::MIN, None),
        ] {
            let found = slippage_bps(side, reference, price).map(|bps| bps.to_string());
            assert_eq!(found.as_deref(), bps, "{side:?} {price} against {reference}");
        }
    }

    #[test]
    fn averages_are_exact_where_they_can_be() {
        assert_eq!(average_price(dec!(15025.60), dec!(100)), Some(dec!(150.256)));
        assert_eq!(average_price(dec!(1), dec!(3)), Some(dec!(0.3333333333333333333333333333)));
        assert_eq!(average_price(dec!(0), dec!(0)), None);
    }

    #[test]
    fn times_are_cut_to_the_microsecond() {
        let at = Timestamp;
        assert_eq!((between_us(at(0), at(1_999)), between_us(at(1_999), at(0))), (1, -1));
        assert_eq!(between_ms(at(0), at(14_000_123_999)).to_string(), "14000.123");
        assert_eq!(between_us(Timestamp::MIN, Timestamp::MAX), i64::MAX / 1_000);
    }
}
