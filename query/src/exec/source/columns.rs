//! The columns of a segment by slot, and the values of one block of them, decoded when first asked.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use blotter_engine::event::{Category, FieldKey, Level, Timestamp};
use blotter_engine::segment::{BlockShapes, ColumnId, ColumnVector, Presence, Segment, Texts, Values};
use rust_decimal::Decimal;

use crate::cells::{Cells, Names, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;

/// Where a slot's values are in a segment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// Nowhere: no event has the field.
    Nowhere,
    /// The category, which all rows share.
    Category,
    /// What every row has.
    Fixed(ColumnId),
    /// Columns of one field, one per type; no row has two of them.
    Fields(Vec<u32>),
}

/// A segment, its columns by slot.
#[derive(Debug)]
pub(crate) struct SegmentColumns {
    pub(crate) segment: Arc<Segment>,
    pub(crate) category: Category,
    /// By slot; slots beyond are nowhere.
    places: Vec<Place>,
    /// The slots of its fields, in the order of its columns.
    fields: Vec<Slot>,
    by_key: HashMap<FieldKey, Slot>,
    /// Large dictionaries in use, so that they are unpacked once and not for each block.
    texts: Mutex<HashMap<u32, Arc<Texts>>>,
}

impl SegmentColumns {
    pub(crate) fn new(segment: Arc<Segment>, names: &Names) -> SegmentColumns {
        let category = Category::custom(&segment.meta().category)
            .expect("an open segment has a category that was registered when it was opened");
        let mut places = vec![Place::Nowhere; Slot::LEVEL.index() + 1];
        for (slot, column) in FIXED {
            places[slot.index()] = Place::Fixed(column);
        }
        places[Slot::CATEGORY.index()] = Place::Category;
        let mut fields = Vec::new();
        let mut by_key = HashMap::new();
        for (index, info) in segment.columns().iter().enumerate() {
            let slot = names.slot(info.key.name());
            if places.len() <= slot.index() {
                places.resize(slot.index() + 1, Place::Nowhere);
            }
            match &mut places[slot.index()] {
                Place::Fields(columns) => columns.push(index as u32),
                place => {
                    *place = Place::Fields(vec![index as u32]);
                    fields.push(slot);
                    by_key.insert(info.key.clone(), slot);
                }
            }
        }
        SegmentColumns { segment, category, places, fields, by_key, texts: Mutex::default() }
    }

    pub(crate) fn place(&self, slot: Slot) -> &Place {
        self.places.get(slot.index()).unwrap_or(&Place::Nowhere)
    }

    /// The slots of its fields, fixed ones excluded.
    pub(crate) fn fields(&self) -> &[Slot] {
        &self.fields
    }

    /// The slot of a field of the segment.
    pub(crate) fn slot_of(&self, key: &FieldKey) -> Option<Slot> {
        self.by_key.get(key).copied()
    }

    fn decode(&self, shapes: &BlockShapes, column: u32, slot: Slot) -> Result<ColumnVector> {
        let vector = self.segment.decode_in(shapes, ColumnId::Field(column))?;
        // Messages are put together for each block; other texts are of a dictionary of the whole segment.
        if let (Values::Str { texts, .. }, true) = (&vector.values, slot != Slot::MESSAGE) {
            let mut held = self.texts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            held.entry(column).or_insert_with(|| Arc::clone(texts));
        }
        Ok(vector)
    }

    fn slots(&self) -> usize {
        self.places.len()
    }
}

const FIXED: [(Slot, ColumnId); 5] = [
    (Slot::TS, ColumnId::Ts),
    (Slot::SEQ, ColumnId::Seq),
    (Slot::PRODUCER, ColumnId::Producer),
    (Slot::PSEQ, ColumnId::Pseq),
    (Slot::LEVEL, ColumnId::Level),
];

