//! Forty events, few enough to count on fingers.

use blotter::event::{Category, Level, Value, parse_decimal};
use blotter::{Db, Options, Reader, RecorderOptions, Timestamp};

use crate::{Question, check};

/// Seq, time, category, level, event, fields. `f64` values end in `f`, texts with spaces stand in quotes.
const EVENTS: &str = r#"
 0 2026-01-01T20:59:50Z     system      info     engine_start    service=engine message="engine started"
 1 2026-01-02T14:30:00Z     market_data debug    quote           symbol=AAPL bid=150.00 ask=150.04
 2 2026-01-02T14:30:01Z     market_data debug    quote           symbol=MSFT bid=300.00 ask=300.10
 3 2026-01-02T14:30:02Z     signal      info     cross           symbol=AAPL strategy=momentum correlation_id=T1 strength=0.5f message="fast over slow"
 4 2026-01-02T14:30:02.500Z order       info     order_created   symbol=AAPL strategy=momentum correlation_id=T1 order_id=O1 side=BUY status=created order_type=limit price=150.04 quantity=100
 5 2026-01-02T14:30:02.600Z order       info     order_submitted symbol=AAPL strategy=momentum correlation_id=T1 order_id=O1 status=submitted
 6 2026-01-02T14:30:03Z     market_data debug    quote           symbol=AAPL bid=150.02 ask=150.06
 7 2026-01-02T14:30:03.100Z fill        info     fill            symbol=AAPL strategy=momentum correlation_id=T1 order_id=O1 side=BUY fill_price=150.06 fill_quantity=60 commission=0.30 slippage_bps=1.3 latency_us=480
 8 2026-01-02T14:30:04Z     fill        info     fill            symbol=AAPL strategy=momentum correlation_id=T1 order_id=O1 side=BUY fill_price=150.08 fill_quantity=40 commission=0.20 slippage_bps=2.7 latency_us=520
 9 2026-01-02T14:30:04Z     order       info     order_filled    symbol=AAPL strategy=momentum correlation_id=T1 order_id=O1 status=filled quantity=100
10 2026-01-02T14:30:05Z     market_data debug    quote           symbol=MSFT bid=299.90 ask=300.00
11 2026-01-02T14:31:00Z     order       info     order_created   symbol=MSFT strategy=pairs correlation_id=T2 order_id=O2 side=SELL status=created order_type=LIMIT price=300.00 quantity=50
12 2026-01-02T14:31:00.250Z risk        warn     limit_check     symbol=MSFT strategy=pairs correlation_id=T2 order_id=O2 message="exposure near limit: 95% used"
13 2026-01-02T14:31:01Z     order       error    order_rejected  symbol=MSFT strategy=pairs correlation_id=T2 order_id=O2 status=rejected reason=margin message="rejected: margin"
14 2026-01-02T14:31:30Z     performance info     latency         service=gateway execution_time_ms=2
15 2026-01-02T14:31:31Z     performance info     latency         service=gateway execution_time_ms=4
16 2026-01-02T14:31:32Z     performance info     latency         service=gateway execution_time_ms=12
17 2026-01-02T14:31:33Z     performance info     latency         service=risk execution_time_ms=1
18 2026-01-02T14:31:34Z     performance info     latency         service=risk execution_time_ms=3.5
19 2026-01-02T14:32:00Z     order       info     order_created   symbol=AAPL strategy=momentum correlation_id=T3 order_id=O3 side=SELL status=created order_type=market quantity=100
20 2026-01-02T14:32:00.400Z fill        info     fill            symbol=AAPL strategy=momentum correlation_id=T3 order_id=O3 side=SELL fill_price=149.98 fill_quantity=100 commission=0.50 slippage_bps=-0.5 latency_us=1200
21 2026-01-02T14:32:00.500Z order       info     order_filled    symbol=AAPL strategy=momentum correlation_id=T3 order_id=O3 status=filled quantity=100
22 2026-01-02T14:32:00.500Z position    info     position        symbol=AAPL strategy=momentum pnl=-8.30 net_quantity=0 flat=true
23 2026-01-02T14:45:00Z     error       error    timeout         service=gateway message="Timeout after 5s talking to venue"
24 2026-01-02T14:45:05Z     error       critical timeout         service=gateway message="timeout: venue is down"
25 2026-01-02T14:45:06Z     system      warn     reconnect       service=gateway message="retry_timeout is 5s" attempts=1
26 2026-01-02T14:45:11Z     system      warn     reconnect       service=gateway message="connected" attempts=2
27 2026-01-02T15:00:00Z     order       info     order_created   symbol=BRK.B strategy=pairs correlation_id=T4 order_id=O4 side=BUY status=created order_type=limit price=400.5 quantity=10
28 2026-01-02T15:00:10Z     order       info     order_cancelled symbol=BRK.B strategy=pairs correlation_id=T4 order_id=O4 status=cancelled
29 2026-01-02T15:00:20Z     fill        info     fill            symbol=BRK.B strategy=pairs correlation_id=T4 order_id=O4 side=BUY fill_price=400.45 fill_quantity=4 commission=0.02 slippage_bps=0 latency_us=700
30 2026-01-02T20:59:59.999Z market_data debug    quote           symbol=AAPL bid=151.00 ask=151.02
31 2026-01-03T02:00:00Z     audit       info     login           user=Ada
32 2026-01-03T04:59:59Z     audit       info     login           user=Bob
33 2026-01-03T05:00:00Z     audit       info     logout          user=Ada
34 2026-01-03T15:00:00Z     risk        warn     drawdown        strategy=momentum drawdown_pct=2.5
35 2026-01-03T15:00:01Z     risk        error    drawdown        strategy=pairs drawdown_pct=5.0
36 2026-01-03T15:00:02Z     risk        critical drawdown        strategy=pairs drawdown_pct=7.25
37 2026-01-03T16:00:00Z     training    info     epoch           run=a loss=0.5f size_kb=64
38 2026-01-03T16:10:00Z     training    info     epoch           run=a loss=0.25f size_kb=128
39 2026-01-03T16:20:00Z     training    info     epoch           run=b loss=0.75f size_kb=64
"#;

