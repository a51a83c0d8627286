//! How soon a watch in another process tells of what is wrong, beside an engine that records 200,000 events a second,
//! and what it says of clean data: nothing.
//!
//! `cargo bench --bench watch [-- CLEAN_SECONDS RATE]`, by default 60 s of clean data at 200,000 events a second; then an error
//! spike, a rejection burst, and a feed that stops, once each: of a second one nothing is said for the time of the
//! cool-down. Also what the watch takes of the processor. An hour of clean data: `cargo bench --bench watch -- 3600`.

use std::path::Path;

mod bench;
#[path = "watch/engine.rs"]
mod engine;
#[path = "watch/watcher.rs"]
mod watcher;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [role, path] = &words[..]
        && role == watcher::ROLE
    {
        return watcher::run(Path::new(path));
    }
    let numbers = bench::numbers();
    let number = |index: usize, default: u64| numbers.get(index).copied().unwrap_or(default);
    bench::print_load("at the start");
    engine::run(number(0, 60), number(1, 200_000));
    bench::print_load("at the end");
}
