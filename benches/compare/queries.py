#!/usr/bin/env python3
"""The same questions to blotter and to DuckDB, over the same file of events: are the answers equal, and how long do
they take?

    python3 -m venv venv && venv/bin/pip install duckdb
    venv/bin/python benches/compare/queries.py AMZN.jsonl --blotter target/release/blotter [--random 200]

The file holds events as JSON lines, as `blotter import` takes them. It is loaded into a table of DuckDB, prices as exact
decimals, and imported into a database of blotter in a temporary directory (or taken from `--database`). Each question is
asked of both; rows must be equal, in order, exact numbers exactly and floats within 1e-9. Random questions are made as
one tree and written in both languages; a seed replays them. Times are medians of `--runs` runs, both warm: DuckDB's of
execute and fetch in this process, blotter's as `--timer` says, without the start of the process.

Exit status: 0 if all answers are equal, 1 if not.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from decimal import Decimal

LOAD = """
CREATE TABLE events AS
SELECT
    make_timestamp_ns(epoch_ns(CAST(timestamp AS TIMESTAMP_NS))) AS ts,
    row_number() OVER () - 1 AS seq,
    lower(category) AS category,
    CASE lower(level) WHEN 'warning' THEN 'warn' ELSE lower(level) END AS level,
    strategy, event_type AS event, symbol, message, order_id, correlation_id,
    unnest(data)
FROM read_json(?, format = 'newline_delimited', columns = {
    timestamp: 'VARCHAR', category: 'VARCHAR', level: 'VARCHAR', strategy: 'VARCHAR', event_type: 'VARCHAR',
    symbol: 'VARCHAR', message: 'VARCHAR', order_id: 'VARCHAR', correlation_id: 'VARCHAR',
    data: 'STRUCT(price DECIMAL(18,6), quantity BIGINT, side VARCHAR, bid DECIMAL(18,6), ask DECIMAL(18,6),
        bid_size BIGINT, ask_size BIGINT, status VARCHAR, order_type VARCHAR, latency_us BIGINT,
        fill_price DECIMAL(18,6), fill_quantity BIGINT, commission DECIMAL(18,6), slippage_bps DECIMAL(18,6),
        lifecycle_ms DECIMAL(18,6), duration_ms DECIMAL(18,6), score DECIMAL(18,6), "value" BIGINT,
        segment VARCHAR, heat_percent BIGINT, response_time_ms BIGINT, endpoint VARCHAR, final_status VARCHAR,
        total_events BIGINT, "action" VARCHAR, quantity_after BIGINT, realized_pnl DECIMAL(18,6),
        error_message VARCHAR, retry_count BIGINT, cpu_usage_percent DECIMAL(18,6))'
})
"""

# Severity as a number, and (ts, seq) as one, which an ASOF join can compare.
VIEW = """
CREATE TABLE e AS
SELECT *, list_position(['trace', 'debug', 'info', 'warn', 'error', 'critical'], level) AS severity,
       CAST(epoch_ns(ts) AS HUGEINT) * 1000000000 + seq AS place
