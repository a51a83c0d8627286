//! The directory that a restore makes a database in.
//!
//! It holds a file `RESTORING` from the first moment on, with which no open takes it for a database; the last step
//! renames that file to `LOCK`, and so makes it one. The restore holds the lock of the file all the time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files;
use crate::catalog::manifest::MANIFEST_FILE;
use crate::catalog::{CATALOG_FILE, DatabaseId, JOURNAL_FILE};
use crate::error::{Error, Result};
use crate::lock::{LOCK_FILE, RESTORING_FILE};
use crate::segment::Tier;
use crate::vfs::{FileLock, Host, Mapping};

/// See the module.
pub(super) struct Target<'h> {
    host: &'h Host,
    pub(super) dir: PathBuf,
    _lock: Box<dyn FileLock>,
    /// Directories whose names of files are not durable yet.
    unsynced: BTreeSet<PathBuf>,
}

impl<'h> Target<'h> {
    /// Begins in a new or empty directory, or in that of a restore that was interrupted, which begins again.
    pub(super) fn begin(host: &'h Host, dir: &Path, identity: DatabaseId) -> Result<Target<'h>> {
        let marker = dir.join(RESTORING_FILE);
        let refuse = |reason: String| Err(Error::InvalidOption { option: "destination", reason });
        let names = match files::exists(host, dir)? {
            true => host.files.read_dir(dir).map_err(|error| Error::io("list", dir, error))?,
            false => Vec::new(),
        };
        let has = |name: &str| names.iter().any(|entry| entry.name == name);
        if let Some(found) = names.first()
            && (!has(RESTORING_FILE) || has(LOCK_FILE))
        {
            let what = if has(MANIFEST_FILE) { "a database" } else { "other things" };
            return refuse(format!(
                "{} holds {what}, '{}' for one; hint: restore into a new or an empty directory",
                dir.display(),
                found.name
            ));
        }
        if !has(RESTORING_FILE) {
            files::create_dir(host, dir)?;
            let text = format!("restoring database {identity}\n");
            files::write(host, &marker, text.as_bytes(), &mut |_| {})?;
        }
        files::sync_dir(host, dir)?;
        let lock = host.files.try_lock(&marker).map_err(|error| Error::io("lock", &marker, error))?;
        let Some(lock) = lock else {
            let holder = "another restore".to_owned();
            return Err(Error::Locked { path: dir.to_path_buf(), holder });
        };
        remove_remains(host, dir)?;
        let mut target = Target {
            host,
            dir: dir.to_path_buf(),
            _lock: lock,
            unsynced: BTreeSet::from([dir.to_path_buf()]),
        };
        for name in ["wal", Tier::Hot.directory()] {
            target.create_dir(&dir.join(name))?;
        }
        Ok(target)
    }

    fn create_dir(&mut self, dir: &Path) -> Result<()> {
        files::create_dir(self.host, dir)?;
        self.unsynced.insert(dir.to_path_buf());
        Ok(())
    }

    /// Writes a file, given by its path relative to the database.
    pub(super) fn write(
        &mut self,
        relative: &Path,
        bytes: &[u8],
        wrote: &mut dyn FnMut(u64),
    ) -> Result<Mapping> {
        let path = self.dir.join(relative);
        self.create_dir(path.parent().expect("a file of a database lies in its directory"))?;
        files::write(self.host, &path, bytes, wrote)
    }

    /// Gives a file a second name in the database; false if it must be copied.
    pub(super) fn link(&mut self, from: &Path, relative: &Path) -> Result<bool> {
        let path = self.dir.join(relative);
        self.create_dir(path.parent().expect("a file of a database lies in its directory"))?;
        match self.host.files.hard_link(from, &path) {
            Ok(()) => Ok(true),
            Err(error) if files::cannot_link(&error) => Ok(false),
            Err(error) => Err(Error::io("link", from, error)),
        }
    }

    /// Makes the names of all files durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        std::mem::take(&mut self.unsynced).iter().try_for_each(|dir| files::sync_dir(self.host, dir))
    }

    /// Makes it a database.
    pub(super) fn finish(self) -> Result<()> {
        let (marker, lock) = (self.dir.join(RESTORING_FILE), self.dir.join(LOCK_FILE));
        self.host.files.rename(&marker, &lock).map_err(|error| Error::io("rename", &marker, error))?;
        files::sync_dir(self.host, &self.dir)
    }
}

/// Removes what an interrupted restore left, and refuses anything else.
fn remove_remains(host: &Host, dir: &Path) -> Result<()> {
    let own_files = [
        MANIFEST_FILE.to_owned(),
        format!("{MANIFEST_FILE}.tmp"),
        CATALOG_FILE.to_owned(),
        "catalog.new".to_owned(),
        JOURNAL_FILE.to_owned(),
        format!("{JOURNAL_FILE}.tmp"),
    ];
    let mut remains = host.files.read_dir(dir).map_err(|error| Error::io("list", dir, error))?;
    remains.retain(|entry| entry.name != RESTORING_FILE);
    let is_tier = |name: &str| Tier::ALL.iter().any(|tier| tier.directory() == name);
    let is_own = |name: &str, is_dir: bool| match is_dir {
        true => name == "wal" || is_tier(name),
        false => own_files.iter().any(|own| own == name),
    };
    if let Some(other) = remains.iter().find(|entry| !is_own(&entry.name, entry.is_dir)) {
        let reason = format!(
            "{} was being restored and holds '{}' besides; hint: look at it, and restore into a new directory",
            dir.display(),
            other.name
        );
        return Err(Error::InvalidOption { option: "destination", reason });
    }
    // What readers look for goes first.
    remains.sort_by_key(|entry| (entry.name != MANIFEST_FILE, entry.name != CATALOG_FILE));
    for entry in &remains {
        let path = dir.join(&entry.name);
        if entry.is_dir { files::remove_tree(host, &path)? } else { files::remove_if_there(host, &path)? }
    }
    if remains.is_empty() { Ok(()) } else { files::sync_dir(host, dir) }
}
