//! The best bid and ask at some moments.

use blotter_engine::event::Timestamp;
use rust_decimal::Decimal;

use super::QUOTES;
use super::quality::Fill;
use crate::datum::Datum;
use crate::desk::inquiry::{Inquiry, More};
use crate::error::Result;
use crate::rows::Row;

/// A place in the database.
pub(super) type Place = (Timestamp, u64);

/// How long after a fill the market is looked at again, in nanoseconds.
pub(super) const MARKS_NS: [i64; 2] = [1_000_000_000, 10_000_000_000];

/// A quote: what could be bought and sold at, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// When it was made.
    pub ts: Timestamp,
    /// The event.
    pub seq: u64,
    /// The best price to sell at.
    pub bid: Option<Decimal>,
    /// The best price to buy at.
    pub ask: Option<Decimal>,
    /// How much can be sold there.
    pub bid_size: Option<Decimal>,
    /// How much can be bought there.
    pub ask_size: Option<Decimal>,
}

impl Touch {
    pub(super) fn of(row: &Row) -> Option<Touch> {
        let number = |name: &str| row.get(name).as_decimal();
        Some(Touch {
            ts: row.get("ts").as_timestamp()?,
            seq: u64::try_from(row.get("seq").as_i64()?).ok()?,
            bid: number("bid"),
            ask: number("ask"),
            bid_size: number("bid_size"),
            ask_size: number("ask_size"),
        })
    }

    /// Half way between, exact; none if one side is missing.
    pub fn mid(&self) -> Option<Decimal> {
        let sum = self.bid?.checked_add(self.ask?)?;
        sum.checked_div(Decimal::TWO).map(|mid| mid.normalize())
    }

    /// Ask less bid.
    pub fn spread(&self) -> Option<Decimal> {
        self.ask?.checked_sub(self.bid?)
    }
}

/// The moments at which the market is wanted.
pub(super) struct Asked {
    decision: Place,
    fills: Vec<Place>,
}

/// The market at those.
pub(super) struct Touches {
    pub(super) decision: Option<Touch>,
    /// At each fill.
    pub(super) fills: Vec<Option<Touch>>,
    /// After each fill; none where the recorded market ends before.
    pub(super) marks: Vec<[Option<Touch>; MARKS_NS.len()]>,
}

impl Asked {
    pub(super) fn new(decision: Place, fills: &[Fill]) -> Asked {
        Asked { decision, fills: fills.iter().map(|fill| fill.place).collect() }
    }
}

impl Touches {
    pub(super) fn none(asked: &Asked) -> Touches {
        let count = asked.fills.len();
        Touches { decision: None, fills: vec![None; count], marks: vec![[None; MARKS_NS.len()]; count] }
    }
}

/// What a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Fill(usize),
    Mark(usize, usize),
}

/// Reads the quotes from the decision on, once and in order, no further than the last moment.
pub(super) fn read(inquiry: &mut Inquiry, symbol: &str, asked: &Asked) -> Result<Touches> {
    let mut touches = Touches::none(asked);
    let mut moments: Vec<(Place, What)> = Vec::new();
    for (at, (ts, seq)) in asked.fills.iter().enumerate() {
        moments.push(((*ts, *seq), What::Fill(at)));
        for (mark, after_ns) in MARKS_NS.into_iter().enumerate() {
            let later = Timestamp(ts.nanos().saturating_add(after_ns));
            moments.push(((later, u64::MAX), What::Mark(at, mark)));
        }
    }
    moments.sort_unstable();
    // What comes before the decision may be fills of an order whose creation was recorded late.
    let first = moments.first().map_or(asked.decision, |(place, _)| (*place).min(asked.decision));
    let mut current = before(inquiry, symbol, first)?;
    touches.decision = before(inquiry, symbol, asked.decision)?;
    let mut moments = moments.into_iter().peekable();
    if moments.peek().is_none() {
        return Ok(touches);
    }
    let text = format!("{QUOTES} ts >= $from | fields ts, seq, bid, ask, bid_size, ask_size");
    let parameters = [("symbol", Datum::from(symbol)), ("from", Datum::Time(first.0))];
    inquiry.each(&text, &parameters, |row| {
        let Some(touch) = Touch::of(&row) else { return Ok(More::Wanted) };
        while let Some((_, what)) = moments.next_if(|(place, _)| *place < (touch.ts, touch.seq)) {
            touches.set(what, current);
        }
        if current.is_none_or(|current| (current.ts, current.seq) < (touch.ts, touch.seq)) {
            current = Some(touch);
        }
        Ok(if moments.peek().is_some() { More::Wanted } else { More::Enough })
    })?;
    for (_, what) in moments {
        // A market that ends before is not one that stands still.
        if let What::Fill(_) = what {
            touches.set(what, current);
        }
    }
    Ok(touches)
}

impl Touches {
    fn set(&mut self, what: What, touch: Option<Touch>) {
        match what {
            What::Fill(fill) => self.fills[fill] = touch,
            What::Mark(fill, mark) => self.marks[fill][mark] = touch,
        }
    }
}

/// The latest quote before a place.
pub(super) fn before(inquiry: &mut Inquiry, symbol: &str, (ts, seq): Place) -> Result<Option<Touch>> {
    let text = format!("{QUOTES} ts <= $ts (ts < $ts or seq < $seq) | tail 1");
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let parameters = [("symbol", Datum::from(symbol)), ("ts", Datum::Time(ts)), ("seq", Datum::Int(seq))];
    Ok(inquiry.first(&text, &parameters)?.as_ref().and_then(Touch::of))
}
