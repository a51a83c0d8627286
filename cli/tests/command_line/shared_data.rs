//! A day of real orders, where it lies beside the repository: what is imported is found, field by field.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use blotter_workload::Prng;
use serde_json::Value;

use crate::run::{Place, run};

/// Ids of each kind that are looked up.
const IDS: u64 = 40;

fn shared_file(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// The fields an event of the file is to have, free of where they stood in the line.
fn expected(line: &str) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    let Ok(Value::Object(line)) = serde_json::from_str(line) else { panic!("{line}") };
    for (name, value) in line {
        match (name.as_str(), value) {
            ("data", Value::Object(members)) => fields.extend(members),
            ("timestamp", value) => drop(fields.insert("ts".to_owned(), value)),
            ("event_type", value) => drop(fields.insert("event".to_owned(), value)),
            ("level", value) => {
                let level = value.as_str().unwrap().to_lowercase().replace("warning", "warn");
                fields.insert("level".to_owned(), level.into());
            }
            (_, value) => drop(fields.insert(name, value)),
        }
    }
    fields
}

/// The text of a member, found as plain text.
fn text_of(name: &str, line: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next().map(str::to_owned)
}

fn found(event: Value) -> BTreeMap<String, Value> {
    let Value::Object(members) = event else { panic!("{event}") };
    members.into_iter().filter(|(name, _)| !["seq", "producer", "pseq"].contains(&name.as_str())).collect()
}

#[test]
fn a_real_day_comes_back_equal() {
    let Some(file) = shared_file("events-AMZN-2012-06-21.jsonl.zst") else { return };
    let place = Place::new();
    let ran = run(&["import", &place.database, &file.display().to_string()]).expect(0);
    assert!(ran.err.contains("492842 events recorded, 0 bad lines"), "{}", ran.err);

    let content = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    let lines: Vec<&str> = std::str::from_utf8(&content).unwrap().lines().collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in &lines {
        *counts.entry(text_of("category", line).unwrap()).or_default() += 1;
    }
    let stats = run(&["stats", &place.database, "--format", "json"]).expect(0).json().remove(0);
    let stats = stats["categories"].as_array().unwrap().iter();
    let found_counts: BTreeMap<String, u64> = stats
        .map(|count| (count["category"].as_str().unwrap().to_owned(), count["events"].as_u64().unwrap()))
        .collect();
    assert_eq!(found_counts, counts);

    let mut random = Prng::new(1);
    for name in ["order_id", "correlation_id"] {
        let mut by_id: HashMap<String, Vec<&str>> = HashMap::new();
        for line in &lines {
            if let Some(id) = text_of(name, line) {
                by_id.entry(id).or_default().push(line);
            }
        }
        let mut ids: Vec<&String> = by_id.keys().collect();
        ids.sort_unstable();
        for _ in 0..IDS {
            let id = ids[random.below(ids.len() as u64) as usize];
            let mut expected: Vec<_> = by_id[id].iter().map(|line| expected(line)).collect();
            // By time, and where that is equal as they were recorded.
            expected.sort_by_key(|event| event["ts"].as_str().unwrap().to_owned());
            let events = run(&["get", &place.database, id, "--format", "json"]).expect(0).json();
            let events: Vec<_> = events.into_iter().map(found).collect();
            assert_eq!(events, expected, "{id}");
        }
    }
}

#[test]
fn a_real_day_of_lobster_messages_has_no_bad_line() {
    let Some(file) = shared_file("lobster-AMZN-2012-06-21.csv.zst") else { return };
    let place = Place::new();
    let file = file.display().to_string();
    let arguments =
        ["import", &place.database, &file, "--format", "lobster", "--symbol", "AMZN", "--date", "2012-06-21"];
    let ran = run(&arguments).expect(0);
    assert!(ran.err.contains("155935 events recorded, 0 bad lines"), "{}", ran.err);
    let found = run(&["get", &place.database, "20120621-AMZN-11885113", "--format", "json"]).expect(0).json();
    assert_eq!(found.last().unwrap()["event"], "order_filled");
}
