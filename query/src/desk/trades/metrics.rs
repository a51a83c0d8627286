//! Figures of trades that are closed: how often they win, how much, how steadily.

use std::collections::BTreeMap;

use blotter_engine::event::Timestamp;
use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{RoundTrip, fits};
use crate::datum::arithmetic::nearest_float;
use crate::error::Result;
use crate::time::zone::date;

/// Days on which exchanges trade in a year, by which a daily Sharpe ratio is annualised.
const TRADING_DAYS: f64 = 252.0;

/// What a trade came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When it was closed.
    pub ts: Timestamp,
    /// What it gained, commissions taken off.
    pub net_pnl: Decimal,
}

impl From<&RoundTrip> for Outcome {
    fn from(trip: &RoundTrip) -> Outcome {
        Outcome { ts: trip.exit_ts, net_pnl: trip.net_pnl }
    }
}

/// See the module. A win gained more than nothing, a loss less; what came out even counts among the trades only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TradingMetrics {
    /// Trades closed.
    pub trades: u64,
    /// Of them, those that gained.
    pub wins: u64,
    /// Of them, those that lost.
    pub losses: u64,
    /// What all came to.
    pub total_pnl: Decimal,
    /// What the wins came to.
    pub gross_profit: Decimal,
    /// What the losses came to; not more than zero.
    pub gross_loss: Decimal,
    /// The greatest fall of the running total below the highest it had been, which begins at zero; not less than zero.
    pub max_drawdown: Decimal,
    /// The greatest gain, or least loss, of one trade; none without trades.
    pub best: Option<Decimal>,
    /// The greatest loss, or least gain.
    pub worst: Option<Decimal>,
    /// Most wins in a row.
    pub win_streak_max: u64,
    /// Most losses in a row.
    pub loss_streak_max: u64,
    /// Mean of the daily results over their standard deviation (of a sample), times the root of 252; none of fewer than
    /// two days, or if all came to the same. Days are those from the first trade to the last: Monday to Friday, and
    /// any other on which a trade was closed.
    pub sharpe_daily_annualised: Option<f64>,
    /// The same of single trades, not annualised; none of fewer than two.
    pub sharpe_per_trade: Option<f64>,
}

impl TradingMetrics {
    /// Of trades in the order in which they were closed; days are those of the zone.
    ///
    /// # Errors
    /// Sums that do not fit an exact decimal.
    pub fn of(outcomes: &[Outcome], zone: Tz) -> Result<TradingMetrics> {
        let mut metrics = TradingMetrics::default();
        let mut peak = Decimal::ZERO;
        let (mut winning, mut losing) = (0, 0);
        for Outcome { net_pnl, .. } in outcomes {
            metrics.trades += 1;
            metrics.total_pnl = plus(metrics.total_pnl, *net_pnl)?;
            if *net_pnl > Decimal::ZERO {
                metrics.wins += 1;
                metrics.gross_profit = plus(metrics.gross_profit, *net_pnl)?;
                (winning, losing) = (winning + 1, 0);
            } else if *net_pnl < Decimal::ZERO {
                metrics.losses += 1;
                metrics.gross_loss = plus(metrics.gross_loss, *net_pnl)?;
                (winning, losing) = (0, losing + 1);
            } else {
                (winning, losing) = (0, 0);
            }
            metrics.win_streak_max = metrics.win_streak_max.max(winning);
            metrics.loss_streak_max = metrics.loss_streak_max.max(losing);
            peak = peak.max(metrics.total_pnl);
            metrics.max_drawdown = metrics.max_drawdown.max(plus(peak, -metrics.total_pnl)?);
        }
        metrics.best = outcomes.iter().map(|outcome| outcome.net_pnl).max();
        metrics.worst = outcomes.iter().map(|outcome| outcome.net_pnl).min();
        let each: Vec<Decimal> = outcomes.iter().map(|outcome| outcome.net_pnl).collect();
        metrics.sharpe_per_trade = sharpe(&each);
        let annual = |daily: f64| daily * TRADING_DAYS.sqrt();
        metrics.sharpe_daily_annualised = sharpe(&daily_results(outcomes, zone)?).map(annual);
        Ok(metrics)
    }

