//! A database open for writing: the engine behind recorders, its threads, and its end.
//!
//! Recorders keep the engine alive, so neither the order in which handles are dropped nor a forgotten one
//! loses an event: the last to go drains, syncs and releases the lock.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::administration::Maintainer;
use crate::catalog::ledger::{JobKind, JobRecord};
use crate::error::{Error, Result};
use crate::event::{FieldKey, LevelFilter, ProducerId, Seq};
use crate::maintain::Maintenance;
use crate::maintain::publish::Publisher;
use crate::maintain::seal::Sealer;
use crate::open::{Opened, Recovery};
use crate::options::{Durability, Options, check_ring_bytes};
use crate::record::{
    ANCHOR_INTERVAL_NS, EventClock, MakeDurable, Recorder, RecorderOptions, RecorderSeat, RingRegistry, Step,
    Writer,
};
use crate::recorder_source::RecorderSource;
use crate::ring::{Ring, RingOwner, RingProducer};
use crate::statistics::{RingStatistics, Statistics};
use crate::vfs::{FileLock, Host, Stopwatch};
use crate::view::{FilterSource, Snapshot, Versions};
use crate::wal::{GroupSync, WalNumber};

/// Longest pause of the writer between two looks at the rings; the first pauses are shorter.
const WRITER_PAUSE_MAX: Duration = Duration::from_millis(1);
const WRITER_PAUSE_MIN: Duration = Duration::from_micros(50);
/// Pause after a failed write or seal before it is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two rounds of making filters for the WAL tail. What has none yet is searched byte by byte:
/// 10 ms of 200,000 events/s take 0.1 ms.
const TAIL_FILTER_PAUSE: Duration = Duration::from_millis(10);
/// Most bytes a round makes filters for, so that a flood of events is not slowed by them.
const TAIL_FILTER_BYTES_MAX: u64 = 512 * 1024;
/// Rounds without a look after which no more are made: an engine that only records pays nothing for them.
const TAIL_FILTER_ROUNDS_UNUSED_MAX: u32 = 1000;
/// Quiet time after which the WAL is marked with how far it is durable.
const QUIET_BEFORE_MARK: Duration = Duration::from_millis(50);

/// A database open for writing. Cheap to share behind an `Arc`; recorders are made by [`Db::recorder`].
///
/// ```
/// # fn main() -> blotter_engine::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("desk.blotter");
/// use blotter_engine::event::{OrderStatus, Side, dec};
/// use blotter_engine::{Db, RecorderOptions};
///
/// let db = Db::open(&path)?;
/// let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum"))?;
/// recorder
///     .order(OrderStatus::Submitted)
///     .order_id("A-1")
///     .symbol("AAPL")
///     .side(Side::Buy)
///     .price(dec!(150.25))
///     .quantity(100)
///     .field("venue", "XNAS")
///     .message("submitted")
///     .emit();
/// db.flush()?;
/// let found: Vec<_> = db.snapshot()?.lookup("A-1").collect();
/// assert_eq!(found[0].get("price").unwrap().to_string(), "150.25");
/// # Ok(()) }
/// ```
pub struct Db {
    /// Ends before the engine may.
    maintainer: Option<Maintainer>,
    pub(crate) engine: Arc<Engine>,
}

pub(crate) struct Engine {
    host: Host,
    database: PathBuf,
    pub(crate) options: Options,
    indexed: Arc<[FieldKey]>,
    owner: RingOwner,
    session: u64,
    next_producer: AtomicU32,
    registry: Arc<RingRegistry>,
    levels: Arc<LevelFilter>,
    clock: Arc<EventClock>,
    versions: Arc<Versions>,
    filters: Arc<dyn FilterSource>,
    writer: Arc<Mutex<Writer>>,
    sealer: Arc<Mutex<Sealer>>,
    publisher: Arc<Mutex<Publisher>>,
    pub(crate) maintenance: Arc<Maintenance>,
    sync: Arc<GroupSync>,
    health: Arc<Health>,
    /// Snapshots taken; while it grows, lookups are worth filters.
    looks: Arc<AtomicU64>,
    recovery: Recovery,
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    /// Released last.
    _lock: Box<dyn FileLock>,
}

