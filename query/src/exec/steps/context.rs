//! `context`: the events around the rows.
//!
//! The stretches around all rows are merged, and each is scanned once, in order, so that rows come as they are read.
//! When there are very many, the closest are scanned as one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use blotter_engine::event::Timestamp;
use foldhash::fast::RandomState;

use super::held::{Held, Pace};
use super::place::{seq_for, ts_for};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::exec::lazy::lazily;
use crate::plan::one_of::OneOf;
use crate::plan::scalar::{Condition, Test};

/// Scans of one context. Each has to look for where it begins.
const SCANS_MAX: usize = 256;

/// A stretch of time in nanoseconds, both ends included.
type Stretch = (i64, i64);

/// The column that tells the rows from what is around them.
const MATCHED: &str = "matched";

/// Every event that passes the filter and lies within the stretch around a row with the same `by`, and the events that
/// the rows are; whole, in (`ts`, `seq`) order, with a column that tells which are which. Around a row that lacks `by`
/// there is nothing but itself.
pub(crate) fn context(
    input: RowStream,
    (before_ns, after_ns): (i64, i64),
    filter: &Condition,
    by: Slot,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (filter, source, execution) = (filter.clone(), Arc::clone(source), Arc::clone(execution));
    lazily(move || {
        let mut held = Held::new(&execution);
        let around = Around::collect(input, (before_ns, after_ns), by, &mut held, &execution)?;
        let seqs = Arc::new(around.seqs);
        let own = Condition::Column { slot: Slot::SEQ, test: Test::OneOf(Arc::clone(&seqs)) };
        let mut neighbour = vec![filter.clone()];
        neighbour.extend(
            around.texts.map(|texts| Condition::Column { slot: by, test: Test::OneOf(Arc::new(texts)) }),
        );
        Ok(Box::new(Scans {
            pending: few(around.all).into(),
            current: None,
            condition: Condition::Any(vec![own, Condition::All(neighbour)]),
            by,
            by_key: around.by_key,
            seqs,
            matched: execution.names.slot(MATCHED),
            source,
            pace: Pace::new(&execution),
            _held: held,
        }) as RowStream)
    })
}

/// What is to be read.
struct Around {
    seqs: OneOf,
    /// The stretches of each key; ascending, apart from each other.
    by_key: HashMap<Datum, Vec<Stretch>, RandomState>,
    /// Those of all keys together, and of the rows themselves.
    all: Vec<Stretch>,
    /// The keys, if all are text: only then are those that print the same the same.
    texts: Option<OneOf>,
}

impl Around {
    fn collect(
        input: RowStream,
        (before_ns, after_ns): (i64, i64),
        by: Slot,
        held: &mut Held,
        execution: &Arc<Execution>,
    ) -> Result<Around> {
        let mut pace = Pace::new(execution);
        let mut around = Around {
            seqs: OneOf::default(),
            by_key: HashMap::default(),
            all: Vec::new(),
            texts: Some(OneOf::default()),
        };
        for row in input {
            pace.step()?;
            let row = row?;
            let ts = ts_for("context", &row)?.0;
            seq_for("context", &row)?;
            held.take(2 * size_of::<Stretch>() + 64)?;
            around.seqs.insert(row.get(Slot::SEQ).borrow());
            let key = row.get(by);
            if key.is_null() {
                around.all.push((ts, ts));
                continue;
            }
            // A stretch that ends before it begins would leave out the row itself.
            let stretch = (ts.saturating_sub(before_ns).min(ts), ts.saturating_add(after_ns).max(ts));
            around.all.push(stretch);
            match (key, &mut around.texts) {
                (Datum::Str(_), Some(texts)) => drop(texts.insert(key.borrow())),
                (_, texts) => *texts = None,
            }
            match around.by_key.get_mut(key) {
                Some(stretches) => stretches.push(stretch),
                None => drop(around.by_key.insert(key.clone(), vec![stretch])),
            }
        }
        join_overlapping(&mut around.all);
        around.by_key.values_mut().for_each(join_overlapping);
        Ok(around)
    }
}

/// Sorts stretches and makes one of those that share a moment.
fn join_overlapping(stretches: &mut Vec<Stretch>) {
    stretches.sort_unstable();
    stretches.dedup_by(|next, before| {
        let overlap = next.0 <= before.1;
        if overlap {
            before.1 = before.1.max(next.1);
        }
        overlap
    });
}

/// The stretches, the closest joined until they are few enough.
fn few(stretches: Vec<Stretch>) -> Vec<Stretch> {
    if stretches.len() <= SCANS_MAX {
        return stretches;
    }
    let mut longest: Vec<u64> = stretches.windows(2).map(|pair| pair[1].0.abs_diff(pair[0].1)).collect();
    let (_, longest_joined, _) = longest.select_nth_unstable_by(SCANS_MAX - 1, |left, right| right.cmp(left));
    let longest_joined = *longest_joined;
    let mut joined: Vec<Stretch> = Vec::with_capacity(SCANS_MAX);
    for stretch in stretches {
        match joined.last_mut() {
            // Of pauses of that very length some may be joined that need not be.
            Some(before) if stretch.0.abs_diff(before.1) <= longest_joined => before.1 = stretch.1,
            _ => joined.push(stretch),
        }
    }
    joined
}

struct Scans {
    /// What is still to be scanned, in order.
    pending: VecDeque<Stretch>,
    current: Option<RowStream>,
    condition: Condition,
    by: Slot,
    by_key: HashMap<Datum, Vec<Stretch>, RandomState>,
    seqs: Arc<OneOf>,
    matched: Slot,
    source: Arc<dyn Source>,
    pace: Pace,
    _held: Held,
}

impl Scans {
    fn take(&mut self) -> Result<Option<Cells>> {
        loop {
            let Some(scan) = &mut self.current else {
                let Some((first, last)) = self.pending.pop_front() else { return Ok(None) };
                let request = ScanRequest {
                    between: (Timestamp(first), Timestamp(last)),
                    condition: self.condition.clone(),
                    fields: None,
                    backwards: false,
                };
                self.current = Some(self.source.scan(request)?);
                continue;
            };
            match scan.next() {
                None => self.current = None,
                Some(row) => {
                    self.pace.step()?;
                    let mut row = row?;
                    let is_own = self.seqs.passes(row.get(Slot::SEQ).borrow());
                    // What is not one of the rows has passed the filter; the scan asked for either.
                    if is_own || self.is_around(&row) {
                        row.set(self.matched, Datum::Bool(is_own));
                        return Ok(Some(row));
                    }
                }
            }
        }
    }

    fn is_around(&self, row: &Cells) -> bool {
        let (Some(ts), Some(stretches)) = (super::place::ts_of(row), self.by_key.get(row.get(self.by)))
        else {
            return false;
        };
        let after = stretches.partition_point(|(first, _)| *first <= ts.0);
        after > 0 && stretches[after - 1].1 >= ts.0
    }
}

impl Iterator for Scans {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        self.take().transpose()
    }
}
