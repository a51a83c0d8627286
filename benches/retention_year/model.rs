//! What the policies say of every partition on every day, told without asking the engine.
//!
//! Invariant: a partition is in the model as long as it is to be in the database, with the number of events that were
//! recorded and the tier that it is to be in.

use std::collections::{BTreeMap, BTreeSet};

use blotter::event::Day;
use blotter::ledger::Policy;
use blotter::segment::{SegmentMeta, Tier};

/// A partition: the day first, so that the oldest comes first.
pub(crate) type Key = (Day, &'static str);

/// A partition that is there.
struct Held {
    rows: u64,
    tier: Tier,
}

/// What is found of a partition.
#[derive(Default, Debug)]
struct Sealed {
    rows: u64,
    tiers: BTreeSet<Tier>,
}

/// What becomes of a partition today.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) rows: u64,
    /// The tier it goes to; none if it is deleted.
    pub(crate) to: Option<Tier>,
    /// Version of the policy that says so.
    pub(crate) version: u64,
    /// Days that it stayed beyond the age at which it is deleted.
    pub(crate) overdue_days: u32,
}

#[derive(Default)]
pub(crate) struct Model {
    policies: BTreeMap<&'static str, (u64, Policy)>,
    partitions: BTreeMap<Key, Held>,
    pub(crate) recorded: u64,
    pub(crate) deleted: u64,
}

impl Model {
    pub(crate) fn set_policy(&mut self, category: &'static str, version: u64, policy: Policy) {
        self.policies.insert(category, (version, policy));
    }

    pub(crate) fn policy(&self, category: &'static str) -> (u64, Policy) {
        self.policies.get(category).copied().unwrap_or((0, Policy::default_of(category)))
    }

    pub(crate) fn record(&mut self, key: Key, rows: u64) {
        self.partitions.entry(key).or_insert(Held { rows: 0, tier: Tier::Hot }).rows += rows;
        self.recorded += rows;
    }

    /// What is due today, the oldest day first.
    pub(crate) fn due(&self, today: Day) -> Vec<Change> {
        let change = |(key, held): (&Key, &Held)| {
            let age = u32::try_from(today.0 - key.0.0).expect("nothing is recorded for days to come");
            let (version, policy) = self.policy(key.1);
            let to = match policy {
                Policy { delete_days: Some(delete), .. } if age >= delete => None,
                Policy { warm_days, .. } if age >= warm_days => Some(Tier::Cold),
                Policy { hot_days, .. } if age >= hot_days => Some(Tier::Warm),
                _ => Some(Tier::Hot),
            };
            let overdue_days = policy.delete_days.map_or(0, |delete| age.saturating_sub(delete));
            let change = Change { key: *key, rows: held.rows, to, version, overdue_days };
            (to != Some(held.tier)).then_some(change)
        };
        self.partitions.iter().filter_map(change).collect()
    }

    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change.to {
                Some(tier) => self.partitions.get_mut(&change.key).expect("it is due").tier = tier,
                None => {
                    self.partitions.remove(&change.key);
                    self.deleted += change.rows;
                }
            }
        }
    }

    pub(crate) fn held(&self) -> u64 {
        self.partitions.values().map(|held| held.rows).sum()
    }

    pub(crate) fn tier(&self, key: &Key) -> Option<Tier> {
        self.partitions.get(key).map(|held| held.tier)
    }

    /// Days of a category that are there.
    pub(crate) fn days(&self, category: &str) -> impl Iterator<Item = Day> {
        self.partitions.keys().filter(move |key| key.1 == category).map(|key| key.0)
    }

    /// Events by partition.
    pub(crate) fn counts(&self) -> BTreeMap<(String, String), u64> {
        let counts = self.partitions.iter();
        counts.map(|((day, category), held)| (((*category).to_owned(), day.to_string()), held.rows)).collect()
    }

    /// Compares with what is sealed: every partition before today there whole in its tier, and no other.
    pub(crate) fn check<'s>(&self, today: Day, segments: impl Iterator<Item = &'s SegmentMeta>) {
        let mut found: BTreeMap<(Day, &str), Sealed> = BTreeMap::new();
        for meta in segments {
            let sealed = found.entry((meta.day, meta.category.as_str())).or_default();
            sealed.rows += meta.rows;
            sealed.tiers.insert(meta.tier);
        }
        for (&(day, category), held) in self.partitions.range(..(today, "")) {
            let Sealed { rows, tiers } = found
                .remove(&(day, category))
                .unwrap_or_else(|| panic!("{today}: {category} of {day} is not there"));
            assert_eq!(rows, held.rows, "{today}: events of {category} of {day}");
            assert_eq!(tiers, BTreeSet::from([held.tier]), "{today}: tier of {category} of {day}");
        }
        assert!(found.is_empty(), "{today}: these should not be there: {found:?}");
    }
}
