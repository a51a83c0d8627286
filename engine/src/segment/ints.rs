//! The page of whole numbers, which all columns come down to: a constant, or miniblocks of 128 numbers
//! bit-packed against a base, either the numbers themselves or their differences, with the few that do
//! not fit a miniblock's width set apart. Any one number is found in constant time.
//!
//! ```text
//! kind u8         bits 0-1: 0 constant, 1 numbers, 2 differences; bit 2: step; bit 3: one width for all;
//!                 bit 4: exceptions
//!                 3 only in columns of whole numbers: the row's sequence number plus a constant
//! constant:       value signed, and the page ends; so for kind 3
//! base signed     the least number or difference; everything below counts from it
//! step varint     if bit 2: all offsets are multiples of it and stored divided
//! base width u8   bits per miniblock base
//! differences:    least start signed, start width u8
//! exceptions:     exception width u8
//! width u8        one, or one per miniblock
//! count u8        exceptions per miniblock, if bit 4
//! bases           packed, one per miniblock, added to each of its packed numbers
//! starts          packed, one per miniblock: its first number; the first difference is not used
//! miniblock ...   packed numbers, then, if it has exceptions, their positions (u8 each, ascending) and
//!                 their packed offsets from the page's base, which replace what is packed there
//! ```
//! Kinds from 32 on are entropy-coded, see `entropy`. `signed` is a zigzag varint. The count of numbers is known to whoever holds the page. Arithmetic wraps,
//! so every 64-bit number round-trips.

use super::bits::{MINIBLOCK, bits_for, pack, packed_bytes, read, unpack};
use super::entropy::EntropyCoder;
use super::wire::{Cursor, Malformed, put_signed, put_varint};

const KIND_CONSTANT: u8 = 0;
const KIND_NUMBERS: u8 = 1;
const KIND_DIFFERENCES: u8 = 2;
const KIND_FROM_SEQ: u8 = 3;
const KIND_MASK: u8 = 3;
const FLAG_STEP: u8 = 4;
const FLAG_ONE_WIDTH: u8 = 8;
const FLAG_EXCEPTIONS: u8 = 16;

/// Most numbers in one page.
pub(crate) const PAGE_NUMBERS_MAX: usize = 65_536;

/// Buffers of the encoder, kept between pages.
#[derive(Default)]
pub(crate) struct Encoder {
    offsets: Vec<u64>,
    widths: Vec<u8>,
    counts: Vec<u8>,
    bases: Vec<u64>,
    starts: Vec<u64>,
    body: Vec<u8>,
    positions: Vec<u8>,
    exceptions: Vec<u64>,
    /// Where pages may be entropy-coded.
    entropy: Option<EntropyCoder>,
}

/// Least and greatest of some numbers.
#[inline]
pub(crate) fn bounds(values: &[i64]) -> (i64, i64) {
    let mut least = i64::MAX;
    let mut greatest = i64::MIN;
    for &value in values {
        least = least.min(value);
        greatest = greatest.max(value);
    }
    (least, greatest)
}

impl Encoder {
    /// One that may entropy-code pages, with that level of zstd.
    pub(crate) fn new(entropy_level: Option<i32>) -> Encoder {
        Encoder { entropy: entropy_level.map(EntropyCoder::new), ..Encoder::default() }
    }

    pub(crate) fn take_entropy(&mut self) -> Option<EntropyCoder> {
        self.entropy.take()
    }

    pub(crate) fn set_entropy(&mut self, entropy: Option<EntropyCoder>) {
        self.entropy = entropy;
    }

    /// Appends the page of `values`, in the smallest of its forms.
    pub(crate) fn encode(&mut self, values: &[i64], out: &mut Vec<u8>) {
        let start = out.len();
        self.encode_packed(values, out);
        let packed_bytes = out.len() - start;
        if let Some(page) = self.entropy.as_mut().and_then(|coder| coder.encode(values, packed_bytes)) {
            out.truncate(start);
            out.extend_from_slice(&page);
        }
    }

