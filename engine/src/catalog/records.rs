//! What the catalog stores, and the steps its transactions are made of.
//!
//! ```text
//! table      key                         payload of the record (crate::codec)
//! meta       "database"                  Database { identity, created_at_ns }
//! meta       "counters"                  Counters, with the count and digest of the segments
//! meta       "forgotten"                 number of the ledger entry up to which deletions left free pages too
//! segments   id u64                      SegmentRecord { meta, filters: field and length of each }
//! routing    (id u64, field, part u32)   bytes of the filter, in parts
//! ledger     number u64                  LedgerEntry
//! files      path, relative              FileState: files that are being written, or wait to be removed
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::ledger::LedgerEntry;
use super::store::{Failure, catalog_error, open_record, record_crc, seal_record};
use super::{Counters, DatabaseId, NewSegment};
use crate::codec;
use crate::error::Result;
use crate::segment::{RoutingFilter, SegmentId, SegmentMeta};

pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub(super) const SEGMENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("segments");
pub(super) const LEDGER: TableDefinition<u64, &[u8]> = TableDefinition::new("ledger");
pub(super) const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
pub(super) const ROUTING: TableDefinition<(u64, &str, u32), &[u8]> = TableDefinition::new("routing");

pub(super) const DATABASE_KEY: &str = "database";
const COUNTERS_KEY: &str = "counters";
const FORGOTTEN_KEY: &str = "forgotten";

/// Bytes of a filter in one record. redb gives a record that does not share a page a power of two of
/// pages. Of 100 filters of 100 KB the file took 13.3 MB in one record each, 10.6 MB in parts of 4000
/// bytes, and 10.5 MB in parts of 16 KiB less what key and page need, at half the time to read.
pub(super) const FILTER_PART_BYTES: usize = 16 * 1024 - 256;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Database {
    pub(super) identity: DatabaseId,
    pub(super) created_at_ns: i64,
}

/// The counters as stored, with what proves the segments complete.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredCounters {
    pub(super) counters: Counters,
    /// No segment has this id or a higher one.
    pub(super) next_segment: u64,
    pub(super) segment_count: u64,
    /// Sum of [`digest`] over all segment records.
    pub(super) segments_digest: u64,
    /// Number of the last ledger entry; all before it are there.
    pub(super) ledger_last: u64,
    pub(super) file_count: u64,
    /// Sum of the digests of all file records.
    pub(super) files_digest: u64,
}

/// What is the matter with a file that belongs to no segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FileState {
    /// Being written: if nothing is said of it at the next open, it is incomplete and goes.
    Writing,
    /// Its segment was replaced or deleted at that time, in nanoseconds. It goes when nobody reads it any longer.
    Retired {
        /// When.
        at_ns: i64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SegmentRecord {
    pub(super) meta: SegmentMeta,
    pub(super) filters: Vec<FilterRef>,
}

/// Ties a segment to its filters, so that a lost one is noticed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FilterRef {
    pub(super) field: String,
    pub(super) bytes: u64,
}

pub(super) fn begin_write(store: &redb::Database) -> Result<WriteTransaction, Failure> {
    let mut txn = store.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    // Saves the allocator with each commit, in two phases: a crash costs no walk through all pages at
    // the next open, and redb never falls back to an older commit.
    txn.set_quick_repair(true);
    Ok(txn)
}

pub(super) fn read_meta(store: &redb::Database, path: &Path) -> Result<(Database, StoredCounters), Failure> {
    let table = store.begin_read()?.open_table(META)?;
    let database = meta_record(&table, path, DATABASE_KEY)?;
    let counters = meta_record(&table, path, COUNTERS_KEY)?;
    Ok((database, counters))
}

/// Up to which ledger entry deletions have left the free pages too; 0 if nobody has noted it.
pub(super) fn read_forgotten(store: &redb::Database, path: &Path) -> Result<u64, Failure> {
    let table = store.begin_read()?.open_table(META)?;
    match table.get(FORGOTTEN_KEY)? {
        None => Ok(0),
        Some(_) => meta_record(&table, path, FORGOTTEN_KEY),
    }
}

pub(super) fn store_forgotten(txn: &WriteTransaction, ledger_last: u64) -> Result<(), Failure> {
    let record = seal_record("meta", FORGOTTEN_KEY.as_bytes(), &codec::encode(&ledger_last));
    txn.open_table(META)?.insert(FORGOTTEN_KEY, record.as_slice())?;
    Ok(())
}

