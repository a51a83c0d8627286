//! A replay as one JSON object.

use blotter::desk::replay::{Entry, FillQuality, Replay, Touch};
use blotter::query::Row;
use blotter::query::datum::Datum;

use crate::render::json::{self, Object};
use crate::render::orders::{json_of, life_json};

/// All of it.
pub(super) fn object(found: &Replay) -> String {
    let mut quality = Object::new();
    for figure in found.quality.figures().figures {
        quality = quality.raw(figure.name, json_of(&figure.value));
    }
    let unreadable = found.unreadable.iter().map(|part| {
        Object::new().text("path", &part.path.display().to_string()).text("reason", &part.reason).end()
    });
    Object::new()
        .raw("order", life_json(&found.life))
        .raw("decided", json_of(&Datum::Time(found.decided)))
        .raw("quality", quality.end())
        .list("fills", found.fills.iter().map(fill))
        .list("timeline", found.timeline.iter().map(entry))
        .raw("market_events_left_out", found.market_events_left_out)
        .raw("events_left_out", found.events_left_out)
        .texts("notes", found.notes.iter().map(String::as_str))
        .list("unreadable", unreadable)
        .end()
}

fn fill(fill: &FillQuality) -> String {
    let [mid_1s, mid_10s] = fill.mids_after;
    let [markout_1s, markout_10s] = fill.markouts_bps;
    Object::new()
        .raw("ts", json_of(&Datum::Time(fill.ts)))
        .raw("seq", fill.seq)
        .raw("quantity", fill.quantity)
        .number_or_null("price", fill.price)
        .raw("touch", fill.touch.as_ref().map_or("null".to_owned(), touch))
        .number_or_null("mid", fill.mid)
        .number_or_null("slippage_bps", fill.slippage_bps)
        .number_or_null("improvement_far_bps", fill.improvement_far_bps)
        .number_or_null("effective_spread_bps", fill.effective_spread_bps)
        .number_or_null("mid_1s", mid_1s)
        .number_or_null("mid_10s", mid_10s)
        .number_or_null("markout_1s_bps", markout_1s)
        .number_or_null("markout_10s_bps", markout_10s)
        .end()
}

fn touch(touch: &Touch) -> String {
    Object::new()
        .raw("ts", json_of(&Datum::Time(touch.ts)))
        .raw("seq", touch.seq)
        .number_or_null("bid", touch.bid)
        .number_or_null("ask", touch.ask)
        .number_or_null("bid_size", touch.bid_size)
        .number_or_null("ask_size", touch.ask_size)
        .end()
}

fn entry(entry: &Entry) -> String {
    let state = &entry.state;
    Object::new()
        .raw("since_decision_ns", entry.since_decision_ns)
        .text("kind", entry.kind.name())
        .raw("touch", entry.touch.as_ref().map_or("null".to_owned(), touch))
        .text_or_null("status", state.status.map(|status| status.as_str()))
        .number_or_null("filled_quantity", state.filled_quantity)
        .number_or_null("average_fill_price", state.average_fill_price)
        .raw("event", event(&entry.row))
        .end()
}

fn event(row: &Row) -> String {
    let mut text = String::new();
    json::event(&mut text, row);
    text
}
