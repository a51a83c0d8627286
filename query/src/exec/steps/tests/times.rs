//! Timelines.

use blotter_engine::event::Timestamp;
use chrono_tz::Tz;

use super::fake::World;
use crate::datum::Datum;
use crate::error::ErrorKind;
use crate::plan::step::Step;

const HOUR_NS: i64 = 3_600_000_000_000;

fn timeline(
    world: &World,
    key: Option<&str>,
    width_ns: i64,
    zone: Tz,
    range: (Option<i64>, Option<i64>),
) -> Step {
    Step::FillTimeline {
        ts: world.slot("ts"),
        key: key.map(|name| world.slot(name)),
        count: world.slot("count"),
        width_ns,
        zone,
        range: (range.0.map(Timestamp), range.1.map(Timestamp)),
    }
}

#[test]
fn bins_without_rows_are_filled_for_each_key() {
    let world = World::new("");
    let none = (None, None);
    let filled = |key, range| timeline(&world, key, 10, Tz::UTC, range);
    let table: &[(Step, &str, &str)] = &[
        (
            filled(None, none),
            "ts=@10 count=3 \n ts=@40 count=1",
            "ts=@10 count=3 \n ts=@20 count=0 \n ts=@30 count=0 \n ts=@40 count=1",
        ),
        (
            filled(Some("k"), none),
            "ts=@10 k=b count=3 \n ts=@30 k=a count=1 \n ts=@30 count=2",
            "ts=@10 k=a count=0 \n ts=@10 k=b count=3 \n ts=@10 count=0
             ts=@20 k=a count=0 \n ts=@20 k=b count=0 \n ts=@20 count=0
             ts=@30 k=a count=1 \n ts=@30 k=b count=0 \n ts=@30 count=2",
        ),
        // All keys null: one key.
        (
            filled(Some("k"), none),
            "ts=@10 count=3 \n ts=@30 count=1",
            "ts=@10 count=3 \n ts=@20 count=0 \n ts=@30 count=1",
        ),
        (
            filled(None, (Some(5), Some(24))),
            "ts=@10 count=3",
            "ts=@0 count=0 \n ts=@10 count=3 \n ts=@20 count=0",
        ),
        (filled(None, (Some(5), Some(14))), "", "ts=@0 count=0 \n ts=@10 count=0"),
        (filled(None, (Some(5), None)), "ts=@20 count=3", "ts=@20 count=3"),
        (filled(None, (None, Some(5))), "ts=@20 count=3", "ts=@20 count=3"),
        // What has rows is there, whatever was asked for.
        (filled(None, (Some(20), Some(20))), "ts=@10 count=3", "ts=@10 count=3 \n ts=@20 count=0"),
        (filled(None, (Some(20), Some(10))), "ts=@10 count=3", "ts=@10 count=3"),
        (filled(Some("k"), (Some(5), Some(14))), "", ""),
        (filled(None, none), "", ""),
    ];
    for (step, input, expected) in table {
        world.check(step, input, expected);
    }
}

#[test]
fn bins_follow_the_clock_of_the_zone() {
    let world = World::new("");
    // What is asked for, the width, and where the bins begin.
    let table: &[(&str, &str, i64, &[&str])] = &[
        (
            // Forward from 02:00 to 03:00: a day of 23 hours.
            "2026-03-07T12:00:00-05:00",
            "2026-03-09T12:00:00-04:00",
            24 * HOUR_NS,
            &["2026-03-07T00:00:00-05:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"],
        ),
        (
            "2026-03-08T00:00:00-05:00",
            "2026-03-08T04:00:00-04:00",
            HOUR_NS,
            &[
                "2026-03-08T00:00:00-05:00",
                "2026-03-08T01:00:00-05:00",
                "2026-03-08T03:00:00-04:00",
                "2026-03-08T04:00:00-04:00",
            ],
        ),
        (
            // Back from 02:00 to 01:00: a day of 25 hours, and two hours from 01:00 on.
            "2026-10-31T12:00:00-04:00",
            "2026-11-02T12:00:00-05:00",
            24 * HOUR_NS,
            &["2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"],
        ),
        (
            "2026-11-01T00:30:00-04:00",
            "2026-11-01T02:00:00-05:00",
            HOUR_NS,
            &[
                "2026-11-01T00:00:00-04:00",
                "2026-11-01T01:00:00-04:00",
                "2026-11-01T01:00:00-05:00",
                "2026-11-01T02:00:00-05:00",
            ],
        ),
    ];
    for (from, to, width_ns, starts) in table {
        let [from, to] = [from, to].map(|time| Some(time.parse::<Timestamp>().unwrap().0));
        let step = timeline(&world, None, *width_ns, Tz::America__New_York, (from, to));
        let rows = world.run(&step, Vec::new()).unwrap();
        let found: Vec<Datum> = rows.iter().map(|row| row.get(world.slot("ts")).clone()).collect();
        let starts: Vec<Datum> = starts.iter().map(|time| Datum::Time(time.parse().unwrap())).collect();
        assert_eq!(found, starts);
    }
}

#[test]
fn a_timeline_of_too_many_bins_is_refused_before_any_is_made() {
    let world = World::new("");
    let step = timeline(&world, None, 1, Tz::UTC, (None, None));
    let error =
        world.run(&step, world.parse("ts=@0 count=1 \n ts=@9000000000000000000 count=1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let error =
        world.run(&step, world.parse("ts=@-9000000000000000000 count=1 \n ts=@9000000000000000000 count=1"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Limit);
}
