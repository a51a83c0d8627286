//! P2 and P3: how fast events become durable, and how fast they become queryable.
//!
//! `cargo bench --bench ingest [-- SECONDS MILLIONS]`, by default at least 10 s of P2 with 1 and with 2 recorders,
//! then P3 over 5 million events.
//!
//! P2 runs in rounds, each into a new database whose WAL file is never full, so that nothing is sealed. A round's
//! time runs from the first emit until `Db::sync` returns. After each round the same bytes, in writes of the same
//! size, go to a bare file of the same directory, with an `fdatasync` every 5 ms from a second thread as the
//! engine does: the disk's own speed at that work, in the same minutes. Events are made before.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use blotter::{Options, RecorderOptions};
use blotter_workload::SessionEvent;

mod bench;

/// Largest WAL file there may be.
const WAL_BYTES_MAX: u64 = 1 << 30;
/// A round ends well before its WAL file is full.
const ROUND_BYTES: u64 = 800 << 20;
const SYNC_INTERVAL: Duration = Duration::from_millis(5);

fn main() {
    let numbers = bench::numbers();
    let seconds = numbers.first().copied().unwrap_or(10);
    let millions = numbers.get(1).copied().unwrap_or(5);
    bench::print_load("at the start");
    for recorders in [1, 2] {
        durable(recorders, Duration::from_secs(seconds));
    }
    for recorders in [1, 2] {
        queryable(recorders, millions as usize * 1_000_000);
    }
    bench::print_load("at the end");
}

/// Sums over rounds.
#[derive(Default)]
struct Rounds {
    events: u64,
    bytes: u64,
    time: Duration,
    disk_time: Duration,
    writes: u64,
    syncs: u64,
}

fn durable(recorders: u32, at_least: Duration) {
    let lanes: Vec<Vec<SessionEvent>> =
        (0..recorders).map(|lane| bench::events((lane, recorders), 400_000)).collect();
    let mut rounds = Rounds::default();
    while rounds.time < at_least {
        durable_round(&lanes, &mut rounds);
    }
    let per_second = |count: u64, time: Duration| count as f64 / time.as_secs_f64() / 1e6;
    let (engine, disk) = (per_second(rounds.bytes, rounds.time), per_second(rounds.bytes, rounds.disk_time));
    println!(
        "P2 durable in the WAL, {recorders} recorder(s): {:.2} M events/s, {engine:.0} MB/s over {:.1} s \
         ({:.0} bytes per event, {} writes of {} KiB, {} syncs) | disk alone {disk:.0} MB/s | ratio {:.2}",
        per_second(rounds.events, rounds.time),
        rounds.time.as_secs_f64(),
        rounds.bytes as f64 / rounds.events as f64,
        rounds.writes,
        rounds.bytes / rounds.writes.max(1) / 1024,
        rounds.syncs,
        engine / disk,
    );
}

fn durable_round(lanes: &[Vec<SessionEvent>], rounds: &mut Rounds) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new()
        .wal_bytes_max(WAL_BYTES_MAX)
        .backpressure(bench::BLOCK)
        .open(&path)
        .expect("a new database opens");
    let recorders: Vec<_> =
        lanes.iter().map(|_| db.recorder(RecorderOptions::new()).expect("a recorder")).collect();
    let events_each = ROUND_BYTES / 200 / lanes.len() as u64;
    let writes_before = writes();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (events, mut recorder) in lanes.iter().zip(recorders) {
            scope.spawn(move || {
                for event in events.iter().cycle().take(events_each as usize) {
                    let emitted = event.record(&mut recorder);
                    assert!(emitted.is_accepted(), "{emitted:?}");
                }
            });
        }
    });
    db.sync().expect("the disk takes it");
    rounds.time += started.elapsed();
    let round_writes = writes() - writes_before;
    let statistics = db.statistics();
    assert_eq!((statistics.dropped, statistics.unsealed_files), (0, 1), "{statistics:?}");
    assert!(statistics.not_durable_bytes == 0, "{statistics:?}");
    let wal = bench::disk_usage(&path.join("wal"), &|_| String::new());
    // Allocated in whole blocks; what the file holds is less by one at most.
    let bytes: u64 = wal.values().sum();
    rounds.events += events_each * lanes.len() as u64;
    rounds.bytes += bytes;
    rounds.writes += round_writes;
    rounds.syncs += statistics.sync.count;
    drop(db);
    std::fs::remove_dir_all(&path).expect("the database can be removed");
    rounds.disk_time += disk_alone(&dir.path().join("bare"), bytes, (bytes / round_writes.max(1)) as usize);
}

