//! What a trading thread holds: a recorder, and a builder per event.
//!
//! `emit` encodes into a buffer of the recorder's own and copies the record into its ring: no allocation,
//! lock, system call or wake-up.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rust_decimal::Decimal;

use crate::error::{Refused, Result};
use crate::event::record::{Defaults, Encoder};
use crate::event::{
    Category, Field, FieldRef, Level, LevelFilter, OrderStatus, ProducerId, Side, Timestamp, ValueRef,
};
use crate::limits::ID_BYTES_MAX;
use crate::record::EventClock;
use crate::record::clock::Reading;
use crate::record::ring::RingProducer;
use crate::vfs::Stopwatch;

/// What a recorder does when its ring is full, because the disk cannot keep up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Backpressure {
    /// Drop the event, count it, and record the loss. The trading thread never waits. The default, because a
    /// flight recorder must not bring the plane down.
    #[default]
    Drop,
    /// Wait for room, and drop only after that time.
    Block {
        /// Longest wait.
        timeout: Duration,
    },
}

/// What a recorder says of all its events, unless an event says otherwise.
///
/// ```
/// use blotter_engine::record::RecorderOptions;
/// let options = RecorderOptions::new().strategy("momentum").service("oms").session("2026-01-02");
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecorderOptions {
    pub(crate) strategy: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) backpressure: Option<Backpressure>,
    pub(crate) ring_bytes: Option<usize>,
}

impl RecorderOptions {
    /// Says nothing.
    pub fn new() -> RecorderOptions {
        RecorderOptions::default()
    }

    /// The strategy whose events these are; at most 256 bytes.
    pub fn strategy(mut self, strategy: impl Into<String>) -> RecorderOptions {
        self.strategy = Some(strategy.into());
        self
    }

    /// The component that records; at most 256 bytes.
    pub fn service(mut self, service: impl Into<String>) -> RecorderOptions {
        self.service = Some(service.into());
        self
    }

    /// The session or run; at most 256 bytes.
    pub fn session(mut self, session: impl Into<String>) -> RecorderOptions {
        self.session = Some(session.into());
        self
    }

    /// Overrides the database's back-pressure.
    pub fn backpressure(mut self, backpressure: Backpressure) -> RecorderOptions {
        self.backpressure = Some(backpressure);
        self
    }

    /// Overrides the database's ring size, in bytes; see [`Options::ring_bytes`](crate::Options::ring_bytes).
    pub fn ring_bytes(mut self, bytes: usize) -> RecorderOptions {
        self.ring_bytes = Some(bytes);
        self
    }

    /// The defaults, encoded.
    pub(crate) fn defaults(&self) -> Result<Defaults, Refused> {
        let given = [
            (Field::STRATEGY, &self.strategy),
            (Field::SERVICE, &self.service),
            (Field::SESSION_ID, &self.session),
        ];
        for (field, text) in &given {
            let found_bytes = text.as_ref().map_or(0, String::len);
            if found_bytes > ID_BYTES_MAX {
                let field = field.name().to_owned();
                return Err(Refused::TooLong { field, found_bytes, limit_bytes: ID_BYTES_MAX });
            }
        }
        Defaults::new(given.iter().filter_map(|(field, text)| Some((*field, text.as_deref()?))))
    }
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emit {
    /// It is in the ring, and survives the death of the process where rings do, see
    /// [`Statistics::rings_survive_process`](crate::Statistics::rings_survive_process).
    Accepted {
        /// The recorder's own count of it.
        pseq: u64,
    },
    /// Its category and level are not recorded.
    Disabled,
    /// There was no room. The loss is recorded.
    Dropped {
        /// The recorder's own count of it.
        pseq: u64,
    },
    /// It breaks a limit. Nothing of it was recorded.
    Refused(Refused),
}

impl Emit {
    /// Whether the event is recorded.
    #[inline]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Emit::Accepted { .. })
    }
}

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
    encoder: Encoder,
    producer: RingProducer,
    next_pseq: u64,
    clock: Arc<EventClock>,
    reading: Reading,
    levels: Arc<LevelFilter>,
    failed: Arc<AtomicBool>,
    backpressure: Backpressure,
    scope: Scope,
    refused: Option<Refused>,
    database: Arc<dyn MakeDurable>,
}

