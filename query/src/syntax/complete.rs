//! What can stand at the cursor.

use super::ast::Span;
use super::lexical::{self, name_text, quoted_text};
use super::scan::{Bracket, Expect, Frame, Scan, Shape};
use super::{columns, parse, words};
use crate::vocabulary::Vocabulary;

/// Most values or zones that are suggested.
const VALUES_MAX: usize = 50;

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What is put in place of [`Completion::replaced`].
    pub text: String,
    /// What it is, in a few words: `field`, `stage`, `value of symbol`.
    pub what: String,
}

/// See [`complete`].
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The bytes of the text that a suggestion replaces.
    pub replaced: Span,
    /// The suggestions, best first.
    pub suggestions: Vec<Suggestion>,
}

/// The words that are suggested beside those of the language.
pub trait Words {
    /// The names of all fields.
    fn field_names(&self) -> Vec<String>;

    /// Up to `limit` values of a field that begin with `prefix`.
    fn field_values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String>;
}

impl Words for Vocabulary {
    fn field_names(&self) -> Vec<String> {
        Vocabulary::field_names(self)
    }

    fn field_values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        Vocabulary::field_values(self, field, prefix, limit)
    }
}

/// What can stand at a byte of the text, given what stands before it. What stands right before the cursor and is not
/// complete is replaced; what stands after it is left alone.
pub fn complete(text: &str, cursor: usize, words: &impl Words) -> Completion {
    let cursor = (0..=cursor.min(text.len())).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0);
    let before = &text[..cursor];
    let scan = Scan::new(before);
    let partial =
        scan.parts.last().filter(|part| matches!(part.shape, Shape::Word | Shape::Quoted { closed: false }));
    let start = partial.map_or(cursor, |part| part.span.start);
    let scan = Scan::new(&before[..start]);
    let in_comment = before.rsplit('\n').next().is_some_and(|line| line.contains('#'))
        && matches!(scan.parts.last(), Some(part) if part.shape == Shape::Space && ends_in_comment(before, part.span));
    let mut found = Found { written: &before[start..], words, scan: &scan, before, suggestions: Vec::new() };
    if !in_comment && !found.written.starts_with('$') {
        found.suggest();
    }
    Completion { replaced: Span { start, end: cursor }, suggestions: found.suggestions }
}

/// Whether the space at the end of a text is a comment that has not ended.
fn ends_in_comment(text: &str, space: Span) -> bool {
    space.end == text.len() && text[space.start..].rsplit('\n').next().is_some_and(|line| line.contains('#'))
}

/// Suggestions as they are found.
struct Found<'a, W> {
    /// What of the word is written.
    written: &'a str,
    words: &'a W,
    scan: &'a Scan<'a>,
    before: &'a str,
    suggestions: Vec<Suggestion>,
}

