//! What is said through `tracing` is recorded: typed, with what its spans say, from any thread.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod scene;

use std::error::Error;
use std::fmt;

use blotter_bridge::BridgeStatistics;
use blotter_engine::RecorderOptions;
use scene::{Scene, scene, scene_with};
use tracing::{debug, error, error_span, event, field, info, info_span, trace, warn};
use tracing_subscriber::layer::SubscriberExt;

impl Scene {
    /// Runs it under the bridge's layer.
    fn under(&self, said: impl FnOnce()) {
        let subscriber = tracing_subscriber::registry().with(self.bridge.layer());
        tracing::subscriber::with_default(subscriber, said);
    }
}

/// What the events come out as; every event has this test as component, which is left out.
#[track_caller]
fn check(said: impl FnOnce(), expected: &[&str]) {
    let scene = scene();
    scene.under(said);
    let lines = scene.lines().into_iter().map(|line| line.replace(" component=tracing", ""));
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    let recorded = expected.len() as u64;
    assert_eq!(scene.bridge.statistics(), BridgeStatistics { recorded, ..Default::default() });
}

#[test]
fn levels_categories_and_names() {
    check(
        || {
            trace!("a");
            debug!("b");
            info!("c");
            warn!(target: "gateway.xnas", "d {}", 1);
            info!(category = "order", event = "order_created", "e");
            event!(name: "heartbeat", tracing::Level::INFO, n = 1);
            info!(category = "no such category", "f");
        },
        &[
            "trace system \"a\"",
            "debug system \"b\"",
            "info system \"c\"",
            "warn system \"d 1\" component=gateway.xnas",
            "info order order_created\"e\"",
            "info system heartbeat\"\" n=1",
            "info system \"f\" field.category=no such category",
        ],
    );
}

