//! Random conditions.

use chrono::{DateTime, SecondsFormat, TimeDelta};

use super::{Column, Generator, Kind, ZONES, is_bare, name_text, quoted};
use crate::clock::HOUR_NS;
use crate::filter::{Unit, unit};
use crate::value::ModelValue;

impl Generator<'_> {
    pub(super) fn filter(&mut self, depth: u32) -> String {
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

    pub(super) fn term(&mut self) -> String {
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

    pub(super) fn word(&mut self) -> String {
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

    pub(super) fn time_text(&mut self) -> String {
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

    pub(super) fn zone(&mut self) -> String {
        self.pick(&ZONES).to_owned()
    }

    pub(super) fn time_term(&mut self) -> String {
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
    pub(super) fn literal(&mut self, column: &Column) -> String {
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

    pub(super) fn number_literal(&mut self, column: &Column, recorded: &ModelValue) -> String {
        if self.random.one_in(5) {
            let with_unit: &[&str] = match unit(&column.name) {
                Some(Unit::Time(_)) => &["1ms", "500us", "0.25ms", "1500000ns", "2s"],
                Some(Unit::Size(_)) => &["64kb", "0.05mb", "50000b", "32KiB"],
                Some(Unit::Percent) => &["5%", "50bps", "-2%"],
                Some(Unit::BasisPoints) => &["1%", "2.5bps", "-0.01%"],
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

    pub(super) fn comparison(&mut self) -> String {
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
    pub(super) fn computed(&mut self) -> String {
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
}
