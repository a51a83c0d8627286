//! What a running query met: how much it looked at, for `explain`, and what it could not read.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use blotter_engine::Snapshot;

use crate::error::{ErrorKind, QueryError, Result};

/// A part of the database that a query could not read; its events are missing from the result.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadablePart {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// See the module. Shared by all threads of one query.
#[derive(Debug, Default)]
pub(crate) struct Report {
    counts: [AtomicU64; Count::ALL],
    unreadable: Mutex<Vec<UnreadablePart>>,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    /// Times the database was read from the beginning.
    Scans,
    /// Partitions left after time, category, level and index.
    PartitionsConsidered,
    /// Segments left after time, category, level and index.
    SegmentsConsidered,
    /// Of them, those whose columns can hold no match.
    SegmentsWithoutMatch,
    /// Of them, those answered from counts alone.
    SegmentsCounted,
    /// Lookups in the index of a segment.
    Lookups,
    /// Blocks whose columns were looked at.
    Blocks,
    /// Of them, those without a match by the bounds of their columns.
    BlocksExcluded,
    /// Rows of the other blocks.
    Rows,
    /// Unsealed events looked at.
    Records,
    /// Rows and events that matched.
    Matched,
}

impl Count {
    const ALL: usize = Count::Matched as usize + 1;
}

impl Report {
    /// Of a query on a snapshot, of which some parts may not even be listed.
    pub(crate) fn new(snapshot: &Snapshot) -> Report {
        let unlisted = snapshot.unreadable_parts().into_iter();
        let unreadable =
            unlisted.map(|part| UnreadablePart { path: part.path, reason: part.error.to_string() }).collect();
        Report { unreadable: Mutex::new(unreadable), ..Report::default() }
    }

    pub(crate) fn add(&self, count: Count, by: u64) {
        self.counts[count as usize].fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, count: Count) -> u64 {
        self.counts[count as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn segments_without_match(&self) {
        self.add(Count::SegmentsWithoutMatch, 1);
    }

    pub(crate) fn lookup(&self) {
        self.add(Count::Lookups, 1);
    }

    /// A block whose rows were looked at, or which was excluded by its bounds.
    pub(crate) fn block(&self, rows: usize, is_excluded: bool) {
        self.add(Count::Blocks, 1);
        match is_excluded {
            true => self.add(Count::BlocksExcluded, 1),
            false => self.add(Count::Rows, rows as u64),
        }
    }

    pub(crate) fn record(&self) {
        self.add(Count::Records, 1);
    }

    pub(crate) fn matched(&self, rows: usize) {
        self.add(Count::Matched, rows as u64);
    }

    /// Notes a file that could not be read, and lets the query go on with the rest.
    ///
    /// # Errors
    /// The error itself if it is not one of the database: those stop the query.
    pub(crate) fn unreadable(&self, path: PathBuf, error: QueryError) -> Result<()> {
        if error.kind() != ErrorKind::Database {
            return Err(error);
        }
        let part = UnreadablePart { path, reason: error.message().to_owned() };
        let mut parts = self.unreadable.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A query may come to the same file more than once.
        if !parts.contains(&part) {
            parts.push(part);
        }
        Ok(())
    }

    /// What could not be read so far.
    pub(crate) fn unreadable_parts(&self) -> Vec<UnreadablePart> {
        self.unreadable.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}
