//! `query`, `tail` with a filter, and `completions`.

use std::process::Stdio;

use crate::run::{Ended, PATIENCE, Place, command, lines_of, numbered_lines, run, run_with_input, start};

const LINES: &str = r#"{"ts":1,"category":"fill","level":"info","event":"order_filled","symbol":"AMZN","price":223.80,"quantity":10}
{"ts":2,"category":"fill","level":"info","event":"order_filled","symbol":"AAPL","price":10.5,"quantity":5,"note":"=1+1"}
{"ts":3.5,"category":"error","level":"error","event":"rejected","symbol":"AMZN","message":"no margin \u001b[2J"}
"#;

fn desk() -> Place {
    Place::with_lines(LINES)
}

#[track_caller]
fn check(place: &Place, arguments: &[&str], expected: &str) {
    let mut all = vec!["query", &place.database];
    all.extend(arguments);
    let ran = run(&all).expect(0);
    assert_eq!(ran.out, expected.trim_start_matches('\n'), "{arguments:?}\n{}", ran.out);
    assert_eq!(ran.err, "", "{arguments:?}");
}

#[test]
fn a_table_is_the_default_in_pipes_too() {
    check(
        &desk(),
        &["category = fill | stats count(), sum(quantity) as quantity, max(price) as best by symbol"],
        "
symbol  count  quantity    best
──────  ─────  ────────  ──────
AAPL        1         5    10.5
AMZN        1        10  223.80
",
    );
    check(
        &desk(),
        &["level = error"],
        "
ts                        level  category  event     symbol  message            fields
────────────────────────  ─────  ────────  ────────  ──────  ─────────────────  ──────
1970-01-01T00:00:03.500Z  error  error     rejected  AMZN    no margin \\x1b[2J  #2
",
    );
}

#[test]
fn every_format_keeps_every_digit_and_is_safe() {
    let place = desk();
    check(
        &place,
        &["| fields ts, symbol, price, note", "--format", "json"],
        r#"
{"ts":"1970-01-01T00:00:01.000000000Z","symbol":"AMZN","price":223.80,"note":null}
{"ts":"1970-01-01T00:00:02.000000000Z","symbol":"AAPL","price":10.5,"note":"=1+1"}
{"ts":"1970-01-01T00:00:03.500000000Z","symbol":"AMZN","price":null,"note":null}
"#,
    );
    check(
        &place,
        &["| fields ts, symbol, price, note", "--format", "csv", "--tz", "America/New_York"],
        "ts,symbol,price,note\r\n1969-12-31T19:00:01.000000000-05:00,AMZN,223.80,\r\n\
         1969-12-31T19:00:02.000000000-05:00,AAPL,10.5,\"'=1+1\"\r\n\
         1969-12-31T19:00:03.500000000-05:00,AMZN,,\r\n",
    );
    check(
        &place,
        &["| fields symbol, price as paid, note", "--format", "text"],
        "symbol=AMZN paid=223.80\nsymbol=AAPL paid=10.5 note=\"=1+1\"\nsymbol=AMZN\n",
    );
    check(
        &place,
        &["level = error", "--format", "text"],
        "1970-01-01T00:00:03.500000000Z ERROR    error  rejected  \"no margin \\x1b[2J\"  symbol=AMZN  #2\n",
    );
}

#[test]
fn csv_of_events_has_every_field_that_any_of_them_has() {
    let place = Place::with_lines(&(numbered_lines(0..2000) + "{\"ts\":1800000000,\"late\":\"x,y\"}\n"));
    let out = run(&["query", &place.database, "", "--format", "csv"]).expect(0).out;
    let mut lines = out.split("\r\n");
    let header = lines.next().unwrap();
    assert!(
        header.starts_with("ts,seq,producer,pseq,category,level,event,") && header.contains(",late,"),
        "{header}"
    );
    assert_eq!(out.split("\r\n").count(), 2003);
    assert!(out.contains("\"x,y\""));
    let commas = header.matches(',').count();
    assert!(lines.take(2000).all(|line| line.matches(',').count() == commas));
    assert_eq!(run(&["query", &place.database, "n = -1", "--format", "csv"]).expect(0).out, "");
}

#[test]
fn a_timeline_has_bars_and_a_sparkline() {
    let place = Place::with_lines(&numbered_lines(0..3000));
    let out = run(&["query", &place.database, "| timeline 1s"]).expect(0).out;
    let expected = "
ts                    count
────────────────────  ─────
2023-11-14T22:13:20Z   1000  ████████████████████████████████████████
2023-11-14T22:13:21Z   1000  ████████████████████████████████████████
2023-11-14T22:13:22Z   1000  ████████████████████████████████████████

███  3000 in 3 bins, most 1000 at 2023-11-14T22:13:20Z
";
    assert_eq!(out, expected.trim_start_matches('\n'), "{out}");
}

#[test]
fn the_text_comes_from_the_argument_the_input_or_a_file() {
    let place = desk();
    let text = "symbol = AAPL # only this one\n| fields price";
    let expected = "price\n─────\n 10.5\n";
    check(&place, &[text], expected);
    let file = place.file("query.txt", text);
    check(&place, &[&format!("@{file}")], expected);
    let ran = run_with_input(&["query", &place.database, "-"], text.as_bytes()).expect(0);
    assert_eq!(ran.out, expected);
    assert!(run(&["query", &place.database, "@/nowhere"]).expect(1).err.contains("cannot read /nowhere"));
    // A comment at the end takes nothing of what is put after it.
    let explained = run(&["query", &place.database, "symbol = AAPL # this", "--explain"]).expect(0);
    assert!(!explained.out.is_empty() && !explained.out.contains("10.5"), "{}", explained.out);
}

#[test]
fn parameters_are_values_and_never_syntax() {
    let place = desk();
    for (parameter, rows) in [("s=AAPL", 1), ("s=AAPL or level = error", 0), ("s=\"AMZN\"", 2)] {
        let ran = run(&["query", &place.database, "symbol = $s", "--param", parameter, "--format", "json"]);
        assert_eq!(ran.expect(0).json().len(), rows, "{parameter}");
    }
    let ran = run(&["query", &place.database, "price > $p", "--param", "p=100.5", "--format", "json"]);
    assert_eq!(ran.expect(0).json().len(), 1);
    let ran =
        run(&["query", &place.database, "last 2s", "--now", "1970-01-01T00:00:04Z", "--format", "json"]);
    assert_eq!(ran.expect(0).json().len(), 2);
}

#[test]
fn a_wrong_query_is_status_2_and_shows_the_place() {
    let place = desk();
    for (text, message, hint) in [
        ("level = error | tpo 5 message", "tpo", "top"),
        ("(symbol = AMZN", "(symbol = AMZN", ""),
        ("symbl = AMZN", "symbl", "symbol"),
        ("price > much", "much", "price"),
        ("symbol = $s", "$s", ""),
    ] {
        let ran = run(&["query", &place.database, text]).expect(2);
        assert!(ran.out.is_empty(), "{text}: {}", ran.out);
        assert!(ran.err.starts_with("error: ") && ran.err.contains("1 | "), "{text}: {}", ran.err);
        assert!(ran.err.contains(message) && ran.err.contains(hint), "{text}: {}", ran.err);
    }
    let ran = run(&["query", &place.database, "nobody = 1", "--allow-unknown-fields"]).expect(0);
    assert_eq!(ran.out, "");
    let ran = run(&["query", &place.database, "\u{1b}[31m = 1 | \u{202e}"]).expect(2);
    assert!(!ran.err.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.err);
}

#[test]
fn limits_are_status_1() {
    let place = Place::with_lines(&numbered_lines(0..20_000));
    let slow = "category = order | join (category = order) on category = category | stats count()";
    let ran = run(&["query", &place.database, slow, "--timeout", "200ms"]).expect(1);
    assert!(ran.err.contains("took longer than 200ms") && ran.out.is_empty(), "{}", ran.err);
    let ran = run(&["query", &place.database, "| sort n desc", "--memory", "100kb"]).expect(1);
    assert!(ran.err.contains("memory") && ran.out.is_empty(), "{}", ran.err);
}

#[test]
fn a_part_that_cannot_be_read_is_named_and_the_rest_is_shown() {
    let place =
        Place::with_lines(&(numbered_lines(0..1000) + "{\"ts\":5,\"category\":\"risk\",\"symbol\":\"R\"}\n"));
    let files = crate::run::files_under(std::path::Path::new(&place.database));
    let is_damaged = |file: &&std::path::PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("order-"))
    };
    let segment = files.iter().find(is_damaged).unwrap();
    let mut content = std::fs::read(segment).unwrap();
    let middle = content.len() / 2;
    content[64..middle].fill(0xa5);
    std::fs::write(segment, content).unwrap();
    let name = segment.file_name().unwrap().to_string_lossy();
    for format in ["table", "json", "csv", "text"] {
        let ran = run(&["query", &place.database, "| sort ts", "--format", format]).expect(1);
        assert!(ran.out.contains("R"), "{format}: {}", ran.out);
        assert!(ran.err.contains(&*name) && ran.err.contains("blotter verify"), "{format}: {}", ran.err);
    }
}

