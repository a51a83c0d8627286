//! Missed opportunities: signals strong enough that no order answered in time.
//!
//! An order answers the signals before it, at most so long before, that have its correlation id; or, if order or signal
//! has none, its strategy and symbol. Signals and orders are gone through once, in the order of time; what is kept is
//! the signals that still wait for an answer, which are those of one window, and the missed ones that are shown.

use std::collections::{BTreeMap, HashMap, VecDeque};

use blotter_engine::event::{OrderStatus, Timestamp};
use rust_decimal::Decimal;

use super::build::{figures, share, table};
use super::inquiry::Inquiry;
use super::losing::cut;
use super::steps::{is_status, status_of};
use super::{Section, Unit};
use crate::datum::Datum;
use crate::desk::Period;
use crate::error::Result;
use crate::rows::Row;

/// A signal that is strong enough.
struct Signal {
    ts: Timestamp,
    strategy: Datum,
    symbol: Datum,
    side: Datum,
    correlation_id: Datum,
    score: Decimal,
    threshold: Datum,
    is_answered: bool,
}

/// Signals that wait for an answer, by number, so that what was answered need not be searched for.
#[derive(Default)]
struct Waiting {
    first_number: u64,
    signals: VecDeque<Signal>,
    by_correlation: HashMap<Datum, VecDeque<u64>>,
    /// By strategy and symbol.
    by_place: HashMap<(Datum, Datum), VecDeque<u64>>,
    /// Of them, those without a correlation id.
    bare_by_place: HashMap<(Datum, Datum), VecDeque<u64>>,
}

/// What came of all signals.
#[derive(Default)]
struct Missed {
    signals: u64,
    without_score: u64,
    strong: u64,
    answered: u64,
    /// Strong and missed signals by strategy.
    by_strategy: BTreeMap<Datum, (u64, u64)>,
    /// The strongest.
    shown: Vec<Signal>,
    missed: u64,
}

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let within_ns = i64::try_from(inquiry.options.missed_within.as_nanos()).unwrap_or(i64::MAX);
    let shown_max = inquiry.options.rows_max;
    let score_min = inquiry.options.signal_score_min;
    let (mut waiting, mut missed) = (Waiting::default(), Missed::default());
    let period = inquiry.period;
    inquiry.each(&query(&period, within_ns), |row| {
        let Some(ts) = row.get("ts").as_timestamp() else { return Ok(()) };
        for signal in waiting.expire(ts, within_ns) {
            missed.settle(signal, shown_max);
        }
        if row.get("category").as_str() == Some("order") {
            // The condition is a way to read less; what an event means is decided in one place.
            if status_of(row.get("event"), row.get("status")) == Some(OrderStatus::Created) {
                waiting.answer(row);
            }
            return Ok(());
        }
        missed.signals += 1;
        match strength(row, score_min) {
            None => missed.without_score += 1,
            Some((score, true)) => waiting.add(signal(row, ts, score)),
            Some((_, false)) => {}
        }
        Ok(())
    })?;
    for signal in waiting.signals {
        missed.settle(signal, shown_max);
    }
    missed.sections(inquiry)
}

/// Signals of the period, and orders of it and of the window after it.
fn query(period: &Period, within_ns: i64) -> String {
    let until = Timestamp(period.until.nanos().saturating_add(within_ns).saturating_add(1));
    let created = is_status(OrderStatus::Created);
    format!(
        "((category = signal and not event = exit_signal and {}) \
         or (category = order and ts >= {} and ts < {until} and {created})) \
         | fields ts, category, event, status, correlation_id, strategy, symbol, side, score, threshold",
        period.condition(),
        period.from
    )
}

/// The score of a signal, and whether it is strong enough; none if it has no score, or nothing to compare it with.
fn strength(row: &Row, score_min: Option<Decimal>) -> Option<(Decimal, bool)> {
    let score = row.get("score").as_decimal()?;
    let threshold = score_min.or_else(|| row.get("threshold").as_decimal())?;
    Some((score, score.abs() >= threshold))
}

fn signal(row: &Row, ts: Timestamp, score: Decimal) -> Signal {
    let take = |name: &str| row.get(name).clone();
    Signal {
        ts,
        strategy: take("strategy"),
        symbol: take("symbol"),
        side: take("side"),
        correlation_id: take("correlation_id"),
        score,
        threshold: take("threshold"),
        is_answered: false,
    }
}

impl Waiting {
    fn add(&mut self, signal: Signal) {
        let number = self.first_number + self.signals.len() as u64;
        let place = (signal.strategy.clone(), signal.symbol.clone());
        if signal.correlation_id.is_null() {
            self.bare_by_place.entry(place.clone()).or_default().push_back(number);
        } else {
            self.by_correlation.entry(signal.correlation_id.clone()).or_default().push_back(number);
        }
        self.by_place.entry(place).or_default().push_back(number);
        self.signals.push_back(signal);
    }

