//! What one column says of another is not stored again in the tiers built at leisure, and comes back all the same.

use super::model::*;
use super::round_trip::check;
use crate::event::{Event, FieldKey, Value};
use crate::segment::{ColumnBytes, SegmentOptions, Tier};

fn options(tier: Tier) -> SegmentOptions {
    SegmentOptions { block_rows: 1024, ..SegmentOptions::of_tier(tier, SegmentOptions::default().indexed) }
}

fn bytes_of(events: &[Event], tier: Tier, name: &str) -> ColumnBytes {
    let segment = open(&build(events, &options(tier)).bytes).unwrap();
    let all = segment.column_bytes().unwrap();
    all.into_iter().find(|bytes| bytes.name == name).unwrap()
}

#[test]
fn a_text_that_an_ids_prefix_tells_takes_no_pages() {
    let events = related_orders(&mut Random(61), 3000);
    check(&events, &options(Tier::Cold));
    assert!(bytes_of(&events, Tier::Hot, "strategy").pages > 700);
    for tier in [Tier::Warm, Tier::Cold] {
        let bytes = bytes_of(&events, tier, "strategy");
        assert!(bytes.pages < 10 && bytes.directory == 0, "{bytes:?}");
    }
}

#[test]
fn a_few_rows_that_differ_have_the_text_stored() {
    let mut events = related_orders(&mut Random(62), 1000);
    let strategy = FieldKey::new("strategy");
    for row in (0..1000).step_by(50) {
        for (_, value) in events[row].fields.iter_mut().filter(|(key, _)| *key == strategy) {
            *value = if row % 100 == 0 { "neither" } else { "nor" }.into();
        }
    }
    check(&events, &options(Tier::Cold));
    let bytes = bytes_of(&events, Tier::Cold, "strategy");
    assert!(bytes.pages > 50, "{bytes:?}");
    // Nor does a row without the id say anything.
    let mut events = related_orders(&mut Random(63), 1000);
    events[300].fields.retain(|(key, _)| key.name() != "correlation_id");
    check(&events, &options(Tier::Cold));
}

#[test]
fn latencies_that_times_tell_take_little_and_others_are_kept() {
    let mut events = related_orders(&mut Random(64), 3000);
    let latencies = events.iter().filter(|event| event.get("latency_us").is_some()).count() as u64;
    check(&events, &options(Tier::Cold));
    assert!(bytes_of(&events, Tier::Hot, "latency_us").pages > latencies);
    let bytes = bytes_of(&events, Tier::Cold, "latency_us");
    assert!(bytes.pages < latencies / 2, "{bytes:?} for {latencies}");
    for (_, value) in events.iter_mut().flat_map(|event| &mut event.fields) {
        if let Value::I64(latency) = value {
            *latency = latency.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64);
        }
    }
    check(&events, &options(Tier::Cold));
}

#[test]
fn texts_of_many_pages_share_a_trained_dictionary() {
    let events = prose(&mut Random(65), 3000);
    check(&events[..1500], &options(Tier::Cold));
    let [plain, trained] = [Tier::Warm, Tier::Cold].map(|tier| bytes_of(&events, tier, "message").dictionary);
    assert!(trained < plain * 4 / 5, "{trained} {plain}");
}

#[test]
fn identical_events_give_identical_files_in_every_tier() {
    let mut events = related_orders(&mut Random(66), 500);
    events.extend(prose(&mut Random(67), 1500));
    for tier in Tier::ALL {
        assert!(build(&events, &options(tier)).bytes == build(&events, &options(tier)).bytes, "{tier}");
    }
}
