//! What is deleted, and what keeps it: holds, floors, clocks, shares, vetoes.

use super::{World, day, kept, partition, ts, words};
use crate::catalog::ledger::{DropReason, HoldId, HoldQuery, JobOutcome};
use crate::maintain::plan::{ByHand, DAY_NS, Drop, KeptWhy};
use crate::segment::Tier;

const NOW: &str = "2026-06-15T02:00:00Z";

/// With signals of 0 to 29 days, and one that is due for deletion.
fn world() -> World {
    let mut world = World::at(NOW);
    world.ran_lately();
    world.policy("signal", |policy| policy.hot_days = 60);
    world.days("signal", 0..30);
    world.days("signal", [180]);
    world
}

#[test]
fn what_is_held_stays_whole_until_released() {
    let mut world = world();
    let due = partition("signal", world.ago(180));
    let orders = HoldQuery { order_ids: vec!["A".into()], ..HoldQuery::default() };
    let first = world.hold(orders.clone(), std::slice::from_ref(&due));
    let elsewhere = world.hold(HoldQuery { symbols: vec!["B".into()], ..HoldQuery::default() }, &[]);
    let second = world.hold(HoldQuery::default(), std::slice::from_ref(&due));
    let plan = world.plan();
    // It is cold by now, all the same.
    assert_eq!(words(&plan), [format!("cool {due}")]);
    assert_eq!(kept(&plan), [format!("{due}: held by holds {first}, {second}")]);
    assert!(!plan.needs_confirmation && plan.problems.is_empty());
    assert_eq!(
        plan.kept[0].to_string(),
        "signal 2025-12-17: 100 events, 1000 bytes due (age, by policy version 2) but kept: held by holds 3, 5"
    );
    world.release(first);
    world.release(elsewhere);
    assert_eq!(world.plan().kept[0].why, KeptWhy::Held(vec![second]));
    world.release(second);
    assert_eq!(words(&world.plan()), [format!("delete {due}")]);
}

#[test]
fn a_hold_beats_the_ceiling_and_force() {
    let mut world = world();
    let due = partition("signal", world.ago(180));
    world.policy("signal", |policy| (policy.hot_days, policy.destroy_after_days) = (60, Some(180)));
    world.hold(HoldQuery::default(), std::slice::from_ref(&due));
    world.force = true;
    let plan = world.plan();
    assert_eq!(words(&plan), [format!("cool {due}")]);
    assert!(matches!(plan.kept[0].due, DropReason::Ceiling { .. }));
}

#[test]
fn holds_are_asked_of_what_is_due_and_in_question_only() {
    let due = |world: &World| partition("signal", world.ago(180));
    let (early, late) = (ts("2025-12-17T00:00:00Z"), ts("2025-12-17T23:59:59.999999999Z"));
    let of = |from: Option<i64>, until: Option<i64>, categories: &[&str]| HoldQuery {
        from: from.map(crate::event::Timestamp),
        until: until.map(crate::event::Timestamp),
        categories: categories.iter().map(|name| (*name).to_owned()).collect(),
        ..HoldQuery::default()
    };
    for (query, is_asked) in [
        (of(None, None, &[]), true),
        (of(None, None, &["order", "signal"]), true),
        (of(None, None, &["order"]), false),
        (of(Some(late), None, &[]), true),
        (of(Some(late + 1), None, &[]), false),
        (of(None, Some(early), &[]), true),
        (of(None, Some(early - 1), &[]), false),
        (of(Some(early), Some(late), &["signal"]), true),
    ] {
        let mut world = world();
        assert_eq!(world.ago(180), day("2025-12-17"));
        let due = due(&world);
        world.hold(query.clone(), std::slice::from_ref(&due));
        let plan = world.plan();
        assert_eq!(world.asked, if is_asked { vec![due] } else { vec![] }, "{query:?}");
        assert_eq!(plan.kept.len(), usize::from(is_asked), "{query:?}");
    }
}

#[test]
fn a_veto_holds_off_all_but_the_ceiling() {
    for (destroy, expected) in [(None, "cool"), (Some(181), "cool"), (Some(180), "delete")] {
        let mut world = world();
        world.policy("signal", |policy| (policy.hot_days, policy.destroy_after_days) = (60, destroy));
        let due = partition("signal", world.ago(180));
        world.earlier.vetoed.push(due.clone());
        let plan = world.plan();
        assert_eq!(words(&plan), [format!("{expected} {due}")]);
        assert_eq!(plan.kept.iter().any(|kept| kept.why == KeptWhy::Vetoed), expected == "cool");
    }
}

