//! How rows of one shape are put together: where each field's value comes from, in the order of an event's fields and
//! in canonical order, with all that the rows share written down once.

use std::ops::Range;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::root;
use crate::error::Result;
use crate::event::{FieldRef, Level, Value, ValueRef, ValueType};
use crate::segment::dictionary::Texts;
use crate::segment::footer::Fixed;
use crate::segment::pages::HINT;
use crate::segment::reader::{Segment, ShapeTable, parse_value};
use crate::segment::template::Part;
use crate::{Error, limits};

/// Where a row finds a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The same in all rows of the shape.
    Bool(bool),
    I64(i64),
    F64(f64),
    Decimal(Decimal),
    /// The same text in all rows: a column and a code of its dictionary.
    Text(u32, u32),
    /// The next stored value of a column.
    Stored(u32),
    /// The message, put together.
    Message,
}

/// A piece of the messages of a shape.
pub(super) enum Piece {
    Literal(Box<[u8]>),
    Padded(u8, Source),
    Printed(Source),
}

/// How rows of one shape are put together.
pub(super) struct Plan {
    pub(super) level: Level,
    /// Column that names the field, and its value, in the order of an event's fields.
    pub(super) fields: Vec<(u32, Source)>,
    /// The columns to move on after each row.
    pub(super) stored: Vec<u32>,
    /// Pieces of the message, if it is put together.
    pub(super) message: Option<Vec<Piece>>,
    /// Canonical bytes that rows of the shape share, and the values between them.
    literals: Vec<u8>,
    values: Vec<(Range<u32>, Source)>,
    closing: Range<u32>,
}

impl Plan {
    pub(super) fn new(
        segment: &Segment,
        table: &ShapeTable,
        shape: u32,
        dictionaries: &mut Dictionaries,
    ) -> Result<Plan> {
        let info = &table.shapes[shape as usize];
        // By column, ascending, as cells are.
        let mut sources: Vec<(u32, Source)> = Vec::with_capacity(info.cells.len());
        let mut stored = Vec::new();
        for cell in &info.cells {
            let source = match cell.fixed {
                Some(fixed) => fixed_source(segment, cell.column, fixed, dictionaries)?,
                None => {
                    stored.push(cell.column);
                    Source::Stored(cell.column)
                }
            };
            sources.push((cell.column, source));
        }
        let source_of = |column: u32| {
            let found = sources.binary_search_by_key(&column, |(column, _)| *column);
            sources[found.expect("a shape has the columns of its template, as was checked when it was read")]
                .1
        };
        let message = info.template.map(|template| {
            let piece = |part: &Part<u32>| match part {
                Part::Literal(literal) => Piece::Literal(literal.clone()),
                Part::Padded(width, column) => Piece::Padded(*width, source_of(*column)),
                Part::Field(column) | Part::Whole(column) | Part::Decimal(column) | Part::Word(column) => {
                    Piece::Printed(source_of(*column))
                }
            };
            table.templates[template as usize].iter().map(piece).collect::<Vec<_>>()
        });
        let named = segment.columns().len();
        let mut fields: Vec<(u32, Source)> =
            sources.iter().copied().filter(|(column, _)| (*column as usize) < named).collect();
        if let (Some(_), Some(column)) = (&message, segment.message_column()) {
            fields.insert(fields.partition_point(|(own, _)| *own < column), (column, Source::Message));
        }
        let columns = segment.columns();
        if fields
            .iter()
            .any(|(column, _)| columns[*column as usize].key.name().len() > limits::FIELD_NAME_BYTES_MAX)
        {
            return Err(Error::damaged(segment.path(), 0, "a footer", "a field name over its limit", HINT));
        }
        let mut plan = Plan {
            level: info.level,
            fields,
            stored,
            message,
            literals: Vec::new(),
            values: Vec::new(),
            closing: 0..0,
        };
        plan.write_literals(segment, dictionaries);
        Ok(plan)
    }

    fn write_literals(&mut self, segment: &Segment, dictionaries: &Dictionaries) {
        let columns = segment.columns();
        let mut sorted = self.fields.clone();
        sorted.sort_by_key(|(column, _)| {
            let info = &columns[*column as usize];
            (info.key.name(), info.value_type)
        });
        let literals = &mut self.literals;
        root::put_shared(&segment.meta().category, self.level, sorted.len(), literals);
        let mut start = 0;
        for (column, source) in sorted {
            let info = &columns[column as usize];
            root::put_name(info.key.name(), info.value_type, literals);
            match dictionaries.shared_value(source) {
                Some(value) => root::put_value(value, literals),
                None => {
                    let end = literals.len() as u32;
                    self.values.push((start..end, source));
                    start = end;
                }
            }
        }
        self.closing = start..literals.len() as u32;
    }

