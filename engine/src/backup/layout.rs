//! The directory that holds the backups of one database, and the listing of a backup point.
//!
//! ```text
//! desk.backup/
//!   BACKUP                                    whose backups
//!   LOCK                                      held by whoever takes a backup
//!   pool/00000000000000ab-1234abcd.seg        a segment: its id and the checksum of its footer
//!   points/0000000000000001/LISTING           a backup point; without LISTING the rest is nothing
//!                           journal           copy, whole records only
//!                           wal/<number>.wal  copy, whole frames only
//!
//!  0            8          12               20        24
//!  ┌────────────┬──────────┬────────────────┬─────────┬──────────────────────┐
//!  │ magic      │ version  │ body length    │ CRC32   │ body (crate::codec)  │   BACKUP "BLOTBKUP", LISTING "BLOTLIST"
//!  └────────────┴──────────┴────────────────┴─────────┴──────────────────────┘
//!    8 bytes      u32        u64              u32       crc over bytes 0..20 and the body
//! ```
//!
//! Invariants: files of the pool never change and appear whole, by renaming or as a second name of the segment's file;
//! a listing appears whole, by renaming, after everything that it lists; whatever no listing lists is left by an
//! interrupted backup, and removed by the next.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files;
use crate::catalog::ledger::{Change, Ledger, LedgerEntry, NewEntry, Tombstone};
use crate::catalog::{DatabaseId, Manifest};
use crate::codec;
use crate::error::{Error, Result};
use crate::event::Timestamp;
use crate::segment::SegmentMeta;
use crate::vfs::Host;
use crate::wal::WalNumber;

/// Newest format of listings that this build reads and writes.
pub const BACKUP_VERSION: u32 = 1;

pub(super) const HEAD_FILE: &str = "BACKUP";
pub(super) const LOCK_FILE: &str = "LOCK";
pub(super) const POOL_DIRECTORY: &str = "pool";
pub(super) const POINTS_DIRECTORY: &str = "points";
pub(super) const LISTING_FILE: &str = "LISTING";

const HEAD_MAGIC: &[u8; 8] = b"BLOTBKUP";
const LISTING_MAGIC: &[u8; 8] = b"BLOTLIST";
const HEADER_BYTES: usize = 24;
const CRC_OFFSET: usize = 20;
const HINT: &str = "other backup points are not concerned; hint: take a new backup";

/// Number of a backup point within its directory; later ones have higher numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PointNumber(pub u64);

impl PointNumber {
    /// The number in a directory's name.
    fn from_directory_name(name: &str) -> Option<PointNumber> {
        let number = u64::from_str_radix(name, 16).ok()?;
        (format!("{number:016x}") == name).then_some(PointNumber(number))
    }
}

impl fmt::Display for PointNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whose backups a directory holds.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) identity: DatabaseId,
    pub(super) created_at_ns: i64,
}

/// A file of a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct ListedFile {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

impl ListedFile {
    pub(super) fn of(bytes: &[u8]) -> ListedFile {
        ListedFile { bytes: bytes.len() as u64, crc32: crc32fast::hash(bytes) }
    }

    /// Reads the file; it must be the one listed.
    pub(super) fn read(&self, host: &Host, path: &Path) -> Result<crate::vfs::Mapping> {
        let bytes = files::map(host, path)?;
        let found = ListedFile::of(&bytes);
        if found != *self {
            let text = |file: &ListedFile| format!("{} bytes with checksum {:08x}", file.bytes, file.crc32);
            return Err(Error::damaged(path, 0, text(self), text(&found), HINT));
        }
        Ok(bytes)
    }
}

/// A WAL file of a point, up to its last whole frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct ListedWal {
    pub(super) number: u64,
    pub(super) file: ListedFile,
    /// The seq of its first event.
    pub(super) first_seq: u64,
}

