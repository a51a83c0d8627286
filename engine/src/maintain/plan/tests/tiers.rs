//! Which segments go together.

use super::{World, words};
use crate::maintain::plan::{Partition, Step};
use crate::segment::Tier::{self, Cold, Hot, Warm};

/// Plans for one partition of that age with these segments, given as tier and events, of 10 bytes each; the policy
/// makes it warm at 3 and cold at 30 days. Says which go together, by their numbers.
#[track_caller]
fn check(age: i32, segments: &[(Tier, u64)], expected: Option<(&str, &[u64])>) {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.policy("x", |policy| (policy.hot_days, policy.warm_days, policy.delete_days) = (3, 30, None));
    for (tier, rows) in segments {
        world.segment("x", world.ago(age), *tier, *rows, rows * 10);
    }
    let plan = world.plan();
    assert!(plan.problems.is_empty() && plan.kept.is_empty(), "{plan}");
    let found: Vec<(String, Vec<u64>)> = plan
        .steps
        .iter()
        .map(|step| (step.to_string(), step.segments().iter().map(|id| id.0).collect()))
        .collect();
    match (&found[..], expected) {
        ([], None) => {}
        ([(text, sources)], Some((word, ids))) => {
            assert!(text.starts_with(word) && sources == ids, "{found:?} instead of {word} {ids:?}");
        }
        _ => panic!("{found:?} instead of {expected:?}"),
    }
    for step in &plan.steps {
        let of_step = |index: &usize| step.segments().iter().any(|id| id.0 as usize == index + 1);
        let rows: u64 = (0..segments.len()).filter(of_step).map(|index| segments[index].1).sum();
        assert_eq!((step.rows(), step.bytes()), (rows, rows * 10));
    }
    // What was merged is not merged again.
    world.apply(&plan, 75);
    assert_eq!(words(&world.plan()), [""; 0]);
}

#[test]
fn the_segments_of_a_day_become_one_of_the_tier_due() {
    check(3, &[(Hot, 5)], Some(("warm", &[1])));
    check(3, &[(Hot, 5), (Hot, 6), (Hot, 7)], Some(("warm", &[1, 2, 3])));
    check(30, &[(Hot, 5), (Warm, 600), (Hot, 7)], Some(("cool", &[1, 2, 3])));
    check(30, &[(Warm, 5), (Warm, 6)], Some(("cool", &[1, 2])));
    // What is there already, or beyond, stays.
    check(3, &[(Warm, 5), (Warm, 6)], None);
    check(3, &[(Cold, 5)], None);
    check(0, &[(Cold, 5), (Warm, 6), (Hot, 5)], None);
    check(30, &[(Cold, 5), (Cold, 6)], None);
    check(30, &[(Cold, 5); 20], None);
}

#[test]
fn late_events_join_what_is_there_if_that_is_small() {
    check(3, &[(Warm, 40), (Hot, 10)], Some(("warm", &[1, 2])));
    check(3, &[(Warm, 41), (Hot, 10)], Some(("warm", &[2])));
    check(3, &[(Warm, 20), (Warm, 20), (Hot, 4), (Hot, 6)], Some(("warm", &[1, 2, 3, 4])));
    check(3, &[(Warm, 20), (Warm, 21), (Hot, 4), (Hot, 6)], Some(("warm", &[3, 4])));
    // Those of a tier beyond are none of it.
    check(3, &[(Cold, 5), (Warm, 41), (Hot, 10)], Some(("warm", &[3])));
    // For the cold tier, warm ones are new as well.
    check(30, &[(Cold, 80), (Warm, 19), (Hot, 1)], Some(("cool", &[1, 2, 3])));
    check(30, &[(Cold, 81), (Warm, 19), (Hot, 1)], Some(("cool", &[2, 3])));
}

#[test]
fn a_partition_has_no_more_than_eight_segments_of_a_tier_but_for_its_size() {
    let with_late = |there: usize, rows: u64| -> Vec<(Tier, u64)> {
        let mut segments = vec![(Warm, rows); there];
        segments.push((Hot, 1));
        segments
    };
    check(3, &with_late(7, 100), Some(("warm", &[8])));
    check(3, &with_late(8, 100), Some(("warm", &[1, 2, 3, 4, 5, 6, 7, 8, 9])));
    // Of a large day only the small ones are written anew.
    check(3, &with_late(8, 300_000), Some(("warm", &[9])));
    let mut segments = with_late(9, 300_000);
    segments[4].1 = 50;
    check(3, &segments, Some(("warm", &[5, 10])));
}

