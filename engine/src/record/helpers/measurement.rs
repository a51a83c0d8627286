//! Calls of APIs, and figures that were measured.

use std::error::Error;
use std::time::Duration;

use super::system::micros;
use crate::event::{Category, Level, ValueRef, names};
use crate::record::{EventBuilder, Recorder};

impl Recorder {
    /// An API was called, and answered after that time with `status` `ok` or anything else: category `performance`,
    /// level info, or warn unless it is ok.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn record(recorder: &mut blotter_engine::Recorder) {
    /// let took = Duration::from_micros(1_804);
    /// recorder.api_call("/api/v3/order", took, "ok").field("http_status", 200).emit();
    /// recorder.metric("order_book_depth", 412, "levels").symbol("AAPL").emit();
    /// # }
    /// ```
    pub fn api_call(&mut self, endpoint: &str, latency: Duration, status: &str) -> EventBuilder<'_> {
        let level = if status.eq_ignore_ascii_case("ok") { Level::Info } else { Level::Warn };
        self.event(Category::PERFORMANCE, level, names::API_CALL)
            .status(status)
            .latency_us(micros(latency))
            .field("endpoint", endpoint)
    }

    /// A call of an API failed, after so many tries more: category `error`, level error.
    pub fn api_error(
        &mut self,
        endpoint: &str,
        error: &(dyn Error + '_),
        retry_count: u32,
    ) -> EventBuilder<'_> {
        self.error(names::API_ERROR)
            .cause(error)
            .field("endpoint", endpoint)
            .field("retry_count", retry_count)
    }

    /// A figure was measured, in a unit such as `us`, `bytes` or `percent`: category `performance`, level info.
    pub fn metric<'v>(
        &mut self,
        metric_name: &str,
        value: impl Into<ValueRef<'v>>,
        unit: &str,
    ) -> EventBuilder<'_> {
        self.performance(names::METRIC)
            .field("metric_name", metric_name)
            .field("value", value)
            .field("unit", unit)
    }

    /// A part of the engine took that long: category `performance`, level info. The value is in whole microseconds.
    pub fn latency_measurement(&mut self, segment: &str, latency: Duration) -> EventBuilder<'_> {
        self.performance(names::LATENCY_MEASUREMENT)
            .field("metric_name", "latency")
            .field("segment", segment)
            .field("value", micros(latency))
            .field("unit", "us")
    }
}
