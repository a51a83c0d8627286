//! `asof` and `join`.

use super::fake::World;
use crate::error::ErrorKind;
use crate::plan::scalar::Condition;
use crate::plan::step::Step;

const EVENTS: &str = "
    ts=@10 seq=0 event=quote symbol=A bid=1
    ts=@10 seq=3 event=quote symbol=A bid=2
    ts=@15 seq=1 event=quote symbol=B bid=3
    ts=@20 seq=4 event=quote symbol=A bid=4 only=x
    ts=@21 seq=5 event=quote bid=9";

fn asof(world: &World, by: &[&str], within_ns: Option<i64>) -> Step {
    let plan = world.plan(
        world.equals("event", "quote"),
        vec![Step::Fields(world.columns(&["ts", "seq", "symbol", "bid"]))],
    );
    Step::Asof { plan, by: world.slots(by), within_ns, renamed: Vec::new() }
}

#[test]
fn asof_finds_the_latest_before() {
    let world = World::new(EVENTS);
    let table: &[(Step, &str, &str)] = &[
        (
            asof(&world, &["symbol"], None),
            "ts=@9 seq=8 symbol=A
             ts=@10 seq=0 symbol=A
             ts=@10 seq=2 symbol=A
             ts=@10 seq=9 symbol=A
             ts=@19 seq=9 symbol=B
             ts=@30 seq=9 symbol=A
             ts=@30 seq=9 symbol=C
             ts=@30 seq=10",
            "ts=@9 seq=8 symbol=A
             ts=@10 seq=0 symbol=A
             ts=@10 seq=2 symbol=A bid=1 asof_ts=@10
             ts=@10 seq=9 symbol=A bid=2 asof_ts=@10
             ts=@19 seq=9 symbol=B bid=3 asof_ts=@15
             ts=@30 seq=9 symbol=A bid=4 asof_ts=@20
             ts=@30 seq=9 symbol=C
             ts=@30 seq=10",
        ),
        (
            // Rows in another order keep it.
            asof(&world, &["symbol"], None),
            "ts=@30 seq=9 symbol=A \n symbol=A \n ts=@10 seq=2 symbol=A \n ts=@19 symbol=B \n ts=@10 symbol=A",
            "ts=@30 seq=9 symbol=A bid=4 asof_ts=@20
             symbol=A
             ts=@10 seq=2 symbol=A bid=1 asof_ts=@10
             ts=@19 symbol=B seq=1 bid=3 asof_ts=@15
             ts=@10 symbol=A seq=3 bid=2 asof_ts=@10",
        ),
        (
            // As old as allowed, and older by a nanosecond. A match that is too old hides no older one.
            asof(&world, &["symbol"], Some(5)),
            "ts=@20 seq=9 symbol=B \n ts=@21 seq=9 symbol=B",
            "ts=@20 seq=9 symbol=B bid=3 asof_ts=@15 \n ts=@21 seq=9 symbol=B",
        ),
        (
            // Without keys, any row.
            asof(&world, &[], Some(0)),
            "ts=@20 seq=4 symbol=A \n ts=@20 seq=5 symbol=B \n ts=@22 seq=9",
            "ts=@20 seq=4 symbol=A \n ts=@20 seq=5 symbol=B bid=4 asof_ts=@20 \n ts=@22 seq=9",
        ),
        (
            // The left row's own value stays.
            asof(&world, &["symbol"], None),
            "ts=@30 seq=9 symbol=A bid=100",
            "ts=@30 seq=9 symbol=A bid=100 asof_ts=@20",
        ),
        (asof(&world, &["symbol"], None), "symbol=A", "symbol=A"),
        (asof(&world, &["symbol"], None), "", ""),
    ];
    for (step, input, expected) in table {
        world.check(step, input, expected);
    }
}

#[test]
fn asof_names_columns_twice_only_where_the_query_does() {
    let world = World::new(EVENTS);
    let mut step = asof(&world, &["symbol"], None);
    if let Step::Asof { renamed, .. } = &mut step {
        *renamed =
            ["bid", "symbol"].map(|name| (world.slot(name), world.slot(&format!("asof.{name}")))).into();
    }
    world.check(
        &step,
        "ts=@30 seq=9 symbol=A bid=100 \n ts=@30 seq=9 symbol=B",
        "ts=@30 seq=9 symbol=A bid=100 asof.symbol=A asof.bid=4 asof_ts=@20
         ts=@30 seq=9 symbol=B asof.symbol=B bid=3 asof.bid=3 asof_ts=@15",
    );
}

