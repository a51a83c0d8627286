//! Takes a backup of a database, beside whoever writes it.
//!
//! ```text
//! LOCK of the destination ─▶ leftovers removed ─▶ a moment of the database ─▶ room enough? ─▶ segments that the pool
//!   lacks ─▶ points/<n>: WAL, journal ─▶ LISTING, renamed: the point exists ─▶ deleted events out of all points
//!   ─▶ old points beyond the number kept ─▶ files of the pool that no point lists
//! ```
//! A segment that maintenance replaces meanwhile makes it begin with a newer moment; what was copied stays copied.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::files;
use super::layout::{
    HEAD_FILE, Head, LOCK_FILE, Layout, ListedFile, ListedWal, Listing, PointNumber, SeenEntry, pool_name,
};
use super::options::{BackupOptions, BackupReport, Meter};
use super::retain::{self, Retained};
use super::source::Source;
use crate::catalog::{DatabaseId, Journal};
use crate::error::{Error, Result};
use crate::event::Timestamp;
use crate::lock::{holder, note_holder};
use crate::segment::{Segment, SegmentMeta};
use crate::vfs::{FileLock, Host, Mapping, OpenMode};
use crate::view::Reader;

/// Moments tried before giving up: each needs maintenance to replace a segment that was just listed.
const MOMENTS_MAX: u32 = 50;
/// Room taken by names, directories and listings besides the files themselves, in bytes.
const MARGIN_BYTES: u64 = 256 * 1024;

/// Backs up the database in a directory into another directory, which keeps its backups and nothing else. It needs no
/// lock on the database and works beside a process that records, one that hangs, and after one that died.
///
/// What it takes is one moment: exactly the events of a snapshot. Segments that are there from an earlier backup are not
/// copied again. After an error the points taken before are as good as they were, and it can be called again.
///
/// # Errors
/// [`Error::InvalidOption`] for a destination that is inside the database, belongs to another one or holds other things;
/// [`Error::Locked`] while another backup into it is under way; a full volume; damage to the database, since a backup of
/// a part would look like one of the whole; IO errors.
pub fn backup(
    database: impl AsRef<Path>,
    destination: impl AsRef<Path>,
    options: &BackupOptions,
) -> Result<BackupReport> {
    backup_on(&Host::os(), database.as_ref(), destination.as_ref(), options)
}

/// Backs up a database of the given host.
///
/// # Errors
/// As [`backup()`].
pub fn backup_on(
    host: &Host,
    database: &Path,
    destination: &Path,
    options: &BackupOptions,
) -> Result<BackupReport> {
    if options.keep == Some(0) {
        let reason = "0 points would be none; hint: keep at least 1".to_owned();
        return Err(Error::InvalidOption { option: "keep", reason });
    }
    let reader = Reader::open_on(host, database)?;
    let source = Source::look(host, database, &reader)?;
    refuse_places_within(host, destination, &source)?;
    let identity = source.manifest.identity;
    let (layout, _lock) = open_destination(host, destination, identity)?;
    let mut taking = Taking {
        host,
        layout,
        options,
        identity,
        done: HashSet::new(),
        report: BackupReport::default(),
        began_ns: host.clock.now_ns(),
    };
    let listing = taking.take(database, &reader, source)?;
    Ok(taking.report_of(&listing))
}

/// A backup inside the database would be backed up, and be lost with it.
fn refuse_places_within(host: &Host, destination: &Path, source: &Source) -> Result<()> {
    for place in std::iter::once(&source.places.database).chain(&source.places.cold) {
        if files::is_within(host, destination, place)? {
            let reason = format!(
                "{} lies inside {}; hint: give a directory elsewhere, at best on another disk",
                destination.display(),
                place.display()
            );
            return Err(Error::InvalidOption { option: "destination", reason });
        }
    }
    Ok(())
}

