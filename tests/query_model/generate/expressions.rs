//! Random expressions, by what they give.

use super::{Generator, Kind, name_text};

impl Generator<'_> {
    pub(super) fn columns_of(&self, kind: Kind) -> Vec<String> {
        let columns = self.columns.iter().filter(|column| column.kind == kind && !column.is_fuzzy);
        columns.map(|column| name_text(&column.name)).collect()
    }

    pub(super) fn number(&mut self, depth: u32) -> String {
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

    pub(super) fn text_call(&mut self) -> String {
        let text = self.text(0);
        match self.random.below(5) {
            0 => format!("upper({text})"),
            1 => format!("substring({text}, {}, 2)", 1 + self.random.below(3)),
            2 => format!("replace({text}, \"a\", \"_\")"),
            3 => format!("trim({text})"),
            _ => format!("lower({text})"),
        }
    }

    pub(super) fn text(&mut self, depth: u32) -> String {
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

    pub(super) fn duration(&mut self) -> String {
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

    pub(super) fn time(&mut self) -> String {
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

    pub(super) fn bin_width(&mut self) -> &'static str {
        self.pick(&["10s", "1m", "5m", "15m", "1h", "4h", "1d", "1w", "7m", "90m", "2d"])
    }

    /// An expression of any kind, as a column.
    pub(super) fn expression(&mut self) -> (String, Kind) {
        let (text, kind) = match self.random.below(9) {
            0..4 => (self.number(2), Kind::Number),
            4 | 5 => (self.text(2), Kind::Text),
            6 => (self.duration(), Kind::Duration),
            7 => (self.time(), Kind::Time),
            _ => (format!("starts_with({}, \"a\")", self.text(1)), Kind::Bool),
        };
        (text, kind)
    }
}
