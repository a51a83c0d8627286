//! A detector of your own on a live stream, if it only counts: events that match a filter, perhaps by some fields.
//!
//! It keeps the times of as many events as make a finding, of each combination of the fields, so that the window slides
//! by the event. A query that does more is run again and again instead.

use std::collections::VecDeque;

use blotter_engine::event::{FieldRef, Seq, Timestamp};
use blotter_engine::view::UnsealedEvent;
use serde::{Deserialize, Serialize};

use super::finding::{Change, Figure, Finding, NamedEvents, Phase};
use super::own::OwnDetector;
use super::seen::Seen;
use super::subjects::Subjects;
use super::toml_values::nanos;
use crate::api::QueryOptions;
use crate::error::Result;
use crate::event_filter::EventFilter;
use crate::syntax;
use crate::syntax::ast::{AggregateFunction, CompareOp, ExprKind, Filter, FilterKind, LiteralKind, Stage};
use crate::vocabulary::Vocabulary;

/// Most events that are counted one by one.
const COUNT_MAX: u64 = 100_000;
/// Between the values of several fields.
const SEPARATOR: char = '\u{1f}';

/// See the module.
pub struct Counter {
    own: OwnDetector,
    filter: EventFilter,
    keys: Vec<String>,
    count: u64,
    window: std::time::Duration,
    events_named: usize,
    key: String,
    state: Subjects<Group>,
}

#[derive(Default, Serialize, Deserialize)]
struct Group {
    /// The latest, no more than make a finding.
    latest: VecDeque<(Timestamp, Seq)>,
    is_told: bool,
}

/// What a query counts.
struct Counting {
    filter: String,
    keys: Vec<String>,
    /// Events that make a finding.
    count: u64,
}

impl Counter {
    /// The counter of a detector; `None` if its query does more than count.
    ///
    /// # Errors
    /// A filter that is wrong.
    pub fn new(
        own: &OwnDetector,
        window: std::time::Duration,
        events_named: usize,
        vocabulary: &Vocabulary,
        options: &QueryOptions,
    ) -> Result<Option<Counter>> {
        let Some(Counting { filter, keys, count }) = counting(own)? else { return Ok(None) };
        let filter = EventFilter::new(&filter, options, vocabulary)?;
        let (own, key, state) = (own.clone(), String::new(), Subjects::default());
        Ok(Some(Counter { own, filter, keys, count, window, events_named, key, state }))
    }

    /// The name of the detector.
    pub fn name(&self) -> &str {
        &self.own.name
    }

    /// Looks at an event at a time of the stream.
    ///
    /// # Errors
    /// Damage; what evaluating the filter gives.
    pub fn observe(
        &mut self,
        event: &UnsealedEvent<'_>,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Result<()> {
        if !self.filter.matches_unsealed(event)? || Seen::of(event)?.is_alert() {
            return Ok(());
        }
        self.key.clear();
        for (place, name) in self.keys.iter().enumerate() {
            if place > 0 {
                self.key.push(SEPARATOR);
            }
            push_value(event, name, &mut self.key)?;
        }
        let Some(group) = self.state.of(&self.key, Group::default) else { return Ok(()) };
        // A clock that leaps ahead must not keep the window there.
        group.latest.push_back((event.ts.min(now), event.seq));
        group.slide(now, nanos(self.window), self.count);
        if group.latest.len() as u64 >= self.count && !group.is_told {
            group.is_told = true;
            let finding = finding(&self.own, &self.keys, &self.key, group, self.window, self.events_named);
            changes.push(Change { phase: Phase::Whole, finding });
        }
        Ok(())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp) {
        for (_, group) in self.state.iter_mut() {
            group.slide(now, nanos(self.window), self.count);
        }
    }

    /// What is known by now, to go on from later with the same settings.
    pub fn save(&self) -> serde_json::Value {
        serde_json::to_value(&self.state).expect("a state has names for keys and no strange numbers")
    }

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// What cannot be what was saved.
    pub fn restore(&mut self, saved: serde_json::Value) -> serde_json::Result<()> {
        self.state = serde_json::from_value(saved)?;
        Ok(())
    }
}

impl Group {
    fn slide(&mut self, now: Timestamp, window_ns: i64, count: u64) {
        let since_ns = now.nanos().saturating_sub(window_ns);
        // All that comes late is counted, as long as it is within the window.
        self.latest.retain(|(at, _)| at.nanos() > since_ns);
        while self.latest.len() as u64 > count {
            self.latest.pop_front();
        }
        // Told once, until there are fewer again.
        self.is_told &= self.latest.len() as u64 >= count;
    }
}

