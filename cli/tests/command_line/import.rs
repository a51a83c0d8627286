//! `import`: files, pipes, compression, bad lines, a second writer.

use std::io::Write;
use std::process::Stdio;

use crate::run::{Ended, Place, command, numbered_lines, run, run_with_input, start, wait_for};

#[test]
fn what_is_imported_is_found_with_every_digit() {
    let place = Place::with_lines(concat!(
        r#"{"timestamp":"2026-01-02T09:30:00.123456789-05:00","category":"FILL","level":"Warning","event_type":"order_filled","#,
        r#""data":{"order_id":77,"price":1.50e2,"quantity":10,"fee":0.0350,"tags":["a", "b"],"ok":true,"none":null}}"#,
        "\n"
    ));
    let found = run(&["get", &place.database, "77", "--format", "json"]).expect(0).json();
    // Compared as JSON with numbers as text: a sealed event has its fields in another order, and every digit.
    let expected: serde_json::Value = serde_json::from_str(concat!(
        r#"{"ts":"2026-01-02T14:30:00.123456789Z","seq":0,"producer":1,"pseq":0,"category":"fill","level":"warn","#,
        r#""event":"order_filled","order_id":"77","price":150,"quantity":10,"fee":0.0350,"tags":"[\"a\",\"b\"]","ok":true}"#,
    ))
    .unwrap();
    assert_eq!(found, [expected]);
    // An event without a name has none afterwards either.
    let place =
        Place::with_lines("{\"ts\":1,\"symbol\":\"X\"}\n{\"ts\":2,\"symbol\":\"X\",\"event\":\"\"}\n");
    let found = run(&["get", &place.database, "X", "--format", "json"]).expect(0).json();
    assert_eq!((found[0].get("event"), found[1].get("event").unwrap().as_str()), (None, Some("")));
    assert_eq!(found[0]["category"], "raw");
}

#[test]
fn bad_lines_are_reported_counted_and_do_not_stop_it() {
    let place = Place::new();
    let mut content = numbered_lines(0..2).into_bytes();
    content.extend_from_slice(b"{\"ts\":1,\"x\":1e99}\r\n\n   \nnot json\n\xff\n{\"ts\":1,\"a\":\"\0\"}\n");
    content.extend_from_slice(format!("{{\"ts\":1,\"order_id\":\"{}\"}}\n", "x".repeat(257)).as_bytes());
    content.extend_from_slice(format!("{{\"ts\":1,\"{}\":1}}\n", "k".repeat(200)).as_bytes());
    content.extend_from_slice(format!("{{\"ts\":1,\"{}\"}}\n", "y".repeat(1024 * 1024)).as_bytes());
    content.extend_from_slice(b"{\"ts\":1,\"symbol\":\"last\"}");
    let file = place.file("mixed.jsonl", content);
    for dry_run in [true, false] {
        let mut arguments = vec!["import", place.database.as_str(), file.as_str()];
        arguments.extend(dry_run.then_some("--dry-run"));
        let ran = run(&arguments).expect(1);
        for (line, reason) in [
            (3, "field 'x': 1e99 does not fit"),
            (6, "column 1: expected a JSON object"),
            (7, "column 1: not UTF-8"),
            (8, "control character"),
            (9, "field 'order_id' has 257 bytes, the limit is 256"),
            (10, "is not a field name"),
            (11, "the line has 1048587 bytes, the limit is 1048576"),
        ] {
            let place = format!("{file}:{line}: ");
            let report = ran.err.lines().find(|report| report.starts_with(&place));
            assert!(report.is_some_and(|report| report.contains(reason)), "{line}: {reason}\n{}", ran.err);
        }
        assert!(
            ran.err.contains("3 events re") && ran.err.contains("7 bad lines, 2 blank lines"),
            "{}",
            ran.err
        );
        assert!(ran.out.is_empty());
        assert_eq!(std::path::Path::new(&place.database).exists(), !dry_run);
    }
    run(&["get", &place.database, "last"]).expect(0);
    let stats = run(&["stats", &place.database, "--format", "json"]).expect(0).json();
    assert_eq!(stats[0]["events"], 3);
}

#[test]
fn twenty_bad_lines_are_shown_and_the_rest_counted() {
    let place = Place::new();
    let ran = run_with_input(&["import", &place.database, "-"], &b"bad\n".repeat(50)).expect(1);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("stdin:")).count(), 20);
    assert!(ran.err.contains("... and 30 more bad lines, not shown"), "{}", ran.err);
    assert!(ran.err.contains("0 events recorded, 50 bad lines"), "{}", ran.err);
}

