//! What slows a job down to its share of the processor and the disk, and ends it when asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::segment::Pace;
use crate::vfs::Stopwatch;

/// Longest rest at once, so that a job ends soon after it was asked to.
const REST_MAX: Duration = Duration::from_millis(100);

/// How hard maintenance may work.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Effort {
    /// Share of the time that it works, above 0 up to 1; the rest of the time it sleeps.
    pub share: f64,
    /// Bytes per second read and written, at most; 0 is no limit.
    pub bytes_per_second: u64,
}

impl Effort {
    /// As much as there is.
    pub const FULL: Effort = Effort { share: 1.0, bytes_per_second: 0 };
    /// Beside an engine that trades: half of one processor, 64 MiB/s.
    pub const BESIDE_RECORDING: Effort = Effort { share: 0.5, bytes_per_second: 64 * 1024 * 1024 };
}

/// See the module.
pub(crate) struct Throttle<'s> {
    effort: Effort,
    stop: &'s AtomicBool,
    /// Since the last rest.
    working: Mutex<Working>,
}

struct Working {
    since: Stopwatch,
    bytes: u64,
}

impl<'s> Throttle<'s> {
    pub(crate) fn new(effort: Effort, stop: &'s AtomicBool) -> Throttle<'s> {
        Throttle { effort, stop, working: Mutex::new(Working { since: Stopwatch::start(), bytes: 0 }) }
    }

    /// An error if the job is to end.
    pub(crate) fn check(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }

    /// Rests for what was done since the last rest.
    pub(crate) fn rest(&self, bytes: u64) -> Result<()> {
        self.check()?;
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.bytes += bytes;
        let worked_ns = working.since.elapsed_ns();
        let for_processor = worked_ns as f64 * (1.0 / self.effort.share - 1.0);
        let for_disk = match self.effort.bytes_per_second {
            0 => 0.0,
            limit => working.bytes as f64 / limit as f64 * 1e9 - worked_ns as f64,
        };
        let mut left = Duration::from_nanos(for_processor.max(for_disk).max(0.0) as u64);
        // Rests of less than a millisecond cost more than they give; they add up to one.
        if left < Duration::from_millis(1) {
            return Ok(());
        }
        while !left.is_zero() {
            let rest = left.min(REST_MAX);
            std::thread::sleep(rest);
            left -= rest;
            self.check()?;
        }
        *working = Working { since: Stopwatch::start(), bytes: 0 };
        Ok(())
    }
}

impl Pace for Throttle<'_> {
    fn step(&self, _rows: usize, bytes: usize) -> Result<()> {
        self.rest(bytes as u64)
    }
}
