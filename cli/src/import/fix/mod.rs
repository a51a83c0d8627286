//! A log of FIX messages to events, 4.0 to 5.0.
//!
//! ```text
//! message  a line      ─▶ messages: tags and values, length and checksum verified
//! prefix   what a log put before a message: its time, and the rest
//! steps    a message   ─▶ what it says of which order
//! tags     a tag       ─▶ the name of its field
//! ```
//!
//! The time of an event is the one the log put before the message, a clock in `--tz`, else SendingTime (52), else
//! TransactTime (60). Fields have the names of [`tags`]; unknown tags are `fix.TAG`; further values of a repeated
//! tag are `NAME.2`, `NAME.3`, ... The message is kept whole in `raw`. One with a wrong length or checksum is kept, told
//! and marked `length_valid` or `checksum_valid` false.

mod message;
mod prefix;
mod steps;
mod tags;

use blotter::event::{Timestamp, parse_decimal};
use blotter::limits::STRING_BYTES_MAX;
use chrono_tz::Tz;

use self::message::Message;
use self::prefix::Prefix;
use self::steps::{Step, Steps};
use self::tags::Kind;
use super::draft::Draft;
use super::intake::{Intake, LineParser, Taken};
use super::{FieldValue, cut};
use crate::outcome::Failure;

/// Follows one log.
pub(crate) struct Fix {
    zone: Tz,
    steps: Steps,
}

impl Fix {
    /// Reads a log whose own times are of a clock in `zone`; times in messages are UTC.
    pub(crate) fn new(zone: Tz) -> Fix {
        Fix { zone, steps: Steps::default() }
    }
}

impl LineParser for Fix {
    fn line(&mut self, number: u64, line: &str, intake: &mut dyn Intake) -> Result<Taken, Failure> {
        if line.trim_ascii().is_empty() {
            return Ok(Taken::Blank);
        }
        let Some(mut at) = message::begin(line) else {
            return Ok(Taken::Bad("there is no FIX message in it: nothing begins with 8=FIX".to_owned()));
        };
        let prefix = match Prefix::read(&line[..at], self.zone) {
            Ok(prefix) => prefix,
            Err(reason) => return Ok(Taken::Bad(reason)),
        };
        let mut is_first = true;
        loop {
            let (message, length) = match message::parse(&line[at..]) {
                Ok(parsed) => parsed,
                Err(reason) if is_first => return Ok(Taken::Bad(reason)),
                // What came before it in the line is kept.
                Err(reason) => {
                    intake.refuse(number, &reason);
                    return Ok(Taken::Record);
                }
            };
            let rest = &line[at + length..];
            let next = message::begin(rest);
            let suffix = rest[..next.unwrap_or(rest.len())].trim();
            match self.message(number, &prefix, &message, suffix, intake)? {
                Err(reason) if is_first && next.is_none() => return Ok(Taken::Bad(reason)),
                Err(reason) => intake.refuse(number, &reason),
                Ok(()) => {}
            }
            let Some(next) = next else { return Ok(Taken::Record) };
            at += length + next;
            is_first = false;
        }
    }
}

impl Fix {
    fn message(
        &mut self,
        line: u64,
        prefix: &Prefix<'_>,
        message: &Message<'_>,
        suffix: &str,
        intake: &mut dyn Intake,
    ) -> Result<Result<(), String>, Failure> {
        let Some(ts) = prefix.ts.or_else(|| time_of(message, 52)).or_else(|| time_of(message, 60)) else {
            let reason = "there is no time: none is before the message, and neither 52 nor 60 is one";
            return Ok(Err(reason.to_owned()));
        };
        if message.get(35).is_none() {
            return Ok(Err("the message has no type (35)".to_owned()));
        }
        if let Some(doubt) = &message.doubt {
            intake.doubt(line, doubt);
        }
        for step in self.steps.of(message) {
            let mut draft = event(ts, message, &step);
            for (name, text) in [("log_prefix", prefix.rest), ("log_suffix", suffix)] {
                if !text.is_empty() {
                    draft.add(name, FieldValue::Text(text.into()));
                }
            }
            if prefix.is_ambiguous {
                draft.add("ts_ambiguous", FieldValue::Bool(true));
            }
            intake.event(line, &draft.finish())?;
        }
        Ok(Ok(()))
    }
}

