//! Random databases: what must never be in a plan, and that plans come to an end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{World, partition};
use crate::catalog::ledger::{Budget, DropReason, HoldQuery, JobOutcome, Policy};
use crate::codec;
use crate::maintain::plan::ages::{age_days, tier_due};
use crate::maintain::plan::budget::excess_bytes;
use crate::maintain::plan::{DAY_NS, KeptWhy, Partition, Plan, Step};
use crate::segment::{SegmentId, SegmentMeta, Tier};

const CATEGORIES: [&str; 3] = ["market_data", "order", "training"];

#[derive(Clone, Debug)]
struct Case {
    segments: Vec<(usize, i32, u8, u64, u64)>,
    policies: Vec<(u32, u32, u32, u32, u32, u8)>,
    held: Vec<(usize, i32)>,
    budget: Option<u64>,
    last_run_days: Option<i64>,
    force: bool,
    cold: (bool, bool),
    cold_percent: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let segment = (0..3usize, -2..40i32, 0..3u8, 1..2000u64, 1..100_000u64);
    let policy = (0..10u32, 0..10u32, 0..20u32, 0..25u32, 0..20u32, 0..4u8);
    (
        prop::collection::vec(segment, 0..80),
        prop::collection::vec(policy, 3),
        prop::collection::vec((0..3usize, -2..40i32), 0..6),
        prop::option::of(0..3_000_000u64),
        prop::option::of(-5..50i64),
        any::<bool>(),
        (any::<bool>(), prop::bool::weighted(0.8)),
        20..101u64,
    )
        .prop_map(|(segments, policies, held, budget, last_run_days, force, cold, cold_percent)| Case {
            segments,
            policies,
            held,
            budget,
            last_run_days,
            force,
            cold,
            cold_percent,
        })
}

impl Case {
    fn world(&self) -> World {
        let mut world = World::at("2026-06-15T02:00:00Z");
        for (category, (hot, warm, delete, keep, destroy, priority)) in CATEGORIES.iter().zip(&self.policies)
        {
            world.policy(category, |policy| {
                let warm_days = hot + warm;
                let delete_days = (warm_days + delete).max(*keep);
                *policy = Policy {
                    hot_days: *hot,
                    warm_days,
                    delete_days: (delete % 4 != 0).then_some(delete_days),
                    keep_at_least_days: *keep,
                    destroy_after_days: (destroy % 3 == 0).then_some(delete_days + destroy),
                    priority: *priority,
                    locked: false,
                };
            });
        }
        for (category, age, tier, rows, bytes) in &self.segments {
            let tier = Tier::ALL[*tier as usize];
            world.segment(CATEGORIES[*category], world.ago(*age), tier, *rows, *bytes);
        }
        if self.cold.0 {
            world.cold_directory("/mnt/cold");
            world.cold_is_there = self.cold.1;
        }
        let held: Vec<Partition> = self
            .held
            .iter()
            .map(|(category, age)| partition(CATEGORIES[*category], world.ago(*age)))
            .collect();
        if !held.is_empty() {
            world.hold(HoldQuery::default(), &held);
        }
        if let Some(days) = self.last_run_days {
            world.ran(world.now_ns - days * DAY_NS, JobOutcome::Done);
        }
        world.budget(self.budget.map_or(Budget::Unlimited, Budget::Bytes));
        world.force = self.force;
        world
    }
}

