#!/usr/bin/env python3
"""The daily report of blotter and the same figures from DuckDB SQL, over the same events: are they equal, and how long
does each take?

    python3 -m venv venv && venv/bin/pip install duckdb
    blotter demo demo.blotter --events 5000000
    venv/bin/python benches/compare/daily_report.py demo.blotter --date 2026-01-05 --blotter target/release/blotter

The events are taken out of the database with `blotter query --format json` and loaded into a table of DuckDB, sorted by
time, with only the columns that the report needs. Totals, figures by strategy and figures by hour must be equal: counts
and money exactly, means to 1e-9. Times are medians of `--runs` runs, both warm: DuckDB's of execute and fetch of its
four queries in this process, blotter's of the whole process, from its start to its end, which opens the database anew.

Exit status: 0 if all figures are equal, 1 if not.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

import duckdb

LOAD = """
CREATE TABLE e AS SELECT CAST(ts AS TIMESTAMP_NS) AS ts, * EXCLUDE (ts)
FROM read_json(?, format = 'newline_delimited', columns = {
    ts: 'VARCHAR', category: 'VARCHAR', event: 'VARCHAR', status: 'VARCHAR', strategy: 'VARCHAR', order_id: 'VARCHAR',
    fill_price: 'DECIMAL(18,6)', fill_quantity: 'DECIMAL(18,6)', commission: 'DECIMAL(18,6)',
    slippage_bps: 'DECIMAL(18,6)', latency_us: 'BIGINT'})
ORDER BY ts
"""

# An order that is amended keeps its status, whatever the event says.
STEPS = "category IN ('order', 'fill') AND order_id IS NOT NULL AND event NOT IN ('order_amended', 'order_reduced', " \
    "'order_cancel_requested', 'order_cancel_rejected') AND ts >= $from AND ts < $until"

FIGURES = """
    count(*) FILTER (status = 'created') AS orders,
    count(*) FILTER (status = 'filled') AS filled,
    count(*) FILTER (status = 'cancelled') AS cancelled,
    count(*) FILTER (status = 'rejected') AS rejected,
    count(fill_quantity) AS fills,
    sum(fill_quantity) AS volume,
    sum(CAST(fill_price AS DECIMAL(18,4)) * CAST(fill_quantity AS DECIMAL(18,0))) AS notional,
    sum(commission) AS commission,
    avg(slippage_bps) AS slippage_mean_bps,
    max(slippage_bps) AS slippage_max_bps,
    avg(latency_us) FILTER (status = 'submitted') AS latency_mean_us,
    quantile_disc(latency_us, 0.5) FILTER (status = 'submitted') AS latency_p50_us,
    quantile_disc(latency_us, 0.99) FILTER (status = 'submitted') AS latency_p99_us
"""

QUERIES = {
    "totals": f"SELECT {FIGURES} FROM e WHERE {STEPS}",
    "by strategy": f"SELECT strategy, {FIGURES} FROM e WHERE {STEPS} GROUP BY strategy ORDER BY strategy",
    "by hour": f"SELECT date_trunc('hour', ts) AS hour, {FIGURES} FROM e WHERE {STEPS} GROUP BY hour ORDER BY hour",
    "partially filled": f"SELECT count(DISTINCT order_id) FROM e WHERE {STEPS} AND status = 'partially_filled'",
}


def rows_of(connection, query, period):
    result = connection.execute(query, period)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def equal(left, right):
    if left is None or right is None:
        return left is right
    left, right = Decimal(str(left)), Decimal(str(right))
    return left == right or abs(left - right) <= abs(right) * Decimal("1e-9")


def compare(what, ours, theirs, differences):
    """Counts the figures that both know, and notes those that differ."""
    names = [name for name in theirs if name in ours]
    for name in names:
        if name not in ("strategy", "hour") and not equal(ours[name], theirs[name]):
            differences.append(f"{what} {name}: blotter {ours[name]}, DuckDB {theirs[name]}")
    return len(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--date", required=True, help="the day of the report, in UTC")
    parser.add_argument("--blotter", default="target/release/blotter")
    parser.add_argument("--runs", type=int, default=11)
    arguments = parser.parse_args()

    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as directory:
        events = os.path.join(directory, "events.jsonl")
        with open(events, "wb") as out:
            everything = [arguments.blotter, "query", arguments.database, "seq >= 0", "--format", "json"]
            subprocess.run(everything, stdout=out, check=True)
        connection.execute(LOAD, [events])
    count = connection.execute("SELECT count(*) FROM e").fetchone()[0]
    period = connection.execute(
        "SELECT CAST($1 AS TIMESTAMP_NS), CAST($1 AS TIMESTAMP_NS) + INTERVAL 1 DAY", [arguments.date]).fetchone()
    period = {"from": period[0], "until": period[1]}

    def ask_duckdb():
        return {name: rows_of(connection, query, period) for name, query in QUERIES.items()}

    command = [arguments.blotter, "report", arguments.database, "daily", "--date", arguments.date, "--format", "json"]

    def ask_blotter():
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout, parse_float=Decimal)

    theirs, report = ask_duckdb(), ask_blotter()
    differences, figures = [], 0
    totals = {**report["figures"]["orders"], **report["figures"]["fills"], **report["figures"]["latency"]}
    figures += compare("total", totals, theirs["totals"][0], differences)
    [partially_filled] = theirs["partially filled"][0].values()
    if totals["partially_filled_orders"] != partially_filled:
        differences.append(f"partially filled: {totals['partially_filled_orders']}, DuckDB {partially_filled}")
    ours = {row["strategy"]: row for row in report["tables"]["by_strategy"]}
    if sorted(ours) != sorted(row["strategy"] for row in theirs["by strategy"]):
        differences.append(f"strategies: {sorted(ours)}")
    for row in theirs["by strategy"]:
        figures += compare(row["strategy"], ours.get(row["strategy"], {}), row, differences)
    by_hour = {row["hour"].strftime("%Y-%m-%dT%H"): row for row in theirs["by hour"]}
    for name, series in (("orders_by_hour", "orders"), ("notional_by_hour", "notional")):
        chart = report["charts"][name]
        for place, hour in enumerate(chart["x"]):
            known = by_hour.get(hour[:13], {})
            figures += compare(hour, {series: chart["series"][series][place]}, {series: known.get(series, 0)}, differences)
    for difference in differences:
        print(difference)

    times = {"blotter": [], "DuckDB": []}
    for _ in range(arguments.runs):
        for name, ask in (("blotter", ask_blotter), ("DuckDB", ask_duckdb)):
            start = time.perf_counter()
            ask()
            times[name].append((time.perf_counter() - start) * 1e3)
    ours_ms, theirs_ms = (statistics.median(times[name]) for name in ("blotter", "DuckDB"))
    print(f"{count} events, {figures} figures compared, {len(differences)} differ")
    print(f"blotter {ours_ms:.0f} ms (process and all), DuckDB {duckdb.__version__} {theirs_ms:.0f} ms: "
          f"{ours_ms / theirs_ms:.2f} times")
    return 1 if differences or not figures else 0


if __name__ == "__main__":
    sys.exit(main())
