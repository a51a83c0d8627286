//! The pieces that are too short to be timed one by one: `cargo bench --bench micro`.

use std::hint::black_box;

use blotter::event::{OrderStatus, Side, dec};
use blotter::{Backpressure, Comparison, Db, Options, Predicate, Projection, RecorderOptions};
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

criterion_group!(benches, emit, read);
criterion_main!(benches);
