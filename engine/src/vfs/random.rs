//! Randomness for identities: database ids, ring names. Not for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Clock, Random, WallClock};

/// Randomness of the operating system, through the keys of the standard hasher.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsRandom;

impl Random for OsRandom {
    fn next_u64(&self) -> u64 {
        // The standard library draws the keys from the system once per thread. A forked child inherits
        // them, so what differs there (process, time) is hashed under them, and a count so that two
        // calls within one clock tick differ.
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.write_i64(WallClock.now_ns());
        hasher.write_u64(CALLS.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_use_all_bits() {
        let draws: std::collections::BTreeSet<u64> = (0..1000).map(|_| OsRandom.next_u64()).collect();
        assert_eq!(draws.len(), 1000);
        assert_eq!(draws.iter().fold(0, |seen, draw| seen | draw), u64::MAX);
        assert_eq!(draws.iter().fold(u64::MAX, |seen, draw| seen & draw), 0);
    }
}
