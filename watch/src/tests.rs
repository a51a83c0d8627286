//! A watch beside an engine, its restarts, and what becomes of its actions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use blotter_engine::event::Level;
use blotter_engine::{Db, Predicate, Reader, Recorder, RecorderOptions};
use blotter_query::desk::detect::OwnDetector;
use blotter_query::{Queryable, Row};

use crate::{Action, ActionKind, Alert, Begins, Error, Rule, Watch, WatchConfig, WatchOptions};

/// Longest wait for anything: far beyond what it takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.blotter");
        Place { _dir: dir, path }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap().join(name)
    }
}

/// Only rules of your own, each with a threshold of three events with its name.
fn config(rules: &[&str], actions: Vec<Action>) -> WatchConfig {
    let mut config = WatchConfig { actions, ..WatchConfig::default() };
    config.detect.settings.only(&[] as &[&str]).unwrap();
    for name in rules {
        config.rules.push(Rule {
            name: (*name).to_owned(),
            query: Some(OwnDetector::new(name, &format!("event = {name}"), "count >= 3").unwrap()),
            cool_down: None,
            window: None,
            every: None,
            actions: None,
        });
    }
    config
}

fn told(options: WatchOptions) -> (WatchOptions, Receiver<Alert>) {
    let (sender, alerts) = channel();
    let options = options
        .on_alert(move |alert| sender.send(alert.clone()).unwrap_or_default())
        .on_note(|note| println!("note: {note}"));
    (options, alerts)
}

fn emit(db: &Db, recorder: &mut Recorder, name: &str, count: usize) {
    for _ in 0..count {
        assert!(recorder.system(name).strategy("momentum").emit().is_accepted());
    }
    db.flush().unwrap();
}

fn engine(place: &Place) -> (Db, Recorder) {
    let db = Db::open(&place.path).unwrap();
    let recorder = db.recorder(RecorderOptions::new()).unwrap();
    (db, recorder)
}

#[track_caller]
fn next(alerts: &Receiver<Alert>) -> Alert {
    alerts.recv_timeout(PATIENCE).expect("an alert in time")
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Until the watch has looked at everything.
fn settle(watch: &Watch, db: &Db) {
    let end = db.snapshot().unwrap().next_seq().0;
    wait_until("the watch", || watch.statistics().next_seq >= end);
}

#[test]
fn alerts_are_raised_once_and_recorded_and_do_not_call_forth_themselves() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let mut config = config(&["bang"], vec![Action::new("log", ActionKind::Log)]);
    // One that would see the alerts themselves.
    let any = OwnDetector::new("any_alert", "event = alert or event = never", "count >= 1").unwrap();
    let rule = Rule { name: "any_alert".into(), query: Some(any), ..config.rules[0].clone() };
    config.rules.push(rule);
    for in_process in [true, false] {
        let (options, alerts) = told(WatchOptions::new(config.clone()).state(place.file("state.json")));
        let watch = match in_process {
            true => Watch::start(&db, options).unwrap(),
            false => Watch::follow(&place.path, options).unwrap(),
        };
        emit(&db, &mut recorder, "bang", 2);
        if in_process {
            emit(&db, &mut recorder, "bang", 10);
            let alert = next(&alerts);
            assert_eq!((alert.finding.rule.as_str(), alert.finding.events.count), ("bang", 3));
        }
        settle(&watch, &db);
        wait_until("the action", || watch.statistics().pending == 0);
        settle(&watch, &db);
        assert!(alerts.try_recv().is_err(), "it cools down");
        let seen = watch.statistics();
        assert_eq!((seen.alerts, seen.failed, seen.notes), (1, 0, Vec::<String>::new()));
        watch.stop().unwrap();
    }
    let rows: Vec<Row> =
        db.query("category = system event = alert").unwrap().collect::<Result<_, _>>().unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.get("rule").as_str(), row.get("count").as_i64()), (Some("bang"), Some(3)));
    assert_eq!(row.get("level").as_level(), Some(Level::Warn));
    assert!(row.get("first_seq").as_i64() < row.get("last_seq").as_i64());
}

