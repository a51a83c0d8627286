//! The file of a mapping: TOML, each mistake of it with its line.

use blotter::event::{Category, parse_decimal};
use chrono_tz::Tz;
use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::model::{Column, Condition, Mapping, Moved, Named, Rule, Source, SourceKind, Time, Track};
use super::value::{Kind, TimeFormat};
use crate::args::values::{self, nearest};
use crate::import::FieldValue;

/// A mistake, and the line it is in.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) reason: String,
}

const SECTIONS: [&str; 6] = ["source", "time", "event", "columns", "track", "when"];
const KINDS: [&str; 3] = ["csv", "pattern", "json"];

impl Mapping {
    /// Reads a mapping, or says all that is wrong with it in the order of lines.
    pub(super) fn parse(text: &str) -> Result<Mapping, Vec<Mistake>> {
        let mut reading = Reading { text, mistakes: Vec::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.mistake(at, error.message().to_owned());
        }
        let mapping = if reading.mistakes.is_empty() { reading.mapping(document.get_ref()) } else { None };
        reading.mistakes.sort_by_key(|mistake| mistake.line);
        match mapping {
            Some(mapping) if reading.mistakes.is_empty() => Ok(mapping),
            _ => Err(reading.mistakes),
        }
    }
}

/// A key of a table, or a value.
type Value<'v> = Spanned<DeValue<'v>>;

