//! Random stages that bring many rows down to few.

use std::fmt::Write;

use super::{Column, Generator, Kind, name_text};

/// Aggregates by whose call a column of theirs is named, too.
pub(super) const CALLED: [&str; 5] = ["sum", "min", "max", "first", "last"];

impl Generator<'_> {
    /// Keys, each with its column.
    pub(super) fn keys(&mut self, most: u64) -> (Vec<String>, Vec<Column>) {
        let usable = self.usable();
        let (mut texts, mut columns): (Vec<String>, Vec<Column>) = (Vec::new(), Vec::new());
        for _ in 0..self.random.below(most + 1) {
            let few = ["symbol", "category", "level", "side", "status", "b", "num", "event", "strategy", "n"];
            let likely: Vec<Column> =
                usable.iter().filter(|column| few.contains(&&*column.name)).cloned().collect();
            let from = if likely.is_empty() || self.random.one_in(3) { &usable } else { &likely };
            if self.has("ts", Kind::Time) && self.random.one_in(5) {
                if columns.iter().any(|known| known.name == "ts") {
                    continue;
                }
                texts.push(format!("bin(ts, {})", self.bin_width()));
                let name = "ts".to_owned();
                columns.push(Column { name, kind: Kind::Time, is_fuzzy: false, has_text: false });
                continue;
            }
            if from.is_empty() || self.random.one_in(8) {
                let (text, kind) = self.expression();
                let name = self.fresh();
                texts.push(format!("{text} as {name}"));
                columns.push(Column { name, kind, is_fuzzy: false, has_text: kind == Kind::Text });
                continue;
            }
            let column = self.pick(&from.clone());
            if columns.iter().any(|known| known.name == column.name) {
                continue;
            }
            texts.push(name_text(&column.name));
            let has_text = column.has_text && !matches!(column.kind, Kind::Number | Kind::Mixed | Kind::Big);
            columns.push(Column { has_text, ..column });
        }
        (texts, columns)
    }

    /// An aggregate without its name, and what it gives.
    pub(super) fn aggregate(&mut self) -> (String, Kind, bool) {
        let condition =
            if self.random.one_in(4) { format!(" where {}", self.filter(0)) } else { String::new() };
        let usable = self.columns.clone();
        let column = self.pick(&usable);
        let x = name_text(&column.name);
        let is_fuzzy = column.is_fuzzy;
        if self.random.one_in(5) {
            let argument = if self.random.one_in(2) { String::new() } else { x };
            let space = if argument.is_empty() { condition.trim_start() } else { &condition };
            return (format!("count({argument}{space})"), Kind::Number, false);
        }
        let is_number = column.kind == Kind::Number;
        match self.random.below(12) {
            0 | 1 if is_number || column.kind == Kind::Big => {
                (format!("sum({x}{condition})"), if is_number { Kind::Number } else { Kind::Big }, is_fuzzy)
            }
            2 if is_number => (format!("avg({x}{condition})"), Kind::Number, true),
            3 if is_number => (format!("stddev({x}{condition})"), Kind::Number, true),
            4 | 5 if is_number || matches!(column.kind, Kind::Time | Kind::Duration | Kind::Big) => {
                let function = self.pick(&["median", "p50", "p90", "p99", "p99.9", "p1", "p100"]);
                (format!("{function}({x}{condition})"), column.kind, is_fuzzy)
            }
            6 if column.kind == Kind::Duration => (format!("sum({x}{condition})"), Kind::Duration, is_fuzzy),
            6 if self.has("ts", Kind::Time) && self.are_events => ("rate()".to_owned(), Kind::Number, true),
            7 if is_number && self.are_events => (format!("rate({x})"), Kind::Number, true),
            7 if !is_fuzzy => {
                let other = self.pick(&usable);
                let function = self.pick(&["arg_max", "arg_min"]);
                (
                    format!("{function}({x}, {}{condition})", name_text(&other.name)),
                    other.kind,
                    other.is_fuzzy,
                )
            }
            8 if !is_fuzzy => (format!("distinct({x}{condition})"), Kind::Number, false),
            9 => (format!("first({x}{condition})"), column.kind, is_fuzzy),
            10 => (format!("last({x}{condition})"), column.kind, is_fuzzy),
            _ => {
                let function = self.pick(&["min", "max"]);
                (format!("{function}({x}{condition})"), column.kind, is_fuzzy)
            }
        }
    }

    pub(super) fn stats(&mut self) -> String {
        let mut aggregates = Vec::new();
        let mut made = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let (mut text, kind, is_fuzzy) = self.aggregate();
            let name = self.fresh();
            if self.random.one_in(2) {
                write!(text, " as {name}").unwrap();
                made.push(Column { name, kind, is_fuzzy, has_text: kind == Kind::Text });
            } else if let Some(name) = default_name(&text) {
                made.push(Column { name, kind, is_fuzzy, has_text: kind == Kind::Text });
            }
            aggregates.push(text);
        }
        let (texts, mut columns) = self.keys(3);
        // Of columns with one name the later ones get another, and are not used again.
        for column in made {
            if columns.iter().all(|known| known.name != column.name) {
                columns.push(column);
            }
        }
        if columns.is_empty() {
            let name = self.fresh();
            aggregates.push(format!("count() as {name}"));
            columns.push(Column { name, kind: Kind::Number, is_fuzzy: false, has_text: false });
        }
        self.list(columns);
        let by = if texts.is_empty() { String::new() } else { format!(" by {}", texts.join(", ")) };
        format!("stats {}{by}", aggregates.join(", "))
    }

    pub(super) fn top(&mut self) -> Option<String> {
        let (texts, mut columns) = self.keys(1);
        let count = self.random.below(6);
        let text = format!("top {count} {}", texts.first()?);
        let (by, kind, is_fuzzy) = self.aggregate();
        let name = self.fresh();
        if is_fuzzy || self.random.one_in(2) {
            let made =
                Column { name: "count".to_owned(), kind: Kind::Number, is_fuzzy: false, has_text: false };
            columns.retain(|column| column.name != "count");
            columns.push(made);
            self.list(columns);
            return Some(text);
        }
        columns.push(Column { name: name.clone(), kind, is_fuzzy, has_text: kind == Kind::Text });
        self.list(columns);
        Some(format!("{text} by {by} as {name}"))
    }

    pub(super) fn histogram(&mut self) -> Option<String> {
        let columns: Vec<String> =
            self.columns_of(Kind::Number).into_iter().filter(|name| !name.starts_with('c')).collect();
        if columns.is_empty() {
            return None;
        }
        let column = self.pick(&columns);
        let width = if self.random.one_in(2) && column != "seq" {
            self.pick(&[", 10", ", 2.5", ", 100"])
        } else {
            ""
        };
        let made = |name: &str| Column {
            name: name.to_owned(),
            kind: Kind::Number,
            is_fuzzy: false,
            has_text: false,
        };
        self.list(["from", "to", "count"].map(made).to_vec());
        Some(format!("histogram({column}{width})"))
    }

    pub(super) fn timeline(&mut self) -> String {
        let width = self.pick(&["1h", "4h", "1d", "30m", "90m"]);
        let zone = if self.random.one_in(3) { format!(" tz {}", self.zone()) } else { String::new() };
        let (texts, keys) = self.keys(1);
        let by = texts.first().filter(|key| !key.contains("ts")).map(|key| format!(" by {key}"));
        let mut columns =
            vec![Column { name: "ts".to_owned(), kind: Kind::Time, is_fuzzy: false, has_text: false }];
        if by.is_some() {
            columns.extend(keys);
        }
        columns.push(Column {
            name: "count".to_owned(),
            kind: Kind::Number,
            is_fuzzy: false,
            has_text: false,
        });
        self.list(columns);
        format!("timeline {width}{zone}{}", by.unwrap_or_default())
    }

    pub(super) fn sessions(&mut self) -> String {
        let by = self.pick(&["symbol", "correlation_id", "side", "strategy, level as severity", "category"]);
        let bounds = self.pick(&["maxspan 5h", "maxpause 30m", "maxpause 2h maxspan 1d", "maxspan 10s"]);
        let columns: Vec<Column> = [
            ("start", Kind::Time),
            ("end", Kind::Time),
            ("duration", Kind::Duration),
            ("count", Kind::Number),
            ("first_event", Kind::Text),
            ("last_event", Kind::Text),
            ("level", Kind::Level),
        ]
        .map(|(name, kind)| Column { name: name.to_owned(), kind, is_fuzzy: false, has_text: false })
        .to_vec();
        self.list(columns);
        format!("sessions by {by} {bounds}")
    }
}

/// The name that a simple aggregate gets by itself; others are not used again.
fn default_name(aggregate: &str) -> Option<String> {
    let (function, argument) = aggregate.strip_suffix(')')?.split_once('(')?;
    let is_simple =
        CALLED.contains(&function) && argument.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    (is_simple && !argument.is_empty()).then(|| format!("{function}_{argument}"))
}
