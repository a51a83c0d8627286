//! Columns of a block as typed vectors, and their zones.
//!
//! A vector has a slot for every row of the block, so that vectors of one block line up; slots of rows that
//! lack the column hold a default and are not present.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::block_shapes::BlockShapes;
use super::decimals::{self, DecimalPage, Digits, PageDigits};
use super::dictionary::Texts;
use super::floats::{FloatPage, from_ordered};
use super::footer::Fixed;
use super::pages::Numbers;
use super::reader::{ColumnId, PRODUCER, PSEQ, SEQ, Segment, ShapeTable, TS, parse_value};
use super::wire::Malformed;
use crate::error::Result;
use crate::event::{Level, Value, ValueType};

/// Which slots of a vector are present.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// Every one.
    All,
    /// None.
    None,
    /// Those whose bit is set: bit `i % 64` of word `i / 64`.
    Some(Vec<u64>),
}

impl Presence {
    /// Whether a slot is present.
    #[inline]
    pub fn has(&self, slot: usize) -> bool {
        match self {
            Presence::All => true,
            Presence::None => false,
            Presence::Some(words) => words[slot / 64] >> (slot % 64) & 1 != 0,
        }
    }
}

/// Values of a vector.
#[derive(Clone, Debug)]
pub enum Values {
    /// True or false.
    Bool(Vec<bool>),
    /// Whole numbers, and `ts`.
    I64(Vec<i64>),
    /// `seq`, `producer`, `pseq`, and the codes of levels.
    U64(Vec<u64>),
    /// Floats.
    F64(Vec<f64>),
    /// Exact decimals.
    Decimal(Decimals),
    /// Texts, by code of a dictionary that vectors may share.
    Str {
        /// The code of each slot.
        codes: Vec<u32>,
        /// What they stand for.
        texts: Arc<Texts>,
    },
}

/// A vector of decimals.
#[derive(Clone, Debug)]
pub enum Decimals {
    /// All mantissas brought to one scale, so that they add and compare as whole numbers.
    Scaled {
        /// The values times 10 to the power of the scale.
        mantissas: Vec<i64>,
        /// Digits after the point.
        scale: u32,
        /// How many of them are shown.
        digits: Digits,
    },
    /// Any decimals.
    Wide(Vec<Decimal>),
}

impl Decimals {
    /// The decimal of a slot, with the digits that it was given with.
    ///
    /// # Panics
    /// If there is no such slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Decimal {
        match self {
            Decimals::Wide(values) => values[slot],
            Decimals::Scaled { mantissas, scale, digits } => {
                let mantissa = mantissas[slot];
                match digits {
                    Digits::All => Decimal::new(mantissa, *scale),
                    Digits::Stripped(digits) => decimals::stripped(mantissa, *scale, u32::from(*digits)),
                    Digits::Each(each) => {
                        let digits = u32::from(each[slot]).min(*scale);
                        decimals::with_digits(mantissa, *scale, digits)
                            .unwrap_or_else(|| Decimal::new(mantissa, *scale))
                    }
                }
            }
        }
    }
}

/// A column of a block.
#[derive(Clone, Debug)]
pub struct ColumnVector {
    /// Which rows have it.
    pub presence: Presence,
    /// A slot per row of the block.
    pub values: Values,
}

impl ColumnVector {
    /// The value of a slot, or none where it is not present.
    pub fn value(&self, slot: usize) -> Option<Value> {
        self.presence.has(slot).then(|| match &self.values {
            Values::Bool(values) => Value::Bool(values[slot]),
            Values::I64(values) => Value::I64(values[slot]),
            Values::U64(values) => {
                i64::try_from(values[slot]).map_or_else(|_| Value::Decimal(values[slot].into()), Value::I64)
            }
            Values::F64(values) => Value::F64(values[slot]),
            Values::Decimal(values) => Value::Decimal(values.get(slot)),
            Values::Str { codes, texts } => Value::Str(texts.get(codes[slot]).into()),
        })
    }
}

