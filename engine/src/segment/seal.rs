//! From the builder's rows to the bytes of a segment: order, blocks, pages, dictionaries, postings, footer.

use super::bits::MINIBLOCK;
use super::builder::{Column, FinishedSegment, Row, SegmentBuilder, SegmentIdentity};
use super::decimals;
use super::dictionary;
use super::elapsed::{Elapsed, put_head};
use super::floats;
use super::followers::Follower;
use super::footer::{self, Cell, ColumnRef, Fixed, Footer, PagesRef, ShapeInfo};
use super::interner::Interner;
use super::ints;
use super::lookup::PostingsWriter;
use super::meta::{Route, RoutingFilter, SegmentMeta};
use super::pages::{Output, PageList};
use super::shapes::put_shape_page;
use super::template::{ColumnIndex, Part};
use super::wire::put_varint;
use crate::event::{Field, FieldKey, FieldRef, ValueType};

/// Not yet given a final number.
const UNSET: u32 = u32::MAX;
/// Fewer numbers of a block are not worth a look at what their rows' times tell.
const ELAPSED_NUMBERS_MIN: usize = 32;

/// A column on its way into the file.
pub(super) struct Sealing {
    /// Its index while building.
    pub(super) from: usize,
    /// The earlier column, by final index, whose codes it shares.
    pub(super) same_as: Option<usize>,
    /// The id whose prefix says its text.
    pub(super) follows: Option<Follower>,
    /// Values of the block under way.
    values: Vec<i64>,
    /// Their rows, for columns with postings.
    rows: Vec<u32>,
    pages: PageList,
    /// Final code of each of the interner's, and the other way round.
    codes: Vec<u32>,
    order: Vec<u32>,
    postings: Option<PostingsWriter>,
    /// Of a column that follows an id.
    table: Vec<u8>,
}

impl Sealing {
    /// Whether it has pages of its own.
    fn has_pages(&self) -> bool {
        self.same_as.is_none() && self.follows.is_none()
    }
}

/// Which cells of a shape's rows are stored, and where they go.
struct Scatter {
    /// Position among the row's cells, and final column.
    stored: Vec<(u32, u32)>,
}

impl SegmentBuilder {
    /// Sorts the rows by (`ts`, `seq`), encodes them, and gives the whole file.
    ///
    /// # Panics
    /// If there are no rows.
    pub fn finish(mut self, identity: SegmentIdentity) -> FinishedSegment {
        assert!(!self.rows.is_empty(), "a segment has at least one row");
        if !self.templates.is_empty() {
            // Where its messages are found, also if none is kept whole.
            self.column_of(FieldRef::Known(Field::MESSAGE), ValueType::Str);
        }
        self.rows.shrink_to_fit();
        sort_rows(&mut self.rows);
        let order = column_order(&self.columns);
        let mut final_index = vec![0; order.len()];
        for (index, from) in order.iter().enumerate() {
            final_index[*from] = index as u32;
        }
        let shape_order = self.shape_order();
        let mut shape_index = vec![0; shape_order.len()];
        for (index, shape) in shape_order.iter().enumerate() {
            shape_index[*shape as usize] = index as u32;
        }
        let mut sealing = self.sealing_columns(&order);
        self.find_same_codes(&mut sealing);
        if self.options.entropy_level.is_some() {
            self.find_followers(&mut sealing);
        }
        let scatters = self.scatters(&final_index, &sealing);

        let mut out = Output::new(self.options.entropy_level);
        out.bytes.extend(footer::header());
        let mut blocks = Blocks::default();
        for block in 0..self.rows.len().div_ceil(self.options.block_rows as usize) {
            self.seal_block(block, &shape_index, &scatters, &mut sealing, &mut blocks, &mut out);
        }

        for column in &mut sealing {
            if let Some(follows) = &column.follows {
                column.table = follows.table(&mut column.codes, &mut column.order);
            }
        }
        // Codes of values that whole shapes share are given last.
        let shapes = self.shape_infos(&shape_order, &final_index, &mut sealing);
        let mut columns = Vec::with_capacity(sealing.len());
        let (mut routes, mut keys): (Vec<Route>, Vec<(String, Vec<u64>)>) = (vec![], vec![]);
        for column in &mut sealing {
            let built = &self.columns[column.from];
            let mut place = ColumnRef::new(built.key.as_ref(), built.value_type, built.indexed);
            place.pages = match (column.same_as, &column.follows) {
                (Some(other), _) => PagesRef::Of(other as u32),
                (None, Some(follows)) => {
                    PagesRef::Prefix { id: follows.id, table: out.section(&column.table) }
                }
                (None, None) => PagesRef::Own(column.pages.write(&mut out)),
            };
            if let Some(texts) = &built.texts {
                place.dictionary =
                    Some(dictionary::write(&mut out, texts, &column.order, built.indexed, &self.options));
                if let (true, Some(key)) = (built.indexed, &built.key) {
                    add_route(&mut routes, &mut keys, key, texts, &column.order);
                }
            }
            if let Some(postings) = column.postings.take() {
                place.postings = Some(postings.write(&mut out, column.order.len()));
            }
            columns.push(place);
        }
        // A field without a route is one that was not indexed, so those that do not occur get an empty one.
        for field in &self.options.indexed {
            if !routes.iter().any(|route| route.field == field.name()) {
                routes.push(Route::new(field.name(), "", "", 0));
            }
        }
        let templates = self.templates_section(&final_index);
        let footer = Footer {
            meta: self.meta(&identity, routes),
            block_rows: self.options.block_rows,
            shapes: out.section(&shapes),
            templates: out.section(&templates),
            shape_pages: blocks.shapes.write(&mut out),
            ts: blocks.ts.write(&mut out),
            seq: blocks.seq.write(&mut out),
            producer: blocks.producer.write(&mut out),
            pseq: blocks.pseq.write(&mut out),
            indexed: self.options.indexed.iter().map(footer::code_and_name).collect(),
            columns,
        };
        let footer_crc = footer::finish(&mut out.bytes, &footer);
        let meta = SegmentMeta { file_bytes: out.bytes.len() as u64, footer_crc, ..footer.meta };
        keys.sort();
        let filters = keys.iter_mut().map(|(field, keys)| RoutingFilter::build(field, keys)).collect();
        FinishedSegment { bytes: out.bytes, meta, filters }
    }

