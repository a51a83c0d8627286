//! Where a user's history and saved queries are kept.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The file of the history, for this user; `None` if none is wanted.
///
/// # Errors
/// The reason why there is no place for it.
pub(super) fn history_path() -> Result<Option<PathBuf>, &'static str> {
    history_path_in(|name| std::env::var_os(name))
}

fn history_path_in(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, &'static str> {
    if let Some(path) = variable("BLOTTER_HISTORY") {
        return Ok((!path.is_empty()).then(|| path.into()));
    }
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    match state {
        Some(state) => Ok(Some(state.join("blotter").join("history"))),
        None => Err("there is no home directory: no history is kept; BLOTTER_HISTORY can name a file for it"),
    }
}

/// The file of the saved queries, beside that of the history.
pub(super) fn saved_path(history: &Path) -> PathBuf {
    let mut path = history.as_os_str().to_owned();
    path.push(".saved");
    path.into()
}

/// Makes a file with the directories above it, for this user only, unless it is there.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        create_private_directories(parent)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn create_private_directories(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<Option<&str>>) {
        let variable = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        };
        let found = history_path_in(variable).ok();
        assert_eq!(found, expected.map(|path| path.map(PathBuf::from)), "{variables:?}");
    }

    #[test]
    fn history_has_its_place() {
        check(&[("HOME", "/home/a")], Some(Some("/home/a/.local/state/blotter/history")));
        check(&[("HOME", "/home/a"), ("XDG_STATE_HOME", "/s")], Some(Some("/s/blotter/history")));
        check(
            &[("HOME", "/home/a"), ("XDG_STATE_HOME", "s")],
            Some(Some("/home/a/.local/state/blotter/history")),
        );
        check(&[("HOME", "/home/a"), ("BLOTTER_HISTORY", "h")], Some(Some("h")));
        check(&[("HOME", "/home/a"), ("BLOTTER_HISTORY", "")], Some(None));
        check(&[], None);
        assert_eq!(saved_path(Path::new("/s/history")), Path::new("/s/history.saved"));
    }
}
