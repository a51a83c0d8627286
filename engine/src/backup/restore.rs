//! Makes a database of a backup point, whole or up to a moment.
//!
//! ```text
//! RESTORING ─▶ every segment: checksums, rows, indexes ─▶ copied, or linked, or sifted ─▶ WAL ─▶ journal ─▶ catalog
//!   ─▶ MANIFEST ─▶ RESTORING becomes LOCK: it is a database
//! ```
//! Up to a moment: segments that are wholly before it stay as they are, those wholly after it are left out, of the one in
//! between and of the WAL the events before it become segments. What is left out is told by tombstones, so that every
//! sequence number is accounted for; the next event gets the number that it would have got.

use std::path::Path;

use super::files;
use super::layout::{Layout, Listing, PointNumber};
use super::options::{Meter, RestoreOptions, RestoreReport};
use super::retain::{Listings, read_listings, read_wal};
use super::sift::{Sift, next_producer};
use super::take::check_segment;
use super::target::Target;
use crate::catalog::ledger::{
    Change, DropReason, JobKind, JobOutcome, JobRecord, Ledger, LedgerEntry, NewEntry, TierChange,
};
use crate::catalog::{Catalog, DatabaseId, Journal, JournalRecord, Manifest, NewSegment, SealCommit};
use crate::error::{Error, Result};
use crate::event::{Seq, Timestamp};
use crate::maintain::absence::Absence;
use crate::segment::{FinishedSegment, Segment, SegmentMeta};
use crate::vfs::Host;
use crate::wal::{RecoveredWal, WalNumber};

/// Who restored, in the ledger.
const ACTOR: &str = "restore";
/// Room taken by catalog, manifest and names besides the files themselves, in bytes.
const MARGIN_BYTES: u64 = 4 * 1024 * 1024;

/// Makes a database of a backup in a directory that is new or empty. Every file is verified on the way. The database
/// keeps its identity and its counters, and opens for writing.
///
/// Until it is done the directory is no database: an open refuses it. After an error or a crash the same call begins
/// again; the directory can as well be removed.
///
/// # Errors
/// [`Error::NotABackup`] if the source holds none, or not the point asked for; [`Error::InvalidOption`] for a destination
/// that is not empty; damage to the backup, naming the file; a full volume; IO errors.
pub fn restore(
    source: impl AsRef<Path>,
    destination: impl AsRef<Path>,
    options: &RestoreOptions,
) -> Result<RestoreReport> {
    restore_on(&Host::os(), source.as_ref(), destination.as_ref(), options)
}

/// Restores on the given host.
///
/// # Errors
/// As [`restore()`].
pub fn restore_on(
    host: &Host,
    source: &Path,
    destination: &Path,
    options: &RestoreOptions,
) -> Result<RestoreReport> {
    let began_ns = host.clock.now_ns();
    let layout = Layout::new(source);
    let identity = layout.read_head(host)?.identity;
    let listing = choose(&layout, read_listings(host, &layout, identity)?, options.point)?;
    if files::is_within(host, destination, source)? {
        let reason = format!("{} lies inside the backup", destination.display());
        return Err(Error::InvalidOption { option: "destination", reason });
    }
    let target = Target::begin(host, destination, identity)?;
    files::check_space(host, destination, needed_bytes(&listing, options))?;
    let report = RestoreReport {
        point: listing.point(),
        database: identity,
        path: destination.to_path_buf(),
        events: 0,
        left_out: 0,
        next_seq: listing.next_seq,
        copied_segments: 0,
        linked_segments: 0,
        made_segments: 0,
        written_bytes: 0,
        notes: Vec::new(),
    };
    let mut restoring = Restoring {
        host,
        options,
        layout: &layout,
        identity,
        manifest: listing.manifest.clone(),
        next_segment: listing.next_segment,
        listing,
        target,
        segments: Vec::new(),
        absences: Vec::new(),
        report,
        began_ns,
    };
    restoring.restore_events()?;
    restoring.finish(source)
}

fn choose(layout: &Layout, listings: Listings, asked: Option<PointNumber>) -> Result<Listing> {
    let Listings { mut whole, unreadable, .. } = listings;
    let wanted = match asked {
        Some(number) => number,
        // One that cannot be read may be the newest: to take another instead is for whoever asks to say.
        None => match whole.iter().map(|l| l.number).chain(unreadable.iter().map(|(n, ..)| *n)).max() {
            Some(newest) => newest,
            None => {
                let reason = "it has no backup point that was completed".to_owned();
                return Err(Error::NotABackup { path: layout.dir.clone(), reason });
            }
        },
    };
    if let Some((.., error)) = unreadable.into_iter().find(|(number, ..)| *number == wanted) {
        return Err(error);
    }
    let numbers: Vec<String> = whole.iter().map(|listing| listing.number.to_string()).collect();
    let dir = layout.dir.display();
    let reason = format!("{dir} has no backup point {wanted}; hint: it has {}", numbers.join(", "));
    whole.retain(|listing| listing.number == wanted);
    whole.pop().ok_or(Error::InvalidOption { option: "point", reason })
}

