use blotter::event::{Category, Level, Timestamp, dec};
use blotter::query::Result;
use blotter::{Datum, Rows};

use super::*;

type Cells<'a> = Vec<(&'a str, Datum)>;

/// The table that rows make, and what is said about it.
fn shown(
    columns: Option<&[&str]>,
    picture: Picture,
    style: Style,
    rows: Vec<Cells<'_>>,
) -> (String, Vec<String>) {
    let rows = Rows::of(columns, picture, Tz::UTC, rows.into_iter().map(Result::Ok));
    let mut table = Table::new(rows.columns(), picture, rows.zone(), style);
    let mut out = Vec::new();
    for row in rows {
        table.row(&mut out, row.unwrap()).unwrap();
    }
    let notes = table.finish(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), notes)
}

fn fitted(width: usize) -> Style {
    Style { width: Some(width), way_to_see_all: ".format json", ..Style::PLAIN }
}

#[track_caller]
fn check(shown: (String, Vec<String>), expected: &str, notes: &[&str]) {
    assert_eq!(shown.0, expected.trim_start_matches('\n'), "\n{}", shown.0);
    assert_eq!(shown.1, notes);
}

fn text(text: &str) -> Datum {
    Datum::Str(text.into())
}

fn time(text: &str) -> Datum {
    Datum::Time(text.parse().unwrap())
}

fn fills() -> Vec<Cells<'static>> {
    vec![
        vec![
            ("symbol", text("AMZN")),
            ("count", Datum::Int(1200)),
            ("price", Datum::Decimal(dec!(223.80))),
            ("latest", time("2012-06-21T13:30:00.190Z")),
        ],
        vec![("symbol", text("")), ("count", Datum::Int(7)), ("latest", time("2012-06-21T13:30:00Z"))],
        vec![("symbol", text("価格\x1b[2J")), ("price", Datum::Float(1e-7))],
    ]
}

const FILL_COLUMNS: [&str; 4] = ["symbol", "count", "price", "latest"];

#[test]
fn listed_columns_are_aligned_and_safe() {
    check(
        shown(Some(&FILL_COLUMNS), Picture::Table, Style::PLAIN, fills()),
        "
symbol       count   price  latest
───────────  ─────  ──────  ────────────────────────
AMZN          1200  223.80  2012-06-21T13:30:00.190Z
\"\"               7          2012-06-21T13:30:00.000Z
価格\\x1b[2J           1e-7
",
        &[],
    );
}

#[test]
fn no_rows_have_a_header_if_their_columns_are_known() {
    check(shown(Some(&["a", "b"]), Picture::Table, Style::PLAIN, vec![]), "a  b\n─  ─\n", &[]);
    check(shown(None, Picture::Table, Style::PLAIN, vec![]), "", &[]);
    check(
        shown(Some(&["ts", "count"]), Picture::Timeline, Style::PLAIN, vec![]),
        "ts  count\n──  ─────\n",
        &[],
    );
}

#[test]
fn on_a_terminal_text_gives_way_and_numbers_do_not() {
    let rows = || {
        vec![
            vec![
                ("message", text("the venue rejected the order for want of margin")),
                ("n", Datum::Int(1_234_567)),
                ("who", text("momentum_strategy")),
            ],
            vec![("message", text("short")), ("n", Datum::Int(5)), ("who", text("m"))],
        ]
    };
    let columns = ["message", "n", "who"];
    check(
        shown(Some(&columns), Picture::Table, fitted(41), rows()),
        "
message                n  who
───────────────  ───────  ───────────────
the venue reje…  1234567  momentum_strat…
short                  5  m
",
        &["2 cells were cut to fit; .format json shows all, `| fields ...` fewer columns"],
    );
    check(
        shown(Some(&columns), Picture::Table, fitted(20), rows()),
        "
message            n
───────────  ───────
the venue …  1234567
short              5
",
        &[
            "no room for who; .format json shows all",
            "1 cell was cut to fit; .format json shows all, `| fields ...` fewer columns",
        ],
    );
    // Nothing is cut where there is no terminal.
    let (whole, notes) = shown(Some(&columns), Picture::Table, Style::PLAIN, rows());
    assert!(whole.contains("for want of margin  1234567  momentum_strategy\n") && notes.is_empty());
}

fn events() -> Vec<Cells<'static>> {
    let event = |n: i64, level, name: &'static str| {
        vec![
            ("ts", Datum::Time(Timestamp(n * 1_000_000))),
            ("seq", Datum::Int(n)),
            ("producer", Datum::Int(2)),
            ("pseq", Datum::Int(n)),
            ("category", Datum::Category(Category::ORDER)),
            ("level", Datum::Level(level)),
            ("event", text(name)),
        ]
    };
    let mut first = event(1, Level::Info, "order_created");
    first.extend([("order_id", text("A-1")), ("price", Datum::Decimal(dec!(10.50))), ("a b", text("c d"))]);
    let mut second = event(2, Level::Error, "rejected");
    second.extend([("message", text("no margin")), ("symbol", text("AMZN"))]);
    vec![first, second]
}

