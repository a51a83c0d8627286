//! What trading came to: fills become round trips, round trips become figures.
//!
//! ```text
//! fills ─▶ fifo ─▶ round trips ─▶ outcomes ─▶ metrics: win rate, profit factor, drawdown, Sharpe, streaks
//! ```
//! Pure functions on values at hand. Money is exact to the 28 digits of a decimal; what does not fit is an error.
//! Only the Sharpe ratios are floats, for they hold a square root.

mod fifo;
mod metrics;
#[cfg(test)]
mod tests;

pub use fifo::{Fifo, Fill, RoundTrip};
pub use metrics::{Outcome, Streak, TradingMetrics, losing_streaks};

use rust_decimal::Decimal;

use crate::error::{ErrorKind, QueryError, Result};

/// A result of checked arithmetic, or the error that says that it does not fit.
fn fits(result: Option<Decimal>, what: &str) -> Result<Decimal> {
    result.ok_or_else(|| {
        QueryError::new(ErrorKind::Value, format!("{what} does not fit an exact decimal (28 digits)"))
    })
}
