//! More errors than usual.
//!
//! Errors (category `error`, or level error or above) are counted in a sliding window and held against their usual
//! number in the time before. It is a finding from `errors` on, from `times_usual` times the usual number on, and if
//! chance does not explain it. Until three windows have passed nothing is usual yet: then it is one if errors are a
//! large share of all events. It is over when there are half as many as it began with.

use blotter_engine::event::Timestamp;
use serde::{Deserialize, Serialize};

use super::chance::count_beyond;
use super::detector::{Detector, saved_state};
use super::episode::{Episode, Recent};
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::ErrorSpike;
use super::toml_values::nanos;
use super::window::Window;

/// Parts of the window, and parts that the time before has at most.
const PARTS: i64 = 20;
const BASELINE_PARTS: i64 = 240;
/// Windows after which it is known what is usual.
const WINDOWS_MIN: f64 = 3.0;

pub(crate) struct Detect {
    settings: ErrorSpike,
    events_named: usize,
    state: State,
}

#[derive(Serialize, Deserialize)]
struct State {
    since: Option<Timestamp>,
    now: Timestamp,
    window: Window,
    /// The window and the time before.
    past: Window,
    recent: Recent,
    episode: Option<Episode>,
}

impl State {
    fn new(settings: &ErrorSpike) -> State {
        State {
            since: None,
            now: Timestamp::MIN,
            window: Window::new(settings.window, PARTS),
            past: Window::new(settings.baseline + settings.window, BASELINE_PARTS),
            recent: Recent::default(),
            episode: None,
        }
    }
}

impl Detect {
    pub(crate) fn new(settings: &ErrorSpike, events_named: usize) -> Detect {
        Detect { settings: settings.clone(), events_named, state: State::new(settings) }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "error_spike"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let (state, is_error) = (&mut self.state, seen.is_error());
        state.since.get_or_insert(seen.at);
        state.now = state.now.max(seen.at);
        state.window.add(seen.at, seen.seq, is_error, true);
        if !is_error {
            return;
        }
        state.past.add(seen.at, seen.seq, true, false);
        state.recent.add(seen.ts, seen.seq, self.events_named);
        if let Some(episode) = &mut state.episode {
            episode.add(seen.ts, seen.seq, self.events_named);
            episode.worst = episode.worst.max(state.window.found() as f64);
            return;
        }
        if state.window.found() < self.settings.errors {
            return;
        }
        let Some(usual) = state.excess(&self.settings) else { return };
        let count = state.window.found();
        let episode = state.recent.episode(state.window.first(), count, self.events_named);
        let mut episode = episode.expect("the error at hand is recent");
        (episode.worst, episode.threshold) = (count as f64, usual);
        changes.begun(finding(&self.settings, &episode));
        state.episode = Some(episode);
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        let state = &mut self.state;
        state.now = state.now.max(now);
        state.window.slide(now);
        state.past.slide(now);
        let found = state.window.found() as f64;
        if let Some(episode) = state.episode.take_if(|episode| {
            let began_with = (episode.threshold * self.settings.times_usual).max(self.settings.errors as f64);
            found < began_with / 2.0
        }) {
            changes.ended(finding(&self.settings, &episode));
        }
    }

    fn rewind(&mut self) {
        self.state = State::new(&self.settings);
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        if let Some(episode) = self.state.episode.take() {
            changes.ended(finding(&self.settings, &episode));
        }
    }

    saved_state!();
}

impl State {
    /// The usual number, if there are too many for it.
    fn excess(&mut self, settings: &ErrorSpike) -> Option<f64> {
        self.past.slide(self.now);
        let found = self.window.found() as f64;
        let since = self.since.map_or(0, Timestamp::nanos);
        let known_ns = (self.now.nanos() - since).min(nanos(settings.baseline)) as f64;
        let windows = known_ns / nanos(settings.window) as f64 - 1.0;
        if windows < WINDOWS_MIN {
            return (found >= settings.share_at_first * self.window.all() as f64).then_some(0.0);
        }
        // One more than there were: that none has come yet does not mean that none ever does.
        let before = self.past.found().saturating_sub(self.window.found()) as f64;
        let usual = (before + 1.0) / windows;
        let is_spike = found >= settings.times_usual * usual && self.window.found() >= count_beyond(usual);
        is_spike.then_some(usual)
    }
}

fn finding(settings: &ErrorSpike, episode: &Episode) -> Finding {
    let usual = match episode.threshold {
        0.0 => "and nothing is known of what is usual".to_owned(),
        usual => format!("usually {usual:.1}"),
    };
    Finding {
        rule: "error_spike".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject: Vec::new(),
        sentence: format!("{:.0} errors within {:?}, {usual}", episode.worst, settings.window),
        figures: vec![
            Figure::new(
                "errors",
                episode.worst,
                (episode.threshold * settings.times_usual).max(settings.errors as f64),
            ),
            Figure::told("errors_usual", episode.threshold),
        ],
        events: episode.events.clone(),
    }
}
