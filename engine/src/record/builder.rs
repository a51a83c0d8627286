//! One event being put together, field by field, in the recorder's own buffer.

use std::fmt;

use rust_decimal::Decimal;

use crate::error::{Refused, Result};
use crate::event::{Category, Field, FieldRef, Level, OrderStatus, Side, Timestamp, ValueRef};
use crate::limits::ID_BYTES_MAX;
use crate::record::Recorder;

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
    pub(super) recorder: &'r mut Recorder,
    category: Category,
    name: &'r str,
    status: Option<OrderStatus>,
    pub(super) ts: Option<Timestamp>,
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
    /// Starts an event of that level, if it is recorded.
    #[inline]
    pub(super) fn start(
        recorder: &'r mut Recorder,
        category: Category,
        level: Level,
        name: &'r str,
        status: Option<OrderStatus>,
    ) -> EventBuilder<'r> {
        let mut builder = EventBuilder { recorder, category, name, status, ts: None, state: State::Disabled };
        if builder.recorder.levels.allows(category, level) {
            builder.begin(level);
        }
        builder
    }

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
    pub(super) fn add_text(&mut self, field: Field, text: &str) {
        if self.state != State::Enabled {
            self.pass_by();
        } else if let Err(refused) = self.recorder.encoder.known_text(field, text) {
            self.refuse(refused);
        }
    }

    #[inline(always)]
    pub(super) fn add_decimal(&mut self, field: Field, value: Decimal) {
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

    /// Whether fields are still being recorded: for work that is only done for them.
    #[inline]
    pub(super) fn is_enabled(&self) -> bool {
        self.state == State::Enabled
    }

    /// A field by name.
    #[inline]
    pub(super) fn add_named(&mut self, name: &str, value: ValueRef<'_>) {
        self.add(FieldRef::new(name), value);
    }

    /// A well-known field, unless it was given already.
    #[inline]
    pub(super) fn add_missing(&mut self, field: Field, value: ValueRef<'_>) {
        if self.state != State::Enabled || !self.recorder.encoder.has(field) {
            self.add(FieldRef::Known(field), value);
        }
    }

    /// Fields that are encoded already, whose well-known codes are `known`. Nothing is added, and `false` returned, if
    /// one of them was given already.
    #[inline]
    pub(super) fn add_encoded(&mut self, fields: &[u8], count: u16, known: u64) -> bool {
        if self.state != State::Enabled {
            self.pass_by();
        } else if self.recorder.encoder.has_any(known) {
            return false;
        } else if let Err(refused) = self.recorder.encoder.encoded(fields, count, known) {
            self.refuse(refused);
        }
        true
    }

    #[cold]
    pub(super) fn refuse(&mut self, refused: Refused) {
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
        if self.finish() { self.recorder.push(self.ts) } else { self.not_recorded() }
    }

    /// Records the event, and gives the recorder back.
    #[inline]
    pub(super) fn emit_back(mut self) -> (Emit, &'r mut Recorder) {
        let emitted = if self.finish() { self.recorder.push(self.ts) } else { self.not_recorded() };
        (emitted, self.recorder)
    }

    /// Adds what is added last; whether there is a record to push.
    #[inline]
    fn finish(&mut self) -> bool {
        if self.state == State::Enabled
            && (self.recorder.scope.length > 0 || self.recorder.scope.too_long.is_some())
        {
            self.stamp();
        }
        self.state == State::Enabled
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

    /// Records the event and returns once it is durable: it survives a power failure. Where the ring is full it
    /// is written out first. An event that is [disabled](Emit::Disabled) is no error, and not recorded.
    ///
    /// # Errors
    /// The refusal, or the failed write or sync. An event that could not be made durable may still become so.
    pub fn emit_durable(mut self) -> Result<Emit> {
        if self.finish() {
            return self.recorder.push_durable(self.ts);
        }
        match self.not_recorded() {
            Emit::Refused(refused) => Err(refused.into()),
            emitted => Ok(emitted),
        }
    }
}
