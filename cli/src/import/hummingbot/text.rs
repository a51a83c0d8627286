//! Messages in words. What they tell of orders, EVENT_LOG records tell too, so none of them is a step of an order;
//! they carry the id of the order they name.
//!
//! | message | becomes |
//! |---|---|
//! | `Canceling the limit order ID.` | `order` `order_cancel_requested` |
//! | `Created TYPE SIDE order ID for QUANTITY PAIR.` | `system` `order_created_logged` |
//! | `The SIDE order ID amounting to A/B ASSET has been filled.` | `system` `order_fill_logged` |
//! | `SIDE order ID completely filled.` | `system` `order_filled_logged` |
//! | `Successfully canceled order ID.` | `system` `order_cancelled_logged` |
//! | `Order ID has failed. Order Update: ...` | `system` `order_failed_logged` |
//! | `Failed to cancel order ID` | `error` `order_cancel_failed` |
//! | `(PAIR) Creating N bid orders at ...` | `system` `orders_proposed` |
//! | `(PAIR) Maker SIDE order ... filled` | `system` `maker_fill_logged`, `maker_order_filled_logged` |
//! | `Network status has changed to NetworkStatus.WORD. ...` | `system` `network_status_changed` |
//! | `start command initiated.`, `stop command initiated.` | `system` `start_requested`, `stop_requested` |
//! | any other | `error` `log_error` if its level is ERROR or worse or a traceback follows, else `system` `log_line` |

use blotter::event::{Category, Decimal, Level, names, parse_decimal};

use super::{Memory, Record};
use crate::import::draft::Draft;

/// The event of a message that is not understood.
const LINE: &str = "log_line";

/// What a message says, as far as it is understood.
#[derive(Default)]
struct Said<'a> {
    event: &'static str,
    order_id: Option<&'a str>,
    symbol: Option<&'a str>,
    side: Option<&'static str>,
    order_type: Option<String>,
    quantity: Option<Decimal>,
    filled_quantity: Option<Decimal>,
    price: Option<Decimal>,
    /// One more field: its name and words.
    word: Option<(&'static str, &'a str)>,
}

/// Reads the message of any record.
pub(super) fn read<'a>(
    memory: &mut Memory,
    record: &'a Record,
    message: &'a str,
    has_failed: bool,
) -> Draft<'a> {
    let (pair, body) = without_pair(message);
    let (body, clock) = without_clock(body);
    let mut said = order_message(body).or_else(|| other_message(body)).unwrap_or(Said {
        event: LINE,
        order_id: memory.orders.named_in(body).or_else(|| between(body, "client_order_id='", "'")),
        ..Said::default()
    });
    said.symbol = pair.or(said.symbol);

    let level = record.level();
    let is_failure = level >= Level::Error || has_failed;
    let category = match said.event {
        names::ORDER_CANCEL_REQUESTED => Category::ORDER,
        _ if is_failure => Category::ERROR,
        _ => Category::SYSTEM,
    };
    let known = said.order_id.and_then(|id| memory.orders.get(id)).cloned().unwrap_or_default();
    let event = if is_failure && said.event == LINE { "log_error" } else { said.event };
    let draft = Draft::new(record.ts, category, level, event)
        .text_if("order_id", said.order_id)
        .text_if("symbol", said.symbol.map(str::to_owned).or(known.symbol))
        .text_if("strategy", memory.strategy.clone())
        .text_if("side", said.side.or(known.side))
        .text_if("order_type", said.order_type.or(known.order_type))
        .decimal_if("quantity", said.quantity)
        .decimal_if("filled_quantity", said.filled_quantity)
        .decimal_if("price", said.price)
        .text_if("clock_text", clock);
    let draft = match said.word {
        Some((name, word)) => draft.text(name, word),
        None => draft,
    };
    // With a traceback, the error is what that ends with.
    let draft = if is_failure && !has_failed { draft.text("error_message", message) } else { draft };
    draft.message(message)
}

