//! P1: time of one `emit` of a whole order event through the public API, with group commit and sealing running.
//!
//! `cargo bench --bench emit_latency [-- THREADS RATE SECONDS]`, by default 1 recorder at 1,000,000 events/s for
//! 10 s, then 2 recorders at 200,000 each. Each call is timed with the time-stamp counter; the cost of an empty
//! measurement is printed beside. Calls that come late because an earlier one was slow are made at once, not
//! left out. The database lies in `BLOTTER_BENCH_DIR` or the temporary directory.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use blotter::event::{OrderStatus, Side, dec};
use blotter::{Db, Recorder, RecorderOptions};
use hdrhistogram::Histogram;

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let clock = quanta::Clock::new();
    println!("empty measurement: {}", percentiles(&empty_measurement(&clock)));
    match numbers[..] {
        [threads, rate, seconds] => run(&clock, threads, rate, seconds),
        _ => {
            run(&clock, 1, 1_000_000, 10);
            run(&clock, 2, 200_000, 10);
        }
    }
}

fn run(clock: &quanta::Clock, threads: u64, rate: u64, seconds: u64) {
    let dir = std::env::var_os("BLOTTER_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(dir).expect("a directory for the database");
    let db = Db::open(dir.path().join("bench.blotter")).expect("a new database opens");
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let recorder =
                db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).expect("a recorder");
            let clock = clock.clone();
            std::thread::spawn(move || record(recorder, &clock, rate, seconds))
        })
        .collect();
    let mut all = histogram();
    for handle in handles {
        all.add(handle.join().expect("the recorder ends")).expect("the same bounds");
    }
    let before_sync = db.statistics();
    db.sync().expect("the disk takes it");
    let statistics = db.statistics();
    println!(
        "{threads} recorder(s) at {rate}/s for {seconds} s: {} | dropped {} | segments {} | syncs {} mean {:.2} ms max {:.2} ms | not durable at the end {} KiB",
        percentiles(&all),
        statistics.dropped,
        statistics.segments,
        statistics.sync.count,
        statistics.sync.total_ns as f64 / statistics.sync.count.max(1) as f64 / 1e6,
        statistics.sync.max_ns as f64 / 1e6,
        before_sync.not_durable_bytes / 1024,
    );
}

/// Emits at a steady rate, spinning in between, and times each call.
fn record(mut recorder: Recorder, clock: &quanta::Clock, rate: u64, seconds: u64) -> Histogram<u64> {
    let mut latencies = histogram();
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

fn empty_measurement(clock: &quanta::Clock) -> Histogram<u64> {
    let mut latencies = histogram();
    for _ in 0..1_000_000 {
        let before = clock.raw();
        let after = clock.raw();
        latencies.record(clock.delta_as_nanos(before, after)).expect("within bounds");
    }
    std::thread::sleep(Duration::from_millis(1));
    latencies
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("valid bounds")
}

fn percentiles(latencies: &Histogram<u64>) -> String {
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
