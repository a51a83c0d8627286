//! Every event comes back, row by row and column by column, and every lookup finds what a plain search does.

use std::collections::BTreeSet;

use super::model::*;
use crate::event::{Event, Field, FieldKey, FieldRef, Value};
use crate::segment::{ColumnId, Lookup, Projection, RoutingFilter, Segment, SegmentOptions, Tier};

fn options(block_rows: u32) -> SegmentOptions {
    SegmentOptions { block_rows, ..SegmentOptions::default() }
}

/// Checks the events in every tier, with the blocks and the indexes of `options`.
pub(super) fn check(events: &[Event], options: &SegmentOptions) {
    for tier in Tier::ALL {
        let of_tier = SegmentOptions::of_tier(tier, options.indexed.clone());
        check_built(events, &SegmentOptions { block_rows: options.block_rows, ..of_tier });
    }
}

fn check_built(events: &[Event], options: &SegmentOptions) {
    let finished = build(events, options);
    let expected = expected(events);
    let segment = open(&finished.bytes).unwrap();
    assert_eq!(segment.meta(), &finished.meta);
    assert_eq!(segment.rows() as usize, events.len());
    for (row, event) in expected.iter().enumerate() {
        let found = segment.event(row as u32, &Projection::All).unwrap();
        assert_eq!(canonical(&found), canonical(event), "row {row}");
        let order: Vec<(u8, &str)> = found
            .fields
            .iter()
            .map(|(key, _)| match key {
                FieldKey::Known(field) => (field.code(), ""),
                FieldKey::Named(name) => (255, &**name),
            })
            .collect();
        assert!(order.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{order:?}");
    }
    segment.verify().unwrap();
    check_columns(&segment, &expected);
    check_lookups(&segment, &expected, options);
    for filter in &finished.filters {
        for event in &expected {
            if let Some(value) = event.get(&filter.field) {
                assert!(RoutingFilter::may_contain(&filter.bytes, &value.to_string()));
                let route = finished.meta.routes.iter().find(|route| route.field == filter.field).unwrap();
                assert!(route.may_contain(&value.to_string()), "{route:?} {value}");
            }
        }
    }
}

fn check_columns(segment: &Segment, expected: &[Event]) {
    type OfEvent = fn(&Event) -> i64;
    let fixed: [(ColumnId, OfEvent); 5] = [
        (ColumnId::Ts, |event| event.ts.0),
        (ColumnId::Seq, |event| event.seq.0 as i64),
        (ColumnId::Producer, |event| i64::from(event.producer.0)),
        (ColumnId::Pseq, |event| event.pseq as i64),
        (ColumnId::Level, |event| event.level as i64),
    ];
    let mut values = 0;
    for block in 0..segment.block_count() {
        let rows = segment.block_rows(block);
        for (column, value) in fixed {
            let vector = segment.decode(block, column).unwrap();
            let zone = segment.zone(block, column).unwrap();
            for row in rows.clone() {
                let value = Value::I64(value(&expected[row as usize]));
                let slot = (row - rows.start) as usize;
                assert_eq!(vector.value(slot), Some(value.clone()), "{column:?} {row}");
                assert!(within(&value, zone.min.as_ref(), zone.max.as_ref()), "{zone:?} {value}");
            }
        }
        for (index, info) in segment.columns().iter().enumerate() {
            let column = ColumnId::Field(index as u32);
            let vector = segment.decode(block, column).unwrap();
            let zone = segment.zone(block, column).unwrap();
            let mut nulls = 0;
            for row in rows.clone() {
                let slot = (row - rows.start) as usize;
                let value = expected[row as usize].field(info.key.borrow());
                let value = value.filter(|value| value.value_type() == info.value_type);
                let found = vector.value(slot);
                let shown = |value: Option<String>| value.unwrap_or_default();
                assert_eq!(found.is_some(), value.is_some(), "{info:?} {row}");
                assert_eq!(
                    shown(found.map(|v| v.to_string())),
                    shown(value.map(|v| v.to_string())),
                    "{info:?} {row}"
                );
                match value {
                    Some(value) => {
                        values += 1;
                        let value = value.to_value();
                        assert!(within(&value, zone.min.as_ref(), zone.max.as_ref()), "{zone:?} {value}");
                    }
                    None => nulls += 1,
                }
            }
            assert_eq!(zone.nulls, nulls, "{info:?}");
        }
    }
    assert_eq!(values, expected.iter().map(|event| event.fields.len()).sum::<usize>());
}

fn within(value: &Value, min: Option<&Value>, max: Option<&Value>) -> bool {
    let compare = |a: &Value, b: &Value| match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a <= b,
        (Value::I64(a), Value::I64(b)) => a <= b,
        (Value::F64(a), Value::F64(b)) => a <= b,
        (Value::Decimal(a), Value::Decimal(b)) => a <= b,
        (Value::Str(a), Value::Str(b)) => a <= b,
        // Sequence numbers of the model are above i64::MAX now and then; they print alike.
        _ => true,
    };
    min.is_none_or(|min| compare(min, value)) && max.is_none_or(|max| compare(value, max))
}