#[test]
fn files_may_be_many_and_compressed() {
    let place = Place::new();
    let plain = place.file("0.jsonl", numbered_lines(0..10));
    let zstd = place.file("1.jsonl.zst", zstd::encode_all(numbered_lines(10..20).as_bytes(), 3).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(numbered_lines(20..30).as_bytes()).unwrap();
    let gzip = place.file("2.log", gzip.finish().unwrap());
    let ran = run_with_input(
        &["import", &place.database, &plain, &zstd, &gzip, "-"],
        &zstd::encode_all(numbered_lines(30..40).as_bytes(), 3).unwrap(),
    );
    ran.expect(0);
    let found = run(&["tail", &place.database, "-n", "1000", "--format", "json"]).expect(0).json();
    let numbers: Vec<u64> = found.iter().map(|event| event["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_read_is_named_and_what_was_read_counts() {
    let place = Place::new();
    let ran = run(&["import", &place.database, "/nowhere/at.all"]).expect(1);
    assert!(ran.err.contains("error: cannot open /nowhere/at.all"), "{}", ran.err);
    assert!(!std::path::Path::new(&place.database).exists(), "an empty database was left behind");

    // Lines that no compressor takes for one another, so that half of them come out of half of the file.
    let lines: String = (0..200_000u64)
        .map(|n| format!("{{\"ts\":{n},\"x\":{}}}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2))
        .collect();
    let whole = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    let cut = place.file("cut.jsonl.zst", &whole[..whole.len() / 2]);
    let ran = run(&["import", &place.database, &cut]).expect(1);
    assert!(ran.err.contains("error: cannot read") && ran.err.contains("cut.jsonl.zst"), "{}", ran.err);
    let stats = run(&["stats", &place.database, "--format", "json"]).expect(0).json();
    assert!(stats[0]["events"].as_u64().unwrap() > 1_000, "{:?}", stats[0]);
}

#[test]
fn a_pipe_is_recorded_as_its_lines_come() {
    let place = Place::new();
    let mut import = Ended(start(command(&["import", &place.database, "-"]).stdin(Stdio::piped())));
    let mut pipe = import.0.stdin.take().unwrap();
    for n in 0..3 {
        pipe.write_all(numbered_lines(n..n + 1).as_bytes()).unwrap();
        let id = format!("A-{n}");
        // The pipe stays open: nothing but the line itself makes it visible.
        wait_for("a line to be recorded", || (run(&["get", &place.database, &id]).status == 0).then_some(()));
    }
    // Meanwhile nobody else may write.
    let ran = run_with_input(&["import", &place.database, "-"], b"").expect(1);
    assert!(ran.err.contains("is open for writing by"), "{}", ran.err);
    assert!(ran.err.contains(&import.0.id().to_string()), "the holder is not named: {}", ran.err);
    drop(pipe);
    assert_eq!(import.0.wait().unwrap().code(), Some(0));
}

#[test]
fn levels_that_are_turned_off_are_said_not_to_be_recorded() {
    let place = Place::new();
    let file = place.file("a.jsonl", numbered_lines(0..5) + "{\"ts\":1,\"level\":\"error\"}\n");
    let mut program = command(&["import", &place.database, &file]);
    let output = program.env("BLOTTER_LEVEL", "warn").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("5 events not recorded: BLOTTER_LEVEL"), "{err}");
    assert!(err.contains("1 events recorded"), "{err}");
}

#[test]
fn lobster_messages_become_the_lives_of_orders() {
    let place = Place::new();
    let file = place.file(
        "AMZN_message.csv",
        "34200.18960767,1,11885113,21,2238100,1\n34200.19022648,4,11885113,21,2238100,1\n34201,9,1,1,1,1\n",
    );
    let arguments =
        ["import", &place.database, &file, "--format", "lobster", "--symbol", "AMZN", "--date", "2012-06-21"];
    let ran = run(&arguments).expect(1);
    assert!(ran.err.contains(":3: column 2: 9 is not a message type"), "{}", ran.err);
    let found = run(&["get", &place.database, "20120621-AMZN-11885113", "--format", "json"]).expect(0).json();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["ts"], "2012-06-21T13:30:00.189607670Z");
    assert_eq!(found[1]["event"], "order_filled");
    assert_eq!(found[1]["lifecycle_ms"].to_string(), "0.61881");
}

#[test]
fn a_hummingbot_log_is_summed_up_line_by_line() {
    let place = Place::new();
    let log = "tail of a traceback\n\
        2022-11-14 06:55:34,001 - 45 - a.b - ERROR - Failed to cancel order SEGUT05\n\
        Traceback (most recent call last):\n\
        KeyError: 'data'\n\
        2022-13-14 06:55:34,001 - 45 - a.b - INFO - no such day\n\
        2022-11-14 06:55:35,001 - 45 - a.b - EVENT_LOG - {cut\n";
    let file = place.file("bot.log.zst", zstd::encode_all(log.as_bytes(), 3).unwrap());
    let arguments = ["import", &place.database, &file, "--format", "hummingbot", "--tz", "Europe/Paris"];
    let ran = run(&arguments).expect(1);
    for part in [
        "bot.log.zst:1: it does not begin with 'YYYY-MM-DD HH:MM:SS,mmm - PID - LOGGER - LEVEL - '",
        "bot.log.zst:5: \"2022-13-14 06:55:34,001\": there is no such date or time of day",
        "bot.log.zst:6: kept, but its EVENT_LOG could not be read: column 2",
        "2 events recorded, 2 bad lines, 2 continuation lines, 1 records in doubt, of 6 lines",
    ] {
        assert!(ran.err.contains(part), "{part}\n{}", ran.err);
    }
    let found = run(&["get", &place.database, "SEGUT05", "--format", "json"]).expect(0).json();
    assert_eq!(found[0]["ts"], "2022-11-14T05:55:34.001000000Z");
    assert_eq!(found[0]["backtrace"], "Traceback (most recent call last):\nKeyError: 'data'");
}

#[test]
fn what_an_engine_refuses_counts_as_bad() {
    let place = Place::new();
    let id = "x".repeat(257);
    let log = format!(
        "8=FIX.4.2|9=5|35=D|52=20180223-19:16:24|11={id}|10=000|\n8=FIX.4.2|9=39|35=0|34=1|52=20180223-19:16:24|10=000|\n"
    );
    let ran = run_with_input(&["import", &place.database, "-", "--format", "fix"], log.as_bytes()).expect(1);
    assert!(ran.err.contains("stdin:1: field 'order_id' has 257 bytes, the limit is 256"), "{}", ran.err);
    assert!(
        ran.err.contains("1 events recorded, 1 bad lines, 2 records in doubt, of 2 lines"),
        "{}",
        ran.err
    );
}

#[test]
fn a_wrong_mapping_is_refused_before_anything_is_recorded() {
    let place = Place::new();
    let file = place.file("a.csv", "time,price\n1,2\n");
    let wrong =
        place.file("wrong.toml", "[source]\nkind = \"csv\"\ndelimitr = \";\"\n[time]\ncolumn = \"time\"\n");
    let import = |options: &[&str]| {
        let arguments = [&["import", place.database.as_str(), file.as_str()], options].concat();
        run(&arguments)
    };
    let ran = import(&["--format", "csv", "--mapping", &wrong]).expect(2);
    assert!(
        ran.err.contains("wrong.toml:3: there is no setting 'delimitr'; did you mean delimiter?"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("the format of [time] is missing; hint: format = "), "{}", ran.err);
    let ran = import(&["--format", "csv", "--mapping", "/nowhere.toml"]).expect(1);
    assert!(ran.err.contains("cannot read /nowhere.toml"), "{}", ran.err);
    import(&["--format", "csv"]).expect(2);
    import(&["--mapping", &wrong]).expect(2);
    import(&["--tz", "UTC"]).expect(2);
    import(&["--format", "fix", "--symbol", "X"]).expect(2);
    assert!(!std::path::Path::new(&place.database).exists());

    let right = place
        .file("right.toml", "[source]\nkind = \"csv\"\n[time]\ncolumn = \"time\"\nformat = \"epoch_s\"\n");
    let ran = import(&["--format", "csv", "--mapping", &right]).expect(0);
    assert!(ran.err.contains("1 events recorded, 0 bad lines, 1 header lines, of 2 lines"), "{}", ran.err);
    let other = place.file("other.csv", "moment,price\n1,2\n");
    let ran = run(&["import", &place.database, &other, "--format", "csv", "--mapping", &right]).expect(2);
    assert!(
        ran.err.contains("right.toml:4: there is no column 'time'; there are moment, price"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("0 events recorded, 0 bad lines, of 0 lines"), "{}", ran.err);
}

#[test]
fn records_over_lines_that_cannot_be_read_are_not_whole() {
    let place = Place::new();
    let log =
        b"2022-11-14 06:55:34,001 - 45 - a.b - ERROR - x\nTraceback (most recent call last):\n\xff\nE: y\n";
    let ran = run_with_input(&["import", &place.database, "-", "--format", "hummingbot"], log).expect(1);
    assert!(ran.err.contains("stdin:3: column 1: not UTF-8"), "{}", ran.err);
    assert!(
        ran.err.contains("1 events recorded, 1 bad lines, 2 continuation lines, of 4 lines"),
        "{}",
        ran.err
    );
    let found = run(&["query", &place.database, "category = error", "--format", "json"]).expect(0).json();
    let backtrace = found[0]["backtrace"].as_str().unwrap();
    assert!(backtrace.contains("\n[line 3 of the file could not be read]\nE: y"), "{backtrace}");

    let mapping = place.file(
        "m.toml",
        "[source]\nkind = \"csv\"\ncolumns = [\"t\", \"x\"]\n[time]\ncolumn = \"t\"\nformat = \"epoch_s\"\n",
    );
    let arguments = ["import", &place.database, "-", "--format", "csv", "--mapping", &mapping];
    let ran = run_with_input(&arguments, b"1,\"a\n\xff\nb\"\n2,c\n").expect(1);
    assert!(
        ran.err.contains("stdin:1: line 2, which this record goes on over, could not be read"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("1 events recorded, 3 bad lines, of 4 lines"), "{}", ran.err);
}
