//! `journal`: what cannot be rebuilt from segments, in a small append-only file.
//!
//! ```text
//!  0            8          12        16
//!  ┌────────────┬──────────┬─────────┐   ┌─────────┬─────────┬───────────────────────┐
//!  │ "BLOTJRNL" │ version  │ CRC32   │   │ length  │ CRC32   │ record (crate::codec) │ ...
//!  └────────────┴──────────┴─────────┘   └─────────┴─────────┴───────────────────────┘
//!    8 bytes      u32        u32           u32       u32       `length` bytes
//! ```
//!
//! Integers are little-endian. The checksum of the head covers its 12 bytes, that of a record its
//! length and content. New kinds of records come with a new version.
//!
//! Invariants: the file appears whole, with its first record, or not at all; each record is durable
//! before the next is written. So only the last record can be torn: it is cut and reported. A bad
//! record before a good one is damage.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::DatabaseId;
use super::ledger::LedgerEntry;
use crate::codec;
use crate::error::{Error, Result};
use crate::vfs::{Host, OpenMode, VfsFile};

/// Name of the journal.
pub const JOURNAL_FILE: &str = "journal";
const JOURNAL_NEW_FILE: &str = "journal.tmp";

/// Newest format this build reads and writes.
pub const JOURNAL_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"BLOTJRNL";
const HEAD_BYTES: usize = 16;
const FRAME_BYTES: usize = 8;
/// Longest record, in bytes: a hold of ten thousand ids.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// Longest journal, in bytes. A day's deletions and its job take a few kilobytes.
const JOURNAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
const HINT: &str = "restore it from a backup, or move it away and run `blotter repair`";

/// One entry of the journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum JournalRecord {
    /// The database was created.
    Created {
        /// Its identity.
        identity: DatabaseId,
        /// When, in nanoseconds.
        at_ns: i64,
    },
    /// The catalog was rebuilt from the segments.
    Repaired {
        /// When, in nanoseconds.
        at_ns: i64,
        /// What was found wrong.
        reason: String,
        /// What could not be saved.
        gaps: Vec<Gap>,
    },
    /// A copy of an entry of the catalog's ledger.
    Ledger(Box<LedgerEntry>),
}

impl JournalRecord {
    /// The ledger entry that it is a copy of.
    pub fn into_entry(self) -> Option<LedgerEntry> {
        match self {
            JournalRecord::Ledger(entry) => Some(*entry),
            JournalRecord::Created { .. } | JournalRecord::Repaired { .. } => None,
        }
    }
}

/// Events that are gone for good; `end` is the one after the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Gap {
    /// Places in the database. Not each has held an event, where that could no longer be told.
    Seqs {
        /// The first.
        first: u64,
        /// The seq after the last.
        end: u64,
    },
    /// Counts of one recorder.
    Producer {
        /// The recorder.
        producer: u32,
        /// The first count.
        first: u64,
        /// The count after the last.
        end: u64,
    },
    /// Places in the database among those of deleted events. Which, can no longer be told.
    Unlocated {
        /// How many.
        count: u64,
        /// Sum of [`seq_digest`](super::ledger::seq_digest) over them.
        seq_digest: u64,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Seqs { first, end } => write!(f, "seq {first} to {}", end - 1),
            Gap::Producer { producer, first, end } => {
                write!(f, "events {first} to {} of producer {producer}", end - 1)
            }
            Gap::Unlocated { count, .. } => write!(f, "{count} events somewhere among deleted ones"),
        }
    }
}

/// Gaps that one record can hold.
pub(crate) const GAPS_PER_RECORD_MAX: usize = 1000;

/// A last record that was being written when the power went, and was cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// Where it began.
    pub offset: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
}

/// The journal, open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// Where the next record goes; `None` after a failed append, whose remains are unknown.
    end: Mutex<Option<u64>>,
}

impl Journal {
    /// Makes the journal of a database with its first record, in place of any there is.
    pub fn create(host: &Host, dir: &Path, first: &JournalRecord) -> Result<Journal> {
        Journal::create_with(host, dir, std::slice::from_ref(first))
    }

