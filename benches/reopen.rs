//! P8: how long opening takes after a kill with a full WAL, and with ten thousand segments.
//!
//! `cargo bench --bench reopen [-- SEGMENTS]`. A child process records until its WAL file is nearly full, nothing
//! sealed, and is killed with SIGKILL; then `Db::open` and the first lookup are timed here. Both are repeated
//! with a WAL of ten times the default size.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use blotter::event::{Category, Level, Timestamp};
use blotter::{Db, Options, RecorderOptions};

mod bench;

const RECORDER: &str = "recorder";
/// The default; a kill finds the file just below it.
const WAL_BYTES: u64 = 32 << 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [role, path, wal_bytes] = &words[..]
        && role == RECORDER
    {
        return record(Path::new(path), wal_bytes.parse().expect("a number of bytes"));
    }
    bench::print_load("at the start");
    for wal_bytes in [WAL_BYTES, 10 * WAL_BYTES] {
        for _ in 0..3 {
            killed(wal_bytes);
        }
    }
    many_segments(bench::numbers().first().copied().unwrap_or(10_000));
    bench::print_load("at the end");
}

fn killed(wal_bytes: u64) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([RECORDER.as_ref(), path.as_os_str(), wal_bytes.to_string().as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the recorder starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
    child.kill().expect("it can be killed");
    child.wait().expect("it is dead");
    let (id, emitted) = line.trim().split_once(' ').expect("an id and a number");
    let emitted: u64 = emitted.parse().expect("a number");

    let started = Instant::now();
    let db = Db::open(&path).expect("the database opens");
    let opened = started.elapsed();
    let found = db.snapshot().expect("a snapshot").lookup(id).count();
    let looked_up = started.elapsed();
    assert!(found > 0, "the last order recorded is there");
    let (statistics, recovery) = (db.statistics(), db.recovery());
    assert_eq!(statistics.next_seq.0, emitted, "every event accepted is there: {recovery:?}");
    println!(
        "P8 open after kill -9, WAL of {} MiB, {} events unsealed, {} taken over from rings: {:.1} ms, with the first lookup {:.1} ms",
        wal_bytes >> 20,
        statistics.unsealed_events,
        recovery.taken_over,
        opened.as_secs_f64() * 1e3,
        looked_up.as_secs_f64() * 1e3,
    );
}

/// The process that is killed: says what it recorded last, and waits for its end.
fn record(path: &Path, wal_bytes: u64) {
    let db = Options::new()
        .wal_bytes_max(wal_bytes)
        .backpressure(bench::BLOCK)
        .open(path)
        .expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    let wal = path.join("wal/0000000000000001.wal");
    let mut last = String::new();
    let mut emitted = 0u64;
    for event in bench::session((0, 1)) {
        assert!(event.record(&mut recorder).is_accepted());
        emitted += 1;
        if event.event == "order_created" {
            last = event.order_id.as_str().to_owned();
        }
        if emitted.is_multiple_of(1000) {
            db.flush().expect("the disk takes it");
            let written = std::fs::metadata(&wal).expect("the WAL file is there").len();
            if written > wal_bytes - (1 << 20) {
                break;
            }
        }
    }
    // Some of it is left in the ring, if the writer is not faster than this thread.
    for event in bench::session((1, 2)).take(1000) {
        assert!(event.record(&mut recorder).is_accepted());
        emitted += 1;
    }
    println!("{last} {emitted}");
    std::io::stdout().flush().expect("stdout takes it");
    std::thread::sleep(Duration::from_secs(60));
}

fn many_segments(count: u64) {
    let categories = [
        Category::MARKET_DATA,
        Category::SIGNAL,
        Category::ORDER,
        Category::FILL,
        Category::POSITION,
        Category::RISK,
        Category::SYSTEM,
        Category::ERROR,
        Category::PERFORMANCE,
        Category::AUDIT,
    ];
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Options::new().backpressure(bench::BLOCK).open(&path).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    const DAY_NS: i64 = 86_400_000_000_000;
    let days = count / categories.len() as u64;
    for day in 0..days {
        for category in categories {
            for number in 0..10 {
                let id = format!("{day}-{number}");
                let ts = Timestamp(1_600_000_000_000_000_000 + day as i64 * DAY_NS + number);
                let emitted = recorder.event(category, Level::Info, "made").at(ts).order_id(&id).emit();
                assert!(emitted.is_accepted());
            }
        }
        // A commit for a hundred days at a time.
        if (day + 1).is_multiple_of(100) {
            db.seal().expect("the disk takes it");
        }
    }
    db.seal().expect("the disk takes it");
    drop(recorder);
    drop(db);
    for _ in 0..3 {
        let started = Instant::now();
        let db = Db::open(&path).expect("the database opens");
        let opened = started.elapsed();
        let lookup = |id: &str| {
            let started = Instant::now();
            let found = db.snapshot().expect("a snapshot").lookup(id).count();
            assert_eq!(found, 10, "{id}");
            started.elapsed().as_secs_f64() * 1e3
        };
        let (first, again) = (lookup(&format!("{}-3", days / 2)), lookup(&format!("{}-4", days / 3)));
        println!(
            "P8 open with {} segments: {:.1} ms | first lookup {first:.1} ms, another {again:.1} ms",
            db.statistics().segments,
            opened.as_secs_f64() * 1e3,
        );
    }
}
