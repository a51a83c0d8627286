//! P1: what one call of `emit` takes, at a steady rate.

use std::hint::black_box;
use std::time::Duration;

use blotter::Recorder;
use blotter::event::{OrderStatus, Side, dec};
use hdrhistogram::Histogram;

/// Emits at a steady rate, spinning in between, and times each call. Calls that come late because an earlier one was
/// slow are made at once, not left out.
pub(crate) fn at_rate(
    mut recorder: Recorder,
    clock: &quanta::Clock,
    rate: u64,
    seconds: u64,
) -> Histogram<u64> {
    let mut latencies = super::histogram();
    let ids: Vec<String> = (0..4096).map(|number| format!("20260102-AAPL-{:08}", number * 7919)).collect();
    let correlation_ids: Vec<String> =
        (0..4096u64).map(|number| format!("momentum_{:012x}", number * 0x9e37_79b9)).collect();
    let interval_ns = 1_000_000_000 / rate;
    let start = clock.raw();
    for number in 0..rate * seconds {
        while clock.delta_as_nanos(start, clock.raw()) < number * interval_ns {
            std::hint::spin_loop();
        }
        let index = (number % 4096) as usize;
        let before = clock.raw();
        let emitted = recorder
            .order(OrderStatus::Submitted)
            .order_id(&ids[index])
            .correlation_id(&correlation_ids[index])
            .symbol("AAPL")
            .side(Side::Buy)
            .price(dec!(150.25))
            .quantity(100 + index as i64)
            .latency_us(35)
            .message("order submitted (latency 35us)")
            .emit();
        let after = clock.raw();
        latencies.record(clock.delta_as_nanos(before, after)).expect("within bounds");
        black_box(emitted);
    }
    latencies
}

/// What timing nothing takes.
pub(crate) fn empty_measurement(clock: &quanta::Clock) -> Histogram<u64> {
    let mut latencies = super::histogram();
    for _ in 0..1_000_000 {
        let before = clock.raw();
        let after = clock.raw();
        latencies.record(clock.delta_as_nanos(before, after)).expect("within bounds");
    }
    std::thread::sleep(Duration::from_millis(1));
    latencies
}

/// The distribution in nanoseconds.
pub(crate) fn nanoseconds(latencies: &Histogram<u64>) -> String {
    let at = |quantile| latencies.value_at_quantile(quantile);
    format!(
        "p50 {} ns, p99 {}, p99.9 {}, p99.99 {}, max {} us",
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        latencies.max() / 1000
    )
}
