//! The detectors on a stream of events: live, or as history is read.

use std::time::Duration;

use blotter_engine::event::{Day, Timestamp};
use blotter_engine::view::UnsealedEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::detector::{Detector, Order};
use super::finding::{Change, Changes};
use super::seen::Seen;
use super::settings::Settings;
use super::{
    clock_jump, dust, error_spike, latency_degradation, latency_spike, positions, rapid_orders,
    rejection_rate, repeated_rejections, sequence_gap, silence, slippage,
};
use crate::error::Result;

/// Time of the stream between two looks at what has to end or has stopped.
const TICK_NS: i64 = 100_000_000;

/// An event further ahead than this is one of a clock that leaps, until others agree with it.
const LEAP_NS: i64 = 60_000_000_000;
/// Events in a row that have to agree with a leap ahead, and back.
const AGREEING_AHEAD: u32 = 16;
const AGREEING_BACK: u32 = 1_000;

/// Every detector that is enabled, on one stream of events in the order of recording.
///
/// ```
/// use blotter_engine::{Db, RecorderOptions, view::FollowFrom, event::Seq};
/// use blotter_query::desk::detect::{Detectors, Settings};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("desk.blotter");
/// let db = Db::open(&path)?;
/// let mut recorder = db.recorder(RecorderOptions::new().service("gateway"))?;
/// for _ in 0..20 {
///     recorder.error("api_error").field("endpoint", "/orders").emit();
/// }
/// db.flush()?;
/// let mut detectors = Detectors::new(&Settings::default());
/// let mut follower = blotter_engine::Reader::open(&path)?.follow(FollowFrom::Seq(Seq(0)))?;
/// follower.each(std::time::Duration::ZERO, &mut |event| {
///     detectors.observe(event).expect("the event is not damaged");
///     Ok(())
/// })?;
/// let found = detectors.take();
/// assert_eq!(found[0].finding.rule, "error_spike");
/// # Ok(()) }
/// ```
pub struct Detectors {
    detectors: Vec<Box<dyn Detector>>,
    settings: Settings,
    changes: Changes,
    clock: Clock,
    next_tick_ns: i64,
}

/// The time of the stream: that of its latest event, and on from there by the clock of whoever watches.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Clock {
    now: Timestamp,
    /// What the clock of whoever watches said by then.
    wall_then: Timestamp,
    wall: Timestamp,
    agreeing_ahead: u32,
    agreeing_back: u32,
}

impl Clock {
    /// The time as windows count it of an event, and whether all time has gone back.
    #[inline]
    fn at(&mut self, ts: Timestamp) -> (Timestamp, bool) {
        if self.now == Timestamp::MIN {
            (self.now, self.wall_then) = (ts, self.wall);
            return (ts, false);
        }
        let passed_ns = self.wall.nanos().saturating_sub(self.wall_then.nanos()).max(0);
        let ahead_ns = ts.nanos().saturating_sub(self.now.nanos());
        if ahead_ns > passed_ns.saturating_add(LEAP_NS) {
            self.agreeing_ahead += 1;
            if self.agreeing_ahead < AGREEING_AHEAD {
                return (self.now, false);
            }
        }
        self.agreeing_ahead = 0;
        if ahead_ns < -LEAP_NS {
            self.agreeing_back += 1;
            if self.agreeing_back >= AGREEING_BACK {
                (self.now, self.wall_then, self.agreeing_back) = (ts, self.wall, 0);
                return (ts, true);
            }
            return (ts, false);
        }
        self.agreeing_back = 0;
        if ahead_ns >= 0 {
            (self.now, self.wall_then) = (ts, self.wall);
        }
        (ts, false)
    }

    /// What time it is in the stream if nothing has come since.
    fn idle(&self) -> Timestamp {
        let passed_ns = self.wall.nanos().saturating_sub(self.wall_then.nanos()).max(0);
        Timestamp(self.now.nanos().saturating_add(passed_ns))
    }
}

impl Detectors {
    /// The detectors that the settings enable, for a live stream.
    pub fn new(settings: &Settings) -> Detectors {
        Detectors::in_order(settings, None, &[], Timestamp::MAX)
    }

    /// Those that are shown history in an order; all of them if none is given.
    pub(super) fn in_order(
        settings: &Settings,
        order: Option<Order>,
        deleted: &[Day],
        wall: Timestamp,
    ) -> Detectors {
        let named = settings.events_named;
        let mut detectors: Vec<Box<dyn Detector>> = Vec::new();
        macro_rules! add {
            ($($table:ident => $detector:expr;)*) => {
                $(if settings.$table.enabled {
                    let detector = $detector;
                    if order.is_none_or(|order| order == detector.order()) {
                        detectors.push(Box::new(detector));
                    }
                })*
            };
        }
        add! {
            rapid_orders => rapid_orders::Detect::new(&settings.rapid_orders, named);
            repeated_rejections => repeated_rejections::Detect::new(&settings.repeated_rejections, named);
            rejection_rate => rejection_rate::Detect::new(&settings.rejection_rate, named);
            position_discrepancy => positions::Detect::new(&settings.position_discrepancy);
            dust => dust::Detect::new(&settings.dust);
            unusual_slippage => slippage::Detect::new(&settings.unusual_slippage);
            latency_degradation => latency_degradation::Detect::new(&settings.latency_degradation, named);
            latency_spike => latency_spike::Detect::new(&settings.latency_spike, named);
            error_spike => error_spike::Detect::new(&settings.error_spike, named);
            silence => silence::Detect::new(&settings.silence);
            sequence_gap => sequence_gap::Detect::new(&settings.sequence_gap, named).with_deleted(deleted);
            clock_jump => clock_jump::Detect::new(&settings.clock_jump, named, wall);
        }
        let clock = Clock { now: Timestamp::MIN, wall_then: wall, wall, agreeing_ahead: 0, agreeing_back: 0 };
        let settings = settings.clone();
        Detectors { detectors, settings, changes: Changes::default(), clock, next_tick_ns: i64::MIN }
    }

