//! Merged segments hold what their sources held, however these were split; whatever differs is found.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

use super::model::*;
use crate::event::record::{Defaults, Record};
use crate::event::{Category, Day, Event, Field, FieldKey, Level, Seq, Timestamp, Value};
use crate::limits::FIELDS_PER_EVENT_MAX;
use crate::segment::builder::RowHead;
use crate::segment::{
    ContentRoot, FullPace, Lookup, Pace, Projection, Segment, SegmentBuilder, SegmentId, SegmentIdentity,
    SegmentOptions, Tier, compare, content_root, merge,
};
use crate::vfs::Mapping;
use crate::{Error, Result};

fn identity(category: Category, day: Day) -> SegmentIdentity {
    SegmentIdentity { id: SegmentId(1), day, category, tier: Tier::Warm, source_wal: 0 }
}

fn named(name: &str, bytes: Vec<u8>) -> Arc<Segment> {
    Arc::new(Segment::open(&PathBuf::from(name), Mapping::new(bytes)).unwrap())
}

fn sealed(name: &str, events: &[Event], options: &SegmentOptions) -> Arc<Segment> {
    named(name, build(events, options).bytes)
}

fn options(block_rows: u32) -> SegmentOptions {
    SegmentOptions { block_rows, ..SegmentOptions::default() }
}

/// Indexes numbers and messages too, as some sources may.
fn odd_options(block_rows: u32) -> SegmentOptions {
    let indexed = ["order_id", "price", "x", "mixed", "message", "event"].map(FieldKey::new).to_vec();
    SegmentOptions { block_rows, ..SegmentOptions::of_tier(Tier::Cold, indexed) }
}

fn merged_with(
    sources: &[Arc<Segment>],
    options: &SegmentOptions,
    memory_bytes_max: usize,
    pace: &dyn Pace,
) -> Result<Vec<Arc<Segment>>> {
    let mut outputs: Vec<Arc<Segment>> = Vec::new();
    merge(sources, options, memory_bytes_max, pace, &mut |builder: SegmentBuilder| {
        let finished = builder.finish(identity(Category::ORDER, DAY));
        outputs.push(named(&format!("output-{}.seg", outputs.len()), finished.bytes));
        Ok(())
    })?;
    Ok(outputs)
}

fn merged(sources: &[Arc<Segment>], options: &SegmentOptions, memory_bytes_max: usize) -> Vec<Arc<Segment>> {
    merged_with(sources, options, memory_bytes_max, &FullPace).unwrap()
}

fn root(segments: &[Arc<Segment>]) -> ContentRoot {
    content_root(segments, &FullPace).unwrap()
}

/// Splits events into sources: by time with some overlap, or at random.
fn split(events: &[Event], parts: u64, by_time: bool, random: &mut Random) -> Vec<Arc<Segment>> {
    let mut each: Vec<Vec<Event>> = vec![vec![]; parts as usize];
    for (index, event) in expected(events).into_iter().enumerate() {
        let part = match by_time {
            true => (index as u64 * parts / events.len() as u64 + random.below(8) / 7).min(parts - 1),
            false => random.below(parts),
        };
        each[part as usize].push(event);
    }
    let source = |(index, events): (usize, &mut Vec<Event>)| {
        // Events come to a builder as they were recorded, not in order of time.
        let cut = random.below(events.len() as u64) as usize;
        events.rotate_left(cut);
        let options = match index % 4 {
            2 => odd_options(128),
            3 => SegmentOptions::of_tier(Tier::Cold, SegmentOptions::default().indexed),
            _ => options(random.pick(&[128, 256, 4096])),
        };
        sealed(&format!("source-{index}.seg"), events, &options)
    };
    each.iter_mut().filter(|events| !events.is_empty()).enumerate().map(source).collect()
}

/// The outputs hold the events, follow each other in order, and compare equal to the sources.
fn check_rows(events: &[Event], sources: &[Arc<Segment>], outputs: &[Arc<Segment>]) {
    let mut rows = expected(events).into_iter();
    for output in outputs {
        for row in 0..output.rows() {
            let found = output.event(row, &Projection::All).unwrap();
            assert_eq!(canonical(&found), canonical(&rows.next().unwrap()), "row {row}");
        }
    }
    assert_eq!(rows.next(), None);
    let compared = compare(sources, outputs, &FullPace).unwrap();
    assert_eq!(compared, root(sources));
    assert_eq!(compared, root(outputs));
}

