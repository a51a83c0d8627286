//! Steps that need nothing but their input.

use std::sync::atomic::Ordering;

use blotter_engine::dec;

use super::super::apply;
use super::fake::World;
use crate::datum::Datum;
use crate::error::ErrorKind;
use crate::plan::scalar::{Condition, Scalar};
use crate::plan::step::{SampleSize, Sessions, Step};
use crate::syntax::ast::{ShiftKind, Span};

#[test]
fn rows_are_kept_cut_down_and_extended() {
    let world = World::new("");
    let input = "
        a=1 b=x
        a=2 c=y
        -";
    let table: &[(Step, &str)] = &[
        (Step::Where(Condition::Always), "a=1 b=x \n a=2 c=y \n -"),
        (Step::Where(Condition::Never), ""),
        (Step::Where(world.equals("b", "x")), "a=1 b=x"),
        (Step::Fields(world.columns(&["b", "a as n"])), "b=x n=1 \n n=2 \n -"),
        (Step::Fields(Vec::new()), "- \n - \n -"),
        (Step::FieldsExcept(world.slots(&["a", "c"])), "b=x \n - \n -"),
        // A later column sees an earlier one, and null takes a column away.
        (Step::Extend(world.columns(&["a as d", "d as e", "b as a"])), "a=x b=x d=1 e=1 \n c=y d=2 e=2 \n -"),
    ];
    for (step, expected) in table {
        world.check(step, input, expected);
    }
}

#[test]
fn sort_is_stable_with_null_last_in_either_direction() {
    let world = World::new("");
    let sort = |keys: &[(&str, bool)], limit: Option<u64>| {
        let keys = keys.iter().map(|(name, is_descending)| (world.column(name), *is_descending)).collect();
        Step::Sort { keys, limit }
    };
    let input = "
        a=2 i=0
        i=1
        a=1.0 i=2
        a=2.0 i=3
        a=1 i=4
        i=5";
    let up = "a=1.0 i=2 \n a=1 i=4 \n a=2 i=0 \n a=2.0 i=3 \n i=1 \n i=5";
    let down = "a=2 i=0 \n a=2.0 i=3 \n a=1.0 i=2 \n a=1 i=4 \n i=1 \n i=5";
    let table: &[(Step, &str)] = &[
        (sort(&[("a", false)], None), up),
        (sort(&[("a", true)], None), down),
        (sort(&[("a", false)], Some(3)), "a=1.0 i=2 \n a=1 i=4 \n a=2 i=0"),
        (sort(&[("a", true)], Some(1)), "a=2 i=0"),
        (sort(&[("a", true)], Some(u64::MAX)), down),
        (sort(&[("a", true)], Some(0)), ""),
        (sort(&[], Some(2)), "a=2 i=0 \n i=1"),
        (
            sort(&[("a", true), ("i", true)], None),
            "a=2.0 i=3 \n a=2 i=0 \n a=1 i=4 \n a=1.0 i=2 \n i=5 \n i=1",
        ),
    ];
    for (step, expected) in table {
        world.check(step, input, expected);
        world.check(step, "", "");
    }
}

#[test]
fn many_rows_are_sorted_in_runs() {
    let world = World::new("");
    let text: String = (0..70_000).map(|i| format!("a={} i={i}\n", i * 7919 % 1000)).collect();
    let rows = world.parse(&text);
    let mut expected = rows.clone();
    expected.sort_by(|left, right| left.get(world.slot("a")).cmp(right.get(world.slot("a"))));
    let expected = world.print(&expected);
    for limit in [None, Some(69_000), Some(3_000), Some(10)] {
        let step = Step::Sort { keys: vec![(world.column("a"), false)], limit };
        let sorted = world.run(&step, rows.clone()).unwrap();
        let rows = limit.map_or(expected.len(), |limit| limit as usize);
        assert_eq!(world.print(&sorted), expected[..rows], "{limit:?}");
    }
}

