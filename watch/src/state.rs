//! What survives a restart: how far the stream was followed, what the detectors knew by then, cool-downs, and alerts
//! whose actions are not done yet.
//!
//! One JSON file, written anew beside itself and renamed, so that it is there whole or as before. What it says of the
//! detectors is of the same moment as the position, so a watch that goes on from it finds what it would have found.
//! It is saved before the actions of an alert begin: after a crash they are done again rather than never.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use blotter_engine::event::Timestamp;
use blotter_engine::vfs::{FileLock, Host, OpenMode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::LoggedAlert;
use crate::{Error, Result};

/// What the file begins with; another number is another form.
const FORMAT: &str = "blotter watch state 1";
/// Largest file that is read.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) format: String,
    /// The identity of the database it is of; empty if it was written before that was kept.
    #[serde(default)]
    pub(crate) database: String,
    /// The event that comes next.
    pub(crate) next_seq: u64,
    /// Alerts raised so far.
    pub(crate) alerts: u64,
    /// By rule and subject: when it was raised last, and how often it was not since.
    pub(crate) raised: BTreeMap<String, Raised>,
    pub(crate) detectors: Value,
    /// By rule: the threshold and window they are of, and what they know.
    pub(crate) counters: BTreeMap<String, (String, Value)>,
    /// By rule: the query, threshold and window they are of, and the subjects that passed at the last run.
    #[serde(default)]
    pub(crate) passing: BTreeMap<String, (String, BTreeSet<String>)>,
    pub(crate) pending: Vec<Pending>,
}

/// When an alert was raised, and how many were not since.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Raised {
    pub(crate) at: Timestamp,
    pub(crate) suppressed: u64,
}

/// An action that is not done yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Number of the alert.
    pub(crate) alert: u64,
    /// Name of the action.
    pub(crate) action: String,
    pub(crate) line: String,
    pub(crate) json: String,
    pub(crate) event: LoggedAlert,
}

/// The file, held by one watch at a time.
#[derive(Debug)]
pub(crate) struct StateFile {
    host: Host,
    path: PathBuf,
    _lock: Box<dyn FileLock>,
}

impl StateFile {
    /// Takes the file, which need not be there yet.
    pub(crate) fn take(host: &Host, path: &Path) -> Result<StateFile> {
        let directory = directory_of(path);
        host.files
            .create_dir_all(directory)
            .map_err(|error| Error::state("create the directory", directory, error))?;
        let lock_path = with_ending(path, "lock");
        match host.files.open(&lock_path, OpenMode::CreateNew) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::state("create", &lock_path, error)),
        }
        let lock =
            host.files.try_lock(&lock_path).map_err(|error| Error::state("lock", &lock_path, error))?;
        let lock = lock.ok_or_else(|| Error::Watched { path: path.to_path_buf() })?;
        Ok(StateFile { host: host.clone(), path: path.to_path_buf(), _lock: lock })
    }

    /// What was kept; `None` if there is no file.
    pub(crate) fn read(&self) -> Result<Option<State>> {
        StateFile::look(&self.host, &self.path)
    }

    /// What is kept in a file that another watch may hold, as it is written whole.
    pub(crate) fn look(host: &Host, path: &Path) -> Result<Option<State>> {
        let file = match host.files.open(path, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::state("open", path, error)),
        };
        let failed = |error: std::io::Error| Error::state("read", path, error);
        let len = file.len().map_err(failed)?;
        let wrong = |reason: String| {
            Error::state("go on from", path, format!("{reason}; move it away to begin anew"))
        };
        if len > BYTES_MAX {
            return Err(wrong(format!("it has {len} bytes, more than the limit of {BYTES_MAX}")));
        }
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, 0).map_err(failed)?;
        let state: State = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if state.format != FORMAT {
            return Err(wrong(format!("it says '{}', not '{FORMAT}'", state.format.escape_debug())));
        }
        Ok(Some(state))
    }

    /// Keeps a state.
    pub(crate) fn write(&self, state: &mut State) -> Result<()> {
        FORMAT.clone_into(&mut state.format);
        let bytes = serde_json::to_vec(state).expect("a state has names for keys and no strange numbers");
        let files = &self.host.files;
        let new = with_ending(&self.path, "new");
        match files.remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::state("remove", &new, error));
            }
            _ => {}
        }
        let failed = |error: std::io::Error| Error::state("write", &new, error);
        let file = files.open(&new, OpenMode::CreateNew).map_err(failed)?;
        file.write_all_at(&bytes, 0).and_then(|()| file.sync_data()).map_err(failed)?;
        files.rename(&new, &self.path).map_err(|error| Error::state("rename", &new, error))?;
        let directory = directory_of(&self.path);
        files.sync_dir(directory).map_err(|error| Error::state("sync", directory, error))
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_whole_and_is_held_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let (host, path) = (Host::os(), dir.path().join("watch/state.json"));
        let file = StateFile::take(&host, &path).unwrap();
        assert!(file.read().unwrap().is_none());
        let mut state = State { next_seq: 7, alerts: 2, ..State::default() };
        state.raised.insert("x".into(), Raised { at: Timestamp(5), suppressed: 1 });
        file.write(&mut state).unwrap();
        file.write(&mut state).unwrap();
        let read = file.read().unwrap().unwrap();
        assert_eq!((read.next_seq, read.alerts, read.raised["x"].at), (7, 2, Timestamp(5)));
        assert!(matches!(StateFile::take(&host, &path), Err(Error::Watched { .. })));
        for wrong in ["{", "{}", &serde_json::to_string(&state).unwrap().replace("state 1", "state 9")] {
            std::fs::write(&path, wrong).unwrap();
            let said = file.read().unwrap_err().to_string();
            assert!(said.contains("move it away"), "{said}");
        }
        drop(file);
        StateFile::take(&host, &path).unwrap();
    }
}
