//! Every kind of record, and every line of it.

use super::*;
use crate::import::intake::Collected;

const PMM: &str = "hummingbot.strategy.pure_market_making.pure_market_making - INFO";
const TRACKER: &str = "hummingbot.connector.client_order_tracker - INFO";
const REPORTER: &str = "hummingbot.core.event.event_reporter - EVENT_LOG";

fn read(text: &str) -> Collected {
    Collected::read(&mut Hummingbot::new(Tz::UTC), text)
}

/// Lines of a log, each with a time a millisecond after the one before.
fn log(records: &[(&str, &str)]) -> String {
    let line = |(number, (from, message)): (usize, &(&str, &str))| {
        format!("2022-11-14 06:55:34,{number:03} - 45 - {from} - {message}\n")
    };
    records.iter().enumerate().map(line).collect()
}

/// Checks the events of records, each from after its time on and without what every event has.
#[track_caller]
fn check(records: &[(&str, &str)], expected: &[&str]) {
    let read = read(&log(records));
    assert_eq!((read.refused, read.doubts), (Vec::<String>::new(), Vec::<String>::new()));
    let found: Vec<String> = read
        .events
        .iter()
        .map(|event| {
            let (_, rest) = event.split_once("Z ").unwrap();
            let words = rest.split(' ').filter(|word| {
                !word.starts_with("component=")
                    && *word != "process_id=45"
                    && *word != "source_level=EVENT_LOG"
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn an_order_is_followed_to_its_end() {
    check(
        &[
            (PMM, "(EDG-USDT) Creating 1 bid orders at (Size, Price): ['100 EDG, 3.81E-8 USDT']"),
            (TRACKER, "Created LIMIT_MAKER BUY order BEGUT01 for 100 EDG-USDT."),
            (
                REPORTER,
                r#"{"timestamp": 1668408934.0, "type": "OrderType.LIMIT_MAKER", "trading_pair": "EDG-USDT", "amount": "100", "price": "3.81E-8", "order_id": "BEGUT01", "creation_timestamp": 1668408934.0, "exchange_order_id": "x1", "leverage": 1, "position": "NIL", "event_name": "BuyOrderCreatedEvent", "event_source": "kucoin"}"#,
            ),
            (TRACKER, "The BUY order BEGUT01 amounting to 40/100 EDG has been filled."),
            (PMM, "(EDG-USDT) Maker buy order of 40 EDG filled. [clock=2022-11-14 06:55:34+00:00]"),
            (
                REPORTER,
                r#"{"timestamp": 1668408934.0, "order_id": "BEGUT01", "trading_pair": "EDG-USDT", "trade_type": "TradeType.BUY", "order_type": "OrderType.LIMIT_MAKER", "price": "3.8E-8", "amount": "40", "trade_fee": {"percent": "0.001", "percent_token": null, "flat_fees": [{"token": "KCS"}]}, "exchange_trade_id": "t1", "event_name": "OrderFilledEvent"}"#,
            ),
            (
                REPORTER,
                r#"{"timestamp": 1668408934.0, "order_id": "BEGUT01", "trading_pair": "EDG-USDT", "trade_type": "TradeType.BUY", "price": 3.81E-8, "amount": "60", "event_name": "OrderFilledEvent"}"#,
            ),
            (
                REPORTER,
                r#"{"timestamp": 1668408934.0, "order_id": "BEGUT01", "base_asset": "EDG", "quote_asset": "USDT", "base_asset_amount": "100", "quote_asset_amount": "0.000003806", "event_name": "BuyOrderCompletedEvent"}"#,
            ),
            (TRACKER, "BUY order BEGUT01 completely filled."),
            (
                PMM,
                "(EDG-USDT) Maker buy order BEGUT01 (100 EDG @ 3.81E-8 USDT) has been completely filled. [clock=x]",
            ),
        ],
        &[
            "system info event=orders_proposed symbol=EDG-USDT strategy=pure_market_making side=BUY proposals=['100 EDG, 3.81E-8 USDT'] message=(EDG-USDT) Creating 1 bid orders at (Size, Price): ['100 EDG, 3.81E-8 USDT']",
            "system info event=order_created_logged order_id=BEGUT01 symbol=EDG-USDT strategy=pure_market_making side=BUY order_type=limit_maker quantity=100 message=Created LIMIT_MAKER BUY order BEGUT01 for 100 EDG-USDT.",
            "order info event=order_created order_id=BEGUT01 status=created strategy=pure_market_making symbol=EDG-USDT side=BUY order_type=limit_maker exchange_order_id=x1 price=0.0000000381 quantity=100 message=order created: BUY 100 EDG-USDT @ 0.0000000381 event_name=BuyOrderCreatedEvent clock_time=1668408934.0 creation_timestamp=1668408934.0 leverage=1 position=NIL event_source=kucoin",
            "system info event=order_fill_logged order_id=BEGUT01 symbol=EDG-USDT strategy=pure_market_making side=BUY order_type=limit_maker quantity=100 filled_quantity=40 message=The BUY order BEGUT01 amounting to 40/100 EDG has been filled.",
            "system info event=maker_fill_logged symbol=EDG-USDT strategy=pure_market_making side=BUY quantity=40 clock_text=2022-11-14 06:55:34+00:00 message=(EDG-USDT) Maker buy order of 40 EDG filled. [clock=2022-11-14 06:55:34+00:00]",
            "fill info event=order_partially_filled order_id=BEGUT01 status=partially_filled strategy=pure_market_making symbol=EDG-USDT side=BUY order_type=limit_maker exchange_order_id=x1 fill_price=0.000000038 fill_quantity=40 filled_quantity=40 remaining_quantity=60 price=0.0000000381 quantity=100 fee_percent=0.001 commission=0.00000000152 message=order partially filled: BUY 40 EDG-USDT @ 0.000000038 event_name=OrderFilledEvent clock_time=1668408934.0 trade_fee.percent=0.001 trade_fee.flat_fees=[{\"token\":\"KCS\"}] exchange_trade_id=t1",
            "fill info event=order_partially_filled order_id=BEGUT01 status=partially_filled strategy=pure_market_making symbol=EDG-USDT side=BUY order_type=limit_maker exchange_order_id=x1 fill_price=0.0000000381 fill_quantity=60 filled_quantity=100 remaining_quantity=0 price=0.0000000381 quantity=100 message=order partially filled: BUY 60 EDG-USDT @ 0.0000000381 event_name=OrderFilledEvent clock_time=1668408934.0",
            "fill info event=order_filled order_id=BEGUT01 status=filled strategy=pure_market_making symbol=EDG-USDT side=BUY order_type=limit_maker exchange_order_id=x1 filled_quantity=100 quote_quantity=0.000003806 average_price=0.00000003806 price=0.0000000381 quantity=100 lifecycle_ms=5 message=order filled: BUY 100 EDG-USDT @ 0.00000003806 event_name=BuyOrderCompletedEvent clock_time=1668408934.0 base_asset=EDG quote_asset=USDT",
            "system info event=order_filled_logged order_id=BEGUT01 symbol=EDG-USDT strategy=pure_market_making side=BUY order_type=limit_maker message=BUY order BEGUT01 completely filled.",
            "system info event=maker_order_filled_logged order_id=BEGUT01 symbol=EDG-USDT strategy=pure_market_making side=BUY order_type=limit_maker quantity=100 price=0.0000000381 clock_text=x message=(EDG-USDT) Maker buy order BEGUT01 (100 EDG @ 3.81E-8 USDT) has been completely filled. [clock=x]",
        ],
    );
}

#[test]
fn orders_that_are_withdrawn_or_fail() {
    check(
        &[
            (PMM, "(EDG-USDT) Canceling the limit order SEGUT02. [clock=x]"),
            (
                REPORTER,
                r#"{"timestamp": 1.0, "order_id": "SEGUT02", "exchange_order_id": "x2", "event_name": "OrderCancelledEvent"}"#,
            ),
            (TRACKER, "Successfully canceled order SEGUT02."),
            (
                REPORTER,
                r#"{"timestamp": 1.0, "order_id": "SEGUT03", "order_type": "OrderType.LIMIT", "event_name": "MarketOrderFailureEvent"}"#,
            ),
            (
                TRACKER,
                "Order SEGUT03 has failed. Order Update: OrderUpdate(trading_pair='EDG-USDT', client_order_id='SEGUT03')",
            ),
            (REPORTER, r#"{"timestamp": 1.0, "order_id": "SEGUT04", "event_name": "OrderExpiredEvent"}"#),
            ("a.Exchange - WARNING", "No answer about SEGUT04, retrying"),
        ],
        &[
            "order info event=order_cancel_requested order_id=SEGUT02 symbol=EDG-USDT strategy=pure_market_making clock_text=x message=(EDG-USDT) Canceling the limit order SEGUT02. [clock=x]",
            "order info event=order_cancelled order_id=SEGUT02 status=cancelled strategy=pure_market_making exchange_order_id=x2 message=order cancelled event_name=OrderCancelledEvent clock_time=1.0",
            "system info event=order_cancelled_logged order_id=SEGUT02 strategy=pure_market_making message=Successfully canceled order SEGUT02.",
            "order warn event=order_failed order_id=SEGUT03 status=failed strategy=pure_market_making order_type=limit message=order failed event_name=MarketOrderFailureEvent clock_time=1.0",
            "system info event=order_failed_logged order_id=SEGUT03 symbol=EDG-USDT strategy=pure_market_making order_type=limit message=Order SEGUT03 has failed. Order Update: OrderUpdate(trading_pair='EDG-USDT', client_order_id='SEGUT03')",
            "order info event=order_expired order_id=SEGUT04 status=expired strategy=pure_market_making message=order expired event_name=OrderExpiredEvent clock_time=1.0",
            "system warn event=log_line order_id=SEGUT04 strategy=pure_market_making message=No answer about SEGUT04, retrying",
        ],
    );
}

#[test]
fn what_is_about_no_order() {
    check(
        &[
            (
                "h.Exchange - INFO",
                "Network status has changed to NetworkStatus.CONNECTED. Starting networking...",
            ),
            ("h.app - INFO", "start command initiated."),
            ("h.app - INFO", "stop command initiated."),
            ("h.Exchange - ERROR", "No luck"),
            ("h.Exchange - NETWORK", "No line"),
            (
                REPORTER,
                r#"{"timestamp": 1.0, "market": "x", "funding_rate": "0.0001", "trading_pair": "A-B", "amount": "-2.50", "event_name": "FundingPaymentCompletedEvent"}"#,
            ),
            (REPORTER, r#"{"timestamp": 1.0, "price": "NaN", "ok": true, "event_name": "NewThingEvent"}"#),
        ],
        &[
            "system info event=network_status_changed network_status=CONNECTED message=Network status has changed to NetworkStatus.CONNECTED. Starting networking...",
            "system info event=start_requested message=start command initiated.",
            "system info event=stop_requested message=stop command initiated.",
            "error error event=log_error error_message=No luck message=No luck",
            "system warn event=log_line message=No line source_level=NETWORK",
            "position info event=funding_payment amount=-2.50 funding_rate=0.0001 symbol=A-B event_name=FundingPaymentCompletedEvent clock_time=1.0 market=x",
            "system info event=NewThingEvent price_text=NaN event_name=NewThingEvent clock_time=1.0 ok=true",
        ],
    );
}

#[test]
fn tracebacks_stay_with_their_record() {
    let text = log(&[("a.b - ERROR", "Failed to cancel order SEGUT05"), ("a.b - INFO", "later")]).replacen(
        "SEGUT05\n",
        "SEGUT05\nTraceback (most recent call last):\n  File \"x.py\", line 1, in f\n\nKeyError: 'data'\n",
        1,
    );
    let read = read(&text);
    assert_eq!(
        read.events[0],
        "1: 2022-11-14T06:55:34.000000000Z error error event=order_cancel_failed order_id=SEGUT05 \
         message=Failed to cancel order SEGUT05 error_kind=KeyError error_message=KeyError: 'data' \
         error_chain=Failed to cancel order SEGUT05: KeyError: 'data' \
         backtrace=Traceback (most recent call last):\n  File \"x.py\", line 1, in f\n\nKeyError: 'data' \
         component=a.b process_id=45"
    );
    assert_eq!(read.events.len(), 2);
    assert_eq!(
        (read.count(|taken| *taken == Taken::Record), read.count(|taken| *taken == Taken::Continuation)),
        (2, 4)
    );
    let detail = super::Hummingbot::new(Tz::UTC);
    let read = Collected::read(&mut { detail }, &(log(&[("a.b - INFO", "two")]) + "lines\n\n"));
    assert!(read.events[0].contains("detail=lines\n component"), "{}", read.events[0]);
}

#[test]
fn what_is_too_long_for_one_event_goes_on_in_others() {
    let long_message = "ä".repeat(TEXT_BYTES_MAX);
    let lines: Vec<String> = (0..2000).map(|number| format!("  line {number} of a long traceback")).collect();
    let text = log(&[("a.b - INFO", &long_message)])
        + &lines.join("\n")
        + "\n"
        + &"≈".repeat(3 * TEXT_BYTES_MAX)
        + "\n"
        + &log(&[("a.b - INFO", "after")]);
    let read = read(&text);
    assert_eq!(read.refused, Vec::<String>::new());
    assert_eq!(read.count(|taken| *taken == Taken::Continuation), 2001);
    let all = read.events.join("\n");
    assert_eq!(all.matches('ä').count(), TEXT_BYTES_MAX);
    assert_eq!(all.matches('≈').count(), 3 * TEXT_BYTES_MAX);
    for line in &lines {
        assert!(all.contains(line.as_str()), "{line}");
    }
    assert!(read.events[1].contains("event=log_continuation part=2 message=ä"));
    assert!(read.events.last().unwrap().contains("message=after"));
}

#[test]
fn what_cannot_be_read_is_told() {
    const NO_AMOUNT: &str = r#"{"timestamp": 1.0, "order_id": "x", "price": "1", "amount": "NaN", "event_name": "OrderFilledEvent"}"#;
    let text =
        "  a tail of what was before\n\n2022-13-14 06:55:34,001 - 45 - a - INFO - no such day\n  of it\n"
            .to_owned()
            + &log(&[(REPORTER, "{not json"), (REPORTER, r#"{"order_id": "x"}"#), (REPORTER, NO_AMOUNT)]);
    let read = read(&text);
    let bad: Vec<bool> = read.taken.iter().map(|taken| matches!(taken, Taken::Bad(_))).collect();
    assert_eq!(bad, [true, false, true, true, false, false, false]);
    assert_eq!(read.taken[1], Taken::Blank);
    // The records are kept as lines of a log.
    assert_eq!(read.doubts.len(), 3);
    assert!(
        read.doubts[2].ends_with("its amount is no number, and is kept as amount_text"),
        "{}",
        read.doubts[2]
    );
    assert!(read.doubts[0].starts_with("5: its EVENT_LOG could not be read: column 2"), "{}", read.doubts[0]);
    assert!(read.doubts[1].contains("'event_name'"));
    assert!(read.events[0].contains("event=log_line message={not json component"), "{}", read.events[0]);
}

#[test]
fn times_are_of_a_clock_in_the_zone() {
    let text = "2022-10-30 02:30:00,000 - 1 - a - INFO - x\n2022-03-27 02:30:00,000 - 1 - a - INFO - y\n";
    let read = Collected::read(&mut Hummingbot::new(Tz::Europe__Paris), text);
    assert!(read.events[0].starts_with("1: 2022-10-30T00:30:00.000000000Z"));
    assert!(read.events[0].ends_with("ts_ambiguous=true"));
    assert!(matches!(&read.taken[1], Taken::Bad(reason) if reason.contains("no clock in Europe/Paris")));
}

#[test]
fn another_process_has_another_strategy() {
    let text = log(&[(PMM, "one")]) + "2022-11-14 07:00:00,000 - 46 - a - INFO - two\n";
    let read = read(&text);
    assert!(read.events[0].contains("strategy=") && !read.events[1].contains("strategy="));
}

/// Every line of a log that was cut, doubled and mixed up is something.
#[test]
fn every_line_of_a_damaged_log_is_accounted_for() {
    let records = log(&[
        (PMM, "(EDG-USDT) Canceling the limit order SEGUT02. [clock=x]"),
        (TRACKER, "The BUY order BEGUT01 amounting to 40/100 EDG has been filled."),
        (
            REPORTER,
            r#"{"timestamp": 1.0, "order_id": "é1", "amount": "1e99", "price": null, "event_name": "OrderFilledEvent"}"#,
        ),
        ("a.b - ERROR", "x\nTraceback (most recent call last):\n  é\nKeyError: 1"),
    ]);
    let mut random = blotter_workload::Prng::new(7);
    for _ in 0..2000 {
        let mut text: Vec<char> = records.chars().collect();
        for _ in 0..random.below(8) {
            let at = random.below(text.len() as u64) as usize;
            match random.below(3) {
                0 if text.len() > 1 => drop(text.remove(at)),
                0 | 1 => text.insert(at, "-\n\" {}:,(".chars().nth(random.below(9) as usize).unwrap()),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        let read = read(&text);
        assert_eq!(read.taken.len(), text.lines().count());
        let records = read.count(|taken| *taken == Taken::Record);
        assert_eq!(read.events.len() + read.refused.len(), records, "{text}");
    }
}
