//! Reads a whole database and says what is wrong with it. Writes nothing, takes no lock for longer than a look,
//! and works beside a live writer, on a database whose writer died, and on read-only media.
//!
//! ```text
//! MANIFEST (or the catalog, if that is all there is) ─▶ WAL files after the sealed ones ─▶ MANIFEST again: the
//!   same? ─▶ each segment: open, verify, compare ─▶ every seq and every event of a recorder once ─▶ journal,
//!   catalog, files that belong to nothing
//! ```
//! What only the next open for writing has to tidy up is a note: a torn tail, leftovers of an interrupted seal,
//! a manifest older than the catalog. Gaps that an earlier repair recorded are notes too.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::coverage::{Coverage, LISTED_MAX};
use super::gaps::{Explained, explain};
use super::overlay::overlaid;
use super::repair::fuller_ledger;
use super::report::{Severity, VerifyReport};
use super::wal_file::WalFile;
use crate::catalog::ledger::{Change, Ledger, LedgerEntry};
use crate::catalog::manifest::MANIFEST_FILE;
use crate::catalog::{CATALOG_FILE, Catalog, Gap, JOURNAL_FILE, Journal, JournalRecord, Manifest};
use crate::error::{Error, Result};
use crate::event::record::{Defaults, decode_fields};
use crate::event::{ProducerId, Seq};
use crate::lock::{LOCK_FILE, refuse_unfinished_restore, session_of_holder};
use crate::open::{check_continues, find_places, is_unused, segment_files};
use crate::segment::{Places, Segment, SegmentId, SegmentMeta};
use crate::vfs::{Host, OpenMode};
use crate::wal::{FrameKind, WalNumber, recover_directory, wal_numbers};

/// Directory of what repair set aside.
pub(super) const QUARANTINE_DIRECTORY: &str = "quarantine";
/// How often the WAL is looked at again when it was sealed away meanwhile, or seems damaged while its writer
/// lives.
const ATTEMPTS_MAX: u32 = 20;

/// Verifies the database in a directory.
///
/// # Errors
/// [`Error::NotADatabase`] if there is none, a newer format version, IO errors. Damage is in the report.
pub fn verify(database: impl AsRef<Path>) -> Result<VerifyReport> {
    verify_on(&Host::os(), database.as_ref())
}

/// Verifies the database in a directory of the given host.
///
/// # Errors
/// As [`verify`].
pub fn verify_on(host: &Host, database: &Path) -> Result<VerifyReport> {
    refuse_unfinished_restore(host, database)?;
    refuse_other_directories(host, database)?;
    for attempt in 1.. {
        let mut verification = Verification::new(host, database, attempt == ATTEMPTS_MAX);
        if verification.run()? {
            return Ok(verification.report);
        }
    }
    unreachable!("the last attempt is final")
}

/// A directory without any of our files is no database.
pub(super) fn refuse_other_directories(host: &Host, database: &Path) -> Result<()> {
    for name in [LOCK_FILE, MANIFEST_FILE, CATALOG_FILE, JOURNAL_FILE] {
        let path = database.join(name);
        if host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))? {
            return Ok(());
        }
    }
    let reason = format!("neither {LOCK_FILE} nor {MANIFEST_FILE} nor {CATALOG_FILE} is there");
    Err(Error::NotADatabase { path: database.to_path_buf(), reason })
}

/// IO errors and newer versions end the work, damage goes into the report.
pub(super) fn only_damage<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(error @ (Error::Io { .. } | Error::NewerVersion { .. })) => Err(error),
        outcome => Ok(outcome),
    }
}

/// Opens a segment's file, whatever is in it.
pub(super) fn open_segment(host: &Host, path: &Path) -> Result<Segment> {
    let file = host.files.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
    let len = file.len().map_err(|error| Error::io("measure", path, error))?;
    let bytes = file.map(len).map_err(|error| Error::io("map", path, error))?;
    Segment::open(path, bytes)
}

struct Verification<'h> {
    host: &'h Host,
    database: &'h Path,
    /// There will be no other attempt.
    is_final: bool,
    report: VerifyReport,
    coverage: Coverage,
    /// The seq after the last event.
    next_seq: u64,
}