#[test]
fn wrong_options_are_status_2() {
    let place = desk();
    for (option, value, said) in [
        ("--tz", "America/NewYork", "did you mean America/New_York?"),
        ("--memory", "lots", "write 512MB"),
        ("--timeout", "30", "write 500ms"),
        ("--param", "x", "write name=value"),
        ("--now", "noon", "write 2026-01-02T14:30:00Z"),
        ("--format", "xml", "json"),
    ] {
        let ran = run(&["query", &place.database, "x", option, value]).expect(2);
        assert!(ran.err.contains(said), "{option}: {}", ran.err);
    }
}

#[test]
fn colours_come_when_asked_for() {
    let place = desk();
    let ran = run(&["query", &place.database, "level = error", "--color", "always"]).expect(0);
    assert!(ran.out.contains("\u{1b}[31merror\u{1b}[0m"), "{:?}", ran.out);
    let ran = run(&["get", &place.database, "AMZN", "--color", "always"]).expect(0);
    assert!(ran.out.contains("\u{1b}[31mERROR   \u{1b}[0m"), "{:?}", ran.out);
}

#[test]
fn rows_that_nobody_reads_end_the_query_quietly() {
    let place = Place::with_lines(&numbered_lines(0..20_000));
    for format in ["table", "json", "csv", "text"] {
        let mut child = start(&mut command(&["query", &place.database, "", "--format", format]));
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), err.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn tail_shows_the_latest_that_match() {
    let place = desk();
    let tail = |arguments: &[&str]| {
        let mut all = vec!["tail", &place.database];
        all.extend(arguments);
        run(&all)
    };
    let found = tail(&["symbol = AMZN", "-n", "5", "--format", "json"]).expect(0).json();
    assert_eq!(found.iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 2]);
    let found = tail(&["symbol = AMZN # these", "-n", "1"]).expect(0).out;
    assert!(
        found.starts_with("1970-01-01T00:00:03.500000000Z ERROR ") && found.lines().count() == 1,
        "{found}"
    );
    assert_eq!(tail(&["symbol = AMZN", "-n", "0"]).expect(0).out, "");
    let ran = tail(&["symbol = AMZN | head 1"]).expect(2);
    assert!(ran.err.contains("only a filter") && ran.err.contains("blotter query"), "{}", ran.err);
    tail(&["symbol ="]).expect(2);
    tail(&["symbl = AMZN"]).expect(2);
    tail(&["symbl = AMZN", "-f"]).expect(2);
}

