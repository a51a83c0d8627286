//! Reads a database from another process, or one that nobody writes, with no lock and without writing
//! a byte: the manifest, the segments it lists, and the WAL files after the last sealed one.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::catalog::{LastManifest, Manifest};
use crate::error::{Error, Result};
use crate::event::record::{Record, decode_fields};
use crate::event::{Event, FieldKey, Seq};
use crate::lock::session_of_holder;
use crate::ring::{FoundRings, RingOwner, WrittenCounts};
use crate::segment::Places;
use crate::vfs::{Host, OpenMode};
use crate::view::tail::TailView;
use crate::view::{FollowFrom, Follower, SegmentHandle, SegmentList, Snapshot, Version, WalTail};
use crate::wal::{HEADER_BYTES, WalHeader, WalNumber, wal_numbers};

/// How often a snapshot is tried again when files are sealed away under it. Each try needs another seal to
/// fail, and those take milliseconds at least.
const ATTEMPTS_MAX: u32 = 50;

/// A database opened for reading only. It works while another process records, after that process died, and
/// from read-only media.
#[derive(Debug)]
pub struct Reader {
    host: Host,
    database: PathBuf,
    state: Mutex<State>,
}

/// What was read before and still holds.
#[derive(Debug, Default)]
struct State {
    segments: HashMap<crate::segment::SegmentId, Arc<SegmentHandle>>,
    tails: HashMap<WalNumber, Arc<WalTail>>,
    manifest: LastManifest,
    version: Option<(Arc<Manifest>, Arc<SegmentList>)>,
}

impl Reader {
    /// Opens the database in a directory.
    ///
    /// # Errors
    /// [`Error::NotADatabase`] if there is none; damage or a newer format version of its manifest.
    pub fn open(database: impl AsRef<Path>) -> Result<Reader> {
        Reader::open_on(&Host::os(), database.as_ref())
    }

