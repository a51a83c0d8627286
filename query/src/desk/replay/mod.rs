//! An order once more, with the market around it: what was known when it was decided, at each fill, and afterwards.
//!
//! ```text
//! order ─▶ its events, and what shares its correlation id ─▶ life
//!       ─▶ moments: decision, fills, 1 s and 10 s after each ─▶ quotes read once, in order ─▶ touch at each
//!       ─▶ quotes and trades within the window of its events, as many as there is room for
//! ```
//! All figures are exact decimals, basis points with six digits after the point; what cannot be known is `None`, and a
//! note says why.

mod market;
mod quality;
#[cfg(test)]
mod tests;
mod touch;

use std::collections::HashSet;
use std::time::Duration;

use blotter_engine::event::Timestamp;
use rust_decimal::Decimal;

use self::market::{Market, Seen};
use self::touch::{Asked, Place};
use crate::api::{QueryOptions, Queryable};
use crate::desk::inquiry::Inquiry;
use crate::desk::lifecycle::{Identity, Life, Moment, Role, gather, mark};
use crate::error::Result;
use crate::orders::facts::{FactSlots, RowFacts};
use crate::orders::fold::Orders;
use crate::rows::{Row, UnreadablePart};
pub use quality::{FillQuality, Quality};
pub use touch::Touch;

/// How an order is replayed.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// How much of the market is shown before and after each event of the order: 5 s.
    pub window: Duration,
    /// Quotes and trades that are shown at most, those closest to the events of the order: 1,000. How many more there
    /// are is told, and all are counted in the figures.
    pub market_events_max: usize,
}

impl Default for ReplayOptions {
    fn default() -> ReplayOptions {
        ReplayOptions { window: Duration::from_secs(5), market_events_max: 1_000 }
    }
}

/// See the module.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replay {
    /// What became of the order.
    pub life: Life,
    /// When it was decided: when it was created, or else its first event.
    pub decided: Timestamp,
    /// Its events, those that belong to it, and the market, in the order of (`ts`, `seq`).
    pub timeline: Vec<Entry>,
    /// Each fill against the market.
    pub fills: Vec<FillQuality>,
    /// The order against the market.
    pub quality: Quality,
    /// Quotes and trades within the window that are not in the timeline.
    pub market_events_left_out: u64,
    /// Events of the order and of what belongs to it that are not in the timeline.
    pub events_left_out: u64,
    /// What cannot be known, and why.
    pub notes: Vec<String>,
    /// What could not be read; what it holds is missing here.
    pub unreadable: Vec<UnreadablePart>,
}

/// A moment of a replay.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub ts: Timestamp,
    /// Where in the database.
    pub seq: u64,
    /// Time since the decision, in nanoseconds; below zero before it.
    pub since_decision_ns: i64,
    /// What it is.
    pub kind: EntryKind,
    /// The market then: the latest quote up to here; none outside the window, where the market is not looked at.
    pub touch: Option<Touch>,
    /// The order then.
    pub state: State,
    /// The event, whole.
    pub row: Row,
}

/// What happens at a moment of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A step of the order.
    Step,
    /// An error on its way, or around it.
    Error,
    /// Something else that belongs to it.
    Related,
    /// A quote of its symbol.
    Quote,
    /// A trade of its symbol.
    Trade,
}

impl EntryKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Step => "order",
            EntryKind::Error => "error",
            EntryKind::Related => "related",
            EntryKind::Quote => "quote",
            EntryKind::Trade => "trade",
        }
    }

    /// Whether it is of the market.
    pub fn is_market(self) -> bool {
        matches!(self, EntryKind::Quote | EntryKind::Trade)
    }
}

/// What is known of the order at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Its status; none before its first event.
    pub status: Option<blotter_engine::event::OrderStatus>,
    /// How much is filled.
    pub filled_quantity: Option<Decimal>,
    /// At which average.
    pub average_fill_price: Option<Decimal>,
}

