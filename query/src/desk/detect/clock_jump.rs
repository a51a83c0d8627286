//! A clock that goes back, or is ahead.
//!
//! A recorder writes its events in the order in which they happened, so one that lies more than `back` before an
//! earlier one of the same recorder has another clock. One that lies more than `ahead` in the future has one that is
//! ahead, or was so: in history the future begins when the detector is run.

use std::collections::BTreeMap;

use blotter_engine::event::Timestamp;
use serde::{Deserialize, Serialize};

use super::detector::{Detector, Order, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::ClockJump;
use super::toml_values::nanos;

/// Recorders that are followed.
const PRODUCERS_MAX: usize = 10_000;

pub(crate) struct Detect {
    settings: ClockJump,
    events_named: usize,
    /// What the clock of whoever watches says.
    wall: Timestamp,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    producers: BTreeMap<u32, Producer>,
    overlooked: u64,
}

#[derive(Serialize, Deserialize)]
struct Producer {
    latest: Timestamp,
    back: Option<Episode>,
    ahead: Option<Episode>,
}

impl Detect {
    pub(crate) fn new(settings: &ClockJump, events_named: usize, wall: Timestamp) -> Detect {
        Detect { settings: settings.clone(), events_named, wall, state: State::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "clock_jump"
    }

    fn order(&self) -> Order {
        Order::Recording
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Detect { settings, events_named, wall, state } = self;
        let number = seen.producer.0;
        if !state.producers.contains_key(&number) && state.producers.len() >= PRODUCERS_MAX {
            state.overlooked += 1;
            return;
        }
        let first = || Producer { latest: seen.ts, back: None, ahead: None };
        let producer = state.producers.entry(number).or_insert_with(first);
        let back_ns = producer.latest.nanos().saturating_sub(seen.ts.nanos());
        let ahead_ns = seen.ts.nanos().saturating_sub(wall.nanos());
        producer.latest = producer.latest.max(seen.ts);
        let judged = [
            (&mut producer.back, "back", back_ns, settings.back),
            (&mut producer.ahead, "ahead", ahead_ns, settings.ahead),
        ];
        for (episode, way, by_ns, limit) in judged {
            let is_off = by_ns > nanos(limit);
            match episode {
                Some(known) if is_off => {
                    known.add(seen.ts, seen.seq, *events_named);
                    known.worst = known.worst.max(by_ns as f64);
                }
                Some(_) => {
                    let known = episode.take().expect("it is there");
                    changes.ended(finding(settings, number, way, &known));
                }
                None if is_off => {
                    let mut known = Episode::new(seen.ts, seen.seq);
                    (known.worst, known.threshold) = (by_ns as f64, nanos(limit) as f64);
                    changes.begun(finding(settings, number, way, &known));
                    *episode = Some(known);
                }
                None => {}
            }
        }
    }

    fn set_wall(&mut self, wall: Timestamp) {
        self.wall = wall;
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        for (number, producer) in &mut self.state.producers {
            for (episode, way) in [(&mut producer.back, "back"), (&mut producer.ahead, "ahead")] {
                if let Some(known) = episode.take() {
                    changes.ended(finding(&self.settings, *number, way, &known));
                }
            }
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

fn finding(settings: &ClockJump, number: u32, way: &str, episode: &Episode) -> Finding {
    let by = crate::time::duration::Printed(episode.worst as i64).to_string();
    let how = if way == "back" { "went back" } else { "is ahead" };
    Finding {
        rule: "clock_jump".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: vec![("producer".into(), number.to_string()), ("way".into(), way.to_owned())],
        sentence: format!(
            "the clock of recorder {number} {how} by up to {by}, for {} events",
            episode.events.count
        ),
        figures: vec![Figure::new("seconds", episode.worst / 1e9, episode.threshold / 1e9)],
        events: episode.events.clone(),
    }
}
