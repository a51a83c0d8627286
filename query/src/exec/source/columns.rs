//! The columns of a segment by slot, and the values of one block of them, decoded when first asked.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use blotter_engine::event::{Category, FieldKey, Level, Timestamp};
use blotter_engine::segment::{
    BlockShapes, ColumnId, ColumnVector, Presence, Projection, Segment, Texts, Values,
};
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
    /// Those of the fields that are not well known.
    named: Vec<(Box<str>, Slot)>,
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
        let mut named = Vec::new();
        for (index, info) in segment.columns().iter().enumerate() {
            let slot = names.slot_of(&info.key);
            if places.len() <= slot.index() {
                places.resize(slot.index() + 1, Place::Nowhere);
            }
            match &mut places[slot.index()] {
                Place::Fields(columns) => columns.push(index as u32),
                place => {
                    *place = Place::Fields(vec![index as u32]);
                    fields.push(slot);
                    if let FieldKey::Named(name) = &info.key {
                        named.push((name.clone(), slot));
                    }
                }
            }
        }
        SegmentColumns { segment, category, places, fields, named, texts: Mutex::default() }
    }

    pub(crate) fn place(&self, slot: Slot) -> &Place {
        self.places.get(slot.index()).unwrap_or(&Place::Nowhere)
    }

    /// The slots of its fields, fixed ones excluded.
    pub(crate) fn fields(&self) -> &[Slot] {
        &self.fields
    }

    /// The slot of a field of the segment.
    fn slot_of(&self, key: &FieldKey) -> Slot {
        match key {
            FieldKey::Known(field) => Slot::of_field(*field),
            FieldKey::Named(name) => {
                let place = self.named.iter().find(|(known, _)| known == name);
                place.expect("an event of a segment has fields of its columns").1
            }
        }
    }

    /// What is read of a row of which these slots are wanted; all if none are named.
    pub(crate) fn projection(&self, wanted: Option<&[Slot]>) -> Projection {
        let Some(slots) = wanted else { return Projection::all() };
        let keys = self.segment.columns().iter().map(|info| &info.key);
        Projection::fields(keys.filter(|key| slots.contains(&self.slot_of(key))).cloned())
    }

    /// A row, read alone: its time, its seq, and its values of the slots wanted, or all. `projection` is that of the
    /// slots wanted.
    ///
    /// # Errors
    /// Damage.
    pub(crate) fn row(
        &self,
        row: u32,
        wanted: Option<&[Slot]>,
        projection: &Projection,
    ) -> Result<(i64, u64, Cells)> {
        let event = self.segment.event(row, projection)?;
        let fixed = |slot: Slot| {
            Some(match slot {
                Slot::TS => Datum::Time(event.ts),
                Slot::SEQ => whole(event.seq.0).to_datum(),
                Slot::PRODUCER => Datum::Int(i64::from(event.producer.0)),
                Slot::PSEQ => whole(event.pseq).to_datum(),
                Slot::CATEGORY => Datum::Category(event.category),
                Slot::LEVEL => Datum::Level(event.level),
                _ => return None,
            })
        };
        let mut cells = Cells::with_capacity(ALWAYS.len() + event.fields.len());
        match wanted {
            None => {
                let always = ALWAYS.into_iter().filter_map(|slot| Some((slot, fixed(slot)?)));
                always.for_each(|(slot, datum)| cells.push(slot, datum));
                for (key, value) in event.fields {
                    cells.push(self.slot_of(&key), value.into());
                }
            }
            Some(slots) => {
                let fields = event.fields.into_iter().map(|(key, value)| (self.slot_of(&key), value.into()));
                let mut fields: Vec<(Slot, Datum)> = fields.collect();
                for slot in slots {
                    let field = || {
                        let at = fields.iter().position(|(known, _)| known == slot)?;
                        Some(fields.swap_remove(at).1)
                    };
                    if let Some(datum) = fixed(*slot).or_else(field) {
                        cells.push(*slot, datum);
                    }
                }
            }
        }
        Ok((event.ts.nanos(), event.seq.0, cells))
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