#[test]
fn errors_have_their_place_and_their_causes() {
    #[derive(Debug)]
    struct Failed(Option<Box<Failed>>);
    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if self.0.is_some() { "submit" } else { "connection refused" })
        }
    }
    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.as_deref().map(|cause| cause as _)
        }
    }
    let failed = Failed(Some(Box::new(Failed(None))));
    let line = line!() + 2;
    check(
        || error!(error = &failed as &(dyn Error + 'static), "lost"),
        &[&format!(
            "error error \"lost\" error_message=submit error_chain=submit: connection refused location=bridge/tests/tracing.rs:{line}"
        )],
    );
    check(|| warn!(error = %failed), &["warn system \"\" error_message=submit"]);
    check(
        || warn!(why = &failed as &(dyn Error + 'static)),
        &["warn system \"\" why=submit: connection refused"],
    );
}

#[test]
fn values_keep_their_type_and_money_is_exact() {
    let scene = scene();
    scene.under(|| {
        info!(
            price = 150.25,
            quantity = "100",
            fill_price = %"3.81E-8",
            commission = "free",
            side = "buy",
            order_id = 17,
            n = -5,
            big = u64::MAX,
            bigger = i128::MAX,
            biggest = u128::MAX,
            ratio = 0.1,
            not = f64::NAN,
            is = true,
            list = ?[1, 2],
        );
    });
    scene.check(&[
        "info system \"\" price=150.25 quantity=100 fill_price=0.0000000381 commission=free side=BUY order_id=17 n=-5 big=18446744073709551615 bigger=170141183460469231731687303715884105727 biggest=340282366920938463463374607431768211455 ratio=0.1 not=NaN is=true list=[1, 2] component=tracing",
    ]);
    use blotter_engine::event::ValueType::*;
    let snapshot = scene.db.snapshot().unwrap();
    let event = snapshot.lookup("17").next().unwrap();
    let types: Vec<_> = event.fields.iter().map(|(_, value)| value.borrow().value_type()).collect();
    assert_eq!(
        types,
        [Decimal, Decimal, Decimal, Str, Str, Str, I64, Decimal, Str, Str, F64, Str, Bool, Str, Str]
    );
}

#[test]
fn names_that_are_taken_give_way() {
    check(
        || info!(ts = 1, level = "high", message = "first", seq = 2, a = 1, a = 2, a = 3, "second"),
        &[
            "info system \"second\" field.ts=1 field.level=high field.message=first field.seq=2 a=1 a.2=2 a.3=3",
        ],
    );
}

#[test]
fn events_inherit_what_their_spans_say() {
    check(
        || {
            let decision = info_span!(
                "decision",
                correlation_id = "m_7f",
                strategy = "momentum",
                symbol = "AAPL",
                other = 1
            );
            let _decision = decision.enter();
            info!("in");
            let submit = info_span!("submit", order_id = "A-1", symbol = field::Empty);
            submit.in_scope(|| info!(strategy = "own", "deeper"));
            submit.record("symbol", "MSFT");
            info!(parent: &submit, correlation_id = "c", "told later");
            info!(parent: None, "out");
        },
        &[
            "info system \"in\" symbol=AAPL strategy=momentum correlation_id=m_7f span=decision",
            "info system \"deeper\" strategy=own order_id=A-1 symbol=AAPL correlation_id=m_7f span=decision:submit",
            "info system \"told later\" correlation_id=c order_id=A-1 symbol=MSFT strategy=momentum span=decision:submit",
            "info system \"out\"",
        ],
    );
}

#[test]
fn without_a_correlation_id_the_order_names_it_or_the_outermost_span() {
    let scene = scene();
    let correlation_ids = |line: &String| {
        let id = line.split(' ').find_map(|word| word.strip_prefix("correlation_id="));
        id.unwrap_or("none").to_owned()
    };
    scene.under(|| {
        for _ in 0..2 {
            let _outer = error_span!("outer").entered();
            info!("1");
            let _inner = error_span!("inner").entered();
            info!("2");
            error_span!("order", order_id = 7).in_scope(|| info!("3"));
        }
    });
    let ids: Vec<_> = scene.lines().iter().map(correlation_ids).collect();
    let is_generated = |id: &str| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_generated(&ids[0]) && is_generated(&ids[3]), "{ids:?}");
    assert!(ids[0] == ids[1] && ids[3] == ids[4] && ids[0] != ids[3], "{ids:?}");
    assert_eq!((ids[2].as_str(), ids[5].as_str()), ("7", "7"));
}

#[test]
fn long_texts_are_cut_and_too_much_is_told() {
    let scene = scene();
    let (long, id) = ("€".repeat(4_000), "x".repeat(300));
    scene.under(|| {
        info!(text = long, order_id = id, "{long}");
        let big = "y".repeat(8_000);
        info!(a = big, b = big, c = big, d = big, e = big, f = big, g = big, h = big, i = big, "too much");
    });
    let lines = scene.lines();
    let cut = format!("{}... (3810 more bytes)", "€".repeat(2_730));
    assert_eq!(lines[0], format!("info system \"{cut}\" text={cut} field.order_id={id} component=tracing"),);
    assert!(
        lines[1].starts_with("warn system bridge_event_refused\"a logged event could not be recorded: "),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with(" component=tracing refused_message=too much"), "{}", lines[1]);
    assert_eq!(scene.bridge.statistics(), BridgeStatistics { recorded: 1, refused: 1, ..Default::default() });
}

#[test]
fn what_logs_while_it_is_formatted_is_recorded_too() {
    struct Loud;
    impl fmt::Debug for Loud {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!("formatting");
            f.write_str("loud")
        }
    }
    let scene = scene();
    scene.under(|| {
        let span = info_span!("span", symbol = field::Empty);
        span.record("symbol", field::debug(Loud));
        info!(parent: &span, a = ?Loud, "done");
    });
    let lines = scene.lines();
    let done = lines.last().unwrap();
    assert!(done.contains("\"done\" a=loud") && done.contains(" symbol=loud "), "{lines:?}");
    assert_eq!(scene.bridge.statistics().nested, 0);
}

#[test]
fn every_thread_has_a_recorder_until_it_ends() {
    const THREADS: u64 = 8;
    const EVENTS: u64 = 500;
    let scene = scene_with(RecorderOptions::new().ring_bytes(1024 * 1024));
    let subscriber = tracing_subscriber::registry().with(scene.bridge.layer());
    let dispatch = tracing::Dispatch::new(subscriber);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let dispatch = dispatch.clone();
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    let _span = info_span!("worker", order_id = thread).entered();
                    for number in 0..EVENTS {
                        info!(number, "working");
                    }
                });
            });
        }
    });
    let lines = scene.lines();
    assert_eq!(lines.len() as u64, THREADS * EVENTS);
    for (place, line) in lines.iter().enumerate() {
        let number = place as u64 % EVENTS;
        let thread = &lines[place - number as usize];
        assert!(line.contains(&format!(" number={number} ")), "in order, thread by thread: {line}");
        assert_eq!(line.split(" order_id=").nth(1), thread.split(" order_id=").nth(1));
    }
    assert_eq!(scene.bridge.statistics().recorded, THREADS * EVENTS);
    // The threads are gone, and so are their rings.
    scene.db.flush().unwrap();
    assert_eq!(scene.db.statistics().rings.len(), 0);
}

#[test]
fn a_bridge_that_is_dropped_lets_the_database_close_and_counts_what_comes_after() {
    let Scene { db, bridge, dir } = scene();
    let subscriber = tracing_subscriber::registry().with(bridge.layer());
    tracing::subscriber::with_default(subscriber, || {
        info!("before");
        drop(bridge);
        db.close().unwrap();
        // This thread still has its place, but the database is free: it can be opened again.
        let db = blotter_engine::Db::open(dir.path().join("desk.blotter")).unwrap();
        info!("after");
        let events =
            db.snapshot().unwrap().scan(&Default::default(), &blotter_engine::segment::Projection::all());
        assert_eq!(events.count(), 1);
    });
}

#[test]
fn without_a_recorder_events_are_counted() {
    let scene = scene_with(RecorderOptions::new().ring_bytes(1)); // far too small
    scene.under(|| (0..3).for_each(|_| info!("lost")));
    let expected = BridgeStatistics { without_recorder: 3, ..Default::default() };
    assert_eq!((scene.bridge.statistics(), scene.lines().len()), (expected, 0));
}

#[test]
fn what_the_database_does_not_record_is_counted_as_that() {
    let scene = scene();
    scene.db.levels().apply("system=warn,error=off").unwrap();
    scene.under(|| {
        info!("a");
        error!("b");
        warn!("c");
    });
    assert_eq!(
        scene.bridge.statistics(),
        BridgeStatistics { recorded: 1, disabled: 2, ..Default::default() }
    );
}
