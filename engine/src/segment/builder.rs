//! Takes in the events of one partition, row by row, and keeps them so that sealing is a few linear passes.
//!
//! Every value becomes a cell of 64 bits in one long vector: numbers as they are, texts as codes of their
//! column's interner. Rows of the same level, event name and columns share a *layout*; with the template of
//! their message that makes a *shape*. A row is then a shape and where its cells start. What is the same in
//! all rows of a shape is noticed on the way and never stored per row.

use hashbrown::{HashMap, HashTable};
use rust_decimal::Decimal;

use super::decimals;
use super::interner::Interner;
use super::meta::{RoutingFilter, SegmentId, SegmentMeta, Tier};
use super::options::SegmentOptions;
use super::template::{ColumnIndex, Part, Printed, Variable, apply, learn, write_exact, write_whole};
use crate::event::record::{Defaults, Record, RecordError};
use crate::event::{Category, Day, Field, FieldKey, FieldRef, Level, ProducerId, Seq, ValueRef, ValueType};
use crate::limits::{FIELDS_PER_EVENT_MAX, SEGMENT_COLUMNS_MAX, SEGMENT_ROWS_MAX};

/// What a finished segment is called.
#[derive(Clone, Debug)]
pub struct SegmentIdentity {
    /// Its identity.
    pub id: SegmentId,
    /// The UTC day of all its events.
    pub day: Day,
    /// The category of all its events.
    pub category: Category,
    /// Its tier.
    pub tier: Tier,
    /// Number of the WAL file it is sealed from.
    pub source_wal: u64,
}

/// A segment ready to be written.
#[derive(Clone, Debug)]
pub struct FinishedSegment {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What the catalog keeps of it.
    pub meta: SegmentMeta,
    /// One filter per indexed field, in order of field name.
    pub filters: Vec<RoutingFilter>,
}

/// A column while building.
pub(super) struct Column {
    /// The field, or none for a column of a message template.
    pub(super) key: Option<FieldKey>,
    pub(super) value_type: ValueType,
    /// Texts by code, for columns of text and for all columns of indexed fields.
    pub(super) texts: Option<Interner>,
    pub(super) indexed: bool,
}

/// One event, its cells elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) ts: i64,
    pub(super) seq: u64,
    pub(super) pseq: u64,
    pub(super) producer: u32,
    pub(super) shape: u32,
    pub(super) cells_at: u32,
}

/// Rows of one level, event name and list of columns.
struct Layout {
    level: u8,
    event: u64,
    columns: Box<[ColumnIndex]>,
    /// Templates that fitted messages of this layout, the last to fit first, each with its shape.
    templates: Vec<(u32, u32)>,
    /// Messages that no template fitted.
    misses: u32,
    /// The shape of rows without a message, and of those whose message is kept whole.
    bare: Option<u32>,
    whole: Option<u32>,
}

/// Rows of one layout and message template.
pub(super) struct Shape {
    pub(super) level: u8,
    pub(super) template: Option<u32>,
    /// The column of each cell.
    pub(super) columns: Box<[ColumnIndex]>,
    /// The cells of the first row.
    pub(super) first: Box<[u64]>,
    /// Which cells differ in some row.
    pub(super) varies: Box<[bool]>,
    pub(super) rows: u64,
}

/// No column.
const NONE: ColumnIndex = ColumnIndex::MAX;
/// No event name, or too many of them to tell layouts apart by it.
const NO_EVENT: u64 = u64::MAX;
/// Layouts told apart by event name; beyond, events with the same columns share one.
const LAYOUTS_BY_EVENT_MAX: usize = 2048;
/// Most templates of one segment; messages beyond are kept whole.
const TEMPLATES_MAX: usize = 512;
/// Most templates of one layout.
const LAYOUT_TEMPLATES_MAX: usize = 16;
/// Messages of one layout from which a template is sought.
const LEARNT_MESSAGES_MAX: u32 = 64;
/// Columns that one event can add: its fields, its message, and the columns of a template.
const COLUMNS_PER_EVENT_MAX: usize = FIELDS_PER_EVENT_MAX + super::template::PARTS_MAX + 1;
const TYPES: usize = 5;

