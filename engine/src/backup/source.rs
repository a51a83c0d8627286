//! The database as a backup sees it: one moment of it, read as any other process reads.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::ledger::{Change, Ledger};
use crate::catalog::{Gap, Journal, JournalRecord, Manifest, WalAnchor};
use crate::error::{Error, Result};
use crate::open::{COLD_MARKER_FILE, is_cold_there};
use crate::segment::{Places, SegmentMeta, Tier};
use crate::vfs::{Host, Mapping, OpenMode};
use crate::view::{Reader, Snapshot};

/// Looks for a moment at which manifest, segments and WAL are of one commit. Each that fails needs a commit in between.
const ATTEMPTS_MAX: u32 = 50;
/// Looks for one at which the journal tells of just that commit too: it is written within milliseconds of it. A process
/// that died in between leaves it behind, until the next open.
const JOURNAL_ATTEMPTS_MAX: u32 = 40;
const JOURNAL_PAUSE: Duration = Duration::from_millis(25);

/// A moment of the database.
pub(super) struct Source {
    pub(super) manifest: Manifest,
    pub(super) snapshot: Snapshot,
    pub(super) journal: Vec<JournalRecord>,
    /// What the journal's copies of ledger entries add up to.
    pub(super) ledger: Ledger,
    pub(super) places: Places,
    /// The seq after its last event, those in shared memory not counted.
    pub(super) next_seq: u64,
    /// What is worth knowing.
    pub(super) notes: Vec<String>,
}

impl Source {
    /// The newest moment.
    ///
    /// # Errors
    /// Damage: to back up a part of a database would look like a backup.
    pub(super) fn look(host: &Host, database: &Path, reader: &Reader) -> Result<Source> {
        let mut unbalanced = 0;
        for _ in 0..ATTEMPTS_MAX {
            let before = Manifest::read(host, database)?;
            let snapshot = reader.snapshot()?;
            let journal = Journal::read(host, database)?.0;
            let manifest = Manifest::read(host, database)?;
            if before.generation != manifest.generation {
                continue;
            }
            let source = Source::of(database, manifest, snapshot, journal)?;
            if source.is_balanced() {
                return Ok(source);
            }
            unbalanced += 1;
            if unbalanced == JOURNAL_ATTEMPTS_MAX {
                return Ok(source.with_note_of_balance());
            }
            std::thread::sleep(JOURNAL_PAUSE);
        }
        Err(Error::TimedOut { operation: "a moment between two changes of the database", waited_ms: 0 })
    }

    fn of(
        database: &Path,
        manifest: Manifest,
        snapshot: Snapshot,
        mut journal: Vec<JournalRecord>,
    ) -> Result<Source> {
        let mut notes = Vec::new();
        for part in snapshot.unreadable_parts() {
            // Anything else is a ring that cannot be read, which is no part of the database yet.
            if part.path.starts_with(database) {
                return Err(part.error);
            }
            notes.push(part.error.to_string());
        }
        // The journal may tell of a deletion that comes after this moment.
        let is_later = |record: &JournalRecord| match record {
            JournalRecord::Ledger(entry) => match &entry.change {
                Change::Dropped(tombstone) => {
                    manifest.segments.iter().any(|meta| tombstone.segments.contains(&meta.id))
                }
                _ => false,
            },
            JournalRecord::Created { .. } | JournalRecord::Repaired { .. } => false,
        };
        if let Some(later) = journal.iter().position(is_later) {
            journal.truncate(later);
        }
        let entries = journal.iter().cloned().filter_map(JournalRecord::into_entry);
        let ledger = Ledger::salvaged(entries);
        let places = Places::new(database, manifest.cold_directory.as_deref());
        let next_seq = snapshot.tails.last().map_or(manifest.next_seq, |tail| tail.next_seq().0);
        let left = snapshot.left_in_rings();
        if left > 0 {
            notes.push(format!(
                "{left} events of a process that died are in shared memory only, and not in the backup; the next open \
                 of the database takes them over"
            ));
        }
        Ok(Source { manifest, snapshot, journal, ledger, places, next_seq, notes })
    }

