//! How well an order was executed: its fills against what could be bought and sold at.

use blotter_engine::event::{Side, Timestamp};
use rust_decimal::Decimal;

use super::touch::{MARKS_NS, Place, Touch, Touches};
use crate::datum::Datum;
use crate::desk::lifecycle::{Life, Moment};
use crate::desk::report::{Figure, Figures, Unit};
use crate::orders::columns::micros;
use crate::orders::figures::worse_by_bps;

/// A fill as it was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) place: Place,
    quantity: Decimal,
    price: Option<Decimal>,
}

/// The fills among the steps of an order, those that were told again left out.
pub(super) fn fills_of(steps: &[&Moment]) -> Vec<Fill> {
    let mut known: Vec<&Datum> = Vec::new();
    let mut fills = Vec::new();
    for step in steps {
        let number = |name: &str| step.row.get(name).as_decimal();
        let Some(quantity) = number("fill_quantity").filter(|quantity| !quantity.is_zero()) else { continue };
        let exec_id = step.row.get("exec_id");
        if !exec_id.is_null() {
            if known.contains(&exec_id) {
                continue;
            }
            known.push(exec_id);
        }
        fills.push(Fill { place: (step.ts, step.seq), quantity, price: number("fill_price") });
    }
    fills
}

/// A fill against the market. Basis points are of the price they are measured against.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FillQuality {
    /// When.
    pub ts: Timestamp,
    /// The event.
    pub seq: u64,
    /// How much.
    pub quantity: Decimal,
    /// At what price.
    pub price: Option<Decimal>,
    /// The latest quote before.
    pub touch: Option<Touch>,
    /// Its mid.
    pub mid: Option<Decimal>,
    /// Against the mid at the decision: positive is worse.
    pub slippage_bps: Option<Decimal>,
    /// Against the far touch at the decision, where the order could have been executed at once: positive is better.
    pub improvement_far_bps: Option<Decimal>,
    /// Twice the distance from the mid at the fill: what crossing cost; negative if the order was crossed.
    pub effective_spread_bps: Option<Decimal>,
    /// The mid 1 s and 10 s after.
    pub mids_after: [Option<Decimal>; 2],
    /// The mid 1 s and 10 s after, against the price: positive if the market went the way of the order.
    pub markouts_bps: [Option<Decimal>; 2],
}

/// An order against the market; where there are several fills, weighted by their quantities.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Quality {
    /// The latest quote before the decision.
    pub decision: Option<Touch>,
    /// Its mid.
    pub decision_mid: Option<Decimal>,
    /// Its spread, and that in basis points of the mid.
    pub decision_spread: Option<Decimal>,
    /// See `decision_spread`.
    pub decision_spread_bps: Option<Decimal>,
    /// The price at which it could have been executed at once: BUY the ask, SELL the bid.
    pub far_touch: Option<Decimal>,
    /// The average price of its fills.
    pub average_fill_price: Option<Decimal>,
    /// The average price against the mid at the decision: positive is worse.
    pub slippage_bps: Option<Decimal>,
    /// The average price against the far touch at the decision: positive is better.
    pub improvement_far_bps: Option<Decimal>,
    /// The average price against the mid at the decision: positive is better.
    pub improvement_mid_bps: Option<Decimal>,
    /// Twice the distance from the mid at each fill.
    pub effective_spread_bps: Option<Decimal>,
    /// The mid 1 s and 10 s after each fill against its price: positive if the market went the way of the order.
    pub markouts_bps: [Option<Decimal>; 2],
    /// From the decision to the first fill, in nanoseconds.
    pub first_fill_ns: Option<i64>,
    /// From the decision to the last fill.
    pub last_fill_ns: Option<i64>,
    /// What was traded in the market from the decision to the end of the order.
    pub market_volume: Option<Decimal>,
    /// The filled quantity as a share of it.
    pub participation: Option<Decimal>,
}

/// Digits after the point of a share.
const SHARE_DIGITS: u32 = 6;

