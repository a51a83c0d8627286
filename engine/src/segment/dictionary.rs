//! The distinct texts of a column, numbered by their first row, and the index that finds the code of a text.
//!
//! ```text
//! numbered   prefixes: count varint, then per prefix length varint, bytes, notation u8, width u8;
//!            three series over all codes: prefix code, low 64 bits and, if any is set, high 64 bits
//! texts      pages of 2^k texts: 0 stored or 1 zstd (u8), decoded length varint, bytes;
//!            decoded: the length of each text as varint, then the texts
//! index      buckets of hashes, bucket = hash * buckets >> 64: a series of the start of each bucket, and a
//!            series of entries in bucket order, entry = code >> shift << fingerprint bits | fingerprint,
//!            where the fingerprint is the low bits of the hash
//! ```
//! The shift drops bits of the code that a scan of 2^shift numbers recovers in less time than they cost in
//! space; a numbered dictionary whose pages of numbers overlap little has no index at all, their bounds do; texts have a fingerprint instead, because looking at one may unpack a page.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use serde::{Deserialize, Serialize};

use super::builder::SegmentOptions;
use super::hash::stable_hash;
use super::ints::bounds;
use super::interner::Interner;
use super::numbered::{Notation, PREFIXES_MAX, take_apart};
use super::pages::{
    Directory, Output, PageList, SERIES_PAGE_NUMBERS, Section, SegmentFile, Series, SeriesRef,
};
use super::wire::{Cursor, Malformed, put_bytes, put_varint};
use crate::error::Result;
use crate::limits::{PAGE_BYTES_MAX, STRING_BYTES_MAX};

/// Dictionaries up to this many texts are looked through, not indexed.
const UNINDEXED_TEXTS_MAX: usize = 32;
/// Hashes per bucket, on average.
const BUCKET_HASHES: usize = 8;
/// Where the least and greatest number of pages leave at most so many pages to look through, on average, a
/// numbered dictionary of ids that count up needs no index.
const ZONED_PAGES_MAX: usize = 4;
/// Bits of the hash that the index of a dictionary of texts keeps.
const TEXT_FINGERPRINT_BITS: u32 = 8;
/// Bytes of text per page, about; a point read unpacks one.
const TEXT_PAGE_BYTES: usize = 4096;
/// Most texts per page.
const TEXT_PAGE_TEXTS_MAX: usize = 1024;
/// Pages of fewer bytes are stored as they are.
const TEXT_COMPRESSED_BYTES_MIN: usize = 128;
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
    Texts { count: u64, page_texts: u32, pages: Section },
    Numbered { prefixes: Section, prefix_codes: SeriesRef, low: SeriesRef, high: Option<SeriesRef> },
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
        None => write_texts(out, texts, order, options.text_level),
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

fn write_texts(out: &mut Output, texts: &Interner, order: &[u32], text_level: i32) -> FormRef {
    let average = texts.text_bytes() / order.len().max(1) + 1;
    let page_texts = (TEXT_PAGE_BYTES / average).clamp(1, TEXT_PAGE_TEXTS_MAX).next_power_of_two();
    let mut pages = PageList::default();
    let mut decoded = Vec::new();
    for page in order.chunks(page_texts) {
        decoded.clear();
        for code in page {
            put_varint(&mut decoded, texts.get(*code).len() as u64);
        }
        for code in page {
            decoded.extend_from_slice(texts.get(*code));
        }
        let compressed = compressed(out, &decoded, text_level);
        let start = out.bytes.len();
        out.bytes.push(u8::from(compressed.is_some()));
        put_varint(&mut out.bytes, decoded.len() as u64);
        out.bytes.extend_from_slice(compressed.as_deref().unwrap_or(&decoded));
        pages.put(out, start, 0, 0);
    }
    FormRef::Texts { count: order.len() as u64, page_texts: page_texts as u32, pages: pages.write(out) }
}

/// The page compressed, if that makes it worth unpacking.
fn compressed(out: &mut Output, page: &[u8], level: i32) -> Option<Vec<u8>> {
    if page.len() < TEXT_COMPRESSED_BYTES_MIN {
        return None;
    }
    if out.compressor.is_none() {
        out.compressor = zstd::bulk::Compressor::new(level).ok();
    }
    let compressed = out.compressor.as_mut()?.compress(page).ok()?;
    (compressed.len() < page.len() - page.len() / 8).then_some(compressed)
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
}

