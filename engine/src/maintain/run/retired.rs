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
use crate::open::is_cold_there;
use crate::segment::Tier;
use crate::view::SegmentHandle;

/// Handles of retired segments, by path relative to the database.
pub(super) type RetiredHandles = HashMap<String, Arc<SegmentHandle>>;

impl Maintenance {
    /// Removes retired files whose grace has passed. Gives how many files still wait.
    pub(crate) fn remove_retired(&self, grace: Duration) -> Result<usize> {
        let (catalog, places) = {
            let publisher = self.publisher();
            (Arc::clone(publisher.catalog()), publisher.places())
        };
        let files = catalog.files()?;
        if files.is_empty() {
            return Ok(0);
        }
        let cold_is_there = is_cold_there(&self.host, &places, catalog.identity())?;
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
            let handle = self.retired().remove(&file);
            if let Some(handle) = handle.filter(|handle| Arc::strong_count(handle) > 1) {
                // What cannot be opened now could not be opened later either.
                handle.open().map(drop).unwrap_or_default();
            }
            remove_if_there(&self.host, &places.file(Path::new(&file)))?;
            removed.push((file, None));
        }
        self.sync_parents(&places, removed.iter().map(|(file, _)| file.as_str()))?;
        if !removed.is_empty() {
            self.publisher().swap(&Swap { files: &removed, ..Swap::default() })?;
        }
        Ok(waiting)
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