    /// Appends the page of `values`, packed.
    pub(crate) fn encode_packed(&mut self, values: &[i64], out: &mut Vec<u8>) {
        debug_assert!(values.len() <= PAGE_NUMBERS_MAX);
        let (least, greatest) = bounds(values);
        if values.is_empty() || least == greatest {
            out.push(KIND_CONSTANT);
            put_signed(out, values.first().copied().unwrap_or(0));
            return;
        }
        self.offsets.clear();
        if differences_are_smaller(values) {
            self.encode_differences(values, out);
        } else {
            self.offsets.extend(values.iter().map(|value| value.wrapping_sub(least) as u64));
            self.starts.clear();
            self.encode_offsets(KIND_NUMBERS, least, 0, out);
        }
    }

    fn encode_differences(&mut self, values: &[i64], out: &mut Vec<u8>) {
        let mut least = i64::MAX;
        for miniblock in values.chunks(MINIBLOCK) {
            for pair in miniblock.windows(2) {
                least = least.min(pair[1].wrapping_sub(pair[0]));
            }
        }
        let starts = values.iter().step_by(MINIBLOCK);
        let least_start = starts.clone().copied().min().unwrap_or(0);
        self.starts.clear();
        self.starts.extend(starts.map(|start| start.wrapping_sub(least_start) as u64));
        for miniblock in values.chunks(MINIBLOCK) {
            self.offsets.push(0);
            self.offsets.extend(
                miniblock.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]).wrapping_sub(least) as u64),
            );
        }
        self.encode_offsets(KIND_DIFFERENCES, least, least_start, out);
    }

    fn encode_offsets(&mut self, mut kind: u8, base: i64, least_start: i64, out: &mut Vec<u8>) {
        let step = common_step(&self.offsets);
        if step > 1 {
            kind |= FLAG_STEP;
            self.offsets.iter_mut().for_each(|offset| *offset /= step);
        }
        let exception_width = bits_for(self.offsets.iter().fold(0, |all, offset| all.max(*offset)));
        self.widths.clear();
        self.counts.clear();
        self.bases.clear();
        self.body.clear();
        let differences = kind & KIND_MASK == KIND_DIFFERENCES;
        let mut offsets = std::mem::take(&mut self.offsets);
        for miniblock in offsets.chunks_mut(MINIBLOCK) {
            if differences {
                // The unused first slot takes whatever costs nothing.
                miniblock[0] = miniblock.get(1).copied().unwrap_or(0);
            }
            self.encode_miniblock(miniblock, exception_width);
        }
        self.offsets = offsets;
        let one_width = self.widths.iter().all(|width| *width == self.widths[0]);
        let exceptions = self.counts.iter().any(|count| *count > 0);
        kind |= if one_width { FLAG_ONE_WIDTH } else { 0 } | if exceptions { FLAG_EXCEPTIONS } else { 0 };
        out.push(kind);
        put_signed(out, base);
        if kind & FLAG_STEP != 0 {
            put_varint(out, step);
        }
        let base_width = width_of(&self.bases);
        out.push(base_width as u8);
        let start_width = width_of(&self.starts);
        if differences {
            put_signed(out, least_start);
            out.push(start_width as u8);
        }
        if exceptions {
            out.push(exception_width as u8);
        }
        out.extend_from_slice(if one_width { &self.widths[..1] } else { &self.widths });
        if exceptions {
            out.extend_from_slice(&self.counts);
        }
        pack(&self.bases, base_width, out);
        if differences {
            pack(&self.starts, start_width, out);
        }
        out.extend_from_slice(&self.body);
    }

    fn encode_miniblock(&mut self, offsets: &mut [u64], exception_width: u32) {
        let shape = fit(offsets, exception_width);
        self.widths.push(shape.width as u8);
        self.bases.push(shape.base);
        let span = if shape.width == 64 { u64::MAX } else { (1 << shape.width) - 1 };
        self.positions.clear();
        self.exceptions.clear();
        for (position, offset) in offsets.iter_mut().enumerate() {
            let above = offset.wrapping_sub(shape.base);
            if above > span {
                self.positions.push(position as u8);
                self.exceptions.push(*offset);
                *offset = 0;
            } else {
                *offset = above;
            }
        }
        self.counts.push(self.positions.len() as u8);
        pack(offsets, shape.width, &mut self.body);
        if !self.positions.is_empty() {
            self.body.extend_from_slice(&self.positions);
            pack(&self.exceptions, exception_width, &mut self.body);
        }
    }
}

