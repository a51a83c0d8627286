//! What maintenance costs those who record and read meanwhile, and what the tiers are worth.
//!
//! `cargo bench --bench maintenance [-- interference|sizes] [numbers]`, by default both.
//!
//! - `interference [SECONDS ROUNDS DAYS EVENTS_PER_DAY]`, by default 60 s, 2 rounds of each kind, 24 days of 1,000,000
//!   events: the time of `emit` (P1) at 200,000 events a second, in turns without and with maintenance that merges and
//!   deletes days without a pause; a reader in another process asks the days that are merged all the while, and
//!   compares with what it knew before.
//! - `sizes [EVENTS]` (P7, P5, P6 by tier), by default 5,000,000: bytes per event of everything in the directory as
//!   sealed, compacted, warm, and cold; how fast each change goes; lookups and aggregates in each. Of a copy of
//!   `BLOTTER_BENCH_DATABASE` if that is given.

use std::path::Path;

mod bench;
#[path = "maintenance/interference.rs"]
mod interference;
#[path = "maintenance/reader.rs"]
mod reader;
#[path = "maintenance/sizes.rs"]
mod sizes;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [role, path, first, days] = &words[..]
        && role == reader::ROLE
    {
        let number = |word: &str| word.parse().expect("a number of days");
        return reader::run(Path::new(path), number(first), number(days));
    }
    let numbers = bench::numbers();
    let number = |index: usize, default: u64| numbers.get(index).copied().unwrap_or(default);
    let named: Vec<&String> = words.iter().filter(|word| word.parse::<u64>().is_err()).collect();
    let is_wanted = |part: &str| named.is_empty() || named.iter().any(|word| *word == part);
    assert!(
        numbers.is_empty() || named.len() == 1,
        "numbers are those of one part: name interference or sizes"
    );
    bench::print_load("at the start");
    if is_wanted("interference") {
        interference::run(&interference::Plan {
            seconds: number(0, 60),
            rounds: number(1, 2),
            days: number(2, 24) as i32,
            events_per_day: number(3, 1_000_000) as usize,
        });
        bench::print_load("after interference");
    }
    if is_wanted("sizes") {
        sizes::run(number(0, 5_000_000));
        bench::print_load("after sizes");
    }
}
