//! Orders written one event a line, and what must become of them.

use std::collections::BTreeMap;

use blotter_engine::event::{Category, Level, Timestamp};
use rust_decimal::Decimal;

use super::facts::{Fact, Facts};
use super::fold::Orders;
use super::{Life, columns};
use crate::datum::{Datum, DatumRef};

/// An event written as `@5 fill order_filled fill_quantity=10`: the time in µs, the category, the name, fields. Its seq
/// is its line.
struct Line {
    place: (Timestamp, u64),
    category: Category,
    level: Level,
    fields: BTreeMap<String, Datum>,
}

impl Line {
    fn parse(line: &str, seq: u64) -> Line {
        let mut words = line.split_whitespace();
        let us: i64 = words.next().unwrap().strip_prefix('@').unwrap().parse().unwrap();
        let category = Category::custom(words.next().unwrap()).unwrap();
        let mut fields: BTreeMap<String, Datum> = BTreeMap::new();
        fields.insert("event".into(), words.next().unwrap().into());
        fields.insert("order_id".into(), "A".into());
        for word in words {
            let (name, value) = word.split_once('=').unwrap();
            let number = value.parse::<Decimal>().map(Datum::Decimal);
            fields.insert(name.into(), number.unwrap_or_else(|_| value.into()));
        }
        let level = match fields.remove("level") {
            Some(level) => level.as_str().unwrap().parse().unwrap(),
            None => Level::Info,
        };
        Line { place: (Timestamp(us * 1000), seq), category, level, fields }
    }
}

impl Facts for Line {
    fn place(&self) -> Option<(Timestamp, u64)> {
        Some(self.place)
    }

    fn category(&self) -> Option<Category> {
        Some(self.category)
    }

    fn level(&self) -> Option<Level> {
        Some(self.level)
    }

    fn fact(&self, fact: Fact) -> DatumRef<'_> {
        self.fields.get(fact.field()).map_or(DatumRef::Null, Datum::borrow)
    }
}

fn folded(events: &str) -> Orders {
    let lines = events.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<Line> = lines.enumerate().map(|(seq, line)| Line::parse(line, seq as u64)).collect();
    lines.sort_by_key(|line| line.place);
    let mut orders = Orders::default();
    lines.iter().for_each(|line| orders.push(line));
    orders
}

fn life(events: &str) -> Option<Life> {
    let (orders, words) = folded(events).into_orders();
    assert!(orders.len() < 2);
    orders.first().map(|order| Life::of(order, &words))
}

/// Asserts the columns named of what becomes of order A, written as `status=filled fills=2`; `-` is null.
#[track_caller]
fn check(events: &str, expected: &str) {
    let (orders, words) = folded(events).into_orders();
    let [order] = &orders[..] else { panic!("{} orders", orders.len()) };
    for cell in expected.split_whitespace() {
        let (name, expected) = cell.split_once('=').unwrap();
        let column = columns::COLUMNS.iter().find(|column| column.name == name).unwrap();
        let value = (column.value)(order, &words);
        let life = Life::of(order, &words).values();
        if let Some((_, of_type)) = life.iter().find(|(known, _)| *known == name) {
            assert_eq!(*of_type, value, "{name} of\n{events}");
        }
        let found = if value.is_null() { "-".to_owned() } else { value.to_string() };
        assert_eq!(found, expected, "{name} of\n{events}");
    }
}

#[test]
fn a_whole_life() {
    check(
        "@0 order order_created status=created symbol=AAPL strategy=m side=BUY order_type=limit quantity=30 price=100 correlation_id=c session_id=s
         @20 order order_submitted status=submitted latency_us=20
         @918 order order_acknowledged status=acknowledged
         @2000 fill order_partially_filled status=partially_filled fill_quantity=10 fill_price=100.01 commission=0.1
         @2500 fill order_filled status=filled fill_quantity=20 fill_price=100.04 commission=0.2
         @2500 audit order_lifecycle final_status=cancelled quantity=7",
        "symbol=AAPL strategy=m side=BUY order_type=limit quantity=30 price=100 correlation_id=c status=filled
         events=5 fills=2 filled_quantity=30 average_fill_price=100.03 commission=0.3 slippage_bps=3 submit_us=20
         acknowledge_us=898 first_fill_us=2000 lifecycle_ms=2.5 errors=0 illegal_transitions=0 is_orphan=false
         is_open=false parent_order_id=- replaces=- replaced_by=-
         ts=1970-01-01T00:00:00.000000000Z ended=1970-01-01T00:00:00.002500000Z",
    );
}

