//! Steps against naive versions of themselves, which compare every row with every other.

use std::collections::BTreeMap;

use blotter_engine::event::Timestamp;
use proptest::prelude::*;

use super::super::gaps::gaps_below;
use super::fake::World;
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::plan::scalar::Condition;
use crate::plan::step::{Sessions, Step};
use crate::syntax::ast::{ShiftKind, Span};

/// A row: time, key, value.
type Made = (i64, Option<i64>, Option<i64>);

fn made() -> impl Strategy<Value = Vec<Made>> {
    let key = prop::option::weighted(0.8, 0i64..3);
    let value = prop::option::weighted(0.8, 0i64..4);
    prop::collection::vec((0i64..25, key, value), 0..40)
}

fn in_order(mut made: Vec<Made>) -> Vec<Made> {
    made.sort_by_key(|(ts, ..)| *ts);
    made
}

/// Rows `ts seq k x`, numbered from `first` by `step`; numbers of one value in several types.
fn rows(world: &World, made: &[Made], first: i64, step: i64) -> Vec<Cells> {
    let [k, x] = ["k", "x"].map(|name| world.slot(name));
    let mut rows = Vec::new();
    for (place, (ts, key, value)) in (0i64..).zip(made) {
        let mut row = Cells::default();
        row.set(Slot::TS, Datum::Time(Timestamp(*ts)));
        row.set(Slot::SEQ, Datum::Int(first + place * step));
        row.set(k, key.map_or(Datum::Null, |key| Datum::Str(format!("k{key}").into())));
        row.set(
            x,
            match value {
                None => Datum::Null,
                Some(value) if place % 2 == 0 => Datum::Int(*value),
                Some(value) => Datum::Float(*value as f64),
            },
        );
        rows.push(row);
    }
    rows
}

fn text(world: &World, rows: &[Cells]) -> String {
    world.print(rows).join("\n")
}

/// Runs a step; gives the printed rows.
fn run(world: &World, step: &Step, input: &[Cells]) -> Vec<String> {
    world.print(&world.run(step, input.to_vec()).unwrap())
}

fn ts(row: &Cells) -> i64 {
    super::super::place::ts_of(row).unwrap().0
}

