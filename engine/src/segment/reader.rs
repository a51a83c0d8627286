//! An opened segment: what it is, its columns, and single events.

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use rust_decimal::Decimal;

use super::decimals::{self, DecimalPage};
use super::dictionary::{Dictionary, DictionaryRef};
use super::floats::{FloatPage, from_ordered};
use super::footer::{self, Fixed, PagesRef, ShapeInfo};
use super::ints::read_from_seq;
use super::lookup::{Postings, PostingsRef};
use super::meta::SegmentMeta;
use super::pages::{Directory, Numbers, Section, SegmentFile};
use super::shapes::ShapePage;
use super::template::{Part, write_exact, write_padded, write_whole};
use super::unpacked::FileNumber;
use super::wire::Malformed;
use crate::error::{Error, Result};
use crate::event::{
    Category, Event, Field, FieldKey, ProducerId, Seq, Timestamp, Value, ValueType, parse_decimal,
};
use crate::vfs::Mapping;

/// A column of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ColumnId {
    /// Event time, in nanoseconds.
    Ts,
    /// Position in the database.
    Seq,
    /// The recorder.
    Producer,
    /// The recorder's own count.
    Pseq,
    /// The level's code.
    Level,
    /// A field, by its place in [`Segment::columns`].
    Field(u32),
}

/// A field of one type. A field given in several types has as many columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ColumnInfo {
    /// The field.
    pub key: FieldKey,
    /// Its type here.
    pub value_type: ValueType,
    /// Whether [`Segment::lookup`] finds its values.
    pub indexed: bool,
}

/// Which fields of an event are wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Projection {
    /// All.
    All,
    /// These.
    Fields(Vec<FieldKey>),
}

impl Projection {
    /// All fields.
    pub fn all() -> Projection {
        Projection::All
    }

    /// These fields.
    pub fn fields(fields: impl IntoIterator<Item = FieldKey>) -> Projection {
        Projection::Fields(fields.into_iter().collect())
    }

    /// Removes from a whole event what is not wanted.
    pub(crate) fn apply(&self, event: &mut Event) {
        if let Projection::Fields(_) = self {
            event.fields.retain(|(key, _)| self.wants(key));
        }
    }

    #[inline]
    fn wants(&self, key: &FieldKey) -> bool {
        match self {
            Projection::All => true,
            Projection::Fields(fields) => fields.contains(key),
        }
    }
}

/// An open segment. Opening reads header, trailer and footer; everything else is verified and read when
/// first asked for, and what was verified is remembered.
#[derive(Debug)]
pub struct Segment {
    pub(super) file: SegmentFile,
    pub(super) meta: SegmentMeta,
    pub(super) block_rows: u32,
    category: Category,
    infos: Vec<ColumnInfo>,
    pub(super) indexed: Vec<(u8, String)>,
    pub(super) columns: Vec<ColumnState>,
    pub(super) fixed: [FixedColumn; 5],
    pub(super) shapes_at: Section,
    pub(super) templates_at: Section,
    shape_table: OnceLock<ShapeTable>,
    /// The column of messages, if there is one.
    message: Option<u32>,
}

/// Directories of what every row has, in order: shapes, `ts`, `seq`, `producer`, `pseq` less `seq`.
#[derive(Debug)]
pub(super) struct FixedColumn {
    pub(super) section: Section,
    directory: OnceLock<Directory>,
}

pub(super) const SHAPES: usize = 0;
pub(super) const TS: usize = 1;
pub(super) const SEQ: usize = 2;
pub(super) const PRODUCER: usize = 3;
pub(super) const PSEQ: usize = 4;

#[derive(Debug)]
pub(super) struct ColumnState {
    /// The field, or none for a column of a template.
    pub(super) key: Option<FieldKey>,
    pub(super) value_type: ValueType,
    pub(super) indexed: bool,
    pub(super) pages: PagesRef,
    pub(super) dictionary_at: Option<DictionaryRef>,
    pub(super) postings_at: Option<PostingsRef>,
    directory: OnceLock<Directory>,
    dictionary: OnceLock<Dictionary>,
    postings: OnceLock<Postings>,
    /// Of a column that follows an id, the codes that go with its prefixes.
    pub(super) followed: OnceLock<Vec<u64>>,
}