/// Replays an order; `None` if there is no event of it.
///
/// # Errors
/// Those of the database, and limits of the options.
pub fn replay(
    database: &impl Queryable,
    order_id: &str,
    replay: &ReplayOptions,
    options: &QueryOptions,
) -> Result<Option<Replay>> {
    let mut inquiry = Inquiry::new(database, options)?;
    let ids = [order_id.to_owned()];
    let (mut slots, mut orders) = (None, Orders::default());
    let gathered = gather(&mut inquiry, Identity::Order, order_id, &ids, |row| {
        orders.push(&RowFacts {
            row: &row.cells,
            slots: slots.get_or_insert_with(|| FactSlots::new(&row.names)),
        });
    })?;
    let (orders, words) = orders.into_orders();
    let Some(life) = orders.first().map(|order| Life::of(order, &words)) else { return Ok(None) };
    let mut notes = Vec::new();
    let decided = life.created.unwrap_or(life.first);
    if life.created.is_none() {
        notes.push(
            "no event says when the order was created: its first event stands for its decision".to_owned(),
        );
    }
    let moments = mark(gathered.rows, std::slice::from_ref(&life));
    let steps: Vec<&Moment> = moments.iter().filter(|moment| moment.role == Role::Step).collect();
    let is_decision = |moment: &&&Moment| moment.ts == decided;
    let decision_place =
        steps.iter().find(is_decision).map_or((decided, u64::MAX), |moment| (moment.ts, moment.seq));
    let fills = quality::fills_of(&steps);
    let asked = Asked::new(decision_place, &fills);
    let touches = match &life.symbol {
        Some(symbol) => touch::read(&mut inquiry, symbol, &asked)?,
        None => {
            notes.push("no event of the order names its symbol, so there is no market to look at".to_owned());
            touch::Touches::none(&asked)
        }
    };
    let volume = match &life.symbol {
        Some(symbol) => market::volume(&mut inquiry, symbol, decided, life.ended.unwrap_or(life.last))?,
        None => None,
    };
    let (fills, quality) = quality::judge(&life, decided, fills, &touches, volume, &mut notes);
    let places: Vec<(Timestamp, u64)> = steps.iter().map(|moment| (moment.ts, moment.seq)).collect();
    let window_ns = i64::try_from(replay.window.as_nanos()).unwrap_or(i64::MAX);
    let mut market = Market::new(places, window_ns, replay.market_events_max);
    let around =
        market.trouble(&mut inquiry, life.symbol.as_deref(), life.strategy.as_deref(), &mut notes)?;
    let known: HashSet<u64> = moments.iter().map(|moment| moment.seq).collect();
    let around = around.into_iter().filter(|moment| !known.contains(&moment.seq));
    let mut others: Vec<Moment> = moments.into_iter().chain(around).collect();
    others.sort_by_key(|moment| (moment.ts, moment.seq));
    let places: Vec<Place> = others.iter().map(|moment| (moment.ts, moment.seq)).collect();
    let touches = match &life.symbol {
        Some(symbol) => market.read(&mut inquiry, symbol, &places)?,
        None => vec![None; places.len()],
    };
    let market_events_left_out = market.left_out();
    let others = others.into_iter().zip(touches).map(|(moment, touch)| {
        let (kind, place) = (kind_of(moment.role), (moment.ts, moment.seq));
        Seen { kind, place, touch, row: moment.row }
    });
    let mut all: Vec<Seen> = others.chain(market.into_rows()).collect();
    all.sort_by_key(|row| row.place);
    Ok(Some(Replay {
        timeline: entries(all, decided, order_id),
        life,
        decided,
        fills,
        quality,
        market_events_left_out,
        events_left_out: gathered.left_out,
        notes,
        unreadable: inquiry.into_unreadable(),
    }))
}

fn kind_of(role: Role) -> EntryKind {
    match role {
        Role::Step => EntryKind::Step,
        Role::Error => EntryKind::Error,
        Role::Related => EntryKind::Related,
    }
}

/// Puts to each moment the order as it was then.
fn entries(all: Vec<Seen>, decided: Timestamp, order_id: &str) -> Vec<Entry> {
    let (mut orders, mut slots) = (Orders::default(), None);
    let mut state = State::default();
    let entry = |Seen { kind, place: (ts, seq), touch, row }| {
        if kind == EntryKind::Step {
            let slots = slots.get_or_insert_with(|| FactSlots::new(&row.names));
            orders.push(&RowFacts { row: &row.cells, slots });
            if let Some(order) = orders.get(order_id) {
                state = State {
                    status: order.status,
                    filled_quantity: order.filled_quantity(),
                    average_fill_price: order.average_fill_price(),
                };
            }
        }
        let since_decision_ns = ts.nanos().saturating_sub(decided.nanos());
        Entry { ts, seq, since_decision_ns, kind, touch, state: state.clone(), row }
    };
    all.into_iter().map(entry).collect()
}

/// The condition that an event is a quote of a symbol.
const QUOTES: &str = "category = market_data event = quote symbol = $symbol";
