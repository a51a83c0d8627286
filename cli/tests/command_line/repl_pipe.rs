//! The REPL without a terminal: queries and commands line by line from a pipe.

use std::io::Write;
use std::process::Stdio;

use crate::run::{Ended, PATIENCE, Place, Ran, command, lines_of, numbered_lines, start};

fn repl(place: &Place, arguments: &[&str], input: &str) -> Ran {
    let mut all = vec!["repl", &place.database];
    all.extend(arguments);
    let mut child = start(
        command(&all).env("BLOTTER_HISTORY", place.directory.join("state/history")).stdin(Stdio::piped()),
    );
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn lines_are_run_one_after_the_other_without_a_prompt() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let input =
        ".format\n.format json\n.format\n\n# a comment\n.timer on\n.timer\n.tz\n.tz europe/berlin\n.tz\n";
    let ran = repl(&place, &[], input).expect(0);
    assert_eq!(ran.out, "format is table\nformat is json\ntimer is on\ntz is UTC\ntz is Europe/Berlin\n");
    assert_eq!(ran.err, "");
}

#[test]
fn queries_can_have_several_lines() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let input = "n in (1,\n 2) |\nfields n\nn = 3 | fields n";
    let ran = repl(&place, &["--format", "json"], input).expect(0);
    assert_eq!(ran.out, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

#[test]
fn an_entry_that_is_wrong_is_said_and_the_next_is_run() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let ran = repl(&place, &[], ".hlep\n| tpo 5 x\n.stats now\n.watch 1y x\n.run absent\n.tz\n").expect(2);
    assert_eq!(ran.out, "tz is UTC\n");
    for said in [
        "unknown command '.hlep'; hint: '.help'",
        "did you mean 'top'?",
        "'.stats' takes nothing; found 'now'",
        "'1y' is no duration",
        "no query is saved as 'absent'; hint: '.saved' lists them",
    ] {
        assert!(ran.err.contains(said), "{said} is missing in {}", ran.err);
    }
    // What ends in the middle of a query is wrong too.
    let ran = repl(&place, &[], "n in (1,\n").expect(2);
    assert!(ran.err.contains("error: "), "{}", ran.err);
}

#[test]
fn quitting_leaves_the_rest_of_the_input() {
    let place = Place::with_lines(&numbered_lines(0..10));
    for leave in [".quit", ".exit", "quit", "EXIT"] {
        let ran = repl(&place, &[], &format!(".tz\n{leave}\n.format\n")).expect(0);
        assert_eq!(ran.out, "tz is UTC\n", "{leave}");
    }
}

#[test]
fn who_asks_for_help_gets_it() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let help = repl(&place, &[], ".help\n").expect(0).out;
    assert!(help.contains(".schema"), "{help}");
    for ask in ["help", "Help", "?"] {
        assert_eq!(repl(&place, &[], &format!("{ask}\n")).expect(0).out, help, "{ask}");
    }
}

#[test]
fn queries_are_saved_for_later_sessions() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let ran = repl(&place, &[], ".save one n = 2\n.save one n = 1 | fields n\n").expect(0);
    assert_eq!(ran.err, "saved 'one': n = 2\nreplaced 'one': n = 1 | fields n\n  was: n = 2\n");
    let ran = repl(&place, &[], ".save my query | stats count()\n").expect(0);
    assert_eq!(ran.err, "saved 'my': query | stats count()\n");
    assert!(repl(&place, &[], ".save a\u{1b}b x\n").expect(2).err.contains("'a\\x1bb' is no name"));
    // What is no query is not saved, and shown why; nor is what was saved before lost.
    for (text, place_shown) in [("one | tpo 5 x", "did you mean 'top'?"), ("two (n = 1 |", "1 | (n = 1 |")] {
        let ran = repl(&place, &[], &format!(".save {text}\n")).expect(2);
        assert!(ran.err.starts_with("error: ") && ran.err.contains(place_shown), "{}", ran.err);
        assert!(!ran.err.contains("saved") && !ran.err.contains("replaced"), "{}", ran.err);
    }
    let ran = repl(&place, &["--format", "json"], ".saved\n").expect(0);
    assert_eq!(
        ran.out,
        "{\"name\":\"my\",\"query\":\"query | stats count()\"}\n{\"name\":\"one\",\"query\":\"n = 1 | fields n\"}\n"
    );
    let ran = repl(&place, &["--format", "json"], ".run one\n.save again\n.run again\n").expect(0);
    assert_eq!(ran.out, "{\"n\":1}\n{\"n\":1}\n");
}

#[test]
fn what_the_database_holds_is_shown_in_the_format_asked_for() {
    let place = Place::with_lines(&(numbered_lines(0..10) + "{\"ts\":5,\"symbol\":\"AMZN\"}\n"));
    let ran = repl(&place, &["--format", "json"], ".segments\n.stats\n.schema symbol\n").expect(0);
    let values = ran.json();
    assert_eq!(values[0]["category"], "raw");
    assert_eq!((&values[1]["category"], &values[1]["events"]), (&"order".into(), &10.into()));
    assert_eq!(values[2]["events"], 11);
    assert_eq!((&values[3]["field"], &values[3]["types"]), (&"symbol".into(), &"text".into()));
    assert_eq!(values[3]["indexed"], true);
    let ran = repl(&place, &[], ".schema\n.schema symbol\n").expect(0);
    assert!(ran.out.contains("order_id") && ran.out.contains("values: AMZN"), "{}", ran.out);
    let ran = repl(&place, &[], ".schema symbl\n").expect(2);
    assert!(ran.err.contains("no event has a field 'symbl'; hint: 'symbol'"), "{}", ran.err);
}

#[test]
fn explaining_shows_how_and_not_what() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let ran = repl(&place, &[], ".explain order_id = A-3\n").expect(0);
    assert!(!ran.out.is_empty() && !ran.out.contains("A-3  "), "{}", ran.out);
    repl(&place, &[], ".explain\n").expect(2);
}

#[test]
fn a_watch_prints_until_the_input_goes_on() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let mut child = Ended(start(
        command(&["repl", &place.database, "--format", "json"])
            .env("BLOTTER_HISTORY", "")
            .stdin(Stdio::piped()),
    ));
    let mut pipe = child.0.stdin.take().unwrap();
    let lines = lines_of(child.0.stdout.take().unwrap());
    pipe.write_all(b".watch 100ms | stats count() as total\n").unwrap();
    for _ in 0..3 {
        assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), "{\"total\":10}");
    }
    pipe.write_all(b".format\n").unwrap();
    while lines.recv_timeout(PATIENCE).unwrap() != "format is json" {}
    drop(pipe);
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    // At the end of the input it prints once.
    let ran = repl(&place, &["--format", "json"], ".watch 100ms | stats count() as total\n").expect(0);
    assert_eq!(ran.out, "{\"total\":10}\n");
}

#[test]
fn the_timer_speaks_beside_the_data() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let ran = repl(&place, &["--timer", "--format", "json"], "n = 3 | fields n\n").expect(0);
    assert_eq!(ran.out, "{\"n\":3}\n");
    assert!(ran.err.starts_with("1 rows in ") || ran.err.starts_with("1 row in "), "{}", ran.err);
}

#[test]
fn input_that_is_no_text_is_an_error() {
    let place = Place::with_lines(&numbered_lines(0..10));
    let mut child =
        start(command(&["repl", &place.database]).env("BLOTTER_HISTORY", "").stdin(Stdio::piped()));
    child.stdin.take().unwrap().write_all(b".tz\n\xff\xfe\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a line is not UTF-8"));
}
