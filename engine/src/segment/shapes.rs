//! Which shape each row of a block has. It says which columns a row has, and counting shapes gives where in
//! a column's page a row's value is.
//!
//! ```text
//! page = count varint, then as many shape numbers, varint, the most frequent of the block first;
//!        if there is more than one: samples, then a page of numbers, each row's place in that list
//! samples = rows of each listed shape among the first 256 rows, the first 512, ..., all: u16 each;
//!           only for all, if more than 32 shapes are listed
//! ```
//! A block of one shape has a page of no bytes; the directory's least is its number.

use super::bits::MINIBLOCK;
use super::int_page::IntPage;
use super::pages::{Directory, Output, PageEntry, PageList, SegmentFile};
use super::unpacked::Origin;
use super::wire::{Cursor, Malformed, put_varint};
use crate::error::Result;

/// Rows between two samples.
const SAMPLE_ROWS: usize = 256;
/// Most shapes of a block for which samples within the block are kept.
const SAMPLED_SHAPES_MAX: usize = 32;

/// Appends the page of a block; `values` are the shape numbers of its rows, below `shapes`.
pub(crate) fn put_shape_page(pages: &mut PageList, out: &mut Output, values: &mut [i64], shapes: usize) {
    let start = out.bytes.len();
    let (least, greatest) = super::ints::bounds(values);
    if least == greatest {
        pages.put(out, start, least, greatest);
        return;
    }
    let mut counts = vec![0u32; shapes];
    for value in &*values {
        counts[*value as usize] += 1;
    }
    let mut listed: Vec<u32> = (0..shapes as u32).filter(|shape| counts[*shape as usize] > 0).collect();
    listed.sort_by_key(|shape| std::cmp::Reverse(counts[*shape as usize]));
    put_varint(&mut out.bytes, listed.len() as u64);
    for (place, shape) in listed.iter().enumerate() {
        put_varint(&mut out.bytes, u64::from(*shape));
        counts[*shape as usize] = place as u32;
    }
    let places = counts;
    values.iter_mut().for_each(|value| *value = i64::from(places[*value as usize]));
    let mut seen = vec![0u16; listed.len()];
    let sampled = listed.len() <= SAMPLED_SHAPES_MAX;
    let last = values.len().div_ceil(SAMPLE_ROWS) - 1;
    for (index, sample) in values.chunks(SAMPLE_ROWS).enumerate() {
        // A block of 65536 rows has at least two shapes here, so no count exceeds 65535.
        sample.iter().for_each(|place| seen[*place as usize] += 1);
        if sampled || index == last {
            seen.iter().for_each(|count| out.bytes.extend(count.to_le_bytes()));
        }
    }
    let mut ints = std::mem::take(&mut out.ints);
    ints.encode(values, &mut out.bytes);
    out.ints = ints;
    pages.put(out, start, least, greatest);
}

/// The shapes of a block's rows, being read.
pub(crate) struct ShapePage<'f> {
    rows: usize,
    /// Numbers of the shapes that occur, by place.
    pub(crate) listed: Vec<u32>,
    samples: &'f [[u8; 2]],
    places: Option<IntPage<'f>>,
    entry: PageEntry,
}

const WHAT: &str = "a page of shapes";

