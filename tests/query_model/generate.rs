//! Random queries as text, of which each is valid for the events of the test: names exist, and values are of types that
//! fit together.

use std::collections::BTreeMap;
use std::fmt::Write;

use blotter::event::dec;
use blotter::vfs::sim::Prng;
use chrono::{DateTime, SecondsFormat, TimeDelta};

use crate::clock::HOUR_NS;
use crate::expression::ModelRow;
use crate::value::ModelValue;

/// A query in parts, of which any can be left out.
#[derive(Clone, Debug)]
pub struct Generated {
    pub filter: String,
    pub stages: Vec<String>,
    /// The error of a row may stay unseen, because the row is not needed.
    pub may_hide_errors: bool,
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
            return Generated { filter, stages: vec!["gaps".to_owned()], may_hide_errors: false };
        }
        if self.random.one_in(20) {
            return self.counting();
        }
        let filter = if self.random.one_in(6) { String::new() } else { self.filter(2) };
        let stages = self.stages();
        Generated { filter, stages, may_hide_errors: false }
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
        Generated { filter, stages: vec![stage.to_owned()], may_hide_errors: false }
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
        Generated { filter, stages: vec![format!("stats count(){by}")], may_hide_errors: false }
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

    // Conditions.

    fn filter(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.one_in(3) {
            return self.term();
        }
        let count = 2 + self.random.below(2);
        let parts: Vec<String> = (0..count).map(|_| self.filter(depth - 1)).collect();
        match self.random.below(6) {
            0 => parts.join(" and "),
            1 => parts.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" "),
            2 => format!("({})", parts.join(" or ")),
            3 => format!("not ({})", parts[0]),
            4 => format!("({}) or ({})", parts[0], parts[1]),
            _ => parts[0].clone(),
        }
    }

    fn has(&self, name: &str, kind: Kind) -> bool {
        self.columns.iter().any(|column| column.name == name && column.kind == kind)
    }

    fn term(&mut self) -> String {
        match self.random.below(12) {
            0 if self.has("ts", Kind::Time) => self.time_term(),
            1 if self.are_events => self.word(),
            2 => {
                let column = self.pick(&self.columns.clone());
                format!("{} {}", self.pick(&["exists", "missing"]), name_text(&column.name))
            }
            3 => self.computed(),
            4 => format!("not {}", self.comparison()),
            _ => self.comparison(),
        }
    }

    fn word(&mut self) -> String {
        self.pick(&[
            "timeout",
            "Timeout*",
            "\"risk limit\"",
            "risk",
            "über",
            "5s",
            "filled",
            "reject:",
            "limit",
            "time*",
            "\"after 5s\"",
            "quoted",
            "日本",
        ])
        .to_owned()
    }

    fn time_text(&mut self) -> String {
        let ns = match self.random.below(3) {
            0 => {
                let at = self.random.below(self.events.len() as u64) as usize;
                match &self.events[at]["ts"] {
                    ModelValue::Time(ts) => *ts,
                    _ => unreachable!("events have times"),
                }
            }
            _ => self.noon - 36 * HOUR_NS + self.random.below(72 * 4) as i64 * HOUR_NS / 4,
        };
        let time = DateTime::from_timestamp_nanos(ns);
        match self.random.below(9) {
            0 => time.format("%Y-%m-%d").to_string(),
            1 => time.format("%Y-%m-%dT%H:%M").to_string(),
            2 => time.format("\"%Y-%m-%d %H:%M:%S\"").to_string(),
            3 => time.format("%H:%M").to_string(),
            4 => format!("-{}h", 1 + self.random.below(50)),
            5 => self.pick(&["now", "today", "yesterday", "-1d", "+1h30m", "02:30"]).to_owned(),
            6 => (time + TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%S%.f+02:00").to_string(),
            _ => time.to_rfc3339_opts(SecondsFormat::Nanos, true),
        }
    }

    fn zone(&mut self) -> String {
        self.pick(&ZONES).to_owned()
    }

    fn time_term(&mut self) -> String {
        let zone = if self.random.one_in(3) { format!(" tz {}", self.zone()) } else { String::new() };
        match self.random.below(5) {
            0 => format!("last {}", self.pick(&["12h", "1d", "36h", "90m", "2d"])),
            1 => format!("since {}{zone}", self.time_text()),
            2 => format!("until {}{zone}", self.time_text()),
            3 => format!("since {} until {}", self.time_text(), self.time_text()),
            _ => {
                let day = DateTime::from_timestamp_nanos(
                    self.noon + (self.random.below(3) as i64 - 1) * 24 * HOUR_NS,
                );
                let day = day.format("%Y-%m-%d").to_string();
                let day = self.pick(&[day.as_str(), &day, "today", "yesterday"]).to_owned();
                format!("on {day}{zone}")
            }
        }
    }

    /// A literal like the values that a column has.
    fn literal(&mut self, column: &Column) -> String {
        let at = self.random.below(self.events.len() as u64) as usize;
        let recorded = self.events[at].get(&column.name).cloned().unwrap_or(ModelValue::Null);
        match column.kind {
            Kind::Bool => self.pick(&["true", "false"]).to_owned(),
            Kind::Number | Kind::Big => self.number_literal(column, &recorded),
            Kind::Level => self.pick(&["warn", "ERROR", "info", "Warning", "fatal", "\"debug\""]).to_owned(),
            Kind::Category => {
                self.pick(&["order", "ORDER", "fill", "market_data", "training", "nosuch", "Risk"]).to_owned()
            }
            Kind::Time => self.time_text(),
            Kind::Duration => {
                self.pick(&["5m", "1h", "09:30", "12:00:00.5", "-1h", "0s", "16:00", "1.5s"]).to_owned()
            }
            Kind::Mixed => match recorded {
                ModelValue::Text(text) => quoted(&text),
                ModelValue::Null => "7".to_owned(),
                other => other.to_string(),
            },
            Kind::Text => {
                let text = match recorded {
                    ModelValue::Null => self.pick(&["AAPL", "a", "fill", "7", "zz"]).to_owned(),
                    other => other.to_string(),
                };
                if is_bare(&text) && self.random.one_in(2) { text } else { quoted(&text) }
            }
        }
    }

    fn number_literal(&mut self, column: &Column, recorded: &ModelValue) -> String {
        if self.random.one_in(5) {
            let with_unit: &[&str] = match crate::filter::unit(&column.name) {
                Some(crate::filter::Unit::Time(_)) => &["1ms", "500us", "0.25ms", "1500000ns", "2s"],
                Some(crate::filter::Unit::Size(_)) => &["64kb", "0.05mb", "50000b", "32KiB"],
                Some(crate::filter::Unit::Percent) => &["5%", "50bps", "-2%"],
                Some(crate::filter::Unit::BasisPoints) => &["1%", "2.5bps", "-0.01%"],
                None => &["$number", "$count", "{1 + 2}", "0"],
            };
            return self.pick(with_unit).to_owned();
        }
        match recorded {
            ModelValue::Float(value) if value.abs() < 1e-3 => "1e-7".to_owned(),
            ModelValue::Int(_) | ModelValue::Float(_) | ModelValue::Decimal(_) if !self.random.one_in(4) => {
                recorded.to_string()
            }
            _ => format!("{}", (self.random.below(60) as f64 - 20.0) / 4.0),
        }
    }

    fn comparison(&mut self) -> String {
        let columns = self.columns.iter().filter(|column| !column.is_fuzzy || column.name == "g");
        let columns: Vec<Column> = columns.cloned().collect();
        if columns.is_empty() {
            return format!("exists {}", name_text(&self.columns[0].name));
        }
        let column = self.pick(&columns);
        let name = name_text(&column.name);
        let is_ordered = column.kind != Kind::Category && column.kind != Kind::Bool;
        let ops: &[&str] = if is_ordered { &["=", "!=", "<", "<=", ">", ">=", "="] } else { &["=", "!="] };
        let text_ops = column.has_text
            && matches!(column.kind, Kind::Text | Kind::Level | Kind::Category | Kind::Number | Kind::Mixed);
        match self.random.below(10) {
            0 | 1 => {
                let count = 1 + self.random.below(3);
                let values: Vec<String> = (0..count).map(|_| self.literal(&column)).collect();
                format!("{name} {} ({})", self.pick(&["in", "in", "not in"]), values.join(", "))
            }
            2 if is_ordered => {
                format!("{name} between {} and {}", self.literal(&column), self.literal(&column))
            }
            3 if text_ops => {
                let pattern = self.pick(&["A*", "*a*", "?", "??", "*l*d", "*", "w*", "ORD*", "*.5*", "a.b*"]);
                format!("{name} like \"{pattern}\"")
            }
            4 if text_ops => {
                format!("{name} contains \"{}\"", self.pick(&["A", "a", "ill", "日", ".", "5", "RR", ""]))
            }
            5 if text_ops => {
                let pattern = self.pick(&["^A", "[0-9]+", "a|b", "l$", "^.?$", "日", "\\.", "(?i)buy"]);
                format!("{name} {} {}", self.pick(&["~", "!~"]), quoted(pattern))
            }
            6 if column.kind == Kind::Number => {
                format!("{name} {} {{0 + {}}}", self.pick(ops), self.number(1))
            }
            6 if column.kind == Kind::Text && !matches!(&*column.name, "side" | "status" | "order_type") => {
                format!("{name} {} {}", self.pick(&["=", "!="]), self.pick(&["$symbol", "{lower(\"AAPL\")}"]))
            }
            _ => format!("{name} {} {}", self.pick(ops), self.literal(&column)),
        }
    }

    /// A comparison of something computed.
    fn computed(&mut self) -> String {
        let time = self.has("ts", Kind::Time);
        match self.random.below(8) {
            0 if time => format!("hour(ts) {} {}", self.pick(&["=", "<", ">="]), self.random.below(24)),
            1 if time => format!(
                "time_of_day(ts) between {} and {}",
                self.pick(&["09:30", "00:00", "2h"]),
                self.pick(&["16:00", "23:59:59.5", "12h30m"])
            ),
            2 if time => format!("weekday(ts, \"{}\") in (1, 6, 7)", self.zone()),
            3 if time => format!("bin(ts, 1h) {} {}", self.pick(&["=", ">="]), self.time_text()),
            4 if time => {
                let day = DateTime::from_timestamp_nanos(self.noon).format("%Y-%m-%d").to_string();
                format!("date(ts) = {day}")
            }
            5 => format!("{{{}}} {} {}", self.number(2), self.pick(&["<", ">", "!="]), self.random.below(9)),
            6 => format!("{} {} {{{}}}", self.text_call(), self.pick(&["=", "!=", "<"]), self.text(0)),
            _ => format!("{{{}}} {} {{0 + {}}}", self.number(1), self.pick(&["<", ">="]), self.number(1)),
        }
    }

    // Expressions.

    fn columns_of(&self, kind: Kind) -> Vec<String> {
        let columns = self.columns.iter().filter(|column| column.kind == kind && !column.is_fuzzy);
        columns.map(|column| name_text(&column.name)).collect()
    }

    fn number(&mut self, depth: u32) -> String {
        let columns = self.columns_of(Kind::Number);
        if depth == 0 || self.random.one_in(4) {
            if columns.is_empty() || self.random.one_in(4) {
                return self.pick(&["2", "0", "1.50", "10", "0.25", "$count", "5%", "1kb"]).to_owned();
            }
            return self.pick(&columns);
        }
        let (a, b) = (self.number(depth - 1), self.number(depth - 1));
        let has_time = self.has("ts", Kind::Time);
        match self.random.below(16) {
            0..6 => format!("({a} {} {b})", self.pick(&["+", "-", "*", "/", "%"])),
            6 => format!("abs({a})"),
            7 => format!("round({a}, {})", self.pick(&["0", "1", "2"])),
            8 => format!("{}({a})", self.pick(&["floor", "ceil", "sign"])),
            9 => format!("{}({a}, {b})", self.pick(&["min_of", "max_of", "coalesce"])),
            10 => format!("if({}, {a}, {b})", self.filter(0)),
            11 if has_time => self.pick(&["hour(ts)", "minute(ts)", "weekday(ts)"]).to_owned(),
            12 if has_time => format!("{}(time_of_day(ts))", self.pick(&["seconds", "millis"])),
            13 => format!("length({})", self.text(depth - 1)),
            14 => format!("bin({a}, {})", self.pick(&["10", "0.5", "3"])),
            _ => format!("-{a}"),
        }
    }

    fn text_call(&mut self) -> String {
        let text = self.text(0);
        match self.random.below(5) {
            0 => format!("upper({text})"),
            1 => format!("substring({text}, {}, 2)", 1 + self.random.below(3)),
            2 => format!("replace({text}, \"a\", \"_\")"),
            3 => format!("trim({text})"),
            _ => format!("lower({text})"),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        let columns = self.columns_of(Kind::Text);
        // One field has numbers too, which functions of text do not take.
        let columns: Vec<String> = columns.into_iter().filter(|name| name != "order_id").collect();
        if depth == 0 || self.random.one_in(4) {
            if columns.is_empty() || self.random.one_in(6) {
                return self.pick(&["\"a\"", "\"AAPL\"", "\"日本\"", "\"\""]).to_owned();
            }
            return self.pick(&columns);
        }
        let text = self.text(depth - 1);
        match self.random.below(9) {
            0 => format!("concat({text}, \"-\", {})", self.text(depth - 1)),
            1 => format!("split({text}, \"{}\", {})", self.pick(&[".", "-", "_", " "]), self.random.below(3)),
            2 => format!("extract({text}, \"[a-z]+\")"),
            3 => format!("extract({text}, \"([A-Z])([a-z0-9])?\", {})", self.random.below(3)),
            4 if self.has("ts", Kind::Time) => {
                self.pick(&["date(ts)", "date(ts, \"Asia/Kolkata\")"]).to_owned()
            }
            5 => format!("if({}, {text}, {})", self.filter(0), self.text(0)),
            6 => format!("coalesce({text}, {})", self.text(0)),
            _ => self.text_call(),
        }
    }

    fn duration(&mut self) -> String {
        let columns = self.columns_of(Kind::Duration);
        if !columns.is_empty() && self.random.one_in(2) {
            return self.pick(&columns);
        }
        if self.has("ts", Kind::Time) {
            return self
                .pick(&[
                    "time_of_day(ts)",
                    "(ts - bin(ts, 1h))",
                    "(bin(ts, 1d) - ts)",
                    "(ts - now())",
                    "5m * 1.5",
                ])
                .to_owned();
        }
        "90s".to_owned()
    }

    fn time(&mut self) -> String {
        let columns = self.columns_of(Kind::Time);
        if columns.is_empty() {
            return "now()".to_owned();
        }
        let time = self.pick(&columns);
        match self.random.below(4) {
            0 => format!("bin({time}, {})", self.bin_width()),
            1 => format!("({time} + 90m)"),
            2 => format!("bin({time}, {}, \"{}\")", self.bin_width(), self.zone()),
            _ => time,
        }
    }

    fn bin_width(&mut self) -> &'static str {
        self.pick(&["10s", "1m", "5m", "15m", "1h", "4h", "1d", "1w", "7m", "90m", "2d"])
    }

    /// An expression of any kind, as a column.
    fn expression(&mut self) -> (String, Kind) {
        let (text, kind) = match self.random.below(9) {
            0..4 => (self.number(2), Kind::Number),
            4 | 5 => (self.text(2), Kind::Text),
            6 => (self.duration(), Kind::Duration),
            7 => (self.time(), Kind::Time),
            _ => (format!("starts_with({}, \"a\")", self.text(1)), Kind::Bool),
        };
        (text, kind)
    }

    // Stages.

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

    fn fields(&mut self) -> String {
        let count = 1 + self.random.below(4);
        let (mut texts, mut columns): (Vec<String>, Vec<Column>) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let column = self.pick(&self.columns.clone());
            let name = name_text(&column.name);
            if self.random.one_in(4) {
                let (text, kind) = self.expression();
                let made = self.fresh();
                texts.push(format!("{{{text}}} as {made}"));
                columns.push(Column { name: made, kind, is_fuzzy: false, has_text: kind == Kind::Text });
            } else if columns.iter().any(|known| known.name == column.name) || self.random.one_in(4) {
                let made = self.fresh();
                texts.push(format!("{name} as {made}"));
                columns.push(Column { name: made, ..column });
            } else {
                texts.push(name);
                columns.push(column);
            }
        }
        self.list(columns);
        format!("fields {}", texts.join(", "))
    }

    fn fields_except(&mut self) -> Option<String> {
        let removable =
            self.columns.iter().filter(|column| !matches!(&*column.name, "ts" | "seq" | "symbol"));
        let removable: Vec<Column> = removable.cloned().collect();
        if removable.len() < 2 || self.columns.len() < 3 {
            return None;
        }
        let column = self.pick(&removable);
        self.columns.retain(|known| known.name != column.name);
        // The fields that stages of events take are not counted on any more.
        self.are_events &=
            !matches!(&*column.name, "correlation_id" | "order_id" | "event" | "level" | "message");
        Some(format!("fields except {}", name_text(&column.name)))
    }

    fn extend(&mut self) -> String {
        let count = 1 + self.random.below(2);
        let mut texts = Vec::new();
        for _ in 0..count {
            let (text, kind) = self.expression();
            // Sometimes in the place of a field.
            let replaceable = ["n", "t", "d", "b", "x"].iter().filter(|name| self.has(name, kind_of(name)));
            let replaceable: Vec<String> = replaceable.map(|name| (*name).to_owned()).collect();
            let name = match !replaceable.is_empty() && kind != Kind::Duration && self.random.one_in(5) {
                true => self.pick(&replaceable),
                false => self.fresh(),
            };
            texts.push(format!("{name} = {text}"));
            self.columns.retain(|known| known.name != name);
            self.columns.push(Column { name, kind, is_fuzzy: false, has_text: kind == Kind::Text });
        }
        format!("extend {}", texts.join(", "))
    }

    fn sort(&mut self) -> Option<String> {
        let usable = self.usable();
        if usable.is_empty() {
            return None;
        }
        let count = 1 + self.random.below(3);
        let keys: Vec<String> = (0..count)
            .map(|_| {
                let key = match self.random.below(6) {
                    0 => self.number(1),
                    1 if self.has("ts", Kind::Time) => "ts".to_owned(),
                    _ => name_text(&self.pick(&usable).name),
                };
                format!("{key}{}", self.pick(&["", " asc", " desc", " desc"]))
            })
            .collect();
        Some(format!("sort {}", keys.join(", ")))
    }

    /// Keys, each with its column.
    fn keys(&mut self, most: u64) -> (Vec<String>, Vec<Column>) {
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

    fn distinct(&mut self) -> Option<String> {
        if self.random.one_in(3) {
            let is_sure = self.columns.iter().all(|column| !column.is_fuzzy) && !self.are_events;
            return is_sure.then(|| {
                self.columns.iter_mut().for_each(|column| column.has_text &= column.kind == Kind::Text);
                "distinct".to_owned()
            });
        }
        let (texts, columns) = self.keys(3);
        if columns.is_empty() {
            return None;
        }
        self.list(columns);
        Some(format!("distinct {}", texts.join(", ")))
    }

    /// An aggregate without its name, and what it gives.
    fn aggregate(&mut self) -> (String, Kind, bool) {
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

    fn stats(&mut self) -> String {
        let mut aggregates = Vec::new();
        let mut made = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let (mut text, kind, is_fuzzy) = self.aggregate();
            let name = self.fresh();
            // What has no name gets one by itself, and is not used again.
            if self.random.one_in(2) {
                write!(text, " as {name}").unwrap();
                made.push(Column { name, kind, is_fuzzy, has_text: kind == Kind::Text });
            }
            aggregates.push(text);
        }
        let (texts, mut columns) = self.keys(3);
        columns.extend(made);
        if columns.is_empty() {
            let name = self.fresh();
            aggregates.push(format!("count() as {name}"));
            columns.push(Column { name, kind: Kind::Number, is_fuzzy: false, has_text: false });
        }
        self.list(columns);
        let by = if texts.is_empty() { String::new() } else { format!(" by {}", texts.join(", ")) };
        format!("stats {}{by}", aggregates.join(", "))
    }

    fn top(&mut self) -> Option<String> {
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

    fn bin(&mut self) -> Option<String> {
        let name = self.fresh();
        let (text, kind) = if self.has("ts", Kind::Time) && self.random.one_in(2) {
            (format!("bin(ts, {})", self.bin_width()), Kind::Time)
        } else {
            let columns = self.columns_of(Kind::Number);
            if columns.is_empty() {
                return None;
            }
            (format!("bin({}, {})", self.pick(&columns), self.pick(&["5", "0.5", "100"])), Kind::Number)
        };
        self.columns.push(Column { name: name.clone(), kind, is_fuzzy: false, has_text: false });
        Some(format!("{text} as {name}"))
    }

    fn histogram(&mut self) -> Option<String> {
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

    fn timeline(&mut self) -> String {
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

    fn shift(&mut self) -> Option<String> {
        let kind = self.pick(&["prev", "next", "delta"]);
        let takes = |column: &&Column| {
            kind != "delta" || matches!(column.kind, Kind::Number | Kind::Time | Kind::Duration)
        };
        let columns: Vec<Column> = self.columns.iter().filter(takes).cloned().collect();
        if columns.is_empty() {
            return None;
        }
        let column = self.pick(&columns);
        let made = self.fresh();
        let by = match self.random.below(3) {
            0 => String::new(),
            _ => {
                let usable = self.usable();
                if usable.is_empty() {
                    String::new()
                } else {
                    format!(" by {}", name_text(&self.pick(&usable).name))
                }
            }
        };
        let text = format!("{kind} {} as {made}{by}", name_text(&column.name));
        let kind = if kind == "delta" && column.kind == Kind::Time { Kind::Duration } else { column.kind };
        self.columns.push(Column { name: made, kind, has_text: false, ..column });
        Some(text)
    }

    fn sessions(&mut self) -> String {
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

    fn events_again(&mut self) {
        self.columns = event_columns();
        self.are_events = true;
    }

    fn related(&mut self) -> String {
        self.events_again();
        self.pick(&[
            "related",
            "related order_id -> correlation_id",
            "related symbol",
            "related x",
            "related n",
        ])
        .to_owned()
    }

    fn context(&mut self) -> String {
        let by = self.pick(&["", "", " by strategy", " by side", " by num"]);
        self.events_again();
        let condition =
            if self.random.one_in(2) { format!(" where {}", self.filter(1)) } else { String::new() };
        let made = Column { name: "matched".to_owned(), kind: Kind::Bool, is_fuzzy: false, has_text: true };
        self.columns.push(made);
        let spans = self.pick(&["5s 5s", "1h 0s", "0s 30m", "3h 2h"]);
        format!("context {spans}{condition}{by}")
    }

    /// A query within another one.
    fn other(&mut self) -> (String, Vec<Column>) {
        let own = (std::mem::replace(&mut self.columns, event_columns()), self.are_events);
        (self.are_events, self.depth) = (true, 1);
        let filter = self.filter(1);
        let stages = self.stages();
        let text = std::iter::once(filter).chain(stages).collect::<Vec<String>>().join(" | ");
        let columns = std::mem::replace(&mut self.columns, own.0);
        (self.are_events, self.depth) = (own.1, 0);
        (text, columns)
    }

    fn asof(&mut self) -> String {
        let own = (std::mem::replace(&mut self.columns, event_columns()), self.are_events);
        (self.are_events, self.depth) = (true, 1);
        let mut text = self.filter(1);
        if self.random.one_in(3) {
            write!(text, " | {}", self.extend()).unwrap();
        }
        let right = std::mem::replace(&mut self.columns, own.0);
        (self.are_events, self.depth) = (own.1, 0);
        self.has_asof = true;
        for column in right {
            match self.columns.iter().any(|known| known.name == column.name) {
                false => self.columns.push(column),
                true if self.random.one_in(4) && !column.name.contains('-') => {
                    let name = format!("asof.{}", column.name);
                    if !self.columns.iter().any(|known| known.name == name) {
                        self.columns.push(Column { name, ..column });
                    }
                }
                true => {}
            }
        }
        if !self.has("asof_ts", Kind::Time) {
            let name = "asof_ts".to_owned();
            self.columns.push(Column { name, kind: Kind::Time, is_fuzzy: false, has_text: true });
        }
        let by = self.pick(&["symbol", "symbol, side", "category", "strategy", "num"]);
        let within = self.pick(&["", " within 5s", " within 6h"]);
        format!("asof ({text}) by {by}{within}")
    }

    fn join(&mut self) -> Option<String> {
        let (text, right) = self.other();
        let shared: Vec<Column> = self
            .usable()
            .into_iter()
            .filter(|column| {
                let same = |other: &&Column| {
                    other.name == column.name && other.kind == column.kind && !other.is_fuzzy
                };
                column.name != "ts" && right.iter().any(|other| same(&other))
            })
            .collect();
        let on = if shared.is_empty() {
            let texts = |columns: &[Column]| {
                columns
                    .iter()
                    .filter(|column| column.kind == Kind::Text && !column.is_fuzzy)
                    .cloned()
                    .collect::<Vec<Column>>()
            };
            let (own, other) = (texts(&self.columns), texts(&right));
            if own.is_empty() || other.is_empty() {
                return None;
            }
            format!("{} = {}", name_text(&self.pick(&own).name), name_text(&self.pick(&other).name))
        } else {
            name_text(&self.pick(&shared).name)
        };
        for column in right {
            match self.columns.iter().any(|known| known.name == column.name) {
                false => self.columns.push(Column { has_text: false, ..column }),
                true if self.random.one_in(3) && !column.name.contains('-') => {
                    let name = format!("right.{}", column.name);
                    if !self.columns.iter().any(|known| known.name == name) {
                        self.columns.push(Column { name, has_text: false, ..column });
                    }
                }
                true => {}
            }
        }
        self.has_join = true;
        // Rows come more than once, and are no events any more.
        self.are_events = false;
        let left = self.pick(&["", "left "]);
        Some(format!("join {left}({text}) on {on}"))
    }
}