    /// Shapes by number of rows, most first, so that frequent ones have small numbers.
    fn shape_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.shapes.len() as u32).collect();
        order.sort_by_key(|shape| std::cmp::Reverse(self.shapes[*shape as usize].rows));
        order
    }

    fn sealing_columns(&self, order: &[usize]) -> Vec<Sealing> {
        let sealing = |from: &usize| {
            let column = &self.columns[*from];
            let texts = column.texts.as_ref().map_or(0, Interner::len);
            Sealing {
                from: *from,
                same_as: None,
                follows: None,
                values: Vec::with_capacity(self.options.block_rows as usize),
                rows: vec![],
                pages: PageList::default(),
                codes: vec![UNSET; texts],
                order: Vec::with_capacity(texts),
                postings: (column.indexed && texts > 1).then(|| PostingsWriter::new(texts)),
                table: vec![],
            }
        };
        order.iter().map(sealing).collect()
    }

    /// Finds columns that have the same code wherever another has one, as order and correlation ids do.
    fn find_same_codes(&self, sealing: &mut [Sealing]) {
        let many_texts: Vec<usize> = (0..sealing.len()).filter(|c| sealing[*c].codes.len() > 16).collect();
        for (at, later) in many_texts.iter().enumerate() {
            let same = many_texts[..at].iter().copied().find(|earlier| {
                let (a, b) = (&sealing[*earlier], &sealing[*later]);
                a.same_as.is_none()
                    && a.codes.len() == b.codes.len()
                    && self.columns[a.from].indexed == self.columns[b.from].indexed
                    && self.same_codes(a.from as ColumnIndex, b.from as ColumnIndex)
            });
            if let Some(earlier) = same {
                sealing[*later].same_as = Some(earlier);
                sealing[*later].postings = None;
            }
        }
    }

    fn same_codes(&self, a: ColumnIndex, b: ColumnIndex) -> bool {
        let mut positions = Vec::with_capacity(self.shapes.len());
        for shape in &self.shapes {
            let place = |column| shape.columns.iter().position(|own| *own == column);
            match (place(a), place(b)) {
                (None, None) => positions.push(None),
                (Some(a), Some(b)) => positions.push(Some((a, b))),
                _ => return false,
            }
        }
        self.rows.iter().all(|row| match positions[row.shape as usize] {
            None => true,
            Some((a, b)) => self.cells[row.cells_at as usize + a] == self.cells[row.cells_at as usize + b],
        })
    }

    /// Whether a cell of a shape is stored per row. Columns with postings are, even where a shape has but one
    /// value, because postings are checked against what is stored; unless the whole column has one value.
    fn is_stored(&self, shape: usize, position: usize) -> bool {
        let shape = &self.shapes[shape];
        let column = &self.columns[shape.columns[position] as usize];
        shape.varies[position]
            || (column.indexed && column.texts.as_ref().is_some_and(|texts| texts.len() > 1))
    }

    fn scatters(&self, final_index: &[u32], sealing: &[Sealing]) -> Vec<Scatter> {
        let mut scatters: Vec<Scatter> = self.shapes.iter().map(|_| Scatter { stored: vec![] }).collect();
        for (shape, scatter) in scatters.iter_mut().enumerate() {
            for (position, column) in self.shapes[shape].columns.iter().enumerate() {
                let column = final_index[*column as usize];
                if self.is_stored(shape, position) && sealing[column as usize].has_pages() {
                    scatter.stored.push((position as u32, column));
                }
            }
        }
        scatters
    }

    fn seal_block(
        &self,
        block: usize,
        shape_index: &[u32],
        scatters: &[Scatter],
        sealing: &mut [Sealing],
        blocks: &mut Blocks,
        out: &mut Output,
    ) {
        let start = block * self.options.block_rows as usize;
        let end = (start + self.options.block_rows as usize).min(self.rows.len());
        let rows = &self.rows[start..end];
        blocks.values.clear();
        blocks.values.extend(rows.iter().map(|row| i64::from(shape_index[row.shape as usize])));
        put_shape_page(&mut blocks.shapes, out, &mut blocks.values, shape_index.len());
        blocks.put_fixed(rows, out);
        for column in &mut *sealing {
            column.values.clear();
            column.rows.clear();
        }
        for (row, number) in rows.iter().zip(start as u32..) {
            let cells = &self.cells[row.cells_at as usize..];
            for (position, column) in &scatters[row.shape as usize].stored {
                let column = &mut sealing[*column as usize];
                column.values.push(cells[*position as usize] as i64);
                if column.postings.is_some() {
                    column.rows.push(number);
                }
            }
        }
        let elapsed = match self.options.entropy_level {
            Some(_) => elapsed_since_ids(sealing, rows, start as u32),
            None => vec![],
        };
        let mut scratch = Vec::new();
        for (index, column) in sealing.iter_mut().enumerate() {
            if !column.has_pages() {
                continue;
            }
            let built = &self.columns[column.from];
            if built.texts.is_some() {
                recode(&mut column.values, &mut column.codes, &mut column.order);
                if let Some(postings) = &mut column.postings {
                    for (code, row) in column.values.iter().zip(&column.rows) {
                        postings.add(*code as u32, row / MINIBLOCK as u32);
                    }
                }
                column.pages.put_ints(out, &column.values);
            } else if built.value_type == ValueType::Decimal {
                decimals::put_page(&mut column.pages, out, &column.values, &self.wide, &mut scratch);
            } else if let Some(offset) = offset_from_seq(built, index, &column.values, rows, scatters) {
                let at = out.bytes.len();
                ints::put_from_seq(offset, &mut out.bytes);
                let (least, greatest) = ints::bounds(&column.values);
                column.pages.put(out, at, least, greatest);
            } else if let (true, Some((head, residuals))) = (
                built.value_type == ValueType::I64,
                residuals(&elapsed, &column.values, || rows_that_store(index, rows, scatters)),
            ) {
                put_elapsed(&mut column.pages, out, &column.values, &head, &residuals);
            } else if built.value_type == ValueType::F64 {
                floats::put_page(&mut column.pages, out, &mut column.values, &mut scratch);
            } else {
                column.pages.put_ints(out, &column.values);
            }
        }
    }

    /// The table of shapes. Columns that share codes have by now seen the same values, so their orders are
    /// completed alike.
    fn shape_infos(&self, shape_order: &[u32], final_index: &[u32], sealing: &mut [Sealing]) -> Vec<u8> {
        for later in 0..sealing.len() {
            if let Some(earlier) = sealing[later].same_as {
                sealing[later].codes = sealing[earlier].codes.clone();
                sealing[later].order = sealing[earlier].order.clone();
            }
        }
        let mut bytes = Vec::new();
        put_varint(&mut bytes, shape_order.len() as u64);
        for shape in shape_order {
            let built = &self.shapes[*shape as usize];
            let mut cells: Vec<Cell> = Vec::with_capacity(built.columns.len());
            for (position, column) in built.columns.iter().enumerate() {
                let index = final_index[*column as usize];
                let fixed = (!self.is_stored(*shape as usize, position)).then(|| {
                    let column = &self.columns[*column as usize];
                    let cell = built.first[position];
                    fixed_value(column, cell, &self.wide, &mut sealing[index as usize])
                });
                cells.push(Cell { column: index, fixed });
            }
            cells.sort_by_key(|cell| cell.column);
            let level = crate::event::Level::from_code(built.level).expect("it was a level when pushed");
            footer::put_shape(&mut bytes, &ShapeInfo { level, template: built.template, cells });
        }
        bytes
    }

    fn templates_section(&self, final_index: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.templates.len() as u64);
        for template in &self.templates {
            let index = |column: &ColumnIndex| final_index[*column as usize];
            let parts: Vec<Part<u32>> = template
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => Part::Literal(text.clone()),
                    Part::Field(column) => Part::Field(index(column)),
                    Part::Whole(column) => Part::Whole(index(column)),
                    Part::Padded(width, column) => Part::Padded(*width, index(column)),
                    Part::Decimal(column) => Part::Decimal(index(column)),
                    Part::Word(column) => Part::Word(index(column)),
                })
                .collect();
            footer::put_template(&mut bytes, &parts);
        }
        bytes
    }

    fn meta(&self, identity: &SegmentIdentity, mut routes: Vec<Route>) -> SegmentMeta {
        routes.sort_by(|a, b| a.field.cmp(&b.field));
        let seqs = || self.rows.iter().map(|row| row.seq);
        SegmentMeta {
            id: identity.id,
            category: identity.category.name().to_owned(),
            day: identity.day,
            tier: identity.tier,
            rows: self.rows.len() as u64,
            ts_min: self.rows.first().map_or(0, |row| row.ts),
            ts_max: self.rows.last().map_or(0, |row| row.ts),
            seq_min: seqs().min().unwrap_or(0),
            seq_max: seqs().max().unwrap_or(0),
            level_max: self.shapes.iter().map(|shape| shape.level).max().unwrap_or(0),
            source_wal: identity.source_wal,
            file_bytes: 0,
            footer_crc: 0,
            routes,
        }
    }
}