const NOW: &str = "2026-01-03T16:30:00Z";

const QUESTIONS: &[Question] = &[
    // What is there.
    Question { asks: "How many events?", query: "| stats count()", answer: "count\n40" },
    Question {
        asks: "How many of each category?",
        query: "| stats count() by category",
        answer: "category | count
            audit | 3
            error | 2
            fill | 4
            market_data | 5
            order | 9
            performance | 5
            position | 1
            risk | 4
            signal | 1
            system | 3
            training | 3",
    },
    Question {
        asks: "How many of each level, least severe first?",
        query: "| stats count() by level",
        answer: "level | count\ndebug | 5\ninfo | 26\nwarn | 4\nerror | 3\ncritical | 2",
    },
    Question {
        asks: "Which events, as they are?",
        query: "event = drawdown level = warn | fields except ts, producer, pseq",
        answer: "category=risk | drawdown_pct=2.5 | event=drawdown | level=warn | seq=34 | strategy=momentum",
    },
    Question {
        asks: "Was anything lost?",
        query: "| gaps",
        answer: "kind | producer | first | last | count | after_ts | before_ts",
    },
    // Conditions.
    Question {
        asks: "What was bad?",
        query: "level >= error | fields seq, level, event",
        answer: "seq | level | event
            13 | error | order_rejected
            23 | error | timeout
            24 | critical | timeout
            35 | error | drawdown
            36 | critical | drawdown",
    },
    Question { asks: "What warned?", query: "level in (WARN) | fields seq", answer: "seq\n12\n25\n26\n34" },
    Question {
        asks: "What belongs to one trade?",
        query: "correlation_id = T1 | sort ts | fields seq, event",
        answer: "seq | event
            3 | cross
            4 | order_created
            5 | order_submitted
            7 | fill
            8 | fill
            9 | order_filled",
    },
    Question {
        asks: "How many states other than filled? Events without a status are in none.",
        query: "status != filled | stats count()",
        answer: "count\n7",
    },
    Question {
        asks: "How many events are not of a filled order? Those without a status are not.",
        query: "not status = filled | stats count()",
        answer: "count\n38",
    },
    Question {
        asks: "Which orders have a limit, however it was written?",
        query: "order_type = Limit | fields seq, order_type",
        answer: "seq | order_type\n4 | limit\n11 | LIMIT\n27 | limit",
    },
    Question { asks: "Symbols are exact.", query: "symbol = aapl | stats count()", answer: "count\n0" },
    Question { asks: "What has no symbol?", query: "missing symbol | stats count()", answer: "count\n19" },
    Question {
        asks: "Which events count attempts?",
        query: "exists attempts | fields seq, attempts",
        answer: "seq | attempts\n25 | 1\n26 | 2",
    },
    Question {
        asks: "How many events of which of two symbols?",
        query: "symbol in (MSFT, BRK.B) | stats count() by symbol",
        answer: "symbol | count\nBRK.B | 3\nMSFT | 5",
    },
    Question {
        asks: "Which orders were of neither symbol?",
        query: "category = order symbol not in (AAPL, MSFT) | fields seq",
        answer: "seq\n27\n28",
    },
    Question {
        asks: "Symbols that begin so?",
        query: "symbol like \"A*\" | stats count()",
        answer: "count\n13",
    },
    Question {
        asks: "Orders of one digit?",
        query: "order_id ~ \"^O[13]$\" category = fill | fields seq",
        answer: "seq\n7\n8\n20",
    },
    Question {
        asks: "Reasons?",
        query: "reason contains arg | fields seq, reason",
        answer: "seq | reason\n13 | margin",
    },
    Question {
        asks: "Prices in a range, both ends included?",
        query: "price between 150.04 and 300 | fields seq, price",
        answer: "seq | price\n4 | 150.04\n11 | 300.00",
    },
    Question {
        asks: "Is it flat, and at what profit?",
        query: "flat = true | fields seq, pnl",
        answer: "seq | pnl\n22 | -8.30",
    },
    Question {
        asks: "One or the other, and not a third?",
        query: "(event = login or event = logout) not user = Bob | fields seq",
        answer: "seq\n31\n33",
    },
    // Words.
    Question {
        asks: "Who speaks of timeouts? Not of retry_timeout.",
        query: "timeout | fields seq",
        answer: "seq\n23\n24",
    },
    Question { asks: "Words that begin so?", query: "conn* | fields seq", answer: "seq\n26" },
    Question { asks: "Words that stand together?", query: "\"NEAR limit\" | fields seq", answer: "seq\n12" },
    Question { asks: "A word with its sign?", query: "rejected: | fields seq", answer: "seq\n13" },
    // Units.
    Question {
        asks: "Fills slower than half a millisecond?",
        query: "latency_us > 500us | fields seq, latency_us",
        answer: "seq | latency_us\n8 | 520\n20 | 1200\n29 | 700",
    },
    Question {
        asks: "Slower than a millisecond?",
        query: "latency_us >= 1ms | fields seq",
        answer: "seq\n20",
    },
    Question {
        asks: "Executions below 3 ms?",
        query: "execution_time_ms < 3ms | fields seq, execution_time_ms",
        answer: "seq | execution_time_ms\n14 | 2\n17 | 1",
    },
    Question { asks: "What was 64 kB?", query: "size_kb = 64kb | fields seq", answer: "seq\n37\n39" },
    Question { asks: "What was more than 0.1 MB?", query: "size_kb > 0.1mb | fields seq", answer: "seq\n38" },
    Question {
        asks: "Drawdowns of 5% and more?",
        query: "drawdown_pct >= 5% | fields seq, drawdown_pct",
        answer: "seq | drawdown_pct\n35 | 5.0\n36 | 7.25",
    },
    Question {
        asks: "Slippage above 0.02%, 2 bps?",
        query: "slippage_bps > 0.02% | fields seq",
        answer: "seq\n8",
    },
    // Time.
    Question { asks: "How many on the day?", query: "on 2026-01-02 | stats count()", answer: "count\n30" },
    Question {
        asks: "How many on the day of New York?",
        query: "on 2026-01-02 tz America/New_York | stats count()",
        answer: "count\n32",
    },
    Question { asks: "How many yesterday?", query: "on yesterday | stats count()", answer: "count\n30" },
    Question { asks: "How many today?", query: "since today | stats count()", answer: "count\n9" },
    Question { asks: "What came last?", query: "last 45m | fields seq", answer: "seq\n37\n38\n39" },
    Question { asks: "How many in two hours?", query: "ts >= -2h | stats count()", answer: "count\n6" },
    Question {
        asks: "What happened between two times, the second not included?",
        query: "since 2026-01-02T14:45 until 2026-01-02T15:00:10 | fields seq",
        answer: "seq\n23\n24\n25\n26\n27",
    },
    Question {
        asks: "How many while the exchange was open?",
        query: "time_of_day(ts, \"America/New_York\") between 09:30 and 16:00 | stats count()",
        answer: "count\n37",
    },
    Question {
        asks: "How many on a Saturday?",
        query: "weekday(ts) = 6 | stats count()",
        answer: "count\n9",
    },
    Question {
        asks: "Who came when, by the clock of New York?",
        query: "category = audit | tz America/New_York | extend day = date(ts), h = hour(ts) | fields user, day, h",
        answer: "user | day | h\nAda | 2026-01-02 | 21\nBob | 2026-01-02 | 23\nAda | 2026-01-03 | 0",
    },
    Question {
        asks: "How many on each day of New York?",
        query: "category = audit | tz America/New_York | bin(ts, 1d) | stats count() by ts",
        answer: "ts | count
            2026-01-02T00:00:00.000000000-05:00 | 2
            2026-01-03T00:00:00.000000000-05:00 | 1",
    },
    Question {
        asks: "How many quotes in each hour that has any?",
        query: "event = quote | stats count() by bin(ts, 1h)",
        answer: "ts | count\n2026-01-02T14:00:00.000000000Z | 4\n2026-01-02T20:00:00.000000000Z | 1",
    },
    Question {
        asks: "And in all of them?",
        query: "event = quote | timeline 2h | extend h = hour(ts) | fields h, count",
        answer: "h | count\n14 | 4\n16 | 0\n18 | 0\n20 | 1",
    },
    Question {
        asks: "When were there timeouts?",
        query: "timeout not level = debug | timeline 5m by category",
        answer: "ts | category | count\n2026-01-02T14:45:00.000000000Z | error | 2",
    },
    // Summaries.
    Question {
        asks: "How long do executions take?",
        query: "category = performance last 2d | stats avg(execution_time_ms), p99(execution_time_ms) by service",
        answer: "service | avg_execution_time_ms | p99_execution_time_ms\ngateway | 6.0 | 12\nrisk | 2.25 | 3.5",
    },
    Question {
        asks: "How did the day go?",
        query: "on 2026-01-02 category in (order, fill) | stats count() as total, \
                count(where status = filled) as filled, count(where status = rejected) as rejected, \
                avg(slippage_bps), sum(commission)",
        answer: "total | filled | rejected | avg_slippage_bps | sum_commission\n13 | 2 | 1 | 0.875 | 1.02",
    },
    Question {
        asks: "Which risks, and when first and last?",
        query: "category = risk last 2d | stats count(), first(seq), last(seq) by event, level | sort count desc",
        answer: "event | level | count | first_seq | last_seq
            drawdown | warn | 1 | 34 | 34
            drawdown | error | 1 | 35 | 35
            drawdown | critical | 1 | 36 | 36
            limit_check | warn | 1 | 12 | 12",
    },
    Question {
        asks: "What goes wrong most?",
        query: "level >= error | top 10 event",
        answer: "event | count\ndrawdown | 2\ntimeout | 2\norder_rejected | 1",
    },
    Question {
        asks: "Which symbols have most events?",
        query: "exists symbol | top 2 symbol",
        answer: "symbol | count\nAAPL | 13\nMSFT | 5",
    },
    Question {
        asks: "Where is slippage worst?",
        query: "category = fill | top 1 symbol by max(slippage_bps) as worst",
        answer: "symbol | worst\nAAPL | 2.7",
    },
    Question {
        asks: "How much was traded?",
        query: "category = fill | stats sum(fill_quantity) as shares, sum(fill_price * fill_quantity) as notional by symbol",
        answer: "symbol | shares | notional\nAAPL | 200 | 30004.80\nBRK.B | 4 | 1601.80",
    },
    Question {
        asks: "At which price on average?",
        query: "category = fill | stats sum(fill_quantity) as shares, sum(fill_price * fill_quantity) as notional by symbol \
                | extend vwap = notional / shares | fields symbol, vwap",
        answer: "symbol | vwap\nAAPL | 150.024\nBRK.B | 400.45",
    },
    Question {
        asks: "How late are fills?",
        query: "category = fill | stats min(latency_us), median(latency_us), p90(latency_us), max(latency_us)",
        answer: "min_latency_us | median_latency_us | p90_latency_us | max_latency_us\n480 | 520 | 1200 | 1200",
    },
    Question {
        asks: "How do losses spread?",
        query: "category = training | stats stddev(loss) as s by run | extend s = round(s, 4)",
        answer: "run | s\na | 0.1768\nb | -",
    },
    Question {
        asks: "Which order was filled latest, and which event slipped least?",
        query: "category = fill | stats arg_max(latency_us, order_id), arg_min(slippage_bps, seq)",
        answer: "arg_max_latency_us_order_id | arg_min_slippage_bps_seq\nO3 | 20",
    },
    Question {
        asks: "How many orders, of how many symbols?",
        query: "category = order | stats distinct(order_id), distinct(symbol)",
        answer: "distinct_order_id | distinct_symbol\n4 | 3",
    },
    Question {
        asks: "How did each order begin and end?",
        query: "category = order | stats first(status), last(status) by order_id",
        answer: "order_id | first_status | last_status
            O1 | created | filled
            O2 | created | rejected
            O3 | created | filled
            O4 | created | cancelled",
    },
    Question {
        asks: "How many quotes a minute?",
        query: "event = quote | stats rate() as per_second by bin(ts, 1m) | extend per_minute = round(per_second * 60, 6) | fields per_minute",
        answer: "per_minute\n4.0\n1.0",
    },
    Question {
        asks: "How many fills are how late?",
        query: "category = fill | histogram(latency_us, 500)",
        answer: "from | to | count\n0 | 500 | 1\n500 | 1000 | 2\n1000 | 1500 | 1",
    },
    Question {
        asks: "Bins that fit by themselves: 1 ms wide, from 1 to 12?",
        query: "category = performance | histogram(execution_time_ms) | stats count() as bins, min(from), max(to), sum(count) as values",
        answer: "bins | min_from | max_to | values\n12 | 1 | 13 | 5",
    },
    Question {
        asks: "Nothing summarised is still one row.",
        query: "symbol = NONE | stats count(), sum(price), max(ts)",
        answer: "count | sum_price | max_ts\n0 | - | -",
    },
    // Order and choice.
    Question {
        asks: "The filled orders of a strategy, latest first?",
        query: "strategy = momentum status = filled on 2026-01-02 | sort ts desc | limit 100 | fields seq, order_id",
        answer: "seq | order_id\n21 | O3\n9 | O1",
    },
    Question {
        asks: "Risks, the gravest first?",
        query: "category = risk | sort level desc, seq | fields seq, level",
        answer: "seq | level\n36 | critical\n35 | error\n12 | warn\n34 | warn",
    },
    Question {
        asks: "What is missing sorts last, either way.",
        query: "category = risk | sort drawdown_pct desc | fields seq, drawdown_pct",
        answer: "seq | drawdown_pct\n36 | 7.25\n35 | 5.0\n34 | 2.5\n12 | -",
    },
    Question {
        asks: "Which service is slowest?",
        query: "category = performance | stats avg(execution_time_ms) by service | sort avg(execution_time_ms) desc | head 1",
        answer: "service | avg_execution_time_ms\ngateway | 6.0",
    },
    Question {
        asks: "The last two fills?",
        query: "category = fill | tail 2 | fields seq",
        answer: "seq\n20\n29",
    },
    Question {
        asks: "Who trades what?",
        query: "category = order | distinct symbol, strategy",
        answer: "symbol | strategy\nAAPL | momentum\nMSFT | pairs\nBRK.B | pairs",
    },
    // Computed columns.
    Question {
        asks: "How wide are spreads?",
        query: "event = quote symbol = AAPL | extend spread_bps = round((ask - bid) / bid * 10000, 2) | fields seq, spread_bps",
        answer: "seq | spread_bps\n1 | 2.67\n6 | 2.67\n30 | 1.32",
    },
    Question {
        asks: "What was ordered, net?",
        query: "event = order_created | stats sum(if(side = buy, quantity, -quantity)) as net by symbol",
        answer: "symbol | net\nAAPL | 0\nBRK.B | 10\nMSFT | -50",
    },
    Question {
        asks: "Names in other letters?",
        query: "event = login | extend u = upper(user), n = length(user), first = substring(user, 1, 1) | fields u, n, first",
        answer: "u | n | first\nADA | 3 | A\nBOB | 3 | B",
    },
    Question {
        asks: "How much of the limit was used?",
        query: "exposure | extend used = to_number(extract(message, \"([0-9]+)%\", 1)) | fields seq, used",
        answer: "seq | used\n12 | 95",
    },
    Question {
        asks: "Numbers of orders?",
        query: "category = fill | extend n = to_number(split(order_id, \"O\", 2)) | stats sum(n)",
        answer: "sum_n\n9",
    },
    // Neighbours.
    Question {
        asks: "How does the bid move?",
        query: "event = quote symbol = AAPL | prev bid | extend change = bid - prev_bid | fields seq, prev_bid, change",
        answer: "seq | prev_bid | change\n1 | - | -\n6 | 150.00 | 0.02\n30 | 150.02 | 0.98",
    },
    Question {
        asks: "And for each symbol?",
        query: "event = quote | delta bid by symbol | fields seq, symbol, delta_bid",
        answer: "seq | symbol | delta_bid
            1 | AAPL | -
            2 | MSFT | -
            6 | AAPL | 0.02
            10 | MSFT | -0.10
            30 | AAPL | 0.98",
    },
    Question {
        asks: "Which attempt comes next?",
        query: "category = system | next attempts | fields seq, attempts, next_attempts",
        answer: "seq | attempts | next_attempts\n0 | - | 1\n25 | 1 | 2\n26 | 2 | -",
    },
    Question {
        asks: "Where do orders wait longest?",
        query: "category = order | delta ts by order_id | stats max(delta_ts) as longest by order_id",
        answer: "order_id | longest\nO1 | 1.4s\nO2 | 1s\nO3 | 500ms\nO4 | 10s",
    },
    Question {
        asks: "How long do trades take?",
        query: "exists correlation_id | sessions by correlation_id maxspan 5m \
                | fields correlation_id, count, duration, first_event, last_event",
        answer: "correlation_id | count | duration | first_event | last_event
            T1 | 6 | 2s | cross | order_filled
            T2 | 3 | 1s | order_created | order_rejected
            T3 | 3 | 500ms | order_created | order_filled
            T4 | 3 | 20s | order_created | fill",
    },
    Question {
        asks: "Which bursts of trouble?",
        query: "category in (error, system) | sessions by service maxpause 4s | fields service, count, duration, level",
        answer: "service | count | duration | level
            engine | 1 | 0s | info
            gateway | 1 | 0s | error
            gateway | 2 | 1s | critical
            gateway | 1 | 0s | warn",
    },
    // Other events.
    Question {
        asks: "Everything about an order's trade?",
        query: "order_id = O1 | related | fields seq",
        answer: "seq\n3\n4\n5\n7\n8\n9",
    },
    Question {
        asks: "The orders of a signal?",
        query: "event = cross | related symbol -> symbol | where category = order | fields seq",
        answer: "seq\n4\n5\n9\n19\n21",
    },
    Question {
        asks: "What happened around the rejection?",
        query: "event = order_rejected | context 2s 1s | fields seq, matched",
        answer: "seq | matched\n11 | false\n12 | false\n13 | true",
    },
    Question {
        asks: "And in the same service?",
        query: "event = timeout level = critical | context 10s 10s where level >= warn by service | fields seq, matched",
        answer: "seq | matched\n23 | false\n24 | true\n25 | false\n26 | false",
    },
    Question {
        asks: "What was the bid at each fill?",
        query: "category = fill | asof (event = quote) by symbol within 5s | fields seq, bid, asof_ts",
        answer: "seq | bid | asof_ts
            7 | 150.02 | 2026-01-02T14:30:03.000000000Z
            8 | 150.02 | 2026-01-02T14:30:03.000000000Z
            20 | - | -
            29 | - | -",
    },
    Question {
        asks: "How many cents above it were fills?",
        query: "category = fill | asof (event = quote) by symbol within 5s \
                | extend cents = (fill_price - bid) * 100 | stats avg(cents) by strategy",
        answer: "strategy | avg_cents\nmomentum | 5.0\npairs | -",
    },
    Question {
        asks: "Which fills were above the ask, however old?",
        query: "category = fill | asof (event = quote) by symbol | where fill_price > {ask} | fields seq",
        answer: "seq\n8",
    },
    Question {
        asks: "Of which orders are the fills?",
        query: "category = fill | join (event = order_created) on order_id | fields seq, right.seq, fill_quantity, quantity",
        answer: "seq | right.seq | fill_quantity | quantity
            7 | 4 | 60 | 100
            8 | 4 | 40 | 100
            20 | 19 | 100 | 100
            29 | 27 | 4 | 10",
    },
    Question {
        asks: "What is left of each order?",
        query: "event = order_created | join left (category = fill | stats sum(fill_quantity) as done by order_id) on order_id \
                | extend left = quantity - coalesce(done, 0) | fields order_id, done, `left`",
        answer: "order_id | done | left\nO1 | 100 | 0\nO2 | - | 50\nO3 | 100 | 0\nO4 | 4 | 6",
    },
];