    /// Those that came out even.
    pub fn even(&self) -> u64 {
        self.trades - self.wins - self.losses
    }

    /// Wins per trade; none without trades.
    pub fn win_rate(&self) -> Option<Decimal> {
        per(Decimal::from(self.wins), Decimal::from(self.trades))
    }

    /// What a win came to on average.
    pub fn average_win(&self) -> Option<Decimal> {
        per(self.gross_profit, Decimal::from(self.wins))
    }

    /// What a loss came to on average; less than zero.
    pub fn average_loss(&self) -> Option<Decimal> {
        per(self.gross_loss, Decimal::from(self.losses))
    }

    /// What a trade came to on average.
    pub fn expectancy(&self) -> Option<Decimal> {
        per(self.total_pnl, Decimal::from(self.trades))
    }

    /// What was gained for each unit lost; none without losses.
    pub fn profit_factor(&self) -> Option<Decimal> {
        per(self.gross_profit, -self.gross_loss)
    }
}

/// A quotient, cut at 28 digits; none by zero.
fn per(total: Decimal, count: Decimal) -> Option<Decimal> {
    total.checked_div(count).map(|quotient| quotient.normalize())
}

fn plus(total: Decimal, more: Decimal) -> Result<Decimal> {
    fits(total.checked_add(more), "a sum of profits and losses")
}

/// Results of the days from the first trade to the last: those of Monday to Friday, and those with a trade.
fn daily_results(outcomes: &[Outcome], zone: Tz) -> Result<Vec<Decimal>> {
    let mut days: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    for outcome in outcomes {
        let day = days.entry(date(outcome.ts, zone)).or_default();
        *day = plus(*day, outcome.net_pnl)?;
    }
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else {
        return Ok(Vec::new());
    };
    let is_weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let all = first.iter_days().take_while(|day| day <= last);
    let counted = all.filter(|day| !is_weekend(day) || days.contains_key(day));
    Ok(counted.map(|day| days.get(&day).copied().unwrap_or_default()).collect())
}

/// Mean over standard deviation of a sample; none of fewer than two, or of values that are all the same.
fn sharpe(values: &[Decimal]) -> Option<f64> {
    // Whether they are the same is asked of the exact values: floats would give a deviation of some rounding.
    if values.len() < 2 || values.iter().all(|value| *value == values[0]) {
        return None;
    }
    let count = values.len() as f64;
    let floats = || values.iter().map(|value| nearest_float(*value));
    let mean = floats().sum::<f64>() / count;
    let squares: f64 = floats().map(|value| (value - mean).powi(2)).sum();
    let ratio = mean / (squares / (count - 1.0)).sqrt();
    ratio.is_finite().then_some(ratio)
}

/// Losses in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// When the first was closed.
    pub first_ts: Timestamp,
    /// When the last was.
    pub last_ts: Timestamp,
    /// How many.
    pub trades: u64,
    /// What they came to.
    pub net_pnl: Decimal,
}

/// Every unbroken row of at least `trades_min` losses among trades in the order in which they were closed.
///
/// # Errors
/// Sums that do not fit an exact decimal.
pub fn losing_streaks(outcomes: impl IntoIterator<Item = Outcome>, trades_min: u64) -> Result<Vec<Streak>> {
    let mut streaks: Vec<Streak> = Vec::new();
    let mut current: Option<Streak> = None;
    for Outcome { ts, net_pnl } in outcomes {
        if net_pnl >= Decimal::ZERO {
            streaks.extend(current.take().filter(|streak| streak.trades >= trades_min));
            continue;
        }
        let streak =
            current.get_or_insert(Streak { first_ts: ts, last_ts: ts, trades: 0, net_pnl: Decimal::ZERO });
        streak.last_ts = ts;
        streak.trades += 1;
        streak.net_pnl = plus(streak.net_pnl, net_pnl)?;
    }
    streaks.extend(current.filter(|streak| streak.trades >= trades_min));
    Ok(streaks)
}
