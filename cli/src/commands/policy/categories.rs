//! The categories of a database, so that one that is misspelt is not taken for a new one.

use std::collections::BTreeSet;

use blotter::event::Category;
use blotter::ledger::Ledger;
use blotter::segment::Projection;
use blotter::{Predicate, Snapshot};

use crate::args::values::nearest;
use crate::commands::stats::first_unsealed_seq;
use crate::outcome::Failure;

/// Built-in ones, and those that have events or a policy.
pub(crate) struct Categories(BTreeSet<String>);

impl Categories {
    /// Those of a snapshot and a ledger.
    pub(crate) fn of(snapshot: &Snapshot, ledger: &Ledger) -> Categories {
        let mut names: BTreeSet<String> =
            Category::built_in().map(|category| category.name().to_owned()).collect();
        names.extend(ledger.policies().map(|(name, _)| name.to_owned()));
        names.extend(snapshot.segments().map(|segment| segment.category.clone()));
        let unsealed = Predicate::all().seq_between(first_unsealed_seq(snapshot), u64::MAX);
        for event in snapshot.scan(&unsealed, &Projection::fields([])) {
            if !names.contains(event.category.name()) {
                names.insert(event.category.name().to_owned());
            }
        }
        Categories(names)
    }

    /// These and no others.
    #[cfg(test)]
    pub(super) fn named<const N: usize>(names: [&str; N]) -> Categories {
        Categories(names.map(str::to_owned).into())
    }

    /// All of them, by name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a name is that of a category, or may be that of a new one; why not.
    pub(crate) fn refusal(&self, name: &str, new_is_meant: bool) -> Option<String> {
        let unknown = self.unknown(name)?;
        match (is_well_formed(name), new_is_meant) {
            (true, true) => None,
            (true, false) => Some(format!("{unknown} --new-category takes it all the same")),
            (false, _) => Some(unknown),
        }
    }

    /// Why a name is not one of these.
    fn unknown(&self, name: &str) -> Option<String> {
        if self.0.contains(name) {
            return None;
        }
        if !is_well_formed(name) {
            return Some(format!(
                "'{name}' is no category; a name is of a-z, 0-9 and _, and starts with a letter"
            ));
        }
        let hint = match nearest(name, self.names()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => format!("there are {}.", self.names().collect::<Vec<_>>().join(", ")),
        };
        Some(format!("no event has the category '{name}'; {hint}"))
    }

    /// Whether a name is that of a category, as a usage error.
    pub(crate) fn check_known(&self, name: &str) -> Result<(), Failure> {
        self.unknown(name).map_or(Ok(()), |unknown| Err(Failure::Usage(unknown)))
    }

    /// As [`Categories::refusal`], as a usage error.
    pub(crate) fn check(&self, name: &str, new_is_meant: bool) -> Result<(), Failure> {
        self.refusal(name, new_is_meant).map_or(Ok(()), |refusal| Err(Failure::Usage(refusal)))
    }
}

fn is_well_formed(name: &str) -> bool {
    name.len() <= blotter::limits::CATEGORY_NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
