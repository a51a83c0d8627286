//! A condition over the blocks of one segment. What the segment's columns, zones and dictionaries decide is decided
//! once for the segment or the block; a test of text is asked once per distinct text; numbers are compared as the
//! whole numbers they are stored as.

use std::collections::HashMap;
use std::sync::Arc;

use blotter_engine::event::{Level, Value};
use blotter_engine::segment::{ColumnId, ColumnVector, Decimals, Presence, ShapeValue, Texts, Values};
use rust_decimal::Decimal;

use super::columns::{Block, BlockColumn, Place, SegmentColumns, vector_value};
use super::messages::{self, Asked, Outcome};
use super::ranges::{NumberTest, said_by, time_range};
use super::row_set::RowSet;
use crate::cells::Slot;
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::plan::scalar::{Condition, Test};

/// A condition, bound to a segment.
pub(crate) struct SegmentFilter {
    node: Node,
}

enum Node {
    /// The same for all rows of the segment.
    Same(bool),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    /// A test of a column that some rows have.
    Column(Box<ColumnTest>),
    /// What has to be worked out row by row, from these slots.
    Rows {
        condition: Box<Condition>,
        slots: Vec<Slot>,
    },
}

struct ColumnTest {
    slot: Slot,
    test: Test,
    numbers: Option<NumberTest>,
    /// What is known of the texts of each dictionary met.
    answers: Vec<(Arc<Texts>, Vec<Answer>)>,
    /// What is known of the messages of each shape met.
    messages: HashMap<u32, Outcome>,
    asked: Asked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

impl SegmentFilter {
    /// Binds a condition to a segment.
    pub(crate) fn new(condition: &Condition, columns: &SegmentColumns) -> SegmentFilter {
        SegmentFilter { node: bind(condition, columns) }
    }

    /// Whether every row matches, or none does, by the columns alone.
    pub(crate) fn constant(&self) -> Option<bool> {
        match self.node {
            Node::Same(value) => Some(value),
            _ => None,
        }
    }

    /// The rows of a block that match.
    ///
    /// # Errors
    /// Damage; what evaluating an expression gives.
    pub(crate) fn rows_of(&mut self, block: &Block) -> Result<RowSet> {
        evaluate(&mut self.node, block, None)
    }
}

fn bind(condition: &Condition, columns: &SegmentColumns) -> Node {
    match condition {
        Condition::Always => Node::Same(true),
        Condition::Never => Node::Same(false),
        Condition::All(parts) => {
            let mut nodes = Vec::with_capacity(parts.len());
            for part in parts {
                match bind(part, columns) {
                    Node::Same(false) => return Node::Same(false),
                    Node::Same(true) => {}
                    node => nodes.push(node),
                }
            }
            // Cheap ones first, so that what is dear is asked of few rows.
            nodes.sort_by_key(Node::cost);
            one_or(nodes, Node::All, true)
        }
        Condition::Any(parts) => {
            let mut nodes = Vec::with_capacity(parts.len());
            for part in parts {
                match bind(part, columns) {
                    Node::Same(true) => return Node::Same(true),
                    Node::Same(false) => {}
                    node => nodes.push(node),
                }
            }
            one_or(nodes, Node::Any, false)
        }
        Condition::Not(part) => match bind(part, columns) {
            Node::Same(value) => Node::Same(!value),
            node => Node::Not(Box::new(node)),
        },
        Condition::Column { slot, test } => match columns.place(*slot) {
            Place::Nowhere => Node::Same(test.passes(DatumRef::Null)),
            Place::Category => Node::Same(test.passes(DatumRef::Category(columns.category))),
            Place::Fixed(_) | Place::Fields(_) => {
                Node::Column(Box::new(ColumnTest::new(*slot, test.clone())))
            }
        },
        Condition::Computed { .. } | Condition::Relation { .. } => {
            Node::Rows { condition: Box::new(condition.clone()), slots: condition.slots() }
        }
    }
}

fn one_or(mut nodes: Vec<Node>, make: fn(Vec<Node>) -> Node, none: bool) -> Node {
    match nodes.len() {
        0 => Node::Same(none),
        1 => nodes.remove(0),
        _ => make(nodes),
    }
}

impl Node {
    fn cost(&self) -> u32 {
        match self {
            Node::Same(_) => 0,
            // Messages are put together from other columns.
            Node::Column(column) if column.slot == Slot::MESSAGE => 3,
            Node::Column(_) => 1,
            Node::All(_) | Node::Any(_) | Node::Not(_) => 2,
            Node::Rows { .. } => 4,
        }
    }
}

/// The rows of the block that match, of those `asked` for if any are named; others may be in the result or not.
fn evaluate(node: &mut Node, block: &Block, asked: Option<&RowSet>) -> Result<RowSet> {
    match node {
        Node::Same(true) => Ok(RowSet::all(block.rows)),
        Node::Same(false) => Ok(RowSet::none(block.rows)),
        Node::All(parts) => {
            let mut rows = asked.cloned().unwrap_or_else(|| RowSet::all(block.rows));
            for part in parts {
                if rows.is_empty() {
                    break;
                }
                let matching = evaluate(part, block, Some(&rows))?;
                rows.intersect(&matching);
            }
            Ok(rows)
        }
        Node::Any(parts) => {
            let mut rows = RowSet::none(block.rows);
            for part in parts {
                rows.unite(&evaluate(part, block, asked)?);
            }
            Ok(rows)
        }
        Node::Not(part) => {
            let mut rows = evaluate(part, block, asked)?;
            rows.invert();
            Ok(rows)
        }
        Node::Column(column) => column.rows_of(block),
        Node::Rows { condition, slots } => {
            block.prepare(slots)?;
            let mut rows = RowSet::none(block.rows);
            let mut candidates = Vec::new();
            asked.unwrap_or(&RowSet::all(block.rows)).list(&mut candidates);
            for row in candidates {
                if condition.holds(&block.row(row as usize))? {
                    rows.insert(row as usize);
                }
            }
            Ok(rows)
        }
    }
}

impl ColumnTest {
    fn new(slot: Slot, test: Test) -> ColumnTest {
        let numbers = NumberTest::of(&test);
        ColumnTest { slot, test, numbers, answers: Vec::new(), messages: HashMap::new(), asked: Vec::new() }
    }

