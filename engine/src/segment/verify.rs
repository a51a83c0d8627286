//! Checks a whole segment: every byte against its checksum, and everything that is said twice against what
//! says it.

use std::collections::{BTreeMap, HashSet};

use super::bits::MINIBLOCK;
use super::footer::{HEADER_BYTES, PagesRef};
use super::hash::stable_hash;
use super::meta::{Route, RoutingFilter};
use super::pages::{Directory, HINT, Section};
use super::reader::{ColumnId, PRODUCER, PSEQ, SEQ, SHAPES, Segment, TS};
use super::vector::{ColumnVector, Values, Zone};
use crate::error::{Error, Result};
use crate::event::{Timestamp, Value};

impl Segment {
    /// Reads everything: checksums of all bytes, which must be covered without gap or overlap; order of rows;
    /// zones; dictionaries against their indexes; postings against columns; the metadata against all of it.
    ///
    /// # Errors
    /// [`Error::Damaged`] at the first thing that is not as it should be.
    pub fn verify(&self) -> Result<()> {
        self.verify_coverage()?;
        self.verify_rows()?;
        for column in 0..self.columns.len() as u32 {
            self.verify_dictionary(column)?;
        }
        self.verify_routes()
    }

    /// The filters of its indexed fields, made anew: in order of field name, none for a field that does not
    /// occur.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file is.
    pub fn filters(&self) -> Result<Vec<RoutingFilter>> {
        let mut keys: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (index, info) in self.columns().iter().enumerate().filter(|(_, info)| info.indexed) {
            let Some(dictionary) = self.dictionary(index as u32)? else { continue };
            let texts = dictionary.unpack_all(&self.file)?;
            if !texts.is_empty() {
                let hashes = texts.iter().map(|text| stable_hash(text.as_bytes()));
                keys.entry(info.key.name()).or_default().extend(hashes);
            }
        }
        Ok(keys.into_iter().map(|(field, mut keys)| RoutingFilter::build(field, &mut keys)).collect())
    }

    /// The indexed fields, whether they occur or not.
    pub fn indexed_fields(&self) -> impl Iterator<Item = &str> {
        self.meta.routes.iter().map(|route| route.field.as_str())
    }

    /// The first indexed text that a filter would keep from being found; none if all is well.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the file is.
    pub fn text_missed_by(&self, field: &str, filter: &[u8]) -> Result<Option<String>> {
        for (index, info) in self.columns().iter().enumerate() {
            if !info.indexed || info.key.name() != field {
                continue;
            }
            let Some(dictionary) = self.dictionary(index as u32)? else { continue };
            let texts = dictionary.unpack_all(&self.file)?;
            if let Some(missed) = texts.iter().find(|text| !RoutingFilter::may_contain(filter, text)) {
                return Ok(Some(missed.to_owned()));
            }
        }
        Ok(None)
    }

    fn wrong(&self, offset: u64, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::damaged(&self.file.path, offset, expected, found, HINT)
    }

