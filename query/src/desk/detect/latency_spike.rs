//! A latency far above all recent ones of its kind: by strategy and event, or by endpoint for calls of an API.
//!
//! It is a finding above `times_p99` times the 99th percentile of the `recent` latencies before it, if it is above
//! `at_least_us` too. Spikes that follow each other within `join` are one.

use blotter_engine::event::Timestamp;
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::LatencySpike;
use super::subjects::{Subjects, join, split, subject};
use super::toml_values::nanos;

/// Latencies after which the percentile is computed anew.
const REFRESH: u64 = 64;
/// Most latencies kept of each kind, whatever the settings say.
const RECENT_MAX: u64 = 100_000;

pub(crate) struct Detect {
    settings: LatencySpike,
    events_named: usize,
    key: String,
    scratch: Vec<f32>,
    state: Subjects<Kind>,
}

#[derive(Default, Serialize, Deserialize)]
struct Kind {
    /// The recent ones, from `next` on the oldest.
    recent: Vec<f32>,
    next: usize,
    count: u64,
    p99_us: f64,
    fresh: u64,
    episode: Option<Episode>,
    last_at: Timestamp,
}

impl Detect {
    pub(crate) fn new(settings: &LatencySpike, events_named: usize) -> Detect {
        let (key, scratch, state) = (String::new(), Vec::new(), Subjects::default());
        Detect { settings: settings.clone(), events_named, key, scratch, state }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "latency_spike"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Some(latency_us) = seen.latency_us.filter(|latency| *latency >= 0.0) else { return };
        let Detect { settings, events_named, key, scratch, state } = self;
        let whose = if seen.endpoint.is_empty() { seen.strategy } else { seen.endpoint };
        join(key, whose, seen.event);
        let Some(kind) = state.of(key, Kind::default) else { return };
        kind.end_if_over(settings, key, seen.at, changes);
        let threshold = (settings.times_p99 * kind.p99_us).max(settings.at_least_us);
        if kind.count >= settings.samples && latency_us > threshold {
            kind.last_at = seen.at;
            match &mut kind.episode {
                Some(episode) => {
                    episode.add(seen.ts, seen.seq, *events_named);
                    episode.worst = episode.worst.max(latency_us);
                }
                None => {
                    let mut episode = Episode::new(seen.ts, seen.seq);
                    (episode.worst, episode.threshold) = (latency_us, threshold);
                    changes.begun(finding(settings, key, &episode));
                    kind.episode = Some(episode);
                }
            }
        }
        kind.add(latency_us, settings.recent.clamp(1, RECENT_MAX) as usize, settings.samples, scratch);
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        for (key, kind) in self.state.iter_mut() {
            kind.end_if_over(&self.settings, key, now, changes);
        }
    }

    fn rewind(&mut self) {
        self.state.iter_mut().for_each(|(_, kind)| kind.last_at = Timestamp::MIN);
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (key, kind) in self.state.iter_mut() {
            if let Some(episode) = kind.episode.take() {
                changes.ended(finding(&self.settings, key, &episode));
            }
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

impl Kind {
    fn add(&mut self, latency_us: f64, recent_max: usize, samples: u64, scratch: &mut Vec<f32>) {
        if self.recent.len() < recent_max {
            self.recent.push(latency_us as f32);
        } else {
            self.recent[self.next] = latency_us as f32;
            self.next = (self.next + 1) % recent_max;
        }
        self.count += 1;
        self.fresh += 1;
        if self.fresh >= REFRESH || self.count == samples {
            self.fresh = 0;
            scratch.clear();
            scratch.extend_from_slice(&self.recent);
            let rank = (scratch.len() * 99 / 100).min(scratch.len() - 1);
            let (_, p99, _) = scratch.select_nth_unstable_by(rank, f32::total_cmp);
            self.p99_us = f64::from(*p99);
        }
    }

    fn end_if_over(&mut self, settings: &LatencySpike, key: &str, now: Timestamp, changes: &mut Changes) {
        if now.nanos().saturating_sub(self.last_at.nanos()) > nanos(settings.join)
            && let Some(episode) = self.episode.take()
        {
            changes.ended(finding(settings, key, &episode));
        }
    }
}

fn finding(settings: &LatencySpike, key: &str, episode: &Episode) -> Finding {
    let (whose, event) = split(key);
    let whose = if whose.is_empty() { String::new() } else { format!(" of {whose}") };
    let (worst, threshold) = (episode.worst, episode.threshold);
    Finding {
        rule: "latency_spike".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: subject(&[("of", split(key).0), ("event", event)]),
        sentence: format!(
            "{event}{whose} took up to {worst:.0} us; all recent ones but one in a hundred took less than {:.0} us",
            threshold / settings.times_p99
        ),
        figures: vec![Figure::new("latency_us", worst, threshold)],
        events: episode.events.clone(),
    }
}