fn meta_record<T: serde::de::DeserializeOwned>(
    table: &redb::ReadOnlyTable<&'static str, &'static [u8]>,
    path: &Path,
    key: &'static str,
) -> Result<T, Failure> {
    let Some(record) = table.get(key)? else {
        return Err(catalog_error(path, format!("it has no record '{key}'")).into());
    };
    let payload = open_record(path, "meta", key.as_bytes(), record.value())?;
    let value = codec::decode(payload);
    Ok(value.map_err(|e| catalog_error(path, format!("record '{key}': {e}")))?)
}

pub(super) fn store_counters(txn: &WriteTransaction, stored: &StoredCounters) -> Result<(), Failure> {
    let record = seal_record("meta", COUNTERS_KEY.as_bytes(), &codec::encode(stored));
    txn.open_table(META)?.insert(COUNTERS_KEY, record.as_slice())?;
    Ok(())
}

pub(super) fn read_segment(path: &Path, id: u64, record: &[u8]) -> Result<SegmentRecord> {
    let payload = open_record(path, "segments", &id.to_le_bytes(), record)?;
    let refused = |reason: String| catalog_error(path, format!("segment {}: {reason}", SegmentId(id)));
    let segment: SegmentRecord = codec::decode(payload).map_err(|e| refused(e.to_string()))?;
    segment.meta.check().map_err(refused)?;
    if segment.meta.id.0 != id {
        return Err(refused(format!("its entry is of segment {}", segment.meta.id)));
    }
    Ok(segment)
}

/// What a segment's record adds to the digest of all.
pub(super) fn digest(id: u64, record: &[u8]) -> u64 {
    // Odd multipliers keep all bits of id and checksum in the sum.
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(u64::from(record_crc(record)).wrapping_mul(0xD6E8_FEB8_6659_FD93))
}

pub(super) fn routing_key((id, field, part): (u64, &str, u32)) -> Vec<u8> {
    let mut key = id.to_le_bytes().to_vec();
    key.extend_from_slice(field.as_bytes());
    key.push(0);
    key.extend_from_slice(&part.to_le_bytes());
    key
}

pub(super) fn insert_segments(
    txn: &WriteTransaction,
    path: &Path,
    stored: &mut StoredCounters,
    added: &[NewSegment],
) -> Result<(), Failure> {
    let mut segments = txn.open_table(SEGMENTS)?;
    let mut routing = txn.open_table(ROUTING)?;
    for (meta, filters) in added {
        assert_eq!(meta.check(), Ok(()), "segments are built well-formed");
        let fields: BTreeSet<&str> = filters.iter().map(|filter| filter.field.as_str()).collect();
        assert_eq!(fields.len(), filters.len(), "a segment has one filter per field");
        let mut refs = Vec::with_capacity(filters.len());
        for RoutingFilter { field, bytes } in filters {
            for (part, chunk) in bytes.chunks(FILTER_PART_BYTES).enumerate() {
                let key = (meta.id.0, field.as_str(), part as u32);
                routing.insert(key, seal_record("routing", &routing_key(key), chunk).as_slice())?;
            }
            refs.push(FilterRef { field: field.clone(), bytes: bytes.len() as u64 });
        }
        let id = meta.id.0;
        let payload = codec::encode(&SegmentRecord { meta: meta.clone(), filters: refs });
        let record = seal_record("segments", &id.to_le_bytes(), &payload);
        if segments.insert(id, record.as_slice())?.is_some() {
            return Err(catalog_error(path, format!("segment {} is entered already", meta.id)).into());
        }
        stored.segment_count += 1;
        stored.segments_digest = stored.segments_digest.wrapping_add(digest(id, &record));
        stored.next_segment = stored.next_segment.max(id + 1);
    }
    Ok(())
}

pub(super) fn remove_segments(
    txn: &WriteTransaction,
    path: &Path,
    stored: &mut StoredCounters,
    removed: &[SegmentId],
) -> Result<(), Failure> {
    let mut segments = txn.open_table(SEGMENTS)?;
    let mut routing = txn.open_table(ROUTING)?;
    for id in removed {
        let Some(record) = segments.remove(id.0)? else {
            return Err(catalog_error(path, format!("segment {id} to be removed is not entered")).into());
        };
        stored.segment_count -= 1;
        stored.segments_digest = stored.segments_digest.wrapping_sub(digest(id.0, record.value()));
        drop(record);
        routing.retain_in((id.0, "", 0)..(id.0 + 1, "", 0), |_, _| false)?;
    }
    Ok(())
}