FROM events ORDER BY ts, seq
"""

EVENT_NS = "epoch_ns(ts) AS ts"


def pairs(facts):
    """Name, query, SQL. Columns are compared by name; times come as nanoseconds."""
    day, trade, order, strategy = facts["day"], facts["trade"], facts["order"], facts["strategy"]
    start = facts["start"]
    return [
        # What the desks ask.
        ("a trade", f"correlation_id = {trade} | sort ts | fields ts, seq, event, category, level",
         f"SELECT {EVENT_NS}, seq, event, category, level FROM e WHERE correlation_id = '{trade}' ORDER BY ts, seq"),
        ("related orders", f"order_id = {order} | related | fields seq, event",
         f"""SELECT seq, event FROM e WHERE order_id = '{order}'
             OR correlation_id IN (SELECT correlation_id FROM e WHERE order_id = '{order}') ORDER BY ts, seq"""),
        ("latency by segment", "category = performance | stats avg(value), p99(value) by segment",
         """SELECT segment, avg("value") AS avg_value, quantile_disc("value", 0.99) AS p99_value
            FROM e WHERE category = 'performance' GROUP BY segment ORDER BY segment"""),
        ("latest filled", f"strategy = {strategy} status = filled on {day} | sort ts desc | limit 100 | fields seq, order_id",
         f"""SELECT seq, order_id FROM e WHERE strategy = '{strategy}' AND lower(status) = 'filled'
             ORDER BY ts DESC, seq LIMIT 100"""),
        ("the day's orders",
         f"on {day} category in (order, fill) | stats count() as total, count(where status = filled) as filled, "
         "count(where status = rejected) as rejected, avg(slippage_bps), sum(commission)",
         """SELECT count(*) AS total, count(*) FILTER (status = 'filled') AS filled,
            count(*) FILTER (status = 'rejected') AS rejected, avg(slippage_bps) AS avg_slippage_bps,
            sum(commission) AS sum_commission FROM e WHERE category IN ('order', 'fill')"""),
        ("risks", "category = risk | stats count(), first(ts), last(ts) by event, level, strategy | sort count desc",
         """SELECT event, level, strategy, count(*) AS count, epoch_ns(min(ts)) AS first_ts, epoch_ns(max(ts)) AS last_ts
            FROM e WHERE category = 'risk' GROUP BY ALL ORDER BY count DESC, event, level, strategy"""),
        ("top errors", "level >= error | top 10 message",
         """SELECT message, count(*) AS count FROM e WHERE severity >= 5 GROUP BY message
            ORDER BY count DESC, message LIMIT 10"""),
        ("improvement",
         "category = fill | asof (event = quote) by symbol within 5s "
         "| extend improvement_bps = (bid - fill_price) / bid * 10000 | stats avg(improvement_bps), count(improvement_bps) by strategy",
         """SELECT f.strategy, avg(CASE WHEN epoch_ns(f.ts) - epoch_ns(q.ts) <= 5000000000
                THEN (q.bid - f.fill_price)::DOUBLE / q.bid::DOUBLE * 10000 END) AS avg_improvement_bps,
            count(CASE WHEN epoch_ns(f.ts) - epoch_ns(q.ts) <= 5000000000 THEN 1 END) AS count_improvement_bps
            FROM (SELECT * FROM e WHERE category = 'fill') f
            ASOF LEFT JOIN (SELECT * FROM e WHERE event = 'quote') q ON f.symbol = q.symbol AND f.place > q.place
            GROUP BY f.strategy ORDER BY f.strategy"""),
        ("rejections by the minute", "rejected not level = debug | timeline 1m by category | where count > 0",
         r"""SELECT epoch_ns(time_bucket(INTERVAL 1 minute, ts::TIMESTAMP)) AS ts, category, count(*) AS count FROM e
            WHERE regexp_matches(message, '(^|[^\pL\pN_])rejected([^\pL\pN_]|$)', 'i') AND level <> 'debug'
            GROUP BY ALL ORDER BY ts, category"""),
        # Counts and groups.
        ("count", "| stats count()", "SELECT count(*) AS count FROM e"),
        ("by category", "| stats count() by category",
         "SELECT category, count(*) AS count FROM e GROUP BY category ORDER BY category"),
        ("by category and level", "| stats count() by category, level",
         "SELECT category, level, count(*) AS count FROM e GROUP BY category, level, severity ORDER BY category, severity"),
        ("by event, side", "| stats count(), sum(quantity) by event, side",
         "SELECT event, side, count(*) AS count, sum(quantity) AS sum_quantity FROM e GROUP BY ALL ORDER BY event, side NULLS LAST"),
        ("latency of orders", "exists latency_us | stats count(), avg(latency_us), p50(latency_us), p90(latency_us), "
         "p99(latency_us), p99.9(latency_us), max(latency_us) by event",
         """SELECT event, count(*) AS count, avg(latency_us) AS avg_latency_us,
            quantile_disc(latency_us, 0.5) AS p50_latency_us, quantile_disc(latency_us, 0.9) AS p90_latency_us,
            quantile_disc(latency_us, 0.99) AS p99_latency_us, quantile_disc(latency_us, 0.999) AS p99_9_latency_us,
            max(latency_us) AS max_latency_us FROM e WHERE latency_us IS NOT NULL GROUP BY event ORDER BY event"""),
        ("spread of latency", "| stats stddev(latency_us), min(latency_us), max(latency_us), median(latency_us)",
         """SELECT stddev_samp(latency_us) AS stddev_latency_us, min(latency_us) AS min_latency_us,
            max(latency_us) AS max_latency_us, quantile_disc(latency_us, 0.5) AS median_latency_us FROM e"""),
        ("percentiles of decimals", "category = fill | stats p25(fill_price), p75(fill_price), p99(slippage_bps) by strategy",
         """SELECT strategy, quantile_disc(fill_price, 0.25) AS p25_fill_price, quantile_disc(fill_price, 0.75) AS p75_fill_price,
            quantile_disc(slippage_bps, 0.99) AS p99_slippage_bps FROM e WHERE category = 'fill' GROUP BY ALL ORDER BY strategy"""),
        ("notional", "category = fill | stats sum(fill_price * fill_quantity) as notional, sum(fill_quantity) as shares, "
         "sum(commission) as paid by strategy, side",
         """SELECT strategy, side, sum(fill_price * fill_quantity) AS notional, sum(fill_quantity) AS shares,
            sum(commission) AS paid FROM e WHERE category = 'fill' GROUP BY ALL ORDER BY strategy, side NULLS LAST"""),
        ("distinct", "category = order | stats distinct(order_id), distinct(correlation_id), distinct(price) by strategy",
         """SELECT strategy, count(DISTINCT order_id) AS distinct_order_id, count(DISTINCT correlation_id) AS distinct_correlation_id,
            count(DISTINCT price) AS distinct_price FROM e WHERE category = 'order' GROUP BY ALL ORDER BY strategy"""),
        ("first and last", "category = order | stats first(status), last(status), first(seq), last(price) by strategy",
         """SELECT strategy, arg_min(status, place) FILTER (status IS NOT NULL) AS first_status,
            arg_max(status, place) FILTER (status IS NOT NULL) AS last_status, min_by(seq, place) AS first_seq,
            arg_max(price, place) FILTER (price IS NOT NULL) AS last_price
            FROM e WHERE category = 'order' GROUP BY ALL ORDER BY strategy"""),
        ("extremes with rows", "category = fill | stats arg_max(fill_quantity, seq) as largest, arg_min(slippage_bps, seq) as best by strategy",
         """SELECT strategy, (arg_max(seq, (fill_quantity, -place))) AS largest, arg_min(seq, (slippage_bps, place)) AS best
            FROM e WHERE category = 'fill' GROUP BY ALL ORDER BY strategy"""),
        ("conditional sums", "| stats sum(quantity where side = buy) as bought, sum(quantity where side = sell) as sold, "
         "count(where level >= warn) as bad by category",
         """SELECT category, sum(quantity) FILTER (upper(side) = 'BUY') AS bought, sum(quantity) FILTER (upper(side) = 'SELL') AS sold,
            count(*) FILTER (severity >= 4) AS bad FROM e GROUP BY category ORDER BY category"""),
        ("top strategies by commission", "category = fill | top 3 strategy by sum(commission) as paid",
         """SELECT strategy, sum(commission) AS paid FROM e WHERE category = 'fill' GROUP BY strategy
            ORDER BY paid DESC, strategy LIMIT 3"""),
        ("top messages", "| top 20 message",
         "SELECT message, count(*) AS count FROM e GROUP BY message ORDER BY count DESC, message NULLS LAST LIMIT 20"),
        # Bins of time.
        ("by minute", "| stats count(), avg(latency_us) by bin(ts, 1m)",
         """SELECT epoch_ns(ts) // 60000000000 * 60000000000 AS ts, count(*) AS count, avg(latency_us) AS avg_latency_us
            FROM e GROUP BY ALL ORDER BY ts"""),
        ("by 5 minutes and category", "| stats count() by bin(ts, 5m), category",
         """SELECT epoch_ns(ts) // 300000000000 * 300000000000 AS ts, category, count(*) AS count FROM e GROUP BY ALL ORDER BY ALL"""),
        ("by hour in New York", "| tz America/New_York | stats count() by hour(ts)",
         """SELECT hour(ts::TIMESTAMP AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York') AS hour_ts, count(*) AS count
            FROM e GROUP BY ALL ORDER BY hour_ts"""),
        ("days of New York", "| stats count() by bin(ts, 1d, \"America/New_York\")",
         """SELECT epoch_ns(date_trunc('day', ts::TIMESTAMP AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')
                AT TIME ZONE 'America/New_York') AS ts, count(*) AS count FROM e GROUP BY ALL ORDER BY ts"""),
        ("a timeline without holes", "category = error | timeline 10s",
         """WITH bins AS (SELECT epoch_ns(ts) // 10000000000 * 10000000000 AS b FROM e WHERE category = 'error')
            SELECT g.b AS ts, count(bins.b) AS count FROM
            (SELECT unnest(generate_series((SELECT min(b) FROM bins), (SELECT max(b) FROM bins), 10000000000)) AS b) g
            LEFT JOIN bins USING (b) GROUP BY g.b ORDER BY g.b"""),
        ("open minutes", 'time_of_day(ts, "America/New_York") between 09:30 and 09:35 | stats count() by event',
         """SELECT event, count(*) AS count FROM e
            WHERE (ts::TIMESTAMP AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::TIME BETWEEN '09:30' AND '09:35:00'
            AND epoch_ns(ts) - epoch_ns(date_trunc('day', ts::TIMESTAMP)) <= 48900000000000
            GROUP BY event ORDER BY event"""),
        ("between times", f"ts >= {start} ts < {facts['later']} | stats count(), min(seq), max(seq)",
         f"""SELECT count(*) AS count, min(seq) AS min_seq, max(seq) AS max_seq FROM e
            WHERE ts >= TIMESTAMP_NS '{facts['start_sql']}' AND ts < TIMESTAMP_NS '{facts['later_sql']}'"""),
        # Conditions.
        ("a word", "exceeded | stats count() by category, level",
         r"""SELECT category, level, count(*) AS count FROM e
            WHERE regexp_matches(message, '(^|[^\pL\pN_])exceeded([^\pL\pN_]|$)', 'i')
            GROUP BY category, level, severity ORDER BY category, severity"""),
        ("a pattern", 'order_id like "*7" | stats count() by event',
         "SELECT event, count(*) AS count FROM e WHERE order_id LIKE '%7' GROUP BY event ORDER BY event"),
        ("a regular expression", 'message ~ "^trade AMZN [0-9]{3,} " | stats count(), sum(quantity) by side',
         """SELECT side, count(*) AS count, sum(quantity) AS sum_quantity FROM e
            WHERE regexp_matches(message, '^trade AMZN [0-9]{3,} ') GROUP BY side ORDER BY side"""),
        ("not", "not status = filled | stats count()",
         "SELECT count(*) AS count FROM e WHERE NOT coalesce(lower(status) = 'filled', false)"),
        ("not equal", "status != filled | stats count() by status",
         "SELECT status, count(*) AS count FROM e WHERE status <> 'filled' GROUP BY status ORDER BY status"),
        ("missing", "missing order_id category != audit | stats count() by category",
         "SELECT category, count(*) AS count FROM e WHERE order_id IS NULL AND category <> 'audit' GROUP BY ALL ORDER BY category"),
        ("two columns", "category = market_data ask > {bid + 0.05} | stats count(), max({ask - bid}) as widest",
         "SELECT count(*) AS count, max(ask - bid) AS widest FROM e WHERE category = 'market_data' AND ask > bid + 0.05"),
        ("units", "latency_us > 50us | stats count() by event",
         "SELECT event, count(*) AS count FROM e WHERE latency_us > 50 GROUP BY event ORDER BY event"),
        # Rows.
        ("orders by price", "category = order price > 224 | sort price desc, seq | head 50 | fields seq, price, quantity",
         """SELECT seq, price, quantity FROM e WHERE category = 'order' AND price > 224 ORDER BY price DESC, seq LIMIT 50"""),
        ("the last rows", "category = fill | tail 20 | fields seq, fill_price",
         """SELECT seq, fill_price FROM (SELECT ts, seq, fill_price FROM e WHERE category = 'fill' ORDER BY ts DESC, seq DESC LIMIT 20)
            ORDER BY ts, seq"""),
        ("combinations", "category = order | distinct event, status, side | sort event, status, side",
         """SELECT DISTINCT event, status, side FROM e WHERE category = 'order'
            ORDER BY event, status NULLS LAST, side NULLS LAST"""),
        ("first of combinations", "| distinct category, event",
         "SELECT category, event FROM e GROUP BY ALL ORDER BY min(place)"),
        ("computed", "category = fill | extend notional = fill_price * fill_quantity, cost_bps = round(commission / (fill_price * fill_quantity) * 10000, 3) "
         "| sort notional desc, seq | head 25 | fields seq, notional, cost_bps",
         """SELECT seq, fill_price * fill_quantity AS notional,
            round(commission::DOUBLE / (fill_price * fill_quantity)::DOUBLE * 10000, 3) AS cost_bps
            FROM e WHERE category = 'fill' ORDER BY notional DESC, seq LIMIT 25"""),
        ("choices", "category = market_data | stats sum(if(side = sell, -quantity, quantity)) as net, count(side) as trades",
         """SELECT sum(CASE WHEN side = 'SELL' THEN -quantity ELSE quantity END) AS net, count(side) AS trades
            FROM e WHERE category = 'market_data'"""),
        ("text", 'category = error | extend first = upper(split(message, " ", 1)), n = length(message) | stats count(), max(n) by first',
         """SELECT upper(split_part(message, ' ', 1)) AS first, count(*) AS count, max(length(message)) AS max_n
            FROM e WHERE category = 'error' GROUP BY ALL ORDER BY first"""),
        # Neighbours.
        ("previous bid", "event = quote | prev bid | where bid > {prev_bid} | stats count() as rises, max({bid - prev_bid}) as largest",
         """SELECT count(*) AS rises, max(bid - p) AS largest FROM
            (SELECT bid, lag(bid) OVER (ORDER BY ts, seq) AS p FROM e WHERE event = 'quote') WHERE bid > p"""),
        ("waits of orders", "category = order | delta ts by order_id | stats count(delta_ts) as n, max(nanos(delta_ts)) as longest, "
         "p50(nanos(delta_ts)) as usual by event",
         """SELECT event, count(d) AS n, max(d) AS longest, quantile_disc(d, 0.5) AS usual FROM
            (SELECT event, epoch_ns(ts) - lag(epoch_ns(ts)) OVER (PARTITION BY order_id ORDER BY ts, seq) AS d
             FROM e WHERE category = 'order') GROUP BY event ORDER BY event"""),
        ("next state", "category = order | next status by order_id | stats count() by status, next_status",
         """SELECT status, next_status, count(*) AS count FROM
            (SELECT status, lead(status) OVER (PARTITION BY order_id ORDER BY ts, seq) AS next_status FROM e WHERE category = 'order')
            GROUP BY ALL ORDER BY status NULLS LAST, next_status NULLS LAST"""),
        ("bursts of fills", "category = fill | sessions by strategy maxpause 1s | stats count(), max(count) as longest by strategy",
         """WITH f AS (SELECT strategy, ts, seq, epoch_ns(ts) - lag(epoch_ns(ts)) OVER (PARTITION BY strategy ORDER BY ts, seq) AS pause
                FROM e WHERE category = 'fill'),
            s AS (SELECT strategy, sum(CASE WHEN pause IS NULL OR pause > 1000000000 THEN 1 ELSE 0 END)
                OVER (PARTITION BY strategy ORDER BY ts, seq) AS n FROM f),
            c AS (SELECT strategy, n, count(*) AS count FROM s GROUP BY ALL)
            SELECT strategy, count(*) AS count, max(count) AS longest FROM c GROUP BY strategy ORDER BY strategy"""),
        ("how long orders live", "exists order_id | sessions by order_id maxspan 1d | stats count(), p90(nanos(duration)) as p90, max(count) as most by last_event",
         """WITH o AS (SELECT order_id, max(epoch_ns(ts)) - min(epoch_ns(ts)) AS d, count(*) AS n, arg_max(event, place) AS last_event
                FROM e WHERE order_id IS NOT NULL GROUP BY order_id)
            SELECT last_event, count(*) AS count, quantile_disc(d, 0.9) AS p90, max(n) AS most FROM o GROUP BY ALL ORDER BY last_event"""),
        # Joins.
        ("quote at each fill", "category = fill | asof (event = quote) by symbol | fields seq, bid, ask, asof_ts",
         """SELECT f.seq, q.bid, q.ask, epoch_ns(q.ts) AS asof_ts FROM (SELECT * FROM e WHERE category = 'fill') f
            ASOF LEFT JOIN (SELECT * FROM e WHERE event = 'quote') q ON f.symbol = q.symbol AND f.place > q.place
            ORDER BY f.ts, f.seq"""),
        ("fills with their orders", "category = fill | join (event = order_created | fields order_id, price as limit_price, quantity as ordered) on order_id "
         "| stats count(), sum(ordered), avg({fill_price - limit_price}) as gap by strategy",
         """SELECT f.strategy, count(*) AS count, sum(o.quantity) AS sum_ordered, avg(f.fill_price - o.price) AS gap
            FROM e f JOIN e o ON f.order_id = o.order_id AND o.event = 'order_created' WHERE f.category = 'fill'
            GROUP BY f.strategy ORDER BY f.strategy"""),
        ("orders without fills", "event = order_created | join left (category = fill | stats sum(fill_quantity) as done by order_id) on order_id "
         "| where missing done | stats count() by strategy, side",
         """SELECT o.strategy, o.side, count(*) AS count FROM e o WHERE o.event = 'order_created' AND NOT EXISTS
            (SELECT 1 FROM e f WHERE f.category = 'fill' AND f.order_id = o.order_id) GROUP BY ALL ORDER BY o.strategy, o.side"""),
        ("around an error", f"seq = {facts['error']} | context 1s 1s | stats count(), count(where matched = true) as matched by event",
         f"""SELECT event, count(*) AS count, count(*) FILTER (seq = {facts['error']}) AS matched FROM e
            WHERE abs(epoch_ns(ts) - (SELECT epoch_ns(ts) FROM e WHERE seq = {facts['error']})) <= 1000000000
            AND symbol = (SELECT symbol FROM e WHERE seq = {facts['error']}) GROUP BY event ORDER BY event"""),
        # Histograms and summaries of summaries.
        ("histogram", "exists latency_us | histogram(latency_us, 25) | where count > 0",
         """SELECT latency_us // 25 * 25 AS "from", latency_us // 25 * 25 + 25 AS "to", count(*) AS count
            FROM e WHERE latency_us IS NOT NULL GROUP BY ALL ORDER BY 1"""),
        ("busiest minutes", "| stats count() by bin(ts, 1m) | sort count desc | head 10",
         """SELECT epoch_ns(ts) // 60000000000 * 60000000000 AS ts, count(*) AS count FROM e GROUP BY ALL ORDER BY count DESC, ts LIMIT 10"""),
        ("of summaries", "category = order | stats count() as n by order_id | stats count(), avg(n), max(n) by n",
         """SELECT n, count(*) AS count, avg(n) AS avg_n, max(n) AS max_n FROM
            (SELECT order_id, count(*) AS n FROM e WHERE category = 'order' GROUP BY order_id) GROUP BY n ORDER BY n"""),
        ("rates", "| stats rate() as per_second by bin(ts, 10m)",
         """SELECT epoch_ns(ts) // 600000000000 * 600000000000 AS ts, count(*) / 600.0::DOUBLE AS per_second FROM e GROUP BY ALL ORDER BY ts"""),
    ]


