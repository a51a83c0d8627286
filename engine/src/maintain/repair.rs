//! Makes a damaged database whole again, as far as its files can be read. Nothing is deleted: what is damaged or in
//! the way goes to `quarantine/`. `docs/recovery.md` has the cases.
//!
//! Looking comes first and changes nothing: which identity, which segments are sound, whether the WAL can stay.
//! - A segment that nothing lists and whose source stands whole in the WAL is left by an interrupted seal: it goes.
//! - The WAL stays if the next open would accept it and it begins after the segments. Otherwise what is readable of
//!   it, less what segments hold, becomes segments, and all of it goes: no WAL file is left, so that no rule of
//!   recovery has to know of holes.
//! - Rows of damaged segments that can be read become new segments.
//! - Every event is taken once, by its seq. What is missing after all is recorded in the journal.
//!
//! Then, in this order, so that a crash in between leaves a database that `open` refuses and that the next repair
//! finishes:
//!
//! ```text
//! new segments ─▶ journal ─▶ MANIFEST ─▶ files to quarantine ─▶ catalog rebuilt
//! ```
//! MANIFEST shows a later generation than any catalog, which makes `open` refuse until the last step is done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::coverage::Coverage;
use super::gaps::explain;
use super::overlay::overlaid;
use super::quarantine::{keep_copy, set_aside};
use super::report::{Quarantined, RepairReport};
use super::salvage::{Salvage, options_like};
use super::verify::{describe, only_damage, open_segment};
use super::wal_file::WalFile;
use crate::catalog::ledger::{Change, Ledger, LedgerEntry};
use crate::catalog::manifest::MANIFEST_FILE;
use crate::catalog::{
    CATALOG_FILE, Catalog, Counters, DatabaseId, FileState, GAPS_PER_RECORD_MAX, Gap, JOURNAL_FILE, Journal,
    JournalRecord, Manifest, SealCommit,
};
use crate::error::{Error, Result};
use crate::event::Seq;
use crate::lock::{LOCK_FILE, refuse_unfinished_restore};
use crate::open::{find_places, is_cold_there, segment_files, take_lock};
use crate::ring::{FoundRings, RingOwner, WrittenCounts};
use crate::segment::{Places, RoutingFilter, Segment, SegmentMeta, Tier};
use crate::vfs::{FileLock, Host, OpenMode};
use crate::wal::{FRAME_HEADER_BYTES, FrameKind, RecoveredWal, WalNumber, recover_directory, wal_numbers};

/// Longest reason in the journal, in bytes.
const REASON_BYTES_MAX: usize = 4096;

/// Repairs the database in a directory.
///
/// # Errors
/// [`Error::Locked`] if it is open for writing, [`Error::NotADatabase`], a newer format version, IO errors. After
/// an error it can be called again.
pub fn repair(database: impl AsRef<Path>) -> Result<RepairReport> {
    repair_on(&Host::os(), database.as_ref())
}

/// Repairs the database in a directory of the given host.
///
/// # Errors
/// As [`repair`].
pub fn repair_on(host: &Host, database: &Path) -> Result<RepairReport> {
    let _lock = lock(host, database)?;
    for dir in [database.join("wal"), database.join(Tier::Hot.directory())] {
        if !exists(host, &dir)? {
            host.files.create_dir_all(&dir).map_err(|error| Error::io("create", &dir, error))?;
            host.files.sync_dir(database).map_err(|error| Error::io("sync", database, error))?;
        }
    }
    let found = Found::look(host, database)?;
    if found.is_nothing() {
        return Ok(RepairReport::default());
    }
    Plan::make(host, database, found)?.carry_out()
}

/// Takes the lock, whose file may be lost too.
fn lock(host: &Host, database: &Path) -> Result<Box<dyn FileLock>> {
    let path = database.join(LOCK_FILE);
    refuse_unfinished_restore(host, database)?;
    if !exists(host, &path)? {
        let has_files = |name: &str| exists(host, &database.join(name));
        let has_wal = exists(host, &database.join("wal"))? && !wal_numbers(host, database)?.is_empty();
        let is_ours = has_wal
            || has_files(MANIFEST_FILE)?
            || has_files(CATALOG_FILE)?
            || has_files(JOURNAL_FILE)?
            || !segment_files(host, &find_places(host, database)?)?.is_empty();
        if !is_ours {
            let reason = format!("neither {LOCK_FILE} nor any other file of a database is there");
            return Err(Error::NotADatabase { path: database.to_path_buf(), reason });
        }
        match host.files.open(&path, OpenMode::CreateNew) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::io("create", &path, error));
            }
            _ => {}
        }
        host.files.sync_dir(database).map_err(|error| Error::io("sync", database, error))?;
    }
    take_lock(host, database, false, false)
}