/// Pages of what every row has.
#[derive(Default)]
struct Blocks {
    shapes: PageList,
    ts: PageList,
    seq: PageList,
    producer: PageList,
    pseq: PageList,
    values: Vec<i64>,
}

impl Blocks {
    fn put_fixed(&mut self, rows: &[Row], out: &mut Output) {
        let values = &mut self.values;
        let mut put = |pages: &mut PageList, value: &dyn Fn(&Row) -> i64| {
            values.clear();
            values.extend(rows.iter().map(value));
            pages.put_ints(out, values);
        };
        put(&mut self.ts, &|row| row.ts);
        put(&mut self.seq, &|row| row.seq as i64);
        put(&mut self.producer, &|row| i64::from(row.producer));
        put(&mut self.pseq, &|row| row.pseq.wrapping_sub(row.seq) as i64);
    }
}

/// Sorts rows by (`ts`, `seq`). They come nearly sorted, each a few places off, which insertion does in one
/// pass; where it moves too much, the rest is left to a sort that does not mind.
fn sort_rows(rows: &mut [Row]) {
    let key = |row: &Row| (row.ts, row.seq);
    let mut moves_left = rows.len() * 16;
    for at in 1..rows.len() {
        let row = rows[at];
        if key(&rows[at - 1]) <= key(&row) {
            continue;
        }
        let mut to = at;
        while to > 0 && key(&rows[to - 1]) > key(&row) {
            rows[to] = rows[to - 1];
            to -= 1;
        }
        rows[to] = row;
        moves_left = moves_left.saturating_sub(at - to);
        if moves_left == 0 {
            rows.sort_unstable_by_key(key);
            return;
        }
    }
}

