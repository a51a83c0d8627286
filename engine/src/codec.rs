//! Stored structures as bytes: the values of the catalog, the manifest, the journal, segment footers.
//!
//! The encoding is bincode's, through serde, with fixed-width integers. All use of it is in this file, so
//! that another crate which writes the same bytes can take its place without a change of format:
//!
//! ```text
//! u8 u16 u32 u64 u128 i8 .. i128   as they are, little-endian
//! f64                              its IEEE 754 bits, little-endian
//! bool                             one byte, 0 or 1
//! Option                           one byte, 0 or 1, then the value if 1
//! String, Vec, slice               length as u64, then the bytes or elements
//! struct, tuple, newtype           its fields in order, nothing between
//! enum                             number of the variant from 0 as u32, then its fields
//! ```
//!
//! There are no names and no lengths of structures, so a structure is changed only together with the
//! version number its file or value carries. Maps are not stored: their order is not stable.
//!
//! Invariants: decoding consumes all bytes or fails; it allocates at most 16 times as much for one
//! string as there are bytes (64 KiB at least), and never panics.

use bincode::config::{self, Config};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest encoded structure, in bytes.
pub(crate) const ENCODED_BYTES_MAX: usize = 256 * MIB;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Why bytes are not the structure they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DecodeError(String);

fn layout() -> impl Config {
    config::standard().with_little_endian().with_fixed_int_encoding()
}

/// The bytes of a structure.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the bytes of a structure.
pub(crate) fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) {
    bincode::serde::encode_into_std_write(value, bytes, layout())
        .expect("stored structures have only types that encode, and memory does not fail to be written");
}

/// The structure that all of `bytes` encode.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // The limit is part of the type, so the least of a few that covers the input is taken. It bounds
    // what a claimed length can make the decoder allocate.
    match bytes.len() {
        len if len <= 64 * KIB => decode_within::<T, { 64 * KIB }>(bytes),
        len if len <= MIB => decode_within::<T, MIB>(bytes),
        len if len <= 16 * MIB => decode_within::<T, { 16 * MIB }>(bytes),
        len if len <= ENCODED_BYTES_MAX => decode_within::<T, ENCODED_BYTES_MAX>(bytes),
        len => Err(DecodeError(format!("{len} bytes exceed the limit of {ENCODED_BYTES_MAX}"))),
    }
}

fn decode_within<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Result<T, DecodeError> {
    let limited = config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<LIMIT>();
    let (value, used) = bincode::serde::decode_from_slice(bytes, limited)
        .map_err(|error| DecodeError(format!("undecodable: {error}")))?;
    if used != bytes.len() {
        return Err(DecodeError(format!("{} bytes too many", bytes.len() - used)));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Sample {
        small: u8,
        wide: u128,
        signed: i32,
        text: String,
        kinds: Vec<Kind>,
        maybe: Option<bool>,
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Kind {
        First,
        Second { ratio: f64 },
    }

    fn sample() -> Sample {
        Sample {
            small: 7,
            wide: 1 << 127 | 2,
            signed: -2,
            text: "é".into(),
            kinds: vec![Kind::First, Kind::Second { ratio: 1.5 }],
            maybe: Some(true),
        }
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let mut expected = vec![7];
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
        expected.extend([0xFE, 0xFF, 0xFF, 0xFF]);
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0, 0xC3, 0xA9]);
        expected.extend([2, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([0, 0, 0, 0]);
        expected.extend([1, 0, 0, 0]);
        expected.extend([0, 0, 0, 0, 0, 0, 0xF8, 0x3F]);
        expected.extend([1, 1]);
        assert_eq!(encode(&sample()), expected);
        assert_eq!(decode::<Sample>(&expected), Ok(sample()));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_an_error_or_a_value() {
        let bytes = encode(&sample());
        for len in 0..bytes.len() {
            assert!(decode::<Sample>(&bytes[..len]).is_err(), "cut to {len}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode::<Sample>(&longer), Err(DecodeError("1 bytes too many".into())));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = decode::<Sample>(&flipped);
        }
    }

    #[test]
    fn claimed_lengths_do_not_allocate() {
        for claim in [1_u64 << 20, 1 << 40, u64::MAX] {
            assert!(decode::<String>(&claim.to_le_bytes()).is_err());
            assert!(decode::<Vec<u64>>(&claim.to_le_bytes()).is_err());
        }
    }
}
