//! What is wrong with a query, where, and what to write instead.

use super::*;

#[test]
fn patterns_are_bounded_in_size_and_number() {
    use ErrorKind::TooComplex;
    let hint = "to find the text as it stands, write: contains \"...\"";
    let pattern = "\"((a{900}){900}){9}\"";
    fails(&format!("symbol ~ {pattern}"), TooComplex, pattern, "the pattern takes more than 1024 KiB", hint);
    let many = vec!["symbol ~ a"; 257].join(" or ");
    fails(&many, TooComplex, "a", "more than 256 patterns", "put alternatives into one pattern: ~ \"a|b\"");
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
    fails(
        "symbol like 'AM%'",
        crate::error::ErrorKind::Value,
        "'AM%'",
        "`%` stands for itself in a pattern",
        "for any characters, write: like \"AM*\"",
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
    fails(
        "| stats count(latency_us) | where count_latency_us > 1ms",
        Type,
        "1ms",
        "'count_latency_us' has no unit; write a number",
        "units are understood against names such as latency_us, size_kb, fee_bps",
    );
    fails("ok = yes", Type, "yes", "'ok' is a truth value, and 'yes' is a word", "write true or false");
    let beyond = "'1e40' is beyond the numbers that can be compared";
    fails("price > 1e40", ErrorKind::Value, "1e40", beyond, "");
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
    fails(
        "| extend x = latency_us - 1ms",
        Type,
        "latency_us - 1ms",
        "'-' does not take the value of a field and a duration",
        "in the unit of 'latency_us', write 1000",
    );
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
    use ErrorKind::{TooComplex, Type, UnknownName};
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
        TooComplex,
        "timeline 1ms",
        "the timeline has more than 1000000 bins",
        "make the bins wider, or the time shorter",
    );
}
