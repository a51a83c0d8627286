//! The 64-bit hash of a text that files are built on: hash indexes of dictionaries and routing filters.
//! It is part of the format and the same on every machine.
//!
//! Eight bytes at a time are folded in by a 64x64 -> 128 bit multiplication; the tail is read as one
//! overlapping word, or, below eight bytes, padded with zeros; the length closes the hash.

const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const CLOSING: u64 = 0xd6e8_feb8_6659_fd93;

#[inline(always)]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// The stable hash of a text.
#[inline]
pub(crate) fn stable_hash(text: &[u8]) -> u64 {
    let length = text.len();
    let mut state = SEED ^ (length as u64).wrapping_mul(MULTIPLIER);
    let mut at = 0;
    while at + 8 < length {
        state = fold(state ^ word(text, at), MULTIPLIER);
        at += 8;
    }
    let tail = if length >= 8 {
        word(text, length - 8)
    } else {
        text.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte))
    };
    fold(fold(state ^ tail, MULTIPLIER) ^ CLOSING, CLOSING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        for (text, hash) in HASHES {
            assert_eq!(stable_hash(text.as_bytes()), *hash, "{text:?}");
        }
    }

    const HASHES: &[(&str, u64)] = &[
        ("", 0xbdc0129fd0e23af3),
        ("A", 0x6de36c99a9226f40),
        ("order-7", 0xc1840fc89a1d0199),
        ("12345678", 0x3f2141710588c849),
        ("20120621-AMZN-11885113", 0xba7e1dbe66f82d91),
        ("é日本", 0x27637808a037fe70),
    ];

    #[test]
    fn every_byte_and_the_length_count() {
        let text = b"20120621-AMZN-11885113";
        let mut seen: Vec<u64> = (0..=text.len()).map(|end| stable_hash(&text[..end])).collect();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = *text;
                changed[at] ^= 1 << bit;
                seen.push(stable_hash(&changed));
            }
        }
        seen.extend([stable_hash(b"\0"), stable_hash(b"\0\0")]);
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
