//! The entropy-coded page of whole numbers, for tiers that are read seldom: frequent numbers take about as many
//! bits as they are surprising. It is unpacked as a whole before any number of it is had.
//!
//! ```text
//! kind u8         32 numbers; 33 differences; 34 differences, zigzag; 35 below the next new one
//! first signed    33, 34: the first number; 35: the first new number
//! base signed     32, 33: what codes count from
//! step varint     codes are stored divided by it
//! own varint      numbers that have a symbol of their own: the first varint, then the distances, ascending
//! symbols         length varint, then zstd without its magic; length 0 stands for `count` symbols as they are
//! bits            length varint, then the low bits of those codes whose symbol does not say all, packed
//! ```
//! A code is the number less the base; the difference less the base; the difference in zigzag; or how far the
//! number is below the next new one, which is one more after each number that equals it. Symbol 255 is the first of the numbers with a symbol of
//! their own, 254 the next. Symbols 0 to 7 are these codes; symbol `8 + 4 * (n - 4) + t` stands for the codes of
//! `n` bits whose two bits below the highest are `t`, and `n - 3` further bits are packed.
//!
//! Lengths of bits and the zstd frame are as good as random to everything but this module, so what is packed
//! is bounded by the count of numbers, which whoever holds the page knows.

use std::cell::RefCell;

use super::bits::{bits_for, read};
use super::ints::bounds;
use super::wire::{Cursor, Malformed, put_signed, put_varint};

/// The least kind of these pages; the kinds of packed ones are below.
pub(crate) const KIND_MIN: u8 = 32;
const NUMBERS: u8 = 32;
const DIFFERENCES: u8 = 33;
const ZIGZAG: u8 = 34;
const BELOW: u8 = 35;

/// Codes below this are their own symbol.
const PLAIN: u64 = 8;
/// Most symbols that stand for ranges of codes.
const RANGES: usize = 8 + 4 * 61;
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Fewer numbers than this gain less than their tables cost.
const NUMBERS_MIN: usize = 32;

/// The symbol of a code without one of its own, and how many of its low bits are packed.
#[inline]
fn range_of(code: u64) -> (u8, u32) {
    if code < PLAIN {
        return (code as u8, 0);
    }
    let bits = bits_for(code);
    let low = bits - 3;
    ((PLAIN as u32 + 4 * (bits - 4)) as u8 + (code >> low & 3) as u8, low)
}

/// The least code of a range, and how many low bits are packed.
const fn range(symbol: usize) -> (u64, u8) {
    if symbol < PLAIN as usize {
        return (symbol as u64, 0);
    }
    let low = (symbol - PLAIN as usize) / 4 + 1;
    ((4 | (symbol as u64 & 3)) << low, low as u8)
}

/// Codes of a page and what gives the numbers back.
struct Codes {
    kind: u8,
    first: i64,
    base: i64,
    step: u64,
    codes: Vec<u64>,
    /// Numbers with a symbol of their own, ascending.
    own: Vec<u64>,
    cost_bits: f64,
}

/// Encodes pages; keeps its buffers.
pub(crate) struct EntropyCoder {
    compressor: zstd::bulk::Compressor<'static>,
}

impl EntropyCoder {
    /// With that level of zstd.
    pub(crate) fn new(level: i32) -> EntropyCoder {
        let mut compressor =
            zstd::bulk::Compressor::new(level).expect("zstd has memory for its tables and knows its levels");
        for parameter in [
            zstd::zstd_safe::CParameter::ContentSizeFlag(false),
            zstd::zstd_safe::CParameter::ChecksumFlag(false),
            zstd::zstd_safe::CParameter::DictIdFlag(false),
        ] {
            compressor.set_parameter(parameter).expect("zstd has these parameters");
        }
        EntropyCoder { compressor }
    }

