//! Texts that are queries.

use crate::syntax::parse;

/// What the desks run.
pub(super) const DESK_QUERIES: &[&str] = &[
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

#[test]
fn the_queries_of_the_desks_are_queries() {
    for text in DESK_QUERIES {
        let parsed = parse(text);
        assert!(parsed.is_ok(), "{text}: {parsed:?}");
    }
}