fn seq(row: &Cells) -> i64 {
    super::super::place::seq_of(row).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn sort_gives_the_rows_that_fewer_rows_come_before(
        made in made(),
        descending in any::<(bool, bool)>(),
        limit in prop::option::of(0u64..50),
    ) {
        let world = World::new("");
        let input = rows(&world, &made, 0, 1);
        let keys = vec![(world.column("x"), descending.0), (world.column("k"), descending.1)];
        let comes_before = |left: &Cells, right: &Cells| {
            for (name, is_descending) in [("x", descending.0), ("k", descending.1)] {
                let (left, right) = (left.get(world.slot(name)), right.get(world.slot(name)));
                if left != right {
                    return match (left.is_null(), right.is_null()) {
                        (false, false) => (left < right) != is_descending,
                        (is_null, _) => !is_null,
                    };
                }
            }
            seq(left) < seq(right)
        };
        let place = |row: &Cells| input.iter().filter(|other| comes_before(other, row)).count();
        let placed: BTreeMap<usize, &Cells> = input.iter().map(|row| (place(row), row)).collect();
        prop_assert_eq!(placed.len(), input.len());
        let rows_max = limit.map_or(usize::MAX, |limit| limit as usize);
        let expected: Vec<Cells> = placed.into_values().take(rows_max).cloned().collect();
        prop_assert_eq!(run(&world, &Step::Sort { keys, limit }, &input), world.print(&expected));
    }

    #[test]
    fn distinct_gives_rows_that_no_earlier_one_equals(made in made()) {
        let world = World::new("");
        let input = rows(&world, &made, 0, 1);
        let columns = world.columns(&["k", "x"]);
        let pair = |row: &Cells| (row.get(columns[0].0).clone(), row.get(columns[1].0).clone());
        let expected: Vec<Cells> = (0..input.len())
            .filter(|at| !input[..*at].iter().any(|earlier| pair(earlier) == pair(&input[*at])))
            .map(|at| {
                let mut row = Cells::default();
                let (k, x) = pair(&input[at]);
                row.set(columns[0].0, k);
                row.set(columns[1].0, x);
                row
            })
            .collect();
        prop_assert_eq!(run(&world, &Step::Distinct(columns), &input), world.print(&expected));
    }

    #[test]
    fn neighbours_are_the_nearest_of_the_same_key(made in made()) {
        let world = World::new("");
        let input = rows(&world, &made, 0, 1);
        let [k, x, y] = ["k", "x", "y"].map(|name| world.slot(name));
        for kind in [ShiftKind::Prev, ShiftKind::Next, ShiftKind::Delta] {
            let step = Step::Shift {
                kind,
                items: world.columns(&["x as y"]),
                by: vec![world.column("k")],
                span: Span::default(),
            };
            let expected: Vec<Cells> = (0..input.len())
                .map(|at| {
                    let mut row = input[at].clone();
                    let same = |other: &&Cells| other.get(k) == row.get(k);
                    let neighbour = match kind {
                        ShiftKind::Next => input[at + 1..].iter().find(same),
                        _ => input[..at].iter().rev().find(same),
                    };
                    let value = neighbour.map_or(Datum::Null, |other| other.get(x).clone());
                    let number = |datum: &Datum| datum.as_f64();
                    let value = match (kind, number(row.get(x)), number(&value)) {
                        (ShiftKind::Delta, Some(now), Some(before)) => Datum::Float(now - before),
                        (ShiftKind::Delta, ..) => Datum::Null,
                        _ => value,
                    };
                    row.set(y, value);
                    row
                })
                .collect();
            // Differences of whole numbers are whole; they are compared as numbers.
            let found = world.run(&step, input.clone()).unwrap();
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert_eq!(seq(found), seq(expected));
                prop_assert_eq!(found.get(y), expected.get(y));
            }
        }
    }

    #[test]
    fn sessions_are_runs_without_a_late_row(
        made in made(),
        max_span_ns in prop::option::of(0i64..10),
        max_pause_ns in prop::option::of(0i64..6),
    ) {
        let world = World::new("");
        let input = rows(&world, &made, 0, 1);
        let [start, end, duration, count, first_event, last_event, level] =
            ["start", "end", "duration", "count", "first_event", "last_event", "top"]
                .map(|name| world.slot(name));
        let by = world.columns(&["k"]);
        let k = by[0].0;
        let step = Step::Sessions(Sessions {
            by, max_span_ns, max_pause_ns, start, end, duration, count, first_event, last_event, level,
        });
        let mut ordered = input.clone();
        ordered.sort_by_key(|row| (row.get(k).clone(), ts(row), seq(row)));
        let mut expected: Vec<(i64, Datum, i64, i64)> = Vec::new();
        for row in &ordered {
            let joins = expected.last().is_some_and(|(start, key, end, _)| {
                key == row.get(k)
                    && max_span_ns.is_none_or(|span| ts(row) <= start + span)
                    && max_pause_ns.is_none_or(|pause| ts(row) <= end + pause)
            });
            match expected.last_mut() {
                Some((_, _, end, count)) if joins => (*end, *count) = (ts(row), *count + 1),
                _ => expected.push((ts(row), row.get(k).clone(), ts(row), 1)),
            }
        }
        expected.sort();
        let found: Vec<(Datum, Datum, Datum, Datum)> = world
            .run(&step, input)
            .unwrap()
            .iter()
            .map(|row| {
                let get = |slot| row.get(slot).clone();
                (get(start), get(k), get(end), get(count))
            })
            .collect();
        let time = |ns| Datum::Time(Timestamp(ns));
        let expected: Vec<(Datum, Datum, Datum, Datum)> = expected
            .into_iter()
            .map(|(start, key, end, count)| (time(start), key, time(end), Datum::Int(count)))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn asof_finds_the_greatest_of_all_earlier(
        left in made(),
        right in made(),
        within_ns in prop::option::of(0i64..10),
        is_ordered: bool,
        is_reordered: bool,
    ) {
        let world = World::new("");
        let right = rows(&world, &in_order(right), 0, 2);
        let world = World::of(world, right.clone());
        let left = if is_ordered { in_order(left) } else { left };
        let mut left = rows(&world, &left, 1, 2);
        left.iter_mut().for_each(|row| row.set(world.slot("x"), Datum::Null));
        let [k, x, asof_ts] = ["k", "x", "asof_ts"].map(|name| world.slot(name));
        let expected: Vec<Cells> = left
            .iter()
            .map(|row| {
                let mut row = row.clone();
                let found = right
                    .iter()
                    .filter(|other| !row.get(k).is_null() && other.get(k) == row.get(k))
                    .filter(|other| (ts(other), seq(other)) < (ts(&row), seq(&row)))
                    .max_by_key(|other| (ts(other), seq(other)))
                    .filter(|other| within_ns.is_none_or(|within| ts(&row) - ts(other) <= within));
                if let Some(found) = found {
                    row.set(x, found.get(x).clone());
                    row.set(asof_ts, found.get(Slot::TS).clone());
                }
                row
            })
            .collect();
        let mut steps = vec![Step::Fields(world.columns(&["ts", "seq", "k", "x"]))];
        if is_reordered {
            steps.push(Step::Sort { keys: vec![(world.column("x"), true)], limit: None });
        }
        let step = Step::Asof { plan: world.plan(Condition::Always, steps), by: vec![k], within_ns, renamed: Vec::new() };
        prop_assert_eq!(run(&world, &step, &left), world.print(&expected));
    }

    #[test]
    fn joins_pair_every_left_row_with_every_equal_one(left in made(), right in made(), keep_unmatched: bool) {
        let world = World::new("");
        let right = rows(&world, &in_order(right), 0, 1);
        let world = World::of(world, right.clone());
        let left = rows(&world, &left, 0, 1);
        let [k, x, other] = ["k", "x", "other"].map(|name| world.slot(name));
        let on = vec![(k, k), (x, x)];
        let mut expected = Vec::new();
        for row in &left {
            let pairs = right.iter().filter(|other| {
                on.iter().all(|(left, right)| !row.get(*left).is_null() && row.get(*left) == other.get(*right))
            });
            let before = expected.len();
            for found in pairs {
                let mut pair = row.clone();
                pair.set(other, found.get(Slot::SEQ).clone());
                expected.push(pair);
            }
            if keep_unmatched && expected.len() == before {
                expected.push(row.clone());
            }
        }
        let columns = world.columns(&["seq as other", "k", "x"]);
        let plan = world.plan(Condition::Always, vec![Step::Fields(columns)]);
        let step = Step::Join { plan, on, keep_unmatched, renamed: Vec::new() };
        prop_assert_eq!(run(&world, &step, &left), world.print(&expected));
    }

    #[test]
    fn context_is_every_event_near_one_of_the_same_key(
        made in made(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        before_ns in 0i64..6,
        after_ns in 0i64..6,
    ) {
        let world = World::new("");
        let events = rows(&world, &in_order(made), 0, 1);
        let world = World::of(world, events.clone());
        let [k, matched] = ["k", "matched"].map(|name| world.slot(name));
        let input: Vec<Cells> = chosen
            .iter()
            .filter(|_| !events.is_empty())
            .map(|index| index.get(&events).clone())
            .collect();
        let mut expected = Vec::new();
        for event in &events {
            let is_own = input.iter().any(|row| seq(row) == seq(event));
            let is_near = input.iter().any(|row| {
                !row.get(k).is_null()
                    && row.get(k) == event.get(k)
                    && ts(event) >= ts(row) - before_ns
                    && ts(event) <= ts(row) + after_ns
            });
            if is_own || is_near {
                let mut row = event.clone();
                row.set(matched, Datum::Bool(is_own));
                expected.push(row);
            }
        }
        let step = Step::Context { before_ns, after_ns, filter: Condition::Always, by: k };
        prop_assert_eq!(run(&world, &step, &input), world.print(&expected));
    }

    #[test]
    fn related_is_every_event_that_prints_the_same(
        made in made(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        is_same: bool,
    ) {
        let world = World::new("");
        let events = rows(&world, &in_order(made), 0, 1);
        let world = World::of(world, events.clone());
        let (from, to) = (world.slot("x"), world.slot(if is_same { "x" } else { "seq" }));
        let input: Vec<Cells> = chosen
            .iter()
            .filter(|_| !events.is_empty())
            .map(|index| index.get(&events).clone())
            .collect();
        let print = |datum: &Datum| match datum {
            // Of numbers only floats print with a point here.
            Datum::Float(value) => format!("{value:?}"),
            other => other.to_string(),
        };
        let expected: Vec<Cells> = events
            .iter()
            .filter(|event| {
                input.iter().any(|row| {
                    seq(row) == seq(event)
                        || (!row.get(from).is_null()
                            && !event.get(to).is_null()
                            && print(row.get(from)) == print(event.get(to)))
                })
            })
            .cloned()
            .collect();
        prop_assert_eq!(run(&world, &Step::Related { from, to, is_recorded: true }, &input), world.print(&expected));
    }

    #[test]
    fn gaps_and_events_together_are_all_numbers(
        seqs in prop::collection::btree_set(0i64..60, 0..50),
        producers in prop::collection::vec(0i64..3, 60),
        lost in prop::collection::vec((0i64..3, 0i64..25, 0i64..6), 0..4),
        next_seq in 60u64..64,
    ) {
        // Each event is told to be its producer's by its seq, so that counts have gaps too.
        let mut events: Vec<String> = seqs
            .iter()
            .map(|seq| format!("ts=@{seq} seq={seq} producer={} pseq={}", producers[*seq as usize], seq / 3))
            .collect();
        for (index, (producer, first, count)) in (0i64..).zip(&lost) {
            events.push(format!(
                "ts=@0 seq={} producer=9 pseq={index} category=system event=events_lost lost_producer={producer} \
                 lost_first_pseq={first} lost_count={count}",
                1000 + index
            ));
        }
        let world = World::new(&events.join("\n"));
        let found: Vec<Cells> =
            gaps_below(next_seq, (None, None), &world.source, &world.execution).collect::<crate::Result<_>>().unwrap();
        let get = |row: &Cells, name: &str| row.get(world.slot(name)).as_i64();
        let mut missing: BTreeMap<(i64, i64), String> = BTreeMap::new();
        for row in &found {
            let (first, last) = (get(row, "first").unwrap(), get(row, "last").unwrap());
            prop_assert_eq!(get(row, "count"), Some(last - first + 1));
            for number in first..=last {
                let kind = row.get(world.slot("kind")).to_string();
                let place = (get(row, "producer").unwrap_or(-1), number);
                prop_assert!(missing.insert(place, kind).is_none(), "{:?} twice", place);
            }
        }
        let mut expected: BTreeMap<(i64, i64), String> = BTreeMap::new();
        for number in (0..next_seq as i64).filter(|number| !seqs.contains(number)) {
            expected.insert((-1, number), "seq".to_owned());
        }
        for producer in 0..3 {
            let counts: Vec<i64> = seqs
                .iter()
                .filter(|seq| producers[**seq as usize] == producer)
                .map(|seq| seq / 3)
                .collect();
            let is_lost = |number: i64| {
                lost.iter().any(|(of, first, count)| {
                    *of == producer && (*first..first + count).contains(&number)
                })
            };
            for number in (0..100).filter(|number| !counts.contains(number)) {
                if is_lost(number) {
                    expected.insert((producer, number), "recorded".to_owned());
                } else if counts.iter().any(|count| *count > number)
                    || lost.iter().any(|(of, first, count)| *of == producer && first + count > number)
                {
                    expected.insert((producer, number), "producer".to_owned());
                }
            }
        }
        prop_assert_eq!(missing, expected);
    }
}

#[test]
fn printed_rows_read_back() {
    let world = World::new("");
    let rows = rows(&world, &[(1, Some(2), Some(3)), (2, None, None), (3, None, Some(1))], 0, 1);
    assert_eq!(world.print(&world.parse(&text(&world, &rows))), world.print(&rows));
}
