//! What a shortage of space takes, and in which order.

use super::{World, kept, partition, words};
use crate::catalog::ledger::{Budget, DropReason, HoldQuery};
use crate::maintain::plan::budget::excess_bytes;
use crate::maintain::plan::{Drop, KeptWhy, Partition, Plan, Step, Usage};
use crate::segment::Tier::{self, Cold, Hot, Warm};
use crate::vfs::Space;

/// Partitions of 1,000 events and 1,000 bytes each, under a budget; no age is due for anything.
fn world(partitions: &[(&str, i32, Tier)], budget: u64) -> World {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.ran_lately();
    for category in ["market_data", "signal", "audit"] {
        world.policy(category, |policy| {
            (policy.hot_days, policy.warm_days, policy.delete_days) = (1000, 1000, None);
        });
    }
    for (category, age, tier) in partitions {
        world.segment(category, world.ago(*age), *tier, 1000, 1000);
    }
    // So that the share does not matter.
    world.segment("audit", world.today(), Hot, 1_000_000, 0);
    world.budget(Budget::Bytes(budget));
    world
}

fn foreseen(plan: &Plan) -> Vec<String> {
    plan.foreseen.iter().map(|drop| drop.partition.to_string()).collect()
}

fn names(world: &World, word: &str, partitions: &[(&str, i32)]) -> Vec<String> {
    let name = |(category, age): &(&str, i32)| format!("{word}{category} {}", world.ago(*age));
    partitions.iter().map(name).collect()
}

#[test]
fn the_excess_is_over_the_bytes_or_the_share_of_the_volume() {
    let usage = |database_bytes, total_bytes, available_bytes| Usage {
        database_bytes,
        volume: Space { total_bytes, available_bytes },
    };
    for (budget, usage, expected) in [
        (Budget::Unlimited, usage(u64::MAX, 1, 0), 0),
        (Budget::Bytes(100), usage(100, 1000, 0), 0),
        (Budget::Bytes(100), usage(101, 1000, 999), 1),
        (Budget::Percent(80), usage(0, 1000, 200), 0),
        (Budget::Percent(80), usage(0, 1000, 199), 1),
        (Budget::Percent(100), usage(0, 1000, 0), 0),
        (Budget::Percent(1), usage(0, u64::MAX, 0), u64::MAX - u64::MAX / 100),
        (Budget::Percent(80), usage(5, 0, 0), 0),
    ] {
        assert_eq!(excess_bytes(budget, usage), expected, "{budget} {usage:?}");
    }
}

#[test]
fn space_is_made_by_cooling_first_low_priority_and_oldest_first() {
    let all = [("signal", 5, Hot), ("signal", 9, Warm), ("market_data", 2, Hot), ("market_data", 3, Warm)];
    // Each saves 250 when it is cooled.
    for (budget, cooled) in [
        (4000, &[][..]),
        (3999, &[("market_data", 3)]),
        (3750, &[("market_data", 3)]),
        (3749, &[("market_data", 3), ("market_data", 2)]),
        (3499, &[("signal", 9), ("market_data", 3), ("market_data", 2)]),
        (3000, &[("signal", 9), ("signal", 5), ("market_data", 3), ("market_data", 2)]),
    ] {
        let mut world = world(&all, budget);
        let plan = world.plan();
        assert_eq!(words(&plan), names(&world, "cool ", cooled), "{budget}");
        assert_eq!((foreseen(&plan).len(), plan.unmet_bytes), (0, 0), "{budget}");
        assert_eq!(plan.over_budget_bytes, 4000 - budget);
        assert!(plan.problems.is_empty() && plan.kept.is_empty());
    }
}

#[test]
fn nothing_is_deleted_for_space_before_the_merges_are_measured() {
    let all = [("signal", 5, Hot), ("market_data", 2, Cold), ("market_data", 3, Cold)];
    let mut world = world(&all, 1700);
    let plan = world.plan();
    assert_eq!(words(&plan), names(&world, "cool ", &[("signal", 5)]));
    assert_eq!(foreseen(&plan), names(&world, "", &[("market_data", 3), ("market_data", 2)]));
    assert_eq!(plan.unmet_bytes, 0);
    // It saved more than was expected.
    world.apply(&plan, 20);
    let plan = world.plan();
    assert_eq!(words(&plan), names(&world, "delete ", &[("market_data", 3)]));
    assert!(matches!(&plan.steps[0], Step::Drop(Drop { why: DropReason::Budget { version: 2 }, .. })));
    world.apply(&plan, 20);
    assert_eq!(world.plan(), Plan::default());
}

#[test]
fn today_is_not_cooled_for_space_and_what_is_due_counts_first() {
    let mut world = world(&[("market_data", 0, Hot), ("market_data", 1, Hot)], 1999);
    assert_eq!(words(&world.plan()), names(&world, "cool ", &[("market_data", 1)]));
    world.policy("signal", |_| ());
    world.segment("signal", world.ago(180), Hot, 1000, 1000);
    world.usage.database_bytes = 2999;
    assert_eq!(words(&world.plan()), names(&world, "delete ", &[("signal", 180)]));
    world.usage.database_bytes = 3000;
    let expected =
        [names(&world, "delete ", &[("signal", 180)]), names(&world, "cool ", &[("market_data", 1)])];
    assert_eq!(words(&world.plan()), expected.concat());
}

