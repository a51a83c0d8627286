//! `gaps`: what is missing from the database.
//!
//! All events are read once, for their numbers only, which are kept as sets: a database without gaps costs next to no
//! memory. Where something is missing, the events beside it are read again for their times.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use blotter_engine::event::{Category, Timestamp, names};
use blotter_engine::maintain::NumberSet;
use foldhash::fast::RandomState;

use super::held::{Held, Pace, holding};
use super::place::ts_for;
use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::exec::lazy::lazily;
use crate::plan::one_of::OneOf;
use crate::plan::scalar::{Comparand, Condition, Test};
use crate::syntax::ast::CompareOp;

/// The columns of a gap, in order.
const COLUMNS: [&str; 7] = ["kind", "producer", "first", "last", "count", "after_ts", "before_ts"];

/// Events between two looks at how much the sets take.
const EVENTS_BETWEEN_MEASURES: u64 = 65_536;

/// The first and the last time, both included; all before or after where there is none.
type TimeRange = (Option<Timestamp>, Option<Timestamp>);

/// Runs of numbers that no event has. Kind `seq`: positions in the database. Kind `recorded`: counts of a recorder
/// that the database itself says are lost. Kind `producer`: counts that are missing and of which nothing is said.
/// Sorted by seq, then by producer and count.
///
/// Of the whole database those are given that may have come about within the range: after the event before them, and
/// before the event after them or the record of their loss.
pub(crate) fn gaps(range: TimeRange, source: &Arc<dyn Source>, execution: &Arc<Execution>) -> RowStream {
    let next_seq = execution.snapshot.next_seq().0;
    gaps_below(next_seq, range, source, execution)
}

/// As [`gaps`], of a database whose next event will have that seq.
pub(super) fn gaps_below(
    next_seq: u64,
    range: TimeRange,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (source, execution) = (Arc::clone(source), Arc::clone(execution));
    lazily(move || {
        let mut held = Held::new(&execution);
        let numbers = Numbers::read(&source, &execution)?;
        let lost = Lost::read(&source, &execution)?;
        let gaps = numbers.gaps(next_seq, lost);
        held.take(gaps.len() * size_of::<Gap>())?;
        drop(numbers);
        let times = Times::read(&gaps, &source, &execution, &mut held)?;
        let slots = COLUMNS.map(|name| execution.names.slot(name));
        let row = move |gap: Gap| gap.may_be_within(range, &times).then(|| Ok(gap.row(slots, &times)));
        let rows = gaps.into_iter().filter_map(row);
        Ok(holding(rows, held))
    })
}

/// One gap: `producer` counts, or seqs if there is none.
struct Gap {
    producer: Option<i64>,
    /// When the database recorded the loss, if it did; the last time if it did so in parts.
    recorded: Option<Timestamp>,
    run: Range<u64>,
}

impl Gap {
    /// The times of the events on either side.
    fn times(&self, times: &Times) -> (Option<Timestamp>, Option<Timestamp>) {
        let (before, after) = self.neighbours();
        let time = |number| times.get(self.producer, number);
        (before.and_then(time), after.and_then(time))
    }

    fn may_be_within(&self, (first, last): TimeRange, times: &Times) -> bool {
        let (after_ts, before_ts) = self.times(times);
        let end = before_ts.or(self.recorded.max(after_ts.filter(|_| self.recorded.is_some())));
        let is_before = |end: Timestamp| first.is_some_and(|first| end < first);
        let is_after = |start: Timestamp| last.is_some_and(|last| start > last);
        !end.is_some_and(is_before) && !after_ts.is_some_and(is_after)
    }

    fn row(&self, slots: [Slot; 7], times: &Times) -> Cells {
        let kind = match self.producer {
            None => "seq",
            Some(_) if self.recorded.is_some() => "recorded",
            Some(_) => "producer",
        };
        let (after_ts, before_ts) = self.times(times);
        let time = |ts: Option<Timestamp>| ts.map_or(Datum::Null, Datum::Time);
        let values = [
            Datum::Str(kind.into()),
            self.producer.map_or(Datum::Null, Datum::Int),
            Datum::Int(self.run.start as i64),
            Datum::Int(self.run.end as i64 - 1),
            Datum::Int((self.run.end - self.run.start) as i64),
            time(after_ts),
            time(before_ts),
        ];
        let mut row = Cells::with_capacity(values.len());
        for (slot, datum) in slots.into_iter().zip(values).filter(|(_, datum)| !datum.is_null()) {
            row.push(slot, datum);
        }
        row
    }

