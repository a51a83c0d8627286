//! A strategy that is rejected again and again for one reason, and goes on sending.
//!
//! `count` rejections for one reason within `window` are a finding, if the strategy has created at most `orders` new
//! orders meanwhile. That makes it the same for a strategy of ten orders a day and one of ten thousand a second: of
//! the latter's orders some are always rejected, but not five of twenty for one reason.

use std::collections::VecDeque;

use blotter_engine::event::{OrderStatus, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::RepeatedRejections;
use super::subjects::{Subjects, join, split, subject};
use super::toml_values::nanos;

pub(crate) struct Detect {
    settings: RepeatedRejections,
    events_named: usize,
    key: String,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Orders created, by strategy.
    orders: Subjects<u64>,
    /// By strategy and reason.
    reasons: Subjects<Reason>,
}

#[derive(Default, Serialize, Deserialize)]
struct Reason {
    /// The latest, fewer than make a finding: when, which, and how many orders had been created by then.
    latest: VecDeque<(Timestamp, Seq, u64)>,
    episode: Option<Episode>,
    /// When the latest of the episode was, as windows count.
    last_at: Timestamp,
}

impl Detect {
    pub(crate) fn new(settings: &RepeatedRejections, events_named: usize) -> Detect {
        let settings = settings.clone();
        Detect { settings, events_named, key: String::new(), state: State::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "repeated_rejections"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Detect { settings, events_named, key, state } = self;
        match seen.order_status() {
            Some(OrderStatus::Created) => {
                if let Some(orders) = state.orders.of(seen.strategy, || 0) {
                    *orders += 1;
                }
                return;
            }
            Some(OrderStatus::Rejected) => {}
            _ => return,
        }
        let orders = state.orders.get_mut(seen.strategy).map_or(0, |orders| *orders);
        join(key, seen.strategy, seen.reason());
        let Some(reason) = state.reasons.of(key, Reason::default) else { return };
        reason.end_if_over(settings, key, seen.at, changes);
        let latest = &mut reason.latest;
        latest.push_back((seen.at, seen.seq, orders));
        while latest.len() as u64 > settings.count {
            latest.pop_front();
        }
        // The last `count` of them lie within the window, and among few orders.
        let (first_at, _, orders_at_first) = latest[0];
        let is_dense = latest.len() as u64 == settings.count
            && seen.at.nanos() - first_at.nanos() <= nanos(settings.window)
            && orders - orders_at_first <= settings.orders;
        if let Some(episode) = &mut reason.episode {
            episode.add(seen.ts, seen.seq, *events_named);
            if is_dense {
                reason.last_at = seen.at;
            }
        } else if is_dense {
            let mut episode = Episode::new(first_at, latest[0].1);
            latest.iter().skip(1).for_each(|(at, seq, _)| episode.add(*at, *seq, *events_named));
            reason.last_at = seen.at;
            changes.begun(finding(settings, key, &episode));
            reason.episode = Some(episode);
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        for (key, reason) in self.state.reasons.iter_mut() {
            reason.end_if_over(&self.settings, key, now, changes);
        }
    }

    fn rewind(&mut self) {
        self.state = State::default();
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (key, reason) in self.state.reasons.iter_mut() {
            if let Some(episode) = reason.episode.take() {
                changes.ended(finding(&self.settings, key, &episode));
            }
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.orders.overlooked + self.state.reasons.overlooked
    }

    saved_state!();
}

impl Reason {
    /// The episode ends when rejections have not been dense for as long as a window.
    fn end_if_over(
        &mut self,
        settings: &RepeatedRejections,
        key: &str,
        now: Timestamp,
        changes: &mut Changes,
    ) {
        if now.nanos() - self.last_at.nanos() > nanos(settings.window)
            && let Some(episode) = self.episode.take()
        {
            changes.ended(finding(settings, key, &episode));
            self.latest.clear();
        }
    }
}

fn finding(settings: &RepeatedRejections, key: &str, episode: &Episode) -> Finding {
    let (strategy, reason) = split(key);
    let count = episode.events.count;
    let whose = if strategy.is_empty() { String::new() } else { format!(" of {strategy}") };
    Finding {
        rule: "repeated_rejections".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: subject(&[("strategy", strategy), ("reason", reason)]),
        sentence: format!("{count} orders{whose} rejected for one reason: {reason}"),
        figures: vec![Figure::new("rejections", count, settings.count)],
        events: episode.events.clone(),
    }
}
