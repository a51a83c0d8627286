//! Reads the WAL files found at start-up, and decides what is a torn tail and what is damage.
//!
//! Rules, in the order applied:
//! 1. Files up to the last sealed one are leftovers of a finished seal; the caller removes them.
//! 2. The newest file may be empty: it was created, and nothing was written to it yet. It is dropped unless
//!    the file before it is finished.
//! 3. Every file but the newest is finished: an intact End frame stands at its very end.
//! 4. In the newest file, the first place that is no frame is the tear, unless an intact frame anywhere
//!    says that bytes beyond that place were durable: then it is damage, and a hard error.
//! 5. MANIFEST may say how far a file was durable when the database was closed or opened: it must reach there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::event::Seq;
use crate::vfs::{Host, Mapping, OpenMode, VfsFile};
use crate::wal::header::HEADER_BYTES;
use crate::wal::{Frame, FrameKind, Frames, WalHeader, WalNumber};

/// A WAL file that was read at start-up.
#[derive(Debug)]
pub struct RecoveredFile {
    /// Its header.
    pub header: WalHeader,
    /// The file.
    pub file: Arc<dyn VfsFile>,
    /// Its intact frames.
    pub frames: Vec<Frame>,
    /// Its bytes up to `end`.
    pub bytes: Mapping,
    /// Offset after the last intact frame.
    pub end: u64,
    /// Whether it is finished.
    pub finished: bool,
}

impl RecoveredFile {
    /// The seq after its last event.
    pub fn next_seq(&self) -> Seq {
        self.frames
            .iter()
            .rev()
            .find(|frame| frame.kind == FrameKind::Events)
            .map_or(self.header.first_seq, |frame| Seq(frame.first_seq.0 + u64::from(frame.count)))
    }
}

/// What recovery found.
#[derive(Debug, Default)]
pub struct RecoveredWal {
    /// Files with frames or open for them, oldest first.
    pub files: Vec<RecoveredFile>,
    /// The torn tail of the newest: file, offset, and bytes beyond it. They are still there.
    pub torn: Option<(PathBuf, u64, u64)>,
    /// Whether there are intact frames behind the tear. They were never known to be durable.
    pub frames_behind_tear: bool,
    /// Files that hold nothing and are to be removed.
    pub empty: Vec<PathBuf>,
}

const HINT: &str = "restore the file from a backup, or run `blotter repair` to keep what is readable";