    /// The page, if that is smaller than `packed_bytes` by as much as makes up for unpacking it.
    pub(crate) fn encode(&mut self, values: &[i64], packed_bytes: usize) -> Option<Vec<u8>> {
        if values.len() < NUMBERS_MIN {
            return None;
        }
        let best = transforms(values).into_iter().min_by(|a, b| a.cost_bits.total_cmp(&b.cost_bits))?;
        let page = self.write(&best);
        (page.len() < packed_bytes - packed_bytes / 32).then_some(page)
    }

    fn write(&mut self, codes: &Codes) -> Vec<u8> {
        let mut page = vec![codes.kind];
        if codes.kind != NUMBERS {
            put_signed(&mut page, codes.first);
        }
        if matches!(codes.kind, NUMBERS | DIFFERENCES) {
            put_signed(&mut page, codes.base);
        }
        put_varint(&mut page, codes.step);
        put_varint(&mut page, codes.own.len() as u64);
        let mut last = 0;
        for own in &codes.own {
            put_varint(&mut page, own - last);
            last = *own;
        }
        let mut symbols = Vec::with_capacity(codes.codes.len());
        let mut bits = BitWriter::default();
        for code in &codes.codes {
            match codes.own.binary_search(code) {
                Ok(at) => symbols.push(255 - at as u8),
                Err(_) => {
                    let (symbol, low) = range_of(*code);
                    symbols.push(symbol);
                    bits.put(code & ((1 << low) - 1), low);
                }
            }
        }
        let compressed = self.compressor.compress(&symbols).ok().filter(|c| c.len() - 4 < symbols.len());
        match compressed {
            Some(frame) => {
                assert!(frame[..4] == MAGIC, "zstd frames start with its magic");
                put_varint(&mut page, frame.len() as u64 - 4);
                page.extend_from_slice(&frame[4..]);
            }
            None => {
                put_varint(&mut page, 0);
                page.extend_from_slice(&symbols);
            }
        }
        let bits = bits.finish();
        put_varint(&mut page, bits.len() as u64);
        page.extend_from_slice(&bits);
        page
    }
}

/// Numbers as the codes of every kind of page that can hold them.
fn transforms(values: &[i64]) -> Vec<Codes> {
    let (least, _) = bounds(values);
    let offsets = values.iter().map(|value| value.wrapping_sub(least) as u64).collect();
    let mut all = vec![Codes::new(NUMBERS, 0, least, offsets)];
    let differences: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let (least, _) = bounds(&differences);
    if least >= 0 {
        let codes = differences.iter().map(|difference| difference.wrapping_sub(least) as u64).collect();
        all.push(Codes::new(DIFFERENCES, values[0], least, codes));
    } else {
        let codes =
            differences.iter().map(|difference| ((difference << 1) ^ (difference >> 63)) as u64).collect();
        all.push(Codes::new(ZIGZAG, values[0], 0, codes));
    }
    if let Some((first, codes)) = below_next(values) {
        all.push(Codes::new(BELOW, first, 0, codes));
    }
    all
}

/// How far each number is below the next new one, where new numbers count up, as codes of values do that are
/// numbered by their first row; with the first new one.
fn below_next(values: &[i64]) -> Option<(i64, Vec<u64>)> {
    // What exceeds all before it: at first perhaps numbers known from earlier pages, in the end new ones.
    let (mut first, mut greatest) = (values[0], values[0]);
    for value in &values[1..] {
        if *value > greatest {
            if greatest.checked_add(1) != Some(*value) {
                first = *value;
            }
            greatest = *value;
        }
    }
    let mut next = first;
    let mut codes = Vec::with_capacity(values.len());
    for value in values {
        codes.push(u64::try_from(next.checked_sub(*value)?).ok()?);
        if *value == next {
            next = next.checked_add(1)?;
        }
    }
    Some((first, codes))
}

impl Codes {
    fn new(kind: u8, first: i64, base: i64, mut codes: Vec<u64>) -> Codes {
        let step = super::ints::common_step(&codes).max(1);
        if step > 1 {
            codes.iter_mut().for_each(|code| *code /= step);
        }
        let mut codes = Codes { kind, first, base, step, codes, own: vec![], cost_bits: 0.0 };
        codes.choose_own();
        codes
    }

