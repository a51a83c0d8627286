//! Texts, and what is bound or said of them.

use std::sync::Arc;

use blotter_engine::dec;
use blotter_engine::event::{Field, Timestamp, ValueType};

use super::super::schema::{Schema, TypeSet};
use super::super::step::{Output, Picture, Plan};
use super::bind;
use crate::api::{Parameters, QueryOptions};
use crate::cells::Names;
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
use crate::syntax::parse;

/// A database of these fields beside the well-known ones.
struct Fake;

const FIELDS: &[(&str, &[ValueType])] = &[
    ("execution_time_ms", &[ValueType::F64]),
    ("size_kb", &[ValueType::I64]),
    ("drawdown_pct", &[ValueType::Decimal]),
    ("ok", &[ValueType::Bool]),
    ("code", &[ValueType::I64, ValueType::Str]),
    ("venue", &[ValueType::Str]),
    ("my-field", &[ValueType::Str]),
];

impl Schema for Fake {
    fn knows(&self, field: &str) -> bool {
        Field::from_name(field).is_some() || FIELDS.iter().any(|(name, _)| *name == field)
    }

    fn types(&self, field: &str) -> TypeSet {
        let of_types = |types: &[ValueType]| types.iter().fold(TypeSet::NONE, |set, one| set.with(*one));
        match FIELDS.iter().find(|(name, _)| *name == field) {
            Some((_, types)) => of_types(types),
            None if Field::from_name(field).is_some_and(Field::is_decimal) => of_types(&[ValueType::Decimal]),
            None if field.ends_with("_us") || field.ends_with("_ms") || field.ends_with("_bps") => {
                of_types(&[ValueType::I64, ValueType::Decimal])
            }
            None => of_types(&[ValueType::Str]),
        }
    }

    fn fields(&self) -> Vec<String> {
        let known = Field::ALL.iter().map(|field| field.name());
        known.chain(FIELDS.iter().map(|(name, _)| *name)).map(str::to_owned).collect()
    }

    fn values(&self, _field: &str, _prefix: &str, _limit: usize) -> Vec<String> {
        Vec::new()
    }

    fn time_range(&self) -> Option<(Timestamp, Timestamp)> {
        Some(("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-03T00:00:00Z".parse().unwrap()))
    }
}

fn options() -> QueryOptions {
    let parameters: Parameters = [
        ("id", Datum::from("trade_12345")),
        ("limit", Datum::Decimal(dec!(1.50))),
        ("wait", Datum::Duration(2_000_000)),
        ("since", Datum::Time(Timestamp(0))),
        ("nothing", Datum::Null),
        ("day", Datum::from("2026-01-02")),
        ("half", Datum::Float(0.5)),
    ]
    .map(|(name, datum)| (name.to_owned(), datum))
    .into();
    QueryOptions { parameters, ..QueryOptions::default() }
}

fn bound(text: &str, options: &QueryOptions) -> Result<(Plan, Arc<Names>)> {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let names = Arc::new(Names::default());
    let now = "2026-01-02T15:00:00Z".parse().unwrap();
    let plan = bind(&query, &names, &Fake, options, now).map_err(|error| error.with_text(text))?;
    Ok((plan, names))
}

fn binds_with(text: &str, options: &QueryOptions, expected: &[&str]) {
    let (plan, names) = bound(text, options).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(plan.describe(&names), expected, "{text}");
}

/// The filter and each step, as they are described.
fn binds(text: &str, expected: &[&str]) {
    binds_with(text, &options(), expected);
}

/// The filter alone.
fn filters(text: &str, expected: &str) {
    binds(text, &[expected]);
}

fn error_of(text: &str) -> QueryError {
    match bound(text, &options()) {
        Ok((plan, names)) => panic!("{text} is bound: {:?}", plan.describe(&names)),
        Err(error) => error,
    }
}

