//! Merges matches of all segments and WAL tails into one stream in (`ts`, `seq`) order.
//!
//! A segment is opened only when the stream reaches its time, so that the first rows of a scan over
//! thousands of segments cost a few of them. What cannot be read is left out, and listed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use memchr::memmem::Finder;

use crate::error::{Error, Result};
use crate::event::{Event, FieldKey, Timestamp};
use crate::segment::Projection;
use crate::view::predicate::Term;
use crate::view::segments::{SegmentRows, may_match, sort_for_scan};
use crate::view::tail::TailView;
use crate::view::{Predicate, Search, SegmentHandle, Snapshot, TextHash};
use crate::wal::Frame;

/// A part of the database that a scan could not read; its events are missing from the result.
#[derive(Debug)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: Error,
}

/// A stream of events in (`ts`, `seq`) order; see [`Snapshot::scan`].
pub struct Scan {
    predicate: Predicate,
    indexed: Arc<[FieldKey]>,
    projection: Projection,
    backwards: bool,
    /// Segments not yet reached, the next one last.
    waiting: Vec<Arc<SegmentHandle>>,
    /// Next match of each source under way.
    heads: BinaryHeap<Head>,
    sources: Vec<Source>,
    unreadable: Vec<Unreadable>,
}

struct Source {
    rows: SourceRows,
    path: PathBuf,
}

enum SourceRows {
    Segment(SegmentRows),
    /// Matches of the WAL tails, sorted, the next one last.
    Tail(Vec<Event>),
}

/// The next match of a source. The greatest is the next of the scan.
struct Head {
    event: Event,
    source: usize,
    backwards: bool,
}

impl Head {
    fn key(&self) -> (Timestamp, u64) {
        (self.event.ts, self.event.seq.0)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let forwards = other.key().cmp(&self.key());
        if self.backwards { forwards.reverse() } else { forwards }
    }
}

impl Scan {
    pub(crate) fn new(
        snapshot: &Snapshot,
        predicate: Predicate,
        projection: Projection,
        backwards: bool,
    ) -> Scan {
        let mut scan = Scan {
            predicate,
            indexed: Arc::clone(&snapshot.indexed),
            projection,
            backwards,
            waiting: Vec::new(),
            heads: BinaryHeap::new(),
            sources: Vec::new(),
            unreadable: Vec::new(),
        };
        for (path, reason) in &snapshot.unreadable {
            let error = Error::Unavailable { path: path.clone(), reason: reason.clone() };
            scan.unreadable.push(Unreadable { path: path.clone(), error });
        }
        scan.find_segments(snapshot);
        scan.read_tails(snapshot);
        scan
    }

    fn find_segments(&mut self, snapshot: &Snapshot) {
        self.waiting = admitted_segments(snapshot, &self.predicate);
        sort_for_scan(&mut self.waiting, self.backwards);
        self.waiting.reverse();
    }

    /// The tails are a few files of bounded size: their matches are collected and sorted at once.
    fn read_tails(&mut self, snapshot: &Snapshot) {
        // The filters know indexed fields only.
        let hash = self.predicate.terms.iter().find_map(|term| {
            needle(term).filter(|_| search(term, &self.indexed).is_some()).map(TextHash::new)
        });
        let needle = self
            .predicate
            .terms
            .iter()
            .find_map(needle)
            .map(|text| Finder::new(text.as_bytes()).into_owned());
        for tail in &snapshot.tails {
            let mut matches = Vec::new();
            let frames: Box<dyn Iterator<Item = &Frame>> = match hash {
                Some(hash) => Box::new(tail.frames_that_may_hold(hash)),
                None => Box::new(tail.frames.iter()),
            };
            let (predicate, indexed) = (&self.predicate, &self.indexed);
            let collected = collect_matches(tail, frames, predicate, indexed, needle.as_ref(), &mut matches);
            if let Err(error) = collected {
                self.unreadable.push(Unreadable { path: tail.path.clone(), error });
            }
            self.add_events(matches, tail.path.clone());
        }
        let left_in_rings = snapshot.left_in_rings.iter().filter(|event| {
            self.predicate.matches_fixed(event.ts, event.seq.0, event.category, event.level)
                && self.predicate.matches_fields(&self.indexed, |field| event.field(field))
        });
        self.add_events(left_in_rings.cloned().collect(), PathBuf::new());
    }

    fn add_events(&mut self, mut events: Vec<Event>, path: PathBuf) {
        if events.is_empty() {
            return;
        }
        for event in &mut events {
            self.projection.apply(event);
        }
        events.sort_unstable_by_key(|event| (event.ts, event.seq));
        if !self.backwards {
            events.reverse();
        }
        self.sources.push(Source { rows: SourceRows::Tail(events), path });
        self.advance(self.sources.len() - 1);
    }

