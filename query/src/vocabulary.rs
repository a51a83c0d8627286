//! The words of a database: its fields, their types and values. For names in queries, completion, hints and `.schema`.
//!
//! Segments are asked one after the other, the newest of each category first, and only until the question is
//! answered: that a field exists is mostly known after the first few, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use blotter_engine::event::{Category, Field, FieldKey, FieldRef, Level, Timestamp, ValueType};
use blotter_engine::segment::{ColumnId, Values};
use blotter_engine::view::SegmentPart;
use blotter_engine::{Predicate, Snapshot};

use crate::error::Result;
use crate::plan::schema::{Schema, TypeSet};

/// Segments whose values are looked through for suggestions, newest first.
const VALUE_SEGMENTS_MAX: usize = 32;
/// Unsealed events whose values are looked through for suggestions.
const VALUE_RECORDS_MAX: u32 = 50_000;
/// Texts of one dictionary that are looked through for suggestions.
const VALUE_TEXTS_MAX: usize = 100_000;

/// See the module.
pub struct Vocabulary {
    snapshot: Snapshot,
    known: Mutex<Known>,
}

/// What has been learnt so far.
struct Known {
    fields: BTreeMap<String, Learnt>,
    /// Segments not asked yet, the next last; none before the first question, which most queries do not have.
    segments: Option<Vec<SegmentPart>>,
    unsealed_is_read: bool,
}

#[derive(Clone, Copy, Default)]
struct Learnt {
    types: TypeSet,
    segments: u64,
}

/// A field of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSummary {
    /// Its name.
    pub name: String,
    /// Names of the types it has: `text`, `int`, `float`, `decimal`, `bool`, `time`, `level`, `category`.
    pub types: Vec<&'static str>,
    /// Whether lookups by it use an index.
    pub indexed: bool,
    /// Sealed segments that have it.
    pub segments: u64,
}

/// What every event has, and its type.
const RESERVED: [(&str, &str); 6] = [
    ("ts", "time"),
    ("seq", "int"),
    ("producer", "int"),
    ("pseq", "int"),
    ("category", "category"),
    ("level", "level"),
];

impl Vocabulary {
    /// The words of what a snapshot covers, read when first asked for.
    pub fn new(snapshot: Snapshot) -> Vocabulary {
        let known = Known { fields: BTreeMap::new(), segments: None, unsealed_is_read: false };
        Vocabulary { snapshot, known: Mutex::new(known) }
    }

    /// Every field: what every event has, then the others by name.
    pub fn field_summaries(&self) -> Vec<FieldSummary> {
        let is_indexed = |name: &str| self.snapshot.indexed().iter().any(|field| field.name() == name);
        let segments = self.snapshot.segments().count() as u64;
        let reserved = RESERVED.map(|(name, type_name)| FieldSummary {
            name: name.to_owned(),
            types: vec![type_name],
            indexed: false,
            segments,
        });
        let mut known = self.lock();
        while known.learn_more(&self.snapshot) {}
        let fields = known.fields.iter().map(|(name, learnt)| FieldSummary {
            name: name.clone(),
            types: learnt.types.names(),
            indexed: is_indexed(name),
            segments: learnt.segments,
        });
        reserved.into_iter().chain(fields).collect()
    }

    /// The names of all fields.
    pub fn field_names(&self) -> Vec<String> {
        self.fields()
    }