/// Merges; the outputs are sound, hold the events, and find them. Gives how many there are.
fn check(
    events: &[Event],
    sources: &[Arc<Segment>],
    options: &SegmentOptions,
    memory_bytes_max: usize,
) -> usize {
    let outputs = merged(sources, options, memory_bytes_max);
    check_rows(events, sources, &outputs);
    let expected = expected(events);
    let mut at = 0;
    for output in &outputs {
        output.verify().unwrap();
        let own = &expected[at..at + output.rows() as usize];
        at += own.len();
        for key in &options.indexed {
            for event in own.iter().step_by(50) {
                let Some(value) = event.field(key.borrow()) else { continue };
                let found = output.lookup(key.borrow(), &value.to_string()).unwrap();
                assert_eq!(found, Lookup::Rows(rows_with(own, key.borrow(), &value.to_string())), "{key}");
            }
        }
    }
    outputs.len()
}

#[test]
fn events_split_at_random_come_back_together() {
    for seed in 1..16 {
        let mut random = Random(seed * 7919);
        let count = 300 + random.below(900) as usize;
        let events = if seed % 2 == 0 { orders(&mut random, count) } else { anything(&mut random, count) };
        let parts = 1 + random.below(9);
        let sources = split(&events, parts, seed % 3 == 0, &mut random);
        assert_eq!(check(&events, &sources, &options(256), usize::MAX), 1);
        check(&events, &sources, &odd_options(128), usize::MAX);
    }
}

#[test]
fn a_small_memory_gives_several_outputs_in_order() {
    let mut random = Random(97);
    for mut events in [orders(&mut random, 2000), anything(&mut random, 1500)] {
        // Pages may say of a number only how far it is from seq.
        for event in &mut events {
            event.fields.push((FieldKey::new("near_seq"), Value::I64((event.seq.0 as i64).wrapping_sub(3))));
        }
        let sources = split(&events, 5, true, &mut random);
        let expected = root(&sources);
        assert_eq!(check(&events, &sources, &options(128), 1), events.len().div_ceil(128));
        let outputs = check(&events, &sources, &options(128), 100_000);
        assert!((2..events.len() / 128).contains(&outputs), "{outputs}");
        // What was merged once merges again.
        let outputs = merged(&sources, &options(128), 1);
        assert_eq!(check(&events, &outputs, &odd_options(4096), usize::MAX), 1);
        assert_eq!(root(&outputs), expected);
    }
}

/// Merged again and again, with other options each time, nothing wears off.
#[test]
fn the_content_root_is_that_of_the_events_alone() {
    let mut random = Random(3);
    let events = anything(&mut random, 700);
    let expected = root(&[sealed("one.seg", &events, &options(128))]);
    for parts in [2, 5, 30] {
        let sources = split(&events, parts, false, &mut random);
        assert_eq!(root(&sources), expected);
        let mut reversed = sources.clone();
        reversed.reverse();
        assert_eq!(root(&reversed), expected);
        let again = merged(&merged(&reversed, &odd_options(256), 1), &options(128), usize::MAX);
        assert_eq!(root(&again), expected);
    }
    assert_ne!(root(&[sealed("less.seg", &events[1..], &options(128))]), expected);
}