#[test]
fn head_asks_for_no_more_than_it_gives() {
    let world = World::new("");
    let input = "i=1 \n i=2 \n i=3 \n i=4";
    let table: &[(Step, &str, usize)] = &[
        (Step::Head(2), "i=1 \n i=2", 2),
        (Step::Head(0), "", 0),
        (Step::Head(4), "i=1 \n i=2 \n i=3 \n i=4", 4),
        (Step::Head(9), "i=1 \n i=2 \n i=3 \n i=4", 5),
        (Step::Tail(2), "i=3 \n i=4", 5),
        (Step::Tail(0), "", 0),
        (Step::Tail(u64::MAX), "i=1 \n i=2 \n i=3 \n i=4", 5),
    ];
    for (step, expected, pulls) in table {
        world.pulls.store(0, Ordering::Relaxed);
        world.check(step, input, expected);
        assert_eq!(world.pulls.load(Ordering::Relaxed), *pulls, "{step:?}");
    }
    // Nor does what stands before it, where that streams.
    let (none, by) = (Span::default(), Vec::new());
    for step in [
        Step::Where(Condition::Always),
        Step::Distinct(Vec::new()),
        Step::Distinct(world.columns(&["i"])),
        Step::Sample(SampleSize::Share(1.0)),
        Step::Shift { kind: ShiftKind::Prev, items: world.columns(&["i as prev_i"]), by, span: none },
    ] {
        world.pulls.store(0, Ordering::Relaxed);
        let rows = world.stream(world.parse(input));
        let rows = apply(&step, rows, &world.source, &world.execution).unwrap();
        let rows = apply(&Step::Head(2), rows, &world.source, &world.execution).unwrap();
        assert_eq!(rows.count(), 2);
        assert_eq!(world.pulls.load(Ordering::Relaxed), 2, "{step:?}");
    }
}

#[test]
fn distinct_gives_the_first_of_each() {
    let world = World::new("");
    let input = "
        a=1 b=x
        b=x a=1.0
        a=1 b=y
        a=1f
        b=x a=1
        -
        -";
    let table: &[(&[&str], &str)] = &[
        (&[], "a=1 b=x \n a=1 b=y \n a=1f \n -"),
        (&["a"], "a=1 \n -"),
        (&["b as c"], "c=x \n c=y \n -"),
        (&["b", "a"], "b=x a=1 \n b=y a=1 \n a=1f \n -"),
        (&["z"], "-"),
    ];
    for (columns, expected) in table {
        world.check(&Step::Distinct(world.columns(columns)), input, expected);
    }
}

#[test]
fn samples_are_the_same_each_time_and_of_the_size_asked_for() {
    let world = World::new("");
    let text: String = (0..1000).map(|i| format!("seq={i}\n")).collect();
    let rows = world.parse(&text);
    let seqs = |size: SampleSize, rows: &[crate::cells::Cells]| -> Vec<i64> {
        let rows = world.run(&Step::Sample(size), rows.to_vec()).unwrap();
        rows.iter().filter_map(super::super::place::seq_of).collect()
    };
    let share = seqs(SampleSize::Share(0.1), &rows);
    assert!((70..130).contains(&share.len()), "{}", share.len());
    assert!(share.is_sorted());
    // The events are chosen, not their places.
    let later: Vec<i64> = share.iter().copied().filter(|seq| *seq >= 500).collect();
    assert_eq!(seqs(SampleSize::Share(0.1), &rows[500..]), later);
    let ten = seqs(SampleSize::Rows(10), &rows);
    assert_eq!(ten.len(), 10);
    assert!(ten.is_sorted());
    assert!(ten.iter().all(|seq| share.contains(seq)), "the least hashes are in every larger sample");
    let backwards: Vec<crate::cells::Cells> = rows.iter().rev().cloned().collect();
    let mut same = seqs(SampleSize::Rows(10), &backwards);
    same.reverse();
    assert_eq!(same, ten);
    assert_eq!(seqs(SampleSize::Share(1.0), &rows).len(), 1000);
    assert_eq!(seqs(SampleSize::Share(0.0), &rows).len(), 0);
    assert_eq!(seqs(SampleSize::Rows(0), &rows).len(), 0);
    assert_eq!(seqs(SampleSize::Rows(2000), &rows).len(), 1000);
    // Without a seq, places are chosen.
    let text: String = (0..100).map(|i| format!("i={i}\n")).collect();
    assert_eq!(world.run(&Step::Sample(SampleSize::Rows(7)), world.parse(&text)).unwrap().len(), 7);
}

