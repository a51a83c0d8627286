//! Takes some of the events of segments and WAL files into new segments, and keeps account of the rest: for a restore up
//! to a moment, and where events are deleted that a backup has in a WAL file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Refused, Result};
use crate::event::record::{Defaults, Encoder, Record};
use crate::event::{Category, Day, Event, Field, FieldKey, ProducerId, Seq};
use crate::limits::RECORD_BYTES_MAX;
use crate::maintain::absence::{Absence, rows_of_block};
use crate::segment::{
    FinishedSegment, Projection, Segment, SegmentBuilder, SegmentId, SegmentIdentity, SegmentOptions, Tier,
};
use crate::wal::{FrameKind, RecoveredWal, WalNumber};

/// Memory of one builder at which its segment is finished, in bytes.
const BUILDER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Rows between two looks at that memory.
const ROWS_PER_LOOK: u64 = 4096;

/// See the module. What it builds is hot: maintenance takes it to the tier that is due.
pub(super) struct Sift<'w> {
    options: SegmentOptions,
    next_segment: u64,
    source_wal: u64,
    builders: BTreeMap<(&'static str, Day), (Category, SegmentBuilder)>,
    absent: BTreeMap<(String, Day), Absence>,
    /// Those that tell of as much as one can.
    full: Vec<Absence>,
    write: &'w mut dyn FnMut(FinishedSegment) -> Result<()>,
}