/// What the threads have to say.
#[derive(Debug, Default)]
struct Health {
    /// A sync has failed: nothing more is accepted.
    failed: Arc<AtomicBool>,
    write_error: Mutex<Option<String>>,
    seal_error: Mutex<Option<String>>,
    maintenance_error: Mutex<Option<String>>,
    control_error: Mutex<Option<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Health {
    fn note_write<T>(&self, outcome: &Result<T>) {
        if let Err(Error::SyncFailed { .. }) = outcome {
            self.failed.store(true, Ordering::Relaxed);
        }
        let mut error = lock(&self.write_error);
        match outcome {
            Ok(_) if error.is_none() => {}
            outcome => *error = outcome.as_ref().err().map(Error::to_string),
        }
    }

    fn note_seal<T>(&self, outcome: &Result<T>) {
        *lock(&self.seal_error) = outcome.as_ref().err().map(Error::to_string);
    }
}

impl Db {
    /// Opens the database in a directory for writing with default options, creating it if it is missing.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(database: impl AsRef<Path>) -> Result<Db> {
        Options::new().open(database)
    }

    pub(crate) fn open_with(host: &Host, database: &Path, options: &Options) -> Result<Db> {
        let levels = LevelFilter::new(options.level);
        let refuse = |option, reason| Error::InvalidOption { option, reason };
        if let Some(directive) = &options.level_directive {
            levels.apply(directive).map_err(|reason| refuse("levels", reason))?;
        }
        if let Ok(directive) = std::env::var(crate::options::LEVEL_VARIABLE) {
            levels.apply(&directive).map_err(|reason| refuse(crate::options::LEVEL_VARIABLE, reason))?;
        }
        let registry = Arc::new(RingRegistry::default());
        let (finished, unsealed) = unbounded();
        let opened = Opened::open(host, database, options, &registry, finished)?;
        let health = Arc::new(Health::default());
        let indexed: Arc<[FieldKey]> = opened.indexed.into();
        let maintenance = Arc::new(Maintenance {
            host: host.clone(),
            database: database.to_path_buf(),
            publisher: Arc::clone(&opened.publisher),
            versions: Arc::clone(&opened.versions),
            indexed: Arc::clone(&indexed),
            filters: Arc::clone(&opened.filters),
            hook: options.hook.as_ref().map(|hook| Arc::clone(&hook.0)),
            block_rows: options.block_rows,
            builder_bytes_max: options.merge_bytes_max,
            stop: AtomicBool::new(false),
            running: Mutex::default(),
            retired: Mutex::default(),
        });
        let mut engine = Engine {
            host: host.clone(),
            database: database.to_path_buf(),
            options: options.clone(),
            indexed,
            owner: opened.owner,
            session: opened.session,
            next_producer: AtomicU32::new(opened.next_producer),
            registry,
            levels: Arc::new(levels),
            clock: Arc::new(EventClock::new(Arc::clone(&host.clock))),
            versions: opened.versions,
            filters: opened.filters,
            sync: Arc::clone(opened.writer.sync()),
            writer: Arc::new(Mutex::new(opened.writer)),
            sealer: Arc::new(Mutex::new(opened.sealer)),
            publisher: opened.publisher,
            maintenance,
            health,
            looks: Arc::default(),
            recovery: opened.recovery,
            stop: None,
            threads: Vec::new(),
            _lock: opened.lock,
        };
        if options.threads {
            engine.start_threads(unsealed)?;
        }
        let mut db = Db::of_engine(Arc::new(engine));
        if options.threads {
            db.maintainer = Some(Maintainer::start(&db.engine)?);
        }
        Ok(db)
    }

    /// Another handle of an engine, which does not maintain it.
    pub(crate) fn of_engine(engine: Arc<Engine>) -> Db {
        Db { maintainer: None, engine }
    }

    /// A recorder for one thread, with what it says of all its events.
    ///
    /// # Errors
    /// A default over its limit, a ring size out of range, shared memory that cannot be had, or an earlier failed
    /// sync.
    pub fn recorder(&self, options: RecorderOptions) -> Result<Recorder> {
        Engine::recorder(&self.engine, options)
    }

    /// Gives recorders to threads as they come, and does not keep the database open.
    pub fn recorder_source(&self) -> RecorderSource {
        RecorderSource::new(&self.engine)
    }

    /// The id of this opening of the database, random: what [`RecorderOptions::session_generated`] stamps.
    pub fn session_id(&self) -> String {
        self.engine.session_id()
    }

    /// The least levels recorded; changes take effect at once, in all recorders.
    pub fn levels(&self) -> &LevelFilter {
        &self.engine.levels
    }

    /// Returns once everything emitted before the call is in the WAL, where every reader sees it.
    ///
    /// # Errors
    /// The failed write, or the failed sync that ended recording. Nothing is lost by it: the call can be
    /// repeated.
    pub fn flush(&self) -> Result<()> {
        self.engine.flush().map(drop)
    }

