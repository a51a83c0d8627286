//! The quotes and trades around the events of an order, as many as there is room for.

use std::collections::VecDeque;

use blotter_engine::event::Timestamp;
use rust_decimal::Decimal;

use super::touch::Place;
use super::{EntryKind, all_rows};
use crate::datum::Datum;
use crate::desk::inquiry::{Inquiry, More};
use crate::desk::lifecycle::{Moment, mark};
use crate::error::Result;
use crate::rows::Row;

/// Errors and warnings of risk around an order that are shown at most.
const TROUBLE_MAX: usize = 200;

/// Stretches that are asked for one by one; those of an order with more events are asked for as one.
const STRETCHES_MAX: usize = 64;

/// A quote or a trade.
type MarketRow = (EntryKind, Timestamp, u64, Row);

/// See the module. As long as there is room everything is kept; when there is not, the rows next to the events of the
/// order are: as many before each as after it.
pub(super) struct Market {
    /// The events of the order, in order.
    places: Vec<Place>,
    /// Stretches of time, apart from each other, ascending.
    stretches: Vec<(i64, i64)>,
    rows_max: usize,
    /// Everything, while there is room.
    all: Option<Vec<MarketRow>>,
    near: Near,
    total: u64,
}

/// The rows next to some places.
struct Near {
    each: usize,
    next_place: usize,
    /// Rows since the latest place that are still wanted.
    wanted: usize,
    /// The latest rows that are not kept yet.
    latest: VecDeque<MarketRow>,
    kept: Vec<MarketRow>,
}

impl Market {
    pub(super) fn new(places: Vec<Place>, window_ns: i64, rows_max: usize) -> Market {
        let mut stretches: Vec<(i64, i64)> = Vec::new();
        for (ts, _) in &places {
            let (from, to) = (ts.nanos().saturating_sub(window_ns), ts.nanos().saturating_add(window_ns));
            match stretches.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => stretches.push((from, to)),
            }
        }
        let each = (rows_max / (2 * places.len().max(1))).max(1);
        let near = Near { each, next_place: 0, wanted: 0, latest: VecDeque::new(), kept: Vec::new() };
        Market { places, stretches, rows_max, all: Some(Vec::new()), near, total: 0 }
    }

    /// Where it begins.
    pub(super) fn begin(&self) -> Option<Timestamp> {
        self.stretches.first().map(|(from, _)| Timestamp(*from))
    }

    fn asked(&self) -> Vec<(i64, i64)> {
        match (self.stretches.len() > STRETCHES_MAX, self.stretches.first(), self.stretches.last()) {
            (true, Some((from, _)), Some((_, to))) => vec![(*from, *to)],
            _ => self.stretches.clone(),
        }
    }

    fn is_within(&self, ts: Timestamp) -> bool {
        let after = self.stretches.partition_point(|(from, _)| *from <= ts.nanos());
        after > 0 && self.stretches[after - 1].1 >= ts.nanos()
    }

    /// Reads the market of a symbol.
    pub(super) fn read(&mut self, inquiry: &mut Inquiry, symbol: &str) -> Result<()> {
        for (from, to) in self.asked() {
            let text =
                "category = market_data event in (quote, trade) symbol = $symbol ts between $from and $to";
            let parameters = [
                ("symbol", Datum::from(symbol)),
                ("from", Datum::Time(Timestamp(from))),
                ("to", Datum::Time(Timestamp(to))),
            ];
            inquiry.each(text, &parameters, |row| {
                let place = row.get("ts").as_timestamp().zip(row.get("seq").as_i64());
                if let Some((ts, seq)) = place.filter(|(ts, _)| self.is_within(*ts)) {
                    let kind = match row.get("event").as_str() {
                        Some("trade") => EntryKind::Trade,
                        _ => EntryKind::Quote,
                    };
                    self.add((kind, ts, u64::try_from(seq).unwrap_or(u64::MAX), row));
                }
                Ok(More::Wanted)
            })?;
        }
        Ok(())
    }

    fn add(&mut self, row: MarketRow) {
        self.total += 1;
        if let Some(all) = &mut self.all {
            all.push(row);
            if all.len() <= self.rows_max {
                return;
            }
            for row in self.all.take().unwrap_or_default() {
                self.near.add(row, &self.places);
            }
            return;
        }
        self.near.add(row, &self.places);
    }

    /// How many rows were not kept.
    pub(super) fn left_out(&self) -> u64 {
        match &self.all {
            Some(_) => 0,
            None => self.total - self.near.kept.len() as u64 - self.near.waiting(&self.places) as u64,
        }
    }

    /// What was kept, in order.
    pub(super) fn into_rows(mut self) -> Vec<MarketRow> {
        match self.all.take() {
            Some(all) => all,
            None => {
                let waiting = self.near.waiting(&self.places);
                let latest = self.near.latest.drain(..).take(waiting);
                self.near.kept.extend(latest);
                self.near.kept
            }
        }
    }

    /// Errors, and warnings of risk, of the symbol or the strategy around the order.
    pub(super) fn trouble(
        &self,
        inquiry: &mut Inquiry,
        symbol: Option<&str>,
        strategy: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Moment>> {
        let (Some(from), Some((_, to))) = (self.begin(), self.stretches.last()) else {
            return Ok(Vec::new());
        };
        let of = match (symbol, strategy) {
            (Some(_), Some(_)) => "(symbol = $symbol or to_text(strategy) = $strategy)",
            (Some(_), None) => "symbol = $symbol",
            _ => "to_text(strategy) = $strategy",
        };
        let text = format!(
            "ts between $from and $to (category = error or category = risk level >= warn) {of} missing order_id \
             | head {}",
            TROUBLE_MAX + 1
        );
        let parameters = [
            ("symbol", Datum::from(symbol.unwrap_or_default())),
            ("strategy", Datum::from(strategy.unwrap_or_default())),
            ("from", Datum::Time(from)),
            ("to", Datum::Time(Timestamp(*to))),
        ];
        let mut rows = all_rows(inquiry, &text, &parameters)?;
        if rows.len() > TROUBLE_MAX {
            rows.truncate(TROUBLE_MAX);
            notes.push(format!(
                "of errors and warnings of risk around the order the first {TROUBLE_MAX} are shown"
            ));
        }
        let moments = mark(rows, &[]).into_iter();
        Ok(moments.filter(|moment| self.is_within(moment.ts)).collect())
    }
}

impl Near {
    fn add(&mut self, row: MarketRow, places: &[Place]) {
        let place = (row.1, row.2);
        while places.get(self.next_place).is_some_and(|next| *next < place) {
            self.next_place += 1;
            self.kept.extend(self.latest.drain(..));
            self.wanted = self.each;
        }
        if self.wanted > 0 {
            self.wanted -= 1;
            self.kept.push(row);
            return;
        }
        self.latest.push_back(row);
        if self.latest.len() > self.each {
            self.latest.pop_front();
        }
    }

    /// How many of the latest rows are before a place.
    fn waiting(&self, places: &[Place]) -> usize {
        if self.next_place < places.len() { self.latest.len() } else { 0 }
    }
}

/// The quantity that was traded of a symbol between two times; none if no trade was recorded.
pub(super) fn volume(
    inquiry: &mut Inquiry,
    symbol: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Decimal>> {
    let text = "category = market_data event = trade symbol = $symbol ts between $from and $to \
                | stats sum(quantity) as volume";
    let parameters = [("symbol", Datum::from(symbol)), ("from", Datum::Time(from)), ("to", Datum::Time(to))];
    Ok(inquiry.first(text, &parameters)?.and_then(|row| row.get("volume").as_decimal()))
}