/// Events that were deleted from the database after the backup, and therefore from the backup.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct TakenOut {
    /// Of just those events.
    pub(super) tombstone: Tombstone,
    /// When, by whom and why, as the database's ledger has it.
    pub(super) at_ns: i64,
    pub(super) actor: String,
    pub(super) reason: String,
}

impl TakenOut {
    pub(super) fn new(tombstone: Tombstone, entry: &LedgerEntry) -> TakenOut {
        let LedgerEntry { at_ns, actor, reason, .. } = entry.clone();
        TakenOut { tombstone, at_ns, actor, reason }
    }

    /// What a restored database's ledger says of it.
    pub(super) fn entry(&self) -> NewEntry {
        let TakenOut { tombstone, at_ns, actor, reason } = self.clone();
        NewEntry { at_ns, actor, reason, change: Change::Dropped(tombstone) }
    }
}

/// An entry of the database's ledger. A database that was restored and goes on has other entries of the same numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct SeenEntry {
    pub(super) number: u64,
    pub(super) at_ns: i64,
}

impl SeenEntry {
    pub(super) fn last_of(ledger: &Ledger) -> Option<SeenEntry> {
        ledger.entries().last().map(|entry| SeenEntry { number: entry.number, at_ns: entry.at_ns })
    }

    /// Whether it is an entry of that ledger.
    pub(super) fn is_of(&self, ledger: &Ledger) -> bool {
        let at = ledger.entries().binary_search_by_key(&self.number, |entry| entry.number);
        at.is_ok_and(|at| ledger.entries()[at].at_ns == self.at_ns)
    }
}

/// A backup point, as its listing has it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Listing {
    pub(super) number: PointNumber,
    pub(super) taken_at_ns: i64,
    /// The seq after its last event.
    pub(super) next_seq: u64,
    /// Segments get ids from here on.
    pub(super) next_segment: u64,
    /// Events of a dead process that were in shared memory only, and are not in the backup.
    pub(super) left_in_rings: u64,
    /// What the ledger deleted up to this entry is out of this point.
    pub(super) ledger_seen: Option<SeenEntry>,
    pub(super) manifest: Manifest,
    pub(super) journal: ListedFile,
    pub(super) wal: Vec<ListedWal>,
    pub(super) taken_out: Vec<TakenOut>,
}

/// A listing as it is stored: the manifest in its own format, which is checked as it is everywhere.
#[derive(Serialize, Deserialize)]
struct Stored {
    number: PointNumber,
    taken_at_ns: i64,
    next_seq: u64,
    next_segment: u64,
    left_in_rings: u64,
    ledger_seen: Option<SeenEntry>,
    manifest: Vec<u8>,
    journal: ListedFile,
    wal: Vec<ListedWal>,
    taken_out: Vec<TakenOut>,
}

impl Listing {
    pub(super) fn encode(&self) -> Vec<u8> {
        let stored = Stored {
            number: self.number,
            taken_at_ns: self.taken_at_ns,
            next_seq: self.next_seq,
            next_segment: self.next_segment,
            left_in_rings: self.left_in_rings,
            ledger_seen: self.ledger_seen,
            manifest: self.manifest.encode(),
            journal: self.journal,
            wal: self.wal.clone(),
            taken_out: self.taken_out.clone(),
        };
        encode(LISTING_MAGIC, &stored)
    }

    fn decode(path: &Path, bytes: &[u8]) -> Result<Listing> {
        let stored: Stored = decode(path, "listing", LISTING_MAGIC, bytes)?;
        let manifest = Manifest::decode(path, &stored.manifest)?;
        Ok(Listing {
            number: stored.number,
            taken_at_ns: stored.taken_at_ns,
            next_seq: stored.next_seq,
            next_segment: stored.next_segment,
            left_in_rings: stored.left_in_rings,
            ledger_seen: stored.ledger_seen,
            manifest,
            journal: stored.journal,
            wal: stored.wal,
            taken_out: stored.taken_out,
        })
    }