#[test]
fn an_alert_of_another_process_is_recorded_by_whoever_may() {
    let config = config(&["bang"], vec![Action::new("log", ActionKind::Log)]);
    for has_owner in [true, false] {
        let place = Place::new();
        let (db, mut recorder) = engine(&place);
        emit(&db, &mut recorder, "bang", 3);
        let mut engine = Some((db, recorder));
        if !has_owner {
            drop(engine.take());
        }
        let (options, alerts) = told(WatchOptions::new(config.clone()).from_start(true));
        let watch = Watch::follow(&place.path, options).unwrap();
        next(&alerts);
        wait_until("the action", || watch.statistics().alerts == 1 && watch.statistics().pending == 0);
        let seen = watch.statistics();
        assert_eq!((seen.failed, &seen.notes), (0, &Vec::new()));
        watch.stop().unwrap();
        let snapshot = Reader::open(&place.path).unwrap().snapshot().unwrap();
        let found = snapshot
            .scan(&Predicate::all().equals("event", "alert"), &blotter_engine::segment::Projection::all());
        assert_eq!(found.count(), 1);
        drop(engine);
    }
}

#[test]
fn a_cool_down_counts_what_it_holds_back_and_is_of_one_subject() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let mut config = config(&[], Vec::new());
    let own = OwnDetector::new("bang", "event = bang | stats count() by strategy", "count >= 2").unwrap();
    config.detect.own.push(own);
    config.rules.push(Rule {
        name: "bang".into(),
        query: None,
        cool_down: Some(Duration::from_secs(10)),
        window: Some(Duration::from_secs(1)),
        every: None,
        actions: None,
    });
    let (options, alerts) = told(WatchOptions::new(config));
    let watch = Watch::start(&db, options).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as i64;
    let mut bang = |at_s: i64, strategy: &str| {
        let at = blotter_engine::event::Timestamp(now + at_s * 1_000_000_000);
        (0..2).for_each(|_| assert!(recorder.system("bang").at(at).strategy(strategy).emit().is_accepted()));
        db.flush().unwrap();
    };
    for (at_s, strategy) in [(0, "a"), (2, "b"), (4, "a"), (6, "a"), (10, "a"), (13, "b")] {
        bang(at_s, strategy);
    }
    let found: Vec<(String, u64)> = (0..4)
        .map(|_| {
            let alert = next(&alerts);
            (alert.finding.subject_text(), alert.suppressed)
        })
        .collect();
    let expected = [("strategy=a", 0), ("strategy=b", 0), ("strategy=a", 2), ("strategy=b", 0)];
    assert_eq!(found, expected.map(|(subject, count)| (subject.to_owned(), count)));
    settle(&watch, &db);
    assert!(alerts.try_recv().is_err());
    watch.stop().unwrap();
}

#[test]
fn a_watch_goes_on_where_it_ended_and_says_nothing_twice() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let state = place.file("state.json");
    let options = || told(WatchOptions::new(config(&["one", "two"], Vec::new())).state(&state));
    emit(&db, &mut recorder, "one", 5);
    let (first, alerts) = options();
    let watch = Watch::start(&db, first).unwrap();
    // What was recorded before the first watch is not looked at.
    emit(&db, &mut recorder, "two", 2);
    settle(&watch, &db);
    assert!(matches!(Watch::start(&db, options().0), Err(Error::Watched { .. })));
    watch.stop().unwrap();
    assert!(alerts.try_recv().is_err());
    // Recorded while nobody watches: the third of two.
    emit(&db, &mut recorder, "two", 1);
    let (second, alerts) = options();
    let watch = Watch::start(&db, second).unwrap();
    assert_eq!(next(&alerts).finding.rule, "two");
    watch.stop().unwrap();
    let (third, alerts) = options();
    let watch = Watch::start(&db, third).unwrap();
    emit(&db, &mut recorder, "two", 1);
    emit(&db, &mut recorder, "one", 3);
    assert_eq!(next(&alerts).finding.rule, "one");
    settle(&watch, &db);
    assert!(alerts.try_recv().is_err());
    watch.stop().unwrap();
    // More than is caught up with is passed over, and that is told.
    emit(&db, &mut recorder, "two", 50);
    let few = WatchConfig { catch_up_events: 10, ..config(&["one", "two"], Vec::new()) };
    let watch = Watch::start(&db, WatchOptions::new(few).state(&state)).unwrap();
    settle(&watch, &db);
    wait_until("the note", || !watch.statistics().notes.is_empty());
    let seen = watch.statistics();
    assert!(seen.notes[0].contains("the first 40 of them are passed over"), "{seen:?}");
    assert_eq!(seen.events, 10);
    watch.stop().unwrap();
}

