//! Head and tail of a segment file: header, footer, trailer, and the table of shapes.
//!
//! ```text
//! header  (16)  magic "blotseg\n", version u32, checksum u32 of the 12 bytes before
//! trailer (44)  magic "blotend\n", version u32, footer checksum u32, footer offset u64, footer bytes u64,
//!               file bytes u64, checksum u32 of the 40 bytes before
//! footer        [Footer] as [`codec`](crate::codec) writes it
//! shapes        count varint, then per shape: level u8; template number + 1, or 0, varint; cells varint;
//!               per cell, in order of column: column varint, 0 stored or 1 the same in all rows, and then the
//!               value: text as code varint; bool and i64 signed; f64 8 bytes; decimal 16 bytes
//! templates     count varint, then per template: parts varint; per part a tag u8: 0 literal (length varint,
//!               bytes), 1 field, 2 whole number, 3 padded (width u8), 4 decimal, 5 word; all but the literal
//!               end with a column varint
//! ```

use std::path::Path;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimals;
use super::dictionary::DictionaryRef;
use super::lookup::PostingsRef;
use super::meta::SegmentMeta;
use super::pages::{HINT, Section};
use super::template::{PARTS_MAX, Part};
use super::wire::{Cursor, Malformed, put_bytes, put_signed, put_varint};
use crate::codec;
use crate::error::{Error, Result};
use crate::event::{Field, FieldKey, Level, ValueType};
use crate::limits::{FIELDS_PER_EVENT_MAX, SEGMENT_COLUMNS_MAX, SEGMENT_ROWS_MAX};

/// Version of the format that this build writes, and the newest it reads.
pub(crate) const VERSION: u32 = 1;
const HEADER_MAGIC: &[u8; 8] = b"blotseg\n";
const TRAILER_MAGIC: &[u8; 8] = b"blotend\n";
/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 16;
/// Bytes of the trailer.
pub(crate) const TRAILER_BYTES: usize = 44;

/// Code of a dynamic field in a column's entry.
const CODE_NAMED: u8 = 255;
/// Code of a column of a message template.
const CODE_OWN: u8 = 254;

/// The footer: where everything else is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Footer {
    /// As in the catalog, but with the file's length and the footer's checksum 0: the trailer has them.
    pub(crate) meta: SegmentMeta,
    pub(crate) block_rows: u32,
    pub(crate) shapes: Section,
    pub(crate) templates: Section,
    /// Directory of the pages that say which shape each row has.
    pub(crate) shape_pages: Section,
    pub(crate) ts: Section,
    pub(crate) seq: Section,
    pub(crate) producer: Section,
    /// Of the differences between `pseq` and `seq`.
    pub(crate) pseq: Section,
    /// The indexed fields, by code and name as in a column's entry, whether they occur or not.
    pub(crate) indexed: Vec<(u8, String)>,
    pub(crate) columns: Vec<ColumnRef>,
}

/// A column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ColumnRef {
    /// A well-known field's code, 255 for a dynamic field, 254 for a column of a template.
    pub(crate) code: u8,
    /// Of a dynamic field.
    pub(crate) name: String,
    pub(crate) value_type: u8,
    pub(crate) indexed: bool,
    pub(crate) pages: PagesRef,
    pub(crate) dictionary: Option<DictionaryRef>,
    pub(crate) postings: Option<PostingsRef>,
}

/// Whose pages a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PagesRef {
    /// Its own.
    Own(Section),
    /// It has the same codes in the same rows as an earlier column, and the same postings.
    Of(u32),
    /// It has none: which code it has goes with the prefix of the id that the row has in another column.
    Prefix { id: u32, table: Section },
}

impl ColumnRef {
    pub(crate) fn new(key: Option<&FieldKey>, value_type: ValueType, indexed: bool) -> ColumnRef {
        let (code, name) = key.map_or((CODE_OWN, String::new()), code_and_name);
        ColumnRef {
            code,
            name,
            value_type: value_type as u8,
            indexed,
            pages: PagesRef::Of(u32::MAX),
            dictionary: None,
            postings: None,
        }
    }

    /// The field, or none for a column of a template.
    pub(crate) fn key(&self) -> Result<Option<FieldKey>, Malformed> {
        match self.code {
            CODE_NAMED => Ok(Some(FieldKey::Named(self.name.as_str().into()))),
            CODE_OWN => Ok(None),
            code => Field::from_code(code)
                .map(|field| Some(field.into()))
                .ok_or(Malformed("an unknown field code")),
        }
    }
}

/// A field as it stands in the footer.
pub(crate) fn code_and_name(key: &FieldKey) -> (u8, String) {
    match key {
        FieldKey::Known(field) => (field.code(), String::new()),
        FieldKey::Named(name) => (CODE_NAMED, name.to_string()),
    }
}

