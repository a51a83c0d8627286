//! What the demo asks the database, and how long each answer took.

use std::path::Path;
use std::time::{Duration, Instant};

use blotter::desk::Period;
use blotter::desk::lifecycle::lifecycle;
use blotter::desk::report::{ReportKind, ReportOptions, report};
use blotter::event::{Event, Level, Timestamp};
use blotter::segment::Projection;
use blotter::{Db, Predicate, QueryOptions, Reader, Scan, Snapshot, Tz};

use super::play::{Played, histogram};
use super::{Output, percentiles};
use crate::commands::report_unreadable;
use crate::commands::stats::Counts;
use crate::outcome::Failure;
use crate::render;
use crate::render::orders::life;
use crate::render::style::Style;
use crate::render::value::TimeForm;

/// Latest errors shown.
const ERRORS_SHOWN: usize = 5;

/// Asks everything. Whether all of the database could be read and found whole.
pub(crate) fn ask(
    output: &mut Output<'_>,
    database: &Db,
    directory: &Path,
    played: &Played,
) -> Result<bool, Failure> {
    let snapshot = database.snapshot()?;
    let mut whole = true;
    if let Some((order, correlation)) = &played.filled_order {
        let (events, took, readable) = timed(|| snapshot.lookup(order), usize::MAX);
        whole &= readable && !events.is_empty();
        heading(output, format_args!("What happened to order {order}?"), took)?;
        events.iter().try_for_each(|event| output.event(event))?;
        whole &= ask_for_life(output, &snapshot, order)?;

        let (events, took, readable) = timed(|| snapshot.lookup(correlation), usize::MAX);
        whole &= readable && !events.is_empty();
        heading(output, format_args!("And to the whole decision behind it, {correlation}?"), took)?;
        output.line(format_args!(
            "{} events, from {} to {}",
            events.len(),
            events.first().map_or("", event_name),
            events.last().map_or("", event_name)
        ))?;
    }
    whole &= ask_for_many(output, &snapshot, &played.orders)?;

    let failures = Predicate::all().level_at_least(Level::Error);
    let (events, took, readable) =
        timed(|| snapshot.scan_backwards(&failures, &Projection::all()), ERRORS_SHOWN);
    whole &= readable;
    heading(output, format_args!("What went wrong lately?"), took)?;
    events.iter().rev().try_for_each(|event| output.event(event))?;

    whole &= ask_for_day(output, &snapshot)?;

    let started = Instant::now();
    let (counts, is_damaged) = Counts::of(&snapshot);
    whole &= !is_damaged;
    heading(output, format_args!("How many events of each kind, and how many bytes?"), started.elapsed())?;
    for (name, count) in &counts.categories {
        let per_event = count.segment_bytes as f64 / count.sealed_events.max(1) as f64;
        output.line(format_args!("{name:<12} {:>10} events {per_event:>7.1} B/event", count.events))?;
    }

    let started = Instant::now();
    let outside = Reader::open(directory)?.snapshot()?;
    heading(
        output,
        format_args!("Does a reader that shares nothing with the recorder see the same?"),
        started.elapsed(),
    )?;
    let is_same = outside.next_seq() == snapshot.next_seq();
    let answer = if is_same { "yes" } else { "no" };
    output.line(format_args!("{answer}: {} of {} events", outside.next_seq(), snapshot.next_seq()))?;
    Ok(whole && is_same)
}

/// What became of an order, in a sentence.
fn ask_for_life(output: &mut Output<'_>, snapshot: &Snapshot, order: &str) -> Result<bool, Failure> {
    let started = Instant::now();
    let found = lifecycle(snapshot, order, &QueryOptions::default())?;
    heading(output, format_args!("And what became of it?"), started.elapsed())?;
    let Some(found) = found else { return Ok(false) };
    for order in &found.orders {
        life(order, TimeForm::whole(Tz::UTC)).iter().try_for_each(|line| output.line(line))?;
    }
    Ok(found.unreadable.is_empty() && !found.orders.is_empty())
}

/// What the first day of the session came to.
fn ask_for_day(output: &mut Output<'_>, snapshot: &Snapshot) -> Result<bool, Failure> {
    let first = snapshot.segments().map(|segment| segment.ts_min).min();
    let Some(first) = first else { return Ok(true) };
    let period = Period::day(Timestamp(first).to_datetime().date_naive(), Tz::UTC)?;
    let started = Instant::now();
    let mut report = report(snapshot, ReportKind::Daily, &period, &ReportOptions::default())?;
    heading(output, format_args!("What did {period} come to?"), started.elapsed())?;
    report.sections.retain(|section| section.as_figures().is_some());
    output.line(render::report::text(&report, Style::PLAIN).trim_end())?;
    Ok(report.unreadable.is_empty())
}

/// Looks up one order after the other, as a person investigating would, only faster.
fn ask_for_many(output: &mut Output<'_>, snapshot: &Snapshot, orders: &[String]) -> Result<bool, Failure> {
    if orders.is_empty() {
        return Ok(true);
    }
    let mut lookup_us = histogram();
    let (mut found, mut whole) = (0, true);
    let started = Instant::now();
    for order in orders {
        let (events, took, readable) = timed(|| snapshot.lookup(order), usize::MAX);
        whole &= readable && !events.is_empty();
        found += events.len();
        lookup_us.saturating_record(took.as_micros() as u64);
    }
    heading(output, format_args!("And to {} other orders?", orders.len()), started.elapsed())?;
    output.line(format_args!("{found} events; per order, in us: {}", percentiles(&lookup_us)))?;
    Ok(whole)
}

/// The answer, the time it took, and whether all of it could be read.
fn timed(ask: impl FnOnce() -> Scan, limit: usize) -> (Vec<Event>, Duration, bool) {
    let started = Instant::now();
    let mut scan = ask();
    let events = scan.by_ref().take(limit).collect();
    let took = started.elapsed();
    let readable = !report_unreadable(scan.unreadable());
    (events, took, readable)
}

fn event_name(event: &Event) -> &str {
    event.text(blotter::event::Field::EVENT)
}

fn heading(
    output: &mut Output<'_>,
    question: std::fmt::Arguments<'_>,
    took: Duration,
) -> Result<(), Failure> {
    output.line(format_args!("\n{question}  ({:.3} ms)", took.as_secs_f64() * 1e3))
}