fn needed_bytes(listing: &Listing, options: &RestoreOptions) -> u64 {
    let is_wanted = |meta: &&SegmentMeta| options.until.is_none_or(|until| meta.ts_min <= until.0);
    let segments = listing.manifest.segments.iter().filter(is_wanted).map(|meta| meta.file_bytes);
    let wal = listing.wal.iter().map(|wal| wal.file.bytes);
    let linked = if options.hard_links { 0 } else { segments.sum() };
    MARGIN_BYTES + linked + wal.sum::<u64>() + 2 * listing.journal.bytes
}

/// A restore under way.
struct Restoring<'h> {
    host: &'h Host,
    options: &'h RestoreOptions,
    layout: &'h Layout,
    identity: DatabaseId,
    listing: Listing,
    /// Of the database that comes of it, but for its segments.
    manifest: Manifest,
    next_segment: u64,
    target: Target<'h>,
    segments: Vec<NewSegment>,
    absences: Vec<Absence>,
    report: RestoreReport,
    began_ns: i64,
}

impl Restoring<'_> {
    fn restore_events(&mut self) -> Result<()> {
        let metas = std::mem::take(&mut self.manifest.segments);
        let mut meter = Meter::new(&self.options.progress, metas.len() as u64);
        meter.bytes_total = metas.iter().map(|meta| meta.file_bytes).sum();
        let until = self.options.until;
        let mut beyond = Vec::new();
        for meta in &metas {
            let segment = self.verified(meta)?;
            if until.is_some_and(|until| meta.ts_max > until.0) {
                beyond.push(meta);
                meter.skip(meta.file_bytes);
            } else {
                self.restore_segment(meta, &segment, &mut meter)?;
            }
            meter.file_done();
        }
        let wal = read_wal(self.host, self.layout, &self.listing)?;
        match until {
            None => self.restore_wal()?,
            Some(until) => self.sift(until, &beyond, &wal)?,
        }
        self.segments.sort_by_key(|(meta, _)| meta.id);
        Ok(())
    }

    /// A segment of the pool, every byte and row of which is as it should be.
    fn verified(&self, meta: &SegmentMeta) -> Result<Segment> {
        let segment = open(self.host, self.layout, meta)?;
        segment.verify()?;
        Ok(segment)
    }

    fn restore_segment(
        &mut self,
        meta: &SegmentMeta,
        segment: &Segment,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        let (from, to) = (self.layout.pooled(meta), meta.relative_path());
        if self.options.hard_links && self.target.link(&from, &to)? {
            self.report.linked_segments += 1;
            meter.skip(meta.file_bytes);
        } else {
            let bytes = files::map(self.host, &from)?;
            let copy = self.target.write(&to, &bytes, &mut |bytes| meter.wrote(bytes))?;
            // The file could be another one since it was verified.
            check_segment(&from, copy, meta)?.verify_coverage()?;
            self.report.copied_segments += 1;
            self.report.written_bytes += meta.file_bytes;
        }
        self.segments.push((meta.clone(), segment.filters()?));
        Ok(())
    }

    fn restore_wal(&mut self) -> Result<()> {
        for wal in self.listing.wal.clone() {
            let bytes = wal.file.read(self.host, &self.layout.wal(self.listing.number, &wal))?;
            let relative = WalNumber(wal.number).path(Path::new(""));
            self.target.write(&relative, &bytes, &mut |_| {})?;
            self.report.written_bytes += wal.file.bytes;
        }
        Ok(())
    }

    /// Makes segments of what is up to a time in segments that go beyond it, and in the WAL.
    fn sift(&mut self, until: Timestamp, beyond: &[&SegmentMeta], wal: &RecoveredWal) -> Result<()> {
        let (manifest, target, segments) = (&mut self.manifest, &mut self.target, &mut self.segments);
        let (mut made, mut written_bytes) = (0, 0);
        let mut write = |finished: FinishedSegment| {
            target.write(&finished.meta.relative_path(), &finished.bytes, &mut |_| {})?;
            written_bytes += finished.meta.file_bytes;
            made += 1;
            segments.push((finished.meta, finished.filters));
            Ok(())
        };
        manifest.sealed_wal = self.listing.wal.last().map_or(manifest.sealed_wal, |wal| wal.number);
        manifest.next_seq = self.listing.next_seq;
        manifest.next_producer = manifest.next_producer.max(next_producer(wal));
        manifest.wal = None;
        let mut sift =
            Sift::new(&manifest.indexed_fields, self.next_segment, manifest.sealed_wal, &mut write);
        // Opened one by one: what a segment was asked stays in memory.
        for meta in beyond {
            sift.take_segment_until(&open(self.host, self.layout, meta)?, until.0)?;
        }
        let point = self.layout.point(self.listing.number);
        sift.take_wal(wal, &point, &|_, record| record.ts <= until)?;
        (self.absences, self.next_segment) = sift.finish()?;
        self.report.made_segments = made;
        self.report.written_bytes += written_bytes;
        self.report.left_out = self.absences.iter().map(Absence::rows).sum();
        Ok(())
    }

    /// Writes what says what there is, and makes the directory a database.
    fn finish(mut self, source: &Path) -> Result<RestoreReport> {
        let sealed: u64 = self.segments.iter().map(|(meta, _)| meta.rows).sum();
        let unsealed = match self.options.until {
            None => self.listing.events() - self.listing.sealed_events(),
            Some(_) => 0,
        };
        self.report.events = sealed + unsealed;
        self.report.notes = self.notes();
        let (events, left_out, whole) = (self.report.events, self.report.left_out, self.listing.events());
        assert!(events + left_out == whole, "{events} events and {left_out} left out of {whole}");
        let (records, created_at_ns) = self.journal()?;
        let mut ledger = Ledger::salvaged(records.iter().cloned().filter_map(JournalRecord::into_entry));
        for entry in self.new_entries(source, &ledger) {
            let NewEntry { at_ns, actor, reason, change } = entry;
            ledger.add(LedgerEntry { number: ledger.last_number() + 1, at_ns, actor, reason, change });
        }
        let mut records: Vec<JournalRecord> =
            records.into_iter().filter(|record| !matches!(record, JournalRecord::Ledger(_))).collect();
        records.extend(ledger.entries().iter().cloned().map(Box::new).map(JournalRecord::Ledger));
        self.target.sync()?;
        let (host, dir) = (self.host, self.target.dir.clone());
        Journal::create_with(host, &dir, &records)?;
        let found = SealCommit {
            segments: &self.segments,
            sealed_wal: self.manifest.sealed_wal,
            next_seq: Seq(self.manifest.next_seq),
            next_producer: self.manifest.next_producer,
        };
        let catalog = Catalog::rebuild(
            host,
            &dir,
            self.identity,
            created_at_ns,
            self.manifest.generation,
            self.next_segment,
            &found,
            ledger.entries(),
            &[],
        )?;
        let manifest =
            Manifest { wal: self.manifest.wal, ..catalog.manifest(&self.manifest.indexed_fields)? };
        drop(catalog);
        manifest.write(host, &dir)?;
        self.target.finish()?;
        Ok(self.report)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let point = self.listing.point();
        if point.left_in_rings > 0 {
            notes.push(format!(
                "{} events that a process had accepted before it died were in shared memory only when the backup was \
                 taken, and are not in it",
                point.left_in_rings
            ));
        }
        if point.deleted_events > 0 {
            notes.push(format!(
                "{} events were deleted from the database after the backup, and therefore from the backup",
                point.deleted_events
            ));
        }
        notes
    }

    /// The records of the journal, and when the database was created.
    fn journal(&self) -> Result<(Vec<JournalRecord>, i64)> {
        let path = self.layout.journal(self.listing.number);
        self.listing.journal.read(self.host, &path)?;
        let (records, _) = Journal::read(self.host, &self.layout.point(self.listing.number))?;
        match records.first() {
            Some(JournalRecord::Created { identity, at_ns }) if *identity == self.identity => {
                let at_ns = *at_ns;
                Ok((records, at_ns))
            }
            _ => {
                let expected = format!("the creation of database {} first", self.identity);
                Err(Error::damaged(&path, 16, expected, "another record", "take another backup point"))
            }
        }
    }

    /// What the ledger says of the restore, and of what is not there.
    fn new_entries(&mut self, source: &Path, ledger: &Ledger) -> Vec<NewEntry> {
        let now_ns = self.host.clock.now_ns();
        let mut reason = format!(
            "from {}, point {} taken at {}",
            source.display(),
            self.listing.number,
            Timestamp(self.listing.taken_at_ns)
        );
        if let Some(until) = self.options.until {
            reason.push_str(&format!(", up to {until}"));
        }
        let entry =
            |change| NewEntry { at_ns: now_ns, actor: ACTOR.to_owned(), reason: reason.clone(), change };
        let mut entries: Vec<NewEntry> =
            self.listing.taken_out.iter().map(super::layout::TakenOut::entry).collect();
        let absences = std::mem::take(&mut self.absences).into_iter();
        entries.extend(
            absences.map(|absence| entry(Change::Dropped(absence.into_tombstone(DropReason::NotRestored)))),
        );
        if ledger.cold_directory().is_some() {
            entries.push(entry(Change::ColdDirectorySet(None)));
        }
        entries.push(entry(Change::JobDone(JobRecord {
            kind: JobKind::Restore,
            at_ns: self.began_ns,
            began_ns: self.began_ns,
            ended_ns: now_ns,
            outcome: JobOutcome::Done,
            compacted: TierChange::default(),
            warmed: TierChange::default(),
            cooled: TierChange::default(),
            dropped: TierChange::default(),
            copied_bytes: self.report.written_bytes,
            problems: self.report.notes.clone(),
        })));
        entries
    }
}

fn open(host: &Host, layout: &Layout, meta: &SegmentMeta) -> Result<Segment> {
    let path = layout.pooled(meta);
    check_segment(&path, files::map(host, &path)?, meta)
}
