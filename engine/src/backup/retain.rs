//! What leaves a directory of backups: events that the database has deleted, points beyond the number kept, files that
//! no point lists, and what interrupted backups left.
//!
//! Deleted events leave every point, so that deleting means that they are gone. A point may hold them in the segment
//! that was deleted, in segments that were merged into it, and in a WAL file; of the last, the other events become
//! segments. Each point then tells by tombstones of its own what it lacks, so that a database restored from it can
//! account for every event.
//!
//! A listing is replaced before files go. So a crash leaves files that no point lists, which the next backup removes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::files;
use super::layout::{LISTING_FILE, Layout, Listing, PointNumber, SeenEntry, TakenOut, pool_name};
use super::sift::{Sift, next_producer};
use super::source::Source;
use super::take::check_segment;
use crate::catalog::DatabaseId;
use crate::catalog::ledger::{DropReason, LedgerEntry, Tombstone};
use crate::error::{Error, Result};
use crate::event::{Day, Seq};
use crate::maintain::absence::Absence;
use crate::segment::{FinishedSegment, FullPace, SegmentMeta, content_root};
use crate::vfs::Host;
use crate::wal::{RecoveredWal, WalNumber, recover_directory};

/// The points of a directory.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// Those that can be read, oldest first.
    pub(super) whole: Vec<Listing>,
    /// Listings that cannot be read, and why.
    pub(super) unreadable: Vec<(PointNumber, PathBuf, Error)>,
    /// What interrupted backups left.
    pub(super) unfinished: Vec<PointNumber>,
    /// The highest number that any of them has.
    pub(super) highest: PointNumber,
}

/// Reads all listings. One that is damaged is no error.
pub(super) fn read_listings(host: &Host, layout: &Layout, identity: DatabaseId) -> Result<Listings> {
    let mut listings = Listings::default();
    for number in layout.numbers(host)? {
        listings.highest = number;
        match layout.read_listing(host, number, identity) {
            Ok(Some(listing)) => listings.whole.push(listing),
            Ok(None) => listings.unfinished.push(number),
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(error) => listings.unreadable.push((number, layout.listing(number), error)),
        }
    }
    Ok(listings)
}

/// Removes what no point lists, other than segments that are `wanted`; gives its bytes. As long as a listing cannot be
/// read, only what certainly belongs to none goes.
pub(super) fn remove_leftovers(
    host: &Host,
    layout: &Layout,
    listings: &Listings,
    wanted: &[SegmentMeta],
) -> Result<u64> {
    let listed = listings.whole.iter().flat_map(|listing| &listing.manifest.segments);
    let known: HashSet<String> = listed.chain(wanted).map(pool_name).collect();
    let pool = layout.pool();
    let mut removed_bytes = 0;
    for entry in host.files.read_dir(&pool).map_err(|error| Error::io("list", &pool, error))? {
        let is_unlisted =
            entry.name.ends_with(".seg") && !known.contains(&entry.name) && listings.unreadable.is_empty();
        if is_unlisted || entry.name.ends_with(".seg.tmp") {
            let path = pool.join(entry.name);
            removed_bytes += files::len(host, &path)?.unwrap_or(0);
            files::remove_if_there(host, &path)?;
        }
    }
    if removed_bytes > 0 {
        files::sync_dir(host, &pool)?;
    }
    for number in &listings.unfinished {
        files::remove_tree(host, &layout.point(*number))?;
    }
    for listing in &listings.whole {
        files::remove_if_there(host, &files::temporary(&layout.point(listing.number).join(LISTING_FILE)))?;
        let wal_dir = layout.point(listing.number).join("wal");
        if !files::exists(host, &wal_dir)? {
            continue;
        }
        for entry in host.files.read_dir(&wal_dir).map_err(|error| Error::io("list", &wal_dir, error))? {
            let is_listed = WalNumber::from_file_name(&entry.name)
                .is_some_and(|number| listing.wal.iter().any(|wal| wal.number == number.0));
            if !is_listed {
                let path = wal_dir.join(entry.name);
                removed_bytes += files::len(host, &path)?.unwrap_or(0);
                files::remove_if_there(host, &path)?;
                files::sync_dir(host, &wal_dir)?;
            }
        }
    }
    Ok(removed_bytes)
}

/// What was taken out.
#[derive(Debug, Default)]
pub(super) struct Retained {
    pub(super) deleted_segments: u64,
    pub(super) deleted_events: u64,
    pub(super) removed_points: Vec<PointNumber>,
    pub(super) notes: Vec<String>,
}