/// What holds of every plan.
fn check_plan(world: &World, case: &Case, plan: &Plan) {
    let ledger = world.ledger();
    let by_id: BTreeMap<SegmentId, &SegmentMeta> =
        world.segments.iter().map(|segment| (segment.id, segment)).collect();
    let held: Vec<Partition> =
        case.held.iter().map(|(category, age)| partition(CATEGORIES[*category], world.ago(*age))).collect();
    let mut seen = BTreeSet::new();
    let all = || world.segments.iter();
    for step in &plan.steps {
        let of = step.partition();
        let sources: Vec<&SegmentMeta> = step.segments().iter().map(|id| by_id[id]).collect();
        assert!(!sources.is_empty());
        for source in &sources {
            assert!(seen.insert(source.id), "{} is in two steps", source.id);
            assert_eq!((&source.category, source.day), (&of.category, of.day));
        }
        assert_eq!(step.rows(), sources.iter().map(|source| source.rows).sum::<u64>());
        assert_eq!(step.bytes(), sources.iter().map(|source| source.file_bytes).sum::<u64>());
        if let Some((_, tier)) = step.merge() {
            assert!(sources.iter().all(|source| source.tier <= tier), "{step} goes back");
            assert!(tier == Tier::Hot || sources.iter().any(|source| source.tier < tier), "{step} is idle");
            assert!(tier != Tier::Cold || world.cold_is_there);
        }
    }
    let drops = || {
        plan.steps.iter().filter_map(|step| match step {
            Step::Drop(drop) => Some(drop),
            _ => None,
        })
    };
    for drop in drops().chain(&plan.foreseen) {
        let of = &drop.partition;
        let policy = ledger.policy(&of.category).policy;
        let age = age_days(world.today(), of.day);
        assert!(age >= i64::from(policy.keep_at_least_days), "{drop} is below its floor");
        assert!(age >= 0, "{drop} is to come");
        assert!(!held.contains(of), "{drop} is held");
        let whole = all().filter(|segment| segment.category == of.category && segment.day == of.day);
        assert_eq!(whole.clone().count(), drop.segments.len(), "{drop} is not whole");
        assert!(
            world.cold_is_there || whole.clone().all(|segment| segment.tier != Tier::Cold),
            "{drop} is away"
        );
        match drop.why {
            DropReason::Policy { .. } => {
                assert_eq!(age, i64::from(policy.delete_days.unwrap() + drop.overdue_days));
            }
            DropReason::Ceiling { .. } => {
                assert_eq!(age, i64::from(policy.destroy_after_days.unwrap() + drop.overdue_days));
            }
            DropReason::Budget { .. } => assert!(plan.over_budget_bytes > 0),
            why => panic!("{why}"),
        }
        assert!(!plan.kept.iter().any(|kept| kept.partition == *of), "{of} goes and stays");
    }
    assert!(plan.foreseen.is_empty() || plan.steps.iter().any(|step| step.merge().is_some()));
    let is_drop = |step: &Step| step.merge().is_none();
    assert!(plan.steps.is_sorted_by_key(|step| (!is_drop(step), step.partition().clone())));
    assert!(plan.kept.is_sorted_by_key(|kept| kept.partition.clone()));
    if plan.needs_confirmation {
        assert!(!world.force && drops().next().is_none());
        assert!(plan.kept.iter().any(|kept| kept.why == KeptWhy::AwaitsConfirmation));
    }
    // Whatever is due goes or is kept, and says why.
    for segment in all() {
        let policy = ledger.policy(&segment.category).policy;
        let age = age_days(world.today(), segment.day);
        let due = [policy.delete_days, policy.destroy_after_days].into_iter().flatten().min();
        if due.is_some_and(|due| age >= i64::from(due)) {
            let of = partition(&segment.category, segment.day);
            assert!(
                drops().any(|drop| drop.partition == of) || plan.kept.iter().any(|kept| kept.partition == of)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_are_safe_and_come_to_an_end(case in case()) {
        let mut world = case.world();
        // Each round cools, or else deletes: three are enough where the estimate is right, and each that is not
        // enough cools or deletes something more.
        let mut rounds = 0;
        loop {
            let plan = world.plan();
            check_plan(&world, &case, &plan);
            prop_assert_eq!(&plan, &world.plan());
            // It is the same in the process that asked for it.
            let copy: Plan = codec::decode(&codec::encode(&plan)).unwrap();
            prop_assert_eq!(&plan, &copy);
            if plan.steps.is_empty() {
                prop_assert!(plan.foreseen.is_empty());
                let over = excess_bytes(world.ledger().budget(), world.usage);
                prop_assert!(over == 0 || plan.unmet_bytes > 0);
                break;
            }
            world.apply(&plan, case.cold_percent);
            rounds += 1;
            prop_assert!(rounds < 120, "{}", plan);
            if case.budget.is_none() {
                prop_assert!(world.plan().steps.is_empty());
            }
        }
        // All that stays is in its tier, where that is there.
        let ledger = world.ledger();
        for segment in &world.segments {
            let due = tier_due(&ledger.policy(&segment.category).policy, age_days(world.today(), segment.day));
            prop_assert!(segment.tier >= due || due == Tier::Cold && !world.cold_is_there);
        }
    }

    #[test]
    fn the_order_of_the_segments_does_not_matter(case in case(), turn in 0..80usize) {
        let mut world = case.world();
        let plan = world.plan();
        world.segments.reverse();
        let turn = turn % world.segments.len().max(1);
        world.segments.rotate_left(turn);
        prop_assert_eq!(plan, world.plan());
    }
}

#[test]
fn a_year_of_all_categories_is_planned_at_once() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.ran_lately();
    for category in crate::event::Category::built_in() {
        for age in 0..365 {
            for tier in Tier::ALL {
                world.segment(category.name(), world.ago(age), tier, 100, 1000);
            }
        }
    }
    world.budget(Budget::Bytes(1));
    world.hold(HoldQuery::default(), &[]);
    let plan = world.plan();
    assert_eq!(world.segments.len(), 10_950);
    assert!(plan.needs_confirmation);
    assert_eq!(plan.steps.len(), 3640, "all but today's is cooled");
}
