//! What a stretch of a WAL file may hold, so that a lookup need not read it: a Bloom filter over the texts of the
//! indexed fields of its events, in memory only.
//!
//! A thread of the process that writes makes them behind the writer, which stays as cheap as it was. A lookup asks
//! the filters for the stretches that have one, and searches the rest byte by byte; so it takes the same time
//! however much is unsealed, and a filter that is missing costs time and nothing else.

use std::ops::Range;

use crate::error::Result;
use crate::event::{FieldKey, ValueRef};
use crate::view::tail::TailView;

/// Payload bytes of a stretch: some hundred events. One that is read in vain costs about 10 us.
pub(crate) const STRETCH_BYTES: u64 = 64 * 1024;
/// Bits per text, with repetitions: most texts come several times, so a distinct one has 10 or more.
const BITS_PER_TEXT: usize = 8;
const PROBES: u32 = 3;

/// See the module.
#[derive(Debug)]
pub(crate) struct TailFilter {
    /// Places of its frames in the list of the file's frames.
    pub(crate) frames: Range<usize>,
    /// A power of two of words.
    words: Box<[u64]>,
}

/// A text as the filters know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextHash(u64);

impl TextHash {
    pub(crate) fn new(text: &str) -> TextHash {
        // The filters live in memory and no longer than the process: any good hash will do.
        TextHash(foldhash::quality::FixedState::with_seed(0x424c_5446).hash_bytes(text.as_bytes()))
    }

    /// Bits to set or ask, for a filter of that many bits.
    fn bits(self, count: usize) -> impl Iterator<Item = usize> {
        let (base, step) = (self.0, self.0.rotate_left(32) | 1);
        (0..PROBES)
            .map(move |probe| base.wrapping_add(step.wrapping_mul(u64::from(probe))) as usize & (count - 1))
    }
}

/// `BuildHasher::hash_one` of bytes, without a length or a terminator of its own.
trait HashBytes {
    fn hash_bytes(&self, bytes: &[u8]) -> u64;
}

impl<S: std::hash::BuildHasher> HashBytes for S {
    fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.build_hasher();
        std::hash::Hasher::write(&mut hasher, bytes);
        std::hash::Hasher::finish(&hasher)
    }
}

impl TailFilter {
    /// The filter of the frames `frames` of a file.
    ///
    /// # Errors
    /// Damage to a record; there is no filter then, and who looks into the frames reports it.
    pub(crate) fn build(view: &TailView, frames: Range<usize>, indexed: &[FieldKey]) -> Result<TailFilter> {
        let mut hashes = Vec::new();
        for frame in &view.frames[frames.clone()] {
            // Defaults hold for all events of the producer; they are few, and mostly not indexed.
            add_indexed(view.defaults(frame).fields(), indexed, &mut hashes);
            view.each_record(frame, |_, record, _| {
                add_indexed(record.fields(), indexed, &mut hashes);
                Ok(())
            })?;
        }
        let bits = (hashes.len() * BITS_PER_TEXT).next_power_of_two().max(64);
        let mut words = vec![0u64; bits / 64].into_boxed_slice();
        for hash in hashes {
            for bit in hash.bits(bits) {
                words[bit / 64] |= 1 << (bit % 64);
            }
        }
        Ok(TailFilter { frames, words })
    }

    /// Whether an event of its frames may have that text in an indexed field; `false` is certain.
    pub(crate) fn may_contain(&self, text: TextHash) -> bool {
        text.bits(self.words.len() * 64).all(|bit| self.words[bit / 64] >> (bit % 64) & 1 != 0)
    }
}

/// Texts only: a lookup of what prints like a number or a truth value asks no filter.
fn add_indexed(fields: crate::event::record::Fields<'_>, indexed: &[FieldKey], hashes: &mut Vec<TextHash>) {
    for (field, value) in fields.flatten() {
        if let ValueRef::Str(text) = value
            && indexed.iter().any(|key| key.borrow() == field)
        {
            hashes.push(TextHash::new(text));
        }
    }
}
