//! What the benches have in common: where the database lies, how loaded the machine is, and how a
//! distribution is printed. Each bench uses a part of it.

#![allow(dead_code, reason = "every bench compiles this for itself and uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blotter::{Backpressure, QueryOptions, Queryable, Snapshot};
use blotter_workload::{Prng, Session, SessionEvent, SessionOptions};
use hdrhistogram::Histogram;

pub(crate) mod emit;
pub(crate) mod work;

/// The seed of every bench: the same events each time.
pub(crate) const SEED: u64 = 20_260_105;

/// Recorders of benches wait for room, so that what is measured is what was recorded.
pub(crate) const BLOCK: Backpressure = Backpressure::Block { timeout: Duration::from_secs(60) };

/// Questions that group and aggregate (P6).
pub(crate) const AGGREGATES: &[(&str, &str)] = &[
    (
        "by strategy where submitted",
        "status = submitted | stats count(), avg(latency_us), p99(latency_us) by strategy",
    ),
    ("by category, level", "| stats count() by category, level"),
    ("by category", "| stats count() by category"),
    ("by minute", "| stats count() by bin(ts, 1m)"),
    ("fills by symbol", "category = fill | stats count(), sum(fill_quantity), avg(fill_price) by symbol"),
    ("word in messages", "rejected | stats count() by category"),
    ("top messages", "level >= error | top 10 message"),
];

/// A directory in `BLOTTER_BENCH_DIR`, or else the temporary directory, removed at the end.
pub(crate) fn scratch() -> tempfile::TempDir {
    let dir = std::env::var_os("BLOTTER_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::tempdir_in(dir).expect("a directory for the database")
}

/// Whole numbers given on the command line; whatever else cargo passes is left out.
pub(crate) fn numbers() -> Vec<u64> {
    std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect()
}

/// Prints how busy the machine is: a figure from a busy machine says little.
pub(crate) fn print_load(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(1).collect();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!("load {when}: {} on {processors} processors", load.join(" "));
    std::io::stdout().flush().expect("stdout takes it");
}

/// The first events of a lane of the session.
pub(crate) fn events(lane: (u32, u32), count: usize) -> Vec<SessionEvent> {
    session(lane).take(count).collect()
}

/// A lane of the session.
pub(crate) fn session(lane: (u32, u32)) -> Session {
    Session::new(SEED, SessionOptions { lane, ..SessionOptions::default() })
}

/// Choices of a bench, the same each time.
pub(crate) fn prng() -> Prng {
    Prng::new(SEED)
}

/// Nanoseconds up to a minute, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("valid bounds")
}

/// Adds a time.
pub(crate) fn note(latencies: &mut Histogram<u64>, took: Duration) {
    latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
}

/// The distribution in microseconds.
pub(crate) fn microseconds(latencies: &Histogram<u64>) -> String {
    let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    format!(
        "p50 {:.1} us, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1} ({} times)",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        latencies.max() as f64 / 1e3,
        latencies.len()
    )
}

/// Bytes of the files below a directory, by what `kind` says of each; allocated blocks, as `du` counts.
pub(crate) fn disk_usage(
    dir: &Path,
    kind: &dyn Fn(&Path) -> String,
) -> std::collections::BTreeMap<String, u64> {
    let mut sizes = std::collections::BTreeMap::new();
    add_usage(dir, kind, &mut sizes);
    sizes
}

fn add_usage(
    dir: &Path,
    kind: &dyn Fn(&Path) -> String,
    sizes: &mut std::collections::BTreeMap<String, u64>,
) {
    for entry in std::fs::read_dir(dir).expect("the directory is there") {
        let entry = entry.expect("the directory is readable");
        let path = entry.path();
        let metadata = entry.metadata().expect("the file is there");
        *sizes.entry(kind(&path)).or_default() += allocated(&metadata);
        if metadata.is_dir() {
            add_usage(&path, kind, sizes);
        }
    }
}

#[cfg(unix)]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}

/// The answer to a query as text, a line per row, every digit and type of it; nothing may be unreadable.
pub(crate) fn answer(snapshot: &Snapshot, text: &str) -> Result<String, String> {
    answer_with(snapshot, text, &QueryOptions::default())
}

/// As [`answer`], with options.
pub(crate) fn answer_with(snapshot: &Snapshot, text: &str, options: &QueryOptions) -> Result<String, String> {
    use std::fmt::Write;
    // Maintenance deletes the events that have a field, perhaps all of them.
    let options = QueryOptions { allow_unknown_fields: true, ..options.clone() };
    let failed = |error: String| format!("{text}: {error}");
    let mut rows = snapshot.query_with_options(text, &options).map_err(|error| failed(error.to_string()))?;
    let mut answer = String::new();
    for row in rows.by_ref() {
        let row = row.map_err(|error| failed(error.to_string()))?;
        for (name, datum) in row.iter() {
            write!(answer, "{name}={datum:?} ").expect("a string takes all");
        }
        answer.push('\n');
    }
    match rows.unreadable() {
        unreadable if unreadable.is_empty() => Ok(answer),
        unreadable => Err(failed(format!("{unreadable:?}"))),
    }
}

/// The number of events that carry the id, each fetched whole.
pub(crate) fn lookup(snapshot: &Snapshot, id: &str) -> usize {
    let mut scan = snapshot.lookup(id);
    let found = scan.by_ref().count();
    assert!(scan.unreadable().is_empty(), "{:?}", scan.unreadable());
    found
}

/// The greatest resident memory of this process so far in KiB, mapped files included; 0 where it cannot be told.
pub(crate) fn resident_kib_max() -> u64 {
    status_kib("VmHWM:")
}

/// A line of `/proc/self/status`, in KiB.
pub(crate) fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The number of segment files below a directory of a database, whoever knows them.
pub(crate) fn segment_files(dir: &Path) -> u64 {
    let is_segment = |path: &Path| path.extension().is_some_and(|extension| extension == "seg");
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let count =
        |path: PathBuf| if path.is_dir() { segment_files(&path) } else { u64::from(is_segment(&path)) };
    entries.flatten().map(|entry| count(entry.path())).sum()
}
