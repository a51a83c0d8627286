//! The catalog: which segments there are, which may hold an id, and the counters that never go back.
//! One process owns it. Others read the [`manifest`].
//!
//! From the bottom: `pages` checks what redb stores, `store` catches what redb throws, `records` says what
//! is in the tables.
//!
//! # Invariants
//!
//! - A change is one redb transaction, in two phases and durable when the call returns. Two phases
//!   because otherwise redb, finding damage after a crash, goes back to the commit before and says
//!   nothing; this way it is an error.
//! - Every page proves its content when it is read. Every record proves its content and its place; the
//!   counters prove that none is missing and none is left over; the generation in the manifest proves
//!   that the state is the newest. So damage is an error, never a wrong answer nor the end of the
//!   process, and an empty catalog is never taken for an empty database.
//! - The order is: commit, then manifest, then deletion of what the commit replaced. Hence a manifest
//!   is never newer than the catalog.
//! - A segment id is handed out once, also across crashes: the stored counter runs ahead of the ids in
//!   use, and a restart continues from the stored one.

mod compact;
mod journal;
pub mod ledger;
pub mod manifest;
mod pages;
mod records;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{ReadableDatabase, ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};

pub(crate) use compact::written_bytes;
pub(crate) use journal::GAPS_PER_RECORD_MAX;
pub use journal::{Gap, JOURNAL_FILE, JOURNAL_VERSION, Journal, JournalRecord, TornTail};
pub(crate) use manifest::LastManifest;
pub use manifest::{Manifest, WalAnchor};
pub use pages::CATALOG_VERSION;

use self::ledger::{Ledger, LedgerEntry, NewEntry};
use self::pages::CheckedPages;
pub use self::records::FileState;
use self::records::{
    DATABASE_KEY, Database, FILES, LEDGER, META, ROUTING, SEGMENTS, StoredCounters, append_ledger,
    begin_write, change_files, digest, insert_segments, read_files, read_ledger, read_meta, read_segment,
    remove_segments, routing_key, store_counters,
};
use self::store::{Failure, catalog_error, guarded, open_record, seal_record};
use crate::codec;
use crate::error::{Error, Result};
use crate::event::Seq;
use crate::segment::{RoutingFilter, SegmentId, SegmentMeta};
use crate::vfs::{Host, OpenMode};

/// Name of the catalog's file.
pub const CATALOG_FILE: &str = "catalog.redb";
const CATALOG_NEW_FILE: &str = "catalog.new";

/// Longest entry of the ledger, so that the journal takes it too.
const LEDGER_ENTRY_BYTES_MAX: usize = journal::RECORD_BYTES_MAX - 64;

/// How far the stored segment counter runs ahead, so that handing out an id seldom costs a commit.
const SEGMENT_IDS_AHEAD: u64 = 64;

/// Identifies a database; a copy keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct DatabaseId(pub u128);

impl DatabaseId {
    /// A new identity.
    pub fn random(host: &Host) -> DatabaseId {
        DatabaseId(u128::from(host.random.next_u64()) << 64 | u128::from(host.random.next_u64()))
    }
}

/// 32 hex digits.
impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Counters that never go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Number of the last commit that changed segments.
    pub generation: u64,
    /// WAL files up to this number are sealed.
    pub sealed_wal: u64,
    /// Sequence number of the first event after the sealed ones.
    pub next_seq: u64,
    /// Number of the next recorder.
    pub next_producer: u32,
}

/// A segment to be entered, with the filters of its indexed fields.
pub type NewSegment = (SegmentMeta, Vec<RoutingFilter>);

/// What sealing a WAL file changes, as one commit.
#[derive(Clone, Copy, Debug)]
pub struct SealCommit<'a> {
    /// The segments made of it; their files are durable.
    pub segments: &'a [NewSegment],
    /// Number of the WAL file; it and all before are sealed.
    pub sealed_wal: u64,
    /// Sequence number of the first event after it.
    pub next_seq: Seq,
    /// Number of the next recorder.
    pub next_producer: u32,
}

/// A change that maintenance makes, as one commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Swap<'a> {
    /// Segments that are to be seen from now on; their files are durable.
    pub added: &'a [NewSegment],
    /// Segments that are not to be seen any longer.
    pub removed: &'a [SegmentId],
    /// What is noted of files from now on; `None` is nothing. Paths are relative to the database.
    pub files: &'a [(String, Option<FileState>)],
    /// What is said of it.
    pub entries: &'a [NewEntry],
}