    /// The numbers on either side.
    fn neighbours(&self) -> (Option<u64>, Option<u64>) {
        (self.run.start.checked_sub(1), Some(self.run.end))
    }
}

/// The numbers of all events.
struct Numbers {
    seqs: NumberSet,
    producers: BTreeMap<i64, NumberSet>,
    _held: Held,
}

impl Numbers {
    fn read(source: &Arc<dyn Source>, execution: &Arc<Execution>) -> Result<Numbers> {
        let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
        let mut seqs = NumberSet::default();
        let mut producers: BTreeMap<i64, NumberSet> = BTreeMap::new();
        let fields = vec![Slot::SEQ, Slot::PRODUCER, Slot::PSEQ];
        for (count, row) in (1u64..).zip(scan(source, Condition::Always, fields)?) {
            pace.step()?;
            let row = row?;
            if let Some(seq) = number(row.get(Slot::SEQ)) {
                seqs.insert(seq);
            }
            if let (Datum::Int(producer), Some(pseq)) = (row.get(Slot::PRODUCER), number(row.get(Slot::PSEQ)))
            {
                producers.entry(*producer).or_default().insert(pseq);
            }
            if count % EVENTS_BETWEEN_MEASURES == 0 {
                held.resize(seqs.bytes() + producers.values().map(NumberSet::bytes).sum::<usize>())?;
            }
        }
        Ok(Numbers { seqs, producers, _held: held })
    }

    fn gaps(&self, next_seq: u64, mut lost: Lost) -> Vec<Gap> {
        let seqs = self.seqs.missing_below(next_seq);
        let mut gaps: Vec<Gap> =
            seqs.into_iter().map(|run| Gap { producer: None, recorded: None, run }).collect();
        // A recorder all of whose events are lost is known by its losses alone.
        let none = NumberSet::default();
        let mut producers: Vec<i64> = self.producers.keys().chain(lost.0.keys()).copied().collect();
        producers.sort_unstable();
        producers.dedup();
        for producer in producers {
            let counts = self.producers.get(&producer).unwrap_or(&none);
            let mut recorded = lost.0.remove(&producer).unwrap_or_default();
            recorded.sort_unstable_by_key(|(run, _)| run.start);
            let end = recorded.iter().map(|(run, _)| run.end).max().unwrap_or(0).max(counts.end());
            let missing = counts.missing_below(end);
            let parts = split(&missing, &recorded).into_iter();
            gaps.extend(parts.map(|(run, recorded)| Gap { producer: Some(producer), recorded, run }));
        }
        gaps
    }
}

/// A run of numbers, and when its loss was recorded, if it was.
type Part = (Range<u64>, Option<Timestamp>);

/// Parts the runs, which ascend and do not touch, into those that are recorded and those that are not. What is
/// recorded ascends by start, and may overlap.
fn split(missing: &[Range<u64>], recorded: &[(Range<u64>, Timestamp)]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut recorded = recorded.iter().peekable();
    for run in missing {
        let mut start = run.start;
        while start < run.end {
            while recorded.next_if(|(cover, _)| cover.end <= start).is_some() {}
            let (end, ts) = match recorded.peek() {
                Some((cover, ts)) if cover.start <= start => (cover.end.min(run.end), Some(*ts)),
                Some((cover, _)) => (cover.start.min(run.end), None),
                None => (run.end, None),
            };
            match parts.last_mut() {
                // Of losses that follow each other within one run.
                Some((last, known)) if last.end == start && known.is_some() && ts.is_some() => {
                    last.end = end;
                    *known = ts.max(*known);
                }
                _ => parts.push((start..end, ts)),
            }
            start = end;
        }
    }
    parts
}

/// The losses that the database itself has recorded, and when, by producer.
struct Lost(BTreeMap<i64, Vec<(Range<u64>, Timestamp)>>);