#[test]
fn statuses_are_those_of_the_field_or_else_of_the_name() {
    for (events, expected) in [
        ("@0 order order_created", "status=created is_open=true is_orphan=false"),
        ("@0 order x status=CREATED\n@1 order y status=Filled", "status=filled is_open=false"),
        ("@0 order order_created\n@1 order order_rejected status=odd", "status=rejected is_open=false"),
        ("@0 order note", "status=- events=1 is_orphan=true is_open=true"),
        // What keeps the status keeps it, whatever its field says.
        (
            "@0 order order_created\n@1 order order_reduced status=acknowledged quantity=5\n@2 order order_cancel_requested status=cancelled\n@3 order order_cancel_rejected status=rejected",
            "status=created events=4 quantity=- illegal_transitions=0",
        ),
        (
            "@0 order order_created quantity=10 price=5\n@1 order order_amended quantity=7 price=6 status=replaced",
            "status=created quantity=7 price=6",
        ),
        (
            "@0 order order_created quantity=10 price=5\n@1 order order_submitted quantity=7 price=6",
            "quantity=10 price=5",
        ),
    ] {
        check(events, expected);
    }
}

#[test]
fn illegal_transitions_are_noted_and_reopen_nothing() {
    for (events, expected) in [
        // The fill and its announcement, in either order, are one step.
        (
            "@0 order order_created\n@1 fill order_filled fill_quantity=1\n@2 order order_filled",
            "status=filled fills=1 illegal_transitions=0",
        ),
        (
            "@0 order order_created\n@1 order order_filled\n@2 fill order_filled fill_quantity=1",
            "status=filled fills=1 illegal_transitions=0",
        ),
        (
            "@0 order order_created\n@1 order order_filled\n@2 fill order_filled fill_quantity=1\n@3 order order_filled",
            "illegal_transitions=1",
        ),
        // An end after an end is what is believed; anything else after an end is not.
        (
            "@0 order order_created\n@1 order order_cancelled\n@5 fill order_filled fill_quantity=1",
            "status=filled illegal_transitions=1 fills=1 ended=1970-01-01T00:00:00.000001000Z",
        ),
        (
            "@0 order order_created\n@1 order order_cancelled\n@2 order order_acknowledged",
            "status=cancelled illegal_transitions=1",
        ),
        ("@0 order order_created\n@1 order order_created", "status=created illegal_transitions=1"),
        (
            "@0 order order_created\n@1 order order_acknowledged\n@2 order order_submitted",
            "status=acknowledged illegal_transitions=1",
        ),
        // Late in seq, early in time.
        ("@5 order order_acknowledged\n@0 order order_created", "status=acknowledged illegal_transitions=0"),
        // Nothing says how it began.
        (
            "@0 fill order_filled fill_quantity=1",
            "status=filled is_orphan=true illegal_transitions=0 submit_us=-",
        ),
    ] {
        check(events, expected);
    }
    let life = life("@0 order order_created\n@1 order order_expired\n@2 order order_submitted").unwrap();
    let [illegal] = life.illegal_transitions[..] else { panic!("{life:?}") };
    assert_eq!((illegal.seq, illegal.from.as_str(), illegal.to.as_str()), (2, "expired", "submitted"));
}

