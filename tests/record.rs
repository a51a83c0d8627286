//! Recording through the public API: what is emitted is found, while it runs, after a close, after sealing.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::time::Duration;

use blotter::event::{Category, Field, Level, OrderStatus, Seq, Side, Timestamp, dec};
use blotter::view::FollowFrom;
use blotter::{Backpressure, Db, Emit, Error, Options, Predicate, Reader, RecorderOptions};

fn database() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    (dir, path)
}

#[test]
fn what_is_emitted_is_found_live_sealed_and_reopened() {
    let (_dir, path) = database();
    let db = Db::open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).unwrap();
    for number in 0..1000 {
        let id = format!("A-{number}");
        let emitted = recorder
            .order(OrderStatus::Submitted)
            .order_id(&id)
            .symbol("AAPL")
            .side(Side::Buy)
            .price(dec!(150.25))
            .quantity(100)
            .field("venue", "XNAS")
            .message("submitted")
            .emit();
        assert_eq!(emitted, Emit::Accepted { pseq: number });
    }
    db.flush().unwrap();
    let check = |found: Vec<blotter::event::Event>| {
        assert_eq!(found.len(), 1);
        let event = &found[0];
        assert_eq!((event.seq, event.category, event.level), (Seq(77), Category::ORDER, Level::Info));
        let expected = [
            ("event", "order_submitted"),
            ("order_id", "A-77"),
            ("symbol", "AAPL"),
            ("side", "BUY"),
            ("status", "submitted"),
            ("price", "150.25"),
            ("quantity", "100"),
            ("venue", "XNAS"),
            ("message", "submitted"),
            ("strategy", "momentum"),
            ("service", "oms"),
        ];
        for (name, value) in expected {
            assert_eq!(event.get(name).map(|value| value.to_string()).as_deref(), Some(value), "{name}");
        }
        assert_eq!(event.fields.len(), expected.len());
    };
    check(db.snapshot().unwrap().lookup("A-77").collect());
    check(Reader::open(&path).unwrap().snapshot().unwrap().lookup("A-77").collect());
    db.seal().unwrap();
    assert!(db.snapshot().unwrap().segments().count() > 0);
    check(db.snapshot().unwrap().lookup("A-77").collect());
    check(Reader::open(&path).unwrap().snapshot().unwrap().lookup("A-77").collect());
    drop(recorder);
    drop(db);
    let db = Db::open(&path).unwrap();
    check(db.snapshot().unwrap().lookup("A-77").collect());
    assert_eq!(db.statistics().next_seq, Seq(1000));
}

#[test]
fn dropping_handles_in_any_order_loses_nothing() {
    for recorder_first in [true, false] {
        let (_dir, path) = database();
        let db = Db::open(&path).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
        for _ in 0..100 {
            assert!(recorder.system("tick").emit().is_accepted());
        }
        if recorder_first {
            drop(recorder);
            drop(db);
        } else {
            drop(db);
            assert!(recorder.system("tick").emit().is_accepted());
            drop(recorder);
        }
        let reader = Reader::open(&path).unwrap();
        let expected = if recorder_first { 100 } else { 101 };
        assert_eq!(
            reader.snapshot().unwrap().scan(&Predicate::all(), &blotter::segment::Projection::all()).count(),
            expected
        );
    }
}

#[test]
fn a_trace_stamps_its_id_on_what_is_inside_and_nests() {
    let (_dir, path) = database();
    let db = Db::open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    recorder.signal("before").emit();
    let mut trace = recorder.trace("trade_1");
    trace.signal("inside").emit();
    trace.signal("own").correlation_id("other").emit();
    let mut inner = trace.trace("trade_2");
    inner.signal("inner").emit();
    drop(inner);
    trace.signal("again").emit();
    drop(trace);
    let generated = recorder.trace_generated().id().to_owned();
    assert_eq!(generated.len(), 16);
    recorder.signal("after").emit();
    let too_long = "x".repeat(257);
    assert!(matches!(recorder.trace(&too_long).signal("refused").emit(), Emit::Refused(_)));
    db.flush().unwrap();
    let events: Vec<_> =
        db.snapshot().unwrap().scan(&Predicate::all(), &blotter::segment::Projection::all()).collect();
    let ids: Vec<_> = events.iter().map(|event| event.text(Field::CORRELATION_ID)).collect();
    assert_eq!(ids, ["", "trade_1", "other", "trade_2", "trade_1", ""]);
    assert_eq!(db.statistics().refused, 1);
}

