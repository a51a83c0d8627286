//! P4: time until `emit_durable` returns, beside a bare append and `fdatasync` of the same size.
//!
//! `cargo bench --bench durable_ack [-- TIMES]`, by default 5,000 of each. The two take turns, so that both meet
//! the same disk; the bare file lies in the same directory and grows by as many bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use blotter::event::{OrderStatus, Side, dec};
use blotter::{Durability, Options, RecorderOptions};

mod bench;

fn main() {
    let times = bench::numbers().first().copied().unwrap_or(5_000);
    bench::print_load("at the start");
    run("group commit every 5 ms", Options::new(), times);
    run("a sync after every write", Options::new().durability(Durability::Always), times);
    run("no sync but the acknowledged", Options::new().durability(Durability::Os), times);
    bench::print_load("at the end");
}

fn run(durability: &str, options: Options, times: u64) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = options.open(&path).expect("a new database opens");
    let mut recorder =
        db.recorder(RecorderOptions::new().strategy("momentum").service("oms")).expect("a recorder");
    let wal = path.join("wal/0000000000000001.wal");
    let wal_bytes = || std::fs::metadata(&wal).expect("the WAL file is there").len();
    let bare = File::create_new(dir.path().join("bare")).expect("a new file");
    bare.write_all_at(&[0; 4096], 0).expect("the disk takes it");
    let (mut engine, mut disk) = (bench::histogram(), bench::histogram());
    let mut offset = 4096;
    let mut block = vec![7; 4096];
    for number in 0..times {
        let id = format!("20260105-{number:08}");
        let before = wal_bytes();
        let started = Instant::now();
        let emitted = recorder
            .order(OrderStatus::Submitted)
            .order_id(&id)
            .correlation_id("momentum_0123456789ab")
            .symbol("AAPL")
            .side(Side::Buy)
            .price(dec!(150.25))
            .quantity(100)
            .message("order submitted")
            .emit_durable();
        let took = started.elapsed();
        assert!(emitted.expect("the disk takes it").is_accepted());
        block.resize((wal_bytes() - before) as usize, 7);
        let started = Instant::now();
        bare.write_all_at(&block, offset).expect("the disk takes it");
        bare.sync_data().expect("the disk takes it");
        let took_bare = started.elapsed();
        offset += block.len() as u64;
        // The first finds cold caches on both sides.
        if number >= times / 20 {
            bench::note(&mut engine, took);
            bench::note(&mut disk, took_bare);
        }
    }
    let ratio =
        |quantile| engine.value_at_quantile(quantile) as f64 / disk.value_at_quantile(quantile).max(1) as f64;
    println!(
        "P4 durable ack, {durability}: {} | bare fdatasync of {} bytes {} | ratio p50 {:.2}, p99 {:.2}",
        bench::microseconds(&engine),
        block.len(),
        bench::microseconds(&disk),
        ratio(0.5),
        ratio(0.99),
    );
}