#[test]
fn neighbours_are_those_of_the_same_key() {
    let world = World::new("");
    let shift = |kind: ShiftKind, items: &[&str], by: &[&str]| Step::Shift {
        kind,
        items: world.columns(items),
        by: by.iter().map(|name| world.column(name)).collect(),
        span: Span { start: 3, end: 5 },
    };
    let input = "
        k=a ts=@10 x=1
        k=b ts=@12 x=5
        ts=@13 x=7
        k=a ts=@15
        k=a ts=@17 x=4
        ts=@19 x=9";
    let (prev, next, delta) = (ShiftKind::Prev, ShiftKind::Next, ShiftKind::Delta);
    let table: &[(Step, &str)] = &[
        (
            shift(prev, &["x as p"], &["k"]),
            "k=a ts=@10 x=1 \n k=b ts=@12 x=5 \n ts=@13 x=7 \n k=a ts=@15 p=1 \n k=a ts=@17 x=4 \n ts=@19 x=9 p=7",
        ),
        (
            shift(next, &["x as p"], &["k"]),
            "k=a ts=@10 x=1 \n k=b ts=@12 x=5 \n ts=@13 x=7 p=9 \n k=a ts=@15 p=4 \n k=a ts=@17 x=4 \n ts=@19 x=9",
        ),
        (
            shift(delta, &["x as d", "ts as t"], &["k"]),
            "k=a ts=@10 x=1 \n k=b ts=@12 x=5 \n ts=@13 x=7 \n k=a ts=@15 t=~5 \n k=a ts=@17 x=4 t=~2
             ts=@19 x=9 d=2 t=~6",
        ),
        (
            // Without a key all rows are neighbours; a column may be replaced, also by nothing.
            shift(prev, &["x"], &[]),
            "k=a ts=@10 \n k=b ts=@12 x=1 \n ts=@13 x=5 \n k=a ts=@15 x=7 \n k=a ts=@17 \n ts=@19 x=4",
        ),
        (
            shift(next, &["x"], &[]),
            "k=a ts=@10 x=5 \n k=b ts=@12 x=7 \n ts=@13 \n k=a ts=@15 x=4 \n k=a ts=@17 x=9 \n ts=@19",
        ),
        (
            // All keys null: one key.
            shift(prev, &["x as p"], &["nothing"]),
            "k=a ts=@10 x=1 \n k=b ts=@12 x=5 p=1 \n ts=@13 x=7 p=5 \n k=a ts=@15 p=7 \n k=a ts=@17 x=4
             ts=@19 x=9 p=4",
        ),
    ];
    for (step, expected) in table {
        world.check(step, input, expected);
        world.check(step, "", "");
        world.check(step, "-", "-");
    }
    let error = world.run(&shift(delta, &["k as d"], &[]), world.parse("k=a \n k=b")).unwrap_err();
    assert_eq!((error.kind(), error.span()), (ErrorKind::Type, Some(Span { start: 3, end: 5 })));
}

fn sessions(world: &World, by: &[&str], max_span_ns: Option<i64>, max_pause_ns: Option<i64>) -> Step {
    let [start, end, duration, count, first_event, last_event, level] =
        ["start", "end", "duration", "count", "first_event", "last_event", "level"]
            .map(|name| world.slot(name));
    let by = world.columns(by);
    Step::Sessions(Sessions {
        by,
        max_span_ns,
        max_pause_ns,
        start,
        end,
        duration,
        count,
        first_event,
        last_event,
        level,
    })
}

