//! What can be asked of backups and restores, and what they answer.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::layout::{Point, PointNumber};
use crate::catalog::DatabaseId;
use crate::event::Timestamp;

/// How far a backup or restore is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BackupProgress {
    /// Segments done.
    pub files_done: u64,
    /// Segments in all.
    pub files_total: u64,
    /// Bytes of segments done, those that needed no copy included.
    pub bytes_done: u64,
    /// Bytes of segments in all.
    pub bytes_total: u64,
}

/// Is told how far a backup or restore is, after each file and each megabyte.
#[derive(Clone, Default)]
pub struct OnProgress(Option<Arc<dyn Fn(BackupProgress) + Send + Sync>>);

impl OnProgress {
    /// Calls `tell`.
    pub fn new(tell: impl Fn(BackupProgress) + Send + Sync + 'static) -> OnProgress {
        OnProgress(Some(Arc::new(tell)))
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OnProgress(told)" } else { "OnProgress(none)" })
    }
}

/// Counts progress and tells it.
pub(super) struct Meter<'o> {
    tell: &'o OnProgress,
    progress: BackupProgress,
    pub(super) bytes_total: u64,
}

impl<'o> Meter<'o> {
    pub(super) fn new(tell: &'o OnProgress, files_total: u64) -> Meter<'o> {
        Meter { tell, progress: BackupProgress { files_total, ..BackupProgress::default() }, bytes_total: 0 }
    }

    fn tell(&self) {
        if let Some(tell) = &self.tell.0 {
            tell(BackupProgress { bytes_total: self.bytes_total, ..self.progress });
        }
    }

    /// Counts bytes that need no copy.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.progress.bytes_done += bytes;
    }

    pub(super) fn wrote(&mut self, bytes: u64) {
        self.progress.bytes_done += bytes;
        self.tell();
    }

    pub(super) fn file_done(&mut self) {
        self.progress.files_done += 1;
        self.tell();
    }
}

/// How a backup is taken.
#[derive(Clone, Debug, Default)]
pub struct BackupOptions {
    /// Gives the files of segments a second name in the backup instead of copying them, where both are on one volume.
    /// That takes no room and no time, and does not survive the disk. Default: no.
    pub hard_links: bool,
    /// Backup points that are kept, the newest ones; older ones are removed once the new one is there. Default: all.
    pub keep: Option<u32>,
    /// Who is told how far it is. Default: nobody.
    pub progress: OnProgress,
}

/// What a backup did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackupReport {
    /// The new point.
    pub point: Point,
    /// Whose it is.
    pub database: DatabaseId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took, in nanoseconds.
    pub took_ns: i64,
    /// Moments of the database that were looked at: more than one if maintenance replaced segments meanwhile.
    pub moments: u32,
    /// Segments that were copied.
    pub copied_segments: u64,
    /// Segments that got a second name.
    pub linked_segments: u64,
    /// Segments that were there from an earlier backup.
    pub reused_segments: u64,
    /// Bytes that were copied: segments, WAL, journal.
    pub copied_bytes: u64,
    /// Segments taken out of points because the database has deleted their events; one that several points had counts
    /// for each.
    pub deleted_segments: u64,
    /// Events taken out of points because the database has deleted them, counted in the same way.
    pub deleted_events: u64,
    /// Points that were removed because there are newer ones enough.
    pub removed_points: Vec<PointNumber>,
    /// Bytes of files that no point needs any longer and that were removed.
    pub removed_bytes: u64,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

impl Default for BackupReport {
    fn default() -> BackupReport {
        BackupReport {
            point: Point::default(),
            database: DatabaseId(0),
            ended_at: Timestamp(0),
            took_ns: 0,
            moments: 0,
            copied_segments: 0,
            linked_segments: 0,
            reused_segments: 0,
            copied_bytes: 0,
            deleted_segments: 0,
            deleted_events: 0,
            removed_points: Vec::new(),
            removed_bytes: 0,
            notes: Vec::new(),
        }
    }
}

/// What is restored, and how.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// The backup point. Default: the newest.
    pub point: Option<PointNumber>,
    /// Leaves out all events after this time. Default: none is left out.
    pub until: Option<Timestamp>,
    /// Gives the files of segments a second name in the database instead of copying them, where both are on one volume.
    /// Default: no.
    pub hard_links: bool,
    /// Who is told how far it is. Default: nobody.
    pub progress: OnProgress,
}

/// What a restore did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestoreReport {
    /// The point that was restored.
    pub point: Point,
    /// The database.
    pub database: DatabaseId,
    /// Where it is.
    pub path: PathBuf,
    /// Events in it.
    pub events: u64,
    /// Events of the point that were left out, because they are later than the time asked for.
    pub left_out: u64,
    /// The seq that the next event gets.
    pub next_seq: u64,
    /// Segments that were copied.
    pub copied_segments: u64,
    /// Segments that got a second name.
    pub linked_segments: u64,
    /// Segments that were made of events up to the time asked for.
    pub made_segments: u64,
    /// Bytes written: segments, WAL.
    pub written_bytes: u64,
    /// What is worth knowing.
    pub notes: Vec<String>,
}
