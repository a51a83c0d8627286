//! What is suggested at the cursor, how texts are coloured, and when a prompt goes on.

use crate::syntax::{Span, Token, Words, complete, highlight, is_unfinished};

/// The words of a small database.
pub(super) struct Small;

impl Words for Small {
    fn field_names(&self) -> Vec<String> {
        let names =
            ["ts", "seq", "level", "category", "symbol", "status", "price", "latency_us", "last", "my-field"];
        names.map(str::to_owned).to_vec()
    }

    fn field_values(&self, field: &str, prefix: &str, limit: usize) -> Vec<String> {
        let values: &[&str] = match field {
            "symbol" => &["AAPL", "AMZN", "BRK.B", "MSFT"],
            "status" => &["filled", "partially filled", "not", "re\"jected"],
            "level" => &["debug", "error", "warn"],
            _ => &[],
        };
        values
            .iter()
            .filter(|value| value.starts_with(prefix))
            .take(limit)
            .map(|value| (*value).to_owned())
            .collect()
    }
}

/// Suggestions at `^`: what is replaced, and the first texts.
fn check(written: &str, replaced: &str, first: &[&str]) {
    let cursor = written.find('^').expect("a cursor");
    let text = written.replace('^', "");
    let completion = complete(&text, cursor, &Small);
    let Span { start, end } = completion.replaced;
    assert_eq!(&text[start..end], replaced, "{written}");
    let found: Vec<&str> = completion.suggestions.iter().map(|suggestion| suggestion.text.as_str()).collect();
    assert_eq!(found.iter().take(first.len()).copied().collect::<Vec<_>>(), first, "{written}: {found:?}");
    if first.is_empty() {
        assert_eq!(found, first, "{written}");
    }
}

#[test]
fn what_begins_so_is_not_mixed_with_what_only_holds_it() {
    for (written, expected) in [
        ("sy", &["symbol"][..]),
        // Not abs(, which begins so but is no value.
        ("symbol = AM", &["AMZN"]),
        ("symbol = A", &["AAPL", "AMZN"]),
    ] {
        let completion = complete(written, written.len(), &Small);
        let found: Vec<&str> =
            completion.suggestions.iter().map(|suggestion| suggestion.text.as_str()).collect();
        assert_eq!(found, expected, "{written}");
    }
}