/// The correlation id of the innermost trace, encoded as a field.
#[derive(Clone)]
struct Scope {
    length: u16,
    bytes: [u8; ID_BYTES_MAX + 4],
    /// Length of an id that is over the limit: events inside are refused, not left unstamped.
    too_long: Option<usize>,
}

impl Scope {
    const NONE: Scope = Scope { length: 0, bytes: [0; ID_BYTES_MAX + 4], too_long: None };

    fn new(id: &str) -> Scope {
        if id.len() > ID_BYTES_MAX {
            return Scope { too_long: Some(id.len()), ..Scope::NONE };
        }
        let mut scope = Scope { length: id.len() as u16 + 4, ..Scope::NONE };
        scope.bytes[0] = Field::CORRELATION_ID.code();
        scope.bytes[1] = crate::event::ValueType::Str as u8;
        scope.bytes[2..4].copy_from_slice(&(id.len() as u16).to_le_bytes());
        scope.bytes[4..4 + id.len()].copy_from_slice(id.as_bytes());
        scope
    }

    fn id(&self) -> &str {
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
        let mut builder =
            EventBuilder { recorder: self, category, name, status: None, ts: None, state: State::Disabled };
        if builder.recorder.levels.allows(category, level) {
            builder.begin(level);
        }
        builder
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
        let name = status.event_name();
        let mut builder = EventBuilder {
            recorder: self,
            category,
            name,
            status: Some(status),
            ts: None,
            state: State::Disabled,
        };
        if builder.recorder.levels.allows(category, Level::Info) {
            builder.begin(Level::Info);
        }
        builder
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

    /// Returns once everything this recorder emitted is durable.
    ///
    /// # Errors
    /// The failed write or sync.
    pub fn sync(&mut self) -> Result<()> {
        self.database.make_durable(self.producer(), self.producer.tail())
    }

    #[inline]
    fn push(&mut self, ts: Option<Timestamp>) -> Emit {
        let ts = match ts {
            Some(ts) => ts,
            None => Timestamp(self.reading.now_ns(&self.clock)),
        };
        let pseq = self.next_pseq;
        self.next_pseq += 1;
        let record = self.encoder.finish(ts, pseq);
        if !self.failed.load(Ordering::Relaxed) && self.producer.push(record, pseq + 1) {
            return Emit::Accepted { pseq };
        }
        self.push_slowly(ts, pseq)
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not recorded.
    Disabled,
    /// Not recorded, and fields were given already.
    DisabledWithFields,
    /// Being encoded.
    Enabled,
    /// Over a limit; the recorder holds the reason.
    Refused,
}

/// An event being put together. Nothing is recorded until [`emit`](EventBuilder::emit).
#[must_use = "an event is recorded by .emit()"]
pub struct EventBuilder<'r> {
    recorder: &'r mut Recorder,
    category: Category,
    name: &'r str,
    status: Option<OrderStatus>,
    ts: Option<Timestamp>,
    state: State,
}

macro_rules! text_fields {
    ($($method:ident $field:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $method(mut self, text: &str) -> Self {
            self.add_text(Field::$field, text);
            self
        }
    )*};
}

macro_rules! decimal_fields {
    ($($method:ident $field:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $method(mut self, value: impl Into<Decimal>) -> Self {
            self.add_decimal(Field::$field, value.into());
            self
        }
    )*};
}

impl<'r> EventBuilder<'r> {
    #[inline]
    fn begin(&mut self, level: Level) {
        self.state = State::Enabled;
        self.recorder.encoder.begin(self.category, level);
        if !self.name.is_empty() {
            self.add_text(Field::EVENT, self.name);
        }
        if let Some(status) = self.status {
            self.add_text(Field::STATUS, status.as_str());
        }
    }