fn exists(host: &Host, path: &Path) -> Result<bool> {
    host.files.exists(path).map_err(|error| Error::io("look for", path, error))
}

/// A file that says something of the whole.
enum State<T> {
    Sound(T),
    Missing,
    Damaged(String),
}

impl<T> State<T> {
    fn of(exists: bool, read: impl FnOnce() -> Result<T>) -> Result<State<T>> {
        if !exists {
            return Ok(State::Missing);
        }
        Ok(match only_damage(read())? {
            Ok(value) => State::Sound(value),
            Err(error) => State::Damaged(error.to_string()),
        })
    }

    fn sound(&self) -> Option<&T> {
        match self {
            State::Sound(value) => Some(value),
            _ => None,
        }
    }

    /// What is wrong with it.
    fn problem(&self, name: &str) -> Option<String> {
        match self {
            State::Sound(_) => None,
            State::Missing => Some(format!("{name} is missing")),
            State::Damaged(reason) => Some(reason.clone()),
        }
    }
}

/// The catalog as far as repair needs it.
struct CatalogFound {
    catalog: Catalog,
    counters: Counters,
    segments: Vec<SegmentMeta>,
}

/// What is there, apart from segments.
struct Found {
    manifest: State<Manifest>,
    catalog: State<CatalogFound>,
    journal: State<Vec<JournalRecord>>,
    /// Records of the journal, of a damaged one those that are whole.
    records: Vec<JournalRecord>,
    wal: Vec<WalFile>,
    identity: Option<u128>,
    has_segment_files: bool,
    places: Places,
    /// Files that are no segment's any longer, and what is noted of them.
    noted: Vec<(String, Option<FileState>)>,
}

impl Found {
    fn look(host: &Host, database: &Path) -> Result<Found> {
        let is_there = |name: &str| exists(host, &database.join(name));
        let mut manifest = State::of(is_there(MANIFEST_FILE)?, || Manifest::read(host, database))?;
        let mut catalog = State::of(is_there(CATALOG_FILE)?, || {
            let catalog = Catalog::open(&overlaid(host), database)?;
            Ok(CatalogFound { counters: catalog.counters(), segments: catalog.segments()?, catalog })
        })?;
        let journal = State::of(is_there(JOURNAL_FILE)?, || Ok(Journal::read(host, database)?.0))?;
        let records = match &journal {
            State::Sound(records) => records.clone(),
            State::Damaged(_) => only_damage(Journal::salvage(host, database))?.unwrap_or_default(),
            State::Missing => Vec::new(),
        };
        let mut wal = Vec::new();
        for number in wal_numbers(host, database)? {
            wal.push(WalFile::read(host, database, number)?);
        }
        let mut claims: Vec<u128> = Vec::new();
        claims.extend(catalog.sound().map(|found| found.catalog.identity().0));
        claims.extend(records.iter().find_map(|record| match record {
            JournalRecord::Created { identity, .. } => Some(identity.0),
            JournalRecord::Repaired { .. } | JournalRecord::Ledger(_) => None,
        }));
        claims.extend(manifest.sound().map(|manifest| manifest.identity.0));
        claims.extend(wal.iter().filter_map(|file| file.header.as_ref().ok()).map(|header| header.database));
        // What most files say; of equals the first.
        let votes = |identity: &u128| claims.iter().filter(|claim| *claim == identity).count();
        let identity = claims.iter().copied().rev().max_by_key(votes);
        let other = |name: &str| format!("{name} is of another database");
        if manifest.sound().is_some_and(|manifest| Some(manifest.identity.0) != identity) {
            manifest = State::Damaged(other(MANIFEST_FILE));
        }
        if catalog.sound().is_some_and(|found| Some(found.catalog.identity().0) != identity) {
            catalog = State::Damaged(other(CATALOG_FILE));
        }
        let ledger = fuller_ledger(catalog.sound().map(|found| &found.catalog), &records);
        let places = match tells_cold_directory(&ledger) {
            true => Places::new(database, ledger.cold_directory()),
            false => find_places(host, database)?,
        };
        if let (Some(cold), Some(identity)) = (&places.cold, identity)
            && !is_cold_there(host, &places, DatabaseId(identity))?
        {
            let reason = "the volume of the cold segments is not mounted; hint: mount it first".to_owned();
            return Err(Error::Unavailable { path: cold.clone(), reason });
        }
        let has_segment_files = !segment_files(host, &places)?.is_empty();
        let mut noted: Vec<(String, Option<FileState>)> = Vec::new();
        match (&catalog, &manifest) {
            (State::Sound(found), _) => {
                noted.extend(found.catalog.files()?.into_iter().map(|(file, state)| (file, Some(state))));
            }
            // What they were, and when they were retired, is no longer known: long ago will do.
            (_, State::Sound(manifest)) => noted.extend(
                manifest
                    .in_transition
                    .iter()
                    .map(|file| (file.clone(), Some(FileState::Retired { at_ns: 0 }))),
            ),
            _ => {}
        }
        Ok(Found { places, noted, manifest, catalog, journal, records, wal, identity, has_segment_files })
    }

