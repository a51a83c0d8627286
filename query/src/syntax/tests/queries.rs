//! Texts that are queries, and how their trees are printed.

use crate::syntax::ast::{ExprKind, FilterKind, LiteralKind, Stage};
use crate::syntax::{names, parse};

/// What the desks run.
pub(crate) const DESK_QUERIES: &[&str] = &[
    "correlation_id = trade_12345 | sort ts",
    "symbol = AAPL category = order | related order_id -> correlation_id",
    "category = performance last 1d | stats avg(execution_time_ms), p99(execution_time_ms) by service",
    "strategy = momentum status = filled on 2026-01-02 | sort ts desc | limit 100",
    "on 2026-01-02 category in (order, fill) | stats count() as total, count(where status = filled) as filled, \
     count(where status = rejected) as rejected, avg(slippage_bps), sum(commission)",
    "category = risk last 24h | stats count(), first(ts), last(ts) by event, level, strategy | sort count desc",
    "level >= error last 5m | top 10 message",
    "category = fill | asof (event = quote) by symbol within 5s \
     | extend improvement_bps = (bid - fill_price) / bid * 10000 | stats avg(improvement_bps) by strategy",
    "timeout not level = debug | timeline 1m by category",
];

/// Queries as they are written.
pub(super) const VALID: &[&str] = &[
    "symbol = AAPL",
    "timeout \"order book\" -15m 12345 5% 12:30 a/b x = x:y",
    "symbol = AAPL or symbol = MSFT and not (side = BUY or side = SELL)",
    "not not exists status",
    "price between 100 and 200 quantity not in (1, 2.5, $n) symbol in (AAPL, \"BRK B\")",
    "message ~ \"time.*out\\d+\" message !~ out event like \"order_*\" message contains 'it\\'s'",
    "fill_price > {bid * 1.01} lower(symbol) = aapl {price * quantity} > 10_000",
    "level >= warn latency_us > 1ms memory_b < 2MiB slippage_bps > 5bps ratio < 5%",
    "since 2026-01-02T09:30 tz America/New_York until now",
    "since \"2026-01-02 09:30\" on yesterday tz \"UTC\"",
    "on \"IN\" until \"last\" tz \"\" since \"5\"",
    "time_of_day(ts) between 09:30 and 16:00",
    "`my field` = 3 `last` > 5 last > 5 last(price) > 5",
    "a==b c<>d e<=f",
    "  a = b  # a comment\n# another\n | head 1_000 # the last",
    "a = b \\\n | sort ts",
    "",
    "| gaps",
    "| lifecycle",
    "a | lifecycle of rows | stats count() by status",
    "a | LIFECYCLE OF ROWS",
    "| stats count()",
    "a | where b = c d",
    "a | fields ts, price as p, {price * 2} as twice, price * 3 as thrice",
    "a | fields except message, `by`",
    "a | extend x = -(price + 1) * 2 % 3, y = if(x > 1, x, null), z = coalesce(a, \"none\")",
    "a | extend w = bin(ts, 5m, \"America/New_York\"), v = 10%3, u = 10% * 3, t = 1h30m / 2",
    "a | sort -price, ts desc, avg(latency_us) asc",
    "a | head 1 | limit 2 | tail 3 | distinct | distinct symbol, hour(ts) as h",
    "a | top 5 symbol | top 5 symbol as s by sum(quantity) as q",
    "a | sample 10 | sample 1.5%",
    "a | stats count(), count(x), count(where a = b), sum(q where side = BUY) as bought, p99.9(x), median(x), arg_max(a, b), rate() by symbol, bin(ts, 5m) as t",
    "a | bin(ts, 5m) | bin(price, 0.5) as p",
    "a | histogram(price) | histogram(latency_us, 10ms)",
    "a | timeline | timeline 5m tz Europe/London by symbol as s",
    "a | prev price, quantity as q by symbol | next ts | delta ts by symbol, side",
    "a | sessions by correlation_id, symbol as s maxspan 5m maxpause 30s",
    "a | related | related order_id | related order_id -> correlation_id",
    "a | context 5s 10s | context 5s 5s where level >= warn or timeout by strategy",
    "a | asof (event = quote | fields ts, symbol, bid) by symbol, venue within 5s",
    "a | join (category = order) on order_id | join left (b) on a = c, d",
    "a | asof () by symbol | join (| head 1) on a",
    "a | tz America/New_York | explain",
    "A AND B OR NOT C | SORT ts DESC | STATS COUNT() BY symbol | EXPLAIN",
    "a | stats avg(asof.bid) by right.symbol",
    "order select group limit head sort",
    "select and (a or b) and sort and ts",
    "a | context 1s 1s where (sort) by ts",
    "a | context 1s 1s where (select) by from",
];

#[test]
fn the_queries_of_the_desks_are_queries() {
    for text in DESK_QUERIES {
        let parsed = parse(text);
        assert!(parsed.is_ok(), "{text}: {parsed:?}");
    }
}

#[test]
fn what_is_written_is_parsed_and_printed_again() {
    for text in VALID.iter().chain(DESK_QUERIES) {
        let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let printed = query.to_string();
        assert_eq!(parse(&printed).as_ref().ok(), Some(&query), "{text}\n{printed}");
    }
}

