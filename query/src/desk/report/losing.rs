//! Trades that lost, and what they have in common: closed in a hurry, one large loss, one loss after the other.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::build::{figures, plus, share, table};
use super::inquiry::Inquiry;
use super::trade_figures::metrics_of;
use super::trade_source::{self, Trade};
use super::{Section, Unit};
use crate::datum::Datum;
use crate::desk::trades::{Outcome, losing_streaks};
use crate::error::Result;

/// Losses and the patterns among them.
struct Losses<'a> {
    /// The greatest first.
    all: Vec<&'a Trade>,
    quick: u64,
    quick_pnl: Datum,
    large: u64,
    large_pnl: Datum,
}

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let trades = trade_source::trades(inquiry)?.trades;
    let metrics = metrics_of(trades.iter(), &inquiry.period)?;
    let limit = metrics.average_loss().and_then(|loss| loss.checked_mul(inquiry.options.large_loss_times));
    let is_quick = |trade: &Trade| {
        let within = i64::try_from(inquiry.options.quick_stop_within.as_nanos()).unwrap_or(i64::MAX);
        trade.held_ns().map(|held| held <= within)
    };
    let is_large = |trade: &Trade| limit.is_some_and(|limit| trade.net_pnl < limit);
    let losses = Losses::of(&trades, |trade| is_quick(trade) == Some(true), is_large)?;
    let streaks = streaks(&trades, inquiry.options.losing_streak_trades_min)?;
    if losses.all.iter().any(|trade| trade.held_ns().is_none()) {
        inquiry.note(
            "trade_exit events do not tell when their position was opened: quick stops are not known of them",
        );
    }
    let largest = losses.all.first();
    let of_largest = largest.map(|trade| share_of_loss(trade.net_pnl, metrics.gross_loss));
    let summary = [
        ("trades", "trades", Unit::Count, metrics.trades.into()),
        ("losses", "losses", Unit::Count, metrics.losses.into()),
        ("loss_rate", "loss rate", Unit::Share, share(metrics.losses, metrics.trades)),
        ("gross_loss", "lost", Unit::Money, metrics.gross_loss.into()),
        ("average_loss", "average loss", Unit::Money, metrics.average_loss().into()),
        ("largest_loss", "largest loss", Unit::Money, largest.map(|trade| trade.net_pnl).into()),
        ("largest_loss_share", "its share of what was lost", Unit::Share, of_largest.unwrap_or_default()),
    ];
    let patterns = [
        ("quick_stops", "quick stops", Unit::Count, losses.quick.into()),
        ("quick_stop_share", "quick stops of all losses", Unit::Share, share(losses.quick, metrics.losses)),
        ("quick_stop_pnl", "lost by quick stops", Unit::Money, losses.quick_pnl.clone()),
        ("large_losses", "large losses", Unit::Count, losses.large.into()),
        ("large_loss_pnl", "lost by large losses", Unit::Money, losses.large_pnl.clone()),
        ("losing_streaks", "losing streaks", Unit::Count, (streaks.len() as u64).into()),
        ("loss_streak_max", "most losses in a row, of all", Unit::Count, metrics.loss_streak_max.into()),
    ];
    let shown = inquiry.options.rows_max;
    cut(inquiry, "losing trades", "the greatest losses", losses.all.len(), shown);
    cut(inquiry, "losing streaks", "those that lost most", streaks.len(), shown);
    let rows = losses.all.iter().take(shown).map(|trade| {
        let quick = is_quick(trade).map_or(Datum::Null, Datum::Bool);
        row(trade, quick, is_large(trade))
    });
    let columns = [
        ("exit_ts", "closed", Unit::None),
        ("strategy", "strategy", Unit::None),
        ("symbol", "symbol", Unit::None),
        ("entry_side", "opened by", Unit::None),
        ("quantity", "quantity", Unit::Quantity),
        ("entry_price", "entry", Unit::Money),
        ("exit_price", "exit", Unit::Money),
        ("net_pnl", "net pnl", Unit::Money),
        ("held_ns", "held", Unit::None),
        ("is_quick_stop", "quick", Unit::None),
        ("is_large_loss", "large", Unit::None),
        ("order_id", "closed by order", Unit::None),
        ("reason", "reason", Unit::None),
    ];
    let trades_table =
        table("losing_trades", "Losing trades, the greatest loss first", &columns, rows.collect());
    let streak_columns = [
        ("strategy", "strategy", Unit::None),
        ("first_ts", "from", Unit::None),
        ("last_ts", "to", Unit::None),
        ("trades", "losses", Unit::Count),
        ("net_pnl", "net pnl", Unit::Money),
    ];
    let streaks = streaks.into_iter().take(shown).collect();
    Ok(vec![
        figures("losses", "Losses", summary),
        figures("patterns", "Patterns", patterns),
        trades_table,
        table(
            "losing_streaks",
            "Losing streaks by strategy, the greatest loss first",
            &streak_columns,
            streaks,
        ),
    ])
}