fn value(text: &str) -> Value {
    match text {
        "true" | "false" => Value::Bool(text == "true"),
        _ if text.strip_suffix('f').is_some_and(|number| number.parse::<f64>().is_ok()) => {
            Value::F64(text.trim_end_matches('f').parse().unwrap())
        }
        _ => match (text.parse::<i64>(), parse_decimal("", text)) {
            (Ok(whole), _) => Value::I64(whole),
            (_, Ok(decimal)) => Value::Decimal(decimal),
            _ => Value::from(text),
        },
    }
}

/// Records a line; gives its number.
fn record(db: &Db, line: &str) -> u64 {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.trim_start().split_once(' ').unwrap();
        rest = after.trim_start();
        word
    };
    let (seq, ts) = (word().parse().unwrap(), word().parse::<Timestamp>().unwrap());
    let (category, level) = (Category::custom(word()).unwrap(), word().parse::<Level>().unwrap());
    let event = word();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut builder = recorder.event(category, level, event).at(ts);
    while let Some((name, after)) = rest.split_once('=') {
        let (text, quoted) = match after.strip_prefix('"') {
            Some(text) => (&text[..text.find('"').unwrap()], true),
            None => (after.split(' ').next().unwrap(), false),
        };
        let value = if quoted { Value::from(text) } else { value(text) };
        builder = builder.field(name, value.borrow());
        rest = after[text.len() + if quoted { 2 } else { 0 }..].trim_start();
    }
    assert!(builder.emit().is_accepted());
    db.flush().unwrap();
    seq
}

#[test]
fn questions_about_forty_events() {
    assert!(QUESTIONS.len() >= 60, "{}", QUESTIONS.len());
    for seals in [vec![], vec![40], vec![5, 11, 20, 30], vec![25]] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.blotter");
        let db = Options::new().without_threads().open(&path).unwrap();
        for (number, line) in EVENTS.trim().lines().enumerate() {
            assert_eq!(record(&db, line), number as u64);
            if seals.contains(&(number + 1)) {
                db.seal().unwrap();
            }
        }
        check(&db, &format!("sealed after {seals:?}"), QUESTIONS, NOW);
        check(&Reader::open(&path).unwrap(), &format!("read, sealed after {seals:?}"), QUESTIONS, NOW);
    }
}
