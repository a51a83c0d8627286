//! No damage gives a wrong answer, a panic or a huge allocation: every flipped bit and every cut is found.

use std::path::Path;

use super::model::*;
use crate::Error;
use crate::event::Field;
use crate::segment::{ColumnId, Lookup, Projection, Segment, SegmentOptions, Tier};
use crate::vfs::Mapping;

/// Everything a segment answers, as text; the first error otherwise.
fn answers(bytes: Vec<u8>) -> crate::Result<String> {
    use std::fmt::Write;
    let segment = Segment::open(Path::new("test.seg"), Mapping::new(bytes))?;
    let mut all = format!("{:?}", segment.meta());
    for row in 0..segment.rows() {
        write!(all, "{:?}", segment.event(row, &Projection::All)?).unwrap();
    }
    for block in 0..segment.block_count() {
        for column in 0..segment.columns().len() as u32 {
            let vector = segment.decode(block, ColumnId::Field(column))?;
            for slot in 0..segment.block_rows(block).len() {
                write!(all, "{:?}", vector.value(slot)).unwrap();
            }
            write!(all, "{:?}", segment.zone(block, ColumnId::Field(column))?).unwrap();
        }
    }
    for field in [Field::ORDER_ID, Field::CORRELATION_ID, Field::SYMBOL] {
        for row in 0..segment.rows() {
            let event = segment.event(row, &Projection::Fields(vec![field.into()]))?;
            if let Some((key, value)) = event.fields.first() {
                let Lookup::Rows(rows) = segment.lookup(key.borrow(), &value.to_string())? else {
                    return Ok(all);
                };
                write!(all, "{rows:?}").unwrap();
            }
        }
    }
    Ok(all)
}

fn sample(tier: Tier) -> Vec<u8> {
    let indexed = SegmentOptions::default().indexed;
    let options = SegmentOptions { block_rows: 128, ..SegmentOptions::of_tier(tier, indexed) };
    let mut events = match tier {
        Tier::Hot => orders(&mut Random(41), 60),
        Tier::Warm | Tier::Cold => related_orders(&mut Random(41), 220),
    };
    events.extend(anything(&mut Random(42), 7));
    build(&events, &options).bytes
}

/// What a damaged copy may do: be refused when opened or verified.
fn is_found(bytes: Vec<u8>) -> bool {
    match Segment::open(Path::new("test.seg"), Mapping::new(bytes)) {
        Ok(segment) => segment.verify().is_err(),
        Err(_) => true,
    }
}

#[test]
fn every_flipped_bit_is_found_by_verification() {
    // Tiers differ in what the checksums cover, not in what covers it: a few bits do for those built later.
    for (tier, stride) in [(Tier::Hot, 1), (Tier::Warm, 31), (Tier::Cold, 31)] {
        let sound = sample(tier);
        assert!(!is_found(sound.clone()));
        for bit in (0..sound.len() * 8).step_by(stride) {
            let mut flipped = sound.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(is_found(flipped), "{tier}: bit {bit} of {}", sound.len() * 8);
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_no_answer() {
    Tier::ALL.into_iter().for_each(flipped_bits_change_no_answer);
}

fn flipped_bits_change_no_answer(tier: Tier) {
    let sound = sample(tier);
    let expected = answers(sound.clone()).unwrap();
    let mut found = 0;
    // A prime stride visits all bits of bytes and all parts of the file in bearable time.
    let stride = if tier == Tier::Hot { 37 } else { 139 };
    for bit in (0..sound.len() * 8).step_by(stride) {
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match answers(flipped) {
            Ok(answers) => assert!(answers == expected, "{tier}: bit {bit} changes an answer"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 0);
}

#[test]
fn damage_to_trained_texts_is_found_and_does_not_panic() {
    let events = prose(&mut Random(43), 1500);
    let indexed = SegmentOptions::default().indexed;
    let sound = build(&events, &SegmentOptions::of_tier(Tier::Cold, indexed)).bytes;
    assert!(!is_found(sound.clone()));
    for bit in (0..sound.len() * 8).step_by(sound.len() * 8 / 200) {
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(is_found(flipped.clone()), "bit {bit}");
        if let Ok(forged) = Segment::open_unchecked(Path::new("test.seg"), Mapping::new(flipped)) {
            let _ = forged.verify();
            for row in (0..forged.rows()).step_by(100) {
                let _ = forged.event(row, &Projection::All);
            }
        }
    }
}

#[test]
fn a_file_cut_at_any_length_is_refused() {
    let sound = sample(Tier::Cold);
    for length in 0..sound.len() {
        let error = open(&sound[..length]).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{length}: {error}");
    }
    assert!(is_found([&sound[..], &[0]].concat()));
}

#[test]
fn foreign_and_newer_files_are_told_apart_from_damaged_ones() {
    let foreign = [b"PK\x03\x04 something else".as_slice(), &[0; 100]].concat();
    assert!(matches!(open(&foreign), Err(Error::Foreign { kind: "segment", .. })));
    assert!(matches!(open(b"SQLite format 3\0"), Err(Error::Foreign { .. })));
    let mut newer = sample(Tier::Hot);
    newer[8] = 2;
    let crc = crc32fast::hash(&newer[..12]);
    newer[12..16].copy_from_slice(&crc.to_le_bytes());
    let error = open(&newer).unwrap_err();
    assert!(matches!(error, Error::NewerVersion { found: 2, supported: 1, .. }), "{error}");
    let mut damaged = sample(Tier::Hot);
    damaged[0] ^= 1;
    assert!(matches!(open(&damaged), Err(Error::Damaged { offset: 0, .. })));
}

/// Checksums say nothing about a forger: with every checksum made right again, damage must still not panic.
#[test]
fn forged_files_do_not_panic() {
    Tier::ALL.into_iter().for_each(forgeries_do_not_panic);
}

fn forgeries_do_not_panic(tier: Tier) {
    let sound = sample(tier);
    let segment = open(&sound).unwrap();
    let footer_at = segment.footer_offset() as usize;
    let stride = if tier == Tier::Hot { 89 } else { 311 };
    for bit in (16 * 8..footer_at * 8).step_by(stride) {
        let mut forged = sound.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let forged = Segment::open_unchecked(Path::new("test.seg"), Mapping::new(forged)).unwrap();
        let _ = forged.verify();
        for row in 0..forged.rows() {
            let _ = forged.event(row, &Projection::All);
        }
        for column in 0..forged.columns().len() as u32 {
            for block in 0..forged.block_count() {
                let _ = forged.decode(block, ColumnId::Field(column));
                let _ = forged.zone(block, ColumnId::Field(column));
            }
        }
        for field in [Field::ORDER_ID, Field::CORRELATION_ID] {
            let _ = forged.lookup(crate::event::FieldRef::Known(field), "20120621-AMZN-1");
        }
    }
    // The footer has a checksum of its own to make right.
    for bit in (footer_at * 8..(sound.len() - 44) * 8).step_by(stride / 2) {
        let mut forged = sound.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let trailer = forged.len() - 44;
        let crc = crc32fast::hash(&forged[footer_at..trailer]);
        forged[trailer + 12..trailer + 16].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32fast::hash(&forged[trailer..trailer + 40]);
        forged[trailer + 40..].copy_from_slice(&crc.to_le_bytes());
        let _ = answers(forged.clone());
        if let Ok(segment) = open(&forged) {
            let _ = segment.verify();
        }
    }
}