#[test]
fn sessions_end_by_span_or_pause() {
    let world = World::new("");
    let input = "
        ts=@10 k=b event=x level=warn
        ts=@10 k=a event=p level=info
        ts=@12 k=a event=q level=error
        ts=@20 k=a event=r
        ts=@15 k=a event=s level=debug
        ts=@30 event=t";
    let table: &[(Step, &str)] = &[
        (
            sessions(&world, &["k"], Some(5), None),
            "k=a start=@10 end=@15 duration=~5 count=3 first_event=p last_event=s level=error
             k=b start=@10 end=@10 duration=~0 count=1 first_event=x last_event=x level=warn
             k=a start=@20 end=@20 duration=~0 count=1 first_event=r last_event=r
             start=@30 end=@30 duration=~0 count=1 first_event=t last_event=t",
        ),
        (
            sessions(&world, &["k"], None, Some(5)),
            "k=a start=@10 end=@20 duration=~10 count=4 first_event=p last_event=r level=error
             k=b start=@10 end=@10 duration=~0 count=1 first_event=x last_event=x level=warn
             start=@30 end=@30 duration=~0 count=1 first_event=t last_event=t",
        ),
        (
            sessions(&world, &["k"], Some(9), Some(4)),
            "k=a start=@10 end=@15 duration=~5 count=3 first_event=p last_event=s level=error
             k=b start=@10 end=@10 duration=~0 count=1 first_event=x last_event=x level=warn
             k=a start=@20 end=@20 duration=~0 count=1 first_event=r last_event=r
             start=@30 end=@30 duration=~0 count=1 first_event=t last_event=t",
        ),
        (
            // All keys null, rows at one time in incoming order.
            sessions(&world, &["nothing"], Some(i64::MAX), None),
            "start=@10 end=@30 duration=~20 count=6 first_event=x last_event=t level=error",
        ),
    ];
    for (step, expected) in table {
        // The third cuts between 15 and 20, a pause of 5.
        world.check(step, input, expected);
        world.check(step, "", "");
    }
    let error = world.run(&sessions(&world, &["k"], None, Some(5)), world.parse("k=a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

fn histogram(world: &World, width: Option<rust_decimal::Decimal>) -> Step {
    let [from, to, count] = ["from", "to", "count"].map(|name| world.slot(name));
    Step::Histogram { value: world.column("x"), width, from, to, count, span: Span { start: 1, end: 2 } }
}

#[test]
fn histograms_count_exactly() {
    let world = World::new("");
    let table: &[(&str, Option<rust_decimal::Decimal>, &str)] = &[
        (
            "x=-1 \n x=0 \n x=4.99 \n x=5 \n - \n x=16f",
            Some(dec!(5)),
            "from=-5 to=0 count=1 \n from=0 to=5 count=2 \n from=5 to=10 count=1
             from=10 to=15 count=0 \n from=15 to=20 count=1",
        ),
        (
            "x=0.3f \n x=0.1f",
            Some(dec!(0.1)),
            "from=0.1 to=0.2 count=1 \n from=0.2 to=0.3 count=0 \n from=0.3 to=0.4 count=1",
        ),
        ("x=-10 \n x=-10.5", Some(dec!(10)), "from=-20 to=-10 count=1 \n from=-10 to=0 count=1"),
        ("x=7 \n x=7", None, "from=7 to=8 count=2"),
        ("x=0.05", None, "from=0.05 to=0.06 count=1"),
        (
            "x=~2500 \n x=~-1",
            Some(dec!(2000)),
            "from=~-2000 to=~0 count=1 \n from=~0 to=~2000 count=0 \n from=~2000 to=~4000 count=1",
        ),
        ("-", None, ""),
        ("", Some(dec!(1)), ""),
    ];
    for (input, width, expected) in table {
        world.check(&histogram(&world, *width), input, expected);
    }
    let rows = world.run(&histogram(&world, None), world.parse("x=0 \n x=39")).unwrap();
    assert_eq!(rows.len(), 20);
    assert_eq!(world.print(&rows)[19], "from=38 to=40 count=1");
}

#[test]
fn a_histogram_of_many_values_counts_each_once() {
    let world = World::new("");
    // More different values than are counted apart, over a range that grows.
    let text: String = (0..60_000).map(|i: i64| format!("x={}.{:03}\n", i * i / 1000, i % 1000)).collect();
    let rows = world.parse(&text);
    let values: Vec<rust_decimal::Decimal> = rows
        .iter()
        .map(|row| match row.get(world.slot("x")) {
            Datum::Decimal(value) => *value,
            other => panic!("{other:?}"),
        })
        .collect();
    let bins = world.run(&histogram(&world, None), rows).unwrap();
    assert_eq!(bins.len(), 18, "0 to 3,599,880.999 in bins of 200,000");
    for bin in bins {
        let [Datum::Decimal(from), Datum::Decimal(to), Datum::Int(count)] =
            ["from", "to", "count"].map(|name| bin.get(world.slot(name)).clone())
        else {
            panic!("{bin:?}");
        };
        let expected = values.iter().filter(|value| **value >= from && **value < to).count();
        assert_eq!(count, expected as i64, "{from} to {to}");
    }
}

#[test]
fn histograms_refuse_what_they_cannot_count() {
    let world = World::new("");
    let table: &[(&str, Option<rust_decimal::Decimal>, ErrorKind)] = &[
        ("x=word", None, ErrorKind::Type),
        ("x=~5 \n x=5", None, ErrorKind::Type),
        ("x=~9223372036854775807", Some(dec!(1000)), ErrorKind::Value),
        ("x=1e300f", None, ErrorKind::Value),
        ("x=0 \n x=1000000", Some(dec!(0.5)), ErrorKind::Limit),
        ("x=0", Some(dec!(0)), ErrorKind::Value),
        ("x=0", Some(dec!(-1)), ErrorKind::Value),
        ("x=79228162514264337593543950335", Some(dec!(0.001)), ErrorKind::Value),
        ("x=79228162514264337593543950335 \n x=-79228162514264337593543950335", None, ErrorKind::Value),
    ];
    for (input, width, kind) in table {
        let error = world.run(&histogram(&world, *width), world.parse(input)).unwrap_err();
        assert_eq!(
            (error.kind(), error.span()),
            (*kind, Some(Span { start: 1, end: 2 })),
            "{input}: {error}"
        );
    }
}

#[test]
fn an_expression_that_fails_comes_in_place_of_its_row() {
    let world = World::new("");
    let negated = Scalar::Negate(Box::new(world.column("x")), Span { start: 4, end: 6 });
    let step = Step::Extend(vec![(world.slot("y"), negated)]);
    let rows = apply(&step, world.stream(world.parse("x=a")), &world.source, &world.execution).unwrap();
    let kinds: Vec<ErrorKind> = rows.filter_map(|row| row.err().map(|error| error.kind())).collect();
    assert_eq!(kinds, [ErrorKind::Type]);
}
