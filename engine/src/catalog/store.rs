//! The key-value store under the catalog: redb, and records that prove themselves.
//!
//! The pages under redb are checked as they are read, see [`super::pages`]. That proves what redb wrote,
//! not that redb found the right place: each value carries a proof of its own, over the table, the key
//! and the payload:
//!
//! ```text
//!  0      4          5
//!  ┌──────┬──────────┬───────────────────────┐
//!  │ CRC  │ version  │ payload               │   CRC32 over table name, 0, key, version, payload
//!  └──────┴──────────┴───────────────────────┘
//! ```
//!
//! A record that is missing or comes from an older state proves nothing by itself; for that the catalog
//! keeps counts and a digest, see [`super::Catalog`].
//!
//! Should redb panic all the same, it is caught here and becomes an error.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::Database;

use super::pages::CheckedPages;
use crate::error::{Error, Result};

/// Version of the records.
pub(super) const RECORD_VERSION: u8 = 1;

const RECORD_HEADER_BYTES: usize = 5;

/// Pages redb keeps in memory. Lookups read a segment's entry and filter once, so little is gained by
/// more, and it would count against the recording process.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Opens redb on its pages, or initializes it if there are none.
pub(super) fn open_redb(path: &Path, pages: CheckedPages) -> Result<Database> {
    guarded(path, || {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        Ok(builder.create_with_backend(pages)?)
    })
}

/// Runs calls into redb; its errors and panics become errors of the catalog.
pub(super) fn guarded<T>(path: &Path, calls: impl FnOnce() -> Result<T, Failure>) -> Result<T> {
    // Unwind safety: whoever sees an error here drops the database or is told to repair it; nothing
    // that a panic left half done is used as an answer.
    match catch_unwind(AssertUnwindSafe(calls)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Ours(error))) => Err(error),
        // These two are redb's words for damage; the others are the disk's.
        Ok(Err(Failure::Store(redb::Error::Io(source))))
            if !matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            Err(Error::io("use", path, source))
        }
        Ok(Err(Failure::Store(error))) => Err(catalog_error(path, error.to_string())),
        Err(panic) => {
            let reason = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            Err(catalog_error(path, format!("the key-value store gave up: {reason}")))
        }
    }
}

/// An error that sends the user to `blotter repair`.
pub(super) fn catalog_error(path: &Path, reason: impl Into<String>) -> Error {
    Error::Catalog { path: path.to_path_buf(), reason: reason.into() }
}

/// What can fail inside [`guarded`].
pub(super) enum Failure {
    Ours(Error),
    Store(redb::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Ours(error)
    }
}

macro_rules! from_store_errors {
    ($($name:ident),*) => {
        $(impl From<redb::$name> for Failure {
            fn from(error: redb::$name) -> Failure {
                Failure::Store(error.into())
            }
        })*
    };
}

from_store_errors!(
    CommitError,
    CompactionError,
    DatabaseError,
    SetDurabilityError,
    StorageError,
    TableError,
    TransactionError
);

/// Checksum of a record: over its table, its key and its content.
fn checksum(table: &str, key: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(table.as_bytes());
    hasher.update(&[0]);
    hasher.update(key);
    hasher.update(content);
    hasher.finalize()
}

/// A record, ready to be stored.
pub(super) fn seal_record(table: &str, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 4];
    record.push(RECORD_VERSION);
    record.extend_from_slice(payload);
    let crc = checksum(table, key, &record[4..]);
    record[..4].copy_from_slice(&crc.to_le_bytes());
    record
}

/// The payload of a stored record, verified.
pub(super) fn open_record<'a>(path: &Path, table: &str, key: &[u8], record: &'a [u8]) -> Result<&'a [u8]> {
    let Some((stored, content)) =
        record.split_first_chunk::<4>().filter(|_| record.len() >= RECORD_HEADER_BYTES)
    else {
        return Err(catalog_error(path, format!("a record of table {table} has {} bytes", record.len())));
    };
    if u32::from_le_bytes(*stored) != checksum(table, key, content) {
        return Err(catalog_error(path, format!("a record of table {table} fails its checksum")));
    }
    if content[0] != RECORD_VERSION {
        return Err(Error::NewerVersion {
            path: path.to_path_buf(),
            kind: "catalog record",
            found: u32::from(content[0]),
            supported: u32::from(RECORD_VERSION),
        });
    }
    Ok(&content[1..])
}

/// The checksum a record carries; call it on verified or freshly sealed records.
pub(super) fn record_crc(record: &[u8]) -> u32 {
    record.first_chunk().map_or(0, |crc| u32::from_le_bytes(*crc))
}
