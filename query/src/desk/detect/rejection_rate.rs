//! A strategy of whose orders too many are rejected.
//!
//! The rate is orders rejected over orders created, both within the window. It is a finding above `rate`, from `orders`
//! orders on, and over when it is below again or nothing is rejected any longer.

use blotter_engine::event::{OrderStatus, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::episode::{Episode, Recent};
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::RejectionRate;
use super::subjects::{Subjects, subject};
use super::window::Window;

/// Parts of the window.
const PARTS: i64 = 20;

pub(crate) struct Detect {
    settings: RejectionRate,
    events_named: usize,
    state: Subjects<Strategy>,
}

#[derive(Serialize, Deserialize)]
struct Strategy {
    window: Window,
    recent: Recent,
    episode: Option<Episode>,
}

impl Detect {
    pub(crate) fn new(settings: &RejectionRate, events_named: usize) -> Detect {
        Detect { settings: settings.clone(), events_named, state: Subjects::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "rejection_rate"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let is_rejected = match seen.order_status() {
            Some(OrderStatus::Created) => false,
            Some(OrderStatus::Rejected) => true,
            _ => return,
        };
        let Detect { settings, events_named, state } = self;
        let make = || Strategy {
            window: Window::new(settings.window, PARTS),
            recent: Recent::default(),
            episode: None,
        };
        let Some(strategy) = state.of(seen.strategy, make) else { return };
        strategy.window.add(seen.at, seen.seq, is_rejected, !is_rejected);
        if is_rejected {
            strategy.recent.add(seen.ts, seen.seq, *events_named);
            if let Some(episode) = &mut strategy.episode {
                episode.add(seen.ts, seen.seq, *events_named);
            }
        }
        strategy.judge(settings, *events_named, seen.strategy, changes);
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        for (name, strategy) in self.state.iter_mut() {
            strategy.window.slide(now);
            strategy.judge(&self.settings, self.events_named, name, changes);
        }
    }

    fn rewind(&mut self) {
        self.state.iter_mut().for_each(|(_, strategy)| strategy.window.clear());
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (name, strategy) in self.state.iter_mut() {
            if let Some(episode) = strategy.episode.take() {
                changes.ended(finding(&self.settings, name, episode));
            }
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

impl Strategy {
    fn judge(&mut self, settings: &RejectionRate, events_named: usize, name: &str, changes: &mut Changes) {
        let (rejected, orders) = (self.window.found(), self.window.all());
        let rate = rejected as f64 / orders.max(1) as f64;
        let is_too_high = orders >= settings.orders && rate > settings.rate;
        match &mut self.episode {
            Some(episode) if is_too_high => episode.worst = episode.worst.max(rate),
            // Few orders say nothing, neither that it has begun nor that it is over, unless none are rejected.
            Some(_) if rate <= settings.rate || rejected == 0 => {
                let episode = self.episode.take().expect("it is there");
                changes.ended(finding(settings, name, episode));
            }
            None if is_too_high => {
                let episode = self.recent.episode(self.window.first(), rejected, events_named);
                let mut episode = episode.expect("a rate above nothing has a rejection");
                (episode.worst, episode.threshold) = (rate, settings.rate);
                changes.begun(finding(settings, name, episode.clone()));
                self.episode = Some(episode);
            }
            _ => {}
        }
    }
}

fn finding(settings: &RejectionRate, name: &str, episode: Episode) -> Finding {
    let whose = if name.is_empty() { "the orders" } else { name };
    Finding {
        rule: "rejection_rate".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: subject(&[("strategy", name)]),
        sentence: format!(
            "{:.1} % of {whose} rejected within {:?}, {} rejections in all",
            episode.worst * 100.0,
            settings.window,
            episode.events.count
        ),
        figures: vec![Figure::new("rejection_rate", episode.worst, settings.rate)],
        events: episode.events,
    }
}