/// Bounds of a column in a block. Every value lies between them; they need not occur.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// No value is less; none if that is not known, or if there are no values.
    pub min: Option<Value>,
    /// No value is greater; none if that is not known, or if there are no values.
    pub max: Option<Value>,
    /// Rows that lack the column.
    pub nulls: u32,
}

/// What rows of a shape have in a column.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Absent,
    Stored,
    Fixed(Fixed),
}

/// A column of a block: per place of a shape what its rows have.
pub(super) struct BlockColumn<'b> {
    shapes: &'b BlockShapes,
    slots: Vec<Slot>,
    pub(super) stored: usize,
}

impl Segment {
    /// The values of a column in a block.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such block or column.
    pub fn decode(&self, block: u32, column: ColumnId) -> Result<ColumnVector> {
        match column {
            ColumnId::Field(_) | ColumnId::Level => self.decode_in(&self.block_shapes(block)?, column),
            column => self.decode_fixed(block, column),
        }
    }

    /// As [`Segment::decode`], with the shapes of the block at hand.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn decode_in(&self, shapes: &BlockShapes, column: ColumnId) -> Result<ColumnVector> {
        match column {
            ColumnId::Level => {
                let table = self.shape_table()?;
                let levels: Vec<u64> =
                    shapes.listed.iter().map(|shape| table.shapes[*shape as usize].level as u64).collect();
                let values = match shapes.places.is_empty() {
                    true => vec![levels[0]; shapes.rows],
                    false => shapes.places.iter().map(|place| levels[*place as usize]).collect(),
                };
                Ok(ColumnVector { presence: Presence::All, values: Values::U64(values) })
            }
            ColumnId::Field(column) => {
                assert!(
                    (column as usize) < self.columns().len(),
                    "column {column} of {}",
                    self.columns().len()
                );
                let templates = !self.shape_table()?.templates.is_empty();
                match self.message_column() == Some(column) && templates {
                    true => self.decode_messages(shapes, column, None),
                    false => self.decode_field(shapes, column),
                }
            }
            column => self.decode_fixed(shapes.block, column),
        }
    }

    /// The times of a block's rows.
    pub(super) fn times(&self, block: u32) -> Result<Vec<i64>> {
        let rows = self.block_rows(block).len();
        let mut times = Vec::with_capacity(rows);
        Numbers::open(&self.file, self.fixed(TS)?, block as usize, rows)?
            .decode(&self.file, rows, &mut times)?;
        Ok(times)
    }

    /// A column that every row has a value of its own in.
    fn decode_fixed(&self, block: u32, column: ColumnId) -> Result<ColumnVector> {
        let rows = self.block_rows(block).len();
        let fixed = |which| -> Result<Vec<i64>> {
            let mut values = Vec::with_capacity(rows);
            Numbers::open(&self.file, self.fixed(which)?, block as usize, rows)?.decode(
                &self.file,
                rows,
                &mut values,
            )?;
            Ok(values)
        };
        let unsigned = |values: Vec<i64>| Values::U64(values.into_iter().map(|value| value as u64).collect());
        let values = match column {
            ColumnId::Ts => Values::I64(fixed(TS)?),
            ColumnId::Seq => unsigned(fixed(SEQ)?),
            ColumnId::Producer => unsigned(fixed(PRODUCER)?),
            ColumnId::Pseq => {
                let mut values = fixed(PSEQ)?;
                values.iter_mut().zip(fixed(SEQ)?).for_each(|(pseq, seq)| *pseq = pseq.wrapping_add(seq));
                unsigned(values)
            }
            ColumnId::Level | ColumnId::Field(_) => unreachable!("decoded by shapes"),
        };
        Ok(ColumnVector { presence: Presence::All, values })
    }

    /// Bounds of a column in a block.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such block or column.
    pub fn zone(&self, block: u32, column: ColumnId) -> Result<Zone> {
        let of = |which: usize, to_value: fn(i64) -> Value| -> Result<Zone> {
            let entry = self.page_entry(self.fixed(which)?, block)?;
            Ok(Zone { min: Some(to_value(entry.0)), max: Some(to_value(entry.1)), nulls: 0 })
        };
        match column {
            ColumnId::Ts => of(TS, Value::I64),
            // Sequence numbers pass i64::MAX in no foreseeable time.
            ColumnId::Seq => of(SEQ, Value::I64),
            ColumnId::Producer => of(PRODUCER, Value::I64),
            ColumnId::Pseq => Ok(Zone { min: None, max: None, nulls: 0 }),
            ColumnId::Level => {
                let table = self.shape_table()?;
                let page = self.shape_page(block, table)?;
                let levels = page.listed.iter().map(|shape| table.shapes[*shape as usize].level as i64);
                let (min, max) = (levels.clone().min(), levels.max());
                Ok(Zone { min: min.map(Value::I64), max: max.map(Value::I64), nulls: 0 })
            }
            ColumnId::Field(column) => self.field_zone(block, column),
        }
    }

    /// How many rows of a block have each level; touches no row.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn level_counts(&self, block: u32) -> Result<[u32; Level::ALL.len()]> {
        let table = self.shape_table()?;
        let page = self.shape_page(block, table)?;
        let mut counts = [0; Level::ALL.len()];
        for (shape, rows) in page.listed.iter().zip(page.totals()) {
            counts[table.shapes[*shape as usize].level as usize] += rows as u32;
        }
        Ok(counts)
    }

    fn page_entry(&self, directory: &super::pages::Directory, block: u32) -> Result<(i64, i64)> {
        let entry = directory
            .entry(block as usize)
            .map_err(|malformed| self.file.malformed(0, "a page directory", malformed))?;
        Ok((entry.least, entry.greatest))
    }

    fn field_zone(&self, block: u32, column: u32) -> Result<Zone> {
        let table = self.shape_table()?;
        let shapes = self.shape_page(block, table)?;
        let rows = self.block_rows(block).len();
        let slots = self.slots(table, &shapes.listed, column);
        let is_message = self.message_column() == Some(column);
        let mut present = 0;
        let mut bounds: Option<(Value, Value)> = None;
        let mut bounded = true;
        let mut stored = false;
        for ((slot, shape), total) in slots.iter().zip(&shapes.listed).zip(shapes.totals()) {
            match slot {
                Slot::Absent if is_message && table.shapes[*shape as usize].template.is_some() => {
                    present += total;
                    bounded = false;
                }
                Slot::Absent => {}
                Slot::Stored => {
                    present += total;
                    stored = true;
                }
                Slot::Fixed(fixed) => {
                    present += total;
                    let value = self.fixed_value(column, *fixed)?;
                    bounded &= widen(&mut bounds, value.clone(), value);
                }
            }
        }
        if stored && self.followed(column)?.is_some() {
            bounded = false;
        } else if stored {
            let (least, greatest) = self.page_entry(self.directory(column)?, block)?;
            bounded &= match self.stored_bounds(column, least, greatest)? {
                Some((least, greatest)) => widen(&mut bounds, least, greatest),
                None => false,
            };
        }
        let nulls = (rows - present) as u32;
        match bounds {
            Some((min, max)) if bounded => Ok(Zone { min: Some(min), max: Some(max), nulls }),
            _ => Ok(Zone { min: None, max: None, nulls }),
        }
    }

    /// What least and greatest of a page say about its values.
    fn stored_bounds(&self, column: u32, least: i64, greatest: i64) -> Result<Option<(Value, Value)>> {
        let state = &self.columns[column as usize];
        if state.dictionary_at.is_some() {
            // Codes do not order as texts do; only one alone says something.
            return match least == greatest {
                true => self.coded_value(column, least as u64).map(|value| Some((value.clone(), value))),
                false => Ok(None),
            };
        }
        Ok(match state.value_type {
            ValueType::Bool => Some((Value::Bool(least != 0), Value::Bool(greatest != 0))),
            ValueType::I64 => Some((Value::I64(least), Value::I64(greatest))),
            ValueType::F64 => {
                let float = |number| Value::F64(from_ordered(number));
                Some((float(least), float(greatest)))
            }
            _ if least == i64::MIN || greatest == i64::MAX => None,
            _ => decimals::from_cell(least)
                .zip(decimals::from_cell(greatest))
                .map(|(least, greatest)| (Value::Decimal(least), Value::Decimal(greatest))),
        })
    }

    pub(super) fn slots(&self, table: &ShapeTable, listed: &[u32], column: u32) -> Vec<Slot> {
        let slot = |shape: &u32| {
            let cells = &table.shapes[*shape as usize].cells;
            match cells.binary_search_by_key(&column, |cell| cell.column) {
                Err(_) => Slot::Absent,
                Ok(at) => cells[at].fixed.map_or(Slot::Stored, Slot::Fixed),
            }
        };
        listed.iter().map(slot).collect()
    }

    pub(super) fn block_column<'b>(&self, shapes: &'b BlockShapes, column: u32) -> Result<BlockColumn<'b>> {
        let slots = self.slots(self.shape_table()?, &shapes.listed, column);
        let stored = slots.iter().zip(&shapes.totals).filter(|(slot, _)| matches!(slot, Slot::Stored));
        let stored = stored.map(|(_, rows)| rows).sum();
        Ok(BlockColumn { shapes, slots, stored })
    }

    /// The stored numbers of a column in a block.
    pub(super) fn numbers(&self, column: u32, at: &BlockColumn<'_>) -> Result<Vec<i64>> {
        let (block, stored) = (at.shapes.block, at.stored);
        let mut values = Vec::with_capacity(stored);
        if stored > 0 {
            if let Some(followed) = self.followed(column)? {
                return self.followed_codes(at.shapes, followed, |row| at.is_stored(row));
            }
            Numbers::open(&self.file, self.directory(column)?, block as usize, stored)?.decode(
                &self.file,
                stored,
                &mut values,
            )?;
        }
        Ok(values)
    }

    /// The stored floats of a column in a block.
    pub(super) fn floats(&self, block: u32, column: u32, stored: usize) -> Result<Vec<f64>> {
        if stored == 0 {
            return Ok(vec![]);
        }
        let (entry, bytes) = self.directory(column)?.page(&self.file, block as usize)?;
        if entry.bytes == 0 {
            return Ok(vec![from_ordered(entry.least); stored]);
        }
        FloatPage::parse(bytes, stored, self.file.origin(entry.offset))
            .and_then(|page| page.decode())
            .map_err(|malformed| self.file.malformed(entry.offset, "a page of floats", malformed))
    }

    /// The stored values of a column of whole numbers.
    pub(super) fn whole_numbers(&self, column: u32, at: &BlockColumn<'_>) -> Result<Vec<i64>> {
        if at.stored == 0 {
            return Ok(vec![]);
        }
        if let Some(numbers) = self.whole_from_seq(at.shapes.block, column, at)? {
            return Ok(numbers);
        }
        match self.elapsed_numbers(at.shapes, column, at.stored, |row| at.is_stored(row))? {
            Some(numbers) => Ok(numbers),
            None => self.numbers(column, at),
        }
    }

    /// Those of a column whose page only says what to add to the sequence number.
    fn whole_from_seq(&self, block: u32, column: u32, at: &BlockColumn<'_>) -> Result<Option<Vec<i64>>> {
        let Some(offset) = self.offset_from_seq(self.directory(column)?, block)? else { return Ok(None) };
        let rows = at.shapes.rows;
        let mut seqs = Vec::with_capacity(rows);
        Numbers::open(&self.file, self.fixed(SEQ)?, block as usize, rows)?
            .decode(&self.file, rows, &mut seqs)?;
        let values = seqs.iter().enumerate().filter(|(row, _)| at.is_stored(*row));
        Ok(Some(values.map(|(_, seq)| seq.wrapping_add(offset)).collect()))
    }

    pub(super) fn decode_field(&self, shapes: &BlockShapes, column: u32) -> Result<ColumnVector> {
        let block = shapes.block;
        let at = self.block_column(shapes, column)?;
        let presence = at.presence();
        let malformed = |what| self.file.malformed(0, "a column", Malformed(what));
        let value_type = self.columns[column as usize].value_type;
        if let Some(dictionary) = self.dictionary(column)? {
            let texts = dictionary.texts(&self.file)?;
            let past_end = texts.len() as u64;
            let numbers = self.numbers(column, &at)?;
            let is_past = |code: u64| code >= past_end;
            let fixed_is_past = at.slots.iter().any(|slot| match slot {
                Slot::Fixed(Fixed::Code(code)) => is_past(*code),
                Slot::Fixed(_) => true,
                _ => false,
            });
            if fixed_is_past || numbers.iter().any(|code| is_past(*code as u64)) {
                return Err(malformed("a code past its dictionary"));
            }
            let stored: Vec<u32> = numbers.into_iter().map(|code| code as u32).collect();
            let codes = at.spread(&stored, 0, |fixed| match fixed {
                Fixed::Code(code) => code as u32,
                _ => 0,
            });
            let values = match value_type {
                ValueType::Str => Values::Str { codes, texts },
                value_type => typed(value_type, &codes, &texts, &presence)
                    .ok_or_else(|| malformed("text of another type"))?,
            };
            return Ok(ColumnVector { presence, values });
        }
        let values = match value_type {
            ValueType::Bool => {
                let numbers = at.spread(&self.numbers(column, &at)?, 0, |fixed| match fixed {
                    Fixed::Bool(value) => i64::from(value),
                    _ => 0,
                });
                Values::Bool(numbers.into_iter().map(|number| number != 0).collect())
            }
            ValueType::I64 => {
                let numbers = self.whole_numbers(column, &at)?;
                Values::I64(at.spread(&numbers, 0, |fixed| match fixed {
                    Fixed::I64(value) => value,
                    _ => 0,
                }))
            }
            ValueType::F64 => {
                let floats = self.floats(block, column, at.stored)?;
                Values::F64(at.spread(&floats, 0.0, |fixed| match fixed {
                    Fixed::F64(value) => value,
                    _ => 0.0,
                }))
            }
            _ => Values::Decimal(self.decode_decimals(block, column, &at)?),
        };
        Ok(ColumnVector { presence, values })
    }

    /// The codes of a column with a dictionary, by row of a block.
    pub(super) fn codes(&self, block: u32, column: u32) -> Result<Vec<Option<u32>>> {
        self.codes_in(&self.block_shapes(block)?, column)
    }

    /// As [`Segment::codes`], with the shapes of the block at hand.
    pub(super) fn codes_in(&self, shapes: &BlockShapes, column: u32) -> Result<Vec<Option<u32>>> {
        let at = self.block_column(shapes, column)?;
        let presence = at.presence();
        let codes = at.spread(&self.numbers(column, &at)?, 0, |fixed| match fixed {
            Fixed::Code(code) => code as i64,
            _ => -1,
        });
        let count = self.dictionary(column)?.map_or(0, |dictionary| dictionary.len() as i64);
        let code = |(slot, code): (usize, i64)| match presence.has(slot) {
            false => Ok(None),
            true if (0..count).contains(&code) => Ok(Some(code as u32)),
            true => Err(self.file.malformed(0, "a column", Malformed("a code past its dictionary"))),
        };
        codes.into_iter().enumerate().map(code).collect()
    }

    fn decode_decimals(&self, block: u32, column: u32, at: &BlockColumn<'_>) -> Result<Decimals> {
        let fixed = at.slots.iter().filter_map(|slot| match slot {
            Slot::Fixed(Fixed::Decimal(value)) => Some(*value),
            _ => None,
        });
        let fixed: Vec<Decimal> = fixed.collect();
        if at.stored == 0 {
            return Ok(combine(at, None, &fixed));
        }
        Ok(combine(at, Some(self.decimals(block, column, at.stored)?), &fixed))
    }

    /// The stored decimals of a column in a block, of which there is one at least.
    pub(super) fn decimals(&self, block: u32, column: u32, stored: usize) -> Result<Decimals> {
        let (entry, bytes) = self.directory(column)?.page(&self.file, block as usize)?;
        let malformed = |malformed| self.file.malformed(entry.offset, "a page of decimals", malformed);
        if entry.bytes == 0 {
            let value = decimals::from_cell(entry.least);
            let value = value.ok_or_else(|| malformed(Malformed("a scale is over 28")))?;
            let (mantissa, scale) = (value.mantissa() as i64, value.scale());
            return Ok(Decimals::Scaled { mantissas: vec![mantissa; stored], scale, digits: Digits::All });
        }
        let page = DecimalPage::parse(bytes, entry.bytes as usize, stored, self.file.origin(entry.offset))
            .map_err(malformed)?;
        unpack_decimals(&page, stored).map_err(malformed)
    }
}

