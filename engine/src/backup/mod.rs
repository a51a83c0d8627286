//! Backups of a database that may be recording, and restoring them. `docs/format.md` has the bytes.
//!
//! ```text
//! database ──▶ moment: MANIFEST, segments, WAL, journal ──▶ pool of segments, shared by all points
//!                                                          └▶ point: LISTING, WAL, journal
//! point ──▶ verified ──▶ (up to a time: sifted) ──▶ journal, catalog, MANIFEST ──▶ database
//! ```
//! A backup reads the database as any other process does, and writes nothing into it.
//!
//! ```
//! # fn main() -> blotter_engine::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let (desk, vault) = (dir.path().join("desk.blotter"), dir.path().join("vault"));
//! use blotter_engine::backup::{Backup, BackupOptions, RestoreOptions, backup, restore};
//! use blotter_engine::{Db, Reader, RecorderOptions};
//! let db = Db::open(&desk)?;
//! db.recorder(RecorderOptions::new())?.signal("cross").emit();
//! db.sync()?;
//!
//! let report = backup(&desk, &vault, &BackupOptions { keep: Some(14), ..BackupOptions::default() })?;
//! assert_eq!(report.point.events, 1);
//! assert_eq!(Backup::list(&vault)?.points, [report.point]);
//!
//! let restored = dir.path().join("restored.blotter");
//! restore(&vault, &restored, &RestoreOptions::default())?;
//! assert_eq!(Reader::open(&restored)?.snapshot()?.next_seq().0, 1);
//! # Ok(()) }
//! ```

mod files;
mod layout;
mod options;
mod restore;
mod retain;
mod sift;
mod source;
mod take;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub use layout::{BACKUP_VERSION, Point, PointNumber};
pub use options::{BackupOptions, BackupProgress, BackupReport, OnProgress, RestoreOptions, RestoreReport};
pub use restore::{restore, restore_on};
pub use take::{backup, backup_on};
pub use verify::{Backup, BackupVerifyReport, verify_backup, verify_backup_on};
