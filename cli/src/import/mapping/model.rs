//! What the file of a mapping says, checked.

use blotter::event::{Category, Level};
use chrono_tz::Tz;
use regex::Regex;

use super::value::{Kind, TimeFormat};
use crate::import::FieldValue;

/// What a mapping says.
pub(super) struct Mapping {
    pub(super) source: Source,
    pub(super) time: Time,
    pub(super) base: Rule,
    /// Columns that are not kept.
    pub(super) ignore: Vec<Named>,
    pub(super) track: Option<Track>,
    pub(super) rules: Vec<Rule>,
}

/// A name and the line it stands in.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) line: usize,
}

/// How a line is cut into columns.
pub(super) struct Source {
    pub(super) kind: SourceKind,
    /// A column that holds a JSON object, whose members are columns.
    pub(super) json: Option<Named>,
    /// Texts that stand for no value.
    pub(super) empty: Vec<String>,
    /// How a column without a type of its own is read.
    pub(super) default_kind: Kind,
}

pub(super) enum SourceKind {
    /// Names of columns, if the first line does not have them.
    Csv {
        delimiter: u8,
        columns: Option<Vec<String>>,
    },
    Pattern(Regex),
    Json,
}

pub(super) struct Time {
    pub(super) columns: Vec<Named>,
    pub(super) format: TimeFormat,
    pub(super) zone: Tz,
}

/// What becomes of a record, or of those that match.
#[derive(Default)]
pub(super) struct Rule {
    pub(super) matches: Vec<Condition>,
    pub(super) category: Option<Category>,
    pub(super) level: Option<Level>,
    pub(super) event: Option<String>,
    pub(super) set: Vec<(String, FieldValue<'static>)>,
    pub(super) columns: Vec<Column>,
    /// Only those whose tracked column has risen, fallen or stayed; any, if it is empty.
    pub(super) moved: Vec<Moved>,
    pub(super) tracks: bool,
    pub(super) ends: bool,
}

/// How a tracked column has changed since the record before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    Up,
    Down,
    Same,
}

/// A column and the values it must have one of.
pub(super) struct Condition {
    pub(super) column: Named,
    pub(super) values: Vec<String>,
}

/// What becomes of a column.
pub(super) struct Column {
    pub(super) from: Named,
    pub(super) name: String,
    pub(super) kind: Option<Kind>,
    pub(super) values: Vec<(String, String)>,
    /// Whether a value that is not among them stays as it is.
    pub(super) keeps_others: bool,
}

/// A column whose changes are told, per value of another.
pub(super) struct Track {
    pub(super) key: Named,
    pub(super) column: Named,
    /// Field for the change, signed.
    pub(super) change: Option<String>,
    /// Field for how much it fell, if it did.
    pub(super) fall: Option<String>,
}

impl Mapping {
    /// Every column that is named anywhere, with its line.
    pub(super) fn named_columns(&self) -> impl Iterator<Item = &Named> {
        let rules = || std::iter::once(&self.base).chain(&self.rules);
        let track = self.track.iter().flat_map(|track| [&track.key, &track.column]);
        (self.time.columns.iter())
            .chain(&self.ignore)
            .chain(track)
            .chain(rules().flat_map(|rule| rule.matches.iter().map(|condition| &condition.column)))
            .chain(rules().flat_map(|rule| rule.columns.iter().map(|column| &column.from)))
    }
}
