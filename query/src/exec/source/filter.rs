//! A condition over the blocks of one segment. What the segment's columns, zones and dictionaries decide is decided
//! once for the segment or the block; a test of text is asked once per distinct text; numbers are compared as the
//! whole numbers they are stored as.

use std::ops::RangeInclusive;
use std::sync::Arc;

use blotter_engine::event::{Level, Value};
use blotter_engine::segment::{ColumnId, ColumnVector, Decimals, Presence, ShapeValue, Texts, Values};
use rust_decimal::Decimal;

use super::columns::{Block, BlockColumn, Place, SegmentColumns, vector_value};
use super::row_set::RowSet;
use crate::cells::Slot;
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::plan::scalar::{Comparand, Condition, Test};
use crate::syntax::ast::CompareOp;

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
                let numbers = NumberTest::of(test);
                let test = test.clone();
                Node::Column(Box::new(ColumnTest { slot: *slot, test, numbers, answers: Vec::new() }))
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
    fn rows_of(&mut self, block: &Block) -> Result<RowSet> {
        let presence_only = matches!(self.test, Test::Exists | Test::Missing);
        if !presence_only && let Some(same) = self.by_zone(block)? {
            return Ok(if same { RowSet::all(block.rows) } else { RowSet::none(block.rows) });
        }
        if let Some(rows) = self.by_shape(block)? {
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
        let places = shapes.places();
        let mut rows = match (places.is_empty(), passes.first()) {
            (true, Some(true)) => RowSet::all(block.rows),
            (true, _) => RowSet::none(block.rows),
            (false, _) => RowSet::from_fn(block.rows, |row| passes[places[row] as usize]),
        };
        if matches!(self.test, Test::Missing) {
            rows.invert();
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

/// The times that a test asks for, if it asks for a stretch of them.
pub(crate) fn time_range(test: &Test) -> Option<RangeInclusive<i64>> {
    let time = |value: &Comparand| value.time.map(|time| time.nanos());
    const NONE: RangeInclusive<i64> = RangeInclusive::new(i64::MAX, i64::MIN);
    match test {
        Test::Compare { op, value } => {
            let time = time(value)?;
            Some(match op {
                CompareOp::Equal => time..=time,
                CompareOp::NotEqual => return None,
                CompareOp::Less => time.checked_sub(1).map_or(NONE, |last| i64::MIN..=last),
                CompareOp::LessOrEqual => i64::MIN..=time,
                CompareOp::Greater => time.checked_add(1).map_or(NONE, |first| first..=i64::MAX),
                CompareOp::GreaterOrEqual => time..=i64::MAX,
            })
        }
        Test::Between { low, high } => Some(time(low)?..=time(high)?),
        _ => None,
    }
}

/// The whole numbers that a test asks for, if it asks for a stretch of them.
pub(crate) fn number_range(test: &Test) -> Option<RangeInclusive<i64>> {
    let whole = NumberTest::of(test)?.at_scale(0)?;
    (!whole.negated).then_some(whole.range)
}

/// A test of numbers as bounds: whether a number lies within them, or, negated, outside.
#[derive(Clone, Debug)]
struct NumberTest {
    /// The bound, and whether it is within.
    low: Option<(Decimal, bool)>,
    high: Option<(Decimal, bool)>,
    negated: bool,
}

impl NumberTest {
    /// The bounds of a test, if it is one of numbers.
    fn of(test: &Test) -> Option<NumberTest> {
        let (low, high, negated) = match test {
            Test::Compare { op, value } => {
                let number = value.number?;
                match op {
                    CompareOp::Equal => (Some((number, true)), Some((number, true)), false),
                    CompareOp::NotEqual => (Some((number, true)), Some((number, true)), true),
                    CompareOp::Less => (None, Some((number, false)), false),
                    CompareOp::LessOrEqual => (None, Some((number, true)), false),
                    CompareOp::Greater => (Some((number, false)), None, false),
                    CompareOp::GreaterOrEqual => (Some((number, true)), None, false),
                }
            }
            Test::Between { low, high } => (Some((low.number?, true)), Some((high.number?, true)), false),
            _ => return None,
        };
        Some(NumberTest { low, high, negated })
    }

    /// The bounds among numbers that count units of 10 to the power of minus `scale`; `None` if one is out of range.
    fn at_scale(&self, scale: u32) -> Option<WholeTest> {
        let unit = 10i128.checked_pow(scale)?;
        let whole = |bound: Decimal, up: bool| -> Option<i128> {
            let divisor = 10i128.pow(bound.scale());
            let scaled = bound.mantissa().checked_mul(unit)?;
            let floor = scaled.div_euclid(divisor);
            Some(if up && scaled.rem_euclid(divisor) != 0 { floor + 1 } else { floor })
        };
        let is_whole = |bound: Decimal| -> Option<bool> {
            Some(bound.mantissa().checked_mul(unit)?.rem_euclid(10i128.pow(bound.scale())) == 0)
        };
        let first = match self.low {
            None => i128::MIN,
            Some((bound, within)) => whole(bound, true)? + i128::from(!within && is_whole(bound)?),
        };
        let last = match self.high {
            None => i128::MAX,
            Some((bound, within)) => whole(bound, false)? - i128::from(!within && is_whole(bound)?),
        };
        let range = if first > last || first > i128::from(i64::MAX) || last < i128::from(i64::MIN) {
            RangeInclusive::new(i64::MAX, i64::MIN)
        } else {
            first.max(i128::from(i64::MIN)) as i64..=last.min(i128::from(i64::MAX)) as i64
        };
        Some(WholeTest { range, negated: self.negated })
    }

    /// What bounds of the rows say: all pass, or none does. `complete`: all rows have the column.
    fn said_by(&self, least: Decimal, greatest: Decimal, complete: bool) -> Option<bool> {
        let above_low = |number: Decimal| match self.low {
            None => true,
            Some((bound, within)) => number > bound || within && number == bound,
        };
        let below_high = |number: Decimal| match self.high {
            None => true,
            Some((bound, within)) => number < bound || within && number == bound,
        };
        let all_within = above_low(least) && below_high(greatest);
        let none_within = !above_low(greatest) || !below_high(least);
        match (all_within, none_within, self.negated) {
            (true, _, false) | (_, true, true) if complete => Some(true),
            (_, true, false) | (true, _, true) => Some(false),
            _ => None,
        }
    }
}

/// As [`NumberTest`], of whole numbers.
#[derive(Clone, Debug, PartialEq)]
struct WholeTest {
    range: RangeInclusive<i64>,
    negated: bool,
}

impl WholeTest {
    fn rows_of(&self, values: &[i64]) -> RowSet {
        let (first, last) = (*self.range.start(), *self.range.end());
        let mut rows = RowSet::from_fn(values.len(), |row| values[row] >= first && values[row] <= last);
        if self.negated {
            rows.invert();
        }
        rows
    }
}

/// What bounds of the rows say of a range: all lie in it, or none does.
fn said_by(range: &RangeInclusive<i64>, least: i64, greatest: i64, complete: bool) -> Option<bool> {
    if complete && range.contains(&least) && range.contains(&greatest) {
        Some(true)
    } else if greatest < *range.start() || least > *range.end() {
        Some(false)
    } else {
        None
    }
}
