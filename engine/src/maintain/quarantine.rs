//! Sets files aside instead of deleting them: `quarantine/<path with '-' for '/'>`, with a number where that is taken.

use std::path::{Path, PathBuf};

use super::verify::QUARANTINE_DIRECTORY;
use crate::error::{Error, Result};
use crate::segment::Places;
use crate::vfs::{Host, OpenMode};

/// Moves a file, durably; gives its new path relative to the database.
pub(super) fn set_aside(host: &Host, places: &Places, relative: &Path) -> Result<PathBuf> {
    let (from, database) = (places.file(relative), &places.database);
    if !from.starts_with(database) {
        // On another volume: no rename leads there.
        let kept = copy(host, places, relative)?;
        host.files.remove_file(&from).map_err(|error| Error::io("remove", &from, error))?;
        let dir = from.parent().unwrap_or(database);
        host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
        return Ok(kept);
    }
    let kept = free_name(host, database, relative)?;
    let to = database.join(&kept);
    host.files.rename(&from, &to).map_err(|error| Error::io("move", &from, error))?;
    for dir in [&to, &from].map(|path| path.parent().unwrap_or(database)) {
        host.files.sync_dir(dir).map_err(|error| Error::io("sync", dir, error))?;
    }
    Ok(kept)
}

/// Copies a file that is about to be replaced, durably, unless the same copy is there already.
pub(crate) fn keep_copy(host: &Host, database: &Path, relative: &Path) -> Result<PathBuf> {
    copy(host, &Places::new(database, None), relative)
}

fn copy(host: &Host, places: &Places, relative: &Path) -> Result<PathBuf> {
    let database = &places.database;
    let bytes = read(host, &places.file(relative))?;
    let usual = name(relative, 1);
    if exists(host, &database.join(&usual))? && read(host, &database.join(&usual))? == bytes {
        return Ok(usual);
    }
    let kept = free_name(host, database, relative)?;
    let path = database.join(&kept);
    let file =
        host.files.open(&path, OpenMode::CreateNew).map_err(|error| Error::io("create", &path, error))?;
    file.write_all_at(&bytes, 0).map_err(|error| Error::io("write", &path, error))?;
    file.sync_data().map_err(|error| Error::io("sync", &path, error))?;
    let dir = database.join(QUARANTINE_DIRECTORY);
    host.files.sync_dir(&dir).map_err(|error| Error::io("sync", &dir, error))?;
    Ok(kept)
}

fn exists(host: &Host, path: &Path) -> Result<bool> {
    host.files.exists(path).map_err(|error| Error::io("look for", path, error))
}

fn read(host: &Host, path: &Path) -> Result<Vec<u8>> {
    let file = host.files.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
    let len = file.len().map_err(|error| Error::io("measure", path, error))?;
    let bytes = file.map(len).map_err(|error| Error::io("read", path, error))?;
    Ok(bytes.to_vec())
}

fn name(relative: &Path, number: u32) -> PathBuf {
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let suffix = if number == 1 { String::new() } else { format!(".{number}") };
    Path::new(QUARANTINE_DIRECTORY).join(parts.join("-") + &suffix)
}

/// A free name in the quarantine, whose directory is there afterwards.
fn free_name(host: &Host, database: &Path, relative: &Path) -> Result<PathBuf> {
    let dir = database.join(QUARANTINE_DIRECTORY);
    if !exists(host, &dir)? {
        host.files.create_dir_all(&dir).map_err(|error| Error::io("create", &dir, error))?;
        host.files.sync_dir(database).map_err(|error| Error::io("sync", database, error))?;
    }
    for number in 1.. {
        let name = name(relative, number);
        if !exists(host, &database.join(&name))? {
            return Ok(name);
        }
    }
    unreachable!("a directory holds fewer files than there are numbers")
}