/// Well-known fields by code, then dynamic fields as they came, then columns of templates.
fn column_order(columns: &[Column]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|index| match &columns[*index].key {
        Some(FieldKey::Known(field)) => (field.code(), columns[*index].value_type as usize),
        Some(FieldKey::Named(_)) => (254, *index),
        None => (255, *index),
    });
    order
}

/// What a column of whole numbers adds to the sequence number, if that is all it does: importers keep counts
/// of their own, which run along with ours.
fn offset_from_seq(
    column: &Column,
    index: usize,
    values: &[i64],
    rows: &[Row],
    scatters: &[Scatter],
) -> Option<i64> {
    if column.value_type != ValueType::I64 || values.len() < 2 {
        return None;
    }
    let stored = |row: &&Row| scatters[row.shape as usize].stored.iter().any(|(_, c)| *c as usize == index);
    let offset = |row: &Row, value: &i64| value.wrapping_sub(row.seq as i64);
    let first = offset(rows.iter().find(stored)?, values.first()?);
    // Most columns are told apart by their last value alone.
    if offset(rows.iter().rev().find(stored)?, values.last()?) != first {
        return None;
    }
    let all = rows.iter().filter(stored).zip(values).all(|(row, value)| offset(row, value) == first);
    // Equal values need no page at all.
    (all && values[0] != values[1]).then_some(first)
}

