//! The stage `lifecycle` against a naive model: the events of each order, one after the other, as the reference says.
//!
//! Sessions are recorded with holes: now and then an event is left out or told twice, so that there are orphans, orders
//! that never end, and steps that may not follow each other.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::collections::{BTreeMap, BTreeSet};

use blotter::event::{Level, OrderStatus};
use blotter::{Datum, Db, Decimal, Options, Queryable, RecorderOptions, Row};
use blotter_workload::{Prng, Session, SessionOptions};

const EVENTS: usize = 3_000;

/// What a model says of an order: columns that are not null.
type Life = BTreeMap<String, Datum>;

fn recorded(directory: &tempfile::TempDir, seed: u64, is_sealed: bool) -> Db {
    let db = Options::new().without_threads().open(directory.path().join("desk.blotter")).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut random = Prng::new(seed);
    for (number, event) in Session::new(seed, SessionOptions::default()).take(EVENTS).enumerate() {
        let times = match random.below(20) {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        for _ in 0..times {
            assert!(event.record(&mut recorder).is_accepted());
        }
        // Errors of an order, which a session has none of.
        let id = event.order_id.as_str();
        if !id.is_empty() && random.below(50) == 0 {
            assert!(recorder.error("api_error").at(event.ts).order_id(id).emit().is_accepted());
        }
        if is_sealed && number == EVENTS / 3 {
            db.seal().unwrap();
        }
    }
    db.flush().unwrap();
    if is_sealed {
        db.seal().unwrap();
    }
    db
}

fn rows(db: &Db, text: &str) -> Vec<Row> {
    let mut rows = db.query(text).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let found: Vec<Row> = rows.by_ref().collect::<Result<_, _>>().unwrap();
    assert!(rows.unreadable().is_empty());
    found
}

fn lives(db: &Db, text: &str) -> Vec<Life> {
    let life = |row: &Row| row.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    rows(db, text).iter().map(life).collect()
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name).as_str().map(str::to_owned)
}

/// The lives of the orders of some events, which are in order.
fn model(events: &[Row]) -> Vec<Life> {
    let mut ids: Vec<String> = Vec::new();
    for event in events {
        let id = text(event, "order_id").filter(|id| !ids.contains(id) && is_step(event));
        ids.extend(id);
    }
    ids.iter().map(|id| life_of(id, events)).collect()
}

fn is_step(event: &Row) -> bool {
    matches!(text(event, "category").as_deref(), Some("order" | "fill"))
}