/// Takes out of all points what the database has deleted, and removes points beyond the number kept. Files stay.
pub(super) fn retain(
    host: &Host,
    layout: &Layout,
    listings: &mut Listings,
    source: &Source,
    keep: Option<u32>,
) -> Result<Retained> {
    let mut retained = Retained::default();
    let surplus = keep.map_or(0, |keep| listings.whole.len().saturating_sub(keep as usize));
    for listing in listings.whole.drain(..surplus) {
        remove_point(host, layout, listing.number)?;
        retained.removed_points.push(listing.number);
    }
    for listing in &mut listings.whole {
        take_out_deleted(host, layout, listing, source, &mut retained)?;
    }
    for (number, path, error) in &listings.unreadable {
        retained.notes.push(format!(
            "point {number} cannot be read, and nothing was taken out of it: {error}; hint: remove {} if it is not needed",
            path.parent().unwrap_or(path).display()
        ));
    }
    Ok(retained)
}

/// The listing goes first, and with it the point.
fn remove_point(host: &Host, layout: &Layout, number: PointNumber) -> Result<()> {
    let dir = layout.point(number);
    files::remove_if_there(host, &layout.listing(number))?;
    files::sync_dir(host, &dir)?;
    files::remove_tree(host, &dir)?;
    files::sync_dir(host, &layout.points())
}

/// Deletions that came after a point was taken, or was looked at last.
struct Deletions<'s> {
    tombstones: Vec<(&'s Tombstone, &'s LedgerEntry)>,
    live: &'s [SegmentMeta],
}

impl<'s> Deletions<'s> {
    fn after(source: &'s Source, seen: Option<SeenEntry>) -> Deletions<'s> {
        let seen = seen.filter(|seen| seen.is_of(&source.ledger)).map_or(0, |seen| seen.number);
        // What was not restored is not deleted: the backup is where it still is.
        let is_new = |(tombstone, entry): &(&Tombstone, &LedgerEntry)| {
            entry.number > seen && tombstone.why != DropReason::NotRestored
        };
        let tombstones = source.ledger.tombstones().filter(is_new).collect();
        Deletions { tombstones, live: &source.manifest.segments }
    }

    /// The deletion of a segment's events: of the segment itself, or of what it was merged into. A deletion takes all
    /// that is sealed of a partition, and what is sealed later has higher seqs, so within its seqs nothing of the
    /// partition is left. (The id alone would not do: a database that was restored gives ids anew.)
    fn of_segment(&self, meta: &SegmentMeta) -> Option<(&'s Tombstone, &'s LedgerEntry)> {
        let overlaps = |live: &SegmentMeta| {
            let same = (&live.category, live.day) == (&meta.category, meta.day);
            live.id == meta.id || (same && live.seq_min <= meta.seq_max && meta.seq_min <= live.seq_max)
        };
        if self.live.iter().any(overlaps) {
            return None;
        }
        self.tombstones.iter().copied().find(|(tombstone, _)| {
            let within = tombstone.seq_min <= meta.seq_min && meta.seq_max <= tombstone.seq_max;
            within && is_of(tombstone, &meta.category, meta.day)
        })
    }

    /// The deletion of an event that was not sealed when the point was taken.
    fn of_event(&self, category: &str, day: Day, seq: Seq) -> Option<(&'s Tombstone, &'s LedgerEntry)> {
        self.tombstones.iter().copied().find(|(tombstone, _)| {
            (tombstone.seq_min..=tombstone.seq_max).contains(&seq.0) && is_of(tombstone, category, day)
        })
    }

    fn may_concern(&self, first_seq: u64, next_seq: u64) -> bool {
        self.tombstones
            .iter()
            .any(|(tombstone, _)| tombstone.seq_min < next_seq && first_seq <= tombstone.seq_max)
    }
}

fn is_of(tombstone: &Tombstone, category: &str, day: Day) -> bool {
    (tombstone.category.as_str(), tombstone.day) == (category, day)
}

fn take_out_deleted(
    host: &Host,
    layout: &Layout,
    listing: &mut Listing,
    source: &Source,
    retained: &mut Retained,
) -> Result<()> {
    let deletions = Deletions::after(source, listing.ledger_seen);
    let mut changed = listing.clone();
    changed.ledger_seen = SeenEntry::last_of(&source.ledger);
    let mut kept = Vec::with_capacity(listing.manifest.segments.len());
    for meta in std::mem::take(&mut changed.manifest.segments) {
        let Some((tombstone, entry)) = deletions.of_segment(&meta) else {
            kept.push(meta);
            continue;
        };
        let own = match only_damage(own_tombstone(host, layout, &meta, tombstone.why))? {
            Ok(own) => own,
            Err(error) => {
                retained.notes.push(format!(
                    "point {} loses events whose segment could not be read, so that a database restored from it \
                     cannot account for them: {error}",
                    listing.number
                ));
                unread_tombstone(&meta, tombstone)
            }
        };
        retained.deleted_segments += 1;
        retained.deleted_events += own.rows;
        changed.taken_out.push(TakenOut::new(own, entry));
    }
    changed.manifest.segments = kept;
    let mut looked = changed.taken_out.len() > listing.taken_out.len();
    if let Some(first) = listing.wal.first()
        && deletions.may_concern(first.first_seq, listing.next_seq)
    {
        match only_damage(take_out_of_wal(host, layout, &mut changed, &deletions))? {
            Ok(deleted) => {
                looked = true;
                retained.deleted_events += deleted;
            }
            Err(error) => {
                changed.ledger_seen = listing.ledger_seen;
                retained.notes.push(format!(
                    "point {} may hold deleted events in a WAL file that cannot be read: {error}; hint: remove {}",
                    listing.number,
                    layout.point(listing.number).display()
                ));
            }
        }
    }
    if looked {
        layout.write_listing(host, &changed)?;
        *listing = changed;
    }
    Ok(())
}

/// What is damaged or missing in a point that was taken before must not stand in the way of the next.
fn only_damage<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(Error::Io { operation, path, source }) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { operation, path, source })
        }
        outcome => Ok(outcome),
    }
}