/// Opens the directory of backups, or makes it, and locks it.
fn open_destination(
    host: &Host,
    destination: &Path,
    identity: DatabaseId,
) -> Result<(Layout, Box<dyn FileLock>)> {
    let layout = Layout::new(destination);
    let refuse = |reason: String| Err(Error::InvalidOption { option: "destination", reason });
    if !files::exists(host, &layout.head())? {
        if files::exists(host, destination)? {
            let entries =
                host.files.read_dir(destination).map_err(|error| Error::io("list", destination, error))?;
            let begun = format!("{HEAD_FILE}.tmp");
            if let Some(other) = entries.iter().find(|entry| entry.is_dir || entry.name != begun) {
                return refuse(format!(
                    "{} holds other things than backups, a '{}' for one; hint: give an empty or a new directory",
                    destination.display(),
                    other.name
                ));
            }
        }
        files::create_dir(host, destination)?;
        layout.write_head(host, &Head { identity, created_at_ns: host.clock.now_ns() })?;
    }
    let head = layout.read_head(host)?;
    if head.identity != identity {
        return refuse(format!(
            "{} holds the backups of database {}, and this is {identity}; hint: each database needs a directory of its own",
            destination.display(),
            head.identity
        ));
    }
    let path = destination.join(LOCK_FILE);
    match host.files.open(&path, OpenMode::CreateNew) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create", &path, error));
        }
        _ => {}
    }
    let lock = host.files.try_lock(&path).map_err(|error| Error::io("lock", &path, error))?;
    let Some(lock) = lock else {
        return Err(Error::Locked { path: destination.to_path_buf(), holder: holder(host, &path) });
    };
    note_holder(host, &path, host.random.next_u64(), false)?;
    for dir in [layout.pool(), layout.points()] {
        files::create_dir(host, &dir)?;
    }
    // The lock file's name too, which a power failure would otherwise take while others hold the file.
    files::sync_dir(host, destination)?;
    Ok((layout, lock))
}

/// A backup under way.
struct Taking<'h> {
    host: &'h Host,
    layout: Layout,
    options: &'h BackupOptions,
    identity: DatabaseId,
    /// Names in the pool that were copied or linked by this backup.
    done: HashSet<String>,
    report: BackupReport,
    began_ns: i64,
}

