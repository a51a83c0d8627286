//! A snapshot in parts, for readers that take columns or records rather than whole events: sealed segments, and
//! stretches of what is unsealed. Every event of the snapshot is in exactly one part.
//!
//! Parts are pruned by a predicate but not filtered: whoever reads one asks every event in it.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::event::record::{Defaults, FieldsWithDefaults, Record};
use crate::event::{Category, Event, FieldRef, Level, ProducerId, Seq, Timestamp, ValueRef};
use crate::segment::{Segment, SegmentMeta};
use crate::view::scan::{admitted_segments, search};
use crate::view::tail::TailView;
use crate::view::{Predicate, SegmentHandle, Snapshot, TextHash, Unreadable};
use crate::wal::Frame;

/// Payload bytes of an unsealed part: a few thousand events, so that threads can share the work.
const UNSEALED_PART_BYTES: u64 = 512 * 1024;

/// Most texts that the filters of a WAL tail are asked for; with more, its frames are read.
const TAIL_TEXTS_MAX: usize = 64;

/// A sealed segment of a snapshot, opened when first asked.
#[derive(Clone, Debug)]
pub struct SegmentPart {
    handle: Arc<SegmentHandle>,
}

impl SegmentPart {
    /// What is known of it without opening it.
    pub fn meta(&self) -> &SegmentMeta {
        &self.handle.meta
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.handle.path
    }

    /// Whether its file is there and has its length; looks no further.
    ///
    /// # Errors
    /// IO errors; a file of another length.
    pub fn check(&self) -> Result<()> {
        self.handle.check()
    }

    /// The segment.
    ///
    /// # Errors
    /// IO errors and damage.
    pub fn open(&self) -> Result<Arc<Segment>> {
        self.handle.open()
    }
}

/// A stretch of what is not sealed yet.
#[derive(Clone, Debug)]
pub struct UnsealedPart {
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Frames of a WAL file.
    Frames { tail: TailView, frames: Vec<Frame> },
    /// What a dead process left in its rings.
    Rings(Arc<Vec<Event>>),
}

impl UnsealedPart {
    /// The file; empty for events that are in no file yet.
    pub fn path(&self) -> &Path {
        match &self.content {
            Content::Frames { tail, .. } => &tail.path,
            Content::Rings(_) => Path::new(""),
        }
    }

    /// Events in it.
    pub fn events(&self) -> u64 {
        match &self.content {
            Content::Frames { frames, .. } => frames.iter().map(|frame| u64::from(frame.count)).sum(),
            Content::Rings(events) => events.len() as u64,
        }
    }

    /// Calls `take` with every event, in order of seq, and a number that [`UnsealedPart::get`] finds it by.
    ///
    /// # Errors
    /// Damage, and what `take` returns.
    pub fn each<E: From<Error>>(
        &self,
        mut take: impl FnMut(u64, &UnsealedEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.content {
            Content::Rings(events) => events
                .iter()
                .enumerate()
                .try_for_each(|(at, event)| take(at as u64, &UnsealedEvent::of(event))),
            Content::Frames { tail, frames } => frames.iter().enumerate().try_for_each(|(at, frame)| {
                let defaults = tail.defaults(frame);
                let mut records = tail.records(frame);
                let first = records.offset;
                loop {
                    // Positions in a payload fit 32 bits with room: it has a megabyte at most.
                    let place = (at as u64) << 32 | (records.offset - first);
                    let Some(record) = records.next() else { return Ok(()) };
                    let (seq, record) =
                        record.map_err(|error| tail.damaged(records.offset, &error.to_string()))?;
                    let source = Fields::Record { record, defaults };
                    take(place, &UnsealedEvent::new(seq, frame.producer, tail, source))?;
                }
            }),
        }
    }

    /// The event that [`UnsealedPart::each`] gave with that number and seq.
    ///
    /// # Errors
    /// Damage.
    ///
    /// # Panics
    /// If the number is not one of this part.
    pub fn get(&self, number: u64, seq: Seq) -> Result<UnsealedEvent<'_>> {
        match &self.content {
            Content::Rings(events) => Ok(UnsealedEvent::of(&events[number as usize])),
            Content::Frames { tail, frames } => {
                let frame = &frames[(number >> 32) as usize];
                let at = (number & u64::from(u32::MAX)) as usize;
                let record = Record::parse(&tail.payload(frame)[at..])
                    .map_err(|error| tail.damaged(frame.offset, &error.to_string()))?;
                let source = Fields::Record { record, defaults: tail.defaults(frame) };
                Ok(UnsealedEvent::new(seq, frame.producer, tail, source))
            }
        }
    }
}

/// An event that is not sealed yet, borrowed from where it is; fields are read when asked for.
pub struct UnsealedEvent<'a> {
    /// When it happened.
    pub ts: Timestamp,
    /// Its place in the database.
    pub seq: Seq,
    /// Which recorder it came from.
    pub producer: ProducerId,
    /// The recorder's own count.
    pub pseq: u64,
    /// What kind.
    pub category: Category,
    /// How much it matters.
    pub level: Level,
    fields: Fields<'a>,
    /// For messages.
    tail: Option<&'a TailView>,
}

