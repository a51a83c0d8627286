//! Tiers and deletions on the exact day, whatever the hour.

use super::{World, day, words};
use crate::catalog::ledger::{DropReason, Policy};
use crate::event::Category;
use crate::maintain::plan::Step;
use crate::segment::Tier;

/// What is done at a time with a hot segment of a day, under a policy of 3 hot, 30 warm, 90 days in all.
#[track_caller]
fn check(of: &str, now: &str, expected: &str) {
    let mut world = World::at(now);
    world.ran_lately();
    world.policy("x", |policy| {
        (policy.hot_days, policy.warm_days, policy.delete_days) = (3, 30, Some(90));
    });
    world.segment("x", day(of), Tier::Hot, 10, 1000);
    let found = words(&world.plan()).join(" ");
    let found = found.split(' ').next().unwrap_or_default();
    assert_eq!(found, expected, "{of} at {now}");
}

#[test]
fn a_day_changes_at_midnight_utc() {
    for (of, now, expected) in [
        ("2026-01-01", "2026-01-01T00:00:00Z", ""),
        ("2026-01-01", "2026-01-03T23:59:59.999999999Z", ""),
        ("2026-01-01", "2026-01-04T00:00:00Z", "warm"),
        ("2026-01-01", "2026-01-30T23:59:59.999999999Z", "warm"),
        ("2026-01-01", "2026-01-31T00:00:00Z", "cool"),
        ("2026-01-01", "2026-03-31T23:59:59.999999999Z", "cool"),
        ("2026-01-01", "2026-04-01T00:00:00Z", "delete"),
        // The hour of another place is another day there.
        ("2026-01-01", "2026-01-04T00:30:00+01:00", ""),
        ("2026-01-01", "2026-01-03T20:00:00-04:00", "warm"),
        // The year with a leap day is longer by it.
        ("2023-12-31", "2024-03-29T12:00:00Z", "cool"),
        ("2023-12-31", "2024-03-30T00:00:00Z", "delete"),
        ("2024-02-28", "2024-03-01T23:59:59Z", ""),
        ("2024-02-28", "2024-03-02T00:00:00Z", "warm"),
        ("2024-02-29", "2024-03-03T00:00:00Z", "warm"),
        ("2025-02-28", "2025-03-02T23:59:59Z", ""),
        ("2025-02-28", "2025-03-03T00:00:00Z", "warm"),
        // Before 1970 days are counted the same way.
        ("1969-12-30", "1970-01-01T23:59:59Z", ""),
        ("1969-12-30", "1970-01-02T00:00:00Z", "warm"),
        // Days to come are young.
        ("2026-01-01", "2025-12-31T23:59:59Z", ""),
        ("2100-01-01", "2026-01-01T00:00:00Z", ""),
        // The ends of time; so late a deletion waits for confirmation.
        ("1677-09-22", "2262-04-11T00:00:00Z", "cool"),
        ("2262-04-11", "1677-09-22T00:00:00Z", ""),
    ] {
        check(of, now, expected);
    }
}

#[test]
fn every_default_policy_keeps_its_days() {
    for category in Category::built_in().map(Category::name).chain(["training"]) {
        let policy = Policy::default_of(category);
        let (hot, warm) = (policy.hot_days as i32, policy.warm_days as i32);
        let delete = policy.delete_days.unwrap() as i32;
        for (age, expected) in [
            (0, None),
            (hot - 1, None),
            (hot, Some("warm")),
            (warm - 1, Some("warm")),
            (warm, Some("cool")),
            (delete - 1, Some("cool")),
            (delete, Some("delete")),
            (delete + 1, Some("delete")),
        ] {
            let mut world = World::at("2026-06-15T02:00:00Z");
            world.ran_lately();
            world.days(category, [age]);
            let of = world.ago(age);
            let expected: Vec<String> =
                expected.into_iter().map(|word| format!("{word} {category} {of}")).collect();
            assert_eq!(words(&world.plan()), expected, "age {age}");
        }
    }
}

#[test]
fn deletions_say_why_and_how_late_they_are() {
    for (age, delete, destroy, expected) in [
        (89, Some(90), Some(100), None),
        (90, Some(90), Some(100), Some((DropReason::Policy { version: 2 }, 0))),
        (99, Some(90), Some(100), Some((DropReason::Policy { version: 2 }, 9))),
        (100, Some(90), Some(100), Some((DropReason::Ceiling { version: 2 }, 0))),
        (107, Some(90), Some(100), Some((DropReason::Ceiling { version: 2 }, 7))),
        (99, None, Some(100), None),
        (100, None, Some(100), Some((DropReason::Ceiling { version: 2 }, 0))),
        (90, Some(90), Some(90), Some((DropReason::Ceiling { version: 2 }, 0))),
        (9999, None, None, None),
    ] {
        let mut world = World::at("2026-06-15T02:00:00Z");
        world.ran_lately();
        let version = world.policy("signal", |policy| {
            (policy.delete_days, policy.destroy_after_days) = (delete, destroy);
        });
        assert_eq!(version, 2);
        world.days("signal", [age]);
        let found = world.plan().steps.into_iter().find_map(|step| match step {
            Step::Drop(drop) => Some((drop.why, drop.overdue_days)),
            _ => None,
        });
        assert_eq!(found, expected, "age {age} {delete:?} {destroy:?}");
    }
}

#[test]
fn a_floor_of_a_ledger_that_no_check_saw_holds_all_the_same() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.ran_lately();
    let policy =
        Policy { keep_at_least_days: 100, destroy_after_days: Some(95), ..Policy::default_of("signal") };
    let policy = Policy { delete_days: Some(90), ..policy };
    assert!(policy.check().is_err());
    world.unchecked_policy("signal", policy);
    world.days("signal", [99, 100]);
    let (young, old) = (world.ago(99), world.ago(100));
    assert_eq!(words(&world.plan()), [format!("delete signal {old}"), format!("cool signal {young}")]);
}
