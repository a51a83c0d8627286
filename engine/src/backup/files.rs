//! What backing up and restoring do with files: copies that are read back, directories whose names are durable, and
//! where a directory lies.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::vfs::{Host, Mapping, OpenMode};

/// Written at once, so that progress can be told of large files.
const PIECE_BYTES: usize = 1024 * 1024;

pub(super) fn exists(host: &Host, path: &Path) -> Result<bool> {
    host.files.exists(path).map_err(|error| Error::io("look for", path, error))
}

/// All of a file.
pub(super) fn map(host: &Host, path: &Path) -> Result<Mapping> {
    let file = host.files.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
    let len = file.len().map_err(|error| Error::io("measure", path, error))?;
    file.map(len).map_err(|error| Error::io("read", path, error))
}

/// The length of a file; `None` if there is none.
pub(super) fn len(host: &Host, path: &Path) -> Result<Option<u64>> {
    match host.files.open(path, OpenMode::Read).and_then(|file| file.len()) {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("measure", path, error)),
    }
}

/// Writes a file that is not there yet, durably but for its name, and reads it back. What is left of a failed attempt
/// is removed, so that a full disk does not stay full.
pub(super) fn write(host: &Host, path: &Path, bytes: &[u8], wrote: &mut dyn FnMut(u64)) -> Result<Mapping> {
    let written = write_and_read(host, path, bytes, wrote);
    if written.is_err() {
        let _ = host.files.remove_file(path);
    }
    written
}

fn write_and_read(host: &Host, path: &Path, bytes: &[u8], wrote: &mut dyn FnMut(u64)) -> Result<Mapping> {
    let file =
        host.files.open(path, OpenMode::CreateNew).map_err(|error| Error::io("create", path, error))?;
    let (mut offset, mut hasher) = (0, crc32fast::Hasher::new());
    for piece in bytes.chunks(PIECE_BYTES) {
        file.write_all_at(piece, offset).map_err(|error| Error::io("write", path, error))?;
        hasher.update(piece);
        offset += piece.len() as u64;
        wrote(piece.len() as u64);
    }
    file.sync_data().map_err(|error| Error::io("sync", path, error))?;
    let (copy, expected) = (map(host, path)?, hasher.finalize());
    let found = crc32fast::hash(&copy);
    if copy.len() != bytes.len() || found != expected {
        let expected = format!("{} bytes with checksum {expected:08x}, as written", bytes.len());
        let found = format!("{} bytes with checksum {found:08x}", copy.len());
        return Err(Error::damaged(path, 0, expected, found, "check that disk; nothing of it is used"));
    }
    Ok(copy)
}

/// Replaces a file, or makes it, in one step; durable when it returns.
pub(super) fn replace(host: &Host, path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    remove_if_there(host, &temporary)?;
    write(host, &temporary, bytes, &mut |_| {})?;
    host.files.rename(&temporary, path).map_err(|error| Error::io("rename", &temporary, error))?;
    sync_dir(host, path.parent().expect("a file lies in a directory"))
}

/// The name of a file until it is whole.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

pub(super) fn sync_dir(host: &Host, dir: &Path) -> Result<()> {
    host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))
}

/// Creates a directory and those above it; their names are durable when it returns.
pub(super) fn create_dir(host: &Host, dir: &Path) -> Result<()> {
    if exists(host, dir)? {
        return Ok(());
    }
    let mut parents = Vec::new();
    for parent in dir.ancestors().skip(1) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        parents.push(parent);
        if exists(host, parent)? {
            break;
        }
    }
    host.files.create_dir_all(dir).map_err(|error| Error::io("create", dir, error))?;
    parents.into_iter().try_for_each(|parent| sync_dir(host, parent))
}

pub(super) fn remove_if_there(host: &Host, path: &Path) -> Result<()> {
    match host.files.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// Removes a directory that we made, with all that is in it.
pub(super) fn remove_tree(host: &Host, dir: &Path) -> Result<()> {
    if !exists(host, dir)? {
        return Ok(());
    }
    for entry in host.files.read_dir(dir).map_err(|error| Error::io("list", dir, error))? {
        let path = dir.join(entry.name);
        if entry.is_dir { remove_tree(host, &path)? } else { remove_if_there(host, &path)? }
    }
    host.files.remove_dir(dir).map_err(|error| Error::io("remove", dir, error))
}

/// Whether a path, which need not exist, is a directory or lies in it, by whatever names and symbolic links.
pub(super) fn is_within(host: &Host, path: &Path, dir: &Path) -> Result<bool> {
    let identity = |path: &Path| match host.files.file_identity(path) {
        Ok(identity) => Ok(Some(identity)),
        // The simulated disk has no symbolic links, and no name for what is above.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
            Ok(None)
        }
        Err(error) => Err(Error::io("identify", path, error)),
    };
    let Some(wanted) = identity(dir)? else { return Ok(false) };
    let mut at = PathBuf::from(".");
    for ancestor in path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()) {
        if exists(host, ancestor)? {
            at = ancestor.to_path_buf();
            break;
        }
    }
    let mut here = identity(&at)?;
    while here.is_some() && here != Some(wanted) {
        let mut above = at.join("..");
        let mut there = identity(&above)?;
        if there.is_none()
            && let Some(parent) = at.parent()
        {
            above = parent.to_path_buf();
            there = identity(&above)?;
        }
        // Above the root is the root.
        if there == here {
            return Ok(false);
        }
        (at, here) = (above, there);
    }
    Ok(here.is_some())
}

/// Refuses to begin what will not fit.
pub(super) fn check_space(host: &Host, dir: &Path, needed_bytes: u64) -> Result<()> {
    let space = host.files.space(dir).map_err(|error| Error::io("measure the room of", dir, error))?;
    if space.available_bytes >= needed_bytes {
        return Ok(());
    }
    let reason = format!(
        "{needed_bytes} bytes are needed and {} are free; hint: make room, or give another volume",
        space.available_bytes
    );
    Err(Error::io("write to", dir, io::Error::new(io::ErrorKind::StorageFull, reason)))
}

/// Whether a hard link failed because the volume cannot have it.
pub(super) fn cannot_link(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}
