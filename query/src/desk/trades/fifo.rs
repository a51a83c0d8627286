//! First in, first out: what a fill closes was opened by the oldest fills of the other side.
//!
//! Each strategy has a position of its own in each symbol, made of lots. A fill of the side of the position adds a lot;
//! one of the other side consumes lots, the oldest first, and is a round trip with them. What is left of it when no
//! lot is, opens the position of the other side.
//!
//! Invariant: the lots of a position are all of one side, each of more than nothing, and hold, beside the quantity that
//! is left of a fill, the commission that is left of it, so that no part of a commission is lost or counted twice.

use std::collections::{HashMap, VecDeque};

use blotter_engine::event::{Side, Timestamp};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::fits;
use crate::error::{ErrorKind, QueryError, Result};

/// An execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    /// When.
    pub ts: Timestamp,
    /// Of which strategy, if it was recorded.
    pub strategy: Option<SmolStr>,
    /// Of what.
    pub symbol: SmolStr,
    /// Which way.
    pub side: Side,
    /// How much; more than zero.
    pub quantity: Decimal,
    /// For how much each.
    pub price: Decimal,
    /// What it cost beside; zero if nobody recorded it.
    pub commission: Decimal,
    /// Of which order, if it was recorded.
    pub order_id: Option<SmolStr>,
}

/// A position that was opened and closed, as far as one fill closed it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundTrip {
    /// Of which strategy, if it was recorded.
    pub strategy: Option<SmolStr>,
    /// Of what.
    pub symbol: SmolStr,
    /// The side that opened it: a position that was bought is long, one that was sold is short.
    pub entry_side: Side,
    /// What was closed.
    pub quantity: Decimal,
    /// When the oldest of the lots was opened.
    pub entry_ts: Timestamp,
    /// The average price of the lots, weighted by what was consumed of each.
    pub entry_price: Decimal,
    /// When it was closed.
    pub exit_ts: Timestamp,
    /// For how much each.
    pub exit_price: Decimal,
    /// What it gained before commissions; from the sums, not from the average, so that nothing is rounded.
    pub gross_pnl: Decimal,
    /// Its share of the commissions of both sides.
    pub commission: Decimal,
    /// What it gained.
    pub net_pnl: Decimal,
    /// The order that closed it, if it was recorded.
    pub order_id: Option<SmolStr>,
}

/// What is left of a fill that opened a position, or added to it.
#[derive(Clone, Debug)]
struct Lot {
    ts: Timestamp,
    quantity: Decimal,
    price: Decimal,
    commission: Decimal,
}

/// A position.
#[derive(Clone, Debug)]
struct Position {
    side: Side,
    lots: VecDeque<Lot>,
}

/// Positions by strategy and symbol, to which fills are given in the order in which they happened.
///
/// ```
/// use blotter_engine::dec;
/// use blotter_engine::event::{Side, Timestamp};
/// use blotter_query::desk::trades::{Fifo, Fill};
/// # fn main() -> blotter_query::Result<()> {
/// let fill = |ts, side, quantity, price| Fill {
///     ts: Timestamp(ts),
///     strategy: None,
///     symbol: "AMZN".into(),
///     side,
///     quantity,
///     price,
///     commission: dec!(0.10),
///     order_id: None,
/// };
/// let mut fifo = Fifo::default();
/// assert_eq!(fifo.add(fill(1, Side::Buy, dec!(100), dec!(223.80)))?, None);
/// // Sells more than is there: a trip of 100, and a short position of 50.
/// let trip = fifo.add(fill(2, Side::Sell, dec!(150), dec!(223.90)))?.expect("it closes the position");
/// assert_eq!((trip.quantity, trip.gross_pnl), (dec!(100), dec!(10.00)));
/// assert_eq!(fifo.open_positions(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    positions: HashMap<(Option<SmolStr>, SmolStr), Position>,
}

impl Fifo {
    /// Adds a fill; the round trip that it closes, if it closes any.
    ///
    /// # Errors
    /// A quantity that is not more than zero, and amounts that do not fit an exact decimal.
    pub fn add(&mut self, fill: Fill) -> Result<Option<RoundTrip>> {
        if fill.quantity <= Decimal::ZERO {
            let message = format!("a fill of {} is none: a quantity is more than zero", fill.quantity);
            return Err(QueryError::new(ErrorKind::Value, message));
        }
        let position = self
            .positions
            .entry((fill.strategy.clone(), fill.symbol.clone()))
            .or_insert_with(|| Position { side: fill.side, lots: VecDeque::new() });
        if position.lots.is_empty() {
            position.side = fill.side;
        }
        if position.side == fill.side {
            let Fill { ts, quantity, price, commission, .. } = fill;
            position.lots.push_back(Lot { ts, quantity, price, commission });
            return Ok(None);
        }
        position.close(fill).map(Some)
    }

    /// Positions that are open.
    pub fn open_positions(&self) -> usize {
        self.positions.values().filter(|position| !position.lots.is_empty()).count()
    }
}

impl Position {
    /// Consumes lots by a fill of the other side; there is at least one.
    fn close(&mut self, fill: Fill) -> Result<RoundTrip> {
        let entry_side = self.side;
        let entry_ts = self.lots.front().expect("what is closed has a lot").ts;
        let mut left = fill.quantity;
        let mut entry_value = Decimal::ZERO;
        let mut commission = Decimal::ZERO;
        while let Some(lot) = self.lots.front_mut().filter(|_| left > Decimal::ZERO) {
            let taken = lot.quantity.min(left);
            let share = share_of(lot.commission, taken, lot.quantity)?;
            let value = fits(taken.checked_mul(lot.price), "the value of a fill")?;
            entry_value = fits(entry_value.checked_add(value), "the value of a position")?;
            commission = fits(commission.checked_add(share), "a sum of commissions")?;
            left -= taken;
            lot.quantity -= taken;
            lot.commission -= share;
            if lot.quantity.is_zero() {
                self.lots.pop_front();
            }
        }
        let quantity = fill.quantity - left;
        let share = share_of(fill.commission, quantity, fill.quantity)?;
        commission = fits(commission.checked_add(share), "a sum of commissions")?;
        let exit_value = fits(quantity.checked_mul(fill.price), "the value of a fill")?;
        let gained = match entry_side {
            Side::Sell => entry_value.checked_sub(exit_value),
            // Sides are two; whatever else a later engine knows is no short position.
            _ => exit_value.checked_sub(entry_value),
        };
        let gross_pnl = fits(gained, "a profit or loss")?;
        let net_pnl = fits(gross_pnl.checked_sub(commission), "a profit or loss")?;
        let entry_price = fits(entry_value.checked_div(quantity), "an average price")?.normalize();
        if left > Decimal::ZERO {
            self.side = fill.side;
            let rest = fill.commission - share;
            self.lots.push_back(Lot { ts: fill.ts, quantity: left, price: fill.price, commission: rest });
        }
        Ok(RoundTrip {
            strategy: fill.strategy,
            symbol: fill.symbol,
            entry_side,
            quantity,
            entry_ts,
            entry_price,
            exit_ts: fill.ts,
            exit_price: fill.price,
            gross_pnl,
            commission,
            net_pnl,
            order_id: fill.order_id,
        })
    }
}

/// The share of a commission that goes with a part of a quantity; all of it goes with the whole, whatever was rounded
/// before.
fn share_of(commission: Decimal, part: Decimal, whole: Decimal) -> Result<Decimal> {
    if part == whole || commission.is_zero() {
        return Ok(commission);
    }
    let product = fits(commission.checked_mul(part), "a share of a commission")?;
    fits(product.checked_div(whole), "a share of a commission")
}
