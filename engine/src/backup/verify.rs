//! Lists the points of a directory of backups, and verifies every file of every point.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::files;
use super::layout::{Layout, Listing, Point, PointNumber, pool_name};
use super::retain::{read_listings, read_wal};
use super::take::check_segment;
use crate::catalog::{DatabaseId, Journal};
use crate::error::{Error, Result};
use crate::event::record::decode_fields;
use crate::maintain::{Finding, Severity};
use crate::vfs::Host;
use crate::wal::FrameKind;

/// What can be done about a damaged segment of the pool.
const AGAIN: &str =
    "; hint: remove the file, and the next backup copies it again if the database still has it";

/// The backups of a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backup {
    /// The database.
    pub database: DatabaseId,
    /// The points that can be read, oldest first. What an interrupted backup left is none.
    pub points: Vec<Point>,
    /// Points whose listing is damaged, the file, and what is wrong with it.
    pub unreadable: Vec<(PointNumber, PathBuf, String)>,
    /// Points that were not completed; the next backup removes what there is of them.
    pub unfinished: Vec<PointNumber>,
}

impl Backup {
    /// The backups in a directory.
    ///
    /// # Errors
    /// [`Error::NotABackup`] if it holds none; IO errors.
    pub fn list(destination: impl AsRef<Path>) -> Result<Backup> {
        Backup::list_on(&Host::os(), destination.as_ref())
    }

    /// The backups in a directory of the given host.
    ///
    /// # Errors
    /// As [`Backup::list`].
    pub fn list_on(host: &Host, destination: &Path) -> Result<Backup> {
        let layout = Layout::new(destination);
        let database = layout.read_head(host)?.identity;
        let listings = read_listings(host, &layout, database)?;
        let unreadable = listings.unreadable.into_iter();
        Ok(Backup {
            database,
            points: listings.whole.iter().map(Listing::point).collect(),
            unreadable: unreadable.map(|(number, path, error)| (number, path, error.to_string())).collect(),
            unfinished: listings.unfinished,
        })
    }
}

/// What the verification of backups found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupVerifyReport {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
    /// Points that were read.
    pub points: u64,
    /// Segments that were read; one that several points have is read once.
    pub segments: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

impl BackupVerifyReport {
    /// Whether nothing is damaged.
    pub fn is_clean(&self) -> bool {
        self.damage().next().is_none()
    }

    /// What is damaged.
    pub fn damage(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Damage)
    }

    fn add(&mut self, severity: Severity, path: impl Into<PathBuf>, text: impl ToString) {
        self.findings.push(Finding { severity, path: path.into(), text: text.to_string() });
    }
}

/// Reads every file of every backup point in a directory, and compares it with its listing and its checksums.
///
/// # Errors
/// [`Error::NotABackup`] if the directory holds none; IO errors. Damage is in the report.
pub fn verify_backup(destination: impl AsRef<Path>) -> Result<BackupVerifyReport> {
    verify_backup_on(&Host::os(), destination.as_ref())
}

/// Verifies backups of the given host.
///
/// # Errors
/// As [`verify_backup`].
pub fn verify_backup_on(host: &Host, destination: &Path) -> Result<BackupVerifyReport> {
    let layout = Layout::new(destination);
    let identity = layout.read_head(host)?.identity;
    let listings = read_listings(host, &layout, identity)?;
    let mut report = BackupVerifyReport::default();
    for (_, path, error) in &listings.unreadable {
        report.add(Severity::Damage, path, error);
    }
    for number in &listings.unfinished {
        report.add(
            Severity::Note,
            layout.point(*number),
            "left by an interrupted backup; the next removes it",
        );
    }
    let mut seen: HashSet<String> = HashSet::new();
    for listing in &listings.whole {
        report.points += 1;
        for meta in &listing.manifest.segments {
            if !seen.insert(pool_name(meta)) {
                continue;
            }
            report.segments += 1;
            report.bytes += meta.file_bytes;
            let path = layout.pooled(meta);
            let verified = files::map(host, &path)
                .and_then(|bytes| check_segment(&path, bytes, meta))
                .and_then(|segment| segment.verify());
            let known = report.findings.len();
            judge(&mut report, &path, verified)?;
            if let Some(finding) = report.findings.get_mut(known) {
                finding.text.push_str(AGAIN);
            }
        }
        let point = layout.point(listing.number);
        report.bytes += listing.journal.bytes + listing.wal.iter().map(|wal| wal.file.bytes).sum::<u64>();
        let journal = layout.journal(listing.number);
        let read = listing.journal.read(host, &journal).and_then(|_| Journal::read(host, &point));
        judge(&mut report, &journal, read.map(drop))?;
        judge(&mut report, &point.join("wal"), verify_wal(host, &layout, listing))?;
    }
    let pool = layout.pool();
    if files::exists(host, &pool)? {
        for entry in host.files.read_dir(&pool).map_err(|error| Error::io("list", &pool, error))? {
            if !seen.contains(&entry.name) {
                report.add(Severity::Note, pool.join(entry.name), "no readable point lists it");
            }
        }
    }
    Ok(report)
}

/// A missing file is damage here; other IO errors end the work.
fn judge(report: &mut BackupVerifyReport, path: &Path, outcome: Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            report.add(Severity::Damage, path, "the file is missing");
            Ok(())
        }
        Err(error @ Error::Io { .. }) => Err(error),
        Err(error) => {
            report.add(Severity::Damage, path, error);
            Ok(())
        }
    }
}

/// Whether WAL files are as listed, go on where the segments end, and every record decodes.
fn verify_wal(host: &Host, layout: &Layout, listing: &Listing) -> Result<()> {
    let wal = read_wal(host, layout, listing)?;
    let next_seq = wal.files.last().map_or(listing.manifest.next_seq, |file| file.next_seq().0);
    let first = wal.files.first().map(|file| file.header.first_seq.0);
    let path = layout.point(listing.number).join("wal");
    let damaged = |expected: String, found: String| {
        Err(Error::damaged(&path, 0, expected, found, "take another backup point"))
    };
    if next_seq != listing.next_seq || first.is_some_and(|first| first != listing.manifest.next_seq) {
        let expected = format!("events of seq {} to {}", listing.manifest.next_seq, listing.next_seq);
        return damaged(expected, format!("{first:?} to {next_seq}"));
    }
    for file in &wal.files {
        let mut introduced = std::collections::HashMap::new();
        for frame in &file.frames {
            if frame.kind == FrameKind::Producer
                && let Ok(defaults) = frame.defaults(&file.bytes)
            {
                introduced.insert(frame.producer, defaults);
            }
            if frame.kind != FrameKind::Events {
                continue;
            }
            let Some(defaults) = introduced.get(&frame.producer) else {
                let expected = format!("producer {} introduced", frame.producer.0);
                return damaged(expected, format!("events at offset {}", frame.offset));
            };
            for record in frame.records(&file.bytes) {
                let decoded = record.and_then(|(_, record)| decode_fields(&record, defaults));
                if let Err(error) = decoded {
                    return damaged("event records".to_owned(), error.to_string());
                }
            }
        }
    }
    Ok(())
}
