//! The distinct texts of a column, numbered by their first row, and the index that finds the code of a text.
//!
//! ```text
//! numbered   prefixes: count varint, then per prefix length varint, bytes, notation u8, width u8;
//!            three series over all codes: prefix code, low 64 bits and, if any is set, high 64 bits
//! texts      pages of 2^k texts, see `texts`
//! index      buckets of hashes, bucket = hash * buckets >> 64: a series of the start of each bucket, and a
//!            series of entries in bucket order, entry = code >> shift << fingerprint bits | fingerprint,
//!            where the fingerprint is the low bits of the hash
//! ```
//! The shift drops bits of the code that a scan of 2^shift numbers recovers in less time than they cost in
//! space; a numbered dictionary whose pages of numbers overlap little has no index at all, their bounds do; texts have a fingerprint instead, because looking at one may unpack a page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use serde::{Deserialize, Serialize};

use super::hash::stable_hash;
use super::interner::Interner;
use super::ints::bounds;
use super::numbered::{Notation, PREFIXES_MAX, take_apart};
use super::options::SegmentOptions;
use super::pages::{Directory, Output, SERIES_PAGE_NUMBERS, Section, SegmentFile, Series, SeriesRef};
use super::texts::{self, TextPages, Written};
use super::wire::{Cursor, Malformed, put_bytes, put_varint};
use crate::error::Result;

/// Dictionaries up to this many texts are looked through, not indexed.
const UNINDEXED_TEXTS_MAX: usize = 32;
/// Hashes per bucket, on average.
const BUCKET_HASHES: usize = 8;
/// Where the least and greatest number of pages leave at most so many pages to look through, on average, a
/// numbered dictionary of ids that count up needs no index.
const ZONED_PAGES_MAX: usize = 4;
/// Bits of the hash that the index of a dictionary of texts keeps.
const TEXT_FINGERPRINT_BITS: u32 = 8;
/// Dictionaries of up to this many texts are unpacked as a whole when first used.
const KEPT_TEXTS_MAX: u64 = 4096;
/// Texts of up to this many bytes are kept once they were unpacked.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Where a dictionary is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DictionaryRef {
    pub(crate) form: FormRef,
    pub(crate) index: Option<IndexRef>,
}

/// How the texts are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum FormRef {
    Texts {
        count: u64,
        page_texts: u32,
        pages: Section,
    },
    Numbered {
        prefixes: Section,
        prefix_codes: SeriesRef,
        low: SeriesRef,
        high: Option<SeriesRef>,
    },
    /// Texts whose pages share a trained dictionary.
    Trained {
        count: u64,
        page_texts: u32,
        pages: Section,
        trained: Section,
    },
}

/// The index from texts to codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IndexRef {
    pub(crate) shift: u8,
    pub(crate) fingerprint_bits: u8,
    pub(crate) starts: SeriesRef,
    pub(crate) entries: SeriesRef,
}

/// Writes the texts of an interner in the order of their final codes; `order[code]` is the interner's code.
pub(crate) fn write(
    out: &mut Output,
    texts: &Interner,
    order: &[u32],
    indexed: bool,
    options: &SegmentOptions,
) -> DictionaryRef {
    let numbered = take_apart(order.iter().map(|code| texts.get(*code)), order.len());
    let (shift, fingerprint_bits) = match &numbered {
        Some(_) => (options.index_group_texts.ilog2(), 0),
        None => (0, TEXT_FINGERPRINT_BITS),
    };
    let zoned = options.entropy_level.is_some()
        && numbered.as_ref().is_some_and(|numbered| is_zoned(&numbered.numbers));
    let form = match numbered {
        Some(numbered) => {
            let mut prefixes = Vec::new();
            put_varint(&mut prefixes, numbered.prefixes.len() as u64);
            for (prefix, notation) in &numbered.prefixes {
                put_bytes(&mut prefixes, prefix);
                let (code, width) = notation.code();
                prefixes.extend([code, width]);
            }
            let low: Vec<i64> = numbered.numbers.iter().map(|number| *number as i64).collect();
            let high: Vec<i64> = numbered.numbers.iter().map(|number| (*number >> 64) as i64).collect();
            FormRef::Numbered {
                prefixes: out.section(&prefixes),
                prefix_codes: out.packed_series(&numbered.prefix_codes),
                low: out.series(&low),
                high: high.iter().any(|high| *high != 0).then(|| out.series(&high)),
            }
        }
        None => {
            let Written { page_texts, pages, trained } = texts::write(out, texts, order, options);
            let count = order.len() as u64;
            match trained {
                None => FormRef::Texts { count, page_texts, pages },
                Some(trained) => FormRef::Trained { count, page_texts, pages, trained },
            }
        }
    };
    let index = (indexed && order.len() > UNINDEXED_TEXTS_MAX && !zoned)
        .then(|| write_index(out, texts, order, shift, fingerprint_bits));
    DictionaryRef { form, index }
}

