//! A remainder of a position that is too small to be meant: it was to be closed, and was not quite.
//!
//! It is below a quantity (`below`, one whole unit unless said otherwise), no larger a share than `share` of the largest
//! position held, and stays `lasting`. It is told once, until the position is flat or grows again.

use blotter_engine::event::{Category, Decimal, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::finding::{Changes, Figure, Finding, NamedEvents};
use super::seen::Seen;
use super::settings::Dust;
use super::subjects::{Subjects, join, split, subject};
use super::toml_values::nanos;

pub(crate) struct Detect {
    settings: Dust,
    key: String,
    state: Subjects<Position>,
}

#[derive(Default, Serialize, Deserialize)]
struct Position {
    largest: Decimal,
    dust: Option<Remainder>,
    is_told: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Remainder {
    since: Timestamp,
    ts: Timestamp,
    seq: Seq,
    quantity: Decimal,
}

impl Detect {
    pub(crate) fn new(settings: &Dust) -> Detect {
        Detect { settings: settings.clone(), key: String::new(), state: Subjects::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "dust"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Some(quantity) = seen.quantity_after.filter(|_| seen.category == Category::POSITION) else {
            return;
        };
        join(&mut self.key, seen.strategy, seen.symbol);
        let Some(position) = self.state.of(&self.key, Position::default) else { return };
        position.tell(&self.settings, &self.key, seen.at, changes);
        let size = quantity.abs();
        position.largest = position.largest.max(size);
        let share = position.largest.checked_mul(self.settings.share);
        let is_dust =
            !size.is_zero() && size < self.settings.below && share.is_some_and(|share| size <= share);
        if !is_dust {
            (position.dust, position.is_told) = (None, false);
        } else if position.dust.is_none() {
            position.dust = Some(Remainder { since: seen.at, ts: seen.ts, seq: seen.seq, quantity });
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        for (key, position) in self.state.iter_mut() {
            position.tell(&self.settings, key, now, changes);
        }
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (key, position) in self.state.iter_mut() {
            position.tell(&self.settings, key, Timestamp::MAX, changes);
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

impl Position {
    fn tell(&mut self, settings: &Dust, key: &str, now: Timestamp, changes: &mut Changes) {
        let Some(Remainder { since, ts, seq, quantity }) = self.dust else { return };
        if self.is_told || now.nanos().saturating_sub(since.nanos()) < nanos(settings.lasting) {
            return;
        }
        self.is_told = true;
        let (strategy, symbol) = split(key);
        let largest = self.largest;
        changes.whole(Finding {
            rule: "dust".to_owned(),
            level: settings.level,
            first_ts: ts,
            last_ts: ts,
            subject: subject(&[("strategy", strategy), ("symbol", symbol)]),
            sentence: format!("{quantity} {symbol} remain of a position of up to {largest}"),
            figures: vec![
                Figure::new("remainder", quantity.abs(), settings.below),
                Figure::told("largest_position", largest),
            ],
            events: NamedEvents::one(seq),
        });
    }
}