impl BlockColumn<'_> {
    #[inline]
    fn is_stored(&self, row: usize) -> bool {
        matches!(self.slots[self.shapes.place(row)], Slot::Stored)
    }

    fn presence(&self) -> Presence {
        if self.slots.iter().all(|slot| matches!(slot, Slot::Absent)) {
            return Presence::None;
        }
        if self.slots.iter().all(|slot| !matches!(slot, Slot::Absent)) {
            return Presence::All;
        }
        let present: Vec<bool> = self.slots.iter().map(|slot| !matches!(slot, Slot::Absent)).collect();
        let words = self.shapes.rows_of(&present);
        Presence::Some(words)
    }

    /// Puts stored values into the slots of their rows, and fixed ones into theirs.
    fn spread<T: Copy>(&self, stored: &[T], absent: T, fixed: impl Fn(Fixed) -> T) -> Vec<T> {
        // Where all shapes agree, which row has which does not matter.
        if self.slots.iter().all(|slot| matches!(slot, Slot::Stored)) {
            return stored.to_vec();
        }
        if self.shapes.places.is_empty() {
            return match self.slots.first() {
                Some(Slot::Fixed(value)) => vec![fixed(*value); self.shapes.rows],
                _ => vec![absent; self.shapes.rows],
            };
        }
        // Per place: whether to go on in the stored values, and what to take otherwise. Shapes come in no order that a
        // processor could predict, so both are looked up and one is chosen without a branch.
        let plan: Vec<(bool, T)> = self
            .slots
            .iter()
            .map(|slot| match slot {
                Slot::Absent => (false, absent),
                Slot::Stored => (true, absent),
                Slot::Fixed(value) => (false, fixed(*value)),
            })
            .collect();
        let mut next = 0;
        let mut values = Vec::with_capacity(self.shapes.places.len());
        for place in &self.shapes.places {
            let (is_stored, other) = plan[*place as usize];
            let own = stored.get(next).copied().unwrap_or(absent);
            values.push(std::hint::select_unpredictable(is_stored, own, other));
            next += usize::from(is_stored);
        }
        values
    }
}

