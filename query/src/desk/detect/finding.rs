//! What a detector says: what is wrong, where, by how much, and which events show it.

use std::borrow::Cow;

use blotter_engine::event::{Level, Seq, Timestamp};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use crate::datum::{Datum, escaped, write_json, write_json_text};
use crate::rows::{Picture, Rows};

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The name of the rule: that of the detector, unless it is one of your own.
    pub rule: String,
    /// How bad it is.
    pub level: Level,
    /// The first moment of it.
    pub first_ts: Timestamp,
    /// The last moment of it.
    pub last_ts: Timestamp,
    /// Whom it is about: pairs of a field and its value, e.g. `strategy` and `momentum`.
    pub subject: Vec<(Cow<'static, str>, String)>,
    /// The sentence for people.
    pub sentence: String,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The events that show it.
    pub events: NamedEvents,
}

/// Something that was measured, and what it was held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, with the unit last.
    pub name: Cow<'static, str>,
    /// What was measured.
    pub value: Datum,
    /// From where on it is a finding; null if it only explains the others.
    pub threshold: Datum,
}

impl Figure {
    /// A figure and its threshold.
    pub(crate) fn new(name: &'static str, value: impl Into<Datum>, threshold: impl Into<Datum>) -> Figure {
        Figure { name: name.into(), value: value.into(), threshold: threshold.into() }
    }

    /// A figure that explains the others.
    pub(crate) fn told(name: &'static str, value: impl Into<Datum>) -> Figure {
        Figure { name: name.into(), value: value.into(), threshold: Datum::Null }
    }
}

/// Events by their seq: the first ones each, of all of them the number.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct NamedEvents {
    /// Seqs of the first of them.
    pub seqs: Vec<Seq>,
    /// Seq of the last of them.
    pub last: Option<Seq>,
    /// How many there are.
    pub count: u64,
}

impl NamedEvents {
    /// Adds one; its seq is kept while there are fewer than `max`.
    pub(crate) fn add(&mut self, seq: Seq, max: usize) {
        if self.seqs.len() < max {
            self.seqs.push(seq);
        }
        self.last = Some(seq);
        self.count += 1;
    }

    /// One event.
    pub(crate) fn one(seq: Seq) -> NamedEvents {
        NamedEvents { seqs: vec![seq], last: Some(seq), count: 1 }
    }

    /// The first of them.
    pub fn first(&self) -> Option<Seq> {
        self.seqs.first().copied()
    }
}

/// What a stream of events has brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Whether it begins, ends, or is all at once.
    pub phase: Phase,
    /// What was found, as far as it is known by then.
    pub finding: Finding,
}

/// See [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It goes on.
    Begun,
    /// It was told of when it began, and is over.
    Ended,
    /// Begun and over.
    Whole,
}

/// Columns of findings as rows.
const COLUMNS: [&str; 10] =
    ["first_ts", "last_ts", "level", "rule", "subject", "finding", "count", "first_seq", "last_seq", "seqs"];

impl Finding {
    /// What it is about as text: `strategy=momentum symbol=AMZN`.
    pub fn subject_text(&self) -> String {
        let pairs: Vec<String> = self.subject.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    }

    /// What makes it the same finding again: the rule and the subject.
    pub fn key(&self) -> String {
        format!("{} {}", self.rule, self.subject_text())
    }

    /// As rows, which are shown as those of queries are.
    pub fn rows(findings: &[Finding], zone: chrono_tz::Tz) -> Rows {
        let seq = |seq: Option<Seq>| seq.map_or(Datum::Null, whole);
        Rows::of(
            Some(&COLUMNS),
            Picture::Table,
            zone,
            findings.iter().map(|finding| {
                let seqs: Vec<String> = finding.events.seqs.iter().map(Seq::to_string).collect();
                Ok(vec![
                    ("first_ts", Datum::Time(finding.first_ts)),
                    ("last_ts", Datum::Time(finding.last_ts)),
                    ("level", Datum::Level(finding.level)),
                    ("rule", Datum::from(finding.rule.as_str())),
                    ("subject", Datum::from(finding.subject_text().as_str())),
                    ("finding", Datum::from(finding.sentence.as_str())),
                    ("count", Datum::Int(i64::try_from(finding.events.count).unwrap_or(i64::MAX))),
                    ("first_seq", seq(finding.events.first())),
                    ("last_seq", seq(finding.events.last)),
                    ("seqs", Datum::from(seqs.join(" ").as_str())),
                ])
            }),
        )
    }

    /// As a line for people, without a line end; nothing in it commands a terminal.
    pub fn to_line(&self, zone: chrono_tz::Tz) -> String {
        let at =
            self.first_ts.to_datetime().with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut line = format!("{at} {} {}: {}", self.level, self.rule, self.sentence);
        let subject = self.subject_text();
        if !subject.is_empty() {
            line.push_str(&format!(" [{subject}]"));
        }
        match (self.events.first(), self.events.last) {
            (Some(first), Some(last)) if first == last => line.push_str(&format!(" (seq {first})")),
            (Some(first), Some(last)) => {
                line.push_str(&format!(" ({} events, seq {first} to {last})", self.events.count));
            }
            _ => {}
        }
        escaped(&line).to_string()
    }

    /// As one JSON object, without a line end.
    pub fn to_json(&self) -> String {
        let mut line = String::from("{\"rule\":");
        write_json_text(&self.rule, &mut line);
        let mut member = |name: &str, datum: &Datum| {
            line.push(',');
            write_json_text(name, &mut line);
            line.push(':');
            write_json(datum, &mut line);
        };
        member("level", &Datum::Level(self.level));
        member("first_ts", &Datum::Time(self.first_ts));
        member("last_ts", &Datum::Time(self.last_ts));
        member("finding", &Datum::from(self.sentence.as_str()));
        member("count", &whole(Seq(self.events.count)));
        member("first_seq", &self.events.first().map_or(Datum::Null, whole));
        member("last_seq", &self.events.last.map_or(Datum::Null, whole));
        line.push_str(",\"subject\":{");
        for (place, (name, value)) in self.subject.iter().enumerate() {
            line.push_str(if place > 0 { "," } else { "" });
            write_json_text(name, &mut line);
            line.push(':');
            write_json_text(value, &mut line);
        }
        line.push_str("},\"figures\":[");
        for (place, figure) in self.figures.iter().enumerate() {
            line.push_str(if place > 0 { ",{\"name\":" } else { "{\"name\":" });
            write_json_text(&figure.name, &mut line);
            line.push_str(",\"value\":");
            write_json(&figure.value, &mut line);
            line.push_str(",\"threshold\":");
            write_json(&figure.threshold, &mut line);
            line.push('}');
        }
        line.push_str("],\"seqs\":[");
        for (place, seq) in self.events.seqs.iter().enumerate() {
            line.push_str(if place > 0 { "," } else { "" });
            line.push_str(&seq.to_string());
        }
        line.push_str("]}");
        line
    }
}

fn whole(seq: Seq) -> Datum {
    Datum::Int(i64::try_from(seq.0).unwrap_or(i64::MAX))
}

/// Takes what detectors find.
#[derive(Debug, Default)]
pub(crate) struct Changes(pub(crate) Vec<Change>);

impl Changes {
    pub(crate) fn begun(&mut self, finding: Finding) {
        self.0.push(Change { phase: Phase::Begun, finding });
    }

    pub(crate) fn ended(&mut self, finding: Finding) {
        self.0.push(Change { phase: Phase::Ended, finding });
    }

    pub(crate) fn whole(&mut self, finding: Finding) {
        self.0.push(Change { phase: Phase::Whole, finding });
    }
}
