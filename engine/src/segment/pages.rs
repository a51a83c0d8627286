//! Pages and what finds them: a directory per run of pages, each page with its own checksum, verified
//! before the first use of the page and then remembered. A series is a run of pages of numbers.
//!
//! ```text
//! directory = count varint, then offset, length, checksum, least, greatest of every page:
//!             five arrays of numbers, each cut into chunks of 65536, each chunk length varint, page of numbers
//! ```
//! Least and greatest bound the values of a page in the terms of its column. A page of length 0 stands
//! for values that are all equal to the least.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::int_page::IntPage;
use super::ints::{Encoder, PAGE_NUMBERS_MAX, bounds};
use super::unpacked::{FileNumber, Origin};
use super::wire::{Cursor, Malformed, put_varint};
use crate::error::{Error, Result};
use crate::vfs::Mapping;

/// Numbers per page of a series.
pub(crate) const SERIES_PAGE_NUMBERS: usize = 4096;

/// A checksummed run of bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
}

/// A run of numbers in pages of [`SERIES_PAGE_NUMBERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeriesRef {
    pub(crate) count: u64,
    pub(crate) directory: Section,
}

/// The file being written.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ints: Encoder,
    /// Created with the first text that wants it: that takes as long as sealing a hundred events.
    pub(crate) compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl Output {
    /// An empty file whose pages may be entropy-coded, with that level of zstd.
    pub(crate) fn new(entropy_level: Option<i32>) -> Output {
        Output { ints: Encoder::new(entropy_level), ..Output::default() }
    }

    /// Appends bytes of their own.
    pub(crate) fn section(&mut self, bytes: &[u8]) -> Section {
        let section = Section {
            offset: self.bytes.len() as u64,
            bytes: bytes.len() as u64,
            crc: crc32fast::hash(bytes),
        };
        self.bytes.extend_from_slice(bytes);
        section
    }

    /// Appends numbers as a series whose pages are all packed, because they are read one by one.
    pub(crate) fn packed_series(&mut self, values: &[i64]) -> SeriesRef {
        let entropy = self.ints.take_entropy();
        let series = self.series(values);
        self.ints.set_entropy(entropy);
        series
    }

    /// Appends numbers as a series.
    pub(crate) fn series(&mut self, values: &[i64]) -> SeriesRef {
        let mut pages = PageList::default();
        for chunk in values.chunks(SERIES_PAGE_NUMBERS) {
            pages.put_ints(self, chunk);
        }
        SeriesRef { count: values.len() as u64, directory: pages.write(self) }
    }
}

/// The directory of pages being written.
#[derive(Default)]
pub(crate) struct PageList {
    offsets: Vec<i64>,
    lengths: Vec<i64>,
    checksums: Vec<i64>,
    least: Vec<i64>,
    greatest: Vec<i64>,
}

impl PageList {
    /// Notes what was appended to the output since `start` as the next page.
    pub(crate) fn put(&mut self, out: &Output, start: usize, least: i64, greatest: i64) {
        let page = &out.bytes[start..];
        self.offsets.push(start as i64);
        self.lengths.push(page.len() as i64);
        self.checksums.push(if page.is_empty() { 0 } else { i64::from(crc32fast::hash(page)) });
        self.least.push(least);
        self.greatest.push(greatest);
    }

    /// Appends a page of numbers; none at all if they are equal.
    pub(crate) fn put_ints(&mut self, out: &mut Output, values: &[i64]) {
        let start = out.bytes.len();
        let (least, greatest) = if values.is_empty() { (0, 0) } else { bounds(values) };
        if least != greatest {
            out.ints.encode(values, &mut out.bytes);
        }
        self.put(out, start, least, greatest);
    }

    /// Appends the directory.
    pub(crate) fn write(&self, out: &mut Output) -> Section {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.offsets.len() as u64);
        let mut page = Vec::new();
        for values in [&self.offsets, &self.lengths, &self.checksums, &self.least, &self.greatest] {
            for chunk in values.chunks(PAGE_NUMBERS_MAX) {
                page.clear();
                out.ints.encode_packed(chunk, &mut page);
                put_varint(&mut bytes, page.len() as u64);
                bytes.extend_from_slice(&page);
            }
        }
        out.section(&bytes)
    }
}

/// An opened file: its bytes, and where its pages end. The trailer behind them is longer than the slack
/// that unpacking wants.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Mapping,
    pub(crate) pages_end: u64,
    pub(crate) number: FileNumber,
    /// Takes every checksum for right, to see what decoders make of bytes that checksums would refuse.
    #[cfg(test)]
    pub(crate) unchecked: bool,
}

/// Hint that goes with damage to a segment.
pub(crate) const HINT: &str = "restore the file from a backup; `blotter verify` lists all damage";

impl SegmentFile {
    /// A place in it, as unpacked pages are known by.
    #[inline]
    pub(crate) fn origin(&self, offset: u64) -> Origin {
        self.number.at(offset)
    }

