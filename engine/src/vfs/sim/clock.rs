//! Time and randomness of the simulation.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::vfs::{Clock, Random};

/// A clock that stands where it is put and moves one microsecond with each look at it, so that two
/// events seldom have the same time and a loop that waits for time to pass ends.
#[derive(Debug)]
pub struct SimClock {
    now_ns: AtomicI64,
}

const TICK_NS: i64 = 1_000;

impl Default for SimClock {
    /// Starts at 2026-01-02T14:30:00Z, a Friday's opening bell.
    fn default() -> SimClock {
        SimClock { now_ns: AtomicI64::new(1_767_364_200_000_000_000) }
    }
}

impl SimClock {
    /// Puts it to a time, also backwards.
    pub fn set(&self, now_ns: i64) {
        self.now_ns.store(now_ns, Ordering::SeqCst);
    }

    /// Moves it.
    pub fn advance(&self, by_ns: i64) {
        self.now_ns.fetch_add(by_ns, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_ns(&self) -> i64 {
        self.now_ns.fetch_add(TICK_NS, Ordering::SeqCst)
    }
}

/// A small seeded generator (SplitMix64) for tests and simulations.
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// A generator of that seed.
    pub fn new(seed: u64) -> Prng {
        Prng(seed)
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below zero");
        self.next_u64() % bound
    }

    /// True once in `of` draws.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// Mixes bits so that neighbours differ everywhere.
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// [`Prng`] behind a lock.
#[derive(Debug)]
pub(super) struct SimRandom(Mutex<Prng>);

impl SimRandom {
    pub(super) fn new(seed: u64) -> SimRandom {
        SimRandom(Mutex::new(Prng::new(mix(seed))))
    }
}

impl Random for SimRandom {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}