/// A sum of values weighted by quantities.
#[derive(Default)]
struct Mean {
    sum: Decimal,
    weight: Decimal,
    is_lost: bool,
}

impl Mean {
    fn add(&mut self, value: Option<Decimal>, quantity: Decimal) {
        let Some(value) = value else { return };
        let sum = value.checked_mul(quantity).and_then(|weighted| self.sum.checked_add(weighted));
        match sum.zip(self.weight.checked_add(quantity)) {
            Some((sum, weight)) => (self.sum, self.weight) = (sum, weight),
            None => self.is_lost = true,
        }
    }

    fn value(&self) -> Option<Decimal> {
        let mean = if self.is_lost { None } else { self.sum.checked_div(self.weight) };
        mean.map(|mean| mean.round_dp(SHARE_DIGITS).normalize())
    }
}

/// Judges an order.
pub(super) fn judge(
    life: &Life,
    decided: Timestamp,
    fills: Vec<Fill>,
    touches: &Touches,
    market_volume: Option<Decimal>,
    notes: &mut Vec<String>,
) -> (Vec<FillQuality>, Quality) {
    let decision_mid = touches.decision.and_then(|touch| touch.mid());
    let far_touch = touches.decision.and_then(|touch| match life.direction? {
        Side::Buy => touch.ask,
        Side::Sell => touch.bid,
        _ => None,
    });
    let worse =
        |price: Option<Decimal>, against: Option<Decimal>| worse_by_bps(life.direction?, price?, against?);
    let better = |price, against| worse(price, against).map(|bps| (-bps).normalize());
    let judged: Vec<FillQuality> = fills
        .iter()
        .zip(touches.fills.iter().zip(&touches.marks))
        .map(|(fill, (touch, marks))| {
            let mid = touch.and_then(|touch| touch.mid());
            let mids_after = marks.map(|touch| touch.and_then(|touch| touch.mid()));
            let twice = |bps: Decimal| bps.checked_mul(Decimal::TWO).map(|bps| bps.normalize());
            FillQuality {
                ts: fill.place.0,
                seq: fill.place.1,
                quantity: fill.quantity,
                price: fill.price,
                touch: *touch,
                mid,
                slippage_bps: worse(fill.price, decision_mid),
                improvement_far_bps: better(fill.price, far_touch),
                effective_spread_bps: worse(fill.price, mid).and_then(twice),
                mids_after,
                // What is worse to pay later is good to have paid before.
                markouts_bps: mids_after.map(|later| worse(later, fill.price)),
            }
        })
        .collect();
    let mut effective = Mean::default();
    let mut markouts = MARKS_NS.map(|_| Mean::default());
    for fill in &judged {
        effective.add(fill.effective_spread_bps, fill.quantity);
        for (mean, value) in markouts.iter_mut().zip(fill.markouts_bps) {
            mean.add(value, fill.quantity);
        }
    }
    let average = life.average_fill_price;
    let since = |ts: Option<Timestamp>| ts?.nanos().checked_sub(decided.nanos());
    let spread = touches.decision.and_then(|touch| touch.spread());
    let share = |filled: Decimal| filled.checked_div(market_volume?);
    let quality = Quality {
        decision: touches.decision,
        decision_mid,
        decision_spread: spread,
        decision_spread_bps: spread.zip(decision_mid).and_then(|(spread, mid)| bps(spread, mid)),
        far_touch,
        average_fill_price: average,
        slippage_bps: worse(average, decision_mid),
        improvement_far_bps: better(average, far_touch),
        improvement_mid_bps: better(average, decision_mid),
        effective_spread_bps: effective.value(),
        markouts_bps: markouts.map(|mean| mean.value()),
        first_fill_ns: since(life.first_fill),
        last_fill_ns: since(life.last_fill),
        market_volume,
        participation: life
            .filled_quantity
            .and_then(share)
            .map(|share| share.round_dp(SHARE_DIGITS).normalize()),
    };
    say_what_is_missing(life, &judged, &quality, notes);
    (judged, quality)
}

