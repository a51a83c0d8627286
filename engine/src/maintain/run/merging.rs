//! Merges of a partition's segments within a tier or into the next: written, verified against their sources row by
//! row, put in their place in one commit; then the sources are retired.
//!
//! ```text
//! note the file ─▶ write .seg.tmp in stretches ─▶ sync ─▶ rename ─▶ sync directory      (each output)
//!   ─▶ read back: every checksum, every row against the sources ─▶ commit, journal, MANIFEST ─▶ sources retired
//! ```
//! A crash before the commit leaves noted files, which the next open removes; a crash after it leaves retired ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Maintenance, Throttle};
use crate::catalog::ledger::TierChange;
use crate::catalog::{FileState, NewSegment, Swap};
use crate::error::{Error, Result};
use crate::event::Category;
use crate::maintain::plan::Merge;
use crate::maintain::verify::open_segment;
use crate::open::is_cold_there;
use crate::segment::{
    FinishedSegment, Places, Segment, SegmentBuilder, SegmentIdentity, SegmentOptions, Tier, compare, merge,
};
use crate::vfs::{OpenMode, VfsFile};
use crate::view::SegmentHandle;

/// Memory of the builder of an output, in bytes; a day that takes more becomes several segments.
pub(super) const BUILDER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Bytes written and synced at once, so that a large file does not keep the disk from recording.
const WRITE_BYTES: usize = 4 * 1024 * 1024;
/// Room that a merge leaves on the volume for what is being recorded meanwhile.
const ROOM_LEFT_BYTES: u64 = 256 * 1024 * 1024;

impl Maintenance {
    /// Carries out a merge into `tier`.
    ///
    /// # Errors
    /// Damage to a source, no room, a cold volume that is away, IO errors, an interruption: what was written is
    /// removed, and everything is as it was before.
    pub(super) fn merge(&self, step: &Merge, tier: Tier, throttle: &Throttle<'_>) -> Result<TierChange> {
        let sources = self.handles(&step.sources)?;
        let opened: Vec<Arc<Segment>> = sources.iter().map(|handle| handle.open()).collect::<Result<_>>()?;
        let bytes_before: u64 = sources.iter().map(|handle| handle.meta.file_bytes).sum();
        let (catalog, places) = self.catalog_and_places();
        if tier == Tier::Cold && !is_cold_there(&self.host, &places, catalog.identity())? {
            let reason =
                "its volume is not mounted; hint: mount it, or set another cold directory".to_owned();
            return Err(Error::Unavailable { path: places.tier(tier), reason });
        }
        self.check_room(&places, tier, bytes_before)?;
        let mut written =
            Written { maintenance: self, places: &places, outputs: Vec::new(), noted: Vec::new() };
        match written.write(step, tier, &sources, &opened, throttle).and_then(|()| {
            let outputs: Vec<Arc<Segment>> = written.read_back(throttle)?;
            compare(&opened, &outputs, throttle)
        }) {
            Ok(_) => {}
            Err(error) => {
                // What cannot be removed now is by the next run or open, which finds the notes.
                self.remove_unfinished().unwrap_or_default();
                return Err(error);
            }
        }
        let Written { outputs, noted, .. } = written;
        let at_ns = self.host.clock.now_ns();
        let mut files: Vec<(String, Option<FileState>)> =
            noted.into_iter().map(|file| (file, None)).collect();
        files.extend(sources.iter().map(|handle| (name_of(handle), Some(FileState::Retired { at_ns }))));
        // Known before the swap: a snapshot taken until then may open them as late as it likes.
        self.retired().extend(sources.iter().map(|handle| (name_of(handle), Arc::clone(handle))));
        let swap = Swap { added: &outputs, removed: &step.sources, files: &files, entries: &[] };
        let swapped = self.publisher().swap(&swap).map(drop);
        if let Err(error) = swapped {
            // If the change was made all the same, no note is left to go by, and nothing is removed.
            self.remove_unfinished().unwrap_or_default();
            return Err(error);
        }
        Ok(TierChange {
            partitions: 1,
            segments_before: sources.len() as u64,
            segments_after: outputs.len() as u64,
            rows: outputs.iter().map(|(meta, _)| meta.rows).sum(),
            bytes_before,
            bytes_after: outputs.iter().map(|(meta, _)| meta.file_bytes).sum(),
        })
    }

    /// Whether the volume takes as much again, and leaves room to record.
    fn check_room(&self, places: &Places, tier: Tier, bytes: u64) -> Result<()> {
        let dir = places.tier(tier);
        let exists = self.host.files.exists(&dir).map_err(|error| Error::io("look for", &dir, error))?;
        let dir = if exists { dir } else { places.database.clone() };
        let space = self.host.files.space(&dir).map_err(|error| Error::io("measure", &dir, error))?;
        // On a small volume what is left for recording is a share of it.
        let room_left = ROOM_LEFT_BYTES.min(space.total_bytes / 64);
        if space.available_bytes >= bytes.saturating_add(room_left) {
            return Ok(());
        }
        let reason = format!(
            "{} bytes are free, and a merge of {bytes} bytes wants as much again and {room_left} to spare; hint: \
             free some, or lower the ages of the policies",
            space.available_bytes
        );
        Err(Error::NoRoom { path: dir, reason })
    }
}

