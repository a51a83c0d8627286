//! The questions whose answers must not change when the tier of what they are about does.
//!
//! A question is asked of a range of days and of the categories that it is about, less those of which maintenance is
//! about to delete something in that range.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use blotter::Snapshot;
use blotter::event::Day;

use super::bench;
use super::model::{Change, Key, Model};

const ALL: &[&str] = &[
    "market_data",
    "signal",
    "order",
    "fill",
    "position",
    "risk",
    "system",
    "error",
    "performance",
    "audit",
];

struct Question {
    name: &'static str,
    categories: &'static [&'static str],
    /// What follows the range and the categories; `$order` and `$decision` are ids of the day asked for.
    text: &'static str,
    /// Whether it is asked of the whole database too.
    is_wide: bool,
}

const fn question(
    name: &'static str,
    categories: &'static [&'static str],
    text: &'static str,
    is_wide: bool,
) -> Question {
    Question { name, categories, text, is_wide }
}

const LIFE: &[&str] = &["order", "fill", "position", "audit"];
const DECISION: &[&str] = &["signal", "order", "fill", "position", "audit"];

const QUESTIONS: &[Question] = &[
    question("by category, level", ALL, "| stats count(), min(ts), max(ts) by category, level", true),
    question("one in a hundred, whole", ALL, "| sample 1%", false),
    question(
        "by strategy where submitted",
        &["order"],
        "status = submitted | stats count(), avg(latency_us), p99(latency_us) by strategy",
        true,
    ),
    question("latest rejected", &["order"], "status = rejected | sort ts desc | limit 100", true),
    question("orders", &["order"], "| stats distinct(order_id), distinct(exchange_order_id)", false),
    question(
        "sums of money",
        &["fill"],
        "| stats count(), sum(fill_quantity), sum(commission), avg(fill_price), sum(slippage_bps) by symbol",
        true,
    ),
    question("top messages", &["order", "risk", "error"], "level >= warn | top 10 message", true),
    question(
        "percentiles",
        &["performance"],
        "| stats p50(value), p99(value), p99.9(value), stddev(memory_usage_mb), max(cpu_usage_percent)",
        true,
    ),
    question(
        "time bins",
        &["market_data"],
        "| stats count(), min(bid), max(ask), sum(bid_size) by bin(ts, 1h), symbol",
        true,
    ),
    question(
        "full text",
        &["order", "error"],
        "(rejected or timeout) | stats count() by category, event",
        true,
    ),
    question("life of an order", LIFE, "order_id = $order | sort ts", true),
    question("life of a decision", DECISION, "correlation_id = $decision | sort ts", true),
    question("risk", &["risk"], "| stats count(), max(heat_percent), first(ts), last(ts) by strategy", true),
    question(
        "positions",
        &["position"],
        "| stats sum(realized_pnl), last(quantity_after) by strategy, symbol",
        true,
    ),
    question("signals", &["signal"], "| stats avg(score), median(score), stddev(score) by strategy", true),
    question(
        "audits",
        &["audit"],
        "final_status = filled | stats count(), median(duration_ms), sum(order_qty) by strategy",
        true,
    ),
    question("health", &["system"], "| stats count(), p99(response_time_ms) by event", true),
    question("runs", &["system"], "event = maintenance_run | sort ts desc | limit 20", true),
];

/// An order and a decision of a day.
#[derive(Default)]
pub(crate) struct Ids {
    pub(crate) order: String,
    pub(crate) decision: String,
}

/// A question as it is asked: its number, and the text.
pub(crate) type Asked = (usize, String);

impl Question {
    fn ask(&self, first: Day, end: Day, categories: &[&str], ids: &Ids) -> String {
        let text = self.text.replace("$order", &ids.order).replace("$decision", &ids.decision);
        let (first, end) = (first.start(), end.start());
        format!("since {first} until {end} category in ({}) {text}", categories.join(", "))
    }
}

