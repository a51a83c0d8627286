//! P7 and P9: bytes on disk per event, and resident memory of a process that records.
//!
//! `cargo bench --bench size_and_memory [-- EVENTS SECONDS]`, by default 5,000,000 events for the size, and 30 s at
//! 200,000 events a second for the memory. The size is everything in the directory, in allocated blocks. The
//! memory is the whole process, in which the session that makes the events takes a few MB; `file` is mapped
//! segments and WAL, which the system takes back when it likes, `shared` the rings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use blotter::{Options, RecorderOptions};

mod bench;

const RATE: u64 = 200_000;

fn main() {
    let numbers = bench::numbers();
    bench::print_load("at the start");
    memory(Duration::from_secs(numbers.get(1).copied().unwrap_or(30)));
    size(numbers.first().copied().unwrap_or(5_000_000));
    bench::print_load("at the end");
}

fn kind_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(extension) if extension == "seg" || extension == "wal" => {
            format!("*.{}", extension.to_string_lossy())
        }
        _ if path.is_dir() => "directories".to_owned(),
        _ => name.into_owned(),
    }
}

fn size(count: u64) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    for event in bench::session((0, 1)).take(count as usize) {
        assert!(event.record(&mut recorder).is_accepted());
    }
    drop(recorder);
    db.seal().expect("the disk takes it");
    let mut by_category: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for segment in db.snapshot().expect("a snapshot").segments() {
        let (rows, bytes) = by_category.entry(segment.category.clone()).or_default();
        *rows += segment.rows;
        *bytes += segment.file_bytes;
    }
    let statistics = db.statistics();
    drop(db);
    let sizes = bench::disk_usage(&path, &kind_of);
    let total: u64 = sizes.values().sum();
    println!(
        "P7 size of {count} events, everything included: {:.2} bytes per event ({} segments)",
        total as f64 / count as f64,
        statistics.segments
    );
    for (kind, bytes) in sizes {
        println!("P7   {kind}: {bytes} bytes, {:.3} per event", bytes as f64 / count as f64);
    }
    for (category, (rows, bytes)) in by_category {
        println!("P7   {category}: {rows} events, {:.2} bytes each", bytes as f64 / rows as f64);
    }
}

fn memory(time: Duration) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    let mut session = bench::session((0, 1));
    let started = Instant::now();
    let (mut next, mut sampled) = (0u64, Duration::ZERO);
    let mut greatest = [0; 4];
    let print = |when: &str, sample: [u64; 4]| {
        let [all, anonymous, file, shared] = sample.map(|kib| kib / 1024);
        println!("P9 {when}: resident {all} MiB = anonymous {anonymous} + file {file} + shared {shared}");
    };
    while started.elapsed() < time {
        let due = (started.elapsed().as_secs_f64() * RATE as f64) as u64;
        while next < due {
            let event = session.next().expect("a session never ends");
            assert!(event.record(&mut recorder).is_accepted());
            next += 1;
        }
        let elapsed = started.elapsed();
        // Often enough to meet the sealer at its largest.
        if elapsed >= sampled + Duration::from_millis(50) {
            let sample = resident_kib();
            for (greatest, now) in greatest.iter_mut().zip(sample) {
                *greatest = now.max(*greatest);
            }
            if elapsed.as_secs() / 5 > sampled.as_secs() / 5 {
                let segments = db.statistics().segments;
                print(&format!("after {} s, {next} events, {segments} segments", elapsed.as_secs()), sample);
            }
            sampled = elapsed;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    print("greatest of each", greatest);
}

/// Of this process: all, anonymous, mapped files, shared memory.
fn resident_kib() -> [u64; 4] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ["VmRSS:", "RssAnon:", "RssFile:", "RssShmem:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    })
}
