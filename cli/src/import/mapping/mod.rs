//! CSV and other lines to events, as a file of the user says.
//!
//! ```text
//! file    TOML                 ─▶ the mapping, or each mistake of it with its line
//! model   what a mapping says
//! source  lines                ─▶ columns of records: CSV, a pattern, JSON
//! value   the text of a column ─▶ the value of a field, the time of the event
//! apply   columns              ─▶ an event
//! ```
//!
//! Nothing is left out in silence: a column that the mapping does not name is a field under its own name, one that it
//! names in `ignore` is not, and a record that no rule is for is a bad line.

mod apply;
mod file;
mod model;
mod source;
mod value;

use std::path::Path;

use self::apply::Last;
use self::file::Mistake;
use self::model::Mapping;
use self::source::{Split, Splitter};
use super::intake::{Intake, LineParser, Taken};
use crate::outcome::Failure;

/// Reads lines as a mapping says.
pub(crate) struct Mapped {
    /// The file of the mapping, for messages.
    place: String,
    splitter: Splitter,
    mapping: Mapping,
    last: Last,
}

impl Mapped {
    /// Reads the file of a mapping; all that is wrong with it is one failure.
    pub(crate) fn load(path: &Path) -> Result<Mapped, Failure> {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::io("read", path, source))?;
        Mapped::new(&path.display().to_string(), &text)
    }

    fn new(place: &str, text: &str) -> Result<Mapped, Failure> {
        let mapping = Mapping::parse(text).map_err(|mistakes| refused(place, &mistakes))?;
        let splitter = Splitter::new(&mapping.source);
        Ok(Mapped { place: place.to_owned(), splitter, mapping, last: Last::new() })
    }
}

/// That a mapping cannot be used, one mistake a line.
fn refused(place: &str, mistakes: &[Mistake]) -> Failure {
    let lines = mistakes.iter().map(|mistake| format!("{place}:{}: {}", mistake.line, mistake.reason));
    Failure::Usage(lines.collect::<Vec<_>>().join("; "))
}

impl LineParser for Mapped {
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        let taken = |first| if first == number { Taken::Record } else { Taken::Continuation };
        match self.splitter.line(number, line) {
            Split::Blank => Ok(Taken::Blank),
            Split::Header => {
                let checked = self.mapping.check_header(self.splitter.header());
                checked.map_err(|mistake| refused(&self.place, &[mistake]))?;
                Ok(Taken::Header)
            }
            Split::Open(first) => Ok(taken(first)),
            Split::Refused(first, reason) if first == number => Ok(Taken::Bad(reason)),
            Split::Refused(first, reason) => {
                intake.refuse(first, &reason);
                Ok(Taken::Continuation)
            }
            Split::Record(first) => {
                let columns = self.splitter.columns(&self.mapping.source, line);
                match columns.and_then(|columns| self.mapping.event(columns, &mut self.last)) {
                    Ok(event) => intake.event(first, &event)?,
                    Err(reason) if first == number => return Ok(Taken::Bad(reason)),
                    Err(reason) => intake.refuse(first, &reason),
                }
                Ok(taken(first))
            }
        }
    }

    fn unreadable(&mut self, number: u64, intake: &mut dyn Intake) -> Result<(), Failure> {
        if let Some(line) = self.splitter.give_up() {
            intake.refuse(line, &format!("line {number}, which this record goes on over, could not be read"));
        }
        Ok(())
    }

    fn end(&mut self, intake: &mut dyn Intake) -> Result<(), Failure> {
        if let Some((line, reason)) = self.splitter.end() {
            intake.refuse(line, &reason);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
