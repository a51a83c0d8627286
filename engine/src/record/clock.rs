//! Event time without a system call: the time-stamp counter, anchored to wall time again and again.
//!
//! An anchor is a pair (counter, wall time) taken at one instant. The writer renews it every
//! [`ANCHOR_INTERVAL_NS`]; recorders read it through a sequence lock and extrapolate with the calibrated
//! frequency. A calibration wrong by 10 parts per million drifts 1 us in that interval.
//! Counter reads cost 8 ns here, the system call 35 ns.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

use crate::vfs::Clock;

/// How often the anchor is renewed, in nanoseconds.
pub(crate) const ANCHOR_INTERVAL_NS: u64 = 100_000_000;

/// Steps back no further than this are noise between two anchors and are levelled out per recorder;
/// a larger one is the wall clock being set, and is followed.
const LEVELLED_NS: i64 = 1_000_000;

#[derive(Debug, Default)]
struct Anchor {
    /// Odd while being written.
    version: AtomicU64,
    counter: AtomicU64,
    wall_ns: AtomicI64,
}

/// Shared by all recorders of a database.
#[derive(Debug)]
pub(crate) struct EventClock {
    wall: Arc<dyn Clock>,
    /// `None`: the clock is simulated, ask it.
    counter: Option<quanta::Clock>,
    anchor: Anchor,
}

impl EventClock {
    pub(crate) fn new(wall: Arc<dyn Clock>) -> EventClock {
        let counter = wall.follows_machine().then(quanta::Clock::new);
        let clock = EventClock { wall, counter, anchor: Anchor::default() };
        clock.renew_anchor();
        clock
    }

    /// Takes a new anchor. Called by one thread at a time.
    pub(crate) fn renew_anchor(&self) {
        let Some(counter) = &self.counter else { return };
        // The tightest of a few brackets: an interrupt between the reads would shift wall time.
        let mut best = (u64::MAX, 0, 0);
        for _ in 0..4 {
            let before = counter.raw();
            let wall_ns = self.wall.now_ns();
            let after = counter.raw();
            let width = after.wrapping_sub(before);
            if width < best.0 {
                best = (width, before + width / 2, wall_ns);
            }
        }
        let version = self.anchor.version.load(Ordering::Relaxed);
        self.anchor.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        self.anchor.counter.store(best.1, Ordering::Relaxed);
        self.anchor.wall_ns.store(best.2, Ordering::Relaxed);
        self.anchor.version.store(version + 2, Ordering::Release);
    }

    /// One recorder's view of the clock.
    pub(crate) fn reading(&self) -> Reading {
        Reading { version: 0, counter: 0, wall_ns: 0, last_ns: i64::MIN }
    }
}

/// The anchor as one recorder last saw it, and its last time.
#[derive(Debug)]
pub(crate) struct Reading {
    version: u64,
    counter: u64,
    wall_ns: i64,
    last_ns: i64,
}

impl Reading {
    /// Now, in nanoseconds since the epoch; never back by less than a millisecond.
    #[inline]
    pub(crate) fn now_ns(&mut self, clock: &EventClock) -> i64 {
        let now = match &clock.counter {
            Some(counter) => {
                if clock.anchor.version.load(Ordering::Acquire) != self.version {
                    self.refresh(clock);
                }
                let raw = counter.raw();
                if raw >= self.counter {
                    self.wall_ns + counter.delta_as_nanos(self.counter, raw) as i64
                } else {
                    self.wall_ns - counter.delta_as_nanos(raw, self.counter) as i64
                }
            }
            None => clock.wall.now_ns(),
        };
        let now = if now < self.last_ns && self.last_ns - now < LEVELLED_NS { self.last_ns } else { now };
        self.last_ns = now;
        now
    }

    #[cold]
    fn refresh(&mut self, clock: &EventClock) {
        let anchor = &clock.anchor;
        loop {
            let version = anchor.version.load(Ordering::Acquire);
            let (counter, wall_ns) =
                (anchor.counter.load(Ordering::Relaxed), anchor.wall_ns.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && anchor.version.load(Ordering::Relaxed) == version {
                (self.version, self.counter, self.wall_ns) = (version, counter, wall_ns);
                return;
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::WallClock;

    #[test]
    fn the_counter_follows_wall_time() {
        let wall: Arc<dyn Clock> = Arc::new(WallClock);
        let clock = EventClock::new(Arc::clone(&wall));
        let mut reading = clock.reading();
        for _ in 0..20 {
            let (before, now, after) = (wall.now_ns(), reading.now_ns(&clock), wall.now_ns());
            // 100 us of slack: the machine may take this thread off its core between the reads.
            assert!(before - 100_000 <= now && now <= after + 100_000, "{before} <= {now} <= {after}");
            std::thread::sleep(std::time::Duration::from_millis(2));
            clock.renew_anchor();
        }
    }
}
