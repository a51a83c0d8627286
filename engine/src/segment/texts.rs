//! Pages of texts, the form of dictionaries whose texts are not a prefix and a number.
//!
//! ```text
//! page     0 stored, 1 zstd or 2 zstd with the trained dictionary (u8), decoded length varint, bytes;
//!          decoded: the length of each text as varint, then the texts
//! trained  decoded length varint, zstd: a dictionary of zstd
//! ```
//! Pages are small because a point read unpacks one; what small pages have in common goes into a dictionary trained
//! over them, in tiers where building may take its time.

use std::fmt;

use zstd::zstd_safe::{CParameter, DCtx, DDict};

use super::dictionary::Texts;
use super::interner::Interner;
use super::options::SegmentOptions;
use super::pages::{Directory, Output, PageList, Section, SegmentFile};
use super::wire::{Cursor, Malformed, put_varint};
use crate::error::Result;
use crate::limits::{PAGE_BYTES_MAX, STRING_BYTES_MAX};

/// Bytes of text per page, about.
const TEXT_PAGE_BYTES: usize = 4096;
/// Most texts per page.
const TEXT_PAGE_TEXTS_MAX: usize = 1024;
/// Pages of fewer bytes are stored as they are.
const TEXT_COMPRESSED_BYTES_MIN: usize = 128;
/// A dictionary is trained over at least so many pages,
const TRAINING_PAGES_MIN: usize = 16;
/// ... and over no more bytes, taken from all over the texts.
const TRAINING_BYTES_MAX: usize = 2 << 20;
/// Largest trained dictionary.
const TRAINED_BYTES_MAX: usize = 64 << 10;

const STORED: u8 = 0;
const ZSTD: u8 = 1;
const TRAINED: u8 = 2;

/// Where the pages are.
pub(super) struct Written {
    pub(super) page_texts: u32,
    pub(super) pages: Section,
    pub(super) trained: Option<Section>,
}

/// Writes the texts of an interner in the order of their final codes.
pub(super) fn write(out: &mut Output, texts: &Interner, order: &[u32], options: &SegmentOptions) -> Written {
    let average = texts.text_bytes() / order.len().max(1) + 1;
    let page_texts = (TEXT_PAGE_BYTES / average).clamp(1, TEXT_PAGE_TEXTS_MAX).next_power_of_two();
    let trained = match options.text_training {
        true => train(texts, order, page_texts, options.text_level),
        false => None,
    };
    let trained_at = trained.as_ref().map(|trained| out.section(&trained.section));
    let mut compressor = trained.map(|trained| trained.compressor);
    let mut pages = PageList::default();
    let mut decoded = Vec::new();
    for page in order.chunks(page_texts) {
        decode_page(texts, page, &mut decoded);
        let (kind, compressed) = match &mut compressor {
            Some(compressor) => (TRAINED, compressed_by(compressor, &decoded)),
            None => (ZSTD, compressed(out, &decoded, options.text_level)),
        };
        let start = out.bytes.len();
        out.bytes.push(if compressed.is_some() { kind } else { STORED });
        put_varint(&mut out.bytes, decoded.len() as u64);
        out.bytes.extend_from_slice(compressed.as_deref().unwrap_or(&decoded));
        pages.put(out, start, 0, 0);
    }
    Written { page_texts: page_texts as u32, pages: pages.write(out), trained: trained_at }
}

/// What a page unpacks to.
fn decode_page(texts: &Interner, page: &[u32], out: &mut Vec<u8>) {
    out.clear();
    for code in page {
        put_varint(out, texts.get(*code).len() as u64);
    }
    for code in page {
        out.extend_from_slice(texts.get(*code));
    }
}

/// The page compressed, if that makes it worth unpacking.
fn compressed(out: &mut Output, page: &[u8], level: i32) -> Option<Vec<u8>> {
    if page.len() < TEXT_COMPRESSED_BYTES_MIN {
        return None;
    }
    if out.compressor.is_none() {
        out.compressor = zstd::bulk::Compressor::new(level).ok();
    }
    compressed_by(out.compressor.as_mut()?, page)
}

fn compressed_by(compressor: &mut zstd::bulk::Compressor<'_>, page: &[u8]) -> Option<Vec<u8>> {
    let compressed = compressor.compress(page).ok()?;
    (compressed.len() < page.len() - page.len() / 8).then_some(compressed)
}

/// A dictionary of zstd, while building.
struct Training {
    section: Vec<u8>,
    compressor: zstd::bulk::Compressor<'static>,
}

