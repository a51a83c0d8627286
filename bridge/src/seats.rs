//! A recorder for each thread that says something: made with its first event, given back when it ends or the bridge
//! does, whichever comes first.
//!
//! A seat is a mutex that only its thread locks, so that locking it never waits; the bridge takes the recorder out of it
//! when it closes. A lock that is held is therefore either this thread's own, further up the stack (an event that comes
//! up while another is recorded: it is counted, never recorded, so nothing recurses), or the bridge's that closes.
//! Threads whose thread-locals are gone already share one seat, for which they wait.

use std::cell::RefCell;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};

use blotter_engine::event::{Category, Level};
use blotter_engine::vfs::Stopwatch;
use blotter_engine::{Db, Emit, Recorder, RecorderOptions, RecorderSource};

use crate::fields::Fields;
use crate::statistics::BridgeStatistics;

/// Time after which a thread that could not have a recorder asks again. In between its events cost no system call.
const RETRY_NS: u64 = 1_000_000_000;

/// Between an engine's logging and a database. Keep it while the engine runs: once it is dropped its layers and loggers
/// record nothing more, and all recorders of all threads are given back, so that the database can be closed.
///
/// It does not keep the database open.
#[must_use = "nothing is recorded once it is dropped"]
#[derive(Debug)]
pub struct Bridge {
    seats: Arc<Seats>,
}

impl Bridge {
    /// A bridge whose recorders are made with these options. Each thread that logs gets one, so where hundreds do,
    /// give them [small rings](RecorderOptions::ring_bytes).
    pub fn new(db: &Db, options: RecorderOptions) -> Bridge {
        Bridge { seats: Arc::new(Seats::new(db.recorder_source(), options)) }
    }

    /// A layer for a `tracing_subscriber` registry.
    #[cfg(feature = "tracing")]
    pub fn layer(&self) -> crate::BlotterLayer {
        crate::BlotterLayer::new(Arc::clone(&self.seats))
    }

    /// A logger for the `log` crate: `log::set_boxed_logger(Box::new(bridge.logger()))`, and `log::set_max_level`.
    /// Where `tracing` passes on what it is told to `log`, install one of both, or each event is recorded twice.
    #[cfg(feature = "log")]
    pub fn logger(&self) -> crate::BlotterLogger {
        crate::BlotterLogger::new(Arc::clone(&self.seats))
    }

    /// What was recorded, and what was not.
    pub fn statistics(&self) -> BridgeStatistics {
        self.seats.counters.read()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.seats.close();
    }
}

/// The statistics, being counted.
#[derive(Debug, Default)]
struct Counters {
    recorded: AtomicU64,
    disabled: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    without_recorder: AtomicU64,
    nested: AtomicU64,
    /// Lost, and not told in the database yet.
    untold: AtomicU64,
}