#[test]
fn levels_can_be_changed_while_running() {
    let (_dir, path) = database();
    let db = Options::new().levels("info,market_data=off").open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    assert_eq!(recorder.signal("debug").emit(), Emit::Disabled);
    assert_eq!(recorder.market_data("quote").level(Level::Critical).emit(), Emit::Disabled);
    db.levels().set(Category::SIGNAL, Some(Level::Debug));
    assert!(recorder.signal("debug").emit().is_accepted());
    assert!(recorder.audit("x").level(Level::Warn).emit().is_accepted());
    assert_eq!(recorder.audit("x").message("m").level(Level::Debug).emit(), Emit::Disabled);
    db.levels().apply("critical").unwrap();
    let raised = recorder.audit("x").message("m").level(Level::Critical).emit();
    assert!(matches!(raised, Emit::Refused(_)), "a field was lost: {raised:?}");
    assert!(recorder.audit("x").level(Level::Critical).message("m").emit().is_accepted());
}

#[test]
fn a_full_ring_drops_and_the_loss_is_recorded_in_place() {
    let (_dir, path) = database();
    // Without threads nothing drains the ring but a flush.
    let db = Options::new().without_threads().ring_bytes(256 * 1024).open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let (mut accepted, mut dropped) = (0u64, 0u64);
    while dropped < 10 {
        match recorder.system("tick").emit() {
            Emit::Accepted { .. } => accepted += 1,
            Emit::Dropped { .. } => dropped += 1,
            other => panic!("{other:?}"),
        }
    }
    db.flush().unwrap();
    assert!(recorder.system("tick").emit().is_accepted());
    db.flush().unwrap();
    let statistics = db.statistics();
    assert_eq!((statistics.emitted, statistics.dropped), (accepted + 1, 10));
    let lost: Vec<_> = db
        .snapshot()
        .unwrap()
        .scan(&Predicate::all().equals("event", "events_lost"), &blotter::segment::Projection::all())
        .collect();
    assert_eq!(lost.len(), 1);
    let number = |name: &str| lost[0].get(name).unwrap().to_string();
    assert_eq!(number("lost_count"), "10");
    assert_eq!(number("lost_first_pseq"), accepted.to_string());
    assert_eq!(number("lost_producer"), recorder.producer().to_string());
}

#[test]
fn a_durable_event_makes_room_for_itself() {
    let (_dir, path) = database();
    let db = Options::new().without_threads().ring_bytes(256 * 1024).open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut accepted = 0;
    while recorder.system("tick").emit().is_accepted() {
        accepted += 1;
    }
    let emitted = recorder.system("halt").emit_durable().unwrap();
    assert_eq!(emitted, Emit::Accepted { pseq: accepted + 1 });
    let halt = Predicate::all().equals("event", "halt");
    assert_eq!(db.snapshot().unwrap().scan(&halt, &blotter::segment::Projection::all()).count(), 1);
}

#[test]
fn a_field_given_twice_is_refused_in_any_category() {
    let (_dir, path) = database();
    let db = Db::open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for category in [Category::ORDER, Category::custom("given_twice").unwrap()] {
        let twice =
            recorder.event(category, Level::Info, "x").field("a", 1).field("b", 2).field("a", 3).emit();
        assert!(matches!(twice, Emit::Refused(_)), "{category}: {twice:?}");
        let known = recorder.event(category, Level::Info, "x").symbol("A").field("symbol", "B").emit();
        assert!(matches!(known, Emit::Refused(_)), "{category}: {known:?}");
    }
}

#[test]
fn blocking_waits_for_room_and_loses_nothing() {
    let (_dir, path) = database();
    let db = Options::new()
        .ring_bytes(256 * 1024)
        .backpressure(Backpressure::Block { timeout: Duration::from_secs(30) })
        .open(&path)
        .unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for _ in 0..100_000 {
        assert!(
            recorder.system("tick").message("a message of some length to fill the ring").emit().is_accepted()
        );
    }
    drop(recorder);
    db.flush().unwrap();
    assert_eq!(db.statistics().next_seq, Seq(100_000));
    assert_eq!(db.statistics().dropped, 0);
}

