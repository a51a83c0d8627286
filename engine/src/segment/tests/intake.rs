//! What the builder takes in, and what it refuses.

use super::model::*;
use crate::event::record::{Defaults, Encoder, Record};
use crate::event::{Category, Field, FieldKey, FieldRef, Level, ProducerId, Seq, Timestamp, ValueRef};
use crate::segment::{Lookup, Projection, SegmentBuilder, SegmentId, SegmentIdentity, SegmentOptions, Tier};

fn identity() -> SegmentIdentity {
    SegmentIdentity { id: SegmentId(1), day: DAY, category: Category::ORDER, tier: Tier::Hot, source_wal: 1 }
}

fn record(encoder: &mut Encoder, fields: &[(FieldRef<'_>, ValueRef<'_>)]) -> Vec<u8> {
    encoder.begin(Category::ORDER, Level::Info);
    for (field, value) in fields {
        encoder.field(*field, *value).unwrap();
    }
    encoder.finish(Timestamp(DAY.start().0), 0).to_vec()
}

#[test]
fn a_refused_record_leaves_nothing_behind() {
    let mut encoder = Encoder::new();
    let id = FieldRef::Known(Field::ORDER_ID);
    let good = record(&mut encoder, &[(id, "good".into()), (FieldRef::Named("x"), "1".into())]);
    let mut twice =
        record(&mut encoder, &[(id, "bad".into()), (FieldRef::Known(Field::SYMBOL), "also bad".into())]);
    // The second field's tag follows the first field: tag, type, length of two bytes, three letters.
    let second = crate::event::record::HEADER_BYTES + 7;
    assert_eq!(twice[second], Field::SYMBOL.code());
    twice[second] = Field::ORDER_ID.code();
    let mut cut = record(&mut encoder, &[(id, "cut".into()), (FieldRef::Named("only here"), "2".into())]);
    let at = cut.len() - 16;
    cut[at..].fill(0xff);
    let mut builder = SegmentBuilder::new(&SegmentOptions::default());
    let defaults = Defaults::default();
    for (seq, bytes) in [&twice, &good, &cut, &good, &twice].into_iter().enumerate() {
        let record = Record::parse(bytes).unwrap();
        let pushed = builder.push(Seq(seq as u64), ProducerId(1), &record, &defaults);
        assert_eq!(pushed.is_ok(), bytes == &good, "{seq}");
    }
    assert_eq!(builder.rows(), 2);
    let finished = builder.finish(identity());
    let segment = open(&finished.bytes).unwrap();
    segment.verify().unwrap();
    assert_eq!(segment.lookup(id, "good").unwrap(), Lookup::Rows(vec![0, 1]));
    assert_eq!(segment.lookup(id, "bad").unwrap(), Lookup::Rows(vec![]));
    assert_eq!(finished.meta.routes.iter().filter(|route| route.distinct > 0).count(), 1);
    let event = segment.event(1, &Projection::All).unwrap();
    assert_eq!((event.seq, event.fields.len()), (Seq(3), 2));
}

#[test]
fn defaults_of_a_producer_are_fields_of_its_events() {
    let defaults =
        Defaults::new([(Field::STRATEGY, "momentum"), (Field::MESSAGE, "hello from momentum")]).unwrap();
    let mut encoder = Encoder::new();
    let mut builder = SegmentBuilder::new(&SegmentOptions::default());
    for seq in 0..10 {
        let own = [(FieldRef::Known(Field::STRATEGY), "pairs".into())];
        let bytes = record(&mut encoder, if seq % 2 == 0 { &own } else { &[] });
        builder.push(Seq(seq), ProducerId(3), &Record::parse(&bytes).unwrap(), &defaults).unwrap();
    }
    let segment = open(&builder.finish(identity()).bytes).unwrap();
    segment.verify().unwrap();
    for row in 0..10 {
        let event = segment.event(row, &Projection::All).unwrap();
        assert_eq!(event.text(Field::STRATEGY), if row % 2 == 0 { "pairs" } else { "momentum" });
        assert_eq!(event.text(Field::MESSAGE), "hello from momentum");
        assert_eq!(event.producer, ProducerId(3));
    }
}

#[test]
fn events_of_ever_new_columns_and_names_come_back() {
    let mut events = Vec::new();
    for seq in 0..3000u64 {
        let name = format!("field_{}", seq % 700);
        let event_name = format!("event_{seq}");
        let message = format!("{} happened {} times", ["this", "that", "other"][seq as usize % 3], seq * 7);
        let mut event = event(seq, seq as i64, Level::Info, vec![("message", message.into())]);
        event.fields.push((FieldKey::new(&name), (seq as i64).into()));
        event.fields.push((FieldKey::new("event"), event_name.into()));
        events.push(event);
    }
    let segment = open(&build(&events, &SegmentOptions::default()).bytes).unwrap();
    segment.verify().unwrap();
    for (row, expected) in expected(&events).iter().enumerate() {
        let found = segment.event(row as u32, &Projection::All).unwrap();
        assert_eq!(canonical(&found), canonical(expected));
    }
}

#[test]
fn identical_events_give_identical_files() {
    let events = orders(&mut Random(51), 400);
    let options = SegmentOptions::default();
    assert!(build(&events, &options).bytes == build(&events, &options).bytes);
}

#[test]
#[should_panic(expected = "block_rows is 100")]
fn block_rows_must_be_whole_miniblocks() {
    SegmentBuilder::new(&SegmentOptions { block_rows: 100, ..SegmentOptions::default() });
}