#[test]
fn what_can_come_next_is_suggested() {
    // Conditions.
    check("^", "", &["ts", "seq", "level", "category", "symbol"]);
    check("sy^", "sy", &["symbol"]);
    check("SY^", "SY", &["symbol"]);
    check("ency^", "ency", &["latency_us"]);
    check("my^", "my", &["`my-field`"]);
    check("`my^", "`my", &["`my-field`"]);
    check("ex^", "ex", &["exists", "exp(", "extract("]);
    check("symbol ^", "", &["=", "!=", "<"]);
    check("symbol i^", "i", &["in", "if("]);
    check("symbol = AAPL ^", "", &["and", "or", "|"]);
    check("symbol = AAPL a^", "a", &["and", "abs("]);
    check("symbol = AAPL and le^", "le", &["level", "length("]);
    check("symbol = AAPL le^", "le", &["level", "length("]);
    check("not le^", "le", &["level"]);
    check("(le^", "le", &["level"]);
    check("exists l^", "l", &["level", "latency_us", "`last`"]);
    check("timeout ^", "", &["and", "or", "|"]);
    check("last ^", "", &["1s", "5s"]);
    check("since ^", "", &["now", "today"]);
    check("on y^", "y", &["yesterday"]);
    check("since 09:30 ^", "", &["and", "or", "tz", "|"]);
    check("since 09:30 tz ame^", "ame", &["America/Adak"]);
    check("since 09:30 tz York^", "York", &["America/New_York"]);
    // Values.
    check("symbol = ^", "", &["AAPL", "AMZN", "BRK.B", "MSFT"]);
    check("symbol = A^", "A", &["AAPL", "AMZN"]);
    check("symbol=A^", "A", &["AAPL", "AMZN"]);
    check("symbol = \"A^", "\"A", &["\"AAPL\"", "\"AMZN\""]);
    check("symbol != M^", "M", &["MSFT"]);
    check("symbol in (^", "", &["AAPL"]);
    check("symbol in (AAPL, M^", "M", &["MSFT"]);
    check("symbol in (AAPL ^", "", &[]);
    check("symbol not in (AAPL, M^", "M", &["MSFT"]);
    check("`symbol` = M^", "M", &["MSFT"]);
    check("symbol like ^", "", &["AAPL"]);
    check("level between ^", "", &["debug", "error", "warn"]);
    check("level between debug ^", "", &["and"]);
    check("level between debug and w^", "w", &["warn"]);
    check("status = ^", "", &["filled", "\"partially filled\"", "\"not\"", "\"re\\\"jected\""]);
    check("status = \"partially f^", "\"partially f", &["\"partially filled\""]);
    check("not (symbol = A^", "A", &["AAPL", "AMZN"]);
    check("symbol = AAPL and symbol = M^", "M", &["MSFT"]);
    check("symbol = AAPL symbol = M^ side = BUY", "M", &["MSFT"]);
    check("symbol = $^", "$", &[]);
    check("symbol = $na^", "$na", &[]);
    check("symbol = AAPL # sy^", "", &[]);
    // Stages.
    check("symbol = AAPL | ^", "", &["where", "fields", "extend", "sort"]);
    check("symbol = AAPL | s^", "s", &["sort", "sample", "stats", "sessions"]);
    check("symbol = AAPL |s^", "s", &["sort"]);
    check("| where sy^", "sy", &["symbol"]);
    check("| where symbol = M^", "M", &["MSFT"]);
    check("| fields ^", "", &["ts"]);
    check("| fields e^", "e", &["except", "exp("]);
    check("| fields ts, e^", "e", &["exp(", "ends_with(", "extract("]);
    check("| fields except sy^", "sy", &["symbol"]);
    check("| fields ts ^", "", &["as", "|"]);
    check("| fields ts as ^", "", &[]);
    check("| sort ^", "", &["ts"]);
    check("| sort ts d^", "d", &["desc"]);
    check("| sort ts desc, pr^", "pr", &["price"]);
    check("| head ^", "", &["10"]);
    check("| top ^", "", &["10"]);
    check("| top 10 sy^", "sy", &["symbol"]);
    check("| top 10 symbol b^", "b", &["by"]);
    check("| top 10 symbol by a^", "a", &["avg(", "arg_max("]);
    check("| stats ^", "", &["count(", "sum("]);
    check("| stats p9^", "p9", &["p90(", "p95(", "p99(", "p99.9("]);
    check("| stats avg(la^", "la", &["latency_us", "`last`"]);
    check("| stats count(wh^", "wh", &["where"]);
    check("| stats count(where symbol = M^", "M", &["MSFT"]);
    check("| stats sum(price wh^", "wh", &["where"]);
    check("| stats count() ^", "", &["as", "by", "|"]);
    check("| stats count() as n, a^", "a", &["avg("]);
    check("| stats count() by sy^", "sy", &["symbol"]);
    check("| stats count() by symbol, st^", "st", &["status", "starts_with("]);
    check("| extend x^", "x", &[]);
    check("| extend x ^", "", &["="]);
    check("| extend x = pr^", "pr", &["price"]);
    check("| extend x = price * la^", "la", &["latency_us"]);
    check("| extend x = if(symbol = M^", "M", &["MSFT"]);
    check("| extend x = if(symbol = MSFT, pr^", "pr", &["price"]);
    check("| extend x = round(pr^", "pr", &["price"]);
    check("price > {la^", "la", &["latency_us"]);
    check("| timeline ^", "", &["1s"]);
    check("| timeline 1m ^", "", &["tz", "by", "|"]);
    check("| timeline 1m tz Europe/Lo^", "Europe/Lo", &["Europe/London"]);
    check("| timeline by ca^", "ca", &["category"]);
    check("| tz utc^", "utc", &["UTC"]);
    check("| bin(t^", "t", &["ts", "trim("]);
    check("| sessions ^", "", &["by"]);
    check("| sessions by symbol m^", "m", &["maxspan", "maxpause"]);
    check("| related sy^", "sy", &["symbol"]);
    check("| related symbol ^", "", &["->", "|"]);
    check("| related symbol -> st^", "st", &["status"]);
    check("| lifecycle ^", "", &["of", "|"]);
    check("| lifecycle of ^", "", &["rows"]);
    check("| lifecycle of rows ^", "", &["|"]);
    check("| lifecycle | where illegal^", "illegal", &["illegal_transitions"]);
    check("| context 5s ^", "", &["1s"]);
    check("| context 5s 5s ^", "", &["where", "by", "|"]);
    check("| context 5s 5s where symbol = M^", "M", &["MSFT"]);
    check("| context 5s 5s where symbol = MSFT b^", "b", &["by"]);
    // Other queries.
    check("| asof ^", "", &["("]);
    check("| asof (symbol = M^", "M", &["MSFT"]);
    check("| asof (symbol = MSFT | s^", "s", &["sort"]);
    check("| asof (symbol = MSFT) ^", "", &["by"]);
    check("| asof (symbol = MSFT) by sy^", "sy", &["symbol"]);
    check("| asof (symbol = MSFT) by symbol ^", "", &["within", "|"]);
    check("| asof (symbol = MSFT) by symbol within ^", "", &["1s"]);
    check("| join ^", "", &["left", "("]);
    check("| join left (le^", "le", &["level"]);
    check("| join (level = warn) o^", "o", &["on"]);
    check("| join (level = warn) on sy^", "sy", &["symbol"]);
}