/// Whether the bounds of pages alone tell well enough where a number is.
fn is_zoned(numbers: &[u128]) -> bool {
    let low: Vec<i64> = numbers.iter().map(|number| *number as i64).collect();
    let mut sorted = low.clone();
    sorted.sort_unstable();
    let below = |bound: i64| sorted.partition_point(|number| *number < bound);
    let looked_through: usize = low
        .chunks(SERIES_PAGE_NUMBERS)
        .map(|page| {
            let (least, greatest) = bounds(page);
            sorted.partition_point(|number| *number <= greatest) - below(least)
        })
        .sum();
    looked_through <= low.len() * ZONED_PAGES_MAX
}

fn bucket(hash: u64, buckets: u64) -> u64 {
    ((u128::from(hash) * u128::from(buckets)) >> 64) as u64
}

fn write_index(
    out: &mut Output,
    texts: &Interner,
    order: &[u32],
    shift: u32,
    fingerprint_bits: u32,
) -> IndexRef {
    let buckets = order.len().div_ceil(BUCKET_HASHES);
    // Counting sort: the sizes, their running sum as places to write to, which ends as the starts again.
    let mut starts = vec![0i64; buckets + 1];
    for code in order {
        starts[bucket(texts.hash(*code), buckets as u64) as usize + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut next = starts.clone();
    let mut entries = vec![0i64; order.len()];
    for (code, interned) in order.iter().enumerate() {
        let hash = texts.hash(*interned);
        let place = &mut next[bucket(hash, buckets as u64) as usize];
        let fingerprint = hash & ((1 << fingerprint_bits) - 1);
        entries[*place as usize] = (code as i64 >> shift) << fingerprint_bits | fingerprint as i64;
        *place += 1;
    }
    IndexRef {
        shift: shift as u8,
        fingerprint_bits: fingerprint_bits as u8,
        starts: out.series(&starts),
        entries: out.series(&entries),
    }
}

/// Texts by code, unpacked.
#[derive(Debug, Default)]
pub struct Texts {
    arena: String,
    ends: Vec<u32>,
}

impl Texts {
    /// Distinct texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a code.
    ///
    /// # Panics
    /// If the code is not below [`Texts::len`].
    #[inline]
    pub fn get(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] as usize };
        &self.arena[start..self.ends[code] as usize]
    }

    /// The texts in order of code.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|code| self.get(code))
    }

    pub(crate) fn push(&mut self, text: &str) -> Result<u32, Malformed> {
        self.arena.push_str(text);
        self.end()
    }

    /// Ends a text that was appended to [`Texts::arena`].
    pub(crate) fn end(&mut self) -> Result<u32, Malformed> {
        self.ends.push(u32::try_from(self.arena.len()).map_err(|_| Malformed("over 4 GiB of texts"))?);
        Ok(self.ends.len() as u32 - 1)
    }
}

/// A dictionary being read.
#[derive(Debug)]
pub(crate) struct Dictionary {
    form: Form,
    count: u64,
    index: Option<Index>,
    kept: OnceLock<Arc<Texts>>,
    /// Those that are not kept, while somebody uses them.
    held: Mutex<Weak<Texts>>,
    /// The page unpacked last for a single text: rows that lie together have texts that do.
    last_page: Mutex<Option<(u64, Texts)>>,
    /// Whether all texts were unpacked once, and are too long to be kept.
    is_long: AtomicBool,
}

#[derive(Debug)]
enum Form {
    Texts(TextPages),
    Numbered { prefixes: Vec<(String, Notation)>, prefix_codes: Series, low: Series, high: Option<Series> },
}

#[derive(Debug)]
struct Index {
    shift: u32,
    fingerprint_bits: u32,
    starts: Series,
    entries: Series,
}

const WHAT: &str = "a dictionary";