/// Adds entries to the ledger.
pub(super) fn append_ledger(
    txn: &WriteTransaction,
    path: &Path,
    stored: &mut StoredCounters,
    entries: &[LedgerEntry],
) -> Result<(), Failure> {
    let mut ledger = txn.open_table(LEDGER)?;
    for entry in entries {
        let number = stored.ledger_last + 1;
        assert_eq!(entry.number, number, "entries are numbered as they are added");
        let record = seal_record("ledger", &number.to_le_bytes(), &codec::encode(entry));
        if ledger.insert(number, record.as_slice())?.is_some() {
            return Err(catalog_error(path, format!("ledger entry {number} is there already")).into());
        }
        stored.ledger_last = number;
    }
    Ok(())
}

/// All entries of the ledger, each verified; and verified to be all.
pub(super) fn read_ledger(
    store: &redb::Database,
    path: &Path,
    last: u64,
) -> Result<Vec<LedgerEntry>, Failure> {
    let table = store.begin_read()?.open_table(LEDGER)?;
    let mut entries = Vec::new();
    for found in table.iter()? {
        let (number, record) = found?;
        let expected = entries.len() as u64 + 1;
        if number.value() != expected || expected > last {
            let reason = format!("ledger entry {} where {expected} of {last} was expected", number.value());
            return Err(catalog_error(path, reason).into());
        }
        let payload = open_record(path, "ledger", &expected.to_le_bytes(), record.value())?;
        let entry: LedgerEntry = codec::decode(payload)
            .map_err(|error| catalog_error(path, format!("ledger entry {expected}: {error}")))?;
        entries.push(entry);
    }
    if entries.len() as u64 != last {
        let reason = format!("{} ledger entries where {last} were expected", entries.len());
        return Err(catalog_error(path, reason).into());
    }
    Ok(entries)
}

/// Notes or forgets (`None`) what is the matter with files.
pub(super) fn change_files(
    txn: &WriteTransaction,
    stored: &mut StoredCounters,
    changes: &[(String, Option<FileState>)],
) -> Result<(), Failure> {
    let mut files = txn.open_table(FILES)?;
    for (file, state) in changes {
        let before = match state {
            Some(state) => {
                let record = seal_record("files", file.as_bytes(), &codec::encode(state));
                stored.file_count += 1;
                stored.files_digest = stored.files_digest.wrapping_add(file_digest(file, &record));
                files.insert(file.as_str(), record.as_slice())?
            }
            None => files.remove(file.as_str())?,
        };
        if let Some(before) = before {
            stored.file_count -= 1;
            stored.files_digest = stored.files_digest.wrapping_sub(file_digest(file, before.value()));
        }
    }
    Ok(())
}

/// All files of which something is noted, by path; verified to be all.
pub(super) fn read_files(
    store: &redb::Database,
    path: &Path,
    stored: &StoredCounters,
) -> Result<Vec<(String, FileState)>, Failure> {
    let table = store.begin_read()?.open_table(FILES)?;
    let (mut files, mut sum) = (Vec::new(), 0_u64);
    for found in table.iter()? {
        let (file, record) = found?;
        let (file, record) = (file.value(), record.value());
        let payload = open_record(path, "files", file.as_bytes(), record)?;
        let state = codec::decode(payload)
            .map_err(|error| catalog_error(path, format!("file '{}': {error}", file.escape_debug())))?;
        sum = sum.wrapping_add(file_digest(file, record));
        files.push((file.to_owned(), state));
        if files.len() as u64 > stored.file_count {
            break;
        }
    }
    if files.len() as u64 != stored.file_count || sum != stored.files_digest {
        let reason = format!("{} files noted, {} others found", stored.file_count, files.len());
        return Err(catalog_error(path, reason).into());
    }
    Ok(files)
}

fn file_digest(file: &str, record: &[u8]) -> u64 {
    digest(u64::from(crc32fast::hash(file.as_bytes())), record)
}
