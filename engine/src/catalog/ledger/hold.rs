//! Legal holds: what must not be deleted until released.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::NAME_BYTES_MAX;
use crate::event::{Category, Timestamp};
use crate::limits::ID_BYTES_MAX;

/// Most values in a hold's query, those of all its lists together.
pub const HOLD_VALUES_MAX: usize = 10_000;
/// Most bytes of them, each counted with 8 more for its length: a hold is one record of the journal.
pub const HOLD_BYTES_MAX: usize = 1_000_000;

/// Identifies a hold: the number of the entry that placed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HoldId(pub u64);

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A hold. Every partition that has an event of it is kept whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// Name of the case.
    pub case: String,
    /// The events.
    pub query: HoldQuery,
}

/// Which events are held: those that meet every criterion given. A list is met by any of its values, an empty one by
/// every event; so is a query without any criterion.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HoldQuery {
    /// Events from this time on.
    pub from: Option<Timestamp>,
    /// Events up to this time, it included.
    pub until: Option<Timestamp>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Values of `symbol`.
    pub symbols: Vec<String>,
    /// Values of `order_id`.
    pub order_ids: Vec<String>,
    /// Values of `correlation_id`.
    pub correlation_ids: Vec<String>,
    /// Values of `strategy`.
    pub strategies: Vec<String>,
}

/// Why a hold is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct HoldRefused(pub String);

impl Hold {
    /// Whether it can be placed.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check(&self) -> Result<(), HoldRefused> {
        let bytes = self.case.len();
        if !(1..=NAME_BYTES_MAX).contains(&bytes) {
            return refused(format!("the case has {bytes} bytes, a name of one has 1 to {NAME_BYTES_MAX}"));
        }
        if self.case.contains(char::is_control) {
            return refused(format!(
                "the case '{}' has control characters; hint: name it in one line of plain text",
                self.case.escape_debug()
            ));
        }
        self.query.check()
    }
}

impl HoldQuery {
    /// Whether it is a question that can be asked, and kept.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check(&self) -> Result<(), HoldRefused> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from > until
        {
            return refused(format!("it begins at {from} but ends before, at {until}; hint: swap them"));
        }
        let lists = [
            ("category", &self.categories),
            ("symbol", &self.symbols),
            ("order_id", &self.order_ids),
            ("correlation_id", &self.correlation_ids),
            ("strategy", &self.strategies),
        ];
        let values: usize = lists.iter().map(|(_, values)| values.len()).sum();
        if values > HOLD_VALUES_MAX {
            return refused(format!(
                "it names {values} values, the most is {HOLD_VALUES_MAX}; hint: place several holds of one case"
            ));
        }
        for (field, values) in lists {
            if let Some(long) = values.iter().find(|value| value.len() > ID_BYTES_MAX) {
                return refused(format!(
                    "a value of '{field}' has {} bytes, the limit is {ID_BYTES_MAX}",
                    long.len()
                ));
            }
        }
        let bytes: usize = lists.iter().flat_map(|(_, values)| *values).map(|value| value.len() + 8).sum();
        if bytes > HOLD_BYTES_MAX {
            return refused(format!(
                "its values take {bytes} bytes, the most is {HOLD_BYTES_MAX}; hint: place several holds of one case"
            ));
        }
        match self.categories.iter().find(|name| !Category::is_well_formed(name)) {
            Some(name) => refused(format!(
                "'{}' is not a category; hint: a name is of a-z, 0-9 and _, and starts with a letter",
                name.escape_debug()
            )),
            None => Ok(()),
        }
    }
}

fn refused(text: String) -> Result<(), HoldRefused> {
    Err(HoldRefused(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize, bytes: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number:0bytes$}")).collect()
    }

    #[test]
    fn a_query_is_bounded() {
        let time = |text: &str| Some(text.parse().unwrap());
        type Spoil = Box<dyn Fn(&mut HoldQuery)>;
        let cases: [(Spoil, Option<&[&str]>); 10] = [
            (Box::new(|_| ()), None),
            (Box::new(|q| q.order_ids = names(10_000, 92)), None),
            (Box::new(|q| q.order_ids = names(10_000, 93)), Some(&["1010000", "1000000"])),
            (
                Box::new(|q| (q.order_ids, q.symbols) = (names(9_000, 5), names(1_001, 5))),
                Some(&["10001", "10000", "several holds"]),
            ),
            (Box::new(|q| q.strategies = vec!["x".repeat(256)]), None),
            (Box::new(|q| q.strategies = vec!["x".repeat(257)]), Some(&["strategy", "257", "256"])),
            (Box::new(|q| q.categories = vec!["order".into(), "../x".into()]), Some(&["'../x'"])),
            (Box::new(move |q| (q.from, q.until) = (time("2026-01-02T00:00:00Z"), q.from)), None),
            (
                Box::new(move |q| {
                    (q.from, q.until) = (time("2026-01-02T00:00:00Z"), time("2026-01-01T00:00:00Z"));
                }),
                Some(&["2026-01-02", "2026-01-01"]),
            ),
            (Box::new(move |q| (q.from, q.until) = (Some(Timestamp::MIN), Some(Timestamp::MIN))), None),
        ];
        for (index, (spoil, expected)) in cases.iter().enumerate() {
            let mut query = HoldQuery::default();
            spoil(&mut query);
            let hold = Hold { case: "2026-17".into(), query };
            match (hold.check(), expected) {
                (Ok(()), None) => {}
                (Err(HoldRefused(text)), Some(parts)) => {
                    assert!(parts.iter().all(|part| text.contains(part)), "{index}: {text:?}");
                }
                (found, expected) => panic!("{index}: {found:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn the_largest_hold_is_one_record_of_the_journal() {
        let query = HoldQuery { order_ids: names(10_000, 92), ..HoldQuery::default() };
        let hold = Hold { case: "x".repeat(NAME_BYTES_MAX), query };
        assert_eq!(hold.check(), Ok(()));
        let longest = super::super::REASON_BYTES_MAX + NAME_BYTES_MAX + 256;
        let bytes = crate::codec::encode(&hold).len() + longest;
        assert!(bytes < crate::catalog::LEDGER_ENTRY_BYTES_MAX, "{bytes}");
    }

    #[test]
    fn a_case_is_a_line_of_text() {
        for (case, is_sound) in [
            ("", false),
            ("x", true),
            ("SEC v. Desk – Müller", true),
            (&"x".repeat(1024), true),
            (&"x".repeat(1025), false),
            ("a\nb", false),
            ("a\u{9b}b", false),
        ] {
            let hold = Hold { case: case.to_owned(), query: HoldQuery::default() };
            assert_eq!(hold.check().is_ok(), is_sound, "{case:?}");
        }
    }
}
