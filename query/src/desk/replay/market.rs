//! The quotes and trades around the events of an order, as many as there is room for.

use std::collections::VecDeque;

use blotter_engine::event::Timestamp;
use rust_decimal::Decimal;

use super::EntryKind;
use super::touch::{self, Place, Touch};
use crate::datum::Datum;
use crate::desk::inquiry::{Inquiry, More};
use crate::desk::lifecycle::{Moment, mark};
use crate::error::Result;
use crate::rows::Row;

/// Errors and warnings of risk around an order that are shown at most.
const TROUBLE_MAX: usize = 200;

/// Stretches that are asked for one by one; those of an order with more events are asked for as one.
const STRETCHES_MAX: usize = 64;

/// An event, and the latest quote then.
pub(super) struct Seen {
    pub(super) kind: EntryKind,
    pub(super) place: Place,
    pub(super) touch: Option<Touch>,
    pub(super) row: Row,
}

/// See the module. As long as there is room everything is kept; when there is not, the rows next to the events of the
/// order are: as many before each as after it.
pub(super) struct Market {
    /// The events of the order, in order.
    places: Vec<Place>,
    /// Stretches of time, apart from each other, ascending.
    stretches: Vec<(i64, i64)>,
    rows_max: usize,
    /// Everything, while there is room.
    all: Option<Vec<Seen>>,
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
    latest: VecDeque<Seen>,
    kept: Vec<Seen>,
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

    /// Reads the market of a symbol; the latest quote at each of some places, which are in order, as far as they are
    /// within what is read.
    pub(super) fn read(
        &mut self,
        inquiry: &mut Inquiry,
        symbol: &str,
        places: &[Place],
    ) -> Result<Vec<Option<Touch>>> {
        let mut touches = vec![None; places.len()];
        for (from, to) in self.asked() {
            let is_read = |(ts, _): &Place| (from..=to).contains(&ts.nanos());
            let begin = places.partition_point(|(ts, _)| ts.nanos() < from);
            let end = places.iter().rposition(is_read).map_or(begin, |last| last + 1);
            let mut next = begin;
            let mut current = touch::before(inquiry, symbol, (Timestamp(from), 0))?;
            let text =
                "category = market_data event in (quote, trade) symbol = $symbol ts between $from and $to";
            let parameters = [
                ("symbol", Datum::from(symbol)),
                ("from", Datum::Time(Timestamp(from))),
                ("to", Datum::Time(Timestamp(to))),
            ];
            inquiry.each(text, &parameters, |row| {
                let place = row.get("ts").as_timestamp().zip(row.get("seq").as_i64());
                let Some((ts, seq)) = place else { return Ok(More::Wanted) };
                let place = (ts, u64::try_from(seq).unwrap_or(u64::MAX));
                while next < end && places[next] < place {
                    touches[next] = current;
                    next += 1;
                }
                let kind = match row.get("event").as_str() {
                    Some("trade") => EntryKind::Trade,
                    _ => EntryKind::Quote,
                };
                if kind == EntryKind::Quote {
                    current = Touch::of(&row).or(current);
                }
                if self.is_within(ts) {
                    self.add(Seen { kind, place, touch: current, row });
                }
                Ok(More::Wanted)
            })?;
            touches[next..end.max(next)].fill(current);
        }
        Ok(touches)
    }

    fn add(&mut self, row: Seen) {
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
    pub(super) fn into_rows(mut self) -> Vec<Seen> {
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
        let of = match (symbol, strategy) {
            (Some(_), Some(_)) => "(symbol = $symbol or to_text(strategy) = $strategy)",
            (Some(_), None) => "symbol = $symbol",
            (None, Some(_)) => "to_text(strategy) = $strategy",
            (None, None) => return Ok(Vec::new()),
        };
        let text = format!(
            "ts between $from and $to (category = error or category = risk level >= warn) {of} missing order_id"
        );
        let (mut rows, mut left_out) = (Vec::new(), 0u64);
        for (from, to) in self.asked() {
            let parameters = [
                ("symbol", Datum::from(symbol.unwrap_or_default())),
                ("strategy", Datum::from(strategy.unwrap_or_default())),
                ("from", Datum::Time(Timestamp(from))),
                ("to", Datum::Time(Timestamp(to))),
            ];
            inquiry.each(&text, &parameters, |row| {
                if row.get("ts").as_timestamp().is_some_and(|ts| self.is_within(ts)) {
                    match rows.len() < TROUBLE_MAX {
                        true => rows.push(row),
                        false => left_out += 1,
                    }
                }
                Ok(More::Wanted)
            })?;
        }
        if left_out > 0 {
            notes.push(format!(
                "errors and warnings of risk around the order: the first {TROUBLE_MAX} are shown, {left_out} more are not"
            ));
        }
        Ok(mark(rows, &[]))
    }
}

impl Near {
    fn add(&mut self, row: Seen, places: &[Place]) {
        let place = row.place;
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
