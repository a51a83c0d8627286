//! What the catalog stores, and the steps its transactions are made of.
//!
//! ```text
//! table      key                         payload of the record (crate::codec)
//! meta       "database"                  Database { identity, created_at_ns }
//! meta       "counters"                  Counters, with the count and digest of the segments
//! segments   id u64                      SegmentRecord { meta, filters: field and length of each }
//! routing    (id u64, field, part u32)   bytes of the filter, in parts
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use redb::{Durability, ReadableDatabase, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::store::{Failure, catalog_error, open_record, record_crc, seal_record};
use super::{Counters, DatabaseId, NewSegment};
use crate::codec;
use crate::error::Result;
use crate::segment::{RoutingFilter, SegmentId, SegmentMeta};

pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub(super) const SEGMENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("segments");
pub(super) const ROUTING: TableDefinition<(u64, &str, u32), &[u8]> = TableDefinition::new("routing");

pub(super) const DATABASE_KEY: &str = "database";
const COUNTERS_KEY: &str = "counters";

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
