//! Crashes at every IO call of recording, sealing, committing, retiring, closing and recovering, on a simulated
//! host, and looks at what is left: everything acknowledged, once, and nothing else.
//!
//! Each run plays a seeded session and crashes at one call. Then the host either loses its power (what was not
//! synced is kept, dropped or torn by the seed; shared memory is gone) or only the process dies (page cache and
//! shared memory stay). Recovery is crashed too, up to twice, before the database is opened for good.
//!
//! `BLOTTER_CRASH_SEEDS` sets how many sessions are played (default 4); a failure prints its seed.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use blotter::event::{Category, EventId, Field, Timestamp};
use blotter::maintain::verify_on;
use blotter::segment::Projection;
use blotter::vfs::sim::{Prng, SimHost};
use blotter::{Db, Emit, Error, Options, Predicate, Reader, Recorder, RecorderOptions, Result};

const DATABASE: &str = "/data/desk.blotter";

fn options() -> Options {
    Options::new().without_threads().ring_bytes(256 * 1024).wal_bytes_max(64 * 1024).block_rows(128)
}

/// What the session knows it was promised.
#[derive(Default)]
struct Promised {
    /// Every event that `emit` accepted, and its number.
    accepted: BTreeMap<EventId, i64>,
    /// Those a sync had returned for.
    durable: HashSet<EventId>,
    next_number: i64,
}

impl Promised {
    fn all_durable(&mut self) {
        self.durable = self.accepted.keys().copied().collect();
    }
}

fn emit(recorder: &mut Recorder, promised: &mut Promised, random: &mut Prng, durable: bool) -> Result<()> {
    const DAY_NS: i64 = 86_400_000_000_000;
    let number = promised.next_number;
    promised.next_number += 1;
    let category = [Category::ORDER, Category::FILL, Category::MARKET_DATA][random.below(3) as usize];
    let ts = Timestamp(20_000 * DAY_NS + random.below(2) as i64 * DAY_NS + random.below(1000) as i64);
    let filler = "x".repeat(random.below(200) as usize);
    let producer = recorder.producer();
    let event = recorder
        .event(category, blotter::event::Level::Info, "tick")
        .at(ts)
        .order_id("A-1")
        .symbol("MSFT")
        .field("number", number)
        .message(&filler);
    // With a failed sync the event is accepted, and promised to survive the process, but not durable.
    let pseq = if durable {
        let next = event.emit_durable();
        match next {
            Ok(Emit::Accepted { pseq }) => {
                let id = EventId { producer, pseq };
                promised.accepted.insert(id, number);
                promised.durable.insert(id);
                return Ok(());
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                promised.accepted.insert(EventId { producer, pseq: recorder.next_pseq() - 1 }, number);
                return Err(error);
            }
        }
    } else {
        match event.emit() {
            Emit::Accepted { pseq } => pseq,
            other => panic!("{other:?}"),
        }
    };
    promised.accepted.insert(EventId { producer, pseq }, number);
    Ok(())
}

/// Plays until the end or the first error, which is the crash.
fn play(sim: &SimHost, seed: u64, promised: &mut Promised) -> Result<()> {
    let mut random = Prng::new(seed);
    for _ in 0..2 {
        let db = options().open_on(&sim.boot(), Path::new(DATABASE))?;
        play_open(&db, sim, &mut random, promised)?;
        db.close()?;
        promised.all_durable();
    }
    Ok(())
}

fn play_open(db: &Db, sim: &SimHost, random: &mut Prng, promised: &mut Promised) -> Result<()> {
    let mut recorders = vec![db.recorder(RecorderOptions::new().strategy("momentum"))?];
    for _ in 0..20 {
        let index = random.below(recorders.len() as u64) as usize;
        match random.below(12) {
            0 => recorders.push(db.recorder(RecorderOptions::new())?),
            1 if recorders.len() > 1 => drop(recorders.swap_remove(index)),
            2 => db.flush()?,
            3 => {
                db.sync()?;
                promised.all_durable();
            }
            4 | 5 => {
                db.seal()?;
                promised.all_durable();
            }
            6 => emit(&mut recorders[index], promised, random, true)?,
            7 => sim.clock().advance(1_000_000_000),
            _ => {
                for _ in 0..1 + random.below(60) {
                    emit(&mut recorders[index], promised, random, false)?;
                }
            }
        }
    }
    Ok(())
}