#[test]
fn a_second_writer_is_told_who_holds_the_database() {
    let (_dir, path) = database();
    let _db = Db::open(&path).unwrap();
    let error = Db::open(&path).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }));
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
}

#[test]
fn a_durable_event_is_durable() {
    let (_dir, path) = database();
    let db = Options::new().durability(blotter::Durability::Os).open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for _ in 0..10 {
        let emitted = recorder.order(OrderStatus::Created).order_id("A").emit_durable().unwrap();
        assert!(emitted.is_accepted());
        assert_eq!(db.statistics().not_durable_bytes, 0);
    }
    assert!(recorder.order(OrderStatus::Created).order_id(&"x".repeat(300)).emit_durable().is_err());
}

#[test]
fn scans_come_in_order_of_time_forwards_and_backwards_and_are_pruned() {
    let (_dir, path) = database();
    let db = Options::new().open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let day = 86_400_000_000_000;
    for number in 0..3000i64 {
        let ts = Timestamp((number * 7919 % 3000) * day / 1000);
        let mut event = recorder.audit("x").at(ts).field("n", number);
        if number % 3 == 0 {
            event = event.symbol("MSFT");
        }
        assert!(event.emit().is_accepted());
        if number == 1500 {
            db.seal().unwrap();
        }
    }
    db.flush().unwrap();
    let snapshot = db.snapshot().unwrap();
    let all = blotter::segment::Projection::all();
    let forwards: Vec<_> = snapshot.scan(&Predicate::all(), &all).collect();
    assert_eq!(forwards.len(), 3000);
    assert!(forwards.is_sorted_by_key(|event| (event.ts, event.seq)));
    let mut backwards: Vec<_> = snapshot.scan_backwards(&Predicate::all(), &all).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    let first = Timestamp(day / 2);
    let last = Timestamp(day * 2);
    let wanted = Predicate::all().between(first, last).equals("symbol", "MSFT").category(Category::AUDIT);
    let found: Vec<_> = snapshot.scan(&wanted, &all).collect();
    let expected: Vec<_> = forwards
        .iter()
        .filter(|event| event.ts >= first && event.ts <= last && event.text(Field::SYMBOL) == "MSFT")
        .cloned()
        .collect();
    assert_eq!(found, expected);
    assert!(!found.is_empty());
}

#[test]
fn a_follower_sees_every_event_once_in_order_across_rotation_and_sealing() {
    let (_dir, path) = database();
    let db = Options::new().wal_bytes_max(64 * 1024).open(&path).unwrap();
    let mut follower = Reader::open(&path).unwrap().follow(FollowFrom::Seq(Seq(0))).unwrap();
    let mut recorder = db
        .recorder(
            RecorderOptions::new().backpressure(Backpressure::Block { timeout: Duration::from_secs(30) }),
        )
        .unwrap();
    let writer = std::thread::spawn(move || {
        for number in 0..50_000i64 {
            assert!(recorder.audit("x").field("n", number).emit().is_accepted());
        }
    });
    for number in 0..50_000u64 {
        let event = follower.next(Duration::from_secs(20)).unwrap().expect("it comes");
        assert_eq!(event.seq, Seq(number));
        assert_eq!(event.get("n").unwrap().to_string(), number.to_string());
    }
    writer.join().unwrap();
    assert_eq!(follower.next(Duration::from_millis(20)).unwrap(), None);
}