class Random:
    """Questions made as one tree, in both languages."""

    TEXTS = {
        "category": ["order", "fill", "market_data", "audit", "signal", "nothing"],
        "event": ["quote", "trade", "order_created", "order_filled", "entry_signal", "order_cancelled"],
        "side": ["BUY", "SELL"],
        "status": ["filled", "cancelled", "rejected", "healthy", "submitted"],
        "strategy": None,
        "order_type": ["limit", "market"],
        "segment": ["event_loop", "risk_check"],
    }
    FOLDED = {"category", "side", "status", "order_type"}
    NUMBERS = {
        "price": (220, 227, 2), "quantity": (1, 400, 0), "bid": (220, 227, 2), "ask": (220, 227, 2),
        "bid_size": (1, 2000, 0), "latency_us": (1, 200, 0), "fill_price": (220, 227, 2),
        "fill_quantity": (1, 300, 0), "commission": (0, 1, 4), "slippage_bps": (-3, 3, 1),
        "lifecycle_ms": (0, 500, 2), "score": (0, 1, 3), "seq": (0, 492841, 0),
    }
    OPS = ["=", "!=", "<", "<=", ">", ">="]
    WIDTHS = {"1m": 60, "7m": 420, "15m": 900, "1h": 3600}

    def __init__(self, seed, facts):
        self.random = random.Random(seed)
        self.facts = facts

    def number(self, field):
        low, high, digits = self.NUMBERS[field]
        return f"{self.random.uniform(low, high):.{digits}f}"

    def texts(self, field):
        return self.TEXTS[field] or self.facts["strategies"]

    def term(self):
        """A condition in both languages; that of SQL is never null."""
        r = self.random
        kind = r.randrange(9)
        if kind == 0:
            field = r.choice(["order_id", "side", "price", "latency_us", "status"])
            return r.choice([(f"exists {field}", f"({field} IS NOT NULL)"), (f"missing {field}", f"({field} IS NULL)")])
        if kind == 1:
            at = self.facts["start_ns"] + r.randrange(self.facts["span_ns"])
            iso = datetime.fromtimestamp(at // 10**9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
            op = r.choice([">=", "<"])
            return (f"ts {op} {iso}Z", f"(epoch_ns(ts) {op} {at // 10**9 * 10**9})")
        if kind == 2:
            rank = r.randrange(1, 7)
            word = ["trace", "debug", "info", "warn", "error", "critical"][rank - 1]
            op = r.choice(self.OPS)
            return (f"level {op} {word}", f"(severity {op.replace('!=', '<>')} {rank})")
        if kind in (3, 4):
            field = r.choice(list(self.TEXTS))
            values = r.sample(self.texts(field), min(len(self.texts(field)), r.randrange(1, 4)))
            left = f"upper({field})" if field in self.FOLDED else field
            shown = [value.upper() if field in self.FOLDED else value for value in values]
            sql = ", ".join(f"'{value}'" for value in shown)
            negated = r.random() < 0.3
            return (f"{field} {'not in' if negated else 'in'} ({', '.join(values)})",
                    f"coalesce({left} {'NOT IN' if negated else 'IN'} ({sql}), false)")
        if kind == 5:
            field = r.choice(["order_id", "message", "strategy", "event"])
            part = r.choice(["1", "7", "order", "e", "AMZN", "_"])
            return (f'{field} contains "{part}"', f"coalesce(contains({field}, '{part}'), false)")
        field = r.choice(list(self.NUMBERS))
        if kind == 6:
            low, high = sorted([self.number(field), self.number(field)], key=float)
            return (f"{field} between {low} and {high}", f"coalesce({field} BETWEEN {low} AND {high}, false)")
        op, value = r.choice(self.OPS), self.number(field)
        return (f"{field} {op} {value}", f"coalesce({field} {op.replace('!=', '<>')} {value}, false)")

    def condition(self, depth):
        if depth == 0 or self.random.random() < 0.35:
            return self.term()
        parts = [self.condition(depth - 1) for _ in range(self.random.randrange(2, 4))]
        kind = self.random.randrange(4)
        if kind == 0:
            return (f"not ({parts[0][0]})", f"(NOT {parts[0][1]})")
        join, sql = [(" and ", " AND "), (" ", " AND "), (" or ", " OR ")][kind - 1]
        return ("(" + join.join(f"({text})" for text, _ in parts) + ")", "(" + sql.join(text for _, text in parts) + ")")

    def aggregate(self, name):
        r = self.random
        condition = self.term() if r.random() < 0.25 else None
        where = f" where {condition[0]}" if condition else ""
        keep = f" FILTER ({condition[1]})" if condition else ""
        x = r.choice(list(self.NUMBERS))
        kind = r.randrange(9)
        percent = r.choice(["50", "90", "95", "99", "99.9", "1"])
        text, sql = [
            (f"count({where.strip()})", f"count(*){keep}"),
            (f"count({x}{where})", f"count({x}){keep}"),
            (f"sum({x}{where})", f"sum({x}){keep}"),
            (f"avg({x}{where})", f"avg({x}){keep}"),
            (f"min({x}{where})", f"min({x}){keep}"),
            (f"max({x}{where})", f"max({x}){keep}"),
            (f"p{percent}({x}{where})", f"quantile_disc({x}, {Decimal(percent) / 100}){keep}"),
            (f"distinct({x}{where})", f"count(DISTINCT {x}){keep}"),
            (f"stddev({x}{where})", f"stddev_samp({x}){keep}"),
        ][kind]
        return f"{text} as {name}", f"{sql} AS {name}"

    def keys(self):
        r = self.random
        keys = []
        for field in r.sample(["category", "level", "event", "side", "status", "strategy", "order_type", "ts"], r.randrange(3)):
            if field == "ts":
                width, seconds = r.choice(list(self.WIDTHS.items()))
                ns = seconds * 10**9
                keys.append((f"bin(ts, {width})", f"epoch_ns(ts) // {ns} * {ns}", "ts"))
            else:
                keys.append((field, field, field))
        return keys

    def pair(self):
        text, sql = self.condition(2) if self.random.random() < 0.9 else ("", "true")
        if self.random.random() < 0.2:
            columns = self.random.sample(["seq", "event", "side", "price", "latency_us", "status"], 3)
            key = self.random.choice(["price", "latency_us", "side"])
            order, sql_order = self.random.choice([("", "ASC"), (" desc", "DESC")])
            count = self.random.randrange(1, 40)
            return (f"{text} | sort {key}{order}, seq | head {count} | fields {', '.join(columns)}",
                    f"SELECT {', '.join(columns)} FROM e WHERE {sql} ORDER BY {key} {sql_order} NULLS LAST, seq LIMIT {count}")
        made = [self.aggregate(f"a{number}") for number in range(self.random.randrange(1, 4))]
        keys = self.keys()
        by = f" by {', '.join(key for key, _, _ in keys)}" if keys else ""
        select = ", ".join([f"{sql} AS {name}" for _, sql, name in keys] + [sql for _, sql in made])
        query = f"SELECT {select} FROM (SELECT * FROM e WHERE {sql}) AS e"
        if keys:
            order = [f"any_value(severity)" if name == "level" else f"{sql} NULLS LAST" for _, sql, name in keys]
            query += f" GROUP BY {', '.join(sql for _, sql, _ in keys)} ORDER BY {', '.join(order)}"
        return f"{text} | stats {', '.join(text for text, _ in made)}{by}", query


def facts_of(connection):
    """What of this file the questions are about."""
    one = lambda sql: connection.execute(sql).fetchone()
    first, last = one("SELECT epoch_ns(min(ts)), epoch_ns(max(ts)) FROM e")
    trade, order, strategy = one(
        "SELECT correlation_id, order_id, strategy FROM e WHERE category = 'fill' AND correlation_id IS NOT NULL ORDER BY place LIMIT 1"
    )
    error = one("SELECT min(seq) FROM e WHERE category = 'error' AND symbol IS NOT NULL")[0]
    moment = lambda ns: datetime.fromtimestamp(ns // 10**9, timezone.utc)
    start, later = moment(first + 600 * 10**9), moment(first + 4200 * 10**9)
    return {
        "day": moment(first).strftime("%Y-%m-%d"), "trade": trade, "order": order, "strategy": strategy,
        "error": error if error is not None else 0,
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "later": later.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "start_sql": start.strftime("%Y-%m-%d %H:%M:%S"), "later_sql": later.strftime("%Y-%m-%d %H:%M:%S"),
        "start_ns": first, "span_ns": last - first,
        "strategies": [row[0] for row in connection.execute("SELECT DISTINCT strategy FROM e ORDER BY 1").fetchall()],
    }


TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def plain(value):
    """A value of either, so that equal ones are equal: numbers as decimals, times as nanoseconds."""
    if isinstance(value, str) and TIME.match(value):
        whole, _, fraction = value[:-1].partition(".")
        seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
        return Decimal(seconds * 10**9 + int((fraction or "0").ljust(9, "0")))
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    return value


def are_equal(left, right):
    """`right` is DuckDB's: where it is a float, the other may differ by rounding."""
    left, right = plain(left), plain(right)
    if isinstance(right, float) and isinstance(left, Decimal):
        return abs(float(left) - right) <= 1e-9 * max(abs(right), abs(float(left)), 1e-9)
    return left == right


class Blotter:
    def __init__(self, program, database):
        self.program, self.database = program, database

    def ask(self, query):
        """Rows, and how long the query took in ms."""
        command = [self.program, "query", self.database, query, "--format", "json", "--timer"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        rows = [json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines()]
        took = re.search(r"rows? in ([0-9.]+) ms", done.stderr)
        return rows, float(took.group(1))


def difference(found, columns, expected):
    """What is different, if anything."""
    for number, (row, other) in enumerate(zip(found, expected)):
        for column, value in zip(columns, other):
            if not are_equal(row.get(column), value):
                return f"row {number}: {column} is {row.get(column)!r}, DuckDB has {value!r}"
        unknown = set(row) - set(columns)
        if unknown:
            return f"row {number}: DuckDB has no {', '.join(sorted(unknown))}"
    if len(found) != len(expected):
        return f"{len(found)} rows, DuckDB has {len(expected)}"
    return None


def compare(blotter, connection, query, sql, runs):
    """The difference, the rows, and the times of both in ms."""
    found, _ = blotter.ask(query)
    cursor = connection.execute(sql)
    columns = [column[0] for column in cursor.description]
    problem = difference(found, columns, cursor.fetchall())
    own, other = [], []
    for _ in range(runs):
        own.append(blotter.ask(query)[1])
        started = time.perf_counter()
        connection.execute(sql).fetchall()
        other.append((time.perf_counter() - started) * 1e3)
    median = lambda times: statistics.median(times) if times else float("nan")
    return problem, len(found), median(own), median(other)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", help="events as JSON lines")
    parser.add_argument("--blotter", default="target/release/blotter", help="the program")
    parser.add_argument("--database", help="a database that holds the same events, in the same order")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each question; 0 for none")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="random questions besides")
    parser.add_argument("--seed", type=int, default=1, help="of the random questions")
    arguments = parser.parse_args()
    try:
        import duckdb
    except ImportError:
        sys.exit("duckdb is not installed; python3 -m venv venv && venv/bin/pip install duckdb")

    with tempfile.TemporaryDirectory() as scratch:
        database = arguments.database or os.path.join(scratch, "compared.blotter")
        if not arguments.database:
            subprocess.run([arguments.blotter, "import", database, arguments.events], check=True, capture_output=True)
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(LOAD, [arguments.events])
        connection.execute(VIEW)
        facts = facts_of(connection)
        blotter = Blotter(arguments.blotter, database)
        differences, equal = [], 0

        def run(name, query, sql, runs):
            nonlocal equal
            try:
                problem, rows, own, other = compare(blotter, connection, query, sql, runs)
            except (RuntimeError, duckdb.Error) as error:
                problem, rows, own, other = str(error), 0, float("nan"), float("nan")
            if problem:
                differences.append((name, query, sql, problem))
            else:
                equal += 1
            if runs or problem:
                mark = "DIFFERS" if problem else "equal"
                print(f"{mark:8} {rows:7} rows {own:9.2f} ms {other:9.2f} ms  {name}", flush=True)

        count = connection.execute("SELECT count(*) FROM e").fetchone()[0]
        print(f"{count} events; DuckDB {duckdb.__version__}; medians of {arguments.runs} runs: blotter, DuckDB")
        asked = pairs(facts)
        for name, query, sql in asked:
            run(name, query, sql, arguments.runs)
        made = Random(arguments.seed, facts)
        for number in range(arguments.random):
            query, sql = made.pair()
            run(f"random {number} of seed {arguments.seed}", query, sql, 0)
        print(f"{len(asked)} questions and {arguments.random} random ones: {equal} equal, {len(differences)} different")
        for name, query, sql, problem in differences:
            print(f"\n{name}\n  {query}\n  {sql}\n  {problem}")
        sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