fn life_of(id: &str, events: &[Row]) -> Life {
    let own: Vec<&Row> = events.iter().filter(|event| event.get("order_id").as_str() == Some(id)).collect();
    let steps: Vec<&Row> = own.iter().copied().filter(|event| is_step(event)).collect();
    let mut life = Life::new();
    let mut set = |name: &str, value: Datum| {
        if !value.is_null() {
            assert!(life.insert(name.to_owned(), value).is_none(), "{name} twice");
        }
    };
    set("ts", steps[0].get("ts").clone());
    set("order_id", id.into());
    for name in ["correlation_id", "symbol", "strategy", "side", "order_type", "price"] {
        let first = steps.iter().map(|step| step.get(name)).find(|value| !value.is_null());
        set(name, first.cloned().unwrap_or_default());
    }
    let told = steps.iter().filter(|step| text(step, "event").as_deref() != Some("order_reduced"));
    let quantity = told.map(|step| step.get("quantity")).find(|value| !value.is_null());
    set("quantity", quantity.cloned().unwrap_or_default());
    // Steps: statuses in order, those of reductions left out.
    let mut status: Option<OrderStatus> = None;
    let (mut illegal, mut ended) = (0i64, Datum::Null);
    let mut firsts: BTreeMap<&str, i64> = BTreeMap::new();
    for step in &steps {
        if text(step, "event").as_deref() == Some("order_reduced") {
            continue;
        }
        let next = OrderStatus::from_word(step.get("status").as_str().unwrap()).unwrap();
        let ts = step.get("ts").as_timestamp().unwrap().nanos();
        firsts.entry(next.as_str()).or_insert(ts);
        if next.is_final() && ended.is_null() {
            ended = step.get("ts").clone();
        }
        match status {
            Some(before) if !before.can_become(next) => {
                illegal += 1;
                if next.is_final() {
                    status = Some(next);
                }
            }
            _ => status = Some(next),
        }
    }
    set("status", status.map(|status| status.as_str()).into());
    set("ended", ended.clone());
    set("illegal_transitions", illegal.into());
    set("events", (steps.len() as i64).into());
    let fills: Vec<&&Row> = steps.iter().filter(|step| !step.get("fill_quantity").is_null()).collect();
    let sum = |value: &dyn Fn(&Row) -> Decimal| fills.iter().map(|fill| value(fill)).sum::<Decimal>();
    let number = |row: &Row, name: &str| row.get(name).as_decimal().unwrap();
    let filled = sum(&|fill| number(fill, "fill_quantity"));
    set("fills", (fills.len() as i64).into());
    set("filled_quantity", filled.into());
    if !fills.is_empty() {
        let average = sum(&|fill| number(fill, "fill_quantity") * number(fill, "fill_price")) / filled;
        set("average_fill_price", average.into());
        set("commission", sum(&|fill| number(fill, "commission")).into());
        let told = |name: &str| steps.iter().map(|step| step.get(name)).find(|value| !value.is_null());
        let slippage = match (told("price").and_then(Datum::as_decimal), told("side").and_then(Datum::as_str))
        {
            (Some(price), Some(side)) => {
                let way = if side == "BUY" { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
                Some(way * (average - price) * Decimal::from(10_000) / price)
            }
            (None, _) => {
                Some(sum(&|fill| number(fill, "slippage_bps") * number(fill, "fill_quantity")) / filled)
            }
            _ => None,
        };
        set("slippage_bps", slippage.map(|slippage| slippage.round_dp(6)).into());
    }
    let at = |status: &str| firsts.get(status).copied();
    let micros = |from: Option<i64>, to: Option<i64>| Some(Decimal::new(to? - from?, 3));
    let first_fill = fills.first().map(|fill| fill.get("ts").as_timestamp().unwrap().nanos());
    set("submit_us", micros(at("created"), at("submitted")).into());
    set("acknowledge_us", micros(at("submitted").or(at("created")), at("acknowledged")).into());
    set("first_fill_us", micros(at("created"), first_fill).into());
    let first = steps[0].get("ts").as_timestamp().unwrap().nanos();
    let whole = ended.as_timestamp().map(|end| Decimal::new(end.nanos() - first, 6));
    set("lifecycle_ms", whole.into());
    let errors = own.iter().filter(|event| {
        let is_error = text(event, "category").as_deref() == Some("error");
        !is_step(event) && (is_error || event.get("level").as_level().unwrap() >= Level::Error)
    });
    set("errors", (errors.count() as i64).into());
    set("is_orphan", at("created").is_none().into());
    set("is_open", ended.is_null().into());
    life
}

#[track_caller]
fn check(found: &[Life], expected: &[Life], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn lives_are_those_of_the_model_live_and_sealed() {
    for seed in 1..=3 {
        for is_sealed in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let db = recorded(&directory, seed, is_sealed);
            let what = |text: &str| format!("seed {seed}, sealed {is_sealed}: {text}");
            let events = rows(&db, "exists order_id");
            let all = model(&events);
            let illegal = all.iter().filter(|life| life["illegal_transitions"] != Datum::Int(0)).count();
            let orphans = all.iter().filter(|life| life["is_orphan"] == Datum::Bool(true)).count();
            assert!(all.len() > 250 && illegal > 25 && orphans > 5, "{} {illegal} {orphans}", all.len());
            for text in
                ["| lifecycle", "category in (order, fill) | lifecycle", "exists order_id | lifecycle"]
            {
                check(&lives(&db, text), &all, &what(text));
            }
            for filter in
                ["side = BUY price > 50", "status = rejected", "category = fill", "seq > 1500 seq < 1600"]
            {
                let matched = rows(&db, filter);
                let ids: BTreeSet<String> = matched.iter().filter_map(|row| text(row, "order_id")).collect();
                let expected: Vec<Life> = all
                    .iter()
                    .filter(|life| ids.contains(life["order_id"].as_str().unwrap()))
                    .cloned()
                    .collect();
                let text = format!("{filter} | lifecycle");
                check(&lives(&db, &text), &expected, &what(&text));
            }
            for filter in ["side = BUY price > 50", "category = fill", "", "seq > 1500 seq < 1600"] {
                for reorder in ["", "| sort seq desc", "| sort message"] {
                    let text = format!("{filter} {reorder} | lifecycle of rows");
                    check(&lives(&db, &text), &model_of_rows(&rows(&db, filter)), &what(&text));
                }
            }
            // The columns that are asked for do not depend on which others are.
            for column in
                ["status", "filled_quantity", "illegal_transitions", "slippage_bps", "errors", "lifecycle_ms"]
            {
                let text = format!("| lifecycle | fields order_id, {column}");
                let expected: Vec<Life> = all
                    .iter()
                    .map(|life| {
                        let kept =
                            ["order_id", column].into_iter().filter_map(|name| life.get_key_value(name));
                        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
                    })
                    .collect();
                check(&lives(&db, &text), &expected, &what(&text));
            }
        }
    }
}

/// Rows without an order are of none.
fn model_of_rows(rows: &[Row]) -> Vec<Life> {
    let events: Vec<Row> = rows.iter().filter(|row| !row.get("order_id").is_null()).cloned().collect();
    model(&events)
}

#[test]
fn memory_is_bounded_and_the_error_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let db = recorded(&directory, 1, true);
    let options = blotter::QueryOptions { memory_bytes_max: 64 * 1024, ..Default::default() };
    for text in ["| lifecycle", "category = order | lifecycle", "| lifecycle of rows"] {
        let failed = db.query_with_options(text, &options).unwrap().find_map(Result::err);
        let error = failed.unwrap_or_else(|| panic!("{text}: no error"));
        assert_eq!(error.kind(), blotter::query::error::ErrorKind::Limit, "{text}");
        assert!(error.message().contains("memory"), "{error}");
    }
}