#[test]
fn a_follower_gives_borrowed_events_once_in_order_whichever_way_it_is_asked() {
    let (_dir, path) = database();
    let db = Options::new().wal_bytes_max(64 * 1024).open(&path).unwrap();
    let mut recorder = db
        .recorder(
            RecorderOptions::new()
                .service("oms")
                .backpressure(Backpressure::Block { timeout: Duration::from_secs(30) }),
        )
        .unwrap();
    let mut emit = move |numbers: std::ops::Range<i64>| {
        numbers.for_each(|number| assert!(recorder.audit("x").field("n", number).emit().is_accepted()));
    };
    // The first come from segments, the next from the WAL, the last as they are recorded.
    emit(0..20_000);
    db.seal().unwrap();
    emit(20_000..30_000);
    let mut follower = Reader::open(&path).unwrap().follow(FollowFrom::Seq(Seq(0))).unwrap();
    let writer = std::thread::spawn(move || emit(30_000..50_000));
    let (mut next, mut refused) = (0, 0);
    while next < 50_000 {
        if next % 7 == 3 {
            // One at a time, in between.
            assert_eq!(follower.next(Duration::from_secs(20)).unwrap().expect("it comes").seq, Seq(next));
            next += 1;
            continue;
        }
        let looked = follower.each(Duration::from_secs(20), &mut |event| {
            assert_eq!(event.seq, Seq(next));
            let fields: Vec<String> = event
                .fields()
                .map(|field| field.map(|(field, value)| format!("{}={value}", field.name())))
                .collect::<Result<_, _>>()?;
            for wanted in [format!("n={next}"), "event=x".to_owned(), "service=oms".to_owned()] {
                assert!(fields.contains(&wanted), "{fields:?}");
            }
            next += 1;
            // What is refused is passed over, not given again.
            if next % 1_000 == 0 {
                refused += 1;
                let reason = "the test says so".to_owned();
                return Err(blotter::Error::Unavailable { path: "".into(), reason });
            }
            Ok(())
        });
        assert!(looked.is_err() || looked.unwrap() > 0);
        assert_eq!(follower.next_seq(), Seq(next));
    }
    writer.join().unwrap();
    assert!(refused >= 40);
    assert_eq!(follower.each(Duration::from_millis(20), &mut |_| panic!("there is no more")).unwrap(), 0);
}