    #[inline(always)]
    fn add_text(&mut self, field: Field, text: &str) {
        if self.state != State::Enabled {
            self.pass_by();
        } else if let Err(refused) = self.recorder.encoder.known_text(field, text) {
            self.refuse(refused);
        }
    }

    #[inline(always)]
    fn add_decimal(&mut self, field: Field, value: Decimal) {
        if self.state != State::Enabled {
            self.pass_by();
        } else if let Err(refused) = self.recorder.encoder.known_decimal(field, value) {
            self.refuse(refused);
        }
    }

    /// Remembers that a field was given to an event that is not recorded.
    #[inline]
    fn pass_by(&mut self) {
        if self.state == State::Disabled {
            self.state = State::DisabledWithFields;
        }
    }

    #[inline]
    fn add(&mut self, field: FieldRef<'_>, value: ValueRef<'_>) {
        if self.state != State::Enabled {
            self.pass_by();
        } else if let Err(refused) = self.recorder.encoder.field(field, value) {
            self.refuse(refused);
        }
    }

    #[cold]
    fn refuse(&mut self, refused: Refused) {
        self.recorder.refused = Some(refused);
        self.state = State::Refused;
    }

    /// Another level than the usual one. To raise the level of an event whose usual level is not recorded,
    /// call it before any field: fields given to a disabled event are gone, and the event is then refused.
    pub fn level(mut self, level: Level) -> Self {
        let allowed = self.recorder.levels.allows(self.category, level);
        match self.state {
            State::Enabled if allowed => self.recorder.encoder.set_level(level),
            State::Enabled => self.state = State::DisabledWithFields,
            State::Disabled if allowed => self.begin(level),
            State::DisabledWithFields if allowed => self.refuse(Refused::LevelAfterFields),
            _ => {}
        }
        self
    }

    /// The event time, instead of now.
    #[inline]
    pub fn at(mut self, ts: Timestamp) -> Self {
        self.ts = Some(ts);
        self
    }

    /// A well-known field.
    // Inlined so that a field and type known at compile time cost what the field's own method costs.
    #[inline(always)]
    pub fn known<'v>(mut self, field: Field, value: impl Into<ValueRef<'v>>) -> Self {
        match value.into() {
            ValueRef::Str(text) => self.add_text(field, text),
            ValueRef::Decimal(value) => self.add_decimal(field, value),
            value => self.add(FieldRef::Known(field), value),
        }
        self
    }

