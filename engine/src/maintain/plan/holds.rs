//! Whether a partition is held.
//!
//! Invariant: the answer is no only if it is certain that no event of the partition, sealed or not, meets the query.
//! What cannot be read may be such an event, so it counts as one: an error of reading never deletes.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;

use super::step::Partition;
use crate::catalog::ledger::{HoldId, HoldQuery, Ledger};
use crate::error::{Error, Result};
use crate::event::{Category, Day, Field, FieldKey, FieldRef, Timestamp, ValueRef};
use crate::segment::{Projection, SegmentMeta};
use crate::view::{Predicate, SegmentHandle, SegmentRows, Snapshot, UnsealedEvent};

/// The holds of the ledger, and which of them are on a partition; asked once of each.
pub(super) struct Questions<'a> {
    ledger: &'a Ledger,
    is_held: &'a mut dyn FnMut(&HoldQuery, &Partition) -> Result<bool>,
    answers: BTreeMap<Partition, Vec<HoldId>>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(
        ledger: &'a Ledger,
        is_held: &'a mut dyn FnMut(&HoldQuery, &Partition) -> Result<bool>,
    ) -> Questions<'a> {
        Questions { ledger, is_held, answers: BTreeMap::new() }
    }

    /// All holds on a partition.
    pub(super) fn holds_on(&mut self, partition: &Partition) -> Result<Vec<HoldId>> {
        if let Some(known) = self.answers.get(partition) {
            return Ok(known.clone());
        }
        let mut holds = Vec::new();
        for (id, hold, _) in self.ledger.holds() {
            if times_in_question(&hold.query, partition).is_some() && (self.is_held)(&hold.query, partition)?
            {
                holds.push(id);
            }
        }
        self.answers.insert(partition.clone(), holds.clone());
        Ok(holds)
    }
}

/// The times of a partition that a query is about; none if it is about none, or other categories.
fn times_in_question(query: &HoldQuery, partition: &Partition) -> Option<RangeInclusive<Timestamp>> {
    if !query.categories.is_empty() && !query.categories.contains(&partition.category) {
        return None;
    }
    let (first, last) = (partition.day.start(), partition.day.end_inclusive());
    let first = query.from.map_or(first, |from| from.max(first));
    let last = query.until.map_or(last, |until| until.min(last));
    (first <= last).then_some(first..=last)
}

/// The fields a query asks for, each with the values of which one is to be there.
fn criteria(query: &HoldQuery) -> impl Iterator<Item = (FieldKey, &[String])> {
    [
        (Field::SYMBOL, &query.symbols),
        (Field::ORDER_ID, &query.order_ids),
        (Field::CORRELATION_ID, &query.correlation_ids),
        (Field::STRATEGY, &query.strategies),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(field, values)| (FieldKey::Known(field), &values[..]))
}

/// Whether at least one event of a partition meets a query. To ask more than once of a snapshot, use a [`HoldSearch`].
///
/// # Errors
/// None: what cannot be read counts as held.
pub fn is_held(snapshot: &Snapshot, query: &HoldQuery, partition: &Partition) -> Result<bool> {
    Ok(HoldSearch::new(snapshot).is_held(query, partition))
}

/// Finds what is held in one snapshot.
pub struct HoldSearch<'s> {
    snapshot: &'s Snapshot,
    /// The partitions of what is not sealed; none if it could not be read. They are few and of these days mostly, while
    /// what is to be deleted is old.
    unsealed: OnceCell<Option<BTreeSet<(Category, Day)>>>,
}

