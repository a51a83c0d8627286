//! The other process: asks the same questions of the same days again and again while they are merged and deleted.
//!
//! The answers before are known. An answer is right if it is the known one, or if it is empty and a tombstone says
//! that the partition was deleted; and once that was known for a while, only the empty one is. Half of the questions
//! are asked of a new snapshot, half of one that was taken at the beginning of the cycle, whose files may be unlinked
//! meanwhile.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use blotter::event::Day;
use blotter::{QueryOptions, Queryable, Reader, Snapshot};

use super::bench;

pub(crate) const ROLE: &str = "reader";
/// Between two questions, which leaves the processor to others: what is measured is maintenance, not the reader.
const PAUSE: Duration = Duration::from_millis(5);
const SHOWN_MAX: u64 = 5;

/// Each about one category, and such that nothing is found where there are no events.
const QUESTIONS: &[(&str, &str)] = &[
    ("order", "status = submitted | stats count(), avg(latency_us), p99(latency_us) by strategy"),
    ("order", "status = rejected | sort ts desc | limit 100"),
    ("order", "order_id = $order | sort ts"),
    ("order", "rejected | stats count() by event, symbol"),
    ("fill", "| stats count(), sum(fill_quantity), sum(commission), avg(fill_price) by symbol"),
    ("market_data", "| stats count(), min(bid), max(ask) by bin(ts, 1s), symbol"),
    ("signal", "| stats avg(score), stddev(score) by strategy"),
    ("audit", "| sample 100"),
    ("performance", "| stats count(), p99(value) by event"),
];

/// A partition: category and day.
type Partition = (String, Day);

struct Known {
    partition: Partition,
    text: String,
    answer: String,
}

#[derive(Default)]
struct Seen {
    runs: u64,
    cycles: u64,
    empty: u64,
    errors: u64,
    wrong: u64,
    took: Duration,
}

pub(crate) fn run(path: &Path, first: i32, days: i32) {
    let reader = Reader::open(path).expect("the database opens");
    let snapshot = reader.snapshot().expect("a snapshot");
    let known: Vec<Known> = (first..first + days).flat_map(|day| known_of(&snapshot, Day(day))).collect();
    println!("ready with {} questions", known.len());
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    std::thread::spawn(move || {
        let ended = std::io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Release);
        ended.expect("the input can be read");
    });
    let mut seen = Seen::default();
    let mut deleted_earlier = HashSet::new();
    while !is_over.load(Ordering::Acquire) {
        // As another program would that comes now.
        let reader = Reader::open(path).expect("the database opens");
        let deleted = deleted(&reader);
        cycle(&reader, &known, &deleted_earlier, &mut seen, &is_over);
        // A deletion is in the ledger a moment before it is to be seen.
        deleted_earlier = deleted;
    }
    let Seen { runs, cycles, empty, errors, wrong, took } = seen;
    println!("reader: {runs} questions asked in {cycles} cycles, mean {:.2?}", took / runs.max(1) as u32);
    println!("reader: {empty} of partitions that were deleted");
    println!("reader: {errors} errors (must be 0)");
    println!("reader: {wrong} wrong answers (must be 0)");
    if errors + wrong > 0 || runs == 0 {
        std::process::exit(1);
    }
}

/// What is asked of a day, and the answers.
fn known_of(snapshot: &Snapshot, day: Day) -> Vec<Known> {
    let (start, end) = (day.start(), Day(day.0 + 1).start());
    let created = format!("since {start} until {end} event = order_created | limit 1");
    let mut rows = snapshot.query(&created).expect("the query is right");
    let order = rows.next().expect("orders were created").expect("rows come").get("order_id").to_string();
    let known = |(category, text): &(&str, &str)| {
        let text = text.replace("$order", &order);
        let text = format!("since {start} until {end} category = {category} {text}");
        let answer = ask(snapshot, &text).expect("it can be answered");
        assert!(!answer.is_empty(), "{text} has an answer");
        Known { partition: ((*category).to_owned(), day), text, answer }
    };
    QUESTIONS.iter().map(known).collect()
}

fn ask(snapshot: &Snapshot, text: &str) -> Result<String, String> {
    bench::answer_with(snapshot, text, &QueryOptions { threads: 1, ..QueryOptions::default() })
}

fn deleted(reader: &Reader) -> HashSet<Partition> {
    let ledger = reader.ledger().expect("the ledger can be read");
    ledger.tombstones().map(|(tombstone, _)| (tombstone.category.clone(), tombstone.day)).collect()
}

fn cycle(
    reader: &Reader,
    known: &[Known],
    deleted: &HashSet<Partition>,
    seen: &mut Seen,
    is_over: &AtomicBool,
) {
    let held = reader.snapshot().map_err(|error| error.to_string());
    for (number, Known { partition, text, answer }) in known.iter().enumerate() {
        if is_over.load(Ordering::Acquire) {
            return;
        }
        let started = Instant::now();
        let snapshot = match (number as u64 + seen.cycles).is_multiple_of(2) {
            true => reader.snapshot().map_err(|error| error.to_string()),
            false => held.clone(),
        };
        let found = snapshot.and_then(|snapshot| ask(&snapshot, text));
        seen.took += started.elapsed();
        seen.runs += 1;
        match found {
            Err(error) => {
                seen.errors += 1;
                show(seen.errors, "error", &error);
            }
            Ok(found) if found.is_empty() && self::deleted(reader).contains(partition) => seen.empty += 1,
            Ok(found) if found == *answer && !deleted.contains(partition) => {}
            Ok(found) => {
                seen.wrong += 1;
                let rows = found.lines().count();
                show(seen.wrong, "wrong answer", &format!("{text}: {rows} rows, {found:.200}"));
            }
        }
        std::thread::sleep(PAUSE);
    }
    seen.cycles += 1;
}

fn show(number: u64, what: &str, text: &str) {
    if number <= SHOWN_MAX {
        println!("reader: {what}: {text}");
    }
}
