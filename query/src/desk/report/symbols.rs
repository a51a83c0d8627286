//! Orders, executions and results by symbol.

use super::activity::{self, Activities, Activity};
use super::build::table;
use super::inquiry::Inquiry;
use super::trade_source::{self, Trade};
use super::{Section, Unit, daily, trade_figures};
use crate::datum::Datum;
use crate::desk::trades::TradingMetrics;
use crate::error::Result;

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    by(inquiry, ("by_symbol", "By symbol"), "symbol", |trade| &trade.symbol)
}

/// Figures of all, then a table by a field that orders, fills and trades have.
pub(super) fn by(
    inquiry: &mut Inquiry<'_>,
    (name, title): (&'static str, &str),
    key: &'static str,
    of_trade: impl Fn(&Trade) -> &Datum,
) -> Result<Vec<Section>> {
    let all = Activities::ask(inquiry, key, None)?;
    let trades = trade_source::trades(inquiry)?;
    let mut metrics = trade_figures::metrics_by(&trades.trades, of_trade, &inquiry.period)?;
    let mut rows = Vec::new();
    let row = |key: &Datum, activity: &Activity, metrics: &TradingMetrics| -> Result<Vec<Datum>> {
        Ok([vec![key.clone()], activity::cells(activity)?, trade_figures::cells(metrics)].concat())
    };
    for (key, activity) in &all.by_key {
        rows.push(row(key, activity, &metrics.remove(key).unwrap_or_default())?);
    }
    // A trade can be known of what has no order in the period: its lots are closed by the engine's own account.
    for (key, metrics) in &metrics {
        rows.push(row(key, &Activity::default(), metrics)?);
    }
    rows.sort_by(|a, b| a[0].cmp(&b[0]));
    let columns: Vec<_> =
        [(key, key, Unit::None)].into_iter().chain(activity::COLUMNS).chain(trade_figures::COLUMNS).collect();
    let mut sections = daily::summary(&all)?;
    sections.push(trade_figures::summary(&trades, &inquiry.period)?);
    sections.push(table(name, title, &columns, rows));
    Ok(sections)
}