#[test]
fn events_have_the_usual_columns_and_lose_no_field() {
    check(
        shown(None, Picture::Table, Style::PLAIN, events()),
        "
ts                        level  category  event          symbol  message    fields
────────────────────────  ─────  ────────  ─────────────  ──────  ─────────  ───────────────────────────────────────
1970-01-01T00:00:00.001Z  info   order     order_created                     order_id=A-1 price=10.50 \"a b\"=\"c d\" #1
1970-01-01T00:00:00.002Z  error  order     rejected       AMZN    no margin  #2
",
        &[],
    );
}

#[test]
fn a_wide_terminal_has_more_columns_and_a_narrow_one_fewer() {
    let (wide, notes) = shown(None, Picture::Table, fitted(140), events());
    assert!(wide.starts_with("ts                        level  category  event          symbol  order_id  price  message    fields\n"), "{wide}");
    assert!(notes.is_empty());
    let (narrow, notes) = shown(None, Picture::Table, fitted(72), events());
    check(
        (narrow, notes),
        "
ts                        level  event          fields
────────────────────────  ─────  ─────────────  ────────────────────────
1970-01-01T00:00:00.001Z  info   order_created  category=order order_id…
1970-01-01T00:00:00.002Z  error  rejected       \"no margin\" category=or…
",
        &["2 cells were cut to fit; .format json shows all, `| fields ...` fewer columns"],
    );
}

#[test]
fn fields_that_later_rows_have_first_are_shown_too() {
    let mut rows: Vec<Cells<'_>> = (0..300).map(|n| vec![("ts", Datum::Time(Timestamp(n)))]).collect();
    rows.push(vec![
        ("ts", Datum::Time(Timestamp(300))),
        ("late", text("x")),
        ("level", Datum::Level(Level::Warn)),
    ]);
    let (table, _) = shown(None, Picture::Table, Style::PLAIN, rows);
    assert!(table.ends_with("1970-01-01T00:00:00.000000300Z  late=x level=warn\n"), "{table}");
    assert_eq!(table.lines().count(), 303);
}

#[test]
fn later_rows_take_the_room_they_need_where_nothing_is_fitted() {
    let mut rows: Vec<Cells<'_>> = (0..200).map(|_| vec![("a", text("x")), ("n", Datum::Int(1))]).collect();
    rows.push(vec![("a", text("longer than any before")), ("n", Datum::Int(12_345))]);
    let (table, notes) = shown(Some(&["a", "n"]), Picture::Table, Style::PLAIN, rows);
    assert!(
        table.starts_with("a  n\n─  ─\nx  1\n") && table.ends_with("\nlonger than any before  12345\n"),
        "{table}"
    );
    assert!(notes.is_empty());
}

