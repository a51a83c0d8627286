//! The pieces that are too short to be timed one by one: `cargo bench --bench micro`.

use std::hint::black_box;

use blotter::event::{OrderStatus, Side, dec};
use blotter::{
    Backpressure, Comparison, Db, NewOrder, Options, Predicate, Projection, Recorder, RecorderOptions,
};
use blotter_workload::{Session, SessionOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: usize = 200_000;

/// One call after the other, as fast as they come: the throughput of `emit`, not its latency at a rate.
fn emit(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory for the database");
    let block = Backpressure::Block { timeout: std::time::Duration::from_secs(10) };
    let db = Options::new().backpressure(block).open(dir.path().join("bench")).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).expect("a recorder");
    let mut group = criterion.benchmark_group("emit");
    group.bench_function("order", |bencher| {
        bencher.iter(|| {
            recorder
                .order(OrderStatus::Submitted)
                .order_id(black_box("20260102-AAPL-00007919"))
                .correlation_id("momentum_9e3779b97f4a")
                .symbol("AAPL")
                .side(Side::Buy)
                .price(dec!(150.25))
                .quantity(100)
                .latency_us(35)
                .message("order submitted (latency 35us)")
                .emit()
        });
    });
    db.levels().apply("off").expect("a level");
    group.bench_function("disabled", |bencher| {
        bencher
            .iter(|| recorder.order(OrderStatus::Submitted).order_id(black_box("A-1")).symbol("AAPL").emit());
    });
    group.finish();
}

/// A life of four steps and its end, by hand and through the tracker: what following an order costs.
fn tracked(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory for the database");
    let block = Backpressure::Block { timeout: std::time::Duration::from_secs(10) };
    let db = Options::new().backpressure(block).open(dir.path().join("bench")).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).expect("a recorder");
    // More than the tracker remembers after their end: an id that is known would be marked as used again.
    let ids: Vec<String> = (0..16_384).map(|number| format!("20260102-AAPL-{:08}", number * 7919)).collect();
    let mut group = criterion.benchmark_group("order of 4 steps");
    // The same five events with the same fields, every figure known beforehand.
    let mut next = ids.iter().cycle();
    group.bench_function("by hand", |bencher| {
        bencher.iter(|| by_hand(&mut recorder, black_box(next.next().expect("it never ends"))));
    });
    for live in [0, 50_000] {
        let mut orders = recorder.order_tracker();
        let new =
            NewOrder::new("AAPL", Side::Buy, 100).limit(dec!(150.25)).correlation_id("momentum_9e3779b97f4a");
        for number in 0..live {
            orders.created(&mut recorder, &format!("live-{number}"), &new).emit();
        }
        let mut next = ids.iter().cycle();
        group.bench_function(format!("tracked, beside {live} live orders"), |bencher| {
            bencher.iter(|| {
                let id = black_box(next.next().expect("it never ends"));
                orders.created(&mut recorder, id, &new).emit();
                orders.submitted(&mut recorder, id).emit();
                orders.acknowledged(&mut recorder, id, "XN-77").emit();
                orders.fill(&mut recorder, id, dec!(150.26), 100, dec!(0.35)).emit()
            });
        });
    }
    group.finish();
}

fn by_hand(recorder: &mut Recorder, id: &str) {
    macro_rules! of {
        ($event:expr) => {
            $event.order_id(id).correlation_id("momentum_9e3779b97f4a").symbol("AAPL").side(Side::Buy)
        };
    }
    of!(recorder.order(OrderStatus::Created)).order_type("limit").quantity(100).price(dec!(150.25)).emit();
    of!(recorder.order(OrderStatus::Submitted)).latency_us(35).emit();
    of!(recorder.order(OrderStatus::Acknowledged)).field("exchange_order_id", "XN-77").latency_us(70).emit();
    of!(recorder.fill(OrderStatus::Filled))
        .fill_price(dec!(150.26))
        .fill_quantity(100)
        .commission(dec!(0.35))
        .field("filled_quantity", dec!(100))
        .field("remaining_quantity", dec!(0))
        .field("average_price", dec!(150.26))
        .slippage_bps(dec!(0.6656))
        .lifecycle_ms(dec!(0.070))
        .emit();
    of!(recorder.audit("order_lifecycle"))
        .field("final_status", "filled")
        .field("total_events", 4)
        .field("duration_ms", dec!(0.070))
        .field("filled_quantity", dec!(100))
        .commission(dec!(0.35))
        .slippage_bps(dec!(0.6656))
        .field("order_qty", dec!(100))
        .field("average_price", dec!(150.26))
        .field("fills", 1)
        .field("submit_latency_us", 35)
        .field("ack_latency_us", 70)
        .emit();
}

fn sealed_session(dir: &std::path::Path) -> (Db, Vec<String>) {
    let block = Backpressure::Block { timeout: std::time::Duration::from_secs(10) };
    let db = Options::new().backpressure(block).open(dir.join("bench")).expect("a new database opens");
    let mut recorder = db.recorder(RecorderOptions::new()).expect("a recorder");
    for event in Session::new(7, SessionOptions::default()).take(EVENTS) {
        assert!(event.record(&mut recorder).is_accepted());
    }
    db.seal().expect("the disk takes it");
    let wanted = Predicate::all().equals("event", "order_created");
    let orders = db.snapshot().expect("a snapshot").scan(&wanted, &Projection::fields(["order_id".into()]));
    let ids = orders.filter_map(|event| event.get("order_id").map(|id| id.to_string())).collect();
    (db, ids)
}

fn read(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory for the database");
    let (db, ids) = sealed_session(dir.path());
    let snapshot = db.snapshot().expect("a snapshot");
    let mut next = ids.iter().cycle().step_by(7);
    let mut group = criterion.benchmark_group("read");
    group.bench_function("lookup", |bencher| {
        bencher.iter(|| snapshot.lookup(next.next().expect("it never ends")).count());
    });
    group.bench_function("latest 100", |bencher| {
        bencher.iter(|| snapshot.scan_backwards(&Predicate::all(), &Projection::all()).take(100).count());
    });
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
    group.bench_function("filter all", |bencher| {
        let slow = Predicate::all().compare("latency_us", Comparison::Greater, 1_000_000i64);
        bencher.iter(|| snapshot.scan(&slow, &Projection::all()).count());
    });
    group.bench_function("scan all", |bencher| {
        bencher.iter(|| snapshot.scan(&Predicate::all(), &Projection::all()).count());
    });
    group.finish();
}

criterion_group!(benches, emit, tracked, read);
criterion_main!(benches);
