//! Opening a database for writing: lock, catalog, WAL, rings, in this order. `docs/recovery.md` lists the cases.
//!
//! ```text
//! LOCK ─▶ catalog (or a new one) ─▶ segments against directories ─▶ WAL: cut the torn tail ─▶ rings of the
//!   dead: into the WAL, synced, removed ─▶ MANIFEST ─▶ sealed WAL files removed
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::catalog::ledger::{By, Ledger};
use crate::catalog::{Catalog, DatabaseId, FileState, Journal, JournalRecord, Manifest, Swap};
use crate::control::{self, Request};
use crate::error::{Error, Result};
use crate::event::{FieldKey, ProducerId, Seq};
use crate::lock::{LOCK_FILE, RESTORING_FILE, holder, holder_yields, note_holder};
use crate::maintain::publish::Publisher;
use crate::maintain::quarantine::keep_copy;
use crate::maintain::seal::{Sealer, remove_if_there};
use crate::options::Options;
use crate::record::{RingRegistry, Writer, WriterOptions};
use crate::ring::{FoundRings, RingOwner, WrittenCounts};
use crate::routing::CatalogFilters;
use crate::segment::{Places, Segment, SegmentOptions, Tier};
use crate::vfs::{FileLock, Host, OpenMode};
use crate::view::{FilterSource, SegmentHandle, Version, Versions, WalTail};
use crate::wal::{FrameKind, RecoveredWal, WalAppender, WalNumber, recover_directory, wal_numbers};

/// A reader that looks whether the owner lives holds the lock for an instant.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// How long a process that yields is given to take the request: it may still be opening the database.
const YIELD_CLAIM_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it is then given to end: a merge ends within a block of rows, or with the segment that it is finishing.
const YIELDED_LOCK_ATTEMPTS: u32 = 3000;

/// What was found and done when a database was opened.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The torn tail that was cut off the newest WAL file: its path, offset, and bytes.
    pub torn_tail: Option<(PathBuf, u64, u64)>,
    /// Events that a dead process had accepted and not yet written, now in the WAL.
    pub taken_over: u64,
    /// Rings that could not be read, and why. They are left where they are.
    pub unreadable_rings: Vec<Error>,
    /// Files of an interrupted seal that were removed; their events are in the WAL.
    pub removed: Vec<PathBuf>,
}

/// Everything that an open database starts from.
pub(crate) struct Opened {
    pub(crate) lock: Box<dyn FileLock>,
    pub(crate) owner: RingOwner,
    pub(crate) session: u64,
    pub(crate) versions: Arc<Versions>,
    pub(crate) filters: Arc<dyn FilterSource>,
    pub(crate) writer: Writer,
    pub(crate) sealer: Sealer,
    pub(crate) publisher: Arc<Mutex<Publisher>>,
    pub(crate) next_producer: u32,
    /// The fields indexed from now on.
    pub(crate) indexed: Vec<FieldKey>,
    pub(crate) recovery: Recovery,
}