#[test]
fn columns_that_the_pipeline_made_are_suggested() {
    check(
        "| stats count(), avg(price) as mean, p99(latency_us) by symbol | sort ^",
        "",
        &["symbol", "count", "mean", "p99_latency_us"],
    );
    check("| stats count() by symbol | sort pr^", "pr", &[]);
    check("| extend total = price * 2 | where to^", "to", &["total", "to_number("]);
    check("| fields symbol as ticker | head 5 | sort ^", "", &["ticker"]);
    check("| prev price by symbol | where pre^", "pre", &["prev_price"]);
    check("| asof (symbol = A | extend mid = price | where m^", "m", &["mid", "`my-field`", "missing"]);
    check("| asof (symbol = A | extend mid = price) by symbol | sort as^", "as", &["asof_ts"]);
    check("| histogram(price) | sort ^", "", &["from", "to", "count"]);
    check("| timeline 1m by level | where ^", "", &["ts", "level", "count"]);
}

#[test]
fn every_part_has_its_colour() {
    use Token::*;
    let check = |text: &str, expected: &[(&str, Token)]| {
        let found: Vec<(&str, Token)> = highlight(text)
            .into_iter()
            .map(|(span, token)| (text[span.start..span.end].trim(), token))
            .filter(|(part, _)| !part.is_empty())
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        "level >= error last 5m | top 10 message",
        &[
            ("level", Field),
            (">=", Operator),
            ("error", Value),
            ("last", Keyword),
            ("5m", Number),
            ("|", Operator),
            ("top", Stage),
            ("10", Number),
            ("message", Field),
        ],
    );
    check(
        "timeout \"a b\" not x not in (1, 'b', $c)",
        &[
            ("timeout", Value),
            ("\"a b\"", Quoted),
            ("not", Keyword),
            ("x", Value),
            ("not", Keyword),
            ("in", Keyword),
            ("(", Other),
            ("1", Number),
            (",", Other),
            ("'b'", Quoted),
            (",", Other),
            ("$c", Parameter),
            (")", Other),
        ],
    );
    check(
        "| extend x = if(a = b, -p99.9, 1e-7) / 5%",
        &[
            ("|", Operator),
            ("extend", Stage),
            ("x", Field),
            ("=", Operator),
            ("if", Function),
            ("(", Other),
            ("a", Field),
            ("=", Operator),
            ("b", Value),
            (",", Other),
            ("-", Operator),
            ("p99.9", Field),
            (",", Other),
            ("1e-7", Number),
            (")", Other),
            ("/", Operator),
            ("5%", Number),
        ],
    );
    check(
        "| stats count(where a = b) as n by symbol",
        &[
            ("|", Operator),
            ("stats", Stage),
            ("count", Function),
            ("(", Other),
            ("where", Keyword),
            ("a", Field),
            ("=", Operator),
            ("b", Value),
            (")", Other),
            ("as", Keyword),
            ("n", Field),
            ("by", Keyword),
            ("symbol", Field),
        ],
    );
    check(
        "a => b | sortt ts )",
        &[
            ("a", Field),
            ("=>", Wrong),
            ("b", Value),
            ("|", Operator),
            ("sortt", Wrong),
            ("ts", Wrong),
            (")", Wrong),
        ],
    );
    check(
        "a = b # not this | sort",
        &[("a", Field), ("=", Operator), ("b", Value), ("# not this | sort", Other)],
    );
    check("", &[]);
}

#[test]
fn queries_have_no_wrong_parts() {
    for text in super::queries::VALID {
        let wrong = highlight(text).into_iter().find(|(_, token)| *token == Token::Wrong);
        assert_eq!(wrong.map(|(span, _)| &text[span.start..span.end]), None, "{text}");
        assert!(!is_unfinished(text), "{text}");
    }
}

#[test]
fn a_prompt_goes_on_after_what_is_unfinished() {
    let check = |text: &str, expected: bool| assert_eq!(is_unfinished(text), expected, "{text}");
    check("", false);
    check("  ", false);
    check("# a comment |", false);
    check("symbol = AAPL", false);
    check("symbol = AAPL |", true);
    check("symbol = AAPL | # stages follow", true);
    check("symbol = AAPL \\", true);
    check("symbol = AAPL\\", true);
    check("symbol = AAPL \\\n | head 5", false);
    check("symbol =", true);
    check("symbol = AAPL and", true);
    check("not", true);
    check("symbol in", true);
    check("symbol in (AAPL,", true);
    check("(symbol = AAPL", true);
    check("| asof (symbol = AAPL | sort ts", true);
    check("| asof (symbol = AAPL | sort ts)", false);
    check("| stats count(), ", true);
    check("| extend x = price *", true);
    check("price > {bid", true);
    check("symbol = \"AAPL", true);
    check("symbol = \"AAPL\\\"", true);
    check("symbol = \"AAPL\\\\\"", false);
    check("symbol = 'AAPL", true);
    check("`my field", true);
    check("symbol = \"a | b\"", false);
    check("symbol = AAPL)", false);
}