/// The header.
pub(crate) fn header() -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(HEADER_MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Appends footer and trailer; gives the footer's checksum.
pub(crate) fn finish(out: &mut Vec<u8>, footer: &Footer) -> u32 {
    let offset = out.len() as u64;
    let bytes = codec::encode(footer);
    let crc = crc32fast::hash(&bytes);
    out.extend_from_slice(&bytes);
    let start = out.len();
    out.extend_from_slice(TRAILER_MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(crc.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(((start + TRAILER_BYTES) as u64).to_le_bytes());
    let own = crc32fast::hash(&out[start..]);
    out.extend(own.to_le_bytes());
    crc
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[at + i]))
}

/// Checks header, trailer and footer of a file; gives the footer, its meta completed, and its offset.
pub(crate) fn open(path: &Path, bytes: &[u8]) -> Result<(Footer, u64)> {
    let damaged =
        |offset: u64, expected: &str, found: String| Error::damaged(path, offset, expected, found, HINT);
    let printable = || bytes[..bytes.len().min(8)].escape_ascii().to_string();
    if bytes.len() < HEADER_BYTES + TRAILER_BYTES {
        if bytes.get(..8).is_some_and(|magic| magic != HEADER_MAGIC) {
            return Err(Error::Foreign { path: path.into(), kind: "segment", found: printable() });
        }
        return Err(damaged(bytes.len() as u64, "a header and a trailer", "the end of the file".into()));
    }
    let (header, trailer_at) = (&bytes[..HEADER_BYTES], bytes.len() - TRAILER_BYTES);
    let trailer = &bytes[trailer_at..];
    let header_sound = crc32fast::hash(&header[..12]) == u32_at(header, 12);
    if &header[..8] != HEADER_MAGIC {
        // A trailer of ours says that it is a segment, and that the header is what is damaged.
        if &trailer[..8] == TRAILER_MAGIC {
            return Err(damaged(0, "the magic of a segment", printable()));
        }
        return Err(Error::Foreign { path: path.into(), kind: "segment", found: printable() });
    }
    if !header_sound {
        return Err(damaged(0, "a header that matches its checksum", "one that does not".into()));
    }
    let version = u32_at(header, 8);
    if version > VERSION {
        return Err(Error::NewerVersion {
            path: path.into(),
            kind: "segment",
            found: version,
            supported: VERSION,
        });
    }
    if version == 0 {
        return Err(damaged(8, "a version from 1", "version 0".into()));
    }
    if &trailer[..8] != TRAILER_MAGIC || crc32fast::hash(&trailer[..40]) != u32_at(trailer, 40) {
        return Err(damaged(
            trailer_at as u64,
            "a trailer",
            "other bytes, as of a file cut short or not written to its end".into(),
        ));
    }
    let (footer_crc, offset, length) = (u32_at(trailer, 12), u64_at(trailer, 16), u64_at(trailer, 24));
    let placed = u32_at(trailer, 8) == version
        && u64_at(trailer, 32) == bytes.len() as u64
        && offset >= HEADER_BYTES as u64
        && offset.checked_add(length) == Some(trailer_at as u64);
    if !placed {
        return Err(damaged(trailer_at as u64, "a trailer of this file", "one of another".into()));
    }
    let footer = &bytes[offset as usize..trailer_at];
    let found = crc32fast::hash(footer);
    if found != footer_crc {
        return Err(damaged(
            offset,
            &format!("a footer with checksum {footer_crc:08x}"),
            format!("checksum {found:08x}"),
        ));
    }
    let mut footer: Footer =
        codec::decode(footer).map_err(|found| damaged(offset, "a footer", found.to_string()))?;
    footer.meta.file_bytes = bytes.len() as u64;
    footer.meta.footer_crc = footer_crc;
    let sound = (1..=SEGMENT_ROWS_MAX as u64).contains(&footer.meta.rows)
        && footer.columns.len() <= SEGMENT_COLUMNS_MAX
        && footer.block_rows.is_multiple_of(super::bits::MINIBLOCK as u32)
        && (super::bits::MINIBLOCK..=super::ints::PAGE_NUMBERS_MAX).contains(&(footer.block_rows as usize));
    if !sound {
        return Err(damaged(offset, "a footer within the limits", "counts beyond them".into()));
    }
    Ok((footer, offset))
}

/// A value that all rows of a shape have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fixed {
    Bool(bool),
    I64(i64),
    F64(f64),
    Decimal(Decimal),
    Code(u64),
}

/// A cell of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) column: u32,
    /// The value, or none if each row has its own.
    pub(crate) fixed: Option<Fixed>,
}