    /// Damage found by a checksum.
    #[cold]
    pub(crate) fn mismatch(&self, offset: u64, what: &str, expected: u32, found: u32) -> Error {
        Error::damaged(
            &self.path,
            offset,
            format!("{what} with checksum {expected:08x}"),
            format!("checksum {found:08x}"),
            HINT,
        )
    }

    /// Damage found by a decoder.
    #[cold]
    pub(crate) fn malformed(&self, offset: u64, what: &str, malformed: Malformed) -> Error {
        Error::damaged(&self.path, offset, what, malformed.0, HINT)
    }

    /// The bytes of a section, verified.
    pub(crate) fn section(&self, section: Section, what: &str) -> Result<&[u8]> {
        let end = section.offset.checked_add(section.bytes).filter(|end| *end <= self.pages_end);
        let Some(end) = end else {
            return Err(self.malformed(section.offset, what, Malformed("a place outside the file")));
        };
        let bytes = &self.bytes[section.offset as usize..end as usize];
        let found = crc32fast::hash(bytes);
        if self.matches(section.crc, found) {
            Ok(bytes)
        } else {
            Err(self.mismatch(section.offset, what, section.crc, found))
        }
    }

    #[inline]
    fn matches(&self, expected: u32, found: u32) -> bool {
        #[cfg(test)]
        if self.unchecked {
            return true;
        }
        expected == found
    }
}

/// One page's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageEntry {
    pub(crate) offset: u64,
    pub(crate) least: i64,
    pub(crate) greatest: i64,
    pub(crate) bytes: u32,
    crc: u32,
}

/// The directory of pages being read.
#[derive(Debug)]
pub(crate) struct Directory {
    pages: Vec<PageEntry>,
    verified: Vec<AtomicU64>,
}

impl Directory {
    /// Reads the directory of `count` pages.
    pub(crate) fn read(file: &SegmentFile, section: Section, count: u64) -> Result<Directory> {
        let bytes = file.section(section, "a page directory")?;
        Directory::parse(file, bytes, count)
            .map_err(|malformed| file.malformed(section.offset, "a page directory", malformed))
    }

    fn parse(file: &SegmentFile, bytes: &[u8], expected: u64) -> Result<Directory, Malformed> {
        let mut cursor = Cursor::new(bytes);
        // A page of constants takes no bytes, so the only bound on their number is that of rows.
        let count = cursor.bounded(crate::limits::SEGMENT_ROWS_MAX, "too many pages")?;
        if count as u64 != expected {
            return Err(Malformed("another number of pages"));
        }
        let mut arrays: [Vec<i64>; 5] = Default::default();
        for array in &mut arrays {
            while array.len() < count {
                let chunk = (count - array.len()).min(PAGE_NUMBERS_MAX);
                let length = cursor.bounded(cursor.remaining(), "a length is over its bytes")?;
                // The slack that unpacking wants is in the file behind the section.
                let at = bytes.as_ptr() as usize - file.bytes.as_ptr() as usize + cursor.position();
                let page = IntPage::parse(&file.bytes[at..], chunk, Origin::NOWHERE)?;
                if page.byte_len()? != length {
                    return Err(Malformed("a page of numbers of another length"));
                }
                cursor.take(length)?;
                page.decode(array)?;
            }
        }
        cursor.end()?;
        let [offsets, lengths, checksums, least, greatest] = &arrays;
        let mut pages = Vec::with_capacity(count);
        for index in 0..count {
            let offset = u64::try_from(offsets[index]).map_err(|_| Malformed("a place outside the file"))?;
            let bytes = u32::try_from(lengths[index]).map_err(|_| Malformed("a page that is too long"))?;
            if offset.checked_add(u64::from(bytes)).is_none_or(|end| end > file.pages_end) {
                return Err(Malformed("a place outside the file"));
            }
            let crc = u32::try_from(checksums[index]).map_err(|_| Malformed("a checksum over 32 bits"))?;
            pages.push(PageEntry { offset, least: least[index], greatest: greatest[index], bytes, crc });
        }
        let verified = (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Directory { pages, verified })
    }

    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn entries(&self) -> &[PageEntry] {
        &self.pages
    }

    #[inline]
    pub(crate) fn entry(&self, index: usize) -> Result<&PageEntry, Malformed> {
        self.pages.get(index).ok_or(Malformed("a page that the directory does not list"))
    }

    /// The bytes of a page and all behind them; verified on first use.
    #[inline]
    pub(crate) fn page<'f>(&self, file: &'f SegmentFile, index: usize) -> Result<(PageEntry, &'f [u8])> {
        let entry = *self.entry(index).map_err(|malformed| file.malformed(0, "a page", malformed))?;
        let bit = 1 << (index % 64);
        if self.verified[index / 64].load(Ordering::Relaxed) & bit == 0 {
            self.verify(file, index)?;
            self.verified[index / 64].fetch_or(bit, Ordering::Relaxed);
        }
        Ok((entry, &file.bytes[entry.offset as usize..]))
    }

    /// Checks the checksum of a page, remembered or not.
    #[cold]
    pub(crate) fn verify(&self, file: &SegmentFile, index: usize) -> Result<()> {
        let entry = &self.pages[index];
        if entry.bytes == 0 {
            return Ok(());
        }
        let found = crc32fast::hash(&file.bytes[entry.offset as usize..][..entry.bytes as usize]);
        if file.matches(entry.crc, found) {
            Ok(())
        } else {
            Err(file.mismatch(entry.offset, "a page", entry.crc, found))
        }
    }
}