/// The values of a slot in a block.
#[derive(Debug)]
pub(crate) enum BlockColumn {
    /// No row has it.
    Missing,
    /// All rows have this.
    Constant(Datum),
    /// What every row has, by its kind.
    Fixed(Slot, ColumnVector),
    /// Vectors of one field; no row is present in two.
    Fields(Vec<ColumnVector>),
}

impl BlockColumn {
    /// The value of a row of the block.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> DatumRef<'_> {
        match self {
            BlockColumn::Missing => DatumRef::Null,
            BlockColumn::Constant(datum) => datum.borrow(),
            BlockColumn::Fixed(slot, vector) => fixed_value(*slot, vector, row),
            BlockColumn::Fields(vectors) => {
                let vector = vectors.iter().find(|vector| vector.presence.has(row));
                vector.map_or(DatumRef::Null, |vector| vector_value(vector, row))
            }
        }
    }
}

fn fixed_value(slot: Slot, vector: &ColumnVector, row: usize) -> DatumRef<'static> {
    match &vector.values {
        Values::I64(values) => DatumRef::Time(Timestamp(values[row])),
        Values::U64(values) if slot == Slot::LEVEL => {
            DatumRef::Level(Level::from_code(values[row] as u8).expect("a decoded level is one"))
        }
        Values::U64(values) => whole(values[row]),
        _ => unreachable!("what every row has is a time or a count"),
    }
}

/// A count as a value; above `i64::MAX`, which none reaches in the life of a database, a decimal.
pub(crate) fn whole(count: u64) -> DatumRef<'static> {
    i64::try_from(count).map_or_else(|_| DatumRef::Decimal(Decimal::from(count)), DatumRef::Int)
}

/// The value of a row that is present.
#[inline]
pub(crate) fn vector_value(vector: &ColumnVector, row: usize) -> DatumRef<'_> {
    match &vector.values {
        Values::Bool(values) => DatumRef::Bool(values[row]),
        Values::I64(values) => DatumRef::Int(values[row]),
        Values::U64(values) => whole(values[row]),
        Values::F64(values) => DatumRef::Float(values[row]),
        Values::Decimal(values) => DatumRef::Decimal(values.get(row)),
        Values::Str { codes, texts } => DatumRef::Str(texts.get(codes[row])),
    }
}

/// A block of a segment. Each slot is decoded once, when first asked.
pub(crate) struct Block {
    pub(crate) columns: Arc<SegmentColumns>,
    pub(crate) number: u32,
    pub(crate) rows: usize,
    shapes: OnceCell<BlockShapes>,
    decoded: Vec<OnceCell<BlockColumn>>,
}

impl Block {
    pub(crate) fn new(columns: &Arc<SegmentColumns>, number: u32) -> Block {
        let rows = columns.segment.block_rows(number).len();
        let mut decoded = Vec::new();
        decoded.resize_with(columns.slots(), OnceCell::new);
        Block { columns: Arc::clone(columns), number, rows, shapes: OnceCell::new(), decoded }
    }

    /// The shapes of its rows.
    ///
    /// # Errors
    /// Damage.
    pub(crate) fn shapes(&self) -> Result<&BlockShapes> {
        if let Some(shapes) = self.shapes.get() {
            return Ok(shapes);
        }
        let shapes = self.columns.segment.block_shapes(self.number)?;
        Ok(self.shapes.get_or_init(|| shapes))
    }

    /// The values of a slot.
    ///
    /// # Errors
    /// Damage.
    pub(crate) fn column(&self, slot: Slot) -> Result<&BlockColumn> {
        static MISSING: BlockColumn = BlockColumn::Missing;
        let Some(cell) = self.decoded.get(slot.index()) else { return Ok(&MISSING) };
        if let Some(column) = cell.get() {
            return Ok(column);
        }
        let column = self.decode(slot)?;
        Ok(cell.get_or_init(|| column))
    }