/// The path of a segment, relative to the database.
pub(super) fn name_of(handle: &SegmentHandle) -> String {
    relative_name(&handle.meta.relative_path())
}

fn relative_name(relative: &Path) -> String {
    relative.to_str().expect("names of segments are generated, of ASCII").to_owned()
}

/// Outputs of a merge that nobody sees yet.
struct Written<'m> {
    maintenance: &'m Maintenance,
    places: &'m Places,
    outputs: Vec<NewSegment>,
    /// Their paths, as noted in the catalog.
    noted: Vec<String>,
}

impl Written<'_> {
    fn write(
        &mut self,
        step: &Merge,
        tier: Tier,
        sources: &[Arc<SegmentHandle>],
        opened: &[Arc<Segment>],
        throttle: &Throttle<'_>,
    ) -> Result<()> {
        let maintenance = self.maintenance;
        let category = Category::custom(&step.partition.category)
            .expect("a segment that was opened is of a category that this process knows");
        let options = match tier {
            Tier::Hot => SegmentOptions { block_rows: maintenance.block_rows, ..self.options(tier) },
            Tier::Warm | Tier::Cold => self.options(tier),
        };
        // Hot segments that were merged before are told from fresh ones by it.
        let source_wal = match tier {
            Tier::Hot => 0,
            Tier::Warm | Tier::Cold => sources.iter().map(|handle| handle.meta.source_wal).max().unwrap_or(0),
        };
        let mut outputs: Vec<NewSegment> = Vec::new();
        let mut noted = Vec::new();
        let outcome = merge(
            opened,
            &options,
            maintenance.builder_bytes_max,
            throttle,
            &mut |builder: SegmentBuilder| {
                let id = maintenance.publisher().next_segment_id()?;
                let day = step.partition.day;
                let finished = builder.finish(SegmentIdentity { id, day, category, tier, source_wal });
                let relative = finished.meta.relative_path();
                let note = (relative_name(&relative), Some(FileState::Writing));
                noted.push(note.0.clone());
                maintenance.publisher().swap(&Swap { files: &[note], ..Swap::default() })?;
                write_file(maintenance, self.places, &relative, &finished, throttle)?;
                outputs.push((finished.meta, finished.filters));
                throttle.rest(0)
            },
        );
        self.outputs = outputs;
        self.noted = noted;
        outcome
    }

    fn options(&self, tier: Tier) -> SegmentOptions {
        SegmentOptions::of_tier(tier, self.maintenance.indexed.to_vec())
    }

    /// Opens what was written, and verifies it against its own checksums.
    fn read_back(&self, throttle: &Throttle<'_>) -> Result<Vec<Arc<Segment>>> {
        let mut opened = Vec::with_capacity(self.outputs.len());
        for (meta, _) in &self.outputs {
            let segment = open_segment(&self.maintenance.host, &self.places.segment(meta))?;
            segment.verify()?;
            throttle.rest(meta.file_bytes)?;
            opened.push(Arc::new(segment));
        }
        Ok(opened)
    }
}

/// Writes a segment durably: in stretches, under its temporary name, then under its own.
fn write_file(
    maintenance: &Maintenance,
    places: &Places,
    relative: &Path,
    finished: &FinishedSegment,
    throttle: &Throttle<'_>,
) -> Result<()> {
    let files = &maintenance.host.files;
    let path = places.file(relative);
    let temporary: PathBuf = path.with_extension("seg.tmp");
    let dir = path.parent().expect("a segment lies in its day's directory");
    let tier = dir.parent().expect("a day lies in its tier's directory");
    files.create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
    // Directories that are there may have been made by an attempt that did not come to syncing them.
    files.sync_dir(tier).map_err(|error| Error::io("sync", tier, error))?;
    if tier.starts_with(&places.database) {
        files.sync_dir(&places.database).map_err(|error| Error::io("sync", &places.database, error))?;
    }
    let io = |operation, error| Error::io(operation, &temporary, error);
    let file: Arc<dyn VfsFile> =
        files.open(&temporary, OpenMode::CreateNew).map_err(|error| io("create", error))?;
    for (index, stretch) in finished.bytes.chunks(WRITE_BYTES).enumerate() {
        let offset = (index * WRITE_BYTES) as u64;
        file.write_all_at(stretch, offset).map_err(|error| io("write", error))?;
        file.sync_data().map_err(|error| io("sync", error))?;
        throttle.rest(stretch.len() as u64)?;
    }
    files.rename(&temporary, &path).map_err(|error| io("rename", error))?;
    files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
}
