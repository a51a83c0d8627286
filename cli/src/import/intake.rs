//! What becomes of every line of the input. A parser says it of each line, and hands on the events that a record
//! became, which may be later than its last line and more than one. So the sum holds at any time:
//!
//! ```text
//! lines = records + continuation + header + blank + bad
//! ```

use super::ParsedEvent;
use super::bad::BadLines;
use super::jsonl;
use super::lobster::Lobster;
use super::sink::Sink;
use crate::outcome::{Failure, say};

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A record, or the first line of one.
    Record,
    /// It belongs to the record before it, which keeps it.
    Continuation,
    /// It says what the lines after it hold.
    Header,
    /// It holds nothing.
    Blank,
    /// It could not be read: why.
    Bad(String),
}

/// Reads the lines of one format.
pub(crate) trait LineParser {
    /// Takes a line, numbered from 1 in its file.
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure>;

    /// A line could not be read as text, and is told as bad: a record that goes on over it is not whole.
    fn unreadable(&mut self, _number: u64, _intake: &mut dyn Intake) -> Result<(), Failure> {
        Ok(())
    }

    /// A file has ended: what was held until a further line could complete it is complete.
    fn end(&mut self, _intake: &mut dyn Intake) -> Result<(), Failure> {
        Ok(())
    }
}

/// Takes what a parser makes of lines.
pub(crate) trait Intake {
    /// An event that the record which begins at `line` became.
    fn event(&mut self, line: u64, event: &ParsedEvent<'_>) -> Result<(), Failure>;

    /// The record which begins at `line` could not be read after all.
    fn refuse(&mut self, line: u64, reason: &str);

    /// The record which begins at `line` is kept, but something is wrong with it.
    fn doubt(&mut self, line: u64, reason: &str);
}

/// What was read so far.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) lines: u64,
    pub(crate) events: u64,
    /// Records, those refused later included.
    begun: u64,
    /// Records refused after their first line was counted.
    refused: u64,
    continuation: u64,
    header: u64,
    blank: u64,
    bad_at_once: u64,
    /// Kept, with something wrong.
    doubted: u64,
    reports: BadLines,
}

impl Counts {
    /// Lines that could not be kept.
    pub(crate) fn bad(&self) -> u64 {
        self.bad_at_once + self.refused
    }

    /// Whether all lines could be kept and nothing was wrong with them.
    pub(crate) fn is_clean(&self) -> bool {
        self.bad() + self.doubted == 0
    }

    /// The sum in words, and what to say about reports that were not shown.
    pub(crate) fn summary(&self, verb: &str) -> (String, Option<String>) {
        let records = self.begun - self.refused;
        let kept = records + self.continuation + self.header + self.blank;
        assert!(self.lines == kept + self.bad(), "{} lines, {kept} kept, {} bad", self.lines, self.bad());
        let mut text = format!("{} events {verb}, {} bad lines", self.events, self.bad());
        for (count, what) in [
            (self.continuation, "continuation lines"),
            (self.header, "header lines"),
            (self.blank, "blank lines"),
            (self.doubted, "records in doubt"),
        ] {
            if count > 0 {
                text += &format!(", {count} {what}");
            }
        }
        text += &format!(", of {} lines", self.lines);
        (text, self.reports.not_shown())
    }
}

/// Counts the lines of one file and hands its events to the sink.
pub(crate) struct Tally<'a, S, P> {
    pub(crate) sink: &'a mut S,
    pub(crate) counts: &'a mut Counts,
    /// The file, for messages.
    pub(crate) name: &'a str,
    /// Shows a report without spoiling the progress bar.
    pub(crate) show: P,
    /// The record refused last: of several events of it, the first that is refused counts.
    pub(crate) refused_line: Option<u64>,
}