    /// Events at this moment.
    pub(super) fn events(&self) -> u64 {
        let sealed: u64 = self.manifest.segments.iter().map(|meta| meta.rows).sum();
        sealed + self.snapshot.unsealed().0
    }

    /// Events that are not there any longer, and those that the journal tells of.
    fn missing_and_explained(&self) -> (u64, u64) {
        let deleted = self.ledger.tombstones().map(|(tombstone, _)| tombstone.rows);
        let lost = self.journal.iter().flat_map(|record| match record {
            JournalRecord::Repaired { gaps, .. } => &gaps[..],
            JournalRecord::Created { .. } | JournalRecord::Ledger(_) => &[],
        });
        let lost = lost.map(|gap| match gap {
            Gap::Seqs { first, end } => end - first,
            Gap::Producer { .. } => 0,
            Gap::Unlocated { count, .. } => *count,
        });
        (self.next_seq.saturating_sub(self.events()), deleted.sum::<u64>() + lost.sum::<u64>())
    }

    fn is_balanced(&self) -> bool {
        let (missing, explained) = self.missing_and_explained();
        missing == explained
    }

    fn with_note_of_balance(mut self) -> Source {
        let (missing, explained) = self.missing_and_explained();
        self.notes.push(format!(
            "{missing} events are not there any longer, and the journal tells of {explained}; hint: run `blotter \
             verify` on the database"
        ));
        self
    }

    /// The WAL of the backup reaches its end.
    pub(super) fn anchor(&self) -> Option<WalAnchor> {
        self.snapshot.tails.last().map(|tail| WalAnchor {
            number: tail.header.number.0,
            durable_end: tail.end(),
            next_seq: tail.next_seq().0,
        })
    }

    /// The id after all that were ever given to segments, as far as other processes can tell: the owner hands them out
    /// ahead of what it has committed.
    pub(super) fn next_segment(&self) -> u64 {
        const AHEAD: u64 = 1024;
        let listed = self.manifest.segments.iter().map(|meta| meta.id.0);
        let deleted =
            self.ledger.tombstones().flat_map(|(tombstone, _)| tombstone.segments.iter().map(|id| id.0));
        listed.chain(deleted).max().unwrap_or(0).saturating_add(AHEAD)
    }

    /// Cold segments elsewhere must be reachable, or the backup would lack them.
    pub(super) fn check_cold_volume(&self, host: &Host) -> Result<()> {
        let Some(cold) = &self.places.cold else { return Ok(()) };
        if !self.manifest.segments.iter().any(|meta| meta.tier == Tier::Cold)
            || is_cold_there(host, &self.places, self.manifest.identity)?
        {
            return Ok(());
        }
        let reason = format!(
            "it has no {COLD_MARKER_FILE}, so the volume of cold segments is not there; hint: mount it, then back up again"
        );
        Err(Error::Unavailable { path: cold.clone(), reason })
    }

    pub(super) fn path(&self, meta: &SegmentMeta) -> PathBuf {
        self.places.segment(meta)
    }

    /// The bytes of a segment's file; `None` if maintenance has replaced it.
    ///
    /// # Errors
    /// If it is missing for another reason, or not of its length.
    pub(super) fn read(&self, host: &Host, meta: &SegmentMeta) -> Result<Option<Mapping>> {
        let path = self.path(meta);
        let file = match host.files.open(&path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.check_cold_volume(host)?;
                let now = Manifest::read(host, &self.places.database)?;
                if now.segments.contains(meta) && now.cold_directory == self.manifest.cold_directory {
                    let reason = "the file of the segment is missing; hint: run `blotter verify`, then `blotter repair`";
                    return Err(Error::Unavailable { path, reason: reason.to_owned() });
                }
                return Ok(None);
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        if len != meta.file_bytes {
            let (expected, found) = (format!("{} bytes", meta.file_bytes), format!("{len} bytes"));
            let hint = "run `blotter verify`, then `blotter repair`";
            return Err(Error::damaged(&path, len.min(meta.file_bytes), expected, found, hint));
        }
        file.map(len).map(Some).map_err(|error| Error::io("map", &path, error))
    }
}