    /// Events in its segments.
    pub(super) fn sealed_events(&self) -> u64 {
        self.manifest.segments.iter().map(|meta| meta.rows).sum()
    }

    /// Events in it.
    pub(super) fn events(&self) -> u64 {
        let unsealed = self.wal.first().map_or(0, |first| self.next_seq - first.first_seq);
        self.sealed_events() + unsealed
    }

    /// Bytes of the files that it lists, shared ones included.
    pub(super) fn bytes(&self) -> u64 {
        let segments: u64 = self.manifest.segments.iter().map(|meta| meta.file_bytes).sum();
        let wal: u64 = self.wal.iter().map(|wal| wal.file.bytes).sum();
        segments + wal + self.journal.bytes
    }

    pub(super) fn point(&self) -> Point {
        let losses = self.taken_out.iter().map(|taken| taken.tombstone.rows);
        Point {
            number: self.number,
            taken_at: Timestamp(self.taken_at_ns),
            generation: self.manifest.generation,
            next_seq: self.next_seq,
            segments: self.manifest.segments.len() as u64,
            events: self.events(),
            bytes: self.bytes(),
            deleted_events: losses.sum(),
            left_in_rings: self.left_in_rings,
        }
    }
}

/// A moment of a database that can be restored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Point {
    /// Its number.
    pub number: PointNumber,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The commit of the catalog that it has.
    pub generation: u64,
    /// The seq after its last event.
    pub next_seq: u64,
    /// Segments in it.
    pub segments: u64,
    /// Events in it.
    pub events: u64,
    /// Bytes of its files, those shared with other points included.
    pub bytes: u64,
    /// Events that were in it, and that the database has deleted since.
    pub deleted_events: u64,
    /// Events that a dead process had accepted and not written when the backup was taken: they are not in it.
    pub left_in_rings: u64,
}

/// The directory of the backups of a database.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
}

impl Layout {
    pub(super) fn new(dir: &Path) -> Layout {
        Layout { dir: dir.to_path_buf() }
    }

    pub(super) fn head(&self) -> PathBuf {
        self.dir.join(HEAD_FILE)
    }

    pub(super) fn pool(&self) -> PathBuf {
        self.dir.join(POOL_DIRECTORY)
    }

    pub(super) fn pooled(&self, meta: &SegmentMeta) -> PathBuf {
        self.pool().join(pool_name(meta))
    }

    pub(super) fn points(&self) -> PathBuf {
        self.dir.join(POINTS_DIRECTORY)
    }

    pub(super) fn point(&self, number: PointNumber) -> PathBuf {
        self.points().join(format!("{:016x}", number.0))
    }

    pub(super) fn listing(&self, number: PointNumber) -> PathBuf {
        self.point(number).join(LISTING_FILE)
    }

    pub(super) fn wal(&self, number: PointNumber, wal: &ListedWal) -> PathBuf {
        WalNumber(wal.number).path(&self.point(number))
    }

    pub(super) fn journal(&self, number: PointNumber) -> PathBuf {
        self.point(number).join(crate::catalog::JOURNAL_FILE)
    }

    /// Whose backups it holds.
    ///
    /// # Errors
    /// [`Error::NotABackup`] where there is none.
    pub(super) fn read_head(&self, host: &Host) -> Result<Head> {
        let path = self.head();
        if !files::exists(host, &path)? {
            let reason = format!("it has no {HEAD_FILE}");
            return Err(Error::NotABackup { path: self.dir.clone(), reason });
        }
        decode(&path, "backup", HEAD_MAGIC, &files::map(host, &path)?)
    }

    pub(super) fn write_head(&self, host: &Host, head: &Head) -> Result<()> {
        files::replace(host, &self.head(), &encode(HEAD_MAGIC, head))
    }