/// The canonical bytes, written out by hand from the description of the format.
#[test]
fn the_content_root_is_that_of_the_documented_bytes() {
    let fields = vec![
        ("zulu", Value::Bool(true)),
        ("alpha", Value::I64(-2)),
        ("price", decimal("1.50")),
        ("message", "hi é".into()),
        ("float", Value::F64(-0.0)),
    ];
    let events = [event(9, 5, Level::Warn, fields), event(10, 6, Level::Info, vec![])];
    let mut bytes = Vec::new();
    for (event, level, count) in [(&events[0], Level::Warn, 5u32), (&events[1], Level::Info, 0)] {
        bytes.extend(event.ts.0.to_le_bytes());
        bytes.extend(event.seq.0.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(event.seq.0.to_le_bytes());
        bytes.extend(b"\x05order");
        bytes.push(level as u8);
        bytes.extend(count.to_le_bytes());
        if count > 0 {
            bytes.extend(b"\x05\0alpha\x01\xfe\xff\xff\xff\xff\xff\xff\xff");
            bytes.extend(b"\x05\0float\x02\0\0\0\0\0\0\0\x80");
            bytes.extend(b"\x07\0message\x04\x05\0\0\0hi \xc3\xa9");
            // Flags with the scale in their third byte, then the low, middle and high parts of the mantissa.
            bytes.extend(b"\x05\0price\x03\0\0\x02\0\x96\0\0\0\0\0\0\0\0\0\0\0");
            bytes.extend(b"\x04\0zulu\0\x01");
        }
    }
    let found = root(&[sealed("a.seg", &events, &options(128))]);
    assert_eq!(found, ContentRoot(*blake3::hash(&bytes).as_bytes()));
    assert_eq!(found.to_string(), blake3::hash(&bytes).to_hex().as_str());
    assert_eq!(root(&[]), ContentRoot(*blake3::hash(b"").as_bytes()));
}

#[test]
fn events_of_many_fields_come_back() {
    let wide = |seq: u64| {
        let fields = (0..FIELDS_PER_EVENT_MAX as u64).map(|index| {
            let name = format!("field_{}", index + seq * 88);
            let value = match index % 4 {
                0 => Value::I64((index + seq) as i64),
                1 => Value::from(format!("text {seq} {index}")),
                2 => Value::F64(index as f64 / 3.0),
                _ => Value::Decimal(crate::event::Decimal::MAX),
            };
            (name, value)
        });
        let fields: Vec<_> = fields.collect();
        event(seq, seq as i64, Level::Info, fields.iter().map(|(n, v)| (n.as_str(), v.clone())).collect())
    };
    // More columns than one segment may have: 512 and 88 more with each event.
    let events: Vec<Event> = (0..180).map(wide).collect();
    // Not by way of records, whose encoder takes long to tell that no name is given twice.
    let pushed = |events: &[Event]| {
        let mut builder = SegmentBuilder::new(&options(128));
        for event in events {
            let (ts, seq, pseq) = (event.ts.0, event.seq.0, event.pseq);
            let head = RowHead { ts, seq, producer: event.producer.0, pseq, level: event.level };
            let fields = event.fields.iter().map(|(key, value)| (key.borrow(), value.borrow()));
            builder.push_row(head, fields).unwrap();
        }
        named("source.seg", builder.finish(identity(Category::ORDER, DAY)).bytes)
    };
    let sources = [pushed(&events[..60]), pushed(&events[60..120]), pushed(&events[120..])];
    let outputs = merged(&sources, &options(128), usize::MAX);
    assert_eq!(outputs.len(), 2);
    // Verification reads every column of every block anew, which takes long for so many.
    check_rows(&events, &sources, &outputs);
}

/// The message of a damage that names one of these files.
fn damage<T: std::fmt::Debug>(result: Result<T>, path: &str) -> String {
    match result {
        Err(error @ Error::Damaged { .. }) => {
            let Error::Damaged { path: found, .. } = &error else { unreachable!() };
            assert!(found.to_string_lossy().starts_with(path), "{error}");
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_difference_is_found_and_named() {
    let mut random = Random(55);
    let mut events = orders(&mut random, 600);
    let target = 321;
    events[target].fields = vec![
        (Field::PRICE.into(), decimal("1.50")),
        (FieldKey::new("float"), Value::F64(0.0)),
        (FieldKey::new("count"), Value::I64(7)),
        (FieldKey::new("flag"), Value::Bool(true)),
        (Field::MESSAGE.into(), "seven of 9".into()),
    ];
    let seq = events[target].seq;
    let sources = split(&events, 3, true, &mut random);
    type Change = fn(&mut Event);
    let changes: [(Change, &str, &str); 15] = [
        (|e| e.ts = Timestamp(e.ts.0 + 1), "ts", "ts"),
        (|e| e.producer.0 += 1, "producer 1", "producer 2"),
        (|e| e.pseq += 1, "pseq", "pseq"),
        (|e| e.level = Level::Error, "level", "level"),
        (|e| e.fields[0].1 = decimal("1.5"), "price Decimal 1.50", "price Decimal 1.5;"),
        (|e| e.fields[0].1 = "1.50".into(), "price Decimal 1.50", "price Str 1.50"),
        (|e| e.fields[1].1 = Value::F64(-0.0), "float F64 0.0", "float F64 -0.0"),
        (|e| e.fields[2].1 = Value::I64(8), "count I64 7", "count I64 8"),
        (|e| e.fields[2].1 = decimal("7"), "count I64 7", "count Decimal 7"),
        (|e| e.fields[2].0 = FieldKey::new("Count"), "count I64 7", "no count"),
        (|e| e.fields[3].1 = Value::Bool(false), "flag Bool true", "flag Bool false"),
        (|e| e.fields[4].1 = "seven of 8".into(), "message Str seven of 9", "message Str seven of 8"),
        (|e| drop(e.fields.remove(3)), "flag Bool true", "no flag"),
        (|e| e.fields.push((FieldKey::new("more"), Value::I64(0))), "no more", "more I64 0"),
        (|e| e.seq = Seq(99_999_999), "", ""),
    ];
    let same = sealed("output.seg", &events, &options(128));
    compare(&sources, &[same], &FullPace).unwrap();
    for (change, given, found) in changes {
        let mut changed = events.clone();
        change(&mut changed[target]);
        let output = sealed("output.seg", &changed, &options(128));
        let error = damage(compare(&sources, &[output], &FullPace), "output.seg");
        assert!(error.contains(&format!("seq {seq}")), "{error}");
        let (expected_part, found_part) = error.split_once(", found ").unwrap();
        assert!(expected_part.contains(given) && found_part.contains(found), "{given}, {found}: {error}");
    }
    for (range, expected) in [(1..600, true), (0..599, true), (0..600, false)] {
        let mut sorted = super::model::expected(&events);
        if !expected {
            sorted.push(event(99_999_999, i64::from(u32::MAX) * 1000, Level::Info, vec![]));
        }
        let range = if expected { range } else { 0..sorted.len() };
        let output = sealed("output.seg", &sorted[range], &options(128));
        let error = damage(compare(&sources, &[output], &FullPace), "output.seg");
        assert!(error.contains("seq "), "{error}");
    }
    // A category is what a whole segment has.
    let custom = events.iter().cloned().map(|event| Event { category: Category::RISK, ..event });
    let mut builder = SegmentBuilder::new(&options(128));
    let mut encoder = crate::event::record::Encoder::new();
    for event in custom {
        let bytes = encode(&mut encoder, &event);
        let record = Record::parse(&bytes).unwrap();
        builder.push(event.seq, event.producer, &record, &Defaults::default()).unwrap();
    }
    let output = named("output.seg", builder.finish(identity(Category::RISK, DAY)).bytes);
    let error = damage(compare(&sources, &[output], &FullPace), "output.seg");
    assert!(error.contains("category order") && error.contains("category risk"), "{error}");
    damage(compare(&sources, &[], &FullPace), "source-");
}

#[test]
fn an_event_in_two_sources_is_damage_that_names_both() {
    let mut random = Random(8);
    let events = orders(&mut random, 500);
    let a = sealed("a.seg", &events[..300], &options(128));
    type Change = fn(&mut Event);
    // The same event, and the same seq at another time.
    let changes: [Change; 3] =
        [|_| {}, |e| e.ts = Timestamp(e.ts.0 + 40_000_000_000), |e| e.ts = DAY.start()];
    for change in changes {
        let mut others = events[299..].to_vec();
        change(&mut others[0]);
        let b = sealed("b.seg", &others, &options(128));
        for sources in [[a.clone(), b.clone()], [b, a.clone()]] {
            let error = damage(merged_with(&sources, &options(128), usize::MAX, &FullPace), "");
            assert!(error.contains("a.seg") && error.contains("b.seg"), "{error}");
            assert!(error.contains(&format!("seq {}", events[299].seq)), "{error}");
            damage(content_root(&sources, &FullPace), "");
        }
    }
}

/// Flips bits all over a source: the merge fails naming it, or gives what it would have given.
#[test]
fn damage_of_a_source_is_an_error() {
    let mut random = Random(21);
    let mut events = orders(&mut random, 400);
    events.truncate(400);
    let sound = build(&events[200..], &options(128)).bytes;
    let first = sealed("first.seg", &events[..200], &options(128));
    let expected = root(&[first.clone(), named("second.seg", sound.clone())]);
    let mut found = 0;
    for bit in (0..sound.len() * 8).step_by(331) {
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(second) = Segment::open(&PathBuf::from("second.seg"), Mapping::new(flipped)) else { continue };
        let sources = [first.clone(), Arc::new(second)];
        match merged_with(&sources, &options(128), usize::MAX, &FullPace) {
            Ok(outputs) => assert_eq!(root(&outputs), expected, "bit {bit}"),
            Err(error) => {
                damage::<()>(Err(error), "second.seg");
                damage(content_root(&sources, &FullPace), "second.seg");
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
}

/// With all checksums made right again, there may be an error or a wrong answer, never a panic.
#[test]
fn forged_sources_do_not_panic() {
    let mut random = Random(77);
    let mut events = orders(&mut random, 150);
    events.extend(anything(&mut random, 40));
    let sound = build(&events, &odd_options(128)).bytes;
    let footer_at = open(&sound).unwrap().footer_offset() as usize;
    for bit in (16 * 8..footer_at * 8).step_by(173) {
        let mut forged = sound.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let forged = Segment::open_unchecked(&PathBuf::from("forged.seg"), Mapping::new(forged)).unwrap();
        let sources = [Arc::new(forged)];
        let _ = merged_with(&sources, &options(128), usize::MAX, &FullPace);
        let _ = compare(&sources, &sources, &FullPace);
    }
}

struct Stepping {
    steps: RefCell<Vec<(usize, usize)>>,
    stop_after: Cell<usize>,
}

impl Pace for Stepping {
    fn step(&self, rows: usize, bytes: usize) -> Result<()> {
        let mut steps = self.steps.borrow_mut();
        steps.push((rows, bytes));
        if steps.len() > self.stop_after.get() { Err(Error::Closed) } else { Ok(()) }
    }
}

#[test]
fn a_pace_is_asked_before_each_block_and_ends_the_work() {
    let mut random = Random(31);
    let events = orders(&mut random, 1000);
    let sources =
        [sealed("a.seg", &events[..500], &options(128)), sealed("b.seg", &events[500..], &options(256))];
    let pace = Stepping { steps: RefCell::default(), stop_after: Cell::new(usize::MAX) };
    let outputs = merged_with(&sources, &options(128), usize::MAX, &pace).unwrap();
    let steps = pace.steps.take();
    assert_eq!(steps.iter().map(|(rows, _)| rows).sum::<usize>(), 1000);
    let bytes: usize = steps.iter().map(|(_, bytes)| bytes).sum();
    let files: u64 = sources.iter().map(|source| source.meta().file_bytes).sum();
    assert!(bytes as u64 <= files && bytes as u64 + 16 > files, "{bytes} of {files}");
    assert_eq!(steps.len(), 4 + 2);
    for stop_after in 0..steps.len() {
        pace.steps.take();
        pace.stop_after.set(stop_after);
        let ended = merged_with(&sources, &options(128), usize::MAX, &pace);
        assert!(matches!(ended, Err(Error::Closed)), "{ended:?}");
        pace.steps.take();
        assert!(matches!(compare(&sources, &outputs, &pace), Err(Error::Closed)));
        pace.steps.take();
        assert!(matches!(content_root(&sources, &pace), Err(Error::Closed)));
    }
    let mut handed_out = 0;
    let refused = merge(&sources, &options(128), 1, &FullPace, &mut |_| {
        handed_out += 1;
        if handed_out == 2 { Err(Error::Closed) } else { Ok(()) }
    });
    assert!(matches!(refused, Err(Error::Closed)) && handed_out == 2);
}

/// Sources that follow each other in time are read one after the other, in whatever order they are given.
#[test]
fn a_source_is_not_begun_before_its_time() {
    let lengths = 129..160;
    let mut ts = 0;
    let mut next = || {
        ts += 1;
        event(ts as u64, ts, Level::Info, vec![("message", format!("at {ts}").into())])
    };
    let mut sources: Vec<Arc<Segment>> = Vec::new();
    for length in lengths.clone() {
        let events: Vec<Event> = (0..length).map(|_| next()).collect();
        sources.push(sealed("source.seg", &events, &options(128)));
    }
    sources.reverse();
    sources.rotate_left(7);
    let pace = Stepping { steps: RefCell::default(), stop_after: Cell::new(usize::MAX) };
    content_root(&sources, &pace).unwrap();
    let found: Vec<usize> = pace.steps.take().iter().map(|(rows, _)| *rows).collect();
    let in_turn: Vec<usize> = lengths.flat_map(|length| [128, length - 128]).collect();
    assert_eq!(found, in_turn);
}

#[test]
#[should_panic(expected = "one category and day")]
fn segments_of_two_days_are_not_merged() {
    let today = event(1, 0, Level::Info, vec![]);
    let tomorrow = Event { ts: Day(DAY.0 + 1).start(), seq: Seq(2), ..today.clone() };
    let mut builder = SegmentBuilder::new(&options(128));
    let mut encoder = crate::event::record::Encoder::new();
    let bytes = encode(&mut encoder, &tomorrow);
    builder
        .push(tomorrow.seq, tomorrow.producer, &Record::parse(&bytes).unwrap(), &Defaults::default())
        .unwrap();
    let sources = [
        sealed("a.seg", &[today], &options(128)),
        named("b.seg", builder.finish(identity(Category::ORDER, Day(DAY.0 + 1))).bytes),
    ];
    let _ = merged_with(&sources, &options(128), usize::MAX, &FullPace);
}