/// Trains a dictionary over pages, if it saves more than it takes.
fn train(texts: &Interner, order: &[u32], page_texts: usize, level: i32) -> Option<Training> {
    let count = order.len().div_ceil(page_texts);
    if count < TRAINING_PAGES_MIN {
        return None;
    }
    let every = (texts.text_bytes() / TRAINING_BYTES_MAX + 1).max(1);
    let (mut samples, mut sizes, mut page) = (Vec::new(), Vec::new(), Vec::new());
    for codes in order.chunks(page_texts).step_by(every) {
        decode_page(texts, codes, &mut page);
        samples.extend_from_slice(&page);
        sizes.push(page.len());
    }
    let bytes_max = (samples.len() / 8).clamp(1024, TRAINED_BYTES_MAX);
    let trained = zstd::dict::from_continuous(&samples, &sizes, bytes_max).ok()?;
    let mut section = Vec::new();
    put_varint(&mut section, trained.len() as u64);
    section.extend(zstd::bulk::compress(&trained, level).ok()?);
    let mut compressor = zstd::bulk::Compressor::with_dictionary(level, &trained).ok()?;
    compressor.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    compressor.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
    let mut plain = zstd::bulk::Compressor::new(level).ok()?;
    // A few pages tell what it saves on each.
    let (mut saved, mut tried, mut at) = (0i64, 0, 0);
    for (index, size) in sizes.iter().enumerate() {
        let page = &samples[at..at + size];
        at += size;
        if index % (sizes.len() / TRAINING_PAGES_MIN).max(1) == 0 {
            saved += plain.compress(page).ok()?.len() as i64 - compressor.compress(page).ok()?.len() as i64;
            tried += 1;
        }
    }
    (saved * count as i64 / tried > section.len() as i64).then_some(Training { section, compressor })
}

/// Pages of texts being read.
#[derive(Debug)]
pub(super) struct TextPages {
    page_texts: u64,
    count: u64,
    pub(super) directory: Directory,
    trained: Option<Trained>,
}

/// A trained dictionary, made ready.
struct Trained(DDict<'static>);

impl fmt::Debug for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trained")
    }
}

const WHAT: &str = "a page of texts";
const UNPACKABLE: Malformed = Malformed("zstd cannot unpack it");

impl TextPages {
    pub(super) fn read(
        file: &SegmentFile,
        count: u64,
        page_texts: u32,
        pages: Section,
        trained: Option<Section>,
    ) -> Result<TextPages> {
        let page_texts = u64::from(page_texts);
        if !(1..=TEXT_PAGE_TEXTS_MAX as u64).contains(&page_texts) {
            return Err(file.malformed(pages.offset, "a dictionary", Malformed("pages of another size")));
        }
        let trained = match trained {
            None => None,
            Some(section) => {
                let what = "a trained dictionary";
                let bytes = file.section(section, what)?;
                let trained = read_trained(bytes)
                    .map_err(|malformed| file.malformed(section.offset, what, malformed))?;
                Some(trained)
            }
        };
        let directory = Directory::read(file, pages, count.div_ceil(page_texts))?;
        Ok(TextPages { page_texts, count, directory, trained })
    }

    pub(super) fn page_count(&self) -> u64 {
        self.directory.len() as u64
    }

    /// The page that has a code's text, and the text's place there.
    pub(super) fn place(&self, code: u64) -> (u64, u32) {
        (code / self.page_texts, (code % self.page_texts) as u32)
    }

    /// Appends the texts of a page.
    pub(super) fn unpack(&self, file: &SegmentFile, page: u64, texts: &mut Texts) -> Result<()> {
        let (entry, bytes) = self.directory.page(file, page as usize)?;
        let count = (self.count - page * self.page_texts).min(self.page_texts) as usize;
        self.unpack_page(&bytes[..entry.bytes as usize], count, texts)
            .map_err(|malformed| file.malformed(entry.offset, WHAT, malformed))
    }

    fn unpack_page(&self, page: &[u8], count: usize, texts: &mut Texts) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(page);
        let kind = cursor.byte()?;
        let limit = PAGE_BYTES_MAX.min(count * (STRING_BYTES_MAX + 3));
        let length = cursor.bounded(limit, "a page of texts is over its limit")?;
        let stored = cursor.take(cursor.remaining())?;
        let unpacked;
        let decoded = match (kind, &self.trained) {
            (STORED, _) => stored,
            (ZSTD, _) => {
                unpacked = zstd::bulk::decompress(stored, length).map_err(|_| UNPACKABLE)?;
                &unpacked[..]
            }
            (TRAINED, Some(trained)) => {
                let mut buffer = Vec::with_capacity(length);
                let mut context = DCtx::try_create().ok_or(Malformed("zstd has no memory"))?;
                context.decompress_using_ddict(&mut buffer, stored, &trained.0).map_err(|_| UNPACKABLE)?;
                unpacked = buffer;
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
            let text =
                std::str::from_utf8(cursor.take(length)?).map_err(|_| Malformed("text is not UTF-8"))?;
            texts.push(text)?;
        }
        cursor.end()
    }
}

fn read_trained(section: &[u8]) -> Result<Trained, Malformed> {
    let mut cursor = Cursor::new(section);
    let length = cursor.bounded(TRAINED_BYTES_MAX, "a trained dictionary is over its limit")?;
    let frame = cursor.take(cursor.remaining())?;
    let bytes = zstd::bulk::decompress(frame, length).map_err(|_| UNPACKABLE)?;
    if bytes.len() != length {
        return Err(Malformed("a trained dictionary of another length"));
    }
    DDict::try_create(&bytes).map(Trained).ok_or(Malformed("zstd takes it for no dictionary"))
}
