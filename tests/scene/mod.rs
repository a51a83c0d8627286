//! A small recorded session on a simulated host, as an image that can be damaged and looked at again and again.

// Each test uses its part.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};

use blotter::event::{Category, Event, Level, OrderStatus, Side, Timestamp, Value, dec};
use blotter::segment::Projection;
use blotter::vfs::sim::SimHost;
use blotter::vfs::{Host, OpenMode};
use blotter::{Db, Options, Predicate, Recorder, RecorderOptions, Snapshot};

pub const DATABASE: &str = "/data/desk.blotter";
pub const DAY_NS: i64 = 86_400_000_000_000;
/// 2026-01-02T14:30:00Z.
pub const START: Timestamp = Timestamp(1_767_364_200_000_000_000);

pub fn database() -> &'static Path {
    Path::new(DATABASE)
}

pub fn options() -> Options {
    Options::new().without_threads().ring_bytes(256 * 1024).wal_bytes_max(1 << 20).block_rows(128)
}

/// Records the events of these numbers; each is the same at every call.
pub fn record(recorder: &mut Recorder, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let ts = Timestamp(START.0 + number * 1_250_000 + (number % 3 / 2) * DAY_NS);
        let id = format!("A-{:05}", number / 4);
        let emitted = match number % 4 {
            0 => recorder
                .order(OrderStatus::Submitted)
                .at(ts)
                .order_id(&id)
                .symbol(["AAPL", "MSFT", "AMZN"][number as usize % 3])
                .side(Side::Buy)
                .price(dec!(150.25))
                .quantity(100 + number)
                .field("venue", "XNAS")
                .field("latency_us", number % 17)
                .message("submitted")
                .emit(),
            1 => recorder
                .event(Category::FILL, Level::Info, "fill")
                .at(ts)
                .order_id(&id)
                .field("fill_price", dec!(150.24))
                .message(&format!("filled {number} at 150.24"))
                .emit(),
            2 => recorder.signal("cross").at(ts).field("strength", number as f64 / 8.0).emit(),
            _ => recorder.order(OrderStatus::Filled).at(ts).order_id(&id).field("aggressive", true).emit(),
        };
        assert!(emitted.is_accepted(), "{emitted:?}");
    }
}

/// A session of `seals` seals with `sealed` events each, and `unsealed` ones after them; the database is closed.
pub fn session(sim: &SimHost, seals: i64, sealed: i64, unsealed: i64) {
    let db = options().open_on(&sim.boot(), database()).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    for seal in 0..seals {
        record(&mut recorder, seal * sealed..(seal + 1) * sealed);
        db.seal().unwrap();
    }
    record(&mut recorder, seals * sealed..seals * sealed + unsealed);
    drop(recorder);
    db.close().unwrap();
}

/// All files below the database.
#[derive(Clone)]
pub struct Image(pub Vec<(PathBuf, Vec<u8>)>);

impl Image {
    pub fn of(sim: &SimHost) -> Image {
        let files = files_below(&sim.boot(), database());
        Image(files.into_iter().map(|path| (path.clone(), sim.read_file(&path).unwrap())).collect())
    }

    /// A machine with these files, durable.
    pub fn restore(&self) -> SimHost {
        let sim = SimHost::new(1);
        let host = sim.boot();
        for dir in ["wal", "hot"] {
            host.files.create_dir_all(&database().join(dir)).unwrap();
        }
        for (path, bytes) in &self.0 {
            host.files.create_dir_all(path.parent().unwrap()).unwrap();
            let file = host.files.open(path, OpenMode::CreateNew).unwrap();
            file.write_all_at(bytes, 0).unwrap();
            file.sync_data().unwrap();
            for dir in path.ancestors().skip(1) {
                host.files.sync_dir(dir).unwrap();
            }
        }
        sim
    }

    /// Paths that end so, relative to the database.
    pub fn named(&self, end: &str) -> Vec<PathBuf> {
        let paths = self.0.iter().map(|(path, _)| path.strip_prefix(database()).unwrap());
        paths.filter(|path| path.to_string_lossy().ends_with(end)).map(Path::to_path_buf).collect()
    }

    pub fn bytes(&self, relative: &Path) -> &[u8] {
        let path = database().join(relative);
        &self.0.iter().find(|(known, _)| *known == path).expect("the file is in the image").1
    }

    pub fn without(&self, relative: &[&Path]) -> Image {
        let gone: Vec<PathBuf> = relative.iter().map(|path| database().join(path)).collect();
        Image(self.0.iter().filter(|(path, _)| !gone.contains(path)).cloned().collect())
    }

    pub fn with(&self, relative: &Path, bytes: Vec<u8>) -> Image {
        let mut image = self.without(&[relative]);
        image.0.push((database().join(relative), bytes));
        image
    }
}

pub fn files_below(host: &Host, dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in host.files.read_dir(dir).unwrap() {
        let path = dir.join(&entry.name);
        if entry.is_dir {
            found.extend(files_below(host, &path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Everything in a snapshot, by seq, each event's fields by name; and what could not be read.
pub fn everything(snapshot: &Snapshot) -> (Vec<Event>, Vec<String>) {
    let mut scan = snapshot.scan(&Predicate::all(), &Projection::all());
    let mut events: Vec<Event> = scan.by_ref().collect();
    events.sort_by_key(|event| event.seq);
    for event in &mut events {
        event.fields.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    }
    let unreadable = scan.unreadable().iter().map(|part| format!("{}: {}", part.path.display(), part.error));
    (events, unreadable.collect())
}

/// As [`everything`], of a database that must be whole.
pub fn all_events(db: &Db) -> Vec<Event> {
    let (events, unreadable) = everything(&db.snapshot().unwrap());
    assert!(unreadable.is_empty(), "{unreadable:?}");
    events
}

/// The text of a value on one line, with its type.
pub fn value_text(value: &Value) -> String {
    format!("{:?} {}", value.borrow().value_type(), value.borrow().to_string().escape_debug())
}