    /// Opens the database in a directory of the given host.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(host: &Host, database: &Path) -> Result<Reader> {
        let reader = Reader { host: host.clone(), database: database.to_path_buf(), state: Mutex::default() };
        reader.snapshot()?;
        Ok(reader)
    }

    /// What is recorded up to now: everything that any writer had written when this was called.
    ///
    /// # Errors
    /// IO errors, damage to the manifest or to WAL frames that are not the newest.
    pub fn snapshot(&self) -> Result<Snapshot> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(snapshot) = self.try_snapshot()? {
                return Ok(snapshot);
            }
        }
        Err(Error::TimedOut { operation: "a consistent view of the WAL", waited_ms: 0 })
    }

    /// `None` if files were sealed away meanwhile.
    fn try_snapshot(&self) -> Result<Option<Snapshot>> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let manifest = state.manifest.read(&self.host, &self.database)?;
        // Before the WAL: an event that is written in between is in both, and then known by its count.
        let owner = RingOwner { database: manifest.identity.0, lock_identity: 0 };
        let FoundRings { rings, unusable, .. } = self.rings_of_the_dead(owner)?;
        let segments = self.segments(&mut state, &manifest);
        let mut tails: Vec<TailView> = Vec::new();
        let mut unreadable: Vec<(PathBuf, String)> =
            unusable.into_iter().map(|(name, error)| (PathBuf::from(name), error.to_string())).collect();
        let mut is_wal_unreadable = false;
        let numbers = wal_numbers(&self.host, &self.database)?;
        for number in numbers.into_iter().filter(|number| number.0 > manifest.sealed_wal) {
            let tail = match self.tail(&mut state, number) {
                Ok(None) => continue,
                Ok(Some(tail)) => tail,
                Err(error @ (Error::Damaged { .. } | Error::Foreign { .. })) => {
                    unreadable.push((number.path(&self.database), error.to_string()));
                    is_wal_unreadable = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            let viewed = tail.view_file().and_then(|view| match tails.last_mut() {
                Some(before) => follows(&state, before, &view).map(|follows| follows.then_some(view)),
                None => Ok(Some(view)),
            });
            match viewed {
                Ok(Some(view)) => tails.push(view),
                // Created ahead of its first frame.
                Ok(None) => break,
                Err(error) => {
                    unreadable.push((tail.path.clone(), error.to_string()));
                    is_wal_unreadable = true;
                    break;
                }
            }
        }
        if let Some(view) = tails.last()
            && !is_wal_unreadable
            && let Some(tail) = state.tails.get(&view.header.number)
            && let Err(error) = tail.check_end(view)
        {
            unreadable.push((view.path.clone(), error.to_string()));
            is_wal_unreadable = true;
        }
        let first = tails.first().map(|tail| tail.header.first_seq.0);
        let is_current = state.manifest.read(&self.host, &self.database)?.sealed_wal == manifest.sealed_wal;
        if !is_current || first.is_some_and(|first| first > manifest.next_seq) {
            return Ok(None);
        }
        state.tails.retain(|number, _| number.0 > manifest.sealed_wal);
        if let Some((number, durable_end)) = manifest.unsealed_anchor(manifest.sealed_wal)
            && !tails.iter().any(|tail| tail.header.number == number && tail.end() >= durable_end)
            && !is_wal_unreadable
        {
            let path = number.path(&self.database);
            unreadable
                .push((path, format!("it was durable up to offset {durable_end}, and does not reach there")));
        }
        let mut next_seq = tails.last().map_or(Seq(manifest.next_seq), TailView::next_seq);
        let left_in_rings = self.events_in(rings, &tails, &mut next_seq)?;
        Ok(Some(Snapshot {
            version: Arc::new(Version { segments, tails: Vec::new() }),
            tails,
            left_in_rings: Arc::new(left_in_rings),
            indexed: manifest.indexed_fields.iter().map(|name| FieldKey::new(name)).collect(),
            filters: None,
            unreadable,
            next_seq,
        }))
    }

    fn segments(&self, state: &mut State, manifest: &Arc<Manifest>) -> Arc<SegmentList> {
        if let Some((known, segments)) = &state.version
            && (Arc::ptr_eq(known, manifest)
                || known.segments == manifest.segments && known.cold_directory == manifest.cold_directory)
        {
            return Arc::clone(segments);
        }
        let places = Places::new(&self.database, manifest.cold_directory.as_deref());
        let mut handles = HashMap::with_capacity(manifest.segments.len());
        for meta in &manifest.segments {
            // A cold directory that was moved is another path of the same segment.
            let is_same =
                |handle: &Arc<SegmentHandle>| handle.meta == *meta && handle.path == places.segment(meta);
            let known = state.segments.remove(&meta.id).filter(is_same);
            let handle =
                known.unwrap_or_else(|| Arc::new(SegmentHandle::new(&self.host, &places, meta.clone())));
            handles.insert(meta.id, handle);
        }
        state.segments = handles;
        let mut segments: Vec<_> = state.segments.values().cloned().collect();
        segments.sort_by_key(|handle| handle.meta.id);
        let segments: Arc<SegmentList> = Arc::new(segments.into_iter().collect());
        state.version = Some((Arc::clone(manifest), Arc::clone(&segments)));
        segments
    }

    /// The WAL file of that number; `None` if it is gone, or being created.
    fn tail(&self, state: &mut State, number: WalNumber) -> Result<Option<Arc<WalTail>>> {
        if let Some(tail) = state.tails.get(&number) {
            return Ok(Some(Arc::clone(tail)));
        }
        let Some(tail) = open_tail(&self.host, &self.database, number)? else { return Ok(None) };
        let tail = Arc::new(tail);
        state.tails.insert(number, Arc::clone(&tail));
        Ok(Some(tail))
    }

    /// The rings of this database whose maker has died.
    fn rings_of_the_dead(&self, owner: RingOwner) -> Result<FoundRings> {
        let lock = self.database.join("LOCK");
        let Ok(lock_identity) = self.host.files.file_identity(&lock) else {
            return Ok(FoundRings::default());
        };
        let owner = RingOwner { lock_identity, ..owner };
        let names =
            owner.list(&self.host).map_err(|error| Error::io("list", "shared memory".as_ref(), error))?;
        if names.is_empty() {
            return Ok(FoundRings::default());
        }
        // The lock is free only if the owner is dead. It is held for no longer than this look, and whoever
        // opens for writing tries again for longer.
        match self.host.files.try_lock(&lock) {
            Ok(Some(_free)) => FoundRings::of(&self.host, owner),
            Ok(None) => self.rings_of_other_sessions(owner),
            Err(error) => Err(Error::io("look at the lock", &lock, error)),
        }
    }

    /// While an owner lives: rings of another before it, which it is about to take over.
    fn rings_of_other_sessions(&self, owner: RingOwner) -> Result<FoundRings> {
        let Some(session) = session_of_holder(&self.host, &self.database) else {
            return Ok(FoundRings::default());
        };
        let mut rings = FoundRings::of(&self.host, owner)?.rings;
        rings.retain(|ring| ring.session() != session);
        Ok(FoundRings { rings, ..FoundRings::default() })
    }

    /// What the rings hold and the WAL does not, in the order in which the next open takes it over.
    fn events_in(
        &self,
        rings: Vec<crate::ring::Ring>,
        tails: &[TailView],
        next_seq: &mut Seq,
    ) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        if rings.is_empty() {
            return Ok(events);
        }
        let mut written = WrittenCounts::default();
        for tail in tails {
            for frame in tail.frames.iter() {
                tail.each_record(frame, |_, record, _| {
                    written.note(frame.producer, record);
                    Ok(())
                })?;
            }
        }
        for ring in rings {
            let expected = written.of(ring.producer()).max(ring.settled_pseq());
            ring.each_left(|bytes| {
                let Ok(record) = Record::parse(bytes) else { return false };
                let Ok(fields) = decode_fields(&record, ring.defaults()) else { return false };
                if record.pseq >= expected {
                    let Record { ts, pseq, category, level, .. } = record;
                    events.push(Event {
                        ts,
                        seq: *next_seq,
                        producer: ring.producer(),
                        pseq,
                        category,
                        level,
                        fields,
                    });
                    next_seq.0 += 1;
                }
                true
            });
        }
        Ok(events)
    }

    /// Follows what is recorded from now on, or from a seq on.
    ///
    /// # Errors
    /// As [`Reader::snapshot`].
    pub fn follow(self, from: FollowFrom) -> Result<Follower> {
        Follower::new(self, from)
    }

    pub(crate) fn place(&self) -> (&Host, &Path) {
        (&self.host, &self.database)
    }
}