/// Appends the page of numbers that are their row's sequence number plus `offset`.
pub(crate) fn put_from_seq(offset: i64, out: &mut Vec<u8>) {
    out.push(KIND_FROM_SEQ);
    put_signed(out, offset);
}

/// The offset, if this is the page of numbers that are their row's sequence number plus an offset.
#[inline]
pub(crate) fn read_from_seq(page: &[u8]) -> Result<Option<i64>, Malformed> {
    let mut cursor = Cursor::new(page);
    if cursor.byte()? != KIND_FROM_SEQ {
        return Ok(None);
    }
    let offset = cursor.signed()?;
    cursor.end()?;
    Ok(Some(offset))
}

fn width_of(values: &[u64]) -> u32 {
    bits_for(values.iter().fold(0, |all, value| all | value))
}

/// How a miniblock is packed: what lies in `base ..= base + 2^width - 1` is packed, the rest is exceptions.
struct Fit {
    base: u64,
    width: u32,
}

/// The cheapest fit among those that start at the least offset or end at the greatest.
fn fit(offsets: &[u64], exception_width: u32) -> Fit {
    let (mut least, mut greatest) = (u64::MAX, 0);
    for &offset in offsets {
        least = least.min(offset);
        greatest = greatest.max(offset);
    }
    let full_width = bits_for(greatest - least);
    if full_width == 0 {
        return Fit { base: least, width: 0 };
    }
    let mut up = [0u8; 65];
    let mut down = [0u8; 65];
    for &offset in offsets {
        up[bits_for(offset - least) as usize] += 1;
        down[bits_for(greatest - offset) as usize] += 1;
    }
    let from_least = cheapest(&up, full_width, offsets.len(), exception_width);
    let from_greatest = cheapest(&down, full_width, offsets.len(), exception_width);
    if from_greatest.1 < from_least.1 {
        let width = from_greatest.0;
        let span = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        Fit { base: greatest.saturating_sub(span), width }
    } else {
        Fit { base: least, width: from_least.0 }
    }
}

/// The width with the least cost in bits, and that cost.
fn cheapest(histogram: &[u8; 65], full_width: u32, count: usize, exception_width: u32) -> (u32, usize) {
    let mut best = (full_width, count * full_width as usize);
    let mut exceptions = 0;
    for width in (0..full_width).rev() {
        exceptions += histogram[width as usize + 1] as usize;
        let cost = count * width as usize + exceptions * (8 + exception_width as usize) + 8;
        if cost < best.1 {
            best = (width, cost);
        }
    }
    best
}

/// The greatest number that divides all offsets; 1 as soon as it is clear that there is none above.
pub(crate) fn common_step(offsets: &[u64]) -> u64 {
    let mut step = 0;
    for &offset in offsets {
        if offset % if step == 0 { u64::MAX } else { step } != 0 {
            step = greatest_common_divisor(step, offset);
            if step == 1 {
                return 1;
            }
        }
    }
    step.max(1)
}

fn greatest_common_divisor(mut left: u64, mut right: u64) -> u64 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// Compares the bits of numbers and of differences over a few miniblocks spread over the page.
fn differences_are_smaller(values: &[i64]) -> bool {
    let miniblocks = values.len().div_ceil(MINIBLOCK);
    let (mut numbers, mut differences) = (0, 0);
    for miniblock in (0..4).map(|quarter| quarter * miniblocks / 4) {
        let end = ((miniblock + 1) * MINIBLOCK).min(values.len());
        let sample = &values[miniblock * MINIBLOCK..end];
        let (least, greatest) = bounds(sample);
        numbers += bits_for(greatest.wrapping_sub(least) as u64);
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        for pair in sample.windows(2) {
            let difference = pair[1].wrapping_sub(pair[0]);
            least = least.min(difference);
            greatest = greatest.max(difference);
        }
        if sample.len() > 1 {
            differences += bits_for(greatest.wrapping_sub(least) as u64);
        }
    }
    differences < numbers
}

/// A page of packed numbers being read. Damage that a checksum cannot see is an error where it is met, never a panic.
#[derive(Clone, Copy)]
pub(crate) struct PackedPage<'a> {
    /// From the first byte of the page to past its end.
    bytes: &'a [u8],
    count: usize,
    kind: u8,
    base: i64,
    step: u64,
    base_width: u32,
    least_start: i64,
    start_width: u32,
    exception_width: u32,
    widths: &'a [u8],
    counts: &'a [u8],
    bases_at: usize,
    starts_at: usize,
    body_at: usize,
}

