//! `MANIFEST`: how other processes see the database. Replaced atomically after each commit of the
//! catalog: written as `MANIFEST.tmp`, synced, renamed, and the directory synced.
//!
//! ```text
//!  0            8          12               20        24
//!  ┌────────────┬──────────┬────────────────┬─────────┬──────────────────────┐
//!  │ "BLOTMANI" │ version  │ body length    │ CRC32   │ body (crate::codec)  │
//!  └────────────┴──────────┴────────────────┴─────────┴──────────────────────┘
//!    8 bytes      u32        u64              u32       identity, generation, indexed fields,
//!                                                       sealed WAL, next seq, next producer, segments,
//!                                                       files in transition, cold directory, WAL anchor
//! ```
//!
//! Integers are little-endian. The checksum covers the 20 bytes before it and the body. The first 24
//! bytes mean the same in every version, so that damage and a newer version are told apart. Nothing
//! follows the body. Segments are in ascending order of their ids.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DatabaseId;
use crate::codec;
use crate::error::{Error, Result};
use crate::segment::SegmentMeta;
use crate::vfs::{Host, OpenMode};
use crate::wal::WalNumber;

/// Name of the manifest.
pub const MANIFEST_FILE: &str = "MANIFEST";
const MANIFEST_NEW_FILE: &str = "MANIFEST.tmp";

/// Newest format this build reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"BLOTMANI";
const HEADER_BYTES: usize = 24;
const CRC_OFFSET: usize = 20;
const HINT: &str =
    "run `blotter repair`, which writes it anew; the recording process does so with its next seal";

/// A place in the WAL up to which it was durable: if the file is missing or ends before, events are lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WalAnchor {
    /// Number of the file.
    pub number: u64,
    /// Offset up to which it was durable.
    pub durable_end: u64,
    /// The seq after the events before that offset.
    pub next_seq: u64,
}

/// What other processes know of a database.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Identity of the database.
    pub identity: DatabaseId,
    /// The catalog's commit it shows.
    pub generation: u64,
    /// Fields that are indexed in new segments.
    pub indexed_fields: Vec<String>,
    /// WAL files up to this number are sealed.
    pub sealed_wal: u64,
    /// Sequence number of the first event after the sealed ones.
    pub next_seq: u64,
    /// Number of the next recorder.
    pub next_producer: u32,
    /// All segments, by id.
    pub segments: Vec<SegmentMeta>,
    /// Files that are no segment's, relative to the database, and may be there: of segments that were replaced or
    /// deleted, for the sake of who reads them; and those that are being written.
    pub in_transition: Vec<String>,
    /// The directory of cold segments, where it is not the database's own.
    pub cold_directory: Option<String>,
    /// How far the WAL was durable when this was written, where that is known.
    pub wal: Option<WalAnchor>,
}