impl<'h> Verification<'h> {
    fn new(host: &'h Host, database: &'h Path, is_final: bool) -> Verification<'h> {
        let (report, coverage) = (VerifyReport::default(), Coverage::default());
        Verification { host, database, is_final, report, coverage, next_seq: 0 }
    }

    /// False if the database changed so that another attempt is needed.
    fn run(&mut self) -> Result<bool> {
        let manifest = only_damage(Manifest::read(self.host, self.database))?;
        let catalog = self.open_catalog()?;
        let expected = match (&manifest, &catalog) {
            // A crash, or a full disk, may have come between a commit and the manifest of it.
            (Ok(manifest), Some(Ok(catalog))) if catalog.counters().generation > manifest.generation => {
                Some(Manifest { wal: manifest.wal, ..catalog.manifest(&manifest.indexed_fields)? })
            }
            (Ok(manifest), _) => Some(manifest.clone()),
            (Err(_), Some(Ok(catalog))) => Some(catalog.manifest(&[])?),
            _ => None,
        };
        self.judge_manifest(&manifest, &catalog)?;
        let Some(wal_sound) = self.read_wal(expected.as_ref())? else { return Ok(false) };
        if let (Ok(manifest), false) = (&manifest, self.is_final) {
            let is_current = Manifest::read(self.host, self.database)
                .is_ok_and(|now| now.sealed_wal == manifest.sealed_wal && now.identity == manifest.identity);
            if !is_current || (!wal_sound && !self.is_lock_free()?) {
                return Ok(false);
            }
        }
        if !self.read_segments(expected.as_ref(), catalog.as_ref())? {
            return Ok(false);
        }
        self.next_seq = self.next_seq.max(self.coverage.seqs.end());
        let journal = self.read_journal()?;
        let ledger = fuller_ledger(catalog.as_ref().and_then(|catalog| catalog.as_ref().ok()), &journal);
        let ledger = match &expected {
            Some(expected) => as_of(&ledger, &expected.segments),
            None => ledger,
        };
        self.judge_coverage(&journal, &ledger);
        self.judge_catalog(manifest.as_ref().ok(), catalog)?;
        self.judge_files(expected.as_ref())?;
        Ok(true)
    }

    fn damage(&mut self, path: impl Into<PathBuf>, text: impl std::fmt::Display) {
        self.report.add(Severity::Damage, path, text);
    }

    fn note(&mut self, path: impl Into<PathBuf>, text: impl std::fmt::Display) {
        self.report.add(Severity::Note, path, text);
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.host.files.exists(path).map_err(|error| Error::io("look for", path, error))
    }

    fn add_bytes_of(&mut self, path: &Path) -> Result<()> {
        let measured = self.host.files.open(path, OpenMode::Read).and_then(|file| file.len());
        match measured {
            Ok(len) => self.report.bytes += len,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("measure", path, error)),
        }
        Ok(())
    }

    /// Whether nobody writes to the database just now. Where the lock cannot even be asked, nobody can write.
    fn is_lock_free(&self) -> Result<bool> {
        let lock = self.database.join(LOCK_FILE);
        match self.host.files.try_lock(&lock) {
            Ok(held) => Ok(held.is_some()),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem => Ok(true),
                // Another user's database: its writer may live.
                io::ErrorKind::PermissionDenied => Ok(false),
                _ => Err(Error::io("look at the lock", &lock, error)),
            },
        }
    }

    /// The catalog through an overlay, if nobody writes; what it says is dropped if somebody begins to.
    fn open_catalog(&self) -> Result<Option<Result<Catalog>>> {
        let session = session_of_holder(self.host, self.database);
        if !self.is_lock_free()? {
            return Ok(None);
        }
        let opened = Catalog::open(&overlaid(self.host), self.database);
        // Somebody may have had it open in between, and be done with it.
        if !self.is_lock_free()? || session_of_holder(self.host, self.database) != session {
            return Ok(None);
        }
        only_damage(opened).map(Some)
    }

    fn judge_manifest(
        &mut self,
        manifest: &Result<Manifest>,
        catalog: &Option<Result<Catalog>>,
    ) -> Result<()> {
        let Err(error) = manifest else { return Ok(()) };
        let path = self.database.join(MANIFEST_FILE);
        let is_missing = matches!(error, Error::NotADatabase { .. });
        if is_missing && catalog.is_some() && is_unused_or_empty(self.host, self.database)? {
            self.note(
                path,
                "it is missing: the creation of the database was interrupted; the next open ends it",
            );
        } else if is_missing {
            self.damage(path, "it is missing; hint: open the database for writing, or run `blotter repair`");
        } else {
            self.damage(path, error);
        }
        Ok(())
    }

    /// Reads the WAL files after the sealed ones; whether they are sound, or `None` if one went away meanwhile.
    fn read_wal(&mut self, expected: Option<&Manifest>) -> Result<Option<bool>> {
        let wal_dir = self.database.join("wal");
        if !self.exists(&wal_dir)? {
            self.damage(&wal_dir, "the directory is missing; hint: run `blotter repair`");
            return Ok(Some(false));
        }
        let sealed_wal = expected.map_or(0, |expected| expected.sealed_wal);
        self.next_seq = expected.map_or(0, |expected| expected.next_seq);
        let mut numbers = wal_numbers(self.host, self.database)?;
        numbers.retain(|number| number.0 > sealed_wal);
        let went_away = |error: &Error| matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
        let mut files = Vec::with_capacity(numbers.len());
        for number in &numbers {
            match WalFile::read(self.host, self.database, *number) {
                Err(error) if went_away(&error) && !self.is_final => return Ok(None),
                file => files.push(file?),
            }
        }
        let identity =
            expected.map(|expected| expected.identity.0).or(files.iter().find_map(identity_of)).unwrap_or(0);
        let anchor = expected.and_then(|expected| expected.unsealed_anchor(sealed_wal));
        let recovered = match recover_directory(self.host, self.database, identity, &numbers, anchor) {
            Err(error) if went_away(&error) && !self.is_final => return Ok(None),
            recovered => only_damage(recovered)?,
        };
        let mut is_sound = true;
        let mut torn_at = None;
        match recovered {
            Ok(recovered) => {
                if let Some((path, offset, bytes)) = &recovered.torn {
                    torn_at = Some((path.clone(), *offset));
                    let text = format!(
                        "torn tail of {bytes} bytes at offset {offset}, never known durable; the next open cuts it"
                    );
                    self.note(path, text);
                }
                if let Some(expected) = expected
                    && let Err(error) =
                        check_continues(self.database, &recovered, sealed_wal, Seq(expected.next_seq))
                {
                    is_sound = false;
                    self.damage(&wal_dir, error);
                }
            }
            Err(error) => {
                is_sound = false;
                self.damage(&wal_dir, error);
            }
        }
        for mut file in files {
            // Frames behind a tear were written, and never known to be durable: they are cut with it.
            if let Some((_, offset)) = torn_at.as_ref().filter(|(path, _)| *path == file.path) {
                file.frames.retain(|frame| frame.offset < *offset);
            }
            self.read_wal_file(&file);
        }
        Ok(Some(is_sound))
    }

    /// Counts the events of a WAL file, and decodes each.
    fn read_wal_file(&mut self, file: &WalFile) {
        self.report.wal_files += 1;
        self.report.bytes += file.bytes.len() as u64;
        self.next_seq = self.next_seq.max(file.next_seq());
        let mut introduced: Vec<(ProducerId, Defaults)> = Vec::new();
        let mut problems: Vec<(u64, String)> = Vec::new();
        for frame in &file.frames {
            match frame.kind {
                FrameKind::Producer => match frame.defaults(&file.bytes) {
                    Ok(defaults) => introduced.push((frame.producer, defaults)),
                    Err(error) => problems.push((frame.offset, error.to_string())),
                },
                FrameKind::Events => {
                    let known = introduced.iter().rfind(|(producer, _)| *producer == frame.producer);
                    let Some((_, defaults)) = known else {
                        problems.push((frame.offset, "events of a producer that was not introduced".into()));
                        continue;
                    };
                    let mut records = frame.records(&file.bytes);
                    while let Some(record) = records.next() {
                        let decoded = record.and_then(|(seq, record)| {
                            self.coverage.record(seq, frame.producer.0, &record);
                            decode_fields(&record, defaults).map(drop)
                        });
                        if let Err(error) = decoded {
                            problems.push((records.offset, error.to_string()));
                        }
                    }
                }
                FrameKind::Mark | FrameKind::End => {}
            }
        }
        for (offset, found) in problems.into_iter().take(LISTED_MAX) {
            self.damage(&file.path, format!("at offset {offset}: {found}"));
        }
    }

    /// Verifies every segment; false if one was replaced meanwhile.
    fn read_segments(
        &mut self,
        expected: Option<&Manifest>,
        catalog: Option<&Result<Catalog>>,
    ) -> Result<bool> {
        let places = match expected {
            Some(expected) => Places::new(self.database, expected.cold_directory.as_deref()),
            None => find_places(self.host, self.database)?,
        };
        let mut listed: Vec<(PathBuf, Option<&SegmentMeta>)> = match expected {
            Some(expected) => {
                expected.segments.iter().map(|meta| (meta.relative_path(), Some(meta))).collect()
            }
            // Nothing says which there should be: those that are there are read.
            None => segment_files(self.host, &places)?.into_iter().map(|path| (path, None)).collect(),
        };
        listed.retain(|(path, _)| path.extension().is_none_or(|extension| extension != "tmp"));
        listed.sort_by_key(|(_, meta)| meta.map(|meta| meta.seq_min));
        for (relative, meta) in listed {
            let path = places.file(&relative);
            let segment = match open_segment(self.host, &path) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    let now = Manifest::read(self.host, self.database);
                    if !self.is_final && now.is_ok_and(|now| !now.segments.iter().any(|m| Some(m) == meta)) {
                        return Ok(false);
                    }
                    let what = meta.map_or_else(String::new, describe);
                    self.damage(path, format!("the file is missing: {what}"));
                    continue;
                }
                opened => only_damage(opened)?,
            };
            self.report.segments += 1;
            self.add_bytes_of(&path)?;
            let checked = segment.and_then(|segment| {
                segment.verify()?;
                self.coverage.segment(&segment)?;
                Ok(segment)
            });
            match checked {
                Err(error) => {
                    let what = meta.map_or_else(String::new, describe);
                    self.damage(path, format!("{error} ({what})"));
                }
                Ok(segment) => self.compare_segment(&segment, meta, &relative, catalog)?,
            }
        }
        Ok(true)
    }

    fn compare_segment(
        &mut self,
        segment: &Segment,
        meta: Option<&SegmentMeta>,
        relative: &Path,
        catalog: Option<&Result<Catalog>>,
    ) -> Result<()> {
        let path = segment.path();
        if meta.is_some_and(|meta| meta != segment.meta()) {
            self.damage(path, "it is not the segment that MANIFEST describes; restore the right one");
        }
        if segment.meta().relative_path() != relative {
            let own = segment.meta().relative_path();
            self.damage(path, format!("it is the segment {}, under another name", own.display()));
        }
        let (Some(meta), Some(Ok(catalog))) = (meta, catalog) else { return Ok(()) };
        for route in meta.routes.iter().filter(|route| route.distinct > 0) {
            let missed =
                only_damage(catalog.filter(meta.id, &route.field))?.and_then(|filter| match filter {
                    Some(filter) => segment.text_missed_by(&route.field, &filter),
                    None => Ok(Some("everything".to_owned())),
                });
            let catalog_path = self.database.join(CATALOG_FILE);
            match missed {
                Ok(None) => {}
                Ok(Some(text)) => {
                    let (field, id) = (&route.field, meta.id);
                    self.damage(
                        catalog_path,
                        format!("the filter of {field} of segment {id} misses {text:?}"),
                    );
                }
                Err(error) => self.damage(catalog_path, error),
            }
        }
        Ok(())
    }

    fn read_journal(&mut self) -> Result<Vec<JournalRecord>> {
        let path = self.database.join(JOURNAL_FILE);
        self.add_bytes_of(&path)?;
        self.add_bytes_of(&self.database.join(MANIFEST_FILE))?;
        self.add_bytes_of(&self.database.join(CATALOG_FILE))?;
        match only_damage(Journal::read(self.host, self.database))? {
            Ok((records, torn)) => {
                if let Some(torn) = torn {
                    let text = format!("torn last record of {} bytes at offset {}", torn.bytes, torn.offset);
                    self.note(path, text);
                }
                Ok(records)
            }
            Err(Error::NotADatabase { .. }) => {
                let text = "it is missing; hint: run `blotter repair`";
                match self.coverage.seqs.len() == 0 {
                    true => self.note(path, "it is missing: the creation of the database was interrupted"),
                    false => self.damage(path, text),
                }
                Ok(Vec::new())
            }
            Err(error) => {
                self.damage(path, error);
                Ok(Vec::new())
            }
        }
    }

    fn judge_coverage(&mut self, journal: &[JournalRecord], ledger: &Ledger) {
        let database = self.database;
        self.report.events = self.coverage.seqs.len();
        self.report.loss_records = self.coverage.loss_records;
        self.report.lost_events = self.coverage.lost;
        for repeated in std::mem::take(&mut self.coverage.repeated) {
            self.damage(database, format!("{repeated} is there more than once"));
        }
        if self.coverage.repeated_count > LISTED_MAX as u64 {
            self.damage(
                database,
                format!("{} events are there more than once", self.coverage.repeated_count),
            );
        }
        let Explained { unknown, known, deleted, undead } =
            explain(&self.coverage.gaps(self.next_seq), journal, ledger);
        if deleted > 0 {
            self.note(
                database,
                format!("{deleted} events were deleted, and their tombstones account for them"),
            );
        }
        if undead > 0 {
            self.damage(database, format!("{undead} events are there that tombstones call deleted"));
        }
        for gap in unknown.iter().take(LISTED_MAX) {
            self.damage(database, missing(gap));
        }
        if unknown.len() > LISTED_MAX {
            self.damage(database, format!("{} runs of events are missing in all", unknown.len()));
        }
        for gap in known.iter().take(LISTED_MAX) {
            self.note(database, format!("{gap}: lost, as an earlier repair has recorded"));
        }
        if known.len() > LISTED_MAX {
            self.note(database, format!("earlier repairs recorded {} such runs in all", known.len()));
        }
    }

    fn judge_catalog(&mut self, manifest: Option<&Manifest>, catalog: Option<Result<Catalog>>) -> Result<()> {
        let path = self.database.join(CATALOG_FILE);
        let catalog = match catalog {
            None => {
                self.note(path, "not looked at: its writer has it open");
                return Ok(());
            }
            Some(Ok(catalog)) => catalog,
            Some(Err(error)) => {
                if is_unused_or_empty(self.host, self.database)? && !self.exists(&path)? {
                    self.note(path, "it is missing: the creation of the database was interrupted");
                } else {
                    self.damage(path, error);
                }
                return Ok(());
            }
        };
        let Some(manifest) = manifest else { return Ok(()) };
        let counters = catalog.counters();
        if counters.generation > manifest.generation {
            let (newer, older) = (counters.generation, manifest.generation);
            self.note(
                self.database.join(MANIFEST_FILE),
                format!(
                    "it shows generation {older} of the catalog, which has {newer}; the next open renews it"
                ),
            );
            return Ok(());
        }
        let says = |manifest: Manifest| {
            (
                manifest.sealed_wal,
                manifest.next_seq,
                manifest.segments,
                manifest.in_transition,
                manifest.cold_directory,
            )
        };
        if says(catalog.manifest(&[])?) != says(manifest.clone()) {
            self.damage(path, "it says other things than MANIFEST of the same generation");
        }
        Ok(())
    }

    /// Looks for files that belong to nothing.
    fn judge_files(&mut self, expected: Option<&Manifest>) -> Result<()> {
        let list = |dir: &Path| self.host.files.read_dir(dir).map_err(|error| Error::io("list", dir, error));
        let mut notes: Vec<(PathBuf, &str)> = Vec::new();
        for entry in list(self.database)? {
            let path = self.database.join(&entry.name);
            match (entry.name.as_str(), entry.is_dir) {
                (LOCK_FILE | MANIFEST_FILE | CATALOG_FILE | JOURNAL_FILE, false) => {}
                ("wal" | "hot" | "warm" | "cold" | "control" | "watch", true) => {}
                (QUARANTINE_DIRECTORY, true) => {
                    for kept in list(&path)? {
                        notes.push((path.join(kept.name), "set aside by a repair"));
                    }
                }
                ("MANIFEST.tmp" | "catalog.new" | "journal.tmp", false) => {
                    notes.push((path, "left by an interrupted write; it is replaced by the next"));
                }
                _ => notes.push((path, "not a file of the database")),
            }
        }
        let wal_dir = self.database.join("wal");
        let mut standing: HashSet<WalNumber> = HashSet::new();
        if self.exists(&wal_dir)? {
            for entry in list(&wal_dir)? {
                let Some(number) = WalNumber::from_file_name(&entry.name) else {
                    notes.push((wal_dir.join(entry.name), "not a WAL file"));
                    continue;
                };
                standing.insert(number);
                if expected.is_some_and(|expected| number.0 <= expected.sealed_wal) {
                    notes.push((wal_dir.join(entry.name), "sealed; the next open removes it"));
                }
            }
        }
        for (path, text) in notes {
            self.note(path, text);
        }
        let Some(expected) = expected else { return Ok(()) };
        let known: HashSet<PathBuf> = expected.segments.iter().map(SegmentMeta::relative_path).collect();
        let in_transition: HashSet<&Path> = expected.in_transition.iter().map(Path::new).collect();
        let places = Places::new(self.database, expected.cold_directory.as_deref());
        for relative in segment_files(self.host, &places)? {
            if in_transition.contains(&*relative.with_extension("seg")) {
                let text = "replaced, deleted, or being written; it is removed soon if it is not listed then";
                self.note(places.file(&relative), text);
            } else if !known.contains(&relative) {
                self.judge_unlisted(&places.file(&relative), &standing)?;
            }
        }
        Ok(())
    }

    /// A segment that MANIFEST does not list is left by an interrupted seal if its events are in the WAL.
    fn judge_unlisted(&mut self, path: &Path, standing: &HashSet<WalNumber>) -> Result<()> {
        const LEFT: &str =
            "left by an interrupted seal; its events are in the WAL, and the next open removes it";
        if path.extension().is_some_and(|extension| extension == "tmp") {
            self.note(path, LEFT);
            return Ok(());
        }
        match open_segment(self.host, path) {
            Ok(segment) if standing.contains(&WalNumber(segment.meta().source_wal)) => self.note(path, LEFT),
            // Sealed after this look began, or removed since.
            _ if !self.is_lock_free()? => self.note(path, "being made or removed by the writer"),
            Ok(segment) => {
                let what = describe(segment.meta());
                self.damage(
                    path,
                    format!("a segment that MANIFEST does not list: {what}; hint: run `blotter repair`"),
                );
            }
            Err(error) => match only_damage(Err::<(), _>(error))? {
                Ok(()) => {}
                Err(error) => self.damage(path, error),
            },
        }
        Ok(())
    }
}

