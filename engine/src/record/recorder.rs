//! What a trading thread holds: a recorder, and a builder per event.
//!
//! `emit` encodes into a buffer of the recorder's own and copies the record into its ring: no allocation,
//! lock, system call or wake-up.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Refused, Result};
use crate::event::record::{Encoder, text_head};
use crate::event::{Category, Field, Level, LevelFilter, OrderStatus, ProducerId, Timestamp};
use crate::limits::ID_BYTES_MAX;
use crate::record::Backpressure;
use crate::record::EventClock;
use crate::record::builder::{Emit, EventBuilder};
use crate::record::clock::Reading;
use crate::ring::RingProducer;
use crate::vfs::Stopwatch;

/// Makes what a recorder emitted durable; implemented by the open database, which recorders keep alive.
pub(crate) trait MakeDurable: Send + Sync {
    /// Returns once everything before `tail` of that producer's ring is durable.
    fn make_durable(&self, producer: ProducerId, tail: u64) -> Result<()>;
    /// 64 random bits.
    fn random(&self) -> u64;
}

/// What the database gives to a new recorder.
pub(crate) struct RecorderSeat {
    pub(crate) producer: RingProducer,
    pub(crate) clock: Arc<EventClock>,
    pub(crate) levels: Arc<LevelFilter>,
    /// Set once a sync has failed: nothing more is accepted.
    pub(crate) failed: Arc<AtomicBool>,
    pub(crate) backpressure: Backpressure,
    pub(crate) database: Arc<dyn MakeDurable>,
}

/// Records the events of one thread. Made by [`Db::recorder`](crate::Db::recorder); `Send`, so it can be moved
/// into the thread that uses it. Dropping it loses nothing.
pub struct Recorder {
    pub(super) encoder: Encoder,
    pub(super) producer: RingProducer,
    next_pseq: u64,
    clock: Arc<EventClock>,
    reading: Reading,
    pub(super) levels: Arc<LevelFilter>,
    failed: Arc<AtomicBool>,
    backpressure: Backpressure,
    pub(super) scope: Scope,
    pub(super) refused: Option<Refused>,
    database: Arc<dyn MakeDurable>,
}

/// The correlation id of the innermost trace, encoded as a field.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) length: u16,
    pub(super) bytes: [u8; ID_BYTES_MAX + 4],
    /// Length of an id that is over the limit: events inside are refused, not left unstamped.
    pub(super) too_long: Option<usize>,
}

impl Scope {
    const NONE: Scope = Scope { length: 0, bytes: [0; ID_BYTES_MAX + 4], too_long: None };

    fn new(id: &str) -> Scope {
        if id.len() > ID_BYTES_MAX {
            return Scope { too_long: Some(id.len()), ..Scope::NONE };
        }
        let mut scope = Scope { length: id.len() as u16 + 4, ..Scope::NONE };
        scope.bytes[..4].copy_from_slice(&text_head(Field::CORRELATION_ID, id));
        scope.bytes[4..4 + id.len()].copy_from_slice(id.as_bytes());
        scope
    }

    pub(super) fn id(&self) -> &str {
        std::str::from_utf8(&self.bytes[4.min(self.length as usize)..self.length as usize])
            .unwrap_or_default()
    }
}

/// Constructors of events: one per category, with the level that is usual for it.
macro_rules! constructors {
    ($($method:ident $category:ident $level:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $method<'r>(&'r mut self, name: &'r str) -> EventBuilder<'r> {
            self.event(Category::$category, Level::$level, name)
        }
    )*};
}

impl Recorder {
    pub(crate) fn new(seat: RecorderSeat) -> Recorder {
        let reading = seat.clock.reading();
        Recorder {
            encoder: Encoder::new(),
            producer: seat.producer,
            next_pseq: 0,
            clock: seat.clock,
            reading,
            levels: seat.levels,
            failed: seat.failed,
            backpressure: seat.backpressure,
            scope: Scope::NONE,
            refused: None,
            database: seat.database,
        }
    }

    /// Whether events of that category and level are recorded now. For work that is only done for logging.
    #[inline]
    pub fn enabled(&self, category: Category, level: Level) -> bool {
        self.levels.allows(category, level)
    }

    /// Starts an event. Nothing is recorded until [`EventBuilder::emit`]. With an empty name the event has
    /// none, unless it is given as a field.
    #[inline]
    pub fn event<'r>(&'r mut self, category: Category, level: Level, name: &'r str) -> EventBuilder<'r> {
        EventBuilder::start(self, category, level, name, None)
    }