/// Shapes and message templates.
#[derive(Debug)]
pub(super) struct ShapeTable {
    pub(super) shapes: Vec<ShapeInfo>,
    /// Per shape, one bit per column: its rows have values stored there.
    stored: Vec<u64>,
    words: usize,
    pub(super) templates: Vec<Vec<Part<u32>>>,
}

impl ShapeTable {
    #[inline]
    pub(super) fn stores(&self, shape: u32, column: u32) -> bool {
        self.stored[shape as usize * self.words + column as usize / 64] >> (column % 64) & 1 != 0
    }
}

/// Room for a message; most are shorter.
const MESSAGE_BYTES: usize = 96;

/// Runs `read` the first time, and gives what it gave ever after.
pub(super) fn lazily<T>(slot: &OnceLock<T>, read: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = slot.get() {
        return Ok(value);
    }
    let value = read()?;
    Ok(slot.get_or_init(|| value))
}

impl Segment {
    /// Opens the segment whose bytes these are; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it is not a segment, [`Error::NewerVersion`] if this build cannot read it,
    /// [`Error::Damaged`] if its header, trailer or footer is not what was written.
    pub fn open(path: &Path, bytes: Mapping) -> Result<Segment> {
        let (footer, footer_offset) = footer::open(path, &bytes)?;
        let damaged = |malformed: Malformed| {
            Error::damaged(path, footer_offset, "a footer", malformed.0, super::pages::HINT)
        };
        let category =
            Category::custom(&footer.meta.category).ok_or_else(|| damaged(Malformed("no category name")))?;
        let mut columns = Vec::with_capacity(footer.columns.len());
        let mut infos = Vec::new();
        let mut message = None;
        for (index, column) in footer.columns.into_iter().enumerate() {
            let key = column.key().map_err(damaged)?;
            let value_type = ValueType::from_code(column.value_type)
                .ok_or_else(|| damaged(Malformed("an unknown type")))?;
            let coded = column.dictionary.is_some();
            let sound = (coded || (value_type != ValueType::Str && column.postings.is_none()))
                && match column.pages {
                    PagesRef::Own(_) => true,
                    PagesRef::Prefix { .. } => coded && column.postings.is_none(),
                    PagesRef::Of(other) => {
                        coded
                            && columns.get(other as usize).is_some_and(|other: &ColumnState| {
                                matches!(other.pages, PagesRef::Own(_)) && other.dictionary_at.is_some()
                            })
                    }
                };
            if !sound {
                return Err(damaged(Malformed("a column that lacks a part")));
            }
            match &key {
                // Columns of fields come first, so that their place here and in the file is the same.
                Some(key) if infos.len() == index => {
                    if *key == FieldKey::Known(Field::MESSAGE) && value_type == ValueType::Str {
                        message = Some(index as u32);
                    }
                    infos.push(ColumnInfo { key: key.clone(), value_type, indexed: column.indexed });
                }
                Some(_) => return Err(damaged(Malformed("columns out of order"))),
                None => {}
            }
            columns.push(ColumnState {
                key,
                value_type,
                indexed: column.indexed,
                pages: column.pages,
                dictionary_at: column.dictionary,
                postings_at: column.postings,
                directory: OnceLock::new(),
                dictionary: OnceLock::new(),
                postings: OnceLock::new(),
                followed: OnceLock::new(),
            });
        }
        // An id that itself follows another could lead in circles.
        let leads = |column: &ColumnState| match column.pages {
            PagesRef::Prefix { id, .. } => columns.get(id as usize).is_some_and(|id: &ColumnState| {
                id.dictionary_at.is_some() && !matches!(id.pages, PagesRef::Prefix { .. })
            }),
            _ => true,
        };
        if !columns.iter().all(leads) {
            return Err(damaged(Malformed("a column that follows no id")));
        }
        let fixed = [footer.shape_pages, footer.ts, footer.seq, footer.producer, footer.pseq];
        Ok(Segment {
            file: SegmentFile {
                path: path.to_path_buf(),
                bytes,
                pages_end: footer_offset,
                number: FileNumber::next(),
                #[cfg(test)]
                unchecked: false,
            },
            meta: footer.meta,
            block_rows: footer.block_rows,
            category,
            infos,
            indexed: footer.indexed,
            columns,
            fixed: fixed.map(|section| FixedColumn { section, directory: OnceLock::new() }),
            shapes_at: footer.shapes,
            templates_at: footer.templates,
            shape_table: OnceLock::new(),
            message,
        })
    }