    /// Any field, by name. Names are up to 128 bytes; a well-known name means that field.
    #[inline]
    pub fn field<'v>(mut self, name: &str, value: impl Into<ValueRef<'v>>) -> Self {
        self.add(FieldRef::new(name), value.into());
        self
    }

    /// Any field, by name, with text formatted in place: `.field_fmt("path", format_args!("{a}/{b}"))`.
    #[inline]
    pub fn field_fmt(mut self, name: &str, text: fmt::Arguments<'_>) -> Self {
        if self.state != State::Enabled {
            self.pass_by();
        } else if let Err(refused) = self.recorder.encoder.formatted(FieldRef::new(name), text) {
            self.refuse(refused);
        }
        self
    }

    /// The sentence for people, formatted in place: `.message_fmt(format_args!("sent {n}"))`.
    #[inline]
    pub fn message_fmt(self, text: fmt::Arguments<'_>) -> Self {
        self.field_fmt("message", text)
    }

    text_fields! {
        message MESSAGE "The sentence for people; up to 32 KiB."
        order_id ORDER_ID "The order; up to 256 bytes, indexed."
        correlation_id CORRELATION_ID "What binds events together; up to 256 bytes, indexed."
        symbol SYMBOL "The instrument; up to 256 bytes, indexed."
        strategy STRATEGY "The strategy, instead of the recorder's."
        service SERVICE "The component, instead of the recorder's."
        session SESSION_ID "The session, instead of the recorder's."
        order_type ORDER_TYPE "The order type, e.g. `OrderType::Limit.as_str()`."
        status STATUS "The status of anything that is not an order."
        tags TAGS "Free labels."
    }

    decimal_fields! {
        price PRICE "Limit or trade price."
        quantity QUANTITY "Order quantity."
        fill_price FILL_PRICE "Execution price."
        fill_quantity FILL_QUANTITY "Executed quantity."
        commission COMMISSION "Commission."
        pnl PNL "Profit or loss."
        bid BID "Best bid."
        ask ASK "Best ask."
        bid_size BID_SIZE "Quantity at the best bid."
        ask_size ASK_SIZE "Quantity at the best ask."
    }

    /// Which way.
    #[inline]
    pub fn side(mut self, side: Side) -> Self {
        self.add_text(Field::SIDE, side.as_str());
        self
    }

    /// Latency in microseconds.
    #[inline]
    pub fn latency_us<'v>(self, value: impl Into<ValueRef<'v>>) -> Self {
        self.known(Field::LATENCY_US, value)
    }

    /// Slippage in basis points.
    #[inline]
    pub fn slippage_bps<'v>(self, value: impl Into<ValueRef<'v>>) -> Self {
        self.known(Field::SLIPPAGE_BPS, value)
    }

    /// Life of the order in milliseconds.
    #[inline]
    pub fn lifecycle_ms<'v>(self, value: impl Into<ValueRef<'v>>) -> Self {
        self.known(Field::LIFECYCLE_MS, value)
    }

    /// Records the event.
    #[inline]
    pub fn emit(mut self) -> Emit {
        self.record()
    }

    #[inline]
    fn record(&mut self) -> Emit {
        if self.state == State::Enabled {
            if self.recorder.scope.length > 0 || self.recorder.scope.too_long.is_some() {
                self.stamp();
            }
            if self.state == State::Enabled {
                return self.recorder.push(self.ts);
            }
        }
        self.not_recorded()
    }

    /// Adds the scope's correlation id, unless the event has its own.
    #[inline]
    fn stamp(&mut self) {
        let recorder = &mut *self.recorder;
        if recorder.encoder.has(Field::CORRELATION_ID) {
            return;
        }
        let outcome = match recorder.scope.too_long {
            None => {
                let known = 1 << Field::CORRELATION_ID.code();
                recorder.encoder.encoded(&recorder.scope.bytes[..recorder.scope.length as usize], 1, known)
            }
            Some(found_bytes) => {
                let field = Field::CORRELATION_ID.name().to_owned();
                Err(Refused::TooLong { field, found_bytes, limit_bytes: ID_BYTES_MAX })
            }
        };
        if let Err(refused) = outcome {
            self.refuse(refused);
        }
    }

    #[cold]
    fn not_recorded(&mut self) -> Emit {
        match self.recorder.refused.take() {
            Some(refused) if self.state == State::Refused => {
                self.recorder.producer.count_refused();
                Emit::Refused(refused)
            }
            _ => Emit::Disabled,
        }
    }

    /// Records the event and returns once it is durable: it survives a power failure. Look at what it returns:
    /// an event that was [dropped](Emit::Dropped) or [disabled](Emit::Disabled) is no error, and not recorded.
    ///
    /// # Errors
    /// The refusal, or the failed write or sync. An event that could not be made durable may still become so.
    pub fn emit_durable(mut self) -> Result<Emit> {
        match self.record() {
            Emit::Refused(refused) => Err(refused.into()),
            emitted @ Emit::Accepted { .. } => self.recorder.sync().map(|()| emitted),
            emitted => Ok(emitted),
        }
    }
}
