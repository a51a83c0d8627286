//! Signals, entries, exits and positions.

use rust_decimal::Decimal;

use crate::event::{Side, ValueRef, names};
use crate::record::{EventBuilder, Recorder};

impl Recorder {
    /// A strategy wants in, because its score is beyond the threshold: category `signal`, level debug.
    ///
    /// ```
    /// # use blotter_engine::event::{Side, dec};
    /// # fn decide(recorder: &mut blotter_engine::Recorder) {
    /// recorder.entry_signal("AAPL", Side::Buy, dec!(0.83), dec!(0.5)).strategy("momentum").emit();
    /// # }
    /// ```
    pub fn entry_signal<'v>(
        &mut self,
        symbol: &str,
        side: Side,
        score: impl Into<ValueRef<'v>>,
        threshold: impl Into<ValueRef<'v>>,
    ) -> EventBuilder<'_> {
        let event = self.signal(names::ENTRY_SIGNAL).symbol(symbol).side(side);
        event.field("score", score).field("threshold", threshold)
    }

    /// A strategy wants out; `side` is that of the order that would close. Category `signal`, level debug.
    pub fn exit_signal<'v>(
        &mut self,
        symbol: &str,
        side: Side,
        score: impl Into<ValueRef<'v>>,
        threshold: impl Into<ValueRef<'v>>,
    ) -> EventBuilder<'_> {
        let event = self.signal(names::EXIT_SIGNAL).symbol(symbol).side(side);
        event.field("score", score).field("threshold", threshold)
    }

    /// A position was opened, by buying or selling: category `position`, level info.
    ///
    /// ```
    /// # use blotter_engine::event::{Side, dec};
    /// # fn record(recorder: &mut blotter_engine::Recorder) {
    /// recorder.trade_entry("AAPL", Side::Buy, 100, dec!(150.25)).reason("breakout").risk_percent(dec!(0.5)).emit();
    /// recorder.trade_exit("AAPL", Side::Sell, 100, dec!(151.00), dec!(75)).reason("target reached").emit();
    /// # }
    /// ```
    pub fn trade_entry(
        &mut self,
        symbol: &str,
        side: Side,
        quantity: impl Into<Decimal>,
        price: impl Into<Decimal>,
    ) -> EventBuilder<'_> {
        self.position(names::TRADE_ENTRY).symbol(symbol).side(side).quantity(quantity).price(price)
    }

    /// A position was closed, in part or in full, with that profit or loss; `side` is what was done to close it, so a
    /// long position is closed by selling. Category `position`, level info.
    pub fn trade_exit(
        &mut self,
        symbol: &str,
        side: Side,
        quantity: impl Into<Decimal>,
        price: impl Into<Decimal>,
        pnl: impl Into<Decimal>,
    ) -> EventBuilder<'_> {
        self.position(names::TRADE_EXIT).symbol(symbol).side(side).quantity(quantity).price(price).pnl(pnl)
    }

    /// A position is now so large, at that average price; `action` is what changed it: `open`, `increase`, `reduce`,
    /// `close`, `reconcile`, or a word of your own. Category `position`, level info.
    pub fn position_adjusted(
        &mut self,
        symbol: &str,
        action: &str,
        quantity_after: impl Into<Decimal>,
        average_price: impl Into<Decimal>,
    ) -> EventBuilder<'_> {
        self.position(names::POSITION_ADJUSTED)
            .symbol(symbol)
            .field("action", action)
            .field("quantity_after", quantity_after.into())
            .field("avg_price", average_price.into())
    }
}