impl<W: Words> Found<'_, W> {
    fn suggest(&mut self) {
        let frame = self.scan.top();
        match frame.expect {
            Expect::Term => {
                self.fields();
                self.keywords(&["not", "exists", "missing", "last", "since", "until", "on"]);
                self.functions();
            }
            Expect::AfterTerm => self.after_term(frame),
            Expect::Value => self.values(frame),
            Expect::List => self.signs(&["("]),
            Expect::BetweenAnd => self.keywords(&["and"]),
            Expect::Time => self.times(frame.term),
            Expect::Zone => self.zones(),
            Expect::Duration => self.durations(frame),
            Expect::Number => self.examples(&["10", "100", "1000"], "number of rows"),
            Expect::Field => self.fields(),
            Expect::AfterField | Expect::AfterOperand | Expect::Clause | Expect::End => self.clauses(frame),
            Expect::Stage => {
                for (name, what) in words::STAGES {
                    self.offer(name, (*name).to_owned(), &format!("stage: {what}"));
                }
            }
            Expect::Operand => {
                self.fields();
                if frame.name == "fields" && !frame.by && self.starts_stage(frame) {
                    self.keywords(&["except"]);
                }
                if frame.bracket == Bracket::Call && super::aggregate::function(&frame.name).is_some() {
                    self.keywords(&["where"]);
                }
                self.functions();
            }
            Expect::Aggregate => self.aggregates(),
            Expect::Query => {
                if frame.name == "join" {
                    self.keywords(&["left"]);
                }
                self.signs(&["("]);
            }
            Expect::Assign => self.signs(&["="]),
            Expect::NewName => {}
        }
        // What only holds what is written is offered where nothing begins so: one key must complete what is meant.
        let written = self.written.trim_start_matches(['"', '\'', '`']).to_ascii_lowercase();
        let begins = |suggestion: &Suggestion| {
            let text = suggestion.text.trim_start_matches(['"', '\'', '`']).to_ascii_lowercase();
            text.starts_with(&written)
        };
        if self.suggestions.iter().any(begins) {
            self.suggestions.retain(begins);
        }
    }

    /// Whether nothing of the stage stands there but its name.
    fn starts_stage(&self, frame: &Frame) -> bool {
        let mut written = self.scan.parts.iter().rev().filter(|part| part.shape != Shape::Space);
        written.nth(1).is_some_and(|part| Some(part.span.start) == frame.pipe)
    }

    /// Adds a suggestion if its name begins with what is written, or holds it and that is two letters or more.
    fn offer(&mut self, name: &str, text: String, what: &str) {
        let written = self.written.trim_start_matches(['"', '\'', '`']);
        let begins = name.get(..written.len()).is_some_and(|start| start.eq_ignore_ascii_case(written));
        let holds =
            || written.len() >= 2 && name.to_ascii_lowercase().contains(&written.to_ascii_lowercase());
        if (begins || holds()) && self.suggestions.iter().all(|suggestion| suggestion.text != text) {
            self.suggestions.push(Suggestion { text, what: what.to_owned() });
        }
    }

    fn examples(&mut self, examples: &[&str], what: &str) {
        for example in examples {
            self.offer(example, (*example).to_owned(), what);
        }
    }

    fn keywords(&mut self, keywords: &[&str]) {
        self.examples(keywords, "keyword");
    }

    /// Signs are suggested where no word is begun.
    fn signs(&mut self, signs: &[&str]) {
        if self.written.is_empty() {
            self.examples(signs, "sign");
        }
    }

    fn fields(&mut self) {
        for name in self.columns() {
            self.offer(&name, name_text(&name).into_owned(), "field");
        }
    }

    /// The columns of the rows that come here.
    fn columns(&self) -> Vec<String> {
        let fields = self.words.field_names();
        let query = self.scan.frames.iter().rfind(|frame| frame.bracket == Bracket::Query);
        let piped = query.and_then(|query| query.pipe.and_then(|pipe| self.before.get(query.start..pipe)));
        match piped.map(parse) {
            Some(Ok(query)) => columns::after(&query, &fields),
            _ => fields,
        }
    }

    fn functions(&mut self) {
        if self.written.starts_with(['"', '\'', '`']) {
            return;
        }
        for (name, what) in words::FUNCTIONS {
            self.offer(name, format!("{name}("), &format!("function: {what}"));
        }
    }

    fn aggregates(&mut self) {
        for (name, what) in words::AGGREGATES {
            self.offer(name, format!("{name}("), &format!("aggregate: {what}"));
        }
        for name in words::PERCENTILES {
            self.offer(name, format!("{name}("), "aggregate: percentile");
        }
    }

    fn after_term(&mut self, frame: &Frame) {
        let fields = self.columns();
        let compared = frame.field.as_ref().is_some_and(|field| field.is_empty() || fields.contains(field));
        if compared {
            self.signs(&["=", "!=", "<", "<=", ">", ">=", "~", "!~"]);
            self.keywords(&["in", "not in", "between", "like", "contains"]);
        }
        self.keywords(&["and", "or"]);
        if !frame.term.is_empty() && frame.term != "last" {
            self.keywords(&["tz"]);
        }
        if frame.name == "context" {
            self.keywords(&["by"]);
        }
        if !self.written.is_empty() {
            self.keywords(&["not", "exists", "missing", "last", "since", "until", "on"]);
            self.fields();
            self.functions();
        } else if frame.bracket == Bracket::Query {
            self.signs(&["|"]);
        }
    }

    fn values(&mut self, frame: &Frame) {
        let Some(field) = frame.field.as_deref().filter(|field| !field.is_empty()) else { return };
        let quoted = self.written.starts_with(['"', '\'']);
        let prefix = if quoted { self.written[1..].replace("\\", "") } else { self.written.to_owned() };
        let what = format!("value of {field}");
        for value in self.words.field_values(field, &prefix, VALUES_MAX) {
            let text = if quoted { quoted_text(&value) } else { value_text(&value) };
            if self.suggestions.iter().all(|suggestion| suggestion.text != text) {
                self.suggestions.push(Suggestion { text, what: what.clone() });
            }
        }
        if field == "ts" && !quoted {
            self.times("since");
        }
        // A value of the field is meant more often than a function.
        if !quoted && !self.written.is_empty() && self.suggestions.is_empty() {
            self.functions();
        }
    }

    fn times(&mut self, term: &str) {
        let points: &[&str] = if term == "on" {
            &["today", "yesterday"]
        } else {
            &["now", "today", "yesterday", "-5m", "-1h", "-1d"]
        };
        self.examples(points, "time");
    }

    fn durations(&mut self, frame: &Frame) {
        self.examples(&["1s", "5s", "30s", "1m", "5m", "15m", "1h", "1d"], "duration");
        if frame.name == "timeline" {
            self.keywords(&["tz", "by"]);
        }
    }

    fn zones(&mut self) {
        let quoted = self.written.starts_with(['"', '\'']);
        for zone in chrono_tz::TZ_VARIANTS {
            if self.suggestions.len() >= VALUES_MAX {
                break;
            }
            let text = if quoted { quoted_text(zone.name()) } else { zone.name().to_owned() };
            self.offer(zone.name(), text, "time zone");
        }
    }

    /// What a stage goes on with.
    fn clauses(&mut self, frame: &Frame) {
        let keywords: &[&str] = match (frame.bracket, frame.name.as_str()) {
            (Bracket::Call, name) if super::aggregate::function(name).is_some() => &["where"],
            (Bracket::Query, "stats" | "prev" | "next" | "delta" | "top") if !frame.by => &["as", "by"],
            (Bracket::Query, "stats" | "fields" | "distinct" | "bin" | "top") => &["as"],
            (Bracket::Query, "timeline") if !frame.by => &["tz", "by"],
            (Bracket::Query, "timeline") => &["as"],
            (Bracket::Query, "sort") => &["asc", "desc"],
            (Bracket::Query, "sessions") if !frame.by => &["by"],
            (Bracket::Query, "sessions") => &["maxspan", "maxpause", "as"],
            (Bracket::Query, "lifecycle") if !frame.by => &["of"],
            (Bracket::Query, "lifecycle") if frame.expect == Expect::Clause => &["rows"],
            (Bracket::Query, "context") if !frame.by => &["where", "by"],
            (Bracket::Query, "asof") if !frame.by => &["by"],
            (Bracket::Query, "asof") => &["within"],
            (Bracket::Query, "join") if !frame.by => &["on"],
            _ => &[],
        };
        self.keywords(keywords);
        if frame.expect == Expect::AfterField && frame.name == "related" {
            self.signs(&["->"]);
        }
        if frame.bracket == Bracket::Query && !(frame.expect == Expect::Clause && is_awaited(frame)) {
            self.signs(&["|"]);
        }
    }
}

/// Whether the stage cannot end before its keyword.
fn is_awaited(frame: &Frame) -> bool {
    match frame.name.as_str() {
        "sessions" | "asof" | "join" => !frame.by,
        // `of` wants its `rows`.
        "lifecycle" => frame.by,
        _ => false,
    }
}

/// A value as it stands in a filter: in quotes if it needs them.
fn value_text(value: &str) -> String {
    let keyword = ["and", "or", "not", "null"].iter().any(|keyword| lexical::is_keyword(value, keyword));
    if lexical::is_plain(value, "") && !keyword { value.to_owned() } else { quoted_text(value) }
}
