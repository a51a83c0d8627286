//! Rows by value and by time.

use super::bits::MINIBLOCK;
use super::footer::{self, Fixed};
use super::lookup::{Miniblocks, rows_of};
use super::pages::Numbers;
use super::reader::{Segment, ShapeTable, TS};
use super::shapes::ShapePage;
use crate::error::Result;
use crate::event::FieldRef;

/// What a lookup found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// The field has no postings in this segment: its rows must be looked through.
    NotIndexed,
    /// These rows, ascending, and no others.
    Rows(Vec<u32>),
}

impl Segment {
    /// The rows in which a field prints as `text`, whatever its type.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    pub fn lookup(&self, field: FieldRef<'_>, text: &str) -> Result<Lookup> {
        let (code, name) = footer::code_and_name(&field.to_key());
        if !self.indexed.iter().any(|(c, n)| *c == code && *n == name) {
            return Ok(Lookup::NotIndexed);
        }
        let mut rows = Vec::new();
        let columns = self.columns().iter().enumerate().filter(|(_, info)| info.key.borrow() == field);
        for (column, _) in columns {
            let Some(dictionary) = self.dictionary(column as u32)? else { return Ok(Lookup::NotIndexed) };
            if let Some(code) = dictionary.find(&self.file, text)? {
                self.rows_of_code(column as u32, code, &mut rows)?;
            }
        }
        // One field has one type per event, so columns never share a row.
        rows.sort_unstable();
        Ok(Lookup::Rows(rows))
    }

    /// Appends the rows of a code of a column.
    pub(super) fn rows_of_code(&self, column: u32, code: u64, rows: &mut Vec<u32>) -> Result<()> {
        let miniblocks = self.rows().div_ceil(MINIBLOCK as u32);
        let places = match self.postings(column)? {
            Some(postings) => postings.of(&self.file, code, miniblocks)?,
            None => Miniblocks::From(0),
        };
        let mut scan = CodeScan { segment: self, table: self.shape_table()?, column, code, block: None };
        match places {
            Miniblocks::Listed(listed) => listed.into_iter().try_for_each(|at| scan.miniblock(at, rows)),
            Miniblocks::From(first) => (first..miniblocks).try_for_each(|at| scan.miniblock(at, rows)),
        }
    }

    /// The first row at or after a time; the number of rows if there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    pub fn find_ts(&self, ts: i64) -> Result<u32> {
        let directory = self.fixed(TS)?;
        let block = directory.entries().partition_point(|entry| entry.greatest < ts) as u32;
        if block == self.block_count() {
            return Ok(self.rows());
        }
        let rows = self.block_rows(block);
        let times = self.times(block)?;
        Ok(rows.start + times.partition_point(|time| *time < ts) as u32)
    }
}

/// Looks through miniblocks for a code of a column.
struct CodeScan<'s> {
    segment: &'s Segment,
    table: &'s ShapeTable,
    column: u32,
    code: u64,
    block: Option<CodeBlock<'s>>,
}

/// A block being looked through.
struct CodeBlock<'s> {
    number: u32,
    shapes: ShapePage<'s>,
    /// By place of the shape.
    slots: Vec<CodeSlot>,
    codes: Numbers<'s>,
    /// Codes in the block's page.
    stored: usize,
    before: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum CodeSlot {
    /// Rows of the shape do not have the code.
    Never,
    /// All of them do.
    Always,
    /// Each has its own.
    Stored,
}

impl<'s> CodeScan<'s> {
    fn open(&self, block: u32) -> Result<CodeBlock<'s>> {
        let shapes = self.segment.shape_page(block, self.table)?;
        let slot = |shape: &u32| {
            let cells = &self.table.shapes[*shape as usize].cells;
            match cells.binary_search_by_key(&self.column, |cell| cell.column) {
                Err(_) => CodeSlot::Never,
                Ok(at) => match cells[at].fixed {
                    None => CodeSlot::Stored,
                    Some(Fixed::Code(code)) if code == self.code => CodeSlot::Always,
                    Some(_) => CodeSlot::Never,
                },
            }
        };
        let slots: Vec<CodeSlot> = shapes.listed.iter().map(slot).collect();
        let stored = self.segment.values_in(self.table, &shapes, self.column);
        let codes = if stored == 0 {
            Numbers::Same(0)
        } else {
            let directory = self.segment.directory(self.column)?;
            Numbers::open(&self.segment.file, directory, block as usize, stored)?
        };
        Ok(CodeBlock { number: block, shapes, slots, codes, stored, before: vec![] })
    }

    /// Appends the rows of a miniblock that have the code.
    fn miniblock(&mut self, miniblock: u32, rows: &mut Vec<u32>) -> Result<()> {
        let range = rows_of(miniblock, self.segment.rows());
        let number = range.start / self.segment.block_rows;
        if self.block.as_ref().is_none_or(|block| block.number != number) {
            self.block = Some(self.open(number)?);
        }
        let Some(block) = &mut self.block else { return Ok(()) };
        let file = &self.segment.file;
        let start = (range.start % self.segment.block_rows) as usize;
        if block.slots.iter().all(|slot| *slot == CodeSlot::Never) {
            return Ok(());
        }
        let mut codes = [0; MINIBLOCK];
        let length = range.len();
        if block.slots.iter().all(|slot| *slot == CodeSlot::Stored) {
            block.codes.window(file, start, &mut codes[..length])?;
            let found = range.zip(&codes).filter(|(_, code)| **code as u64 == self.code);
            rows.extend(found.map(|(row, _)| row));
            return Ok(());
        }
        block.shapes.locate(file, start, &mut block.before)?;
        let rank = block.slots.iter().zip(&block.before);
        let rank: usize =
            rank.filter(|(slot, _)| **slot == CodeSlot::Stored).map(|(_, before)| *before as usize).sum();
        let mut places = [0; MINIBLOCK];
        let places = &mut places[..length];
        block.shapes.miniblock(file, start / MINIBLOCK, places)?;
        let slots = &block.slots;
        let stored = places.iter().filter(|place| slots[**place as usize] == CodeSlot::Stored).count();
        // Samples may be forged; a rank beyond the page is then an error of the page.
        block.codes.window(file, rank, &mut codes[..stored.min(block.stored)])?;
        let mut next = codes.iter();
        for (row, place) in range.zip(places.iter()) {
            let has = match slots[*place as usize] {
                CodeSlot::Never => false,
                CodeSlot::Always => true,
                CodeSlot::Stored => next.next().is_some_and(|code| *code as u64 == self.code),
            };
            if has {
                rows.push(row);
            }
        }
        Ok(())
    }
}