    fn rows_of(&mut self, block: &Block) -> Result<RowSet> {
        let presence_only = matches!(self.test, Test::Exists | Test::Missing);
        if !presence_only && let Some(same) = self.by_zone(block)? {
            return Ok(if same { RowSet::all(block.rows) } else { RowSet::none(block.rows) });
        }
        if let Some(rows) = self.by_shape(block)? {
            return Ok(rows);
        }
        if self.slot == Slot::MESSAGE
            && let Some(rows) = self.by_message(block)?
        {
            return Ok(rows);
        }
        let column = block.column(self.slot)?;
        let mut rows = RowSet::none(block.rows);
        match column {
            BlockColumn::Missing => {}
            BlockColumn::Constant(datum) => {
                if self.test.passes(datum.borrow()) {
                    rows = RowSet::all(block.rows);
                }
                return Ok(rows);
            }
            BlockColumn::Fixed(Slot::TS, ColumnVector { values: Values::I64(times), .. }) => {
                let passes = |time: i64| DatumRef::Time(blotter_engine::event::Timestamp(time));
                return Ok(match time_range(&self.test) {
                    Some(range) => RowSet::from_fn(block.rows, |row| range.contains(&times[row])),
                    None => RowSet::from_fn(block.rows, |row| self.test.passes(passes(times[row]))),
                });
            }
            BlockColumn::Fixed(Slot::LEVEL, ColumnVector { values: Values::U64(codes), .. }) => {
                let passes = Level::ALL.map(|level| self.test.passes(DatumRef::Level(level)));
                return Ok(RowSet::from_fn(block.rows, |row| passes[codes[row] as usize]));
            }
            BlockColumn::Fixed(..) => {
                return Ok(RowSet::from_fn(block.rows, |row| self.test.passes(column.get(row))));
            }
            BlockColumn::Fields(vectors) => {
                for vector in vectors {
                    let matching = self.rows_of_vector(vector, block.rows);
                    rows.unite(&matching);
                }
            }
        }
        if matches!(self.test, Test::Missing) {
            rows.invert();
        }
        Ok(rows)
    }

    /// The rows, if what rows of a shape share says it for all of them: no column has to be decoded then.
    fn by_shape(&self, block: &Block) -> Result<Option<RowSet>> {
        let Place::Fields(columns) = block.columns.place(self.slot) else { return Ok(None) };
        let shapes = block.shapes()?;
        let mut passes: Vec<bool> = Vec::new();
        for column in columns {
            let values = block.columns.segment.shape_values(shapes, *column)?;
            passes.resize(values.len(), false);
            for (passes, value) in passes.iter_mut().zip(values) {
                *passes |= match (&self.test, value) {
                    (_, ShapeValue::Absent) => false,
                    (Test::Exists | Test::Missing, _) => true,
                    (test, ShapeValue::Shared(value)) => test.passes(DatumRef::from(value.borrow())),
                    (_, ShapeValue::Each) => return Ok(None),
                };
            }
        }
        let mut rows = RowSet::from_words(&shapes.rows_of(&passes), block.rows);
        if matches!(self.test, Test::Missing) {
            rows.invert();
        }
        Ok(Some(rows))
    }

