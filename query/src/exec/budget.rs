//! What a query may take: time, memory, and the patience of whoever asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, QueryError, Result};

/// Cancels queries: give a clone to the query's options, keep one, call [`Cancel::cancel`] from any thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Stops every query that has this token, within milliseconds.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets queries run again.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module. Shared by all threads of one query.
#[derive(Debug)]
pub(crate) struct Budget {
    cancel: Cancel,
    started: Instant,
    timeout: Option<Duration>,
    memory_bytes_max: usize,
    memory_bytes: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(cancel: Cancel, timeout: Option<Duration>, memory_bytes_max: usize) -> Budget {
        Budget {
            cancel,
            started: Instant::now(),
            timeout,
            memory_bytes_max,
            memory_bytes: AtomicUsize::new(0),
        }
    }

    /// Whether the query may go on. Costs a clock read: call it once per block, or every few hundred rows.
    ///
    /// # Errors
    /// Cancelled, or out of time.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(QueryError::new(ErrorKind::Cancelled, "the query was cancelled"));
        }
        match self.timeout {
            Some(timeout) if self.started.elapsed() > timeout => {
                let message = format!("the query took longer than {timeout:?}");
                let hint = "narrow it by time or category, or allow more time";
                Err(QueryError::new(ErrorKind::Timeout, message).with_hint(hint))
            }
            _ => Ok(()),
        }
    }

    /// Takes memory, which whoever takes it gives back with [`Budget::release`] if the query goes on without it.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn take(&self, bytes: usize) -> Result<()> {
        let taken = self.memory_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken <= self.memory_bytes_max {
            return Ok(());
        }
        let allowed = self.memory_bytes_max as f64 / (1 << 20) as f64;
        let message = format!("the query needs more than {allowed:.1} MiB of memory");
        let hint =
            "narrow it by time or category, keep fewer fields, put a limit after sort, or allow more memory";
        Err(QueryError::new(ErrorKind::Limit, message).with_hint(hint))
    }

    /// Gives memory back.
    pub(crate) fn release(&self, bytes: usize) {
        self.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Time since the query began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
