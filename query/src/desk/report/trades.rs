//! What trading came to: round trips, their figures, and the running total.

use rust_decimal::Decimal;

use super::build::chart;
use super::inquiry::Inquiry;
use super::trade_figures::{by_key, metrics_by, summary};
use super::trade_source::{self, Trade};
use super::{ChartForm, Section, Unit};
use crate::datum::Datum;
use crate::desk::trades::Outcome;
use crate::error::{ErrorKind, QueryError, Result};

/// Most points of the chart: what a page can show.
const POINTS_MAX: usize = 500;

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let trades = trade_source::trades(inquiry)?;
    let period = inquiry.period;
    Ok(vec![
        summary(&trades, &period)?,
        equity(&trades.trades)?,
        by_key(
            "by_strategy",
            "By strategy",
            ("strategy", "strategy"),
            &metrics_by(&trades.trades, |trade| &trade.strategy, &period)?,
        ),
        by_key(
            "by_symbol",
            "By symbol",
            ("symbol", "symbol"),
            &metrics_by(&trades.trades, |trade| &trade.symbol, &period)?,
        ),
    ])
}

/// The running total after each trade, or, of many, after every so many and the last.
fn equity(trades: &[Trade]) -> Result<Section> {
    let step = trades.len().div_ceil(POINTS_MAX).max(1);
    let (mut x, mut totals) = (Vec::new(), Vec::new());
    let mut total = Decimal::ZERO;
    for (at, Outcome { ts, net_pnl }) in trades.iter().map(Trade::outcome).enumerate() {
        total = total.checked_add(net_pnl).ok_or_else(|| {
            QueryError::new(ErrorKind::Value, "the running total does not fit an exact decimal (28 digits)")
        })?;
        if at % step == step - 1 || at == trades.len() - 1 {
            x.push(Datum::Time(ts));
            totals.push(Datum::from(total));
        }
    }
    let title = match step {
        1 => "Net profit and loss, running total".to_owned(),
        step => format!("Net profit and loss, running total after every {step} trades"),
    };
    Ok(chart("equity", title, ChartForm::Line, Unit::Money, x, vec![("net pnl", totals)]))
}
