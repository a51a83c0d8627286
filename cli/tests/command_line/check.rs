//! `verify` and `repair`: a database that is whole, one that is damaged, and what is left of it.

use std::path::Path;

use crate::run::{Place, files_under, numbered_lines, run};

/// Overwrites a stretch in the middle of the file whose name starts so; its name.
fn damage(place: &Place, start: &str) -> String {
    let files = files_under(Path::new(&place.database));
    let name_of = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let file = files.iter().find(|file| name_of(file).starts_with(start)).unwrap();
    let mut content = std::fs::read(file).unwrap();
    let middle = content.len() / 2;
    content[middle..middle + 16].fill(0xa5);
    std::fs::write(file, content).unwrap();
    name_of(file)
}

#[test]
fn a_whole_database_is_clean_and_has_nothing_to_repair() {
    let place = Place::with_lines(&numbered_lines(0..1000));
    let ran = run(&["verify", &place.database]).expect(0);
    assert!(ran.out.lines().last().unwrap().starts_with("clean: 1000 events in 1 segments"), "{}", ran.out);
    let ran = run(&["repair", &place.database]).expect(0);
    assert!(ran.out.contains("nothing to repair: 1000 events"), "{}", ran.out);
    run(&["verify", &place.database]).expect(0);
}

#[test]
fn damage_is_named_repaired_and_the_loss_told() {
    let place = Place::with_lines(
        &(numbered_lines(0..20_000) + "{\"ts\":5,\"category\":\"risk\",\"symbol\":\"R\"}\n"),
    );
    let name = damage(&place, "order-");
    let ran = run(&["verify", &place.database]).expect(1);
    assert!(
        ran.out.contains(&name) && ran.out.contains("damage: ") && ran.out.contains("\ndamaged, "),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("hint: `blotter repair`"), "{}", ran.err);

    let ran = run(&["repair", &place.database]);
    assert!(ran.out.contains(&name) && ran.out.contains("repaired: "), "{ran:?}");
    // Whatever is lost is said, and nothing else is.
    let events =
        run(&["stats", &place.database, "--format", "json"]).expect(0).json().remove(0)["events"].clone();
    let is_whole = events == 20_001;
    assert_eq!(
        (ran.status, ran.out.contains("lost: ")),
        if is_whole { (0, false) } else { (1, true) },
        "{ran:?}"
    );
    run(&["get", &place.database, "R"]).expect(0);
    let ran = run(&["verify", &place.database]).expect(0);
    assert!(ran.out.contains("clean: "), "{}", ran.out);
    // And it records again.
    let more = place.file("more.jsonl", "{\"ts\":9,\"symbol\":\"M\"}\n");
    run(&["import", &place.database, &more]).expect(0);
    run(&["get", &place.database, "M"]).expect(0);
}

#[test]
fn a_lost_catalog_is_rebuilt() {
    let place = Place::with_lines(&numbered_lines(0..1000));
    std::fs::remove_file(Path::new(&place.database).join("catalog.redb")).unwrap();
    let ran = run(&["import", &place.database, "-"]).expect(1);
    assert!(ran.err.contains("hint: run `blotter repair`"), "{}", ran.err);
    run(&["repair", &place.database]).expect(0);
    run(&["import", &place.database, "-"]).expect(0);
    run(&["get", &place.database, "A-999"]).expect(0);
}

#[test]
fn only_databases_are_checked() {
    let place = Place::new();
    place.file("a.txt", "mine");
    let directory = place.directory.display().to_string();
    for name in ["verify", "repair"] {
        let ran = run(&[name, &directory]).expect(1);
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains("holds no blotter database"),
            "{}",
            ran.err
        );
    }
    assert_eq!(files_under(&place.directory).len(), 1);
}
