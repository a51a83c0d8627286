//! Plans for databases that are lists of segments.

mod ages;
mod budget;
mod drops;
mod holds;
mod model;
mod tiers;

use std::collections::BTreeMap;

use crate::catalog::ledger::{
    Budget, Change, Hold, HoldId, HoldQuery, JobKind, JobOutcome, JobRecord, Ledger, LedgerEntry, Policy,
    TierChange,
};
use crate::event::{Day, Timestamp};
use crate::maintain::plan::{
    ByHand, DAY_NS, Earlier, Partition, Plan, PlanInput, Step, Usage, by_hand, plan,
};
use crate::segment::{SegmentId, SegmentMeta, Tier};
use crate::vfs::Space;

/// A database to plan for.
pub(super) struct World {
    pub(super) segments: Vec<SegmentMeta>,
    last_id: u64,
    entries: Vec<LedgerEntry>,
    pub(super) now_ns: i64,
    pub(super) usage: Usage,
    pub(super) force: bool,
    pub(super) cold_is_there: bool,
    pub(super) earlier: Earlier,
    /// Partitions with events of a hold, by its case.
    pub(super) held: BTreeMap<String, Vec<Partition>>,
    /// Partitions that were asked for.
    pub(super) asked: Vec<Partition>,
}

pub(super) fn ts(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().0
}

pub(super) fn day(text: &str) -> Day {
    Timestamp(ts(&format!("{text}T00:00:00Z"))).day()
}

pub(super) fn partition(category: &str, day: Day) -> Partition {
    Partition { category: category.to_owned(), day }
}