    /// The rows, where the messages of some shapes need not be put together; `None` if those of all have to be.
    fn by_message(&mut self, block: &Block) -> Result<Option<RowSet>> {
        let (segment, shapes) = (&block.columns.segment, block.shapes()?);
        let mut outcomes = Vec::with_capacity(shapes.listed().len());
        for shape in shapes.listed() {
            let outcome = match self.messages.get(shape) {
                Some(outcome) => *outcome,
                None => {
                    let outcome = match segment.message_parts(*shape)? {
                        Some(parts) => messages::outcome(&self.test, parts, &mut self.asked),
                        None => Outcome::Unknown,
                    };
                    self.messages.insert(*shape, outcome);
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        let is = |wanted| outcomes.iter().map(|outcome| *outcome == wanted).collect::<Vec<bool>>();
        let unknown = is(Outcome::Unknown);
        if unknown.iter().all(|unknown| *unknown) {
            return Ok(None);
        }
        let mut rows = RowSet::from_words(&shapes.rows_of(&is(Outcome::Always)), block.rows);
        if unknown.contains(&true) {
            let vector = segment.decode_messages_of(shapes, &unknown)?;
            rows.unite(&self.rows_of_vector(&vector, block.rows));
        }
        Ok(Some(rows))
    }

    /// Rows that are present and pass; for `Missing`, those that are present.
    fn rows_of_vector(&mut self, vector: &ColumnVector, len: usize) -> RowSet {
        let present = match &vector.presence {
            Presence::All => RowSet::all(len),
            Presence::None => return RowSet::none(len),
            Presence::Some(words) => RowSet::from_words(words, len),
        };
        if matches!(self.test, Test::Exists | Test::Missing) {
            return present;
        }
        let test = &self.test;
        let mut rows = match &vector.values {
            // A vector of texts that are each there once, as messages are, would be remembered in vain.
            Values::Str { codes, texts } if texts.len() >= len => RowSet::from_fn(len, |row| {
                present.contains(row) && test.passes(DatumRef::Str(texts.get(codes[row])))
            }),
            Values::Str { codes, texts } => {
                let answers = answers_for(&mut self.answers, texts);
                RowSet::from_fn(len, |row| {
                    present.contains(row) && answer(answers, codes[row], texts, test) == Answer::Yes
                })
            }
            Values::I64(values) => match self.numbers.as_ref().and_then(|numbers| numbers.at_scale(0)) {
                Some(numbers) => numbers.rows_of(values),
                None => by_row(vector, len, &present, test),
            },
            Values::Decimal(Decimals::Scaled { mantissas, scale, .. }) => {
                match self.numbers.as_ref().and_then(|numbers| numbers.at_scale(*scale)) {
                    Some(numbers) => numbers.rows_of(mantissas),
                    None => by_row(vector, len, &present, test),
                }
            }
            _ => by_row(vector, len, &present, test),
        };
        rows.intersect(&present);
        rows
    }

    /// What the bounds of the column in the block say of all rows, if they say it.
    fn by_zone(&self, block: &Block) -> Result<Option<bool>> {
        let segment = &block.columns.segment;
        let (id, vectors) = match block.columns.place(self.slot) {
            Place::Fixed(id @ (ColumnId::Ts | ColumnId::Seq)) => (*id, 1),
            Place::Fields(columns) => (ColumnId::Field(columns[0]), columns.len()),
            _ => return Ok(None),
        };
        if vectors > 1 {
            return Ok(None);
        }
        let zone = segment.zone(block.number, id)?;
        if zone.nulls as usize == block.rows {
            return Ok(Some(false));
        }
        let (Some(least), Some(greatest)) = (zone.min, zone.max) else { return Ok(None) };
        if id == ColumnId::Ts {
            let (Value::I64(least), Value::I64(greatest)) = (least, greatest) else { return Ok(None) };
            let Some(range) = time_range(&self.test) else { return Ok(None) };
            return Ok(said_by(&range, least, greatest, true));
        }
        if least == greatest && zone.nulls == 0 && !matches!(least, Value::F64(_)) {
            // One value for all.
            return Ok(Some(self.test.passes(Datum::from(least).borrow())));
        }
        let Some(numbers) = &self.numbers else { return Ok(None) };
        let (Some(least), Some(greatest)) = (exact(&least), exact(&greatest)) else { return Ok(None) };
        Ok(numbers.said_by(least, greatest, zone.nulls == 0))
    }
}

fn exact(value: &Value) -> Option<Decimal> {
    match value {
        Value::I64(value) => Some(Decimal::from(*value)),
        Value::Decimal(value) => Some(*value),
        _ => None,
    }
}

fn by_row(vector: &ColumnVector, len: usize, present: &RowSet, test: &Test) -> RowSet {
    RowSet::from_fn(len, |row| present.contains(row) && test.passes(vector_value(vector, row)))
}

/// The place to remember what is known of the texts.
fn answers_for<'a>(known: &'a mut Vec<(Arc<Texts>, Vec<Answer>)>, texts: &Arc<Texts>) -> &'a mut [Answer] {
    // Holding on to the dictionary keeps another from taking its address.
    let at = known.iter().position(|(known, _)| Arc::ptr_eq(known, texts)).unwrap_or_else(|| {
        known.push((Arc::clone(texts), vec![Answer::Unknown; texts.len()]));
        known.len() - 1
    });
    &mut known[at].1
}

#[inline]
fn answer(answers: &mut [Answer], code: u32, texts: &Texts, test: &Test) -> Answer {
    let answer = &mut answers[code as usize];
    if *answer == Answer::Unknown {
        *answer = if test.passes(DatumRef::Str(texts.get(code))) { Answer::Yes } else { Answer::No };
    }
    *answer
}
