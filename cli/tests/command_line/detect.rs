//! `detect` and `watch`: what looks wrong is found, with its events; beside an engine, or when nobody records.

use blotter::event::OrderStatus;
use blotter::{Db, RecorderOptions};

use crate::run::{Ended, PATIENCE, Place, command, lines_of, run, start};

/// Six rejections for one reason, a second apart, and an error.
fn place() -> Place {
    let line = |n: u64| {
        format!(
            "{{\"ts\":\"2026-01-05T14:30:0{n}Z\",\"category\":\"order\",\"level\":\"warn\",\"event\":\"order_rejected\",\
             \"order_id\":\"A-{n}\",\"status\":\"rejected\",\"strategy\":\"momentum\",\"reason\":\"no \\u001b[31mcredit\"}}\n"
        )
    };
    let mut lines: String = (0..6).map(line).collect();
    lines += "{\"ts\":\"2026-01-05T14:31:00Z\",\"category\":\"error\",\"level\":\"error\",\"event\":\"api_error\"}\n";
    Place::with_lines(&lines)
}

#[test]
fn findings_name_their_events_in_every_format_and_decide_the_status() {
    let place = place();
    let found = run(&["detect", &place.database]).expect(1);
    assert_eq!(found.out.lines().count(), 1, "{}", found.out);
    assert!(
        found.out.starts_with("2026-01-05T14:30:00.000Z error repeated_rejections: 6 orders of momentum")
    );
    assert!(found.out.contains("(6 events, seq 0 to 5)") && !found.out.contains('\u{1b}'), "{}", found.out);
    let json = run(&["detect", &place.database, "--format", "json"]).expect(1).json();
    assert_eq!((&json[0]["rule"], &json[0]["count"]), (&"repeated_rejections".into(), &6.into()));
    assert_eq!(json[0]["seqs"], serde_json::json!([0, 1, 2, 3, 4, 5]));
    assert_eq!(json[0]["subject"]["strategy"], "momentum");
    let csv = run(&["detect", &place.database, "--format", "csv"]).expect(1).out;
    assert!(
        csv.starts_with("first_ts,last_ts,level,rule,subject,finding,count,first_seq,last_seq,seqs"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 2);
    let check = |arguments: &[&str], status: i32, findings: usize| {
        let all: Vec<&str> = ["detect", place.database.as_str()].iter().chain(arguments).copied().collect();
        let ran = run(&all).expect(status);
        assert_eq!(ran.out.lines().count(), findings, "{arguments:?}: {}", ran.out);
        ran
    };
    check(&["--level", "critical"], 0, 0);
    check(&["--only", "silence", "dust"], 0, 0);
    check(&["strategy = pairs"], 0, 0);
    check(&["strategy = momentum", "--date", "2026-01-05"], 1, 1);
    check(&["--date", "2026-01-06"], 0, 0);
    check(&["--since", "2026-01-05T14:30:02Z", "--until", "2026-01-05T15:00:00Z"], 0, 0);
    check(&["--define", "errors = level >= error, count >= 1"], 1, 2);
    check(&["--define", "errors = level >= error, count > 1", "--only", "errors"], 0, 0);
    let rules = place.file("rules", "# ours\n\ndetector errors = level >= error, count >= 1\n");
    check(&["--detectors", &rules, "--only", "errors"], 1, 1);
    let config =
        place.file("c.toml", "[detectors.repeated_rejections]\ncount = 7\n[actions.x]\nkind = \"log\"\n");
    check(&["--config", &config], 0, 0);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let place = place();
    let config = place.file("c.toml", "[detectors.silense]\n[detectors.dust]\nbelow = \"x\"\n");
    let rules = place.file("rules", "\ndetector errors = level >=, count >= 1\n");
    for (arguments, said) in [
        (
            vec!["--config", config.as_str()],
            "c.toml:1: there is no detector 'silense'; did you mean 'silence'?",
        ),
        (vec!["--config", config.as_str()], "c.toml:3: below: write a number"),
        (vec!["--detectors", rules.as_str()], "line 2: "),
        (
            vec!["--define", "errors = level >= error"],
            "a detector is written: detector name = QUERY, THRESHOLD",
        ),
        (vec!["--only", "silense"], "did you mean 'silence'?"),
        (vec!["levl >= error"], "did you mean 'level'?"),
        (vec!["level >= error | limit 1"], "a stage cannot stand here"),
        (vec!["--date", "05.01.2026"], "write 2026-01-05, today or yesterday"),
        (vec!["--level", "loud"], "is not a level"),
    ] {
        let all: Vec<&str> = ["detect", place.database.as_str()].iter().chain(&arguments).copied().collect();
        let ran = run(&all).expect(2);
        assert!(ran.err.contains(said), "{arguments:?}: {}", ran.err);
    }
    run(&["detect", &format!("{}x", place.database)]).expect(1);
    let defaults = run(&["detect", "--defaults"]).expect(0).out;
    let file = place.file("defaults.toml", &defaults);
    run(&["detect", &place.database, "--config", &file]).expect(1);
    run(&["watch", &place.database, "--config", &file, "--check"]).expect(0);
    let timed = place.file("t.toml", "[define]\nerrors = \"level >= error last 5m, count > 1\"\n");
    for command in [["detect", "--config", &timed, "--"], ["watch", "--check", "--config", &timed]] {
        let all: Vec<&str> = command.into_iter().chain([place.database.as_str()]).collect();
        let ran = run(&all).expect(2);
        assert!(
            ran.err.contains("t.toml:2: the time that a rule looks at is its window at 1:16"),
            "{}",
            ran.err
        );
    }
    let unheard = place.file("u.toml", "[define]\nerrors = \"levl = error, count > 1\"\n");
    let ran = run(&["watch", &place.database, "--config", &unheard, "--check"]).expect(0);
    assert!(ran.err.contains("no event has the field 'levl' so far"), "{}", ran.err);
    let wrong = place.file("w.toml", "[rules.silense]\n[actions.x]\nkind = \"mail\"\n");
    let ran = run(&["watch", &place.database, "--config", &wrong, "--check"]).expect(2);
    assert!(ran.err.contains("w.toml:1:") && ran.err.contains("w.toml:2:"), "{}", ran.err);
}

#[test]
fn a_watch_beside_an_engine_prints_alerts_and_has_them_recorded() {
    let place = Place::new();
    let db = Db::open(&place.database).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().strategy("momentum")).unwrap();
    let config = place.file("c.toml", "[actions.record]\nkind = \"log\"\n");
    let arguments = ["watch", &place.database, "--config", &config, "--from-start", "--format", "json"];
    let mut watch = Ended(start(&mut command(&arguments)));
    let lines = lines_of(watch.0.stdout.take().unwrap());
    let said = lines_of(watch.0.stderr.take().unwrap());
    let first = said.recv_timeout(PATIENCE).expect("where it begins");
    assert!(first.ends_with("from seq 0 on, from the start, as there is no state yet"), "{first}");
    for n in 0..5 {
        let order = recorder.order(OrderStatus::Rejected).order_id(&format!("A-{n}"));
        assert!(order.field("reason", "no credit").emit().is_accepted());
    }
    db.flush().unwrap();
    let line = lines.recv_timeout(PATIENCE).expect("an alert in time");
    let alert: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&alert["alert"], &alert["rule"]), (&1.into(), &"repeated_rejections".into()));
    crate::run::wait_for("the event", || {
        let found = run(&["query", &place.database, "event = alert", "--format", "json"]);
        (found.status == 0 && !found.out.is_empty()).then_some(found)
    });
    let second = run(&["watch", &place.database]).expect(1);
    assert!(second.err.contains("another watch keeps its state in"), "{}", second.err);
    drop(watch);
    let verified = run(&["verify", &place.database]).expect(0);
    assert!(!verified.out.contains("watch"), "{}", verified.out);
}

#[cfg(unix)]
#[test]
fn an_interrupted_watch_says_how_many_actions_wait() {
    let place = place();
    let config = place.file(
        "c.toml",
        "[actions.pager]\nkind = \"command\"\ncommand = [\"/bin/sleep\", \"1000\"]\ntimeout = \"1h\"\n",
    );
    let mut watch =
        Ended(start(&mut command(&["watch", &place.database, "--config", &config, "--from-start"])));
    let lines = lines_of(watch.0.stdout.take().unwrap());
    let said = lines_of(watch.0.stderr.take().unwrap());
    lines.recv_timeout(PATIENCE).expect("an alert in time");
    let id = rustix::process::Pid::from_child(&watch.0);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert!(watch.0.wait().unwrap().success());
    let said: Vec<String> = said.iter().collect();
    assert_eq!(said.last().unwrap(), "1 action waits, and is done by the next watch", "{said:?}");
}
