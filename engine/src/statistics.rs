//! How recording goes, in numbers.

use crate::catalog::ledger::JobRecord;
use crate::event::{ProducerId, Seq};
use crate::ring::Ring;
use crate::wal::SyncStatistics;

/// One recorder's ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RingStatistics {
    /// Whose it is.
    pub producer: ProducerId,
    /// Share of it that waits to be written, 0 to 1.
    pub fill: f64,
    /// Events accepted.
    pub emitted: u64,
    /// Events that found no room.
    pub dropped: u64,
    /// Events over a limit.
    pub refused: u64,
}

impl RingStatistics {
    pub(crate) fn of(ring: &Ring) -> RingStatistics {
        let dropped = ring.dropped();
        RingStatistics {
            producer: ring.producer(),
            fill: ring.fill(),
            emitted: ring.next_pseq().saturating_sub(dropped),
            dropped,
            refused: ring.refused(),
        }
    }
}

/// A moment of an open database; see [`Db::statistics`](crate::Db::statistics).
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Events accepted since it was opened.
    pub emitted: u64,
    /// Events that found no room since it was opened.
    pub dropped: u64,
    /// Events over a limit since it was opened.
    pub refused: u64,
    /// The rings in use.
    pub rings: Vec<RingStatistics>,
    /// Whether the rings outlive the process. If not, what is in them dies with it.
    pub rings_survive_process: bool,
    /// The seq that the next event gets.
    pub next_seq: Seq,
    /// Events in the WAL.
    pub unsealed_events: u64,
    /// WAL files, the one being written included.
    pub unsealed_files: u64,
    /// Bytes written to the WAL and not yet durable.
    pub not_durable_bytes: u64,
    /// Syncs of the WAL.
    pub sync: SyncStatistics,
    /// Sealed segments.
    pub segments: u64,
    /// Bytes of them.
    pub segment_bytes: u64,
    /// Events in them.
    pub sealed_events: u64,
    /// Why the last write failed, if it did.
    pub write_error: Option<String>,
    /// Why the last seal failed, if it did.
    pub seal_error: Option<String>,
    /// Why the last look at what is to be maintained, or at what other processes ask for, failed, if it did; or what of
    /// it made no sense.
    pub maintenance_error: Option<String>,
    /// The last maintenance run, with what it could not do.
    pub maintenance: Option<JobRecord>,
}

impl Statistics {
    /// Dropped events as a share of all, 0 to 1.
    pub fn drop_rate(&self) -> f64 {
        let all = self.emitted + self.dropped;
        if all == 0 { 0.0 } else { self.dropped as f64 / all as f64 }
    }
}
