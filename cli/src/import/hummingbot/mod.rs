//! The log of a Hummingbot instance to events; every line is accounted for.
//!
//! A record begins with `YYYY-MM-DD HH:MM:SS,mmm - PID - LOGGER - LEVEL - MESSAGE`; a line that does not begins no
//! record and continues the one before it (a traceback). So a record is complete when the next one begins, or the
//! file ends, and is held until then.
//!
//! ```text
//! header     a line         ─▶ time, process, logger, level, message; or it continues a record
//! event_log  EVENT_LOG JSON ─▶ the steps of orders and their fills
//! text       other messages ─▶ what happened around them, never a step: so no step is counted twice
//! orders     what earlier lines said of an order, for those that only name it
//! ```
//!
//! A text beyond [`TEXT_BYTES_MAX`] is not cut: what is left follows in events `log_continuation` of the same time,
//! numbered by `part`.

mod event_log;
mod header;
mod orders;
mod text;
mod traceback;

use blotter::event::{Category, Level, Timestamp};
use chrono_tz::Tz;

use self::header::Header;
use self::orders::Orders;
use super::cut;
use super::draft::Draft;
use super::intake::{Intake, LineParser, Taken};
use super::time;
use crate::outcome::Failure;

/// Longest text of one field, in bytes: two of them fit an event beside all else it says.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Follows one log.
pub(crate) struct Hummingbot {
    zone: Tz,
    held: Option<Held>,
    memory: Memory,
}

/// What earlier records said that later ones leave out.
#[derive(Default)]
struct Memory {
    process: i64,
    /// The strategy this process runs: Hummingbot runs one.
    strategy: Option<String>,
    orders: Orders,
}

/// A record whose end has not been seen.
struct Held {
    line: u64,
    record: Record,
    /// Lines that followed, each after a line feed.
    continuation: String,
    /// Parts handed on.
    parts: i64,
}

/// The first line of a record, read.
struct Record {
    ts: Timestamp,
    /// The clock showed this time twice.
    is_ambiguous: bool,
    process: i64,
    logger: String,
    level: String,
    message: String,
}

impl Record {
    fn read(header: &Header<'_>, zone: Tz) -> Result<Record, String> {
        let (ts, is_single) = time::of_clock(header.clock()?, zone)?;
        Ok(Record {
            ts,
            is_ambiguous: !is_single,
            process: header.process,
            logger: header.logger.to_owned(),
            level: header.level.to_owned(),
            message: header.message.to_owned(),
        })
    }

    /// Levels between those of others are told by what Hummingbot uses them for.
    fn level(&self) -> Level {
        match self.level.as_str() {
            "DEBUG" => Level::Debug,
            "WARNING" | "NETWORK" => Level::Warn,
            "ERROR" => Level::Error,
            "CRITICAL" => Level::Critical,
            _ => Level::Info,
        }
    }

    /// Adds what every event of the record says.
    fn frame<'a>(&'a self, draft: Draft<'a>) -> Draft<'a> {
        let draft = draft.text("component", &self.logger).whole("process_id", self.process);
        let draft = match self.level.as_str() {
            "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL" => draft,
            level => draft.text("source_level", level),
        };
        if self.is_ambiguous { draft.flag("ts_ambiguous", true) } else { draft }
    }
}

impl Hummingbot {
    /// Reads a log whose times are of a clock in `zone`.
    pub(crate) fn new(zone: Tz) -> Hummingbot {
        Hummingbot { zone, held: None, memory: Memory::default() }
    }

    fn begin(&mut self, number: u64, header: &Header<'_>, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        self.end(intake)?;
        match Record::read(header, self.zone) {
            Ok(record) => {
                let held = Held { line: number, record, continuation: String::new(), parts: 0 };
                self.held = Some(held);
                Ok(Taken::Record)
            }
            Err(reason) => Ok(Taken::Bad(reason)),
        }
    }