impl Dictionary {
    pub(crate) fn read(file: &SegmentFile, place: &DictionaryRef) -> Result<Dictionary> {
        let (form, count) = match &place.form {
            FormRef::Texts { count, page_texts, pages } => {
                (Form::Texts(TextPages::read(file, *count, *page_texts, *pages, None)?), *count)
            }
            FormRef::Trained { count, page_texts, pages, trained } => {
                (Form::Texts(TextPages::read(file, *count, *page_texts, *pages, Some(*trained))?), *count)
            }
            FormRef::Numbered { prefixes, prefix_codes, low, high } => {
                let form = Form::Numbered {
                    prefixes: read_prefixes(file.section(*prefixes, "the prefixes of a dictionary")?)
                        .map_err(|malformed| file.malformed(prefixes.offset, WHAT, malformed))?,
                    prefix_codes: Series::read(file, *prefix_codes)?,
                    low: Series::read(file, *low)?,
                    high: high.map(|high| Series::read(file, high)).transpose()?,
                };
                if prefix_codes.count != low.count || high.is_some_and(|high| high.count != low.count) {
                    return Err(file.malformed(prefixes.offset, WHAT, Malformed("series of unequal length")));
                }
                (form, low.count)
            }
        };
        if count > crate::limits::SEGMENT_ROWS_MAX as u64 {
            return Err(file.malformed(0, WHAT, Malformed("more texts than a segment has rows")));
        }
        let index = match &place.index {
            None => None,
            Some(index) => {
                if index.entries.count != count
                    || index.starts.count < 2
                    || index.shift > 16
                    || index.fingerprint_bits > 16
                {
                    let malformed = Malformed("an index of another size");
                    return Err(file.malformed(index.entries.directory.offset, WHAT, malformed));
                }
                Some(Index {
                    shift: u32::from(index.shift),
                    fingerprint_bits: u32::from(index.fingerprint_bits),
                    starts: Series::read(file, index.starts)?,
                    entries: Series::read(file, index.entries)?,
                })
            }
        };
        Ok(Dictionary {
            form,
            count,
            index,
            kept: OnceLock::new(),
            held: Mutex::default(),
            last_page: Mutex::default(),
            is_long: AtomicBool::new(false),
        })
    }

    /// Distinct texts.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// The directories of the pages of its texts, and of its index.
    pub(crate) fn directories(&self) -> (Vec<&Directory>, Vec<&Directory>) {
        let texts = match &self.form {
            Form::Texts(pages) => vec![&pages.directory],
            Form::Numbered { prefix_codes, low, high, .. } => {
                let mut all = vec![prefix_codes.directory(), low.directory()];
                all.extend(high.iter().map(Series::directory));
                all
            }
        };
        let index = self.index.iter().flat_map(|index| [index.starts.directory(), index.entries.directory()]);
        (texts, index.collect())
    }

    /// The text of a code, if all texts have been unpacked before.
    #[inline]
    pub(crate) fn kept(&self, code: u64) -> Option<&str> {
        let texts = self.kept.get()?;
        (code < texts.len() as u64).then(|| texts.get(code as u32))
    }

    /// The number of the prefix of a code.
    pub(crate) fn prefix_of(&self, file: &SegmentFile, code: u64) -> Result<i64> {
        match &self.form {
            Form::Numbered { prefix_codes, .. } => prefix_codes.get(file, code),
            Form::Texts(_) => Err(file.malformed(0, WHAT, Malformed("texts without prefixes"))),
        }
    }

    /// Appends the text of a code.
    pub(crate) fn text(&self, file: &SegmentFile, code: u64, out: &mut Vec<u8>) -> Result<()> {
        if code >= self.count {
            return Err(file.malformed(0, WHAT, Malformed("a code past its end")));
        }
        if let Some(texts) = self.kept.get() {
            out.extend_from_slice(texts.get(code as u32).as_bytes());
            return Ok(());
        }
        match &self.form {
            Form::Numbered { prefixes, prefix_codes, low, high } => {
                let number = low.get(file, code)? as u64;
                let high = high.as_ref().map_or(Ok(0), |high| high.get(file, code))? as u64;
                let (prefix, notation) = prefix(prefixes, prefix_codes.get(file, code)?)
                    .map_err(|malformed| file.malformed(0, WHAT, malformed))?;
                out.extend_from_slice(prefix.as_bytes());
                notation.write(u128::from(high) << 64 | u128::from(number), out);
            }
            // Few, and short by all that is known: long ones would be unpacked, all of them, for each.
            Form::Texts(_) if self.count <= KEPT_TEXTS_MAX && !self.is_long.load(Ordering::Relaxed) => {
                out.extend_from_slice(self.texts(file)?.get(code as u32).as_bytes());
            }
            Form::Texts(pages) => {
                let (page, place) = pages.place(code);
                let mut last = self.last_page.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                match &*last {
                    Some((unpacked, texts)) if *unpacked == page => {
                        out.extend_from_slice(texts.get(place).as_bytes());
                    }
                    _ => {
                        let mut texts = Texts::default();
                        pages.unpack(file, page, &mut texts)?;
                        out.extend_from_slice(texts.get(place).as_bytes());
                        *last = Some((page, texts));
                    }
                }
            }
        }
        Ok(())
    }

