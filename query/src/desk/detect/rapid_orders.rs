//! Orders of one strategy in quick succession: a loop that runs away, or a decision taken twice.
//!
//! A run of orders with less than `gap` between them is a finding if it has `orders` or more, and more than chance
//! explains: where a share `p` of the strategy's other gaps is as short, a run of `n` comes with probability `p^n`,
//! which must be below one in a billion. So a strategy that sends an order a minute is found at five in a row, one
//! that sends fifty a second at some twenty, and one that always sends thousands a second never.
//!
//! Until a strategy is known, after `learn_orders` orders or `learn_time`, a run waits for its end. If it has not
//! ended by then, the strategy is taken for a fast one.

use blotter_engine::event::{OrderStatus, Timestamp};
use serde::{Deserialize, Serialize};

use super::chance::run_beyond;
use super::detector::{Detector, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::RapidOrders;
use super::subjects::{Subjects, subject};
use super::toml_values::nanos;

/// Gaps beside those of a run below which they say nothing of it.
const OTHER_GAPS_MIN: f64 = 20.0;
/// Runs that wait until a strategy is known.
const HELD_MAX: usize = 8;
/// Weight of the latest gap in the share of short ones, once the strategy is known.
const WEIGHT: f64 = 1.0 / 1024.0;

pub(crate) struct Detect {
    settings: RapidOrders,
    events_named: usize,
    state: Subjects<Strategy>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Strategy {
    since: Timestamp,
    last: Timestamp,
    is_begun: bool,
    /// Gaps so far, and those of them that were short.
    gaps: f64,
    short: f64,
    /// Share of short gaps among the latest, without those of runs that were found.
    share: f64,
    is_known: bool,
    run: Option<Episode>,
    /// Runs that ended before the strategy was known, the longest of them.
    held: Vec<Episode>,
    /// Whether the run was told of.
    is_told: bool,
}

impl Detect {
    pub(crate) fn new(settings: &RapidOrders, events_named: usize) -> Detect {
        Detect { settings: settings.clone(), events_named, state: Subjects::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "rapid_orders"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        if seen.order_status() != Some(OrderStatus::Created) {
            return;
        }
        let first = || Strategy::new(seen);
        let Some(strategy) = self.state.of(seen.strategy, first) else { return };
        let gap_ns = seen.at.nanos() - strategy.last.nanos();
        if !std::mem::replace(&mut strategy.is_begun, true) {
            strategy.run = Some(Episode::new(seen.ts, seen.seq));
            return;
        }
        strategy.last = strategy.last.max(seen.at);
        let is_short = gap_ns < nanos(self.settings.gap);
        strategy.gaps += 1.0;
        strategy.short += f64::from(u8::from(is_short));
        match (&mut strategy.run, is_short) {
            (Some(run), true) => run.add(seen.ts, seen.seq, self.events_named),
            _ => {
                strategy.end_run(&self.settings, seen.strategy, changes);
                strategy.run = Some(Episode::new(seen.ts, seen.seq));
            }
        }
        let is_learnt = strategy.gaps >= self.settings.learn_orders as f64
            || seen.at.nanos() - strategy.since.nanos() >= nanos(self.settings.learn_time);
        if !strategy.is_known && is_learnt {
            strategy.is_known = true;
            strategy.share = strategy.short / strategy.gaps;
            // Rapid from the first order on, and still: that is how it is.
            let run = strategy.run_count();
            if (run as f64) < strategy.gaps - OTHER_GAPS_MIN {
                strategy.share = strategy.share_beside(run);
            }
            strategy.judge_held(&self.settings, seen.strategy, changes);
        }
        if strategy.is_known && !strategy.is_told && strategy.is_finding(&self.settings, strategy.run_count())
        {
            strategy.is_told = true;
            let run = strategy.run.clone().expect("the order at hand is in one");
            changes.begun(finding(&self.settings, seen.strategy, run));
        }
        if strategy.is_known && !strategy.is_told {
            strategy.share += WEIGHT * (f64::from(u8::from(is_short)) - strategy.share);
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        let Detect { settings, state, .. } = self;
        for (name, strategy) in state.iter_mut() {
            if now.nanos() - strategy.last.nanos() >= nanos(settings.gap) {
                strategy.end_run(settings, name, changes);
            }
        }
    }

    fn rewind(&mut self) {
        self.state = Subjects::default();
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        let Detect { settings, state, .. } = self;
        for (name, strategy) in state.iter_mut() {
            strategy.end_run(settings, name, changes);
            strategy.judge_held(settings, name, changes);
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

impl Strategy {
    fn new(seen: &Seen<'_>) -> Strategy {
        Strategy {
            since: seen.at,
            last: seen.at,
            is_begun: false,
            gaps: 0.0,
            short: 0.0,
            share: 0.0,
            is_known: false,
            run: None,
            held: Vec::new(),
            is_told: false,
        }
    }

    fn run_count(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.events.count)
    }

    /// The share of short gaps beside those of a run of that many orders.
    fn share_beside(&self, run: u64) -> f64 {
        let inside = run.saturating_sub(1) as f64;
        ((self.short - inside) / (self.gaps - inside)).clamp(0.0, 1.0)
    }

    /// Whether a run of so many orders is one.
    fn is_finding(&self, settings: &RapidOrders, count: u64) -> bool {
        if count < settings.orders {
            return false;
        }
        let share = match self.is_known {
            true => self.share,
            false if self.gaps - count as f64 >= OTHER_GAPS_MIN => self.share_beside(count),
            false => 0.0,
        };
        count > run_beyond(share)
    }

    /// The run is over; it is told of if it is a finding. The next order begins another.
    fn end_run(&mut self, settings: &RapidOrders, name: &str, changes: &mut Changes) {
        let Some(run) = self.run.take() else { return };
        if std::mem::take(&mut self.is_told) {
            changes.ended(finding(settings, name, run));
        } else if !self.is_known && run.events.count >= settings.orders {
            self.held.push(run);
            if self.held.len() > HELD_MAX {
                let shortest = (0..self.held.len()).min_by_key(|at| self.held[*at].events.count);
                self.held.remove(shortest.expect("there are some"));
            }
        } else if self.is_finding(settings, run.events.count) {
            changes.whole(finding(settings, name, run));
        }
    }

    /// Judges the runs that had to wait until the strategy was known, or until there was no more to know.
    fn judge_held(&mut self, settings: &RapidOrders, name: &str, changes: &mut Changes) {
        for run in std::mem::take(&mut self.held) {
            let count = run.events.count;
            let share = match self.gaps - count as f64 >= OTHER_GAPS_MIN {
                true => self.share_beside(count),
                false => 0.0,
            };
            if count > run_beyond(share) {
                changes.whole(finding(settings, name, run));
            }
        }
    }
}

fn finding(settings: &RapidOrders, name: &str, run: Episode) -> Finding {
    let took_ms = (run.last_ts.nanos() - run.first_ts.nanos()) as f64 / 1e6;
    let count = run.events.count;
    Finding {
        rule: "rapid_orders".to_owned(),
        level: settings.level,
        first_ts: run.first_ts,
        last_ts: run.last_ts,
        subject: subject(&[("strategy", name)]),
        sentence: format!(
            "{count} orders of {} within {took_ms:.3} ms, each less than {:?} after the one before",
            if name.is_empty() { "no strategy" } else { name },
            settings.gap
        ),
        figures: vec![
            Figure::new("orders", count, settings.orders),
            Figure::new("gap_mean_ms", took_ms / (count - 1) as f64, nanos(settings.gap) as f64 / 1e6),
        ],
        events: run.events,
    }
}
