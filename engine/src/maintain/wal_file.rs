//! All that is readable in one WAL file, damaged or not.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::vfs::{Host, Mapping, OpenMode};
use crate::wal::{Frame, FrameKind, Frames, HEADER_BYTES, WalHeader, WalNumber};

/// A WAL file and its intact frames.
#[derive(Debug)]
pub(super) struct WalFile {
    /// By its name.
    pub(super) number: WalNumber,
    pub(super) path: PathBuf,
    pub(super) bytes: Mapping,
    pub(super) header: Result<WalHeader>,
    /// Intact frames, also behind damage.
    pub(super) frames: Vec<Frame>,
    /// Places that are no frames.
    pub(super) damage: Vec<Range<u64>>,
}

impl WalFile {
    /// Reads a file. Damage is no error, other things are.
    ///
    /// # Errors
    /// IO errors, and a newer version of the format.
    pub(super) fn read(host: &Host, database: &Path, number: WalNumber) -> Result<WalFile> {
        let path = number.path(database);
        let file = host.files.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        let bytes = file.map(len).map_err(|error| Error::io("map", &path, error))?;
        let Some(head) = bytes.first_chunk::<{ HEADER_BYTES as usize }>() else {
            let found = format!("{len} bytes");
            let header =
                Err(Error::damaged(&path, len, "a header of 64 bytes", found, "see `blotter repair`"));
            let damage = std::iter::once(0..len).filter(|_| len > 0).collect();
            return Ok(WalFile { number, path, bytes, header, frames: Vec::new(), damage });
        };
        let header = WalHeader::decode(head, &path);
        if let Err(error @ Error::NewerVersion { .. }) = header {
            return Err(error);
        }
        let salt = header.as_ref().map_or_else(|_| guess_salt(&bytes, head), |header| Some(header.salt));
        let (mut frames, mut damage) = (Vec::new(), Vec::new());
        let mut end = HEADER_BYTES;
        let mut scan = salt.map(|salt| Frames::new(&bytes, salt, HEADER_BYTES));
        while let Some(frame) = scan.as_mut().and_then(|scan| scan.find_from(end)) {
            if frame.offset > end {
                damage.push(end..frame.offset);
            }
            end = frame.end();
            frames.push(frame);
        }
        if end < len {
            damage.push(end..len);
        }
        Ok(WalFile { number, path, bytes, header, frames, damage })
    }

    /// Its frames of events.
    pub(super) fn events(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(|frame| frame.kind == FrameKind::Events)
    }

    /// The seq after the last that it shows to have been given out. Where a part is unreadable that no later
    /// frame bounds, as many are assumed as can have been in it, so that none is given out again.
    pub(super) fn next_seq(&self) -> u64 {
        let first = self.header.as_ref().map_or(0, |header| header.first_seq.0);
        let last = self.frames.last();
        let known = last.map_or(first, |frame| frame.first_seq.0.saturating_add(u64::from(frame.count)));
        match self.header.is_err() && last.is_none() {
            true => known + self.bytes.len() as u64 / crate::event::record::HEADER_BYTES as u64,
            false => known,
        }
    }
}

/// The salt of a file with a damaged header: as it stands there, or with one bit the other way, if a frame
/// proves it.
fn guess_salt(bytes: &[u8], head: &[u8; HEADER_BYTES as usize]) -> Option<u64> {
    let stored = u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| head[40 + i]));
    let proves = |salt: &u64| Frames::new(bytes, *salt, HEADER_BYTES).at(HEADER_BYTES).is_some();
    let flipped = (0..64).map(|bit| stored ^ 1 << bit).find(proves);
    let elsewhere = || Frames::new(bytes, stored, HEADER_BYTES).find_from(HEADER_BYTES).map(|_| stored);
    if proves(&stored) { Some(stored) } else { flipped.or_else(elsewhere) }
}