#[test]
fn following_tests_each_event() {
    use std::io::Write;
    let place = Place::with_lines(&numbered_lines(0..10));
    let arguments =
        ["tail", &place.database, "n >= 5 order_id like \"A-*\"", "-n", "2", "-f", "--format", "json"];
    let mut tail = Ended(start(&mut command(&arguments)));
    let lines = lines_of(tail.0.stdout.take().unwrap());
    let next = || -> serde_json::Value {
        serde_json::from_str(&lines.recv_timeout(PATIENCE).expect("an event in time")).unwrap()
    };
    assert_eq!([&next()["n"], &next()["n"]], [8, 9]);
    let mut import = Ended(start(command(&["import", &place.database, "-"]).stdin(Stdio::piped())));
    let mut pipe = import.0.stdin.take().unwrap();
    pipe.write_all(numbered_lines(0..7).as_bytes()).unwrap();
    assert_eq!([&next()["n"], &next()["n"]], [5, 6]);
    drop(pipe);
    assert_eq!(import.0.wait().unwrap().code(), Some(0));
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = run(&["completions", shell]).expect(0).out;
        for name in ["query", "repl", "tail", "completions"] {
            assert!(script.contains(name), "{name} is missing for {shell}");
        }
    }
    run(&["completions", "tcsh"]).expect(2);
}

#[test]
fn the_example_of_sums_over_fills_finds_them() {
    let fill = r#"{"ts":1,"category":"fill","event":"order_filled","symbol":"AMZN","strategy":"maker","fill_price":223.80,"fill_quantity":21}"#;
    let place = Place::with_lines(&format!("{fill}\n"));
    let help = run(&["help", "query"]).expect(0).out;
    let example = help.split('\'').find(|text| text.contains("category = fill")).unwrap();
    check(
        &place,
        &[example, "--format", "csv"],
        "strategy,sum_fill_quantity,avg_fill_price\r\nmaker,21,223.8\r\n",
    );
}