/// Says how much of a list is shown, unless it is all.
pub(super) fn cut(inquiry: &mut Inquiry<'_>, what: &str, which: &str, count: usize, shown: usize) {
    if count > shown {
        inquiry.note(format!("{shown} of {count} {what} are shown: {which}"));
    }
}

fn share_of_loss(loss: Decimal, all: Decimal) -> Datum {
    loss.checked_div(all).map(|share| share.normalize()).into()
}

impl<'a> Losses<'a> {
    fn of(
        trades: &'a [Trade],
        is_quick: impl Fn(&Trade) -> bool,
        is_large: impl Fn(&Trade) -> bool,
    ) -> Result<Losses<'a>> {
        let mut all: Vec<&Trade> = trades.iter().filter(|trade| trade.net_pnl < Decimal::ZERO).collect();
        all.sort_by_key(|trade| trade.net_pnl);
        let (zero, mut quick, mut large) = (Datum::Int(0), 0, 0);
        let (mut quick_pnl, mut large_pnl) = (zero.clone(), zero);
        for trade in &all {
            if is_quick(trade) {
                quick += 1;
                quick_pnl = plus(&quick_pnl, &trade.net_pnl.into())?;
            }
            if is_large(trade) {
                large += 1;
                large_pnl = plus(&large_pnl, &trade.net_pnl.into())?;
            }
        }
        Ok(Losses { all, quick, quick_pnl, large, large_pnl })
    }
}

fn row(trade: &Trade, is_quick: Datum, is_large: bool) -> Vec<Datum> {
    vec![
        trade.exit_ts.into(),
        trade.strategy.clone(),
        trade.symbol.clone(),
        trade.entry_side.clone(),
        trade.quantity.clone(),
        trade.entry_price.clone(),
        trade.exit_price.clone(),
        trade.net_pnl.into(),
        trade.held_ns().map_or(Datum::Null, Datum::Duration),
        is_quick,
        is_large.into(),
        trade.order_id.clone(),
        trade.reason.clone(),
    ]
}

/// Rows of losses of one strategy each, the greatest loss first.
fn streaks(trades: &[Trade], trades_min: u64) -> Result<Vec<Vec<Datum>>> {
    let mut by_strategy: BTreeMap<&Datum, Vec<Outcome>> = BTreeMap::new();
    for trade in trades {
        by_strategy.entry(&trade.strategy).or_default().push(trade.outcome());
    }
    let mut rows = Vec::new();
    for (strategy, outcomes) in by_strategy {
        for streak in losing_streaks(outcomes, trades_min)? {
            rows.push(vec![
                strategy.clone(),
                streak.first_ts.into(),
                streak.last_ts.into(),
                streak.trades.into(),
                streak.net_pnl.into(),
            ]);
        }
    }
    rows.sort_by(|a, b| a[4].cmp(&b[4]));
    Ok(rows)
}
