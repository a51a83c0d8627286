//! Positions as recorded, held against the fills: by strategy and symbol.
//!
//! The position expected is the sum of the fills, from the first position recorded on: what was held before is not
//! known and taken from that. Fills and positions come from different threads, so a recorded position may also be one
//! that was expected a moment before, or is a moment later; what is not settled in that time is a discrepancy.
//! Several engines may trade under the same names, each with a position of its own: one that is what its own recorder's
//! fills add up to is right, too. A discrepancy is told once: from then on the position recorded is what is expected.

use std::collections::{BTreeMap, VecDeque};

use blotter_engine::event::{Category, Decimal, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::finding::{Changes, Figure, Finding, NamedEvents};
use super::seen::Seen;
use super::settings::PositionDiscrepancy;
use super::subjects::{Subjects, join, split, subject};
use super::toml_values::nanos;

/// Recorders of one position whose own fills are added up.
const PRODUCERS_MAX: usize = 64;
/// Sums remembered for positions that come late.
const SUMS_MAX: usize = 64;

pub(crate) struct Detect {
    settings: PositionDiscrepancy,
    key: String,
    state: Subjects<Position>,
}

#[derive(Default, Serialize, Deserialize)]
struct Position {
    /// All fills.
    all: Book,
    /// Those of each recorder.
    own: BTreeMap<u32, Book>,
    last_fill: Option<Seq>,
    /// A recorded position that is not what was expected so far.
    unsettled: Option<Unsettled>,
}

/// What fills add up to.
#[derive(Default, Serialize, Deserialize)]
struct Book {
    /// What is expected; unknown until a position is recorded.
    expected: Option<Decimal>,
    /// What was expected at recent times, without the present.
    before: VecDeque<(Timestamp, Decimal)>,
    /// Without any, what it expects says nothing.
    has_fills: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Unsettled {
    at: Timestamp,
    ts: Timestamp,
    seq: Seq,
    producer: u32,
    recorded: Decimal,
    expected: Decimal,
    /// What the recorder's own fills added up to.
    expected_own: Option<Decimal>,
    last_fill: Option<Seq>,
}

impl Detect {
    pub(crate) fn new(settings: &PositionDiscrepancy) -> Detect {
        Detect { settings: settings.clone(), key: String::new(), state: Subjects::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "position_discrepancy"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let recorded = seen.quantity_after.filter(|_| seen.category == Category::POSITION);
        let fill = seen.signed_fill();
        if recorded.is_none() && fill.is_none() {
            return;
        }
        join(&mut self.key, seen.strategy, seen.symbol);
        let Some(position) = self.state.of(&self.key, Position::default) else { return };
        position.settle(&self.settings, &self.key, seen.at, changes);
        if let Some(fill) = fill {
            position.fill(fill, seen);
        }
        if let Some(recorded) = recorded {
            position.record(recorded, &self.settings, seen);
        }
        // A fill that came after its position.
        if let Some(Unsettled { recorded, producer, .. }) = position.unsettled
            && position.books(producer).any(|book| book.is_now(recorded, &self.settings))
        {
            position.unsettled = None;
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        for (key, position) in self.state.iter_mut() {
            position.settle(&self.settings, key, now, changes);
        }
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        // Whatever has not come by now does not come.
        for (key, position) in self.state.iter_mut() {
            position.settle(&self.settings, key, Timestamp::MAX, changes);
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

fn is_near(one: Decimal, other: Decimal, settings: &PositionDiscrepancy) -> bool {
    one.checked_sub(other).is_some_and(|difference| difference.abs() <= settings.tolerance)
}

impl Book {
    fn fill(&mut self, quantity: Decimal, at: Timestamp) {
        self.has_fills = true;
        let Some(expected) = self.expected else { return };
        self.before.push_back((at, expected));
        if self.before.len() > SUMS_MAX {
            self.before.pop_front();
        }
        // A sum beyond all numbers is known again at the next position.
        self.expected = expected.checked_add(quantity);
    }

    fn is_now(&self, recorded: Decimal, settings: &PositionDiscrepancy) -> bool {
        self.expected.is_some_and(|expected| is_near(recorded, expected, settings))
    }

    /// Whether it is expected, or was so a moment ago.
    fn is_expected(&mut self, recorded: Decimal, settings: &PositionDiscrepancy, since_ns: i64) -> bool {
        while self.before.front().is_some_and(|(at, _)| at.nanos() < since_ns) {
            self.before.pop_front();
        }
        self.is_now(recorded, settings)
            || self.before.iter().any(|(_, before)| is_near(recorded, *before, settings))
    }

    /// What was recorded is what is expected from now on.
    fn shift(&mut self, difference: Decimal) {
        self.expected = self.expected.and_then(|expected| expected.checked_add(difference));
        self.before.clear();
    }
}

impl Position {
    /// That of all fills, and that of the recorder's own.
    fn books(&self, producer: u32) -> impl Iterator<Item = &Book> {
        let own = self.own.get(&producer).filter(|own| own.has_fills);
        [Some(&self.all), own].into_iter().flatten()
    }

    fn fill(&mut self, quantity: Decimal, seen: &Seen<'_>) {
        self.last_fill = Some(seen.seq);
        self.all.fill(quantity, seen.at);
        if let Some(own) = self.own_of(seen.producer.0) {
            own.fill(quantity, seen.at);
        }
    }

    /// The book of a recorder, made if there is room.
    fn own_of(&mut self, producer: u32) -> Option<&mut Book> {
        if !self.own.contains_key(&producer) && self.own.len() >= PRODUCERS_MAX {
            return None;
        }
        Some(self.own.entry(producer).or_default())
    }

    fn record(&mut self, recorded: Decimal, settings: &PositionDiscrepancy, seen: &Seen<'_>) {
        let since_ns = seen.at.nanos().saturating_sub(nanos(settings.settle));
        let is_first = self.all.expected.is_none();
        let mut is_expected = is_first || self.all.is_expected(recorded, settings, since_ns);
        self.all.expected.get_or_insert(recorded);
        let mut expected_own = None;
        if let Some(own) = self.own_of(seen.producer.0) {
            // The first position of a recorder with fills of its own tells what it held before.
            let is_first = own.expected.is_none();
            is_expected |= own.has_fills && (is_first || own.is_expected(recorded, settings, since_ns));
            expected_own = Some(*own.expected.get_or_insert(recorded));
        }
        if is_expected {
            // A later position that is right settles an earlier one that came out of order.
            self.unsettled = None;
        } else if self.unsettled.is_none() {
            let expected = self.all.expected.unwrap_or(recorded);
            self.unsettled = Some(Unsettled {
                at: seen.at,
                ts: seen.ts,
                seq: seen.seq,
                producer: seen.producer.0,
                recorded,
                expected,
                expected_own,
                last_fill: self.last_fill,
            });
        }
    }

    /// Tells of what should have been settled by now.
    fn settle(&mut self, settings: &PositionDiscrepancy, key: &str, now: Timestamp, changes: &mut Changes) {
        let is_due = |unsettled: &mut Unsettled| {
            now.nanos().saturating_sub(unsettled.at.nanos()) > nanos(settings.settle)
        };
        let Some(unsettled) = self.unsettled.take_if(is_due) else { return };
        let Unsettled { ts, seq, producer, recorded, expected, expected_own, last_fill, .. } = unsettled;
        let difference = recorded.checked_sub(expected).unwrap_or(recorded);
        self.all.shift(difference);
        let of_own = expected_own.and_then(|expected| recorded.checked_sub(expected));
        if let (Some(own), Some(difference)) = (self.own.get_mut(&producer), of_own) {
            own.shift(difference);
        }
        let (strategy, symbol) = split(key);
        let mut events = NamedEvents::default();
        // In history the last fill may have been recorded after the position.
        let mut seqs: Vec<Seq> = last_fill.into_iter().chain([seq]).collect();
        seqs.sort_unstable();
        seqs.into_iter().for_each(|seq| events.add(seq, 2));
        changes.whole(Finding {
            rule: "position_discrepancy".to_owned(),
            level: settings.level,
            first_ts: ts,
            last_ts: ts,
            subject: subject(&[("strategy", strategy), ("symbol", symbol)]),
            sentence: format!(
                "a position of {recorded} {symbol} was recorded where the fills add up to {expected}"
            ),
            figures: vec![
                Figure::new("difference", difference.abs(), settings.tolerance),
                Figure::told("recorded", recorded),
                Figure::told("expected", expected),
            ],
            events,
        });
    }
}