    /// Every section and page, verified, must follow the one before up to the footer: no byte is another than was written.
    pub(crate) fn verify_coverage(&self) -> Result<()> {
        let mut places: Vec<(u64, u64)> = Vec::new();
        let section = |places: &mut Vec<(u64, u64)>, section: Section| -> Result<()> {
            self.file.section(section, "a section")?;
            places.push((section.offset, section.bytes));
            Ok(())
        };
        let pages = |places: &mut Vec<(u64, u64)>, directory: &Directory| -> Result<()> {
            for (index, entry) in directory.entries().iter().enumerate() {
                directory.verify(&self.file, index)?;
                places.push((entry.offset, u64::from(entry.bytes)));
            }
            Ok(())
        };
        section(&mut places, self.shapes_at)?;
        section(&mut places, self.templates_at)?;
        for which in [SHAPES, TS, SEQ, PRODUCER, PSEQ] {
            section(&mut places, self.fixed[which].section)?;
            pages(&mut places, self.fixed(which)?)?;
        }
        for (index, column) in self.columns.iter().enumerate() {
            let index = index as u32;
            if let PagesRef::Own(directory) = column.pages {
                section(&mut places, directory)?;
                pages(&mut places, self.directory(index)?)?;
            }
            if let PagesRef::Prefix { table, .. } = column.pages {
                section(&mut places, table)?;
            }
            if let (Some(place), Some(dictionary)) = (&column.dictionary_at, self.dictionary(index)?) {
                let (texts, lookup) = place.sections();
                texts.into_iter().chain(lookup).try_for_each(|place| section(&mut places, place))?;
                let (texts, lookup) = dictionary.directories();
                texts.into_iter().chain(lookup).try_for_each(|directory| pages(&mut places, directory))?;
            }
            if let (Some(place), Some(postings)) = (&column.postings_at, self.postings(index)?) {
                place.series().iter().try_for_each(|series| section(&mut places, series.directory))?;
                postings.series().iter().try_for_each(|series| pages(&mut places, series.directory()))?;
            }
        }
        places.retain(|(_, bytes)| *bytes > 0);
        places.sort_unstable();
        let mut end = HEADER_BYTES as u64;
        for (offset, bytes) in places {
            if offset != end {
                return Err(self.wrong(
                    end.min(offset),
                    format!("a page or section at {end}"),
                    format!("one at {offset}"),
                ));
            }
            end = offset + bytes;
        }
        match end == self.file.pages_end {
            true => Ok(()),
            false => {
                Err(self.wrong(end, format!("the footer at {end}"), format!("it at {}", self.file.pages_end)))
            }
        }
    }

    /// Order, day and counts of rows; zones of all columns; and every value decodes.
    fn verify_rows(&self) -> Result<()> {
        let meta = &self.meta;
        let mut last: Option<(i64, u64)> = None;
        let mut first_ts = None;
        let (mut seq_min, mut seq_max, mut level_max) = (u64::MAX, 0, 0);
        for block in 0..self.block_count() {
            let [times, seqs, levels] = [ColumnId::Ts, ColumnId::Seq, ColumnId::Level]
                .map(|column| self.decode(block, column).map(|vector| vector.values));
            let (Values::I64(times), Values::U64(seqs), Values::U64(levels)) = (times?, seqs?, levels?)
            else {
                return Err(self.wrong(0, "fixed columns", "others"));
            };
            for ((ts, seq), level) in times.iter().zip(&seqs).zip(&levels) {
                if last.is_some_and(|last| last > (*ts, *seq)) || Timestamp(*ts).day() != meta.day {
                    return Err(self.wrong(
                        0,
                        "rows of one day, ordered by time",
                        format!("{ts} out of place"),
                    ));
                }
                first_ts = first_ts.or(Some(*ts));
                last = Some((*ts, *seq));
                seq_min = seq_min.min(*seq);
                seq_max = seq_max.max(*seq);
                level_max = level_max.max(*level);
            }
            let fixed = [ColumnId::Ts, ColumnId::Seq, ColumnId::Producer, ColumnId::Pseq, ColumnId::Level];
            let fields = (0..self.columns().len() as u32).map(ColumnId::Field);
            for column in fixed.into_iter().chain(fields) {
                let (vector, zone) = (self.decode(block, column)?, self.zone(block, column)?);
                if !holds(&zone, &vector, self.block_rows(block).len()) {
                    return Err(self.wrong(
                        0,
                        format!("a zone of {column:?} in block {block}"),
                        format!("{zone:?}"),
                    ));
                }
            }
        }
        let found = (first_ts, last.map(|last| last.0), seq_min, seq_max, level_max);
        let said =
            (Some(meta.ts_min), Some(meta.ts_max), meta.seq_min, meta.seq_max, u64::from(meta.level_max));
        match found == said {
            true => Ok(()),
            false => {
                Err(self.wrong(self.file.pages_end, format!("metadata {said:?}"), format!("rows {found:?}")))
            }
        }
    }