#[test]
fn a_tree_is_printed_with_what_it_needs_and_no_more() {
    let check = |text: &str, printed: &str| {
        let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(false)));
        assert_eq!(query.to_string(), printed, "{text}");
    };
    check("a b  c", "a and b and c");
    check("(a and (b or c)) or ((d))", "a and (b or c) or d");
    check("(a b) c (d (e))", "a and b and c and d and e");
    check("(a or b) or c", "a or b or c");
    check("not (a) not (a b)", "not a and not (a and b)");
    check("symbol = 'AAPL'", "symbol = \"AAPL\"");
    check(
        "message ~ 'x' message like \"a*\" message contains 'a b'",
        "message ~ x and message like a* and message contains \"a b\"",
    );
    check("`symbol` = 1 `by` = 2 `my-field` = 3", "symbol = 1 and `by` = 2 and `my-field` = 3");
    check("a = {b} c = {5} d = {(e + 1)} f = {null}", "a = {b} and c = 5 and d = {e + 1} and f = {null}");
    check("| extend x = ((a + b)) + (c * d) - (e - f)", "| extend x = a + b + c * d - (e - f)");
    check(
        "| extend x = (a + b) * c / (d * e), y = -(a + b), z = - -a",
        "| extend x = (a + b) * c / (d * e), y = -(a + b), z = --a",
    );
    check("a | LIMIT 5 | SORT ts ASC", "a | head 5 | sort ts");
    check("a | stats P99.90(x), median(x)", "a | stats p99.9(x), median(x)");
    check("a | join (b) on c = c", "a | join (b) on c");
    check("since \"2026-01-02\" tz 'UTC'", "since 2026-01-02 tz UTC");
    check("\"a\\u{1b}\\n\\d\"", "\"a\\u{1b}\\n\\\\d\"");
}

#[test]
fn a_bare_value_is_what_it_can_mean() {
    use LiteralKind as K;
    let decimal = |text: &str| text.parse().expect("a decimal");
    let check = |text: &str, expected: K| {
        let query = parse(&format!("x = {text}")).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let Some(FilterKind::Compare { right, .. }) = query.filter.map(|filter| filter.node) else {
            panic!("{text} is a value")
        };
        let ExprKind::Literal(literal) = right.node else { panic!("{text} is a literal") };
        assert_eq!((literal.text.as_str(), literal.kind), (text, expected));
    };
    check("100", K::Number(decimal("100")));
    check("1.50", K::Number(decimal("1.50")));
    check("-3", K::Number(decimal("-3")));
    check("100_000", K::Number(decimal("100000")));
    check("1e-7", K::Number(decimal("0.0000001")));
    check("1.5e3", K::Number(decimal("1500")));
    check("79228162514264337593543950335", K::Number(decimal("79228162514264337593543950335")));
    check("79228162514264337593543950336", K::Word);
    check("0.00000000000000000000000000001", K::Word);
    check("1e28", K::Number(decimal("10000000000000000000000000000")));
    check("1e29", K::Word);
    check("1e99999999999", K::Word);
    check("1__0", K::Word);
    check("5.", K::Word);
    check("true", K::Bool(true));
    check("FALSE", K::Bool(false));
    check("True", K::Word);
    check("1ms", K::Duration(1_000_000));
    check("-2h", K::Duration(-7_200_000_000_000));
    check("1h30m", K::Duration(5_400_000_000_000));
    check("1.5us", K::Duration(1_500));
    check("2µs", K::Duration(2_000));
    check("1.5ns", K::Word);
    check("1d", K::Duration(86_400_000_000_000));
    check("300000w", K::Word);
    check("64kb", K::Size(decimal("64000")));
    check("2MiB", K::Size(decimal("2097152")));
    check("1.5KB", K::Size(decimal("1500")));
    check("5%", K::Percent(decimal("5")));
    check("2.5bps", K::BasisPoints(decimal("2.5")));
    check("2026-01-02", K::Word);
    check("09:30", K::Word);
    check("trade_12345", K::Word);
    check("5x", K::Word);
}

#[test]
fn columns_have_names_without_as() {
    let check = |column: &str, expected: &str| {
        let query =
            parse(&format!("| fields {column}")).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let Stage::Fields(columns) = &query.stages[0].node else { panic!("fields") };
        assert_eq!(names::of_named(&columns[0]), expected, "{column}");
    };
    check("price", "price");
    check("price as p", "p");
    check("bin(ts, 5m)", "ts");
    check("hour(ts)", "hour_ts");
    check("hour(ts, \"UTC\")", "hour_ts");
    check("price * 2", "expr");
    check("round(price * 2, 3)", "round_expr");
    check("if(a, b, c)", "if");
    check("avg(latency_us)", "avg_latency_us");
    check("COUNT()", "count");
    check("P99.90(x)", "p99_9_x");
    check("arg_max(a, b)", "arg_max_a_b");
    let check = |aggregate: &str, expected: &str| {
        let query =
            parse(&format!("| stats {aggregate}")).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let Stage::Stats { aggregates, .. } = &query.stages[0].node else { panic!("stats") };
        assert_eq!(names::of_aggregate(&aggregates[0]), expected, "{aggregate}");
    };
    check("count()", "count");
    check("count(where a = b)", "count");
    check("count(x)", "count_x");
    check("p99.9(x)", "p99_9_x");
    check("median(x)", "median_x");
    check("p50(x)", "p50_x");
    check("arg_min(a, b) as c", "c");
    check("sum(a * b)", "sum_expr");
    check("max(bin(ts, 5m))", "max_ts");
    let taken = ["count", "count_2"];
    assert_eq!(names::free("count".to_owned(), |name| taken.contains(&name)), "count_3");
}

#[test]
fn the_functions_that_are_offered_are_those_that_are_bound() {
    let mut offered: Vec<&str> = crate::syntax::words::names(crate::syntax::words::FUNCTIONS).collect();
    offered.sort_unstable();
    assert_eq!(offered, crate::plan::functions::names().collect::<Vec<_>>());
}