    /// All texts, unpacked once. Few are kept; many are given up when nobody holds them any more, or a scan
    /// over all of a database would in time hold all of its ids in memory.
    pub(crate) fn texts(&self, file: &SegmentFile) -> Result<Arc<Texts>> {
        if let Some(texts) = self.kept.get() {
            return Ok(texts.clone());
        }
        let mut held = self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(texts) = held.upgrade() {
            return Ok(texts);
        }
        let texts = Arc::new(self.unpack_all(file)?);
        if texts.arena.len() <= KEPT_BYTES_MAX {
            return Ok(self.kept.get_or_init(|| texts).clone());
        }
        self.is_long.store(true, Ordering::Relaxed);
        *held = Arc::downgrade(&texts);
        Ok(texts)
    }

    /// All texts, afresh.
    pub(crate) fn unpack_all(&self, file: &SegmentFile) -> Result<Texts> {
        let mut texts = Texts::default();
        match &self.form {
            Form::Texts(pages) => {
                for page in 0..pages.page_count() {
                    pages.unpack(file, page, &mut texts)?;
                }
            }
            Form::Numbered { prefixes, prefix_codes, low, high } => {
                let malformed = |malformed| file.malformed(0, WHAT, malformed);
                let codes = prefix_codes.decode(file)?;
                let low = low.decode(file)?;
                let high = high.as_ref().map(|high| high.decode(file)).transpose()?;
                let mut digits = Vec::new();
                for (index, (code, low)) in codes.iter().zip(&low).enumerate() {
                    let high = high.as_ref().map_or(0, |high| high[index]) as u64;
                    let (prefix, notation) = prefix(prefixes, *code).map_err(malformed)?;
                    texts.arena.push_str(prefix);
                    digits.clear();
                    notation.write(u128::from(high) << 64 | u128::from(*low as u64), &mut digits);
                    texts.arena.push_str(std::str::from_utf8(&digits).expect("digits are ASCII"));
                    texts.end().map_err(malformed)?;
                }
            }
        }
        Ok(texts)
    }

    /// The code of a text.
    pub(crate) fn find(&self, file: &SegmentFile, text: &str) -> Result<Option<u64>> {
        if let (None, Form::Numbered { prefixes, prefix_codes, low, high }) = (&self.index, &self.form) {
            let wanted = spellings(prefixes, text);
            return self.find_zoned(file, &wanted, (prefix_codes, low, high.as_ref()));
        }
        let Some(index) = &self.index else {
            return Ok(self.texts(file)?.iter().position(|known| known == text).map(|code| code as u64));
        };
        let hash = stable_hash(text.as_bytes());
        let entries = self.bucket_of(file, index, hash)?;
        match &self.form {
            Form::Numbered { prefixes, prefix_codes, low, high } => {
                let wanted: Vec<(i64, u128)> = spellings(prefixes, text);
                self.find_number(file, index, &entries, &wanted, (prefix_codes, low, high.as_ref()))
            }
            Form::Texts(_) => {
                let mut known = Vec::new();
                let mask = (1 << index.fingerprint_bits) - 1;
                for entry in entries {
                    if entry & mask == hash as i64 & mask {
                        let code = (entry >> index.fingerprint_bits) as u64;
                        known.clear();
                        self.text(file, code, &mut known)?;
                        if known == text.as_bytes() {
                            return Ok(Some(code));
                        }
                    }
                }
                Ok(None)
            }
        }
    }

    /// Whether [`Dictionary::find`] comes from a text of the dictionary to its code, provided the texts are distinct.
    /// What it finds by looking through is not looked through, so that all texts may be asked about.
    pub(crate) fn leads_to(&self, file: &SegmentFile, text: &str, code: u64) -> Result<bool> {
        if let Form::Numbered { prefixes, prefix_codes, low, .. } = &self.form {
            let spelt = spellings(prefixes, text);
            let number = low.get(file, code)?;
            let prefix = prefix_codes.get(file, code)?;
            if !spelt.iter().any(|(own, own_number)| *own == prefix && *own_number as i64 == number) {
                return Ok(false);
            }
            if self.index.is_none() {
                let entry = low.directory().entry(code as usize / SERIES_PAGE_NUMBERS);
                let entry = entry.map_err(|malformed| file.malformed(0, WHAT, malformed))?;
                return Ok((entry.least..=entry.greatest).contains(&number));
            }
        }
        let Some(index) = &self.index else { return Ok(true) };
        let hash = stable_hash(text.as_bytes());
        let fingerprint = hash as i64 & ((1 << index.fingerprint_bits) - 1);
        let entry = ((code >> index.shift) as i64) << index.fingerprint_bits | fingerprint;
        Ok(self.bucket_of(file, index, hash)?.contains(&entry))
    }

