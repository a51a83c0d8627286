//! The trades of a period: round trips of fills, or, where there are no fills to match, what the engine said it closed.

use std::collections::HashMap;

use blotter_engine::event::{Side, Timestamp};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::activity::count_of;
use super::inquiry::{Inquiry, number_of};
use super::repeats::Repeats;
use super::steps::is_fill;
use crate::datum::Datum;
use crate::desk::trades::{Fifo, Fill, Outcome, RoundTrip};
use crate::error::{ErrorKind, Result};
use crate::rows::Row;

/// A trade that is closed; null where nobody recorded it.
#[derive(Clone, Debug)]
pub(super) struct Trade {
    pub(super) strategy: Datum,
    pub(super) symbol: Datum,
    pub(super) entry_side: Datum,
    pub(super) quantity: Datum,
    pub(super) entry_ts: Option<Timestamp>,
    pub(super) entry_price: Datum,
    pub(super) exit_ts: Timestamp,
    pub(super) exit_price: Datum,
    pub(super) commission: Decimal,
    pub(super) net_pnl: Decimal,
    pub(super) order_id: Datum,
    pub(super) reason: Datum,
}

impl Trade {
    /// How long it was open, in nanoseconds.
    pub(super) fn held_ns(&self) -> Option<i64> {
        self.exit_ts.nanos().checked_sub(self.entry_ts?.nanos())
    }

    pub(super) fn outcome(&self) -> Outcome {
        Outcome { ts: self.exit_ts, net_pnl: self.net_pnl }
    }
}

impl From<RoundTrip> for Trade {
    fn from(trip: RoundTrip) -> Trade {
        let text = |text: Option<SmolStr>| text.map_or(Datum::Null, Datum::Str);
        Trade {
            strategy: text(trip.strategy),
            symbol: Datum::Str(trip.symbol),
            entry_side: trip.entry_side.as_str().into(),
            quantity: trip.quantity.into(),
            entry_ts: Some(trip.entry_ts),
            entry_price: trip.entry_price.into(),
            exit_ts: trip.exit_ts,
            exit_price: trip.exit_price.into(),
            commission: trip.commission,
            net_pnl: trip.net_pnl,
            order_id: text(trip.order_id),
            reason: Datum::Null,
        }
    }
}

/// The trades of a period, in the order in which they were closed.
pub(super) struct Trades {
    pub(super) trades: Vec<Trade>,
    /// Positions open at the end of the period, as far as fills tell; null without fills.
    pub(super) open_positions: Datum,
}

/// Reads the trades of the period of an inquiry. Lots come from every fill before its end.
///
/// # Errors
/// Those of the queries, and amounts that do not fit.
pub(super) fn trades(inquiry: &mut Inquiry<'_>) -> Result<Trades> {
    let fills = is_fill(&format!("ts < {}", inquiry.period.until));
    let orders = orders_of_bare_fills(inquiry, &fills)?;
    let repeats = Repeats::find(inquiry, &fills)?;
    let mut matching =
        Matching { fifo: Fifo::default(), trades: Vec::new(), counts: Counts::default(), repeats };
    let from = inquiry.period.from;
    let columns = "ts, strategy, symbol, side, fill_quantity, fill_price, commission, order_id, exec_id";
    inquiry.each(&format!("{fills} | fields {columns}"), |row| matching.add(row, &orders, from))?;
    let Matching { fifo, trades, counts, repeats } = matching;
    repeats.note(inquiry, "up to the end of the period");
    counts.note(inquiry);
    if counts.matched == 0 {
        return exits(inquiry);
    }
    Ok(Trades { trades, open_positions: Datum::from(fifo.open_positions() as u64) })
}

/// What orders say of the fills that do not say it themselves.
#[derive(Default)]
struct OrderFields {
    side: Datum,
    symbol: Datum,
    strategy: Datum,
}

type Orders = HashMap<SmolStr, OrderFields>;

/// The orders of fills that lack side, symbol or strategy; none, and no question asked, if every fill has all.
fn orders_of_bare_fills(inquiry: &mut Inquiry<'_>, fills: &str) -> Result<Orders> {
    let mut orders = Orders::new();
    let counts = "stats count() as fills, count(side) as sides, count(symbol) as symbols, count(strategy) as strategies";
    let Some(row) = inquiry.row(&format!("{fills} | {counts}"))? else { return Ok(orders) };
    let all = count_of(&row, "fills");
    if ["sides", "symbols", "strategies"].into_iter().all(|name| count_of(&row, name) == all) {
        return Ok(orders);
    }
    let query = format!(
        "{fills} and exists order_id and (missing side or missing symbol or missing strategy) | related order_id \
         | where category in (order, fill) \
         | stats first(side) as side, first(symbol) as symbol, first(strategy) as strategy by order_id"
    );
    let found = inquiry.each(&query, |row| {
        let take = |name: &str| row.get(name).clone();
        let fields = OrderFields { side: take("side"), symbol: take("symbol"), strategy: take("strategy") };
        if let Datum::Str(id) = row.get("order_id") {
            orders.insert(id.clone(), fields);
        }
        Ok(())
    });
    match found {
        Err(error) if error.kind() == ErrorKind::Limit => {
            inquiry.note(format!(
                "what fills lack was not looked up in their orders, of which there are many: {error}"
            ));
            Ok(Orders::new())
        }
        found => found.map(|()| orders),
    }
}

