//! Health of the engine.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::event::{Category, Level, names};
use crate::record::{EventBuilder, Recorder};

/// The status of a component that does what it should.
pub(super) const HEALTHY: &str = "healthy";

impl Recorder {
    /// A component answered, after that time, that it is `healthy`, `degraded`, `unhealthy` or whatever it calls it:
    /// category `system`, level info, or warn unless it is healthy. `response_time_ms` is exact to the microsecond.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn record(recorder: &mut blotter_engine::Recorder) {
    /// recorder.health_check("gateway", "healthy", Duration::from_micros(1_250)).emit(); // response_time_ms=1.250
    /// # }
    /// ```
    pub fn health_check(
        &mut self,
        component: &str,
        status: &str,
        response_time: Duration,
    ) -> EventBuilder<'_> {
        let level = if status.eq_ignore_ascii_case(HEALTHY) { Level::Info } else { Level::Warn };
        self.event(Category::SYSTEM, level, names::HEALTH_CHECK)
            .status(status)
            .component(component)
            .field("response_time_ms", Decimal::new(micros(response_time), 3))
    }
}

/// Whole microseconds of a time; the most that fits, if they do not.
pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
