//! Orders of a strategy that take longer and longer from decision to submission.
//!
//! The window is kept in parts; once it is full, or at the end of what there is, the mean latency of its later half is
//! held against that of its earlier half.

use std::collections::VecDeque;

use blotter_engine::event::{OrderStatus, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::LatencyDegradation;
use super::subjects::{Subjects, subject};
use super::toml_values::nanos;

/// Parts of the window: half of them make each half.
const PARTS: i64 = 40;

pub(crate) struct Detect {
    settings: LatencyDegradation,
    events_named: usize,
    state: Subjects<Strategy>,
}

#[derive(Default, Serialize, Deserialize)]
struct Strategy {
    since: Option<Timestamp>,
    parts: VecDeque<Part>,
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Part {
    number: i64,
    count: u64,
    sum_us: f64,
    /// The slowest of it.
    slowest: (f64, Timestamp, Seq),
}

/// Both halves of the window.
#[derive(Clone, Copy)]
struct Halves {
    earlier: (u64, f64),
    later: (u64, f64),
}

impl Halves {
    fn means(&self) -> (f64, f64) {
        (self.earlier.1 / self.earlier.0.max(1) as f64, self.later.1 / self.later.0.max(1) as f64)
    }

    fn are_worse(&self, settings: &LatencyDegradation) -> bool {
        let (earlier, later) = self.means();
        let are_enough = self.earlier.0 >= settings.samples && self.later.0 >= settings.samples;
        are_enough && earlier > 0.0 && later >= settings.ratio * earlier
    }
}

impl Detect {
    pub(crate) fn new(settings: &LatencyDegradation, events_named: usize) -> Detect {
        Detect { settings: settings.clone(), events_named, state: Subjects::default() }
    }

    fn part_ns(&self) -> i64 {
        (nanos(self.settings.window) / PARTS).max(1)
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "latency_degradation"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Some(latency_us) = seen.latency_us else { return };
        if seen.order_status() != Some(OrderStatus::Submitted) {
            return;
        }
        let number = seen.at.nanos().div_euclid(self.part_ns());
        let Some(strategy) = self.state.of(seen.strategy, Strategy::default) else { return };
        strategy.since.get_or_insert(seen.at);
        match strategy.parts.back_mut() {
            Some(part) if part.number >= number => part.add(latency_us, seen),
            last => {
                let is_new_part = last.is_some();
                // The part before is whole: what is known up to it is judged.
                if is_new_part {
                    strategy.judge(&self.settings, self.events_named, number, seen.strategy, changes);
                }
                let slowest = (latency_us, seen.ts, seen.seq);
                strategy.parts.push_back(Part { number, count: 1, sum_us: latency_us, slowest });
            }
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        let number = now.nanos().div_euclid(self.part_ns());
        for (name, strategy) in self.state.iter_mut() {
            if strategy.parts.front().is_some_and(|part| part.number < number - PARTS) {
                strategy.judge(&self.settings, self.events_named, number, name, changes);
            }
        }
    }

    fn rewind(&mut self) {
        self.state.iter_mut().for_each(|(_, strategy)| strategy.parts.clear());
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (name, strategy) in self.state.iter_mut() {
            strategy.judge_rest(&self.settings, self.events_named, name, changes);
            if let Some(episode) = strategy.episode.take() {
                changes.ended(finding(&self.settings, name, &episode));
            }
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

impl Part {
    fn add(&mut self, latency_us: f64, seen: &Seen<'_>) {
        self.count += 1;
        self.sum_us += latency_us;
        if latency_us > self.slowest.0 {
            self.slowest = (latency_us, seen.ts, seen.seq);
        }
    }
}

impl Strategy {
    /// Judges the window before part `end`, if it has been full.
    fn judge(
        &mut self,
        settings: &LatencyDegradation,
        events_named: usize,
        end: i64,
        name: &str,
        changes: &mut Changes,
    ) {
        while self.parts.front().is_some_and(|part| part.number < end - PARTS) {
            self.parts.pop_front();
        }
        let part_ns = (nanos(settings.window) / PARTS).max(1);
        let began = self.since.map_or(i64::MAX, |since| since.nanos().div_euclid(part_ns));
        if began > end - PARTS {
            return;
        }
        let halves = self.halves(|part| part.number < end - PARTS / 2);
        let is_later = |part: &Part| part.number >= end - PARTS / 2;
        self.judge_halves(halves, is_later, settings, events_named, name, changes);
    }

    /// Judges what there is, at the end: less than a window.
    fn judge_rest(
        &mut self,
        settings: &LatencyDegradation,
        events_named: usize,
        name: &str,
        changes: &mut Changes,
    ) {
        let (Some(first), Some(last)) = (self.parts.front(), self.parts.back()) else { return };
        let middle = first.number + (last.number - first.number + 1).div_euclid(2);
        let halves = self.halves(|part| part.number < middle);
        let is_later = |part: &Part| part.number >= middle;
        self.judge_halves(halves, is_later, settings, events_named, name, changes);
    }

    fn halves(&self, is_earlier: impl Fn(&Part) -> bool) -> Halves {
        let mut halves = Halves { earlier: (0, 0.0), later: (0, 0.0) };
        for part in &self.parts {
            let half = if is_earlier(part) { &mut halves.earlier } else { &mut halves.later };
            half.0 += part.count;
            half.1 += part.sum_us;
        }
        halves
    }

    fn judge_halves(
        &mut self,
        halves: Halves,
        is_later: impl Fn(&Part) -> bool,
        settings: &LatencyDegradation,
        events_named: usize,
        name: &str,
        changes: &mut Changes,
    ) {
        let (earlier, later) = halves.means();
        if !halves.are_worse(settings) {
            if let Some(episode) = self.episode.take() {
                changes.ended(finding(settings, name, &episode));
            }
            return;
        }
        let slowest = self.parts.iter().filter(|part| is_later(part)).map(|part| part.slowest);
        match &mut self.episode {
            Some(episode) => {
                let (_, ts, seq) = slowest.last().expect("the later half has samples");
                if episode.events.last != Some(seq) {
                    episode.add(ts, seq, events_named);
                }
                if later / earlier > episode.worst / episode.threshold {
                    (episode.worst, episode.threshold) = (later, earlier);
                }
            }
            None => {
                let mut slowest = slowest;
                let (_, ts, seq) = slowest.next().expect("the later half has samples");
                let mut episode = Episode::new(ts, seq);
                slowest.for_each(|(_, ts, seq)| episode.add(ts, seq, events_named));
                (episode.worst, episode.threshold) = (later, earlier);
                changes.begun(finding(settings, name, &episode));
                self.episode = Some(episode);
            }
        }
    }
}

fn finding(settings: &LatencyDegradation, name: &str, episode: &Episode) -> Finding {
    let (later, earlier) = (episode.worst, episode.threshold);
    let whose = if name.is_empty() { "orders" } else { name };
    Finding {
        rule: "latency_degradation".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: subject(&[("strategy", name)]),
        sentence: format!(
            "{whose}: submission takes {later:.1} us in the mean, after {earlier:.1} us in the half before"
        ),
        figures: vec![
            Figure::new("ratio", later / earlier, settings.ratio),
            Figure::told("earlier_mean_us", earlier),
            Figure::told("later_mean_us", later),
        ],
        events: episode.events.clone(),
    }
}