    /// Whether there is nothing but a lock: the creation was interrupted, and the next open ends it.
    fn is_nothing(&self) -> bool {
        matches!(
            (&self.manifest, &self.catalog, &self.journal),
            (State::Missing, State::Missing, State::Missing)
        ) && self.wal.is_empty()
            && !self.has_segment_files
    }

    /// WAL files up to this number were sealed, as far as anyone says.
    fn sealed_wal(&self) -> Option<u64> {
        let catalog = self.catalog.sound().map(|found| found.counters.sealed_wal);
        catalog.max(self.manifest.sound().map(|manifest| manifest.sealed_wal))
    }

    /// The seq after the sealed ones, as far as anyone says.
    fn next_seq(&self) -> u64 {
        let catalog = self.catalog.sound().map_or(0, |found| found.counters.next_seq);
        catalog.max(self.manifest.sound().map_or(0, |manifest| manifest.next_seq))
    }

    /// What was decided and done, and where the cold segments are.
    fn ledger(&self, at_ns: i64) -> Ledger {
        let mut ledger = fuller_ledger(self.catalog.sound().map(|found| &found.catalog), &self.records);
        let cold = self.places.cold.as_ref().and_then(|path| path.to_str());
        if ledger.cold_directory() != cold {
            ledger.add(LedgerEntry {
                number: ledger.last_number() + 1,
                at_ns,
                actor: "repair".to_owned(),
                reason: format!("{MANIFEST_FILE} names it, and the entry that set it is lost"),
                change: Change::ColdDirectorySet(cold.map(str::to_owned)),
            });
        }
        ledger
    }

    fn generation(&self) -> u64 {
        let catalog = self.catalog.sound().map_or(0, |found| found.counters.generation);
        catalog.max(self.manifest.sound().map_or(0, |manifest| manifest.generation))
    }

    fn next_producer(&self) -> u32 {
        let catalog = self.catalog.sound().map_or(0, |found| found.counters.next_producer);
        catalog.max(self.manifest.sound().map_or(0, |manifest| manifest.next_producer))
    }

    /// The segments there should be.
    fn listed(&self) -> &[SegmentMeta] {
        match (&self.catalog, &self.manifest) {
            (State::Sound(found), _) => &found.segments,
            (_, State::Sound(manifest)) => &manifest.segments,
            _ => &[],
        }
    }

    /// WAL files that are not sealed.
    fn unsealed(&self) -> impl Iterator<Item = &WalFile> {
        let sealed_wal = self.sealed_wal().unwrap_or(0);
        self.wal.iter().filter(move |file| file.number.0 > sealed_wal)
    }
}

/// What is to be done.
struct Plan<'h> {
    host: &'h Host,
    database: &'h Path,
    found: Found,
    report: RepairReport,
    identity: DatabaseId,
    coverage: Coverage,
    kept: Vec<(SegmentMeta, Vec<RoutingFilter>)>,
    /// Damaged segments that can be opened.
    sources: Vec<Segment>,
    /// Files for the quarantine, with the reason.
    aside: Vec<(PathBuf, String)>,
    /// Of the newest segment.
    indexed: Option<Vec<String>>,
    next_segment: u64,
    wal_stays: bool,
    sealed_wal: u64,
    next_seq: u64,
    next_producer: u32,
    /// What nobody has recorded yet.
    new_gaps: Vec<Gap>,
    /// What was decided and done, as far as anything tells.
    ledger: Ledger,
}

