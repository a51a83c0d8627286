//! LOBSTER messages to order events. One message is a line `time,type,order id,size,price,direction`:
//! seconds after midnight in New York, price times 10,000, direction 1 for a buy order and -1 for a sell.
//!
//! | type | is | becomes |
//! |---|---|---|
//! | 1 | a new limit order | `order` `order_created`, status `created` |
//! | 2 | part of it withdrawn | `order` `order_reduced`, status `acknowledged`: it still stands |
//! | 3 | the rest of it withdrawn | `order` `order_cancelled`, status `cancelled` |
//! | 4 | an execution of it | `fill` `order_partially_filled`, or `order_filled` when nothing remains |
//! | 5 | an execution of a hidden order | `market_data` `trade`, `hidden` true |
//! | 6 | a cross, such as an auction | `market_data` `trade`, `cross` true |
//! | 7 | a halt | `system` `trading_halted`, `quoting_resumed`, `trading_resumed` (price -1, 0, 1) |
//!
//! Numbers of LOBSTER are unique in one file; an `order_id` is `YYYYMMDD-SYMBOL-NUMBER`, unique beyond it.
//! An order that stood before the file began has no type 1: its size is not known, so its events carry
//! `stood_before` true, its executions are recorded as partial and `remaining_quantity` is left out.
//! Where the sizes of an order do not add up (100 withdrawn as the last of 200) the event carries the
//! difference in `unaccounted_quantity`: the file is recorded as it is, not as it should be.

use std::borrow::Cow;
use std::collections::HashMap;

use blotter::event::{Category, Decimal, Level, Timestamp, names};
use chrono::{NaiveDate, TimeDelta, TimeZone};
use chrono_tz::America::New_York;

use super::draft::Draft;
use super::{FieldValue, ParsedEvent};

/// Follows the orders of one symbol through one day.
pub(crate) struct Lobster {
    symbol: String,
    date: NaiveDate,
    /// `YYYYMMDD-SYMBOL-`
    order_id_prefix: String,
    standing: HashMap<u64, Standing>,
}

/// An order that was created in the file and has not ended.
#[derive(Clone, Copy)]
struct Standing {
    created: Timestamp,
    quantity: u64,
    remaining: u64,
}

/// What a message left of an order that was created in the file.
#[derive(Clone, Copy)]
struct Reduced {
    /// The order before it.
    order: Standing,
    remaining: u64,
    /// What the messages so far leave unexplained: more than 0 if some went missing, less if too much went.
    unaccounted: i128,
}

/// The columns of one message.
struct Message {
    ts: Timestamp,
    /// The whole time as written, if it is finer than nanoseconds.
    ts_text: Option<String>,
    kind: u8,
    order: u64,
    size: u64,
    price: i64,
    side: &'static str,
}

impl Lobster {
    pub(crate) fn new(symbol: &str, date: NaiveDate) -> Lobster {
        let order_id_prefix = format!("{}-{symbol}-", date.format("%Y%m%d"));
        Lobster { symbol: symbol.to_owned(), date, order_id_prefix, standing: HashMap::new() }
    }

