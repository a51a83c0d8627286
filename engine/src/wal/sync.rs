//! Group sync: whoever needs durability first syncs for all who wrote before; the others wait for it.
//!
//! A position is bytes appended since the database was opened, over all files. A failed sync is final
//! (the kernel may have dropped the dirty pages and would report the next sync as good).

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::vfs::{Stopwatch, VfsFile};
use crate::wal::AppendPosition;

/// Durations of syncs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncStatistics {
    /// Syncs done.
    pub count: u64,
    /// Time in them together, in nanoseconds.
    pub total_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
}

#[derive(Debug)]
struct State {
    /// The file being appended to, and its path for errors.
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    written: AppendPosition,
    durable: AppendPosition,
    syncing: bool,
    failed: Option<(PathBuf, String)>,
    statistics: SyncStatistics,
}

/// See the module.
#[derive(Debug)]
pub struct GroupSync {
    state: Mutex<State>,
    changed: Condvar,
}

impl GroupSync {
    /// For appends to `file` from `position` on, before which everything is durable.
    pub(crate) fn new(file: Arc<dyn VfsFile>, path: PathBuf, position: AppendPosition) -> GroupSync {
        let state = State {
            file,
            path,
            written: position,
            durable: position,
            syncing: false,
            failed: None,
            statistics: SyncStatistics::default(),
        };
        GroupSync { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Says that everything before `position` has been written.
    pub(crate) fn written(&self, position: AppendPosition) {
        self.lock().written = position;
    }

    /// Goes on with another file, durable up to `position`, as everything in the one before must be.
    pub(crate) fn switch(&self, file: Arc<dyn VfsFile>, path: PathBuf, position: AppendPosition) {
        let mut state = self.lock();
        assert!(state.durable == state.written && !state.syncing, "a file is finished only when durable");
        state.file = file;
        state.path = path;
        state.written = position;
        state.durable = position;
    }

    /// Position up to which everything is written.
    pub fn written_position(&self) -> AppendPosition {
        self.lock().written
    }

    /// Position up to which everything is durable.
    pub fn durable_position(&self) -> AppendPosition {
        self.lock().durable
    }

    /// How the syncs went.
    pub fn statistics(&self) -> SyncStatistics {
        self.lock().statistics
    }

    /// The failure that ended recording, if there was one.
    ///
    /// # Errors
    /// [`Error::SyncFailed`].
    pub fn check(&self) -> Result<()> {
        self.lock().check()
    }

    /// Returns once everything before `position` is durable. `position` must have been written.
    ///
    /// # Errors
    /// [`Error::SyncFailed`], now and ever after, when a sync failed.
    pub fn sync_to(&self, position: AppendPosition) -> Result<()> {
        let mut state = self.lock();
        loop {
            if state.durable >= position {
                return Ok(());
            }
            state.check()?;
            if !state.syncing {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.syncing = true;
        let (file, target) = (Arc::clone(&state.file), state.written);
        drop(state);
        let started = Stopwatch::start();
        let outcome = file.sync_data();
        let took_ns = started.elapsed_ns();
        let mut state = self.lock();
        state.syncing = false;
        state.statistics.count += 1;
        state.statistics.total_ns += took_ns;
        state.statistics.max_ns = state.statistics.max_ns.max(took_ns);
        match outcome {
            Ok(()) => state.durable = target,
            Err(error) => state.failed = Some((state.path.clone(), error.to_string())),
        }
        self.changed.notify_all();
        state.check()?;
        assert!(state.durable >= position, "only written positions are waited for");
        Ok(())
    }
}

impl State {
    fn check(&self) -> Result<()> {
        match &self.failed {
            Some((path, reason)) => Err(Error::SyncFailed { path: path.clone(), reason: reason.clone() }),
            None => Ok(()),
        }
    }
}
