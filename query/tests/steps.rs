//! Stages that bring in other events, through the whole of the package, over a database of which half is sealed.

#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use blotter_engine::event::{Category, Level, Timestamp};
use blotter_engine::{Db, Options, RecorderOptions};
use blotter_query::{Datum, Queryable};

/// Second of the minute, category, event name, symbol, correlation, and a number.
type Made = (i64, Category, &'static str, Option<&'static str>, Option<&'static str>, i64);

const EVENTS: &[Made] = &[
    (0, Category::MARKET_DATA, "quote", Some("A"), None, 100),
    (1, Category::MARKET_DATA, "quote", Some("B"), None, 200),
    (2, Category::SIGNAL, "entry_signal", Some("A"), Some("t1"), 1),
    (3, Category::MARKET_DATA, "quote", Some("A"), None, 101),
    (4, Category::ORDER, "order_created", Some("A"), Some("t1"), 7),
    (5, Category::FILL, "filled", Some("A"), Some("t1"), 102),
    (6, Category::MARKET_DATA, "quote", Some("A"), None, 103),
    // From here on unsealed.
    (20, Category::FILL, "filled", Some("B"), Some("t2"), 201),
    (21, Category::ORDER, "order_closed", Some("A"), Some("t1"), 7),
    (22, Category::SYSTEM, "heartbeat", None, None, 0),
    (22, Category::FILL, "filled", Some("C"), None, 300),
];

const SEALED: usize = 7;

fn database(folder: &std::path::Path) -> Db {
    let database = Options::new().without_threads().open(folder.join("db")).unwrap();
    let mut recorder = database.recorder(RecorderOptions::new()).unwrap();
    let start: Timestamp = "2026-01-02T14:30:00Z".parse().unwrap();
    for (index, (second, category, name, symbol, correlation, number)) in EVENTS.iter().enumerate() {
        if index == SEALED {
            database.flush().unwrap();
            database.seal().unwrap();
        }
        let mut event = recorder
            .event(*category, Level::Info, name)
            .at(Timestamp(start.nanos() + second * 1_000_000_000))
            .field("n", *number);
        for (field, text) in [("symbol", symbol), ("correlation_id", correlation)] {
            if let Some(text) = text {
                event = event.field(field, *text);
            }
        }
        assert!(event.emit().is_accepted());
    }
    database.flush().unwrap();
    drop(recorder);
    let snapshot = database.snapshot().unwrap();
    let sealed: u64 = snapshot.segments().map(|meta| meta.rows).sum();
    assert_eq!((sealed, snapshot.unsealed().0), (SEALED as u64, (EVENTS.len() - SEALED) as u64));
    database
}

#[track_caller]
fn check(database: &Db, query: &str, columns: &[&str], expected: &[&str]) {
    let rows: Vec<String> = database
        .query(query)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .map(|row| {
            let row = row.unwrap_or_else(|error| panic!("{query}: {error}"));
            let value = |name: &&str| match row.get(name) {
                Datum::Null => "-".to_owned(),
                Datum::Time(ts) => ts.to_string()[17..19].to_owned(),
                other => other.to_string(),
            };
            columns.iter().map(value).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(rows, expected, "{query}");
}

#[test]
fn stages_that_bring_in_other_events() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "category = fill | related",
            &["ts", "event", "n"],
            &[
                "02 entry_signal 1",
                "04 order_created 7",
                "05 filled 102",
                "20 filled 201",
                "21 order_closed 7",
                "22 filled 300",
            ],
        ),
        (
            "event = order_created | related n -> n",
            &["ts", "event"],
            &["04 order_created", "21 order_closed"],
        ),
        ("event = order_created | related seq -> n", &["ts", "event"], &["04 order_created"]),
        (
            "event = filled n = 102 | context 2s 1s where category = market_data",
            &["ts", "event", "n", "matched"],
            &["03 quote 101 false", "05 filled 102 true", "06 quote 103 false"],
        ),
        ("event = heartbeat | context 1h 1h", &["ts", "event", "matched"], &["22 heartbeat true"]),
        (
            "category = fill | asof (event = quote) by symbol | extend d = n - asof.n",
            &["ts", "symbol", "n", "asof_ts", "asof.n", "d"],
            &["05 A 102 03 101 1", "20 B 201 01 200 1", "22 C 300 - - -"],
        ),
        (
            "category = fill | asof (event = quote) by symbol within 5s | sort n desc | fields n, asof_ts",
            &["n", "asof_ts"],
            &["300 -", "201 -", "102 03"],
        ),
        (
            "category = fill | join (category = order) on correlation_id | fields event, right.event, right.ts",
            &["event", "right.event", "right.ts"],
            &["filled order_created 04", "filled order_closed 21"],
        ),
        (
            "category = fill | join left (event = quote | stats max(n) as best by symbol) on symbol",
            &["symbol", "n", "best"],
            &["A 102 103", "B 201 200", "C 300 -"],
        ),
        (
            "exists correlation_id | sessions by correlation_id maxpause 5s",
            &["correlation_id", "start", "end", "count", "first_event", "last_event"],
            &[
                "t1 02 05 3 entry_signal filled",
                "t2 20 20 1 filled filled",
                "t1 21 21 1 order_closed order_closed",
            ],
        ),
        (
            "event = quote | delta n by symbol | prev n by symbol",
            &["symbol", "n", "delta_n", "prev_n"],
            &["A 100 - -", "B 200 - -", "A 101 1 100", "A 103 2 101"],
        ),
        ("event = quote | next n by symbol | fields next_n", &["next_n"], &["101", "-", "103", "-"]),
        (
            "event = quote | histogram(n, 50)",
            &["from", "to", "count"],
            &["100 150 3", "150 200 0", "200 250 1"],
        ),
        (
            "event = quote | timeline 2s by symbol",
            &["ts", "symbol", "count"],
            &["00 A 1", "00 B 1", "02 A 1", "02 B 0", "04 A 0", "04 B 0", "06 A 1", "06 B 0"],
        ),
        // Without a width, that of the time recorded: half a minute in seconds.
        ("event = quote | timeline | where count > 0", &["ts", "count"], &["00 1", "01 1", "03 1", "06 1"]),
        ("event = quote | timeline | tail 2", &["ts", "count"], &["05 0", "06 1"]),
        ("gaps", &["kind"], &[]),
        ("| distinct symbol | sort symbol", &["symbol"], &["A", "B", "C", "-"]),
        ("| tail 2", &["event"], &["heartbeat", "filled"]),
        ("category = fill | sample 100% | head 1", &["n"], &["102"]),
    ];
    for (query, columns, expected) in table {
        check(&database, query, columns, expected);
    }
}