impl<'w> Sift<'w> {
    /// Segments get ids from `next_segment` on, and go to `write`.
    pub(super) fn new(
        indexed: &[String],
        next_segment: u64,
        source_wal: u64,
        write: &'w mut dyn FnMut(FinishedSegment) -> Result<()>,
    ) -> Sift<'w> {
        let indexed = indexed.iter().map(|name| FieldKey::new(name)).collect();
        let options = SegmentOptions { indexed, ..SegmentOptions::default() };
        let (builders, absent, full) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Sift { options, next_segment, source_wal, builders, absent, full, write }
    }

    fn absence(&mut self, category: &str, day: Day) -> &mut Absence {
        let new = || Absence::new(category, day);
        let absence = self.absent.entry((category.to_owned(), day)).or_insert_with(new);
        if absence.is_full() {
            self.full.push(std::mem::replace(absence, new()));
        }
        absence
    }

    /// Takes the events of WAL files for which `stays` says so. A record comes with its seq.
    pub(super) fn take_wal(
        &mut self,
        wal: &RecoveredWal,
        dir: &Path,
        stays: &dyn Fn(Seq, &Record<'_>) -> bool,
    ) -> Result<()> {
        for file in &wal.files {
            let path = WalNumber::path(file.header.number, dir);
            let damaged = |offset, found: &str| {
                let hint = "it was written so; take another backup point";
                Error::damaged(&path, offset, "an event record", found, hint)
            };
            let mut introduced: BTreeMap<ProducerId, Defaults> = BTreeMap::new();
            for frame in &file.frames {
                if frame.kind == FrameKind::Producer {
                    let defaults = frame
                        .defaults(&file.bytes)
                        .map_err(|error| damaged(frame.offset, &error.to_string()))?;
                    introduced.insert(frame.producer, defaults);
                }
                if frame.kind != FrameKind::Events {
                    continue;
                }
                let defaults = introduced
                    .get(&frame.producer)
                    .ok_or_else(|| damaged(frame.offset, "events of a producer that was not introduced"))?;
                for record in frame.records(&file.bytes) {
                    let (seq, record) = record.map_err(|error| damaged(frame.offset, &error.to_string()))?;
                    if stays(seq, &record) {
                        self.push(&path, seq, frame.producer, &record, defaults)?;
                    } else {
                        let (category, day) = (record.category, record.ts.day());
                        self.absence(category.name(), day).note_record(seq, frame.producer, &record);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the events of a segment up to a time, it included. Rows are in order of time, so those are its first.
    pub(super) fn take_segment_until(&mut self, segment: &Segment, until_ns: i64) -> Result<()> {
        let meta = segment.meta();
        if meta.ts_max > until_ns {
            self.absence(&meta.category, meta.day).note_file(meta);
        }
        for block in 0..segment.block_count() {
            let rows = segment.block_rows(block);
            let stay = rows_of_block(segment, block)?.partition_point(|row| row.ts <= until_ns) as u32;
            for row in rows.start..rows.start + stay {
                let event = segment.event(row, &Projection::All)?;
                encoded(segment.path(), &event, |record, defaults| {
                    self.push(segment.path(), event.seq, event.producer, record, defaults)
                })?;
            }
            if rows.start + stay < rows.end {
                let first_row = rows.start + stay;
                self.absence(&meta.category, meta.day).note_block(segment, block, first_row)?;
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        path: &Path,
        seq: Seq,
        producer: ProducerId,
        record: &Record<'_>,
        defaults: &Defaults,
    ) -> Result<()> {
        let key = (record.category.name(), record.ts.day());
        let (_, builder) =
            self.builders.entry(key).or_insert_with(|| (record.category, SegmentBuilder::new(&self.options)));
        builder.push(seq, producer, record, defaults).map_err(|error| {
            Error::damaged(path, 0, "an event record", error.to_string(), "take another backup point")
        })?;
        let is_large =
            builder.rows().is_multiple_of(ROWS_PER_LOOK) && builder.memory_bytes() > BUILDER_BYTES_MAX;
        if (is_large || builder.is_full())
            && let Some((category, builder)) = self.builders.remove(&key)
        {
            self.finish_builder(category, key.1, builder)?;
        }
        Ok(())
    }

    fn finish_builder(&mut self, category: Category, day: Day, builder: SegmentBuilder) -> Result<()> {
        let id = SegmentId(self.next_segment);
        self.next_segment += 1;
        let source_wal = self.source_wal;
        (self.write)(builder.finish(SegmentIdentity { id, day, category, tier: Tier::Hot, source_wal }))
    }

    /// Finishes the segments under way. Gives what was left out of each partition, and the id after those given to
    /// segments.
    pub(super) fn finish(mut self) -> Result<(Vec<Absence>, u64)> {
        for ((_, day), (category, builder)) in std::mem::take(&mut self.builders) {
            self.finish_builder(category, day, builder)?;
        }
        let mut absences = std::mem::take(&mut self.full);
        absences.extend(std::mem::take(&mut self.absent).into_values().filter(|absence| absence.rows() > 0));
        Ok((absences, self.next_segment))
    }
}

/// The number after the highest of the recorders that WAL files introduce.
pub(super) fn next_producer(wal: &RecoveredWal) -> u32 {
    let frames = wal.files.iter().flat_map(|file| &file.frames);
    let introduced = frames.filter(|frame| frame.kind == FrameKind::Producer);
    introduced.map(|frame| frame.producer.0.saturating_add(1)).max().unwrap_or(0)
}

/// Gives an event to `take` as a record. One that only fits a record without what its recorder says once comes with
/// that as defaults, as it came to the segment.
pub(super) fn encoded<T>(
    path: &Path,
    event: &Event,
    take: impl FnOnce(&Record<'_>, &Defaults) -> Result<T>,
) -> Result<T> {
    const SAID_ONCE: [Field; 3] = [Field::STRATEGY, Field::SERVICE, Field::SESSION_ID];
    let is_said_once = |key: &FieldKey| {
        SAID_ONCE.iter().any(|field| *key == FieldKey::Known(*field) && !event.text(*field).is_empty())
    };
    let mut encoder = Encoder::new();
    let mut encode = |apart: bool| -> Result<Defaults, Refused> {
        encoder.begin(event.category, event.level);
        for (key, value) in event.fields.iter().filter(|(key, _)| !(apart && is_said_once(key))) {
            encoder.field(key.borrow(), value.borrow())?;
        }
        let texts = SAID_ONCE.iter().map(|field| (*field, event.text(*field)));
        Defaults::new(texts.filter(|(_, text)| apart && !text.is_empty()))
    };
    let encoding = match encode(false) {
        Err(Refused::EventTooLarge { .. }) => encode(true),
        encoding => encoding,
    };
    let defaults = encoding.map_err(|refused| {
        let expected = format!("an event of at most {RECORD_BYTES_MAX} bytes");
        let found = format!("seq {}: {refused}", event.seq);
        Error::damaged(path, 0, expected, found, "take another backup point")
    })?;
    let record =
        Record::parse(encoder.finish(event.ts, event.pseq)).expect("what the encoder finished is a record");
    take(&record, &defaults)
}
