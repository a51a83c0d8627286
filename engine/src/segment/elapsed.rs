//! Pages of times that the rows' own times tell: latencies and durations that were taken from the same clock as the
//! events are, from the first event of an order on.
//!
//! ```text
//! page = 64 u8, id varint, unit varint, page of numbers
//! ```
//! A number is the time from the first row of the block with the row's id up to the row, in whole units of so many
//! nanoseconds, plus what the page of numbers has for it, which is mostly nothing. Only in columns of type i64.

use hashbrown::HashMap;

use super::block_shapes::BlockShapes;
use super::builder::Row;
use super::int_page::IntPage;
use super::pages::{Numbers, PageEntry};
use super::reader::{Segment, TS};
use super::wire::{Cursor, Malformed, put_varint};
use crate::error::Result;

const KIND_ELAPSED: u8 = 64;
/// A microsecond, a millisecond, a second, a nanosecond.
const UNITS_NS: [u64; 4] = [1_000, 1_000_000, 1_000_000_000, 1];

/// The time of each row of a block since the first with its id; 0 for rows without one.
pub(super) struct Elapsed {
    /// The column of the id, by final index.
    pub(super) id: u32,
    /// By row of the block.
    since_first_ns: Vec<i64>,
}

impl Elapsed {
    /// Of the rows of a block; `ids` are those of some of them, by row of the segment.
    pub(super) fn new(id: u32, rows: &[Row], start: u32, ids: impl Iterator<Item = (u32, i64)>) -> Elapsed {
        let mut since_first_ns = vec![0; rows.len()];
        let mut firsts: HashMap<i64, i64, foldhash::fast::FixedState> = HashMap::default();
        for (row, id) in ids {
            let row = (row - start) as usize;
            let first = *firsts.entry(id).or_insert(rows[row].ts);
            since_first_ns[row] = rows[row].ts.wrapping_sub(first);
        }
        Elapsed { id, since_first_ns }
    }

    /// What is left of `values`, which rows `of` of the block have, when their times are taken off: the unit and the
    /// differences; none if most values are others.
    pub(super) fn residuals(&self, values: &[i64], of: &[u32]) -> Option<(u64, Vec<i64>)> {
        let same = |unit: u64, sample: usize| {
            let rows = values.iter().zip(of).step_by(sample);
            rows.filter(|(value, row)| **value != 0 && **value == self.of(**row, unit)).count()
        };
        // Most columns are told apart by a few of their values.
        let sample = (values.len() / 64).max(1);
        let unit = UNITS_NS.into_iter().find(|unit| same(*unit, sample) * 4 > values.len() / sample)?;
        let residual = |(value, row): (&i64, &u32)| value.wrapping_sub(self.of(*row, unit));
        Some((unit, values.iter().zip(of).map(residual).collect()))
    }

    fn of(&self, row: u32, unit: u64) -> i64 {
        in_units(self.since_first_ns[row as usize], unit)
    }
}

/// Whole units of a time.
#[inline]
fn in_units(nanoseconds: i64, unit: u64) -> i64 {
    i64::try_from(unit).map_or(0, |unit| nanoseconds / unit.max(1))
}

/// The head of a page.
#[derive(Clone, Copy, Debug)]
struct ElapsedHead {
    id: u32,
    unit: u64,
    /// Bytes before the page of numbers.
    bytes: usize,
}

/// Appends the head of a page.
pub(super) fn put_head(out: &mut Vec<u8>, id: u32, unit: u64) {
    out.push(KIND_ELAPSED);
    put_varint(out, u64::from(id));
    put_varint(out, unit);
}

/// The head, if the page starts with one.
#[inline]
fn read_head(page: &[u8]) -> std::result::Result<Option<ElapsedHead>, Malformed> {
    let mut cursor = Cursor::new(page);
    if cursor.byte()? != KIND_ELAPSED {
        return Ok(None);
    }
    let id = u32::try_from(cursor.varint()?).map_err(|_| Malformed("a column past the last"))?;
    let unit = cursor.varint()?;
    Ok(Some(ElapsedHead { id, unit, bytes: cursor.position() }))
}

