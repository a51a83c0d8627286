//! A strategy, a feed or the whole recording that has stopped.
//!
//! A feed is the market data of one symbol. It, or a strategy, is silent when no event of it has come for longer than a
//! least time, than `times_usual` times its mean gap, and than `times_longest` times the longest gap of late. That time
//! passes only while the recording as a whole goes on: a night without any events makes nobody silent. Whether the
//! recording itself has stopped only a clock can tell, so that is found by a live watch alone.

use blotter_engine::event::{Category, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::finding::{Changes, Figure, Finding, NamedEvents};
use super::seen::Seen;
use super::settings::Silence;
use super::subjects::{Subjects, subject};
use super::toml_values::nanos;

/// Weight of the latest gap in the mean.
const WEIGHT: f64 = 1.0 / 256.0;
/// How long the longest gap is remembered: this, and up to twice as long.
const EPOCH_NS: i64 = 30 * 60 * 1_000_000_000;
/// A pause of the recording that counts as time in any case: less than any silence.
const PAUSE_MIN_NS: i64 = 100_000_000;

pub(crate) struct Detect {
    settings: Silence,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Time that has passed while the recording went on, in nanoseconds.
    active_ns: i64,
    recording: Option<Voice>,
    strategies: Subjects<Voice>,
    feeds: Subjects<Voice>,
}

/// What is heard now and then.
#[derive(Serialize, Deserialize)]
struct Voice {
    last_ts: Timestamp,
    last_seq: Seq,
    /// When it was last heard, in active time; for the recording itself in its own.
    last_ns: i64,
    events: u64,
    mean_ns: f64,
    longest_ns: [i64; 2],
    epoch_ns: i64,
    is_silent: bool,
}

impl Voice {
    fn new(seen: &Seen<'_>, now_ns: i64) -> Voice {
        Voice {
            last_ts: seen.at,
            last_seq: seen.seq,
            last_ns: now_ns,
            events: 0,
            mean_ns: 0.0,
            longest_ns: [0; 2],
            epoch_ns: now_ns,
            is_silent: false,
        }
    }

    /// Hears it. A silence that was told of is not what is usual.
    #[inline]
    fn hear(&mut self, seen: &Seen<'_>, now_ns: i64, gap_ns_max: i64) {
        let is_usual = self.last_ns != i64::MAX;
        let gap_ns = now_ns.saturating_sub(self.last_ns).clamp(0, gap_ns_max);
        if is_usual && self.events > 0 {
            // The first ones make a plain mean.
            let weight = WEIGHT.max(1.0 / self.events as f64);
            self.mean_ns += weight * (gap_ns as f64 - self.mean_ns);
            if now_ns - self.epoch_ns > EPOCH_NS {
                (self.epoch_ns, self.longest_ns) = (now_ns, [0, self.longest_ns[0]]);
            }
            self.longest_ns[0] = self.longest_ns[0].max(gap_ns);
        }
        self.events += 1;
        (self.last_ns, self.last_seq) = (now_ns, seen.seq);
        self.last_ts = self.last_ts.max(seen.at);
    }

    /// The gap from which on it is silent; `None` while it is not known.
    fn threshold_ns(&self, settings: &Silence, at_least_ns: i64) -> Option<i64> {
        let longest_ns = self.longest_ns[0].max(self.longest_ns[1]) as f64;
        let usual = (settings.times_usual * self.mean_ns).max(settings.times_longest * longest_ns);
        (self.events > settings.events).then_some((usual as i64).max(at_least_ns))
    }
}

impl Detect {
    pub(crate) fn new(settings: &Silence) -> Detect {
        Detect { settings: settings.clone(), state: State::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "silence"
    }

    #[inline]
    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Detect { settings, state } = self;
        let at_ns = seen.at.nanos();
        let recording = state.recording.get_or_insert_with(|| Voice::new(seen, at_ns));
        let step_ns = at_ns.saturating_sub(recording.last_ns);
        let pause_ns = ((settings.times_usual * recording.mean_ns) as i64).max(PAUSE_MIN_NS);
        state.active_ns += step_ns.clamp(0, pause_ns);
        let threshold_ns = nanos(settings.recording_at_least);
        end("", "the recording", recording, seen.at, settings, threshold_ns, changes);
        recording.hear(seen, at_ns.max(recording.last_ts.nanos()), pause_ns);
        let now_ns = state.active_ns;
        if seen.category == Category::MARKET_DATA {
            if let Some(feed) = state.feeds.of(seen.symbol, || Voice::new(seen, now_ns)) {
                end("symbol", seen.symbol, feed, seen.at, settings, nanos(settings.feed_at_least), changes);
                feed.hear(seen, now_ns, i64::MAX);
            }
        } else if !seen.strategy.is_empty()
            && let Some(strategy) = state.strategies.of(seen.strategy, || Voice::new(seen, now_ns))
        {
            let at_least_ns = nanos(settings.strategy_at_least);
            end("strategy", seen.strategy, strategy, seen.at, settings, at_least_ns, changes);
            strategy.hear(seen, now_ns, i64::MAX);
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        let Detect { settings, state } = self;
        let active_ns = state.active_ns;
        let kinds = [
            ("symbol", &mut state.feeds, nanos(settings.feed_at_least)),
            ("strategy", &mut state.strategies, nanos(settings.strategy_at_least)),
        ];
        for (kind, voices, at_least_ns) in kinds {
            for (name, voice) in voices.iter_mut() {
                let gap_ns = active_ns - voice.last_ns;
                begin(kind, name, voice, gap_ns, now, settings, at_least_ns, changes);
            }
        }
        if let Some(recording) = &mut state.recording {
            let gap_ns = now.nanos() - recording.last_ns;
            let at_least_ns = nanos(settings.recording_at_least);
            begin("", "the recording", recording, gap_ns, now, settings, at_least_ns, changes);
        }
    }

    fn rewind(&mut self) {
        self.state = State::default();
    }

    fn finish(&mut self, now: Timestamp, changes: &mut Changes) {
        let Detect { settings, state } = self;
        let kinds = [
            ("symbol", &mut state.feeds, nanos(settings.feed_at_least)),
            ("strategy", &mut state.strategies, nanos(settings.strategy_at_least)),
        ];
        for (kind, voices, at_least_ns) in kinds {
            for (name, voice) in voices.iter_mut() {
                end(kind, name, voice, now, settings, at_least_ns, changes);
            }
        }
        if let Some(recording) = &mut state.recording {
            let at_least_ns = nanos(settings.recording_at_least);
            end("", "the recording", recording, now, settings, at_least_ns, changes);
        }
    }

    fn overlooked(&self) -> u64 {
        self.state.strategies.overlooked + self.state.feeds.overlooked
    }

    saved_state!();
}

#[expect(clippy::too_many_arguments, reason = "who, how long, and what is held against it")]
fn begin(
    kind: &'static str,
    name: &str,
    voice: &mut Voice,
    gap_ns: i64,
    now: Timestamp,
    settings: &Silence,
    at_least_ns: i64,
    changes: &mut Changes,
) {
    let is_silent = voice.threshold_ns(settings, at_least_ns).is_some_and(|threshold| gap_ns > threshold);
    if is_silent && !voice.is_silent {
        voice.is_silent = true;
        changes.begun(finding(kind, name, voice, now, settings, at_least_ns));
    }
}

#[inline]
fn end(
    kind: &'static str,
    name: &str,
    voice: &mut Voice,
    now: Timestamp,
    settings: &Silence,
    at_least_ns: i64,
    changes: &mut Changes,
) {
    if voice.is_silent {
        changes.ended(finding(kind, name, voice, now, settings, at_least_ns));
        // The silence is not learnt as a usual gap: the next event is heard as if it had come at once.
        voice.last_ns = i64::MAX;
        voice.is_silent = false;
    }
}

fn finding(
    kind: &'static str,
    name: &str,
    voice: &Voice,
    now: Timestamp,
    settings: &Silence,
    at_least_ns: i64,
) -> Finding {
    let gap_ns = now.nanos().saturating_sub(voice.last_ts.nanos()).max(0);
    let threshold_ns = voice.threshold_ns(settings, at_least_ns).unwrap_or(at_least_ns);
    let printed = |ns: i64| crate::time::duration::Printed(ns / 1_000_000 * 1_000_000).to_string();
    let what = match kind {
        "symbol" => format!("no market data of {name}"),
        "strategy" => format!("no event of {name}"),
        _ => "no event at all".to_owned(),
    };
    let usual = crate::time::duration::Printed((voice.mean_ns as i64).max(1)).to_string();
    Finding {
        rule: "silence".to_owned(),
        level: settings.level,
        first_ts: voice.last_ts,
        last_ts: now.max(voice.last_ts),
        subject: if kind.is_empty() { Vec::new() } else { subject(&[(kind, name)]) },
        sentence: format!("{what} for {}; {usual} are usual", printed(gap_ns)),
        figures: vec![
            Figure::new("gap_seconds", gap_ns as f64 / 1e9, threshold_ns as f64 / 1e9),
            Figure::told("gap_mean_seconds", voice.mean_ns / 1e9),
        ],
        events: NamedEvents::one(voice.last_seq),
    }
}
