//! What is made of an order that was folded.

use blotter_engine::event::{OrderStatus, Side, Timestamp};
use rust_decimal::Decimal;

use super::folded::{Folded, UNKNOWN};

/// Digits after the point of basis points.
const BPS_DIGITS: u32 = 6;

fn known(ns: i64) -> Option<Timestamp> {
    (ns != UNKNOWN).then_some(Timestamp(ns))
}

impl Folded {
    /// The place of its first event.
    pub(crate) fn first(&self) -> (i64, u64) {
        self.first
    }

    pub(crate) fn first_time(&self) -> Timestamp {
        Timestamp(self.first.0)
    }

    pub(crate) fn last_time(&self) -> Timestamp {
        Timestamp(self.last)
    }

    pub(crate) fn created(&self) -> Option<Timestamp> {
        known(self.created)
    }

    pub(crate) fn submitted(&self) -> Option<Timestamp> {
        known(self.submitted)
    }

    pub(crate) fn acknowledged(&self) -> Option<Timestamp> {
        known(self.acknowledged)
    }

    pub(crate) fn first_fill(&self) -> Option<Timestamp> {
        known(self.first_fill)
    }

    pub(crate) fn last_fill(&self) -> Option<Timestamp> {
        known(self.last_fill)
    }

    pub(crate) fn ended(&self) -> Option<Timestamp> {
        known(self.ended)
    }

    pub(crate) fn is_orphan(&self) -> bool {
        self.created == UNKNOWN
    }

    pub(crate) fn is_open(&self) -> bool {
        self.ended == UNKNOWN
    }

    pub(crate) fn side(&self) -> Option<Side> {
        self.buys
    }

    /// The sum of its fills; without fills what was announced. Nothing is known of an order that is said to be filled
    /// without a quantity.
    pub(crate) fn filled_quantity(&self) -> Option<Decimal> {
        if self.fills > 0 {
            return self.filled;
        }
        let is_filled = matches!(self.status, Some(OrderStatus::Filled | OrderStatus::PartiallyFilled));
        let announced = self.rare().and_then(|rare| rare.announced_quantity);
        announced.or((!is_filled).then_some(Decimal::ZERO))
    }

    /// The average over its priced fills; without them what was announced.
    pub(crate) fn average_fill_price(&self) -> Option<Decimal> {
        let unpriced = self.rare().map_or(Decimal::ZERO, |rare| rare.unpriced);
        let priced = self.filled.and_then(|filled| filled.checked_sub(unpriced));
        match priced {
            Some(priced) if self.fills > 0 && !priced.is_zero() => {
                self.notional?.checked_div(priced).map(|average| average.normalize())
            }
            _ => self.rare().and_then(|rare| rare.announced_average),
        }
    }

    /// The price that slippage is measured against.
    pub(crate) fn reference(&self) -> Option<Decimal> {
        let reference = self.rare().and_then(|rare| rare.decision_price).or(self.price);
        reference.filter(|price| !price.is_zero())
    }

    /// Its average price against its reference, positive if worse. Without a reference what its fills were recorded
    /// with, weighted by quantity.
    pub(crate) fn slippage_bps(&self) -> Option<Decimal> {
        match self.reference() {
            Some(reference) => worse_by_bps(self.buys?, self.average_fill_price()?, reference),
            None => {
                let rare = self.rare()?;
                let mean = rare.slippage.checked_div(rare.slippage_quantity)?;
                Some(mean.round_dp(BPS_DIGITS).normalize())
            }
        }
    }

    /// Whether its fills are more than was ordered.
    pub(crate) fn is_overfilled(&self) -> bool {
        match (self.filled_quantity(), self.quantity) {
            (Some(filled), Some(quantity)) => filled > quantity,
            _ => false,
        }
    }

    /// From its creation to its submission, in nanoseconds.
    pub(crate) fn submit_ns(&self) -> Option<i64> {
        between(self.created(), self.submitted())
    }

    /// From its submission, or else its creation, to its acknowledgement.
    pub(crate) fn acknowledge_ns(&self) -> Option<i64> {
        between(self.submitted().or(self.created()), self.acknowledged())
    }

    /// From its creation to its first fill.
    pub(crate) fn first_fill_ns(&self) -> Option<i64> {
        between(self.created(), self.first_fill())
    }

    /// From its first event to its end.
    pub(crate) fn lifecycle_ns(&self) -> Option<i64> {
        between(Some(self.first_time()), self.ended())
    }
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    to?.nanos().checked_sub(from?.nanos())
}

/// By how many basis points of the reference a price is worse for whoever buys or sells; nothing is known against a
/// reference of 0.
pub(crate) fn worse_by_bps(side: Side, price: Decimal, reference: Decimal) -> Option<Decimal> {
    if reference.is_zero() {
        return None;
    }
    let worse = match side {
        Side::Buy => price.checked_sub(reference)?,
        Side::Sell => reference.checked_sub(price)?,
        _ => return None,
    };
    let bps = worse.checked_mul(Decimal::from(10_000))?.checked_div(reference)?;
    Some(bps.round_dp(BPS_DIGITS).normalize())
}