/// Widens bounds to two more; false if the values do not compare.
fn widen(bounds: &mut Option<(Value, Value)>, least: Value, greatest: Value) -> bool {
    let Some((min, max)) = bounds else {
        *bounds = Some((least, greatest));
        return true;
    };
    match (less(&least, min), less(max, &greatest)) {
        (Some(below), Some(above)) => {
            if below {
                *min = least;
            }
            if above {
                *max = greatest;
            }
            true
        }
        _ => false,
    }
}

fn less(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a < b),
        (Value::I64(a), Value::I64(b)) => Some(a < b),
        (Value::F64(a), Value::F64(b)) => Some(a < b),
        (Value::Decimal(a), Value::Decimal(b)) => Some(a < b),
        (Value::Str(a), Value::Str(b)) => Some(a < b),
        _ => None,
    }
}

/// Values of an indexed field that is not text, from their texts.
fn typed(value_type: ValueType, codes: &[u32], texts: &Texts, presence: &Presence) -> Option<Values> {
    let value = |(slot, code): (usize, &u32)| match presence.has(slot) {
        true => parse_value(value_type, texts.get(*code)),
        false => Some(match value_type {
            ValueType::Bool => Value::Bool(false),
            ValueType::I64 => Value::I64(0),
            ValueType::F64 => Value::F64(0.0),
            _ => Value::Decimal(Decimal::ZERO),
        }),
    };
    let values = codes.iter().enumerate().map(value);
    match value_type {
        ValueType::Bool => values
            .map(|v| if let Value::Bool(v) = v? { Some(v) } else { None })
            .collect::<Option<_>>()
            .map(Values::Bool),
        ValueType::I64 => values
            .map(|v| if let Value::I64(v) = v? { Some(v) } else { None })
            .collect::<Option<_>>()
            .map(Values::I64),
        ValueType::F64 => values
            .map(|v| if let Value::F64(v) = v? { Some(v) } else { None })
            .collect::<Option<_>>()
            .map(Values::F64),
        _ => values
            .map(|v| if let Value::Decimal(v) = v? { Some(v) } else { None })
            .collect::<Option<_>>()
            .map(|values| Values::Decimal(Decimals::Wide(values))),
    }
}