    /// Makes a journal of records saved from a damaged one, in its place.
    pub fn create_with(host: &Host, dir: &Path, records: &[JournalRecord]) -> Result<Journal> {
        let (path, new_path) = (dir.join(JOURNAL_FILE), dir.join(JOURNAL_NEW_FILE));
        let files = &host.files;
        if files.exists(&new_path).map_err(|e| Error::io("look for", &new_path, e))? {
            files.remove_file(&new_path).map_err(|e| Error::io("remove", &new_path, e))?;
        }
        let file =
            files.open(&new_path, OpenMode::CreateNew).map_err(|e| Error::io("create", &new_path, e))?;
        let mut bytes = head();
        for record in records {
            bytes.extend(frame(record)?);
        }
        file.write_all_at(&bytes, 0).map_err(|e| Error::io("write", &new_path, e))?;
        file.sync_data().map_err(|e| Error::io("sync", &new_path, e))?;
        files.rename(&new_path, &path).map_err(|e| Error::io("rename", &new_path, e))?;
        files.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))?;
        Ok(Journal { path, file, end: Mutex::new(Some(bytes.len() as u64)) })
    }

    /// Opens the journal for appending and returns what it holds; a torn last record is cut off.
    pub fn open(host: &Host, dir: &Path) -> Result<(Journal, Vec<JournalRecord>, Option<TornTail>)> {
        let (path, file) = open_file(host, dir, OpenMode::ReadWrite)?;
        let bytes = read_whole(&path, &*file, JOURNAL_BYTES_MAX)?;
        let (records, torn) = parse(&path, &bytes)?;
        let end = torn.as_ref().map_or(bytes.len() as u64, |torn| torn.offset);
        if torn.is_some() {
            file.set_len(end).map_err(|e| Error::io("cut", &path, e))?;
            file.sync_data().map_err(|e| Error::io("sync", &path, e))?;
        }
        Ok((Journal { path, file, end: Mutex::new(Some(end)) }, records, torn))
    }

    /// What the journal holds, changing nothing.
    pub fn read(host: &Host, dir: &Path) -> Result<(Vec<JournalRecord>, Option<TornTail>)> {
        let (path, file) = open_file(host, dir, OpenMode::Read)?;
        parse(&path, &read_whole(&path, &*file, JOURNAL_BYTES_MAX)?)
    }

    /// Every record that is still whole, whatever is between them.
    pub fn salvage(host: &Host, dir: &Path) -> Result<Vec<JournalRecord>> {
        let (path, file) = open_file(host, dir, OpenMode::Read)?;
        let bytes = read_whole(&path, &*file, JOURNAL_BYTES_MAX)?;
        let (mut records, mut offset) = (Vec::new(), 0);
        while offset < bytes.len() {
            let record = whole_frame(&bytes[offset..])
                .and_then(|content| Some((codec::decode(content).ok()?, content.len())));
            match record {
                Some((record, content_bytes)) => {
                    records.push(record);
                    offset += FRAME_BYTES + content_bytes;
                }
                None => offset += 1,
            }
        }
        Ok(records)
    }

    /// Appends a record; durable when it returns. After a failure the journal must be opened again.
    pub fn append(&self, record: &JournalRecord) -> Result<()> {
        let bytes = frame(record)?;
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(offset) = end.take() else {
            let reason = "an earlier append failed".to_owned();
            return Err(Error::SyncFailed { path: self.path.clone(), reason });
        };
        self.file.write_all_at(&bytes, offset).map_err(|e| Error::io("write", &self.path, e))?;
        self.file.sync_data().map_err(|e| Error::io("sync", &self.path, e))?;
        *end = Some(offset + bytes.len() as u64);
        Ok(())
    }
}

fn open_file(host: &Host, dir: &Path, mode: OpenMode) -> Result<(PathBuf, Arc<dyn VfsFile>)> {
    let path = dir.join(JOURNAL_FILE);
    match host.files.open(&path, mode) {
        Ok(file) => Ok((path, file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::NotADatabase { path: dir.to_path_buf(), reason: format!("{JOURNAL_FILE} is missing") })
        }
        Err(error) => Err(Error::io("open", &path, error)),
    }
}

