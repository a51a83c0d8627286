//! EVENT_LOG records, one JSON object each, to the steps of orders.
//!
//! | `event_name` | becomes |
//! |---|---|
//! | `BuyOrderCreatedEvent`, `SellOrderCreatedEvent` | `order` `order_created` |
//! | `OrderFilledEvent` | `fill` `order_partially_filled`: one execution |
//! | `BuyOrderCompletedEvent`, `SellOrderCompletedEvent` | `fill` `order_filled`: all executions are in, none is added |
//! | `OrderCancelledEvent` | `order` `order_cancelled` |
//! | `OrderExpiredEvent` | `order` `order_expired` |
//! | `MarketOrderFailureEvent` | `order` `order_failed` |
//! | `FundingPaymentCompletedEvent` | `position` `funding_payment` |
//! | any other | `system`, under its own name |
//!
//! The time of the event is that of its line; `timestamp`, a whole second, is kept as `clock_time`. What is not
//! named here is kept under its own name.

use std::borrow::Cow;

use blotter::event::{Category, Decimal, Level, OrderStatus, parse_decimal};

use super::orders::Order;
use super::{Memory, Record};
use crate::import::FieldValue;
use crate::import::draft::Draft;
use crate::import::json::{self, Json};

/// Decimal places kept of an average price that has no end; the amounts it was made of are kept exactly.
const AVERAGE_PLACES_MAX: u32 = 18;

/// Reads the message of an EVENT_LOG record, or says why it cannot.
pub(super) fn read<'a>(
    memory: &mut Memory,
    record: &'a Record,
    message: &'a str,
) -> Result<Draft<'a>, String> {
    let members =
        json::parse_object(message).map_err(|error| format!("column {}: {}", error.column, error.reason))?;
    let mut members = Members(members);
    let name = members.text("event_name").ok_or("it has no text under 'event_name'")?;
    let order_id = members.text("order_id").filter(|id| !id.is_empty());
    let mut draft = match (Step::of(&name), order_id) {
        (Some(step), Some(id)) => step.read(memory, record, &mut members, id)?,
        (_, id) => {
            let draft = other(record, &mut members, &name);
            let draft = draft.text_if("strategy", memory.strategy.clone());
            draft.text_if("order_id", id)
        }
    };
    draft.add("event_name", FieldValue::Text(name));
    if let Some(clock) = members.decimal("timestamp", &mut draft) {
        draft.add("clock_time", FieldValue::Decimal(clock));
    }
    members.keep(&mut draft);
    Ok(draft)
}

/// What an event says of an order.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Created(&'static str),
    Filled,
    Completed(&'static str),
    Ended(OrderStatus),
}

impl Step {
    fn of(name: &str) -> Option<Step> {
        Some(match name {
            "BuyOrderCreatedEvent" => Step::Created("BUY"),
            "SellOrderCreatedEvent" => Step::Created("SELL"),
            "OrderFilledEvent" => Step::Filled,
            "BuyOrderCompletedEvent" => Step::Completed("BUY"),
            "SellOrderCompletedEvent" => Step::Completed("SELL"),
            "OrderCancelledEvent" => Step::Ended(OrderStatus::Cancelled),
            "OrderExpiredEvent" => Step::Ended(OrderStatus::Expired),
            "MarketOrderFailureEvent" => Step::Ended(OrderStatus::Failed),
            _ => return None,
        })
    }

    fn status(self) -> OrderStatus {
        match self {
            Step::Created(_) => OrderStatus::Created,
            Step::Filled => OrderStatus::PartiallyFilled,
            Step::Completed(_) => OrderStatus::Filled,
            Step::Ended(status) => status,
        }
    }

