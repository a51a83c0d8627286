//! Orders are told to a tracker at given times, and what is then in the database is compared, line by line.

mod bounds;
mod illegal;
mod life;

use super::*;
use crate::event::Side;
use crate::event::dec;
use crate::{Db, RecorderOptions};

const MS: i64 = 1_000_000;

/// A database, a recorder and a tracker.
struct Scene {
    db: Db,
    recorder: Recorder,
    orders: OrderTracker,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(OrderTrackerOptions::default())
    }

    fn with(options: OrderTrackerOptions) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path().join("desk.blotter")).unwrap();
        let recorder = db.recorder(RecorderOptions::new().service("oms")).unwrap();
        let orders = recorder.order_tracker_with(options);
        Scene { db, recorder, orders, _dir: dir }
    }

    /// A buy of 100 AAPL at 150.25, created at that millisecond.
    fn create(&mut self, order_id: &str, at_ms: i64) {
        let order = NewOrder::new("AAPL", Side::Buy, 100).limit(dec!(150.25)).strategy("momentum");
        let emitted = self.orders.created(&mut self.recorder, order_id, &order).at(at(at_ms)).emit();
        assert!(emitted.is_accepted());
    }

    fn reach(&mut self, order_id: &str, status: OrderStatus, at_ms: i64) -> Emit {
        let new_id = format!("N-{at_ms}");
        let Scene { recorder, orders, .. } = self;
        let step = match status {
            OrderStatus::Created => {
                self.create(order_id, at_ms);
                return Emit::Accepted { pseq: 0 };
            }
            OrderStatus::Submitted => orders.submitted(recorder, order_id),
            OrderStatus::Acknowledged => orders.acknowledged(recorder, order_id, "X-1"),
            OrderStatus::PartiallyFilled => {
                orders.partially_filled(recorder, order_id, dec!(150.25), 10, dec!(0.10))
            }
            OrderStatus::Filled => orders.filled(recorder, order_id, dec!(150.25), 10, dec!(0.10)),
            OrderStatus::Cancelled => orders.cancelled(recorder, order_id, "stale"),
            OrderStatus::Rejected => orders.rejected(recorder, order_id, "price out of band"),
            OrderStatus::Expired => orders.expired(recorder, order_id),
            OrderStatus::Failed => orders.failed(recorder, order_id, "connection lost"),
            OrderStatus::Replaced => orders.replaced(recorder, order_id, &new_id, Replacement::default()),
        };
        step.at(at(at_ms)).emit()
    }

    /// Everything recorded, one line per event: `12ms warn order order_created name=value ...`, without the service.
    fn lines(&self) -> Vec<String> {
        self.db.flush().unwrap();
        let snapshot = self.db.snapshot().unwrap();
        let line = |event: crate::event::Event| {
            let fields = event.fields.iter().filter(|(key, _)| !["event", "service"].contains(&key.name()));
            let fields: Vec<_> = fields.map(|(key, value)| format!("{}={value}", key.name())).collect();
            let name = event.get("event").unwrap();
            let (ms, rest_ns) = (event.ts.nanos() / MS, event.ts.nanos() % MS);
            assert_eq!(rest_ns, 0, "times are given");
            format!("{ms}ms {} {} {name} {}", event.level, event.category, fields.join(" "))
        };
        snapshot.scan(&crate::Predicate::all(), &crate::segment::Projection::all()).map(line).collect()
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        let lines = self.lines();
        for (line, expected) in lines.iter().zip(expected) {
            assert_eq!(line, expected);
        }
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp(ms * MS)
}