impl Opened {
    pub(crate) fn open(
        host: &Host,
        database: &Path,
        options: &Options,
        registry: &Arc<RingRegistry>,
        finished: Sender<WalNumber>,
    ) -> Result<Opened> {
        // Without threads nobody would answer.
        let asks = options.threads && !options.yields;
        let lock = take_lock(host, database, options.create, asks)?;
        let lock_path = database.join(LOCK_FILE);
        let session = host.random.next_u64();
        note_holder(host, &lock_path, session, options.yields)?;
        let lock_identity =
            host.files.file_identity(&lock_path).map_err(|error| Error::io("identify", &lock_path, error))?;
        let catalog = Arc::new(open_or_create_catalog(host, database, options.create)?);
        let counters = catalog.counters();
        let identity = catalog.identity().0;
        let mut recovery = Recovery::default();

        let all_numbers = wal_numbers(host, database)?;
        let (sealed_numbers, numbers): (Vec<_>, Vec<_>) =
            all_numbers.iter().partition(|number| number.0 <= counters.sealed_wal);
        // A manifest that cannot be read is written anew; until then it proves nothing.
        let anchor = Manifest::read(host, database)
            .ok()
            .and_then(|manifest| manifest.unsealed_anchor(counters.sealed_wal));
        let wal = recover_directory(host, database, identity, &numbers, anchor)?;
        check_continues(database, &wal, counters.sealed_wal, Seq(counters.next_seq))?;
        let segments = catalog.segments()?;
        let mut known: HashSet<PathBuf> = segments.iter().map(|meta| meta.relative_path()).collect();
        let places = Places::new(database, catalog.ledger().cold_directory());
        // Whatever is wrong with the volume of cold segments, recording has to start; who asks for them is told.
        let cold_is_there = is_cold_there(host, &places, catalog.identity()).unwrap_or(false);
        let Unfinished { removed, forgotten } = remove_unfinished(host, &places, &catalog, cold_is_there)?;
        recovery.removed = removed;
        if !forgotten.is_empty() {
            catalog.commit_swap(&Swap { files: &forgotten, ..Swap::default() })?;
        }
        // Those of replaced segments stay for a while, for the sake of who reads them.
        known.extend(catalog.files()?.into_iter().map(|(file, _)| PathBuf::from(file)));
        recovery.removed.extend(remove_interrupted_seals(
            host,
            &places,
            cold_is_there,
            &known,
            &all_numbers,
        )?);
        remove_empty(host, &wal)?;
        recovery.torn_tail = cut_torn_tail(host, database, &wal)?;

        let owner = RingOwner { database: identity, lock_identity };
        let found = FoundRings::of(host, owner)?;
        let in_wal =
            wal.files.iter().flat_map(|file| &file.frames).filter(|frame| frame.kind == FrameKind::Producer);
        let highest = in_wal.map(|frame| frame.producer.0).chain(found.highest_producer()).max();
        let own = ProducerId(counters.next_producer.max(highest.map_or(0, |producer| producer + 1)));
        let FoundRings { rings, unfinished, unusable } = found;
        recovery.unreadable_rings = unusable.into_iter().map(|(_, error)| error).collect();
        for name in unfinished {
            host.memory
                .remove(&name)
                .map_err(|error| Error::io("remove the shared memory", name.as_ref(), error))?;
        }
        let written = if rings.is_empty() { WrittenCounts::default() } else { WrittenCounts::of_wal(&wal)? };

        let appender =
            open_appender(host, database, identity, &wal, counters.sealed_wal, Seq(counters.next_seq))?;
        let versions = Arc::new(first_version(host, &places, segments, &wal, &appender));
        let writer_options = WriterOptions {
            wal_bytes_max: options.wal_bytes_max,
            wal_age_max_ns: i64::try_from(options.wal_age_max.as_nanos()).unwrap_or(i64::MAX),
        };
        let mut writer = Writer::new(
            host,
            writer_options,
            appender,
            own,
            Arc::clone(registry),
            Arc::clone(&versions),
            finished,
        )?;
        if !rings.is_empty() {
            let before = writer.next_seq();
            for ring in rings {
                let in_wal = written.of(ring.producer());
                writer.adopt(Arc::new(ring), in_wal);
            }
            while writer.step()? == crate::record::Step::Wrote {}
            writer.sync().sync_to(writer.written_position())?;
            recovery.taken_over = writer.next_seq().0 - before.0;
            recovery.unreadable_rings.extend(writer.take_ring_damage());
        }

        let indexed = indexed_fields(host, database, options);
        let mut publisher =
            Publisher::new(host, database, Arc::clone(&catalog), Arc::clone(&versions), indexed.clone());
        let mut told = publisher.settle().and_then(|()| publisher.publish(writer.durable_anchor()));
        if told.as_ref().is_err_and(Error::is_for_want_of_room) {
            // Files that only wait for readers to be done with them take the room that is needed to tell of it.
            remove_retired_files(host, &places, &catalog)?;
            told = publisher.settle().and_then(|()| publisher.publish(writer.durable_anchor()));
        }
        told?;
        let publisher = Arc::new(Mutex::new(publisher));
        let sealer = Sealer {
            host: host.clone(),
            database: database.to_path_buf(),
            publisher: Arc::clone(&publisher),
            versions: Arc::clone(&versions),
            options: SegmentOptions {
                indexed: indexed.clone(),
                block_rows: options.block_rows,
                ..SegmentOptions::default()
            },
            retiring: sealed_numbers,
            abandoned: Vec::new(),
        };
        let filters: Arc<dyn FilterSource> = Arc::new(CatalogFilters::new(catalog));
        Ok(Opened {
            lock,
            owner,
            session,
            versions,
            filters,
            writer,
            sealer,
            publisher,
            next_producer: own.0 + 1,
            indexed,
            recovery,
        })
    }
}

