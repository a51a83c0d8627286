//! What a database's events take in each tier, and how fast they are built and read there.
//!
//! `cargo run --release -p blotter-engine --example segment_sizes -- DIR [--columns]` merges the segments of each
//! category of the database at DIR in memory, once per tier, and prints bytes per event: of all segments, of
//! each category and, if asked, of each column. Nothing is written.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use blotter_engine::event::record::{Defaults, Encoder, Record};
use blotter_engine::event::{Category, Event, Field, FieldRef};
use blotter_engine::segment::{
    ColumnBytes, ColumnId, FinishedSegment, Lookup, Projection, Segment, SegmentBuilder, SegmentId,
    SegmentIdentity, SegmentOptions, Tier,
};
use blotter_engine::vfs::Mapping;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: segment_sizes DIR [--columns]")?);
    let columns = arguments.next().is_some();
    let mut events: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for tier in Tier::ALL {
        read_all(&directory.join(tier.directory()), &mut events)?;
    }
    for tier in Tier::ALL {
        measure(tier, &events, columns)?;
    }
    Ok(())
}

fn read_all(directory: &Path, events: &mut BTreeMap<String, Vec<Event>>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_all(&path, events)?;
        } else if path.extension().is_some_and(|extension| extension == "seg") {
            let segment = Segment::open(&path, Mapping::new(std::fs::read(&path)?))?;
            let of_category = events.entry(segment.meta().category.clone()).or_default();
            for row in 0..segment.rows() {
                of_category.push(segment.event(row, &Projection::All)?);
            }
        }
    }
    Ok(())
}

fn build(tier: Tier, category: &str, events: &[Event]) -> Result<FinishedSegment> {
    let options = SegmentOptions::of_tier(tier, SegmentOptions::default().indexed);
    let mut builder = SegmentBuilder::new(&options);
    let mut encoder = Encoder::new();
    for event in events {
        encoder.begin(event.category, event.level);
        for (key, value) in &event.fields {
            encoder.field(key.borrow(), value.borrow())?;
        }
        let record = Record::parse(encoder.finish(event.ts, event.pseq))?;
        builder.push(event.seq, event.producer, &record, &Defaults::default())?;
    }
    let category = Category::custom(category).ok_or("a category that is none")?;
    let day = events[0].ts.day();
    Ok(builder.finish(SegmentIdentity { id: SegmentId(1), day, category, tier, source_wal: 1 }))
}

fn measure(tier: Tier, events: &BTreeMap<String, Vec<Event>>, columns: bool) -> Result<()> {
    let rows: usize = events.values().map(Vec::len).sum();
    let (mut segment_bytes, mut filter_bytes) = (0, 0);
    let (mut building, mut decoding, mut verifying) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    println!("== {tier}, {rows} events");
    for (category, events) in events {
        let start = Instant::now();
        let finished = build(tier, category, events)?;
        building += start.elapsed();
        let filters: usize = finished.filters.iter().map(|filter| filter.bytes.len()).sum();
        let bytes = finished.bytes.len();
        segment_bytes += bytes;
        filter_bytes += filters;
        let segment = Segment::open(Path::new(category), Mapping::new(finished.bytes))?;
        let start = Instant::now();
        decode_all(&segment)?;
        decoding += start.elapsed();
        let start = Instant::now();
        segment.verify()?;
        verifying += start.elapsed();
        println!(
            "{category:12} {:7} events {:6.2} B/event, of all {:6.3} + filters {:6.3}; {}",
            events.len(),
            bytes as f64 / events.len() as f64,
            bytes as f64 / rows as f64,
            filters as f64 / rows as f64,
            points(&segment, events)?
        );
        if columns {
            print_columns(&segment, rows)?;
        }
    }
    let speed = |time: Duration| rows as f64 / time.as_secs_f64() / 1000.0;
    println!(
        "{tier}: segments {:.3} + filters {:.3} B/event; built at {:.0}, decoded at {:.0}, verified at {:.0} k events/s",
        segment_bytes as f64 / rows as f64,
        filter_bytes as f64 / rows as f64,
        speed(building),
        speed(decoding),
        speed(verifying),
    );
    Ok(())
}

fn decode_all(segment: &Segment) -> Result<()> {
    for block in 0..segment.block_count() {
        for column in [ColumnId::Ts, ColumnId::Seq, ColumnId::Producer, ColumnId::Pseq, ColumnId::Level] {
            segment.decode(block, column)?;
        }
        for column in 0..segment.columns().len() as u32 {
            segment.decode(block, ColumnId::Field(column))?;
        }
    }
    Ok(())
}

/// The times of single reads, at places spread over the segment: an event; an order's rows; these and its events.
fn points(segment: &Segment, events: &[Event]) -> Result<String> {
    const READS: usize = 1000;
    let place = |read: usize| read * 7919 % events.len();
    let mut row_times = Vec::new();
    for read in 0..READS {
        let start = Instant::now();
        segment.event(place(read) as u32, &Projection::All)?;
        row_times.push(start.elapsed());
    }
    let (mut lookup_times, mut order_times, mut found) = (Vec::new(), Vec::new(), 0);
    for read in 0..READS {
        let Some(id) = events[place(read)].field(FieldRef::Known(Field::ORDER_ID)) else { continue };
        let id = id.to_string();
        let start = Instant::now();
        let Lookup::Rows(rows) = segment.lookup(FieldRef::Known(Field::ORDER_ID), &id)? else { continue };
        lookup_times.push(start.elapsed());
        for row in &rows {
            segment.event(*row, &Projection::All)?;
            found += 1;
        }
        order_times.push(start.elapsed());
    }
    let orders = order_times.len().max(1);
    Ok(format!(
        "event {}; lookup {}, with its {:.1} events {}",
        percentiles(&mut row_times),
        percentiles(&mut lookup_times),
        found as f64 / orders as f64,
        percentiles(&mut order_times)
    ))
}

fn percentiles(times: &mut [Duration]) -> String {
    if times.is_empty() {
        return "none".into();
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_nanos() as f64 / 1000.0;
    format!("p50 {:.1} p99 {:.1} us", at(50), at(99))
}

fn print_columns(segment: &Segment, rows: usize) -> Result<()> {
    let mut all = segment.column_bytes()?;
    let total =
        |bytes: &ColumnBytes| bytes.pages + bytes.directory + bytes.dictionary + bytes.index + bytes.postings;
    let known: u64 = all.iter().map(total).sum();
    all.push(ColumnBytes {
        name: "(header, footer, trailer)".into(),
        pages: segment.meta().file_bytes - known,
        ..ColumnBytes::default()
    });
    all.sort_by_key(|bytes| std::cmp::Reverse(total(bytes)));
    for bytes in &all {
        let share = |bytes: u64| bytes as f64 / rows as f64;
        if share(total(bytes)) < 0.002 {
            continue;
        }
        println!(
            "    {:26} {:6.3}: pages {:6.3} directory {:6.3} dictionary {:6.3} index {:6.3} postings {:6.3}",
            bytes.name,
            share(total(bytes)),
            share(bytes.pages),
            share(bytes.directory),
            share(bytes.dictionary),
            share(bytes.index),
            share(bytes.postings)
        );
    }
    Ok(())
}