/// All that must hold after a crash.
fn check(db: &Db, promised: &Promised, only_process_died: bool, place: &str) {
    let mut scan = db.snapshot().unwrap().scan(&Predicate::all(), &Projection::all());
    let events: Vec<_> = scan.by_ref().collect();
    assert!(scan.unreadable().is_empty(), "{place}: {:?}", scan.unreadable());
    let mut seqs: Vec<_> = events.iter().map(|event| event.seq.0).collect();
    seqs.sort_unstable();
    assert!(seqs.iter().enumerate().all(|(index, seq)| *seq == index as u64), "{place}: seqs {seqs:?}");
    let mut found: BTreeMap<EventId, i64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.text(Field::EVENT) != "events_lost") {
        let number = event.get("number").unwrap().to_string().parse().unwrap();
        assert_eq!(found.insert(event.id(), number), None, "{place}: {:?} is there twice", event.id());
    }
    assert_eq!(events.len(), found.len(), "{place}: a loss was recorded");
    for (id, number) in &found {
        assert_eq!(promised.accepted.get(id), Some(number), "{place}: {id:?} was never accepted");
    }
    let everything = promised.accepted.keys().copied().collect();
    for id in if only_process_died { &everything } else { &promised.durable } {
        assert!(found.contains_key(id), "{place}: {id:?} is lost");
    }
    // What survives of a producer is a prefix of what it recorded.
    for id in found.keys().filter(|id| id.pseq > 0) {
        let before = EventId { pseq: id.pseq - 1, ..*id };
        assert!(found.contains_key(&before), "{place}: {id:?} is there without the one before");
    }
    let by_index = db.snapshot().unwrap().lookup("A-1").count();
    assert_eq!(by_index, found.len(), "{place}: the index misses events");
}

/// What a crash leaves needs no repair, whenever it is looked at.
fn verify_clean(sim: &SimHost, place: &str) {
    match verify_on(&sim.boot(), Path::new(DATABASE)) {
        Ok(report) => {
            let damage: Vec<String> = report.damage().map(ToString::to_string).collect();
            assert!(damage.is_empty(), "{place}: {damage:?}");
        }
        // The crash came before there was anything.
        Err(Error::NotADatabase { .. }) => {}
        Err(error) => panic!("{place}: {error}"),
    }
}

/// Crashes at call `crash_at` of the session of that seed, then during recovery; true if the call was reached.
fn crash_and_recover(seed: u64, crash_at: u64, only_process_died: bool) -> bool {
    let place = format!("seed {seed}, call {crash_at}, only the process died: {only_process_died}");
    let sim = SimHost::new(seed);
    let mut promised = Promised::default();
    sim.crash_at(crash_at);
    let outcome = play(&sim, seed, &mut promised);
    if !sim.crashed() {
        outcome.unwrap_or_else(|error| panic!("{place}: {error}"));
        return false;
    }
    let mut random = Prng::new(seed ^ crash_at << 20);
    let fail = |sim: &SimHost, random: &mut Prng| {
        if only_process_died { sim.process_crash() } else { sim.power_failure(random.next_u64()) }
    };
    fail(&sim, &mut random);
    for _ in 0..random.below(3) {
        // A reader in between finds a consistent prefix, or no database yet.
        if let Ok(reader) = Reader::open_on(&sim.boot(), Path::new(DATABASE)) {
            let mut scan = reader.snapshot().unwrap().scan(&Predicate::all(), &Projection::all());
            let seqs: HashSet<_> = scan.by_ref().map(|event| event.seq).collect();
            assert!(scan.unreadable().is_empty(), "{place}: {:?}", scan.unreadable());
            if only_process_died {
                assert_eq!(seqs.len(), promised.accepted.len(), "{place}: the reader misses events");
            }
        }
        sim.crash_at(sim.calls() + 1 + random.below(40));
        drop(options().open_on(&sim.boot(), Path::new(DATABASE)));
        if !sim.crashed() {
            sim.crash_at(sim.calls() + 1);
        }
        fail(&sim, &mut random);
    }
    verify_clean(&sim, &format!("{place}, dead"));
    let db = options()
        .open_on(&sim.boot(), Path::new(DATABASE))
        .unwrap_or_else(|error| panic!("{place}: the database does not open: {error}"));
    check(&db, &promised, only_process_died, &place);
    if crash_at.is_multiple_of(4) {
        verify_clean(&sim, &format!("{place}, open"));
    }
    db.seal().unwrap_or_else(|error| panic!("{place}: {error}"));
    check(&db, &promised, only_process_died, &format!("{place}, sealed"));
    true
}

fn crash_everywhere(only_process_died: bool) {
    let seeds =
        std::env::var("BLOTTER_CRASH_SEEDS").map_or(4, |seeds| seeds.parse().expect("a number of seeds"));
    let mut runs = 0;
    for seed in 0..seeds {
        let mut call = 1;
        while crash_and_recover(seed, call, only_process_died) {
            call += 1;
        }
        runs += call - 1;
        assert!(call > 50, "a session makes more calls than {call}");
    }
    println!("{seeds} sessions, {runs} crashes, 0 lost, 0 duplicated, 0 unreadable");
}

#[test]
fn after_a_power_failure_all_that_was_synced_is_there_once() {
    crash_everywhere(false);
}

#[test]
fn after_the_death_of_the_process_all_that_was_accepted_is_there_once() {
    crash_everywhere(true);
}
