//! `demo`: the main job from one command.

use crate::run::{Place, command, run};

#[test]
fn it_records_measures_and_answers() {
    let place = Place::new();
    let ran = run(&["demo", &place.database, "--events", "20000", "--seed", "7"]).expect(0);
    for part in [
        "recorded 20000 events from 2 recorders",
        "all were durable",
        "all were sealed and indexed",
        "p50 ",
        "What happened to order 2026",
        "order_filled",
        "order_lifecycle",
        "What went wrong lately?",
        "yes: 20000 of 20000 events",
        "blotter get ",
    ] {
        assert!(ran.out.contains(part), "{part}\n{}", ran.out);
    }
    let stats = run(&["stats", &place.database, "--format", "json"]).expect(0).json();
    assert_eq!((&stats[0]["events"], &stats[0]["unsealed_events"]), (&20000.into(), &0.into()));
}

#[test]
fn a_seed_is_one_session() {
    let session = |seed: &str| {
        let place = Place::new();
        let arguments = ["demo", &place.database, "--events", "3000", "--recorders", "1", "--seed", seed];
        run(&arguments).expect(0);
        run(&["tail", &place.database, "-n", "3000", "--format", "json"]).expect(0).out
    };
    let one = session("1");
    assert_eq!(one.lines().count(), 3000);
    assert!(one == session("1"), "the same seed gave another session");
    assert!(one != session("2"));
}

#[test]
fn without_a_directory_it_takes_a_temporary_one_and_keeps_it() {
    let place = Place::new();
    let output = command(&["demo", "--events", "1000"]).env("TMPDIR", &place.directory).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    let line = out.lines().find_map(|line| line.strip_prefix("The database stays in ")).expect(&out);
    let database = line.split(". Ask").next().unwrap();
    assert!(std::path::Path::new(database).starts_with(&place.directory), "{database}");
    run(&["stats", database]).expect(0);
}

#[test]
fn a_given_rate_is_kept() {
    let place = Place::new();
    let started = std::time::Instant::now();
    run(&["demo", &place.database, "--events", "4000", "--rate", "4000"]).expect(0);
    let seconds = started.elapsed().as_secs_f64();
    assert!(seconds > 0.95, "{seconds} s");
}
