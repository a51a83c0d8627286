//! Seals finished WAL files into segments, one file at a time, in their order.
//!
//! ```text
//! WAL file ─▶ one builder per (category, UTC day) ─▶ hot/<day>/<category>-<id>.seg.tmp ─▶ sync ─▶ rename
//!   ─▶ sync directories ─▶ one catalog commit ─▶ MANIFEST ─▶ remove the WAL file
//! ```
//! Until the commit the events are in the WAL file, after it in the segments; a crash in between leaves
//! files that the next open recognises: segments the catalog does not know, or a WAL file it calls sealed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::publish::Publisher;
use crate::catalog::SealCommit;
use crate::error::{Error, Result};
use crate::event::{Category, Day};
use crate::segment::{RoutingFilter, SegmentBuilder, SegmentIdentity, SegmentMeta, SegmentOptions, Tier};
use crate::vfs::{Host, OpenMode};
use crate::view::{Versions, WalTail};
use crate::wal::{FrameKind, WalNumber};

/// What a segment holds events of.
type Partition = (Category, Day);

/// See the module. One exists per open database; whoever holds it seals.
pub(crate) struct Sealer {
    pub(crate) host: Host,
    pub(crate) database: PathBuf,
    pub(crate) publisher: Arc<Mutex<Publisher>>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) options: SegmentOptions,
    /// Sealed files that could not be removed yet.
    pub(crate) retiring: Vec<WalNumber>,
    /// Files of attempts that failed. They go before the WAL file that holds their events does.
    pub(crate) abandoned: Vec<PathBuf>,
}

impl Sealer {
    /// Seals the oldest finished WAL file; false if there is none. After an error it can be called again.
    ///
    /// # Errors
    /// IO errors, and damage to the WAL file, which then stays.
    pub(crate) fn seal_next(&mut self) -> Result<bool> {
        self.publisher().settle()?;
        self.retire()?;
        let version = self.versions.current();
        // The newest file is being appended to.
        let Some((_, finished)) = version.tails.split_last() else { return Ok(false) };
        let Some(tail) = finished.first() else { return Ok(false) };
        let number = tail.number();
        let catalog = Arc::clone(self.publisher().catalog());
        let sealed = if catalog.counters().sealed_wal < number.0 {
            match self.seal(tail) {
                Ok(sealed) => sealed,
                Err(error) => {
                    self.give_up(number);
                    return Err(error);
                }
            }
        } else {
            // A repair may have begun to count files anew: older segments can name the same number.
            let first_seq = tail.header.first_seq.0;
            let all = catalog.segments_of_wal(number.0)?;
            all.into_iter().filter(|meta| meta.seq_min >= first_seq).collect()
        };
        let is_ours =
            |path: &PathBuf| sealed.iter().any(|meta| self.database.join(meta.relative_path()) == *path);
        self.abandoned.retain(|path| !is_ours(path));
        self.publisher().show_sealed(number, sealed);
        self.retiring.push(number);
        self.publisher().settle()?;
        self.retire()?;
        Ok(true)
    }