/// The fields asked for, and those that were indexed before: an open that does not name a field must not end its
/// index. A manifest that cannot be read is written anew, with what is asked for.
fn indexed_fields(host: &Host, database: &Path, options: &Options) -> Vec<FieldKey> {
    let mut indexed = options.indexed.clone();
    let before = Manifest::read(host, database).map(|manifest| manifest.indexed_fields).unwrap_or_default();
    for field in before.iter().map(|name| FieldKey::new(name)) {
        if !indexed.contains(&field) {
            indexed.push(field);
        }
    }
    indexed
}

/// Takes the lock of a database; `asks` is whether a holder that yields is asked to.
pub(crate) fn take_lock(host: &Host, database: &Path, create: bool, asks: bool) -> Result<Box<dyn FileLock>> {
    let files = &host.files;
    let path = database.join(LOCK_FILE);
    let exists = |path: &Path| files.exists(path).map_err(|error| Error::io("look for", path, error));
    if !exists(&path)? {
        if !create {
            let reason = format!("{LOCK_FILE} is missing; hint: check the path, or record into it first");
            return Err(Error::NotADatabase { path: database.to_path_buf(), reason });
        }
        refuse_foreign_directory(host, database)?;
        let parents = missing_parents(host, database)?;
        for dir in [database.join("wal"), database.join(Tier::Hot.directory())] {
            files.create_dir_all(&dir).map_err(|error| Error::io("create", &dir, error))?;
        }
        match files.open(&path, OpenMode::CreateNew) {
            Ok(_) => {}
            // Another process was faster; the lock decides between us.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", &path, error)),
        }
        for dir in std::iter::once(database).chain(parents.iter().map(PathBuf::as_path)) {
            files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
        }
    }
    if let Some(lock) = try_lock(host, &path, LOCK_ATTEMPTS)? {
        return Ok(lock);
    }
    if asks
        && holder_yields(host, &path)
        && has_yielded(host, database)
        && let Some(lock) = try_lock(host, &path, YIELDED_LOCK_ATTEMPTS)?
    {
        return Ok(lock);
    }
    Err(Error::Locked { path: database.to_path_buf(), holder: holder(host, &path) })
}

fn try_lock(host: &Host, path: &Path, attempts: u32) -> Result<Option<Box<dyn FileLock>>> {
    for attempt in 0..attempts {
        if let Some(lock) = host.files.try_lock(path).map_err(|error| Error::io("lock", path, error))? {
            return Ok(Some(lock));
        }
        if attempt + 1 < attempts {
            std::thread::sleep(LOCK_PAUSE);
        }
    }
    Ok(None)
}

/// Asks whoever holds the lock to give it up; whether that is to be expected.
fn has_yielded(host: &Host, database: &Path) -> bool {
    let by = By::new("engine", "it opens the database to record");
    let answer = control::ask(host, database, &Request::Yield, &by, YIELD_CLAIM_TIMEOUT, &mut |_| {});
    // Where nobody is left, it has ended by itself.
    matches!(answer, Ok(_) | Err(Error::NoOwner { .. }))
}

/// The directories above `database` that get a new name by its creation: from its parent up to the first that
/// exists already.
fn missing_parents(host: &Host, database: &Path) -> Result<Vec<PathBuf>> {
    let mut parents = Vec::new();
    for parent in database.ancestors().skip(1) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        parents.push(parent.to_path_buf());
        if host.files.exists(parent).map_err(|error| Error::io("look for", parent, error))? {
            break;
        }
    }
    Ok(parents)
}

