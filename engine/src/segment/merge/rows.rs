//! The rows of one segment in their order, a block at a time.
//!
//! Of a block only stored values are decoded, as long as they are many, and each column is read from front to back
//! while its rows go by: where in a column a row's value is need never be counted.

use std::collections::HashMap;

use super::plan::{Dictionaries, Piece, Plan, Source};
use crate::error::{Error, Result};
use crate::event::{FieldRef, Value, ValueRef, ValueType};
use crate::limits::STRING_BYTES_MAX;
use crate::segment::block_shapes::BlockShapes;
use crate::segment::builder::{RowHead, print_value};
use crate::segment::pages::{HINT, Numbers};
use crate::segment::reader::{PRODUCER, PSEQ, SEQ, Segment, TS, parse_value};
use crate::segment::template::write_padded;
use crate::segment::vector::Decimals;
use crate::segment::wire::Malformed;

/// The rows of a segment, of which one is at hand.
pub(super) struct Rows<'s> {
    segment: &'s Segment,
    dictionaries: Dictionaries,
    /// The block to be read next.
    next_block: u32,
    /// The row at hand, in its block.
    row: usize,
    ts: Vec<i64>,
    seq: Vec<i64>,
    producer: Vec<i64>,
    pseq: Vec<i64>,
    /// The place of each row's shape among those of the block; empty if there is one shape.
    places: Vec<u16>,
    /// The plan of each place.
    listed: Vec<u32>,
    plans: Vec<Plan>,
    plan_of_shape: HashMap<u32, u32, foldhash::fast::RandomState>,
    columns: Vec<Stored>,
    /// Columns of which the block under way stores values.
    in_block: Vec<u32>,
    /// The message of the row at hand, if it is put together.
    message: Vec<u8>,
}

/// Stored values of a column in the block under way, and which is next.
struct Stored {
    values: StoredValues,
    next: usize,
    count: usize,
}

enum StoredValues {
    None,
    Bool(Vec<i64>),
    I64(Vec<i64>),
    /// So much more than `seq`.
    FromSeq(i64),
    F64(Vec<f64>),
    Decimal(Decimals),
    /// Codes of the column's dictionary.
    Text(Vec<i64>),
    /// Values of an indexed field that is not text.
    Parsed(Vec<Value>),
}

/// Plans kept from block to block; a segment whose rows are all unlike has more shapes than should be held.
const PLANS_KEPT_MAX: usize = 1024;

impl<'s> Rows<'s> {
    /// The rows of a segment; none is at hand yet.
    pub(super) fn new(segment: &'s Segment) -> Rows<'s> {
        let columns = segment.columns.iter();
        Rows {
            segment,
            dictionaries: Dictionaries::new(segment),
            next_block: 0,
            row: 0,
            ts: vec![],
            seq: vec![],
            producer: vec![],
            pseq: vec![],
            places: vec![],
            listed: vec![],
            plans: vec![],
            plan_of_shape: HashMap::default(),
            columns: columns.map(|_| Stored { values: StoredValues::None, next: 0, count: 0 }).collect(),
            in_block: vec![],
            message: vec![],
        }
    }

    /// The segment.
    pub(super) fn segment(&self) -> &'s Segment {
        self.segment
    }

    /// Whether no row is at hand, so that the next block is due.
    pub(super) fn is_past_block(&self) -> bool {
        self.row == self.ts.len()
    }

    /// How many rows the next block has, and about how many bytes of the file it takes; none after the last.
    pub(super) fn next_block(&self) -> Option<(usize, usize)> {
        if self.next_block >= self.segment.block_count() {
            return None;
        }
        let rows = self.segment.block_rows(self.next_block).len();
        let bytes =
            u128::from(self.segment.meta().file_bytes) * rows as u128 / u128::from(self.segment.rows());
        Some((rows, bytes as usize))
    }