/// Builds one segment.
pub struct SegmentBuilder {
    pub(super) options: SegmentOptions,
    pub(super) columns: Vec<Column>,
    known: Vec<[ColumnIndex; TYPES]>,
    named: HashMap<(Box<str>, u8), ColumnIndex, foldhash::fast::RandomState>,
    layouts: Vec<Layout>,
    layout_codes: HashTable<u32>,
    pub(super) shapes: Vec<Shape>,
    pub(super) templates: Vec<Vec<Part>>,
    pub(super) rows: Vec<Row>,
    pub(super) cells: Vec<u64>,
    pub(super) wide: Vec<Decimal>,
    message_indexed: bool,
    row_columns: Vec<ColumnIndex>,
    /// Columns of the last row: where an event repeats its like, each dynamic name is found by one comparison.
    last_columns: Vec<ColumnIndex>,
    printed: Vec<u8>,
    variables: Vec<Variable>,
    /// Memory of layouts and shapes, in bytes; events that are all unlike have as many of them.
    shapes_bytes: usize,
}

/// What every event has besides its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowHead {
    pub(super) ts: i64,
    pub(super) seq: u64,
    pub(super) producer: u32,
    pub(super) pseq: u64,
    pub(super) level: Level,
}

impl SegmentBuilder {
    /// An empty segment.
    ///
    /// # Panics
    /// If the options are out of their bounds.
    pub fn new(options: &SegmentOptions) -> SegmentBuilder {
        options.assert_sound();
        SegmentBuilder {
            message_indexed: options.indexed.contains(&FieldKey::Known(Field::MESSAGE)),
            options: options.clone(),
            columns: vec![],
            known: vec![[NONE; TYPES]; Field::ALL.len()],
            named: HashMap::default(),
            layouts: vec![],
            layout_codes: HashTable::new(),
            shapes: vec![],
            templates: vec![],
            rows: vec![],
            cells: vec![],
            wide: vec![],
            row_columns: vec![],
            last_columns: vec![],
            printed: vec![],
            variables: vec![],
            shapes_bytes: 0,
        }
    }

