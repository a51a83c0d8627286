//! Queries saved under names: a file of lines `name<TAB>query`, in which line ends are `\n` and backslashes doubled.
//!
//! It is read anew each time, so that sessions see what others have saved, and replaced as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::state::create_private;

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Longest name.
const NAME_BYTES_MAX: usize = 64;

/// See the module. Without a file they are kept for the session.
#[derive(Debug, Default)]
pub(super) struct Saved {
    path: Option<PathBuf>,
    kept: BTreeMap<String, String>,
}

impl Saved {
    pub(super) fn new(path: Option<PathBuf>) -> Saved {
        Saved { path, kept: BTreeMap::new() }
    }

    /// Whether they outlive the session.
    pub(super) fn has_file(&self) -> bool {
        self.path.is_some()
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of these.
    pub(super) fn all(&self) -> io::Result<BTreeMap<String, String>> {
        let Some(path) = &self.path else { return Ok(self.kept.clone()) };
        let text = match fs::metadata(path) {
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
                let message = format!("it has more than {FILE_BYTES_MAX} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            Ok(_) => fs::read_to_string(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut all = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let Some((name, query)) = line.split_once('\t') else {
                let message = format!("line {} has no tab between name and query", at + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            };
            all.insert(name.to_owned(), unescape(query));
        }
        Ok(all)
    }

    /// Saves a query, in place of one of the same name, which it gives back.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn save(&mut self, name: &str, query: &str) -> io::Result<Option<String>> {
        let mut all = self.all()?;
        let replaced = all.insert(name.to_owned(), query.to_owned());
        if let Some(path) = &self.path {
            create_private(path)?;
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or(".".as_ref()))?;
            for (name, query) in &all {
                writeln!(file, "{name}\t{}", escape(query))?;
            }
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
        } else {
            self.kept = all;
        }
        Ok(replaced)
    }
}

/// Whether a query can be saved under a name.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_part)
}

fn escape(query: &str) -> String {
    query.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(written: &str) -> String {
    let mut query = String::new();
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => query.push('\n'),
                Some('r') => query.push('\r'),
                Some(c) => query.push(c),
                None => query.push('\\'),
            },
            c => query.push(c),
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_again_by_any_session() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/history.saved");
        let queries = [("one", "message ~ \"\\\\d+\\n\"\n| head 5\r"), ("two-2", "\tx \\")];
        let mut saved = Saved::new(Some(path.clone()));
        assert!(saved.all().unwrap().is_empty());
        for (name, query) in queries {
            assert_eq!(saved.save(name, "something else").unwrap(), None);
            assert_eq!(saved.save(name, query).unwrap().as_deref(), Some("something else"));
        }
        let other = Saved::new(Some(path.clone())).all().unwrap();
        assert_eq!(
            other.iter().map(|(name, query)| (name.as_str(), query.as_str())).collect::<Vec<_>>(),
            queries
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "no tab").unwrap();
        assert!(saved.all().unwrap_err().to_string().contains("line 1"));
        assert!(saved.save("x", "y").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "no tab");
    }

    #[test]
    fn without_a_file_they_last_for_the_session() {
        let mut saved = Saved::new(None);
        assert_eq!(saved.save("a", "b").unwrap(), None);
        assert_eq!(saved.all().unwrap()["a"], "b");
        assert!(!saved.has_file());
    }

    #[test]
    fn names_are_words() {
        for (name, expected) in
            [("slow_fills-2", true), ("", false), ("a b", false), ("ü", false), ("a\tb", false)]
        {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