    fn publisher(&self) -> MutexGuard<'_, Publisher> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what nobody needs any longer, after other processes were told.
    fn retire(&mut self) -> Result<()> {
        if self.retiring.is_empty() {
            return Ok(());
        }
        while let Some(path) = self.abandoned.last() {
            remove_if_there(&self.host, path)?;
            self.abandoned.pop();
        }
        while let Some(number) = self.retiring.last() {
            remove_if_there(&self.host, &number.path(&self.database))?;
            self.retiring.pop();
        }
        let dir = self.database.join("wal");
        self.host.files.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))
    }

    /// Removes what a failed attempt has written: on a disk that is almost full it would take what is left.
    fn give_up(&mut self, number: WalNumber) {
        let is_committed = {
            let mut publisher = self.publisher();
            publisher.resolve().is_err() || publisher.catalog().counters().sealed_wal >= number.0
        };
        if !is_committed {
            // What cannot be removed now is before the WAL file is.
            self.abandoned.retain(|path| remove_if_there(&self.host, path).is_err());
        }
    }

    /// Writes the segments of a WAL file and commits them.
    fn seal(&mut self, tail: &WalTail) -> Result<Vec<SegmentMeta>> {
        let mut sealed: Vec<(SegmentMeta, Vec<RoutingFilter>)> = Vec::new();
        let mut names = Vec::new();
        for ((category, day), builder) in self.build(tail)? {
            let id = self.publisher().next_segment_id()?;
            let identity =
                SegmentIdentity { id, day, category, tier: Tier::Hot, source_wal: tail.number().0 };
            let finished = builder.finish(identity);
            let path = self.database.join(finished.meta.relative_path());
            let temporary = path.with_extension("seg.tmp");
            self.abandoned.extend([path.clone(), temporary.clone()]);
            write_segment(&self.host, &temporary, &path, &finished.bytes)?;
            names.push((temporary, path));
            sealed.push((finished.meta, finished.filters));
        }
        publish_names(&self.host, &names)?;
        let view = tail.view_written()?;
        let commit = SealCommit {
            segments: &sealed,
            sealed_wal: tail.number().0,
            next_seq: view.next_seq(),
            next_producer: view.highest_producer().map_or(0, |producer| producer.0 + 1),
        };
        self.publisher().commit_seal(&commit)?;
        Ok(sealed.into_iter().map(|(meta, _)| meta).collect())
    }

    /// Builders by partition, one each unless it is full, ordered so that segment ids are the same at every attempt.
    fn build(&self, tail: &WalTail) -> Result<Vec<(Partition, SegmentBuilder)>> {
        let view = tail.view_written()?;
        let mut partitions: Vec<(Partition, SegmentBuilder)> = Vec::new();
        for frame in view.frames.iter().filter(|frame| frame.kind == FrameKind::Events) {
            view.each_record(frame, |seq, record, defaults| {
                let key = (record.category, record.ts.day());
                // The last one of a partition is the one with room.
                let open =
                    partitions.iter().rposition(|(known, builder)| *known == key && !builder.is_full());
                let index = open.unwrap_or_else(|| {
                    partitions.push((key, SegmentBuilder::new(&self.options)));
                    partitions.len() - 1
                });
                partitions[index]
                    .1
                    .push(seq, frame.producer, record, defaults)
                    .map_err(|error| view.damaged(frame.offset, &error.to_string()))
            })?;
        }
        partitions.sort_by_key(|((category, day), _)| (category.name(), *day));
        Ok(partitions)
    }
}

/// Writes a segment under its temporary name, durably, in the directory of its final one.
pub(super) fn write_segment(host: &Host, temporary: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = path.parent().expect("a segment lies in its day's directory");
    if !host.files.exists(dir).map_err(|error| Error::io("look for", dir, error))? {
        host.files.create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
    }
    remove_if_there(host, temporary)?;
    let file = host
        .files
        .open(temporary, OpenMode::CreateNew)
        .map_err(|error| Error::io("create", temporary, error))?;
    file.write_all_at(bytes, 0).map_err(|error| Error::io("write", temporary, error))?;
    file.sync_data().map_err(|error| Error::io("sync", temporary, error))
}

/// Gives written segments their names, durably.
pub(super) fn publish_names(host: &Host, names: &[(PathBuf, PathBuf)]) -> Result<()> {
    for (temporary, path) in names {
        host.files.rename(temporary, path).map_err(|error| Error::io("rename", temporary, error))?;
    }
    // The day's directory may have been made by an attempt that did not come to syncing the tier's.
    let mut dirs: Vec<&Path> = names.iter().flat_map(|(_, path)| path.ancestors().skip(1).take(2)).collect();
    dirs.sort_unstable();
    dirs.dedup();
    for dir in dirs {
        host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
    }
    Ok(())
}

pub(crate) fn remove_if_there(host: &Host, path: &Path) -> Result<()> {
    if !host.files.exists(path).map_err(|error| Error::io("look for", path, error))? {
        return Ok(());
    }
    match host.files.remove_file(path) {
        // The sealer and maintenance may both be at it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|error| Error::io("remove", path, error)),
    }
}