#[test]
fn fills_are_summed_exactly_and_once() {
    for (events, expected) in [
        ("@0 order order_created quantity=5", "fills=0 filled_quantity=0 average_fill_price=- commission=-"),
        // Announced only.
        (
            "@0 order order_created\n@1 order order_filled filled_quantity=5 average_price=1.5",
            "fills=0 filled_quantity=5 average_fill_price=1.5",
        ),
        ("@0 order order_created\n@1 order order_filled", "filled_quantity=- average_fill_price=-"),
        (
            "@0 fill f fill_quantity=1 fill_price=2 filled_quantity=9 average_price=7",
            "filled_quantity=1 average_fill_price=2",
        ),
        // A report of a venue that fills nothing.
        ("@0 order order_acknowledged fill_quantity=0 average_price=0", "fills=0 average_fill_price=-"),
        // Told twice.
        (
            "@0 fill f exec_id=1 fill_quantity=1 fill_price=2\n@1 fill f exec_id=1 fill_quantity=1 fill_price=2\n@2 fill f exec_id=2 fill_quantity=1 fill_price=4",
            "fills=2 filled_quantity=2 average_fill_price=3",
        ),
        // Without a price, at a price of 0, for a third.
        (
            "@0 fill f fill_quantity=1\n@1 fill f fill_quantity=1 fill_price=4",
            "filled_quantity=2 average_fill_price=4",
        ),
        ("@0 fill f fill_quantity=1", "filled_quantity=1 average_fill_price=-"),
        ("@0 fill f fill_quantity=2 fill_price=0", "average_fill_price=0"),
        (
            "@0 fill f fill_quantity=1 fill_price=1\n@1 fill f fill_quantity=2 fill_price=2",
            "average_fill_price=1.6666666666666666666666666667",
        ),
        (
            "@0 fill f fill_quantity=0.00000001 fill_price=0.0000000381 commission=-0.5",
            "filled_quantity=0.00000001 average_fill_price=0.0000000381 commission=-0.5",
        ),
        // More than a decimal holds is not known, rather than wrong.
        (
            "@0 fill f fill_quantity=79228162514264337593543950335 fill_price=1\n@1 fill f fill_quantity=79228162514264337593543950335 fill_price=1",
            "fills=2 filled_quantity=- average_fill_price=-",
        ),
    ] {
        check(events, expected);
    }
    let twice = "@0 order order_created quantity=1\n@1 fill f exec_id=1 fill_quantity=1\n@2 fill f exec_id=1 fill_quantity=1";
    let life_of = |events: &str| life(events).unwrap();
    assert_eq!((life_of(twice).duplicates, life_of(twice).is_overfilled), (1, false));
    assert!(life_of("@0 order order_created quantity=1\n@1 fill f fill_quantity=1.5").is_overfilled);
}

#[test]
fn slippage_is_positive_where_it_is_worse() {
    let fill = |side: &str, more: &str, price: &str| {
        format!(
            "@0 order order_created side={side} {more}\n@1 fill f fill_quantity=2 fill_price={price} slippage_bps=7"
        )
    };
    for (side, more, price, expected) in [
        ("BUY", "price=100", "100.05", "slippage_bps=5"),
        ("buy", "price=100", "99.95", "slippage_bps=-5"),
        ("SELL", "price=100", "99.95", "slippage_bps=5"),
        ("SELL", "price=100 decision_price=99.95", "99.95", "slippage_bps=0"),
        ("BUY", "price=3", "3.0001", "slippage_bps=0.333333"),
        // Without a reference what was recorded; without a side nothing.
        ("BUY", "price=0", "3", "slippage_bps=7"),
        ("BUY", "", "3", "slippage_bps=7"),
        ("SHORT", "price=3", "3", "slippage_bps=-"),
    ] {
        check(&fill(side, more, price), expected);
    }
}

#[test]
fn errors_are_on_the_way_and_no_steps() {
    let events = "@0 order order_created\n@1 error api_error\n@2 system x level=critical\n@3 risk risk_check level=warn\n@4 order order_rejected level=error\n@5 system alert level=error";
    check(events, "events=2 errors=2 status=rejected illegal_transitions=0");
    assert_eq!(life(events).unwrap().error_seqs, [1, 2]);
    assert_eq!(life("@0 error api_error"), None, "an error alone is no order");
    assert_eq!(life("@0 audit order_lifecycle"), None);
}

#[test]
fn chains_and_late_attributes_are_kept() {
    check(
        "@0 order order_created parent_order_id=P replaces=R quantity=1\n@1 order order_acknowledged strategy=late side=SELL\n@2 order order_replaced replaced_by=N strategy=later",
        "parent_order_id=P replaces=R replaced_by=N strategy=late side=SELL status=replaced",
    );
}