impl Manifest {
    /// The file and offset up to which the unsealed WAL is known to be durable.
    pub(crate) fn unsealed_anchor(&self, sealed_wal: u64) -> Option<(WalNumber, u64)> {
        let anchor = self.wal.filter(|anchor| anchor.number > sealed_wal)?;
        Some((WalNumber(anchor.number), anchor.durable_end))
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 256 * self.segments.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&MANIFEST_VERSION.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        codec::encode_into(self, &mut bytes);
        let body_bytes = (bytes.len() - HEADER_BYTES) as u64;
        bytes[12..CRC_OFFSET].copy_from_slice(&body_bytes.to_le_bytes());
        let crc = checksum(&bytes[..CRC_OFFSET], &bytes[HEADER_BYTES..]);
        bytes[CRC_OFFSET..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The manifest in the bytes of a file; the path is for errors.
    pub fn decode(path: &Path, bytes: &[u8]) -> Result<Manifest> {
        let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            if !MAGIC.starts_with(&bytes[..bytes.len().min(MAGIC.len())]) {
                return Err(foreign(path, bytes));
            }
            let (expected, found) =
                (format!("{HEADER_BYTES} bytes of header"), format!("{} bytes", bytes.len()));
            return Err(Error::damaged(path, bytes.len() as u64, expected, found, HINT));
        };
        if !header.starts_with(MAGIC) {
            return Err(foreign(path, bytes));
        }
        let version = u32_at(header, 8);
        let body_bytes = u64::from(u32_at(header, 12)) | u64::from(u32_at(header, 16)) << 32;
        if body_bytes != body.len() as u64 {
            let (expected, found) =
                (format!("a body of {body_bytes} bytes"), format!("{} bytes", body.len()));
            return Err(Error::damaged(path, 12, expected, found, HINT));
        }
        let (stored, computed) = (u32_at(header, CRC_OFFSET), checksum(&header[..CRC_OFFSET], body));
        if stored != computed {
            let (expected, found) = (format!("checksum {stored:08x}"), format!("{computed:08x}"));
            return Err(Error::damaged(path, CRC_OFFSET as u64, expected, found, HINT));
        }
        if version != MANIFEST_VERSION {
            return Err(Error::NewerVersion {
                path: path.to_path_buf(),
                kind: "manifest",
                found: version,
                supported: MANIFEST_VERSION,
            });
        }
        let refused =
            |found: String| Error::damaged(path, HEADER_BYTES as u64, "a well-formed body", found, HINT);
        let manifest: Manifest = codec::decode(body).map_err(|e| refused(e.to_string()))?;
        for segment in &manifest.segments {
            segment.check().map_err(|reason| refused(format!("segment {}: {reason}", segment.id)))?;
        }
        if !manifest.segments.is_sorted_by(|a, b| a.id < b.id) {
            return Err(refused("segments out of order".to_owned()));
        }
        Ok(manifest)
    }

    /// Replaces the manifest of a database; durable when it returns.
    pub fn write(&self, host: &Host, dir: &Path) -> Result<()> {
        let (path, new_path) = (dir.join(MANIFEST_FILE), dir.join(MANIFEST_NEW_FILE));
        let files = &host.files;
        let file = match files.open(&new_path, OpenMode::CreateNew) {
            // Left by a crash.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                files.remove_file(&new_path).and_then(|()| files.open(&new_path, OpenMode::CreateNew))
            }
            other => other,
        }
        .map_err(|e| Error::io("create", &new_path, e))?;
        file.write_all_at(&self.encode(), 0).map_err(|e| Error::io("write", &new_path, e))?;
        file.sync_data().map_err(|e| Error::io("sync", &new_path, e))?;
        files.rename(&new_path, &path).map_err(|e| Error::io("rename", &new_path, e))?;
        files.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))
    }

    /// Reads the manifest of a database. Needs no lock: a reader sees the old or the new one whole.
    pub fn read(host: &Host, dir: &Path) -> Result<Manifest> {
        Manifest::decode(&dir.join(MANIFEST_FILE), &Manifest::read_bytes(host, dir)?)
    }

    fn read_bytes(host: &Host, dir: &Path) -> Result<Vec<u8>> {
        let path = dir.join(MANIFEST_FILE);
        let file = match host.files.open(&path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = format!("{MANIFEST_FILE} is missing");
                return Err(Error::NotADatabase { path: dir.to_path_buf(), reason });
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        super::journal::read_whole(&path, &*file, (HEADER_BYTES + codec::ENCODED_BYTES_MAX) as u64)
    }
}

/// The manifest as it was read last. With thousands of segments, decoding one takes a hundred times as long as seeing
/// that its bytes are the same.
#[derive(Debug, Default)]
pub(crate) struct LastManifest(Option<(Vec<u8>, Arc<Manifest>)>);

impl LastManifest {
    /// As [`Manifest::read`]; the same manifest as last time if the file is.
    pub(crate) fn read(&mut self, host: &Host, dir: &Path) -> Result<Arc<Manifest>> {
        let bytes = Manifest::read_bytes(host, dir)?;
        match &self.0 {
            Some((last, manifest)) if *last == bytes => Ok(Arc::clone(manifest)),
            _ => {
                let manifest = Arc::new(Manifest::decode(&dir.join(MANIFEST_FILE), &bytes)?);
                self.0 = Some((bytes, Arc::clone(&manifest)));
                Ok(manifest)
            }
        }
    }
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(body);
    hasher.finalize()
}

fn u32_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}

fn foreign(path: &Path, bytes: &[u8]) -> Error {
    let found = format!("'{}'", bytes[..bytes.len().min(16)].escape_ascii());
    Error::Foreign { path: path.to_path_buf(), kind: "manifest", found }
}