#[test]
fn asof_of_a_query_that_orders_or_counts_is_not_narrowed() {
    let world = World::new(EVENTS);
    let input = "ts=@16 seq=9 symbol=A";
    let by_bid = vec![(world.column("bid"), true)];
    let moved = vec![(crate::cells::Slot::TS, world.column("later"))];
    let table: &[(Vec<Step>, &str)] = &[
        (vec![Step::Sort { keys: by_bid, limit: None }], "bid=2 asof_ts=@10"),
        // The last two of all quotes, not of those before the row.
        (vec![Step::Tail(3)], ""),
        // Whose time is another column's.
        (vec![Step::Extend(moved)], ""),
    ];
    for (steps, expected) in table {
        let mut steps = steps.clone();
        steps.push(Step::Fields(world.columns(&["ts", "seq", "symbol", "bid"])));
        let plan = world.plan(world.equals("event", "quote"), steps);
        let step = Step::Asof { plan, by: world.slots(&["symbol"]), within_ns: None, renamed: Vec::new() };
        world.check(&step, input, &format!("{input} {expected}"));
    }
}

fn join(world: &World, on: &[(&str, &str)], columns: &[&str], keep_unmatched: bool) -> Step {
    let plan = world.plan(Condition::Always, vec![Step::Fields(world.columns(columns))]);
    let on = on.iter().map(|(left, right)| (world.slot(left), world.slot(right))).collect();
    Step::Join { plan, on, keep_unmatched, renamed: Vec::new() }
}

#[test]
fn joins_pair_rows_of_equal_keys() {
    let events = "
        ts=@1 seq=0 id=1 v=a
        ts=@2 seq=1 id=2 v=b
        ts=@3 seq=2 id=1.0 v=c w=z
        ts=@4 seq=3 v=d";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], bool, &'a str, &'a str);
    let table: &[Case<'_>] = &[
        (
            &[("id", "id")],
            &["id", "v", "w"],
            false,
            "n=0 id=2 \n n=1 id=1 v=q \n n=2 id=3 \n n=3",
            "n=0 id=2 v=b \n n=1 id=1 v=q right.v=a \n n=1 id=1 v=q right.v=c w=z",
        ),
        (
            &[("id", "id")],
            &["id", "v"],
            true,
            "n=0 id=2 \n n=1 id=1 \n n=2 id=3 \n n=3",
            "n=0 id=2 v=b \n n=1 id=1 v=a \n n=1 id=1 v=c \n n=2 id=3 \n n=3",
        ),
        // Keys of different names, and several.
        (&[("n", "id"), ("m", "v")], &["id", "v"], false, "n=1 m=a \n n=1 m=b \n n=1", "n=1 m=a id=1 v=a"),
        // The key is not shown twice, but for a key of another name.
        (&[("n", "id")], &["id"], false, "n=2 id=7", "n=2 id=7 right.id=2"),
        (&[("id", "id")], &["id"], true, "", ""),
        (&[("id", "nothing")], &["id"], true, "id=1", "id=1"),
    ];
    for (on, columns, keep_unmatched, input, expected) in table {
        // The names of one query are not those of the next.
        let world = World::new(events);
        world.check(&join(&world, on, columns, *keep_unmatched), input, expected);
    }
    let world = World::new(events);
    let mut step = join(&world, &[("id", "id")], &["id", "v"], false);
    if let Step::Join { renamed, .. } = &mut step {
        *renamed = ["id", "v"].map(|name| (world.slot(name), world.slot(&format!("right.{name}")))).into();
    }
    world.check(&step, "id=2", "id=2 right.id=2 v=b right.v=b");
}

#[test]
fn a_join_that_holds_too_much_says_so() {
    let events: String = (0..1000).map(|i| format!("ts=@{i} seq={i} id={i}\n")).collect();
    let world = World::with_memory(&events, 20_000);
    let plan = world.plan(Condition::Always, Vec::new());
    let on = vec![(world.slot("id"), world.slot("id"))];
    let step = Step::Join { plan, on, keep_unmatched: false, renamed: Vec::new() };
    assert_eq!(world.run(&step, world.parse("id=1")).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(world.run(&step, Vec::new()).unwrap().len(), 0, "without rows the other query is not run");
}