/// Per indexed field with pages the times of a block's rows since the first with the same value.
fn elapsed_since_ids(sealing: &[Sealing], rows: &[Row], start: u32) -> Vec<Elapsed> {
    let ids = sealing.iter().zip(0..).filter(|(column, _)| column.postings.is_some());
    ids.map(|(column, id)| {
        let values = column.rows.iter().copied().zip(column.values.iter().copied());
        Elapsed::new(id, rows, start, values)
    })
    .collect()
}

/// The rows of a block that store a column.
fn rows_that_store(column: usize, rows: &[Row], scatters: &[Scatter]) -> Vec<u32> {
    let stores: Vec<bool> =
        scatters.iter().map(|scatter| scatter.stored.iter().any(|(_, c)| *c as usize == column)).collect();
    (0..).zip(rows).filter(|(_, row)| stores[row.shape as usize]).map(|(row, _)| row).collect()
}

/// What times since an id leave of some numbers, with the page's head, if they leave little.
fn residuals(
    elapsed: &[Elapsed],
    values: &[i64],
    rows: impl Fn() -> Vec<u32>,
) -> Option<(Vec<u8>, Vec<i64>)> {
    if values.len() < ELAPSED_NUMBERS_MIN || elapsed.is_empty() {
        return None;
    }
    let rows = rows();
    elapsed.iter().find_map(|elapsed| {
        let (unit, residuals) = elapsed.residuals(values, &rows)?;
        let mut head = Vec::new();
        put_head(&mut head, elapsed.id, unit);
        Some((head, residuals))
    })
}

/// Appends the numbers as elapsed times, or as they are where that is smaller.
fn put_elapsed(pages: &mut PageList, out: &mut Output, values: &[i64], head: &[u8], residuals: &[i64]) {
    let at = out.bytes.len();
    out.bytes.extend_from_slice(head);
    out.ints.encode(residuals, &mut out.bytes);
    let mut plain = Vec::new();
    out.ints.encode(values, &mut plain);
    if plain.len() <= out.bytes.len() - at {
        out.bytes.truncate(at);
        pages.put_ints(out, values);
        return;
    }
    let (least, greatest) = ints::bounds(values);
    pages.put(out, at, least, greatest);
}

/// Replaces the interner's codes by final ones, which count distinct values by their first row.
pub(super) fn recode(values: &mut [i64], codes: &mut [u32], order: &mut Vec<u32>) {
    for value in values {
        let code = &mut codes[*value as usize];
        if *code == UNSET {
            *code = order.len() as u32;
            order.push(*value as u32);
        }
        *value = i64::from(*code);
    }
}

fn fixed_value(column: &Column, cell: u64, wide: &[rust_decimal::Decimal], sealing: &mut Sealing) -> Fixed {
    if column.texts.is_some() {
        let mut value = [cell as i64];
        recode(&mut value, &mut sealing.codes, &mut sealing.order);
        return Fixed::Code(value[0] as u64);
    }
    match column.value_type {
        ValueType::Bool => Fixed::Bool(cell != 0),
        ValueType::I64 => Fixed::I64(cell as i64),
        ValueType::F64 => Fixed::F64(f64::from_bits(cell)),
        ValueType::Decimal => Fixed::Decimal(decimals::resolve(cell as i64, wide)),
        ValueType::Str => unreachable!("columns of text have an interner"),
    }
}

/// Adds the values of a column to the route and the filter keys of its field.
fn add_route(
    routes: &mut Vec<Route>,
    keys: &mut Vec<(String, Vec<u64>)>,
    key: &FieldKey,
    texts: &Interner,
    order: &[u32],
) {
    let text = |code: &u32| std::str::from_utf8(texts.get(*code)).expect("only texts are interned");
    let (Some(least), Some(greatest)) = (order.iter().map(text).min(), order.iter().map(text).max()) else {
        return;
    };
    let hashes = order.iter().map(|code| texts.hash(*code));
    let route = Route::new(key.name(), least, greatest, order.len() as u64);
    match keys.iter().position(|(field, _)| field == key.name()) {
        None => {
            routes.push(route);
            keys.push((key.name().to_owned(), hashes.collect()));
        }
        // A field of several types has a column of each and one route.
        Some(at) => {
            keys[at].1.extend(hashes);
            let known = &mut routes[at];
            known.distinct += route.distinct;
            if route.min < known.min {
                known.min = route.min;
            }
            if !known.max.is_empty() && (route.max.is_empty() || route.max > known.max) {
                known.max = route.max;
            }
        }
    }
}