struct Matching {
    fifo: Fifo,
    trades: Vec<Trade>,
    counts: Counts,
    repeats: Repeats,
}

impl Matching {
    fn add(&mut self, row: &Row, orders: &Orders, from: Timestamp) -> Result<()> {
        if self.repeats.is_repeat(row) {
            return Ok(());
        }
        let order_id = match row.get("order_id") {
            Datum::Str(id) => Some(id.clone()),
            _ => None,
        };
        let order = order_id.as_ref().and_then(|id| orders.get(id));
        let or_of_order = |name: &str, of: fn(&OrderFields) -> &Datum| match row.get(name) {
            Datum::Null => order.map_or(Datum::Null, |order| of(order).clone()),
            found => found.clone(),
        };
        let side = or_of_order("side", |order| &order.side);
        let text = |datum: Datum| match datum {
            Datum::Str(text) => Some(text),
            Datum::Null => None,
            other => Some(other.to_string().into()),
        };
        let symbol = text(or_of_order("symbol", |order| &order.symbol));
        let strategy = text(or_of_order("strategy", |order| &order.strategy));
        let quantity =
            number_of(row, "fill_quantity").as_decimal().filter(|quantity| *quantity > Decimal::ZERO);
        let counts = &mut self.counts;
        counts.fills += 1;
        let Some(ts) = row.get("ts").as_timestamp() else { return Ok(()) };
        let Some(quantity) = quantity else {
            counts.without_quantity += 1;
            return Ok(());
        };
        let Some(side) = side.as_str().and_then(Side::from_word) else {
            counts.without_side += 1;
            return Ok(());
        };
        let Some(price) = number_of(row, "fill_price").as_decimal() else {
            counts.without_price += 1;
            return Ok(());
        };
        let Some(symbol) = symbol else {
            counts.without_symbol += 1;
            return Ok(());
        };
        counts.matched += 1;
        let commission = number_of(row, "commission").as_decimal();
        counts.without_commission += u64::from(commission.is_none());
        let commission = commission.unwrap_or_default();
        let fill = Fill { ts, strategy, symbol, side, quantity, price, commission, order_id };
        // What was closed before the period is not its trade, though its lots are gone.
        let closed = self.fifo.add(fill)?.filter(|trip| trip.exit_ts >= from);
        self.trades.extend(closed.map(Trade::from));
        Ok(())
    }
}

/// Fills up to the end of the period, and what they lack.
#[derive(Default)]
struct Counts {
    fills: u64,
    matched: u64,
    without_quantity: u64,
    without_side: u64,
    without_price: u64,
    without_symbol: u64,
    without_commission: u64,
}

impl Counts {
    fn note(&self, inquiry: &mut Inquiry<'_>) {
        let fills = self.fills;
        for (count, lacking) in [
            (self.without_quantity, "quantity above zero"),
            (self.without_side, "side"),
            (self.without_price, "price"),
            (self.without_symbol, "symbol"),
        ] {
            if count > 0 {
                inquiry.note(format!(
                    "{count} of {fills} fills up to the end of the period have no {lacking}: they are in no trade"
                ));
            }
        }
        if self.without_commission > 0 {
            let (count, matched) = (self.without_commission, self.matched);
            inquiry.note(format!(
                "{count} of {matched} fills up to the end of the period have no commission: it counts as none"
            ));
        }
    }
}

/// What the engine said it closed, where no fill can be matched.
fn exits(inquiry: &mut Inquiry<'_>) -> Result<Trades> {
    let mut trades = Vec::new();
    let mut without_pnl = 0u64;
    let period = inquiry.period.condition();
    let columns = "ts, strategy, symbol, side, quantity, price, pnl, order_id, reason";
    let query = format!("category = position and event = trade_exit and {period} | fields {columns}");
    inquiry.each(&query, |row| {
        let (Some(exit_ts), Some(net_pnl)) =
            (row.get("ts").as_timestamp(), number_of(row, "pnl").as_decimal())
        else {
            without_pnl += 1;
            return Ok(());
        };
        let take = |name: &str| row.get(name).clone();
        // A position that was bought is left by selling.
        let entry_side = match row.get("side").as_str().and_then(Side::from_word) {
            Some(Side::Sell) => Side::Buy.as_str().into(),
            Some(_) => Side::Sell.as_str().into(),
            None => Datum::Null,
        };
        trades.push(Trade {
            strategy: take("strategy"),
            symbol: take("symbol"),
            entry_side,
            quantity: take("quantity"),
            entry_ts: None,
            entry_price: Datum::Null,
            exit_ts,
            exit_price: take("price"),
            commission: Decimal::ZERO,
            net_pnl,
            order_id: take("order_id"),
            reason: take("reason"),
        });
        Ok(())
    })?;
    if !trades.is_empty() {
        inquiry.note(
            "there are no fills to match: trades are the trade_exit events, each with the pnl it tells",
        );
    }
    if without_pnl > 0 {
        inquiry.note(format!("{without_pnl} trade_exit events have no pnl: they are no trades here"));
    }
    Ok(Trades { trades, open_positions: Datum::Null })
}
