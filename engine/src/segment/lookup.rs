//! From a value to its rows.
//!
//! Postings say in which miniblocks of 128 rows a code occurs, not in which rows: an order's first events
//! stand together, so most of its postings are one number, and looking through 128 packed codes takes less
//! time than the bytes of exact postings would take to fetch.
//!
//! ```text
//! first     series over all codes: the miniblock (of the segment) of the first row
//! counts    series over all codes: 0 no other; 1 too many to list, look at every miniblock from the first on;
//!           n + 1: n others
//! starts    series: how many others the codes before each 128th code have in all
//! gaps      series: the others of each code, each as the distance from the one before, less 1
//! ```

use serde::{Deserialize, Serialize};

use super::bits::MINIBLOCK;
use super::pages::{Output, SegmentFile, Series, SeriesRef};
use super::wire::Malformed;
use crate::error::Result;

/// Where postings are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PostingsRef {
    pub(crate) first: SeriesRef,
    pub(crate) counts: SeriesRef,
    pub(crate) starts: SeriesRef,
    pub(crate) gaps: SeriesRef,
}

/// Codes per entry of the series of starts.
const START_CODES: usize = 128;
/// A code is looked for everywhere if it occurs in more than one of so many miniblocks.
const DENSE_MINIBLOCKS: usize = 8;
/// ... and in more than so many.
const LISTED_MAX: u32 = 16;

/// Postings being collected, rows ascending.
pub(crate) struct PostingsWriter {
    /// Per code its last miniblock, plus one.
    last: Vec<u32>,
    counts: Vec<u32>,
    occurrences: Vec<(u32, u32)>,
}

impl PostingsWriter {
    pub(crate) fn new(codes: usize) -> PostingsWriter {
        PostingsWriter { last: vec![0; codes], counts: vec![0; codes], occurrences: vec![] }
    }

    #[inline]
    pub(crate) fn add(&mut self, code: u32, miniblock: u32) {
        let last = &mut self.last[code as usize];
        if *last != miniblock + 1 {
            *last = miniblock + 1;
            self.counts[code as usize] += 1;
            self.occurrences.push((code, miniblock));
        }
    }

    /// Appends the postings of the first `codes` codes, which are all that occur.
    pub(crate) fn write(self, out: &mut Output, codes: usize) -> PostingsRef {
        let miniblocks = self.occurrences.last().map_or(0, |(_, miniblock)| *miniblock as usize + 1);
        let dense = |count: u32| count > LISTED_MAX && count as usize * DENSE_MINIBLOCKS > miniblocks;
        let listed = |count: u32| if dense(count) { 0 } else { count.saturating_sub(1) };
        let counts = &self.counts[..codes];
        let stored =
            |count: u32| if dense(count) { 1 } else { i64::from(listed(count)) + i64::from(count > 1) };
        // Counting sort by code, stable, so that miniblocks stay ascending.
        let mut places = Vec::with_capacity(codes);
        let mut total = 0u32;
        for count in counts {
            places.push(total);
            total += listed(*count);
        }
        let starts: Vec<i64> = places.iter().step_by(START_CODES).map(|start| i64::from(*start)).collect();
        let mut first = vec![-1i64; codes];
        let mut last = vec![0u32; codes];
        let mut gaps = vec![0i64; total as usize];
        for (code, miniblock) in &self.occurrences {
            let code = *code as usize;
            if first[code] < 0 {
                first[code] = i64::from(*miniblock);
            } else if !dense(counts[code]) {
                gaps[places[code] as usize] = i64::from(miniblock - last[code] - 1);
                places[code] += 1;
            }
            last[code] = *miniblock;
        }
        let counts: Vec<i64> = counts.iter().map(|count| stored(*count)).collect();
        PostingsRef {
            first: out.series(&first),
            counts: out.series(&counts),
            starts: out.series(&starts),
            gaps: out.series(&gaps),
        }
    }
}

/// Postings being read.
#[derive(Debug)]
pub(crate) struct Postings {
    first: Series,
    counts: Series,
    starts: Series,
    gaps: Series,
}

/// Where a code occurs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Miniblocks {
    /// In these, ascending.
    Listed(Vec<u32>),
    /// Perhaps in all from this one on.
    From(u32),
}

const WHAT: &str = "postings";

impl Postings {
    pub(crate) fn read(file: &SegmentFile, place: &PostingsRef, codes: u64) -> Result<Postings> {
        if place.first.count != codes
            || place.counts.count != codes
            || place.starts.count != codes.div_ceil(START_CODES as u64)
        {
            return Err(file.malformed(
                place.first.directory.offset,
                WHAT,
                Malformed("series of unequal length"),
            ));
        }
        Ok(Postings {
            first: Series::read(file, place.first)?,
            counts: Series::read(file, place.counts)?,
            starts: Series::read(file, place.starts)?,
            gaps: Series::read(file, place.gaps)?,
        })
    }

    /// Its series, for verification and for sizes.
    pub(crate) fn series(&self) -> [&Series; 4] {
        [&self.first, &self.counts, &self.starts, &self.gaps]
    }

    /// Where a code occurs; `miniblocks` there are in the segment.
    pub(crate) fn of(&self, file: &SegmentFile, code: u64, miniblocks: u32) -> Result<Miniblocks> {
        let malformed = |what| file.malformed(0, WHAT, Malformed(what));
        let first = self.first.get(file, code)?;
        let first = u32::try_from(first).ok().filter(|first| *first < miniblocks);
        let first = first.ok_or_else(|| malformed("a miniblock past the last"))?;
        let mut counts = [0; START_CODES];
        let counts = &mut counts[..=(code as usize % START_CODES)];
        self.counts.window(file, code - code % START_CODES as u64, counts)?;
        let Some((own, before)) = counts.split_last() else { return Ok(Miniblocks::From(0)) };
        if *own == 1 {
            return Ok(Miniblocks::From(first));
        }
        let others = (*own - 1).max(0);
        let mut listed = vec![first];
        if others > 0 {
            let before: i64 =
                before.iter().map(|count| (*count).clamp(1, i64::from(miniblocks) + 1) - 1).sum();
            let start = self.starts.get(file, code / START_CODES as u64)?.wrapping_add(before);
            let others = usize::try_from(others).ok().filter(|others| *others < miniblocks as usize);
            let others = others.ok_or_else(|| malformed("more miniblocks than there are"))?;
            let start = u64::try_from(start).map_err(|_| malformed("a start out of range"))?;
            if start > self.gaps.len() {
                return Err(malformed("a start out of range"));
            }
            let mut gaps = vec![0; others];
            self.gaps.window(file, start, &mut gaps)?;
            let mut last = i64::from(first);
            for gap in gaps {
                last = last.saturating_add(gap).saturating_add(1);
                if gap < 0 || last >= i64::from(miniblocks) {
                    return Err(malformed("a miniblock past the last"));
                }
                listed.push(last as u32);
            }
        }
        Ok(Miniblocks::Listed(listed))
    }
}

/// Rows of a miniblock.
pub(crate) fn rows_of(miniblock: u32, rows: u32) -> std::ops::Range<u32> {
    let start = miniblock * MINIBLOCK as u32;
    start..(start + MINIBLOCK as u32).min(rows)
}