    /// Rows taken in.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Memory held, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        let texts: usize = self.columns.iter().flat_map(|c| &c.texts).map(Interner::memory_bytes).sum();
        let wide = self.wide.capacity() * size_of::<Decimal>();
        self.rows.capacity() * size_of::<Row>() + self.cells.capacity() * 8 + wide + texts + self.shapes_bytes
    }

    /// Whether another event may not fit, so that this segment must be finished first.
    pub fn is_full(&self) -> bool {
        self.columns.len() + COLUMNS_PER_EVENT_MAX > SEGMENT_COLUMNS_MAX
            || self.rows.len() >= SEGMENT_ROWS_MAX
            || self.cells.len() > u32::MAX as usize / 2
            // 1,024 events bring 64 MiB at most, so the offsets of a column hold until it is asked again.
            || self.rows.len().is_multiple_of(1024)
                && self.columns.iter().flat_map(|c| &c.texts).any(|texts| texts.text_bytes() > 1 << 31)
    }

    /// Whether an event of so many fields fits that is new in all of them.
    pub(super) fn has_room_for(&self, fields: usize) -> bool {
        self.columns.len() + fields + super::template::PARTS_MAX + 2 <= SEGMENT_COLUMNS_MAX
    }

    /// Takes in one event. All events of a segment are of one category and day; which, its finisher says.
    ///
    /// # Errors
    /// What is wrong with the record; nothing of it was taken in.
    ///
    /// # Panics
    /// If the builder [is full](SegmentBuilder::is_full).
    pub fn push(
        &mut self,
        seq: Seq,
        producer: ProducerId,
        record: &Record<'_>,
        defaults: &Defaults,
    ) -> Result<(), RecordError> {
        let (ts, pseq, level) = (record.ts.0, record.pseq, record.level);
        let head = RowHead { ts, seq: seq.0, producer: producer.0, pseq, level };
        self.take_in(head, record.fields_with(defaults))
    }

    /// Takes in one event that is decoded already; its values are kept as they are.
    ///
    /// # Errors
    /// What is wrong with its fields; nothing of it was taken in.
    ///
    /// # Panics
    /// If the builder [is full](SegmentBuilder::is_full), or [has no room](SegmentBuilder::has_room_for) for it.
    pub(super) fn push_row<'f>(
        &mut self,
        head: RowHead,
        fields: impl Iterator<Item = (FieldRef<'f>, ValueRef<'f>)>,
    ) -> Result<(), RecordError> {
        self.take_in(head, fields.map(Ok))
    }

    #[inline(always)]
    fn take_in<'f>(
        &mut self,
        head: RowHead,
        fields: impl Iterator<Item = Result<(FieldRef<'f>, ValueRef<'f>), RecordError>>,
    ) -> Result<(), RecordError> {
        let cells_at = self.cells.len();
        match self.shape_of(head.level, fields) {
            Ok(shape) => {
                note_varying(&mut self.shapes[shape as usize], &self.cells[cells_at..]);
                self.rows.push(Row {
                    ts: head.ts,
                    seq: head.seq,
                    pseq: head.pseq,
                    producer: head.producer,
                    shape,
                    cells_at: cells_at as u32,
                });
                std::mem::swap(&mut self.row_columns, &mut self.last_columns);
                Ok(())
            }
            Err(error) => {
                self.cells.truncate(cells_at);
                Err(error)
            }
        }
    }

    /// Appends the row's cells and finds its shape.
    #[inline(always)]
    fn shape_of<'f>(
        &mut self,
        level: Level,
        fields: impl Iterator<Item = Result<(FieldRef<'f>, ValueRef<'f>), RecordError>>,
    ) -> Result<u32, RecordError> {
        let cells_at = self.cells.len();
        self.row_columns.clear();
        let mut message = None;
        let mut event = NO_EVENT;
        let mut key = level as u64;
        for field in fields {
            let (field, value) = field?;
            if let (FieldRef::Known(Field::MESSAGE), ValueRef::Str(text)) = (field, value)
                && !self.message_indexed
            {
                if message.replace(text).is_some() {
                    return Err(RecordError("a field is given twice"));
                }
                continue;
            }
            let column = self.column_of(field, value.value_type());
            let cell = self.cell_of(column, value);
            if matches!(field, FieldRef::Known(Field::EVENT)) {
                event = cell;
            }
            key = (key.rotate_left(5) ^ u64::from(column)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.row_columns.push(column);
            self.cells.push(cell);
        }
        let layout = self.layout_of(key, level as u8, event)?;
        match message {
            Some(message) => Ok(self.shape_with_message(layout, cells_at, message)),
            None => {
                if let Some(shape) = self.layouts[layout].bare {
                    return Ok(shape);
                }
                let shape = self.add_shape(layout, None, &[], cells_at);
                self.layouts[layout].bare = Some(shape);
                Ok(shape)
            }
        }
    }

    #[inline(always)]
    pub(super) fn column_of(&mut self, field: FieldRef<'_>, value_type: ValueType) -> ColumnIndex {
        let column = match field {
            FieldRef::Known(known) => self.known[known.code() as usize][value_type as usize],
            FieldRef::Named(name) => {
                if let Some(guess) = self.last_columns.get(self.row_columns.len()) {
                    let column = &self.columns[*guess as usize];
                    if column.value_type == value_type
                        && matches!(&column.key, Some(FieldKey::Named(known)) if **known == *name)
                    {
                        return *guess;
                    }
                }
                self.named.get(&NameAndType(name, value_type as u8)).copied().unwrap_or(NONE)
            }
        };
        if column == NONE { self.add_field_column(field, value_type) } else { column }
    }

    #[cold]
    fn add_field_column(&mut self, field: FieldRef<'_>, value_type: ValueType) -> ColumnIndex {
        let key = field.to_key();
        let indexed = self.options.indexed.contains(&key);
        let column = self.add_column(Some(key), value_type, indexed);
        match field {
            FieldRef::Known(known) => self.known[known.code() as usize][value_type as usize] = column,
            FieldRef::Named(name) => drop(self.named.insert((name.into(), value_type as u8), column)),
        }
        column
    }

    fn add_column(&mut self, key: Option<FieldKey>, value_type: ValueType, indexed: bool) -> ColumnIndex {
        assert!(self.columns.len() < SEGMENT_COLUMNS_MAX, "a full builder was given another event");
        let texts = (indexed || value_type == ValueType::Str).then(Interner::default);
        self.columns.push(Column { key, value_type, texts, indexed });
        (self.columns.len() - 1) as ColumnIndex
    }

    #[inline(always)]
    fn cell_of(&mut self, column: ColumnIndex, value: ValueRef<'_>) -> u64 {
        let column = &mut self.columns[column as usize];
        if let Some(texts) = &mut column.texts {
            if let ValueRef::Str(text) = value {
                return u64::from(texts.intern(text.as_bytes()));
            }
            self.printed.clear();
            print_value(value, &mut self.printed);
            return u64::from(texts.intern(&self.printed));
        }
        match value {
            ValueRef::Bool(value) => u64::from(value),
            ValueRef::I64(value) => value as u64,
            ValueRef::F64(value) => value.to_bits(),
            ValueRef::Decimal(value) => decimals::to_cell(value, &mut self.wide) as u64,
            ValueRef::Str(_) => unreachable!("columns of text have an interner"),
        }
    }

    #[inline]
    fn layout_of(&mut self, key: u64, level: u8, event: u64) -> Result<usize, RecordError> {
        let event = if self.layouts.len() < LAYOUTS_BY_EVENT_MAX { event } else { NO_EVENT };
        let hash = (key ^ event).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let hash = hash ^ hash >> 32;
        let (layouts, columns) = (&self.layouts, &self.row_columns);
        let known = self.layout_codes.find(hash, |layout| {
            let layout = &layouts[*layout as usize];
            layout.level == level && layout.event == event && *layout.columns == **columns
        });
        match known {
            Some(layout) => Ok(*layout as usize),
            None => self.add_layout(hash, level, event),
        }
    }

    #[cold]
    fn add_layout(&mut self, hash: u64, level: u8, event: u64) -> Result<usize, RecordError> {
        // Two columns of one field, of different types, are one field given twice as well.
        let mut keys: Vec<_> = self.row_columns.iter().map(|c| &self.columns[*c as usize].key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(RecordError("a field is given twice"));
        }
        let layout = self.layouts.len();
        self.shapes_bytes += size_of::<Layout>() + self.row_columns.len() * size_of::<ColumnIndex>();
        self.layouts.push(Layout {
            level,
            event,
            columns: self.row_columns.as_slice().into(),
            templates: vec![],
            misses: 0,
            bare: None,
            whole: None,
        });
        // Layouts are few; hashing all of them anew when the table grows is simpler than keeping hashes.
        self.layout_codes
            .insert_unique(hash, layout as u32, |code| layout_hash(&self.layouts[*code as usize]));
        Ok(layout)
    }

    fn shape_with_message(&mut self, layout: usize, cells_at: usize, message: &str) -> u32 {
        let mut variables = std::mem::take(&mut self.variables);
        let mut found = None;
        {
            let known = &self.layouts[layout];
            let field = |column: ColumnIndex| match known.columns.iter().position(|own| *own == column) {
                Some(position) => self.printed_value(column, self.cells[cells_at + position]),
                None => Printed::Other,
            };
            for (index, (template, shape)) in known.templates.iter().enumerate() {
                if apply(&self.templates[*template as usize], message.as_bytes(), field, &mut variables) {
                    found = Some((index, *template, *shape));
                    break;
                }
            }
        }
        let shape = match found {
            None => self.shape_of_new_message(layout, cells_at, message),
            Some((index, template, shape)) => {
                if index > 0 {
                    self.layouts[layout].templates.swap(0, index);
                }
                self.push_variables(template, &variables, message);
                shape
            }
        };
        self.variables = variables;
        shape
    }

    fn push_variables(&mut self, template: u32, variables: &[Variable], message: &str) {
        if variables.is_empty() {
            return;
        }
        let own = self.templates[template as usize].iter().filter_map(own_column);
        for (variable, column) in variables.iter().zip(own) {
            let cell = match variable {
                Variable::Whole(number) => *number as u64,
                Variable::Decimal(cell) => *cell as u64,
                Variable::Word(at, length) => {
                    let word = &message.as_bytes()[*at as usize..][..*length as usize];
                    let texts = &mut self.columns[column as usize].texts;
                    u64::from(texts.as_mut().expect("columns of words have an interner").intern(word))
                }
            };
            self.cells.push(cell);
        }
    }

    #[inline]
    fn printed_value(&self, column: ColumnIndex, cell: u64) -> Printed<'_> {
        let column = &self.columns[column as usize];
        match (&column.texts, column.value_type) {
            (Some(texts), _) => Printed::Text(texts.get(cell as u32)),
            (None, ValueType::I64) => Printed::Whole(cell as i64),
            (None, ValueType::Decimal) if decimals::is_narrow(cell as i64) => Printed::Decimal(cell as i64),
            _ => Printed::Other,
        }
    }

    /// Learns a template, or keeps the message whole.
    #[cold]
    fn shape_of_new_message(&mut self, layout: usize, cells_at: usize, message: &str) -> u32 {
        let known = &mut self.layouts[layout];
        known.misses += 1;
        let learning = known.misses <= LEARNT_MESSAGES_MAX
            && known.templates.len() < LAYOUT_TEMPLATES_MAX
            && self.templates.len() < TEMPLATES_MAX;
        if learning {
            let known = &self.layouts[layout];
            let fields = known.columns.iter().enumerate();
            let fields =
                fields.map(|(at, column)| (*column, self.printed_value(*column, self.cells[cells_at + at])));
            if let Some(parts) = learn(message.as_bytes(), fields) {
                let template = self.template_of(parts);
                let own: Vec<_> = self.templates[template as usize].iter().filter_map(own_column).collect();
                // Taken apart again for the values of its own columns.
                let mut variables = Vec::new();
                let known = &self.layouts[layout];
                let field = |column: ColumnIndex| match known.columns.iter().position(|own| *own == column) {
                    Some(position) => self.printed_value(column, self.cells[cells_at + position]),
                    None => Printed::Other,
                };
                let parts = &self.templates[template as usize];
                let fits = apply(parts, message.as_bytes(), field, &mut variables);
                if fits && !known.templates.iter().any(|(other, _)| *other == template) {
                    self.push_variables(template, &variables, message);
                    let shape = self.add_shape(layout, Some(template), &own, cells_at);
                    self.layouts[layout].templates.insert(0, (template, shape));
                    return shape;
                }
            }
        }
        let column = self.column_of(FieldRef::Known(Field::MESSAGE), ValueType::Str);
        let cell = self.cell_of(column, ValueRef::Str(message));
        self.cells.push(cell);
        if let Some(shape) = self.layouts[layout].whole {
            return shape;
        }
        let shape = self.add_shape(layout, None, &[column], cells_at);
        self.layouts[layout].whole = Some(shape);
        shape
    }

    /// The template of these parts, its own columns given to it; one that is known already if there is.
    fn template_of(&mut self, mut parts: Vec<Part>) -> u32 {
        let same = |known: &Vec<Part>| {
            known.len() == parts.len()
                && known.iter().zip(&parts).all(|(a, b)| without_column(a) == without_column(b))
        };
        if let Some(known) = self.templates.iter().position(same) {
            return known as u32;
        }
        for part in &mut parts {
            let value_type = match part {
                Part::Literal(_) | Part::Field(_) => continue,
                Part::Whole(_) | Part::Padded(..) => ValueType::I64,
                Part::Decimal(_) => ValueType::Decimal,
                Part::Word(_) => ValueType::Str,
            };
            let column = self.add_column(None, value_type, false);
            match part {
                Part::Whole(own) | Part::Padded(_, own) | Part::Decimal(own) | Part::Word(own) => {
                    *own = column
                }
                Part::Literal(_) | Part::Field(_) => {}
            }
        }
        self.templates.push(parts);
        (self.templates.len() - 1) as u32
    }

    fn add_shape(
        &mut self,
        layout: usize,
        template: Option<u32>,
        more: &[ColumnIndex],
        cells_at: usize,
    ) -> u32 {
        let layout = &self.layouts[layout];
        let columns: Box<[ColumnIndex]> = layout.columns.iter().chain(more).copied().collect();
        let first: Box<[u64]> = self.cells[cells_at..].into();
        assert_eq!(columns.len(), first.len(), "a shape has a column for each cell");
        let varies = vec![false; columns.len()].into();
        self.shapes_bytes += size_of::<Shape>() + columns.len() * (size_of::<ColumnIndex>() + 8 + 1);
        self.shapes.push(Shape { level: layout.level, template, columns, first, varies, rows: 0 });
        (self.shapes.len() - 1) as u32
    }
}