#[test]
fn an_event_of_another_process_is_recorded_by_the_owner_within_its_limits() {
    use blotter::control::{By, NewEvent, NewValue, Request, Response};
    let (_dir, path) = database();
    let db = Db::open(&path).unwrap();
    let by = By::new("test", "an alert");
    let record = |category: &str, level: &str, fields: &[(&str, NewValue)]| {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let (category, level) = (category.to_owned(), level.to_owned());
        let event = NewEvent { category, level, event: "alert".to_owned(), fields };
        blotter::administer(&path, &Request::Record(event), &by, &mut |_| {})
    };
    let fields = [
        ("flag", NewValue::Bool(true)),
        ("count", NewValue::Int(-5)),
        ("ratio", NewValue::Float(0.5)),
        ("price", NewValue::Decimal("1.50".into())),
        ("rule", NewValue::Text("silence".into())),
    ];
    assert_eq!(record("system", "warn", &fields).unwrap(), Response::Recorded);
    for (category, level, field, said) in [
        ("No", "warn", NewValue::Int(1), "is not a category"),
        ("system", "loud", NewValue::Int(1), "is not a level"),
        ("system", "warn", NewValue::Decimal("x".into()), "is no decimal"),
        ("system", "warn", NewValue::Text("x".repeat(100_000)), "field 'x' has 100000 bytes, the limit is"),
        ("system", "warn", NewValue::Float(f64::NAN), "field 'x'"),
    ] {
        let error = record(category, level, &[("x", field)]).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let found: Vec<_> = db.snapshot().unwrap().scan(&Predicate::all(), &blotter::Projection::all()).collect();
    let [event] = &found[..] else { panic!("{found:?}") };
    let printed = |name: &str| event.get(name).map(|value| value.to_string());
    let names = ["event", "flag", "count", "ratio", "price", "rule", "service"];
    let expected = ["alert", "true", "-5", "0.5", "1.50", "silence", "blotter"];
    assert_eq!(names.map(printed), expected.map(|text| Some(text.to_owned())));
    assert_eq!(event.level, blotter::event::Level::Warn);
}

#[test]
fn lookups_of_what_is_not_sealed_find_everything_with_and_without_filters() {
    let (_dir, path) = database();
    let db = Options::new().index("venue").open(&path).unwrap();
    let mut first = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    let mut second = db.recorder(RecorderOptions::new().strategy("pairs")).unwrap();
    let mut expected = std::collections::HashMap::<String, u64>::new();
    for round in 0..40u64 {
        for number in 0..250u64 {
            let (order, venue) =
                (format!("A-{}", (round * 250 + number) % 997), format!("venue-{}", number % 7));
            let recorder = if number % 2 == 0 { &mut first } else { &mut second };
            let emitted = recorder
                .order(OrderStatus::Submitted)
                .order_id(&order)
                .field("venue", venue.as_str())
                .field("is_live", true)
                .message("long enough that a stretch holds a few hundred events")
                .emit();
            assert!(emitted.is_accepted());
            *expected.entry(order).or_default() += 1;
            *expected.entry(venue).or_default() += 1;
        }
        db.flush().unwrap();
        // Sometimes before the filters are made, sometimes after.
        if round % 8 == 7 {
            std::thread::sleep(Duration::from_millis(15));
        }
        let snapshot = db.snapshot().unwrap();
        for id in ["A-0", "A-996", "A-500", "venue-6", "venue-9", "momentum"] {
            let found = snapshot.lookup(id).count() as u64;
            assert_eq!(found, expected.get(id).copied().unwrap_or(0), "{id} in round {round}");
        }
        let by_strategy = Predicate::all().equals("strategy", "momentum");
        let found = snapshot.scan(&by_strategy, &blotter::segment::Projection::all()).count() as u64;
        assert_eq!(found, (round + 1) * 125, "the filters know nothing of a field that is not indexed");
        let by_truth = Predicate::all().equals("is_live", "true");
        let found = snapshot.scan(&by_truth, &blotter::segment::Projection::all()).count() as u64;
        assert_eq!(found, (round + 1) * 250, "a truth value is not stored as it prints");
    }
}

#[test]
fn a_field_indexed_later_is_found_in_older_segments_and_stays_indexed() {
    let (_dir, path) = database();
    let all = blotter::segment::Projection::all();
    let record = |db: &Db| {
        let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
        assert!(recorder.order(OrderStatus::Created).field("venue", "XNAS").emit().is_accepted());
        drop(recorder);
        db.seal().unwrap();
    };
    record(&Db::open(&path).unwrap());
    let db = Options::new().index("venue").open(&path).unwrap();
    for expected in [1, 2] {
        let snapshot = db.snapshot().unwrap();
        assert_eq!(snapshot.lookup("XNAS").count(), expected);
        assert_eq!(snapshot.scan(&Predicate::all().equals("venue", "XNAS"), &all).count(), expected);
        record(&db);
    }
    drop(db);
    // An open that does not name the field does not end its index.
    let db = Db::open(&path).unwrap();
    assert_eq!(db.snapshot().unwrap().lookup("XNAS").count(), 3);
    record(&db);
    let indexed = Reader::open(&path).unwrap().snapshot().unwrap();
    assert!(indexed.indexed().iter().any(|field| field.name() == "venue"));
    assert_eq!(indexed.lookup("XNAS").count(), 4);
}

#[test]
fn application_categories_are_partitions_of_their_own() {
    let (_dir, path) = database();
    let db = Db::open(&path).unwrap();
    let category = Category::custom("training_runs").unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    assert!(recorder.event(category, Level::Info, "epoch").field("loss", 0.25).emit().is_accepted());
    db.seal().unwrap();
    let snapshot = db.snapshot().unwrap();
    assert!(snapshot.segments().any(|segment| segment.category == "training_runs"));
    let wanted = Predicate::all().category(category);
    assert_eq!(snapshot.scan(&wanted, &blotter::segment::Projection::all()).count(), 1);
}

#[test]
fn statistics_count_this_opening_only() {
    let sim = blotter::vfs::sim::SimHost::new(1);
    let path = std::path::Path::new("/data/desk.blotter");
    let open = || Options::new().without_threads().open_on(&sim.boot(), path).unwrap();
    let db = open();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for _ in 0..5 {
        assert!(recorder.system("tick").emit().is_accepted());
    }
    sim.crash_at(sim.calls() + 1);
    assert!(db.sync().is_err());
    sim.process_crash();
    drop((recorder, db));
    let db = open();
    assert_eq!(db.recovery().taken_over, 5);
    assert_eq!((db.statistics().emitted, db.statistics().next_seq), (0, Seq(5)));
}