/// Writes of this process so far.
fn writes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("syscw: ")?.trim().parse().ok()).unwrap_or(0)
}

fn disk_alone(path: &Path, bytes: u64, write_bytes: usize) -> Duration {
    let file = File::create_new(path).expect("a new file");
    let block: Vec<u8> = (0..write_bytes).map(|at| (at as u8).wrapping_mul(31)).collect();
    let is_written = AtomicBool::new(false);
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_written.load(Ordering::Relaxed) {
                std::thread::sleep(SYNC_INTERVAL);
                file.sync_data().expect("the disk takes it");
            }
        });
        let mut offset = 0;
        while offset < bytes {
            file.write_all_at(&block, offset).expect("the disk takes it");
            offset += block.len() as u64;
        }
        is_written.store(true, Ordering::Relaxed);
    });
    file.sync_data().expect("the disk takes it");
    started.elapsed()
}

fn queryable(recorders: u32, count: usize) {
    let lanes: Vec<Vec<SessionEvent>> =
        (0..recorders).map(|lane| bench::events((lane, recorders), count / recorders as usize)).collect();
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let handles: Vec<_> =
        lanes.iter().map(|_| db.recorder(RecorderOptions::new()).expect("a recorder")).collect();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (events, mut recorder) in lanes.iter().zip(handles) {
            scope.spawn(move || {
                for event in events {
                    let emitted = event.record(&mut recorder);
                    assert!(emitted.is_accepted(), "{emitted:?}");
                }
            });
        }
    });
    let emitted = started.elapsed();
    let sealer_before = thread_time("blotter-sealer");
    db.seal().expect("the disk takes it");
    let time = started.elapsed();
    let statistics = db.statistics();
    let events: u64 = lanes.iter().map(|lane| lane.len() as u64).sum();
    assert_eq!((statistics.sealed_events, statistics.unsealed_events, statistics.dropped), (events, 0, 0));
    println!(
        "P3 sealed and queryable, {recorders} recorder(s): {:.2} M events/s over {events} events in {:.2} s (all emitted after {:.2} s; \
         {} segments, {:.1} bytes per event) | sealer's processor time to that point {}",
        events as f64 / time.as_secs_f64() / 1e6,
        time.as_secs_f64(),
        emitted.as_secs_f64(),
        statistics.segments,
        statistics.segment_bytes as f64 / events as f64,
        sealer_before.map_or("unknown".to_owned(), |time| format!("{:.2} s", time.as_secs_f64())),
    );
    sealer_alone(&lanes);
}

/// What sealing costs when nothing else runs: everything recorded first, then sealed on this thread.
fn sealer_alone(lanes: &[Vec<SessionEvent>]) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new()
        .without_threads()
        .wal_bytes_max(WAL_BYTES_MAX)
        .open(&path)
        .expect("a new database opens");
    // About as many as the default file holds.
    let events: Vec<&SessionEvent> = lanes.iter().flatten().take(250_000).collect();
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    let (mut time, mut processor) = (Duration::ZERO, Duration::ZERO);
    const ROUNDS: u32 = 4;
    for _ in 0..ROUNDS {
        // The ring holds twice as many.
        for some in events.chunks(8_000) {
            for event in some {
                assert!(event.record(&mut recorder).is_accepted());
            }
            db.flush().expect("the disk takes it");
        }
        db.sync().expect("the disk takes it");
        let (started, processor_before) = (Instant::now(), own_thread_time());
        db.seal().expect("the disk takes it");
        time += started.elapsed();
        processor += own_thread_time() - processor_before;
    }
    let sealed = f64::from(ROUNDS) * events.len() as f64;
    println!(
        "P3 sealer alone, files of {} events: {:.0} ns per event, of which {:.0} ns processor",
        events.len(),
        time.as_nanos() as f64 / sealed,
        processor.as_nanos() as f64 / sealed,
    );
}

fn scheduled(path: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn own_thread_time() -> Duration {
    scheduled("/proc/thread-self/schedstat".as_ref()).unwrap_or_default()
}

/// Processor time of the thread of that name.
fn thread_time(name: &str) -> Option<Duration> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of_name = tasks
        .flatten()
        .map(|task| task.path())
        .find(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|found| found.trim() == name))?;
    scheduled(&of_name.join("schedstat"))
}