    /// Texts are distinct, their index finds each, and postings name the rows that a search finds.
    fn verify_dictionary(&self, column: u32) -> Result<()> {
        let Some(dictionary) = self.dictionary(column)? else { return Ok(()) };
        let texts = dictionary.unpack_all(&self.file)?;
        if texts.len() as u64 != dictionary.len() || texts.iter().collect::<HashSet<_>>().len() != texts.len()
        {
            return Err(self.wrong(0, format!("distinct texts of column {column}"), "others"));
        }
        let state = &self.columns[column as usize];
        if !state.indexed {
            return Ok(());
        }
        for (code, text) in texts.iter().enumerate() {
            if !dictionary.leads_to(&self.file, text, code as u64)? {
                return Err(self.wrong(
                    0,
                    format!("an index of column {column} that finds {text:?}"),
                    "none",
                ));
            }
        }
        // What a shared column's postings say is checked where they are.
        if self.postings(column)?.is_none() || matches!(state.pages, PagesRef::Of(_)) {
            return Ok(());
        }
        let mut rows_by_code: Vec<Vec<u32>> = vec![vec![]; texts.len()];
        for block in 0..self.block_count() {
            let start = self.block_rows(block).start;
            for (slot, code) in self.codes(block, column)?.into_iter().enumerate() {
                if let Some(code) = code {
                    rows_by_code[code as usize].push(start + slot as u32);
                }
            }
        }
        let mut found = Vec::new();
        let miniblocks = self.rows().div_ceil(MINIBLOCK as u32) as usize;
        // Codes that occur everywhere take a look at everything each, so only the first few are looked up.
        let mut dense = 0;
        for (code, rows) in rows_by_code.iter().enumerate() {
            dense += usize::from(rows.len() * 8 > miniblocks && miniblocks > 64);
            if rows.len() * 8 > miniblocks && dense > 64 {
                continue;
            }
            found.clear();
            self.rows_of_code(column, code as u64, &mut found)?;
            if found != *rows {
                let expected = format!("postings of column {column}, code {code}, with {} rows", rows.len());
                return Err(self.wrong(0, expected, format!("{} rows", found.len())));
            }
        }
        Ok(())
    }

    /// Routes bound the texts of indexed fields.
    fn verify_routes(&self) -> Result<()> {
        for (index, info) in self.columns().iter().enumerate().filter(|(_, info)| info.indexed) {
            let Some(dictionary) = self.dictionary(index as u32)? else { continue };
            if dictionary.len() == 0 {
                continue;
            }
            let route = self.meta.routes.iter().find(|route| route.field == info.key.name());
            let texts = dictionary.unpack_all(&self.file)?;
            let bounded = |route: &Route| texts.iter().all(|text| route.may_contain(text));
            if !route.is_some_and(|route| bounded(route) && route.distinct >= dictionary.len()) {
                return Err(self.wrong(
                    self.file.pages_end,
                    format!("a route that bounds {}", info.key),
                    format!("{route:?}"),
                ));
            }
        }
        Ok(())
    }
}

/// Whether a zone bounds the values of a vector.
fn holds(zone: &Zone, vector: &ColumnVector, rows: usize) -> bool {
    let (mut present, mut bounded) = (0, true);
    let unbounded = zone.min.is_none() && zone.max.is_none();
    for slot in 0..rows {
        if !vector.presence.has(slot) {
            continue;
        }
        present += 1;
        if !unbounded && let Some(value) = vector.value(slot) {
            bounded &= zone.min.as_ref().is_none_or(|min| at_most(min, &value))
                && zone.max.as_ref().is_none_or(|max| at_most(&value, max));
        }
    }
    bounded && rows - present == zone.nulls as usize
}

fn at_most(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a <= b,
        (Value::I64(a), Value::I64(b)) => a <= b,
        (Value::F64(a), Value::F64(b)) => a <= b,
        (Value::Decimal(a), Value::Decimal(b)) => a <= b,
        (Value::Str(a), Value::Str(b)) => a <= b,
        _ => false,
    }
}