/// What rows of one shape have in common.
#[derive(Clone, Debug)]
pub(crate) struct ShapeInfo {
    pub(crate) level: Level,
    pub(crate) template: Option<u32>,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) fn put_shape(out: &mut Vec<u8>, shape: &ShapeInfo) {
    out.push(shape.level as u8);
    put_varint(out, shape.template.map_or(0, |template| u64::from(template) + 1));
    put_varint(out, shape.cells.len() as u64);
    for cell in &shape.cells {
        put_varint(out, u64::from(cell.column));
        out.push(u8::from(cell.fixed.is_some()));
        match cell.fixed {
            None => {}
            Some(Fixed::Bool(value)) => put_signed(out, i64::from(value)),
            Some(Fixed::I64(value)) => put_signed(out, value),
            Some(Fixed::F64(value)) => out.extend(value.to_le_bytes()),
            Some(Fixed::Decimal(value)) => out.extend(value.serialize()),
            Some(Fixed::Code(code)) => put_varint(out, code),
        }
    }
}

/// Reads the table of shapes; `columns` says of each column its type and whether it has a dictionary.
pub(crate) fn read_shapes(
    bytes: &[u8],
    columns: &[(ValueType, bool)],
    templates: usize,
) -> Result<Vec<ShapeInfo>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.bounded(cursor.remaining(), "more shapes than bytes")?;
    let mut shapes = Vec::with_capacity(count);
    for _ in 0..count {
        let level = Level::from_code(cursor.byte()?).ok_or(Malformed("an unknown level"))?;
        let template = cursor.bounded(templates, "a template past the last")?.checked_sub(1);
        let cells_max = FIELDS_PER_EVENT_MAX + PARTS_MAX + 1;
        let cell_count = cursor.bounded(cells_max, "more cells than an event may have")?;
        let mut cells: Vec<Cell> = Vec::with_capacity(cell_count);
        for _ in 0..cell_count {
            let column = cursor.bounded(columns.len().saturating_sub(1), "a column past the last")?;
            if cells.last().is_some_and(|last| last.column as usize >= column) || column >= columns.len() {
                return Err(Malformed("cells out of order"));
            }
            let fixed = match cursor.byte()? {
                0 => None,
                1 => Some(read_fixed(&mut cursor, columns[column])?),
                _ => return Err(Malformed("a cell of no known kind")),
            };
            cells.push(Cell { column: column as u32, fixed });
        }
        shapes.push(ShapeInfo { level, template: template.map(|template| template as u32), cells });
    }
    cursor.end()?;
    Ok(shapes)
}

fn read_fixed(cursor: &mut Cursor<'_>, (value_type, coded): (ValueType, bool)) -> Result<Fixed, Malformed> {
    if coded {
        return cursor.varint().map(Fixed::Code);
    }
    match value_type {
        ValueType::Bool => Ok(Fixed::Bool(cursor.signed()? != 0)),
        ValueType::I64 => cursor.signed().map(Fixed::I64),
        ValueType::F64 => {
            let bytes = cursor.take(8)?;
            Ok(Fixed::F64(f64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[i]))))
        }
        ValueType::Decimal => decimals::wide_at(cursor.take(16)?, 0).map(Fixed::Decimal),
        ValueType::Str => Err(Malformed("a column of text without a dictionary")),
    }
}

pub(crate) fn put_template(out: &mut Vec<u8>, parts: &[Part<u32>]) {
    put_varint(out, parts.len() as u64);
    for part in parts {
        let (head, column): (&[u8], u32) = match part {
            Part::Literal(text) => {
                out.push(0);
                put_bytes(out, text);
                continue;
            }
            Part::Field(column) => (&[1], *column),
            Part::Whole(column) => (&[2], *column),
            Part::Padded(width, column) => (&[3, *width], *column),
            Part::Decimal(column) => (&[4], *column),
            Part::Word(column) => (&[5], *column),
        };
        out.extend_from_slice(head);
        put_varint(out, u64::from(column));
    }
}

pub(crate) fn read_templates(bytes: &[u8], columns: usize) -> Result<Vec<Vec<Part<u32>>>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.bounded(cursor.remaining(), "more templates than bytes")?;
    let mut templates = Vec::with_capacity(count);
    for _ in 0..count {
        let parts = (0..cursor.bounded(PARTS_MAX, "more parts than a template may have")?)
            .map(|_| read_part(&mut cursor, columns))
            .collect::<Result<Vec<_>, _>>()?;
        templates.push(parts);
    }
    cursor.end()?;
    Ok(templates)
}

fn read_part(cursor: &mut Cursor<'_>, columns: usize) -> Result<Part<u32>, Malformed> {
    let tag = cursor.byte()?;
    if tag == 0 {
        // Checked here once, so that putting a message together need not.
        return Ok(Part::Literal(cursor.text()?.as_bytes().into()));
    }
    let width = if tag == 3 { cursor.byte()? } else { 0 };
    let column = cursor.varint()?;
    if column >= columns as u64 {
        return Err(Malformed("a column past the last"));
    }
    let column = column as u32;
    match tag {
        1 => Ok(Part::Field(column)),
        2 => Ok(Part::Whole(column)),
        3 if width <= 20 => Ok(Part::Padded(width, column)),
        4 => Ok(Part::Decimal(column)),
        5 => Ok(Part::Word(column)),
        _ => Err(Malformed("a part of no known kind")),
    }
}
