//! Steps that read the database again.

use blotter_engine::event::Timestamp;

use super::super::gaps::gaps_below;
use super::fake::World;
use crate::error::ErrorKind;
use crate::limits::RELATED_VALUES_MAX;
use crate::plan::scalar::Condition;
use crate::plan::step::Step;

const EVENTS: &str = "
    ts=@10 seq=0 event=order order_id=7 correlation_id=c1
    ts=@20 seq=1 event=quote symbol=A
    ts=@15 seq=2 event=ack order_id=7
    ts=@30 seq=3 event=fill correlation_id=7 note=x
    ts=@30 seq=4 event=fill correlation_id=c1
    ts=@40 seq=5 event=other correlation_id=c2";

#[test]
fn related_events_share_a_printed_value() {
    let world = World::new(EVENTS);
    let related = |from, to| Step::Related { from: world.slot(from), to: world.slot(to), is_recorded: true };
    let [e0, e1, _, e3, e4, e5] = [0, 1, 2, 3, 4, 5].map(|line| EVENTS.lines().nth(line + 1).unwrap());
    let table: &[(Step, &str, String)] = &[
        // The rows may be cut down; what comes is whole.
        (
            related("correlation_id", "correlation_id"),
            "ts=@30 seq=4 correlation_id=c1",
            format!("{e0}\n{e4}"),
        ),
        (
            // A row without the value is there all the same, and nothing comes twice.
            related("correlation_id", "correlation_id"),
            "ts=@40 seq=5 correlation_id=c2 \n ts=@20 seq=1 \n ts=@40 seq=5 correlation_id=c2",
            format!("{e1}\n{e5}"),
        ),
        (
            // A number finds the text that prints so.
            related("order_id", "correlation_id"),
            "ts=@10 seq=0 order_id=7",
            format!("{e0}\n{e3}"),
        ),
        (
            // A row that is found by its value too comes once.
            related("correlation_id", "order_id"),
            "ts=@30 seq=3 correlation_id=7 \n ts=@10 seq=0",
            format!("{e0}\n ts=@15 seq=2 event=ack order_id=7 \n{e3}"),
        ),
        (related("correlation_id", "correlation_id"), "ts=@20 seq=1", e1.to_owned()),
        (related("correlation_id", "correlation_id"), "", String::new()),
    ];
    for (step, input, expected) in table {
        world.check(step, input, expected);
    }
    for input in ["seq=1", "ts=@1", "count=5"] {
        let error = world.run(&related("a", "a"), world.parse(input)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type, "{input}");
    }
}

