//! Kills a recording process with SIGKILL at random moments and opens its database: every event whose `emit`
//! returned accepted is there, exactly once, `seq` has no gap, and what was dropped is recorded as lost.
//!
//! The child counts what it was promised in a memory-mapped file, which survives it. `BLOTTER_KILLS` sets how often
//! a process is killed (default 6).
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blotter::event::{OrderStatus, ProducerId};
use blotter::segment::Projection;
use blotter::vfs::sim::Prng;
use blotter::{Db, Emit, Options, Predicate, Reader, Recorder, RecorderOptions, Snapshot};

const CHILD_VARIABLE: &str = "BLOTTER_KILL_CHILD";
const THREADS: usize = 2;
const EVENTS_PER_SECOND: u64 = 200_000;

/// What one recorder was promised, in the order in which it is stored.
struct Counts(memmap2::MmapRaw);

/// Words of a recorder: its producer number plus one, accepted, dropped, durable.
const WORDS: usize = 4;

impl Counts {
    fn create(path: &Path) -> Counts {
        std::fs::write(path, vec![0; THREADS * WORDS * 8]).unwrap();
        Counts::open(path)
    }

    fn open(path: &Path) -> Counts {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        Counts(memmap2::MmapRaw::map_raw(&file).unwrap())
    }

    fn word(&self, thread: usize, word: usize) -> &AtomicU64 {
        let at = (thread * WORDS + word) * 8;
        assert!(at + 8 <= self.0.len());
        // SAFETY: in bounds, aligned to 8, and only accessed as an atomic.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().add(at).cast()) }
    }

    fn get(&self, thread: usize, word: usize) -> u64 {
        self.word(thread, word).load(Ordering::SeqCst)
    }
}

fn options() -> Options {
    // Small files, so that a kill often meets a rotation or a seal.
    Options::new().wal_bytes_max(2 * 1024 * 1024).ring_bytes(1024 * 1024)
}

/// The process that is killed; a no-op when run as an ordinary test.
#[test]
fn child_records_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_VARIABLE).map(PathBuf::from) else { return };
    let counts = Counts::open(&dir.join("counts"));
    let db = options().open(dir.join("desk.blotter")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
            let counts = &counts;
            scope.spawn(move || record(recorder, counts, thread));
        }
    });
}

fn record(mut recorder: Recorder, counts: &Counts, thread: usize) {
    counts.word(thread, 0).store(u64::from(recorder.producer().0) + 1, Ordering::SeqCst);
    let started = Instant::now();
    for number in 0u64.. {
        while started.elapsed().as_nanos() as u64 * EVENTS_PER_SECOND / 1_000_000_000 < number {
            std::hint::spin_loop();
        }
        let durable = number % 20_000 == 19_999;
        let event = recorder
            .order(OrderStatus::Submitted)
            .order_id("A-1")
            .symbol("AAPL")
            .quantity(number as i64)
            .message("a message of the usual length");
        let emitted = if durable { event.emit_durable().unwrap() } else { event.emit() };
        match emitted {
            Emit::Accepted { .. } => counts.word(thread, 1).fetch_add(1, Ordering::SeqCst),
            Emit::Dropped { .. } => counts.word(thread, 2).fetch_add(1, Ordering::SeqCst),
            other => panic!("{other:?}"),
        };
        if durable {
            counts.word(thread, 3).store(number, Ordering::SeqCst);
        }
    }
}

#[test]
fn whatever_was_accepted_survives_sigkill() {
    let kills: u64 =
        std::env::var("BLOTTER_KILLS").map_or(6, |kills| kills.parse().expect("a number of kills"));
    let seed = std::env::var("BLOTTER_KILL_SEED").map_or(1, |seed| seed.parse().expect("a seed"));
    let mut random = Prng::new(seed);
    let (mut events, mut taken_over, mut dropped) = (0, 0, 0);
    let mut dir = tempfile::tempdir().unwrap();
    let mut promised = BTreeMap::new();
    for kill in 0..kills {
        if kill % 5 == 0 {
            dir = tempfile::tempdir().unwrap();
            promised.clear();
        }
        let counts = Counts::create(&dir.path().join("counts"));
        kill_child(dir.path(), &counts, random.below(400));
        for thread in 0..THREADS {
            let producer = counts.get(thread, 0);
            if producer > 0 {
                promised
                    .insert(ProducerId(producer as u32 - 1), (counts.get(thread, 1), counts.get(thread, 2)));
            }
        }
        let path = dir.path().join("desk.blotter");
        // A reader meanwhile sees the same as the next owner will.
        let read = Reader::open(&path).unwrap().snapshot().unwrap();
        let (read_events, read_lost) =
            check(&read, &promised, true, &format!("kill {kill}, read before it is opened"));
        let db = options().open(&path).unwrap();
        assert!(db.recovery().unreadable_rings.is_empty(), "{:?}", db.recovery());
        let (found, lost) = check(&db.snapshot().unwrap(), &promised, false, &format!("kill {kill}"));
        assert_eq!(found, read_events, "kill {kill}: reader and owner disagree");
        assert!(read_lost <= lost, "kill {kill}: the reader counts more losses than the owner");
        taken_over += db.recovery().taken_over;
        if kill % 5 == 4 {
            events += found;
            dropped += lost;
        }
        if kill % 2 == 0 {
            db.seal().unwrap();
            check(&db.snapshot().unwrap(), &promised, false, &format!("kill {kill}, sealed"));
        }
    }
    println!(
        "{kills} kills, {events} events checked, {taken_over} taken over from rings, {dropped} recorded as lost, seed {seed}"
    );
}

