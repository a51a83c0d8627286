//! The current list of segments and WAL files. A version is immutable; the list moves by replacing it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::error::{Error, Result};
use crate::segment::{Places, Segment, SegmentId, SegmentMeta};
use crate::vfs::{Host, OpenMode, VfsFile};
use crate::view::{SegmentList, WalTail};
use crate::wal::{WalHeader, WalNumber};

/// A sealed segment, opened when first needed.
#[derive(Debug)]
pub(crate) struct SegmentHandle {
    pub(crate) meta: SegmentMeta,
    pub(crate) path: PathBuf,
    host: Host,
    opened: OnceLock<Arc<Segment>>,
}

impl SegmentHandle {
    pub(crate) fn new(host: &Host, places: &Places, meta: SegmentMeta) -> SegmentHandle {
        let path = places.segment(&meta);
        SegmentHandle { meta, path, host: host.clone(), opened: OnceLock::new() }
    }

    /// Whether the file is there and has its length; opens it no further.
    pub(crate) fn check(&self) -> Result<()> {
        match self.opened.get() {
            Some(_) => Ok(()),
            None => self.open_file().map(|_| ()),
        }
    }

    fn open_file(&self) -> Result<(Arc<dyn VfsFile>, u64)> {
        let file = self
            .host
            .files
            .open(&self.path, OpenMode::Read)
            .map_err(|error| Error::io("open", &self.path, error))?;
        let len = file.len().map_err(|error| Error::io("measure", &self.path, error))?;
        if len != self.meta.file_bytes {
            let (expected, found) = (format!("{} bytes", self.meta.file_bytes), format!("{len} bytes"));
            let hint = "restore the file from a backup; the rest of the database stays readable";
            return Err(Error::damaged(&self.path, len.min(self.meta.file_bytes), expected, found, hint));
        }
        Ok((file, len))
    }

    /// The segment. Damage is not remembered: the file may be restored meanwhile.
    pub(crate) fn open(&self) -> Result<Arc<Segment>> {
        if let Some(segment) = self.opened.get() {
            return Ok(Arc::clone(segment));
        }
        let (file, len) = self.open_file()?;
        let bytes = file.map(len).map_err(|error| Error::io("map", &self.path, error))?;
        let segment = Segment::open(&self.path, bytes)?;
        if segment.meta().id != self.meta.id || segment.meta().footer_crc != self.meta.footer_crc {
            let expected =
                format!("segment {} with footer checksum {:08x}", self.meta.id, self.meta.footer_crc);
            let found = format!("segment {} with {:08x}", segment.meta().id, segment.meta().footer_crc);
            let hint = "it is another segment's file; restore the right one from a backup";
            return Err(Error::damaged(&self.path, 0, expected, found, hint));
        }
        Ok(Arc::clone(self.opened.get_or_init(|| Arc::new(segment))))
    }
}

/// What exists at one moment: every event is in exactly one segment or one WAL file of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    pub(crate) segments: Arc<SegmentList>,
    /// Oldest first.
    pub(crate) tails: Vec<Arc<WalTail>>,
}

/// The current version, in the process that writes.
#[derive(Debug)]
pub(crate) struct Versions {
    database: PathBuf,
    current: Mutex<Arc<Version>>,
}

impl Versions {
    pub(crate) fn new(database: &Path, version: Version) -> Versions {
        Versions { database: database.to_path_buf(), current: Mutex::new(Arc::new(version)) }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Version>> {
        self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn current(&self) -> Arc<Version> {
        Arc::clone(&self.lock())
    }

    /// The file being appended to.
    pub(crate) fn newest_tail(&self) -> Arc<WalTail> {
        Arc::clone(self.lock().tails.last().expect("a database that is open for writing appends to a file"))
    }

    /// Adds the next WAL file.
    pub(crate) fn add_tail(&self, header: WalHeader, file: Arc<dyn VfsFile>, written: u64) -> Arc<WalTail> {
        let tail = Arc::new(WalTail::new(header, &self.database, file, written));
        let mut current = self.lock();
        let mut next = Version::clone(&current);
        next.tails.push(Arc::clone(&tail));
        *current = Arc::new(next);
        tail
    }

    /// Replaces a WAL file by the segments sealed from it.
    pub(crate) fn seal(&self, number: WalNumber, sealed: impl IntoIterator<Item = SegmentHandle>) {
        let mut current = self.lock();
        let mut segments = SegmentList::clone(&current.segments);
        segments.extend(sealed.into_iter().map(Arc::new));
        let tails = current.tails.iter().filter(|tail| tail.number() != number).cloned().collect();
        *current = Arc::new(Version { segments: Arc::new(segments), tails });
    }

    /// Replaces segments by others that hold the same events, or by none.
    pub(crate) fn replace(
        &self,
        removed: &HashSet<SegmentId>,
        added: impl IntoIterator<Item = SegmentHandle>,
    ) {
        let mut current = self.lock();
        let kept = current.segments.iter().filter(|handle| !removed.contains(&handle.meta.id)).cloned();
        let segments: SegmentList = kept.chain(added.into_iter().map(Arc::new)).collect();
        *current = Arc::new(Version { segments: Arc::new(segments), tails: current.tails.clone() });
    }
}
