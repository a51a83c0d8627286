//! `sessions`: one row per stretch of activity of a key.
//!
//! Of each row only its time, event name and level are kept, 16 bytes, so that rows may come in any order.

use std::collections::HashMap;
use std::sync::Arc;

use blotter_engine::event::{Level, Timestamp};
use foldhash::fast::RandomState;

use super::held::{Held, Pace, holding};
use super::key::{self, Key};
use super::place::ts_for;
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;
use crate::plan::step::Sessions;

/// A session ends when the next row of its key, by time, is later than the first by more than the largest span, or
/// than the one before it by more than the largest pause. Sorted by start, then keys.
pub(crate) fn sessions(input: RowStream, step: &Sessions, execution: &Arc<Execution>) -> RowStream {
    let (step, execution) = (step.clone(), Arc::clone(execution));
    lazily(move || {
        let event = execution.names.slot("event");
        let (mut held, mut pace) = (Held::new(&execution), Pace::new(&execution));
        let (moments_by_key, events) = collect(input, &step, event, &mut held, &mut pace)?;
        let mut keys: Vec<Key> = Vec::with_capacity(moments_by_key.len());
        let mut found: Vec<(usize, Session)> = Vec::new();
        for (key, mut moments) in moments_by_key {
            // Rows at one time stay in incoming order.
            if !moments.is_sorted_by_key(|moment| moment.ts) {
                moments.sort_by_key(|moment| moment.ts);
            }
            let before = found.capacity();
            for moment in &moments {
                pace.step()?;
                let open = found.last_mut().filter(|(index, _)| *index == keys.len());
                if !open.is_some_and(|(_, session)| session.extend(moment, &step)) {
                    found.push((keys.len(), Session::begin(moment)));
                }
            }
            held.release(moments.capacity() * size_of::<Moment>());
            held.take((found.capacity() - before) * size_of::<(usize, Session)>())?;
            keys.push(key);
        }
        found.sort_by(|(left_key, left), (right_key, right)| {
            left.start.cmp(&right.start).then_with(|| keys[*left_key].cmp(&keys[*right_key]))
        });
        let rows = found.into_iter().map(move |(key, session)| Ok(session.row(&step, &keys[key], &events)));
        Ok(holding(rows, held))
    })
}

/// What is kept of a row.
#[derive(Clone, Copy)]
struct Moment {
    ts: i64,
    /// Index of its event name.
    event: u32,
    level: Option<Level>,
}

type MomentsByKey = HashMap<Key, Vec<Moment>, RandomState>;

/// The moments of each key in incoming order, and the event names.
fn collect(
    input: RowStream,
    step: &Sessions,
    event: Slot,
    held: &mut Held,
    pace: &mut Pace,
) -> Result<(MomentsByKey, Vec<Datum>)> {
    let mut keys = MomentsByKey::default();
    let mut events: Vec<Datum> = Vec::new();
    let mut event_indexes: HashMap<Datum, u32, RandomState> = HashMap::default();
    let mut key = Vec::new();
    for row in input {
        pace.step()?;
        let row = row?;
        let event = row.get(event);
        let event = match event_indexes.get(event) {
            Some(index) => *index,
            None => {
                held.take(2 * key::bytes(std::slice::from_ref(event)))?;
                let index = u32::try_from(events.len()).expect("the memory allowed holds fewer names");
                events.push(event.clone());
                event_indexes.insert(event.clone(), index);
                index
            }
        };
        let level = match row.get(Slot::LEVEL) {
            Datum::Level(level) => Some(*level),
            _ => None,
        };
        let moment = Moment { ts: ts_for("sessions", &row)?.0, event, level };
        key::evaluate_into(&mut key, step.by.iter().map(|(_, scalar)| scalar), &row)?;
        if !keys.contains_key(&key[..]) {
            held.take(key::bytes(&key) + size_of::<Vec<Moment>>())?;
            keys.insert(key.as_slice().into(), Vec::new());
        }
        let moments = keys.get_mut(&key[..]).expect("it was put there");
        let before = moments.capacity();
        moments.push(moment);
        held.take((moments.capacity() - before) * size_of::<Moment>())?;
    }
    Ok((keys, events))
}

/// One session.
struct Session {
    start: i64,
    end: i64,
    count: i64,
    first_event: u32,
    last_event: u32,
    level: Option<Level>,
}

impl Session {
    fn begin(moment: &Moment) -> Session {
        let Moment { ts, event, level } = *moment;
        Session { start: ts, end: ts, count: 1, first_event: event, last_event: event, level }
    }

    /// Takes the next moment, unless it is too late.
    fn extend(&mut self, moment: &Moment, step: &Sessions) -> bool {
        let is_later = |than: i64, by: Option<i64>| by.is_some_and(|by| moment.ts > than.saturating_add(by));
        if is_later(self.start, step.max_span_ns) || is_later(self.end, step.max_pause_ns) {
            return false;
        }
        self.end = moment.ts;
        self.count += 1;
        self.last_event = moment.event;
        self.level = self.level.max(moment.level);
        true
    }

    fn row(&self, step: &Sessions, key: &Key, events: &[Datum]) -> Cells {
        let mut row = Cells::with_capacity(key.len() + 7);
        let mut push = |slot: Slot, datum: Datum| {
            if !datum.is_null() {
                row.push(slot, datum);
            }
        };
        for ((slot, _), datum) in step.by.iter().zip(key) {
            push(*slot, datum.clone());
        }
        push(step.start, Datum::Time(Timestamp(self.start)));
        push(step.end, Datum::Time(Timestamp(self.end)));
        push(step.duration, Datum::Duration(self.end.saturating_sub(self.start)));
        push(step.count, Datum::Int(self.count));
        push(step.first_event, events[self.first_event as usize].clone());
        push(step.last_event, events[self.last_event as usize].clone());
        push(step.level, self.level.map_or(Datum::Null, Datum::Level));
        row
    }
}