fn unpack_decimals(page: &DecimalPage<'_>, count: usize) -> Result<Decimals, Malformed> {
    match page {
        DecimalPage::Wide(bytes) => (0..count)
            .map(|index| decimals::wide_at(bytes, index))
            .collect::<Result<_, _>>()
            .map(Decimals::Wide),
        DecimalPage::Scaled { numbers, scale, digits } => {
            let mut mantissas = Vec::with_capacity(count);
            numbers.decode(&mut mantissas)?;
            let digits = match digits {
                PageDigits::All => Digits::All,
                PageDigits::Stripped(digits) => Digits::Stripped(*digits as u8),
                PageDigits::Each(scales) => {
                    let mut each = Vec::with_capacity(count);
                    scales.decode(&mut each)?;
                    if each.iter().any(|digits| !(0..=i64::from(*scale)).contains(digits)) {
                        return Err(Malformed("a scale over that of its page"));
                    }
                    Digits::Each(each.into_iter().map(|digits| digits as u8).collect())
                }
            };
            Ok(Decimals::Scaled { mantissas, scale: *scale, digits })
        }
    }
}

/// Puts the decimals of a page and those of whole shapes into the slots of their rows.
fn combine(at: &BlockColumn<'_>, page: Option<Decimals>, fixed: &[Decimal]) -> Decimals {
    if let (true, Some(Decimals::Scaled { mantissas, scale, digits })) = (fixed.is_empty(), &page)
        && !matches!(digits, Digits::Each(_))
    {
        let digits = digits.clone();
        return Decimals::Scaled { mantissas: at.spread(mantissas, 0, |_| 0), scale: *scale, digits };
    }
    let stored: Vec<Decimal> = match &page {
        None => vec![],
        Some(Decimals::Wide(values)) => values.clone(),
        Some(scaled) => (0..at.stored).map(|slot| scaled.get(slot)).collect(),
    };
    let values = at.spread(&stored, Decimal::ZERO, |fixed| match fixed {
        Fixed::Decimal(value) => value,
        _ => Decimal::ZERO,
    });
    to_scaled(&values).unwrap_or(Decimals::Wide(values))
}

/// Decimals at one scale, if they fit.
fn to_scaled(values: &[Decimal]) -> Option<Decimals> {
    let scale = values.iter().map(Decimal::scale).max().unwrap_or(0);
    let mut mantissas = Vec::with_capacity(values.len());
    let mut each = Vec::with_capacity(values.len());
    for value in values {
        if value.is_sign_negative() && value.is_zero() {
            return None;
        }
        let mantissa = i64::try_from(value.mantissa()).ok()?;
        mantissas.push(mantissa.checked_mul(decimals::power(scale - value.scale())?)?);
        each.push(value.scale() as u8);
    }
    let digits =
        if each.iter().all(|digits| u32::from(*digits) == scale) { Digits::All } else { Digits::Each(each) };
    Some(Decimals::Scaled { mantissas, scale, digits })
}