    /// Opens without looking at checksums from then on.
    #[cfg(test)]
    pub(super) fn open_unchecked(path: &Path, bytes: Mapping) -> Result<Segment> {
        let mut segment = Segment::open(path, bytes)?;
        segment.file.unchecked = true;
        Ok(segment)
    }

    /// Where the footer starts.
    #[cfg(test)]
    pub(super) fn footer_offset(&self) -> u64 {
        self.file.pages_end
    }

    /// What the catalog keeps of it.
    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// The file it was opened from.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The columns of its fields: well-known ones by code, then dynamic ones in order of first occurrence.
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.infos
    }

    /// Rows in it.
    pub fn rows(&self) -> u32 {
        self.meta.rows as u32
    }

    /// Blocks in it.
    pub fn block_count(&self) -> u32 {
        self.rows().div_ceil(self.block_rows)
    }

    /// The block that holds a row.
    pub fn block_of(&self, row: u32) -> u32 {
        row / self.block_rows
    }

    /// The rows of a block.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn block_rows(&self, block: u32) -> Range<u32> {
        assert!(block < self.block_count(), "block {block} of {}", self.block_count());
        let start = block * self.block_rows;
        start..(start + self.block_rows).min(self.rows())
    }

    pub(super) fn message_column(&self) -> Option<u32> {
        self.message
    }

    pub(super) fn shape_table(&self) -> Result<&ShapeTable> {
        lazily(&self.shape_table, || {
            let columns: Vec<_> =
                self.columns.iter().map(|c| (c.value_type, c.dictionary_at.is_some())).collect();
            let bytes = self.file.section(self.templates_at, "message templates")?;
            let templates = footer::read_templates(bytes, columns.len()).map_err(|malformed| {
                self.file.malformed(self.templates_at.offset, "message templates", malformed)
            })?;
            let bytes = self.file.section(self.shapes_at, "the table of shapes")?;
            let shapes = footer::read_shapes(bytes, &columns, templates.len()).map_err(|malformed| {
                self.file.malformed(self.shapes_at.offset, "the table of shapes", malformed)
            })?;
            if !shapes.iter().all(|shape| self.message_is_whole(shape, &templates)) {
                let malformed = Malformed("a shape whose message cannot be put together");
                return Err(self.file.malformed(self.shapes_at.offset, "the table of shapes", malformed));
            }
            let words = columns.len().div_ceil(64);
            let mut stored = vec![0; shapes.len() * words];
            for (index, shape) in shapes.iter().enumerate() {
                for cell in shape.cells.iter().filter(|cell| cell.fixed.is_none()) {
                    stored[index * words + cell.column as usize / 64] |= 1 << (cell.column % 64);
                }
            }
            Ok(ShapeTable { shapes, stored, words, templates })
        })
    }

    /// Whether rows of the shape have all columns that its template names, and no message besides.
    fn message_is_whole(&self, shape: &ShapeInfo, templates: &[Vec<Part<u32>>]) -> bool {
        let has = |column: u32| shape.cells.binary_search_by_key(&column, |cell| cell.column).is_ok();
        let Some(template) = shape.template else { return true };
        self.message.is_some_and(|message| !has(message))
            && templates[template as usize].iter().filter_map(Part::column).all(|column| has(*column))
    }

    /// The directory of something every row has.
    pub(super) fn fixed(&self, which: usize) -> Result<&Directory> {
        let column = &self.fixed[which];
        lazily(&column.directory, || self.block_directory(column.section))
    }

    fn block_directory(&self, section: Section) -> Result<Directory> {
        Directory::read(&self.file, section, u64::from(self.block_count()))
    }

    /// The directory of a column's pages, which may be those of another column.
    pub(super) fn directory(&self, column: u32) -> Result<&Directory> {
        let mut state = &self.columns[column as usize];
        if let PagesRef::Of(other) = state.pages {
            state = &self.columns[other as usize];
        }
        let PagesRef::Own(section) = state.pages else {
            let malformed = Malformed("pages of a column that has none");
            return Err(self.file.malformed(self.file.pages_end, "a footer", malformed));
        };
        lazily(&state.directory, || self.block_directory(section))
    }

    /// The dictionary of a column, if it has one.
    pub(super) fn dictionary(&self, column: u32) -> Result<Option<&Dictionary>> {
        let state = &self.columns[column as usize];
        match &state.dictionary_at {
            None => Ok(None),
            Some(place) => lazily(&state.dictionary, || Dictionary::read(&self.file, place)).map(Some),
        }
    }

    /// The postings of a column, which may be those of another column.
    pub(super) fn postings(&self, column: u32) -> Result<Option<&Postings>> {
        let mut state = &self.columns[column as usize];
        if let PagesRef::Of(other) = state.pages {
            state = &self.columns[other as usize];
        }
        let (Some(place), Some(dictionary)) = (&state.postings_at, self.dictionary(column)?) else {
            return Ok(None);
        };
        lazily(&state.postings, || Postings::read(&self.file, place, dictionary.len())).map(Some)
    }

    /// The shapes of a block's rows.
    pub(super) fn shape_page(&self, block: u32, table: &ShapeTable) -> Result<ShapePage<'_>> {
        let rows = self.block_rows(block).len();
        ShapePage::open(&self.file, self.fixed(SHAPES)?, block as usize, rows, table.shapes.len())
    }

    /// What a block's page of a column of whole numbers adds to the sequence number, if it does.
    pub(super) fn offset_from_seq(&self, directory: &Directory, block: u32) -> Result<Option<i64>> {
        let (entry, bytes) = directory.page(&self.file, block as usize)?;
        if entry.bytes == 0 {
            return Ok(None);
        }
        read_from_seq(&bytes[..entry.bytes as usize])
            .map_err(|malformed| self.file.malformed(entry.offset, "a page of numbers", malformed))
    }

    fn seq_of(&self, block: u32, row_in_block: usize) -> Result<i64> {
        let rows = self.block_rows(block).len();
        Numbers::open(&self.file, self.fixed(SEQ)?, block as usize, rows)?.get(&self.file, row_in_block)
    }

    /// How many values a block's page of a column holds.
    pub(super) fn values_in(&self, table: &ShapeTable, page: &ShapePage<'_>, column: u32) -> usize {
        let stored = page.listed.iter().map(|shape| table.stores(*shape, column));
        stored.zip(page.totals()).map(|(stored, rows)| if stored { rows } else { 0 }).sum()
    }

    /// The event of a row, with the fields wanted: well-known fields by code, then dynamic ones by column.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file is.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn event(&self, row: u32, projection: &Projection) -> Result<Event> {
        assert!(row < self.rows(), "row {row} of {}", self.rows());
        let reading = RowReader::open(self, row)?;
        let fixed = |which| {
            let rows = self.block_rows(reading.block).len();
            Numbers::open(&self.file, self.fixed(which)?, reading.block as usize, rows)?
                .get(&self.file, reading.row_in_block)
        };
        let seq = fixed(SEQ)? as u64;
        Ok(Event {
            ts: Timestamp(fixed(TS)?),
            seq: Seq(seq),
            producer: ProducerId(fixed(PRODUCER)? as u32),
            pseq: seq.wrapping_add(fixed(PSEQ)? as u64),
            category: self.category,
            level: reading.shape.level,
            fields: reading.fields(projection)?,
        })
    }

    /// A value that a whole shape has.
    pub(super) fn fixed_value(&self, column: u32, fixed: Fixed) -> Result<Value> {
        match fixed {
            Fixed::Bool(value) => Ok(Value::Bool(value)),
            Fixed::I64(value) => Ok(Value::I64(value)),
            Fixed::F64(value) => Ok(Value::F64(value)),
            Fixed::Decimal(value) => Ok(Value::Decimal(value)),
            Fixed::Code(code) => self.coded_value(column, code),
        }
    }

    /// The value that a code of a column stands for.
    pub(super) fn coded_value(&self, column: u32, code: u64) -> Result<Value> {
        let malformed = |what| self.file.malformed(0, "a dictionary", Malformed(what));
        let value_type = self.columns[column as usize].value_type;
        let kept = self.dictionary(column)?.and_then(|dictionary| dictionary.kept(code));
        if let (Some(text), ValueType::Str) = (kept, value_type) {
            return Ok(Value::Str(text.into()));
        }
        let mut text = Vec::with_capacity(crate::limits::ID_BYTES_MAX);
        self.coded_text(column, code, &mut text)?;
        let text = std::str::from_utf8(&text).map_err(|_| malformed("text is not UTF-8"))?;
        parse_value(value_type, text).ok_or_else(|| malformed("text of another type"))
    }

    fn coded_text(&self, column: u32, code: u64, out: &mut Vec<u8>) -> Result<()> {
        match self.dictionary(column)? {
            Some(dictionary) => dictionary.text(&self.file, code, out),
            None => Err(self.file.malformed(0, "a column", Malformed("no dictionary"))),
        }
    }
}

