//! How much of its volume a database takes.

use std::io;
use std::path::Path;

use super::plan::Usage;
use crate::catalog::CATALOG_FILE;
use crate::error::{Error, Result};
use crate::segment::Places;
use crate::vfs::{Host, OpenMode};

/// What a database takes and what is left, as if the files that wait to be removed were gone.
pub(super) fn usage(host: &Host, places: &Places, retired: &[String]) -> Result<Usage> {
    let database = &places.database;
    let mut database_bytes = database_bytes(host, database)?;
    let mut volume = host.files.space(database).map_err(|error| Error::io("measure", database, error))?;
    for file in retired {
        let path = places.file(Path::new(file));
        if path.starts_with(database)
            && let Ok(len) = host.files.open(&path, OpenMode::Read).and_then(|file| file.len())
        {
            database_bytes = database_bytes.saturating_sub(len);
            volume.available_bytes = volume.available_bytes.saturating_add(len).min(volume.total_bytes);
        }
    }
    Ok(Usage { database_bytes, volume })
}

/// Bytes of all files below the directory of a database.
fn database_bytes(host: &Host, database: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut waiting = vec![database.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        let entries = match host.files.read_dir(&dir) {
            Ok(entries) => entries,
            // Recording and sealing go on meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("list", &dir, error)),
        };
        for entry in entries {
            let path = dir.join(&entry.name);
            if entry.is_dir {
                waiting.push(path);
                continue;
            }
            // Half of the catalog's file may be holes, which take no room.
            let is_catalog = dir == database && entry.name == CATALOG_FILE;
            if is_catalog && let Ok(written_bytes) = crate::catalog::written_bytes(host, database) {
                bytes += written_bytes;
                continue;
            }
            match host.files.open(&path, OpenMode::Read).and_then(|file| file.len()) {
                Ok(len) => bytes += len,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("measure", &path, error)),
            }
        }
    }
    Ok(bytes)
}
