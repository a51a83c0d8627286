//! Detectors of your own: a query, and a threshold that a row of it must pass to be a finding.

use std::borrow::Cow;

use blotter_engine::event::{Level, Seq, Timestamp};

use super::finding::{Figure, Finding, NamedEvents};
use super::settings::EVENTS_NAMED;
use crate::api::{QueryOptions, Queryable};
use crate::datum::Datum;
use crate::desk::Period;
use crate::error::{ErrorKind, QueryError, Result};
use crate::rows::{Row, UnreadablePart};
use crate::syntax::ast::{Filter, FilterKind, Query, Spanned, Stage};
use crate::syntax::{self, Span};

/// Most rows that are findings of one detector.
const FINDINGS_MAX: usize = 1_000;

/// A detector of your own.
///
/// ```
/// use blotter_query::desk::detect::OwnDetector;
/// let own = OwnDetector::parse("detector slow_fills = category = fill lifecycle_ms > 5s, count > 20").unwrap();
/// assert_eq!((own.name.as_str(), own.threshold.as_str()), ("slow_fills", "count > 20"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OwnDetector {
    /// What its findings are called.
    pub name: String,
    /// The query. One without stages counts the events that match.
    pub query: String,
    /// A condition on its rows, e.g. `count > 5`.
    pub threshold: String,
    /// The level of its findings.
    pub level: Level,
}

/// What a detector of your own found.
#[derive(Debug, Default)]
pub struct OwnFindings {
    /// The findings, in the order of the rows.
    pub findings: Vec<Finding>,
    /// What there is to say of them.
    pub notes: Vec<String>,
    /// What could not be read.
    pub unreadable: Vec<UnreadablePart>,
}

impl OwnDetector {
    /// A detector of a query and a threshold; both are checked as far as they can be without a database.
    ///
    /// # Errors
    /// A name that is none, a query or threshold that is wrong.
    pub fn new(name: &str, query: &str, threshold: &str) -> Result<OwnDetector> {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !is_name {
            let message = format!("'{}' is no name for a detector", name.escape_debug());
            let error = QueryError::new(ErrorKind::Value, message);
            return Err(error.with_hint("write letters, digits, - and _"));
        }
        if super::Settings::NAMES.contains(&name) {
            let message = format!("there is a detector {name} already");
            return Err(QueryError::new(ErrorKind::Value, message).with_hint("take another name"));
        }
        let own = OwnDetector {
            name: name.to_owned(),
            query: query.trim().to_owned(),
            threshold: threshold.trim().to_owned(),
            level: Level::Warn,
        };
        own.parts()?;
        Ok(own)
    }

    /// `detector name = QUERY, THRESHOLD`, with or without the first word. The threshold is what stands after the last
    /// comma.
    ///
    /// # Errors
    /// As [`OwnDetector::new`], and a text of another form.
    pub fn parse(text: &str) -> Result<OwnDetector> {
        let text = text.trim();
        let rest = text.strip_prefix("detector ").unwrap_or(text);
        let wrong = || {
            let message = "a detector is written: detector name = QUERY, THRESHOLD";
            QueryError::new(ErrorKind::Syntax, message)
                .with_hint("as: detector many = level >= error, count > 5")
        };
        let (name, definition) = rest.split_once('=').ok_or_else(wrong)?;
        OwnDetector::of_definition(name.trim(), definition).unwrap_or_else(|| Err(wrong()))
    }

    /// `QUERY, THRESHOLD`; `None` if there is no comma.
    pub(super) fn of_definition(name: &str, definition: &str) -> Option<Result<OwnDetector>> {
        let (query, threshold) = definition.rsplit_once(',')?;
        Some(OwnDetector::new(name, query, threshold))
    }