impl Taking<'_> {
    fn take(&mut self, database: &Path, reader: &Reader, first: Source) -> Result<Listing> {
        let mut listings = retain::read_listings(self.host, &self.layout, self.identity)?;
        let mut source = first;
        let mut moments = 1;
        loop {
            source.check_cold_volume(self.host)?;
            retain::remove_leftovers(self.host, &self.layout, &listings, &source.manifest.segments)?;
            self.check_space(&source)?;
            if self.pool_segments(&source)? {
                break;
            }
            if moments == MOMENTS_MAX {
                let operation = "a moment at which no segment is replaced";
                return Err(Error::TimedOut { operation, waited_ms: 0 });
            }
            moments += 1;
            source = Source::look(self.host, database, reader)?;
        }
        self.report.moments = moments;
        self.report.notes = std::mem::take(&mut source.notes);
        let number = PointNumber(listings.highest.0 + 1);
        let point = self.write_point(number, &source);
        if point.is_err() {
            // So that a full disk does not stay full. What cannot be removed now, the next backup removes.
            let _ = files::remove_tree(self.host, &self.layout.point(number));
        }
        listings.whole.push(point?);
        let Retained { deleted_segments, deleted_events, removed_points, notes } =
            retain::retain(self.host, &self.layout, &mut listings, &source, self.options.keep)?;
        self.report.deleted_segments = deleted_segments;
        self.report.deleted_events = deleted_events;
        self.report.removed_points = removed_points;
        self.report.notes.extend(notes);
        self.report.removed_bytes = retain::remove_leftovers(self.host, &self.layout, &listings, &[])?;
        Ok(listings.whole.pop().expect("the newest point was just pushed, and is always kept"))
    }

    fn is_pooled(&self, meta: &SegmentMeta) -> Result<bool> {
        let path = self.layout.pooled(meta);
        match files::len(self.host, &path)? {
            Some(len) if len == meta.file_bytes => Ok(true),
            // Nothing of ours leaves such a file.
            Some(_) => files::remove_if_there(self.host, &path).map(|()| false),
            None => Ok(false),
        }
    }

    fn check_space(&self, source: &Source) -> Result<()> {
        let mut needed = MARGIN_BYTES + source.manifest.encode().len() as u64;
        needed += source.snapshot.tails.iter().map(|tail| tail.end()).sum::<u64>();
        needed +=
            files::len(self.host, &source.places.database.join(crate::catalog::JOURNAL_FILE))?.unwrap_or(0);
        if !self.options.hard_links {
            for meta in &source.manifest.segments {
                needed += if self.is_pooled(meta)? { 0 } else { meta.file_bytes };
            }
        }
        files::check_space(self.host, &self.layout.dir, needed)
    }

    /// Brings into the pool what it lacks; false if a segment was replaced meanwhile.
    fn pool_segments(&mut self, source: &Source) -> Result<bool> {
        let segments = &source.manifest.segments;
        let mut meter = Meter::new(&self.options.progress, segments.len() as u64);
        meter.bytes_total = segments.iter().map(|meta| meta.file_bytes).sum();
        let mut reused = 0;
        for meta in segments {
            let is_own = self.done.contains(&pool_name(meta));
            if is_own || self.is_pooled(meta)? {
                reused += u64::from(!is_own);
                meter.skip(meta.file_bytes);
            } else {
                let Some(bytes) = source.read(self.host, meta)? else { return Ok(false) };
                match self.link(source, meta)? {
                    true => meter.skip(meta.file_bytes),
                    false => self.copy(source, meta, &bytes, &mut meter)?,
                }
                self.done.insert(pool_name(meta));
            }
            meter.file_done();
        }
        // Those that are there already too: an interrupted backup may not have come to it.
        files::sync_dir(self.host, &self.layout.pool())?;
        self.report.reused_segments = reused;
        Ok(true)
    }

    /// Gives the file a second name in the pool; false if it must be copied.
    fn link(&mut self, source: &Source, meta: &SegmentMeta) -> Result<bool> {
        if !self.options.hard_links {
            return Ok(false);
        }
        let (from, to) = (source.path(meta), self.layout.pooled(meta));
        match self.host.files.hard_link(&from, &to) {
            Ok(()) => {}
            Err(error) if files::cannot_link(&error) => return Ok(false),
            // It was replaced since it was opened: its bytes are still at hand.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("link", &from, error)),
        }
        // Nothing was copied, so nothing but its being the right file needs to be seen.
        if let Err(error) = check_segment(&from, files::map(self.host, &to)?, meta) {
            let _ = self.host.files.remove_file(&to);
            return Err(error);
        }
        self.report.linked_segments += 1;
        Ok(true)
    }

    /// Copies a file into the pool, and checks every byte of the copy against the segment's own checksums.
    fn copy(
        &mut self,
        source: &Source,
        meta: &SegmentMeta,
        bytes: &Mapping,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        let (from, to) = (source.path(meta), self.layout.pooled(meta));
        let temporary = files::temporary(&to);
        let copy = files::write(self.host, &temporary, bytes, &mut |bytes| meter.wrote(bytes))?;
        // The copy is what was read, so what is wrong with it is wrong with the segment.
        let checked = check_segment(&from, copy, meta).and_then(|segment| segment.verify_coverage());
        if let Err(error) = checked {
            let _ = self.host.files.remove_file(&temporary);
            return Err(error);
        }
        self.host.files.rename(&temporary, &to).map_err(|error| Error::io("rename", &temporary, error))?;
        self.report.copied_segments += 1;
        self.report.copied_bytes += meta.file_bytes;
        Ok(())
    }

    /// Writes a point: its files, then the listing that makes them one.
    fn write_point(&mut self, number: PointNumber, source: &Source) -> Result<Listing> {
        let (host, point) = (self.host, self.layout.point(number));
        let wal_dir = point.join("wal");
        files::create_dir(host, &wal_dir)?;
        let mut wal = Vec::new();
        for tail in &source.snapshot.tails {
            let listed = ListedWal {
                number: tail.header.number.0,
                file: ListedFile::of(tail.bytes()),
                first_seq: tail.header.first_seq.0,
            };
            files::write(host, &self.layout.wal(number, &listed), tail.bytes(), &mut |_| {})?;
            self.report.copied_bytes += listed.file.bytes;
            wal.push(listed);
        }
        files::sync_dir(host, &wal_dir)?;
        drop(Journal::create_with(host, &point, &source.journal)?);
        let journal = ListedFile::of(&files::map(host, &self.layout.journal(number))?);
        self.report.copied_bytes += journal.bytes;
        let mut manifest = source.manifest.clone();
        manifest.wal = source.anchor();
        manifest.in_transition.clear();
        let listing = Listing {
            number,
            taken_at_ns: self.began_ns,
            next_seq: source.next_seq,
            next_segment: source.next_segment(),
            left_in_rings: source.snapshot.left_in_rings(),
            ledger_seen: SeenEntry::last_of(&source.ledger),
            manifest,
            journal,
            wal,
            taken_out: Vec::new(),
        };
        self.layout.write_listing(host, &listing)?;
        Ok(listing)
    }

    fn report_of(self, listing: &Listing) -> BackupReport {
        BackupReport {
            point: listing.point(),
            database: self.identity,
            took_ns: self.host.clock.now_ns().saturating_sub(self.began_ns),
            ended_at: Timestamp(self.host.clock.now_ns()),
            ..self.report
        }
    }
}

/// Opens a segment's bytes; they must be of the segment that is listed. The path is for messages.
pub(super) fn check_segment(path: &Path, bytes: Mapping, meta: &SegmentMeta) -> Result<Segment> {
    let segment = Segment::open(path, bytes)?;
    if segment.meta() != meta {
        let expected = format!("segment {} with footer checksum {:08x}", meta.id, meta.footer_crc);
        let found = format!("segment {} with {:08x}", segment.meta().id, segment.meta().footer_crc);
        let hint = "it is another segment's file, or its listing is wrong";
        return Err(Error::damaged(path, 0, expected, found, hint));
    }
    Ok(segment)
}