/// All bytes of a file that must not be longer than `bytes_max`.
pub(super) fn read_whole(path: &Path, file: &dyn VfsFile, bytes_max: u64) -> Result<Vec<u8>> {
    let len = file.len().map_err(|e| Error::io("read", path, e))?;
    if len > bytes_max {
        let (expected, found) = (format!("at most {bytes_max} bytes"), format!("{len} bytes"));
        return Err(Error::damaged(path, 0, expected, found, HINT));
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0).map_err(|e| Error::io("read", path, e))?;
    Ok(bytes)
}

fn head() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&JOURNAL_VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn frame(record: &JournalRecord) -> Result<Vec<u8>> {
    let content = codec::encode(record);
    if content.len() > RECORD_BYTES_MAX {
        let reason = format!("{} bytes exceed the limit of {RECORD_BYTES_MAX}", content.len());
        return Err(Error::InvalidOption { option: "journal record", reason });
    }
    let length = (content.len() as u32).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend_from_slice(&checksum(length, &content).to_le_bytes());
    bytes.extend_from_slice(&content);
    Ok(bytes)
}

fn checksum(length: [u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(content);
    hasher.finalize()
}

/// The content of the frame at the start of `bytes`, if it is whole.
fn whole_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let content_bytes = u32::from_le_bytes(*length) as usize;
    let content = rest.get(..content_bytes).filter(|_| (1..=RECORD_BYTES_MAX).contains(&content_bytes))?;
    (u32::from_le_bytes(*crc) == checksum(*length, content)).then_some(content)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<JournalRecord>, Option<TornTail>)> {
    check_head(path, bytes)?;
    let (mut records, mut offset) = (Vec::new(), HEAD_BYTES);
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let Some(content) = whole_frame(rest) else {
            let later = (1..rest.len()).any(|skip| whole_frame(&rest[skip..]).is_some());
            if later || records.is_empty() {
                let (expected, found) = ("a whole record", "one that fails its checksum");
                return Err(Error::damaged(path, offset as u64, expected, found, HINT));
            }
            return Ok((records, Some(TornTail { offset: offset as u64, bytes: rest.len() as u64 })));
        };
        let record = codec::decode(content).map_err(|e| {
            Error::damaged(path, (offset + FRAME_BYTES) as u64, "a known record", e.to_string(), HINT)
        })?;
        records.push(record);
        offset += FRAME_BYTES + content.len();
    }
    if records.is_empty() {
        return Err(Error::damaged(path, offset as u64, "a first record", "the end of the file", HINT));
    }
    Ok((records, None))
}

fn check_head(path: &Path, bytes: &[u8]) -> Result<()> {
    let begin = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(begin) {
        let found = format!("'{}'", bytes[..bytes.len().min(16)].escape_ascii());
        return Err(Error::Foreign { path: path.to_path_buf(), kind: "journal", found });
    }
    let Some(found) = bytes.first_chunk::<HEAD_BYTES>() else {
        let found = format!("{} bytes", bytes.len());
        return Err(Error::damaged(
            path,
            bytes.len() as u64,
            format!("{HEAD_BYTES} bytes of head"),
            found,
            HINT,
        ));
    };
    let word = |at: usize| u32::from_le_bytes([found[at], found[at + 1], found[at + 2], found[at + 3]]);
    let (stored, computed) = (word(12), crc32fast::hash(&found[..12]));
    if stored != computed {
        let (expected, found) = (format!("checksum {stored:08x}"), format!("{computed:08x}"));
        return Err(Error::damaged(path, 12, expected, found, HINT));
    }
    if word(8) != JOURNAL_VERSION {
        return Err(Error::NewerVersion {
            path: path.to_path_buf(),
            kind: "journal",
            found: word(8),
            supported: JOURNAL_VERSION,
        });
    }
    Ok(())
}
