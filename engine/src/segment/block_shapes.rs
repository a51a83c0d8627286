//! The shapes of a block's rows, and what rows of one shape share: much is known of a block without decoding a column.

use super::messages::literal_text;
use super::reader::Segment;
use super::vector::Slot;
use crate::error::Result;
use crate::event::Value;

/// The shapes of a block's rows. What all rows of a shape share need not be looked at row by row.
#[derive(Debug)]
pub struct BlockShapes {
    pub(super) block: u32,
    pub(super) rows: usize,
    pub(super) listed: Vec<u32>,
    /// Rows of each shape listed.
    pub(super) totals: Vec<usize>,
    /// The place of each row's shape in the list; empty if there is one shape.
    pub(super) places: Vec<u16>,
}

impl BlockShapes {
    /// The shapes that occur, by place: numbers that hold for the whole segment.
    pub fn listed(&self) -> &[u32] {
        &self.listed
    }

    /// The rows whose shape is wanted, by its place: bit `i % 64` of word `i / 64`.
    ///
    /// # Panics
    /// If there are fewer places than shapes.
    pub fn rows_of(&self, is_wanted: &[bool]) -> Vec<u64> {
        let mut words = vec![0; self.rows.div_ceil(64)];
        if self.places.is_empty() {
            if is_wanted[0] {
                words.fill(u64::MAX);
                if let (Some(last), rest @ 1..) = (words.last_mut(), self.rows % 64) {
                    *last = (1 << rest) - 1;
                }
            }
            return words;
        }
        let chunks = self.places.chunks(64).zip(&mut words);
        if is_wanted.len() <= 64 {
            // The few shapes that blocks mostly have fit a register.
            let wanted =
                is_wanted.iter().enumerate().fold(0u64, |bits, (at, is)| bits | u64::from(*is) << at);
            for (chunk, word) in chunks {
                let bits = chunk.iter().enumerate().map(|(bit, place)| (wanted >> (place & 63) & 1) << bit);
                *word = bits.fold(0, |word, bit| word | bit);
            }
        } else {
            for (chunk, word) in chunks {
                let bits =
                    chunk.iter().enumerate().map(|(bit, place)| u64::from(is_wanted[*place as usize]) << bit);
                *word = bits.fold(0, |word, bit| word | bit);
            }
        }
        words
    }

    #[inline]
    pub(super) fn place(&self, row: usize) -> usize {
        self.places.get(row).map_or(0, |place| *place as usize)
    }
}

/// What the rows of a shape have in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeValue {
    /// Nothing.
    Absent,
    /// All the same.
    Shared(Value),
    /// Each its own.
    Each,
}

impl Segment {
    /// The shapes of the rows of a block.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn block_shapes(&self, block: u32) -> Result<BlockShapes> {
        let page = self.shape_page(block, self.shape_table()?)?;
        let (rows, totals) = (self.block_rows(block).len(), page.totals().collect());
        // A block has at most 65,536 rows, and no more shapes than rows.
        let places = page.places(&self.file)?.into_iter().map(|place| place as u16).collect();
        Ok(BlockShapes { block, rows, listed: page.listed, totals, places })
    }

    /// What the rows of each shape of a block have in a column, by place of the shape.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn shape_values(&self, shapes: &BlockShapes, column: u32) -> Result<Vec<ShapeValue>> {
        let table = self.shape_table()?;
        let is_message = self.message_column() == Some(column);
        let slots = self.slots(table, &shapes.listed, column);
        let value = |(slot, shape): (Slot, &u32)| match (slot, table.shapes[*shape as usize].template) {
            (Slot::Stored, _) => Ok(ShapeValue::Each),
            (Slot::Fixed(fixed), _) => self.fixed_value(column, fixed).map(ShapeValue::Shared),
            (Slot::Absent, Some(template)) if is_message => {
                Ok(match literal_text(&table.templates[template as usize]) {
                    Some(text) => ShapeValue::Shared(Value::Str(text.into())),
                    None => ShapeValue::Each,
                })
            }
            (Slot::Absent, _) => Ok(ShapeValue::Absent),
        };
        slots.into_iter().zip(&shapes.listed).map(value).collect()
    }
}
