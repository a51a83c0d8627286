//! The file of detectors: TOML, each mistake of it with its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::own::OwnDetector;
use super::settings::Settings;
use super::toml_values::{Setting, unknown};

/// Tables of the file that are about alerts, which `detect` has nothing to do with.
const TABLES_OF_ALERTS: [&str; 3] = ["watch", "rules", "actions"];

/// Which detectors look, and from where on something is a finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Those that come with it.
    pub settings: Settings,
    /// Your own.
    pub own: Vec<OwnDetector>,
}

/// A mistake in a file, and the line it is in.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub reason: String,
}

/// A file being read: collects what is wrong with it.
#[derive(Debug)]
pub struct Reading<'a> {
    text: &'a str,
    /// What is wrong so far.
    pub mistakes: Vec<Mistake>,
}

/// A key or value with its place.
pub type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl<'a> Reading<'a> {
    /// Begins to read a text: its tables, if it is TOML at all.
    pub fn begin(text: &'a str) -> (Reading<'a>, Spanned<DeTable<'a>>) {
        let mut reading = Reading { text, mistakes: Vec::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.mistake(at, error.message());
        }
        (reading, document)
    }

    /// Notes a mistake at a byte of the text.
    pub fn mistake(&mut self, at: usize, reason: impl Into<String>) {
        let line = self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        self.mistakes.push(Mistake { line, reason: reason.into() });
    }

    /// Reads a value; a mistake is noted if it is none.
    pub fn value<T: Setting>(&mut self, value: &Spanned<DeValue<'_>>) -> Option<T> {
        T::read(value.get_ref()).map_err(|reason| self.mistake(value.span().start, reason)).ok()
    }

    /// The tables within a table, or the keys.
    pub fn table<'v, 'i>(&mut self, name: &str, value: &'v Spanned<DeValue<'i>>) -> Option<&'v DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.mistake(value.span().start, format!("'{name}' is a table; write [{name}] above it"));
                None
            }
        }
    }

    /// The mistakes in the order of lines, if there are any.
    ///
    /// # Errors
    /// Those.
    pub fn end<T>(mut self, read: T) -> Result<T, Vec<Mistake>> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        if self.mistakes.is_empty() { Ok(read) } else { Err(self.mistakes) }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of lines.
    pub fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
        let (mut reading, document) = Reading::begin(text);
        let mut config = Config::default();
        if reading.mistakes.is_empty() {
            for (name, value) in document.get_ref() {
                if !config.read_table(&mut reading, name, value)
                    && !TABLES_OF_ALERTS.contains(&name.get_ref().as_ref())
                {
                    let known = ["detectors", "define", "watch", "rules", "actions"];
                    let reason = unknown("table", name.get_ref(), &known);
                    reading.mistake(name.span().start, reason);
                }
            }
        }
        reading.end(config)
    }

    /// Reads a table that is about detectors; false if it is another.
    pub fn read_table(
        &mut self,
        reading: &mut Reading<'_>,
        name: &Key<'_>,
        value: &Spanned<DeValue<'_>>,
    ) -> bool {
        match name.get_ref().as_ref() {
            "detectors" => {
                for (key, value) in reading.table("detectors", value).into_iter().flatten() {
                    self.read_detector(reading, key, value);
                }
            }
            "define" => {
                for (name, value) in reading.table("define", value).into_iter().flatten() {
                    self.read_own(reading, name, value);
                }
            }
            _ => return false,
        }
        true
    }

    fn read_detector(&mut self, reading: &mut Reading<'_>, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        if name == "events_named" {
            if let Some(number) = reading.value(value) {
                self.settings.events_named = number;
            }
            return;
        }
        if !Settings::NAMES.contains(&name) {
            let known: Vec<&str> = Settings::NAMES.iter().copied().chain(["events_named"]).collect();
            reading.mistake(key.span().start, unknown("detector", name, &known));
            return;
        }
        for (key, value) in reading.table(&format!("detectors.{name}"), value).into_iter().flatten() {
            match self.settings.set(name, key.get_ref(), value.get_ref()) {
                Some(Ok(())) => {}
                Some(Err(reason)) => {
                    reading.mistake(value.span().start, format!("{}: {reason}", key.get_ref()))
                }
                None => {
                    let reason = unknown("setting", key.get_ref(), Settings::keys(name));
                    reading.mistake(key.span().start, reason);
                }
            }
        }
    }

    fn read_own(&mut self, reading: &mut Reading<'_>, name: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        const KEYS: [&str; 3] = ["query", "threshold", "level"];
        let at = value.span().start;
        let own = match value.get_ref() {
            DeValue::String(definition) => OwnDetector::of_definition(name.get_ref(), definition)
                .unwrap_or_else(|| OwnDetector::new(name.get_ref(), definition, "")),
            DeValue::Table(table) => {
                let (mut query, mut threshold, mut level) = (String::new(), String::new(), None);
                for (key, value) in table {
                    match key.get_ref().as_ref() {
                        "query" => query = reading.value(value).unwrap_or_default(),
                        "threshold" => threshold = reading.value(value).unwrap_or_default(),
                        "level" => level = reading.value(value),
                        other => reading.mistake(key.span().start, unknown("setting", other, &KEYS)),
                    }
                }
                let own = OwnDetector::new(name.get_ref(), &query, &threshold);
                own.map(|own| OwnDetector { level: level.unwrap_or(own.level), ..own })
            }
            _ => {
                reading.mistake(at, "write \"QUERY, THRESHOLD\", or a table of query, threshold and level");
                return;
            }
        };
        match own {
            Ok(own) => self.own.push(own),
            Err(error) => reading.mistake(at, error.to_string()),
        }
    }

    /// Has only those look that are named, your own among them.
    ///
    /// # Errors
    /// A name that is no detector's.
    pub fn only(&mut self, names: &[String]) -> Result<(), String> {
        let is_own = |name: &String| self.own.iter().any(|own| own.name == *name);
        let (own, others): (Vec<String>, Vec<String>) = names.iter().cloned().partition(is_own);
        if let Some(unknown_name) = others.iter().find(|name| !Settings::NAMES.contains(&name.as_str())) {
            let mut known = Settings::NAMES.to_vec();
            known.extend(self.own.iter().map(|own| own.name.as_str()));
            return Err(unknown("detector", unknown_name, &known));
        }
        self.settings.only(&others)?;
        self.own.retain(|known| own.contains(&known.name));
        Ok(())
    }
}
