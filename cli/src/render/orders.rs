//! Orders for people in a few lines, and as JSON.

use blotter::Row;
use blotter::desk::lifecycle::{Life, Transition};
use blotter::query::datum::{Datum, DatumRef, write_json};
use chrono_tz::Tz;

use super::amount::counted;
use super::escape::escaped;
use super::json::Object;
use super::text::word_of;
use super::value::{TimeForm, text_of};

/// Fields that stand elsewhere, or are the same for all events of an order.
const ELSEWHERE: [&str; 15] = [
    "ts",
    "seq",
    "producer",
    "pseq",
    "category",
    "level",
    "event",
    "message",
    "order_id",
    "correlation_id",
    "session_id",
    "symbol",
    "strategy",
    "service",
    "status",
];

/// What an event says beside that, safe.
pub(crate) fn details(row: &Row, times: TimeForm) -> String {
    let fields = row.iter().filter(|(name, _)| !ELSEWHERE.contains(&&**name));
    let words = fields.map(|(name, value)| format!("{name}={}", word_of(value.borrow(), times)));
    words.collect::<Vec<_>>().join(" ")
}

/// A stretch of time for people, with its sign.
pub(crate) fn stretch(ns: i64) -> String {
    let text = DatumRef::Duration(ns).display(Tz::UTC).to_string();
    if ns < 0 { text } else { format!("+{text}") }
}

/// What became of an order: the first line names it, the others are indented. All of it safe.
pub(crate) fn life(life: &Life, times: TimeForm) -> Vec<String> {
    let mut lines = vec![format!("order {}: {}", escaped(&life.order_id), status(life))];
    let mut add = |line: String| lines.push(format!("  {line}"));
    add(ordered(life));
    if let Some(line) = filled(life) {
        add(line);
    }
    let times_taken = taken(life);
    if !times_taken.is_empty() {
        add(times_taken.join(", "));
    }
    let of = [
        ("part of", &life.parent_order_id),
        ("replaces", &life.replaces),
        ("replaced by", &life.replaced_by),
    ];
    for (word, id) in of {
        if let Some(id) = id {
            add(format!("{word} {}", escaped(id)));
        }
    }
    if life.is_orphan {
        add("orphan: no event says that it was created".to_owned());
    }
    if life.is_open {
        add("open: no event says that it ended".to_owned());
    }
    if life.is_overfilled {
        add("overfilled: more is filled than was ordered".to_owned());
    }
    if life.duplicates > 0 {
        let fills = counted(life.duplicates.into(), "fill");
        add(format!("told again and counted once: {fills}"));
    }
    if let Some(announced) = life.announced_quantity
        && life.fills > 0
        && life.filled_quantity.is_some_and(|filled| filled != announced)
    {
        add(format!("the venue says that {announced} is filled, which its fills are not"));
    }
    if !life.error_seqs.is_empty() {
        let seqs: Vec<String> = life.error_seqs.iter().take(8).map(|seq| format!("#{seq}")).collect();
        let more = life.error_seqs.len().saturating_sub(seqs.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        add(format!("errors on the way: {}{more}", seqs.join(" ")));
    }
    for transition in &life.illegal_transitions {
        add(format!("{} at {}", illegal(transition), text_of(DatumRef::Time(transition.ts), times)));
    }
    lines
}

/// What may not be.
pub(crate) fn illegal(transition: &Transition) -> String {
    let (from, to) = (transition.from.as_str(), transition.to.as_str());
    format!("illegal: {to} after {from}, #{}", transition.seq)
}

pub(crate) fn status(life: &Life) -> &'static str {
    life.status.map_or("status unknown", |status| status.as_str())
}

/// `BUY 21 AMZN limit @ 223.81, market_maker`, safe.
pub(crate) fn ordered(life: &Life) -> String {
    let quantity = life.quantity.map(|quantity| quantity.to_string());
    let price = life.price.map(|price| format!("@ {price}"));
    let words = [&life.side, &quantity, &life.symbol, &life.order_type, &price];
    let mut words: Vec<String> = words.into_iter().flatten().map(|word| escaped(word).to_string()).collect();
    if let Some(decision) = life.decision_price {
        words.push(format!("decided at {decision}"));
    }
    let of =
        [("strategy", &life.strategy), ("correlation", &life.correlation_id), ("session", &life.session_id)];
    let of = of.into_iter().filter_map(|(name, word)| Some(format!("{name} {}", escaped(word.as_deref()?))));
    let mut parts = vec![words.join(" ")];
    parts.extend(of);
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { "nothing says what was ordered".to_owned() } else { parts.join(", ") }
}

fn filled(life: &Life) -> Option<String> {
    let filled = life.filled_quantity?;
    let mut text = format!("filled {filled}");
    if let Some(quantity) = life.quantity {
        text.push_str(&format!(" of {quantity}"));
    }
    if let Some(average) = life.average_fill_price {
        text.push_str(&format!(" at {average}"));
    }
    match life.fills {
        0 => {}
        1 => text.push_str(" in 1 fill"),
        fills => text.push_str(&format!(" in {fills} fills")),
    }
    if let Some(commission) = life.commission {
        text.push_str(&format!(", commission {commission}"));
    }
    if let Some(slippage) = life.slippage_bps {
        text.push_str(&format!(", slippage {slippage} bps"));
    }
    Some(text)
}

fn taken(life: &Life) -> Vec<String> {
    let between = |from: Option<blotter::Timestamp>, to: Option<blotter::Timestamp>| {
        let ns = to?.nanos().checked_sub(from?.nanos())?;
        Some(DatumRef::Duration(ns).display(Tz::UTC).to_string())
    };
    let steps = [
        ("submitted after", between(life.created, life.submitted)),
        ("acknowledged after another", between(life.submitted.or(life.created), life.acknowledged)),
        ("first fill after", between(life.created, life.first_fill)),
        ("ended after", between(Some(life.first), life.ended)),
    ];
    steps.into_iter().filter_map(|(word, time)| Some(format!("{word} {}", time?))).collect()
}

/// A value as JSON.
pub(crate) fn json_of(value: &Datum) -> String {
    let mut text = String::new();
    write_json(value, &mut text);
    text
}

/// A life as JSON.
pub(crate) fn life_json(life: &Life) -> String {
    let mut object = Object::new();
    for (name, value) in life.values() {
        object = object.raw(name, json_of(&value));
    }
    let seqs: Vec<String> = life.error_seqs.iter().map(u64::to_string).collect();
    object
        .list("error_seqs", seqs)
        .list("transitions_illegal", life.illegal_transitions.iter().map(transition_json))
        .end()
}

/// A transition as JSON.
pub(crate) fn transition_json(transition: &Transition) -> String {
    Object::new()
        .raw("ts", json_of(&Datum::Time(transition.ts)))
        .raw("seq", transition.seq)
        .text("from", transition.from.as_str())
        .text("to", transition.to.as_str())
        .end()
}