/// A directory that holds other things than a database is left alone.
fn refuse_foreign_directory(host: &Host, database: &Path) -> Result<()> {
    let exists = host.files.exists(database).map_err(|error| Error::io("look for", database, error))?;
    if !exists {
        return Ok(());
    }
    let entries = host.files.read_dir(database).map_err(|error| Error::io("list", database, error))?;
    // A database whose creation was interrupted has these and no lock yet.
    let foreign =
        entries.iter().find(|entry| !(entry.is_dir && ["wal", "hot"].contains(&entry.name.as_str())));
    match foreign {
        None => Ok(()),
        Some(entry) => {
            let is_ours = [crate::catalog::CATALOG_FILE, crate::catalog::JOURNAL_FILE, "MANIFEST"];
            let hint = if entries.iter().any(|entry| entry.name == RESTORING_FILE) {
                "a restore into it was interrupted; run it again, or remove the directory"
            } else if is_ours.iter().any(|name| entries.iter().any(|entry| entry.name == *name)) {
                "a database that lost it is mended by `blotter repair`"
            } else {
                "give an empty or a new directory"
            };
            let reason = format!("it has no {LOCK_FILE}, but a '{}'; hint: {hint}", entry.name);
            Err(Error::NotADatabase { path: database.to_path_buf(), reason })
        }
    }
}

fn open_or_create_catalog(host: &Host, database: &Path, create: bool) -> Result<Catalog> {
    let path = database.join(crate::catalog::CATALOG_FILE);
    let exists = host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))?;
    let has_journal = host
        .files
        .exists(&database.join(crate::catalog::JOURNAL_FILE))
        .map_err(|error| Error::io("look for", database, error))?;
    // Before the journal there is nothing to lose; with it, a missing catalog is a loss that `open` names.
    if exists || has_journal || !create || !is_unused(host, database)? {
        let catalog = Catalog::open(host, database)?;
        if !has_journal {
            create_journal(host, database, &catalog)?;
        }
        return Ok(catalog);
    }
    let catalog = Catalog::create(host, database, DatabaseId::random(host))?;
    create_journal(host, database, &catalog)?;
    Ok(catalog)
}

fn create_journal(host: &Host, database: &Path, catalog: &Catalog) -> Result<()> {
    let created = JournalRecord::Created { identity: catalog.identity(), at_ns: catalog.created_at_ns() };
    Journal::create(host, database, &created).map(drop)
}

/// Whether the directories hold no event.
pub(crate) fn is_unused(host: &Host, database: &Path) -> Result<bool> {
    let places = Places::new(database, None);
    Ok(wal_numbers(host, database)?.is_empty() && segment_files(host, &places)?.is_empty())
}

/// Says whose cold segments a directory of its own holds, and that its volume is mounted.
pub(crate) const COLD_MARKER_FILE: &str = "BLOTTER-COLD";
pub(crate) const COLD_MARKER_NEW_FILE: &str = "BLOTTER-COLD.tmp";

/// Files in the tiers' directories, relative to the database.
pub(crate) fn segment_files(host: &Host, places: &Places) -> Result<Vec<PathBuf>> {
    files_of_tiers(host, places, &Tier::ALL)
}

fn files_of_tiers(host: &Host, places: &Places, tiers: &[Tier]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for tier in tiers.iter().copied() {
        let tier_dir = places.tier(tier);
        if !host.files.exists(&tier_dir).map_err(|error| Error::io("look for", &tier_dir, error))? {
            continue;
        }
        for day in host.files.read_dir(&tier_dir).map_err(|error| Error::io("list", &tier_dir, error))? {
            let dir = tier_dir.join(&day.name);
            // A volume of its own may have a directory for what its file system found.
            if [COLD_MARKER_FILE, COLD_MARKER_NEW_FILE, "lost+found"].contains(&&*day.name)
                && tier == Tier::Cold
            {
                continue;
            }
            if !day.is_dir {
                found.push(Path::new(tier.directory()).join(&day.name));
                continue;
            }
            let entries = host.files.read_dir(&dir).map_err(|error| Error::io("list", &dir, error))?;
            found.extend(
                entries.into_iter().map(|entry| Path::new(tier.directory()).join(&day.name).join(entry.name)),
            );
        }
    }
    Ok(found)
}

