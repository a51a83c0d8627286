//! Figures of trades as sections and columns.

use std::collections::BTreeMap;

use super::build::{figures, table};
use super::trade_source::{Trade, Trades};
use super::{Section, Unit};
use crate::datum::Datum;
use crate::desk::Period;
use crate::desk::trades::{Outcome, TradingMetrics};
use crate::error::Result;

/// Metrics of some trades, in the order in which they were closed.
pub(super) fn metrics_of<'a>(
    trades: impl Iterator<Item = &'a Trade>,
    period: &Period,
) -> Result<TradingMetrics> {
    let outcomes: Vec<Outcome> = trades.map(Trade::outcome).collect();
    TradingMetrics::of(&outcomes, period.zone)
}

/// Metrics by a key of the trades.
pub(super) fn metrics_by(
    trades: &[Trade],
    key: impl Fn(&Trade) -> &Datum,
    period: &Period,
) -> Result<BTreeMap<Datum, TradingMetrics>> {
    let mut by_key: BTreeMap<Datum, Vec<Outcome>> = BTreeMap::new();
    for trade in trades {
        by_key.entry(key(trade).clone()).or_default().push(trade.outcome());
    }
    let metrics =
        |(key, outcomes): (Datum, Vec<Outcome>)| Ok((key, TradingMetrics::of(&outcomes, period.zone)?));
    by_key.into_iter().map(metrics).collect()
}

/// The figures of all trades.
pub(super) fn summary(trades: &Trades, period: &Period) -> Result<Section> {
    let metrics = metrics_of(trades.trades.iter(), period)?;
    let mut commission = Datum::Int(0);
    for trade in &trades.trades {
        commission = super::build::plus(&commission, &trade.commission.into())?;
    }
    let figures_of = [
        ("trades", "trades", Unit::Count, metrics.trades.into()),
        ("wins", "wins", Unit::Count, metrics.wins.into()),
        ("losses", "losses", Unit::Count, metrics.losses.into()),
        ("even", "even", Unit::Count, metrics.even().into()),
        ("win_rate", "win rate", Unit::Share, metrics.win_rate().into()),
        ("total_pnl", "profit or loss, net", Unit::Money, metrics.total_pnl.into()),
        ("gross_profit", "of wins", Unit::Money, metrics.gross_profit.into()),
        ("gross_loss", "of losses", Unit::Money, metrics.gross_loss.into()),
        ("commission", "commission in it", Unit::Money, commission),
        ("average_win", "average win", Unit::Money, metrics.average_win().into()),
        ("average_loss", "average loss", Unit::Money, metrics.average_loss().into()),
        ("expectancy", "average trade", Unit::Money, metrics.expectancy().into()),
        ("profit_factor", "profit factor", Unit::Ratio, metrics.profit_factor().into()),
        ("best", "best trade", Unit::Money, metrics.best.into()),
        ("worst", "worst trade", Unit::Money, metrics.worst.into()),
        ("max_drawdown", "max drawdown", Unit::Money, metrics.max_drawdown.into()),
        (
            "sharpe_daily_annualised",
            "Sharpe, daily, annualised",
            Unit::Ratio,
            metrics.sharpe_daily_annualised.into(),
        ),
        ("sharpe_per_trade", "Sharpe per trade", Unit::Ratio, metrics.sharpe_per_trade.into()),
        ("win_streak_max", "most wins in a row, of all", Unit::Count, metrics.win_streak_max.into()),
        ("loss_streak_max", "most losses in a row, of all", Unit::Count, metrics.loss_streak_max.into()),
        ("open_positions", "positions open at the end", Unit::Count, trades.open_positions.clone()),
    ];
    Ok(figures("trading", "Trading", figures_of))
}

/// Columns of a table of trades by a key, after the key.
pub(super) const COLUMNS: [(&str, &str, Unit); 8] = [
    ("trades", "trades", Unit::Count),
    ("win_rate", "win rate", Unit::Share),
    ("total_pnl", "net pnl", Unit::Money),
    ("average_win", "average win", Unit::Money),
    ("average_loss", "average loss", Unit::Money),
    ("profit_factor", "profit factor", Unit::Ratio),
    ("max_drawdown", "max drawdown", Unit::Money),
    ("sharpe_per_trade", "Sharpe per trade", Unit::Ratio),
];

/// The cells of [`COLUMNS`].
pub(super) fn cells(metrics: &TradingMetrics) -> Vec<Datum> {
    vec![
        metrics.trades.into(),
        metrics.win_rate().into(),
        metrics.total_pnl.into(),
        metrics.average_win().into(),
        metrics.average_loss().into(),
        metrics.profit_factor().into(),
        metrics.max_drawdown.into(),
        metrics.sharpe_per_trade.into(),
    ]
}

/// A table of trades by a key.
pub(super) fn by_key(
    name: &'static str,
    title: &str,
    key: (&'static str, &'static str),
    metrics: &BTreeMap<Datum, TradingMetrics>,
) -> Section {
    let rows = metrics.iter().map(|(key, metrics)| [vec![key.clone()], cells(metrics)].concat());
    let columns: Vec<_> = [(key.0, key.1, Unit::None)].into_iter().chain(COLUMNS).collect();
    table(name, title, &columns, rows.collect())
}