#[test]
fn levels_and_headers_are_coloured() {
    let rows = vec![vec![("level", Datum::Level(Level::Error)), ("n", Datum::Int(1))]];
    let style = Style { colours: true, ..Style::PLAIN };
    check(
        shown(Some(&["level", "n"]), Picture::Table, style, rows),
        "\x1b[1mlevel  n\x1b[0m\n\x1b[2m─────  ─\x1b[0m\n\x1b[31merror\x1b[0m  1\n",
        &[],
    );
}

#[test]
fn timelines_have_bars_and_a_sparkline_for_each_key() {
    let bin = |minute: i64, key: &'static str, count| {
        vec![
            ("ts", Datum::Time(Timestamp(minute * 60_000_000_000))),
            ("category", text(key)),
            ("count", Datum::Int(count)),
        ]
    };
    let rows = vec![
        bin(0, "fill", 0),
        bin(0, "order", 8),
        bin(1, "fill", 1),
        bin(1, "order", 4),
        bin(2, "fill", 2),
        bin(2, "order", 0),
    ];
    check(
        shown(Some(&["ts", "category", "count"]), Picture::Timeline, fitted(54), rows),
        "
ts                    category  count
────────────────────  ────────  ─────
1970-01-01T00:00:00Z  fill          0
1970-01-01T00:00:00Z  order         8  ███████████████
1970-01-01T00:01:00Z  fill          1  █▉
1970-01-01T00:01:00Z  order         4  ███████▌
1970-01-01T00:02:00Z  fill          2  ███▊
1970-01-01T00:02:00Z  order         0

fill   ·▄█  3 in 3 bins, most 2 at 1970-01-01T00:02:00Z
order  █▄·  12 in 3 bins, most 8 at 1970-01-01T00:00:00Z
",
        &[],
    );
}

#[test]
fn histograms_have_bars() {
    let row = |from: i64, count| {
        vec![("from", Datum::Int(from)), ("to", Datum::Int(from + 50)), ("count", Datum::Int(count))]
    };
    let rows = vec![row(0, 10), row(50, 0), row(100, 1)];
    check(
        shown(Some(&["from", "to", "count"]), Picture::Histogram, fitted(26), rows),
        "
from   to  count
────  ───  ─────
   0   50     10  ████████
  50  100      0
 100  150      1  ▊
",
        &[],
    );
}

#[test]
fn more_bins_than_a_chart_takes_are_a_table() {
    let rows = (0..CHART_ROWS_MAX as i64 + 1)
        .map(|n| vec![("ts", Datum::Time(Timestamp(n * 1_000_000_000))), ("count", Datum::Int(1))])
        .collect();
    let (table, notes) = shown(Some(&["ts", "count"]), Picture::Timeline, Style::PLAIN, rows);
    assert_eq!(table.lines().count(), CHART_ROWS_MAX + 3);
    assert_eq!(notes, ["more than 20000 bins: no bars are drawn"]);
}

#[test]
fn a_narrow_terminal_has_the_counts_and_no_bars() {
    let bin = |second: i64, count| {
        vec![("ts", Datum::Time(Timestamp(second * 1_000_000_000))), ("count", Datum::Int(count))]
    };
    check(
        shown(Some(&["ts", "count"]), Picture::Timeline, fitted(28), vec![bin(0, 1), bin(1, 3)]),
        "
ts                    count
────────────────────  ─────
1970-01-01T00:00:00Z      1
1970-01-01T00:00:01Z      3

▃█  4 in 2 bins, most 3 at 1970-01-01T00:00:01Z
",
        &[],
    );
}