impl World {
    pub(super) fn at(now: &str) -> World {
        World {
            segments: Vec::new(),
            last_id: 0,
            entries: Vec::new(),
            now_ns: ts(now),
            usage: Usage {
                database_bytes: 0,
                volume: Space { total_bytes: 1 << 40, available_bytes: 1 << 40 },
            },
            force: false,
            cold_is_there: true,
            earlier: Earlier::default(),
            held: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    pub(super) fn today(&self) -> Day {
        Timestamp(self.now_ns).day()
    }

    /// A day that many days ago.
    pub(super) fn ago(&self, days: i32) -> Day {
        Day(self.today().0 - days)
    }

    /// Adds a segment, as sealed from a WAL file.
    pub(super) fn segment(
        &mut self,
        category: &str,
        day: Day,
        tier: Tier,
        rows: u64,
        bytes: u64,
    ) -> SegmentId {
        self.last_id += 1;
        let id = self.last_id;
        self.segments.push(SegmentMeta {
            id: SegmentId(id),
            category: category.to_owned(),
            day,
            tier,
            rows,
            ts_min: day.start().0,
            ts_max: day.end_inclusive().0,
            seq_min: 0,
            seq_max: rows,
            level_max: 3,
            source_wal: if tier == Tier::Hot { id } else { 0 },
            file_bytes: bytes,
            footer_crc: 0,
            routes: Vec::new(),
        });
        SegmentId(id)
    }

    /// A hot segment of 100 events for each of these ages.
    pub(super) fn days(&mut self, category: &str, ages: impl IntoIterator<Item = i32>) {
        for age in ages {
            self.segment(category, self.ago(age), Tier::Hot, 100, 1000);
        }
    }

    fn change(&mut self, change: Change) -> u64 {
        let number = self.entries.len() as u64 + 1;
        let (actor, reason) = ("tests".to_owned(), String::new());
        self.entries.push(LedgerEntry { number, at_ns: 0, actor, reason, change });
        number
    }

    /// Sets a policy; gives its version.
    pub(super) fn policy(&mut self, category: &str, change: impl FnOnce(&mut Policy)) -> u64 {
        let mut policy = Policy::default_of(category);
        change(&mut policy);
        policy.check().unwrap();
        self.unchecked_policy(category, policy)
    }

    pub(super) fn unchecked_policy(&mut self, category: &str, policy: Policy) -> u64 {
        self.change(Change::PolicySet { category: category.to_owned(), policy })
    }

    pub(super) fn budget(&mut self, budget: Budget) {
        self.change(Change::BudgetSet(budget));
        self.usage.database_bytes = self.bytes();
    }

    /// Bytes that the budget counts.
    fn bytes(&self) -> u64 {
        let is_elsewhere = self.ledger().cold_directory().is_some();
        let counts = |segment: &&SegmentMeta| !(is_elsewhere && segment.tier == Tier::Cold);
        self.segments.iter().filter(counts).map(|segment| segment.file_bytes).sum()
    }

    pub(super) fn cold_directory(&mut self, directory: &str) {
        self.change(Change::ColdDirectorySet(Some(directory.to_owned())));
    }

    /// Places a hold of which these partitions have events.
    pub(super) fn hold(&mut self, query: HoldQuery, partitions: &[Partition]) -> HoldId {
        let case = format!("case {}", self.entries.len());
        self.held.insert(case.clone(), partitions.to_vec());
        HoldId(self.change(Change::HoldPlaced(Hold { case, query })))
    }

    pub(super) fn release(&mut self, hold: HoldId) {
        self.change(Change::HoldReleased(hold));
    }

    pub(super) fn ran(&mut self, at_ns: i64, outcome: JobOutcome) {
        let job = JobRecord {
            kind: JobKind::Maintain,
            at_ns,
            began_ns: at_ns,
            ended_ns: at_ns,
            outcome,
            compacted: TierChange::default(),
            warmed: TierChange::default(),
            cooled: TierChange::default(),
            dropped: TierChange::default(),
            copied_bytes: 0,
            problems: Vec::new(),
        };
        self.change(Change::JobDone(job));
    }

    /// A run an hour ago, so that nobody doubts the clock.
    pub(super) fn ran_lately(&mut self) {
        self.ran(self.now_ns - DAY_NS / 24, JobOutcome::Done);
    }

    pub(super) fn ledger(&self) -> Ledger {
        Ledger::of(self.entries.iter().cloned())
    }

    fn with_input<T>(&mut self, with: impl FnOnce(PlanInput<'_>) -> T) -> T {
        let ledger = self.ledger();
        let (held, asked) = (&self.held, &mut self.asked);
        let queries: Vec<(HoldQuery, &[Partition])> =
            ledger.holds().map(|(_, hold, _)| (hold.query.clone(), &held[&hold.case][..])).collect();
        let mut is_held = |query: &HoldQuery, partition: &Partition| {
            asked.push(partition.clone());
            Ok(queries.iter().any(|(other, partitions)| other == query && partitions.contains(partition)))
        };
        with(PlanInput {
            now_ns: self.now_ns,
            clock_ns: self.now_ns,
            segments: &self.segments,
            ledger: &ledger,
            usage: self.usage,
            force: self.force,
            cold_is_there: self.cold_is_there,
            earlier: &self.earlier,
            is_held: &mut is_held,
        })
    }

    pub(super) fn plan(&mut self) -> Plan {
        self.with_input(|input| plan(input).unwrap())
    }

    pub(super) fn by_hand(&mut self, partition: &Partition) -> ByHand {
        self.with_input(|input| by_hand(input, partition).unwrap())
    }

    /// Does what a plan says: a merge gives one segment, which takes that share of the bytes when it goes to cold.
    pub(super) fn apply(&mut self, plan: &Plan, cold_percent: u64) {
        for step in &plan.steps {
            let removed: Vec<SegmentMeta> =
                self.segments.extract_if(.., |segment| step.segments().contains(&segment.id)).collect();
            assert_eq!(removed.len(), step.segments().len(), "{step}: a segment is in two steps, or in none");
            let Some((merge, tier)) = step.merge() else {
                let Step::Drop(drop) = step else { panic!("a step that is neither merge nor drop") };
                self.earlier.dropped.push(drop.clone());
                continue;
            };
            let percent = if tier == Tier::Cold { cold_percent } else { 100 };
            let Partition { category, day } = &merge.partition;
            let id = self.segment(category, *day, tier, merge.rows, merge.bytes * percent / 100);
            let new = self.segments.iter_mut().find(|segment| segment.id == id).unwrap();
            new.source_wal = 0;
        }
        self.usage.database_bytes = self.bytes();
    }
}

/// The steps as text, without amounts: `delete order 2026-01-02`.
pub(super) fn words(plan: &Plan) -> Vec<String> {
    let word = |step: &Step| step.to_string().split(':').next().unwrap().to_owned();
    plan.steps.iter().map(word).collect()
}

/// What is kept, as text: `order 2026-01-02: held by hold 3`.
pub(super) fn kept(plan: &Plan) -> Vec<String> {
    plan.kept.iter().map(|kept| format!("{}: {}", kept.partition, kept.why)).collect()
}