fn kill_child(dir: &Path, counts: &Counts, after_ms: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_records_until_it_is_killed", "--nocapture"])
        .env(CHILD_VARIABLE, dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while counts.get(0, 1) == 0 && started.elapsed() < Duration::from_secs(60) {
        assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(after_ms));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Checks all that must hold, and gives the numbers of events and of losses.
///
/// Drops that a dying process had not recorded yet are recorded by the next owner; a reader before it knows of
/// them only that they are missing.
fn check(
    snapshot: &Snapshot,
    promised: &BTreeMap<ProducerId, (u64, u64)>,
    is_reader: bool,
    place: &str,
) -> (u64, u64) {
    let mut scan = snapshot.scan(&Predicate::all(), &Projection::all());
    let mut seqs = Vec::new();
    let mut counts: BTreeMap<ProducerId, Vec<u64>> = BTreeMap::new();
    let mut lost: BTreeMap<ProducerId, Vec<(u64, u64)>> = BTreeMap::new();
    for event in scan.by_ref() {
        seqs.push(event.seq.0);
        let number = |name: &str| event.get(name).unwrap().to_string().parse::<u64>().unwrap();
        if event.get("event").is_some_and(|name| name.to_string() == "events_lost") {
            let producer = ProducerId(number("lost_producer") as u32);
            lost.entry(producer).or_default().push((number("lost_first_pseq"), number("lost_count")));
        } else {
            assert_eq!(number("quantity"), event.pseq, "{place}: an event is not what was emitted");
            counts.entry(event.producer).or_default().push(event.pseq);
        }
    }
    assert!(scan.unreadable().is_empty(), "{place}: {:?}", scan.unreadable());
    seqs.sort_unstable();
    assert!(
        seqs.iter().enumerate().all(|(index, seq)| *seq == index as u64),
        "{place}: seq has a gap or a duplicate"
    );
    let (mut kept_events, mut lost_events) = (0, 0);
    for (producer, (accepted, dropped)) in promised {
        let mut found = counts.remove(producer).unwrap_or_default();
        let kept = found.len() as u64;
        kept_events += kept;
        // The kill may fall between the return of emit and the count of it.
        assert!(
            kept == *accepted || kept == accepted + 1,
            "{place}: producer {producer}: {kept} found, {accepted} accepted"
        );
        for (first, count) in lost.remove(producer).unwrap_or_default() {
            lost_events += count;
            found.extend(first..first + count);
        }
        let recorded_as_lost = found.len() as u64 - kept;
        assert!(
            recorded_as_lost <= dropped + 1 && (is_reader || recorded_as_lost + 1 >= *dropped),
            "{place}: producer {producer}: {recorded_as_lost} recorded as lost, {dropped} dropped"
        );
        found.sort_unstable();
        assert!(
            is_reader && *dropped > 0 || found.iter().enumerate().all(|(index, pseq)| *pseq == index as u64),
            "{place}: producer {producer}: an event is there twice, or neither there nor lost"
        );
    }
    assert!(counts.is_empty() && lost.is_empty(), "{place}: events of nobody: {:?} {lost:?}", counts.keys());
    (kept_events, lost_events)
}

#[test]
fn a_killed_process_leaves_no_lock_behind() {
    let dir = tempfile::tempdir().unwrap();
    let counts = Counts::create(&dir.path().join("counts"));
    kill_child(dir.path(), &counts, 20);
    let started = Instant::now();
    drop(Db::open(dir.path().join("desk.blotter")).unwrap());
    assert!(started.elapsed() < Duration::from_secs(10));
}