impl Lost {
    fn read(source: &Arc<dyn Source>, execution: &Arc<Execution>) -> Result<Lost> {
        let slots = ["lost_producer", "lost_first_pseq", "lost_count"].map(|name| execution.names.slot(name));
        let equals = |slot: Slot, text: &str, folded: bool| {
            let value = Comparand { text: Some(text.into()), folded, ..Comparand::default() };
            Condition::Column { slot, test: Test::Compare { op: CompareOp::Equal, value } }
        };
        let condition = Condition::All(vec![
            equals(Slot::CATEGORY, Category::SYSTEM.name(), true),
            equals(execution.names.slot("event"), names::EVENTS_LOST, false),
        ]);
        let mut lost: BTreeMap<i64, Vec<(Range<u64>, Timestamp)>> = BTreeMap::new();
        let fields = [&[Slot::TS], &slots[..]].concat();
        for row in scan(source, condition, fields)? {
            let row = row?;
            let [producer, first, count] = slots.map(|slot| number(row.get(slot)));
            let (Some(producer), Some(first), Some(count)) = (producer, first, count) else { continue };
            let ts = ts_for("gaps", &row)?;
            lost.entry(producer as i64).or_default().push((first..first.saturating_add(count), ts));
        }
        Ok(Lost(lost))
    }
}

/// The times of the events beside the gaps: by producer and count, or by seq.
struct Times(HashMap<(Option<i64>, u64), Option<Timestamp>, RandomState>);

impl Times {
    fn read(
        gaps: &[Gap],
        source: &Arc<dyn Source>,
        execution: &Arc<Execution>,
        held: &mut Held,
    ) -> Result<Times> {
        let mut times = Times(HashMap::default());
        let (mut seqs, mut pseqs) = (OneOf::default(), OneOf::default());
        for gap in gaps {
            let (before, after) = gap.neighbours();
            for neighbour in before.into_iter().chain(after) {
                if times.0.insert((gap.producer, neighbour), None).is_none() {
                    held.take(2 * size_of::<((Option<i64>, u64), Option<Timestamp>)>() + 32)?;
                }
                let numbers = if gap.producer.is_some() { &mut pseqs } else { &mut seqs };
                numbers.insert(DatumRef::Int(neighbour as i64));
            }
        }
        if gaps.is_empty() {
            return Ok(times);
        }
        let one_of = |slot, numbers: OneOf| Condition::Column { slot, test: Test::OneOf(Arc::new(numbers)) };
        let condition = match (seqs.is_empty(), pseqs.is_empty()) {
            (_, true) => one_of(Slot::SEQ, seqs),
            (true, false) => one_of(Slot::PSEQ, pseqs),
            (false, false) => Condition::Any(vec![one_of(Slot::SEQ, seqs), one_of(Slot::PSEQ, pseqs)]),
        };
        let mut pace = Pace::new(execution);
        let fields = vec![Slot::TS, Slot::SEQ, Slot::PRODUCER, Slot::PSEQ];
        for row in scan(source, condition, fields)? {
            pace.step()?;
            let row = row?;
            let Datum::Time(ts) = row.get(Slot::TS) else { continue };
            let mut found = |producer: Option<i64>, number: Option<u64>| {
                if let Some(time) = number.and_then(|number| times.0.get_mut(&(producer, number))) {
                    *time = Some(*ts);
                }
            };
            found(None, number(row.get(Slot::SEQ)));
            if let Datum::Int(producer) = row.get(Slot::PRODUCER) {
                found(Some(*producer), number(row.get(Slot::PSEQ)));
            }
        }
        Ok(times)
    }

    fn get(&self, producer: Option<i64>, number: u64) -> Option<Timestamp> {
        self.0.get(&(producer, number)).copied().flatten()
    }
}

fn scan(source: &Arc<dyn Source>, condition: Condition, fields: Vec<Slot>) -> Result<RowStream> {
    let between = (Timestamp::MIN, Timestamp::MAX);
    source.scan(ScanRequest { between, condition, fields: Some(fields), backwards: false })
}

fn number(datum: &Datum) -> Option<u64> {
    match datum {
        Datum::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