#[test]
fn detectors_go_on_with_what_they_knew() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let state = place.file("state.json");
    let mut config = config(&[], Vec::new());
    config.detect.settings.only(&["repeated_rejections"]).unwrap();
    let reject = |recorder: &mut Recorder, count: usize| {
        for _ in 0..count {
            let order = recorder.order(blotter_engine::event::OrderStatus::Rejected);
            assert!(
                order.order_id("A-1").strategy("momentum").field("reason", "collar").emit().is_accepted()
            );
        }
        db.flush().unwrap();
    };
    for is_last in [false, true] {
        let (options, alerts) = told(WatchOptions::new(config.clone()).state(&state));
        let watch = Watch::start(&db, options).unwrap();
        reject(&mut recorder, if is_last { 2 } else { 3 });
        settle(&watch, &db);
        watch.stop().unwrap();
        let found: Vec<String> = alerts.try_iter().map(|alert| alert.finding.rule).collect();
        assert_eq!(found, if is_last { vec!["repeated_rejections".to_owned()] } else { Vec::new() });
    }
}

#[test]
fn queries_that_do_more_than_count_are_run_again_and_again() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let mut config = config(&[], Vec::new());
    let own =
        OwnDetector::new("slow", "| stats max(latency_us) by strategy", "max_latency_us > 5ms").unwrap();
    config.detect.own.push(own);
    config.every = Duration::from_millis(50);
    let (options, alerts) = told(WatchOptions::new(config));
    let watch = Watch::start(&db, options).unwrap();
    recorder.performance("probe").strategy("momentum").latency_us(9_000).emit();
    db.flush().unwrap();
    let alert = next(&alerts);
    assert_eq!(alert.finding.subject_text(), "strategy=momentum");
    watch.stop().unwrap();
}

#[test]
fn a_query_that_goes_on_passing_is_told_once_also_over_restarts() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let mut config = config(&[], Vec::new());
    let own =
        OwnDetector::new("slow", "| stats max(latency_us) by strategy", "max_latency_us > 5ms").unwrap();
    config.detect.own.push(own);
    (config.every, config.cool_down) = (Duration::from_millis(20), Duration::from_millis(1));
    config.window = Duration::from_secs(1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as i64;
    let mut probe = |at_ms: i64, latency_us: u64| {
        let at = blotter_engine::event::Timestamp(now + at_ms * 1_000_000);
        let event = recorder.performance("probe").at(at).strategy("momentum").latency_us(latency_us);
        assert!(event.emit().is_accepted());
        db.flush().unwrap();
    };
    for is_first in [true, false] {
        let (options, alerts) = told(WatchOptions::new(config.clone()).state(place.file("state.json")));
        let watch = Watch::start(&db, options).unwrap();
        if is_first {
            probe(0, 9_000);
            next(&alerts);
        }
        for step in 0..5 {
            probe(if is_first { 0 } else { 100 } + step * 10, 1);
            std::thread::sleep(Duration::from_millis(60));
        }
        settle(&watch, &db);
        assert!(alerts.try_recv().is_err(), "it goes on");
        if !is_first {
            // Not within the window any more, and then again.
            probe(5_000, 1);
            std::thread::sleep(Duration::from_millis(500));
            assert!(alerts.try_recv().is_err(), "it is over");
            probe(5_100, 9_000);
            assert_eq!(next(&alerts).finding.rule, "slow");
        }
        watch.stop().unwrap();
    }
}

#[test]
fn a_subject_of_any_name_is_recorded_and_what_is_refused_is_not_tried_again() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let actions = ["log", "again"].map(|name| Action::new(name, ActionKind::Log)).to_vec();
    let mut config = config(&[], actions);
    let query = "category = system event = bang | stats count() as cnt by event, rule, subject_rule";
    config.detect.own.push(OwnDetector::new("bang", query, "cnt > 0").unwrap());
    config.every = Duration::from_millis(20);
    let (options, alerts) = told(WatchOptions::new(config));
    let watch = Watch::start(&db, options).unwrap();
    let bang = recorder.system("bang").field("rule", "r").field("subject_rule", "s");
    assert!(bang.emit().is_accepted());
    db.flush().unwrap();
    next(&alerts);
    wait_until("the action", || watch.statistics().alerts == 1 && watch.statistics().pending == 0);
    let seen = watch.stop().unwrap();
    // One of two that write the log is refused for good.
    let failed = seen.notes.iter().find(|note| note.contains("failed:")).unwrap();
    assert!(seen.failed == 1 && failed.contains("again failed") && !failed.contains("tried"), "{seen:?}");
    let rows: Vec<Row> = db.query("event = alert").unwrap().collect::<Result<_, _>>().unwrap();
    let text = |name: &str| rows[0].get(name).as_str().map(str::to_owned);
    assert_eq!((text("rule").as_deref(), text("subject_event").as_deref()), (Some("bang"), Some("bang")));
    let both = [text("subject_rule"), text("subject_subject_rule")];
    assert_eq!(both, [Some("r".to_owned()), Some("s".to_owned())]);
}

