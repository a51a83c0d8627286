//! `blotter stats`: what a database holds, counted while it is recorded.

mod disk;
mod upkeep;

use std::collections::BTreeMap;
use std::path::Path;

use blotter::event::{Category, FieldKey, Timestamp, ValueRef, names};
use blotter::segment::Projection;
use blotter::{Predicate, Reader, Snapshot};

use self::disk::Disk;
use self::upkeep::Upkeep;
use super::{Output, report_unreadable};
use crate::args::{Format, Stats};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::json;

/// Runs the command.
pub(crate) fn run(arguments: &Stats) -> Result<Outcome, Failure> {
    let reader = Reader::open(&arguments.directory)?;
    print(&mut Output::new(arguments.format), &arguments.directory, &reader, arguments.days)
}

/// Prints what the database in a directory holds, and what is to become of it.
pub(crate) fn print(
    output: &mut Output<'_>,
    directory: &Path,
    reader: &Reader,
    with_days: bool,
) -> Result<Outcome, Failure> {
    let snapshot = &reader.snapshot()?;
    let (counts, is_damaged) = Counts::of(snapshot);
    let disk = Disk::of(directory)?;
    let upkeep = Upkeep::of(directory, reader, &disk);
    match output.format {
        Format::Text => {
            print_text(output, snapshot, &counts, &disk)?;
            upkeep::print_tiers(output, snapshot)?;
            if with_days {
                upkeep::print_days(output, snapshot)?;
            }
            if let Ok(upkeep) = &upkeep {
                upkeep.print(output)?;
            }
        }
        Format::Json => {
            let upkeep = upkeep.as_ref().map(Upkeep::members).unwrap_or_default();
            output.line(to_json(snapshot, &counts, &disk, with_days, &upkeep))?;
        }
    }
    output.flush()?;
    if let Err(error) = &upkeep {
        say(format_args!("error: what is kept and done is not known: {}", escaped(&error.to_string())));
    }
    Ok(Outcome::no_if(is_damaged || upkeep.is_err()))
}

/// What is known of one category, or of all.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) events: u64,
    pub(crate) sealed_events: u64,
    pub(crate) segments: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

impl Count {
    const NONE: Count = Count {
        events: 0,
        sealed_events: 0,
        segments: 0,
        segment_bytes: 0,
        first: Timestamp::MAX,
        last: Timestamp::MIN,
    };