    /// One detector a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// What is wrong with the first line that is, with its number.
    pub fn parse_lines(text: &str) -> Result<Vec<OwnDetector>, String> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
        lines
            .map(|(number, line)| {
                OwnDetector::parse(line).map_err(|error| format!("line {}: {error}", number + 1))
            })
            .collect()
    }

    /// The query and the threshold as trees.
    fn parts(&self) -> Result<(Query, Filter)> {
        let query = syntax::parse(&self.query)?;
        let threshold = syntax::parse(&self.threshold)?;
        if let Some(stage) = threshold.stages.first() {
            let error = QueryError::at(ErrorKind::Syntax, stage.span, "a threshold is a condition on rows");
            return Err(error.with_text(&self.threshold).with_hint("as count > 5"));
        }
        let Some(condition) = threshold.filter else {
            let error = QueryError::new(ErrorKind::Syntax, "the threshold is missing");
            return Err(error.with_hint("write a condition on rows after the last comma, as count > 5"));
        };
        Ok((query, condition))
    }

    /// Whether the query has no stages, so that its events are counted.
    pub fn counts_events(&self) -> bool {
        syntax::parse(&self.query).is_ok_and(|query| query.stages.is_empty())
    }

    /// The query with a condition on events, and the threshold.
    fn text(&self, condition: &str, counts: bool) -> Result<String> {
        let (mut query, threshold) = self.parts()?;
        query.filter = and(query.filter.take(), syntax::parse(condition)?.filter);
        let mut text = query.to_string();
        if counts {
            text.push_str(
                " | stats count() as count, min(ts) as first_ts, max(ts) as last_ts, min(seq) as first_seq, max(seq) as last_seq",
            );
        }
        let stage = Spanned::new(Stage::Where(threshold), Span::default());
        text.push_str(" | ");
        text.push_str(&stage.to_string());
        Ok(text)
    }

    /// Runs it over the events for which `condition`, a filter, holds; `period` is the time of findings whose rows tell
    /// none.
    ///
    /// # Errors
    /// What is wrong with the query, or stops it.
    pub fn run(
        &self,
        on: &impl Queryable,
        condition: &str,
        period: Option<&Period>,
        options: &QueryOptions,
    ) -> Result<OwnFindings> {
        let snapshot = on.to_snapshot()?;
        let counts = self.counts_events();
        let text = self.text(condition, counts)?;
        let mut rows = snapshot.query_with_options(&text, options)?;
        let mut found = OwnFindings::default();
        let mut more: u64 = 0;
        for row in rows.by_ref() {
            let row = row?;
            if found.findings.len() < FINDINGS_MAX {
                found.findings.push(if counts { self.of_count(&row) } else { self.of_row(&row, period) });
            } else {
                more += 1;
            }
        }
        found.unreadable = rows.unreadable();
        if more > 0 {
            let name = &self.name;
            found.notes.push(format!("{name}: {more} more rows pass, of which no finding is made"));
        }
        if let Some(finding) = found.findings.first_mut().filter(|_| counts) {
            let (mut query, _) = self.parts()?;
            query.filter = and(query.filter.take(), syntax::parse(condition)?.filter);
            let text = format!("{query} | limit {EVENTS_NAMED} | fields seq");
            for row in snapshot.query_with_options(&text, options)? {
                finding.events.seqs.extend(seq_of(&row?, "seq"));
            }
        }
        Ok(found)
    }

    fn of_count(&self, row: &Row) -> Finding {
        let count = row.get("count").as_i64().unwrap_or(0);
        let time = |name| row.get(name).as_timestamp().unwrap_or_default();
        Finding {
            rule: self.name.clone(),
            level: self.level,
            first_ts: time("first_ts"),
            last_ts: time("last_ts"),
            subject: Vec::new(),
            sentence: format!("{count} events: {} ({})", self.query, self.threshold),
            figures: vec![Figure::told("count", count)],
            events: NamedEvents {
                seqs: Vec::new(),
                last: seq_of(row, "last_seq"),
                count: u64::try_from(count).unwrap_or(0),
            },
        }
    }

    fn of_row(&self, row: &Row, period: Option<&Period>) -> Finding {
        let mut finding = Finding {
            rule: self.name.clone(),
            level: self.level,
            first_ts: period.map_or(Timestamp::MIN, |period| period.from),
            last_ts: period.map_or(Timestamp::MAX, |period| Timestamp(period.until.nanos() - 1)),
            subject: Vec::new(),
            sentence: String::new(),
            figures: Vec::new(),
            events: NamedEvents::default(),
        };
        let mut words = Vec::new();
        for (name, datum) in row.iter() {
            match datum {
                Datum::Str(_) | Datum::Level(_) | Datum::Category(_) | Datum::Bool(_) => {
                    finding.subject.push((Cow::Owned(name.to_string()), datum.to_string()));
                }
                Datum::Time(ts) if &*name == "ts" => (finding.first_ts, finding.last_ts) = (*ts, *ts),
                _ => finding.figures.push(Figure {
                    name: Cow::Owned(name.to_string()),
                    value: datum.clone(),
                    threshold: Datum::Null,
                }),
            }
            words.push(format!("{name}={datum}"));
        }
        if let Some(seq) = seq_of(row, "seq") {
            finding.events = NamedEvents::one(seq);
        }
        finding.sentence = format!("{} ({})", words.join(" "), self.threshold);
        finding
    }
}

fn seq_of(row: &Row, name: &str) -> Option<Seq> {
    row.get(name).as_i64().and_then(|seq| u64::try_from(seq).ok()).map(Seq)
}

/// Both conditions.
pub(super) fn and(one: Option<Filter>, other: Option<Filter>) -> Option<Filter> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.or(other),
    };
    let mut parts = Vec::new();
    for filter in [one, other] {
        match filter.node {
            FilterKind::And(inner) => parts.extend(inner),
            _ => parts.push(filter),
        }
    }
    Some(Spanned::new(FilterKind::And(parts), Span::default()))
}
