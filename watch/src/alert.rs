//! An alert: a finding that somebody is told of.

use blotter_engine::control::{NewEvent, NewValue};
use blotter_engine::event::{Field, Timestamp, names};
use blotter_query::Tz;
use blotter_query::desk::detect::Finding;
use serde::{Deserialize, Serialize};

/// Bytes of a text of the event in the log; the limit of a message is higher.
const TEXT_BYTES_MAX: usize = 4096;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Number of it, from 1 on, over all runs of the watch.
    pub number: u64,
    /// When it was raised, by the time of the stream.
    pub at: Timestamp,
    /// What was found.
    pub finding: Finding,
    /// Alerts of the same rule and subject that were not raised since the last one.
    pub suppressed: u64,
}

impl Alert {
    /// As one JSON object on a line, without a line end: that of the finding, with `alert`, `at` and `suppressed`.
    pub fn to_json(&self) -> String {
        let finding = self.finding.to_json();
        let members = finding.strip_prefix('{').expect("a finding is an object");
        format!(
            "{{\"alert\":{},\"at\":\"{}\",\"suppressed\":{},{members}",
            self.number, self.at, self.suppressed
        )
    }

    /// As a line for people, in which nothing commands a terminal.
    pub fn to_line(&self) -> String {
        let mut line = self.finding.to_line(Tz::UTC);
        if self.suppressed > 0 {
            line.push_str(&format!(" ({} more since the last time)", self.suppressed));
        }
        line
    }

    /// As the event that tells of it in the log.
    pub(crate) fn to_event(&self) -> LoggedAlert {
        let finding = &self.finding;
        let mut fields = vec![
            ("rule".to_owned(), Logged::Text(finding.rule.clone())),
            ("finding".to_owned(), Logged::Text(cut(&finding.sentence))),
            ("alert".to_owned(), whole(self.number)),
            ("count".to_owned(), whole(finding.events.count)),
            ("suppressed".to_owned(), whole(self.suppressed)),
            ("found_at".to_owned(), Logged::Text(self.at.to_string())),
            ("message".to_owned(), Logged::Text(cut(&format!("{}: {}", finding.rule, finding.sentence)))),
        ];
        if let (Some(first), Some(last)) = (finding.events.first(), finding.events.last) {
            fields.push(("first_seq".to_owned(), whole(first.0)));
            fields.push(("last_seq".to_owned(), whole(last.0)));
        }
        for (name, value) in &finding.subject {
            // An event that has a name twice is refused: `event` is its own as well, and a subject may have
            // `subject_rule` beside `rule`.
            let is_taken = |name: &str| {
                Field::RESERVED.contains(&name)
                    || name == Field::EVENT.name()
                    || fields.iter().any(|(taken, _)| taken == name)
            };
            let mut name = name.to_string();
            while is_taken(&name) {
                name.insert_str(0, "subject_");
            }
            fields.push((name, Logged::Text(cut_to(value, 256))));
        }
        LoggedAlert { level: finding.level.name().to_owned(), fields }
    }
}

/// The event of an alert, as it is kept until it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoggedAlert {
    pub(crate) level: String,
    pub(crate) fields: Vec<(String, Logged)>,
}

/// A value of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Logged {
    Int(i64),
    Text(String),
}

impl LoggedAlert {
    /// As it is asked of the owner of the database.
    pub(crate) fn to_request(&self) -> NewEvent {
        let value = |value: &Logged| match value {
            Logged::Int(value) => NewValue::Int(*value),
            Logged::Text(text) => NewValue::Text(text.clone()),
        };
        NewEvent {
            category: "system".to_owned(),
            level: self.level.clone(),
            event: names::ALERT.to_owned(),
            fields: self.fields.iter().map(|(name, logged)| (name.clone(), value(logged))).collect(),
        }
    }
}

fn whole(number: u64) -> Logged {
    Logged::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn cut(text: &str) -> String {
    cut_to(text, TEXT_BYTES_MAX)
}

fn cut_to(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = (0..=bytes_max - 3).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}
