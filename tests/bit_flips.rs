//! Every single flipped bit of a WAL file, a segment, MANIFEST and journal, and a sample of the catalog's, is
//! detected or harmless: an error, a part listed as unreadable, a finding of verification, or the same answers as
//! without it. Never another answer, a panic, or an allocation that the damage decides.
//!
//! Each flip is looked at by a reader, in full and by an index lookup; where that sees nothing, by verification; and
//! some by an open for writing. `BLOTTER_ALL_FLIPS=1` takes all bits of the catalog too, and looks at every flip in
//! all three ways.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod scene;

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use blotter::event::Event;
use blotter::maintain::verify_on;
use blotter::vfs::sim::{Prng, SimHost};
use blotter::{Reader, Result, Snapshot};

use scene::{Image, database, everything, options, session};

/// Flips of the catalog in a default run.
const CATALOG_FLIPS: u64 = 5000;
/// No single allocation is larger; rings and caches of a sound database stay below.
const ALLOCATION_BYTES_MAX: usize = 16 << 20;
const FLIP_TIME_MAX: Duration = Duration::from_secs(10);

/// Notes the largest allocation.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator with the arguments as they came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from the system's allocator with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: `at` came from the system's allocator with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn all_flips() -> bool {
    std::env::var("BLOTTER_ALL_FLIPS").is_ok_and(|value| value == "1")
}

struct Sample {
    image: Image,
    events: Vec<Event>,
    id: String,
    carrying_id: Vec<Event>,
}

fn sample(sealed: i64, unsealed: i64) -> Sample {
    let sim = SimHost::new(4);
    session(&sim, 1, sealed, unsealed);
    let image = Image::of(&sim);
    let snapshot = Reader::open_on(&image.restore().boot(), database()).unwrap().snapshot().unwrap();
    let events = everything(&snapshot).0;
    assert_eq!(events.len() as i64, sealed + unsealed);
    let id = "A-00005".to_owned();
    let mut carrying_id: Vec<Event> = snapshot.lookup(&id).collect();
    sorted(&mut carrying_id);
    assert_eq!(carrying_id.len(), 3);
    Sample { image, events, id, carrying_id }
}