impl<'h> Plan<'h> {
    fn make(host: &'h Host, database: &'h Path, found: Found) -> Result<Plan<'h>> {
        let identity = found.identity.map_or_else(|| DatabaseId::random(host), DatabaseId);
        let mut plan = Plan {
            host,
            database,
            report: RepairReport::default(),
            identity,
            coverage: Coverage::default(),
            kept: Vec::new(),
            sources: Vec::new(),
            aside: Vec::new(),
            indexed: None,
            next_segment: found.listed().iter().map(|meta| meta.id.0 + 1).max().unwrap_or(0),
            wal_stays: false,
            sealed_wal: 0,
            next_seq: 0,
            next_producer: 0,
            new_gaps: Vec::new(),
            ledger: found.ledger(host.clock.now_ns()),
            found,
        };
        if plan.found.identity.is_none() {
            plan.report.notes.push(
                "no file tells the identity of the database: it has a new one, and what a dead process left in \
                 shared memory is not found by it"
                    .to_owned(),
            );
        }
        for entry in plan.ledger.entries().iter().filter(|entry| entry.change == Change::Unreadable) {
            plan.report.notes.push(format!(
                "ledger entry {} cannot be read; if it placed a hold or set a policy, do so again",
                entry.number
            ));
        }
        let numbers: Vec<WalNumber> = plan.found.unsealed().map(|file| file.number).collect();
        let sealed_wal = plan.found.sealed_wal().unwrap_or(0);
        let anchor = plan.found.manifest.sound().and_then(|manifest| manifest.unsealed_anchor(sealed_wal));
        let recovered = only_damage(recover_directory(host, database, identity.0, &numbers, anchor))?;
        plan.judge_segments(recovered.as_ref().ok().map(|_| &numbers[..]).unwrap_or(&[]))?;
        plan.judge_wal(recovered);
        plan.salvage()?;
        plan.count()?;
        Ok(plan)
    }

    /// Decides on each file in the tiers' directories.
    fn judge_segments(&mut self, whole_wal: &[WalNumber]) -> Result<()> {
        let listed: HashSet<PathBuf> = self.found.listed().iter().map(SegmentMeta::relative_path).collect();
        let mut files = segment_files(self.host, &self.found.places)?;
        let is_noted = |relative: &Path| {
            self.found.noted.iter().any(|(file, _)| {
                let file = Path::new(file);
                relative == file || relative == file.with_extension("seg.tmp")
            })
        };
        files.retain(|relative| !is_noted(relative));
        files.sort();
        // Listed ones first: of segments with the same events they are the ones to keep.
        files.sort_by_key(|relative| !listed.contains(relative));
        for relative in &files {
            self.next_segment = self.next_segment.max(id_in_name(relative).map_or(0, |id| id + 1));
            if relative.extension().is_some_and(|extension| extension == "tmp") {
                self.aside.push((relative.clone(), "left unfinished by an interrupted seal".into()));
                continue;
            }
            match only_damage(open_segment(self.host, &self.found.places.file(relative)))? {
                Err(error) => self.aside.push((relative.clone(), error.to_string())),
                Ok(segment) => self.judge_segment(segment, relative, listed.contains(relative), whole_wal)?,
            }
        }
        for relative in listed.iter().filter(|relative| !files.contains(relative)) {
            self.report.notes.push(format!("{} is missing", relative.display()));
        }
        Ok(())
    }

    fn judge_segment(
        &mut self,
        segment: Segment,
        relative: &Path,
        is_listed: bool,
        whole_wal: &[WalNumber],
    ) -> Result<()> {
        let meta = segment.meta().clone();
        let what = describe(&meta);
        self.next_segment = self.next_segment.max(meta.id.0 + 1);
        let mut aside = |reason: String| self.aside.push((relative.to_path_buf(), reason));
        if !is_listed && whole_wal.contains(&WalNumber(meta.source_wal)) {
            aside("left by an interrupted seal; its events are in the WAL".into());
            return Ok(());
        }
        if self.ledger.tombstones().any(|(tombstone, _)| tombstone.segments.contains(&meta.id)) {
            aside(format!("deleted on purpose; its file was left by an interrupted deletion ({what})"));
            return Ok(());
        }
        let verified = only_damage(segment.verify())?.map_err(|error| error.to_string()).and_then(|()| {
            match meta.relative_path() == relative {
                true => Ok(()),
                false => Err(format!("it is {}, under another name", meta.relative_path().display())),
            }
        });
        if let Err(reason) = verified {
            aside(format!("{reason} ({what})"));
            self.sources.push(segment);
            return Ok(());
        }
        let mut own = Coverage::default();
        own.segment(&segment)?;
        let known = own.seqs.common(&self.coverage.seqs);
        if known > 0 {
            aside(format!("{known} of its events are in other segments ({what})"));
            if known < own.seqs.len() {
                self.sources.push(segment);
            }
            return Ok(());
        }
        self.coverage.segment(&segment)?;
        self.indexed = Some(segment.indexed_fields().map(str::to_owned).collect());
        self.kept.push((meta, segment.filters()?));
        Ok(())
    }

    /// Decides whether the WAL can stay as it is, and where recording goes on.
    fn judge_wal(&mut self, recovered: Result<RecoveredWal>) {
        let found = &self.found;
        let sealed = found.sealed_wal();
        let sources = self.kept.iter().map(|(meta, _)| meta.source_wal).max().unwrap_or(0);
        match recovered {
            Ok(recovered) => match recovered.files.first() {
                Some(first) => {
                    let first_seq = first.header.first_seq.0;
                    self.wal_stays = self.coverage.seqs.end() <= first_seq && found.next_seq() <= first_seq;
                    (self.sealed_wal, self.next_seq) = (first.header.number.0 - 1, first_seq);
                }
                None => {
                    self.wal_stays = true;
                    let created = found.unsealed().map(|file| file.number.0 - 1).max().unwrap_or(0);
                    self.sealed_wal = sealed.unwrap_or(created.max(sources));
                    self.next_seq = self.seqs_seen();
                }
            },
            Err(error) => self.report.notes.push(error.to_string()),
        }
        if !self.wal_stays {
            let standing = self.found.wal.iter().map(|file| file.number.0).max().unwrap_or(0);
            self.sealed_wal = sealed.unwrap_or(0).max(standing).max(sources);
            self.next_seq = self.seqs_seen();
        }
        let standing: Vec<(PathBuf, String)> = self
            .found
            .unsealed()
            .filter(|_| !self.wal_stays)
            .map(|file| {
                let reason = match (&file.header, file.damage.first()) {
                    (Err(error), _) => error.to_string(),
                    (_, Some(damage)) => {
                        format!("damaged at offset {}; what is readable is in segments", damage.start)
                    }
                    _ => "its events are in segments".to_owned(),
                };
                (Path::new("wal").join(format!("{}.wal", file.number)), reason)
            })
            .collect();
        self.aside.extend(standing);
    }

    /// The seq after every one that was ever given out, as far as any file tells.
    fn seqs_seen(&self) -> u64 {
        let found = &self.found;
        let listed = found.listed().iter().map(|meta| meta.seq_max + 1);
        let sources = self.sources.iter().map(|segment| segment.meta().seq_max.saturating_add(1));
        let wal = found.wal.iter().filter(|file| self.is_ours(file)).map(WalFile::next_seq);
        let recorded = found.records.iter().flat_map(|record| match record {
            JournalRecord::Repaired { gaps, .. } => &gaps[..],
            JournalRecord::Created { .. } | JournalRecord::Ledger(_) => &[],
        });
        let recorded = recorded.map(|gap| match gap {
            Gap::Seqs { end, .. } => *end,
            Gap::Producer { .. } | Gap::Unlocated { .. } => 0,
        });
        let deleted = self.ledger.tombstones().map(|(tombstone, _)| tombstone.seq_max.saturating_add(1));
        let seen = listed.chain(sources).chain(wal).chain(recorded).chain(deleted).max().unwrap_or(0);
        let anchored =
            found.manifest.sound().and_then(|manifest| manifest.wal).map_or(0, |anchor| anchor.next_seq);
        seen.max(found.next_seq()).max(self.coverage.seqs.end()).max(anchored)
    }

    fn is_ours(&self, file: &WalFile) -> bool {
        file.header.as_ref().map_or(true, |header| header.database == self.identity.0)
    }

    /// Builds segments of what would be lost otherwise.
    fn salvage(&mut self) -> Result<()> {
        let options = options_like(self.found.manifest.sound(), self.indexed.as_deref());
        let mut salvage = Salvage::new(self.host, self.database, options, self.next_segment, self.sealed_wal);
        // Sealed files still stand after a crash; where their segments are damaged, they are the better source.
        let sealed_wal = self.found.sealed_wal().unwrap_or(0);
        let files: Vec<&WalFile> = self
            .found
            .wal
            .iter()
            .filter(|file| self.is_ours(file) && (!self.wal_stays || file.number.0 <= sealed_wal))
            .collect();
        salvage.take_wal(&files, &mut self.coverage)?;
        for segment in &self.sources {
            let unreadable = salvage.take_segment(segment, &mut self.coverage)?;
            if unreadable > 0 {
                let meta = segment.meta();
                self.report.unreadable_rows += unreadable;
                self.report.notes.push(format!("{unreadable} rows are unreadable: {}", describe(meta)));
            }
        }
        salvage.finish()?;
        self.report.salvaged_events = salvage.events;
        if salvage.without_defaults > 0 {
            self.report.notes.push(format!(
                "{} events lack what their recorder said once of all its events (strategy, service, session)",
                salvage.without_defaults
            ));
        }
        self.report.notes.extend(salvage.refused.drain(..).map(|refused| format!("not taken: {refused}")));
        self.next_segment = salvage.next_segment();
        self.kept.append(&mut salvage.built);
        self.kept.sort_by_key(|(meta, _)| meta.id);
        Ok(())
    }

    /// Counts what there is after all, and what is missing.
    fn count(&mut self) -> Result<()> {
        let mut end = self.next_seq;
        let mut producers = self.found.next_producer();
        for file in self.found.wal.iter().filter(|file| self.is_ours(file)) {
            let of_frames = file.frames.iter().filter(|frame| frame.kind == FrameKind::Producer);
            producers =
                producers.max(of_frames.map(|frame| frame.producer.0.saturating_add(1)).max().unwrap_or(0));
            // Recorders may have been introduced where it is unreadable; their numbers are not given out again.
            if !self.wal_stays {
                let unreadable: u64 = file.damage.iter().map(|run| run.end - run.start).sum();
                let introduced = unreadable / FRAME_HEADER_BYTES as u64;
                producers = producers.saturating_add(u32::try_from(introduced).unwrap_or(u32::MAX));
            }
        }
        if self.wal_stays {
            let unsealed: Vec<&WalFile> = self.found.unsealed().collect();
            for file in unsealed {
                let end_of_file = file.damage.first().map_or(u64::MAX, |torn| torn.start);
                for frame in file.events().filter(|frame| frame.offset < end_of_file) {
                    for (seq, record) in frame.records(&file.bytes).flatten() {
                        self.coverage.record(seq, frame.producer.0, &record);
                    }
                }
            }
            end = end.max(self.coverage.seqs.end());
        }
        for (tombstone, _) in self.ledger.tombstones() {
            let last = tombstone.producers.iter().map(|span| span.producer.saturating_add(1)).max();
            producers = producers.max(last.unwrap_or(0));
            let segment = tombstone.segments.iter().map(|id| id.0 + 1).max();
            self.next_segment = self.next_segment.max(segment.unwrap_or(0));
        }
        self.next_producer = producers.max(self.coverage.next_producer());
        self.report.segments = self.kept.len() as u64;
        self.report.events = self.coverage.seqs.len();
        let gaps = self.coverage.gaps(end);
        let explained = explain(&gaps, &self.found.records, &self.ledger);
        if explained.undead > 0 {
            self.report
                .notes
                .push(format!("{} events are there that tombstones call deleted", explained.undead));
        }
        self.report.gaps = explained.unknown.iter().chain(&explained.known).copied().collect();
        self.new_gaps = explained.unknown;
        for repeated in &self.coverage.repeated {
            self.report.notes.push(format!("{repeated} is there more than once"));
        }
        Ok(())
    }

    /// Whether the catalog says what it should, filters included.
    fn catalog_stays(&self, planned: &Manifest) -> Result<bool> {
        let Some(found) = self.found.catalog.sound() else { return Ok(false) };
        let says = (found.counters.sealed_wal, found.counters.next_seq, &found.segments);
        let ledger_is_whole = found.catalog.ledger().last_number() == self.ledger.last_number();
        if says != (planned.sealed_wal, planned.next_seq, &planned.segments) || !ledger_is_whole {
            return Ok(false);
        }
        for (meta, filters) in &self.kept {
            for filter in filters {
                let known = only_damage(found.catalog.filter(meta.id, &filter.field))?;
                if known.ok().flatten().as_ref() != Some(&filter.bytes) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn carry_out(mut self) -> Result<RepairReport> {
        let default_fields =
            || options_like(None, None).indexed.iter().map(|f| f.name().to_owned()).collect();
        let known = self.found.manifest.sound();
        let mut planned = Manifest {
            identity: self.identity,
            generation: self.found.generation() + 1,
            indexed_fields: known
                .map(|manifest| manifest.indexed_fields.clone())
                .or(self.indexed.clone())
                .unwrap_or_else(default_fields),
            sealed_wal: self.sealed_wal,
            next_seq: self.next_seq,
            next_producer: self.next_producer,
            segments: self.kept.iter().map(|(meta, _)| meta.clone()).collect(),
            in_transition: self.found.noted.iter().map(|(file, _)| file.clone()).collect(),
            cold_directory: self.ledger.cold_directory().map(str::to_owned),
            wal: known.and_then(|manifest| manifest.wal).filter(|_| self.wal_stays),
        };
        let catalog_stays = self.catalog_stays(&planned)?;
        if let (true, Some(found)) = (catalog_stays, self.found.catalog.sound()) {
            planned.generation = found.counters.generation;
            planned.next_producer = found.counters.next_producer;
        }
        // One that a repair before wrote is of the generation that the rebuilt catalog gets; no rebuilt one has 0.
        let manifest_stays = known.is_some_and(|known| {
            let same_generation =
                if catalog_stays { known.generation == planned.generation } else { known.generation > 0 };
            let says = |manifest: &Manifest| {
                let Manifest { sealed_wal, next_seq, wal, .. } = *manifest;
                let Manifest { segments, in_transition, cold_directory, .. } = manifest.clone();
                (sealed_wal, next_seq, segments, wal, in_transition, cold_directory)
            };
            same_generation && says(known) == says(&planned)
        });
        if let (true, Some(known)) = (manifest_stays, known) {
            planned.generation = known.generation;
        }
        let journal_stays = self.found.journal.sound().is_some() && self.new_gaps.is_empty();
        if catalog_stays && manifest_stays && journal_stays && self.aside.is_empty() {
            return Ok(self.report);
        }
        self.write_journal(catalog_stays, manifest_stays)?;
        if !manifest_stays {
            if matches!(self.found.manifest, State::Damaged(_)) {
                self.keep_copy(MANIFEST_FILE)?;
            }
            planned.write(self.host, self.database)?;
            self.report.rewritten.push(MANIFEST_FILE);
        }
        if !self.wal_stays {
            self.settle_rings()?;
        }
        for (relative, reason) in std::mem::take(&mut self.aside) {
            let kept_as = set_aside(self.host, &self.found.places, &relative)?;
            self.report.quarantined.push(Quarantined { path: relative, kept_as, reason });
        }
        if !catalog_stays {
            self.rebuild_catalog(&planned)?;
        }
        Ok(self.report)
    }

    fn keep_copy(&mut self, name: &str) -> Result<()> {
        let kept_as = keep_copy(self.host, self.database, Path::new(name))?;
        let reason = "a copy of what was there".to_owned();
        self.report.quarantined.push(Quarantined { path: name.into(), kept_as, reason });
        Ok(())
    }

    fn created_at_ns(&self) -> i64 {
        let journal = self.found.records.iter().find_map(|record| match record {
            JournalRecord::Created { at_ns, .. } => Some(*at_ns),
            JournalRecord::Repaired { .. } | JournalRecord::Ledger(_) => None,
        });
        let catalog = self.found.catalog.sound().map(|found| found.catalog.created_at_ns());
        catalog.or(journal).unwrap_or_else(|| self.host.clock.now_ns())
    }

    /// Records the repair and what it could not save.
    fn write_journal(&mut self, catalog_stays: bool, manifest_stays: bool) -> Result<()> {
        let found = &self.found;
        let mut reasons: Vec<String> = Vec::new();
        reasons.extend(found.catalog.problem(CATALOG_FILE));
        reasons.extend(found.manifest.problem(MANIFEST_FILE));
        reasons.extend(found.journal.problem(JOURNAL_FILE));
        reasons.extend(self.report.notes.iter().cloned());
        reasons.extend(self.aside.iter().map(|(path, reason)| format!("{}: {reason}", path.display())));
        if reasons.is_empty() {
            let stale = [(catalog_stays, CATALOG_FILE), (manifest_stays, MANIFEST_FILE)];
            reasons.extend(
                stale.iter().filter(|(stays, _)| !stays).map(|(_, name)| format!("{name} was out of date")),
            );
        }
        let mut reason = reasons.join("; ");
        if reason.len() > REASON_BYTES_MAX {
            let cut = (0..=REASON_BYTES_MAX).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or(0);
            reason.truncate(cut);
            reason.push_str(" ...");
        }
        let at_ns = self.host.clock.now_ns();
        let mut chunks: Vec<Vec<Gap>> =
            self.new_gaps.chunks(GAPS_PER_RECORD_MAX).map(<[Gap]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        let repaired =
            chunks.into_iter().map(|gaps| JournalRecord::Repaired { at_ns, reason: reason.clone(), gaps });
        if found.journal.sound().is_some() {
            let (journal, _, _) = Journal::open(self.host, self.database)?;
            return repaired.into_iter().try_for_each(|record| journal.append(&record));
        }
        let mut records = found.records.clone();
        if !records.iter().any(|record| matches!(record, JournalRecord::Created { .. })) {
            let created = JournalRecord::Created { identity: self.identity, at_ns: self.created_at_ns() };
            records.insert(0, created);
        }
        records.extend(repaired);
        if matches!(found.journal, State::Damaged(_)) {
            self.keep_copy(JOURNAL_FILE)?;
        }
        Journal::create_with(self.host, self.database, &records)?;
        self.report.rewritten.push(JOURNAL_FILE);
        Ok(())
    }

    /// What a dead process left in shared memory is taken over by the next open, which asks the WAL how much of it
    /// was written. With the WAL gone, the rings have to say so.
    fn settle_rings(&self) -> Result<()> {
        let lock = self.database.join(LOCK_FILE);
        let identity =
            self.host.files.file_identity(&lock).map_err(|error| Error::io("identify", &lock, error))?;
        let owner = RingOwner { database: self.identity.0, lock_identity: identity };
        let rings = FoundRings::of(self.host, owner)?.rings;
        if rings.is_empty() {
            return Ok(());
        }
        let mut written = WrittenCounts::default();
        for file in self.found.wal.iter().filter(|file| self.is_ours(file)) {
            for frame in file.events() {
                for (_, record) in frame.records(&file.bytes).flatten() {
                    written.note(frame.producer, &record);
                }
            }
        }
        for ring in rings {
            ring.release(ring.head(), ring.settled_pseq().max(written.of(ring.producer())));
        }
        Ok(())
    }

    fn rebuild_catalog(&mut self, planned: &Manifest) -> Result<()> {
        let created_at_ns = self.created_at_ns();
        let reason = self.found.catalog.problem(CATALOG_FILE);
        if !matches!(self.found.catalog, State::Missing) {
            let relative = PathBuf::from(CATALOG_FILE);
            let kept_as = set_aside(self.host, &self.found.places, &relative)?;
            let reason = reason.unwrap_or_else(|| "it does not match the files".into());
            self.report.quarantined.push(Quarantined { path: relative, kept_as, reason });
        }
        let seal = SealCommit {
            segments: &self.kept,
            sealed_wal: planned.sealed_wal,
            next_seq: Seq(planned.next_seq),
            next_producer: planned.next_producer,
        };
        let seen = planned.generation - 1;
        Catalog::rebuild(
            self.host,
            self.database,
            self.identity,
            created_at_ns,
            seen,
            self.next_segment,
            &seal,
            self.ledger.entries(),
            &self.found.noted,
        )?;
        self.report.rewritten.push(CATALOG_FILE);
        Ok(())
    }
}

/// What was decided and done: what the catalog knows, or the journal, whoever knows more.
pub(super) fn fuller_ledger(catalog: Option<&Catalog>, journal: &[JournalRecord]) -> Ledger {
    let journal = Ledger::salvaged(journal.iter().cloned().filter_map(JournalRecord::into_entry));
    match catalog.map(Catalog::ledger) {
        Some(ledger) if ledger.last_number() >= journal.last_number() => Ledger::clone(&ledger),
        _ => journal,
    }
}

/// Whether a ledger is whole enough to tell where cold segments are. One without an entry may be lost.
fn tells_cold_directory(ledger: &Ledger) -> bool {
    let is_about_it = |change: &&Change| matches!(change, Change::ColdDirectorySet(_) | Change::Unreadable);
    let mut changes = ledger.entries().iter().rev().map(|entry| &entry.change);
    let last = changes.find(is_about_it);
    !ledger.entries().is_empty() && last.is_none_or(|change| *change != Change::Unreadable)
}

/// The segment id in a file name.
pub(super) fn id_in_name(relative: &Path) -> Option<u64> {
    let name = relative.file_name()?.to_str()?;
    let stem = name.strip_suffix(".tmp").unwrap_or(name).strip_suffix(".seg")?;
    u64::from_str_radix(stem.rsplit_once('-')?.1, 16).ok().filter(|id| *id < u64::MAX)
}