impl<'s> HoldSearch<'s> {
    /// A search in a snapshot.
    pub fn new(snapshot: &'s Snapshot) -> HoldSearch<'s> {
        HoldSearch { snapshot, unsealed: OnceCell::new() }
    }

    /// Whether at least one event of a partition, sealed or not, meets a query. What cannot be read counts as one.
    pub fn is_held(&self, query: &HoldQuery, partition: &Partition) -> bool {
        let Some(times) = times_in_question(query, partition) else { return false };
        // What could not even be listed may be anything.
        if !self.snapshot.unreadable.is_empty() {
            return true;
        }
        let is_of_partition =
            |meta: &SegmentMeta| meta.day == partition.day && meta.category == partition.category;
        let mut segments =
            self.snapshot.version.segments.iter().filter(|handle| is_of_partition(&handle.meta));
        segments.any(|handle| self.is_in_segment(query, &times, handle).unwrap_or(true))
            || self.is_unsealed(query, &times, partition).unwrap_or(true)
    }

    fn is_in_segment(
        &self,
        query: &HoldQuery,
        times: &RangeInclusive<Timestamp>,
        handle: &SegmentHandle,
    ) -> Result<bool> {
        let meta = &handle.meta;
        let mut predicate = Predicate::all().between(*times.start(), *times.end());
        for (field, values) in criteria(query) {
            // Of thousands of ids few are in one segment: it is asked for those only.
            let may_be_here = self.values_that_may_be_in(meta, &field, values);
            if may_be_here.is_empty() {
                return Ok(false);
            }
            predicate = predicate.equals_any(field, may_be_here);
        }
        if meta.ts_max < times.start().0 || meta.ts_min > times.end().0 {
            return Ok(false);
        }
        // There are events at its bounds.
        let is_bound_in_question =
            [meta.ts_min, meta.ts_max].iter().any(|ts| times.contains(&Timestamp(*ts)));
        if criteria(query).next().is_none() && is_bound_in_question {
            return Ok(true);
        }
        let nothing = Projection::fields([]);
        let indexed = &self.snapshot.indexed;
        let mut rows = SegmentRows::open(handle, &predicate, indexed, &nothing)?;
        Ok(rows.next(&predicate, indexed, false)?.is_some())
    }

    /// Those values that neither bounds nor filter of the field exclude.
    fn values_that_may_be_in<'q>(
        &self,
        meta: &SegmentMeta,
        field: &FieldKey,
        values: &'q [String],
    ) -> Vec<&'q String> {
        // Without a route the field was not indexed when the segment was sealed.
        let Some(route) = meta.routes.iter().find(|route| route.field == field.name()) else {
            return values.iter().collect();
        };
        let mut left: Vec<&String> = values.iter().filter(|value| route.may_contain(value)).collect();
        if let Some(source) = &self.snapshot.filters
            && !left.is_empty()
            && let Ok(filter) = source.filter(meta.id, field.name())
        {
            left.retain(|value| filter.may_contain(value));
        }
        left
    }

    fn is_unsealed(
        &self,
        query: &HoldQuery,
        times: &RangeInclusive<Timestamp>,
        partition: &Partition,
    ) -> Result<bool> {
        let Some(partitions) = self.unsealed.get_or_init(|| self.unsealed_partitions().ok()) else {
            return Ok(true);
        };
        // Reading the unsealed events has made all their categories known.
        let Some(category) = Category::known(&partition.category) else { return Ok(false) };
        if !partitions.contains(&(category, partition.day)) {
            return Ok(false);
        }
        let criteria: Vec<(FieldKey, HashSet<&str>)> = criteria(query)
            .map(|(field, values)| (field, values.iter().map(String::as_str).collect()))
            .collect();
        let mut is_found = false;
        for part in self.snapshot.unsealed_parts(&Predicate::all()) {
            part.each(|_, event| {
                is_found = is_found
                    || event.category == category && times.contains(&event.ts) && meets(event, &criteria)?;
                Ok::<(), Error>(())
            })?;
            if is_found {
                break;
            }
        }
        Ok(is_found)
    }

    fn unsealed_partitions(&self) -> Result<BTreeSet<(Category, Day)>> {
        let mut partitions = BTreeSet::new();
        let mut last = None;
        for part in self.snapshot.unsealed_parts(&Predicate::all()) {
            part.each(|_, event| {
                let partition = (event.category, event.ts.day());
                if last != Some(partition) {
                    partitions.insert(partition);
                    last = Some(partition);
                }
                Ok::<(), Error>(())
            })?;
        }
        Ok(partitions)
    }
}

/// Whether an event has one of the values of each field.
fn meets(event: &UnsealedEvent<'_>, criteria: &[(FieldKey, HashSet<&str>)]) -> Result<bool> {
    let mut met = 0;
    for field in event.fields() {
        let (field, value): (FieldRef<'_>, ValueRef<'_>) = field?;
        let Some((_, values)) = criteria.iter().find(|(wanted, _)| wanted.borrow() == field) else {
            continue;
        };
        let is_wanted = match value {
            ValueRef::Str(text) => values.contains(text),
            value => values.contains(value.to_string().as_str()),
        };
        // An event has a field once.
        met += usize::from(is_wanted);
    }
    Ok(met == criteria.len())
}
