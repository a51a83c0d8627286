//! Packing of unsigned numbers into a fixed number of bits each, least significant bit first, one after
//! the other without gaps. A reader may load whole words, so it wants [`SLACK_BYTES`] readable bytes after
//! the last packed one; in a segment file the trailer alone is longer than that.

/// Numbers packed together with one width.
pub(crate) const MINIBLOCK: usize = 128;
/// Bytes that must be readable past the end of packed numbers.
pub(crate) const SLACK_BYTES: usize = 16;

/// Bits needed for a number.
#[inline(always)]
pub(crate) fn bits_for(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// Bytes that `count` numbers of `width` bits take.
#[inline(always)]
pub(crate) fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends the low `width` bits of each value; higher bits must be zero.
pub(crate) fn pack(values: &[u64], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let start = out.len();
    let end = start + packed_bytes(values.len(), width);
    // Whole words are written and the excess cut, so that the loop has no byte-wise tail.
    out.resize(end + 8, 0);
    let target = &mut out[start..];
    let (mut word, mut filled, mut at) = (0u64, 0u32, 0);
    for &value in values {
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            target[at..at + 8].copy_from_slice(&word.to_le_bytes());
            at += 8;
            filled -= 64;
            word = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    target[at..at + 8].copy_from_slice(&word.to_le_bytes());
    out.truncate(end);
}

#[inline(always)]
fn load(bytes: &[u8], at: usize) -> Option<u64> {
    let (eight, _) = bytes.get(at..)?.split_first_chunk::<8>()?;
    Some(u64::from_le_bytes(*eight))
}

#[inline(always)]
fn mask(width: u32) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width) }
}

/// The number of `width` bits at bit `bit`; `None` past the end of the bytes and their slack.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], bit: usize, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let shift = (bit % 8) as u32;
    let low = load(bytes, bit / 8)? >> shift;
    if width + shift <= 64 {
        return Some(low & mask(width));
    }
    let high = u64::from(*bytes.get(bit / 8 + 8)?);
    Some((low | high << (64 - shift)) & mask(width))
}

/// Unpacks the first `count` numbers, at most a miniblock; `None` if the bytes and their slack are too few.
/// What is in `out` behind them may change too.
pub(crate) fn unpack(bytes: &[u8], width: u32, count: usize, out: &mut [u64; MINIBLOCK]) -> Option<()> {
    let groups = count.div_ceil(8);
    if width <= 56
        && let Some(bytes) = bytes.get(..groups * width as usize + 8)
    {
        unpack_groups(bytes, width, &mut out.as_chunks_mut::<8>().0[..groups]);
        return Some(());
    }
    for (index, value) in out[..count].iter_mut().enumerate() {
        *value = read(bytes, index * width as usize, width)?;
    }
    Some(())
}

/// With the width a constant, each group of eight numbers becomes straight-line loads and shifts.
#[inline(always)]
fn unpack_width<const WIDTH: usize>(bytes: &[u8], out: &mut [[u64; 8]]) {
    if WIDTH == 0 {
        out.fill([0; 8]);
        return;
    }
    let mask = mask(WIDTH as u32);
    for (group, eight) in out.iter_mut().enumerate() {
        let group = &bytes[group * WIDTH..group * WIDTH + WIDTH + 8];
        for (index, value) in eight.iter_mut().enumerate() {
            let bit = index * WIDTH;
            let mut word = [0; 8];
            word.copy_from_slice(&group[bit / 8..bit / 8 + 8]);
            *value = (u64::from_le_bytes(word) >> (bit % 8)) & mask;
        }
    }
}

macro_rules! widths {
    ($($width:literal)*) => {
        fn unpack_groups(bytes: &[u8], width: u32, out: &mut [[u64; 8]]) {
            match width {
                $($width => unpack_width::<$width>(bytes, out),)*
                _ => unreachable!("the caller has checked that the width is at most 56"),
            }
        }
    };
}
widths!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36
    37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_packs_and_unpacks() {
        for width in 0..=64 {
            for count in [1, 2, 7, 63, 127, 128] {
                let values: Vec<u64> = (0..count as u64)
                    .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) & mask(width))
                    .collect();
                let mut bytes = vec![0xaa];
                pack(&values, width, &mut bytes);
                assert_eq!(bytes.len(), 1 + packed_bytes(count, width));
                bytes.extend([0x55; SLACK_BYTES]);
                let mut out = [1; MINIBLOCK];
                for bytes in [&bytes[1..], &bytes[1..bytes.len() - 8]] {
                    unpack(bytes, width, count, &mut out).unwrap();
                    assert_eq!(out[..count], values, "{width} {count}");
                }
                for (index, value) in values.iter().enumerate() {
                    assert_eq!(read(&bytes[1..], index * width as usize, width), Some(*value));
                }
                if width > 0 {
                    assert_eq!(unpack(&bytes[..1], width, count, &mut out), None);
                }
            }
        }
    }
}
