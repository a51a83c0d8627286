//! Rows of several segments in one order, (`ts`, `seq`).
//!
//! A segment is read from when its earliest row may be next, and given up after its last, so that segments that follow
//! each other in time are under way one after the other.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Pace;
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::segment::pages::HINT;
use crate::segment::reader::{ColumnId, Segment};
use crate::segment::vector::Values;

/// See the module.
pub(super) struct Merged<'s> {
    segments: &'s [Arc<Segment>],
    pace: &'s dyn Pace,
    /// Segments not begun, the latest first, by place.
    waiting: Vec<usize>,
    /// Those under way, by place.
    rows: Vec<Option<Rows<'s>>>,
    /// The rows at hand of those under way, but for the current one's.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
    current: Option<usize>,
    /// The current segment goes on while its rows are before this.
    until: Key,
    last: Option<(Key, usize)>,
    seen: SharedSeqs,
}

type Key = (i64, u64);

const END: Key = (i64::MAX, u64::MAX);

impl<'s> Merged<'s> {
    pub(super) fn new(segments: &'s [Arc<Segment>], pace: &'s dyn Pace) -> Merged<'s> {
        let mut waiting: Vec<usize> =
            (0..segments.len()).filter(|place| segments[*place].rows() > 0).collect();
        waiting.sort_by_key(|place| Reverse((segments[*place].meta().ts_min, *place)));
        Merged {
            segments,
            pace,
            waiting,
            rows: segments.iter().map(|_| None).collect(),
            heads: BinaryHeap::new(),
            current: None,
            until: END,
            last: None,
            seen: SharedSeqs::new(segments),
        }
    }

    /// Moves on to the next row and gives its segment, at that row.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<&Rows<'s>>> {
        if let Some(current) = self.current {
            let rows = self.rows[current].as_mut().expect("the current segment is under way");
            if !(rows.advance()? && rows.key() < self.until) {
                self.change()?;
            }
        } else {
            self.change()?;
        }
        let Some(current) = self.current else { return Ok(None) };
        let rows = self.rows[current].as_ref().expect("the current segment is under way");
        let key = rows.key();
        // Rows of one segment ascend, as was checked, so two that are equal are of two segments.
        if let Some((last, other)) = self.last
            && key <= last
        {
            return Err(held_twice(rows.segment(), &self.segments[other], key.1));
        }
        if !self.seen.add(key.1) {
            let other = self.holder(key.1, current)?;
            return Err(held_twice(rows.segment(), other, key.1));
        }
        self.last = Some((key, current));
        Ok(self.rows[current].as_ref())
    }

    /// Chooses the segment of the next row anew.
    #[cold]
    fn change(&mut self) -> Result<()> {
        if let Some(current) = self.current.take() {
            self.enter(current)?;
        }
        while let Some(place) = self.waiting.last().copied() {
            let first = self.segments[place].meta().ts_min;
            if self.heads.peek().is_some_and(|Reverse(((ts, _), _))| *ts < first) {
                break;
            }
            self.waiting.pop();
            self.rows[place] = Some(Rows::new(&self.segments[place]));
            self.enter(place)?;
        }
        let Some(Reverse((_, current))) = self.heads.pop() else { return Ok(()) };
        let waiting = self.waiting.last().map_or(END, |place| (self.segments[*place].meta().ts_min, 0));
        self.until = self.heads.peek().map_or(waiting, |Reverse((key, _))| waiting.min(*key));
        self.current = Some(current);
        Ok(())
    }

    /// Puts a segment among those under way, at its next row, or gives it up.
    fn enter(&mut self, place: usize) -> Result<()> {
        let rows = self.rows[place].as_mut().expect("only segments under way are entered");
        if rows.is_past_block() {
            let Some((count, bytes)) = rows.next_block() else {
                self.rows[place] = None;
                return Ok(());
            };
            self.pace.step(count, bytes)?;
            rows.load()?;
        }
        self.heads.push(Reverse((rows.key(), place)));
        Ok(())
    }

    /// Another segment that has the seq, to name in an error.
    fn holder(&self, seq: u64, not: usize) -> Result<&'s Segment> {
        let others = self.segments.iter().enumerate().filter(|(place, _)| *place != not);
        for (_, segment) in others {
            if !(segment.meta().seq_min..=segment.meta().seq_max).contains(&seq) {
                continue;
            }
            for block in 0..segment.block_count() {
                let seqs = segment.decode(block, ColumnId::Seq)?;
                if matches!(&seqs.values, Values::U64(seqs) if seqs.contains(&seq)) {
                    return Ok(segment);
                }
            }
        }
        Ok(&self.segments[not])
    }
}

#[cold]
fn held_twice(segment: &Segment, other: &Segment, seq: u64) -> Error {
    let expected = format!("no event of {}", other.path().display());
    let found = format!("its seq {seq} again");
    Error::damaged(segment.path(), 0, expected, found, HINT)
}

/// The seqs met so far, of those that several segments may have. What one WAL file was sealed to shares none with
/// others, so that mostly there is nothing to remember.
struct SharedSeqs {
    /// Ranges that at least two segments cover, ascending and apart.
    shared: Vec<RangeInclusive<u64>>,
    met: HashMap<u64, [u64; CHUNK_WORDS], foldhash::fast::RandomState>,
}

/// Seqs of one category are some way apart: small chunks waste little.
const CHUNK_WORDS: usize = 8;
const CHUNK_SEQS: u64 = CHUNK_WORDS as u64 * 64;

impl SharedSeqs {
    fn new(segments: &[Arc<Segment>]) -> SharedSeqs {
        let mut spans: Vec<(u64, u64)> =
            segments.iter().map(|segment| (segment.meta().seq_min, segment.meta().seq_max)).collect();
        spans.sort_unstable();
        let mut shared: Vec<RangeInclusive<u64>> = Vec::new();
        let mut covered: Option<u64> = None;
        for (first, last) in spans {
            if let Some(end) = covered.filter(|end| first <= *end) {
                let range = first..=last.min(end);
                match shared.last_mut().filter(|before| *range.start() <= *before.end()) {
                    Some(before) => *before = *before.start()..=*range.end().max(before.end()),
                    None => shared.push(range),
                }
            }
            covered = covered.max(Some(last));
        }
        SharedSeqs { shared, met: HashMap::default() }
    }

    /// False if the seq was met before.
    #[inline]
    fn add(&mut self, seq: u64) -> bool {
        self.shared.is_empty() || self.add_shared(seq)
    }

    fn add_shared(&mut self, seq: u64) -> bool {
        let range = self.shared.partition_point(|range| *range.end() < seq);
        if !self.shared.get(range).is_some_and(|range| range.contains(&seq)) {
            return true;
        }
        let chunk = self.met.entry(seq / CHUNK_SEQS).or_default();
        let (word, bit) = ((seq % CHUNK_SEQS / 64) as usize, 1 << (seq % 64));
        let is_new = chunk[word] & bit == 0;
        chunk[word] |= bit;
        is_new
    }
}
