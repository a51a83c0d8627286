//! What detectors know of each strategy, symbol or recorder: bounded, and in an order that is the same each time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most subjects that a detector follows; those that come later are not looked at, which is told.
pub(crate) const SUBJECTS_MAX: usize = 10_000;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct Subjects<T> {
    known: BTreeMap<String, T>,
    /// Events of subjects that are not followed.
    pub(crate) overlooked: u64,
}

impl<T> Default for Subjects<T> {
    fn default() -> Subjects<T> {
        Subjects { known: BTreeMap::new(), overlooked: 0 }
    }
}

impl<T> Subjects<T> {
    /// That of a name, made if it is new and there is room.
    #[inline]
    pub(crate) fn of(&mut self, name: &str, make: impl FnOnce() -> T) -> Option<&mut T> {
        if !self.known.contains_key(name) {
            if self.known.len() >= SUBJECTS_MAX {
                self.overlooked += 1;
                return None;
            }
            self.known.insert(name.to_owned(), make());
        }
        self.known.get_mut(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.known.get_mut(name)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut T)> {
        self.known.iter_mut().map(|(name, subject)| (name.as_str(), subject))
    }
}

/// Joins two names to the name of a subject.
pub(crate) fn join(scratch: &mut String, first: &str, second: &str) {
    scratch.clear();
    scratch.push_str(first);
    scratch.push(SEPARATOR);
    scratch.push_str(second);
}

/// The two names again.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.split_once(SEPARATOR).unwrap_or((name, ""))
}

/// A character that no name of a strategy or symbol holds.
const SEPARATOR: char = '\u{1f}';

/// Pairs of a field and its value, without those that have none.
pub(crate) fn subject(pairs: &[(&'static str, &str)]) -> Vec<(std::borrow::Cow<'static, str>, String)> {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| ((*name).into(), (*value).to_owned())).collect()
}
