//! Wall time of the operating system.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Clock;

/// The system's wall clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct WallClock;

impl Clock for WallClock {
    fn follows_machine(&self) -> bool {
        true
    }

    fn now_ns(&self) -> i64 {
        // A clock outside 1677..2262 is clamped: recording must not stop because a clock is wrong.
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_past_2020_and_does_not_stand_still() {
        let start = WallClock.now_ns();
        assert!(start > 1_577_836_800_000_000_000);
        while WallClock.now_ns() == start {}
    }
}