#[test]
fn a_state_of_another_database_is_told_of_and_begun_anew() {
    let (one, other) = (Place::new(), Place::new());
    let state = one.file("state.json");
    let (db, mut recorder) = engine(&one);
    emit(&db, &mut recorder, "bang", 2);
    let options = || WatchOptions::new(config(&["bang"], Vec::new())).state(&state).from_start(true);
    let begun = |db: &Db, text: &str, first_seq: u64, begins: Begins| {
        let watch = Watch::start(db, options()).unwrap();
        settle(&watch, db);
        let seen = watch.stop().unwrap();
        assert_eq!((seen.first_seq, seen.begins), (first_seq, begins), "{seen:?}");
        match text {
            "" => assert_eq!(seen.notes, Vec::<String>::new()),
            text => assert!(seen.notes[0].contains(text), "{seen:?}"),
        }
    };
    begun(&db, "", 0, Begins::FromStart);
    let end = db.snapshot().unwrap().next_seq().0;
    begun(&db, "", end, Begins::FromState);
    let (another, mut recorder) = engine(&other);
    emit(&another, &mut recorder, "bang", 10);
    let checked = Watch::check(&other.path, &options()).unwrap();
    assert!(checked[0].contains("is of another database ("), "{checked:?}");
    begun(&another, "is of another database (", 0, Begins::FromStart);
    // One that was written before that was kept.
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    kept.as_object_mut().unwrap().remove("database");
    std::fs::write(&state, kept.to_string()).unwrap();
    begun(&another, "does not say of which database it is", 0, Begins::FromStart);
    std::fs::remove_file(&state).unwrap();
    let watch = Watch::start(&another, WatchOptions::new(config(&[], Vec::new())).state(&state)).unwrap();
    let seen = watch.stop().unwrap();
    assert_eq!(seen.begins, Begins::WithNext);
    assert!(seen.first_seq > 0, "{seen:?}");
}

#[test]
fn what_no_event_has_so_far_is_noted() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    emit(&db, &mut recorder, "bang", 1);
    let mut config = config(&[], Vec::new());
    let own = OwnDetector::new("slow", "latncy_us > 5ms vanue = x", "count > 5").unwrap();
    config.detect.own.push(own);
    let expected = [
        "rule 'slow': no event has the field 'latncy_us' so far; did you mean 'latency_us'?",
        "rule 'slow': no event has the field 'vanue' so far",
    ];
    let options = WatchOptions::new(config);
    let said = Watch::check(&place.path, &options).unwrap();
    assert!(said.len() == 2 && said[0] == expected[0] && said[1].starts_with(expected[1]), "{said:?}");
    let watch = Watch::start(&db, options).unwrap();
    assert_eq!(watch.stop().unwrap().notes, said);
}

/// A server that refuses the first requests, then takes them; what it is sent.
fn server(refusals: usize) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if number < refusals { "503 Service Unavailable" } else { "204 No Content" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
            if number >= refusals && sender.send(String::from_utf8(body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, bodies)
}

#[test]
fn a_webhook_is_tried_again_and_what_fails_for_good_is_told() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let (url, bodies) = server(2);
    let hook = |name: &str, url: String, attempts: u64| Action {
        attempts,
        back_off: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
        ..Action::new(name, ActionKind::Webhook(url))
    };
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let actions = vec![hook("hook", url, 3), hook("closed", format!("http://{closed}/"), 2)];
    let (options, alerts) = told(WatchOptions::new(config(&["bang"], actions)));
    let watch = Watch::start(&db, options).unwrap();
    emit(&db, &mut recorder, "bang", 3);
    let alert = next(&alerts);
    let body = bodies.recv_timeout(PATIENCE).unwrap();
    assert_eq!(body, alert.to_json());
    assert!(body.starts_with("{\"alert\":1,") && body.contains("\"rule\":\"bang\""), "{body}");
    wait_until("the other one to fail", || watch.statistics().failed == 1 && watch.statistics().pending == 0);
    wait_until("the note", || !watch.statistics().notes.is_empty());
    let seen = watch.statistics();
    assert!(seen.notes[0].starts_with("alert 1: closed failed: cannot post to"), "{seen:?}");
    assert!(seen.notes[0].ends_with("(tried 2 times)"), "{seen:?}");
    watch.stop().unwrap();
}