/// The WAL must go on where the segments end.
pub(crate) fn check_continues(
    database: &Path,
    wal: &RecoveredWal,
    sealed_wal: u64,
    next_seq: Seq,
) -> Result<()> {
    let Some(first) = wal.files.first() else { return Ok(()) };
    if first.header.number.0 == sealed_wal + 1 && first.header.first_seq == next_seq {
        return Ok(());
    }
    let path = first.header.number.path(database);
    let expected =
        format!("file {} with seq {next_seq} first, after the sealed ones", WalNumber(sealed_wal + 1));
    let found = format!("file {} with seq {}", first.header.number, first.header.first_seq);
    Err(Error::damaged(
        &path,
        32,
        expected,
        found,
        "a WAL file is missing: restore it, or run `blotter repair`",
    ))
}

/// What was left of files that were being written.
pub(crate) struct Unfinished {
    /// Files that were there and are removed.
    pub(crate) removed: Vec<PathBuf>,
    /// Notes that have to be forgotten.
    pub(crate) forgotten: Vec<(String, Option<FileState>)>,
}

/// Removes what a merge was writing when it was interrupted.
pub(crate) fn remove_unfinished(
    host: &Host,
    places: &Places,
    catalog: &Catalog,
    cold_is_there: bool,
) -> Result<Unfinished> {
    let (mut removed, mut forgotten) = (Vec::new(), Vec::new());
    for (file, state) in catalog.files()? {
        let relative = Path::new(&file);
        // What cannot be looked at now is removed by the open that finds its volume.
        let is_away = relative.starts_with(Tier::Cold.directory()) && !cold_is_there;
        if state != FileState::Writing || is_away {
            continue;
        }
        let path = places.file(relative);
        for path in [path.with_extension("seg.tmp"), path] {
            if host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))? {
                host.files.remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
                let dir = path.parent().expect("a segment lies in its day's directory");
                host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
                removed.push(relative.to_path_buf());
            }
        }
        forgotten.push((file, None));
    }
    Ok(Unfinished { removed, forgotten })
}

/// Removes the files of replaced and deleted segments, whatever their age. Their notes go when there is room again.
fn remove_retired_files(host: &Host, places: &Places, catalog: &Catalog) -> Result<()> {
    for (file, state) in catalog.files()? {
        let path = places.file(Path::new(&file));
        if matches!(state, FileState::Retired { .. }) {
            remove_if_there(host, &path)?;
        }
    }
    Ok(())
}

/// Whether the directory of cold segments can be used: it is the database's own, or its marker is there.
///
/// # Errors
/// [`Error::Foreign`] if the marker is of another database.
pub(crate) fn is_cold_there(host: &Host, places: &Places, identity: DatabaseId) -> Result<bool> {
    let Some(cold) = &places.cold else { return Ok(true) };
    let path = cold.join(COLD_MARKER_FILE);
    let file = match host.files.open(&path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("open", &path, error)),
    };
    let mut bytes = [0; 32];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(Error::io("read", &path, error)),
    }
    if bytes == *identity.to_string().as_bytes() {
        return Ok(true);
    }
    Err(Error::Foreign {
        path,
        kind: "cold directory marker of this database",
        found: format!("'{}'", bytes.escape_ascii()),
    })
}

/// Where the segments of a database are, as far as the manifest, or the journal, tells.
pub(crate) fn find_places(host: &Host, database: &Path) -> Result<Places> {
    if let Ok(manifest) = Manifest::read(host, database) {
        return Ok(Places::new(database, manifest.cold_directory.as_deref()));
    }
    let has_journal = host.files.exists(&database.join(crate::catalog::JOURNAL_FILE));
    if !has_journal.map_err(|error| Error::io("look for", database, error))? {
        return Ok(Places::new(database, None));
    }
    let ledger =
        Ledger::salvaged(Journal::salvage(host, database)?.into_iter().filter_map(JournalRecord::into_entry));
    Ok(Places::new(database, ledger.cold_directory()))
}