pub(crate) const PAST_END: Malformed = Malformed("an index past the end of a page of numbers");
const SHORT: Malformed = Malformed("a page of numbers is too short");

impl<'a> PackedPage<'a> {
    pub(crate) fn parse(bytes: &'a [u8], count: usize) -> Result<PackedPage<'a>, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.byte()?;
        let base = cursor.signed()?;
        let mut page = PackedPage {
            bytes,
            count,
            kind: kind & KIND_MASK,
            base,
            step: 1,
            base_width: 0,
            least_start: 0,
            start_width: 0,
            exception_width: 0,
            widths: &[],
            counts: &[],
            bases_at: 0,
            starts_at: 0,
            body_at: cursor.position(),
        };
        if kind == KIND_CONSTANT {
            return Ok(page);
        }
        if count == 0 || page.kind == KIND_MASK || page.kind == KIND_CONSTANT || kind >= FLAG_EXCEPTIONS << 1
        {
            return Err(Malformed("a page of numbers is of no known kind"));
        }
        if kind & FLAG_STEP != 0 {
            page.step = cursor.varint()?;
        }
        page.base_width = width(cursor.byte()?)?;
        if page.kind == KIND_DIFFERENCES {
            page.least_start = cursor.signed()?;
            page.start_width = width(cursor.byte()?)?;
        }
        if kind & FLAG_EXCEPTIONS != 0 {
            page.exception_width = width(cursor.byte()?)?;
        }
        let miniblocks = count.div_ceil(MINIBLOCK);
        page.widths = cursor.take(if kind & FLAG_ONE_WIDTH != 0 { 1 } else { miniblocks })?;
        if kind & FLAG_EXCEPTIONS != 0 {
            page.counts = cursor.take(miniblocks)?;
        }
        page.bases_at = cursor.position();
        page.starts_at = page.bases_at + packed_bytes(miniblocks, page.base_width);
        page.body_at = page.starts_at + packed_bytes(miniblocks, page.start_width);
        Ok(page)
    }

    pub(crate) fn byte_len(&self) -> Result<usize, Malformed> {
        if self.kind == KIND_CONSTANT {
            return Ok(self.body_at);
        }
        let last = (self.count - 1) / MINIBLOCK;
        let (at, width, exceptions) = self.locate(last)?;
        Ok(at + packed_bytes(self.count - last * MINIBLOCK, width) + self.exception_bytes(exceptions))
    }

    #[inline]
    fn exception_bytes(&self, count: usize) -> usize {
        count + packed_bytes(count, self.exception_width)
    }

    /// Where a miniblock starts, its width, and how many exceptions it has.
    #[inline]
    fn locate(&self, miniblock: usize) -> Result<(usize, u32, usize), Malformed> {
        let packed = match self.widths {
            [one] => miniblock * *one as usize,
            widths => widths[..miniblock].iter().map(|width| *width as usize).sum::<usize>(),
        } * (MINIBLOCK / 8);
        let width = width(*self.widths.get(miniblock).unwrap_or(&self.widths[0]))?;
        if self.counts.is_empty() {
            return Ok((self.body_at + packed, width, 0));
        }
        let exceptions: usize =
            self.counts[..miniblock].iter().map(|count| self.exception_bytes(*count as usize)).sum();
        Ok((self.body_at + packed + exceptions, width, self.counts[miniblock] as usize))
    }

