//! The one place that calls bincode: serde values to bytes and back.
//!
//! The wire layout is bincode's standard configuration with fixed-width integers, and is written down here
//! so that a wire-compatible crate can take its place without a change of format:
//!
//! ```text
//! integers        their full width, little-endian          bool          1 byte, 0 or 1
//! f64             8 bytes, IEEE 754, little-endian         Option        1 byte, 0 or 1, then the value
//! String, Vec, map   count u64, then the elements          char          UTF-8
//! struct, tuple   the fields in order, nothing between     enum          variant index u32, then its fields
//! ```
//!
//! Decoding reads no more than [`ENCODED_BYTES_MAX`], allocates no more than it is given bytes for, and
//! refuses bytes that are left over.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest encoded value accepted, in bytes.
pub(crate) const ENCODED_BYTES_MAX: usize = 64 * 1024 * 1024;

fn configuration() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<ENCODED_BYTES_MAX>()
}

/// The bytes of a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, configuration())
        .expect("our own types have no unsized sequences and no failing serializers")
}

/// The value of some bytes, all of them; `what` names it in the error.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, String> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, configuration())
        .map_err(|error| format!("a {what} that does not decode ({error})"))?;
    if read != bytes.len() {
        return Err(format!("a {what} with {} bytes left over", bytes.len() - read));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_layout_is_as_documented() {
        let bytes = encode(&(1u16, -2i64, "ab", Some(true), vec![3u8]));
        let mut expected = vec![1, 0];
        expected.extend((-2i64).to_le_bytes());
        expected.extend(2u64.to_le_bytes());
        expected.extend(b"ab");
        expected.extend([1, 1]);
        expected.extend(1u64.to_le_bytes());
        expected.push(3);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn truncated_overlong_and_boastful_bytes_are_refused() {
        let bytes = encode(&"some text".to_owned());
        for end in 0..bytes.len() {
            assert!(decode::<String>(&bytes[..end], "text").is_err());
        }
        assert!(decode::<String>(&[&bytes[..], &[0]].concat(), "text").is_err());
        assert!(decode::<Vec<u64>>(&u64::MAX.to_le_bytes(), "list").is_err());
        assert_eq!(decode::<String>(&bytes, "text").unwrap(), "some text");
    }
}
