//! What surrounds an event: why, by whom, where; and the error that is behind it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;

use rust_decimal::Decimal;

use super::failure::{BACKTRACE_BYTES_MAX, CHAIN_BYTES_MAX, MESSAGE_BYTES_MAX, bounded_text, error_chain};
use crate::record::EventBuilder;

macro_rules! texts {
    ($($method:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $method(self, text: &str) -> Self {
            self.field(stringify!($method), text)
        }
    )*};
}

/// Context, for any event.
///
/// ```
/// # use std::backtrace::Backtrace;
/// # fn send() -> std::io::Result<()> { Ok(()) }
/// # fn record(recorder: &mut blotter_engine::Recorder) {
/// if let Err(error) = send() {
///     recorder
///         .error("order_submit_failed")
///         .operation("submit order") // what
///         .component("gateway.xnas") // where
///         .cause(&error) // why: error_message, and error_chain with what caused it in turn
///         .actor("momentum") // who
///         .correlation_id("momentum_7f") // which transaction
///         .order_id("A-1")
///         .backtrace(&Backtrace::capture())
///         .emit();
/// }
/// # }
/// ```
impl EventBuilder<'_> {
    texts! {
        reason "Why."
        operation "What was being done."
        component "Where in the engine."
        actor "Who: a strategy, a user, a job."
        error_kind "The kind of an error, for grouping: `timeout`, `InsufficientFunds`."
    }

    /// How much of the capital is at risk, in percent.
    pub fn risk_percent(self, percent: impl Into<Decimal>) -> Self {
        self.field("risk_percent", percent.into())
    }

    /// The profit or loss that the change of a position made real.
    pub fn realized_pnl(self, pnl: impl Into<Decimal>) -> Self {
        self.field("realized_pnl", pnl.into())
    }

    /// Why, as an error: `error_message` is the error itself, and if something caused it, `error_chain` is it and its
    /// causes, `a: b: c`. At most 4 and 8 KiB of text and 32 causes; what is cut says how much is missing.
    ///
    /// Allocates, as does [`backtrace`](EventBuilder::backtrace), unless the event is not recorded.
    pub fn cause(self, error: &(dyn Error + '_)) -> Self {
        if !self.is_enabled() {
            return self.field("error_message", "");
        }
        let event = self.field("error_message", bounded_text(error, MESSAGE_BYTES_MAX).as_str());
        if error.source().is_none() {
            return event;
        }
        event.field("error_chain", error_chain(error, CHAIN_BYTES_MAX).as_str())
    }

    /// Where in the code, if it was captured: at most 16 KiB of text; what is cut says how much is missing.
    pub fn backtrace(self, backtrace: &Backtrace) -> Self {
        if !self.is_enabled() || backtrace.status() != BacktraceStatus::Captured {
            return self;
        }
        self.field("backtrace", bounded_text(backtrace, BACKTRACE_BYTES_MAX).as_str())
    }
}
