//! Counts events exactly: that every seq is there once, and every event of a recorder too, or is known to be lost.

use std::collections::BTreeMap;
use std::ops::Range;

use super::numbers::{NumberSet, subtract};
use crate::catalog::Gap;
use crate::error::Result;
use crate::event::record::Record;
use crate::event::{Category, Event, Field, FieldKey, Seq, names};
use crate::ring::loss_in;
use crate::segment::{ColumnId, Projection, Segment, Values};

/// Findings of one kind that are listed before the rest is only counted.
pub(super) const LISTED_MAX: usize = 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) seqs: NumberSet,
    producers: BTreeMap<u32, Producer>,
    /// Seqs that occur again, and events of recorders that do; the first few.
    pub(super) repeated: Vec<String>,
    pub(super) repeated_count: u64,
    /// Records of loss.
    pub(super) loss_records: u64,
    /// Events they tell of.
    pub(super) lost: u64,
}

#[derive(Debug, Default)]
struct Producer {
    counts: NumberSet,
    lost: Vec<Range<u64>>,
}

impl Coverage {
    /// Counts one event.
    pub(super) fn event(&mut self, seq: u64, producer: u32, pseq: u64) {
        if !self.seqs.insert(seq) {
            self.repeat(|| format!("seq {seq}"));
        }
        if !self.producers.entry(producer).or_default().counts.insert(pseq) {
            self.repeat(|| format!("event {pseq} of producer {producer}"));
        }
    }

    fn repeat(&mut self, what: impl FnOnce() -> String) {
        self.repeated_count += 1;
        if self.repeated.len() < LISTED_MAX {
            self.repeated.push(what());
        }
    }

    fn loss(&mut self, producer: u32, first: u64, end: u64) {
        self.loss_records += 1;
        self.lost = self.lost.saturating_add(end.saturating_sub(first));
        self.producers.entry(producer).or_default().lost.push(first..end);
    }

    /// Counts a record of the WAL.
    pub(super) fn record(&mut self, seq: Seq, producer: u32, record: &Record<'_>) {
        self.event(seq.0, producer, record.pseq);
        if record.category == Category::SYSTEM
            && let Some((producer, lost)) = loss_in(record)
        {
            self.loss(producer.0, lost.start, lost.end);
        }
    }

    /// Counts the events of a segment. Of a damaged one some may have been counted before the error.
    pub(super) fn segment(&mut self, segment: &Segment) -> Result<()> {
        for block in 0..segment.block_count() {
            let [seqs, producers, pseqs] = [ColumnId::Seq, ColumnId::Producer, ColumnId::Pseq]
                .map(|column| segment.decode(block, column).map(|vector| vector.values));
            let (Values::U64(seqs), Values::U64(producers), Values::U64(pseqs)) = (seqs?, producers?, pseqs?)
            else {
                unreachable!("these columns are numbers");
            };
            for ((seq, producer), pseq) in seqs.iter().zip(&producers).zip(&pseqs) {
                self.event(*seq, *producer as u32, *pseq);
            }
        }
        if segment.meta().category == Category::SYSTEM.name() {
            self.losses(segment)?;
        }
        Ok(())
    }

    fn losses(&mut self, segment: &Segment) -> Result<()> {
        for (producer, lost) in losses_in(segment, 0..segment.rows())? {
            self.loss(producer, lost.start, lost.end);
        }
        Ok(())
    }

    /// The number of the next recorder, as far as the events tell.
    pub(super) fn next_producer(&self) -> u32 {
        self.producers.last_key_value().map_or(0, |(producer, _)| producer.saturating_add(1))
    }

    /// What is missing: seqs below `end`, and of each recorder what comes before its last event and is not
    /// recorded as lost.
    pub(super) fn gaps(&self, end: u64) -> Vec<Gap> {
        let seqs = self.seqs.missing_below(end);
        let mut gaps: Vec<Gap> =
            seqs.into_iter().map(|run| Gap::Seqs { first: run.start, end: run.end }).collect();
        for (producer, known) in &self.producers {
            let mut lost = known.lost.clone();
            lost.sort_unstable_by_key(|run| run.start);
            let missing = subtract(&known.counts.missing_below(known.counts.end()), &lost);
            let gap = |run: Range<u64>| Gap::Producer { producer: *producer, first: run.start, end: run.end };
            gaps.extend(missing.into_iter().map(gap));
        }
        gaps
    }
}

/// The losses that rows of a segment of the category `system` tell of: producers, and what they lost.
pub(super) fn losses_in(segment: &Segment, rows: Range<u32>) -> Result<Vec<(u32, Range<u64>)>> {
    let event_name = Projection::fields([FieldKey::Known(Field::EVENT)]);
    let mut losses = Vec::new();
    for row in rows {
        if segment.event(row, &event_name)?.text(Field::EVENT) == names::EVENTS_LOST {
            losses.extend(loss_of(&segment.event(row, &Projection::All)?));
        }
    }
    Ok(losses)
}

/// The producer of a recorded loss, and what it lost.
fn loss_of(event: &Event) -> Option<(u32, Range<u64>)> {
    let number = |name: &str| event.get(name)?.to_string().parse::<u64>().ok();
    let (producer, first) = (number("lost_producer")?, number("lost_first_pseq")?);
    Some((u32::try_from(producer).ok()?, first..first.checked_add(number("lost_count")?)?))
}
