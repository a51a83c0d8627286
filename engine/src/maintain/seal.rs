//! Seals finished WAL files into segments, one file at a time, in their order.
//!
//! ```text
//! WAL file ─▶ one builder per (category, UTC day) ─▶ hot/<day>/<category>-<id>.seg.tmp ─▶ sync ─▶ rename
//!   ─▶ sync directories ─▶ one catalog commit ─▶ MANIFEST ─▶ remove the WAL file
//! ```
//! Until the commit the events are in the WAL file, after it in the segments; a crash in between leaves
//! files that the next open recognises: segments the catalog does not know, or a WAL file it calls sealed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{Catalog, SealCommit};
use crate::error::{Error, Result};
use crate::event::{Category, Day, FieldKey};
use crate::segment::{RoutingFilter, SegmentBuilder, SegmentIdentity, SegmentMeta, SegmentOptions, Tier};
use crate::vfs::{Host, OpenMode};
use crate::view::{SegmentHandle, Versions, WalTail};
use crate::wal::{FrameKind, WalNumber};

/// What a segment holds events of.
type Partition = (Category, Day);

/// See the module. One exists per open database; whoever holds it seals.
pub(crate) struct Sealer {
    pub(crate) host: Host,
    pub(crate) database: PathBuf,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) options: SegmentOptions,
    /// Sealed files that could not be removed yet.
    pub(crate) retiring: Vec<WalNumber>,
    /// The manifest is older than the catalog.
    pub(crate) manifest_is_stale: bool,
}

impl Sealer {
    /// Seals the oldest finished WAL file; false if there is none. After an error it can be called again.
    ///
    /// # Errors
    /// IO errors, and damage to the WAL file, which then stays.
    pub(crate) fn seal_next(&mut self) -> Result<bool> {
        self.retire()?;
        let version = self.versions.current();
        // The newest file is being appended to.
        let Some((_, finished)) = version.tails.split_last() else { return Ok(false) };
        let Some(tail) = finished.first() else { return Ok(false) };
        let sealed = self.seal(tail)?;
        let handles = sealed.into_iter().map(|meta| SegmentHandle::new(&self.host, &self.database, meta));
        self.versions.seal(tail.number(), handles);
        self.retiring.push(tail.number());
        self.manifest_is_stale = true;
        self.retire()?;
        Ok(true)
    }

    /// Tells other processes, then removes what they no longer need.
    fn retire(&mut self) -> Result<()> {
        if self.manifest_is_stale {
            write_manifest(&self.host, &self.database, &self.catalog, &self.options.indexed)?;
            self.manifest_is_stale = false;
        }
        if self.retiring.is_empty() {
            return Ok(());
        }
        while let Some(number) = self.retiring.last() {
            let path = number.path(&self.database);
            match self.host.files.remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, error));
                }
                _ => self.retiring.pop(),
            };
        }
        let dir = self.database.join("wal");
        self.host.files.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))
    }

    /// Writes the segments of a WAL file and commits them.
    fn seal(&self, tail: &WalTail) -> Result<Vec<SegmentMeta>> {
        let builders = self.build(tail)?;
        let mut sealed: Vec<(SegmentMeta, Vec<RoutingFilter>)> = Vec::with_capacity(builders.len());
        let mut names = Vec::new();
        for ((category, day), builder) in builders {
            let identity = SegmentIdentity {
                id: self.catalog.next_segment_id()?,
                day,
                category,
                tier: Tier::Hot,
                source_wal: tail.number().0,
            };
            let finished = builder.finish(identity);
            names.push(write_segment(&self.host, &self.database, &finished.meta, &finished.bytes)?);
            sealed.push((finished.meta, finished.filters));
        }
        publish_names(&self.host, &names)?;
        let view = tail.view_written()?;
        self.catalog.commit_seal(&SealCommit {
            segments: &sealed,
            sealed_wal: tail.number().0,
            next_seq: view.next_seq(),
            next_producer: view.highest_producer().map_or(0, |producer| producer.0 + 1),
        })?;
        Ok(sealed.into_iter().map(|(meta, _)| meta).collect())
    }

    /// One builder per partition, ordered so that segment ids are the same at every attempt.
    fn build(&self, tail: &WalTail) -> Result<Vec<(Partition, SegmentBuilder)>> {
        let view = tail.view_written()?;
        let mut partitions: Vec<(Partition, SegmentBuilder)> = Vec::new();
        for frame in view.frames.iter().filter(|frame| frame.kind == FrameKind::Events) {
            view.each_record(frame, |seq, record, defaults| {
                let key = (record.category, record.ts.day());
                let index = match partitions.iter().position(|(known, _)| *known == key) {
                    Some(index) => index,
                    None => {
                        partitions.push((key, SegmentBuilder::new(&self.options)));
                        partitions.len() - 1
                    }
                };
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

/// Writes a segment under a temporary name, durably; gives both names.
pub(super) fn write_segment(
    host: &Host,
    database: &Path,
    meta: &SegmentMeta,
    bytes: &[u8],
) -> Result<(PathBuf, PathBuf)> {
    let path = database.join(meta.relative_path());
    let temporary = path.with_extension("seg.tmp");
    let dir = path.parent().expect("a segment lies in its day's directory");
    if !host.files.exists(dir).map_err(|error| Error::io("look for", dir, error))? {
        host.files.create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
        let tier = dir.parent().expect("a day lies in its tier's directory");
        host.files.sync_dir(tier).map_err(|error| Error::io("sync", tier, error))?;
    }
    remove_if_there(host, &temporary)?;
    let file = host
        .files
        .open(&temporary, OpenMode::CreateNew)
        .map_err(|error| Error::io("create", &temporary, error))?;
    let written = file
        .write_all_at(bytes, 0)
        .map_err(|error| Error::io("write", &temporary, error))
        .and_then(|()| file.sync_data().map_err(|error| Error::io("sync", &temporary, error)));
    if let Err(error) = written {
        // Gives the room back, if the disk is full; the next attempt removes it otherwise.
        host.files.remove_file(&temporary).unwrap_or_default();
        return Err(error);
    }
    Ok((temporary, path))
}

/// Gives written segments their names, durably.
pub(super) fn publish_names(host: &Host, names: &[(PathBuf, PathBuf)]) -> Result<()> {
    for (temporary, path) in names {
        host.files.rename(temporary, path).map_err(|error| Error::io("rename", temporary, error))?;
    }
    let mut dirs: Vec<&Path> = names.iter().filter_map(|(_, path)| path.parent()).collect();
    dirs.dedup();
    dirs.sort_unstable();
    dirs.dedup();
    for dir in dirs {
        host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
    }
    Ok(())
}

fn remove_if_there(host: &Host, path: &Path) -> Result<()> {
    if host.files.exists(path).map_err(|error| Error::io("look for", path, error))? {
        host.files.remove_file(path).map_err(|error| Error::io("remove", path, error))?;
    }
    Ok(())
}

/// Writes what the catalog says where other processes read it.
pub(crate) fn write_manifest(
    host: &Host,
    database: &Path,
    catalog: &Catalog,
    indexed: &[FieldKey],
) -> Result<()> {
    let indexed: Vec<String> = indexed.iter().map(|field| field.name().to_owned()).collect();
    catalog.manifest(&indexed)?.write(host, database)
}