/// The kind, the marked text, the message and the first hint.
fn fails(text: &str, kind: ErrorKind, marked: &str, message: &str, hint: &str) {
    let error = error_of(text);
    let span = error.span().unwrap_or_else(|| panic!("{text}: {error} has a place"));
    let found =
        (error.kind(), &text[span.start..span.end], error.message(), error.hints().next().unwrap_or(""));
    assert_eq!(found, (kind, marked, message, hint), "{text}");
}

/// The columns of the result; none if each row has its own.
fn columns(text: &str) -> Option<Vec<String>> {
    let (plan, names) = bound(text, &options()).unwrap_or_else(|error| panic!("{text}: {error}"));
    match plan.output {
        Output::Open => None,
        Output::Listed(slots) => Some(slots.iter().map(|slot| names.name(*slot).to_string()).collect()),
    }
}

#[track_caller]
fn lists(text: &str, expected: &[&str]) {
    assert_eq!(
        columns(text).as_deref(),
        Some(expected.iter().map(|name| name.to_string()).collect::<Vec<_>>().as_slice()),
        "{text}"
    );
}

#[test]
fn conditions_take_literals_by_what_they_are_compared_with() {
    filters("", "all");
    filters("symbol = AAPL", r#"symbol = "AAPL""#);
    filters("category = ORDER side = Buy", r#"category = "order" and side = "buy""#);
    filters("order_id = 12345", "order_id = 12345");
    filters("price > 100.50 or price <= -1", "(price > 100.50 or price <= -1)");
    filters("level >= WARNING level in (warn, error)", "level >= warn and level in (warn, error)");
    filters("latency_us > 1ms", "latency_us > 1000");
    filters("latency_us between 1ms and 2ms", "latency_us between 1000 and 2000");
    filters("size_kb = 2mib", "size_kb = 2097.152");
    filters("slippage_bps > 5%", "slippage_bps > 500");
    filters("drawdown_pct > 5bps", "drawdown_pct > 0.05");
    filters("ok = true", "ok = true");
    filters("code = 5m", "code = \"5m\"");
    filters("not status = filled", r#"not (status = "filled")"#);
    filters("not not status = filled", r#"status = "filled""#);
    filters("status not in (filled, Rejected)", r#"status not in ("filled", "rejected")"#);
    filters("exists price missing `my-field`", "exists price and missing my-field");
    filters("venue contains Nas side contains Bu", r#"venue contains "Nas" and side contains "bu""#);
    filters("symbol ~ \"^A\" symbol !~ B", r#"symbol ~ "^A" and symbol !~ "B""#);
    filters("symbol like \"A*\"", r#"symbol ~ "(?s)\\AA.*\\z""#);
    filters("side like \"b?y\"", r#"side ~ "(?s)\\A[bB].[yY]\\z""#);
    filters("timeout* \"Not Found\"", r#"message has "timeout"* and message has "not found""#);
    filters("lower(symbol) = aapl", r#"lower(symbol) = "aapl""#);
    filters("fill_price > {bid * 2}", "fill_price > (bid * 2)");
    filters("price > {100 * 2}", "price > 200");
    filters("{1 + 1} = 2", "all");
    filters("{1 + 1} = 3 or seq > 1", "seq > 1");
    filters("symbol in (A, {venue})", r#"(symbol in ("A") or symbol = venue)"#);
    filters("price between 1 and {bid}", "price >= 1 and price <= bid");
}

#[test]
fn times_are_read_in_the_zone_of_the_query() {
    filters("last 15m", "ts >= 2026-01-02T14:45:00.000000000Z");
    filters(
        "since -2h until 14:30",
        "ts >= 2026-01-02T13:00:00.000000000Z and ts < 2026-01-02T14:30:00.000000000Z",
    );
    filters(
        "on 2026-01-01 tz America/New_York",
        "ts >= 2026-01-01T05:00:00.000000000Z and ts < 2026-01-02T05:00:00.000000000Z",
    );
    filters("on yesterday", "ts >= 2026-01-01T00:00:00.000000000Z and ts < 2026-01-02T00:00:00.000000000Z");
    filters("ts > 2026-01-02T14:30:00Z", "ts > 2026-01-02T14:30:00.000000000Z");
    filters(
        "ts > \"2026-01-02 14:30\" ts < now",
        "ts > 2026-01-02T14:30:00.000000000Z and ts < 2026-01-02T15:00:00.000000000Z",
    );
    filters("ts > {now() - 5m}", "ts > 2026-01-02T14:55:00.000000000Z");
    filters("time_of_day(ts) between 09:30 and 16:00", "time_of_day(ts) between 9h30m and 16h");
    filters("time_of_day(ts, \"America/New_York\") >= 09:30", "time_of_day(ts, America/New_York) >= 9h30m");
    filters("date(ts) = 2026-01-02", r#"date(ts) = "2026-01-02""#);
    let new_york = QueryOptions { zone: chrono_tz::America::New_York, ..options() };
    binds_with("since today", &new_york, &["ts >= 2026-01-02T05:00:00.000000000Z"]);
    binds(
        "symbol = A | tz America/New_York | where ts > 09:30 | bin(ts, 1d)",
        &[
            r#"symbol = "A""#,
            "where ts > 2026-01-02T14:30:00.000000000Z",
            "extend ts = bin(ts, 1d, America/New_York)",
        ],
    );
}

#[test]
fn parameters_are_values_and_not_text_of_the_query() {
    filters("correlation_id = $id", r#"correlation_id = "trade_12345""#);
    filters("price > $limit", "price > 1.50");
    filters("latency_us > $wait", "latency_us > 2000");
    filters(
        "ts >= $since ts < $day",
        "ts >= 1970-01-01T00:00:00.000000000Z and ts < 2026-01-02T00:00:00.000000000Z",
    );
    filters("drawdown_pct < $half", "drawdown_pct < 0.5");
    binds("| extend x = price * $limit", &["all", "extend x = (price * 1.50)"]);
    fails(
        "price > $lmit",
        ErrorKind::UnknownName,
        "$lmit",
        "no value is given for $lmit",
        "did you mean 'limit'?",
    );
    fails(
        "price > $nothing",
        ErrorKind::Type,
        "$nothing",
        "nothing compares with null",
        "to find rows without a field, write: missing field",
    );
    fails(
        "price > $id",
        ErrorKind::Type,
        "$id",
        "'price' is a number, and 'trade_12345' is text",
        "write a number",
    );
    fails(
        "seq = $since",
        ErrorKind::Type,
        "$since",
        "'seq' is a number, and '1970-01-01T00:00:00.000000000Z' is a word",
        "write a number",
    );
}

#[test]
fn stages_become_steps() {
    binds("| sort ts desc | limit 100 | head 5", &["all", "sort ts desc, first 100", "head 5"]);
    binds("| sort price, symbol desc | tail 3", &["all", "sort price, symbol desc", "tail 3"]);
    binds(
        "| extend notional = price * quantity, half = notional / 2 | fields half, symbol as s, {half + 1}",
        &[
            "all",
            "extend notional = (price * quantity), half = (notional / 2)",
            "fields half, s = symbol, expr = (half + 1)",
        ],
    );
    binds("| fields except message, tags", &["all", "fields except message, tags"]);
    binds("| top 10 symbol", &["all", "stats count = count() by symbol", "sort count desc, first 10"]);
    binds(
        "| top 3 hour(ts) by p99.9(latency_us) as worst",
        &["all", "stats worst = p99.9(latency_us) by hour_ts = hour(ts)", "sort worst desc, first 3"],
    );
    binds(
        "| stats count() as total, count(where status = filled) as filled, avg(slippage_bps), p99.90(latency_us), median(price), arg_max(price, symbol), rate() by bin(ts, 5m), level",
        &[
            "all",
            "stats total = count(), filled = count(where status = \"filled\"), avg_slippage_bps = avg(slippage_bps), \
             p99_9_latency_us = p99.9(latency_us), median_price = median(price), \
             arg_max_price_symbol = arg_max(price, symbol), rate = rate() by ts = bin(ts, 5m), level",
        ],
    );
    binds(
        "| stats avg(latency_us), avg(latency_us where price > 1) as dear by symbol | sort avg(latency_us) desc",
        &[
            "all",
            "stats avg_latency_us = avg(latency_us), dear = avg(latency_us where price > 1) by symbol",
            "sort avg_latency_us desc",
        ],
    );
    binds(
        "| stats avg(price) as mean | where avg(price) > 5",
        &["all", "stats mean = avg(price)", "where mean > 5"],
    );
    binds(
        "| stats count(), count(), count(price)",
        &["all", "stats count = count(), count_2 = count(), count_price = count(price)"],
    );
    binds("| sample 1% | sample 10", &["all", "sample 1%", "sample 10"]);
    binds("| distinct symbol, side | distinct", &["all", "distinct symbol, side", "distinct "]);
    binds("| histogram(latency_us, 1ms)", &["all", "histogram of latency_us by 1000"]);
    binds("| bin(latency_us, 1ms) as slot", &["all", "extend slot = bin(latency_us, 1000)"]);
    binds(
        "on 2026-01-02 | timeline 15m tz America/New_York by category",
        &[
            "ts >= 2026-01-02T00:00:00.000000000Z and ts < 2026-01-03T00:00:00.000000000Z",
            "stats count = count() by ts = bin(ts, 15m, America/New_York), category",
            "fill timeline of 15m in America/New_York",
        ],
    );
    binds(
        "last 1h | timeline",
        &[
            "ts >= 2026-01-02T14:00:00.000000000Z",
            "stats count = count() by ts = bin(ts, 15m)",
            "fill timeline of 15m in UTC",
        ],
    );
    binds(
        "since -1h until now | timeline",
        &[
            "ts >= 2026-01-02T14:00:00.000000000Z and ts < 2026-01-02T15:00:00.000000000Z",
            "stats count = count() by ts = bin(ts, 2m)",
            "fill timeline of 2m in UTC",
        ],
    );
    binds(
        "| prev price, ts as before by symbol | delta ts, price | where delta_ts > 5s",
        &[
            "all",
            "prev prev_price = price, before = ts by symbol",
            "delta delta_ts = ts, delta_price = price",
            "where delta_ts > 5s",
        ],
    );
    binds(
        "| sessions by strategy maxspan 5m maxpause 30s",
        &["all", "sessions by strategy maxspan 5m maxpause 30s"],
    );
    binds("symbol = AAPL | related", &["symbol = \"AAPL\"", "related correlation_id -> correlation_id"]);
    binds(
        "symbol = AAPL | related order_id -> correlation_id",
        &["symbol = \"AAPL\"", "related order_id -> correlation_id"],
    );
    binds(
        "level = error | context 5s 1m where level >= warn",
        &["level = error", "context 5s 1m where level >= warn by symbol"],
    );
    binds(
        "category = fill | asof (event = quote) by symbol within 5s | extend spread = asof.ask - asof.bid, age = ts - asof_ts",
        &[
            "category = \"fill\"",
            "asof (event = \"quote\") by symbol within 5s",
            "extend spread = (asof.ask - asof.bid), age = (ts - asof_ts)",
        ],
    );
    binds(
        "| join left (category = order | stats count() as orders by order_id) on correlation_id = order_id | where orders > 1",
        &[
            "all",
            "join left (category = \"order\" | stats orders = count() by order_id) on correlation_id = order_id",
            "where orders > 1",
        ],
    );
    binds(
        "last 1h | gaps | where count > 10",
        &["ts >= 2026-01-02T14:00:00.000000000Z", "gaps", "where count > 10"],
    );
}

#[test]
fn expressions_are_computed_as_far_as_they_are_constant() {
    let extend = |expr: &str, expected: &str| {
        binds(&format!("| extend x = {expr}"), &["all", &format!("extend x = {expected}")]);
    };
    extend("1 + 2 * 3", "7");
    extend("price * (1 + 5%)", "(price * 1.05)");
    extend("64kb", "64000");
    extend("-quantity", "-quantity");
    extend("ts - \"2026-01-02\"", "(ts - 2026-01-02T00:00:00.000000000Z)");
    extend("time_of_day(ts) - \"09:30\"", "(time_of_day(ts) - 9h30m)");
    extend("if(side = BUY, 1, -1)", "if(side = \"buy\", 1, -1)");
    extend("if({1} = 1, price, 0)", "price");
    extend("ROUND(price, 2)", "round(price, 2)");
    extend("coalesce(order_id, null)", "coalesce(order_id, null)");
    extend("extract(message, \"venue=(\\\\w+)\")", r#"extract(message, "venue=(\\w+)", 1)"#);
    extend("extract(message, \"a+\")", r#"extract(message, "a+", 0)"#);
    extend("upper(\"a\")", "\"A\"");
    extend("hour(ts, \"europe/london\")", "hour(ts, Europe/London)");
    extend("now()", "2026-01-02T15:00:00.000000000Z");
    extend("1 / 0", "null");
    extend("null + 1", "null");
    extend("concat(symbol, \"/\", side)", "concat(symbol, \"/\", side)");
}

#[test]
fn results_have_the_columns_that_their_stages_leave() {
    assert_eq!(columns("symbol = A"), None);
    assert_eq!(columns("| extend x = 1 | fields except message"), None);
    lists("| fields ts, price as p", &["ts", "p"]);
    lists("| fields price, round(price, 2), round(price, 3)", &["price", "round_price", "round_price_2"]);
    lists("| fields price as a | fields except a", &[]);
    lists("| stats count() by hour(ts), symbol", &["hour_ts", "symbol", "count"]);
    lists("| top 3 symbol by sum(quantity)", &["symbol", "sum_quantity"]);
    lists("| timeline by side", &["ts", "side", "count"]);
    lists("| histogram(price)", &["from", "to", "count"]);
    lists(
        "| sessions by symbol maxpause 1m",
        &["symbol", "start", "end", "duration", "count", "first_event", "last_event", "level"],
    );
    lists("| gaps", &["kind", "producer", "first", "last", "count", "after_ts", "before_ts"]);
    lists(
        "| stats count() by symbol | extend share = count / 10 | prev count",
        &["symbol", "count", "share", "prev_count"],
    );
    lists(
        "| stats count() by symbol | join (| stats max(price), count() by symbol) on symbol | where right.count > 1",
        &["symbol", "count", "max_price"],
    );
    lists("| distinct symbol", &["symbol"]);
    assert_eq!(columns("| stats count() by symbol | join (event = quote) on symbol"), None);
}

#[test]
fn only_rows_that_are_shown_whole_are_pictures() {
    for (text, expected) in [
        ("| timeline", Picture::Timeline),
        ("| timeline | tz Europe/London | explain", Picture::Timeline),
        ("| timeline | where count > 1", Picture::Table),
        ("| timeline | sort count | head 1", Picture::Table),
        ("| histogram(price)", Picture::Histogram),
        ("| stats count()", Picture::Table),
    ] {
        let (plan, _) = bound(text, &options()).unwrap();
        assert_eq!((plan.picture, plan.explain), (expected, text.ends_with("explain")), "{text}");
    }
}

#[test]
fn unknown_names_come_with_the_nearest() {
    use ErrorKind::UnknownName;
    fails(
        "latncy_us > 5",
        UnknownName,
        "latncy_us",
        "unknown field 'latncy_us'",
        "did you mean 'latency_us'?",
    );
    fails("ctegory = order", UnknownName, "ctegory", "unknown field 'ctegory'", "did you mean 'category'?");
    fails("| extend x = prce * 2", UnknownName, "prce", "unknown field 'prce'", "did you mean 'price'?");
    fails(
        "| stats count() as total by symbol | sort totl",
        UnknownName,
        "totl",
        "no column 'totl' here",
        "did you mean 'total'?",
    );
    fails(
        "| fields ts, symbol | where price > 1",
        UnknownName,
        "price",
        "no column 'price' here",
        "the columns are ts, symbol",
    );
    fails(
        "| fields except price | where price > 1",
        UnknownName,
        "price",
        "field 'price' was removed by 'fields except'",
        "",
    );
    fails(
        "| extend x = rond(price)",
        UnknownName,
        "rond",
        "unknown function 'rond'",
        "did you mean 'round'?",
    );
    fails(
        "| sort avg(price)",
        UnknownName,
        "avg",
        "no column 'avg_price' here",
        "put a stage before: | stats avg(...) by ...",
    );
    fails(
        "| tz New_York",
        UnknownName,
        "New_York",
        "unknown time zone 'New_York'",
        "did you mean 'America/New_York'?",
    );
    fails(
        "on today tz Europe/Lodnon",
        UnknownName,
        "Europe/Lodnon",
        "unknown time zone 'Europe/Lodnon'",
        "did you mean 'Europe/London'?",
    );
    fails(
        "| asof (event = quote) by symbol | extend x = asof.bidd",
        UnknownName,
        "asof.bidd",
        "the other query has no 'bidd'",
        "did you mean 'asof.bid'?",
    );
    fails(
        "| stats count() as n, max(ts) as n",
        UnknownName,
        "n",
        "two columns are called 'n'",
        "give one of them another name with `as`",
    );
    fails(
        "| stats count() by symbol | where timeout",
        UnknownName,
        "timeout",
        "there is no message here to look for words in",
        "compare a column with it: column = ..., or column contains \"...\"",
    );
    let lenient = QueryOptions { allow_unknown_fields: true, ..options() };
    binds_with("anything = 5", &lenient, &["anything = 5"]);
    assert!(bound("| stats count() | where anything = 5", &lenient).is_err());
}

#[test]
fn values_that_can_never_match_are_said_to_be_wrong() {
    use ErrorKind::Type;
    fails(
        "latency_us > fast",
        Type,
        "fast",
        "'latency_us' is a number, and 'fast' is a word",
        "write a number",
    );
    fails(
        "price > bid",
        Type,
        "bid",
        "'price' is a number, and 'bid' is a word",
        "to compare with the field 'bid', write {bid}",
    );
    fails(
        "price = \"100\"",
        Type,
        "\"100\"",
        "'price' is a number, and '100' is text",
        "write 100 without quotes",
    );
    fails(
        "quantity > 5ms",
        Type,
        "5ms",
        "'quantity' has no unit; write a number",
        "units are understood against names such as latency_us, size_kb, fee_bps",
    );
    fails(
        "latency_us > 5kb",
        Type,
        "5kb",
        "'latency_us' is a duration by its name, and '5kb' is not",
        "write a number",
    );
    fails("ok = yes", Type, "yes", "'ok' is a truth value, and 'yes' is a word", "write true or false");
    fails("level = wran", Type, "wran", "'wran' is not a level", "did you mean 'warn'?");
    fails(
        "level in (warn, loud)",
        Type,
        "loud",
        "'loud' is not a level",
        "trace, debug, info, warn, error, critical",
    );
    fails("ts > 2h", Type, "2h", "'2h' is not a point in time", "for that long ago, write -2h");
    fails("seq = first", Type, "first", "'seq' is a number, and 'first' is a word", "write a number");
    fails(
        "| stats count() | where count > many",
        Type,
        "many",
        "'count' is a number, and 'many' is a word",
        "write a number",
    );
    fails(
        "time_of_day(ts) > noon",
        Type,
        "noon",
        "this is a duration, and 'noon' is a word",
        "write a duration, such as 5s or 1h30m, or a time of day, such as 09:30",
    );
    fails("ts > {price}", Type, "{price}", "a time does not compare with the value of a field", "");
    // A field with text and numbers takes both.
    filters("code = abc or code = 5", "(code = \"abc\" or code = 5)");
}

#[test]
fn expressions_that_can_never_be_computed_are_said_to_be_wrong() {
    use ErrorKind::{Type, Value};
    fails(
        "| extend x = \"a\" + 1",
        Type,
        "\"a\"",
        "'+' does not take text",
        "to join text, write concat(a, b)",
    );
    fails(
        "| extend x = symbol * 2",
        Type,
        "symbol",
        "'*' does not take text",
        "to read a number from text, write to_number(x)",
    );
    fails("| extend x = ts + ts", Type, "ts + ts", "'+' does not take a time and a time", "");
    fails("| extend x = -level", Type, "level", "'-' does not take a level", "");
    fails(
        "| extend x = lower(5)",
        Type,
        "5",
        "'lower' takes text, a level or a category, not a number",
        "lower(s): The text in lower case.",
    );
    fails(
        "| extend x = abs(1, 2)",
        Type,
        "abs(1, 2)",
        "'abs' takes one value, not 2",
        "for example: extend size = abs(pnl)",
    );
    fails(
        "| extend x = round()",
        Type,
        "round()",
        "'round' takes 1 to 2 values, not 0",
        "for example: extend price = round(price, 2)",
    );
    fails(
        "| extend x = hour(ts, symbol)",
        Type,
        "symbol",
        "a time zone is written out",
        "write hour(ts, \"America/New_York\")",
    );
    fails(
        "| stats count() by bin(ts, 5)",
        Type,
        "5",
        "the width of these bins is a duration",
        "write a duration, such as 5m",
    );
    fails(
        "| bin(quantity, 5m)",
        Type,
        "5m",
        "the width of these bins is a number",
        "write a number; the field has no unit by its name",
    );
    fails("| bin(price, 0)", Value, "0", "the width of a bin must be above zero", "");
    fails(
        "| stats sum(symbol)",
        Type,
        "symbol",
        "'sum' takes a number or a duration, not text",
        "min, max, first, last, count and distinct take any value",
    );
    fails(
        "| stats p99(level)",
        Type,
        "level",
        "'p99' takes a number, a duration or a time, not a level",
        "min, max, first, last, count and distinct take any value",
    );
    fails(
        "| stats avg(ts)",
        Type,
        "ts",
        "'avg' takes a number or a duration, not a time",
        "min, max, first, last, count and distinct take any value",
    );
    fails("| delta symbol", Type, "symbol", "'delta' does not take text", "");
    fails("| extend x = pow(10, 99)", Value, "pow(10, 99)", "the result of 'pow' does not fit", "");
    fails(
        "| extend x = extract(message, symbol)",
        Type,
        "symbol",
        "the pattern of 'extract' is written out",
        "",
    );
    fails(
        "| extend x = extract(message, \"a\", 1)",
        Value,
        "1",
        "the pattern has 0 groups",
        "0 is all that the pattern matches",
    );
    fails(
        "symbol ~ \"(\"",
        Value,
        "\"(\"",
        "not a regular expression: unclosed group",
        "to find the text as it stands, write: contains \"...\"",
    );
    fails(
        "ts > 9999-01-01",
        Value,
        "9999-01-01",
        "9999-01-01 00:00:00 is outside 1677-09-21 to 2262-04-11",
        "",
    );
    fails(
        "on 14:30",
        Value,
        "14:30",
        "'14:30' is not a day",
        "write on 2026-01-02, on today or on yesterday; for other spans, since ... until ...",
    );
}

#[test]
fn stages_that_need_what_the_rows_lack_say_so() {
    use ErrorKind::{Limit, Type, UnknownName};
    let before = "put 'related' before the stages that summarise or pick fields";
    fails(
        "| fields symbol | related",
        Type,
        "related",
        "'related' needs events, and these rows are none",
        before,
    );
    fails(
        "| fields ts, seq, symbol | related",
        UnknownName,
        "related",
        "'related' needs 'correlation_id', which the rows do not have here",
        "keep 'correlation_id' in the rows, or name another field",
    );
    fails(
        "| stats count() by symbol | timeline",
        UnknownName,
        "timeline",
        "'timeline' needs 'ts', which the rows do not have here",
        "put 'timeline' before the stage that leaves 'ts' out",
    );
    let gaps = "write the time, then gaps, then other stages: last 1h | gaps | where count > 10";
    fails(
        "symbol = A last 1h | gaps",
        Type,
        "symbol = A",
        "'gaps' looks at all events of a time, whatever they are",
        gaps,
    );
    fails("| head 5 | gaps", Type, "gaps", "'gaps' looks at the whole database, so it comes first", gaps);
    fails(
        "| extend s = lower(symbol) | context 1s 1s by s",
        Type,
        "context 1s 1s by s",
        "'s' was computed, so other events lack it",
        "",
    );
    fails(
        "| asof (| stats count() by symbol) by symbol",
        Type,
        "(| stats count() by symbol)",
        "the rows of the other query are no events any more",
        "keep ts and seq among its fields, or use join",
    );
    fails(
        "| join (event = quote) on symbol = ts",
        Type,
        "ts",
        "'symbol' is the value of a field and 'ts' is a time, so they never agree",
        "",
    );
    fails(
        "since 2026-01-01 until 2026-01-03 | timeline 1ms",
        Limit,
        "timeline 1ms",
        "the timeline has more than 1000000 bins",
        "make the bins wider, or the time shorter",
    );
}

#[test]
fn only_the_fields_that_steps_read_are_asked_for() {
    let required = |text: &str| {
        let (plan, names) = bound(text, &options()).unwrap();
        let mut fields: Option<Vec<String>> = plan
            .required_fields(&names)
            .map(|slots| slots.iter().map(|slot| names.name(*slot).to_string()).collect());
        if let Some(fields) = &mut fields {
            fields.sort();
        }
        fields.map(|fields| fields.join(" "))
    };
    for (text, expected) in [
        ("symbol = A", None),
        ("symbol = A | head 5", None),
        ("symbol = A | stats count()", Some("")),
        ("| stats avg(price where side = buy) by symbol", Some("price side symbol")),
        ("| stats rate(quantity)", Some("quantity ts")),
        ("| stats rate(quantity) by bin(ts, 1m)", Some("quantity ts")),
        ("| where level = error | fields ts, message", Some("level message ts")),
        ("| extend x = price * 2, y = x + bid | fields y", Some("bid price")),
        ("| extend x = price * 2, y = x + bid | stats count() by symbol", Some("bid price symbol")),
        ("| fields except price | distinct symbol", Some("symbol")),
        ("| distinct", None),
        ("| distinct | stats count()", None),
        ("| sample 5 | fields symbol", Some("seq symbol")),
        ("| sort ts desc | limit 5 | fields symbol", Some("symbol ts")),
        ("| delta price by symbol | stats max(delta_price)", Some("price symbol")),
        ("| sessions by strategy maxspan 1m", Some("event level strategy ts")),
        (
            "| related order_id -> correlation_id | stats count() by symbol",
            Some("correlation_id order_id seq symbol ts"),
        ),
        ("| context 1s 1s where price > 1 | stats count() by matched", Some("matched price seq symbol ts")),
        ("| asof (event = quote) by symbol | stats avg(asof.bid), max(ask)", Some("ask seq symbol ts")),
        ("| histogram(latency_us)", Some("latency_us")),
        ("| timeline by category", Some("category ts")),
    ] {
        assert_eq!(required(text).as_deref(), expected, "{text}");
    }
    let (plan, names) = bound(
        "| asof (event = quote | extend mid = (bid + ask) / 2) by symbol | stats avg(asof.price), max(mid)",
        &options(),
    )
    .unwrap();
    let mut right: Vec<String> =
        plan.required_right(0, &names).unwrap().iter().map(|slot| names.name(*slot).to_string()).collect();
    right.sort();
    assert_eq!(right.join(" "), "ask bid price seq symbol ts");
}
