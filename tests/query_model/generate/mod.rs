//! Random queries as text, of which each is valid for the events of the test: names exist, and values are of types that
//! fit together.

mod conditions;
mod expressions;
mod others;
mod rows;
mod summaries;

use std::collections::BTreeMap;

use blotter::event::dec;
use blotter::vfs::sim::Prng;

use crate::expression::ModelRow;
use crate::value::ModelValue;

/// A query in parts, of which any can be left out.
#[derive(Clone, Debug)]
pub struct Generated {
    pub filter: String,
    pub stages: Vec<String>,
}

impl Generated {
    pub fn text(&self) -> String {
        let parts = std::iter::once(self.filter.clone()).chain(self.stages.iter().cloned());
        parts.collect::<Vec<String>>().join(" | ").trim().to_owned()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Number,
    /// Numbers too large for arithmetic.
    Big,
    Text,
    Time,
    Duration,
    Level,
    Category,
    Mixed,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    kind: Kind,
    /// Rounding may differ, so that nothing may depend on its last digits.
    is_fuzzy: bool,
    /// Its numbers may be written in several ways, `1` and `1.0`, so that nothing may depend on its text.
    has_text: bool,
}

pub const ZONES: [&str; 5] =
    ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"];

pub struct Generator<'a> {
    random: &'a mut Prng,
    events: &'a [ModelRow],
    noon: i64,
    columns: Vec<Column>,
    /// Rows are events as they were recorded.
    are_events: bool,
    /// New names so far.
    names: u32,
    depth: u32,
    /// Whether there is a stage already whose columns have names with that prefix.
    has_asof: bool,
    has_join: bool,
    /// Whether there are so many events that pairs of them are too many for the model.
    are_many: bool,
}

fn kind_of(field: &str) -> Kind {
    match field {
        "ts" => Kind::Time,
        "level" => Kind::Level,
        "category" => Kind::Category,
        "b" => Kind::Bool,
        "mixed" => Kind::Mixed,
        "big" => Kind::Big,
        "seq" | "pseq" | "producer" | "price" | "quantity" | "bid" | "latency_us" | "slippage_bps" | "n"
        | "f" | "g" | "d" | "num" | "size_kb" | "drawdown_pct" | "late" => Kind::Number,
        _ => Kind::Text,
    }
}

fn event_columns() -> Vec<Column> {
    let fixed = ["ts", "seq", "pseq", "producer", "category", "level", "event"];
    let names = fixed.into_iter().chain(crate::events::FIELDS.iter().map(|(name, _)| *name));
    names
        .map(|name| Column {
            name: name.to_owned(),
            kind: kind_of(name),
            is_fuzzy: name == "g",
            has_text: true,
        })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_bare(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && text != "true"
}

fn name_text(name: &str) -> String {
    if name.contains('-') { format!("`{name}`") } else { name.to_owned() }
}

impl<'a> Generator<'a> {
    pub fn new(random: &'a mut Prng, events: &'a [ModelRow], noon: i64, are_many: bool) -> Generator<'a> {
        Generator {
            random,
            events,
            noon,
            columns: event_columns(),
            are_events: true,
            names: 0,
            depth: 0,
            has_asof: are_many,
            has_join: are_many,
            are_many,
        }
    }

    /// Values for `$names`.
    pub fn parameters() -> BTreeMap<String, ModelValue> {
        BTreeMap::from([
            ("number".to_owned(), ModelValue::Decimal(dec!(1.50))),
            ("count".to_owned(), ModelValue::Int(7)),
            ("symbol".to_owned(), ModelValue::Text("AAPL".to_owned())),
        ])
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.below(of.len() as u64) as usize].clone()
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("c{}", self.names)
    }

    pub fn query(&mut self) -> Generated {
        if self.random.one_in(40) {
            return self.failing();
        }
        if self.random.one_in(60) {
            let filter = if self.random.one_in(2) { self.time_term() } else { String::new() };
            return Generated { filter, stages: vec!["gaps".to_owned()] };
        }
        if self.random.one_in(20) {
            return self.counting();
        }
        let filter = if self.random.one_in(6) { String::new() } else { self.filter(2) };
        let stages = self.stages();
        Generated { filter, stages }
    }

    /// A query that fails where a row has a value that an operation does not take, or a result that does not fit.
    fn failing(&mut self) -> Generated {
        let stage = self.pick(&[
            "extend y = mixed * 2",
            "extend y = -mixed",
            "extend y = abs(mixed)",
            "extend y = lower(mixed)",
            "extend y = big * big",
            "extend y = big * 100000000000 * 100000000000",
            "stats sum(mixed)",
            "stats p50(mixed) by category",
            "delta mixed",
        ]);
        let filter = self.filter(1);
        Generated { filter, stages: vec![stage.to_owned()] }
    }

    /// Counts that need not look at rows, under conditions that allow it or do not.
    fn counting(&mut self) -> Generated {
        let filter = match self.random.below(4) {
            0 => String::new(),
            1 => self.time_term(),
            2 => format!("level {} warn", self.pick(&[">=", "=", "!="])),
            _ => format!("category in (order, training) {}", self.term()),
        };
        let by = self.pick(&["", " by category", " by level", " by category, level", " by level, category"]);
        Generated { filter, stages: vec![format!("stats count(){by}")] }
    }

    fn stages(&mut self) -> Vec<String> {
        let count = if self.depth > 0 { self.random.below(2) } else { self.random.below(6) };
        let mut stages = Vec::new();
        // The first rows of an order, which are found in ways of their own.
        if count > 0 && self.random.one_in(5) {
            stages.extend(self.sort());
            stages.push(format!("{} {}", self.pick(&["head", "limit", "tail"]), self.random.below(30)));
        }
        stages.extend((0..count).map(|_| self.stage()));
        stages
    }

    fn has(&self, name: &str, kind: Kind) -> bool {
        self.columns.iter().any(|column| column.name == name && column.kind == kind)
    }

    fn stage(&mut self) -> String {
        let is_event = self.are_events;
        loop {
            let stage = match self.random.below(26) {
                0 | 1 => Some(format!("where {}", self.filter(1))),
                2 => Some(self.fields()),
                3 => self.fields_except(),
                4 | 5 => Some(self.extend()),
                6 | 7 => self.sort(),
                8 => Some(format!("{} {}", self.pick(&["head", "limit", "tail"]), self.random.below(30))),
                9 => self.distinct(),
                10 => self.top(),
                11 => Some(format!("sample {}", self.pick(&["5", "20%", "50%", "0", "1%", "30"]))),
                12..16 => Some(self.stats()),
                16 => self.bin(),
                17 => self.histogram(),
                18 if is_event => Some(self.timeline()),
                19 | 20 => self.shift(),
                21 if is_event => Some(self.sessions()),
                22 if is_event => Some(self.related()),
                23 if is_event && !self.are_many => Some(self.context()),
                24 if is_event && self.depth == 0 && !self.has_asof => Some(self.asof()),
                25 if self.depth == 0 && !self.has_join => self.join(),
                _ => self.random.one_in(3).then(|| format!("tz {}", self.zone())),
            };
            if let Some(stage) = stage {
                return stage;
            }
        }
    }

    fn usable(&self) -> Vec<Column> {
        self.columns.iter().filter(|column| !column.is_fuzzy).cloned().collect()
    }

    fn list(&mut self, columns: Vec<Column>) {
        self.columns = columns;
        self.are_events = false;
    }
}
