//! `backup` and `restore`.

use crate::run::{Place, numbered_lines, run};

#[test]
fn a_backup_is_taken_listed_checked_and_restored() {
    let place = Place::with_lines(&numbered_lines(0..2000));
    let database = place.database.as_str();
    let vault = place.directory.join("vault").display().to_string();
    let ran = run(&["backup", database, &vault]).expect(0);
    assert!(ran.out.starts_with("backup ") && ran.out.contains(": 2000 events in 1 segments"), "{}", ran.out);
    let more = place.file("more.jsonl", numbered_lines(2000..2500));
    run(&["import", database, &more]).expect(0);
    let taken =
        run(&["backup", database, &vault, "--keep", "5", "--format", "json"]).expect(0).json().remove(0);
    assert_eq!((&taken["events"], &taken["reused_segments"]), (&2500.into(), &1.into()));

    let listed = run(&["backup", database, &vault, "--list", "--format", "json"]).expect(0).json();
    assert_eq!(
        listed.iter().map(|point| point["events"].as_u64().unwrap()).collect::<Vec<_>>(),
        [2000, 2500]
    );
    assert!(run(&["backup", database, &vault, "--list"]).expect(0).out.starts_with("backup  taken"));
    let ran = run(&["backup", database, &vault, "--verify"]).expect(0);
    assert!(ran.out.starts_with("clean: 2 backups"), "{}", ran.out);

    let restore = |name: &str, options: &[&str]| {
        let path = place.directory.join(name).display().to_string();
        let mut all = vec!["restore", &vault, &path, "--format", "json"];
        all.extend(options);
        let report = run(&all).expect(0).json().remove(0);
        (report["events"].as_u64().unwrap(), path)
    };
    let (events, path) = restore("whole.blotter", &[]);
    assert_eq!(events, 2500);
    run(&["get", &path, "A-2499"]).expect(0);
    run(&["verify", &path]).expect(0);
    let first = listed[0]["backup"].to_string();
    assert_eq!(restore("first.blotter", &["--point", &first]).0, 2000);
    // The first second has 1000 events, and its last millisecond is included.
    let (events, path) = restore("early.blotter", &["--until", "2023-11-14T22:13:20.999Z"]);
    assert_eq!(events, 1000);
    run(&["get", &path, "A-1000"]).expect(1);

    let ran = run(&["restore", &vault, database]).expect(1);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    run(&["restore", &place.directory.join("absent").display().to_string(), &format!("{database}.new")])
        .expect(1);
}

#[test]
fn a_live_database_is_backed_up_with_what_is_not_sealed_yet() {
    let place = Place::with_lines(&numbered_lines(0..2000));
    let db = crate::owner::engine(&place);
    let mut recorder = db.recorder(blotter::RecorderOptions::new()).unwrap();
    for n in 0..500_i64 {
        let event = recorder.event(blotter::event::Category::FILL, blotter::event::Level::Info, "fill");
        assert!(event.order_id("live").field("n", n).emit().is_accepted());
    }
    db.flush().unwrap();
    let database = place.database.as_str();
    let vault = place.directory.join("vault").display().to_string();
    let answer = |database: &str| {
        let query = "category in (order, fill) | stats count(), sum(n) by category, order_id";
        run(&["query", database, query, "--format", "csv"]).expect(0).out
    };
    let before = answer(database);
    run(&["backup", database, &vault]).expect(0);
    // What comes later, and what goes later, changes nothing of it.
    assert!(
        recorder
            .event(blotter::event::Category::FILL, blotter::event::Level::Info, "late")
            .emit()
            .is_accepted()
    );
    drop(recorder);
    db.flush().unwrap();
    let restored = place.directory.join("restored.blotter").display().to_string();
    run(&["restore", &vault, &restored]).expect(0);
    assert_eq!(answer(&restored), before);
    run(&["verify", &restored]).expect(0);
    // The restored one is maintained by itself, beside the other.
    run(&["maintain", &restored, "--at", "2023-12-20T02:00:00Z"]).expect(0);
    assert_eq!(answer(&restored), before);
    db.close().unwrap();
}

#[test]
fn damage_to_a_backup_is_named() {
    let place = Place::with_lines(&numbered_lines(0..2000));
    let vault = place.directory.join("vault");
    let shown = vault.display().to_string();
    run(&["backup", &place.database, &shown]).expect(0);
    let files = crate::run::files_under(&vault);
    let segment = files.iter().find(|path| path.extension().is_some_and(|ending| ending == "seg")).unwrap();
    let mut content = std::fs::read(segment).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0xff;
    std::fs::write(segment, content).unwrap();
    let name = segment.file_name().unwrap().to_string_lossy().into_owned();
    let ran = run(&["backup", &place.database, &shown, "--verify"]).expect(1);
    assert!(ran.out.contains(&name) && ran.out.contains("\ndamaged: "), "{}", ran.out);
    let restored = format!("{}.new", place.database);
    let ran = run(&["restore", &shown, &restored]).expect(1);
    assert!(ran.err.contains(&name), "{}", ran.err);
}