    /// The entries of the bucket of a hash.
    fn bucket_of(&self, file: &SegmentFile, index: &Index, hash: u64) -> Result<Vec<i64>> {
        let bucket = bucket(hash, index.starts.len() - 1);
        let mut range = [0; 2];
        index.starts.window(file, bucket, &mut range)?;
        let malformed = || file.malformed(0, "an index of a dictionary", Malformed("buckets out of order"));
        let start = u64::try_from(range[0]).map_err(|_| malformed())?;
        let length = range[1].checked_sub(range[0]).ok_or_else(malformed)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.count as usize);
        let mut entries = vec![0; length.ok_or_else(malformed)?];
        index.entries.window(file, start, &mut entries)?;
        Ok(entries)
    }

    /// Looks through the groups of numbers that the index names.
    fn find_number(
        &self,
        file: &SegmentFile,
        index: &Index,
        entries: &[i64],
        wanted: &[(i64, u128)],
        series: NumberSeries<'_>,
    ) -> Result<Option<u64>> {
        let mut looked_through = None;
        // Entries of a bucket ascend, so those of one group follow each other.
        for entry in entries.iter().filter(|_| !wanted.is_empty()) {
            if looked_through.replace(*entry) != Some(*entry) {
                let found =
                    self.find_in(file, (*entry as u64) << index.shift, 1 << index.shift, wanted, series)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Looks through the pages of numbers whose bounds allow for one of those wanted.
    fn find_zoned(
        &self,
        file: &SegmentFile,
        wanted: &[(i64, u128)],
        series: NumberSeries<'_>,
    ) -> Result<Option<u64>> {
        for (page, entry) in series.1.directory().entries().iter().enumerate() {
            let bounds = entry.least..=entry.greatest;
            if wanted.iter().any(|(_, number)| bounds.contains(&(*number as i64))) {
                let start = (page * SERIES_PAGE_NUMBERS) as u64;
                let found = self.find_in(file, start, SERIES_PAGE_NUMBERS, wanted, series)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Looks through so many numbers from a code on.
    fn find_in(
        &self,
        file: &SegmentFile,
        start: u64,
        length: usize,
        wanted: &[(i64, u128)],
        (prefix_codes, low, high): NumberSeries<'_>,
    ) -> Result<Option<u64>> {
        let length = self.count.saturating_sub(start).min(length as u64) as usize;
        let mut window = vec![0; length];
        low.window(file, start, &mut window)?;
        for (prefix, wanted) in wanted {
            for (at, _) in window.iter().enumerate().filter(|(_, number)| **number == *wanted as i64) {
                let code = start + at as u64;
                if prefix_codes.get(file, code)? == *prefix
                    && high.map_or(Ok(0), |high| high.get(file, code))? == (*wanted >> 64) as i64
                {
                    return Ok(Some(code));
                }
            }
        }
        Ok(None)
    }
}

/// Prefix codes, low and high words of the numbers of a dictionary.
type NumberSeries<'s> = (&'s Series, &'s Series, Option<&'s Series>);

/// All the ways a text can be a prefix and a number.
fn spellings(prefixes: &[(String, Notation)], text: &str) -> Vec<(i64, u128)> {
    let spelling = |(code, (prefix, notation)): (usize, &(String, Notation))| {
        let rest = text.strip_prefix(prefix.as_str())?;
        Some((code as i64, notation.read(rest.as_bytes())?))
    };
    prefixes.iter().enumerate().filter_map(spelling).collect()
}

fn prefix(prefixes: &[(String, Notation)], code: i64) -> Result<&(String, Notation), Malformed> {
    usize::try_from(code).ok().and_then(|code| prefixes.get(code)).ok_or(Malformed("a prefix past the last"))
}

fn read_prefixes(bytes: &[u8]) -> Result<Vec<(String, Notation)>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.bounded(PREFIXES_MAX, "too many prefixes")?;
    let mut prefixes = Vec::with_capacity(count);
    for _ in 0..count {
        let prefix = cursor.text()?.to_owned();
        let notation =
            Notation::from_code(cursor.byte()?, cursor.byte()?).ok_or(Malformed("an unknown notation"))?;
        prefixes.push((prefix, notation));
    }
    cursor.end()?;
    Ok(prefixes)
}