    /// Moves on to the first row of the next block.
    pub(super) fn load(&mut self) -> Result<()> {
        let (segment, block) = (self.segment, self.next_block);
        let table = segment.shape_table()?;
        let shapes = segment.block_shapes(block)?;
        let before = self.ts.last().copied().zip(self.seq.last().map(|seq| *seq as u64));
        let fixed = [&mut self.ts, &mut self.seq, &mut self.producer, &mut self.pseq];
        for (values, which) in fixed.into_iter().zip([TS, SEQ, PRODUCER, PSEQ]) {
            values.clear();
            Numbers::open(&segment.file, segment.fixed(which)?, block as usize, shapes.rows)?.decode(
                &segment.file,
                shapes.rows,
                values,
            )?;
            assert_eq!(values.len(), shapes.rows, "a page gives as many numbers as it was opened for");
        }
        self.pseq.iter_mut().zip(&self.seq).for_each(|(pseq, seq)| *pseq = pseq.wrapping_add(*seq));
        self.check_order(before)?;

        // Counted rather than taken from the page, so that no column runs out of values whatever the page says.
        let mut counts = vec![0usize; shapes.listed.len()];
        match shapes.places.is_empty() {
            true => counts[0] = shapes.rows,
            false => shapes.places.iter().for_each(|place| counts[*place as usize] += 1),
        }
        if counts != shapes.totals {
            return Err(self.malformed("a page of shapes", "counts of shapes that are not those of its rows"));
        }
        for column in self.in_block.drain(..) {
            self.columns[column as usize] = Stored { values: StoredValues::None, next: 0, count: 0 };
        }
        for (shape, count) in shapes.listed.iter().zip(&counts) {
            let cells = &table.shapes[*shape as usize].cells;
            for cell in cells.iter().filter(|cell| cell.fixed.is_none()) {
                let column = &mut self.columns[cell.column as usize];
                if column.count == 0 {
                    self.in_block.push(cell.column);
                }
                column.count += count;
            }
        }
        for index in 0..self.in_block.len() {
            let column = self.in_block[index];
            self.columns[column as usize].values = self.decode(&shapes, column)?;
        }

        if self.plans.len() > PLANS_KEPT_MAX {
            self.plans.clear();
            self.plan_of_shape.clear();
        }
        self.listed.clear();
        for shape in &shapes.listed {
            let plan = match self.plan_of_shape.get(shape) {
                Some(plan) => *plan,
                None => {
                    self.plans.push(Plan::new(segment, table, *shape, &mut self.dictionaries)?);
                    let plan = self.plans.len() as u32 - 1;
                    self.plan_of_shape.insert(*shape, plan);
                    plan
                }
            };
            self.listed.push(plan);
        }
        self.places = shapes.places;
        self.row = 0;
        self.next_block += 1;
        self.put_message_together()
    }