#[derive(Debug)]
enum Form {
    Texts { page_texts: u64, pages: Directory },
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
                let page_texts = u64::from(*page_texts);
                if !(1..=TEXT_PAGE_TEXTS_MAX as u64).contains(&page_texts) {
                    return Err(file.malformed(pages.offset, WHAT, Malformed("pages of another size")));
                }
                let pages = Directory::read(file, *pages, count.div_ceil(page_texts))?;
                (Form::Texts { page_texts, pages }, *count)
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
        Ok(Dictionary { form, count, index, kept: OnceLock::new(), held: Mutex::default() })
    }

    /// Distinct texts.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// The directories of the pages of its texts, and of its index.
    pub(crate) fn directories(&self) -> (Vec<&Directory>, Vec<&Directory>) {
        let texts = match &self.form {
            Form::Texts { pages, .. } => vec![pages],
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
            Form::Texts { .. } => Err(file.malformed(0, WHAT, Malformed("texts without prefixes"))),
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
            Form::Texts { .. } if self.count <= KEPT_TEXTS_MAX => {
                out.extend_from_slice(self.texts(file)?.get(code as u32).as_bytes());
            }
            Form::Texts { page_texts, pages } => {
                let mut texts = Texts::default();
                self.unpack(file, pages, *page_texts, code / page_texts, &mut texts)?;
                out.extend_from_slice(texts.get((code % page_texts) as u32).as_bytes());
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
        *held = Arc::downgrade(&texts);
        Ok(texts)
    }

    /// All texts, afresh.
    pub(crate) fn unpack_all(&self, file: &SegmentFile) -> Result<Texts> {
        let mut texts = Texts::default();
        match &self.form {
            Form::Texts { page_texts, pages } => {
                for page in 0..pages.len() as u64 {
                    self.unpack(file, pages, *page_texts, page, &mut texts)?;
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

    fn unpack(
        &self,
        file: &SegmentFile,
        pages: &Directory,
        page_texts: u64,
        page: u64,
        texts: &mut Texts,
    ) -> Result<()> {
        let (entry, bytes) = pages.page(file, page as usize)?;
        let count = (self.count - page * page_texts).min(page_texts) as usize;
        unpack_texts(&bytes[..entry.bytes as usize], count, texts)
            .map_err(|malformed| file.malformed(entry.offset, "a page of texts", malformed))
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
        let bucket = bucket(hash, index.starts.len() - 1);
        let mut range = [0; 2];
        index.starts.window(file, bucket, &mut range)?;
        let malformed = || file.malformed(0, "an index of a dictionary", Malformed("buckets out of order"));
        let start = u64::try_from(range[0]).map_err(|_| malformed())?;
        let length = range[1].checked_sub(range[0]).ok_or_else(malformed)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.count as usize);
        let mut entries = vec![0; length.ok_or_else(malformed)?];
        index.entries.window(file, start, &mut entries)?;
        match &self.form {
            Form::Numbered { prefixes, prefix_codes, low, high } => {
                let wanted: Vec<(i64, u128)> = spellings(prefixes, text);
                self.find_number(file, index, &entries, &wanted, (prefix_codes, low, high.as_ref()))
            }
            Form::Texts { .. } => {
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
                let found = self.find_in(file, (*entry as u64) << index.shift, 1 << index.shift, wanted, series)?;
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

fn unpack_texts(page: &[u8], count: usize, texts: &mut Texts) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(page);
    let compressed = cursor.byte()?;
    let limit = PAGE_BYTES_MAX.min(count * (STRING_BYTES_MAX + 3));
    let length = cursor.bounded(limit, "a page of texts is over its limit")?;
    let stored = cursor.take(cursor.remaining())?;
    let unpacked;
    let decoded = match compressed {
        0 => stored,
        1 => {
            unpacked =
                zstd::bulk::decompress(stored, length).map_err(|_| Malformed("zstd cannot unpack it"))?;
            &unpacked[..]
        }
        _ => return Err(Malformed("a page of texts is of no known kind")),
    };
    if decoded.len() != length {
        return Err(Malformed("a page of texts of another length"));
    }
    let mut cursor = Cursor::new(decoded);
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        lengths.push(cursor.bounded(STRING_BYTES_MAX, "a text is over its limit")?);
    }
    for length in lengths {
        let text = std::str::from_utf8(cursor.take(length)?).map_err(|_| Malformed("text is not UTF-8"))?;
        texts.push(text)?;
    }
    cursor.end()
}
