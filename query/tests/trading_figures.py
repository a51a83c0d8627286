"""Works out, with pandas and numpy, the figures that query/src/desk/trades/tests.rs compares with.

Written another way than what it checks: every unit of a quantity is matched by itself, in fractions, so that averages
and shares of commissions need no rule for partial lots. Run by hand; the values are in the tests.

    pip install numpy pandas && python query/tests/trading_figures.py
"""

from collections import deque
from fractions import Fraction

import numpy as np
import pandas as pd

# Day in March 2026, side, quantity, price, commission: long, short, partial exits, flips, a price of zero.
FILLS = [
    (2, "BUY", 100, "10.00", "1.00"),
    (2, "BUY", 50, "10.60", "0.50"),
    (2, "SELL", 120, "10.90", "1.20"),
    (3, "SELL", 80, "10.20", "0.90"),
    (3, "SELL", 10, "10.45", "0.10"),
    (3, "BUY", 25, "10.75", "0.30"),
    (5, "BUY", 75, "9.80", "0.75"),
    (6, "SELL", 40, "9.80", "0.40"),
    (9, "SELL", 1, "0", "0"),
    (9, "BUY", 6, "11.37", "0.07"),
    (10, "BUY", 30, "9.05", "0.33"),
    (14, "SELL", 30, "9.40", "0.30"),
    (16, "SELL", 7, "8.88", "0.11"),
    (17, "BUY", 3, "8.90", "0.04"),
    (17, "BUY", 4, "8.70", "0"),
]


def trips():
    lots = deque()  # (side, entry price, commission of the unit)
    for day, side, quantity, price, commission in FILLS:
        price, each = Fraction(price), Fraction(commission) / quantity
        entries = []
        for _ in range(quantity):
            if lots and lots[0][0] != side:
                entries.append(lots.popleft())
            else:
                lots.append((side, price, each))
        if entries:
            sign = 1 if entries[0][0] == "BUY" else -1
            gross = sum(sign * (price - entry) for _, entry, _ in entries)
            fees = sum(fee for _, _, fee in entries) + each * len(entries)
            mean = sum(entry for _, entry, _ in entries) / len(entries)
            yield day, entries[0][0], len(entries), mean, price, gross, fees, gross - fees


def main():
    frame = pd.DataFrame(trips(), columns="day side quantity entry exit gross fees net".split())
    exact = frame.copy()
    for name in ["entry", "exit", "gross", "fees", "net"]:
        frame[name] = frame[name].astype(float)
    print(frame.to_string())
    net = frame.net
    wins, losses = net[net > 0], net[net < 0]
    total = net.cumsum()
    peak = np.maximum.accumulate(np.concatenate([[0.0], total.to_numpy()]))[1:]
    dates = pd.to_datetime(frame.day.map(lambda day: f"2026-03-{day:02}"))
    daily = net.groupby(dates).sum()
    days = daily.index.union(pd.bdate_range(daily.index.min(), daily.index.max()))
    daily = daily.reindex(days, fill_value=0.0)
    sign = np.sign(net).astype(int)
    runs = sign.groupby((sign != sign.shift()).cumsum()).agg(["first", "size"])
    print("total", float(sum(exact.net)), "profit", wins.sum(), "loss", losses.sum())
    print("trades", len(net), "wins", len(wins), "losses", len(losses), "win rate", len(wins) / len(net))
    print("average win", wins.mean(), "average loss", losses.mean(), "expectancy", net.mean())
    print("profit factor", wins.sum() / -losses.sum(), "best", net.max(), "worst", net.min())
    print("max drawdown", (peak - total).max())
    print("sharpe per trade", repr(net.mean() / net.std(ddof=1)))
    print("days", len(daily), "sharpe daily", repr(daily.mean() / daily.std(ddof=1) * np.sqrt(252)))
    print("streaks", runs[runs["first"] == 1]["size"].max(), runs[runs["first"] == -1]["size"].max())


if __name__ == "__main__":
    main()