    /// The number at `index`, which is below the count.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Result<i64, Malformed> {
        if self.kind == KIND_CONSTANT {
            return Ok(self.base);
        }
        if index >= self.count {
            return Err(PAST_END);
        }
        let miniblock = index / MINIBLOCK;
        if self.kind == KIND_DIFFERENCES {
            let mut values = [0; MINIBLOCK];
            let values = &mut values[..=index % MINIBLOCK];
            self.decode_miniblock(miniblock, values)?;
            return Ok(values[index % MINIBLOCK]);
        }
        let (at, width, exceptions) = self.locate(miniblock)?;
        let position = index % MINIBLOCK;
        if exceptions > 0 {
            let packed = packed_bytes(self.miniblock_len(miniblock), width);
            let positions = self.bytes.get(at + packed..at + packed + exceptions).ok_or(SHORT)?;
            if let Some(found) = positions.iter().position(|exception| *exception as usize == position) {
                let values = &self.bytes[at + packed + exceptions..];
                let offset =
                    read(values, found * self.exception_width as usize, self.exception_width).ok_or(SHORT)?;
                return Ok(self.value(offset));
            }
        }
        let tail = self.bytes.get(at..).ok_or(SHORT)?;
        let offset = read(tail, position * width as usize, width).ok_or(SHORT)?;
        Ok(self.value(offset.wrapping_add(self.miniblock_base(miniblock)?)))
    }

    #[inline]
    fn miniblock_len(&self, miniblock: usize) -> usize {
        (self.count - miniblock * MINIBLOCK).min(MINIBLOCK)
    }

    #[inline]
    fn miniblock_base(&self, miniblock: usize) -> Result<u64, Malformed> {
        read(&self.bytes[self.bases_at..], miniblock * self.base_width as usize, self.base_width).ok_or(SHORT)
    }

    #[inline]
    fn value(&self, offset: u64) -> i64 {
        self.base.wrapping_add(offset.wrapping_mul(self.step) as i64)
    }

    /// Decodes the first numbers of a miniblock, as many as `out` has room for.
    pub(crate) fn decode_miniblock(&self, miniblock: usize, out: &mut [i64]) -> Result<(), Malformed> {
        if self.kind == KIND_CONSTANT {
            out.fill(self.base);
            return Ok(());
        }
        if miniblock * MINIBLOCK + out.len() > self.count {
            return Err(PAST_END);
        }
        let (at, width, exceptions) = self.locate(miniblock)?;
        self.decode_at(miniblock, at, width, exceptions, out)
    }

    fn decode_at(
        &self,
        miniblock: usize,
        at: usize,
        width: u32,
        exceptions: usize,
        out: &mut [i64],
    ) -> Result<(), Malformed> {
        let mut offsets = [0; MINIBLOCK];
        unpack(self.bytes.get(at..).ok_or(SHORT)?, width, out.len(), &mut offsets).ok_or(SHORT)?;
        let base = self.miniblock_base(miniblock)?;
        // With a step of one the multiplication would still cost a vectorised loop most of its speed.
        if self.step == 1 {
            let base = self.base.wrapping_add(base as i64);
            for (value, offset) in out.iter_mut().zip(&offsets) {
                *value = base.wrapping_add(*offset as i64);
            }
        } else {
            for (value, offset) in out.iter_mut().zip(&offsets) {
                *value = self.value(offset.wrapping_add(base));
            }
        }
        if exceptions > 0 {
            let packed = packed_bytes(self.miniblock_len(miniblock), width);
            let positions = self.bytes.get(at + packed..at + packed + exceptions).ok_or(SHORT)?;
            let values = &self.bytes[at + packed + exceptions..];
            for (index, position) in positions.iter().enumerate() {
                let offset =
                    read(values, index * self.exception_width as usize, self.exception_width).ok_or(SHORT)?;
                if let Some(value) = out.get_mut(*position as usize) {
                    *value = self.value(offset);
                }
            }
        }
        if self.kind == KIND_DIFFERENCES {
            let start = self.bytes.get(self.starts_at..).ok_or(SHORT)?;
            let start = read(start, miniblock * self.start_width as usize, self.start_width).ok_or(SHORT)?;
            let mut sum = self.least_start.wrapping_add(start as i64);
            out[0] = sum;
            for value in &mut out[1..] {
                sum = sum.wrapping_add(*value);
                *value = sum;
            }
        }
        Ok(())
    }

    /// Fills `out` with the numbers from `start`, all below the count.
    pub(crate) fn window(&self, start: usize, out: &mut [i64]) -> Result<(), Malformed> {
        let mut values = [0; MINIBLOCK];
        let mut at = start;
        let mut rest = out;
        while !rest.is_empty() {
            let within = at % MINIBLOCK;
            let (head, tail) = rest.split_at_mut(rest.len().min(MINIBLOCK - within));
            if !self.read_few(at, head)? {
                let values = &mut values[..within + head.len()];
                self.decode_miniblock(at / MINIBLOCK, values)?;
                head.copy_from_slice(&values[within..]);
            }
            at += head.len();
            rest = tail;
        }
        Ok(())
    }

    /// Fills `out` with a few numbers of one miniblock without decoding what stands before them; false if
    /// they are not few or not to be had so.
    fn read_few(&self, start: usize, out: &mut [i64]) -> Result<bool, Malformed> {
        if self.kind != KIND_NUMBERS || out.len() > 16 {
            return Ok(false);
        }
        if start + out.len() > self.count {
            return Err(PAST_END);
        }
        let miniblock = start / MINIBLOCK;
        let (at, width, exceptions) = self.locate(miniblock)?;
        if exceptions > 0 {
            return Ok(false);
        }
        let base = self.miniblock_base(miniblock)?;
        let bytes = self.bytes.get(at..).ok_or(SHORT)?;
        for (position, value) in (start % MINIBLOCK..).zip(out) {
            let offset = read(bytes, position * width as usize, width).ok_or(SHORT)?;
            *value = self.value(offset.wrapping_add(base));
        }
        Ok(true)
    }

    /// Appends all numbers.
    pub(crate) fn decode(&self, out: &mut Vec<i64>) -> Result<(), Malformed> {
        let start = out.len();
        out.resize(start + self.count, self.base);
        if self.kind == KIND_CONSTANT {
            return Ok(());
        }
        let mut at = self.body_at;
        for (miniblock, values) in out[start..].chunks_mut(MINIBLOCK).enumerate() {
            let width = width(*self.widths.get(miniblock).unwrap_or(&self.widths[0]))?;
            let exceptions = self.counts.get(miniblock).map_or(0, |count| *count as usize);
            let length = values.len();
            self.decode_at(miniblock, at, width, exceptions, values)?;
            at += packed_bytes(length, width) + self.exception_bytes(exceptions);
        }
        Ok(())
    }
}