impl<'f> ShapePage<'f> {
    /// The page of a block of so many rows; `shapes` there are in the segment.
    pub(crate) fn open(
        file: &'f SegmentFile,
        directory: &Directory,
        block: usize,
        rows: usize,
        shapes: usize,
    ) -> Result<ShapePage<'f>> {
        let (entry, bytes) = directory.page(file, block)?;
        ShapePage::parse(entry, bytes, rows, shapes, file.origin(entry.offset))
            .map_err(|malformed| file.malformed(entry.offset, WHAT, malformed))
    }

    fn parse(
        entry: PageEntry,
        bytes: &'f [u8],
        rows: usize,
        shapes: usize,
        origin: Origin,
    ) -> Result<ShapePage<'f>, Malformed> {
        let number = |shape: i64| {
            u32::try_from(shape)
                .ok()
                .filter(|s| (*s as usize) < shapes)
                .ok_or(Malformed("a shape past the last"))
        };
        if entry.bytes == 0 {
            let listed = vec![number(entry.least)?];
            return Ok(ShapePage { rows, listed, samples: &[], places: None, entry });
        }
        let page = &bytes[..entry.bytes as usize];
        let mut cursor = Cursor::new(page);
        let count = cursor.bounded(rows.min(shapes), "more shapes than rows")?;
        let mut listed = Vec::with_capacity(count);
        for _ in 0..count {
            listed.push(number(cursor.varint()? as i64)?);
        }
        let samples = if count <= SAMPLED_SHAPES_MAX { rows.div_ceil(SAMPLE_ROWS) } else { 1 };
        let samples = cursor.take(samples * count * 2)?.as_chunks::<2>().0;
        let places = IntPage::parse(&bytes[cursor.position()..], rows, origin.after(cursor.position()))?;
        if count == 0 || samples[samples.len() - count..].iter().map(|c| count_of(*c)).sum::<usize>() != rows
        {
            return Err(Malformed("counts of shapes that are not those of its rows"));
        }
        Ok(ShapePage { rows, listed, samples, places: Some(places), entry })
    }

    fn malformed<T>(&self, file: &SegmentFile, result: Result<T, Malformed>) -> Result<T> {
        result.map_err(|malformed| file.malformed(self.entry.offset, WHAT, malformed))
    }

    /// Rows of the block with the shape at each place.
    pub(crate) fn totals(&self) -> impl Iterator<Item = usize> {
        let all = self.samples.is_empty().then_some(self.rows);
        let counts = self.samples[self.samples.len().saturating_sub(self.listed.len())..].iter();
        all.into_iter().chain(counts.map(|count| count_of(*count)))
    }

    /// The place of a row's shape, and how many rows before it have the shape at each place.
    pub(crate) fn locate(&self, file: &SegmentFile, row: usize, before: &mut Vec<u32>) -> Result<usize> {
        let Some(places) = &self.places else {
            before.clear();
            before.push(row as u32);
            return Ok(0);
        };
        let result = self.locate_in(places, row, before);
        self.malformed(file, result)
    }

    fn locate_in(&self, places: &IntPage<'_>, row: usize, before: &mut Vec<u32>) -> Result<usize, Malformed> {
        let count = self.listed.len();
        before.clear();
        let sample = if count <= SAMPLED_SHAPES_MAX { row / SAMPLE_ROWS } else { 0 };
        if sample == 0 {
            before.resize(count, 0);
        } else {
            before.extend(
                self.samples[(sample - 1) * count..sample * count].iter().map(|c| count_of(*c) as u32),
            );
        }
        let mut values = [0; MINIBLOCK];
        let first = sample * SAMPLE_ROWS / MINIBLOCK;
        for miniblock in first..=row / MINIBLOCK {
            let length = (row + 1 - miniblock * MINIBLOCK).min(MINIBLOCK);
            let values = &mut values[..length];
            places.decode_miniblock(miniblock, values)?;
            let (own, earlier) = match miniblock == row / MINIBLOCK {
                true => (Some(values[length - 1]), &values[..length - 1]),
                false => (None, &values[..]),
            };
            for place in earlier {
                *before.get_mut(*place as usize).ok_or(UNLISTED)? += 1;
            }
            if let Some(own) = own {
                return usize::try_from(own).ok().filter(|own| *own < count).ok_or(UNLISTED);
            }
        }
        Err(UNLISTED)
    }

    /// The places of all rows; empty if the block has one shape.
    pub(crate) fn places(&self, file: &SegmentFile) -> Result<Vec<i64>> {
        let mut out = Vec::new();
        if let Some(places) = &self.places {
            self.malformed(file, places.decode(&mut out))?;
            let count = self.listed.len() as i64;
            if !out.iter().all(|place| (0..count).contains(place)) {
                return self.malformed(file, Err(UNLISTED));
            }
        }
        Ok(out)
    }

    /// Fills `out` with the places of the rows from the start of a miniblock.
    pub(crate) fn miniblock(&self, file: &SegmentFile, miniblock: usize, out: &mut [i64]) -> Result<()> {
        match &self.places {
            None => out.fill(0),
            Some(places) => {
                self.malformed(file, places.decode_miniblock(miniblock, out))?;
                let count = self.listed.len() as i64;
                if !out.iter().all(|place| (0..count).contains(place)) {
                    return self.malformed(file, Err(UNLISTED));
                }
            }
        }
        Ok(())
    }
}

const UNLISTED: Malformed = Malformed("a row of a shape that its page does not list");

#[inline]
fn count_of(bytes: [u8; 2]) -> usize {
    u16::from_le_bytes(bytes) as usize
}