/// Numbers of the WAL files in a database directory, ascending.
///
/// # Errors
/// IO errors of reading the directory.
pub fn wal_numbers(host: &Host, database: &Path) -> Result<Vec<WalNumber>> {
    let dir = database.join("wal");
    let entries = host.files.read_dir(&dir).map_err(|error| Error::io("list", &dir, error))?;
    let mut numbers: Vec<_> =
        entries.iter().filter_map(|entry| WalNumber::from_file_name(&entry.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads the given WAL files, oldest first, changing nothing. `anchor` is a file and an offset up to which it is
/// known to be durable.
///
/// # Errors
/// IO errors, foreign files, and damage that is no torn tail.
pub fn recover_directory(
    host: &Host,
    database: &Path,
    identity: u128,
    numbers: &[WalNumber],
    anchor: Option<(WalNumber, u64)>,
) -> Result<RecoveredWal> {
    let mut recovered = RecoveredWal::default();
    for (index, number) in numbers.iter().enumerate() {
        let is_newest = index + 1 == numbers.len();
        let path = number.path(database);
        let file = host.files.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        let previous = recovered.files.last();
        let Some(header) = read_header(&*file, len, &path, is_newest)? else {
            recovered.empty.push(path);
            continue;
        };
        check_header(&header, identity, *number, previous, &path)?;
        let bytes = file.map(len).map_err(|error| Error::io("read", &path, error))?;
        let mut scan = Frames::new(&bytes, header.salt, HEADER_BYTES);
        let frames: Vec<Frame> = scan.by_ref().collect();
        let end = scan.offset;
        if is_newest && frames.is_empty() && previous.is_some_and(|previous| !previous.finished) {
            recovered.empty.push(path);
            continue;
        }
        if let Some(previous) = previous.filter(|previous| !previous.finished) {
            let path = previous.header.number.path(database);
            return Err(Error::damaged(&path, previous.end, "a frame", "bytes that are none", HINT));
        }
        check_sequence(&header, &frames, &path)?;
        let finished = frames.last().is_some_and(|frame| frame.kind == FrameKind::End);
        if end < len {
            recovered.frames_behind_tear = check_torn(&scan, &frames, end, finished, &path)?;
            recovered.torn = Some((path, end, len - end));
        }
        recovered.files.push(RecoveredFile { header, file, frames, bytes, end, finished });
    }
    if let Some((number, durable_end)) = anchor {
        check_anchor(&recovered, number, durable_end, database)?;
    }
    Ok(recovered)
}

/// What was durable must still be there.
fn check_anchor(
    recovered: &RecoveredWal,
    number: WalNumber,
    durable_end: u64,
    database: &Path,
) -> Result<()> {
    let path = number.path(database);
    let damaged = |offset, found: &str| {
        Err(Error::damaged(
            &path,
            offset,
            format!("frames up to offset {durable_end}, which were durable"),
            found,
            HINT,
        ))
    };
    match recovered.files.iter().find(|file| file.header.number == number) {
        None => damaged(0, "no such file"),
        Some(file) if file.end < durable_end => {
            damaged(file.end, "the end of the file, or bytes that are no frame")
        }
        Some(_) => Ok(()),
    }
}

/// The header, or `None` where the file was being created when the host stopped.
fn read_header(file: &dyn VfsFile, len: u64, path: &Path, is_newest: bool) -> Result<Option<WalHeader>> {
    if len < HEADER_BYTES {
        if is_newest {
            return Ok(None);
        }
        return Err(Error::damaged(path, len, "a header of 64 bytes", format!("{len} bytes"), HINT));
    }
    let mut bytes = [0; HEADER_BYTES as usize];
    file.read_exact_at(&mut bytes, 0).map_err(|error| Error::io("read", path, error))?;
    match WalHeader::decode(&bytes, path) {
        Ok(header) => Ok(Some(header)),
        // The header is durable before the first frame is written, so behind a torn one there is nothing.
        Err(_) if is_newest && len == HEADER_BYTES => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_header(
    header: &WalHeader,
    identity: u128,
    number: WalNumber,
    previous: Option<&RecoveredFile>,
    path: &Path,
) -> Result<()> {
    if header.database != identity {
        let hint = "it belongs to another database; move it out of the directory";
        let (expected, found) = (format!("database {identity:032x}"), format!("{:032x}", header.database));
        return Err(Error::damaged(path, 16, expected, found, hint));
    }
    if header.number != number {
        let hint = "the file was renamed; give it back its own name";
        return Err(Error::damaged(path, 32, format!("number {number}"), header.number.to_string(), hint));
    }
    if let Some(previous) = previous
        && (previous.header.number.next() != number || previous.next_seq() != header.first_seq)
    {
        let expected = format!("seq {} after file {}", previous.next_seq(), previous.header.number);
        let hint =
            "a WAL file is missing; restore it from a backup, or run `blotter repair` to go on without it";
        return Err(Error::damaged(path, 48, expected, format!("seq {}", header.first_seq), hint));
    }
    Ok(())
}

/// Intact frames must follow each other without a gap in seq.
fn check_sequence(header: &WalHeader, frames: &[Frame], path: &Path) -> Result<()> {
    let mut next = header.first_seq.0;
    for frame in frames {
        if frame.first_seq.0 != next {
            let (expected, found) = (format!("seq {next}"), format!("seq {}", frame.first_seq));
            return Err(Error::damaged(path, frame.offset + 24, expected, found, HINT));
        }
        next += u64::from(frame.count);
    }
    Ok(())
}

/// Whether intact frames lie behind the tear.
fn check_torn(scan: &Frames<'_>, frames: &[Frame], end: u64, finished: bool, path: &Path) -> Result<bool> {
    let damaged = |found: String| Error::damaged(path, end, "a frame that was synced", found, HINT);
    if finished {
        return Err(damaged("bytes after the End frame".to_owned()));
    }
    let mut durable = frames.iter().map(|frame| frame.durable).max().unwrap_or(0);
    let (mut at, mut has_frames) = (end, false);
    while let Some(frame) = scan.find_from(at) {
        durable = durable.max(frame.durable);
        at = frame.end();
        has_frames = true;
    }
    if durable > end {
        return Err(damaged(format!("bytes that are none, though the file was durable up to {durable}")));
    }
    Ok(has_frames)
}
