//! Checks and limits of risk.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::event::{Category, Level, names};
use crate::record::{EventBuilder, Recorder};

/// Digits after the point of `used_percent`, halves to the even neighbour.
const PERCENT_DIGITS: u32 = 2;

impl Recorder {
    /// A check was passed, or not: category `risk`, `status` `passed` at level info or `failed` at level warn.
    ///
    /// ```
    /// # use blotter_engine::event::dec;
    /// # fn record(recorder: &mut blotter_engine::Recorder) {
    /// recorder.risk_check("max_order_value", false).order_id("A-1").reason("15,025 over 10,000").emit();
    /// recorder.risk_limit("gross_exposure", dec!(870_000), dec!(1_000_000)).emit(); // used_percent=87
    /// # }
    /// ```
    pub fn risk_check(&mut self, check: &str, has_passed: bool) -> EventBuilder<'_> {
        let (level, status) = if has_passed { (Level::Info, "passed") } else { (Level::Warn, "failed") };
        self.event(Category::RISK, level, names::RISK_CHECK).status(status).field("check", check)
    }

    /// How much of a limit is used: category `risk`, level info, or warn from the limit on. `used_percent` has two
    /// digits after the point, halves rounded to the even one; it is left out for a limit of zero.
    pub fn risk_limit(
        &mut self,
        limit_name: &str,
        value: impl Into<Decimal>,
        limit: impl Into<Decimal>,
    ) -> EventBuilder<'_> {
        let (value, limit) = (value.into(), limit.into());
        let level = if value.abs() >= limit.abs() { Level::Warn } else { Level::Info };
        let event = self
            .event(Category::RISK, level, names::RISK_LIMIT)
            .field("limit_name", limit_name)
            .field("value", value)
            .field("limit", limit);
        match used_percent(value, limit) {
            Some(percent) => event.field("used_percent", percent),
            None => event,
        }
    }

    /// More of the portfolio is at risk than it should be: category `risk`, level warn.
    pub fn portfolio_heat_warning(&mut self, heat_percent: impl Into<Decimal>) -> EventBuilder<'_> {
        self.event(Category::RISK, Level::Warn, names::PORTFOLIO_HEAT_WARNING)
            .field("heat_percent", heat_percent.into())
    }
}

fn used_percent(value: Decimal, limit: Decimal) -> Option<Decimal> {
    let percent = value.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(limit)?;
    Some(percent.round_dp_with_strategy(PERCENT_DIGITS, RoundingStrategy::MidpointNearestEven).normalize())
}
