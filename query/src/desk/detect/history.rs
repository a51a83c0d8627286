//! The detectors over what was recorded: a period, and the events of it that match a filter.
//!
//! Most detectors are shown the events in (`ts`, `seq`) order. Two look at the order of recording itself: they are shown
//! all events between the first and the last seq of the period, in order of seq, whatever the filter says of others.

use blotter_engine::Snapshot;
use blotter_engine::event::{Category, Day, Event, Seq, Timestamp};
use blotter_engine::segment::Projection;
use blotter_engine::view::{Predicate, UnsealedEvent};

use super::config::Config;
use super::detector::Order;
use super::finding::{Finding, Phase};
use super::seen::{FIELDS, ORDER_FIELDS, keys};
use super::stream::Detectors;
use crate::api::{QueryOptions, Queryable, now};
use crate::desk::Period;
use crate::error::Result;
use crate::event_filter::EventFilter;
use crate::rows::UnreadablePart;
use crate::vocabulary::Vocabulary;

/// Events sorted at once by the order of recording.
const CHUNK_EVENTS: u64 = 1 << 20;

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// When; all of it if not given.
    pub period: Option<Period>,
    /// Which events: a filter of the query language; all if not given. With one, what is asked of the order of recording
    /// (`sequence_gap`, `clock_jump`) is not asked.
    pub filter: Option<String>,
    /// Days of which events were deleted: gaps there are none.
    pub deleted: Vec<Day>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Detection {
    /// The findings by their first moment.
    pub findings: Vec<Finding>,
    /// What there is to say of them.
    pub notes: Vec<String>,
    /// What could not be read.
    pub unreadable: Vec<UnreadablePart>,
    /// Events looked at.
    pub events: u64,
}

/// Runs detectors over history. The same data, subject and settings give the same findings in the same order.
///
/// # Errors
/// A filter or a detector of your own that is wrong; those of the engine. What cannot be read is part of the answer.
pub fn detect(
    on: &impl Queryable,
    subject: &Subject,
    config: &Config,
    options: &QueryOptions,
) -> Result<Detection> {
    let snapshot = on.to_snapshot()?;
    let filter = match &subject.filter {
        Some(text) => Some(EventFilter::new(text, options, &Vocabulary::new(snapshot.clone()))?),
        None => None,
    };
    let mut deleted = subject.deleted.clone();
    deleted.sort_unstable();
    let mut detection = Detection::default();
    let in_order = |order| Detectors::in_order(&config.settings, Some(order), &deleted, now(options));
    let mut by_time = in_order(Order::Time);
    let extent = scan_by_time(&snapshot, subject, filter.as_ref(), &mut by_time, &mut detection)?;
    detection.take(&mut by_time, None);
    if let (None, Some(Extent { seqs: (first, last), .. })) = (&filter, extent) {
        let mut by_recording = in_order(Order::Recording);
        scan_by_recording(&snapshot, first, last, &mut by_recording, &mut detection)?;
        detection.take(&mut by_recording, subject.period.as_ref());
    }
    let condition = condition(subject);
    // Rows that tell no time are of the whole period, or of all there is.
    let (first, last) = extent.map_or_else(Default::default, |extent| extent.times);
    let all = Period::between(first, Timestamp(last.nanos().saturating_add(1)), options.zone)?;
    let period = subject.period.unwrap_or(all);
    for own in &config.own {
        let found = own.run(&snapshot, &condition, Some(&period), options)?;
        detection.findings.extend(found.findings);
        detection.notes.extend(found.notes);
        detection.unreadable.extend(found.unreadable);
    }
    // Stable: of the same moment, in the order of the detectors.
    detection.findings.sort_by_key(|finding| (finding.first_ts, finding.events.first()));
    detection.unreadable.sort_by(|one, other| one.path.cmp(&other.path));
    detection.unreadable.dedup_by(|one, other| one.path == other.path);
    Ok(detection)
}

/// The period and the filter as one filter; empty if there is neither.
fn condition(subject: &Subject) -> String {
    let filter = subject.filter.iter().map(|filter| format!("({filter}\n)"));
    let period = subject.period.iter().map(Period::condition);
    filter.chain(period).collect::<Vec<_>>().join(" and ")
}