    fn read<'a>(
        self,
        memory: &mut Memory,
        record: &'a Record,
        members: &mut Members<'a>,
        id: Cow<'a, str>,
    ) -> Result<Draft<'a>, String> {
        let status = self.status();
        let category = match self {
            Step::Filled | Step::Completed(_) => Category::FILL,
            _ => Category::ORDER,
        };
        let level = if status == OrderStatus::Failed { Level::Warn } else { Level::Info };
        let mut draft = Draft::new(record.ts, category, level, status.event_name())
            .text("order_id", id.clone())
            .text("status", status.as_str())
            .text_if("strategy", memory.strategy.clone());
        let order = memory.orders.entry(&id);
        order.learn(self, members, &mut draft);
        let mut draft = draft
            .text_if("symbol", order.symbol.clone())
            .text_if("side", order.side)
            .text_if("order_type", order.order_type.clone())
            .text_if("exchange_order_id", order.exchange_order_id.clone());
        draft = match self {
            Step::Created(_) => {
                order.created = Some(record.ts);
                draft.decimal_if("price", order.price).decimal_if("quantity", order.quantity)
            }
            Step::Filled => fill(order, members, draft),
            Step::Completed(_) => completed(order, members, draft),
            Step::Ended(_) => draft.decimal_if("price", order.price).decimal_if("quantity", order.quantity),
        };
        if status.is_final() {
            if let Some(created) = order.created {
                let life_ns = record.ts.nanos() - created.nanos();
                draft = draft.decimal("lifecycle_ms", Decimal::new(life_ns, 6).normalize());
            }
            memory.orders.end(&id);
        }
        let sentence = sentence(status, &draft);
        Ok(draft.message(sentence))
    }
}

/// The step in words.
fn sentence(status: OrderStatus, draft: &Draft<'_>) -> String {
    let mut sentence = format!("order {}", status.as_str().replace('_', " "));
    let (quantity, price) = match status {
        OrderStatus::PartiallyFilled => ("fill_quantity", "fill_price"),
        OrderStatus::Filled => ("filled_quantity", "average_price"),
        _ => ("quantity", "price"),
    };
    for (before, name) in [(": ", "side"), (" ", quantity), (" ", "symbol"), (" @ ", price)] {
        if let Some(value) = draft.value(name) {
            sentence += &format!("{before}{}", value.borrow());
        }
    }
    sentence
}

impl Order {
    /// Takes what the event says of the order itself.
    fn learn<'a>(&mut self, step: Step, members: &mut Members<'a>, draft: &mut Draft<'a>) {
        if let Some(symbol) = members.text("trading_pair") {
            self.symbol = Some(symbol.into_owned());
        } else if let (None, Some(base), Some(quote)) =
            (&self.symbol, members.peek("base_asset"), members.peek("quote_asset"))
        {
            self.symbol = Some(format!("{base}-{quote}"));
        }
        match step {
            Step::Created(side) | Step::Completed(side) => self.side = Some(side),
            Step::Filled => match members.peek("trade_type") {
                Some("TradeType.BUY" | "BUY") => self.side = Some("BUY"),
                Some("TradeType.SELL" | "SELL") => self.side = Some("SELL"),
                _ => {}
            },
            Step::Ended(_) => {}
        }
        if step == Step::Filled && self.side.is_some() {
            members.text("trade_type");
        }
        for name in ["type", "order_type"] {
            if let Some(word) = members.text(name) {
                let word = word.strip_prefix("OrderType.").unwrap_or(&word);
                self.order_type = Some(word.to_ascii_lowercase());
            }
        }
        if let Some(id) = members.text("exchange_order_id") {
            self.exchange_order_id = Some(id.into_owned());
        }
        if let Step::Created(_) = step {
            self.price = members.decimal("price", draft).or(self.price);
            self.quantity = members.decimal("amount", draft).or(self.quantity);
        }
    }
}

/// One execution: price, amount, what it cost, and the sum so far.
fn fill<'a>(order: &mut Order, members: &mut Members<'a>, mut draft: Draft<'a>) -> Draft<'a> {
    let price = members.decimal("price", &mut draft);
    let amount = members.decimal("amount", &mut draft);
    order.filled = order.filled.zip(amount).and_then(|(filled, amount)| filled.checked_add(amount));
    let left = order.quantity.zip(order.filled).and_then(|(all, filled)| all.checked_sub(filled));
    let draft = draft
        .decimal_if("fill_price", price)
        .decimal_if("fill_quantity", amount)
        .decimal_if("filled_quantity", order.filled)
        .decimal_if("remaining_quantity", left)
        .decimal_if("price", order.price)
        .decimal_if("quantity", order.quantity);
    let percent = members.percent_of_fee();
    let commission = price.zip(amount).zip(percent).and_then(|((price, amount), percent)| {
        exact_product(exact_product(price, amount)?, percent).map(|value| value.normalize())
    });
    // A share of what was traded is one of its value, whichever asset is charged; flat fees are other assets.
    draft.decimal_if("fee_percent", percent).decimal_if("commission", commission)
}

