//! Stages as steps, their columns, and the fields they need.

use super::*;

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
    binds(
        "| stats p99(latency_us) as worst, avg(latency_us) by symbol | where p99(latency_us) > 1ms worst > 2ms avg_latency_us > 3ms",
        &[
            "all",
            "stats worst = p99(latency_us), avg_latency_us = avg(latency_us) by symbol",
            "where worst > 1000 and worst > 2000 and avg_latency_us > 3000",
        ],
    );
    binds(
        "| fields latency_us as l | prev l as p | where p > 1ms",
        &["all", "fields l = latency_us", "prev p = l", "where p > 1000"],
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
fn lives_are_read_once_where_all_orders_are_meant() {
    let lives = |text: &str, expected: &str| {
        let (plan, names) = bound(text, &options()).unwrap();
        let steps = plan.describe(&names);
        let found = steps.iter().filter(|step| step.starts_with("lifecycle") || step.starts_with("sort"));
        assert_eq!(found.map(String::as_str).collect::<Vec<_>>().join(", "), expected, "{text}");
    };
    for text in [
        "| lifecycle",
        "category in (order, fill) | lifecycle",
        "| stats count() | join (| lifecycle) on count = events",
    ] {
        let expected = if text.starts_with("| stats") { "" } else { "lifecycle of all orders" };
        lives(text, expected);
    }
    let by_id = "lifecycle of orders by order_id";
    lives("category = order | lifecycle", by_id);
    lives("price > 5 | lifecycle", by_id);
    lives("| head 5 | lifecycle", by_id);
    lives("| stats count() by order_id | lifecycle", by_id);
    lives("| lifecycle of rows", "lifecycle of rows");
    lives("| head 5 | lifecycle of rows", "lifecycle of rows");
    lives("| sort price | lifecycle of rows", "sort price, sort ts, seq, lifecycle of rows");
    lives("| sample 5 | lifecycle of rows", "sort ts, seq, lifecycle of rows");
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
    lists("| lifecycle | fields order_id, status", &["order_id", "status"]);
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
fn what_the_desks_run_is_bound() {
    for text in queries::DESK_QUERIES {
        let (plan, names) = bound(text, &options()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let stages = parse(text).unwrap().stages.len();
        // A limit becomes part of the sort before it; top and timeline are two steps.
        assert!(plan.steps.len().abs_diff(stages) <= 1, "{text}: {:?}", plan.describe(&names));
    }
    for signature in SIGNATURES.iter().filter(|signature| !signature.example.contains("delta_ts")) {
        let text = format!("| {}", signature.example);
        if let Err(error) = bound(&text, &lenient()) {
            panic!("the example of {}: {text}: {error}", signature.name);
        }
    }
}

#[test]
fn rates_know_the_width_of_the_bins_of_time() {
    for (text, expected) in [
        ("| stats rate() by bin(ts, 5m)", Some(300.0)),
        ("| stats rate() by symbol, bin(ts, 1.5s) as second", Some(1.5)),
        ("| bin(ts, 5m) as slot | stats rate() by slot", Some(300.0)),
        ("| bin(ts, 5m) | fields ts | stats rate() by ts", Some(300.0)),
        ("| stats rate() by ts", None),
        ("| stats rate() by bin(price, 5)", None),
    ] {
        let (plan, _) = bound(text, &options()).unwrap();
        let Some(Step::Stats(stats)) = plan.steps.last() else { panic!("{text} ends with stats") };
        assert_eq!(stats.bin_seconds, expected, "{text}");
    }
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
    assert_eq!(right.join(" "), "mid price seq symbol ts");
}
