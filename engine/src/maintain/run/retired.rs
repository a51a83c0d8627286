//! Files of segments that were replaced or deleted: kept for a while for the sake of readers, then removed.
//!
//! A reader in another process may have listed a segment and not opened it yet; the grace is for those. In this
//! process a snapshot holds its segments: they are opened before their names go, and stay readable.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Maintenance;
use crate::catalog::{FileState, Swap};
use crate::error::{Error, Result};
use crate::maintain::seal::remove_if_there;
use crate::open::{Unfinished, is_cold_there, remove_unfinished};
use crate::segment::Tier;
use crate::view::SegmentHandle;
use crate::wal::wal_numbers;

/// Handles of retired segments, by path relative to the database.
pub(super) type RetiredHandles = HashMap<String, Arc<SegmentHandle>>;

impl Maintenance {
    /// Removes retired files whose grace has passed. Gives how many files still wait.
    pub(crate) fn remove_retired(&self, grace: Duration) -> Result<usize> {
        let (catalog, places) = self.catalog_and_places();
        if catalog.files()?.is_empty() {
            return Ok(0);
        }
        let mut is_told = self.publisher().settle_if_there_is_room()?;
        let files = catalog.files()?;
        let cold_is_there = is_cold_there(&self.host, &places, catalog.identity()).unwrap_or(false);
        let now_ns = self.host.clock.now_ns();
        let grace_ns = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        let (mut removed, mut waiting) = (Vec::new(), 0);
        for (file, state) in files {
            let FileState::Retired { at_ns } = state else { continue };
            let is_away = Path::new(&file).starts_with(Tier::Cold.directory()) && !cold_is_there;
            // A clock that was set back must not keep files for years.
            if is_away || now_ns.abs_diff(at_ns) < grace_ns {
                waiting += 1;
                continue;
            }
            let path = places.file(Path::new(&file));
            let handle = self.retired().get(&file).cloned();
            // One is ours, one the map's.
            if handle.is_some_and(|handle| Arc::strong_count(&handle) > 2 && handle.open().is_err())
                && self.host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))?
            {
                // A snapshot may be able to open it later, where there were too many open files now.
                waiting += 1;
                continue;
            }
            // No file goes before MANIFEST has told that it is no segment's any longer, and the journal why. Where there
            // is no room to tell, removing makes some; a reader that comes just then names what it misses.
            is_told = is_told || self.publisher().settle_if_there_is_room()?;
            remove_if_there(&self.host, &path)?;
            self.retired().remove(&file);
            removed.push((file, None));
        }
        self.sync_parents(&places, removed.iter().map(|(file, _)| file.as_str()))?;
        if !removed.is_empty() {
            self.publisher().swap(&Swap { files: &removed, ..Swap::default() })?;
        }
        Ok(waiting)
    }

    /// Removes what an interrupted or failed merge has written. Called while no merge is under way.
    pub(super) fn remove_unfinished(&self) -> Result<()> {
        self.publisher().resolve()?;
        let (catalog, places) = self.catalog_and_places();
        let cold_is_there = is_cold_there(&self.host, &places, catalog.identity()).unwrap_or(false);
        let Unfinished { forgotten, .. } = remove_unfinished(&self.host, &places, &catalog, cold_is_there)?;
        if !forgotten.is_empty() {
            self.publisher().swap(&Swap { files: &forgotten, ..Swap::default() })?;
        }
        Ok(())
    }

    /// Removes WAL files whose events are sealed, where the sealer has not come to it: what is deleted from segments
    /// must not stay in them.
    pub(super) fn remove_sealed_wal(&self) -> Result<()> {
        let sealed_wal = {
            let mut publisher = self.publisher();
            publisher.settle()?;
            publisher.catalog().counters().sealed_wal
        };
        let shown: Vec<_> = self.versions.current().tails.iter().map(|tail| tail.number()).collect();
        let mut numbers = wal_numbers(&self.host, &self.database)?;
        numbers.retain(|number| number.0 <= sealed_wal && !shown.contains(number));
        if numbers.is_empty() {
            return Ok(());
        }
        for number in numbers {
            remove_if_there(&self.host, &number.path(&self.database))?;
        }
        let dir = self.database.join("wal");
        self.host.files.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))
    }

    /// Makes removals durable, and removes days that became empty.
    fn sync_parents<'f>(
        &self,
        places: &crate::segment::Places,
        files: impl Iterator<Item = &'f str>,
    ) -> Result<()> {
        let mut dirs: Vec<_> =
            files.filter_map(|file| places.file(Path::new(file)).parent().map(Path::to_path_buf)).collect();
        dirs.sort_unstable();
        dirs.dedup();
        for dir in dirs {
            let io = |operation, error| Error::io(operation, &dir, error);
            if !self.host.files.exists(&dir).map_err(|error| io("look for", error))? {
                continue;
            }
            self.host.files.sync_dir(&dir).map_err(|error| io("sync", error))?;
            // The sealer may be about to write into it: then it is not empty, or is made again.
            if self.host.files.read_dir(&dir).map_err(|error| io("list", error))?.is_empty() {
                self.host.files.remove_dir(&dir).map_err(|error| io("remove", error))?;
            }
        }
        Ok(())
    }
}