    /// Appends what is canonical of a row after its `pseq`.
    #[inline]
    pub(super) fn write_canonical<'v>(&self, value: impl Fn(Source) -> ValueRef<'v>, out: &mut Vec<u8>) {
        for (literal, source) in &self.values {
            out.extend_from_slice(&self.literals[literal.start as usize..literal.end as usize]);
            root::put_value(value(*source), out);
        }
        out.extend_from_slice(&self.literals[self.closing.start as usize..self.closing.end as usize]);
    }

    /// The field that a column names.
    #[inline]
    pub(super) fn name<'s>(segment: &'s Segment, column: u32) -> FieldRef<'s> {
        segment.columns()[column as usize].key.borrow()
    }
}

/// The texts of a segment's columns, each unpacked when it is first needed and held until the segment is done with:
/// unpacked anew for each block they would cost more than all the rest.
pub(super) struct Dictionaries {
    texts: Vec<Option<Arc<Texts>>>,
}

impl Dictionaries {
    pub(super) fn new(segment: &Segment) -> Dictionaries {
        Dictionaries { texts: vec![None; segment.columns.len()] }
    }

    /// Unpacks the texts of a column, if it has a dictionary; gives how many there are.
    pub(super) fn load(&mut self, segment: &Segment, column: u32) -> Result<Option<usize>> {
        let slot = &mut self.texts[column as usize];
        if let Some(texts) = slot {
            return Ok(Some(texts.len()));
        }
        let Some(dictionary) = segment.dictionary(column)? else { return Ok(None) };
        let texts = dictionary.texts(&segment.file)?;
        // No event has a longer text, and what is built of them relies on that.
        if texts.iter().any(|text| text.len() > limits::STRING_BYTES_MAX) {
            return Err(Error::damaged(segment.path(), 0, "a dictionary", "a text over its limit", HINT));
        }
        Ok(Some(slot.insert(texts).len()))
    }

    /// The text of a code of a column; both were checked when the block or the plan was made.
    #[inline]
    pub(super) fn text(&self, column: u32, code: u32) -> &str {
        self.texts[column as usize].as_ref().expect("a code is of a column whose texts are loaded").get(code)
    }

    #[inline]
    pub(super) fn shared_value(&self, source: Source) -> Option<ValueRef<'_>> {
        match source {
            Source::Bool(value) => Some(ValueRef::Bool(value)),
            Source::I64(value) => Some(ValueRef::I64(value)),
            Source::F64(value) => Some(ValueRef::F64(value)),
            Source::Decimal(value) => Some(ValueRef::Decimal(value)),
            Source::Text(column, code) => Some(ValueRef::Str(self.text(column, code))),
            Source::Stored(_) | Source::Message => None,
        }
    }
}

fn fixed_source(
    segment: &Segment,
    column: u32,
    fixed: Fixed,
    dictionaries: &mut Dictionaries,
) -> Result<Source> {
    let code = match fixed {
        Fixed::Bool(value) => return Ok(Source::Bool(value)),
        Fixed::I64(value) => return Ok(Source::I64(value)),
        Fixed::F64(value) => return Ok(Source::F64(value)),
        Fixed::Decimal(value) => return Ok(Source::Decimal(value)),
        Fixed::Code(code) => code,
    };
    let damaged = |found| Error::damaged(segment.path(), segment.shapes_at.offset, "a shape", found, HINT);
    let texts = dictionaries.load(segment, column)?.unwrap_or(0);
    if code >= texts as u64 {
        return Err(damaged("a code past its dictionary"));
    }
    let value_type = segment.columns[column as usize].value_type;
    if value_type == ValueType::Str {
        return Ok(Source::Text(column, code as u32));
    }
    match parse_value(value_type, dictionaries.text(column, code as u32)) {
        Some(Value::Bool(value)) => Ok(Source::Bool(value)),
        Some(Value::I64(value)) => Ok(Source::I64(value)),
        Some(Value::F64(value)) => Ok(Source::F64(value)),
        Some(Value::Decimal(value)) => Ok(Source::Decimal(value)),
        Some(Value::Str(_)) | None => Err(damaged("text of another type")),
    }
}
