//! The bytes of every file in the directory.
//!
//! ```text
//!  0            8          12        16
//!  ┌────────────┬──────────┬─────────┬────────────────────────┐
//!  │ "BLOTCTRL" │ version  │ CRC32   │ content (crate::codec) │
//!  └────────────┴──────────┴─────────┴────────────────────────┘
//!    8 bytes      u32        u32
//! ```
//!
//! Integers are little-endian; the checksum covers version and content. Files live for seconds, so both sides must
//! be of the same version.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec;
use crate::vfs::{Host, OpenMode};

/// The version that this build writes and reads.
const CONTROL_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"BLOTCTRL";
pub(super) const HEAD_BYTES: usize = 16;

/// The bytes of a content.
pub(super) fn seal<T: Serialize>(content: &T) -> Vec<u8> {
    let content = codec::encode(content);
    let version = CONTROL_VERSION.to_le_bytes();
    let checksum = checksum(version, &content).to_le_bytes();
    [MAGIC, &version[..], &checksum, &content].concat()
}

/// The content of bytes; why they have none.
pub(super) fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let Some((head, content)) = bytes.split_first_chunk::<HEAD_BYTES>().filter(|(h, _)| h.starts_with(MAGIC))
    else {
        return Err("it does not start like one".to_owned());
    };
    let word = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
    let version = u32::from_le_bytes(word(8));
    if version != CONTROL_VERSION {
        return Err(format!(
            "it is of version {version}, this process speaks version {CONTROL_VERSION}; hint: use the same version of blotter on both sides"
        ));
    }
    if u32::from_le_bytes(word(12)) != checksum(word(8), content) {
        return Err("it fails its checksum".to_owned());
    }
    codec::decode(content).map_err(|error| error.to_string())
}

fn checksum(version: [u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&version);
    hasher.update(content);
    hasher.finalize()
}

/// Makes a file of these bytes under a temporary name, whatever has that name, then under its own.
pub(super) fn write_file(
    host: &Host,
    temporary: &Path,
    path: &Path,
    bytes: &[u8],
    is_durable: bool,
) -> std::io::Result<()> {
    let files = &host.files;
    match files.remove_file(temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = files.open(temporary, OpenMode::CreateNew)?;
    file.write_all_at(bytes, 0)?;
    if is_durable {
        file.sync_data()?;
    }
    files.rename(temporary, path)
}

/// The bytes of a file of at most `bytes_max`.
pub(super) fn read_file(host: &Host, path: &Path, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let file = host.files.open(path, OpenMode::Read)?;
    let len = file.len()?;
    if len > bytes_max as u64 {
        return Err(std::io::Error::other(format!("{len} bytes exceed the limit of {bytes_max}")));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back_and_no_other_bytes_do() {
        let content = ("a request".to_owned(), 7_u64);
        let bytes = seal(&content);
        assert_eq!(unseal(&bytes), Ok(content));
        for len in 0..bytes.len() {
            assert!(unseal::<(String, u64)>(&bytes[..len]).is_err(), "cut to {len}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal::<(String, u64)>(&flipped).is_err(), "bit {bit}");
        }
        let mut newer = bytes;
        newer[8] = 2;
        let error = unseal::<(String, u64)>(&newer).unwrap_err();
        assert!(error.contains("version 2") && error.contains("hint: "), "{error}");
    }
}