fn bps(part: Decimal, of: Decimal) -> Option<Decimal> {
    let bps = part.checked_mul(Decimal::from(10_000))?.checked_div(of)?;
    Some(bps.round_dp(SHARE_DIGITS).normalize())
}

fn say_what_is_missing(life: &Life, fills: &[FillQuality], quality: &Quality, notes: &mut Vec<String>) {
    let Some(symbol) = &life.symbol else { return };
    let mut note = |text: String| notes.push(text);
    match quality.decision {
        None => note(format!("no quote of {symbol} was recorded before the decision")),
        Some(touch) if touch.mid().is_none() => {
            note(format!("the quote of {symbol} before the decision has one side only, so it has no mid"));
        }
        Some(_) => {}
    }
    if life.direction.is_none() {
        note("no event says whether the order buys or sells, so nothing is better or worse".to_owned());
    }
    let count = |is_so: fn(&FillQuality) -> bool| fills.iter().filter(|fill| is_so(fill)).count();
    let of = fills.len();
    match count(|fill| fill.mid.is_none()) {
        0 => {}
        some => note(format!(
            "{some} of {of} fills have no mid: no quote with two sides was recorded before them"
        )),
    }
    for (mark, seconds) in [1, 10].into_iter().enumerate() {
        let missing = fills.iter().filter(|fill| fill.mids_after[mark].is_none()).count();
        if missing > 0 {
            note(format!(
                "{missing} of {of} fills have no mid {seconds} s later: the recorded quotes end before, or have one side"
            ));
        }
    }
    if quality.market_volume.is_none() {
        note(format!(
            "no trade of {symbol} was recorded in the life of the order, so its share is not known"
        ));
    }
}

impl Quality {
    /// Its figures, for whoever shows them.
    pub fn figures(&self) -> Figures {
        let figure = |name, label, unit, value: Datum| Figure { name, label, value, unit, previous: None };
        let [after_1s, after_10s] = self.markouts_bps;
        let touch = self.decision;
        Figures {
            name: "quality",
            title: "Execution quality".to_owned(),
            figures: vec![
                figure(
                    "decision_bid",
                    "bid at decision",
                    Unit::Money,
                    touch.and_then(|touch| touch.bid).into(),
                ),
                figure(
                    "decision_ask",
                    "ask at decision",
                    Unit::Money,
                    touch.and_then(|touch| touch.ask).into(),
                ),
                figure("decision_mid", "mid at decision", Unit::Money, self.decision_mid.into()),
                figure("decision_spread", "spread at decision", Unit::Money, self.decision_spread.into()),
                figure(
                    "decision_spread_bps",
                    "spread at decision",
                    Unit::BasisPoints,
                    self.decision_spread_bps.into(),
                ),
                figure("average_fill_price", "average price", Unit::Money, self.average_fill_price.into()),
                figure("slippage_bps", "slippage against mid", Unit::BasisPoints, self.slippage_bps.into()),
                figure(
                    "improvement_far_bps",
                    "improvement on far touch",
                    Unit::BasisPoints,
                    self.improvement_far_bps.into(),
                ),
                figure(
                    "improvement_mid_bps",
                    "improvement on mid",
                    Unit::BasisPoints,
                    self.improvement_mid_bps.into(),
                ),
                figure(
                    "effective_spread_bps",
                    "effective spread",
                    Unit::BasisPoints,
                    self.effective_spread_bps.into(),
                ),
                figure("markout_1s_bps", "mark-out after 1 s", Unit::BasisPoints, after_1s.into()),
                figure("markout_10s_bps", "mark-out after 10 s", Unit::BasisPoints, after_10s.into()),
                figure("first_fill_us", "time to first fill", Unit::Microseconds, micros(self.first_fill_ns)),
                figure("last_fill_us", "time to last fill", Unit::Microseconds, micros(self.last_fill_ns)),
                figure("market_volume", "traded in the market", Unit::Quantity, self.market_volume.into()),
                figure("participation", "share of it", Unit::Share, self.participation.into()),
            ],
        }
    }
}