fn width(byte: u8) -> Result<u32, Malformed> {
    if byte <= 64 { Ok(u32::from(byte)) } else { Err(Malformed("a width is over 64 bits")) }
}

#[cfg(test)]
mod tests {
    use super::super::bits::SLACK_BYTES;
    use super::super::entropy;
    use super::super::int_page::IntPage;
    use super::super::unpacked::Origin;
    use super::*;

    /// Bytes packed; what is entropy-coded comes back as well, and is no longer.
    fn check(values: &[i64]) -> usize {
        let [packed, entropy] = [None, Some(3)].map(|level| check_with(Encoder::new(level), values));
        assert!(entropy <= packed);
        packed
    }

    fn check_with(mut encoder: Encoder, values: &[i64]) -> usize {
        let mut bytes = vec![];
        encoder.encode(values, &mut bytes);
        let length = bytes.len();
        bytes.extend([0xee; SLACK_BYTES]);
        let page = IntPage::parse(&bytes, values.len(), Origin::NOWHERE).unwrap();
        assert_eq!(page.byte_len(), Ok(length));
        let mut decoded = vec![7];
        page.decode(&mut decoded).unwrap();
        assert_eq!(&decoded[1..], values);
        for (index, value) in values.iter().enumerate() {
            assert_eq!(page.get(index), Ok(*value), "{index}");
        }
        for start in (0..values.len()).step_by(97) {
            let mut window = vec![0; (values.len() - start).min(200)];
            page.window(start, &mut window).unwrap();
            assert_eq!(window, values[start..start + window.len()]);
            let mut miniblock = vec![0; (values.len() - start / MINIBLOCK * MINIBLOCK).min(MINIBLOCK)];
            page.decode_miniblock(start / MINIBLOCK, &mut miniblock).unwrap();
            assert_eq!(miniblock, values[start / MINIBLOCK * MINIBLOCK..][..miniblock.len()]);
        }
        assert!(page.window(values.len(), &mut [0]).is_err() || page.byte_len() == Ok(2) || length <= 11);
        length
    }