    /// Moves on to the next row of the block; false if there is none.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool> {
        let plan = &self.plans[self.plan_index()];
        for column in &plan.stored {
            self.columns[*column as usize].next += 1;
        }
        self.row += 1;
        if self.row == self.ts.len() {
            return Ok(false);
        }
        self.put_message_together()?;
        Ok(true)
    }

    /// What the row at hand is ordered by.
    #[inline]
    pub(super) fn key(&self) -> (i64, u64) {
        (self.ts[self.row], self.seq[self.row] as u64)
    }

    /// What the row at hand has besides its fields.
    #[inline]
    pub(super) fn head(&self) -> RowHead {
        RowHead {
            ts: self.ts[self.row],
            seq: self.seq[self.row] as u64,
            producer: self.producer[self.row] as u32,
            pseq: self.pseq[self.row] as u64,
            level: self.plan().level,
        }
    }

    /// The number of the row at hand in its segment.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        (self.next_block - 1) * self.segment.block_rows + self.row as u32
    }

    /// How many fields the row at hand has.
    #[inline]
    pub(super) fn field_count(&self) -> usize {
        self.plan().fields.len()
    }

    /// The fields of the row at hand, in the order of [`Segment::event`].
    #[inline]
    pub(super) fn fields(&self) -> impl Iterator<Item = (FieldRef<'_>, ValueRef<'_>)> {
        let fields = self.plan().fields.iter();
        fields.map(|(column, source)| (Plan::name(self.segment, *column), self.value(*source)))
    }

    /// Appends the canonical bytes of the row at hand.
    #[inline]
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        super::root::put_head(&self.head(), out);
        self.plan().write_canonical(|source| self.value(source), out);
    }

    #[inline]
    fn plan_index(&self) -> usize {
        let place = self.places.get(self.row).map_or(0, |place| *place as usize);
        self.listed[place] as usize
    }

    #[inline]
    fn plan(&self) -> &Plan {
        &self.plans[self.plan_index()]
    }

    #[inline]
    fn value(&self, source: Source) -> ValueRef<'_> {
        match source {
            Source::Stored(column) => self.stored(column),
            Source::Message => {
                ValueRef::Str(std::str::from_utf8(&self.message).expect("checked when it was put together"))
            }
            shared => self.dictionaries.shared_value(shared).expect("neither stored nor a message"),
        }
    }

    #[inline]
    fn stored(&self, column: u32) -> ValueRef<'_> {
        let stored = &self.columns[column as usize];
        let at = stored.next;
        match &stored.values {
            StoredValues::Bool(values) => ValueRef::Bool(values[at] != 0),
            StoredValues::I64(values) => ValueRef::I64(values[at]),
            StoredValues::FromSeq(offset) => ValueRef::I64(self.seq[self.row].wrapping_add(*offset)),
            StoredValues::F64(values) => ValueRef::F64(values[at]),
            StoredValues::Decimal(values) => ValueRef::Decimal(values.get(at)),
            StoredValues::Text(codes) => ValueRef::Str(self.dictionaries.text(column, codes[at] as u32)),
            StoredValues::Parsed(values) => values[at].borrow(),
            StoredValues::None => unreachable!("columns that a shape stores are decoded"),
        }
    }

    fn put_message_together(&mut self) -> Result<()> {
        let Some(pieces) = &self.plans[self.plan_index()].message else { return Ok(()) };
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => message.extend_from_slice(literal),
                Piece::Printed(source) => print_value(self.value(*source), &mut message),
                Piece::Padded(width, source) => match self.value(*source) {
                    ValueRef::I64(number) => write_padded(number, *width, &mut message),
                    _ => return Err(self.malformed("a message", "padded digits that are no number")),
                },
            }
        }
        if message.len() > STRING_BYTES_MAX || std::str::from_utf8(&message).is_err() {
            return Err(self.malformed("a message", "text that is too long or not UTF-8"));
        }
        self.message = message;
        Ok(())
    }

    fn decode(&mut self, shapes: &BlockShapes, column: u32) -> Result<StoredValues> {
        let segment = self.segment;
        let count = self.columns[column as usize].count;
        let (block, at) = (shapes.block, segment.block_column(shapes, column)?);
        if at.stored != count {
            return Err(self.malformed("a page of shapes", "another number of rows than it says"));
        }
        let value_type = segment.columns[column as usize].value_type;
        if let Some(texts) = self.dictionaries.load(segment, column)? {
            let codes = segment.numbers(column, &at)?;
            if codes.iter().any(|code| *code as u64 >= texts as u64) {
                return Err(self.malformed("a column", "a code past its dictionary"));
            }
            if value_type == ValueType::Str {
                return Ok(StoredValues::Text(codes));
            }
            let parsed = codes.iter().map(|code| {
                let text = self.dictionaries.text(column, *code as u32);
                parse_value(value_type, text)
                    .ok_or_else(|| self.malformed("a column", "text of another type"))
            });
            return Ok(StoredValues::Parsed(parsed.collect::<Result<_>>()?));
        }
        Ok(match value_type {
            ValueType::Bool => StoredValues::Bool(segment.numbers(column, &at)?),
            ValueType::I64 => match segment.offset_from_seq(segment.directory(column)?, block)? {
                Some(offset) => StoredValues::FromSeq(offset),
                None => StoredValues::I64(segment.whole_numbers(column, &at)?),
            },
            ValueType::F64 => StoredValues::F64(segment.floats(block, column, count)?),
            ValueType::Decimal => StoredValues::Decimal(segment.decimals(block, column, count)?),
            ValueType::Str => unreachable!("a column of text has a dictionary, or the segment is not opened"),
        })
    }

    /// Rows must be in order, and where the segment says: on that those rely who read several segments at once.
    fn check_order(&self, before: Option<(i64, u64)>) -> Result<()> {
        let meta = self.segment.meta();
        let mut last = before;
        for key in self.ts.iter().zip(&self.seq).map(|(ts, seq)| (*ts, *seq as u64)) {
            if last.is_some_and(|last| last >= key) {
                return Err(self.malformed("rows in order of time and seq", "a row before its predecessor"));
            }
            if !(meta.ts_min..=meta.ts_max).contains(&key.0)
                || !(meta.seq_min..=meta.seq_max).contains(&key.1)
            {
                return Err(self.malformed("rows within the bounds of the footer", "a row outside"));
            }
            last = Some(key);
        }
        Ok(())
    }

    fn malformed(&self, what: &str, found: &'static str) -> Error {
        Error::damaged(self.segment.path(), 0, what, Malformed(found).0, HINT)
    }
}