/// All executions are in: their sum and average.
fn completed<'a>(order: &mut Order, members: &mut Members<'a>, mut draft: Draft<'a>) -> Draft<'a> {
    let base = members.decimal("base_asset_amount", &mut draft);
    let quote = members.decimal("quote_asset_amount", &mut draft);
    draft
        .decimal_if("filled_quantity", base)
        .decimal_if("quote_quantity", quote)
        .decimal_if("average_price", quote.zip(base).and_then(|(quote, base)| average(quote, base)))
        .decimal_if("price", order.price)
        .decimal_if("quantity", order.quantity)
}

/// `quote / base`: exact if it has an end, else to so many places.
fn average(quote: Decimal, base: Decimal) -> Option<Decimal> {
    let quotient = quote.checked_div(base)?.normalize();
    let is_exact = exact_product(quotient, base) == Some(quote);
    Some(if is_exact { quotient } else { quotient.round_dp(AVERAGE_PLACES_MAX).normalize() })
}

/// The product, unless it has more digits than a decimal holds.
fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let mantissa = a.mantissa().checked_mul(b.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, a.scale() + b.scale()).ok()
}

/// An event that is not about an order.
fn other<'a>(record: &'a Record, members: &mut Members<'a>, name: &Cow<'a, str>) -> Draft<'a> {
    let (category, event) = match name.as_ref() {
        "FundingPaymentCompletedEvent" => (Category::POSITION, Cow::Borrowed("funding_payment")),
        _ => (Category::SYSTEM, name.clone()),
    };
    let mut draft = Draft::new(record.ts, category, record.level(), event);
    for (member, field) in [("amount", "amount"), ("price", "price"), ("funding_rate", "funding_rate")] {
        if let Some(value) = members.decimal(member, &mut draft) {
            draft.add(field, FieldValue::Decimal(value));
        }
    }
    let symbol = members.text("trading_pair");
    draft.text_if("symbol", symbol)
}

/// Members of the event that have not been taken.
struct Members<'a>(json::Members<'a>);

impl<'a> Members<'a> {
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(key, _)| key == name)
    }

    fn peek(&self, name: &str) -> Option<&str> {
        match &self.0[self.position(name)?].1 {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a text.
    fn text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let index = self.position(name)?;
        if !matches!(self.0[index].1, Json::Text(_)) {
            return None;
        }
        match self.0.remove(index).1 {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a number, also one in quotes. What is none (`NaN`) is kept as the text it is.
    fn decimal(&mut self, name: &str, draft: &mut Draft<'a>) -> Option<Decimal> {
        let index = self.position(name)?;
        let text = match &self.0[index].1 {
            Json::Text(text) => text.clone(),
            Json::Number(text) => Cow::Borrowed(*text),
            _ => return None,
        };
        self.0.remove(index);
        match parse_decimal(name, &text) {
            Ok(value) => Some(value),
            Err(_) => {
                draft.add(format!("{name}_text"), FieldValue::Text(text));
                None
            }
        }
    }

    /// The share of the trade that was its fee. The fee itself stays as it is.
    fn percent_of_fee(&self) -> Option<Decimal> {
        let Json::Object(fee) = &self.0[self.position("trade_fee")?].1 else { return None };
        let (_, percent) = fee.iter().find(|(key, _)| key == "percent")?;
        match percent {
            Json::Text(text) => parse_decimal("percent", text).ok(),
            Json::Number(text) => parse_decimal("percent", text).ok(),
            _ => None,
        }
    }

    /// Keeps what was not taken, under its own name.
    fn keep(self, draft: &mut Draft<'a>) {
        for (name, value) in self.0 {
            keep(draft, name, value);
        }
    }
}

fn keep<'a>(draft: &mut Draft<'a>, name: Cow<'a, str>, value: Json<'a>) {
    let value = match value {
        Json::Null => return,
        Json::Bool(value) => FieldValue::Bool(value),
        Json::Text(text) => FieldValue::Text(text),
        Json::Array(array) => FieldValue::Text(json::compact(array)),
        Json::Number(text) => match (text.parse::<i64>(), parse_decimal(&name, text)) {
            (Ok(whole), _) if text != "-0" => FieldValue::I64(whole),
            (_, Ok(decimal)) => FieldValue::Decimal(decimal),
            (_, Err(_)) => FieldValue::Text(Cow::Borrowed(text)),
        },
        Json::Object(members) => {
            for (key, value) in members {
                keep(draft, Cow::Owned(format!("{name}.{key}")), value);
            }
            return;
        }
    };
    draft.add(name, value);
}