/// A page of numbers of which one or all may be wanted.
pub(crate) enum Numbers<'f> {
    /// All the same.
    Same(i64),
    /// A page.
    Page(IntPage<'f>, u64),
}

impl<'f> Numbers<'f> {
    /// Page `index` of a directory, holding `count` numbers.
    #[inline]
    pub(crate) fn open(
        file: &'f SegmentFile,
        directory: &Directory,
        index: usize,
        count: usize,
    ) -> Result<Numbers<'f>> {
        let (entry, bytes) = directory.page(file, index)?;
        if entry.bytes == 0 {
            return Ok(Numbers::Same(entry.least));
        }
        match IntPage::parse(bytes, count, file.origin(entry.offset)) {
            Ok(page) => Ok(Numbers::Page(page, entry.offset)),
            Err(malformed) => Err(file.malformed(entry.offset, "a page of numbers", malformed)),
        }
    }

    #[inline]
    pub(crate) fn get(&self, file: &SegmentFile, index: usize) -> Result<i64> {
        match self {
            Numbers::Same(value) => Ok(*value),
            Numbers::Page(page, offset) => {
                page.get(index).map_err(|malformed| file.malformed(*offset, "a page of numbers", malformed))
            }
        }
    }

    /// Appends all `count` numbers.
    pub(crate) fn decode(&self, file: &SegmentFile, count: usize, out: &mut Vec<i64>) -> Result<()> {
        match self {
            Numbers::Same(value) => {
                out.resize(out.len() + count, *value);
                Ok(())
            }
            Numbers::Page(page, offset) => {
                page.decode(out).map_err(|malformed| file.malformed(*offset, "a page of numbers", malformed))
            }
        }
    }

    /// Fills `out` with the numbers from `start`, all within the page.
    pub(crate) fn window(&self, file: &SegmentFile, start: usize, out: &mut [i64]) -> Result<()> {
        let (page, offset) = match self {
            Numbers::Same(value) => {
                out.fill(*value);
                return Ok(());
            }
            Numbers::Page(page, offset) => (page, offset),
        };
        page.window(start, out).map_err(|malformed| file.malformed(*offset, "a page of numbers", malformed))
    }
}

/// A series being read.
#[derive(Debug)]
pub(crate) struct Series {
    count: u64,
    directory: Directory,
}

impl Series {
    pub(crate) fn read(file: &SegmentFile, series: SeriesRef) -> Result<Series> {
        if series.count > crate::limits::SEGMENT_ROWS_MAX as u64 {
            let malformed = Malformed("more numbers than a segment has rows");
            return Err(file.malformed(series.directory.offset, "a series of numbers", malformed));
        }
        let pages = series.count.div_ceil(SERIES_PAGE_NUMBERS as u64);
        let directory = Directory::read(file, series.directory, pages)?;
        Ok(Series { count: series.count, directory })
    }

    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    fn page<'f>(&self, file: &'f SegmentFile, page: usize) -> Result<Numbers<'f>> {
        let start = (page * SERIES_PAGE_NUMBERS) as u64;
        let count = self.count.saturating_sub(start).min(SERIES_PAGE_NUMBERS as u64) as usize;
        Numbers::open(file, &self.directory, page, count)
    }

    /// The number at `index`; an index past the end is damage elsewhere.
    #[inline]
    pub(crate) fn get(&self, file: &SegmentFile, index: u64) -> Result<i64> {
        if index >= self.count {
            return Err(file.malformed(0, "a series of numbers", Malformed("an index past its end")));
        }
        let index = index as usize;
        self.page(file, index / SERIES_PAGE_NUMBERS)?.get(file, index % SERIES_PAGE_NUMBERS)
    }

    /// Fills `out` with the numbers from `start`.
    pub(crate) fn window(&self, file: &SegmentFile, start: u64, out: &mut [i64]) -> Result<()> {
        if start + out.len() as u64 > self.count {
            return Err(file.malformed(0, "a series of numbers", Malformed("an index past its end")));
        }
        let mut at = start as usize;
        let mut rest = out;
        while !rest.is_empty() {
            let within = at % SERIES_PAGE_NUMBERS;
            let (head, tail) = rest.split_at_mut(rest.len().min(SERIES_PAGE_NUMBERS - within));
            self.page(file, at / SERIES_PAGE_NUMBERS)?.window(file, within, head)?;
            at += head.len();
            rest = tail;
        }
        Ok(())
    }

    /// All numbers.
    pub(crate) fn decode(&self, file: &SegmentFile) -> Result<Vec<i64>> {
        let mut out = Vec::new();
        for page in 0..self.directory.len() {
            let count = (self.count as usize - out.len()).min(SERIES_PAGE_NUMBERS);
            self.page(file, page)?.decode(file, count, &mut out)?;
        }
        Ok(out)
    }
}