    /// Reads one line, or says why it is not a message. A bad line changes nothing.
    pub(crate) fn parse(&mut self, line: &str) -> Result<ParsedEvent<'static>, String> {
        let message = self.message(line)?;
        let mut event = match message.kind {
            1 => self.created(&message)?,
            2 | 3 => self.withdrawn(&message)?,
            4 => self.executed(&message)?,
            5 | 6 => self.traded(&message)?,
            7 => self.halted(&message)?,
            kind => return Err(format!("column 2: {kind} is not a message type; they are 1 to 7")),
        };
        if let Some(text) = message.ts_text {
            event.fields.push((Cow::Borrowed("ts_text"), FieldValue::Text(text.into())));
        }
        Ok(event)
    }

    fn message(&self, line: &str) -> Result<Message, String> {
        let columns: Vec<&str> = line.split(',').collect();
        let &[time, kind, order, size, price, direction] = columns.as_slice() else {
            return Err(format!(
                "{} columns, expected 6: time,type,order id,size,price,direction",
                columns.len()
            ));
        };
        let (ts, is_exact) = self.time(time).map_err(|reason| format!("column 1: {time:?} {reason}"))?;
        Ok(Message {
            ts,
            ts_text: (!is_exact).then(|| time.to_owned()),
            kind: number(2, "type", kind)?,
            order: number(3, "order id", order)?,
            size: number(4, "size", size)?,
            price: number(5, "price", price)?,
            side: match direction {
                "1" => "BUY",
                "-1" => "SELL",
                _ => return Err(format!("column 6: the direction is {direction:?}, expected 1 or -1")),
            },
        })
    }

    /// The moment so many seconds after midnight, and whether it is all that was written.
    fn time(&self, text: &str) -> Result<(Timestamp, bool), &'static str> {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if seconds.is_empty() || !is_digits(seconds) || !is_digits(fraction) {
            return Err("is not seconds after midnight");
        }
        let seconds: i64 = seconds.parse().ok().filter(|s| *s < 86_400).ok_or("is not within a day")?;
        let (nanos, beyond) = fraction.split_at(fraction.len().min(9));
        let nanos = format!("{nanos:0<9}").parse::<i64>().map_err(|_| "is not seconds after midnight")?;
        let clock = self.date.and_time(chrono::NaiveTime::MIN) + TimeDelta::seconds(seconds);
        // A clock time that a change of the clock skips or repeats is not one moment.
        let moment = New_York
            .from_local_datetime(&clock)
            .single()
            .ok_or("is not one moment on that day in New York")?;
        let ts = i128::from(moment.timestamp()) * 1_000_000_000 + i128::from(nanos);
        let ts = i64::try_from(ts).map_err(|_| "is out of range on that day")?;
        Ok((Timestamp(ts), beyond.bytes().all(|b| b == b'0')))
    }

    fn created(&mut self, message: &Message) -> Result<ParsedEvent<'static>, String> {
        let price = order_price(message)?;
        if message.size == 0 {
            return Err("column 4: a new order of size 0".to_owned());
        }
        if self.standing.contains_key(&message.order) {
            return Err(format!("column 3: order {} stands already", message.order));
        }
        let order = Standing { created: message.ts, quantity: message.size, remaining: message.size };
        self.standing.insert(message.order, order);
        Ok(self
            .event(message, Category::ORDER, Level::Info, names::ORDER_CREATED)
            .text("status", "created")
            .text("side", message.side)
            .text("order_type", "limit")
            .decimal("price", price)
            .decimal("quantity", message.size.into())
            .message(format!("order created: {} {} {} @ {price}", message.side, message.size, self.symbol))
            .finish())
    }

    /// Takes `size` from what remains of the order, all of it if this is its end. Nothing, if the order
    /// stood before the file began.
    fn reduce(&mut self, message: &Message, is_end: bool) -> Result<Option<Reduced>, String> {
        if message.size == 0 {
            return Err("column 4: the size is 0".to_owned());
        }
        let Some(order) = self.standing.get_mut(&message.order) else { return Ok(None) };
        let before = *order;
        let left = i128::from(before.remaining) - i128::from(message.size);
        let remaining = if is_end { 0 } else { u64::try_from(left).unwrap_or(0) };
        order.remaining = remaining;
        if remaining == 0 {
            self.standing.remove(&message.order);
        }
        Ok(Some(Reduced { order: before, remaining, unaccounted: left - i128::from(remaining) }))
    }

    fn withdrawn(&mut self, message: &Message) -> Result<ParsedEvent<'static>, String> {
        let price = order_price(message)?;
        let is_whole = message.kind == 3;
        let known = self.reduce(message, is_whole)?;
        let (name, status) =
            if is_whole { (names::ORDER_CANCELLED, "cancelled") } else { ("order_reduced", "acknowledged") };
        let event = self
            .event(message, Category::ORDER, Level::Info, name)
            .text("status", status)
            .text("side", message.side)
            .decimal("price", price);
        let event = with_remaining(event, known);
        Ok(if is_whole {
            event
                .decimal("quantity", message.size.into())
                .message(format!("order cancelled: {}", message.size))
        } else {
            event.decimal("reduced_by", message.size.into()).message(match known {
                Some(left) => format!("order reduced by {} to {}", message.size, left.remaining),
                None => format!("order reduced by {}", message.size),
            })
        }
        .finish())
    }

    fn executed(&mut self, message: &Message) -> Result<ParsedEvent<'static>, String> {
        let price = order_price(message)?;
        let known = self.reduce(message, false)?;
        let is_filled = known.is_some_and(|left| left.remaining == 0);
        let (name, status) = if is_filled {
            (names::ORDER_FILLED, "filled")
        } else {
            (names::ORDER_PARTIALLY_FILLED, "partially_filled")
        };
        let mut event = self
            .event(message, Category::FILL, Level::Info, name)
            .text("status", status)
            .text("side", message.side)
            .decimal("fill_price", price)
            .decimal("fill_quantity", message.size.into());
        event = with_remaining(event, known);
        if let (true, Some(Reduced { order, .. })) = (is_filled, known) {
            let lifecycle_ns = message.ts.nanos() - order.created.nanos();
            event = event
                .decimal("quantity", order.quantity.into())
                .decimal("lifecycle_ms", Decimal::new(lifecycle_ns, 6).normalize());
        }
        Ok(event.message(format!("fill: {} @ {price}", message.size)).finish())
    }

    fn traded(&self, message: &Message) -> Result<ParsedEvent<'static>, String> {
        let price = order_price(message)?;
        let mark = if message.kind == 5 { "hidden" } else { "cross" };
        let event = self
            .event(message, Category::MARKET_DATA, Level::Debug, names::TRADE)
            .text("side", message.side)
            .decimal("price", price)
            .decimal("quantity", message.size.into());
        let event = event.message(format!("trade {} {} @ {price}", self.symbol, message.size));
        Ok(event.flag(mark, true).finish())
    }

    fn halted(&self, message: &Message) -> Result<ParsedEvent<'static>, String> {
        let (name, sentence) = match message.price {
            -1 => ("trading_halted", "trading halted"),
            0 => ("quoting_resumed", "quoting resumed after a halt"),
            1 => ("trading_resumed", "trading resumed after a halt"),
            code => return Err(format!("column 5: {code} is not a halt code; they are -1, 0 and 1")),
        };
        let event = self
            .event(message, Category::SYSTEM, Level::Warn, name)
            .message(format!("{sentence}: {}", self.symbol));
        Ok(event.whole("halt_code", message.price).finish())
    }

    /// An event with its name, symbol and, if it has one, its order.
    fn event(
        &self,
        message: &Message,
        category: Category,
        level: Level,
        name: &'static str,
    ) -> Draft<'static> {
        let draft = Draft::new(message.ts, category, level, name);
        let draft = if message.order == 0 {
            draft
        } else {
            draft.text("order_id", format!("{}{}", self.order_id_prefix, message.order))
        };
        draft.text("symbol", self.symbol.clone())
    }
}