#[test]
fn related_refuses_to_follow_too_many_values() {
    let world = World::with_memory("", 4 << 30);
    let a = world.slot("a");
    let mut rows = world.parse("ts=@1 seq=1");
    let row = rows.remove(0);
    let rows: Vec<crate::cells::Cells> = (0..=RELATED_VALUES_MAX as i64)
        .map(|value| {
            let mut row = row.clone();
            row.set(a, crate::Datum::Int(value));
            row
        })
        .collect();
    let error = world.run(&Step::Related { from: a, to: a, is_recorded: true }, rows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn context_is_what_happened_around_with_the_same_key() {
    let world = World::new(
        "ts=@0 seq=0 symbol=A event=quote
         ts=@5 seq=1 symbol=B event=quote
         ts=@10 seq=2 symbol=A event=fill
         ts=@10 seq=3 symbol=A event=quote
         ts=@12 seq=4 event=note
         ts=@14 seq=5 symbol=A event=trade
         ts=@50 seq=6 symbol=B event=fill
         ts=@52 seq=7 symbol=1.0 event=quote
         ts=@52 seq=8 symbol=A event=quote",
    );
    let context = |before_ns, after_ns, filter: Condition| {
        let by = world.slot("symbol");
        Step::Context { before_ns, after_ns, filter, by }
    };
    let table: &[(Step, &str, &str)] = &[
        (
            context(5, 4, Condition::Always),
            "ts=@10 seq=2 symbol=A",
            "ts=@10 seq=2 symbol=A event=fill matched=true
             ts=@10 seq=3 symbol=A event=quote matched=false
             ts=@14 seq=5 symbol=A event=trade matched=false",
        ),
        (
            context(10, 4, world.equals("event", "quote")),
            "ts=@50 seq=6 symbol=B \n ts=@10 seq=2 symbol=A",
            "ts=@0 seq=0 symbol=A event=quote matched=false
             ts=@10 seq=2 symbol=A event=fill matched=true
             ts=@10 seq=3 symbol=A event=quote matched=false
             ts=@50 seq=6 symbol=B event=fill matched=true",
        ),
        // Around a row without the key there is nothing.
        (context(100, 100, Condition::Always), "ts=@12 seq=4", "ts=@12 seq=4 event=note matched=true"),
        // Keys are equal as group keys are.
        (
            context(1, 0, Condition::Always),
            "ts=@52 seq=7 symbol=1 \n ts=@52 seq=8 symbol=A",
            "ts=@52 seq=7 symbol=1.0 event=quote matched=true
             ts=@52 seq=8 symbol=A event=quote matched=true",
        ),
        // Stretches that reach to the ends of time.
        (
            context(i64::MAX, i64::MAX, world.equals("event", "trade")),
            "ts=@10 seq=2 symbol=A",
            "ts=@10 seq=2 symbol=A event=fill matched=true
             ts=@14 seq=5 symbol=A event=trade matched=false",
        ),
        (context(5, 5, Condition::Always), "", ""),
    ];
    for (step, input, expected) in table {
        world.check(step, input, expected);
    }
    let error = world.run(&context(1, 1, Condition::Always), world.parse("count=5")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

#[test]
fn context_around_very_many_rows_misses_none() {
    let text: String = (0..3000).map(|i| format!("ts=@{} seq={i} symbol=S{}\n", i * i, i % 3)).collect();
    let world = World::new(&text);
    let rows: Vec<crate::cells::Cells> = world.parse(&text).into_iter().step_by(3).collect();
    let step =
        Step::Context { before_ns: 0, after_ns: 20, filter: Condition::Always, by: world.slot("symbol") };
    let found = world.run(&step, rows.clone()).unwrap();
    // Up to i = 3 the next but two of the same symbol is within 20.
    let own = found.iter().filter(|row| matches!(row.get(world.slot("matched")), crate::Datum::Bool(true)));
    assert_eq!(own.count(), rows.len());
    assert_eq!(found.len(), rows.len());
    assert!(found.is_sorted_by_key(super::super::place::ts_of));
}

#[track_caller]
fn check_gaps(events: &str, next_seq: u64, expected: &str) {
    let world = World::new(events);
    let rows: Vec<crate::cells::Cells> = gaps_below(next_seq, (None, None), &world.source, &world.execution)
        .collect::<crate::Result<_>>()
        .unwrap();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(world.print(&rows), expected, "{events}");
}

#[test]
fn gaps_are_numbers_that_no_event_has() {
    let lost = "category=system event=events_lost";
    let table: &[(String, u64, &str)] = &[
        (String::new(), 0, ""),
        ("ts=@1 seq=0 producer=1 pseq=0 \n ts=@2 seq=1 producer=1 pseq=1".into(), 2, ""),
        (String::new(), 3, "kind=seq first=0 last=2 count=3"),
        (
            // At the start, in the middle, at the end; events out of order.
            "ts=@9 seq=2 producer=1 pseq=0 \n ts=@5 seq=5 producer=1 pseq=3 \n ts=@7 seq=3 producer=1 pseq=1".into(),
            8,
            "kind=seq first=0 last=1 count=2 before_ts=@9
             kind=seq first=4 last=4 count=1 after_ts=@7 before_ts=@5
             kind=seq first=6 last=7 count=2 after_ts=@5
             kind=producer producer=1 first=2 last=2 count=1 after_ts=@7 before_ts=@5",
        ),
        (
            // Producers by number; what is recorded is told from what is not, and counts at the end too.
            format!(
                "ts=@1 seq=0 producer=9 pseq=0
                 ts=@2 seq=1 producer=2 pseq=0
                 ts=@3 seq=2 producer=2 pseq=7
                 ts=@4 seq=3 producer=0 pseq=0 {lost} lost_producer=2 lost_first_pseq=3 lost_count=2
                 ts=@5 seq=4 producer=0 pseq=1 {lost} lost_producer=2 lost_first_pseq=8 lost_count=1
                 ts=@6 seq=5 producer=0 pseq=2 {lost} lost_producer=5 lost_first_pseq=0 lost_count=4
                 ts=@6 seq=6 producer=0 pseq=3 category=order event=events_lost lost_producer=9 lost_first_pseq=0 lost_count=4"
            ),
            7,
            "kind=producer producer=2 first=1 last=2 count=2 after_ts=@2
             kind=recorded producer=2 first=3 last=4 count=2
             kind=producer producer=2 first=5 last=6 count=2 before_ts=@3
             kind=recorded producer=2 first=8 last=8 count=1 after_ts=@3
             kind=recorded producer=5 first=0 last=3 count=4",
        ),
        (
            // Losses that overlap, and one that tells of an event that is there.
            format!(
                "ts=@1 seq=0 producer=2 pseq=4
                 ts=@4 seq=1 producer=0 pseq=0 {lost} lost_producer=2 lost_first_pseq=0 lost_count=3
                 ts=@5 seq=2 producer=0 pseq=1 {lost} lost_producer=2 lost_first_pseq=1 lost_count=4"
            ),
            3,
            "kind=recorded producer=2 first=0 last=3 count=4 before_ts=@1",
        ),
    ];
    for (events, next_seq, expected) in table {
        check_gaps(events, *next_seq, expected);
    }
}

#[test]
fn gaps_are_found_among_very_many() {
    // More gaps than a careless algorithm would compare with each other.
    let events: String =
        (0..20_000).map(|i| format!("ts=@{i} seq={} producer=1 pseq={}\n", 2 * i + 1, 2 * i)).collect();
    let world = World::new(&events);
    let rows: Vec<crate::cells::Cells> = gaps_below(40_000, (None, None), &world.source, &world.execution)
        .collect::<crate::Result<_>>()
        .unwrap();
    assert_eq!(rows.len(), 20_000 + 19_999);
}

#[test]
fn gaps_are_those_that_may_lie_in_the_time_asked_for() {
    let lost = "category=system event=events_lost";
    let events = format!(
        "ts=@10 seq=0 producer=1 pseq=0
         ts=@20 seq=2 producer=1 pseq=1
         ts=@30 seq=3 producer=1 pseq=4
         ts=@40 seq=4 producer=0 pseq=0 {lost} lost_producer=1 lost_first_pseq=5 lost_count=1"
    );
    let seq = "kind=seq first=1 last=1 count=1 after_ts=@10 before_ts=@20";
    let middle = "kind=producer producer=1 first=2 last=3 count=2 after_ts=@20 before_ts=@30";
    let end = "kind=recorded producer=1 first=5 last=5 count=1 after_ts=@30";
    type Case<'a> = ((Option<i64>, Option<i64>), &'a [&'a str]);
    let table: &[Case<'_>] = &[
        ((None, None), &[seq, middle, end]),
        ((None, Some(19)), &[seq]),
        ((Some(12), Some(18)), &[seq]),
        ((Some(20), Some(20)), &[seq, middle]),
        ((Some(21), None), &[middle, end]),
        ((Some(40), Some(90)), &[end]),
        // It was recorded before.
        ((Some(41), None), &[]),
        ((None, Some(9)), &[]),
    ];
    for ((first, last), expected) in table {
        let world = World::new(&events);
        let range = (first.map(Timestamp), last.map(Timestamp));
        let rows: Vec<crate::cells::Cells> =
            gaps_below(5, range, &world.source, &world.execution).collect::<crate::Result<_>>().unwrap();
        assert_eq!(world.print(&rows), *expected, "{first:?} to {last:?}");
    }
}