#[derive(Clone, Copy)]
enum Fields<'a> {
    Record { record: Record<'a>, defaults: &'a Defaults },
    Event(&'a Event),
}

enum FieldsIter<'a> {
    Record(FieldsWithDefaults<'a>),
    Event(std::slice::Iter<'a, (crate::event::FieldKey, crate::event::Value)>),
}

impl<'a> UnsealedEvent<'a> {
    /// An event that was decoded, seen like one that was not.
    pub fn of(event: &'a Event) -> UnsealedEvent<'a> {
        UnsealedEvent {
            ts: event.ts,
            seq: event.seq,
            producer: event.producer,
            pseq: event.pseq,
            category: event.category,
            level: event.level,
            fields: Fields::Event(event),
            tail: None,
        }
    }

    /// A record of a WAL file.
    pub(crate) fn of_record(
        seq: Seq,
        producer: ProducerId,
        tail: &'a TailView,
        record: Record<'a>,
        defaults: &'a Defaults,
    ) -> UnsealedEvent<'a> {
        UnsealedEvent::new(seq, producer, tail, Fields::Record { record, defaults })
    }

    fn new(seq: Seq, producer: ProducerId, tail: &'a TailView, fields: Fields<'a>) -> UnsealedEvent<'a> {
        let Fields::Record { record, .. } = &fields else { unreachable!("made of a record only") };
        UnsealedEvent {
            ts: record.ts,
            seq,
            producer,
            pseq: record.pseq,
            category: record.category,
            level: record.level,
            fields,
            tail: Some(tail),
        }
    }

    /// Its fields, in the order given.
    ///
    /// # Errors
    /// Each may be damaged.
    pub fn fields(&self) -> impl Iterator<Item = Result<(FieldRef<'a>, ValueRef<'a>)>> + '_ {
        let mut fields = match self.fields {
            Fields::Record { record, defaults } => FieldsIter::Record(record.fields_with(defaults)),
            Fields::Event(event) => FieldsIter::Event(event.fields.iter()),
        };
        std::iter::from_fn(move || match &mut fields {
            FieldsIter::Event(fields) => fields.next().map(|(key, value)| Ok((key.borrow(), value.borrow()))),
            FieldsIter::Record(fields) => fields.next().map(|field| {
                field.map_err(|error| match self.tail {
                    Some(tail) => tail.damaged(tail.header.first_seq.0, &error.to_string()),
                    None => Error::Unavailable { path: "".into(), reason: error.to_string() },
                })
            }),
        })
    }
}

impl Snapshot {
    /// The sealed segments that may hold a match, in no particular order.
    pub fn segment_parts(&self, predicate: &Predicate) -> Vec<SegmentPart> {
        admitted_segments(self, predicate).into_iter().map(|handle| SegmentPart { handle }).collect()
    }

    /// What is unsealed and may hold a match, in order of seq.
    pub fn unsealed_parts(&self, predicate: &Predicate) -> Vec<UnsealedPart> {
        // The filters know indexed fields only.
        let texts = predicate
            .terms
            .iter()
            .filter_map(|term| search(term, &self.indexed))
            .map(|search| search.texts)
            .find(|texts| texts.len() <= TAIL_TEXTS_MAX);
        let hashes: Option<Vec<TextHash>> =
            texts.map(|texts| texts.iter().map(|text| TextHash::new(text)).collect());
        let mut parts = Vec::new();
        for tail in &self.tails {
            let mut frames: Vec<Frame> = Vec::new();
            let mut bytes = 0;
            let wanted: Box<dyn Iterator<Item = &Frame>> = match &hashes {
                Some(hashes) => Box::new(tail.frames_that_may_hold_any(hashes)),
                None => Box::new(tail.frames.iter()),
            };
            for frame in wanted {
                let last_seq = frame.first_seq.0 + u64::from(frame.count);
                if frame.first_seq.0 > predicate.seq_max || last_seq <= predicate.seq_min {
                    continue;
                }
                frames.push(*frame);
                bytes += u64::from(frame.payload_bytes);
                if bytes >= UNSEALED_PART_BYTES {
                    let content = Content::Frames { tail: tail.clone(), frames: std::mem::take(&mut frames) };
                    parts.push(UnsealedPart { content });
                    bytes = 0;
                }
            }
            if !frames.is_empty() {
                parts.push(UnsealedPart { content: Content::Frames { tail: tail.clone(), frames } });
            }
        }
        if !self.left_in_rings.is_empty() {
            parts.push(UnsealedPart { content: Content::Rings(Arc::clone(&self.left_in_rings)) });
        }
        parts
    }

    /// What could not even be listed.
    pub fn unreadable_parts(&self) -> Vec<Unreadable> {
        let unreadable = |(path, reason): &(std::path::PathBuf, String)| {
            let error = Error::Unavailable { path: path.clone(), reason: reason.clone() };
            Unreadable { path: path.clone(), error }
        };
        self.unreadable.iter().map(unreadable).collect()
    }
}