#[test]
fn floors_and_holds_are_kept_and_the_shortage_is_told() {
    let all =
        [("market_data", 10, Cold), ("market_data", 20, Cold), ("signal", 5, Cold), ("signal", 6, Cold)];
    let mut world = world(&all, 500);
    world.policy("market_data", |policy| {
        (policy.hot_days, policy.warm_days, policy.delete_days) = (1000, 1000, None);
        policy.keep_at_least_days = 20;
    });
    let held = partition("signal", world.ago(6));
    let hold = world.hold(HoldQuery::default(), std::slice::from_ref(&held));
    let plan = world.plan();
    assert_eq!(words(&plan), names(&world, "delete ", &[("market_data", 20), ("signal", 5)]));
    let floor = KeptWhy::BelowFloor { keep_at_least_days: 20, age_days: 10 };
    let expected = [
        format!("{}: {floor}", partition("market_data", world.ago(10))),
        format!("{held}: held by hold {hold}"),
    ];
    assert_eq!(kept(&plan), expected);
    assert_eq!((plan.over_budget_bytes, plan.unmet_bytes), (3500, 1500));
    for part in
        ["500 bytes is exceeded", "1500 bytes", "1000 bytes are held", "1000 bytes must be kept", "hint: "]
    {
        assert!(plan.problems[0].contains(part), "{} does not say {part}", plan.problems[0]);
    }
    // Where it is enough without them, they are not spoken of.
    world.budget(Budget::Bytes(2000));
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.kept.len(), plan.problems.len()), (2, 0, 0));
}

#[test]
fn deletions_for_space_need_confirmation_as_others_do() {
    let all: Vec<(&str, i32, Tier)> = (1..=10).map(|age| ("market_data", age, Cold)).collect();
    let mut world = world(&all, 5000);
    world.segments.last_mut().unwrap().rows = 1;
    let plan = world.plan();
    assert!(plan.needs_confirmation && plan.steps.is_empty());
    assert_eq!(plan.unmet_bytes, 5000);
    assert!(plan.kept.iter().all(|kept| kept.why == KeptWhy::AwaitsConfirmation));
    assert_eq!(plan.problems.len(), 2, "{plan}");
    world.force = true;
    let expected: Vec<(&str, i32)> = (6..=10).rev().map(|age| ("market_data", age)).collect();
    assert_eq!(words(&world.plan()), names(&world, "delete ", &expected));
}

#[test]
fn what_is_cold_on_another_volume_takes_no_space_of_this() {
    let all = [("market_data", 2, Cold), ("market_data", 3, Hot), ("signal", 5, Hot)];
    let mut world = world(&all, 1000);
    world.cold_directory("/mnt/cold");
    world.usage.database_bytes = 2000;
    assert_eq!(words(&world.plan()), names(&world, "cool ", &[("market_data", 3)]));
    world.usage.database_bytes = 2001;
    let both = names(&world, "cool ", &[("signal", 5), ("market_data", 3)]);
    assert_eq!(words(&world.plan()), both);
    // Deleting what is there would help nothing.
    world.usage.database_bytes = 9000;
    let plan = world.plan();
    assert_eq!((words(&plan), foreseen(&plan).len(), plan.unmet_bytes), (both, 0, 6000));
    // While it is away, nothing goes there, and what has a part there stays.
    world.cold_is_there = false;
    world.segment("signal", world.ago(5), Cold, 10, 10);
    let plan = world.plan();
    assert_eq!(words(&plan), names(&world, "delete ", &[("market_data", 3)]));
    assert_eq!(kept(&plan), [format!("signal {}: the volume of cold segments is not there", world.ago(5))]);
}

#[test]
fn where_a_merge_has_no_room_or_failed_the_next_is_deletion() {
    let mut world = world(&[("market_data", 2, Hot), ("signal", 5, Hot)], 1500);
    world.usage.volume.available_bytes = 999;
    assert_eq!(words(&world.plan()), names(&world, "delete ", &[("market_data", 2)]));
    world.usage.volume.available_bytes = 1000;
    assert_eq!(words(&world.plan()).len(), 2);
    let failed: Vec<Partition> =
        [("market_data", 2), ("signal", 5)].map(|(category, age)| partition(category, world.ago(age))).into();
    world.earlier.unmergeable = failed.clone();
    assert_eq!(words(&world.plan()), names(&world, "delete ", &[("market_data", 2)]));
    // And where the hook does not agree, the one after.
    world.earlier.vetoed = vec![failed[0].clone()];
    assert_eq!(words(&world.plan()), names(&world, "delete ", &[("signal", 5)]));
}

#[test]
fn a_merge_that_is_due_becomes_one_to_cold() {
    let mut world = world(&[("market_data", 40, Hot), ("market_data", 2, Hot)], 1);
    for _ in 0..7 {
        world.segment("market_data", world.ago(2), Hot, 10, 10);
    }
    world.policy("market_data", |policy| policy.warm_days = 90);
    assert_eq!(
        words(&world.plan()),
        [names(&world, "cool ", &[("market_data", 40)]), names(&world, "cool ", &[("market_data", 2)])]
            .concat()
    );
    world.budget(Budget::Unlimited);
    assert_eq!(
        words(&world.plan()),
        [names(&world, "warm ", &[("market_data", 40)]), names(&world, "compact ", &[("market_data", 2)])]
            .concat()
    );
}

#[test]
fn a_held_partition_is_cooled_and_kept() {
    let mut world = world(&[("market_data", 2, Hot)], 100);
    let held = partition("market_data", world.ago(2));
    world.hold(HoldQuery::default(), std::slice::from_ref(&held));
    let plan = world.plan();
    assert_eq!(words(&plan), [format!("cool {held}")]);
    world.apply(&plan, 75);
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.unmet_bytes, kept(&plan).len()), (0, 650, 1));
}