struct Reading<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn mapping(&mut self, document: &DeTable<'_>) -> Option<Mapping> {
        self.known_keys(document, &SECTIONS);
        let source = match document.get("source").and_then(|value| self.table(value, "source")) {
            Some(table) => self.source(table),
            None => self.missing(0, "[source]", "how lines are cut: [source] with kind = \"csv\""),
        };
        let time = match document.get("time").and_then(|value| self.table(value, "time")) {
            Some(table) => self.time(table),
            None => self.missing(0, "[time]", "[time] with column = \"...\" and format = \"...\""),
        };
        let mut base = Rule::default();
        let mut ignore = Vec::new();
        if let Some(table) = document.get("event").and_then(|value| self.table(value, "event")) {
            self.known_keys(table, &["category", "level", "event", "set", "ignore"]);
            self.rule(table, &mut base);
            if let Some(value) = table.get("ignore") {
                ignore = self.names(value);
            }
        }
        if let Some(value) = document.get("columns") {
            base.columns = self.columns(value);
        }
        let track = document.get("track").and_then(|value| self.track(value));
        let mut rules = Vec::new();
        if let Some(value) = document.get("when") {
            match value.get_ref().as_array() {
                Some(items) => rules.extend(items.iter().filter_map(|item| self.when(item))),
                None => {
                    self.mistake(value.span().start, "write it as [[when]], once for each rule".to_owned())
                }
            }
        }
        if track.is_none()
            && let Some(value) = document.get("when")
            && rules.iter().any(|rule| rule.tracks || rule.ends || !rule.moved.is_empty())
        {
            let reason = "a rule says track, ends or moved, and there is no [track] that names the column";
            self.mistake(value.span().start, reason.to_owned());
        }
        let (source, time) = (source?, time?);
        let mapping = Mapping { source, time, base, ignore, track, rules };
        self.check_columns(&mapping);
        Some(mapping)
    }

    fn source(&mut self, table: &DeTable<'_>) -> Option<Source> {
        self.known_keys(table, &["kind", "delimiter", "columns", "pattern", "json", "empty", "default_type"]);
        let kind_value = table.get("kind");
        let Some(kind_value) = kind_value else {
            return self.missing(0, "kind in [source]", "kind = \"csv\", \"pattern\" or \"json\"");
        };
        let kind = self.parsed(kind_value, |word| one_of(word, &KINDS))?;
        for (key, owner) in [("delimiter", 0), ("columns", 0), ("pattern", 1)] {
            if let (Some(value), true) = (table.get(key), kind != owner) {
                self.mistake(value.span().start, format!("{key} is for kind = \"{}\"", KINDS[owner]));
            }
        }
        let kind = match kind {
            0 => SourceKind::Csv {
                delimiter: match table.get("delimiter") {
                    Some(value) => self.parsed(value, delimiter)?,
                    None => b',',
                },
                columns: table.get("columns").map(|value| {
                    let names = self.names(value);
                    self.refuse_twice(&names);
                    names.into_iter().map(|named| named.name).collect()
                }),
            },
            1 => match table.get("pattern") {
                Some(value) => SourceKind::Pattern(self.parsed(value, pattern)?),
                None => {
                    let hint = "pattern = '^(?<time>\\S+) (?<price>\\S+)$'";
                    return self.missing(kind_value.span().start, "pattern in [source]", hint);
                }
            },
            _ => SourceKind::Json,
        };
        let json = table.get("json").and_then(|value| self.name(value));
        if let (Some(json), SourceKind::Json) = (&json, &kind) {
            let reason = "json names a column that holds JSON; with kind = \"json\" the line does".to_owned();
            self.mistakes.push(Mistake { line: json.line, reason });
        }
        let empty = match table.get("empty") {
            Some(value) => self.names(value).into_iter().map(|named| named.name).collect(),
            None => vec![String::new()],
        };
        let default_kind = match table.get("default_type") {
            Some(value) => self.parsed(value, Kind::parse)?,
            None => Kind::Text,
        };
        Some(Source { kind, json, empty, default_kind })
    }

    fn time(&mut self, table: &DeTable<'_>) -> Option<Time> {
        self.known_keys(table, &["column", "columns", "format", "zone"]);
        let columns = match (table.get("column"), table.get("columns")) {
            (Some(value), None) => self.name(value).into_iter().collect(),
            (None, Some(value)) => self.names(value),
            (Some(value), Some(_)) => {
                self.mistake(value.span().start, "give column or columns, not both".to_owned());
                Vec::new()
            }
            (None, None) => Vec::new(),
        };
        if columns.is_empty() {
            return self.missing(0, "the column of [time]", "column = \"time\"");
        }
        let format = match table.get("format") {
            Some(value) => self.parsed(value, TimeFormat::parse)?,
            None => {
                let hint = "format = \"epoch_ms\", \"rfc3339\", \"auto\" or as \"%Y-%m-%d %H:%M:%S%.f\"";
                return self.missing(0, "the format of [time]", hint);
            }
        };
        let zone = match table.get("zone") {
            Some(value) => self.parsed(value, values::zone)?,
            None => Tz::UTC,
        };
        Some(Time { columns, format, zone })
    }

    /// What [event] and [[when]] have in common.
    fn rule(&mut self, table: &DeTable<'_>, rule: &mut Rule) {
        if let Some(value) = table.get("category") {
            rule.category = self.parsed(value, category);
        }
        if let Some(value) = table.get("level") {
            rule.level = self.parsed(value, |word| {
                word.parse().map_err(|e: blotter::event::ParseLevelError| e.to_string())
            });
        }
        if let Some(value) = table.get("event") {
            rule.event = self.name(value).map(|named| named.name);
        }
        if let Some(set) = table.get("set").and_then(|value| self.table(value, "set")) {
            for (name, value) in set {
                if let Some(constant) = self.constant(value) {
                    rule.set.push((name.get_ref().to_string(), constant));
                }
            }
        }
    }

    fn when(&mut self, item: &Value<'_>) -> Option<Rule> {
        let table = self.table(item, "[when]")?;
        self.known_keys(
            table,
            &["match", "category", "level", "event", "set", "columns", "moved", "track", "ends"],
        );
        let mut rule = Rule::default();
        self.rule(table, &mut rule);
        if let Some(value) = table.get("columns") {
            rule.columns = self.columns(value);
        }
        if let Some(value) = table.get("moved") {
            for named in self.names(value) {
                match moved(&named.name) {
                    Ok(moved) => rule.moved.push(moved),
                    Err(reason) => self.mistakes.push(Mistake { line: named.line, reason }),
                }
            }
        }
        rule.tracks = self.flag(table, "track");
        rule.ends = self.flag(table, "ends");
        let Some(conditions) = table.get("match").and_then(|value| self.table(value, "match")) else {
            return self.missing(item.span().start, "match in [[when]]", "match = { kind = \"trade\" }");
        };
        for (name, value) in conditions {
            let column = self.named(name.span().start, name.get_ref());
            let values = self.names(value).into_iter().map(|named| named.name).collect();
            rule.matches.push(Condition { column, values });
        }
        Some(rule)
    }

    fn columns(&mut self, value: &Value<'_>) -> Vec<Column> {
        let Some(table) = self.table(value, "columns") else { return Vec::new() };
        let mut columns = Vec::new();
        for (key, value) in table {
            let from = self.named(key.span().start, key.get_ref());
            let Some(table) = self.table(value, key.get_ref()) else { continue };
            self.known_keys(table, &["as", "type", "values", "others"]);
            let name = match table.get("as") {
                Some(value) => self.name(value).map(|named| named.name),
                None => Some(from.name.clone()),
            };
            let Some(name) = name else { continue };
            if name.contains('[') {
                let reason =
                    format!("'{name}' is a part of a column: say how to call it; hint: as = \"bid\"");
                self.mistake(key.span().start, reason);
            }
            let kind = table.get("type").and_then(|value| self.parsed(value, Kind::parse));
            let mut pairs = Vec::new();
            if let Some(values) = table.get("values").and_then(|value| self.table(value, "values")) {
                for (from, to) in values {
                    if let Some(to) = self.name(to) {
                        pairs.push((from.get_ref().to_string(), to.name));
                    }
                }
            }
            let keeps_others = match table.get("others") {
                Some(value) => self.parsed(value, |word| one_of(word, &["refuse", "keep"])) == Some(1),
                None => false,
            };
            columns.push(Column { from, name, kind, values: pairs, keeps_others });
        }
        columns
    }

    fn track(&mut self, value: &Value<'_>) -> Option<Track> {
        let table = self.table(value, "track")?;
        self.known_keys(table, &["key", "column", "change", "fall"]);
        let at = value.span().start;
        let mut needed = |key: &str| match table.get(key) {
            Some(value) => self.name(value),
            None => self.missing(at, &format!("{key} in [track]"), &format!("{key} = \"...\"")),
        };
        let (key, column) = (needed("key")?, needed("column")?);
        let change = table.get("change").and_then(|value| self.name(value)).map(|named| named.name);
        let fall = table.get("fall").and_then(|value| self.name(value)).map(|named| named.name);
        if change.is_none() && fall.is_none() {
            return self.missing(at, "change or fall in [track]", "change = \"quantity_change\"");
        }
        Some(Track { key, column, change, fall })
    }

    /// Columns that are known before the first line must be there.
    fn check_columns(&mut self, mapping: &Mapping) {
        let known: Vec<&str> = match &mapping.source.kind {
            SourceKind::Csv { columns: Some(columns), .. } => columns.iter().map(String::as_str).collect(),
            SourceKind::Pattern(pattern) => pattern.capture_names().flatten().collect(),
            _ => return,
        };
        if let Some(json) = &mapping.source.json {
            if !known.contains(&json.name.as_str()) {
                self.mistakes.push(Mistake { line: json.line, reason: no_column(&json.name, &known) });
            }
            // Members of the object are not known.
            return;
        }
        for named in mapping.named_columns() {
            if !known.contains(&named.name.as_str()) {
                self.mistakes.push(Mistake { line: named.line, reason: no_column(&named.name, &known) });
            }
        }
    }

    fn refuse_twice(&mut self, names: &[Named]) {
        for (index, named) in names.iter().enumerate() {
            if names[..index].iter().any(|before| before.name == named.name) {
                let reason = format!("column '{}' is named twice", named.name);
                self.mistakes.push(Mistake { line: named.line, reason });
            }
        }
    }

    fn constant(&mut self, value: &Value<'_>) -> Option<FieldValue<'static>> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::String(text) => Some(FieldValue::Text(text.to_string().into())),
            DeValue::Boolean(flag) => Some(FieldValue::Bool(*flag)),
            DeValue::Integer(number) if number.radix() == 10 => match number.as_str().parse() {
                Ok(number) => Some(FieldValue::I64(number)),
                Err(_) => self.refused(at, "the number does not fit 64 bits"),
            },
            DeValue::Float(number) => match parse_decimal("set", number.as_str()) {
                Ok(number) => Some(FieldValue::Decimal(number)),
                Err(refused) => self.refused(at, &refused.to_string()),
            },
            _ => self.refused(at, "a constant is a text, a number, true or false"),
        }
    }

    fn flag(&mut self, table: &DeTable<'_>, key: &str) -> bool {
        let Some(value) = table.get(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistake(value.span().start, format!("{key} is true or false"));
            false
        })
    }

    fn table<'v>(&mut self, value: &'v Value<'_>, name: &str) -> Option<&'v DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.mistake(value.span().start, format!("'{name}' is a table; hint: [{name}] or {{ ... }}"));
        }
        table
    }

    /// A text.
    fn name(&mut self, value: &Value<'_>) -> Option<Named> {
        let at = value.span().start;
        self.parsed(value, |text| Ok(text.to_owned())).map(|name| Named { name, line: self.line_of(at) })
    }

    /// A text or a list of them.
    fn names(&mut self, value: &Value<'_>) -> Vec<Named> {
        match value.get_ref().as_array() {
            Some(items) => items.iter().filter_map(|item| self.name(item)).collect(),
            None => self.name(value).into_iter().collect(),
        }
    }

    fn named(&self, at: usize, name: &str) -> Named {
        Named { name: name.to_owned(), line: self.line_of(at) }
    }

    fn parsed<T>(&mut self, value: &Value<'_>, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let parsed = match value.get_ref().as_str() {
            Some(text) => parse(text),
            None => Err(format!("write it in quotes: \"{}\"", self.text[value.span()].trim())),
        };
        parsed.map_err(|reason| self.mistake(value.span().start, reason)).ok()
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let hint = match nearest(name, known.iter().copied()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => format!("there are {}", known.join(", ")),
            };
            self.mistake(key.span().start, format!("there is no setting '{name}'; {hint}"));
        }
    }

    fn missing<T>(&mut self, at: usize, what: &str, hint: &str) -> Option<T> {
        self.refused(at, &format!("{what} is missing; hint: {hint}"))
    }

    fn refused<T>(&mut self, at: usize, reason: &str) -> Option<T> {
        self.mistake(at, reason.to_owned());
        None
    }

    fn mistake(&mut self, at: usize, reason: String) {
        let line = self.line_of(at);
        self.mistakes.push(Mistake { line, reason });
    }

    fn line_of(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// That a column is not among those there are.
pub(super) fn no_column(name: &str, known: &[&str]) -> String {
    let hint = match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("there are {}", known.join(", ")),
    };
    format!("there is no column '{name}'; {hint}")
}

/// The place of a word in a list.
fn one_of(word: &str, known: &[&str]) -> Result<usize, String> {
    known
        .iter()
        .position(|one| *one == word)
        .ok_or_else(|| format!("'{word}' is none of {}", known.join(", ")))
}

fn moved(word: &str) -> Result<Moved, String> {
    one_of(word, &["up", "down", "same"]).map(|place| [Moved::Up, Moved::Down, Moved::Same][place])
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(format!("the delimiter {text:?} is not one character; hint: \",\", \";\" or \"\\t\"")),
    }
}

fn pattern(text: &str) -> Result<Regex, String> {
    let pattern = Regex::new(text).map_err(|error| format!("the pattern is wrong: {error}"))?;
    if pattern.capture_names().flatten().next().is_none() {
        return Err("the pattern names no column; hint: '^(?<time>\\S+) (?<price>\\S+)$'".to_owned());
    }
    Ok(pattern)
}

fn category(name: &str) -> Result<Category, String> {
    let refusal = || format!("{name:?} cannot be a category: it takes a-z, 0-9 and _, a letter first");
    Category::custom(name).ok_or_else(refusal)
}