    /// Returns once everything emitted before the call is durable.
    ///
    /// # Errors
    /// The failed write or sync.
    pub fn sync(&self) -> Result<()> {
        let position = self.engine.flush()?;
        let outcome = self.engine.sync.sync_to(position);
        self.engine.health.note_write(&outcome);
        outcome
    }

    /// Returns once everything emitted before the call is sealed into segments.
    ///
    /// # Errors
    /// The failed write, sync or seal; the call can be repeated.
    pub fn seal(&self) -> Result<()> {
        let mut writer = lock(&self.engine.writer);
        let outcome = drain(&mut writer).and_then(|()| writer.rotate());
        drop(writer);
        self.engine.health.note_write(&outcome);
        outcome?;
        let mut sealer = lock(&self.engine.sealer);
        let outcome = seal_all(&mut sealer);
        self.engine.health.note_seal(&outcome);
        outcome
    }

    /// What is recorded up to now: everything that was flushed, or drained by the writer, before the call.
    ///
    /// # Errors
    /// IO errors of reading the WAL.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.engine.looks.fetch_add(1, Ordering::Relaxed);
        let version = self.engine.versions.current();
        let mut tails = Vec::with_capacity(version.tails.len());
        for tail in &version.tails {
            tails.push(tail.view_written()?);
        }
        let next_seq = tails.last().map_or(Seq(0), |tail| tail.next_seq());
        Ok(Snapshot {
            version,
            tails,
            left_in_rings: Arc::default(),
            indexed: Arc::clone(&self.engine.indexed),
            filters: Some(Arc::clone(&self.engine.filters)),
            unreadable: Vec::new(),
            next_seq,
        })
    }

    /// How recording goes.
    pub fn statistics(&self) -> Statistics {
        self.engine.statistics()
    }

    /// What was found and done when the database was opened.
    pub fn recovery(&self) -> &Recovery {
        &self.engine.recovery
    }

    /// The database directory.
    pub fn path(&self) -> &Path {
        &self.engine.database
    }

    /// Makes everything durable and closes the database. Where recorders are still held, it closes when the
    /// last of them is dropped. Dropping the database does the same, but cannot report an error.
    ///
    /// # Errors
    /// The failed write or sync.
    pub fn close(self) -> Result<()> {
        self.sync()
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("database", &self.engine.database).finish_non_exhaustive()
    }
}

/// Steps until the rings are empty.
fn drain(writer: &mut Writer) -> Result<()> {
    while writer.step()? == Step::Wrote {}
    Ok(())
}

fn seal_all(sealer: &mut Sealer) -> Result<()> {
    while sealer.seal_next()? {}
    Ok(())
}

impl Engine {
    /// A recorder, which keeps the engine alive.
    pub(crate) fn recorder(engine: &Arc<Engine>, mut options: RecorderOptions) -> Result<Recorder> {
        engine.sync.check()?;
        if options.session_generated && options.session.is_none() {
            options.session = Some(engine.session_id());
        }
        let ring_bytes = options.ring_bytes.unwrap_or(engine.options.ring_bytes);
        check_ring_bytes(ring_bytes)?;
        let producer = ProducerId(engine.next_producer.fetch_add(1, Ordering::Relaxed));
        let ring = Ring::create(
            &engine.host,
            engine.owner,
            engine.session,
            producer,
            options.defaults()?,
            ring_bytes.next_power_of_two(),
        )?;
        let ring = Arc::new(ring);
        engine.registry.add(Arc::clone(&ring));
        Ok(Recorder::new(RecorderSeat {
            producer: RingProducer::new(ring),
            clock: Arc::clone(&engine.clock),
            levels: Arc::clone(&engine.levels),
            failed: Arc::clone(&engine.health.failed),
            backpressure: options.backpressure.unwrap_or(engine.options.backpressure),
            database: Arc::clone(engine) as Arc<dyn MakeDurable>,
        }))
    }

    fn session_id(&self) -> String {
        format!("{:016x}", self.session)
    }

    /// The directory of the database.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// A new random id of 16 hexadecimal digits.
    pub(crate) fn generated_id(&self) -> String {
        format!("{:016x}", self.host.random.next_u64())
    }

    /// Writes what the rings hold; gives the position after it.
    fn flush(&self) -> Result<crate::wal::AppendPosition> {
        let mut writer = lock(&self.writer);
        // One step covers everything emitted before it; stepping on would chase the recorders.
        let outcome = writer.step();
        self.health.note_write(&outcome);
        outcome.map(|_| writer.written_position())
    }

