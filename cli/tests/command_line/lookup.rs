//! `get` and `stats`.

use std::path::Path;

use crate::run::{Place, files_under, numbered_lines, run};

#[test]
fn get_finds_ids_in_every_indexed_field_in_the_order_of_time() {
    let place = Place::with_lines(
        "{\"ts\":3,\"order_id\":\"A\",\"event\":\"third\"}\n{\"ts\":1,\"symbol\":\"A\",\"event\":\"first\"}\n\
         {\"ts\":2,\"correlation_id\":\"A\",\"event\":\"second\"}\n{\"ts\":2,\"message\":\"A\",\"event\":\"not\"}\n",
    );
    let found = run(&["get", &place.database, "A", "--format", "json"]).expect(0).json();
    let names: Vec<&str> = found.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let text = run(&["get", &place.database, "A"]).expect(0).out;
    assert_eq!(text.lines().next(), Some("1970-01-01T00:00:01.000000000Z INFO     raw  first  symbol=A  #1"));
}

#[test]
fn nothing_found_is_status_1_and_says_where_it_looked() {
    let place = Place::with_lines(&numbered_lines(0..10));
    for id in ["A-10", "A-", "", "-x", "\u{1b}[31m"] {
        let ran = run(&["get", &place.database, id]).expect(1);
        assert!(ran.out.is_empty());
        assert!(
            ran.err.contains("in order_id, correlation_id, symbol") && !ran.err.contains('\u{1b}'),
            "{}",
            ran.err
        );
    }
}

#[test]
fn text_from_the_log_does_not_act_on_the_terminal() {
    let place = Place::with_lines(
        "{\"ts\":1,\"symbol\":\"X\",\"message\":\"\\u001b[2J\\u202e\",\"k\\u009by\":\"\\u0007\"}\n",
    );
    for format in ["text", "json"] {
        let out = run(&["get", &place.database, "X", "--format", format]).expect(0).out;
        assert!(!out.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{out:?}");
    }
}

#[test]
fn stats_count_by_category_and_print_for_programs_too() {
    let place =
        Place::with_lines(&(numbered_lines(0..1000) + "{\"ts\":5,\"category\":\"Risk\"}\n{\"ts\":6}\n"));
    let stats = run(&["stats", &place.database, "--format", "json"]).expect(0).json().remove(0);
    assert_eq!((&stats["events"], &stats["next_seq"]), (&1002.into(), &1002.into()));
    assert_eq!(stats["lost_events"], 0);
    let categories: Vec<(String, u64)> = stats["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| (count["category"].as_str().unwrap().to_owned(), count["events"].as_u64().unwrap()))
        .collect();
    assert_eq!(categories, [("order".to_owned(), 1000), ("raw".to_owned(), 1), ("risk".to_owned(), 1)]);
    let text = run(&["stats", &place.database]).expect(0).out;
    assert!(text.lines().any(|line| line.split_whitespace().take(2).eq(["total", "1002"])), "{text}");
}

#[test]
fn a_damaged_part_is_named_and_the_rest_is_shown() {
    let place =
        Place::with_lines(&(numbered_lines(0..1000) + "{\"ts\":5,\"category\":\"risk\",\"symbol\":\"R\"}\n"));
    let files = files_under(Path::new(&place.database));
    let segment =
        files.iter().find(|file| file.file_name().unwrap().to_string_lossy().starts_with("order-")).unwrap();
    let mut content = std::fs::read(segment).unwrap();
    let middle = content.len() / 2;
    content[64..middle].fill(0xa5);
    std::fs::write(segment, content).unwrap();

    let name = segment.file_name().unwrap().to_string_lossy();
    for arguments in [
        &["tail", &place.database, "-n", "2000"][..],
        &["get", &place.database, "A-500"],
        &["get", &place.database, "A-1"],
    ] {
        let ran = run(arguments).expect(1);
        assert!(ran.err.contains("error: ") && ran.err.contains(&*name), "{arguments:?}: {}", ran.err);
    }
    let shown = run(&["tail", &place.database, "-n", "2000"]).out;
    assert!(shown.contains("symbol=R"), "{shown}");
    assert!(run(&["get", &place.database, "R"]).out.contains("symbol=R"));
}