    /// Looks at an event. Those that tell of alerts are counted, and not looked at: no alert calls forth another.
    ///
    /// # Errors
    /// Damage to the event.
    pub fn observe(&mut self, event: &UnsealedEvent<'_>) -> Result<()> {
        let mut seen = Seen::of(event)?;
        if seen.is_alert() {
            let in_order = self.detectors.iter_mut().filter(|one| one.order() == Order::Recording);
            in_order.for_each(|detector| detector.observe(&seen, &mut self.changes));
            return Ok(());
        }
        let (at, has_gone_back) = self.clock.at(seen.ts);
        if has_gone_back {
            self.detectors.iter_mut().for_each(|detector| detector.rewind());
            self.next_tick_ns = i64::MIN;
        }
        seen.at = at;
        for detector in &mut self.detectors {
            detector.observe(&seen, &mut self.changes);
        }
        if self.clock.now.nanos() >= self.next_tick_ns {
            self.pass(self.clock.now);
        }
        Ok(())
    }

    /// An event of history, which comes in order of time, and as long after the one before as it says.
    pub(super) fn follow_history(&mut self, ts: Timestamp) {
        if self.clock.now == Timestamp::MIN {
            self.clock.wall_then = ts;
        }
        self.clock.wall = self.clock.wall_then.max(ts);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.detectors.is_empty()
    }

    /// Categories that are looked at; all if not given.
    pub(super) fn categories(&self) -> Option<Vec<blotter_engine::event::Category>> {
        let names: Vec<&'static str> = self.detectors.iter().map(|detector| detector.name()).collect();
        super::history::categories_of(&names)
    }

    /// What the clock of whoever watches says; before events that have come by then are looked at.
    pub fn set_wall(&mut self, wall: Timestamp) {
        self.clock.wall = wall;
        self.detectors.iter_mut().for_each(|detector| detector.set_wall(wall));
    }

    /// No event has come: time passes all the same. For a live stream that is read to its end.
    pub fn tick(&mut self, wall: Timestamp) {
        self.set_wall(wall);
        let now = self.clock.idle();
        if self.clock.now != Timestamp::MIN && now.nanos() >= self.next_tick_ns {
            self.pass(now);
        }
    }

    fn pass(&mut self, now: Timestamp) {
        self.next_tick_ns = now.nanos().saturating_add(TICK_NS);
        for detector in &mut self.detectors {
            detector.tick(now, &mut self.changes);
        }
    }

    /// The time of the stream; `None` before the first event.
    pub fn now(&self) -> Option<Timestamp> {
        (self.clock.now != Timestamp::MIN).then(|| self.clock.idle())
    }

    /// There is no more: whatever has begun is over.
    pub fn finish(&mut self) {
        let now = self.clock.now;
        for detector in &mut self.detectors {
            detector.finish(now, &mut self.changes);
        }
    }

    /// What has been found since this was last called, in order.
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes.0)
    }

    /// Whether there is anything to take.
    pub fn has_changes(&self) -> bool {
        !self.changes.0.is_empty()
    }

    /// What could not be looked at.
    pub fn notes(&self) -> Vec<String> {
        let counts = self.detectors.iter().map(|detector| (detector.name(), detector.overlooked()));
        let note = |(name, events): (&str, u64)| {
            format!(
                "{name} follows {} subjects, and overlooked {events} events of others",
                super::SUBJECTS_MAX
            )
        };
        counts.filter(|(_, events)| *events > 0).map(note).collect()
    }

    /// What is known by now, to go on from later; see [`Detectors::restore`].
    pub fn save(&self) -> Value {
        let mut saved = Map::new();
        let clock = serde_json::to_value(self.clock).expect("a clock is numbers");
        saved.insert("clock".to_owned(), clock);
        for detector in &self.detectors {
            saved.insert(detector.name().to_owned(), detector.save());
        }
        saved.insert("settings".to_owned(), Value::from(self.settings.to_toml()));
        Value::Object(saved)
    }

    /// Goes on from what was saved with the same settings, at the event after. Says what begins anew.
    pub fn restore(&mut self, saved: Value) -> Vec<String> {
        let anew = |why: &str| vec![format!("the detectors begin anew: {why}")];
        let Value::Object(mut saved) = saved else { return anew("what was saved is none of theirs") };
        if saved.get("settings").and_then(Value::as_str) != Some(&self.settings.to_toml()) {
            return anew("their settings have changed");
        }
        match saved.remove("clock").map(serde_json::from_value) {
            Some(Ok(clock)) => self.clock = clock,
            _ => return anew("what was saved has no clock"),
        }
        let mut notes = Vec::new();
        for detector in &mut self.detectors {
            let restored = match saved.remove(detector.name()) {
                Some(state) => detector.restore(state).map_err(|error| error.to_string()),
                None => Err("nothing of it was saved".to_owned()),
            };
            if let Err(reason) = restored {
                notes.push(format!("{} begins anew: {reason}", detector.name()));
            }
        }
        notes
    }

    /// Longest time between two calls of [`Detectors::tick`] that keeps what is found in time.
    pub const TICK: Duration = Duration::from_nanos(TICK_NS as u64);
}
