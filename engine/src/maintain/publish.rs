//! The one who changes the catalog of an open database, and whatever follows from a change: the current version in
//! memory, the journal's copy of the ledger, and MANIFEST, in this order.
//!
//! Invariants: whoever changes segments holds the publisher, so the version never shows a mixture of two changes. After
//! a failed commit it is not known whether it was made; nothing else is done before opening the catalog again has
//! told, and the version then follows the catalog.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::ledger::{LedgerEntry, NewEntry};
use crate::catalog::{Catalog, JOURNAL_FILE, Journal, JournalRecord, Manifest, SealCommit, Swap, WalAnchor};
use crate::error::{Error, Result};
use crate::event::FieldKey;
use crate::segment::{Places, SegmentId, SegmentMeta};
use crate::vfs::Host;
use crate::view::{SegmentHandle, Versions};
use crate::wal::WalNumber;

/// See the module.
pub(crate) struct Publisher {
    host: Host,
    database: PathBuf,
    catalog: Arc<Catalog>,
    versions: Arc<Versions>,
    /// Fields that are indexed from now on.
    indexed: Vec<FieldKey>,
    /// The journal and the last ledger entry it has; `None` until it was opened, and after a failure.
    journal: Option<(Journal, u64)>,
    /// What is wrong with the journal. Recording goes on without it; nothing is decided or deleted, since that would
    /// not survive the loss of the catalog.
    journal_damage: Option<String>,
    /// The manifest is older than the catalog.
    manifest_is_stale: bool,
    /// A commit is under way or failed: only opening the catalog again tells whether it was made.
    commit_in_doubt: bool,
}

impl Publisher {
    pub(crate) fn new(
        host: &Host,
        database: &Path,
        catalog: Arc<Catalog>,
        versions: Arc<Versions>,
        indexed: Vec<FieldKey>,
    ) -> Publisher {
        Publisher {
            host: host.clone(),
            database: database.to_path_buf(),
            catalog,
            versions,
            indexed,
            journal: None,
            journal_damage: None,
            manifest_is_stale: false,
            commit_in_doubt: false,
        }
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Where segments are.
    pub(crate) fn places(&self) -> Places {
        Places::new(&self.database, self.catalog.ledger().cold_directory())
    }

    /// Ends what an earlier failure left undone.
    ///
    /// # Errors
    /// IO errors; it can be called again.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.resolve()?;
        self.journal_damage = match self.copy_ledger() {
            Err(error @ (Error::Damaged { .. } | Error::Foreign { .. })) => Some(error.to_string()),
            outcome => outcome.map(|()| None)?,
        };
        if self.manifest_is_stale {
            // How far the WAL is durable is the writer's to say, and changes while this is written.
            self.publish(None)?;
        }
        Ok(())
    }

    /// Finds out whether a commit that failed was made, and nothing more: enough to know which files are in use.
    ///
    /// # Errors
    /// IO errors; it can be called again.
    pub(crate) fn resolve(&mut self) -> Result<()> {
        if self.commit_in_doubt {
            self.catalog.reopen()?;
            self.follow_catalog()?;
            self.commit_in_doubt = false;
            self.manifest_is_stale = true;
        }
        Ok(())
    }

    /// Hands out an id for a new segment.
    pub(crate) fn next_segment_id(&mut self) -> Result<SegmentId> {
        self.settle()?;
        self.commit_in_doubt = true;
        let id = self.catalog.next_segment_id()?;
        self.commit_in_doubt = false;
        Ok(id)
    }

    /// Commits a sealed WAL file.
    pub(crate) fn commit_seal(&mut self, commit: &SealCommit<'_>) -> Result<()> {
        self.settle()?;
        self.commit_in_doubt = true;
        self.catalog.commit_seal(commit)?;
        self.commit_in_doubt = false;
        Ok(())
    }

    /// Shows the segments of a sealed WAL file in its place.
    pub(crate) fn show_sealed(&mut self, number: WalNumber, sealed: Vec<SegmentMeta>) {
        let places = self.places();
        let handles = sealed.into_iter().map(|meta| SegmentHandle::new(&self.host, &places, meta));
        self.versions.seal(number, handles);
        self.manifest_is_stale = true;
    }

    /// Makes a change of maintenance; everybody sees it when this returns. Gives the entries with their numbers.
    ///
    /// On a full disk the change is made, and told when there is room: else nothing could be deleted to make some.
    ///
    /// # Errors
    /// If the change was not made, or could not be told to other processes; [`Publisher::settle`] goes on then.
    pub(crate) fn swap(&mut self, swap: &Swap<'_>) -> Result<Vec<LedgerEntry>> {
        self.settle_if_there_is_room()?;
        if let (Some(reason), false) = (&self.journal_damage, swap.entries.is_empty()) {
            return Err(Error::Unavailable {
                path: self.database.join(JOURNAL_FILE),
                reason: reason.clone(),
            });
        }
        let generation = self.catalog.counters().generation;
        self.commit_in_doubt = true;
        let entries = match self.catalog.commit_swap(swap) {
            Ok(entries) => {
                self.commit_in_doubt = false;
                entries
            }
            Err(error) => {
                self.resolve()?;
                if self.catalog.counters().generation == generation {
                    return Err(error);
                }
                let ledger = self.catalog.ledger();
                let own = ledger.entries().len() - swap.entries.len();
                let entries = ledger.entries()[own..].to_vec();
                self.settle_if_there_is_room()?;
                return Ok(entries);
            }
        };
        let places = self.places();
        let handle = |meta: &SegmentMeta| SegmentHandle::new(&self.host, &places, meta.clone());
        let removed: HashSet<SegmentId> = swap.removed.iter().copied().collect();
        self.versions.replace(&removed, swap.added.iter().map(|(meta, _)| handle(meta)));
        self.manifest_is_stale = true;
        self.settle_if_there_is_room()?;
        Ok(entries)
    }

