//! Messages, which are put together from templates, and what can be said of them without doing so.

use std::sync::Arc;

use super::block_shapes::BlockShapes;
use super::dictionary::Texts;
use super::reader::Segment;
use super::template::{Part, write_padded};
use super::vector::{ColumnVector, Presence, Values};
use super::wire::Malformed;
use crate::error::Result;
use crate::event::ValueType;

/// A piece of the messages of a shape.
#[derive(Clone, Debug)]
pub enum MessagePart {
    /// The same text in all of them.
    Literal(Box<str>),
    /// A number: digits, perhaps a sign before and a point within; not empty.
    Number,
    /// One of these texts.
    Text(Arc<Texts>),
    /// Anything.
    Other,
}

impl Segment {
    /// The pieces of the messages of rows of a shape, if they are put together from pieces.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    ///
    /// # Panics
    /// If there is no such shape.
    pub fn message_parts(&self, shape: u32) -> Result<Option<Vec<MessagePart>>> {
        let table = self.shape_table()?;
        let info = &table.shapes[shape as usize];
        let Some(template) = info.template else { return Ok(None) };
        let part = |part: &Part<u32>| -> Result<MessagePart> {
            let column = match part {
                Part::Literal(literal) => {
                    let text = std::str::from_utf8(literal);
                    return Ok(text.map_or(MessagePart::Other, |text| MessagePart::Literal(text.into())));
                }
                Part::Padded(..) | Part::Whole(_) | Part::Decimal(_) => return Ok(MessagePart::Number),
                Part::Field(column) | Part::Word(column) => *column,
            };
            let cell = info.cells.binary_search_by_key(&column, |cell| cell.column);
            if let Some(fixed) = cell.ok().and_then(|at| info.cells[at].fixed) {
                let mut printed = Vec::new();
                super::builder::print_value(self.fixed_value(column, fixed)?.borrow(), &mut printed);
                let text = String::from_utf8(printed);
                return Ok(text.map_or(MessagePart::Other, |text| MessagePart::Literal(text.into())));
            }
            match (self.dictionary(column)?, self.columns[column as usize].value_type) {
                (Some(dictionary), _) => dictionary.texts(&self.file).map(MessagePart::Text),
                (None, ValueType::I64 | ValueType::Decimal) => Ok(MessagePart::Number),
                (None, _) => Ok(MessagePart::Other),
            }
        };
        table.templates[template as usize].iter().map(part).collect::<Result<_>>().map(Some)
    }

    /// The messages of rows of some shapes of a block, by place of the shape; others are not present.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where the file is.
    pub fn decode_messages_of(&self, shapes: &BlockShapes, is_wanted: &[bool]) -> Result<ColumnVector> {
        match self.message_column() {
            Some(column) => self.decode_messages(shapes, column, Some(is_wanted)),
            None => Ok(ColumnVector { presence: Presence::None, values: Values::Bool(Vec::new()) }),
        }
    }

    /// Messages of a block: those that templates give, put together, and those kept whole.
    pub(super) fn decode_messages(
        &self,
        shapes: &BlockShapes,
        column: u32,
        is_wanted: Option<&[bool]>,
    ) -> Result<ColumnVector> {
        let table = self.shape_table()?;
        let malformed = |malformed| self.file.malformed(0, "a message", malformed);
        // The columns that the templates of this block name, each decoded once.
        let templates: Vec<Option<&Vec<Part<u32>>>> = shapes
            .listed
            .iter()
            .enumerate()
            .map(|(place, shape)| {
                let template =
                    table.shapes[*shape as usize].template.filter(|_| is_wanted.is_none_or(|is| is[place]));
                template.map(|template| &table.templates[template as usize])
            })
            .collect();
        let mut named: Vec<(u32, ColumnVector)> = Vec::new();
        for column in
            templates.iter().flatten().flat_map(|parts| parts.iter()).filter_map(Part::column).copied()
        {
            if let Err(place) = named.binary_search_by_key(&column, |(known, _)| *known) {
                named.insert(place, (column, self.decode_field(shapes, column)?));
            }
        }
        let whole = self.decode_field(shapes, column)?;
        let mut texts = Texts::default();
        let mut codes = vec![0; shapes.rows];
        let mut present = vec![0u64; shapes.rows.div_ceil(64)];
        let mut printed = Vec::new();
        for row in 0..shapes.rows {
            if is_wanted.is_some_and(|is| !is[shapes.place(row)]) {
                continue;
            }
            if let Some(parts) = templates[shapes.place(row)] {
                printed.clear();
                for part in parts {
                    print_part(part, row, &named, &mut printed).map_err(malformed)?;
                }
                let text =
                    std::str::from_utf8(&printed).map_err(|_| malformed(Malformed("text is not UTF-8")))?;
                codes[row] = texts.push(text).map_err(malformed)?;
            } else if let (true, Values::Str { codes: own, texts: known }) =
                (whole.presence.has(row), &whole.values)
            {
                codes[row] = texts.push(known.get(own[row])).map_err(malformed)?;
            } else {
                continue;
            }
            present[row / 64] |= 1 << (row % 64);
        }
        let count: u32 = present.iter().map(|word| word.count_ones()).sum();
        let presence = match count as usize {
            0 => Presence::None,
            count if count == shapes.rows => Presence::All,
            _ => Presence::Some(present),
        };
        Ok(ColumnVector { presence, values: Values::Str { codes, texts: Arc::new(texts) } })
    }
}

/// The text of a template that has no parts but literal ones.
pub(super) fn literal_text(parts: &[Part<u32>]) -> Option<&str> {
    match parts {
        [Part::Literal(literal)] => std::str::from_utf8(literal).ok(),
        _ => None,
    }
}

fn print_part(
    part: &Part<u32>,
    row: usize,
    named: &[(u32, ColumnVector)],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let vector = |column: &u32| {
        let place = named.binary_search_by_key(column, |(known, _)| *known).ok();
        place
            .map(|place| &named[place].1)
            .filter(|vector| vector.presence.has(row))
            .ok_or(Malformed("a template that names a column its shape lacks"))
    };
    match part {
        Part::Literal(literal) => out.extend_from_slice(literal),
        Part::Padded(width, column) => match &vector(column)?.values {
            Values::I64(values) => write_padded(values[row], *width, out),
            _ => return Err(Malformed("padded digits that are no number")),
        },
        Part::Field(column) | Part::Whole(column) | Part::Decimal(column) | Part::Word(column) => {
            match &vector(column)?.values {
                Values::Str { codes, texts } => out.extend_from_slice(texts.get(codes[row]).as_bytes()),
                Values::I64(values) => super::template::write_whole(values[row], out),
                Values::Decimal(values) => super::template::write_exact(values.get(row), out),
                Values::Bool(values) => super::builder::print_value(values[row].into(), out),
                Values::F64(values) => super::builder::print_value(values[row].into(), out),
                Values::U64(_) => return Err(Malformed("a template that names no field")),
            }
        }
    }
    Ok(())
}