/// A time of the message, which is UTC.
fn time_of(message: &Message<'_>, tag: u32) -> Option<Timestamp> {
    prefix::fix_time(message.get(tag)?)
}

/// The event of one step, with all that the message says.
fn event<'a>(ts: Timestamp, message: &Message<'a>, step: &Step<'a>) -> Draft<'a> {
    let mut draft = Draft::new(ts, step.category, step.level, step.name);
    for (name, text) in &step.fields {
        draft.add(*name, FieldValue::Text(text.clone()));
    }
    let mut counts: Vec<(u32, u32)> = Vec::with_capacity(message.fields.len());
    for (tag, value) in &message.fields {
        let count = match counts.iter_mut().find(|(seen, _)| seen == tag) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                counts.push((*tag, 1));
                1
            }
        };
        add(&mut draft, message, step, *tag, value, count);
    }
    for (name, is_valid) in
        [("length_valid", message.length_is_valid), ("checksum_valid", message.checksum_is_valid)]
    {
        if is_valid == Some(false) {
            draft.add(name, FieldValue::Bool(false));
        }
    }
    let mut raw = message.raw;
    while !raw.is_empty() {
        let (part, rest) = cut(raw, STRING_BYTES_MAX);
        draft.add_next("raw", FieldValue::Text(part.into()));
        raw = rest;
    }
    let sentence = step.sentence(&draft);
    draft.message(sentence)
}

/// Adds the value of one tag, the `count`th of it.
fn add<'a>(
    draft: &mut Draft<'a>,
    message: &Message<'a>,
    step: &Step<'a>,
    tag: u32,
    value: &'a str,
    count: u32,
) {
    let has_said = |text: &str| step.fields.iter().any(|(_, said)| said == text);
    let word = |found: Option<&'static str>| FieldValue::Text(found.unwrap_or(value).into());
    match tag {
        // They are of the message, not of what it says; `raw` has them.
        9 | 10 => return,
        // The step has told what they are.
        11 | 41 if has_said(value) => return,
        // The average of nothing.
        6 if message.get(14).is_some_and(is_zero) => return,
        40 => return draft.add("order_type", word(tags::order_type(value))),
        59 => return draft.add("time_in_force", word(tags::time_in_force(value))),
        39 => return draft.add("exchange_status", word(tags::exchange_status(value))),
        54 if count == 1 => {
            let (side, detail) = tags::side(value);
            draft.add("side", word(side));
            if let Some(detail) = detail {
                draft.add("side_detail", FieldValue::Text(detail.into()));
            }
            return;
        }
        _ => {}
    }
    let Some((name, kind)) = tags::of(tag) else {
        return draft.add_next(&format!("fix.{tag}"), FieldValue::Text(value.into()));
    };
    let name = match tag {
        31 if step.is_fill => "fill_price",
        32 if step.is_fill => "fill_quantity",
        // A rate is not an amount of money.
        12 if message.get(13).is_some_and(|kind| kind != "3") => "commission_rate",
        _ => name,
    };
    match typed(name, kind, value) {
        Some(value) => draft.add_next(name, value),
        // It is not what it should be, and kept as it is.
        None => draft.add_next(&format!("fix.{tag}"), FieldValue::Text(value.into())),
    }
}

fn typed<'a>(name: &str, kind: Kind, value: &'a str) -> Option<FieldValue<'a>> {
    Some(match kind {
        Kind::Text => FieldValue::Text(value.into()),
        Kind::Decimal => FieldValue::Decimal(parse_decimal(name, value).ok()?),
        Kind::Whole => FieldValue::I64(value.parse().ok()?),
        Kind::Time => FieldValue::Text(prefix::fix_time(value)?.to_string().into()),
        Kind::Flag => FieldValue::Bool(match value {
            "Y" => true,
            "N" => false,
            _ => return None,
        }),
    })
}

fn is_zero(value: &str) -> bool {
    parse_decimal("quantity", value).is_ok_and(|value| value.is_zero())
}

#[cfg(test)]
mod tests;