#[cfg(unix)]
fn command(name: &str, script: &str, timeout: Duration) -> Action {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Action { timeout, ..Action::new(name, ActionKind::Command(words)) }
}

#[cfg(unix)]
#[test]
fn commands_are_given_the_alert_and_one_that_hangs_is_killed() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let written = place.file("written");
    let minute = Duration::from_secs(60);
    let actions = vec![
        command("write", &format!("cat > {}", written.display()), minute),
        command("fail", "exit 3", minute),
        command("hang", "sleep 1000 & sleep 1000", Duration::from_millis(200)),
        Action::new("missing", ActionKind::Command(vec!["/nowhere/program".to_owned()])),
    ];
    let (options, alerts) = told(WatchOptions::new(config(&["bang"], actions)));
    let watch = Watch::start(&db, options).unwrap();
    emit(&db, &mut recorder, "bang", 3);
    let alert = next(&alerts);
    wait_until("all of them", || watch.statistics().failed == 3 && watch.statistics().pending == 0);
    assert_eq!(std::fs::read_to_string(&written).unwrap(), alert.to_json() + "\n");
    wait_until("the notes", || watch.statistics().notes.len() == 3);
    let notes = watch.statistics().notes.join("\n");
    for said in [
        "fail failed: /bin/sh failed: exit status: 3",
        "hang failed: /bin/sh was killed",
        "cannot start /nowhere/program",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
    watch.stop().unwrap();
}

#[cfg(unix)]
#[test]
fn an_action_that_was_not_done_is_done_by_the_next_watch() {
    let place = Place::new();
    let (db, mut recorder) = engine(&place);
    let state = place.file("state.json");
    let written = place.file("written");
    let hang = config(&["bang"], vec![command("pager", "sleep 1000", Duration::from_secs(1000))]);
    let (options, alerts) = told(WatchOptions::new(hang).state(&state));
    let watch = Watch::start(&db, options).unwrap();
    emit(&db, &mut recorder, "bang", 3);
    let alert = next(&alerts);
    wait_until("the action to begin", || watch.statistics().pending == 1);
    watch.stop().unwrap();
    let script = format!("cat >> {}", written.display());
    let works = config(&["bang"], vec![command("pager", &script, Duration::from_secs(60))]);
    for _ in 0..2 {
        let watch = Watch::start(&db, WatchOptions::new(works.clone()).state(&state)).unwrap();
        wait_until("the action", || watch.statistics().alerts == 1 && std::fs::exists(&written).unwrap());
        wait_until("its end", || watch.statistics().pending == 0);
        watch.stop().unwrap();
    }
    assert_eq!(std::fs::read_to_string(&written).unwrap(), alert.to_json() + "\n");
}

#[test]
fn a_state_that_cannot_be_kept_is_said_at_once() {
    let place = Place::new();
    let (db, _recorder) = engine(&place);
    let file = place.file("file");
    std::fs::write(&file, "").unwrap();
    let options = WatchOptions::new(WatchConfig::default()).state(file.join("state.json"));
    let said = Watch::follow(&place.path, options).err().unwrap().to_string();
    assert!(said.contains("name another file for the state"), "{said}");
    let nowhere = Watch::follow(Path::new("/nowhere"), WatchOptions::new(WatchConfig::default()));
    assert!(matches!(nowhere, Err(Error::Database(_))));
    drop(db);
}

/// The TOML of the documentation: the defaults, then an example of everything.
fn documented() -> Vec<String> {
    let text = include_str!("../../docs/alerts.md");
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_documentation_has_the_defaults_and_an_example_that_is_right() {
    let [defaults, example] = &documented()[..] else { panic!("two blocks of TOML") };
    assert_eq!(*defaults, blotter_query::desk::detect::Settings::default().to_toml());
    let config = WatchConfig::parse(example).unwrap();
    assert_eq!((config.actions.len(), config.rules.len(), config.detect.own.len()), (4, 3, 2));
    let plain = WatchConfig::default();
    assert_eq!((config.cool_down, config.window, config.every), (plain.cool_down, plain.window, plain.every));
    assert_eq!((config.level, config.catch_up_events), (plain.level, plain.catch_up_events));
    for kind in ["log", "command", "webhook"] {
        let shown = config
            .actions
            .iter()
            .find(|action| format!("{:?}", action.kind).to_lowercase().starts_with(kind));
        let shown = shown.unwrap();
        let usual = Action::new(&shown.name, shown.kind.clone());
        assert_eq!(*shown, usual, "what the example shows are the defaults");
    }
    assert!(blotter_query::desk::detect::Config::parse(example).is_ok());
}
