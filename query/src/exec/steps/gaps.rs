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
use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::exec::lazy::lazily;
use crate::plan::one_of::OneOf;
use crate::plan::scalar::{Comparand, Condition, Test};
use crate::syntax::ast::CompareOp;

/// The columns of a gap, in order.
pub(crate) const COLUMNS: [&str; 7] = ["kind", "producer", "first", "last", "count", "after_ts", "before_ts"];

/// Events between two looks at how much the sets take.
const EVENTS_BETWEEN_MEASURES: u64 = 65_536;

/// Runs of numbers that no event has. Kind `seq`: positions in the database. Kind `recorded`: counts of a recorder
/// that the database itself says are lost. Kind `producer`: counts that are missing and of which nothing is said.
/// Sorted by seq, then by producer and count.
pub(crate) fn gaps(source: &Arc<dyn Source>, execution: &Arc<Execution>) -> RowStream {
    let next_seq = execution.snapshot.next_seq().0;
    gaps_below(next_seq, source, execution)
}

/// As [`gaps`], of a database whose next event will have that seq.
pub(super) fn gaps_below(next_seq: u64, source: &Arc<dyn Source>, execution: &Arc<Execution>) -> RowStream {
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
        Ok(holding(gaps.into_iter().map(move |gap| Ok(gap.row(slots, &times))), held))
    })
}

/// One gap: `producer` counts, or seqs if there is none.
struct Gap {
    producer: Option<i64>,
    is_recorded: bool,
    run: Range<u64>,
}

impl Gap {
    fn row(&self, slots: [Slot; 7], times: &Times) -> Cells {
        let kind = match self.producer {
            None => "seq",
            Some(_) if self.is_recorded => "recorded",
            Some(_) => "producer",
        };
        let (before, after) = self.neighbours();
        let time = |number: Option<u64>| {
            number.and_then(|number| times.get(self.producer, number)).map_or(Datum::Null, Datum::Time)
        };
        let values = [
            Datum::Str(kind.into()),
            self.producer.map_or(Datum::Null, Datum::Int),
            Datum::Int(self.run.start as i64),
            Datum::Int(self.run.end as i64 - 1),
            Datum::Int((self.run.end - self.run.start) as i64),
            time(before),
            time(after),
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
            seqs.into_iter().map(|run| Gap { producer: None, is_recorded: false, run }).collect();
        // A recorder all of whose events are lost is known by its losses alone.
        let none = NumberSet::default();
        let mut producers: Vec<i64> = self.producers.keys().chain(lost.0.keys()).copied().collect();
        producers.sort_unstable();
        producers.dedup();
        for producer in producers {
            let counts = self.producers.get(&producer).unwrap_or(&none);
            let mut recorded = lost.0.remove(&producer).unwrap_or_default();
            recorded.sort_unstable_by_key(|run| run.start);
            let end = recorded.iter().map(|run| run.end).max().unwrap_or(0).max(counts.end());
            let missing = counts.missing_below(end);
            gaps.extend(split(&missing, &recorded).map(|(run, is_recorded)| Gap {
                producer: Some(producer),
                is_recorded,
                run,
            }));
        }
        gaps
    }
}

/// Parts the runs, which ascend and do not touch, into those that are recorded and those that are not. What is
/// recorded ascends by start, and may overlap.
fn split(missing: &[Range<u64>], recorded: &[Range<u64>]) -> impl Iterator<Item = (Range<u64>, bool)> {
    let mut parts: Vec<(Range<u64>, bool)> = Vec::new();
    let mut recorded = recorded.iter().peekable();
    for run in missing {
        let mut start = run.start;
        while start < run.end {
            while recorded.next_if(|cover| cover.end <= start).is_some() {}
            let (end, is_recorded) = match recorded.peek() {
                Some(cover) if cover.start <= start => (cover.end.min(run.end), true),
                Some(cover) => (cover.start.min(run.end), false),
                None => (run.end, false),
            };
            match parts.last_mut() {
                // Of losses that follow each other within one run.
                Some((last, recorded)) if last.end == start && *recorded == is_recorded => last.end = end,
                _ => parts.push((start..end, is_recorded)),
            }
            start = end;
        }
    }
    parts.into_iter()
}

/// The losses that the database itself has recorded, by producer.
struct Lost(BTreeMap<i64, Vec<Range<u64>>>);

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
        let mut lost: BTreeMap<i64, Vec<Range<u64>>> = BTreeMap::new();
        for row in scan(source, condition, slots.to_vec())? {
            let row = row?;
            let [producer, first, count] = slots.map(|slot| number(row.get(slot)));
            let (Some(producer), Some(first), Some(count)) = (producer, first, count) else { continue };
            lost.entry(producer as i64).or_default().push(first..first.saturating_add(count));
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
