//! `tail`: the latest events, and those to come, beside a live writer.

use std::io::Write;
use std::process::Stdio;

use crate::run::{Ended, PATIENCE, Place, command, lines_of, numbered_lines, run, start, wait_for};

#[test]
fn the_latest_by_time_are_shown_oldest_first() {
    let place = Place::with_lines(&(numbered_lines(0..50) + "{\"ts\":1,\"event\":\"late\"}\n"));
    let numbers = |n: &str| -> Vec<u64> {
        let found = run(&["tail", &place.database, "-n", n, "--format", "json"]).expect(0).json();
        found.iter().map(|event| event["n"].as_u64().unwrap_or(u64::MAX)).collect()
    };
    assert_eq!(numbers("3"), [47, 48, 49]);
    assert!(numbers("0").is_empty());
    assert_eq!(numbers("100")[..3], [u64::MAX, 0, 1]);
    assert_eq!(run(&["tail", &place.database]).expect(0).out.lines().count(), 10);
}

#[test]
fn following_shows_every_event_once_in_the_order_of_recording() {
    const EVENTS: u64 = 20_000;
    let place = Place::new();
    let mut import = Ended(start(command(&["import", &place.database, "-"]).stdin(Stdio::piped())));
    let mut pipe = import.0.stdin.take().unwrap();
    pipe.write_all(numbered_lines(0..10).as_bytes()).unwrap();
    wait_for("the first events", || (run(&["get", &place.database, "A-9"]).status == 0).then_some(()));
    let arguments = ["tail", &place.database, "-n", "4", "-f", "--format", "json"];
    let mut tail = Ended(start(&mut command(&arguments)));
    let lines = lines_of(tail.0.stdout.take().unwrap());
    let next = || -> serde_json::Value {
        serde_json::from_str(&lines.recv_timeout(PATIENCE).expect("an event in time")).unwrap()
    };
    for n in 6..10 {
        assert_eq!(next()["n"], n);
    }
    for batch in 0..20 {
        let (first, last) = (10 + batch * EVENTS / 20, 10 + (batch + 1) * EVENTS / 20);
        pipe.write_all(numbered_lines(first..last).as_bytes()).unwrap();
    }
    for n in 10..10 + EVENTS {
        let event = next();
        assert_eq!((&event["n"], &event["seq"]), (&n.into(), &n.into()));
    }
    // The writer seals, closes and goes; the next one carries on, and so does the follower.
    drop(pipe);
    assert_eq!(import.0.wait().unwrap().code(), Some(0));
    let more = place.file("more.jsonl", numbered_lines(10 + EVENTS..20 + EVENTS));
    run(&["import", &place.database, &more]).expect(0);
    for n in 10 + EVENTS..20 + EVENTS {
        assert_eq!(next()["n"], n);
    }
}
