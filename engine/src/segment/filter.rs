//! The routing filter: a binary fuse filter of 8-bit fingerprints, about nine bits per distinct value.
//!
//! ```text
//! ┌──────────┬────────────────────┬──────────┬──────────────────────────┬──────────────────────┐
//! │ seed u64 │ segment length u32 │ mask u32 │ segment count length u32 │ fingerprints u8 each │
//! └──────────┴────────────────────┴──────────┴──────────────────────────┴──────────────────────┘
//! ```
//! The key of a text is its stable hash. Construction is the crate xorf's; the question is answered here,
//! from the bytes, so that the format is ours and a malformed filter cannot panic.

use std::sync::Arc;

use xorf::BinaryFuse8;

use super::hash::stable_hash;
use super::meta::RoutingFilter;

const DESCRIPTOR_BYTES: usize = 20;

impl RoutingFilter {
    /// The filter of a set of keys; `keys` is sorted and freed of duplicates on the way.
    pub(crate) fn build(field: &str, keys: &mut Vec<u64>) -> RoutingFilter {
        keys.sort_unstable();
        keys.dedup();
        let mut bytes = Vec::new();
        // An empty filter, of no bytes, may contain anything; so may one that could not be built.
        if let Ok(filter) = BinaryFuse8::try_from(&keys[..])
            && !keys.is_empty()
        {
            let descriptor = &filter.descriptor;
            bytes.reserve_exact(DESCRIPTOR_BYTES + filter.fingerprints.len());
            bytes.extend(descriptor.seed.to_le_bytes());
            bytes.extend(descriptor.segment_length.to_le_bytes());
            bytes.extend(descriptor.segment_length_mask.to_le_bytes());
            bytes.extend(descriptor.segment_count_length.to_le_bytes());
            bytes.extend_from_slice(&filter.fingerprints);
        }
        RoutingFilter { field: field.to_owned(), bytes }
    }

    /// Whether the filter of these bytes may hold that text. Bytes that are no filter may hold anything.
    pub fn may_contain(bytes: &[u8], text: &str) -> bool {
        let Some(descriptor) = Descriptor::parse(bytes) else { return true };
        descriptor.contains(bytes, stable_hash(text.as_bytes())).unwrap_or(true)
    }
}

/// A filter in memory. Its descriptor stands apart from the fingerprints: asking many filters in a row, the
/// processor fetches the fingerprints of several at once.
#[derive(Clone, Debug)]
pub(crate) struct OpenFilter {
    /// None if the bytes are no filter.
    descriptor: Option<Descriptor>,
    bytes: Arc<[u8]>,
}

impl OpenFilter {
    pub(crate) fn new(bytes: Arc<[u8]>) -> OpenFilter {
        OpenFilter { descriptor: Descriptor::parse(&bytes), bytes }
    }

    /// The hash of a text, for [`OpenFilter::may_contain`].
    pub(crate) fn hash(text: &str) -> u64 {
        stable_hash(text.as_bytes())
    }

    /// As [`RoutingFilter::may_contain`].
    #[inline]
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        self.descriptor.is_none_or(|descriptor| descriptor.contains(&self.bytes, hash).unwrap_or(true))
    }
}

#[derive(Clone, Copy, Debug)]
struct Descriptor {
    seed: u64,
    length: u32,
    mask: u32,
    count_length: u32,
}

impl Descriptor {
    fn parse(bytes: &[u8]) -> Option<Descriptor> {
        let descriptor = bytes.get(..DESCRIPTOR_BYTES)?;
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| descriptor[at + i]));
        Some(Descriptor {
            seed: u64::from(word(0)) | u64::from(word(4)) << 32,
            length: word(8),
            mask: word(12),
            count_length: word(16),
        })
    }

    /// `None` if the place of a fingerprint lies outside of the bytes.
    #[inline]
    fn contains(self, bytes: &[u8], key: u64) -> Option<bool> {
        let hash = mixed(key.wrapping_add(self.seed));
        let first = ((u128::from(hash) * u128::from(self.count_length)) >> 64) as u32;
        let second = first.wrapping_add(self.length);
        let third = second.wrapping_add(self.length) ^ (hash as u32 & self.mask);
        let second = second ^ ((hash >> 18) as u32 & self.mask);
        let fingerprints = bytes.get(DESCRIPTOR_BYTES..)?;
        let first = fingerprints.get(first as usize)?;
        let second = fingerprints.get(second as usize)?;
        let third = fingerprints.get(third as usize)?;
        Some((hash ^ (hash >> 32)) as u8 == first ^ second ^ third)
    }
}

fn mixed(mut key: u64) -> u64 {
    for multiplier in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        key = (key ^ (key >> 33)).wrapping_mul(multiplier);
    }
    key ^ (key >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_all_it_was_built_of_and_little_else() {
        for count in [0, 1, 2, 10, 1000, 20_000] {
            let mut keys: Vec<u64> = (0..count).map(|i| stable_hash(format!("A-{i}").as_bytes())).collect();
            let filter = RoutingFilter::build("order_id", &mut keys);
            assert!((0..count).all(|i| RoutingFilter::may_contain(&filter.bytes, &format!("A-{i}"))));
            let false_positives =
                (0..10_000).filter(|i| RoutingFilter::may_contain(&filter.bytes, &format!("B-{i}"))).count();
            assert!(count == 0 || false_positives < 100, "{count}: {false_positives}");
        }
    }

    #[test]
    fn malformed_filters_may_contain_anything() {
        let mut keys: Vec<u64> = (0..100).collect();
        let bytes = RoutingFilter::build("x", &mut keys).bytes;
        for end in 0..bytes.len() {
            RoutingFilter::may_contain(&bytes[..end], "a");
        }
        for at in 0..DESCRIPTOR_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            RoutingFilter::may_contain(&flipped, "a");
        }
        assert!(RoutingFilter::may_contain(&[], "a"));
    }
}
