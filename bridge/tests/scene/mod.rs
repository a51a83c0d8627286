//! A database with a bridge to it, and what is then in it.

#![allow(dead_code, reason = "every test compiles this for itself and uses a part")]

use blotter_bridge::Bridge;
use blotter_engine::segment::Projection;
use blotter_engine::{Db, Options, Predicate, RecorderOptions};

pub(crate) struct Scene {
    pub(crate) db: Db,
    pub(crate) bridge: Bridge,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn scene() -> Scene {
    scene_with(RecorderOptions::new())
}

pub(crate) fn scene_with(options: RecorderOptions) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let db = Options::new().levels("trace").open(dir.path().join("desk.blotter")).unwrap();
    let bridge = Bridge::new(&db, options);
    Scene { db, bridge, dir }
}

impl Scene {
    /// Everything recorded, in the order of recording: `level category event "message" name=value ...`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.db.flush().unwrap();
        let snapshot = self.db.snapshot().unwrap();
        let mut events: Vec<_> = snapshot.scan(&Predicate::all(), &Projection::all()).collect();
        events.sort_by_key(|event| (event.producer, event.pseq));
        let line = |event: &blotter_engine::event::Event| {
            let text = |name: &str| event.get(name).map(|value| value.to_string()).unwrap_or_default();
            let others = event.fields.iter().filter(|(key, _)| !["event", "message"].contains(&key.name()));
            let others: String = others.map(|(key, value)| format!(" {}={value}", key.name())).collect();
            format!("{} {} {}\"{}\"{others}", event.level, event.category, text("event"), text("message"))
        };
        events.iter().map(line).collect()
    }

    #[track_caller]
    pub(crate) fn check(&self, expected: &[&str]) {
        assert_eq!(self.lines(), expected);
    }
}