impl<S: Sink, P: Fn(String)> Tally<'_, S, P> {
    /// Reads a line, or counts what is already known to be bad.
    pub(crate) fn line(
        &mut self,
        number: u64,
        line: Result<&str, String>,
        parser: &mut dyn LineParser,
    ) -> Result<(), Failure> {
        let taken = match line {
            Ok(line) => parser.line(number, line, self)?,
            Err(reason) => {
                parser.unreadable(number, self)?;
                Taken::Bad(reason)
            }
        };
        // Only now: a line during which everything ended is none.
        self.counts.lines += 1;
        match taken {
            Taken::Record => self.counts.begun += 1,
            Taken::Continuation => self.counts.continuation += 1,
            Taken::Header => self.counts.header += 1,
            Taken::Blank => self.counts.blank += 1,
            Taken::Bad(reason) => {
                self.counts.bad_at_once += 1;
                self.report(number, &reason);
            }
        }
        Ok(())
    }

    fn report(&mut self, line: u64, reason: &str) {
        if let Some(shown) = self.counts.reports.report(self.name, line, reason) {
            (self.show)(shown);
        }
    }
}

impl<S: Sink, P: Fn(String)> Intake for Tally<'_, S, P> {
    fn event(&mut self, line: u64, event: &ParsedEvent<'_>) -> Result<(), Failure> {
        match self.sink.put(event)? {
            Ok(()) => self.counts.events += 1,
            Err(reason) => self.refuse(line, &reason),
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, reason: &str) {
        if self.refused_line != Some(line) {
            self.refused_line = Some(line);
            self.counts.refused += 1;
        }
        self.report(line, reason);
    }

    fn doubt(&mut self, line: u64, reason: &str) {
        self.counts.doubted += 1;
        self.report(line, &format!("kept, but {reason}"));
    }
}

/// Says what was read.
pub(crate) fn say_summary(counts: &Counts, verb: &str, seconds: f64) {
    let (text, not_shown) = counts.summary(verb);
    if let Some(more) = not_shown {
        say(more);
    }
    say(format_args!("{text}, in {seconds:.2} s ({:.0} events/s)", counts.events as f64 / seconds.max(1e-9)));
}

/// JSON lines: each is a record or blank.
pub(crate) struct Jsonl;

impl LineParser for Jsonl {
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        one_event(number, line, intake, jsonl::parse)
    }
}

impl LineParser for Lobster {
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        one_event(number, line, intake, |line| self.parse(line))
    }
}

/// Takes a line of a format in which each line is one event.
fn one_event<'l>(
    number: u64,
    line: &'l str,
    intake: &mut dyn Intake,
    parse: impl FnOnce(&'l str) -> Result<ParsedEvent<'l>, String>,
) -> Result<Taken, Failure> {
    if line.trim_ascii().is_empty() {
        return Ok(Taken::Blank);
    }
    match parse(line) {
        Ok(event) => intake.event(number, &event).map(|()| Taken::Record),
        Err(reason) => Ok(Taken::Bad(reason)),
    }
}

/// What a parser made of some lines, for tests.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Collected {
    /// `LINE: event`, in the order handed on.
    pub(crate) events: Vec<String>,
    /// `LINE: reason`
    pub(crate) refused: Vec<String>,
    pub(crate) doubts: Vec<String>,
    pub(crate) taken: Vec<Taken>,
}

#[cfg(test)]
impl Intake for Collected {
    fn event(&mut self, line: u64, event: &ParsedEvent<'_>) -> Result<(), Failure> {
        // The engine's limits apply here too.
        match super::sink::DryRun::new().put(event)? {
            Ok(()) => self.events.push(format!("{line}: {}", super::draft::shown(event))),
            Err(reason) => self.refuse(line, &reason),
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, reason: &str) {
        self.refused.push(format!("{line}: {reason}"));
    }

    fn doubt(&mut self, line: u64, reason: &str) {
        self.doubts.push(format!("{line}: {reason}"));
    }
}

#[cfg(test)]
impl Collected {
    /// Reads lines to their end.
    pub(crate) fn read(parser: &mut dyn LineParser, text: &str) -> Collected {
        let mut collected = Collected::default();
        for (number, line) in (1..).zip(text.lines()) {
            let taken = parser.line(number, line, &mut collected).unwrap();
            collected.taken.push(taken);
        }
        parser.end(&mut collected).unwrap();
        collected
    }

    /// How many lines are what.
    pub(crate) fn count(&self, is: fn(&Taken) -> bool) -> usize {
        self.taken.iter().filter(|taken| is(taken)).count()
    }
}
