//! Random stages that bring in other rows.

use std::fmt::Write;

use super::{Column, Generator, Kind, event_columns, name_text};

impl Generator<'_> {
    pub(super) fn events_again(&mut self) {
        self.columns = event_columns();
        self.are_events = true;
    }

    pub(super) fn related(&mut self) -> String {
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

    pub(super) fn context(&mut self) -> String {
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
    pub(super) fn other(&mut self) -> (String, Vec<Column>) {
        let own = (std::mem::replace(&mut self.columns, event_columns()), self.are_events);
        (self.are_events, self.depth) = (true, 1);
        let filter = self.filter(1);
        let stages = self.stages();
        let text = std::iter::once(filter).chain(stages).collect::<Vec<String>>().join(" | ");
        let columns = std::mem::replace(&mut self.columns, own.0);
        (self.are_events, self.depth) = (own.1, 0);
        (text, columns)
    }

    pub(super) fn asof(&mut self) -> String {
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

    pub(super) fn join(&mut self) -> Option<String> {
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
