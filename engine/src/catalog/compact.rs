//! Gives back the room of a catalog whose segments became fewer, and forgets what was deleted. redb keeps the pages it
//! has, with what they held; so its records are copied into a new file, which takes the place of the old one by renaming.
//!
//! Records prove themselves, so they are copied as they are. Until the new file has the name, the old one is the
//! catalog; lookups go on reading it. A crash leaves the one or the other, and perhaps `catalog.new`, which the next
//! that is made replaces.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use redb::{Key, ReadableDatabase, ReadableTable, TableDefinition, Value, WriteTransaction};

use super::ledger::Ledger;
use super::pages::CheckedPages;
use super::records::{FILES, LEDGER, META, ROUTING, SEGMENTS, begin_write, read_forgotten, store_forgotten};
use super::store::{Failure, guarded, open_redb};
use super::{CATALOG_FILE, CATALOG_NEW_FILE, Catalog, close};
use crate::error::{Error, Result};
use crate::vfs::{Host, OpenMode, VfsFile};

/// Files of which less than this was ever written are left alone.
const COMPACTED_BYTES_MIN: u64 = 512 * 1024;
/// Share of what was ever written that the records take, in percent, below which the file is worth a copy.
const USED_PERCENT_MAX: u64 = 78;

impl Catalog {
    /// Copies the catalog into a smaller file, if it takes much more room than its records need, or events were deleted
    /// since it was last copied: what was known of them stays in free pages until then. Tells whether it did. After an
    /// error [`Catalog::reopen`] goes on.
    ///
    /// # Errors
    /// IO errors, no room for the copy, damage.
    pub fn compact(&self) -> Result<bool> {
        // No commit comes in between.
        let state = self.state();
        let files = &self.host.files;
        let written_bytes = written_bytes(&self.host, &self.dir)?;
        let has_to_forget = self.has_to_forget(&state.ledger)?;
        let is_large = written_bytes >= COMPACTED_BYTES_MIN;
        if !(has_to_forget || is_large && self.used_bytes()? * 100 < written_bytes * USED_PERCENT_MAX) {
            return Ok(false);
        }
        let new_path = self.dir.join(CATALOG_NEW_FILE);
        if let Err(error) = self.make_copy(&new_path, state.ledger.last_number()) {
            // What cannot be removed is replaced by the next that is made.
            files.remove_file(&new_path).unwrap_or_default();
            // It would only have saved room.
            return if !has_to_forget && error.is_for_want_of_room() { Ok(false) } else { Err(error) };
        }
        let io = |operation, error| Error::io(operation, &new_path, error);
        let mut place = self.store.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = place.take() {
            close(&self.path, super::sole_owner(store)).unwrap_or_default();
        }
        files.rename(&new_path, &self.path).map_err(|error| io("rename", error))?;
        files.sync_dir(&self.dir).map_err(|error| Error::io("sync", &self.dir, error))?;
        let file = files
            .open(&self.path, OpenMode::ReadWrite)
            .map_err(|error| Error::io("open", &self.path, error))?;
        *place = Some(Arc::new(open_redb(&self.path, CheckedPages::open(&self.path, file)?)?));
        Ok(true)
    }

    /// Whether events were deleted since the catalog was last copied.
    fn has_to_forget(&self, ledger: &Ledger) -> Result<bool> {
        let forgotten = guarded(&self.path, || read_forgotten(&*self.store()?, &self.path))?;
        Ok(ledger.tombstones().any(|(_, entry)| entry.number > forgotten))
    }

    /// Bytes of the records, with what finding them takes.
    fn used_bytes(&self) -> Result<u64> {
        guarded(&self.path, || {
            let store = self.store()?;
            let txn = begin_write(&store)?;
            let stats = txn.stats()?;
            txn.abort()?;
            Ok(stats.stored_bytes() + stats.metadata_bytes())
        })
    }

    /// Makes the copy under another name, durably.
    fn make_copy(&self, new_path: &Path, ledger_last: u64) -> Result<()> {
        let files = &self.host.files;
        let io = |operation, error| Error::io(operation, new_path, error);
        if files.exists(new_path).map_err(|error| io("look for", error))? {
            files.remove_file(new_path).map_err(|error| io("remove", error))?;
        }
        let file = files.open(new_path, OpenMode::CreateNew).map_err(|error| io("create", error))?;
        self.copy_into(new_path, &file, ledger_last)
    }

    fn copy_into(&self, new_path: &Path, file: &Arc<dyn VfsFile>, ledger_last: u64) -> Result<()> {
        let mut new = open_redb(new_path, CheckedPages::create(new_path, Arc::clone(file))?)?;
        guarded(new_path, || {
            let old = self.store()?;
            let txn = begin_write(&new)?;
            copy(&old, &txn, META)?;
            copy(&old, &txn, SEGMENTS)?;
            copy(&old, &txn, ROUTING)?;
            copy(&old, &txn, LEDGER)?;
            copy(&old, &txn, FILES)?;
            store_forgotten(&txn, ledger_last)?;
            txn.commit()?;
            Ok(())
        })?;
        // Inserting left pages free in between.
        guarded(new_path, || Ok(new.compact().map(drop)?))?;
        close(new_path, new)?;
        // redb does not report a failure of its own closing writes; a sync of the file does.
        file.sync_data().map_err(|error| Error::io("sync", new_path, error))
    }
}

/// What the catalog of a database takes of the disk, in bytes: the rest of its file are holes.
pub(crate) fn written_bytes(host: &Host, dir: &Path) -> Result<u64> {
    let path = dir.join(CATALOG_FILE);
    let file = host.files.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
    Ok(CheckedPages::open(&path, file)?.written_bytes())
}

/// Copies a table. In order of keys, so that pages are filled one after the other.
fn copy<K: Key + 'static, V: Value + 'static>(
    old: &redb::Database,
    txn: &WriteTransaction,
    table: TableDefinition<K, V>,
) -> Result<(), Failure> {
    let from = old.begin_read()?.open_table(table)?;
    let mut to = txn.open_table(table)?;
    for entry in from.iter()? {
        let (key, value) = entry?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}