    /// Up to `limit` values of a field that begin with `prefix`, sorted. Of fields with many values, those of the
    /// newest events.
    pub fn field_values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        self.values(field, prefix, limit)
    }

    /// Names of the categories that have events.
    pub fn categories(&self) -> Vec<String> {
        let sealed = self.snapshot.segments().map(|meta| meta.category.clone());
        let mut categories: BTreeSet<String> = sealed.collect();
        for part in self.snapshot.unsealed_parts(&Predicate::all()) {
            // What cannot be read teaches nothing; the query itself reports it.
            drop(part.each(|_, event| -> Result<()> {
                if !categories.contains(event.category.name()) {
                    categories.insert(event.category.name().to_owned());
                }
                Ok(())
            }));
        }
        categories.into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Values of a field in sealed segments.
    fn sealed_values(&self, field: &FieldKey, wanted: &mut Wanted<'_>) -> Result<()> {
        let mut parts = self.snapshot.segment_parts(&Predicate::all());
        parts.sort_by_key(|part| std::cmp::Reverse(part.meta().ts_max));
        let mut looked_at = 0;
        for part in parts {
            let segment = part.open()?;
            for (index, info) in segment.columns().iter().enumerate().filter(|(_, info)| info.key == *field) {
                if info.value_type != ValueType::Str || segment.block_count() == 0 {
                    continue;
                }
                looked_at += 1;
                let last = segment.block_count() - 1;
                let vector = segment.decode(last, ColumnId::Field(index as u32))?;
                if let Values::Str { texts, .. } = &vector.values {
                    texts.iter().take(VALUE_TEXTS_MAX).for_each(|text| wanted.offer(text));
                }
            }
            if looked_at >= VALUE_SEGMENTS_MAX {
                break;
            }
        }
        Ok(())
    }

    fn unsealed_values(&self, field: FieldRef<'_>, wanted: &mut Wanted<'_>) -> Result<()> {
        let mut left = VALUE_RECORDS_MAX;
        for part in self.snapshot.unsealed_parts(&Predicate::all()).iter().rev() {
            part.each(|_, event| -> Result<()> {
                left = left.saturating_sub(1);
                for found in event.fields().filter(|_| left > 0) {
                    let (found, value) = found?;
                    if let (true, blotter_engine::event::ValueRef::Str(text)) = (found == field, value) {
                        wanted.offer(text);
                    }
                }
                Ok(())
            })?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Values being gathered.
struct Wanted<'a> {
    prefix: &'a str,
    limit: usize,
    values: BTreeSet<String>,
}

impl Wanted<'_> {
    fn offer(&mut self, value: &str) {
        let begins =
            value.get(..self.prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(self.prefix));
        let is_less = || self.values.last().is_none_or(|last| value < last.as_str());
        if begins && (self.values.len() < self.limit || is_less()) && !self.values.contains(value) {
            self.values.insert(value.to_owned());
            if self.values.len() > self.limit {
                self.values.pop_last();
            }
        }
    }
}

/// The segments, the newest of each category last, before them the newest but one, and so on.
fn newest_of_categories_first(snapshot: &Snapshot) -> Vec<SegmentPart> {
    let mut segments = snapshot.segment_parts(&Predicate::all());
    segments.sort_by_key(|part| std::cmp::Reverse(part.meta().ts_max));
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut ranked: Vec<(u32, SegmentPart)> = Vec::with_capacity(segments.len());
    for part in segments {
        let rank = seen.entry(part.meta().category.clone()).or_default();
        ranked.push((*rank, part));
        *rank += 1;
    }
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    ranked.into_iter().map(|(_, part)| part).collect()
}

impl Known {
    /// Asks the next segment, or what is unsealed; false if nothing is left to ask. What cannot be read teaches
    /// nothing; the query itself reports it.
    fn learn_more(&mut self, snapshot: &Snapshot) -> bool {
        let segments = self.segments.get_or_insert_with(|| newest_of_categories_first(snapshot));
        if let Some(part) = segments.pop() {
            if let Ok(segment) = part.open() {
                let mut names: BTreeSet<&str> = BTreeSet::new();
                for info in segment.columns() {
                    let name = info.key.name();
                    if !self.fields.contains_key(name) {
                        self.fields.insert(name.to_owned(), Learnt::default());
                    }
                    let learnt = self.fields.get_mut(name).expect("it is there now");
                    learnt.types = learnt.types.with(info.value_type);
                    learnt.segments += u64::from(names.insert(name));
                }
            }
            return true;
        }
        if std::mem::replace(&mut self.unsealed_is_read, true) {
            return false;
        }
        for part in snapshot.unsealed_parts(&Predicate::all()) {
            let read = part.each(|_, event| -> Result<()> {
                for field in event.fields() {
                    let (field, value) = field?;
                    let value_type = value.value_type();
                    match self.fields.get_mut(field.name()) {
                        Some(learnt) => learnt.types = learnt.types.with(value_type),
                        None => {
                            let types = TypeSet::NONE.with(value_type);
                            self.fields.insert(field.name().to_owned(), Learnt { types, segments: 0 });
                        }
                    }
                }
                Ok(())
            });
            drop(read);
        }
        true
    }
}

impl Schema for Vocabulary {
    fn knows(&self, field: &str) -> bool {
        if RESERVED.iter().any(|(name, _)| *name == field) || Field::from_name(field).is_some() {
            return true;
        }
        let mut known = self.lock();
        while !known.fields.contains_key(field) {
            if !known.learn_more(&self.snapshot) {
                return false;
            }
        }
        true
    }

    fn types(&self, field: &str) -> TypeSet {
        let mut known = self.lock();
        while known.learn_more(&self.snapshot) {}
        known.fields.get(field).map_or(TypeSet::NONE, |learnt| learnt.types)
    }

    fn is_indexed(&self, field: &str) -> bool {
        self.snapshot.indexed().iter().any(|indexed| indexed.name() == field)
    }

    fn fields(&self) -> Vec<String> {
        let mut known = self.lock();
        while known.learn_more(&self.snapshot) {}
        let reserved = RESERVED.iter().map(|(name, _)| *name);
        let well_known = Field::ALL.iter().map(|field| field.name());
        let mut names: BTreeSet<String> = reserved.chain(well_known).map(str::to_owned).collect();
        names.extend(known.fields.keys().cloned());
        names.into_iter().collect()
    }

    fn time_range(&self) -> Option<(Timestamp, Timestamp)> {
        let sealed = self.snapshot.segments().map(|meta| (meta.ts_min, meta.ts_max));
        let both = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        let mut range = sealed.reduce(both);
        for part in self.snapshot.unsealed_parts(&Predicate::all()) {
            // What cannot be read tells no time; the query itself reports it.
            drop(part.each(|_, event| -> Result<()> {
                let ts = event.ts.0;
                range = Some(range.map_or((ts, ts), |range| both(range, (ts, ts))));
                Ok(())
            }));
        }
        range.map(|(first, last)| (Timestamp(first), Timestamp(last)))
    }

    fn values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        let mut wanted = Wanted { prefix, limit, values: BTreeSet::new() };
        match field {
            "level" => Level::ALL.iter().for_each(|level| wanted.offer(level.name())),
            "category" => {
                Category::built_in().for_each(|category| wanted.offer(category.name()));
                // Most questions are for one that is built in, and what is unsealed need not be read.
                if wanted.values.contains(prefix) && limit == 1 {
                    return vec![prefix.to_owned()];
                }
                self.categories().iter().for_each(|category| wanted.offer(category));
            }
            field => {
                let key = FieldKey::new(field);
                // Suggestions are a courtesy: what cannot be read suggests nothing.
                drop(self.sealed_values(&key, &mut wanted));
                drop(self.unsealed_values(key.borrow(), &mut wanted));
            }
        }
        wanted.values.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use blotter_engine::event::{Category, Level};
    use blotter_engine::{Options, RecorderOptions};

    use super::*;

    #[test]
    fn words_are_those_of_sealed_and_unsealed_events() {
        let dir = tempfile::tempdir().unwrap();
        let db = Options::new().without_threads().open(dir.path().join("db")).unwrap();
        let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
        let check = |unsealed: &[(&str, i64)], sealed: &[&str]| {
            let vocabulary = Vocabulary::new(db.snapshot().unwrap());
            let all: BTreeSet<&str> =
                unsealed.iter().map(|(symbol, _)| *symbol).chain(sealed.iter().copied()).collect();
            let all: Vec<&str> = all.into_iter().collect();
            assert_eq!(vocabulary.field_values("symbol", "", 10), all);
            assert_eq!(vocabulary.field_values("symbol", "i", 10), ["IBM", "INTC"]);
            assert_eq!(vocabulary.field_values("symbol", "", 1), all[..1]);
            assert_eq!(vocabulary.field_values("strategy", "mo", 10), ["momentum"]);
            assert_eq!(vocabulary.field_values("nothing", "", 10), [""; 0]);
            assert!(vocabulary.knows("venue") && vocabulary.knows("price") && !vocabulary.knows("vanue"));
            assert_eq!(vocabulary.types("venue").names(), ["int"]);
            assert!(vocabulary.categories().contains(&"order".to_owned()));
            assert!(vocabulary.is_indexed("symbol") && !vocabulary.is_indexed("venue"));
        };
        let events = [("INTC", 1), ("IBM", 2), ("AAPL", 3)];
        for (symbol, venue) in events {
            let event = recorder.event(Category::ORDER, Level::Info, "x").symbol(symbol);
            assert!(event.field("venue", venue).emit().is_accepted());
        }
        db.flush().unwrap();
        check(&events, &[]);
        db.seal().unwrap();
        check(&[], &["AAPL", "IBM", "INTC"]);
        assert!(recorder.event(Category::FILL, Level::Info, "y").symbol("MSFT").emit().is_accepted());
        db.flush().unwrap();
        check(&[("MSFT", 0)], &["AAPL", "IBM", "INTC"]);
    }
}