    fn start_threads(&mut self, unsealed: Receiver<WalNumber>) -> Result<()> {
        // Dropping the sender stops the threads: each waits on the receiver instead of sleeping.
        let (stop, stopped) = bounded(0);
        self.stop = Some(stop);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(|error| Error::io("start the thread", name.as_ref(), error))
        };
        let (writer, clock, health) =
            (Arc::clone(&self.writer), Arc::clone(&self.clock), Arc::clone(&self.health));
        let (sync, is_always) = (Arc::clone(&self.sync), self.options.durability == Durability::Always);
        let stopped_writer = stopped.clone();
        self.threads.push(spawn(
            "blotter-writer",
            Box::new(move || {
                run_writer(&writer, &clock, &health, is_always.then_some(&*sync), &stopped_writer)
            }),
        )?);
        if let Durability::Group { interval } = self.options.durability {
            let (sync, health, stopped) = (Arc::clone(&self.sync), Arc::clone(&self.health), stopped.clone());
            self.threads.push(spawn(
                "blotter-sync",
                Box::new(move || {
                    while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                        health.note_write_failure(&sync.sync_to(sync.written_position()));
                    }
                }),
            )?);
        }
        let (versions, indexed) = (Arc::clone(&self.versions), Arc::clone(&self.indexed));
        let looks = Arc::clone(&self.looks);
        let stopped_filters = stopped.clone();
        self.threads.push(spawn(
            "blotter-filters",
            Box::new(move || make_tail_filters(&versions, &indexed, &looks, &stopped_filters)),
        )?);
        let (sealer, health) = (Arc::clone(&self.sealer), Arc::clone(&self.health));
        self.threads.push(spawn(
            "blotter-sealer",
            Box::new(move || run_sealer(&sealer, &health, &unsealed, &stopped)),
        )?);
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        let writer = lock(&self.writer);
        let (totals, written, next_seq) = (writer.totals(), writer.written_position(), writer.next_seq());
        drop(writer);
        let rings: Vec<RingStatistics> =
            self.registry.rings().iter().map(|ring| RingStatistics::of(ring)).collect();
        let version = self.versions.current();
        let unsealed_from = version.tails.first().map_or(next_seq, |tail| tail.header.first_seq);
        Statistics {
            emitted: totals.emitted + rings.iter().map(|ring| ring.emitted).sum::<u64>(),
            dropped: totals.dropped + rings.iter().map(|ring| ring.dropped).sum::<u64>(),
            refused: totals.refused + rings.iter().map(|ring| ring.refused).sum::<u64>(),
            rings,
            rings_survive_process: self.host.memory.survives_process(),
            next_seq,
            unsealed_events: next_seq.0 - unsealed_from.0,
            unsealed_files: version.tails.len() as u64,
            not_durable_bytes: written.0.saturating_sub(self.sync.durable_position().0),
            sync: self.sync.statistics(),
            segments: version.segments.len() as u64,
            segment_bytes: version.segments.iter().map(|segment| segment.meta.file_bytes).sum(),
            sealed_events: version.segments.iter().map(|segment| segment.meta.rows).sum(),
            write_error: lock(&self.health.write_error).clone(),
            seal_error: lock(&self.health.seal_error).clone(),
            maintenance_error: lock(&self.health.maintenance_error)
                .clone()
                .or_else(|| lock(&self.health.control_error).clone()),
            maintenance: self.last_maintenance(),
        }
    }
}

impl Health {
    /// As [`Health::note_write`], for those who do not write themselves: success says nothing of writes.
    fn note_write_failure<T>(&self, outcome: &Result<T>) {
        if outcome.is_err() {
            self.note_write(outcome);
        }
    }
}

impl Engine {
    fn last_maintenance(&self) -> Option<JobRecord> {
        let ledger = self.maintenance.publisher().catalog().ledger();
        let is_run = |job: &&JobRecord| job.kind == JobKind::Maintain;
        ledger.jobs().rev().map(|(job, _)| job).find(is_run).cloned()
    }

    /// What became of the last look at what is to be maintained.
    pub(crate) fn note_maintenance<T>(&self, outcome: &Result<T>) {
        *lock(&self.health.maintenance_error) = outcome.as_ref().err().map(Error::to_string);
    }

    /// What became of the last look at what other processes ask for.
    pub(crate) fn note_control(&self, problem: Option<String>) {
        *lock(&self.health.control_error) = problem;
    }
}