/// A ledger without the deletions of segments that are listed: they were made after the list was read.
fn as_of(ledger: &Ledger, listed: &[SegmentMeta]) -> Ledger {
    let listed: HashSet<SegmentId> = listed.iter().map(|meta| meta.id).collect();
    let is_later = |entry: &LedgerEntry| match &entry.change {
        Change::Dropped(tombstone) => tombstone.segments.iter().any(|id| listed.contains(id)),
        _ => false,
    };
    Ledger::of(ledger.entries().iter().filter(|entry| !is_later(entry)).cloned())
}

/// Whether there is no event: no segment, and no WAL file that is longer than its header.
pub(super) fn is_unused_or_empty(host: &Host, database: &Path) -> Result<bool> {
    let wal_dir = database.join("wal");
    if !host.files.exists(&wal_dir).map_err(|error| Error::io("look for", &wal_dir, error))? {
        return Ok(segment_files(host, &find_places(host, database)?)?.is_empty());
    }
    if is_unused(host, database)? {
        return Ok(true);
    }
    for number in wal_numbers(host, database)? {
        if WalFile::read(host, database, number)?.bytes.len() as u64 > crate::wal::HEADER_BYTES {
            return Ok(false);
        }
    }
    Ok(segment_files(host, &find_places(host, database)?)?.is_empty())
}

fn identity_of(file: &WalFile) -> Option<u128> {
    file.header.as_ref().ok().map(|header| header.database)
}

fn missing(gap: &Gap) -> String {
    match gap {
        Gap::Seqs { .. } => format!("{gap} is missing"),
        Gap::Producer { .. } => format!("{gap} are missing, and no loss is recorded"),
        Gap::Unlocated { .. } => format!("{gap} are missing, more than tombstones account for"),
    }
}

/// What a segment holds, for messages.
pub(super) fn describe(meta: &SegmentMeta) -> String {
    format!(
        "segment {} of {} on {}, {} events, seq {} to {}",
        meta.id, meta.category, meta.day, meta.rows, meta.seq_min, meta.seq_max
    )
}