    /// Takes an order for the answer to what it answers. Where both tell what belongs together, nothing else is asked.
    fn answer(&mut self, order: &Row) {
        let correlation = order.get("correlation_id");
        let place = (order.get("strategy").clone(), order.get("symbol").clone());
        let mut answered: Vec<u64> = Vec::new();
        // What is answered is asked for no more.
        if correlation.is_null() {
            self.bare_by_place.remove(&place);
            answered.extend(self.by_place.remove(&place).into_iter().flatten());
        } else {
            answered.extend(self.by_correlation.remove(correlation).into_iter().flatten());
            answered.extend(self.bare_by_place.remove(&place).into_iter().flatten());
        }
        for number in answered {
            // Numbers of signals that are gone are gone with them.
            let at = usize::try_from(number - self.first_number).expect("what waits is in memory");
            self.signals[at].is_answered = true;
        }
    }

    /// Signals whose time is over.
    fn expire(&mut self, now: Timestamp, within_ns: i64) -> Vec<Signal> {
        let mut expired = Vec::new();
        let is_over = |signal: &Signal| now.nanos().saturating_sub(signal.ts.nanos()) > within_ns;
        while self.signals.front().is_some_and(is_over) {
            let signal = self.signals.pop_front().expect("there is a first one");
            let number = self.first_number;
            self.first_number += 1;
            let place = (signal.strategy.clone(), signal.symbol.clone());
            remove(&mut self.by_correlation, &signal.correlation_id, number);
            remove(&mut self.by_place, &place, number);
            remove(&mut self.bare_by_place, &place, number);
            expired.push(signal);
        }
        expired
    }
}

/// Removes the lowest number if it is that one, and its key with the last.
fn remove<K: std::hash::Hash + Eq>(numbers: &mut HashMap<K, VecDeque<u64>>, key: &K, number: u64) {
    if let Some(found) = numbers.get_mut(key) {
        if found.front() == Some(&number) {
            found.pop_front();
        }
        if found.is_empty() {
            numbers.remove(key);
        }
    }
}

impl Missed {
    /// Counts a signal that no order can answer any more.
    fn settle(&mut self, signal: Signal, shown_max: usize) {
        self.strong += 1;
        let (strong, missed) = self.by_strategy.entry(signal.strategy.clone()).or_default();
        *strong += 1;
        if signal.is_answered {
            self.answered += 1;
            return;
        }
        *missed += 1;
        self.missed += 1;
        self.shown.push(signal);
        // The strongest are kept; sorting now and then costs less than keeping order.
        if self.shown.len() > shown_max.saturating_mul(2).max(1024) {
            self.keep(shown_max);
        }
    }

    fn keep(&mut self, shown_max: usize) {
        self.shown.sort_by_key(|signal| (std::cmp::Reverse(signal.score.abs()), signal.ts));
        self.shown.truncate(shown_max);
    }

    fn sections(mut self, inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
        let shown_max = inquiry.options.rows_max;
        self.keep(shown_max);
        cut(
            inquiry,
            "missed signals",
            "the strongest",
            usize::try_from(self.missed).unwrap_or(usize::MAX),
            shown_max,
        );
        if self.without_score > 0 {
            let (count, all) = (self.without_score, self.signals);
            inquiry.note(format!(
                "{count} of {all} signals have no score, or no threshold: they are not looked at"
            ));
        }
        let summary = [
            ("signals", "signals", Unit::Count, self.signals.into()),
            ("strong_signals", "strong enough", Unit::Count, self.strong.into()),
            ("answered", "answered by an order", Unit::Count, self.answered.into()),
            ("missed", "missed", Unit::Count, self.missed.into()),
            ("miss_rate", "miss rate", Unit::Share, share(self.missed, self.strong)),
        ];
        let by_strategy = self.by_strategy.iter().map(|(strategy, (strong, missed))| {
            vec![strategy.clone(), (*strong).into(), (*missed).into(), share(*missed, *strong)]
        });
        let strategy_columns = [
            ("strategy", "strategy", Unit::None),
            ("strong_signals", "strong signals", Unit::Count),
            ("missed", "missed", Unit::Count),
            ("miss_rate", "miss rate", Unit::Share),
        ];
        let by_strategy = table("by_strategy", "By strategy", &strategy_columns, by_strategy.collect());
        let rows = self.shown.into_iter().map(|signal| {
            let Signal { ts, strategy, symbol, side, correlation_id, score, threshold, .. } = signal;
            vec![ts.into(), strategy, symbol, side, score.into(), threshold, correlation_id]
        });
        let columns = [
            ("ts", "when", Unit::None),
            ("strategy", "strategy", Unit::None),
            ("symbol", "symbol", Unit::None),
            ("side", "side", Unit::None),
            ("score", "score", Unit::Ratio),
            ("threshold", "threshold", Unit::Ratio),
            ("correlation_id", "correlation id", Unit::None),
        ];
        let missed = table("missed_signals", "Missed signals, the strongest first", &columns, rows.collect());
        Ok(vec![figures("signals", "Signals", summary), by_strategy, missed])
    }
}