impl MakeDurable for Engine {
    fn make_durable(&self, _: ProducerId, _: u64) -> Result<()> {
        let position = self.flush()?;
        let outcome = self.sync.sync_to(position);
        self.health.note_write_failure(&outcome);
        outcome
    }

    fn random(&self) -> u64 {
        self.host.random.next_u64()
    }
}

/// Drains the rings until told to stop.
fn run_writer(
    writer: &Mutex<Writer>,
    clock: &EventClock,
    health: &Health,
    sync_always: Option<&GroupSync>,
    stopped: &Receiver<()>,
) {
    let mut pause = WRITER_PAUSE_MIN;
    let (mut since_anchor, mut quiet) = (Stopwatch::start(), Duration::ZERO);
    loop {
        let mut outcome = lock(writer).step();
        if let (Ok(Step::Wrote), Some(sync)) = (&outcome, sync_always) {
            outcome = sync.sync_to(sync.written_position()).map(|()| Step::Wrote);
        }
        health.note_write(&outcome);
        pause = match outcome {
            Ok(Step::Wrote) => WRITER_PAUSE_MIN,
            Ok(Step::Idle) => (pause * 2).min(WRITER_PAUSE_MAX),
            Err(_) => RETRY_PAUSE,
        };
        quiet = if outcome.as_ref().is_ok_and(|step| *step == Step::Idle) {
            quiet + pause
        } else {
            Duration::ZERO
        };
        if quiet >= QUIET_BEFORE_MARK {
            quiet = Duration::ZERO;
            health.note_write_failure(&lock(writer).mark());
        }
        if since_anchor.elapsed_ns() >= ANCHOR_INTERVAL_NS {
            since_anchor = Stopwatch::start();
            clock.renew_anchor();
        }
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Makes filters for what was written, as long as somebody looks, until told to stop.
fn make_tail_filters(versions: &Versions, indexed: &[FieldKey], looks: &AtomicU64, stopped: &Receiver<()>) {
    let (mut looks_seen, mut rounds_unused) = (0, TAIL_FILTER_ROUNDS_UNUSED_MAX);
    while stopped.recv_timeout(TAIL_FILTER_PAUSE) == Err(RecvTimeoutError::Timeout) {
        let looks = looks.load(Ordering::Relaxed);
        rounds_unused = if looks == looks_seen { rounds_unused.saturating_add(1) } else { 0 };
        looks_seen = looks;
        if rounds_unused >= TAIL_FILTER_ROUNDS_UNUSED_MAX {
            continue;
        }
        let mut left = TAIL_FILTER_BYTES_MAX;
        // The newest first: a finished file is about to be sealed.
        for tail in versions.current().tails.iter().rev() {
            // Without a filter a lookup reads the file itself, and reports what is wrong with it.
            left = left.saturating_sub(tail.make_filters(indexed, left).unwrap_or_default());
        }
    }
}

/// Seals finished files until told to stop; the one under way is finished.
fn run_sealer(
    sealer: &Mutex<Sealer>,
    health: &Health,
    unsealed: &Receiver<WalNumber>,
    stopped: &Receiver<()>,
) {
    loop {
        let outcome = lock(sealer).seal_next();
        health.note_seal(&outcome);
        let pause = match outcome {
            Ok(true) => Duration::ZERO,
            Ok(false) => Duration::from_secs(1),
            Err(_) => RETRY_PAUSE * 10,
        };
        crossbeam_channel::select! {
            recv(stopped) -> _ => return,
            recv(unsealed) -> _ => {}
            default(pause) => {}
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.maintenance.stop.store(true, Ordering::Relaxed);
        drop(self.stop.take());
        let this_thread = std::thread::current().id();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != this_thread && thread.join().is_err() {
                // A panicked thread has said so on stderr; what it left in rings and WAL is drained below.
                continue;
            }
        }
        let mut writer = lock(&self.writer);
        // Errors were reported by flush, sync or close; what cannot be written stays in rings and WAL for the
        // next open.
        let finished = drain(&mut writer)
            .and_then(|()| self.sync.sync_to(writer.written_position()))
            .and_then(|()| writer.mark())
            .and_then(|()| self.sync.sync_to(writer.written_position()))
            // From here on a WAL that is missing or short is known to be damaged.
            .and_then(|()| match writer.durable_anchor() {
                Some(anchor) => lock(&self.publisher).publish(Some(anchor)),
                None => Ok(()),
            });
        self.health.note_write(&finished);
    }
}
