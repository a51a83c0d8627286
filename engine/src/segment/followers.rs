//! Columns without pages: where an id's prefix always says what another text of the row is, as correlation ids do
//! that start with their strategy, only which text goes with which prefix is stored.
//!
//! ```text
//! table = count varint, then per prefix of the id's dictionary: code of the text + 1 varint; 0 for a prefix
//!         that never stands beside a stored text
//! ```

use super::block_shapes::BlockShapes;
use super::builder::SegmentBuilder;
use super::footer::PagesRef;
use super::numbered::{PREFIXES_MAX, take_apart};
use super::reader::{Segment, lazily};
use super::seal::{Sealing, recode};
use super::template::ColumnIndex;
use super::wire::{Cursor, Malformed, put_varint};
use crate::error::Result;
use crate::event::ValueType;

/// Ids fewer than this are not worth a look.
const IDS_MIN: usize = 64;
/// No prefix, or no text yet.
const NONE: u32 = u32::MAX;

/// The id that a column follows, while building.
pub(super) struct Follower {
    /// Its final index.
    pub(super) id: u32,
    /// Per prefix, the interner's code of the text.
    texts: Vec<u32>,
}

impl Follower {
    /// The table, the texts numbered after those numbered already.
    pub(super) fn table(&self, codes: &mut [u32], order: &mut Vec<u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.texts.len() as u64);
        for text in &self.texts {
            let mut code = [i64::from(*text)];
            if *text != NONE {
                recode(&mut code, codes, order);
            }
            put_varint(&mut bytes, if *text == NONE { 0 } else { code[0] as u64 + 1 });
        }
        bytes
    }
}

impl SegmentBuilder {
    /// Finds the columns that follow an id. Sharing of codes was found before.
    pub(super) fn find_followers(&self, sealing: &mut [Sealing]) {
        let ids: Vec<u32> = (0..sealing.len() as u32)
            .filter(|column| {
                let built = &self.columns[sealing[*column as usize].from];
                built.indexed && built.texts.as_ref().is_some_and(|texts| texts.len() >= IDS_MIN)
            })
            .collect();
        for id in ids {
            let from = sealing[id as usize].from as ColumnIndex;
            let Some((prefixes, count)) = self.prefixes(from) else { continue };
            for column in 0..sealing.len() {
                let built = &self.columns[sealing[column].from];
                let is_shared = sealing.iter().any(|other| other.same_as == Some(column));
                let may_follow = built.value_type == ValueType::Str
                    && !built.indexed
                    && built.texts.as_ref().is_some_and(|texts| (2..=PREFIXES_MAX).contains(&texts.len()))
                    && sealing[column].same_as.is_none()
                    && sealing[column].follows.is_none()
                    && !is_shared;
                if may_follow
                    && let Some(texts) =
                        self.texts_by_prefix(sealing[column].from as ColumnIndex, from, &prefixes, count)
                {
                    sealing[column].follows = Some(Follower { id, texts });
                }
            }
        }
    }

    /// The prefix of each of the interner's texts of an id, and how many there are; in the order in which the
    /// dictionary will have them, that of first rows.
    fn prefixes(&self, id: ColumnIndex) -> Option<(Vec<u32>, usize)> {
        let texts = self.columns[id as usize].texts.as_ref()?;
        let positions: Vec<Option<usize>> =
            self.shapes.iter().map(|shape| shape.columns.iter().position(|own| *own == id)).collect();
        let mut codes = vec![NONE; texts.len()];
        let mut order = Vec::with_capacity(texts.len());
        for row in &self.rows {
            if let Some(position) = positions[row.shape as usize] {
                let mut code = [self.cells[row.cells_at as usize + position] as i64];
                recode(&mut code, &mut codes, &mut order);
            }
        }
        let numbered = take_apart(order.iter().map(|code| texts.get(*code)), order.len())?;
        let mut prefixes = vec![NONE; texts.len()];
        for (code, prefix) in order.iter().zip(&numbered.prefix_codes) {
            prefixes[*code as usize] = *prefix as u32;
        }
        (numbered.prefixes.len() > 1).then_some((prefixes, numbered.prefixes.len()))
    }

    /// The text of a column that goes with each prefix of an id, if one does in all rows that store it.
    fn texts_by_prefix(
        &self,
        column: ColumnIndex,
        id: ColumnIndex,
        prefixes: &[u32],
        count: usize,
    ) -> Option<Vec<u32>> {
        let mut positions = Vec::with_capacity(self.shapes.len());
        for shape in &self.shapes {
            let place = |column| shape.columns.iter().position(|own| *own == column);
            positions.push(match place(column).filter(|position| shape.varies[*position]) {
                None => None,
                Some(own) => Some((own, place(id)?)),
            });
        }
        let mut texts = vec![NONE; count];
        for row in &self.rows {
            let Some((own, id)) = positions[row.shape as usize] else { continue };
            let cell = |position: usize| self.cells[row.cells_at as usize + position] as u32;
            let known = &mut texts[prefixes[cell(id) as usize] as usize];
            if *known == NONE {
                *known = cell(own);
            } else if *known != cell(own) {
                return None;
            }
        }
        Some(texts)
    }
}

const WHAT: &str = "a column that follows an id";

impl Segment {
    /// The id that a column follows and the code plus one that goes with each prefix, if it follows one.
    pub(super) fn followed(&self, column: u32) -> Result<Option<(u32, &[u64])>> {
        let state = &self.columns[column as usize];
        let PagesRef::Prefix { id, table } = state.pages else { return Ok(None) };
        let table = lazily(&state.followed, || {
            let bytes = self.file.section(table, WHAT)?;
            read_table(bytes).map_err(|malformed| self.file.malformed(table.offset, WHAT, malformed))
        })?;
        Ok(Some((id, table)))
    }

    /// The code that goes with an id.
    pub(super) fn followed_code(&self, id: u32, id_code: u64, table: &[u64]) -> Result<i64> {
        let malformed = |what| self.file.malformed(0, WHAT, Malformed(what));
        let dictionary = self.dictionary(id)?.ok_or_else(|| malformed("an id without a dictionary"))?;
        let prefix = dictionary.prefix_of(&self.file, id_code)?;
        let code = usize::try_from(prefix).ok().and_then(|prefix| table.get(prefix)).copied();
        match code {
            Some(code @ 1..) => Ok(code as i64 - 1),
            _ => Err(malformed("a prefix that no text goes with")),
        }
    }

    /// The codes of rows of a block that store a column which follows an id.
    pub(super) fn followed_codes(
        &self,
        shapes: &BlockShapes,
        (id, table): (u32, &[u64]),
        is_stored: impl Fn(usize) -> bool,
    ) -> Result<Vec<i64>> {
        let ids = self.codes_in(shapes, id)?;
        let mut codes = Vec::with_capacity(ids.len());
        let mut last: Option<(u32, i64)> = None;
        for (_, id_code) in ids.iter().enumerate().filter(|(row, _)| is_stored(*row)) {
            let id_code = id_code
                .ok_or_else(|| self.file.malformed(0, WHAT, Malformed("a row without the id it follows")))?;
            let code = match last {
                Some((known, code)) if known == id_code => code,
                _ => self.followed_code(id, u64::from(id_code), table)?,
            };
            last = Some((id_code, code));
            codes.push(code);
        }
        Ok(codes)
    }
}

fn read_table(bytes: &[u8]) -> Result<Vec<u64>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.bounded(PREFIXES_MAX, "too many prefixes")?;
    let codes = (0..count).map(|_| cursor.varint()).collect::<Result<_, _>>()?;
    cursor.end()?;
    Ok(codes)
}