fn sorted(events: &mut [Event]) {
    for event in events {
        event.fields.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    Harmless,
    Detected,
}

impl Sample {
    /// What a snapshot answers: right, or with a part listed as missing and the rest right.
    fn judge(&self, snapshot: &Snapshot, place: &str) -> Outcome {
        let (events, unreadable) = everything(snapshot);
        let mut scan = snapshot.lookup(&self.id);
        let mut found: Vec<Event> = scan.by_ref().collect();
        sorted(&mut found);
        let lookup_complete = scan.unreadable().is_empty();
        let right = |event: &Event| self.events.get(event.seq.0 as usize) == Some(event);
        assert!(events.iter().all(right), "{place}: an event is not what was recorded");
        assert!(found.iter().all(right), "{place}: a lookup found what was not recorded");
        if lookup_complete {
            assert_eq!(found, self.carrying_id, "{place}: a lookup misses events and does not say so");
        }
        if unreadable.is_empty() {
            assert_eq!(events.len(), self.events.len(), "{place}: events are missing and nothing says so");
        }
        if unreadable.is_empty() && lookup_complete { Outcome::Harmless } else { Outcome::Detected }
    }

    fn read(&self, sim: &SimHost, place: &str) -> Outcome {
        let snapshot = (|| -> Result<Snapshot> { Reader::open_on(&sim.boot(), database())?.snapshot() })();
        snapshot.map_or(Outcome::Detected, |snapshot| self.judge(&snapshot, place))
    }

    fn verify(&self, sim: &SimHost) -> Outcome {
        match verify_on(&sim.boot(), database()) {
            Ok(report) if report.is_clean() => Outcome::Harmless,
            _ => Outcome::Detected,
        }
    }

    fn open(&self, sim: &SimHost, place: &str) -> Outcome {
        match options().open_on(&sim.boot(), database()) {
            Err(_) => Outcome::Detected,
            Ok(db) => self.judge(&db.snapshot().unwrap(), place),
        }
    }

    /// Flips the bits one after the other and looks; prints the counts.
    fn flip(&self, file: &Path, bits: impl Iterator<Item = usize>, opens_every: usize, readers: bool) {
        let good = self.image.bytes(file).to_vec();
        let path = database().join(file);
        let sim = self.image.restore();
        let (mut flips, mut detected, mut opened) = (0, 0, 0);
        for bit in bits {
            let place = format!("{}, bit {} of byte {}", file.display(), bit % 8, bit / 8);
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            sim.overwrite_file(&path, &bytes).unwrap();
            let began = Instant::now();
            let looked = catch_unwind(AssertUnwindSafe(|| {
                let seen = if readers { self.read(&sim, &place) } else { Outcome::Harmless };
                let opens = flips % opens_every == 0 || all_flips();
                // Verification takes longest. Where a reader sees nothing, it must look; where one complains, it
                // must complain too, which some flips show.
                if seen == Outcome::Detected && !opens {
                    return seen;
                }
                let verified = self.verify(&sim);
                assert!(verified >= seen, "{place}: a reader sees damage, verification does not");
                let opening = if opens {
                    opened += 1;
                    let sim = self.image.with(file, bytes.clone()).restore();
                    self.open(&sim, &place)
                } else {
                    Outcome::Harmless
                };
                assert!(verified >= opening, "{place}: open refuses, verification sees nothing");
                verified
            }));
            let outcome = looked.unwrap_or_else(|_| panic!("{place}: it panicked"));
            assert!(began.elapsed() < FLIP_TIME_MAX, "{place}: it took {:?}", began.elapsed());
            flips += 1;
            detected += usize::from(outcome == Outcome::Detected);
        }
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(
            largest <= ALLOCATION_BYTES_MAX,
            "{}: {largest} bytes were allocated at once",
            file.display()
        );
        assert!(detected > 0);
        println!(
            "{}: {flips} flips, {detected} detected, {} harmless; {opened} opened for writing",
            file.display(),
            flips - detected
        );
    }

    fn flip_all(&self, file: &Path, opens_every: usize) {
        self.flip(file, 0..self.image.bytes(file).len() * 8, opens_every, true);
    }
}

#[test]
fn wal() {
    let sample = sample(40, 10);
    let file = sample.image.named(".wal").remove(0);
    sample.flip_all(&file, 41);
}

#[test]
fn segment() {
    let sample = sample(40, 0);
    let smallest = |path: &PathBuf| sample.image.bytes(path).len();
    let file = sample.image.named(".seg").into_iter().min_by_key(smallest).unwrap();
    sample.flip_all(&file, 101);
}

#[test]
fn manifest() {
    let sample = sample(40, 4);
    sample.flip_all(Path::new("MANIFEST"), 101);
}

#[test]
fn journal() {
    let sample = sample(40, 4);
    sample.flip_all(Path::new("journal"), 5);
}

#[test]
fn catalog() {
    let sample = sample(40, 4);
    let file = Path::new("catalog.redb");
    let bytes = sample.image.bytes(file);
    if all_flips() {
        return sample.flip(file, 0..bytes.len() * 8, 1, false);
    }
    // Half of the sample in pages that hold anything; the rest of the file is mostly zeros.
    let used: Vec<usize> = (0..bytes.len() / 4096)
        .filter(|page| bytes[page * 4096..][..4096].iter().any(|byte| *byte != 0))
        .collect();
    let mut random = Prng::new(11);
    let bits = (0..CATALOG_FLIPS).map(|flip| match flip % 2 {
        0 => used[random.below(used.len() as u64) as usize] * 32768 + random.below(32768) as usize,
        _ => random.below(bytes.len() as u64 * 8) as usize,
    });
    sample.flip(file, bits, 20, false);
}
