//! What of a condition the catalog, the index and the times of segments can answer before anything is read.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use blotter_engine::event::{Category, FieldKey, Level, Timestamp};
use blotter_engine::segment::SegmentMeta;
use blotter_engine::{Predicate, Snapshot};

use super::ranges::{number_range, time_range};
use crate::cells::{Names, Slot};
use crate::datum::DatumRef;
use crate::plan::scalar::{Condition, Test};

/// What every match satisfies.
#[derive(Clone, Debug)]
pub(crate) struct Pruning {
    /// For the parts of the snapshot.
    pub(crate) predicate: Predicate,
    /// Times, in nanoseconds.
    pub(crate) times: RangeInclusive<i64>,
    /// Indexed fields whose printed value must be one of these texts.
    pub(crate) lookups: Vec<(FieldKey, Vec<String>)>,
    /// Levels that may match, by code.
    pub(crate) levels: [bool; Level::ALL.len()],
    /// Tests of the category.
    categories: Vec<Test>,
    /// Whether nothing can match.
    pub(crate) is_never: bool,
    /// Whether times and categories decide alone.
    is_decisive: bool,
}

impl Pruning {
    pub(crate) fn new(
        condition: &Condition,
        between: (Timestamp, Timestamp),
        names: &Names,
        snapshot: &Snapshot,
    ) -> Pruning {
        let mut pruning = Pruning {
            predicate: Predicate::all(),
            times: between.0.nanos()..=between.1.nanos(),
            lookups: Vec::new(),
            levels: [true; Level::ALL.len()],
            categories: Vec::new(),
            is_never: matches!(condition, Condition::Never),
            is_decisive: true,
        };
        let parts = match condition {
            Condition::All(parts) => &parts[..],
            part => std::slice::from_ref(part),
        };
        for part in parts {
            match part {
                Condition::Always => {}
                Condition::Column { slot, test } => pruning.take(*slot, test, names, snapshot),
                _ => pruning.is_decisive = false,
            }
        }
        pruning.finish(snapshot);
        pruning
    }

    fn take(&mut self, slot: Slot, test: &Test, names: &Names, snapshot: &Snapshot) {
        self.is_decisive &= matches!(slot, Slot::TS | Slot::CATEGORY);
        match slot {
            Slot::TS => {
                let Some(range) = time_range(test) else {
                    self.is_decisive = false;
                    return;
                };
                self.times = *self.times.start().max(range.start())..=*self.times.end().min(range.end());
            }
            Slot::SEQ => {
                let range = match test {
                    Test::OneOf(numbers) => numbers.whole_range().map(|(least, greatest)| least..=greatest),
                    test => number_range(test),
                };
                let Some(range) = range else { return };
                if range.is_empty() || *range.end() < 0 {
                    self.is_never = true;
                    return;
                }
                let predicate = std::mem::take(&mut self.predicate);
                self.predicate = predicate.seq_between((*range.start()).max(0) as u64, *range.end() as u64);
            }
            Slot::LEVEL => {
                for level in Level::ALL {
                    self.levels[level as usize] &= test.passes(DatumRef::Level(level));
                }
            }
            Slot::CATEGORY => self.categories.push(test.clone()),
            slot => {
                let field = FieldKey::new(&names.name(slot));
                if let (Some(texts), true) = (test.printed_texts(), snapshot.indexed().contains(&field)) {
                    self.lookups.push((field, texts));
                }
            }
        }
    }

    fn finish(&mut self, snapshot: &Snapshot) {
        let mut predicate = std::mem::take(&mut self.predicate);
        let (first, last) = (Timestamp(*self.times.start()), Timestamp(*self.times.end()));
        predicate = predicate.between(first, last);
        self.is_never |= self.times.is_empty();
        match Level::ALL.iter().find(|level| self.levels[**level as usize]) {
            Some(least) => predicate = predicate.level_at_least(*least),
            None => self.is_never = true,
        }
        if !self.categories.is_empty() {
            // The predicate prunes segments, so the categories of segments are all it has to know.
            let known: HashSet<&str> = snapshot.segments().map(|meta| meta.category.as_str()).collect();
            let known = known.into_iter().filter_map(Category::custom);
            let matching: Vec<Category> = known.filter(|category| self.admits(*category)).collect();
            predicate = match matching.is_empty() {
                // No segment has any of them; an empty stretch of time says so.
                true => predicate.between(Timestamp::MAX, Timestamp::MIN),
                false => matching.into_iter().fold(predicate, Predicate::category),
            };
        }
        for (field, texts) in &self.lookups {
            predicate = predicate.equals_any(field.clone(), texts.iter().cloned());
        }
        self.predicate = predicate;
    }

    /// Whether every event of a segment matches, by what is known without opening it.
    pub(crate) fn covers(&self, meta: &SegmentMeta) -> bool {
        self.is_decisive
            && self.times.contains(&meta.ts_min)
            && self.times.contains(&meta.ts_max)
            && Category::known(&meta.category).is_some_and(|category| self.admits(category))
    }

    /// Whether events of a category may match.
    pub(crate) fn admits(&self, category: Category) -> bool {
        self.categories.iter().all(|test| test.passes(DatumRef::Category(category)))
    }

    /// Whether an event with these may match.
    #[inline]
    pub(crate) fn admits_event(&self, ts: Timestamp, category: Category, level: Level) -> bool {
        self.times.contains(&ts.nanos())
            && self.levels[level as usize]
            && (self.categories.is_empty() || self.admits(category))
    }
}