/// Of the events of one segment of a point.
fn own_tombstone(host: &Host, layout: &Layout, meta: &SegmentMeta, why: DropReason) -> Result<Tombstone> {
    let path = layout.pooled(meta);
    let segment = check_segment(&path, files::map(host, &path)?, meta)?;
    let absence = Absence::of_segment(&segment)?;
    let root = Some(content_root(&[Arc::new(segment)], &FullPace)?);
    Ok(Tombstone { root, ..absence.into_tombstone(why) })
}

/// What can be told of a segment's events without reading them.
fn unread_tombstone(meta: &SegmentMeta, of: &Tombstone) -> Tombstone {
    Tombstone {
        segments: vec![meta.id],
        rows: meta.rows,
        bytes: meta.file_bytes,
        ts_min: meta.ts_min,
        ts_max: meta.ts_max,
        seq_min: meta.seq_min,
        seq_max: meta.seq_max,
        seq_digest: 0,
        producers: Vec::new(),
        losses: Vec::new(),
        root: None,
        ..of.clone()
    }
}

/// Makes segments of the events in a point's WAL files that are not deleted, if there are deleted ones; gives how many.
fn take_out_of_wal(
    host: &Host,
    layout: &Layout,
    listing: &mut Listing,
    deletions: &Deletions<'_>,
) -> Result<u64> {
    let wal = read_wal(host, layout, listing)?;
    let stays = |seq: Seq, record: &crate::event::record::Record<'_>| {
        deletions.of_event(record.category.name(), record.ts.day(), seq).is_none()
    };
    let has_deleted = wal.files.iter().any(|file| {
        let records = file.frames.iter().flat_map(|frame| frame.records(&file.bytes)).flatten();
        records.into_iter().any(|(seq, record)| !stays(seq, &record))
    });
    if !has_deleted {
        return Ok(0);
    }
    let last = listing.wal.last().expect("a WAL that was read has files").number;
    let mut made: Vec<SegmentMeta> = Vec::new();
    let mut write = |finished: FinishedSegment| {
        let path = layout.pooled(&finished.meta);
        // The same events give the same segment: one that is there was made by an attempt that was interrupted.
        if files::len(host, &path)? != Some(finished.meta.file_bytes) {
            files::replace(host, &path, &finished.bytes)?;
        }
        made.push(finished.meta);
        Ok(())
    };
    let mut sift = Sift::new(&listing.manifest.indexed_fields, listing.next_segment, last, &mut write);
    sift.take_wal(&wal, &layout.point(listing.number), &stays)?;
    let (absences, next_segment) = sift.finish()?;
    files::sync_dir(host, &layout.pool())?;
    let mut deleted = 0;
    for absence in absences {
        deleted += absence.rows();
        let (category, day) = absence.partition();
        let (tombstone, entry) = deletions
            .of_event(category, day, absence.first_seq())
            .expect("events are absent because a deletion concerns them");
        listing.taken_out.push(TakenOut::new(absence.into_tombstone(tombstone.why), entry));
    }
    let manifest = &mut listing.manifest;
    manifest.next_producer = manifest.next_producer.max(next_producer(&wal));
    manifest.segments.extend(made);
    manifest.segments.sort_by_key(|meta| meta.id);
    manifest.sealed_wal = last;
    manifest.next_seq = listing.next_seq;
    manifest.wal = None;
    listing.next_segment = next_segment;
    listing.wal.clear();
    Ok(deleted)
}

/// The WAL files of a point, which must be as listed.
pub(super) fn read_wal(host: &Host, layout: &Layout, listing: &Listing) -> Result<RecoveredWal> {
    for wal in &listing.wal {
        wal.file.read(host, &layout.wal(listing.number, wal))?;
    }
    let numbers: Vec<WalNumber> = listing.wal.iter().map(|wal| WalNumber(wal.number)).collect();
    let point = layout.point(listing.number);
    recover_directory(
        host,
        &point,
        listing.manifest.identity.0,
        &numbers,
        listing.manifest.unsealed_anchor(0),
    )
}