    /// An order reached `status`: category `order`, level info, event `order_<status>`.
    #[inline]
    pub fn order(&mut self, status: OrderStatus) -> EventBuilder<'_> {
        self.status_event(Category::ORDER, status)
    }

    /// An execution: category `fill`, level info, event `order_<status>`.
    #[inline]
    pub fn fill(&mut self, status: OrderStatus) -> EventBuilder<'_> {
        self.status_event(Category::FILL, status)
    }

    #[inline]
    fn status_event(&mut self, category: Category, status: OrderStatus) -> EventBuilder<'_> {
        EventBuilder::start(self, category, Level::Info, status.event_name(), Some(status))
    }

    constructors! {
        market_data MARKET_DATA Debug "A quote, trade or book: category `market_data`, level debug."
        signal SIGNAL Debug "A strategy's decision: category `signal`, level debug."
        position POSITION Info "A change of position: category `position`, level info."
        risk RISK Info "A risk check: category `risk`, level info."
        system SYSTEM Info "Health of the engine: category `system`, level info."
        error ERROR Error "A failure: category `error`, level error."
        performance PERFORMANCE Info "A measurement: category `performance`, level info."
        audit AUDIT Info "Who did what: category `audit`, level info."
    }

    /// Opens a correlation scope: events recorded through it carry `id` as `correlation_id`, unless they give
    /// their own. Scopes nest. An id over 256 bytes makes every event inside refused.
    pub fn trace(&mut self, id: &str) -> Trace<'_> {
        let outer = std::mem::replace(&mut self.scope, Scope::new(id));
        Trace { recorder: self, outer }
    }

    /// Opens a correlation scope with a new random id of 16 hexadecimal digits.
    pub fn trace_generated(&mut self) -> Trace<'_> {
        let mut digits = [0; 16];
        let bits = self.database.random();
        for (index, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (60 - 4 * index)) as usize & 15];
        }
        let id = std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII");
        self.trace(id)
    }

    /// Which producer this is.
    pub fn producer(&self) -> ProducerId {
        self.producer.ring().producer()
    }

    /// The count that the next event gets.
    pub fn next_pseq(&self) -> u64 {
        self.next_pseq
    }

    /// The time that an event emitted now gets.
    #[inline]
    pub fn now(&mut self) -> Timestamp {
        Timestamp(self.reading.now_ns(&self.clock))
    }

    /// Returns once everything this recorder emitted is durable.
    ///
    /// # Errors
    /// The failed write or sync.
    pub fn sync(&mut self) -> Result<()> {
        self.database.make_durable(self.producer(), self.producer.tail())
    }

    #[inline]
    pub(super) fn push(&mut self, ts: Option<Timestamp>) -> Emit {
        let ts = match ts {
            Some(ts) => ts,
            None => self.now(),
        };
        let pseq = self.next_pseq;
        self.next_pseq += 1;
        let record = self.encoder.finish(ts, pseq);
        if !self.failed.load(Ordering::Relaxed) && self.producer.push(record, pseq + 1) {
            return Emit::Accepted { pseq };
        }
        self.push_slowly(ts, pseq)
    }

    /// Pushes, makes room if there is none, and returns once the event is durable.
    pub(super) fn push_durable(&mut self, ts: Option<Timestamp>) -> Result<Emit> {
        let ts = ts.unwrap_or_else(|| self.now());
        let pseq = self.next_pseq;
        self.next_pseq += 1;
        let mut made_room = Ok(());
        if !self.producer.push(self.encoder.finish(ts, pseq), pseq + 1) {
            made_room = self.sync();
            if made_room.is_err() || !self.producer.push(self.encoder.finish(ts, pseq), pseq + 1) {
                self.producer.count_dropped(pseq + 1);
                return made_room.map(|()| Emit::Dropped { pseq });
            }
        }
        made_room.and_then(|()| self.sync()).map(|()| Emit::Accepted { pseq })
    }

    /// The ring is full, or the database has failed.
    #[cold]
    fn push_slowly(&mut self, ts: Timestamp, pseq: u64) -> Emit {
        if let Backpressure::Block { timeout } = self.backpressure {
            let waiting = Stopwatch::start();
            let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            while !self.failed.load(Ordering::Relaxed) && waiting.elapsed_ns() < timeout_ns {
                std::thread::sleep(Duration::from_micros(50));
                if self.producer.push(self.encoder.finish(ts, pseq), pseq + 1) {
                    return Emit::Accepted { pseq };
                }
            }
        }
        self.producer.count_dropped(pseq + 1);
        Emit::Dropped { pseq }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.producer.ring().close();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("producer", &self.producer())
            .field("next_pseq", &self.next_pseq)
            .finish()
    }
}

/// A correlation scope; see [`Recorder::trace`]. Use it as the recorder it was opened on.
pub struct Trace<'r> {
    recorder: &'r mut Recorder,
    outer: Scope,
}

impl Trace<'_> {
    /// The id stamped on events.
    pub fn id(&self) -> &str {
        self.recorder.scope.id()
    }
}

impl Deref for Trace<'_> {
    type Target = Recorder;

    fn deref(&self) -> &Recorder {
        self.recorder
    }
}

impl DerefMut for Trace<'_> {
    fn deref_mut(&mut self) -> &mut Recorder {
        self.recorder
    }
}

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        std::mem::swap(&mut self.recorder.scope, &mut self.outer);
    }
}