#[test]
fn nothing_on_a_volume_that_is_away_is_deleted_nor_asked_for() {
    let mut world = world();
    world.cold_directory("/mnt/cold");
    let due = partition("signal", world.ago(180));
    world.hold(HoldQuery::default(), std::slice::from_ref(&due));
    world.segment("signal", due.day, Tier::Cold, 1, 1);
    world.cold_is_there = false;
    world.force = true;
    let plan = world.plan();
    assert_eq!(kept(&plan), [format!("{due}: the volume of cold segments is not there")]);
    assert_eq!((words(&plan), world.asked.len()), (vec![], 0));
    assert!(plan.problems[0].contains("1 partition due for deletion"), "{plan}");
}

/// Whether deletions of these days, with so many events each, need confirmation where there are 10,000 in all.
#[track_caller]
fn check_share(days: &[i32], rows_each: u64, expected: bool) {
    let mut world = World::at(NOW);
    world.ran_lately();
    let ages: Vec<i32> = days.iter().map(|number| 180 + number).collect();
    for age in &ages {
        world.segment("signal", world.ago(*age), Tier::Cold, rows_each, 10);
    }
    let left = 10_000 - rows_each * ages.len() as u64;
    world.segment("order", world.today(), Tier::Hot, left, 10);
    // Another tier change goes on whatever happens.
    world.segment("order", world.ago(30), Tier::Hot, 0, 10);
    let plan = world.plan();
    assert_eq!(plan.needs_confirmation, expected, "{plan}");
    let warm = format!("warm order {}", world.ago(30));
    assert!(words(&plan).contains(&warm), "{plan}");
    if expected {
        assert_eq!(words(&plan), [warm]);
        assert!(plan.kept.iter().all(|kept| kept.why == KeptWhy::AwaitsConfirmation));
        assert_eq!((plan.kept.len(), plan.problems.len()), (days.len(), 1));
        let rows = rows_each * days.len() as u64;
        let (last, first) = (world.ago(*ages.iter().min().unwrap()), world.ago(*ages.iter().max().unwrap()));
        let parts = [format!("{rows} events of 10000"), format!("from {first} to {last}"), "--force".into()];
        for part in parts {
            assert!(plan.problems[0].contains(&part), "{} does not say {part}", plan.problems[0]);
        }
        world.force = true;
    }
    let plan = world.plan();
    assert_eq!(plan.steps.len(), days.len() + 1);
    assert!(!plan.needs_confirmation && plan.kept.is_empty() && plan.problems.is_empty(), "{plan}");
}

#[test]
fn a_fifth_of_all_events_is_not_deleted_without_confirmation() {
    check_share(&[0, 1, 2, 3], 500, false);
    check_share(&[0, 1, 2, 3], 501, true);
    check_share(&[0, 1, 2], 3000, false);
    check_share(&[0, 1, 2, 3], 2000, true);
    check_share(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 200, false);
    check_share(&[0, 100, 200, 300], 600, true);
}

#[test]
fn what_the_run_has_deleted_before_counts_towards_its_share() {
    let mut world = World::at(NOW);
    world.ran_lately();
    for age in [180, 181, 182, 183] {
        world.segment("signal", world.ago(age), Tier::Cold, 100, 10);
    }
    world.segment("order", world.today(), Tier::Hot, 9_600, 10);
    assert!(!world.plan().needs_confirmation);
    let before = |why: DropReason, world: &World| Drop {
        partition: partition("risk", world.ago(5)),
        segments: vec![],
        rows: 2_200,
        bytes: 10,
        why,
        overdue_days: 0,
    };
    world.earlier.dropped = vec![before(DropReason::Hand, &world)];
    assert!(!world.plan().needs_confirmation, "what a hand deleted was confirmed by it");
    world.earlier.dropped = vec![before(DropReason::Budget { version: 0 }, &world)];
    assert!(world.plan().needs_confirmation);
}

/// Days that a run deletes, of 100 with the same number of events and a policy of 180 days, and problems; the newest
/// events are `quiet` days old, and so many days ago was the last run.
#[track_caller]
fn check_clock(quiet: i32, last_run: Option<(i64, JobOutcome)>, expected: &str) {
    let mut world = World::at(NOW);
    if let Some((days, outcome)) = last_run {
        world.ran(world.now_ns - days * DAY_NS, outcome);
    }
    world.policy("signal", |policy| (policy.hot_days, policy.warm_days) = (180, 180));
    world.days("signal", (0..3).map(|number| 180 + number));
    world.days("signal", (0..100).map(|number| quiet + number).filter(|age| *age < 180));
    let plan = world.plan();
    let found = match &plan.problems[..] {
        [] if plan.steps.len() == 3 => "deletes",
        [problem] if problem.contains("before the last run") => {
            assert!(!plan.needs_confirmation);
            assert!(plan.kept.len() == 3 && plan.kept.iter().all(|kept| kept.why == KeptWhy::ClockBehind));
            "behind"
        }
        [problem] if problem.contains("after the newest event") => {
            assert!(plan.needs_confirmation);
            assert!(
                plan.kept.len() == 3 && plan.kept.iter().all(|kept| kept.why == KeptWhy::AwaitsConfirmation)
            );
            "ahead"
        }
        _ => panic!("{plan}"),
    };
    assert_eq!(found, expected, "{plan}");
    world.force = true;
    assert_eq!(world.plan().steps.iter().filter(|step| step.merge().is_none()).count(), 3);
}