    fn continue_with(&mut self, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        let Some(held) = &mut self.held else {
            return Ok(if line.trim_ascii().is_empty() {
                Taken::Blank
            } else {
                Taken::Bad(format!(
                    "it does not begin with 'YYYY-MM-DD HH:MM:SS,mmm - PID - LOGGER - LEVEL - ', and no record \
                     is before it that it could continue: {line:?}"
                ))
            });
        };
        if held.continuation.len() + 1 + line.len() > TEXT_BYTES_MAX {
            held.hand_on(&mut self.memory, intake)?;
        }
        held.continuation.push('\n');
        held.continuation += line;
        Ok(Taken::Continuation)
    }
}

impl LineParser for Hummingbot {
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        match header::parse(line) {
            Some(header) => self.begin(number, &header, intake),
            None => self.continue_with(line, intake),
        }
    }

    fn unreadable(&mut self, number: u64, intake: &mut dyn Intake) -> Result<(), Failure> {
        // It may begin a record or continue one: whoever reads the one before it is told.
        if self.held.is_some() {
            self.continue_with(&format!("[line {number} of the file could not be read]"), intake)?;
        }
        Ok(())
    }

    fn end(&mut self, intake: &mut dyn Intake) -> Result<(), Failure> {
        match self.held.take() {
            // All of it may be handed on already.
            Some(held) if held.parts > 0 && held.continuation.is_empty() => Ok(()),
            Some(mut held) => held.hand_on(&mut self.memory, intake),
            None => Ok(()),
        }
    }
}

impl Held {
    /// Hands on what is held: as the event of the record first, then as its continuation.
    fn hand_on(&mut self, memory: &mut Memory, intake: &mut dyn Intake) -> Result<(), Failure> {
        let continuation = std::mem::take(&mut self.continuation);
        let mut rest = continuation.strip_prefix('\n').unwrap_or(&continuation);
        if self.parts == 0 {
            let (message, message_rest) = cut(&self.record.message, TEXT_BYTES_MAX);
            let head = if message_rest.is_empty() { cut(rest, TEXT_BYTES_MAX).0 } else { "" };
            rest = &rest[head.len()..];
            let has_failed = traceback::is_traceback(head);
            let draft = memory.read(&self.record, message, has_failed, self.line, intake);
            let draft = self.record.frame(traceback::add(draft, head, message));
            intake.event(self.line, &draft.finish())?;
            self.parts = 1;
            further_parts(&self.record, self.line, &mut self.parts, message_rest, intake)?;
        }
        further_parts(&self.record, self.line, &mut self.parts, rest, intake)
    }
}

fn further_parts(
    record: &Record,
    line: u64,
    parts: &mut i64,
    mut rest: &str,
    intake: &mut dyn Intake,
) -> Result<(), Failure> {
    while !rest.is_empty() {
        let (part, after) = cut(rest, TEXT_BYTES_MAX);
        rest = after;
        *parts += 1;
        let draft = Draft::new(record.ts, Category::SYSTEM, record.level(), "log_continuation")
            .whole("part", *parts)
            .message(part);
        intake.event(line, &record.frame(draft).finish())?;
    }
    Ok(())
}

impl Memory {
    /// The event of a record, without what its continuation adds.
    fn read<'a>(
        &mut self,
        record: &'a Record,
        message: &'a str,
        has_failed: bool,
        line: u64,
        intake: &mut dyn Intake,
    ) -> Draft<'a> {
        if record.process != self.process {
            *self = Memory { process: record.process, ..Memory::default() };
        }
        let strategy = record.logger.strip_prefix("hummingbot.strategy.");
        if let Some((strategy, _)) = strategy.and_then(|rest| rest.split_once('.')) {
            self.strategy = Some(strategy.to_owned());
        }
        if record.level == "EVENT_LOG" {
            match event_log::read(self, record, message) {
                Ok(draft) => {
                    // What an order came to cannot be told without them.
                    for name in ["price", "amount", "base_asset_amount", "quote_asset_amount"] {
                        if draft.value("order_id").is_some() && draft.value(&format!("{name}_text")).is_some()
                        {
                            intake
                                .doubt(line, &format!("its {name} is no number, and is kept as {name}_text"));
                        }
                    }
                    return draft;
                }
                Err(reason) => intake.doubt(line, &format!("its EVENT_LOG could not be read: {reason}")),
            }
        }
        text::read(self, record, message, has_failed)
    }
}

#[cfg(test)]
mod tests;