    /// Numbers of the directories of points, whole or not, ascending.
    pub(super) fn numbers(&self, host: &Host) -> Result<Vec<PointNumber>> {
        let dir = self.points();
        if !files::exists(host, &dir)? {
            return Ok(Vec::new());
        }
        let entries = host.files.read_dir(&dir).map_err(|error| Error::io("list", &dir, error))?;
        let mut numbers: Vec<_> =
            entries.iter().filter_map(|entry| PointNumber::from_directory_name(&entry.name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The listing of a point; `None` where an interrupted backup left none.
    pub(super) fn read_listing(
        &self,
        host: &Host,
        number: PointNumber,
        identity: DatabaseId,
    ) -> Result<Option<Listing>> {
        let path = self.listing(number);
        if !files::exists(host, &path)? {
            return Ok(None);
        }
        let listing = Listing::decode(&path, &files::map(host, &path)?)?;
        let (found, expected) = ((listing.number, listing.manifest.identity), (number, identity));
        if found != expected {
            let text = |(number, identity)| format!("point {number} of database {identity}");
            return Err(Error::damaged(&path, HEADER_BYTES as u64, text(expected), text(found), HINT));
        }
        Ok(Some(listing))
    }

    pub(super) fn write_listing(&self, host: &Host, listing: &Listing) -> Result<()> {
        files::replace(host, &self.listing(listing.number), &listing.encode())
    }
}

/// The name of a segment's file in the pool: what has the same name has the same content.
pub(super) fn pool_name(meta: &SegmentMeta) -> String {
    format!("{}-{:08x}.seg", meta.id, meta.footer_crc)
}

fn encode<T: Serialize>(magic: &[u8; 8], body: &T) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(&BACKUP_VERSION.to_le_bytes());
    bytes.resize(HEADER_BYTES, 0);
    codec::encode_into(body, &mut bytes);
    let body_bytes = (bytes.len() - HEADER_BYTES) as u64;
    bytes[12..CRC_OFFSET].copy_from_slice(&body_bytes.to_le_bytes());
    let crc = checksum(&bytes);
    bytes[CRC_OFFSET..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..CRC_OFFSET]);
    hasher.update(&bytes[HEADER_BYTES..]);
    hasher.finalize()
}

fn decode<T: DeserializeOwned>(path: &Path, kind: &'static str, magic: &[u8; 8], bytes: &[u8]) -> Result<T> {
    if !magic.starts_with(&bytes[..bytes.len().min(magic.len())]) {
        let found = format!("'{}'", bytes[..bytes.len().min(16)].escape_ascii());
        return Err(Error::Foreign { path: path.to_path_buf(), kind, found });
    }
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        let (expected, found) = (format!("{HEADER_BYTES} bytes of header"), format!("{} bytes", bytes.len()));
        return Err(Error::damaged(path, bytes.len() as u64, expected, found, HINT));
    };
    let four = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
    let body_bytes = u64::from(four(12)) | u64::from(four(16)) << 32;
    let found_bytes = (bytes.len() - HEADER_BYTES) as u64;
    if body_bytes != found_bytes {
        let (expected, found) = (format!("a body of {body_bytes} bytes"), format!("{found_bytes} bytes"));
        return Err(Error::damaged(path, 12, expected, found, HINT));
    }
    let (stored, computed) = (four(CRC_OFFSET), checksum(bytes));
    if stored != computed {
        let (expected, found) = (format!("checksum {stored:08x}"), format!("{computed:08x}"));
        return Err(Error::damaged(path, CRC_OFFSET as u64, expected, found, HINT));
    }
    if four(8) != BACKUP_VERSION {
        let path = path.to_path_buf();
        return Err(Error::NewerVersion { path, kind, found: four(8), supported: BACKUP_VERSION });
    }
    codec::decode(&bytes[HEADER_BYTES..]).map_err(|error| {
        Error::damaged(path, HEADER_BYTES as u64, "a well-formed body", error.to_string(), HINT)
    })
}
