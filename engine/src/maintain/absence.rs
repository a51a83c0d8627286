//! What is to be told of events that a database has no longer, because they were deleted or not restored: one tombstone
//! per partition, exact in rows, sequence numbers and counts of recorders.

use std::collections::BTreeMap;
use std::ops::Range;

use super::coverage::losses_in;
use crate::catalog::Gap;
use crate::catalog::ledger::{DropReason, ProducerSpan, Tombstone, seq_digest};
use crate::error::Result;
use crate::event::record::Record;
use crate::event::{Category, Day, ProducerId, Seq};
use crate::ring::loss_in;
use crate::segment::{ColumnId, FullPace, Pace, Segment, SegmentId, SegmentMeta, Values};

/// Recorders and losses of one tombstone, to which those of one more block may come. Each takes 24 bytes at most, of the
/// megabyte that an entry of the ledger may have.
const PARTS_MAX: usize = 16 * 1024;

/// Absent events of one partition.
#[derive(Debug)]
pub(crate) struct Absence {
    category: String,
    day: Day,
    segments: Vec<SegmentId>,
    rows: u64,
    bytes: u64,
    ts: (i64, i64),
    seqs: (u64, u64),
    seq_digest: u64,
    /// The lowest count of each recorder, and the one after the highest.
    producers: BTreeMap<u32, (u64, u64)>,
    losses: Vec<Gap>,
}

/// What every row has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) ts: i64,
    pub(crate) seq: u64,
    pub(crate) producer: u32,
    pub(crate) pseq: u64,
}

impl Absence {
    pub(crate) fn new(category: &str, day: Day) -> Absence {
        Absence {
            category: category.to_owned(),
            day,
            segments: Vec::new(),
            rows: 0,
            bytes: 0,
            ts: (i64::MAX, i64::MIN),
            seqs: (u64::MAX, 0),
            seq_digest: 0,
            producers: BTreeMap::new(),
            losses: Vec::new(),
        }
    }

    /// That of a whole segment.
    pub(crate) fn of_segment(segment: &Segment) -> Result<Absence> {
        let mut absence = Absence::new(&segment.meta().category, segment.meta().day);
        absence.note_segment(segment, &FullPace)?;
        Ok(absence)
    }

    /// Adds all events of a segment.
    pub(crate) fn note_segment(&mut self, segment: &Segment, pace: &dyn Pace) -> Result<()> {
        for block in 0..segment.block_count() {
            pace.step(segment.block_rows(block).len(), 0)?;
            self.note_block(segment, block, 0)?;
        }
        self.note_file(segment.meta());
        Ok(())
    }

    /// Adds the events of a block from a row on.
    pub(crate) fn note_block(&mut self, segment: &Segment, block: u32, first_row: u32) -> Result<()> {
        let rows = segment.block_rows(block);
        let first_row = first_row.max(rows.start);
        let skipped = (first_row - rows.start) as usize;
        rows_of_block(segment, block)?.iter().skip(skipped).for_each(|row| self.note(*row));
        self.note_losses(segment, first_row..rows.end)
    }

    /// Whether it tells of so many recorders and losses that another should tell of what follows: an entry of the
    /// ledger has a limit.
    pub(crate) fn is_full(&self) -> bool {
        self.producers.len() + self.losses.len() > PARTS_MAX
    }

    /// Adds the file that held some of them.
    pub(crate) fn note_file(&mut self, meta: &SegmentMeta) {
        self.segments.push(meta.id);
        self.bytes += meta.file_bytes;
    }

    pub(crate) fn note(&mut self, row: Row) {
        self.rows += 1;
        self.ts = (self.ts.0.min(row.ts), self.ts.1.max(row.ts));
        self.seqs = (self.seqs.0.min(row.seq), self.seqs.1.max(row.seq));
        self.seq_digest = self.seq_digest.wrapping_add(seq_digest(row.seq));
        let span = self.producers.entry(row.producer).or_insert((u64::MAX, 0));
        *span = (span.0.min(row.pseq), span.1.max(row.pseq.saturating_add(1)));
    }

    pub(crate) fn note_record(&mut self, seq: Seq, producer: ProducerId, record: &Record<'_>) {
        self.note(Row { ts: record.ts.0, seq: seq.0, producer: producer.0, pseq: record.pseq });
        if record.category == Category::SYSTEM
            && let Some((producer, lost)) = loss_in(record)
        {
            self.note_loss(producer.0, lost);
        }
    }

    fn note_loss(&mut self, producer: u32, Range { start: first, end }: Range<u64>) {
        match self.losses.last_mut() {
            // A recorder that loses much tells of one run after the other.
            Some(Gap::Producer { producer: before, end: end_before, .. })
                if (*before, *end_before) == (producer, first) =>
            {
                *end_before = end;
            }
            _ => self.losses.push(Gap::Producer { producer, first, end }),
        }
    }

    /// Adds the losses that rows of a segment tell of.
    fn note_losses(&mut self, segment: &Segment, rows: Range<u32>) -> Result<()> {
        if segment.meta().category == Category::SYSTEM.name() {
            for (producer, lost) in losses_in(segment, rows)? {
                self.note_loss(producer, lost);
            }
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn partition(&self) -> (&str, Day) {
        (&self.category, self.day)
    }

    pub(crate) fn first_seq(&self) -> Seq {
        Seq(self.seqs.0)
    }

    pub(crate) fn into_tombstone(self, why: DropReason) -> Tombstone {
        let span = |(producer, (first, end)): (u32, (u64, u64))| ProducerSpan { producer, first, end };
        Tombstone {
            category: self.category,
            day: self.day,
            segments: self.segments,
            rows: self.rows,
            bytes: self.bytes,
            ts_min: self.ts.0,
            ts_max: self.ts.1,
            seq_min: self.seqs.0,
            seq_max: self.seqs.1,
            seq_digest: self.seq_digest,
            producers: self.producers.into_iter().map(span).collect(),
            losses: self.losses,
            why,
            root: None,
        }
    }
}

/// What the rows of a block have in common, in their order.
pub(crate) fn rows_of_block(segment: &Segment, block: u32) -> Result<Vec<Row>> {
    let [times, seqs, producers, pseqs] = [ColumnId::Ts, ColumnId::Seq, ColumnId::Producer, ColumnId::Pseq]
        .map(|column| segment.decode(block, column).map(|vector| vector.values));
    let (Values::I64(times), Values::U64(seqs), Values::U64(producers), Values::U64(pseqs)) =
        (times?, seqs?, producers?, pseqs?)
    else {
        unreachable!("these columns are numbers");
    };
    let row =
        |at: usize| Row { ts: times[at], seq: seqs[at], producer: producers[at] as u32, pseq: pseqs[at] };
    Ok((0..times.len()).map(row).collect())
}