/// Notes which cells of a row differ from the first row's.
#[inline]
fn note_varying(shape: &mut Shape, cells: &[u64]) {
    shape.rows += 1;
    for ((varies, first), cell) in shape.varies.iter_mut().zip(&shape.first).zip(cells) {
        *varies |= first != cell;
    }
}

fn layout_hash(layout: &Layout) -> u64 {
    let key = layout.columns.iter().fold(u64::from(layout.level), |key, column| {
        (key.rotate_left(5) ^ u64::from(*column)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    let hash = (key ^ layout.event).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ hash >> 32
}

fn own_column(part: &Part) -> Option<ColumnIndex> {
    match part {
        Part::Literal(_) | Part::Field(_) => None,
        Part::Whole(column) | Part::Padded(_, column) | Part::Decimal(column) | Part::Word(column) => {
            Some(*column)
        }
    }
}

fn without_column(part: &Part) -> Part {
    match part {
        Part::Whole(_) => Part::Whole(0),
        Part::Padded(width, _) => Part::Padded(*width, 0),
        Part::Decimal(_) => Part::Decimal(0),
        Part::Word(_) => Part::Word(0),
        part => part.clone(),
    }
}

/// Appends a value as it prints.
pub(super) fn print_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    use std::io::Write;
    match value {
        ValueRef::Str(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::I64(value) => write_whole(value, out),
        ValueRef::Decimal(value) => write_exact(value, out),
        ValueRef::Bool(_) | ValueRef::F64(_) => {
            write!(out, "{value}").expect("writing to memory does not fail");
        }
    }
}

/// A key of the map of dynamic columns, borrowed.
#[derive(Hash, PartialEq, Eq)]
struct NameAndType<'n>(&'n str, u8);

impl hashbrown::Equivalent<(Box<str>, u8)> for NameAndType<'_> {
    fn equivalent(&self, key: &(Box<str>, u8)) -> bool {
        self.0 == &*key.0 && self.1 == key.1
    }
}
