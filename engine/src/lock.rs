//! The `LOCK` file: who writes to the database, for people and for readers. The lock itself is the host's.
//!
//! ```text
//! process 4711 (engine)
//! session 0123456789abcdef      random, new at each open; the rings that this process makes carry it
//! yields                        only if it does one job and ends it early when an engine asks for the database
//! ```

use std::path::Path;

use crate::error::{Error, Result};
use crate::vfs::{Host, OpenMode};

/// Name of the lock file.
pub(crate) const LOCK_FILE: &str = "LOCK";

/// Name of the file in its place as long as a database is being restored: the directory is none yet.
pub(crate) const RESTORING_FILE: &str = "RESTORING";

const YIELDS: &str = "yields\n";

/// Refuses a directory that a restore has begun and not finished.
pub(crate) fn refuse_unfinished_restore(host: &Host, database: &Path) -> Result<()> {
    let path = database.join(RESTORING_FILE);
    if !host.files.exists(&path).map_err(|error| Error::io("look for", &path, error))? {
        return Ok(());
    }
    let reason = "a restore into it was interrupted; hint: run the restore again, or remove the directory";
    Err(Error::NotADatabase { path: database.to_path_buf(), reason: reason.to_owned() })
}

/// Writes who holds the lock, for the error message of whoever comes second.
///
/// The session tells readers which rings are of this process and which were left behind by another.
pub(crate) fn note_holder(host: &Host, path: &Path, session: u64, yields: bool) -> Result<()> {
    let file = host.files.open(path, OpenMode::ReadWrite).map_err(|error| Error::io("open", path, error))?;
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let yields = if yields { YIELDS } else { "" };
    let text = format!("process {} ({program})\nsession {session:016x}\n{yields}", std::process::id());
    let written = file.set_len(0).and_then(|()| file.write_all_at(text.as_bytes(), 0));
    match written {
        // On a full disk the name is missing from that message; recording starts all the same.
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
        written => written.map_err(|error| Error::io("write", path, error)),
    }
}

/// The session of whoever holds the lock, or held it last.
pub(crate) fn session_of_holder(host: &Host, database: &Path) -> Option<u64> {
    let text = read(host, &database.join(LOCK_FILE)).ok()?;
    u64::from_str_radix(text.lines().find_map(|line| line.strip_prefix("session "))?, 16).ok()
}

/// Whether whoever holds the lock, or held it last, gives it up for an engine.
pub(crate) fn holder_yields(host: &Host, path: &Path) -> bool {
    read(host, path).is_ok_and(|text| text.ends_with(YIELDS))
}

/// Who holds the lock, as far as the file says.
pub(crate) fn holder(host: &Host, path: &Path) -> String {
    let line = read(host, path)
        .map(|text| text.lines().next().unwrap_or_default().trim().escape_debug().to_string());
    line.ok().filter(|line| !line.is_empty()).unwrap_or_else(|| "another process".to_owned())
}

fn read(host: &Host, path: &Path) -> std::io::Result<String> {
    let file = host.files.open(path, OpenMode::Read)?;
    let mut bytes = vec![0; file.len()?.min(256) as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
