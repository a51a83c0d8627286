//! A page of whole numbers being read, packed or entropy-coded: whoever reads need not know which.

use std::cell::OnceCell;
use std::sync::Arc;

use super::bits::MINIBLOCK;
use super::entropy::{self, EntropyPage};
use super::ints::{PAST_END, PackedPage};
use super::unpacked::{self, Origin};
use super::wire::Malformed;

/// A page being read. Damage that a checksum cannot see is an error where it is met, never a panic.
pub(crate) enum IntPage<'a> {
    Packed(PackedPage<'a>),
    Entropy(Unpacking<'a>),
}

/// An entropy-coded page, unpacked when the first of its numbers is wanted.
pub(crate) struct Unpacking<'a> {
    bytes: &'a [u8],
    count: usize,
    origin: Origin,
    numbers: OnceCell<Arc<[i64]>>,
}

impl Unpacking<'_> {
    fn numbers(&self) -> Result<&[i64], Malformed> {
        if let Some(numbers) = self.numbers.get() {
            return Ok(numbers);
        }
        let unpack = |out: &mut [i64]| EntropyPage::parse(self.bytes, self.count)?.decode(out);
        let numbers = unpacked::numbers(self.origin, self.count, unpack)?;
        Ok(self.numbers.get_or_init(|| numbers))
    }

    fn copy(&self, start: usize, out: &mut [i64]) -> Result<(), Malformed> {
        let numbers = self.numbers()?.get(start..).and_then(|numbers| numbers.get(..out.len()));
        out.copy_from_slice(numbers.ok_or(PAST_END)?);
        Ok(())
    }
}

impl<'a> IntPage<'a> {
    /// Reads the head of the page of `count` numbers at the start of `bytes`, which go on after it by
    /// [`SLACK_BYTES`](super::bits::SLACK_BYTES) at least.
    #[inline]
    pub(crate) fn parse(bytes: &'a [u8], count: usize, origin: Origin) -> Result<IntPage<'a>, Malformed> {
        match bytes.first() {
            Some(kind) if *kind >= entropy::KIND_MIN => {
                Ok(IntPage::Entropy(Unpacking { bytes, count, origin, numbers: OnceCell::new() }))
            }
            _ => PackedPage::parse(bytes, count).map(IntPage::Packed),
        }
    }

    /// Bytes from its first to its end.
    pub(crate) fn byte_len(&self) -> Result<usize, Malformed> {
        match self {
            IntPage::Packed(page) => page.byte_len(),
            IntPage::Entropy(page) => Ok(EntropyPage::parse(page.bytes, page.count)?.byte_len()),
        }
    }

    /// The number at `index`, which is below the count.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Result<i64, Malformed> {
        match self {
            IntPage::Packed(page) => page.get(index),
            IntPage::Entropy(page) => page.numbers()?.get(index).copied().ok_or(PAST_END),
        }
    }

    /// Decodes the first numbers of a miniblock, as many as `out` has room for.
    pub(crate) fn decode_miniblock(&self, miniblock: usize, out: &mut [i64]) -> Result<(), Malformed> {
        match self {
            IntPage::Packed(page) => page.decode_miniblock(miniblock, out),
            IntPage::Entropy(page) => page.copy(miniblock * MINIBLOCK, out),
        }
    }

    /// Fills `out` with the numbers from `start`, all below the count.
    pub(crate) fn window(&self, start: usize, out: &mut [i64]) -> Result<(), Malformed> {
        match self {
            IntPage::Packed(page) => page.window(start, out),
            IntPage::Entropy(page) => page.copy(start, out),
        }
    }

    /// Appends all numbers.
    pub(crate) fn decode(&self, out: &mut Vec<i64>) -> Result<(), Malformed> {
        match self {
            IntPage::Packed(page) => page.decode(out),
            IntPage::Entropy(page) => {
                // A scan comes by once, so it leaves nothing unpacked behind.
                let start = out.len();
                out.resize(start + page.count, 0);
                EntropyPage::parse(page.bytes, page.count)?.decode(&mut out[start..])
            }
        }
    }
}