/// The catalog of one database, owned by one process.
pub struct Catalog {
    host: Host,
    dir: PathBuf,
    path: PathBuf,
    /// `None` after a failure, until it could be opened again.
    store: RwLock<Option<Arc<redb::Database>>>,
    database: Database,
    state: Mutex<State>,
}

/// Counters in memory, equal to the stored ones but for the segment ids handed out; and the ledger.
#[derive(Debug)]
struct State {
    stored: StoredCounters,
    next_segment: u64,
    ledger: Arc<Ledger>,
}

impl Catalog {
    /// Makes the catalog of a new database. The directory exists and holds none.
    pub fn create(host: &Host, dir: &Path, identity: DatabaseId) -> Result<Catalog> {
        let database = Database { identity, created_at_ns: host.clock.now_ns() };
        Catalog::create_with(host, dir, &database, StoredCounters::default(), &Swap::default(), &[])
    }

    /// Makes a catalog of what is known from elsewhere, where a damaged one was moved away or none is
    /// left. It must be given all segments. The generation continues after `generation_seen`, the highest known from a
    /// manifest, so that readers and the next open take it for newer. Segment ids continue from `next_segment`
    /// at least. `files` are notes of files that are still there.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing that is known, from one source or another"
    )]
    pub fn rebuild(
        host: &Host,
        dir: &Path,
        identity: DatabaseId,
        created_at_ns: i64,
        generation_seen: u64,
        next_segment: u64,
        found: &SealCommit<'_>,
        ledger: &[LedgerEntry],
        files: &[(String, Option<FileState>)],
    ) -> Result<Catalog> {
        let mut stored = StoredCounters { next_segment, ..StoredCounters::default() };
        stored.counters.generation = generation_seen + 1;
        stored.counters.sealed_wal = found.sealed_wal;
        stored.counters.next_seq = found.next_seq.0;
        stored.counters.next_producer = found.next_producer;
        let database = Database { identity, created_at_ns };
        let content = Swap { added: found.segments, files, ..Swap::default() };
        Catalog::create_with(host, dir, &database, stored, &content, ledger)
    }

    /// Builds it under another name and renames it when complete, so that there is a whole one or none.
    fn create_with(
        host: &Host,
        dir: &Path,
        database: &Database,
        mut stored: StoredCounters,
        content: &Swap<'_>,
        ledger: &[LedgerEntry],
    ) -> Result<Catalog> {
        let (path, new_path) = (dir.join(CATALOG_FILE), dir.join(CATALOG_NEW_FILE));
        let files = &host.files;
        if files.exists(&path).map_err(|e| Error::io("look for", &path, e))? {
            let reason = format!("there is a {CATALOG_FILE} already");
            return Err(Error::CatalogMismatch { path: dir.to_path_buf(), reason });
        }
        if files.exists(&new_path).map_err(|e| Error::io("look for", &new_path, e))? {
            files.remove_file(&new_path).map_err(|e| Error::io("remove", &new_path, e))?;
        }
        let file =
            files.open(&new_path, OpenMode::CreateNew).map_err(|e| Error::io("create", &new_path, e))?;
        let store = store::open_redb(&new_path, CheckedPages::create(&new_path, file.clone())?)?;
        guarded(&new_path, || {
            let txn = begin_write(&store)?;
            {
                let mut meta = txn.open_table(META)?;
                let payload = codec::encode(database);
                meta.insert(DATABASE_KEY, seal_record("meta", DATABASE_KEY.as_bytes(), &payload).as_slice())?;
                txn.open_table(ROUTING)?;
                txn.open_table(LEDGER)?;
                txn.open_table(FILES)?;
            }
            append_ledger(&txn, &new_path, &mut stored, ledger)?;
            insert_segments(&txn, &new_path, &mut stored, content.added)?;
            change_files(&txn, &mut stored, content.files)?;
            store_counters(&txn, &stored)?;
            txn.commit()?;
            Ok(())
        })?;
        close(&new_path, store)?;
        // redb does not report a failure of its own closing writes; a sync of the file does.
        file.sync_data().map_err(|e| Error::io("sync", &new_path, e))?;
        files.rename(&new_path, &path).map_err(|e| Error::io("rename", &new_path, e))?;
        files.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))?;
        Catalog::open(host, dir)
    }

    /// Opens the catalog and verifies what later answers rest on: its counters, and each segment's
    /// entry. Refuses one that is damaged, incomplete, older than the manifest, or gone.
    pub fn open(host: &Host, dir: &Path) -> Result<Catalog> {
        let path = dir.join(CATALOG_FILE);
        let file = match host.files.open(&path, OpenMode::ReadWrite) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(missing(host, dir, format!("{CATALOG_FILE} is missing")));
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        let store = store::open_redb(&path, CheckedPages::open(&path, file)?)?;
        let (database, stored) = guarded(&path, || read_meta(&store, &path))?;
        let ledger = guarded(&path, || read_ledger(&store, &path, stored.ledger_last))?;
        let ledger = Arc::new(Ledger::of(ledger));
        let catalog = Catalog {
            host: host.clone(),
            dir: dir.to_path_buf(),
            path,
            store: RwLock::new(Some(Arc::new(store))),
            database,
            state: Mutex::new(State { stored, next_segment: stored.next_segment, ledger }),
        };
        catalog.check_against_manifest()?;
        catalog.segments()?;
        catalog.files()?;
        Ok(catalog)
    }

    /// A manifest is written after each commit, so one that knows more shows a catalog gone back.
    fn check_against_manifest(&self) -> Result<()> {
        let found = match Manifest::read(&self.host, &self.dir) {
            Ok(manifest) => manifest,
            // A newer build was here: what it wrote must not be written over.
            Err(error @ Error::NewerVersion { .. }) => return Err(error),
            // One that cannot be read proves nothing; it is replaced by the next commit.
            Err(_) => return Ok(()),
        };
        let reason = if found.identity != self.database.identity {
            format!("the manifest is of database {}, the catalog of {}", found.identity, self.identity())
        } else if found.generation > self.counters().generation {
            format!(
                "the manifest is of generation {}, the catalog of generation {}",
                found.generation,
                self.counters().generation
            )
        } else {
            return Ok(());
        };
        Err(Error::CatalogMismatch { path: self.dir.clone(), reason })
    }

    /// Identity of the database.
    pub fn identity(&self) -> DatabaseId {
        self.database.identity
    }

    /// When the database was created.
    pub fn created_at_ns(&self) -> i64 {
        self.database.created_at_ns
    }

    /// The counters as of the last commit.
    pub fn counters(&self) -> Counters {
        self.state().stored.counters
    }

    /// Hands out an id for a new segment; it is never handed out again.
    pub fn next_segment_id(&self) -> Result<SegmentId> {
        let mut state = self.state();
        if state.next_segment >= state.stored.next_segment {
            let mut stored = state.stored;
            stored.next_segment = state.next_segment + SEGMENT_IDS_AHEAD;
            self.write(|txn| store_counters(txn, &stored))?;
            state.stored = stored;
        }
        let id = SegmentId(state.next_segment);
        state.next_segment += 1;
        Ok(id)
    }

    /// All segments, by id, each verified; and verified to be all.
    pub fn segments(&self) -> Result<Vec<SegmentMeta>> {
        // Held so that no commit comes between the counters and the table.
        self.read_segments(&self.state().stored)
    }

    /// The segments that were sealed from that WAL file.
    pub fn segments_of_wal(&self, number: u64) -> Result<Vec<SegmentMeta>> {
        Ok(self.segments()?.into_iter().filter(|meta| meta.source_wal == number).collect())
    }

    fn read_segments(&self, stored: &StoredCounters) -> Result<Vec<SegmentMeta>> {
        let (segments, sum) = guarded(&self.path, || {
            let table = self.store()?.begin_read()?.open_table(SEGMENTS)?;
            let mut found = Vec::with_capacity(stored.segment_count.min(1 << 16) as usize);
            let mut sum = 0_u64;
            for entry in table.iter()? {
                let (key, record) = entry?;
                let (id, record) = (key.value(), record.value());
                let segment = read_segment(&self.path, id, record)?;
                sum = sum.wrapping_add(digest(id, record));
                found.push(segment.meta);
                // A damaged tree could go round in circles.
                if found.len() as u64 > stored.segment_count {
                    break;
                }
            }
            Ok((found, sum))
        })?;
        if segments.len() as u64 != stored.segment_count || sum != stored.segments_digest {
            return Err(catalog_error(
                &self.path,
                format!("{} segments expected, {} others found", stored.segment_count, segments.len()),
            ));
        }
        Ok(segments)
    }

    /// The filter of an indexed field of a segment; `None` if it has none for that field.
    pub fn filter(&self, id: SegmentId, field: &str) -> Result<Option<Vec<u8>>> {
        guarded(&self.path, || {
            let txn = self.store()?.begin_read()?;
            let Some(record) = txn.open_table(SEGMENTS)?.get(id.0)? else { return Ok(None) };
            let segment = read_segment(&self.path, id.0, record.value())?;
            let Some(known) = segment.filters.iter().find(|filter| filter.field == field) else {
                return Ok(None);
            };
            let table = txn.open_table(ROUTING)?;
            let mut bytes = Vec::new();
            for (index, entry) in table.range((id.0, field, 0)..=(id.0, field, u32::MAX))?.enumerate() {
                let (_, part) = entry?;
                // The checksum is over the key that must come now, so a part out of place fails it.
                let key = routing_key((id.0, field, index as u32));
                bytes.extend_from_slice(open_record(&self.path, "routing", &key, part.value())?);
                if bytes.len() as u64 > known.bytes {
                    break;
                }
            }
            if bytes.len() as u64 != known.bytes {
                let reason = format!("the filter of field '{field}' of segment {id} is incomplete");
                return Err(catalog_error(&self.path, reason).into());
            }
            Ok(Some(bytes))
        })
    }

    /// Enters the segments of a sealed WAL file, and that it is sealed, in one durable transaction.
    pub fn commit_seal(&self, seal: &SealCommit<'_>) -> Result<Counters> {
        self.change(seal.segments, &[], &[], &[], |counters| {
            counters.sealed_wal = counters.sealed_wal.max(seal.sealed_wal);
            counters.next_seq = counters.next_seq.max(seal.next_seq.0);
            counters.next_producer = counters.next_producer.max(seal.next_producer);
        })
    }

    /// Makes a change of maintenance in one durable transaction; gives the entries with their numbers.
    pub fn commit_swap(&self, swap: &Swap<'_>) -> Result<Vec<LedgerEntry>> {
        let number_from = self.ledger().last_number() + 1;
        let numbered = |(entry, number): (&NewEntry, u64)| {
            let NewEntry { at_ns, actor, reason, change } = entry.clone();
            LedgerEntry { number, at_ns, actor, reason, change }
        };
        let entries: Vec<LedgerEntry> = swap.entries.iter().zip(number_from..).map(numbered).collect();
        if let Some(long) = entries
            .iter()
            .map(|entry| codec::encode(entry).len())
            .find(|bytes| *bytes > LEDGER_ENTRY_BYTES_MAX)
        {
            let reason = format!("{long} bytes exceed the limit of {LEDGER_ENTRY_BYTES_MAX}");
            return Err(Error::InvalidOption { option: "ledger entry", reason });
        }
        self.change(swap.added, swap.removed, swap.files, &entries, |_| {})?;
        Ok(entries)
    }

    /// What was decided and done.
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.state().ledger)
    }

    /// Files that are being written or wait to be removed, by path relative to the database.
    pub fn files(&self) -> Result<Vec<(String, FileState)>> {
        self.read_files(&self.state().stored)
    }

    fn read_files(&self, stored: &StoredCounters) -> Result<Vec<(String, FileState)>> {
        guarded(&self.path, || read_files(&*self.store()?, &self.path, stored))
    }

    /// What other processes are to see of it.
    pub fn manifest(&self, indexed_fields: &[String]) -> Result<Manifest> {
        let state = self.state();
        let counters = state.stored.counters;
        Ok(Manifest {
            identity: self.identity(),
            generation: counters.generation,
            indexed_fields: indexed_fields.to_vec(),
            sealed_wal: counters.sealed_wal,
            next_seq: counters.next_seq,
            next_producer: counters.next_producer,
            segments: self.read_segments(&state.stored)?,
            in_transition: self.read_files(&state.stored)?.into_iter().map(|(file, _)| file).collect(),
            cold_directory: state.ledger.cold_directory().map(str::to_owned),
            wal: None,
        })
    }

    fn change(
        &self,
        added: &[NewSegment],
        removed: &[SegmentId],
        files: &[(String, Option<FileState>)],
        entries: &[LedgerEntry],
        advance: impl FnOnce(&mut Counters),
    ) -> Result<Counters> {
        let mut state = self.state();
        let mut stored = state.stored;
        stored.counters.generation += 1;
        advance(&mut stored.counters);
        stored.next_segment = stored.next_segment.max(state.next_segment + SEGMENT_IDS_AHEAD);
        self.write(|txn| {
            remove_segments(txn, &self.path, &mut stored, removed)?;
            insert_segments(txn, &self.path, &mut stored, added)?;
            append_ledger(txn, &self.path, &mut stored, entries)?;
            change_files(txn, &mut stored, files)?;
            store_counters(txn, &stored)
        })?;
        state.next_segment = state.next_segment.max(stored.next_segment - SEGMENT_IDS_AHEAD);
        state.stored = stored;
        if !entries.is_empty() {
            let mut ledger = Ledger::clone(&state.ledger);
            entries.iter().for_each(|entry| ledger.add(entry.clone()));
            state.ledger = Arc::new(ledger);
        }
        Ok(stored.counters)
    }

    fn write(&self, change: impl FnOnce(&WriteTransaction) -> Result<(), Failure>) -> Result<()> {
        guarded(&self.path, || {
            let store = self.store()?;
            let txn = begin_write(&store)?;
            change(&txn)?;
            txn.commit()?;
            Ok(())
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside redb is caught below the lock, so the state is whole even if poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> Result<Arc<redb::Database>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.clone().ok_or_else(|| catalog_error(&self.path, "it could not be opened again after a failure"))
    }

    /// Opens the file again after a failed change, which redb does not go on from. Only then is it known whether
    /// the change was made; the counters tell.
    pub fn reopen(&self) -> Result<Counters> {
        let mut state = self.state();
        let mut place = self.store.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = place.take() {
            // What is not closed cleanly is recovered by the open.
            close(&self.path, sole_owner(store)).unwrap_or_default();
        }
        let file = self
            .host
            .files
            .open(&self.path, OpenMode::ReadWrite)
            .map_err(|error| Error::io("open", &self.path, error))?;
        let store = store::open_redb(&self.path, CheckedPages::open(&self.path, file)?)?;
        let (database, stored) = guarded(&self.path, || read_meta(&store, &self.path))?;
        let ledger = guarded(&self.path, || read_ledger(&store, &self.path, stored.ledger_last))?;
        assert!(
            database.identity == self.database.identity,
            "the catalog of an open database stays in its place"
        );
        state.next_segment = state.next_segment.max(stored.next_segment);
        state.stored = stored;
        state.ledger = Arc::new(Ledger::of(ledger));
        *place = Some(Arc::new(store));
        Ok(stored.counters)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("path", &self.path).field("counters", &self.counters()).finish()
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(store) = store.and_then(Arc::into_inner) {
            // All that was acknowledged is durable; closing only saves the next open some work.
            close(&self.path, store).unwrap_or_default();
        }
    }
}

/// Waits until nobody else holds it. Readers do for as long as they fetch one filter.
fn sole_owner(mut store: Arc<redb::Database>) -> redb::Database {
    loop {
        match Arc::try_unwrap(store) {
            Ok(store) => return store,
            Err(shared) => store = shared,
        }
        std::thread::yield_now();
    }
}

fn close(path: &Path, store: redb::Database) -> Result<()> {
    guarded(path, || {
        drop(store);
        Ok(())
    })
}

/// The error for a catalog that is not there.
fn missing(host: &Host, dir: &Path, reason: String) -> Error {
    let has = |name: &str| host.files.exists(&dir.join(name)).unwrap_or(false);
    let remains = ["hot", "warm", "cold", "wal", manifest::MANIFEST_FILE, journal::JOURNAL_FILE];
    match remains.into_iter().find(|name| has(name)) {
        Some(name) => Error::CatalogMismatch {
            path: dir.to_path_buf(),
            reason: format!("{reason}, though there is {name}"),
        },
        None => Error::NotADatabase { path: dir.to_path_buf(), reason },
    }
}