/// The value that prints as `text`.
pub(super) fn parse_value(value_type: ValueType, text: &str) -> Option<Value> {
    match value_type {
        ValueType::Str => Some(Value::Str(text.into())),
        ValueType::Bool => text.parse().ok().map(Value::Bool),
        ValueType::I64 => text.parse().ok().map(Value::I64),
        ValueType::F64 => text.parse().ok().map(Value::F64),
        ValueType::Decimal => parse_decimal("", text).ok().map(Value::Decimal),
    }
}

/// Reads the cells of one row.
struct RowReader<'s> {
    segment: &'s Segment,
    table: &'s ShapeTable,
    shape: &'s ShapeInfo,
    page: ShapePage<'s>,
    /// Rows of the block before this one, by place of their shape.
    before: Vec<u32>,
    block: u32,
    row_in_block: usize,
}

impl<'s> RowReader<'s> {
    fn open(segment: &'s Segment, row: u32) -> Result<RowReader<'s>> {
        let table = segment.shape_table()?;
        let block = row / segment.block_rows;
        let row_in_block = (row % segment.block_rows) as usize;
        let page = segment.shape_page(block, table)?;
        let mut before = Vec::new();
        let place = page.locate(&segment.file, row_in_block, &mut before)?;
        let shape = &table.shapes[page.listed[place] as usize];
        Ok(RowReader { segment, table, shape, page, before, block, row_in_block })
    }

    fn fields(&self, projection: &Projection) -> Result<Vec<(FieldKey, Value)>> {
        let mut fields = Vec::with_capacity(self.shape.cells.len() + 1);
        let mut columns = Vec::with_capacity(self.shape.cells.len());
        for cell in &self.shape.cells {
            let Some(key) = &self.segment.columns[cell.column as usize].key else { continue };
            if projection.wants(key) {
                let value = match cell.fixed {
                    Some(fixed) => self.segment.fixed_value(cell.column, fixed)?,
                    None => self.stored_value(cell.column)?,
                };
                fields.push((key.clone(), value));
                columns.push(cell.column);
            }
        }
        let key = FieldKey::Known(Field::MESSAGE);
        if let (Some(at), Some(template)) = (self.segment.message, self.shape.template)
            && projection.wants(&key)
        {
            // Put together last, because it repeats what the other fields hold by now.
            let message = self.message(template, &columns, &fields)?;
            fields.insert(columns.partition_point(|column| *column < at), (key, message));
        }
        Ok(fields)
    }

    /// Where in the block's page of a column this row's value is, and how many values the page has.
    fn place(&self, column: u32) -> (usize, usize) {
        let stored = self.page.listed.iter().map(|shape| self.table.stores(*shape, column));
        let (mut rank, mut count) = (0, 0);
        for ((stored, before), total) in stored.zip(&self.before).zip(self.page.totals()) {
            if stored {
                rank += *before as usize;
                count += total;
            }
        }
        (rank, count)
    }

    /// The value of a column of whole numbers.
    fn whole_number(&self, column: u32) -> Result<i64> {
        let directory = self.segment.directory(column)?;
        match self.segment.offset_from_seq(directory, self.block)? {
            Some(offset) => Ok(self.segment.seq_of(self.block, self.row_in_block)?.wrapping_add(offset)),
            None => {
                let place = self.place(column);
                match self.segment.elapsed_number(self.block, column, self.row_in_block, place)? {
                    Some(number) => Ok(number),
                    None => self.number(column),
                }
            }
        }
    }

    fn number(&self, column: u32) -> Result<i64> {
        if let Some((id, table)) = self.segment.followed(column)? {
            let code = match self.fixed(id)? {
                Some(Fixed::Code(code)) => code,
                _ => self.paged_number(id)? as u64,
            };
            return self.segment.followed_code(id, code, table);
        }
        self.paged_number(column)
    }

    fn paged_number(&self, column: u32) -> Result<i64> {
        let (rank, count) = self.place(column);
        let directory = self.segment.directory(column)?;
        Numbers::open(&self.segment.file, directory, self.block as usize, count)?
            .get(&self.segment.file, rank)
    }

    fn stored_value(&self, column: u32) -> Result<Value> {
        let state = &self.segment.columns[column as usize];
        if state.dictionary_at.is_some() {
            return self.segment.coded_value(column, self.number(column)? as u64);
        }
        match state.value_type {
            ValueType::Bool => Ok(Value::Bool(self.number(column)? != 0)),
            ValueType::I64 => Ok(Value::I64(self.whole_number(column)?)),
            ValueType::F64 => self.stored_float(column).map(Value::F64),
            _ => self.stored_decimal(column).map(Value::Decimal),
        }
    }

    fn stored_float(&self, column: u32) -> Result<f64> {
        let (rank, count) = self.place(column);
        let file = &self.segment.file;
        let (entry, bytes) = self.segment.directory(column)?.page(file, self.block as usize)?;
        if entry.bytes == 0 {
            return Ok(from_ordered(entry.least));
        }
        FloatPage::parse(bytes, count, file.origin(entry.offset))
            .and_then(|page| page.get(rank))
            .map_err(|malformed| file.malformed(entry.offset, "a page of floats", malformed))
    }

    fn stored_decimal(&self, column: u32) -> Result<Decimal> {
        let (rank, count) = self.place(column);
        let file = &self.segment.file;
        let (entry, bytes) = self.segment.directory(column)?.page(file, self.block as usize)?;
        let decimal = if entry.bytes == 0 {
            decimals::from_cell(entry.least).ok_or(Malformed("a scale is over 28"))
        } else {
            DecimalPage::parse(bytes, entry.bytes as usize, count, file.origin(entry.offset))
                .and_then(|page| page.get(rank))
        };
        decimal.map_err(|malformed| file.malformed(entry.offset, "a page of decimals", malformed))
    }

    /// Puts a message together; `fields` are those read already, and `columns` theirs.
    fn message(&self, template: u32, columns: &[u32], fields: &[(FieldKey, Value)]) -> Result<Value> {
        let mut text = Vec::with_capacity(MESSAGE_BYTES);
        for part in &self.table.templates[template as usize] {
            match part {
                Part::Literal(literal) => text.extend_from_slice(literal),
                Part::Padded(width, column) => write_padded(self.whole(*column)?, *width, &mut text),
                Part::Field(column) | Part::Whole(column) | Part::Decimal(column) | Part::Word(column) => {
                    match columns.binary_search(column) {
                        Ok(at) => print(&fields[at].1, &mut text),
                        Err(_) => self.print(*column, &mut text)?,
                    }
                }
            }
        }
        std::str::from_utf8(&text)
            .map(Value::from)
            .map_err(|_| self.segment.file.malformed(0, "a message", Malformed("text is not UTF-8")))
    }

    fn fixed(&self, column: u32) -> Result<Option<Fixed>> {
        match self.shape.cells.binary_search_by_key(&column, |cell| cell.column) {
            Ok(at) => Ok(self.shape.cells[at].fixed),
            Err(_) => {
                let malformed = Malformed("a column that names one its shape lacks");
                Err(self.segment.file.malformed(
                    self.segment.shapes_at.offset,
                    "the table of shapes",
                    malformed,
                ))
            }
        }
    }

    fn whole(&self, column: u32) -> Result<i64> {
        match self.fixed(column)? {
            Some(Fixed::I64(value)) => Ok(value),
            Some(_) => Ok(0),
            None => self.whole_number(column),
        }
    }

    /// Appends a value as it prints.
    fn print(&self, column: u32, out: &mut Vec<u8>) -> Result<()> {
        let fixed = self.fixed(column)?;
        let state = &self.segment.columns[column as usize];
        if state.dictionary_at.is_some() {
            let code = match fixed {
                Some(Fixed::Code(code)) => code,
                _ => self.number(column)? as u64,
            };
            return self.segment.coded_text(column, code, out);
        }
        let value = match fixed {
            Some(fixed) => self.segment.fixed_value(column, fixed)?,
            None => self.stored_value(column)?,
        };
        print(&value, out);
        Ok(())
    }
}

/// Appends a value as it prints.
fn print(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::I64(value) => write_whole(*value, out),
        Value::Decimal(value) => write_exact(*value, out),
        value => super::builder::print_value(value.borrow(), out),
    }
}
