//! Detectors of your own: a query, and a threshold that a row of it must pass to be a finding.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use blotter_engine::event::{Field, Level, Seq, Timestamp};

use super::finding::{Figure, Finding, NamedEvents};
use super::settings::EVENTS_NAMED;
use crate::api::{QueryOptions, Queryable, now};
use crate::cells::Names;
use crate::datum::Datum;
use crate::desk::Period;
use crate::error::{ErrorKind, QueryError, Result};
use crate::plan::bind;
use crate::plan::schema::{Schema, TypeSet};
use crate::rows::{Row, UnreadablePart};
use crate::syntax::ast::{Filter, FilterKind, Query, Spanned, Stage};
use crate::syntax::{self, Span};
use crate::vocabulary::Vocabulary;

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
        own.check()?;
        Ok(own)
    }

    /// Says what is wrong with it whatever database it is asked of.
    fn check(&self) -> Result<()> {
        let (query, threshold) = self.parts()?;
        refuse_times(&query, &self.query)?;
        refuse_words(&threshold, &self.threshold)?;
        let options = QueryOptions { allow_unknown_fields: true, ..QueryOptions::default() };
        let bind = |query: &Query| {
            bind::bind(query, &Arc::new(Names::default()), &AnyDatabase, &options, now(&options)).map(drop)
        };
        bind(&query).map_err(|error| error.with_text(&self.query))?;
        bind(&syntax::parse(&self.text("", self.counts_events())?)?).map_err(|error| {
            // Its place would be one in a text that nobody wrote.
            let message = format!("the threshold '{}': {}", self.threshold.escape_debug(), error.message());
            let error_of_threshold = QueryError::new(error.kind(), message);
            error.hints().fold(error_of_threshold, QueryError::with_hint)
        })
    }

    /// What it names and no event has so far: no mistake on a stream, where it may come, and worth a note. Each in a
    /// sentence, with what was likely meant.
    ///
    /// # Errors
    /// What is wrong with it, as [`OwnDetector::new`] says.
    pub fn unheard_of(&self, vocabulary: &Vocabulary) -> Result<Vec<String>> {
        let text = self.text("", self.counts_events())?;
        let query = syntax::parse(&text)?;
        let options = QueryOptions::default();
        let mut assumed = Assumed { vocabulary, names: BTreeSet::new() };
        let mut said = Vec::new();
        loop {
            let names = Arc::new(Names::default());
            let Err(error) = bind::bind(&query, &names, &assumed, &options, now(&options)) else { break };
            let named = error.span().and_then(|span| text.get(span.start..span.end));
            let Some(name) = named.filter(|_| error.kind() == ErrorKind::UnknownName) else {
                return Err(error.with_text(&text));
            };
            let name = name.trim_matches('`');
            let sentence = match error.message().strip_prefix("unknown field ") {
                Some(field) => format!("no event has the field {field} so far"),
                None => format!("{} so far", error.message()),
            };
            let meant = error.hints().find(|hint| hint.starts_with("did you mean"));
            said.push(meant.map_or(sentence.clone(), |meant| format!("{sentence}; {meant}")));
            // The binder stops at the first: it is asked again as if that one were known.
            if !assumed.names.insert(name.to_owned())
                || error.message().strip_prefix("unknown field ").is_none()
            {
                break;
            }
        }
        Ok(said)
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

/// A database that may have every field.
struct AnyDatabase;

impl Schema for AnyDatabase {
    fn knows(&self, field: &str) -> bool {
        Field::from_name(field).is_some()
    }

    fn types(&self, _field: &str) -> TypeSet {
        TypeSet::NONE
    }

    fn is_indexed(&self, _field: &str) -> bool {
        false
    }

    fn fields(&self) -> Vec<String> {
        Field::ALL.iter().map(|field| field.name().to_owned()).collect()
    }

    fn values(&self, _field: &str, _prefix: &str, _limit: usize) -> Vec<String> {
        Vec::new()
    }
}

/// A database as if it had some more fields.
struct Assumed<'a> {
    vocabulary: &'a Vocabulary,
    names: BTreeSet<String>,
}

impl Schema for Assumed<'_> {
    fn knows(&self, field: &str) -> bool {
        self.names.contains(field) || self.vocabulary.knows(field)
    }

    fn types(&self, field: &str) -> TypeSet {
        self.vocabulary.types(field)
    }

    fn is_indexed(&self, field: &str) -> bool {
        self.vocabulary.is_indexed(field)
    }

    fn fields(&self) -> Vec<String> {
        self.vocabulary.fields()
    }

    fn values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        self.vocabulary.values(field, prefix, limit)
    }
}

/// Times in a rule would be those of the moment it was read, and those of a detector beside those of its history.
fn refuse_times(query: &Query, text: &str) -> Result<()> {
    let of_stages = query.stages.iter().filter_map(|stage| match &stage.node {
        Stage::Where(filter) => Some(filter),
        _ => None,
    });
    let is_time = |kind: &FilterKind| {
        matches!(kind, FilterKind::Last(_) | FilterKind::Since(_) | FilterKind::Until(_) | FilterKind::On(_))
    };
    match query.filter.iter().chain(of_stages).find_map(|filter| part(filter, &is_time)) {
        None => Ok(()),
        Some(found) => {
            let message = "the time that a rule looks at is its window";
            let error = QueryError::at(ErrorKind::Syntax, found.span, message).with_text(text);
            Err(error.with_hint(
                "leave this out; write window = \"5m\" in the rule, or --since and --until for `detect`",
            ))
        }
    }
}

/// Words are looked for in messages, which rows of a query have none of.
fn refuse_words(threshold: &Filter, text: &str) -> Result<()> {
    let is_none = |kind: &FilterKind| {
        matches!(
            kind,
            FilterKind::Word { .. }
                | FilterKind::Phrase(_)
                | FilterKind::Last(_)
                | FilterKind::Since(_)
                | FilterKind::Until(_)
                | FilterKind::On(_)
        )
    };
    match part(threshold, &is_none) {
        None => Ok(()),
        Some(found) => {
            let message = "a threshold compares columns of the rows";
            let error = QueryError::at(ErrorKind::Syntax, found.span, message).with_text(text);
            Err(error.with_hint("as count > 5"))
        }
    }
}

/// The first part of a filter of a kind.
fn part<'f>(filter: &'f Filter, is_wanted: &dyn Fn(&FilterKind) -> bool) -> Option<&'f Filter> {
    match &filter.node {
        FilterKind::And(parts) | FilterKind::Or(parts) => {
            parts.iter().find_map(|inner| part(inner, is_wanted))
        }
        FilterKind::Not(inner) => part(inner, is_wanted),
        kind => is_wanted(kind).then_some(filter),
    }
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