const WHAT: &str = "a page of elapsed times";

impl Segment {
    /// The head of a block's page of a column of whole numbers, if they are elapsed times; with its place and bytes.
    fn elapsed_page(&self, block: u32, column: u32) -> Result<Option<(PageEntry, &[u8], ElapsedHead)>> {
        let (entry, bytes) = self.directory(column)?.page(&self.file, block as usize)?;
        if entry.bytes == 0 {
            return Ok(None);
        }
        let head = read_head(&bytes[..entry.bytes as usize]).and_then(|head| match head {
            Some(head) if head.id as usize >= self.columns.len() => Err(Malformed("a column past the last")),
            head => Ok(head),
        });
        let head = head.map_err(|malformed| self.file.malformed(entry.offset, WHAT, malformed))?;
        Ok(head.map(|head| (entry, bytes, head)))
    }

    /// All of a block's numbers of a column, of the rows that store it, if they are elapsed times.
    pub(super) fn elapsed_numbers(
        &self,
        shapes: &BlockShapes,
        column: u32,
        stored: usize,
        is_stored: impl Fn(usize) -> bool,
    ) -> Result<Option<Vec<i64>>> {
        let Some((entry, bytes, head)) = self.elapsed_page(shapes.block, column)? else { return Ok(None) };
        let malformed = |malformed| self.file.malformed(entry.offset, WHAT, malformed);
        let origin = self.file.origin(entry.offset).after(head.bytes);
        let mut numbers = Vec::with_capacity(stored);
        IntPage::parse(&bytes[head.bytes..], stored, origin)
            .and_then(|page| page.decode(&mut numbers))
            .map_err(malformed)?;
        let ids = self.codes_in(shapes, head.id)?;
        let times = self.times(shapes.block)?;
        let mut firsts: HashMap<u32, i64, foldhash::fast::FixedState> = HashMap::default();
        let mut left = numbers.iter_mut();
        for (row, (id, ts)) in ids.iter().zip(&times).enumerate() {
            let since_first = id.map_or(0, |id| ts.wrapping_sub(*firsts.entry(id).or_insert(*ts)));
            if is_stored(row) {
                let number = left.next().ok_or_else(|| malformed(Malformed("fewer numbers than rows")))?;
                *number = number.wrapping_add(in_units(since_first, head.unit));
            }
        }
        Ok(Some(numbers))
    }

    /// One of them: that of a row, which is the page's number `rank` of `stored`.
    pub(super) fn elapsed_number(
        &self,
        block: u32,
        column: u32,
        row_in_block: usize,
        (rank, stored): (usize, usize),
    ) -> Result<Option<i64>> {
        let Some((entry, bytes, head)) = self.elapsed_page(block, column)? else { return Ok(None) };
        let origin = self.file.origin(entry.offset).after(head.bytes);
        let number = IntPage::parse(&bytes[head.bytes..], stored, origin)
            .and_then(|page| page.get(rank))
            .map_err(|malformed| self.file.malformed(entry.offset, WHAT, malformed))?;
        let ids = self.codes_in(&self.block_shapes(block)?, head.id)?;
        let Some(id) = ids.get(row_in_block).copied().flatten() else { return Ok(Some(number)) };
        let first = ids.iter().position(|other| *other == Some(id)).unwrap_or(row_in_block);
        let rows = self.block_rows(block).len();
        let times = Numbers::open(&self.file, self.fixed(TS)?, block as usize, rows)?;
        let since_first = times.get(&self.file, row_in_block)?.wrapping_sub(times.get(&self.file, first)?);
        Ok(Some(number.wrapping_add(in_units(since_first, head.unit))))
    }
}
