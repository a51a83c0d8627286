//! What literals, times and parameters mean against a column.

use super::*;

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
