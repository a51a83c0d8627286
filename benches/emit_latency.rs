//! P1: time of one `emit` of a whole order event through the public API, with group commit and sealing running.
//!
//! `cargo bench --bench emit_latency [-- THREADS RATE SECONDS]`, by default 1 recorder at 1,000,000 events/s for
//! 10 s, then 2 recorders at 200,000 each. Each call is timed with the time-stamp counter; the cost of an empty
//! measurement is printed beside. Calls that come late because an earlier one was slow are made at once, not
//! left out. The database lies in `BLOTTER_BENCH_DIR` or the temporary directory.

use blotter::{Db, RecorderOptions};

mod bench;

use bench::emit::{at_rate, empty_measurement, nanoseconds};

fn main() {
    let numbers = bench::numbers();
    let clock = quanta::Clock::new();
    println!("empty measurement: {}", nanoseconds(&empty_measurement(&clock)));
    match numbers[..] {
        [threads, rate, seconds] => run(&clock, threads, rate, seconds),
        _ => {
            run(&clock, 1, 1_000_000, 10);
            run(&clock, 2, 200_000, 10);
        }
    }
}

fn run(clock: &quanta::Clock, threads: u64, rate: u64, seconds: u64) {
    let dir = bench::scratch();
    let db = Db::open(dir.path().join("bench.blotter")).expect("a new database opens");
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let recorder =
                db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).expect("a recorder");
            let clock = clock.clone();
            std::thread::spawn(move || at_rate(recorder, &clock, rate, seconds))
        })
        .collect();
    let mut all = bench::histogram();
    for handle in handles {
        all.add(handle.join().expect("the recorder ends")).expect("the same bounds");
    }
    let before_sync = db.statistics();
    db.sync().expect("the disk takes it");
    let statistics = db.statistics();
    println!(
        "{threads} recorder(s) at {rate}/s for {seconds} s: {} | dropped {} | segments {} | syncs {} mean {:.2} ms max {:.2} ms | not durable at the end {} KiB",
        nanoseconds(&all),
        statistics.dropped,
        statistics.segments,
        statistics.sync.count,
        statistics.sync.total_ns as f64 / statistics.sync.count.max(1) as f64 / 1e6,
        statistics.sync.max_ns as f64 / 1e6,
        before_sync.not_durable_bytes / 1024,
    );
}