    fn decode(&self, slot: Slot) -> Result<BlockColumn> {
        let segment = &self.columns.segment;
        Ok(match self.columns.place(slot) {
            Place::Nowhere => BlockColumn::Missing,
            Place::Category => BlockColumn::Constant(Datum::Category(self.columns.category)),
            Place::Fixed(ColumnId::Level) => {
                let counts = segment.level_counts(self.number)?;
                match counts.iter().position(|count| *count as usize == self.rows) {
                    Some(level) => BlockColumn::Constant(Datum::Level(Level::ALL[level])),
                    None => BlockColumn::Fixed(slot, segment.decode_in(self.shapes()?, ColumnId::Level)?),
                }
            }
            Place::Fixed(column) => BlockColumn::Fixed(slot, segment.decode(self.number, *column)?),
            Place::Fields(columns) => {
                let mut vectors = Vec::with_capacity(columns.len());
                for column in columns {
                    let vector = self.columns.decode(self.shapes()?, *column, slot)?;
                    if vector.presence != Presence::None {
                        vectors.push(vector);
                    }
                }
                if vectors.is_empty() { BlockColumn::Missing } else { BlockColumn::Fields(vectors) }
            }
        })
    }

    /// The number of its first row in the segment.
    pub(crate) fn first_row(&self) -> u32 {
        self.columns.segment.block_rows(self.number).start
    }

    /// Whether any slot was decoded.
    pub(crate) fn is_decoded(&self) -> bool {
        self.decoded.iter().any(|column| column.get().is_some())
    }

    /// Event times of the rows.
    pub(crate) fn times(&self) -> Result<&[i64]> {
        match self.column(Slot::TS)? {
            BlockColumn::Fixed(_, ColumnVector { values: Values::I64(times), .. }) => Ok(times),
            _ => unreachable!("times are whole numbers"),
        }
    }

    /// Sequence numbers of the rows.
    pub(crate) fn seqs(&self) -> Result<&[u64]> {
        match self.column(Slot::SEQ)? {
            BlockColumn::Fixed(_, ColumnVector { values: Values::U64(seqs), .. }) => Ok(seqs),
            _ => unreachable!("sequence numbers are counts"),
        }
    }

    /// Decodes the slots, so that rows of the block can be asked for them.
    pub(crate) fn prepare(&self, slots: &[Slot]) -> Result<()> {
        slots.iter().try_for_each(|slot| self.column(*slot).map(drop))
    }

    /// A row whose slots are prepared.
    pub(crate) fn row(&self, row: usize) -> BlockRow<'_> {
        BlockRow { block: self, row }
    }

    /// The values of a row: of the slots wanted, or of all.
    pub(crate) fn cells(&self, row: usize, wanted: Option<&[Slot]>) -> Result<Cells> {
        let slots = wanted.unwrap_or(self.columns.fields());
        let mut cells = Cells::with_capacity(slots.len() + if wanted.is_none() { ALWAYS.len() } else { 0 });
        let always: &[Slot] = if wanted.is_none() { &ALWAYS } else { &[] };
        for slot in always.iter().chain(slots) {
            let datum = self.column(*slot)?.get(row);
            if !matches!(datum, DatumRef::Null) {
                cells.push(*slot, datum.to_datum());
            }
        }
        Ok(cells)
    }
}

/// What every event has, in the order in which it is given.
pub(crate) const ALWAYS: [Slot; 6] =
    [Slot::TS, Slot::SEQ, Slot::PRODUCER, Slot::PSEQ, Slot::CATEGORY, Slot::LEVEL];

/// A row of a block. Asked for a slot that was not prepared, it says there is nothing.
#[derive(Clone, Copy)]
pub(crate) struct BlockRow<'b> {
    block: &'b Block,
    row: usize,
}

impl crate::plan::Columns for BlockRow<'_> {
    #[inline]
    fn column(&self, slot: Slot) -> DatumRef<'_> {
        let decoded = self.block.decoded.get(slot.index()).and_then(OnceCell::get);
        decoded.map_or(DatumRef::Null, |column| column.get(self.row))
    }
}
