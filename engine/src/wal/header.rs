//! The first 64 bytes of a WAL file.
//!
//! ```text
//! 0       8         12       16         32       40     48          56         60      64
//! ┌───────┬─────────┬────────┬──────────┬────────┬──────┬───────────┬──────────┬───────┐
//! │ magic │ version │ 0      │ database │ number │ salt │ first seq │ 0        │ crc32 │
//! └───────┴─────────┴────────┴──────────┴────────┴──────┴───────────┴──────────┴───────┘
//! ```
//! The salt enters every frame's checksum, so that frames of another file are never taken for ours. Magic, version
//! and checksum stand there in every version, so that damage and a newer version are told apart.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Seq;

/// Bytes of the header.
pub const HEADER_BYTES: u64 = 64;
const MAGIC: [u8; 8] = *b"BLTRWAL\0";
const VERSION: u32 = 1;

/// Number of a WAL file; files are sealed and removed in this order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct WalNumber(pub u64);

impl WalNumber {
    /// The next one.
    pub fn next(self) -> WalNumber {
        WalNumber(self.0 + 1)
    }

    /// Where it lies in the database directory.
    pub fn path(self, database: &Path) -> PathBuf {
        database.join("wal").join(format!("{self}.wal"))
    }

    /// The number in a file name, if it is a WAL file's.
    pub fn from_file_name(name: &str) -> Option<WalNumber> {
        let digits = name.strip_suffix(".wal")?;
        let number = WalNumber(u64::from_str_radix(digits, 16).ok()?);
        // No other spelling of the number, or its file would not be found under the name made of it.
        (number.to_string() == digits).then_some(number)
    }
}

impl fmt::Display for WalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a WAL file says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WalHeader {
    /// Identity of the database.
    pub database: u128,
    /// Its own number, so that a renamed file is noticed.
    pub number: WalNumber,
    /// Random; part of every frame's checksum.
    pub salt: u64,
    /// Seq of the first event in it.
    pub first_seq: Seq,
}

impl WalHeader {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.database.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.number.0.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.salt.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.first_seq.0.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// `Foreign`, `NewerVersion` or `Damaged`, naming `path`.
    pub fn decode(bytes: &[u8; HEADER_BYTES as usize], path: &Path) -> Result<WalHeader> {
        let four = |at: usize| [0, 1, 2, 3].map(|i| bytes[at + i]);
        let eight = |at: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[at + i]));
        if bytes[..8] != MAGIC {
            let found = bytes[..8].escape_ascii().to_string();
            return Err(Error::Foreign { path: path.to_path_buf(), kind: "WAL", found });
        }
        let (stored, computed) = (u32::from_le_bytes(four(60)), crc32fast::hash(&bytes[..60]));
        if stored != computed {
            return Err(Error::damaged(
                path,
                60,
                format!("checksum {computed:08x} of the header"),
                format!("{stored:08x}"),
                "restore the file from a backup, or run `blotter repair` to keep what is readable",
            ));
        }
        let version = u32::from_le_bytes(four(8));
        if version != VERSION {
            let path = path.to_path_buf();
            return Err(Error::NewerVersion { path, kind: "WAL", found: version, supported: VERSION });
        }
        Ok(WalHeader {
            database: u128::from(eight(16)) | u128::from(eight(24)) << 64,
            number: WalNumber(eight(32)),
            salt: eight(40),
            first_seq: Seq(eight(48)),
        })
    }
}
