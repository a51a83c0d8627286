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

/// The decompressed text of a file that lies there, and where.
fn shared_text(name: &str) -> Option<(String, String)> {
    let file = shared_file(name)?;
    let content = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    Some((file.display().to_string(), String::from_utf8(content).unwrap()))
}

/// Events by name, of a query's condition.
fn events_by_name(place: &Place, condition: &str) -> BTreeMap<String, u64> {
    let query = format!("{condition} | stats count() as n by event");
    let rows = run(&["query", &place.database, &query, "--format", "json"]).expect(0).json();
    rows.iter().map(|row| (row["event"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap())).collect()
}

/// Values of one field, sorted.
fn values(place: &Place, query: &str, field: &str) -> Vec<String> {
    let rows = run(&["query", &place.database, query, "--format", "json"]).expect(0).json();
    let mut values: Vec<String> =
        rows.iter().map(|row| row[field].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()).collect();
    values.sort_unstable();
    values
}

#[test]
fn a_real_hummingbot_log_is_accounted_for_line_by_line() {
    let Some((file, text)) = shared_text("hummingbot-kucoin-EDG-USDT-2022-11-14to18.log.zst") else { return };
    let place = Place::new();
    let ran = run(&["import", &place.database, &file, "--format", "hummingbot"]).expect(0);
    let lines = text.lines().count();
    let records = text.lines().filter(|line| line.contains(" - 4539 - ")).count();
    let summary = format!(
        "{records} events recorded, 0 bad lines, {} continuation lines, of {lines} lines",
        lines - records
    );
    assert!(ran.err.contains(&summary), "{}: {summary}", ran.err);

    let found = events_by_name(&place, "");
    let lines_with = |part: &str| text.lines().filter(|line| line.contains(part)).count() as u64;
    for (event, parts) in [
        ("order_created", &["\"BuyOrderCreatedEvent\"", "\"SellOrderCreatedEvent\""][..]),
        ("order_cancelled", &["\"OrderCancelledEvent\""]),
        ("order_filled", &["\"BuyOrderCompletedEvent\"", "\"SellOrderCompletedEvent\""]),
        ("order_partially_filled", &["\"OrderFilledEvent\""]),
        ("order_failed", &["\"MarketOrderFailureEvent\""]),
        ("order_cancel_requested", &["Canceling the limit order"]),
        ("order_cancelled_logged", &["Successfully canceled order"]),
        ("order_created_logged", &[" - INFO - Created "]),
        ("order_fill_logged", &[" amounting to "]),
        ("order_filled_logged", &[" completely filled.\n"]),
        ("order_cancel_failed", &["Failed to cancel order"]),
        ("orders_proposed", &[") Creating "]),
        ("network_status_changed", &["Network status has changed"]),
    ] {
        let expected: u64 = if event == "order_filled_logged" {
            text.matches(parts[0]).count() as u64
        } else {
            parts.iter().map(|part| lines_with(part)).sum()
        };
        assert!(expected > 0 && found[event] == expected, "{event}: {expected} in the text, {found:?}");
    }
    assert_eq!(found.values().sum::<u64>(), records as u64);
    // Each traceback is in one event, whole.
    let query = "category = error | fields backtrace";
    let rows = run(&["query", &place.database, query, "--format", "json"]).expect(0).json();
    let backtraces = rows.iter().filter_map(|row| row["backtrace"].as_str());
    let kept: usize = backtraces.map(|backtrace| backtrace.split('\n').count()).sum();
    assert_eq!(kept, lines - records);
}

#[test]
fn a_real_fix_session_pairs_every_cancel_with_its_order() {
    let Some((file, text)) = shared_text("fix42-KOD-BON.log.zst") else { return };
    let place = Place::new();
    let ran = run(&["import", &place.database, &file, "--format", "fix"]).expect(0);
    let lines = text.lines().count();
    assert!(
        ran.err.contains(&format!("{lines} events recorded, 0 bad lines, of {lines} lines")),
        "{}",
        ran.err
    );
    let found = events_by_name(&place, "");
    let messages = |kind: &str| text.matches(&format!("\u{1}35={kind}\u{1}")).count() as u64;
    for (event, expected) in [
        ("order_created", messages("D")),
        ("order_cancel_requested", messages("F")),
        ("order_acknowledged", text.matches("\u{1}150=0\u{1}").count() as u64),
        ("order_cancelled", text.matches("\u{1}150=4\u{1}").count() as u64),
        ("fix_heartbeat", messages("0")),
        ("fix_logon", messages("A")),
        ("fix_resend_request", messages("2")),
        ("fix_sequence_reset", messages("4")),
    ] {
        assert!(expected > 0 && found[event] == expected, "{event}: {expected} in the text, {found:?}");
    }
    assert_eq!(found.len(), 8, "{found:?}");
    let ids = |event: &str| values(&place, &format!("event = {event} | fields order_id"), "order_id");
    let created = ids("order_created");
    assert!(created.windows(2).all(|pair| pair[0] != pair[1]));
    for event in ["order_acknowledged", "order_cancel_requested", "order_cancelled"] {
        assert_eq!(ids(event), created, "{event}");
    }
    // Messages are kept as they were.
    let raw = values(&place, "| fields raw", "raw");
    let mut expected: Vec<&str> = text.lines().map(|line| &line[line.find("8=FIX").unwrap()..]).collect();
    expected.sort_unstable();
    assert_eq!(raw, expected);
}

#[test]
fn a_real_feed_of_bitstamp_is_read_by_the_mapping_of_the_documentation() {
    let Some((file, text)) = shared_text("bitstamp-2015-05-01.log.zst") else { return };
    let place = Place::new();
    let mapping = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mappings/bitstamp.toml");
    let arguments = ["import", &place.database, &file, "--format", "csv", "--mapping", mapping];
    let ran = run(&arguments).expect(0);
    let lines = text.lines().count();
    assert!(
        ran.err.contains(&format!("{lines} events recorded, 0 bad lines, of {lines} lines")),
        "{}",
        ran.err
    );
    let found = events_by_name(&place, "");
    let lines_of =
        |kind: &str| text.lines().filter(|line| line.split(' ').nth(1) == Some(kind)).collect::<Vec<_>>();
    let deleted = lines_of("order_deleted");
    let emptied = deleted.iter().filter(|line| line.contains("\"amount\": \"0.00000000\"")).count() as u64;
    assert_eq!(found["order_created"], lines_of("order_created").len() as u64);
    assert_eq!(found["order_filled"], emptied);
    assert_eq!(found["order_cancelled"], deleted.len() as u64 - emptied);
    let changes = ["order_partially_filled", "order_amended", "order_changed"].map(|event| found[event]);
    assert_eq!(changes.iter().sum::<u64>(), lines_of("order_changed").len() as u64);
    assert_eq!(found["trade"], lines_of("trade").len() as u64);
    assert_eq!(found["quote"], lines_of("order_book").len() as u64);
}