    /// Gives a symbol of its own to every code that takes fewer bits so, and reckons what the page takes.
    fn choose_own(&mut self) {
        let mut sorted = self.codes.clone();
        sorted.sort_unstable();
        let mut ranges = [0u32; RANGES];
        sorted.iter().for_each(|code| ranges[range_of(*code).0 as usize] += 1);
        let room = 256 - ranges.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        let mut gains: Vec<(f64, u64, u32)> = Vec::new();
        for run in sorted.chunk_by(|a, b| a == b) {
            let (symbol, low) = range_of(run[0]);
            if low > 0 && run.len() > 1 {
                let (count, of_range) = (run.len() as f64, f64::from(ranges[symbol as usize]));
                let table = 10.0 + f64::from(low) / 2.0;
                let gain = count * (f64::from(low) - (of_range / count).log2()) - table;
                if gain > 0.0 {
                    gains.push((gain, run[0], run.len() as u32));
                }
            }
        }
        gains.sort_by(|a, b| b.0.total_cmp(&a.0));
        gains.truncate(room);
        let total = self.codes.len() as f64;
        let cost = |count: u32| f64::from(count) * (total / f64::from(count.max(1))).log2();
        for (_, code, count) in &gains {
            ranges[range_of(*code).0 as usize] -= count;
            self.cost_bits += cost(*count) + 16.0;
            self.own.push(*code);
        }
        self.own.sort_unstable();
        for (symbol, count) in ranges.iter().enumerate() {
            self.cost_bits += cost(*count) + f64::from(*count) * f64::from(range(symbol).1);
        }
    }
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    word: u64,
    filled: u32,
}

impl BitWriter {
    fn put(&mut self, value: u64, width: u32) {
        if width == 0 {
            return;
        }
        self.word |= value << self.filled;
        let filled = self.filled + width;
        if filled >= 64 {
            self.bytes.extend(self.word.to_le_bytes());
            self.word = if self.filled == 0 { 0 } else { value >> (64 - self.filled) };
            self.filled = filled - 64;
        } else {
            self.filled = filled;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.extend(&self.word.to_le_bytes()[..self.filled.div_ceil(8) as usize]);
        self.bytes
    }
}

/// A page being read: its head.
#[derive(Clone, Debug)]
pub(crate) struct EntropyPage<'a> {
    kind: u8,
    first: i64,
    base: i64,
    step: u64,
    own: Vec<u64>,
    /// None if they stand there as they are.
    frame: Option<&'a [u8]>,
    symbols: &'a [u8],
    /// From the first packed bit to past the page's end.
    bits: &'a [u8],
    bits_bytes: usize,
    byte_len: usize,
}