fn finding(
    own: &OwnDetector,
    keys: &[String],
    key: &str,
    group: &Group,
    window: std::time::Duration,
    events_named: usize,
) -> Finding {
    let mut events = NamedEvents::default();
    group.latest.iter().for_each(|(_, seq)| events.add(*seq, events_named));
    let times = || group.latest.iter().map(|(at, _)| *at);
    let subject = keys.iter().zip(key.split(SEPARATOR));
    let count = group.latest.len() as u64;
    Finding {
        rule: own.name.clone(),
        level: own.level,
        first_ts: times().min().unwrap_or_default(),
        last_ts: times().max().unwrap_or_default(),
        subject: subject.map(|(name, value)| (name.clone().into(), value.to_owned())).collect(),
        sentence: format!("{count} events within {window:?}: {} ({})", own.query, own.threshold),
        figures: vec![Figure::new("count", count, count)],
        events,
    }
}

fn push_value(event: &UnsealedEvent<'_>, name: &str, key: &mut String) -> Result<()> {
    match name {
        "category" => key.push_str(event.category.name()),
        "level" => key.push_str(event.level.name()),
        "producer" => key.push_str(&event.producer.to_string()),
        _ => {
            let wanted = FieldRef::new(name);
            for field in event.fields() {
                let (field, value) = field?;
                if field == wanted {
                    key.push_str(&value.to_string());
                }
            }
        }
    }
    Ok(())
}

/// What a detector counts; `None` if it does more.
fn counting(own: &OwnDetector) -> Result<Option<Counting>> {
    let query = syntax::parse(&own.query)?;
    let threshold = syntax::parse(&own.threshold)?;
    let Some(count) = threshold.filter.as_ref().and_then(count_of) else { return Ok(None) };
    let filter = query.filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let keys = match &query.stages[..] {
        [] => Vec::new(),
        [stage] => {
            let Stage::Stats { aggregates, by } = &stage.node else { return Ok(None) };
            let [only] = &aggregates[..] else { return Ok(None) };
            let is_plain = only.function == AggregateFunction::Count
                && only.arguments.is_empty()
                && only.condition.is_none()
                && only.name.as_ref().is_none_or(|name| name.node == "count");
            let mut keys = Vec::new();
            for key in by {
                match &key.expr.node {
                    ExprKind::Field(name) if key.name.is_none() && name != "ts" && name != "seq" => {
                        keys.push(name.clone());
                    }
                    _ => return Ok(None),
                }
            }
            if !is_plain {
                return Ok(None);
            }
            keys
        }
        _ => return Ok(None),
    };
    Ok(Some(Counting { filter, keys, count }))
}

/// From how many on `count > n` and `count >= n` hold.
fn count_of(threshold: &Filter) -> Option<u64> {
    let FilterKind::Compare { left, op, right } = &threshold.node else { return None };
    let (ExprKind::Field(name), ExprKind::Literal(literal)) = (&left.node, &right.node) else { return None };
    let LiteralKind::Number(number) = &literal.kind else { return None };
    let number = u64::try_from(*number).ok().filter(|_| name == "count" && number.fract().is_zero())?;
    let count = match op {
        CompareOp::Greater => number.checked_add(1)?,
        CompareOp::GreaterOrEqual => number,
        _ => return None,
    };
    (1..=COUNT_MAX).contains(&count).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_counts_is_counted_event_by_event() {
        for (query, threshold, expected) in [
            ("level >= error", "count > 5", Some((0, 6))),
            ("level >= error | stats count() by strategy, symbol", "count >= 5", Some((2, 5))),
            ("| stats count() as count by level", "count >= 1", Some((1, 1))),
            ("level >= error", "count < 5", None),
            ("level >= error", "count > 5.5", None),
            ("level >= error", "count > 1000000", None),
            ("level >= error | stats count(), max(latency_us)", "count > 5", None),
            ("level >= error | stats count(symbol)", "count_symbol > 5", None),
            ("level >= error | stats count() by bin(ts, 1s)", "count > 5", None),
            ("level >= error | top 5 message", "count > 5", None),
        ] {
            let own = OwnDetector::new("own", query, threshold).unwrap();
            let found = counting(&own).unwrap().map(|counting| (counting.keys.len(), counting.count));
            assert_eq!(found, expected, "{query}, {threshold}");
        }
        let own = OwnDetector::new("own", "level >= error (last 5m or x)", "count > 5");
        let error = own.unwrap_err().to_string();
        assert!(error.starts_with("the time that a rule looks at is its window at 1:17"), "{error}");
    }
}