/// The price of an order or trade.
fn order_price(message: &Message) -> Result<Decimal, String> {
    // Nothing trades below zero here; a negative price is a halt code under a wrong type.
    if message.price < 0 {
        return Err(format!("column 5: the price is {}", message.price));
    }
    Ok(Decimal::new(message.price, 4).normalize())
}

fn number<T: std::str::FromStr>(column: usize, name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("column {column}: the {name} is {text:?}, expected a whole number"))
}

/// Adds what remains of the order, or that it stood before the file began.
fn with_remaining(draft: Draft<'static>, known: Option<Reduced>) -> Draft<'static> {
    let Some(left) = known else { return draft.flag("stood_before", true) };
    let draft = draft.decimal("remaining_quantity", left.remaining.into());
    if left.unaccounted == 0 {
        return draft;
    }
    // Sizes have 64 bits, so their difference fits a decimal.
    draft.decimal("unaccounted_quantity", Decimal::from_i128_with_scale(left.unaccounted, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::draft::shown;

    fn check(date: &str, lines: &[(&str, Result<&str, &str>)]) {
        let mut lobster = Lobster::new("AMZN", date.parse().unwrap());
        for (line, expected) in lines {
            match (lobster.parse(line), expected) {
                (Ok(event), Ok(expected)) => assert_eq!(shown(&event), *expected, "{line}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{line}: {reason}"),
                (found, expected) => panic!("{line}: {found:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn an_order_is_followed_to_its_end() {
        check(
            "2012-06-21",
            &[
                (
                    "34200.18960767,1,11885113,21,2238100,1",
                    Ok(
                        "2012-06-21T13:30:00.189607670Z order info event=order_created order_id=20120621-AMZN-11885113 symbol=AMZN status=created side=BUY order_type=limit price=223.81 quantity=21 message=order created: BUY 21 AMZN @ 223.81",
                    ),
                ),
                (
                    "34200.2,2,11885113,1,2238100,1",
                    Ok(
                        "2012-06-21T13:30:00.200000000Z order info event=order_reduced order_id=20120621-AMZN-11885113 symbol=AMZN status=acknowledged side=BUY price=223.81 remaining_quantity=20 reduced_by=1 message=order reduced by 1 to 20",
                    ),
                ),
                (
                    "34200.3,4,11885113,5,2238100,1",
                    Ok(
                        "2012-06-21T13:30:00.300000000Z fill info event=order_partially_filled order_id=20120621-AMZN-11885113 symbol=AMZN status=partially_filled side=BUY fill_price=223.81 fill_quantity=5 remaining_quantity=15 message=fill: 5 @ 223.81",
                    ),
                ),
                ("34200.3,1,11885113,14,2238100,1", Err("stands already")),
                (
                    "34201.18960767,4,11885113,15,2238100,1",
                    Ok(
                        "2012-06-21T13:30:01.189607670Z fill info event=order_filled order_id=20120621-AMZN-11885113 symbol=AMZN status=filled side=BUY fill_price=223.81 fill_quantity=15 remaining_quantity=0 quantity=21 lifecycle_ms=1000 message=fill: 15 @ 223.81",
                    ),
                ),
                (
                    "34200.3,1,7,14,2238100,-1",
                    Ok(
                        "2012-06-21T13:30:00.300000000Z order info event=order_created order_id=20120621-AMZN-7 symbol=AMZN status=created side=SELL order_type=limit price=223.81 quantity=14 message=order created: SELL 14 AMZN @ 223.81",
                    ),
                ),
                (
                    "34200.3,3,7,14,2238100,-1",
                    Ok(
                        "2012-06-21T13:30:00.300000000Z order info event=order_cancelled order_id=20120621-AMZN-7 symbol=AMZN status=cancelled side=SELL price=223.81 remaining_quantity=0 quantity=14 message=order cancelled: 14",
                    ),
                ),
            ],
        );
    }

    #[test]
    fn orders_from_before_trades_and_halts() {
        check(
            "2012-01-20",
            &[
                (
                    "34200,4,5,10,10000,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z fill info event=order_partially_filled order_id=20120120-AMZN-5 symbol=AMZN status=partially_filled side=SELL fill_price=1 fill_quantity=10 stood_before=true message=fill: 10 @ 1",
                    ),
                ),
                (
                    "34200,2,5,10,10000,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z order info event=order_reduced order_id=20120120-AMZN-5 symbol=AMZN status=acknowledged side=SELL price=1 stood_before=true reduced_by=10 message=order reduced by 10",
                    ),
                ),
                (
                    "34200,5,0,1,2238250,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z market_data debug event=trade symbol=AMZN side=SELL price=223.825 quantity=1 message=trade AMZN 1 @ 223.825 hidden=true",
                    ),
                ),
                (
                    "34200,6,0,1,2238250,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z market_data debug event=trade symbol=AMZN side=SELL price=223.825 quantity=1 message=trade AMZN 1 @ 223.825 cross=true",
                    ),
                ),
                (
                    "34200,7,0,0,-1,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z system warn event=trading_halted symbol=AMZN message=trading halted: AMZN halt_code=-1",
                    ),
                ),
                (
                    "34200.0000000001,7,0,0,1,-1",
                    Ok(
                        "2012-01-20T14:30:00.000000000Z system warn event=trading_resumed symbol=AMZN message=trading resumed after a halt: AMZN halt_code=1 ts_text=34200.0000000001",
                    ),
                ),
            ],
        );
    }

    #[test]
    fn sizes_that_do_not_add_up_are_recorded_with_the_difference() {
        check(
            "2012-06-21",
            &[
                (
                    "39210,1,1,200,2257100,1",
                    Ok(
                        "2012-06-21T14:53:30.000000000Z order info event=order_created order_id=20120621-AMZN-1 symbol=AMZN status=created side=BUY order_type=limit price=225.71 quantity=200 message=order created: BUY 200 AMZN @ 225.71",
                    ),
                ),
                (
                    "39211,3,1,100,2257100,1",
                    Ok(
                        "2012-06-21T14:53:31.000000000Z order info event=order_cancelled order_id=20120621-AMZN-1 symbol=AMZN status=cancelled side=BUY price=225.71 remaining_quantity=0 unaccounted_quantity=100 quantity=100 message=order cancelled: 100",
                    ),
                ),
                (
                    "39212,1,1,2,10000,1",
                    Ok(
                        "2012-06-21T14:53:32.000000000Z order info event=order_created order_id=20120621-AMZN-1 symbol=AMZN status=created side=BUY order_type=limit price=1 quantity=2 message=order created: BUY 2 AMZN @ 1",
                    ),
                ),
                (
                    "39213,4,1,5,10000,1",
                    Ok(
                        "2012-06-21T14:53:33.000000000Z fill info event=order_filled order_id=20120621-AMZN-1 symbol=AMZN status=filled side=BUY fill_price=1 fill_quantity=5 remaining_quantity=0 unaccounted_quantity=-3 quantity=2 lifecycle_ms=1000 message=fill: 5 @ 1",
                    ),
                ),
            ],
        );
    }

    #[test]
    fn bad_messages_say_what_is_wrong() {
        check(
            "2012-03-11",
            &[
                ("", Err("1 columns")),
                ("1,1,1,1,1,1,null", Err("7 columns")),
                ("x,1,1,1,1,1", Err("column 1")),
                ("-1,1,1,1,1,1", Err("seconds after midnight")),
                ("86400,1,1,1,1,1", Err("within a day")),
                ("7200,1,1,1,1,1", Err("not one moment")),
                ("1,8,1,1,1,1", Err("not a message type")),
                ("1,1,-1,1,1,1", Err("column 3")),
                ("1,1,1,1.5,1,1", Err("column 4")),
                ("1,1,1,0,1,1", Err("size 0")),
                ("1,1,1,1,-1,1", Err("the price is -1")),
                ("1,1,1,1,1,0", Err("column 6")),
                ("1,7,0,0,2,-1", Err("not a halt code")),
            ],
        );
    }
}