thread_local! {
    /// A context is as large as a hundred pages; making one takes longer than unpacking one.
    static UNPACKER: RefCell<(Option<zstd::bulk::Decompressor<'static>>, Vec<u8>, Vec<u8>)> =
        const { RefCell::new((None, Vec::new(), Vec::new())) };
}

const SHORT: Malformed = Malformed("an entropy-coded page is too short");

impl<'a> EntropyPage<'a> {
    /// Reads the head of a page of `count` numbers.
    pub(crate) fn parse(bytes: &'a [u8], count: usize) -> Result<EntropyPage<'a>, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.byte()?;
        if !(NUMBERS..=BELOW).contains(&kind) || count == 0 || count > super::ints::PAGE_NUMBERS_MAX {
            return Err(Malformed("a page of numbers is of no known kind"));
        }
        let first = if kind == NUMBERS { 0 } else { cursor.signed()? };
        let base = if matches!(kind, NUMBERS | DIFFERENCES) { cursor.signed()? } else { 0 };
        let step = cursor.varint()?;
        let own_count = cursor.bounded(256, "more symbols than there are")?;
        let mut own = Vec::with_capacity(own_count);
        let mut last = 0u64;
        for _ in 0..own_count {
            last = last.wrapping_add(cursor.varint()?);
            own.push(last);
        }
        // A difference less than there are numbers.
        let symbol_count = if matches!(kind, DIFFERENCES | ZIGZAG) { count - 1 } else { count };
        let length = cursor.bounded(cursor.remaining(), "a length is over its bytes")?;
        let (frame, symbols): (_, &[u8]) = match length {
            0 => (None, cursor.take(symbol_count)?),
            length => (Some(cursor.take(length)?), &[]),
        };
        let bits_bytes = cursor.bounded(cursor.remaining(), "a length is over its bytes")?;
        let at = cursor.position();
        cursor.take(bits_bytes)?;
        let byte_len = cursor.position();
        Ok(EntropyPage {
            kind,
            first,
            base,
            step,
            own,
            frame,
            symbols,
            bits: &bytes[at..],
            bits_bytes,
            byte_len,
        })
    }

    /// Bytes from its first to its end.
    pub(crate) fn byte_len(&self) -> usize {
        self.byte_len
    }

    /// Fills `out` with all of its numbers.
    pub(crate) fn decode(&self, out: &mut [i64]) -> Result<(), Malformed> {
        let differences = matches!(self.kind, DIFFERENCES | ZIGZAG);
        let codes = &mut out[usize::from(differences)..];
        match self.frame {
            None => self.decode_codes(self.symbols, codes)?,
            Some(frame) => UNPACKER.with_borrow_mut(|(context, framed, symbols)| {
                let context = match context {
                    Some(context) => context,
                    None => context.insert(
                        zstd::bulk::Decompressor::new().map_err(|_| Malformed("zstd has no memory"))?,
                    ),
                };
                framed.clear();
                framed.extend_from_slice(&MAGIC);
                framed.extend_from_slice(frame);
                // No more is unpacked than there is room for.
                symbols.resize(codes.len(), 0);
                let unpacked = context.decompress_to_buffer(framed, &mut symbols[..]);
                if unpacked.map_err(|_| Malformed("zstd cannot unpack it"))? != codes.len() {
                    return Err(Malformed("a page of another number of symbols"));
                }
                self.decode_codes(symbols, codes)
            })?,
        }
        match self.kind {
            NUMBERS => out.iter_mut().for_each(|value| *value = value.wrapping_add(self.base)),
            DIFFERENCES | ZIGZAG => {
                out[0] = self.first;
                let (mut last, zigzag) = (self.first, self.kind == ZIGZAG);
                for value in &mut out[1..] {
                    let code = *value;
                    let difference = match zigzag {
                        true => (code as u64 >> 1) as i64 ^ -(code & 1),
                        false => code.wrapping_add(self.base),
                    };
                    last = last.wrapping_add(difference);
                    *value = last;
                }
            }
            _ => {
                let mut next = self.first;
                for value in out {
                    let is_new = *value == 0;
                    *value = next.wrapping_sub(*value);
                    next = next.wrapping_add(i64::from(is_new));
                }
            }
        }
        Ok(())
    }

    /// Codes times the step.
    fn decode_codes(&self, symbols: &[u8], out: &mut [i64]) -> Result<(), Malformed> {
        let mut table = [(0u64, 0u8); 256];
        for (symbol, entry) in table.iter_mut().enumerate() {
            *entry = range(symbol.min(RANGES - 1));
        }
        for (at, own) in self.own.iter().enumerate() {
            table[255 - at] = (*own, 0);
        }
        let mut bit = 0;
        for (symbol, value) in symbols.iter().zip(out) {
            let (least, low) = table[*symbol as usize];
            let rest = read(self.bits, bit, u32::from(low)).ok_or(SHORT)?;
            bit += low as usize;
            *value = (least | rest).wrapping_mul(self.step) as i64;
        }
        if bit.div_ceil(8) == self.bits_bytes { Ok(()) } else { Err(SHORT) }
    }
}
