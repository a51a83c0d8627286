//! The other process: watches with the defaults, and prints each alert as it is raised.

use std::io::{Read, Write};
use std::path::Path;

use blotter::watch::{Watch, WatchConfig, WatchOptions};

use super::bench;

pub(crate) const ROLE: &str = "watcher";

pub(crate) fn run(path: &Path) {
    let options = WatchOptions::new(WatchConfig::default())
        .on_alert(|alert| say(&format!("alert {}", alert.to_json())))
        .on_note(|note| say(&format!("note {note}")));
    let watch = Watch::follow(path, options).expect("the database is there");
    say("ready");
    // Ends when its input does.
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the input can be read");
    let seen = watch.statistics();
    watch.stop().expect("it goes to its end");
    say(&format!("seen {} events up to seq {}", seen.events, seen.next_seq));
    say(&format!(
        "took {:.1} s of processor, {} MiB resident",
        processor_seconds(),
        bench::resident_kib_max() / 1024
    ));
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody reads");
}

/// Time on the processor of all threads so far.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // utime and stime are the 14th and 15th of all, the 12th and 13th after the name.
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}