/// What a message says that names an order.
fn order_message(body: &str) -> Option<Said<'_>> {
    if let Some(id) = body.strip_prefix("Canceling the limit order ").and_then(|rest| rest.strip_suffix('.'))
    {
        return said(names::ORDER_CANCEL_REQUESTED, id);
    }
    if let Some(id) =
        body.strip_prefix("Successfully canceled order ").and_then(|rest| rest.strip_suffix('.'))
    {
        return said("order_cancelled_logged", id);
    }
    if let Some(id) = body.strip_prefix("Failed to cancel order ") {
        return said("order_cancel_failed", id.trim_end_matches('.'));
    }
    if let Some((id, update)) = body.strip_prefix("Order ").and_then(|rest| rest.split_once(" has failed.")) {
        let said = said("order_failed_logged", id)?;
        return Some(Said { symbol: between(update, "trading_pair='", "'"), ..said });
    }
    if let Some(rest) = body.strip_prefix("Created ") {
        let words: Vec<&str> = rest.trim_end_matches('.').split(' ').collect();
        let &[order_type, side_word, "order", id, "for", quantity, pair] = words.as_slice() else {
            return None;
        };
        return Some(Said {
            order_type: Some(order_type.to_ascii_lowercase()),
            side: side(side_word),
            quantity: decimal(quantity),
            symbol: Some(pair),
            ..said("order_created_logged", id)?
        });
    }
    if let Some(rest) = body.strip_prefix("The ") {
        let words: Vec<&str> = rest.split(' ').collect();
        let &[side_word, "order", id, "amounting", "to", amounts, _, "has", "been", "filled."] =
            words.as_slice()
        else {
            return None;
        };
        let (filled, all) = amounts.split_once('/')?;
        return Some(Said {
            side: side(side_word),
            filled_quantity: decimal(filled),
            quantity: decimal(all),
            ..said("order_fill_logged", id)?
        });
    }
    if let Some(rest) = body.strip_prefix("Maker ") {
        let (side_word, rest) = rest.split_once(" order ")?;
        if let Some(amount) = rest.strip_prefix("of ") {
            let (quantity, _) = amount.split_once(' ')?;
            return Some(Said {
                event: "maker_fill_logged",
                side: side(side_word),
                quantity: decimal(quantity),
                ..Said::default()
            });
        }
        let (id, rest) = rest.split_once(" (")?;
        return Some(Said {
            side: side(side_word),
            quantity: rest.split(' ').next().and_then(decimal),
            price: between(rest, " @ ", " ").and_then(decimal),
            ..said("maker_order_filled_logged", id)?
        });
    }
    let (side_word, rest) = body.split_once(" order ")?;
    let id = rest.strip_suffix(" completely filled.")?;
    Some(Said { side: Some(side(side_word)?), ..said("order_filled_logged", id)? })
}

fn said<'a>(event: &'static str, id: &'a str) -> Option<Said<'a>> {
    let is_id = !id.is_empty() && !id.contains(' ');
    is_id.then(|| Said { event, order_id: Some(id), ..Said::default() })
}

/// What a message says that names no order.
fn other_message(body: &str) -> Option<Said<'_>> {
    let plain = |event| Some(Said { event, ..Said::default() });
    if let Some(status) = between(body, "Network status has changed to NetworkStatus.", ".") {
        let word = Some(("network_status", status));
        return Some(Said { event: "network_status_changed", word, ..Said::default() });
    }
    if let Some(rest) = body.strip_prefix("Creating ") {
        let (_, rest) = rest.split_once(' ')?;
        let (what, proposals) = rest.split_once(" orders at (Size, Price): ")?;
        let side = match what {
            "bid" => "BUY",
            "ask" => "SELL",
            _ => return None,
        };
        let word = Some(("proposals", proposals));
        return Some(Said { event: "orders_proposed", side: Some(side), word, ..Said::default() });
    }
    match body {
        "start command initiated." => plain("start_requested"),
        "stop command initiated." => plain("stop_requested"),
        _ => None,
    }
}

/// `(EDG-USDT) rest`: the pair, and the rest.
fn without_pair(message: &str) -> (Option<&str>, &str) {
    let Some((pair, rest)) = message.strip_prefix('(').and_then(|rest| rest.split_once(") ")) else {
        return (None, message);
    };
    let is_pair =
        pair.contains('-') && pair.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    if is_pair { (Some(pair), rest) } else { (None, message) }
}

/// `rest [clock=2022-11-14 06:55:34+00:00]`: the rest, and what the clock of the strategy showed.
fn without_clock(message: &str) -> (&str, Option<&str>) {
    match message.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [clock=")) {
        Some((rest, clock)) => (rest, Some(clock)),
        None => (message, None),
    }
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn side(word: &str) -> Option<&'static str> {
    match word.to_ascii_uppercase().as_str() {
        "BUY" => Some("BUY"),
        "SELL" => Some("SELL"),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    parse_decimal("quantity", text).ok()
}