    #[test]
    fn all_kinds_of_numbers_come_back() {
        let mut state = 88_172_645_463_325_252u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for count in [1, 2, 127, 128, 129, 500, 4096] {
            check(&vec![-7; count]);
            check(&(0..count as i64).collect::<Vec<_>>());
            check(&(0..count as i64).map(|i| i * -1000).collect::<Vec<_>>());
            check(&(0..count).map(|_| random() as i64).collect::<Vec<_>>());
            check(&(0..count).map(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX }).collect::<Vec<_>>());
            check(&(0..count).map(|_| (random() % 1000) as i64 * 100 + 3).collect::<Vec<_>>());
            let outliers = |_| if random() % 20 == 0 { random() as i64 } else { (random() % 8) as i64 };
            check(&(0..count).map(outliers).collect::<Vec<_>>());
            let mut walk = i64::MAX - 5;
            let steps = (0..count).map(|_| {
                walk = walk.wrapping_add((random() >> (random() % 64)) as i64);
                walk
            });
            check(&steps.collect::<Vec<_>>());
            let frequent = [1 << 50, -3, i64::MIN, 77_777];
            check(&(0..count).map(|_| frequent[random() as usize % 4]).collect::<Vec<_>>());
            // Codes that count values by their first row, seen before the page or in it.
            let mut next = 1000;
            let codes = (0..count).map(|_| match random() % 3 {
                0 => next - 1 - (random() % 100) as i64,
                1 => next - 1,
                _ => {
                    next += 1;
                    next - 1
                }
            });
            check(&codes.collect::<Vec<_>>());
            for bits in 0..64 {
                check(&(0..count.min(300)).map(|_| (random() >> bits) as i64).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn regular_numbers_cost_next_to_nothing() {
        assert!(check(&[5; 4096]) <= 2);
        assert!(check(&(0..4096).map(|i| 1_700_000_000_000 + i).collect::<Vec<_>>()) < 100);
        assert!(check(&(0..4096).map(|i| (i * 7919) % 32 * 100).collect::<Vec<_>>()) <= 4096 * 5 / 8 + 40);
        let rare: Vec<i64> = (0..4096).map(|i| if i % 100 == 0 { 1 << 40 } else { i % 2 }).collect();
        assert!(check(&rare) < 4096 / 8 + 41 * 7 + 100);
    }

    #[test]
    fn skewed_numbers_are_entropy_coded() {
        let bytes = |values: &[i64]| {
            let mut bytes = vec![];
            Encoder::new(Some(19)).encode(values, &mut bytes);
            bytes
        };
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let skewed: Vec<i64> =
            (0..4096).map(|_| (random() % 1000 * (random() % 1000) / 1000) as i64).collect();
        let page = bytes(&skewed);
        assert!(
            page[0] >= entropy::KIND_MIN && page.len() < 4096 * 10 / 8 - 200,
            "{} {}",
            page[0],
            page.len()
        );
        let hundreds: Vec<i64> =
            (0..4096).map(|i| if i % 5 == 0 { random() as i64 % 500 } else { 100 }).collect();
        assert!(bytes(&hundreds).len() < 4096 / 5 * 9 / 8 + 4096 / 8 + 100, "{}", bytes(&hundreds).len());
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let values: Vec<i64> =
            (0..300).map(|i| if i % 50 == 0 { i64::from(i) << 30 } else { i64::from(i % 9) }).collect();
        damage_does_not_panic(Encoder::default(), &values);
        damage_does_not_panic(Encoder::new(Some(3)), &values);
        let climbing: Vec<i64> = (0..300).map(|i| i * i * i).collect();
        damage_does_not_panic(Encoder::new(Some(3)), &climbing);
        let codes: Vec<i64> = (0..300).map(|i| i / 3 - if i % 3 == 1 { i % 7 } else { 0 } + 10).collect();
        damage_does_not_panic(Encoder::new(Some(3)), &codes);
    }

    fn damage_does_not_panic(mut encoder: Encoder, values: &[i64]) {
        let mut bytes = vec![];
        encoder.encode(values, &mut bytes);
        bytes.extend([0; SLACK_BYTES]);
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            for count in [0, 1, 300, 400] {
                let Ok(page) = IntPage::parse(&flipped, count, Origin::NOWHERE) else { continue };
                let _ = page.byte_len();
                let _ = page.decode(&mut vec![]);
                (0..count).for_each(|index| {
                    let _ = page.get(index);
                });
            }
        }
        for end in 0..bytes.len() {
            let Ok(page) = IntPage::parse(&bytes[..end], 300, Origin::NOWHERE) else { continue };
            let _ = page.byte_len();
            let _ = page.decode(&mut vec![]);
            (0..300).for_each(|index| {
                let _ = page.get(index);
            });
        }
    }
}
