//! Databases of events written one a line: `@5 fill order_filled order_id=A fill_quantity=10`, the time in ms, the
//! category, the name, fields. `level=error` is the level.

use blotter_engine::event::{Category, Level, Timestamp, Value};
use blotter_engine::{Db, Options, RecorderOptions};
use rust_decimal::Decimal;

/// A database, which lasts as long as this.
pub(super) struct Recorded {
    pub(super) db: Db,
    _directory: tempfile::TempDir,
}

/// Records events, in the order of the lines; `is_sealed`: all but the last few of them are sealed.
pub(super) fn recorded(lines: &str, is_sealed: bool) -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let db = Options::new().without_threads().open(directory.path().join("desk.blotter")).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (number, line) in lines.iter().enumerate() {
        if is_sealed && number + 2 == lines.len() {
            db.flush().unwrap();
            db.seal().unwrap();
        }
        let mut words = line.split_whitespace();
        let ms: Decimal = words.next().unwrap().strip_prefix('@').unwrap().parse().unwrap();
        let ns = (ms * Decimal::from(1_000_000)).try_into().unwrap();
        let category = Category::custom(words.next().unwrap()).unwrap();
        let name = words.next().unwrap();
        let fields: Vec<(&str, &str)> = words.map(|word| word.split_once('=').unwrap()).collect();
        let level = fields.iter().find(|(name, _)| *name == "level");
        let level = level.map_or(Level::Info, |(_, level)| level.parse().unwrap());
        let mut event = recorder.event(category, level, name).at(Timestamp(ns));
        for (name, value) in fields.into_iter().filter(|(name, _)| *name != "level") {
            let value = value.parse::<Decimal>().map_or_else(|_| Value::from(value), Value::Decimal);
            event = event.field(name, value.borrow());
        }
        assert!(event.emit().is_accepted(), "{line}");
        if number % 5_000 == 4_999 {
            // No thread makes room for more.
            db.flush().unwrap();
        }
    }
    db.flush().unwrap();
    Recorded { db, _directory: directory }
}