fn check_lookups(segment: &Segment, expected: &[Event], options: &SegmentOptions) {
    for key in &options.indexed {
        let field = key.borrow();
        let texts: BTreeSet<String> =
            expected.iter().filter_map(|event| event.field(field).map(|value| value.to_string())).collect();
        for text in texts.iter().take(400) {
            let rows = rows_with(expected, field, text);
            assert_eq!(segment.lookup(field, text).unwrap(), Lookup::Rows(rows), "{key} {text}");
        }
        for absent in [
            "absent",
            "",
            "20120621-AMZN-1",
            "0",
            "momentum_000000000000",
            "id-99",
            "日",
            "99999999999999999999",
        ] {
            if !texts.contains(absent) {
                assert_eq!(segment.lookup(field, absent).unwrap(), Lookup::Rows(vec![]), "{key} {absent}");
            }
        }
    }
    assert_eq!(segment.lookup(FieldRef::Known(Field::PNL), "1").unwrap(), Lookup::NotIndexed);
    assert_eq!(segment.lookup(FieldRef::Named("never"), "1").unwrap(), Lookup::NotIndexed);
    let times: BTreeSet<i64> = expected.iter().flat_map(|e| [e.ts.0 - 1, e.ts.0, e.ts.0 + 1]).collect();
    for ts in times.into_iter().take(300).chain([i64::MIN, i64::MAX]) {
        let row = expected.partition_point(|event| event.ts.0 < ts) as u32;
        assert_eq!(segment.find_ts(ts).unwrap(), row);
    }
}

#[test]
fn events_of_any_kind_come_back() {
    for (seed, count) in [(1, 1), (2, 2), (3, 127), (4, 128), (5, 129), (6, 300), (7, 1000)] {
        let events = anything(&mut Random(seed), count);
        check(&events, &options(128));
        check(&events, &options(256));
        check(&events, &options(4096));
    }
}

#[test]
fn lives_of_orders_come_back() {
    for (seed, count) in [(11, 1), (12, 255), (13, 256), (14, 257), (15, 3000)] {
        let events = orders(&mut Random(seed), count);
        check(&events, &options(256));
        check(&events, &options(4096));
    }
}

#[test]
fn any_field_can_be_indexed() {
    let indexed = ["message", "x", "mixed", "имя", "price"].map(FieldKey::new).to_vec();
    let events = anything(&mut Random(21), 700);
    check(&events, &SegmentOptions { indexed, ..options(128) });
    check(&events, &SegmentOptions { indexed: vec![], ..options(128) });
}

#[test]
fn a_projection_gives_no_more_than_asked() {
    let events = orders(&mut Random(31), 500);
    let finished = build(&events, &options(128));
    let segment = open(&finished.bytes).unwrap();
    let expected = expected(&events);
    let wanted = ["message", "latency_us", "symbol"].map(FieldKey::new).to_vec();
    for (row, event) in expected.iter().enumerate() {
        let found = segment.event(row as u32, &Projection::Fields(wanted.clone())).unwrap();
        let mut event = event.clone();
        event.fields.retain(|(key, _)| wanted.contains(key));
        assert_eq!(canonical(&found), canonical(&event));
    }
}

#[test]
fn rows_without_fields_and_rows_all_alike_come_back() {
    let bare: Vec<Event> = (0..300).map(|i| event(i, 0, crate::event::Level::Info, vec![])).collect();
    check(&bare, &options(128));
    let alike: Vec<Event> = (0..300)
        .map(|i| {
            let fields =
                vec![("order_id", "A".into()), ("message", "hello 7".into()), ("x", Value::F64(-0.0))];
            event(i, i as i64, crate::event::Level::Info, fields)
        })
        .collect();
    check(&alike, &options(128));
}

#[test]
fn texts_that_are_few_and_too_long_to_keep_are_read_row_by_row() {
    let events: Vec<Event> = (0..600)
        .map(|i| {
            // Unlike each other, and over 64 KiB together.
            let text: String = (0..12)
                .map(|part| {
                    format!("{:016x}", crate::segment::hash::stable_hash(&[i as u8, (i >> 8) as u8, part]))
                })
                .collect();
            event(i, i as i64, crate::event::Level::Info, vec![("note", text.as_str().into())])
        })
        .collect();
    let finished = build(&events, &options(128));
    let segment = open(&finished.bytes).unwrap();
    let expected = expected(&events);
    let forwards = 0..expected.len();
    for row in forwards.clone().chain(forwards.rev()) {
        let found = segment.event(row as u32, &Projection::all()).unwrap();
        assert_eq!(canonical(&found), canonical(&expected[row]));
    }
}