impl Counters {
    fn read(&self) -> BridgeStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BridgeStatistics {
            recorded: read(&self.recorded),
            disabled: read(&self.disabled),
            dropped: read(&self.dropped),
            refused: read(&self.refused),
            without_recorder: read(&self.without_recorder),
            nested: read(&self.nested),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A thread's place.
#[derive(Debug, Default)]
struct Seat {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    recorder: Option<Recorder>,
    /// Since a recorder could not be had.
    refused: Option<Stopwatch>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// All threads' places of one bridge.
#[derive(Debug)]
pub(crate) struct Seats {
    source: RecorderSource,
    options: RecorderOptions,
    is_closed: AtomicBool,
    has_told_stderr: AtomicBool,
    taken: Mutex<Vec<Arc<Seat>>>,
    shared: Seat,
    counters: Counters,
    /// Numbers ids where none can be drawn.
    #[cfg(feature = "tracing")]
    ids: AtomicU64,
}

/// This thread's places, one per bridge.
struct Mine(Vec<(Weak<Seats>, Arc<Seat>)>);

impl Drop for Mine {
    fn drop(&mut self) {
        for (seats, seat) in self.0.drain(..) {
            if let Some(seats) = seats.upgrade() {
                lock(&seats.taken).retain(|taken| !Arc::ptr_eq(taken, &seat));
            }
        }
    }
}

thread_local! {
    static MINE: RefCell<Mine> = const { RefCell::new(Mine(Vec::new())) };
}

impl Seats {
    fn new(source: RecorderSource, options: RecorderOptions) -> Seats {
        Seats {
            source,
            options,
            is_closed: AtomicBool::new(false),
            has_told_stderr: AtomicBool::new(false),
            taken: Mutex::default(),
            shared: Seat::default(),
            counters: Counters::default(),
            #[cfg(feature = "tracing")]
            ids: AtomicU64::new(0),
        }
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// A new correlation id.
    #[cfg(feature = "tracing")]
    pub(crate) fn generated_id(&self) -> String {
        // A database that is closed records nothing under the id either: a number serves.
        let numbered = |_| format!("span-{}", self.ids.fetch_add(1, Ordering::Relaxed));
        self.source.generated_id().unwrap_or_else(numbered)
    }

    /// Gives all recorders back. What comes later is counted as lost.
    fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let taken = std::mem::take(&mut *lock(&self.taken));
        for seat in taken.iter().map(Arc::as_ref).chain([&self.shared]) {
            lock(&seat.held).recorder = None;
        }
    }

    /// Records an event on this thread.
    pub(crate) fn record(self: &Arc<Self>, fields: &Fields) {
        match MINE.try_with(|mine| mine.try_borrow_mut().ok().map(|mut mine| self.seat(&mut mine))) {
            Ok(Some(seat)) => match seat.held.try_lock() {
                Ok(held) => self.record_in(held, fields),
                Err(TryLockError::Poisoned(poisoned)) => self.record_in(poisoned.into_inner(), fields),
                Err(TryLockError::WouldBlock) if self.is_closed() => {
                    self.lose(&self.counters.without_recorder);
                }
                Err(TryLockError::WouldBlock) => self.lose(&self.counters.nested),
            },
            Ok(None) => self.lose(&self.counters.nested),
            Err(_) => self.record_in(lock(&self.shared.held), fields),
        }
    }

    /// This thread's place.
    fn seat(self: &Arc<Self>, mine: &mut Mine) -> Arc<Seat> {
        let known = mine.0.iter().find(|(seats, _)| std::ptr::eq(seats.as_ptr(), Arc::as_ptr(self)));
        if let Some((_, seat)) = known {
            return Arc::clone(seat);
        }
        mine.0.retain(|(seats, _)| seats.strong_count() > 0);
        let seat = Arc::new(Seat::default());
        lock(&self.taken).push(Arc::clone(&seat));
        mine.0.push((Arc::downgrade(self), Arc::clone(&seat)));
        seat
    }

    fn record_in(&self, mut held: MutexGuard<'_, Held>, fields: &Fields) {
        // Asked under the lock: a bridge that closes afterwards waits for it, and takes the recorder out then.
        if self.is_closed() {
            self.tell_stderr(&"the bridge was dropped");
            return self.lose(&self.counters.without_recorder);
        }
        let Some(recorder) = self.recorder(&mut held) else {
            return self.lose(&self.counters.without_recorder);
        };
        self.tell_losses(recorder);
        match fields.record(recorder) {
            Emit::Accepted { .. } => count(&self.counters.recorded),
            Emit::Disabled => count(&self.counters.disabled),
            Emit::Dropped { .. } => count(&self.counters.dropped),
            Emit::Refused(refused) => {
                count(&self.counters.refused);
                // Of bounded texts, so that it is not refused in turn; if there is no room, the writer records that.
                fields.record_refusal(recorder, &refused);
            }
        }
    }

    /// The recorder in a seat, made if there is none and none was refused a moment ago.
    fn recorder<'h>(&self, held: &'h mut Held) -> Option<&'h mut Recorder> {
        if held.recorder.is_none() {
            if held.refused.is_some_and(|since| since.elapsed_ns() < RETRY_NS) {
                return None;
            }
            match self.source.recorder(self.options.clone()) {
                Ok(recorder) => held.recorder = Some(recorder),
                Err(error) => {
                    held.refused = Some(Stopwatch::start());
                    self.tell_stderr(&error);
                }
            }
        }
        held.recorder.as_mut()
    }

    fn lose(&self, counter: &AtomicU64) {
        count(counter);
        count(&self.counters.untold);
    }

    /// Says once that events are lost, where nothing can be recorded.
    fn tell_stderr(&self, why: &dyn Display) {
        if !self.has_told_stderr.swap(true, Ordering::Relaxed) {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("without name");
            eprintln!("blotter: what thread {name} logs is not recorded, and counted as lost: {why}");
        }
    }

    /// Records how many events were lost since it was last told.
    fn tell_losses(&self, recorder: &mut Recorder) {
        if self.counters.untold.load(Ordering::Relaxed) == 0 {
            return;
        }
        let lost = self.counters.untold.swap(0, Ordering::Relaxed);
        let emitted = recorder
            .event(Category::SYSTEM, Level::Error, "bridge_events_lost")
            .message_fmt(format_args!("{lost} logged events were lost: no recorder could be had for them"))
            .field("lost_count", lost)
            .emit();
        if !emitted.is_accepted() {
            self.counters.untold.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blotter_engine::Predicate;
    use blotter_engine::segment::Projection;

    fn names(db: &Db) -> Vec<String> {
        db.flush().unwrap();
        let events = db.snapshot().unwrap().scan(&Predicate::all(), &Projection::all());
        events.map(|event| event.get("event").map(|name| name.to_string()).unwrap_or_default()).collect()
    }

    #[test]
    fn an_event_within_an_event_is_counted_and_told_with_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path().join("desk.blotter")).unwrap();
        let bridge = Bridge::new(&db, RecorderOptions::new());
        let fields = Fields::new(Level::Info);
        bridge.seats.record(&fields);
        let mine = Arc::clone(&lock(&bridge.seats.taken)[0]);
        let recording = lock(&mine.held);
        bridge.seats.record(&fields);
        bridge.seats.record(&fields);
        drop(recording);
        assert_eq!(names(&db), [""]);
        bridge.seats.record(&fields);
        bridge.seats.record(&fields);
        assert_eq!(names(&db), ["", "bridge_events_lost", "", ""]);
        let lost = db.snapshot().unwrap().scan(&Predicate::all(), &Projection::all()).nth(1).unwrap();
        assert_eq!(lost.get("lost_count").unwrap().to_string(), "2");
        assert_eq!(
            bridge.statistics(),
            BridgeStatistics { recorded: 3, nested: 2, ..BridgeStatistics::default() }
        );
    }

    /// What is said by the destructors of thread-locals, after the thread's own place is gone.
    #[test]
    fn a_thread_that_ends_records_to_the_last() {
        struct Last(Arc<Seats>);
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.record(&Fields::new(Level::Info));
            }
        }
        thread_local! {
            static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
        }
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path().join("desk.blotter")).unwrap();
        let bridge = Bridge::new(&db, RecorderOptions::new());
        let seats = Arc::clone(&bridge.seats);
        let thread = std::thread::spawn(move || {
            LAST.set(Some(Last(Arc::clone(&seats))));
            seats.record(&Fields::new(Level::Info));
        });
        thread.join().unwrap();
        assert_eq!(names(&db).len(), 2);
        assert_eq!((bridge.statistics().recorded, lock(&bridge.seats.taken).len()), (2, 0));
    }

    #[test]
    fn a_thread_takes_no_place_of_a_bridge_that_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path().join("desk.blotter")).unwrap();
        for _ in 0..100 {
            Bridge::new(&db, RecorderOptions::new()).seats.record(&Fields::new(Level::Info));
        }
        assert!(MINE.with_borrow(|mine| mine.0.len()) <= 2);
        assert_eq!(names(&db).len(), 100);
    }
}