/// Whether a file goes on where the one before ends; false if that one is the newest still.
///
/// # Errors
/// If the one before lacks its end, or a file in between is missing.
fn follows(state: &State, before: &mut TailView, view: &TailView) -> Result<bool> {
    if !before.finished {
        if view.frames.is_empty() {
            return Ok(false);
        }
        // It was finished before this one had a frame, perhaps after it was looked at.
        if let Some(tail) = state.tails.get(&before.header.number) {
            *before = tail.view_file()?;
        }
        if !before.finished {
            return Err(before.damaged(before.end(), "no frame, though there is a later file"));
        }
    }
    if before.next_seq() != view.header.first_seq {
        let found = format!("seq {} after {}", view.header.first_seq, before.next_seq());
        return Err(view.damaged(48, &found));
    }
    Ok(true)
}

/// Opens a WAL file for reading; `None` if it is gone, or being created.
pub(crate) fn open_tail(host: &Host, database: &Path, number: WalNumber) -> Result<Option<WalTail>> {
    let path = number.path(database);
    let file = match host.files.open(&path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", &path, error)),
    };
    let mut header = [0; HEADER_BYTES as usize];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, error)),
    }
    match WalHeader::decode(&header, &path) {
        Ok(header) => Ok(Some(WalTail::new(header, database, file, 0))),
        // Its header may be on its way: it is whole before the first frame is written.
        Err(_) if file.len().is_ok_and(|len| len <= HEADER_BYTES) => Ok(None),
        Err(error) => Err(error),
    }
}