/// Removes segments that were written and not committed. The WAL file they were made from is still there, as it
/// goes last; where it is not, nothing is removed and the catalog is the one in the wrong.
fn remove_interrupted_seals(
    host: &Host,
    places: &Places,
    cold_is_there: bool,
    known: &HashSet<PathBuf>,
    present: &[WalNumber],
) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    // What is mounted in place of the cold volume, or below it, is not ours to touch.
    let tiers: Vec<Tier> =
        Tier::ALL.into_iter().filter(|tier| cold_is_there || *tier != Tier::Cold).collect();
    for relative in files_of_tiers(host, places, &tiers)? {
        let is_temporary = relative.extension().is_some_and(|extension| extension == "tmp");
        let is_ours = is_temporary || relative.extension().is_some_and(|extension| extension == "seg");
        // A stray file is for `verify` to name, not for recording to stop at.
        if known.contains(&relative) || !is_ours {
            continue;
        }
        let path = places.file(&relative);
        if !is_temporary {
            let source = source_wal(host, &path)?;
            if !present.contains(&source) {
                let reason =
                    format!("segment {} is not in it, and its WAL file {source} is gone", relative.display());
                return Err(Error::CatalogMismatch { path: places.database.clone(), reason });
            }
        }
        host.files.remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
        removed.push(relative);
    }
    Ok(removed)
}

fn source_wal(host: &Host, path: &Path) -> Result<WalNumber> {
    let file = host.files.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
    let len = file.len().map_err(|error| Error::io("measure", path, error))?;
    let bytes = file.map(len).map_err(|error| Error::io("map", path, error))?;
    Ok(WalNumber(Segment::open(path, bytes)?.meta().source_wal))
}

fn remove_empty(host: &Host, wal: &RecoveredWal) -> Result<()> {
    for path in &wal.empty {
        host.files.remove_file(path).map_err(|error| Error::io("remove", path, error))?;
    }
    Ok(())
}

/// Cuts the torn tail. Where it holds whole frames, the file is kept as it was in `quarantine/`: they were never
/// known to be durable, but somebody may want to look.
fn cut_torn_tail(host: &Host, database: &Path, wal: &RecoveredWal) -> Result<Option<(PathBuf, u64, u64)>> {
    let Some((path, offset, bytes)) = &wal.torn else { return Ok(None) };
    if wal.frames_behind_tear {
        let relative = path.strip_prefix(database).expect("a WAL file lies in its database");
        keep_copy(host, database, relative)?;
    }
    let file = host.files.open(path, OpenMode::ReadWrite).map_err(|error| Error::io("open", path, error))?;
    file.set_len(*offset).map_err(|error| Error::io("cut", path, error))?;
    file.sync_data().map_err(|error| Error::io("sync", path, error))?;
    Ok(Some((path.clone(), *offset, *bytes)))
}

/// Goes on with the newest file, or starts the next.
fn open_appender(
    host: &Host,
    database: &Path,
    identity: u128,
    wal: &RecoveredWal,
    sealed_wal: u64,
    next_seq: Seq,
) -> Result<WalAppender> {
    match wal.files.last() {
        Some(last) if !last.finished => {
            let path = last.header.number.path(database);
            let file = host
                .files
                .open(&path, OpenMode::ReadWrite)
                .map_err(|error| Error::io("open", &path, error))?;
            WalAppender::resume(host, database, last.header, file, last.end, last.next_seq())
        }
        Some(last) => {
            WalAppender::create(host, database, identity, last.header.number.next(), last.next_seq())
        }
        None => WalAppender::create(host, database, identity, WalNumber(sealed_wal + 1), next_seq),
    }
}

fn first_version(
    host: &Host,
    places: &Places,
    segments: Vec<crate::segment::SegmentMeta>,
    wal: &RecoveredWal,
    appender: &WalAppender,
) -> Versions {
    let segments =
        segments.into_iter().map(|meta| Arc::new(SegmentHandle::new(host, places, meta))).collect();
    let mut tails: Vec<Arc<WalTail>> = wal
        .files
        .iter()
        .filter(|file| file.finished)
        .map(|file| Arc::new(WalTail::new(file.header, &places.database, Arc::clone(&file.file), file.end)))
        .collect();
    let (file, header) = appender.file();
    tails.push(Arc::new(WalTail::new(
        *header,
        &places.database,
        Arc::clone(file),
        appender.written_offset(),
    )));
    Versions::new(&places.database, Version { segments: Arc::new(segments), tails })
}