    /// Fetches the next match of a source.
    fn advance(&mut self, index: usize) {
        let source = &mut self.sources[index];
        let next = match &mut source.rows {
            SourceRows::Tail(events) => Ok(events.pop()),
            SourceRows::Segment(rows) => rows.next(&self.predicate, &self.indexed, self.backwards),
        };
        match next {
            Ok(Some(event)) => self.heads.push(Head { event, source: index, backwards: self.backwards }),
            Ok(None) => source.rows = SourceRows::Tail(Vec::new()),
            Err(error) => {
                self.unreadable.push(Unreadable { path: source.path.clone(), error });
                source.rows = SourceRows::Tail(Vec::new());
            }
        }
    }

    /// Opens the segments that may hold the next match.
    fn reach_segments(&mut self) {
        while let Some(handle) = self.waiting.last() {
            let is_reached = self.heads.peek().is_none_or(|head| {
                if self.backwards {
                    handle.meta.ts_max >= head.event.ts.0
                } else {
                    handle.meta.ts_min <= head.event.ts.0
                }
            });
            if !is_reached {
                return;
            }
            let handle = self.waiting.pop().expect("there is a last one");
            match SegmentRows::open(&handle, &self.predicate, &self.indexed, &self.projection) {
                Ok(rows) => {
                    self.sources.push(Source { rows: SourceRows::Segment(rows), path: handle.path.clone() });
                    self.advance(self.sources.len() - 1);
                }
                Err(error) => self.unreadable.push(Unreadable { path: handle.path.clone(), error }),
            }
        }
    }

    /// What could not be read so far. A result is whole only if this is empty at its end.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }
}

impl Iterator for Scan {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.reach_segments();
        let head = self.heads.pop()?;
        self.advance(head.source);
        Some(head.event)
    }
}

/// The segments that may hold a match, in no order.
pub(crate) fn admitted_segments(snapshot: &Snapshot, predicate: &Predicate) -> Vec<Arc<SegmentHandle>> {
    let indexed = &snapshot.indexed;
    let searches: Vec<Search<'_>> = predicate.terms.iter().filter_map(|term| search(term, indexed)).collect();
    let admitting = snapshot.version.segments.admitting(&searches, snapshot.filters.as_deref());
    let may_match = |handle: &&Arc<SegmentHandle>| may_match(&handle.meta, predicate, indexed);
    admitting.into_iter().filter(may_match).cloned().collect()
}

/// What the index can be asked for a term.
pub(crate) fn search<'t>(term: &'t Term, indexed: &'t [FieldKey]) -> Option<Search<'t>> {
    match term {
        Term::AnyIndexed { text } => Some(Search { fields: indexed, texts: std::slice::from_ref(text) }),
        Term::Text { field, texts } if indexed.contains(field) => {
            Some(Search { fields: std::slice::from_ref(field), texts })
        }
        _ => None,
    }
}

/// Text that every matching record holds byte for byte.
fn needle(term: &Term) -> Option<&str> {
    let text = match term {
        Term::AnyIndexed { text } => text,
        Term::Text { texts, .. } => match &texts[..] {
            [text] => text,
            _ => return None,
        },
        _ => return None,
    };
    // Shorter text is found everywhere; numbers and truth values are not stored as they print.
    let is_telling = text.len() >= 4 && text.parse::<f64>().is_err() && text.parse::<bool>().is_err();
    is_telling.then_some(text)
}

fn collect_matches<'t>(
    tail: &TailView,
    frames: impl Iterator<Item = &'t Frame>,
    predicate: &Predicate,
    indexed: &[FieldKey],
    needle: Option<&Finder<'_>>,
    matches: &mut Vec<Event>,
) -> Result<()> {
    for frame in frames {
        let last_seq = frame.first_seq.0 + u64::from(frame.count);
        if frame.first_seq.0 > predicate.seq_max || last_seq <= predicate.seq_min {
            continue;
        }
        // A producer's defaults hold the text for all its events, not one of them.
        if let Some(needle) = needle
            && needle.find(tail.payload(frame)).is_none()
            && needle.find(tail.defaults(frame).bytes()).is_none()
        {
            continue;
        }
        tail.each_record(frame, |seq, record, defaults| {
            if !predicate.matches_fixed(record.ts, seq.0, record.category, record.level) {
                return Ok(());
            }
            if let Some(needle) = needle
                && needle.find(record.bytes()).is_none()
                && needle.find(defaults.bytes()).is_none()
            {
                return Ok(());
            }
            let event = tail.event(frame.producer, seq, record, defaults)?;
            if predicate.matches_fields(indexed, |field| event.field(field)) {
                matches.push(event);
            }
            Ok(())
        })?;
    }
    Ok(())
}
