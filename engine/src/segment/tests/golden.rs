//! A segment of format version 1, kept as it was written, reads as it always did.
//!
//! `BLOTTER_WRITE_GOLDEN=1 cargo test -p blotter-engine golden` writes file and rows anew. That is for a new
//! version, which gets new names; the files of a released version never change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::model::*;
use crate::event::{Event, Field, FieldRef};
use crate::segment::{Lookup, Projection, Segment, SegmentOptions, Tier};
use crate::vfs::Mapping;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name)
}

/// One line per row: everything, with types, in the order of reading.
fn line(event: &Event) -> String {
    let fields: Vec<String> = event
        .fields
        .iter()
        .map(|(key, value)| {
            format!("{}:{:?}={}", key.name(), value.borrow().value_type(), value.to_string().escape_debug())
        })
        .collect();
    let Event { ts, seq, producer, pseq, level, .. } = event;
    format!("{} {seq} {producer} {pseq} {level} {}", ts.0, fields.join(" | "))
}

fn rows(segment: &Segment) -> Vec<Event> {
    (0..segment.rows()).map(|row| segment.event(row, &Projection::All).unwrap()).collect()
}

/// Name and content of the files.
fn golden() -> [(&'static str, Vec<Event>, SegmentOptions); 2] {
    let options = |tier| SegmentOptions {
        block_rows: 256,
        ..SegmentOptions::of_tier(tier, SegmentOptions::default().indexed)
    };
    let mut hot = orders(&mut Random(101), 500);
    hot.extend(anything(&mut Random(102), 60));
    let mut cold = related_orders(&mut Random(103), 700);
    cold.extend(prose(&mut Random(104), 1000));
    cold.extend(anything(&mut Random(105), 60));
    [("segment-v1", hot, options(Tier::Hot)), ("segment-v1-cold", cold, options(Tier::Cold))]
}

fn write_golden() {
    for (name, events, options) in golden() {
        let bytes = build(&events, &options).bytes;
        let lines: Vec<String> = rows(&open(&bytes).unwrap()).iter().map(line).collect();
        std::fs::write(place(&format!("{name}.seg")), bytes).unwrap();
        std::fs::write(place(&format!("{name}.rows")), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn golden_segments_of_version_1_read_as_ever() {
    if std::env::var_os("BLOTTER_WRITE_GOLDEN").is_some() {
        write_golden();
    }
    ["segment-v1", "segment-v1-cold"].into_iter().for_each(check_golden);
}

fn check_golden(name: &str) {
    let path = place(&format!("{name}.seg"));
    let segment = Segment::open(&path, Mapping::new(std::fs::read(&path).unwrap())).unwrap();
    segment.verify().unwrap();
    let events = rows(&segment);
    let expected = std::fs::read_to_string(place(&format!("{name}.rows"))).unwrap();
    assert_eq!(events.len(), expected.lines().count());
    for (row, (event, expected)) in events.iter().zip(expected.lines()).enumerate() {
        assert_eq!(line(event), expected, "row {row}");
    }
    for field in [Field::ORDER_ID, Field::CORRELATION_ID, Field::SYMBOL].map(FieldRef::Known) {
        let texts: BTreeSet<String> =
            events.iter().filter_map(|event| event.field(field).map(|value| value.to_string())).collect();
        assert!(!texts.is_empty());
        for text in texts {
            assert_eq!(segment.lookup(field, &text).unwrap(), Lookup::Rows(rows_with(&events, field, &text)));
        }
    }
}