/// What is asked of the partitions that change and of the day before each, which has been in that tier before.
pub(crate) fn about(changed: &[Key], deleted: &[Change], ids: &BTreeMap<Day, Ids>) -> Vec<Asked> {
    let mut by_day: BTreeMap<Day, BTreeSet<&str>> = BTreeMap::new();
    for (day, category) in changed {
        by_day.entry(*day).or_default().insert(category);
    }
    let mut asked = Vec::new();
    for (day, changing) in by_day {
        let (first, end) = (Day(day.0 - 1), Day(day.0 + 1));
        let is_kept = |category: &str| {
            !deleted.iter().any(|gone| gone.key.1 == category && (first..end).contains(&gone.key.0))
        };
        for (number, question) in QUESTIONS.iter().enumerate() {
            let categories: Vec<&str> =
                question.categories.iter().copied().filter(|category| is_kept(category)).collect();
            if categories.iter().any(|category| changing.contains(category)) {
                asked.push((number, question.ask(first, end, &categories, &ids[&day])));
            }
        }
    }
    asked
}

/// What is asked of everything that is there and will be after the deletions.
pub(crate) fn about_everything(
    model: &Model,
    today: Day,
    deleted: &[Change],
    ids: &BTreeMap<Day, Ids>,
) -> Vec<Asked> {
    let goes = |category: &str| deleted.iter().any(|gone| gone.key.1 == category);
    let remains = |category: &&&str| -> Option<Day> {
        let gone = deleted.iter().filter(|gone| gone.key.1 == **category).map(|gone| gone.key.0).max();
        model.days(category).find(|day| gone.is_none_or(|gone| *day > gone))
    };
    let mut asked = Vec::new();
    for (number, question) in QUESTIONS.iter().enumerate().filter(|(_, question)| question.is_wide) {
        let mut ask = |categories: &[&str], first: Day| {
            let middle = Day(first.0 + (today.0 - first.0) / 2);
            asked.push((number, question.ask(first, today, categories, &ids[&middle])));
        };
        // From the day on from which nothing goes ...
        if let Some(first) = question.categories.iter().filter_map(|category| remains(&category)).max()
            && first < today
        {
            ask(question.categories, first);
        }
        // ... and from the very first day on where only some categories lose anything.
        let whole: Vec<&str> =
            question.categories.iter().copied().filter(|category| !goes(category)).collect();
        if let Some(first) = whole.iter().filter_map(|category| model.days(category).next()).min()
            && whole.len() < question.categories.len()
        {
            ask(&whole, first);
        }
    }
    asked
}

/// What was asked in all.
#[derive(Default)]
pub(crate) struct Questions {
    /// Rows that each question has had.
    rows: [u64; QUESTIONS.len()],
    asked: u64,
    took: Duration,
}

impl Questions {
    pub(crate) fn answers(&mut self, snapshot: &Snapshot, asked: &[Asked]) -> Vec<String> {
        let started = Instant::now();
        let mut answer = |(number, text): &Asked| {
            let answer = bench::answer(snapshot, text).unwrap_or_else(|error| panic!("{error}"));
            self.rows[*number] += answer.lines().count() as u64;
            answer
        };
        let answers = asked.iter().map(&mut answer).collect();
        self.asked += asked.len() as u64;
        self.took += started.elapsed();
        answers
    }

    /// Prints what was asked; no question may have gone without any answer.
    pub(crate) fn finish(&self) {
        println!(
            "questions: {} kinds, {} asked before and after tier changes, {} rows, all answers the same, in {:.1?}",
            QUESTIONS.len(),
            self.asked,
            self.rows.iter().sum::<u64>(),
            self.took
        );
        for (question, rows) in QUESTIONS.iter().zip(self.rows) {
            assert!(rows > 0, "'{}' never had a row", question.name);
        }
    }
}

/// Two answers to each question must be the same to the byte.
pub(crate) fn compare(today: Day, asked: &[Asked], before: &[String], after: &[String]) {
    for (((number, text), before), after) in asked.iter().zip(before).zip(after) {
        if before != after {
            let lines = before.lines().zip(after.lines()).find(|(before, after)| before != after);
            panic!(
                "{today}: '{}' is answered otherwise after maintenance: {text}\n{} rows, then {}; the first \
                 difference: {lines:?}",
                QUESTIONS[*number].name,
                before.lines().count(),
                after.lines().count(),
            );
        }
    }
}
