//! What goes in comes out; what is over a limit does not go in; damage is noticed.

use crate::dec;
use crate::error::Refused;
use crate::event::{Category, Field, FieldRef, Level, Timestamp, ValueRef};
use crate::limits::{FIELDS_PER_EVENT_MAX, ID_BYTES_MAX, STRING_BYTES_MAX};
use rust_decimal::Decimal;

use super::*;

fn encode(fields: &[(FieldRef<'_>, ValueRef<'_>)]) -> Result<Vec<u8>, Refused> {
    let mut encoder = Encoder::new();
    encoder.begin(Category::ORDER, Level::Warn);
    for (field, value) in fields {
        encoder.field(*field, *value)?;
    }
    Ok(encoder.finish(Timestamp(-5), 7).to_vec())
}

#[test]
fn every_type_comes_back_equal() {
    let fields = [
        (FieldRef::Known(Field::EVENT), ValueRef::Str("order_created")),
        (FieldRef::Known(Field::PRICE), ValueRef::Decimal(dec!(-150.250))),
        (FieldRef::Known(Field::MESSAGE), ValueRef::Str("")),
        (FieldRef::Named("min"), ValueRef::I64(i64::MIN)),
        (FieldRef::Named("max"), ValueRef::I64(i64::MAX)),
        (FieldRef::Named("zero"), ValueRef::I64(0)),
        (FieldRef::Named("float"), ValueRef::F64(-0.1)),
        (FieldRef::Named("big"), ValueRef::Decimal(Decimal::MAX)),
        (FieldRef::Named("negative zero"), ValueRef::Decimal(-dec!(0.00))),
        (FieldRef::Named("bool"), ValueRef::Bool(true)),
        (FieldRef::Named("наzва"), ValueRef::Str("значение")),
    ];
    let bytes = encode(&fields).unwrap();
    assert_eq!(bytes.len() % ALIGNMENT, 0);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(
        (record.ts, record.pseq, record.category, record.level),
        (Timestamp(-5), 7, Category::ORDER, Level::Warn)
    );
    let read = record.fields().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(read, fields);
    let printed = |fields: &[(FieldRef<'_>, ValueRef<'_>)]| {
        fields.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(printed(&read), printed(&fields));
    assert!(printed(&read).contains(&"-0.00".to_owned()));
}

#[test]
fn application_categories_travel_by_name() {
    let category = Category::custom("travels_by_name").unwrap();
    let mut encoder = Encoder::new();
    encoder.begin(category, Level::Info);
    encoder.field(FieldRef::new("event"), ValueRef::Str("x")).unwrap();
    let record = Record::parse(encoder.finish(Timestamp(0), 0)).unwrap();
    assert_eq!(record.category, category);
    assert_eq!(record.fields().count(), 1);
}

#[test]
fn over_the_limit_is_refused_by_name_and_never_cut() {
    let long = "x".repeat(ID_BYTES_MAX + 1);
    let refused = encode(&[(FieldRef::new("order_id"), ValueRef::Str(&long))]).unwrap_err();
    assert_eq!(refused.to_string(), "field 'order_id' has 257 bytes, the limit is 256");
    assert!(encode(&[(FieldRef::new("order_id"), ValueRef::Str(&long[1..]))]).is_ok());
    let huge = "y".repeat(STRING_BYTES_MAX);
    let many = ["a", "b", "c"].map(|name| (FieldRef::new(name), ValueRef::Str(&huge)));
    assert!(matches!(encode(&many), Err(Refused::EventTooLarge { .. })));
    assert!(matches!(
        encode(&[(FieldRef::new("nan"), ValueRef::F64(f64::NAN))]),
        Err(Refused::NotFinite { .. })
    ));
    assert!(matches!(encode(&[(FieldRef::new("ts"), ValueRef::I64(1))]), Err(Refused::FieldName { .. })));
    let twice =
        [("x", 1), ("y", 2), ("x", 3)].map(|(name, value)| (FieldRef::new(name), ValueRef::I64(value)));
    assert!(matches!(encode(&twice), Err(Refused::FieldTwice { .. })));
    let names: Vec<String> = (0..=FIELDS_PER_EVENT_MAX).map(|i| format!("f{i}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (FieldRef::new(name), ValueRef::Bool(true))).collect();
    assert!(matches!(encode(&fields), Err(Refused::TooManyFields { .. })));
    assert!(encode(&fields[1..]).is_ok());
}

#[test]
fn defaults_fill_in_what_the_event_leaves_out() {
    let defaults = Defaults::new([(Field::STRATEGY, "momentum"), (Field::SERVICE, "oms")]).unwrap();
    assert_eq!(Defaults::parse(defaults.bytes()).unwrap(), defaults);
    let bytes = encode(&[(FieldRef::Known(Field::STRATEGY), ValueRef::Str("pairs"))]).unwrap();
    let record = Record::parse(&bytes).unwrap();
    let fields: Vec<_> = record.fields_with(&defaults).map(|field| field.unwrap()).collect();
    let expected = [(Field::STRATEGY, "pairs"), (Field::SERVICE, "oms")]
        .map(|(f, v)| (FieldRef::Known(f), ValueRef::Str(v)));
    assert_eq!(fields, expected);
}

#[test]
fn no_damage_makes_the_decoder_panic() {
    let bytes = encode(&[
        (FieldRef::new("event"), ValueRef::Str("e")),
        (FieldRef::new("price"), ValueRef::Decimal(dec!(1.5))),
        (FieldRef::new("n"), ValueRef::I64(-3)),
    ])
    .unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(record) = Record::parse(&flipped) {
                record.fields().for_each(drop);
            }
        }
        if let Ok(record) = Record::parse(&bytes[..at]) {
            record.fields().for_each(drop);
        }
    }
}