impl Detection {
    /// Takes what is over and did not lie outside of the period.
    fn take(&mut self, detectors: &mut Detectors, period: Option<&Period>) {
        detectors.finish();
        let is_inside = |finding: &Finding| {
            period.is_none_or(|period| finding.last_ts >= period.from && finding.first_ts < period.until)
        };
        let over = detectors.take().into_iter().filter(|change| change.phase != Phase::Begun);
        self.findings.extend(over.map(|change| change.finding).filter(is_inside));
        self.notes.extend(detectors.notes());
    }

    fn observe(&mut self, detectors: &mut Detectors, event: &Event) -> Result<()> {
        self.events += 1;
        detectors.observe(&UnsealedEvent::of(event))
    }
}

/// The first and last seq and time of events.
#[derive(Clone, Copy)]
struct Extent {
    seqs: (Seq, Seq),
    times: (Timestamp, Timestamp),
}

/// Shows the events in order of time; gives their extent.
fn scan_by_time(
    snapshot: &Snapshot,
    subject: &Subject,
    filter: Option<&EventFilter>,
    detectors: &mut Detectors,
    detection: &mut Detection,
) -> Result<Option<Extent>> {
    let mut wanted = Predicate::all();
    if let Some(Period { from, until, .. }) = &subject.period {
        wanted = wanted.between(*from, Timestamp(until.nanos() - 1));
    }
    if let Some(categories) = detectors.categories() {
        wanted = categories.iter().fold(wanted, |wanted, category| wanted.category(*category));
    }
    // A filter may ask for any field.
    let projection = match filter {
        Some(_) => Projection::all(),
        None => Projection::fields(keys(&FIELDS)),
    };
    let mut extent: Option<Extent> = None;
    let mut scan = snapshot.scan(&wanted, &projection);
    for event in scan.by_ref() {
        let one = Extent { seqs: (event.seq, event.seq), times: (event.ts, event.ts) };
        let Extent { seqs: (first, last), times: (begin, _) } = extent.unwrap_or(one);
        let seqs = (first.min(event.seq), last.max(event.seq));
        extent = Some(Extent { seqs, times: (begin, event.ts) });
        let is_wanted = filter.map_or(Ok(true), |filter| filter.matches(&event))?;
        if is_wanted {
            detectors.follow_history(event.ts);
            detection.observe(detectors, &event)?;
        }
    }
    note_unreadable(scan.unreadable(), detection);
    Ok(extent)
}

/// Shows all events between two seqs in the order of recording, some at a time.
fn scan_by_recording(
    snapshot: &Snapshot,
    first: Seq,
    last: Seq,
    detectors: &mut Detectors,
    detection: &mut Detection,
) -> Result<()> {
    if detectors.is_empty() {
        return Ok(());
    }
    let projection = Projection::fields(keys(&ORDER_FIELDS));
    let mut from = first.0;
    while from <= last.0 {
        let until = from.saturating_add(CHUNK_EVENTS - 1).min(last.0);
        let mut scan = snapshot.scan(&Predicate::all().seq_between(from, until), &projection);
        let mut events: Vec<Event> = scan.by_ref().collect();
        note_unreadable(scan.unreadable(), detection);
        events.sort_unstable_by_key(|event| event.seq);
        for event in &events {
            detectors.observe(&UnsealedEvent::of(event))?;
        }
        from = until + 1;
    }
    Ok(())
}

fn note_unreadable(parts: &[blotter_engine::view::Unreadable], detection: &mut Detection) {
    let part = |part: &blotter_engine::view::Unreadable| UnreadablePart {
        path: part.path.clone(),
        reason: part.error.to_string(),
    };
    detection.unreadable.extend(parts.iter().map(part));
}

/// Categories that detectors look at; all if one of them looks at everything.
pub(super) fn categories_of(names: &[&'static str]) -> Option<Vec<Category>> {
    let mut categories: Vec<Category> = Vec::new();
    for name in names {
        let needed: &[Category] = match *name {
            "rapid_orders"
            | "repeated_rejections"
            | "rejection_rate"
            | "latency_degradation"
            | "unusual_slippage" => &[Category::ORDER, Category::FILL],
            "position_discrepancy" => &[Category::ORDER, Category::FILL, Category::POSITION],
            "dust" => &[Category::POSITION],
            _ => return None,
        };
        for category in needed.iter().filter(|category| !categories.contains(category)).collect::<Vec<_>>() {
            categories.push(*category);
        }
    }
    Some(categories)
}