#[test]
fn eight_small_hot_segments_become_one() {
    check(0, &[(Hot, 5); 7], None);
    check(0, &[(Hot, 5); 8], Some(("compact", &[1, 2, 3, 4, 5, 6, 7, 8])));
    check(2, &[(Hot, 5); 9], Some(("compact", &[1, 2, 3, 4, 5, 6, 7, 8, 9])));
    // Days to come too.
    check(-5, &[(Hot, 5); 8], Some(("compact", &[1, 2, 3, 4, 5, 6, 7, 8])));
    let mut segments = [(Hot, 5); 9];
    segments[3].1 = 300_000;
    check(0, &segments, Some(("compact", &[1, 2, 3, 5, 6, 7, 8, 9])));
    segments[4].1 = 300_000;
    check(0, &segments, None);
    // Few events in many bytes: 10 bytes each here, and 8 MiB are large.
    check(0, &[(Hot, 250_000); 8], Some(("compact", &[1, 2, 3, 4, 5, 6, 7, 8])));
}

#[test]
fn what_merges_leave_small_is_not_compacted_again() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    for number in 0..12 {
        world.segment("order", world.today(), Hot, 2000, 1_000_000);
        // What a merge gave names no WAL file.
        if number < 9 {
            world.segments[number].source_wal = 0;
        }
    }
    assert_eq!(words(&world.plan()), [""; 0], "three new ones are too few");
    world.segment("order", world.today(), Hot, 2000, 1_000_000);
    assert_eq!(world.plan().steps[0].segments().len(), 13);
}

#[test]
fn a_failed_merge_is_not_tried_again_and_the_rest_goes_on() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.days("order", [40, 41]);
    world.earlier.unmergeable.push(partition_ago(&world, 41));
    assert_eq!(words(&world.plan()), [format!("warm order {}", world.ago(40))]);
}

fn partition_ago(world: &World, age: i32) -> Partition {
    super::partition("order", world.ago(age))
}

#[test]
fn nothing_becomes_cold_while_its_volume_is_away() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.cold_directory("/mnt/cold");
    world.days("order", [40, 200, 201]);
    world.segment("order", world.ago(202), Cold, 10, 10);
    world.cold_is_there = false;
    let plan = world.plan();
    assert_eq!(words(&plan), [format!("warm order {}", world.ago(40))]);
    assert_eq!(plan.problems.len(), 1);
    for part in ["/mnt/cold", "2 partitions due for it wait", "0 partitions due for deletion", "hint: mount"]
    {
        assert!(plan.problems[0].contains(part), "{plan}");
    }
    world.cold_is_there = true;
    assert_eq!(world.plan().steps.len(), 3);
}

#[test]
fn a_merge_waits_for_room_beside_its_sources() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.segment("order", world.ago(40), Hot, 10, 5000);
    world.segment("order", world.ago(41), Hot, 10, 5001);
    world.usage.volume.available_bytes = 5000;
    let plan = world.plan();
    assert_eq!(words(&plan), [format!("warm order {}", world.ago(40))]);
    assert!(plan.problems[0].contains("1 merge") && plan.problems[0].contains("5001 bytes"), "{plan}");
    // Deletions come first, and make some.
    world.ran_lately();
    world.segment("order", world.ago(1095), Hot, 1, 1);
    assert_eq!(world.plan().steps.len(), 3);
    // A second volume has room of its own.
    world.segment("order", world.ago(300), Hot, 10, 9000);
    assert_eq!(world.plan().steps.len(), 3);
    world.cold_directory("/mnt/cold");
    assert_eq!(world.plan().steps.len(), 4);
}

#[test]
fn steps_are_drops_first_and_each_kind_oldest_first() {
    let mut world = World::at("2026-06-15T02:00:00Z");
    world.ran_lately();
    world.days("signal", [200, 70, 10, 0]);
    world.days("market_data", [95, 40, 5]);
    let days: Vec<_> = [200, 95, 70, 40, 10, 5].map(|age| world.ago(age)).into();
    let words = words(&world.plan());
    let expected = [
        "delete signal",
        "delete market_data",
        "cool signal",
        "cool market_data",
        "warm signal",
        "warm market_data",
    ];
    let expected: Vec<String> =
        expected.iter().zip(days).map(|(word, day)| format!("{word} {day}")).collect();
    assert_eq!(words, expected);
    let first = world.plan().steps.remove(0);
    assert!(
        matches!(&first, Step::Drop(drop) if drop.partition == super::partition("signal", world.ago(200)))
    );
    assert_eq!(
        first.to_string(),
        "delete signal 2025-11-27: 1 segment, 100 events, 1000 bytes: age, by policy version 0, 20 days overdue"
    );
}