#[test]
fn any_width_will_do() {
    let bin = |second: i64, key: &'static str| {
        vec![
            ("ts", Datum::Time(Timestamp(second * 1_500_000_000))),
            ("side", text(key)),
            ("count", Datum::Int(second)),
        ]
    };
    let range = |from: i64| {
        vec![
            ("from", Datum::Int(from)),
            ("to", Datum::Int(from + 50)),
            ("count", Datum::Int(from * 1_000_000)),
        ]
    };
    let identifiers = || {
        let identifier = "20120621-AMZN-00001234";
        vec![vec![("order_id", text(identifier)), ("n", Datum::Int(1)), ("parent_id", text(identifier))]]
    };
    for width in 0..=150 {
        let timeline = || vec![bin(0, "buy"), bin(0, "sell"), bin(1, "buy"), bin(1, "価格の変化")];
        let histogram = vec![range(0), range(50), range(100)];
        for (columns, picture, rows) in [
            (Some(&["ts", "count"][..]), Picture::Timeline, timeline()),
            (Some(&["ts", "side", "count"]), Picture::Timeline, timeline()),
            (Some(&["from", "to", "count"]), Picture::Histogram, histogram),
            (Some(&FILL_COLUMNS), Picture::Table, fills()),
            (Some(&["order_id", "n", "parent_id"]), Picture::Table, identifiers()),
            (None, Picture::Table, identifiers()),
            (None, Picture::Table, events()),
        ] {
            let count = rows.len();
            let (table, _) = shown(columns, picture, fitted(width), rows);
            assert!(table.lines().count() >= count + 2, "{width}: {table}");
        }
    }
}

#[test]
fn identifiers_are_kept_whole_while_anything_else_can_give_way() {
    let rows = || {
        vec![vec![
            ("order_id", text("20120621-AMZN-11885113")),
            ("message", text("fill: 21 @ 223.81 (commission 0.0735)")),
            ("n", Datum::Int(21)),
            ("parent_id", text("maker_82eb153b5c0a")),
        ]]
    };
    let columns = Some(&["order_id", "message", "n", "parent_id"][..]);
    let cut =
        |cells| format!("{cells} cell was cut to fit; .format json shows all, `| fields ...` fewer columns");
    check(
        shown(columns, Picture::Table, fitted(60), rows()),
        "
order_id                message        n  parent_id
──────────────────────  ────────────  ──  ──────────────────
20120621-AMZN-11885113  fill: 21 @ …  21  maker_82eb153b5c0a
",
        &[&cut(1)],
    );
    // Others are left out before any is cut, from the last on.
    check(
        shown(columns, Picture::Table, fitted(50), rows()),
        "
order_id                parent_id
──────────────────────  ──────────────────
20120621-AMZN-11885113  maker_82eb153b5c0a
",
        &["no room for message, n; .format json shows all"],
    );
    check(
        shown(columns, Picture::Table, fitted(30), rows()),
        "
order_id
──────────────────────
20120621-AMZN-11885113
",
        &["no room for message, n, parent_id; .format json shows all"],
    );
    // What would not fit alone is a text like any other.
    check(
        shown(columns, Picture::Table, fitted(20), rows()),
        "
parent_id
──────────────────
maker_82eb153b5c0a
",
        &["no room for order_id, message, n; .format json shows all"],
    );
}

#[test]
fn events_have_a_column_of_identifiers_only_if_they_fit() {
    let rows = || {
        let mut rows = events();
        for row in &mut rows {
            row.retain(|(name, _)| *name != "order_id");
            row.push(("order_id", text("20120621-AMZN-11885113")));
        }
        rows
    };
    for (width, has_column) in [(80, false), (84, false), (86, true), (98, true), (120, true)] {
        let (table, _) = shown(None, Picture::Table, fitted(width), rows());
        assert_eq!(table.lines().next().unwrap().contains("order_id"), has_column, "{width}:\n{table}");
        let whole = table.matches("20120621-AMZN-11885113 ").count();
        assert!(!has_column || whole == 2, "{width}:\n{table}");
        assert!(table.lines().all(|line| crate::render::width::width(line) <= width), "{width}:\n{table}");
    }
}
