//! How a database is opened for writing. Every default is right for most, and says why.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::event::{Field, FieldKey, Level};
use crate::limits::{RING_BYTES_MAX, RING_BYTES_MIN};
use crate::maintain::{Effort, GRACE_DEFAULT, Maintenance, RetentionHook, Schedule};
use crate::record::Backpressure;
use crate::vfs::Host;

/// When recorded events are made durable. Whatever is chosen, an event that `emit` accepted survives the death
/// of the process (where rings do: [`Statistics::rings_survive_process`](crate::Statistics::rings_survive_process));
/// this is about power failures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// One sync for all events of an interval: a power failure costs at most about that much.
    Group {
        /// Time between syncs.
        interval: Duration,
    },
    /// A sync after every write. The smallest window, and the most work for the disk.
    Always,
    /// Whenever the operating system writes back (Linux: within 30 s), and when a WAL file is finished.
    Os,
}

/// Options of a database that is opened for writing.
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use blotter_engine::{Durability, Options};
/// use std::time::Duration;
/// let db = Options::new()
///     .durability(Durability::Group { interval: Duration::from_millis(2) })
///     .index("venue")
///     .open(dir.path().join("desk.blotter"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) durability: Durability,
    pub(crate) backpressure: Backpressure,
    pub(crate) ring_bytes: usize,
    pub(crate) wal_bytes_max: u64,
    pub(crate) wal_age_max: Duration,
    pub(crate) block_rows: u32,
    pub(crate) indexed: Vec<FieldKey>,
    pub(crate) level: Level,
    pub(crate) level_directive: Option<String>,
    pub(crate) create: bool,
    pub(crate) threads: bool,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) effort: Effort,
    pub(crate) grace: Duration,
    pub(crate) hook: Option<Hook>,
    pub(crate) merge_bytes_max: usize,
    /// Ends the job it does, and so gives up the lock, when an engine wants the database.
    pub(crate) yields: bool,
}

