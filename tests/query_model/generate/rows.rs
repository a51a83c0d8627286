//! Random stages that pick, compute and order rows.

use super::summaries::CALLED;
use super::{Column, Generator, Kind, kind_of, name_text};

impl Generator<'_> {
    pub(super) fn fields(&mut self) -> String {
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

    pub(super) fn fields_except(&mut self) -> Option<String> {
        let removable =
            self.columns.iter().filter(|column| !matches!(&*column.name, "ts" | "seq" | "symbol"));
        let removable: Vec<Column> = removable.cloned().collect();
        if removable.len() < 2 || self.columns.len() < 3 {
            return None;
        }
        let column = self.pick(&removable);
        self.columns.retain(|known| known.name != column.name);
        // The fields that stages of events take are not counted on any more.
        const TAKEN: [&str; 11] = [
            "correlation_id",
            "order_id",
            "event",
            "level",
            "message",
            "category",
            "strategy",
            "side",
            "num",
            "n",
            "x",
        ];
        self.are_events &= !TAKEN.contains(&&*column.name);
        Some(format!("fields except {}", name_text(&column.name)))
    }

    pub(super) fn extend(&mut self) -> String {
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

    pub(super) fn sort(&mut self) -> Option<String> {
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
                    _ => {
                        let name = self.pick(&usable).name;
                        let called = CALLED.iter().find_map(|function| {
                            let argument = name.strip_prefix(function)?.strip_prefix('_')?;
                            Some(format!("{function}({argument})"))
                        });
                        called.filter(|_| !self.are_events).unwrap_or_else(|| name_text(&name))
                    }
                };
                format!("{key}{}", self.pick(&["", " asc", " desc", " desc"]))
            })
            .collect();
        Some(format!("sort {}", keys.join(", ")))
    }

    pub(super) fn distinct(&mut self) -> Option<String> {
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

    pub(super) fn bin(&mut self) -> Option<String> {
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

    pub(super) fn shift(&mut self) -> Option<String> {
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
}