    /// As [`Publisher::settle`], but for what a full disk does not take; whether that is nothing.
    ///
    /// # Errors
    /// As [`Publisher::settle`].
    pub(crate) fn settle_if_there_is_room(&mut self) -> Result<bool> {
        self.resolve()?;
        match self.settle() {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::StorageFull => Ok(false),
            settled => settled.map(|()| true),
        }
    }

    /// Shows segments where they are from now on, after the directory of cold ones has changed.
    pub(crate) fn show_places(&mut self) -> Result<()> {
        let version = self.versions.current();
        let places = self.places();
        let moved: Vec<SegmentMeta> = version
            .segments
            .iter()
            .filter(|handle| handle.path != places.segment(&handle.meta))
            .map(|handle| handle.meta.clone())
            .collect();
        let removed = moved.iter().map(|meta| meta.id).collect();
        let handles = moved.into_iter().map(|meta| SegmentHandle::new(&self.host, &places, meta));
        self.versions.replace(&removed, handles);
        self.publish(None)
    }

    /// Gives back room that the catalog no longer needs; after deletions in any case, so that nothing of them stays.
    ///
    /// # Errors
    /// No room for the copy, IO errors; [`Publisher::settle`] goes on then.
    pub(crate) fn compact_catalog(&mut self) -> Result<()> {
        self.settle()?;
        self.commit_in_doubt = true;
        self.catalog.compact()?;
        self.commit_in_doubt = false;
        Ok(())
    }

    /// Adds one entry to the ledger.
    pub(crate) fn note(&mut self, entry: NewEntry) -> Result<LedgerEntry> {
        let mut entries = self.swap(&Swap { entries: &[entry], ..Swap::default() })?;
        Ok(entries.pop().expect("one entry was given and one added"))
    }

    /// Writes what the catalog says where other processes read it.
    pub(crate) fn publish(&mut self, wal: Option<WalAnchor>) -> Result<()> {
        self.manifest_is_stale = true;
        let indexed: Vec<String> = self.indexed.iter().map(|field| field.name().to_owned()).collect();
        Manifest { wal, ..self.catalog.manifest(&indexed)? }.write(&self.host, &self.database)?;
        self.manifest_is_stale = false;
        Ok(())
    }

    /// Lets the version show what the catalog has, but for WAL files that are still to be shown as sealed.
    fn follow_catalog(&mut self) -> Result<()> {
        let version = self.versions.current();
        let unsealed: HashSet<u64> = version.tails.iter().map(|tail| tail.number().0).collect();
        let shown: HashSet<SegmentId> = version.segments.iter().map(|handle| handle.meta.id).collect();
        let listed = self.catalog.segments()?;
        let ids: HashSet<SegmentId> = listed.iter().map(|meta| meta.id).collect();
        let removed: HashSet<SegmentId> = shown.difference(&ids).copied().collect();
        let places = self.places();
        let added = listed
            .into_iter()
            .filter(|meta| !shown.contains(&meta.id) && !unsealed.contains(&meta.source_wal))
            .map(|meta| SegmentHandle::new(&self.host, &places, meta));
        self.versions.replace(&removed, added);
        Ok(())
    }

    /// Appends to the journal what the ledger has and it has not.
    fn copy_ledger(&mut self) -> Result<()> {
        let ledger = self.catalog.ledger();
        if self.journal.is_none() {
            let (journal, records, _) = Journal::open(&self.host, &self.database)?;
            let last = records.iter().filter_map(|record| match record {
                JournalRecord::Ledger(entry) => Some(entry.number),
                _ => None,
            });
            self.journal = Some((journal, last.max().unwrap_or(0)));
        }
        let Some((journal, copied)) = &mut self.journal else { return Ok(()) };
        if *copied > ledger.last_number() {
            let reason = format!(
                "the journal has {copied} ledger entries, the catalog {}: it is an older copy",
                ledger.last_number()
            );
            return Err(Error::CatalogMismatch { path: self.database.clone(), reason });
        }
        for entry in &ledger.entries()[*copied as usize..] {
            if let Err(error) = journal.append(&JournalRecord::Ledger(Box::new(entry.clone()))) {
                // What of it was written is only known by opening it again.
                self.journal = None;
                return Err(error);
            }
            *copied = entry.number;
        }
        Ok(())
    }
}