/// The application's hook, of which nothing can be printed.
#[derive(Clone)]
pub(crate) struct Hook(pub(crate) Arc<dyn RetentionHook>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

/// The environment variable that sets the least levels, e.g. `info,market_data=warn`.
pub const LEVEL_VARIABLE: &str = "BLOTTER_LEVEL";

impl Options {
    /// The defaults.
    pub fn new() -> Options {
        Options {
            durability: Durability::Group { interval: Duration::from_millis(5) },
            backpressure: Backpressure::Drop,
            ring_bytes: 4 * 1024 * 1024,
            wal_bytes_max: 32 * 1024 * 1024,
            wal_age_max: Duration::from_secs(600),
            block_rows: 4096,
            indexed: [Field::ORDER_ID, Field::CORRELATION_ID, Field::SYMBOL].map(FieldKey::Known).into(),
            level: Level::Trace,
            level_directive: None,
            create: true,
            threads: true,
            schedule: Some(Schedule::nightly()),
            effort: Effort::BESIDE_RECORDING,
            grace: GRACE_DEFAULT,
            hook: None,
            merge_bytes_max: Maintenance::BUILDER_BYTES_MAX,
            yields: false,
        }
    }

    /// When events are made durable. Default: every 5 ms, which costs the disk 200 small writes a second.
    pub fn durability(mut self, durability: Durability) -> Options {
        self.durability = durability;
        self
    }

    /// What recorders do when their ring is full. Default: drop, count, and record the loss.
    pub fn backpressure(mut self, backpressure: Backpressure) -> Options {
        self.backpressure = backpressure;
        self
    }

    /// Memory of each recorder's ring in bytes, 256 KiB to 1 GiB, rounded up to a power of two. Default: 4 MiB, which rides out a disk
    /// that stalls for 40 ms at a million events a second, or 200 ms at 200,000.
    pub fn ring_bytes(mut self, bytes: usize) -> Options {
        self.ring_bytes = bytes;
        self
    }

    /// Size in bytes at which a WAL file is finished and sealed, 64 KiB to 1 GiB. Default: 32 MiB, about 200,000
    /// events: sealing one takes up to three times as much memory, and larger segments compress little better.
    pub fn wal_bytes_max(mut self, bytes: u64) -> Options {
        self.wal_bytes_max = bytes;
        self
    }

    /// Age at which a WAL file is finished and sealed. Default: 10 minutes, so that a quiet day does not make
    /// thousands of small segments.
    pub fn wal_age_max(mut self, age: Duration) -> Options {
        self.wal_age_max = age;
        self
    }

    /// Rows of a segment's block, the unit of pruning; a multiple of 128. Default: 4,096.
    pub fn block_rows(mut self, rows: u32) -> Options {
        self.block_rows = rows;
        self
    }

    /// Indexes one more field, besides `order_id`, `correlation_id` and `symbol`. It holds for segments sealed
    /// from now on, by later opens too; older segments are scanned for it.
    pub fn index(mut self, field: impl Into<FieldKey>) -> Options {
        let field = field.into();
        if !self.indexed.contains(&field) {
            self.indexed.push(field);
        }
        self
    }

    /// The least level recorded, for all categories. Default: trace, everything. The environment variable
    /// `BLOTTER_LEVEL` is applied after it.
    pub fn level(mut self, minimum: Level) -> Options {
        self.level = minimum;
        self
    }

    /// Least levels by category, e.g. `info,market_data=warn`; see [`LevelFilter::apply`](crate::event::LevelFilter::apply).
    pub fn levels(mut self, directive: impl Into<String>) -> Options {
        self.level_directive = Some(directive.into());
        self
    }

    /// Whether a missing database is created. Default: yes.
    pub fn create(mut self, create: bool) -> Options {
        self.create = create;
        self
    }

    /// When maintenance runs by itself. Default: every day at 2:00 UTC. A run that was missed because no process had
    /// the database open is made up for a minute after the next open.
    pub fn maintenance(mut self, schedule: Schedule) -> Options {
        self.schedule = Some(schedule);
        self
    }

    /// Maintenance runs only when asked for: by [`Db::maintain`] or `blotter maintain`.
    pub fn without_maintenance(mut self) -> Options {
        self.schedule = None;
        self
    }

    /// How hard scheduled maintenance works. Default: [`Effort::BESIDE_RECORDING`].
    pub fn maintenance_effort(mut self, effort: Effort) -> Options {
        self.effort = effort;
        self
    }

    /// How long files of replaced and deleted segments stay for readers in other processes, which may have listed them
    /// and not opened them yet. Default: one minute.
    pub fn reader_grace(mut self, grace: Duration) -> Options {
        self.grace = grace;
        self
    }

    /// Is asked before a partition is deleted.
    pub fn retention_hook(mut self, hook: Arc<dyn RetentionHook>) -> Options {
        self.hook = Some(Hook(hook));
        self
    }

    /// Memory that a merge may take for what it builds, in bytes, 1 MiB to 4 GiB; a day of a category that needs more
    /// becomes several segments. Default: 128 MiB, about a million events.
    pub fn merge_bytes_max(mut self, bytes: usize) -> Options {
        self.merge_bytes_max = bytes;
        self
    }

    /// Without threads, recorded events move only when the caller flushes, syncs or seals. For simulation.
    #[doc(hidden)]
    pub fn without_threads(mut self) -> Options {
        self.threads = false;
        self
    }

    /// Opens the database in a directory for writing, creating it if it is missing.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process writes to it; [`Error::InvalidOption`] for an option or a
    /// `BLOTTER_LEVEL` that makes no sense; [`Error::NotADatabase`] for a directory of other things, or a missing
    /// one if it is not to be created; damage, foreign files, newer versions, IO errors.
    pub fn open(self, database: impl AsRef<Path>) -> Result<Db> {
        self.open_on(&Host::os(), database.as_ref())
    }

    /// Opens it on the given host.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open_on(self, host: &Host, database: &Path) -> Result<Db> {
        self.check()?;
        Db::open_with(host, database, &self)
    }

    fn check(&self) -> Result<()> {
        let refuse = |option, reason: String| Err(Error::InvalidOption { option, reason });
        check_ring_bytes(self.ring_bytes)?;
        if self.wal_bytes_max < 64 * 1024 || self.wal_bytes_max > 1 << 30 {
            return refuse("wal_bytes_max", format!("{} is not within 64 KiB to 1 GiB", self.wal_bytes_max));
        }
        if self.wal_age_max.is_zero() {
            return refuse("wal_age_max", "it is zero".to_owned());
        }
        if !(128..=65_536).contains(&self.block_rows) || !self.block_rows.is_multiple_of(128) {
            return refuse(
                "block_rows",
                format!("{} is not a multiple of 128 within 128 to 65,536", self.block_rows),
            );
        }
        if !(1 << 20..=4 << 30).contains(&self.merge_bytes_max) {
            return refuse(
                "merge_bytes_max",
                format!("{} is not within 1 MiB to 4 GiB", self.merge_bytes_max),
            );
        }
        let Effort { share, .. } = self.effort;
        if !(share > 0.0 && share <= 1.0) {
            return refuse("maintenance_effort", format!("a share of {share} is not above 0 up to 1"));
        }
        if let Durability::Group { interval } = self.durability
            && (interval.is_zero() || interval > Duration::from_secs(60))
        {
            return refuse("durability", format!("an interval of {interval:?} is not within 1 ns to 60 s"));
        }
        Ok(())
    }
}

pub(crate) fn check_ring_bytes(bytes: usize) -> Result<()> {
    if (RING_BYTES_MIN..=RING_BYTES_MAX).contains(&bytes) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: "ring_bytes",
        reason: format!("{bytes} is not within 256 KiB to 1 GiB"),
    })
}