    fn add(&mut self, other: &Count) {
        self.events += other.events;
        self.sealed_events += other.sealed_events;
        self.segments += other.segments;
        self.segment_bytes += other.segment_bytes;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Events by category and by tier, and losses.
pub(crate) struct Counts {
    pub(crate) categories: BTreeMap<String, Count>,
    tiers: BTreeMap<String, Count>,
    /// Events that recorders had no room for, as the database itself has recorded it.
    lost_events: u64,
}

impl Counts {
    /// Counts everything: what is sealed by what is known of segments, the rest by reading it. And whether
    /// a part could not be read, which is then reported.
    pub(crate) fn of(snapshot: &Snapshot) -> (Counts, bool) {
        let mut counts = Counts { categories: BTreeMap::new(), tiers: BTreeMap::new(), lost_events: 0 };
        for segment in snapshot.segments() {
            let count = Count {
                events: segment.rows,
                sealed_events: segment.rows,
                segments: 1,
                segment_bytes: segment.file_bytes,
                first: Timestamp(segment.ts_min),
                last: Timestamp(segment.ts_max),
            };
            counts.categories.entry(segment.category.clone()).or_insert(Count::NONE).add(&count);
            counts.tiers.entry(segment.tier.to_string()).or_insert(Count::NONE).add(&count);
        }
        let unsealed = Predicate::all().seq_between(first_unsealed_seq(snapshot), u64::MAX);
        let mut scan = snapshot.scan(&unsealed, &Projection::fields([]));
        for event in scan.by_ref() {
            let count = Count { events: 1, first: event.ts, last: event.ts, ..Count::NONE };
            counts.categories.entry(event.category.name().to_owned()).or_insert(Count::NONE).add(&count);
        }
        let mut is_damaged = report_unreadable(scan.unreadable());
        let losses =
            Predicate::all().category(Category::SYSTEM).equals(FieldKey::new("event"), names::EVENTS_LOST);
        let mut scan = snapshot.scan(&losses, &Projection::fields([FieldKey::new("lost_count")]));
        for event in scan.by_ref() {
            if let Some(ValueRef::I64(lost)) = event.get("lost_count") {
                counts.lost_events += u64::try_from(lost).unwrap_or(0);
            }
        }
        is_damaged |= report_unreadable(scan.unreadable());
        // A missing segment counts above as the manifest has it.
        is_damaged = is_damaged || report_unreadable(&snapshot.check_segments());
        (counts, is_damaged)
    }

    fn total(&self) -> Count {
        self.categories.values().fold(Count::NONE, |mut total, count| {
            total.add(count);
            total
        })
    }
}

/// Everything from here on is in the WAL, or was left in the rings of a process that died.
pub(crate) fn first_unsealed_seq(snapshot: &Snapshot) -> u64 {
    let (unsealed_events, _) = snapshot.unsealed();
    snapshot.next_seq().0.saturating_sub(unsealed_events + snapshot.left_in_rings())
}

fn print_text(
    output: &mut Output<'_>,
    snapshot: &Snapshot,
    counts: &Counts,
    disk: &Disk,
) -> Result<(), Failure> {
    let total = counts.total();
    output.line(format_args!(
        "{:<16} {:>14} {:>14} {:>9} {:>14} {:>8}  from .. to",
        "category", "events", "sealed", "segments", "bytes", "B/event"
    ))?;
    for (name, count) in &counts.categories {
        print_count(output, name, count)?;
    }
    print_count(output, "total", &total)?;
    let (unsealed_events, _) = snapshot.unsealed();
    output.line(format_args!("not sealed yet: {unsealed_events} events"))?;
    if snapshot.left_in_rings() > 0 {
        output.line(format_args!(
            "left in memory by a process that died: {} events, which the next open takes over",
            snapshot.left_in_rings()
        ))?;
    }
    output.line(format_args!("lost for want of room: {} events", counts.lost_events))?;
    let indexed: Vec<&str> = snapshot.indexed().iter().map(|field| field.name()).collect();
    output.line(format_args!("indexed: {}", indexed.join(", ")))?;
    let per_event = disk.total() as f64 / total.events.max(1) as f64;
    output.line(format_args!(
        "on disk: {} bytes ({per_event:.1} per event): segments {}, WAL {}, catalog {}, other {}",
        disk.total(),
        disk.segments,
        disk.wal,
        disk.catalog,
        disk.other
    ))
}

fn print_count(output: &mut Output<'_>, name: &str, count: &Count) -> Result<(), Failure> {
    let per_event = count.segment_bytes as f64 / count.sealed_events.max(1) as f64;
    let span = if count.events == 0 { String::new() } else { format!("{} .. {}", count.first, count.last) };
    output.line(format_args!(
        "{name:<16} {:>14} {:>14} {:>9} {:>14} {per_event:>8.1}  {span}",
        count.events, count.sealed_events, count.segments, count.segment_bytes
    ))
}

fn to_json(snapshot: &Snapshot, counts: &Counts, disk: &Disk, with_days: bool, upkeep: &str) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    let named = |counts: &BTreeMap<String, Count>, key: &str| {
        list(
            counts
                .iter()
                .map(|(name, count)| format!("{{\"{key}\":{},{}}}", quoted(name), members(count)))
                .collect(),
        )
    };
    let indexed = snapshot.indexed().iter().map(|field| quoted(field.name())).collect();
    format!(
        "{{{},\"next_seq\":{},\"unsealed_events\":{},\"left_in_rings\":{},\"lost_events\":{},\"indexed\":{},\
         \"disk_bytes\":{},\"wal_bytes\":{},\"catalog_bytes\":{},\"categories\":{},\"tiers\":{},{}{upkeep}}}",
        members(&counts.total()),
        snapshot.next_seq(),
        snapshot.unsealed().0,
        snapshot.left_in_rings(),
        counts.lost_events,
        list(indexed),
        disk.total(),
        disk.wal,
        disk.catalog,
        named(&counts.categories, "category"),
        named(&counts.tiers, "tier"),
        upkeep::tiers_members(snapshot, with_days),
    )
}

fn members(count: &Count) -> String {
    let time = |ts: Timestamp| if count.events == 0 { "null".to_owned() } else { format!("\"{ts}\"") };
    format!(
        "\"events\":{},\"sealed_events\":{},\"segments\":{},\"segment_bytes\":{},\"first\":{},\"last\":{}",
        count.events,
        count.sealed_events,
        count.segments,
        count.segment_bytes,
        time(count.first),
        time(count.last)
    )
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    json::text(&mut quoted, text);
    quoted
}