#[test]
fn a_clock_that_jumped_deletes_nothing_by_itself() {
    use JobOutcome::{Done, Incomplete, Interrupted, NeedsConfirmation};
    check_clock(0, None, "deletes");
    check_clock(0, Some((1, Done)), "deletes");
    check_clock(0, Some((0, Done)), "deletes");
    // Events recorded lately, or a run, tell the time.
    check_clock(30, None, "deletes");
    check_clock(35, None, "ahead");
    check_clock(35, Some((20, Done)), "deletes");
    check_clock(35, Some((20, Incomplete)), "deletes");
    check_clock(35, Some((31, Done)), "deletes");
    check_clock(35, Some((32, Done)), "ahead");
    check_clock(20, Some((400, Done)), "deletes");
    // A run that waited for confirmation went by the same clock: it proves nothing.
    check_clock(35, Some((1, NeedsConfirmation)), "ahead");
    check_clock(35, Some((1, Interrupted)), "ahead");
    // Behind the last run, whatever came of it.
    check_clock(0, Some((-1, Done)), "deletes");
    check_clock(0, Some((-2, Done)), "behind");
    check_clock(0, Some((-3650, NeedsConfirmation)), "behind");
}

#[test]
fn a_day_behind_is_told_to_the_nanosecond() {
    for (ahead, is_behind) in [(DAY_NS, false), (DAY_NS + 1, true)] {
        let mut world = world();
        world.ran(world.now_ns + ahead, JobOutcome::Done);
        let plan = world.plan();
        assert_eq!((plan.problems.len(), plan.kept.len()), (usize::from(is_behind), usize::from(is_behind)));
        assert!(!plan.needs_confirmation);
    }
}

#[test]
fn events_of_a_wrong_clock_do_not_make_it_right() {
    // Three days of data, then the clock goes ten years ahead and recording goes on.
    let mut world = World::at("2036-06-15T02:00:00Z");
    for text in ["2026-06-13", "2026-06-14", "2026-06-15"] {
        world.segment("signal", day(text), Tier::Hot, 1000, 10);
    }
    world.ran(ts("2026-06-15T02:00:00Z"), JobOutcome::Done);
    world.segment("signal", day("2036-06-15"), Tier::Hot, 100, 10);
    let plan = world.plan();
    assert!(plan.needs_confirmation, "{plan}");
    assert_eq!(plan.kept.len(), 3);
    // Nor do events dated in the years to come.
    let mut world = World::at("2036-06-15T02:00:00Z");
    world.days("signal", [4000, 4001]);
    world.segment("signal", day("2100-01-01"), Tier::Hot, 1000, 10);
    assert!(world.plan().needs_confirmation);
}

#[test]
fn by_hand_neither_floor_nor_hold_is_passed() {
    let mut world = world();
    world.policy("signal", |policy| policy.keep_at_least_days = 20);
    let old = partition("signal", world.ago(20));
    let ByHand::Drop(drop) = world.by_hand(&old) else { panic!("an old day is not deleted") };
    assert_eq!((drop.why, drop.rows, drop.segments.len()), (DropReason::Hand, 100, 1));
    let young = partition("signal", world.ago(19));
    let ByHand::Kept(kept) = world.by_hand(&young) else { panic!("a day below its floor is deleted") };
    assert_eq!(kept.why, KeptWhy::BelowFloor { keep_at_least_days: 20, age_days: 19 });
    assert!(kept.to_string().ends_with("its age is 19 days, and it must be kept for at least 20"), "{kept}");
    let hold = world.hold(HoldQuery::default(), std::slice::from_ref(&old));
    let ByHand::Kept(kept) = world.by_hand(&old) else { panic!("a held day is deleted") };
    assert_eq!(kept.why, KeptWhy::Held(vec![hold]));
    assert_eq!(hold, HoldId(4));
    assert_eq!(world.by_hand(&partition("signal", world.ago(50))), ByHand::Nothing);
    // Without a floor, days to come are the hand's to delete.
    let to_come = partition("risk", world.ago(-5000));
    world.segment("risk", to_come.day, Tier::Hot, 1, 1);
    assert!(matches!(world.by_hand(&to_come), ByHand::Drop(_)));
}
